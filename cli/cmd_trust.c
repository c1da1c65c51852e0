/*
 * cli/cmd_trust.c: `loop trust`: shows what a workspace asks for that the sandbox does not hold,
 * asks, and records the answer; lists what was recorded, and takes it back.
 *
 * What is shown, what is asked about and what is recorded come from one reading of the file: the
 * digest is that of the bytes whose lines are on the screen.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "loop/config.h"
#include "loop/trust.h"

#define COLUMN 44 /* where origins start */

/* ---- which workspace ---- */

/* The nearest one, or that of PATH: a folder or the file itself. */
static loop_error *load(const char *path, loop_config **ret)
{
    struct stat st;
    bool folder = path && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    char *inside = folder ? cli_format("%s/loop.yaml", path) : NULL;
    loop_config_sources from = {.file = inside ? inside : path, .ignore_environment = true};
    loop_config *config;
    loop_error *e = loop_config_load(&from, &config);
    free(inside);
    if (e)
        return e;
    if (!loop_config_file(config)) {
        loop_config_delete(config);
        return loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "there is no loop.yaml in this folder or above it"),
            "a workspace is a folder with a loop.yaml; name another: loop trust PATH");
    }
    *ret = config;
    return NULL;
}

/* ---- what it asks for ---- */

static void put_ask(const loop_ask *ask)
{
    static const char *const names[] = {
        [LOOP_ASK_LIBRARY] = "library", [LOOP_ASK_SIDECAR] = "sidecar",
        [LOOP_ASK_DIR] = "dir",         [LOOP_ASK_CLASS] = "class",
        [LOOP_ASK_PROCESS] = "process", [LOOP_ASK_LISTEN] = "listen",
        [LOOP_ASK_ENV] = "env",         [LOOP_ASK_INWARD] = "inward"};
    printf("  %-9s", names[ask->kind]);
    cli_put(stdout, ask->text);
    size_t n = cli_width(ask->text) + 11;
    printf("%*s", n < COLUMN ? (int)(COLUMN - n) : 2, "");
    fputs("for ", stdout);
    cli_put(stdout, ask->what);
    fputs(", ", stdout);
    cli_put(stdout, ask->origin.source);
    printf(":%u\n", ask->origin.line);
}

static void put_asks(const loop_config *config)
{
    static const char *const meanings[] = {
        [LOOP_ASK_LIBRARY] =
            "A library is loaded into loop: native code, with all that you may do.",
        [LOOP_ASK_SIDECAR] = "A sidecar is a program that loop starts, with all that you may do.",
        [LOOP_ASK_DIR] = "A directory is outside of the workspace; the component sees all of it.",
        [LOOP_ASK_CLASS] = "The class 'trusted' has wider limits, and may be granted processes.",
        [LOOP_ASK_PROCESS] = "A process is a program of this machine, with all that you may do.",
        [LOOP_ASK_LISTEN] = "What listens there can be reached from other machines.",
        [LOOP_ASK_ENV] = "A variable is handed over with the value that your environment has.",
        [LOOP_ASK_INWARD] = "An inward host is this machine or its network, behind any firewall."};
    const loop_ask *ask;
    bool any[sizeof meanings / sizeof *meanings] = {false};
    cli_put(stdout, loop_config_file(config));
    puts(" asks for");
    for (size_t i = 0; (ask = loop_config_ask_at(config, i)); i++) {
        put_ask(ask);
        any[ask->kind] = true;
    }
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (any[i])
            puts(meanings[i]);
    puts("Trust is for the file as it is now: an edit asks again. The libraries and programs\n"
         "that it names may change without being asked about.");
}

/* ---- asking ---- */

static loop_error *ask(const loop_config *config)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return loop_error_hint_set(
            loop_error_new(LOOP_USAGE, "there is nobody to ask: this is no terminal"),
            "when you have looked at it: loop trust --yes");
    fputs("Do you trust it? [y/N] ", stdout);
    fflush(stdout);
    if (cli_says_yes())
        return NULL;
    return loop_error_new(LOOP_CANCELLED, "'%s' is not trusted; nothing was recorded",
                          loop_config_file(config));
}

static loop_error *give(const cli_args *args, const loop_config *config)
{
    loop_error *no = loop_config_trust(config);
    bool trusted = !no;
    loop_error_delete(no);
    bool asks = loop_config_ask_at(config, 0) != NULL;
    if (!asks && !cli_has(args, "--yes")) {
        cli_put(stdout, loop_config_file(config));
        puts(" asks for nothing that takes trust; nothing was recorded");
        return NULL;
    }
    if (asks)
        put_asks(config);
    loop_error *e = trusted || cli_has(args, "--yes") ? NULL : ask(config);
    if (!e && !trusted)
        e = loop_config_trust_give(config);
    if (e)
        return e;
    fputs(trusted ? "trusted already: " : "trusted: ", stdout);
    cli_put(stdout, loop_config_file(config));
    putchar('\n');
    return NULL;
}

/* ---- what was recorded ---- */

/* What became of a workspace since. */
static const char *state_of(const loop_trusted *row)
{
    loop_config *config;
    loop_config_sources from = {.file = row->path, .ignore_environment = true};
    loop_error *e = loop_config_load(&from, &config);
    const char *state = loop_error_code(e) == LOOP_NOT_FOUND ? "gone" : "broken";
    if (!e) {
        e = loop_config_trust(config);
        state = e ? "changed" : "trusted";
        loop_config_delete(config);
    }
    loop_error_delete(e);
    return state;
}

static loop_error *list(void)
{
    loop_trust_list *all;
    loop_error *e = loop_trust_list_open(&all);
    if (e)
        return e;
    const loop_trusted *row;
    for (size_t i = 0; (row = loop_trust_list_at(all, i)); i++) {
        printf("%-8s %s  ", state_of(row), row->since);
        cli_put(stdout, row->path);
        putchar('\n');
    }
    loop_trust_list_delete(all);
    return NULL;
}

/* The absolute path of what may be gone; for free(). */
static char *absolute(const char *path)
{
    char *real = realpath(path, NULL);
    if (real || path[0] == '/')
        return real ? real : cli_format("%s", path);
    char *here = realpath(".", NULL), *whole = cli_format("%s/%s", here ? here : "", path);
    free(here);
    return whole;
}

static loop_error *take_back(const char *path)
{
    loop_config *config = NULL;
    loop_error *e = path ? NULL : load(NULL, &config);
    if (e)
        return e;
    char *file = path ? absolute(path) : cli_format("%s", loop_config_file(config));
    e = loop_trust_revoke(file);
    if (!e) {
        fputs("no longer trusted: ", stdout);
        cli_put(stdout, file);
        putchar('\n');
    }
    free(file);
    loop_config_delete(config);
    return e;
}

/* ---- the command ---- */

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    const char *path = args->operands[0];
    if (cli_has(args, "--list") + cli_has(args, "--revoke") + cli_has(args, "--yes") > 1)
        return loop_error_new(LOOP_USAGE, "--yes, --list and --revoke are three commands");
    if (cli_has(args, "--list"))
        return path ? loop_error_new(LOOP_USAGE, "--list takes no workspace: it shows all")
                    : list();
    if (cli_has(args, "--revoke"))
        return take_back(path);
    loop_config *config;
    loop_error *e = load(path, &config);
    if (e)
        return e;
    e = give(args, config);
    loop_config_delete(config);
    return e;
}

static const cli_group group_trust = {
    "What to do",
    (const cli_option[]){
        {"--yes", NULL, "trust it without asking: for those who have looked at it", NULL, NULL},
        {"--list", NULL, "list what is trusted, and what became of it", NULL, NULL},
        {"--revoke", NULL, "take the trust back; the workspace may be gone", NULL, NULL},
        {0},
    },
};

const cli_command cli_trust = {
    .name = "trust",
    .synopsis = "[--yes | --revoke] [WORKSPACE] | --list",
    .summary = "let a workspace have native code and directories outside of it",
    .about =
        "A workspace can ask, in its loop.yaml, for what no sandbox holds: shared libraries, "
        "programs that run beside loop or that a component starts, the class `trusted`, addresses "
        "that others can reach, directories outside of it, variables of your environment, hosts "
        "of this machine and its networks. Until you trust it, it gets "
        "none of these: nothing of them is opened, loaded or started, and what needs them does "
        "not run.\n\n"
        "This shows what the workspace asks for, line by line, asks you, and records the answer: "
        "the path of loop.yaml and a digest of its bytes, as they were shown. An edit of the file "
        "asks again. WORKSPACE is a folder or its loop.yaml; without one, the nearest upwards "
        "from here.\n\n"
        "The record is yours, in trust.yaml of your configuration, and counts only while nobody "
        "else can write to it, to loop.yaml, or to a folder above them. No option, variable or "
        "file of a workspace replaces it. --list calls a workspace `trusted`, `changed` since, "
        "`broken` or `gone`.",
    .example = "loop trust",
    .shows = "shows what the workspace here asks for, and asks whether you trust it",
    .operands = "<file>",
    .groups = (const cli_group *const[]){&group_trust, NULL},
    .max_operands = 1,
    .run = run,
};
