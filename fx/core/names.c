/*
 * fx/core/names.c: interned names. A name is a number while somebody has a reference.
 *
 * Guests choose names, so the hash is SipHash-1-3 with the driver's seed: nobody can make many
 * collide. Nothing is ever listed in the order of the hash; the seed changes no result.
 */
#include <stdlib.h>

#include "fx/core/internal.h"

static uint64_t turn(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1], v[2] += v[3];
    v[1] = turn(v[1], 13) ^ v[0], v[3] = turn(v[3], 16) ^ v[2];
    v[0] = turn(v[0], 32);
    v[2] += v[1], v[0] += v[3];
    v[1] = turn(v[1], 17) ^ v[2], v[3] = turn(v[3], 21) ^ v[0];
    v[2] = turn(v[2], 32);
}

static uint64_t hash(const lp_fx *fx, uint32_t space, lp_str s)
{
    uint64_t k0 = fx->options.seed[0], k1 = fx->options.seed[1] ^ space;
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                     k1 ^ 0x7465646279746573};
    uint64_t last = (uint64_t)s.len << 56, m;
    size_t i = 0;
    for (; i + 8 <= s.len; i += 8) {
        memcpy(&m, s.ptr + i, 8);
        v[3] ^= m;
        sip_round(v);
        v[0] ^= m;
    }
    for (size_t j = 0; i + j < s.len; j++)
        last |= (uint64_t)(unsigned char)s.ptr[i + j] << (8 * j);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int r = 0; r < 3; r++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint32_t look(const lp_fx *fx, uint64_t h, uint32_t space, lp_str s)
{
    if (!fx->n_buckets)
        return 0;
    for (uint32_t i = fx->buckets[h & (fx->n_buckets - 1)]; i; i = fx->names[i].next) {
        const struct name *n = &fx->names[i];
        if (n->hash == h && n->space == space && n->len == s.len &&
            memcmp(n->ptr, s.ptr, s.len) == 0)
            return i;
    }
    return 0;
}

static void grow_buckets(lp_fx *fx)
{
    uint32_t n = fx->n_buckets ? fx->n_buckets * 2 : 64;
    uint32_t *buckets = lp_fx_alloc(fx, n * sizeof *buckets);
    for (uint32_t i = 1; i < fx->n_names; i++) {
        struct name *name = &fx->names[i];
        if (!name->refs)
            continue;
        name->next = buckets[name->hash & (n - 1)];
        buckets[name->hash & (n - 1)] = i;
    }
    lp_fx_free(fx, fx->buckets, fx->n_buckets * sizeof *buckets);
    fx->buckets = buckets;
    fx->n_buckets = n;
}

static uint32_t new_row(lp_fx *fx)
{
    uint32_t i = fx->free_name;
    if (i) {
        fx->free_name = fx->names[i].next;
        return i;
    }
    if (fx->n_names == fx->cap_names) {
        uint32_t cap = fx->cap_names + fx->cap_names / 4 + 64; /* a fiber may have one of its own */
        fx->names = lp_realloc(fx->names, cap * sizeof *fx->names);
        fx->bytes += (cap - fx->cap_names) * sizeof *fx->names;
        fx->cap_names = cap;
    }
    if (!fx->n_names)
        fx->n_names = 1; /* 0 is "" */
    return fx->n_names++;
}

uint32_t lp_fx_name(lp_fx *fx, uint32_t space, lp_str s)
{
    if (!s.len)
        return 0;
    uint64_t h = hash(fx, space, s);
    uint32_t i = look(fx, h, space, s);
    if (i) {
        fx->names[i].refs++;
        return i;
    }
    if (fx->n_live_names >= fx->n_buckets)
        grow_buckets(fx);
    i = new_row(fx);
    uint32_t *bucket = &fx->buckets[h & (fx->n_buckets - 1)];
    fx->names[i] = (struct name){.ptr = lp_fx_copy(fx, s.ptr, s.len),
                                 .hash = h,
                                 .space = space,
                                 .len = (uint32_t)s.len,
                                 .refs = 1,
                                 .next = *bucket};
    *bucket = i;
    fx->n_live_names++;
    return i;
}

uint32_t lp_fx_name_find(lp_fx *fx, uint32_t space, lp_str s)
{
    return s.len ? look(fx, hash(fx, space, s), space, s) : 0;
}

void lp_fx_name_ref(lp_fx *fx, uint32_t name)
{
    if (name)
        fx->names[name].refs++;
}

void lp_fx_name_unref(lp_fx *fx, uint32_t name)
{
    if (!name || --fx->names[name].refs)
        return;
    struct name *n = &fx->names[name];
    uint32_t *at = &fx->buckets[n->hash & (fx->n_buckets - 1)];
    while (*at != name)
        at = &fx->names[*at].next;
    *at = n->next;
    uint32_t *reads = n->reads, n_reads = n->n_reads;
    lp_fx_free(fx, n->ptr, n->len);
    *n = (struct name){.next = fx->free_name};
    fx->free_name = name;
    fx->n_live_names--;
    for (uint32_t i = 0; i < n_reads;
         i++) /* contexts have none of their own: no deeper than this */
        lp_fx_name_unref(fx, reads[i]);
    lp_fx_free(fx, reads, n_reads * sizeof *reads);
}

lp_str lp_fx_name_text(const lp_fx *fx, uint32_t name)
{
    return name ? (lp_str){fx->names[name].ptr, fx->names[name].len} : (lp_str){"", 0};
}

void lp_fx_names_done(lp_fx *fx)
{
    for (uint32_t i = 1; i < fx->n_names; i++) {
        free(fx->names[i].ptr);
        free(fx->names[i].reads);
    }
    free(fx->names);
    free(fx->buckets);
}
