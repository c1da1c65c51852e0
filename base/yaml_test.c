/* Tests of yaml.h: what the subset is, and where an error points. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/yaml.h"

static void outside_the_subset_is_an_error_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"a: &x 1", "f:1:4: anchors ('&name') are not part of loop's YAML"},
        {"a: *x", "f:1:4: aliases ('*name') are not part of loop's YAML"},
        {"- &x a\n- *x", "f:1:3: anchors ('&name') are not part of loop's YAML"},
        {"a: !!str 1", "f:1:4: tags ('!name') are not part of loop's YAML"},
        {"a: !x\n  b: 1", "f:1:4: tags ('!name') are not part of loop's YAML"},
        {"b: 1\n<<: {a: 1}", "f:2:1: merge keys ('<<') are not part of loop's YAML"},
        {"a: 1\nb: 2\na: 3", "f:3:1: the key 'a' is given twice (first at line 1)"},
        {"a: 1\n\"a\": 3", "f:2:1: the key 'a' is given twice (first at line 1)"},
        {"a: {b: 1, b: 2}", "f:1:11: the key 'b' is given twice (first at line 1)"},
        {"a: 1\n---\nb: 2", "f:2:1: more than one document in a file"},
        {"a: 1\n...\nb: 2", "f:3:1: more than one document in a file"},
        {"%YAML 1.1\n---\na: 1", "f:2:1: directives ('%YAML', '%TAG') are not part of loop's YAML"},
        {"? [a]\n: b", "f:1:3: a key must be text"},
        {": b", "f:1:1: a key is missing before ':'"},
        {"\"\": b", "f:1:1: a key is missing before ':'"},
        {"~: b", "f:1:1: a key is missing before ':'"},
        {"a: \"\\0\"", "f:1:4: a zero byte inside text"},
        {"a: b\nc: \x01", "f:2:4: a control character (byte 0x01)"},
        {"a: \x7f", "f:1:4: a control character (byte 0x7f)"},
        {"\xc3\xa9: \xff", "f:1:4: bytes that are not UTF-8"},
        {"a: \xe2\x82", "f:1:4: bytes that are not UTF-8"},
        {"a: \xed\xa0\x80", "f:1:4: bytes that are not UTF-8"},
        {"a:\n\tb: 1", "f:2:1: tab character may not be used as indentation"},
        {"a: [1, 2", "f:2:1: flow sequence without a closing bracket"},
        {"a: 'x", "f:1:5: single-quoted scalar without closing quote"},
        {"a: >\n  b", "f:2:1: folded text ('>') is not part of loop's YAML, use '|'"},
        {"a: b\n  c", "f:1:4: text over more than one line is written with '|'"},
        {"a: 'b\n  c'", "f:1:4: text over more than one line is written with '|'"},
        {"a: \"b\\\n  c\"", "f:1:4: text over more than one line is written with '|'"},
        {"a: @x", "f:1:4: plain scalar cannot start with '@'"},
        /* escapes in quotes write characters that the file's bytes do not show */
        {"\"\\e[2J\": 1\n\"\\e[2J\": 2", "f:2:1: the key '?[2J' is given twice (first at line 1)"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_yaml_doc *doc = NULL;
        loop_error *e = lp_yaml_parse("f", rows[i].text, strlen(rows[i].text), &doc);
        assert_non_null(e);
        assert_null(doc);
        assert_int_equal(loop_error_code(e), LOOP_CONFIG);
        assert_string_equal(loop_error_message(e), rows[i].message);
        loop_error_delete(e);
    }
}

static void a_tree_has_the_places_of_the_file(void **state)
{
    (void)state;
    static const char text[] = "# first\n"
                               "top:\n"
                               "  list: [a, 'true', true]\n"
                               "  none:\n"
                               "  block: |\n"
                               "    two\n"
                               "    lines\n"
                               "\xc3\xa9: {x: 1, y: null}\n"
                               "quotes: '''''''''it''s'''''''''\n"
                               "escapes: \"\\t\\u00e9\\\"x\"\n";
    lp_yaml_doc *doc;
    assert_null(lp_yaml_parse("f", text, sizeof text - 1, &doc));
    const lp_yaml *root = lp_yaml_root(doc);
    assert_int_equal(root->kind, LP_YAML_MAP);
    assert_int_equal(root->count, 4);
    const lp_yaml *top = lp_yaml_get(root, "top");
    const lp_yaml *list = lp_yaml_get(top, "list");
    assert_int_equal(list->count, 3);
    assert_int_equal(list->line, 3);
    assert_int_equal(list->key->column, 3);
    assert_string_equal(list->first->text, "a");
    assert_int_equal(list->first->column, 10);
    assert_true(list->first->next->quoted);
    assert_false(list->first->next->next->quoted);
    const lp_yaml *none = lp_yaml_get(top, "none");
    assert_int_equal(none->kind, LP_YAML_NULL);
    assert_int_equal(none->line, 4);
    assert_string_equal(lp_yaml_get(top, "block")->text, "two\nlines\n");
    const lp_yaml *last = lp_yaml_get(root, "\xc3\xa9");
    assert_string_equal(lp_yaml_get(last, "x")->text, "1");
    assert_int_equal(lp_yaml_get(last, "y")->kind, LP_YAML_NULL);
    assert_null(lp_yaml_get(last, "z"));
    assert_string_equal(lp_yaml_get(root, "quotes")->text, "''''it's''''");
    assert_string_equal(lp_yaml_get(root, "escapes")->text, "\t\xc3\xa9\"x");
    assert_null(lp_yaml_get(NULL, "z"));
    assert_null(lp_yaml_get(list, "z"));
    lp_yaml_delete(doc);
}

static void an_empty_file_is_nothing(void **state)
{
    (void)state;
    static const char *const rows[] = {"", "\n\n", "# only this", "---\n", "\xef\xbb\xbf", "~"};
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_yaml_doc *doc;
        assert_null(lp_yaml_parse("f", rows[i], strlen(rows[i]), &doc));
        assert_int_equal(lp_yaml_root(doc)->kind, LP_YAML_NULL);
        lp_yaml_delete(doc);
    }
}

static char *repeat(const char *s, size_t n, const char *end)
{
    lp_buf b = {0};
    for (size_t i = 0; i < n; i++)
        lp_buf_puts(&b, s);
    lp_buf_puts(&b, end);
    return lp_buf_take(&b);
}

static void check_limit(char *text, const char *message)
{
    lp_yaml_doc *doc;
    loop_error *e = lp_yaml_parse("f", text, strlen(text), &doc);
    if (message) {
        assert_non_null(e);
        assert_non_null(strstr(loop_error_message(e), message));
        loop_error_delete(e);
    } else {
        assert_null(e);
        lp_yaml_delete(doc);
    }
    free(text);
}

static void each_limit_is_an_error_that_names_it(void **state)
{
    (void)state;
    char *closed = repeat("]", LP_MAX_CONFIG_DEPTH, "");
    check_limit(repeat("[", LP_MAX_CONFIG_DEPTH, closed), NULL);
    free(closed);
    check_limit(repeat("[", LP_MAX_CONFIG_DEPTH + 1, ""), "nested more than 32 deep");
    check_limit(repeat("[", 100000, ""), "nested more than 32 deep");
    check_limit(repeat("- ", 100000, ""), "deep");
    check_limit(repeat("{a: ", 100000, ""), "nested more than 32 deep");
    check_limit(repeat("- a\n", LP_MAX_CONFIG_NODES, ""), "more than 65536 values");
    check_limit(repeat("x", LP_MAX_CONFIG_BYTES + 1, ""), "more than 1048576 bytes");
    lp_buf keys = {0};
    for (int i = 0; i <= LP_MAX_CONFIG_KEYS; i++)
        lp_buf_printf(&keys, "k%d: 1\n", i);
    check_limit(lp_buf_take(&keys), "f:1025:1: more than 1024 keys in one map");
}

static void a_missing_file_is_not_found(void **state)
{
    (void)state;
    lp_yaml_doc *doc;
    loop_error *e = lp_yaml_read("/nonexistent/loop.yaml", "loop.yaml", &doc);
    assert_int_equal(loop_error_code(e), LOOP_NOT_FOUND);
    loop_error_delete(e);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(outside_the_subset_is_an_error_with_its_place),
        cmocka_unit_test(a_tree_has_the_places_of_the_file),
        cmocka_unit_test(an_empty_file_is_nothing),
        cmocka_unit_test(each_limit_is_an_error_that_names_it),
        cmocka_unit_test(a_missing_file_is_not_found),
    };
    return cmocka_run_group_tests_name("base-yaml", tests, NULL, NULL);
}
