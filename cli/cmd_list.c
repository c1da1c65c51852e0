/* cli/cmd_list.c: `loop list`: the packages that loop.lock has, a line each. */
#include "cli/packages.h"

static loop_error *list(const cli_args *args, const loop_config *config, loop_packages *packages,
                        loop_package_list **ret)
{
    (void)config;
    return loop_packages_list(packages, cli_has(args, "--newest"), ret);
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    return cli_packages_show(args, list, "no packages: `loop add acme:ui` adds one");
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
