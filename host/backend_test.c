/*
 * host/backend_test.c: components that serve each other, real ones: what is answered, by whom, and
 * that nobody ever waits for itself.
 *
 * The instances that the test calls are entered on its own threads; those behind them run on
 * theirs.
 */
#include "host/slots_test.h"

/* ---- serving ---- */

static void one_serves_another(void **state)
{
    (void)state;
    add("b", "slots-node2");
    bind_to("a", LINKS, "b");
    struct asker a = asker("a");
    answer r = ask(&a, 1);
    assert_int_equal(good(&r), MILLION + 1);
    r = ask(&a, 0); /* its own count */
    assert_int_equal(good(&r), 1);
    assert_int_equal(count(&a), 2);
    r = relay(&a, GIVE);
    assert_int_equal(good(&r), 110200);
    r = relay(&a, BYTES);
    assert_int_equal(good(&r), 3 << 20);
    r = relay(&a, MANY);
    assert_int_equal(good(&r), 1 << 20);
    uint64_t n;
    must(demo_slots_links_call_must(&a.links, 1, &n));
    assert_int_equal(n, MILLION + 3);
    loop_status *s = loop_host_status(host);
    const loop_instance_status *i = status_of(s, "a"), *b = status_of(s, "b");
    assert_non_null(b);
    assert_string_equal(b->provider, "b");
    assert_int_equal(b->condition, LOOP_CONDITION_RUNNING);
    assert_null(i->provider);
    assert_int_equal(i->imports[0].tier, LOOP_TIER_COMPONENT);
    assert_string_equal(i->imports[0].chain, "b");
    loop_status_delete(s);
}

static void a_row_of_them(void **state)
{
    (void)state;
    add("b", "slots-node1");
    add("c", "slots-node2");
    add("d", "slots-node1");
    bind_to("a", LINKS, "b");
    bind_to("b", LINKS, "c");
    bind_to("c", LINKS, "d");
    struct asker a = asker("a");
    answer r = ask(&a, 3);
    assert_int_equal(good(&r), 3 * MILLION + 1);
    r = ask(&a, 2);
    assert_int_equal(good(&r), 2 * MILLION + 1);
    r = ask(&a, 4);
    bad(&r, "no provider implements");
}

static void nothing_runs_before_it_is_used(void **state)
{
    (void)state;
    add("b", "slots-node1");
    add("c", "slots-node1");
    bind_to("a", LINKS, "b");
    bind_to("z", LINKS, "c");
    loop_status *s = loop_host_status(host);
    assert_int_equal(s->instance_count, 0);
    loop_status_delete(s);
    struct asker a = asker("a");
    assert_int_equal(count(&a), 1);
    s = loop_host_status(host);
    assert_int_equal(s->instance_count, 2);
    loop_status_delete(s);
}

static void what_it_lacks_is_told(void **state)
{
    (void)state;
    const char *provider;
    lp_auto(lp_free_string) char *path = path_of("slots-node1"), *wrong = path_of("trap");
    must(loop_host_component_add(host, path, &(loop_instance_options){.name = "b"}, &provider));
    bind_to("a", LINKS, "b");
    struct asker a;
    must_fail(try_asker("a", 0, &a), LOOP_MISSING, "the component 'b' cannot serve");
    must_fail(loop_host_component_add(host, wrong, NULL, &provider), LOOP_INVALID,
              "exports no interface that it could serve");
    must_fail(loop_host_component_add(host, "nowhere.wasm", NULL, &provider), LOOP_NOT_FOUND,
              "nowhere.wasm");
    must_fail(loop_host_bind(host, "acme:dice/roller", "b"), LOOP_NOT_FOUND, "does not implement");
}

/* ---- circles ---- */

/* Of components that are bound in a circle none is made. */
static void bound_in_a_circle(const char *const *names)
{
    size_t n = 0;
    for (; names[n]; n++)
        add(names[n], "slots-node1");
    bind_to("a", LINKS, names[0]);
    for (size_t i = 0; i < n; i++)
        bind_to(names[i], LINKS, names[(i + 1) % n]);
    struct asker a;
    must_fail(try_asker("a", 0, &a), LOOP_INVALID, "in a circle: b > ");
    loop_status *s = loop_host_status(host);
    assert_int_equal(s->instance_count, 0);
    loop_status_delete(s);
}

static void a_circle_of_one(void **state)
{
    (void)state;
    bound_in_a_circle((const char *const[]){"b", NULL});
}

static void a_circle_of_two(void **state)
{
    (void)state;
    bound_in_a_circle((const char *const[]){"b", "c", NULL});
}

static void a_circle_of_three(void **state)
{
    (void)state;
    bound_in_a_circle((const char *const[]){"b", "c", "d", NULL});
}

/* `names` serve each other in a row; then the last one is served by the first. */
static struct asker swapped_to_a_circle(const char *const *names)
{
    size_t n = 0;
    for (; names[n]; n++)
        add(names[n], "slots-node1");
    add("leaf", "slots-node1");
    bind_to("a", LINKS, names[0]);
    for (size_t i = 0; i < n; i++)
        bind_to(names[i], LINKS, i + 1 < n ? names[i + 1] : "leaf");
    struct asker a = asker("a");
    assert_int_equal(count(&a), 1);
    swap_to(names[n - 1], names[0], LOOP_CARRY_NONE);
    for (uint32_t depth = 1; depth <= n; depth++) {
        answer r = ask(&a, depth);
        assert_int_equal(good(&r) / MILLION, depth);
    }
    answer r = ask(&a, (uint32_t)n + 1);
    bad(&r, "waits for this call");
    r = ask(&a, 200);
    bad(&r, "waits for this call");
    return a;
}

static void a_call_that_comes_back(void **state)
{
    (void)state;
    (void)swapped_to_a_circle((const char *const[]){"b", NULL});
}

static void a_call_that_comes_back_by_another(void **state)
{
    (void)state;
    (void)swapped_to_a_circle((const char *const[]){"b", "c", NULL});
}

static void a_call_that_comes_back_by_two(void **state)
{
    (void)state;
    struct asker a = swapped_to_a_circle((const char *const[]){"b", "c", "d", NULL});
    uint64_t n;
    must(demo_slots_links_call_must(&a.links, 3, &n));
    /* Who has no place for an error ends, one after the other. */
    must_fail(demo_slots_links_call_must(&a.links, 4, &n), LOOP_TRAP, "waits for this call");
    assert_true(ended_logged >= 2);
}

/* ---- other providers between them ---- */

static _Atomic int passed;

static loop_error *pass(void *self, loop_call *call, const loop_interface *interface, size_t row,
                        const void *args, void *ret)
{
    (void)self;
    passed++;
    return loop_call_next(call, interface, row, args, ret);
}

static const loop_provider serial = {.abi = LOOP_PROVIDER_ABI,
                                     .name = "serial",
                                     .summary = "one call at a time",
                                     .threads = LOOP_THREADS_SERIAL,
                                     .call = pass};
static const loop_provider any = {.abi = LOOP_PROVIDER_ABI,
                                  .name = "any",
                                  .summary = "passes on",
                                  .threads = LOOP_THREADS_ANY,
                                  .call = pass};

static loop_error *ask_links(void *self, loop_call *call, uint32_t depth,
                             demo_slots_other_result_u64_error *ret)
{
    static const loop_function ask_row = {
        .name = "ask", .type = "(u32)->result<u64,variant{unavailable(string),refused}>"};
    static loop_interface links;
    static loop_function functions[2];
    (void)self;
    functions[0] = ask_row;
    links = (loop_interface){LOOP_ABI, LINKS, "0.1.0", functions, &(const loop_resource){0}};
    const loop_peer *peer;
    LP_TRY(loop_call_peer(call, &links, &peer));
    return loop_peer_call(peer, call, 0, &depth, ret);
}

static const demo_slots_other_functions adapter_functions = {.ask = ask_links};
static const loop_provider adapter = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "adapter",
    .summary = "asks for links",
    .interfaces =
        (const loop_provider_interface[]){{&demo_slots_other_interface, &adapter_functions},
                                          {NULL, NULL}},
    .threads = LOOP_THREADS_ANY};

/* A lock that one holds while it waits for another, which wants it. */
static void a_lock_in_the_way(void **state)
{
    (void)state;
    must(loop_host_provider_add(host, &serial));
    must(loop_host_provider_add(host, &any));
    add("b", "slots-node1");
    add("c", "slots-node1");
    bind_to("a", LINKS, "any serial b");
    bind_to("b", LINKS, "any serial c");
    struct asker a = asker("a");
    answer r = ask(&a, 1);
    assert_int_equal(good(&r), MILLION + 1);
    r = ask(&a, 2);
    bad(&r, "bears one call at a time");
    r = ask(&a, 1);
    assert_int_equal(good(&r), MILLION + 2);
    assert_true(passed > 3);
}

static void an_adapter_between(void **state)
{
    (void)state;
    must(loop_host_provider_add(host, &any));
    must(loop_host_provider_add(host, &adapter));
    add("b", "slots-node1");
    add("c", "slots-node1");
    bind_to("a", OTHER, "any adapter");
    bind_to("b", OTHER, "adapter");
    bind_to("a", LINKS, "b");
    bind_to("b", LINKS, "any c");
    bind_to("c", LINKS, "b");
    struct asker a;
    must_fail(try_asker("a", 0, &a), LOOP_INVALID, "in a circle");
    add("leaf", "slots-node1");
    bind_to("c", LINKS, "leaf");
    a = asker("a");
    answer r = relay(&a, ASK_OTHER);
    assert_int_equal(good(&r), 2 * MILLION + 1);
    swap_to("b", "b", LOOP_CARRY_NONE);
    r = relay(&a, ASK_OTHER);
    bad(&r, "waits for this call");
}

/* ---- what goes wrong ---- */

static void a_trap_ends_one_alone(void **state)
{
    (void)state;
    add("b", "slots-node1");
    bind_to("a", LINKS, "b");
    struct asker a = asker("a");
    assert_int_equal(count(&a), 1);
    assert_int_equal(count(&a), 2);
    answer r = relay(&a, CRASH);
    bad(&r, "unreachable");
    assert_int_equal(ended_logged, 1);
    assert_int_equal(count(&a), 1); /* another one, from the beginning */
    loop_status *s = loop_host_status(host);
    assert_int_equal(status_of(s, "b")->restarts, 1);
    loop_status_delete(s);
    for (int n = 0; n < 12; n++)
        r = relay(&a, CRASH);
    r = relay(&a, COUNT);
    bad(&r, "starts again in");
    s = loop_host_status(host);
    assert_int_equal(status_of(s, "b")->restarts, 2); /* the third waits for a while */
    loop_status_delete(s);
}

/* on-trap of what serves: it is as for what runs, and a reload lifts the quarantine. */
static void one_that_fails_too_often_is_quarantined(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *path = path_of("slots-node1");
    const loop_instance_options o = {
        .name = "b", .optional = may_lack, .on_trap = LOOP_ON_TRAP_QUARANTINE};
    const char *provider = NULL;
    must(loop_host_component_add(host, path, &o, &provider));
    bind_to("a", LINKS, "b");
    struct asker a = asker("a");
    answer r;
    for (int n = 0; n < 3; n++) {
        lp_os_sleep_ms(n == 2 ? 120 : 0); /* the third begins after a while */
        r = relay(&a, CRASH);
        bad(&r, "unreachable");
    }
    lp_os_sleep_ms(300);
    r = relay(&a, COUNT);
    bad(&r, "is in quarantine");
    loop_status *s = loop_host_status(host);
    assert_int_equal(status_of(s, "b")->condition, LOOP_CONDITION_QUARANTINED);
    assert_int_equal(status_of(s, "b")->failures, 3);
    loop_status_delete(s);
    swap_to("a", NULL, LOOP_CARRY_NONE); /* a reload */
    assert_int_equal(count(&a), 1);
}

static void one_that_stops_is_not_started_again(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *path = path_of("slots-node1");
    const loop_instance_options o = {
        .name = "b", .optional = may_lack, .on_trap = LOOP_ON_TRAP_STOP};
    const char *provider = NULL;
    must(loop_host_component_add(host, path, &o, &provider));
    bind_to("a", LINKS, "b");
    struct asker a = asker("a");
    answer r = relay(&a, CRASH);
    bad(&r, "unreachable");
    r = relay(&a, COUNT);
    bad(&r, "is not started again");
}

struct spinning {
    struct asker asker;
    _Atomic bool begun;
};

static void spin_there(void *data)
{
    struct spinning *s = data;
    enter(&s->asker);
    s->begun = true;
    answer r = relay(&s->asker, SPIN);
    bad(&r, "its call limit of 0.5 s");
}

/* So many calls at a time, and no more: who comes then hears of it, and is served later. */
static void calls_in_flight_have_a_limit(void **state)
{
    (void)state;
    loop_limits limits = {0};
    limits.of[LOOP_MAX_CALLS].value = 1;
    limits.of[LOOP_MAX_CALL].value = 500;
    lp_auto(lp_free_string) char *path = path_of("slots-node1");
    const loop_instance_options o = {.name = "b", .optional = may_lack, .limits = &limits};
    const char *provider = NULL;
    must(loop_host_component_add(host, path, &o, &provider));
    memset(&limits, 1, sizeof limits); /* it has a copy */
    bind_to("a", LINKS, "b");
    bind_to("c", LINKS, "b");
    struct asker second = asker("c");
    struct spinning s = {0};
    lp_os_thread *thread;
    must(try_asker("a", 0, &s.asker));
    must(lp_os_thread_start(spin_there, &s, 8u << 20, &thread));
    while (!s.begun)
        lp_os_sleep_ms(1);
    lp_os_sleep_ms(100);
    answer r = relay(&second, COUNT);
    bad(&r, "its calls limit of 1");
    lp_os_thread_join(thread);
    assert_int_equal(count(&second), 1);
}

static void a_trap_without_a_place_for_it(void **state)
{
    (void)state;
    add("b", "slots-node1");
    add("c", "slots-node1");
    bind_to("a", LINKS, "b");
    bind_to("b", LINKS, "c");
    struct asker a = asker("a");
    uint64_t n;
    must_fail(demo_slots_links_call_must(&a.links, 3, &n), LOOP_TRAP, "it is served by");
}

static uint64_t ms_since(uint64_t ns)
{
    return (lp_os_now_ns() - ns) / MS;
}

static void the_callers_deadline_holds(void **state)
{
    (void)state;
    add("b", "slots-node1");
    bind_to("a", LINKS, "b");
    bind_to("other", LINKS, "b");
    struct asker a, other = asker("other");
    must(try_asker("a", 300, &a));
    enter(&a);
    answer r;
    uint64_t began = lp_os_now_ns();
    must_fail(demo_slots_links_call_relay(&a.links, SPIN, &r), LOOP_TIMEOUT, "");
    assert_in_range(ms_since(began), 250, 20000);
    /* What it left does not keep the others waiting for ever. */
    began = lp_os_now_ns();
    r = relay(&other, COUNT);
    assert_true(ms_since(began) < 20000);
    assert_int_equal(good(&r), 1);
}

static void its_own_limit(void **state)
{
    (void)state;
    must(try_add("b", "slots-node1", 200));
    bind_to("a", LINKS, "b");
    struct asker a = asker("a");
    uint64_t began = lp_os_now_ns();
    answer r = relay(&a, SPIN);
    bad(&r, "its call limit of 0.2 s");
    assert_in_range(ms_since(began), 150, 20000);
    assert_int_equal(count(&a), 1);
}

/* Catches: a deadline that holds for calls after the one that it was of. */
static void a_deadline_is_of_one_call(void **state)
{
    (void)state;
    add("b", "slots-node1");
    bind_to("a", LINKS, "b");
    struct asker a = asker("a");
    a.instance->body->until_ns = lp_os_now_ns() + 200 * MS; /* as while it is replaced */
    assert_int_equal(count(&a), 1);
    a.instance->body->until_ns = 0;
    lp_os_sleep_ms(300);
    answer r = relay(&a, SLOW); /* so that who waits looks how late it is */
    (void)good(&r);
}

static void a_flood(void **state)
{
    (void)state;
    add("b", "slots-node1");
    bind_to("a", LINKS, "b");
    struct asker a = asker("a");
    answer r = relay(&a, FLOOD);
    bad(&r, "");
    assert_int_equal(count(&a), 1);
}

struct killing {
    struct asker a;
    _Atomic bool entered;
    loop_error *err;
    bool done;
};

static void wait_there(void *data)
{
    struct killing *k = data;
    answer r;
    enter(&k->a);
    k->entered = true;
    k->err = demo_slots_links_call_relay(&k->a.links, SPIN, &r);
}

static void one_that_waits_is_ended(void **state)
{
    (void)state;
    add("b", "slots-node1");
    bind_to("a", LINKS, "b");
    bind_to("other", LINKS, "b");
    struct killing k = {0};
    lp_os_thread *t;
    must(try_asker("a", 0, &k.a));
    must(lp_os_thread_start(wait_there, &k, 2u << 20, &t));
    while (!k.entered)
        lp_os_sleep_ms(1);
    lp_os_sleep_ms(50);
    uint64_t began = lp_os_now_ns();
    loop_instance_kill(k.a.instance);
    lp_os_thread_join(t);
    assert_true(ms_since(began) < 20000);
    must_fail(k.err, LOOP_CANCELLED, "");
    struct asker other = asker("other"); /* who is next to be served */
    assert_int_equal(count(&other), 1);
}

/* ---- who it is ---- */

/* What it may do, and what it is called, is its own, whoever asks it. */
static void it_is_who_it_is(void **state)
{
    (void)state;
    const char *provider;
    lp_auto(lp_free_string) char *path = path_of("slots-node1");
    const loop_origin origin = {"test", 0, 0};
    loop_policy *policy = loop_policy_new();
    must(loop_policy_add(policy, LOOP_GRANT_STORAGE, "4KiB", false, NULL, false, origin));
    must(loop_host_provider_add(host, &native));
    must(loop_host_component_add(
        host, path,
        &(loop_instance_options){.name = "b",
                                 .identity = "it",
                                 .policy = policy,
                                 .optional = may_lack,
                                 .config = (const char *const[]){"color", "red", NULL}},
        &provider));
    loop_policy_delete(policy);
    bind_to("a", LINKS, "b");
    bind_to("b", LINKS, "native");
    bind_to("poor", LINKS, "native");
    struct asker a = asker("a"), poor = asker("poor");
    answer r = ask(&a, 2);
    assert_int_equal(good(&r), 2 * MILLION + 1);
    assert_string_equal(asked_by, "b, it, 4096 bytes, color=red");
    r = ask(&poor, 1);
    assert_int_equal(good(&r), MILLION + 1);
    assert_string_equal(asked_by, "poor, poor, 0 bytes, =");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_host, drop_host)
    const struct CMUnitTest tests[] = {
        TEST(one_serves_another),
        TEST(a_row_of_them),
        TEST(nothing_runs_before_it_is_used),
        TEST(what_it_lacks_is_told),
        TEST(a_circle_of_one),
        TEST(a_circle_of_two),
        TEST(a_circle_of_three),
        TEST(a_call_that_comes_back),
        TEST(a_call_that_comes_back_by_another),
        TEST(a_call_that_comes_back_by_two),
        TEST(a_lock_in_the_way),
        TEST(an_adapter_between),
        TEST(a_trap_ends_one_alone),
        TEST(one_that_fails_too_often_is_quarantined),
        TEST(one_that_stops_is_not_started_again),
        TEST(calls_in_flight_have_a_limit),
        TEST(a_trap_without_a_place_for_it),
        TEST(the_callers_deadline_holds),
        TEST(its_own_limit),
        TEST(a_deadline_is_of_one_call),
        TEST(a_flood),
        TEST(one_that_waits_is_ended),
        TEST(it_is_who_it_is),
    };
    return cmocka_run_group_tests(tests, note_signals, NULL);
}
