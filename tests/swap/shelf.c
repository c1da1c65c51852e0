/*
 * tests/swap/shelf.c: loop:storage in a shared library: that of providers/memory, under another
 * name and with the number of its build, which tests write into the file before they put it in
 * the place of an older one. Says in the log which build opens, and with how many reads it closes.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "providers/memory/memory.h"
#include "providers/storage/front.h"

/* Found and changed in the file: 7 digits. */
static const volatile char build[] = "shelf build 0000000";

static const loop_services *services; /* one object a build */
static atomic_ullong reads;

static void say(const char *what)
{
    char text[128];
    snprintf(text, sizeof text, "build %d %s after %llu reads",
             atoi((const char *)build + sizeof "shelf build"), what, (unsigned long long)reads);
    services->log(services->host, &(loop_log_entry){.level = LOOP_LOG_INFO, .message = text});
}

static loop_error *get(void *self, loop_call *call, loop_storage_store_bucket *it,
                       loop_storage_store_key key,
                       loop_storage_store_result_option_entry_error *ret)
{
    reads++;
    return lp_storage_functions.bucket_get(self, call, it, key, ret);
}

static loop_error *open_shelf(const loop_services *s, void **ret_self)
{
    services = s;
    say("opens");
    loop_error *e = lp_provider_memory.open(s, ret_self);
    return e ? loop_error_wrap(e, "the shelf did not open") : NULL; /* which needs libloop */
}

static void close_shelf(void *self)
{
    lp_provider_memory.close(self);
    say("closes");
}

/* What memory has, but for the name. */
static loop_provider shelf;
static loop_storage_store_functions functions;
static loop_provider_interface interfaces[8];

__attribute__((constructor)) static void fill(void)
{
    functions = lp_storage_functions;
    functions.bucket_get = get;
    shelf = lp_provider_memory;
    for (size_t i = 0; i < 7 && shelf.interfaces[i].interface; i++) {
        interfaces[i] = shelf.interfaces[i];
        if (interfaces[i].functions == &lp_storage_functions)
            interfaces[i].functions = &functions;
    }
    shelf.interfaces = interfaces;
    shelf.name = "shelf";
    shelf.summary = "loop:storage in memory, of a library";
    shelf.open = open_shelf;
    shelf.close = close_shelf;
}

LOOP_PROVIDER_EXPORT(shelf);
