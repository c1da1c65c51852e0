/*
 * providers/sqlite/take.c: a store in a file takes over what another one held.
 *
 * What comes is stored under owners of its own, numbered below 0, which no identity has: nobody
 * finds it, here or in another host. It is committed in pieces, without a sync each, so that no
 * page is written twice; with the end of a copy everything goes to the file itself and is synced,
 * while calls still go on at the old store. The last transaction brings the rest, gives the
 * buckets to their owners, and is synced, in the relaxed mode too, as the store that it came from
 * goes. So the pause is a few pages and one sync, however much there is.
 *
 * From begin to end this process has the lock between processes: nobody writes, and whoever opens
 * the file waits. Who has that lock while somebody opens it knows that owners below 0 are what a
 * crash has left, and deletes them.
 *
 * Not there: a failed take-over gives its room back only where there is some left (a full disk
 * has none to write down that rows are gone); else with the next open.
 */
#include <stdlib.h>

#include "providers/sqlite/open.h"
#include "providers/sqlite/rows.h"

#define PIECE (1u << 20) /* bytes between two commits: less than SQLite keeps in memory */

/* Whose buckets come. Its number is -1 for the first, -2 for the next. */
typedef struct taken {
    char *identity;
    int64_t bytes, keys;
} taken;

typedef struct lp_sqlite_taking {
    struct {
        taken *at;
        size_t n, cap;
    } owners;
    size_t copied;      /* of them, which are ascending; REST adds some behind */
    size_t owner;       /* where what comes next goes: owner, */
    lp_buf name;        /* bucket, */
    int64_t bucket;     /* and its row, 0 where it has none yet */
    size_t uncommitted; /* bytes */
    bool settled;
} taking;

static int64_t number_of(size_t owner)
{
    return -1 - (int64_t)owner;
}

/* ---- beginning and ending ---- */

loop_error *lp_sqlite_take_tidy(lp_connection *c)
{
    int64_t left = 0;
    LP_TRY(lp_connection_number(c, "SELECT owner FROM bucket WHERE owner < 0 LIMIT 1", &left));
    if (!left)
        return NULL;
    loop_error *e = lp_connection_run(
        c, "BEGIN IMMEDIATE;"
           "DELETE FROM entry WHERE bucket IN (SELECT id FROM bucket WHERE owner < 0);"
           "DELETE FROM bucket WHERE owner < 0;"
           "COMMIT");
    if (!sqlite3_get_autocommit(c->db))
        loop_error_delete(lp_connection_run(c, "ROLLBACK"));
    return e;
}

/* Gives the connection back. What was not committed is undone, and nobody finds the rest. */
static void leave(lp_sqlite *s)
{
    lp_connection *c = &s->write;
    if (!sqlite3_get_autocommit(c->db))
        loop_error_delete(lp_sql_do(c, LP_SQL_ROLLBACK, ""));
    loop_error_delete(lp_sqlite_take_tidy(c)); /* or when it is opened */
    (void)sqlite3_wal_autocheckpoint(c->db, LP_SQLITE_CHECKPOINT);
    loop_error_delete(lp_connection_run(c, s->relaxed ? "PRAGMA synchronous = NORMAL"
                                                      : "PRAGMA synchronous = FULL"));
    lp_sqlite_end_write(s);
    for (size_t i = 0; i < s->taking->owners.n; i++)
        free(s->taking->owners.at[i].identity);
    free(s->taking->owners.at);
    lp_buf_done(&s->taking->name);
    free(lp_take(&s->taking));
}

void lp_sqlite_take_abort(lp_store *store)
{
    lp_sqlite *s = (lp_sqlite *)store;
    if (s->taking)
        leave(s);
}

static loop_error *check_empty(lp_connection *c)
{
    sqlite3_stmt *s;
    bool there;
    LP_TRY(lp_sql_bind(c, LP_SQL_ANY, &s, ""));
    loop_error *e = lp_sql_step(c, s, &there);
    lp_sql_done(s);
    if (e)
        return e;
    return there ? lp_store_not_empty() : NULL;
}

/* A synchronous mode cannot be set within a transaction. */
static loop_error *begin(lp_connection *c)
{
    LP_TRY(check_empty(c));
    LP_TRY(lp_sql_do(c, LP_SQL_ROLLBACK, ""));
    LP_TRY(lp_sqlite_take_tidy(c));
    (void)sqlite3_wal_autocheckpoint(c->db, 0);
    LP_TRY(lp_connection_run(c, "PRAGMA synchronous = NORMAL"));
    return lp_sql_do(c, LP_SQL_BEGIN_WRITE, "");
}

loop_error *lp_sqlite_take_begin(lp_store *store)
{
    lp_sqlite *s = (lp_sqlite *)store;
    LP_TRY(lp_sqlite_begin_write(s, NULL));
    s->taking = lp_alloc(sizeof *s->taking);
    loop_error *e = begin(&s->write);
    if (e)
        leave(s);
    return e;
}

/* ---- what comes ---- */

static loop_error *finish_bucket(lp_sqlite *s)
{
    int64_t bucket = s->taking->bucket;
    s->taking->bucket = 0;
    return bucket ? lp_sql_do(&s->write, LP_SQL_BUCKET_EMPTY, "i", bucket) : NULL;
}

static int by_identity(const void *key, const void *at)
{
    const lp_str *k = key;
    const taken *t = at;
    return lp_store_compare(k->ptr, k->len, t->identity, strlen(t->identity));
}

/* In the order of a state: the last one, one of the copy's, or a new one. */
static size_t owner_of(taking *t, lp_str identity)
{
    if (t->owners.n && by_identity(&identity, &t->owners.at[t->owner]) == 0)
        return t->owner;
    const taken *found =
        t->copied ? bsearch(&identity, t->owners.at, t->copied, sizeof *t->owners.at, by_identity)
                  : NULL;
    if (found)
        return (size_t)(found - t->owners.at);
    taken *o = lp_push(&t->owners);
    o->identity = lp_strndup(identity.ptr, identity.len);
    return t->owners.n - 1;
}

loop_error *lp_sqlite_take_bucket(lp_store *store, lp_str identity, lp_str name)
{
    lp_sqlite *s = (lp_sqlite *)store;
    taking *t = s->taking;
    if (sqlite3_get_autocommit(s->write.db)) /* the copy has come */
        LP_TRY(lp_sql_do(&s->write, LP_SQL_BEGIN_WRITE, ""));
    LP_TRY(finish_bucket(s));
    t->owner = owner_of(t, identity);
    t->name.len = 0;
    lp_buf_add(&t->name, name.ptr, name.len);
    return lp_row_bucket(&s->write, &(lp_owner){.id = number_of(t->owner)}, name, &t->bucket);
}

/* A key's row, 0 where it has none; the owner has less by what is there. */
static loop_error *look(lp_sqlite *s, lp_str key, int64_t *ret)
{
    taken *o = &s->taking->owners.at[s->taking->owner];
    sqlite3_stmt *look;
    bool there;
    *ret = 0;
    LP_TRY(lp_sql_bind(&s->write, LP_SQL_LOOK, &look, "ib", s->taking->bucket, key));
    loop_error *e = lp_sql_step(&s->write, look, &there);
    if (!e && there) {
        *ret = sqlite3_column_int64(look, 0);
        o->bytes -= (int64_t)key.len + sqlite3_column_int64(look, 2);
        o->keys--;
    }
    lp_sql_done(look);
    return e;
}

static loop_error *commit_piece(lp_sqlite *s, size_t bytes)
{
    taking *t = s->taking;
    t->uncommitted += bytes;
    if (t->settled || t->uncommitted < PIECE)
        return NULL;
    t->uncommitted = 0;
    LP_TRY(lp_sql_do(&s->write, LP_SQL_COMMIT, ""));
    return lp_sql_do(&s->write, LP_SQL_BEGIN_WRITE, "");
}

loop_error *lp_sqlite_take_set(lp_store *store, const loop_storage_state_stored *stored, bool fresh)
{
    lp_sqlite *s = (lp_sqlite *)store;
    taking *t = s->taking;
    taken *o = &t->owners.at[t->owner];
    lp_str key = lp_row_str(stored->key), value = lp_row_str(stored->value);
    lp_str version = {stored->version.ptr, stored->version.len};
    int64_t row = 0;
    if (!t->bucket) {
        LP_TRY(lp_sql_do(&s->write, LP_SQL_BUCKET_NEW, "is", number_of(t->owner),
                         (lp_str){t->name.ptr, t->name.len}));
        t->bucket = sqlite3_last_insert_rowid(s->write.db);
    }
    if (!fresh)
        LP_TRY(look(s, key, &row));
    o->bytes += (int64_t)(key.len + value.len);
    o->keys++;
    if (row)
        LP_TRY(lp_sql_do(&s->write, LP_SQL_UPDATE, "isb", row, version, value));
    else
        LP_TRY(lp_sql_do(&s->write, LP_SQL_INSERT, "ibsb", t->bucket, key, version, value));
    return commit_piece(s, 2 * key.len + value.len + version.len);
}

loop_error *lp_sqlite_take_remove(lp_store *store, lp_str key)
{
    lp_sqlite *s = (lp_sqlite *)store;
    int64_t row;
    if (!s->taking->bucket)
        return NULL;
    LP_TRY(look(s, key, &row));
    return row ? lp_sql_do(&s->write, LP_SQL_DELETE, "i", row) : NULL;
}

/* ---- the end ---- */

/*
 * What was committed goes to the file, and both are synced: the next sync has little to do. It
 * has more where another program is at that (SQLITE_BUSY).
 */
loop_error *lp_sqlite_take_settle(lp_store *store)
{
    lp_sqlite *s = (lp_sqlite *)store;
    taking *t = s->taking;
    LP_TRY(finish_bucket(s));
    LP_TRY(lp_sql_do(&s->write, LP_SQL_COMMIT, ""));
    int code = sqlite3_wal_checkpoint_v2(s->write.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (code != SQLITE_OK && (code & 255) != SQLITE_BUSY)
        return lp_connection_error(&s->write);
    t->copied = t->owners.n;
    t->settled = true;
    return lp_connection_run(&s->write, "PRAGMA synchronous = FULL");
}

/* An identity may have a row of its own, without keys, whose versions count on. */
static loop_error *give(lp_connection *c, const taken *t, int64_t number)
{
    lp_owner o;
    lp_str identity = lp_str_of(t->identity);
    if (t->bytes < 0 || t->keys < 0)
        return lp_row_damaged();
    if (!t->keys)
        return NULL;
    LP_TRY(lp_row_owner(c, identity, &o));
    if (!o.id) {
        LP_TRY(lp_sql_do(c, LP_SQL_OWNER_NEW, "s", identity));
        o.id = sqlite3_last_insert_rowid(c->db);
    }
    LP_TRY(lp_sql_do(c, LP_SQL_BUCKET_GIVE, "ii", number, o.id));
    return lp_sql_do(c, LP_SQL_OWNER_SET, "iiii", o.id, t->bytes, t->keys, o.writes);
}

loop_error *lp_sqlite_take_commit(lp_store *store)
{
    lp_sqlite *s = (lp_sqlite *)store;
    const taking *t = s->taking;
    lp_connection *c = &s->write;
    LP_TRY(finish_bucket(s));
    if (!t->settled)
        LP_TRY(lp_connection_run(c, "COMMIT; PRAGMA synchronous = FULL"));
    if (sqlite3_get_autocommit(c->db))
        LP_TRY(lp_sql_do(c, LP_SQL_BEGIN_WRITE, ""));
    for (size_t i = 0; i < t->owners.n; i++)
        LP_TRY(give(c, &t->owners.at[i], number_of(i)));
    LP_TRY(lp_sql_do(c, LP_SQL_COMMIT, ""));
    leave(s);
    return NULL;
}
