/*
 * host/held_test.c: whose objects a component holds: each is dropped once, by the
 * interface that defines it, and no provider gets an object of another kind.
 *
 * Needs the test guests; LOOP_TEST_GUESTS says where they are (build/guests). The
 * tables are written by hand, to be as wrong as the tests want them.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/os/os.h"
#include "loop/host.h"

static int made, dropped_by_one, dropped_by_two, got;

static loop_error *make(const void *functions, void *self, loop_call *call, const void *args,
                        void *ret)
{
    (void)functions, (void)self, (void)call, (void)args;
    *(void **)ret = malloc(16); /* the sanitizer knows whether it is freed, and once */
    made++;
    return NULL;
}

static loop_error *get(const void *functions, void *self, loop_call *call, const void *args,
                       void *ret)
{
    (void)functions, (void)self, (void)call, (void)args, (void)ret;
    got++;
    return NULL;
}

static void drop_one(const void *functions, void *self, void *object)
{
    (void)functions, (void)self;
    free(object);
    dropped_by_one++;
}

static void drop_two(const void *functions, void *self, void *object)
{
    (void)functions, (void)self, (void)object;
    dropped_by_two++;
}

/* Every row has its function. */
static const struct {
    void (*f)(void);
} filled = {(void (*)(void))make};

static const loop_function no_functions[] = {{0}};
static const loop_resource one_resources[] = {{"bucket", 0, drop_one}, {0}};
static const loop_resource two_resources[] = {{"bucket", 0, drop_two}, {0}};

static loop_error *run(const loop_provider *p, const char *guest, loop_result *ret)
{
    loop_host *host;
    loop_component *component;
    loop_instance *instance;
    const char *folder = lp_os_getenv("LOOP_TEST_GUESTS");
    lp_auto(lp_free_string) char *path =
        lp_format("%s/%s.wasm", folder ? folder : "build/guests", guest);
    made = dropped_by_one = dropped_by_two = got = 0;
    assert_null(loop_host_new(&(loop_host_options){.no_cache = true}, &host));
    assert_null(loop_host_provider_add(host, p));
    assert_null(loop_component_open(host, path, &component));
    loop_error *err = loop_instance_new(host, component, &(loop_instance_options){0}, &instance);
    if (!err) {
        err = loop_instance_invoke(instance, "go()", ret);
        loop_instance_delete(instance);
    }
    loop_component_delete(component);
    loop_host_delete(host);
    return err;
}

/* `use one.{bucket as from-one}`: the object is one's, whoever made it. */
static void dropped_by_its_definer(void **state)
{
    (void)state;
    const loop_function two_functions[] = {{"make", "()->own<test:held/one.bucket>", 0, make}, {0}};
    const loop_interface one = {LOOP_ABI, "test:held/one", "", no_functions, one_resources};
    const loop_interface two = {LOOP_ABI, "test:held/two", "", two_functions, two_resources};
    const loop_provider p = {
        .abi = LOOP_PROVIDER_ABI,
        .name = "held",
        .summary = "buckets",
        .interfaces =
            (const loop_provider_interface[]){{&one, &filled}, {&two, &filled}, {NULL, NULL}},
    };
    loop_result r = {0};
    assert_null(run(&p, "used-resource", &r));
    assert_string_equal(r.output, "3");
    loop_free(r.output);
    assert_int_equal(made, 4);
    assert_int_equal(dropped_by_one, 4); /* the last with the instance */
    assert_int_equal(dropped_by_two, 0);
}

/* Types name a resource without its version: the host tells versions apart. */
static void versions_do_not_mix(void **state)
{
    (void)state;
    const loop_function functions[] = {{"open", "()->own<test:held/one.bucket>", 0, make},
                                       {"get", "(borrow<test:held/one.bucket>)->u32", 0, get},
                                       {0}};
    const loop_interface old = {LOOP_ABI, "test:held/one", "1.0.0", functions, one_resources};
    const loop_interface new = {LOOP_ABI, "test:held/one", "2.0.0", functions, one_resources};
    const loop_provider p = {
        .abi = LOOP_PROVIDER_ABI,
        .name = "held",
        .summary = "buckets",
        .interfaces =
            (const loop_provider_interface[]){{&old, &filled}, {&new, &filled}, {NULL, NULL}},
    };
    loop_error *err = run(&p, "other-version", NULL);
    assert_int_equal(loop_error_code(err), LOOP_MISSING);
    loop_error_delete(err);
    assert_int_equal(got, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dropped_by_its_definer),
        cmocka_unit_test(versions_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
