/* abi/wire_read.c: bytes to values of C; see wire.h. */
#include "abi/wire.h"

#define LARGEST_HANDLE ((UINT64_C(1) << 53) - 1)

static loop_code blame(const lp_wire_in *in)
{
    return in->blame ? in->blame : LOOP_UNAVAILABLE;
}

static size_t left(const lp_wire_in *in)
{
    return (size_t)(in->end - in->at);
}

static loop_error *short_of(const lp_wire_in *in, const char *what)
{
    return loop_error_new(blame(in), "%s that goes on behind the end of its message", what);
}

static loop_error *too_large(const lp_wire_in *in, unsigned bits)
{
    return loop_error_new(blame(in), "a number of more than %u bits", bits);
}

/* ---- numbers ---- */

/* Unsigned, of at most `bits`; longer than needed is fine, as far as `bits` go. */
static loop_error *long_number(lp_wire_in *in, unsigned bits, uint64_t *ret)
{
    uint64_t n = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (shift >= bits)
            return too_large(in, bits);
        if (in->at == in->end)
            return short_of(in, "a number");
        uint8_t b = *in->at++;
        if (shift + 7 > bits && (b & 0x7f) >> (bits - shift))
            return too_large(in, bits);
        n |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80)
            break;
    }
    *ret = n;
    return NULL;
}

LOOP_MUST_USE static inline loop_error *number(lp_wire_in *in, unsigned bits, uint64_t *ret)
{
    if (in->at == in->end || *in->at >= 0x80)
        return long_number(in, bits, ret);
    *ret = *in->at++;
    return NULL;
}

loop_error *lp_wire_read_number(lp_wire_in *in, unsigned bits, uint64_t *ret)
{
    return number(in, bits, ret);
}

static loop_error *signed_number(lp_wire_in *in, unsigned bits, int64_t *ret)
{
    uint64_t n = 0;
    unsigned shift = 0;
    uint8_t b;
    do {
        if (shift >= bits)
            return too_large(in, bits);
        if (in->at == in->end)
            return short_of(in, "a number");
        b = *in->at++;
        /* Of the last byte that can be, all bits from the sign on must be the same. */
        if (shift + 7 > bits) {
            uint8_t rest = (uint8_t)((b & 0x7f) >> (bits - shift - 1));
            if (rest != 0 && rest != 0x7f >> (bits - shift - 1))
                return too_large(in, bits);
        }
        n |= (uint64_t)(b & 0x7f) << shift;
        shift += 7;
    } while (b & 0x80);
    if (shift < 64 && b & 0x40)
        n |= UINT64_MAX << shift;
    *ret = (int64_t)n;
    return NULL;
}

static loop_error *tag(lp_wire_in *in, const lp_node *n, uint32_t *ret)
{
    uint64_t t;
    LP_TRY(number(in, 32, &t));
    if (t >= n->count)
        return loop_error_new(blame(in), "case %llu of a type that has %zu", (unsigned long long)t,
                              n->count);
    *ret = (uint32_t)t;
    return NULL;
}

static void put_tag(void *to, unsigned size, uint32_t tag)
{
    memcpy(to, &tag, size); /* little-endian */
}

/* The bytes of f32, f64, s8 and u8, and how many. */
static loop_error *take(lp_wire_in *in, void *to, size_t size)
{
    if (left(in) < size)
        return short_of(in, "a value");
    memcpy(to, in->at, size);
    in->at += size;
    return NULL;
}

static loop_error *truth(lp_wire_in *in, void *to)
{
    if (in->at == in->end)
        return short_of(in, "a bool");
    if (*in->at > 1)
        return loop_error_new(blame(in), "%u as a bool, which is none", *in->at);
    *(bool *)to = *in->at++;
    return NULL;
}

/* A kind up to LP_F64. */
static loop_error *plain(lp_wire_in *in, const lp_node *n, void *to)
{
    uint64_t u;
    int64_t s;
    switch (n->kind) {
    case LP_BOOL: return truth(in, to);
    case LP_S16:
    case LP_S32:
    case LP_S64:
        LP_TRY(signed_number(in, n->size * 8, &s));
        memcpy(to, &s, n->size);
        return NULL;
    case LP_U16:
    case LP_U32:
    case LP_U64:
        LP_TRY(number(in, n->size * 8, &u));
        memcpy(to, &u, n->size);
        return NULL;
    default: return take(in, to, n->size);
    }
}

/* ---- text, flags, handles ---- */

static loop_error *character(lp_wire_in *in, uint32_t *to)
{
    const uint8_t *s = in->at;
    size_t n = lp_utf8_sequence((const char *)s, left(in));
    if (n == 0)
        return loop_error_new(blame(in), "a char that is not UTF-8");
    static const uint8_t mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = s[0] & mask[n];
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (s[i] & 0x3f);
    in->at += n;
    *to = c;
    return NULL;
}

static loop_error *flags(lp_wire_in *in, const lp_node *n, void *to)
{
    uint32_t bits = 0;
    LP_TRY(take(in, &bits, (n->count + 7) / 8));
    if (n->count < 32 && bits >> n->count)
        return loop_error_new(blame(in), "flags 0x%x of a type that has %zu", bits, n->count);
    put_tag(to, n->size, bits);
    return NULL;
}

static loop_error *handle(lp_wire_in *in, const lp_node *n, void *to)
{
    uint64_t number_, at;
    LP_TRY(number(in, 64, &number_));
    if (number_ == 0 || number_ > LARGEST_HANDLE)
        return loop_error_new(blame(in), "handle %llu, which is none", (unsigned long long)number_);
    if (!in->take)
        return loop_error_new(blame(in), "a handle where none can be passed");
    LP_TRY(in->take(in->data, n, number_, &at));
    memcpy(to, &at, sizeof at);
    return NULL;
}

/* ---- strings and lists ---- */

static loop_error *copy(lp_wire_in *in, const void *from, size_t len, const uint8_t **ret)
{
    LP_TRY(lp_spend(&in->frame->fuel, len));
    uint8_t *to = lp_arena_take(&in->frame->arena, len ? len : 1);
    if (len)
        memcpy(to, from, len);
    *ret = to;
    return NULL;
}

/* Where bytes in the shared memory are; copied if they must not change. */
static loop_error *shared(lp_wire_in *in, bool stays, const uint8_t **ret, size_t *ret_len)
{
    uint64_t offset, len;
    LP_TRY(number(in, 32, &offset));
    LP_TRY(number(in, 32, &len));
    if (!in->memory)
        return loop_error_new(blame(in), "a reference into shared memory, which is not in use");
    if (offset < in->shared_start || offset > in->shared_end || len > in->shared_end - offset)
        return loop_error_new(blame(in),
                              "a reference to %llu bytes at %llu, beyond its half of the shared "
                              "memory",
                              (unsigned long long)len, (unsigned long long)offset);
    in->shared++;
    *ret_len = (size_t)len;
    *ret = in->memory + offset;
    if (!stays && !in->copy_shared)
        return lp_spend(&in->frame->fuel, (size_t)len);
    return copy(in, *ret, (size_t)len, ret);
}

/* The bytes of a string (`text`, which must not change once it is checked) or a list<u8>. */
static loop_error *bytes(lp_wire_in *in, bool text, const uint8_t **ret, size_t *ret_len)
{
    uint64_t len;
    LP_TRY(number(in, 32, &len));
    if (len == LP_WIRE_SHARED)
        return shared(in, text, ret, ret_len);
    if (len > left(in))
        return short_of(in, text ? "a string" : "a list");
    *ret = in->at;
    *ret_len = (size_t)len;
    in->at += len;
    return in->copy ? copy(in, *ret, *ret_len, ret) : lp_spend(&in->frame->fuel, *ret_len);
}

static loop_error *string(lp_wire_in *in, void *to)
{
    const uint8_t *at;
    loop_string *s = to;
    size_t len;
    LP_TRY(bytes(in, true, &at, &len));
    if (!lp_is_text((const char *)at, len))
        return loop_error_new(blame(in), "a string that is not UTF-8");
    *s = (loop_string){(const char *)at, len};
    return NULL;
}

static loop_error *read(lp_wire_in *in, const lp_node *n, void *to);

static loop_error *list(lp_wire_in *in, const lp_node *n, void *to)
{
    loop_list_u8 *list = to;
    const lp_node *e = n->parts[0];
    if (e->kind == LP_U8)
        return bytes(in, false, &list->ptr, &list->len);
    uint64_t count;
    LP_TRY(number(in, 32, &count));
    /* An element has at least one byte, but it may stand for many. */
    if (count > left(in))
        return short_of(in, "a list");
    LP_TRY(lp_spend(&in->frame->fuel, (size_t)count * e->size));
    uint8_t *at = lp_arena_take(&in->frame->arena, (size_t)count * e->size + 1);
    list->ptr = at;
    list->len = (size_t)count;
    if (e->kind == LP_S8 || e->kind == LP_F32 || e->kind == LP_F64)
        return take(in, at, (size_t)count * e->size);
    for (size_t i = 0; i < count; i++, at += e->size)
        LP_TRY(e->kind <= LP_F64 ? plain(in, e, at) : read(in, e, at));
    return NULL;
}

/* ---- values ---- */

static loop_error *fields(lp_wire_in *in, const lp_node *n, uint8_t *to)
{
    for (size_t i = 0; i < n->count; i++) {
        const lp_step *f = &n->fields[i];
        LP_TRY(f->node->kind <= LP_F64 ? plain(in, f->node, to + f->offset)
                                       : read(in, f->node, to + f->offset));
    }
    return NULL;
}

static loop_error *one_of(lp_wire_in *in, const lp_node *n, uint8_t *to)
{
    uint32_t t = 0;
    /* Two cases in one byte: nothing but 0 and 1. */
    if (n->kind == LP_OPTION || n->kind == LP_RESULT) {
        bool second;
        LP_TRY(truth(in, &second));
        t = second;
    } else {
        LP_TRY(tag(in, n, &t));
    }
    put_tag(to, n->tag, t);
    return n->parts && n->parts[t] ? read(in, n->parts[t], to + n->payload) : NULL;
}

static loop_error *read(lp_wire_in *in, const lp_node *n, void *to)
{
    switch (n->kind) {
    case LP_CHAR: return character(in, to);
    case LP_STRING: return string(in, to);
    case LP_LIST: return list(in, n, to);
    case LP_RECORD:
    case LP_TUPLE: return fields(in, n, to);
    case LP_VARIANT:
    case LP_ENUM:
    case LP_OPTION:
    case LP_RESULT: return one_of(in, n, to);
    case LP_FLAGS: return flags(in, n, to);
    case LP_OWN:
    case LP_BORROW: return handle(in, n, to);
    default: return plain(in, n, to);
    }
}

loop_error *lp_wire_read(lp_wire_in *in, const lp_node *n, void *to)
{
    return read(in, n, to);
}

loop_error *lp_wire_end(const lp_wire_in *in)
{
    if (in->at == in->end)
        return NULL;
    return loop_error_new(blame(in), "%zu bytes behind a value", left(in));
}
