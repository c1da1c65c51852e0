/*
 * host/backend_swap_test.c: components that serve many callers at once, and are replaced meanwhile:
 * no call is lost or made twice, and what others hold of them is dropped.
 */
#include <stdio.h>

#include "host/slots_test.h"

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

/* ---- what hangs ---- */

/* The host and the object; never deleted, and found by a leak checker. */
static void *volatile left[2];

struct leaving {
    struct asker a;
    loop_error *err;
};

static void ask_what_hangs(void *data)
{
    struct leaving *l = data;
    answer r;
    enter(&l->a);
    l->err = demo_slots_links_call_ask(&l->a.links, 2, &r);
}

/* Catches: one that is swapped out while its thread hangs, and whose table goes all the same. */
static void one_that_hangs_keeps_what_it_has(void **state)
{
    (void)state;
    struct leaving l = {0};
    lp_os_thread *t;
    must(loop_host_provider_add(host, &native));
    add("b", "slots-node1");
    add("c", "slots-node2");
    bind_to("a", LINKS, "b");
    bind_to("other", LINKS, "b");
    bind_to("b", LINKS, "native");
    struct asker other = asker("other");
    native_hangs = true;
    must(try_asker("a", 0, &l.a));
    must(lp_os_thread_start(ask_what_hangs, &l, 2u << 20, &t));
    while (!native_inside)
        lp_os_sleep_ms(1);
    loop_instance_kill(l.a.instance);
    lp_os_thread_join(t);
    must_fail(l.err, LOOP_CANCELLED, "");
    left[0] = host;
    left[1] = other.instance->body->uses.at[0]->gen->chain.links[0].provider->self;
    swap_to("other", "c", LOOP_CARRY_NONE);
    assert_true(host->haunted);
    native_hangs = false;
    lp_os_sleep_ms(100); /* it comes back, and finds all that it had */
    assert_int_equal(count(&other), 1);
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
        TEST(four_callers),
        TEST(swaps_under_load),
        TEST(swaps_with_native_code),
        TEST(one_that_hangs_keeps_what_it_has),
        TEST(what_is_held_is_dropped),
        TEST(what_is_held_when_it_ends),
        TEST(what_is_held_when_it_is_swapped),
        TEST(what_passes_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, note_signals, NULL);
}
