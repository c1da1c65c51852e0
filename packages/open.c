/*
 * packages/open.c: a loop_packages: where its cache is, and what it keeps open; and the public
 * functions of the cache.
 */
#include <stdlib.h>

#include "base/os/os.h"
#include "packages/packages.h"

loop_error *loop_packages_open(const loop_packages_options *options, loop_packages **ret)
{
    static const loop_packages_options defaults;
    const loop_packages_options *o = options ? options : &defaults;
    lp_auto(lp_free_string) char *own = o->cache_dir ? NULL : lp_os_cache_dir();
    const char *directory = o->cache_dir ? o->cache_dir : own;
    if (!directory)
        return loop_error_hint_set(loop_error_new(LOOP_CONFIG, "there is no folder for packages"),
                                   "set LOOP_CACHE_DIR, or HOME");
    loop_packages *p = lp_alloc(sizeof *p);
    loop_error *e = lp_cache_open(directory, &p->cache);
    if (e) {
        free(p);
        return e;
    }
    p->options = *o;
    p->options.cache_dir = lp_arena_strndup(&p->arena, directory, strlen(directory));
    lp_cache_on_wait(p->cache, o->cancelled, o->data);
    *ret = p;
    return NULL;
}

void loop_packages_delete(loop_packages *p)
{
    if (!p)
        return;
    lp_registries_close(p);
    lp_cache_close(p->cache);
    lp_arena_done(&p->arena);
    free(p);
}

loop_error *lp_packages_verify(loop_packages *p, const char *registry, const char *name,
                               const char *version, const lp_manifest *m)
{
    if (!p->options.verify)
        return NULL;
    if (!m->bytes) /* nothing that anybody could have signed */
        return loop_error_new(LOOP_DENIED,
                              "'%s' %s is not taken: it is a component alone, without a manifest",
                              name, version);
    loop_error *e =
        p->options.verify(p->options.data, &(loop_package_check){.name = name,
                                                                 .version = version,
                                                                 .registry = registry,
                                                                 .digest = m->digest,
                                                                 .manifest = m->bytes,
                                                                 .manifest_len = m->len});
    return e ? loop_error_wrap(e, "'%s' %s is not taken", name, version) : NULL;
}

/* ---- the cache ---- */

loop_error *loop_packages_cache_info(loop_packages *p, loop_cache_info *ret)
{
    lp_cache_info(p->cache, ret);
    return NULL;
}

loop_error *loop_packages_cache_verify(loop_packages *p, bool repair, loop_package_list **ret)
{
    loop_package_list *list = lp_package_list_new();
    loop_error *e = lp_cache_verify(p->cache, repair, list);
    if (e)
        loop_package_list_delete(list);
    else
        *ret = list;
    return e;
}

loop_error *loop_packages_cache_clean(loop_packages *p, unsigned days, uint64_t *ret_bytes)
{
    return lp_cache_clean(p->cache, days, ret_bytes);
}
