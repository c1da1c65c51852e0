/*
 * host/rerun_test.c: a sidecar whose program was built again: its command is run once more beside
 * the old process, whatever it says by then; and what is no longer used leaves no process behind.
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

static char folder[512], path[600];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s/rerun-XXXXXX", PROGRAMS);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/side", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove(path);
    return rmdir(folder);
}

/* One of the programs of tests/meson.build takes the place of what is there. */
static void put(const char *program)
{
    char from[600];
    size_t n;
    uint8_t *bytes;
    snprintf(from, sizeof from, "%s/%s", PROGRAMS, program);
    assert_null(lp_os_read_file(from, 256u << 20, &bytes, &n));
    assert_null(lp_os_write_atomic(path, bytes, n, 0755));
    free(bytes);
}

/* How many processes run the program that is at the path, or was. */
static int processes(void)
{
    int n = 0;
    const struct dirent *entry;
    DIR *d = opendir("/proc");
    assert_non_null(d);
    while ((entry = readdir(d))) {
        char link[300];
        snprintf(link, sizeof link, "/proc/%s/exe", entry->d_name);
        lp_auto(lp_free_string) char *to = lp_os_link(link);
        n += to && lp_starts_with(to, path);
    }
    closedir(d);
    return n;
}

static loop_host *host_new(void)
{
    loop_host *h;
    assert_null(
        loop_host_new(&(loop_host_options){.no_cache = true, .log_level = LOOP_LOG_ERROR}, &h));
    return h;
}

static struct lp_table *add(loop_host *h, const char *argument)
{
    const char *name = NULL;
    const char *const command[] = {path, argument, NULL};
    loop_error *e = loop_host_sidecar_add(h, &(loop_sidecar_options){command, folder}, &name);
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
    assert_ptr_not_equal(new, t);
    return new;
}

static struct lp_provider *opened(loop_host *h, struct lp_table *t)
{
    struct lp_provider *p;
    assert_null(lp_object_new(h, t, NULL, &p));
    loop_error *e = t->table->open(&p->services, &p->self);
    if (e)
        fail_msg("%s", loop_error_format(e));
    return p;
}

static void closed(struct lp_provider *p)
{
    p->table->close(p->self);
    lp_object_delete(p);
}

static void the_command_is_run_again_beside_the_old_process(void **state)
{
    (void)state;
    put("sidecar_journal");
    loop_host *h = host_new();
    struct lp_table *old = add(h, NULL);
    struct lp_provider *p = opened(h, old);
    assert_int_equal(processes(), 1);
    struct lp_table *new = renew(h, old);
    struct lp_provider *q = opened(h, new);
    assert_int_equal(processes(), 2);
    assert_string_equal(new->table->name, old->table->name);
    lp_table_publish(h, old, new);
    assert_ptr_equal(add(h, NULL), new); /* the same command is the same provider */
    assert_false(lp_table_drop(h, old));
    closed(p);
    assert_true(lp_table_drop(h, old));
    assert_int_equal(processes(), 1);
    closed(q);
    loop_host_delete(h);
    assert_int_equal(processes(), 0);
}

static void the_program_may_say_something_else(void **state)
{
    (void)state;
    put("sidecar_journal");
    loop_host *h = host_new();
    struct lp_table *old = add(h, NULL);
    lp_auto(lp_free_string) char *name = lp_strdup(old->table->name);
    const char *serves = old->table->interfaces[0].interface->name;
    put("conformance_sidecar");
    struct lp_table *new = renew(h, old);
    assert_string_not_equal(new->table->name, name);
    assert_string_not_equal(new->table->interfaces[0].interface->name, serves);
    assert_string_equal(old->table->interfaces[0].interface->name, serves);
    lp_table_publish(h, old, new);
    assert_true(lp_table_drop(h, old));
    assert_null(lp_find_table(h, name));
    loop_host_delete(h);
    assert_int_equal(processes(), 0);
}

/* Two commands that say the same name: each keeps the one it has here. */
static void a_name_of_its_own_is_kept(void **state)
{
    (void)state;
    put("sidecar_journal");
    loop_host *h = host_new();
    struct lp_table *one = add(h, NULL), *two = add(h, "two");
    lp_auto(lp_free_string) char *name = lp_strdup(two->table->name);
    assert_string_not_equal(name, one->table->name);
    struct lp_table *new = renew(h, two);
    assert_string_equal(new->table->name, name);
    lp_table_publish(h, two, new);
    assert_true(lp_table_drop(h, two));
    assert_ptr_equal(lp_find_table(h, name), new);
    new = renew(h, one);
    assert_string_equal(new->table->name, one->table->name);
    assert_true(lp_table_drop(h, new)); /* never published: a dry run */
    assert_int_equal(processes(), 2);
    loop_host_delete(h);
    assert_int_equal(processes(), 0);
}

static void what_cannot_be_started_leaves_the_old_one(void **state)
{
    (void)state;
    put("sidecar_journal");
    loop_host *h = host_new();
    struct lp_table *old = add(h, NULL), *new = NULL;
    struct lp_provider *p = opened(h, old);
    assert_int_equal(remove(path), 0);
    loop_error *e = lp_table_renew(h, old, &new);
    assert_int_equal(loop_error_code(e), LOOP_NOT_FOUND);
    loop_error_delete(e);
    assert_null(lp_os_write_atomic(path, "#!/bin/sh\nexit 3\n", 17, 0755));
    e = lp_table_renew(h, old, &new);
    assert_non_null(e);
    loop_error_delete(e);
    assert_null(new);
    assert_int_equal(processes(), 1);
    assert_ptr_equal(lp_find_table(h, old->table->name), old);
    closed(p);
    loop_host_delete(h);
    assert_int_equal(processes(), 0);
}

static int open_files(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static int threads(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void files_threads_and_processes_stay_flat(void **state)
{
    (void)state;
    put("sidecar_journal");
    loop_host *h = host_new();
    struct lp_table *t = add(h, NULL);
    struct lp_provider *p = opened(h, t);
    int files = open_files(), running = threads();
    for (int i = 0; i < 30; i++) {
        struct lp_table *new = renew(h, t);
        struct lp_provider *q = opened(h, new);
        lp_table_publish(h, t, new);
        closed(p);
        assert_true(lp_table_drop(h, t));
        t = new;
        p = q;
    }
    assert_int_equal(open_files(), files);
    assert_int_equal(threads(), running);
    assert_int_equal(processes(), 1);
    closed(p);
    loop_host_delete(h);
    assert_int_equal(processes(), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_command_is_run_again_beside_the_old_process),
        TEST(the_program_may_say_something_else),
        TEST(a_name_of_its_own_is_kept),
        TEST(what_cannot_be_started_leaves_the_old_one),
        TEST(files_threads_and_processes_stay_flat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
