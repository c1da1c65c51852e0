/*
 * host/supervise.c: the main thread's side of an instance: starting it, its
 * deadline, cancellation, and its end.
 *
 * Nothing here waits for an actor: a timer or a wake from the actor looks at what
 * is due. When a stopped actor does not come back within LP_STUCK_MS (a write to
 * a pipe that nobody reads), it is given up: the run ends on time with its error,
 * and the actor's memory is left behind.
 */
#include <stdlib.h>

#include "host/internal.h"

#define LP_STUCK_MS 50
/* Beside the component's: one without WASI runs on it, else on a fiber. */
#define LP_ACTOR_STACK (1u << 20)

/* ---- asking and stopping ---- */

/* i->lock is held. */
static void signal_all(loop_instance *i, void (*f)(lp_guest *guest))
{
    f(i->body->guest);
    if (i->incoming && !i->ends_again) /* else that one is meant to run */
        f(i->incoming->guest);
    lp_os_cond_signal(i->wake);
}

void lp_signal(loop_instance *i, void (*f)(lp_guest *guest))
{
    lp_os_mutex_lock(i->lock);
    signal_all(i, f);
    lp_os_mutex_unlock(i->lock);
}

static void stop(loop_instance *i)
{
    if (i->stopping)
        return;
    i->stopping = true;
    i->stuck_at_ns = lp_os_now_ns() + LP_STUCK_MS * 1000000ull;
    i->halted = true;
    lp_signal(i, lp_guest_stop);
}

void lp_ask_to_end(loop_instance *i, loop_cancel_reason reason, uint64_t grace_ms)
{
    lp_os_mutex_lock(i->lock);
    if (i->cancelled == LOOP_CANCEL_NONE || i->ends_again) {
        i->ends_again = false;
        i->cancelled = reason;
        i->force_at_ns = lp_os_now_ns() + grace_ms * 1000000;
        signal_all(i, lp_guest_ask);
    }
    lp_os_mutex_unlock(i->lock);
}

/* What supervise() acts on. Nobody supervises an entered instance: it is stopped here. */
static void ask_to_stop(loop_instance *i)
{
    i->asked_to_stop = true;
    if (i->entered)
        lp_signal(i, lp_guest_stop);
    else
        lp_mail_wake(i);
}

void loop_instance_cancel(loop_instance *i, loop_cancel_reason reason)
{
    lp_os_mutex_lock(i->lock);
    uint64_t grace = i->body->sees_cancellation ? i->options.grace_ms : 0;
    lp_os_mutex_unlock(i->lock);
    lp_ask_to_end(i, reason, grace);
    if (!grace)
        ask_to_stop(i);
    uv_async_send(&i->host->wake);
}

void loop_instance_kill(loop_instance *i)
{
    lp_ask_to_end(i, LOOP_CANCEL_STOPPED, 0);
    ask_to_stop(i);
    uv_async_send(&i->host->wake);
}

/* ---- what is due ---- */

/*
 * When a thread that was stopped is left behind. One that is to run another component is waited for
 * as long as that may take: a write to a disk alone can take longer than LP_STUCK_MS.
 */
static uint64_t stuck_at(loop_instance *i)
{
    uint64_t until = i->timed_out ? 0 : LP_MIN(lp_reload_until(i), i->deadline_ns);
    return LP_MAX(i->stuck_at_ns, until);
}

/* Acts on what is due; returns when to look again, UINT64_MAX for not before something happens. */
static uint64_t supervise(loop_instance *i)
{
    uint64_t now = lp_os_now_ns();
    if (now >= i->warn_at_ns) {
        i->warn_at_ns = UINT64_MAX;
        lp_ask_to_end(i, LOOP_CANCEL_DEADLINE,
                      (i->deadline_ns - LP_MIN(now, i->deadline_ns)) / 1000000);
    }
    if (now >= i->deadline_ns && (!i->stopping || lp_reload_until(i))) {
        i->timed_out = true;
        stop(i);
    }
    bool cancelled = i->cancelled != LOOP_CANCEL_NONE;
    if (i->asked_to_stop || (cancelled && now >= i->force_at_ns))
        stop(i);
    if (i->stopping)
        return stuck_at(i);
    uint64_t next = LP_MIN(LP_MIN(i->warn_at_ns, i->deadline_ns), lp_reload_due(i, now));
    return cancelled ? LP_MIN(next, (uint64_t)i->force_at_ns) : next;
}

/* A component that can be asked is asked a little before its time is up. */
static void plan(loop_instance *i)
{
    uint64_t ms = i->options.timeout_ms;
    i->warn_at_ns = i->deadline_ns = UINT64_MAX;
    if (!ms)
        return;
    i->deadline_ns = lp_os_now_ns() + ms * 1000000;
    if (i->body->sees_cancellation)
        i->warn_at_ns = i->deadline_ns - LP_MIN(i->options.grace_ms, ms / 5) * 1000000;
}

/* ---- the end ---- */

/* Why it was stopped, in the place of "stopped". */
static loop_error *stop_reason(loop_instance *i, loop_error *err)
{
    bool by_deadline = i->timed_out || i->cancelled == LOOP_CANCEL_DEADLINE;
    loop_error_delete(err);
    if (by_deadline)
        return loop_error_hint_set(loop_error_new(LOOP_TIMEOUT, "'%s' did not end within %g s",
                                                  i->options.name,
                                                  (double)i->options.timeout_ms / 1000),
                                   "give it longer with --timeout, or limits.timeout in loop.yaml");
    return loop_error_new(LOOP_CANCELLED, "'%s' was %s", i->options.name,
                          i->cancelled == LOOP_CANCEL_INTERRUPTED ? "interrupted" : "stopped");
}

loop_error *lp_named_error(loop_instance *i, loop_error *err)
{
    loop_code code = loop_error_code(err);
    if (code == LOOP_CANCELLED && (i->stopping || i->serves))
        return stop_reason(i, err);
    bool total = loop_error_hint(err) != NULL; /* it says itself what it is */
    return code == LOOP_TIMEOUT && !i->timed_out && !total
               ? lp_limit_error(&i->limits, LOOP_MAX_CALL, i->options.name, err)
               : err;
}

static void warn_of_limits(loop_instance *i)
{
    loop_limit_id id = lp_guest_refused(i->body->guest);
    if (id == LOOP_MAX_COUNT || i->result.status == 0)
        return;
    lp_auto(lp_free_string) char *limit = loop_limit_text(id, i->limits.of[id].value);
    lp_auto(lp_free_string) char *hint = lp_limit_hint(&i->limits, id);
    loop_host_log(i->host, LOOP_LOG_WARN, "%s: reached its %s limit of %s on the way; %s",
                  i->options.name, loop_limit_row_of(id)->name, limit, hint);
}

/* The actor is done: its error or its result. */
static loop_error *join(loop_instance *i, loop_result *ret)
{
    lp_os_thread_join(lp_take(&i->thread)); /* none, where it rested */
    lp_log_left_out(i);
    i->state = LP_ENDED;
    loop_error *err = i->error ? lp_named_error(i, lp_take(&i->error)) : NULL;
    if (err) {
        loop_free(i->result.output);
        *ret = (loop_result){.status = (int)loop_error_code(err)};
        return err;
    }
    warn_of_limits(i);
    *ret = i->result;
    return NULL;
}

static loop_error *give_up(loop_instance *i, loop_result *ret)
{
    i->state = LP_STUCK;
    i->host->abandoned = true;
    lp_watch_stopped(i);
    lp_mail_close(i);
    loop_error *err = stop_reason(i, NULL);
    *ret = (loop_result){.status = (int)loop_error_code(err)};
    return err;
}

static void free_timer(uv_handle_t *timer)
{
    free(timer);
}

static void finish(loop_instance *i)
{
    loop_host *h = i->host;
    loop_result result = {0};
    loop_error *err = i->done ? join(i, &result) : give_up(i, &result);
    lp_mail_close(i); /* what is left of one that might have begun anew */
    uv_close((uv_handle_t *)lp_take(&i->timer), free_timer);
    if (--h->running == 0)
        uv_unref((uv_handle_t *)&h->wake);
    bool before = h->turning;
    h->turning = true;
    i->on_done(i->on_done_data, i, err, &result); /* `i` may be gone after this */
    h->turning = before;
}

/* Something ended, and may have begun to rest: it is looked at once more, which sets the timer. */
static void on_timer(uv_timer_t *timer)
{
    loop_host *h = ((loop_instance *)timer->data)->host;
    if (lp_supervise(timer->data))
        uv_async_send(&h->wake);
}

bool lp_supervise(loop_instance *i)
{
    if (i->state != LP_RUNNING)
        return false;
    if (lp_reload_tell(i))
        return true;
    uint64_t next = i->rests ? lp_restart_look(i) : i->done ? 0 : supervise(i);
    uint64_t now = lp_os_now_ns();
    if (i->done && (lp_reload_again(i) || lp_restart_begin(i)))
        return true;
    if (i->done || (i->stopping && now >= stuck_at(i))) {
        lp_reload_end(i);
        if (!lp_reload_tell(i))
            finish(i);
        return true;
    }
    if (next != UINT64_MAX) {
        uv_update_time(&i->host->loop);
        uv_timer_start(i->timer, on_timer, next > now ? (next - now + 999999) / 1000000 : 0, 0);
    }
    return false;
}

/* ---- starting ---- */

static loop_error *cannot_run(const loop_instance *i)
{
    const char *path = i->body->component->path;
    if (i->body->component->kind == LOOP_COMPONENT_HTTP)
        return loop_error_hint_set(loop_error_new(LOOP_INVALID,
                                                  "'%s' is an HTTP server (it exports "
                                                  "wasi:http/incoming-handler), not a command",
                                                  i->options.name),
                                   "loop does not serve HTTP yet; `wasmtime serve '%s'` runs it",
                                   path);
    lp_buf have = {0};
    const char *name;
    for (size_t n = 0; (name = lp_component_export_at(i->body->component->engine, n)) && n < 8; n++)
        lp_buf_printf(&have, "%s%s", have.len ? ", " : "", name);
    loop_error *err = loop_error_new(
        LOOP_INVALID,
        "'%s' is a library: it exports %s, and neither wasi:cli/run nor loop:core/app",
        i->options.name, have.len ? have.ptr : "nothing");
    if (!have.len)
        return loop_error_hint_set(err, "there is nothing in it to run or to call; build it again");
    bool spin = (strstr(have.ptr, "fermyon:spin") || strstr(have.ptr, "spin:"));
    lp_buf_done(&have);
    return loop_error_hint_set(err,
                               spin ? "this is a Spin app; `spin up` runs it"
                                    : "call one of its functions with --invoke 'iface.func(args)'; "
                                      "`loop inspect` shows them");
}

static loop_error *check_start(const loop_instance *i, const char *call, bool serves)
{
    if (i->state != LP_NEW || i->entered)
        return loop_error_new(LOOP_USAGE, "'%s' has run already; make another instance",
                              i->options.name);
    if (call && strlen(call) > LP_MAX_INVOKE_TEXT)
        return loop_error_new(LOOP_LIMIT, "a call of more than %u bytes", LP_MAX_INVOKE_TEXT);
    if (!call && !serves && i->body->component->kind != LOOP_COMPONENT_COMMAND &&
        i->body->component->kind != LOOP_COMPONENT_APP)
        return cannot_run(i);
    return NULL;
}

loop_error *lp_actor_start(loop_instance *i)
{
    size_t stack = LP_ACTOR_STACK + (size_t)i->limits.of[LOOP_MAX_STACK].value;
    return lp_os_thread_start(lp_actor, i, stack, &i->thread);
}

static loop_error *begin(loop_instance *i, const char *call, bool serves,
                         loop_instance_done *on_done, void *data)
{
    LP_TRY(check_start(i, call, serves));
    loop_host *h = i->host;
    i->call_text = call ? lp_arena_strndup(&i->arena, call, strlen(call)) : NULL;
    i->serves = serves;
    i->on_done = on_done;
    i->on_done_data = data;
    i->started_ns = lp_os_now_ns();
    if (serves || (!call && i->body->component->kind == LOOP_COMPONENT_APP))
        lp_mail_open(i);
    loop_error *err = lp_actor_start(i);
    if (err) {
        lp_mail_close(i);
        return err;
    }
    i->state = LP_RUNNING;
    plan(i);
    i->timer = lp_alloc(sizeof *i->timer);
    uv_timer_init(&h->loop, i->timer);
    i->timer->data = i;
    if (h->running++ == 0)
        uv_ref((uv_handle_t *)&h->wake);
    uv_async_send(&h->wake); /* the first look: it starts the timer */
    return NULL;
}

loop_error *loop_instance_start(loop_instance *i, const char *call, loop_instance_done *on_done,
                                void *data)
{
    return begin(i, call, false, on_done, data);
}

loop_error *loop_instance_serve(loop_instance *i, loop_instance_done *on_done, void *data)
{
    return begin(i, NULL, true, on_done, data);
}

/* ---- running to the end ---- */

struct waiting {
    bool done;
    loop_error *error;
    loop_result *result;
};

static void note_end(void *data, loop_instance *i, loop_error *error, const loop_result *result)
{
    (void)i;
    struct waiting *w = data;
    w->done = true;
    w->error = error;
    *w->result = *result;
}

static loop_error *run(loop_instance *i, const char *call, loop_result *ret)
{
    struct waiting w = {.result = ret};
    if (i->host->turning)
        return loop_error_new(LOOP_USAGE, "'%s' cannot be run from a callback; start it",
                              i->options.name);
    LP_TRY(loop_instance_start(i, call, note_end, &w));
    while (!w.done)
        uv_run(&i->host->loop, UV_RUN_ONCE);
    return w.error;
}

loop_error *loop_instance_run(loop_instance *i, loop_result *ret)
{
    return run(i, NULL, ret);
}

loop_error *loop_instance_invoke(loop_instance *i, const char *call, loop_result *ret)
{
    return run(i, call, ret);
}

void lp_end_running(loop_instance *i)
{
    if (i->state != LP_RUNNING)
        return;
    lp_ask_to_end(i, LOOP_CANCEL_STOPPED, 0);
    stop(i);
    if (i->rests)
        lp_restart_look(i); /* and that is its end */
    while (!i->done && lp_os_now_ns() < i->stuck_at_ns)
        uv_sleep(1);
    lp_reload_end(i);
    lp_reload_tell(i);
    finish(i);
}
