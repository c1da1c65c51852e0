/*
 * sidecar/wait.c: whoever waits for a sidecar: a call, a step of a swap, a question for its health.
 *
 * They take turns in waiting for stdout (internal.h); who has not the turn is woken by who has.
 * All look every LP_SIDE_LOOK_NS whether they may go on waiting.
 */
#include <stdlib.h>

#include "base/stream.h"
#include "sidecar/internal.h"

#define LOOK_FOR_NS 20000

bool lp_side_alive(const struct lp_side_call *c)
{
    return c->s->phase == LP_SIDE_OPEN && c->s->generation == c->generation;
}

loop_error *lp_side_gone(struct lp_side_call *c)
{
    c->broke = true;
    return lp_side_why(c->s);
}

void lp_side_tell_cancel(struct lp_side_call *c, loop_cancel_reason reason, uint32_t left_ms)
{
    lp_wire_out w = {0};
    if (c->told_cancel || !(c->s->agreed & LP_SIDE_CAN_CANCEL) || !lp_side_alive(c) || !c->id ||
        c->sends)
        return;
    c->told_cancel = true;
    loop_error *err = lp_side_cancel_write(&w, reason, left_ms);
    if (!err)
        lp_side_note(c->s, LP_SIDE_CANCEL, c->id, w.ptr, w.len);
    loop_error_delete(err);
    free(w.ptr);
}

uint64_t lp_side_step_ns(const struct lp_sidecar *s)
{
    return s->call_timeout_ns ? s->call_timeout_ns : LP_SIDE_STEP_NS;
}

uint32_t lp_side_ask_health(struct lp_sidecar *s)
{
    s->health_asked += s->health_asked == UINT32_MAX ? 2 : 1; /* 0 is the supervisor's */
    lp_side_note(s, LP_SIDE_PING, s->health_asked, NULL, 0);
    return s->health_asked;
}

bool lp_side_told_health(const struct lp_sidecar *s, uint32_t asked)
{
    return s->health_told - asked < UINT32_MAX / 2;
}

/* One that hangs is told from one that has much to do, where it can be. */
static bool lives(struct lp_side_call *c)
{
    struct lp_sidecar *s = c->s;
    if (c->asked && lp_side_told_health(s, c->asked)) {
        c->asked = 0;
        c->quiet_ns = c->now;
    }
    if (!(s->agreed & LP_SIDE_CAN_CANCEL) || c->now < c->quiet_ns + LP_SIDE_QUIET_NS)
        return true;
    if (!c->asked)
        c->asked = lp_side_ask_health(s);
    return c->now < c->quiet_ns + LP_SIDE_QUIET_NS + LP_SIDE_ALIVE_NS;
}

/* Of a step: whatever moved since the last look gives it as long again. */
static loop_error *look_at_step(struct lp_side_call *c)
{
    struct lp_sidecar *s = c->s;
    if (c->seen_news != s->step_news) {
        c->seen_news = s->step_news;
        c->until = c->now + lp_side_step_ns(s);
        c->quiet_ns = c->now;
        c->asked = 0;
    }
    if (c->stream && lp_stream_broken(c->stream))
        return loop_error_new(LOOP_CANCELLED, "the other provider has given up");
    if (!lives(c))
        return loop_error_new(LOOP_TIMEOUT,
                              "the sidecar '%s' hangs when it is to %s: it does not "
                              "answer PING",
                              s->table->provider.name, c->doing);
    if (c->now < c->until)
        return NULL;
    c->broke = true;
    return loop_error_hint_set(
        loop_error_new(LOOP_TIMEOUT, "the sidecar '%s' did nothing for %g s when it was to %s",
                       s->table->provider.name, (double)lp_side_step_ns(s) / 1e9, c->doing),
        "give it longer with call-timeout where it is bound");
}

loop_error *lp_side_look(struct lp_side_call *c)
{
    if (c->step)
        return look_at_step(c);
    uint32_t left = 0;
    loop_cancel_reason reason = loop_call_cancelled(c->call, &left);
    const char *name = c->s->table->provider.name;
    if (reason != LOOP_CANCEL_NONE) {
        lp_side_tell_cancel(c, reason, left);
        if (!left)
            return loop_error_new(LOOP_CANCELLED, "stopped while the sidecar '%s' was called",
                                  name);
    }
    if (c->now < c->until)
        return NULL;
    lp_side_tell_cancel(c, LOOP_CANCEL_DEADLINE, 0);
    c->broke = true;
    return loop_error_hint_set(loop_error_new(LOOP_UNAVAILABLE,
                                              "the sidecar '%s' did not answer within %g s", name,
                                              (double)c->s->call_timeout_ns / 1e9),
                               "give it longer with call-timeout where it is bound");
}

/* Whether there is something for the call to do. */
static bool came(const struct lp_side_call *c)
{
    return c->answered || c->nexts.n || c->pieces.n || c->s->eof || !lp_side_alive(c);
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
    if (s->in_flight != 1 || s->looks_off || c->step) {
        s->looks_off -= s->looks_off > 0;
        return false;
    }
    uint64_t start = lp_os_now_ns(), took = 0;
    while (took < LOOK_FOR_NS && !came(c)) {
        lp_os_mutex_unlock(s->lock);
        lp_os_thread_yield();
        lp_os_mutex_lock(s->lock);
        if (lp_side_alive(c))
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
    if (lp_side_alive(c))
        lp_side_pump_out(s);
    else
        lp_os_cond_broadcast(s->changed);
}

void lp_side_wait_some(struct lp_side_call *c)
{
    struct lp_sidecar *s = c->s;
    uint64_t until = LP_MIN(c->now + LP_SIDE_LOOK_NS, c->until);
    if (!s->turn && !s->eof && lp_side_alive(c)) {
        take_turn(c, until);
    } else if (c->sends && !s->writes && lp_side_alive(c) && lp_side_writer_left(&s->writer)) {
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

/* ---- sending ---- */

/* What was begun is sent to its end, by whoever comes. */
static void leave_rest(struct lp_sidecar *s, struct lp_side_out *o)
{
    lp_side_leave(s, &(struct lp_side_rest){.out = *o, .bytes = *o->bytes});
    *o->bytes = (lp_wire_out){0};
}

loop_error *lp_side_send_all(struct lp_side_call *c, struct lp_side_out *o)
{
    struct lp_sidecar *s = c->s;
    loop_error *err = NULL;
    c->sends = true;
    s->senders++;
    for (;;) {
        if (!lp_side_alive(c)) {
            err = lp_side_gone(c);
            break;
        }
        loop_error *broken = lp_side_send(s, o);
        if (broken)
            lp_side_hung(s, broken);
        else if (o->begun && o->sent == o->bytes->len)
            break;
        if (c->answered) { /* without waiting for this answer to its NEXT, or for its state */
            if (!c->step)
                leave_rest(s, o);
            break;
        }
        lp_side_wait_some(c);
        err = lp_side_look(c);
        if (err) {
            if (o->begun && lp_side_alive(c) && !c->step)
                leave_rest(s, o);
            break;
        }
    }
    c->sends = false;
    s->senders--;
    return err;
}

void lp_side_go_away(struct lp_side_call *c)
{
    struct lp_sidecar *s = c->s;
    lp_side_pass_turn(s);
    if (!s->watched)
        lp_os_waker_wake(&s->waker); /* somebody must read while this thread is elsewhere */
    s->away++;
    c->away = true;
    lp_os_mutex_unlock(s->lock);
}

void lp_side_come_back(struct lp_side_call *c)
{
    lp_os_mutex_lock(c->s->lock);
    c->s->away--;
    c->away = false;
}
