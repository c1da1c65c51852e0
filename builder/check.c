/*
 * builder/check.c: whether what was built fits its world: loop-wit looks, this file tells.
 *
 * An import that the world does not have is an error: the component would ask a host for what
 * nobody said that it needs. WASI that a language's own library brings along is the exception,
 * and a note. So is an export beyond the world, which harms nobody.
 */
#include <stdlib.h>

#include "builder/internal.h"

#define MAX_PARTS 6
#define SHOWN 20 /* differences that are told one by one */

struct difference {
    const char *parts[MAX_PARTS];
    size_t n;
};

static struct difference take_apart(char *line)
{
    struct difference d = {.n = 0};
    for (size_t i = 0; i < MAX_PARTS; i++)
        d.parts[i] = "";
    for (char *p = line; p && d.n < MAX_PARTS;) {
        d.parts[d.n++] = p;
        p = strchr(p, '\t');
        if (p)
            *p++ = 0;
    }
    return d;
}

/* "acme:weather/api@0.1.0", "'now' of acme:weather/api@0.1.0", "'run'"; malloced. */
static char *place(const char *interface, const char *function)
{
    if (!*function)
        return lp_strdup(interface);
    return *interface ? lp_format("'%s' of %s", function, interface) : lp_format("'%s'", function);
}

/* A sentence for a difference, malloced; NULL for what is only worth a note. */
static char *sentence(const struct difference *d)
{
    const char *kind = d->parts[0];
    bool type = strcmp(kind, "other-type") == 0;
    lp_auto(lp_free_string) char *what =
        type ? place(d->parts[2], d->parts[3]) : place(d->parts[1], d->parts[2]);
    if (strcmp(kind, "missing-export") == 0)
        return lp_format("missing: the world exports %s, the component does not", what);
    if (strcmp(kind, "extra-import") == 0)
        return lp_format("too much: the component imports %s, the world does not", what);
    if (strcmp(kind, "other-version") == 0)
        return lp_format("another version: the component %ss %s, the world %s", d->parts[1],
                         d->parts[2], d->parts[3]);
    if (type)
        return lp_format("another type: %s %s is %s in the world and %s in the component",
                         d->parts[1], what, d->parts[4], d->parts[5]);
    return NULL;
}

static void add_note(lp_buf *library, lp_buf *exports, const struct difference *d)
{
    lp_buf *b = strcmp(d->parts[0], "note-library") == 0  ? library
                : strcmp(d->parts[0], "note-export") == 0 ? exports
                                                          : NULL;
    if (!b)
        return;
    /* Of WASI the package says enough: "wasi:sockets" of "wasi:sockets/tcp@0.2.9". */
    int n = (int)(b == library ? strcspn(d->parts[1], "/@") : strlen(d->parts[1]));
    if (!b->len || strncmp(strrchr(b->ptr, ' ') ? strrchr(b->ptr, ' ') + 1 : b->ptr, d->parts[1],
                           (size_t)n) != 0)
        lp_buf_printf(b, "%s%.*s", b->len ? ", " : "", n, d->parts[1]);
}

loop_error *lp_build_check_read(const char *lines, const char *world, char **ret_library,
                                char **ret_exports)
{
    lp_auto(lp_free_string) char *text = lp_strdup(lines);
    lp_buf library = {0}, exports = {0};
    struct {
        char **at;
        size_t n, cap;
    } told = {0};
    bool fits = false;
    for (char *line = text, *end; line && *line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = 0;
        fits = fits || strcmp(line, "fits") == 0;
        const struct difference d = take_apart(line);
        char *s = sentence(&d);
        if (s)
            *lp_push(&told) = s;
        else
            add_note(&library, &exports, &d);
    }
    loop_error *e = NULL;
    for (size_t i = LP_MIN(told.n, (size_t)SHOWN); i-- > 0;) /* causes, from the last on */
        e = lp_error_because(LOOP_INVALID, e, "%s", told.at[i]);
    if (told.n > SHOWN)
        e = loop_error_wrap(e, "%zu differences, of which these are the first", told.n);
    if (told.n || !fits)
        e = loop_error_hint_set(
            lp_error_because(LOOP_INVALID, e, "the component does not fit the world '%s'", world),
            "change the source, or the world in its WIT");
    if (!e) {
        *ret_library = library.len ? lp_buf_take(&library) : NULL;
        *ret_exports = exports.len ? lp_buf_take(&exports) : NULL;
    }
    for (size_t i = 0; i < told.n; i++)
        free(told.at[i]);
    free(told.at);
    lp_buf_done(&library);
    lp_buf_done(&exports);
    return e;
}

loop_error *lp_build_check(lp_build_job *j)
{
    char *lines = NULL, *library = NULL, *exports = NULL;
    const char *words[] = {"check", j->made, j->build->world, j->build->wit, NULL};
    LP_TRY(lp_build_wit(j, "checking that it fits its world", words, &lines));
    if (j->dry)
        return NULL;
    loop_error *e = lp_build_check_read(lines, j->build->world, &library, &exports);
    free(lines);
    if (library)
        lp_build_tell(
            j, LOOP_BUILD_DETAIL,
            lp_build_text(j, "its language's library imports what the world does not: %s", library),
            NULL);
    if (exports)
        lp_build_tell(j, LOOP_BUILD_NOTE,
                      lp_build_text(j, "it exports more than its world does: %s", exports), NULL);
    free(library);
    free(exports);
    return e;
}
