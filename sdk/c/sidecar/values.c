/* values.c: values of C to the component model's value encoding and back, as a type says. Strings
   and lists of bytes are read as views of the message or of the shared memory. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* ---- memory ---- */

void *sc_realloc(void *p, size_t size)
{
    p = realloc(p, size ? size : 1);
    if (!p)
        abort();
    return p;
}

void *sc_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p)
        abort();
    return p;
}

uint8_t *sc_room(sc_buf *b, size_t more)
{
    if (b->cap - b->len < more) {
        b->cap = b->cap * 2 > b->len + more ? b->cap * 2 : b->len + more + 64;
        b->ptr = sc_realloc(b->ptr, b->cap);
    }
    return b->ptr + b->len;
}

void sc_add(sc_buf *b, const void *from, size_t len)
{
    uint8_t *to = sc_room(b, len);
    if (len)
        memcpy(to, from, len);
    b->len += len;
}

void sc_add_byte(sc_buf *b, uint8_t byte)
{
    *sc_room(b, 1) = byte;
    b->len++;
}

void sc_add_number(sc_buf *b, uint64_t n)
{
    uint8_t *to = sc_room(b, 10);
    for (; n >= 0x80; n >>= 7)
        *to++ = (uint8_t)(n | 0x80);
    *to++ = (uint8_t)n;
    b->len = (size_t)(to - b->ptr);
}

void sc_add_signed(sc_buf *b, int64_t n)
{
    uint8_t *to = sc_room(b, 10);
    for (; n < -0x40 || n >= 0x40; n >>= 7)
        *to++ = (uint8_t)(n | 0x80);
    *to++ = (uint8_t)(n & 0x7f);
    b->len = (size_t)(to - b->ptr);
}

void sc_add_cut(sc_buf *b, const char *text, size_t max)
{
    size_t len = strlen(text);
    if (len > max)
        for (len = max; len && ((uint8_t)text[len] & 0xc0) == 0x80;)
            len--;
    /* The host refuses text that is not UTF-8. */
    if (!sc_is_text((const uint8_t *)text, len)) {
        text = "(text that is not UTF-8)";
        len = strlen(text);
    }
    sc_add_number(b, len);
    sc_add(b, text, len);
}

void sc_add_text(sc_buf *b, const char *text)
{
    sc_add_cut(b, text, SIZE_MAX);
}

/* ---- UTF-8 ---- */

/* Length of the well-formed sequence at `s` (Unicode 15, table 3-7); 0 where there is none. */
static size_t sequence(const uint8_t *s, size_t n)
{
    if (n == 0 || s[0] < 0x80)
        return n != 0;
    size_t len = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    uint8_t low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
    if (len == 0 || n < len || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

bool sc_is_text(const uint8_t *s, size_t n)
{
    while (n) {
        uint64_t eight;
        if (n >= 8 && (memcpy(&eight, s, 8), (eight & 0x8080808080808080u) == 0)) {
            s += 8;
            n -= 8;
            continue;
        }
        size_t len = sequence(s, n);
        if (!len)
            return false;
        s += len;
        n -= len;
    }
    return true;
}

/* ---- reading ---- */

static bool fail(sc_in *in, const char *why)
{
    if (!in->wrong)
        in->wrong = why;
    in->at = in->end;
    return false;
}

static size_t left(const sc_in *in)
{
    return (size_t)(in->end - in->at);
}

uint64_t sc_number(sc_in *in, unsigned bits)
{
    uint64_t n = 0;
    for (unsigned shift = 0; shift < bits && in->at < in->end; shift += 7) {
        uint8_t b = *in->at++;
        if (shift + 7 > bits && (b & 0x7f) >> (bits - shift))
            break;
        n |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80)
            return n;
    }
    fail(in, "a number that is too long, or ends early");
    return 0;
}

static int64_t signed_number(sc_in *in, unsigned bits)
{
    uint64_t n = 0;
    for (unsigned shift = 0; shift < bits && in->at < in->end;) {
        uint8_t b = *in->at++;
        if (shift + 7 > bits) { /* from the sign on all bits are the same */
            uint8_t rest = (uint8_t)((b & 0x7f) >> (bits - shift - 1));
            if (rest != 0 && rest != 0x7f >> (bits - shift - 1))
                break;
        }
        n |= (uint64_t)(b & 0x7f) << shift;
        shift += 7;
        if (b < 0x80) {
            if (shift < 64 && b & 0x40)
                n |= UINT64_MAX << shift;
            return (int64_t)n;
        }
    }
    fail(in, "a number that is too long, or ends early");
    return 0;
}

static const uint8_t *bytes(sc_in *in, size_t n)
{
    if (n > left(in)) {
        fail(in, "a length beyond the end of the message");
        return NULL;
    }
    in->at += n;
    return in->at - n;
}

/* The bytes of a string or list<u8>, in the message or in the host's half of the shared memory. */
static const uint8_t *sequence_of_bytes(sc_in *in, size_t *ret_len)
{
    uint64_t n = sc_number(in, 32);
    *ret_len = 0;
    if (n == SC_SHARED) {
        uint64_t offset = sc_number(in, 32), half = sc.shared ? sc.shared_size / 2 : 0;
        n = sc_number(in, 32);
        if (!in->call || in->wrong || offset > half || n > half - offset) {
            fail(in, "a reference beyond the host's half of the shared memory");
            return NULL;
        }
        in->shared++;
        *ret_len = (size_t)n;
        return sc.shared + offset;
    }
    const uint8_t *at = bytes(in, (size_t)n);
    *ret_len = at ? (size_t)n : 0;
    return at;
}

loop_string sc_text(sc_in *in)
{
    loop_string s = {0};
    s.ptr = (const char *)sequence_of_bytes(in, &s.len);
    if (s.ptr && !sc_is_text((const uint8_t *)s.ptr, s.len))
        fail(in, "text that is not UTF-8");
    return s;
}

static void read_char(sc_in *in, uint32_t *to)
{
    static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t n = sequence(in->at, left(in));
    if (!n) {
        fail(in, "a char that is not UTF-8");
        return;
    }
    *to = in->at[0] & masks[n];
    for (size_t i = 1; i < n; i++)
        *to = *to << 6 | (in->at[i] & 0x3f);
    in->at += n;
}

static void read_list(sc_in *in, const sc_type *t, loop_list_u8 *to)
{
    const sc_type *e = t->parts[0];
    if (e->kind == SC_U8) {
        to->ptr = sequence_of_bytes(in, &to->len);
        return;
    }
    uint64_t n = sc_number(in, 32);
    uint8_t *at = n <= left(in) ? sc_arena_take(&in->call->arena, (size_t)n * e->size + 1) : NULL;
    if (!at) {
        fail(in, n <= left(in) ? "values of more than 128 MiB"
                               : "a list beyond the end of the message");
        return;
    }
    *to = (loop_list_u8){at, (size_t)n};
    for (; n && !in->wrong; n--, at += e->size)
        sc_read(in, e, at);
}

static void read_handle(sc_in *in, const sc_type *t, void **to)
{
    uint64_t n = sc_number(in, 64);
    loop_call *c = in->call;
    bool own = t->kind == SC_OWN, odd = n & 1;
    if (n == 0 || n >> 53 || (in->of_next && odd)) {
        fail(in, "a handle that is none");
        return;
    }
    if (odd)
        *to = sc_object(t->interface, t->resource, n, false);
    else if (in->of_next || !sc_makes(t->interface, t->resource))
        *to = sc_remote_new(t->interface, t->resource, n);
    for (size_t i = 0; i < c->named.n && odd; i++)
        if (own && c->named.at[i].own && c->named.at[i].number == n && c->named.at[i].object == *to)
            *to = NULL; /* twice in one call */
    if (!*to) {
        fail(in, "a handle that is not held");
        return;
    }
    if (c->named.n == c->named.cap) {
        c->named.cap = c->named.cap * 2 + 8;
        c->named.at = sc_realloc(c->named.at, c->named.cap * sizeof *c->named.at);
    }
    c->named.at[c->named.n++] = (sc_named){n, t->interface, t->resource, *to, own};
}

static void read_case(sc_in *in, const sc_type *t, uint8_t *to)
{
    bool two = t->kind == SC_OPTION || t->kind == SC_RESULT_;
    const uint8_t *one = two ? bytes(in, 1) : NULL;
    uint64_t tag = !two ? sc_number(in, 32) : one ? *one : 0;
    if (tag >= t->count) {
        fail(in, "a case that the type does not have");
        return;
    }
    memcpy(to, &tag, t->tag); /* little-endian */
    if (t->parts[tag])
        sc_read(in, t->parts[tag], to + t->payload);
}

static void read_plain(sc_in *in, const sc_type *t, void *to)
{
    uint64_t u;
    int64_t s;
    const uint8_t *at;
    switch (t->kind) {
    case SC_S16:
    case SC_S32:
    case SC_S64:
        s = signed_number(in, t->size * 8);
        memcpy(to, &s, t->size);
        return;
    case SC_U16:
    case SC_U32:
    case SC_U64:
        u = sc_number(in, t->size * 8);
        memcpy(to, &u, t->size);
        return;
    default:
        if ((at = bytes(in, t->size)))
            memcpy(to, at, t->size);
        if (at && t->kind == SC_BOOL && *at > 1)
            fail(in, "a bool that is neither 0 nor 1");
    }
}

static void read_flags(sc_in *in, const sc_type *t, void *to)
{
    uint32_t bits = 0;
    const uint8_t *at = bytes(in, (t->count + 7) / 8);
    if (at)
        memcpy(&bits, at, (t->count + 7) / 8);
    if (t->count < 32 && bits >> t->count)
        fail(in, "flags that the type does not have");
    memcpy(to, &bits, t->size);
}

void sc_read(sc_in *in, const sc_type *t, void *to)
{
    switch (t->kind) {
    case SC_CHAR: read_char(in, to); return;
    case SC_STRING: *(loop_string *)to = sc_text(in); return;
    case SC_LIST: read_list(in, t, to); return;
    case SC_RECORD:
    case SC_TUPLE:
        for (size_t i = 0; i < t->count && !in->wrong; i++)
            sc_read(in, t->parts[i], (uint8_t *)to + t->offsets[i]);
        return;
    case SC_VARIANT:
    case SC_ENUM:
    case SC_OPTION:
    case SC_RESULT_: read_case(in, t, to); return;
    case SC_FLAGS: read_flags(in, t, to); return;
    case SC_OWN:
    case SC_BORROW: read_handle(in, t, to); return;
    default: read_plain(in, t, to);
    }
}

const char *sc_end(sc_in *in)
{
    if (!in->wrong && in->at != in->end)
        in->wrong = "bytes behind the value";
    return in->wrong;
}

/* ---- writing ---- */

static void no(sc_out *o, const char *why)
{
    if (!o->wrong)
        o->wrong = why;
}

static uint32_t small(const void *from, uint32_t size)
{
    uint32_t n = 0;
    memcpy(&n, from, size);
    return n;
}

/* In our half already, as loop_call_alloc gave it out for this call. */
static bool lies_there(const sc_out *o, const uint8_t *at, size_t len)
{
    const uint8_t *half = sc.shared ? sc.shared + sc.shared_size / 2 : NULL;
    return half && !o->of_next && at >= half && len <= sc.shared_size &&
           at + len <= sc.shared + sc.shared_size;
}

static void write_bytes(sc_out *o, const void *from, size_t len)
{
    const uint8_t *at = from;
    if (len && !from) {
        no(o, "a length without a place");
        return;
    }
    if (len >= SC_SHARED_LEAST && sc.shared) {
        if (!lies_there(o, from, len)) {
            uint8_t *room = sc_shared_take(o->id, len);
            if (room)
                memcpy(room, from, len);
            at = room;
        }
        if (at) {
            sc_add_number(&o->to, SC_SHARED);
            sc_add_number(&o->to, (uint64_t)(at - sc.shared));
            sc_add_number(&o->to, len);
            o->shared++;
            return;
        }
    }
    if (len > SC_MAX_MESSAGE || o->to.len > SC_MAX_MESSAGE - len) {
        no(o, "values of more than 64 MiB in one message");
        return;
    }
    sc_add_number(&o->to, len);
    sc_add(&o->to, from, len);
}

static void write_text(sc_out *o, const loop_string *s)
{
    if (s->len && s->ptr && !sc_is_text((const uint8_t *)s->ptr, s->len))
        no(o, "a string that is not UTF-8");
    else
        write_bytes(o, s->ptr, s->len);
}

static void write_list(sc_out *o, const sc_type *t, const loop_list_u8 *list)
{
    const sc_type *e = t->parts[0];
    if (e->kind == SC_U8) {
        write_bytes(o, list->ptr, list->len);
        return;
    }
    if ((list->len && !list->ptr) || list->len > SC_MAX_MESSAGE) {
        no(o, "a list without a place, or too long");
        return;
    }
    sc_add_number(&o->to, list->len);
    for (size_t i = 0; i < list->len && !o->wrong; i++)
        sc_write(o, e, list->ptr + i * e->size);
    if (o->to.len > SC_MAX_MESSAGE)
        no(o, "values of more than 64 MiB in one message");
}

static void write_char(sc_out *o, uint32_t c)
{
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
        no(o, "a char that is none");
        return;
    }
    uint8_t *to = sc_room(&o->to, 4);
    unsigned more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    to[0] = (uint8_t)(lead[more] | c >> 6 * more);
    for (unsigned i = 1; i <= more; i++)
        to[i] = (uint8_t)(0x80 | (c >> 6 * (more - i) & 0x3f));
    o->to.len += more + 1;
}

/* An object of ours gets a number of its own each time; one of the next provider's keeps it. */
static void write_handle(sc_out *o, const sc_type *t, void *object)
{
    uint64_t n = sc_remote_number(object);
    if (!object || (o->of_next && !n)) {
        no(o, object ? "an object that the next provider did not make" : "a handle that is NULL");
        return;
    }
    if (!n)
        n = sc_handle_new(t->interface, t->resource, object);
    loop_call *c = o->call;
    if (c->named.n == c->named.cap) {
        c->named.cap = c->named.cap * 2 + 8;
        c->named.at = sc_realloc(c->named.at, c->named.cap * sizeof *c->named.at);
    }
    c->named.at[c->named.n++] = (sc_named){n, t->interface, t->resource, object, t->kind == SC_OWN};
    sc_add_number(&o->to, n);
}

static void write_case(sc_out *o, const sc_type *t, const uint8_t *from)
{
    uint32_t tag = small(from, t->tag);
    if (tag >= t->count) {
        no(o, "a case that the type does not have");
        return;
    }
    sc_add_number(&o->to, tag);
    if (t->parts[tag])
        sc_write(o, t->parts[tag], from + t->payload);
}

static void write_flags(sc_out *o, const sc_type *t, const void *from)
{
    uint32_t bits = small(from, t->size);
    if (t->count < 32 && bits >> t->count)
        no(o, "flags that the type does not have");
    sc_add(&o->to, &bits, (t->count + 7) / 8);
}

void sc_write(sc_out *o, const sc_type *t, const void *from)
{
    switch (t->kind) {
    case SC_BOOL: sc_add_byte(&o->to, *(const uint8_t *)from != 0); return;
    case SC_S16: sc_add_signed(&o->to, *(const int16_t *)from); return;
    case SC_S32: sc_add_signed(&o->to, *(const int32_t *)from); return;
    case SC_S64: sc_add_signed(&o->to, *(const int64_t *)from); return;
    case SC_U16: sc_add_number(&o->to, *(const uint16_t *)from); return;
    case SC_U32: sc_add_number(&o->to, *(const uint32_t *)from); return;
    case SC_U64: sc_add_number(&o->to, *(const uint64_t *)from); return;
    case SC_CHAR: write_char(o, *(const uint32_t *)from); return;
    case SC_STRING: write_text(o, from); return;
    case SC_LIST: write_list(o, t, from); return;
    case SC_RECORD:
    case SC_TUPLE:
        for (size_t i = 0; i < t->count && !o->wrong; i++)
            sc_write(o, t->parts[i], (const uint8_t *)from + t->offsets[i]);
        return;
    case SC_VARIANT:
    case SC_ENUM:
    case SC_OPTION:
    case SC_RESULT_: write_case(o, t, from); return;
    case SC_FLAGS: write_flags(o, t, from); return;
    case SC_OWN:
    case SC_BORROW: write_handle(o, t, *(void *const *)from); return;
    default: sc_add(&o->to, from, t->size); /* bytes and floats */
    }
}
