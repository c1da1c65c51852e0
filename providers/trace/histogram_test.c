/* providers/trace/histogram_test.c: what a histogram promises of its values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "providers/trace/histogram.h"

/* A value comes back no smaller, and at most a quarter larger. */
static void values_are_known_to_a_quarter(void **state)
{
    (void)state;
    for (uint64_t ns = 0; ns < UINT64_C(1) << 40; ns = ns < 100 ? ns + 1 : ns + ns / 7) {
        histogram h = {0};
        histogram_add(&h, ns);
        uint64_t at = histogram_at(&h, 50);
        if (at < ns || at > ns + ns / 4)
            fail_msg("%llu: %llu", (unsigned long long)ns, (unsigned long long)at);
    }
    histogram h = {0};
    histogram_add(&h, UINT64_MAX);
    assert_int_equal(histogram_count(&h), 1);
}

static void percentiles(void **state)
{
    (void)state;
    histogram h = {0};
    assert_int_equal(histogram_at(&h, 50), 0);
    for (int i = 0; i < 90; i++)
        histogram_add(&h, 100);
    for (int i = 0; i < 9; i++)
        histogram_add(&h, 1000);
    histogram_add(&h, 100000);
    assert_in_range(histogram_at(&h, 50), 100, 125);
    assert_in_range(histogram_at(&h, 90), 100, 125);
    assert_in_range(histogram_at(&h, 99), 1000, 1250);
    assert_in_range(histogram_at(&h, 100), 100000, 125000);
    assert_int_equal(histogram_count(&h), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_known_to_a_quarter),
        cmocka_unit_test(percentiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
