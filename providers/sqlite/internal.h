/*
 * providers/sqlite/internal.h: connections and statements, for the files of this folder.
 *
 * A store has two connections to its file: one writes, one reads, so that a reader never
 * waits for a disk to sync. Each is used by one thread at a time, behind a gate of its own;
 * not one a thread, since instances come and go with theirs. The writer's gate is a lock
 * between processes too (the file's name and "-lock"): store.c says what for.
 */
#ifndef LP_SQLITE_INTERNAL_H
#define LP_SQLITE_INTERNAL_H

#include <sqlite3.h>

#include "base/os/os.h"
#include "providers/sqlite/store.h"

/* What is prepared once a connection; sql.c has the text. */
typedef enum lp_sql {
    LP_SQL_BEGIN_WRITE,
    LP_SQL_BEGIN_READ,
    LP_SQL_COMMIT,
    LP_SQL_ROLLBACK,
    LP_SQL_OWNER,        /* identity -> id, bytes, keys, writes */
    LP_SQL_OWNER_NEW,    /* identity */
    LP_SQL_OWNER_SET,    /* id, bytes, keys, writes */
    LP_SQL_BUCKET,       /* owner, name -> id */
    LP_SQL_BUCKET_NEW,   /* owner, name */
    LP_SQL_BUCKET_EMPTY, /* id: removes it where it holds nothing */
    LP_SQL_BUCKET_GIVE,  /* owner, who gets its buckets */
    LP_SQL_BUCKETS,      /* owner -> name */
    LP_SQL_LOOK,         /* bucket, key -> id, version, bytes */
    LP_SQL_GET,          /* bucket, key -> version, value */
    LP_SQL_INSERT,       /* bucket, key, version, value */
    LP_SQL_UPDATE,       /* id, version, value */
    LP_SQL_DELETE,       /* id */
    LP_SQL_LIST,         /* bucket, from, end, count -> key */
    LP_SQL_LIST_ALL,     /* the same without an end, which is unused */
    LP_SQL_ANY,          /* -> 1 where there is a key */
    LP_SQL_NEXT_OWNER,   /* identity -> the id and identity after it */
    LP_SQL_NEXT_BUCKET,  /* owner, name -> the name after it */
    LP_SQL_COPY,         /* bucket, key -> the keys after it, with version and value */
    LP_SQL_COUNT,
} lp_sql;

typedef struct lp_connection {
    sqlite3 *db;
    sqlite3_stmt *prepared[LP_SQL_COUNT];
    lp_os_mutex *mutex; /* around `taken` alone */
    lp_os_cond *freed;
    bool taken;
    const lp_store_caller *who; /* whom a wait may be cancelled for; NULL: nobody */
    uint64_t waited_from;       /* for another process, ns; 0: not yet */
} lp_connection;

/* Opens a connection; its file is there. Whatever came of it: lp_connection_close. */
loop_error *lp_connection_open(lp_connection *c, const char *file, const char *vfs) LOOP_MUST_USE;
void lp_connection_close(lp_connection *c);

/* One thread at a time. LOOP_CANCELLED where `who` would rather not wait; NULL always waits. */
loop_error *lp_connection_enter(lp_connection *c, const lp_store_caller *who) LOOP_MUST_USE;
void lp_connection_leave(lp_connection *c);

/* Whether to go on waiting for another process: sleeps a little first. */
bool lp_connection_wait(lp_connection *c);

/* It waited in vain, or for somebody who would rather not. */
loop_error *lp_connection_busy(const lp_connection *c) LOOP_MUST_USE;

/* What the last call of SQLite on this connection says, as an error of a store. */
loop_error *lp_connection_error(lp_connection *c) LOOP_MUST_USE;

/* Statements without an answer; a number that one answers with. */
loop_error *lp_connection_run(lp_connection *c, const char *sql) LOOP_MUST_USE;
loop_error *lp_connection_number(lp_connection *c, const char *sql, int64_t *ret) LOOP_MUST_USE;

/*
 * A prepared statement with its arguments bound, which stay the caller's: 'i' int64_t, 's'
 * lp_str as text, 'b' lp_str as bytes. Step it, read it, then lp_sql_done.
 */
loop_error *lp_sql_bind(lp_connection *c, lp_sql which, sqlite3_stmt **ret, const char *types,
                        ...) LOOP_MUST_USE;
/* *ret_row: there is one to read. */
loop_error *lp_sql_step(lp_connection *c, sqlite3_stmt *s, bool *ret_row) LOOP_MUST_USE;
void lp_sql_done(sqlite3_stmt *s);
/* The three at once, where nothing is answered. */
loop_error *lp_sql_do(lp_connection *c, lp_sql which, const char *types, ...) LOOP_MUST_USE;

#endif
