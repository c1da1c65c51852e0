/*
 * providers/sqlite/swap.c: a store in a file that is handed over, or takes over from another.
 *
 * Handed over: a copy reads piece after piece on the reading connection, each in a transaction
 * of its own, so that calls read in between and the log is not held up. Other hosts may write
 * to the file as well, and note nothing: SQLite counts what came from other connections
 * (PRAGMA data_version), and where that moved since the copy began, everything is sent again.
 *
 * Taken over: take.c.
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

const lp_store_handover lp_sqlite_handover = {
    .writer = "sqlite",
    .home = sqlite_home,
    .quiesce = sqlite_quiesce,
    .watch = sqlite_watch,
    .still = sqlite_still,
    .still_end = sqlite_still_end,
    .copy = sqlite_copy,
    .copy_key = sqlite_copy_key,
    .take_begin = lp_sqlite_take_begin,
    .take_bucket = lp_sqlite_take_bucket,
    .take_set = lp_sqlite_take_set,
    .take_remove = lp_sqlite_take_remove,
    .take_settle = lp_sqlite_take_settle,
    .take_commit = lp_sqlite_take_commit,
    .take_abort = lp_sqlite_take_abort,
};
