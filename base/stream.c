/*
 * base/stream.c: a ring of bytes between two providers.
 *
 * A pipe is small, so that a state of any size goes through bounded memory and the reader works
 * while the writer does. It has one deadline for both sides, as neither can know that the other
 * hangs.
 */
#include "base/stream.h"

#include <stdlib.h>

#include "base/base.h"
#include "base/os/os.h"

#define PIPE_BYTES (256u << 10)

struct loop_stream {
    lp_os_mutex *lock;
    lp_os_cond *changed;
    uint8_t *ring;
    size_t room, from, n; /* n bytes, the first at `from` */
    uint64_t total, until_ns;
    bool waits; /* a pipe */
    bool ended, broken;
};

static loop_stream *stream_new(size_t room, bool waits, uint64_t until_ns)
{
    loop_stream *s = lp_alloc(sizeof *s);
    *s = (loop_stream){.lock = lp_os_mutex_new(),
                       .changed = lp_os_cond_new(),
                       .ring = lp_alloc(room),
                       .room = room,
                       .until_ns = until_ns,
                       .waits = waits};
    return s;
}

loop_stream *lp_stream_pipe(uint64_t until_ns)
{
    return stream_new(PIPE_BYTES, true, until_ns);
}

loop_stream *lp_stream_box(size_t max)
{
    return stream_new(max, false, 0);
}

void lp_stream_delete(loop_stream *s)
{
    if (!s)
        return;
    lp_os_mutex_delete(s->lock);
    lp_os_cond_delete(s->changed);
    free(s->ring);
    free(s);
}

static void mark(loop_stream *s, bool *what)
{
    lp_os_mutex_lock(s->lock);
    *what = true;
    lp_os_cond_broadcast(s->changed);
    lp_os_mutex_unlock(s->lock);
}

void lp_stream_end(loop_stream *s)
{
    mark(s, &s->ended);
}

void lp_stream_break(loop_stream *s)
{
    mark(s, &s->broken);
}

void lp_stream_clear(loop_stream *s)
{
    s->from = s->n = 0;
    s->total = 0;
}

bool lp_stream_broken(loop_stream *s)
{
    lp_os_mutex_lock(s->lock);
    bool broken = s->broken;
    lp_os_mutex_unlock(s->lock);
    return broken;
}

uint64_t lp_stream_total(loop_stream *s)
{
    lp_os_mutex_lock(s->lock);
    uint64_t total = s->total;
    lp_os_mutex_unlock(s->lock);
    return total;
}

/* Waits for the other side; locked. */
static loop_error *wait_for_other(loop_stream *s)
{
    if (s->broken)
        return loop_error_new(LOOP_CANCELLED, "the other provider has given up");
    if (!lp_os_cond_wait(s->changed, s->lock, s->until_ns))
        return loop_error_new(LOOP_TIMEOUT, "the state was not handed over in time");
    return NULL;
}

/* The part of the ring that lies in one piece, from place `at`. */
static size_t piece(const loop_stream *s, size_t at, size_t n)
{
    return LP_MIN(n, s->room - at);
}

static void put(loop_stream *s, const uint8_t *bytes, size_t n)
{
    for (size_t done = 0; done < n;) {
        size_t at = (s->from + s->n) % s->room, now = piece(s, at, n - done);
        memcpy(s->ring + at, bytes + done, now);
        s->n += now;
        done += now;
    }
    s->total += n;
    lp_os_cond_broadcast(s->changed);
}

static loop_error *write_some(loop_stream *s, const uint8_t *bytes, size_t n, size_t *done)
{
    if (s->broken)
        return loop_error_new(LOOP_CANCELLED, "the other provider has given up");
    size_t now = LP_MIN(n, s->room - s->n);
    if (now < n && !s->waits)
        return loop_error_new(LOOP_LIMIT, "more than %zu bytes", s->room);
    if (!now)
        return wait_for_other(s);
    put(s, bytes, now);
    *done += now;
    return NULL;
}

loop_error *loop_stream_write(loop_stream *s, const void *bytes, size_t n)
{
    loop_error *err = NULL;
    lp_os_mutex_lock(s->lock);
    for (size_t done = 0; !err && done < n;)
        err = write_some(s, (const uint8_t *)bytes + done, n - done, &done);
    lp_os_mutex_unlock(s->lock);
    return err;
}

loop_error *loop_stream_read(loop_stream *s, void *ret, size_t max, size_t *ret_n)
{
    loop_error *err = NULL;
    *ret_n = 0;
    lp_os_mutex_lock(s->lock);
    while (!err && !s->n && !s->ended && s->waits)
        err = wait_for_other(s);
    while (!err && *ret_n < max && s->n) {
        size_t now = piece(s, s->from, LP_MIN(max - *ret_n, s->n));
        memcpy((uint8_t *)ret + *ret_n, s->ring + s->from, now);
        s->from = (s->from + now) % s->room;
        s->n -= now;
        *ret_n += now;
    }
    if (*ret_n)
        lp_os_cond_broadcast(s->changed);
    lp_os_mutex_unlock(s->lock);
    return err;
}

bool lp_stream_begins(loop_stream *s)
{
    loop_error *err = NULL;
    lp_os_mutex_lock(s->lock);
    while (!err && !s->n && !s->ended && s->waits)
        err = wait_for_other(s);
    bool any = s->n > 0;
    lp_os_mutex_unlock(s->lock);
    loop_error_delete(err);
    return any;
}
