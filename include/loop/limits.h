/*
 * loop/limits.h: what a component may take of the machine.
 *
 * A limit is a name, a number and the place that says so: a row of `limits:` in loop.yaml, an
 * option of the command line, or the component's class (classes/NAME.yaml). Reaching one is an
 * error, or where the component can bear it a value and a warning in the log; either names the
 * limit and where to raise it.
 *
 *     loop_limits limits = {0};                              the class `untrusted`
 *     limits.of[LOOP_MAX_MEMORY] = (loop_limit){.value = 64u << 20, .own = true};
 *
 * Ownership: rows are constants; texts in limits are copied by whoever takes them.
 */
#ifndef LOOP_LIMITS_H
#define LOOP_LIMITS_H

#include "loop/policy.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum loop_limit_id {
    LOOP_MAX_MEMORY,     /* bytes over all its memories together */
    LOOP_MAX_TABLES,     /* elements over all its tables together */
    LOOP_MAX_INSTANCES,  /* core modules that are instantiated in it */
    LOOP_MAX_MEMORIES,   /* memories, whatever their size */
    LOOP_MAX_CALL,       /* milliseconds of one call into it; a command is one call */
    LOOP_MAX_TOTAL,      /* milliseconds inside of it, over all calls since it was started */
    LOOP_MAX_HANDLES,    /* resources that it holds at a time */
    LOOP_MAX_FILES,      /* files, directories and sockets that it has open at a time */
    LOOP_MAX_HOST_BYTES, /* bytes that it hands over in one call, or in its answer to one */
    LOOP_MAX_LOG,        /* log entries a second */
    LOOP_MAX_STORAGE,    /* bytes of storage, whatever is granted */
    LOOP_MAX_CALLS,      /* calls and pieces of work under way and waiting */
    LOOP_MAX_STACK,      /* bytes of its stack */
    LOOP_MAX_COUNT
} loop_limit_id;

#define LOOP_UNLIMITED UINT64_MAX

typedef struct loop_limit {
    uint64_t value;     /* 0: what the class `untrusted` has; LOOP_UNLIMITED */
    bool own;           /* said for this component, and not for its class */
    loop_origin origin; /* source NULL: nobody said it */
} loop_limit;

typedef struct loop_limits {
    loop_limit of[LOOP_MAX_COUNT];
} loop_limits;

/* What there is to know of a limit. */
typedef struct loop_limit_row {
    const char *name;     /* "memory": under `limits:`, and of --limit memory=64MiB */
    const char *type;     /* "size", "duration" or "number" */
    const char *help;     /* one line */
    uint64_t least, most; /* that may be said */
    bool may_be_none;     /* it may be said to be `none` */
    uint64_t fallback;    /* of the class `untrusted`, where its file does not say it */
} loop_limit_row;
/* NULL for an `id` that is none; the name of one that is none, too: LOOP_MAX_COUNT. */
LOOP_API const loop_limit_row *loop_limit_row_of(loop_limit_id id);
LOOP_API loop_limit_id loop_limit_named(const char *name);

/* A value as it is written ("64MiB", "5s", "100", "none"). LOOP_USAGE: what is expected instead. */
LOOP_API loop_error *loop_limit_parse(loop_limit_id id, const char *text,
                                      uint64_t *ret) LOOP_MUST_USE;
/* The other way, for people: "64 MiB", "5 s", "100", "none"; for loop_free. */
LOOP_API char *loop_limit_text(loop_limit_id id, uint64_t value);

#ifdef __cplusplus
}
#endif
#endif
