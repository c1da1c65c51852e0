/*
 * base/os/guard.h: what a host and loop-guard say to each other on the control socket
 * (SOCK_SEQPACKET, one machine: numbers as they lie in memory).
 *
 * Nothing but these numbers: the guard is a program of its own (sidecar/guard).
 */
#ifndef LP_OS_GUARD_H
#define LP_OS_GUARD_H

#include <stdint.h>

/*
 * From the guard. The first is STARTED or one of NO_... (errno), the last ENDED or
 * LATE.
 */
enum {
    LP_GUARD_STARTED = 1,  /* value: the sidecar's process id, which is its group's */
    LP_GUARD_NO_DIRECTORY, /* value: errno */
    LP_GUARD_NO_PROGRAM,
    LP_GUARD_NO_PROCESS,
    LP_GUARD_ENDED, /* value: the exit status, or minus the signal */
    LP_GUARD_LATE,  /* instead: its deadline passed, and it is killed */
};

typedef struct lp_guard_news {
    uint32_t kind;
    int32_t value;
} lp_guard_news;

/*
 * To the guard, a message each: one byte, and after SIGNAL another one, its number. The end of
 * the socket is LP_GUARD_KILL as well.
 */
enum { LP_GUARD_TERM = 'T', LP_GUARD_KILL = 'K', LP_GUARD_SIGNAL = 'S' };

#endif
