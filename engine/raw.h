/*
 * engine/raw.h: values at the boundary with a guest, before anybody has read them.
 *
 * The engine hands over flat values, memory and handles as they are; abi/ reads
 * and writes them by a plan. Everything here may be hostile but what a comment
 * calls checked.
 */
#ifndef LP_RAW_H
#define LP_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The flat form has at most this many values; more go through memory. */
#define LP_FLAT_PARAMS 16
#define LP_FLAT_RESULTS 1

/* One flat value; narrower ones are zero-extended into `lo`. */
typedef struct lp_flat {
    uint64_t lo, hi; /* hi: vectors only */
} lp_flat;

/* The encoding of a guest's strings. */
typedef enum lp_encoding { LP_UTF8, LP_UTF16, LP_LATIN1_UTF16 } lp_encoding;

/* What a guest passed or returned; until the callback ends. The layout is src/raw.rs's. */
typedef struct lp_values {
    const lp_flat *flat; /* NULL: in memory */
    size_t offset, size; /* there; in bounds and aligned for the whole of the type */
    uint8_t *memory;
    size_t memory_len;
    /*
     * What stands behind each handle, in the order of the values: the number that
     * C gave a resource of its own, or the one under which the engine holds a guest's.
     */
    const uint32_t *handles;
    size_t handle_count;
    uint32_t encoding; /* lp_encoding */
    uint64_t result;   /* out: LP_RESULT_FLAT */
} lp_values;

/* Where to put what a guest gets; until the callback ends. The layout is src/raw.rs's. */
typedef struct lp_target lp_target;
struct lp_target {
    lp_flat *flat; /* write the flat values here; NULL: in memory */
    size_t offset; /* there; checked as above */
    /* The guest's memory; another one after each lp_target_alloc. */
    uint8_t *memory;
    size_t memory_len;
    uint32_t encoding; /* lp_encoding */
    struct wasmtime_error *(*realloc)(lp_target *t, uint32_t align, uint32_t size, uint32_t *ret);
    struct wasmtime_error *(*handle)(lp_target *t, uint32_t nth, uint32_t resource, uint32_t value,
                                     uint32_t *ret);
    void *cx;
    const void *types;
};

/*
 * Bytes of a parameter that lie in the guest's memory; flat value `slot` says where. Without
 * any (size 0) it is what it was: no place is asked for.
 */
typedef struct lp_piece {
    const void *from;
    uint32_t size, align;
    uint32_t slot;
} lp_piece;

/*
 * One call of an export. Parameters are handed over in one of two ways:
 *
 * - as `count` flat values, at most LP_FLAT_PARAMS, and `pieces` that the engine copies
 *   into the guest itself. Where there are pieces, empty ones too, it takes only a guest
 *   whose strings are UTF-8; for another one it calls `put`.
 * - by `put`, where `flat` is NULL.
 *
 * `take` reads the result before post-return runs; NULL: there is none, or it is one
 * number, for `result`. The layout is src/export.rs's.
 */
typedef struct lp_calling lp_calling;
struct lp_calling {
    const lp_flat *flat;
    size_t count;
    const lp_piece *pieces;
    size_t piece_count;
    struct loop_error *(*put)(void *data, lp_target *out);
    struct loop_error *(*take)(void *data, lp_values *in);
    void *data;
    uint64_t timeout_ms; /* 0: none */
    /* The engine's own. */
    const struct lp_calling_hooks *hooks;
    void *guest;
    struct wasmtime_error *error;
    /* Out. The flags: false before. */
    uint64_t result;
    bool entered; /* false after an error that found the guest busy: nothing was called */
    bool refused; /* the guest did not take a piece */
    bool exited;  /* the guest ended itself, with `status` */
    int status;
};

/* What becomes of an error of `put` and `take`, and of one of the guest's realloc. */
struct lp_calling_hooks {
    struct wasmtime_error *(*fail)(void *guest, struct loop_error *err);
    struct wasmtime_error *(*refuse)(lp_calling *c, struct wasmtime_error *e, uint32_t size);
};

/* `resource` of a handle whose resource the guest implements. */
#define LP_GUESTS UINT32_MAX
/*
 * Of one of wasi:io (lp_io), which the engine makes of a descriptor: a stream of a pipe, a
 * pollable that is ready when there is something to read or an end. It takes a copy.
 */
#define LP_ENGINES (UINT32_MAX - 1)

/* A handle on its way to a guest. */
typedef struct lp_handle {
    uint32_t resource; /* the type number that C gave; LP_GUESTS; LP_ENGINES */
    uint32_t value;    /* its representation; the engine's number for it; the descriptor */
} lp_handle;

#endif
