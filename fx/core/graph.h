/*
 * fx/core/graph.h: what the files of graphs share.
 *
 * A graph is a component's. A node is a row of its table; each input is an edge, which is in a list
 * of the node that it comes from. Of a node, `needed` counts the edges to nodes that are necessary:
 * sinks, and derived nodes that are needed themselves.
 *
 *   graph.c        what is asked for              graph_plan.c  a declaration, before it is made
 *   graph_node.c   the table, edges, who is due   graph_turn.c  steps, answers
 *   graph_timer.c  sinks on timer
 *
 * What must be computed or told has a `reason` for it. One that is necessary waits in a list; of
 * one that is not the reason is kept, and that it has none means that no input changed meanwhile:
 * those that are derived themselves are looked at before it when it becomes necessary again.
 */
#ifndef LP_FX_CORE_GRAPH_H
#define LP_FX_CORE_GRAPH_H

#include "fx/core/internal.h"

struct edge { /* an input of `to` */
    uint32_t from, to;
    struct edge *next, *prev; /* of those from the same node */
};

/* Where a node that is due waits; it is in one of them at most. */
enum {
    IN_NONE,
    IN_SINKS,   /* told in this turn, or the next one */
    IN_FRAMES,  /* told with a frame */
    IN_TICKED,  /* told in the next turn */
    IN_HEIGHTS, /* derived nodes */
};

struct node {
    uint32_t id, function, period;
    uint32_t chain; /* the next one of its bucket; of a free row the next free one */
    uint32_t height, n_inputs, needed, runs, len;
    uint32_t next, prev;  /* where it waits */
    uint32_t aside;       /* 1 + its place: of a source in `assigned`, of a timer in `timers` */
    uint32_t batch;       /* 1 + its place in the declaration that is being made */
    uint32_t mark, left;  /* scratch of walks */
    uint64_t declaration; /* another one each time: an answer to another one does not count */
    struct edge *inputs, *dependents;
    char *value; /* `len` bytes; of one that failed, why */
    uint8_t kind, in, last_reason;
    uint8_t reason; /* it must be computed or told; kept while it is not necessary */
    bool live, present, failed;
};

struct list { /* of nodes that wait */
    uint32_t head, tail;
};

struct assigned {
    uint32_t row, len; /* row 0: the node went, or is no source any more */
    char *ptr;
};

struct graph {
    uint32_t component;
    struct node *nodes; /* 0 is none */
    uint32_t n_rows, cap_rows, free_row, n_nodes, *buckets, n_buckets;
    struct list lists[IN_HEIGHTS], *heights;
    uint64_t *used;                    /* a bit a height that has some */
    uint32_t n_heights, n_queued, low; /* low: no word of `used` before it has a bit */
    LIST(struct assigned) assigned;
    LIST(uint32_t) stack; /* of walks */
    uint32_t mark;
    size_t value_bytes; /* of values, whys and `assigned` */
    uint64_t put_off;   /* the turn that computes nothing more of it */
    bool busy;          /* wants a turn */
    bool frame, frame_next;
};

struct timer {
    uint64_t due, seq;
    struct graph *graph;
    uint32_t row;
};

struct handed_node {
    uint32_t component, row;
    uint64_t declaration;
};

struct graphs {
    LIST(struct graph *) all; /* by component */
    uint32_t n_busy, n_nodes, n_edges;
    uint64_t declarations;
    LIST(struct timer) timers; /* a heap, by due and seq */
    uint64_t now, seq;
    LIST(struct handed_node) out; /* LP_FX_COMPUTE */
    uint64_t cursor;              /* the least component that may have something to compute */
    bool open;                    /* graphs are computed in this turn */
    uint64_t computed;
};

static inline bool lp_fx_is_sink(uint32_t kind)
{
    return kind >= LP_FX_ON_CHANGE;
}
static inline bool lp_fx_necessary(const struct node *n)
{
    return n->needed || lp_fx_is_sink(n->kind);
}
static inline lp_str lp_fx_node_bytes(const struct node *n)
{
    return (lp_str){n->len ? n->value : "", n->len};
}

/* graph_node.c */
struct graph *lp_fx_graph(const lp_fx *fx, uint32_t component); /* NULL: it has none */
struct graph *lp_fx_graph_make(lp_fx *fx, uint32_t component);
void lp_fx_graph_delete(lp_fx *fx, struct graph *g);
/* The first one whose component is at least `component`, as a place in `all`. */
size_t lp_fx_graph_from(const lp_fx *fx, uint64_t component);
uint32_t lp_fx_node_find(const lp_fx *fx, const struct graph *g, uint32_t id); /* 0: none */
uint32_t lp_fx_node_new(lp_fx *fx, struct graph *g, uint32_t id);
/* It has no edges and nothing waits for it. */
void lp_fx_node_free(lp_fx *fx, struct graph *g, uint32_t row);
/* A list of edges to `row`, one from each of `inputs`. */
struct edge *lp_fx_edges_new(lp_fx *fx, struct graph *g, uint32_t row, const uint32_t *inputs,
                             uint32_t n);
void lp_fx_edges_delete(lp_fx *fx, struct graph *g, struct edge *edges, uint32_t n);
/* One more, or one less, necessary node is computed from `row`. */
void lp_fx_gain(lp_fx *fx, struct graph *g, uint32_t row);
void lp_fx_lose(lp_fx *fx, struct graph *g, uint32_t row);
void lp_fx_wait(lp_fx *fx, struct graph *g, uint32_t row, uint32_t where);
void lp_fx_wait_not(struct graph *g, uint32_t row);
/* It must be computed or told, once it is necessary; for no reason, if it has one. */
void lp_fx_node_due(lp_fx *fx, struct graph *g, uint32_t row, uint32_t reason);
void lp_fx_set_height(lp_fx *fx, struct graph *g, uint32_t row, uint32_t height);
uint32_t lp_fx_height_wanted(const struct graph *g, uint32_t row);
/* Notes whether the graph wants a turn. */
void lp_fx_settle(lp_fx *fx, struct graph *g);
uint32_t lp_fx_marks(struct graph *g); /* a number, it and the next one no node's mark */

/* graph_plan.c */
struct plan {
    const lp_fx_node *nodes;
    uint32_t n, *rows;
    uint32_t *inputs; /* rows, of all nodes one after the other */
    uint32_t *first;  /* of each node's, n + 1 of them */
};
/* New nodes have rows already; all of it is in the scratch arena. */
loop_error *lp_fx_plan(lp_fx *fx, struct graph *g, const lp_fx_node *nodes, size_t n,
                       struct plan *ret);
/* Heights, once the edges are what was planned. */
void lp_fx_plan_heights(lp_fx *fx, struct graph *g, const struct plan *plan);
void lp_fx_plan_done(struct graph *g, const struct plan *plan);

/* graph_turn.c: the value is another one; those that are computed from it are due. */
void lp_fx_changed(lp_fx *fx, struct graph *g, uint32_t row);
void lp_fx_value_drop(lp_fx *fx, struct graph *g, uint32_t row);

/* graph_timer.c */
void lp_fx_timer_start(lp_fx *fx, struct graph *g, uint32_t row);
void lp_fx_timer_stop(lp_fx *fx, struct graph *g, uint32_t row);

#endif
