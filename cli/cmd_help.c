/*
 * cli/cmd_help.c: `loop help`, and the --help of every command, made from the
 * rows. `loop help --man`, which the build uses, writes a man page instead.
 */
#include <string.h>

#include "cli/cli.h"
#include "loop/host.h"

#define COLUMN 27 /* where the help of an option starts */

static const cli_group group_always = {
    "Always",
    (const cli_option[]){{"--help, -h", NULL, "show this text", NULL, NULL}, {0}},
};

static void put_section(FILE *to, const char *title, const char *text)
{
    fprintf(to, "\n%s:\n", title);
    cli_put_wrapped(to, text, 2, 0);
}

static void put_group(FILE *to, const cli_group *group)
{
    if (!group->title)
        return;
    fprintf(to, "\n%s:\n", group->title);
    for (const cli_option *o = group->options; o->flag; o++) {
        int n = fprintf(to, "  %s%s%s", o->flag, o->argument ? " " : "",
                        o->argument ? o->argument : "");
        if (n >= COLUMN)
            fputc('\n', to);
        cli_put_wrapped(to, o->help, COLUMN, n >= COLUMN ? 0 : (size_t)n);
    }
}

void cli_put_help(FILE *to, const cli_command *c)
{
    fprintf(to, "loop %s: %s\n\nusage: loop %s %s\n\n", c->name, c->summary, c->name, c->synopsis);
    cli_put_wrapped(to, c->about, 0, 0);
    for (size_t g = 0; c->groups[g]; g++)
        put_group(to, c->groups[g]);
    put_group(to, &group_always);
    fprintf(to, "\nExample:\n  %s\n", c->example);
    cli_put_wrapped(to, c->shows, 4, 0);
    if (c->not_yet)
        put_section(to, "Not there yet", c->not_yet);
}

void cli_put_overview(FILE *to)
{
    const cli_command *c;
    fprintf(to,
            "loop %s: a host for software made of WebAssembly components\n\n"
            "usage: loop COMMAND [options]\n\nCommands:\n",
            loop_version());
    for (size_t i = 0; (c = cli_command_at(i)); i++)
        fprintf(to, "  %-12s %s\n", c->name, c->summary);
    fputs("\n`loop help COMMAND` explains one, with an example. `loop FOO` runs a program\n"
          "loop-FOO of PATH.\n\n"
          "Start with:\n"
          "  loop run hello.wasm        run a component; it may use nothing of this machine\n"
          "  loop inspect hello.wasm    see what it is and what it asks for\n",
          to);
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    const char *name = args->operands[0];
    const cli_command *c = name ? cli_command_find(name) : NULL;
    if (name && !c)
        return cli_command_unknown(name);
    if (cli_has(args, "--man"))
        cli_put_man(stdout, c);
    else if (c)
        cli_put_help(stdout, c);
    else
        cli_put_overview(stdout);
    return NULL;
}

static const cli_group group_help = {
    NULL, /* for the build */
    (const cli_option[]){{"--man", NULL, "write a man page (troff)", NULL, NULL}, {0}},
};

const cli_command cli_help = {
    .name = "help",
    .synopsis = "[COMMAND]",
    .summary = "list the commands, or explain one",
    .about =
        "Lists the commands of loop, or explains one: what it does, its options, an example, and "
        "what is not there yet.",
    .example = "loop help run",
    .shows = "explains `loop run`",
    .operands = "<command>",
    .groups = (const cli_group *const[]){&group_help, NULL},
    .max_operands = 1,
    .run = run,
};
