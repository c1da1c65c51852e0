/* providers/sqlite/open.h: the store that open.c makes and store.c is. */
#ifndef LP_SQLITE_OPEN_H
#define LP_SQLITE_OPEN_H

#include "providers/sqlite/internal.h"

#define LP_SQLITE_CHECKPOINT 1000 /* pages in the log, after which they go to the file itself */

typedef struct lp_sqlite {
    lp_store base;
    lp_connection write, read;
    lp_os_lock *lock; /* held by the one, of all processes, who writes */
    uint64_t draw;    /* of versions */
    uint64_t spent;   /* the highest count of a version that a failed write may have used */
} lp_sqlite;

extern const lp_store_engine lp_sqlite_engine;

#endif
