/*
 * tests/fuzz/fuzz_wire.c: values as a hostile sidecar sends them.
 *
 * The input is a type as text, a line feed, a byte that says how to read, and the message.
 * What must hold: nothing is read outside of the message and the shared memory, nothing leaks,
 * no more is taken than LP_MAX_CALL_FUEL; what was read can be written, and read and written from
 * there as the same bytes.
 */
#include <stdint.h>
#include <stdlib.h>

#include "abi/wire.h"
#include "engine/type_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *const fuzz_seeds[] = {
    "(string,list<u8>)\na\x01k\x03\x01\x02\x03",
    "(list<record{id:u32,tags:list<string>,at:option<tuple<f32,f32>>}>)\nb\x01\x01\x01\x01x\x01"
    "aaaabbbb",
    "(variant{a(result<list<u16>,enum{x,y}>),b},flags{a,b,c},char)\nc\x01\x05\xf0\x9f\x98\x80",
    "(s8,s16,s32,s64,u64,f64)\nd\xff\x80\x80\x7e\xff\x7e\x7f\xff\x01"
    "88888888",
    "(own<a:b/c.d>,list<borrow<a:b/c.d>>)\na\x01\x02\x03\x04",
    "(string,list<u8>)\nc\xff\xff\xff\xff\x0f\x01\x05\xff\xff\xff\xff\x0f\x10\x20",
    NULL,
};

static loop_error *put(void *data, const lp_node *n, uint64_t at, uint64_t *ret)
{
    *ret = at;
    return NULL;
}

static loop_error *take(void *data, const lp_node *n, uint64_t number, uint64_t *ret)
{
    *ret = number;
    return NULL;
}

/* Reads, writes. False: it was refused. */
static bool turn(const lp_node *n, lp_wire_in *in, lp_wire_out *out)
{
    lp_frame frame = {0};
    lp_frame_begin(&frame);
    in->frame = &frame;
    in->take = take;
    out->put = put;
    out->len = 0;
    void *value = lp_arena_alloc(&frame.arena, n->size + 1);
    loop_error *err = lp_wire_read(in, n, value);
    if (!err)
        err = lp_wire_end(in);
    bool taken = !err;
    loop_error_delete(err);
    if (taken) {
        err = lp_wire_write(out, n, value);
        /* Shared memory that is named again and again may be too much for a message. */
        if (err && (loop_error_code(err) != LOOP_LIMIT || !in->shared))
            abort();
        taken = !err;
        loop_error_delete(err);
    }
    lp_frame_done(&frame);
    return taken;
}

static void read_values(const lp_node *n, uint8_t manner, const uint8_t *at, const uint8_t *end)
{
    static uint8_t shared[256]; /* zeros: text and bytes alike */
    lp_wire_in in = {.at = at, .end = end, .copy = manner & 1};
    lp_wire_out first = {0}, second = {0};
    if (manner & 2) {
        in.memory = shared;
        in.shared_start = 16;
        in.shared_end = sizeof shared;
        in.copy_shared = manner & 4;
    }
    if (turn(n, &in, &first)) {
        const uint8_t *from = first.ptr ? first.ptr : end; /* no bytes: of no parameters */
        lp_wire_in again = {.at = from, .end = from + first.len};
        if (!turn(n, &again, &second) || first.len != second.len ||
            (first.len && memcmp(first.ptr, second.ptr, first.len) != 0))
            abort();
    }
    free(first.ptr);
    free(second.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size, *line = size ? memchr(data, '\n', size) : NULL;
    if (!line || end - line < 2)
        return 0;
    lp_arena arena = {0};
    lp_resources known = {0};
    const lp_signature *s;
    const lp_plan *p = NULL;
    loop_error *err =
        lp_signature_parse(&arena, &known, (lp_str){(const char *)data, (size_t)(line - data)}, &s);
    if (!err)
        err = lp_plan_new(&arena, s, &p);
    if (!err)
        read_values(&p->params, line[1], line + 2, end);
    loop_error_delete(err);
    free(known.at);
    lp_arena_done(&arena);
    return 0;
}
