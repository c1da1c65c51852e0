/*
 * sidecar/objects.c: resources of a sidecar that somebody in this process holds.
 *
 * What stands for one in C is 64 bits that are no address: the top bit (no address of a
 * user has it), a stamp, and a place from 1. So an object of another provider, which a
 * chain may bring here, is told from ours without being looked into; and so is one that was
 * dropped. Stamps are counted for all sidecars of this process together: two of one chain
 * must not take each other's objects for their own. A second table finds the numbers that a sidecar
 * has given, as it may give none twice.
 *
 *     1 | stamp, 31 bits | place, 32 bits
 */
#include <stdlib.h>

#include "sidecar/internal.h"

#define OURS (UINT64_C(1) << 63)
#define STAMPS 0x7fffffffu
#define NONE UINT32_MAX

static _Atomic uint32_t last_stamp;

/* ---- by number ---- */

static size_t hash(const struct lp_side_object *o)
{
    uint64_t h = o->number * UINT64_C(0x9e3779b97f4a7c15);
    h ^= (h >> 29) + o->resource * UINT64_C(0xbf58476d1ce4e5b9) + o->interface;
    return (size_t)(h ^ h >> 32);
}

static bool same(const struct lp_side_object *a, const struct lp_side_object *b)
{
    return a->number == b->number && a->resource == b->resource && a->interface == b->interface &&
           a->generation == b->generation;
}

/* Where it is, or the free place where it belongs. `cap` is a power of two, never full. */
static size_t find(const struct lp_sidecar *s, const struct lp_side_object *o)
{
    size_t i = hash(o) & (s->by_number.cap - 1);
    while (s->by_number.at[i] != NONE && !same(&s->objects.at[s->by_number.at[i]], o))
        i = (i + 1) & (s->by_number.cap - 1);
    return i;
}

static void grow(struct lp_sidecar *s)
{
    if (s->by_number.cap && s->by_number.n * 2 < s->by_number.cap)
        return;
    free(s->by_number.at);
    s->by_number.cap = s->by_number.cap ? s->by_number.cap * 2 : 64;
    s->by_number.at = lp_alloc(s->by_number.cap * sizeof *s->by_number.at);
    memset(s->by_number.at, 0xff, s->by_number.cap * sizeof *s->by_number.at);
    for (uint32_t i = 0; i < s->objects.n; i++)
        if (s->objects.at[i].number)
            s->by_number.at[find(s, &s->objects.at[i])] = i;
}

/* Takes it out; those behind it move up, so that no search ends too early. */
static void forget(struct lp_sidecar *s, const struct lp_side_object *o)
{
    size_t mask = s->by_number.cap - 1, hole = find(s, o);
    for (size_t i = (hole + 1) & mask; s->by_number.at[i] != NONE; i = (i + 1) & mask) {
        size_t home = hash(&s->objects.at[s->by_number.at[i]]) & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            s->by_number.at[hole] = s->by_number.at[i];
            hole = i;
        }
    }
    s->by_number.at[hole] = NONE;
    s->by_number.n--;
}

/* ---- by what stands for it ---- */

loop_error *lp_side_object_new(struct lp_sidecar *s, const struct lp_side_object *o,
                               uint64_t *ret_at)
{
    if (s->by_number.n == LP_MAX_SIDE_OBJECTS)
        return loop_error_new(LOOP_LIMIT, "more than %u resources of one sidecar",
                              LP_MAX_SIDE_OBJECTS);
    grow(s);
    size_t known = find(s, o);
    if (s->by_number.at[known] != NONE)
        return loop_error_new(LOOP_UNAVAILABLE,
                              "it gave the handle %llu a second time, before it was dropped",
                              (unsigned long long)o->number);
    uint32_t place = s->free_object;
    if (place == NONE) {
        place = (uint32_t)s->objects.n;
        lp_push(&s->objects);
    } else {
        s->free_object = s->objects.at[place].next_free;
    }
    uint32_t stamp = ++last_stamp & STAMPS;
    s->objects.at[place] = *o;
    s->objects.at[place].stamp = stamp;
    s->by_number.at[known] = place;
    s->by_number.n++;
    if (o->caller)
        o->caller->objects++;
    *ret_at = OURS | (uint64_t)stamp << 32 | (place + 1u);
    return NULL;
}

struct lp_side_object *lp_side_object_of(struct lp_sidecar *s, uint64_t at)
{
    uint32_t place = (uint32_t)at - 1;
    if (!(at & OURS) || place >= s->objects.n)
        return NULL;
    struct lp_side_object *o = &s->objects.at[place];
    return o->number && o->stamp == (at >> 32 & STAMPS) ? o : NULL;
}

void lp_side_object_drop(struct lp_sidecar *s, uint64_t at, bool tell)
{
    struct lp_side_object *o = lp_side_object_of(s, at);
    if (!o)
        return;
    if (tell && s->phase == LP_SIDE_OPEN && o->generation == s->generation)
        lp_side_note_drop(s, o->interface, o->resource, o->number);
    forget(s, o);
    if (o->caller)
        o->caller->objects--;
    o->number = 0;
    o->next_free = s->free_object;
    s->free_object = (uint32_t)at - 1;
}

void lp_side_objects_done(struct lp_sidecar *s)
{
    free(s->objects.at);
    free(s->by_number.at);
}
