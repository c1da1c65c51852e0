/*
 * tests/libraries/shout.c: a logging provider in a shared library: writes each message to stderr,
 * with what its option `prefix` says before it. Says when it is loaded, opened, closed and
 * unloaded, so that tests can see it.
 *
 *     cc -shared -fPIC -Iinclude tests/libraries/shout.c -o shout.so
 */
#include <stdio.h>
#include <stdlib.h>

#include "loop/provider.h"
#include "loop/wit/core.h"

__attribute__((constructor)) static void loaded(void)
{
    fputs("shout: loaded\n", stderr);
}

__attribute__((destructor)) static void unloaded(void)
{
    fputs("shout: unloaded\n", stderr);
}

static loop_error *open_shout(const loop_services *services, void **ret_self)
{
    fputs("shout: open\n", stderr);
    *ret_self = (void *)services->option(services->host, "prefix");
    return NULL;
}

static void close_shout(void *self)
{
    fprintf(stderr, "shout: close %s\n", (const char *)self);
}

static loop_error *write_log(void *self, loop_call *call, loop_core_logging_level level,
                             loop_string target, loop_string message,
                             loop_core_logging_list_field fields)
{
    (void)call, (void)level, (void)target, (void)fields;
    fprintf(stderr, "%s %.*s\n", (const char *)self, (int)message.len, message.ptr);
    return NULL;
}

static loop_error *enabled(void *self, loop_call *call, loop_core_logging_level level, bool *ret)
{
    (void)self, (void)call, (void)level;
    *ret = true;
    return NULL;
}

static const loop_core_logging_functions functions = {.log = write_log, .enabled = enabled};

static const loop_provider shout = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "shout",
    .summary = "messages, loud",
    .interfaces =
        (const loop_provider_interface[]){{&loop_core_logging_interface, &functions}, {NULL, NULL}},
    .threads = LOOP_THREADS_SERIAL,
    .options =
        (const loop_provider_option[]){{"prefix", "string", NULL, "HEY", "before each message"},
                                       {NULL, NULL, NULL, NULL, NULL}},
    .open = open_shout,
    .close = close_shout,
};

LOOP_PROVIDER_EXPORT(shout);
