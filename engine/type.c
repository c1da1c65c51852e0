/* engine/type.c: implements type.h from Wasmtime's reflection. */
#include "engine/type.h"

#include <stdlib.h>

#include "engine/internal.h"

/* The plain kinds are numbered as Wasmtime numbers them. */
_Static_assert(LP_BOOL == WASMTIME_COMPONENT_VALTYPE_BOOL &&
                   LP_S64 == WASMTIME_COMPONENT_VALTYPE_S64 &&
                   LP_U8 == WASMTIME_COMPONENT_VALTYPE_U8 &&
                   LP_U64 == WASMTIME_COMPONENT_VALTYPE_U64 &&
                   LP_F32 == WASMTIME_COMPONENT_VALTYPE_F32 &&
                   LP_CHAR == WASMTIME_COMPONENT_VALTYPE_CHAR &&
                   LP_STRING == WASMTIME_COMPONENT_VALTYPE_STRING,
               "lp_kind");

/* ---- resources ---- */

/* Interfaces come after those that they use: the first that names a resource defines it. */
const lp_resource *lp_resource_add(struct lp_types *x, const wasmtime_component_resource_type_t *t,
                                   const char *interface_name, const char *name, bool is_export)
{
    for (size_t i = 0; i < x->known.n; i++)
        if (wasmtime_component_resource_type_equal(x->known.at[i].type, t))
            return x->known.at[i].resource;
    lp_resource *r = lp_arena_alloc(x->arena, sizeof *r);
    *r = (lp_resource){interface_name, name, is_export, (uint32_t)x->known.n};
    *lp_push(&x->known) =
        (struct lp_known){.type = wasmtime_component_resource_type_clone(t), .resource = r};
    return r;
}

static const lp_resource *find_resource(struct lp_types *x,
                                        const wasmtime_component_resource_type_t *t)
{
    return lp_resource_add(x, t, "", "?", false);
}

void lp_types_done(struct lp_types *x)
{
    for (size_t i = 0; i < x->known.n; i++)
        wasmtime_component_resource_type_delete(x->known.at[i].type);
    free(x->known.at);
}

size_t lp_type_index(const lp_type *t, const char *name)
{
    for (size_t i = 0; t->names && i < t->count; i++)
        if (strcmp(t->names[i], name) == 0)
            return i;
    return SIZE_MAX;
}

/* A type is written out at each mention, of which a component of a few bytes can make many. */
static loop_error *count(struct lp_types *x, size_t parts, size_t text)
{
    x->nodes += parts;
    x->text += text;
    if (x->nodes > LP_MAX_TYPE_NODES || x->text > LP_MAX_TYPE_TEXT)
        return loop_error_new(LOOP_LIMIT, "types of more than %u parts or %u MiB of names",
                              LP_MAX_TYPE_NODES, LP_MAX_TYPE_TEXT >> 20);
    return NULL;
}

static loop_error *reserve(struct lp_types *x, lp_type *t, size_t n, bool names, bool elements)
{
    LP_TRY(count(x, n, 0));
    t->count = n;
    if (names)
        t->names = lp_arena_alloc(x->arena, n * sizeof *t->names);
    if (elements)
        t->elements = lp_arena_alloc(x->arena, (n ? n : 1) * sizeof *t->elements);
    return NULL;
}

static loop_error *keep_name(struct lp_types *x, lp_type *t, size_t i, const char *name, size_t len)
{
    t->names[i] = lp_arena_strndup(x->arena, name, len);
    return count(x, 0, len);
}

/* Compiles element `i` from `e` and frees `e`. */
static loop_error *element(struct lp_types *x, lp_type *t, size_t i,
                           wasmtime_component_valtype_t *e, unsigned depth)
{
    loop_error *err = lp_type_of(x, e, depth + 1, &t->elements[i]);
    wasmtime_component_valtype_delete(e);
    return err;
}

static loop_error *record_type(struct lp_types *x, lp_type *t,
                               const wasmtime_component_record_type_t *r, unsigned depth)
{
    LP_TRY(reserve(x, t, wasmtime_component_record_type_field_count(r), true, true));
    for (size_t i = 0; i < t->count; i++) {
        const char *name;
        size_t len;
        wasmtime_component_valtype_t e;
        wasmtime_component_record_type_field_nth(r, i, &name, &len, &e);
        loop_error *err = keep_name(x, t, i, name, len);
        if (err) {
            wasmtime_component_valtype_delete(&e);
            return err;
        }
        LP_TRY(element(x, t, i, &e, depth));
    }
    return NULL;
}

static loop_error *tuple_type(struct lp_types *x, lp_type *t,
                              const wasmtime_component_tuple_type_t *r, unsigned depth)
{
    LP_TRY(reserve(x, t, wasmtime_component_tuple_type_types_count(r), false, true));
    for (size_t i = 0; i < t->count; i++) {
        wasmtime_component_valtype_t e;
        wasmtime_component_tuple_type_types_nth(r, i, &e);
        LP_TRY(element(x, t, i, &e, depth));
    }
    return NULL;
}

static loop_error *variant_type(struct lp_types *x, lp_type *t,
                                const wasmtime_component_variant_type_t *v, unsigned depth)
{
    LP_TRY(reserve(x, t, wasmtime_component_variant_type_case_count(v), true, true));
    for (size_t i = 0; i < t->count; i++) {
        const char *name;
        size_t len;
        bool payload;
        wasmtime_component_valtype_t e;
        wasmtime_component_variant_type_case_nth(v, i, &name, &len, &payload, &e);
        loop_error *err = keep_name(x, t, i, name, len);
        if (err && payload)
            wasmtime_component_valtype_delete(&e);
        LP_TRY(err);
        if (payload)
            LP_TRY(element(x, t, i, &e, depth));
    }
    return NULL;
}

static loop_error *enum_type(struct lp_types *x, lp_type *t,
                             const wasmtime_component_enum_type_t *v)
{
    LP_TRY(reserve(x, t, wasmtime_component_enum_type_names_count(v), true, false));
    for (size_t i = 0; i < t->count; i++) {
        const char *name;
        size_t len;
        wasmtime_component_enum_type_names_nth(v, i, &name, &len);
        LP_TRY(keep_name(x, t, i, name, len));
    }
    return NULL;
}

static loop_error *flags_type(struct lp_types *x, lp_type *t,
                              const wasmtime_component_flags_type_t *v)
{
    LP_TRY(reserve(x, t, wasmtime_component_flags_type_names_count(v), true, false));
    if (t->count > 32)
        return loop_error_new(LOOP_INVALID, "flags with more than 32 names");
    for (size_t i = 0; i < t->count; i++) {
        const char *name;
        size_t len;
        wasmtime_component_flags_type_names_nth(v, i, &name, &len);
        LP_TRY(keep_name(x, t, i, name, len));
    }
    return NULL;
}

static loop_error *result_type(struct lp_types *x, lp_type *t,
                               const wasmtime_component_result_type_t *r, unsigned depth)
{
    LP_TRY(reserve(x, t, 2, false, true));
    wasmtime_component_valtype_t e;
    if (wasmtime_component_result_type_ok(r, &e))
        LP_TRY(element(x, t, 0, &e, depth));
    if (wasmtime_component_result_type_err(r, &e))
        LP_TRY(element(x, t, 1, &e, depth));
    return NULL;
}

loop_error *lp_type_of(struct lp_types *x, const wasmtime_component_valtype_t *v, unsigned depth,
                       const lp_type **ret)
{
    if (depth > LP_MAX_VALUE_DEPTH)
        return loop_error_new(LOOP_LIMIT, "a type nested more than %d deep", LP_MAX_VALUE_DEPTH);
    LP_TRY(count(x, 1, 0));
    lp_type *t = lp_arena_alloc(x->arena, sizeof *t);
    *ret = t;
    if (v->kind <= WASMTIME_COMPONENT_VALTYPE_STRING) {
        t->kind = (lp_kind)v->kind; /* the same order, as asserted above */
        return NULL;
    }
    wasmtime_component_valtype_t e;
    switch (v->kind) {
    case WASMTIME_COMPONENT_VALTYPE_LIST:
        LP_TRY(reserve(x, t, 1, false, true));
        wasmtime_component_list_type_element(v->of.list, &e);
        t->kind = LP_LIST;
        return element(x, t, 0, &e, depth);
    case WASMTIME_COMPONENT_VALTYPE_OPTION:
        t->kind = LP_OPTION;
        LP_TRY(reserve(x, t, 1, false, true));
        wasmtime_component_option_type_ty(v->of.option, &e);
        return element(x, t, 0, &e, depth);
    case WASMTIME_COMPONENT_VALTYPE_RECORD:
        t->kind = LP_RECORD;
        return record_type(x, t, v->of.record, depth);
    case WASMTIME_COMPONENT_VALTYPE_TUPLE:
        t->kind = LP_TUPLE;
        return tuple_type(x, t, v->of.tuple, depth);
    case WASMTIME_COMPONENT_VALTYPE_VARIANT:
        t->kind = LP_VARIANT;
        return variant_type(x, t, v->of.variant, depth);
    case WASMTIME_COMPONENT_VALTYPE_RESULT:
        t->kind = LP_RESULT;
        return result_type(x, t, v->of.result, depth);
    case WASMTIME_COMPONENT_VALTYPE_ENUM: t->kind = LP_ENUM; return enum_type(x, t, v->of.enum_);
    case WASMTIME_COMPONENT_VALTYPE_FLAGS: t->kind = LP_FLAGS; return flags_type(x, t, v->of.flags);
    case WASMTIME_COMPONENT_VALTYPE_OWN:
        t->kind = LP_OWN;
        t->resource = find_resource(x, v->of.own);
        return NULL;
    case WASMTIME_COMPONENT_VALTYPE_BORROW:
        t->kind = LP_BORROW;
        t->resource = find_resource(x, v->of.borrow);
        return NULL;
    default:
        return loop_error_new(LOOP_INVALID,
                              "a future, stream, map or error-context, which loop does not carry");
    }
}

loop_error *lp_signature_of(struct lp_types *x, const wasmtime_component_func_type_t *f,
                            const lp_signature **ret)
{
    lp_signature *s = lp_arena_alloc(x->arena, sizeof *s);
    s->nparams = wasmtime_component_func_type_param_count(f);
    s->params = lp_arena_alloc(x->arena, (s->nparams + 1) * sizeof *s->params);
    wasmtime_component_valtype_t t;
    for (size_t i = 0; i < s->nparams; i++) {
        const char *name;
        size_t len;
        wasmtime_component_func_type_param_nth(f, i, &name, &len, &t);
        loop_error *err = lp_type_of(x, &t, 0, &s->params[i]);
        wasmtime_component_valtype_delete(&t);
        LP_TRY(err);
    }
    if (wasmtime_component_func_type_result(f, &t)) {
        loop_error *err = lp_type_of(x, &t, 0, &s->result);
        wasmtime_component_valtype_delete(&t);
        LP_TRY(err);
    }
    *ret = s;
    return NULL;
}

/* ---- as text ---- */

static void type_text(const lp_type *t, lp_buf *b);

static void payload_text(const lp_type *t, lp_buf *b)
{
    if (t)
        type_text(t, b);
    else
        lp_buf_puts(b, "_");
}

/* "{a:u8,b}": fields, cases or flags, each with its type where it has one. */
static void named_text(const lp_type *t, lp_buf *b)
{
    for (size_t i = 0; i < t->count; i++) {
        const lp_type *e = t->elements ? t->elements[i] : NULL;
        lp_buf_printf(b, "%s%s", i ? "," : "{", t->names[i]);
        if (e && t->kind == LP_RECORD) {
            lp_buf_puts(b, ":");
            type_text(e, b);
        } else if (e) {
            lp_buf_puts(b, "(");
            type_text(e, b);
            lp_buf_puts(b, ")");
        }
    }
    lp_buf_puts(b, t->count ? "}" : "{}");
}

static void angle_text(const lp_type *t, lp_buf *b)
{
    lp_buf_puts(b, "<");
    for (size_t i = 0; i < t->count; i++) {
        lp_buf_puts(b, i ? "," : "");
        payload_text(t->elements[i], b);
    }
    lp_buf_puts(b, ">");
}

static void resource_text(const lp_resource *r, lp_buf *b)
{
    size_t n = strcspn(r->interface_name, "@");
    lp_buf_puts(b, "<");
    lp_buf_add(b, r->interface_name, n);
    lp_buf_printf(b, "%s%s>", n ? "." : "", r->name);
}

static void type_text(const lp_type *t, lp_buf *b)
{
    static const char *const names[] = {
        [LP_BOOL] = "bool",     [LP_U8] = "u8",           [LP_U16] = "u16",
        [LP_U32] = "u32",       [LP_U64] = "u64",         [LP_S8] = "s8",
        [LP_S16] = "s16",       [LP_S32] = "s32",         [LP_S64] = "s64",
        [LP_F32] = "f32",       [LP_F64] = "f64",         [LP_CHAR] = "char",
        [LP_STRING] = "string", [LP_LIST] = "list",       [LP_RECORD] = "record",
        [LP_TUPLE] = "tuple",   [LP_VARIANT] = "variant", [LP_ENUM] = "enum",
        [LP_OPTION] = "option", [LP_RESULT] = "result",   [LP_FLAGS] = "flags",
        [LP_OWN] = "own",       [LP_BORROW] = "borrow",
    };
    lp_buf_puts(b, names[t->kind]);
    switch (t->kind) {
    case LP_RECORD:
    case LP_VARIANT:
    case LP_ENUM:
    case LP_FLAGS: named_text(t, b); break;
    case LP_LIST:
    case LP_TUPLE:
    case LP_OPTION:
    case LP_RESULT: angle_text(t, b); break;
    case LP_OWN:
    case LP_BORROW: resource_text(t->resource, b); break;
    default: break;
    }
}

void lp_signature_text(const lp_signature *s, lp_buf *into)
{
    lp_buf_puts(into, "(");
    for (size_t i = 0; i < s->nparams; i++) {
        lp_buf_puts(into, i ? "," : "");
        type_text(s->params[i], into);
    }
    lp_buf_puts(into, ")");
    if (s->result) {
        lp_buf_puts(into, "->");
        type_text(s->result, into);
    }
}
