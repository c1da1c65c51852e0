/*
 * abi/wire.h: values of C (loop/abi.h) to bytes of the component model's value encoding
 * and back, as a plan says: what sidecars speak (sidecar/PROTOCOL.md, "Values").
 *
 * One pass each way, no tree between: the writer goes through the value and appends;
 * the reader goes through the bytes and fills structs in a frame's arena. Strings and
 * lists of bytes are copied once on the way out, and are views of the message on the
 * way in, which therefore lives as long as the values.
 *
 * Nothing that is read is trusted: lengths, tags, text, flags, the range of numbers and
 * handles are checked, and everything made is paid for from the frame's fuel. What is
 * written is checked as well, but for text that `checked` vouches for: a provider's
 * mistake ends the call.
 *
 * Big strings and byte lists may lie in shared memory: the writer asks `share` for
 * room there, the reader knows where the other side's half is. The other side may change
 * it at any time, so text is copied before it is checked; a list<u8> stays a view, as
 * all bytes are valid, unless `copy_shared`.
 */
#ifndef LP_WIRE_H
#define LP_WIRE_H

#include "abi/convert.h"

/* As a length: offset and length in the shared memory follow. */
#define LP_WIRE_SHARED UINT32_MAX

/* What stands for a handle on the wire; `at` is the 8 bytes that stand for it in C. */
typedef loop_error *lp_wire_put_handle(void *data, const lp_node *node, uint64_t at,
                                       uint64_t *ret_number);
typedef loop_error *lp_wire_take_handle(void *data, const lp_node *node, uint64_t number,
                                        uint64_t *ret_at);
/* Copies bytes into the shared memory. False: no room, or too few to be worth it. */
typedef bool lp_wire_share(void *data, const void *bytes, size_t len, uint32_t *ret_offset);

/* Zero-initialise; `ptr` is free()d, or used again with len = 0. */
typedef struct lp_wire_out {
    uint8_t *ptr;
    size_t len, cap;
    size_t max;      /* bytes; 0: LP_MAX_SIDE_MESSAGE */
    loop_code blame; /* of a value that is none of its type; 0: LOOP_TRAP */
    bool checked;    /* its text is UTF-8: it was lifted or read before */
    size_t shared;   /* out: how many references were written */
    lp_wire_put_handle *put;
    lp_wire_share *share; /* NULL: everything goes into the message */
    void *data;           /* for both */
} lp_wire_out;

/* Appends the value of `n` (of the tuple of parameters, or of a result) at `from`. */
loop_error *lp_wire_write(lp_wire_out *o, const lp_node *n, const void *from) LOOP_MUST_USE;
/* Appends bytes as they are; a u32 or u64 as the encoding has them. */
loop_error *lp_wire_bytes(lp_wire_out *o, const void *from, size_t len) LOOP_MUST_USE;
loop_error *lp_wire_number(lp_wire_out *o, uint64_t n) LOOP_MUST_USE;

typedef struct lp_wire_in {
    const uint8_t *at, *end;
    lp_frame *frame;                   /* arena and fuel; lp_frame_begin was called */
    loop_code blame;                   /* 0: LOOP_UNAVAILABLE: the other side is broken */
    bool copy;                         /* no views of the message: it goes before the values */
    const uint8_t *memory;             /* the shared memory; NULL: none */
    uint32_t shared_start, shared_end; /* the other side's half of it */
    bool copy_shared;
    size_t shared; /* out: how many references were read */
    lp_wire_take_handle *take;
    void *data;
} lp_wire_in;

/* The value of `n` to `to` (n->size bytes, zeroed). Reads no further than it. */
loop_error *lp_wire_read(lp_wire_in *in, const lp_node *n, void *to) LOOP_MUST_USE;
loop_error *lp_wire_read_number(lp_wire_in *in, unsigned bits, uint64_t *ret) LOOP_MUST_USE;
/* That nothing is left. */
loop_error *lp_wire_end(const lp_wire_in *in) LOOP_MUST_USE;

#endif
