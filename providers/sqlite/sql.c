/* providers/sqlite/sql.c: connections and prepared statements; the only text of SQL beside
 * the schema in open.c. */
#include <stdarg.h>
#include <stdlib.h>

#include "providers/sqlite/internal.h"

#define WAIT_STEP_MS 2 /* between two looks at a lock that another process has */

static const char *const texts[LP_SQL_COUNT] = {
    [LP_SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [LP_SQL_BEGIN_READ] = "BEGIN",
    [LP_SQL_COMMIT] = "COMMIT",
    [LP_SQL_ROLLBACK] = "ROLLBACK",
    [LP_SQL_OWNER] = "SELECT id, bytes, keys, writes FROM owner WHERE identity = ?1",
    [LP_SQL_OWNER_NEW] = "INSERT INTO owner (identity, bytes, keys, writes) VALUES (?1, 0, 0, 0)",
    [LP_SQL_OWNER_SET] = "UPDATE owner SET bytes = ?2, keys = ?3, writes = ?4 WHERE id = ?1",
    [LP_SQL_BUCKET] = "SELECT id FROM bucket WHERE owner = ?1 AND name = ?2",
    [LP_SQL_BUCKET_NEW] = "INSERT INTO bucket (owner, name) VALUES (?1, ?2)",
    [LP_SQL_BUCKET_EMPTY] =
        "DELETE FROM bucket WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM entry WHERE bucket = ?1)",
    [LP_SQL_BUCKET_GIVE] = "UPDATE bucket SET owner = ?2 WHERE owner = ?1",
    [LP_SQL_BUCKETS] = "SELECT name FROM bucket WHERE owner = ?1 ORDER BY name",
    [LP_SQL_LOOK] = "SELECT id, version, length(value) FROM entry WHERE bucket = ?1 AND key = ?2",
    [LP_SQL_GET] = "SELECT version, value FROM entry WHERE bucket = ?1 AND key = ?2",
    [LP_SQL_INSERT] = "INSERT INTO entry (bucket, key, version, value) VALUES (?1, ?2, ?3, ?4)",
    [LP_SQL_UPDATE] = "UPDATE entry SET version = ?2, value = ?3 WHERE id = ?1",
    [LP_SQL_DELETE] = "DELETE FROM entry WHERE id = ?1",
    [LP_SQL_LIST] = "SELECT key FROM entry WHERE bucket = ?1 AND key >= ?2 AND key < ?3 "
                    "ORDER BY key LIMIT ?4",
    [LP_SQL_LIST_ALL] = "SELECT key FROM entry WHERE bucket = ?1 AND key >= ?2 "
                        "ORDER BY key LIMIT ?4",
    [LP_SQL_ANY] = "SELECT 1 FROM bucket WHERE owner > 0 LIMIT 1",
    [LP_SQL_NEXT_OWNER] =
        "SELECT id, identity FROM owner WHERE identity > ?1 ORDER BY identity LIMIT 1",
    [LP_SQL_NEXT_BUCKET] =
        "SELECT name FROM bucket WHERE owner = ?1 AND name > ?2 ORDER BY name LIMIT 1",
    [LP_SQL_COPY] = "SELECT key, version, value FROM entry WHERE bucket = ?1 AND key > ?2 "
                    "ORDER BY key",
};

/* ---- waiting ---- */

bool lp_connection_wait(lp_connection *c)
{
    uint64_t now = lp_os_now_ns();
    if (!c->waited_from)
        c->waited_from = now;
    if (now - c->waited_from >= LP_MAX_STORE_WAIT_MS * 1000000ull)
        return false;
    if (c->who && c->who->cancelled(c->who->ctx))
        return false;
    sqlite3_sleep(WAIT_STEP_MS);
    return true;
}

static int when_busy(void *data, int times)
{
    (void)times;
    return lp_connection_wait(data);
}

loop_error *lp_connection_enter(lp_connection *c, const lp_store_caller *who)
{
    bool cancelled = false;
    lp_os_mutex_lock(c->mutex);
    while (c->taken && !cancelled) {
        lp_os_cond_wait(c->freed, c->mutex, lp_os_now_ns() + 20000000u);
        cancelled = c->taken && who && who->cancelled(who->ctx);
    }
    if (!cancelled)
        c->taken = true;
    lp_os_mutex_unlock(c->mutex);
    if (cancelled)
        return loop_error_new(LOOP_CANCELLED, "cancelled while waiting for the store");
    c->who = who;
    c->waited_from = 0;
    return NULL;
}

void lp_connection_leave(lp_connection *c)
{
    c->who = NULL;
    c->waited_from = 0;
    lp_os_mutex_lock(c->mutex);
    c->taken = false;
    lp_os_cond_signal(c->freed);
    lp_os_mutex_unlock(c->mutex);
}

/* ---- connections ---- */

loop_error *lp_connection_open(lp_connection *c, const char *file, const char *vfs)
{
    c->mutex = lp_os_mutex_new();
    c->freed = lp_os_cond_new();
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    if (sqlite3_open_v2(file, &c->db, flags, vfs) != SQLITE_OK)
        return lp_connection_error(c);
    sqlite3_extended_result_codes(c->db, 1);
    sqlite3_busy_handler(c->db, when_busy, c);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    /* fullfsync: macOS's fsync alone leaves bytes in the disk's own memory. */
    return lp_connection_run(c, "PRAGMA cell_size_check = 1; PRAGMA mmap_size = 0;"
                                "PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1;"
                                "PRAGMA temp_store = MEMORY");
}

void lp_connection_close(lp_connection *c)
{
    for (size_t i = 0; i < LP_SQL_COUNT; i++)
        sqlite3_finalize(c->prepared[i]);
    sqlite3_close(c->db);
    lp_os_cond_delete(c->freed);
    lp_os_mutex_delete(c->mutex);
    *c = (lp_connection){0};
}

#define ANOTHER_FILE "let `file:` of the provider 'sqlite' name another file"

/* What people can do about it. */
static const struct failure {
    int code;
    loop_code as;
    const char *message, *hint;
} failures[] = {
    /* The index of the log, which readers share, cannot grow. */
    {SQLITE_IOERR_SHMSIZE, LOOP_IO, "no space left on the device",
     "make room on its disk: what was stored before is still there"},
    {SQLITE_FULL, LOOP_IO, "no space left on the device",
     "make room on its disk: what was stored before is still there"},
    {SQLITE_NOMEM, LOOP_SYSTEM, "out of memory", "give the host more memory"},
    {SQLITE_READONLY, LOOP_IO, "it may not be written",
     "let this user write the file and the folder that it is in"},
    {SQLITE_CANTOPEN, LOOP_IO, "it cannot be opened",
     "let this user read and write the file and the folder that it is in"},
    {SQLITE_NOTADB, LOOP_IO, "it is not an SQLite database", ANOTHER_FILE},
    {SQLITE_CORRUPT, LOOP_IO, "it is damaged",
     "put it back from a copy (knowledge/storage.md), or " ANOTHER_FILE},
    {0, LOOP_OK, NULL, NULL},
};

loop_error *lp_connection_busy(const lp_connection *c)
{
    if (c->who && c->who->cancelled(c->who->ctx))
        return loop_error_new(LOOP_CANCELLED, "cancelled while waiting for the store");
    return loop_error_hint_set(loop_error_new(LOOP_IO, "another process has held it for %d seconds",
                                              LP_MAX_STORE_WAIT_MS / 1000),
                               "end the process that has it open, or " ANOTHER_FILE);
}

loop_error *lp_connection_error(lp_connection *c)
{
    int code = c->db ? sqlite3_extended_errcode(c->db) : SQLITE_NOMEM;
    if ((code & 255) == SQLITE_BUSY || (code & 255) == SQLITE_LOCKED)
        return lp_connection_busy(c);
    for (const struct failure *f = failures; f->message; f++)
        if (f->code == code || f->code == (code & 255))
            return loop_error_hint_set(loop_error_new(f->as, "%s", f->message), "%s", f->hint);
    return loop_error_new(LOOP_IO, "%s (SQLite %d)",
                          c->db ? sqlite3_errmsg(c->db) : "it cannot be opened", code);
}

loop_error *lp_connection_run(lp_connection *c, const char *sql)
{
    return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? NULL : lp_connection_error(c);
}

loop_error *lp_connection_number(lp_connection *c, const char *sql, int64_t *ret)
{
    sqlite3_stmt *s = NULL;
    bool row = false;
    loop_error *e = sqlite3_prepare_v2(c->db, sql, -1, &s, NULL) == SQLITE_OK
                        ? lp_sql_step(c, s, &row)
                        : lp_connection_error(c);
    if (!e)
        *ret = row ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_finalize(s);
    return e;
}

/* ---- statements ---- */

static int bind_one(sqlite3_stmt *s, int at, char type, va_list *ap)
{
    if (type == 'i')
        return sqlite3_bind_int64(s, at, va_arg(*ap, int64_t));
    lp_str v = va_arg(*ap, lp_str);
    const char *p = v.ptr ? v.ptr : ""; /* NULL would be SQL's NULL */
    return type == 's' ? sqlite3_bind_text64(s, at, p, v.len, SQLITE_STATIC, SQLITE_UTF8)
                       : sqlite3_bind_blob64(s, at, p, v.len, SQLITE_STATIC);
}

static loop_error *bind(lp_connection *c, lp_sql which, sqlite3_stmt **ret, const char *types,
                        va_list *ap)
{
    sqlite3_stmt **s = &c->prepared[which];
    if (!*s && sqlite3_prepare_v3(c->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, s, NULL) !=
                   SQLITE_OK)
        return lp_connection_error(c);
    for (int i = 0; types[i]; i++) {
        if (bind_one(*s, i + 1, types[i], ap) != SQLITE_OK) {
            loop_error *e = lp_connection_error(c);
            lp_sql_done(*s);
            return e;
        }
    }
    *ret = *s;
    return NULL;
}

loop_error *lp_sql_bind(lp_connection *c, lp_sql which, sqlite3_stmt **ret, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    loop_error *e = bind(c, which, ret, types, &ap);
    va_end(ap);
    return e;
}

loop_error *lp_sql_step(lp_connection *c, sqlite3_stmt *s, bool *ret_row)
{
    int code = sqlite3_step(s);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return lp_connection_error(c);
    *ret_row = code == SQLITE_ROW;
    return NULL;
}

void lp_sql_done(sqlite3_stmt *s)
{
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
}

loop_error *lp_sql_do(lp_connection *c, lp_sql which, const char *types, ...)
{
    sqlite3_stmt *s;
    bool row;
    va_list ap;
    va_start(ap, types);
    loop_error *e = bind(c, which, &s, types, &ap);
    va_end(ap);
    if (e)
        return e;
    e = lp_sql_step(c, s, &row);
    lp_sql_done(s);
    return e;
}
