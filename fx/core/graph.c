/*
 * fx/core/graph.c: what is asked for of graphs.
 *
 * The graph itself changes at once, so that whoever asks is told what is wrong with it, and so that
 * what is asked for next is checked against it. Values change when a turn begins. A change of the
 * graph while graphs are computed puts off what else is due of it to the next turn: no sink is told
 * of some nodes as they were and of others as they became.
 */
#include <stdlib.h>

#include "fx/core/graph.h"

static void changes(lp_fx *fx, struct graph *g)
{
    if (fx->graphs->open)
        g->put_off = fx->stats.turns;
}

/* ---- assignments ---- */

static void assignment_drop(lp_fx *fx, struct graph *g, uint32_t row)
{
    uint32_t at = g->nodes[row].aside - 1;
    struct assigned *a = &g->assigned.at[at], *last = &g->assigned.at[g->assigned.n - 1];
    g->value_bytes -= a->len;
    lp_fx_free(fx, a->ptr, a->len);
    *a = *last;
    g->nodes[a->row].aside = at + 1;
    g->nodes[row].aside = 0;
    g->assigned.n--;
}

static loop_error *check_assignments(const lp_fx *fx, const struct graph *g,
                                     const lp_fx_assignment *a, size_t n)
{
    size_t bytes = g ? g->value_bytes : 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = g ? lp_fx_node_find(fx, g, a[i].node) : 0;
        if (!row)
            return loop_error_new(LOOP_NOT_FOUND, "there is no node %u", (unsigned)a[i].node);
        if (g->nodes[row].kind != LP_FX_SOURCE)
            return loop_error_new(LOOP_INVALID, "node %u is no source", (unsigned)a[i].node);
        if (a[i].value.len > LP_MAX_FX_NODE_VALUE)
            return loop_error_new(LOOP_LIMIT, "the value of node %u is larger than %u bytes",
                                  (unsigned)a[i].node, LP_MAX_FX_NODE_VALUE);
        if (a[i].value.len > LP_MAX_FX_GRAPH_BYTES - bytes)
            return loop_error_new(LOOP_LIMIT, "the values of the nodes take more than %u bytes",
                                  LP_MAX_FX_GRAPH_BYTES);
        bytes += a[i].value.len;
    }
    return NULL;
}

loop_error *lp_fx_assign(lp_fx *fx, uint32_t component, const lp_fx_assignment *a, size_t n)
{
    struct graph *g = lp_fx_graph(fx, component);
    LP_TRY(check_assignments(fx, g, a, n));
    for (size_t i = 0; i < n; i++) {
        uint32_t row = lp_fx_node_find(fx, g, a[i].node);
        struct node *p = &g->nodes[row];
        if (p->aside)
            assignment_drop(fx, g, row);
        if (p->present && lp_str_eq(lp_fx_node_bytes(p), a[i].value))
            continue;
        *lp_push(&g->assigned) =
            (struct assigned){.row = row,
                              .len = (uint32_t)a[i].value.len,
                              .ptr = lp_fx_copy(fx, a[i].value.ptr, a[i].value.len)};
        p->aside = (uint32_t)g->assigned.n;
        g->value_bytes += a[i].value.len;
    }
    if (g)
        lp_fx_settle(fx, g);
    return NULL;
}

/* ---- declarations ---- */

/* What the node was ends. */
static void leave(lp_fx *fx, struct graph *g, uint32_t row, const lp_fx_node *d)
{
    struct node *n = &g->nodes[row];
    if (n->kind == d->kind && n->kind == LP_FX_SOURCE)
        return;
    bool beats =
        n->kind == LP_FX_ON_TIMER && d->kind == LP_FX_ON_TIMER && n->period == d->period_ms;
    if (beats)
        return;
    lp_fx_wait_not(g, row);
    n->reason = 0;
    if (n->kind == LP_FX_SOURCE && n->aside)
        assignment_drop(fx, g, row);
    if (n->kind == LP_FX_ON_TIMER && n->aside)
        lp_fx_timer_stop(fx, g, row);
    if (d->kind == LP_FX_DERIVED || (!n->present && !n->failed))
        return; /* a value stays, to be compared with */
    bool had = n->present;
    lp_fx_value_drop(fx, g, row);
    if (had)
        lp_fx_changed(fx, g, row);
}

static void rewire(lp_fx *fx, struct graph *g, uint32_t row, const lp_fx_node *d,
                   const uint32_t *inputs)
{
    struct node *n = &g->nodes[row];
    bool was = lp_fx_necessary(n);
    struct edge *old = n->inputs;
    uint32_t n_old = n->n_inputs;
    n->kind = (uint8_t)d->kind;
    n->inputs = lp_fx_edges_new(fx, g, row, inputs, d->n_inputs);
    n->n_inputs = d->n_inputs;
    if (lp_fx_necessary(n))
        for (uint32_t i = 0; i < d->n_inputs; i++)
            lp_fx_gain(fx, g, inputs[i]);
    if (was)
        for (uint32_t i = 0; i < n_old; i++)
            lp_fx_lose(fx, g, old[i].from);
    lp_fx_edges_delete(fx, g, old, n_old);
}

static void make(lp_fx *fx, struct graph *g, uint32_t row, const lp_fx_node *d,
                 const uint32_t *inputs)
{
    struct node *n = &g->nodes[row];
    leave(fx, g, row, d);
    rewire(fx, g, row, d, inputs);
    n->function = d->function;
    n->period = d->kind == LP_FX_ON_TIMER ? d->period_ms : 0;
    n->declaration = ++fx->graphs->declarations;
    if (d->kind == LP_FX_ON_TIMER && !n->aside)
        lp_fx_timer_start(fx, g, row);
    if (d->kind != LP_FX_SOURCE && d->kind != LP_FX_ON_TIMER)
        lp_fx_node_due(fx, g, row, LP_FX_MOUNTED);
}

loop_error *lp_fx_declare(lp_fx *fx, uint32_t component, const lp_fx_node *nodes, size_t n)
{
    if (component == LP_FX_ALL)
        return loop_error_new(LOOP_USAGE, "a component has an impossible number");
    if (!n)
        return NULL;
    struct graph *g = lp_fx_graph_make(fx, component);
    struct plan plan;
    loop_error *e = lp_fx_plan(fx, g, nodes, n, &plan);
    if (!e) {
        changes(fx, g);
        for (uint32_t i = 0; i < plan.n; i++)
            make(fx, g, plan.rows[i], &nodes[i], plan.inputs + plan.first[i]);
        lp_fx_plan_heights(fx, g, &plan);
        lp_fx_plan_done(g, &plan);
        lp_fx_settle(fx, g);
    } else if (!g->n_nodes) {
        lp_fx_graph_delete(fx, g);
    }
    lp_arena_reset(&fx->scratch, 1u << 16);
    return e;
}

static loop_error *check_forget(const lp_fx *fx, struct graph *g, const uint32_t *ids, size_t n,
                                uint32_t mark)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t row = lp_fx_node_find(fx, g, ids[i]);
        if (!row)
            return loop_error_new(LOOP_NOT_FOUND, "there is no node %u", (unsigned)ids[i]);
        g->nodes[row].mark = mark;
    }
    for (size_t i = 0; i < n; i++) {
        const struct node *p = &g->nodes[lp_fx_node_find(fx, g, ids[i])];
        for (const struct edge *e = p->dependents; e; e = e->next)
            if (g->nodes[e->to].mark != mark)
                return loop_error_new(LOOP_INVALID, "node %u goes, and node %u needs it",
                                      (unsigned)ids[i], (unsigned)g->nodes[e->to].id);
    }
    return NULL;
}

loop_error *lp_fx_forget(lp_fx *fx, uint32_t component, const uint32_t *ids, size_t n)
{
    struct graph *g = lp_fx_graph(fx, component);
    if (!n)
        return NULL;
    if (!g)
        return loop_error_new(LOOP_NOT_FOUND, "there is no node %u", (unsigned)ids[0]);
    LP_TRY(check_forget(fx, g, ids, n, lp_fx_marks(g)));
    changes(fx, g);
    static const lp_fx_node nothing = {.kind = LP_FX_SOURCE};
    for (size_t i = 0; i < n; i++) { /* without inputs first, so that none needs another */
        uint32_t row = lp_fx_node_find(fx, g, ids[i]);
        leave(fx, g, row, &nothing);
        rewire(fx, g, row, &nothing, NULL);
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t row = lp_fx_node_find(fx, g, ids[i]);
        if (row && g->nodes[row].aside)
            assignment_drop(fx, g, row);
        if (row)
            lp_fx_node_free(fx, g, row);
    }
    if (g->n_nodes)
        lp_fx_settle(fx, g);
    else
        lp_fx_graph_delete(fx, g);
    return NULL;
}

/* ---- frames, components ---- */

void lp_fx_frame(lp_fx *fx, uint32_t component)
{
    bool all = component == LP_FX_ALL;
    for (size_t i = all ? 0 : lp_fx_graph_from(fx, component); i < fx->graphs->all.n; i++) {
        struct graph *g = fx->graphs->all.at[i];
        if (!all && g->component != component)
            return;
        if (!g->busy && !g->lists[IN_FRAMES].head && !fx->graphs->open)
            continue;
        g->frame_next = true;
        lp_fx_settle(fx, g);
    }
}

bool lp_fx_frame_waits(const lp_fx *fx)
{
    for (size_t i = 0; i < fx->graphs->all.n; i++)
        if (fx->graphs->all.at[i]->lists[IN_FRAMES].head)
            return true;
    return false;
}

void lp_fx_graph_drop(lp_fx *fx, uint32_t component)
{
    struct graph *g = lp_fx_graph(fx, component);
    if (g)
        lp_fx_graph_delete(fx, g);
}

void lp_fx_graph_replaced(lp_fx *fx, uint32_t component, bool remount)
{
    struct graph *g = lp_fx_graph(fx, component);
    if (!g || remount) {
        lp_fx_graph_drop(fx, component);
        return;
    }
    changes(fx, g);
    for (uint32_t row = 1; row < g->n_rows; row++) {
        if (!g->nodes[row].live || g->nodes[row].kind != LP_FX_DERIVED)
            continue;
        g->nodes[row].declaration = ++fx->graphs->declarations;
        lp_fx_node_due(fx, g, row, LP_FX_SWAPPED);
    }
    lp_fx_settle(fx, g);
}

void lp_fx_graphs_new(lp_fx *fx)
{
    fx->graphs = lp_fx_alloc(fx, sizeof *fx->graphs);
}

void lp_fx_graphs_done(lp_fx *fx)
{
    while (fx->graphs->all.n)
        lp_fx_graph_delete(fx, fx->graphs->all.at[fx->graphs->all.n - 1]);
    free(fx->graphs->all.at);
    free(fx->graphs->timers.at);
    free(fx->graphs->out.at);
    lp_fx_free(fx, fx->graphs, sizeof *fx->graphs);
}

/* ---- looking at it ---- */

void lp_fx_graphs_stats(const lp_fx *fx, lp_fx_stats *stats)
{
    stats->computed = fx->graphs->computed;
    stats->nodes = fx->graphs->n_nodes;
}

static lp_fx_node_info info_of(const struct node *n)
{
    lp_str bytes = lp_fx_node_bytes(n), none = LP_STR("");
    return (lp_fx_node_info){.node = n->id,
                             .kind = n->kind,
                             .function = n->function,
                             .height = n->height,
                             .period_ms = n->period,
                             .runs = n->runs,
                             .n_inputs = n->n_inputs,
                             .reason = n->last_reason,
                             .necessary = lp_fx_necessary(n),
                             .due = n->in != IN_NONE,
                             .failed = n->failed,
                             .present = n->present,
                             .value = n->present ? bytes : none,
                             .why = n->failed ? bytes : none};
}

size_t lp_fx_inspect_graph(const lp_fx *fx, uint32_t component, size_t from, lp_fx_node_info *rows,
                           size_t max)
{
    const struct graph *g = lp_fx_graph(fx, component);
    size_t n = 0;
    for (uint32_t row = 1; g && row < g->n_rows && n < max; row++)
        if (g->nodes[row].live && !(from && from--))
            rows[n++] = info_of(&g->nodes[row]);
    return n;
}

bool lp_fx_inspect_node(const lp_fx *fx, uint32_t component, uint32_t id, lp_fx_node_info *ret)
{
    const struct graph *g = lp_fx_graph(fx, component);
    uint32_t row = g ? lp_fx_node_find(fx, g, id) : 0;
    if (row)
        *ret = info_of(&g->nodes[row]);
    return row != 0;
}
