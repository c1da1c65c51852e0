/*
 * base/os/process.h: another program, below a guard that ends it with us
 * (sidecar/guard/guard.c).
 *
 * Linux only for now: elsewhere lp_os_guard_why_not says so and nothing starts.
 * Start and close belong to one thread (the main thread) each; what is read and written
 * goes over descriptors (os.h, "pipes").
 */
#ifndef LP_OS_PROCESS_H
#define LP_OS_PROCESS_H

#include "base/os/os.h"

typedef struct lp_os_program {
    const char *guard;       /* the file of loop-guard */
    const char *path;        /* of the program; absolute */
    const char *const *argv; /* its own name first, ends with NULL */
    const char *const *env;  /* "NAME=value", ends with NULL; nothing else is in it */
    const char *directory;   /* to start in */
    int inherit;             /* a descriptor that it gets as LP_OS_INHERITED; -1: none */
} lp_os_program;

#define LP_OS_INHERITED 3

typedef struct lp_os_guarded {
    int in, out, err;       /* its stdin, to write; its stdout and stderr, to read; -1: closed */
    int control;            /* readable when there are news; -1: over */
    int64_t guard, process; /* process ids; 0: none */
} lp_os_guarded;

/* Why no program can be guarded on this system; NULL: it can. */
const char *lp_os_guard_why_not(void);

/*
 * Starts it and waits until the program runs, or does not: LOOP_NOT_FOUND, LOOP_IO,
 * LOOP_SYSTEM, LOOP_UNAVAILABLE. No descriptor of ours but those is passed on. All
 * descriptors in *ret are closed when another program is started; `out` and `err` and `in`
 * do not block.
 */
loop_error *lp_os_guarded_start(const lp_os_program *p, lp_os_guarded *ret) LOOP_MUST_USE;

/*
 * What the guard said; true when all is over: the program ended, with *ret_status (an exit
 * status, or minus a signal), or the guard did. Does not wait.
 */
bool lp_os_guarded_ended(lp_os_guarded *g, int *ret_status);
/* Ends its stdin. */
void lp_os_guarded_close_in(lp_os_guarded *g);
/* Asks the program to end: SIGTERM to its group. */
void lp_os_guarded_term(const lp_os_guarded *g);
/*
 * Ends it and all that it started, if it still runs, waits for the guard's own end (some
 * milliseconds) and closes every descriptor. Fine for one that was closed.
 */
void lp_os_guarded_close(lp_os_guarded *g);

/* What wakes a thread that waits in lp_os_wait. LOOP_SYSTEM. */
typedef struct lp_os_waker {
    int fd, from; /* `fd` is readable after _wake, until _clear */
} lp_os_waker;
loop_error *lp_os_waker_open(lp_os_waker *ret) LOOP_MUST_USE;
void lp_os_waker_wake(const lp_os_waker *w);
void lp_os_waker_clear(const lp_os_waker *w);
void lp_os_waker_close(lp_os_waker *w);

/* One of the descriptors that are waited for. An end or an error counts as `ready`. */
typedef struct lp_os_waited {
    int fd; /* -1: none */
    bool to_write, ready;
} lp_os_waited;
#define LP_OS_MAX_WAITED 6
/* Until one is ready or lp_os_now_ns() reaches `until_ns`: false then. */
bool lp_os_wait(lp_os_waited *w, size_t count, uint64_t until_ns);

/*
 * The file that a command names: with a '/' as it is, relative to `directory`; else the
 * first in PATH that can be run. Malloced; NULL: there is none.
 */
char *lp_os_find_program(const char *name, const char *directory);

#endif
