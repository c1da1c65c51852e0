/* Tests of lock.h: what a loop.lock may be, that writing it is stable, and editing loop.yaml. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "packages/lock.h"

#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define ROW "  - name: \"acme:ui\"\n    registry: team\n    versions:\n"
#define VERSION "      - requirement: ^1.2\n        version: 1.2.0\n        digest: " D1 "\n"

/* Catches: a row that is believed without being looked at, and an error without its place. */
static void hostile_locks_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "loop.lock:1:1: expected a map, found nothing"},
        {"packages: []\n", "loop.lock:1:1: expected 'loop: 1', the version of the format"},
        {"loop: 2\n", "loop.lock:1:1: expected 'loop: 1', the version of the format"},
        {"loop: 1\nmore: 1\n", "loop.lock:2:1: unknown key 'more'"},
        {"loop: 1\npackages: text\n", "loop.lock:2:11: expected a list for 'packages', found text"},
        {"loop: 1\npackages:\n  - name: 'acme:ui'\n", "loop.lock:3:5: there is no 'registry'"},
        {"loop: 1\npackages:\n  - name: '../ui'\n    registry: a\n",
         "loop.lock:3:11: '../ui' is no name of a package"},
        {"loop: 1\npackages:\n" ROW "      []\n",
         "loop.lock:6:7: 'acme:ui' has 0 versions; loop has one of each package"},
        {"loop: 1\npackages:\n" ROW VERSION VERSION,
         "loop.lock:6:7: 'acme:ui' has 2 versions; loop has one of each package"},
        {"loop: 1\npackages:\n" ROW "      - requirement: ^1\n        version: one\n"
         "        digest: " D1 "\n",
         "loop.lock:7:18: 'one' is no version: a number is expected at character 1"},
        {"loop: 1\npackages:\n" ROW "      - requirement: ^1\n        version: 1.0.0\n"
         "        digest: sha256:12\n",
         "loop.lock:8:17: 'digest' is not 'sha256:' and 64 hexadecimal digits"},
        {"loop: 1\npackages:\n" ROW VERSION "        manifest: md5\n",
         "loop.lock:9:19: 'manifest' is not 'sha256:' and 64 hexadecimal digits"},
        {"loop: 1\npackages:\n" ROW VERSION ROW VERSION,
         "loop.lock:3:3: the package 'acme:ui' is there twice"},
        {"loop: 1\npackages:\n  - &a name\n", "loop.lock:3:5: anchors ('&name') are not part of "
                                              "loop's YAML"},
        {"loop: 1\npackages:\n  - name: \"acme:ui\"\n    registry: \"\\e[31m\"\n",
         "loop.lock:4:15: expected text for 'registry'"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_arena arena = {0};
        lp_lock lock;
        lp_auto(lp_free_error) loop_error *e =
            lp_lock_parse(&arena, "loop.lock", rows[i].text, strlen(rows[i].text), &lock);
        assert_non_null(e);
        assert_string_equal(loop_error_message(e), rows[i].why);
        assert_int_equal(loop_error_code(e), LOOP_CONFIG);
        assert_non_null(loop_error_hint(e));
        lp_arena_done(&arena);
    }
}

/* Catches: a file that depends on the order in which packages were found, or does not read back. */
static void the_same_choice_is_the_same_bytes(void **state)
{
    (void)state;
    const lp_locked a = {.name = "acme:ui",
                         .registry = "team \"x\"",
                         .version = "1.2.0+b",
                         .wanted = ">=1.0, <2",
                         .content = D1,
                         .digest = D2};
    const lp_locked b = {.name = "acme:app",
                         .registry = "",
                         .version = "0.1.0-rc.1",
                         .wanted = "*",
                         .content = D2,
                         .digest = ""};
    lp_auto(lp_free_string) char *one = lp_lock_format((lp_locked[]){a, b}, 2);
    lp_auto(lp_free_string) char *other = lp_lock_format((lp_locked[]){b, a}, 2);
    assert_string_equal(one, other);
    lp_arena arena = {0};
    lp_lock lock;
    loop_error *e = lp_lock_parse(&arena, "loop.lock", one, strlen(one), &lock);
    assert_null(e);
    assert_int_equal(lock.n, 2);
    const lp_locked *ui = lp_lock_find(&lock, "acme:ui");
    assert_non_null(ui);
    assert_string_equal(ui->registry, a.registry);
    assert_string_equal(ui->version, a.version);
    assert_string_equal(ui->wanted, a.wanted);
    assert_string_equal(ui->content, a.content);
    assert_string_equal(ui->digest, a.digest);
    assert_null(lp_lock_find(&lock, "acme:ui2"));
    lp_auto(lp_free_string) char *again = lp_lock_format(lock.at, lock.n);
    assert_string_equal(one, again);
    lp_arena_done(&arena);
}

/* Catches: a list of nothing that is not read back. */
static void nothing_is_a_lock_too(void **state)
{
    (void)state;
    lp_arena arena = {0};
    lp_lock lock;
    lp_auto(lp_free_string) char *text = lp_lock_format(NULL, 0);
    loop_error *e = lp_lock_parse(&arena, "loop.lock", text, strlen(text), &lock);
    assert_null(e);
    assert_int_equal(lock.n, 0);
    assert_null(lp_lock_find(&lock, "acme:ui"));
    static const char bare[] = "loop: 1\npackages:\n"; /* the last one was taken out by hand */
    e = lp_lock_parse(&arena, "loop.lock", bare, sizeof bare - 1, &lock);
    assert_null(e);
    assert_int_equal(lock.n, 0);
    lp_arena_done(&arena);
}

/* ---- loop.yaml ---- */

struct edit {
    const char *before, *component, *wish;
    const char *after; /* NULL: refused */
};

/* Catches: a comment, a blank line, an order or an end of line that an edit takes away. */
static const struct edit edits[] = {
    {"loop: 1\n", "ui", "acme:ui@^1.2", "loop: 1\ncomponents:\n  ui:\n    package: acme:ui@^1.2\n"},
    {"loop: 1", "ui", "acme:ui@^1.2", "loop: 1\ncomponents:\n  ui:\n    package: acme:ui@^1.2\n"},
    {"loop: 1\ncomponents:\n", "ui", "acme:ui",
     "loop: 1\ncomponents:\n  ui:\n    package: acme:ui\n"},
    {"loop: 1\ncomponents: # ours\n\n# end\n", "ui", "acme:ui",
     "loop: 1\ncomponents: # ours\n  ui:\n    package: acme:ui\n\n# end\n"},
    {"loop: 1\ncomponents: {} # none yet\nbind: {}\n", "ui", "acme:ui",
     "loop: 1\ncomponents: # none yet\n  ui:\n    package: acme:ui\nbind: {}\n"},
    {"loop: 1\ncomponents: {}", "ui", "acme:ui",
     "loop: 1\ncomponents:\n  ui:\n    package: acme:ui\n"},
    {"loop: 1\ncomponents:\n    a: # first\n       path: a.wasm # it\n    # last\n\n# bindings\n"
     "bind: {}\n",
     "ui", "acme:ui@>=1.0, <2",
     "loop: 1\ncomponents:\n    a: # first\n       path: a.wasm # it\n    ui:\n"
     "       package: \"acme:ui@>=1.0, <2\"\n    # last\n\n# bindings\nbind: {}\n"},
    {"loop: 1\r\ncomponents:\r\n  a: { path: a.wasm }\r\n", "ui", "acme:ui",
     "loop: 1\r\ncomponents:\r\n  a: { path: a.wasm }\r\n  ui:\r\n    package: acme:ui\r\n"},
    {"components:\n  a:\n    config:\n      text: |\n        x\n        y\nloop: 1\n", "ui",
     "acme:ui",
     "components:\n  a:\n    config:\n      text: |\n        x\n        y\n  ui:\n"
     "    package: acme:ui\nloop: 1\n"},
    {"components:\n  a:\n    config:\n      text: |\n        x\n        # no comment\nloop: 1\n",
     "ui", "acme:ui",
     "components:\n  a:\n    config:\n      text: |\n        x\n        # no comment\n  ui:\n"
     "    package: acme:ui\nloop: 1\n"},
    /* another wish for the same package */
    {"loop: 1\ncomponents:\n  ui:\n    package: 'acme:ui@^1' # old\n    args: [a]\n", "ui",
     "acme:ui@^2", "loop: 1\ncomponents:\n  ui:\n    package: acme:ui@^2 # old\n    args: [a]\n"},
    {"loop: 1\ncomponents:\n  ui: { package: acme:ui, args: [\xc3\xa4] }\n", "ui",
     "acme:ui@>=1, <2",
     "loop: 1\ncomponents:\n  ui: { package: \"acme:ui@>=1, <2\", args: [\xc3\xa4] }\n"},
    {"loop: 1\rcomponents:\r  a: { path: a.wasm }\r", "ui", "acme:ui",
     "loop: 1\rcomponents:\r  a: { path: a.wasm }\r\n  ui:\n    package: acme:ui\n"},
    /* what cannot be done safely, or not at all */
    {"{ loop: 1 }\n", "ui", "acme:ui", NULL},
    {"loop: 1\ncomponents: { a: { path: a.wasm } }\n", "ui", "acme:ui", NULL},
    {"loop: 1\ncomponents: null\n", "ui", "acme:ui", NULL},
    {"components:\n  a:\n    config:\n      text: |\n        x\n\n# end of x\nloop: 1\n", "ui",
     "acme:ui",
     "components:\n  a:\n    config:\n      text: |\n        x\n  ui:\n    package: acme:ui\n\n"
     "# end of x\nloop: 1\n"},
    {"components:\n  a:\n    config:\n      text: |+\n        x\n\nloop: 1\n", "ui", "acme:ui",
     NULL},
    {"loop: 1\ncomponents:\n  ui: { path: ui.wasm }\n", "ui", "acme:ui", NULL},
    {"loop: 1\ncomponents:\n  ui: { package: acme:ui2 }\n", "ui", "acme:ui", NULL},
    {"loop: 1\ncomponents:\n  ui: { package: \"acme:\\u0075i@1\" }\n", "ui", "acme:ui", NULL},
};

static void adding_leaves_every_other_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < LP_COUNT(edits); i++) {
        const struct edit *x = &edits[i];
        char *made = NULL;
        lp_auto(lp_free_error) loop_error *e =
            lp_edit_add("loop.yaml", x->before, strlen(x->before), x->component, x->wish, &made);
        if (!x->after) {
            assert_non_null(e);
            assert_non_null(loop_error_hint(e));
            continue;
        }
        assert_null(e);
        assert_string_equal(made, x->after);
        free(made);
    }
}

static const struct edit removals[] = {
    {"loop: 1\ncomponents:\n  ui:\n    package: acme:ui\n", "ui", NULL, "loop: 1\ncomponents:\n"},
    {"loop: 1\ncomponents:\n  a: { path: a }\n  # the interface\n  ui: # ui\n    # of ours\n"
     "    package: acme:ui\n\n  # next\n  b: { path: b }\n",
     "ui", NULL,
     "loop: 1\ncomponents:\n  a: { path: a }\n  # the interface\n\n  # next\n  b: { path: b }\n"},
    {"components:\n  a: { path: a }\n  ui: { package: acme:ui }\nloop: 1\n", "ui", NULL,
     "components:\n  a: { path: a }\nloop: 1\n"},
    {"loop: 1\ncomponents:\n  ui: { package: acme:ui }", "ui", NULL, "loop: 1\ncomponents:\n"},
    {"loop: 1\ncomponents: { ui: { package: acme:ui }, a: { path: a } }\n", "ui", NULL, NULL},
    {"loop: 1\ncomponents:\n  ui:\n    package: acme:ui\n    config:\n      text: |\n"
     "        x\n        # y\n  a: { path: a }\n",
     "ui", NULL, "loop: 1\ncomponents:\n  a: { path: a }\n"},
    {"loop: 1\ncomponents:\n  a: { path: a }\n", "ui", NULL, NULL},
    {"loop: 1\n", "ui", NULL, NULL},
};

static void removing_leaves_every_other_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < LP_COUNT(removals); i++) {
        const struct edit *x = &removals[i];
        char *made = NULL;
        lp_auto(lp_free_error) loop_error *e =
            lp_edit_remove("loop.yaml", x->before, strlen(x->before), x->component, &made);
        if (!x->after) {
            assert_non_null(e);
            continue;
        }
        if (e)
            printf("# %zu: %s\n", i, loop_error_message(e));
        assert_null(e);
        assert_string_equal(made, x->after);
        free(made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_locks_are_refused_with_their_place),
        cmocka_unit_test(the_same_choice_is_the_same_bytes),
        cmocka_unit_test(nothing_is_a_lock_too),
        cmocka_unit_test(adding_leaves_every_other_byte),
        cmocka_unit_test(removing_leaves_every_other_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
