/*
 * packages/seen.c: versions of signed packages that were accepted, so that nobody who stands
 * between can offer an older one in place of what there was, with a signature that is good.
 *
 * What was accepted is what loop.lock has, and the newest version of a name that came to this
 * machine (a note in the cache). An older one is refused where the newer one would do as well: so
 * an exact wish, or a package that needs something older, is a way back, and what a registry says,
 * "taken back" included, is none. Of packages that nobody known has signed there is nothing to hold
 * on to: who can offer an old one could offer any bytes. Nor of what a key has signed that was
 * revoked since: a thief's version 99 would else stay the newest for ever.
 */
#include <stdlib.h>

#include "packages/json.h"
#include "packages/packages.h"

/* The newest version that was accepted of each key; a line of the note: "KEY VERSION". */
struct seen {
    const char *key, *version;
};
struct note {
    struct seen *at;
    size_t n, cap;
};

static void free_note(struct note *n)
{
    free(n->at);
}

/* Of lines that are damaged: as if they were not there. */
static void read_lines(lp_arena *arena, char *text, struct note *ret)
{
    lp_version v;
    for (char *at = text, *end; (end = strchr(at, '\n')); at = end + 1) {
        *end = 0;
        char *space = strchr(at, ' ');
        loop_error *e = space ? lp_version_parse(arena, space + 1, &v) : NULL;
        if (space && !e) {
            *space = 0;
            *lp_push(ret) = (struct seen){at, space + 1};
        }
        loop_error_delete(e);
    }
}

static loop_error *read_note(loop_packages *p, const char *name, lp_arena *arena, struct note *ret)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    uint64_t age;
    LP_TRY(lp_cache_noted(p->cache, LP_KEY_SEEN, name, &bytes, &n, &age));
    if (bytes)
        read_lines(arena, lp_arena_strndup(arena, (const char *)bytes, n), ret);
    free(bytes);
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

static bool counts(const loop_packages *p, const struct seen *s)
{
    return !p->checker.counts || p->checker.counts(p->checker.data, s->key);
}

static loop_error *check(loop_packages *p, lp_arena *arena, const char *name, const char *version,
                         const char *const *ranges, const char *locked)
{
    lp_auto(free_note) struct note note = {0};
    const char *newest = NULL; /* that would do */
    bool newer;
    LP_TRY(read_note(p, name, arena, &note));
    for (size_t i = 0; i < note.n; i++) {
        const struct seen *s = &note.at[i];
        if (!counts(p, s)) {
            if (locked && strcmp(locked, s->version) == 0)
                locked = NULL;
            continue;
        }
        LP_TRY(would_do(arena, s->version, newest ? newest : version, ranges, &newer));
        newest = newer ? s->version : newest;
    }
    newer = false;
    if (locked)
        LP_TRY(would_do(arena, locked, version, ranges, &newer));
    if (!newer && !newest)
        return NULL;
    return loop_error_hint_set(
        loop_error_new(LOOP_DENIED, "'%s' %s is not taken: %s %s, which is newer and would do",
                       name, version, newer ? "loop.lock has" : "this machine has accepted",
                       newer ? locked : newest),
        "whoever stands between could hide the newer one. If you want the older one: '%s@=%s'",
        name, version);
}

loop_error *lp_seen_check(loop_packages *p, const char *name, const char *version,
                          const char *const *ranges, const char *locked)
{
    lp_arena arena = {0};
    loop_error *e = check(p, &arena, name, version, ranges, locked);
    lp_arena_done(&arena);
    return e;
}

static loop_error *put(loop_packages *p, lp_arena *arena, const char *name, const char *version,
                       const char *key)
{
    static const char *const any[] = {NULL};
    lp_auto(free_note) struct note note = {0};
    size_t i = 0;
    bool newer = true;
    LP_TRY(read_note(p, name, arena, &note));
    while (i < note.n && strcmp(note.at[i].key, key) != 0)
        i++;
    if (i < note.n)
        LP_TRY(would_do(arena, version, note.at[i].version, any, &newer));
    if (!newer)
        return NULL;
    if (i == note.n)
        lp_push(&note);
    note.at[i] = (struct seen){key, version};
    lp_buf b = {0};
    for (i = 0; i < note.n; i++)
        lp_buf_printf(&b, "%s %s\n", note.at[i].key, note.at[i].version);
    loop_error *e = lp_cache_note(p->cache, LP_KEY_SEEN, name, b.ptr, b.len);
    lp_buf_done(&b);
    return e;
}

loop_error *lp_seen_note(loop_packages *p, const char *name, const char *version,
                         const loop_signer *by)
{
    lp_arena arena = {0};
    loop_error *e = put(p, &arena, name, version, by->key);
    lp_arena_done(&arena);
    return e;
}
