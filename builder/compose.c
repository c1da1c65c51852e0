/*
 * builder/compose.c: components made into one, by loop-wit, which has wac underneath.
 *
 * loop-wit looks at every name and type before it writes anything. What it says, a line each
 * (engine/wit-tool/src/compose.rs), becomes rows for who called, or an error that says which
 * plug fits nothing, and what is nearest.
 */
#include <stdlib.h>

#include "base/path.h"
#include "builder/internal.h"

#define MAX_PARTS 5

struct line {
    const char *parts[MAX_PARTS];
};

/* Takes the next line apart in place; false at the end. */
static bool next_line(char **text, struct line *ret)
{
    char *p = *text, *end = strchr(p, '\n');
    if (!end)
        return false;
    *end = 0;
    *text = end + 1;
    for (size_t i = 0; i < MAX_PARTS; i++) {
        char *tab = p ? strchr(p, '\t') : NULL;
        ret->parts[i] = p ? p : "";
        if (tab)
            *tab++ = 0;
        p = tab;
    }
    return true;
}

static loop_error *unused(const struct line *l)
{
    loop_error *e = loop_error_new(LOOP_INVALID, "the plug '%s' fits nothing", l->parts[1]);
    if (!*l->parts[2])
        return loop_error_hint_set(e, "it exports nothing, or nothing that is composed imports");
    return loop_error_hint_set(e, "nearest are its export %s and the import %s", l->parts[2],
                               l->parts[3]);
}

static loop_error *misfit(const struct line *l)
{
    return loop_error_hint_set(lp_error_because(LOOP_INVALID,
                                                loop_error_new(LOOP_INVALID, "%s", l->parts[4]),
                                                "%s of '%s' has another type than the import %s",
                                                l->parts[2], l->parts[1], l->parts[3]),
                               "build both against the same version of the WIT");
}

static void hand_on(const loop_compose_options *o, const struct line *l)
{
    const char *kind = l->parts[0];
    loop_compose_row row = {.kind = LOOP_COMPOSE_IMPORT, .import = l->parts[1]};
    if (strcmp(kind, "plugged") == 0)
        row = (loop_compose_row){LOOP_COMPOSE_PLUGGED, l->parts[1], l->parts[2], l->parts[3],
                                 l->parts[4]};
    else if (strcmp(kind, "export") == 0)
        row = (loop_compose_row){.kind = LOOP_COMPOSE_EXPORT, .export_name = l->parts[1]};
    else if (strcmp(kind, "import") != 0)
        return;
    if (o->row)
        o->row(o->data, &row);
}

/* The first thing that is wrong, or NULL; with `tell`, rows instead. */
static loop_error *read_lines(const char *out, const loop_compose_options *tell)
{
    lp_auto(lp_free_string) char *copy = lp_strdup(out);
    char *text = copy;
    for (struct line l; next_line(&text, &l);) {
        if (tell)
            hand_on(tell, &l);
        else if (strcmp(l.parts[0], "unfit") == 0)
            return misfit(&l);
        else if (strcmp(l.parts[0], "unused") == 0)
            return unused(&l);
    }
    return NULL;
}

/* What loop-wit said is the reason. */
static loop_error *because(lp_build_job *j, loop_error *e)
{
    bool package = j->said.len && strstr(j->said.ptr, "unknown package");
    e = lp_build_reason(j, 0, e);
    if (loop_error_code(e) != LOOP_INVALID)
        return e;
    e = lp_error_because(LOOP_INVALID, e, "cannot compose them");
    return package ? loop_error_hint_set(e, "name its file: --dep PACKAGE=FILE") : e;
}

static loop_error *check_file(const char *directory, const char *file)
{
    lp_auto(lp_free_string) char *path = lp_path_join(directory, file);
    if (lp_os_exists(path) && !lp_os_is_dir(path))
        return NULL;
    return loop_error_new(LOOP_NOT_FOUND, "there is no file '%s' to compose", file);
}

static loop_error *check_files(const char *directory, const loop_compose_options *o)
{
    LP_TRY(check_file(directory, o->wac ? o->wac : o->socket));
    for (size_t i = 0; o->parts && o->parts[i]; i++) {
        const char *equals = o->wac ? strchr(o->parts[i], '=') : NULL;
        LP_TRY(check_file(directory, equals ? equals + 1 : o->parts[i]));
    }
    return NULL;
}

static void add_words(lp_build_words *w, const loop_compose_options *o)
{
    lp_build_word(w, o->wac ? "compose" : "plug");
    lp_build_word(w, o->output);
    lp_build_word(w, o->wac ? o->wac : o->socket);
    for (size_t i = 0; o->parts && o->parts[i]; i++)
        lp_build_word(w, o->parts[i]);
}

loop_error *lp_compose(const lp_build_place *place, const loop_compose_options *options)
{
    static const loop_build_options no_options = {0};
    lp_build_run run = {.place = place, .options = &no_options};
    lp_build_job j = {.run = &run, .root = place->root};
    lp_build_words w = {0};
    char *out = NULL;
    LP_TRY(check_files(place->root, options));
    lp_build_word(&w, place->wit_tool);
    add_words(&w, options);
    const lp_build_command c = {.argv = w.at, .deadline_ms = LP_BUILD_WIT_MS, .ret_out = &out};
    loop_error *e = lp_build_tool(&j, &c);
    if (e)
        e = because(&j, e);
    else
        e = read_lines(out, NULL);
    if (!e)
        e = read_lines(out, options);
    free(out);
    lp_build_words_free(&w);
    lp_build_job_done(&j);
    return e;
}
