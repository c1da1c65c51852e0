/*
 * providers/sqlite/kill_test.c: hosts that are killed while they write.
 *
 * A run is two processes that write to one file as fast as they can, each as an identity of
 * its own; at a random moment one is killed (SIGKILL), a little later the other. What was
 * acknowledged stands in memory that they share with us. Then the store is opened: a batch
 * whose call had returned is there, whole and with its version; the one that was under way
 * is there whole or not at all; and nothing else is. STORE_KILLS is the number of runs, on one
 * file, so that each begins with what the one before left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "base/os/os.h"
#include "providers/sqlite/store.h"
#include "providers/storage/fixture_test.h"

#define WRITERS 2
#define SLOTS 16 /* keys; batch i writes slot i % SLOTS and "last" */

typedef struct ledger {
    _Atomic uint64_t begun, acknowledged;
    char version[2][LP_MAX_STORE_VERSION + 1]; /* of "last" in batch i, at i % 2 */
} ledger;

static const char *const identities[WRITERS] = {"one", "two"};

typedef struct world {
    char *folder, *file;
    ledger *shared; /* WRITERS */
    uint64_t seed;
} world;

static uint32_t draw(world *w, uint32_t below)
{
    w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(w->seed >> 33) % below;
}

/* The value of batch `i` in its slot: from nothing to a few pages. */
static loop_list_u8 value_of_batch(lp_arena *arena, uint64_t i)
{
    size_t n = 8 + i * 7919 % 9000;
    uint8_t *p = lp_arena_alloc(arena, n);
    memcpy(p, &i, 8);
    for (size_t at = 8; at < n; at++)
        p[at] = (uint8_t)(i * 31 + at);
    return (loop_list_u8){p, n};
}

static loop_list_u8 slot_key(lp_arena *arena, uint64_t i)
{
    char *text = lp_arena_alloc(arena, 24);
    snprintf(text, 24, "slot-%02u", (unsigned)(i % SLOTS));
    return bytes_of(text);
}

/* ---- the process that is killed ---- */

static bool write_batch(lp_store *s, const char *identity, ledger *l, lp_arena *arena)
{
    uint64_t i = l->begun + 1;
    lp_store_caller who = caller(identity, 64 << 20, arena);
    operation o[2] = {{.key = slot_key(arena, i)}, {.key = bytes_of("last")}};
    o[0].change.of.set = value_of_batch(arena, i);
    o[1].change.of.set = (loop_list_u8){(const uint8_t *)&i, sizeof i};
    l->begun = i;
    loop_storage_store_batch_outcome r = {0};
    loop_error *e = lp_store_apply(s, &who, BUCKET, (loop_storage_store_list_operation){o, 2}, &r);
    if (e) {
        fprintf(stderr, "%s\n", loop_error_message(e));
        return false;
    }
    loop_string v = r.of.applied.ptr[1].value;
    memcpy(l->version[i % 2], v.ptr, v.len);
    l->version[i % 2][v.len] = 0;
    l->acknowledged = i;
    lp_arena_reset(arena, 1 << 20);
    return true;
}

static void be_writer(const char *file, const char *identity, ledger *l)
{
    lp_store *s;
    lp_arena arena = {0};
    l->begun = (uint64_t)l->acknowledged; /* what the check left */
    loop_error *e = lp_sqlite_open(&(lp_sqlite_options){.file = file}, &s);
    if (e) {
        fprintf(stderr, "%s", loop_error_format(e));
        _exit(2);
    }
    while (write_batch(s, identity, l, &arena))
        continue;
    _exit(3);
}

/* ---- what is left ---- */

static option_entry read_key(lp_store *s, const lp_store_caller *who, loop_list_u8 key)
{
    option_entry e = {0};
    assert_null(lp_store_get(s, who, BUCKET, key, &e));
    return e;
}

/* Every slot has the last of its batches up to `last`, and there is no other key. */
static void check_slots(lp_store *s, const lp_store_caller *who, lp_arena *arena, uint64_t last)
{
    uint64_t bytes = last ? 4 + 8 : 0;
    for (uint64_t i = last > SLOTS ? last - SLOTS + 1 : 1; i <= last; i++) {
        loop_list_u8 good = value_of_batch(arena, i), key = slot_key(arena, i);
        option_entry e = read_key(s, who, key);
        assert_true(e.is_some);
        assert_int_equal(lp_store_compare(good.ptr, good.len, e.value.value.ptr, e.value.value.len),
                         0);
        bytes += key.len + good.len;
    }
    loop_storage_store_usage u = {0};
    assert_null(lp_store_usage(s, who, &u));
    assert_int_equal(u.bytes_used, bytes);
}

static void check_writer(lp_store *s, const char *identity, ledger *l)
{
    lp_arena arena = {0};
    lp_store_caller who = caller(identity, 64 << 20, &arena);
    option_entry e = read_key(s, &who, bytes_of("last"));
    uint64_t last = 0;
    if (e.is_some)
        memcpy(&last, e.value.value.ptr, sizeof last);
    if (last < l->acknowledged || last > l->begun)
        fail_msg("%s: %llu was acknowledged, %llu begun, %llu is there", identity,
                 (unsigned long long)l->acknowledged, (unsigned long long)l->begun,
                 (unsigned long long)last);
    if (last && last == l->acknowledged)
        assert_true(loop_string_is(e.value.version, l->version[last % 2]));
    check_slots(s, &who, &arena, last);
    if (last > l->acknowledged) { /* nobody was told its version */
        memcpy(l->version[last % 2], e.value.version.ptr, e.value.version.len);
        l->version[last % 2][e.value.version.len] = 0;
    }
    l->acknowledged = l->begun = last;
    lp_arena_done(&arena);
}

static void check_integrity(const char *file)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(s, 0), "ok");
    sqlite3_finalize(s);
    sqlite3_close(db);
}

/* ---- runs ---- */

static void wait_killed(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void one_run(world *w)
{
    pid_t pids[WRITERS];
    unsigned first = draw(w, WRITERS);
    for (unsigned i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (!pids[i])
            be_writer(w->file, identities[i], &w->shared[i]);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        usleep(draw(w, 50000)); /* also before they have opened it */
        pid_t pid = pids[(first + i) % WRITERS];
        assert_int_equal(kill(pid, SIGKILL), 0);
        wait_killed(pid);
    }
    lp_store *s;
    assert_null(lp_sqlite_open(&(lp_sqlite_options){.file = w->file}, &s));
    for (unsigned i = 0; i < WRITERS; i++)
        check_writer(s, identities[i], &w->shared[i]);
    s->engine->close(s);
    check_integrity(w->file);
}

static void a_host_that_is_killed_loses_nothing_acknowledged(void **state)
{
    (void)state;
    const char *base = lp_os_getenv("TMPDIR"), *many = lp_os_getenv("STORE_KILLS");
    unsigned runs = many ? (unsigned)strtoul(many, NULL, 10) : 20;
    world w = {.seed = (uint64_t)lp_os_now_ns()};
    w.folder = lp_format("%s/loop-kill-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(w.folder));
    w.file = lp_format("%s/store.db", w.folder);
    w.shared = mmap(NULL, WRITERS * sizeof *w.shared, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(w.shared != MAP_FAILED);
    uint64_t written = 0;
    for (unsigned i = 0; i < runs; i++)
        one_run(&w);
    for (unsigned i = 0; i < WRITERS; i++)
        written += w.shared[i].acknowledged;
    assert_true(runs == 0 || written > 0);
    print_message("%u runs, %llu batches\n", runs, (unsigned long long)written);
    munmap(w.shared, WRITERS * sizeof *w.shared);
    lp_auto(lp_free_string) char *command = lp_format("rm -rf '%s'", w.folder);
    assert_int_equal(system(command), 0);
    free(w.folder);
    free(w.file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_that_is_killed_loses_nothing_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
