/*
 * providers/sqlite/take_crash_test.c: a file takes over what another store held, while the power
 * goes, the disk fails, or is full.
 *
 * Each round is a seed: content of a store in memory, handed over at once or in two passes to a
 * store on the disk of crash_vfs_test.h, and a fault at a random operation of the disk. What
 * was answered as taken is there after a power cut, each byte of it, in the relaxed mode too;
 * where it failed, there is nothing, neither at once nor later, no row that nobody finds, and
 * it can be tried again. Only a power cut during the last step may have let it come true.
 * STORE_CRASHES is the number of rounds, STORE_SEED the first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/os/os.h"
#include "base/stream.h"
#include "providers/memory/store.h"
#include "providers/sqlite/crash_vfs_test.h"
#include "providers/sqlite/store.h"
#include "providers/storage/fixture_test.h"

typedef struct world {
    uint64_t seed, first;
    bool relaxed, whole;
    char *folder, *file;
    lp_store *old, *new;
    lp_buf copy, rest, all; /* streams of `old`; at the end */
    lp_arena arena;
} world;

static uint32_t draw(world *w, uint32_t below)
{
    w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(w->seed >> 33) % below;
}

#define CHECK(w, good, ...)                                                                        \
    do {                                                                                           \
        if (!(good)) {                                                                             \
            print_error(__VA_ARGS__);                                                              \
            fail_msg(" (STORE_SEED=%llu STORE_CRASHES=1)", (unsigned long long)(w)->first);        \
        }                                                                                          \
    } while (0)

/* ---- streams ---- */

static lp_buf drained(loop_stream *box)
{
    lp_buf all = {0};
    char piece[4096];
    for (size_t came = 1; came;) {
        assert_null(loop_stream_read(box, piece, sizeof piece, &came));
        lp_buf_add(&all, piece, came);
    }
    return all;
}

static lp_buf saved(lp_store *s, loop_pass pass)
{
    loop_stream *box = lp_stream_box(16 << 20);
    assert_null(lp_store_save(s, pass, box));
    lp_buf all = drained(box);
    lp_stream_delete(box);
    return all;
}

static loop_error *restore(lp_store *s, loop_pass pass, const lp_buf *from)
{
    loop_stream *box = lp_stream_box(from->len + 1);
    assert_null(loop_stream_write(box, from->ptr, from->len));
    lp_stream_end(box);
    loop_error *e = lp_store_restore(s, pass, box);
    lp_stream_delete(box);
    return e;
}

static loop_error *take_over(world *w)
{
    if (w->whole)
        return restore(w->new, LOOP_PASS_WHOLE, &w->all);
    LP_TRY(restore(w->new, LOOP_PASS_COPY, &w->copy));
    return restore(w->new, LOOP_PASS_REST, &w->rest);
}

/* The bytes of the first item. */
static size_t header_of(const lp_buf *b)
{
    loop_stream *box = lp_stream_box(b->len + 1);
    assert_null(loop_stream_write(box, b->ptr, b->len));
    lp_state_in in = {.from = box};
    lp_state_item i;
    assert_null(lp_state_next(&in, &i));
    size_t n = in.at;
    lp_state_in_done(&in);
    lp_stream_delete(box);
    return n;
}

typedef enum holds { NOTHING, ALL, ELSE } holds;

static holds what_it_holds(world *w)
{
    lp_buf is = saved(w->new, LOOP_PASS_WHOLE);
    size_t a = header_of(&is), b = header_of(&w->all);
    holds h = ELSE;
    if (is.len - a == 2) /* the end */
        h = NOTHING;
    else if (is.len - a == w->all.len - b && memcmp(is.ptr + a, w->all.ptr + b, is.len - a) == 0)
        h = ALL;
    lp_buf_done(&is);
    return h;
}

/* ---- content ---- */

static void write_some(world *w, unsigned n)
{
    static const char *const identities[] = {"one", "two", "three"};
    static const char *const buckets[] = {"b", "c"};
    uint8_t value[30000];
    for (unsigned i = 0; i < n; i++) {
        lp_store_caller who = caller(identities[draw(w, 3)], 64 << 20, &w->arena);
        lp_str bucket = lp_str_of(buckets[draw(w, 2)]);
        char key[16];
        loop_string version;
        bool was;
        snprintf(key, sizeof key, "%u", draw(w, 300));
        memset(value, (int)draw(w, 256), sizeof value);
        if (draw(w, 5) == 0)
            assert_null(lp_store_delete(w->old, &who, bucket, bytes_of(key), &was));
        else
            assert_null(lp_store_set(w->old, &who, bucket, bytes_of(key),
                                     (loop_list_u8){value, draw(w, draw(w, 8) ? 300 : 30000)},
                                     &version));
        lp_arena_reset(&w->arena, 1 << 16);
    }
}

static void open_new(world *w)
{
    lp_sqlite_options o = {w->file, w->relaxed, CRASH_VFS};
    assert_null(lp_sqlite_open(&o, &w->new));
}

static void close_new(world *w)
{
    w->new->engine->close(w->new);
    w->new = NULL;
}

static void make_world(world *w, uint64_t seed, bool relaxed)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    *w = (world){.seed = seed, .first = seed, .relaxed = relaxed, .old = lp_memory_store_new()};
    w->seed *= 0x9e3779b97f4a7c15u; /* seeds in a row draw alike without */
    w->seed ^= w->seed >> 29;
    w->whole = draw(w, 3) == 0;
    w->folder = lp_format("%s/loop-take-XXXXXX", base);
    assert_non_null(mkdtemp(w->folder));
    w->file = lp_format("%s/store.db", w->folder);
    write_some(w, 1 + draw(w, draw(w, 3) ? 60 : 1200));
    w->copy = saved(w->old, LOOP_PASS_COPY);
    write_some(w, draw(w, 40));
    w->rest = saved(w->old, LOOP_PASS_REST);
    w->all = saved(w->old, LOOP_PASS_WHOLE);
    crash_disk_new(seed);
    open_new(w);
}

static void remove_world(world *w)
{
    crash_disk_delete();
    static const char *const ends[] = {"", "-wal", "-shm", "-journal", "-lock"};
    for (size_t i = 0; i < LP_COUNT(ends); i++) {
        lp_auto(lp_free_string) char *path = lp_format("%s%s", w->file, ends[i]);
        lp_os_remove(path);
    }
    assert_int_equal(rmdir(w->folder), 0);
    w->old->engine->close(w->old);
    lp_buf_done(&w->copy);
    lp_buf_done(&w->rest);
    lp_buf_done(&w->all);
    lp_arena_done(&w->arena);
    free(w->folder);
    free(w->file);
}

/* Rows of the file, found or not, and that it is whole. */
static int64_t rows_of(world *w)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open_v2(w->file, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    CHECK(w, strcmp((const char *)sqlite3_column_text(s, 0), "ok") == 0, "integrity_check: %s",
          sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT (SELECT count(*) FROM entry) + count(*) "
                                        "FROM bucket",
                                        -1, &s, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t rows = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return rows;
}

/* ---- rounds ---- */

static unsigned failures;

/* What failed has left nothing that anybody sees, and can be tried again. */
static bool again(world *w)
{
    crash_disk_plan(CRASH_NONE, 0);
    CHECK(w, what_it_holds(w) == NOTHING, "it failed, and there is something");
    if (draw(w, 2))
        return false;
    loop_error *e = take_over(w);
    CHECK(w, !e, "it does not work again: %s", loop_error_message(e));
    return true;
}

static void one_round(uint64_t seed, bool relaxed, crash_kind kind)
{
    world w;
    make_world(&w, seed, relaxed);
    crash_disk_plan(kind, 1 + draw(&w, draw(&w, 2) ? 30 : 1000));
    loop_error *e = take_over(&w);
    bool taken = !e, fails = e != NULL;
    CHECK(&w, taken || crash_disk_hit(), "nothing failed: %s", loop_error_message(e));
    loop_error_delete(e);
    failures += fails;
    if (fails && kind != CRASH_POWER)
        taken = again(&w);
    crash_disk_plan(CRASH_POWER, 1); /* if there was no cut before */
    close_new(&w);
    crash_disk_restart();
    crash_disk_plan(CRASH_NONE, 0);
    open_new(&w);
    holds h = what_it_holds(&w);
    CHECK(&w, h == ALL || (h == NOTHING && !taken), "it was %s, and the power cut left %s",
          taken ? "taken" : "not taken", h == NOTHING ? "nothing" : "something else");
    if (h == NOTHING) {
        close_new(&w);
        CHECK(&w, rows_of(&w) == 0, "rows that nobody finds");
        open_new(&w);
        e = take_over(&w);
        CHECK(&w, !e && what_it_holds(&w) == ALL, "it cannot be tried again");
    }
    close_new(&w);
    assert_true(rows_of(&w) > 0 || w.all.len - header_of(&w.all) == 2);
    remove_world(&w);
}

static void rounds(bool relaxed, crash_kind kind)
{
    const char *many = lp_os_getenv("STORE_CRASHES"), *first = lp_os_getenv("STORE_SEED");
    unsigned n = many ? (unsigned)strtoul(many, NULL, 10) : 60;
    uint64_t seed = first ? strtoull(first, NULL, 10) : 1;
    failures = 0;
    for (unsigned i = 0; i < n; i++)
        one_round(seed + i, relaxed, kind);
    assert_true(n < 30 || (failures > n / 10 && failures < n)); /* both were tried */
}

static void a_power_cut_leaves_all_or_nothing(void **state)
{
    rounds(false, CRASH_POWER);
    rounds(true, CRASH_POWER);
}

static void a_disk_that_fails_once_leaves_all_or_nothing(void **state)
{
    rounds(false, CRASH_IO);
    rounds(true, CRASH_IO);
}

static void a_full_disk_leaves_nothing(void **state)
{
    rounds(false, CRASH_FULL);
    rounds(true, CRASH_FULL);
}

/* ---- quiet ---- */

/* Whether the last of some writes is there after a power cut. */
static bool survives(uint64_t seed, bool quiesce)
{
    world w;
    make_world(&w, seed, true);
    lp_store_caller who = caller("one", 64 << 20, &w.arena);
    loop_string version;
    option_entry e = {0};
    assert_null(lp_store_set(w.new, &who, BUCKET, bytes_of("k"), bytes_of("first"), &version));
    assert_null(lp_store_set(w.new, &who, BUCKET, bytes_of("k"), bytes_of("last"), &version));
    if (quiesce)
        assert_null(lp_store_quiesce(w.new));
    crash_disk_plan(CRASH_POWER, 1);
    close_new(&w);
    crash_disk_restart();
    crash_disk_plan(CRASH_NONE, 0);
    open_new(&w);
    assert_null(lp_store_get(w.new, &who, BUCKET, bytes_of("k"), &e));
    bool there = e.is_some && e.value.value.len == 4;
    close_new(&w);
    remove_world(&w);
    return there;
}

static void what_was_acknowledged_lasts_once_it_is_quiet(void **state)
{
    unsigned lost = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        assert_true(survives(seed, true));
        lost += !survives(seed, false);
    }
    assert_true(lost > 0); /* else this says nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_power_cut_leaves_all_or_nothing),
        cmocka_unit_test(a_disk_that_fails_once_leaves_all_or_nothing),
        cmocka_unit_test(a_full_disk_leaves_nothing),
        cmocka_unit_test(what_was_acknowledged_lasts_once_it_is_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
