/* wants-version: needs loop:core/logging@9.0.0. */
#include "gen/odd.h"
#include "guest.h"

int main(void)
{
    odd_string_t message = TEXT(odd_string_t, "from the future");
    loop_core_9_0_0_logging_log(&message);
    puts("logged");
    return 0;
}
