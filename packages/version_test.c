/*
 * packages/version_test.c: versions and ranges, against what another implementation says of 42
 * versions, 254 ranges and their precedence (tests/packages/ranges.txt), and against promises that
 * hold for any.
 *
 * It catches: an operator that is read as another one, a bound that is off by one or by a
 * pre-release, an order that is no order, and texts that are taken although they are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/os/os.h"
#include "packages/packages.h"

#define ROUNDS 20000

static bool is_version(lp_arena *a, const char *text, lp_version *ret)
{
    lp_auto(lp_free_error) loop_error *e = lp_version_parse(a, text, ret);
    return !e;
}

static const lp_range *range_of(lp_arena *a, const char *text)
{
    const lp_range *range = NULL;
    lp_auto(lp_free_error) loop_error *e = lp_range_parse(a, text, &range);
    return e ? NULL : range;
}

/* Undoes Rust's escapes of the table: \t, \n, \u{e9}. */
static char *unescaped(lp_arena *a, const char *s)
{
    char *ret = lp_arena_strndup(a, s, strlen(s)), *to = ret;
    while (*s) {
        if (s[0] == '\\' && (s[1] == 't' || s[1] == 'n')) {
            *to++ = s[1] == 't' ? '\t' : '\n';
            s += 2;
        } else {
            *to++ = *s++;
        }
    }
    *to = 0;
    return ret;
}

struct table {
    lp_arena arena;
    lp_version all[64];
    size_t n;
    unsigned ranges, refused, texts;
};

static void check_range(struct table *t, const char *text, const char *row)
{
    const lp_range *range = range_of(&t->arena, text);
    if (*row == '!') {
        if (range)
            fail_msg("'%s' was taken for a range", text);
        t->refused++;
        return;
    }
    if (!range)
        fail_msg("'%s' is a range", text);
    for (size_t i = 0; i < t->n; i++)
        if (lp_range_has(range, &t->all[i]) != (row[i] == 'y'))
            fail_msg("'%s' and version %zu of the table: expected %c", text, i, row[i]);
    t->ranges++;
}

static void check_precedence(struct table *t, const char *text, const char *row)
{
    lp_version v;
    assert_true(is_version(&t->arena, text, &v));
    for (size_t i = 0; i < t->n; i++) {
        int c = lp_version_compare(&v, &t->all[i]);
        if ((c < 0 ? '<' : c > 0 ? '>' : '=') != row[i])
            fail_msg("'%s' against version %zu of the table: expected %c", text, i, row[i]);
    }
}

static void check_line(struct table *t, char *line)
{
    char *text = strchr(line, '\t');
    assert_non_null(text);
    *text++ = 0;
    char *row = strchr(text, '\t');
    if (row)
        *row++ = 0;
    text = unescaped(&t->arena, text);
    lp_version v;
    if (strcmp(line, "v") == 0)
        assert_true(is_version(&t->arena, text, &t->all[t->n++]));
    else if (strcmp(line, "r") == 0)
        check_range(t, text, row);
    else if (strcmp(line, "p") == 0)
        check_precedence(t, text, row);
    else if (is_version(&t->arena, text, &v) != (strcmp(line, "ok") == 0))
        fail_msg("'%s': expected %s", text, line);
    else
        t->texts++;
}

static void agree_with_the_table(void **state)
{
    (void)state;
    uint8_t *bytes;
    size_t n;
    lp_auto(lp_free_error) loop_error *e =
        lp_os_read_file(SOURCE "/tests/packages/ranges.txt", 1 << 20, &bytes, &n);
    assert_null(e);
    struct table t = {0};
    char *rest = NULL;
    for (char *line = strtok_r((char *)bytes, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest))
        if (*line != '#')
            check_line(&t, line);
    assert_int_equal(t.n, 42);
    assert_int_equal(t.ranges + t.refused, 268);
    assert_int_equal(t.refused, 39);
    assert_int_equal(t.texts, 32);
    lp_arena_done(&t.arena);
    free(bytes);
}

/* ---- promises for any ---- */

static uint64_t seed = 7;
static unsigned dice(unsigned sides)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % sides;
}

/* Few different ones, so that many meet. */
static lp_version some_version(lp_arena *a)
{
    static const char *const pres[] = {"",   "",  "",    "0",   "1", "2",
                                       "10", "a", "a.1", "a.b", "A", "-"};
    lp_version v;
    lp_auto(lp_free_string) char *text =
        lp_format("%u.%u.%u%s%s", dice(3), dice(3), dice(3), "", dice(8) ? "" : "+b");
    assert_true(is_version(a, text, &v));
    v.pre = pres[dice(LP_COUNT(pres))];
    return v;
}

static void are_an_order(void **state)
{
    (void)state;
    lp_arena a = {0};
    for (int i = 0; i < ROUNDS; i++) {
        lp_version x = some_version(&a), y = some_version(&a), z = some_version(&a);
        int xy = lp_version_compare(&x, &y), yz = lp_version_compare(&y, &z);
        assert_int_equal(xy, -lp_version_compare(&y, &x));
        assert_int_equal(lp_version_compare(&x, &x), 0);
        if (xy <= 0 && yz <= 0)
            assert_true(lp_version_compare(&x, &z) <= 0);
        if (xy == 0) /* alike in all but build metadata */
            assert_true(strcmp(x.pre, y.pre) == 0 && x.patch == y.patch);
        lp_arena_reset(&a, 1 << 16);
    }
    lp_arena_done(&a);
}

static void caret_and_tilde_are_intervals(void **state)
{
    (void)state;
    lp_arena a = {0};
    for (int i = 0; i < ROUNDS; i++) {
        lp_version low = some_version(&a), v = some_version(&a);
        lp_auto(lp_free_string) char *caret =
            lp_format("^%u.%u.%u", (unsigned)low.major, (unsigned)low.minor, (unsigned)low.patch);
        lp_auto(lp_free_string) char *tilde = lp_format("~%s", caret + 1);
        low.pre = "";
        lp_version above = {.pre = "", .build = ""};
        if (low.major)
            above.major = low.major + 1;
        else if (low.minor)
            above.minor = low.minor + 1;
        else
            above.patch = low.patch + 1;
        lp_version patches = {low.major, low.minor + 1, 0, "", ""};
        bool inside = !*v.pre && lp_version_compare(&v, &low) >= 0;
        assert_int_equal(lp_range_has(range_of(&a, caret), &v),
                         inside && lp_version_compare(&v, &above) < 0);
        assert_int_equal(lp_range_has(range_of(&a, tilde), &v),
                         inside && lp_version_compare(&v, &patches) < 0);
        lp_arena_reset(&a, 1 << 16);
    }
    lp_arena_done(&a);
}

static void have_limits(void **state)
{
    (void)state;
    lp_arena a = {0};
    lp_version v;
    char text[LP_MAX_RANGE_TEXT + 2];
    memset(text, '1', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assert_null(range_of(&a, text));
    memcpy(text, "1.0.0-", 6);
    text[LP_MAX_VERSION_TEXT + 1] = 0;
    assert_false(is_version(&a, text, &v));
    text[LP_MAX_VERSION_TEXT] = 0;
    assert_true(is_version(&a, text, &v));
    lp_buf parts = {0};
    for (int i = 0; i <= LP_MAX_RANGE_PARTS; i++)
        lp_buf_puts(&parts, i ? ",>0" : ">0");
    assert_null(range_of(&a, parts.ptr));
    parts.ptr[parts.len - 3] = 0;
    assert_non_null(range_of(&a, parts.ptr));
    lp_buf_done(&parts);
    lp_arena_done(&a);
}

/* ---- names and wishes ---- */

static void names_are_words(void **state)
{
    (void)state;
    static const char *const good[] = {"a:b", "acme:notes", "acme-inc:note-book2", "a1-b2:c3"};
    static const char *const bad[] = {
        "",        "acme",      ":notes", "acme:", "Acme:notes", "acme:no_tes", "acme:-a",
        "acme:a-", "acme:a--b", "1a:b",   "a:1b",  "a:b-1",      "a:b:c",       "a/b:c",
        "a:b/c",   "a:b c",     "a:..",   "a:b\n", "\xc3\xa9:b"};
    for (size_t i = 0; i < LP_COUNT(good); i++) {
        lp_auto(lp_free_error) loop_error *e = lp_package_name_check(good[i]);
        assert_null(e);
        assert_true(loop_package_is_wish(good[i]));
    }
    for (size_t i = 0; i < LP_COUNT(bad); i++) {
        lp_auto(lp_free_error) loop_error *e = lp_package_name_check(bad[i]);
        if (!e)
            fail_msg("'%s' was taken for a name", bad[i]);
        assert_int_equal(loop_error_code(e), LOOP_INVALID);
    }
    char longest[2 * LP_MAX_PACKAGE_WORD + 4];
    memset(longest, 'a', sizeof longest);
    longest[LP_MAX_PACKAGE_WORD] = ':';
    longest[2 * LP_MAX_PACKAGE_WORD + 1] = 0;
    lp_auto(lp_free_error) loop_error *fits = lp_package_name_check(longest);
    assert_null(fits);
    longest[2 * LP_MAX_PACKAGE_WORD + 1] = 'a';
    longest[2 * LP_MAX_PACKAGE_WORD + 2] = 0;
    lp_auto(lp_free_error) loop_error *too_long = lp_package_name_check(longest);
    assert_non_null(too_long);
}

static void wishes_are_no_paths(void **state)
{
    (void)state;
    lp_arena a = {0};
    const char *name, *range;
    lp_auto(lp_free_error) loop_error *e = lp_package_wish_parse(&a, "acme:ui", &name, &range);
    assert_null(e);
    assert_string_equal(range, "*");
    e = lp_package_wish_parse(&a, "acme:ui@>=1, <2", &name, &range);
    assert_null(e);
    assert_string_equal(name, "acme:ui");
    assert_string_equal(range, ">=1, <2");
    static const char *const wrong[] = {"acme:ui@", "acme:ui@latest", "@1", "acme@1", "a:b@1@2"};
    for (size_t i = 0; i < LP_COUNT(wrong); i++) {
        lp_auto(lp_free_error) loop_error *err = lp_package_wish_parse(&a, wrong[i], &name, &range);
        assert_non_null(err);
    }
    assert_true(loop_package_is_wish("acme:ui@rubbish")); /* which is then said */
    static const char *const paths[] = {"acme.wasm", "./a:b", "a:b/c.wasm", "a:b.wasm",
                                        "C:\\x",     "/a:b",  "notes"};
    for (size_t i = 0; i < LP_COUNT(paths); i++)
        assert_false(loop_package_is_wish(paths[i]));
    lp_arena_done(&a);
}

/* ---- digests ---- */

static void digests_are_sha256(void **state)
{
    (void)state;
    /* FIPS 180-4's examples, and a million of 'a' in uneven pieces. */
    char text[LOOP_SHA256_TEXT];
    lp_sha256_of("", 0, text);
    assert_string_equal(text,
                        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    lp_sha256_of("abc", 3, text);
    assert_string_equal(text,
                        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    char *many = lp_alloc(1000000);
    memset(many, 'a', 1000000);
    lp_sha256 s;
    lp_sha256_start(&s);
    for (size_t at = 0, n; at < 1000000; at += n) {
        n = LP_MIN((size_t)dice(5000), 1000000 - at);
        lp_sha256_add(&s, many + at, n);
    }
    lp_sha256_end(&s, text);
    assert_string_equal(text,
                        "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(many);
    assert_true(lp_digest_is(text));
    text[8] = 'A';
    assert_false(lp_digest_is(text));
    text[LOOP_SHA256_TEXT - 2] = 0;
    assert_false(lp_digest_is(text));
    assert_false(lp_digest_is("sha512:cdc76e5c"));
    assert_false(lp_digest_is(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agree_with_the_table),
                                       cmocka_unit_test(are_an_order),
                                       cmocka_unit_test(caret_and_tilde_are_intervals),
                                       cmocka_unit_test(have_limits),
                                       cmocka_unit_test(names_are_words),
                                       cmocka_unit_test(wishes_are_no_paths),
                                       cmocka_unit_test(digests_are_sha256)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
