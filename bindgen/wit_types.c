/*
 * bindgen/wit_types.c: what follows from a WIT type alone: its native layout, by
 * the rules of loop/abi.h, and the structural form of a function's type.
 */
#include "bindgen/wit.h"

static const char *const kinds[] = {
    [LP_WIT_BOOL] = "bool",       [LP_WIT_U8] = "u8",
    [LP_WIT_S8] = "s8",           [LP_WIT_U16] = "u16",
    [LP_WIT_S16] = "s16",         [LP_WIT_U32] = "u32",
    [LP_WIT_S32] = "s32",         [LP_WIT_U64] = "u64",
    [LP_WIT_S64] = "s64",         [LP_WIT_F32] = "f32",
    [LP_WIT_F64] = "f64",         [LP_WIT_CHAR] = "char",
    [LP_WIT_STRING] = "string",   [LP_WIT_LIST] = "list",
    [LP_WIT_OPTION] = "option",   [LP_WIT_RESULT] = "result",
    [LP_WIT_TUPLE] = "tuple",     [LP_WIT_RECORD] = "record",
    [LP_WIT_VARIANT] = "variant", [LP_WIT_ENUM] = "enum",
    [LP_WIT_FLAGS] = "flags",     [LP_WIT_RESOURCE] = "resource",
    [LP_WIT_OWN] = "own",         [LP_WIT_BORROW] = "borrow",
    [LP_WIT_ALIAS] = "type",      [LP_WIT_OTHER] = "a type that is not known",
};

const char *lp_wit_kind_name(enum lp_wit_kind kind)
{
    return kinds[kind];
}

const struct lp_wit_type *lp_wit_real(const struct lp_wit_type *t)
{
    for (unsigned i = 0; t->kind == LP_WIT_ALIAS && t->count && i <= LP_MAX_WIT_DEPTH; i++)
        t = t->fields[0].type;
    return t;
}

bool lp_wit_by_value(const struct lp_wit_type *t)
{
    t = lp_wit_real(t);
    return lp_wit_is_plain(t) || t->kind == LP_WIT_LIST || t->kind == LP_WIT_ENUM ||
           t->kind == LP_WIT_FLAGS || t->kind == LP_WIT_OWN || t->kind == LP_WIT_BORROW;
}

/* ---- layout ---- */

static uint64_t aligned(uint64_t size, uint64_t align)
{
    return (size + align - 1) / align * align;
}

static loop_error *too_large(void)
{
    return loop_error_new(LOOP_LIMIT, "a value of more than %u KiB, without what it points to",
                          LP_MAX_VALUE_SIZE >> 10);
}

loop_error *lp_wit_struct_size(const struct lp_wit_field *fields, size_t n, uint64_t *ret_size,
                               uint64_t *ret_align)
{
    uint64_t size = 0, align = 1;
    for (size_t i = 0; i < n; i++) {
        size = aligned(size, fields[i].type->align) + fields[i].type->size;
        align = LP_MAX(align, fields[i].type->align);
        if (size > LP_MAX_VALUE_SIZE)
            return too_large();
    }
    *ret_size = aligned(size, align);
    *ret_align = align;
    return NULL;
}

/* A tag (or bool) of `tag` bytes, then a union of the payloads that there are. */
static loop_error *tagged(struct lp_wit_type *t, uint64_t tag)
{
    uint64_t size = 0, align = 1;
    for (size_t i = 0; i < t->count; i++) {
        if (!t->fields[i].type)
            continue;
        size = LP_MAX(size, t->fields[i].type->size);
        align = LP_MAX(align, t->fields[i].type->align);
    }
    t->align = LP_MAX(tag, align);
    t->payload = aligned(tag, align);
    t->size = aligned(t->payload + aligned(size, align), t->align);
    return t->size > LP_MAX_VALUE_SIZE ? too_large() : NULL;
}

static loop_error *scalar(struct lp_wit_type *t, uint64_t size)
{
    t->size = t->align = size;
    return NULL;
}

/* More cases than this have no tag in C, more flags no number. */
static loop_error *check_count(const struct lp_wit_type *t)
{
    size_t limit = t->kind == LP_WIT_FLAGS ? 32 : 65536;
    bool cases = t->kind == LP_WIT_VARIANT || t->kind == LP_WIT_ENUM || t->kind == LP_WIT_FLAGS;
    if (cases && t->count > limit)
        return loop_error_new(LOOP_LIMIT, "%zu cases; %s has at most %zu", t->count,
                              t->kind == LP_WIT_FLAGS ? "a flags type" : "a tag", limit);
    bool some = cases || t->kind == LP_WIT_RECORD || t->kind == LP_WIT_TUPLE;
    if (some && t->count == 0)
        return loop_error_new(LOOP_INVALID, "a %s without anything in it", kinds[t->kind]);
    return NULL;
}

static loop_error *layout(struct lp_wit_type *t)
{
    uint64_t tag = t->count > 256 ? 2 : 1;
    LP_TRY(check_count(t));
    switch (t->kind) {
    case LP_WIT_ALIAS:
        t->size = t->fields[0].type->size;
        t->align = t->fields[0].type->align;
        t->payload = t->fields[0].type->payload;
        return NULL;
    case LP_WIT_LIST:
        t->size = 16;
        t->align = 8;
        return NULL;
    case LP_WIT_OPTION:
    case LP_WIT_RESULT: return tagged(t, 1);
    case LP_WIT_VARIANT: return tagged(t, tag);
    case LP_WIT_TUPLE:
    case LP_WIT_RECORD: return lp_wit_struct_size(t->fields, t->count, &t->size, &t->align);
    case LP_WIT_ENUM: return scalar(t, tag);
    case LP_WIT_FLAGS: return scalar(t, t->count <= 8 ? 1 : t->count <= 16 ? 2 : 4);
    case LP_WIT_OWN:
    case LP_WIT_BORROW: return scalar(t, 8);
    default: return scalar(t, 1); /* a resource has none; what loop does not carry is refused */
    }
}

loop_error *lp_wit_layout(struct lp_wit_type *t, unsigned depth)
{
    unsigned deepest = 0;
    if (t->depth)
        return NULL;
    if (depth >= LP_MAX_WIT_DEPTH)
        return loop_error_new(LOOP_LIMIT, "types that nest deeper than %d", LP_MAX_WIT_DEPTH);
    for (size_t i = 0; i < t->count; i++) {
        struct lp_wit_type *e = (struct lp_wit_type *)t->fields[i].type;
        bool payload = t->kind == LP_WIT_VARIANT || t->kind == LP_WIT_RESULT ||
                       t->kind == LP_WIT_ENUM || t->kind == LP_WIT_FLAGS;
        if (!e && !payload)
            return loop_error_new(LOOP_INTERNAL, "a %s without a type", kinds[t->kind]);
        if (!e)
            continue;
        LP_TRY(lp_wit_layout(e, depth + 1));
        deepest = LP_MAX(deepest, e->depth);
        if (e->other && !t->other)
            t->other = e->other;
        t->owns = t->owns || e->owns;
    }
    if (deepest >= LP_MAX_WIT_DEPTH)
        return loop_error_new(LOOP_LIMIT, "types that nest deeper than %d", LP_MAX_WIT_DEPTH);
    LP_TRY(layout(t));
    t->owns = t->owns || t->kind == LP_WIT_OWN;
    t->depth = deepest + 1;
    return NULL;
}

/* ---- structural form ---- */

void lp_wit_scope_name(const struct lp_wit_scope *s, lp_buf *into)
{
    if (s->is_world)
        return;
    if (!s->world)
        lp_buf_printf(into, "%s/", s->package->name);
    lp_buf_puts(into, s->name);
}

static void structure(const struct lp_wit_type *t, lp_buf *b);

/* "<a,b>", "_" for none */
static void angle(const struct lp_wit_type *t, lp_buf *b)
{
    for (size_t i = 0; i < t->count; i++) {
        lp_buf_puts(b, i ? "," : "<");
        if (t->fields[i].type)
            structure(t->fields[i].type, b);
        else
            lp_buf_puts(b, "_");
    }
    lp_buf_puts(b, ">");
}

/* "{a:u8,b}": fields, cases or flags, each with its type where it has one. */
static void braces(const struct lp_wit_type *t, lp_buf *b)
{
    bool record = t->kind == LP_WIT_RECORD;
    for (size_t i = 0; i < t->count; i++) {
        const struct lp_wit_type *e = t->fields[i].type;
        lp_buf_printf(b, "%s%s", i ? "," : "{", t->fields[i].name);
        if (!e)
            continue;
        lp_buf_puts(b, record ? ":" : "(");
        structure(e, b);
        lp_buf_puts(b, record ? "" : ")");
    }
    lp_buf_puts(b, "}");
}

static void structure(const struct lp_wit_type *t, lp_buf *b)
{
    if (b->len > LP_MAX_WIT_STRUCTURE)
        return; /* lp_wit_structure says so */
    t = lp_wit_real(t);
    if (t->kind == LP_WIT_RESOURCE) {
        lp_buf_puts(b, t->name);
        return;
    }
    lp_buf_puts(b, kinds[t->kind]);
    switch (t->kind) {
    case LP_WIT_RECORD:
    case LP_WIT_VARIANT:
    case LP_WIT_ENUM:
    case LP_WIT_FLAGS: braces(t, b); break;
    case LP_WIT_LIST:
    case LP_WIT_TUPLE:
    case LP_WIT_OPTION:
    case LP_WIT_RESULT: angle(t, b); break;
    case LP_WIT_OWN:
    case LP_WIT_BORROW: {
        const struct lp_wit_type *resource = lp_wit_real(t->fields[0].type);
        lp_buf_puts(b, "<");
        lp_wit_scope_name(resource->owner, b);
        lp_buf_printf(b, "%s%s>", resource->owner->is_world ? "" : ".", resource->name);
        break;
    }
    default: break;
    }
}

loop_error *lp_wit_structure(const struct lp_wit_function *f, lp_buf *into)
{
    lp_buf text = {0};
    for (size_t i = 0; i < f->count; i++) {
        lp_buf_puts(&text, i ? "," : "(");
        structure(f->params[i].type, &text);
    }
    lp_buf_puts(&text, f->count ? ")" : "()");
    if (f->result) {
        lp_buf_puts(&text, "->");
        structure(f->result, &text);
    }
    loop_error *e = NULL;
    if (text.len > LP_MAX_WIT_STRUCTURE)
        e = loop_error_new(LOOP_LIMIT, "the type of '%s' takes more than %u bytes to write down",
                           f->name, LP_MAX_WIT_STRUCTURE);
    else
        lp_buf_add(into, text.ptr, text.len);
    lp_buf_done(&text);
    return e;
}
