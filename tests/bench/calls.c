/*
 * tests/bench/calls.c: what a call into a guest costs when it can be stopped.
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

/* Nanoseconds a call, loop's way. */
static double ours(lp_guest *g, size_t count)
{
    uint64_t start = lp_os_now_ns();
    for (size_t i = 0; i < count; i++) {
        loop_value args[2] = {{.kind = LOOP_U32, .of.u = i}, {.kind = LOOP_U32, .of.u = 1}}, ret;
        lp_arena arena = {0};
        bool exited;
        int status;
        must(lp_guest_call(g, IFACE, "add", args, 2, 0, &arena, &ret, &exited, &status));
        lp_arena_done(&arena);
    }
    return (double)(lp_os_now_ns() - start) / (double)count;
}

struct peer {
    wasmtime_store_t *store;
    wasmtime_context_t *cx;
    wasmtime_component_func_t f;
};

static void peer_open(struct peer *p, wasm_engine_t *wasm, const wasmtime_component_t *c)
{
    wasmtime_component_linker_t *l = wasmtime_component_linker_new(wasm);
    must_wasmtime(wasmtime_component_linker_add_wasip2(l));
    p->store = wasmtime_store_new(wasm, NULL, NULL);
    p->cx = wasmtime_store_context(p->store);
    must_wasmtime(wasmtime_context_set_wasi(p->cx, wasi_config_new()));
    wasmtime_context_set_epoch_deadline(p->cx, UINT64_MAX / 2);
    wasmtime_component_instance_t i;
    must_wasmtime(wasmtime_component_linker_instantiate(l, p->cx, c, &i));
    wasmtime_component_export_index_t *iface = wasmtime_component_instance_get_export_index(
        &i, p->cx, NULL, IFACE, strlen(IFACE));
    wasmtime_component_export_index_t *add =
        wasmtime_component_instance_get_export_index(&i, p->cx, iface, "add", 3);
    if (!add || !wasmtime_component_instance_get_func(&i, p->cx, add, &p->f))
        must(loop_error_new(LOOP_NOT_FOUND, "no " IFACE ".add"));
    wasmtime_component_export_index_delete(add);
    wasmtime_component_export_index_delete(iface);
    wasmtime_component_linker_delete(l);
}

static double peers(struct peer *p, size_t count)
{
    uint64_t start = lp_os_now_ns();
    for (size_t i = 0; i < count; i++) {
        wasmtime_component_val_t args[2] = {
            {.kind = WASMTIME_COMPONENT_U32, .of.u32 = (uint32_t)i},
            {.kind = WASMTIME_COMPONENT_U32, .of.u32 = 1},
        };
        wasmtime_component_val_t ret = {.kind = WASMTIME_COMPONENT_BOOL};
        must_wasmtime(wasmtime_component_func_call(&p->f, p->cx, args, 2, &ret, 1));
    }
    return (double)(lp_os_now_ns() - start) / (double)count;
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
    lp_guest *g;
    must(lp_engine_new(&(lp_engine_options){0}, &e));
    must(lp_component_open(e, argv[1], &c));
    must(lp_component_compile(c));
    must(lp_guest_new(e, c, &(lp_guest_options){.name = "calc", .memory_limit = 1u << 30, .wasi = true},
                      &g));
    must(lp_guest_instantiate(g, 0));
    struct peer p;
    peer_open(&p, e->wasm, c->wasm);
    for (int i = 0; i < BATCHES; i++) {
        double a = ours(g, count), b = peers(&p, count);
        if (i > 0) /* the first warms up */
            printf("call.into-guest\t%.1f\t%.1f\n", a, b);
    }
    wasmtime_store_delete(p.store);
    lp_guest_delete(g);
    lp_component_delete(c);
    lp_engine_delete(e);
    return 0;
}
