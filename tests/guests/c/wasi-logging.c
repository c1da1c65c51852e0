/* wasi-logging [CONTEXT MESSAGE]: wasi:logging/logging, every level; or one entry. */
#include "gen/drafts.h"
#include "guest.h"

int main(int argc, char **argv)
{
    if (argc > 2) {
        drafts_string_t context = TEXT(drafts_string_t, argv[1]);
        drafts_string_t message = TEXT(drafts_string_t, argv[2]);
        wasi_logging_logging_log(WASI_LOGGING_LOGGING_LEVEL_INFO, &context, &message);
        return 0;
    }
    static const char *const levels[] = {"trace", "debug", "info", "warn", "error", "critical"};
    for (unsigned i = 0; i < 6; i++) {
        drafts_string_t context = TEXT(drafts_string_t, i % 2 ? "guest" : "");
        drafts_string_t message = TEXT(drafts_string_t, levels[i]);
        wasi_logging_logging_log((wasi_logging_logging_level_t)i, &context, &message);
    }
    puts("logged");
    return 0;
}
