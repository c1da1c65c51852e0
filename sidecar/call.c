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

#define LOOK_FOR_NS 20000
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

/* ---- waiting ---- */

static bool alive(const struct lp_side_call *c)
{
    return c->s->phase == LP_SIDE_OPEN && c->s->generation == c->generation;
}

static loop_error *gone(struct lp_side_call *c)
{
    c->broke = true;
    return lp_side_why(c->s);
}

static void tell_cancel(struct lp_side_call *c, loop_cancel_reason reason, uint32_t left_ms)
{
    lp_wire_out w = {0};
    if (c->told_cancel || !(c->s->agreed & LP_SIDE_CAN_CANCEL) || !alive(c) || !c->id || c->sends)
        return;
    c->told_cancel = true;
    loop_error *err = lp_side_cancel_write(&w, reason, left_ms);
    if (!err)
        lp_side_note(c->s, LP_SIDE_CANCEL, c->id, w.ptr, w.len);
    loop_error_delete(err);
    free(w.ptr);
}

/* Whether it may go on waiting. */
static loop_error *look(struct lp_side_call *c)
{
    uint32_t left = 0;
    loop_cancel_reason reason = loop_call_cancelled(c->call, &left);
    const char *name = c->s->table->provider.name;
    if (reason != LOOP_CANCEL_NONE) {
        tell_cancel(c, reason, left);
        if (!left)
            return loop_error_new(LOOP_CANCELLED, "stopped while the sidecar '%s' was called",
                                  name);
    }
    if (c->now < c->until)
        return NULL;
    tell_cancel(c, LOOP_CANCEL_DEADLINE, 0);
    c->broke = true;
    return loop_error_hint_set(loop_error_new(LOOP_UNAVAILABLE,
                                              "the sidecar '%s' did not answer within %g s", name,
                                              (double)c->s->call_timeout_ns / 1e9),
                               "give it longer with call-timeout where it is bound");
}

/* Whether there is something for the call to do. */
static bool came(const struct lp_side_call *c)
{
    return c->answered || c->nexts.n || c->s->eof || !alive(c);
}

/*
 * An answer that comes within some microseconds costs less to look for than to sleep for. It may
 * be there already: a sidecar that was woken by the last byte often runs at once, in the place of
 * this thread. Else the processor is handed to it. Where the answer does not come in time, or
 * somebody else takes the processor, that is left off for a while.
 */
static bool look_for_answer(struct lp_side_call *c)
{
    struct lp_sidecar *s = c->s;
    if (c->sends)
        return false;
    if (s->early || s->looks_off || s->turns % 16 == 0) {
        lp_side_pump_in(s);
        s->early = came(c); /* so it will be the next time, mostly */
        if (s->early)
            return true;
    }
    if (s->in_flight != 1 || s->looks_off) {
        s->looks_off -= s->looks_off > 0;
        return false;
    }
    uint64_t start = lp_os_now_ns(), took = 0;
    while (took < LOOK_FOR_NS && !came(c)) {
        lp_os_mutex_unlock(s->lock);
        lp_os_thread_yield();
        lp_os_mutex_lock(s->lock);
        if (alive(c))
            lp_side_pump_in(s);
        took = lp_os_now_ns() - start;
    }
    if (took >= LOOK_FOR_NS)
        s->looks_off = took < 10 * LOOK_FOR_NS ? 64 : 1024;
    return came(c);
}

/* Waits for stdout, for all. */
static void take_turn(struct lp_side_call *c, uint64_t until)
{
    struct lp_sidecar *s = c->s;
    uint64_t generation = s->generation;
    s->turn = true;
    s->turns++;
    if (s->watched) {
        s->watched = false;
        lp_os_waker_wake(&s->waker);
    }
    if (look_for_answer(c)) {
        s->turn = false;
        if (s->phase != LP_SIDE_OPEN)
            lp_os_cond_broadcast(s->changed);
        return;
    }
    lp_os_waited w[] = {{.fd = s->g.out}, {.fd = s->g.in, .to_write = true}};
    size_t both = lp_side_writer_left(&s->writer) ? 2 : 1;
    lp_os_mutex_unlock(s->lock);
    lp_os_wait(w, both, until);
    lp_os_mutex_lock(s->lock);
    s->turn = false;
    if (s->generation == generation && s->phase == LP_SIDE_OPEN) {
        if (w[1].ready)
            lp_side_pump_out(s);
        if (w[0].ready)
            lp_side_pump_in(s);
    }
    if (s->phase != LP_SIDE_OPEN)
        lp_os_cond_broadcast(s->changed); /* the supervisor waits for the turn's end */
}

/* Waits for room in stdin, while somebody else waits for stdout. */
static void wait_to_write(struct lp_side_call *c, uint64_t until)
{
    struct lp_sidecar *s = c->s;
    lp_os_waited w = {.fd = s->g.in, .to_write = true};
    s->writes = true;
    lp_os_mutex_unlock(s->lock);
    lp_os_wait(&w, 1, until);
    lp_os_mutex_lock(s->lock);
    s->writes = false;
    if (alive(c))
        lp_side_pump_out(s);
    else
        lp_os_cond_broadcast(s->changed);
}

/* Until something may have changed for the call, for some milliseconds. */
static void wait_some(struct lp_side_call *c)
{
    struct lp_sidecar *s = c->s;
    uint64_t until = LP_MIN(c->now + LP_SIDE_LOOK_NS, c->until);
    if (!s->turn && !s->eof && alive(c)) {
        take_turn(c, until);
    } else if (c->sends && !s->writes && alive(c) && lp_side_writer_left(&s->writer)) {
        wait_to_write(c, until);
    } else {
        c->waits = true;
        s->waiting++;
        lp_os_cond_wait(c->caller->cond, s->lock, until);
        s->waiting--;
        c->waits = false;
    }
    if (!c->answered)
        c->now = lp_os_now_ns();
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

static void give_place(struct lp_side_call *c)
{
    struct lp_sidecar *s = c->s;
    size_t place = 0;
    while (place < s->slots.n && s->slots.at[place].used)
        place++;
    if (place == s->slots.n)
        lp_push(&s->slots);
    s->slots.at[place] = (struct lp_side_slot){.used = true, .call = c, .function = c->function};
    if (s->in_flight++ == 0)
        s->heard_ns = lp_os_now_ns(); /* it was not asked before */
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
    while (!err && alive(c) && (s->queue != c || s->in_flight >= most)) {
        wait_some(c);
        err = look(c);
    }
    leave_queue(c);
    if (!err && alive(c))
        give_place(c);
    if (s->queue)
        lp_os_cond_signal(s->queue->caller->cond);
    return err;
}

void lp_side_slot_free(struct lp_sidecar *s, uint32_t id)
{
    lp_side_room_free(&s->room, id);
    s->slots.at[id / 2 - 1] = (struct lp_side_slot){0};
    s->in_flight--;
    if (s->queue)
        lp_os_cond_signal(s->queue->caller->cond);
}

/* ---- sending ---- */

/* What was begun is sent to its end, by whoever comes. */
static void leave_rest(struct lp_sidecar *s, struct lp_side_out *o)
{
    lp_side_leave(s, &(struct lp_side_rest){.out = *o, .bytes = *o->bytes});
    *o->bytes = (lp_wire_out){0};
}

static loop_error *send_all(struct lp_side_call *c, struct lp_side_out *o)
{
    struct lp_sidecar *s = c->s;
    loop_error *err = NULL;
    c->sends = true;
    s->senders++;
    for (;;) {
        if (!alive(c)) {
            err = gone(c);
            break;
        }
        loop_error *broken = lp_side_send(s, o);
        if (broken)
            lp_side_hung(s, broken);
        else if (o->begun && o->sent == o->bytes->len)
            break;
        if (c->answered) { /* without waiting for this answer to its NEXT */
            leave_rest(s, o);
            break;
        }
        wait_some(c);
        err = look(c);
        if (err) {
            if (o->begun && alive(c))
                leave_rest(s, o);
            break;
        }
    }
    c->sends = false;
    s->senders--;
    return err;
}

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
        err = send_all(c, &o);
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
        err = send_all(c, &o);
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
    lp_side_pass_turn(s);
    if (!s->watched)
        lp_os_waker_wake(&s->waker); /* somebody must read while this thread is elsewhere */
    s->away++;
    c->away = true;
    lp_os_mutex_unlock(s->lock);
    loop_error *err = lp_side_run_next(c, &m, &w, &type);
    lp_os_mutex_lock(s->lock);
    s->away--;
    c->away = false;
    if (err && alive(c)) {
        lp_side_break(s, err);
        err = NULL;
    }
    loop_error_delete(err);
    err = NULL;
    if (type && alive(c)) {
        struct lp_side_out o = {.type = type, .id = m.id, .bytes = &w};
        err = send_all(c, &o);
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
        if (!alive(c))
            return gone(c);
        if (c->nexts.n) {
            LP_TRY(run_next(c));
            c->now = lp_os_now_ns(); /* one after the other may come, for ever */
        } else {
            wait_some(c);
        }
        if (!c->answered)
            LP_TRY(look(c));
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
    if (shared && alive(c))
        lp_side_note(s, LP_SIDE_RELEASE, c->id, NULL, 0);
    if (!err || !c->broke)
        return err ? err : said;
    if (alive(c)) {
        lp_side_break(s, loop_error_wrap(err, "its answer to '%s'", c->function->name));
        return lp_side_why(s);
    }
    return err;
}

/* ---- the end ---- */

/* Nobody waits for the answer any more: the place is kept until it comes. */
static void give_up(struct lp_side_call *c)
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
        if (alive(c))
            lp_side_refuse_next(c->s, &c->nexts.at[i]);
        lp_side_message_done(&c->nexts.at[i]);
    }
    free(c->nexts.at);
}

static void finish(struct lp_side_call *c, bool begun)
{
    struct lp_sidecar *s = c->s;
    if (c->id && begun && !c->answered && alive(c))
        give_up(c);
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
