/*
 * bindgen/gen_types.c: the C types of an interface, each after what it is made of,
 * and what they must measure.
 *
 * Types without a name in WIT get one from their structure (X_list_field), once a
 * block. A block always has all that its interface could need, its functions'
 * included, since two headers may share it by its guard.
 */
#include <stdlib.h>

#include "bindgen/gen.h"

#define LONGEST 120 /* a name made of a structure; what is over becomes a number */

/* ---- names ---- */

void lp_gen_claim_types(struct lp_gen *g, const struct lp_gen_block *b)
{
    const struct lp_wit_scope *s = b->unit->scope;
    for (size_t i = 0; i < s->type_count; i++) {
        const char *name = lp_gen_text(g, "%s_%s", b->prefix, lp_gen_snake(g, s->types[i]->name));
        lp_gen_map_set(&g->names, lp_gen_text(g, "type|%s|%zu", b->prefix, s->types[i]->id),
                       lp_gen_claim(g, "", name));
    }
}

const char *lp_gen_named(struct lp_gen *g, const struct lp_gen_block *b,
                         const struct lp_wit_type *t)
{
    struct lp_gen_block other = *b;
    if (t->owner != b->unit->scope) {
        struct lp_gen_unit *u = g->by_scope[t->owner->id];
        if (!u)
            return "void";
        other = lp_gen_block_of(g, u, b->guest && u->guest);
    }
    const char *name =
        lp_gen_map_get(&g->names, lp_gen_text(g, "type|%s|%zu", other.prefix, t->id));
    return name ? name : "void"; /* not reached: the plan wants the block of what is used */
}

static bool is_plain_pair(const struct lp_wit_type *t)
{
    return (t->kind == LP_WIT_LIST || t->kind == LP_WIT_OPTION) &&
           lp_wit_is_plain(t->fields[0].type);
}

/* "list_field", "result_void_error": what a type is called in names made of it. */
static const char *short_name(struct lp_gen *g, const struct lp_gen_block *b,
                              const struct lp_wit_type *t)
{
    if (!t)
        return "void";
    if (lp_wit_is_plain(t))
        return lp_wit_kind_name(t->kind);
    if (t->name)
        return t->owner == b->unit->scope ? lp_gen_snake(g, t->name) : lp_gen_named(g, b, t);
    const char *key = lp_gen_text(g, "short|%s|%zu", b->prefix, t->id);
    const char *name = lp_gen_map_get(&g->names, key);
    if (name)
        return name;
    lp_buf text = {0};
    lp_buf_puts(&text, lp_wit_kind_name(t->kind));
    for (size_t i = 0; i < t->count; i++)
        lp_buf_printf(&text, "_%s", short_name(g, b, t->fields[i].type));
    if (text.len > LONGEST) {
        uint64_t h = 14695981039346656037u; /* FNV-1a */
        for (size_t i = 0; i < text.len; i++)
            h = (h ^ (unsigned char)text.ptr[i]) * 1099511628211u;
        name = lp_gen_text(g, "%.*s_%016llx", LONGEST - 17, text.ptr, (unsigned long long)h);
    } else {
        name = lp_gen_text(g, "%s", text.ptr);
    }
    lp_buf_done(&text);
    lp_gen_map_set(&g->names, key, name);
    return name;
}

/* The name of a type that has none in WIT; two that are the same in C share one. */
static const char *structural(struct lp_gen *g, const struct lp_gen_block *b,
                              const struct lp_wit_type *t)
{
    const char *by_id = lp_gen_text(g, "structural|%s|%zu", b->prefix, t->id);
    const char *name = lp_gen_map_get(&g->names, by_id);
    if (name)
        return name;
    lp_buf parts = {0};
    lp_buf_printf(&parts, "same|%s|%s", b->prefix, lp_wit_kind_name(t->kind));
    for (size_t i = 0; i < t->count; i++)
        lp_buf_printf(&parts, ",%s",
                      t->fields[i].type ? lp_gen_type(g, b, t->fields[i].type) : "_");
    name = lp_gen_map_get(&g->names, parts.ptr);
    if (!name) {
        name = lp_gen_claim(g, "", lp_gen_text(g, "%s_%s", b->prefix, short_name(g, b, t)));
        lp_gen_map_set(&g->names, lp_gen_text(g, "%s", parts.ptr), name);
    }
    lp_buf_done(&parts);
    lp_gen_map_set(&g->names, by_id, name);
    return name;
}

/* Whether a resource is one of the component, seen from this block. */
static bool is_guests(const struct lp_gen *g, const struct lp_gen_block *b,
                      const struct lp_wit_type *resource)
{
    const struct lp_gen_unit *u = g->by_scope[lp_wit_real(resource)->owner->id];
    return b->guest && u && u->guest;
}

const char *lp_gen_type(struct lp_gen *g, const struct lp_gen_block *b, const struct lp_wit_type *t)
{
    static const char *const plain[] = {
        [LP_WIT_BOOL] = "bool",          [LP_WIT_U8] = "uint8_t",   [LP_WIT_S8] = "int8_t",
        [LP_WIT_U16] = "uint16_t",       [LP_WIT_S16] = "int16_t",  [LP_WIT_U32] = "uint32_t",
        [LP_WIT_S32] = "int32_t",        [LP_WIT_U64] = "uint64_t", [LP_WIT_S64] = "int64_t",
        [LP_WIT_F32] = "float",          [LP_WIT_F64] = "double",   [LP_WIT_CHAR] = "uint32_t",
        [LP_WIT_STRING] = "loop_string",
    };
    if (lp_wit_is_plain(t))
        return plain[t->kind];
    if (t->name)
        return lp_gen_named(g, b, t);
    if (is_plain_pair(t))
        return lp_gen_text(g, "loop_%s_%s", lp_wit_kind_name(t->kind),
                           lp_wit_kind_name(t->fields[0].type->kind));
    if (t->kind == LP_WIT_OWN || t->kind == LP_WIT_BORROW)
        return lp_gen_text(g, "%s%s", lp_gen_type(g, b, t->fields[0].type),
                           is_guests(g, b, t->fields[0].type) ? "" : " *");
    return structural(g, b, t);
}

const char *lp_gen_declare(struct lp_gen *g, const char *type, const char *name)
{
    bool star = type[strlen(type) - 1] == '*';
    return lp_gen_text(g, "%s%s%s", type, star || !*name ? "" : " ", name);
}

const char *lp_gen_ret(struct lp_gen *g, const struct lp_gen_block *b, const struct lp_wit_type *t)
{
    const char *type = lp_gen_type(g, b, t);
    return lp_gen_text(g, "%s%s*ret", type, type[strlen(type) - 1] == '*' ? "" : " ");
}

const char *lp_gen_ret_untyped(struct lp_gen *g, const struct lp_gen_block *b,
                               const struct lp_wit_type *t)
{
    if (!t)
        return "NULL";
    const char *type = lp_gen_type(g, b, t);
    return type[strlen(type) - 1] == '*' ? "(void *)ret" : "ret";
}

const char *lp_gen_ret_typed(struct lp_gen *g, const struct lp_gen_block *b,
                             const struct lp_wit_type *t)
{
    const char *type = lp_gen_type(g, b, t);
    return type[strlen(type) - 1] == '*' ? lp_gen_text(g, "(%s*)ret", type) : "ret";
}

const char *lp_gen_param(struct lp_gen *g, const struct lp_gen_block *b,
                         const struct lp_wit_type *t, const char *name)
{
    const char *type = lp_gen_type(g, b, t);
    if (lp_wit_by_value(t))
        return lp_gen_declare(g, type, name);
    return lp_gen_text(g, "const %s *%s", type, name);
}

/* ---- what is measured ---- */

static void put_assert(struct lp_gen *g, const char *what, uint64_t number, const char *name)
{
    struct lp_gen_items items = {0};
    lp_gen_item(&items, lp_gen_text(g, "%s == %llu", what, (unsigned long long)number));
    lp_gen_item(&items, lp_gen_text(g, "\"%s\"", name));
    lp_gen_list(&g->asserts, "static_assert", &items, ";\n");
}

static void put_size(struct lp_gen *g, const char *name, const struct lp_wit_type *t)
{
    put_assert(g, lp_gen_text(g, "sizeof(%s)", name), t->size, name);
    bool of = t->kind == LP_WIT_VARIANT || t->kind == LP_WIT_RESULT;
    bool payload = t->kind == LP_WIT_OPTION;
    for (size_t i = 0; of && i < t->count; i++)
        payload = payload || t->fields[i].type;
    if (payload)
        put_assert(g, lp_gen_text(g, "offsetof(%s, %s)", name, of ? "of" : "value"), t->payload,
                   name);
}

/* ---- declarations ---- */

/* "    T name;" for each field that has a type, with its docs. */
static void put_fields(struct lp_gen *g, const struct lp_gen_block *b, const struct lp_wit_type *t,
                       size_t indent)
{
    const char *scope = lp_gen_text(g, "fields|%s|%zu", b->prefix, t->id);
    for (size_t i = 0; i < t->count; i++) {
        const struct lp_wit_field *f = &t->fields[i];
        const char *name = f->name ? lp_gen_snake(g, f->name) : lp_gen_text(g, "f%zu", i);
        name = lp_gen_claim(g, scope, name);
        if (!f->type)
            continue;
        if (t->kind == LP_WIT_RECORD)
            lp_gen_docs(&g->header, f->docs, indent);
        lp_buf_printf(&g->header, "%*s%s;\n", (int)indent, "",
                      lp_gen_declare(g, lp_gen_type(g, b, f->type), name));
    }
}

static void put_struct(struct lp_gen *g, const struct lp_gen_block *b, const struct lp_wit_type *t,
                       const char *name)
{
    lp_buf *h = &g->header;
    bool payload = false;
    for (size_t i = 0; i < t->count; i++)
        payload = payload || t->fields[i].type;
    lp_buf_printf(h, "typedef struct %s {\n", name);
    switch (t->kind) {
    case LP_WIT_LIST: {
        const char *type = lp_gen_type(g, b, t->fields[0].type);
        bool star = type[strlen(type) - 1] == '*';
        lp_buf_printf(h, star ? "    %sconst *ptr;\n" : "    const %s *ptr;\n", type);
        lp_buf_puts(h, "    size_t len;\n");
        break;
    }
    case LP_WIT_OPTION:
        lp_buf_printf(h, "    bool is_some;\n    %s;\n",
                      lp_gen_declare(g, lp_gen_type(g, b, t->fields[0].type), "value"));
        break;
    case LP_WIT_RESULT:
    case LP_WIT_VARIANT:
        lp_buf_printf(h, "    %s;\n",
                      t->kind == LP_WIT_RESULT ? "bool is_err"
                      : t->count > 256         ? "uint16_t tag"
                                               : "uint8_t tag");
        if (payload) {
            lp_buf_puts(h, "    union {\n");
            put_fields(g, b, t, 8);
            lp_buf_puts(h, "    } of;\n");
        }
        break;
    default: put_fields(g, b, t, 4); break;
    }
    lp_buf_printf(h, "} %s;\n", name);
    put_size(g, name, t);
}

/* The cases of an enum, flags or variant: X_LEVEL_TRACE. */
static void put_constants(struct lp_gen *g, const struct lp_gen_block *b,
                          const struct lp_wit_type *t)
{
    lp_buf *h = &g->header;
    bool flags = t->kind == LP_WIT_FLAGS;
    bool wide = flags && t->count == 32; /* the last does not fit an enum's int */
    const char *prefix =
        lp_gen_upper(g, lp_gen_text(g, "%s_%s", b->prefix, lp_gen_snake(g, t->name)));
    lp_buf_puts(h, wide ? "" : "enum {\n");
    for (size_t i = 0; i < t->count; i++) {
        const char *name = lp_gen_claim(
            g, "", lp_gen_text(g, "%s_%s", prefix, lp_gen_upper(g, t->fields[i].name)));
        lp_gen_docs(h, t->fields[i].docs, wide ? 0 : 4);
        if (wide)
            lp_buf_printf(h, "#define %s (1u << %zu)\n", name, i);
        else
            lp_buf_printf(h, flags ? "    %s = 1u << %zu,\n" : "    %s = %zu,\n", name, i);
    }
    lp_buf_puts(h, wide ? "" : "};\n");
}

static void put_scalar(struct lp_gen *g, const struct lp_gen_block *b, const struct lp_wit_type *t,
                       const char *name)
{
    lp_buf_printf(&g->header, "typedef uint%d_t %s;\n", (int)t->size * 8, name);
    put_constants(g, b, t);
}

/* `type a = list<u8>`, `use other.{a}`: another name of the same C type. */
static void put_alias(struct lp_gen *g, const struct lp_gen_block *b, const struct lp_wit_type *t,
                      const char *name)
{
    const char *type = lp_gen_type(g, b, t);
    lp_buf_printf(&g->header, "typedef %s;\n", lp_gen_declare(g, type, name));
}

/* ---- order ---- */

static void put_type(struct lp_gen *g, const struct lp_gen_block *b, const struct lp_wit_type *t);

static void put_parts(struct lp_gen *g, const struct lp_gen_block *b, const struct lp_wit_type *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->fields[i].type)
            put_type(g, b, t->fields[i].type);
}

/* A type that has no name in WIT: once by its name in C. */
static void put_structural(struct lp_gen *g, const struct lp_gen_block *b,
                           const struct lp_wit_type *t)
{
    if (is_plain_pair(t) || t->kind == LP_WIT_OWN || t->kind == LP_WIT_BORROW)
        return;
    const char *name = structural(g, b, t);
    const char *key = lp_gen_text(g, "put|%s", name);
    if (lp_gen_map_get(&g->names, key))
        return;
    lp_gen_map_set(&g->names, key, name);
    lp_buf_puts(&g->header, "\n");
    put_struct(g, b, t, name);
}

/* Whether the last line is a typedef of one line; those stand together. */
static bool after_typedef(const lp_buf *b)
{
    size_t at = b->len ? b->len - 1 : 0;
    while (at > 0 && b->ptr[at - 1] != '\n')
        at--;
    return b->len && lp_starts_with(b->ptr + at, "typedef ");
}

static void put_named(struct lp_gen *g, const struct lp_gen_block *b, const struct lp_wit_type *t)
{
    const char *name = lp_gen_named(g, b, t);
    struct lp_wit_type bare = *t; /* as if it had no name in WIT */
    bare.name = NULL;
    if (t->kind == LP_WIT_LIST || t->kind == LP_WIT_OPTION || t->kind == LP_WIT_RESULT ||
        t->kind == LP_WIT_TUPLE)
        put_structural(g, b, &bare);
    bool alias = t->kind != LP_WIT_ENUM && t->kind != LP_WIT_FLAGS && t->kind != LP_WIT_RECORD &&
                 t->kind != LP_WIT_VARIANT;
    lp_buf_puts(&g->header, alias && !t->docs && after_typedef(&g->header) ? "" : "\n");
    lp_gen_docs(&g->header, t->docs, 0);
    switch (t->kind) {
    case LP_WIT_ENUM:
    case LP_WIT_FLAGS: put_scalar(g, b, t, name); break;
    case LP_WIT_RECORD: put_struct(g, b, t, name); break;
    case LP_WIT_VARIANT:
        put_struct(g, b, t, name);
        put_constants(g, b, t);
        break;
    default: put_alias(g, b, t->kind == LP_WIT_ALIAS ? t->fields[0].type : &bare, name); break;
    }
}

/* Writes what `t` is made of, then `t`, unless they are there. */
static void put_type(struct lp_gen *g, const struct lp_gen_block *b, const struct lp_wit_type *t)
{
    if (lp_wit_is_plain(t) || t->kind == LP_WIT_RESOURCE || t->other ||
        (t->owner && t->owner != b->unit->scope))
        return;
    const char *key = lp_gen_text(g, "put|%s|%zu", b->prefix, t->id);
    if (lp_gen_map_get(&g->names, key))
        return;
    lp_gen_map_set(&g->names, key, key);
    put_parts(g, b, t);
    if (t->name)
        put_named(g, b, t);
    else
        put_structural(g, b, t);
}

static void put_functions(struct lp_gen *g, const struct lp_gen_block *b,
                          const struct lp_wit_functions *functions)
{
    for (size_t i = 0; i < functions->n; i++) {
        const struct lp_wit_function *f = &functions->at[i];
        for (size_t k = 0; k < f->count; k++)
            put_type(g, b, f->params[k].type);
        if (f->result)
            put_type(g, b, f->result);
    }
}

static void put_resources(struct lp_gen *g, const struct lp_gen_block *b)
{
    const struct lp_wit_scope *s = b->unit->scope;
    for (size_t i = 0; i < s->type_count; i++) {
        const struct lp_wit_type *t = s->types[i];
        if (t->kind != LP_WIT_RESOURCE)
            continue;
        const char *name = lp_gen_named(g, b, t);
        lp_buf_puts(&g->header, "\n");
        lp_gen_docs(&g->header, t->docs, 0);
        if (is_guests(g, b, t)) {
            lp_buf_printf(&g->header, "typedef struct %s {\n    loop_handle handle;\n} %s;\n", name,
                          name);
            put_assert(g, lp_gen_text(g, "sizeof(%s)", name), 8, name);
        } else {
            lp_buf_printf(&g->header, "typedef struct %s %s;\n", name, name);
        }
    }
}

loop_error *lp_gen_types(struct lp_gen *g, const struct lp_gen_block *b)
{
    const struct lp_wit_scope *s = b->unit->scope;
    const char *guard = lp_gen_text(g, "%s%s_TYPES", b->unit->guard, b->guest ? "_GUEST" : "");
    size_t before = g->header.len;
    lp_buf_printf(&g->header, "\n#ifndef %s\n#define %s\n", guard, guard);
    size_t start = g->header.len;
    put_resources(g, b);
    for (size_t i = 0; i < s->type_count; i++)
        put_type(g, b, s->types[i]);
    put_functions(g, b, &s->functions);
    put_functions(g, b, &s->exports);
    if (g->header.len == start) { /* it has none */
        g->header.len = before;
        g->header.ptr[before] = 0;
        return NULL;
    }
    if (g->asserts.len)
        lp_buf_printf(&g->header, "\n/* Their layout is part of loop's ABI (loop/abi.h). */\n%s",
                      g->asserts.ptr);
    lp_buf_done(&g->asserts);
    g->asserts = (lp_buf){0};
    lp_buf_printf(&g->header, "\n#endif /* %s */\n", guard);
    if (g->header.len > LP_MAX_WIT_OUTPUT)
        return loop_error_new(LOOP_LIMIT, "more than %u MiB of code", LP_MAX_WIT_OUTPUT >> 20);
    return NULL;
}
