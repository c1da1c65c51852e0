/*
 * packages/open.c: a loop_packages: where its cache is, and what it keeps open; and the public
 * functions of the cache.
 */
#include <stdlib.h>

#include "base/os/os.h"
#include "packages/packages.h"

static void done(const lp_packages_checker *checker)
{
    if (checker && checker->done)
        checker->done(checker->data);
}

loop_error *lp_packages_open(const loop_packages_options *options,
                             const lp_packages_checker *checker, loop_packages **ret)
{
    static const loop_packages_options defaults;
    const loop_packages_options *o = options ? options : &defaults;
    lp_auto(lp_free_string) char *own = o->cache_dir ? NULL : lp_os_cache_dir();
    const char *directory = o->cache_dir ? o->cache_dir : own;
    if (!directory) {
        done(checker);
        return loop_error_hint_set(loop_error_new(LOOP_CONFIG, "there is no folder for packages"),
                                   "set LOOP_CACHE_DIR, or HOME");
    }
    loop_packages *p = lp_alloc(sizeof *p);
    loop_error *e = lp_cache_open(directory, &p->cache);
    if (e) {
        done(checker);
        free(p);
        return e;
    }
    p->options = *o;
    if (checker)
        p->checker = *checker;
    if (o->verify) {
        done(checker);
        p->checker = (lp_packages_checker){.verify = o->verify, .data = o->data};
    }
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
    done(&p->checker);
    lp_cache_close(p->cache);
    lp_arena_done(&p->arena);
    free(p);
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
