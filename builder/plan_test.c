/*
 * Tests of digest.c, stamp.c, plan.c and check.c: what a component is built from, when it is built
 * again, and what is told of one that does not fit. The tool that builds is a shell script in a
 * fresh workspace, started as every tool is, below loop-guard.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/path.h"
#include "builder/internal.h"

static char *root;  /* of a fresh workspace, the current folder while a test runs */
static char *guard; /* loop-guard of this build */

static void put(const char *path, const char *text)
{
    lp_auto(lp_free_string) char *above = lp_path_parent(path);
    loop_error *e = lp_os_make_dirs(above);
    if (!e)
        e = lp_os_write_atomic(path, text, strlen(text), 0644);
    if (e)
        fail_msg("%s", loop_error_message(e));
}

static void no_error(loop_error *e)
{
    if (e)
        fail_msg("%s", loop_error_message(e));
}

static void error_is(loop_error *e, loop_code code, const char *part)
{
    lp_auto(lp_free_string) char *text = loop_error_format(e);
    assert_non_null(e);
    assert_int_equal(loop_error_code(e), code);
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
    loop_error_delete(e);
}

static int fresh(void **state)
{
    (void)state;
    char name[] = "/tmp/loop-plan-XXXXXX";
    assert_non_null(mkdtemp(name));
    free(root);
    root = lp_os_realpath(name);
    assert_int_equal(chdir(root), 0);
    return 0;
}

static int gone(void **state)
{
    (void)state;
    assert_int_equal(chdir("/"), 0);
    lp_os_remove_tree(root);
    return 0;
}

/* ---- what it is built from ---- */

static char *listed(const char *path, const char *const *skip, const char *const *ends)
{
    lp_build_inputs l = {0};
    lp_buf b = {0};
    lp_auto(lp_free_string) char *whole = lp_path_join(root, path);
    lp_auto(lp_free_string) char *normal = lp_path_normal(whole);
    no_error(lp_build_inputs_add(&l, root, normal, skip, ends));
    lp_build_inputs_sort(&l);
    for (size_t i = 0; i < l.n; i++)
        lp_buf_printf(&b, "%s ", l.at[i].path);
    lp_build_inputs_done(&l);
    return lp_buf_take(&b);
}

static void files_that_tools_write_are_no_sources(void **state)
{
    (void)state;
    static const char *const c_ends[] = {".c", NULL};
    put("a.c", "1");
    put("b/c.c", "2");
    put("b/c.txt", "3");
    put(".git/x.c", "4");
    put("node_modules/x.c", "5");
    put("target/x.c", "6");
    put("build/x.c", "7");
    put("own.wasm", "8");
    lp_auto(lp_free_string) char *build = lp_path_join(root, "build");
    lp_auto(lp_free_string) char *own = lp_path_join(root, "own.wasm");
    const char *const skip[] = {build, own, NULL};
    lp_auto(lp_free_string) char *all = listed(".", skip, NULL);
    assert_string_equal(all, "a.c b/c.c b/c.txt ");
    lp_auto(lp_free_string) char *some = listed(".", skip, c_ends);
    assert_string_equal(some, "a.c b/c.c ");
}

static void links_to_files_count_and_links_to_folders_do_not(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    put("src/a.c", "1");
    put("elsewhere/b.c", "2");
    assert_int_equal(symlink("../elsewhere/b.c", "src/b.c"), 0);
    assert_int_equal(symlink("../elsewhere", "src/all"), 0);
    assert_int_equal(symlink("..", "src/round"), 0);
    assert_int_equal(symlink("nowhere", "src/dangling"), 0);
    lp_auto(lp_free_string) char *all = listed("src", none, NULL);
    assert_string_equal(all, "src/a.c src/b.c ");
}

static void a_name_that_could_break_the_note_is_refused(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    put("src/a\nfound 00 x.c", "1");
    lp_build_inputs l = {0};
    lp_auto(lp_free_string) char *src = lp_path_join(root, "src");
    error_is(lp_build_inputs_add(&l, root, src, none, NULL), LOOP_INVALID, "control character");
    lp_build_inputs_done(&l);
}

static loop_error *add_word(void *data, const char *path)
{
    lp_buf_printf(data, "[%s]", path);
    return NULL;
}

static void rules_of_make_are_read_as_compilers_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *words;
    } rows[] = {
        {"a.o: a.c b.h\n", "[a.c][b.h]"},
        {"a.o: a.c \\\n  with\\ space.h \\\n  x.h\n", "[a.c][with space.h][x.h]"},
        {"a.o: a.c cost$$.h hash\\#.h back\\\\slash.h\n\nb.h:\n",
         "[a.c][cost$.h][hash#.h][back\\slash.h]"},
        {"a.o:", ""},
        {"no rule", ""},
        {"a.o: last\\", "[last\\]"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_buf b = {0};
        no_error(lp_build_rule_read(rows[i].rule, add_word, &b));
        lp_buf_puts(&b, "");
        assert_string_equal(b.ptr, rows[i].words);
        lp_buf_done(&b);
    }
}

/* ---- jobs ---- */

static const char *const script[] = {"/bin/sh", "build.sh", NULL};

typedef struct bench {
    loop_build_config build;
    loop_component_config row;
    char *source, *path;
    lp_buf told; /* of every event: its kind's letter and its text */
    loop_build_options options;
} bench;

static void note_event(void *data, const loop_build_event *e)
{
    static const char letters[] = {'S', 's', 'd', 'n', 'F', 'P', 'D', 'X'};
    bench *b = data;
    if (e->kind != LOOP_BUILD_STEP)
        lp_buf_printf(&b->told, "%c%s%s;", letters[e->kind], e->text ? " " : "",
                      e->text ? e->text : "");
}

static void set_up(bench *b)
{
    *b = (bench){.source = lp_path_join(root, "src"), .path = lp_path_join(root, "out/x.wasm")};
    b->build = (loop_build_config){.source = b->source, .command = script};
    b->row = (loop_component_config){.name = "x", .path = b->path, .build = &b->build};
    b->options = (loop_build_options){.event = note_event, .data = b};
    put("src/a.txt", "one");
    put("build.sh", "mkdir -p out && cat src/* >out/x.wasm && echo built >>log\n");
}

static void tear_down(bench *b)
{
    free(b->source);
    free(b->path);
    lp_buf_done(&b->told);
}

static loop_error *build(bench *b)
{
    const lp_build_place place = {root, guard, "/bin/sh", NULL};
    const loop_component_config *rows[] = {&b->row};
    b->told.len = 0;
    lp_buf_puts(&b->told, "");
    return lp_build(&place, rows, 1, &b->options);
}

static size_t times_built(void)
{
    uint8_t *text = NULL;
    size_t len = 0;
    loop_error *e = lp_os_read_file("log", 4096, &text, &len);
    loop_error_delete(e);
    free(text);
    return len / strlen("built\n");
}

static void only_what_changed_is_built_again(void **state)
{
    (void)state;
    bench b;
    set_up(&b);
    static const struct {
        const char *path, *text; /* written before the build; NULL text: removed */
        const char *told;
    } rows[] = {
        {NULL, NULL, "S it was not built yet;D;"},
        {NULL, NULL, "F;"},
        {"src/a.txt", "one", "F;"}, /* the same bytes, another time */
        {"src/a.txt", "two", "S src/a.txt changed;D;"},
        {"src/b.txt", "new", "S src/b.txt is new;D;"},
        {"src/b.txt", NULL, "S src/b.txt is gone;D;"},
        {"README.md", "beside the sources", "F;"},
        {"out/x.wasm", "somebody else's", "S the output is not what was built;D;"},
        {"out/x.wasm", NULL, "S the output is gone;D;"},
        {"out/.loop/x/stamp", "loop-build 1\ntool 12",
         "S what was noted of the last build cannot be read;D;"},
        {"out/.loop/x/stamp", NULL, "S it was not built yet;D;"},
        {NULL, NULL, "F;"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        if (rows[i].text)
            put(rows[i].path, rows[i].text);
        else if (rows[i].path)
            lp_os_remove(rows[i].path);
        no_error(build(&b));
        if (strcmp(b.told.ptr, rows[i].told) != 0)
            fail_msg("row %zu: '%s', not '%s'", i, b.told.ptr, rows[i].told);
    }
    assert_int_equal(times_built(), 8);
    tear_down(&b);
}

static void another_way_of_building_builds_again(void **state)
{
    (void)state;
    static const char *const with_word[] = {"/bin/sh", "build.sh", "again", NULL};
    bench b;
    set_up(&b);
    no_error(build(&b));
    b.build.command = with_word;
    no_error(build(&b));
    assert_string_equal(b.told.ptr, "S the toolchain, or how it is called, changed;D;");
    b.options.force = true;
    no_error(build(&b));
    assert_string_equal(b.told.ptr, "S it was asked for;D;");
    tear_down(&b);
}

static void a_command_without_sources_runs_each_time(void **state)
{
    (void)state;
    bench b;
    set_up(&b);
    b.build.source = NULL;
    no_error(build(&b));
    no_error(build(&b));
    assert_int_equal(times_built(), 2);
    tear_down(&b);
}

static void a_dry_run_writes_nothing(void **state)
{
    (void)state;
    bench b;
    set_up(&b);
    b.options.dry_run = true;
    no_error(build(&b));
    assert_string_equal(b.told.ptr, "P it was not built yet;");
    assert_false(lp_os_exists("out"));
    assert_int_equal(times_built(), 0);
    tear_down(&b);
}

static void a_build_that_fails_is_told_and_tried_again(void **state)
{
    (void)state;
    bench b;
    set_up(&b);
    no_error(build(&b));
    put("build.sh", "echo no such thing >&2; exit 3\n");
    put("src/a.txt", "two");
    error_is(build(&b), LOOP_INVALID, "sh ended with status 3");
    assert_string_equal(b.told.ptr, "S src/a.txt changed;X;");
    error_is(build(&b), LOOP_INVALID, "sh ended with status 3");
    lp_build_sum sum, old = lp_build_sum_of("one", 3);
    no_error(lp_build_sum_file("out/x.wasm", &sum));
    assert_string_equal(sum.text, old.text); /* what was there is there */
    put("build.sh", "exit 0\n");
    lp_os_remove("out/x.wasm");
    error_is(build(&b), LOOP_NOT_FOUND, "there is no 'out/x.wasm'");
    tear_down(&b);
}

static bool at_once(void *data)
{
    (void)data;
    return lp_os_exists("started");
}

static void a_build_that_is_stopped_leaves_no_process(void **state)
{
    (void)state;
    bench b;
    set_up(&b);
    put("build.sh",
        "(trap '' TERM; sleep 300; touch late) & trap '' TERM; echo $$ >started; wait\n");
    b.options.stop = at_once;
    uint64_t before = lp_os_now_ns();
    error_is(build(&b), LOOP_CANCELLED, "stopped");
    assert_true(lp_os_now_ns() - before < 20000000000ull);
    uint8_t *text;
    size_t len;
    no_error(lp_os_read_file("started", 64, &text, &len));
    assert_false(lp_os_process_runs(strtol((char *)text, NULL, 10)));
    free(text);
    tear_down(&b);
}

/* Catches: a loop that reads as long as there is something, and looks at nothing else. */
static void one_that_writes_without_end_is_stopped(void **state)
{
    (void)state;
    bench b;
    set_up(&b);
    put("build.sh", "echo $$ >started; exec yes\n");
    b.options.stop = at_once;
    uint64_t before = lp_os_now_ns();
    error_is(build(&b), LOOP_CANCELLED, "stopped");
    assert_true(lp_os_now_ns() - before < 20000000000ull);
    tear_down(&b);
}

/* Catches: a test that passes, as what a component wrote is compared up to its first zero. */
static void a_zero_ends_no_text(void **state)
{
    (void)state;
    static const char *const argv[] = {"/bin/sh", "-c", "printf 'a\\0b\\0'", NULL};
    const lp_build_place place = {root, guard, "/bin/sh", NULL};
    static const loop_build_options no_options = {0};
    lp_build_run run = {.place = &place, .options = &no_options};
    lp_build_job j = {.run = &run, .root = root};
    char *out = NULL;
    const lp_build_command c = {.argv = argv, .ret_out = &out};
    no_error(lp_build_tool(&j, &c));
    assert_string_equal(out, "a\x1a"
                             "b\x1a");
    free(out);
    lp_build_job_done(&j);
}

/* ---- what does not fit ---- */

static void each_difference_becomes_a_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *part;
    } rows[] = {
        {"missing-export\tacme:a/b@0.1.0\t\t\n", "missing: the world exports acme:a/b@0.1.0"},
        {"missing-export\tacme:a/b@0.1.0\tnow\t()->u32\n", "exports 'now' of acme:a/b@0.1.0"},
        {"missing-export\t\trun\t()\n", "missing: the world exports 'run'"},
        {"extra-import\tacme:a/b@0.1.0\t\t\n", "too much: the component imports acme:a/b@0.1.0"},
        {"other-version\timport\tacme:a/b@0.2.0\tacme:a/b@0.1.0\n",
         "another version: the component imports acme:a/b@0.2.0, the world acme:a/b@0.1.0"},
        {"other-type\texport\tacme:a/b@0.1.0\tnow\t()->u32\t()->u64\n",
         "another type: export 'now' of acme:a/b@0.1.0 is ()->u32 in the world and ()->u64 in"},
        {"", "does not fit the world 'w'"}, /* a tool that says nothing does not say yes */
        {"missing-export", "does not fit"},
    };
    char *library = NULL, *exports = NULL;
    for (size_t i = 0; i < LP_COUNT(rows); i++)
        error_is(lp_build_check_read(rows[i].lines, "w", &library, &exports), LOOP_INVALID,
                 rows[i].part);
    no_error(lp_build_check_read("note-library\twasi:io/poll@0.2.9\n"
                                 "note-library\twasi:io/streams@0.2.9\n"
                                 "note-library\twasi:sockets/tcp@0.2.9\nnote-export\tx\nfits\n",
                                 "w", &library, &exports));
    assert_string_equal(library, "wasi:io, wasi:sockets");
    assert_string_equal(exports, "x");
    free(library);
    free(exports);
}

static void many_differences_are_told_up_to_a_number(void **state)
{
    (void)state;
    char *library = NULL, *exports = NULL;
    lp_buf b = {0};
    for (int i = 0; i < 1000; i++)
        lp_buf_printf(&b, "extra-import\ta:b/c%d\t\t\n", i);
    error_is(lp_build_check_read(b.ptr, "w", &library, &exports), LOOP_INVALID,
             "1000 differences, of which these are the first");
    lp_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_that_tools_write_are_no_sources, fresh, gone),
        cmocka_unit_test_setup_teardown(links_to_files_count_and_links_to_folders_do_not, fresh,
                                        gone),
        cmocka_unit_test_setup_teardown(a_name_that_could_break_the_note_is_refused, fresh, gone),
        cmocka_unit_test(rules_of_make_are_read_as_compilers_write_them),
        cmocka_unit_test_setup_teardown(only_what_changed_is_built_again, fresh, gone),
        cmocka_unit_test_setup_teardown(another_way_of_building_builds_again, fresh, gone),
        cmocka_unit_test_setup_teardown(a_command_without_sources_runs_each_time, fresh, gone),
        cmocka_unit_test_setup_teardown(a_dry_run_writes_nothing, fresh, gone),
        cmocka_unit_test_setup_teardown(a_build_that_fails_is_told_and_tried_again, fresh, gone),
        cmocka_unit_test_setup_teardown(a_build_that_is_stopped_leaves_no_process, fresh, gone),
        cmocka_unit_test_setup_teardown(one_that_writes_without_end_is_stopped, fresh, gone),
        cmocka_unit_test_setup_teardown(a_zero_ends_no_text, fresh, gone),
        cmocka_unit_test(each_difference_becomes_a_sentence),
        cmocka_unit_test(many_differences_are_told_up_to_a_number),
    };
    lp_auto(lp_free_string) char *own = lp_os_executable_path();
    lp_auto(lp_free_string) char *above = lp_path_parent(own);
    guard = lp_format("%s/../loop-guard", above);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(guard);
    free(root);
    return failed;
}
