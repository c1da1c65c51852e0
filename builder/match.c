/*
 * builder/match.c: whether what happened is what a test case says; what differs, otherwise.
 *
 * A difference is shown as lines of both, between what is the same at the beginning and at the
 * end: short, and found in one pass, whatever a component wrote.
 */
#include <regex.h>
#include <stdlib.h>

#include "builder/cases.h"

#define CONTEXT 2 /* lines that are the same, shown before a difference */
#define SHOWN 30  /* lines of either side */

typedef struct lines {
    lp_str *at;
    size_t n, cap;
} lines;

/* Never without memory: places in it are computed. */
static lines split(const char *text)
{
    lines l = {0};
    *lp_push(&l) = (lp_str){text, 0};
    l.n = 0;
    while (*text) {
        size_t n = strcspn(text, "\n");
        *lp_push(&l) = (lp_str){text, n};
        text += n + (text[n] == '\n');
    }
    return l;
}

static void put(lp_buf *b, char sign, const lp_str *at, size_t n)
{
    for (size_t i = 0; i < LP_MIN(n, (size_t)SHOWN); i++)
        lp_buf_printf(b, "%c%.*s\n", sign, (int)at[i].len, at[i].ptr);
    if (n > SHOWN)
        lp_buf_printf(b, "%c... and %zu lines more\n", sign, n - SHOWN);
}

/* ---- exactly ---- */

static bool ends_line(const char *text)
{
    size_t n = strlen(text);
    return n && text[n - 1] == '\n';
}

static char *compare_text(const char *expected, const char *found)
{
    if (strcmp(expected, found) == 0)
        return NULL;
    lines a = split(expected), b = split(found);
    size_t same = 0, tail = 0;
    while (same < a.n && same < b.n && lp_str_eq(a.at[same], b.at[same]))
        same++;
    while (tail < a.n - same && tail < b.n - same &&
           lp_str_eq(a.at[a.n - 1 - tail], b.at[b.n - 1 - tail]))
        tail++;
    lp_buf out = {0};
    size_t from = same > CONTEXT ? same - CONTEXT : 0;
    put(&out, ' ', a.at + from, same - from);
    put(&out, '-', a.at + same, a.n - same - tail);
    put(&out, '+', b.at + same, b.n - same - tail);
    if (same == a.n && same == b.n) /* nothing but how the last one ends */
        lp_buf_puts(&out,
                    ends_line(found) ? "+(a newline at the end)\n" : "-(a newline at the end)\n");
    free(a.at);
    free(b.at);
    return lp_buf_take(&out);
}

/* ---- line by line ---- */

static bool line_fits(const char *pattern, lp_str line)
{
    size_t n = strlen(pattern);
    if (n <= 2 || pattern[0] != '/' || pattern[n - 1] != '/')
        return lp_str_is(line, pattern);
    lp_auto(lp_free_string) char *whole = lp_format("^(%.*s)$", (int)n - 2, pattern + 1);
    lp_auto(lp_free_string) char *text = lp_strndup(line.ptr, line.len);
    regex_t compiled;
    if (regcomp(&compiled, whole, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    bool fits = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return fits;
}

static bool is_any(const char *pattern)
{
    return pattern && strcmp(pattern, "...") == 0;
}

/* Goes back to the last "..." alone and lets it take one line more: enough, as for any glob. */
static char *compare_lines(const char *const *patterns, const char *found)
{
    lines l = split(found);
    size_t p = 0, i = 0, best_p = 0, best_i = 0, any_p = SIZE_MAX, any_i = 0;
    while (i < l.n || patterns[p]) {
        if (is_any(patterns[p])) {
            any_p = p++;
            any_i = i;
        } else if (i < l.n && patterns[p] && line_fits(patterns[p], l.at[i])) {
            p++;
            i++;
        } else if (any_p != SIZE_MAX && any_i < l.n) {
            i = ++any_i;
            p = any_p + 1;
        } else {
            break;
        }
        if (p > best_p) {
            best_p = p;
            best_i = i;
        }
    }
    bool fits = i == l.n && !patterns[p];
    lp_buf out = {0};
    if (!fits) {
        size_t from = best_i > CONTEXT ? best_i - CONTEXT : 0, rest = LP_MIN(l.n - best_i, SHOWN);
        put(&out, ' ', l.at + from, best_i - from);
        lp_buf_printf(&out, "-%s\n", patterns[best_p] ? patterns[best_p] : "(the end)");
        put(&out, '+', l.at + best_i, rest);
        if (best_i == l.n)
            lp_buf_puts(&out, "+(the end)\n");
    }
    free(l.at);
    return fits ? NULL : lp_buf_take(&out);
}

/* ---- somewhere ---- */

static char *compare_contains(const char *const *texts, const char *found)
{
    lp_buf out = {0};
    for (; *texts; texts++)
        if (!strstr(found, *texts))
            lp_buf_printf(&out, "-...%s...\n", *texts);
    if (!out.len)
        return NULL;
    lines l = split(found);
    put(&out, '+', l.at, l.n);
    free(l.at);
    return lp_buf_take(&out);
}

char *lp_expect_compare(const lp_expect *e, const char *found)
{
    switch (e->kind) {
    case LP_EXPECT_TEXT: return compare_text(e->texts[0], found);
    case LP_EXPECT_LINES: return compare_lines(e->texts, found);
    case LP_EXPECT_CONTAINS: return compare_contains(e->texts, found);
    default: return NULL;
    }
}
