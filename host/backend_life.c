/*
 * host/backend_life.c: the thread of a component that serves others.
 *
 *     STARTS ──▶ WELL ──▶ (a trap, a limit, an end of its own) ──▶ DOWN ──▶ STARTS ...
 *
 * It is linked by whoever needs it first, so that what it lacks is an error of theirs, and
 * instantiated on its thread. What ended it is told to the call that was under way; the next call
 * starts it again in another body, `restarts` times within a minute at most and later and later
 * (strikes.c), or not, as its on-trap says.
 * Whatever was left there meanwhile waits for that.
 *
 * Its thread never waits for host->changing while somebody waits for it: a swap that has the lock
 * may wait for exactly that call.
 */
#include <stdlib.h>

#include "host/backend.h"

#define STACK (1u << 20)         /* beside the component's, as any instance's: supervise.c */
#define LOOK_MS 5                /* for work, while the guest's network goes on: mailbox.c */
#define CHANGING_NS 200000000ull /* for a swap that is under way */

/* ---- phases ---- */

static void settle(lp_backend *b, int phase, loop_error *why)
{
    lp_os_mutex_lock(b->lock);
    b->phase = phase;
    loop_error_delete(b->why);
    b->why = why;
    lp_os_cond_broadcast(b->told);
    lp_os_mutex_unlock(b->lock);
}

static void forget_exports(lp_backend *b)
{
    for (size_t s = 0; s < b->table->side_count; s++)
        for (size_t n = 0; b->table->sides[s].interface.functions[n].name; n++)
            lp_export_close(lp_take(&b->exports[s][n]));
}

/* When it may start again; it is told in the log. */
static void strike(lp_backend *b, const loop_error *why)
{
    loop_instance *i = b->instance;
    loop_on_trap mode = i->options.on_trap;
    const struct lp_strike_rule rule = {
        .mode = b->table->is_child ? LOOP_ON_TRAP_STOP : mode,
        .at_once = 2,
        .a_minute = (uint32_t)b->restarts,
    };
    uint64_t now = lp_os_now_ns();
    lp_os_mutex_lock(i->lock);
    lp_strikes_note(&i->strikes, why);
    b->not_before_ns = i->again_ns = lp_strike(&i->strikes, &rule, now);
    i->rests = true;
    lp_os_mutex_unlock(i->lock);
}

void lp_backend_fell(lp_backend *b, const loop_error *why)
{
    const char *name = b->table->provider.name;
    strike(b, why);
    bool quarantined = b->instance->strikes.quarantined;
    loop_host_log(b->table->host, LOOP_LOG_ERROR, "the component '%s' ended while it served%s: %s",
                  name,
                  quarantined ? ", the third time within a minute, and is in quarantine; `loop "
                                "reload` starts it again"
                              : "",
                  why ? loop_error_message(why) : "of itself");
    settle(b, LP_BACKEND_DOWN,
           why ? lp_error_copy(why)
               : loop_error_new(LOOP_UNAVAILABLE, "the component '%s' ended itself", name));
}

/* ---- starting ---- */

static loop_error *instantiate(lp_backend *b)
{
    loop_instance *i = b->instance;
    struct lp_body *body = i->body;
    bool exited = false;
    int status = 0;
    uint64_t ms = i->options.call_timeout_ms ? i->options.call_timeout_ms : b->call_timeout_ms;
    lp_body_begins(body, ms);
    loop_error *err = lp_guest_instantiate(body->guest, ms, &exited, &status);
    lp_gate_leave(body);
    if (!err && exited)
        err = loop_error_new(LOOP_CANCELLED, "'%s' ended itself with status %d", i->options.name,
                             status);
    body->instantiated = !err;
    body->broken = err != NULL;
    return err;
}

/* Gives up after a while: false. */
static bool lock_changing(lp_backend *b)
{
    uint64_t until = lp_os_now_ns() + CHANGING_NS;
    while (!lp_os_mutex_try(b->table->host->changing)) {
        if (lp_os_now_ns() >= until)
            return false;
        lp_os_sleep_ms(1);
    }
    return true;
}

/* Another body in the place of the one that has ended. */
static loop_error *make_again(lp_backend *b)
{
    loop_instance *i = b->instance;
    struct lp_body *body, *old;
    if (!lock_changing(b))
        return loop_error_new(LOOP_UNAVAILABLE, "a swap is under way, and it cannot start before");
    b->tried = true;
    loop_error *err = lp_body_new(i, b->table->component, &body);
    if (!err) {
        forget_exports(b);
        lp_os_mutex_lock(i->lock);
        old = i->body;
        i->body = body;
        lp_os_mutex_unlock(i->lock);
        lp_body_delete(old);
        i->restarts++;
    }
    lp_os_mutex_unlock(b->table->host->changing);
    return err;
}

static void began(lp_backend *b)
{
    loop_instance *i = b->instance;
    lp_os_mutex_lock(i->lock);
    i->rests = false;
    lp_strikes_started(&i->strikes, lp_os_now_ns());
    lp_os_mutex_unlock(i->lock);
}

static loop_error *start_again(lp_backend *b)
{
    const char *name = b->table->provider.name;
    b->tried = false;
    settle(b, LP_BACKEND_STARTS, NULL);
    loop_error *err = make_again(b);
    bool tried = b->tried; /* and counts, also where it could not be linked */
    if (!err)
        err = instantiate(b);
    if (!err) {
        began(b);
        settle(b, LP_BACKEND_WELL, NULL);
        loop_host_log(b->table->host, LOOP_LOG_INFO, "the component '%s' serves again", name);
        return NULL;
    }
    if (tried)
        lp_backend_fell(b, err);
    else
        settle(b, LP_BACKEND_DOWN, lp_error_copy(err));
    return err;
}

static bool is_to_end(lp_backend *b)
{
    lp_os_mutex_lock(b->lock);
    bool ends = b->ends;
    lp_os_mutex_unlock(b->lock);
    return ends;
}

static loop_error *is_down(lp_backend *b)
{
    const char *name = b->table->provider.name;
    loop_error *err = lp_error_copy(b->why);
    if (b->instance->strikes.quarantined)
        return loop_error_hint_set(
            loop_error_wrap(err, "the component '%s' is in quarantine, since it failed too often",
                            name),
            "look at why; `loop reload` starts it again");
    if (b->not_before_ns == UINT64_MAX || is_to_end(b))
        return loop_error_wrap(err, "the component '%s' has ended, and is not started again", name);
    uint64_t now = lp_os_now_ns(), wait = b->not_before_ns - LP_MIN(now, b->not_before_ns);
    return loop_error_wrap(err, "the component '%s' has ended, and starts again in %g s", name,
                           (double)wait / 1e9);
}

loop_error *lp_backend_well(lp_backend *b)
{
    if (b->phase == LP_BACKEND_WELL)
        return NULL;
    return lp_os_now_ns() >= b->not_before_ns && !is_to_end(b) ? start_again(b) : is_down(b);
}

loop_error *lp_backend_health(lp_backend *b, const loop_instance *waits)
{
    bool over = false;
    lp_os_mutex_lock(b->lock);
    while (b->phase == LP_BACKEND_STARTS && !b->ended && !over) {
        lp_os_cond_wait(b->told, b->lock, lp_os_now_ns() + LP_BACKEND_LOOK_NS);
        over = waits && lp_instance_must_end(waits);
    }
    loop_error *err = b->phase == LP_BACKEND_DOWN ? lp_error_copy(b->why) : NULL;
    if (!err && over)
        err = loop_error_new(LOOP_CANCELLED, "stopped while it started");
    if (!err && b->ended)
        err = loop_error_new(LOOP_UNAVAILABLE, "it has ended");
    lp_os_mutex_unlock(b->lock);
    return err;
}

/* ---- the thread ---- */

bool lp_backend_post(lp_backend *b, struct lp_backend_work *w)
{
    if (b->ended || (b->ends && !w->is_drop))
        return false;
    w->next = NULL;
    *b->last = w;
    b->last = &w->next;
    b->posted++;
    lp_os_cond_signal(b->wake);
    return true;
}

/* `lock` is held. */
static void wait_for_work(lp_backend *b)
{
    struct lp_body *body = b->instance->body;
    if (!body->in_background || body->broken) {
        lp_os_cond_wait(b->wake, b->lock, 0);
        return;
    }
    lp_os_mutex_unlock(b->lock);
    lp_guest_sleep(body->guest, LOOK_MS);
    lp_os_mutex_lock(b->lock);
}

/* Who has called calls again, mostly. `lock` is held. */
static void spin(lp_backend *b)
{
    uint32_t posted = b->posted;
    uint64_t until = 0;
    lp_os_mutex_unlock(b->lock);
    while (b->posted == posted && lp_backend_spins(&until))
        ;
    lp_os_mutex_lock(b->lock);
}

/* NULL: it is to end, and nothing is left. `lock` is held. */
static struct lp_backend_work *next_work(lp_backend *b)
{
    if (!b->first && !b->ends)
        spin(b);
    while (!b->first && !b->ends)
        wait_for_work(b);
    struct lp_backend_work *w = b->first;
    if (w) {
        b->first = w->next;
        if (!b->first)
            b->last = &b->first;
    }
    return w;
}

/* What a command or an application does by itself, to its end. */
static void run_by_itself(lp_backend *b)
{
    loop_instance *i = b->instance;
    const char *name = "";
    int status = 0;
    loop_error *err;
    lp_body_begins(i->body, 0);
    for (size_t n = 0; (name = lp_component_export_at(i->body->component->engine, n)); n++)
        if (lp_starts_with(name, "wasi:cli/run@"))
            break;
    if (i->body->component->kind == LOOP_COMPONENT_APP)
        err = lp_app_run(i, &status);
    else
        err = lp_guest_run(i->body->guest, name, 0, &status);
    lp_gate_leave(i->body);
    i->body->broken = true;
    lp_os_mutex_lock(b->lock);
    b->exited = !err;
    b->status = status;
    lp_os_mutex_unlock(b->lock);
    b->not_before_ns = UINT64_MAX;
    settle(b, LP_BACKEND_DOWN, err ? err : loop_error_new(LOOP_UNAVAILABLE, "it has ended"));
}

static void serve(void *backend)
{
    lp_backend *b = backend;
    struct lp_backend_work *w;
    lp_waits_take(&b->it);
    loop_error *err = instantiate(b);
    if (err)
        lp_backend_fell(b, err);
    else
        settle(b, LP_BACKEND_WELL, NULL);
    if (!err && b->table->runs)
        run_by_itself(b);
    loop_error_delete(err);
    lp_os_mutex_lock(b->lock);
    while ((w = next_work(b))) {
        lp_os_mutex_unlock(b->lock);
        w->run(b, w);
        lp_os_mutex_lock(b->lock);
    }
    b->ended = true; /* nothing more is left there */
    lp_os_cond_broadcast(b->told);
    lp_os_mutex_unlock(b->lock);
    lp_waits_give(&b->it);
}

loop_error *lp_backend_start(lp_backend *b)
{
    lp_backend_table *t = b->table;
    loop_instance *i = NULL;
    LP_TRY(lp_backend_table_prepare(t));
    t->runs = t->is_child && (t->component->kind == LOOP_COMPONENT_COMMAND ||
                              t->component->kind == LOOP_COMPONENT_APP);
    LP_TRY(
        lp_instance_new_behind(t->host, t->component, &t->options, t->provider.name, t->depth, &i));
    b->instance = i;
    size_t stack = STACK + (size_t)i->limits.of[LOOP_MAX_STACK].value;
    loop_error *err = lp_os_thread_start(serve, b, stack, &b->thread);
    if (err)
        lp_instance_delete_behind(lp_take(&b->instance));
    return err;
}

/* ---- the end ---- */

/* `lock` is held. */
static bool has_ended(lp_backend *b, uint64_t ms)
{
    uint64_t until = lp_os_now_ns() + ms * LP_BACKEND_MS;
    while (!b->ended && lp_os_cond_wait(b->told, b->lock, until))
        ;
    return b->ended;
}

bool lp_backend_end(lp_backend *b)
{
    if (b->left)
        return false;
    if (!b->instance)
        return true;
    loop_host *h = b->table->host;
    lp_os_mutex_lock(b->lock);
    b->ends = true;
    lp_os_cond_broadcast(b->wake);
    bool left = b->running && b->running->left; /* who waited for it has gone */
    uint64_t ms = left ? 1 : LP_BACKEND_CLOSE_MS;
    if (b->table->runs && !b->ended) {
        uint64_t grace = b->instance->body->sees_cancellation ? b->instance->options.grace_ms : 0;
        ms = LP_MIN(ms, grace + 1);
        lp_ask_to_end(b->instance, LOOP_CANCEL_STOPPED, grace);
    }
    bool ended = has_ended(b, ms);
    if (!ended) {
        b->instance->halted = true;
        lp_signal(b->instance, lp_guest_stop);
        ended = has_ended(b, LP_BACKEND_STUCK_MS);
    }
    lp_os_mutex_unlock(b->lock);
    if (!ended) {
        lp_os_thread_leave(lp_take(&b->thread));
        b->left = b->table->left = true;
        return false;
    }
    lp_os_thread_join(lp_take(&b->thread));
    lp_os_mutex_lock(h->changing);
    forget_exports(b);
    lp_instance_delete_behind(lp_take(&b->instance));
    lp_os_mutex_unlock(h->changing);
    return true;
}
