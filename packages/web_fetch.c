/*
 * packages/web_fetch.c: a blob from a web server, from an offset on.
 *
 * A server that was asked for a part may answer with the part, with all of it, or that there is no
 * such part; and it may say any of these and do another. So the start that it names is compared
 * with the one that was asked for; how much comes is the caller's to count.
 */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "packages/web.h"

struct part {
    uint64_t offset, *total;
    void *data;
    loop_error *(*take)(void *data, const void *bytes, size_t n);
};

/* Digits, at most 18 of them. */
static bool read_number(const char **at, uint64_t *ret)
{
    size_t n = strspn(*at, "0123456789");
    if (!n || n > 18)
        return false;
    *ret = strtoull(*at, NULL, 10);
    *at += n;
    return true;
}

bool lp_web_range_parse(const char *text, uint64_t *ret_from, uint64_t *ret_total)
{
    uint64_t to;
    if (!text || strncasecmp(text, "bytes ", 6) != 0)
        return false;
    text += 6;
    if (!read_number(&text, ret_from) || *text++ != '-' || !read_number(&text, &to) ||
        *text++ != '/' || to < *ret_from)
        return false;
    if (strcmp(text, "*") == 0)
        *ret_total = 0;
    else if (!read_number(&text, ret_total) || *text)
        return false;
    return true;
}

static loop_error *on_head(void *data, const lp_web_ask *ask)
{
    struct part *p = data;
    uint64_t from = 0, total = 0;
    if (ask->status == 200) {
        const char *length = lp_web_header(ask, "content-length");
        if (p->offset)
            return loop_error_new(LOOP_USAGE, "it does not go on where it was");
        if (length && read_number(&length, &total) && !*length)
            *p->total = total;
        return NULL;
    }
    if (!lp_web_range_parse(lp_web_header(ask, "content-range"), &from, &total) ||
        from != p->offset)
        return loop_error_new(p->offset ? LOOP_USAGE : LOOP_INVALID,
                              "it sends another part than was asked for");
    if (total)
        *p->total = total;
    return NULL;
}

static loop_error *on_bytes(void *data, const void *bytes, size_t n)
{
    struct part *p = data;
    return p->take(p->data, bytes, n);
}

loop_error *lp_web_fetch(lp_web *web, lp_web_ask *ask, uint64_t offset, uint64_t *ret_total,
                         void *data, loop_error *(*take)(void *data, const void *bytes, size_t n))
{
    lp_arena arena = {0};
    struct part part = {offset, ret_total, data, take};
    size_t place = 0;
    while (place < LP_WEB_HEADERS && ask->headers[place])
        place++;
    if (offset) {
        lp_auto(lp_free_string) char *range = lp_format("bytes=%llu-", (unsigned long long)offset);
        ask->headers[place] = lp_web_line(&arena, "Range", range);
    }
    ask->max = LP_MAX_COMPONENT_BYTES;
    ask->head = on_head;
    ask->take = on_bytes;
    ask->data = &part;
    loop_error *e = lp_web_run_one(web, ask);
    if (!e && ask->status == 416 && offset)
        e = loop_error_new(LOOP_USAGE, "it has no such part");
    else if (!e && ask->status != 200 && ask->status != 206)
        e = lp_web_refused(ask);
    ask->headers[place] = NULL;
    lp_arena_done(&arena);
    return e;
}
