/*
 * host/backend_test.c: components that serve each other, real ones (tests/guests/c/slots.h): what
 * is answered, by whom, in which order things end, and that nobody ever waits for itself.
 *
 * The instances that the test calls are entered on its own threads; those behind them run on
 * theirs.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "host/internal.h"
#include <slots.h>

#define LINKS "demo:slots/links"
#define OTHER "demo:slots/other"
#define MILLION 1000000u
#define MS UINT64_C(1000000)

static loop_host *host;
static _Atomic int ended_logged;

static void must(loop_error *e)
{
    if (!e)
        return;
    char *text = loop_error_format(e);
    fail_msg("%s", text);
}

static void must_fail(loop_error *e, loop_code code, const char *part)
{
    lp_buf all = {0};
    for (const loop_error *x = e; x; x = loop_error_cause(x))
        lp_buf_printf(&all, "%s; ", loop_error_message(x));
    if (loop_error_code(e) != code || !strstr(all.ptr ? all.ptr : "", part))
        fail_msg("%s: '%s', not %s: '%s'", loop_code_name(loop_error_code(e)), all.ptr,
                 loop_code_name(code), part);
    lp_buf_done(&all);
    loop_error_delete(e);
}

/* ---- a host ---- */

static void count_log(void *data, const loop_log_entry *entry)
{
    (void)data;
    ended_logged += strstr(entry->message, "ended while it served") != NULL;
}

/* The engine turns these signals into traps; cmocka takes them over for each test. */
static const int trap_signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS};
static struct sigaction engine_actions[LP_COUNT(trap_signals)];

static int note_signals(void **state)
{
    (void)state;
    loop_host *h;
    must(loop_host_new(&(loop_host_options){.no_cache = true}, &h));
    for (size_t i = 0; i < LP_COUNT(trap_signals); i++)
        sigaction(trap_signals[i], NULL, &engine_actions[i]);
    loop_host_delete(h);
    return 0;
}

static int make_host(void **state)
{
    (void)state;
    ended_logged = 0;
    must(loop_host_new(&(loop_host_options){.log = count_log, .log_level = LOOP_LOG_INFO}, &host));
    return 0;
}

static int drop_host(void **state)
{
    (void)state;
    loop_host_delete(host);
    return 0;
}

/* ---- components ---- */

static char *path_of(const char *guest)
{
    const char *folder = lp_os_getenv("LOOP_TEST_GUESTS");
    return lp_format("%s/%s.wasm", folder ? folder : "build/guests", guest);
}

static const char *const may_lack[] = {LINKS, OTHER, NULL};

static loop_error *try_add(const char *name, const char *guest, uint64_t call_ms)
{
    lp_auto(lp_free_string) char *path = path_of(guest);
    const loop_instance_options o = {
        .name = name, .optional = may_lack, .call_timeout_ms = call_ms};
    const char *provider = NULL;
    LP_TRY(loop_host_component_add(host, path, &o, &provider));
    assert_string_equal(provider, name);
    return NULL;
}

static void add(const char *name, const char *guest)
{
    must(try_add(name, guest, 0));
}

/* `providers`: "b", or a chain "serial b". */
static void bind_to(const char *component, const char *interface_name, const char *providers)
{
    loop_link links[LP_MAX_CHAIN];
    size_t n = 0;
    lp_auto(lp_free_string) char *text = lp_strdup(providers);
    for (char *rest = NULL, *w = strtok_r(text, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
        links[n++] = (loop_link){w, NULL};
    must(loop_host_bind_chain(host, component, interface_name, links, n));
}

struct asker {
    loop_instance *instance;
    demo_slots_links_exports links;
};

static loop_error *try_asker(const char *name, uint64_t call_ms, struct asker *ret)
{
    for (size_t i = 0; i < LP_COUNT(trap_signals); i++)
        sigaction(trap_signals[i], &engine_actions[i], NULL);
    lp_auto(lp_free_string) char *path = path_of("slots-node1");
    loop_component *c;
    must(loop_component_open(host, path, &c));
    const loop_instance_options o = {
        .name = name, .optional = may_lack, .call_timeout_ms = call_ms};
    loop_error *err = loop_instance_new(host, c, &o, &ret->instance);
    loop_component_delete(c);
    return err;
}

static void enter(struct asker *a)
{
    must(loop_instance_enter(a->instance));
    must(demo_slots_links_bind(a->instance, &a->links));
}

static struct asker asker(const char *name)
{
    struct asker a;
    must(try_asker(name, 0, &a));
    enter(&a);
    return a;
}

/* ---- answers ---- */

typedef demo_slots_links_guest_result_u64_error answer;

static uint64_t good(const answer *r)
{
    if (r->is_err)
        fail_msg("%.*s", (int)r->of.error.of.unavailable.len, r->of.error.of.unavailable.ptr);
    return r->of.ok;
}

/* It says that it is unavailable, and why. */
static void bad(const answer *r, const char *part)
{
    assert_true(r->is_err);
    assert_int_equal(r->of.error.tag, 0);
    lp_auto(lp_free_string) char *text =
        lp_strndup(r->of.error.of.unavailable.ptr, r->of.error.of.unavailable.len);
    if (!strstr(text, part))
        fail_msg("'%s', not '%s'", text, part);
}

static answer ask(const struct asker *a, uint32_t depth)
{
    answer r;
    must(demo_slots_links_call_ask(&a->links, depth, &r));
    return r;
}

static answer relay(const struct asker *a, demo_slots_links_guest_wish what)
{
    answer r;
    must(demo_slots_links_call_relay(&a->links, what, &r));
    return r;
}

enum { COUNT, CRASH, SPIN, FLOOD, GIVE, MANY, BYTES, SLOW, LEAVE, ASK_OTHER };

/* What `relay(COUNT)` answers. */
static uint64_t count(const struct asker *a)
{
    answer r = relay(a, COUNT);
    return good(&r);
}

static const loop_instance_status *status_of(const loop_status *s, const char *name)
{
    for (size_t i = 0; i < s->instance_count; i++)
        if (strcmp(s->instances[i].name, name) == 0)
            return &s->instances[i];
    return NULL;
}

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

static void swapped(void *data, loop_error *error, const loop_swap_report *report)
{
    (void)report;
    must(error);
    *(bool *)data = true;
}

static void swap_to(const char *component, const char *provider, loop_carry carry)
{
    bool done = false;
    const loop_swap s = {.component = component,
                         .interface_name = LINKS,
                         .links = provider ? &(loop_link){provider, NULL} : NULL,
                         .count = provider != NULL,
                         .carry = carry};
    must(loop_host_swap(host, &s, swapped, &done));
    while (!done)
        loop_host_turn(host, 10);
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
    assert_in_range(ms_since(began), 250, 1500);
    /* What it left does not keep the others waiting for ever. */
    began = lp_os_now_ns();
    r = relay(&other, COUNT);
    assert_true(ms_since(began) < 4000);
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
    assert_in_range(ms_since(began), 150, 3000);
    assert_int_equal(count(&a), 1);
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
    assert_true(ms_since(began) < 500);
    must_fail(k.err, LOOP_CANCELLED, "");
    struct asker other = asker("other"); /* who is next to be served */
    assert_int_equal(count(&other), 1);
}

/* ---- several ---- */

#define CALLERS 4
#define SWAPS 12

static _Atomic bool enough;

struct hammering {
    struct asker a;
    uint32_t calls, failed;
    lp_os_thread *thread;
};

/* Calls until it is enough, and then a little. */
static void hammer(void *data)
{
    struct hammering *h = data;
    uint32_t failed;
    enter(&h->a);
    for (bool last = false; !last;) {
        last = enough;
        must(demo_slots_links_call_hammer(&h->a.links, 500, &failed));
        h->failed += failed;
        h->calls += 500;
    }
}

static void begin_hammering(struct hammering *all, size_t n)
{
    enough = false;
    for (size_t i = 0; i < n; i++) {
        lp_auto(lp_free_string) char *name = lp_format("a%zu", i);
        all[i] = (struct hammering){0};
        must(try_asker(name, 0, &all[i].a));
        must(lp_os_thread_start(hammer, &all[i], 2u << 20, &all[i].thread));
    }
}

/* How many calls were made. */
static uint32_t end_hammering(struct hammering *all, size_t n)
{
    uint32_t calls = 0;
    enough = true;
    for (size_t i = 0; i < n; i++) {
        lp_os_thread_join(all[i].thread);
        assert_int_equal(all[i].failed, 0);
        calls += all[i].calls;
    }
    return calls;
}

static void bind_all(const char *provider)
{
    for (int i = 0; i < CALLERS; i++) {
        lp_auto(lp_free_string) char *name = lp_format("a%d", i);
        bind_to(name, LINKS, provider);
    }
    bind_to("last", LINKS, provider);
}

static void four_callers(void **state)
{
    (void)state;
    struct hammering all[CALLERS];
    add("b", "slots-node1");
    bind_all("b");
    begin_hammering(all, CALLERS);
    lp_os_sleep_ms(200);
    uint32_t calls = end_hammering(all, CALLERS);
    struct asker last = asker("last");
    assert_int_equal(count(&last), calls + 1);
}

/* ---- swaps ---- */

/* From one component to another one and back, with what they have counted. */
static void swaps_under_load(void **state)
{
    (void)state;
    struct hammering all[CALLERS];
    add("one", "slots-keeping1");
    add("two", "slots-keeping2");
    bind_all("one");
    begin_hammering(all, CALLERS);
    for (int n = 0; n < SWAPS; n++)
        swap_to("a0", n % 2 ? "one" : "two", LOOP_CARRY_STATE);
    uint32_t calls = end_hammering(all, CALLERS);
    struct asker last = asker("last");
    assert_int_equal(count(&last), calls + 1);
}

static _Atomic uint64_t native_count;

static loop_error *native_counts(void *self, loop_call *call,
                                 demo_slots_links_result_u64_error *ret)
{
    (void)self, (void)call;
    *ret = (demo_slots_links_result_u64_error){.of.ok = ++native_count};
    return NULL;
}

static char asked_by[200]; /* who asked last, and what that one may do */

static loop_error *native_ask(void *self, loop_call *call, uint32_t n,
                              demo_slots_links_result_u64_error *ret)
{
    const char *key = "", *value = "";
    loop_string why;
    (void)self, (void)n;
    (void)loop_call_config(call, 0, &key, &value);
    snprintf(asked_by, sizeof asked_by, "%s, %s, %llu bytes, %s=%s", loop_call_component(call),
             loop_call_identity(call), (unsigned long long)loop_call_storage(call, &why), key,
             value);
    *ret = (demo_slots_links_result_u64_error){.of.ok = 1};
    return NULL;
}

static loop_error *native_item(void *self, loop_call *call, uint32_t number,
                               demo_slots_links_item **ret)
{
    (void)self, (void)call, (void)number, (void)ret;
    return loop_error_new(LOOP_INTERNAL, "nobody asks for that");
}

#define REFUSES(name, params)                                                                      \
    static loop_error *name params                                                                 \
    {                                                                                              \
        (void)self, (void)call;                                                                    \
        return loop_error_new(LOOP_INTERNAL, "nobody asks for that");                              \
    }
REFUSES(native_number, (void *self, loop_call *call, demo_slots_links_item *item,
                        demo_slots_links_result_u32_error *ret))
REFUSES(native_join, (void *self, loop_call *call, demo_slots_links_item *item,
                      demo_slots_links_item *other, demo_slots_links_result_u32_error *ret))
REFUSES(native_u32, (void *self, loop_call *call, uint32_t *ret))
REFUSES(native_count_on,
        (void *self, loop_call *call, uint32_t n, demo_slots_links_result_u64_error *ret))
REFUSES(native_must, (void *self, loop_call *call, uint32_t n, uint64_t *ret))
REFUSES(native_relay, (void *self, loop_call *call, demo_slots_links_wish what,
                       demo_slots_links_result_u64_error *ret))
REFUSES(native_hammer, (void *self, loop_call *call, uint32_t n, uint32_t *ret))
REFUSES(native_void, (void *self, loop_call *call, demo_slots_links_result_void_error *ret))
REFUSES(native_slow,
        (void *self, loop_call *call, uint32_t n, demo_slots_links_result_void_error *ret))
REFUSES(native_flood,
        (void *self, loop_call *call, uint32_t n, demo_slots_links_result_list_u8_error *ret))
REFUSES(native_add,
        (void *self, loop_call *call, loop_list_u8 b, demo_slots_links_result_u64_error *ret))
REFUSES(native_give, (void *self, loop_call *call, loop_list_u32 n,
                      demo_slots_links_result_list_option_own_item_error *ret))

static void native_drop(void *self, demo_slots_links_item *item)
{
    (void)self, (void)item;
}

static const demo_slots_links_functions native_functions = {
    .item_new = native_item,
    .item_number = native_number,
    .item_join = native_join,
    .item_drop = native_drop,
    .version = native_u32,
    .count = native_counts,
    .ask = native_ask,
    .must = native_must,
    .relay = native_relay,
    .hammer = native_hammer,
    .count_on = native_count_on,
    .crash = native_void,
    .spin = native_void,
    .slow = native_slow,
    .flood = native_flood,
    .add = native_add,
    .give = native_give,
    .live = native_u32,
};
static const loop_provider native = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "native",
    .summary = "counts",
    .interfaces =
        (const loop_provider_interface[]){{&demo_slots_links_interface, &native_functions},
                                          {NULL, NULL}},
    .threads = LOOP_THREADS_ANY};

/* Between a component and native code, neither of which takes over what the other has. */
static void swaps_with_native_code(void **state)
{
    (void)state;
    struct hammering all[2];
    native_count = 0;
    must(loop_host_provider_add(host, &native));
    add("b", "slots-node1");
    bind_all("b");
    bind_to("here", LINKS, "native");
    struct asker last = asker("last");
    begin_hammering(all, 2);
    for (int n = 0; n < SWAPS; n++)
        swap_to("a0", n % 2 ? "b" : "native", LOOP_CARRY_NONE);
    uint32_t calls = end_hammering(all, 2);
    assert_in_range(native_count, 1, calls - 1);
    assert_true(count(&last) > 0);
}

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

/* ---- what is held ---- */

static void what_is_held_is_dropped(void **state)
{
    (void)state;
    add("b", "slots-node1");
    bind_to("a", LINKS, "b");
    bind_to("other", LINKS, "b");
    struct asker a = asker("a"), other = asker("other");
    answer r = relay(&a, LEAVE);
    assert_int_equal(good(&r), 40);
    r = relay(&a, LEAVE);
    assert_int_equal(good(&r), 81);
    r = relay(&other, GIVE);
    assert_int_equal(good(&r), 110000 + 400 + 2); /* two beside its own */
    loop_instance_delete(a.instance);
    r = relay(&other, GIVE);
    assert_int_equal(good(&r), 110200);
    r = relay(&other, LEAVE); /* goes with the host */
    assert_int_equal(good(&r), 40);
}

static void what_is_held_when_it_ends(void **state)
{
    (void)state;
    add("b", "slots-node1");
    bind_to("a", LINKS, "b");
    struct asker a = asker("a");
    answer r = relay(&a, LEAVE);
    assert_int_equal(good(&r), 40);
    r = relay(&a, CRASH);
    bad(&r, "");
    r = relay(&a, LEAVE); /* asks the old one first */
    bad(&r, "a handle that is no");
    assert_int_equal(count(&a), 1);
}

static void what_is_held_when_it_is_swapped(void **state)
{
    (void)state;
    add("b", "slots-node1");
    add("c", "slots-node2");
    bind_to("a", LINKS, "b");
    struct asker a = asker("a");
    answer r = relay(&a, LEAVE);
    r = relay(&a, LEAVE);
    assert_int_equal(good(&r), 81);
    swap_to("a", "c", LOOP_CARRY_NONE);
    r = relay(&a, LEAVE);
    assert_int_equal(good(&r), 40 + 41 + 42);
    loop_status *s = loop_host_status(host);
    assert_non_null(status_of(s, "b")); /* as long as somebody has its items */
    loop_status_delete(s);
    loop_instance_delete(a.instance);
    for (int n = 0; n < 300; n++) {
        s = loop_host_status(host);
        bool gone = !status_of(s, "b");
        loop_status_delete(s);
        if (gone)
            return;
        lp_os_sleep_ms(10);
    }
    fail_msg("what was swapped out stays");
}

static size_t resident_pages(void)
{
    char text[128] = "";
    unsigned long all = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fgets(text, sizeof text, f))
        sscanf(text, "%lu %lu", &all, &resident);
    if (f)
        fclose(f);
    return resident;
}

/* Catches: memory that each call, each copy or each handle leaves behind. */
static void what_passes_leaves_nothing(void **state)
{
    (void)state;
    size_t pages = 0;
    add("b", "slots-node1");
    bind_to("a", LINKS, "b");
    struct asker a = asker("a");
    for (int n = 0; n < 440; n++) {
        uint32_t failed;
        must(demo_slots_links_call_hammer(&a.links, 20, &failed));
        assert_int_equal(failed, 0);
        answer r = relay(&a, GIVE);
        (void)good(&r);
        if (n == 40)
            pages = resident_pages();
    }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they keep what is freed */
    assert_true(resident_pages() < pages + 256); /* 400 lists of handles and 8,000 calls */
#endif
    (void)pages;
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
        TEST(a_flood),
        TEST(one_that_waits_is_ended),
        TEST(four_callers),
        TEST(swaps_under_load),
        TEST(swaps_with_native_code),
        TEST(it_is_who_it_is),
        TEST(what_is_held_is_dropped),
        TEST(what_is_held_when_it_ends),
        TEST(what_is_held_when_it_is_swapped),
        TEST(what_passes_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, note_signals, NULL);
}
