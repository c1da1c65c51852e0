/* engine/type_parse.c: implements type_parse.h: recursive descent, one character ahead. */
#include "engine/type_parse.h"

#include <stdlib.h>

struct parser {
    lp_arena *arena;
    lp_resources *known;
    const char *start, *at, *end;
    size_t nodes;
};

static const struct {
    const char *name;
    lp_kind kind;
} kinds[] = {
    {"bool", LP_BOOL},     {"s8", LP_S8},           {"s16", LP_S16},       {"s32", LP_S32},
    {"s64", LP_S64},       {"u8", LP_U8},           {"u16", LP_U16},       {"u32", LP_U32},
    {"u64", LP_U64},       {"f32", LP_F32},         {"f64", LP_F64},       {"char", LP_CHAR},
    {"string", LP_STRING}, {"list", LP_LIST},       {"record", LP_RECORD}, {"tuple", LP_TUPLE},
    {"enum", LP_ENUM},     {"variant", LP_VARIANT}, {"option", LP_OPTION}, {"result", LP_RESULT},
    {"flags", LP_FLAGS},   {"own", LP_OWN},         {"borrow", LP_BORROW},
};

/* ---- text ---- */

static loop_error *bad(const struct parser *p, const char *expected)
{
    int left = (int)LP_MIN(p->end - p->at, 20);
    return loop_error_new(LOOP_INVALID, "%s expected at byte %td of a type, before '%.*s'",
                          expected, p->at - p->start, left, p->at);
}

static bool next_is(const struct parser *p, char c)
{
    return p->at < p->end && *p->at == c;
}

static bool take(struct parser *p, char c)
{
    if (!next_is(p, c))
        return false;
    p->at++;
    return true;
}

static loop_error *expect(struct parser *p, char c)
{
    const char what[] = {'\'', c, '\'', 0};
    return take(p, c) ? NULL : bad(p, what);
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

/* Letters, digits and '-', and of `more`. */
static loop_error *name(struct parser *p, const char *more, lp_str *ret)
{
    const char *from = p->at;
    while (p->at < p->end && (is_name_character(*p->at) || (*p->at && strchr(more, *p->at))))
        p->at++;
    *ret = (lp_str){from, (size_t)(p->at - from)};
    if (ret->len == 0)
        return bad(p, "a name");
    if (ret->len > LP_MAX_NAME)
        return loop_error_new(LOOP_LIMIT, "a name of more than %d bytes in a type", LP_MAX_NAME);
    return NULL;
}

/* ---- types ---- */

static loop_error *count(struct parser *p)
{
    if (++p->nodes <= LP_MAX_TYPE_NODES)
        return NULL;
    return loop_error_new(LOOP_LIMIT, "a type of more than %u parts", LP_MAX_TYPE_NODES);
}

static loop_error *type(struct parser *p, unsigned depth, const lp_type **ret);

/* What a list of parts is put together in, before it goes into the arena. */
struct parts {
    struct {
        const lp_type *type;
        const char *name;
    } *at;
    size_t n, cap;
};

static void done_parts(struct parts *list)
{
    free(list->at);
}

static void keep(struct parser *p, lp_type *t, const struct parts *list)
{
    bool named =
        t->kind == LP_RECORD || t->kind == LP_VARIANT || t->kind == LP_ENUM || t->kind == LP_FLAGS;
    bool typed = t->kind != LP_ENUM && t->kind != LP_FLAGS;
    t->count = list->n;
    t->names = named ? lp_arena_alloc(p->arena, list->n * sizeof *t->names) : NULL;
    t->elements = typed ? lp_arena_alloc(p->arena, list->n * sizeof *t->elements) : NULL;
    for (size_t i = 0; i < list->n; i++) {
        if (named)
            t->names[i] = list->at[i].name;
        if (typed)
            t->elements[i] = list->at[i].type;
    }
}

/* "_" where a result has no payload. */
static loop_error *payload(struct parser *p, bool may_be_none, unsigned depth, const lp_type **ret)
{
    if (may_be_none && take(p, '_'))
        return NULL;
    return type(p, depth, ret);
}

/* "<A,B>" */
static loop_error *angle(struct parser *p, lp_type *t, unsigned depth)
{
    lp_auto(done_parts) struct parts list = {0};
    LP_TRY(expect(p, '<'));
    do {
        const lp_type *part = NULL;
        LP_TRY(payload(p, t->kind == LP_RESULT, depth, &part));
        LP_TRY(count(p));
        lp_push(&list)->type = part;
    } while (take(p, ','));
    size_t most = t->kind == LP_TUPLE ? SIZE_MAX : t->kind == LP_RESULT ? 2 : 1;
    if (list.n > most || (t->kind == LP_RESULT && list.n != 2))
        return bad(p, most == 2 ? "two types" : "one type");
    keep(p, t, &list);
    return expect(p, '>');
}

/* "{a:A,b:B}", "{a(A),b}", "{a,b}" */
static loop_error *braces(struct parser *p, lp_type *t, unsigned depth)
{
    lp_auto(done_parts) struct parts list = {0};
    LP_TRY(expect(p, '{'));
    do {
        lp_str n;
        const lp_type *part = NULL;
        LP_TRY(name(p, "", &n));
        if (t->kind == LP_RECORD) {
            LP_TRY(expect(p, ':'));
            LP_TRY(type(p, depth, &part));
        } else if (t->kind == LP_VARIANT && take(p, '(')) {
            LP_TRY(type(p, depth, &part));
            LP_TRY(expect(p, ')'));
        }
        LP_TRY(count(p));
        __typeof__(list.at) item = lp_push(&list);
        item->type = part;
        item->name = lp_arena_strndup(p->arena, n.ptr, n.len);
    } while (take(p, ','));
    if (t->kind == LP_FLAGS && list.n > 32)
        return loop_error_new(LOOP_INVALID, "flags with more than 32 names");
    keep(p, t, &list);
    return expect(p, '}');
}

/* "<acme:kv/store.bucket>"; "<bucket>" is a world's own. */
static loop_error *resource(struct parser *p, lp_type *t)
{
    lp_str n;
    LP_TRY(expect(p, '<'));
    LP_TRY(name(p, ":/.", &n));
    size_t dot = n.len;
    while (dot && n.ptr[dot - 1] != '.')
        dot--;
    size_t interface_len = dot ? dot - 1 : 0;
    if (dot == n.len || (dot && !interface_len))
        return bad(p, "a resource");
    for (size_t i = 0; i < p->known->n && !t->resource; i++) {
        const lp_resource *r = p->known->at[i];
        if (lp_str_is((lp_str){n.ptr, interface_len}, r->interface_name) &&
            lp_str_is((lp_str){n.ptr + dot, n.len - dot}, r->name))
            t->resource = r;
    }
    if (!t->resource && p->known->n == LP_MAX_TYPE_RESOURCES)
        return loop_error_new(LOOP_LIMIT, "types that name more than %d resources",
                              LP_MAX_TYPE_RESOURCES);
    if (!t->resource) {
        lp_resource *r = lp_arena_alloc(p->arena, sizeof *r);
        r->interface_name = lp_arena_strndup(p->arena, n.ptr, interface_len);
        r->name = lp_arena_strndup(p->arena, n.ptr + dot, n.len - dot);
        r->index = (uint32_t)p->known->n;
        *lp_push(p->known) = r;
        t->resource = r;
    }
    return expect(p, '>');
}

static loop_error *type(struct parser *p, unsigned depth, const lp_type **ret)
{
    lp_str n;
    if (depth > LP_MAX_VALUE_DEPTH)
        return loop_error_new(LOOP_LIMIT, "a type nested more than %d deep", LP_MAX_VALUE_DEPTH);
    LP_TRY(count(p));
    const char *from = p->at;
    LP_TRY(name(p, "", &n));
    size_t i = 0;
    while (i < LP_COUNT(kinds) && !lp_str_is(n, kinds[i].name))
        i++;
    if (i == LP_COUNT(kinds)) {
        p->at = from;
        return bad(p, "a type");
    }
    lp_type *t = lp_arena_alloc(p->arena, sizeof *t);
    t->kind = kinds[i].kind;
    *ret = t;
    switch (t->kind) {
    case LP_LIST:
    case LP_OPTION:
    case LP_TUPLE:
    case LP_RESULT: return angle(p, t, depth + 1);
    case LP_RECORD:
    case LP_VARIANT:
    case LP_ENUM:
    case LP_FLAGS: return braces(p, t, depth + 1);
    case LP_OWN:
    case LP_BORROW: return resource(p, t);
    default: return NULL;
    }
}

static loop_error *signature(struct parser *p, lp_signature *s)
{
    lp_auto(done_parts) struct parts list = {0};
    LP_TRY(expect(p, '('));
    while (!next_is(p, ')')) {
        const lp_type *part = NULL;
        if (list.n)
            LP_TRY(expect(p, ','));
        LP_TRY(type(p, 0, &part));
        lp_push(&list)->type = part;
    }
    p->at++;
    s->nparams = list.n;
    s->params = lp_arena_alloc(p->arena, (list.n + 1) * sizeof *s->params);
    for (size_t i = 0; i < list.n; i++)
        s->params[i] = list.at[i].type;
    if (take(p, '-')) {
        LP_TRY(expect(p, '>'));
        LP_TRY(type(p, 0, &s->result));
    }
    return NULL;
}

static loop_error *start(struct parser *p, lp_arena *a, lp_resources *known, lp_str text)
{
    *p = (struct parser){a, known, text.ptr, text.ptr, text.ptr + text.len, 0};
    if (text.len <= LP_MAX_WIT_STRUCTURE)
        return NULL;
    return loop_error_new(LOOP_LIMIT, "a type of more than %u bytes", LP_MAX_WIT_STRUCTURE);
}

loop_error *lp_signature_parse(lp_arena *a, lp_resources *known, lp_str text,
                               const lp_signature **ret)
{
    struct parser p;
    LP_TRY(start(&p, a, known, text));
    lp_signature *s = lp_arena_alloc(a, sizeof *s);
    LP_TRY(signature(&p, s));
    if (p.at != p.end)
        return bad(&p, "nothing more");
    *ret = s;
    return NULL;
}

loop_error *lp_type_parse(lp_arena *a, lp_resources *known, lp_str text, const lp_type **ret)
{
    struct parser p;
    const lp_type *t = NULL;
    LP_TRY(start(&p, a, known, text));
    LP_TRY(type(&p, 0, &t));
    if (p.at != p.end)
        return bad(&p, "nothing more");
    *ret = t;
    return NULL;
}
