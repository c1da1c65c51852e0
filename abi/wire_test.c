/*
 * abi/wire_test.c: the value codec on every example of sidecar/PROTOCOL.md, and what the
 * page cannot show: shared memory, limits, values that are none. fuzz_wire does the rest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "abi/wire.h"
#include "tests/sidecar/protocol_page.h"

static lp_arena arena;
static lp_frame frame;

static int begin(void **state)
{
    (void)state;
    lp_frame_begin(&frame);
    return 0;
}

static int end(void **state)
{
    (void)state;
    lp_frame_done(&frame);
    lp_arena_done(&arena);
    return 0;
}

/* Handles are the same number on both sides. */
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

static loop_error *read_all(lp_wire_in *in, const lp_node *n, void *to)
{
    in->frame = &frame;
    in->take = take;
    loop_error *e = lp_wire_read(in, n, to);
    return e ? e : lp_wire_end(in);
}

/* Reads from a copy of the exact size, on the heap, so that a sanitizer sees what is beyond. */
static loop_error *decode(const lp_node *n, const uint8_t *bytes, size_t len, void *to)
{
    uint8_t *exact = lp_arena_take(&arena, len + 1);
    exact += 1; /* unaligned too */
    memcpy(exact, bytes, len);
    lp_wire_in in = {.at = exact, .end = exact + len};
    return read_all(&in, n, to);
}

static loop_code decode_code(const lp_node *n, const uint8_t *bytes, size_t len)
{
    loop_error *e = decode(n, bytes, len, lp_arena_alloc(&arena, n->size + 1));
    loop_code code = e ? loop_error_code(e) : LOOP_OK;
    loop_error_delete(e);
    return code;
}

static void writes(const char *what, const lp_node *n, const void *value, const uint8_t *bytes,
                   size_t len)
{
    lp_wire_out o = {.put = put};
    loop_error *e = lp_wire_write(&o, n, value);
    if (e)
        fail_msg("%s: %s", what, loop_error_message(e));
    if (o.len != len || memcmp(o.ptr, bytes, len) != 0)
        fail_msg("%s: other bytes", what);
    free(o.ptr);
}

/* What JSON says is written as these bytes, and these bytes are read as that value. */
static void page_values(void **state)
{
    page_block b = page_read("values");
    assert_true(b.n >= 45);
    for (size_t i = 0; i < b.n; i++) {
        page_line *l = &b.at[i];
        const lp_node *n = page_type(&arena, l->parts[0]);
        assert_non_null(n);
        uint8_t *value = lp_arena_alloc(&arena, n->size + 1),
                *back = lp_arena_alloc(&arena, n->size);
        json_t *j = page_json(l->parts[1]);
        if (!j || !value_of_json(&arena, n, j, value))
            fail_msg("%s: no value: %s", l->parts[0], l->parts[1]);
        writes(l->parts[1], n, value, l->bytes, l->len);
        loop_error *e = decode(n, l->bytes, l->len, back);
        if (e)
            fail_msg("%s | %s: %s", l->parts[0], l->parts[1], loop_error_message(e));
        writes(l->parts[1], n, back, l->bytes, l->len);
        /* Every beginning of it is none. */
        for (size_t k = 0; k < l->len; k++)
            if (decode_code(n, l->bytes, k) != LOOP_UNAVAILABLE)
                fail_msg("%s | %s: %zu bytes of it are enough", l->parts[0], l->parts[1], k);
        json_decref(j);
    }
    page_done(&b);
}

/* Longer than it has to be: read as the same value. */
static void page_values_read(void **state)
{
    page_block b = page_read("values read");
    assert_true(b.n >= 4);
    for (size_t i = 0; i < b.n; i++) {
        page_line *l = &b.at[i];
        const lp_node *n = page_type(&arena, l->parts[0]);
        uint64_t value = 0, back = 0;
        json_t *j = page_json(l->parts[1]);
        assert_true(n && value_of_json(&arena, n, j, &value));
        assert_null(decode(n, l->bytes, l->len, &back));
        assert_int_equal(value, back);
        json_decref(j);
    }
    page_done(&b);
}

static void page_values_refused(void **state)
{
    page_block b = page_read("values refused");
    assert_true(b.n >= 25);
    for (size_t i = 0; i < b.n; i++) {
        const lp_node *n = page_type(&arena, b.at[i].parts[0]);
        assert_non_null(n);
        if (decode_code(n, b.at[i].bytes, b.at[i].len) != LOOP_UNAVAILABLE)
            fail_msg("%s is not refused: %s", b.at[i].parts[0], b.at[i].parts[1]);
    }
    page_done(&b);
}

/* ---- shared memory ---- */

struct half {
    uint8_t *memory;
    uint32_t at, end;
};

static bool share(void *data, const void *bytes, size_t len, uint32_t *ret)
{
    struct half *h = data;
    if (len > h->end - h->at)
        return false;
    memcpy(h->memory + h->at, bytes, len);
    *ret = h->at;
    h->at += (uint32_t)len;
    return true;
}

static void page_values_shared(void **state)
{
    page_block b = page_read("values shared");
    assert_int_equal(b.n, 2);
    uint8_t *memory = calloc(1, 64u << 20);
    for (size_t i = 0; i < b.n; i++) {
        page_line *l = &b.at[i];
        unsigned len, offset;
        assert_int_equal(sscanf(l->parts[1], "%u bytes at %u", &len, &offset), 2);
        const lp_node *n = page_type(&arena, l->parts[0]);
        char *bytes = lp_arena_alloc(&arena, len);
        memset(bytes, 'x', len);
        struct half h = {memory, offset, offset + len};
        loop_string value = {bytes, len}, back;
        lp_wire_out o = {.share = share, .data = &h};
        assert_null(lp_wire_write(&o, n, &value));
        assert_int_equal(o.shared, 1);
        assert_int_equal(o.len, l->len);
        assert_memory_equal(o.ptr, l->bytes, l->len);
        lp_wire_in in = {.at = l->bytes,
                         .end = l->bytes + l->len,
                         .memory = memory,
                         .shared_start = offset,
                         .shared_end = offset + len};
        assert_null(read_all(&in, n, &back));
        assert_int_equal(back.len, len);
        assert_memory_equal(back.ptr, bytes, len);
        /* Text is a copy, as the other side may change it; bytes are where they are. */
        assert_int_equal((const uint8_t *)back.ptr == memory + offset, n->kind == LP_LIST);
        /* A byte less of its half: beyond it. */
        in = (lp_wire_in){.at = l->bytes,
                          .end = l->bytes + l->len,
                          .memory = memory,
                          .shared_start = offset,
                          .shared_end = offset + len - 1};
        loop_error *e = read_all(&in, n, &back);
        assert_int_equal(loop_error_code(e), LOOP_UNAVAILABLE);
        loop_error_delete(e);
        in = (lp_wire_in){.at = l->bytes,
                          .end = l->bytes + l->len,
                          .memory = memory,
                          .shared_start = offset + 1,
                          .shared_end = offset + len};
        e = read_all(&in, n, &back);
        assert_int_equal(loop_error_code(e), LOOP_UNAVAILABLE);
        loop_error_delete(e);
        free(o.ptr);
    }
    free(memory);
    page_done(&b);
}

/* What is short, and what has no room there, goes into the message. */
static void shared_or_not(void **state)
{
    uint8_t *memory = calloc(1, 1u << 20), *bytes = calloc(1, 128u << 10);
    const lp_node *n = page_type(&arena, "tuple<list<u8>,list<u8>,list<u8>>");
    const loop_list_u8 value[3] = {
        {bytes, LP_SIDE_SHARED_LEAST - 1}, {bytes, LP_SIDE_SHARED_LEAST}, {bytes, 128u << 10}};
    struct half h = {memory, 0, 100u << 10};
    lp_wire_out o = {.share = share, .data = &h};
    assert_null(lp_wire_write(&o, n, value));
    assert_int_equal(o.shared, 1);
    assert_true(o.len > (64u << 10) + (128u << 10) && o.len < (64u << 10) + (128u << 10) + 64);
    free(o.ptr);
    free(memory);
    free(bytes);
}

/* ---- limits ---- */

/* One byte on the wire, 64 KiB in C each: paid for before memory is taken. */
static void fuel_ends_a_bomb(void **state)
{
    lp_buf t = {0};
    lp_buf_puts(&t, "list<variant{a,b(tuple<string");
    for (int i = 1; i < 4000; i++)
        lp_buf_puts(&t, ",string");
    lp_buf_puts(&t, ">)}>");
    const lp_node *n = page_type(&arena, t.ptr);
    assert_true(n && n->parts[0]->size > 60000);
    size_t count = 4u << 20;
    uint8_t *bytes = calloc(1, count + 8);
    uint64_t left = count;
    size_t len = 0;
    for (; left >= 0x80; left >>= 7)
        bytes[len++] = (uint8_t)(left | 0x80);
    bytes[len++] = (uint8_t)left;
    lp_wire_in in = {.at = bytes, .end = bytes + len + count, .frame = &frame};
    loop_list_u8 value;
    loop_error *e = lp_wire_read(&in, n, &value);
    assert_int_equal(loop_error_code(e), LOOP_LIMIT);
    assert_true(frame.arena.used < LP_MAX_CALL_FUEL);
    loop_error_delete(e);
    free(bytes);
    lp_buf_done(&t);
}

static void a_message_ends(void **state)
{
    uint8_t *bytes = calloc(1, 100);
    loop_list_u8 value = {bytes, 100};
    lp_wire_out o = {.max = 100};
    loop_error *e = lp_wire_write(&o, page_type(&arena, "list<u8>"), &value);
    assert_int_equal(loop_error_code(e), LOOP_LIMIT);
    assert_non_null(loop_error_hint(e));
    loop_error_delete(e);
    o.max = 101;
    o.len = 0;
    assert_null(lp_wire_write(&o, page_type(&arena, "list<u8>"), &value));
    free(o.ptr);
    free(bytes);
}

/* ---- what a provider left ---- */

static void no_values(void **state)
{
    const struct {
        const char *type;
        uint64_t value[2];
    } rows[] = {
        {"char", {0xd800}},           {"char", {0x110000}},
        {"enum{a,b}", {2}},           {"variant{a,b(u8)}", {2}},
        {"option<u8>", {2}},          {"result<u8,u8>", {3}},
        {"flags{a,b,c}", {8}},        {"string", {0, 1}},
        {"list<u8>", {0, 1}},         {"list<u64>", {16, 1ull << 40}},
        {"string", {16, 1ull << 40}},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        const lp_node *n = page_type(&arena, rows[i].type);
        lp_wire_out o = {0};
        loop_error *e = lp_wire_write(&o, n, rows[i].value);
        if (!e)
            fail_msg("%s with %llu is written", rows[i].type, (unsigned long long)rows[i].value[0]);
        assert_true(loop_error_code(e) == LOOP_TRAP || loop_error_code(e) == LOOP_LIMIT);
        loop_error_delete(e);
        free(o.ptr);
    }
    const loop_string latin = {"caf\xe9", 4};
    lp_wire_out o = {.blame = LOOP_INVALID};
    loop_error *e = lp_wire_write(&o, page_type(&arena, "string"), &latin);
    assert_int_equal(loop_error_code(e), LOOP_INVALID);
    loop_error_delete(e);
    free(o.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(page_values, begin, end),
        cmocka_unit_test_setup_teardown(page_values_read, begin, end),
        cmocka_unit_test_setup_teardown(page_values_refused, begin, end),
        cmocka_unit_test_setup_teardown(page_values_shared, begin, end),
        cmocka_unit_test_setup_teardown(shared_or_not, begin, end),
        cmocka_unit_test_setup_teardown(fuel_ends_a_bomb, begin, end),
        cmocka_unit_test_setup_teardown(a_message_ends, begin, end),
        cmocka_unit_test_setup_teardown(no_values, begin, end),
    };
    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
