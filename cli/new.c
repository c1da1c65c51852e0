/*
 * cli/new.c: what the commands share that make a folder: `new` on the command line, questions on a
 * terminal, what is shown before and after. Which layers a project has is each command's own.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "cli/new.h"

const cli_group cli_group_new = {
    "What to do",
    (const cli_option[]){
        {"--dir", "FOLDER", "make this folder; it may be there if it is empty", NULL, "<dir>"},
        {"--yes", NULL, "ask nothing", NULL, NULL},
        {0},
    },
};

/* Whether there is somebody to ask, who has not said that there is nothing to ask. */
static bool may_ask(const cli_args *args)
{
    return !cli_has(args, "--yes") && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* A line of an answer, without white space around it; for free(). NULL: there is none. */
static char *answer(void)
{
    char line[256];
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin)) {
        putchar('\n');
        return NULL;
    }
    if (!strchr(line, '\n')) /* the rest of what is too long to be meant */
        for (int c = getchar(); c != EOF && c != '\n';)
            c = getchar();
    char *from = line + strspn(line, " \t");
    size_t n = strlen(from);
    while (n > 0 && strchr(" \t\r\n", from[n - 1]))
        n--;
    return cli_format("%.*s", (int)n, from);
}

static loop_error *gave_up(const char *what)
{
    return loop_error_new(LOOP_CANCELLED, "no %s was made", what);
}

static loop_error *missing(const cli_args *args, const char *which)
{
    loop_error *e = loop_error_new(LOOP_USAGE, "the %s is missing", which);
    return loop_error_hint_set(
        e, "usage: loop %s %s%s", args->command->name, args->command->synopsis,
        may_ask(args) || cli_has(args, "--yes") ? ""
                                                : "; on a terminal, loop asks for what is missing");
}

/* ---- the name ---- */

static loop_error *ask_name(const char *what, cli_name *ret)
{
    for (;;) {
        printf("name of the %s: ", what);
        char *text = answer();
        if (!text)
            return gave_up(what);
        loop_error *e = cli_name_read(text, what, ret);
        free(text);
        if (!e)
            return NULL;
        cli_print_error(e);
    }
}

loop_error *cli_new_begin(const cli_args *args, const char *what, cli_new *ret)
{
    cli_new n = {.args = args, .what = what};
    const char *verb = args->operands[0];
    if (!verb || strcmp(verb, "new") != 0) {
        loop_error *e =
            verb ? loop_error_new(LOOP_USAGE, "'loop %s' cannot '%s'", args->command->name, verb)
                 : loop_error_new(LOOP_USAGE, "'loop %s' needs to know what to do",
                                  args->command->name);
        return loop_error_hint_set(e, "usage: loop %s %s", args->command->name,
                                   args->command->synopsis);
    }
    const char *text = args->operands[1];
    loop_error *e = cli_templates(&n.templates);
    if (!e && text)
        e = cli_name_read(text, what, &n.name);
    else if (!e)
        e = may_ask(args) ? ask_name(what, &n.name) : missing(args, "name");
    if (!e) {
        const char *dir = cli_value(args, "--dir");
        n.folder = cli_format("%s", dir ? dir : n.name.name);
        for (size_t l = strlen(n.folder); l > 1 && n.folder[l - 1] == '/';)
            n.folder[--l] = '\0';
        e = cli_tree_check(n.folder); /* before any further question */
    }
    if (e) {
        cli_new_done(&n);
        return e;
    }
    *ret = n;
    return NULL;
}

void cli_new_done(cli_new *n)
{
    free(n->templates);
    free(n->folder);
    cli_tree_done(&n->tree);
}

/* ---- choices ---- */

/* The one that `text` names; NULL: none. */
static const char *among(char *const *allowed, const char *text)
{
    for (; *allowed; allowed++)
        if (strcmp(*allowed, text) == 0)
            return *allowed;
    return NULL;
}

static loop_error *unknown(const char *flag, const char *text, char *const *allowed)
{
    char *shown = cli_list_shown(allowed);
    loop_error *e = loop_error_new(LOOP_USAGE, "%s: there is no '%s'", flag, text);
    e = loop_error_hint_set(e, "there is %s", shown);
    free(shown);
    return e;
}

static loop_error *ask_choice(const cli_new *n, const char *flag, char *const *allowed,
                              const char *fallback, const char **ret)
{
    char *shown = cli_list_shown(allowed);
    loop_error *e = NULL;
    while (!e && !*ret) {
        printf("%s (%s)%s%s%s: ", flag + 2, shown, fallback ? " [" : "", fallback ? fallback : "",
               fallback ? "]" : "");
        char *text = answer();
        if (!text)
            e = gave_up(n->what);
        else
            *ret = *text || !fallback ? among(allowed, text) : fallback;
        if (!e && !*ret)
            cli_print_error(unknown(flag, text, allowed));
        free(text);
    }
    free(shown);
    return e;
}

loop_error *cli_new_choose(const cli_new *n, const char *flag, char *const *allowed,
                           const char *fallback, const char **ret)
{
    const char *text = cli_value(n->args, flag), *chosen = NULL;
    loop_error *e = NULL;
    fallback = fallback ? among(allowed, fallback) : NULL;
    if (text)
        chosen = among(allowed, text);
    else if (may_ask(n->args))
        e = ask_choice(n, flag, allowed, fallback, &chosen);
    else
        chosen = fallback;
    if (!e && !chosen && text)
        e = unknown(flag, text, allowed);
    if (!e && !chosen) {
        char *shown = cli_list_shown(allowed);
        e = loop_error_new(LOOP_USAGE, "%s is missing: one of %s", flag, shown);
        e = loop_error_hint_set(e, "usage: loop %s %s", n->args->command->name,
                                n->args->command->synopsis);
        free(shown);
    }
    if (!e)
        *ret = chosen;
    return e;
}

/* ---- the project ---- */

loop_error *cli_new_layer(cli_new *n, const char *fmt, ...)
{
    char layer[256];
    va_list more;
    va_start(more, fmt);
    vsnprintf(layer, sizeof layer, fmt, more);
    va_end(more);
    char *folder = cli_format("%s/%s", n->templates, layer);
    loop_error *e = cli_tree_add(&n->tree, folder, &n->name);
    free(folder);
    return e;
}

/* "  cd night-light" and the lines of `next`; the folder as a shell takes it. */
static void put_next(const cli_new *n, const char *next)
{
    bool plain = strspn(n->folder, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   "./_+-") == strlen(n->folder);
    fputs(plain ? "next\n  cd " : "next\n  cd '", stdout);
    for (const char *at = n->folder; *at;) { /* a quote ends the quotes, and begins them again */
        size_t length = strcspn(at, "'");
        char *piece = cli_format("%.*s", (int)length, at);
        cli_put(stdout, piece);
        free(piece);
        at += length;
        if (*at && at++)
            fputs("'\\''", stdout);
    }
    puts(plain ? "" : "'");
    for (const char *end; *next; next = *end ? end + 1 : end) {
        end = next + strcspn(next, "\n");
        printf("  %.*s\n", (int)(end - next), next);
    }
}

loop_error *cli_new_finish(cli_new *n, const char *next)
{
    if (may_ask(n->args)) {
        cli_put(stdout, n->folder);
        puts("/");
        cli_tree_put(stdout, &n->tree);
        fputs("write these files? (y/n) [y]: ", stdout);
        char *text = answer();
        bool yes = text && (!*text || *text == 'y' || *text == 'Y');
        free(text);
        if (!yes)
            return gave_up(n->what);
    }
    loop_error *e = cli_tree_write(&n->tree, n->folder);
    if (e)
        return e;
    fputs("made ", stdout);
    cli_put(stdout, n->folder);
    puts("/");
    if (!may_ask(n->args))
        cli_tree_put(stdout, &n->tree);
    put_next(n, next);
    return NULL;
}
