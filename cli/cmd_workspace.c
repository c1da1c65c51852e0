/* cli/cmd_workspace.c: `loop workspace new`: a folder for components, with a loop.yaml to fill in.
 */
#include "cli/new.h"

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    cli_new n;
    loop_error *e = cli_new_begin(args, "workspace", &n);
    if (e)
        return e;
    e = cli_new_layer(&n, "all");
    if (!e)
        e = cli_new_layer(&n, "workspace");
    if (!e)
        e = cli_new_finish(&n, "loop component new hello --lang c\nloop config\nloop doctor");
    cli_new_done(&n);
    return e;
}

const cli_command cli_workspace = {
    .name = "workspace",
    .synopsis = "new [NAME] [--dir FOLDER] [--yes]",
    .summary = "make a new workspace: a folder for components",
    .about =
        "Makes a folder with a loop.yaml that has nothing in it yet, and says what may stand "
        "there: components, what each is granted, its limits, who serves what they import; with a "
        "profile of its own and a README.\n\n"
        "NAME is words in lower case with dashes between them. Nothing is written over: the folder "
        "(NAME, or --dir) must not be there, or be empty, and it appears only when it is complete.",
    .example = "loop workspace new home-lab",
    .shows = "makes home-lab/",
    .operands = "new",
    .groups = (const cli_group *const[]){&cli_group_new, NULL},
    .max_operands = 2,
    .run = run,
};
