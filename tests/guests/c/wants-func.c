/* wants-func: needs a function `logg` of loop:core/logging@0.1.0, which has none of that name. */
#include "gen/misspelt.h"
#include "guest.h"

int main(void)
{
    misspelt_string_t message = TEXT(misspelt_string_t, "misspelt");
    loop_core_logging_logg(&message);
    puts("logged");
    return 0;
}
