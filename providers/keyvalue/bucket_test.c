/* providers/keyvalue/bucket_test.c: names of buckets: any text, and none for two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "providers/keyvalue/bucket.h"

static void a_plain_name_stays_as_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bucket;
    } rows[] = {
        {"default", "default"}, {"a-b_9", "a-b_9"},     {"", "."},
        {"Notes", ".4eotes"},   {"a.b", "a.2eb"},       {".", ".2e"},
        {"a b", "a.20b"},       {"\xc3\xa9", ".c3.a9"}, {"https://x", "https.3a.2f.2fx"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        char ret[LP_MAX_STORE_NAME + 1];
        assert_true(kv_bucket_name(loop_string_of(rows[i].name), ret));
        assert_string_equal(ret, rows[i].bucket);
    }
}

static void a_name_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    char name[80], ret[LP_MAX_STORE_NAME + 1];
    memset(name, 'a', sizeof name);
    assert_true(kv_bucket_name((loop_string){name, 64}, ret));
    assert_int_equal(strlen(ret), 64);
    assert_false(kv_bucket_name((loop_string){name, 65}, ret));
    memset(name, '/', sizeof name);
    assert_true(kv_bucket_name((loop_string){name, 21}, ret));
    assert_int_equal(strlen(ret), 63);
    assert_false(kv_bucket_name((loop_string){name, 22}, ret));
    assert_true(kv_bucket_name((loop_string){"a\0b", 3}, ret));
    assert_string_equal(ret, "a.00b");
}

/* All names of up to two bytes: no two are one bucket. */
static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void no_two_names_are_one_bucket(void **state)
{
    (void)state;
    enum { N = 1 + 256 + 65536 };
    char(*all)[8] = lp_alloc(N * sizeof *all);
    size_t n = 0;
    char name[2], ret[LP_MAX_STORE_NAME + 1];
    for (unsigned i = 0; i < 65536; i++) {
        name[0] = (char)(i & 255);
        name[1] = (char)(i >> 8);
        assert_true(kv_bucket_name((loop_string){name, 2}, ret));
        strcpy(all[n++], ret);
        if (i >= 256)
            continue;
        assert_true(kv_bucket_name((loop_string){name, 1}, ret));
        strcpy(all[n++], ret);
    }
    assert_true(kv_bucket_name((loop_string){"", 0}, ret));
    strcpy(all[n++], ret);
    assert_int_equal(n, N);
    qsort(all, n, sizeof *all, compare);
    for (size_t i = 1; i < n; i++)
        assert_string_not_equal(all[i - 1], all[i]);
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_name_stays_as_it_is),
        cmocka_unit_test(a_name_that_does_not_fit_is_refused),
        cmocka_unit_test(no_two_names_are_one_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
