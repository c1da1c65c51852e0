/* cli/cmd_install.c: `loop install` and `loop update`: what loop.yaml asks for, into the cache. */
#include <stdlib.h>

#include "cli/packages.h"

#define NONE "nothing here asks for a package"

static loop_error *install(const cli_args *args, const loop_config *config, loop_packages *packages,
                           loop_package_list **ret)
{
    (void)config;
    return loop_packages_install(
        packages, cli_has(args, "--frozen") ? LOOP_INSTALL_FROZEN : LOOP_INSTALL_LOCKED,
        args->operands, ret);
}

static loop_error *run_install(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    return cli_packages_show(args, install, NONE);
}

/* A component's name stands for its package. */
static loop_error *update(const cli_args *args, const loop_config *config, loop_packages *packages,
                          loop_package_list **ret)
{
    char **names = cli_alloc((args->operand_count + 1) * sizeof *names);
    for (size_t i = 0; i < args->operand_count; i++) {
        const loop_component_config *row = loop_config_component(config, args->operands[i]);
        const char *wish = row && row->package ? row->package : args->operands[i];
        size_t n = 0;
        while (wish[n] && (wish[n] != '@' || wish == args->operands[i]))
            n++;
        names[i] = cli_format("%.*s", (int)n, wish);
    }
    loop_error *e =
        loop_packages_install(packages, LOOP_INSTALL_UPDATE, (const char *const *)names, ret);
    for (size_t i = 0; names[i]; i++)
        free(names[i]);
    free(names);
    return e;
}

static loop_error *run_update(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    return cli_packages_show(args, update, NONE);
}

static const cli_group group_install = {
    "Installing",
    (const cli_option[]){
        {"--frozen", NULL, "take loop.lock as it is, and fail where it is not enough", NULL, NULL},
        {"--json", NULL, "as JSON, for programs", NULL, NULL},
        {0},
    },
};

static const cli_group group_update = {
    "Updating",
    (const cli_option[]){
        {"--json", NULL, "as JSON, for programs", NULL, NULL},
        {0},
    },
};

const cli_command cli_install = {
    .name = "install",
    .synopsis = "[options] [PACKAGE[@RANGE] | FILE]...",
    .summary = "bring what loop.yaml asks for into the cache",
    .about =
        "Chooses a version of each package that a component of loop.yaml is from, and of what "
        "those need in turn, brings them into the cache, and writes loop.lock. What loop.lock has "
        "stays as it is where it is enough: then no registry is asked what there is, so that a "
        "workspace is the same on every machine. Keep loop.lock with the sources.\n\n"
        "PACKAGE, or the one in the archive FILE, is brought into the cache beside that, so that "
        "`loop run PACKAGE` finds it; without a loop.yaml nothing else is. RANGE is as in "
        "loop.yaml: '^1.2', '~1.2', "
        "'>=1.0, <2', '=1.2.0'.\n\n"
        "Where packages come from says `registries:`, in loop.yaml or in registries.yaml of your "
        "configuration (its keys stand at the top there): `registries: { default: near, known: { "
        "near: { folder: ../packages } } }`. In place of `folder`: `layout`, `http`, `oci`, or "
        "what "
        "serves loop:pkg/registry.\n\n"
        "With --frozen nothing is chosen: for machines that build what was checked in. With "
        "--offline no network is used. A package that is under 'overrides' in loop.yaml has a "
        "file of this machine in its place.\n\n"
        "When it is ended at any point, what has come stays, and loop.lock is the old one or the "
        "new one.",
    .example = "loop install --frozen",
    .shows = "brings exactly what loop.lock says, a line for each package",
    .not_yet = "signatures: a digest says that bytes are those of the lock, not whose they are",
    .groups =
        (const cli_group *const[]){&group_install, &cli_group_packages, &cli_group_config, NULL},
    .max_operands = SIZE_MAX,
    .run = run_install,
};

const cli_command cli_update = {
    .name = "update",
    .synopsis = "[options] [NAME]...",
    .summary = "choose the newest versions that loop.yaml allows",
    .about =
        "Asks the registries again and chooses the newest versions that the ranges in loop.yaml "
        "and the packages' own needs allow: of all packages, or only of those that are named, by "
        "the component of loop.yaml or by the package. Others change where they must.\n\n"
        "To go beyond a range, change it: `loop add acme:ui@^2`.",
    .example = "loop update ui",
    .shows = "chooses anew for the package of the component 'ui', and writes loop.lock",
    .operands = "<component>",
    .groups =
        (const cli_group *const[]){&group_update, &cli_group_packages, &cli_group_config, NULL},
    .max_operands = SIZE_MAX,
    .run = run_update,
};
