/*
 * loop/control.h: steering a host from outside: by its user from another process, and by files that
 * change.
 *
 * A host that offers control listens on a Unix socket that only its own user can open, in
 * $XDG_RUNTIME_DIR/loop or, without it, in `control` of the user's cache for loop.
 * knowledge/control.md has the protocol, one JSON object a line, and says who may what.
 *
 *     loop_control *control;    loop_control_open(host, NULL, &control)
 *     ...                       the host's loop turns; `loop ps` of the same user shows it
 *     loop_control_close(control);
 *
 * Threads: the main thread for a control and a watch; any for a remote, one at a time.
 */
#ifndef LOOP_CONTROL_H
#define LOOP_CONTROL_H

#include "loop/config.h"
#include "loop/swap.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- offering it ---- */

typedef struct loop_control loop_control;

typedef struct loop_control_options {
    /* Nothing is made until the host's loop has turned so long: a short run pays nothing. */
    uint64_t after_ms;
    const struct loop_config *config; /* whose components a swap may name; until _close; NULL */
} loop_control_options;

/*
 * Offers control of a host, while its loop turns and something else keeps that alive. Whoever can
 * open the socket can do what loop/swap.h can, and name libraries and sidecars: it is this user.
 * Clients are answered between other work; none of them is waited for.
 *
 * LOOP_UNAVAILABLE (no folder for it), LOOP_DENIED (the folder is not this user's alone),
 * LOOP_LIMIT, LOOP_IO. With after_ms these go to the host's log, later. `options` may be NULL.
 */
LOOP_API loop_error *loop_control_open(loop_host *host, const loop_control_options *options,
                                       loop_control **ret) LOOP_MUST_USE;
/* What others call this host: its process id, "4711", or "4711-2" for a second one; "" until then.
 */
LOOP_API const char *loop_control_name(const loop_control *c);
/* Before the host is deleted. What clients began goes on, and nobody hears of it. NULL is fine. */
LOOP_API void loop_control_close(loop_control *c);

/* ---- asking for it ---- */

/* Calls `f` for each host of this user that offers control, in no order. */
LOOP_API loop_error *loop_remote_each(void (*f)(void *data, const char *name),
                                      void *data) LOOP_MUST_USE;

/* A host, in this process or another. */
typedef struct loop_remote loop_remote;
/*
 * Connects. `patience_ms`: how long to wait for each answer, 0 for no end. LOOP_NOT_FOUND,
 * LOOP_DENIED (it is another user's).
 */
LOOP_API loop_error *loop_remote_open(const char *name, uint64_t patience_ms,
                                      loop_remote **ret) LOOP_MUST_USE;
LOOP_API const char *loop_remote_name(const loop_remote *r);
/* NULL is fine. */
LOOP_API void loop_remote_close(loop_remote *r);

/* loop_host_status of it; lives until it is asked again, or closed. LOOP_TIMEOUT, LOOP_IO. */
LOOP_API loop_error *loop_remote_status(loop_remote *r, const loop_status **ret) LOOP_MUST_USE;

/* Something to do: to swap a provider, to replace a component, or (`reload`) to start anew. */
typedef struct loop_wish {
    const char *instance;       /* "notes" or "#3"; NULL to reload all */
    const char *interface_name; /* to swap or reload who serves it; NULL: its component (or all) */
    const char *component;      /* to replace the component: the new one's file, absolute */
    bool reload;                /* what there is, from its files as they are now */
    const loop_binding_link
        *links; /* to swap: the new chain, outermost first; libraries absolute */
    size_t count;
    const char *directory; /* absolute: where sidecars of `links` start */
    loop_carry carry;
    bool dry_run;
    bool restart; /* as in loop_instance_swap */
    uint64_t deadline_ms, drain_ms;
} loop_wish;

/*
 * A step begins (no report, no error), or has ended. `what` is "notes: loop:storage/store", or
 * "notes" for its component. All of it lives until this returns.
 */
typedef void loop_remote_step(void *data, const char *what, const loop_error *error,
                              const loop_swap_report *report);
/* Asks for it and waits for its end. The error is that of the step, or says how many failed. */
LOOP_API loop_error *loop_remote_ask(loop_remote *r, const loop_wish *wish, loop_remote_step *step,
                                     void *data) LOOP_MUST_USE;

/* ---- following files ---- */

typedef struct loop_watch loop_watch;

typedef struct loop_watch_options {
    /*
     * Reads loop.yaml anew, as the host's owner did (main). An error is logged, and what there is
     * stays. NULL: only files of components are watched.
     */
    loop_error *(*load)(void *data, loop_config **ret);
    void *data;
    /* Interfaces that are bound by somebody else (a flag), NULL-terminated; NULL: none. */
    const char *const *bound;
} loop_watch_options;

/*
 * Follows loop.yaml and the files that it names, and those of the host's components: where a
 * binding changed, it is swapped; where a library, a sidecar's program or a component changed, it
 * is started anew, once its file has been still for a moment. What it does goes to the host's log,
 * and so does what fails: then the old goes on. loop.yaml must be trusted for libraries and
 * sidecars as it is then. A component without loop:core/reload starts again from nothing; the log
 * says so before.
 *
 * `config` (NULL: none) is what the host was bound with; it must live until _close.
 */
LOOP_API loop_error *loop_watch_open(loop_host *host, const loop_config *config,
                                     const loop_watch_options *options,
                                     loop_watch **ret) LOOP_MUST_USE;
/* Before the host is deleted. NULL is fine. */
LOOP_API void loop_watch_close(loop_watch *w);

#ifdef __cplusplus
}
#endif
#endif
