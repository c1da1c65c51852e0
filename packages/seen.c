/*
 * packages/seen.c: versions of signed packages that were accepted, so that nobody who stands
 * between can offer an older one in place of what there was, with a signature that is good.
 *
 * What was accepted is what loop.lock has, and the newest version of a name that came to this
 * machine (a note in the cache). An older one is refused where the newer one would do as well: so
 * an exact wish, or a package that needs something older, is a way back, and what a registry says,
 * "taken back" included, is none. Of packages that nobody known has signed there is nothing to hold
 * on to: who can offer an old one could offer any bytes.
 */
#include <stdlib.h>

#include "packages/json.h"
#include "packages/packages.h"

#define KEY "signed" /* the notes' own place in the cache: no registry's */

static loop_error *read_note(loop_packages *p, const char *name, lp_arena *arena, const char **ret)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    uint64_t age;
    lp_version v;
    *ret = NULL;
    LP_TRY(lp_cache_noted(p->cache, KEY, name, &bytes, &n, &age));
    if (!bytes)
        return NULL;
    const char *text = lp_arena_strndup(arena, (const char *)bytes, n);
    free(bytes);
    loop_error *e = lp_version_parse(arena, text, &v);
    if (!e)
        *ret = text;
    loop_error_delete(e); /* damaged: as if it were not there */
    return NULL;
}

/* Whether `other` is newer and satisfies all of them. */
static loop_error *would_do(lp_arena *arena, const char *other, const char *version,
                            const char *const *ranges, bool *ret)
{
    lp_version a, b;
    *ret = false;
    LP_TRY(lp_version_parse(arena, other, &a));
    LP_TRY(lp_version_parse(arena, version, &b));
    if (lp_version_compare(&a, &b) <= 0)
        return NULL;
    for (; *ranges; ranges++) {
        const lp_range *range;
        LP_TRY(lp_range_parse(arena, *ranges, &range));
        if (!lp_range_has(range, &a))
            return NULL;
    }
    *ret = true;
    return NULL;
}

static loop_error *check(loop_packages *p, lp_arena *arena, const char *name, const char *version,
                         const char *const *ranges, const char *locked)
{
    const char *noted;
    LP_TRY(read_note(p, name, arena, &noted));
    const char *const others[] = {locked, noted};
    for (size_t i = 0; i < LP_COUNT(others); i++) {
        bool newer = false;
        if (others[i])
            LP_TRY(would_do(arena, others[i], version, ranges, &newer));
        if (newer)
            return loop_error_hint_set(
                loop_error_new(
                    LOOP_DENIED, "'%s' %s is not taken: %s %s, which is newer and would do", name,
                    version, i ? "this machine has accepted" : "loop.lock has", others[i]),
                "whoever stands between could hide the newer one. If you want the older one: "
                "'%s@=%s'",
                name, version);
    }
    return NULL;
}

loop_error *lp_seen_check(loop_packages *p, const char *name, const char *version,
                          const char *const *ranges, const char *locked)
{
    lp_arena arena = {0};
    loop_error *e = check(p, &arena, name, version, ranges, locked);
    lp_arena_done(&arena);
    return e;
}

loop_error *lp_seen_note(loop_packages *p, const char *name, const char *version)
{
    lp_arena arena = {0};
    static const char *const any[] = {NULL};
    const char *noted;
    bool newer = true;
    loop_error *e = read_note(p, name, &arena, &noted);
    if (!e && noted)
        e = would_do(&arena, version, noted, any, &newer);
    if (!e && newer)
        e = lp_cache_note(p->cache, KEY, name, version, strlen(version));
    lp_arena_done(&arena);
    return e;
}
