/*
 * fx/core/graph_plan.c: a declaration: whether it can be made, and the heights that it makes.
 *
 * A new cycle goes through a node that is replaced, and from there over nodes that are not, whose
 * heights rise along the way. So the walk against the edges, from what is declared to its inputs,
 * ends at nodes that are not higher than the lowest one that is replaced: declaring nodes above
 * those that there are looks at nothing else. What it costs besides is what was declared, and,
 * where the height of a node that was there changes, all that depends on it.
 */
#include <stdlib.h>

#include "fx/core/graph.h"

#define CYCLE_SHOWN 8

static loop_error *check_shape(const lp_fx *fx, const lp_fx_node *nodes, size_t n)
{
    if (n > LP_MAX_FX_NODES)
        return loop_error_new(LOOP_LIMIT, "more than %u nodes are declared", LP_MAX_FX_NODES);
    uint64_t edges = fx->graphs->n_edges;
    for (size_t i = 0; i < n; i++) {
        const lp_fx_node *d = &nodes[i];
        unsigned id = d->id;
        if (d->kind >= LP_FX_KINDS)
            return loop_error_new(LOOP_INVALID, "node %u is of no kind that there is", id);
        if (d->n_inputs > LP_MAX_FX_INPUTS)
            return loop_error_new(LOOP_LIMIT, "node %u has more than %u inputs", id,
                                  LP_MAX_FX_INPUTS);
        if (d->kind == LP_FX_SOURCE && d->n_inputs)
            return loop_error_new(LOOP_INVALID, "node %u is a source and has inputs", id);
        if (d->kind == LP_FX_ON_TIMER && !d->period_ms)
            return loop_error_new(LOOP_INVALID, "node %u is on timer and has no period", id);
        edges += d->n_inputs;
    }
    if (edges > LP_MAX_FX_EDGES)
        return loop_error_new(LOOP_LIMIT, "nodes have more than %u inputs together",
                              LP_MAX_FX_EDGES);
    return NULL;
}

static uint32_t kind_after(const struct graph *g, const struct plan *p, uint32_t row)
{
    const struct node *n = &g->nodes[row];
    return n->batch ? p->nodes[n->batch - 1].kind : n->kind;
}

static loop_error *find_rows(lp_fx *fx, struct graph *g, const lp_fx_node *nodes, size_t n,
                             struct plan *p)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t row = lp_fx_node_find(fx, g, nodes[i].id);
        if (row && g->nodes[row].batch)
            return loop_error_new(LOOP_INVALID, "node %u is declared twice", (unsigned)nodes[i].id);
        if (!row && fx->graphs->n_nodes >= fx->options.max_nodes)
            return loop_error_new(LOOP_LIMIT, "there are more than %u nodes",
                                  (unsigned)fx->options.max_nodes);
        if (!row)
            row = lp_fx_node_new(fx, g, nodes[i].id);
        g->nodes[row].batch = ++p->n;
        p->rows[i] = row;
    }
    return NULL;
}

static loop_error *find_inputs(lp_fx *fx, struct graph *g, struct plan *p)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        const lp_fx_node *d = &p->nodes[i];
        p->first[i] = at;
        for (uint32_t k = 0; k < d->n_inputs; k++) {
            uint32_t row = lp_fx_node_find(fx, g, d->inputs[k]);
            if (!row || lp_fx_is_sink(kind_after(g, p, row)))
                return loop_error_new(LOOP_INVALID, "node %u has the input %u, which is %s",
                                      (unsigned)d->id, (unsigned)d->inputs[k],
                                      row ? "a sink" : "not declared");
            p->inputs[at++] = row;
        }
    }
    p->first[p->n] = at;
    return NULL;
}

/* A node that others stay computed from cannot become a sink. */
static loop_error *check_dependents(const struct graph *g, const struct plan *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        const struct edge *e = g->nodes[p->rows[i]].dependents;
        if (!lp_fx_is_sink(p->nodes[i].kind))
            continue;
        for (; e; e = e->next)
            if (!g->nodes[e->to].batch)
                return loop_error_new(LOOP_INVALID, "node %u becomes a sink, and node %u needs it",
                                      (unsigned)p->nodes[i].id, (unsigned)g->nodes[e->to].id);
    }
    return NULL;
}

/* ---- cycles ---- */

struct open { /* a node on the way, and how many of its inputs were looked at */
    uint32_t row, at;
};

struct walk {
    struct graph *g;
    const struct plan *plan;
    uint32_t open, done; /* marks */
    uint32_t low;        /* nodes that are no higher lead to none that is replaced */
    LIST(struct open) way;
};

static uint32_t input_after(const struct walk *w, uint32_t row, uint32_t at)
{
    const struct node *n = &w->g->nodes[row];
    if (!n->batch)
        return at < n->n_inputs ? n->inputs[at].from : 0;
    const uint32_t *first = &w->plan->first[n->batch - 1];
    return at < first[1] - first[0] ? w->plan->inputs[first[0] + at] : 0;
}

static loop_error *cycle(const struct walk *w, uint32_t row)
{
    lp_buf text = {0};
    size_t from = w->way.n;
    while (w->way.at[--from].row != row)
        continue;
    for (size_t i = from; i < w->way.n && i < from + CYCLE_SHOWN; i++)
        lp_buf_printf(&text, "%u needs ", (unsigned)w->g->nodes[w->way.at[i].row].id);
    lp_buf_printf(&text, "%s%u", w->way.n - from > CYCLE_SHOWN ? "... needs " : "",
                  (unsigned)w->g->nodes[row].id);
    loop_error *e = loop_error_new(LOOP_INVALID, "nodes make a cycle: %s", text.ptr);
    lp_buf_done(&text);
    return e;
}

static loop_error *walk_from(struct walk *w, uint32_t start)
{
    w->g->nodes[start].mark = w->open;
    *lp_push(&w->way) = (struct open){.row = start};
    while (w->way.n) {
        struct open *top = &w->way.at[w->way.n - 1];
        uint32_t row = input_after(w, top->row, top->at++);
        if (!row) {
            w->g->nodes[top->row].mark = w->done;
            w->way.n--;
            continue;
        }
        struct node *n = &w->g->nodes[row];
        if (n->mark == w->open)
            return cycle(w, row);
        if (n->mark == w->done || (!n->batch && n->height <= w->low))
            continue;
        n->mark = w->open;
        *lp_push(&w->way) = (struct open){.row = row};
    }
    return NULL;
}

static loop_error *check_cycles(struct graph *g, const struct plan *p)
{
    uint32_t mark = lp_fx_marks(g);
    struct walk w = {.g = g, .plan = p, .open = mark, .done = mark + 1, .low = UINT32_MAX};
    for (uint32_t i = 0; i < p->n; i++)
        if (g->nodes[p->rows[i]].dependents)
            w.low = LP_MIN(w.low, g->nodes[p->rows[i]].height);
    loop_error *e = NULL;
    for (uint32_t i = 0; i < p->n && !e; i++)
        if (g->nodes[p->rows[i]].mark != w.done)
            e = walk_from(&w, p->rows[i]);
    free(w.way.at);
    return e;
}

/* ---- the plan ---- */

static loop_error *check(lp_fx *fx, struct graph *g, size_t n, struct plan *p)
{
    LP_TRY(find_rows(fx, g, p->nodes, n, p));
    LP_TRY(find_inputs(fx, g, p));
    LP_TRY(check_dependents(g, p));
    return check_cycles(g, p);
}

loop_error *lp_fx_plan(lp_fx *fx, struct graph *g, const lp_fx_node *nodes, size_t n,
                       struct plan *ret)
{
    LP_TRY(check_shape(fx, nodes, n));
    size_t edges = 0;
    for (size_t i = 0; i < n; i++)
        edges += nodes[i].n_inputs;
    lp_arena_reset(&fx->scratch, 1u << 16);
    *ret = (struct plan){.nodes = nodes,
                         .rows = lp_arena_take(&fx->scratch, n * sizeof *ret->rows),
                         .inputs = lp_arena_take(&fx->scratch, edges * sizeof *ret->inputs),
                         .first = lp_arena_take(&fx->scratch, (n + 1) * sizeof *ret->first)};
    loop_error *e = check(fx, g, n, ret);
    if (!e)
        return NULL;
    for (uint32_t i = ret->n; i-- > 0;) { /* the last one first: rows are free in the old order */
        struct node *of = &g->nodes[ret->rows[i]];
        of->batch = 0;
        if (!of->declaration)
            lp_fx_node_free(fx, g, ret->rows[i]);
    }
    return e;
}

void lp_fx_plan_done(struct graph *g, const struct plan *p)
{
    for (uint32_t i = 0; i < p->n; i++)
        g->nodes[p->rows[i]].batch = 0;
}

/* ---- heights ---- */

/* Nodes whose height may change, and of each how many edges come from others of them. */
static void region(struct graph *g, const struct plan *p, uint32_t mark)
{
    g->stack.n = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        struct node *n = &g->nodes[p->rows[i]];
        if (n->height == lp_fx_height_wanted(g, p->rows[i]))
            continue;
        n->mark = mark;
        n->left = 0;
        *lp_push(&g->stack) = p->rows[i];
    }
    for (size_t i = 0; i < g->stack.n; i++)
        for (const struct edge *e = g->nodes[g->stack.at[i]].dependents; e; e = e->next) {
            struct node *to = &g->nodes[e->to];
            if (to->mark != mark) {
                to->mark = mark;
                to->left = 0;
                *lp_push(&g->stack) = e->to;
            }
            to->left++;
        }
}

void lp_fx_plan_heights(lp_fx *fx, struct graph *g, const struct plan *p)
{
    region(g, p, lp_fx_marks(g));
    size_t n = 0;
    uint32_t *order = lp_arena_take(&fx->scratch, g->stack.n * sizeof *order);
    for (size_t i = 0; i < g->stack.n; i++)
        if (!g->nodes[g->stack.at[i]].left)
            order[n++] = g->stack.at[i];
    for (size_t i = 0; i < n; i++) {
        lp_fx_set_height(fx, g, order[i], lp_fx_height_wanted(g, order[i]));
        for (const struct edge *e = g->nodes[order[i]].dependents; e; e = e->next)
            if (--g->nodes[e->to].left == 0)
                order[n++] = e->to;
    }
}
