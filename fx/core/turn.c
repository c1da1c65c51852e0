/*
 * fx/core/turn.c: which step is next, and what its answer changes.
 *
 * A turn acts on what was asked for, computes what is due of graphs, then runs what is due: the
 * least depth first, and within one depth in the order in which it became due. So whoever provides,
 * or is a parent, ran before. When nothing else is due, second halves of what gathers run, the
 * deepest first, as what they gather is complete then. Effects end the turn. A fiber that ran is
 * not run again before the next turn; what makes it due meanwhile is noted (`later`). Nothing of
 * this depends on how often, or with which `max_jobs`, lp_fx_next is called, but for the order of
 * events within one depth.
 */
#include <stdlib.h>

#include "fx/core/internal.h"

lp_fx *lp_fx_new(const lp_fx_options *options)
{
    lp_fx *fx = lp_alloc(sizeof *fx);
    fx->options = *options;
    if (!fx->options.max_fibers || fx->options.max_fibers > LP_MAX_FX_FIBERS)
        fx->options.max_fibers = LP_MAX_FX_FIBERS;
    if (!fx->options.max_mounted)
        fx->options.max_mounted = fx->options.max_fibers;
    if (!fx->options.max_nodes || fx->options.max_nodes > LP_MAX_FX_NODES)
        fx->options.max_nodes = LP_MAX_FX_NODES;
    fx->bytes = sizeof *fx;
    lp_fx_graphs_new(fx);
    fx->failure = lp_fx_name(fx, SPACE_CONTEXT, LP_STR("loop:fx/failure"));
    return fx;
}

void lp_fx_delete(lp_fx *fx)
{
    if (!fx)
        return;
    fx->tracing = false;
    while (fx->roots.n) {
        uint32_t root = fx->roots.at[fx->roots.n - 1];
        lp_fx_drop(fx, root);
    }
    for (uint32_t f = 1; f < fx->n_rows; f++)
        if (lp_fx_at(fx, f)->flags & FIBER_DEAD)
            lp_fx_row_free(fx, f);
    lp_fx_graphs_done(fx);
    lp_fx_wishes_done(fx);
    lp_fx_names_done(fx);
    for (size_t i = 0; i < fx->blocks.n; i++)
        free(fx->blocks.at[i]);
    void *lists[] = {fx->blocks.at, fx->chunks,   fx->links.at,  fx->later.at,    fx->touched.at,
                     fx->roots.at,  fx->calls.at, fx->wishes.at, fx->messages.at, fx->jobs.at,
                     fx->events.at, fx->taken.at, fx->mounted.at};
    for (size_t i = 0; i < LP_COUNT(lists); i++)
        free(lists[i]);
    lp_arena_done(&fx->work);
    lp_arena_done(&fx->scratch);
    free(fx);
}

/* ---- queues ---- */

static struct queue *queue_of(lp_fx *fx, const struct fiber *p)
{
    return p->role == ROLE_THEN ? &fx->thens : &fx->due;
}

static void put(lp_fx *fx, uint32_t f)
{
    struct fiber *p = lp_fx_at(fx, f);
    struct queue *q = queue_of(fx, p);
    p->flags |= FIBER_DUE;
    p->due_next = 0;
    p->due_prev = q->tail[p->depth];
    if (p->due_prev)
        lp_fx_at(fx, p->due_prev)->due_next = f;
    else
        q->head[p->depth] = f;
    q->tail[p->depth] = f;
    q->used[p->depth / 64] |= 1ull << p->depth % 64;
    q->n++;
}

static void take_out(lp_fx *fx, uint32_t f)
{
    struct fiber *p = lp_fx_at(fx, f);
    struct queue *q = queue_of(fx, p);
    if (p->due_prev)
        lp_fx_at(fx, p->due_prev)->due_next = p->due_next;
    else
        q->head[p->depth] = p->due_next;
    if (p->due_next)
        lp_fx_at(fx, p->due_next)->due_prev = p->due_prev;
    else
        q->tail[p->depth] = p->due_prev;
    if (!q->head[p->depth])
        q->used[p->depth / 64] &= ~(1ull << p->depth % 64);
    p->flags &= (uint16_t)~FIBER_DUE;
    q->n--;
}

void lp_fx_due(lp_fx *fx, uint32_t f, uint32_t reason)
{
    struct fiber *p = lp_fx_at(fx, f);
    p->reason |= (uint8_t)reason;
    if (p->flags & (FIBER_DORMANT | FIBER_DUE | FIBER_LATER | FIBER_DEAD))
        return;
    if (fx->in_turn && p->ran == fx->turn) {
        p->flags |= FIBER_LATER;
        *lp_push(&fx->later) = lp_fx_id_of(fx, f);
    } else {
        put(fx, f);
    }
}

void lp_fx_not_due(lp_fx *fx, uint32_t f)
{
    if (lp_fx_at(fx, f)->flags & FIBER_DUE)
        take_out(fx, f);
}

static uint32_t least(const struct queue *q)
{
    for (uint32_t i = 0;; i++)
        for (uint32_t d = i * 64; q->used[i] && d < (i + 1) * 64; d++)
            if (q->head[d])
                return d;
}

static uint32_t most(const struct queue *q)
{
    for (uint32_t d = LP_MAX_FX_DEPTH; d-- > 0;)
        if (q->head[d])
            return d;
    return 0;
}

/* ---- a turn ---- */

static void begin(lp_fx *fx)
{
    fx->in_turn = true;
    fx->turn++;
    fx->stats.turns++;
    lp_fx_did(fx, LP_FX_DID_TURN, 0, fx->turn);
    size_t n = fx->later.n;
    for (size_t i = 0; i < n; i++) {
        uint32_t f = lp_fx_find(fx, fx->later.at[i]);
        if (f && lp_fx_at(fx, f)->flags & FIBER_LATER) {
            lp_fx_at(fx, f)->flags &= (uint16_t)~FIBER_LATER;
            lp_fx_due(fx, f, 0);
        }
    }
    fx->later.n = 0;
    lp_fx_wishes_act(fx);
    lp_fx_graphs_begin(fx);
}

static void hand_out(lp_fx *fx, struct queue *q, uint32_t depth, uint32_t max, lp_fx_work *ret)
{
    if (!max || max > LP_MAX_FX_BATCH)
        max = LP_MAX_FX_BATCH;
    uint32_t f = q->head[depth];
    *ret = (lp_fx_work){.component = lp_fx_at(fx, f)->component, .depth = depth};
    fx->jobs.n = 0;
    while (f && fx->jobs.n < max) {
        struct fiber *p = lp_fx_at(fx, f);
        uint32_t next = p->due_next;
        if (p->component == ret->component) {
            take_out(fx, f);
            p->last_reason = p->reason;
            p->reason = 0;
            p->ran = fx->turn;
            *lp_push(&fx->jobs) = (struct handed){.fiber = lp_fx_id_of(fx, f)};
        }
        f = next;
    }
    lp_fx_job *jobs = lp_arena_take(&fx->work, fx->jobs.n * sizeof *jobs);
    for (size_t i = 0; i < fx->jobs.n; i++) {
        lp_fx_job_of(fx, fx->jobs.at[i].fiber & ID_MASK, &jobs[i]);
        fx->jobs.at[i].contexts = jobs[i].n_contexts;
    }
    ret->jobs = jobs;
    ret->n = (uint32_t)fx->jobs.n;
}

lp_fx_step lp_fx_next(lp_fx *fx, uint32_t max_jobs, lp_fx_work *ret)
{
    *ret = (lp_fx_work){0};
    lp_arena_reset(&fx->work, 1u << 16);
    if (!fx->in_turn && lp_fx_messages_next(fx, ret))
        return fx->out = LP_FX_CALLS;
    if (!fx->in_turn && !fx->due.n && !fx->thens.n && !fx->later.n && !fx->wishes.n &&
        !fx->touched.n && !fx->calls.n && !lp_fx_graphs_busy(fx))
        return LP_FX_IDLE;
    if (!fx->in_turn)
        begin(fx);
    if (lp_fx_graphs_next(fx, max_jobs, ret))
        return fx->out = LP_FX_COMPUTE;
    if (fx->due.n) {
        hand_out(fx, &fx->due, least(&fx->due), max_jobs, ret);
        return fx->out = LP_FX_RUN;
    }
    if (fx->thens.n) {
        hand_out(fx, &fx->thens, most(&fx->thens), max_jobs, ret);
        return fx->out = LP_FX_RUN;
    }
    lp_fx_effects_collect(fx);
    if (lp_fx_effects_next(fx, ret))
        return fx->out = LP_FX_EFFECTS;
    fx->in_turn = false;
    if (fx->options.tells_end)
        return LP_FX_ENDED;
    return lp_fx_next(fx, max_jobs, ret); /* once: a turn begins or there is nothing */
}

bool lp_fx_in_turn(const lp_fx *fx)
{
    return fx->in_turn;
}

void lp_fx_done(lp_fx *fx)
{
    if (fx->out == LP_FX_CALLS)
        lp_fx_messages_done(fx);
    if (fx->out == LP_FX_EFFECTS)
        lp_fx_effects_done(fx);
    fx->out = LP_FX_IDLE;
}

/* ---- answers ---- */

static void again(lp_fx *fx, uint32_t f, uint32_t reason)
{
    lp_fx_at(fx, f)->ran = 0;
    lp_fx_due(fx, f, reason);
}

/* Good output, of a fiber that is there. */
static void accept(lp_fx *fx, uint32_t f, const lp_fx_answer *a, const struct forest *t,
                   const lp_fx_output *o)
{
    lp_fx_cells_add(fx, f, a->new_cells + o->new_cells.first, o->new_cells.count);
    lp_fx_effects(fx, f, a->effects + o->effects.first, o->effects.count);
    lp_fx_yields(fx, f, a->yields + o->yields.first, o->yields.count);
    lp_fx_reconcile(fx, f, t, o->has_root, o->root);
}

static void take(lp_fx *fx, uint32_t f, const lp_fx_answer *a, struct forest *t,
                 const lp_fx_output *o, uint32_t given)
{
    struct fiber *p = lp_fx_at(fx, f);
    if (o->result == LP_FX_REFUSED && p->last_reason & LP_FX_SWAPPED) {
        lp_fx_reset(fx, f);
        again(fx, f, LP_FX_MOUNTED);
        return;
    }
    const char *why = o->result == LP_FX_OK ? lp_fx_check_output(fx, a, t, o, f) : NULL;
    if (!why && o->result == LP_FX_OK) {
        enum lp_fx_read read = lp_fx_reads(fx, f, a->reads + o->reads.first, o->reads.count, given);
        if (read == READ_AGAIN) {
            again(fx, f, p->last_reason);
            return;
        }
        why = read == READ_TOO_MANY ? "a function reads too many contexts" : NULL;
    }
    p->runs++;
    p->microseconds = o->microseconds;
    fx->stats.runs++;
    lp_fx_did(fx, LP_FX_DID_RUN, f, p->last_reason);
    if (o->result == LP_FX_OK && !why)
        accept(fx, f, a, t, o);
    else
        lp_fx_failed(fx, f, why ? lp_str_of(why) : o->why);
}

void lp_fx_answered(lp_fx *fx, const lp_fx_answer *a)
{
    struct forest forest;
    lp_arena_reset(&fx->scratch, 1u << 16);
    const char *why = lp_fx_forest(fx, &a->table, &forest);
    if (!why && a->n_outputs != fx->jobs.n)
        why = "the answer has not one output for each job";
    if (why) {
        lp_fx_fail(fx, lp_str_of(why));
        return;
    }
    fx->out = LP_FX_IDLE;
    for (size_t i = 0; i < fx->jobs.n; i++) {
        uint32_t f = lp_fx_find(fx, fx->jobs.at[i].fiber); /* a failure before may have ended it */
        if (f)
            take(fx, f, a, &forest, &a->outputs[i], fx->jobs.at[i].contexts);
    }
    lp_fx_forest_done(fx, &forest);
    fx->jobs.n = 0;
}

void lp_fx_retry(lp_fx *fx)
{
    fx->out = LP_FX_IDLE;
    for (size_t i = 0; i < fx->jobs.n; i++) {
        uint32_t f = lp_fx_find(fx, fx->jobs.at[i].fiber);
        if (f)
            again(fx, f, lp_fx_at(fx, f)->last_reason);
    }
    fx->jobs.n = 0;
}

void lp_fx_fail(lp_fx *fx, lp_str why)
{
    if (fx->out == LP_FX_COMPUTE) {
        lp_fx_computed_fail(fx, why);
        return;
    }
    fx->out = LP_FX_IDLE;
    for (size_t i = 0; i < fx->jobs.n; i++) {
        uint32_t f = lp_fx_find(fx, fx->jobs.at[i].fiber);
        if (!f)
            continue;
        lp_fx_at(fx, f)->runs++;
        fx->stats.runs++;
        lp_fx_did(fx, LP_FX_DID_RUN, f, lp_fx_at(fx, f)->last_reason);
        lp_fx_failed(fx, f, why);
    }
    fx->jobs.n = 0;
}
