/* Tests of cases.c and match.c: what a test case may say, and what is told when it is not so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "builder/cases.h"

static lp_case *parsed(const char *text)
{
    lp_case *c = NULL;
    loop_error *e = lp_case_parse("t.yaml", text, strlen(text), &c);
    if (e)
        fail_msg("%s", loop_error_message(e));
    return c;
}

static void a_case_says_what_is_run_and_what_is_expected(void **state)
{
    (void)state;
    lp_case *c = parsed("run: [Ada, --loud]\nstdin: \"x\\n\"\nstatus: 3\n"
                        "stdout: |\n  a\n  b\nstderr: [one, '...']\ndeadline: 2m\n");
    assert_string_equal(c->args[0], "Ada");
    assert_string_equal(c->args[1], "--loud");
    assert_null(c->args[2]);
    assert_null(c->invoke);
    assert_string_equal(c->input, "x\n");
    assert_int_equal(c->status, 3);
    assert_int_equal(c->deadline_ms, 120000);
    assert_int_equal(c->out.kind, LP_EXPECT_TEXT);
    assert_string_equal(c->out.texts[0], "a\nb\n");
    assert_int_equal(c->err.kind, LP_EXPECT_LINES);
    lp_case_delete(c);
    c = parsed("invoke: 'f(1)'\nresult: '2'\n");
    assert_string_equal(c->invoke, "f(1)");
    assert_string_equal(c->out.texts[0], "2\n");
    assert_int_equal(c->err.kind, LP_EXPECT_ANYTHING);
    assert_int_equal(c->deadline_ms, 10000);
    assert_string_equal(c->input, "");
    lp_case_delete(c);
    c = parsed("run:\nstdout:\n"); /* no arguments, and nothing is written */
    assert_null(c->args[0]);
    assert_string_equal(c->out.texts[0], "");
    lp_case_delete(c);
    lp_case_delete(NULL);
}

static void a_wrong_case_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "t.yaml:1:1: expected a map"},
        {"- run\n", "t.yaml:1:1: expected a map"},
        {"stdout: x\n", "t.yaml:1:1: a test has either 'run' or 'invoke'"},
        {"run: []\ninvoke: 'f()'\n", "t.yaml:1:1: a test has either 'run' or 'invoke'"},
        {"run: []\nstduot: x\n", "t.yaml:2:1: unknown key 'stduot' of a test"},
        {"run: {a: b}\n", "t.yaml:1:6: expected text or a list of text for 'run', found a map"},
        {"run: [[a]]\n", "t.yaml:1:7: expected text for 'run', found a list"},
        {"run: []\nstatus: 256\n", "t.yaml:2:9: expected a number from 0 to 255"},
        {"run: []\nstatus: -1\n", "t.yaml:2:9: expected a number from 0 to 255"},
        {"run: []\ndeadline: soon\n", "t.yaml:2:11: expected a duration such as 5s"},
        {"run: []\ndeadline: 0s\n", "t.yaml:2:11: expected a duration such as 5s"},
        {"run: []\nstdin: [x]\n", "t.yaml:2:8: expected text for 'stdin', found a list"},
        {"run: []\nstdout: { has: x }\n", "t.yaml:2:9: expected { contains: [...] }"},
        {"run: []\nstdout: ['/(/']\n", "t.yaml:2:10: '/(/' is no extended regular expression"},
        {"run: []\nstdout: [\"a\\nb\"]\n", "t.yaml:2:10: a line has no end of a line in it"},
        {"run: []\nresult: x\n", "t.yaml:2:1: 'result' is of a test with 'invoke'"},
        {"invoke: f()\nresult: x\nstdout: y\n", "t.yaml:2:1: 'result' is of a test with 'invoke'"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_case *c = NULL;
        loop_error *e = lp_case_parse("t.yaml", rows[i].text, strlen(rows[i].text), &c);
        assert_non_null(e);
        assert_null(c);
        assert_int_equal(loop_error_code(e), LOOP_CONFIG);
        if (!lp_starts_with(loop_error_message(e), rows[i].message))
            fail_msg("row %zu: %s", i, loop_error_message(e));
        loop_error_delete(e);
    }
}

/* ---- comparing ---- */

static void outputs_fit_or_what_differs_is_shown(void **state)
{
    (void)state;
    static const struct {
        const char *expect, *found, *differs; /* NULL: it fits */
    } rows[] = {
        {"x", "anything", NULL},
        {"stdout: \"a\\n\"", "a\n", NULL},
        {"stdout: \"a\\n\"", "a", " a\n-(a newline at the end)\n"},
        {"stdout: \"a\"", "a\n", " a\n+(a newline at the end)\n"},
        {"stdout:", "", NULL},
        {"stdout:", "x\n", "+x\n"},
        {"stdout: \"1\\n2\\n3\\n4\\n5\\n\"", "1\n2\n3\nX\n5\n", " 2\n 3\n-4\n+X\n"},
        {"stdout: \"a\\na\\n\"", "a\n", " a\n-a\n"},
        {"stdout: [a, b]", "a\nb\n", NULL},
        {"stdout: [a, b]", "a\nb", NULL}, /* lines: how the last one ends does not matter */
        {"stdout: [a, b]", "a\n", " a\n-b\n+(the end)\n"},
        {"stdout: [a]", "a\nb\n", " a\n-(the end)\n+b\n"},
        {"stdout: []", "", NULL},
        {"stdout: ['...']", "", NULL},
        {"stdout: ['...', b]", "a\nb\nc\nb\n", NULL},
        {"stdout: [a, '...', c]", "a\nc\n", NULL},
        {"stdout: [a, '...', c]", "a\nb\n", " a\n-c\n+b\n"},
        {"stdout: ['...', a, '...', b, '...']", "x\na\na\ny\nb\nz\n", NULL},
        {"stdout: ['...', a, '...', b, '...']", "x\nb\na\n", " b\n a\n-b\n+(the end)\n"},
        {"stdout: ['/[0-9]+ ms/']", "12 ms\n", NULL},
        {"stdout: ['/[0-9]+ ms/']", "took 12 ms\n", "-/[0-9]+ ms/\n+took 12 ms\n"},
        {"stdout: ['/a|bc/']", "bc\n", NULL},
        {"stdout: ['/a|bc/']", "ac\n", "-/a|bc/\n+ac\n"},
        {"stdout: ['//']", "//\n", NULL}, /* too short for an expression: those characters */
        {"stdout: { contains: [b, c] }", "abc\n", NULL},
        {"stdout: { contains: [b, x, y] }", "abc\n", "-...x...\n-...y...\n+abc\n"},
        {"stdout: { contains: b }", "abc\n", NULL},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_auto(lp_free_string) char *text = strchr(rows[i].expect, ':')
                                                 ? lp_format("run: []\n%s\n", rows[i].expect)
                                                 : lp_strdup("run: []\n");
        lp_case *c = parsed(text);
        lp_auto(lp_free_string) char *differs = lp_expect_compare(&c->out, rows[i].found);
        if (!rows[i].differs != !differs || (differs && strcmp(differs, rows[i].differs) != 0))
            fail_msg("row %zu: %s", i, differs ? differs : "it fits");
        lp_case_delete(c);
    }
}

static void a_long_output_is_shown_in_part(void **state)
{
    (void)state;
    lp_case *c = parsed("run: []\nstdout: \"x\\n\"\n");
    lp_buf b = {0};
    for (int i = 0; i < 100000; i++)
        lp_buf_printf(&b, "line %d\n", i);
    lp_auto(lp_free_string) char *differs = lp_expect_compare(&c->out, b.ptr);
    assert_true(strlen(differs) < 1000);
    assert_non_null(strstr(differs, "+... and 99970 lines more\n"));
    lp_buf_done(&b);
    lp_case_delete(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_case_says_what_is_run_and_what_is_expected),
        cmocka_unit_test(a_wrong_case_is_told_with_its_place),
        cmocka_unit_test(outputs_fit_or_what_differs_is_shown),
        cmocka_unit_test(a_long_output_is_shown_in_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
