/*
 * fx/core/graph_turn.c: graphs in a turn: values that were assigned, steps, answers.
 *
 * Graphs come first, one after the other. In each, derived nodes that are due are computed, the
 * least height first, so that all inputs of a node are what they will be in this turn. An answer
 * that is the old value again is passed on to nobody. Then come the sinks.
 */
#include "fx/core/graph.h"

/* ---- values ---- */

void lp_fx_changed(lp_fx *fx, struct graph *g, uint32_t row)
{
    const struct node *n = &g->nodes[row];
    lp_fx_did_node(fx, LP_FX_DID_CHANGE, n->id, g->component);
    for (const struct edge *e = n->dependents; e; e = e->next)
        if (g->nodes[e->to].kind != LP_FX_ON_TIMER)
            lp_fx_node_due(fx, g, e->to, LP_FX_INPUT);
}

void lp_fx_value_drop(lp_fx *fx, struct graph *g, uint32_t row)
{
    struct node *n = &g->nodes[row];
    g->value_bytes -= n->len;
    lp_fx_free(fx, n->value, n->len);
    n->value = NULL;
    n->len = 0;
    n->present = n->failed = false;
}

static bool keep(lp_fx *fx, struct graph *g, uint32_t row, lp_str bytes)
{
    struct node *n = &g->nodes[row];
    bool room = bytes.len <= LP_MAX_FX_GRAPH_BYTES - (g->value_bytes - n->len);
    lp_fx_value_drop(fx, g, row);
    if (!room)
        return false;
    n->value = lp_fx_copy(fx, bytes.ptr, bytes.len);
    n->len = (uint32_t)bytes.len;
    g->value_bytes += bytes.len;
    return true;
}

static void fail(lp_fx *fx, struct graph *g, uint32_t row, lp_str why)
{
    struct node *n = &g->nodes[row];
    bool had = n->present;
    why.len = LP_MIN(why.len, (size_t)LP_MAX_FX_WHY);
    keep(fx, g, row, why); /* else without a word */
    n->failed = true;
    if (had)
        lp_fx_changed(fx, g, row);
}

static void succeed(lp_fx *fx, struct graph *g, uint32_t row, lp_str bytes)
{
    struct node *n = &g->nodes[row];
    if (lp_fx_is_sink(n->kind)) {
        lp_fx_value_drop(fx, g, row);
        return;
    }
    if (n->present && lp_str_eq(lp_fx_node_bytes(n), bytes))
        return;
    if (bytes.len > LP_MAX_FX_NODE_VALUE) {
        fail(fx, g, row, LP_STR("its value is too large"));
        return;
    }
    bool had = n->present;
    if (keep(fx, g, row, bytes)) {
        n->present = true;
        lp_fx_changed(fx, g, row);
    } else {
        n->present = had; /* as before, for who is told */
        fail(fx, g, row, LP_STR("the values of the component's nodes take too many bytes"));
    }
}

/* ---- the turn begins ---- */

static void assign(lp_fx *fx, struct graph *g)
{
    size_t n = g->assigned.n;
    for (size_t i = 0; i < n; i++) {
        struct assigned a = g->assigned.at[i];
        struct node *p = &g->nodes[a.row];
        p->aside = 0;
        g->value_bytes -= a.len;
        lp_fx_value_drop(fx, g, a.row);
        p->value = a.ptr;
        p->len = a.len;
        p->present = true;
        g->value_bytes += a.len;
        lp_fx_changed(fx, g, a.row);
    }
    g->assigned.n = 0;
}

static void move_all(lp_fx *fx, struct graph *g, uint32_t from)
{
    for (uint32_t row; (row = g->lists[from].head);) {
        lp_fx_wait_not(g, row);
        lp_fx_wait(fx, g, row, IN_SINKS);
    }
}

void lp_fx_graphs_begin(lp_fx *fx)
{
    struct graphs *gs = fx->graphs;
    if (!gs->n_busy)
        return;
    gs->open = true;
    gs->cursor = 0;
    for (size_t i = 0; i < gs->all.n; i++) {
        struct graph *g = gs->all.at[i];
        if (!g->busy)
            continue;
        assign(fx, g);
        move_all(fx, g, IN_TICKED);
        g->frame |= g->frame_next;
        g->frame_next = false;
    }
}

bool lp_fx_graphs_busy(const lp_fx *fx)
{
    return fx->graphs->n_busy > 0;
}

/* ---- steps ---- */

struct room { /* of a step */
    uint64_t jobs, inputs, bytes;
};

static bool fits(const struct graph *g, uint32_t row, struct room *room)
{
    const struct node *n = &g->nodes[row];
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        const struct node *from = &g->nodes[n->inputs[i].from];
        bytes += from->present ? from->len : 0;
    }
    if (n->n_inputs > room->inputs || bytes > room->bytes)
        return false;
    room->inputs -= n->n_inputs;
    room->bytes -= bytes;
    return true;
}

static void take(struct graph *g, uint32_t row)
{
    struct node *n = &g->nodes[row];
    lp_fx_wait_not(g, row);
    n->last_reason = n->reason;
    n->reason = 0;
}

/* Of the derived nodes of a height, or the sinks, as many as there is room for. */
static void collect(lp_fx *fx, struct graph *g, uint32_t height, uint32_t max)
{
    struct graphs *gs = fx->graphs;
    struct room room = {max, LP_MAX_FX_DUE_INPUTS, LP_MAX_FX_DUE_BYTES};
    gs->out.n = 0;
    while (gs->out.n < room.jobs) {
        bool sinks = height == LP_FX_SINKS; /* a node that fails may make a higher list */
        uint32_t row = sinks ? g->lists[IN_SINKS].head : g->heights[height].head;
        if (!row)
            return;
        if (fits(g, row, &room)) {
            take(g, row);
            *lp_push(&gs->out) = (struct handed_node){g->component, row, g->nodes[row].declaration};
        } else if (gs->out.n) {
            return;
        } else {
            take(g, row);
            fail(fx, g, row, LP_STR("its inputs have too many bytes together"));
        }
    }
}

static void hand_out(lp_fx *fx, const struct graph *g, uint32_t depth, lp_fx_work *ret)
{
    const struct graphs *gs = fx->graphs;
    lp_fx_due_node *due = lp_arena_take(&fx->work, gs->out.n * sizeof *due);
    for (size_t i = 0; i < gs->out.n; i++) {
        const struct node *n = &g->nodes[gs->out.at[i].row];
        lp_fx_input *inputs = lp_arena_take(&fx->work, n->n_inputs * sizeof *inputs);
        for (uint32_t k = 0; k < n->n_inputs; k++) {
            const struct node *from = &g->nodes[n->inputs[k].from];
            inputs[k] =
                (lp_fx_input){from->present, from->present ? lp_fx_node_bytes(from) : LP_STR("")};
        }
        due[i] = (lp_fx_due_node){n->id, n->function, inputs, n->n_inputs};
    }
    *ret = (lp_fx_work){
        .component = g->component, .depth = depth, .due = due, .n = (uint32_t)gs->out.n};
}

static bool next_of(lp_fx *fx, struct graph *g, uint32_t max, lp_fx_work *ret)
{
    const struct graphs *gs = fx->graphs;
    while (g->n_queued) {
        while (!g->used[g->low])
            g->low++;
        uint32_t height = g->low * 64 + (uint32_t)__builtin_ctzll(g->used[g->low]);
        collect(fx, g, height, max);
        if (gs->out.n) {
            hand_out(fx, g, height, ret);
            return true;
        }
    }
    if (g->frame)
        move_all(fx, g, IN_FRAMES);
    while (g->lists[IN_SINKS].head) {
        collect(fx, g, LP_FX_SINKS, max);
        if (gs->out.n) {
            hand_out(fx, g, LP_FX_SINKS, ret);
            return true;
        }
    }
    g->frame = false;
    return false;
}

bool lp_fx_graphs_next(lp_fx *fx, uint32_t max, lp_fx_work *ret)
{
    struct graphs *gs = fx->graphs;
    if (!max || max > LP_MAX_FX_BATCH)
        max = LP_MAX_FX_BATCH;
    if (!gs->open)
        return false;
    for (size_t i = lp_fx_graph_from(fx, gs->cursor); i < gs->all.n; i++) {
        struct graph *g = gs->all.at[i];
        gs->cursor = g->component;
        if (g->put_off != fx->stats.turns && next_of(fx, g, max, ret))
            return true;
        lp_fx_settle(fx, g);
        if (!g->busy)
            g->frame = g->frame_next = false; /* a frame that has nothing to tell */
    }
    gs->open = false;
    return false;
}

/* ---- answers ---- */

static void answered(lp_fx *fx, const lp_fx_computed_value *values, lp_str why)
{
    struct graphs *gs = fx->graphs;
    fx->out = LP_FX_IDLE;
    for (size_t i = 0; i < gs->out.n; i++) {
        const struct handed_node *h = &gs->out.at[i];
        struct graph *g = lp_fx_graph(fx, h->component);
        if (!g || h->row >= g->n_rows || g->nodes[h->row].declaration != h->declaration)
            continue; /* it was replaced, or went */
        struct node *n = &g->nodes[h->row];
        n->runs++;
        gs->computed++;
        lp_fx_did_node(fx, LP_FX_DID_COMPUTE, n->id, g->component);
        if (values && values[i].ok)
            succeed(fx, g, h->row, values[i].bytes);
        else
            fail(fx, g, h->row, values ? values[i].bytes : why);
        lp_fx_settle(fx, g);
    }
    gs->out.n = 0;
}

void lp_fx_computed(lp_fx *fx, const lp_fx_computed_value *values, size_t n)
{
    if (fx->out != LP_FX_COMPUTE)
        return;
    if (n == fx->graphs->out.n)
        answered(fx, values, LP_STR(""));
    else
        answered(fx, NULL, LP_STR("the answer has not one value for each node"));
}

void lp_fx_computed_fail(lp_fx *fx, lp_str why)
{
    answered(fx, NULL, why);
}
