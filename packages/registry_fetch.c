/*
 * packages/registry_fetch.c: bytes from a registry into the cache.
 *
 * A transfer that is cut goes on where it was, as long as each try brings something; what an
 * earlier run left goes on, too. What has come is checked by the cache as a whole: when bytes of
 * two transfers do not make what was promised, they are thrown away once and fetched anew, since
 * the first part may be the damaged one.
 */
#include <stdlib.h>

#include "base/os/os.h"
#include "packages/registry.h"
#include "packages/web.h"

#define TOLD_EVERY (64u << 10) /* bytes between two words on progress */

struct fetch {
    lp_registry *r;
    const char *name, *digest, *what;
    lp_blob_kind kind;
    uint64_t size; /* promised; 0: not known */
    uint64_t max;
    lp_cache_writer *w;
    uint64_t have, total, told;
};

static void tell(struct fetch *f, bool last)
{
    const loop_packages_options *o = &f->r->p->options;
    if (!o->progress || f->kind != LP_BLOB_DATA || (!last && f->have - f->told < TOLD_EVERY))
        return;
    f->told = f->have;
    uint64_t total = f->size ? f->size : f->total;
    o->progress(o->data,
                &(loop_package_progress){f->what, f->r->options.name, f->have, total, false});
}

static loop_error *take(void *data, const void *bytes, size_t n)
{
    struct fetch *f = data;
    if (f->size && f->total && f->total != f->size)
        return loop_error_new(LOOP_INVALID, "it has %llu bytes, and its manifest promised %llu",
                              (unsigned long long)f->total, (unsigned long long)f->size);
    if (n > f->max || f->have > f->max - n)
        return loop_error_new(LOOP_INVALID, "it is larger than the %llu bytes that %s",
                              (unsigned long long)f->max,
                              f->size ? "its manifest promised" : "such a thing may have");
    LP_TRY(lp_cache_write(f->w, bytes, n));
    f->have += n;
    tell(f, false);
    return NULL;
}

static loop_error *restart(struct fetch *f)
{
    f->have = f->told = 0;
    return lp_cache_restart(f->w);
}

/* One try: from `have` on. */
static loop_error *once(struct fetch *f)
{
    const lp_registry_kind *kind = f->r->kind;
    loop_error *e =
        kind->fetch(f->r->self, f->name, f->digest, f->kind, f->have, &f->total, f, take);
    if (!e || loop_error_code(e) != LOOP_USAGE || !f->have)
        return e;
    loop_error_delete(e); /* it cannot start there */
    LP_TRY(restart(f));
    return kind->fetch(f->r->self, f->name, f->digest, f->kind, 0, &f->total, f, take);
}

static bool may_help(const loop_error *e)
{
    return loop_error_code(e) == LOOP_UNAVAILABLE || loop_error_code(e) == LOOP_TIMEOUT;
}

static loop_error *until_whole(struct fetch *f)
{
    const loop_packages_options *o = &f->r->p->options;
    lp_web web = {.cancelled = o->cancelled, .data = o->data};
    for (unsigned idle = 0;; idle++) {
        uint64_t before = f->have;
        loop_error *e = f->size && f->have == f->size ? NULL : once(f);
        if (!e || !may_help(e) || f->r->kind->local)
            return e;
        if (f->have > before)
            idle = 0;
        if (idle + 1 >= LP_MAX_REGISTRY_TRIES)
            return e;
        loop_error *stop = lp_web_wait(&web, 100u << idle);
        loop_error_delete(stop ? e : NULL);
        if (stop)
            return stop;
        loop_error_delete(e);
    }
}

/* Takes the writer, whatever comes of it. */
static loop_error *fill(struct fetch *f, bool *ret_again)
{
    uint64_t left = f->have;
    loop_error *e = lp_registry_open(f->r);
    if (!e && f->size && f->have > f->size)
        e = restart(f);
    if (!e)
        e = until_whole(f);
    if (e) {
        lp_cache_abandon(f->w);
        return e;
    }
    tell(f, true);
    e = lp_cache_commit(f->w, f->size);
    *ret_again = e && loop_error_code(e) == LOOP_INVALID && left;
    return e;
}

static loop_error *transfer(struct fetch *f)
{
    loop_error *e = NULL;
    for (unsigned try = 0; try < 2; try++) {
        bool again = false;
        loop_error_delete(e);
        f->w = NULL;
        e = lp_cache_begin(f->r->p->cache, f->r->options.key, f->digest, &f->w, &f->have);
        if (!e && f->w)
            e = fill(f, &again);
        if (!again)
            break;
    }
    return e;
}

loop_error *lp_registry_fetch(lp_registry *r, const char *name, const char *digest,
                              lp_blob_kind kind, uint64_t size, const char *what, char **ret_path)
{
    lp_cache *cache = r->p->cache;
    if (!lp_digest_is(digest))
        return loop_error_new(LOOP_INVALID, "'%.80s' is no digest", digest);
    loop_error *e = lp_cache_blob(cache, r->options.key, digest, ret_path);
    if (!e || (loop_error_code(e) != LOOP_NOT_FOUND && loop_error_code(e) != LOOP_INVALID))
        return e;
    loop_error_delete(e);
    uint64_t most = kind == LP_BLOB_MANIFEST ? LP_MAX_MANIFEST_BYTES : LP_MAX_COMPONENT_BYTES;
    if (size > most)
        return loop_error_new(LOOP_LIMIT, "%s is larger than %llu bytes", what,
                              (unsigned long long)most);
    struct fetch f = {.r = r,
                      .name = name,
                      .digest = digest,
                      .what = what,
                      .kind = kind,
                      .size = size,
                      .max = size ? size : most};
    e = transfer(&f);
    if (!e)
        return lp_cache_blob(cache, r->options.key, digest, ret_path);
    return loop_error_wrap(e, "cannot fetch the %s of %s from the registry '%s'",
                           kind == LP_BLOB_MANIFEST ? "manifest" : "component", what,
                           r->options.name);
}
