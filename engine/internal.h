/* engine/internal.h: shared by the files of engine/ alone. */
#ifndef LP_ENGINE_INTERNAL_H
#define LP_ENGINE_INTERNAL_H

#include <stdatomic.h>

#include "base/os/os.h"
#include "engine/engine.h"
#include "engine/ext.h"

/* What it takes to enter a guest on a thread's own stack beside the guest's: the host's frames. */
#define LP_STACK_OURS (512u << 10)

/* The epoch moves this often while guests run: a spinning guest looks up that often. */
#define LP_TICK_NS 5000000u

struct lp_engine {
    wasm_engine_t *wasm;
    lp_engine_options options;
    char *cache_dir;
    struct lp_ticker *ticker;
    size_t stack; /* what a guest may use of it; it traps beyond */
};

/* ticker.c: one thread an engine, awake only while guests run. */
loop_error *lp_ticker_new(wasm_engine_t *wasm, struct lp_ticker **ret) LOOP_MUST_USE;
void lp_ticker_delete(struct lp_ticker *t);

/* A guest, as the ticker sees it. */
struct lp_ticking {
    _Atomic bool inside;  /* of a call; its own thread writes */
    _Atomic bool counted; /* the ticker looks at it at every tick */
    /* The ticker's, under its lock. */
    struct lp_ticking *next;
    unsigned idle; /* ticks that found it outside, one after the other */
    bool listed;
};
void lp_ticker_add(struct lp_ticker *t, struct lp_ticking *g);
void lp_ticker_remove(struct lp_ticker *t, struct lp_ticking *g);

/*
 * Around a call. No fence and no locked instruction, which short calls would pay each
 * time: ticker.c says why none is needed.
 */
static inline void lp_ticker_enter(struct lp_ticker *t, struct lp_ticking *g)
{
    atomic_store_explicit(&g->inside, true, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    if (!atomic_load_explicit(&g->counted, memory_order_relaxed))
        lp_ticker_add(t, g);
}

static inline void lp_ticker_leave(struct lp_ticking *g)
{
    atomic_store_explicit(&g->inside, false, memory_order_relaxed);
}

/* cache.c: NULL where there is nothing usable; storing never fails loudly. */
wasmtime_component_t *lp_cache_load(lp_engine *e, const uint8_t *wasm, size_t len);
void lp_cache_store(lp_engine *e, const uint8_t *wasm, size_t len, wasmtime_component_t *c);

/* type.c: types of one component, into the arena. */
struct lp_types {
    lp_arena *arena;
    size_t nodes, text; /* so far, against LP_MAX_TYPE_NODES and LP_MAX_TYPE_TEXT */
    struct {
        struct lp_known {
            wasmtime_component_resource_type_t *type;
            const lp_resource *resource;
        } *at;
        size_t n, cap;
    } known; /* resources, in the order in which they are declared */
};
/* The resource that has this type: the one named here, or the one that was before. */
const lp_resource *lp_resource_add(struct lp_types *x, const wasmtime_component_resource_type_t *t,
                                   const char *interface_name, const char *name, bool is_export);
/* Errors: LOOP_INVALID for types that loop does not carry, LOOP_LIMIT. */
loop_error *lp_type_of(struct lp_types *x, const wasmtime_component_valtype_t *t, unsigned depth,
                       const lp_type **ret) LOOP_MUST_USE;
loop_error *lp_signature_of(struct lp_types *x, const wasmtime_component_func_type_t *f,
                            const lp_signature **ret) LOOP_MUST_USE;
void lp_types_done(struct lp_types *x);

/*
 * errors.c: takes `e`. A trap of the guest `name` with its frames, or what went
 * wrong; without frames it has the code `otherwise`.
 */
loop_error *lp_error_of(wasmtime_error_t *e) LOOP_MUST_USE;
loop_error *lp_error_of_guest(const char *name, wasmtime_error_t *e,
                              loop_code otherwise) LOOP_MUST_USE;
/* A guest's realloc that failed; takes `e`. */
loop_error *lp_error_of_alloc(wasmtime_error_t *e, size_t size) LOOP_MUST_USE;
/* The message alone; takes `e`; malloced. */
char *lp_error_text(wasmtime_error_t *e);

/* engine.c: LOOP_INVALID for a section that does not lie in the file. */
loop_error *lp_check_sections(const char *path, const uint8_t *b, size_t len) LOOP_MUST_USE;

struct lp_component {
    lp_engine *engine;
    char *path;
    uint8_t *bytes;
    size_t len;
    wasmtime_component_t *wasm; /* NULL until compiled */
    lp_arena arena;
    struct {
        lp_row *at;
        size_t n, cap;
    } rows;
    bool described;
    struct {
        lp_import *at;
        size_t n, cap;
    } imports;
    struct {
        const char **at;
        size_t n, cap;
    } exports;
    struct {
        lp_import *at;
        size_t n, cap;
    } exported; /* functions of the exports */
};

/* ---- guests ---- */

struct lp_guest {
    lp_engine *engine;
    lp_component *component;
    lp_guest_options options;
    lpx_hooks hooks;
    lpx_driver *driver;
    wasmtime_component_linker_t *linker;
    wasmtime_store_t *store;
    wasmtime_context_t *cx;
    lpx_limits limits;
    loop_limits filled;           /* where options.limits is NULL */
    uint64_t total_ns, inside_ns; /* the limit (0: none), and what was used of it */
    uint64_t entered_ns;          /* with a limit */
    wasmtime_component_instance_t instance;
    loop_error *stash;               /* raised inside a host call, on its way out */
    uint32_t resources;              /* types defined, numbered from 0 */
    uintptr_t stack_low, stack_high; /* of the thread that it was instantiated on */
    bool alone;                      /* imports nothing that may wait: calls need no fiber */
    struct lp_ticking ticking;       /* inside a call: nobody may enter it again */
    bool driven;                     /* that call is on a fiber */
    bool started; /* instantiated: what goes wrong from now on is the guest's fault */
};

/*
 * Whether the guest can run on this stack: a thread may have less than a guest may
 * use, and a call from inside of another guest's is on that one's fiber.
 */
static inline bool lp_guest_fits_here(const lp_guest *g)
{
    uintptr_t at = (uintptr_t)__builtin_frame_address(0);
    return g->alone && at < g->stack_high && at > g->stack_low &&
           at - g->stack_low > g->engine->stack + LP_STACK_OURS;
}

/* Whether this thread drives a guest that may wait. */
void lp_thread_drives(bool on);

/* After lp_guest_check_free. `alone`: without a fiber (lp_guest_fits_here). */
static inline void lp_guest_enter(lp_guest *g, bool alone)
{
    g->driven = !alone;
    if (!alone)
        lp_thread_drives(true);
    if (g->total_ns)
        g->entered_ns = lp_os_now_ns();
    lp_ticker_enter(g->engine->ticker, &g->ticking);
}

static inline void lp_guest_leave(lp_guest *g)
{
    lp_ticker_leave(&g->ticking);
    if (g->total_ns)
        g->inside_ns += lp_os_now_ns() - g->entered_ns;
    if (g->driven)
        lp_thread_drives(false);
}

/* In milliseconds, 0: for ever: how long a call may take, where it has `timeout_ms`. */
static inline uint64_t lp_guest_time(const lp_guest *g, uint64_t timeout_ms)
{
    if (!g->total_ns)
        return timeout_ms;
    uint64_t left = g->total_ns > g->inside_ns ? (g->total_ns - g->inside_ns) / 1000000 + 1 : 1;
    return timeout_ms ? LP_MIN(timeout_ms, left) : left;
}

/* What a race's end means; takes `e`. *exited: the guest ended itself with a status. */
loop_error *lp_guest_outcome(lp_guest *g, lpx_outcome o, wasmtime_error_t *e, bool *exited,
                             int *status) LOOP_MUST_USE;
/* Keeps a host function's error while Wasmtime unwinds the guest. */
wasmtime_error_t *lp_guest_stash(lp_guest *g, loop_error *err);
/* LOOP_NOT_FOUND. */
loop_error *lp_guest_find(lp_guest *g, const char *interface_name, const char *function,
                          wasmtime_component_func_t *ret) LOOP_MUST_USE;

#endif
