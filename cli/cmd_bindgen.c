/*
 * cli/cmd_bindgen.c: `loop bindgen c-host`: C for a WIT package, as a header and a
 * source. The texts are loop/bindgen.h's; this file puts them into files, both or
 * none: each is complete under another name before either gets its own. `loop bindgen
 * types` prints.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "loop/bindgen.h"

/* ---- files ---- */

struct output {
    char *path, *temporary;
    const char *text;
    bool same; /* the file is there and holds this text */
};

static loop_error *failed(const char *path, int why)
{
    loop_error *e =
        loop_error_wrap(loop_error_new(LOOP_IO, "%s", strerror(why)), "cannot write '%s'", path);
    return why == EACCES || why == EROFS ? loop_error_hint_set(e, "--out-dir names another folder")
                                         : e;
}

/* Whether the file holds the text already: builds that look at its time do not start anew. */
static bool holds(const char *path, const char *text)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    bool same = true;
    char chunk[4096];
    size_t n;
    while (same && (n = fread(chunk, 1, sizeof chunk, f)) > 0) {
        same = strnlen(text, n) == n && memcmp(chunk, text, n) == 0;
        text += same ? n : 0;
    }
    same = same && !ferror(f) && !*text;
    fclose(f);
    return same;
}

static loop_error *write_temporary(struct output *o)
{
    int fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return failed(o->path, errno);
    size_t left = strlen(o->text);
    const char *at = o->text;
    int why = 0;
    while (left && !why) {
        ssize_t n = write(fd, at, left);
        if (n < 0)
            why = errno == EINTR ? 0 : errno;
        at += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
    if (close(fd) != 0 && !why)
        why = errno;
    if (!why)
        return NULL;
    unlink(o->temporary);
    return failed(o->path, why);
}

/* Writes both, or says why and leaves what was there. */
static loop_error *write_both(struct output outputs[2])
{
    loop_error *e = NULL;
    size_t written = 0;
    for (size_t i = 0; i < 2; i++)
        outputs[i].same = holds(outputs[i].path, outputs[i].text);
    for (; !e && written < 2; written++)
        if (!outputs[written].same)
            e = write_temporary(&outputs[written]);
    for (size_t i = 0; i < 2; i++) {
        struct output *o = &outputs[i];
        struct stat st;
        if (!e && !o->same && stat(o->path, &st) == 0 && S_ISDIR(st.st_mode))
            e = failed(o->path, EISDIR);
    }
    for (size_t i = 0; i < written; i++) {
        if (!outputs[i].same && !e && rename(outputs[i].temporary, outputs[i].path) != 0)
            e = failed(outputs[i].path, errno);
        if (!outputs[i].same && e)
            unlink(outputs[i].temporary);
    }
    return e;
}

static loop_error *check_folder(const char *dir)
{
    struct stat st;
    if (stat(dir, &st) != 0)
        return loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "there is no folder '%s' to write to", dir),
            "mkdir -p '%s', or another --out-dir", dir);
    if (!S_ISDIR(st.st_mode))
        return loop_error_hint_set(loop_error_new(LOOP_NOT_FOUND, "'%s' is not a folder", dir),
                                   "--out-dir names the folder to write to");
    return NULL;
}

static loop_error *put_files(const char *dir, const char *name, const char *const texts[2])
{
    static const char letters[] = {'h', 'c'};
    struct output outputs[2] = {0};
    const char *slash = *dir && dir[strlen(dir) - 1] != '/' ? "/" : "";
    for (size_t i = 0; i < 2; i++) {
        outputs[i].text = texts[i];
        outputs[i].path = cli_format("%s%s%s.%c", dir, slash, name, letters[i]);
        outputs[i].temporary =
            cli_format("%s%s.%s.%c.%ld", dir, slash, name, letters[i], (long)getpid());
    }
    loop_error *e = write_both(outputs);
    for (size_t i = 0; i < 2; i++) {
        if (!e) {
            fputs(outputs[i].same ? "unchanged " : "wrote ", stdout);
            cli_put(stdout, outputs[i].path);
            putchar('\n');
        }
        free(outputs[i].path);
        free(outputs[i].temporary);
    }
    return e;
}

/* ---- the command ---- */

/* The folders of --deps; ends with NULL; for free(). */
static const char **dependencies(const cli_args *args)
{
    size_t n = 0;
    while (cli_value_at(args, "--deps", n))
        n++;
    const char **deps = cli_alloc((n + 1) * sizeof *deps);
    for (size_t i = 0; i < n; i++)
        deps[i] = cli_value_at(args, "--deps", i);
    return deps;
}

static loop_error *put_types(const cli_args *args, const char *wit)
{
    const char **deps = dependencies(args);
    loop_bindgen_options options = {.wit = wit, .deps = deps, .world = cli_value(args, "--world")};
    char *text = NULL;
    loop_error *e = loop_bindgen_types(&options, &text);
    if (!e)
        fputs(text, stdout); /* names of WIT are letters, digits and '-' */
    loop_free(text);
    free(deps);
    return e;
}

static loop_error *generate(const cli_args *args, const char *wit)
{
    const char *dir = cli_value(args, "--out-dir"), *given = cli_value(args, "--name");
    loop_error *e = dir ? check_folder(dir) : NULL;
    if (e)
        return e;
    const char **deps = dependencies(args);
    loop_bindgen_options options = {
        .wit = wit,
        .deps = deps,
        .world = cli_value(args, "--world"),
        .name = given,
        .prefix = cli_value(args, "--prefix"),
        .declare = cli_value(args, "--declare"),
        .include = cli_value(args, "--include"),
    };
    char *header = NULL, *source = NULL, *name = loop_bindgen_name(wit);
    e = loop_bindgen_c_host(&options, &header, &source);
    if (!e)
        e = put_files(dir ? dir : "", given ? given : name, (const char *const[]){header, source});
    loop_free(header);
    loop_free(source);
    loop_free(name);
    free(deps);
    return e;
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    const char *what = args->operands[0];
    bool types = what && strcmp(what, "types") == 0;
    if (!what || (!types && strcmp(what, "c-host") != 0))
        return loop_error_hint_set(
            what ? loop_error_new(LOOP_USAGE, "'loop bindgen' cannot make '%s'", what)
                 : loop_error_new(LOOP_USAGE, "what bindings?"),
            "it makes c-host and types: loop bindgen c-host WIT");
    if (!args->operands[1])
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "bindings of which WIT?"),
                                   "a .wit file, a folder with a package, or a component: loop "
                                   "bindgen c-host dice.wit");
    return types ? put_types(args, args->operands[1]) : generate(args, args->operands[1]);
}

static const cli_group group_input = {
    "Input",
    (const cli_option[]){
        {"--world", "WORLD", "what this world imports and exports, not the whole package", NULL,
         NULL},
        {"--deps", "DIR", "a folder with packages that the WIT uses, beside its own deps/", NULL,
         "<dir>"},
        {0},
    },
};

static const cli_group group_output = {
    "Output",
    (const cli_option[]){
        {"--out-dir", "DIR", "where the two files go; it must be there (.)", NULL, "<dir>"},
        {"--name", "NAME", "what they are called: NAME.h and NAME.c (as the WIT's file)", NULL,
         NULL},
        {"--prefix", "PREFIX", "begin every name with it that does not begin so", NULL, NULL},
        {"--declare", "MACRO", "write MACRO before each declaration, to export it", NULL, NULL},
        {"--include", "PATH", "how NAME.c includes the header (NAME.h)", NULL, NULL},
        {0},
    },
};

const cli_command cli_bindgen = {
    .name = "bindgen",
    .synopsis = "[options] c-host|types WIT",
    .summary = "write C for a WIT package: types, tables to implement, functions to call",
    .about =
        "c-host: writes one header and one source in C17 for the interfaces of WIT: a .wit file, a "
        "folder "
        "with a package, or a component. What components import becomes a table of functions to "
        "implement in a provider, what they export typed functions to call, each with the "
        "documentation of the WIT. The code needs loop's headers and nothing else.\n\n"
        "Without --world that is the whole package: an interface that one of its worlds exports is "
        "called, every other one implemented. The same WIT gives the same files; they are meant to "
        "be checked in. knowledge/bindings.md explains names and layout.\n\n"
        "types: prints the functions that a provider implements, with their types in the form in "
        "which a sidecar states them: a sidecar in Node or Python copies them from here.",
    .example = "loop bindgen c-host --out-dir src wit/dice.wit",
    .shows = "writes src/dice.h and src/dice.c",
    .not_yet = "bindings for guests (`loop build` writes those of what it builds), and for "
               "languages other than C; types that loop does not carry: future, stream, map, "
               "error-context, lists of fixed length, async functions",
    .operands = "<file>",
    .groups = (const cli_group *const[]){&group_input, &group_output, NULL},
    .max_operands = 2,
    .run = run,
};
