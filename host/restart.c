/*
 * host/restart.c: an instance that failed by itself, and begins anew (loop_on_trap): what runs, and
 * what serves. The main thread's.
 *
 *     RUNNING ──▶ failed ──▶ rests ──┬─ its time has come: a new body, a new thread ──▶ RUNNING
 *                                    ├─ `loop reload`: the same with what its file has now
 *                                    └─ asked to end, its deadline: the end, with the failure
 *
 * For everybody else it runs on all the while: its name, number, mailbox and functions that C has
 * looked up stay. What was left in its mailbox waits; the work that was under way when it failed
 * is over.
 */
#include <stdlib.h>

#include "host/internal.h"

#define AGAIN_NS 10000000ull /* where a swap is under way */

bool lp_restarts(const loop_instance *i)
{
    loop_on_trap mode = i->options.on_trap;
    return !i->call_text && (mode == LOOP_ON_TRAP_RESTART || mode == LOOP_ON_TRAP_QUARANTINE);
}

/* Somebody wants it to end. */
static bool is_to_end(const loop_instance *i, uint64_t now)
{
    return i->asked_to_stop || i->stopping || i->timed_out || now >= i->deadline_ns ||
           i->cancelled != LOOP_CANCEL_NONE;
}

static void tell(const loop_instance *i, const loop_error *err, uint64_t now)
{
    loop_host *h = i->host;
    const char *name = i->options.name;
    lp_buf why = {0};
    for (const loop_error *e = err; e; e = loop_error_cause(e))
        lp_buf_printf(&why, "%s%s", why.len ? ": " : "", loop_error_message(e));
    if (i->strikes.quarantined)
        loop_host_log(h, LOOP_LOG_ERROR,
                      "%s: failed, and is in quarantine, since it was the third time within a "
                      "minute; `loop reload` starts it again: %s",
                      name, why.ptr);
    else
        loop_host_log(h, LOOP_LOG_WARN, "%s: failed, and begins anew in %g s: %s", name,
                      (double)(i->again_ns - now) / 1e9, why.ptr);
    lp_buf_done(&why);
}

bool lp_restart_begin(loop_instance *i)
{
    static const struct lp_strike_rule any = {.a_minute = UINT32_MAX};
    uint64_t now = lp_os_now_ns();
    if (!lp_restarts(i) || !i->error || is_to_end(i, now) || !lp_is_strike(i->error))
        return false;
    struct lp_strike_rule rule = any;
    rule.mode = i->options.on_trap;
    lp_os_thread_join(lp_take(&i->thread));
    i->failure = lp_named_error(i, lp_take(&i->error));
    loop_free(i->result.output);
    i->result = (loop_result){0};
    lp_os_mutex_lock(i->lock);
    lp_strikes_note(&i->strikes, i->failure);
    i->again_ns = lp_strike(&i->strikes, &rule, now);
    i->rests = true;
    i->done = false;
    lp_os_mutex_unlock(i->lock);
    tell(i, i->failure, now);
    return true;
}

/*
 * What is left of it is the failure. One that only could not begin anew, and was not asked to end,
 * has failed once more: the next look lets it rest again, and its deadline goes on.
 */
static void end(loop_instance *i, loop_error *err)
{
    i->rests = false;
    i->error = err;
    i->done = true;
}

/* In the place of the one that failed. `changing` is held. */
static void put_in(loop_instance *i, struct lp_body *b)
{
    lp_os_mutex_lock(i->lock);
    struct lp_body *old = i->body;
    i->body = b;
    lp_os_mutex_unlock(i->lock);
    lp_body_delete(old);
}

void lp_restart_run(loop_instance *i)
{
    i->rests = false;
    i->halted = false;
    loop_error_delete(lp_take(&i->failure));
    lp_strikes_started(&i->strikes, lp_os_now_ns());
    loop_error *err = lp_actor_start(i); /* from here on the error and `done` are its own */
    if (err)
        end(i, err);
}

static void run_again(loop_instance *i, uint64_t now)
{
    loop_host *h = i->host;
    struct lp_body *b;
    if (!lp_os_mutex_try(h->changing)) {
        i->again_ns = now + AGAIN_NS;
        return;
    }
    loop_error *err = lp_body_new(i, i->body->component, &b);
    if (!err)
        put_in(i, b);
    lp_os_mutex_unlock(h->changing);
    if (err) {
        loop_error_delete(lp_take(&i->failure));
        end(i, err);
        return;
    }
    i->restarts++;
    lp_restart_run(i);
}

static loop_error *ended_while_it_rested(loop_instance *i)
{
    loop_error *err = lp_take(&i->failure);
    return loop_error_wrap(err, "'%s' %s when it was ended", i->options.name,
                           i->strikes.quarantined ? "was in quarantine"
                                                  : "had failed, and had not begun anew");
}

uint64_t lp_restart_look(loop_instance *i)
{
    uint64_t now = lp_os_now_ns();
    if (lp_reload_rested(i))
        return 0;
    if (is_to_end(i, now))
        end(i, ended_while_it_rested(i));
    else if (now >= i->again_ns)
        run_again(i, now);
    return i->rests ? LP_MIN(i->again_ns, i->deadline_ns) : 0;
}
