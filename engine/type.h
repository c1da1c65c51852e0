/*
 * engine/type.h: the type of a component function, compiled once from what the
 * component declares. Plans (abi/) and stubs are made from it.
 */
#ifndef LP_TYPE_H
#define LP_TYPE_H

#include "base/base.h"

typedef enum lp_kind {
    LP_BOOL,
    LP_S8,
    LP_S16,
    LP_S32,
    LP_S64,
    LP_U8,
    LP_U16,
    LP_U32,
    LP_U64,
    LP_F32,
    LP_F64,
    LP_CHAR,
    LP_STRING,
    LP_LIST,
    LP_RECORD,
    LP_TUPLE,
    LP_VARIANT,
    LP_ENUM,
    LP_OPTION,
    LP_RESULT,
    LP_FLAGS,
    LP_OWN,
    LP_BORROW,
} lp_kind;

/* A resource, where it is defined; one object a component, so that pointers tell them apart. */
typedef struct lp_resource {
    const char *interface_name; /* with its version; "" for the world's own */
    const char *name;
    bool is_export; /* the guest implements it */
    uint32_t index; /* of the component's resources: the type number (lp_guest_define_resource) */
} lp_resource;

typedef struct lp_type lp_type;
struct lp_type {
    lp_kind kind;
    size_t count;                /* fields, cases, flags, elements of a tuple */
    const char **names;          /* fields, cases and flags */
    const lp_type **elements;    /* LIST, OPTION: [0]; RESULT: [0] ok, [1] error; RECORD, TUPLE,
                                    VARIANT: one each; NULL: no payload */
    const lp_resource *resource; /* OWN, BORROW */
};

typedef struct lp_signature {
    size_t nparams;
    const lp_type **params;
    const lp_type *result; /* NULL: none */
} lp_signature;

/* The structural form of loop/abi.h: "(u32,string)->result<_,enum{a,b}>". */
void lp_signature_text(const lp_signature *s, lp_buf *into);

/* The case, field or flag of that name; SIZE_MAX where there is none. */
size_t lp_type_index(const lp_type *t, const char *name);

#endif
