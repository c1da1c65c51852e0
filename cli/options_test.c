/* cli/options_test.c: the promises of cli/options.c, and of the escapes of cli/output.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const cli_group group = {
    "Test",
    (const cli_option[]){
        {"--dir", "HOST", "a folder", NULL, NULL},
        {"--level", "LEVEL", "a level", "log.level", "a|b"},
        {"--json", NULL, "JSON", NULL, NULL},
        {0},
    },
};
static const cli_group hidden = {NULL,
                                 (const cli_option[]){{"--secret", NULL, "", NULL, NULL}, {0}}};
static const cli_group *const groups[] = {&group, &hidden, NULL};

/* As `loop run`: what follows the first operand is not read. And as `loop inspect`. */
static const cli_command runs = {.name = "run",
                                 .synopsis = "[C]",
                                 .groups = groups,
                                 .max_operands = SIZE_MAX,
                                 .first_operand_ends = true};
static const cli_command reads = {
    .name = "read", .synopsis = "[C]", .groups = groups, .max_operands = 1};

/* ---- what is read ---- */

/* `expect`: options as "--flag=value", then "|", operands, and "--" where they begin after dashes.
 */
static const struct {
    const cli_command *command;
    const char *line; /* words parted by one space */
    const char *expect;
} good[] = {
    {&runs, "", "|"},
    {&runs, "c", "| c"},
    {&runs, "--json c", "--json | c"},
    {&runs, "--dir x --dir=y c", "--dir=x --dir=y | c"},
    {&runs, "--dir --json c", "--dir=--json | c"},   /* a value may look like an option */
    {&runs, "--dir=a=b", "--dir=a=b |"},             /* the first '=' parts */
    {&runs, "--dir= c", "--dir= | c"},               /* empty is a value */
    {&runs, "c --json --nope", "| c --json --nope"}, /* the component's */
    {&runs, "c -- --json", "| c -- --json"},         /* these dashes are loop's */
    {&runs, "c a -- b", "| c a -- b"},               /* these are the component's: see below */
    {&runs, "-- --json", "| -- --json"},             /* no component: the workspace's default */
    {&runs, "-", "| -"},                             /* a dash alone is an operand */
    {&runs, "-- -- x", "| -- -- x"},
    {&reads, "c --json", "--json | c"}, /* options may follow */
    {&reads, "-- --json", "| -- --json"},
    {&reads, "--secret", "--secret |"}, /* shown nowhere, understood all the same */
    {&reads, "-h --nope", "help"},      /* help comes first */
    {&reads, "--json --help", "help"},
};

static void split(char *line, char **words)
{
    size_t n = 0;
    for (char *at = line; *line && at; n++) {
        words[n] = at;
        at = strchr(at, ' ');
        if (at)
            *at++ = 0;
    }
    words[n] = NULL;
}

static char *told(const cli_args *a)
{
    char *s = NULL;
    size_t size;
    FILE *f = open_memstream(&s, &size);
    for (size_t i = 0; i < a->given_count; i++)
        fprintf(f, "%s%s%s ", a->given[i].option->flag, a->given[i].value ? "=" : "",
                a->given[i].value ? a->given[i].value : "");
    fputs("|", f);
    for (size_t i = 0; i < a->operand_count; i++)
        fprintf(f, "%s %s", i == a->before_dashes ? " --" : "", a->operands[i]);
    fclose(f);
    return s;
}

static void reads_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        char line[64], *words[16];
        snprintf(line, sizeof line, "%s", good[i].line);
        split(line, words);
        cli_args a;
        assert_null(cli_parse(good[i].command, words, &a));
        char *s = a.help ? strdup("help") : told(&a);
        assert_string_equal(s, good[i].expect);
        assert_null(a.operands[a.operand_count]);
        free(s);
        cli_args_done(&a);
    }
}

/* Only the first dashes are loop's, and only right behind the component. */
static void keeps_later_dashes(void **state)
{
    (void)state;
    char *words[] = {"c", "a", "--", "b", NULL};
    cli_args a;
    assert_null(cli_parse(&runs, words, &a));
    assert_int_equal(a.operand_count, 4);
    assert_int_equal(a.before_dashes, 4);
    assert_string_equal(a.operands[2], "--");
    cli_args_done(&a);
}

/* ---- what is refused ---- */

static const struct {
    const char *line, *message, *hint; /* parts of them */
} bad[] = {
    {"--nope", "'loop read' has no option '--nope'", "`loop help read`"},
    {"--jsn", "no option '--jsn'", "did you mean --json?"},
    {"--nope=x", "no option '--nope'", ""},
    {"--secre", "no option '--secre'", "lists its options"}, /* hidden ones are not proposed */
    {"-x", "no option '-x'", ""},
    {"--json=1", "'--json' takes no value", NULL},
    {"--dir", "'--dir' needs a value", "write --dir HOST"},
    {"a b", "'b' is one argument too many", "usage: loop read [C]"},
};

static void refuses_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        char line[64], *words[16];
        snprintf(line, sizeof line, "%s", bad[i].line);
        split(line, words);
        cli_args a;
        loop_error *e = cli_parse(&reads, words, &a);
        assert_int_equal(loop_error_code(e), LOOP_USAGE);
        assert_non_null(strstr(loop_error_message(e), bad[i].message));
        if (bad[i].hint)
            assert_non_null(strstr(loop_error_hint(e), bad[i].hint));
        else
            assert_null(loop_error_hint(e));
        loop_error_delete(e);
    }
}

/* ---- what was given ---- */

static void finds_values(void **state)
{
    (void)state;
    char *words[] = {"--level", "a", "--dir", "x", "--level=b", "--dir", "y", NULL};
    cli_args a;
    assert_null(cli_parse(&reads, words, &a));
    assert_string_equal(cli_value(&a, "--level"), "b"); /* the last one counts */
    assert_string_equal(cli_value_at(&a, "--dir", 0), "x");
    assert_string_equal(cli_value_at(&a, "--dir", 1), "y");
    assert_null(cli_value_at(&a, "--dir", 2));
    assert_true(cli_has(&a, "--dir"));
    assert_false(cli_has(&a, "--json"));
    assert_null(cli_value(&a, "--json"));
    cli_args_done(&a);
}

static void lists_what_is_shown(void **state)
{
    (void)state;
    assert_string_equal(cli_option_at(&reads, 2)->flag, "--json");
    assert_null(cli_option_at(&reads, 3));
}

static void reads_units(void **state)
{
    (void)state;
    assert_int_equal(cli_size("0"), 0);
    assert_int_equal(cli_size("1500"), 1500);
    assert_int_equal(cli_size("64MiB"), 64 << 20);
    assert_int_equal(cli_size("2GB"), 2000000000);
    assert_int_equal(cli_size(""), 0);
    assert_int_equal(cli_duration_ms("250ms"), 250);
    assert_int_equal(cli_duration_ms("5s"), 5000);
    assert_int_equal(cli_duration_ms("2m"), 120000);
    assert_int_equal(cli_duration_ms("1h"), 3600000);
    assert_int_equal(cli_duration_ms(""), 0);
}

static void measures_distance(void **state)
{
    (void)state;
    assert_int_equal(cli_distance("run", "run"), 0);
    assert_int_equal(cli_distance("rnu", "run"), 2);
    assert_int_equal(cli_distance("", "run"), 3);
    assert_int_equal(cli_distance("inspct", "inspect"), 1);
    char big[100];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    assert_true(cli_distance(big, "run") > 1000);
}

/* ---- text from outside ---- */

static const struct {
    const char *text, *shown, *json;
} texts[] = {
    {"plain", "plain", "\"plain\""},
    {"gr\xc3\xbc\xc3\x9f \xf0\x9f\x8c\x80", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x8c\x80",
     "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x8c\x80\""},
    {"\x1b[31m", "\\x1b[31m", "\"\\u001b[31m\""},
    {"a\nb\tc", "a\\x0ab\\x09c", "\"a\\u000ab\\u0009c\""},
    {"\x7f", "\\x7f", "\"\\u007f\""},
    {"\xc2\x9b", "\\u{9b}", "\"\\u009b\""},                   /* CSI as one character */
    {"\xe2\x80\xae", "\\u{202e}", "\"\\u202e\""},             /* turns the text around */
    {"\xf3\xa0\x81\x81", "\\u{e0041}", "\"\\udb40\\udc41\""}, /* an invisible letter */
    {"\xff", "\\xff", "\"\\ufffd\""},
    {"\xc3", "\\xc3", "\"\\ufffd\""},                                 /* cut off */
    {"\xc0\xaf", "\\xc0\\xaf", "\"\\ufffd\\ufffd\""},                 /* too long a form */
    {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\"\\ufffd\\ufffd\\ufffd\""}, /* a surrogate */
    {"\"\\", "\"\\", "\"\\\"\\\\\""},
};

static void makes_text_harmless(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        char *shown = cli_shown(texts[i].text), *json = NULL;
        size_t size;
        FILE *f = open_memstream(&json, &size);
        cli_put_json(f, texts[i].text);
        fclose(f);
        assert_string_equal(shown, texts[i].shown);
        assert_string_equal(json, texts[i].json);
        free(shown);
        free(json);
    }
    assert_int_equal(cli_width("gr\xc3\xbc\x1b"), 7);
}

static void wraps_lines(void **state)
{
    (void)state;
    char text[200] = "", *wrapped = NULL;
    size_t size;
    for (int i = 0; i < 10; i++)
        strcat(text, "123456789 ");
    FILE *f = open_memstream(&wrapped, &size);
    cli_put_wrapped(f, text, 4, 0);
    cli_put_wrapped(f, "a\nb\n\nc", 0, 0);
    cli_put_wrapped(f, "word", 8, 3);
    cli_put_wrapped(f, "", 2, 0);
    fclose(f);
    assert_string_equal(
        wrapped, "    123456789 123456789 123456789 123456789 123456789 123456789 123456789\n"
                 "    123456789 123456789 123456789\n"
                 "a\nb\n\nc\n"
                 "     word\n"
                 "\n");
    free(wrapped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_lines),         cmocka_unit_test(keeps_later_dashes),
        cmocka_unit_test(refuses_lines),       cmocka_unit_test(finds_values),
        cmocka_unit_test(lists_what_is_shown), cmocka_unit_test(reads_units),
        cmocka_unit_test(measures_distance),   cmocka_unit_test(makes_text_harmless),
        cmocka_unit_test(wraps_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
