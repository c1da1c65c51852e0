/*
 * host/backend.h: shared by the files that let a component serve others, in a slot.
 *
 *   backend.c        the table: what the component exports; its objects, and that they can serve
 *   backend_life.c   the thread of an object: its start, its work, its end, its next start
 *   backend_call.c   a call, from the thread of whoever calls to that one and back
 *   backend_state.c  what a swap carries: loop:core/reload
 *
 * An object has an instance of the component (in h->behind) and a thread that is the only one to
 * enter it. Whoever calls leaves a piece of work there with a copy of the arguments, waits, and
 * takes a copy of the answer: so it can leave at any time (its deadline, its end), and whatever
 * the component does is its own.
 *
 * What stands for a resource of the component's is its loop_handle, which says of itself that it
 * is of another body, or was dropped.
 */
#ifndef LP_BACKEND_H
#define LP_BACKEND_H

#include "host/internal.h"

#define LP_BACKEND_MS 1000000ull
#define LP_BACKEND_LOOK_NS 10000000ull /* how often who waits looks whether it still may */
#define LP_BACKEND_SPIN_NS 20000       /* how long either side looks before it sleeps */
#define LP_BACKEND_PATIENCE_MS 1000    /* for a call that nobody waits for any more */
#define LP_BACKEND_CLOSE_MS 2000       /* for the drops that are left, at the end */
#define LP_BACKEND_STUCK_MS 500        /* to come back after it was stopped */

/* An interface that it serves; `interface` is first. */
struct lp_backend_side {
    loop_interface interface;
    const lp_plan **plans; /* one a function */
};

/* A component as a table; `provider` is first. */
typedef struct lp_backend_table {
    loop_provider provider;
    loop_host *host;
    loop_component *component;
    lp_os_mutex *preparing; /* while that is compiled; taken after host->changing, or alone */
    lp_arena arena;
    const char *path;              /* real */
    loop_instance_options options; /* copies, and a reference to the policy */
    struct lp_backend_side *sides;
    size_t side_count;
    unsigned depth; /* as loop_instance.depth */
    bool is_child;  /* was loaded by a component: it may run by itself, and never starts again */
    bool runs;      /* by itself: a command or an application; once it is compiled */
    bool left;      /* to a thread that did not come back: it is never deleted */
} lp_backend_table;

typedef struct lp_backend lp_backend;

/* Something for the thread to do. */
struct lp_backend_work {
    void (*run)(lp_backend *b, struct lp_backend_work *w);
    struct lp_backend_work *next;
    bool is_drop; /* done at the end, too */
};

struct lp_backend_call {
    struct lp_backend_work work;
    const struct lp_backend_side *side;
    size_t row;
    void *args, *ret;
    lp_arena arena; /* of both */
    lp_frame frame; /* what the answer points to */
    loop_error *err;
    uint64_t until_ns; /* UINT64_MAX: no such time */
    _Atomic enum lp_backend_state { LP_BACKEND_WAITS, LP_BACKEND_RUNS, LP_BACKEND_DONE } state;
    bool left; /* nobody waits for it */
    uint64_t left_ns;
    lp_os_cond *done;
    struct lp_backend_call *next; /* idle */
};

/* An object of such a table. */
struct lp_backend {
    lp_backend_table *table;
    uint64_t call_timeout_ms; /* 0: none */
    uint64_t restarts;        /* within a minute */
    bool making;              /* is being linked; host->changing */
    bool checking;            /* on the way of a search for a circle; host->changing */
    uint64_t searched;        /* the last search that was through with it; host->changing */
    loop_instance *instance;  /* NULL: it was not needed yet; written with `changing` held */
    lp_os_thread *thread;
    lp_waited it;      /* that thread */
    lp_os_mutex *lock; /* of all below */
    lp_os_cond *wake;  /* work; for the thread */
    lp_os_cond *told;  /* the phase, or the end */
    struct lp_backend_work *first, **last;
    _Atomic uint32_t posted; /* counts work */
    struct lp_backend_call *running, *idle;
    size_t idle_count;
    uint64_t calls; /* under way and waiting */
    enum {
        LP_BACKEND_STARTS,
        LP_BACKEND_WELL,
        LP_BACKEND_DOWN, /* starts again when it is called, not before `not_before_ns` */
    } phase;
    bool ends, ended; /* is to; has */
    bool left;        /* it was to, and did not: so it stays */
    bool exited;      /* DOWN: it ended itself, with `status` */
    int status;
    loop_error *why; /* DOWN */
    uint64_t not_before_ns;
    /* The thread's own. */
    bool tried;                    /* to start again, just now */
    struct loop_export ***exports; /* by side and row; NULL: not looked up in this body */
    bool given;                    /* its state was, in this swap; backend_state.c */
};

/* For somebody who answers soon: false once that lasts. */
static inline bool lp_backend_spins(uint64_t *until_ns)
{
    uint64_t now = lp_os_now_ns();
    *until_ns = *until_ns ? *until_ns : now + LP_BACKEND_SPIN_NS;
    lp_os_thread_yield();
    return now < *until_ns;
}

/* ---- backend.c ---- */
/* A table of a component's file, not compiled, without a name. Any thread. */
loop_error *lp_backend_table_new(loop_host *h, const char *path, const loop_instance_options *o,
                                 bool is_child, lp_backend_table **ret) LOOP_MUST_USE;
void lp_backend_table_delete(lp_backend_table *t);
/* Compiles it, once. Takes long: best before host->changing is taken. */
loop_error *lp_backend_table_prepare(lp_backend_table *t) LOOP_MUST_USE;
/* What ends it, for lp_table_life. */
void lp_backend_table_end(void *data);

/* ---- backend_life.c ---- */
/* The instance and its thread. `changing` is held; LOOP_MISSING and the like. */
loop_error *lp_backend_start(lp_backend *b) LOOP_MUST_USE;
/* Ends the thread and the instance. False: it does not come back, and all it has is left behind. */
bool lp_backend_end(lp_backend *b);
/* Leaves work there; false: it has ended. `lock` is held. */
bool lp_backend_post(lp_backend *b, struct lp_backend_work *w);
/* Whether it can be called, on its thread; starts it again where that may be. */
loop_error *lp_backend_well(lp_backend *b) LOOP_MUST_USE;
/* After an error that ended it, on its thread. */
void lp_backend_fell(lp_backend *b, const loop_error *why);
/* Waits until it has started, or has not; `waits` (may be NULL): whose end ends that, too. */
loop_error *lp_backend_health(lp_backend *b, const loop_instance *waits) LOOP_MUST_USE;

/* ---- backend_call.c ---- */
loop_error *lp_backend_call_run(void *self, loop_call *call, const loop_interface *interface,
                                size_t row, const void *args, void *ret) LOOP_MUST_USE;
void lp_backend_drop(void *self, const loop_interface *interface, size_t resource, void *object);
/* Frees the calls that are kept for later. */
void lp_backend_calls_done(lp_backend *b);

/* ---- backend_state.c ---- */
extern const loop_provider_swap lp_backend_swap, lp_backend_swap_state;
#define LP_RELOAD_INTERFACE "loop:core/reload"

#endif
