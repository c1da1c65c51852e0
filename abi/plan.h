/*
 * abi/plan.h: how the values of one function lie in a guest and in C.
 *
 * A plan is compiled once from a function's type and then drives every
 * conversion: sizes, offsets and checks are numbers in it, no type is looked at
 * during a call. The two layouts of one record:
 *
 *     record row { x: u32, name: string, on: bool }
 *
 *     guest (canonical ABI, 32 bit)      C (loop/abi.h, 64 bit)
 *      0  u32 x                           0  uint32_t x
 *      4  u32 offset of name              8  const char *name.ptr
 *      8  u32 length of name             16  size_t name.len
 *     12  u8  on                         24  bool on
 *     16                                 32
 *
 * Source of the guest's side: the component model's Canonical ABI
 * (github.com/WebAssembly/component-model, design/mvp/CanonicalABI.md).
 */
#ifndef LP_PLAN_H
#define LP_PLAN_H

#include "base/base.h"
#include "engine/engine.h"

typedef struct lp_node lp_node;

/* One step through a record or tuple: a run of packed bytes that both sides have, or a field. */
typedef struct lp_step {
    const lp_node *node; /* NULL: copy `size` bytes */
    uint32_t guest_offset, offset, size;
} lp_step;

/* A type in both layouts. */
struct lp_node {
    lp_kind kind;
    uint8_t tag; /* bytes of the tag: VARIANT, ENUM, OPTION, RESULT */
    bool plain;  /* the same bytes on both sides, nothing to check */
    bool packed; /* plain, and without gaps, whose bytes in C are nobody's to see */
    uint32_t guest_size, guest_align, size, align;
    uint32_t flat;                   /* flat values; LP_FLAT_PARAMS + 1: more */
    uint32_t guest_payload, payload; /* offset behind the tag */
    uint32_t handles, first_handle;  /* handle types inside, and which is the first, in the order
                                        of the parameters' or the result's type */
    size_t count;                    /* fields, cases, flags */
    const lp_node **parts;           /* LIST, OPTION: [0] the element, [1] the payload; else one a
                                        field or case; NULL: no payload */
    lp_step *fields;                 /* RECORD, TUPLE: one a part */
    lp_step *steps;                  /* the same with runs put together */
    size_t step_count;
    const lp_type *type; /* names, resources; NULL for the tuple of parameters */
};

typedef struct lp_plan {
    lp_node params;        /* a tuple */
    const lp_node *result; /* NULL: none */
    /* Flat parameters, all numbers; no result, or one. Nothing of it is in the guest's memory. */
    bool numbers_in, number_out;
    /* Flat parameters, each a number, a string or a list of packed elements. */
    bool direct_in;
} lp_plan;

/* Into the arena. LOOP_LIMIT for a value of more than LP_MAX_VALUE_SIZE. */
loop_error *lp_plan_new(lp_arena *a, const lp_signature *s, const lp_plan **ret) LOOP_MUST_USE;

/* What the engine has to know to serve an import by this plan. */
void lp_plan_function(const lp_plan *p, lp_function *f);
/* Whether the engine sees the same sizes; LOOP_INTERNAL. */
loop_error *lp_plan_check(const lp_plan *p, const lp_shape *s) LOOP_MUST_USE;

#endif
