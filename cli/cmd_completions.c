/*
 * cli/cmd_completions.c: `loop completions`: a script for a shell, made from the
 * rows of the commands, so that it never lags behind them.
 */
#include <string.h>

#include "cli/cli.h"

typedef struct shell {
    const char *name;
    void (*put)(FILE *to);
} shell;

/* Text inside single quotes of a shell. */
static void put_quoted(FILE *to, const char *text)
{
    for (; *text; text++)
        fputs(*text == '\'' ? "'\\''" : (const char[]){*text, 0}, to);
}

static void put_spaced(FILE *to, const char *values)
{
    for (; *values; values++)
        fputc(*values == '|' ? ' ' : *values, to);
}

static void put_commands(FILE *to)
{
    const cli_command *c;
    for (size_t i = 0; (c = cli_command_at(i)); i++)
        fprintf(to, "%s%s", i ? " " : "", c->name);
}

/* ---- bash ---- */

/* The action that completes a value: sets COMPREPLY. */
static void bash_action(FILE *to, const char *values)
{
    if (!values)
        fputs(":", to);
    else if (strcmp(values, "<file>") == 0)
        fputs("COMPREPLY=($(compgen -f -- \"$cur\"))", to);
    else if (strcmp(values, "<dir>") == 0)
        fputs("COMPREPLY=($(compgen -d -- \"$cur\"))", to);
    else if (strcmp(values, "<env>") == 0)
        fputs("COMPREPLY=($(compgen -e -- \"$cur\"))", to);
    else if (strcmp(values, "<component>") == 0)
        fputs("COMPREPLY=($(compgen -f -X '!*.wasm' -- \"$cur\") $(compgen -d -- \"$cur\"))", to);
    else {
        fputs("COMPREPLY=($(compgen -W '", to);
        if (strcmp(values, "<command>") == 0)
            put_commands(to);
        else
            put_spaced(to, values);
        fputs("' -- \"$cur\"))", to);
    }
}

static void bash_command(FILE *to, const cli_command *c)
{
    const cli_option *o;
    fprintf(to, "    %s)\n        case $prev in\n", c->name);
    for (size_t i = 0; (o = cli_option_at(c, i)); i++) {
        if (!o->argument)
            continue;
        fprintf(to, "        %s) ", o->flag);
        bash_action(to, o->values);
        fputs("; return ;;\n", to);
    }
    fputs("        esac\n        if [[ $cur == -* ]]; then\n            COMPREPLY=($(compgen -W '",
          to);
    for (size_t i = 0; (o = cli_option_at(c, i)); i++)
        fprintf(to, "%s ", o->flag);
    fputs("--help' -- \"$cur\"))\n        else\n            ", to);
    bash_action(to, c->operands);
    fputs("\n        fi ;;\n", to);
}

static void put_bash(FILE *to)
{
    const cli_command *c;
    fputs("# bash completion for loop; written by `loop completions bash`.\n"
          "_loop()\n{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    COMPREPLY=()\n"
          "    if ((COMP_CWORD == 1)); then\n        COMPREPLY=($(compgen -W '",
          to);
    put_commands(to);
    fputs(" --help --version' -- \"$cur\"))\n        return\n    fi\n"
          "    case ${COMP_WORDS[1]} in\n",
          to);
    for (size_t i = 0; (c = cli_command_at(i)); i++)
        bash_command(to, c);
    fputs("    esac\n}\ncomplete -o filenames -F _loop loop\n", to);
}

/* ---- zsh ---- */

/* Text of a description inside _arguments: quotes, brackets and colons are special. */
static void zsh_text(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '[' || *text == ']' || *text == ':' || *text == '\\')
            fputc('\\', to);
        put_quoted(to, (const char[]){*text, 0});
    }
}

static void zsh_action(FILE *to, const char *values)
{
    if (!values)
        fputs(" ", to);
    else if (strcmp(values, "<file>") == 0)
        fputs("_files", to);
    else if (strcmp(values, "<dir>") == 0)
        fputs("_files -/", to);
    else if (strcmp(values, "<env>") == 0)
        fputs("_parameters -g \"*export*\"", to);
    else if (strcmp(values, "<component>") == 0)
        fputs("_files -g \"*.wasm\"", to);
    else {
        fputc('(', to);
        if (strcmp(values, "<command>") == 0)
            put_commands(to);
        else
            put_spaced(to, values);
        fputc(')', to);
    }
}

static void zsh_option(FILE *to, const cli_option *o)
{
    fprintf(to, " \\\n            '*%s%s[", o->flag, o->argument ? "=" : "");
    zsh_text(to, o->help);
    fputc(']', to);
    if (o->argument) {
        fputc(':', to);
        zsh_text(to, o->argument);
        fputc(':', to);
        zsh_action(to, o->values);
    }
    fputc('\'', to);
}

static void zsh_command(FILE *to, const cli_command *c)
{
    const cli_option *o;
    fprintf(to, "    %s)\n        _arguments%s '(- *)--help[show help]'", c->name,
            c->first_operand_ends ? " -A '-*'" : "");
    for (size_t i = 0; (o = cli_option_at(c, i)); i++)
        zsh_option(to, o);
    if (c->operands) {
        fputs(" \\\n            '1:argument:", to);
        zsh_action(to, c->operands);
        fputc('\'', to);
    }
    if (c->first_operand_ends)
        fputs(" \\\n            '*:argument of the component:_files'", to);
    fputs(" ;;\n", to);
}

static void put_zsh(FILE *to)
{
    const cli_command *c;
    fputs("#compdef loop\n# zsh completion for loop; written by `loop completions zsh`.\n"
          "_loop()\n{\n"
          "    local -a commands=(\n",
          to);
    for (size_t i = 0; (c = cli_command_at(i)); i++) {
        fprintf(to, "        '%s:", c->name);
        put_quoted(to, c->summary);
        fputs("'\n", to);
    }
    fputs(
        "    )\n    if ((CURRENT == 2)); then\n        _describe command commands\n        return\n"
        "    fi\n    local command=$words[2]\n    shift words\n    ((CURRENT--))\n"
        "    case $command in\n",
        to);
    for (size_t i = 0; (c = cli_command_at(i)); i++)
        zsh_command(to, c);
    fputs("    esac\n}\nif [[ $funcstack[1] == _loop ]]; then _loop \"$@\"; else compdef _loop "
          "loop; fi\n",
          to);
}

/* ---- fish ---- */

static void fish_action(FILE *to, const char *values)
{
    if (!values || strcmp(values, "<file>") == 0)
        fputs(values ? " -F" : "", to);
    else if (strcmp(values, "<dir>") == 0)
        fputs(" -f -a '(__fish_complete_directories)'", to);
    else if (strcmp(values, "<env>") == 0)
        fputs(" -f -a '(set -nx)'", to);
    else if (strcmp(values, "<component>") == 0)
        fputs(" -f -a '(__fish_complete_suffix .wasm)'", to);
    else {
        fputs(" -f -a '", to);
        if (strcmp(values, "<command>") == 0)
            put_commands(to);
        else
            put_spaced(to, values);
        fputc('\'', to);
    }
}

static void fish_command(FILE *to, const cli_command *c)
{
    const cli_option *o;
    fprintf(to, "complete -c loop -n __fish_use_subcommand -f -a %s -d '", c->name);
    put_quoted(to, c->summary);
    fputs("'\n", to);
    for (size_t i = 0; (o = cli_option_at(c, i)); i++) {
        fprintf(to, "complete -c loop -n '__fish_seen_subcommand_from %s' -l %s%s", c->name,
                o->flag + 2, o->argument ? " -r" : "");
        if (o->argument)
            fish_action(to, o->values);
        fputs(" -d '", to);
        put_quoted(to, o->help);
        fputs("'\n", to);
    }
    if (c->operands) {
        fprintf(to, "complete -c loop -n '__fish_seen_subcommand_from %s'", c->name);
        fish_action(to, c->operands);
        fputc('\n', to);
    }
}

static void put_fish(FILE *to)
{
    const cli_command *c;
    fputs("# fish completion for loop; written by `loop completions fish`.\n", to);
    for (size_t i = 0; (c = cli_command_at(i)); i++)
        fish_command(to, c);
    fputs("complete -c loop -l help -s h -d 'show help'\n"
          "complete -c loop -n __fish_use_subcommand -l version -d 'show the version'\n",
          to);
}

/* ---- the command ---- */

static const shell shells[] = {{"bash", put_bash}, {"zsh", put_zsh}, {"fish", put_fish}};

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    const char *name = args->operands[0];
    for (size_t i = 0; name && i < sizeof shells / sizeof *shells; i++) {
        if (strcmp(shells[i].name, name) == 0) {
            shells[i].put(stdout);
            return NULL;
        }
    }
    loop_error *e = name ? loop_error_new(LOOP_USAGE, "there are no completions for '%s'", name)
                         : loop_error_new(LOOP_USAGE, "which shell? none is named");
    return loop_error_hint_set(e, "usage: loop completions %s", cli_completions.synopsis);
}

const cli_command cli_completions = {
    .name = "completions",
    .synopsis = "bash|zsh|fish",
    .summary = "write a completion script for a shell",
    .about =
        "Writes a script that lets a shell complete loop's commands and options.\n\n"
        "bash: source it from ~/.bashrc. zsh: keep it as _loop in a folder of $fpath, or source "
        "it. fish: keep it as ~/.config/fish/completions/loop.fish.",
    .example = "loop completions bash > ~/.local/share/bash-completion/completions/loop",
    .shows = "makes the next bash complete `loop run --al<Tab>`",
    .not_yet = "completing the names in loop.yaml",
    .operands = "bash|zsh|fish",
    .groups = (const cli_group *const[]){NULL},
    .max_operands = 1,
    .run = run,
};
