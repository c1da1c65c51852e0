/*
 * cli/cmd_grants.c: `loop grants suggest`: the smallest grants that a component needs, from a run
 * that is observed or from an audit log.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/decided.h"

/* From a file that --audit wrote. */
static loop_error *suggest_from(const char *path, const char *component)
{
    loop_audit *a = NULL;
    loop_error *e = loop_audit_read(path, &a);
    if (e)
        return e;
    char *text = loop_audit_suggest(a, component);
    fputs(text, stdout);
    loop_free(text);
    return loop_audit_close(a);
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    const char *from = cli_value(args, "--from");
    if (!args->operand_count || !args->before_dashes || strcmp(args->operands[0], "suggest") != 0)
        return loop_error_hint_set(
            loop_error_new(LOOP_USAGE, "'loop grants' does nothing by itself"),
            "loop grants suggest [options] [COMPONENT] [-- args]");
    cli_args rest = *args; /* without the word */
    rest.operands++;
    rest.operand_count--;
    rest.before_dashes--;
    if (!from)
        return cli_run_component(&rest, true);
    if (rest.operand_count > 1)
        return loop_error_new(LOOP_USAGE, "--from takes one component at most, by its name in "
                                          "the log");
    return suggest_from(from, rest.operand_count ? rest.operands[0] : NULL);
}

static const cli_group group_grants = {
    "Where from",
    (const cli_option[]){
        {"--from", "FILE", "from what `loop run --audit FILE` wrote; nothing is run", NULL,
         "<file>"},
        {"--invoke", "'IFACE.FUNC(ARGS)'", "call one export instead, with arguments in WAVE", NULL,
         NULL},
        {"--quiet", NULL, "no progress line on the terminal", NULL, NULL},
        {"--audit", "FILE", "write every decision to this file as well", "audit", "<file>"},
        {0},
    },
};

const cli_command cli_grants = {
    .name = "grants",
    .synopsis = "suggest [options] [COMPONENT] [-- args]",
    .summary = "find the smallest grants that a component needs",
    .about =
        "Runs a component as `loop run --observe` does, which lets through what nothing grants, "
        "and prints the smallest `grants:` for loop.yaml that this run took: exact names, hosts "
        "and ports, never a wildcard. What the component prints goes to stderr. Run it so that it "
        "does all that it is for, and read what comes out: a grant is a decision of yours.\n\n"
        "What denials deny stays denied. Directories, variables and processes are never let "
        "through: what "
        "it wanted of those is told in comments. A component of a workspace that is not trusted "
        "is not observed.",
    .example = "loop grants suggest notes.wasm -- sync",
    .shows = "runs notes.wasm with the argument `sync` and prints what it used",
    .operands = "suggest",
    .groups = (const cli_group *const[]){&group_grants, &cli_group_grants, &cli_group_limits,
                                         &cli_group_imports, &cli_group_config, NULL},
    .max_operands = SIZE_MAX,
    .run = run,
};
