/* base/option.c: implements base/option.h. */
#include "base/option.h"

#include "base/base.h"

char *lp_option_list(const char *values)
{
    lp_buf b = {0};
    for (const char *p = values; *p; p++) {
        if (*p == '|')
            lp_buf_puts(&b, ", ");
        else
            lp_buf_add(&b, p, 1);
    }
    return lp_buf_take(&b);
}

bool lp_option_is_type(const char *type)
{
    static const char *const types[] = {"string", "enum", "size", "duration",
                                        "number", "bool", "path"};
    for (size_t i = 0; i < LP_COUNT(types); i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

/* Which of "a|b|c" it is; -1: none. */
static int place(const char *values, const char *text)
{
    size_t len = strlen(text);
    int at = 0;
    for (const char *p = values; *p; at++) {
        size_t n = strcspn(p, "|");
        if (n == len && memcmp(p, text, n) == 0)
            return at;
        p += n;
        p += *p == '|';
    }
    return -1;
}

static bool parse_number(const char *text, uint64_t *ret)
{
    uint64_t n = 0;
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9' || n > (UINT64_MAX - 9) / 10)
            return false;
        n = n * 10 + (uint64_t)(*p - '0');
    }
    *ret = n;
    return *text != 0;
}

char *lp_option_expected(const char *type, const char *values, const char *text)
{
    uint64_t number;
    if (strcmp(type, "enum") == 0 && place(values, text) < 0) {
        lp_auto(lp_free_string) char *list = lp_option_list(values);
        return lp_format("one of %s", list);
    }
    if (strcmp(type, "size") == 0 && !lp_parse_size(text, &number))
        return lp_strdup("a size such as 64MiB");
    if (strcmp(type, "duration") == 0 && !lp_parse_duration(text, &number))
        return lp_strdup("a duration such as 5s or 250ms");
    if (strcmp(type, "number") == 0 && !parse_number(text, &number))
        return lp_strdup("a whole number");
    if (strcmp(type, "bool") == 0 && place("false|true", text) < 0)
        return lp_strdup("true or false");
    if (strcmp(type, "string") == 0 && (!*text || strlen(text) > LP_MAX_OPTION_TEXT))
        return lp_format("a text of 1 to %d bytes", LP_MAX_OPTION_TEXT);
    if (strcmp(type, "path") == 0 && (!*text || strlen(text) > LP_MAX_PATH))
        return lp_strdup("a path");
    return NULL;
}

uint64_t lp_option_number(const char *type, const char *values, const char *text)
{
    uint64_t number = 0;
    if (!text)
        return 0;
    if (strcmp(type, "enum") == 0)
        return (uint64_t)LP_MAX(place(values, text), 0);
    if (strcmp(type, "bool") == 0)
        return (uint64_t)LP_MAX(place("false|true", text), 0);
    bool ok = strcmp(type, "size") == 0       ? lp_parse_size(text, &number)
              : strcmp(type, "duration") == 0 ? lp_parse_duration(text, &number)
              : strcmp(type, "number") == 0   ? parse_number(text, &number)
                                              : false;
    return ok ? number : 0;
}
