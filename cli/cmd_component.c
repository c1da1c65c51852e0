/*
 * cli/cmd_component.c: `loop component new`: a project with a component of its own.
 *
 * Languages and worlds are what templates/ has: component-LANG/WORLD. A project is four layers:
 * what all have, the world's (WIT, tests), the language's, the language's for that world.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/new.h"

static const char *const titles[][2] = {
    {"command", "loop build\nloop run -- Ada\nloop test"},
    {"http-command", "loop build\nloop run\nloop test"},
    {"storage-command", "loop build\nloop run -- Ada\nloop test"},
    {"app", "loop build\nloop run\nloop test"},
};

/* What to type next, of a component of some world. */
static const char *next_of(const char *world)
{
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (strcmp(titles[i][0], world) == 0)
            return titles[i][1];
    return "loop build\nloop run --invoke 'api.greet(\"Ada\")'\nloop test";
}

static loop_error *make(cli_new *n, char **languages, char ***ret_worlds)
{
    const char *language, *world;
    loop_error *e = cli_new_choose(n, "--lang", languages, NULL, &language);
    if (e)
        return e;
    char *folder = cli_format("%s/component-%s", n->templates, language);
    *ret_worlds = cli_list_folders(folder, "world-");
    free(folder);
    e = cli_new_choose(n, "--world", *ret_worlds, "command", &world);
    if (!e)
        e = cli_new_layer(n, "all");
    if (!e)
        e = cli_new_layer(n, "component/world-%s", world);
    if (!e)
        e = cli_new_layer(n, "component-%s/all", language);
    if (!e)
        e = cli_new_layer(n, "component-%s/world-%s", language, world);
    return e ? e : cli_new_finish(n, next_of(world));
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    cli_new n;
    loop_error *e = cli_new_begin(args, "component", &n);
    if (e)
        return e;
    char **languages = cli_list_folders(n.templates, "component-"), **worlds = NULL;
    e = make(&n, languages, &worlds);
    cli_list_delete(languages);
    cli_list_delete(worlds);
    cli_new_done(&n);
    return e;
}

static const cli_group group_component = {
    "What it is",
    (const cli_option[]){
        {"--lang", "LANG", "the language: c, js, python or rust", NULL, "c|js|python|rust"},
        {"--world", "WORLD", "what it is for (command)", NULL,
         "command|library|app|http-command|storage-command"},
        {0},
    },
};

const cli_command cli_component = {
    .name = "component",
    .synopsis = "new [NAME] --lang LANG [--world WORLD] [--dir FOLDER]",
    .summary = "make a new component: a project that builds and runs",
    .about =
        "Makes a folder with a component that works: its source, its world in WIT, loop.yaml, a "
        "test, a README, what editors need. It builds with `loop build` and the language's own "
        "tools; everything else it needs of loop is in it, to be kept and changed. On a terminal, "
        "what was not given is asked for, and what will be written is shown first.\n\n"
        "NAME is the component's: words in lower case with dashes between them, such as "
        "night-light; acme:night-light also says the namespace of its package, which is "
        "`example` else. Nothing is written over: the folder (NAME, or --dir) must not be there, "
        "or be empty, and it appears only when it is complete.\n\n"
        "A WORLD says what a component imports and exports: `command` runs once, with arguments "
        "and an exit status; `http-command` may also send HTTP requests, `storage-command` keep "
        "keys and values; `library` exports functions of an interface of its own; `app` lives "
        "longer and is called when something happens.",
    .example = "loop component new night-light --lang rust",
    .shows = "makes night-light/, a command in Rust",
    .operands = "new",
    .groups = (const cli_group *const[]){&group_component, &cli_group_new, NULL},
    .max_operands = 2,
    .run = run,
};
