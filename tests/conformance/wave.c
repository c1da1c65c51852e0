/* tests/conformance/wave.c: compares and prints native values; see wave.h. */
#include "tests/conformance/wave.h"

#include <math.h>

#include "loop/abi.h"

#define MOST_PRINTED 400

static size_t tag_of(const lp_node *n, const void *value)
{
    size_t tag = 0;
    memcpy(&tag, value, n->tag); /* little-endian */
    return tag;
}

/* ---- printing ---- */

static void print_text(loop_string s, char quote, lp_buf *into)
{
    lp_buf_add(into, &quote, 1);
    for (size_t i = 0; i < s.len && into->len < MOST_PRINTED; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x20 || c == 0x7f)
            lp_buf_printf(into, "\\u{%x}", c);
        else
            lp_buf_add(into, &s.ptr[i], 1);
    }
    lp_buf_add(into, &quote, 1);
}

static void print_parts(const lp_node *n, const uint8_t *value, const char *brackets, lp_buf *into)
{
    bool named = n->kind == LP_RECORD;
    lp_buf_add(into, &brackets[0], 1);
    for (size_t i = 0; i < n->count && into->len < MOST_PRINTED; i++) {
        lp_buf_printf(into, "%s%s%s", i ? ", " : "", named ? n->type->names[i] : "",
                      named ? ": " : "");
        wave_print(n->parts[i], value + n->fields[i].offset, into);
    }
    lp_buf_add(into, &brackets[1], 1);
}

static void print_list(const lp_node *n, const loop_list_u8 *list, lp_buf *into)
{
    lp_buf_puts(into, "[");
    for (size_t i = 0; i < list->len && into->len < MOST_PRINTED; i++) {
        lp_buf_puts(into, i ? ", " : "");
        wave_print(n->parts[0], list->ptr + i * n->parts[0]->size, into);
    }
    lp_buf_puts(into, "]");
}

static void print_flags(const lp_node *n, const void *value, lp_buf *into)
{
    uint32_t bits = 0;
    memcpy(&bits, value, n->size);
    lp_buf_puts(into, "{");
    for (size_t i = 0, first = 1; i < n->count; i++) {
        if (!(bits >> i & 1))
            continue;
        lp_buf_printf(into, "%s%s", first ? "" : ", ", n->type->names[i]);
        first = 0;
    }
    lp_buf_puts(into, "}");
    if (n->count < 32 && bits >> n->count)
        lp_buf_printf(into, " and beyond: 0x%x", bits);
}

static void print_case(const lp_node *n, const uint8_t *value, lp_buf *into)
{
    size_t tag = tag_of(n, value);
    if (tag >= n->count) {
        lp_buf_printf(into, "case %zu of %zu", tag, n->count);
        return;
    }
    lp_buf_puts(into, n->kind == LP_OPTION   ? (tag ? "some" : "none")
                      : n->kind == LP_RESULT ? (tag ? "err" : "ok")
                                             : n->type->names[tag]);
    if (!n->parts || !n->parts[tag])
        return;
    lp_buf_puts(into, "(");
    wave_print(n->parts[tag], value + n->payload, into);
    lp_buf_puts(into, ")");
}

static void print_integer(const lp_node *n, const void *value, lp_buf *into)
{
    unsigned unused = 64 - n->size * 8;
    uint64_t bits = 0;
    memcpy(&bits, value, n->size);
    if (n->kind <= LP_S64)
        lp_buf_printf(into, "%lld", (long long)((int64_t)(bits << unused) >> unused));
    else
        lp_buf_printf(into, "%llu", (unsigned long long)bits);
}

void wave_print(const lp_node *n, const void *value, lp_buf *into)
{
    if (into->len >= MOST_PRINTED)
        return;
    switch (n->kind) {
    case LP_BOOL: lp_buf_printf(into, "%s", *(const uint8_t *)value ? "true" : "false"); break;
    case LP_F32: lp_buf_printf(into, "%.9g", *(const float *)value); break;
    case LP_F64: lp_buf_printf(into, "%.17g", *(const double *)value); break;
    case LP_CHAR: lp_buf_printf(into, "'\\u{%x}'", *(const uint32_t *)value); break;
    case LP_STRING: print_text(*(const loop_string *)value, '"', into); break;
    case LP_LIST: print_list(n, value, into); break;
    case LP_RECORD: print_parts(n, value, "{}", into); break;
    case LP_TUPLE: print_parts(n, value, "()", into); break;
    case LP_FLAGS: print_flags(n, value, into); break;
    case LP_VARIANT:
    case LP_ENUM:
    case LP_OPTION:
    case LP_RESULT: print_case(n, value, into); break;
    case LP_OWN:
    case LP_BORROW: lp_buf_printf(into, "handle 0x%llx", *(const unsigned long long *)value); break;
    default: print_integer(n, value, into);
    }
}

/* ---- comparing ---- */

/* Where in a value we are: a list of steps on the stack. */
struct path {
    const struct path *up;
    const char *name; /* NULL: number */
    size_t number;
};

struct comparing {
    wave_same_handle *same;
    void *data;
    lp_buf *where;
};

static void print_path(const struct path *p, lp_buf *into)
{
    if (!p)
        return;
    print_path(p->up, into);
    if (p->name)
        lp_buf_printf(into, ".%s", p->name);
    else
        lp_buf_printf(into, "[%zu]", p->number);
}

static bool differs(struct comparing *c, const struct path *p, const lp_node *n, const void *wanted,
                    const void *got)
{
    lp_buf a = {0}, b = {0};
    wave_print(n, wanted, &a);
    wave_print(n, got, &b);
    print_path(p, c->where);
    lp_buf_printf(c->where, "%sexpected %s, got %s", p ? ": " : "", a.ptr, b.ptr);
    lp_buf_done(&a);
    lp_buf_done(&b);
    return false;
}

static bool same(struct comparing *c, const struct path *p, const lp_node *n, const void *wanted,
                 const void *got);

static bool same_list(struct comparing *c, const struct path *p, const lp_node *n,
                      const loop_list_u8 *wanted, const loop_list_u8 *got)
{
    const lp_node *e = n->parts[0];
    if (wanted->len != got->len || (got->len && !got->ptr))
        return differs(c, p, n, wanted, got);
    for (size_t i = 0; i < wanted->len; i++) {
        struct path here = {p, NULL, i};
        if (!same(c, &here, e, wanted->ptr + i * e->size, got->ptr + i * e->size))
            return false;
    }
    return true;
}

static bool same_parts(struct comparing *c, const struct path *p, const lp_node *n,
                       const uint8_t *wanted, const uint8_t *got)
{
    for (size_t i = 0; i < n->count; i++) {
        struct path here = {p, n->kind == LP_RECORD ? n->type->names[i] : NULL, i};
        if (!same(c, &here, n->parts[i], wanted + n->fields[i].offset, got + n->fields[i].offset))
            return false;
    }
    return true;
}

static bool same_case(struct comparing *c, const struct path *p, const lp_node *n,
                      const uint8_t *wanted, const uint8_t *got)
{
    size_t tag = tag_of(n, wanted);
    if (tag != tag_of(n, got))
        return differs(c, p, n, wanted, got);
    struct path here = {p, NULL, tag};
    return !n->parts || !n->parts[tag] ||
           same(c, &here, n->parts[tag], wanted + n->payload, got + n->payload);
}

static bool same_number(const lp_node *n, const void *wanted, const void *got)
{
    if (n->kind == LP_F32 && isnan(*(const float *)wanted))
        return isnan(*(const float *)got);
    if (n->kind == LP_F64 && isnan(*(const double *)wanted))
        return isnan(*(const double *)got);
    return memcmp(wanted, got, n->size) == 0;
}

static bool same(struct comparing *c, const struct path *p, const lp_node *n, const void *wanted,
                 const void *got)
{
    const loop_string *a = wanted, *b = got;
    bool equal;
    switch (n->kind) {
    case LP_STRING:
        equal = a->len == b->len && (!a->len || memcmp(a->ptr, b->ptr, a->len) == 0);
        break;
    case LP_LIST: return same_list(c, p, n, wanted, got);
    case LP_RECORD:
    case LP_TUPLE: return same_parts(c, p, n, wanted, got);
    case LP_VARIANT:
    case LP_ENUM:
    case LP_OPTION:
    case LP_RESULT: return same_case(c, p, n, wanted, got);
    case LP_OWN:
    case LP_BORROW:
        equal = c->same ? c->same(c->data, n, *(const uint64_t *)wanted, *(const uint64_t *)got)
                        : memcmp(wanted, got, n->size) == 0;
        break;
    default: equal = same_number(n, wanted, got);
    }
    return equal || differs(c, p, n, wanted, got);
}

bool wave_same(const lp_node *n, const void *wanted, const void *got, wave_same_handle *same_handle,
               void *data, lp_buf *where)
{
    struct comparing c = {same_handle, data, where};
    return same(&c, NULL, n, wanted, got);
}
