/*
 * cli/cmd_swap.c: `loop swap`: puts another provider, or another component, in the place of one
 * that is used, and reports.
 *
 * What is named here is compiled here and given to the host by absolute paths: it may run in
 * another folder.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/hosts.h"
#include "cli/links.h"
#include "cli/target.h"

static loop_error *usage(const char *why)
{
    return loop_error_hint_set(loop_error_new(LOOP_USAGE, "%s", why),
                               "loop swap INSTANCE INTERFACE=PROVIDER, or loop swap "
                               "INSTANCE=COMPONENT");
}

static loop_error *carry_out(const cli_args *args, loop_wish *wish)
{
    cli_hosts h;
    const cli_host *host;
    loop_error *e = cli_hosts_open(args, &h);
    if (e)
        return e;
    e = cli_hosts_find(&h, wish->instance, &host);
    if (!e && wish->component)
        e = cli_compile(wish->component);
    if (!e)
        e = cli_carry_out(host, wish);
    cli_hosts_close(&h);
    return e;
}

static loop_error *swap_provider(const cli_args *args, loop_wish *wish)
{
    cli_links links;
    loop_error *e = cli_links_parse(args->operands[1], &links);
    if (e)
        return e;
    wish->instance = args->operands[0];
    wish->interface_name = links.interface_name;
    wish->links = links.links;
    wish->count = links.count;
    wish->directory = links.directory;
    e = carry_out(args, wish);
    cli_links_done(&links);
    return e;
}

/* The file of a path or of a name in loop.yaml, absolute; for free(). */
static loop_error *find_component(const cli_args *args, const char *name, char **ret)
{
    loop_config *config;
    const loop_component_config *row;
    char *path = NULL;
    loop_error *e = cli_config_load(args, &config);
    if (e)
        return e;
    e = cli_component_find(config, name, &path, &row);
    if (!e) {
        *ret = realpath(path, NULL);
        if (!*ret)
            e = loop_error_new(LOOP_NOT_FOUND, "there is no file '%s'", path);
    }
    loop_free(path);
    loop_config_delete(config);
    return e;
}

static loop_error *swap_component(const cli_args *args, loop_wish *wish)
{
    const char *text = args->operands[0], *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1])
        return usage("what shall be swapped for what?");
    if (cli_has(args, "--carry") || cli_has(args, "--drain"))
        return loop_error_new(LOOP_USAGE, "--carry and --drain are for providers: a component's "
                                          "state is what its loop:core/reload gives");
    char *instance = cli_format("%.*s", (int)(equals - text), text), *path = NULL;
    loop_error *e = find_component(args, equals + 1, &path);
    wish->instance = instance;
    wish->component = path;
    if (!e)
        e = carry_out(args, wish);
    free(instance);
    free(path);
    return e;
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    loop_wish wish;
    loop_error *e = cli_wish(args, &wish);
    if (e)
        return e;
    if (!args->operand_count)
        return usage("what shall be swapped?");
    return args->operand_count == 2 ? swap_provider(args, &wish) : swap_component(args, &wish);
}

static const cli_group group_config = {
    "Configuration",
    (const cli_option[]){
        {"--config", "FILE", "find COMPONENT in this loop.yaml, not the nearest one", NULL,
         "<file>"},
        {0},
    },
};

const cli_command cli_swap = {
    .name = "swap",
    .synopsis = "[options] INSTANCE INTERFACE=PROVIDER[,...] | INSTANCE=COMPONENT",
    .summary = "put another provider or component in the place of one that is used",
    .about =
        "Swaps who serves an interface to a running instance, or the component of one. Calls that "
        "come meanwhile wait; none is lost or made twice. State and handles go over to the new "
        "one. Whatever goes wrong, the old one serves on.\n\n"
        "INSTANCE is a name or a number of `loop ps` (notes, #3). PROVIDER is a name, "
        "component:NAME (of the loop.yaml that the host was started with), library:PATH or "
        "sidecar:COMMAND; options follow it, and more providers make a chain, the first is asked "
        "first: redact,sqlite,file=notes.db. Other instances with the same provider "
        "get the new one, too. A path in an option starts where the host's do.\n\n"
        "COMPONENT is a file or a name in loop.yaml. A component that does not export "
        "loop:core/reload would start again from nothing: at a terminal you are asked, otherwise "
        "--restart says so.",
    .example = "loop swap notes loop:storage/store=sqlite,file=notes.db",
    .shows = "keeps the notes in a file from now on, while notes runs",
    .not_yet = "commas in a path, a command or an option's value",
    .groups = (const cli_group *const[]){&cli_group_swap, &cli_group_carry, &cli_group_host,
                                         &group_config, NULL},
    .max_operands = 2,
    .run = run,
};
