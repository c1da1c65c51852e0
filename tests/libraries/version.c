/*
 * tests/libraries/version.c: versions of one provider, as it is built again and again: VERSION is
 * in its summary. When it is loaded it writes "+1 " into the file that VERSION_LOG names, for
 * version 1, and "-1 " when it is unloaded.
 *
 *     cc -shared -fPIC -Iinclude -DVERSION=2 tests/libraries/version.c -o version.so
 */
#include <stdio.h>
#include <stdlib.h>

#include "loop/provider.h"
#include "loop/wit/core.h"

#if !defined(NAME)
#define NAME "version"
#endif
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

static void note(char sign)
{
    const char *path = getenv("VERSION_LOG");
    FILE *f = path ? fopen(path, "a") : NULL;
    if (f) {
        fprintf(f, "%c" TEXT(VERSION) " ", sign);
        fclose(f);
    }
}

/* Where VERSION_MOVE names a file, that file takes the place of VERSION_PATH. */
__attribute__((constructor)) static void loaded(void)
{
    const char *from = getenv("VERSION_MOVE"), *to = getenv("VERSION_PATH");
    if (from && to)
        rename(from, to);
    note('+');
}

__attribute__((destructor)) static void unloaded(void)
{
    note('-');
}

static loop_error *write_log(void *self, loop_call *call, loop_core_logging_level level,
                             loop_string target, loop_string message,
                             loop_core_logging_list_field fields)
{
    (void)self, (void)call, (void)level, (void)target, (void)message, (void)fields;
    return NULL;
}

static loop_error *enabled(void *self, loop_call *call, loop_core_logging_level level, bool *ret)
{
    (void)self, (void)call, (void)level;
    *ret = true;
    return NULL;
}

static const loop_core_logging_functions functions = {.log = write_log, .enabled = enabled};

#if !defined(BARE) /* else a library that is no provider */
#if !defined(ABI)
#define ABI LOOP_PROVIDER_ABI
#endif
static const loop_provider version = {
    .abi = LOOP_PROVIDER_ABI,
    .name = NAME,
    .summary = "version " TEXT(VERSION),
    .interfaces =
        (const loop_provider_interface[]){{&loop_core_logging_interface, &functions}, {NULL, NULL}},
    .threads = LOOP_THREADS_ANY,
};

extern LOOP_API const loop_provider_export loop_provider_exported;
const loop_provider_export loop_provider_exported = {ABI, &version};
#else
const void *unused(void);
const void *unused(void)
{
    return &functions;
}
#endif
