/* types.c: a type's text (loop/abi.h) -> where its values lie in C. The texts are the provider's
   own, as `loop bindgen` wrote them. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define DEEPEST 64u

struct parser {
    const char *at;
    bool wrong;
};

static const struct {
    const char *name;
    sc_kind kind;
    uint32_t size;
} kinds[] = {
    {"bool", SC_BOOL, 1},      {"s8", SC_S8, 1},           {"u8", SC_U8, 1},
    {"s16", SC_S16, 2},        {"u16", SC_U16, 2},         {"s32", SC_S32, 4},
    {"u32", SC_U32, 4},        {"s64", SC_S64, 8},         {"u64", SC_U64, 8},
    {"f32", SC_F32, 4},        {"f64", SC_F64, 8},         {"char", SC_CHAR, 4},
    {"string", SC_STRING, 16}, {"list", SC_LIST, 16},      {"record", SC_RECORD, 0},
    {"tuple", SC_TUPLE, 0},    {"variant", SC_VARIANT, 0}, {"enum", SC_ENUM, 0},
    {"option", SC_OPTION, 0},  {"result", SC_RESULT_, 0},  {"flags", SC_FLAGS, 0},
    {"own", SC_OWN, 8},        {"borrow", SC_BORROW, 8},
};

static bool take(struct parser *p, char c)
{
    bool is = !p->wrong && *p->at == c;
    p->at += is;
    return is;
}

static void expect(struct parser *p, char c)
{
    if (!take(p, c))
        p->wrong = true;
}

/* Letters, digits, '-' and of `more`. */
static size_t name(struct parser *p, const char *more, const char **ret)
{
    *ret = p->at;
    while ((*p->at >= 'a' && *p->at <= 'z') || (*p->at >= 'A' && *p->at <= 'Z') ||
           (*p->at >= '0' && *p->at <= '9') || *p->at == '-' || (*p->at && strchr(more, *p->at)))
        p->at++;
    if (p->at == *ret)
        p->wrong = true;
    return (size_t)(p->at - *ret);
}

static const sc_type *type(struct parser *p, unsigned depth);

static void add_part(sc_type *t, const sc_type *part)
{
    t->parts = sc_realloc(t->parts, (t->count + 1) * sizeof *t->parts);
    t->parts[t->count++] = part;
}

static void angle(struct parser *p, sc_type *t, unsigned depth)
{
    expect(p, '<');
    if (t->kind == SC_OPTION)
        add_part(t, NULL);
    do
        add_part(t, take(p, '_') ? NULL : type(p, depth));
    while (take(p, ','));
    expect(p, '>');
}

static void braces(struct parser *p, sc_type *t, unsigned depth)
{
    const char *ignored;
    expect(p, '{');
    do {
        const sc_type *part = NULL;
        name(p, "", &ignored);
        if (take(p, ':')) {
            part = type(p, depth);
        } else if (take(p, '(')) {
            part = type(p, depth);
            expect(p, ')');
        }
        add_part(t, part);
    } while (take(p, ','));
    expect(p, '}');
}

/* "<acme:kv/store.bucket>": which of those in WELCOME. */
static void resource(struct parser *p, sc_type *t)
{
    const char *from;
    expect(p, '<');
    size_t len = name(p, ":/.", &from);
    expect(p, '>');
    for (size_t i = 0; i < sc.interface_count; i++) {
        const loop_interface *s = sc.interfaces[i].provided->interface;
        size_t front = strlen(s->name);
        if (len <= front + 1 || memcmp(s->name, from, front) != 0 || from[front] != '.')
            continue;
        for (size_t k = 0; s->resources && s->resources[k].name; k++)
            if (strlen(s->resources[k].name) == len - front - 1 &&
                memcmp(s->resources[k].name, from + front + 1, len - front - 1) == 0) {
                t->interface = (uint32_t)i;
                t->resource = (uint32_t)k;
                return;
            }
    }
    p->wrong = true;
}

/* ---- layout ---- */

static uint32_t align_to(uint32_t at, uint32_t align)
{
    return (at + align - 1) / align * align;
}

static void lay_fields(sc_type *t)
{
    t->align = 1;
    t->offsets = sc_alloc((t->count + 1) * sizeof *t->offsets);
    for (size_t i = 0; i < t->count; i++) {
        const sc_type *f = t->parts[i];
        t->offsets[i] = align_to(t->size, f->align);
        t->size = t->offsets[i] + f->size;
        t->align = f->align > t->align ? f->align : t->align;
    }
    t->size = align_to(t->size, t->align);
}

static void lay_cases(sc_type *t)
{
    uint32_t size = 0;
    t->tag = t->count <= 0x100 ? 1 : t->count <= 0x10000 ? 2 : 4;
    t->align = t->tag;
    for (size_t i = 0; i < t->count; i++) {
        const sc_type *c = t->parts[i];
        size = c && c->size > size ? c->size : size;
        t->align = c && c->align > t->align ? c->align : t->align;
    }
    t->payload = align_to(t->tag, t->align);
    t->size = align_to(t->payload + size, t->align);
}

static const sc_type *type(struct parser *p, unsigned depth)
{
    static const sc_type none = {.kind = SC_U8, .size = 1, .align = 1};
    const char *from;
    size_t len = name(p, "", &from), i = 0;
    while (i < SC_COUNT(kinds) &&
           (strlen(kinds[i].name) != len || memcmp(kinds[i].name, from, len) != 0))
        i++;
    if (i == SC_COUNT(kinds) || depth > DEEPEST)
        p->wrong = true;
    if (p->wrong)
        return &none;
    sc_type *t = sc_alloc(sizeof *t);
    *t = (sc_type){.kind = kinds[i].kind, .size = kinds[i].size, .align = kinds[i].size};
    switch (t->kind) {
    case SC_LIST: angle(p, t, depth + 1); /* fallthrough */
    case SC_STRING: t->align = 8; break;
    case SC_TUPLE: angle(p, t, depth + 1); break;
    case SC_OPTION:
    case SC_RESULT_: angle(p, t, depth + 1); break;
    case SC_RECORD:
    case SC_VARIANT:
    case SC_ENUM:
    case SC_FLAGS: braces(p, t, depth + 1); break;
    case SC_OWN:
    case SC_BORROW: resource(p, t); break;
    default: break;
    }
    if (p->wrong)
        return &none;
    if (t->kind == SC_RECORD || t->kind == SC_TUPLE)
        lay_fields(t);
    else if (t->kind == SC_FLAGS)
        t->size = t->align = t->count <= 8 ? 1 : t->count <= 16 ? 2 : 4;
    else if (t->kind >= SC_VARIANT && t->kind <= SC_RESULT_)
        lay_cases(t);
    return t;
}

bool sc_function_parse(const char *text, sc_function *ret)
{
    struct parser p = {.at = text};
    sc_type *params = sc_alloc(sizeof *params);
    params->kind = SC_TUPLE;
    expect(&p, '(');
    if (!take(&p, ')')) {
        do
            add_part(params, type(&p, 0));
        while (take(&p, ','));
        expect(&p, ')');
    }
    lay_fields(params);
    ret->params = params;
    if (take(&p, '-')) {
        expect(&p, '>');
        ret->result = type(&p, 0);
    }
    return !p.wrong && !*p.at;
}
