/*
 * cli/cmd_host.c: `loop host new`: a program of one's own around libloop, with a provider, a
 * profile and a name of its own.
 */
#include <stdlib.h>

#include "cli/new.h"

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    cli_new n;
    loop_error *e = cli_new_begin(args, "host", &n);
    if (e)
        return e;
    e = cli_new_layer(&n, "all");
    if (!e)
        e = cli_new_layer(&n, "host");
    char *next = cli_format("make\nmake test\nbuild/bin/%s --help", n.name.name);
    if (!e)
        e = cli_new_finish(&n, next);
    free(next);
    cli_new_done(&n);
    return e;
}

const cli_command cli_host_command = {
    .name = "host",
    .synopsis = "new [NAME] [--dir FOLDER] [--yes]",
    .summary = "make a new host: a program of your own around libloop",
    .about =
        "Makes a folder with a program in C that runs components, under a name of its own: a "
        "main.c on loop's public API, a provider of an interface of yours, a profile, a component "
        "to run, a test, a README. It is built against the loop that pkg-config finds.\n\n"
        "Write a host where `loop` with a provider (`loop provider new`) is not enough: to put "
        "components into a program that is there, to decide yourself what they may do, to ship "
        "one program.\n\n"
        "NAME is the program's: words in lower case with dashes between them; acme:night-light "
        "also says the namespace of its package of WIT, which is `example` else. Nothing is "
        "written over: the folder (NAME, or --dir) must not be there, or be empty, and it "
        "appears only when it is complete.",
    .example = "loop host new night-light",
    .shows = "makes night-light/, a program that runs components",
    .operands = "new",
    .groups = (const cli_group *const[]){&cli_group_new, NULL},
    .max_operands = 2,
    .run = run,
};
