/* cli/cmd_list.c: `loop list`: the packages that loop.lock has, a line each. */
#include "cli/packages.h"

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    loop_config *config;
    loop_package_list *list = NULL;
    loop_error *e = cli_config_load(args, &config);
    if (e)
        return e;
    cli_packages x;
    e = cli_packages_open(args, config, &x);
    if (!e)
        e = loop_packages_list(x.packages, cli_has(args, "--newest"), &list);
    cli_packages_close(&x);
    if (!e && cli_has(args, "--json"))
        cli_put_packages_json(list);
    else if (!e && !loop_package_list_at(list, 0))
        puts("no packages: `loop add acme:ui` adds one");
    else if (!e)
        cli_put_packages(list);
    loop_package_list_delete(list);
    loop_config_delete(config);
    return e;
}

static const cli_group group_list = {
    "Output",
    (const cli_option[]){
        {"--newest", NULL, "ask the registries for the newest version of each", NULL, NULL},
        {"--json", NULL, "as JSON, for programs", NULL, NULL},
        {0},
    },
};

const cli_command cli_list = {
    .name = "list",
    .synopsis = "[--newest] [--json]",
    .summary = "list the packages of this workspace",
    .about =
        "Lists what loop.lock has: name, version, the registry that it is from, and what there "
        "is to know: that it is not in the cache, or that a local file is in its place. With "
        "--newest the registries are asked whether there is a newer version, and whether this "
        "one was taken back.",
    .example = "loop list --newest",
    .shows = "prints a line for each package, with `, there is 1.3.0` where it is old",
    .groups = (const cli_group *const[]){&group_list, &cli_group_packages, &cli_group_config, NULL},
    .run = run,
};
