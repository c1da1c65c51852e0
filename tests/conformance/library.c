/*
 * tests/conformance/library.c: values and things as a shared library, for hosts that are held
 * against the guests as programs (tests/lib/hosts.py). At its end it says what is left of the
 * objects that it handed out: nothing, in a host that keeps its promises.
 */
#include <stdio.h>

#include "host.h"

static void close_library(void *self)
{
    (void)self;
    if (live_counters || live_labels)
        fprintf(stderr, "%u counters and %u labels are left\n", live_counters, live_labels);
}

static const loop_provider library = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "conformance",
    .summary = "values and things of loop:conformance",
    .interfaces =
        (const loop_provider_interface[]){{&loop_conformance_values_interface, &values_functions},
                                          {&loop_conformance_things_interface, &things_functions},
                                          {NULL, NULL}},
    .threads = LOOP_THREADS_SERIAL,
    .close = close_library,
};

LOOP_PROVIDER_EXPORT(library);
