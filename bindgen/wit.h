/*
 * bindgen/wit.h: a resolved WIT package, as bindgen reads it from the engine.
 *
 * Everything lives in the arena of `struct lp_wit` and is not changed after
 * lp_wit_read. Types refer to each other by pointer and form no circle.
 */
#ifndef LP_BINDGEN_WIT_H
#define LP_BINDGEN_WIT_H

#include "base/base.h"

enum lp_wit_kind {
    LP_WIT_BOOL,
    LP_WIT_U8,
    LP_WIT_S8,
    LP_WIT_U16,
    LP_WIT_S16,
    LP_WIT_U32,
    LP_WIT_S32,
    LP_WIT_U64,
    LP_WIT_S64,
    LP_WIT_F32,
    LP_WIT_F64,
    LP_WIT_CHAR,
    LP_WIT_STRING, /* the last of the plain ones */
    LP_WIT_LIST,
    LP_WIT_OPTION,
    LP_WIT_RESULT,
    LP_WIT_TUPLE,
    LP_WIT_RECORD,
    LP_WIT_VARIANT,
    LP_WIT_ENUM,
    LP_WIT_FLAGS,
    LP_WIT_RESOURCE,
    LP_WIT_OWN,
    LP_WIT_BORROW,
    LP_WIT_ALIAS,
    LP_WIT_OTHER, /* nothing that loop carries; `other` says what */
};

struct lp_wit_scope;
struct lp_wit_type;

/* A field, case, flag, element or parameter. */
struct lp_wit_field {
    const char *name, *docs;        /* NULL: none */
    const struct lp_wit_type *type; /* NULL: none */
};

struct lp_wit_type {
    enum lp_wit_kind kind;
    size_t id;                        /* its place in lp_wit.types */
    const char *name, *docs;          /* NULL: none */
    const struct lp_wit_scope *owner; /* NULL: anonymous */
    /*
     * Fields, cases, flags or a tuple's elements; of a list, option, handle or
     * alias the one type; of a result ok and error, either without a type.
     */
    struct lp_wit_field *fields;
    size_t count;
    const char *other; /* "future": it, or a part of it, is nothing that loop carries */
    bool owns;         /* it, or a part of it, is an own handle */
    /* The native layout (loop/abi.h); of `of` or `value`, where it has one. */
    uint64_t size, align, payload;
    unsigned depth; /* how deep types nest in it; 0: not looked at yet */
};

enum lp_wit_function_kind { LP_WIT_FREE, LP_WIT_METHOD, LP_WIT_STATIC, LP_WIT_CONSTRUCTOR };

struct lp_wit_function {
    const char *name, *docs; /* "[method]bucket.get" */
    enum lp_wit_function_kind kind;
    bool is_async;
    const struct lp_wit_type *resource; /* NULL for a function of its own */
    struct lp_wit_field *params;
    size_t count;
    const struct lp_wit_type *result; /* NULL: none */
};

struct lp_wit_functions {
    const struct lp_wit_function *at;
    size_t n;
};

struct lp_wit_package {
    const char *name;    /* "acme:dice" */
    const char *version; /* "" where it has none */
};

/* An interface, or what a world has beside interfaces. */
struct lp_wit_scope {
    size_t id; /* its place in lp_wit.scopes */
    const char *name, *docs;
    const struct lp_wit_package *package;
    const struct lp_wit_world *world; /* that it stands in; NULL: an interface of the package */
    bool is_world;                    /* the world itself */
    const struct lp_wit_type **types;
    size_t type_count;
    struct lp_wit_functions functions;
    struct lp_wit_functions exports; /* those that a world itself exports */
};

struct lp_wit_world {
    const char *name, *docs;
    const struct lp_wit_package *package;
    struct lp_wit_scope *scope;                     /* its own types and functions */
    const struct lp_wit_scope **imports, **exports; /* interfaces */
    size_t import_count, export_count;
};

struct lp_wit {
    lp_arena arena;
    struct lp_wit_package *packages;
    struct lp_wit_world *worlds;
    struct lp_wit_scope *scopes; /* the interfaces, then one a world */
    struct lp_wit_type *types;
    size_t package_count, world_count, interface_count, type_count;
    const struct lp_wit_package *main;
};

/* Reads what lp_wit_json gave. lp_wit_done frees, after a failure too. LOOP_LIMIT, LOOP_INTERNAL.
 */
loop_error *lp_wit_read(struct lp_wit *w, const char *json, size_t len) LOOP_MUST_USE;
void lp_wit_done(struct lp_wit *w);

/* Follows aliases. */
const struct lp_wit_type *lp_wit_real(const struct lp_wit_type *t);
/* Whether a parameter of this type is passed by value: plain ones, lists, enums, flags, handles. */
bool lp_wit_by_value(const struct lp_wit_type *t);
static inline bool lp_wit_is_plain(const struct lp_wit_type *t)
{
    return t->kind <= LP_WIT_STRING;
}

/* Fills in size, align, payload, depth, `owns` and `other`. LOOP_LIMIT. */
loop_error *lp_wit_layout(struct lp_wit_type *t, unsigned depth) LOOP_MUST_USE;
/* The size of a struct of these fields; LOOP_LIMIT. */
loop_error *lp_wit_struct_size(const struct lp_wit_field *fields, size_t n, uint64_t *ret_size,
                               uint64_t *ret_align) LOOP_MUST_USE;
/* "(u32)->string", the structural form of loop/abi.h. LOOP_LIMIT. */
loop_error *lp_wit_structure(const struct lp_wit_function *f, lp_buf *into) LOOP_MUST_USE;
/* "u32", "list": the name of a kind in WIT. */
const char *lp_wit_kind_name(enum lp_wit_kind kind);
/* "acme:dice/roller": as components name it; "" for a world itself; appended. */
void lp_wit_scope_name(const struct lp_wit_scope *s, lp_buf *into);

#endif
