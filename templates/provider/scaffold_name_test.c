/* providers/scaffold_name/scaffold_name_test.c: what the provider promises, through its table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "providers/scaffold_name/gen/scaffold_name.h"
#include "providers/scaffold_name/scaffold_name.h"

typedef example_scaffold_name_counters_result_own_counter_error opened;

/* The functions that ask nothing of their call can be called without one. */
static const example_scaffold_name_counters_functions *functions(void)
{
    return lp_provider_scaffold_name.interfaces[0].functions;
}

static int open_provider(void **state)
{
    return lp_provider_scaffold_name.open(NULL, state) != NULL;
}

static int close_provider(void **state)
{
    lp_provider_scaffold_name.close(*state);
    return 0;
}

static opened open_named(void *self, const char *name)
{
    opened o = {0};
    assert_null(functions()->open(self, NULL, loop_string_of(name), &o));
    return o;
}

static uint32_t next(void *self, opened o)
{
    uint32_t n;
    assert_false(o.is_err);
    assert_null(functions()->counter_next(self, NULL, o.of.ok, &n));
    return n;
}

/* Two handles of one name count together, those of two names apart. */
static void a_name_is_one_counter(void **state)
{
    void *self = *state;
    opened a = open_named(self, "a"), b = open_named(self, "b"), again = open_named(self, "a");
    assert_int_equal(next(self, a), 1);
    assert_int_equal(next(self, again), 2);
    assert_int_equal(next(self, b), 1);
    functions()->counter_drop(self, a.of.ok);
    assert_int_equal(next(self, again), 3);
    functions()->counter_drop(self, again.of.ok);
    functions()->counter_drop(self, b.of.ok);
}

/* Nothing is left of a counter that nobody holds. */
static void a_dropped_counter_is_forgotten(void **state)
{
    void *self = *state;
    for (int i = 0; i < 2; i++) {
        opened a = open_named(self, "a");
        assert_int_equal(next(self, a), 1);
        functions()->counter_drop(self, a.of.ok);
    }
}

/* It is an answer, not the end of the component. */
static void a_bad_name_is_a_value(void **state)
{
    opened o = open_named(*state, "");
    assert_true(o.is_err);
    assert_int_equal(o.of.error.tag, EXAMPLE_SCAFFOLD_NAME_COUNTERS_ERROR_BAD_NAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_name_is_one_counter, open_provider, close_provider),
        cmocka_unit_test_setup_teardown(a_dropped_counter_is_forgotten, open_provider,
                                        close_provider),
        cmocka_unit_test_setup_teardown(a_bad_name_is_a_value, open_provider, close_provider),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
