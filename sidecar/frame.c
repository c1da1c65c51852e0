/* sidecar/frame.c: frames and messages as they come; see frame.h. */
#include "sidecar/frame.h"

#include <stdlib.h>

#include "base/os/os.h"

#define FIRST_BUFFER (64u << 10)
#define SHOWN 40u /* bytes of what is no frame */

static const struct {
    uint8_t type;
    const char *name;
    bool cut; /* may be cut into several frames */
} types[] = {
    {LP_SIDE_WELCOME, "WELCOME", false},
    {LP_SIDE_START, "START", false},
    {LP_SIDE_READY, "READY", false},
    {LP_SIDE_FAIL, "FAIL", false},
    {LP_SIDE_CALLER, "CALLER", false},
    {LP_SIDE_CALLER_GONE, "CALLER-GONE", false},
    {LP_SIDE_CALL, "CALL", true},
    {LP_SIDE_NEXT, "NEXT", true},
    {LP_SIDE_RESULT, "RESULT", true},
    {LP_SIDE_FAULT, "FAULT", true},
    {LP_SIDE_CANCEL, "CANCEL", false},
    {LP_SIDE_DROP, "DROP", false},
    {LP_SIDE_RELEASE, "RELEASE", false},
    {LP_SIDE_CREDIT, "CREDIT", false},
    {LP_SIDE_PING, "PING", false},
    {LP_SIDE_PONG, "PONG", false},
    {LP_SIDE_QUIESCE, "QUIESCE", false},
    {LP_SIDE_RESUME, "RESUME", false},
    {LP_SIDE_SAVE, "SAVE", false},
    {LP_SIDE_RESTORE, "RESTORE", false},
    {LP_SIDE_STATE, "STATE", true},
    {LP_SIDE_SAVE_OBJECT, "SAVE-OBJECT", false},
    {LP_SIDE_RESTORE_OBJECT, "RESTORE-OBJECT", false},
    {LP_SIDE_LOG, "LOG", false},
};

const char *lp_side_type_name(uint8_t type)
{
    for (size_t i = 0; i < LP_COUNT(types); i++)
        if (types[i].type == type)
            return types[i].name;
    return NULL;
}

static bool may_be_cut(uint8_t type)
{
    for (size_t i = 0; i < LP_COUNT(types); i++)
        if (types[i].type == type)
            return types[i].cut;
    return false;
}

/* ---- reading ---- */

void lp_side_reader_done(lp_side_reader *r)
{
    free(r->buffer);
    *r = (lp_side_reader){0};
}

static uint32_t word(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The first bytes of what came and was not taken, for people. */
static void show(const lp_side_reader *r, lp_buf *b)
{
    size_t n = LP_MIN(r->end - r->start, (size_t)SHOWN);
    for (size_t i = 0; i < n; i++) {
        uint8_t c = r->buffer[r->start + i];
        if (c == '\n')
            lp_buf_puts(b, "\\n");
        else
            lp_buf_printf(b, c < 0x20 || c > 0x7e || c == '\\' ? "\\x%02x" : "%c", c);
    }
    if (r->end - r->start > n)
        lp_buf_puts(b, "...");
}

static loop_error *no_frame(const lp_side_reader *r, const char *what)
{
    lp_buf shown = {0};
    show(r, &shown);
    loop_error *e = loop_error_new(LOOP_UNAVAILABLE, "%s: \"%s\"", what, shown.ptr);
    lp_buf_done(&shown);
    return loop_error_hint_set(
        e, "the stdout of a sidecar carries frames: what it prints goes to stderr");
}

char *lp_side_reader_rest(const lp_side_reader *r)
{
    lp_buf b = {0};
    if (r->start == r->end)
        return NULL;
    show(r, &b);
    return lp_buf_take(&b);
}

/* What is there of a header, checked as far as it goes. */
static loop_error *check_header(const lp_side_reader *r)
{
    const uint8_t *h = r->buffer + r->start;
    size_t n = r->end - r->start;
    if ((n >= 4 && word(h) > LP_MAX_SIDE_FRAME) ||
        (n >= 8 && (h[6] != (LP_SIDE_MAGIC & 0xff) || h[7] != LP_SIDE_MAGIC >> 8)))
        return no_frame(r, r->any ? "something that is no frame came between frames"
                                  : "it does not speak loop's protocol; what came first");
    if (n >= LP_SIDE_HEADER && (h[5] & ~LP_SIDE_MORE))
        return loop_error_new(LOOP_UNAVAILABLE, "a frame with the flags 0x%02x, which are none",
                              h[5]);
    if (n >= LP_SIDE_HEADER && h[4] < LP_SIDE_IGNORABLE && !lp_side_type_name(h[4]))
        return loop_error_new(LOOP_UNAVAILABLE, "a frame of the type 0x%02x, which is none", h[4]);
    return NULL;
}

uint8_t *lp_side_reader_room(lp_side_reader *r, size_t *ret_len)
{
    size_t have = r->end - r->start, want = FIRST_BUFFER;
    if (have >= 4 && word(r->buffer + r->start) <= LP_MAX_SIDE_FRAME)
        want = LP_MAX(want, LP_SIDE_HEADER + (size_t)word(r->buffer + r->start));
    /* To the front, where the whole frame fits. */
    if (r->start && (have == 0 || r->cap - r->start < want)) {
        memmove(r->buffer, r->buffer + r->start, have);
        r->start = 0;
        r->end = have;
    }
    if (r->cap < want || r->end == r->cap) {
        r->cap = LP_MAX(want, r->end + 1);
        r->buffer = lp_realloc(r->buffer, r->cap);
    }
    *ret_len = r->cap - r->end;
    return r->buffer + r->end;
}

void lp_side_reader_came(lp_side_reader *r, size_t n)
{
    r->end += n;
}

loop_error *lp_side_reader_fill(lp_side_reader *r, int fd, bool *ret_got)
{
    size_t room, n;
    uint8_t *to = lp_side_reader_room(r, &room);
    LP_TRY(lp_os_pipe_read(fd, to, room, &n, &r->ended));
    r->end += n;
    *ret_got = n > 0 || r->ended;
    return NULL;
}

loop_error *lp_side_reader_next(lp_side_reader *r, lp_side_frame *ret, bool *ret_got)
{
    *ret_got = false;
    if (!r->buffer) /* nothing came yet */
        return NULL;
    LP_TRY(check_header(r));
    const uint8_t *h = r->buffer + r->start;
    size_t have = r->end - r->start;
    *ret_got = have >= LP_SIDE_HEADER && have - LP_SIDE_HEADER >= word(h);
    if (!*ret_got)
        return NULL;
    *ret = (lp_side_frame){.type = h[4],
                           .flags = h[5],
                           .id = word(h + 8),
                           .payload = h + LP_SIDE_HEADER,
                           .len = word(h)};
    r->start += LP_SIDE_HEADER + ret->len;
    r->any = true;
    return NULL;
}

loop_error *lp_side_reader_end(const lp_side_reader *r)
{
    if (r->start == r->end)
        return NULL;
    size_t have = r->end - r->start;
    if (have < LP_SIDE_HEADER)
        return no_frame(r, "the stream ended in the header of a frame");
    return loop_error_new(LOOP_UNAVAILABLE,
                          "the stream ended in a frame %s, after %zu of its %u bytes",
                          lp_side_type_name(r->buffer[r->start + 4]) ?: "of an unknown type",
                          have - LP_SIDE_HEADER, word(r->buffer + r->start));
}

/* ---- messages ---- */

void lp_side_message_keep(lp_side_message *m)
{
    if (m->own)
        return;
    m->own = lp_alloc(m->len + 1);
    if (m->len)
        memcpy(m->own, m->data, m->len);
    m->data = m->own;
}

void lp_side_message_done(lp_side_message *m)
{
    free(m->own);
    *m = (lp_side_message){0};
}

void lp_side_inbox_done(lp_side_inbox *b)
{
    for (size_t i = 0; i < b->n; i++)
        lp_buf_done(&b->at[i].data);
    free(b->at);
    *b = (lp_side_inbox){0};
}

static void remove_part(lp_side_inbox *b, struct lp_side_part *p)
{
    b->bytes -= p->data.len;
    *p = b->at[--b->n];
}

void lp_side_inbox_forget(lp_side_inbox *b, uint32_t id)
{
    for (size_t i = 0; i < b->n; i++) {
        if (b->at[i].id != id)
            continue;
        b->bytes -= b->at[i].data.len;
        lp_buf_done(&b->at[i].data);
        b->at[i].data = (lp_buf){0};
        b->at[i].forgotten = true; /* what follows of it is passed over */
    }
}

static struct lp_side_part *find_part(lp_side_inbox *b, uint32_t id)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->at[i].id == id)
            return &b->at[i];
    return NULL;
}

static loop_error *add_part(lp_side_inbox *b, const lp_side_frame *f, struct lp_side_part *p)
{
    if (!p) {
        if (b->n == LP_MAX_SIDE_PARTIAL)
            return loop_error_new(LOOP_UNAVAILABLE, "more than %d messages in pieces at a time",
                                  LP_MAX_SIDE_PARTIAL);
        p = lp_push(b);
        p->type = f->type;
        p->id = f->id;
    }
    if (p->forgotten)
        return NULL;
    if (f->len > LP_MAX_SIDE_MESSAGE - p->data.len || f->len > LP_MAX_SIDE_PARTIAL_BYTES - b->bytes)
        return loop_error_new(LOOP_UNAVAILABLE, "a message %s of more than %u MiB",
                              lp_side_type_name(f->type), LP_MAX_SIDE_MESSAGE >> 20);
    lp_buf_add(&p->data, f->payload, f->len);
    b->bytes += f->len;
    return NULL;
}

loop_error *lp_side_inbox_add(lp_side_inbox *b, const lp_side_frame *f, lp_side_message *ret,
                              bool *ret_whole)
{
    bool more = f->flags & LP_SIDE_MORE, cut = may_be_cut(f->type);
    *ret_whole = false;
    if (f->type >= LP_SIDE_IGNORABLE && !lp_side_type_name(f->type))
        return NULL;
    if (more && !cut)
        return loop_error_new(LOOP_UNAVAILABLE,
                              "a frame %s in pieces, which it may not be cut into",
                              lp_side_type_name(f->type));
    struct lp_side_part *p = cut ? find_part(b, f->id) : NULL;
    if (p && p->type != f->type)
        return loop_error_new(LOOP_UNAVAILABLE,
                              "a frame %s between the pieces of the message %s %u",
                              lp_side_type_name(f->type), lp_side_type_name(p->type), f->id);
    *ret_whole = !more || f->type == LP_SIDE_STATE;
    if (*ret_whole && !p) {
        *ret = (lp_side_message){
            .type = f->type, .more = more, .id = f->id, .data = f->payload, .len = f->len};
        return NULL;
    }
    LP_TRY(add_part(b, f, p));
    if (!*ret_whole)
        return NULL;
    *ret_whole = !p->forgotten;
    if (*ret_whole)
        *ret = (lp_side_message){.type = f->type,
                                 .id = f->id,
                                 .data = (uint8_t *)p->data.ptr,
                                 .len = p->data.len,
                                 .own = (uint8_t *)p->data.ptr};
    remove_part(b, p);
    return NULL;
}
