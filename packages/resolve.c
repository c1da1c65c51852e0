/*
 * packages/resolve.c: wishes to versions: who is asked, in which order, and what the solver gets.
 *
 * Registries are asked breadth first, all questions of a level at once: the wishes' packages, then
 * the packages that any version of those would need, and so on; each package once. A version
 * counts when it satisfies a range that somebody has named, so that no question is asked for one
 * that nobody can choose. Then everything is known, and the solver (libsolv) needs no more
 * questions: it goes back over choices in memory, where a resolver that asks as it goes would wait
 * for an answer each time.
 *
 * A version that loop.lock has is kept where it can be, yanked or not, and with the lock's digests:
 * what a registry says now is another's word for what was chosen then. One that a registry does
 * not have any more is known from its manifest in the cache.
 */
#include "packages/resolve.h"

#include <stdlib.h>

#include "base/text.h"

static int compare_names(lp_asked *a, lp_asked *b)
{
    return strcmp(a->name, b->name);
}

static int compare_ranges(lp_asked_range *a, lp_asked_range *b)
{
    return a->package != b->package ? (a->package < b->package ? -1 : 1) : strcmp(a->text, b->text);
}

/* the tree's order is that of the key; the place is kept beside it */
typedef struct named {
    lp_asked asked; /* first */
    size_t place;
} named;
typedef struct ranged {
    lp_asked_range range; /* first */
    size_t place;
} ranged;

RB_GENERATE_STATIC(lp_asked_tree, lp_asked, node, compare_names)
RB_GENERATE_STATIC(lp_range_tree, lp_asked_range, node, compare_ranges)

static bool in_list(const char *const *list, const char *name)
{
    for (size_t i = 0; list && list[i]; i++)
        if (strcmp(list[i], name) == 0)
            return true;
    return false;
}

/* ---- what is asked for ---- */

static const lp_locked *kept_of(const lp_resolving *r, const lp_locked *locked, size_t n,
                                const char *name)
{
    const lp_resolve_options *o = r->options;
    if (o->upgrade && (!o->fresh || in_list(o->fresh, name)))
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (strcmp(locked[i].name, name) == 0)
            return &locked[i];
    return NULL;
}

static loop_error *ask_package(lp_resolving *r, const char *name, const lp_locked *locked,
                               size_t locked_n, size_t *ret)
{
    lp_asked key = {.name = name};
    lp_asked *found = RB_FIND(lp_asked_tree, &r->by_name, &key);
    if (found) {
        *ret = ((named *)found)->place;
        return NULL;
    }
    if (r->packages.n == LP_MAX_RESOLVE_PACKAGES)
        return loop_error_new(LOOP_LIMIT, "more than %d packages are asked for",
                              LP_MAX_RESOLVE_PACKAGES);
    named *n = lp_arena_alloc(r->arena, sizeof *n);
    n->place = r->packages.n;
    n->asked =
        (lp_asked){.name = name, .registry = "", .locked = kept_of(r, locked, locked_n, name)};
    *lp_push(&r->packages) = &n->asked;
    RB_INSERT(lp_asked_tree, &r->by_name, &n->asked);
    *ret = n->place;
    return NULL;
}

/* A range of a package, new or known. */
static loop_error *ask_range(lp_resolving *r, const lp_requirement *of, const lp_locked *locked,
                             size_t locked_n, size_t *ret)
{
    ranged *n = lp_arena_alloc(r->arena, sizeof *n);
    n->range.text = of->range;
    LP_TRY(lp_package_name_check(of->name));
    LP_TRY(lp_range_parse(r->arena, of->range, &n->range.range));
    LP_TRY(ask_package(r, of->name, locked, locked_n, &n->range.package));
    lp_asked_range *found = RB_FIND(lp_range_tree, &r->by_range, &n->range);
    if (found) {
        *ret = ((ranged *)found)->place;
        return NULL;
    }
    n->place = r->ranges.n;
    *lp_push(&r->ranges) = &n->range;
    RB_INSERT(lp_range_tree, &r->by_range, &n->range);
    *ret = n->place;
    return NULL;
}

/* ---- what registries say ---- */

static int best_first(const void *a, const void *b)
{
    const lp_candidate *x = a, *y = b;
    int order = lp_version_compare(&y->version, &x->version);
    return order ? order : strcmp(y->release->version, x->release->version);
}

static bool differs(const char *a, const char *b)
{
    return *a && *b && strcmp(a, b) != 0;
}

/* The release that the lock has, as it has it. */
static const lp_release *release_of(lp_resolving *r, const lp_locked *l, const lp_release *said)
{
    lp_release *own = lp_arena_alloc(r->arena, sizeof *own);
    *own = (lp_release){.version = l->version,
                        .digest = l->digest,
                        .content = l->content,
                        .size = l->size,
                        .requires = l->requires,
                        .requires_count = l->requires_count,
                        .yanked = said ? said->yanked : NULL};
    if (!l->known && said && !differs(said->digest, l->digest)) {
        own->size = said->size;
        own->
            requires
        = said->
              requires;
        own->requires_count = said->requires_count;
    }
    return own;
}

/* The versions of a package, best first, that of the lock among them. */
static loop_error *take_answer(lp_resolving *r, lp_asked *a, const lp_package_info *info)
{
    bool found = false;
    r->releases += info->count + 1;
    if (r->releases > LP_MAX_RESOLVE_RELEASES)
        return loop_error_new(LOOP_LIMIT, "more than %d versions of packages are to be looked at",
                              LP_MAX_RESOLVE_RELEASES);
    a->versions = lp_arena_alloc(r->arena, (info->count + 1) * sizeof *a->versions);
    for (size_t i = 0; i < info->count; i++) {
        lp_candidate *c = &a->versions[a->count];
        c->release = &info->releases[i];
        loop_error *e = lp_version_parse(r->arena, c->release->version, &c->version);
        loop_error_delete(e);
        if (e)
            continue; /* a tag that is no version: nobody can ask for it */
        c->kept = a->locked && strcmp(a->locked->version, c->release->version) == 0;
        if (c->kept)
            c->release = release_of(r, a->locked, c->release);
        found = found || c->kept;
        a->count++;
    }
    if (a->locked && !found && a->locked->known) {
        lp_candidate *c = &a->versions[a->count++];
        c->release = release_of(r, a->locked, NULL);
        c->kept = true;
        LP_TRY(lp_version_parse(r->arena, c->release->version, &c->version));
    }
    qsort(a->versions, a->count, sizeof *a->versions, best_first);
    for (size_t i = 0; r->options->lowest && i < a->count / 2; i++) {
        lp_candidate other = a->versions[i];
        a->versions[i] = a->versions[a->count - 1 - i];
        a->versions[a->count - 1 - i] = other;
    }
    a->answered = true;
    return NULL;
}

/*
 * All questions for one registry. When it cannot be asked, what the lock has goes on without it;
 * the rest does not.
 */
static loop_error *ask_registry(lp_resolving *r, lp_registry *registry, lp_asked **of, size_t n)
{
    const char **names = lp_arena_alloc(r->arena, (n + 1) * sizeof *names);
    lp_package_info *infos = lp_arena_alloc(r->arena, (n + 1) * sizeof *infos);
    for (size_t i = 0; i < n; i++)
        names[i] = of[i]->name;
    loop_error *e = lp_registry_lookup(registry, names, n, r->options->refresh, r->arena, infos);
    loop_code code = loop_error_code(e);
    bool all_known = code == LOOP_UNAVAILABLE || code == LOOP_NOT_FOUND || code == LOOP_TIMEOUT ||
                     code == LOOP_IO;
    for (size_t i = 0; i < n; i++)
        all_known = all_known && of[i]->locked && of[i]->locked->known;
    if (all_known) {
        loop_error_delete(e);
        e = NULL;
        memset(infos, 0, n * sizeof *infos);
    }
    for (size_t i = 0; !e && i < n; i++) {
        of[i]->registry = lp_registry_name(registry);
        e = take_answer(r, of[i], &infos[i]);
    }
    return e;
}

/* The packages from place `from` on: each registry is asked once for all that it has of them. */
static loop_error *ask_level(lp_resolving *r, size_t from)
{
    size_t count = r->packages.n - from;
    lp_registry **registries = lp_arena_alloc(r->arena, (count + 1) * sizeof(void *));
    lp_asked **same = lp_arena_alloc(r->arena, (count + 1) * sizeof(void *));
    for (size_t i = 0; i < count; i++)
        LP_TRY(lp_registry_for(r->p, r->packages.at[from + i]->name, &registries[i]));
    for (size_t i = 0; i < count; i++) {
        if (r->packages.at[from + i]->answered)
            continue;
        size_t n = 0;
        for (size_t k = i; k < count; k++)
            if (registries[k] == registries[i])
                same[n++] = r->packages.at[from + k];
        LP_TRY(ask_registry(r, registries[i], same, n));
    }
    return NULL;
}

/* ---- level by level ---- */

/* What a version needs that is not known yet. */
static loop_error *reach(lp_resolving *r, lp_candidate *c, const lp_locked *locked, size_t locked_n)
{
    const lp_release *release = c->release;
    size_t *needs = lp_arena_alloc(r->arena, (release->requires_count + 1) * sizeof *needs), n = 0;
    c->reached = true;
    r->needs += release->requires_count;
    if (r->needs > LP_MAX_RESOLVE_NEEDS)
        return loop_error_new(LOOP_LIMIT, "the versions of packages need more than %d others",
                              LP_MAX_RESOLVE_NEEDS);
    for (size_t i = 0; i < release->requires_count; i++) {
        if (in_list(r->options->without, release->requires[i].name))
            continue;
        loop_error *e = ask_range(r, &release->requires[i], locked, locked_n, &needs[n++]);
        c->reached = loop_error_code(e) != LOOP_INVALID;
        if (!c->reached) { /* it asks for what is no package: it cannot be chosen */
            loop_error_delete(e);
            c->broken = true;
            return NULL;
        }
        LP_TRY(e);
    }
    c->needs = needs;
    c->needs_count = n;
    return NULL;
}

static bool may_be_chosen(const lp_candidate *c)
{
    return !c->broken && (!c->release->yanked || c->kept);
}

static loop_error *walk(lp_resolving *r, const lp_locked *locked, size_t locked_n)
{
    for (size_t i = 0; i < r->wishes_count; i++) {
        size_t range;
        if (in_list(r->options->without, r->wishes[i].name))
            continue;
        LP_TRY(ask_range(r, &r->wishes[i], locked, locked_n, &range));
        *lp_push(&r->wished) = range;
    }
    for (size_t packages = 0, ranges = 0; ranges < r->ranges.n;) {
        size_t next_packages = r->packages.n, next_ranges = r->ranges.n;
        LP_TRY(ask_level(r, packages));
        for (; ranges < next_ranges; ranges++) {
            const lp_asked_range *range = r->ranges.at[ranges];
            lp_asked *a = r->packages.at[range->package];
            for (size_t i = 0; i < a->count; i++)
                if (!a->versions[i].reached && may_be_chosen(&a->versions[i]) &&
                    lp_range_has(range->range, &a->versions[i].version))
                    LP_TRY(reach(r, &a->versions[i], locked, locked_n));
        }
        packages = next_packages;
    }
    return NULL;
}

/* ---- the solver's problem ---- */

typedef struct problem {
    lp_solve_problem of;
    lp_solve_release *releases;
    lp_solve_set *sets;
    size_t *kept;
    const char **names;
} problem;

static void place_releases(lp_resolving *r, problem *x)
{
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < r->packages.n; i++)
        n += r->packages.at[i]->count;
    x->releases = lp_arena_alloc(r->arena, (n + 1) * sizeof *x->releases);
    x->kept = lp_arena_alloc(r->arena, (r->packages.n + 1) * sizeof *x->kept);
    x->names = lp_arena_alloc(r->arena, (r->packages.n + 1) * sizeof *x->names);
    r->placed = lp_arena_alloc(r->arena, (n + 1) * sizeof(void *));
    r->owners = lp_arena_alloc(r->arena, (n + 1) * sizeof(void *));
    n = 0;
    for (size_t i = 0; i < r->packages.n; i++) {
        lp_asked *a = r->packages.at[i];
        x->names[i] = a->name;
        for (size_t k = 0; k < a->count; k++) {
            lp_candidate *c = &a->versions[k];
            if (!c->reached)
                continue;
            c->place = n;
            r->placed[n] = c;
            r->owners[n] = a;
            if (c->kept && kept < r->packages.n)
                x->kept[kept++] = n;
            x->releases[n++] = (lp_solve_release){.package = i,
                                                  .version = c->release->version,
                                                  .needs = c->needs,
                                                  .needs_count = c->needs_count,
                                                  .only_if_kept = c->release->yanked != NULL};
        }
    }
    x->of = (lp_solve_problem){.names = x->names,
                               .names_count = r->packages.n,
                               .releases = x->releases,
                               .releases_count = n,
                               .wishes = r->wished.at,
                               .wishes_count = r->wished.n,
                               .kept = x->kept,
                               .kept_count = kept};
}

static void place_sets(lp_resolving *r, problem *x)
{
    x->sets = lp_arena_alloc(r->arena, (r->ranges.n + 1) * sizeof *x->sets);
    for (size_t i = 0; i < r->ranges.n; i++) {
        const lp_asked_range *range = r->ranges.at[i];
        const lp_asked *a = r->packages.at[range->package];
        size_t *members = lp_arena_alloc(r->arena, (a->count + 1) * sizeof *members), n = 0;
        for (size_t k = 0; k < a->count; k++)
            if (a->versions[k].reached && lp_range_has(range->range, &a->versions[k].version))
                members[n++] = a->versions[k].place;
        x->sets[i] = (lp_solve_set){range->package, members, n};
    }
    x->of.sets = x->sets;
    x->of.sets_count = r->ranges.n;
}

/* ---- what was chosen, in order ---- */

typedef struct ordering {
    lp_resolving *r;
    const size_t *chosen; /* by place of the package that is needed: its release */
    const char **wanted;  /* by place of the package */
    bool *done;
    lp_chosen *ret;
    size_t n;
} ordering;

/* Which range led to each package first: breadth first from the wishes. */
static void note_wanted(ordering *o)
{
    lp_resolving *r = o->r;
    size_t *queue = lp_arena_alloc(r->arena, (r->packages.n + 1) * sizeof *queue), n = 0;
    for (size_t i = 0; i < r->wished.n; i++) {
        const lp_asked_range *range = r->ranges.at[r->wished.at[i]];
        if (!o->wanted[range->package])
            queue[n++] = range->package;
        o->wanted[range->package] =
            o->wanted[range->package] ? o->wanted[range->package] : range->text;
    }
    for (size_t i = 0; i < n; i++) {
        const lp_candidate *c = r->placed[o->chosen[queue[i]]];
        for (size_t k = 0; k < c->needs_count; k++) {
            const lp_asked_range *range = r->ranges.at[c->needs[k]];
            if (o->wanted[range->package])
                continue;
            o->wanted[range->package] = range->text;
            queue[n++] = range->package;
        }
    }
}

/* What a package needs, then itself; without recursion, which a chain of packages could exhaust. */
static void put_in_order(ordering *o, size_t package)
{
    lp_resolving *r = o->r;
    struct step {
        size_t package, next;
    } *steps = lp_alloc((r->packages.n + 1) * sizeof *steps);
    size_t depth = 1;
    steps[0] = (struct step){package, 0};
    o->done[package] = true;
    while (depth) {
        struct step *s = &steps[depth - 1];
        const lp_candidate *c = r->placed[o->chosen[s->package]];
        if (s->next < c->needs_count) {
            size_t needed = r->ranges.at[c->needs[s->next++]]->package;
            if (!o->done[needed]) {
                o->done[needed] = true;
                steps[depth++] = (struct step){needed, 0};
            }
            continue;
        }
        const lp_asked *a = r->packages.at[s->package];
        o->ret[o->n++] = (lp_chosen){a->name, a->registry, c->release, o->wanted[s->package]};
        depth--;
    }
    free(steps);
}

static void take_chosen(lp_resolving *r, const lp_solve_problem *of, const lp_solve_answer *answer,
                        const lp_chosen **ret, size_t *ret_n)
{
    size_t *chosen = lp_arena_alloc(r->arena, (r->packages.n + 1) * sizeof *chosen);
    ordering o = {.r = r,
                  .chosen = chosen,
                  .wanted = lp_arena_alloc(r->arena, (r->packages.n + 1) * sizeof(char *)),
                  .done = lp_arena_alloc(r->arena, r->packages.n + 1),
                  .ret = lp_arena_alloc(r->arena, (r->packages.n + 1) * sizeof(lp_chosen))};
    for (size_t i = 0; i < answer->chosen_count; i++)
        chosen[of->releases[answer->chosen[i]].package] = answer->chosen[i];
    note_wanted(&o);
    for (size_t i = 0; i < r->wished.n; i++)
        if (!o.done[r->ranges.at[r->wished.at[i]]->package])
            put_in_order(&o, r->ranges.at[r->wished.at[i]]->package);
    *ret = o.ret;
    *ret_n = o.n;
}

/* A version is its bytes, for ever: other ones under the same number are somebody's mistake. */
static loop_error *check_same(const lp_locked *locked, size_t locked_n, const lp_chosen *chosen,
                              size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const lp_locked *l = NULL;
        for (size_t k = 0; k < locked_n && !l; k++)
            l = strcmp(locked[k].name, chosen[i].name) == 0 ? &locked[k] : NULL;
        const lp_release *release = chosen[i].release;
        if (!l || strcmp(l->version, release->version) != 0)
            continue;
        bool content = *l->content && *release->content;
        if (content ? differs(l->content, release->content) : differs(l->digest, release->digest))
            return loop_error_hint_set(
                loop_error_new(LOOP_INVALID,
                               "'%s' has other bytes for %s %s than loop.lock has for it",
                               chosen[i].registry, chosen[i].name, l->version),
                "a version does not change: ask who publishes it; to take what is there now, "
                "take '%s' out of loop.lock",
                chosen[i].name);
    }
    return NULL;
}

static loop_error *choose(lp_resolving *r, const lp_chosen **ret, size_t *ret_n)
{
    problem x = {0};
    lp_solve_answer answer = {0};
    const lp_packages_tools *tools = NULL;
    place_releases(r, &x);
    place_sets(r, &x);
    LP_TRY(lp_packages_tools_get(&tools));
    LP_TRY(tools->solve(&x.of, &answer));
    loop_error *e = NULL;
    if (answer.chosen)
        take_chosen(r, &x.of, &answer, ret, ret_n);
    else
        e = lp_resolve_explain(r, &x.of, answer.blames, answer.blames_count);
    if (e && r->options->ret_conflict)
        *r->options->ret_conflict = true;
    free(answer.chosen);
    free(answer.blames);
    return e;
}

loop_error *lp_resolve(loop_packages *p, const lp_requirement *wishes, size_t n,
                       const lp_locked *locked, size_t locked_n, const lp_resolve_options *options,
                       lp_arena *arena, const lp_chosen **ret, size_t *ret_n)
{
    static const lp_resolve_options none;
    lp_resolving r = {.p = p,
                      .options = options ? options : &none,
                      .wishes = wishes,
                      .wishes_count = n,
                      .arena = arena};
    const lp_chosen *chosen = NULL;
    size_t chosen_n = 0;
    loop_error *e = walk(&r, locked, locked_n);
    if (!e && r.wished.n)
        e = choose(&r, &chosen, &chosen_n);
    if (!e)
        e = check_same(locked, locked_n, chosen, chosen_n);
    free(r.packages.at);
    free(r.ranges.at);
    free(r.wished.at);
    if (e)
        return e;
    *ret = chosen;
    *ret_n = chosen_n;
    return NULL;
}
