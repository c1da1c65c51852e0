/*
 * packages/explain.c: why no versions fit together, as the shortest chain of wishes that shows it.
 *
 * The solver blames a least set of needs: each of them is needed for there to be no choice. Often
 * one package is at the heart of it, which two others need in ways that exclude each other, or of
 * which there is no version that somebody needs; that is the message, and how each of the two is
 * led to are its causes. Where a chain could begin with one of several versions, the best is told
 * of, and how many others do the same.
 */
#include <stdlib.h>

#include "packages/resolve.h"

#define WISH SIZE_MAX
#define SHOWN_VERSIONS 5
#define SHOWN_NEEDS 12

typedef struct blame {
    const lp_resolving *r;
    const lp_solve_problem *problem;
    const lp_solve_blame *at;
    size_t n;
    size_t *from;  /* of each: the one that leads to its version, WISH: none */
    size_t *depth; /* how many do; SIZE_MAX: no chain leads there */
} blame;

static const lp_asked_range *range_of(const blame *b, size_t i)
{
    return b->r->ranges.at[b->at[i].set];
}

static const lp_asked *package_of(const blame *b, size_t i)
{
    return b->r->packages.at[range_of(b, i)->package];
}

static bool has(const lp_solve_set *set, size_t release)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->releases[i] == release)
            return true;
    return false;
}

/* From the wishes on, as far as the blamed needs lead. */
static void find_ways(blame *b)
{
    for (size_t i = 0; i < b->n; i++) {
        b->from[i] = WISH;
        b->depth[i] = b->at[i].by == WISH ? 0 : SIZE_MAX;
    }
    bool found = true;
    for (size_t depth = 1; found; depth++) {
        found = false;
        for (size_t i = 0; i < b->n; i++) {
            for (size_t k = 0; b->depth[i] == SIZE_MAX && k < b->n; k++) {
                if (b->depth[k] != depth - 1 || !has(&b->problem->sets[b->at[k].set], b->at[i].by))
                    continue;
                b->from[i] = k;
                b->depth[i] = depth;
                found = true;
            }
        }
    }
}

/* ---- in words ---- */

/* "acme:ui ^1.2" */
static char *asked_text(const blame *b, size_t i)
{
    const char *range = range_of(b, i)->text;
    bool any = strcmp(range, "*") == 0;
    return lp_format("%s%s%s", package_of(b, i)->name, any ? "" : " ", any ? "" : range);
}

/* How many other versions of the package that needs it are blamed for the same package. */
static size_t others(const blame *b, size_t i)
{
    size_t n = 0;
    for (size_t k = 0; k < b->n; k++)
        n += k != i && b->at[k].by != WISH && b->at[i].by != WISH &&
             b->r->owners[b->at[k].by] == b->r->owners[b->at[i].by] &&
             package_of(b, k) == package_of(b, i) && b->at[k].by != b->at[i].by;
    return n;
}

/* "acme:theme 1.1.0 needs acme:ui ^1"; "acme:app ^2 is asked for" */
static char *blame_text(const blame *b, size_t i)
{
    lp_auto(lp_free_string) char *asked = asked_text(b, i);
    size_t by = b->at[i].by, more = others(b, i);
    if (by == WISH)
        return lp_format("%s is asked for", asked);
    lp_auto(lp_free_string) char *and =
        more ? lp_format(" (and %zu other version%s of it do%s not fit)", more, more > 1 ? "s" : "",
                         more > 1 ? "" : "es")
             : lp_strdup("");
    return lp_format("%s %s needs %s%s", b->r->owners[by]->name, b->r->placed[by]->release->version,
                     asked, and);
}

/*
 * The steps that lead to the `last` one, as causes of each other, the nearest first and the wish
 * last, before `cause` (taken); without itself.
 */
static loop_error *way_to(const blame *b, size_t last, loop_error *cause)
{
    for (size_t depth = 0; depth < b->depth[last]; depth++) {
        size_t i = last;
        while (b->depth[i] > depth)
            i = b->from[i];
        lp_auto(lp_free_string) char *text = blame_text(b, i);
        cause = cause ? lp_error_because(LOOP_INVALID, cause, "%s", text)
                      : loop_error_new(LOOP_INVALID, "%s", text);
    }
    return cause;
}

/* ---- a package or a version that there is not ---- */

static void list_versions(lp_buf *out, const lp_asked *a)
{
    size_t listed = 0;
    for (size_t i = 0; i < a->count; i++) {
        if (listed++ == SHOWN_VERSIONS) {
            lp_buf_puts(out, ", ...");
            break;
        }
        lp_buf_printf(out, "%s%s%s", listed > 1 ? ", " : "", a->versions[i].release->version,
                      a->versions[i].release->yanked ? " (yanked)" : "");
    }
}

/* A version that would do, were it not a pre-release, yanked or damaged; NULL. */
static const lp_candidate *nearly(const lp_asked *a, const lp_asked_range *range)
{
    for (size_t i = 0; i < a->count; i++)
        if (lp_range_has(range->range, &a->versions[i].version))
            return &a->versions[i];
    for (size_t i = 0; i < a->count; i++)
        if (*a->versions[i].version.pre && strcmp(range->text, "*") == 0)
            return &a->versions[i];
    return NULL;
}

static loop_error *hint_for(loop_error *e, const lp_asked *a, const lp_asked_range *range)
{
    const lp_candidate *near = nearly(a, range);
    const char *version = near ? near->release->version : "";
    if (!a->count)
        return loop_error_hint_set(e,
                                   "is the name right, and does 'registries' in loop.yaml say "
                                   "where '%s' is from?",
                                   a->name);
    if (near && near->broken)
        return loop_error_hint_set(e,
                                   "%s %s needs something that is no package: tell who "
                                   "publishes it",
                                   a->name, version);
    if (near && near->release->yanked)
        return loop_error_hint_set(e,
                                   "%s %s was taken back (%s); only who has it in loop.lock "
                                   "keeps it",
                                   a->name, version, near->release->yanked);
    if (near)
        return loop_error_hint_set(e, "a pre-release is asked for by name: '%s@%s'", a->name,
                                   version);
    return loop_error_hint_set(e, "ask for one of those, or for any: '%s'", a->name);
}

static loop_error *explain_nothing(const blame *b, size_t i)
{
    const lp_asked_range *range = range_of(b, i);
    const lp_asked *a = package_of(b, i);
    lp_buf text = {0};
    if (!a->count) {
        lp_buf_printf(&text, "there is no package '%s' at '%s'", a->name, a->registry);
    } else {
        lp_buf_printf(&text, "no version of '%s' at '%s' is %s: there is ", a->name, a->registry,
                      strcmp(range->text, "*") == 0 ? "one to choose" : range->text);
        list_versions(&text, a);
    }
    loop_error *cause = way_to(b, i, NULL);
    if (b->at[i].by != WISH) {
        lp_auto(lp_free_string) char *last = blame_text(b, i);
        cause = cause ? lp_error_because(LOOP_NOT_FOUND, cause, "%s", last)
                      : loop_error_new(LOOP_NOT_FOUND, "%s", last);
    }
    loop_error *e = cause ? lp_error_because(LOOP_NOT_FOUND, cause, "%s", text.ptr)
                          : loop_error_new(LOOP_NOT_FOUND, "%s", text.ptr);
    lp_buf_done(&text);
    return hint_for(e, a, range);
}

/* ---- two that exclude each other ---- */

static bool exclude(const blame *b, size_t i, size_t k)
{
    const lp_solve_set *x = &b->problem->sets[b->at[i].set], *y = &b->problem->sets[b->at[k].set];
    if (x->package != y->package)
        return false;
    for (size_t n = 0; n < x->count; n++)
        if (has(y, x->releases[n]))
            return false;
    return true;
}

/* Which wish leads to it, by the order of the wishes. */
static size_t wish_of(const blame *b, size_t i)
{
    while (b->from[i] != WISH)
        i = b->from[i];
    size_t n = 0;
    while (n < b->problem->wishes_count && b->problem->wishes[n] != b->at[i].set)
        n++;
    return n;
}

static loop_error *explain_two(const blame *b, size_t i, size_t k)
{
    if (wish_of(b, k) < wish_of(b, i))
        return explain_two(b, k, i);
    const char *name = package_of(b, i)->name;
    lp_auto(lp_free_string) char *one = blame_text(b, i);
    lp_auto(lp_free_string) char *other = blame_text(b, k);
    loop_error *cause = way_to(b, i, way_to(b, k, NULL));
    loop_error *e = cause ? lp_error_because(LOOP_INVALID, cause, "%s, but %s", one, other)
                          : loop_error_new(LOOP_INVALID, "%s, but %s", one, other);
    return loop_error_hint_set(e,
                               "one version of '%s' serves all: ask for other versions of what "
                               "needs it, or name a file for it under 'overrides' in loop.yaml",
                               name);
}

/* Three or more: each two of them would fit. */
static loop_error *explain_many(const blame *b)
{
    loop_error *cause = NULL;
    for (size_t i = LP_MIN(b->n, (size_t)SHOWN_NEEDS); i-- > 0;) {
        lp_auto(lp_free_string) char *text = blame_text(b, i);
        cause = cause ? lp_error_because(LOOP_INVALID, cause, "%s", text)
                      : loop_error_new(LOOP_INVALID, "%s", text);
    }
    loop_error *e =
        lp_error_because(LOOP_INVALID, cause, "no versions of the packages fit together");
    return loop_error_hint_set(e,
                               "ask for other versions in loop.yaml, or name a local file for one "
                               "of them under 'overrides'");
}

static loop_error *explain(const blame *b)
{
    size_t best = SIZE_MAX, one = 0, other = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (b->problem->sets[b->at[i].set].count || b->depth[i] >= best)
            continue;
        best = b->depth[i];
        one = i;
    }
    if (best != SIZE_MAX)
        return explain_nothing(b, one);
    for (size_t i = 0; i < b->n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (b->depth[i] == SIZE_MAX || b->depth[k] == SIZE_MAX || !exclude(b, i, k) ||
                b->depth[i] + b->depth[k] >= best)
                continue;
            best = b->depth[i] + b->depth[k];
            one = k;
            other = i;
        }
    }
    return best != SIZE_MAX ? explain_two(b, one, other) : explain_many(b);
}

loop_error *lp_resolve_explain(const lp_resolving *r, const lp_solve_problem *problem,
                               const lp_solve_blame *blames, size_t n)
{
    blame b = {r,
               problem,
               blames,
               n,
               lp_alloc((n + 1) * sizeof(size_t)),
               lp_alloc((n + 1) * sizeof(size_t))};
    find_ways(&b);
    loop_error *e = explain(&b);
    free(b.from);
    free(b.depth);
    return e;
}
