/*
 * state.c: the steps of a swap: what `swap` of the provider's table has, asked for by the host.
 *
 * One step at a time, as work of the thread that read it; another one reads meanwhile. A state is
 * a loop_stream in pieces. Of one that is restored, a piece waits here until the provider has read
 * it, and only then is its credit given back: the host sends no more, and no state is in memory as
 * a whole. A stream that the host cut ends in an error, never as if it were whole.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define PIECE (128u << 10)
#define OBJECT_MOST (64u << 10)

struct piece {
    struct piece *next;
    uint8_t *data;
    size_t len, taken;
};

/* The step that is under way. */
struct loop_stream {
    uint8_t type; /* 0: none */
    uint32_t id;
    sc_buf out;                 /* not sent yet: the last piece is a STATE without MORE */
    bool given_up;              /* CANCEL came */
    struct piece *first, *last; /* came and were not read */
    bool whole;                 /* the last piece came */
};
static loop_stream step; /* the lock is held, but for `out` */

static bool of_object(const loop_stream *s)
{
    return s->type == SC_SAVE_OBJECT || s->type == SC_RESTORE_OBJECT;
}

/* ---- streams ---- */

static loop_error *nobody(void)
{
    return loop_error_new(LOOP_CANCELLED, "the host has given up");
}

loop_error *loop_stream_write(loop_stream *to, const void *bytes, size_t n)
{
    if (of_object(to) && n > OBJECT_MOST - to->out.len)
        return loop_error_new(LOOP_LIMIT, "the state of an object is more than %u bytes",
                              OBJECT_MOST);
    sc_add(&to->out, bytes, n);
    if (of_object(to) || to->out.len < PIECE)
        return NULL;
    bool sent = sc_send_state(to->id, to->out.ptr, to->out.len, true, &to->given_up);
    to->out.len = 0;
    return sent ? NULL : nobody();
}

/* Read as a whole, or not wanted; the lock is held. Its credit. */
static size_t first_done(loop_stream *s)
{
    struct piece *p = s->first;
    size_t len = p->len;
    s->first = p->next;
    free(p->data);
    free(p);
    return len;
}

loop_error *loop_stream_read(loop_stream *from, void *ret, size_t max, size_t *ret_n)
{
    size_t back = 0, n = 0;
    pthread_mutex_lock(&sc.lock);
    while (!from->first && !from->whole && !sc.ended)
        sc_wait();
    struct piece *p = from->first;
    bool cut = !p && !from->whole;
    if (p) {
        n = p->len - p->taken < max ? p->len - p->taken : max;
        memcpy(ret, p->data + p->taken, n);
        p->taken += n;
    }
    if (p && p->taken == p->len)
        back = first_done(from);
    pthread_mutex_unlock(&sc.lock);
    sc_give_back((uint32_t)back);
    *ret_n = n;
    return cut ? nobody() : NULL;
}

/* STATE: a piece for whoever restores; behind a FAULT, for nobody. */
static void take_piece(sc_message *m)
{
    struct piece *p = NULL;
    pthread_mutex_lock(&sc.lock);
    bool wanted = step.id == m->id && (step.type == SC_RESTORE || step.type == SC_RESTORE_OBJECT);
    if (wanted && (step.whole || (of_object(&step) && (m->more || m->len > OBJECT_MOST))))
        sc_broken("STATE %u behind the last, or too long", m->id);
    if (wanted && m->len) {
        p = sc_alloc(sizeof *p);
        *p = (struct piece){.data = m->data, .len = m->len};
        m->data = NULL;
        if (step.first)
            step.last = step.last->next = p;
        else
            step.first = step.last = p;
    }
    if (wanted)
        step.whole = !m->more;
    pthread_cond_broadcast(&sc.news);
    pthread_mutex_unlock(&sc.lock);
    if (!p)
        sc_give_back((uint32_t)m->len);
}

bool sc_state_cancel(uint32_t id)
{
    bool mine = step.type && step.id == id;
    step.given_up |= mine;
    return mine;
}

/* ---- the steps ---- */

static const loop_provider_swap *swap_of(void)
{
    return sc.provider->swap;
}

bool sc_has_state(void)
{
    const loop_provider_swap *s = swap_of();
    return s && (s->quiesce || s->resume || s->save || s->restore || s->save_object ||
                 s->restore_object);
}

bool sc_has_copies(void)
{
    return sc_has_state() && swap_of()->copies && swap_of()->save && swap_of()->restore;
}

static loop_error *quiesce(void)
{
    pthread_mutex_lock(&sc.lock);
    while ((sc.call_count || sc.answering) && !sc.ended)
        sc_wait();
    pthread_mutex_unlock(&sc.lock);
    return swap_of()->quiesce ? swap_of()->quiesce(sc.self) : NULL;
}

/* What a message names. */
struct named {
    uint64_t interface, resource, handle;
    loop_pass pass;
    const loop_interface *at; /* NULL: not there */
};

static struct named read_names(const sc_message *m)
{
    struct named n = {0};
    sc_in in = {.at = m->data, .end = m->data + m->len};
    if (m->type != SC_QUIESCE)
        n.interface = sc_number(&in, 32);
    if (m->type == SC_SAVE || m->type == SC_RESTORE)
        n.pass = (loop_pass)sc_number(&in, 32);
    if (m->type == SC_SAVE_OBJECT || m->type == SC_RESTORE_OBJECT)
        n.resource = sc_number(&in, 32);
    if (m->type == SC_SAVE_OBJECT)
        n.handle = sc_number(&in, 64);
    if (sc_end(&in) || n.pass > LOOP_PASS_REST || !m->id || m->id & 1)
        sc_broken("a frame 0x%02x that is none", m->type);
    if (n.interface < sc.interface_count &&
        n.resource <= sc.interfaces[n.interface].resource_count) /* 0 where there is none */
        n.at = sc.interfaces[n.interface].provided->interface;
    return n;
}

static loop_error *not_there(void)
{
    return loop_error_new(LOOP_INVALID, "an interface, a resource or a handle that is not there");
}

static loop_error *save(const struct named *n)
{
    if (!n->at || (n->pass != LOOP_PASS_WHOLE && !sc_has_copies()))
        return not_there();
    return swap_of()->save ? swap_of()->save(sc.self, n->at, n->pass, &step) : NULL;
}

static loop_error *restore(const struct named *n)
{
    uint8_t rest[64];
    size_t some = 1;
    if (!n->at || (n->pass != LOOP_PASS_WHOLE && !sc_has_copies()))
        return not_there();
    if (!swap_of()->restore)
        return loop_error_new(LOOP_UNAVAILABLE, "it takes over no state");
    loop_error *e = swap_of()->restore(sc.self, n->at, n->pass, &step);
    while (!e && some) /* it may have stopped early */
        e = loop_stream_read(&step, rest, sizeof rest, &some);
    return e;
}

static loop_error *cannot_move(void)
{
    return loop_error_new(LOOP_UNAVAILABLE, "its objects cannot be moved");
}

static bool is_resource(const struct named *n)
{
    return n->at && n->resource < sc.interfaces[n->interface].resource_count;
}

static loop_error *save_object(const struct named *n)
{
    void *object = is_resource(n)
                       ? sc_object((uint32_t)n->interface, (uint32_t)n->resource, n->handle, false)
                       : NULL;
    if (!object)
        return not_there();
    if (!swap_of()->save_object)
        return cannot_move();
    return swap_of()->save_object(sc.self, n->at, (size_t)n->resource, object, &step);
}

static loop_error *restore_object(const struct named *n, sc_buf *answer)
{
    void *object = NULL;
    if (!is_resource(n))
        return not_there();
    if (!swap_of()->restore_object)
        return cannot_move();
    loop_error *e = swap_of()->restore_object(sc.self, n->at, (size_t)n->resource, &step, &object);
    if (!e)
        sc_add_number(answer, sc_handle_new((uint32_t)n->interface, (uint32_t)n->resource, object));
    return e;
}

/* ---- around a step ---- */

/* Before anybody else may read: STATE comes next. */
static void begin(const sc_message *m)
{
    pthread_mutex_lock(&sc.lock);
    if (step.type)
        sc_broken("a frame 0x%02x, while 0x%02x is under way", m->type, step.type);
    step = (loop_stream){.type = m->type, .id = m->id};
    pthread_mutex_unlock(&sc.lock);
    sc_begin_work(true);
}

static void resume(void)
{
    if (swap_of()->resume)
        swap_of()->resume(sc.self);
}

/* Before it is answered: the next may come then. */
static bool end(loop_error *e)
{
    size_t back = 0;
    bool given_up;
    if (!e && (step.type == SC_SAVE || step.type == SC_SAVE_OBJECT))
        sc_send_state(step.id, step.out.ptr, step.out.len, false,
                      of_object(&step) ? NULL : &step.given_up);
    free(step.out.ptr);
    pthread_mutex_lock(&sc.lock);
    while (step.first)
        back += first_done(&step);
    given_up = step.given_up;
    step = (loop_stream){0};
    bool resumes = sc.resume_due;
    pthread_mutex_unlock(&sc.lock);
    sc_give_back((uint32_t)back);
    if (resumes) {
        resume();
        pthread_mutex_lock(&sc.lock);
        sc.resume_due = false;
        pthread_cond_broadcast(&sc.news);
        pthread_mutex_unlock(&sc.lock);
    }
    return given_up;
}

static void answer(uint32_t id, loop_error *e, sc_buf *b)
{
    if (e)
        sc_error_write(b, e);
    sc_send(e ? SC_FAULT : SC_RESULT, id, b->ptr, b->len);
    loop_error_delete(e);
    free(b->ptr);
}

static void run(const sc_message *m)
{
    struct named n = read_names(m);
    sc_buf b = {0};
    loop_error *e = NULL;
    bool alone = sc.provider->threads == LOOP_THREADS_SERIAL &&
                 !(m->type == SC_SAVE && n.pass == LOOP_PASS_COPY);
    begin(m);
    if (alone && pthread_mutex_trylock(&sc.serial) != 0) {
        sc_let_read();
        pthread_mutex_lock(&sc.serial);
    }
    switch (m->type) {
    case SC_QUIESCE: e = quiesce(); break;
    case SC_SAVE: e = save(&n); break;
    case SC_RESTORE: e = restore(&n); break;
    case SC_SAVE_OBJECT: e = save_object(&n); break;
    default: e = restore_object(&n, &b);
    }
    if (alone)
        pthread_mutex_unlock(&sc.serial);
    if (end(e) && !e) /* the last STATE was not sent */
        e = nobody();
    answer(m->id, e, &b);
    sc_end_work();
}

/* The host gave a step up, and does not wait for its end: calls do. */
static bool resumes_later(void)
{
    pthread_mutex_lock(&sc.lock);
    sc.resume_due = step.type != 0;
    bool later = sc.resume_due;
    pthread_mutex_unlock(&sc.lock);
    return later;
}

void sc_on_state(sc_message *m)
{
    if (!sc.may_state)
        sc_broken("a frame 0x%02x, without the capability", m->type);
    if (m->type == SC_STATE) {
        take_piece(m);
    } else if (m->type != SC_RESUME) {
        run(m);
    } else if (!resumes_later()) {
        sc_begin_work(false); /* calls that come behind it find it done */
        resume();
        sc_end_work();
    }
}
