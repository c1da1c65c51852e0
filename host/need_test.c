/*
 * host/need_test.c: what a provider says that its functions need is asked before they are called:
 * each kind of call, whatever stands before the provider, and after it was swapped.
 *
 * Needs the test guests; LOOP_TEST_GUESTS says where they are (build/guests).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <bench.h>

#include "base/base.h"
#include "host/internal.h"
#include "loop/swap.h"
#include "providers/memory/memory.h"

static const loop_origin here = {"--test", 0, 0};

static void must(loop_error *e)
{
    lp_auto(lp_free_string) char *text = e ? loop_error_format(e) : NULL;
    if (e)
        fail_msg("%s", text);
}

/* ---- a provider that counts its calls ---- */

static unsigned calls;

static loop_error *add(void *self, loop_call *call, uint32_t a, uint32_t b, uint32_t *ret)
{
    (void)self, (void)call;
    calls++;
    *ret = a + b;
    return NULL;
}

static loop_error *text(void *self, loop_call *call, loop_string s)
{
    (void)self, (void)call, (void)s;
    calls++;
    return NULL;
}

static loop_error *bytes(void *self, loop_call *call, loop_list_u8 b, uint32_t *ret)
{
    (void)self, (void)call, (void)b;
    calls++;
    *ret = 0;
    return NULL;
}

static loop_error *rows(void *self, loop_call *call, bench_calls_host_list_row r, uint32_t *ret)
{
    (void)self, (void)call, (void)r;
    calls++;
    *ret = 0;
    return NULL;
}

static loop_error *pass_add(void *self, loop_call *call, uint32_t a, uint32_t b, uint32_t *ret)
{
    (void)self;
    return bench_calls_host_next_add(call, a, b, ret);
}

/* Asks for a function that the component did not call. */
static loop_error *other_text(void *self, loop_call *call, loop_string s)
{
    (void)self, (void)s;
    uint32_t sum;
    return bench_calls_host_next_add(call, 1, 2, &sum);
}

static const bench_calls_host_functions functions = {add, text, bytes, rows};
static const bench_calls_host_functions passing = {pass_add, other_text, NULL, NULL};
#define SIDES(table)                                                                               \
    (const loop_provider_interface[])                                                              \
    {                                                                                              \
        {&bench_calls_host_interface, &(table)},                                                   \
        {                                                                                          \
            NULL, NULL                                                                             \
        }                                                                                          \
    }
#define HOST "bench:calls/host"

/* Each takes a word of its own; `text` takes nothing. */
static const loop_provider counts = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "counts",
    .summary = "for the test",
    .interfaces = SIDES(functions),
    .needs =
        (const loop_provider_need[]){{HOST, "add", LOOP_NEED_OWN, "add", "adding"},
                                     {HOST, "text", LOOP_NEED_NOTHING, NULL, "anybody may talk"},
                                     {HOST, "*", LOOP_NEED_OWN, "many", "many things"},
                                     {0}},
};
/* The same, and nothing is needed. */
static const loop_provider open_to_all = {.abi = LOOP_PROVIDER_ABI,
                                          .name = "open",
                                          .summary = "for the test",
                                          .interfaces = SIDES(functions)};
static loop_error *add_unseen(void *self, loop_call *call, uint32_t a, uint32_t b, uint32_t *ret)
{
    (void)self, (void)call;
    *ret = a + b;
    return NULL;
}
static const bench_calls_host_functions unseen = {add_unseen, text, bytes, rows};
static loop_error *wait_a_little(void *self)
{
    (void)self;
    lp_os_sleep_ms(100); /* calls wait meanwhile */
    return NULL;
}
static const loop_provider_swap slowly = {.quiesce = wait_a_little};
static const loop_provider unseen_to_all = {.abi = LOOP_PROVIDER_ABI,
                                            .name = "unseen",
                                            .summary = "the same, and `add` is not counted",
                                            .interfaces = SIDES(unseen),
                                            .swap = &slowly};
static const loop_provider before = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "before",
    .summary = "passes on",
    .interfaces = SIDES(passing),
    .needs = (const loop_provider_need[]){{HOST, "*", LOOP_NEED_OWN, "pass", "passing"}, {0}},
};
static loop_error *pass_any(void *self, loop_call *call, const loop_interface *interface,
                            size_t row, const void *args, void *ret)
{
    (void)self;
    return loop_call_next(call, interface, row, args, ret);
}
static const loop_provider any = {
    .abi = LOOP_PROVIDER_ABI, .name = "any", .summary = "before any interface", .call = pass_any};

/* ---- a run ---- */

static struct told {
    unsigned asked, allowed;
    char last[64];
} told;

static void hear(void *data, const loop_decided *d)
{
    (void)data;
    if (!d->request || d->request->kind != LOOP_GRANT_NEED)
        return;
    told.asked++;
    told.allowed += d->decision->allowed;
    snprintf(told.last, sizeof told.last, "%s", d->request->name);
}

static void quiet(void *data, const loop_log_entry *entry)
{
    (void)data, (void)entry;
}

static loop_host *host;
static loop_instance *instance;
static loop_component *component;
static bench_calls_guest_exports guest;
static loop_policy *policy;

static int make_host(void **state)
{
    (void)state;
    calls = 0;
    told = (struct told){0};
    policy = loop_policy_new();
    static const loop_provider *const tables[] = {&counts, &open_to_all, &unseen_to_all, &before,
                                                  &any};
    must(loop_host_new(&(loop_host_options){.log = quiet, .decided = hear}, &host));
    for (size_t i = 0; i < LP_COUNT(tables); i++)
        must(loop_host_provider_add(host, tables[i]));
    return 0;
}

static int drop_host(void **state)
{
    (void)state;
    loop_instance_delete(instance);
    instance = NULL;
    loop_component_delete(component);
    component = NULL;
    loop_host_delete(host);
    loop_policy_delete(policy);
    return 0;
}

static void grant(const char *need)
{
    must(loop_policy_add(policy, LOOP_GRANT_NEED, need, false, NULL, false, here));
}

/* Binds the chain "a,b" and enters the guest. */
static void enter(const char *chain)
{
    loop_link links[4];
    size_t n = 0;
    char names[64];
    snprintf(names, sizeof names, "%s", chain);
    for (char *name = strtok(names, ","); name; name = strtok(NULL, ","))
        links[n++] = (loop_link){name, NULL};
    must(loop_host_bind_chain(host, NULL, HOST, links, n));
    const char *guests = getenv("LOOP_TEST_GUESTS");
    lp_auto(lp_free_string) char *path =
        lp_format("%s/bench.wasm", guests ? guests : "build/guests");
    must(loop_component_open(host, path, &component));
    must(loop_instance_new(host, component, &(loop_instance_options){.policy = policy}, &instance));
    must(loop_instance_enter(instance));
    must(bench_calls_guest_bind(instance, &guest));
}

static loop_error *run(const char *what)
{
    uint32_t sum;
    return strcmp(what, "add") == 0     ? bench_calls_guest_call_run_scalar(&guest, 3, &sum)
           : strcmp(what, "text") == 0  ? bench_calls_guest_call_run_text(&guest, 3, 8, &sum)
           : strcmp(what, "bytes") == 0 ? bench_calls_guest_call_run_bytes(&guest, 3, 8, &sum)
                                        : bench_calls_guest_call_run_rows(&guest, 3, 8, &sum);
}

/* The call ended the instance with that, and nothing was called. */
static void must_deny(loop_error *e, const char *reason, const char *hint)
{
    lp_auto(lp_free_string) char *shown = e ? loop_error_format(e) : lp_strdup("no error");
    if (loop_error_code(e) != LOOP_DENIED || !strstr(shown, reason) || !strstr(shown, hint))
        fail_msg("%s", shown);
    loop_error_delete(e);
}

/* ---- promises ---- */

/* Numbers alone, a list of bytes, records: each takes another way through call.c. */
static void every_kind_of_call_is_denied_before_it_is_made(void **state)
{
    static const struct {
        const char *call, *need;
    } each[] = {{"add", "counts.add"}, {"bytes", "counts.many"}, {"rows", "counts.many"}};
    for (size_t i = 0; i < LP_COUNT(each); i++) {
        enter("counts");
        lp_auto(lp_free_string) char *reason =
            lp_format("no grant for the use of %s", each[i].need);
        lp_auto(lp_free_string) char *hint = lp_format("--need %s", each[i].need);
        must_deny(run(each[i].call), reason, hint);
        assert_int_equal(calls, 0);
        assert_string_equal(told.last, each[i].need);
        assert_int_equal(told.asked, 1); /* and once: the component has ended */
        drop_host(state);
        make_host(state);
    }
}

static void what_is_granted_is_called_and_told(void **state)
{
    (void)state;
    grant("counts.add");
    enter("counts");
    assert_int_equal(told.asked, 0); /* to be linked is not to call */
    must(run("add"));
    assert_int_equal(calls, 3);
    assert_int_equal(told.asked, 3);
    assert_int_equal(told.allowed, 3);
    must(run("text")); /* needs nothing */
    assert_int_equal(told.asked, 3);
    must_deny(run("bytes"), "no grant for the use of counts.many", "--need counts.many");
}

static void a_denial_beats_a_grant(void **state)
{
    (void)state;
    grant("counts.add");
    must(loop_policy_add(policy, LOOP_GRANT_NEED, "counts", true, NULL, false, here));
    enter("counts");
    must_deny(run("add"), "denied by 'deny use of counts'", "remove that line");
    assert_int_equal(calls, 0);
}

/* Nothing that stands before it is a way around it, and what stands before it is asked about, too.
 */
static void every_provider_of_a_chain_is_asked_about(void **state)
{
    static const struct {
        const char *chain, *grants, *denied; /* NULL: it is called */
    } each[] = {
        {"any,counts", "", "counts.add"},
        {"any,counts", "counts.add", NULL},
        {"before,counts", "counts.add", "before.pass"},
        {"before,counts", "before.pass", "counts.add"},
        {"any,before,counts", "before.pass,counts.add", NULL},
    };
    for (size_t i = 0; i < LP_COUNT(each); i++) {
        char names[64];
        snprintf(names, sizeof names, "%s", each[i].grants);
        for (char *name = strtok(names, ","); name; name = strtok(NULL, ","))
            grant(name);
        enter(each[i].chain);
        if (each[i].denied)
            must_deny(run("add"), each[i].denied, each[i].denied);
        else
            must(run("add"));
        assert_int_equal(calls, each[i].denied ? 0 : 3);
        drop_host(state);
        make_host(state);
    }
}

/* The component calls `text`, the provider before asks the next one for `add`. */
static void another_function_of_the_next_one_is_asked_about(void **state)
{
    (void)state;
    grant("before.pass");
    enter("before,counts");
    must_deny(run("text"), "no grant for the use of counts.add", "--need counts.add");
    assert_int_equal(calls, 0);
}

static void on_swapped(void *data, loop_error *error, const loop_swap_report *report)
{
    (void)report;
    must(error);
    *(bool *)data = true;
}

static void swap_to(const char *name)
{
    const loop_link link = {name, NULL};
    bool done = false;
    must(loop_host_swap(
        host,
        &(loop_swap){.interface_name = HOST, .links = &link, .count = 1, .carry = LOOP_CARRY_NONE},
        on_swapped, &done));
    while (!done)
        loop_host_turn(host, 5);
}

static void what_is_swapped_in_is_asked_about(void **state)
{
    (void)state;
    enter("open");
    must(run("add"));
    assert_int_equal(told.asked, 0);
    swap_to("counts");
    must_deny(run("add"), "no grant for the use of counts.add", "--need counts.add");
    assert_int_equal(calls, 3);
}

/* A call that waits while its provider is swapped was let through by what the old one needs. */
static void a_call_that_waits_for_a_swap_asks_for_the_new_one(void **state)
{
    (void)state;
    const loop_link link = {"counts", NULL};
    bool done = false;
    uint32_t sum;
    enter("unseen");
    must(loop_host_swap(
        host,
        &(loop_swap){.interface_name = HOST, .links = &link, .count = 1, .carry = LOOP_CARRY_NONE},
        on_swapped, &done));
    must_deny(bench_calls_guest_call_run_scalar(&guest, UINT32_MAX, &sum),
              "no grant for the use of counts.add", "--need counts.add");
    assert_int_equal(calls, 0);
    while (!done)
        loop_host_turn(host, 5);
}

static void what_is_swapped_out_is_not(void **state)
{
    (void)state;
    enter("counts");
    swap_to("open");
    must(run("add"));
    assert_int_equal(calls, 3);
    assert_int_equal(told.asked, 0);
}

/* A provider of the same code as `memory`, which wants more than a grant for storage. */
static void a_type_with_a_place_for_it_says_denied(void **state)
{
    (void)state;
    static const loop_provider_need needs[] = {
        {"loop:storage/store", "*", LOOP_NEED_OWN, "keep", "keeping things"}, {0}};
    loop_provider vault = lp_provider_memory;
    vault.name = "vault";
    vault.needs = needs;
    vault.swap = NULL;
    must(loop_host_provider_add(host, &vault));
    must(loop_host_bind(host, "loop:storage/store", "vault"));
    must(loop_policy_add(policy, LOOP_GRANT_STORAGE, "1MiB", false, NULL, false, here));
    const char *guests = getenv("LOOP_TEST_GUESTS");
    lp_auto(lp_free_string) char *path =
        lp_format("%s/store.wasm", guests ? guests : "build/guests");
    must(loop_component_open(host, path, &component));
    const char *const args[] = {"store", "in", "n", "set", "k", "v", NULL};
    loop_result result;
    for (int granted = 0; granted < 2; granted++) {
        if (granted)
            grant("vault.keep");
        must(loop_instance_new(
            host, component, &(loop_instance_options){.args = args, .policy = policy}, &instance));
        must(loop_instance_run(instance, &result)); /* it lives, and handles the value */
        assert_int_equal(result.status, granted ? 0 : 1);
        loop_instance_delete(instance);
        instance = NULL;
        assert_string_equal(told.last, "vault.keep");
        assert_int_equal(told.allowed > 0, granted);
    }
    loop_component_delete(component);
    component = NULL;
    loop_host_delete(host); /* before its table is gone */
    must(loop_host_new(&(loop_host_options){.log = quiet}, &host));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_host, drop_host)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_of_call_is_denied_before_it_is_made),
        TEST(what_is_granted_is_called_and_told),
        TEST(a_denial_beats_a_grant),
        TEST(every_provider_of_a_chain_is_asked_about),
        TEST(another_function_of_the_next_one_is_asked_about),
        TEST(what_is_swapped_in_is_asked_about),
        TEST(a_call_that_waits_for_a_swap_asks_for_the_new_one),
        TEST(what_is_swapped_out_is_not),
        TEST(a_type_with_a_place_for_it_says_denied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
