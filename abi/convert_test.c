/* abi/convert_test.c: layouts and conversions without a guest; fuzz_convert and tests/conformance
   do the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "abi/convert.h"

#define TYPE(k, ...)                                                                               \
    &(const lp_type)                                                                               \
    {                                                                                              \
        .kind = (k), __VA_ARGS__                                                                   \
    }
#define PARTS(n, ...)                                                                              \
    .count = (n), .elements = (const lp_type *[])                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static const lp_type *const u8 = TYPE(LP_U8), *const u32 = TYPE(LP_U32), *const u64 = TYPE(LP_U64),
                            *const text = TYPE(LP_STRING), *const truth = TYPE(LP_BOOL);

static lp_arena arena;

static int drop_arena(void **state)
{
    (void)state;
    lp_arena_done(&arena);
    return 0;
}

/* The plan of a function with that one parameter. */
static const lp_plan *plan_of(const lp_type *t)
{
    const lp_plan *p;
    lp_signature s = {.nparams = 1, .params = &t};
    assert_null(lp_plan_new(&arena, &s, &p));
    return p;
}

/* What C lays out and what the Canonical ABI lays out, by hand. */
static void layouts(void **state)
{
    (void)state;
    struct row {
        uint8_t a;
        loop_string name;
        bool on;
    };
    struct choice {
        uint8_t tag;
        union {
            uint64_t number;
            uint8_t small;
        } of;
    };
    const struct {
        const lp_type *type;
        uint32_t guest_size, guest_align;
        size_t size, align;
        uint32_t flat;
    } rows[] = {
        {u8, 1, 1, 1, 1, 1},
        {text, 8, 4, sizeof(loop_string), _Alignof(loop_string), 2},
        {TYPE(LP_RECORD, PARTS(3, u8, text, truth)), 16, 4, sizeof(struct row),
         _Alignof(struct row), 4},
        {TYPE(LP_VARIANT, PARTS(2, u64, u8)), 16, 8, sizeof(struct choice), _Alignof(struct choice),
         2},
        {TYPE(LP_OPTION, PARTS(1, text)), 12, 4, 24, 8, 3},
        {TYPE(LP_RESULT, PARTS(2, NULL, NULL)), 1, 1, 1, 1, 1},
        {TYPE(LP_FLAGS, .count = 9), 2, 2, 2, 2, 1},
        {TYPE(LP_FLAGS, .count = 32), 4, 4, 4, 4, 1},
        {TYPE(LP_ENUM, .count = 256), 1, 1, 1, 1, 1},
        {TYPE(LP_ENUM, .count = 257), 2, 2, 2, 2, 1},
        {TYPE(LP_OWN, ), 4, 4, 8, 8, 1},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        const lp_node *n = plan_of(rows[i].type)->params.parts[0];
        if (n->guest_size != rows[i].guest_size || n->guest_align != rows[i].guest_align ||
            n->size != rows[i].size || n->align != rows[i].align || n->flat != rows[i].flat)
            fail_msg("row %zu: guest %u/%u, C %u/%u, %u flat", i, n->guest_size, n->guest_align,
                     n->size, n->align, n->flat);
    }
}

/* A guest with one memory; it allocates behind what it gave out. */
struct guest {
    lp_target target;
    uint8_t memory[256];
    uint32_t next;
};

static struct wasmtime_error *on_realloc(lp_target *t, uint32_t align, uint32_t size, uint32_t *ret)
{
    struct guest *g = (struct guest *)t;
    *ret = (g->next + align - 1) & ~(align - 1);
    g->next = *ret + size;
    assert_true(g->next <= sizeof g->memory);
    return NULL;
}

static void make_guest(struct guest *g, lp_flat *flat)
{
    *g = (struct guest){.next = 16};
    g->target = (lp_target){
        .flat = flat, .memory = g->memory, .memory_len = sizeof g->memory, .realloc = on_realloc};
}

/* What lies between the fields of a struct of C's is nobody's to see. */
static void gaps_stay_at_home(void **state)
{
    (void)state;
    struct pair {
        uint8_t a;
        uint32_t b;
    } pairs[2];
    memset(pairs, 0xee, sizeof pairs);
    for (int i = 0; i < 2; i++) {
        pairs[i].a = 1;
        pairs[i].b = 2;
    }
    const lp_type *pair = TYPE(LP_RECORD, PARTS(2, u8, u32));
    const lp_plan *p = plan_of(TYPE(LP_LIST, PARTS(1, pair)));
    loop_list_u8 list = {(const uint8_t *)pairs, 2};
    lp_flat flat[2];
    struct guest g;
    make_guest(&g, flat);
    lp_lower l = {.to = &g.target};
    assert_null(lp_lower_values(&l, &p->params, &list));
    assert_int_equal(flat[1].lo, 2);
    const uint8_t *got = g.memory + flat[0].lo;
    for (int i = 0; i < 16; i++)
        assert_int_equal(got[i], i % 8 == 0 ? 1 : i % 8 == 4 ? 2 : 0);
}

/* A string of the guest's: a view in bounds, or an error; nothing beyond is read. */
static void strings_are_checked(void **state)
{
    (void)state;
    const struct {
        uint32_t offset, length;
        bool fits;
    } rows[] = {
        {0, 4, true},           {4, 0, true},           {5, 0, false},
        {0, 5, false},          {UINT32_MAX, 1, false}, {1, UINT32_MAX, false},
        {UINT32_MAX, 0, false}, {4, UINT32_MAX, false},
    };
    const lp_plan *p = plan_of(text);
    uint8_t *memory = malloc(4);
    memcpy(memory, "abcd", 4);
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_flat flat[2] = {{rows[i].offset, 0}, {rows[i].length, 0}};
        lp_values v = {.flat = flat, .memory = memory, .memory_len = 4};
        lp_frame frame = {0};
        lp_frame_begin(&frame);
        lp_lift l = {.from = &v, .frame = &frame};
        loop_string s = {0};
        loop_error *err = lp_lift_values(&l, &p->params, &s);
        if ((err == NULL) != rows[i].fits || (!err && s.len != rows[i].length))
            fail_msg("row %zu", i);
        assert_true(!err || loop_error_code(err) == LOOP_TRAP);
        loop_error_delete(err);
        lp_frame_done(&frame);
    }
    free(memory);
}

/* Many looks at one place cost what they look at: fuel ends them. */
static void fuel_ends_a_bomb(void **state)
{
    (void)state;
    /* A list of 4,096 strings, each the same 65,536 bytes: 256 MiB to look at. */
    size_t count = 4096, size = count * 8 + 65536;
    uint8_t *memory = calloc(1, size);
    for (size_t i = 0; i < count; i++)
        memcpy(memory + i * 8, (const uint32_t[]){(uint32_t)count * 8, 65536}, 8);
    const lp_plan *p = plan_of(TYPE(LP_LIST, PARTS(1, text)));
    lp_flat flat[2] = {{0, 0}, {count, 0}};
    lp_values v = {.flat = flat, .memory = memory, .memory_len = size};
    lp_frame frame = {0};
    lp_frame_begin(&frame);
    lp_lift l = {.from = &v, .frame = &frame};
    loop_list_string list;
    loop_error *err = lp_lift_values(&l, &p->params, &list);
    assert_int_equal(loop_error_code(err), LOOP_LIMIT);
    loop_error_delete(err);
    lp_frame_done(&frame);
    free(memory);
}

/* What goes to a guest without a callback: as it is, and only what there is nothing to say of. */
static void plain_parameters_go_directly(void **state)
{
    (void)state;
    struct {
        uint8_t small;
        loop_string name, nothing;
        loop_list_u64 numbers;
        uint32_t last;
    } args = {200, {"grüß", 6}, {NULL, 0}, {(const uint64_t[]){1, 2, 3}, 3}, 7};
    const lp_type *types[] = {u8, text, text, TYPE(LP_LIST, PARTS(1, u64)), u32};
    const lp_plan *p;
    assert_null(lp_plan_new(&arena, &(lp_signature){.nparams = 5, .params = types}, &p));
    assert_true(p->direct_in && !p->numbers_in);
    lp_flat flat[LP_FLAT_PARAMS];
    lp_piece pieces[LP_FLAT_PARAMS / 2];
    size_t n;
    assert_true(lp_lower_direct(&p->params, &args, flat, pieces, &n));
    assert_int_equal(n, 3);
    const lp_piece wanted[] = {
        {args.name.ptr, 6, 1, 1}, {NULL, 0, 1, 3}, {args.numbers.ptr, 24, 8, 5}};
    for (size_t i = 0; i < n; i++)
        assert_true(pieces[i].from == wanted[i].from && pieces[i].size == wanted[i].size &&
                    pieces[i].align == wanted[i].align && pieces[i].slot == wanted[i].slot);
    assert_true(flat[0].lo == 200 && flat[2].lo == 6 && flat[6].lo == 3 && flat[7].lo == 7);
    assert_true(flat[3].lo == 1 && flat[4].lo == 0); /* an address, though of nothing */
    args.nothing = (loop_string){"\xff", 1};
    assert_false(lp_lower_direct(&p->params, &args, flat, pieces, &n));
    args.nothing = (loop_string){NULL, 1};
    assert_false(lp_lower_direct(&p->params, &args, flat, pieces, &n));
    args.nothing.len = 0;
    args.numbers.len = LP_MAX_CALL_FUEL / 8; /* with the name one string too much */
    assert_false(lp_lower_direct(&p->params, &args, flat, pieces, &n));
    args.numbers.len = SIZE_MAX / 8 + 2;
    assert_false(lp_lower_direct(&p->params, &args, flat, pieces, &n));
    assert_false(plan_of(TYPE(LP_CHAR))->direct_in);
    assert_false(plan_of(TYPE(LP_LIST, PARTS(1, text)))->direct_in);
    assert_false(plan_of(TYPE(LP_LIST, PARTS(1, truth)))->direct_in);
}

/* Every length, with one byte that is no ASCII at each place. */
static void short_text_is_looked_at_whole(void **state)
{
    (void)state;
    char buf[65];
    for (size_t n = 0; n <= 64; n++) {
        memset(buf, 'a', n);
        assert_true(lp_is_short_ascii(buf, n) && lp_is_text(buf, n));
        for (size_t i = 0; i < n; i++) {
            buf[i] = (char)0xff;
            assert_false(lp_is_short_ascii(buf, n) || lp_is_text(buf, n));
            buf[i] = 'a';
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts),
        cmocka_unit_test(gaps_stay_at_home),
        cmocka_unit_test(strings_are_checked),
        cmocka_unit_test(fuel_ends_a_bomb),
        cmocka_unit_test(plain_parameters_go_directly),
        cmocka_unit_test(short_text_is_looked_at_whole),
    };
    return cmocka_run_group_tests(tests, NULL, drop_arena);
}
