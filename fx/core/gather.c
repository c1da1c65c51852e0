/*
 * fx/core/gather.c: what fibers yield, and who gathers it.
 *
 * A gather keeps the list of the fibers below it that yield something, in the order of the tree.
 * A value that changes costs one walk over that list, which hands it to the second half; never a
 * walk over the tree. The list is sorted again (each fiber by its path) only after one came, or
 * siblings changed their order, in time k log k times the depth. A fiber that yields the same
 * bytes as before changes nothing.
 */
#include <stdlib.h>

#include "fx/core/internal.h"

static uint32_t gather_of(const lp_fx *fx, uint32_t f)
{
    for (uint32_t up = lp_fx_up(fx, f); up; f = up, up = lp_fx_up(fx, f))
        if (lp_fx_at(fx, up)->role == LP_FX_GATHER && lp_fx_at(fx, f)->role != ROLE_THEN)
            return up;
    return 0;
}

void lp_fx_gather_dirty(lp_fx *fx, uint32_t gather, uint32_t reason)
{
    const struct extra *x = lp_fx_at(fx, gather)->extra;
    if (x && x->then)
        lp_fx_due(fx, x->then, reason);
}

static bool is_equal(const lp_fx *fx, const struct extra *x, const lp_fx_value *v, uint32_t n)
{
    if ((x ? x->n_yields : 0) != n)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (x->yields[i].version != v[i].version ||
            !lp_str_eq(lp_fx_name_text(fx, x->yields[i].type), v[i].type) ||
            !lp_str_eq((lp_str){x->yields[i].ptr, x->yields[i].len}, v[i].bytes))
            return false;
    return true;
}

static void enter(lp_fx *fx, uint32_t f, struct extra *x)
{
    x->gather = gather_of(fx, f);
    if (!x->gather)
        return;
    struct extra *g = lp_fx_extra(fx, x->gather);
    x->y_prev = 0;
    x->y_next = g->y_first;
    if (g->y_first)
        lp_fx_at(fx, g->y_first)->extra->y_prev = f;
    g->y_first = f;
    lp_fx_at(fx, x->gather)->flags |= FIBER_RESHUFFLED;
}

static void leave(lp_fx *fx, struct extra *x)
{
    if (!x->gather)
        return;
    if (x->y_prev)
        lp_fx_at(fx, x->y_prev)->extra->y_next = x->y_next;
    else
        lp_fx_at(fx, x->gather)->extra->y_first = x->y_next;
    if (x->y_next)
        lp_fx_at(fx, x->y_next)->extra->y_prev = x->y_prev;
    x->gather = x->y_next = x->y_prev = 0;
}

void lp_fx_yields(lp_fx *fx, uint32_t f, const lp_fx_value *values, uint32_t n)
{
    struct extra *x = lp_fx_at(fx, f)->extra;
    if (is_equal(fx, x, values, n))
        return;
    x = lp_fx_extra(fx, f);
    for (uint32_t i = 0; i < x->n_yields; i++)
        lp_fx_held_done(fx, &x->yields[i]);
    lp_fx_free(fx, x->yields, x->n_yields * sizeof *x->yields);
    if (!x->n_yields)
        enter(fx, f, x);
    x->yields = n ? lp_fx_alloc(fx, n * sizeof *x->yields) : NULL;
    x->n_yields = n;
    for (uint32_t i = 0; i < n; i++)
        x->yields[i] = lp_fx_held(fx, &values[i]);
    if (x->gather)
        lp_fx_gather_dirty(fx, x->gather, LP_FX_GATHERED);
    if (!n)
        leave(fx, x);
}

void lp_fx_yields_done(lp_fx *fx, uint32_t f)
{
    lp_fx_yields(fx, f, NULL, 0);
}

void lp_fx_reordered(lp_fx *fx, uint32_t child)
{
    uint32_t gather = gather_of(fx, child);
    if (!gather || !lp_fx_at(fx, gather)->extra->y_first)
        return;
    lp_fx_at(fx, gather)->flags |= FIBER_RESHUFFLED;
    lp_fx_gather_dirty(fx, gather, LP_FX_GATHERED);
}

/* ---- the order of the tree ---- */

struct path { /* from the gather down */
    const uint32_t *at;
    uint32_t n, fiber;
};

/* What is placed comes after the children, in the order in which it was placed. */
static uint32_t rank(const struct fiber *p, bool is_placed)
{
    return is_placed ? 0x80000000u | p->extra->serial : p->order;
}

static struct path path_of(lp_fx *fx, uint32_t f, uint32_t gather)
{
    uint32_t room = 0, n = 0;
    for (uint32_t at = f; at != gather; at = lp_fx_up(fx, at))
        room += 2;
    uint32_t *ranks = lp_arena_take(&fx->work, room * sizeof *ranks);
    for (uint32_t at = f; at != gather;) {
        const struct fiber *p = lp_fx_at(fx, at);
        uint32_t up = lp_fx_up(fx, at);
        ranks[room - ++n] = rank(p, false);
        if (up != p->parent)
            ranks[room - ++n] = rank(lp_fx_at(fx, p->parent), true);
        at = up;
    }
    return (struct path){.at = ranks + room - n, .n = n, .fiber = f};
}

static int by_path(const void *a, const void *b)
{
    const struct path *x = a, *y = b;
    for (uint32_t i = 0; i < x->n && i < y->n; i++)
        if (x->at[i] != y->at[i])
            return x->at[i] < y->at[i] ? -1 : 1;
    return x->n < y->n ? -1 : x->n > y->n;
}

static void sort(lp_fx *fx, uint32_t gather)
{
    struct extra *g = lp_fx_at(fx, gather)->extra;
    LIST(struct path) paths = {0};
    for (uint32_t f = g->y_first; f; f = lp_fx_at(fx, f)->extra->y_next)
        *lp_push(&paths) = path_of(fx, f, gather);
    if (paths.n)
        qsort(paths.at, paths.n, sizeof *paths.at, by_path);
    uint32_t before = 0;
    for (size_t i = 0; i < paths.n; i++) {
        uint32_t f = paths.at[i].fiber;
        struct extra *x = lp_fx_at(fx, f)->extra;
        x->y_prev = before;
        x->y_next = i + 1 < paths.n ? paths.at[i + 1].fiber : 0;
        before = f;
    }
    g->y_first = paths.n ? paths.at[0].fiber : 0;
    free(paths.at);
    lp_fx_at(fx, gather)->flags &= (uint16_t)~FIBER_RESHUFFLED;
}

const lp_fx_value *lp_fx_gathered(lp_fx *fx, uint32_t gather, uint32_t *ret_n)
{
    if (lp_fx_at(fx, gather)->flags & FIBER_RESHUFFLED)
        sort(fx, gather);
    const struct extra *g = lp_fx_at(fx, gather)->extra;
    size_t n = 0;
    for (uint32_t f = g->y_first; f; f = lp_fx_at(fx, f)->extra->y_next)
        n += lp_fx_at(fx, f)->extra->n_yields;
    lp_fx_value *values = lp_arena_take(&fx->work, n * sizeof *values);
    n = 0;
    for (uint32_t f = g->y_first; f; f = lp_fx_at(fx, f)->extra->y_next) {
        const struct extra *x = lp_fx_at(fx, f)->extra;
        for (uint32_t i = 0; i < x->n_yields; i++)
            values[n++] = (lp_fx_value){
                .type = lp_fx_name_text(fx, x->yields[i].type),
                .version = x->yields[i].version,
                .bytes = {x->yields[i].len ? x->yields[i].ptr : "", x->yields[i].len}};
    }
    *ret_n = (uint32_t)n;
    return values;
}
