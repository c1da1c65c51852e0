/*
 * tests/fuzz/fuzz_value.c: the boundary with guests: values of any type, right
 * and wrong, from a provider to the engine's form and back.
 *
 * The input makes a type, then a value that may fit it or not. What must hold: a
 * value that does not fit is an error and leaks nothing; one that is accepted
 * comes back as the same value.
 */
#include <stdint.h>
#include <stdlib.h>

#include "engine/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *const fuzz_seeds[] = {
    "\x0f\x03\x0c\x02\x0e\x0d hello world, a record of a string, a list and bytes",
    "\x11\x04\x12\x13\x14\x15 variants, enums, options, results \xff\xfe\x80 and what is not UTF-8",
    "\x0e\x0e\x0e\x0e\x0c lists of lists of lists of lists of strings",
    "\x15\x08\x01\x02\x03\x04",
    NULL,
};

struct input {
    const uint8_t *at, *end;
    lp_arena arena;
    size_t nodes;
};

static uint8_t byte(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static const lp_type *make_type(struct input *in, unsigned depth)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    lp_type *t = lp_arena_alloc(&in->arena, sizeof *t);
    t->kind = (loop_kind)(byte(in) % (LOOP_FLAGS + 1));
    if ((depth > 6 || ++in->nodes > 200) && t->kind > LOOP_BYTES)
        t->kind = LOOP_U32;
    bool many = t->kind >= LOOP_RECORD && t->kind <= LOOP_ENUM;
    t->count = many || t->kind == LOOP_FLAGS ? 1 + byte(in) % LP_COUNT(names)
               : t->kind == LOOP_RESULT      ? 2
                                             : 1;
    t->names = (const char **)names;
    t->elements = lp_arena_alloc(&in->arena, t->count * sizeof *t->elements);
    bool has_elements = t->kind >= LOOP_LIST && t->kind != LOOP_ENUM && t->kind != LOOP_FLAGS;
    for (size_t i = 0; has_elements && i < t->count; i++)
        if ((t->kind != LOOP_VARIANT && t->kind != LOOP_RESULT) || byte(in) % 2)
            t->elements[i] = make_type(in, depth + 1);
    return t;
}

static void make_value(struct input *in, const lp_type *t, loop_value *v, unsigned depth);

static void make_items(struct input *in, const lp_type *t, loop_value *v, size_t n, unsigned depth)
{
    v->of.items.at = lp_arena_alloc(&in->arena, (n + 1) * sizeof *v->of.items.at);
    v->of.items.count = n;
    bool same = t->kind == LOOP_LIST || t->kind == LOOP_OPTION;
    for (size_t i = 0; i < n; i++) {
        size_t at = same ? 0 : t->kind == LOOP_VARIANT || t->kind == LOOP_RESULT ? v->index : i;
        const lp_type *e = at < t->count ? t->elements[at] : NULL;
        static const lp_type any = {.kind = LOOP_U8};
        make_value(in, e ? e : &any, &v->of.items.at[i], depth + 1);
    }
}

/* Mostly what fits; now and then another kind, a wrong count or case. */
static void make_value(struct input *in, const lp_type *t, loop_value *v, unsigned depth)
{
    uint8_t how = byte(in);
    bool wrong = how % 16 == 15;
    v->kind = wrong ? (loop_kind)(how / 16 % (LOOP_BORROW + 1)) : t->kind;
    v->index = wrong ? how : how % (t->count ? t->count : 1);
    if (t->kind == LOOP_OPTION)
        v->index = how % 2;
    size_t n = LP_MIN((size_t)(in->end - in->at), (size_t)(how % 8));
    if (t->kind == LOOP_STRING || t->kind == LOOP_BYTES || v->kind == LOOP_STRING ||
        v->kind == LOOP_BYTES) {
        v->of.text.ptr = (const char *)in->at;
        v->of.text.len = n;
        in->at += n;
    } else if (t->kind < LOOP_STRING || t->kind == LOOP_FLAGS || t->kind == LOOP_ENUM || wrong) {
        v->of.u = (uint64_t)byte(in) << (how % 56);
    } else {
        size_t count = t->kind == LOOP_LIST ? n : t->count;
        if (t->kind == LOOP_VARIANT || t->kind == LOOP_RESULT)
            count = t->elements[v->index] != NULL;
        if (t->kind == LOOP_OPTION)
            count = v->index;
        make_items(in, t, v, how == 14 ? count + 1 : count, depth);
    }
}

static void same(const lp_type *t, const loop_value *a, const loop_value *b)
{
    if (a->kind != b->kind)
        abort();
    if (t->kind == LOOP_STRING || t->kind == LOOP_BYTES) {
        if (a->of.text.len != b->of.text.len ||
            (a->of.text.len && memcmp(a->of.text.ptr, b->of.text.ptr, a->of.text.len) != 0))
            abort();
    } else if (t->kind >= LOOP_LIST && t->kind != LOOP_ENUM && t->kind != LOOP_FLAGS) {
        if (a->index != b->index && t->kind >= LOOP_VARIANT && t->kind != LOOP_OPTION)
            abort();
        if (a->of.items.count != b->of.items.count)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {.at = data, .end = data + size};
    const lp_type *t = make_type(&in, 0);
    loop_value v = {0}, back = {0};
    make_value(&in, t, &v, 0);
    wasmtime_component_val_t val = {.kind = WASMTIME_COMPONENT_BOOL};
    lp_convert c = {.arena = &in.arena};
    loop_error *err = lp_convert_out(&c, t, &v, &val, 0);
    if (!err) {
        lp_convert d = {.arena = &in.arena};
        err = lp_convert_in(&d, t, &val, &back, 0);
        if (err)
            abort(); /* what was accepted must come back */
        same(t, &v, &back);
    }
    loop_error_delete(err);
    wasmtime_component_val_delete(&val);
    lp_arena_done(&in.arena);
    return 0;
}
