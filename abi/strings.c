/*
 * abi/strings.c: text in the encodings that a guest may have: UTF-8, UTF-16, and
 * Latin-1 or UTF-16 by value. C sees UTF-8 alone.
 *
 * Source: the Canonical ABI's load_string and store_string. Lengths are bytes in
 * UTF-8, code units otherwise; in the third encoding the top bit of a length says
 * that the text is UTF-16. What is stored is measured first, so that one realloc
 * of the right size is enough.
 */
#include <stdlib.h>

#include "abi/convert.h"

#define UTF16_TAG (1u << 31)

#define HIGH_BITS 0x8080808080808080u

static inline bool is_ascii8(const char *s)
{
    uint64_t eight;
    memcpy(&eight, s, 8);
    return (eight & HIGH_BITS) == 0;
}

/* Two and three bytes, the most frequent ones; 0: look again, with care. */
static inline size_t short_sequence(const uint8_t *s)
{
    if (s[0] >= 0xc2 && s[0] < 0xe0)
        return (s[1] & 0xc0) == 0x80 ? 2 : 0;
    if (s[0] > 0xe0 && s[0] < 0xf0 && s[0] != 0xed)
        return (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80 ? 3 : 0;
    return 0;
}

bool lp_utf8_check(const char *s, size_t n)
{
    const char *end = s + n;
    while (s < end) {
        if (end - s >= 8 && is_ascii8(s)) {
            s += 8;
            continue;
        }
        /* Up to the next eight bytes, one character at a time. */
        for (const char *stop = end - s >= 8 ? s + 8 : end; s < stop;) {
            size_t len = (signed char)*s >= 0 ? 1 : 0;
            if (!len && end - s >= 3)
                len = short_sequence((const uint8_t *)s);
            if (!len)
                len = lp_utf8_sequence(s, (size_t)(end - s));
            if (!len)
                return false;
            s += len;
        }
    }
    return true;
}

/* The code point at *at, which is valid UTF-8. */
static uint32_t next_point(const uint8_t **at)
{
    const uint8_t *s = *at;
    if (s[0] < 0x80)
        return *at += 1, s[0];
    if (s[0] < 0xe0)
        return *at += 2, (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
    if (s[0] < 0xf0)
        return *at += 3, (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
    *at += 4;
    return (s[0] & 0x07u) << 18 | (s[1] & 0x3fu) << 12 | (s[2] & 0x3fu) << 6 | (s[3] & 0x3fu);
}

static char *put_point(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

/* ---- from a guest ---- */

static uint32_t unit(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static loop_error *lift_utf16(lp_lift *l, uint32_t offset, uint32_t units, loop_string *to)
{
    LP_TRY(lp_in_bounds(l->from, offset, (uint64_t)units * 2, 2, "string"));
    LP_TRY(lp_spend(&l->frame->fuel, (size_t)units * 3));
    char *text = lp_arena_take(&l->frame->arena, (size_t)units * 3), *end = text;
    const uint8_t *p = l->from->memory + offset, *stop = p + (size_t)units * 2;
    while (p < stop) {
        uint32_t c = unit(p);
        p += 2;
        if (c >= 0xd800 && c <= 0xdfff) {
            uint32_t low = p < stop ? unit(p) : 0;
            if (c > 0xdbff || low < 0xdc00 || low > 0xdfff)
                return loop_error_new(LOOP_TRAP,
                                      "the component passed a string that is not UTF-16");
            c = 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
            p += 2;
        }
        end = put_point(end, c);
    }
    *to = (loop_string){text, (size_t)(end - text)};
    return NULL;
}

static loop_error *lift_latin1(lp_lift *l, uint32_t offset, uint32_t length, loop_string *to)
{
    LP_TRY(lp_in_bounds(l->from, offset, length, 2, "string"));
    LP_TRY(lp_spend(&l->frame->fuel, (size_t)length * 2));
    char *text = lp_arena_take(&l->frame->arena, (size_t)length * 2), *end = text;
    for (uint32_t i = 0; i < length; i++)
        end = put_point(end, l->from->memory[offset + i]);
    *to = (loop_string){text, (size_t)(end - text)};
    return NULL;
}

loop_error *lp_string_lift(lp_lift *l, uint32_t offset, uint32_t length, loop_string *to)
{
    if (l->from->encoding == LP_UTF16)
        return lift_utf16(l, offset, length, to);
    if (length & UTF16_TAG)
        return lift_utf16(l, offset, length & ~UTF16_TAG, to);
    return lift_latin1(l, offset, length, to);
}

/* ---- to a guest ---- */

struct measure {
    size_t units; /* of UTF-16 */
    bool latin1;  /* every code point is below 256 */
};

static struct measure measure(loop_string s)
{
    struct measure m = {0, true};
    for (const uint8_t *p = (const uint8_t *)s.ptr, *end = p + s.len; p < end;) {
        uint32_t c = next_point(&p);
        m.units += c > 0xffff ? 2 : 1;
        m.latin1 = m.latin1 && c < 0x100;
    }
    return m;
}

static void put_unit(uint8_t **to, uint32_t u)
{
    *(*to)++ = (uint8_t)u;
    *(*to)++ = (uint8_t)(u >> 8);
}

static void encode(loop_string s, bool latin1, uint8_t *to)
{
    for (const uint8_t *p = (const uint8_t *)s.ptr, *end = p + s.len; p < end;) {
        uint32_t c = next_point(&p);
        if (latin1) {
            *to++ = (uint8_t)c;
        } else if (c > 0xffff) {
            put_unit(&to, 0xd800 + ((c - 0x10000) >> 10));
            put_unit(&to, 0xdc00 + ((c - 0x10000) & 0x3ff));
        } else {
            put_unit(&to, c);
        }
    }
}

static loop_error *lower_encoded(lp_lower *l, loop_string from, bool latin1, size_t units,
                                 uint32_t *ret_offset)
{
    size_t size = latin1 ? units : units * 2;
    uint8_t *encoded = lp_alloc(size + 1);
    encode(from, latin1, encoded);
    loop_error *err = lp_lower_bytes(l, encoded, size, 2, ret_offset);
    free(encoded);
    return err;
}

loop_error *lp_string_lower(lp_lower *l, loop_string from, uint32_t *ret_offset,
                            uint32_t *ret_length)
{
    LP_TRY(lp_spend(&l->fuel, from.len));
    if (from.len && !from.ptr)
        return loop_error_new(l->blame, "a string of %zu bytes without a place", from.len);
    if (!lp_is_text(from.ptr, from.len))
        return loop_error_new(l->blame, "a string for the component that is not UTF-8");
    if (l->to->encoding == LP_UTF8) {
        *ret_length = (uint32_t)from.len;
        return lp_lower_bytes(l, from.ptr, from.len, 1, ret_offset);
    }
    struct measure m = measure(from);
    bool latin1 = l->to->encoding == LP_LATIN1_UTF16 && m.latin1;
    LP_TRY(lower_encoded(l, from, latin1, m.units, ret_offset));
    *ret_length = (uint32_t)m.units;
    if (l->to->encoding == LP_LATIN1_UTF16 && !latin1)
        *ret_length |= UTF16_TAG;
    return NULL;
}
