/*
 * engine/guest.c: one guest: store, linker, driver and instance.
 *
 * Every call goes through `outcome`, which turns a race's end (done, failed,
 * stopped, late) into an error. An error that a host function raised is stashed
 * here while Wasmtime unwinds the guest, and comes back as it was.
 */
#include <stdlib.h>

#include "base/os/os.h"
#include "engine/internal.h"

struct binding {
    lp_guest *guest;
    lp_function function;
    void (*drop)(void *data, uint32_t handle);
    void *data;
};

/* ---- hooks ---- */

static bool ask_http(void *data, bool https, lpx_text host, uint16_t port)
{
    lp_guest *g = data;
    return g->options.hooks.http &&
           g->options.hooks.http(g->options.hooks.data, https, (lp_str){host.ptr, host.len}, port);
}

static bool ask_resolve(void *data, lpx_text name)
{
    lp_guest *g = data;
    return g->options.hooks.resolve &&
           g->options.hooks.resolve(g->options.hooks.data, (lp_str){name.ptr, name.len});
}

static void tell_open_failed(void *data, lpx_text path, lpx_text code, bool write)
{
    lp_guest *g = data;
    if (g->options.hooks.open_failed)
        g->options.hooks.open_failed(g->options.hooks.data, (lp_str){path.ptr, path.len},
                                     (lp_str){code.ptr, code.len}, write);
}

/* What `net` needs, apart from the guest: a look-up may outlive it. */
struct net {
    lp_guest_hooks hooks;
    _Atomic unsigned refs;
};

static void net_ref(void *data)
{
    ((struct net *)data)->refs++;
}

static void net_unref(void *data)
{
    struct net *n = data;
    if (--n->refs == 0) {
        if (n->hooks.net_unref)
            n->hooks.net_unref(n->hooks.net_data);
        free(n);
    }
}

static bool ask_net(void *data, lpx_text address, uint16_t port, uint32_t used_for)
{
    static const lp_net_use uses[] = {
        [LPX_NET_TCP_BIND] = LP_NET_BIND,      [LPX_NET_TCP_LISTEN] = LP_NET_LISTEN,
        [LPX_NET_TCP_ACCEPT] = LP_NET_ACCEPT,  [LPX_NET_TCP_CONNECT] = LP_NET_CONNECT,
        [LPX_NET_UDP_BIND] = LP_NET_BIND_UDP,  [LPX_NET_UDP_SEND] = LP_NET_SEND,
        [LPX_NET_UDP_RECEIVE] = LP_NET_RECEIVE};
    struct net *n = data;
    return used_for < LP_COUNT(uses) && n->hooks.net &&
           n->hooks.net(n->hooks.net_data, (lp_str){address.ptr, address.len}, port,
                        uses[used_for]);
}

static bool ask_http_to(void *data, lpx_text host, lpx_text address, uint16_t port)
{
    struct net *n = data;
    return n->hooks.http_to && n->hooks.http_to(n->hooks.net_data, (lp_str){host.ptr, host.len},
                                                (lp_str){address.ptr, address.len}, port);
}

static void set_hooks(lp_guest *g)
{
    struct net *net = lp_alloc(sizeof *net);
    net->hooks = g->options.hooks;
    net->refs = 1;
    if (net->hooks.net_ref)
        net->hooks.net_ref(net->hooks.net_data);
    g->hooks = (lpx_hooks){g,       ask_http,  ask_resolve, tell_open_failed, net,
                           net_ref, net_unref, ask_net,     ask_http_to};
}

/* ---- making ---- */

static size_t count(const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    return n;
}

static loop_error *configure_env(wasi_config_t *w, const char *const *env)
{
    size_t n = count(env) / 2;
    const char **names = lp_alloc((n + 1) * sizeof *names),
               **values = lp_alloc((n + 1) * sizeof *values);
    for (size_t i = 0; i < n; i++) {
        names[i] = env[2 * i];
        values[i] = env[2 * i + 1];
    }
    bool ok = wasi_config_set_env(w, n, names, values);
    free(names);
    free(values);
    return ok ? NULL : loop_error_new(LOOP_USAGE, "an environment value is not UTF-8");
}

static loop_error *configure(wasi_config_t *w, const lp_guest_options *o)
{
    if (!wasi_config_set_argv(w, count(o->args), (const char **)o->args))
        return loop_error_new(LOOP_USAGE, "an argument is not UTF-8");
    LP_TRY(configure_env(w, o->env));
    for (const lp_guest_dir *d = o->dirs; d < o->dirs + o->dir_count; d++)
        if (!wasi_config_preopen_dir(w, d->open ? d->open : d->host, d->guest, !d->read_only))
            return loop_error_hint_set(
                loop_error_new(LOOP_IO, "cannot open the directory '%s'", d->host),
                "check that it is there and readable");
    wasi_config_inherit_stdin(w);
    wasi_config_inherit_stdout(w);
    wasi_config_inherit_stderr(w);
    return NULL;
}

static loop_error *set_wasi(lp_guest *g)
{
    wasi_config_t *w = wasi_config_new();
    loop_error *err = configure(w, &g->options);
    if (err) {
        wasi_config_delete(w);
        return err;
    }
    lpx_wasi_hooks(w, &g->hooks);
    wasmtime_error_t *e = wasmtime_context_set_wasi(g->cx, w);
    if (e)
        return lp_error_of(e);
    wasmtime_context_set_wasi_http(g->cx);
    return NULL;
}

static loop_error *link_groups(lp_guest *g)
{
    wasmtime_error_t *e = NULL;
    if (g->options.wasi)
        e = lpx_linker_add_wasi(g->linker);
    if (!e && g->options.http)
        e = lpx_linker_add_http(g->linker);
    return e ? lp_error_of(e) : NULL;
}

static void set_limits(lp_guest *g)
{
    if (!g->options.limits) {
        lp_limits_fill(&g->filled);
        g->options.limits = &g->filled;
    }
    const loop_limit *of = g->options.limits->of;
    g->limits = (lpx_limits){
        .memory_max = of[LOOP_MAX_MEMORY].value,
        .table_max = of[LOOP_MAX_TABLES].value,
        .instances = of[LOOP_MAX_INSTANCES].value,
        .memories = of[LOOP_MAX_MEMORIES].value,
        .handles = of[LOOP_MAX_HANDLES].value,
        .files = of[LOOP_MAX_FILES].value,
        .host_bytes = of[LOOP_MAX_HOST_BYTES].value,
    };
    uint64_t total = of[LOOP_MAX_TOTAL].value;
    g->total_ns = total == LOOP_UNLIMITED ? 0 : total * 1000000;
}

loop_error *lp_guest_new(lp_component *c, const lp_guest_options *o, lp_guest **ret)
{
    lp_engine *e = c->engine;
    lp_guest *g = lp_alloc(sizeof *g);
    g->engine = e;
    g->component = c;
    g->options = *o;
    set_hooks(g);
    set_limits(g);
    g->driver = lpx_driver_new(&g->hooks);
    g->linker = wasmtime_component_linker_new(e->wasm);
    g->store = wasmtime_store_new(e->wasm, g, NULL);
    g->cx = wasmtime_store_context(g->store);
    loop_error *err = g->driver
                          ? set_wasi(g)
                          : loop_error_new(LOOP_SYSTEM, "no memory or descriptors for a guest");
    if (!err)
        lpx_store_limit(g->driver, g->store, &g->limits);
    if (!err)
        err = link_groups(g);
    if (err) {
        lp_guest_delete(g);
        return err;
    }
    lpx_store_drive(g->driver, g->store);
    g->alone = !o->wasi && !o->http;
    *ret = g;
    return NULL;
}

void lp_guest_delete(lp_guest *g)
{
    if (!g)
        return;
    lp_ticker_remove(g->engine->ticker, &g->ticking);
    if (g->driver)
        lpx_store_delete(g->driver, g->store);
    else
        wasmtime_store_delete(g->store);
    wasmtime_component_linker_delete(g->linker);
    lpx_driver_delete(g->driver);
    net_unref(g->hooks.net_data);
    loop_error_delete(g->stash);
    free(g);
}

/* ---- host functions ---- */

/* Keeps a host function's error while Wasmtime unwinds the guest. */
wasmtime_error_t *lp_guest_stash(lp_guest *g, loop_error *err)
{
    loop_error_delete(g->stash);
    g->stash = err;
    return wasmtime_error_new("a host function failed");
}

static wasmtime_error_t *on_failed(void *env, loop_error *err)
{
    return lp_guest_stash(((struct binding *)env)->guest, err);
}

/* Flat values for a function that takes them as any others. */
static loop_error *on_flat(void *env, const lp_flat *in, uint64_t *ret)
{
    struct binding *b = env;
    lp_values values = {.flat = in};
    LP_TRY(b->function.call(b->data, &values));
    *ret = values.result;
    return NULL;
}

static wasmtime_error_t *on_put(void *env, lp_target *out)
{
    struct binding *b = env;
    loop_error *err = b->function.put(b->data, out);
    return err ? lp_guest_stash(b->guest, err) : NULL;
}

loop_error *lp_error_of_alloc(wasmtime_error_t *e, size_t size)
{
    return loop_error_wrap(lp_error_of_guest("the component", e, LOOP_TRAP),
                           "the component did not allocate %zu bytes for a value", size);
}

loop_error *lp_target_alloc(lp_target *t, uint32_t align, size_t size, uint32_t *ret)
{
    if (size > INT32_MAX)
        return loop_error_new(LOOP_LIMIT, "a value of %zu bytes for a component", size);
    wasmtime_error_t *e = t->realloc(t, align, (uint32_t)size, ret);
    return e ? lp_error_of_alloc(e, size) : NULL;
}

loop_error *lp_target_handle(lp_target *t, uint32_t nth, lp_handle h, uint32_t *ret)
{
    wasmtime_error_t *e = t->handle(t, nth, h.resource, h.value, ret);
    return e ? lp_error_of(e) : NULL;
}

static wasmtime_error_t *on_drop(void *env, wasmtime_context_t *cx, uint32_t rep)
{
    (void)cx;
    struct binding *b = env;
    if (b->drop)
        b->drop(b->data, rep);
    return NULL;
}

/* Opens the interface of an import in the linker; *child and the root are the caller's to delete.
 */
static loop_error *open_instance(lp_guest *g, const lp_import *i,
                                 wasmtime_component_linker_instance_t **root,
                                 wasmtime_component_linker_instance_t **child)
{
    *root = wasmtime_component_linker_root(g->linker);
    *child = NULL;
    if (!*i->interface_name)
        return NULL;
    wasmtime_error_t *e = wasmtime_component_linker_instance_add_instance(
        *root, i->interface_name, strlen(i->interface_name), child);
    if (!e)
        return NULL;
    wasmtime_component_linker_instance_delete(*root);
    return lp_error_of(e);
}

static loop_error *close_instance(wasmtime_component_linker_instance_t *root,
                                  wasmtime_component_linker_instance_t *child, wasmtime_error_t *e)
{
    if (child)
        wasmtime_component_linker_instance_delete(child);
    wasmtime_component_linker_instance_delete(root);
    return e ? lp_error_of(e) : NULL;
}

static struct binding *binding_new(lp_guest *g, void *data)
{
    struct binding *b = lp_alloc(sizeof *b);
    b->guest = g;
    b->data = data;
    return b;
}

loop_error *lp_guest_define(lp_guest *g, const lp_import *import, const lp_function *f)
{
    wasmtime_component_linker_instance_t *root, *child;
    LP_TRY(open_instance(g, import, &root, &child));
    struct binding *b = binding_new(g, f->data);
    b->function = *f;
    lpx_function raw = {
        .nflat = f->flat_params,
        .handles = f->handles,
        .memory = f->memory,
        .result = (uint32_t)f->result,
        .call = f->call,
        .call_data = f->data,
        .flat = f->flat ? f->flat : on_flat,
        .flat_data = f->flat ? f->data : b,
        .fail = on_failed,
        .put = on_put,
        .data = b,
        .delete = free,
    };
    return close_instance(
        root, child,
        lpx_linker_add_function(child ? child : root, import->name, strlen(import->name), raw));
}

loop_error *lp_guest_define_resource(lp_guest *g, const lp_import *import, uint32_t type,
                                     void (*drop)(void *data, uint32_t handle), void *data)
{
    wasmtime_component_linker_instance_t *root, *child;
    LP_TRY(open_instance(g, import, &root, &child));
    struct binding *b = binding_new(g, data);
    b->drop = drop;
    wasmtime_component_resource_type_t *t = wasmtime_component_resource_type_new_host(type);
    wasmtime_error_t *e = wasmtime_component_linker_instance_add_resource(
        child ? child : root, import->name, strlen(import->name), t, on_drop, b, free);
    wasmtime_component_resource_type_delete(t);
    g->resources = LP_MAX(g->resources, type + 1);
    lpx_driver_resources(g->driver, g->resources);
    return close_instance(root, child, e);
}

loop_error *lp_guest_define_subscribe(lp_guest *g, const lp_import *import)
{
    wasmtime_component_linker_instance_t *root, *child;
    LP_TRY(open_instance(g, import, &root, &child));
    return close_instance(
        root, child,
        lpx_linker_add_subscribe(child ? child : root, import->name, strlen(import->name)));
}

lp_io lp_io_of(const lp_resource *r)
{
    static const struct {
        const char *interface_name, *name;
        lp_io io;
    } rows[] = {
        {"wasi:io/poll", "pollable", LP_IO_POLLABLE},
        {"wasi:io/streams", "input-stream", LP_IO_INPUT},
        {"wasi:io/streams", "output-stream", LP_IO_OUTPUT},
    };
    lp_str of = {r->interface_name, strcspn(r->interface_name, "@")};
    for (size_t n = 0; n < LP_COUNT(rows); n++)
        if (lp_str_is(of, rows[n].interface_name) && strcmp(r->name, rows[n].name) == 0)
            return rows[n].io;
    return LP_IO_NONE;
}

loop_error *lp_guest_define_io(lp_guest *g, const lp_import *import)
{
    _Static_assert((int)LP_IO_POLLABLE == (int)LPX_IO_POLLABLE &&
                       (int)LP_IO_INPUT == (int)LPX_IO_INPUT &&
                       (int)LP_IO_OUTPUT == (int)LPX_IO_OUTPUT,
                   "ext.h");
    wasmtime_component_linker_instance_t *root, *child;
    LP_TRY(open_instance(g, import, &root, &child));
    return close_instance(root, child,
                          lpx_linker_add_io(child ? child : root, import->name,
                                            strlen(import->name),
                                            (uint32_t)lp_io_of(import->resource)));
}

/* ---- calls ---- */

/* The limit that an error tells of; LOOP_MAX_COUNT: none. */
static loop_limit_id limit_of(const lp_guest *g, const wasmtime_error_t *e)
{
    static const loop_limit_id limits[] = {
        [LPX_LIMIT_NONE] = LOOP_MAX_COUNT,        [LPX_LIMIT_INSTANCES] = LOOP_MAX_INSTANCES,
        [LPX_LIMIT_MEMORIES] = LOOP_MAX_MEMORIES, [LPX_LIMIT_TABLES] = LOOP_MAX_TABLES,
        [LPX_LIMIT_HANDLES] = LOOP_MAX_HANDLES,   [LPX_LIMIT_HOST_BYTES] = LOOP_MAX_HOST_BYTES,
    };
    uint32_t told = lpx_error_limit(e);
    int trap = lpx_error_trap(e);
    if (told && told < LP_COUNT(limits))
        return limits[told];
    if (trap == WASMTIME_TRAP_CODE_STACK_OVERFLOW)
        return LOOP_MAX_STACK;
    /* A refused memory ends in an abort, or before the start; another trap is a fault of its own.
     */
    bool gave_up = trap < 0 || trap == WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED;
    return gave_up ? lp_guest_refused(g) : LOOP_MAX_COUNT;
}

static loop_error *used_up(const lp_guest *g)
{
    if (g->total_ns && g->inside_ns >= g->total_ns)
        return lp_limit_error(g->options.limits, LOOP_MAX_TOTAL, g->options.name, NULL);
    return loop_error_new(LOOP_TIMEOUT, "the component used up its time");
}

/* What a race's end means. *exited: the guest ended itself with a status. */
loop_error *lp_guest_outcome(lp_guest *g, lpx_outcome o, wasmtime_error_t *e, bool *exited,
                             int *status)
{
    *exited = false;
    switch (o) {
    case LPX_DONE: return NULL;
    case LPX_STOPPED: return loop_error_new(LOOP_CANCELLED, "the component was stopped");
    case LPX_DEADLINE: return used_up(g);
    case LPX_FAILED: break;
    }
    if (g->stash) {
        wasmtime_error_delete(e);
        return lp_take(&g->stash);
    }
    if (wasmtime_error_exit_status(e, status)) {
        wasmtime_error_delete(e);
        *exited = true;
        return NULL;
    }
    lp_auto(lp_free_string) char *name = lp_format("'%s'", g->options.name);
    loop_limit_id limit = limit_of(g, e);
    loop_error *err = lp_error_of_guest(name, e, g->started ? LOOP_TRAP : LOOP_INTERNAL);
    return limit == LOOP_MAX_COUNT ? err
                                   : lp_limit_error(g->options.limits, limit, g->options.name, err);
}

/* A guest that may wait is driven by the thread, which drives one at a time. */
static _Thread_local bool driving;

void lp_thread_drives(bool on)
{
    driving = on;
}

loop_error *lp_guest_check_free(const lp_guest *g, const char *what)
{
    if (g->ticking.inside)
        return loop_error_hint_set(
            loop_error_new(LOOP_UNAVAILABLE,
                           "'%s' of '%s' was called while the component is inside a call", what,
                           g->options.name),
            "answer the call that it makes first; a component is entered by one call at a time");
    if (!lp_guest_fits_here(g) && driving)
        return loop_error_hint_set(
            loop_error_new(LOOP_UNAVAILABLE,
                           "'%s' of '%s' was called while another component runs on this thread",
                           what, g->options.name),
            "call it from a thread of its own: both may have to wait");
    return NULL;
}

loop_error *lp_guest_instantiate(lp_guest *g, uint64_t timeout_ms, bool *exited, int *ret_status)
{
    wasmtime_error_t *e = NULL;
    LP_TRY(lp_guest_check_free(g, "instantiate"));
    lp_guest_enter(g, false);
    lp_os_stack_bounds(&g->stack_low, &g->stack_high);
    lpx_outcome o = lpx_instantiate(g->driver, g->linker, g->cx, g->component->wasm,
                                    lp_guest_time(g, timeout_ms), &g->instance, &e);
    lp_guest_leave(g);
    g->started = o == LPX_DONE;
    return lp_guest_outcome(g, o, e, exited, ret_status);
}

static bool find(lp_guest *g, const char *interface_name, const char *function,
                 wasmtime_component_func_t *f)
{
    wasmtime_component_export_index_t *parent = NULL;
    if (*interface_name) {
        parent = wasmtime_component_instance_get_export_index(
            &g->instance, g->cx, NULL, interface_name, strlen(interface_name));
        if (!parent)
            return false;
    }
    wasmtime_component_export_index_t *i = wasmtime_component_instance_get_export_index(
        &g->instance, g->cx, parent, function, strlen(function));
    bool found = i && wasmtime_component_instance_get_func(&g->instance, g->cx, i, f);
    if (i)
        wasmtime_component_export_index_delete(i);
    if (parent)
        wasmtime_component_export_index_delete(parent);
    return found;
}

loop_error *lp_guest_find(lp_guest *g, const char *interface_name, const char *function,
                          wasmtime_component_func_t *f)
{
    if (find(g, interface_name, function, f))
        return NULL;
    return loop_error_new(LOOP_NOT_FOUND, "the component exports no function '%s%s%s'",
                          interface_name, *interface_name ? "." : "", function);
}

loop_error *lp_guest_run(lp_guest *g, const char *interface_name, uint64_t timeout_ms,
                         int *ret_status)
{
    wasmtime_component_func_t f;
    LP_TRY(lp_guest_find(g, interface_name, "run", &f));
    wasmtime_error_t *e = NULL;
    bool ok = false, exited;
    LP_TRY(lp_guest_check_free(g, "run"));
    lp_guest_enter(g, false);
    lpx_outcome o = lpx_call_run(g->driver, g->cx, &f, lp_guest_time(g, timeout_ms), &ok, &e);
    lp_guest_leave(g);
    *ret_status = ok ? 0 : 1;
    return lp_guest_outcome(g, o, e, &exited, ret_status);
}

void lp_guest_sleep(lp_guest *g, uint64_t ms)
{
    lpx_driver_sleep(g->driver, ms);
}

void lp_guest_stop(lp_guest *g)
{
    lpx_driver_stop(g->driver);
}

void lp_guest_ask(lp_guest *g)
{
    lpx_driver_ask(g->driver);
}

loop_limit_id lp_guest_refused(const lp_guest *g)
{
    return g->limits.memory_refused  ? LOOP_MAX_MEMORY
           : g->limits.table_refused ? LOOP_MAX_TABLES
                                     : LOOP_MAX_COUNT;
}
