/* providers/redact/mask_test.c: which secrets are found, and that nothing else is touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "providers/redact/mask.h"

static const mask_names names = {"password,token,secret,authorization,api-key"};

static void values_behind_names(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"password=hunter2", "password=***"},
        {"login ok, PassWord: hunter2, user=me", "login ok, PassWord: ***, user=me"},
        {"access_token=abc&expires=5", "access_token=***&expires=5"},
        {"token_v2 = 'a b c' rest", "token_v2 = '***' rest"},
        {"{\"api-key\": \"x\\\"y\", \"n\": 1}", "{\"api-key\": \"***\", \"n\": 1}"},
        {"Authorization: Bearer abc.def next", "Authorization: *** next"},
        {"authorization: Basic dXNlcg==", "authorization: ***"},
        {"secret=>x", "secret=>***"},
        {"token=1 token=22 token=333", "token=*** token=*** token=***"},
        {"token='never closed", "token='***"},
        {"token=\"ends in a backslash\\", "token=\"***"},
        {"password=é", "password=***"},
        {"(secret: s)", "(secret: ***)"},
        /* not secrets */
        {"the password was wrong", "the password was wrong"},
        {"tokens: ", "tokens: "},
        {"secret=", "secret="},
        {"secret=\"\" left", "secret=\"\" left"},
        {"nothing here", "nothing here"},
        {"", ""},
        {"token", "token"},
        {"token:", "token:"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        size_t len = strlen(rows[i][0]);
        char *text = lp_strndup(rows[i][0], len), *out = lp_alloc(3 * len + 1);
        size_t n = mask_text(names, text, len, out);
        if (n != strlen(rows[i][1]) || memcmp(out, rows[i][1], n) != 0)
            fail_msg("%s: %.*s", rows[i][0], (int)n, out);
        free(text);
        free(out);
    }
}

static void a_zero_byte_ends_no_value(void **state)
{
    (void)state;
    static const char text[] = "token=ab\0cd ok";
    char out[3 * sizeof text];
    size_t n = mask_text(names, text, sizeof text - 1, out);
    assert_int_equal(n, strlen("token=*** ok"));
    assert_memory_equal(out, "token=*** ok", n);
}

/* Of names that begin alike the longest is what is there. */
static void the_longest_name_counts(void **state)
{
    (void)state;
    static const mask_names alike = {"api,api key"};
    static const char text[] = "api key=x";
    char out[3 * sizeof text];
    size_t n = mask_text(alike, text, sizeof text - 1, out);
    assert_int_equal(n, strlen("api key=***"));
    assert_memory_equal(out, "api key=***", n);
}

/* Whatever the text, what comes out fits the room, and the same again changes nothing. */
static void any_text_fits_and_is_stable(void **state)
{
    (void)state;
    static const char alphabet[] = "token=:\"' ,\\secret-Bearer\n";
    uint32_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        char text[40], once[120], twice[360];
        size_t len = (seed >> 8) % sizeof text;
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
        }
        seed = seed * 1664525 + 1013904223;
        char *exact = lp_alloc(3 * len + 1); /* for AddressSanitizer */
        size_t n = mask_text(names, text, len, exact);
        assert_true(n <= 3 * len);
        memcpy(once, exact, n);
        free(exact);
        size_t m = mask_text(names, once, n, twice);
        if (m != n || memcmp(once, twice, n) != 0)
            fail_msg("%.*s: %.*s, then %.*s", (int)len, text, (int)n, once, (int)m, twice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_behind_names),
        cmocka_unit_test(a_zero_byte_ends_no_value),
        cmocka_unit_test(the_longest_name_counts),
        cmocka_unit_test(any_text_fits_and_is_stable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
