/*
 * engine/type.h: the type of a component function, compiled once from what the
 * component declares. It drives the conversion of values and makes stubs.
 */
#ifndef LP_TYPE_H
#define LP_TYPE_H

#include "base/base.h"
#include "loop/value.h"

typedef struct lp_type lp_type;
struct lp_type {
    loop_kind kind;
    size_t count;             /* fields, cases, flags, elements of a tuple */
    const char **names;       /* fields, cases and flags */
    const lp_type **elements; /* LIST, OPTION: [0]; RESULT: [0] ok, [1] error; RECORD, TUPLE,
                                 VARIANT: one each; NULL: no payload */
};

typedef struct lp_signature {
    size_t nparams;
    const char **param_names;
    const lp_type **params;
    const lp_type *result; /* NULL: none */
} lp_signature;

/* The structural form that provider.h describes: "(u32,string)->result<_,enum{a,b}>". */
void lp_signature_text(const lp_signature *s, lp_buf *into);

/* The case, field or flag of that name; SIZE_MAX where there is none. */
size_t lp_type_index(const lp_type *t, const char *name, size_t len);

#endif
