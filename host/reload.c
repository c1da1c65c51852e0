/*
 * host/reload.c: replacing the component of an instance that lives.
 *
 *      main thread                               the instance's thread, between two calls
 *      a new body is linked beside the old ────▶ new: instantiate; every export that C looked
 *                                                     up, with the same types
 *                                                old: save
 *                                                new: restore
 *                                                the new one takes the old one's place
 *      done ◀─────────────────────────────────── the old one is deleted
 *
 * What can fail without the old component comes before it is asked for anything. Whatever fails,
 * the new body is deleted and the old one goes on, as if nothing had been; only where it
 * fails by itself, in `save`, it has ended. Calls from outside wait in the mailbox meanwhile.
 *
 * A component that carries no state starts again, where the caller allows it: `stop`, then
 * `start` of an application. A command knows no time between two calls: it is asked to end,
 * and its instance runs the new one where others end (lp_reload_again).
 *
 * Who owns what: the instance has one replacement at a time, for its lock; the thread that took
 * it owns it until it is over, and the main thread from then on.
 */
#include <stdlib.h>

#include "host/internal.h"
#include "loop/wit/core.h"

#define DEFAULT_DEADLINE_MS 5000
#define RELOAD "loop:core/reload"
#define SHOWN_TEXT 1000 /* bytes of what a component says, in errors */

struct lp_reload {
    loop_instance *instance;
    struct lp_body *body; /* the new one, until it has its place */
    bool carries;         /* state */
    bool again;           /* a command, which runs again */
    bool dry_run;
    enum { WAITS, TAKEN, OVER, LEFT } state; /* LEFT: to a thread that does not come back */
    uint64_t asked_ns, deadline_ns, deadline_ms;
    char *from, *to, *warning;
    loop_error *error;
    loop_swap_report report;
    loop_swap_done *done;
    void *data;
};

static void reload_delete(struct lp_reload *r)
{
    free(r->from);
    free(r->to);
    free(r->warning);
    free(r);
}

/* ---- bodies ---- */

/* The new one goes. */
static void drop_new(struct lp_reload *r)
{
    loop_instance *i = r->instance;
    if (!r->body)
        return;
    lp_gate_leave(r->body); /* where it was ended in a call */
    lp_os_mutex_lock(i->host->changing);
    lp_os_mutex_lock(i->lock);
    i->incoming = NULL;
    lp_os_mutex_unlock(i->lock);
    lp_body_delete(lp_take(&r->body));
    lp_os_mutex_unlock(i->host->changing);
}

/* The new one takes the place of the old one, which goes, with all that it held. */
static void take_place(struct lp_reload *r)
{
    loop_instance *i = r->instance;
    lp_os_mutex_lock(i->host->changing);
    lp_os_mutex_lock(i->lock);
    struct lp_body *old = i->body;
    i->body = lp_take(&r->body);
    i->incoming = NULL;
    if (!i->rests) /* else its thread looks them up, where it begins */
        lp_exports_move(i);
    lp_os_mutex_unlock(i->lock);
    lp_body_delete(old);
    lp_os_mutex_unlock(i->host->changing);
    r->report.generation = 1 + (r->carries ? ++i->swaps + i->restarts : i->swaps + ++i->restarts);
}

/* ---- on the instance's thread ---- */

static double seconds(const struct lp_reload *r)
{
    return (double)r->deadline_ms / 1000;
}

static loop_error *too_late(const struct lp_reload *r, loop_error *cause, const char *what)
{
    return loop_error_hint_set(lp_error_because(LOOP_TIMEOUT, cause,
                                                "%s, and %g s are over, which it may take", what,
                                                seconds(r)),
                               "try again, or give it longer");
}

/* An error of the component that is called `whose` in its function `what`. */
static loop_error *in_call(const struct lp_reload *r, loop_error *err, const char *what,
                           const char *whose)
{
    if (loop_error_code(err) != LOOP_TIMEOUT)
        return loop_error_wrap(err, "%s of '%s' failed", what, whose);
    lp_auto(lp_free_string) char *text = lp_format("%s of '%s' has not ended", what, whose);
    return too_late(r, err, text);
}

static uint64_t time_left_ms(const struct lp_reload *r)
{
    uint64_t now = lp_os_now_ns(), call = r->instance->options.call_timeout_ms;
    uint64_t left = r->deadline_ns > now ? (r->deadline_ns - now + 999999) / 1000000 : 1;
    return call ? LP_MIN(call, left) : left;
}

/* What can fail before the old one is asked for anything. */
static loop_error *start_new(struct lp_reload *r)
{
    bool exited = false;
    int status = 0;
    loop_error *err = lp_guest_instantiate(r->body->guest, time_left_ms(r), &exited, &status);
    if (err)
        return in_call(r, err, "the start", r->to);
    if (exited)
        return loop_error_new(LOOP_CANCELLED, "'%s' ended itself with status %d before it was used",
                              r->to, status);
    r->body->instantiated = true;
    return lp_exports_prepare(r->instance, r->body);
}

static loop_error *check_state(const struct lp_reload *r, const loop_core_reload_state *s)
{
    if (s->bytes.len > LP_MAX_STATE)
        return loop_error_new(LOOP_LIMIT, "'%s' saves a state of %zu bytes; %u are the most",
                              r->from, s->bytes.len, LP_MAX_STATE);
    if (s->format.len > LP_MAX_NAME)
        return loop_error_new(LOOP_LIMIT, "'%s' saves a state with a name of %zu bytes", r->from,
                              s->format.len);
    return NULL;
}

/* What `f` answers lives in the old body until it goes. */
static loop_error *save(struct lp_reload *r, const loop_export *f, loop_core_reload_state *ret)
{
    loop_core_reload_result_state_string saved;
    loop_error *err =
        loop_core_reload_call_save(&(loop_core_reload_exports){r->instance, {f, NULL}}, &saved);
    if (err)
        return in_call(r, err, "save", r->from);
    if (saved.is_err)
        return loop_error_new(LOOP_UNAVAILABLE, "'%s' cannot be replaced now: %.*s", r->from,
                              (int)LP_MIN(saved.of.error.len, SHOWN_TEXT), saved.of.error.ptr);
    *ret = saved.of.ok;
    return check_state(r, ret);
}

static loop_error *restore(struct lp_reload *r, const loop_export *f,
                           const loop_core_reload_state *state)
{
    loop_core_reload_result_void_string done;
    loop_error *err = loop_core_reload_call_restore(
        &(loop_core_reload_exports){r->instance, {NULL, f}}, state, &done);
    if (err)
        return in_call(r, err, "restore", r->to);
    if (done.is_err)
        return loop_error_new(LOOP_INVALID, "'%s' cannot go on from '%.*s', version %u: %.*s",
                              r->to, (int)state->format.len, state->format.ptr, state->version,
                              (int)LP_MIN(done.of.error.len, SHOWN_TEXT), done.of.error.ptr);
    r->report.state_bytes = r->report.rest_bytes = state->bytes.len;
    return NULL;
}

static loop_error *carry_by(struct lp_reload *r, const loop_export *from, const loop_export *to)
{
    loop_core_reload_state state;
    LP_TRY(save(r, from, &state));
    if (lp_os_now_ns() >= r->deadline_ns)
        return too_late(r, NULL, "the state is saved");
    return restore(r, to, &state);
}

static loop_error *carry(struct lp_reload *r)
{
    static const char *const types[] = {
        "()->result<record{format:string,version:u32,bytes:list<u8>},string>",
        "(record{format:string,version:u32,bytes:list<u8>})->result<_,string>",
    };
    struct loop_export *from = NULL, *to = NULL;
    loop_error *err =
        lp_export_open(r->instance->body, RELOAD, LP_CORE_VERSION, "save", types[0], &from);
    if (!err)
        err = lp_export_open(r->body, RELOAD, LP_CORE_VERSION, "restore", types[1], &to);
    if (!err && lp_os_now_ns() >= r->deadline_ns)
        err = too_late(r, NULL, "the new component has started");
    if (!err)
        err = carry_by(r, from, to);
    lp_export_close(from);
    lp_export_close(to);
    return err;
}

static loop_error *replace(struct lp_reload *r, void (*leave)(void *data), void *data)
{
    LP_TRY(start_new(r));
    if (r->carries)
        LP_TRY(carry(r));
    else if (leave)
        leave(data);
    take_place(r);
    return NULL;
}

/* From here on it is the main thread's. */
static void hand_over(struct lp_reload *r, loop_error *err)
{
    loop_instance *i = r->instance;
    r->error = err;
    r->report.whole_ns = lp_os_now_ns() - r->asked_ns;
    lp_os_mutex_lock(i->lock);
    if (r->state != LEFT)
        r->state = OVER;
    lp_os_mutex_unlock(i->lock);
    uv_async_send(&i->host->wake);
}

bool lp_reload_waits(const loop_instance *i)
{
    return i->reload->state == WAITS && !i->reload->again;
}

/* NULL: there is none to take. */
static struct lp_reload *take(loop_instance *i)
{
    lp_os_mutex_lock(i->lock);
    struct lp_reload *r = i->reload && lp_reload_waits(i) ? i->reload : NULL;
    if (r)
        r->state = TAKEN;
    lp_os_mutex_unlock(i->lock);
    return r;
}

enum lp_reloaded lp_reload_now(loop_instance *i, void (*leave)(void *data), void *data)
{
    struct lp_reload *r = take(i);
    if (!r)
        return LP_RELOADED_NOT;
    uint64_t begin = lp_os_now_ns();
    bool carries = r->carries;
    i->body->until_ns = r->body->until_ns = r->deadline_ns;
    loop_error *err = replace(r, leave, data);
    i->body->until_ns = 0;
    if (err) {
        lp_exports_forget(i);
        drop_new(r);
    }
    r->report.pause_ns = lp_os_now_ns() - begin;
    if (!err)
        lp_watch_replaced(i);
    enum lp_reloaded done = err ? LP_RELOADED_NOT : carries ? LP_RELOADED_STATE : LP_RELOADED_FRESH;
    hand_over(r, err);
    return done;
}

/* ---- the main thread: when it is over ---- */

static void give_up_waiting(struct lp_reload *r, loop_error *err)
{
    drop_new(r);
    hand_over(r, err);
}

uint64_t lp_reload_due(loop_instance *i, uint64_t now_ns)
{
    lp_os_mutex_lock(i->lock);
    struct lp_reload *r = i->reload && lp_reload_waits(i) ? i->reload : NULL;
    bool late = r && now_ns >= r->deadline_ns;
    uint64_t next = r && !late ? r->deadline_ns : UINT64_MAX;
    if (late)
        r->state = TAKEN;
    lp_os_mutex_unlock(i->lock);
    if (late)
        give_up_waiting(r, too_late(r, NULL, "a call into the component has not ended"));
    return next;
}

uint64_t lp_reload_until(loop_instance *i)
{
    lp_os_mutex_lock(i->lock);
    const struct lp_reload *r = i->reload;
    bool again = r && r->again && r->state == WAITS && i->ends_again && !i->asked_to_stop;
    uint64_t until = again ? r->deadline_ns : 0;
    lp_os_mutex_unlock(i->lock);
    return until;
}

static loop_error *has_ended(const struct lp_reload *r)
{
    if (r->again && lp_os_now_ns() >= r->deadline_ns)
        return too_late(r, NULL, "the old component has not ended");
    return loop_error_new(LOOP_UNAVAILABLE, "'%s' has ended before", r->instance->options.name);
}

/* The thread keeps what it has; somebody must hear of it all the same. */
static void leave_behind(struct lp_reload *r)
{
    loop_instance *i = r->instance;
    struct lp_reload *told = lp_alloc(sizeof *told);
    *told = *r;
    told->body = NULL;
    told->from = lp_strdup(r->from);
    told->to = lp_strdup(r->to);
    told->warning = r->warning ? lp_strdup(r->warning) : NULL;
    lp_os_mutex_lock(i->lock);
    r->state = LEFT;
    i->reload = told;
    lp_os_mutex_unlock(i->lock);
    hand_over(told, has_ended(told));
}

void lp_reload_end(loop_instance *i)
{
    lp_os_mutex_lock(i->lock);
    struct lp_reload *r = i->reload;
    bool waits = r && r->state == WAITS, taken = r && r->state == TAKEN;
    if (waits)
        r->state = TAKEN;
    lp_os_mutex_unlock(i->lock);
    if (waits)
        give_up_waiting(r, has_ended(r));
    else if (taken)
        leave_behind(r);
}

static void log_it(const struct lp_reload *r)
{
    loop_instance *i = r->instance;
    lp_buf why = {0};
    for (const loop_error *e = r->error; e; e = loop_error_cause(e))
        lp_buf_printf(&why, "%s%s", why.len ? ": " : "", loop_error_message(e));
    if (r->error)
        loop_host_log(i->host, LOOP_LOG_WARN, "%s: %s", i->options.name, why.ptr);
    else if (!r->dry_run)
        loop_host_log(i->host, LOOP_LOG_INFO, "%s: '%s' took the place of '%s', %s",
                      i->options.name, r->to, r->from,
                      r->carries ? "with its state" : "from nothing");
    lp_buf_done(&why);
}

static void call_back(struct lp_reload *r)
{
    loop_host *h = r->instance->host;
    if (r->error) {
        r->error = loop_error_wrap(r->error, "cannot replace the component of '%s'",
                                   r->instance->options.name);
        h->rolled_back += !r->dry_run;
    } else {
        h->swaps += !r->dry_run;
    }
    log_it(r);
    r->report.from = r->from;
    r->report.to = r->to;
    r->report.instances = 1;
    r->report.warning = r->warning;
    bool before = h->turning;
    h->turning = true;
    r->done(r->data, r->error, &r->report); /* the instance may be gone after this */
    h->turning = before;
    uv_async_send(&h->wake);
    reload_delete(r);
}

bool lp_reload_tell(loop_instance *i)
{
    lp_os_mutex_lock(i->lock);
    struct lp_reload *r = i->reload && i->reload->state == OVER ? i->reload : NULL;
    if (r)
        i->reload = NULL;
    lp_os_mutex_unlock(i->lock);
    if (r)
        call_back(r);
    return r != NULL;
}

/* ---- the main thread: a command runs again ---- */

/* Whether it ended for the sake of that, and nobody wanted it to end for good. */
static struct lp_reload *take_again(loop_instance *i)
{
    lp_os_mutex_lock(i->lock);
    struct lp_reload *r = i->reload;
    bool go =
        r && r->again && r->state == WAITS && i->ends_again && !i->timed_out && !i->asked_to_stop;
    if (go) {
        r->state = TAKEN;
        i->ends_again = false;
        i->cancelled = LOOP_CANCEL_NONE;
        i->force_at_ns = UINT64_MAX;
        i->halted = false;
    }
    lp_os_mutex_unlock(i->lock);
    return go ? r : NULL;
}

bool lp_reload_again(loop_instance *i)
{
    struct lp_reload *r = take_again(i);
    if (!r)
        return false;
    lp_os_thread_join(lp_take(&i->thread));
    loop_error_delete(lp_take(&i->error));
    loop_free(i->result.output);
    i->result = (loop_result){0};
    i->stopping = false;
    take_place(r);
    i->done = false;
    loop_error *err = lp_actor_start(i); /* from here on the error and `done` are its own */
    r->report.pause_ns = lp_os_now_ns() - r->asked_ns;
    hand_over(r, lp_error_copy(err));
    if (err) {
        i->error = err;
        i->done = true;
    }
    return true;
}

/* ---- the main thread: one that failed and rests ---- */

static struct lp_reload *take_rested(loop_instance *i)
{
    lp_os_mutex_lock(i->lock);
    struct lp_reload *r = i->reload && i->reload->state == WAITS ? i->reload : NULL;
    bool go = r && !i->timed_out && !i->asked_to_stop && !i->stopping;
    if (go) {
        r->state = TAKEN;
        r->carries = false;
        if (i->ends_again) {
            i->ends_again = false;
            i->cancelled = LOOP_CANCEL_NONE;
            i->force_at_ns = UINT64_MAX;
        }
    }
    lp_os_mutex_unlock(i->lock);
    return go ? r : NULL;
}

bool lp_reload_rested(loop_instance *i)
{
    struct lp_reload *r = take_rested(i);
    if (!r)
        return false;
    lp_os_mutex_lock(i->lock);
    lp_strikes_done(&i->strikes);
    lp_os_mutex_unlock(i->lock);
    take_place(r);
    lp_restart_run(i);
    r->report.pause_ns = lp_os_now_ns() - r->asked_ns;
    hand_over(r, NULL);
    return true;
}

/* As lp_ask_to_end, but for the old component alone. */
static void ask_for_again(loop_instance *i)
{
    lp_os_mutex_lock(i->lock);
    if (i->cancelled == LOOP_CANCEL_NONE) { /* else it ends, and says so then */
        uint64_t grace_ms = i->body->sees_cancellation ? i->options.grace_ms : 0;
        i->ends_again = true;
        i->cancelled = LOOP_CANCEL_STOPPED;
        i->force_at_ns = lp_os_now_ns() + grace_ms * 1000000;
        lp_guest_ask(i->body->guest);
    }
    lp_os_mutex_unlock(i->lock);
}

/* ---- the main thread: beginning ---- */

static bool has_reload(const loop_component *c)
{
    const lp_import *x;
    char name[LP_MAX_NAME];
    for (size_t n = 0; (x = lp_component_exported_at(c->engine, n)); n++) {
        lp_split_version(x->interface_name, name, sizeof name);
        if (strcmp(name, RELOAD) == 0 && strcmp(x->name, "restore") == 0)
            return true;
    }
    return false;
}

static loop_error *check_instance(loop_instance *i)
{
    if (i->state != LP_RUNNING || i->done || i->call_text)
        return loop_error_hint_set(
            loop_error_new(LOOP_USAGE, "'%s' does not run, or is entered from C", i->options.name),
            "a component can be replaced while it serves, or runs as an application or a command");
    lp_os_mutex_lock(i->lock);
    bool busy = i->reload != NULL;
    lp_os_mutex_unlock(i->lock);
    return busy ? loop_error_new(LOOP_UNAVAILABLE, "the component of '%s' is being replaced",
                                 i->options.name)
                : NULL;
}

static const char *kind_text(loop_component_kind k)
{
    static const char *const texts[] = {"a command", "an application", "an HTTP server",
                                        "a library"};
    return texts[k];
}

static loop_error *check_component(const loop_instance *i, const loop_component *c)
{
    loop_component_kind is = i->body->component->kind;
    if (!lp_component_is_compiled(c->engine))
        return loop_error_new(LOOP_USAGE, "'%s' was only described; open it to run it", c->path);
    if (!i->serves && c->kind != is)
        return loop_error_new(LOOP_INVALID, "'%s' is %s; '%s' runs %s", c->path, kind_text(c->kind),
                              i->options.name, kind_text(is));
    return NULL;
}

/* What the caller allows, and an operator is told of. */
static loop_error *check_loss(struct lp_reload *r, const loop_instance_swap *o)
{
    const loop_component *old = r->instance->body->component;
    if (r->carries || r->instance->rests)
        return NULL;
    const char *who = r->again ? "a command" : has_reload(old) ? r->to : r->from;
    if (!o->restart && !o->dry_run)
        return loop_error_hint_set(
            loop_error_new(LOOP_DENIED,
                           r->again ? "'%s' is %s, which keeps no state when it is replaced"
                                    : "'%s' would lose its state: '%s' exports no " RELOAD,
                           r->instance->options.name, who),
            "export it (knowledge/swap.md), or say that it may start again from nothing");
    r->warning = lp_format(r->again ? "'%s' starts again from nothing: it is %s"
                                    : "'%s' starts again from nothing: '%s' exports no " RELOAD,
                           r->instance->options.name, who);
    return NULL;
}

/* The new body beside the old one: its imports are served, and it exports what is used. */
static loop_error *link_new(struct lp_reload *r, loop_component *c)
{
    loop_instance *i = r->instance;
    lp_os_mutex_lock(i->lock);
    loop_error *err = lp_exports_check(i, c);
    lp_os_mutex_unlock(i->lock);
    if (err)
        return err;
    lp_os_mutex_lock(i->host->changing);
    err = lp_body_new(i, c, &r->body);
    if (!err) {
        lp_os_mutex_lock(i->lock);
        i->incoming = r->body;
        if (i->halted || i->asked_to_stop)
            lp_guest_stop(r->body->guest);
        else if (i->cancelled != LOOP_CANCEL_NONE)
            lp_guest_ask(r->body->guest);
        lp_os_mutex_unlock(i->lock);
    }
    lp_os_mutex_unlock(i->host->changing);
    return err;
}

static struct lp_reload *reload_new(loop_instance *i, loop_component *c,
                                    const loop_instance_swap *o)
{
    const loop_component *old = i->body->component;
    struct lp_reload *r = lp_alloc(sizeof *r);
    r->instance = i;
    r->again = !i->serves && old->kind == LOOP_COMPONENT_COMMAND;
    r->carries = !r->again && has_reload(old) && has_reload(c);
    r->dry_run = o->dry_run;
    r->asked_ns = lp_os_now_ns();
    r->deadline_ms = o->deadline_ms ? o->deadline_ms : DEFAULT_DEADLINE_MS;
    r->from = lp_strdup(old->path);
    r->to = lp_strdup(c->path);
    return r;
}

static loop_error *prepare(struct lp_reload *r, loop_component *c, const loop_instance_swap *o)
{
    LP_TRY(check_loss(r, o));
    return link_new(r, c);
}

loop_error *loop_instance_swap_component(loop_instance *i, loop_component *c,
                                         const loop_instance_swap *o, loop_swap_done *done,
                                         void *data)
{
    LP_TRY(check_instance(i));
    LP_TRY(check_component(i, c));
    struct lp_reload *r = reload_new(i, c, o);
    r->done = done;
    r->data = data;
    loop_error *err = prepare(r, c, o);
    if (err) {
        reload_delete(r);
        return err;
    }
    r->deadline_ns = lp_os_now_ns() + r->deadline_ms * 1000000;
    lp_os_mutex_lock(i->lock);
    i->reload = r;
    r->state = r->dry_run ? TAKEN : WAITS;
    lp_os_cond_signal(i->wake);
    lp_os_mutex_unlock(i->lock);
    if (r->dry_run)
        give_up_waiting(r, NULL);
    else if (r->again && !i->rests)
        ask_for_again(i);
    uv_async_send(&i->host->wake); /* a look: when it is due */
    return NULL;
}
