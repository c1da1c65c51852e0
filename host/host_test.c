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
        {"0.1.0", "", true},
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

static loop_error *nothing(const void *functions, void *self, loop_call *call, const void *args,
                           void *ret)
{
    (void)functions, (void)self, (void)call, (void)args, (void)ret;
    return NULL;
}

static const struct table {
    void (*forecast)(void);
} filled = {(void (*)(void))nothing}, empty = {NULL};

static const loop_resource no_resources[] = {{0}};
static const loop_interface v1 = {
    LOOP_ABI, "acme:weather/api", "0.1.0",
    (const loop_function[]){{"forecast", "()", offsetof(struct table, forecast), nothing}, {0}},
    no_resources};
static const loop_interface untyped_v1 = {
    LOOP_ABI, "acme:weather/api", "0.1.0",
    (const loop_function[]){{"forecast", NULL, offsetof(struct table, forecast), nothing}, {0}},
    no_resources};
static const loop_interface future_v1 = {LOOP_ABI + 1, "acme:weather/api", "0.1.0", NULL, NULL};

#define PROVIDER(id, ...)                                                                          \
    static const loop_provider id = {                                                              \
        .abi = LOOP_PROVIDER_ABI,                                                                  \
        .name = #id,                                                                               \
        .interfaces = (const loop_provider_interface[]){{__VA_ARGS__}, {NULL, NULL}}}
PROVIDER(first, &v1, &filled);
PROVIDER(second, &v1, &filled);
PROVIDER(unfilled, &v1, &empty);
PROVIDER(untyped, &untyped_v1, &filled);
PROVIDER(without, &v1, NULL);
PROVIDER(newer, &future_v1, &filled);
static const loop_provider future = {.abi = LOOP_PROVIDER_ABI + 1, .name = "future"};

static const char *who(loop_host *h, const char *name)
{
    struct lp_chain chain;
    const char *version;
    char *why = NULL;
    bool found = lp_host_find(h, name, &chain, &version, &why);
    free(why);
    return found ? chain.links[0].provider->table->name : NULL;
}

static void refused(loop_host *h, const loop_provider *p)
{
    loop_error *e = loop_host_provider_add(h, p);
    assert_int_equal(loop_error_code(e), LOOP_INVALID);
    loop_error_delete(e);
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
    refused(h, &future);
    refused(h, &first); /* there is one of that name */
    refused(h, &untyped);
    refused(h, &without);
    refused(h, &newer);
    loop_host_delete(h);
}

/* A chain is asked from its first provider on; a function that is left out passes on. */
static void chains(void **state)
{
    (void)state;
    loop_host *h;
    assert_null(loop_host_new(&(loop_host_options){.no_cache = true}, &h));
    assert_null(loop_host_provider_add(h, &first));
    assert_null(loop_host_provider_add(h, &unfilled));
    const char *const names[] = {"unfilled", "first", NULL};
    assert_null(loop_host_bind_chain(h, "acme:weather/api", names));
    struct lp_chain chain;
    const char *version;
    char *why = NULL;
    size_t link = SIZE_MAX;
    assert_true(lp_host_find(h, "acme:weather/api@0.1.0", &chain, &version, &why));
    assert_int_equal(chain.n, 2);
    assert_string_equal(version, "0.1.0");
    assert_null(lp_why_not(&chain, "acme:weather/api@0.1.0", "forecast", "()", &link));
    assert_int_equal(link, 1);
    why = lp_why_not(&chain, "acme:weather/api@0.1.0", "forecast", "(u8)", &link);
    assert_non_null(strstr(why, "'first' has it with another type"));
    free(why);
    assert_null(loop_host_bind(h, "acme:weather/api", "unfilled"));
    assert_true(lp_host_find(h, "acme:weather/api@0.1.0", &chain, &version, &why));
    why = lp_why_not(&chain, "acme:weather/api@0.1.0", "forecast", "()", &link);
    assert_non_null(strstr(why, "has no such function"));
    free(why);
    const char *const many[] = {"first", "first", "first", "first", "first",
                                "first", "first", "first", "first", NULL};
    loop_error *e = loop_host_bind_chain(h, "acme:weather/api", many);
    assert_int_equal(loop_error_code(e), LOOP_LIMIT);
    loop_error_delete(e);
    /* A provider waits for nobody that may wait for it: once in a chain, and in one order. */
    const char *const twice[] = {"first", "first", NULL};
    e = loop_host_bind_chain(h, "acme:weather/api", twice);
    assert_int_equal(loop_error_code(e), LOOP_USAGE);
    loop_error_delete(e);
    const char *const other_way[] = {"first", "unfilled", NULL};
    e = loop_host_bind_chain(h, "acme:weather/api", other_way);
    assert_int_equal(loop_error_code(e), LOOP_USAGE);
    loop_error_delete(e);
    loop_host_delete(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions),
        cmocka_unit_test(wasi_is_compared_by_function),
        cmocka_unit_test(binding),
        cmocka_unit_test(chains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
