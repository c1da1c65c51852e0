/*
 * packages/cache_kill_test.c: processes that are killed while they fill the cache.
 *
 * Three processes fetch the same blobs at the same time, in pieces, one of them with wrong bytes
 * now and then, and one cleans; at a random moment one of them is killed (SIGKILL), and another
 * takes its place. After each: whatever has a name in blobs/ has that digest, every blob that
 * somebody was told is there is there, and in the end all blobs come. CACHE_KILLS is the number of
 * kills, on one cache, so that each begins with what the one before left.
 *
 * It catches: a rename before all is written, a partial file that two write, a lock that outlives
 * its process or is taken on a file that has another name by now, a partial file that nobody can go
 * on with.
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
#include <stdatomic.h>

#include "packages/cache.h"

#define WRITERS 3
#define BLOBS 8
#define REGISTRY "http:https://example.com/packages"

struct shared {
    _Atomic uint32_t committed[BLOBS]; /* how often */
    _Atomic uint32_t found[BLOBS];
};

static char folder[64];
static struct shared *shared;
static uint64_t seed = 42;

static uint32_t draw(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

/* The i-th blob: a few bytes to a megabyte. */
static size_t size_of(size_t i)
{
    return 10 + i * i * 20000;
}

static void bytes_of(size_t i, uint8_t *ret)
{
    for (size_t k = 0; k < size_of(i); k++)
        ret[k] = (uint8_t)(k * 31 + i + (k >> 8));
}

static void must(loop_error *e, const char *what)
{
    if (!e)
        return;
    fprintf(stderr, "%s: %s\n", what, loop_error_message(e));
    _exit(1);
}

/* ---- the process that is killed ---- */

static void fetch(lp_cache *c, size_t i, const uint8_t *bytes, const char *digest, bool wrong)
{
    lp_cache_writer *w;
    uint64_t have;
    must(lp_cache_begin(c, REGISTRY, digest, &w, &have), "begin");
    if (!w) {
        shared->found[i]++;
        return;
    }
    size_t size = size_of(i);
    uint64_t before = have;
    if (have > size || draw(8) == 0) {
        must(lp_cache_restart(w), "restart");
        have = before = 0;
    }
    while (have < size) {
        size_t n = LP_MIN(1 + (size_t)draw(70000), size - (size_t)have);
        uint8_t last = bytes[have + n - 1] ^ (wrong && have + n == size);
        must(lp_cache_write(w, bytes + have, n - 1), "write");
        must(lp_cache_write(w, &last, 1), "write");
        have += n;
        if (draw(12) == 0) {
            lp_cache_abandon(w);
            return;
        }
    }
    wrong = wrong && before < size;
    loop_error *e = lp_cache_commit(w, size);
    if (!e)
        shared->committed[i]++;
    if (e && loop_error_code(e) != LOOP_INVALID)
        must(e, "commit");
    if (!e && wrong)
        must(loop_error_new(LOOP_INVALID, "wrong bytes were taken"), "commit");
    loop_error_delete(e);
}

/* Fetches for ever, with a use of what is there now and then. */
static _Noreturn void work(unsigned which)
{
    seed = (uint64_t)getpid() * 2654435761u;
    lp_cache *c;
    must(lp_cache_open(folder, &c), "open");
    uint8_t *bytes = lp_alloc(size_of(BLOBS));
    for (;;) {
        size_t i = draw(BLOBS);
        char digest[LOOP_SHA256_TEXT], *path;
        bytes_of(i, bytes);
        lp_sha256_of(bytes, size_of(i), digest);
        fetch(c, i, bytes, digest, which == 1 && draw(6) == 0);
        loop_error *e = lp_cache_blob(c, REGISTRY, digest, &path);
        if (!e)
            free(path);
        else if (loop_error_code(e) != LOOP_NOT_FOUND)
            must(e, "use");
        loop_error_delete(e);
        uint64_t removed;
        if (which == 2 && draw(4) == 0)
            must(lp_cache_clean(c, 0, &removed), "clean");
    }
}

static pid_t start(unsigned which)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        work(which);
    return pid;
}

/* ---- what is there afterwards ---- */

static void check_cache(lp_cache *c)
{
    loop_package_list *damaged = lp_package_list_new();
    loop_error *e = lp_cache_verify(c, false, damaged);
    assert_null(e);
    if (loop_package_list_at(damaged, 0))
        fail_msg("'%s' is in the cache and has other bytes",
                 loop_package_list_at(damaged, 0)->path);
    loop_package_list_delete(damaged);
}

static void every_blob_comes(lp_cache *c)
{
    uint8_t *bytes = lp_alloc(size_of(BLOBS));
    for (size_t i = 0; i < BLOBS; i++) {
        char digest[LOOP_SHA256_TEXT], *path;
        lp_cache_writer *w;
        uint64_t have;
        bytes_of(i, bytes);
        lp_sha256_of(bytes, size_of(i), digest);
        assert_null(lp_cache_begin(c, REGISTRY, digest, &w, &have));
        if (w && have <= size_of(i)) {
            assert_null(lp_cache_write(w, bytes + have, size_of(i) - (size_t)have));
            loop_error *e = lp_cache_commit(w, size_of(i));
            if (e) { /* the wrong byte of the second process: once more, from 0 */
                loop_error_delete(e);
                i--;
                continue;
            }
        } else if (w) {
            assert_null(lp_cache_restart(w));
            lp_cache_abandon(w);
            i--;
            continue;
        }
        assert_null(lp_cache_blob(c, REGISTRY, digest, &path));
        free(path);
    }
    free(bytes);
}

static void a_kill_leaves_no_lie(void **state)
{
    (void)state;
    const char *text = getenv("CACHE_KILLS");
    long kills = text ? atol(text) : 200;
    pid_t pids[WRITERS];
    lp_cache *c;
    assert_null(lp_cache_open(folder, &c));
    for (unsigned i = 0; i < WRITERS; i++)
        pids[i] = start(i);
    for (long k = 0; k < kills; k++) {
        usleep(draw(15000));
        unsigned i = draw(WRITERS);
        int status;
        kill(pids[i], SIGKILL);
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        if (!WIFSIGNALED(status))
            fail_msg("writer %u ended by itself", i);
        check_cache(c);
        pids[i] = start(i);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
    check_cache(c);
    uint32_t committed = 0, found = 0;
    for (size_t i = 0; i < BLOBS; i++) {
        committed += shared->committed[i];
        found += shared->found[i];
    }
    assert_true(committed > 0 && found > 0); /* it was no idle exercise */
    every_blob_comes(c);
    check_cache(c);
    print_message("%ld kills: %u blobs came whole, %u were there already\n", kills, committed,
                  found);
    lp_cache_close(c);
}

int main(void)
{
    strcpy(folder, "/tmp/loop-cache-kill-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_kill_leaves_no_lie)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) != 0 || failed;
}
