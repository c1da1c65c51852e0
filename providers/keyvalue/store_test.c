/* providers/keyvalue/store_test.c: what the key-value store promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "providers/keyvalue/store.h"

static lp_str s(const char *text)
{
    return lp_str_of(text);
}

/* The order of bytes, not of insertion; a key's prefix comes before it. */
static void keys_are_sorted_by_bytes(void **state)
{
    (void)state;
    struct kv_spaces spaces = {0};
    struct kv_bucket *b = kv_bucket_open(kv_space_of(&spaces, "a"), s("x"));
    static const char *const keys[] = {"b", "a", "ab", "", "\xc3\xa9", "B"};
    static const char *const sorted[] = {"", "B", "a", "ab", "b", "\xc3\xa9"};
    for (size_t i = 0; i < LP_COUNT(keys); i++)
        assert_null(kv_set(b, s(keys[i]), s("v")));
    assert_int_equal(b->entries.n, LP_COUNT(sorted));
    for (size_t i = 0; i < LP_COUNT(sorted); i++)
        assert_string_equal(b->entries.at[i].key, sorted[i]);
    kv_spaces_done(&spaces);
}

/* Nobody sees another component's keys, whatever the bucket's name. */
static void spaces_are_private(void **state)
{
    (void)state;
    struct kv_spaces spaces = {0};
    struct kv_bucket *a = kv_bucket_open(kv_space_of(&spaces, "a"), s("x"));
    struct kv_bucket *b = kv_bucket_open(kv_space_of(&spaces, "b"), s("x"));
    kv_set(a, s("k"), s("secret"));
    assert_null(kv_get(b, s("k")));
    assert_ptr_equal(a, kv_bucket_open(kv_space_of(&spaces, "a"), s("x")));
    kv_spaces_done(&spaces);
}

/* A limit refuses the write and keeps what was there. */
static void limits_refuse_and_keep(void **state)
{
    (void)state;
    struct kv_spaces spaces = {0};
    struct kv_space *space = kv_space_of(&spaces, "a");
    struct kv_bucket *b = kv_bucket_open(space, s("x"));
    char *big = lp_alloc(LP_MAX_KV_VALUE + 1);
    assert_null(kv_set(b, s("k"), s("old")));
    assert_non_null(kv_set(b, s("k"), (lp_str){big, LP_MAX_KV_VALUE + 1}));
    assert_non_null(kv_set(b, (lp_str){big, LP_MAX_KV_KEY + 1}, s("v")));
    assert_string_equal(kv_get(b, s("k"))->value, "old");
    char name[16];
    size_t written = 0;
    for (;; written++) {
        snprintf(name, sizeof name, "big-%zu", written);
        if (kv_set(b, s(name), (lp_str){big, LP_MAX_KV_VALUE}))
            break;
    }
    assert_int_equal(written, LP_MAX_KV_BYTES / LP_MAX_KV_VALUE - 1);
    assert_true(space->bytes <= LP_MAX_KV_BYTES);
    kv_delete(b, s("big-0"));
    assert_null(kv_set(b, s("again"), (lp_str){big, LP_MAX_KV_VALUE}));
    free(big);
    kv_spaces_done(&spaces);
}

/* A version is never used twice, also across a delete: compare-and-swap rests on it. */
static void versions_are_new_each_time(void **state)
{
    (void)state;
    struct kv_spaces spaces = {0};
    struct kv_bucket *b = kv_bucket_open(kv_space_of(&spaces, "a"), s("x"));
    kv_set(b, s("k"), s("1"));
    uint64_t first = kv_get(b, s("k"))->version;
    kv_delete(b, s("k"));
    kv_set(b, s("k"), s("1"));
    assert_true(kv_get(b, s("k"))->version > first);
    kv_spaces_done(&spaces);
}

/* A cursor that is the last key goes on after it, also when that key is gone. */
static void cursor_survives_a_delete(void **state)
{
    (void)state;
    struct kv_spaces spaces = {0};
    struct kv_bucket *b = kv_bucket_open(kv_space_of(&spaces, "a"), s("x"));
    kv_set(b, s("a"), s(""));
    kv_set(b, s("b"), s(""));
    kv_set(b, s("c"), s(""));
    assert_int_equal(kv_after(b, s("b")), 2);
    kv_delete(b, s("b"));
    assert_int_equal(kv_after(b, s("b")), 1);
    assert_string_equal(b->entries.at[1].key, "c");
    kv_spaces_done(&spaces);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_sorted_by_bytes), cmocka_unit_test(spaces_are_private),
        cmocka_unit_test(limits_refuse_and_keep),   cmocka_unit_test(versions_are_new_each_time),
        cmocka_unit_test(cursor_survives_a_delete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
