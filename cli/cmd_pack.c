/*
 * cli/cmd_pack.c: `loop pack`: makes a package of a workspace's component; with --check, looks
 * whether a file or a folder is one.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/target.h"
#include "loop/package.h"

static void put_row(const char *key, const char *value)
{
    if (!*value)
        return;
    printf("  %-12s ", key);
    cli_put(stdout, value);
    putchar('\n');
}

static void put_package(const char *what, const loop_package *p)
{
    printf("%s ", what);
    cli_put(stdout, *p->name ? p->name : "a package without a name");
    putchar(*p->version ? ' ' : '\n');
    if (*p->version) {
        cli_put(stdout, p->version);
        putchar('\n');
    }
    put_row("in", p->path);
    put_row("digest", p->digest);
    put_row("component", p->content);
    printf("  %-12s %llu\n", "bytes", (unsigned long long)p->size);
    put_row("description", p->description);
    put_row("license", p->license);
    put_row("source", p->source);
    for (size_t i = 0; p->required[i]; i += 2) {
        char *needs = cli_format("%s %s", p->required[i], p->required[i + 1]);
        put_row("requires", needs);
        free(needs);
    }
}

static void put_json(const loop_package *p)
{
    const struct {
        const char *key, *value;
    } texts[] = {{"name", p->name},         {"version", p->version},
                 {"path", p->path},         {"digest", p->digest},
                 {"component", p->content}, {"description", p->description},
                 {"license", p->license},   {"source", p->source}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        printf("%c\"%s\":", i ? ',' : '{', texts[i].key);
        cli_put_json(stdout, texts[i].value);
    }
    printf(",\"bytes\":%llu,\"requires\":{", (unsigned long long)p->size);
    for (size_t i = 0; p->required[i]; i += 2) {
        fputs(i ? "," : "", stdout);
        cli_put_json(stdout, p->required[i]);
        putchar(':');
        cli_put_json(stdout, p->required[i + 1]);
    }
    puts("}}");
}

static loop_error *work(const cli_args *args, loop_packages *packages, loop_package_list **ret)
{
    if (cli_has(args, "--check"))
        return loop_packages_look(packages, cli_value(args, "--check"), ret);
    return loop_packages_pack(packages,
                              &(loop_pack_options){.output = cli_value(args, "--output"),
                                                   .layout = cli_has(args, "--layout")},
                              ret);
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    loop_config *config = NULL;
    loop_packages *packages = NULL;
    loop_package_list *list = NULL;
    bool check = cli_has(args, "--check");
    if (check && (cli_has(args, "--output") || cli_has(args, "--layout")))
        return loop_error_new(LOOP_USAGE,
                              "'--check' writes nothing: neither --output nor --layout");
    loop_error *e = check ? NULL : cli_config_load(args, &config);
    if (!e)
        e = loop_packages_open(&(loop_packages_options){.config = config}, &packages);
    if (!e)
        e = work(args, packages, &list);
    if (!e && cli_has(args, "--json"))
        put_json(loop_package_list_at(list, 0));
    else if (!e)
        put_package(check ? "checked" : "packed", loop_package_list_at(list, 0));
    loop_package_list_delete(list);
    loop_packages_delete(packages);
    loop_config_delete(config);
    return e;
}

static const cli_group group_pack = {
    "Package",
    (const cli_option[]){
        {"--output", "FILE",
         "where it goes; else build/NAMESPACE-NAME-VERSION.tar of the workspace", NULL, "<file>"},
        {"--layout", NULL, "an OCI image layout, a folder, in place of an archive", NULL, NULL},
        {"--check", "FILE", "pack nothing: read an archive or a layout, and check all of it", NULL,
         "<file>"},
        {"--json", NULL, "print one JSON object", NULL, NULL},
        {0}},
};

const cli_command cli_pack = {
    .name = "pack",
    .synopsis = "[options]",
    .summary = "make a package of a component",
    .about =
        "A package is a component with a name and a version, and what `package:` of loop.yaml says "
        "of it: an OCI image layout in a tar archive, as registries and other tools of the "
        "component world hold components. `loop push` publishes it, `loop install` takes it.\n\n"
        "The same source gives the same bytes: nothing of the machine, the user or the time gets "
        "in (SOURCE_DATE_EPOCH is what `created` says, where it is set). Nothing is built: `loop "
        "build` comes first.\n\n"
        "--check reads a package that came from elsewhere as an installation would: what does not "
        "belong into one is refused by its name, and every byte is compared with its digest.",
    .example = "loop pack --output notes.tar",
    .shows = "packs the component that `package:` names into notes.tar",
    .groups = (const cli_group *const[]){&group_pack, &cli_group_config, NULL},
    .max_operands = 0,
    .run = run,
};
