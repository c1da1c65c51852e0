/*
 * abi/lift.c: from a guest's flat values and memory to C; see convert.h.
 *
 * Guest code does not run while a value is lifted, so the memory stays where it
 * is. Depth is that of the type, which the engine has limited (LP_MAX_VALUE_DEPTH).
 */
#include <stdlib.h>

#include "abi/convert.h"

#define VIEWS_AS_THEY_ARE 1
#if defined(__SANITIZE_ADDRESS__)
#undef VIEWS_AS_THEY_ARE
#define VIEWS_AS_THEY_ARE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#undef VIEWS_AS_THEY_ARE
#define VIEWS_AS_THEY_ARE 0
#endif
#endif

#define KEEP_BLOCK (64u << 10) /* arena memory that stays for the next call */

/* ---- frames ---- */

void lp_frame_reset(lp_frame *f)
{
    if (f->arena.used)
        lp_arena_reset(&f->arena, KEEP_BLOCK);
    for (size_t i = 0; i < f->copies.n; i++)
        free(f->copies.at[i]);
    f->copies.n = 0;
}

void lp_frame_done(lp_frame *f)
{
    lp_frame_reset(f);
    lp_arena_done(&f->arena);
    free(f->copies.at);
    f->copies.at = NULL;
}

loop_error *lp_out_of_fuel(void)
{
    return loop_error_hint_set(
        loop_error_new(LOOP_LIMIT, "the values of one call take more than they may"),
        "pass less at once, in several calls");
}

/* ---- memory ---- */

loop_error *lp_in_bounds(const lp_values *v, uint32_t offset, uint64_t size, uint32_t align,
                         const char *what)
{
    if (offset & (align - 1))
        return loop_error_new(LOOP_TRAP, "the component passed a %s at %u, which is not aligned",
                              what, offset);
    if (size > v->memory_len || offset > v->memory_len - size)
        return loop_error_new(LOOP_TRAP,
                              "the component passed a %s beyond the end of its memory "
                              "(%u, %llu bytes, of %zu)",
                              what, offset, (unsigned long long)size, v->memory_len);
    return NULL;
}

loop_error *lp_lift_view(lp_lift *l, uint32_t offset, size_t size, const void **ret)
{
    const uint8_t *view = l->from->memory + offset;
    void *copy;
    *ret = view;
    if (VIEWS_AS_THEY_ARE && !l->keep)
        return NULL;
    if (l->keep) {
        copy = lp_arena_take(&l->frame->arena, size);
    } else {
        /* One more byte: an empty view has an address, too. */
        copy = *lp_push(&l->frame->copies) = lp_alloc(size + 1);
    }
    if (size)
        memcpy(copy, view, size);
    *ret = copy;
    return NULL;
}

static uint32_t word(const uint8_t *p)
{
    uint32_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

static void write_tag(void *to, unsigned size, uint32_t tag)
{
    switch (size) {
    case 1: *(uint8_t *)to = (uint8_t)tag; break;
    case 2: *(uint16_t *)to = (uint16_t)tag; break;
    default: *(uint32_t *)to = tag;
    }
}

static loop_error *bad_char(uint32_t c)
{
    return loop_error_new(LOOP_TRAP, "the component passed 0x%x as a char, which is none", c);
}

static loop_error *bad_tag(const lp_node *n, uint32_t tag)
{
    return loop_error_new(LOOP_TRAP, "the component passed case %u of a type that has %zu", tag,
                          n->count);
}

static uint32_t flag_mask(const lp_node *n)
{
    return n->count >= 32 ? UINT32_MAX : (1u << n->count) - 1;
}

static loop_error *lift_handle(lp_lift *l, const lp_node *n, void *to)
{
    if (l->next_handle >= l->from->handle_count)
        return loop_error_new(LOOP_INTERNAL, "the engine found fewer handles than the value has");
    return l->take(l->data, n, l->from->handles[l->next_handle++], to);
}

/* ---- lists ---- */

static loop_error *lift(lp_lift *l, const lp_node *n, const uint8_t *from, void *to);

/* Whether elements that lie alike on both sides are valid as they are. */
static bool all_valid(const lp_node *e, const uint8_t *from, size_t count)
{
    uint32_t mask = e->kind == LP_FLAGS ? flag_mask(e) : 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t v = lp_read_tag(from + i * e->size, e->size);
        bool valid = e->kind == LP_BOOL    ? v <= 1
                     : e->kind == LP_CHAR  ? lp_is_char(v)
                     : e->kind == LP_FLAGS ? (v & ~mask) == 0
                                           : v < e->count;
        if (!valid)
            return false;
    }
    return true;
}

/* Elements that are checked one by one, but need no other place. */
static bool lies_alike(const lp_node *e)
{
    return e->kind == LP_BOOL || e->kind == LP_CHAR || e->kind == LP_FLAGS || e->kind == LP_ENUM;
}

static inline loop_error *lift_steps(lp_lift *l, const lp_node *n, const uint8_t *from, uint8_t *to)
    __attribute__((always_inline));

static loop_error *lift_elements(lp_lift *l, const lp_node *e, const uint8_t *from, size_t count,
                                 const void **ret)
{
    LP_TRY(lp_spend(&l->frame->fuel, count * (size_t)e->size));
    uint8_t *to = lp_arena_take(&l->frame->arena, count * (size_t)e->size);
    *ret = to;
    if (e->steps) {
        for (size_t i = 0; i < count; i++, from += e->guest_size, to += e->size)
            LP_TRY(lift_steps(l, e, from, to));
        return NULL;
    }
    for (size_t i = 0; i < count; i++, from += e->guest_size, to += e->size)
        LP_TRY(lift(l, e, from, to));
    return NULL;
}

static loop_error *lift_list(lp_lift *l, const lp_node *n, uint32_t offset, uint32_t count,
                             void *to)
{
    const lp_node *e = n->parts[0];
    loop_list_u8 *list = to;
    uint64_t size = (uint64_t)count * e->guest_size;
    LP_TRY(lp_in_bounds(l->from, offset, size, e->guest_align, "list"));
    list->len = count;
    if (e->plain) {
        LP_TRY(lp_spend(&l->frame->fuel, (size_t)size)); /* seen or copied: it is handed over */
        return lp_lift_view(l, offset, (size_t)size, (const void **)&list->ptr);
    }
    const uint8_t *from = l->from->memory + offset;
    if (lies_alike(e)) {
        LP_TRY(lp_spend(&l->frame->fuel, (size_t)size));
        if (all_valid(e, from, count))
            return lp_lift_view(l, offset, (size_t)size, (const void **)&list->ptr);
    }
    return lift_elements(l, e, from, count, (const void **)&list->ptr);
}

/* ---- strings ---- */

static loop_error *lift_text(lp_lift *l, uint32_t offset, uint32_t length, void *to)
{
    const lp_values *v = l->from;
    if (v->encoding != LP_UTF8)
        return lp_string_lift(l, offset, length, to);
    if (length > v->memory_len || offset > v->memory_len - length)
        return lp_in_bounds(v, offset, length, 1, "string");
    LP_TRY(lp_spend(&l->frame->fuel, length));
    const char *text = (const char *)v->memory + offset;
    if (!lp_is_text(text, length))
        return loop_error_new(LOOP_TRAP, "the component passed a string that is not UTF-8");
    loop_string *s = to;
    s->len = length;
    s->ptr = text;
    return VIEWS_AS_THEY_ARE && !l->keep ? NULL
                                         : lp_lift_view(l, offset, length, (const void **)&s->ptr);
}

/* The same, with what most strings are at hand: short and ASCII, and a view is enough. */
static inline loop_error *lift_string(lp_lift *l, uint32_t offset, uint32_t length, void *to)
{
    const lp_values *v = l->from;
    if (!VIEWS_AS_THEY_ARE || l->keep || v->encoding != LP_UTF8 || length > l->frame->fuel ||
        (uint64_t)offset + length > v->memory_len)
        return lift_text(l, offset, length, to);
    const char *text = (const char *)v->memory + offset;
    if (!lp_is_short_ascii(text, length))
        return lift_text(l, offset, length, to);
    l->frame->fuel -= length;
    *(loop_string *)to = (loop_string){text, length};
    return NULL;
}

/* ---- values in memory ---- */

static inline loop_error *lift_steps(lp_lift *l, const lp_node *n, const uint8_t *from, uint8_t *to)
{
    for (const lp_step *s = n->steps, *end = s + n->step_count; s < end; s++) {
        const uint8_t *p = from + s->guest_offset;
        void *q = to + s->offset;
        if (!s->node) {
            switch (s->size) {
            case 4: memcpy(q, p, 4); break;
            case 8: memcpy(q, p, 8); break;
            default: memcpy(q, p, s->size);
            }
        } else if (s->node->kind == LP_STRING) {
            LP_TRY(lift_string(l, word(p), word(p + 4), q));
        } else {
            LP_TRY(lift(l, s->node, p, q));
        }
    }
    return NULL;
}

static loop_error *lift_case(lp_lift *l, const lp_node *n, const uint8_t *from, void *to)
{
    uint32_t tag = lp_read_tag(from, n->tag);
    if (tag >= n->count)
        return bad_tag(n, tag);
    write_tag(to, n->tag, tag);
    if (!n->parts || !n->parts[tag])
        return NULL;
    return lift(l, n->parts[tag], from + n->guest_payload, (uint8_t *)to + n->payload);
}

static loop_error *lift_char(uint32_t c, void *to)
{
    if (!lp_is_char(c))
        return bad_char(c);
    *(uint32_t *)to = c;
    return NULL;
}

static loop_error *lift(lp_lift *l, const lp_node *n, const uint8_t *from, void *to)
{
    switch (n->kind) {
    case LP_BOOL: *(bool *)to = *from != 0; return NULL;
    case LP_CHAR: return lift_char(word(from), to);
    case LP_STRING: return lift_string(l, word(from), word(from + 4), to);
    case LP_LIST: return lift_list(l, n, word(from), word(from + 4), to);
    case LP_RECORD:
    case LP_TUPLE: return lift_steps(l, n, from, to);
    case LP_VARIANT:
    case LP_ENUM:
    case LP_OPTION:
    case LP_RESULT: return lift_case(l, n, from, to);
    case LP_FLAGS:
        write_tag(to, n->size, lp_read_tag(from, n->guest_size) & flag_mask(n));
        return NULL;
    case LP_OWN:
    case LP_BORROW: return lift_handle(l, n, to);
    default: memcpy(to, from, n->size); return NULL; /* numbers */
    }
}

/* ---- flat values ---- */

static loop_error *lift_flat(lp_lift *l, const lp_node *n, const lp_flat *at, void *to);

static loop_error *lift_flat_fields(lp_lift *l, const lp_node *n, const lp_flat *at, void *to)
{
    for (const lp_step *f = n->fields, *end = f + n->count; f < end; at += f->node->flat, f++) {
        void *place = (uint8_t *)to + f->offset;
        if (lp_lift_number(f->node, at, place))
            continue;
        if (f->node->kind == LP_STRING)
            LP_TRY(lift_string(l, lp_flat_low(at), lp_flat_low(at + 1), place));
        else
            LP_TRY(lift_flat(l, f->node, at, place));
    }
    return NULL;
}

static loop_error *lift_flat_case(lp_lift *l, const lp_node *n, const lp_flat *at, void *to)
{
    uint32_t tag = lp_flat_low(at);
    if (tag >= n->count)
        return bad_tag(n, tag);
    write_tag(to, n->tag, tag);
    if (!n->parts || !n->parts[tag])
        return NULL;
    return lift_flat(l, n->parts[tag], at + 1, (uint8_t *)to + n->payload);
}

static loop_error *lift_flat(lp_lift *l, const lp_node *n, const lp_flat *at, void *to)
{
    if (lp_lift_number(n, at, to))
        return NULL;
    switch (n->kind) {
    case LP_CHAR: return lift_char(lp_flat_low(at), to);
    case LP_STRING: return lift_string(l, lp_flat_low(at), lp_flat_low(at + 1), to);
    case LP_LIST: return lift_list(l, n, lp_flat_low(at), lp_flat_low(at + 1), to);
    case LP_RECORD:
    case LP_TUPLE: return lift_flat_fields(l, n, at, to);
    case LP_VARIANT:
    case LP_ENUM:
    case LP_OPTION:
    case LP_RESULT: return lift_flat_case(l, n, at, to);
    case LP_FLAGS: write_tag(to, n->size, lp_flat_low(at) & flag_mask(n)); return NULL;
    case LP_OWN:
    case LP_BORROW: return lift_handle(l, n, to);
    default: return NULL;
    }
}

loop_error *lp_lift_values(lp_lift *l, const lp_node *n, void *to)
{
    const lp_values *v = l->from;
    l->next_handle = 0;
    if (v->flat) {
        LP_TRY(n->fields ? lift_flat_fields(l, n, v->flat, to) : lift_flat(l, n, v->flat, to));
    } else {
        if (v->size != n->guest_size)
            return loop_error_new(LOOP_INTERNAL, "the engine has %zu bytes for values of %u",
                                  v->size, n->guest_size);
        LP_TRY(lift(l, n, v->memory + v->offset, to));
    }
    if (l->next_handle != v->handle_count)
        return loop_error_new(LOOP_INTERNAL, "the engine found more handles than the value has");
    return NULL;
}
