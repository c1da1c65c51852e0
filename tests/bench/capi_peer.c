/*
 * tests/bench/capi_peer.c: the peer of `make bench` on Wasmtime's C API, as its
 * embedders write it: every value is a tree (wasmtime_component_val_t). Of this
 * house it uses nothing but the engine's settings, repeated here, so that the
 * guest's code is compiled alike. What it reads and prints: peer.h.
 */
#include "peer.h"

#include <wasmtime.h>
#include <wasmtime/component.h>

#define HOST "bench:calls/host@0.1.0"
#define GUEST "bench:calls/guest@0.1.0"

typedef wasmtime_component_val_t val;
typedef const wasmtime_component_func_type_t func_type;

struct peer {
    wasmtime_store_t *store;
    wasmtime_context_t *cx;
    wasmtime_component_instance_t instance;
    wasmtime_component_func_t functions[6]; /* by bench_call */
    uint32_t text_sum;                      /* what `text` has got, over all calls */
};

static void must(wasmtime_error_t *e, const char *what)
{
    if (!e)
        return;
    wasm_name_t text;
    wasmtime_error_message(e, &text);
    fprintf(stderr, "error: %s: %.*s\n", what, (int)text.size, text.data);
    exit(1);
}

static val u32(uint32_t v)
{
    return (val){.kind = WASMTIME_COMPONENT_U32, .of.u32 = v};
}

/* ---- the host's functions ---- */

static wasmtime_error_t *host_add(void *data, wasmtime_context_t *cx, func_type *type, val *args,
                                  size_t arg_count, val *results, size_t result_count)
{
    results[0] = u32(args[0].of.u32 + args[1].of.u32);
    return NULL;
}

static wasmtime_error_t *host_text(void *data, wasmtime_context_t *cx, func_type *type, val *args,
                                   size_t arg_count, val *results, size_t result_count)
{
    struct peer *p = data;
    p->text_sum += bench_size_and_last(args[0].of.string.data, args[0].of.string.size);
    return NULL;
}

static wasmtime_error_t *host_bytes(void *data, wasmtime_context_t *cx, func_type *type, val *args,
                                    size_t arg_count, val *results, size_t result_count)
{
    const wasmtime_component_vallist_t *list = &args[0].of.list;
    results[0] = u32((uint32_t)list->size + list->data[list->size - 1].of.u8);
    return NULL;
}

static wasmtime_error_t *host_rows(void *data, wasmtime_context_t *cx, func_type *type, val *args,
                                   size_t arg_count, val *results, size_t result_count)
{
    const wasmtime_component_vallist_t *list = &args[0].of.list;
    uint32_t sum = 0;
    for (size_t i = 0; i < list->size; i++) {
        const wasmtime_component_valrecord_entry_t *field = list->data[i].of.record.data;
        const wasm_name_t *name = &field[2].val.of.string;
        sum += field[0].val.of.u32 + (uint32_t)field[1].val.of.f32;
        sum += bench_size_and_last(name->data, name->size);
    }
    results[0] = u32(sum);
    return NULL;
}

static const struct {
    const char *name;
    wasmtime_component_func_callback_t call;
} host_functions[] = {
    {"add", host_add}, {"text", host_text}, {"bytes", host_bytes}, {"rows", host_rows}};

/* ---- opening ---- */

/* As engine/engine.c does. */
static wasm_engine_t *new_engine(void)
{
    wasm_config_t *config = wasm_config_new();
    wasmtime_config_wasm_component_model_set(config, true);
    wasmtime_config_epoch_interruption_set(config, true);
    wasmtime_config_max_wasm_stack_set(config, 1u << 20);
    wasmtime_config_memory_may_move_set(config, false);
    wasmtime_config_async_stack_size_set(config, 3u << 20);
    return wasm_engine_new_with_config(config);
}

static wasmtime_component_linker_t *new_linker(const wasm_engine_t *engine, struct peer *p)
{
    wasmtime_component_linker_t *linker = wasmtime_component_linker_new(engine);
    wasmtime_component_linker_instance_t *root = wasmtime_component_linker_root(linker), *host;
    must(wasmtime_component_linker_instance_add_instance(root, HOST, strlen(HOST), &host), HOST);
    for (size_t i = 0; i < sizeof host_functions / sizeof *host_functions; i++) {
        const char *name = host_functions[i].name;
        must(wasmtime_component_linker_instance_add_func(host, name, strlen(name),
                                                         host_functions[i].call, p, NULL),
             name);
    }
    wasmtime_component_linker_instance_delete(host);
    wasmtime_component_linker_instance_delete(root);
    return linker;
}

static void find_functions(struct peer *p)
{
    static const char *const names[] = {"run-scalar", "run-text", "run-bytes",
                                        "run-rows",   "add",      "length"};
    wasmtime_component_export_index_t *guest = wasmtime_component_instance_get_export_index(
        &p->instance, p->cx, NULL, GUEST, strlen(GUEST));
    if (!guest)
        bench_fail(GUEST, "the component does not export it");
    for (size_t i = 0; i < 6; i++) {
        wasmtime_component_export_index_t *index = wasmtime_component_instance_get_export_index(
            &p->instance, p->cx, guest, names[i], strlen(names[i]));
        if (!index ||
            !wasmtime_component_instance_get_func(&p->instance, p->cx, index, &p->functions[i]))
            bench_fail(names[i], "the component does not export it");
        wasmtime_component_export_index_delete(index);
    }
    wasmtime_component_export_index_delete(guest);
}

static void open_peer(struct peer *p, wasm_engine_t *engine, const char *path)
{
    size_t len;
    uint8_t *bytes = bench_read_file(path, &len);
    wasmtime_component_t *component;
    must(wasmtime_component_new(engine, bytes, len, &component), path);
    free(bytes);
    p->store = wasmtime_store_new(engine, NULL, NULL);
    p->cx = wasmtime_store_context(p->store);
    wasmtime_context_set_epoch_deadline(p->cx, UINT64_MAX / 2);
    wasmtime_component_linker_t *linker = new_linker(engine, p);
    must(wasmtime_component_linker_instantiate(linker, p->cx, component, &p->instance), path);
    wasmtime_component_linker_delete(linker);
    wasmtime_component_delete(component);
    find_functions(p);
}

/* ---- calls ---- */

static uint32_t call(struct peer *p, enum bench_call which, const val *args, size_t count)
{
    val ret = {.kind = WASMTIME_COMPONENT_BOOL};
    must(wasmtime_component_func_call(&p->functions[which], p->cx, args, count, &ret, 1), "a call");
    return ret.of.u32;
}

static uint32_t call_add(struct peer *p, uint32_t n)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += call(p, BENCH_GUEST_SCALAR, (val[]){u32(i), u32(1)}, 2);
    return sum;
}

static uint32_t call_length(struct peer *p, uint32_t n)
{
    val text = {.kind = WASMTIME_COMPONENT_STRING};
    wasm_name_new(&text.of.string, strlen(BENCH_TEXT_64), BENCH_TEXT_64);
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += call(p, BENCH_GUEST_TEXT, &text, 1);
    wasmtime_component_val_delete(&text);
    return sum;
}

static uint32_t run(void *data, const bench_row *row, uint32_t n)
{
    struct peer *p = data;
    if (row->call == BENCH_GUEST_SCALAR)
        return call_add(p, n);
    if (row->call == BENCH_GUEST_TEXT)
        return call_length(p, n);
    val args[2] = {u32(n), u32(row->size)};
    p->text_sum = 0;
    uint32_t sum = call(p, row->call, args, row->call == BENCH_SCALAR ? 1 : 2);
    return row->call == BENCH_TEXT ? p->text_sum : sum;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: capi_peer COMPONENT\n", stderr);
        return 2;
    }
    struct peer p;
    wasm_engine_t *engine = new_engine();
    open_peer(&p, engine, argv[1]);
    int status = bench_serve(run, &p, 0);
    wasmtime_store_delete(p.store);
    wasm_engine_delete(engine);
    return status;
}
