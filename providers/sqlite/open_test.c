/*
 * providers/sqlite/open_test.c: what is opened, what is refused, and what people are told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/os/os.h"
#include "providers/sqlite/store.h"
#include "providers/storage/fixture_test.h"

static char folder[256];

static char *path_of(const char *name)
{
    return lp_format("%s/%s", folder, name);
}

static int make_folder(void **state)
{
    (void)state;
    const char *base = lp_os_getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/loop-open-XXXXXX", base ? base : "/tmp");
    return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *command = lp_format("rm -rf '%s'", folder);
    return system(command);
}

static void put_file(const char *path, const char *text, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void put_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int64_t ask(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return n;
}

static loop_error *try_open(const char *path, lp_store **ret)
{
    return lp_sqlite_open(&(lp_sqlite_options){.file = path}, ret);
}

/* Refused, with these words in the cause, and told what to do. */
static void refused(const char *path, const char *words)
{
    lp_store *s = NULL;
    loop_error *e = try_open(path, &s);
    assert_non_null(e);
    assert_null(s);
    char *text = loop_error_format(e);
    if (!strstr(text, words) || !strstr(text, "hint: ") || !strstr(text, path))
        fail_msg("expected '%s', a hint and the file in:\n%s", words, text);
    loop_free(text);
    loop_error_delete(e);
}

static void a_new_file_is_private_and_marked(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *path = path_of("a/b/store.db");
    lp_store *s;
    assert_null(try_open(path, &s));
    s->engine->close(s);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(ask(path, "PRAGMA application_id"), 0x6c6f6f70);
    assert_int_equal(ask(path, "PRAGMA user_version"), 2);
}

static void a_file_that_is_not_ours_is_left_as_it_is(void **state)
{
    (void)state;
    static const char *const sql[][2] = {
        {"CREATE TABLE t (a)", "another program"},
        {"PRAGMA application_id = 77", "another program"},
        {"PRAGMA user_version = 1", "another program"},
        {"PRAGMA application_id = 1819242352", "another program"},
        {"PRAGMA application_id = 1819242352; PRAGMA user_version = 3", "a newer loop"},
    };
    for (size_t i = 0; i < LP_COUNT(sql); i++) {
        lp_auto(lp_free_string) char *path = path_of("other.db");
        put_sql(path, sql[i][0]);
        int64_t before = ask(path, "PRAGMA data_version") + ask(path, "PRAGMA schema_version");
        refused(path, sql[i][1]);
        assert_int_equal(ask(path, "PRAGMA data_version") + ask(path, "PRAGMA schema_version"),
                         before);
        assert_int_equal(ask(path, "SELECT count(*) FROM sqlite_schema"), i == 0);
        unlink(path);
    }
}

static void what_is_no_database_is_refused(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *text = path_of("text.db");
    char lines[2048];
    memset(lines, '#', sizeof lines);
    put_file(text, lines, sizeof lines);
    refused(text, "not an SQLite database");
    refused(folder, "it is a directory");
    lp_auto(lp_free_string) char *below = path_of("text.db/store.db");
    refused(below, "not a directory");
}

/* A workspace from a stranger may hold links; what they name is the user's own. */
static void a_link_beside_the_file_is_not_followed(void **state)
{
    (void)state;
    static const char *const ends[] = {"-wal", "-shm", "-journal", "-lock"};
    lp_auto(lp_free_string) char *path = path_of("linked.db"), *victim = path_of("victim");
    lp_store *s;
    put_file(victim, "mine", 4);
    assert_null(try_open(path, &s));
    s->engine->close(s);
    for (size_t i = 0; i < LP_COUNT(ends); i++) {
        lp_auto(lp_free_string) char *link = lp_format("%s%s", path, ends[i]);
        unlink(link);
        assert_int_equal(symlink(victim, link), 0);
        refused(path, "open");
        unlink(link);
        struct stat info;
        assert_int_equal(stat(victim, &info), 0);
        assert_int_equal(info.st_size, 4);
    }
    assert_null(try_open(path, &s));
    s->engine->close(s);
}

/* Every place in turn: a store that opens all the same answers with values, or says so. */
static void a_damaged_file_is_an_error_and_no_crash(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *path = path_of("damaged.db");
    lp_arena arena = {0};
    lp_store_caller who = caller("a", 1 << 20, &arena);
    lp_store *s;
    loop_string version;
    assert_null(try_open(path, &s));
    for (unsigned i = 0; i < 60; i++) {
        char key[16];
        snprintf(key, sizeof key, "key-%u", i);
        assert_null(lp_store_set(s, &who, BUCKET, bytes_of(key), bytes_of("value"), &version));
    }
    s->engine->close(s);
    size_t n = (size_t)ask(path, "SELECT page_count * page_size FROM pragma_page_count, "
                                 "pragma_page_size");
    char *good = lp_alloc(n);
    FILE *f = fopen(path, "rb");
    assert_int_equal(fread(good, 1, n, f), n);
    fclose(f);
    unsigned failed = 0;
    for (size_t at = 16; at < n; at += n / 97) {
        char *bad = lp_alloc(n);
        memcpy(bad, good, n);
        memset(bad + at, 0xa5, LP_MIN((size_t)64, n - at));
        put_file(path, bad, n);
        free(bad);
        loop_error *e = try_open(path, &s);
        if (!e) {
            loop_storage_store_key_page page = {0};
            loop_storage_store_option_entry entry = {0};
            loop_list_string names = {0};
            e = lp_store_list(s, &who, BUCKET, bytes_of(""), &(loop_storage_store_option_key){0}, 0,
                              &page);
            for (unsigned i = 0; !e && i < page.keys.len; i++)
                e = lp_store_get(s, &who, BUCKET, page.keys.ptr[i], &entry);
            if (!e)
                e = lp_store_set(s, &who, BUCKET, bytes_of("new"), bytes_of("v"), &version);
            if (!e)
                e = s->engine->buckets(s, &who, &names);
            s->engine->close(s);
        }
        failed += e != NULL;
        loop_error_delete(e);
        lp_arena_reset(&arena, 1 << 16);
    }
    assert_true(failed > 10);
    free(good);
    lp_arena_done(&arena);
}

/* What version 1 of the schema was; a user may have such a file. */
static void an_older_file_is_brought_up_to_date(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *path = path_of("old.db");
    put_sql(path, "CREATE TABLE owner (id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE,"
                  "  bytes INTEGER NOT NULL, writes INTEGER NOT NULL) STRICT;"
                  "CREATE TABLE bucket (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL,"
                  "  name TEXT NOT NULL, UNIQUE (owner, name)) STRICT;"
                  "CREATE TABLE entry (id INTEGER PRIMARY KEY, bucket INTEGER NOT NULL,"
                  "  key BLOB NOT NULL, version TEXT NOT NULL, value BLOB NOT NULL,"
                  "  UNIQUE (bucket, key)) STRICT;"
                  "INSERT INTO owner VALUES (1, 'a', 4, 7), (2, 'empty', 0, 3);"
                  "INSERT INTO bucket VALUES (1, 1, 'b');"
                  "INSERT INTO entry VALUES (1, 1, x'6b', '7-1', x'6f6c64');"
                  "PRAGMA application_id = 1819242352; PRAGMA user_version = 1");
    lp_arena arena = {0};
    lp_store_caller who = caller("a", 1 << 20, &arena);
    lp_store *s;
    for (int twice = 0; twice < 2; twice++) {
        option_entry e = {0};
        assert_null(try_open(path, &s));
        assert_null(lp_store_get(s, &who, BUCKET, bytes_of("k"), &e));
        assert_true(e.is_some && loop_string_is(e.value.version, "7-1"));
        s->engine->close(s);
    }
    assert_int_equal(ask(path, "SELECT keys FROM owner WHERE id = 1"), 1);
    assert_int_equal(ask(path, "SELECT keys FROM owner WHERE id = 2"), 0);
    assert_int_equal(ask(path, "PRAGMA user_version"), 2);
    lp_arena_done(&arena);
}

static uint64_t give_up_at; /* ns */

static bool after_a_while(void *ctx)
{
    (void)ctx;
    return lp_os_now_ns() > give_up_at;
}

/* Another host writes: a wait ends when the caller's deadline does, and a read need not wait. */
static void who_waits_for_another_process_can_be_cancelled(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *path = path_of("locked.db"), *lock = path_of("locked.db-lock");
    lp_arena arena = {0};
    lp_store_caller who = caller("a", 1 << 20, &arena);
    lp_store *s;
    loop_string version;
    option_entry e = {0};
    assert_null(try_open(path, &s));
    assert_null(lp_store_set(s, &who, BUCKET, bytes_of("k"), bytes_of("v"), &version));
    int fd = open(lock, O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    who.cancelled = after_a_while;
    uint64_t from = lp_os_now_ns();
    give_up_at = from + 100000000u;
    assert_code(lp_store_set(s, &who, BUCKET, bytes_of("k"), bytes_of("w"), &version),
                LOOP_CANCELLED);
    assert_in_range((lp_os_now_ns() - from) / 1000000, 95, 1000);
    assert_null(lp_store_get(s, &who, BUCKET, bytes_of("k"), &e));
    assert_int_equal(e.value.value.ptr[0], 'v');
    close(fd);
    give_up_at = UINT64_MAX;
    assert_null(lp_store_set(s, &who, BUCKET, bytes_of("k"), bytes_of("x"), &version));
    s->engine->close(s);
    lp_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_file_is_private_and_marked, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_ours_is_left_as_it_is, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(what_is_no_database_is_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_link_beside_the_file_is_not_followed, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_an_error_and_no_crash, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(an_older_file_is_brought_up_to_date, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(who_waits_for_another_process_can_be_cancelled, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
