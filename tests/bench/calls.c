/*
 * tests/bench/calls.c: what a call costs into a guest that may wait, so that it
 * runs on a fiber and can be ended while it waits.
 *
 *   calls COMPONENT COUNT
 *
 * COMPONENT exports demo:calc/ops with add(u32, u32) -> u32. Prints rows
 * "name<TAB>ours ns<TAB>peer ns", a row a batch, ours and the peer's by turns:
 * ours is loop's call (a future, raced against a stop and a deadline); the peer
 * is Wasmtime's own C API, which cannot be interrupted while the guest waits.
 */
#include <stdio.h>
#include <stdlib.h>

#include "calc.h"

#include "base/os/os.h"
#include "engine/internal.h"

#define IFACE "demo:calc/ops@0.1.0"
#define BATCHES 15

static void must(loop_error *err)
{
    if (!err)
        return;
    lp_auto(lp_free_string) char *text = loop_error_format(err);
    fputs(text, stderr);
    exit(1);
}

static void must_wasmtime(wasmtime_error_t *e)
{
    if (e)
        must(lp_error_of(e));
}

/* ---- the peer ---- */

struct peer {
    wasmtime_store_t *store;
    wasmtime_context_t *cx;
    wasmtime_component_func_t f;
};

static void find_add(struct peer *s, const wasmtime_component_instance_t *i)
{
    wasmtime_component_export_index_t *iface =
        wasmtime_component_instance_get_export_index(i, s->cx, NULL, IFACE, strlen(IFACE));
    wasmtime_component_export_index_t *add =
        wasmtime_component_instance_get_export_index(i, s->cx, iface, "add", 3);
    if (!add || !wasmtime_component_instance_get_func(i, s->cx, add, &s->f))
        must(loop_error_new(LOOP_NOT_FOUND, "no " IFACE ".add"));
    wasmtime_component_export_index_delete(add);
    wasmtime_component_export_index_delete(iface);
}

static void open_peer(struct peer *s, const lp_engine *e, const lp_component *c)
{
    wasmtime_component_linker_t *l = wasmtime_component_linker_new(e->wasm);
    must_wasmtime(wasmtime_component_linker_add_wasip2(l));
    s->store = wasmtime_store_new(e->wasm, NULL, NULL);
    s->cx = wasmtime_store_context(s->store);
    must_wasmtime(wasmtime_context_set_wasi(s->cx, wasi_config_new()));
    wasmtime_context_set_epoch_deadline(s->cx, UINT64_MAX / 2);
    wasmtime_component_instance_t i;
    must_wasmtime(wasmtime_component_linker_instantiate(l, s->cx, c->wasm, &i));
    find_add(s, &i);
    wasmtime_component_linker_delete(l);
}

/* Nanoseconds a call. */
static double peer_batch(struct peer *s, size_t count)
{
    uint64_t start = lp_os_now_ns();
    for (size_t i = 0; i < count; i++) {
        wasmtime_component_val_t args[2] = {
            {.kind = WASMTIME_COMPONENT_U32, .of.u32 = (uint32_t)i},
            {.kind = WASMTIME_COMPONENT_U32, .of.u32 = 1},
        };
        wasmtime_component_val_t ret = {.kind = WASMTIME_COMPONENT_BOOL};
        must_wasmtime(wasmtime_component_func_call(&s->f, s->cx, args, 2, &ret, 1));
    }
    return (double)(lp_os_now_ns() - start) / (double)count;
}

/* ---- ours ---- */

static double our_batch(const demo_calc_ops_exports *ops, size_t count)
{
    uint32_t sum;
    uint64_t start = lp_os_now_ns();
    for (size_t i = 0; i < count; i++)
        must(demo_calc_ops_call_add(ops, (uint32_t)i, 1, &sum));
    return (double)(lp_os_now_ns() - start) / (double)count;
}

static void open_ours(const char *path, demo_calc_ops_exports *ret)
{
    loop_host *host;
    loop_component *component;
    loop_instance *instance;
    must(loop_host_new(&(loop_host_options){.no_cache = true}, &host));
    must(loop_component_open(host, path, &component));
    must(loop_instance_new(host, component, &(loop_instance_options){0}, &instance));
    must(loop_instance_enter(instance));
    must(demo_calc_ops_bind(instance, ret));
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: calls COMPONENT COUNT\n", stderr);
        return 2;
    }
    size_t count = strtoul(argv[2], NULL, 10);
    lp_engine *e;
    lp_component *c;
    must(lp_engine_new(&(lp_engine_options){0}, &e));
    must(lp_component_open(e, argv[1], &c));
    must(lp_component_compile(c));
    struct peer peer;
    open_peer(&peer, e, c);
    demo_calc_ops_exports ours;
    open_ours(argv[1], &ours);
    for (int i = 0; i <= BATCHES; i++) {
        double a = our_batch(&ours, count), b = peer_batch(&peer, count);
        if (i > 0) /* the first warms up */
            printf("call.drive\t%.1f\t%.1f\n", a, b);
    }
    return 0;
}
