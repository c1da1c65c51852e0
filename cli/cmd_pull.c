/* cli/cmd_pull.c: `loop pull`: one version of a package into a file. */
#include "cli/packages.h"

static void put_pulled(const loop_package *p)
{
    cli_put(stdout, p->name);
    putchar(' ');
    cli_put(stdout, p->version);
    fputs(" from '", stdout);
    cli_put(stdout, p->registry);
    fputs("': ", stdout);
    cli_put(stdout, p->path);
    putchar('\n');
    if (p->yanked) {
        fputs("it was taken back: ", stdout);
        cli_put(stdout, p->yanked);
        putchar('\n');
    }
}

static loop_error *pull(const cli_args *args, const loop_config *config, loop_packages *packages,
                        loop_package_list **ret)
{
    (void)config;
    const loop_pack_options to = {cli_value(args, "--output"), cli_has(args, "--layout")};
    return loop_packages_pull(packages, args->operands[0], cli_value(args, "--from"), &to, ret);
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    if (!args->operand_count)
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "which package?"),
                                   "loop pull NAME@VERSION");
    loop_package_list *list;
    loop_error *e = cli_packages_run(args, pull, &list);
    if (!e)
        put_pulled(loop_package_list_at(list, 0));
    loop_package_list_delete(list);
    return e;
}

static const cli_group group_pull = {
    "Fetching",
    (const cli_option[]){
        {"--from", "REGISTRY", "where from, instead of the registry of its name", NULL, "<dir>"},
        {"--output", "FILE", "what to write; FILE.wasm: the component alone", NULL, "<file>"},
        {"--layout", NULL, "an OCI image layout, a folder, instead of an archive", NULL, NULL},
        {0},
    },
};

const cli_command cli_pull = {
    .name = "pull",
    .synopsis = "[options] NAME@VERSION",
    .summary = "fetch one version of a package into a file",
    .about =
        "Fetches a package out of a registry, checks it, and writes an archive as `loop pack` "
        "makes "
        "them: NAME-VERSION.tar in the current folder. Whole versions mean just that one "
        "(acme:ui@1.2.0), others the newest that fits (acme:ui@^1.2, acme:ui). Nothing that is "
        "there is written over. REGISTRY is as for `loop push`.\n\n"
        "To use a package in a workspace, `loop add` it; this command is for looking into one, and "
        "for carrying it elsewhere.\n\n"
        "A transfer that is cut goes on where it was, with the next try or the next run.",
    .example = "loop pull acme:ui@1.2.0 --output ui.wasm",
    .shows = "writes the component of that version to ui.wasm",
    .groups = (const cli_group *const[]){&group_pull, &cli_group_packages, &cli_group_config, NULL},
    .max_operands = 1,
    .run = run,
};
