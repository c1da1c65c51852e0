/*
 * providers/sqlite/open.c: opens a store's file: makes it, or says why it is none of ours,
 * and brings it to the newest version of the schema.
 *
 * Who a file belongs to is in its header: application_id is loop's, user_version is the last
 * step of `steps` that it has seen. A new file gets all steps in one transaction, an older
 * one those it lacks; one that a newer loop wrote is left alone. To change the schema,
 * append a step: those that are there have run on users' files.
 *
 * The log (WAL) is turned on last. Until then synchronous is EXTRA, which SQLite does not
 * default to: it syncs the folder after a rollback journal is removed. Without, a power cut
 * could bring the journal back, and it would undo what is acknowledged since.
 */
#include <stdlib.h>

#include "providers/sqlite/internal.h"
#include "providers/sqlite/open.h"

#define APPLICATION_ID 0x6c6f6f70 /* "loop" */
#define WAL_KEPT 16777216         /* bytes of the log that stay a file between two uses */

static const char *const steps[] = {
    /* 1: what is stored. An owner's row stays when all its keys are gone: `writes` counts on. */
    "CREATE TABLE owner (id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE,"
    "  bytes INTEGER NOT NULL, writes INTEGER NOT NULL) STRICT;"
    "CREATE TABLE bucket (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, name TEXT NOT NULL,"
    "  UNIQUE (owner, name)) STRICT;"
    "CREATE TABLE entry (id INTEGER PRIMARY KEY, bucket INTEGER NOT NULL, key BLOB NOT NULL,"
    "  version TEXT NOT NULL, value BLOB NOT NULL, UNIQUE (bucket, key)) STRICT;",
    /* 2: how many keys an owner has, for the limit on those without values. */
    "ALTER TABLE owner ADD COLUMN keys INTEGER NOT NULL DEFAULT 0;"
    "UPDATE owner SET keys = (SELECT count(*) FROM entry JOIN bucket ON entry.bucket = bucket.id"
    "  WHERE bucket.owner = owner.id);",
};

/* ---- the version ---- */

static loop_error *check_owner(lp_connection *c, int64_t *ret_version)
{
    int64_t application, tables;
    LP_TRY(lp_connection_number(c, "PRAGMA application_id", &application));
    LP_TRY(lp_connection_number(c, "PRAGMA user_version", ret_version));
    LP_TRY(lp_connection_number(c, "SELECT count(*) FROM sqlite_schema", &tables));
    bool empty = !application && !*ret_version && !tables;
    if (!empty && (application != APPLICATION_ID || *ret_version < 1))
        return loop_error_hint_set(loop_error_new(LOOP_IO, "it is a database of another program"),
                                   "let `file:` of the provider 'sqlite' name a file of its own");
    if (*ret_version > (int64_t)LP_COUNT(steps))
        return loop_error_hint_set(
            loop_error_new(LOOP_IO, "a newer loop wrote it: version %lld, and this loop knows %zu",
                           (long long)*ret_version, LP_COUNT(steps)),
            "use that loop, or let `file:` of the provider 'sqlite' name another file");
    return NULL;
}

static loop_error *take_steps(lp_connection *c, int64_t version)
{
    for (size_t i = (size_t)version; i < LP_COUNT(steps); i++)
        LP_TRY(lp_connection_run(c, steps[i]));
    lp_auto(lp_free_string) char *mark = lp_format(
        "PRAGMA application_id = %d; PRAGMA user_version = %zu", APPLICATION_ID, LP_COUNT(steps));
    LP_TRY(lp_connection_run(c, mark));
    return lp_connection_run(c, "COMMIT");
}

static loop_error *migrate(lp_connection *c)
{
    int64_t version;
    LP_TRY(check_owner(c, &version));
    if (version == (int64_t)LP_COUNT(steps))
        return NULL;
    LP_TRY(lp_connection_run(c, "BEGIN IMMEDIATE"));
    loop_error *e = take_steps(c, version);
    if (e)
        (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    return e;
}

/* ---- the file ---- */

/* The row says "wal" before it is so: what fails shows in the step after it. */
static loop_error *turn_on_log(lp_connection *c, bool *ret_on)
{
    sqlite3_stmt *s = NULL;
    bool row = false;
    if (sqlite3_prepare_v2(c->db, "PRAGMA journal_mode = WAL", -1, &s, NULL) != SQLITE_OK)
        return lp_connection_error(c);
    loop_error *e = lp_sql_step(c, s, &row);
    *ret_on = !e && row && strcmp((const char *)sqlite3_column_text(s, 0), "wal") == 0;
    if (!e && row)
        e = lp_sql_step(c, s, &row);
    sqlite3_finalize(s);
    return e;
}

static loop_error *use_log(lp_connection *c, bool relaxed)
{
    bool on = false;
    LP_TRY(turn_on_log(c, &on));
    if (!on)
        return loop_error_hint_set(
            loop_error_new(LOOP_IO, "its file system cannot share memory between processes"),
            "put it on a local disk, not on one of the network");
    lp_auto(lp_free_string) char *text = lp_format(
        "PRAGMA synchronous = %s; PRAGMA journal_size_limit = %d; PRAGMA wal_autocheckpoint = %d",
        relaxed ? "NORMAL" : "FULL", WAL_KEPT, LP_SQLITE_CHECKPOINT);
    return lp_connection_run(c, text);
}

/* Under the lock between processes: who else makes the file comes after us. */
static loop_error *open_writer(lp_sqlite *s, const lp_sqlite_options *o)
{
    LP_TRY(lp_connection_open(&s->write, o->file, o->vfs));
    if (sqlite3_db_readonly(s->write.db, "main"))
        return loop_error_hint_set(loop_error_new(LOOP_IO, "it may not be written"),
                                   "give loop's user the right to write it and its folder");
    LP_TRY(lp_connection_run(&s->write, "PRAGMA synchronous = EXTRA"));
    LP_TRY(migrate(&s->write));
    LP_TRY(use_log(&s->write, o->relaxed));
    /* Nobody finds it; a full disk may have no room to say that it is gone. */
    loop_error_delete(lp_sqlite_take_tidy(&s->write));
    return NULL;
}

static loop_error *open_both(lp_sqlite *s, const lp_sqlite_options *o)
{
    LP_TRY(open_writer(s, o));
    LP_TRY(lp_connection_open(&s->read, o->file, o->vfs));
    lp_auto(lp_free_string) char *id = lp_os_file_id(o->file);
    s->home = id ? lp_format("sqlite:%s", id) : NULL;
    return lp_connection_run(&s->read, "PRAGMA query_only = 1; PRAGMA wal_autocheckpoint = 0");
}

static loop_error *open_file(lp_sqlite *s, const lp_sqlite_options *o)
{
    if (lp_os_is_dir(o->file))
        return loop_error_hint_set(loop_error_new(LOOP_IO, "it is a directory"),
                                   "let `file:` of the provider 'sqlite' name a file in it");
    lp_auto(lp_free_string) char *lock = lp_format("%s-lock", o->file);
    loop_error *no = lp_os_create_private(o->file);
    if (!no)
        no = lp_os_lock_open(lock, &s->lock);
    if (no)
        return loop_error_hint_set(no, "let loop's user write there, or let `file:` of the "
                                       "provider 'sqlite' name a file elsewhere");
    while (!lp_os_lock_try(s->lock))
        if (!lp_connection_wait(&s->write))
            return lp_connection_busy(&s->write);
    loop_error *e = open_both(s, o);
    lp_os_lock_release(s->lock);
    return e;
}

loop_error *lp_sqlite_open(const lp_sqlite_options *options, lp_store **ret)
{
    lp_sqlite *s = lp_alloc(sizeof *s);
    s->base.engine = &lp_sqlite_engine;
    s->relaxed = options->relaxed;
    lp_os_random(&s->draw, sizeof s->draw);
    loop_error *e = open_file(s, options);
    if (e) {
        lp_sqlite_engine.close(&s->base);
        return loop_error_wrap(e, "cannot open the store '%s'", options->file);
    }
    *ret = &s->base;
    return NULL;
}
