/* wasi-logging: wasi:logging/logging, every level. */
#include "gen/drafts.h"
#include "guest.h"

int main(void)
{
    static const char *const levels[] = {"trace", "debug", "info", "warn", "error", "critical"};
    for (unsigned i = 0; i < 6; i++) {
        drafts_string_t context = TEXT(drafts_string_t, i % 2 ? "guest" : "");
        drafts_string_t message = TEXT(drafts_string_t, levels[i]);
        wasi_logging_logging_log((wasi_logging_logging_level_t)i, &context, &message);
    }
    puts("logged");
    return 0;
}
