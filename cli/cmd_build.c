/*
 * cli/cmd_build.c: `loop build`: the components of the workspace, from their sources.
 *
 * A line for each component when it is over, on stdout; what tools said and errors on stderr;
 * on a terminal a line below that says what is being done. The first Ctrl-C ends the tools and
 * then loop, in good order; the second ends loop at once, and its guards end the tools.
 */
#include <errno.h>
#include <stdlib.h>

#include "cli/build.h"
#include "cli/target.h"
#include "loop/build.h"

static void put_done(const loop_build_event *e)
{
    fputs("built   ", stdout);
    cli_put(stdout, e->component);
    printf("  %llu KB  %llu.%llu s\n", (unsigned long long)(e->bytes + 1023) / 1024,
           (unsigned long long)e->ms / 1000, (unsigned long long)e->ms % 1000 / 100);
}

static void put_planned(const loop_build_event *e)
{
    printf("would build %s: ", e->component);
    cli_put(stdout, e->text);
    putchar('\n');
    if (e->output)
        cli_put_lines(stdout, "  ", e->output);
}

static void put_note(const loop_build_event *e)
{
    fputs("note: ", stderr);
    cli_put(stderr, e->component);
    fputs(": ", stderr);
    cli_put(stderr, e->text);
    fputs(e->output ? ":\n" : "\n", stderr);
    if (e->output)
        cli_put_lines(stderr, "  ", e->output);
}

static void put_failed(const loop_build_event *e)
{
    if (loop_error_code(e->error) == LOOP_CANCELLED)
        return;
    if (e->output)
        cli_put_lines(stderr, "  ", e->output);
    char *text = loop_error_format(e->error);
    cli_put_lines(stderr, "", text);
    loop_free(text);
}

void cli_build_event(void *data, const loop_build_event *e)
{
    cli_build_view *v = data;
    cli_live_clear(&v->live);
    switch (e->kind) {
    case LOOP_BUILD_STARTED:
    case LOOP_BUILD_STEP: cli_live_set(&v->live, e->component, e->text); break;
    case LOOP_BUILD_DETAIL:
        if (v->verbose)
            put_note(e);
        break;
    case LOOP_BUILD_NOTE: put_note(e); break;
    case LOOP_BUILD_FRESH:
        v->fresh++;
        if (!v->quiet)
            printf("fresh   %s\n", e->component);
        break;
    case LOOP_BUILD_PLANNED: put_planned(e); break;
    case LOOP_BUILD_DONE:
        v->built++;
        put_done(e);
        break;
    case LOOP_BUILD_FAILED:
        v->failed++;
        fflush(stdout);
        put_failed(e);
        break;
    }
    if (e->kind >= LOOP_BUILD_FRESH)
        cli_live_set(&v->live, e->component, NULL);
    fflush(stdout);
    cli_live_draw(&v->live);
}

bool cli_build_stop(void *data)
{
    cli_build_view *v = data;
    cli_live_draw(&v->live);
    return cli_interrupted();
}

static loop_error *read_jobs(const cli_args *args, unsigned *ret)
{
    const char *text = cli_value(args, "--jobs");
    if (!text)
        return NULL;
    char *end;
    errno = 0;
    unsigned long n = strtoul(text, &end, 10);
    if (errno || *end || end == text || text[0] == '-' || n < 1 || n > 256)
        return loop_error_new(LOOP_USAGE, "expected a number from 1 to 256 for --jobs, found '%s'",
                              text);
    *ret = (unsigned)n;
    return NULL;
}

loop_error *cli_build_options(const cli_args *args, cli_build_view *view, loop_build_options *ret)
{
    *ret = (loop_build_options){.names = args->operand_count ? (const char *const *)args->operands
                                                             : NULL,
                                .force = cli_has(args, "--force"),
                                .dry_run = cli_has(args, "--dry-run"),
                                .debug = cli_has(args, "--debug"),
                                .event = cli_build_event,
                                .stop = cli_build_stop,
                                .data = view};
    return read_jobs(args, &ret->jobs);
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    cli_build_view view = {.verbose = cli_has(args, "--verbose")};
    loop_build_options options;
    loop_config *config;
    loop_error *e = cli_build_options(args, &view, &options);
    if (!e)
        e = cli_config_load(args, &config);
    if (e)
        return e;
    cli_catch_interrupt();
    cli_live_open(&view.live);
    e = loop_build(config, &options);
    cli_live_close(&view.live);
    loop_config_delete(config);
    if (e && view.failed && loop_error_code(e) != LOOP_CANCELLED) { /* all have been told */
        *ret_status = (int)loop_error_code(e);
        loop_error_delete(e);
        e = NULL;
    }
    return e;
}

const cli_group cli_group_build = {
    "Building",
    (const cli_option[]){
        {"--jobs", "N", "components at a time (as many as there are processors)", NULL, NULL},
        {"--force", NULL, "build what did not change, too", NULL, NULL},
        {"--debug", NULL, "without optimisation, in C and Rust", NULL, NULL},
        {0},
    },
};

static const cli_group group_shown = {
    "Looking",
    (const cli_option[]){
        {"--dry-run", NULL, "say what would be run, and why; build nothing", NULL, NULL},
        {"--verbose", NULL, "say what a language's library imports beyond the world", NULL, NULL},
        {0},
    },
};

const cli_command cli_build = {
    .name = "build",
    .synopsis = "[options] [COMPONENT...]",
    .summary = "build the components of this workspace",
    .about =
        "Builds components from their sources, as `build:` in loop.yaml says: in C, Rust, "
        "JavaScript or Python by the toolchain of that language, or by a command. Without names: "
        "all that have `build:`, several at a time. A component whose sources, WIT and toolchain "
        "did not change is not built again.\n\n"
        "What was built must fit its world: what is missing and what is too much is said, and only "
        "what fits gets to the component's path, in one step; otherwise what was there stays. "
        "Where a tool is missing, the command is named that installs it.\n\n"
        "This runs what the workspace says, as you: compilers, build scripts, packages' install "
        "scripts. It is like `make` and asks for no `loop trust`. `loop run` never builds.",
    .example = "loop build",
    .shows = "builds what changed",
    .not_yet = "a server that builds on every change; languages other than these without a command",
    .groups = (const cli_group *const[]){&group_shown, &cli_group_build, &cli_group_config, NULL},
    .max_operands = SIZE_MAX,
    .run = run,
};
