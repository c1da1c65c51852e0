/*
 * fx/serve/known.c: which callbacks a component may call and pass on.
 *
 * A callback is two numbers, which anybody can make up. So those that a component was handed are
 * kept, and no others of foreign fibers are taken from it. Ids are never used twice: one whose
 * fiber is gone is of no use, and is forgotten when the set has doubled.
 */
#include <stdlib.h>

#include "fx/serve/internal.h"

#define LEAST 64

static uint64_t key_of(lp_fx_callback c)
{
    return (uint64_t)c.fiber << 32 | c.slot;
}

/* The place of a key, or where it would be; there is a free one. */
static size_t place(const struct known *k, uint64_t key)
{
    uint64_t hash = key * 0x9e3779b97f4a7c15u;
    size_t at = (size_t)(hash >> 20) & (k->cap - 1);
    while (k->at[at] && k->at[at] != key)
        at = (at + 1) & (k->cap - 1);
    return at;
}

static void resize(struct known *k, size_t cap)
{
    struct known old = *k;
    *k = (struct known){.at = lp_alloc(cap * sizeof *k->at), .n = old.n, .cap = cap};
    for (size_t i = 0; i < old.cap; i++)
        if (old.at[i])
            k->at[place(k, old.at[i])] = old.at[i];
    free(old.at);
}

static void forget_the_gone(struct party *p)
{
    struct known kept = {0};
    uint32_t component;
    resize(&kept, p->known.cap);
    for (size_t i = 0; i < p->known.cap; i++) {
        uint64_t key = p->known.at[i];
        if (key && lp_fx_component_of(p->serve->fx, (lp_fx_id)(key >> 32), &component)) {
            kept.at[place(&kept, key)] = key;
            kept.n++;
        }
    }
    free(p->known.at);
    p->known = kept;
    p->known_limit = LP_MAX(kept.n * 2, (size_t)LEAST);
}

bool lp_fx_knows(const struct party *p, lp_fx_callback c)
{
    uint32_t component;
    if (!lp_fx_component_of(p->serve->fx, c.fiber, &component))
        return true; /* it reaches nobody */
    if (component == p->number)
        return true;
    return p->known.cap && p->known.at[place(&p->known, key_of(c))];
}

void lp_fx_learns(struct party *p, const lp_fx_callback *callbacks, uint32_t n)
{
    struct known *k = &p->known;
    uint32_t component;
    for (uint32_t i = 0; i < n; i++) {
        if (!lp_fx_component_of(p->serve->fx, callbacks[i].fiber, &component) ||
            component == p->number)
            continue;
        if (k->n >= LP_MAX(p->known_limit, (size_t)LEAST))
            forget_the_gone(p);
        if ((k->n + 1) * 2 > k->cap)
            resize(k, LP_MAX(k->cap * 2, (size_t)LEAST * 2));
        size_t at = place(k, key_of(callbacks[i]));
        k->n += !k->at[at];
        k->at[at] = key_of(callbacks[i]);
    }
}
