/*
 * fx/core/fx.h: fibers and graphs, the runtime alone. knowledge/effect-system.md is the model; the
 * words (element, fiber, turn, ...) are explained there.
 *
 * Nothing here calls anybody. Whoever drives a runtime asks for the next step, does it in
 * whatever way it likes (a call into a component, a message to a worker, a C function), and
 * brings the answer:
 *
 *     for (;;) {
 *         switch (lp_fx_next(fx, 4096, &work)) {
 *         case LP_FX_IDLE: return;
 *         case LP_FX_CALLS: deliver(work.calls); lp_fx_done(fx); break;
 *         case LP_FX_COMPUTE: compute(work.due, &values); lp_fx_computed(fx, values, work.n);
 * break; case LP_FX_RUN: run(work.jobs, &answer); lp_fx_answered(fx, &answer); break; case
 * LP_FX_EFFECTS: effects(work.effects); lp_fx_done(fx); break;
 *         }
 *     }
 *
 * To stop in the middle of a turn is to call it later: a turn that was cut into pieces comes to
 * the same. Each piece of work is of one component, so one call crosses a boundary for all of it.
 *
 * Threads: a runtime and all its roots belong to one thread at a time. Roots that quote into one
 * another are in one runtime; that is why it is the runtime and not the root that has a thread.
 * Memory: what comes in is copied; what is handed out is good until the next call.
 * Trust: tables and answers are a guest's. They are checked before anything changes; a bad one
 * fails its job and never the host. Strings need not be UTF-8 or terminated. Who may name which
 * component, root or fiber is the driver's to check.
 */
#ifndef LP_FX_CORE_FX_H
#define LP_FX_CORE_FX_H

#include "base/base.h"

typedef struct lp_fx lp_fx;
/* Names a fiber, and never another one later. 0 is none. */
typedef uint32_t lp_fx_id;

/* ---- what a function returns ---- */

/* Rows `first` to `first + count - 1` of a table of the same message. */
typedef struct lp_fx_span {
    uint32_t first, count;
} lp_fx_span;

/* The `slot`-th function that a fiber offers to others. Good while the fiber lives. */
typedef struct lp_fx_callback {
    lp_fx_id fiber;
    uint32_t slot;
} lp_fx_callback;

/* Bytes with the name of their type and its version. */
typedef struct lp_fx_value {
    lp_str type;
    uint32_t version;
    uint32_t revision; /* of a cell: counts its changes */
    lp_str bytes;
} lp_fx_value;

typedef enum lp_fx_role {
    LP_FX_CALL,     /* runs `function` of `component`; has no children */
    LP_FX_GROUP,    /* holds children */
    LP_FX_PROVIDE,  /* the context `function` with the value `properties` */
    LP_FX_QUOTE,    /* the children are placed in the root named `function` */
    LP_FX_UNQUOTE,  /* inside a quote: the children are placed where the quote stands */
    LP_FX_BOUNDARY, /* a failure below: the child in row `argument`, a call, instead of the others
                     */
    LP_FX_GATHER,   /* what is yielded below continues the function that returned this, at slot
                       `argument` */
    LP_FX_DETACH,   /* a scope of its own: a failure below ends here, one beside does not end it */
    LP_FX_OUTLET,   /* what is quoted into this root is placed here, after the children */
    LP_FX_ROLES,
} lp_fx_role;

typedef struct lp_fx_element {
    uint32_t role;      /* lp_fx_role; anything else is refused */
    uint32_t argument;  /* see the roles */
    uint32_t component; /* the driver's number of it; 0: whoever returns this element */
    lp_str function;
    lp_str key; /* "": by position */
    lp_fx_span properties, callbacks, children;
} lp_fx_element;

/*
 * Elements, flat. A row of `children` names a row of `elements` that comes after the row whose
 * child it is, and no row is named twice: so a table is a forest, and what it takes to mount it
 * is what it takes to send it.
 */
typedef struct lp_fx_table {
    const lp_fx_element *elements;
    const uint32_t *children;
    const lp_fx_callback *callbacks;
    uint32_t n_elements, n_children, n_callbacks;
    lp_str bytes;
} lp_fx_table;

typedef struct lp_fx_effect {
    uint32_t slot;
    lp_str depends_on; /* cleaned up and started anew when these differ */
} lp_fx_effect;

typedef enum lp_fx_result {
    LP_FX_OK,
    LP_FX_FAILED,  /* `why` says it; the nearest boundary shows its fallback */
    LP_FX_REFUSED, /* only after a swap: it cannot go on with the cells; it is mounted anew */
} lp_fx_result;

/* What one job came to. The spans are of the lists of the answer. */
typedef struct lp_fx_output {
    uint32_t result; /* lp_fx_result */
    lp_str why;
    bool has_root;
    uint32_t root; /* a row of the table */
    lp_fx_span new_cells, reads, effects, yields;
    uint32_t microseconds; /* that it took, for inspection; the driver's own measurement */
} lp_fx_output;

/* For each job of the work, in its order, an output. */
typedef struct lp_fx_answer {
    const lp_fx_output *outputs;
    lp_fx_table table;
    const lp_fx_value *new_cells;
    const lp_str *reads; /* contexts that it looked at: it runs again when one changes */
    const lp_fx_effect *effects;
    const lp_fx_value *yields;
    uint32_t n_outputs, n_new_cells, n_reads, n_effects, n_yields;
} lp_fx_answer;

/* ---- what is handed out ---- */

enum lp_fx_reason {
    LP_FX_MOUNTED = 1,
    LP_FX_PROPERTIES = 2,
    LP_FX_STATE = 4,
    LP_FX_CONTEXT = 8,
    LP_FX_GATHERED = 16,
    LP_FX_SWAPPED = 32,
    LP_FX_INPUT = 64,  /* of a node: an input has another value */
    LP_FX_TIMED = 128, /* of a node: its time has come */
};

/* A context: one that fibers of this function have read before. */
typedef struct lp_fx_context {
    lp_str name, value;
    bool provided;
} lp_fx_context;

typedef struct lp_fx_job {
    lp_fx_id fiber;
    uint32_t reason; /* at least one of them */
    lp_str function, properties;
    const lp_fx_callback *callbacks;
    const lp_fx_value *cells; /* in the order of their creation */
    const lp_fx_context *contexts;
    const lp_fx_value *values; /* what was gathered, in the order of the tree */
    uint32_t n_callbacks, n_cells, n_contexts, n_values;
    bool gathered;  /* the second half of `owner`, which gathers, */
    uint32_t slot;  /* from here on */
    lp_fx_id owner; /* else 0 */
} lp_fx_job;

/* Every start is followed by exactly one clean-up. */
typedef struct lp_fx_effect_call {
    lp_fx_id fiber;
    uint32_t slot;
    bool start;
    lp_str function; /* the fiber's */
} lp_fx_effect_call;

typedef struct lp_fx_message {
    lp_fx_callback to;
    lp_str bytes, function; /* function: the fiber's */
    const lp_fx_value *cells;
    uint32_t n_cells;
} lp_fx_message;

typedef enum lp_fx_step {
    LP_FX_IDLE,    /* nothing to do until somebody asks for something */
    LP_FX_CALLS,   /* deliver `calls`; then lp_fx_done */
    LP_FX_RUN,     /* run `jobs`; then lp_fx_answered, or lp_fx_fail */
    LP_FX_EFFECTS, /* clean up and start `effects`; then lp_fx_done */
    LP_FX_ENDED,   /* a turn has ended; with `lp_fx_options.tells_end` alone */
    LP_FX_COMPUTE, /* compute the nodes `due`; then lp_fx_computed, or lp_fx_fail */
} lp_fx_step;

typedef struct lp_fx_input {
    bool present; /* not of one that failed or has no value yet */
    lp_str bytes;
} lp_fx_input;

/* A node of a graph that is due. */
typedef struct lp_fx_due_node {
    uint32_t node, function;
    const lp_fx_input *inputs; /* in the order of the node's inputs */
    uint32_t n_inputs;
} lp_fx_due_node;

#define LP_FX_SINKS UINT32_MAX

typedef struct lp_fx_work {
    uint32_t component; /* whose all of it is */
    uint32_t depth;     /* of the jobs; the height of the nodes, or LP_FX_SINKS */
    const lp_fx_job *jobs;
    const lp_fx_effect_call *effects;
    const lp_fx_message *calls;
    const lp_fx_due_node *due;
    uint32_t n;
} lp_fx_work;

/* ---- a runtime ---- */

typedef struct lp_fx_options {
    uint64_t seed[2]; /* of the hashes of names, random: what is handed out does not depend on it */
    bool tells_end;   /* LP_FX_ENDED after each turn: then roots may be changed before the next */
    uint32_t max_mounted; /* fibers that functions of one component returned; 0: as max_fibers */
    uint32_t max_fibers;  /* of the whole runtime; 0: LP_MAX_FX_FIBERS */
    uint32_t max_nodes;   /* of all graphs together; 0: LP_MAX_FX_NODES */
} lp_fx_options;

lp_fx *lp_fx_new(const lp_fx_options *options);
/* Clean-ups that were not handed out are not: unmount the roots and drive it until it is idle. */
void lp_fx_delete(lp_fx *fx);

/*
 * The next step. At most `max_jobs` jobs (0: LP_MAX_FX_BATCH). A step that was handed out must be
 * done before there is another one. With nothing else waiting, a turn ends with the clean-ups
 * (children before parents), then the starts, of all components that have some.
 */
lp_fx_step lp_fx_next(lp_fx *fx, uint32_t max_jobs, lp_fx_work *ret);
/* Takes the answer to LP_FX_RUN. What is bad in it fails the jobs that it is bad for. */
void lp_fx_answered(lp_fx *fx, const lp_fx_answer *answer);
/* There is no answer: the component trapped, or took too long. Fails all jobs, or all nodes. */
void lp_fx_fail(lp_fx *fx, lp_str why);
/*
 * The answer cannot be had this time: all jobs are due again, as if they had not been handed out.
 * What came of several may so be found for each of them, with a `max_jobs` of 1.
 */
void lp_fx_retry(lp_fx *fx);
/* Calls were delivered, effects were started and cleaned up, as well as it went. */
void lp_fx_done(lp_fx *fx);
/* Whether a turn has begun and not ended. */
bool lp_fx_in_turn(const lp_fx *fx);

/* ---- what may be asked for ---- */

/*
 * A root: a tree, under a name that quotes use ("" for none), of the table's first row, whose
 * component 0 is `component`. LOOP_INVALID for a table that is bad, LOOP_USAGE for a name in use
 * and within a turn: what guests ask for meanwhile waits for its end, at the driver's.
 */
loop_error *lp_fx_mount(lp_fx *fx, lp_str name, uint32_t component, const lp_fx_table *table,
                        lp_fx_id *ret_root) LOOP_MUST_USE;
/* What the root should show from now on. What is equal is left alone. */
loop_error *lp_fx_update(lp_fx *fx, lp_fx_id root, const lp_fx_table *table) LOOP_MUST_USE;
/*
 * Cancels all of it; within a turn, too, but for its effects (LOOP_USAGE). The id is void when the
 * clean-ups are done.
 */
loop_error *lp_fx_unmount(lp_fx *fx, lp_fx_id root) LOOP_MUST_USE;

/*
 * The rest may be asked for at any time and is acted on in the turn that begins next, in this
 * order. A fiber that is gone by then is passed over. LOOP_NOT_FOUND for a fiber that is gone
 * now or has no such cell, LOOP_LIMIT for a quota.
 */
loop_error *lp_fx_write(lp_fx *fx, lp_fx_id fiber, uint32_t cell,
                        const lp_fx_value *value) LOOP_MUST_USE;
/* The same error, and nothing is written: for several that are to be all or none. */
loop_error *lp_fx_write_check(const lp_fx *fx, lp_fx_id fiber, uint32_t cell,
                              const lp_fx_value *value) LOOP_MUST_USE;
/* LOOP_LIMIT where there is no room for so many writes, cancellations and calls. */
loop_error *lp_fx_room(const lp_fx *fx, size_t count, size_t bytes) LOOP_MUST_USE;
/* As if its parent had not returned it, until the parent runs again. */
loop_error *lp_fx_cancel(lp_fx *fx, lp_fx_id fiber) LOOP_MUST_USE;
/* Comes as LP_FX_CALLS to the component of the callback's fiber. */
loop_error *lp_fx_send(lp_fx *fx, lp_fx_callback to, lp_str bytes) LOOP_MUST_USE;
/*
 * The component was replaced: each of its fibers runs, with the cells that it has, and its effects
 * are cleaned up and started anew; or, with `remount`, it is mounted anew, without cells. Its
 * graph, at once: derived nodes are due, and sources keep their values; or, with `remount`, it is
 * dropped, for the new one to declare.
 */
loop_error *lp_fx_replaced(lp_fx *fx, uint32_t component, bool remount) LOOP_MUST_USE;

/* ---- graphs ---- */

/*
 * Sources, nodes derived from them, and sinks, which are told. A node is its component's, and
 * named by a number that the component chooses. A turn computes what is due of graphs before it
 * runs fibers: first derived nodes, the least height first, then sinks.
 */
typedef enum lp_fx_kind {
    LP_FX_SOURCE,    /* has what lp_fx_assign gives it */
    LP_FX_DERIVED,   /* computed from its inputs, while a sink needs it */
    LP_FX_ON_CHANGE, /* a sink: told in each turn in which an input changed */
    LP_FX_ON_FRAME,  /* told in a frame, if an input changed since it was told */
    LP_FX_ON_TIMER,  /* told each `period_ms`, whether anything changed or not */
    LP_FX_KINDS,
} lp_fx_kind;

typedef struct lp_fx_node {
    uint32_t id;
    uint32_t kind;     /* lp_fx_kind; anything else is refused */
    uint32_t function; /* handed out with it; the component's own number */
    uint32_t period_ms;
    const uint32_t *inputs; /* ids of sources and derived nodes; one may be named twice */
    uint32_t n_inputs;
} lp_fx_node;

typedef struct lp_fx_assignment {
    uint32_t node;
    lp_str value;
} lp_fx_assignment;

/* What a node came to. What a sink came to is kept only if it failed. */
typedef struct lp_fx_computed_value {
    bool ok;
    lp_str bytes; /* its value; not `ok`: why */
} lp_fx_computed_value;

#define LP_FX_ALL UINT32_MAX /* no component's number */

/*
 * Adds nodes, and replaces those whose id is in use; all or none. LOOP_INVALID for a cycle, which
 * the message names, an input that is not declared and one that is a sink, a source with inputs,
 * a timer without a period, and a node that comes twice. LOOP_LIMIT for quotas.
 *
 * The graph changes at once, at any time; what it makes due is computed in the turn that begins
 * next. While graphs are being computed, so is what else is due of this graph. A source that is
 * replaced by a source keeps its value. A derived node is computed again, and what was told of its
 * old value is told only if the new one differs. Sinks on change and on frame are due once.
 */
loop_error *lp_fx_declare(lp_fx *fx, uint32_t component, const lp_fx_node *nodes,
                          size_t n) LOOP_MUST_USE;
/*
 * Removes nodes, all or none. LOOP_NOT_FOUND for one that there is not, LOOP_INVALID for one that
 * is an input of a node that stays. One that comes twice is removed once.
 */
loop_error *lp_fx_forget(lp_fx *fx, uint32_t component, const uint32_t *ids,
                         size_t n) LOOP_MUST_USE;
/*
 * New values of sources, all or none, for the turn that begins next; the last one counts. Equal
 * bytes change nothing. LOOP_NOT_FOUND for a node that there is not, LOOP_INVALID for one that is
 * no source.
 */
loop_error *lp_fx_assign(lp_fx *fx, uint32_t component, const lp_fx_assignment *assignments,
                         size_t n) LOOP_MUST_USE;
/* A frame of the component, or of LP_FX_ALL; in the turn that begins next, if one does for it. */
void lp_fx_frame(lp_fx *fx, uint32_t component);
/* Whether a sink waits for a frame. */
bool lp_fx_frame_waits(const lp_fx *fx);
/*
 * It is `now_ms` on the driver's clock, which never goes back. A sink on timer that is due is told
 * once, however late; its first time is a period after the tick that came before it was declared
 * (0 before the first).
 */
void lp_fx_tick(lp_fx *fx, uint64_t now_ms);
/* When there is something to tick for; false: never. */
bool lp_fx_next_timer(const lp_fx *fx, uint64_t *ret_ms);
/* The component goes: so do its nodes. */
void lp_fx_graph_drop(lp_fx *fx, uint32_t component);
/*
 * Takes the answer to LP_FX_COMPUTE: for each node, in the order of `due`, a value. Another number
 * of them fails all nodes. A node that failed has no value for those that need it.
 */
void lp_fx_computed(lp_fx *fx, const lp_fx_computed_value *values, size_t n);

/* ---- looking at it ---- */

typedef struct lp_fx_info {
    lp_fx_id fiber;
    int64_t parent; /* a row before; -1 for the first */
    uint32_t role, component, depth, runs, microseconds;
    uint32_t reason; /* of the last run */
    bool due, failed, dormant;
    lp_str function, key, properties; /* as long as the runtime is not touched */
    uint32_t n_cells, n_effects;
} lp_fx_info;

/* At most `max` rows of what is below `root`, parents before children. Returns how many. */
size_t lp_fx_inspect(const lp_fx *fx, lp_fx_id root, lp_fx_info *rows, size_t max);
/* Whose a live fiber is; false for any other. */
bool lp_fx_component_of(const lp_fx *fx, lp_fx_id fiber, uint32_t *ret_component);
/* NULL, or why all of a root failed; as long as it does. */
const char *lp_fx_failure(const lp_fx *fx, lp_fx_id root);

typedef struct lp_fx_node_info {
    uint32_t node, kind, function, height, period_ms, runs, n_inputs;
    uint32_t reason; /* of the last time */
    bool necessary, due, failed;
    bool present; /* has a value: `value`; of a derived node that is not necessary, an old one */
    lp_str value, why; /* as long as the runtime is not touched */
} lp_fx_node_info;

/* At most `max` nodes of a component, from the `from`-th on; in no order that counts. */
size_t lp_fx_inspect_graph(const lp_fx *fx, uint32_t component, size_t from, lp_fx_node_info *rows,
                           size_t max);
/* One node; false where there is none. */
bool lp_fx_inspect_node(const lp_fx *fx, uint32_t component, uint32_t id, lp_fx_node_info *ret);

typedef struct lp_fx_stats {
    uint64_t turns, runs, mounts, cancels, effects; /* since the beginning */
    uint64_t computed;                              /* nodes, since the beginning */
    uint32_t fibers, due;                           /* now; those that wait for clean-up count */
    uint32_t nodes;                                 /* now, of all graphs */
    uint64_t bytes; /* of memory that the runtime holds, asked for */
} lp_fx_stats;
lp_fx_stats lp_fx_stats_of(const lp_fx *fx);

typedef enum lp_fx_happened {
    LP_FX_DID_TURN,   /* began; detail: its number */
    LP_FX_DID_RUN,    /* detail: reason */
    LP_FX_DID_MOUNT,  /* detail: the parent */
    LP_FX_DID_MOVE,   /* within its parent, as few as possible; detail: its new place */
    LP_FX_DID_UPDATE, /* got other properties */
    LP_FX_DID_CANCEL,
    LP_FX_DID_FAIL,     /* detail: the boundary that contains it, 0 the root */
    LP_FX_DID_START,    /* detail: slot */
    LP_FX_DID_CLEAN_UP, /* detail: slot */
    /* Of nodes: `fiber` is the node, detail its component. */
    LP_FX_DID_COMPUTE, /* has its answer */
    LP_FX_DID_CHANGE,  /* its value is another one, or gone */
} lp_fx_happened;

typedef struct lp_fx_event {
    uint32_t what;
    lp_fx_id fiber;
    uint32_t detail;
} lp_fx_event;

/* Off at first. On, it keeps up to LP_MAX_FX_TRACE events that nobody took and counts the rest. */
void lp_fx_trace(lp_fx *fx, bool on);
/* The events since the last time, oldest first; as long as the runtime is not touched. */
const lp_fx_event *lp_fx_trace_take(lp_fx *fx, size_t *ret_n, uint64_t *ret_lost);

#endif
