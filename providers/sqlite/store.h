/* providers/sqlite/store.h: an engine of providers/storage/store.h in an SQLite file. */
#ifndef LP_SQLITE_STORE_H
#define LP_SQLITE_STORE_H

#include "providers/storage/store.h"

typedef struct lp_sqlite_options {
    const char *file; /* made when it is missing, with the folders above it */
    bool relaxed;     /* a crash of the machine may take back the last writes */
    const char *vfs;  /* SQLite's name of a file layer; NULL: the system's */
} lp_sqlite_options;

/*
 * Opens the file, brings it to the newest version. engine->close closes it. An error says which
 * file and why: no database, another program's, a newer loop's, not writable.
 */
loop_error *lp_sqlite_open(const lp_sqlite_options *options, lp_store **ret) LOOP_MUST_USE;

#endif
