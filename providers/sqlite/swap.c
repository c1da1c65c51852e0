/*
 * providers/sqlite/swap.c: a store in a file that is handed over, or takes over from another.
 *
 * Handed over: a copy reads piece after piece on the reading connection, each in a transaction
 * of its own, so that calls read in between and the log is not held up. Other hosts may write
 * to the file as well, and note nothing: SQLite counts what came from other connections
 * (PRAGMA data_version), and where that moved since the copy began, everything is sent again.
 *
 * Taken over: one transaction on the writing connection, from COPY to REST. It is synced when it
 * is committed, in the relaxed mode too, since the store that it came from goes. What takes
 * time is done before the rest comes, while calls go on: pages are written to the log and
 * synced. The log is copied back to the file (a checkpoint) with the first write afterwards.
 */
#include <stdlib.h>

#include "providers/sqlite/open.h"
#include "providers/sqlite/rows.h"

static lp_str buffered(const lp_buf *b)
{
    return (lp_str){b->ptr, b->len};
}

static bool same(const lp_buf *b, lp_str s)
{
    return lp_str_eq(buffered(b), s);
}

static void keep(lp_buf *b, lp_str s)
{
    b->len = 0;
    lp_buf_add(b, s.ptr, s.len);
}

static const char *sqlite_home(const lp_store *store)
{
    return ((const lp_sqlite *)store)->home;
}

/* ---- quiet ---- */

/* The log has a handle of its own, which SQLite gives away and otherwise syncs at a commit. */
static loop_error *sync_log(lp_connection *c)
{
    sqlite3_file *log = NULL;
    int code = sqlite3_file_control(c->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (code == SQLITE_OK && log && log->pMethods)
        code = log->pMethods->xSync(log, SQLITE_SYNC_FULL);
    return code == SQLITE_OK
               ? NULL
               : loop_error_new(LOOP_IO, "its log cannot be synced (SQLite %d)", code);
}

static loop_error *sqlite_quiesce(lp_store *store)
{
    lp_sqlite *s = (lp_sqlite *)store;
    LP_TRY(lp_connection_enter(&s->write, NULL));
    loop_error *e = sync_log(&s->write);
    lp_connection_leave(&s->write);
    return e;
}

/* ---- save ---- */

static loop_error *sqlite_watch(lp_store *store, lp_store_notes *notes, lp_store_notes **ret_old)
{
    lp_sqlite *s = (lp_sqlite *)store;
    int64_t now = 0;
    *ret_old = NULL;
    LP_TRY(lp_connection_enter(&s->write, NULL));
    loop_error *e = lp_connection_number(&s->write, "PRAGMA data_version", &now);
    if (!e || !notes) {
        *ret_old = store->notes;
        if (store->notes && (e || now != s->seen))
            lp_store_notes_spoil(store->notes);
        store->notes = notes;
        s->seen = now;
    }
    lp_connection_leave(&s->write);
    if (e && notes)
        return e;
    loop_error_delete(e);
    return NULL;
}

/* The first that is read settles the moment. */
static loop_error *sqlite_still(lp_store *store)
{
    lp_sqlite *s = (lp_sqlite *)store;
    sqlite3_stmt *any;
    bool there;
    LP_TRY(lp_sqlite_begin_read(s, NULL));
    loop_error *e = lp_sql_bind(&s->read, LP_SQL_ANY, &any, "");
    if (!e) {
        e = lp_sql_step(&s->read, any, &there);
        lp_sql_done(any);
    }
    s->still = !e;
    return e ? lp_sqlite_end_read(s, e) : NULL;
}

static void sqlite_still_end(lp_store *store)
{
    lp_sqlite *s = (lp_sqlite *)store;
    s->still = false;
    loop_error_delete(lp_sqlite_end_read(s, NULL));
}

static loop_error *write_row(sqlite3_stmt *s, lp_str key, int version_at, lp_state_out *to)
{
    loop_string version;
    LP_TRY(lp_row_version(s, version_at, &version));
    size_t n = (size_t)sqlite3_column_bytes(s, version_at + 1);
    const char *value = sqlite3_column_blob(s, version_at + 1);
    if (n && !value)
        return loop_error_new(LOOP_SYSTEM, "out of memory");
    if (n > LP_MAX_STORE_VALUE)
        return lp_row_damaged();
    lp_state_stored(to, key, (lp_str){value, n}, (lp_str){version.ptr, version.len});
    return NULL;
}

/* One of the keys that come; *ret_more: there was one, and there is room for another. */
static loop_error *copy_row(lp_connection *c, sqlite3_stmt *s, lp_store_place *at, lp_state_out *to,
                            bool *ret_more, bool *ret_full)
{
    LP_TRY(lp_sql_step(c, s, ret_more));
    if (!*ret_more)
        return NULL;
    lp_str key = {sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0)};
    if (!key.ptr || key.len > LP_MAX_STORE_KEY)
        return lp_row_damaged();
    LP_TRY(write_row(s, key, 1, to));
    *ret_full = to->len >= LP_STATE_PIECE;
    if (*ret_full) {
        lp_store_place_key(at, key);
        *ret_more = false;
    }
    return NULL;
}

static loop_error *copy_keys(lp_connection *c, int64_t bucket, lp_store_place *at, lp_state_out *to,
                             bool *ret_full)
{
    sqlite3_stmt *s;
    LP_TRY(lp_sql_bind(c, LP_SQL_COPY, &s, "ib", bucket, lp_store_place_at(at)));
    lp_state_bucket(to, buffered(&at->identity), buffered(&at->bucket));
    loop_error *e = NULL;
    for (bool more = true; more && !e;)
        e = copy_row(c, s, at, to, &more, ret_full);
    lp_sql_done(s);
    return e;
}

/* Moves the place to the next identity, before its buckets. *ret: its id; 0: there is none. */
static loop_error *next_owner(lp_connection *c, lp_store_place *at, int64_t *ret)
{
    sqlite3_stmt *s;
    bool there;
    *ret = 0;
    LP_TRY(lp_sql_bind(c, LP_SQL_NEXT_OWNER, &s, "s", buffered(&at->identity)));
    loop_error *e = lp_sql_step(c, s, &there);
    if (!e && there) {
        const char *text = (const char *)sqlite3_column_text(s, 1);
        size_t n = (size_t)sqlite3_column_bytes(s, 1);
        if (text && n && n <= LP_MAX_IDENTITY) {
            *ret = sqlite3_column_int64(s, 0);
            keep(&at->identity, (lp_str){text, n});
            at->bucket.len = 0;
        } else {
            e = lp_row_damaged();
        }
    }
    lp_sql_done(s);
    return e;
}

static loop_error *next_name(lp_connection *c, int64_t owner, lp_store_place *at, bool *ret)
{
    sqlite3_stmt *s;
    LP_TRY(lp_sql_bind(c, LP_SQL_NEXT_BUCKET, &s, "is", owner, buffered(&at->bucket)));
    loop_error *e = lp_sql_step(c, s, ret);
    if (!e && *ret) {
        loop_string name = {(const char *)sqlite3_column_text(s, 0),
                            (size_t)sqlite3_column_bytes(s, 0)};
        loop_error *bad = name.ptr ? lp_store_name_check(name) : lp_row_damaged();
        if (bad) {
            loop_error_delete(bad);
            e = lp_row_damaged();
        } else {
            lp_buf identity = at->identity;
            at->identity = (lp_buf){0};
            lp_store_place_bucket(at, buffered(&identity), (lp_str){name.ptr, name.len});
            lp_buf_done(&identity);
        }
    }
    lp_sql_done(s);
    return e;
}

static loop_error *next_bucket(lp_connection *c, lp_store_place *at, bool *ret)
{
    lp_owner o;
    LP_TRY(lp_row_owner(c, buffered(&at->identity), &o));
    for (int64_t id = o.id;;) {
        *ret = false;
        if (id)
            LP_TRY(next_name(c, id, at, ret));
        if (*ret)
            return NULL;
        LP_TRY(next_owner(c, at, &id));
        if (!id)
            return NULL;
    }
}

static loop_error *copy_piece(lp_connection *c, lp_store_place *at, lp_state_out *to,
                              bool *ret_done)
{
    for (bool full = false, more = true; more;) {
        if (at->inside) {
            lp_owner o;
            int64_t bucket;
            LP_TRY(lp_row_owner(c, buffered(&at->identity), &o));
            LP_TRY(lp_row_bucket(c, &o, buffered(&at->bucket), &bucket));
            if (bucket)
                LP_TRY(copy_keys(c, bucket, at, to, &full));
            if (full)
                return NULL;
            at->inside = false;
        }
        LP_TRY(next_bucket(c, at, &more));
    }
    *ret_done = true;
    return NULL;
}

static loop_error *sqlite_copy(lp_store *store, lp_store_place *place, lp_state_out *to,
                               bool *ret_done)
{
    lp_sqlite *s = (lp_sqlite *)store;
    if (s->still)
        return copy_piece(&s->read, place, to, ret_done);
    LP_TRY(lp_sqlite_begin_read(s, NULL));
    return lp_sqlite_end_read(s, copy_piece(&s->read, place, to, ret_done));
}

static loop_error *copy_key(lp_connection *c, int64_t bucket, lp_str key, lp_state_out *to)
{
    sqlite3_stmt *s;
    bool there;
    LP_TRY(lp_sql_bind(c, LP_SQL_GET, &s, "ib", bucket, key));
    loop_error *e = lp_sql_step(c, s, &there);
    if (!e && there)
        e = write_row(s, key, 0, to);
    else if (!e)
        lp_state_removed(to, key);
    lp_sql_done(s);
    return e;
}

/* Within `still`. The bucket is looked up with the first of its keys. */
static loop_error *sqlite_copy_key(lp_store *store, lp_str identity, lp_str bucket, lp_str key,
                                   lp_state_out *to)
{
    lp_sqlite *s = (lp_sqlite *)store;
    if (!to->inside || !same(&to->identity, identity) || !same(&to->bucket, bucket)) {
        lp_owner o;
        LP_TRY(lp_row_owner(&s->read, identity, &o));
        LP_TRY(lp_row_bucket(&s->read, &o, bucket, &s->copied));
        lp_state_bucket(to, identity, bucket);
    }
    return copy_key(&s->read, s->copied, key, to);
}

/* ---- restore ---- */

/* What is taken over, while the writing connection is held. */
typedef struct lp_sqlite_taking {
    lp_buf identity, name; /* what comes next goes there */
    lp_owner owner;        /* id 0: no row yet */
    int64_t bucket;        /* likewise */
} taking;

/* Ends the transaction: what was not committed is undone. */
static void leave(lp_sqlite *s)
{
    if (!sqlite3_get_autocommit(s->write.db))
        loop_error_delete(lp_sql_do(&s->write, LP_SQL_ROLLBACK, ""));
    (void)sqlite3_wal_autocheckpoint(s->write.db, LP_SQLITE_CHECKPOINT);
    if (s->relaxed) /* else a write syncs that need not */
        loop_error_delete(lp_connection_run(&s->write, "PRAGMA synchronous = NORMAL"));
    lp_sqlite_end_write(s);
    lp_buf_done(&s->taking->identity);
    lp_buf_done(&s->taking->name);
    free(lp_take(&s->taking));
}

static void sqlite_abort(lp_store *store)
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

static loop_error *sqlite_begin(lp_store *store)
{
    lp_sqlite *s = (lp_sqlite *)store;
    LP_TRY(lp_sqlite_begin_write(s, NULL));
    s->taking = lp_alloc(sizeof *s->taking);
    (void)sqlite3_wal_autocheckpoint(s->write.db, 0);
    loop_error *e = check_empty(&s->write);
    if (!e && s->relaxed) /* which cannot be said within a transaction */
        e = lp_connection_run(&s->write, "ROLLBACK; PRAGMA synchronous = FULL; BEGIN IMMEDIATE");
    if (e)
        leave(s);
    return e;
}

static loop_error *finish_bucket(lp_sqlite *s)
{
    taking *t = s->taking;
    const lp_owner *o = &t->owner;
    if (t->bucket)
        LP_TRY(lp_sql_do(&s->write, LP_SQL_BUCKET_EMPTY, "i", t->bucket));
    t->bucket = 0;
    if (o->bytes < 0 || o->keys < 0)
        return lp_row_damaged();
    return o->id
               ? lp_sql_do(&s->write, LP_SQL_OWNER_SET, "iiii", o->id, o->bytes, o->keys, o->writes)
               : NULL;
}

static loop_error *sqlite_take_bucket(lp_store *store, lp_str identity, lp_str name)
{
    lp_sqlite *s = (lp_sqlite *)store;
    taking *t = s->taking;
    LP_TRY(finish_bucket(s));
    if (!same(&t->identity, identity)) {
        LP_TRY(lp_row_owner(&s->write, identity, &t->owner));
        keep(&t->identity, identity);
    }
    keep(&t->name, name);
    return lp_row_bucket(&s->write, &t->owner, name, &t->bucket);
}

static loop_error *make_rows(lp_sqlite *s)
{
    taking *t = s->taking;
    if (!t->owner.id) {
        LP_TRY(lp_sql_do(&s->write, LP_SQL_OWNER_NEW, "s", buffered(&t->identity)));
        t->owner.id = sqlite3_last_insert_rowid(s->write.db);
    }
    if (!t->bucket) {
        LP_TRY(lp_sql_do(&s->write, LP_SQL_BUCKET_NEW, "is", t->owner.id, buffered(&t->name)));
        t->bucket = sqlite3_last_insert_rowid(s->write.db);
    }
    return NULL;
}

/* A key's row, 0 where it has none; the owner has less by what is there. */
static loop_error *look(lp_sqlite *s, lp_str key, int64_t *ret)
{
    taking *t = s->taking;
    sqlite3_stmt *look;
    bool there;
    *ret = 0;
    LP_TRY(lp_sql_bind(&s->write, LP_SQL_LOOK, &look, "ib", t->bucket, key));
    loop_error *e = lp_sql_step(&s->write, look, &there);
    if (!e && there) {
        *ret = sqlite3_column_int64(look, 0);
        t->owner.bytes -= (int64_t)key.len + sqlite3_column_int64(look, 2);
        t->owner.keys--;
    }
    lp_sql_done(look);
    return e;
}

static loop_error *sqlite_take_set(lp_store *store, const loop_storage_state_stored *stored,
                                   bool fresh)
{
    lp_sqlite *s = (lp_sqlite *)store;
    taking *t = s->taking;
    lp_str key = lp_row_str(stored->key), value = lp_row_str(stored->value);
    lp_str version = {stored->version.ptr, stored->version.len};
    int64_t row = 0;
    LP_TRY(make_rows(s));
    if (!fresh)
        LP_TRY(look(s, key, &row));
    t->owner.bytes += (int64_t)(key.len + value.len);
    t->owner.keys++;
    if (row)
        return lp_sql_do(&s->write, LP_SQL_UPDATE, "isb", row, version, value);
    return lp_sql_do(&s->write, LP_SQL_INSERT, "ibsb", t->bucket, key, version, value);
}

static loop_error *sqlite_take_remove(lp_store *store, lp_str key)
{
    lp_sqlite *s = (lp_sqlite *)store;
    int64_t row;
    if (!s->taking->bucket)
        return NULL;
    LP_TRY(look(s, key, &row));
    return row ? lp_sql_do(&s->write, LP_SQL_DELETE, "i", row) : NULL;
}

static loop_error *sqlite_settle(lp_store *store)
{
    lp_sqlite *s = (lp_sqlite *)store;
    LP_TRY(finish_bucket(s));
    if (sqlite3_db_cacheflush(s->write.db) != SQLITE_OK)
        return lp_connection_error(&s->write);
    return sync_log(&s->write);
}

static loop_error *sqlite_commit(lp_store *store)
{
    lp_sqlite *s = (lp_sqlite *)store;
    LP_TRY(finish_bucket(s));
    LP_TRY(lp_sql_do(&s->write, LP_SQL_COMMIT, ""));
    leave(s);
    return NULL;
}

const lp_store_handover lp_sqlite_handover = {
    .writer = "sqlite",
    .home = sqlite_home,
    .quiesce = sqlite_quiesce,
    .watch = sqlite_watch,
    .still = sqlite_still,
    .still_end = sqlite_still_end,
    .copy = sqlite_copy,
    .copy_key = sqlite_copy_key,
    .take_begin = sqlite_begin,
    .take_bucket = sqlite_take_bucket,
    .take_set = sqlite_take_set,
    .take_remove = sqlite_take_remove,
    .take_settle = sqlite_settle,
    .take_commit = sqlite_commit,
    .take_abort = sqlite_abort,
};
