/*
 * state.c: quiesce, save and restore.
 *
 * Each is work of the thread that read it; another one reads meanwhile, and hands it the pieces of
 * a state that is restored. What came and was not read yet is kept, all of it: the host sends no
 * more than it has credit for, but credit is given back at once.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define PIECE (128u << 10)

struct piece {
    struct piece *next;
    uint8_t *data;
    size_t len, taken;
};

struct loop_sidecar_stream {
    uint32_t id;
    sc_buf out;                 /* not sent yet: the last piece is a STATE without MORE */
    struct piece *first, *last; /* came and were not read; the lock is held */
    bool whole;                 /* the last piece came */
    loop_call values;           /* memory of loop_sidecar_read_value */
    sc_buf raw;
};

static loop_sidecar_stream *restoring; /* the lock is held */

/* ---- streams ---- */

void loop_sidecar_write(loop_sidecar_stream *to, const void *bytes, size_t len)
{
    sc_add(&to->out, bytes, len);
    if (to->out.len < PIECE)
        return;
    sc_send_state(to->id, to->out.ptr, to->out.len, true);
    to->out.len = 0;
}

size_t loop_sidecar_read(loop_sidecar_stream *from, void *to, size_t max)
{
    size_t n = 0;
    pthread_mutex_lock(&sc.lock);
    while (!from->first && !from->whole && !sc.ended)
        sc_wait();
    struct piece *p = from->first;
    if (p) {
        n = p->len - p->taken < max ? p->len - p->taken : max;
        memcpy(to, p->data + p->taken, n);
        p->taken += n;
    }
    if (p && p->taken == p->len) {
        from->first = p->next;
        free(p->data);
        free(p);
    }
    pthread_mutex_unlock(&sc.lock);
    return n;
}

static const sc_type *type_of(const char *text)
{
    sc_function f = {0};
    return sc_function_parse(text, &f) ? f.params : NULL;
}

loop_error *loop_sidecar_write_value(loop_sidecar_stream *to, const char *type, const void *value)
{
    const sc_type *t = type_of(type);
    sc_out o = {.in_message = true, .call = &to->values};
    if (!t)
        return loop_error_new(LOOP_INTERNAL, "'%s' is no type of a state", type);
    sc_write(&o, t, value);
    if (!o.wrong)
        loop_sidecar_write(to, o.to.ptr, o.to.len);
    free(o.to.ptr);
    return o.wrong ? loop_error_new(LOOP_INTERNAL, "the state is %s", o.wrong) : NULL;
}

loop_error *loop_sidecar_read_value(loop_sidecar_stream *from, const char *type, void *value)
{
    const sc_type *t = type_of(type);
    if (!t)
        return loop_error_new(LOOP_INTERNAL, "'%s' is no type of a state", type);
    for (size_t n = 1; n; from->raw.len += n)
        n = loop_sidecar_read(from, sc_room(&from->raw, PIECE), PIECE);
    sc_in in = {.at = from->raw.ptr, .end = from->raw.ptr + from->raw.len, .call = &from->values};
    sc_read(&in, t, value);
    return sc_end(&in) ? loop_error_new(LOOP_INVALID, "the state is damaged: %s", in.wrong) : NULL;
}

/* ---- the messages ---- */

static void answer(uint32_t id, loop_error *e)
{
    sc_buf b = {0};
    if (e)
        sc_error_write(&b, e);
    sc_send(e ? SC_FAULT : SC_RESULT, id, b.ptr, b.len);
    loop_error_delete(e);
    free(b.ptr);
}

static void quiesce(uint32_t id)
{
    pthread_mutex_lock(&sc.lock);
    while (sc.call_count && !sc.ended)
        sc_wait();
    pthread_mutex_unlock(&sc.lock);
    answer(id, sc.state->quiesce ? sc.state->quiesce(sc.self) : NULL);
}

static void save(uint32_t id, const loop_interface *interface)
{
    loop_sidecar_stream s = {.id = id};
    loop_error *e = sc.state->save(sc.self, interface, &s);
    if (!e)
        sc_send_state(id, s.out.ptr, s.out.len, false);
    answer(id, e);
    free(s.out.ptr);
}

static void restore(loop_sidecar_stream *s, const loop_interface *interface)
{
    uint8_t rest[64];
    loop_error *e = sc.state->restore(sc.self, interface, s);
    while (loop_sidecar_read(s, rest, sizeof rest)) /* it may have stopped early */
        ;
    pthread_mutex_lock(&sc.lock);
    restoring = NULL;
    pthread_mutex_unlock(&sc.lock);
    answer(s->id, e);
    sc_arena_done(&s->values.arena);
    free(s->raw.ptr);
}

static void add_piece(sc_message *m)
{
    struct piece *p = sc_alloc(sizeof *p);
    p->data = m->data;
    p->len = m->len;
    m->data = NULL;
    pthread_mutex_lock(&sc.lock);
    loop_sidecar_stream *s = restoring;
    if (!s || s->id != m->id || s->whole)
        sc_broken("STATE %u, of no RESTORE", m->id);
    s->whole = !m->more;
    if (!p->len) {
        free(p->data);
        free(p);
    } else if (s->first) {
        s->last = s->last->next = p;
    } else {
        s->first = s->last = p;
    }
    pthread_cond_broadcast(&sc.news);
    pthread_mutex_unlock(&sc.lock);
}

static const loop_interface *interface_of(const sc_message *m)
{
    sc_in in = {.at = m->data, .end = m->data + m->len};
    uint64_t i = sc_number(&in, 32);
    if (sc_end(&in) || i >= sc.interface_count)
        sc_broken("the state of an interface that is not there");
    return sc.interfaces[i].provided->interface;
}

/* Before another thread may read: the pieces come next. */
static void begin_restore(loop_sidecar_stream *s)
{
    pthread_mutex_lock(&sc.lock);
    if (restoring)
        sc_broken("RESTORE while another one is under way");
    restoring = s;
    pthread_mutex_unlock(&sc.lock);
}

void sc_on_state(sc_message *m)
{
    loop_sidecar_stream s = {.id = m->id};
    if (!sc.state)
        sc_broken("a frame of the type 0x%02x, without the capability", m->type);
    if (m->type == SC_STATE) {
        add_piece(m);
        return;
    }
    if (m->type == SC_RESTORE)
        begin_restore(&s);
    sc_begin_work(true);
    switch (m->type) {
    case SC_QUIESCE: quiesce(m->id); break;
    case SC_SAVE: save(m->id, interface_of(m)); break;
    case SC_RESTORE: restore(&s, interface_of(m)); break;
    default:
        if (sc.state->resume)
            sc.state->resume(sc.self);
    }
    sc_end_work();
}
