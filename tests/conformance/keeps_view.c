/*
 * tests/conformance/keeps_view.c: a provider that keeps a view of an argument beyond
 * its call and reads it in the next one. With AddressSanitizer the process ends there
 * with "heap-use-after-free"; tests/run.py runs it in such builds alone.
 *
 *   keeps_view CALLER.wasm
 */
#include <stdio.h>

#include "host.h"
#include "loop/host.h"

static loop_string kept;

/* The mistake: `value` lives until the function returns. */
static loop_error *echo_string(void *self, loop_call *call, loop_string value, loop_string *ret)
{
    for (size_t i = 0; i < kept.len; i++)
        putchar(kept.ptr[i]);
    kept = value;
    *ret = value;
    return NULL;
}

static loop_conformance_values_functions functions;
static const loop_provider keeper = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "keeper",
    .summary = "keeps what is not its own",
    .interfaces =
        (const loop_provider_interface[]){{&loop_conformance_values_interface, &functions},
                                          {NULL, NULL}},
    .threads = LOOP_THREADS_SERIAL,
};

static loop_error *run(loop_host *host, const char *path)
{
    loop_component *component;
    loop_instance *instance;
    loop_conformance_check_exports check;
    loop_conformance_check_result_void_string said;
    loop_error *err = loop_host_provider_add(host, &conformance_provider);
    if (!err)
        err = loop_host_provider_add(host, &keeper);
    if (!err)
        err = loop_component_open(host, path, &component);
    if (!err)
        err = loop_instance_new(host, component, &(loop_instance_options){0}, &instance);
    if (!err)
        err = loop_instance_enter(instance);
    if (!err)
        err = loop_conformance_check_bind(instance, &check);
    if (!err)
        err = loop_conformance_check_call_run(&check, loop_string_of("echo-string"), &said);
    return err;
}

int main(int argc, char **argv)
{
    loop_host *host;
    functions = values_functions;
    functions.echo_string = echo_string;
    if (argc != 2)
        return fputs("usage: keeps_view CALLER.wasm\n", stderr), 2;
    loop_error *err = loop_host_new(&(loop_host_options){0}, &host);
    if (!err)
        err = run(host, argv[1]);
    if (!err) {
        loop_host_delete(host);
        return 0;
    }
    char *text = loop_error_format(err);
    fputs(text, stderr);
    return 1;
}
