/*
 * sidecar/call.c: one call of a sidecar's function, on the thread of whoever calls.
 *
 *     reach the phase OPEN, take a place (an id), say who calls (once), write the arguments
 *     wait: take the turn, or wait for somebody who has it; run what comes as NEXT
 *     read the result
 *
 * Who waits looks at its deadline and at the cancellation of its component every
 * LP_SIDE_LOOK_NS. A call that was sent is never sent again: whether it was done, nobody knows. A
 * call that is given up keeps its place until its answer comes, or the process goes.
 */
#include <stdlib.h>

#include "sidecar/internal.h"

#define KEPT_BYTES 65536u /* of the memory for the arguments of a call, for the next */

/* ---- callers ---- */

/* One that has nothing here any more makes room, where there are many: the least recent. */
static struct lp_side_caller_of *idle_caller(struct lp_sidecar *s)
{
    struct lp_side_caller_of *idle = NULL;
    if (s->callers.n < LP_MAX_SIDE_IDLE_CALLERS)
        return NULL;
    for (size_t i = 0; i < s->callers.n; i++) {
        struct lp_side_caller_of *c = s->callers.at[i];
        if (!c->calls && !c->objects && (!idle || c->used < idle->used))
            idle = c;
    }
    if (idle && idle->generation == s->generation)
        lp_side_note(s, LP_SIDE_CALLER_GONE, idle->number, NULL, 0);
    return idle;
}

static struct lp_side_caller_of *caller_of(struct lp_sidecar *s, const loop_call *call)
{
    uint64_t instance = loop_call_instance(call);
    for (size_t i = 0; i < s->callers.n; i++)
        if (s->callers.at[i]->instance == instance)
            return s->callers.at[i];
    struct lp_side_caller_of *c = idle_caller(s);
    if (!c) {
        c = lp_alloc(sizeof *c);
        c->cond = lp_os_cond_new();
        *lp_push(&s->callers) = c;
    }
    c->instance = instance;
    c->number = ++s->next_caller;
    c->generation = 0;
    return c;
}

/* ---- places ---- */

static void leave_queue(struct lp_side_call *c)
{
    struct lp_side_call **at = &c->s->queue;
    while (*at && *at != c)
        at = &(*at)->queued;
    if (*at)
        *at = c->queued;
}

void lp_side_give_place(struct lp_side_call *c)
{
    struct lp_sidecar *s = c->s;
    size_t place = 0;
    while (place < s->slots.n && s->slots.at[place].used)
        place++;
    if (place == s->slots.n)
        lp_push(&s->slots);
    s->slots.at[place] =
        (struct lp_side_slot){.used = true, .step = c->step, .call = c, .function = c->function};
    if (s->in_flight + s->steps == 0)
        s->heard_ns = lp_os_now_ns(); /* it was not asked before */
    *(c->step ? &s->steps : &s->in_flight) += 1;
    c->id = 2 * ((uint32_t)place + 1);
}

/* First come, first served. Without an error it may have none: the process went meanwhile. */
static loop_error *take_place(struct lp_side_call *c)
{
    struct lp_sidecar *s = c->s;
    size_t most = s->table->welcome.calls;
    most = most ? LP_MIN(most, LP_MAX_SIDE_CALLS) : LP_MAX_SIDE_CALLS;
    struct lp_side_call **last = &s->queue;
    loop_error *err = NULL;
    while (*last)
        last = &(*last)->queued;
    c->queued = NULL; /* it may have waited before, for a process that went */
    *last = c;
    while (!err && lp_side_alive(c) && (s->queue != c || s->in_flight >= most)) {
        lp_side_wait_some(c);
        err = lp_side_look(c);
    }
    leave_queue(c);
    if (!err && lp_side_alive(c))
        lp_side_give_place(c);
    if (s->queue)
        lp_os_cond_signal(s->queue->caller->cond);
    return err;
}

void lp_side_slot_free(struct lp_sidecar *s, uint32_t id)
{
    struct lp_side_slot *slot = &s->slots.at[id / 2 - 1];
    lp_side_room_free(&s->room, id);
    *(slot->step ? &s->steps : &s->in_flight) -= 1;
    *slot = (struct lp_side_slot){0};
    if (s->queue)
        lp_os_cond_signal(s->queue->caller->cond);
}

/* ---- sending ---- */

/* Who calls, once a process. */
static loop_error *announce(struct lp_side_call *c)
{
    lp_wire_out w = {0};
    lp_side_caller who = {.component = loop_call_component(c->call),
                          .identity = loop_call_identity(c->call),
                          .instance = c->caller->instance};
    if (c->caller->generation == c->generation)
        return NULL;
    who.storage = loop_call_storage(c->call, &who.storage_why);
    loop_error *err = lp_side_caller_write(&who, &w);
    struct lp_side_out o = {
        .type = LP_SIDE_CALLER, .id = c->caller->number, .bytes = &w, .whole = true};
    if (!err)
        err = lp_side_send_all(c, &o);
    if (!err)
        c->caller->generation = c->generation;
    free(w.ptr);
    return err;
}

/* Objects that were handed over are the sidecar's once it was told; before, nobody's. */
static void hand_over(struct lp_side_call *c, bool told)
{
    for (size_t i = 0; i < c->given.n; i++)
        lp_side_object_drop(c->s, c->given.at[i], !told);
    c->given.n = 0;
}

static loop_error *send_call(struct lp_side_call *c, const void *args, bool *ret_begun)
{
    struct lp_sidecar *s = c->s;
    struct lp_side_out o = {.type = LP_SIDE_CALL, .id = c->id, .bytes = &c->caller->out};
    lp_os_mutex_unlock(s->lock);
    loop_error *err = lp_side_write_args(c, args);
    lp_os_mutex_lock(s->lock);
    if (!err)
        err = lp_side_send_all(c, &o);
    c->sent = !err;
    *ret_begun = o.begun;
    hand_over(c, o.begun);
    return err;
}

/* ---- the answer ---- */

static loop_error *run_next(struct lp_side_call *c)
{
    struct lp_sidecar *s = c->s;
    lp_side_message m = c->nexts.at[0];
    lp_wire_out w = {0};
    uint8_t type = 0;
    memmove(c->nexts.at, c->nexts.at + 1, --c->nexts.n * sizeof m);
    s->nexts--;
    s->next_bytes -= m.len;
    lp_side_read_bytes(s, m.owed);
    lp_side_go_away(c);
    loop_error *err = lp_side_run_next(c, &m, &w, &type);
    lp_side_come_back(c);
    if (err && lp_side_alive(c)) {
        lp_side_break(s, err);
        err = NULL;
    }
    loop_error_delete(err);
    err = NULL;
    if (type && lp_side_alive(c)) {
        struct lp_side_out o = {.type = type, .id = m.id, .bytes = &w};
        err = lp_side_send_all(c, &o);
        if (err && !o.begun)
            lp_side_room_free(&s->room, m.id);
    }
    lp_side_message_done(&m);
    free(w.ptr);
    return err;
}

static loop_error *wait_answer(struct lp_side_call *c)
{
    while (!c->answered) {
        if (!lp_side_alive(c))
            return lp_side_gone(c);
        if (c->nexts.n) {
            LP_TRY(run_next(c));
            c->now = lp_os_now_ns(); /* one after the other may come, for ever */
        } else {
            lp_side_wait_some(c);
        }
        if (!c->answered)
            LP_TRY(lp_side_look(c));
    }
    return NULL;
}

static loop_error *read_answer(struct lp_side_call *c, void *ret)
{
    struct lp_sidecar *s = c->s;
    loop_error *err = NULL, *said = NULL;
    bool shared = false;
    lp_side_pass_turn(s);
    lp_os_mutex_unlock(s->lock);
    if (c->answer.type == LP_SIDE_RESULT)
        err = lp_side_read_result(c, ret, &shared);
    else
        err = lp_side_error_read(c->answer.data, c->answer.len, &said);
    c->broke = c->broke || (err && c->answer.type == LP_SIDE_FAULT);
    lp_os_mutex_lock(s->lock);
    for (size_t i = 0; err && i < c->made.n; i++)
        lp_side_object_drop(s, c->made.at[i], true);
    if (shared && lp_side_alive(c))
        lp_side_note(s, LP_SIDE_RELEASE, c->id, NULL, 0);
    if (!err || !c->broke)
        return err ? err : said;
    if (lp_side_alive(c)) {
        lp_side_break(s, loop_error_wrap(err, "its answer to '%s'", c->function->name));
        return lp_side_why(s);
    }
    return err;
}

/* ---- the end ---- */

/* Nobody waits for the answer any more: the place is kept until it comes. */
void lp_side_give_up(struct lp_side_call *c)
{
    struct lp_sidecar *s = c->s;
    s->slots.at[c->id / 2 - 1].call = NULL;
    if (++s->given_up > LP_MAX_SIDE_GIVEN_UP) {
        lp_side_break(s, loop_error_new(LOOP_UNAVAILABLE, "it left %d calls without an answer",
                                        LP_MAX_SIDE_GIVEN_UP));
        return;
    }
    if (!s->pinged_ns) {
        s->pinged_ns = lp_os_now_ns();
        lp_side_note(s, LP_SIDE_PING, 0, NULL, 0);
        lp_os_waker_wake(&s->waker);
    }
}

/* Each NEXT is answered. */
static void leave_nexts(struct lp_side_call *c)
{
    for (size_t i = 0; i < c->nexts.n; i++) {
        c->s->nexts--;
        c->s->next_bytes -= c->nexts.at[i].len;
        if (lp_side_alive(c))
            lp_side_refuse_next(c->s, &c->nexts.at[i]);
        lp_side_message_done(&c->nexts.at[i]);
    }
    free(c->nexts.at);
}

static void finish(struct lp_side_call *c, bool begun)
{
    struct lp_sidecar *s = c->s;
    if (c->id && begun && !c->answered && lp_side_alive(c))
        lp_side_give_up(c);
    else if (c->id)
        lp_side_slot_free(s, c->id);
    leave_nexts(c);
    lp_side_message_done(&c->answer);
    c->caller->calls--;
    if (c->caller->out.cap > KEPT_BYTES) {
        free(c->caller->out.ptr);
        c->caller->out = (lp_wire_out){0};
    }
    c->caller->used = s->turns;
    lp_side_pass_turn(s);
    free(c->given.at);
    free(c->foreign.at);
    free(c->made.at);
}

static loop_error *run(struct lp_side_call *c, const void *args, void *ret)
{
    bool begun = false;
    loop_error *err = NULL;
    while (!err && !c->id) { /* nothing was sent yet: a process that went is no loss */
        err = lp_side_reach(c->s, LP_SIDE_OPEN, c);
        c->generation = c->s->generation;
        if (!err)
            err = take_place(c);
    }
    if (!err)
        err = announce(c);
    if (!err)
        err = send_call(c, args, &begun);
    if (!err)
        err = wait_answer(c);
    if (!err)
        err = read_answer(c, ret);
    finish(c, begun);
    return err;
}

/* The error as the component's own, where its type has a place for it. */
static loop_error *as_value(struct lp_side_call *c, loop_error *err, void *ret)
{
    lp_buf text = {0};
    for (const loop_error *e = err; e; e = loop_error_cause(e))
        lp_buf_printf(&text, "%s%s", text.len ? ": " : "", loop_error_message(e));
    if (loop_error_hint(err))
        lp_buf_printf(&text, "; %s", loop_error_hint(err));
    bool fits = lp_side_unavailable(c->function->plan->result,
                                    loop_call_string(c->call, text.ptr, text.len), ret);
    lp_buf_done(&text);
    if (!fits)
        return err;
    loop_error_delete(err);
    return NULL;
}

loop_error *lp_side_call_run(void *self, loop_call *call, const loop_interface *interface,
                             size_t row, const void *args, void *ret)
{
    struct lp_sidecar *s = self;
    const lp_sidecar_table *t = s->table;
    size_t i = 0;
    while (&t->rows[i].interface != interface)
        i++;
    struct lp_side_call c = {.s = s,
                             .call = call,
                             .rows = t->welcome.interfaces[i].rows,
                             .interface = i,
                             .index = t->rows[i].functions[row],
                             .now = lp_os_now_ns(),
                             .until = UINT64_MAX};
    if (s->call_timeout_ns)
        c.until = c.now + s->call_timeout_ns;
    c.function = &t->welcome.interfaces[i].functions[c.index];
    lp_os_mutex_lock(s->lock);
    c.caller = caller_of(s, call);
    c.caller->calls++;
    loop_error *err = run(&c, args, ret);
    lp_os_mutex_unlock(s->lock);
    return err && c.broke ? as_value(&c, err, ret) : err;
}
