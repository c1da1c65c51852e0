/*
 * log-all [long|flood|secret|say TARGET MESSAGE|slow]: loop:core/logging, every level, fields of
 * every kind.
 *
 * long: one entry far over any limit; flood: ten thousand entries; secret: what
 * a redacting provider should hide; slow: two entries, 1.2 seconds, two entries.
 */
#include <unistd.h>

#include "gen/loop.h"
#include "guest.h"

#define S(s) TEXT(loop_string_t, s)
#define LOG(level, target, message, ...)                                                           \
    do {                                                                                           \
        loop_core_logging_field_t f[] = {__VA_ARGS__};                                             \
        loop_core_logging_list_field_t list = {f, sizeof f / sizeof *f};                           \
        loop_string_t t = S(target), m = S(message);                                               \
        loop_core_logging_log(LOOP_CORE_LOGGING_LEVEL_##level, &t, &m, &list);                     \
    } while (0)
#define TEXT_FIELD(n, v)                                                                           \
    {                                                                                              \
        S(n),                                                                                      \
        {                                                                                          \
            LOOP_CORE_LOGGING_FIELD_VALUE_TEXT,                                                    \
            {                                                                                      \
                .text = S(v)                                                                       \
            }                                                                                      \
        }                                                                                          \
    }
#define INTEGER_FIELD(n, v)                                                                        \
    {                                                                                              \
        S(n),                                                                                      \
        {                                                                                          \
            LOOP_CORE_LOGGING_FIELD_VALUE_INTEGER,                                                 \
            {                                                                                      \
                .integer = v                                                                       \
            }                                                                                      \
        }                                                                                          \
    }
#define FLOAT_FIELD(n, v)                                                                          \
    {                                                                                              \
        S(n),                                                                                      \
        {                                                                                          \
            LOOP_CORE_LOGGING_FIELD_VALUE_FLOAT,                                                   \
            {                                                                                      \
                .float_ = v                                                                        \
            }                                                                                      \
        }                                                                                          \
    }
#define BOOLEAN_FIELD(n, v)                                                                        \
    {                                                                                              \
        S(n),                                                                                      \
        {                                                                                          \
            LOOP_CORE_LOGGING_FIELD_VALUE_BOOLEAN,                                                 \
            {                                                                                      \
                .boolean = v                                                                       \
            }                                                                                      \
        }                                                                                          \
    }

static void every_kind(void)
{
    LOG(TRACE, "", "a trace entry");
    LOG(DEBUG, "parser", "a debug entry", TEXT_FIELD("text", "plain"));
    LOG(INFO, "parser", "an info entry", INTEGER_FIELD("integer", -42), FLOAT_FIELD("float", 1.5));
    LOG(WARN, "", "a warning", BOOLEAN_FIELD("yes", true), BOOLEAN_FIELD("no", false));
    LOG(ERROR, "store", "an error with \"quotes\", a\nnewline and Ünïcode", TEXT_FIELD("empty", ""),
        TEXT_FIELD("control", "\x1b[31mred\x1b[0m"), INTEGER_FIELD("largest", INT64_MAX));
    printf("trace %s, error %s\n",
           loop_core_logging_enabled(LOOP_CORE_LOGGING_LEVEL_TRACE) ? "kept" : "dropped",
           loop_core_logging_enabled(LOOP_CORE_LOGGING_LEVEL_ERROR) ? "kept" : "dropped");
}

int main(int argc, char **argv)
{
    const char *mode = argument(argc, argv, 1, "all");
    if (strcmp(mode, "long") == 0) {
        enum { SIZE = 1 << 20 };
        char *message = malloc(SIZE + 1);
        memset(message, 'x', SIZE);
        message[SIZE] = 0;
        LOG(INFO, "long", message, TEXT_FIELD("also", message));
    } else if (strcmp(mode, "flood") == 0) {
        for (int i = 0; i < 10000; i++)
            LOG(INFO, "flood", "one of many", INTEGER_FIELD("number", i));
    } else if (strcmp(mode, "secret") == 0) {
        LOG(INFO, "auth", "signed in with token=abc123", TEXT_FIELD("password", "hunter2"),
            TEXT_FIELD("authorization", "Bearer abc123"), TEXT_FIELD("user", "ada"));
    } else if (strcmp(mode, "say") == 0) {
        LOG(INFO, argument(argc, argv, 2, ""), argument(argc, argv, 3, ""));
    } else if (strcmp(mode, "slow") == 0) {
        for (int i = 0; i < 4; i++) {
            if (i == 2)
                usleep(1200000);
            LOG(INFO, "slow", "one of four", INTEGER_FIELD("number", i));
        }
    } else {
        every_kind();
    }
    puts("logged");
    return 0;
}
