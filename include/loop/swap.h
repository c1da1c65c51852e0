/*
 * loop/swap.h: replacing providers and components while they are used, and seeing what runs.
 *
 * A provider is swapped for every instance that uses it for that interface: one state, one
 * provider. Calls that come meanwhile wait; they neither fail nor come twice. Whatever goes
 * wrong, the old one serves on, and the error says what went wrong. knowledge/swap.md tells
 * what providers and components must do for it.
 *
 *     loop_swap s = {.component = "notes", .interface_name = "loop:storage/store",
 *                    .links = &(loop_link){"sqlite", NULL}, .count = 1};
 *     loop_host_swap(host, &s, swapped, NULL);      ... a turn of the loop calls `swapped`
 *
 * Threads: the main thread, but where a comment says otherwise.
 */
#ifndef LOOP_SWAP_H
#define LOOP_SWAP_H

#include "loop/host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- providers ---- */

typedef enum loop_carry {
    LOOP_CARRY_STATE, /* what the old one holds goes to the new one */
    LOOP_CARRY_NONE,  /* the new one begins with what it has */
} loop_carry;

typedef struct loop_swap {
    const char *component;      /* the name of an instance that uses it; NULL: any */
    const char *interface_name; /* "loop:storage/store" */
    /*
     * The new chain, outermost first. A link that is in the old one, with the same options,
     * stays as it is. NULL: the same links, each started anew, libraries, sidecars and components
     * from their files as they are now.
     */
    const loop_link *links;
    size_t count;
    loop_carry carry;
    bool dry_run;         /* starts the new one, checks all that can be checked, and ends it */
    uint64_t deadline_ms; /* how long calls may have to wait; 0: 5,000 */
    uint64_t drain_ms;    /* how long the old one serves handles that it keeps; 0: 60,000 */
} loop_swap;

/* What happened, or of a dry run what would. Lives until `done` returns. */
typedef struct loop_swap_report {
    const char *from, *to;  /* "redact > memory", "redact > sqlite" */
    uint32_t generation;    /* of the new one; 0: none */
    uint32_t instances;     /* that use it */
    uint64_t handles_moved; /* to the new one */
    uint64_t handles_left;  /* with the old one, until they are dropped or drain_ms is over */
    uint64_t state_bytes;   /* carried */
    uint64_t rest_bytes;    /* of these, while calls waited */
    uint64_t pause_ns;      /* how long calls waited at most */
    uint64_t whole_ns;      /* from the beginning to the end */
    const char *warning;    /* for the operator, before it happens; NULL: nothing */
} loop_swap_report;

/* A swap has ended (main). `error` is the receiver's; NULL: done. */
typedef void loop_swap_done(void *data, loop_error *error, const loop_swap_report *report);

/*
 * Begins a swap; swaps of a host happen one after the other. LOOP_NOT_FOUND (no such instance,
 * interface or provider), LOOP_USAGE, LOOP_LIMIT (too many wait) at once, without `done`.
 * `done` gets whatever made it fail: the old provider serves then as before.
 */
LOOP_API loop_error *loop_host_swap(loop_host *host, const loop_swap *swap, loop_swap_done *done,
                                    void *data) LOOP_MUST_USE;

/* ---- components ---- */

typedef struct loop_instance_swap {
    /*
     * A component that does not export loop:core/reload starts again from nothing. Without this
     * it is left alone (LOOP_DENIED), so that somebody is told before that happens.
     */
    bool restart;
    /* Links it and looks whether it fits; report->warning where it would start from nothing. */
    bool dry_run;
    uint64_t deadline_ms; /* from now until the new one has its place; 0: 5,000 */
} loop_instance_swap;

/*
 * Replaces the component of a running instance: an application, or one that serves
 * (loop_instance_serve). Its name, grants and options stay, and so do functions that C has
 * looked up, which the new one must have with the same types; the old one's `save` and the
 * new one's `restore` carry its state; what it held is dropped, and what C holds of it
 * (loop_handle) refused. `component` may be the same file built again.
 *
 * It happens between two calls of the component; one that lasts longer than deadline_ms calls
 * it off. Work that is posted meanwhile waits, and so do an application's timers. `done` gets
 * what made it fail: the old component goes on then, unless it failed by itself, in `save`.
 *
 * With `restart`, and where one of the two exports no loop:core/reload: an application's `stop`,
 * then the new one's `start` with its arguments; what serves begins anew; a command is asked to
 * end, stopped after its grace period, and the new one runs, whose end the instance's is.
 *
 * At once, without `done`: LOOP_USAGE (not running, or entered by loop_instance_enter),
 * LOOP_UNAVAILABLE (one is under way), LOOP_DENIED (without `restart`), LOOP_MISSING (it imports
 * what nobody serves), LOOP_NOT_FOUND, LOOP_INVALID (of another kind, or it lacks what was looked
 * up, or has it with another type).
 */
LOOP_API loop_error *loop_instance_swap_component(loop_instance *instance,
                                                  loop_component *component,
                                                  const loop_instance_swap *options,
                                                  loop_swap_done *done, void *data) LOOP_MUST_USE;

/*
 * Starts an instance that waits for work (loop_instance_post) until it is cancelled or killed:
 * any component. `done` as for loop_instance_start: LOOP_CANCELLED, or what ended the component
 * in a piece of work.
 */
LOOP_API loop_error *loop_instance_serve(loop_instance *instance, loop_instance_done *done,
                                         void *data) LOOP_MUST_USE;
/*
 * Leaves work in the mailbox of an instance that serves, or of an application: `work` is called
 * once, on the instance's thread, between two calls, and may call its exports (X_bind, X_call_f).
 * What it bound holds after the component was replaced. Where the instance has ended before,
 * `gone` is true and nothing may be called (where its thread hangs, that comes on the main
 * thread). What one thread posts is done in its order. Any thread, while the instance lives.
 *
 * LOOP_LIMIT (4,096 wait), LOOP_UNAVAILABLE (it has ended), LOOP_USAGE (not started, or a
 * command): `work` is not called.
 */
typedef void loop_work(void *data, loop_instance *instance, bool gone);
LOOP_API loop_error *loop_instance_post(loop_instance *instance, loop_work *work,
                                        void *data) LOOP_MUST_USE;

/* ---- seeing what runs ---- */

/* One generation of what serves an interface; the newest has drains = false. */
typedef struct loop_generation_status {
    uint32_t generation;
    const char *chain; /* "redact > sqlite" */
    uint64_t handles;  /* that components hold of it */
    bool drains;       /* it was swapped out, and serves the handles that are left */
} loop_generation_status;

/* What serves one import of an instance. */
typedef struct loop_import_status {
    const char *interface_name; /* with its version */
    const char *chain;          /* "" where nobody does, "engine" for WASI */
    loop_tier tier;
    uint32_t generation;             /* 1 is the first; 0: never swapped (the engine, a stub) */
    uint64_t calls;                  /* that have ended */
    bool in_flight;                  /* a call is under way */
    uint64_t p50_ns, p99_ns, max_ns; /* of a sample of the calls; 0: none yet */
    const loop_generation_status *generations;
    size_t generation_count;
} loop_import_status;

typedef enum loop_condition {
    LOOP_CONDITION_NEW,
    LOOP_CONDITION_RUNNING,
    LOOP_CONDITION_SWAPPING,
    LOOP_CONDITION_STOPPING,
    LOOP_CONDITION_ENDED,
    LOOP_CONDITION_RESTING,     /* it failed, and begins anew soon (loop_on_trap) */
    LOOP_CONDITION_QUARANTINED, /* it failed too often, and waits for somebody to look at it */
} loop_condition;

typedef struct loop_instance_status {
    const char *name;
    uint64_t number;
    const char *path; /* of its component */
    loop_component_kind kind;
    const char *provider; /* that it serves others as; NULL: it runs for itself */
    loop_condition condition;
    uint64_t uptime_ms;
    uint32_t swaps, restarts; /* of its component: with its state, and from nothing */
    uint32_t waiting;         /* in its mailbox */
    uint32_t failures;        /* since it was made, or replaced after one */
    const char *failure;      /* the last; NULL: none */
    const loop_import_status *imports;
    size_t import_count;
} loop_instance_status;

typedef struct loop_status {
    const loop_instance_status *instances;
    size_t instance_count;
    uint32_t swaps, rolled_back; /* of providers and components, since the host began */
} loop_status;

/* As it is now; the caller's, for _delete. */
LOOP_API loop_status *loop_host_status(loop_host *host);
LOOP_API void loop_status_delete(loop_status *status);
/* The instance of that name ("notes"), or of that number ("#3"); of several the first. NULL. */
LOOP_API loop_instance *loop_host_instance(loop_host *host, const char *name);

#ifdef __cplusplus
}
#endif
#endif
