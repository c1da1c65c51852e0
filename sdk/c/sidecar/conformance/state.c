/*
 * state.c: the interface `state` of the conformance sidecar, saved and restored in each pass.
 *
 * A state is written as it goes and read as a whole, which is enough here: what is held is in
 * memory as well. A copy is told apart from what came later by how many notes there were.
 */
#include "state.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S(name) test_conformance_state_##name
#define PIECE 65536u

/* Texts are malloced. */
struct notes {
    loop_string *at;
    size_t n;
};

static struct {
    pthread_mutex_t lock;
    uint64_t total;
    struct notes notes;
    size_t copied;        /* of them; what comes later is for REST */
    bool copying;         /* SAVE copy has begun */
    struct notes arrived; /* by RESTORE copy */
    bool has_arrived;
} held = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

static void add_note(struct notes *to, loop_string text)
{
    char *copy = must(malloc(text.len + 1));
    to->at = must(realloc(to->at, (to->n + 1) * sizeof *to->at));
    memcpy(copy, text.len ? text.ptr : "", text.len);
    to->at[to->n++] = (loop_string){copy, text.len};
}

static void forget(struct notes *notes)
{
    for (size_t i = 0; i < notes->n; i++)
        free((char *)(uintptr_t)notes->at[i].ptr);
    free(notes->at);
    *notes = (struct notes){0};
}

/* ---- calls ---- */

static loop_error *add(void *self, loop_call *call, uint64_t n, uint64_t *ret)
{
    (void)self, (void)call;
    pthread_mutex_lock(&held.lock);
    *ret = held.total += n;
    pthread_mutex_unlock(&held.lock);
    return NULL;
}

static loop_error *note(void *self, loop_call *call, loop_string text)
{
    (void)self, (void)call;
    pthread_mutex_lock(&held.lock);
    add_note(&held.notes, text);
    pthread_mutex_unlock(&held.lock);
    return NULL;
}

static loop_error *notes(void *self, loop_call *call, loop_list_string *ret)
{
    (void)self;
    pthread_mutex_lock(&held.lock);
    loop_string *all = loop_call_alloc(call, held.notes.n * sizeof *all + 1);
    for (size_t i = 0; i < held.notes.n && all; i++)
        all[i] = loop_call_string(call, held.notes.at[i].ptr, held.notes.at[i].len);
    *ret = (loop_list_string){all, all ? held.notes.n : 0};
    pthread_mutex_unlock(&held.lock);
    return NULL;
}

const S(functions) conformance_state = {.add = add, .note = note, .notes = notes};

/* ---- values, as PROTOCOL.md writes them ---- */

static loop_error *write_number(loop_stream *to, uint64_t n)
{
    uint8_t bytes[10];
    size_t len = 0;
    do {
        bytes[len++] = (uint8_t)((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
        n >>= 7;
    } while (n);
    return loop_stream_write(to, bytes, len);
}

loop_error *conformance_write_text(loop_stream *to, loop_string text)
{
    loop_error *e = write_number(to, text.len);
    return e || !text.len ? e : loop_stream_write(to, text.ptr, text.len);
}

/* All of a stream. What is wrong is kept. */
struct reading {
    uint8_t *bytes;
    size_t at, len;
    bool wrong;
};

static loop_error *read_all(loop_stream *from, struct reading *r)
{
    loop_error *e = NULL;
    for (size_t n = 1; !e && n; r->len += n) {
        r->bytes = must(realloc(r->bytes, r->len + PIECE));
        e = loop_stream_read(from, r->bytes + r->len, PIECE, &n);
    }
    return e;
}

static uint64_t read_number(struct reading *r)
{
    uint64_t n = 0;
    uint8_t byte = 0x80;
    for (unsigned shift = 0; byte & 0x80; shift += 7) {
        r->wrong = r->wrong || r->at == r->len || shift > 63;
        if (r->wrong)
            return 0;
        byte = r->bytes[r->at++];
        n |= (uint64_t)(byte & 0x7f) << shift;
    }
    return n;
}

/* Bytes of the character there; 0: none. */
static size_t character(const uint8_t *s, size_t len)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (!n || n > len || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool wrong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
                 (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f);
    return wrong ? 0 : n;
}

static loop_string read_text(struct reading *r)
{
    uint64_t len = read_number(r);
    const uint8_t *from = r->bytes + r->at;
    if (r->wrong || len > r->len - r->at) {
        r->wrong = true;
        return (loop_string){"", 0};
    }
    for (size_t i = 0, n; i < len; i += n) {
        n = character(from + i, len - i);
        r->wrong = r->wrong || !n;
        n += !n;
    }
    r->at += len;
    return (loop_string){(const char *)from, len};
}

static loop_error *damaged(void)
{
    return loop_error_new(LOOP_INVALID, "the state is damaged");
}

loop_error *conformance_read_text(loop_stream *from, loop_string *ret, uint8_t **ret_bytes)
{
    struct reading r = {0};
    loop_error *e = read_all(from, &r);
    *ret_bytes = r.bytes;
    if (e)
        return e;
    *ret = read_text(&r);
    return r.wrong || r.at != r.len ? damaged() : NULL;
}

/* ---- save ---- */

loop_error *conformance_save(loop_pass pass, loop_stream *to)
{
    pthread_mutex_lock(&held.lock);
    bool rest = pass == LOOP_PASS_REST, strays = rest && !held.copying;
    size_t first = rest ? held.copied : 0, n = held.notes.n;
    uint64_t total = held.total;
    /* Calls may add notes beside: the texts stay, the list may move. */
    loop_string *all = must(malloc((n + 1) * sizeof *all));
    if (n)
        memcpy(all, held.notes.at, n * sizeof *all);
    if (pass == LOOP_PASS_COPY) {
        held.copying = true;
        held.copied = n;
    }
    pthread_mutex_unlock(&held.lock);
    loop_error *e =
        strays ? loop_error_new(LOOP_INVALID, "a rest without a copy") : write_number(to, total);
    if (!e)
        e = write_number(to, n - first);
    for (size_t i = first; i < n && !e; i++)
        e = conformance_write_text(to, all[i]);
    free(all);
    return e;
}

void conformance_resume(void *self)
{
    (void)self;
    pthread_mutex_lock(&held.lock);
    held.copying = false;
    pthread_mutex_unlock(&held.lock);
}

/* ---- restore ---- */

/* Takes what is in `got`. */
static void take_over(loop_pass pass, uint64_t total, struct notes *got)
{
    if (pass == LOOP_PASS_COPY) {
        forget(&held.arrived);
        held.arrived = *got;
        held.has_arrived = true;
        return;
    }
    if (pass == LOOP_PASS_WHOLE)
        forget(&held.arrived);
    struct notes before = held.arrived;
    for (size_t i = 0; i < got->n; i++)
        add_note(&before, got->at[i]);
    forget(got);
    forget(&held.notes);
    held.notes = before;
    held.total = total;
    held.arrived = (struct notes){0};
    held.has_arrived = false;
}

loop_error *conformance_restore(loop_pass pass, loop_stream *from)
{
    struct reading r = {0};
    struct notes got = {0};
    loop_error *e = read_all(from, &r);
    uint64_t total = e ? 0 : read_number(&r), n = e ? 0 : read_number(&r);
    while (!e && n-- && !r.wrong)
        add_note(&got, read_text(&r));
    pthread_mutex_lock(&held.lock);
    if (!e && (r.wrong || r.at != r.len || (pass == LOOP_PASS_REST && !held.has_arrived)))
        e = damaged();
    if (e)
        forget(&got);
    else
        take_over(pass, total, &got);
    pthread_mutex_unlock(&held.lock);
    if (!e)
        printf("took over\n");
    free(r.bytes);
    return e;
}
