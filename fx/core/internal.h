/*
 * fx/core/internal.h: what the files of fx/core share.
 *
 * A fiber is a row of a slab, 128 bytes, named by a 32-bit index; its children are a list through
 * the rows. What few fibers have (several cells, effects, yields, a place) is beside it in `extra`,
 * and properties in an allocation of their own. Names are interned, so that two are compared by
 * number; an interned name also carries a scratch mark, which makes the matching of children by
 * key linear without a table of its own.
 *
 * Nothing recurses: trees are walked along the links of the rows.
 *
 *   check.c      an answer, before anything changes       turn.c     queues, steps, answers
 *   reconcile.c  elements onto fibers                     inbox.c    what was asked for meanwhile
 *   fiber.c      the slab, links, cancelling              work.c     jobs as they are handed out
 *   context.c    who reads what                           gather.c   what is yielded
 *   effects.c    starts and clean-ups                     fail.c     boundaries
 *   names.c      interned names                           quote.c    places
 *   cells.c      state
 *   inspect.c    the live tree                            trace.c    what happened
 *
 * Graphs (graph*.c) share graph.h besides.
 */
#ifndef LP_FX_CORE_INTERNAL_H
#define LP_FX_CORE_INTERNAL_H

#include <assert.h>

#include "fx/core/fx.h"

#define ID_BITS 21
#define ID_MASK ((1u << ID_BITS) - 1)
#define GENERATIONS (1u << (32 - ID_BITS))
#define CHUNK 1024 /* fibers of a chunk of the slab */
#define LINE 64    /* bytes of a line of a cache */
#define SMALL_VALUE 16

/* Roles that no element has. */
enum { ROLE_ROOT = LP_FX_ROLES, ROLE_THEN };

/* Spaces of names: what is equal in one is not in another. A component's functions have its number.
 */
enum { SPACE_KEY = 0xffffffffu, SPACE_CONTEXT = 0xfffffffeu, SPACE_TYPE = 0xfffffffdu };

enum {
    FIBER_DUE = 1,
    FIBER_DORMANT = 2,     /* the fallback of a boundary that holds */
    FIBER_FAILED = 4,      /* a boundary, a detach or a root with a failure */
    FIBER_DEAD = 8,        /* waits for clean-ups */
    FIBER_LATER = 16,      /* due again, in the next turn */
    FIBER_DIRTY = 32,      /* a gather whose values changed since its second half ran */
    FIBER_RESHUFFLED = 64, /* a gather whose list must be sorted again */
    FIBER_TOUCHED = 128,   /* in the list of those whose effects changed */
    FIBER_TAKEN = 256,     /* matched: scratch of reconcile.c */
    FIBER_CELL = 512,      /* it has one cell, in its row */
};

struct held { /* a value that is kept */
    uint32_t type, version, revision, len;
    char *ptr;
};

struct effect {
    uint32_t slot, len;
    bool live, wanted; /* started; asked for by the last run */
    bool again;        /* clean up, then start: what it depends on changed */
    char *depends_on;
};

struct extra {
    struct held *cells, *yields; /* cells: where there are several */
    struct effect *effects;
    uint32_t n_cells, n_yields, n_effects, cell_bytes;
    uint32_t links, readers;          /* what it reads; of a provider, who reads it */
    uint32_t gather, y_next, y_prev;  /* of a fiber that yields: the list of its gather */
    uint32_t y_first;                 /* of a gather */
    uint32_t then, owner;             /* of a gather: its second half; whose, of both */
    uint32_t place, serial;           /* of a quote and an unquote: where the children are */
    uint32_t p_first, p_next, p_prev; /* quotes of a place */
    uint32_t outlet, name;            /* of a root */
    char *why;                        /* FIBER_FAILED */
};

struct props {
    uint32_t len, n;
    lp_fx_callback callbacks[]; /* then `len` bytes */
};

/* Two lines of a cache; a run of a leaf touches the first one, and its cell in the second. */
struct fiber {
    _Alignas(64) uint32_t first; /* 0: none, as in all links */
    uint32_t function, component, root;
    uint32_t due_next, due_prev, ran, runs, microseconds;
    uint16_t generation, depth;
    struct props *props;
    struct extra *extra;
    uint8_t role, reason, last_reason;
    uint16_t flags;
    uint32_t parent, next, prev, key, order, argument;
    struct held cell;        /* FIBER_CELL: the only one */
    char small[SMALL_VALUE]; /* its bytes, where they fit */
};
static_assert(sizeof(struct fiber) == 128, "two lines");

struct name {
    char *ptr;
    uint64_t hash;
    uint32_t space, refs, next;
    uint16_t len, n_reads;
    uint32_t mark, at; /* scratch of reconcile.c */
    uint32_t *reads;   /* of a function: contexts that its fibers have read */
};

struct link { /* a fiber reads a context */
    uint32_t fiber, name, provider, next, prev, sibling;
};

struct queue { /* fibers that are due, by depth */
    uint32_t head[LP_MAX_FX_DEPTH], tail[LP_MAX_FX_DEPTH];
    uint64_t used[LP_MAX_FX_DEPTH / 64];
    uint32_t n;
};

struct clean_up { /* by depth, deepest first; then in the order of their making */
    uint32_t fiber, component, slot, depth, seq;
    bool start;
};

struct handed { /* a job */
    lp_fx_id fiber;
    uint32_t contexts; /* how many of those that its function reads it was given */
};

struct wish { /* what waits for the next turn */
    enum { WISH_WRITE, WISH_CANCEL, WISH_SWAP, WISH_REMOUNT } what;
    lp_fx_id fiber;
    uint32_t cell;
    struct held value; /* its ptr is NULL where the bytes are in `small` */
    char small[SMALL_VALUE];
};

struct message {
    lp_fx_callback to;
    uint32_t component, len;
    char *ptr;
};

#define LIST(type)                                                                                 \
    struct {                                                                                       \
        type *at;                                                                                  \
        size_t n, cap;                                                                             \
    }

struct lp_fx {
    lp_fx_options options;
    struct graphs *graphs;
    struct fiber **chunks;
    LIST(void *) blocks; /* what they lie in */
    uint32_t n_chunks, n_rows, free, live;
    LIST(uint32_t) mounted; /* by component: fibers that its functions returned, and live */
    struct name *names;
    uint32_t n_names, cap_names, free_name, n_live_names, *buckets, n_buckets, mark;
    LIST(struct link) links;
    uint32_t free_link;
    struct queue due, thens; /* ordinary fibers; second halves of those that gather */
    LIST(uint32_t) later, touched, roots;
    LIST(struct clean_up) calls;
    size_t calls_done, calls_out;
    LIST(struct wish) wishes;
    LIST(struct message) messages;
    size_t waiting_bytes, messages_out;
    uint32_t turn, serial;
    bool in_turn, closing;    /* closing: the effects of the turn are handed out */
    lp_fx_step out;           /* the step that was handed out and not done */
    LIST(struct handed) jobs; /* LP_FX_RUN */
    lp_arena work, scratch;
    uint32_t failure; /* the name of the context */
    LIST(lp_fx_event) events, taken;
    uint64_t lost;
    bool tracing;
    uint64_t bytes;
    lp_fx_stats stats;
};

/* Memory that is counted. */
void *lp_fx_alloc(lp_fx *fx, size_t size);
void lp_fx_free(lp_fx *fx, void *p, size_t size);
char *lp_fx_copy(lp_fx *fx, const char *p, size_t n); /* NULL for n == 0 */

/* names.c */
uint32_t lp_fx_name(lp_fx *fx, uint32_t space, lp_str s);      /* one more reference; 0 for "" */
uint32_t lp_fx_name_find(lp_fx *fx, uint32_t space, lp_str s); /* 0: nobody has it */
void lp_fx_name_ref(lp_fx *fx, uint32_t name);
void lp_fx_name_unref(lp_fx *fx, uint32_t name);
lp_str lp_fx_name_text(const lp_fx *fx, uint32_t name);
void lp_fx_names_done(lp_fx *fx);

/* fiber.c */
static inline struct fiber *lp_fx_at(const lp_fx *fx, uint32_t index)
{
    return &fx->chunks[index / CHUNK][index % CHUNK];
}
static inline lp_fx_id lp_fx_id_of(const lp_fx *fx, uint32_t index)
{
    return index ? (uint32_t)lp_fx_at(fx, index)->generation << ID_BITS | index : 0;
}
/* How many fibers functions of that component returned. */
uint32_t *lp_fx_mounted(lp_fx *fx, uint32_t component);
uint32_t lp_fx_find(const lp_fx *fx, lp_fx_id id); /* 0: gone */
uint32_t lp_fx_row(lp_fx *fx);                     /* a new fiber; 0: LP_MAX_FX_FIBERS */
void lp_fx_row_free(lp_fx *fx, uint32_t f);
struct extra *lp_fx_extra(lp_fx *fx, uint32_t f);
void lp_fx_unlink(lp_fx *fx, uint32_t f); /* from its parent */
/* Cancels `f` and all below it, from the leaves up. */
void lp_fx_drop(lp_fx *fx, uint32_t f);
void lp_fx_drop_children(lp_fx *fx, uint32_t f);
/* As mounted just now: no cells, no children, its effects cleaned up. */
void lp_fx_reset(lp_fx *fx, uint32_t f);
void lp_fx_held_done(lp_fx *fx, struct held *h);
struct held lp_fx_held(lp_fx *fx, const lp_fx_value *v);

/* cells.c */
/* All cells of a fiber, *ret_n of them, of *ret_bytes bytes. */
struct held *lp_fx_cells(const lp_fx *fx, uint32_t f, uint32_t *ret_n, uint32_t *ret_bytes);
void lp_fx_cells_add(lp_fx *fx, uint32_t f, const lp_fx_value *values, uint32_t n);
void lp_fx_cell_write(lp_fx *fx, uint32_t f, struct wish *w);
void lp_fx_cells_done(lp_fx *fx, uint32_t f);

/* turn.c */
void lp_fx_due(lp_fx *fx, uint32_t f, uint32_t reason);
void lp_fx_not_due(lp_fx *fx, uint32_t f);
/* An answer's table, or a root's, while it is looked at: in the scratch arena. */
struct forest {
    const lp_fx_table *table;
    uint32_t *keys; /* of each row, as far as it was looked at; held until _done */
    uint8_t *used;  /* a row that was named */
    uint32_t n;     /* rows */
};
/* check.c: NULL, or what is wrong. */
const char *lp_fx_forest(lp_fx *fx, const lp_fx_table *t, struct forest *ret);
void lp_fx_forest_done(lp_fx *fx, struct forest *t);
/* Whether the tree from `row` may be mounted below `f`; `owned`: `f` can be run again for it. */
const char *lp_fx_check_tree(lp_fx *fx, struct forest *t, uint32_t row, uint32_t f, bool owned);
const char *lp_fx_check_output(lp_fx *fx, const lp_fx_answer *a, struct forest *t,
                               const lp_fx_output *o, uint32_t f);
/* reconcile.c: the tree from `row` (`has`: else nothing) is what is below `f`, which returned it.
 */
void lp_fx_reconcile(lp_fx *fx, uint32_t f, const struct forest *t, bool has, uint32_t row);
/* work.c */
const lp_fx_value *lp_fx_cell_values(lp_fx *fx, uint32_t f, uint32_t *ret_n); /* in fx->work */
void lp_fx_job_of(lp_fx *fx, uint32_t f, lp_fx_job *ret);
/* context.c */
uint32_t lp_fx_provider(const lp_fx *fx, uint32_t f, uint32_t name);
enum lp_fx_read { READ_OK, READ_AGAIN, READ_TOO_MANY };
enum lp_fx_read lp_fx_reads(lp_fx *fx, uint32_t f, const lp_str *names, uint32_t n, uint32_t given);
lp_str lp_fx_context_value(const lp_fx *fx, uint32_t provider);
void lp_fx_reads_done(lp_fx *fx, uint32_t f);
void lp_fx_provider_done(lp_fx *fx, uint32_t f);
void lp_fx_provided(lp_fx *fx, uint32_t provider);
/* gather.c */
void lp_fx_yields(lp_fx *fx, uint32_t f, const lp_fx_value *values, uint32_t n);
void lp_fx_yields_done(lp_fx *fx, uint32_t f);
void lp_fx_reordered(lp_fx *fx, uint32_t parent);
void lp_fx_gather_dirty(lp_fx *fx, uint32_t gather, uint32_t reason);
const lp_fx_value *lp_fx_gathered(lp_fx *fx, uint32_t gather, uint32_t *ret_n);
/* effects.c */
void lp_fx_effects(lp_fx *fx, uint32_t f, const lp_fx_effect *effects, uint32_t n);
bool lp_fx_effects_drop(lp_fx *fx, uint32_t f);  /* true: one must be cleaned up first */
void lp_fx_effects_again(lp_fx *fx, uint32_t f); /* cleaned up, and started by another component */
void lp_fx_effects_collect(lp_fx *fx);
bool lp_fx_effects_next(lp_fx *fx, lp_fx_work *ret);
void lp_fx_effects_done(lp_fx *fx);
/* fail.c */
void lp_fx_failed(lp_fx *fx, uint32_t f, lp_str why);
/* quote.c */
uint32_t lp_fx_up(const lp_fx *fx, uint32_t f); /* the parent by place; 0 above a root */
uint32_t lp_fx_root_named(lp_fx *fx, uint32_t name);
void lp_fx_placed(lp_fx *fx, uint32_t f);   /* a quote, an unquote or an outlet that is new */
void lp_fx_unplaced(lp_fx *fx, uint32_t f); /* and goes */
/* inbox.c */
void lp_fx_wishes_act(lp_fx *fx);
void lp_fx_wishes_done(lp_fx *fx);
bool lp_fx_messages_next(lp_fx *fx, lp_fx_work *ret);
void lp_fx_messages_done(lp_fx *fx);
/* graph.c, graph_turn.c */
void lp_fx_graphs_new(lp_fx *fx);
void lp_fx_graphs_done(lp_fx *fx);
void lp_fx_graph_replaced(lp_fx *fx, uint32_t component, bool remount);
void lp_fx_graphs_stats(const lp_fx *fx, lp_fx_stats *stats);
void lp_fx_graphs_begin(lp_fx *fx);
bool lp_fx_graphs_busy(const lp_fx *fx); /* want a turn */
bool lp_fx_graphs_next(lp_fx *fx, uint32_t max, lp_fx_work *ret);
void lp_fx_computed_fail(lp_fx *fx, lp_str why);
/* trace.c */
void lp_fx_event_add(lp_fx *fx, uint32_t what, lp_fx_id id, uint32_t detail);
static inline void lp_fx_did(lp_fx *fx, uint32_t what, uint32_t f, uint32_t detail)
{
    if (fx->tracing)
        lp_fx_event_add(fx, what, lp_fx_id_of(fx, f), detail);
}
static inline void lp_fx_did_node(lp_fx *fx, uint32_t what, uint32_t node, uint32_t component)
{
    if (fx->tracing)
        lp_fx_event_add(fx, what, node, component);
}

#endif
