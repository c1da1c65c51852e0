/*
 * host/backend_call.c: a call of a function that a component in a slot implements.
 *
 *     who calls                              the component's thread
 *     copies the arguments, leaves them  ──▶ the call, as C makes any (export.c)
 *     waits; looks every 10 ms whether       the answer lies in memory of the call
 *     it may go on waiting
 *     copies the answer                  ◀── done
 *
 * A call that would wait for itself is not made. One that fails because of the component (it was
 * not there, trapped, took too long) answers `unavailable` where its type has a place for that, as
 * that of a sidecar does. Where who calls has to end, it leaves, and the error ends it.
 */
#include <stdlib.h>

#include "host/backend.h"

#define KEPT_CALLS 8      /* for the next ones */
#define KEPT_BYTES 65536u /* of the memory of each */

/* ---- calls ---- */

static void run_call(lp_backend *b, struct lp_backend_work *w);

static struct lp_backend_call *call_new(lp_backend *b)
{
    lp_os_mutex_lock(b->lock);
    struct lp_backend_call *c = b->idle;
    if (c) {
        b->idle = c->next;
        b->idle_count--;
    }
    lp_os_mutex_unlock(b->lock);
    if (c)
        return c;
    c = lp_alloc(sizeof *c);
    c->done = lp_os_cond_new();
    c->work.run = run_call;
    return c;
}

static void call_free(struct lp_backend_call *c)
{
    lp_os_cond_delete(c->done);
    lp_arena_done(&c->arena);
    lp_frame_done(&c->frame);
    free(c);
}

/* `lock` is held. */
static void call_keep(lp_backend *b, struct lp_backend_call *c)
{
    loop_error_delete(lp_take(&c->err));
    lp_arena_reset(&c->arena, KEPT_BYTES);
    lp_frame_end(&c->frame);
    c->left = false;
    c->state = LP_BACKEND_WAITS;
    c->work.next = NULL;
    if (b->idle_count == KEPT_CALLS) {
        call_free(c);
        return;
    }
    c->next = b->idle;
    b->idle = c;
    b->idle_count++;
}

void lp_backend_calls_done(lp_backend *b)
{
    struct lp_backend_call *c;
    while ((c = b->idle)) {
        b->idle = c->next;
        call_free(c);
    }
}

/* ---- drops ---- */

struct dropping {
    struct lp_backend_work work;
    loop_handle handle;
};

static void run_drop(lp_backend *b, struct lp_backend_work *w)
{
    loop_handle handle = ((struct dropping *)w)->handle;
    free(w);
    loop_instance *i = b->instance;
    if (i->body->broken || !i->body->instantiated)
        return; /* it went with the rest */
    uint64_t ms = i->options.call_timeout_ms ? i->options.call_timeout_ms : b->call_timeout_ms;
    loop_error *err = lp_handle_drop(i, handle, ms);
    if (i->body->broken)
        lp_backend_fell(b, err);
    loop_error_delete(err);
}

/* `lock` is held. */
static void post_drop(lp_backend *b, loop_handle handle)
{
    if (!handle || b->ended || !b->instance)
        return;
    struct dropping *d = lp_alloc(sizeof *d);
    d->work = (struct lp_backend_work){.run = run_drop, .is_drop = true};
    d->handle = handle;
    if (!lp_backend_post(b, &d->work))
        free(d);
}

void lp_backend_drop(void *self, const loop_interface *interface, size_t resource, void *object)
{
    (void)interface, (void)resource;
    lp_backend *b = self;
    lp_os_mutex_lock(b->lock);
    post_drop(b, (loop_handle)(uintptr_t)object);
    lp_os_mutex_unlock(b->lock);
}

static loop_error *drop_owned(void *data, const lp_node *n, uint64_t at)
{
    if (n->kind == LP_OWN)
        post_drop(data, at);
    return NULL;
}

/* What was handed over with a call that was not made, or with an answer that nobody took. */
static void drop_handles(lp_backend *b, const lp_node *n, const void *value)
{
    if (!n || !n->handles)
        return;
    loop_error *err = lp_each_handle(n, value, LOOP_INTERNAL, drop_owned, b);
    loop_error_delete(err); /* those before the mistake */
}

static const lp_plan *plan_of(const struct lp_backend_call *c)
{
    return c->side->plans[c->row];
}

/* ---- the component's thread ---- */

static loop_error *find_export(lp_backend *b, const struct lp_backend_call *c,
                               const loop_export **ret)
{
    struct loop_export **at = &b->exports[c->side - b->table->sides][c->row];
    const loop_interface *t = &c->side->interface;
    const loop_function *f = &t->functions[c->row];
    if (!*at)
        LP_TRY(lp_export_open(b->instance->body, t->name, t->version, f->name, f->type, at));
    *ret = *at;
    return NULL;
}

/* In milliseconds, 0: none. The component's own limit, and a little more than who calls waits. */
static uint64_t time_for(const lp_backend *b, const struct lp_backend_call *c)
{
    uint64_t own = b->instance->options.call_timeout_ms, now = lp_os_now_ns();
    if (c->until_ns == UINT64_MAX)
        return own;
    uint64_t left = c->until_ns > now ? (c->until_ns - now) / LP_BACKEND_MS : 0;
    left += LP_BACKEND_PATIENCE_MS;
    return own ? LP_MIN(own, left) : left;
}

static loop_error *make_call(lp_backend *b, struct lp_backend_call *c)
{
    const loop_export *f;
    LP_TRY(lp_backend_well(b));
    LP_TRY(find_export(b, c, &f));
    uint64_t ms = time_for(b, c);
    c->frame.most = (size_t)b->instance->limits.of[LOOP_MAX_HOST_BYTES].value;
    lp_body_begins(b->instance->body, ms);
    loop_error *err = lp_export_call_for(f, c->args, c->ret, &c->frame, ms);
    if (b->instance->body->broken)
        lp_backend_fell(b, err);
    return err;
}

static void run_call(lp_backend *b, struct lp_backend_work *w)
{
    struct lp_backend_call *c = (struct lp_backend_call *)w;
    lp_os_mutex_lock(b->lock);
    if (c->left) { /* since it was taken from the list: nothing is called */
        drop_handles(b, &plan_of(c)->params, c->args);
        call_keep(b, c);
        lp_os_mutex_unlock(b->lock);
        return;
    }
    c->state = LP_BACKEND_RUNS;
    b->running = c;
    lp_os_mutex_unlock(b->lock);
    loop_error *err = make_call(b, c);
    lp_os_mutex_lock(b->lock);
    b->running = NULL;
    c->err = err;
    c->state = LP_BACKEND_DONE;
    if (c->left) {
        drop_handles(b, err ? &plan_of(c)->params : plan_of(c)->result, err ? c->args : c->ret);
        call_keep(b, c);
    } else {
        lp_os_cond_signal(c->done);
    }
    lp_os_mutex_unlock(b->lock);
}

/* ---- who calls ---- */

/* What is with a caller while it waits. */
struct caller {
    lp_backend *b;
    loop_call *call;
    struct lp_backend_call *c;
    bool ends; /* the error is for the caller, which has to end */
};

/* When it stops waiting: the first of the provider's limit and its own. */
static uint64_t deadline(const lp_backend *b, const struct lp_body *of)
{
    uint64_t own = of->call_until_ns;
    uint64_t until = own ? own : UINT64_MAX;
    if (b->call_timeout_ms)
        until = LP_MIN(until, lp_os_now_ns() + b->call_timeout_ms * LP_BACKEND_MS);
    return until;
}

/* One that nobody waits for keeps the others waiting. */
static void stop_what_was_left(lp_backend *b, uint64_t now)
{
    struct lp_backend_call *r = b->running;
    if (r && r->left && now >= r->left_ns + LP_BACKEND_PATIENCE_MS * LP_BACKEND_MS)
        lp_signal(b->instance, lp_guest_stop);
}

/* NULL: it may wait on. */
static loop_error *look(struct caller *x, uint64_t now)
{
    const struct lp_body *of = lp_call_body(x->call);
    const char *name = x->b->table->provider.name;
    uint64_t own = of->call_until_ns;
    stop_what_was_left(x->b, now);
    x->ends = true;
    if (lp_instance_must_end(of->instance))
        return loop_error_new(LOOP_CANCELLED, "stopped while the component '%s' was called", name);
    if (own && now >= own)
        return loop_error_new(LOOP_TIMEOUT, "the component '%s' was called, and did not answer",
                              name);
    x->ends = false;
    if (now < x->c->until_ns)
        return NULL;
    return loop_error_hint_set(loop_error_new(LOOP_UNAVAILABLE,
                                              "the component '%s' did not answer within %g s", name,
                                              (double)x->b->call_timeout_ms / 1000),
                               "give it longer with call-timeout where it is bound");
}

/* False: the component's thread has it already. `lock` is held. */
static bool unqueue(lp_backend *b, struct lp_backend_work *w)
{
    struct lp_backend_work **at = &b->first;
    while (*at && *at != w)
        at = &(*at)->next;
    if (!*at)
        return false;
    *at = w->next;
    if (!*at)
        b->last = at;
    return true;
}

/* Leaves the call to itself; `lock` is held. */
static void leave(struct caller *x)
{
    struct lp_backend_call *c = x->c;
    if (!unqueue(x->b, &c->work)) { /* whether it runs, or is about to */
        c->left = true;
        c->left_ns = lp_os_now_ns();
        return;
    }
    drop_handles(x->b, &plan_of(c)->params, c->args);
    call_keep(x->b, c);
}

/* `lock` is held. Without an error the call is done; else it is left. */
static loop_error *wait_for(struct caller *x)
{
    struct lp_backend_call *c = x->c;
    uint64_t spin = 0;
    lp_os_mutex_unlock(x->b->lock);
    while (c->state != LP_BACKEND_DONE && lp_backend_spins(&spin))
        ;
    lp_os_mutex_lock(x->b->lock);
    while (c->state != LP_BACKEND_DONE) {
        uint64_t now = lp_os_now_ns();
        loop_error *err = look(x, now);
        if (err) {
            leave(x);
            return err;
        }
        lp_os_cond_wait(c->done, x->b->lock, LP_MIN(now + LP_BACKEND_LOOK_NS, c->until_ns));
    }
    return NULL;
}

static void *more_for_call(void *data, size_t size)
{
    lp_arena *a = data;
    return a->used <= LP_MAX_CALL_BYTES - LP_MIN(size, LP_MAX_CALL_BYTES) &&
                   size <= LP_MAX_CALL_BYTES
               ? lp_arena_take(a, size)
               : NULL;
}

static void *more_for_caller(void *data, size_t size)
{
    return loop_call_alloc(data, size);
}

/* No more than was lifted out of who calls, with its limit; providers before this one may add. */
static loop_error *put_in(struct lp_backend_call *c, const void *args)
{
    const lp_plan *p = plan_of(c);
    lp_copy copy = {more_for_call, &c->arena, LOOP_UNAVAILABLE, LP_MAX_CALL_FUEL};
    c->args = lp_arena_alloc(&c->arena, p->params.size + 1u);
    c->ret = lp_arena_alloc(&c->arena, p->result ? p->result->size : 1u);
    return args && p->params.size ? lp_copy_value(&copy, &p->params, args, c->args) : NULL;
}

/* The answer, once the call is done: the component's limit was looked at when it was lifted. */
static loop_error *take_out(struct caller *x, void *ret)
{
    struct lp_backend_call *c = x->c;
    const lp_node *r = plan_of(c)->result;
    lp_copy copy = {more_for_caller, x->call, LOOP_UNAVAILABLE, LP_MAX_CALL_FUEL};
    loop_error *err = lp_take(&c->err);
    bool failed = err != NULL;
    if (!failed && r) {
        err = lp_copy_value(&copy, r, c->ret, ret);
        x->ends = err != NULL;
    }
    lp_os_mutex_lock(x->b->lock);
    if (failed) /* nothing was called; or it is gone, and they with it */
        drop_handles(x->b, &plan_of(c)->params, c->args);
    else if (err)
        drop_handles(x->b, r, c->ret);
    call_keep(x->b, c);
    lp_os_mutex_unlock(x->b->lock);
    return err;
}

static loop_error *circle(const lp_backend *b)
{
    return loop_error_new(LOOP_UNAVAILABLE,
                          "the component '%s' waits for this call: a call may not come back to "
                          "who waits for it",
                          b->table->provider.name);
}

/* Waits while it is counted as waiting. */
static loop_error *post_and_wait(struct caller *x)
{
    lp_backend *b = x->b;
    lp_os_mutex_lock(b->lock);
    loop_error *err = NULL;
    const loop_limits *limits = &b->instance->limits;
    if (b->calls >= limits->of[LOOP_MAX_CALLS].value) {
        err = lp_limit_error(limits, LOOP_MAX_CALLS, b->table->provider.name, NULL);
        drop_handles(b, &plan_of(x->c)->params, x->c->args);
        call_keep(b, x->c);
    } else if (lp_backend_post(b, &x->c->work)) {
        b->calls++;
        err = wait_for(x);
        b->calls--;
    } else {
        err = loop_error_new(LOOP_UNAVAILABLE, "the component '%s' has ended",
                             b->table->provider.name);
        call_keep(b, x->c);
    }
    lp_os_mutex_unlock(b->lock);
    return err;
}

static loop_error *run(struct caller *x, const void *args, void *ret)
{
    lp_backend *b = x->b;
    struct lp_backend_call *c = x->c;
    loop_error *err = put_in(c, args);
    bool may = !err && lp_waits_begin(&b->it);
    if (!may) {
        err = err ? err : circle(b);
        lp_os_mutex_lock(b->lock);
        drop_handles(b, &plan_of(c)->params, args);
        call_keep(b, c);
        lp_os_mutex_unlock(b->lock);
        return err;
    }
    err = post_and_wait(x);
    lp_waits_end();
    return err ? err : take_out(x, ret);
}

/* The error as the caller's own, where its type has a place for it. */
static loop_error *as_value(loop_call *call, const lp_plan *plan, loop_error *err, void *ret)
{
    lp_buf text = {0};
    for (const loop_error *e = err; e; e = loop_error_cause(e))
        lp_buf_printf(&text, "%s%s", text.len ? ": " : "", loop_error_message(e));
    if (loop_error_hint(err))
        lp_buf_printf(&text, "; %s", loop_error_hint(err));
    loop_string kept = loop_call_string(call, text.ptr, text.len);
    lp_buf_done(&text);
    memset(ret, 0, plan->result ? plan->result->size : 0);
    if (kept.ptr && lp_unavailable(plan->result, kept.ptr, ret)) {
        loop_error_delete(err);
        return NULL;
    }
    if (loop_error_code(err) == LOOP_UNAVAILABLE)
        return err;
    return lp_error_because(LOOP_UNAVAILABLE, err, "it is served by a component that failed");
}

loop_error *lp_backend_call_run(void *self, loop_call *call, const loop_interface *interface,
                                size_t row, const void *args, void *ret)
{
    lp_backend *b = self;
    struct caller x = {.b = b, .call = call, .c = call_new(b)};
    x.c->side = (const struct lp_backend_side *)interface;
    x.c->row = row;
    x.c->until_ns = deadline(b, lp_call_body(call));
    const lp_plan *plan = plan_of(x.c);
    loop_error *err = run(&x, args, ret);
    return err && !x.ends ? as_value(call, plan, err, ret) : err;
}
