/*
 * packages/plan.c: what is asked for, what loop.lock has, and whether that is enough.
 *
 * loop.lock is enough when every wish, and every need of what it leads to, is satisfied by a row
 * of it. Needs are in the packages' manifests, which are held by digest: no registry is asked what
 * it has, so that a checked-in lock gives the same everywhere, whatever was published since, or
 * taken back. Only where it is not enough are registries asked.
 *
 * The files of a workspace are changed by one process at a time: who does holds a lock of the
 * system, beside the cache, since a workspace may be read-only or shared by a network.
 */
#include <stdlib.h>

#include "base/path.h"
#include "loop/trust.h"
#include "packages/install.h"

#define LOOK_AGAIN_MS 50

char *lp_plan_lock_file(const loop_config *config)
{
    const char *file = config ? loop_config_file(config) : NULL;
    if (!file)
        return NULL;
    size_t n = strlen(file);
    for (size_t i = 0; i < 2; i++) {
        const char *end = i ? ".yml" : ".yaml";
        if (n > strlen(end) && strcmp(file + n - strlen(end), end) == 0)
            n -= strlen(end);
    }
    return lp_format("%.*s.lock", (int)n, file);
}

char *lp_plan_shown(const char *path)
{
    lp_auto(lp_free_string) char *cwd = lp_os_cwd();
    bool below = cwd && strcmp(cwd, "/") != 0 && lp_path_inside(path, cwd);
    return lp_strdup(below ? lp_path_below(path, cwd) : path);
}

const char *lp_plan_override(const loop_config *config, const char *package)
{
    const loop_override *row;
    for (size_t i = 0; config && (row = loop_config_override_at(config, i)); i++)
        if (strcmp(row->package, package) == 0)
            return row->path;
    return NULL;
}

/* ---- what is asked for ---- */

static loop_error *collect_wishes(lp_plan *plan)
{
    const loop_component_config *row;
    for (size_t i = 0; plan->config && (row = loop_config_component_at(plan->config, i)); i++) {
        if (!row->package || row->path)
            continue; /* a file in its place: nothing is asked for */
        lp_requirement *wish = lp_push(&plan->wishes);
        LP_TRY(lp_package_wish_parse(&plan->arena, row->package, &wish->name, &wish->range));
    }
    plan->own = plan->wishes.n;
    return NULL;
}

static void collect_overrides(lp_plan *plan)
{
    const loop_override *row;
    size_t n = 0;
    while (plan->config && loop_config_override_at(plan->config, n))
        n++;
    plan->without = lp_arena_alloc(&plan->arena, (n + 1) * sizeof *plan->without);
    for (size_t i = 0; i < n && (row = loop_config_override_at(plan->config, i)); i++)
        plan->without[i] = row->package;
}

/* ---- one at a time ---- */

/* The lock of a workspace, by its path; malloced. */
static loop_error *lock_name(const lp_plan *plan, char **ret)
{
    char digest[LOOP_DIGEST_TEXT];
    const char *file = loop_config_file(plan->config);
    loop_trust_digest(file, strlen(file), digest);
    lp_auto(lp_free_string) char *folder = lp_format("%s/workspaces", plan->p->options.cache_dir);
    LP_TRY(lp_os_mkdirs(folder));
    *ret = lp_format("%s/%.32s.lock", folder, digest);
    return NULL;
}

static loop_error *hold(lp_plan *plan)
{
    const loop_packages_options *o = &plan->p->options;
    lp_auto(lp_free_string) char *name = NULL;
    LP_TRY(lock_name(plan, &name));
    LP_TRY(lp_os_lock_open(name, &plan->held));
    for (unsigned waited = 0; !lp_os_lock_try(plan->held); waited += LOOK_AGAIN_MS) {
        loop_error *e = NULL;
        if (o->cancelled && o->cancelled(o->data))
            e = loop_error_new(LOOP_CANCELLED, "cancelled while another loop changes '%s'",
                               plan->lock_shown);
        else if (waited >= LP_MAX_WORKSPACE_WAIT_MS)
            e = loop_error_new(LOOP_TIMEOUT, "another loop has been changing '%s' for %d s",
                               plan->lock_shown, LP_MAX_WORKSPACE_WAIT_MS / 1000);
        if (e) {
            lp_os_lock_close(plan->held);
            plan->held = NULL;
            return e;
        }
        lp_os_sleep_ms(LOOK_AGAIN_MS);
    }
    return NULL;
}

static loop_error *open_plan(lp_plan *plan, bool write)
{
    LP_TRY(collect_wishes(plan));
    collect_overrides(plan);
    if (!plan->lock_file)
        return NULL;
    if (write)
        LP_TRY(hold(plan));
    return lp_lock_read(&plan->arena, plan->lock_file, plan->lock_shown, &plan->lock);
}

loop_error *lp_plan_open(lp_plan *plan, loop_packages *p, const loop_config *config, bool write)
{
    *plan = (lp_plan){.p = p, .config = config, .lock_file = lp_plan_lock_file(config)};
    plan->lock_shown = plan->lock_file ? lp_plan_shown(plan->lock_file) : NULL;
    loop_error *e = open_plan(plan, write);
    if (e)
        lp_plan_close(plan);
    return e;
}

void lp_plan_close(lp_plan *plan)
{
    if (plan->held) {
        lp_os_lock_release(plan->held);
        lp_os_lock_close(plan->held);
    }
    free(plan->wishes.at);
    free(plan->lock_file);
    free(plan->lock_shown);
    lp_arena_done(&plan->arena);
    *plan = (lp_plan){0};
}

/* ---- whether the lock is enough ---- */

static bool is_without(const lp_plan *plan, const char *name)
{
    for (size_t i = 0; plan->without[i]; i++)
        if (strcmp(plan->without[i], name) == 0)
            return true;
    return false;
}

static loop_error *has_version(lp_plan *plan, const char *text, const char *version, bool *ret)
{
    const lp_range *range;
    lp_version parsed;
    LP_TRY(lp_range_parse(&plan->arena, text, &range));
    LP_TRY(lp_version_parse(&plan->arena, version, &parsed));
    *ret = lp_range_has(range, &parsed);
    return NULL;
}

/* Fills in what a locked version needs, from its manifest. */
static loop_error *learn(lp_plan *plan, lp_locked *l, bool fetch)
{
    lp_manifest m;
    if (l->known)
        return NULL;
    if (*l->digest) {
        LP_TRY(lp_bring_manifest(plan->p, &plan->arena, l->name, l->version, l->digest, fetch, &m));
        l->
            requires
        = m.
              requires;
        l->requires_count = m.requires_count;
        l->size = m.size;
    }
    l->known = true;
    return NULL;
}

/* The packages that wishes lead to by the lock; breadth first. */
typedef struct walk {
    lp_plan *plan;
    lp_locked **at; /* those reached, in order */
    size_t n;
    bool *reached; /* by place in the lock */
    char *lacking; /* what it does not have, in words; malloced */
} walk;

/* False where the lock has no version for it. */
static loop_error *follow(walk *w, const char *by, const lp_requirement *need, bool *ret)
{
    lp_plan *plan = w->plan;
    *ret = true;
    if (is_without(plan, need->name))
        return NULL;
    lp_locked *l = (lp_locked *)lp_lock_find(&plan->lock, need->name);
    bool fits = false;
    if (l)
        LP_TRY(has_version(plan, need->range, l->version, &fits));
    if (!fits) {
        *ret = false;
        w->lacking =
            l ? lp_format("%s %s %s, and it has %s", by, need->name, need->range, l->version)
              : lp_format("%s %s %s, and it has none", by, need->name, need->range);
        return NULL;
    }
    size_t place = (size_t)(l - plan->lock.at);
    if (w->reached[place])
        return NULL;
    w->reached[place] = true;
    w->at[w->n++] = l;
    return NULL;
}

/*
 * *ret_all: the lock has all that the wishes lead to. Manifests that are not in the cache come from
 * their registry.
 */
static loop_error *walk_lock(walk *w, bool *ret_all)
{
    lp_plan *plan = w->plan;
    size_t most = plan->lock.n + 1;
    w->at = lp_arena_alloc(&plan->arena, most * sizeof *w->at);
    w->reached = lp_arena_alloc(&plan->arena, most);
    *ret_all = true;
    for (size_t i = 0; *ret_all && i < plan->wishes.n; i++)
        LP_TRY(follow(w, i < plan->own ? "loop.yaml asks for" : "the command asks for",
                      &plan->wishes.at[i], ret_all));
    for (size_t i = 0; *ret_all && i < w->n; i++) {
        LP_TRY(learn(plan, w->at[i], true));
        lp_auto(lp_free_string) char *by =
            lp_format("%s %s needs", w->at[i]->name, w->at[i]->version);
        for (size_t k = 0; *ret_all && k < w->at[i]->requires_count; k++)
            LP_TRY(follow(w, by, &w->at[i]->requires[k], ret_all));
    }
    return NULL;
}

/* What each needs, then itself: depth first, without recursion. */
static void take_locked(walk *w)
{
    lp_plan *plan = w->plan;
    struct step {
        size_t at, next;
    } *steps = lp_alloc((w->n + 1) * sizeof *steps);
    bool *done = lp_arena_alloc(&plan->arena, plan->lock.n + 1);
    lp_chosen *chosen = lp_arena_alloc(&plan->arena, (w->n + 1) * sizeof *chosen);
    for (size_t i = 0; i < w->n; i++) {
        size_t depth = 0;
        if (!done[w->at[i] - plan->lock.at])
            steps[depth++] = (struct step){(size_t)(w->at[i] - plan->lock.at), 0};
        done[w->at[i] - plan->lock.at] = true;
        while (depth) {
            struct step *s = &steps[depth - 1];
            const lp_locked *l = &plan->lock.at[s->at], *need = NULL;
            while (s->next < l->requires_count && !need) {
                need = lp_lock_find(&plan->lock, l->requires[s->next++].name);
                need = need && w->reached[need - plan->lock.at] && !done[need - plan->lock.at]
                           ? need
                           : NULL;
            }
            if (need) {
                done[need - plan->lock.at] = true;
                steps[depth++] = (struct step){(size_t)(need - plan->lock.at), 0};
                continue;
            }
            lp_release *release = lp_arena_alloc(&plan->arena, sizeof *release);
            *release = (lp_release){.version = l->version,
                                    .digest = l->digest,
                                    .content = l->content,
                                    .size = l->size,
                                    .requires = l->requires,
                                    .requires_count = l->requires_count};
            chosen[plan->chosen_n++] = (lp_chosen){l->name, l->registry, release, l->wanted};
            depth--;
        }
    }
    free(steps);
    plan->chosen = chosen;
}

/* ---- choosing ---- */

static loop_error *not_enough(const lp_plan *plan, const char *lacking)
{
    if (!plan->lock_file)
        return loop_error_hint_set(
            loop_error_new(LOOP_CONFIG, "there is no loop.yaml here, and no lock beside it"),
            "run `loop install` without --frozen");
    loop_error *e = plan->lock.there
                        ? loop_error_new(LOOP_CONFIG, "'%s' is not what is asked for: %s",
                                         plan->lock_shown, lacking)
                        : loop_error_new(LOOP_CONFIG, "there is no '%s'", plan->lock_shown);
    return loop_error_hint_set(e, "run `loop install` without --frozen, look at what it changes in "
                                  "the file, and keep that with the sources");
}

static loop_error *resolve(lp_plan *plan, loop_install_mode mode)
{
    bool update = mode == LOOP_INSTALL_UPDATE;
    for (size_t i = 0; i < plan->lock.n; i++) /* what the cache has, goes without a registry */
        loop_error_delete(learn(plan, &plan->lock.at[i], false));
    const lp_resolve_options options = {.upgrade = update,
                                        .refresh = update && !plan->p->options.offline,
                                        .fresh = plan->fresh,
                                        .without = plan->without};
    return lp_resolve(plan->p, plan->wishes.at, plan->wishes.n, plan->lock.at, plan->lock.n,
                      &options, &plan->arena, &plan->chosen, &plan->chosen_n);
}

loop_error *lp_plan_choose(lp_plan *plan, loop_install_mode mode)
{
    walk w = {.plan = plan};
    bool all = false;
    if (mode == LOOP_INSTALL_UPDATE)
        return resolve(plan, mode);
    loop_error *e = walk_lock(&w, &all);
    if (!e && all)
        take_locked(&w);
    else if (!e && mode == LOOP_INSTALL_FROZEN)
        e = not_enough(plan, w.lacking);
    else if (!e)
        e = resolve(plan, mode);
    free(w.lacking);
    return e;
}

/* ---- writing what was chosen ---- */

static size_t place_of(const lp_plan *plan, const char *name)
{
    size_t i = 0;
    while (i < plan->chosen_n && strcmp(plan->chosen[i].name, name) != 0)
        i++;
    return i;
}

/* A row for what a need of loop.yaml, or of what it leads to, is first satisfied by. */
static void add_row(const lp_plan *plan, const lp_requirement *need, bool *taken, lp_locked *rows,
                    size_t *places, size_t *n)
{
    size_t place = place_of(plan, need->name);
    if (place == plan->chosen_n || taken[place])
        return;
    const lp_chosen *c = &plan->chosen[place];
    taken[place] = true;
    places[*n] = place;
    rows[(*n)++] = (lp_locked){.name = c->name,
                               .version = c->release->version,
                               .digest = c->release->digest,
                               .content = c->release->content,
                               .registry = c->registry,
                               .wanted = need->range};
}

loop_error *lp_plan_write(lp_plan *plan)
{
    size_t most = plan->chosen_n + 1, n = 0;
    lp_locked *rows = lp_arena_alloc(&plan->arena, most * sizeof *rows);
    size_t *places = lp_arena_alloc(&plan->arena, most * sizeof *places);
    bool *taken = lp_arena_alloc(&plan->arena, most);
    for (size_t i = 0; i < plan->own; i++)
        add_row(plan, &plan->wishes.at[i], taken, rows, places, &n);
    for (size_t i = 0; i < n; i++) {
        const lp_release *r = plan->chosen[places[i]].release;
        for (size_t k = 0; k < r->requires_count; k++)
            add_row(plan, &r->requires[k], taken, rows, places, &n);
    }
    if (!plan->lock_file || (!n && !plan->lock.there))
        return NULL;
    loop_error *e = lp_lock_write(plan->lock_file, rows, n);
    return e ? loop_error_wrap(e, "cannot write '%s'", plan->lock_shown) : NULL;
}
