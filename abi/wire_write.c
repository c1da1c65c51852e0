/* abi/wire_write.c: values of C to bytes; see wire.h. */
#include <stdlib.h>

#include "abi/wire.h"

#define FIRST_ROOM 256u
#define LONGEST_NUMBER 10u /* bytes of a u64 */
#define SLACK (3 * LONGEST_NUMBER)

/* ---- room ---- */

static size_t most(const lp_wire_out *o)
{
    return o->max ? o->max : LP_MAX_SIDE_MESSAGE;
}

static loop_error *too_long(const lp_wire_out *o)
{
    lp_auto(lp_free_string) char *size = lp_size_text(most(o));
    return loop_error_hint_set(
        loop_error_new(LOOP_LIMIT, "values of more than %s in one message", size),
        "pass less at once, in several calls");
}

/* Room is asked for generously: a little over the most is found out at the end. */
static loop_error *grow(lp_wire_out *o, size_t more)
{
    size_t end = most(o) + SLACK;
    if (more > end || o->len > end - more)
        return too_long(o);
    size_t cap = LP_MIN(LP_MAX(o->cap * 2, (size_t)FIRST_ROOM), end);
    o->cap = LP_MAX(cap, o->len + more);
    o->ptr = lp_realloc(o->ptr, o->cap);
    return NULL;
}

LOOP_MUST_USE static inline loop_error *room(lp_wire_out *o, size_t more)
{
    return o->cap - o->len >= more ? NULL : grow(o, more);
}

loop_error *lp_wire_bytes(lp_wire_out *o, const void *from, size_t len)
{
    LP_TRY(room(o, len));
    if (len)
        memcpy(o->ptr + o->len, from, len);
    o->len += len;
    return NULL;
}

static loop_error *byte(lp_wire_out *o, uint8_t b)
{
    LP_TRY(room(o, 1));
    o->ptr[o->len++] = b;
    return NULL;
}

/* ---- numbers ---- */

/* Room for LONGEST_NUMBER is there. */
static inline void put_number(lp_wire_out *o, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        o->ptr[o->len++] = (uint8_t)(n | 0x80);
    o->ptr[o->len++] = (uint8_t)n;
}

static inline void put_signed(lp_wire_out *o, int64_t n)
{
    for (; n < -0x40 || n >= 0x40; n >>= 7)
        o->ptr[o->len++] = (uint8_t)(n | 0x80);
    o->ptr[o->len++] = (uint8_t)(n & 0x7f);
}

loop_error *lp_wire_number(lp_wire_out *o, uint64_t n)
{
    LP_TRY(room(o, LONGEST_NUMBER));
    put_number(o, n);
    return NULL;
}

/* A kind up to LP_F64. Room is there. */
static inline void number(lp_wire_out *o, const lp_node *n, const void *from)
{
    switch (n->kind) {
    case LP_BOOL: o->ptr[o->len++] = *(const uint8_t *)from != 0; break;
    case LP_S8:
    case LP_U8: o->ptr[o->len++] = *(const uint8_t *)from; break;
    case LP_S16: put_signed(o, *(const int16_t *)from); break;
    case LP_S32: put_signed(o, *(const int32_t *)from); break;
    case LP_S64: put_signed(o, *(const int64_t *)from); break;
    case LP_U16: put_number(o, *(const uint16_t *)from); break;
    case LP_U32: put_number(o, *(const uint32_t *)from); break;
    case LP_U64: put_number(o, *(const uint64_t *)from); break;
    default: /* little-endian on both sides */
        memcpy(o->ptr + o->len, from, n->size);
        o->len += n->size;
    }
}

/* ---- what may be wrong ---- */

static loop_code blame(const lp_wire_out *o)
{
    return o->blame ? o->blame : LOOP_TRAP;
}

static loop_error *tag_of(const lp_wire_out *o, const lp_node *n, const void *from, uint32_t *ret)
{
    *ret = lp_read_tag(from, n->tag);
    if (*ret < n->count)
        return NULL;
    return loop_error_new(blame(o), "case %u of a type that has %zu", *ret, n->count);
}

static loop_error *flags(lp_wire_out *o, const lp_node *n, const void *from)
{
    uint32_t bits = lp_read_tag(from, n->size);
    if (n->count < 32 && bits >> n->count)
        return loop_error_new(blame(o), "flags 0x%x of a type that has %zu", bits, n->count);
    return lp_wire_bytes(o, &bits, (n->count + 7) / 8);
}

static loop_error *character(lp_wire_out *o, const void *from)
{
    uint32_t c = lp_read_tag(from, 4);
    if (!lp_is_char(c))
        return loop_error_new(blame(o), "0x%x as a char, which is none", c);
    LP_TRY(room(o, 4));
    uint8_t *to = o->ptr + o->len;
    size_t more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    to[0] = (uint8_t)(lead[more] | c >> 6 * more);
    for (size_t i = 1; i <= more; i++)
        to[i] = (uint8_t)(0x80 | (c >> 6 * (more - i) & 0x3f));
    o->len += more + 1;
    return NULL;
}

static loop_error *handle(lp_wire_out *o, const lp_node *n, const void *from)
{
    uint64_t at, number;
    memcpy(&at, from, sizeof at);
    if (!o->put)
        return loop_error_new(LOOP_INTERNAL, "a handle where none can be passed");
    LP_TRY(o->put(o->data, n, at, &number));
    return lp_wire_number(o, number);
}

/* ---- strings and lists ---- */

/* A string's or list's bytes, in the message or beside it. */
static loop_error *bytes(lp_wire_out *o, const void *from, size_t len)
{
    uint32_t offset;
    LP_TRY(room(o, SLACK));
    if (o->share && len >= LP_SIDE_SHARED_LEAST && len < LP_WIRE_SHARED &&
        o->share(o->data, from, len, &offset)) {
        put_number(o, LP_WIRE_SHARED);
        put_number(o, offset);
        put_number(o, len);
        o->shared++;
        return NULL;
    }
    put_number(o, len);
    return lp_wire_bytes(o, from, len);
}

static loop_error *string(lp_wire_out *o, const void *from)
{
    const loop_string *s = from;
    if (s->len && !s->ptr)
        return loop_error_new(blame(o), "a string of %zu bytes without a place", s->len);
    if (s->len > LP_MAX_CALL_FUEL)
        return too_long(o);
    if (!o->checked && !lp_is_text(s->ptr, s->len))
        return loop_error_new(blame(o), "a string that is not UTF-8");
    return bytes(o, s->ptr, s->len);
}

static loop_error *write(lp_wire_out *o, const lp_node *n, const void *from);

static loop_error *list(lp_wire_out *o, const lp_node *n, const void *from)
{
    const loop_list_u8 *list = from;
    const lp_node *e = n->parts[0];
    if (list->len && !list->ptr)
        return loop_error_new(blame(o), "a list of %zu elements without a place", list->len);
    if (list->len > LP_MAX_CALL_FUEL)
        return too_long(o);
    if (e->kind == LP_U8)
        return bytes(o, list->ptr, list->len);
    LP_TRY(lp_wire_number(o, list->len));
    if (e->kind == LP_S8 || e->kind == LP_F32 || e->kind == LP_F64)
        return lp_wire_bytes(o, list->ptr, list->len * e->size);
    const uint8_t *at = list->ptr;
    if (e->kind <= LP_F64) {
        for (size_t i = 0; i < list->len; i++, at += e->size) {
            LP_TRY(room(o, LONGEST_NUMBER));
            number(o, e, at);
        }
        return NULL;
    }
    for (size_t i = 0; i < list->len; i++, at += e->size)
        LP_TRY(write(o, e, at));
    return NULL;
}

/* ---- values ---- */

static loop_error *fields(lp_wire_out *o, const lp_node *n, const uint8_t *from)
{
    for (size_t i = 0; i < n->count; i++) {
        const lp_step *f = &n->fields[i];
        if (f->node->kind <= LP_F64) {
            LP_TRY(room(o, LONGEST_NUMBER));
            number(o, f->node, from + f->offset);
        } else {
            LP_TRY(write(o, f->node, from + f->offset));
        }
    }
    return NULL;
}

static loop_error *one_of(lp_wire_out *o, const lp_node *n, const uint8_t *from)
{
    uint32_t tag;
    LP_TRY(tag_of(o, n, from, &tag));
    LP_TRY(lp_wire_number(o, tag));
    return n->parts && n->parts[tag] ? write(o, n->parts[tag], from + n->payload) : NULL;
}

static loop_error *write(lp_wire_out *o, const lp_node *n, const void *from)
{
    switch (n->kind) {
    case LP_BOOL: return byte(o, *(const uint8_t *)from != 0);
    case LP_CHAR: return character(o, from);
    case LP_STRING: return string(o, from);
    case LP_LIST: return list(o, n, from);
    case LP_RECORD:
    case LP_TUPLE: return fields(o, n, from);
    case LP_VARIANT:
    case LP_ENUM:
    case LP_OPTION:
    case LP_RESULT: return one_of(o, n, from);
    case LP_FLAGS: return flags(o, n, from);
    case LP_OWN:
    case LP_BORROW: return handle(o, n, from);
    default:
        LP_TRY(room(o, LONGEST_NUMBER));
        number(o, n, from);
        return NULL;
    }
}

loop_error *lp_wire_write(lp_wire_out *o, const lp_node *n, const void *from)
{
    LP_TRY(write(o, n, from));
    return o->len <= most(o) ? NULL : too_long(o);
}
