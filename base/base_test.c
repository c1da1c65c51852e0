/* Tests of base.h, path.h, text.h and error.h: one row a promise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/path.h"
#include "base/text.h"

static void sizes_are_read_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        uint64_t value;
    } rows[] = {
        {"0", true, 0},
        {"1500", true, 1500},
        {"64MiB", true, UINT64_C(64) << 20},
        {"2GiB", true, UINT64_C(2) << 30},
        {"3kB", true, 3000},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"17179869184GiB", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 MiB", false, 0},
        {"1mib", false, 0},
        {"0x10", false, 0},
        {"1.5MiB", false, 0},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        uint64_t v = 7;
        assert_int_equal(lp_parse_size(rows[i].text, &v), rows[i].ok);
        assert_int_equal(v, rows[i].ok ? rows[i].value : 7);
    }
}

static void durations_have_a_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        uint64_t ms;
    } rows[] = {
        {"5s", true, 5000},    {"250ms", true, 250}, {"2m", true, 120000},
        {"1h", true, 3600000}, {"5", false, 0},      {"5 s", false, 0},
        {"s", false, 0},       {"5days", false, 0},  {"99999999999999h", false, 0},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        uint64_t v = 7;
        assert_int_equal(lp_parse_duration(rows[i].text, &v), rows[i].ok);
        assert_int_equal(v, rows[i].ok ? rows[i].ms : 7);
    }
}

static void utf8_is_checked_to_the_letter(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        bool ok;
    } rows[] = {
        {"", true},
        {"plain", true},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", true},
        {"\x80", false},             /* a continuation alone */
        {"\xc0\xaf", false},         /* overlong '/' */
        {"\xe0\x80\xaf", false},     /* overlong '/' */
        {"\xed\xa0\x80", false},     /* a surrogate */
        {"\xf4\x90\x80\x80", false}, /* over U+10FFFF */
        {"\xe2\x82", false},         /* cut */
        {"\xff", false},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++)
        assert_int_equal(lp_utf8_valid(rows[i].bytes, strlen(rows[i].bytes)), rows[i].ok);
}

static void json_text_is_always_valid(void **state)
{
    (void)state;
    lp_buf b = {0};
    lp_buf_json(&b, "a\"b\\\n\x1b\xff\xc3\xa9", 9);
    assert_string_equal(b.ptr, "\"a\\\"b\\\\\\n\\u001b\\ufffd\xc3\xa9\"");
    lp_buf_done(&b);
    /* What turns, hides or joins the text around it, and a control of two bytes. */
    lp_buf_json(&b, "\xe2\x80\xae\xe2\x80\x8b\xf3\xa0\x81\x81\xc2\x9b\x7f\xf0\x9f\x98\x80", 17);
    assert_string_equal(b.ptr, "\"\\u202e\\u200b\\udb40\\udc41\\u009b\\u007f\xf0\x9f\x98\x80\"");
    lp_buf_done(&b);
}

static void names_are_compared_by_distance(void **state)
{
    (void)state;
    assert_int_equal(lp_edit_distance("grants", "grant"), 1);
    assert_int_equal(lp_edit_distance("", "abc"), 3);
    assert_int_equal(lp_edit_distance("same", "same"), 0);
    assert_int_equal(lp_edit_distance("kitten", "sitting"), 3);
}

static void arenas_hand_out_zeroed_aligned_memory(void **state)
{
    (void)state;
    lp_arena a = {0};
    for (size_t size = 1; size < 20000; size = size * 3 + 1) {
        unsigned char *p = lp_arena_alloc(&a, size);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, size);
    }
    assert_null(lp_arena_alloc(&a, LP_MAX_ARENA_BLOCK + (size_t)1));
    lp_arena_done(&a);
    assert_int_equal(a.used, 0);
}

static void paths_have_one_normal_form(void **state)
{
    (void)state;
    static const struct {
        const char *path, *normal; /* NULL: leads above its start */
    } rows[] = {
        {"", "."},          {".", "."},        {"./", "."},
        {"/", "/"},         {"//", "/"},       {"/a//b/./c/", "/a/b/c"},
        {"./data", "data"}, {"a/..", "."},     {"a/b/../c", "a/c"},
        {"/a/../b", "/b"},  {"/a/..", "/"},    {"..", NULL},
        {"/..", NULL},      {"a/../..", NULL}, {"/a/../../b", NULL},
        {"...", "..."},     {"a..b", "a..b"},  {"..a", "..a"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_auto(lp_free_string) char *normal = lp_path_normal(rows[i].path);
        if (!rows[i].normal)
            assert_null(normal);
        else
            assert_string_equal(normal, rows[i].normal);
    }
}

static void a_path_is_inside_by_whole_names(void **state)
{
    (void)state;
    static const struct {
        const char *path, *dir;
        bool inside;
        const char *below;
    } rows[] = {
        {"/data", "/data", true, ""},
        {"/data/x", "/data", true, "x"},
        {"/database", "/data", false, ""},
        {"/x", "/", true, "x"},
        {"x/y", ".", true, "x/y"},
        {".", ".", true, ""},
        {"/x", ".", false, ""},
        {"x", "/", false, ""},
        {"/", "/data", false, ""},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        assert_int_equal(lp_path_inside(rows[i].path, rows[i].dir), rows[i].inside);
        if (rows[i].inside)
            assert_string_equal(lp_path_below(rows[i].path, rows[i].dir), rows[i].below);
    }
}

static void what_is_above_a_path(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"/a/b", "/a"}, {"/a", "/"}, {"/", "/"}, {"a", "."}};
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_auto(lp_free_string) char *up = lp_path_parent(rows[i][0]);
        assert_string_equal(up, rows[i][1]);
    }
}

static void shown_text_moves_no_terminal(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t size;
        const char *out;
    } rows[] = {
        {"plain \xc3\xa9", 64, "plain \xc3\xa9"},
        {"\x1b[2Jx", 64, "?[2Jx"},
        {"a\nb", 64, "a?b"},
        {"\xe2\x80\xae"
         "exe.txt",
         64, "?exe.txt"}, /* turned around */
        {"\xc2\x9b"
         "1m",
         64, "?1m"}, /* CSI of Latin-1 */
        {"\xff\xfe", 64, "??"},
        {"\xe2\x82", 64, "??"},
        {"0123456789", 8, "0123..."},
        {"012\xe2\x82\xac\xe2\x82\xac", 10, "012\xe2\x82\xac..."},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        char out[64];
        assert_string_equal(lp_text_shown(rows[i].in, out, rows[i].size), rows[i].out);
    }
}

static void an_error_tells_message_causes_and_hint(void **state)
{
    (void)state;
    loop_error *e = loop_error_hint_set(loop_error_new(LOOP_IO, "permission denied"), "do %d", 1);
    e = loop_error_wrap(loop_error_wrap(e, "while opening '%s'", "x"), "cannot start");
    assert_int_equal(loop_error_code(e), LOOP_IO);
    lp_auto(lp_free_string) char *text = loop_error_format(e);
    assert_string_equal(text, "error: cannot start\n  while opening 'x'\n"
                              "  because permission denied\nhint: do 1\n");
    loop_error_delete(e);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_read_as_people_write_them),
        cmocka_unit_test(durations_have_a_unit),
        cmocka_unit_test(utf8_is_checked_to_the_letter),
        cmocka_unit_test(json_text_is_always_valid),
        cmocka_unit_test(names_are_compared_by_distance),
        cmocka_unit_test(arenas_hand_out_zeroed_aligned_memory),
        cmocka_unit_test(paths_have_one_normal_form),
        cmocka_unit_test(a_path_is_inside_by_whole_names),
        cmocka_unit_test(what_is_above_a_path),
        cmocka_unit_test(shown_text_moves_no_terminal),
        cmocka_unit_test(an_error_tells_message_causes_and_hint),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
