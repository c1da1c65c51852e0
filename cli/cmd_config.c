/* cli/cmd_config.c: `loop config`: the configuration that holds here, and its origins. */
#include <string.h>

#include "cli/target.h"

static loop_error *show(const loop_config *config, bool json)
{
    char *text = loop_config_format(config, json); /* makes foreign text harmless itself */
    fputs(text, stdout);
    loop_free(text);
    return NULL;
}

static loop_error *path(const loop_config *config, bool json)
{
    const char *file = loop_config_file(config);
    if (!file)
        return loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "there is no loop.yaml in this folder or above it"),
            "a workspace is a folder with a loop.yaml; --config names one elsewhere");
    if (json)
        cli_put_json(stdout, file);
    else
        cli_put(stdout, file);
    putchar('\n');
    return NULL;
}

/* Loads the workspace once with each of the two profiles. */
static loop_error *diff(const cli_args *args, bool json)
{
    const char *a = args->operand_count > 1 ? args->operands[1] : NULL;
    const char *b = args->operand_count > 2 ? args->operands[2] : NULL;
    if (!b || cli_has(args, "--profile"))
        return loop_error_hint_set(
            loop_error_new(LOOP_USAGE, "'loop config diff' takes two profiles"),
            "such as `loop config diff dev prod`");
    loop_config *x, *y;
    loop_error *e = cli_config_load_profile(args, a, &x);
    if (e)
        return e;
    e = cli_config_load_profile(args, b, &y);
    if (!e) {
        char *text = loop_config_diff(x, y, json); /* makes foreign text harmless itself */
        fputs(text, stdout);
        loop_free(text);
        loop_config_delete(y);
    }
    loop_config_delete(x);
    return e;
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    const char *what = args->operands[0] ? args->operands[0] : "show";
    bool json = cli_has(args, "--json");
    if (strcmp(what, "schema") == 0) { /* works beside a broken loop.yaml */
        char *schema = loop_config_schema();
        fputs(schema, stdout);
        loop_free(schema);
        return NULL;
    }
    if (strcmp(what, "diff") == 0)
        return diff(args, json);
    if (args->operand_count > 1)
        return loop_error_new(LOOP_USAGE, "'loop config %s' takes nothing more, found '%s'", what,
                              args->operands[1]);
    if (strcmp(what, "show") != 0 && strcmp(what, "path") != 0)
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "'loop config' cannot '%s'", what),
                                   "it can show, diff, schema or path");
    loop_config *config;
    loop_error *e = cli_config_load(args, &config);
    if (e)
        return e;
    e = strcmp(what, "show") == 0 ? show(config, json) : path(config, json);
    loop_config_delete(config);
    return e;
}

static const cli_group group_config = {
    "Output",
    (const cli_option[]){{"--json", NULL, "as JSON (the schema always is)", NULL, NULL}, {0}},
};

const cli_command cli_config = {
    .name = "config",
    .synopsis = "[options] [show|diff A B|schema|path]",
    .summary = "show the configuration and where each value comes from",
    .about =
        "show: every option, class, component and binding that holds here, each with the file, "
        "line and column, the variable or the option that set it. This is what runs without a "
        "word.\n"
        "diff A B: what would hold otherwise with the profile B than with A.\n"
        "schema: the JSON schema of loop.yaml, for editors.\n"
        "path: the loop.yaml that is used.\n\n"
        "The later of these wins: defaults, the profile's file, loop.yaml, environment "
        "variables, options. Grants add up instead, and the environment never adds one. Values "
        "that may be secrets are not shown.",
    .example = "loop config diff dev prod",
    .shows = "shows what changes from the profile `dev` to `prod`",
    .not_yet = "changing a value from the command line: loop.yaml is edited by hand",
    .operands = "show|diff|schema|path",
    .groups = (const cli_group *const[]){&group_config, &cli_group_config, NULL},
    .max_operands = 3,
    .run = run,
};
