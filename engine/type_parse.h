/*
 * engine/type_parse.h: a function's type from its structural text (loop/abi.h), so
 * that there can be a plan for it without a component.
 *
 * The text may come from a sidecar: nesting (LP_MAX_VALUE_DEPTH), parts
 * (LP_MAX_TYPE_NODES), its length (LP_MAX_WIT_STRUCTURE), names and how many resources are
 * named (LP_MAX_TYPE_RESOURCES) are checked.
 * lp_signature_text makes the same text of what was parsed.
 */
#ifndef LP_TYPE_PARSE_H
#define LP_TYPE_PARSE_H

#include "engine/type.h"

/*
 * The resources that texts named: the same name, the same pointer, so that those of
 * several functions can be told apart by it. Zero-initialise; what is in it lives in
 * the arena of the call that added it; `at` is free()d.
 */
typedef struct lp_resources {
    const lp_resource **at;
    size_t n, cap;
} lp_resources;

/* "(u32,string)->result<_,enum{a,b}>"; into the arena. LOOP_INVALID, LOOP_LIMIT. */
loop_error *lp_signature_parse(lp_arena *a, lp_resources *known, lp_str text,
                               const lp_signature **ret) LOOP_MUST_USE;
/* One type, without the parentheses of a function. */
loop_error *lp_type_parse(lp_arena *a, lp_resources *known, lp_str text,
                          const lp_type **ret) LOOP_MUST_USE;

#endif
