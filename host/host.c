/*
 * host/host.c: the host: its engine, its log and its event loop.
 *
 * The main thread owns the loop (libuv) and never waits for an actor; actors
 * wake it through one async handle.
 */
#include <stdlib.h>

#include "host/internal.h"
#include "host/swap.h"

struct lp_signal {
    uv_signal_t handle;
    void (*f)(void *data, int signum);
    void *data;
    int signum;
};

/* ---- making ---- */

static void on_note(void *data, const char *text)
{
    loop_host_log(data, LOOP_LOG_WARN, "%s", text);
}

static void on_progress(void *data, const char *text)
{
    loop_host *h = data;
    if (h->options.progress && lp_os_thread_self() == h->main)
        h->options.progress(h->options.data, text);
}

/* Something happened to some instance. An end calls back, and may change the list: start over. */
static void on_wake(uv_async_t *wake)
{
    loop_host *h = wake->data;
    lp_keeper_report(h);
    bool ended;
    do {
        ended = false;
        for (loop_instance *i = h->instances, *next; i && !ended; i = next) {
            next = i->next; /* its end may free it */
            ended = lp_supervise(i);
        }
    } while (ended);
}

loop_error *lp_host_new(const loop_host_options *o, const lp_host_hooks *hooks, loop_host **ret)
{
    loop_host *h = lp_alloc(sizeof *h);
    h->options = *o;
    h->hooks = *hooks;
    h->main = lp_os_thread_self();
    lp_auto(lp_free_string) char *own_cache = o->cache_dir ? NULL : lp_os_cache_dir();
    lp_engine_options e = {
        .stack = o->stack,
        .cache_dir = o->no_cache    ? NULL
                     : o->cache_dir ? o->cache_dir
                                    : own_cache,
        .note = on_note,
        .progress = on_progress,
        .data = h,
    };
    loop_error *err = lp_engine_new(&e, &h->engine);
    h->engine_options = e;
    h->engine_options.cache_dir = NULL; /* h->cache_dir */
    if (err) {
        free(h);
        return err;
    }
    if (uv_loop_init(&h->loop) != 0) {
        lp_engine_delete(h->engine);
        free(h);
        return loop_error_new(LOOP_SYSTEM, "cannot start the event loop");
    }
    lp_keeper_new(h);
    h->changing = lp_os_mutex_new();
    h->finding = lp_os_mutex_new();
    h->gate = lp_os_mutex_new();
    h->opened = lp_os_cond_new();
    h->step_ms = LP_SWAP_START_MS;
    h->directory = o->directory ? lp_strdup(o->directory) : NULL;
    h->workspace = o->workspace ? lp_strdup(o->workspace) : NULL;
    h->cache_dir = o->cache_dir ? lp_strdup(o->cache_dir) : own_cache ? lp_strdup(own_cache) : NULL;
    uv_async_init(&h->loop, &h->wake, on_wake);
    h->wake.data = h;
    uv_unref((uv_handle_t *)&h->wake);
    uv_timer_init(&h->loop, &h->turn);
    uv_unref((uv_handle_t *)&h->turn);
    *ret = h;
    return NULL;
}

loop_error *lp_host_engine(loop_host *h, uint64_t stack, lp_engine **ret)
{
    if (lp_engine_stack(h->engine) == stack) {
        *ret = h->engine;
        return NULL;
    }
    for (size_t i = 0; i < h->engines.n; i++) {
        if (lp_engine_stack(h->engines.at[i]) == stack) {
            *ret = h->engines.at[i];
            return NULL;
        }
    }
    lp_engine_options o = h->engine_options;
    o.stack = stack;
    o.cache_dir = h->options.no_cache ? NULL : h->cache_dir;
    lp_engine *e;
    LP_TRY(lp_engine_new(&o, &e));
    *lp_push(&h->engines) = *ret = e;
    return NULL;
}

static void close_handle(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void loop_host_close(loop_host *h)
{
    if (h)
        lp_keeper_hurry(h);
    while (h && h->instances)
        loop_instance_delete(h->instances);
    if (h)
        lp_keeper_stop(h);
    if (h && !h->abandoned)
        lp_backends_stop(h);
    if (h && !h->abandoned)
        lp_providers_close(h);
    if (h && !h->abandoned)
        lp_keeper_delete(h);
}

void loop_host_delete(loop_host *h)
{
    if (!h)
        return;
    loop_host_close(h);
    if (h->abandoned || h->haunted)
        return; /* a thread that does not come back still uses it */
    uv_walk(&h->loop, close_handle, NULL);
    uv_run(&h->loop, UV_RUN_DEFAULT);
    uv_loop_close(&h->loop);
    for (size_t i = 0; i < h->signals.n; i++)
        free(h->signals.at[i]);
    free(h->signals.at);
    lp_peers_done(h);
    lp_children_done(h);
    lp_bindings_done(h);
    lp_providers_done(h);
    lp_tables_done(h);
    for (size_t i = 0; i < h->engines.n; i++)
        lp_engine_delete(h->engines.at[i]);
    free(h->engines.at);
    lp_engine_delete(h->engine);
    lp_os_mutex_delete(h->changing);
    lp_os_mutex_delete(h->finding);
    lp_os_mutex_delete(h->gate);
    lp_os_cond_delete(h->opened);
    free(h->directory);
    free(h->workspace);
    free(h->cache_dir);
    free(h->guard);
    free(h);
}

struct uv_loop_s *lp_host_loop(loop_host *h)
{
    return &h->loop;
}

const loop_host_options *lp_host_options(const loop_host *h)
{
    return &h->options;
}

/* ---- logging and tracing ---- */

void loop_host_log(loop_host *h, loop_log_level level, const char *fmt, ...)
{
    if (level < h->options.log_level)
        return;
    va_list ap;
    va_start(ap, fmt);
    lp_auto(lp_free_string) char *text = lp_vformat(fmt, ap);
    va_end(ap);
    h->hooks.log(h, &(loop_log_entry){.level = level, .message = text});
}

void lp_host_trace(loop_host *h, const loop_trace *t)
{
    if (h->options.trace)
        h->options.trace(h->options.data, t);
}

/* ---- the loop ---- */

static void end_turn(uv_timer_t *timer)
{
    uv_stop(timer->loop); /* also where it is due before the loop has begun to wait */
}

bool loop_host_turn(loop_host *h, int timeout_ms)
{
    if (h->turning)
        return true;
    if (timeout_ms == 0)
        return uv_run(&h->loop, UV_RUN_NOWAIT) != 0;
    if (timeout_ms < 0)
        return uv_run(&h->loop, UV_RUN_ONCE) != 0;
    uv_update_time(&h->loop);
    uv_ref((uv_handle_t *)&h->turn);
    uv_timer_start(&h->turn, end_turn, (uint64_t)timeout_ms, 0);
    uv_run(&h->loop, UV_RUN_ONCE);
    uv_timer_stop(&h->turn);
    uv_unref((uv_handle_t *)&h->turn);
    return uv_loop_alive(&h->loop);
}

static void on_signal(uv_signal_t *handle, int signum)
{
    struct lp_signal *s = handle->data;
    if (s->f)
        s->f(s->data, signum);
}

loop_error *loop_host_on_signal(loop_host *h, int signum, void (*f)(void *data, int signum),
                                void *data)
{
    struct lp_signal *s = NULL;
    for (size_t i = 0; i < h->signals.n; i++)
        if (h->signals.at[i]->signum == signum)
            s = h->signals.at[i];
    if (!s) {
        s = lp_alloc(sizeof *s);
        s->signum = signum;
        s->handle.data = s;
        uv_signal_init(&h->loop, &s->handle);
        uv_unref((uv_handle_t *)&s->handle);
        *lp_push(&h->signals) = s;
    }
    s->f = f;
    s->data = data;
    int failed = f ? uv_signal_start(&s->handle, on_signal, signum) : uv_signal_stop(&s->handle);
    return failed ? loop_error_new(LOOP_SYSTEM, "cannot watch signal %d: %s", signum,
                                   uv_strerror(failed))
                  : NULL;
}
