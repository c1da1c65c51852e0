/* providers/redact/mask.c: implements providers/redact/mask.h. */
#include "providers/redact/mask.h"

#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_word(char c)
{
    c = lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool is_at(const char *text, size_t len, const char *name, size_t n)
{
    if (n == 0 || n > len)
        return false;
    for (size_t i = 0; i < n; i++)
        if (lower(text[i]) != name[i])
            return false;
    return true;
}

/* How long the name is that begins here; 0: none does. */
static size_t name_at(mask_names names, const char *text, size_t len)
{
    size_t longest = 0;
    for (const char *name = names.list; *name;) {
        size_t n = strcspn(name, ",");
        if (n > longest && is_at(text, len, name, n))
            longest = n;
        name += n;
        name += *name == ',';
    }
    return longest;
}

bool mask_has_name(mask_names names, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (name_at(names, text + i, len - i))
            return true;
    return false;
}

static size_t skip_spaces(const char *text, size_t len, size_t i)
{
    while (i < len && (text[i] == ' ' || text[i] == '\t'))
        i++;
    return i;
}

/* From behind a name to the first byte of its value; 0: no value follows. */
static size_t value_start(const char *text, size_t len, size_t i)
{
    while (i < len && is_word(text[i]))
        i++;
    if (i < len && (text[i] == '"' || text[i] == '\'')) /* {"token": 1} */
        i++;
    i = skip_spaces(text, len, i);
    if (i == len || (text[i] != '=' && text[i] != ':'))
        return 0;
    i++;
    if (i < len && text[i - 1] == '=' && text[i] == '>')
        i++;
    return skip_spaces(text, len, i);
}

static size_t word_end(const char *text, size_t len, size_t i)
{
    /* A zero byte ends no value: strchr would find it. */
    while (i < len && (!text[i] || !strchr(" \t\r\n,;&|)]}", text[i])))
        i++;
    return i;
}

static size_t quoted_end(const char *text, size_t len, size_t i)
{
    char quote = text[i - 1];
    while (i < len && text[i] != quote)
        i += text[i] == '\\' && i + 1 < len ? 2 : 1;
    return i;
}

static bool is_scheme(const char *text, size_t n)
{
    return (n == 6 && is_at(text, n, "bearer", n)) || (n == 5 && is_at(text, n, "basic", n)) ||
           (n == 5 && is_at(text, n, "token", n));
}

static size_t value_end(const char *text, size_t len, size_t start)
{
    size_t end = word_end(text, len, start), next = skip_spaces(text, len, end);
    bool scheme = next > end && is_scheme(text + start, end - start);
    return scheme ? word_end(text, len, next) : end;
}

size_t mask_text(mask_names names, const char *text, size_t len, char *out)
{
    size_t to = 0, from = 0;
    for (size_t i = 0; i < len;) {
        size_t n = name_at(names, text + i, len - i);
        size_t start = n ? value_start(text, len, i + n) : 0;
        if (!start || start == len) {
            i++;
            continue;
        }
        bool quoted = text[start] == '"' || text[start] == '\'';
        start += quoted;
        size_t end = quoted ? quoted_end(text, len, start) : value_end(text, len, start);
        if (end == start) {
            i = start;
            continue;
        }
        memcpy(out + to, text + from, start - from);
        to += start - from;
        memcpy(out + to, "***", 3);
        to += 3;
        from = i = end;
    }
    memcpy(out + to, text + from, len - from);
    return to + len - from;
}
