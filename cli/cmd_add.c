/* cli/cmd_add.c: `loop add` and `loop remove`: a component from a package in loop.yaml. */
#include "cli/packages.h"

static loop_error *check(const cli_args *args)
{
    return args->operands[0]
               ? NULL
               : loop_error_hint_set(loop_error_new(LOOP_USAGE, "which one? none is named"),
                                     "usage: loop %s %s", args->command->name,
                                     args->command->synopsis);
}

static loop_error *add(const cli_args *args, const loop_config *config, loop_packages *packages,
                       loop_package_list **ret)
{
    (void)config;
    return loop_packages_add(packages, args->operands[0], cli_value(args, "--as"), ret);
}

static loop_error *run_add(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    loop_error *e = check(args);
    return e ? e : cli_packages_show(args, add, "");
}

static loop_error *take_out(const cli_args *args, const loop_config *config,
                            loop_packages *packages, loop_package_list **ret)
{
    (void)config, (void)ret;
    return loop_packages_remove(packages, args->operands[0]);
}

static loop_error *run_remove(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    loop_package_list *none;
    loop_error *e = check(args);
    return e ? e : cli_packages_run(args, take_out, &none);
}

static const cli_group group_add = {
    "Adding",
    (const cli_option[]){
        {"--as", "NAME", "the component's name in loop.yaml (the package's)", NULL, NULL},
        {0},
    },
};

const cli_command cli_add = {
    .name = "add",
    .synopsis = "[options] PACKAGE[@RANGE]",
    .summary = "add a component from a package to loop.yaml",
    .about =
        "Adds a component to loop.yaml, brings its package and what that needs into the cache, and "
        "writes loop.lock. Without RANGE the newest version is chosen, and loop.yaml asks for "
        "'^' and that version. A component that is from the same package already gets the new "
        "range.\n\n"
        "Nothing else in loop.yaml changes, comments included; where that cannot be done, loop "
        "says which lines to write. A loop.yaml that you have trusted stays trusted, since what it "
        "asks for beyond components is the same.",
    .example = "loop add acme:ui@^1.2",
    .shows = "adds a component 'ui' from acme:ui, and prints the versions that were chosen",
    .groups = (const cli_group *const[]){&group_add, &cli_group_packages, &cli_group_config, NULL},
    .max_operands = 1,
    .run = run_add,
};

const cli_command cli_remove = {
    .name = "remove",
    .synopsis = "[options] COMPONENT",
    .summary = "take a component from a package out of loop.yaml",
    .about = "Takes a component that is from a package out of loop.yaml, its lines alone, and what "
             "nobody asks for any more out of loop.lock. The cache keeps what it has: `loop cache "
             "clean` looks after that.",
    .example = "loop remove ui",
    .shows = "takes the component 'ui' out of loop.yaml",
    .operands = "<component>",
    .groups = (const cli_group *const[]){&cli_group_packages, &cli_group_config, NULL},
    .max_operands = 1,
    .run = run_remove,
};
