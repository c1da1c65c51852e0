/*
 * cli/cmd_test.c: `loop test`: builds, then runs the tests of components. A failure is shown
 * when it happens, with what differs; the last line counts.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/build.h"
#include "cli/target.h"

static void put_test(void *data, const loop_test_event *e)
{
    cli_build_view *v = data;
    cli_live_clear(&v->live);
    if (!e->passed || v->verbose) {
        fputs(e->passed ? "passed  " : "FAILED  ", stdout);
        cli_put(stdout, e->component);
        putchar(' ');
        cli_put(stdout, e->name);
        putchar('\n');
        if (e->report)
            cli_put_lines(stdout, "  ", e->report);
        fflush(stdout);
    }
    char *step = cli_format("%zu of %zu tests", e->done, e->total);
    cli_live_set(&v->live, "testing", e->done < e->total ? step : NULL);
    free(step);
    cli_live_draw(&v->live);
}

/* Whether a component is one of the names, or serves one of them in a slot. */
static bool is_wanted(const loop_config *c, const char *const *names, const char *component)
{
    for (size_t i = 0; names[i]; i++)
        if (strcmp(names[i], component) == 0)
            return true;
    const loop_binding *b;
    for (size_t i = 0; (b = loop_config_binding_at(c, i)); i++)
        for (size_t k = 0; k < b->count; k++)
            if (b->links[k].component && strcmp(b->links[k].component, component) == 0)
                return true;
    return false;
}

/* Builds what is tested and what serves it; nothing where nothing has `build:`. */
static loop_error *build(const loop_config *c, const cli_args *args, cli_build_view *view)
{
    loop_build_options options;
    loop_error *e = cli_build_options(args, view, &options);
    if (e)
        return e;
    size_t count = 0, n = 0;
    const loop_component_config *row;
    while (loop_config_component_at(c, count))
        count++;
    const char **names = cli_alloc((count + 1) * sizeof *names);
    for (size_t i = 0; (row = loop_config_component_at(c, i)); i++)
        if (row->build && (!args->operand_count || is_wanted(c, options.names, row->name)))
            names[n++] = row->name;
    options.names = names;
    if (n)
        e = loop_build(c, &options);
    free(names);
    return e;
}

static loop_error *test(const loop_config *c, const cli_args *args, cli_build_view *view,
                        int *ret_status)
{
    loop_build_options options;
    loop_error *e = cli_build_options(args, view, &options);
    if (!e && !cli_has(args, "--no-build"))
        e = build(c, args, view);
    if (e && view->failed && loop_error_code(e) != LOOP_CANCELLED) { /* they have been told */
        *ret_status = (int)loop_error_code(e);
        loop_error_delete(e);
        return NULL;
    }
    if (e)
        return e;
    loop_test_result result;
    e = loop_test(c,
                  &(loop_test_options){.names = options.names,
                                       .jobs = options.jobs,
                                       .event = put_test,
                                       .stop = cli_build_stop,
                                       .data = view},
                  &result);
    if (e)
        return e;
    printf("%zu passed, %zu failed\n", result.passed, result.failed);
    *ret_status = result.failed ? 1 : 0;
    return NULL;
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    cli_build_view view = {.quiet = true, .verbose = cli_has(args, "--verbose")};
    loop_config *config;
    loop_error *e = cli_config_load(args, &config);
    if (e)
        return e;
    cli_catch_interrupt();
    cli_live_open(&view.live);
    e = test(config, args, &view, ret_status);
    cli_live_close(&view.live);
    loop_config_delete(config);
    return e;
}

static const cli_group group_test = {
    "Testing",
    (const cli_option[]){
        {"--no-build", NULL, "test what is there", NULL, NULL},
        {"--verbose", NULL, "name the tests that passed, too", NULL, NULL},
        {0},
    },
};

const cli_command cli_test = {
    .name = "test",
    .synopsis = "[options] [COMPONENT...]",
    .summary = "build components and run their tests",
    .about =
        "Builds what is tested, then runs the tests of each component: the files *.yaml in the "
        "folder that `tests` names in loop.yaml, and the command of `test: { command: [...] }`. "
        "Without names: of all components that have tests. The last line counts; the exit status "
        "is 1 when a test failed.\n\n"
        "A file is a test, its name the test's:\n\n"
        "    run: [Ada]                 # arguments; or invoke: 'api.greet(\"Ada\")'\n"
        "    stdin: \"a line\\n\"         # nothing, where it is not said\n"
        "    status: 0                  # 0, where it is not said\n"
        "    stdout: \"Hello, Ada!\\n\"   # exactly; not looked at, where it is not said\n"
        "    stderr: { contains: [Ada] }\n"
        "    deadline: 10s\n\n"
        "`stdout` and `stderr` may be a list of lines, where \"...\" stands for any lines and "
        "\"/x/\" for one that the extended regular expression x matches. With `invoke`, `result` "
        "is what is printed, without the newline.\n\n"
        "Each test is a `loop run` of its own, in the workspace, several at a time: what loop.yaml "
        "grants, binds and configures holds, and nothing more.",
    .example = "loop test notes",
    .shows = "builds the component `notes` and runs its tests",
    .not_yet = "tests that send events to an application",
    .groups = (const cli_group *const[]){&group_test, &cli_group_build, &cli_group_config, NULL},
    .max_operands = SIZE_MAX,
    .run = run,
};
