/* cli/cmd_push.c: `loop push`: publishing a package, and taking a version back. */
#include "cli/packages.h"

static void put_published(const loop_package *p)
{
    fputs("published ", stdout);
    cli_put(stdout, p->name);
    putchar(' ');
    cli_put(stdout, p->version);
    fputs(" at '", stdout);
    cli_put(stdout, p->registry);
    fputs("'\n", stdout);
    cli_put(stdout, p->digest);
    putchar('\n');
}

/* The version that is taken back, or is not any more; NULL: a package is published. */
static const char *yanked(const cli_args *args)
{
    const char *yank = cli_value(args, "--yank");
    return yank ? yank : cli_value(args, "--unyank");
}

static loop_error *push(const cli_args *args, const loop_config *config, loop_packages *packages,
                        loop_package_list **ret)
{
    (void)config;
    const char *to = cli_value(args, "--to"), *version = yanked(args);
    return version ? loop_packages_yank(packages, version, to, cli_value(args, "--reason"))
                   : loop_packages_push(packages, args->operands[0], to, ret);
}

static loop_error *check(const cli_args *args)
{
    bool yank = cli_has(args, "--yank"), unyank = cli_has(args, "--unyank");
    if (yank && unyank)
        return loop_error_new(LOOP_USAGE, "--yank or --unyank, not both");
    if (yank && !cli_has(args, "--reason"))
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "--yank takes a reason"),
                                   "write --reason 'loses data, see 1.2.1'");
    if (!yank && cli_has(args, "--reason"))
        return loop_error_new(LOOP_USAGE, "--reason belongs to --yank");
    if (yank || unyank)
        return args->operand_count
                   ? loop_error_new(LOOP_USAGE, "a version is taken back without a file")
                   : NULL;
    if (!args->operand_count)
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "which package?"),
                                   "loop push FILE, with what `loop pack` made");
    return NULL;
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    loop_package_list *list = NULL;
    loop_error *e = check(args);
    if (!e)
        e = cli_packages_run(args, push, &list);
    if (!e && list) {
        put_published(loop_package_list_at(list, 0));
    } else if (!e) {
        cli_put(stdout, yanked(args));
        puts(cli_has(args, "--yank") ? " is taken back: it is not chosen any more"
                                     : " may be chosen again");
    }
    loop_package_list_delete(list);
    return e;
}

static const cli_group group_push = {
    "Publishing",
    (const cli_option[]){
        {"--to", "REGISTRY", "where to, instead of the registry of its name", NULL, "<dir>"},
        {"--yank", "NAME@VERSION", "take a version back: it is not chosen any more", NULL, NULL},
        {"--unyank", "NAME@VERSION", "let it be chosen again", NULL, NULL},
        {"--reason", "TEXT", "why it is taken back, for those who have it", NULL, NULL},
        {0},
    },
};

const cli_command cli_push = {
    .name = "push",
    .synopsis = "[options] [FILE]",
    .summary = "publish a package at a registry",
    .about =
        "Publishes FILE, an archive or a layout that `loop pack` made, under the name and the "
        "version that are in it. Where to is what `registries:` in loop.yaml or in registries.yaml "
        "of your configuration says of the name, or REGISTRY: a name of `registries:`, or a place: "
        "./FOLDER (archives), layout:./FOLDER (an OCI image layout, which a web server can serve "
        "as "
        "it is), oci://HOST:PORT/PREFIX.\n\n"
        "A version never changes: publishing the same bytes again is fine, other bytes are "
        "refused. "
        "What turns out to be wrong is taken back with --yank: nobody's next choice falls on it, "
        "while those whose loop.lock has it go on.\n\n"
        "Users and passwords are in registries.yaml of your configuration (only you may read it), "
        "or what `docker login` kept in config.json; none is sent before the registry asks for it.",
    .example = "loop push build/acme-notes-0.1.0.tar --to oci://localhost:5000",
    .shows = "publishes the package at a registry of this machine and prints its digest",
    .not_yet = "docker's credential helpers",
    .operands = "<file>",
    .groups = (const cli_group *const[]){&group_push, &cli_group_packages, &cli_group_config, NULL},
    .max_operands = 1,
    .run = run,
};
