/* providers/sqlite/rows.h: what store.c and swap.c read alike of a store's file. */
#ifndef LP_SQLITE_ROWS_H
#define LP_SQLITE_ROWS_H

#include "providers/sqlite/internal.h"

lp_str lp_row_str(loop_list_u8 l);

loop_error *lp_row_damaged(void) LOOP_MUST_USE;

/* A version as the file has it: what is not one would end the component instead. */
loop_error *lp_row_version(sqlite3_stmt *s, int column, loop_string *ret) LOOP_MUST_USE;

/* The first row of a statement as numbers; false in *ret where there is none. */
loop_error *lp_row_numbers(lp_connection *c, sqlite3_stmt *s, int n, int64_t *to,
                           bool *ret) LOOP_MUST_USE;

/* An identity's row; zeroed where it has none. */
typedef struct lp_owner {
    int64_t id, bytes, keys, writes;
} lp_owner;
loop_error *lp_row_owner(lp_connection *c, lp_str identity, lp_owner *ret) LOOP_MUST_USE;

/* A bucket's id; 0: there is none. */
loop_error *lp_row_bucket(lp_connection *c, const lp_owner *o, lp_str name,
                          int64_t *ret) LOOP_MUST_USE;

#endif
