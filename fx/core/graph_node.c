/*
 * fx/core/graph_node.c: the table of a graph's nodes, their edges, and who waits for what.
 *
 * Ids are a guest's choice. Their hash is a multiply and shift with the driver's seed, which is
 * universal: whoever does not know the seed makes no more of them collide than chance does.
 * Nothing is ever listed in the order of the hash.
 */
#include <stdlib.h>

#include "fx/core/graph.h"

static void *grown(lp_fx *fx, void *p, size_t old, size_t size)
{
    void *q = lp_fx_alloc(fx, size);
    if (old)
        memcpy(q, p, old);
    lp_fx_free(fx, p, old);
    return q;
}

/* ---- graphs ---- */

size_t lp_fx_graph_from(const lp_fx *fx, uint64_t component)
{
    size_t from = 0, to = fx->graphs->all.n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (fx->graphs->all.at[middle]->component < component)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

struct graph *lp_fx_graph(const lp_fx *fx, uint32_t component)
{
    size_t i = lp_fx_graph_from(fx, component);
    return i < fx->graphs->all.n && fx->graphs->all.at[i]->component == component
               ? fx->graphs->all.at[i]
               : NULL;
}

struct graph *lp_fx_graph_make(lp_fx *fx, uint32_t component)
{
    struct graph *g = lp_fx_graph(fx, component);
    if (g)
        return g;
    g = lp_fx_alloc(fx, sizeof *g);
    g->component = component;
    size_t at = lp_fx_graph_from(fx, component);
    lp_push(&fx->graphs->all);
    struct graph **all = fx->graphs->all.at;
    memmove(all + at + 1, all + at, (fx->graphs->all.n - 1 - at) * sizeof *all);
    all[at] = g;
    return g;
}

void lp_fx_graph_delete(lp_fx *fx, struct graph *g)
{
    for (uint32_t row = 1; row < g->n_rows; row++) {
        struct node *n = &g->nodes[row];
        if (!n->live)
            continue;
        lp_fx_free(fx, n->inputs, n->n_inputs * sizeof *n->inputs); /* no list outlives this */
        lp_fx_free(fx, n->value, n->len);
        if (n->kind == LP_FX_ON_TIMER)
            lp_fx_timer_stop(fx, g, row);
        fx->graphs->n_edges -= n->n_inputs;
        fx->graphs->n_nodes--;
    }
    for (size_t i = 0; i < g->assigned.n; i++)
        lp_fx_free(fx, g->assigned.at[i].ptr, g->assigned.at[i].len);
    lp_fx_free(fx, g->nodes, g->cap_rows * sizeof *g->nodes);
    lp_fx_free(fx, g->buckets, g->n_buckets * sizeof *g->buckets);
    lp_fx_free(fx, g->heights, g->n_heights * sizeof *g->heights);
    lp_fx_free(fx, g->used, g->n_heights / 64 * sizeof *g->used);
    free(g->assigned.at);
    free(g->stack.at);
    fx->graphs->n_busy -= g->busy;
    size_t at = lp_fx_graph_from(fx, g->component);
    fx->graphs->all.n--;
    memmove(fx->graphs->all.at + at, fx->graphs->all.at + at + 1,
            (fx->graphs->all.n - at) * sizeof *fx->graphs->all.at);
    lp_fx_free(fx, g, sizeof *g);
}

void lp_fx_settle(lp_fx *fx, struct graph *g)
{
    bool busy = g->n_queued || g->lists[IN_SINKS].head || g->lists[IN_TICKED].head ||
                g->assigned.n || ((g->frame || g->frame_next) && g->lists[IN_FRAMES].head);
    fx->graphs->n_busy += (uint32_t)busy - (uint32_t)g->busy;
    g->busy = busy;
    if (!busy && !fx->graphs->open)
        g->frame = g->frame_next = false; /* nothing is left that it would tell of */
}

uint32_t lp_fx_marks(struct graph *g)
{
    if (g->mark > UINT32_MAX - 4) {
        for (uint32_t row = 1; row < g->n_rows; row++)
            g->nodes[row].mark = 0;
        g->mark = 0;
    }
    return g->mark += 2;
}

/* ---- rows ---- */

static uint32_t *bucket(const lp_fx *fx, const struct graph *g, uint32_t id)
{
    uint64_t odd = (fx->options.seed[0] ^ 0x9e3779b97f4a7c15ull) | 1;
    uint64_t h = odd * id + fx->options.seed[1];
    return &g->buckets[(h >> 32) * g->n_buckets >> 32];
}

uint32_t lp_fx_node_find(const lp_fx *fx, const struct graph *g, uint32_t id)
{
    if (!g->n_buckets)
        return 0;
    uint32_t row = *bucket(fx, g, id);
    while (row && g->nodes[row].id != id)
        row = g->nodes[row].chain;
    return row;
}

static void grow_buckets(lp_fx *fx, struct graph *g)
{
    lp_fx_free(fx, g->buckets, g->n_buckets * sizeof *g->buckets);
    g->n_buckets = g->n_buckets ? g->n_buckets * 2 : 64;
    g->buckets = lp_fx_alloc(fx, g->n_buckets * sizeof *g->buckets);
    for (uint32_t row = 1; row < g->n_rows; row++)
        if (g->nodes[row].live) {
            uint32_t *b = bucket(fx, g, g->nodes[row].id);
            g->nodes[row].chain = *b;
            *b = row;
        }
}

uint32_t lp_fx_node_new(lp_fx *fx, struct graph *g, uint32_t id)
{
    if (g->n_nodes >= g->n_buckets)
        grow_buckets(fx, g);
    uint32_t row = g->free_row;
    if (row) {
        g->free_row = g->nodes[row].chain;
    } else {
        if (g->n_rows == g->cap_rows) {
            uint32_t cap = g->cap_rows + g->cap_rows / 2 + 16;
            g->nodes = grown(fx, g->nodes, g->cap_rows * sizeof *g->nodes, cap * sizeof *g->nodes);
            g->cap_rows = cap;
        }
        row = g->n_rows ? g->n_rows : 1;
        g->n_rows = row + 1;
    }
    uint32_t *b = bucket(fx, g, id);
    g->nodes[row] = (struct node){.id = id, .live = true, .kind = LP_FX_DERIVED, .chain = *b};
    *b = row;
    g->n_nodes++;
    fx->graphs->n_nodes++;
    return row;
}

void lp_fx_node_free(lp_fx *fx, struct graph *g, uint32_t row)
{
    struct node *n = &g->nodes[row];
    uint32_t *at = bucket(fx, g, n->id);
    while (*at != row)
        at = &g->nodes[*at].chain;
    *at = n->chain;
    lp_fx_value_drop(fx, g, row);
    *n = (struct node){.chain = g->free_row};
    g->free_row = row;
    g->n_nodes--;
    fx->graphs->n_nodes--;
}

/* ---- edges ---- */

struct edge *lp_fx_edges_new(lp_fx *fx, struct graph *g, uint32_t row, const uint32_t *inputs,
                             uint32_t n)
{
    if (!n)
        return NULL;
    struct edge *edges = lp_fx_alloc(fx, n * sizeof *edges);
    for (uint32_t i = 0; i < n; i++) {
        struct node *from = &g->nodes[inputs[i]];
        edges[i] = (struct edge){.from = inputs[i], .to = row, .next = from->dependents};
        if (from->dependents)
            from->dependents->prev = &edges[i];
        from->dependents = &edges[i];
    }
    fx->graphs->n_edges += n;
    return edges;
}

void lp_fx_edges_delete(lp_fx *fx, struct graph *g, struct edge *edges, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct edge *e = &edges[i];
        if (e->prev)
            e->prev->next = e->next;
        else
            g->nodes[e->from].dependents = e->next;
        if (e->next)
            e->next->prev = e->prev;
    }
    lp_fx_free(fx, edges, n * sizeof *edges);
    fx->graphs->n_edges -= n;
}

static void push_inputs(struct graph *g, uint32_t row)
{
    for (uint32_t i = 0; i < g->nodes[row].n_inputs; i++)
        *lp_push(&g->stack) = g->nodes[row].inputs[i].from;
}

void lp_fx_gain(lp_fx *fx, struct graph *g, uint32_t row)
{
    g->stack.n = 0;
    *lp_push(&g->stack) = row;
    while (g->stack.n) {
        uint32_t at = g->stack.at[--g->stack.n];
        if (g->nodes[at].needed++ == 0 && g->nodes[at].kind == LP_FX_DERIVED) {
            lp_fx_node_due(fx, g, at, 0);
            push_inputs(g, at);
        }
    }
}

void lp_fx_lose(lp_fx *fx, struct graph *g, uint32_t row)
{
    g->stack.n = 0;
    *lp_push(&g->stack) = row;
    while (g->stack.n) {
        uint32_t at = g->stack.at[--g->stack.n];
        if (--g->nodes[at].needed == 0 && g->nodes[at].kind == LP_FX_DERIVED) {
            lp_fx_wait_not(g, at);
            push_inputs(g, at);
        }
    }
}

/* ---- who waits ---- */

static struct list *list_of(struct graph *g, const struct node *n)
{
    return n->in == IN_HEIGHTS ? &g->heights[n->height] : &g->lists[n->in];
}

static void grow_heights(lp_fx *fx, struct graph *g, uint32_t height)
{
    uint32_t old = g->n_heights, n = LP_MAX(old * 2, (height / 64 + 1) * 64);
    g->heights = grown(fx, g->heights, old * sizeof *g->heights, n * sizeof *g->heights);
    g->used = grown(fx, g->used, old / 64 * sizeof *g->used, n / 64 * sizeof *g->used);
    g->n_heights = n;
}

void lp_fx_wait(lp_fx *fx, struct graph *g, uint32_t row, uint32_t where)
{
    struct node *n = &g->nodes[row];
    n->in = (uint8_t)where;
    if (where == IN_HEIGHTS) {
        if (n->height >= g->n_heights)
            grow_heights(fx, g, n->height);
        g->used[n->height / 64] |= 1ull << n->height % 64;
        g->low = LP_MIN(g->low, n->height / 64);
        g->n_queued++;
    }
    struct list *list = list_of(g, n);
    n->next = 0;
    n->prev = list->tail;
    *(list->tail ? &g->nodes[list->tail].next : &list->head) = row;
    list->tail = row;
}

void lp_fx_wait_not(struct graph *g, uint32_t row)
{
    struct node *n = &g->nodes[row];
    if (n->in == IN_NONE)
        return;
    struct list *list = list_of(g, n);
    *(n->prev ? &g->nodes[n->prev].next : &list->head) = n->next;
    *(n->next ? &g->nodes[n->next].prev : &list->tail) = n->prev;
    if (n->in == IN_HEIGHTS) {
        g->n_queued--;
        if (!list->head)
            g->used[n->height / 64] &= ~(1ull << n->height % 64);
    }
    n->in = IN_NONE;
}

void lp_fx_node_due(lp_fx *fx, struct graph *g, uint32_t row, uint32_t reason)
{
    static const uint8_t where[LP_FX_KINDS] = {IN_NONE, IN_HEIGHTS, IN_SINKS, IN_FRAMES, IN_TICKED};
    struct node *n = &g->nodes[row];
    n->reason |= (uint8_t)reason;
    if (n->reason && n->in == IN_NONE && lp_fx_necessary(n) && n->kind != LP_FX_SOURCE)
        lp_fx_wait(fx, g, row, where[n->kind]);
}

void lp_fx_set_height(lp_fx *fx, struct graph *g, uint32_t row, uint32_t height)
{
    struct node *n = &g->nodes[row];
    if (n->height == height)
        return;
    bool queued = n->in == IN_HEIGHTS;
    if (queued)
        lp_fx_wait_not(g, row);
    n->height = height;
    if (queued)
        lp_fx_wait(fx, g, row, IN_HEIGHTS);
}

uint32_t lp_fx_height_wanted(const struct graph *g, uint32_t row)
{
    const struct node *n = &g->nodes[row];
    uint32_t most = 0;
    for (uint32_t i = 0; i < n->n_inputs; i++)
        most = LP_MAX(most, g->nodes[n->inputs[i].from].height);
    return n->kind == LP_FX_SOURCE ? 0 : most + 1;
}
