/*
 * fx/core/effects.c: what fibers want started, and that each start is cleaned up once.
 *
 * A run only notes what is wanted. At the end of the turn the notes become calls: all clean-ups,
 * the deepest fibers first, then all starts, in the same order. An effect that came and went
 * within a turn was never started and is not cleaned up. A fiber that went waits, dead, for its
 * clean-ups; its row is free when the last one was done.
 */
#include <stdlib.h>

#include "fx/core/internal.h"

static void call(lp_fx *fx, uint32_t f, uint32_t slot, bool start)
{
    const struct fiber *p = lp_fx_at(fx, f);
    *lp_push(&fx->calls) = (struct clean_up){.fiber = f,
                                             .component = p->component,
                                             .slot = slot,
                                             .depth = p->depth,
                                             .seq = (uint32_t)fx->calls.n,
                                             .start = start};
}

static void touch(lp_fx *fx, uint32_t f)
{
    if (lp_fx_at(fx, f)->flags & FIBER_TOUCHED)
        return;
    lp_fx_at(fx, f)->flags |= FIBER_TOUCHED;
    *lp_push(&fx->touched) = lp_fx_id_of(fx, f);
}

static struct effect *find(struct extra *x, uint32_t slot)
{
    for (uint32_t i = 0; x && i < x->n_effects; i++)
        if (x->effects[i].slot == slot)
            return &x->effects[i];
    return NULL;
}

static void want(lp_fx *fx, struct extra *x, struct effect *e, const lp_fx_effect *wanted, bool new)
{
    bool same = lp_str_eq((lp_str){e->depends_on, e->len}, wanted->depends_on);
    e->wanted = true;
    if (same && !new)
        return;
    e->again |= e->live;
    lp_fx_free(fx, e->depends_on, e->len);
    e->depends_on = lp_fx_copy(fx, wanted->depends_on.ptr, wanted->depends_on.len);
    e->len = (uint32_t)wanted->depends_on.len;
}

void lp_fx_effects(lp_fx *fx, uint32_t f, const lp_fx_effect *effects, uint32_t n)
{
    struct extra *x = lp_fx_at(fx, f)->extra;
    if (!n && !(x && x->n_effects))
        return;
    x = lp_fx_extra(fx, f);
    uint32_t old = x->n_effects, count = old;
    struct effect *all = lp_fx_alloc(fx, (old + n) * sizeof *all);
    bool *was = lp_arena_alloc(&fx->scratch, old + 1);
    if (old)
        memcpy(all, x->effects, old * sizeof *all);
    lp_fx_free(fx, x->effects, old * sizeof *all);
    x->effects = all;
    for (uint32_t i = 0; i < old; i++) {
        was[i] = all[i].wanted;
        all[i].wanted = false;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct effect *e = find(x, effects[i].slot);
        bool new = !e || !was[e - all];
        if (!e) {
            e = &all[count++];
            *e = (struct effect){.slot = effects[i].slot};
            x->n_effects = count;
        }
        want(fx, x, e, &effects[i], new);
    }
    fx->bytes -= (old + n - count) * sizeof *all;
    touch(fx, f);
}

void lp_fx_effects_again(lp_fx *fx, uint32_t f)
{
    struct extra *x = lp_fx_at(fx, f)->extra;
    if (!x || !x->n_effects)
        return;
    for (uint32_t i = 0; i < x->n_effects; i++)
        x->effects[i].again |= x->effects[i].live;
    touch(fx, f);
}

bool lp_fx_effects_drop(lp_fx *fx, uint32_t f)
{
    struct fiber *p = lp_fx_at(fx, f);
    p->order = 0; /* from now on how many clean-ups it waits for */
    for (uint32_t i = 0; i < p->extra->n_effects; i++)
        if (p->extra->effects[i].live) {
            call(fx, f, p->extra->effects[i].slot, false);
            p->order++;
        }
    return p->order > 0;
}

static int in_order(const void *a, const void *b)
{
    const struct clean_up *x = a, *y = b;
    if (x->start != y->start)
        return x->start ? 1 : -1;
    if (x->depth != y->depth)
        return x->depth > y->depth ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void settle(lp_fx *fx, uint32_t f)
{
    struct extra *x = lp_fx_at(fx, f)->extra;
    lp_fx_at(fx, f)->flags &= (uint16_t)~FIBER_TOUCHED;
    uint32_t kept = 0, old = x->n_effects;
    for (uint32_t i = 0; i < old; i++) {
        struct effect *e = &x->effects[i];
        if (e->live && (e->again || !e->wanted))
            call(fx, f, e->slot, false);
        if (e->wanted && (e->again || !e->live))
            call(fx, f, e->slot, true);
        e->live = e->wanted;
        e->again = false;
        if (e->wanted)
            x->effects[kept++] = *e;
        else
            lp_fx_free(fx, e->depends_on, e->len);
    }
    fx->bytes -= (old - kept) * sizeof *x->effects;
    x->n_effects = kept;
}

void lp_fx_effects_collect(lp_fx *fx)
{
    if (fx->closing)
        return;
    fx->closing = true;
    fx->calls_done = 0;
    for (size_t i = 0; i < fx->touched.n; i++) {
        uint32_t f = lp_fx_find(fx, fx->touched.at[i]);
        if (f && lp_fx_at(fx, f)->extra)
            settle(fx, f);
    }
    fx->touched.n = 0;
    if (fx->calls.n)
        qsort(fx->calls.at, fx->calls.n, sizeof *fx->calls.at, in_order);
}

bool lp_fx_effects_next(lp_fx *fx, lp_fx_work *ret)
{
    size_t n = 0, left = fx->calls.n - fx->calls_done;
    if (!left) {
        fx->calls.n = fx->calls_done = 0;
        fx->closing = false;
        return false;
    }
    const struct clean_up *at = fx->calls.at + fx->calls_done;
    lp_fx_effect_call *calls =
        lp_arena_take(&fx->work, LP_MIN(left, LP_MAX_FX_BATCH) * sizeof *calls);
    for (; n < left && n < LP_MAX_FX_BATCH && at[n].component == at->component; n++)
        calls[n] = (lp_fx_effect_call){
            .fiber = lp_fx_id_of(fx, at[n].fiber),
            .slot = at[n].slot,
            .start = at[n].start,
            .function = lp_fx_name_text(fx, lp_fx_at(fx, at[n].fiber)->function)};
    *ret = (lp_fx_work){.component = at->component, .effects = calls, .n = (uint32_t)n};
    fx->calls_out = n;
    return true;
}

void lp_fx_effects_done(lp_fx *fx)
{
    for (; fx->calls_out; fx->calls_out--) {
        const struct clean_up *at = &fx->calls.at[fx->calls_done++];
        struct fiber *p = lp_fx_at(fx, at->fiber);
        fx->stats.effects++;
        lp_fx_did(fx, at->start ? LP_FX_DID_START : LP_FX_DID_CLEAN_UP, at->fiber, at->slot);
        if (p->flags & FIBER_DEAD && --p->order == 0)
            lp_fx_row_free(fx, at->fiber);
    }
}
