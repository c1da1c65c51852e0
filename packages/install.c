/*
 * packages/install.c: loop_packages_install and _list: what is asked for, chosen, in the cache, and
 * in loop.lock.
 *
 * The order makes it safe to be killed at any point: what comes into the cache is whole before it
 * has its name there (cache.c), and loop.lock is written last, in one step. Before that, nothing
 * has changed but the cache, which says of nothing that it has it when it has not.
 */
#include "packages/install.h"
#include "packages/registry.h"

#include <stdlib.h>

/* ---- rows ---- */

static const char *keep(loop_package_list *list, const char *s)
{
    return lp_package_list_keep(list, s);
}

static void add_row(loop_package_list *list, const lp_chosen *c, const lp_manifest *m,
                    const char *path, const loop_signer *signer)
{
    loop_package *row = lp_package_list_release(list, c->name, c->registry, c->release);
    row->path = keep(list, path);
    row->signer = *signer;
    row->description = keep(list, m->description);
    row->license = keep(list, m->license);
    row->source = keep(list, m->source);
    row->wanted = keep(list, c->wanted);
}

void lp_plan_add_overridden(const lp_plan *plan, loop_package_list *into)
{
    const loop_override *o;
    for (size_t i = 0; plan->config && (o = loop_config_override_at(plan->config, i)); i++) {
        loop_package *row = lp_package_list_row(into);
        row->name = keep(into, o->package);
        row->path = keep(into, o->path);
        row->overridden = true;
    }
}

/* ---- bringing ---- */

static const char *range_for(const lp_requirement *needs, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(needs[i].name, name) == 0)
            return needs[i].range;
    return NULL;
}

/* What a version of a package must satisfy, by all that is chosen; NULL-terminated. */
static const char *const *ranges_of(lp_plan *plan, const char *name)
{
    size_t most = plan->wishes.n + plan->chosen_n + 1, n = 0;
    const char **ranges = lp_arena_alloc(&plan->arena, most * sizeof *ranges);
    for (size_t i = 0; i < plan->wishes.n; i++)
        if (strcmp(plan->wishes.at[i].name, name) == 0)
            ranges[n++] = plan->wishes.at[i].range;
    for (size_t i = 0; i < plan->chosen_n; i++) {
        const lp_release *r = plan->chosen[i].release;
        const char *range = range_for(r->requires, r->requires_count, name);
        if (range)
            ranges[n++] = range;
    }
    return ranges;
}

/* A signed one may be older than what there was only where loop.lock has it, or something asks. */
static loop_error *check_age(lp_plan *plan, const lp_chosen *c, const loop_signer *by)
{
    const lp_locked *l = lp_lock_find(&plan->lock, c->name);
    if (!l || strcmp(l->version, c->release->version) != 0 ||
        strcmp(l->digest, c->release->digest) != 0)
        LP_TRY(lp_seen_check(plan->p, c->name, c->release->version, ranges_of(plan, c->name),
                             l ? l->version : NULL));
    return lp_seen_note(plan->p, c->name, c->release->version, by);
}

/* One package; what its manifest says takes the place of what the registry said. */
static loop_error *bring(lp_plan *plan, lp_chosen *c, loop_package_list *into)
{
    lp_manifest m;
    loop_signer signer = {0};
    lp_auto(lp_free_string) char *path = NULL;
    const loop_packages_options *o = &plan->p->options;
    if (o->cancelled && o->cancelled(o->data))
        return loop_error_new(LOOP_CANCELLED, "cancelled before '%s' was there", c->name);
    LP_TRY(lp_bring(plan->p, &plan->arena, c, &m, &path, &signer));
    if (*signer.key)
        LP_TRY(check_age(plan, c, &signer));
    lp_release *own = lp_arena_alloc(&plan->arena, sizeof *own);
    *own = *c->release;
    own->content = m.content;
    own->size = m.size;
    if (*own->digest) {
        own->
            requires
        = m.
              requires;
        own->requires_count = m.requires_count;
    }
    c->release = own;
    add_row(into, c, &m, path, &signer);
    return NULL;
}

loop_error *lp_plan_bring(lp_plan *plan, loop_package_list *into)
{
    lp_chosen *own = lp_arena_alloc(&plan->arena, (plan->chosen_n + 1) * sizeof *own);
    for (size_t i = 0; i < plan->chosen_n; i++) {
        own[i] = plan->chosen[i];
        LP_TRY(bring(plan, &own[i], into));
    }
    plan->chosen = own;
    return NULL;
}

/* ---- installing ---- */

/* A package by its name; or one in an archive, with what that needs. */
static loop_error *add_wish(lp_plan *plan, const char *text, loop_package_list *into)
{
    if (!loop_package_is_wish(text)) {
        LP_TRY(lp_bring_file(plan->p, text, into));
        const loop_package *row = &into->rows.at[into->rows.n - 1];
        for (size_t i = 0; row->required[i]; i += 2)
            *lp_push(&plan->wishes) = (lp_requirement){row->required[i], row->required[i + 1]};
        return NULL;
    }
    lp_requirement *wish = lp_push(&plan->wishes);
    return lp_package_wish_parse(&plan->arena, text, &wish->name, &wish->range);
}

/* What was asked for beside loop.yaml is run by name: that needs no registry then. */
static loop_error *note_wishes(lp_plan *plan)
{
    for (size_t i = plan->own; i < plan->wishes.n; i++) {
        for (size_t k = 0; k < plan->chosen_n; k++) {
            lp_registry *registry;
            const lp_chosen *c = &plan->chosen[k];
            if (strcmp(c->name, plan->wishes.at[i].name) != 0)
                continue;
            LP_TRY(lp_registry_for(plan->p, c->name, &registry));
            if (registry->kind->local)
                LP_TRY(lp_bring_note(plan->p, lp_registry_key(registry), c->name, c->release));
        }
    }
    return NULL;
}

/* Of an update: names that loop.yaml or loop.lock has, and nothing else. */
static loop_error *add_fresh(lp_plan *plan, const char *const *wishes)
{
    size_t n = 0;
    while (wishes && wishes[n])
        n++;
    if (!n)
        return NULL;
    plan->fresh = lp_arena_alloc(&plan->arena, (n + 1) * sizeof *plan->fresh);
    for (size_t i = 0; i < n; i++) {
        const char *name = wishes[i];
        bool asked = lp_lock_find(&plan->lock, name) != NULL;
        if (strchr(name, '@'))
            return loop_error_hint_set(
                loop_error_new(LOOP_USAGE, "an update is of a package, without a version: '%s'",
                               name),
                "`loop add %s` changes what loop.yaml asks for", name);
        for (size_t k = 0; k < plan->wishes.n; k++)
            asked = asked || strcmp(plan->wishes.at[k].name, name) == 0;
        if (!asked)
            return loop_error_hint_set(
                loop_error_new(LOOP_NOT_FOUND, "nothing here asks for the package '%s'", name),
                "`loop list` shows what there is; `loop add %s` asks for it", name);
        plan->fresh[i] = name;
    }
    return NULL;
}

static loop_error *check_wishes(const lp_plan *plan, const char *const *wishes)
{
    if (plan->config && loop_config_file(plan->config))
        return NULL;
    if (wishes && wishes[0])
        return NULL;
    return loop_error_hint_set(
        loop_error_new(LOOP_USAGE, "nothing is asked for, and there is no loop.yaml here"),
        "name a package: `loop install acme:notes`");
}

static loop_error *install(lp_plan *plan, loop_install_mode mode, const char *const *wishes,
                           loop_package_list *into)
{
    LP_TRY(check_wishes(plan, wishes));
    if (mode == LOOP_INSTALL_UPDATE)
        LP_TRY(add_fresh(plan, wishes));
    for (size_t i = 0; mode != LOOP_INSTALL_UPDATE && wishes && wishes[i]; i++)
        LP_TRY(add_wish(plan, wishes[i], into));
    LP_TRY(lp_plan_choose(plan, mode));
    LP_TRY(lp_plan_bring(plan, into));
    LP_TRY(note_wishes(plan));
    lp_plan_add_overridden(plan, into);
    return mode == LOOP_INSTALL_FROZEN ? NULL : lp_plan_write(plan);
}

loop_error *loop_packages_install(loop_packages *p, loop_install_mode mode,
                                  const char *const *wishes, loop_package_list **ret)
{
    lp_plan plan;
    LP_TRY(lp_plan_open(&plan, p, p->options.config, mode != LOOP_INSTALL_FROZEN));
    loop_package_list *list = lp_package_list_new();
    loop_error *e = install(&plan, mode, wishes, list);
    lp_plan_close(&plan);
    if (e)
        loop_package_list_delete(list);
    else
        *ret = list;
    return e;
}

/* ---- what there is ---- */

/* The newest that could be chosen; why that of the lock should not be any more. */
static void take_newest(lp_plan *plan, const lp_package_info *info, loop_package *row,
                        loop_package_list *list)
{
    lp_version newest = {0};
    for (size_t i = 0; i < info->count; i++) {
        const lp_release *r = &info->releases[i];
        lp_version version;
        if (strcmp(r->version, row->version) == 0 && r->yanked)
            row->yanked = keep(list, r->yanked);
        loop_error *e = lp_version_parse(&plan->arena, r->version, &version);
        loop_error_delete(e);
        if (e || r->yanked || *version.pre ||
            (*row->newest && lp_version_compare(&version, &newest) <= 0))
            continue;
        newest = version;
        row->newest = keep(list, r->version);
    }
}

/* Each registry is asked once for all that is from it. */
static loop_error *look_up_newest(lp_plan *plan, loop_package_list *list)
{
    size_t n = list->rows.n;
    lp_registry **of = lp_arena_alloc(&plan->arena, (n + 1) * sizeof(void *));
    const char **names = lp_arena_alloc(&plan->arena, (n + 1) * sizeof *names);
    size_t *places = lp_arena_alloc(&plan->arena, (n + 1) * sizeof *places);
    lp_package_info *infos = lp_arena_alloc(&plan->arena, (n + 1) * sizeof *infos);
    for (size_t i = 0; i < n; i++)
        LP_TRY(lp_registry_for(plan->p, list->rows.at[i].name, &of[i]));
    for (size_t i = 0; i < n; i++) {
        size_t count = 0;
        lp_registry *registry = of[i];
        for (size_t k = i; registry && k < n; k++) {
            if (of[k] != registry)
                continue;
            of[k] = NULL; /* asked */
            places[count] = k;
            names[count++] = list->rows.at[k].name;
        }
        if (count)
            LP_TRY(lp_registry_lookup(registry, names, count, true, &plan->arena, infos));
        for (size_t k = 0; k < count; k++)
            take_newest(plan, &infos[k], &list->rows.at[places[k]], list);
    }
    return NULL;
}

static loop_error *list_locked(lp_plan *plan, const lp_locked *l, loop_package_list *list)
{
    loop_package *row = lp_package_list_row(list);
    lp_registry *registry;
    lp_manifest m = {0};
    lp_auto(lp_free_string) char *path = NULL;
    row->name = keep(list, l->name);
    row->version = keep(list, l->version);
    row->digest = keep(list, l->digest);
    row->content = keep(list, l->content);
    row->registry = keep(list, l->registry);
    row->wanted = keep(list, l->wanted);
    const char *local = lp_plan_override(plan->config, l->name);
    row->overridden = local != NULL;
    row->path = local ? keep(list, local) : "";
    LP_TRY(lp_registry_for(plan->p, l->name, &registry));
    loop_error *e =
        local ? NULL : lp_cache_blob(plan->p->cache, lp_registry_key(registry), l->content, &path);
    loop_error_delete(e); /* not there, or damaged: the next install brings it */
    if (path)
        row->path = keep(list, path);
    const lp_origin from = {.registry = registry, .key = lp_registry_key(registry)};
    e = *l->digest
            ? lp_bring_manifest(plan->p, &plan->arena, l->name, l->version, l->digest, false, &m)
            : NULL;
    if (!e && *l->digest) {
        row->description = keep(list, m.description);
        row->license = keep(list, m.license);
        row->source = keep(list, m.source);
        row->size = m.size;
        row->required = lp_package_list_requires(list, m.requires, m.requires_count);
        if (!local) /* what is not taken is not run, and says so then */
            e = lp_packages_verify(plan->p, &from, l->name, l->version, &m, &row->signer);
    }
    loop_error_delete(e);
    return NULL;
}

loop_error *loop_packages_list(loop_packages *p, bool newest, loop_package_list **ret)
{
    lp_plan plan;
    LP_TRY(lp_plan_open(&plan, p, p->options.config, false));
    loop_package_list *list = lp_package_list_new();
    loop_error *e = NULL;
    for (size_t i = 0; !e && i < plan.lock.n; i++)
        e = list_locked(&plan, &plan.lock.at[i], list);
    if (!e && newest)
        e = look_up_newest(&plan, list);
    lp_plan_close(&plan);
    if (e)
        loop_package_list_delete(list);
    else
        *ret = list;
    return e;
}
