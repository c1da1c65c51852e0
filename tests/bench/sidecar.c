/*
 * tests/bench/sidecar.c: loop's side of `make bench ONLY=forms`: a component calls a sidecar in C
 * (tests/bench/echo_sidecar.c). Reads `ROW N` from stdin and answers with nanoseconds, as peer.h
 * says.
 *
 *     bench_sidecar COMPONENT SIDECAR
 *
 * N is a multiple of 256 texts or 8 MiB: the answer is the best of these spans.
 */
#include <stdbool.h>

#include "forms.h"
#include "loop/host.h"
#include "peer.h"

#define LAST_OF_MIB (((1u << 20) - 1) % 251)

static void must(loop_error *err)
{
    if (!err)
        return;
    char *text = loop_error_format(err);
    fputs(text, stderr);
    exit(1);
}

/* ---- the clock ---- */

static double last, best;

static loop_error *mark(void *self, loop_call *call)
{
    (void)self, (void)call;
    double now = bench_now_ns();
    if (last && (!best || now - last < best))
        best = now - last;
    last = now;
    return NULL;
}

static const bench_forms_clock_functions functions = {mark};
static const loop_provider clock_provider = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "clock",
    .summary = "knows when a span began",
    .interfaces =
        (const loop_provider_interface[]){{&bench_forms_clock_interface, &functions}, {NULL, NULL}},
};

/* ---- the calls ---- */

/* An instance on a thread of its own, as `loop run` has it. */
static double measure(loop_host *host, loop_component *component, bool text, unsigned n)
{
    loop_instance *instance;
    loop_result result;
    char call[64], expected[16];
    uint32_t one = text ? 64 + '/' : (1u << 20) + LAST_OF_MIB;
    snprintf(call, sizeof call, "guest.%s(%u)", text ? "run-text" : "run-bytes", n);
    snprintf(expected, sizeof expected, "%u", one * n);
    must(loop_instance_new(host, component, &(loop_instance_options){0}, &instance));
    last = best = 0;
    must(loop_instance_invoke(instance, call, &result));
    if (strcmp(result.output, expected) != 0)
        bench_fail(call, "the answers are wrong");
    loop_free(result.output);
    loop_instance_delete(instance);
    return best / (text ? 256 : 8);
}

int main(int argc, char **argv)
{
    char row[32];
    const char *name;
    unsigned n;
    loop_host *host;
    loop_component *component;
    if (argc != 3)
        bench_fail("usage", "bench_sidecar COMPONENT SIDECAR");
    must(loop_host_new(&(loop_host_options){.no_cache = true}, &host));
    must(loop_host_provider_add(host, &clock_provider));
    must(loop_host_sidecar_add(
        host, &(loop_sidecar_options){.command = (const char *[]){argv[2], NULL}}, &name));
    must(loop_host_bind(host, "bench:forms/echo", name));
    must(loop_component_open(host, argv[1], &component));
    while (scanf("%31s %u", row, &n) == 2) {
        printf("%.1f\n", measure(host, component, strcmp(row, "sidecar64") == 0, n));
        fflush(stdout);
    }
    loop_component_delete(component);
    loop_host_delete(host);
    return 0;
}
