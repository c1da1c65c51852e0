/* cli/cmd_compose.c: `loop compose`: several components made into one. */
#include <stdlib.h>
#include <string.h>

#include "cli/target.h"
#include "loop/build.h"

static void put_pair(const char *before, const char *a, const char *between, const char *b)
{
    fputs(before, stdout);
    cli_put(stdout, a);
    fputs(between, stdout);
    cli_put(stdout, b);
}

static void put_row(void *data, const loop_compose_row *row)
{
    (void)data;
    switch (row->kind) {
    case LOOP_COMPOSE_PLUGGED:
        put_pair("plugged ", row->import, " of ", row->socket);
        if (strcmp(row->import, row->export_name) == 0)
            put_pair(" by ", row->plug, "", "");
        else
            put_pair(" by ", row->export_name, " of ", row->plug);
        break;
    case LOOP_COMPOSE_IMPORT: put_pair("imports ", row->import, "", ""); break;
    case LOOP_COMPOSE_EXPORT: put_pair("exports ", row->export_name, "", ""); break;
    }
    putchar('\n');
}

static const char *output(const cli_args *args)
{
    const char *file = cli_value(args, "-o");
    return file ? file : cli_value(args, "--output");
}

/* How often an option was given. */
static size_t times(const cli_args *args, const char *flag)
{
    size_t n = 0;
    while (cli_value_at(args, flag, n))
        n++;
    return n;
}

static bool is_wac(const char *operand)
{
    size_t n = strlen(operand);
    return n > 4 && strcmp(operand + n - 4, ".wac") == 0;
}

static loop_error *check(const cli_args *args, const char *operand)
{
    if (!operand)
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "compose what?"),
                                   "a component and what to plug into it: loop compose app.wasm "
                                   "--plug api.wasm -o whole.wasm");
    if (!output(args))
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "where does the result go?"),
                                   "-o whole.wasm");
    bool wac = is_wac(operand);
    if (times(args, wac ? "--plug" : "--dep"))
        return loop_error_hint_set(
            wac ? loop_error_new(LOOP_USAGE, "a .wac file takes --dep, not --plug")
                : loop_error_new(LOOP_USAGE, "--dep is for a .wac file; a component takes --plug"),
            "`loop compose --help` shows both");
    if (!wac && !times(args, "--plug"))
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "nothing to plug into '%s'", operand),
                                   "--plug FILE, once for each component");
    return NULL;
}

/* The parts as files: a plug may be a name in loop.yaml, and so may the file of a --dep. */
static loop_error *find_parts(const cli_args *args, const loop_config *config, bool wac,
                              const char **ret)
{
    const char *flag = wac ? "--dep" : "--plug", *text;
    for (size_t i = 0; (text = cli_value_at(args, flag, i)); i++) {
        const char *equals = wac ? strchr(text, '=') : NULL;
        char *path = NULL;
        const loop_component_config *row;
        if (wac && !equals)
            return loop_error_hint_set(
                loop_error_new(LOOP_USAGE, "--dep takes PACKAGE=COMPONENT, found '%s'", text),
                "such as --dep acme:weather=weather.wasm");
        loop_error *e = cli_component_find(config, equals ? equals + 1 : text, &path, &row);
        if (e)
            return e;
        ret[i] = cli_format("%.*s%s", equals ? (int)(equals + 1 - text) : 0, text, path);
        loop_free(path);
    }
    return NULL;
}

static loop_error *compose(const cli_args *args, const loop_config *config, const char *operand)
{
    bool wac = is_wac(operand);
    const char **parts = cli_alloc((times(args, wac ? "--dep" : "--plug") + 1) * sizeof *parts);
    const loop_component_config *row;
    char *socket = NULL;
    loop_error *e = find_parts(args, config, wac, parts);
    if (!e && !wac)
        e = cli_component_find(config, operand, &socket, &row);
    if (!e)
        e = loop_compose(&(loop_compose_options){.socket = socket,
                                                 .wac = wac ? operand : NULL,
                                                 .parts = parts,
                                                 .output = output(args),
                                                 .row = put_row});
    loop_free(socket);
    for (size_t i = 0; parts[i]; i++)
        free((char *)parts[i]);
    free(parts);
    return e;
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    loop_config *config;
    loop_error *e = check(args, args->operands[0]);
    if (!e)
        e = cli_config_load(args, &config);
    if (e)
        return e;
    e = compose(args, config, args->operands[0]);
    loop_config_delete(config);
    if (e)
        return e;
    fputs("wrote ", stdout);
    cli_put(stdout, output(args));
    putchar('\n');
    return NULL;
}

static const cli_group group_compose = {
    "Composing",
    (const cli_option[]){
        {"--plug", "COMPONENT", "put its exports into imports of the others", NULL, "<file>"},
        {"--dep", "PACKAGE=COMPONENT", "what a package of the .wac file is", NULL, "<file>"},
        {"-o", "FILE", "where the result goes", NULL, "<file>"},
        {0},
    },
};

/* The same in full. */
static const cli_group group_output = {
    NULL,
    (const cli_option[]){{"--output", "FILE", "where the result goes", NULL, "<file>"}, {0}},
};

const cli_command cli_compose = {
    .name = "compose",
    .synopsis = "[options] COMPONENT|FILE.wac",
    .summary = "make one component of several",
    .about =
        "COMPONENT --plug OTHER: puts what the others export into what COMPONENT imports, and into "
        "each other's imports. The result exports what COMPONENT does and imports what nobody "
        "served. What fits must have the imports' names and types; a plug that fits nothing is an "
        "error.\n\n"
        "FILE.wac --dep PACKAGE=COMPONENT: does what the file says, in the language of wac.\n\n"
        "A component is a file or a name in loop.yaml. The result is validated, and written in one "
        "step. What is composed is one component with one memory for each part, one identity and "
        "one set of grants; parts cannot be replaced any more. Where that matters, let a component "
        "serve an import in a slot instead: `bind: { INTERFACE: { component: NAME } }`. "
        "knowledge/components.md compares the two.",
    .example = "loop compose app.wasm --plug weather.wasm -o whole.wasm",
    .shows = "writes whole.wasm, in which weather.wasm serves app.wasm",
    .not_yet = "fetching the packages that a .wac file names",
    .operands = "<file>",
    .groups = (const cli_group *const[]){&group_compose, &group_output, &cli_group_config, NULL},
    .max_operands = 1,
    .run = run,
};
