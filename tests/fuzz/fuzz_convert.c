/*
 * tests/fuzz/fuzz_convert.c: the boundary with guests: values of any type from a
 * hostile memory to C, and back into a guest that allocates as it likes.
 *
 * The input makes a type, then flat values and a memory. What must hold: nothing is
 * read outside of the memory and nothing leaks; what is lifted can be lowered
 * again, in the same encoding, and lifted from there as the same value; both ways of
 * lowering plain values do the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "abi/convert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes 0 to 3: encoding, where the values lie, how the guest allocates, parameters - 1. */
const char *const fuzz_seeds[] = {
    "\x01\x01\x01\x01\x0c a string in memory: \x08\x01\x01\x01\x04\x01\x01\x01text",
    "\x03\x02\x01\x02\x0e\x03\x0c\x05\x0d\x05 a record of a string, a number and a list",
    "\x02\x01\x01\x01\x0d\x10\x03\x0c\x13\x05\x14 lists of variants, options, results \xff\xfe\x80",
    "\x01\x02\x02\x01\x0d\x0d\x0d\x0d\x0c lists of lists of lists of lists of strings",
    "\x00\x02\x01\x03\x07\x0c\x0d\x08\x0a\x05 numbers, a string and a list of numbers \x10\x03",
    "\x01\x01\x01\x05\x0b\x0b\x01\x11\x14\x15\x08\x01\x02\x03\x04",
    NULL,
};

#define NEW_MEMORY (1u << 16)

struct input {
    const uint8_t *at, *end;
    lp_arena arena;
    size_t nodes;
};

static uint8_t byte(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

/* ---- a type ---- */

static const lp_type *make_type(struct input *in, unsigned depth)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    lp_type *t = lp_arena_alloc(&in->arena, sizeof *t);
    t->kind = (lp_kind)(byte(in) % (LP_FLAGS + 1));
    if ((depth > 6 || ++in->nodes > 100) && t->kind >= LP_LIST)
        t->kind = LP_U32;
    bool many = t->kind == LP_RECORD || t->kind == LP_TUPLE || t->kind == LP_VARIANT ||
                t->kind == LP_ENUM || t->kind == LP_FLAGS;
    t->count = many ? 1 + byte(in) % LP_COUNT(names) : t->kind == LP_RESULT ? 2 : 1;
    if (t->kind == LP_FLAGS)
        t->count *= 4; /* up to 32; nobody reads their names */
    t->names = (const char **)names;
    t->elements = lp_arena_alloc(&in->arena, t->count * sizeof *t->elements);
    bool has_elements = t->kind >= LP_LIST && t->kind != LP_ENUM && t->kind != LP_FLAGS;
    for (size_t i = 0; has_elements && i < t->count; i++)
        if ((t->kind != LP_VARIANT && t->kind != LP_RESULT) || byte(in) % 4)
            t->elements[i] = make_type(in, depth + 1);
    return t;
}

static const lp_plan *make_plan(struct input *in)
{
    lp_signature s = {.nparams = 1 + byte(in) % 20u};
    s.params = lp_arena_alloc(&in->arena, s.nparams * sizeof *s.params);
    for (size_t i = 0; i < s.nparams; i++)
        s.params[i] = make_type(in, 0);
    const lp_plan *p;
    loop_error *err = lp_plan_new(&in->arena, &s, &p);
    loop_error_delete(err);
    return err ? NULL : p;
}

/* ---- a guest that allocates ---- */

struct guest {
    lp_target target; /* first: the callback gets it */
    size_t next;
    uint8_t manner; /* 2: moves its memory each time, while it is small */
};

static struct wasmtime_error *on_realloc(lp_target *t, uint32_t align, uint32_t size, uint32_t *ret)
{
    struct guest *g = (struct guest *)t;
    size_t at = (g->next + align - 1) & ~(size_t)(align - 1);
    /* A large memory is not copied each time. */
    if (at + size > t->memory_len || (g->manner == 2 && t->memory_len < NEW_MEMORY * 4)) {
        bool full = at + size > t->memory_len;
        size_t len = full ? LP_MAX(t->memory_len * 2, at + size + NEW_MEMORY) : t->memory_len;
        uint8_t *moved = lp_alloc(len);
        memcpy(moved, t->memory, t->memory_len);
        memset(t->memory, 0xdd, t->memory_len);
        free(t->memory);
        t->memory = moved;
        t->memory_len = len;
    }
    g->next = at + size;
    *ret = (uint32_t)at;
    return NULL;
}

/* ---- comparing ---- */

static bool same(const lp_node *n, const uint8_t *a, const uint8_t *b);

static bool same_lists(const lp_node *n, const void *a, const void *b)
{
    const loop_list_u8 *x = a, *y = b;
    bool equal = x->len == y->len;
    if (n->kind == LP_STRING)
        return equal && (x->len == 0 || memcmp(x->ptr, y->ptr, x->len) == 0);
    size_t size = n->parts[0]->size;
    for (size_t i = 0; equal && i < x->len; i++)
        equal = same(n->parts[0], x->ptr + i * size, y->ptr + i * size);
    return equal;
}

static bool same(const lp_node *n, const uint8_t *a, const uint8_t *b)
{
    switch (n->kind) {
    case LP_STRING:
    case LP_LIST: return same_lists(n, a, b);
    case LP_RECORD:
    case LP_TUPLE:
        for (size_t i = 0; i < n->count; i++)
            if (!same(n->parts[i], a + n->fields[i].offset, b + n->fields[i].offset))
                return false;
        return true;
    case LP_VARIANT:
    case LP_OPTION:
    case LP_RESULT:
        return memcmp(a, b, n->tag) == 0 &&
               (!n->parts[*a] || same(n->parts[*a], a + n->payload, b + n->payload));
    default: return memcmp(a, b, n->size) == 0;
    }
}

/* ---- there and back ---- */

static loop_code lift(const lp_values *v, const lp_node *n, lp_frame *f, bool keep, void *to)
{
    lp_frame_begin(f);
    lp_lift l = {.from = v, .frame = f, .keep = keep};
    loop_error *err = lp_lift_values(&l, n, to);
    loop_code code = loop_error_code(err);
    loop_error_delete(err);
    return code;
}

/* Where a plan has a direct way, that ends with the same: what `done` got, as flat values. */
static void directly(const lp_plan *p, const void *value, const struct guest *done)
{
    lp_flat flat[LP_FLAT_PARAMS];
    lp_piece pieces[LP_FLAT_PARAMS / 2];
    struct guest g = {.manner = done->manner, .next = 16};
    size_t count;
    if (!p->direct_in || done->target.encoding != LP_UTF8)
        return;
    if (!lp_lower_direct(&p->params, value, flat, pieces, &count))
        abort();
    g.target.memory_len = NEW_MEMORY;
    g.target.memory = lp_alloc(g.target.memory_len);
    for (const lp_piece *x = pieces; x < pieces + count; x++) {
        uint32_t at;
        if (!x->size)
            continue;
        on_realloc(&g.target, x->align, x->size, &at);
        memcpy(g.target.memory + at, x->from, x->size);
        flat[x->slot].lo = at;
    }
    for (size_t i = 0; i < p->params.flat; i++)
        if (flat[i].lo != done->target.flat[i].lo)
            abort();
    if (g.next != done->next || memcmp(g.target.memory, done->target.memory, g.next) != 0)
        abort();
    free(g.target.memory);
}

/* Lowers, lifts again and compares. What was made is at most as large as what was passed. */
static void back(const lp_plan *p, const lp_values *v, uint8_t manner, const void *value,
                 lp_arena *arena)
{
    const lp_node *n = &p->params;
    lp_flat flat[LP_FLAT_PARAMS + 1] = {0};
    struct guest g = {.manner = manner, .next = 16};
    g.target.memory_len = NEW_MEMORY;
    g.target.memory = lp_alloc(g.target.memory_len);
    g.target.encoding = v->encoding;
    g.target.realloc = on_realloc;
    g.target.flat = n->flat <= LP_FLAT_PARAMS ? flat : NULL;
    if (!g.target.flat) {
        uint32_t at;
        on_realloc(&g.target, n->guest_align, n->guest_size, &at);
        g.target.offset = at;
    }
    lp_lower l = {.to = &g.target};
    loop_error *err = lp_lower_values(&l, n, value);
    /* Only what a call may cost stands in the way: a list of one place in memory, many times. */
    if (err && loop_error_code(err) != LOOP_LIMIT)
        abort();
    if (!err) {
        directly(p, value, &g);
        lp_values again = {.flat = g.target.flat,
                           .offset = g.target.offset,
                           .size = n->guest_size,
                           .memory = g.target.memory,
                           .memory_len = g.target.memory_len,
                           .encoding = v->encoding};
        lp_frame frame = {0};
        uint8_t *to = lp_arena_alloc(arena, n->size + 1);
        loop_code code = lift(&again, n, &frame, false, to);
        if ((code && code != LOOP_LIMIT) || (!code && !same(n, value, to)))
            abort();
        lp_frame_done(&frame);
    }
    loop_error_delete(err);
    free(g.target.memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {.at = data, .end = data + size};
    lp_values v = {.encoding = byte(&in) % 3u};
    bool in_memory = byte(&in) % 2;
    uint8_t manner = byte(&in) % 3;
    const lp_plan *p = make_plan(&in);
    if (p) {
        const lp_node *n = &p->params;
        lp_flat flat[LP_FLAT_PARAMS + 1] = {0};
        for (size_t i = 0; i < LP_COUNT(flat); i++)
            for (int b = 0; b < 4; b++)
                flat[i].lo |= (uint64_t)byte(&in) << 8 * (in_memory ? 0 : b % 2);
        v.flat = in_memory || n->flat > LP_FLAT_PARAMS ? NULL : flat;
        /* The rest of the input is the memory, exactly as long, on the heap. */
        v.memory_len = LP_MAX((size_t)(in.end - in.at), v.flat ? 0 : (size_t)n->guest_size);
        v.memory = lp_alloc(v.memory_len + 1);
        memcpy(v.memory, in.at, (size_t)(in.end - in.at));
        v.size = n->guest_size;
        lp_frame frame = {0};
        uint8_t *value = lp_arena_alloc(&in.arena, n->size + 1);
        if (!lift(&v, n, &frame, manner == 1, value))
            back(p, &v, manner, value, &in.arena);
        lp_frame_done(&frame);
        free(v.memory);
    }
    lp_arena_done(&in.arena);
    return 0;
}
