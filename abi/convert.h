/*
 * abi/convert.h: values from a guest's memory to C structs (lift) and back
 * (lower), as a plan says.
 *
 * Lifting: strings and lists whose elements both sides have alike are checked and
 * become views of the guest's memory; everything else is made in the frame's arena.
 * Nothing a guest passes is trusted: every offset and length is checked against
 * its memory, every tag and character against its type, and all that is handed
 * over, as a view too, is paid for from the frame's fuel (LP_MAX_CALL_FUEL).
 *
 * Lowering: the guest's own realloc makes room, so guest code runs in between: its
 * memory is read again after each. What a provider left (lengths, tags, UTF-8) is
 * checked as well: a mistake ends the call, not the host. A result may point into
 * the guest's memory (an argument's view): such bytes are found again after realloc.
 *
 * In a build with AddressSanitizer a view is a copy on the heap that dies with the
 * call, since the sanitizer cannot see who uses a guest's memory too late.
 */
#ifndef LP_CONVERT_H
#define LP_CONVERT_H

#include "abi/plan.h"
#include "loop/abi.h"

/* What the values of one call live in. Zero-initialise; used again after _reset. */
typedef struct lp_frame {
    lp_arena arena;
    size_t fuel; /* bytes left of */
    size_t most; /* those of a call; 0: LP_MAX_CALL_FUEL */
    struct {
        void **at;
        size_t n, cap;
    } copies; /* of views, with AddressSanitizer */
} lp_frame;

/* Ends the life of what is in it, keeps a little memory. */
void lp_frame_reset(lp_frame *f);
void lp_frame_done(lp_frame *f);

static inline void lp_frame_end(lp_frame *f)
{
    if (f->arena.used || f->copies.n)
        lp_frame_reset(f);
}

/* An aborted call may have left something. */
static inline void lp_frame_begin(lp_frame *f)
{
    lp_frame_end(f);
    f->fuel = f->most ? f->most : LP_MAX_CALL_FUEL;
}

/* What stands for a handle in C: a pointer, or a loop_handle. `node` is OWN or BORROW. */
typedef loop_error *lp_take_handle(void *data, const lp_node *node, uint32_t number, uint64_t *ret);

typedef struct lp_lift {
    const lp_values *from;
    lp_frame *frame;
    bool keep; /* no views: the guest frees its memory before the values are used */
    lp_take_handle *take;
    void *data;
    size_t next_handle;
} lp_lift;

/* The value of `n` (of the tuple of parameters, or of a result) to `to`: n->size bytes. */
loop_error *lp_lift_values(lp_lift *l, const lp_node *n, void *to) LOOP_MUST_USE;

/* A tag, an enum, flags or a char: an unsigned number of 1, 2 or 4 bytes. */
static inline uint32_t lp_read_tag(const void *p, unsigned size)
{
    uint16_t half;
    uint32_t word;
    switch (size) {
    case 1: return *(const uint8_t *)p;
    case 2: memcpy(&half, p, sizeof half); return half;
    default: memcpy(&word, p, sizeof word); return word;
    }
}

/* Whether it is a Unicode scalar value. */
static inline bool lp_is_char(uint32_t c)
{
    return c < 0xd800 || (c > 0xdfff && c <= 0x10ffff);
}

/*
 * The low half of a flat value. Loaded as four bytes: the guest may have stored four a
 * moment ago, and a load of eight would wait until they are in the cache.
 */
static inline uint32_t lp_flat_low(const lp_flat *at)
{
    return *(const volatile uint32_t *)(const volatile void *)at; /* little-endian */
}

/* The bits of a number or truth to C. */
static inline void lp_store_number(const lp_node *n, uint64_t bits, void *to)
{
    if (n->size == 4)
        *(uint32_t *)to = (uint32_t)bits;
    else if (n->size == 8)
        *(uint64_t *)to = bits;
    else if (n->kind == LP_BOOL)
        *(bool *)to = (uint32_t)bits != 0;
    else if (n->size == 1)
        *(uint8_t *)to = (uint8_t)bits;
    else
        *(uint16_t *)to = (uint16_t)bits;
}

/* A number or truth: its bits are at the low end, whatever the slot it shares is. False: not one.
 */
static inline bool lp_lift_number(const lp_node *n, const lp_flat *at, void *to)
{
    if (n->kind > LP_F64)
        return false;
    lp_store_number(n, n->size == 8 ? at->lo : lp_flat_low(at), to);
    return true;
}

/* A field that is a number or truth; `to` is the struct. Mostly it has four bytes. */
static inline void lp_lift_number_field(const lp_step *f, const lp_flat *at, uint8_t *to)
{
    if (f->size == 4)
        *(uint32_t *)(void *)(to + f->offset) = lp_flat_low(at);
    else
        lp_lift_number(f->node, at, to + f->offset);
}

/* The other way. Narrow signed numbers fill 32 bits, as core wasm has them. */
static inline bool lp_lower_number(const lp_node *n, const void *from, uint64_t *ret)
{
    if (n->kind > LP_F64)
        return false;
    if (n->size == 4)
        *ret = *(const uint32_t *)from;
    else if (n->size == 8)
        *ret = *(const uint64_t *)from;
    else if (n->kind == LP_BOOL)
        *ret = *(const uint8_t *)from != 0;
    else if (n->kind == LP_S8)
        *ret = (uint32_t)(int32_t)*(const int8_t *)from;
    else if (n->kind == LP_S16)
        *ret = (uint32_t)(int32_t)*(const int16_t *)from;
    else
        *ret = n->size == 1 ? *(const uint8_t *)from : *(const uint16_t *)from;
    return true;
}

/* `handles`: those of lp_each_handle, in its order. */
typedef struct lp_lower {
    lp_target *to;
    loop_code blame; /* of a value that is none of its type */
    const lp_handle *handles;
    size_t handle_count, next_handle;
    size_t fuel;
} lp_lower;
loop_error *lp_lower_values(lp_lower *l, const lp_node *n, const void *from) LOOP_MUST_USE;
/* Parameters of a plan with `numbers_in`. */
static inline void lp_lower_numbers(const lp_node *n, const void *from, lp_flat *flat)
{
    for (const lp_step *f = n->fields, *end = f + n->count; f < end; f++, flat++)
        lp_lower_number(f->node, (const uint8_t *)from + f->offset, &flat->lo);
}

/*
 * Parameters of a plan with `direct_in`, for lp_calling: n->flat flat values, and at most
 * half as many pieces. False: lp_lower_values finds out why they do not go that way.
 */
bool lp_lower_direct(const lp_node *n, const void *from, lp_flat *flat, lp_piece *pieces,
                     size_t *ret_count);
/* A result of one flat value without handles. */
loop_error *lp_lower_scalar(const lp_node *n, const void *from, loop_code blame,
                            uint64_t *ret) LOOP_MUST_USE;

/*
 * Each handle in a value, in the order in which it is lowered. *at is the 8 bytes
 * that stand for it. Stops at the first error.
 */
typedef loop_error *lp_handle_fn(void *data, const lp_node *node, uint64_t at);
loop_error *lp_each_handle(const lp_node *n, const void *value, loop_code blame, lp_handle_fn *f,
                           void *data) LOOP_MUST_USE;

/*
 * copy.c: a value with all that it points to, which `more` finds zeroed memory for (NULL: none is
 * left). Of a value that is none of its type: `blame`.
 */
typedef struct lp_copy {
    void *(*more)(void *data, size_t size);
    void *data;
    loop_code blame;
    size_t fuel;
} lp_copy;
loop_error *lp_copy_value(lp_copy *c, const lp_node *n, const void *from, void *to) LOOP_MUST_USE;

/* Whether all `n` bytes are UTF-8; runs of ASCII eight at a time. */
bool lp_utf8_check(const char *s, size_t n);

static inline uint64_t lp_load8(const char *s)
{
    uint64_t eight;
    memcpy(&eight, s, 8);
    return eight;
}

static inline uint32_t lp_load4(const char *s)
{
    uint32_t four;
    memcpy(&four, s, 4);
    return four;
}

/* Whether it is short, and ASCII alone. The last bytes may be looked at twice. */
static inline bool lp_is_short_ascii(const char *s, size_t n)
{
    uint64_t all = 0;
    if (n > 64)
        return false;
    if (n >= 16) {
        for (const char *p = s, *last = s + n - 16; p < last; p += 16)
            all |= lp_load8(p) | lp_load8(p + 8);
        all |= lp_load8(s + n - 16) | lp_load8(s + n - 8);
    } else if (n >= 8) {
        all = lp_load8(s) | lp_load8(s + n - 8);
    } else if (n >= 4) {
        all = lp_load4(s) | lp_load4(s + n - 4);
    } else if (n > 0) {
        all = (uint8_t)(s[0] | s[n / 2] | s[n - 1]);
    }
    return (all & 0x8080808080808080u) == 0;
}

static inline bool lp_is_text(const char *s, size_t n)
{
    return lp_is_short_ascii(s, n) || lp_utf8_check(s, n);
}

/* strings.c: other encodings. Lengths as the guest has them, in bounds. */
loop_error *lp_string_lift(lp_lift *l, uint32_t offset, uint32_t length,
                           loop_string *to) LOOP_MUST_USE;
/* Puts the text, which is UTF-8, into the guest. */
loop_error *lp_string_lower(lp_lower *l, loop_string from, uint32_t *ret_offset,
                            uint32_t *ret_length) LOOP_MUST_USE;
/* Room in the guest for bytes of C's, copied there; they may lie in the guest's memory. */
loop_error *lp_lower_bytes(lp_lower *l, const void *from, size_t size, uint32_t align,
                           uint32_t *ret_offset) LOOP_MUST_USE;
/* A view of the guest's memory, in bounds and paid for; a copy where views do not live long
 * enough. */
loop_error *lp_lift_view(lp_lift *l, uint32_t offset, size_t size, const void **ret) LOOP_MUST_USE;
loop_error *lp_out_of_fuel(void) LOOP_MUST_USE;
/* Pays for `bytes`; LOOP_LIMIT. */
LOOP_MUST_USE static inline loop_error *lp_spend(size_t *fuel, size_t bytes)
{
    if (bytes > *fuel)
        return lp_out_of_fuel();
    *fuel -= bytes;
    return NULL;
}
loop_error *lp_in_bounds(const lp_values *v, uint32_t offset, uint64_t size, uint32_t align,
                         const char *what) LOOP_MUST_USE;

#endif
