/*
 * host/host.c: the host: its engine, its providers and its event loop.
 *
 * The main thread owns the loop (libuv) and never waits for an actor; actors
 * wake it through one async handle.
 */
#include <stdlib.h>

#include "host/internal.h"

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
    if (h->options.progress)
        h->options.progress(h->options.data, text);
}

/* Something happened to some instance. An end calls back, and may change the list: start over. */
static void on_wake(uv_async_t *wake)
{
    loop_host *h = wake->data;
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
    lp_auto(lp_free_string) char *own_cache = o->cache_dir ? NULL : lp_os_cache_dir();
    lp_engine_options e = {
        .cache_dir = o->no_cache    ? NULL
                     : o->cache_dir ? o->cache_dir
                                    : own_cache,
        .note = on_note,
        .progress = on_progress,
        .data = h,
    };
    loop_error *err = lp_engine_new(&e, &h->engine);
    if (err) {
        free(h);
        return err;
    }
    if (uv_loop_init(&h->loop) != 0) {
        lp_engine_delete(h->engine);
        free(h);
        return loop_error_new(LOOP_SYSTEM, "cannot start the event loop");
    }
    uv_async_init(&h->loop, &h->wake, on_wake);
    h->wake.data = h;
    uv_unref((uv_handle_t *)&h->wake);
    *ret = h;
    return NULL;
}

static void close_handle(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void loop_host_delete(loop_host *h)
{
    if (!h)
        return;
    while (h->instances)
        loop_instance_delete(h->instances);
    if (h->abandoned)
        return; /* a thread that does not come back still uses it */
    uv_walk(&h->loop, close_handle, NULL);
    uv_run(&h->loop, UV_RUN_DEFAULT);
    uv_loop_close(&h->loop);
    for (size_t i = 0; i < h->signals.n; i++)
        free(h->signals.at[i]);
    free(h->signals.at);
    for (size_t i = 0; i < h->providers.n; i++) {
        struct lp_provider *p = h->providers.at[i];
        if (p->opened && p->table->close)
            p->table->close(p->self);
        lp_os_mutex_delete(p->serial);
        free(p);
    }
    free(h->providers.at);
    for (size_t i = 0; i < h->bindings.n; i++)
        free(h->bindings.at[i].interface_name);
    free(h->bindings.at);
    lp_engine_delete(h->engine);
    free(h);
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

/* ---- providers ---- */

static void service_log(void *host, const loop_log_entry *entry)
{
    loop_host *h = host;
    if (entry->level >= h->options.log_level)
        h->hooks.log(h, entry);
}

static bool service_log_enabled(void *host, loop_log_level level)
{
    return level >= ((loop_host *)host)->options.log_level;
}

loop_error *loop_host_provider_add(loop_host *h, const loop_provider *table)
{
    if (table->abi != LOOP_PROVIDER_ABI)
        return loop_error_new(LOOP_INVALID, "a provider for ABI %u; this host has ABI %u",
                              table->abi, LOOP_PROVIDER_ABI);
    for (size_t i = 0; table->interfaces[i]; i++)
        for (const loop_provider_function *f = table->interfaces[i]->functions; f->name; f++)
            if (!f->type || !f->call)
                return loop_error_new(LOOP_INVALID,
                                      "the provider '%s' has no type or no function for "
                                      "'%s' of '%s'",
                                      table->name, f->name, table->interfaces[i]->name);
    for (size_t i = 0; i < h->providers.n; i++)
        if (strcmp(h->providers.at[i]->table->name, table->name) == 0)
            return loop_error_new(LOOP_INVALID, "there is a provider '%s' already", table->name);
    struct lp_provider *p = lp_alloc(sizeof *p);
    p->table = table;
    p->services = (loop_services){LOOP_PROVIDER_ABI, h, service_log, service_log_enabled};
    p->serial = lp_os_mutex_new();
    *lp_push(&h->providers) = p;
    return NULL;
}

const loop_provider *loop_host_provider_at(const loop_host *h, size_t i)
{
    return i < h->providers.n ? h->providers.at[i]->table : NULL;
}

loop_error *lp_provider_open(struct lp_provider *p)
{
    if (p->opened)
        return NULL;
    if (p->table->open) {
        loop_error *err = p->table->open(&p->services, &p->self);
        if (err)
            return loop_error_wrap(err, "cannot open the provider '%s'", p->table->name);
    }
    p->opened = true;
    return NULL;
}

static const loop_provider_interface *implements(const loop_provider *p, const char *name)
{
    for (size_t i = 0; p->interfaces[i]; i++)
        if (strcmp(p->interfaces[i]->name, name) == 0)
            return p->interfaces[i];
    return NULL;
}

loop_error *loop_host_bind(loop_host *h, const char *interface_name, const char *provider)
{
    for (size_t i = 0; i < h->providers.n; i++) {
        const loop_provider *p = h->providers.at[i]->table;
        if (strcmp(p->name, provider) != 0)
            continue;
        if (!implements(p, interface_name))
            return loop_error_new(LOOP_NOT_FOUND, "the provider '%s' does not implement '%s'",
                                  provider, interface_name);
        *lp_push(&h->bindings) = (struct lp_binding){lp_strdup(interface_name), p->name};
        return NULL;
    }
    loop_error *err = loop_error_new(LOOP_NOT_FOUND, "there is no provider '%s'", provider);
    return loop_error_hint_set(err, "`loop doctor` lists the providers that this host has");
}

/* ---- who serves what ---- */

const char *lp_split_version(const char *full, char *buf, size_t size)
{
    const char *at = strchr(full, '@');
    size_t n = at ? (size_t)(at - full) : strlen(full);
    n = LP_MIN(n, size - 1);
    memcpy(buf, full, n);
    buf[n] = 0;
    return at ? at + 1 : "";
}

/* "1.2.3" → 3 numbers; false for anything else, such as a pre-release. */
static bool numbers(const char *v, unsigned long n[3])
{
    for (int i = 0; i < 3; i++) {
        char *end;
        if (*v < '0' || *v > '9')
            return false;
        n[i] = strtoul(v, &end, 10);
        if (*end != (i < 2 ? '.' : '\0'))
            return false;
        v = end + (i < 2);
    }
    return true;
}

bool lp_version_serves(const char *offered, const char *wanted)
{
    unsigned long o[3], w[3];
    if (strcmp(offered, wanted) == 0)
        return true;
    if (!numbers(offered, o) || !numbers(wanted, w) || o[0] != w[0])
        return false;
    if (w[0] > 0)
        return true;
    return o[1] == w[1] && (w[1] > 0 || o[2] == w[2]);
}

static bool bound_elsewhere(const loop_host *h, const char *name, const loop_provider *p)
{
    const char *to = NULL;
    for (size_t i = 0; i < h->bindings.n; i++)
        if (strcmp(h->bindings.at[i].interface_name, name) == 0)
            to = h->bindings.at[i].provider;
    return to && strcmp(to, p->name) != 0;
}

/* The version of `t` that serves `wanted`, or NULL with all of them added to `others`. */
static const char *version_of(const loop_provider_interface *t, const char *wanted, lp_buf *others)
{
    for (size_t v = 0; t->versions[v]; v++)
        if (lp_version_serves(t->versions[v], wanted))
            return t->versions[v];
    for (size_t v = 0; t->versions[v]; v++)
        lp_buf_printf(others, "%s%s", others->len ? ", " : "", t->versions[v]);
    return NULL;
}

struct lp_provider *lp_host_find(loop_host *h, const char *full,
                                 const loop_provider_interface **ret_table,
                                 const char **ret_version, char **ret_why)
{
    char name[LP_MAX_NAME];
    const char *wanted = lp_split_version(full, name, sizeof name);
    lp_buf others = {0};
    for (size_t i = h->providers.n; i-- > 0;) {
        struct lp_provider *p = h->providers.at[i];
        if (bound_elsewhere(h, name, p->table))
            continue;
        for (size_t j = 0; p->table->interfaces[j]; j++) {
            const loop_provider_interface *t = p->table->interfaces[j];
            if (strcmp(t->name, name) == 0 && (*ret_version = version_of(t, wanted, &others))) {
                lp_buf_done(&others);
                *ret_table = t;
                return p;
            }
        }
    }
    if (others.len)
        *ret_why = lp_format("no provider has version %s of '%s'; there is %s",
                             *wanted ? wanted : "(none)", name, others.ptr);
    else
        *ret_why = lp_format("no provider implements '%s'", full);
    lp_buf_done(&others);
    return NULL;
}

const loop_provider_function *lp_find_function(const loop_provider_interface *t, const char *name)
{
    for (size_t i = 0; t->functions[i].name; i++)
        if (strcmp(t->functions[i].name, name) == 0)
            return &t->functions[i];
    return NULL;
}

const loop_provider_resource *lp_find_resource(const loop_provider_interface *t, const char *name)
{
    for (size_t i = 0; t->resources && t->resources[i].name; i++)
        if (strcmp(t->resources[i].name, name) == 0)
            return &t->resources[i];
    return NULL;
}

const char *lp_nearest_interface(loop_host *h, const char *full)
{
    char name[LP_MAX_NAME];
    lp_split_version(full, name, sizeof name);
    const char *best = NULL;
    unsigned distance = (unsigned)strlen(name) / 3 + 1;
    for (size_t i = 0; i < h->providers.n; i++) {
        const loop_provider *p = h->providers.at[i]->table;
        for (size_t j = 0; p->interfaces[j]; j++) {
            unsigned d = lp_edit_distance(name, p->interfaces[j]->name);
            if (d && d < distance) {
                distance = d;
                best = p->interfaces[j]->name;
            }
        }
    }
    return best;
}

/* ---- the loop ---- */

static void end_turn(uv_timer_t *timer)
{
    (void)timer; /* that it fires ends the turn */
}

bool loop_host_turn(loop_host *h, int timeout_ms)
{
    if (h->turning)
        return true;
    if (timeout_ms == 0)
        return uv_run(&h->loop, UV_RUN_NOWAIT) != 0;
    if (timeout_ms < 0)
        return uv_run(&h->loop, UV_RUN_ONCE) != 0;
    uv_timer_t *timer = lp_alloc(sizeof *timer);
    uv_timer_init(&h->loop, timer);
    uv_timer_start(timer, end_turn, (uint64_t)timeout_ms, 0);
    bool more = uv_run(&h->loop, UV_RUN_ONCE) != 0;
    uv_close((uv_handle_t *)timer, (uv_close_cb)free);
    return more;
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
