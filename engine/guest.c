/*
 * engine/guest.c: one guest: store, linker, driver and instance.
 *
 * Every call goes through `outcome`, which turns a race's end (done, failed,
 * stopped, late) into an error. An error that a host function raised is stashed
 * here while Wasmtime unwinds the guest, and comes back as it was.
 */
#include <stdlib.h>

#include "engine/internal.h"

#define MAX_TABLE_ELEMENTS 1000000

struct binding {
    lp_guest *guest;
    const lp_signature *signature;
    lp_host_fn call;
    void (*drop)(void *data, uint32_t handle);
    void *data;
};

struct lp_guest {
    lp_engine *engine;
    lp_component *component;
    lp_guest_options options;
    lpx_hooks hooks;
    lpx_driver *driver;
    wasmtime_component_linker_t *linker;
    wasmtime_store_t *store;
    wasmtime_context_t *cx;
    lpx_limits limits;
    wasmtime_component_instance_t instance;
    loop_error *stash; /* raised inside a host call, on its way out */
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
    static const lp_net_use uses[] = {LP_NET_BIND, LP_NET_LISTEN,  LP_NET_RECEIVE, LP_NET_CONNECT,
                                      LP_NET_BIND, LP_NET_CONNECT, LP_NET_RECEIVE};
    struct net *n = data;
    return used_for < LP_COUNT(uses) && n->hooks.net &&
           n->hooks.net(n->hooks.net_data, (lp_str){address.ptr, address.len}, port,
                        uses[used_for]);
}

static void set_hooks(lp_guest *g)
{
    struct net *net = lp_alloc(sizeof *net);
    net->hooks = g->options.hooks;
    net->refs = 1;
    if (net->hooks.net_ref)
        net->hooks.net_ref(net->hooks.net_data);
    g->hooks =
        (lpx_hooks){g, ask_http, ask_resolve, tell_open_failed, net, net_ref, net_unref, ask_net};
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
    for (size_t i = 0; i < o->dir_count; i++)
        if (!wasi_config_preopen_dir(w, o->dirs[i].host, o->dirs[i].guest, !o->dirs[i].read_only))
            return loop_error_hint_set(
                loop_error_new(LOOP_IO, "cannot open the directory '%s'", o->dirs[i].host),
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

loop_error *lp_guest_new(lp_engine *e, lp_component *c, const lp_guest_options *o, lp_guest **ret)
{
    lp_guest *g = lp_alloc(sizeof *g);
    g->engine = e;
    g->component = c;
    g->options = *o;
    set_hooks(g);
    g->limits = (lpx_limits){.memory_max = o->memory_limit, .table_max = MAX_TABLE_ELEMENTS};
    g->driver = lpx_driver_new(&g->hooks);
    g->linker = wasmtime_component_linker_new(e->wasm);
    g->store = wasmtime_store_new(e->wasm, g, NULL);
    g->cx = wasmtime_store_context(g->store);
    lpx_store_limit(g->store, &g->limits);
    loop_error *err = g->driver
                          ? set_wasi(g)
                          : loop_error_new(LOOP_SYSTEM, "no memory or descriptors for a guest");
    if (!err)
        err = link_groups(g);
    if (err) {
        lp_guest_delete(g);
        return err;
    }
    wasmtime_context_set_epoch_deadline(g->cx, 1);
    wasmtime_context_epoch_deadline_async_yield_and_update(g->cx, 1);
    *ret = g;
    return NULL;
}

void lp_guest_delete(lp_guest *g)
{
    if (!g)
        return;
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
static wasmtime_error_t *stash(lp_guest *g, loop_error *err)
{
    loop_error_delete(g->stash);
    g->stash = err;
    return wasmtime_error_new("a host function failed");
}

static loop_error *run_binding(struct binding *b, lp_convert *c,
                               const wasmtime_component_val_t *args, size_t nargs,
                               wasmtime_component_val_t *ret)
{
    const lp_signature *s = b->signature;
    if (nargs != s->nparams)
        return loop_error_new(LOOP_INTERNAL, "a call with %zu arguments, not %zu", nargs,
                              s->nparams);
    loop_value *values = lp_arena_alloc(c->arena, (nargs + 1) * sizeof *values);
    for (size_t i = 0; i < nargs; i++)
        LP_TRY(lp_convert_in(c, s->params[i], &args[i], &values[i], 0));
    loop_value result = {0};
    LP_TRY(b->call(b->data, c->arena, values, nargs, &result));
    if (!s->result)
        return NULL;
    c->items = c->bytes = 0;
    return lp_convert_out(c, s->result, &result, ret, 0);
}

static wasmtime_error_t *on_call(void *env, wasmtime_context_t *cx,
                                 const wasmtime_component_func_type_t *type,
                                 wasmtime_component_val_t *args, size_t nargs,
                                 wasmtime_component_val_t *results, size_t nresults)
{
    (void)type;
    struct binding *b = env;
    lp_guest *g = b->guest;
    lp_arena arena = {0};
    lp_convert c = {.cx = cx,
                    .arena = &arena,
                    .resource_type = g->options.resource_type,
                    .data = g->options.hooks.data};
    wasmtime_component_val_t none = {.kind = WASMTIME_COMPONENT_BOOL};
    loop_error *err = run_binding(b, &c, args, nargs, nresults ? results : &none);
    lp_arena_done(&arena);
    return err ? stash(g, err) : NULL;
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

loop_error *lp_guest_define(lp_guest *g, const lp_import *import, lp_host_fn f, void *data)
{
    wasmtime_component_linker_instance_t *root, *child;
    LP_TRY(open_instance(g, import, &root, &child));
    struct binding *b = binding_new(g, data);
    b->signature = import->signature;
    b->call = f;
    return close_instance(
        root, child,
        wasmtime_component_linker_instance_add_func(child ? child : root, import->name,
                                                    strlen(import->name), on_call, b, free));
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

loop_error *lp_guest_define_pollable(lp_guest *g, const lp_import *import)
{
    wasmtime_component_linker_instance_t *root, *child;
    LP_TRY(open_instance(g, import, &root, &child));
    return close_instance(
        root, child,
        lpx_linker_add_pollable(child ? child : root, import->name, strlen(import->name)));
}

/* ---- calls ---- */

static loop_error *limit_error(const lp_guest *g, loop_error *cause)
{
    lp_auto(lp_free_string) char *limit = lp_size_text(g->limits.memory_max);
    loop_error *e = lp_error_because(LOOP_LIMIT, cause, "'%s' reached its memory limit of %s",
                                     g->options.name, limit);
    return loop_error_hint_set(e, "raise it with --max-memory, or limits.memory in loop.yaml");
}

/* What a race's end means. *exited: the guest ended itself with a status. */
static loop_error *outcome(lp_guest *g, lpx_outcome o, wasmtime_error_t *e, bool *exited,
                           int *status)
{
    *exited = false;
    switch (o) {
    case LPX_DONE: return NULL;
    case LPX_STOPPED: return loop_error_new(LOOP_CANCELLED, "the component was stopped");
    case LPX_DEADLINE: return loop_error_new(LOOP_TIMEOUT, "the component used up its time");
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
    int trap = lpx_error_trap(e);
    loop_error *err = lp_error_of_guest(name, e);
    /* A refused memory ends in an abort, or before the start; another trap is a fault of its own.
     */
    bool gave_up = trap < 0 || trap == WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED;
    return g->limits.memory_refused && gave_up ? limit_error(g, err) : err;
}

loop_error *lp_guest_instantiate(lp_guest *g, uint64_t timeout_ms, bool *exited, int *ret_status)
{
    wasmtime_error_t *e = NULL;
    lp_ticker_enter(g->engine->ticker);
    lpx_outcome o = lpx_instantiate(g->driver, g->linker, g->cx, g->component->wasm, timeout_ms,
                                    &g->instance, &e);
    lp_ticker_leave(g->engine->ticker);
    return outcome(g, o, e, exited, ret_status);
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

static loop_error *find_or_error(lp_guest *g, const char *interface_name, const char *function,
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
    LP_TRY(find_or_error(g, interface_name, "run", &f));
    wasmtime_error_t *e = NULL;
    bool ok = false, exited;
    lp_ticker_enter(g->engine->ticker);
    lpx_outcome o = lpx_call_run(g->driver, g->cx, &f, timeout_ms, &ok, &e);
    lp_ticker_leave(g->engine->ticker);
    *ret_status = ok ? 0 : 1;
    return outcome(g, o, e, &exited, ret_status);
}

/* Runs `f` with values that are converted already. */
static loop_error *call_converted(lp_guest *g, const wasmtime_component_func_t *f,
                                  const lp_signature *s, wasmtime_component_val_t *vals,
                                  uint64_t timeout_ms, lp_convert *c, loop_value *ret, bool *exited,
                                  int *ret_status)
{
    wasmtime_component_val_t result = {.kind = WASMTIME_COMPONENT_BOOL};
    wasmtime_error_t *e = NULL;
    lp_ticker_enter(g->engine->ticker);
    lpx_outcome o =
        lpx_call(g->driver, g->cx, f, vals, s->nparams, &result, s->result != NULL, timeout_ms, &e);
    lp_ticker_leave(g->engine->ticker);
    loop_error *err = outcome(g, o, e, exited, ret_status);
    if (!err && !*exited && s->result)
        err = lp_convert_in(c, s->result, &result, ret, 0);
    wasmtime_component_val_delete(&result);
    return err;
}

/* The signature of an export, which must be of the type that the caller knows. */
static loop_error *check_type(lp_guest *g, const wasmtime_component_func_t *f, const char *function,
                              const char *type, lp_arena *arena, const lp_signature **ret)
{
    wasmtime_component_func_type_t *reflected = wasmtime_component_func_type(f, g->cx);
    loop_error *err = lp_signature_of(arena, reflected, ret);
    wasmtime_component_func_type_delete(reflected);
    LP_TRY(err);
    lp_buf text = {0};
    lp_signature_text(*ret, &text);
    if (strcmp(text.ptr, type) != 0)
        err =
            loop_error_new(LOOP_INVALID, "'%s' exports '%s' with another type: %.600s, not %.600s",
                           g->options.name, function, text.ptr, type);
    lp_buf_done(&text);
    return err;
}

loop_error *lp_guest_call(lp_guest *g, const char *interface_name, const char *function,
                          const char *type, loop_value *args, size_t nargs, uint64_t timeout_ms,
                          lp_arena *arena, loop_value *ret, bool *exited, int *ret_status)
{
    wasmtime_component_func_t f;
    const lp_signature *s;
    LP_TRY(find_or_error(g, interface_name, function, &f));
    LP_TRY(check_type(g, &f, function, type, arena, &s));
    loop_error *err = NULL;
    lp_convert c = {.cx = g->cx, .arena = arena};
    wasmtime_component_val_t *vals = lp_arena_alloc(arena, (nargs + 1) * sizeof *vals);
    for (size_t i = 0; i < nargs; i++)
        vals[i] = (wasmtime_component_val_t){.kind = WASMTIME_COMPONENT_BOOL};
    for (size_t i = 0; !err && i < nargs; i++)
        err = lp_convert_out(&c, s->params[i], &args[i], &vals[i], 0);
    if (!err)
        err = call_converted(g, &f, s, vals, timeout_ms, &c, ret, exited, ret_status);
    for (size_t i = 0; i < nargs; i++)
        wasmtime_component_val_delete(&vals[i]);
    return err;
}

loop_error *lp_guest_call_wave(lp_guest *g, const char *interface_name, const char *function,
                               const char *args, uint64_t timeout_ms, char **ret, bool *exited,
                               int *ret_status)
{
    wasmtime_component_func_t f;
    LP_TRY(find_or_error(g, interface_name, function, &f));
    wasm_byte_vec_t out = {0};
    wasmtime_error_t *e = NULL;
    bool bad_text;
    lp_ticker_enter(g->engine->ticker);
    lpx_outcome o =
        lpx_call_wave(g->driver, g->cx, &f, args, strlen(args), timeout_ms, &out, &bad_text, &e);
    lp_ticker_leave(g->engine->ticker);
    if (bad_text) {
        lp_auto(lp_free_string) char *text = lp_error_text(e);
        loop_error *err = loop_error_new(LOOP_USAGE, "%s", text);
        err = loop_error_wrap(err, "the arguments of '%s' do not fit", function);
        return loop_error_hint_set(
            err, "write them in WAVE: 1, \"text\", [1, 2], {name: \"x\"}, some(3)");
    }
    LP_TRY(outcome(g, o, e, exited, ret_status));
    *ret = lp_strndup(out.data, out.size);
    if (!*exited)
        wasm_byte_vec_delete(&out);
    return NULL;
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

bool lp_guest_memory_refused(const lp_guest *g)
{
    return g->limits.memory_refused;
}
