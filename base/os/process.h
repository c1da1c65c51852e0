/*
 * base/os/process.h: another program, below a guard that ends it with us
 * (sidecar/guard/guard.c).
 *
 * Linux only for now: elsewhere lp_os_guard_why_not says so and nothing starts.
 * One program belongs to one thread at a time; what is read and written goes over descriptors
 * (os.h, "pipes").
 */
#ifndef LP_OS_PROCESS_H
#define LP_OS_PROCESS_H

#include "base/os/os.h"

typedef enum lp_os_stream {
    LP_OS_PIPE,   /* to us */
    LP_OS_NULL,   /* nothing */
    LP_OS_SHARED, /* this process' own, as it was left to us */
} lp_os_stream;

typedef struct lp_os_program {
    const char *guard;       /* the file of loop-guard */
    const char *path;        /* of the program; absolute */
    const char *const *argv; /* its own name first, ends with NULL */
    const char *const *env;  /* "NAME=value", ends with NULL; nothing else is in it */
    const char *directory;   /* to start in */
    int inherit;             /* a descriptor that it gets as LP_OS_INHERITED; -1: none */
    /* Of a program that a component starts; zeroed: of a sidecar. */
    lp_os_stream streams[3]; /* stdin, stdout, stderr */
    bool of_component;       /* `inherit` is the directory to start in; no setuid below it */
    uint32_t deadline_ms;    /* killed after so long; 0: never */
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
 * LOOP_LIMIT (the system takes no arguments of that size), LOOP_SYSTEM, LOOP_UNAVAILABLE. Any
 * thread. No descriptor of ours but those is passed on. All descriptors in *ret are closed when
 * another program is started; `out` and `err` and `in` do not block, and are -1 where they are
 * no pipes.
 */
loop_error *lp_os_guarded_start(const lp_os_program *p, lp_os_guarded *ret) LOOP_MUST_USE;

/*
 * What the guard said; true when all is over: the program ended, with *ret_status (an exit
 * status, or minus a signal), or the guard did. Does not wait.
 */
bool lp_os_guarded_ended(lp_os_guarded *g, int *ret_status);
/*
 * The same without taking it away: for ever the same answer once it has come, until _close.
 * *ret_late: its deadline passed.
 */
bool lp_os_guarded_look(lp_os_guarded *g, int *ret_status, bool *ret_late);
/* A signal of this system to its group. */
typedef enum lp_os_signal {
    LP_OS_HANGUP,
    LP_OS_INTERRUPT,
    LP_OS_QUIT,
    LP_OS_TERMINATE,
    LP_OS_KILL,
    LP_OS_USER1,
    LP_OS_USER2,
} lp_os_signal;
void lp_os_guarded_signal(const lp_os_guarded *g, lp_os_signal what);
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
 * A directory as a descriptor: to start a program in, and to open others below. It is not passed
 * on to what is started. No part of the path may be a link: LOOP_DENIED. LOOP_NOT_FOUND, LOOP_IO.
 */
loop_error *lp_os_directory_open(const char *path, int *ret) LOOP_MUST_USE;
/*
 * One below `dir`, by a relative path; "" is itself. LOOP_DENIED: the path, a link on it, or one
 * that was put there meanwhile leads out of `dir`. LOOP_NOT_FOUND, LOOP_IO.
 */
loop_error *lp_os_directory_beneath(int dir, const char *path, int *ret) LOOP_MUST_USE;
/*
 * A path that opens what a descriptor is open for, whatever is in its place now; malloced. NULL:
 * there is none on this system.
 */
char *lp_os_descriptor_path(int fd);
/* From now on the calling thread gets no SIGPIPE: for writes that are not ours (the engine's). */
void lp_os_hold_sigpipe(void);
loop_error *lp_os_descriptor_copy(int fd, int *ret) LOOP_MUST_USE;
void lp_os_descriptor_close(int fd); /* -1 is fine */

/*
 * The file that a command names: with a '/' as it is, relative to `directory`; else the
 * first in PATH that can be run. Malloced; NULL: there is none.
 */
char *lp_os_find_program(const char *name, const char *directory);

#endif
