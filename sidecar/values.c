/*
 * sidecar/values.c: arguments and results of a sidecar's functions, to and from the wire.
 *
 * What a result points to lives in the call's own memory (loop_call_alloc), which the host
 * frees when the component has its answer. Nothing stays a view: the message goes before, and
 * shared memory may be changed by the other side. None of it is locked, but for the tables of
 * objects and of room.
 */
#include <stdlib.h>

#include "sidecar/internal.h"

/* ---- arguments ---- */

struct writing {
    struct lp_side_call *c;
    uint32_t id; /* of the message */
};

static loop_error *stale(struct lp_side_call *c)
{
    c->broke = true;
    return loop_error_hint_set(
        loop_error_new(LOOP_UNAVAILABLE,
                       "the handle is of a process of the sidecar '%s' that has "
                       "ended",
                       c->s->table->provider.name),
        "get a new one: what a sidecar keeps in memory goes with it");
}

/* An object of another provider of the chain: under an even number, until the call is answered. */
static loop_error *put_foreign(struct lp_side_call *c, const lp_node *n, uint64_t at, uint64_t *ret)
{
    if (n->kind == LP_OWN)
        return loop_error_hint_set(
            loop_error_new(LOOP_UNAVAILABLE,
                           "an object of another provider cannot be handed over to a sidecar"),
            "pass it as a borrow; or let the sidecar make the objects itself");
    *lp_push(&c->foreign) = (struct lp_side_foreign){at, n->type->resource};
    *ret = 2 * (uint64_t)c->foreign.n;
    return NULL;
}

static loop_error *put_object(void *data, const lp_node *n, uint64_t at, uint64_t *ret)
{
    struct lp_side_call *c = ((const struct writing *)data)->c;
    loop_error *err = NULL;
    lp_os_mutex_lock(c->s->lock);
    const struct lp_side_object *o = lp_side_object_of(c->s, at);
    if (!o) {
        err = put_foreign(c, n, at, ret);
    } else if (o->generation != c->generation) {
        err = stale(c);
    } else {
        *ret = o->number;
        if (n->kind == LP_OWN)
            *lp_push(&c->given) = at;
    }
    lp_os_mutex_unlock(c->s->lock);
    return err;
}

static bool share(void *data, const void *bytes, size_t len, uint32_t *ret_offset)
{
    const struct writing *x = data;
    struct lp_sidecar *s = x->c->s;
    lp_os_mutex_lock(s->lock);
    bool room =
        s->generation == x->c->generation && lp_side_room_take(&s->room, x->id, len, ret_offset);
    lp_os_mutex_unlock(s->lock);
    if (room)
        memcpy(s->shared.at + *ret_offset, bytes, len);
    return room;
}

static uint32_t left_ms(const struct lp_side_call *c)
{
    if (c->until == UINT64_MAX)
        return 0;
    return c->until > c->now ? (uint32_t)LP_MIN((c->until - c->now) / LP_SIDE_MS + 1, UINT32_MAX)
                             : 1;
}

loop_error *lp_side_write_args(struct lp_side_call *c, const void *args)
{
    struct writing x = {c, c->id};
    lp_wire_out *o = &c->caller->out;
    o->len = o->shared = 0;
    o->blame = LOOP_INVALID;
    o->put = put_object;
    o->share = c->s->agreed & LP_SIDE_CAN_SHARE ? share : NULL;
    o->data = &x;
    LP_TRY(lp_side_call_write(o, c->caller->number, c->interface, c->index, left_ms(c), 0));
    loop_error *err = lp_wire_write(o, &c->function->plan->params, args);
    o->data = NULL;
    return err;
}

/* ---- results ---- */

/* Blocks of the call's own memory; past its limit, of ours, which go with the error. */
struct blocks {
    loop_call *call;
    struct {
        void **at;
        size_t n, cap;
    } over;
};

static void *more(void *data, size_t size)
{
    struct blocks *b = data;
    void *p = loop_call_alloc(b->call, size);
    if (!p)
        p = *lp_push(&b->over) = lp_alloc(size);
    return p;
}

static loop_error *take_object(void *data, const lp_node *n, uint64_t number, uint64_t *ret)
{
    struct lp_side_call *c = data;
    struct lp_side_object o = {.number = number, .generation = c->generation, .caller = c->caller};
    size_t interface = 0, resource = lp_side_welcome_resource(&c->s->table->welcome,
                                                              n->type->resource, &interface);
    if (number % 2 == 0)
        return loop_error_new(
            LOOP_UNAVAILABLE,
            "it answered with the handle %llu of another provider's object, which "
            "it was only lent",
            (unsigned long long)number);
    o.interface = (uint32_t)interface;
    o.resource = (uint32_t)resource;
    lp_os_mutex_lock(c->s->lock);
    loop_error *err = lp_side_object_new(c->s, &o, ret);
    lp_os_mutex_unlock(c->s->lock);
    if (!err)
        *lp_push(&c->made) = *ret;
    return err;
}

/* The other side's half, for reading. */
static void see_shared(const struct lp_sidecar *s, lp_wire_in *in)
{
    if (!(s->agreed & LP_SIDE_CAN_SHARE))
        return;
    in->memory = s->shared.at;
    in->shared_start = (uint32_t)(s->shared.size / 2);
    in->shared_end = (uint32_t)s->shared.size;
}

loop_error *lp_side_read_result(struct lp_side_call *c, void *ret, bool *ret_shared)
{
    const lp_node *n = c->function->plan->result;
    struct blocks b = {.call = c->call};
    lp_frame f = {.arena = {.more = more, .data = &b}, .fuel = LP_MAX_CALL_FUEL};
    lp_wire_in in = {.at = c->answer.data,
                     .end = c->answer.data + c->answer.len,
                     .frame = &f,
                     .copy = true,
                     .copy_shared = true,
                     .take = take_object,
                     .data = c};
    see_shared(c->s, &in);
    loop_error *err = n ? lp_wire_read(&in, n, ret) : NULL;
    if (!err)
        err = lp_wire_end(&in);
    *ret_shared = in.shared > 0;
    c->broke = err && loop_error_code(err) != LOOP_LIMIT;
    if (!err && b.over.n)
        err = loop_error_new(LOOP_LIMIT, "the answer takes more than a call may have");
    for (size_t i = 0; i < b.over.n; i++)
        free(b.over.at[i]);
    free(b.over.at);
    return err;
}

static loop_error *drop_object(void *data, const lp_node *n, uint64_t number, uint64_t *ret)
{
    struct lp_sidecar *s = data;
    size_t interface = 0,
           resource = lp_side_welcome_resource(&s->table->welcome, n->type->resource, &interface);
    if (n->kind == LP_OWN && number % 2)
        lp_side_note_drop(s, interface, resource, number);
    *ret = 0;
    return NULL;
}

void lp_side_read_late(struct lp_sidecar *s, const lp_side_function *f, const lp_side_message *m)
{
    const lp_node *n = f->plan->result;
    lp_frame frame = {0};
    lp_wire_in in = {
        .at = m->data, .end = m->data + m->len, .frame = &frame, .take = drop_object, .data = s};
    if (m->type != LP_SIDE_RESULT || !n)
        return;
    lp_frame_begin(&frame);
    see_shared(s, &in);
    void *to = lp_alloc(n->size);
    loop_error_delete(lp_wire_read(&in, n, to)); /* nobody is there to hear of it */
    if (in.shared)
        lp_side_note(s, LP_SIDE_RELEASE, m->id, NULL, 0);
    free(to);
    lp_frame_done(&frame);
}

/* ---- NEXT ---- */

static loop_error *take_foreign(void *data, const lp_node *n, uint64_t number, uint64_t *ret)
{
    const struct lp_side_call *c = data;
    if (n->kind == LP_OWN)
        return loop_error_new(LOOP_UNAVAILABLE,
                              "a NEXT that hands over the handle %llu, which it was only lent",
                              (unsigned long long)number);
    if (number % 2 || number / 2 > c->foreign.n ||
        c->foreign.at[number / 2 - 1].resource != n->type->resource)
        return loop_error_new(LOOP_UNAVAILABLE,
                              "a NEXT with the handle %llu, which it was not lent",
                              (unsigned long long)number);
    *ret = c->foreign.at[number / 2 - 1].at;
    return NULL;
}

static loop_error *ask_next(struct lp_side_call *c, const lp_side_function *f, size_t row,
                            const void *args, void **ret)
{
    const lp_node *n = f->plan->result;
    if (n && n->handles)
        return loop_error_new(LOOP_UNAVAILABLE,
                              "'%s' answers with a handle, which NEXT cannot pass on yet", f->name);
    *ret = loop_call_alloc(c->call, n ? n->size : 1);
    if (!*ret)
        return loop_error_new(LOOP_LIMIT, "the call has no memory left");
    return loop_call_next(c->call, c->rows, row, args, *ret);
}

static loop_error *write_answer(struct lp_side_call *c, uint32_t id, const lp_side_function *f,
                                loop_error *err, const void *ret, lp_wire_out *out,
                                uint8_t *ret_type)
{
    struct writing x = {c, id};
    out->blame = LOOP_UNAVAILABLE;
    out->share = c->s->agreed & LP_SIDE_CAN_SHARE ? share : NULL;
    out->data = &x;
    if (!err && f->plan->result)
        err = lp_wire_write(out, f->plan->result, ret);
    out->data = NULL;
    *ret_type = err ? LP_SIDE_FAULT : LP_SIDE_RESULT;
    if (!err)
        return NULL;
    out->len = 0;
    loop_error *failed = lp_side_error_write(err, out);
    loop_error_delete(err);
    return failed;
}

loop_error *lp_side_run_next(struct lp_side_call *c, const lp_side_message *m, lp_wire_out *out,
                             uint8_t *ret_type)
{
    const lp_side_interface *t = &c->s->table->welcome.interfaces[c->interface];
    lp_frame frame = {0};
    lp_side_next next;
    void *answer = NULL;
    lp_frame_begin(&frame);
    lp_wire_in in = {
        .at = m->data, .end = m->data + m->len, .frame = &frame, .take = take_foreign, .data = c};
    in.copy_shared = true; /* no provider expects that its arguments change */
    see_shared(c->s, &in);
    loop_error *err = lp_side_next_read(&in, &next);
    if (!err && (next.interface != c->interface || next.function >= t->function_count))
        err = loop_error_new(LOOP_UNAVAILABLE,
                             "a NEXT for function %u of interface %u, in a call "
                             "of interface %zu",
                             next.function, next.interface, c->interface);
    const lp_side_function *f = err ? NULL : &t->functions[next.function];
    uint8_t *args = f ? lp_arena_alloc(&frame.arena, f->plan->params.size + 1u) : NULL;
    if (!err)
        err = lp_wire_read(&in, &f->plan->params, args);
    if (!err)
        err = lp_wire_end(&in);
    bool too_much = err && f && loop_error_code(err) == LOOP_LIMIT; /* as the component's may be */
    if (!err || too_much) {
        loop_error *failed =
            too_much ? lp_take(&err) : ask_next(c, f, next.function, args, &answer);
        err = write_answer(c, m->id, f, failed, answer, out, ret_type);
    }
    lp_frame_done(&frame);
    return err;
}

/* ---- `unavailable` ---- */

bool lp_side_unavailable(const lp_node *result, loop_string why, void *ret)
{
    if (!result || result->kind != LP_RESULT || !result->parts || !result->parts[1])
        return false;
    const lp_node *e = result->parts[1];
    if (e->kind != LP_VARIANT && e->kind != LP_ENUM)
        return false;
    size_t tag = lp_type_index(e->type, "unavailable");
    const lp_node *payload = tag != SIZE_MAX && e->parts ? e->parts[tag] : NULL;
    if (tag > UINT8_MAX || (payload && payload->kind != LP_STRING))
        return false;
    memset(ret, 0, result->size);
    uint8_t *to = (uint8_t *)ret + result->payload;
    *(uint8_t *)ret = 1;
    *to = (uint8_t)tag; /* little-endian, whatever the tag's size */
    if (payload)
        memcpy(to + e->payload, &why, sizeof why);
    return true;
}
