/* cli/new_name_test.c: which names there may be, and what a template gets of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/new.h"

#define LONGEST "abcdefghijklmnop-abcdefghijklmno" /* 32 letters */

static void a_name_is_what_all_languages_take(void **state)
{
    (void)state;
    static const struct {
        const char *text, *space, *name; /* no name: it is refused */
    } rows[] = {
        {"night-light", "example", "night-light"},
        {"acme:night-light", "acme", "night-light"},
        {"a", "example", "a"},
        {"a1-b2", "example", "a1-b2"},
        {LONGEST, "example", LONGEST},
        {LONGEST ":" LONGEST, LONGEST, LONGEST},
        {LONGEST "p", NULL, NULL},
        {"", NULL, NULL},
        {":", NULL, NULL},
        {"a:", NULL, NULL},
        {":a", NULL, NULL},
        {"a:b:c", NULL, NULL},
        {"-a", NULL, NULL},
        {"a-", NULL, NULL},
        {"a--b", NULL, NULL},
        {"a-1", NULL, NULL},
        {"1a", NULL, NULL},
        {"A", NULL, NULL},
        {"a_b", NULL, NULL},
        {"a/b", NULL, NULL},
        {"..", NULL, NULL},
        {"caf\xc3\xa9", NULL, NULL},
        {"interface", NULL, NULL}, /* WIT */
        {"switch", NULL, NULL},    /* C */
        {"match", NULL, NULL},     /* Rust */
        {"lambda", NULL, NULL},    /* Python */
        {"api", NULL, NULL},       /* the interface beside the world of a library */
        {"host", NULL, NULL},      /* a header of a host's own */
        {"wasi:a", NULL, NULL},    /* a namespace of others */
        {"loop:a", NULL, NULL},
        {"my-interface", "example", "my-interface"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cli_name name = {"untouched", "untouched"};
        loop_error *e = cli_name_read(rows[i].text, "component", &name);
        if ((e != NULL) != (rows[i].name == NULL))
            fail_msg("'%s' is %s", rows[i].text, e ? "refused" : "taken");
        assert_string_equal(name.name, e ? "untouched" : rows[i].name);
        assert_string_equal(name.space, e ? "untouched" : rows[i].space);
        if (e) {
            assert_int_equal(loop_error_code(e), LOOP_USAGE);
            assert_non_null(loop_error_hint(e));
        }
        loop_error_delete(e);
    }
}

static void a_placeholder_says_the_form_that_it_gets(void **state)
{
    (void)state;
    static const struct {
        const char *text, *filled;
    } rows[] = {
        {"", ""},
        {"nothing of it", "nothing of it"},
        {"scaffold-name", "night-light"},
        {"scaffold_name_string_t", "night_light_string_t"},
        {"EXPORTS_SCAFFOLD_SPACE_SCAFFOLD_NAME_API", "EXPORTS_ACME_INC_NIGHT_LIGHT_API"},
        {"struct ScaffoldName {", "struct NightLight {"},
        {"scaffold-space:scaffold-name/api", "acme-inc:night-light/api"},
        {"scaffold_space::scaffold_name", "acme_inc::night_light"},
        {"scaffold scaffold-nam", "scaffold scaffold-nam"},
        {"scaffold-namescaffold-name", "night-lightnight-light"},
    };
    const cli_name name = {"acme-inc", "night-light"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t size;
        char *filled = cli_name_fill(&name, rows[i].text, strlen(rows[i].text), &size);
        assert_string_equal(filled, rows[i].filled);
        assert_int_equal(size, strlen(rows[i].filled));
        free(filled);
    }
}

/* The sanitizers see whether there was room. */
static void the_longest_name_fits_in_place_of_the_shortest_placeholder(void **state)
{
    (void)state;
    static const char text[] = "ScaffoldNameScaffoldNamescaffold-namescaffold_name";
    const cli_name name = {LONGEST, LONGEST};
    size_t size;
    char *filled = cli_name_fill(&name, text, strlen(text), &size);
    assert_int_equal(size, 31 + 31 + 32 + 32);
    assert_int_equal(strlen(filled), size);
    free(filled);
}

static void bytes_stay_what_they_are(void **state)
{
    (void)state;
    static const char bytes[] = {'a', 0, '\xff', 0, 's', 'c', 'a', 'f', 'f', 'o', 'l', 'd'};
    const cli_name name = {"acme", "x"};
    size_t size;
    char *filled = cli_name_fill(&name, bytes, sizeof bytes, &size);
    assert_int_equal(size, sizeof bytes);
    assert_memory_equal(filled, bytes, sizeof bytes);
    free(filled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_what_all_languages_take),
        cmocka_unit_test(a_placeholder_says_the_form_that_it_gets),
        cmocka_unit_test(the_longest_name_fits_in_place_of_the_shortest_placeholder),
        cmocka_unit_test(bytes_stay_what_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
