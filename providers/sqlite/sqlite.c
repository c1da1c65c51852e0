/*
 * sqlite: loop:storage in an SQLite file; what was acknowledged outlives a power cut.
 *
 *     bind:
 *       loop:storage/store: { use: sqlite, file: data/store.db }
 *       loop:storage/store: { use: sqlite, file: data/cache.db, sync: relaxed }
 *
 * One file holds every identity's buckets. Several hosts may use one file at once; they
 * wait for each other, for at most LP_MAX_STORE_WAIT_MS a write. store.c says how it lasts
 * and what the file looks like, knowledge/storage.md how to save a copy of it.
 */
#include "providers/sqlite/sqlite.h"

#include <sqlite3.h>

#include "providers/sqlite/store.h"
#include "providers/storage/front.h"

enum { SYNC_FULL, SYNC_RELAXED }; /* the order of `values` */

static const loop_provider_option options[] = {
    {"file", "path", NULL, "data/store.db", "where the data is; made where it is missing"},
    {"sync", "enum", "full|relaxed", "full",
     "full: what is acknowledged outlives a power cut; relaxed: but for the last writes"},
    {NULL, NULL, NULL, NULL, NULL},
};

/* What open.c's schema and the two connections need of the system's library. */
static loop_error *detect_sqlite(const loop_services *services)
{
    (void)services;
    if (sqlite3_libversion_number() < 3037000)
        return loop_error_new(LOOP_UNAVAILABLE, "SQLite %s is older than 3.37",
                              sqlite3_libversion());
    if (!sqlite3_threadsafe())
        return loop_error_new(LOOP_UNAVAILABLE, "this SQLite was built for one thread");
    return NULL;
}

static loop_error *open_sqlite(const loop_services *services, void **ret_self)
{
    lp_sqlite_options o = {
        .file = services->option(services->host, "file"),
        .relaxed = services->option_number(services->host, "sync") == SYNC_RELAXED,
    };
    lp_store *store;
    LP_TRY(lp_sqlite_open(&o, &store));
    *ret_self = store;
    return NULL;
}

const loop_provider lp_provider_sqlite = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "sqlite",
    .summary = "loop:storage in an SQLite file",
    .interfaces = lp_storage_interfaces,
    .threads = LOOP_THREADS_ANY,
    .options = options,
    .detect = detect_sqlite,
    .open = open_sqlite,
    .close = lp_storage_close,
    .swap = &lp_storage_swap,
    .needs = lp_storage_needs,
};
