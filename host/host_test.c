/* host/host_test.c: which version serves which, and who serves an interface. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "host/internal.h"

/* semver tracks: 0.x by minor, 1.x by major; a pre-release only by its exact name. */
static void versions(void **state)
{
    (void)state;
    static const struct {
        const char *offered, *wanted;
        bool serves;
    } rows[] = {
        {"0.1.0", "0.1.0", true},
        {"0.1.3", "0.1.0", true},
        {"0.1.0", "0.1.7", true},
        {"0.2.0", "0.1.0", false},
        {"1.4.0", "1.0.9", true},
        {"2.0.0", "1.0.0", false},
        {"0.0.1", "0.0.1", true},
        {"0.0.2", "0.0.1", false},
        {"0.2.0-draft", "0.2.0-draft", true},
        {"0.2.0", "0.2.0-draft", false},
        {"0.2.0-draft2", "0.2.0-draft", false},
        {"0.1.0", "", false},
        {"", "", true},
        {"0.1.0", "0.1", false},
        {"0.1.0", "0.1.0.0", false},
        {"0.1.0", "99999999999999999999.0.0", false},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++)
        if (lp_version_serves(rows[i].offered, rows[i].wanted) != rows[i].serves)
            fail_msg("%s for %s: not %d", rows[i].offered, rows[i].wanted, rows[i].serves);
}

/* The engine serves WASI 0.2, whatever the patch, and only the functions that it has. */
static void wasi_is_compared_by_function(void **state)
{
    (void)state;
    assert_true(lp_wasi_interface("wasi:cli/environment@0.2.0"));
    assert_true(lp_wasi_interface("wasi:cli/environment@0.2.99"));
    assert_false(lp_wasi_interface("wasi:cli/environment@0.3.0"));
    assert_false(lp_wasi_interface("wasi:cli/environment@0.2.0-rc.1"));
    assert_false(lp_wasi_interface("wasi:keyvalue/store@0.2.0"));
    assert_true(lp_wasi_function("wasi:cli/exit@0.2.0", "exit-with-code"));
    assert_false(lp_wasi_function("wasi:cli/exit@0.2.0", "exit-with-kode"));
}

static loop_error *nothing(void *self, loop_call *call, const loop_value *args, loop_value *ret)
{
    (void)self, (void)call, (void)args, (void)ret;
    return NULL;
}

static const loop_provider_interface v1 = {
    "acme:weather/api", (const char *const[]){"0.1.0", NULL},
    (const loop_provider_function[]){{"forecast", "()", nothing}, {0}}, NULL};
static const loop_provider first = {.abi = LOOP_PROVIDER_ABI,
                                    .name = "first",
                                    .interfaces =
                                        (const loop_provider_interface *const[]){&v1, NULL}};
static const loop_provider second = {.abi = LOOP_PROVIDER_ABI,
                                     .name = "second",
                                     .interfaces =
                                         (const loop_provider_interface *const[]){&v1, NULL}};
static const loop_provider_interface untyped_interface = {
    "acme:weather/api", (const char *const[]){"0.1.0", NULL},
    (const loop_provider_function[]){{"forecast", NULL, nothing}, {0}}, NULL};
static const loop_provider untyped = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "untyped",
    .interfaces = (const loop_provider_interface *const[]){&untyped_interface, NULL}};
static const loop_provider future = {.abi = LOOP_PROVIDER_ABI + 1, .name = "future"};

static const char *who(loop_host *h, const char *name)
{
    const loop_provider_interface *t;
    const char *version;
    char *why = NULL;
    struct lp_provider *p = lp_host_find(h, name, &t, &version, &why);
    free(why);
    return p ? p->table->name : NULL;
}

/* The last one added serves; a binding decides otherwise; an unknown ABI is refused unread. */
static void binding(void **state)
{
    (void)state;
    loop_host *h;
    assert_null(loop_host_new(&(loop_host_options){.no_cache = true}, &h));
    assert_null(loop_host_provider_add(h, &first));
    assert_null(loop_host_provider_add(h, &second));
    assert_string_equal(who(h, "acme:weather/api@0.1.5"), "second");
    assert_null(loop_host_bind(h, "acme:weather/api", "first"));
    assert_string_equal(who(h, "acme:weather/api@0.1.5"), "first");
    assert_null(who(h, "acme:weather/api@0.2.0"));
    assert_string_equal(lp_nearest_interface(h, "acme:wether/api@0.1.0"), "acme:weather/api");
    assert_null(lp_nearest_interface(h, "zzz:zzz/zzz@0.1.0"));
    loop_error *e = loop_host_bind(h, "acme:weather/api", "third");
    assert_int_equal(loop_error_code(e), LOOP_NOT_FOUND);
    loop_error_delete(e);
    e = loop_host_provider_add(h, &future);
    assert_int_equal(loop_error_code(e), LOOP_INVALID);
    loop_error_delete(e);
    e = loop_host_provider_add(h, &first);
    assert_int_equal(loop_error_code(e), LOOP_INVALID);
    loop_error_delete(e);
    e = loop_host_provider_add(h, &untyped);
    assert_int_equal(loop_error_code(e), LOOP_INVALID);
    loop_error_delete(e);
    loop_host_delete(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions),
        cmocka_unit_test(wasi_is_compared_by_function),
        cmocka_unit_test(binding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
