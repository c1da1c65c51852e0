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
    bool relaxed;
    char *home; /* state.wit: which file it is, however it is called; NULL: unknown */
    /* swap.c: */
    int64_t seen;                    /* what others had written when noting began */
    bool still;                      /* the reading connection is held */
    int64_t copied;                  /* the bucket whose noted keys are sent */
    struct lp_sqlite_taking *taking; /* the writing one is; NULL: it is not */
} lp_sqlite;

extern const lp_store_engine lp_sqlite_engine;
extern const lp_store_handover lp_sqlite_handover; /* swap.c */

/* A transaction on the reading connection, and its end: the error, or what came before. */
loop_error *lp_sqlite_begin_read(lp_sqlite *s, const lp_store_caller *who) LOOP_MUST_USE;
loop_error *lp_sqlite_end_read(lp_sqlite *s, loop_error *e) LOOP_MUST_USE;
/* One on the writing connection, alone of all processes; what was not committed is undone. */
loop_error *lp_sqlite_begin_write(lp_sqlite *s, const lp_store_caller *who) LOOP_MUST_USE;
void lp_sqlite_end_write(lp_sqlite *s);

/* take.c */
loop_error *lp_sqlite_take_begin(lp_store *store) LOOP_MUST_USE;
loop_error *lp_sqlite_take_bucket(lp_store *store, lp_str identity, lp_str name) LOOP_MUST_USE;
loop_error *lp_sqlite_take_set(lp_store *store, const loop_storage_state_stored *stored,
                               bool fresh) LOOP_MUST_USE;
loop_error *lp_sqlite_take_remove(lp_store *store, lp_str key) LOOP_MUST_USE;
loop_error *lp_sqlite_take_settle(lp_store *store) LOOP_MUST_USE;
loop_error *lp_sqlite_take_commit(lp_store *store) LOOP_MUST_USE;
void lp_sqlite_take_abort(lp_store *store);
/* Deletes what one has left that did not come to its end. Under the lock between processes. */
loop_error *lp_sqlite_take_tidy(lp_connection *c) LOOP_MUST_USE;

#endif
