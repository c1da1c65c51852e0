/*
 * packages/path.c: loop_packages_path: the file that a run of a package opens.
 *
 * It is looked up at each run, so this file does no more than it must: loop.lock is read, and the
 * component's bytes are compared with the digest. No registry is asked, and the part of the room
 * with the large libraries (tools.h) is not loaded.
 *
 * What loop.yaml asks for is what loop.lock has, or an error: never something else that happens to
 * be in the cache. A wish of the command line may be that.
 */
#include <stdlib.h>

#include "packages/install.h"
#include "packages/registry.h"

static loop_error *not_there(loop_error *cause, const char *name, const char *version)
{
    loop_error *e =
        lp_error_because(LOOP_NOT_FOUND, cause, "%s %s is not in the cache", name, version);
    return loop_error_hint_set(e, "`loop install` brings it");
}

/* Damaged: the cache has put it aside. */
static loop_error *damaged(loop_error *cause, const char *name, const char *version)
{
    loop_error *e = loop_error_wrap(cause, "%s %s cannot be used", name, version);
    return loop_error_hint_set(e, "it was put aside; `loop install` brings it again");
}

static loop_error *blob(loop_packages *p, const char *key, const char *name, const char *version,
                        const char *content, char **ret)
{
    loop_error *e = lp_cache_blob(p->cache, key, content, ret);
    if (loop_error_code(e) == LOOP_NOT_FOUND)
        return not_there(e, name, version);
    return loop_error_code(e) == LOOP_INVALID ? damaged(e, name, version) : e;
}

static loop_error *local_file(const char *package, const char *path, char **ret)
{
    if (!lp_os_exists(path))
        return loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND,
                           "there is no file '%s', which loop.yaml has in the place "
                           "of '%s'",
                           path, package),
            "build it, or take it out of 'overrides'");
    *ret = lp_strdup(path);
    return NULL;
}

/* Whether loop.yaml asks for it, in these words. */
static bool is_asked(const loop_config *config, const char *wish)
{
    const loop_component_config *row;
    for (size_t i = 0; config && (row = loop_config_component_at(config, i)); i++)
        if (row->package && strcmp(row->package, wish) == 0)
            return true;
    return false;
}

/* ---- by loop.lock ---- */

static loop_error *fits(lp_arena *arena, const char *range, const char *version, bool *ret)
{
    const lp_range *parsed;
    lp_version v;
    LP_TRY(lp_range_parse(arena, range, &parsed));
    LP_TRY(lp_version_parse(arena, version, &v));
    *ret = lp_range_has(parsed, &v);
    return NULL;
}

static loop_error *not_locked(const lp_locked *l, bool there, const char *lock_file,
                              const char *wish)
{
    if (!there)
        return loop_error_hint_set(loop_error_new(LOOP_NOT_FOUND,
                                                  "there is no '%s', which says what %s is",
                                                  lock_file, wish),
                                   "`loop install` writes it");
    loop_error *e =
        l ? loop_error_new(LOOP_NOT_FOUND, "'%s' has %s %s, and loop.yaml asks for %s", lock_file,
                           l->name, l->version, wish)
          : loop_error_new(LOOP_NOT_FOUND, "'%s' has no version for %s", lock_file, wish);
    return loop_error_hint_set(e, "`loop install` chooses one");
}

/* What was found: the row that it becomes, with its file. */
typedef struct found {
    const char *name, *version, *digest, *content, *registry;
    char *path; /* malloced; NULL: nothing yet */
    bool local; /* a file that loop.yaml has in its place */
    loop_signer signer;
} found;

/*
 * Whether signatures let it run: before anybody gets the bytes. What is signed is the manifest, so
 * that the component must be the one that it names. `registry` NULL: it came as a file.
 */
static loop_error *check(loop_packages *p, lp_arena *arena, const char *key, lp_registry *registry,
                         found *f)
{
    lp_manifest m = {.content = f->content};
    const lp_origin from = {.registry = registry, .key = key};
    if (!lp_packages_matter(p, &from, f->name))
        return NULL;
    if (*f->digest)
        LP_TRY(lp_bring_cached(p, arena, key, f->name, f->version, f->digest, &m));
    if (strcmp(m.content, f->content) != 0)
        return loop_error_new(LOOP_INVALID,
                              "the manifest of %s %s has another component (%s) than %s", f->name,
                              f->version, m.content, f->content);
    return lp_packages_verify(p, &from, f->name, f->version, &m, &f->signer);
}

/* f->path NULL: the lock has nothing for it, and need not. */
static loop_error *by_lock(loop_packages *p, lp_arena *arena, const char *wish, const char *range,
                           found *f)
{
    lp_auto(lp_free_string) char *file = lp_plan_lock_file(p->options.config);
    bool asked = is_asked(p->options.config, wish), good = false;
    lp_lock lock;
    if (!file)
        return NULL;
    lp_auto(lp_free_string) char *shown = lp_plan_shown(file);
    LP_TRY(lp_lock_read(arena, file, shown, &lock));
    const lp_locked *l = lp_lock_find(&lock, f->name);
    if (l)
        LP_TRY(fits(arena, range, l->version, &good));
    if (good) {
        lp_registry *registry;
        LP_TRY(lp_registry_for(p, f->name, &registry));
        const char *key = lp_registry_key(registry);
        f->version = l->version;
        f->digest = l->digest;
        f->content = l->content;
        f->registry = lp_registry_name(registry);
        LP_TRY(check(p, arena, key, registry, f));
        return blob(p, key, f->name, l->version, l->content, &f->path);
    }
    return asked ? not_locked(l, lock.there, shown, wish) : NULL;
}

/* ---- by what the cache has ---- */

static loop_error *content_of(loop_packages *p, lp_arena *arena, const char *name,
                              const lp_release *r, const char **ret)
{
    lp_manifest m;
    *ret = r->content;
    if (**ret || !*r->digest)
        return NULL;
    LP_TRY(lp_bring_manifest(p, arena, name, r->version, r->digest, false, &m));
    *ret = m.content;
    return NULL;
}

/* The newest that is noted of a registry (by the cache's key) and whose bytes are there. */
typedef struct newest {
    const lp_release *release;
    const char *key, *content;
    lp_version version;
} newest;

static loop_error *look(loop_packages *p, lp_arena *arena, const char *key, const char *name,
                        const char *range, newest *best)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    uint64_t age;
    lp_package_info info = {0};
    LP_TRY(lp_cache_noted(p->cache, key, name, &bytes, &n, &age));
    loop_error *e = bytes ? lp_notes_read(arena, bytes, n, &info) : NULL;
    free(bytes);
    for (size_t i = 0; !e && i < info.count; i++) {
        const lp_release *r = &info.releases[i];
        const char *content = "";
        lp_version version;
        bool good = false;
        loop_error *no = fits(arena, range, r->version, &good);
        if (!no && good)
            no = content_of(p, arena, name, r, &content);
        if (!no)
            no = lp_version_parse(arena, r->version, &version);
        loop_error_delete(no); /* it is not all there */
        if (no || !good || !*content || !lp_cache_has(p->cache, key, content) ||
            (best->release && lp_version_compare(&version, &best->version) <= 0))
            continue;
        *best = (newest){r, key, content, version};
    }
    return e;
}

static loop_error *by_cache(loop_packages *p, lp_arena *arena, const char *range, found *f)
{
    lp_registry *registry = NULL;
    newest best = {0};
    const char *const ranges[] = {range, NULL};
    LP_TRY(look(p, arena, LP_KEY_FILES, f->name, range, &best));
    loop_error *e = lp_registry_for(p, f->name, &registry);
    if (!e)
        e = look(p, arena, lp_registry_key(registry), f->name, range, &best);
    if (best.release) {
        const lp_release *r = best.release;
        bool file = strcmp(best.key, LP_KEY_FILES) == 0;
        loop_error_delete(e);
        f->version = r->version;
        f->digest = r->digest;
        f->content = best.content;
        f->registry = file ? "" : lp_registry_name(registry);
        LP_TRY(check(p, arena, best.key, file ? NULL : registry, f));
        if (*f->signer.key) /* what else lies in the cache may have been refused */
            LP_TRY(lp_seen_check(p, f->name, r->version, ranges, NULL));
        return blob(p, best.key, f->name, r->version, best.content, &f->path);
    }
    bool any = strcmp(range, "*") == 0;
    return loop_error_hint_set(
        lp_error_because(LOOP_NOT_FOUND, e, "no version of '%s'%s%s is in the cache", f->name,
                         any ? "" : " that is ", any ? "" : range),
        "`loop install '%s%s%s'` brings one", f->name, any ? "" : "@", any ? "" : range);
}

static loop_error *find(loop_packages *p, lp_arena *arena, const char *wish, found *f)
{
    const char *range;
    LP_TRY(lp_package_wish_parse(arena, wish, &f->name, &range));
    const char *local = lp_plan_override(p->options.config, f->name);
    if (local) {
        f->local = true;
        return local_file(f->name, local, &f->path);
    }
    LP_TRY(by_lock(p, arena, wish, range, f));
    return f->path ? NULL : by_cache(p, arena, range, f);
}

loop_error *loop_packages_path(loop_packages *p, const char *wish, char **ret)
{
    lp_arena arena = {0};
    found f = {0};
    loop_error *e = find(p, &arena, wish, &f);
    lp_arena_done(&arena);
    if (!e)
        *ret = f.path;
    return e;
}

static const char *keep(loop_package_list *list, const char *s)
{
    return s ? lp_package_list_keep(list, s) : "";
}

loop_error *loop_packages_find(loop_packages *p, const char *wish, loop_package_list **ret)
{
    lp_arena arena = {0};
    found f = {0};
    loop_error *e = find(p, &arena, wish, &f);
    if (!e) {
        loop_package_list *list = lp_package_list_new();
        loop_package *row = lp_package_list_row(list);
        row->name = keep(list, f.name);
        row->version = keep(list, f.version);
        row->digest = keep(list, f.digest);
        row->content = keep(list, f.content);
        row->registry = keep(list, f.registry);
        row->path = keep(list, f.path);
        row->overridden = f.local;
        row->signer = f.signer;
        *ret = list;
    }
    free(f.path);
    lp_arena_done(&arena);
    return e;
}
