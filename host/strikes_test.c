/* host/strikes_test.c: when something that failed begins anew, and when it does not any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "host/internal.h"

#define S UINT64_C(1000000000)
#define MS UINT64_C(1000000)
#define START (1000 * S)

static const struct lp_strike_rule restarts = {LOOP_ON_TRAP_RESTART, 0, UINT32_MAX};

/* Fails as soon as it has begun, so often. */
static uint64_t fail_in_a_row(struct lp_strikes *s, const struct lp_strike_rule *rule, int times)
{
    uint64_t now = START, next = 0;
    for (int n = 0; n < times; n++) {
        next = lp_strike(s, rule, now);
        if (next == UINT64_MAX)
            return next;
        assert_true(next >= now);
        lp_strikes_started(s, next);
        now = next;
    }
    return next;
}

static void each_failure_waits_twice_as_long_up_to_half_a_minute(void **state)
{
    (void)state;
    struct lp_strikes s = {0};
    uint64_t now = START, expected = 100 * MS;
    for (int n = 0; n < 20; n++) {
        uint64_t next = lp_strike(&s, &restarts, now);
        assert_int_equal(next - now, expected);
        lp_strikes_started(&s, next);
        now = next;
        expected = LP_MIN(expected * 2, 30 * S);
    }
    assert_false(s.quarantined);
    assert_int_equal(s.count, 20);
    lp_strikes_done(&s);
}

static void a_minute_of_good_running_is_forgiven(void **state)
{
    (void)state;
    struct lp_strikes s = {0};
    uint64_t next = fail_in_a_row(&s, &restarts, 5);
    assert_int_equal(lp_strike(&s, &restarts, next + 59 * S) - (next + 59 * S), 3200 * MS);
    lp_strikes_started(&s, next + 63 * S);
    assert_int_equal(lp_strike(&s, &restarts, next + 123 * S) - (next + 123 * S), 100 * MS);
    lp_strikes_done(&s);
}

static void the_third_failure_within_a_minute_is_the_last(void **state)
{
    (void)state;
    static const struct lp_strike_rule rule = {LOOP_ON_TRAP_QUARANTINE, 0, UINT32_MAX};
    struct lp_strikes s = {0};
    assert_true(fail_in_a_row(&s, &rule, 2) != UINT64_MAX);
    assert_false(s.quarantined);
    assert_true(lp_strike(&s, &rule, START + 10 * S) == UINT64_MAX);
    assert_true(s.quarantined);
    assert_true(lp_strike(&s, &rule, START + 1000 * S) == UINT64_MAX); /* nothing lifts it */
    lp_strikes_done(&s);
    assert_false(s.quarantined);
    for (int n = 0; n < 100; n++) /* two a minute are no matter */
        assert_true(lp_strike(&s, &rule, START + (uint64_t)n * 31 * S) != UINT64_MAX);
    assert_false(s.quarantined);
    lp_strikes_done(&s);
}

static void what_stops_does_not_begin_anew(void **state)
{
    (void)state;
    static const struct lp_strike_rule stops = {LOOP_ON_TRAP_STOP, 0, UINT32_MAX},
                                       never = {LOOP_ON_TRAP_DEFAULT, 2, 0};
    struct lp_strikes s = {0};
    assert_true(lp_strike(&s, &stops, START) == UINT64_MAX);
    lp_strikes_done(&s);
    assert_true(lp_strike(&s, &never, START) == UINT64_MAX);
    lp_strikes_done(&s);
}

/* In a slot: twice at once, and so many within a minute. */
static void a_slot_is_patient_within_its_bounds(void **state)
{
    (void)state;
    static const struct lp_strike_rule rule = {LOOP_ON_TRAP_DEFAULT, 2, 3};
    struct lp_strikes s = {0};
    assert_int_equal(lp_strike(&s, &rule, START), START);
    assert_int_equal(lp_strike(&s, &rule, START + S), START + S);
    assert_int_equal(lp_strike(&s, &rule, START + 2 * S), START + 2 * S + 100 * MS);
    assert_int_equal(lp_strike(&s, &rule, START + 3 * S), START + 60 * S); /* the first is over */
    lp_strikes_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_waits_twice_as_long_up_to_half_a_minute),
        cmocka_unit_test(a_minute_of_good_running_is_forgiven),
        cmocka_unit_test(the_third_failure_within_a_minute_is_the_last),
        cmocka_unit_test(what_stops_does_not_begin_anew),
        cmocka_unit_test(a_slot_is_patient_within_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
