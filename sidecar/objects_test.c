/* Tests of objects.c: what stands for a handle, and for whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sidecar/internal.h"

static struct lp_side_caller_of caller;

static struct lp_sidecar some(void)
{
    return (struct lp_sidecar){.free_object = UINT32_MAX};
}

static uint64_t put(struct lp_sidecar *s, uint32_t resource, uint64_t number)
{
    uint64_t at = 0;
    const struct lp_side_object o = {.number = number, .resource = resource, .caller = &caller};
    assert_null(lp_side_object_new(s, &o, &at));
    return at;
}

static uint64_t number_of(struct lp_sidecar *s, uint64_t at)
{
    const struct lp_side_object *o = lp_side_object_of(s, at);
    return o ? o->number : 0;
}

static void what_was_dropped_is_none_for_ever(void **state)
{
    (void)state;
    struct lp_sidecar s = some();
    uint64_t first = put(&s, 0, 1);
    assert_int_equal(number_of(&s, first), 1);
    lp_side_object_drop(&s, first, false);
    assert_int_equal(number_of(&s, first), 0);
    uint64_t second = put(&s, 0, 3); /* in the same place */
    assert_int_equal(number_of(&s, first), 0);
    lp_side_object_drop(&s, first, false);
    assert_int_equal(number_of(&s, second), 3);
    lp_side_objects_done(&s);
}

/* Of two sidecars in one chain, each must know that an object is the other's. */
static void objects_of_another_sidecar_are_none(void **state)
{
    (void)state;
    struct lp_sidecar a = some(), b = some();
    uint64_t of_a = put(&a, 0, 1), of_b = put(&b, 0, 1);
    assert_int_equal(number_of(&a, of_b), 0);
    assert_int_equal(number_of(&b, of_a), 0);
    lp_side_object_drop(&a, of_b, false);
    assert_int_equal(number_of(&a, of_a), 1);
    lp_side_objects_done(&a);
    lp_side_objects_done(&b);
}

static void addresses_and_nonsense_are_none(void **state)
{
    (void)state;
    struct lp_sidecar s = some();
    uint64_t at = put(&s, 0, 1);
    const uint64_t wrong[] = {0,
                              1,
                              UINT64_MAX,
                              at & ~(UINT64_C(1) << 63),
                              (uintptr_t)&s,
                              at + 1,
                              at - 1,
                              at ^ UINT64_C(1) << 40};
    for (size_t i = 0; i < LP_COUNT(wrong); i++)
        assert_null(lp_side_object_of(&s, wrong[i]));
    lp_side_objects_done(&s);
}

static void there_is_a_most(void **state)
{
    (void)state;
    struct lp_sidecar s = some();
    uint64_t at = 0, first = put(&s, 0, 1);
    for (uint64_t n = 1; n < LP_MAX_SIDE_OBJECTS; n++)
        at = put(&s, 0, 2 * n + 1);
    const struct lp_side_object more = {.number = 7, .resource = 1, .caller = &caller};
    loop_error *e = lp_side_object_new(&s, &more, &at);
    assert_int_equal(loop_error_code(e), LOOP_LIMIT);
    loop_error_delete(e);
    lp_side_object_drop(&s, first, false);
    assert_int_equal(number_of(&s, put(&s, 1, 7)), 7);
    const struct lp_side_object twice = {.number = 7, .resource = 1, .caller = &caller};
    lp_side_object_drop(&s, at, false);
    e = lp_side_object_new(&s, &twice, &at);
    assert_int_equal(loop_error_code(e), LOOP_UNAVAILABLE);
    loop_error_delete(e);
    lp_side_objects_done(&s);
}

/* What a swap brings belongs to no instance; what an instance was given is counted as its own. */
static void objects_of_a_swap(void **state)
{
    (void)state;
    struct lp_sidecar s = some();
    uint64_t at = 0, of_caller = put(&s, 0, 1);
    size_t before = caller.objects;
    const struct lp_side_object o = {.number = 3};
    assert_null(lp_side_object_new(&s, &o, &at));
    assert_int_equal(number_of(&s, at), 3);
    lp_side_object_drop(&s, at, false);
    assert_int_equal(number_of(&s, at), 0);
    assert_int_equal(caller.objects, before);
    lp_side_object_drop(&s, of_caller, false);
    assert_int_equal(caller.objects, before - 1);
    lp_side_objects_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_dropped_is_none_for_ever),
        cmocka_unit_test(objects_of_another_sidecar_are_none),
        cmocka_unit_test(addresses_and_nonsense_are_none),
        cmocka_unit_test(there_is_a_most),
        cmocka_unit_test(objects_of_a_swap),
    };
    return cmocka_run_group_tests_name("sidecar-objects", tests, NULL, NULL);
}
