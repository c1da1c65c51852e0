/*
 * bindgen/gen_plan.c: which interfaces an output has, in which order, what for,
 * and what they are called.
 *
 * With a world: what it imports and exports. Without: everything of the package;
 * an interface that one of its worlds exports is called, one that is not only
 * exported is implemented. A package without interfaces of its own (a component's,
 * say) means its worlds' interfaces. Whatever these use comes along as types.
 */
#include <ctype.h>
#include <stdlib.h>

#include "bindgen/gen.h"

/* ---- the world ---- */

/* Whether `wanted` names the world: "app" in the main package, else "acme:shop/app[@1.0.0]". */
static bool is_wanted(const struct lp_wit *w, const struct lp_wit_world *world, const char *wanted)
{
    if (!strchr(wanted, '/'))
        return world->package == w->main && strcmp(world->name, wanted) == 0;
    size_t n = strlen(world->package->name), m = strlen(world->name);
    if (strncmp(wanted, world->package->name, n) != 0 || wanted[n] != '/' ||
        strncmp(wanted + n + 1, world->name, m) != 0)
        return false;
    const char *rest = wanted + n + 1 + m;
    return !*rest || (*rest == '@' && strcmp(rest + 1, world->package->version) == 0);
}

/* A package's name with its version. */
static void put_package(lp_buf *b, const struct lp_wit_package *p)
{
    lp_buf_printf(b, "%s%s%s", p->name, *p->version ? "@" : "", p->version);
}

static loop_error *no_world(const struct lp_wit *w, const char *wanted)
{
    lp_buf name = {0}, there = {0};
    put_package(&name, w->main);
    for (size_t i = 0; i < w->world_count; i++)
        if (w->worlds[i].package == w->main)
            lp_buf_printf(&there, "%s%s", there.len ? ", " : "", w->worlds[i].name);
    loop_error *e =
        loop_error_new(LOOP_NOT_FOUND, "there is no world '%s' in %s", wanted, name.ptr);
    if (there.len)
        e = loop_error_hint_set(e, "its worlds: %s; one of another package: PACKAGE/WORLD",
                                there.ptr);
    else
        e = loop_error_hint_set(e, "it has no worlds; leave --world out for all its interfaces");
    lp_buf_done(&name);
    lp_buf_done(&there);
    return e;
}

static loop_error *find_world(const struct lp_wit *w, const char *wanted,
                              const struct lp_wit_world **ret)
{
    const struct lp_wit_world *found = NULL;
    for (size_t i = 0; i < w->world_count; i++) {
        if (!is_wanted(w, &w->worlds[i], wanted))
            continue;
        if (found)
            return loop_error_hint_set(
                loop_error_new(LOOP_USAGE, "'%s' is a world of several versions", wanted),
                "say which: %s@%s or %s@%s", wanted, found->package->version, wanted,
                w->worlds[i].package->version);
        found = &w->worlds[i];
    }
    *ret = found;
    return found ? NULL : no_world(w, wanted);
}

/* ---- units ---- */

static struct lp_gen_unit *unit_of(struct lp_gen *g, const struct lp_wit_scope *s)
{
    struct lp_gen_unit **u = &g->by_scope[s->id];
    if (!*u) {
        *u = lp_arena_alloc(&g->arena, sizeof **u);
        (*u)->scope = s;
    }
    return *u;
}

/* The roles that a world gives to its interfaces. */
static void take_world(struct lp_gen *g, const struct lp_wit_world *world)
{
    for (size_t i = 0; i < world->import_count; i++)
        unit_of(g, world->imports[i])->table = true;
    for (size_t i = 0; i < world->export_count; i++)
        unit_of(g, world->exports[i])->calls = true;
    if (world->scope->functions.n)
        unit_of(g, world->scope)->table = true;
    if (world->scope->exports.n)
        unit_of(g, world->scope)->calls = true;
    if (world->scope->type_count)
        unit_of(g, world->scope);
}

/* Whether an interface belongs to the package, rather than to a world of it. */
static bool is_own(const struct lp_gen *g, const struct lp_wit_scope *s)
{
    return s->package == g->wit->main && !s->world;
}

static void take_package(struct lp_gen *g)
{
    const struct lp_wit *w = g->wit;
    bool any = false;
    for (size_t i = 0; i < w->interface_count; i++)
        any = any || is_own(g, &w->scopes[i]);
    for (size_t i = 0; i < w->world_count; i++)
        if (w->worlds[i].package == w->main)
            take_world(g, &w->worlds[i]);
    for (size_t i = 0; any && i < w->interface_count; i++) {
        const struct lp_wit_scope *s = &w->scopes[i];
        if (is_own(g, s) && !unit_of(g, s)->calls)
            unit_of(g, s)->table = true;
        else if (s->package != w->main) /* the types that are used, if any; it has a header */
            g->by_scope[i] = NULL;
    }
}

/* ---- what refers to what ---- */

/* Calls `found` for each named type of another scope that a scope's types and functions use. */
struct walk {
    struct lp_gen *g;
    const struct lp_wit_scope *scope;
    bool *seen; /* by the type's id */
    void (*found)(struct walk *w, const struct lp_wit_type *t);
    bool guest;
    bool answer;
};

static void walk_type(struct walk *w, const struct lp_wit_type *t)
{
    if (!t || lp_wit_is_plain(t) || t->kind == LP_WIT_OTHER || t->other || w->seen[t->id])
        return;
    w->seen[t->id] = true;
    if (t->owner && t->owner != w->scope) {
        w->found(w, t);
        return;
    }
    for (size_t i = 0; i < t->count; i++)
        walk_type(w, t->fields[i].type);
}

static void walk_functions(struct walk *w, const struct lp_wit_functions *functions)
{
    for (size_t i = 0; i < functions->n; i++) {
        const struct lp_wit_function *f = &functions->at[i];
        for (size_t k = 0; k < f->count; k++)
            walk_type(w, f->params[k].type);
        walk_type(w, f->result);
    }
}

static void walk_scope(struct walk *w)
{
    w->seen = lp_alloc(w->g->wit->type_count + 1);
    for (size_t i = 0; i < w->scope->type_count; i++)
        walk_type(w, w->scope->types[i]);
    walk_functions(w, &w->scope->functions);
    walk_functions(w, &w->scope->exports);
    free(w->seen);
}

/* ---- resources of the component ---- */

static bool defines_resources(const struct lp_wit_scope *s)
{
    for (size_t i = 0; i < s->type_count; i++)
        if (s->types[i]->kind == LP_WIT_RESOURCE)
            return true;
    return false;
}

/* Whether a resource of an interface that the component exports is in `t`, whoever owns it. */
static bool reaches_guest(struct walk *w, const struct lp_wit_type *t)
{
    if (!t || lp_wit_is_plain(t) || t->kind == LP_WIT_OTHER)
        return false;
    if (t->kind == LP_WIT_RESOURCE) {
        const struct lp_gen_unit *u = w->g->by_scope[t->owner->id];
        return u && u->calls && !t->owner->is_world;
    }
    if (w->seen[t->id])
        return false;
    w->seen[t->id] = true;
    for (size_t i = 0; i < t->count; i++)
        if (reaches_guest(w, t->fields[i].type))
            return true;
    return false;
}

static void found_guest(struct walk *w, const struct lp_wit_type *t)
{
    w->seen[t->id] = false; /* walk_type has marked it; what is in it is not looked at yet */
    if (!w->answer)
        w->answer = reaches_guest(w, t);
}

static bool needs_guest(struct lp_gen *g, const struct lp_gen_unit *u)
{
    if (!u->calls || u->scope->is_world)
        return false;
    if (defines_resources(u->scope))
        return true;
    struct walk w = {.g = g, .scope = u->scope, .found = found_guest};
    walk_scope(&w);
    return w.answer;
}

/* ---- order ---- */

static void want_block(struct lp_gen *g, struct lp_gen_unit *u, bool guest);

static void found_block(struct walk *w, const struct lp_wit_type *t)
{
    struct lp_gen_unit *u = unit_of(w->g, t->owner);
    want_block(w->g, u, w->guest && u->guest);
}

/* Wants a block and, before it, those that it uses; `use` forms no circle. */
static void want_block(struct lp_gen *g, struct lp_gen_unit *u, bool guest)
{
    if (u->blocks[guest])
        return;
    bool known = u->blocks[!guest];
    u->blocks[guest] = true;
    struct walk w = {.g = g, .scope = u->scope, .found = found_block, .guest = guest};
    walk_scope(&w);
    if (!known)
        *lp_push(&g->units) = u;
}

static void order(struct lp_gen *g)
{
    size_t n = g->wit->interface_count + g->wit->world_count;
    for (size_t i = 0; i < n; i++)
        if (g->by_scope[i])
            g->by_scope[i]->guest = needs_guest(g, g->by_scope[i]);
    for (size_t i = 0; i < n; i++) {
        struct lp_gen_unit *u = g->by_scope[i];
        if (!u || !(u->table || u->calls || u->scope->is_world))
            continue;
        if (u->table || !u->guest)
            want_block(g, u, false);
        if (u->guest)
            want_block(g, u, true);
    }
}

/* ---- names ---- */

/* One part of a version before '.', or the rest; moves on. */
static size_t part(const char **s)
{
    size_t n = strcspn(*s, ".-+");
    *s += n;
    return n;
}

/* As semantic versions are ordered; one without a version is the oldest. */
static int compare_versions(const char *a, const char *b)
{
    if (!*a || !*b)
        return !!*a - !!*b;
    while (*a && *b && *a != '+' && *b != '+') {
        const char *x = a, *y = b;
        size_t n = part(&a), m = part(&b);
        bool numbers = strspn(x, "0123456789") >= n && strspn(y, "0123456789") >= m;
        int by = numbers && n != m ? (n < m ? -1 : 1) : strncmp(x, y, LP_MIN(n, m));
        if (by || n != m)
            return by ? by : n < m ? -1 : 1;
        if (*a != *b) /* "1.0.0" is newer than "1.0.0-draft", which "1.0.0-draft.1" is newer than */
            return *a == '-' ? -1 : *b == '-' ? 1 : *a ? 1 : -1;
        a += *a != 0;
        b += *b != 0;
    }
    return 0;
}

/* Whether a newer version of the unit's package is in the output too. */
static bool is_outdated(const struct lp_gen *g, const struct lp_gen_unit *u)
{
    const struct lp_wit_package *p = u->scope->package;
    for (size_t i = 0; i < g->units.n; i++) {
        const struct lp_wit_package *q = g->units.at[i]->scope->package;
        if (p != q && strcmp(p->name, q->name) == 0 && compare_versions(p->version, q->version) < 0)
            return true;
    }
    return false;
}

static void name_unit(struct lp_gen *g, struct lp_gen_unit *u)
{
    static const char *const taken[] = {"functions", "interface", "exports", "bind"};
    const struct lp_wit_scope *s = u->scope;
    bool within = s->world && !s->is_world;
    const char *name = lp_gen_text(g, "%s_%s%s%s", lp_gen_snake(g, s->package->name),
                                   within ? lp_gen_snake(g, s->world->name) : "", within ? "_" : "",
                                   lp_gen_snake(g, s->name));
    const char *before = g->options->prefix;
    if (before && strncmp(name, before, strlen(before)) != 0)
        name = lp_gen_text(g, "%s%s", before, name);
    bool has_version = *s->package->version;
    const char *versioned = lp_gen_text(
        g, "%s_%s", name, has_version ? lp_gen_snake(g, s->package->version) : "unversioned");
    u->prefix = lp_gen_claim(g, "prefixes", is_outdated(g, u) ? versioned : name);
    /* With its version: headers that mean different ones by a name must not share types. */
    u->guard = lp_gen_claim(g, "prefixes", lp_gen_upper(g, has_version ? versioned : name));
    lp_gen_claim(g, "", lp_gen_text(g, "%s_TYPES", u->guard));
    lp_gen_claim(g, "", lp_gen_text(g, "%s_GUEST_TYPES", u->guard));
    for (size_t i = 0; i < LP_COUNT(taken); i++)
        lp_gen_claim(g, "", lp_gen_text(g, "%s_%s", u->prefix, taken[i]));
}

struct lp_gen_block lp_gen_block_of(struct lp_gen *g, struct lp_gen_unit *u, bool guest)
{
    return (struct lp_gen_block){u, guest,
                                 guest ? lp_gen_text(g, "%s_guest", u->prefix) : u->prefix};
}

loop_error *lp_gen_plan(struct lp_gen *g)
{
    const struct lp_wit *w = g->wit;
    g->by_scope =
        lp_arena_alloc(&g->arena, (w->interface_count + w->world_count + 1) * sizeof *g->by_scope);
    if (g->options->world) {
        const struct lp_wit_world *world;
        LP_TRY(find_world(w, g->options->world, &world));
        take_world(g, world);
    } else {
        take_package(g);
    }
    order(g);
    for (size_t i = 0; i < g->units.n; i++)
        name_unit(g, g->units.at[i]);
    for (size_t i = 0; i < g->units.n; i++)
        for (int guest = 0; guest < 2; guest++)
            if (g->units.at[i]->blocks[guest]) {
                struct lp_gen_block b = lp_gen_block_of(g, g->units.at[i], guest);
                lp_gen_claim_types(g, &b);
            }
    if (g->units.n)
        return NULL;
    return loop_error_hint_set(loop_error_new(LOOP_INVALID, "there is nothing to bind in it"),
                               "a package needs an interface, or a world that imports or exports "
                               "something");
}
