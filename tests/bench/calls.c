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

/* A store with one instance; driven by loop where there is a driver. */
struct side {
    lpx_driver *driver;
    wasmtime_store_t *store;
    wasmtime_context_t *cx;
    wasmtime_component_func_t f;
};

static void find_add(struct side *s, const wasmtime_component_instance_t *i)
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

static void open_side(struct side *s, const lp_engine *e, const lp_component *c, lpx_driver *driver)
{
    wasmtime_component_linker_t *l = wasmtime_component_linker_new(e->wasm);
    must_wasmtime(driver ? lpx_linker_add_wasi(l) : wasmtime_component_linker_add_wasip2(l));
    s->driver = driver;
    s->store = wasmtime_store_new(e->wasm, NULL, NULL);
    s->cx = wasmtime_store_context(s->store);
    must_wasmtime(wasmtime_context_set_wasi(s->cx, wasi_config_new()));
    wasmtime_component_instance_t i;
    wasmtime_error_t *err = NULL;
    if (driver) {
        wasmtime_context_set_epoch_deadline(s->cx, 1);
        wasmtime_context_epoch_deadline_async_yield_and_update(s->cx, 1);
        lpx_instantiate(driver, l, s->cx, c->wasm, 0, &i, &err);
        must_wasmtime(err);
    } else {
        wasmtime_context_set_epoch_deadline(s->cx, UINT64_MAX / 2);
        must_wasmtime(wasmtime_component_linker_instantiate(l, s->cx, c->wasm, &i));
    }
    find_add(s, &i);
    wasmtime_component_linker_delete(l);
}

/* Nanoseconds a call. */
static double batch(struct side *s, size_t count)
{
    uint64_t start = lp_os_now_ns();
    for (size_t i = 0; i < count; i++) {
        wasmtime_component_val_t args[2] = {
            {.kind = WASMTIME_COMPONENT_U32, .of.u32 = (uint32_t)i},
            {.kind = WASMTIME_COMPONENT_U32, .of.u32 = 1},
        };
        wasmtime_component_val_t ret = {.kind = WASMTIME_COMPONENT_BOOL};
        wasmtime_error_t *err = NULL;
        if (s->driver)
            lpx_call(s->driver, s->cx, &s->f, args, 2, &ret, 1, 0, &err);
        else
            err = wasmtime_component_func_call(&s->f, s->cx, args, 2, &ret, 1);
        must_wasmtime(err);
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
    must(lp_engine_new(&(lp_engine_options){0}, &e));
    must(lp_component_open(e, argv[1], &c));
    must(lp_component_compile(c));
    lpx_hooks hooks = {0};
    lpx_driver *driver = lpx_driver_new(&hooks);
    struct side ours, peer;
    open_side(&ours, e, c, driver);
    open_side(&peer, e, c, NULL);
    lp_ticker_enter(e->ticker);
    for (int i = 0; i <= BATCHES; i++) {
        double a = batch(&ours, count), b = batch(&peer, count);
        if (i > 0) /* the first warms up */
            printf("call.drive\t%.1f\t%.1f\n", a, b);
    }
    lp_ticker_leave(e->ticker);
    lpx_store_delete(driver, ours.store);
    lpx_driver_delete(driver);
    wasmtime_store_delete(peer.store);
    lp_component_delete(c);
    lp_engine_delete(e);
    return 0;
}
