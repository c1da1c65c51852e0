/*
 * providers/sqlite/store.c: the engine: reads and writes of one store in one file.
 *
 *     owner   identity, bytes and keys (the quota), writes (the count of versions)
 *     bucket  owner, name; gone with its last key. Of an owner below 0: take.c
 *     entry   bucket, key, version, value; found by an index over (bucket, key), from which
 *             alone pages are read
 *
 * Durable. SQLite's log (WAL) with synchronous=FULL: a transaction is appended to
 * "FILE-wal" and that file synced before COMMIT returns; one sync, where a rollback
 * journal takes three or four, and a reader never waits for it. Every frame of the log is
 * summed, so that a torn one ends the log there: after a power cut the file has each
 * acknowledged transaction, in order, and none by half. With synchronous=NORMAL (relaxed)
 * the same without the sync: the last ones may be missing, and still none by half, which a
 * rollback journal does not promise there. Price: no network file systems.
 *
 * One writer, by a lock of ours. SQLite before 3.51.3 (Debian 12 has 3.40) may lose
 * pages where one connection copies the log back (a checkpoint) while another's commit
 * starts the log anew (sqlite.org/wal.html, "the WAL-reset bug"). Here both happen under
 * one lock between all processes: commits, and the checkpoints that follow them on the
 * writing connection. The reading one makes none; the last one to close is alone. Other
 * programs that write to the file while loop runs are not covered.
 *
 * Not there: the file does not shrink when keys go (it is used again), and a read does
 * not look at who cancels once it runs; it is bounded by 1,024 keys and 32 MiB.
 */
#include <stdlib.h>

#include "providers/sqlite/open.h"
#include "providers/sqlite/rows.h"

static loop_error *copy_text(const lp_store_caller *who, loop_string text, loop_string *ret)
{
    loop_list_u8 copy;
    LP_TRY(lp_store_copy(who, text.ptr, text.len, &copy));
    *ret = (loop_string){(const char *)copy.ptr, copy.len};
    return NULL;
}

static loop_error *find_owner(lp_connection *c, const lp_store_caller *who, lp_owner *ret)
{
    return lp_row_owner(c, lp_str_of(who->identity), ret);
}

/* ---- reading ---- */

loop_error *lp_sqlite_begin_read(lp_sqlite *s, const lp_store_caller *who)
{
    LP_TRY(lp_connection_enter(&s->read, who));
    loop_error *e = lp_sql_do(&s->read, LP_SQL_BEGIN_READ, "");
    if (e)
        lp_connection_leave(&s->read);
    return e;
}

loop_error *lp_sqlite_end_read(lp_sqlite *s, loop_error *e)
{
    /* Nothing was written, so that there is nothing to lose. */
    loop_error_delete(lp_sql_do(&s->read, LP_SQL_ROLLBACK, ""));
    lp_connection_leave(&s->read);
    return e;
}

static loop_error *read_row(lp_connection *c, const lp_store_caller *who, sqlite3_stmt *s,
                            uint64_t *bytes, loop_storage_store_option_entry *ret)
{
    bool there;
    LP_TRY(lp_sql_step(c, s, &there));
    if (!there)
        return NULL;
    loop_string version;
    LP_TRY(lp_row_version(s, 0, &version));
    size_t n = (size_t)sqlite3_column_bytes(s, 1);
    *bytes += n;
    if (*bytes > LP_MAX_STORE_BYTES)
        return loop_error_new(LOOP_LIMIT, "the values hold more than 32 MiB together");
    const void *value = sqlite3_column_blob(s, 1);
    if (n && !value)
        return loop_error_new(LOOP_SYSTEM, "out of memory");
    LP_TRY(copy_text(who, version, &ret->value.version));
    LP_TRY(lp_store_copy(who, value, n, &ret->value.value));
    ret->is_some = true;
    return NULL;
}
_Static_assert(LP_MAX_STORE_BYTES == 32 << 20, "what the message says");

static loop_error *read_rows(lp_connection *c, const lp_store_caller *who, lp_str name,
                             const loop_storage_store_key *keys, size_t n,
                             loop_storage_store_option_entry *ret)
{
    lp_owner o;
    int64_t bucket;
    uint64_t bytes = 0;
    LP_TRY(find_owner(c, who, &o));
    LP_TRY(lp_row_bucket(c, &o, name, &bucket));
    for (size_t i = 0; bucket && i < n; i++) {
        sqlite3_stmt *s;
        LP_TRY(lp_sql_bind(c, LP_SQL_GET, &s, "ib", bucket, lp_row_str(keys[i])));
        loop_error *e = read_row(c, who, s, &bytes, &ret[i]);
        lp_sql_done(s);
        LP_TRY(e);
    }
    return NULL;
}

static loop_error *sqlite_read(lp_store *store, const lp_store_caller *who, lp_str bucket,
                               const loop_storage_store_key *keys, size_t n,
                               loop_storage_store_option_entry *ret)
{
    lp_sqlite *s = (lp_sqlite *)store;
    LP_TRY(lp_sqlite_begin_read(s, who));
    return lp_sqlite_end_read(s, read_rows(&s->read, who, bucket, keys, n, ret));
}

static loop_error *read_keys(lp_connection *c, const lp_store_caller *who, sqlite3_stmt *s,
                             loop_storage_store_key *ret, size_t *ret_n)
{
    size_t n = 0;
    for (bool there = true;; n++) {
        LP_TRY(lp_sql_step(c, s, &there));
        if (!there)
            break;
        size_t len = (size_t)sqlite3_column_bytes(s, 0);
        const void *key = sqlite3_column_blob(s, 0);
        if (!key || len > LP_MAX_STORE_KEY)
            return lp_row_damaged();
        LP_TRY(lp_store_copy(who, key, len, &ret[n]));
    }
    *ret_n = n;
    return NULL;
}

static loop_error *list_keys(lp_connection *c, const lp_store_caller *who, lp_str name, lp_str from,
                             lp_str end, size_t max, loop_storage_store_key *ret, size_t *ret_n)
{
    lp_owner o;
    int64_t bucket;
    sqlite3_stmt *s;
    LP_TRY(find_owner(c, who, &o));
    LP_TRY(lp_row_bucket(c, &o, name, &bucket));
    *ret_n = 0;
    if (!bucket)
        return NULL;
    LP_TRY(lp_sql_bind(c, end.len ? LP_SQL_LIST : LP_SQL_LIST_ALL, &s, "ibbi", bucket, from, end,
                       (int64_t)max));
    loop_error *e = read_keys(c, who, s, ret, ret_n);
    lp_sql_done(s);
    return e;
}

static loop_error *sqlite_list(lp_store *store, const lp_store_caller *who, lp_str bucket,
                               lp_str from, lp_str end, size_t max, loop_storage_store_key *ret,
                               size_t *ret_n)
{
    lp_sqlite *s = (lp_sqlite *)store;
    LP_TRY(lp_sqlite_begin_read(s, who));
    return lp_sqlite_end_read(s, list_keys(&s->read, who, bucket, from, end, max, ret, ret_n));
}

typedef struct names {
    loop_string *at;
    size_t n, cap;
} names;

static loop_error *add_name(lp_connection *c, const lp_store_caller *who, sqlite3_stmt *s,
                            names *to, bool *ret_more)
{
    LP_TRY(lp_sql_step(c, s, ret_more));
    if (!*ret_more)
        return NULL;
    loop_string name = {(const char *)sqlite3_column_text(s, 0),
                        (size_t)sqlite3_column_bytes(s, 0)};
    loop_error *bad = name.ptr ? lp_store_name_check(name) : lp_row_damaged();
    if (bad) {
        loop_error_delete(bad);
        return lp_row_damaged();
    }
    return copy_text(who, name, lp_push(to));
}

static loop_error *list_buckets(lp_connection *c, const lp_store_caller *who, loop_list_string *ret)
{
    lp_owner o;
    sqlite3_stmt *s;
    LP_TRY(find_owner(c, who, &o));
    LP_TRY(lp_sql_bind(c, LP_SQL_BUCKETS, &s, "i", o.id));
    names all = {0};
    loop_error *e = NULL;
    for (bool more = true; more && !e;)
        e = add_name(c, who, s, &all, &more);
    lp_sql_done(s);
    loop_string *copy = NULL;
    if (!e)
        e = lp_store_alloc(who, all.n * sizeof *copy, &copy);
    if (!e && all.n)
        memcpy(copy, all.at, all.n * sizeof *copy);
    if (!e)
        *ret = (loop_list_string){copy, all.n};
    free(all.at);
    return e;
}

static loop_error *sqlite_buckets(lp_store *store, const lp_store_caller *who,
                                  loop_list_string *ret)
{
    lp_sqlite *s = (lp_sqlite *)store;
    LP_TRY(lp_sqlite_begin_read(s, who));
    return lp_sqlite_end_read(s, list_buckets(&s->read, who, ret));
}

static loop_error *sqlite_usage(lp_store *store, const lp_store_caller *who, uint64_t *ret_bytes)
{
    lp_sqlite *s = (lp_sqlite *)store;
    lp_owner o = {0};
    LP_TRY(lp_sqlite_begin_read(s, who));
    LP_TRY(lp_sqlite_end_read(s, find_owner(&s->read, who, &o)));
    *ret_bytes = (uint64_t)o.bytes;
    return NULL;
}

/* ---- writing ---- */

/* One write, while it is made. */
typedef struct writing {
    lp_sqlite *store;
    lp_connection *c;
    const lp_store_caller *who;
    const loop_storage_store_operation *operations;
    size_t n;
    lp_store_result *results;
    char *text;                       /* of versions, LP_MAX_STORE_VERSION + 1 each */
    int64_t rows[LP_MAX_STORE_BATCH]; /* of the keys that are there, else 0 */
    int64_t bucket;
    lp_owner before, after;
    bool applied, changed;
} writing;

static void now_is(writing *w, size_t i, loop_string version)
{
    char *text = w->text + i * (LP_MAX_STORE_VERSION + 1);
    memmove(text, version.ptr, version.len);
    w->results[i].now.is_some = true;
    w->results[i].now.value = (loop_string){text, version.len};
}

/* What is there, whether the condition holds, and what the owner will have. */
static loop_error *look(writing *w, size_t i)
{
    const loop_storage_store_operation *o = &w->operations[i];
    sqlite3_stmt *s;
    bool there = false;
    int64_t bytes = 0;
    loop_string version = {0};
    LP_TRY(lp_sql_bind(w->c, LP_SQL_LOOK, &s, "ib", w->bucket, lp_row_str(o->key)));
    loop_error *e = lp_sql_step(w->c, s, &there);
    if (!e && there)
        e = lp_row_version(s, 1, &version);
    if (!e && there) {
        w->rows[i] = sqlite3_column_int64(s, 0);
        bytes = sqlite3_column_int64(s, 2);
        now_is(w, i, version);
    }
    lp_sql_done(s);
    LP_TRY(e);
    w->results[i].was = there;
    w->results[i].held = lp_store_holds(&o->condition, there ? &w->results[i].now.value : NULL);
    w->applied = w->applied && w->results[i].held;
    if (there && o->change.tag != LOOP_STORAGE_STORE_CHANGE_KEEP) {
        w->after.bytes -= (int64_t)o->key.len + bytes;
        w->after.keys--;
    }
    if (o->change.tag == LOOP_STORAGE_STORE_CHANGE_SET) {
        w->after.bytes += (int64_t)(o->key.len + o->change.of.set.len);
        w->after.keys++;
    }
    return NULL;
}

/* The rows of who writes first. */
static loop_error *make_rows(writing *w, lp_str name)
{
    if (!w->after.id) {
        LP_TRY(lp_sql_do(w->c, LP_SQL_OWNER_NEW, "s", lp_str_of(w->who->identity)));
        w->after.id = sqlite3_last_insert_rowid(w->c->db);
    }
    if (!w->bucket) {
        LP_TRY(lp_sql_do(w->c, LP_SQL_BUCKET_NEW, "is", w->after.id, name));
        w->bucket = sqlite3_last_insert_rowid(w->c->db);
    }
    return NULL;
}

static loop_error *set(writing *w, size_t i, lp_str name)
{
    const loop_storage_store_operation *o = &w->operations[i];
    char text[LP_MAX_STORE_VERSION + 1];
    LP_TRY(make_rows(w, name));
    /* Never a count that a write had which failed: a crash may yet bring that one back. */
    w->after.writes = LP_MAX(w->after.writes, (int64_t)w->store->spent) + 1;
    loop_string version = lp_store_version((uint64_t)w->after.writes, w->store->draw, text);
    lp_str v = {version.ptr, version.len}, value = lp_row_str(o->change.of.set);
    if (w->rows[i])
        LP_TRY(lp_sql_do(w->c, LP_SQL_UPDATE, "isb", w->rows[i], v, value));
    else
        LP_TRY(lp_sql_do(w->c, LP_SQL_INSERT, "ibsb", w->bucket, lp_row_str(o->key), v, value));
    now_is(w, i, version);
    return NULL;
}

static loop_error *change(writing *w, size_t i, lp_str name)
{
    uint8_t what = w->operations[i].change.tag;
    if (what == LOOP_STORAGE_STORE_CHANGE_KEEP ||
        (what == LOOP_STORAGE_STORE_CHANGE_DELETE && !w->rows[i]))
        return NULL;
    w->changed = true;
    if (what == LOOP_STORAGE_STORE_CHANGE_SET)
        return set(w, i, name);
    w->results[i].now.is_some = false;
    return lp_sql_do(w->c, LP_SQL_DELETE, "i", w->rows[i]);
}

static loop_error *write_rows(writing *w, lp_str name)
{
    LP_TRY(find_owner(w->c, w->who, &w->before));
    LP_TRY(lp_row_bucket(w->c, &w->before, name, &w->bucket));
    w->after = w->before;
    w->applied = true;
    for (size_t i = 0; i < w->n; i++)
        LP_TRY(look(w, i));
    if (!w->applied)
        return NULL;
    if (w->after.bytes < 0 || w->after.keys < 0)
        return lp_row_damaged();
    LP_TRY(lp_store_quota(w->who,
                          (lp_store_size){(uint64_t)w->before.bytes, (uint64_t)w->before.keys},
                          (lp_store_size){(uint64_t)w->after.bytes, (uint64_t)w->after.keys}));
    for (size_t i = 0; i < w->n; i++)
        LP_TRY(change(w, i, name));
    if (!w->changed)
        return NULL;
    if (w->store->base.notes)
        lp_store_note_all(&w->store->base, w->who, name, w->operations, w->n);
    LP_TRY(lp_sql_do(w->c, LP_SQL_BUCKET_EMPTY, "i", w->bucket));
    const lp_owner *a = &w->after;
    return lp_sql_do(w->c, LP_SQL_OWNER_SET, "iiii", a->id, a->bytes, a->keys, a->writes);
}

/* The lock between processes: we are the only thread here that asks for it. */
loop_error *lp_sqlite_begin_write(lp_sqlite *s, const lp_store_caller *who)
{
    LP_TRY(lp_connection_enter(&s->write, who));
    loop_error *e = NULL;
    while (!lp_os_lock_try(s->lock)) {
        if (lp_connection_wait(&s->write))
            continue;
        e = lp_connection_busy(&s->write);
        lp_connection_leave(&s->write);
        return e;
    }
    e = lp_sql_do(&s->write, LP_SQL_BEGIN_WRITE, "");
    if (e) {
        lp_os_lock_release(s->lock);
        lp_connection_leave(&s->write);
    }
    return e;
}

void lp_sqlite_end_write(lp_sqlite *s)
{
    if (!sqlite3_get_autocommit(s->write.db))
        loop_error_delete(lp_sql_do(&s->write, LP_SQL_ROLLBACK, ""));
    lp_os_lock_release(s->lock);
    lp_connection_leave(&s->write);
}

static loop_error *end_write(writing *w, loop_error *e)
{
    lp_sqlite *s = w->store;
    if (!e && w->changed)
        e = lp_sql_do(&s->write, LP_SQL_COMMIT, "");
    if (e && (uint64_t)w->after.writes > s->spent)
        s->spent = (uint64_t)w->after.writes;
    lp_sqlite_end_write(s);
    return e;
}

static loop_error *sqlite_write(lp_store *store, const lp_store_caller *who, lp_str bucket,
                                const loop_storage_store_operation *operations, size_t n,
                                lp_store_result *ret, bool *ret_applied)
{
    lp_sqlite *s = (lp_sqlite *)store;
    writing w = {
        .store = s, .c = &s->write, .who = who, .operations = operations, .n = n, .results = ret};
    LP_TRY(lp_store_alloc(who, n * (LP_MAX_STORE_VERSION + 1), &w.text));
    LP_TRY(lp_sqlite_begin_write(s, who));
    LP_TRY(end_write(&w, write_rows(&w, bucket)));
    *ret_applied = w.applied;
    return NULL;
}

static void sqlite_close(lp_store *store)
{
    lp_sqlite *s = (lp_sqlite *)store;
    lp_sqlite_take_abort(store);
    lp_store_notes_delete(s->base.notes);
    lp_connection_close(&s->read);
    lp_connection_close(&s->write);
    lp_os_lock_close(s->lock);
    free(s->home);
    free(s);
}

const lp_store_engine lp_sqlite_engine = {
    .handover = &lp_sqlite_handover,
    .read = sqlite_read,
    .write = sqlite_write,
    .list = sqlite_list,
    .buckets = sqlite_buckets,
    .usage = sqlite_usage,
    .close = sqlite_close,
};
