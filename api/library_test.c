/*
 * api/library_test.c: loop_host_library_add as a program of one's own uses it: what a library is
 * to several hosts and components, how long it stays, and that a refused one leaves nothing.
 * What it is refused for is in tests/golden/library.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "loop/host.h"

#define SHOUT LIBRARIES "/shout.so"          /* tests/libraries/shout.c */
#define SAID "signed in with token=abc123\n" /* by tests/guests/c/log-all.c */
#define NAMELESS LIBRARIES "/nameless.so"

static bool is_loaded(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    if (handle)
        dlclose(handle);
    return handle != NULL;
}

static loop_host *host_new(void)
{
    loop_host *h;
    assert_null(
        loop_host_new(&(loop_host_options){.no_cache = true, .log_level = LOOP_LOG_INFO}, &h));
    return h;
}

static const char *add(loop_host *h, const char *path)
{
    const char *name = NULL;
    loop_error *e = loop_host_library_add(h, path, &name);
    if (e)
        fail_msg("%s", loop_error_format(e));
    return name;
}

/* ---- what the library writes to stderr, which it shares with this program ---- */

static int real_stderr;
static FILE *written;

static void catch_stderr(void)
{
    written = tmpfile();
    assert_non_null(written);
    real_stderr = dup(STDERR_FILENO);
    dup2(fileno(written), STDERR_FILENO);
}

static void check_stderr(const char *expected)
{
    char got[1024] = {0};
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    rewind(written);
    fread(got, 1, sizeof got - 1, written);
    fclose(written);
    assert_string_equal(got, expected);
}

/* ---- components that log ---- */

static void run(loop_host *h, const char *name)
{
    const char *folder = getenv("LOOP_TEST_GUESTS");
    char path[4096];
    snprintf(path, sizeof path, "%s/log-all.wasm", folder ? folder : "build/guests");
    loop_component *component;
    loop_instance *instance;
    loop_result result;
    const char *const args[] = {name, "secret", NULL};
    assert_null(loop_component_open(h, path, &component));
    assert_null(loop_instance_new(h, component,
                                  &(loop_instance_options){.name = name, .args = args}, &instance));
    loop_error *e = loop_instance_run(instance, &result);
    if (e)
        fail_msg("%s", loop_error_format(e));
    loop_instance_delete(instance);
    loop_component_delete(component);
}

static void bind_to(loop_host *h, const char *component, const char *prefix)
{
    const char *const options[] = {"prefix", prefix, NULL};
    const loop_link link = {"shout", options};
    assert_null(loop_host_bind_chain(h, component, "loop:core/logging", &link, 1));
}

/* ---- the tests ---- */

static void a_library_is_one_provider_however_it_is_named(void **state)
{
    (void)state;
    loop_host *h = host_new();
    size_t before = 0, after = 0;
    while (loop_host_provider_at(h, before))
        before++;
    const char *name = add(h, SHOUT);
    assert_string_equal(name, "shout");
    assert_ptr_equal(add(h, LIBRARIES "/../tests/./shout.so"), name);
    while (loop_host_provider_at(h, after))
        after++;
    assert_int_equal(after, before + 1);
    loop_host_delete(h);
    assert_false(is_loaded(SHOUT));
}

/* Each of two sets of options is an object, opened when its first component starts. */
static void one_library_serves_with_several_sets_of_options(void **state)
{
    (void)state;
    catch_stderr();
    loop_host *h = host_new();
    add(h, SHOUT);
    bind_to(h, "a", "A:");
    bind_to(h, "b", "B:");
    bind_to(h, "c", "A:");
    run(h, "a");
    run(h, "b");
    run(h, "c");
    loop_host_delete(h);
    check_stderr("shout: loaded\nshout: open\nA: " SAID "shout: open\nB: " SAID "A: " SAID
                 "shout: close B:\nshout: close A:\nshout: unloaded\n");
}

static void hosts_share_a_library_and_the_last_one_closes_it(void **state)
{
    (void)state;
    loop_host *first = host_new(), *second = host_new();
    add(first, SHOUT);
    add(second, SHOUT);
    bind_to(first, NULL, "1");
    bind_to(second, NULL, "2");
    run(first, "a");
    loop_host_delete(first);
    assert_true(is_loaded(SHOUT));
    catch_stderr();
    run(second, "a");
    loop_host_close(second);
    assert_true(is_loaded(SHOUT)); /* closed providers, not code that somebody may stand in */
    loop_host_delete(second);
    check_stderr("shout: open\n2 " SAID "shout: close 2\nshout: unloaded\n");
    assert_false(is_loaded(SHOUT));
}

/* It is in the list of providers, and serves nobody who was not bound to it. */
static void a_library_takes_no_interface_by_being_there(void **state)
{
    (void)state;
    catch_stderr();
    loop_host *h = host_new();
    add(h, SHOUT);
    run(h, "a");
    loop_host_delete(h);
    char got[1024] = {0};
    rewind(written);
    fread(got, 1, sizeof got - 1, written);
    fseek(written, 0, SEEK_SET);
    assert_int_equal(ftruncate(fileno(written), 0), 0);
    check_stderr("");
    assert_non_null(strstr(got, "a/")); /* the provider that is linked in said so */
    assert_null(strstr(got, "open"));
}

static void one_that_is_refused_is_not_kept(void **state)
{
    (void)state;
    loop_host *h = host_new();
    const char *name = "untouched";
    assert_null(loop_library_look(NAMELESS)); /* nothing to see from outside */
    assert_false(is_loaded(NAMELESS));
    loop_error *e = loop_host_library_add(h, NAMELESS, &name);
    assert_int_equal(loop_error_code(e), LOOP_INVALID);
    assert_string_equal(name, "untouched");
    loop_error_delete(e);
    assert_false(is_loaded(NAMELESS));
    e = loop_host_library_add(h, "/nowhere/x.so", &name);
    assert_int_equal(loop_error_code(e), LOOP_NOT_FOUND);
    loop_error_delete(e);
    e = loop_library_look(LIBRARIES);
    assert_int_equal(loop_error_code(e), LOOP_IO);
    loop_error_delete(e);
    assert_string_equal(add(h, SHOUT), "shout"); /* the host is as good as before */
    loop_host_delete(h);
    remove("ran"); /* which NAMELESS leaves when it is loaded */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_library_is_one_provider_however_it_is_named),
        cmocka_unit_test(one_library_serves_with_several_sets_of_options),
        cmocka_unit_test(hosts_share_a_library_and_the_last_one_closes_it),
        cmocka_unit_test(a_library_takes_no_interface_by_being_there),
        cmocka_unit_test(one_that_is_refused_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
