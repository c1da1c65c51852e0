/*
 * host/rebuilt_test.c: a library that is built again at the same path while the old one is in use:
 * what is loaded, what is refused before it runs, when the old one goes, and that this may happen
 * any number of times. On files as a linker writes them, copied over each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/internal.h"

static char folder[512], path[600], log_path[600];
static char said[1024]; /* by the host */

/* ---- files ---- */

static char *read_all(const char *from, size_t *ret_n)
{
    uint8_t *bytes;
    loop_error *e = lp_os_read_file(from, 64u << 20, &bytes, ret_n);
    if (e)
        fail_msg("%s", loop_error_message(e));
    return (char *)bytes;
}

/* In place: the same inode, never empty (that would end who runs from it). */
static void write_over(const char *to, const char *bytes, size_t n)
{
    FILE *f = fopen(to, lp_os_exists(to) ? "r+" : "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void put_bytes(const char *bytes, size_t n)
{
    char beside[640];
    snprintf(beside, sizeof beside, "%s.new", path);
    write_over(beside, bytes, n);
    assert_int_equal(rename(beside, path), 0);
}

/* A module of tests/meson.build takes the place of what is at the path, as `mv` does it. */
static void put(const char *module)
{
    char from[600];
    size_t n;
    snprintf(from, sizeof from, "%s/%s.so", LIBRARIES, module);
    char *bytes = read_all(from, &n);
    put_bytes(bytes, n);
    free(bytes);
}

static void check_ran(const char *expected)
{
    size_t n = 0;
    char *text = lp_os_exists(log_path) ? read_all(log_path, &n) : strdup("");
    assert_string_equal(text, expected);
    free(text);
    remove(log_path);
}

/* How often `what` is in a line of what this process has mapped. */
static int mapped(const char *what)
{
    char line[1024];
    int n = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        n += strstr(line, folder) && strstr(line, what);
    fclose(f);
    return n;
}

static bool old_is_mapped(void)
{
    return mapped(" (deleted)") > 0;
}

/* ---- hosts ---- */

static void on_log(void *data, const loop_log_entry *entry)
{
    (void)data;
    snprintf(said, sizeof said, "%s", entry->message);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s/rebuilt-XXXXXX", LIBRARIES);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/version.so", folder);
    snprintf(log_path, sizeof log_path, "%s/log", folder);
    setenv("VERSION_LOG", log_path, 1);
    *said = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    const struct dirent *entry;
    DIR *d = opendir(folder);
    while ((entry = readdir(d)))
        unlinkat(dirfd(d), entry->d_name, 0);
    closedir(d);
    return rmdir(folder);
}

static loop_host *host_new(void)
{
    loop_host *h;
    assert_null(loop_host_new(
        &(loop_host_options){.no_cache = true, .log = on_log, .log_level = LOOP_LOG_WARN}, &h));
    return h;
}

static struct lp_table *add(loop_host *h)
{
    const char *name = NULL;
    loop_error *e = loop_host_library_add(h, path, &name);
    if (e)
        fail_msg("%s", loop_error_format(e));
    return lp_find_table(h, name);
}

static struct lp_table *renew(loop_host *h, struct lp_table *t)
{
    struct lp_table *new = NULL;
    loop_error *e = lp_table_renew(h, t, &new);
    if (e)
        fail_msg("%s", loop_error_format(e));
    return new;
}

/* The new one takes over, and the old one goes. */
static struct lp_table *swap(loop_host *h, struct lp_table *old)
{
    struct lp_table *new = renew(h, old);
    assert_ptr_not_equal(new, old);
    lp_table_publish(h, old, new);
    assert_true(lp_table_drop(h, old));
    return new;
}

static void refused(loop_host *h, struct lp_table *t, loop_code code, const char *why)
{
    struct lp_table *new = NULL;
    loop_error *e = lp_table_renew(h, t, &new);
    assert_non_null(e);
    lp_auto(lp_free_string) char *text = loop_error_format(e);
    if (loop_error_code(e) != code || !strstr(text, why))
        fail_msg("%d: %s", (int)loop_error_code(e), text);
    assert_null(new);
    loop_error_delete(e);
}

/* ---- the tests ---- */

static void a_rebuilt_library_is_another_one_beside_the_old(void **state)
{
    (void)state;
    put("version1");
    loop_host *h = host_new();
    struct lp_table *old = add(h);
    put("version2");
    struct lp_table *new = renew(h, old);
    assert_ptr_not_equal(new->table, old->table);
    assert_string_equal(new->table->name, "version");
    assert_string_equal(old->table->summary, "version 1"); /* both are there */
    assert_string_equal(new->table->summary, "version 2");
    assert_true(old_is_mapped());
    check_ran("+1 +2 ");
    lp_table_publish(h, old, new);
    assert_true(lp_table_drop(h, old));
    check_ran("-1 ");
    assert_false(old_is_mapped());
    assert_true(mapped("/version.so") > 0);
    put("version1");
    swap(h, new);
    check_ran("+1 -2 ");
    assert_string_equal(lp_find_table(h, "version")->table->summary, "version 1");
    assert_false(old_is_mapped());
    loop_host_delete(h);
    check_ran("-1 ");
    assert_int_equal(mapped("/version.so"), 0);
    assert_string_equal(said, "");
}

/* As long as an object uses the old one, and longer than that where nobody drops it. */
static void several_versions_are_there_at_a_time(void **state)
{
    (void)state;
    put("version1");
    loop_host *h = host_new();
    struct lp_table *t[4] = {add(h)};
    struct lp_provider *p[4];
    for (size_t i = 0; i < 4; i++) {
        assert_null(lp_object_new(h, t[i], NULL, &p[i]));
        if (i == 3)
            break;
        put(i % 2 ? "version1" : "version2");
        t[i + 1] = renew(h, t[i]);
        lp_table_publish(h, t[i], t[i + 1]);
        assert_false(lp_table_drop(h, t[i]));
    }
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(t[i]->table->summary, i % 2 ? "version 2" : "version 1");
    check_ran("+1 +2 +1 +2 ");
    lp_object_delete(p[1]);
    assert_true(lp_table_drop(h, t[1]));
    check_ran("-2 ");
    loop_host_delete(h);
    check_ran("-1 -1 -2 "); /* the retired ones, then the one in use */
    assert_int_equal(mapped("/version.so"), 0);
}

static void a_file_that_is_the_same_is_not_loaded_again(void **state)
{
    (void)state;
    put("version1");
    loop_host *h = host_new();
    struct lp_table *t = add(h);
    assert_ptr_equal(renew(h, t), t);
    size_t n;
    char *bytes = read_all(path, &n);
    write_over(path, bytes, n); /* as `touch` does */
    assert_ptr_equal(renew(h, t), t);
    check_ran("+1 ");
    put_bytes(bytes, n); /* built again, and nothing new: another file all the same */
    free(bytes);
    swap(h, t);
    check_ran("+1 -1 ");
    loop_host_delete(h);
    check_ran("-1 ");
}

static void a_file_that_was_changed_in_place_is_refused(void **state)
{
    (void)state;
    put("version1");
    loop_host *h = host_new();
    struct lp_table *t = add(h);
    size_t n, place = 0;
    char *bytes = read_all(path, &n);
    while (memcmp(bytes + place, "version 1", 9) != 0)
        place++;
    bytes[place + 8] = '3'; /* a page of constants, of the same size */
    write_over(path, bytes, n);
    refused(h, t, LOOP_INVALID, "changed in place");
    refused(h, t, LOOP_INVALID, "mv");
    loop_host *other = host_new();
    const char *name = NULL;
    loop_error *e = loop_host_library_add(other, path, &name);
    assert_int_equal(loop_error_code(e), LOOP_INVALID);
    loop_error_delete(e);
    loop_host_delete(other);
    bytes[place + 8] = '1'; /* put right */
    write_over(path, bytes, n);
    assert_ptr_equal(renew(h, t), t);
    free(bytes);
    check_ran("+1 ");
    put("version2"); /* and a new file is fine */
    swap(h, t);
    check_ran("+2 -1 ");
    loop_host_delete(h);
    check_ran("-2 ");
}

static void what_is_wrong_is_refused_before_it_runs(void **state)
{
    (void)state;
    put("version1");
    loop_host *h = host_new();
    struct lp_table *t = add(h);
    assert_int_equal(remove(path), 0);
    refused(h, t, LOOP_NOT_FOUND, "there is no such file");
    put_bytes("#!/bin/sh\n", 10);
    refused(h, t, LOOP_INVALID, "");
    size_t n;
    char *bytes = read_all(LIBRARIES "/version2.so", &n);
    for (size_t cut = 0; cut < n / 2; cut += n / 16) { /* behind that are notes for debuggers */
        put_bytes(bytes, cut);
        refused(h, t, LOOP_INVALID, "");
    }
    free(bytes);
    put("version_abi");
    refused(h, t, LOOP_INVALID, "this loop has ABI");
    put("version_bare");
    refused(h, t, LOOP_INVALID, "exports no provider");
    put("version2");
    assert_int_equal(chmod(path, 0777), 0);
    refused(h, t, LOOP_DENIED, "others can write");
    check_ran("+1 ");
    put("nameless"); /* loaded to be looked at, and gone again */
    refused(h, t, LOOP_INVALID, "name");
    assert_int_equal(mapped("/version.so"), mapped(" (deleted)"));
    put("version_renamed"); /* to what the host has */
    refused(h, t, LOOP_INVALID, "'logging' already");
    check_ran("+4 -4 ");
    assert_string_equal(lp_find_table(h, "version")->table->summary, "version 1");
    put("version2");
    swap(h, t);
    check_ran("+2 -1 ");
    loop_host_delete(h);
    remove("ran"); /* which nameless leaves when it is loaded */
}

/* What was looked at is what is loaded. */
static void a_file_that_is_replaced_meanwhile_is_refused(void **state)
{
    (void)state;
    char next[640];
    put("version1");
    loop_host *h = host_new();
    struct lp_table *t = add(h);
    put("version2");
    snprintf(next, sizeof next, "%s/next.so", folder);
    assert_int_equal(rename(path, next), 0);
    put("version2");
    setenv("VERSION_MOVE", next, 1);
    setenv("VERSION_PATH", path, 1);
    refused(h, t, LOOP_INVALID, "replaced while it was loaded");
    unsetenv("VERSION_MOVE");
    check_ran("+1 +2 -2 ");
    swap(h, t);
    check_ran("+2 -1 ");
    loop_host_delete(h);
}

/* The old one is in use elsewhere: what lies at the path counts, not its name. */
static void each_host_gets_the_file_as_it_is(void **state)
{
    (void)state;
    put("version1");
    loop_host *first = host_new(), *second = host_new(), *third = host_new();
    struct lp_table *a = add(first), *b = add(second);
    assert_ptr_equal(a->table, b->table);
    put("version2");
    assert_string_equal(add(third)->table->summary, "version 2");
    assert_ptr_equal(add(first), a); /* one is there of that path: a swap's affair */
    check_ran("+1 +2 ");
    a = swap(first, a);
    check_ran("");
    assert_ptr_equal(a->table, lp_find_table(third, "version")->table);
    swap(second, b);
    check_ran("-1 ");
    assert_false(old_is_mapped());
    loop_host_delete(third);
    loop_host_delete(first);
    check_ran("");
    loop_host_delete(second);
    check_ran("-2 ");
}

/* The path that was named is followed again. */
static void a_link_may_lead_to_the_new_one(void **state)
{
    (void)state;
    char real[2][640];
    for (int i = 0; i < 2; i++) {
        snprintf(real[i], sizeof real[i], "%s/version-%d.so", folder, i + 1);
        put(i ? "version2" : "version1");
        assert_int_equal(rename(path, real[i]), 0);
    }
    assert_int_equal(symlink(real[0], path), 0);
    loop_host *h = host_new();
    struct lp_table *t = add(h);
    assert_int_equal(remove(path), 0);
    assert_int_equal(symlink(real[1], path), 0);
    t = swap(h, t);
    assert_string_equal(t->table->summary, "version 2");
    assert_int_equal(mapped("/version-1.so"), 0);
    loop_host_delete(h);
    check_ran("+1 +2 -1 -2 ");
}

static void one_that_cannot_be_unloaded_is_told(void **state)
{
    (void)state;
    put("version_stays");
    loop_host *h = host_new();
    struct lp_table *t = add(h);
    put("version1");
    t = swap(h, t);
    assert_non_null(strstr(said, "stays in memory"));
    assert_true(old_is_mapped());
    assert_string_equal(t->table->summary, "version 1");
    *said = 0;
    put("version2");
    swap(h, t);
    assert_string_equal(said, "");
    check_ran("+5 +1 +2 -1 ");
    loop_host_delete(h);
    check_ran("-2 ");
}

static void so_many_of_these_and_no_more(void **state)
{
    (void)state;
    unsetenv("VERSION_LOG");
    put("version_stays");
    loop_host *h = host_new();
    struct lp_table *t = add(h);
    for (int i = 1; i < LP_MAX_LIBRARY_VERSIONS; i++) {
        put("version_stays");
        t = swap(h, t);
    }
    put("version1");
    refused(h, t, LOOP_LIMIT, "stay in memory");
    loop_host_delete(h);
}

/* ---- several threads ---- */

static _Atomic bool over;
static _Atomic int swapped;

static void swap_on_and_on(void *data)
{
    loop_host *h = data;
    struct lp_table *t = lp_find_table(h, "version"), *new = NULL;
    while (!over) {
        loop_error *e = lp_table_renew(h, t, &new);
        if (e) { /* of a moment when another file came */
            const char *why = loop_error_message(loop_error_cause(e));
            if (!strstr(why, "replaced while")) {
                fprintf(stderr, "%s\n", why);
                abort();
            }
            loop_error_delete(e);
            continue;
        }
        if (new != t) {
            lp_os_mutex_lock(h->finding);
            lp_table_publish(h, t, new);
            lp_os_mutex_unlock(h->finding);
            if (!lp_table_drop(h, t))
                abort();
            swapped++;
        }
        t = new;
    }
}

static void hosts_of_several_threads_swap_at_once(void **state)
{
    (void)state;
    unsetenv("VERSION_LOG");
    put("version1");
    loop_host *h[3];
    lp_os_thread *thread[3];
    over = false;
    swapped = 0;
    for (size_t i = 0; i < 3; i++) {
        h[i] = host_new();
        add(h[i]);
    }
    for (size_t i = 0; i < 3; i++)
        assert_null(lp_os_thread_start(swap_on_and_on, h[i], 0, &thread[i]));
    for (int i = 0; swapped < 300; i++)
        put(i % 2 ? "version1" : "version2");
    over = true;
    for (size_t i = 0; i < 3; i++)
        lp_os_thread_join(thread[i]);
    for (size_t i = 0; i < 3; i++)
        loop_host_delete(h[i]);
    assert_int_equal(mapped("/version.so"), 0);
}

/* ---- any number of times ---- */

static int open_files(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static size_t memory_kib(void)
{
    size_t pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_int_equal(fscanf(f, "%*u %zu", &pages), 1);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void memory_and_files_stay_flat(void **state)
{
    (void)state;
    const char *wanted = getenv("LOOP_TEST_ROUNDS");
    int rounds = wanted ? atoi(wanted) : 1000, warm = 100;
    unsetenv("VERSION_LOG");
    put("version1");
    loop_host *h = host_new();
    struct lp_table *t = add(h);
    size_t memory = 0;
    int files = 0, maps = 0;
    uint64_t start = 0;
    for (int i = 0; i < warm + rounds; i++) {
        if (i == warm) {
            memory = memory_kib();
            files = open_files();
            maps = mapped("");
            start = lp_os_now_ns();
        }
        put(i % 2 ? "version1" : "version2");
        t = swap(h, t);
        assert_string_equal(t->table->summary, i % 2 ? "version 1" : "version 2");
    }
    size_t grown = memory_kib() > memory ? memory_kib() - memory : 0;
    print_message("%d rounds: %zu KiB more than after %d, %llu us a round\n", rounds, grown, warm,
                  (unsigned long long)((lp_os_now_ns() - start) / 1000 / (uint64_t)rounds));
    assert_int_equal(open_files(), files);
    assert_int_equal(mapped(""), maps);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* which keep what was freed   \
                                                                     */
    assert_in_range(grown, 0, 512);
#endif
    loop_host_delete(h);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_rebuilt_library_is_another_one_beside_the_old),
        TEST(several_versions_are_there_at_a_time),
        TEST(a_file_that_is_the_same_is_not_loaded_again),
        TEST(a_file_that_was_changed_in_place_is_refused),
        TEST(what_is_wrong_is_refused_before_it_runs),
        TEST(a_file_that_is_replaced_meanwhile_is_refused),
        TEST(hosts_of_several_threads_swap_at_once),
        TEST(each_host_gets_the_file_as_it_is),
        TEST(a_link_may_lead_to_the_new_one),
        TEST(one_that_cannot_be_unloaded_is_told),
        TEST(memory_and_files_stay_flat),
        TEST(so_many_of_these_and_no_more), /* last: it leaves them behind */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
