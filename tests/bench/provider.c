/*
 * tests/bench/provider.c: loop's side of `make bench ONLY=calls` (peer.h says what
 * such a program does), on the public API and generated bindings alone.
 *
 *     bench_provider COMPONENT [LIBRARY or COMPONENT]
 *
 * With LIBRARY the same provider comes from there: this file again, with BENCH_LIBRARY. It does
 * not have the row `string64`: the sum of those answers stays in the library. With another
 * component that one serves it, in a slot.
 */
#include "bench.h"
#include "peer.h"

/* ---- the host's functions ---- */

static uint32_t text_sum;

static loop_error *add(void *self, loop_call *call, uint32_t a, uint32_t b, uint32_t *ret)
{
    (void)self, (void)call;
    *ret = a + b;
    return NULL;
}

static loop_error *text(void *self, loop_call *call, loop_string s)
{
    (void)self, (void)call;
    text_sum += bench_size_and_last(s.ptr, s.len);
    return NULL;
}

static loop_error *bytes(void *self, loop_call *call, loop_list_u8 b, uint32_t *ret)
{
    (void)self, (void)call;
    *ret = bench_size_and_last(b.ptr, b.len);
    return NULL;
}

static loop_error *rows(void *self, loop_call *call, bench_calls_host_list_row r, uint32_t *ret)
{
    (void)self, (void)call;
    for (size_t i = 0; i < r.len; i++)
        *ret += r.ptr[i].x + (uint32_t)r.ptr[i].y +
                bench_size_and_last(r.ptr[i].name.ptr, r.ptr[i].name.len);
    return NULL;
}

static const bench_calls_host_functions functions = {add, text, bytes, rows};
static const loop_provider provider = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "bench",
    .summary = "what the bench measures",
    .interfaces =
        (const loop_provider_interface[]){{&bench_calls_host_interface, &functions}, {NULL, NULL}},
    .threads = LOOP_THREADS_ANY,
};

#ifdef BENCH_LIBRARY
LOOP_PROVIDER_EXPORT(provider);
#else

/* ---- the calls ---- */

static void must(loop_error *err)
{
    if (!err)
        return;
    char *text = loop_error_format(err);
    fputs(text, stderr);
    exit(1);
}

static uint32_t run(void *data, const bench_row *row, uint32_t n)
{
    const bench_calls_guest_exports *guest = data;
    uint32_t sum = 0, one;
    text_sum = 0;
    switch (row->call) {
    case BENCH_SCALAR: must(bench_calls_guest_call_run_scalar(guest, n, &sum)); break;
    case BENCH_TEXT:
        must(bench_calls_guest_call_run_text(guest, n, row->size, &sum));
        return text_sum;
    case BENCH_BYTES: must(bench_calls_guest_call_run_bytes(guest, n, row->size, &sum)); break;
    case BENCH_ROWS: must(bench_calls_guest_call_run_rows(guest, n, row->size, &sum)); break;
    case BENCH_GUEST_SCALAR:
        for (uint32_t i = 0; i < n; i++, sum += one)
            must(bench_calls_guest_call_add(guest, i, 1, &one));
        break;
    case BENCH_GUEST_TEXT:
        for (uint32_t i = 0; i < n; i++, sum += one)
            must(bench_calls_guest_call_length(guest, (loop_string){BENCH_TEXT_64, 64}, &one));
        break;
    }
    return sum;
}

static void add_provider(loop_host *host, const char *library)
{
    const char *name;
    if (!library) {
        must(loop_host_provider_add(host, &provider));
        return;
    }
    size_t n = strlen(library);
    if (n > 5 && strcmp(library + n - 5, ".wasm") == 0)
        must(loop_host_component_add(host, library, NULL, &name));
    else
        must(loop_host_library_add(host, library, &name));
    must(loop_host_bind(host, bench_calls_host_interface.name, name));
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 3)
        bench_fail("usage", "bench_provider COMPONENT [LIBRARY]");
    loop_host *host;
    loop_component *component;
    loop_instance *instance;
    bench_calls_guest_exports guest;
    must(loop_host_new(&(loop_host_options){.no_cache = true, .log_level = LOOP_LOG_WARN}, &host));
    add_provider(host, argv[2]);
    must(loop_component_open(host, argv[1], &component));
    must(loop_instance_new(host, component, &(loop_instance_options){0}, &instance));
    must(loop_instance_enter(instance));
    must(bench_calls_guest_bind(instance, &guest));
    int status = bench_serve(run, &guest, argv[2] ? 1u << BENCH_TEXT : 0);
    loop_instance_delete(instance);
    loop_component_delete(component);
    loop_host_delete(host);
    return status;
}
#endif
