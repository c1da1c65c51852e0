/*
 * sidecar/step.c: loop_provider_swap of a sidecar: its state, taken out and put in by the frames of
 * PROTOCOL.md, "Save and restore".
 *
 * Each function is a step, on a thread of the swap's. It has a place and an id as calls have, waits
 * as they do, and may run beside them (COPY). A state goes through in pieces: what came of a SAVE
 * waits in `pieces` until it was written on, and only then is its credit given back; a RESTORE
 * sends a piece when there is credit for it. So neither side holds a whole state.
 *
 * A process is no good for a state that another one holds. The first step binds the sidecar to the
 * process that runs (s->bound), and the steps that follow refuse any other; one that took a
 * state is not even started again by calls, until `health` has found it well twice: the host
 * asks, lets a call through, and asks again. A host that does not ask again has LP_SIDE_SETTLE_NS.
 *
 * A step that stands still for as long as a call may take ends in LOOP_TIMEOUT, and one that is
 * given up keeps its place until it was answered: no other step begins before. A RESTORE that was
 * not sent to its end ends the process, so that half a state can never last.
 */
#include <stdlib.h>

#include "sidecar/internal.h"

#define PIECE (64u << 10) /* of a state, read at a time */

/* ---- which process ---- */

loop_error *lp_side_lost(const struct lp_sidecar *s)
{
    return loop_error_wrap(lp_side_why(s),
                           "the process of the sidecar '%s' that took over the "
                           "state is gone",
                           s->table->provider.name);
}

/* That the process is the one of the steps before, which it is from now on. */
static loop_error *bind(struct lp_sidecar *s)
{
    if (!s->bound.generation) {
        LP_TRY(lp_side_reach(s, LP_SIDE_OPEN, NULL));
        s->bound.generation = s->generation;
    }
    if (s->phase == LP_SIDE_OPEN && s->generation == s->bound.generation)
        return NULL;
    if (s->bound.took)
        return lp_side_lost(s);
    return loop_error_wrap(lp_side_why(s),
                           "the process of the sidecar '%s' that was to be swapped has ended",
                           s->table->provider.name);
}

/* ---- a step, from its beginning to its end ---- */

static struct lp_side_caller_of *caller_new(void)
{
    struct lp_side_caller_of *c = lp_alloc(sizeof *c);
    c->cond = lp_os_cond_new();
    return c;
}

static void caller_delete(struct lp_side_caller_of *c)
{
    if (!c)
        return;
    lp_os_cond_delete(c->cond);
    free(c->out.ptr);
    free(c);
}

void lp_side_stepper_done(struct lp_sidecar *s)
{
    caller_delete(s->stepper);
}

/* Locks; `finish` unlocks. */
static loop_error *begin(struct lp_side_call *c, struct lp_sidecar *s, uint8_t type,
                         const char *doing)
{
    *c = (struct lp_side_call){.s = s, .step = type, .doing = doing};
    lp_os_mutex_lock(s->lock);
    LP_TRY(bind(s));
    if (s->steps)
        return loop_error_new(LOOP_UNAVAILABLE,
                              "the sidecar '%s' is busy with an earlier step of a swap",
                              s->table->provider.name);
    if (!s->stepper)
        s->stepper = caller_new();
    c->caller = s->stepper;
    c->caller->out.len = 0;
    c->generation = s->generation;
    c->state_whole = type != LP_SIDE_SAVE && type != LP_SIDE_SAVE_OBJECT;
    c->now = lp_os_now_ns();
    c->quiet_ns = c->now;
    c->until = c->now + lp_side_step_ns(s);
    c->seen_news = s->step_news;
    lp_side_give_place(c);
    return NULL;
}

static loop_error *finish(struct lp_side_call *c, loop_error *err)
{
    struct lp_sidecar *s = c->s;
    bool alive = c->id && lp_side_alive(c);
    if (c->id && c->sent && !c->answered && alive) {
        lp_side_tell_cancel(c, LOOP_CANCEL_STOPPED, 0);
        lp_side_give_up(c);
    } else if (c->id) {
        lp_side_slot_free(s, c->id);
    }
    for (size_t i = 0; i < c->pieces.n; i++) {
        if (alive)
            lp_side_read_bytes(s, c->pieces.at[i].owed);
        lp_side_message_done(&c->pieces.at[i]);
    }
    free(c->pieces.at);
    lp_side_message_done(&c->answer);
    lp_side_pass_turn(s);
    lp_os_mutex_unlock(s->lock);
    return err;
}

/* The frame that asks for it; what is in `out` is its payload. */
static loop_error *ask(struct lp_side_call *c)
{
    struct lp_side_out o = {.type = c->step, .id = c->id, .bytes = &c->caller->out, .whole = true};
    c->sent = true; /* FAULT may come as soon as it went */
    loop_error *err = lp_side_send_all(c, &o);
    c->sent = o.begun;
    return err;
}

/* FAULT: what it says. */
static loop_error *said(struct lp_side_call *c)
{
    loop_error *e = NULL;
    if (c->answer.type == LP_SIDE_RESULT)
        return NULL;
    loop_error *err = lp_side_error_read(c->answer.data, c->answer.len, &e);
    if (!err)
        return loop_error_wrap(e, "the sidecar '%s' could not %s", c->s->table->provider.name,
                               c->doing);
    lp_side_break(c->s, loop_error_wrap(err, "its answer to %s", lp_side_type_name(c->step)));
    return lp_side_why(c->s);
}

static loop_error *wait_answer(struct lp_side_call *c)
{
    while (!c->answered) {
        if (!lp_side_alive(c))
            return lp_side_gone(c);
        lp_side_wait_some(c);
        if (!c->answered)
            LP_TRY(lp_side_look(c));
    }
    return said(c);
}

/* RESULT without anything. */
static loop_error *wait_nothing(struct lp_side_call *c)
{
    LP_TRY(wait_answer(c));
    if (!c->answer.len)
        return NULL;
    lp_side_break(c->s, loop_error_new(LOOP_UNAVAILABLE, "it answered %s with %zu bytes",
                                       lp_side_type_name(c->step), c->answer.len));
    return lp_side_why(c->s);
}

/* The other side of the swap may take its time: that is not this sidecar's. */
static void back_again(struct lp_side_call *c)
{
    lp_side_come_back(c);
    c->now = c->quiet_ns = lp_os_now_ns();
    c->asked = 0;
    c->until = c->now + lp_side_step_ns(c->s);
}

/* ---- whose interface ---- */

/* Its place in WELCOME: by the row, or by name where it is another provider's. */
static loop_error *interface_of(const struct lp_sidecar *s, const loop_interface *interface,
                                size_t *ret)
{
    const lp_side_welcome *w = &s->table->welcome;
    for (*ret = 0; *ret < w->interface_count; ++*ret)
        if (&s->table->rows[*ret].interface == interface)
            return NULL;
    for (*ret = 0; *ret < w->interface_count; ++*ret)
        if (strcmp(w->interfaces[*ret].name, interface->name) == 0)
            return NULL;
    return loop_error_new(LOOP_INVALID, "the sidecar '%s' does not serve '%s'",
                          s->table->provider.name, interface->name);
}

static loop_error *resource_of(const struct lp_sidecar *s, const loop_interface *interface,
                               size_t resource, size_t *ret_interface, size_t *ret)
{
    const char *name = interface->resources[resource].name;
    LP_TRY(interface_of(s, interface, ret_interface));
    const lp_side_interface *own = &s->table->welcome.interfaces[*ret_interface];
    for (*ret = 0; *ret < own->resource_count; ++*ret)
        if (strcmp(own->resources[*ret], name) == 0)
            return NULL;
    return loop_error_new(LOOP_INVALID, "the sidecar '%s' has no resource '%s' in '%s'",
                          s->table->provider.name, name, interface->name);
}

/* ---- STATE that comes ---- */

loop_error *lp_side_take_state(struct lp_sidecar *s, lp_side_message *m)
{
    size_t place = m->id / 2;
    struct lp_side_slot *slot =
        m->id % 2 == 0 && place && place <= s->slots.n ? &s->slots.at[place - 1] : NULL;
    if (!slot || !slot->used || (slot->step != LP_SIDE_SAVE && slot->step != LP_SIDE_SAVE_OBJECT))
        return loop_error_new(LOOP_UNAVAILABLE, "it sent STATE %u, which nobody asked for", m->id);
    struct lp_side_call *c = slot->call;
    if (!c) { /* given up */
        lp_side_read_bytes(s, m->owed);
        return NULL;
    }
    if (!c->sent || c->answered || c->state_whole)
        return loop_error_new(LOOP_UNAVAILABLE, "it sent STATE %u behind the last", m->id);
    if (slot->step == LP_SIDE_SAVE_OBJECT && (m->more || m->len > LP_MAX_SIDE_OBJECT_STATE))
        return loop_error_new(LOOP_UNAVAILABLE, "the state of an object is more than %u bytes",
                              LP_MAX_SIDE_OBJECT_STATE);
    c->state_whole = !m->more;
    s->step_news++;
    lp_side_message_keep(m);
    *lp_push(&c->pieces) = *m;
    *m = (lp_side_message){0};
    lp_os_cond_signal(c->caller->cond);
    return NULL;
}

/* Writes the first of what came. */
static loop_error *write_piece(struct lp_side_call *c, loop_stream *to)
{
    lp_side_message m = c->pieces.at[0];
    memmove(c->pieces.at, c->pieces.at + 1, --c->pieces.n * sizeof m);
    lp_side_go_away(c);
    loop_error *err = m.len ? loop_stream_write(to, m.data, m.len) : NULL;
    back_again(c);
    if (lp_side_alive(c))
        lp_side_read_bytes(c->s, m.owed);
    lp_side_message_done(&m);
    return err;
}

/* To the last STATE, and the answer behind it. */
static loop_error *take_all(struct lp_side_call *c, loop_stream *to)
{
    while (c->pieces.n || !c->answered) {
        if (c->pieces.n) {
            LP_TRY(write_piece(c, to));
            continue;
        }
        if (!lp_side_alive(c))
            return lp_side_gone(c);
        lp_side_wait_some(c);
        if (!c->pieces.n && !c->answered)
            LP_TRY(lp_side_look(c));
    }
    return wait_nothing(c);
}

static loop_error *save(void *self, const loop_interface *interface, loop_pass pass,
                        loop_stream *to)
{
    struct lp_sidecar *s = self;
    struct lp_side_call c;
    size_t i;
    LP_TRY(interface_of(s, interface, &i));
    loop_error *err = begin(&c, s, LP_SIDE_SAVE, "save its state");
    if (!err)
        err = lp_side_save_write(&c.caller->out, i, pass);
    if (!err)
        err = ask(&c);
    c.stream = to;
    if (!err)
        err = take_all(&c, to);
    return finish(&c, err);
}

/* ---- STATE that goes ---- */

/* One piece, or the last one: *ret_end. Nothing is sent any more once it was answered. */
static loop_error *send_piece(struct lp_side_call *c, loop_stream *from, bool *ret_end)
{
    lp_wire_out *out = &c->caller->out;
    size_t n = 0;
    if (out->cap < PIECE)
        out->ptr = lp_realloc(out->ptr, out->cap = PIECE);
    lp_side_go_away(c);
    loop_error *err = loop_stream_read(from, out->ptr, PIECE, &n);
    back_again(c);
    out->len = n;
    struct lp_side_out o = {.type = LP_SIDE_STATE, .id = c->id, .bytes = out, .more = n > 0};
    if (!err && !c->answered)
        err = lp_side_send_all(c, &o);
    *ret_end = n == 0 && o.begun;
    return err;
}

static loop_error *send_all(struct lp_side_call *c, loop_stream *from)
{
    bool end = false;
    while (!end && !c->answered)
        LP_TRY(send_piece(c, from, &end));
    LP_TRY(wait_nothing(c));
    if (end)
        return NULL;
    lp_side_break(c->s,
                  loop_error_new(LOOP_UNAVAILABLE, "it answered RESTORE before the last STATE"));
    return lp_side_why(c->s);
}

static loop_error *restore(void *self, const loop_interface *interface, loop_pass pass,
                           loop_stream *from)
{
    struct lp_sidecar *s = self;
    struct lp_side_call c;
    size_t i;
    LP_TRY(interface_of(s, interface, &i));
    loop_error *err = begin(&c, s, LP_SIDE_RESTORE, "restore its state");
    if (!err) {
        c.stream = from;
        s->bound.took = true;
        s->bound.well_ns = 0;
        s->bound.copied = pass == LOOP_PASS_COPY;
        err = lp_side_save_write(&c.caller->out, i, pass);
    }
    if (!err)
        err = ask(&c);
    if (!err)
        err = send_all(&c, from);
    if (err && c.sent && !c.answered && lp_side_alive(&c))
        lp_side_end(s, "was ended in the middle of a state that it should take over");
    return finish(&c, err);
}

/* ---- objects ---- */

static loop_error *save_object(void *self, const loop_interface *interface, size_t resource,
                               void *object, loop_stream *to)
{
    struct lp_sidecar *s = self;
    struct lp_side_call c;
    loop_error *err = begin(&c, s, LP_SIDE_SAVE_OBJECT, "save an object");
    (void)interface; /* the object knows */
    (void)resource;
    const struct lp_side_object *o = err ? NULL : lp_side_object_of(s, (uint64_t)(uintptr_t)object);
    if (!err && (!o || o->generation != c.generation))
        err = loop_error_new(LOOP_UNAVAILABLE,
                             o ? "the object is of a process of the sidecar '%s' that has ended"
                               : "the object is none of the sidecar '%s'",
                             s->table->provider.name);
    if (!err)
        err = lp_side_save_object_write(&c.caller->out,
                                        &(lp_side_drop){o->interface, o->resource, o->number});
    if (!err)
        err = ask(&c);
    if (!err)
        err = take_all(&c, to);
    return finish(&c, err);
}

/* All of it, into `out`: it goes in one frame. Unlocked. */
static loop_error *read_object(lp_wire_out *out, loop_stream *from)
{
    const size_t room = LP_MAX_SIDE_OBJECT_STATE + 1;
    if (out->cap < room)
        out->ptr = lp_realloc(out->ptr, out->cap = room);
    for (size_t n = 1; n && out->len < room; out->len += n)
        LP_TRY(loop_stream_read(from, out->ptr + out->len, room - out->len, &n));
    if (out->len == room)
        return loop_error_new(LOOP_LIMIT, "the state of an object is more than %u bytes",
                              LP_MAX_SIDE_OBJECT_STATE);
    return NULL;
}

/* The number that answers it, as an object of ours. */
static loop_error *new_object(struct lp_side_call *c, size_t interface, size_t resource,
                              uint64_t *ret)
{
    struct lp_sidecar *s = c->s;
    struct lp_side_object o = {.generation = c->generation,
                               .interface = (uint32_t)interface,
                               .resource = (uint32_t)resource};
    LP_TRY(wait_answer(c));
    loop_error *err = lp_side_handle_read(c->answer.data, c->answer.len, &o.number);
    bool known = !err;
    if (!err)
        err = lp_side_object_new(s, &o, ret);
    if (!err)
        return NULL;
    if (loop_error_code(err) == LOOP_LIMIT) {
        lp_side_note_drop(s, interface, resource, o.number);
        return err;
    }
    lp_side_break(s, loop_error_wrap(err, known ? "its answer to RESTORE-OBJECT"
                                                : "its answer to RESTORE-OBJECT is none"));
    return lp_side_why(s);
}

static loop_error *restore_object(void *self, const loop_interface *interface, size_t resource,
                                  loop_stream *from, void **ret_object)
{
    struct lp_sidecar *s = self;
    struct lp_side_call c;
    size_t i, r;
    uint64_t at = 0;
    lp_wire_out state = {0};
    LP_TRY(resource_of(s, interface, resource, &i, &r));
    loop_error *err = read_object(&state, from);
    if (!err) {
        err = begin(&c, s, LP_SIDE_RESTORE_OBJECT, "restore an object");
        s->bound.took = s->bound.took || !err;
        s->bound.well_ns = 0;
        if (!err)
            err = lp_side_restore_object_write(&c.caller->out, i, r);
        if (!err)
            err = ask(&c);
        struct lp_side_out o = {.type = LP_SIDE_STATE, .id = c.id, .bytes = &state, .whole = true};
        if (!err && !c.answered)
            err = lp_side_send_all(&c, &o);
        if (!err)
            err = new_object(&c, i, r, &at);
        if (err && c.sent && !c.answered && lp_side_alive(&c))
            lp_side_end(s, "was ended in the middle of an object that it should take over");
        err = finish(&c, err);
    }
    free(state.ptr);
    *ret_object = (void *)(uintptr_t)at;
    return err;
}

/* ---- quiet, and not ---- */

static loop_error *quiesce(void *self)
{
    struct lp_sidecar *s = self;
    struct lp_side_call c;
    lp_os_mutex_lock(s->lock);
    bool none = s->phase == LP_SIDE_OFF && !s->bound.generation;
    lp_os_mutex_unlock(s->lock);
    if (none) /* it has ended, or could not be started: what there is of it is durable */
        return NULL;
    loop_error *err = begin(&c, s, LP_SIDE_QUIESCE, "become quiet");
    if (!err)
        err = ask(&c);
    if (!err)
        err = wait_nothing(&c);
    return finish(&c, err);
}

static void resume(void *self)
{
    struct lp_sidecar *s = self;
    lp_os_mutex_lock(s->lock);
    if (s->bound.generation && s->phase == LP_SIDE_OPEN && s->generation == s->bound.generation)
        lp_side_note(s, LP_SIDE_RESUME, 0, NULL, 0);
    s->bound = (struct lp_side_bound){0};
    lp_os_mutex_unlock(s->lock);
}

/* ---- health ---- */

static loop_error *ping(struct lp_sidecar *s, struct lp_side_caller_of *caller)
{
    struct lp_side_call c = {.s = s,
                             .caller = caller,
                             .step = LP_SIDE_PING,
                             .generation = s->generation,
                             .now = lp_os_now_ns(),
                             .until = UINT64_MAX};
    uint64_t until = c.now + LP_SIDE_HEALTH_NS;
    uint32_t asked = lp_side_ask_health(s);
    while (lp_side_alive(&c) && !lp_side_told_health(s, asked) && c.now < until)
        lp_side_wait_some(&c);
    lp_side_pass_turn(s);
    if (!lp_side_alive(&c))
        return lp_side_gone(&c);
    if (lp_side_told_health(s, asked))
        return NULL;
    return loop_error_new(LOOP_TIMEOUT, "the sidecar '%s' did not answer PING within %g s",
                          s->table->provider.name, (double)LP_SIDE_HEALTH_NS / 1e9);
}

static loop_error *health(void *self)
{
    struct lp_sidecar *s = self;
    struct lp_side_caller_of *caller = caller_new();
    lp_os_mutex_lock(s->lock);
    loop_error *err = lp_side_reach(s, LP_SIDE_OPEN, NULL); /* of one that took a state, no other */
    if (!err)
        err = ping(s, caller);
    if (!err && s->bound.took && !s->bound.copied && s->bound.well_ns)
        s->bound = (struct lp_side_bound){0};
    else if (!err && s->bound.took && !s->bound.copied)
        s->bound.well_ns = lp_os_now_ns(); /* a host tries it, and asks again */
    lp_os_mutex_unlock(s->lock);
    caller_delete(caller);
    return err;
}

/* ---- the tables ---- */

#define TABLE                                                                                      \
    .quiesce = quiesce, .resume = resume, .save = save, .restore = restore,                        \
    .save_object = save_object, .restore_object = restore_object, .health = health
const loop_provider_swap lp_side_swap = {TABLE};
const loop_provider_swap lp_side_swap_copies = {.copies = true, TABLE};
const loop_provider_swap lp_side_swap_none = {.health = health}; /* nothing to hand over */
