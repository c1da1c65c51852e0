/*
 * abi/copy.c: a value of C once more, with all that it points to, in memory of its own: for a
 * value that outlives the call that it was made for.
 *
 * Tags and lengths are looked at on the way, since they say what is read; text is copied as it
 * is, and checked when it is lowered. Handles are copied as what stands for them.
 */
#include "abi/convert.h"

/* Whether a value points to something. */
static bool points(const lp_node *n)
{
    if (!n || n->plain)
        return false;
    if (n->kind == LP_STRING || n->kind == LP_LIST)
        return true;
    if (n->kind == LP_OWN || n->kind == LP_BORROW || !n->parts)
        return false;
    for (size_t i = 0; i < n->count; i++)
        if (points(n->parts[i]))
            return true;
    return false;
}

/* `size` bytes to memory of the copy's own; NULL is none. */
static loop_error *copy_bytes(lp_copy *c, const void *from, size_t count, size_t size, void **ret)
{
    *ret = NULL;
    if (!count || !size)
        return NULL;
    if (!from)
        return loop_error_new(c->blame, "%zu elements without a place", count);
    if (count > LP_MAX_CALL_BYTES / size)
        return lp_out_of_fuel();
    LP_TRY(lp_spend(&c->fuel, count * size));
    *ret = c->more(c->data, count * size);
    if (!*ret)
        return lp_out_of_fuel();
    memcpy(*ret, from, count * size);
    return NULL;
}

static loop_error *copy_inside(lp_copy *c, const lp_node *n, uint8_t *at);

static loop_error *copy_list(lp_copy *c, const lp_node *n, uint8_t *at)
{
    loop_list_u8 list;
    void *copy;
    const lp_node *element = n->parts[0];
    memcpy(&list, at, sizeof list);
    LP_TRY(copy_bytes(c, list.ptr, list.len, element->size, &copy));
    list.ptr = copy;
    memcpy(at, &list, sizeof list);
    bool deep = list.len && points(element);
    for (size_t i = 0; deep && i < list.len; i++)
        LP_TRY(copy_inside(c, element, (uint8_t *)copy + i * element->size));
    return NULL;
}

static loop_error *copy_case(lp_copy *c, const lp_node *n, uint8_t *at)
{
    uint32_t tag = lp_read_tag(at, n->tag);
    if (tag >= n->count)
        return loop_error_new(c->blame, "case %u of a type that has %zu", tag, n->count);
    return n->parts && n->parts[tag] ? copy_inside(c, n->parts[tag], at + n->payload) : NULL;
}

/* What lies in a value that was copied as it is. */
static loop_error *copy_inside(lp_copy *c, const lp_node *n, uint8_t *at)
{
    loop_string s;
    void *copy;
    switch (n->kind) {
    case LP_STRING:
        memcpy(&s, at, sizeof s);
        LP_TRY(copy_bytes(c, s.ptr, s.len, 1, &copy));
        s.ptr = copy;
        memcpy(at, &s, sizeof s);
        return NULL;
    case LP_LIST: return copy_list(c, n, at);
    case LP_RECORD:
    case LP_TUPLE:
        for (size_t i = 0; i < n->count; i++)
            if (!n->fields[i].node->plain)
                LP_TRY(copy_inside(c, n->fields[i].node, at + n->fields[i].offset));
        return NULL;
    case LP_VARIANT:
    case LP_ENUM:
    case LP_OPTION:
    case LP_RESULT: return copy_case(c, n, at);
    default: return NULL;
    }
}

loop_error *lp_copy_value(lp_copy *c, const lp_node *n, const void *from, void *to)
{
    memcpy(to, from, n->size);
    return n->plain ? NULL : copy_inside(c, n, to);
}
