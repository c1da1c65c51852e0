/*
 * bindgen/gen.h: what the files share that write C.
 *
 * A *unit* is an interface (or a world's own part) of one output, a *block* its
 * types in one flavour: shared, where C implements its resources, or guest, where
 * the component does. Every name at file scope is claimed once, in `names`; every
 * text lives in the arena.
 */
#ifndef LP_BINDGEN_GEN_H
#define LP_BINDGEN_GEN_H

#include "bindgen/wit.h"
#include "loop/bindgen.h"

/* Texts by text. Zero-initialise; what it holds is the arena's. */
struct lp_gen_map {
    struct lp_gen_entry {
        const char *key, *value;
    } *at;
    size_t n, cap;
};
const char *lp_gen_map_get(const struct lp_gen_map *m, const char *key); /* NULL: not there */
void lp_gen_map_set(struct lp_gen_map *m, const char *key, const char *value);
void lp_gen_map_done(struct lp_gen_map *m);

struct lp_gen_unit {
    const struct lp_wit_scope *scope;
    bool table, calls;  /* functions to implement, functions to call */
    bool guest;         /* calls need types of their own: resources of the component are in them */
    bool blocks[2];     /* which of its types are wanted: shared, guest */
    const char *prefix; /* "acme_dice_roller" */
    const char *guard;  /* "ACME_DICE_ROLLER_0_1_0" */
};

/* The types of a unit in one flavour. */
struct lp_gen_block {
    struct lp_gen_unit *unit;
    bool guest;
    const char *prefix; /* "acme_dice_roller", "acme_dice_roller_guest" */
};

struct lp_gen {
    const struct lp_wit *wit;
    const loop_bindgen_options *options;
    lp_arena arena;
    struct lp_gen_map names;       /* claimed identifiers; scope and name -> identifier */
    struct lp_gen_unit **by_scope; /* NULL: not in this output */
    struct {
        struct lp_gen_unit **at;
        size_t n, cap;
    } units; /* in the order of the output: what is needed first */
    lp_buf header, source, asserts;
};

/* loop_bindgen_c_host without the engine: `json` is what lp_wit_json gives. */
loop_error *lp_gen_from_json(const loop_bindgen_options *o, const char *json, size_t len,
                             char **ret_header, char **ret_source) LOOP_MUST_USE;

/* ---- names (gen_names.c) ---- */

/* Formatted, in the arena. */
const char *lp_gen_text(struct lp_gen *g, const char *fmt, ...) LOOP_PRINTF(2, 3);
/* "is-some" -> "is_some", all lower case; "[method]bucket.get" -> "bucket_get". */
const char *lp_gen_snake(struct lp_gen *g, const char *name);
const char *lp_gen_upper(struct lp_gen *g, const char *name);
/* `name`, or with `_` behind where it is a keyword or claimed already in `scope` ("" is the
 * file's). */
const char *lp_gen_claim(struct lp_gen *g, const char *scope, const char *name);
/* X_bucket_get: the name of a function within its interface. */
const char *lp_gen_function(struct lp_gen *g, const struct lp_wit_function *f);
/* The parameters' names in C, as many as there are. */
const char **lp_gen_params(struct lp_gen *g, const struct lp_wit_function *f);

/* ---- which (gen_plan.c) ---- */

/* Chooses units and blocks, and names them. LOOP_NOT_FOUND, LOOP_INVALID. */
loop_error *lp_gen_plan(struct lp_gen *g) LOOP_MUST_USE;

/* ---- types (gen_types.c, gen_names.c) ---- */

struct lp_gen_block lp_gen_block_of(struct lp_gen *g, struct lp_gen_unit *u, bool guest);
/* The C type: "uint32_t", "acme_dice_roller_bucket *". */
const char *lp_gen_type(struct lp_gen *g, const struct lp_gen_block *b,
                        const struct lp_wit_type *t);
/* A type and a name with the space between where it belongs. */
const char *lp_gen_declare(struct lp_gen *g, const char *type, const char *name);
/* A parameter as it is passed: by value or as `const T *`. */
const char *lp_gen_param(struct lp_gen *g, const struct lp_gen_block *b,
                         const struct lp_wit_type *t, const char *name);
/* "T *ret" */
const char *lp_gen_ret(struct lp_gen *g, const struct lp_gen_block *b, const struct lp_wit_type *t);
/* `ret` as an untyped pointer, and as its own type: a handle's takes a cast. */
const char *lp_gen_ret_untyped(struct lp_gen *g, const struct lp_gen_block *b,
                               const struct lp_wit_type *t);
const char *lp_gen_ret_typed(struct lp_gen *g, const struct lp_gen_block *b,
                             const struct lp_wit_type *t);
/* Writes the types of a block, guard and all. LOOP_LIMIT, LOOP_INVALID. */
loop_error *lp_gen_types(struct lp_gen *g, const struct lp_gen_block *b) LOOP_MUST_USE;
/* The name that a type claimed in its block. */
const char *lp_gen_named(struct lp_gen *g, const struct lp_gen_block *b,
                         const struct lp_wit_type *t);
void lp_gen_claim_types(struct lp_gen *g, const struct lp_gen_block *b);

/* ---- tables and calls (gen_tables.c, gen_calls.c) ---- */

loop_error *lp_gen_table(struct lp_gen *g, const struct lp_gen_unit *u) LOOP_MUST_USE;
loop_error *lp_gen_calls(struct lp_gen *g, const struct lp_gen_unit *u) LOOP_MUST_USE;
/* The error for a function or type that loop does not carry; NULL where it does. */
loop_error *lp_gen_check_function(const struct lp_gen *g, const struct lp_wit_scope *s,
                                  const struct lp_wit_function *f) LOOP_MUST_USE;
/* A function's docs, and what it hands over; `called`: the component implements it. */
void lp_gen_function_docs(struct lp_gen *g, const struct lp_wit_function *f, bool called,
                          size_t indent);
/* Whether a unit has a table, or functions to call, worth writing. */
bool lp_gen_has_table(const struct lp_gen_unit *u);
bool lp_gen_has_calls(const struct lp_gen_unit *u);
/* `struct X_f_args` in the source, and what it must measure. */
loop_error *lp_gen_args(struct lp_gen *g, const struct lp_gen_block *b,
                        const struct lp_wit_function *f, const char *tag) LOOP_MUST_USE;
/* "    struct T packed = {...};" from the parameters. */
void lp_gen_pack(struct lp_gen *g, const struct lp_wit_function *f, const char *tag);
/* A function's type in structural form as the C expression of a constant text. */
loop_error *lp_gen_structure(struct lp_gen *g, const struct lp_wit_function *f, const char *name,
                             const char **ret) LOOP_MUST_USE;

/* ---- text (gen_text.c) ---- */

#define LP_GEN_COLUMNS 100

/* Docs as a comment, indented; nothing for NULL. */
void lp_gen_docs(lp_buf *into, const char *docs, size_t indent);

/* What stands between parentheses, broken into lines by lp_gen_list. */
struct lp_gen_items {
    const char **at;
    size_t n, cap;
};
void lp_gen_item(struct lp_gen_items *items, const char *text);
/* "HEAD(a, b)TAIL", as clang-format would break it; empties `items`. */
void lp_gen_list(lp_buf *into, const char *head, struct lp_gen_items *items, const char *tail);

#endif
