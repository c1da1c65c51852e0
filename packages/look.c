/*
 * packages/look.c: looking for packages step by step, for who decides itself what comes of it:
 * asking, choosing, fetching. loop:pkg is these functions (providers/packages).
 *
 * Nothing is written but the cache, and loop.yaml's own wishes and locks do not count.
 */
#include <stdlib.h>

#include "packages/install.h"
#include "packages/registry.h"

static const char *keep(loop_package_list *list, const char *s)
{
    return lp_package_list_keep(list, s);
}

/* Hands out `list`, or deletes it. */
static loop_error *finish(loop_error *e, loop_package_list *list, loop_package_list **ret)
{
    if (e)
        loop_package_list_delete(list);
    else
        *ret = list;
    return e;
}

/* ---- asking ---- */

static loop_error *add_versions(loop_packages *p, const char *name, loop_package_list *list,
                                unsigned *fresh)
{
    lp_arena arena = {0};
    lp_registry *r;
    lp_package_info info;
    loop_error *e = lp_package_name_check(name);
    if (!e)
        e = lp_registry_for(p, name, &r);
    if (!e)
        e = lp_registry_lookup(r, &name, 1, false, &arena, &info);
    for (size_t i = 0; !e && i < info.count; i++)
        lp_package_list_release(list, name, lp_registry_name(r), &info.releases[i]);
    if (!e)
        *fresh = LP_MIN(*fresh, info.fresh_for_s);
    lp_arena_done(&arena);
    return e;
}

loop_error *loop_packages_versions(loop_packages *p, const char *const *names,
                                   loop_package_list **ret, unsigned *ret_fresh_for_s)
{
    loop_package_list *list = lp_package_list_new();
    unsigned fresh = LP_MAX_REGISTRY_FRESH_S;
    loop_error *e = NULL;
    for (size_t i = 0; !e && names[i]; i++)
        e = add_versions(p, names[i], list, &fresh);
    if (!e)
        *ret_fresh_for_s = fresh;
    return finish(e, list, ret);
}

loop_error *loop_packages_attached(loop_packages *p, const char *name, const char *digest,
                                   loop_package_list **ret)
{
    lp_arena arena = {0};
    lp_registry *r = NULL;
    const lp_blob *blobs = NULL;
    size_t n = 0;
    loop_package_list *list = lp_package_list_new();
    loop_error *e = lp_package_name_check(name);
    if (!e && !lp_digest_is(digest))
        e = loop_error_new(LOOP_INVALID, "'%.80s' is no digest", digest);
    if (!e)
        e = lp_registry_for(p, name, &r);
    if (!e)
        e = lp_registry_open(r);
    if (!e && r->kind->referrers)
        e = r->kind->referrers(r->self, name, digest, &arena, &blobs, &n);
    for (size_t i = 0; !e && i < n; i++) {
        loop_package *row = lp_package_list_row(list);
        row->digest = keep(list, blobs[i].digest);
        row->description = keep(list, blobs[i].media_type);
        row->size = blobs[i].size;
    }
    lp_arena_done(&arena);
    return finish(e, list, ret);
}

/* ---- choosing ---- */

static loop_error *read_wishes(lp_arena *arena, const char *const *wishes, lp_requirement **ret,
                               size_t *ret_n)
{
    size_t n = 0;
    while (wishes[2 * n])
        n++;
    lp_requirement *list = lp_arena_alloc(arena, (n + 1) * sizeof *list);
    for (size_t i = 0; i < n; i++) {
        const lp_range *range;
        list[i] = (lp_requirement){wishes[2 * i], wishes[2 * i + 1]};
        LP_TRY(lp_package_name_check(list[i].name));
        LP_TRY(lp_range_parse(arena, list[i].range, &range));
    }
    *ret = list;
    *ret_n = n;
    return NULL;
}

static loop_error *read_locked(lp_arena *arena, const loop_choose_options *o, lp_locked **ret)
{
    lp_locked *list = lp_arena_alloc(arena, (o->locked_count + 1) * sizeof *list);
    for (size_t i = 0; i < o->locked_count; i++) {
        const loop_package *l = &o->locked[i];
        lp_version v;
        LP_TRY(lp_package_name_check(l->name));
        LP_TRY(lp_version_parse(arena, l->version, &v));
        if ((*l->digest && !lp_digest_is(l->digest)) || (*l->content && !lp_digest_is(l->content)))
            return loop_error_new(LOOP_INVALID, "the digest of '%s' is none", l->name);
        list[i] = (lp_locked){.name = l->name,
                              .version = l->version,
                              .digest = l->digest,
                              .content = l->content,
                              .registry = l->registry,
                              .wanted = ""};
    }
    *ret = list;
    return NULL;
}

loop_error *loop_packages_choose(loop_packages *p, const char *const *wishes,
                                 const loop_choose_options *options, loop_package_list **ret)
{
    lp_arena arena = {0};
    lp_requirement *list = NULL;
    lp_locked *locked = NULL;
    const lp_chosen *chosen = NULL;
    size_t n = 0, chosen_n = 0;
    loop_package_list *rows = lp_package_list_new();
    const lp_resolve_options how = {.upgrade = options->upgrade,
                                    .lowest = options->lowest,
                                    .ret_conflict = options->ret_conflict};
    loop_error *e = read_wishes(&arena, wishes, &list, &n);
    if (!e)
        e = read_locked(&arena, options, &locked);
    if (!e)
        e = lp_resolve(p, list, n, locked, options->locked_count, &how, &arena, &chosen, &chosen_n);
    for (size_t i = 0; !e && i < chosen_n; i++)
        lp_package_list_release(rows, chosen[i].name, chosen[i].registry, chosen[i].release);
    lp_arena_done(&arena);
    return finish(e, rows, ret);
}

/* ---- fetching ---- */

loop_error *loop_packages_fetch(loop_packages *p, const loop_package *package,
                                loop_package_list **ret)
{
    lp_arena arena = {0};
    lp_version v;
    lp_manifest m;
    lp_auto(lp_free_string) char *path = NULL;
    loop_signer signer = {0};
    const lp_release release = {.version = package->version,
                                .digest = package->digest,
                                .content = package->content,
                                .size = package->size};
    const lp_chosen chosen = {package->name, package->registry, &release, ""};
    loop_package_list *list = lp_package_list_new();
    loop_error *e = lp_package_name_check(package->name);
    if (!e)
        e = lp_version_parse(&arena, package->version, &v);
    if (!e && !lp_digest_is(*package->digest ? package->digest : package->content))
        e = loop_error_new(LOOP_INVALID, "%s %s has no digest", package->name, package->version);
    if (!e)
        e = lp_bring(p, &arena, &chosen, &m, &path, &signer);
    if (!e) {
        loop_package *row = lp_package_list_manifest(list, &m);
        row->name = keep(list, package->name);
        row->version = keep(list, package->version);
        row->digest = keep(list, package->digest);
        row->registry = keep(list, package->registry);
        row->path = keep(list, path);
        row->signer = signer;
    }
    lp_arena_done(&arena);
    return finish(e, list, ret);
}

loop_error *loop_packages_blob(loop_packages *p, const char *name, const char *digest,
                               bool manifest, char **ret_path)
{
    lp_registry *r;
    LP_TRY(lp_package_name_check(name));
    LP_TRY(lp_registry_for(p, name, &r));
    return lp_registry_fetch(r, name, digest, manifest ? LP_BLOB_MANIFEST : LP_BLOB_DATA, 0, name,
                             ret_path);
}
