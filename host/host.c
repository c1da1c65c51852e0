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

/* What generated code never gets wrong, and tables written by hand may. */
static loop_error *check_side(const loop_provider *p, const loop_provider_interface *side)
{
    const loop_interface *t = side->interface;
    if (t->abi != LOOP_ABI)
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "the provider '%s' has '%s' for ABI %u; this host has %u",
                           p->name, t->name, t->abi, LOOP_ABI),
            "generate it again with this host's `loop bindgen c-host`");
    if (!side->functions)
        return loop_error_new(LOOP_INVALID, "the provider '%s' has no functions for '%s'", p->name,
                              t->name);
    for (const loop_function *f = t->functions; f->name; f++)
        if (!f->type || !f->call)
            return loop_error_new(LOOP_INVALID,
                                  "the provider '%s' has no type or no function for '%s' of '%s'",
                                  p->name, f->name, t->name);
    return NULL;
}

loop_error *loop_host_provider_add(loop_host *h, const loop_provider *table)
{
    if (table->abi != LOOP_PROVIDER_ABI)
        return loop_error_new(LOOP_INVALID, "a provider for ABI %u; this host has ABI %u",
                              table->abi, LOOP_PROVIDER_ABI);
    for (size_t i = 0; table->interfaces[i].interface; i++)
        LP_TRY(check_side(table, &table->interfaces[i]));
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

static bool implements(const loop_provider *p, const char *name)
{
    for (size_t i = 0; p->interfaces[i].interface; i++)
        if (strcmp(p->interfaces[i].interface->name, name) == 0)
            return true;
    return false;
}

static struct lp_provider *find_provider(const loop_host *h, const char *name)
{
    for (size_t i = 0; i < h->providers.n; i++)
        if (strcmp(h->providers.at[i]->table->name, name) == 0)
            return h->providers.at[i];
    return NULL;
}

static bool before(const struct lp_binding *b, const char *first, const char *second)
{
    bool seen = false;
    for (size_t i = 0; b->providers[i]; i++) {
        if (seen && strcmp(b->providers[i], second) == 0)
            return true;
        seen = seen || strcmp(b->providers[i], first) == 0;
    }
    return false;
}

/* Each provider once; two that are locked during a call always in one order. */
static loop_error *check_order(const loop_host *h, const struct lp_binding *b)
{
    for (size_t i = 0; b->providers[i]; i++) {
        for (size_t j = i + 1; b->providers[j]; j++) {
            if (b->providers[i] == b->providers[j])
                return loop_error_new(LOOP_USAGE, "the provider '%s' is twice in a chain",
                                      b->providers[i]);
            for (size_t k = 0; k < h->bindings.n; k++)
                if (before(&h->bindings.at[k], b->providers[j], b->providers[i]))
                    return loop_error_hint_set(
                        loop_error_new(LOOP_USAGE, "'%s' comes before '%s' in the chain of '%s'",
                                       b->providers[j], b->providers[i],
                                       h->bindings.at[k].interface_name),
                        "name them in that order here, too: each may wait for the other otherwise");
        }
    }
    return NULL;
}

loop_error *loop_host_bind_chain(loop_host *h, const char *interface_name,
                                 const char *const *providers)
{
    struct lp_binding b = {0};
    for (size_t i = 0; providers[i]; i++) {
        const struct lp_provider *p = find_provider(h, providers[i]);
        if (i >= LP_MAX_CHAIN)
            return loop_error_new(LOOP_LIMIT, "more than %d providers for '%s'", LP_MAX_CHAIN,
                                  interface_name);
        if (!p)
            return loop_error_hint_set(
                loop_error_new(LOOP_NOT_FOUND, "there is no provider '%s'", providers[i]),
                "`loop doctor` lists the providers that this host has");
        if (!implements(p->table, interface_name))
            return loop_error_new(LOOP_NOT_FOUND, "the provider '%s' does not implement '%s'",
                                  providers[i], interface_name);
        b.providers[i] = p->table->name;
    }
    if (!b.providers[0])
        return loop_error_new(LOOP_USAGE, "no provider for '%s'", interface_name);
    LP_TRY(check_order(h, &b));
    b.interface_name = lp_strdup(interface_name);
    *lp_push(&h->bindings) = b;
    return NULL;
}

loop_error *loop_host_bind(loop_host *h, const char *interface_name, const char *provider)
{
    return loop_host_bind_chain(h, interface_name, (const char *const[]){provider, NULL});
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
    if (strcmp(offered, wanted) == 0 || !*wanted)
        return true; /* without a version: types are compared all the same */
    if (!numbers(offered, o) || !numbers(wanted, w) || o[0] != w[0])
        return false;
    if (w[0] > 0)
        return true;
    return o[1] == w[1] && (w[1] > 0 || o[2] == w[2]);
}

/* The provider's side of `name` that serves version `wanted`; other versions go to `others`. */
static const loop_provider_interface *side_of(const struct lp_provider *p, const char *name,
                                              const char *wanted, lp_buf *others)
{
    for (const loop_provider_interface *t = p->table->interfaces; t->interface; t++) {
        if (strcmp(t->interface->name, name) != 0)
            continue;
        if (lp_version_serves(t->interface->version, wanted))
            return t;
        lp_buf_printf(others, "%s%s", others->len ? ", " : "", t->interface->version);
    }
    return NULL;
}

static const struct lp_binding *binding_of(const loop_host *h, const char *name)
{
    for (size_t i = h->bindings.n; i-- > 0;)
        if (strcmp(h->bindings.at[i].interface_name, name) == 0)
            return &h->bindings.at[i];
    return NULL;
}

static void add_link(struct lp_chain *c, struct lp_provider *p, const char *name,
                     const char *wanted, lp_buf *others)
{
    const loop_provider_interface *side = side_of(p, name, wanted, others);
    if (side)
        c->links[c->n++] = (struct lp_link){p, side};
}

bool lp_host_find(loop_host *h, const char *full, struct lp_chain *ret, const char **ret_version,
                  char **ret_why)
{
    char name[LP_MAX_NAME];
    const char *wanted = lp_split_version(full, name, sizeof name);
    const struct lp_binding *b = binding_of(h, name);
    lp_buf others = {0};
    ret->n = 0;
    for (size_t i = 0; b && b->providers[i]; i++)
        add_link(ret, find_provider(h, b->providers[i]), name, wanted, &others);
    for (size_t i = h->providers.n; !b && i-- > 0 && ret->n == 0;)
        add_link(ret, h->providers.at[i], name, wanted, &others);
    if (ret->n)
        *ret_version = ret->links[0].side->interface->version;
    else if (others.len)
        *ret_why = lp_format("no provider has version %s of '%s'; there is %s",
                             *wanted ? wanted : "(none)", name, others.ptr);
    else if (!*full)
        *ret_why = lp_strdup("a function of the world itself, which no provider has");
    else
        *ret_why = lp_format("no provider implements '%s'", full);
    lp_buf_done(&others);
    return ret->n > 0;
}

/* Whether the table has something there: function pointers have one size. */
static bool is_filled(const void *functions, size_t offset)
{
    void (*f)(void);
    memcpy(&f, (const char *)functions + offset, sizeof f);
    return f != NULL;
}

const loop_function *lp_find_function(const struct lp_link *l, const char *name)
{
    for (const loop_function *f = l->side->interface->functions; f->name; f++)
        if (strcmp(f->name, name) == 0)
            return is_filled(l->side->functions, f->offset) ? f : NULL;
    return NULL;
}

const loop_resource *lp_find_resource(const struct lp_link *l, const char *name)
{
    const loop_resource *r = l->side->interface->resources;
    for (; r && r->name; r++)
        if (strcmp(r->name, name) == 0)
            return is_filled(l->side->functions, r->offset) ? r : NULL;
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
        for (size_t j = 0; p->interfaces[j].interface; j++) {
            const char *served = p->interfaces[j].interface->name;
            unsigned d = lp_edit_distance(name, served);
            if (d && d < distance) {
                distance = d;
                best = served;
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
