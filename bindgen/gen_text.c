/*
 * bindgen/gen_text.c: comments and line breaks.
 *
 * Docs are somebody else's text within ours: nothing in them may end the comment,
 * start another, steer a terminal or turn the direction of a line.
 */
#include <stdlib.h>

#include "bindgen/gen.h"

/* ---- comments ---- */

/* Whether a sequence of UTF-8 is a control character or one that changes the direction of text. */
static bool is_steering(const char *s, size_t n)
{
    unsigned char a = (unsigned char)s[0], b = n > 1 ? (unsigned char)s[1] : 0,
                  c = n > 2 ? (unsigned char)s[2] : 0;
    if (n <= 1)
        return n == 0 || a < ' ' || a == 0x7f;
    if (n == 2)
        return (a == 0xc2 && b < 0xa0) || (a == 0xd8 && b == 0x9c);
    return a == 0xe2 && ((b == 0x80 && ((c >= 0x8e && c <= 0x8f) || (c >= 0xa8 && c <= 0xae))) ||
                         (b == 0x81 && c >= 0xa0 && c <= 0xaf));
}

/* One line of docs, made harmless, without spaces at its end. */
static void clean_line(lp_buf *into, const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t step = lp_utf8_sequence(s + i, n - i);
        char last = into->len ? into->ptr[into->len - 1] : 0;
        if (s[i] == '\t')
            lp_buf_puts(into, "    ");
        else if (s[i] != '\r' && is_steering(s + i, step))
            lp_buf_puts(into, "?");
        else if (s[i] != '\r' && ((s[i] == '/' && last == '*') || (s[i] == '*' && last == '/')))
            lp_buf_printf(into, " %c", s[i]);
        else if (s[i] != '\r')
            lp_buf_add(into, s + i, step);
        i += step ? step : 1;
    }
    while (into->len && into->ptr[into->len - 1] == ' ')
        into->ptr[--into->len] = 0;
}

/* Where to break `s` so that its first part has at most `room` bytes; its length where it fits. */
static size_t break_at(const char *s, size_t n, size_t room)
{
    if (n <= room)
        return n;
    size_t at = room;
    while (at > 0 && s[at] != ' ')
        at--;
    while (at > 0 && s[at - 1] == ' ')
        at--;
    if (at > 0)
        return at;
    for (at = room; at < n && s[at] != ' ';) /* a word that is longer than a line stays whole */
        at++;
    return at;
}

/* A cleaned line as lines of a comment, each " * " and text. */
static void put_line(lp_buf *into, const char *s, size_t n, size_t indent)
{
    size_t lead = strspn(s, " ");
    size_t room = LP_GEN_COLUMNS - indent - 3;
    lead = LP_MIN(lead, room / 2);
    do {
        size_t at = break_at(s + lead, n - lead, room - lead);
        if (at == 0)
            lp_buf_printf(into, "%*s *\n", (int)indent, "");
        else
            lp_buf_printf(into, "%*s * %*s%.*s\n", (int)indent, "", (int)lead, "", (int)at,
                          s + lead);
        at += lead;
        while (at < n && s[at] == ' ')
            at++;
        s += at;
        n -= at;
        lead = 0;
    } while (n);
}

void lp_gen_docs(lp_buf *into, const char *docs, size_t indent)
{
    if (!docs)
        return;
    size_t len = strlen(docs);
    while (len && (docs[len - 1] == '\n' || docs[len - 1] == ' '))
        len--;
    lp_buf line = {0};
    if (!memchr(docs, '\n', len)) {
        clean_line(&line, docs, len);
        if (line.len && indent + line.len + 6 <= LP_GEN_COLUMNS) {
            lp_buf_printf(into, "%*s/* %s */\n", (int)indent, "", line.ptr);
            lp_buf_done(&line);
            return;
        }
    }
    lp_buf_printf(into, "%*s/*\n", (int)indent, "");
    for (size_t at = 0; at < len;) {
        const char *end = memchr(docs + at, '\n', len - at);
        size_t n = end ? (size_t)(end - docs) - at : len - at;
        lp_buf_done(&line);
        line = (lp_buf){0};
        clean_line(&line, docs + at, n);
        put_line(into, line.ptr ? line.ptr : "", line.len, indent);
        at += n + 1;
    }
    lp_buf_printf(into, "%*s */\n", (int)indent, "");
    lp_buf_done(&line);
}

/* ---- lists ---- */

void lp_gen_item(struct lp_gen_items *items, const char *text)
{
    *lp_push(items) = text;
}

void lp_gen_list(lp_buf *into, const char *head, struct lp_gen_items *items, const char *tail)
{
    size_t base = strspn(head, " "), column = strlen(head) + 1;
    size_t behind = 1 + strcspn(tail, "\n"); /* the parenthesis, and what is on its line */
    size_t widest = 0, line = column;
    for (size_t i = 0; i < items->n; i++) {
        size_t n = strlen(items->at[i]) + (i + 1 < items->n ? 1 : behind);
        widest = LP_MAX(widest, n);
        line += n + (i > 0);
    }
    size_t indent = column, at = column;
    lp_buf_printf(into, "%s(", head);
    if (line > LP_GEN_COLUMNS && column + widest > LP_GEN_COLUMNS) {
        indent = at = base + 4;
        lp_buf_printf(into, "\n%*s", (int)indent, "");
    }
    for (size_t i = 0; i < items->n; i++) {
        bool last = i + 1 == items->n;
        size_t n = strlen(items->at[i]);
        if (i && at + 1 + n + (last ? behind : 1) > LP_GEN_COLUMNS) {
            lp_buf_printf(into, "\n%*s", (int)indent, "");
            at = indent;
        } else if (i) {
            lp_buf_puts(into, " ");
            at++;
        }
        lp_buf_printf(into, "%s%s", items->at[i], last ? "" : ",");
        at += n + !last;
    }
    lp_buf_printf(into, ")%s", tail);
    free(items->at);
    *items = (struct lp_gen_items){0};
}
