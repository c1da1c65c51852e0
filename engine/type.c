/* engine/type.c: implements type.h from Wasmtime's reflection. */
#include "engine/type.h"

#include "engine/internal.h"

size_t lp_type_index(const lp_type *t, const char *name, size_t len)
{
    for (size_t i = 0; t->names && i < t->count; i++)
        if (strlen(t->names[i]) == len && memcmp(t->names[i], name, len) == 0)
            return i;
    return SIZE_MAX;
}

static void reserve(lp_arena *a, lp_type *t, size_t n, bool names, bool elements)
{
    t->count = n;
    if (names)
        t->names = lp_arena_alloc(a, n * sizeof *t->names);
    if (elements)
        t->elements = lp_arena_alloc(a, (n ? n : 1) * sizeof *t->elements);
}

/* Compiles element `i` from `e` and frees `e`. */
static loop_error *element(lp_arena *a, lp_type *t, size_t i, wasmtime_component_valtype_t *e,
                           unsigned depth)
{
    loop_error *err = lp_type_of(a, e, depth + 1, &t->elements[i]);
    wasmtime_component_valtype_delete(e);
    return err;
}

static loop_error *record_type(lp_arena *a, lp_type *t, const wasmtime_component_record_type_t *r,
                               unsigned depth)
{
    reserve(a, t, wasmtime_component_record_type_field_count(r), true, true);
    for (size_t i = 0; i < t->count; i++) {
        const char *name;
        size_t len;
        wasmtime_component_valtype_t e;
        wasmtime_component_record_type_field_nth(r, i, &name, &len, &e);
        t->names[i] = lp_arena_strndup(a, name, len);
        LP_TRY(element(a, t, i, &e, depth));
    }
    return NULL;
}

static loop_error *tuple_type(lp_arena *a, lp_type *t, const wasmtime_component_tuple_type_t *r,
                              unsigned depth)
{
    reserve(a, t, wasmtime_component_tuple_type_types_count(r), false, true);
    for (size_t i = 0; i < t->count; i++) {
        wasmtime_component_valtype_t e;
        wasmtime_component_tuple_type_types_nth(r, i, &e);
        LP_TRY(element(a, t, i, &e, depth));
    }
    return NULL;
}

static loop_error *variant_type(lp_arena *a, lp_type *t, const wasmtime_component_variant_type_t *v,
                                unsigned depth)
{
    reserve(a, t, wasmtime_component_variant_type_case_count(v), true, true);
    for (size_t i = 0; i < t->count; i++) {
        const char *name;
        size_t len;
        bool payload;
        wasmtime_component_valtype_t e;
        wasmtime_component_variant_type_case_nth(v, i, &name, &len, &payload, &e);
        t->names[i] = lp_arena_strndup(a, name, len);
        if (payload)
            LP_TRY(element(a, t, i, &e, depth));
    }
    return NULL;
}

static void enum_type(lp_arena *a, lp_type *t, const wasmtime_component_enum_type_t *v)
{
    reserve(a, t, wasmtime_component_enum_type_names_count(v), true, false);
    for (size_t i = 0; i < t->count; i++) {
        const char *name;
        size_t len;
        wasmtime_component_enum_type_names_nth(v, i, &name, &len);
        t->names[i] = lp_arena_strndup(a, name, len);
    }
}

static loop_error *flags_type(lp_arena *a, lp_type *t, const wasmtime_component_flags_type_t *v)
{
    reserve(a, t, wasmtime_component_flags_type_names_count(v), true, false);
    if (t->count > 64)
        return loop_error_new(LOOP_INVALID, "flags with more than 64 names");
    for (size_t i = 0; i < t->count; i++) {
        const char *name;
        size_t len;
        wasmtime_component_flags_type_names_nth(v, i, &name, &len);
        t->names[i] = lp_arena_strndup(a, name, len);
    }
    return NULL;
}

static loop_error *result_type(lp_arena *a, lp_type *t, const wasmtime_component_result_type_t *r,
                               unsigned depth)
{
    reserve(a, t, 2, false, true);
    wasmtime_component_valtype_t e;
    if (wasmtime_component_result_type_ok(r, &e))
        LP_TRY(element(a, t, 0, &e, depth));
    if (wasmtime_component_result_type_err(r, &e))
        LP_TRY(element(a, t, 1, &e, depth));
    return NULL;
}

loop_error *lp_type_of(lp_arena *a, const wasmtime_component_valtype_t *v, unsigned depth,
                       const lp_type **ret)
{
    static const loop_kind plain[] = {LOOP_BOOL, LOOP_S8,   LOOP_S16,   LOOP_S32, LOOP_S64,
                                      LOOP_U8,   LOOP_U16,  LOOP_U32,   LOOP_U64, LOOP_F32,
                                      LOOP_F64,  LOOP_CHAR, LOOP_STRING};
    if (depth > LP_MAX_VALUE_DEPTH)
        return loop_error_new(LOOP_LIMIT, "a type nested more than %d deep", LP_MAX_VALUE_DEPTH);
    lp_type *t = lp_arena_alloc(a, sizeof *t);
    *ret = t;
    if (v->kind < LP_COUNT(plain)) {
        t->kind = plain[v->kind];
        return NULL;
    }
    wasmtime_component_valtype_t e;
    switch (v->kind) {
    case WASMTIME_COMPONENT_VALTYPE_LIST:
        reserve(a, t, 1, false, true);
        wasmtime_component_list_type_element(v->of.list, &e);
        t->kind = e.kind == WASMTIME_COMPONENT_VALTYPE_U8 ? LOOP_BYTES : LOOP_LIST;
        return element(a, t, 0, &e, depth);
    case WASMTIME_COMPONENT_VALTYPE_OPTION:
        t->kind = LOOP_OPTION;
        reserve(a, t, 1, false, true);
        wasmtime_component_option_type_ty(v->of.option, &e);
        return element(a, t, 0, &e, depth);
    case WASMTIME_COMPONENT_VALTYPE_RECORD:
        t->kind = LOOP_RECORD;
        return record_type(a, t, v->of.record, depth);
    case WASMTIME_COMPONENT_VALTYPE_TUPLE:
        t->kind = LOOP_TUPLE;
        return tuple_type(a, t, v->of.tuple, depth);
    case WASMTIME_COMPONENT_VALTYPE_VARIANT:
        t->kind = LOOP_VARIANT;
        return variant_type(a, t, v->of.variant, depth);
    case WASMTIME_COMPONENT_VALTYPE_RESULT:
        t->kind = LOOP_RESULT;
        return result_type(a, t, v->of.result, depth);
    case WASMTIME_COMPONENT_VALTYPE_ENUM:
        t->kind = LOOP_ENUM;
        enum_type(a, t, v->of.enum_);
        return NULL;
    case WASMTIME_COMPONENT_VALTYPE_FLAGS:
        t->kind = LOOP_FLAGS;
        return flags_type(a, t, v->of.flags);
    case WASMTIME_COMPONENT_VALTYPE_OWN: t->kind = LOOP_OWN; return NULL;
    case WASMTIME_COMPONENT_VALTYPE_BORROW: t->kind = LOOP_BORROW; return NULL;
    default:
        return loop_error_new(LOOP_INVALID,
                              "a future, stream, map or error-context, which loop does not carry");
    }
}

loop_error *lp_signature_of(lp_arena *a, const wasmtime_component_func_type_t *f,
                            const lp_signature **ret)
{
    lp_signature *s = lp_arena_alloc(a, sizeof *s);
    s->nparams = wasmtime_component_func_type_param_count(f);
    s->params = lp_arena_alloc(a, (s->nparams + 1) * sizeof *s->params);
    s->param_names = lp_arena_alloc(a, (s->nparams + 1) * sizeof *s->param_names);
    wasmtime_component_valtype_t t;
    for (size_t i = 0; i < s->nparams; i++) {
        const char *name;
        size_t len;
        wasmtime_component_func_type_param_nth(f, i, &name, &len, &t);
        s->param_names[i] = lp_arena_strndup(a, name, len);
        loop_error *err = lp_type_of(a, &t, 0, &s->params[i]);
        wasmtime_component_valtype_delete(&t);
        LP_TRY(err);
    }
    if (wasmtime_component_func_type_result(f, &t)) {
        loop_error *err = lp_type_of(a, &t, 0, &s->result);
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
        if (e && t->kind == LOOP_RECORD) {
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

static void type_text(const lp_type *t, lp_buf *b)
{
    static const char *const names[] = {
        [LOOP_BOOL] = "bool",     [LOOP_U8] = "u8",          [LOOP_U16] = "u16",
        [LOOP_U32] = "u32",       [LOOP_U64] = "u64",        [LOOP_S8] = "s8",
        [LOOP_S16] = "s16",       [LOOP_S32] = "s32",        [LOOP_S64] = "s64",
        [LOOP_F32] = "f32",       [LOOP_F64] = "f64",        [LOOP_CHAR] = "char",
        [LOOP_STRING] = "string", [LOOP_BYTES] = "list<u8>", [LOOP_LIST] = "list",
        [LOOP_RECORD] = "record", [LOOP_TUPLE] = "tuple",    [LOOP_VARIANT] = "variant",
        [LOOP_ENUM] = "enum",     [LOOP_OPTION] = "option",  [LOOP_RESULT] = "result",
        [LOOP_FLAGS] = "flags",   [LOOP_OWN] = "own",        [LOOP_BORROW] = "borrow",
    };
    lp_buf_puts(b, names[t->kind]);
    switch (t->kind) {
    case LOOP_RECORD:
    case LOOP_VARIANT:
    case LOOP_ENUM:
    case LOOP_FLAGS: named_text(t, b); break;
    case LOOP_LIST:
    case LOOP_TUPLE:
    case LOOP_OPTION:
    case LOOP_RESULT: angle_text(t, b); break;
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
