/*
 * host/child_test.c: components that a component loads (tests/guests/c/slots-loads.c): what they
 * may do, whom they serve, how they end, and how many there may be.
 */
#include <stdio.h>

#include "host/slots_test.h"
#include "host/swap.h"

static loop_policy *policy;
static loop_instance *parent;
static demo_slots_loading_exports loading;

/* ---- a host with one that loads ---- */

static loop_error *find_package(void *data, const loop_child_wish *wish, char **ret_path)
{
    (void)data;
    assert_string_equal(wish->version, "1.0.0");
    assert_string_equal(wish->registry, "test");
    lp_auto(lp_free_string) char *path = path_of(wish->package + strlen("test:"));
    if (!lp_os_exists(path))
        return loop_error_new(LOOP_NOT_FOUND, "there is no package '%s'", wish->package);
    *ret_path = lp_take(&path);
    return NULL;
}

static int begin_test(void **state)
{
    const loop_origin origin = {"test", 0, 0};
    policy = loop_policy_new();
    must(loop_policy_add(policy, LOOP_GRANT_STORAGE, "64KiB", false, NULL, false, origin));
    must(loop_policy_add(policy, LOOP_GRANT_PACKAGES, "test", false, NULL, false, origin));
    must(loop_policy_add(policy, LOOP_GRANT_ENV, "COLOR=red", false, NULL, false, origin));
    must(loop_policy_add(policy, LOOP_GRANT_ENV, "SECRET", true, NULL, false, origin));
    make_host(state);
    loop_host_packages(host, find_package, NULL);
    return 0;
}

static int end_test(void **state)
{
    drop_host(state);
    loop_policy_delete(policy);
    return 0;
}

static loop_instance *instance(const char *name)
{
    loop_component *c = open_guest("slots-loads");
    loop_instance *i;
    must(loop_instance_new(
        host, c, &(loop_instance_options){.name = name, .policy = policy, .optional = may_lack},
        &i));
    loop_component_delete(c);
    must(loop_instance_enter(i));
    return i;
}

static void begin(void)
{
    parent = instance("parent");
    must(demo_slots_loading_bind(parent, &loading));
}

/* ---- what it is asked ---- */

static char said[512];

static bool keep_said(bool is_err, loop_string error)
{
    snprintf(said, sizeof said, "%.*s", is_err ? (int)error.len : 0, is_err ? error.ptr : "");
    return !is_err;
}

static bool load_with(const char *file, const char *name, const char *grant, uint32_t *ret)
{
    demo_slots_loading_result_u32_string r;
    loop_string grants[] = {loop_string_of(grant ? grant : "")};
    lp_auto(lp_free_string) char *package =
        strchr(file, ':') ? lp_strdup(file) : lp_format("test:%s", file);
    must(demo_slots_loading_call_load(&loading, loop_string_of(package), loop_string_of(name),
                                      (loop_list_string){grants, grant != NULL}, &r));
    *ret = r.is_err ? UINT32_MAX : r.of.ok;
    return keep_said(r.is_err, r.of.error);
}

static uint32_t load(const char *file, const char *name)
{
    uint32_t nth;
    if (!load_with(file, name, NULL, &nth))
        fail_msg("%s: %s", file, said);
    return nth;
}

static void cannot_load(const char *file, const char *name, const char *grant, const char *why)
{
    uint32_t nth;
    if (load_with(file, name, grant, &nth) || !strstr(said, why))
        fail_msg("'%s', not '%s'", said, why);
}

static bool serve(uint32_t nth, const char *imported)
{
    demo_slots_loading_result_void_string r;
    must(demo_slots_loading_call_serve(&loading, nth, loop_string_of(imported), &r));
    return keep_said(r.is_err, r.of.error);
}

static bool ask_links(uint32_t depth, uint64_t *ret)
{
    demo_slots_loading_result_u64_string r;
    must(demo_slots_loading_call_ask(&loading, depth, &r));
    *ret = r.is_err ? 0 : r.of.ok;
    return keep_said(r.is_err, r.of.error);
}

static bool keep(uint32_t *ret)
{
    demo_slots_loading_result_u32_string r;
    must(demo_slots_loading_call_keep(&loading, &r));
    *ret = r.is_err ? 0 : r.of.ok;
    return keep_said(r.is_err, r.of.error);
}

/* Waits until it is so. */
static void becomes(uint32_t nth, const char *condition)
{
    for (int n = 0; n < 500; n++) {
        loop_string is;
        must(demo_slots_loading_call_condition(&loading, nth, &is));
        snprintf(said, sizeof said, "%.*s", (int)is.len, is.ptr);
        if (strncmp(said, condition, strlen(condition)) == 0)
            return;
        lp_os_sleep_ms(10);
    }
    fail_msg("'%s', not '%s'", said, condition);
}

static bool there_is(const char *name)
{
    loop_status *s = loop_host_status(host);
    bool found = false;
    for (size_t i = 0; i < s->instance_count; i++)
        found = found || strcmp(s->instances[i].name, name) == 0;
    loop_status_delete(s);
    return found;
}

static void goes(const char *name)
{
    for (int n = 0; n < 500 && there_is(name); n++)
        lp_os_sleep_ms(10);
    if (there_is(name))
        fail_msg("'%s' stays", name);
}

/* ---- serving ---- */

static void one_serves_its_parent(void **state)
{
    (void)state;
    uint64_t n;
    begin();
    assert_false(ask_links(0, &n)); /* optional, and nobody is there */
    assert_non_null(strstr(said, "unavailable: no provider implements"));
    uint32_t nth = load("slots-node2", "first");
    becomes(nth, "running");
    assert_true(there_is("parent/first"));
    assert_false(ask_links(0, &n));
    if (!serve(nth, LINKS "@0.1.0"))
        fail_msg("%s", said);
    assert_true(serve(nth, LINKS)); /* it does already */
    assert_true(ask_links(0, &n));
    assert_int_equal(n, 1);
    assert_true(ask_links(0, &n));
    assert_int_equal(n, 2);
    assert_false(ask_links(1, &n)); /* its own imports are its own */
    loop_list_string exports;
    must(demo_slots_loading_call_exported(&loading, nth, &exports));
    assert_int_equal(exports.len, 1);
    assert_true(loop_string_is(exports.ptr[0], LINKS "@0.1.0"));
}

static void one_takes_the_place_of_another(void **state)
{
    (void)state;
    uint64_t n;
    uint32_t number;
    begin();
    uint32_t first = load("slots-node1", "first"), second = load("slots-keeping2", "second");
    assert_true(serve(first, LINKS));
    assert_true(ask_links(0, &n) && ask_links(0, &n));
    assert_int_equal(n, 2);
    assert_true(keep(&number));
    assert_true(serve(second, LINKS));
    assert_true(ask_links(0, &n));
    assert_int_equal(n, 1);
    assert_true(keep(&number));
    assert_int_equal(number, 71);
    must(demo_slots_loading_call_drop(&loading, first));
    goes("parent/first");
    assert_true(ask_links(0, &n));
    assert_int_equal(n, 2);
    must(demo_slots_loading_call_drop(&loading, second));
    goes("parent/second");
    for (int i = 0; i < 300 && ask_links(0, &n); i++)
        lp_os_sleep_ms(10);
    assert_false(ask_links(0, &n));
    assert_non_null(strstr(said, "unavailable"));
    uint32_t third = load("slots-node1", "second"); /* the name is free again */
    assert_true(serve(third, LINKS));
    assert_true(ask_links(0, &n));
    assert_int_equal(n, 1);
}

/* Catches: one that goes with the import that it served, while its parent has it. */
static void one_that_was_replaced_serves_again(void **state)
{
    (void)state;
    uint64_t n;
    begin();
    uint32_t first = load("slots-node1", "first"), second = load("slots-node2", "second");
    assert_true(serve(first, LINKS));
    assert_true(ask_links(0, &n));
    assert_true(serve(second, LINKS));
    assert_true(ask_links(0, &n));
    assert_int_equal(n, 1);
    becomes(first, "running");
    assert_true(there_is("parent/first"));
    assert_true(serve(first, LINKS));
    assert_true(ask_links(0, &n));
    assert_int_equal(n, 2); /* it goes on counting */
    must(demo_slots_loading_call_drop(&loading, second));
    goes("parent/second");
    assert_true(ask_links(0, &n));
    assert_int_equal(n, 3);
    assert_true(serve(load("slots-node2", "second"), LINKS));
    must(demo_slots_loading_call_drop(&loading, first)); /* while it serves nobody */
    goes("parent/first");
    assert_true(ask_links(0, &n));
}

static void only_its_parent_is_served(void **state)
{
    (void)state;
    uint64_t n;
    begin();
    demo_slots_loading_exports mine = loading, others;
    loop_instance *other = instance("other");
    must(demo_slots_loading_bind(other, &others));
    uint32_t nth = load("slots-node1", "x");
    assert_true(serve(nth, LINKS));
    assert_true(ask_links(0, &n));
    loading = others;
    assert_false(ask_links(0, &n));
    nth = load("slots-node2", "x"); /* a name is its parent's */
    assert_true(serve(nth, LINKS));
    assert_true(ask_links(0, &n));
    assert_int_equal(n, 1);
    loading = mine;
    assert_true(ask_links(0, &n));
    assert_int_equal(n, 2);
    loop_instance_delete(other);
    goes("other/x");
    assert_true(there_is("parent/x"));
}

static void what_it_cannot_serve(void **state)
{
    (void)state;
    begin();
    uint32_t nth = load("slots-node1", "x"), calc = load("calc", "calc");
    uint32_t command = load("sleep-poll", "command");
    assert_false(serve(nth, "acme:dice/roller@0.1.0"));
    assert_non_null(strstr(said, "has no import"));
    assert_false(serve(nth, ""));
    assert_false(serve(nth, "wasi:cli/environment"));
    assert_false(serve(nth, "loop:pkg/loader")); /* what it is asked with */
    assert_non_null(strstr(said, "is called just now"));
    assert_false(serve(calc, LINKS));
    assert_non_null(strstr(said, "does not export"));
    assert_false(serve(command, LINKS));
    assert_non_null(strstr(said, "runs by itself"));
}

/* ---- how they end ---- */

static void commands_run_by_themselves(void **state)
{
    (void)state;
    begin();
    uint32_t exits = load("exit-with-code", "exits"), traps = load("trap", "traps"),
             spins = load("spin", "spins");
    becomes(exits, "exited: 042");
    becomes(traps, "failed: ");
    becomes(spins, "running");
    assert_true(there_is("parent/spins"));
    must(demo_slots_loading_call_drop(&loading, spins));
    goes("parent/spins");
    loop_instance_delete(parent);
    goes("parent/traps");
}

static void they_end_with_their_parent(void **state)
{
    (void)state;
    uint64_t n;
    begin();
    (void)load("spin", "a");
    uint32_t b = load("slots-node1", "b");
    assert_true(serve(b, LINKS));
    assert_true(ask_links(0, &n));
    loop_instance_delete(parent);
    goes("parent/a");
    goes("parent/b");
    for (int i = 0; i < 300 && host->children; i++)
        lp_os_sleep_ms(10);
    lp_os_mutex_lock(host->finding);
    assert_null(host->children);
    lp_os_mutex_unlock(host->finding);
}

static void they_end_with_the_host(void **state)
{
    (void)state;
    begin();
    (void)load("spin", "a");
    uint32_t b = load("slots-node1", "b");
    assert_true(serve(b, LINKS));
    (void)load("sleep-poll", "c");
}

static void one_that_traps_stays_down(void **state)
{
    (void)state;
    uint64_t n;
    begin();
    uint32_t nth = load("slots-node1", "x");
    assert_true(serve(nth, LINKS));
    assert_true(ask_links(0, &n));
    demo_slots_loading_result_void_string r;
    must(demo_slots_loading_call_crash(&loading, &r));
    assert_true(r.is_err);
    becomes(nth, "failed: ");
    assert_false(ask_links(0, &n));
    assert_non_null(strstr(said, "is not started again"));
}

/* ---- what may not be ---- */

static void what_cannot_be_loaded(void **state)
{
    (void)state;
    begin();
    cannot_load("no-such", "x", NULL, "unavailable: there is no package");
    cannot_load("other:calc", "x", NULL, "denied: ");
    cannot_load("core-module", "x", NULL, "invalid: ");
    cannot_load("wants-unknown", "x", NULL, "unavailable: the component 'parent/x' cannot serve");
    cannot_load("slots-node1", "", NULL, "is no name");
    cannot_load("slots-node1", "../x", NULL, "is no name");
    (void)load("calc", "x");
    cannot_load("calc", "x", NULL, "there is a component 'x' already");
}

static void grants_are_the_parents(void **state)
{
    (void)state;
    uint32_t nth;
    begin();
    cannot_load("calc", "x", "http", "denied: 'parent' has no grant 'http' to pass on");
    cannot_load("calc", "x", "root", "is no kind of grant");
    assert_true(load_with("calc", "none", NULL, &nth));
    assert_true(load_with("calc", "env", "env", &nth));
    assert_true(load_with("calc", "storage", "storage", &nth));
    for (loop_instance *i = host->behind; i; i = i->next) {
        const loop_grant *g;
        bool denies = false;
        const loop_policy *p = i->options.policy;
        for (size_t n = 0; (g = loop_policy_at(p, n)); n++) {
            denies = denies || (g->deny && strcmp(g->host, "SECRET") == 0);
            if (!g->deny)
                assert_int_equal(g->kind, strcmp(i->options.name, "parent/env") == 0
                                              ? LOOP_GRANT_ENV
                                              : LOOP_GRANT_STORAGE);
            if (!g->deny)
                assert_string_not_equal(i->options.name, "parent/none");
        }
        assert_true(denies); /* what is denied to one is denied to all that it loads */
        assert_string_equal(i->options.identity, strcmp(i->options.name, "parent/storage") == 0
                                                     ? "parent"
                                                     : i->options.name);
    }
}

static bool is_found(const char *component)
{
    struct lp_chain c;
    const char *version;
    lp_auto(lp_free_string) char *why = NULL;
    return lp_host_find(host, component, LINKS "@0.1.0", &c, &version, &why) &&
           strcmp(c.links[0].provider->table->name, "filter") == 0;
}

/* Catches: a parent that goes around what stands between it and a provider by loading somebody. */
/* ---- limits ---- */

static loop_limits of_child(const char *name)
{
    loop_limits l = {0};
    lp_os_mutex_lock(host->finding);
    for (const loop_instance *i = host->behind; i; i = i->next)
        if (strcmp(i->options.name, name) == 0)
            l = i->limits;
    lp_os_mutex_unlock(host->finding);
    return l;
}

/* As the class `trusted` has it, but for one that was lowered and one that was raised further. */
static void limits_are_the_lowest_classs_and_no_more_than_the_parents(void **state)
{
    (void)state;
    loop_limits big = {0}, lowest = {0};
    big.of[LOOP_MAX_MEMORY].value = 4ull << 30;
    big.of[LOOP_MAX_FILES].value = 1024;
    big.of[LOOP_MAX_STACK].value = 4u << 20;
    big.of[LOOP_MAX_LOG].value = 2000;
    big.of[LOOP_MAX_HANDLES] = (loop_limit){100, true, {"here.yaml", 3, 5}};
    lowest.of[LOOP_MAX_FILES] = (loop_limit){77, false, {"classes/untrusted.yaml", 9, 3}};
    lp_host_lowest_limits(host, &lowest);
    loop_component *c = open_guest("slots-loads");
    must(loop_instance_new(
        host, c,
        &(loop_instance_options){
            .name = "parent", .policy = policy, .optional = may_lack, .limits = &big},
        &parent));
    loop_component_delete(c);
    must(loop_instance_enter(parent));
    must(demo_slots_loading_bind(parent, &loading));
    (void)load("slots-node1", "b");
    loop_limits l = of_child("parent/b");
    static const loop_limit_id as_a_class_says[] = {LOOP_MAX_MEMORY, LOOP_MAX_LOG, LOOP_MAX_STACK,
                                                    LOOP_MAX_TABLES, LOOP_MAX_INSTANCES};
    for (size_t i = 0; i < LP_COUNT(as_a_class_says); i++)
        assert_int_equal(l.of[as_a_class_says[i]].value,
                         loop_limit_row_of(as_a_class_says[i])->fallback);
    assert_int_equal(l.of[LOOP_MAX_FILES].value, 77);
    assert_int_equal(l.of[LOOP_MAX_HANDLES].value, 100);
    lp_auto(lp_free_string) char *files = lp_limit_hint(&l, LOOP_MAX_FILES);
    assert_string_equal(files, "raise 'files' at classes/untrusted.yaml:9:3");
    lp_auto(lp_free_string) char *handles = lp_limit_hint(&l, LOOP_MAX_HANDLES);
    assert_string_equal(handles, "raise 'handles' at here.yaml:3:5");
    lp_auto(lp_free_string) char *log = lp_limit_hint(&l, LOOP_MAX_LOG);
    assert_string_equal(log, "raise it in the class 'untrusted'");
}

static void what_is_bound_for_the_parent_holds(void **state)
{
    (void)state;
    const char *provider = NULL;
    lp_auto(lp_free_string) char *path = path_of("slots-node1");
    must(loop_host_component_add(
        host, path, &(loop_instance_options){.name = "filter", .optional = may_lack}, &provider));
    must(loop_host_bind_chain(host, "parent", LINKS, &(loop_link){provider, NULL}, 1));
    assert_true(is_found("parent"));
    assert_true(is_found("parent/x"));
    assert_true(is_found("parent/x/y"));
    assert_false(is_found("parents"));
    assert_false(is_found("other/parent"));
    assert_false(is_found(NULL));
}

static _Atomic bool busy, in_time;

static void keep_busy(struct lp_swap *job)
{
    (void)job;
    while (busy)
        lp_os_sleep_ms(1);
}

static void stop_the_parent(void *unused)
{
    (void)unused;
    lp_os_sleep_ms(100);
    parent->halted = true;
    for (int n = 0; n < 300 && !in_time; n++)
        lp_os_sleep_ms(10);
    busy = false;
}

/* Catches: one that the keeper ends waits for the keeper, until both are given up. */
static void who_waits_for_the_keeper_can_be_ended(void **state)
{
    (void)state;
    uint64_t n;
    begin();
    uint32_t nth = load("slots-node1", "x");
    becomes(nth, "running");
    struct lp_swap *job = lp_alloc(sizeof *job);
    job->host = host;
    job->job = keep_busy;
    busy = true;
    in_time = false;
    assert_true(lp_keeper_later(job));
    lp_os_thread *t;
    must(lp_os_thread_start(stop_the_parent, NULL, 0, &t));
    bool served = serve(nth, LINKS);
    in_time = true;
    bool was_busy = busy;
    lp_os_thread_join(t);
    parent->halted = false;
    assert_true(was_busy);
    assert_false(served);
    assert_string_equal(said, "cancelled");
    assert_true(serve(nth, LINKS)); /* what was taken back is in nobody's way */
    assert_true(ask_links(0, &n));
}

static loop_host *volatile left_host; /* never deleted: no leak */

static void stop_the_parent_inside(void *unused)
{
    (void)unused;
    while (!native_inside)
        lp_os_sleep_ms(1);
    parent->halted = true;
}

/* Catches: one that hangs is ended by the keeper, and once more by the host, without its thread. */
static void one_that_hangs_is_left_behind(void **state)
{
    (void)state;
    demo_slots_loading_result_u64_string r;
    lp_os_thread *t;
    must(loop_host_provider_add(host, &native));
    must(loop_host_bind_chain(host, "parent/x", LINKS, &(loop_link){"native", NULL}, 1));
    begin();
    assert_true(serve(load("slots-node1", "x"), LINKS));
    native_hangs = true;
    must(lp_os_thread_start(stop_the_parent_inside, NULL, 0, &t));
    must_fail(demo_slots_loading_call_ask(&loading, 1, &r), LOOP_CANCELLED,
              "stopped while the component 'parent/x' was called");
    lp_os_thread_join(t);
    loop_instance_delete(parent);
    for (int n = 0; n < 500 && !host->haunted; n++)
        lp_os_sleep_ms(10);
    assert_true(host->haunted);
    left_host = host;
    loop_host_delete(lp_take(&host));
    assert_true(left_host->abandoned);
    native_hangs = false;
    lp_os_sleep_ms(100); /* it comes back, and finds all that it had */
}

/* Catches: memory that each call or each one that is loaded leaves behind. */
static void many_calls_and_many_loads(void **state)
{
    (void)state;
    uint64_t n;
    begin();
    for (int i = 0; i < 40; i++) {
        uint32_t nth = load("slots-node1", "x");
        assert_true(serve(nth, LINKS));
        assert_true(ask_links(0, &n));
        must(demo_slots_loading_call_drop(&loading, nth));
        goes("parent/x");
        for (int k = 0; k < 300 && host->children; k++)
            lp_os_sleep_ms(10);
    }
    for (int i = 0; i < 300 && host->retired.n > 3; i++)
        lp_os_sleep_ms(10);
    lp_os_mutex_lock(host->finding);
    assert_true(host->retired.n <= 3);
    assert_true(host->generations.n < 12);
    assert_null(host->behind);
    lp_os_mutex_unlock(host->finding);
}

static void not_more_than_so_many(void **state)
{
    (void)state;
    begin();
    for (int n = 0; n < LP_MAX_CHILDREN; n++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", n);
        (void)load("calc", name);
    }
    cannot_load("calc", "more", NULL, "limit: 'parent' has loaded 16 components");
    must(demo_slots_loading_call_drop(&loading, 3));
    uint32_t nth;
    for (int n = 0; n < 300 && !load_with("calc", "more", NULL, &nth); n++)
        lp_os_sleep_ms(10);
    assert_string_equal(said, "");
}

static void a_host_without_packages(void **state)
{
    (void)state;
    loop_host_packages(host, NULL, NULL);
    begin();
    cannot_load("calc", "x", NULL, "unavailable: this host has no packages");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin_test, end_test)
    const struct CMUnitTest tests[] = {
        TEST(one_serves_its_parent),
        TEST(one_takes_the_place_of_another),
        TEST(one_that_was_replaced_serves_again),
        TEST(only_its_parent_is_served),
        TEST(what_it_cannot_serve),
        TEST(commands_run_by_themselves),
        TEST(they_end_with_their_parent),
        TEST(they_end_with_the_host),
        TEST(one_that_traps_stays_down),
        TEST(what_cannot_be_loaded),
        TEST(grants_are_the_parents),
        TEST(limits_are_the_lowest_classs_and_no_more_than_the_parents),
        TEST(not_more_than_so_many),
        TEST(a_host_without_packages),
        TEST(what_is_bound_for_the_parent_holds),
        TEST(who_waits_for_the_keeper_can_be_ended),
        TEST(one_that_hangs_is_left_behind),
        TEST(many_calls_and_many_loads),
    };
    return cmocka_run_group_tests(tests, note_signals, NULL);
}
