/*
 * cli/man.c: man pages in troff, made from the rows of the commands. The pages
 * in man/ are written by `loop help --man [COMMAND]` and are not edited.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "loop/config.h"
#include "loop/host.h"

/* One meaning each; the numbers are those of loop/error.h. */
static const struct {
    int first, last;
    const char *text;
} statuses[] = {
    {0, 63, "the component's own status, unchanged; 0 of any other command: it worked"},
    {LOOP_USAGE, 0, "the command line is wrong"},
    {LOOP_INVALID, 0, "the input is not a component, or is damaged"},
    {LOOP_NOT_FOUND, 0, "no such file, component, export or provider"},
    {LOOP_MISSING, 0, "an import that nobody serves"},
    {68, 0, "not used"},
    {LOOP_UNAVAILABLE, 0, "what serves an import does not work here or now"},
    {LOOP_INTERNAL, 0, "a defect of loop itself; please report it"},
    {LOOP_SYSTEM, 0, "the operating system refused: memory, threads"},
    {LOOP_TRAP, 0, "the component trapped"},
    {LOOP_TIMEOUT, 0, "a deadline passed"},
    {LOOP_IO, 0, "reading or writing failed"},
    {LOOP_CANCELLED, 0, "Ctrl-C, or another request to stop"},
    {LOOP_LIMIT, 0, "a named limit was reached"},
    {LOOP_DENIED, 0, "not granted"},
    {LOOP_CONFIG, 0, "loop.yaml, a profile or the environment is wrong"},
    {79, 0, "not used"},
};

/* Variables beside those of the options (loop_option_at). */
static const char *const variables[][2] = {
    {"LOOP_CACHE_DIR", "where compiled components and packages are kept; else "
                       "XDG_CACHE_HOME/loop, else ~/.cache/loop"},
    {"LOOP_DATA_DIR", "where profiles/, classes/ and templates/ lie; else where loop was "
                      "installed"},
    {"XDG_CONFIG_HOME", "where loop/trust.yaml and loop/registries.yaml lie; else ~/.config"},
    {"DOCKER_CONFIG", "where docker's config.json lies, for its logins; else ~/.docker"},
    {"SSL_CERT_FILE", "the certificates that registries are checked with; else the system's"},
    {"SOURCE_DATE_EPOCH", "what a package says of when it was made; else 1970"},
    {"NO_COLOR", "not empty: errors are not coloured on a terminal"},
    {"PATH", "where `loop FOO` looks for the program loop-FOO"},
};

static const char *const files[][2] = {
    {"loop.yaml", "the workspace: its components, what they are granted, bindings, options; the "
                  "nearest one from the current folder upwards"},
    {"loop.lock", "which packages were chosen for loop.yaml; kept with the sources"},
    {"profiles/NAME.yaml", "defaults of a profile, of the workspace or of the installation"},
    {"classes/NAME.yaml", "limits of a trust class, of the installation"},
    {"~/.config/loop/trust.yaml", "the workspaces that you trust; see loop-trust(1)"},
    {"~/.config/loop/registries.yaml", "where packages come from, for all workspaces; passwords"},
    {"~/.cache/loop/packages/", "packages that were fetched; see loop-cache(1)"},
    {"~/.cache/loop/compiled/", "compiled components; may be deleted at any time"},
};

/* ---- troff ---- */

/* Text of a line: what troff would act on is escaped, `word` becomes bold. */
static void put_text(FILE *to, const char *text)
{
    bool start = true, bold = false;
    for (; *text; text++) {
        if (start && (*text == '.' || *text == '\''))
            fputs("\\&", to);
        start = *text == '\n';
        if (*text == '\\')
            fputs("\\e", to);
        else if (*text == '-')
            fputs("\\-", to);
        else if (*text == '\'')
            fputs("\\(aq", to);
        else if (*text == '~')
            fputs("\\(ti", to);
        else if (*text == '`')
            fputs((bold = !bold) ? "\\fB" : "\\fR", to);
        else
            fputc(*text, to);
    }
    fputc('\n', to);
}

/* Paragraphs: an empty line becomes .PP, a broken line .br. */
static void put_paragraphs(FILE *to, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        char *line = cli_format("%.*s", (int)n, text);
        put_text(to, line);
        free(line);
        text += n;
        if (text[0] == '\n' && text[1] == '\n')
            fputs(".PP\n", to);
        else if (text[0] == '\n')
            fputs(".br\n", to);
        text += strspn(text, "\n");
    }
}

static void put_item(FILE *to, const char *bold, const char *argument, const char *text)
{
    fputs(".TP\n\\fB", to);
    for (const char *s = bold; *s; s++)
        fputs(*s == '-' ? "\\-" : (const char[]){*s, 0}, to);
    fputs("\\fR", to);
    put_text(to, argument ? argument : "");
    put_text(to, text);
}

static void put_title(FILE *to, const char *name, const char *summary)
{
    fputs(".\\\" Written by `loop help --man`; edit the rows in cli/ instead.\n.TH ", to);
    for (const char *s = name; *s; s++)
        fputc(*s >= 'a' && *s <= 'z' ? *s - 'a' + 'A' : *s, to);
    fprintf(to, " 1 \"\" \"loop %s\" \"loop\"\n.SH NAME\n", loop_version());
    char *line = cli_format("%s - %s", name, summary);
    char *dash = strstr(line, " - ");
    *dash = 0;
    fputs(line, to); /* as whatis wants it: the name with plain hyphens, then \- */
    fputs(" \\- ", to);
    put_text(to, dash + 3);
    free(line);
}

/* ---- shared sections ---- */

static void put_statuses(FILE *to)
{
    fputs(".SH EXIT STATUS\n", to);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char number[32];
        if (statuses[i].last)
            snprintf(number, sizeof number, "%d to %d", statuses[i].first, statuses[i].last);
        else
            snprintf(number, sizeof number, "%d", statuses[i].first);
        put_item(to, number, NULL, statuses[i].text);
    }
}

static void put_environment(FILE *to)
{
    const loop_option *o;
    fputs(".SH ENVIRONMENT\n", to);
    for (size_t i = 0; (o = loop_option_at(i)); i++)
        if (o->environment)
            put_item(to, o->environment, NULL, o->help);
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        put_item(to, variables[i][0], NULL, variables[i][1]);
}

static void put_files(FILE *to)
{
    fputs(".SH FILES\n", to);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        put_item(to, files[i][0], NULL, files[i][1]);
}

static void put_see_also(FILE *to, const cli_command *not_this)
{
    const cli_command *c;
    fputs(".SH SEE ALSO\n", to);
    bool any = false;
    if (not_this) {
        fputs(".BR loop (1)", to);
        any = true;
    }
    for (size_t i = 0; (c = cli_command_at(i)); i++) {
        if (c == not_this)
            continue;
        fprintf(to, "%s.BR loop\\-%s (1)", any ? ",\n" : "", c->name);
        any = true;
    }
    fputc('\n', to);
}

/* ---- pages ---- */

static void put_overview_page(FILE *to)
{
    const cli_command *c;
    put_title(to, "loop", "a host for software made of WebAssembly components");
    fputs(".SH SYNOPSIS\n.B loop\n.I COMMAND\n[options]\n.SH DESCRIPTION\n", to);
    put_paragraphs(
        to, "Runs WebAssembly components, shows what they are and what they may do. A "
            "component may use nothing of the machine but its standard streams, its arguments, "
            "clocks and random numbers until somebody grants it more, on the command line or in "
            "loop.yaml.\n\n"
            "A `loop FOO` that is not listed here runs the program loop-FOO of PATH with the "
            "arguments that follow.");
    fputs(".SH COMMANDS\n", to);
    for (size_t i = 0; (c = cli_command_at(i)); i++) {
        char *argument = cli_format(" %s", c->synopsis);
        put_item(to, c->name, argument, c->summary);
        free(argument);
    }
    put_item(to, "--help, -h", NULL, "list the commands; after a command: explain it");
    put_item(to, "--version", NULL, "show the version of loop and of its engine");
    put_statuses(to);
    put_environment(to);
    put_files(to);
    put_see_also(to, NULL);
}

static void put_options(FILE *to, const cli_command *c)
{
    fputs(".SH OPTIONS\n", to);
    for (size_t g = 0; c->groups[g]; g++) {
        if (!c->groups[g]->title)
            continue;
        fprintf(to, ".SS %s\n", c->groups[g]->title);
        for (const cli_option *o = c->groups[g]->options; o->flag; o++) {
            char *argument = o->argument ? cli_format(" %s", o->argument) : NULL;
            put_item(to, o->flag, argument, o->help);
            free(argument);
        }
    }
    fputs(".SS Always\n", to);
    put_item(to, "--help, -h", NULL, "explain this command");
}

void cli_put_man(FILE *to, const cli_command *c)
{
    if (!c) {
        put_overview_page(to);
        return;
    }
    char *name = cli_format("loop-%s", c->name);
    put_title(to, name, c->summary);
    free(name);
    fprintf(to, ".SH SYNOPSIS\n.B loop %s\n", c->name);
    put_text(to, c->synopsis);
    fputs(".SH DESCRIPTION\n", to);
    put_paragraphs(to, c->about);
    put_options(to, c);
    fputs(".SH EXAMPLE\n.nf\n", to);
    put_text(to, c->example);
    fputs(".fi\n", to);
    put_text(to, c->shows);
    if (c->not_yet) {
        fputs(".SH NOT THERE YET\n", to);
        put_text(to, c->not_yet);
    }
    if (c == &cli_run) {
        put_statuses(to);
        put_environment(to);
        put_files(to);
    } else {
        fputs(".SH EXIT STATUS\n", to);
        put_text(
            to,
            "0 if it worked, else 64 to 79, one meaning each: see loop(1), which also lists the "
            "environment variables and files that loop reads.");
    }
    put_see_also(to, c);
}
