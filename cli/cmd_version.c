/* cli/cmd_version.c: `loop version`: which loop and which engine this is. */
#include "cli/cli.h"
#include "loop/host.h"

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    if (cli_has(args, "--json"))
        printf("{\"loop\":\"%s\",\"engine\":\"%s\"}\n", loop_version(), loop_engine_version());
    else
        printf("loop %s (%s)\n", loop_version(), loop_engine_version());
    return NULL;
}

static const cli_group group_version = {
    "Output",
    (const cli_option[]){{"--json", NULL, "as one JSON object", NULL, NULL}, {0}},
};

const cli_command cli_version = {
    .name = "version",
    .synopsis = "[--json]",
    .summary = "show the version of loop and of its engine",
    .about = "Shows which loop this is, and which WebAssembly engine is in it.",
    .example = "loop version",
    .shows = "prints one line",
    .groups = (const cli_group *const[]){&group_version, NULL},
    .run = run,
};
