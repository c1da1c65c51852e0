/*
 * abi/lower.c: from C to a guest's flat values and memory; see convert.h.
 *
 * A place in the guest is an offset, never a pointer: its memory may lie elsewhere
 * after each allocation. The engine has checked that what it allocated is in
 * bounds and aligned, and a memory does not shrink.
 */
#include "abi/convert.h"

static void put(lp_lower *l, uint32_t offset, uint32_t value, unsigned size)
{
    memcpy(l->to->memory + offset, &value, size); /* little-endian on both sides */
}

static loop_error *bad_char(loop_code blame, uint32_t c)
{
    return loop_error_new(blame, "0x%x for the component as a char, which is none", c);
}

/* The tag of a value of C's. */
static loop_error *tag_of(loop_code blame, const lp_node *n, const void *from, uint32_t *ret)
{
    *ret = lp_read_tag(from, n->tag);
    if (*ret < n->count)
        return NULL;
    return loop_error_new(blame, "case %u for the component, of a type that has %zu", *ret,
                          n->count);
}

static loop_error *flags_of(loop_code blame, const lp_node *n, const void *from, uint32_t *ret)
{
    *ret = lp_read_tag(from, n->size);
    if (n->count >= 32 || *ret >> n->count == 0)
        return NULL;
    return loop_error_new(blame, "flags 0x%x for the component, of a type that has %zu", *ret,
                          n->count);
}

static loop_error *next_handle(lp_lower *l, const lp_node *n, uint32_t *ret)
{
    if (l->next_handle >= l->handle_count)
        return loop_error_new(LOOP_INTERNAL, "more handles in a value than were counted");
    return lp_target_handle(l->to, n->first_handle, l->handles[l->next_handle++], ret);
}

/* ---- strings and lists ---- */

loop_error *lp_lower_bytes(lp_lower *l, const void *from, size_t size, uint32_t align,
                           uint32_t *ret_offset)
{
    *ret_offset = align;
    if (size == 0)
        return NULL;
    /* A view of an argument: the guest's memory may move while it allocates. */
    uintptr_t at = (uintptr_t)from - (uintptr_t)l->to->memory;
    bool inside = at < l->to->memory_len && size <= l->to->memory_len - at;
    LP_TRY(lp_target_alloc(l->to, align, size, ret_offset));
    memmove(l->to->memory + *ret_offset, inside ? l->to->memory + at : from, size);
    return NULL;
}

static loop_error *lower(lp_lower *l, const lp_node *n, const void *from, uint32_t offset);

/* Elements that lie alike on both sides, but may be wrong. */
static loop_error *check_elements(loop_code blame, const lp_node *e, const uint8_t *from,
                                  size_t count)
{
    uint32_t unused;
    for (size_t i = 0; i < count; i++, from += e->size) {
        if (e->kind == LP_CHAR && !lp_is_char(lp_read_tag(from, 4)))
            return bad_char(blame, lp_read_tag(from, 4));
        if (e->kind == LP_ENUM)
            LP_TRY(tag_of(blame, e, from, &unused));
        if (e->kind == LP_FLAGS)
            LP_TRY(flags_of(blame, e, from, &unused));
    }
    return NULL;
}

static loop_error *lower_list(lp_lower *l, const lp_node *n, const void *from, uint32_t *ret_offset,
                              uint32_t *ret_length)
{
    const loop_list_u8 *list = from;
    const lp_node *e = n->parts[0];
    if (list->len && !list->ptr)
        return loop_error_new(l->blame, "a list of %zu elements without a place", list->len);
    if (list->len > LP_MAX_CALL_FUEL)
        return lp_spend(&l->fuel, SIZE_MAX);
    size_t size = list->len * e->guest_size;
    LP_TRY(lp_spend(&l->fuel, size));
    *ret_length = (uint32_t)list->len;
    if (e->packed)
        return lp_lower_bytes(l, list->ptr, size, e->guest_align, ret_offset);
    if (e->kind == LP_CHAR || e->kind == LP_ENUM || e->kind == LP_FLAGS) {
        LP_TRY(check_elements(l->blame, e, list->ptr, list->len));
        return lp_lower_bytes(l, list->ptr, size, e->guest_align, ret_offset);
    }
    if (e->kind == LP_BOOL) {
        LP_TRY(lp_lower_bytes(l, list->ptr, size, 1, ret_offset));
        for (size_t i = 0; i < size; i++)
            l->to->memory[*ret_offset + i] = l->to->memory[*ret_offset + i] != 0;
        return NULL;
    }
    *ret_offset = e->guest_align;
    if (size)
        LP_TRY(lp_target_alloc(l->to, e->guest_align, size, ret_offset));
    for (size_t i = 0; i < list->len; i++)
        LP_TRY(lower(l, e, list->ptr + i * e->size, *ret_offset + (uint32_t)i * e->guest_size));
    return NULL;
}

/* A string or a list: where it lies in the guest, and its length. */
static loop_error *lower_sequence(lp_lower *l, const lp_node *n, const void *from,
                                  uint32_t *ret_offset, uint32_t *ret_length)
{
    if (n->kind == LP_STRING)
        return lp_string_lower(l, *(const loop_string *)from, ret_offset, ret_length);
    return lower_list(l, n, from, ret_offset, ret_length);
}

/* ---- values in memory ---- */

static loop_error *lower_steps(lp_lower *l, const lp_node *n, const uint8_t *from, uint32_t offset)
{
    for (const lp_step *s = n->steps, *end = s + n->step_count; s < end; s++) {
        if (s->node)
            LP_TRY(lower(l, s->node, from + s->offset, offset + s->guest_offset));
        else
            memcpy(l->to->memory + offset + s->guest_offset, from + s->offset, s->size);
    }
    return NULL;
}

static loop_error *lower_case(lp_lower *l, const lp_node *n, const uint8_t *from, uint32_t offset)
{
    uint32_t tag;
    LP_TRY(tag_of(l->blame, n, from, &tag));
    put(l, offset, tag, n->tag);
    if (!n->parts || !n->parts[tag])
        return NULL;
    return lower(l, n->parts[tag], from + n->payload, offset + n->guest_payload);
}

static loop_error *lower(lp_lower *l, const lp_node *n, const void *from, uint32_t offset)
{
    uint32_t a, b = 0;
    switch (n->kind) {
    case LP_BOOL: put(l, offset, *(const uint8_t *)from != 0, 1); return NULL;
    case LP_CHAR:
        a = *(const uint32_t *)from;
        if (!lp_is_char(a))
            return bad_char(l->blame, a);
        put(l, offset, a, 4);
        return NULL;
    case LP_STRING:
    case LP_LIST:
        LP_TRY(lower_sequence(l, n, from, &a, &b));
        put(l, offset, a, 4);
        put(l, offset + 4, b, 4);
        return NULL;
    case LP_RECORD:
    case LP_TUPLE: return lower_steps(l, n, from, offset);
    case LP_VARIANT:
    case LP_ENUM:
    case LP_OPTION:
    case LP_RESULT: return lower_case(l, n, from, offset);
    case LP_FLAGS:
        LP_TRY(flags_of(l->blame, n, from, &a));
        put(l, offset, a, n->guest_size);
        return NULL;
    case LP_OWN:
    case LP_BORROW:
        LP_TRY(next_handle(l, n, &a));
        put(l, offset, a, 4);
        return NULL;
    default: memcpy(l->to->memory + offset, from, n->size); return NULL; /* numbers */
    }
}

/* ---- flat values ---- */

/* One value of one flat value, without handles. */
loop_error *lp_lower_scalar(const lp_node *n, const void *from, loop_code blame, uint64_t *ret)
{
    uint32_t a;
    if (lp_lower_number(n, from, ret))
        return NULL;
    switch (n->kind) {
    case LP_CHAR:
        a = *(const uint32_t *)from;
        *ret = a;
        return lp_is_char(a) ? NULL : bad_char(blame, a);
    case LP_FLAGS:
        LP_TRY(flags_of(blame, n, from, &a));
        *ret = a;
        return NULL;
    case LP_VARIANT:
    case LP_ENUM:
    case LP_OPTION:
    case LP_RESULT: /* of which no case has a payload */
        LP_TRY(tag_of(blame, n, from, &a));
        *ret = a;
        return NULL;
    case LP_RECORD:
    case LP_TUPLE: /* of one field */
        return lp_lower_scalar(n->fields[0].node, (const uint8_t *)from + n->fields[0].offset,
                               blame, ret);
    default: return loop_error_new(LOOP_INTERNAL, "no scalar");
    }
}

static loop_error *lower_flat(lp_lower *l, const lp_node *n, const void *from, lp_flat *at);

static loop_error *lower_flat_case(lp_lower *l, const lp_node *n, const void *from, lp_flat *at)
{
    uint32_t tag;
    LP_TRY(tag_of(l->blame, n, from, &tag));
    at->lo = tag;
    /* What the case does not fill is zero. */
    for (uint32_t i = 1; i < n->flat; i++)
        at[i].lo = 0;
    if (!n->parts || !n->parts[tag])
        return NULL;
    return lower_flat(l, n->parts[tag], (const uint8_t *)from + n->payload, at + 1);
}

static loop_error *lower_flat(lp_lower *l, const lp_node *n, const void *from, lp_flat *at)
{
    uint32_t a, b = 0;
    switch (n->kind) {
    case LP_STRING:
    case LP_LIST:
        LP_TRY(lower_sequence(l, n, from, &a, &b));
        at[0].lo = a;
        at[1].lo = b;
        return NULL;
    case LP_RECORD:
    case LP_TUPLE:
        for (const lp_step *f = n->fields, *end = f + n->count; f < end; at += f->node->flat, f++)
            if (!lp_lower_number(f->node, (const uint8_t *)from + f->offset, &at->lo))
                LP_TRY(lower_flat(l, f->node, (const uint8_t *)from + f->offset, at));
        return NULL;
    case LP_VARIANT:
    case LP_OPTION:
    case LP_RESULT: return lower_flat_case(l, n, from, at);
    case LP_OWN:
    case LP_BORROW:
        LP_TRY(next_handle(l, n, &a));
        at->lo = a;
        return NULL;
    default: return lp_lower_scalar(n, from, l->blame, &at->lo);
    }
}

bool lp_lower_direct(const lp_node *n, const void *from, lp_flat *flat, lp_piece *pieces,
                     size_t *ret_count)
{
    size_t fuel = LP_MAX_CALL_FUEL, count = 0;
    uint32_t at = 0;
    for (const lp_step *f = n->fields, *end = f + n->count; f < end; f++, at++) {
        const void *value = (const uint8_t *)from + f->offset;
        if (lp_lower_number(f->node, value, &flat[at].lo))
            continue;
        const loop_list_u8 *list = value;
        size_t size = list->len;
        uint32_t align = 1;
        if (size > fuel || (size && !list->ptr))
            return false;
        if (f->node->kind == LP_LIST) {
            size *= f->node->parts[0]->guest_size;
            align = f->node->parts[0]->guest_align;
        } else if (!lp_is_text((const char *)list->ptr, size)) {
            return false;
        }
        if (size > fuel)
            return false;
        fuel -= size;
        pieces[count++] = (lp_piece){list->ptr, (uint32_t)size, align, at};
        flat[at++].lo = align; /* of nothing: aligned, and that is all */
        flat[at].lo = list->len;
    }
    *ret_count = count;
    return true;
}

loop_error *lp_lower_values(lp_lower *l, const lp_node *n, const void *from)
{
    l->next_handle = 0;
    l->fuel = LP_MAX_CALL_FUEL;
    if (l->to->flat)
        return lower_flat(l, n, from, l->to->flat);
    return lower(l, n, from, (uint32_t)l->to->offset);
}

/* ---- handles ---- */

loop_error *lp_each_handle(const lp_node *n, const void *value, loop_code blame, lp_handle_fn *f,
                           void *data)
{
    if (!n->handles)
        return NULL;
    const uint8_t *from = value;
    const loop_list_u8 *list = value;
    uint32_t tag;
    switch (n->kind) {
    case LP_OWN:
    case LP_BORROW: return f(data, n, *(const uint64_t *)value);
    case LP_LIST:
        if (list->len && !list->ptr)
            return loop_error_new(blame, "a list of %zu elements without a place", list->len);
        for (size_t i = 0; i < list->len; i++)
            LP_TRY(lp_each_handle(n->parts[0], list->ptr + i * n->parts[0]->size, blame, f, data));
        return NULL;
    case LP_RECORD:
    case LP_TUPLE:
        for (size_t i = 0; i < n->count; i++)
            LP_TRY(lp_each_handle(n->fields[i].node, from + n->fields[i].offset, blame, f, data));
        return NULL;
    default: /* cases */
        LP_TRY(tag_of(blame, n, value, &tag));
        return n->parts[tag] ? lp_each_handle(n->parts[tag], from + n->payload, blame, f, data)
                             : NULL;
    }
}
