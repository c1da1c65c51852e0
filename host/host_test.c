/* host/host_test.c: which version serves which, and who serves an interface. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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
        .summary = "",                                                                             \
        .interfaces = (const loop_provider_interface[]){{__VA_ARGS__}, {NULL, NULL}}}
PROVIDER(first, &v1, &filled);
PROVIDER(second, &v1, &filled);
PROVIDER(unfilled, &v1, &empty);
PROVIDER(untyped, &untyped_v1, &filled);
PROVIDER(without, &v1, NULL);
PROVIDER(newer, &future_v1, &filled);
static const loop_provider future = {.abi = LOOP_PROVIDER_ABI + 1, .name = "future", .summary = ""};

static const char *who_for(loop_host *h, const char *component_name, const char *name)
{
    struct lp_chain chain;
    const char *version;
    char *why = NULL;
    bool found = lp_host_find(h, component_name, name, &chain, &version, &why);
    free(why);
    return found ? chain.links[0].provider->table->name : NULL;
}

static const char *who(loop_host *h, const char *name)
{
    return who_for(h, NULL, name);
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
    lp_auto(lp_free_string) char *near = lp_nearest_interface(h, "acme:wether/api@0.1.0");
    assert_string_equal(near, "acme:weather/api");
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

static void bind_fails(loop_host *h, const loop_link *links, size_t n, loop_code code)
{
    loop_error *e = loop_host_bind_chain(h, NULL, "acme:weather/api", links, n);
    assert_int_equal(e ? loop_error_code(e) : LOOP_OK, code);
    loop_error_delete(e);
}

/* A chain is asked from its first provider on; a function that is left out passes on. */
static void chains(void **state)
{
    (void)state;
    loop_host *h;
    assert_null(loop_host_new(&(loop_host_options){.no_cache = true}, &h));
    assert_null(loop_host_provider_add(h, &first));
    assert_null(loop_host_provider_add(h, &unfilled));
    const loop_link links[] = {{"unfilled", NULL}, {"first", NULL}};
    assert_null(loop_host_bind_chain(h, NULL, "acme:weather/api", links, 2));
    struct lp_chain chain;
    const char *version;
    char *why = NULL;
    size_t link = SIZE_MAX;
    assert_true(lp_host_find(h, NULL, "acme:weather/api@0.1.0", &chain, &version, &why));
    assert_int_equal(chain.n, 2);
    assert_string_equal(version, "0.1.0");
    assert_null(lp_why_not(&chain, "acme:weather/api@0.1.0", "forecast", "()", &link));
    assert_int_equal(link, 1);
    why = lp_why_not(&chain, "acme:weather/api@0.1.0", "forecast", "(u8)", &link);
    assert_non_null(strstr(why, "'first' has it with another type"));
    free(why);
    assert_null(loop_host_bind(h, "acme:weather/api", "unfilled"));
    assert_true(lp_host_find(h, NULL, "acme:weather/api@0.1.0", &chain, &version, &why));
    why = lp_why_not(&chain, "acme:weather/api@0.1.0", "forecast", "()", &link);
    assert_non_null(strstr(why, "has no such function"));
    free(why);
    const loop_link many[LP_MAX_CHAIN + 1] = {{"first", NULL}};
    bind_fails(h, many, LP_MAX_CHAIN + 1, LOOP_LIMIT);
    bind_fails(h, many, 0, LOOP_USAGE);
    /* A provider waits for nobody that may wait for it: once in a chain, and in one order. */
    assert_null(loop_host_bind(h, "acme:weather/api", "first"));
    bind_fails(h, (loop_link[]){{"first", NULL}, {"first", NULL}}, 2, LOOP_USAGE);
    assert_null(loop_host_bind_chain(h, "one", "acme:weather/api", links, 2));
    bind_fails(h, (loop_link[]){{"first", NULL}, {"unfilled", NULL}}, 2, LOOP_USAGE);
    /* What could not be bound leaves what was. */
    assert_true(lp_host_find(h, NULL, "acme:weather/api@0.1.0", &chain, &version, &why));
    assert_int_equal(chain.n, 1);
    assert_string_equal(chain.links[0].provider->table->name, "first");
    /* What is bound again is bound anew, its order too. */
    assert_null(loop_host_bind_chain(h, "one", "acme:weather/api", links, 1));
    bind_fails(h, (loop_link[]){{"first", NULL}, {"unfilled", NULL}}, 2, LOOP_OK);
    loop_host_delete(h);
}

/* ---- what is new with ABI 3 ---- */

static char seen[256]; /* what `told` was opened with, one after the other */

static loop_error *open_told(const loop_services *services, void **ret_self)
{
    char one[256];
    const char *file = services->option(services->host, "file");
    snprintf(one, sizeof one, "%s %llu %s;", services->option(services->host, "mode"),
             (unsigned long long)services->option_number(services->host, "size"),
             file ? strrchr(file, '/') : "-");
    strncat(seen, one, sizeof seen - strlen(seen) - 1);
    assert_null(services->option(services->host, "nothing"));
    assert_true(!file || file[0] == '/');
    *ret_self = NULL;
    return NULL;
}

static loop_error *cannot(const loop_services *services)
{
    (void)services;
    return loop_error_new(LOOP_UNAVAILABLE, "there is no barometer");
}

static loop_error *pass_on(void *self, loop_call *call, const loop_interface *interface, size_t row,
                           const void *args, void *ret)
{
    (void)self;
    return loop_call_next(call, interface, row, args, ret);
}

static const loop_provider_interface serves_v1[] = {{&v1, &filled}, {NULL, NULL}};
static const loop_provider told = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "told",
    .summary = "",
    .interfaces = serves_v1,
    .options = (const loop_provider_option[]){{"mode", "enum", "slow|fast", "fast", "how"},
                                              {"size", "size", NULL, "1KiB", "how much"},
                                              {"file", "path", NULL, NULL, "where"},
                                              {0}},
    .open = open_told,
};
static const loop_provider barometer = {.abi = LOOP_PROVIDER_ABI,
                                        .name = "barometer",
                                        .summary = "",
                                        .interfaces = serves_v1,
                                        .detect = cannot};
static const loop_provider toy = {.abi = LOOP_PROVIDER_ABI,
                                  .name = "toy",
                                  .summary = "",
                                  .interfaces = serves_v1,
                                  .dev_only = true};
static const loop_provider passes = {.abi = LOOP_PROVIDER_ABI,
                                     .name = "passes",
                                     .summary = "",
                                     .threads = LOOP_THREADS_ANY,
                                     .call = pass_on};
static const loop_provider nobody = {.abi = LOOP_PROVIDER_ABI, .name = "nobody", .summary = ""};
static const loop_provider falls_back = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "falls_back",
    .summary = "",
    .interfaces = serves_v1,
    .options = (const loop_provider_option[]){{"size", "size", NULL, "much", ""}, {0}}};

static struct lp_chain found(loop_host *h, const char *component)
{
    struct lp_chain chain;
    const char *version;
    char *why = NULL;
    if (!lp_host_find(h, component, "acme:weather/api@0.1.0", &chain, &version, &why))
        fail_msg("%s", why);
    return chain;
}

/* Options are checked when they are bound; other options are another object, the same are one. */
static void options(void **state)
{
    (void)state;
    loop_host *h;
    assert_null(loop_host_new(
        &(loop_host_options){.no_cache = true, .directory = "/tmp", .confine = true}, &h));
    assert_null(loop_host_provider_add(h, &told));
    refused(h, &falls_back);
#define TOLD(...)                                                                                  \
    &(loop_link)                                                                                   \
    {                                                                                              \
        "told", (const char *const[])                                                              \
        {                                                                                          \
            __VA_ARGS__, NULL                                                                      \
        }                                                                                          \
    }
    bind_fails(h, TOLD("mood", "fast"), 1, LOOP_NOT_FOUND);
    bind_fails(h, TOLD("mode", "faster"), 1, LOOP_INVALID);
    bind_fails(h, TOLD("size", "-1"), 1, LOOP_INVALID);
    bind_fails(h, TOLD("file", "../etc/passwd"), 1, LOOP_DENIED);
    bind_fails(h, TOLD("file", "/etc/passwd"), 1, LOOP_DENIED);
    bind_fails(h, TOLD("file", "a/../b.db"), 1, LOOP_OK);
    assert_null(loop_host_bind_chain(h, "one", "acme:weather/api", TOLD("size", "2KiB"), 1));
    assert_null(loop_host_bind_chain(h, "two", "acme:weather/api",
                                     TOLD("mode", "slow", "size", "2KiB"), 1));
    assert_null(loop_host_bind_chain(h, "three", "acme:weather/api", TOLD("size", "2KiB"), 1));
    struct lp_chain general = found(h, "other"), one = found(h, "one"), two = found(h, "two"),
                    three = found(h, "three");
    assert_ptr_equal(one.links[0].provider, three.links[0].provider);
    assert_ptr_not_equal(one.links[0].provider, two.links[0].provider);
    assert_ptr_not_equal(one.links[0].provider, general.links[0].provider);
    assert_null(lp_chain_open(&general, false));
    assert_null(lp_chain_open(&one, false));
    assert_null(lp_chain_open(&two, false));
    assert_null(lp_chain_open(&three, false));
    assert_string_equal(seen, "fast 1024 /b.db;fast 2048 -;slow 2048 -;");
    loop_host_delete(h);
}

/* What cannot work here is passed over, with its reason where nothing else is left. */
static void detection(void **state)
{
    (void)state;
    loop_host *h;
    assert_null(loop_host_new(&(loop_host_options){.no_cache = true}, &h));
    assert_null(loop_host_provider_add(h, &first));
    assert_null(loop_host_provider_add(h, &barometer));
    assert_string_equal(who(h, "acme:weather/api@0.1.0"), "first");
    /* But somebody who binds it wants it, and nothing in its place. */
    assert_null(loop_host_bind(h, "acme:weather/api", "barometer"));
    struct lp_chain chain;
    const char *version;
    char *why = NULL;
    assert_false(lp_host_find(h, NULL, "acme:weather/api@0.1.0", &chain, &version, &why));
    assert_string_equal(why, "'barometer' does not work here: there is no barometer");
    free(why);
    loop_host_delete(h);
}

/* Production refuses what is for development, bound or found. */
static void production(void **state)
{
    (void)state;
    loop_host *h;
    assert_null(loop_host_new(&(loop_host_options){.no_cache = true, .production = true}, &h));
    assert_null(loop_host_provider_add(h, &first));
    assert_null(loop_host_provider_add(h, &toy));
    assert_string_equal(who(h, "acme:weather/api@0.1.0"), "first");
    bind_fails(h, &(loop_link){"toy", NULL}, 1, LOOP_DENIED);
    loop_host_delete(h);
    assert_null(loop_host_new(&(loop_host_options){.no_cache = true}, &h));
    assert_null(loop_host_provider_add(h, &first));
    assert_null(loop_host_provider_add(h, &toy));
    assert_string_equal(who(h, "acme:weather/api@0.1.0"), "toy");
    loop_host_delete(h);
}

/* An interceptor stands before any interface, has what is behind it, and serves nothing alone. */
static void interceptors(void **state)
{
    (void)state;
    loop_host *h;
    assert_null(loop_host_new(&(loop_host_options){.no_cache = true}, &h));
    assert_null(loop_host_provider_add(h, &first));
    assert_null(loop_host_provider_add(h, &passes));
    refused(h, &nobody);
    bind_fails(h, &(loop_link){"passes", NULL}, 1, LOOP_USAGE);
    bind_fails(h, (loop_link[]){{"passes", NULL}, {"first", NULL}}, 2, LOOP_OK);
    assert_string_equal(who(h, "acme:weather/api@0.1.0"), "passes");
    assert_null(who(h, "acme:weather/api@0.2.0"));
    struct lp_chain chain = found(h, NULL);
    size_t link = SIZE_MAX;
    assert_null(lp_why_not(&chain, "acme:weather/api@0.1.0", "forecast", "()", &link));
    assert_int_equal(link, 0);
    assert_ptr_equal(lp_find_function(&chain, 0, "forecast").function, &v1.functions[0]);
    lp_auto(lp_free_string) char *names = lp_chain_text(&chain);
    assert_string_equal(names, "passes > first");
    assert_int_equal(lp_chain_tier(&chain), LOOP_TIER_BUILTIN);
    loop_host_delete(h);
}

/* A component's own binding holds for it and for nobody else. */
static void overrides(void **state)
{
    (void)state;
    loop_host *h;
    assert_null(loop_host_new(&(loop_host_options){.no_cache = true}, &h));
    assert_null(loop_host_provider_add(h, &first));
    assert_null(loop_host_provider_add(h, &second));
    assert_null(
        loop_host_bind_chain(h, "notes", "acme:weather/api", &(loop_link){"first", NULL}, 1));
    assert_string_equal(who_for(h, "notes", "acme:weather/api@0.1.0"), "first");
    assert_string_equal(who_for(h, "note", "acme:weather/api@0.1.0"), "second");
    assert_string_equal(who(h, "acme:weather/api@0.1.0"), "second");
    assert_null(loop_host_bind(h, "acme:weather/api", "second"));
    assert_string_equal(who_for(h, "notes", "acme:weather/api@0.1.0"), "first");
    loop_host_delete(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions),   cmocka_unit_test(wasi_is_compared_by_function),
        cmocka_unit_test(binding),    cmocka_unit_test(chains),
        cmocka_unit_test(options),    cmocka_unit_test(detection),
        cmocka_unit_test(production), cmocka_unit_test(interceptors),
        cmocka_unit_test(overrides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
