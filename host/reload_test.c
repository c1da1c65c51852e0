/*
 * host/reload_test.c: replacing the component of an instance that lives: what it counted goes
 * on, no call is lost or made twice, and whatever is wrong with a new component leaves the old
 * one as it was.
 *
 * RELOAD_SWAPS: how many swaps the longest test makes (1,000), RELOAD_FLAT the one that looks
 * at memory (500).
 */
#include <dirent.h>
#include <stdio.h>

#include "host/internal.h"
#include "host/serving_test.h"

static const loop_instance_swap with_state, fresh = {.restart = true}, soon = {.deadline_ms = 100};

static int number_of(const char *variable, int otherwise)
{
    const char *text = lp_os_getenv(variable);
    return text ? atoi(text) : otherwise;
}

static void must_swap(const struct swapped *s)
{
    if (s->code != LOOP_OK)
        fail_msg("%s: %s", loop_code_name(s->code), s->text);
}

/* From one layout to another, and on; what the old one held is dropped, the new one asks again. */
static void state_goes_from_one_component_to_the_next(void **state)
{
    (void)state;
    struct end end;
    loop_instance *i = serve("counter-v1", &(loop_instance_options){0}, &end);
    assert_int_equal(add(i, 5, 40), 40);
    struct swapped s = replace(i, "counter-v2", &with_state);
    must_swap(&s);
    assert_int_equal(s.report.generation, 2);
    assert_int_equal(s.report.instances, 1);
    assert_int_equal(s.report.state_bytes, 64 * 8);
    assert_true(s.report.pause_ns > 0 && s.report.pause_ns <= s.report.whole_ns);
    assert_int_equal(version(i), 2);
    assert_int_equal(add(i, 5, 2), 42);
    assert_int_equal(tokens_held, 3);
    assert_int_equal(tokens_given, 6);
    s = replace(i, "counter-v3", &with_state);
    must_swap(&s);
    assert_int_equal(s.report.state_bytes, 64 * 12);
    assert_int_equal(version(i), 3);
    assert_int_equal(total(i), 42);
    assert_int_equal(tokens_held, 3);
    /* The first one does not know what the third one wrote. */
    s = replace(i, "counter-v1", &with_state);
    assert_int_equal(s.code, LOOP_INVALID);
    assert_non_null(strstr(s.text, "'demo:counter/state', version 2: no state of mine"));
    assert_int_equal(version(i), 3);
    assert_int_equal(total(i), 42);
    assert_int_equal(i->swaps, 2);
    assert_int_equal(host->swaps, 2);
    assert_int_equal(host->rolled_back, 1);
    loop_instance_delete(i);
}

/* ---- under calls ---- */

static const struct {
    const char *guest;
    loop_code code;
    const char *text;
    loop_instance_swap how;
} wrong[] = {
    {"counter-restore-trap", LOOP_TRAP, "restore of", {0}},
    {"counter-restore-err", LOOP_INVALID, "version 1: not today", {0}},
    {"counter-restore-spin", LOOP_TIMEOUT, "restore of", {.deadline_ms = 100}},
    {"counter-start-trap", LOOP_TRAP, "the start of", {0}},
    {"counter-start-spin", LOOP_TIMEOUT, "the start of", {.deadline_ms = 100}},
    {"counter-narrow", LOOP_NOT_FOUND, "exports no 'total'", {0}},
    {"counter-other", LOOP_INVALID, "'total' with another type: ()->u32, not ()->u64", {0}},
    {"counter-plain", LOOP_DENIED, "exports no loop:core/reload", {0}},
    {"calc", LOOP_NOT_FOUND, "exports no '[method]ticket.number'", {.restart = true}},
};

static void check_posters(struct posters *p, uint64_t all)
{
    posters_end(p);
    uint64_t answered = 0;
    for (size_t n = 0; n < POSTERS; n++) {
        assert_int_equal(p->at[n].gone + p->at[n].failed, 0);
        assert_int_equal(p->at[n].answered, p->at[n].last);
        answered += p->at[n].answered;
    }
    assert_int_equal(total(p->instance), answered);
    if (all)
        assert_int_equal(answered, all);
    posters_done(p);
}

/* A thousand swaps, and all that can go wrong between them: each call is answered once. */
static void no_call_is_lost_or_made_twice(void **state)
{
    (void)state;
    struct end end;
    struct posters p;
    int swaps = number_of("RELOAD_SWAPS", 1000);
    loop_instance *i = serve("counter-v1", &(loop_instance_options){0}, &end);
    struct swapped s = replace(i, "counter-v2", &with_state);
    must_swap(&s);
    loop_component *both[] = {open_guest("counter-v3"), open_guest("counter-v2")};
    posters_start(&p, i, 2000000);
    for (int n = 0; n < swaps; n++) {
        s = (struct swapped){0};
        must(loop_instance_swap_component(i, both[n % 2], &with_state, on_swapped, &s));
        while (!s.told)
            loop_host_turn(host, 5);
        must_swap(&s);
        if (n % 100 == 50) {
            struct swapped bad = replace(i, "counter-restore-trap", &with_state);
            assert_int_equal(bad.code, LOOP_TRAP);
        }
    }
    p.stop = true;
    check_posters(&p, 0);
    assert_int_equal(i->swaps, swaps + 1);
    assert_int_equal(version(i), swaps % 2 ? 3 : 2);
    assert_int_equal(tokens_held, 3);
    loop_component_delete(both[0]);
    loop_component_delete(both[1]);
    loop_instance_delete(i);
}

static void whatever_fails_leaves_the_old_one(void **state)
{
    (void)state;
    struct end end;
    struct posters p;
    loop_instance *i = serve("counter-v1", &(loop_instance_options){0}, &end);
    assert_int_equal(total(i), 0); /* every function is bound */
    posters_start(&p, i, 1000000);
    for (size_t n = 0; n < LP_COUNT(wrong); n++) {
        struct swapped s = replace(i, wrong[n].guest, &wrong[n].how);
        assert_int_equal(s.told, 1);
        if (s.code != wrong[n].code || !strstr(s.text, wrong[n].text))
            fail_msg("%s: %s: %s", wrong[n].guest, loop_code_name(s.code), s.text);
        assert_int_equal(version(i), 1);
    }
    p.stop = true;
    check_posters(&p, 0);
    assert_int_equal(i->swaps, 0);
    assert_int_equal(tokens_held, 3);
    struct swapped s = replace(i, "counter-v2", &with_state); /* and it can still be replaced */
    must_swap(&s);
    loop_instance_delete(i);
    /* Nothing was looked up: what is missing is an import. */
    i = serve("counter-v1", &(loop_instance_options){0}, &end);
    s = replace(i, "wants-unknown", &fresh);
    assert_int_equal(s.code, LOOP_MISSING);
    assert_non_null(strstr(s.text, "acme:weather/api@1.0.0"));
    assert_int_equal(version(i), 1);
    loop_instance_delete(i);
}

/* Refusing, and saving too much, ends nothing. */
static void one_that_cannot_be_saved_goes_on(void **state)
{
    (void)state;
    static const struct {
        const char *guest;
        loop_code code;
        const char *text;
    } rows[] = {
        {"counter-save-err", LOOP_UNAVAILABLE,
         "cannot be replaced now: in the middle of something"},
        {"counter-save-big", LOOP_LIMIT, "67108865 bytes"},
    };
    for (size_t n = 0; n < LP_COUNT(rows); n++) {
        struct end end;
        loop_instance *i = serve(rows[n].guest, &(loop_instance_options){0}, &end);
        assert_int_equal(add(i, 1, 7), 7);
        struct swapped s = replace(i, "counter-v2", &(loop_instance_swap){.deadline_ms = 60000});
        if (s.code != rows[n].code || !strstr(s.text, rows[n].text))
            fail_msg("%s: %s", loop_code_name(s.code), s.text);
        assert_int_equal(add(i, 1, 1), 8);
        assert_int_equal(tokens_held, 3);
        loop_instance_delete(i);
    }
}

/* Where the old one fails by itself there is nothing to go on with: both hear of it. */
static void one_that_fails_in_save_has_ended(void **state)
{
    (void)state;
    static const struct {
        const char *guest;
        loop_code code;
    } rows[] = {{"counter-save-trap", LOOP_TRAP}, {"counter-save-spin", LOOP_TIMEOUT}};
    for (size_t n = 0; n < LP_COUNT(rows); n++) {
        struct end end;
        loop_instance *i = serve(rows[n].guest, &(loop_instance_options){0}, &end);
        assert_int_equal(add(i, 1, 7), 7);
        struct swapped s = replace(i, "counter-v2", &soon);
        assert_int_equal(s.code, rows[n].code);
        assert_non_null(strstr(s.text, "save of"));
        wait_for_end(&end);
        assert_int_equal(end.code, rows[n].code);
        loop_instance_delete(i);
    }
}

/* ---- handles ---- */

static void take(const demo_counter_counts_exports *counts, void *data)
{
    must(demo_counter_counts_call_take(counts, data));
}

static void use_old(const demo_counter_counts_exports *counts, void *data)
{
    demo_counter_counts_guest_ticket *t = data, other;
    uint64_t n;
    must_fail(demo_counter_counts_call_ticket_number(counts, *t, &n), LOOP_USAGE, "no ticket here");
    must_fail(demo_counter_counts_drop_ticket(counts, *t), LOOP_USAGE, "no resource");
    must(demo_counter_counts_call_take(counts, &other));
    must(demo_counter_counts_call_ticket_number(counts, other, &n));
    assert_int_equal(n, 1);
}

/* What others hold of a component that was replaced is refused, and ends nothing. */
static void its_own_handles_go_with_a_component(void **state)
{
    (void)state;
    struct end end;
    demo_counter_counts_guest_ticket t;
    loop_instance *i = serve("counter-v1", &(loop_instance_options){0}, &end);
    assert_true(do_there(i, take, &t));
    struct swapped s = replace(i, "counter-v2", &with_state);
    must_swap(&s);
    assert_true(do_there(i, use_old, &t));
    assert_int_equal(version(i), 2);
    loop_instance_delete(i);
}

/* ---- ends in the midst ---- */

static void begin_swap(loop_instance *i, const char *guest, struct swapped *s)
{
    *s = (struct swapped){0};
    loop_component *c = open_guest(guest);
    must(loop_instance_swap_component(i, c, &(loop_instance_swap){.deadline_ms = 60000}, on_swapped,
                                      s));
    loop_component_delete(c);
}

static void kill_it(loop_instance *i)
{
    loop_instance_kill(i);
}

static void interrupt_it(loop_instance *i)
{
    loop_instance_cancel(i, LOOP_CANCEL_INTERRUPTED);
}

/* What spins in the new component ends, too, and with it the instance. */
static void a_kill_reaches_whatever_runs(void **state)
{
    (void)state;
    static void (*const ends[])(loop_instance *) = {kill_it, interrupt_it, loop_instance_delete};
    static const char *const guests[] = {"counter-restore-spin", "counter-start-spin"};
    for (size_t n = 0; n < LP_COUNT(ends) * LP_COUNT(guests); n++) {
        struct end end;
        struct swapped s;
        loop_instance *i = serve("counter-v1", &(loop_instance_options){0}, &end);
        assert_int_equal(add(i, 1, 1), 1);
        begin_swap(i, guests[n % LP_COUNT(guests)], &s);
        for (int k = 0; k < 5; k++)
            loop_host_turn(host, 10);
        assert_int_equal(s.told, 0);
        assert_int_equal(lp_instance_condition(i), LOOP_CONDITION_SWAPPING);
        uint64_t before = lp_os_now_ns();
        bool deleted = n / LP_COUNT(guests) == 2;
        ends[n / LP_COUNT(guests)](i);
        wait_for_end(&end);
        assert_true(lp_os_now_ns() - before < 2000000000);
        assert_int_equal(end.code, LOOP_CANCELLED);
        assert_int_equal(s.told, 1);
        assert_true(s.code == LOOP_CANCELLED || s.code == LOOP_UNAVAILABLE);
        if (!deleted)
            loop_instance_delete(i);
    }
}

struct killer {
    loop_instance *instance;
    uint64_t at_ns;
};

static void kill_at(void *data)
{
    struct killer *k = data;
    while (lp_os_now_ns() < k->at_ns)
        ;
    loop_instance_kill(k->instance);
}

/* At any moment: each swap is told once, each piece of work once, and the instance ends once. */
static void a_kill_at_any_moment(void **state)
{
    (void)state;
    loop_component *next = open_guest("counter-v2");
    for (uint64_t n = 0; n < 100; n++) {
        struct end end;
        struct posters p;
        struct swapped s = {0};
        loop_instance *i = serve("counter-v1", &(loop_instance_options){0}, &end);
        posters_start(&p, i, 100000);
        struct killer k = {i, lp_os_now_ns() + n * 30000};
        lp_os_thread *thread;
        must(lp_os_thread_start(kill_at, &k, 0, &thread));
        loop_error *e = loop_instance_swap_component(i, next, &with_state, on_swapped, &s);
        bool begun = !e;
        loop_error_delete(e);
        lp_os_thread_join(thread);
        wait_for_end(&end);
        assert_int_equal(s.told, begun);
        assert_int_equal(end.code, LOOP_CANCELLED);
        posters_end(&p);
        posters_done(&p);
        loop_instance_delete(i);
        assert_int_equal(tokens_held, 0);
    }
    loop_component_delete(next);
}

/* A call that lasts is not cut short for a swap: the swap is called off. */
static void a_swap_waits_for_a_call_and_no_longer_than_it_may(void **state)
{
    (void)state;
    struct end end;
    loop_instance *i = serve("counter-v1", &(loop_instance_options){0}, &end);
    assert_int_equal(total(i), 0);
    post_spin(i);
    while (lp_instance_waiting(i))
        loop_host_turn(host, 1);
    struct swapped s = replace(i, "counter-v2", &soon);
    assert_int_equal(s.code, LOOP_TIMEOUT);
    assert_non_null(strstr(s.text, "has not ended"));
    assert_false(end.ended);
    /* One at a time. */
    begin_swap(i, "counter-v2", &s);
    struct swapped other = replace(i, "counter-v3", &with_state);
    assert_int_equal(other.code, LOOP_UNAVAILABLE);
    assert_non_null(strstr(other.text, "is being replaced"));
    loop_instance_kill(i);
    wait_for_end(&end);
    assert_int_equal(s.told, 1);
    assert_int_equal(s.code, LOOP_UNAVAILABLE);
    /* And none of what has ended, or is entered. */
    s = replace(i, "counter-v2", &with_state);
    assert_int_equal(s.code, LOOP_USAGE);
    loop_instance_delete(i);
    i = new_instance("counter-v1", &(loop_instance_options){0});
    must(loop_instance_enter(i));
    s = replace(i, "counter-v2", &with_state);
    assert_int_equal(s.code, LOOP_USAGE);
    loop_instance_delete(i);
}

/* ---- without state ---- */

static void a_component_without_state_starts_again_where_it_may(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"counter-v2", "counter-plain"},
                                           {"counter-plain", "counter-v2"}};
    for (size_t n = 0; n < LP_COUNT(pairs); n++) {
        struct end end;
        loop_instance *i = serve(pairs[n][0], &(loop_instance_options){0}, &end);
        assert_int_equal(add(i, 0, 9), 9);
        struct swapped s = replace(i, pairs[n][1], &with_state);
        assert_int_equal(s.code, LOOP_DENIED);
        assert_non_null(strstr(s.text, "would lose its state"));
        /* What would happen, and nothing happens. */
        s = replace(i, pairs[n][1], &(loop_instance_swap){.dry_run = true});
        must_swap(&s);
        assert_non_null(strstr(s.warning, "starts again from nothing"));
        assert_non_null(strstr(s.warning, "counter-plain.wasm"));
        assert_int_equal(total(i), 9);
        s = replace(i, pairs[n][1], &fresh);
        must_swap(&s);
        assert_non_null(strstr(s.warning, "starts again from nothing"));
        assert_int_equal(add(i, 0, 1), 1);
        assert_int_equal(tokens_held, 3);
        assert_int_equal(i->restarts, 1);
        assert_int_equal(i->swaps, 0);
        loop_instance_delete(i);
    }
}

static void a_dry_run_changes_nothing(void **state)
{
    (void)state;
    struct end end;
    loop_instance *i = serve("counter-v1", &(loop_instance_options){0}, &end);
    struct swapped s = replace(i, "counter-other", &(loop_instance_swap){.dry_run = true});
    assert_int_equal(s.code, LOOP_OK); /* `total` was not looked up */
    assert_int_equal(add(i, 0, 9), 9);
    s = replace(i, "counter-v2", &(loop_instance_swap){.dry_run = true});
    must_swap(&s);
    assert_string_equal(s.warning, "");
    assert_int_equal(s.report.generation, 0);
    assert_int_equal(version(i), 1);
    assert_int_equal(host->swaps + host->rolled_back, 0);
    s = replace(i, "counter-other", &(loop_instance_swap){.dry_run = true});
    assert_int_equal(s.code, LOOP_INVALID);
    assert_int_equal(host->swaps + host->rolled_back, 0);
    loop_instance_delete(i);
}

/* ---- applications ---- */

static loop_instance *start(const char *guest, const char *mode, struct end *end)
{
    *end = (struct end){0};
    loop_instance *i =
        new_instance(guest, &(loop_instance_options){.args = (const char *const[]){"x", mode, NULL},
                                                     .grace_ms = 60000});
    must(loop_instance_start(i, NULL, on_end, end));
    return i;
}

static void turn_for(int ms)
{
    uint64_t until = lp_os_now_ns() + (uint64_t)ms * 1000000;
    while (lp_os_now_ns() < until)
        loop_host_turn(host, 5);
}

/* Its timer goes on, `start` is not called again, and back and forth it does not end. */
static void an_application_goes_on_where_it_was(void **state)
{
    (void)state;
    struct end end;
    loop_instance *i = start("ticker-v1", "", &end);
    turn_for(30);
    for (int n = 0; n < 20; n++) {
        struct swapped s = replace(i, "ticker-v1", &with_state);
        must_swap(&s);
        loop_host_turn(host, 5);
    }
    struct swapped s = replace(i, "ticker-v2", &with_state);
    must_swap(&s);
    wait_for_end(&end);
    assert_int_equal(end.code, LOOP_OK);
    assert_int_equal(end.status, 21); /* one `start` */
    loop_instance_delete(i);
}

/* From nothing: the new one's `start` gets the same arguments. */
static void an_application_without_state_starts_again(void **state)
{
    (void)state;
    struct end end;
    loop_instance *i = start("app", "wait", &end);
    struct swapped s = replace(i, "ticker-v2", &with_state);
    assert_int_equal(s.code, LOOP_DENIED);
    s = replace(i, "ticker-v2", &fresh);
    must_swap(&s);
    turn_for(200); /* it waits, as its arguments say: 20 timers would have ended it */
    assert_false(end.ended);
    loop_instance_cancel(i, LOOP_CANCEL_INTERRUPTED);
    wait_for_end(&end);
    assert_int_equal(end.status, 99);
    loop_instance_delete(i);
    i = start("app", "5", &end);
    s = replace(i, "counter-v1", &fresh); /* another kind */
    assert_int_equal(s.code, LOOP_INVALID);
    assert_non_null(strstr(s.text, "is a library"));
    wait_for_end(&end);
    assert_int_equal(end.status, 3);
    loop_instance_delete(i);
}

static void an_application_hears_of_other_providers(void **state)
{
    (void)state;
    struct end end;
    loop_instance *i = start("ticker-v1", "changes", &end);
    turn_for(20);
    assert_false(end.ended);
    lp_instance_changed(i);
    wait_for_end(&end);
    assert_int_equal(end.status, 101);
    loop_instance_delete(i);
}

/* ---- commands ---- */

static void a_command_ends_and_runs_again(void **state)
{
    (void)state;
    static const struct {
        const char *old, *mode;
        uint64_t grace_ms;
    } rows[] = {
        {"spin", "42", 0},               /* cannot be asked: stopped */
        {"cancel-aware", "poll", 60000}, /* ends when it is asked */
        {"cancel-aware", "stubborn", 50},
    };
    for (size_t n = 0; n < LP_COUNT(rows); n++) {
        struct end end = {0};
        loop_instance *i = new_instance(
            rows[n].old,
            &(loop_instance_options){.args = (const char *const[]){"x", rows[n].mode, NULL},
                                     .grace_ms = rows[n].grace_ms});
        must(loop_instance_start(i, NULL, on_end, &end));
        turn_for(30);
        struct swapped s = replace(i, "trap", &with_state);
        assert_int_equal(s.code, LOOP_DENIED);
        assert_non_null(strstr(s.text, "a command, which keeps no state"));
        s = replace(i, "trap", &fresh);
        must_swap(&s);
        assert_non_null(strstr(s.warning, "it is a command"));
        wait_for_end(&end);
        assert_int_equal(end.code, LOOP_TRAP); /* the new one's end */
        assert_int_equal(i->restarts, 1);
        loop_instance_delete(i);
    }
}

/* Who wants it to end for good gets that. */
static void a_kill_beats_a_restart(void **state)
{
    (void)state;
    struct end end = {0};
    struct swapped s = {0};
    loop_instance *i =
        new_instance("cancel-aware",
                     &(loop_instance_options){.args = (const char *const[]){"x", "stubborn", NULL},
                                              .grace_ms = 60000});
    must(loop_instance_start(i, NULL, on_end, &end));
    turn_for(30);
    loop_component *c = open_guest("spin");
    must(loop_instance_swap_component(i, c, &fresh, on_swapped, &s));
    loop_component_delete(c);
    turn_for(30);
    assert_int_equal(lp_instance_condition(i), LOOP_CONDITION_SWAPPING);
    loop_instance_kill(i);
    wait_for_end(&end);
    assert_int_equal(end.code, LOOP_CANCELLED);
    assert_int_equal(s.told, 1);
    assert_int_equal(s.code, LOOP_UNAVAILABLE);
    loop_instance_delete(i);
}

/* ---- nothing piles up ---- */

static size_t resident_kib(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long all = 0, resident = 0;
    if (f && fscanf(f, "%lu %lu", &all, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return resident * 4;
}

static size_t descriptors(void)
{
    size_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

static void swap_often(loop_instance *i, loop_component *const *both, int times, bool counts)
{
    for (int n = 0; n < times; n++) {
        struct swapped s = {0};
        must(loop_instance_swap_component(i, both[n % 2], &with_state, on_swapped, &s));
        while (!s.told)
            loop_host_turn(host, 5);
        must_swap(&s);
        if (counts)
            add(i, 1, 1);
    }
}

/* Of a component that is called from C, and of an application. */
static void swaps_leave_nothing_behind(void **state)
{
    (void)state;
    struct end end, app_end;
    int times = number_of("RELOAD_FLAT", 500);
    loop_instance *i = serve("counter-v2", &(loop_instance_options){0}, &end);
    loop_component *both[] = {open_guest("counter-v3"), open_guest("counter-v2")};
    swap_often(i, both, 100, true);
    size_t memory = resident_kib(), open = descriptors();
    swap_often(i, both, times, true);
    size_t grown = resident_kib() - LP_MIN(memory, resident_kib());
    print_message("%d swaps: %zu KiB more of %zu\n", times, grown, memory);
    assert_int_equal(descriptors(), open);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(grown < 4096);
#endif
    assert_int_equal(add(i, 1, 0), 100 + times);
    loop_instance *app = start("ticker-v1", "", &app_end);
    loop_component *ticker = open_guest("ticker-v1"), *same[] = {ticker, ticker};
    swap_often(app, same, 10, false);
    open = descriptors();
    swap_often(app, same, 100, false);
    assert_int_equal(descriptors(), open);
    loop_component_delete(ticker);
    loop_component_delete(both[0]);
    loop_component_delete(both[1]);
    loop_instance_delete(app);
    loop_instance_delete(i);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_host, drop_host)

int main(void)
{
    log_level = (loop_log_level)(LOOP_LOG_ERROR + 1); /* what fails here is meant to */
    const struct CMUnitTest tests[] = {
        TEST(state_goes_from_one_component_to_the_next),
        TEST(no_call_is_lost_or_made_twice),
        TEST(whatever_fails_leaves_the_old_one),
        TEST(one_that_cannot_be_saved_goes_on),
        TEST(one_that_fails_in_save_has_ended),
        TEST(its_own_handles_go_with_a_component),
        TEST(a_kill_reaches_whatever_runs),
        TEST(a_kill_at_any_moment),
        TEST(a_swap_waits_for_a_call_and_no_longer_than_it_may),
        TEST(a_component_without_state_starts_again_where_it_may),
        TEST(a_dry_run_changes_nothing),
        TEST(an_application_goes_on_where_it_was),
        TEST(an_application_without_state_starts_again),
        TEST(an_application_hears_of_other_providers),
        TEST(a_command_ends_and_runs_again),
        TEST(a_kill_beats_a_restart),
        TEST(swaps_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, note_signals, NULL);
}
