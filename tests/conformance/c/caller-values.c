/*
 * caller: checks of loop:conformance/values. First the values, a table for each
 * function, then the calls. A NaN must come back as a NaN; that its bits stay is more than the
 * component model promises, so exact_nan is not among the names and is asked for where a host
 * promises it.
 */
#include "caller-same.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define F(name) loop_conformance_values_##name
#define TABLE(name, type) static const type values_##name[]

/* --- the values --- */

#define NAN32 __builtin_nanf("0x12345")
#define NAN64 __builtin_nan("0x123456789")

TABLE(bool, bool) = {false, true};
TABLE(u8, uint8_t) = {0, 1, 127, 128, UINT8_MAX};
TABLE(s8, int8_t) = {0, 1, -1, INT8_MIN, INT8_MAX};
TABLE(u16, uint16_t) = {0, 1, 255, 256, 32768, UINT16_MAX};
TABLE(s16, int16_t) = {0, 1, -1, -129, INT16_MIN, INT16_MAX};
TABLE(u32, uint32_t) = {0, 1, 65536, 0x80000000, UINT32_MAX};
TABLE(s32, int32_t) = {0, 1, -1, -32769, INT32_MIN, INT32_MAX};
TABLE(u64, uint64_t) = {0, 1, 0x80000000, 0x100000000, 1ull << 63, UINT64_MAX};
TABLE(s64, int64_t) = {0, 1, -1, -2147483649, INT64_MIN, INT64_MAX};
TABLE(f32, float) = {0,        -0.0f,        1,           -1.5f,    FLT_MIN,   FLT_MAX,
                     -FLT_MAX, FLT_TRUE_MIN, FLT_EPSILON, INFINITY, -INFINITY, NAN,
                     -NAN,     NAN32};
TABLE(f64, double) = {0,        -0.0,         1,           -1.5,     DBL_MIN,   DBL_MAX,
                      -DBL_MAX, DBL_TRUE_MIN, DBL_EPSILON, INFINITY, -INFINITY, NAN,
                      -NAN,     NAN64};
TABLE(char, uint32_t) = {0,     'a',    0x7f,   0x80,   0xe9,   0xff,    0x100,   0x7ff,
                         0x800, 0xd7ff, 0xe000, 0xfeff, 0xffff, 0x10000, 0x10ffff};

#define TEXTS                                                                                      \
    TEXT(""), TEXT("a"), TEXT("hello, world"), TEXT("\0"), TEXT("a\0b\0"), TEXT("\x7f"),           \
        TEXT("é"), TEXT("\xc2\x80\xc3\xbf\xc4\x80"), TEXT("\u07ff\u0800"), TEXT("世界"),           \
        TEXT("\xed\x9f\xbf\xee\x80\x80"), TEXT("\xef\xbb\xbf"), TEXT("\uffff\U00010000"),          \
        TEXT("🌍"), TEXT("\U0010ffff"), TEXT("grüß dich, 世界 🌍"),                                \
        TEXT("👩‍👩‍👧 e\u0301")
TABLE(string, caller_string_t) = {TEXTS};

TABLE(list_bool, caller_list_bool_t) = {{0}, LIST(bool, true), LIST(bool, true, false, true)};
TABLE(list_u8, caller_list_u8_t) = {{0}, LIST(uint8_t, 0), LIST(uint8_t, 1, 2, 3, 254, 255)};
TABLE(list_s8, caller_list_s8_t) = {{0}, LIST(int8_t, -128, -1, 0, 1, 127)};
TABLE(list_u16, caller_list_u16_t) = {{0}, LIST(uint16_t, 0, 1, 65535)};
TABLE(list_s16, caller_list_s16_t) = {{0}, LIST(int16_t, INT16_MIN, -1, INT16_MAX)};
TABLE(list_u32, caller_list_u32_t) = {{0}, LIST(uint32_t, 0, 1, UINT32_MAX)};
TABLE(list_s32, caller_list_s32_t) = {{0}, LIST(int32_t, INT32_MIN, -1, INT32_MAX)};
TABLE(list_u64, caller_list_u64_t) = {{0}, LIST(uint64_t, 0, 1, UINT64_MAX)};
TABLE(list_s64, caller_list_s64_t) = {{0}, LIST(int64_t, INT64_MIN, -1, INT64_MAX)};
TABLE(list_f32, caller_list_f32_t) = {{0}, LIST(float, 0, -0.0f, INFINITY, NAN, NAN32, 1.5f)};
TABLE(list_f64, caller_list_f64_t) = {{0}, LIST(double, 0, -0.0, -INFINITY, NAN, NAN64, 1.5)};
TABLE(list_char, caller_list_char32_t) = {{0}, LIST(uint32_t, 0, 'a', 0xd7ff, 0xe000, 0x10ffff)};
TABLE(list_string,
      caller_list_string_t) = {{0}, LIST(caller_string_t, TEXT("")), LIST(caller_string_t, TEXTS)};
TABLE(list_list_u8, caller_list_list_u8_t) = {
    {0},
    LIST(caller_list_u8_t, {0}, {0}),
    LIST(caller_list_u8_t, LIST(uint8_t, 1), {0}, LIST(uint8_t, 2, 3, 4))};
TABLE(list_list_string, caller_list_list_string_t) = {
    {0},
    LIST(caller_list_string_t, {0}, LIST(caller_string_t, TEXT("one"), TEXT("")), {0}),
    LIST(caller_list_string_t, LIST(caller_string_t, TEXTS), LIST(caller_string_t, TEXTS))};
TABLE(list_option_u8,
      caller_list_option_u8_t) = {{0}, LIST(caller_option_u8_t, {true, 0}, {0}, {true, 255}, {0})};
TABLE(list_tuple, T(triples)) = {
    {0}, LIST(caller_tuple3_string_u64_u8_t, {TEXT("é"), UINT64_MAX, 1}, {TEXT(""), 0, 255})};
TABLE(list_level, T(list_level)) = {{0}, LIST(T(level), 2, 0, 1)};
TABLE(list_flags, T(list_flags9)) = {{0}, LIST(T(flags9), 0, 0x1ff, 0x100, 1)};

TABLE(tuple_one, T(monad)) = {{0}, {UINT16_MAX}};
TABLE(tuple, T(mixed)) = {{0, 0, 0, TEXT(""), 0},
                          {255, UINT64_MAX, 254, TEXT("世"), -0.0f},
                          {1, 2, 3, TEXT("four"), NAN}};
TABLE(tuple_tuple, T(nested)) = {{{0, 0}, {0, {0, false}}},
                                 {{1, 0xffff}, {0x80000000, {1ull << 63, true}}}};

#define NUMBERS_HIGH                                                                               \
    {true,                                                                                         \
     255,                                                                                          \
     INT8_MAX,                                                                                     \
     UINT16_MAX,                                                                                   \
     UINT64_MAX,                                                                                   \
     INT16_MAX,                                                                                    \
     UINT32_MAX,                                                                                   \
     INT32_MAX,                                                                                    \
     0x10ffff,                                                                                     \
     INT64_MAX,                                                                                    \
     FLT_MAX,                                                                                      \
     DBL_MAX,                                                                                      \
     TEXT("grüß dich, 世界 🌍")}
#define NUMBERS_LOW                                                                                \
    {false, 0, INT8_MIN, 0, 0, INT16_MIN, 0, INT32_MIN, 0, INT64_MIN, -FLT_MAX, -DBL_MAX, TEXT("")}
#define NUMBERS_ODD {true, 1, -1, 2, 3, -2, 4, -3, 'x', -4, NAN, -0.0, TEXT("a\0b")}
TABLE(one, T(one)) = {{0}, {255}};
TABLE(numbers, T(numbers)) = {NUMBERS_LOW, NUMBERS_HIGH, NUMBERS_ODD};
TABLE(list_record, T(list_numbers)) = {{0},
                                       LIST(T(numbers), NUMBERS_LOW, NUMBERS_HIGH, NUMBERS_ODD)};
TABLE(padded, T(padded)) = {{0, 0, 0}, {255, UINT64_MAX, 254}, {1, 2, 3}};
TABLE(wide, T(wide)) = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, UINT32_MAX}};
#define OUTER                                                                                      \
    {                                                                                              \
        TEXT("outer"), {1, 2, 3}, LIST(T(padded), {4, 5, 6}, {7, UINT64_MAX, 8}),                  \
        {                                                                                          \
            true, {9}                                                                              \
        }                                                                                          \
    }
TABLE(outer, T(outer)) = {{TEXT(""), {0, 0, 0}, {0}, {0}}, OUTER};

TABLE(single, T(single)) = {{0, {TEXT("")}}, {0, {TEXT("only this")}}};
TABLE(bare, T(bare)) = {{0}, {1}, {2}};
#define JOINED                                                                                     \
    {0, {0}}, {1, {.small = 255}}, {2, {.word = UINT32_MAX}}, {3, {.long_ = UINT64_MAX}},          \
        {4, {.single = -0.0f}}, {4, {.single = NAN}}, {5, {.double_ = -1.5}},                      \
        {5, {.double_ = NAN}}, {6, {.letter = 0x10ffff}}, {7, {.text = TEXT("🌍")}},               \
        {7, {.text = TEXT("")}}, {8, {.pair = {FLT_MAX, INT64_MIN}}},                              \
        {9, {.everything = NUMBERS_HIGH}},                                                         \
    {                                                                                              \
        9,                                                                                         \
        {                                                                                          \
            .everything = NUMBERS_ODD                                                              \
        }                                                                                          \
    }
TABLE(joined, T(joined)) = {JOINED};
TABLE(list_variant, T(list_joined)) = {{0}, LIST(T(joined), JOINED)};
TABLE(halves,
      T(halves)) = {{0, {.whole = INT32_MIN}}, {1, {.broken = -1.5f}}, {1, {.broken = NAN}}};
TABLE(cases257, T(cases257)) = {{0, {.c0 = 255}},
                                {1, {0}},
                                {127, {0}},
                                {128, {0}},
                                {254, {0}},
                                {255, {.c255 = TEXT("é")}},
                                {256, {.c256 = UINT64_MAX}}};

TABLE(lone, T(lone)) = {0};
TABLE(level, T(level)) = {0, 1, 2};
TABLE(enum256, T(enum256)) = {0, 1, 127, 128, 255};
TABLE(enum257, T(enum257)) = {0, 1, 127, 128, 255, 256};

TABLE(option_u8, uint8_t) = {0, 255};
TABLE(option_u64, uint64_t) = {0, UINT64_MAX};
TABLE(option_string, caller_string_t) = {TEXTS};
TABLE(option_list, caller_list_string_t) = {{0}, LIST(caller_string_t, TEXTS)};
TABLE(option_record, T(padded)) = {{0, 0, 0}, {1, UINT64_MAX, 2}};
TABLE(option_option, caller_option_u8_t) = {{0}, {true, 0}, {true, 255}};
TABLE(option_deep, caller_option_option_option_option_string_t) = {
    {0},
    {true, {0}},
    {true, {true, {0}}},
    {true, {true, {true, {0}}}},
    {true, {true, {true, {true, TEXT("")}}}},
    {true, {true, {true, {true, TEXT("deep é世🌍")}}}}};

TABLE(result_both,
      T(either)) = {{false, {.ok = UINT64_MAX}}, {true, {.err = -0.0f}}, {true, {.err = NAN}}};
TABLE(result_strings, T(texts)) = {{false, {.ok = TEXT("good")}},
                                   {true, {.err = TEXT("schlecht: é")}}};
TABLE(result_result, T(inner_result)) = {{false, {.ok = {false, {.ok = 255}}}},
                                         {false, {.ok = {true, {.err = TEXT("inner")}}}},
                                         {true, {.err = {0}}},
                                         {true, {.err = {true, UINT64_MAX}}}};
TABLE(result_list, T(list_result)) = {{false, {.ok = LIST(caller_string_t, TEXTS)}},
                                      {false, {.ok = {0}}},
                                      {true, {.err = {9, {.everything = NUMBERS_LOW}}}}};

TABLE(flags1, T(flags1)) = {0, 1};
TABLE(flags8, T(flags8)) = {0, 1, 0x80, 0xa5, 0xff};
TABLE(flags9, T(flags9)) = {0, 1, 0x100, 0xaa, 0x1ff};
TABLE(flags16, T(flags16)) = {0, 1, 0x8000, 0xa5a5, 0xffff};
TABLE(flags17, T(flags17)) = {0, 1, 0x10000, 0xaaaa, 0x1ffff};
TABLE(flags32, T(flags32)) = {0, 1, 0x80000000, 0xa5a5a5a5, 0xffffffff};

#define TREE                                                                                       \
    {TEXT("tree"),                                                                                 \
     LIST(caller_tuple2_f64_f32_t, {1.5, -0.0f}, {INFINITY, NAN}),                                 \
     {7, {.text = TEXT("leaf 🍃")}},                                                               \
     LIST(caller_option_string_t, {0}, {true, TEXT("tag")}, {true, TEXT("")}),                     \
     {false, {.ok = {true, 1}}},                                                                   \
     LIST(T(list_level), {0}, LIST(T(level), 0, 1, 2))}
#define BARE_TREE {TEXT(""), {0}, {0, {0}}, {0}, {true, {.err = 0x10001}}, {0}}
TABLE(tree, T(tree)) = {TREE, BARE_TREE};
TABLE(trees, T(list_tree)) = {{0}, LIST(T(tree), TREE, BARE_TREE, TREE)};
TABLE(mixture, T(result_list_option_tuple2_string_joined_outer)) = {
    {true, {.err = OUTER}},
    {false, {.ok = {0}}},
    {false,
     {.ok = LIST(maybe_pair, {0}, {true, {TEXT("é"), {5, {.double_ = 0.1}}}},
                 {true, {TEXT(""), {9, {.everything = NUMBERS_HIGH}}}})}}};

/* --- the calls --- */

/* Functions that take and give a value as it is: name, type, how to compare. */
#define BY_VALUE(X)                                                                                \
    X(bool, bool, same_bool)                                                                       \
    X(u8, uint8_t, same_u8)                                                                        \
    X(s8, int8_t, same_s8)                                                                         \
    X(u16, uint16_t, same_u16)                                                                     \
    X(s16, int16_t, same_s16)                                                                      \
    X(u32, uint32_t, same_u32)                                                                     \
    X(s32, int32_t, same_s32)                                                                      \
    X(u64, uint64_t, same_u64)                                                                     \
    X(s64, int64_t, same_s64)                                                                      \
    X(f32, float, same_f32)                                                                        \
    X(f64, double, same_f64)                                                                       \
    X(char, uint32_t, same_u32)                                                                    \
    X(lone, T(lone), same_lone)                                                                    \
    X(level, T(level), same_level)                                                                 \
    X(enum256, T(enum256), same_enum256)                                                           \
    X(enum257, T(enum257), same_enum257)                                                           \
    X(flags1, T(flags1), same_flags1)                                                              \
    X(flags8, T(flags8), same_flags8)                                                              \
    X(flags9, T(flags9), same_flags9)                                                              \
    X(flags16, T(flags16), same_flags16)                                                           \
    X(flags17, T(flags17), same_flags17)                                                           \
    X(flags32, T(flags32), same_flags32)

/* By pointer. */
#define BY_POINTER(X)                                                                              \
    X(string, caller_string_t, same_string)                                                        \
    X(list_bool, caller_list_bool_t, same_list_bool)                                               \
    X(list_u8, caller_list_u8_t, same_list_u8)                                                     \
    X(list_s8, caller_list_s8_t, same_list_s8)                                                     \
    X(list_u16, caller_list_u16_t, same_list_u16)                                                  \
    X(list_s16, caller_list_s16_t, same_list_s16)                                                  \
    X(list_u32, caller_list_u32_t, same_list_u32)                                                  \
    X(list_s32, caller_list_s32_t, same_list_s32)                                                  \
    X(list_u64, caller_list_u64_t, same_list_u64)                                                  \
    X(list_s64, caller_list_s64_t, same_list_s64)                                                  \
    X(list_f32, caller_list_f32_t, same_list_f32)                                                  \
    X(list_f64, caller_list_f64_t, same_list_f64)                                                  \
    X(list_char, caller_list_char32_t, same_list_char)                                             \
    X(list_string, caller_list_string_t, same_list_string)                                         \
    X(list_list_u8, caller_list_list_u8_t, same_list_list_u8)                                      \
    X(list_list_string, caller_list_list_string_t, same_list_list_string)                          \
    X(list_option_u8, caller_list_option_u8_t, same_list_option_u8)                                \
    X(list_tuple, T(triples), same_list_tuple)                                                     \
    X(list_level, T(list_level), same_list_level)                                                  \
    X(list_record, T(list_numbers), same_list_record)                                              \
    X(list_variant, T(list_joined), same_list_variant)                                             \
    X(list_flags, T(list_flags9), same_list_flags)                                                 \
    X(tuple_one, T(monad), same_tuple_one)                                                         \
    X(tuple, T(mixed), same_tuple)                                                                 \
    X(tuple_tuple, T(nested), same_tuple_tuple)                                                    \
    X(one, T(one), same_one)                                                                       \
    X(numbers, T(numbers), same_numbers)                                                           \
    X(padded, T(padded), same_padded)                                                              \
    X(wide, T(wide), same_wide)                                                                    \
    X(outer, T(outer), same_outer)                                                                 \
    X(single, T(single), same_single)                                                              \
    X(bare, T(bare), same_bare)                                                                    \
    X(joined, T(joined), same_joined)                                                              \
    X(halves, T(halves), same_halves)                                                              \
    X(cases257, T(cases257), same_cases257)                                                        \
    X(tree, T(tree), same_tree)                                                                    \
    X(trees, T(list_tree), same_trees)

/* An option is a pointer that may be NULL; the table has what is in it. */
#define OPTIONS(X)                                                                                 \
    X(option_u8, uint8_t, same_u8)                                                                 \
    X(option_u64, uint64_t, same_u64)                                                              \
    X(option_string, caller_string_t, same_string)                                                 \
    X(option_list, caller_list_string_t, same_list_string)                                         \
    X(option_record, T(padded), same_padded)                                                       \
    X(option_option, caller_option_u8_t, same_option_u8)                                           \
    X(option_deep, caller_option_option_option_option_string_t, same_option4)                      \
    X(mixture, T(result_list_option_tuple2_string_joined_outer), same_mixture)

/* An answered result comes apart. */
#define RESULTS(X)                                                                                 \
    X(result_both, T(either), same_result_both)                                                    \
    X(result_strings, T(texts), same_result_strings)                                               \
    X(result_result, T(inner_result), same_result_result)                                          \
    X(result_list, T(list_result), same_result_list)

#define CALL_BY_VALUE(name, type, same)                                                            \
    static void echo_##name(void)                                                                  \
    {                                                                                              \
        for (size_t i = 0; i < COUNT(values_##name); i++) {                                        \
            type back = F(echo_##name)(values_##name[i]);                                          \
            expect(same(&values_##name[i], &back), "another value came back", i);                  \
        }                                                                                          \
    }
#define CALL_BY_POINTER(name, type, same)                                                          \
    static void echo_##name(void)                                                                  \
    {                                                                                              \
        for (size_t i = 0; i < COUNT(values_##name); i++) {                                        \
            type value = values_##name[i], back;                                                   \
            F(echo_##name)(&value, &back);                                                         \
            expect(same(&values_##name[i], &back), "another value came back", i);                  \
        }                                                                                          \
    }
#define CALL_OPTION(name, type, same)                                                              \
    static void echo_##name(void)                                                                  \
    {                                                                                              \
        type back;                                                                                 \
        expect(!F(echo_##name)(NULL, &back), "none became something", 0);                          \
        for (size_t i = 0; i < COUNT(values_##name); i++) {                                        \
            type value = values_##name[i];                                                         \
            expect(F(echo_##name)(&value, &back), "a value became none", i);                       \
            expect(same(&values_##name[i], &back), "another value came back", i);                  \
        }                                                                                          \
    }
#define CALL_RESULT(name, type, same)                                                              \
    static void echo_##name(void)                                                                  \
    {                                                                                              \
        for (size_t i = 0; i < COUNT(values_##name); i++) {                                        \
            type value = values_##name[i], back, other;                                            \
            back.is_err = !F(echo_##name)(&value, &back.val.ok, &other.val.err);                   \
            if (back.is_err)                                                                       \
                back.val.err = other.val.err;                                                      \
            expect(same(&values_##name[i], &back), "another value came back", i);                  \
        }                                                                                          \
    }
BY_VALUE(CALL_BY_VALUE)
BY_POINTER(CALL_BY_POINTER)
OPTIONS(CALL_OPTION)
RESULTS(CALL_RESULT)

static void echo_result(void)
{
    T(outcome) good = {false}, bad = {true};
    expect(F(echo_result)(&good), "ok became an error", 0);
    expect(!F(echo_result)(&bad), "an error became ok", 0);
}

static void echo_result_ok(void)
{
    T(ok_only) good = {false, {255}}, bad = {true, {0}};
    uint8_t back = 0;
    expect(F(echo_result_ok)(&good, &back) && back == 255, "another value came back", 0);
    expect(!F(echo_result_ok)(&bad, &back), "an error became ok", 0);
}

static void echo_result_error(void)
{
    T(error_only) good = {false, {{0}}}, bad = {true, {TEXT("é世🌍")}};
    caller_string_t back;
    expect(F(echo_result_error)(&good, &back), "ok became an error", 0);
    expect(!F(echo_result_error)(&bad, &back), "an error became ok", 0);
    expect(same_string(&bad.val.err, &back), "another value came back", 0);
}

/* --- many parameters, and none --- */

static void echo_none(void)
{
    F(echo_none)();
}

static void echo_two(void)
{
    caller_string_t text = TEXT("世界");
    T(two) back;
    F(echo_two)(255, &text, &back);
    expect(back.f0 == 255, "another value came back", 0);
    expect(same_string(&back.f1, &text), "another value came back", 1);
}

#define SIXTEEN                                                                                    \
    255, INT64_MIN, -0.5f, 1e300, true, 0x10ffff, -128, UINT16_MAX, UINT32_MAX, UINT64_MAX,        \
        INT16_MIN, INT32_MIN, -1e-300, FLT_MAX, 128, 1ull << 63
#define SAME(n) expect(memcmp(&back.f##n, &want.f##n, sizeof back.f##n) == 0, differs, n)
#define SAME_SIXTEEN                                                                               \
    SAME(0), SAME(1), SAME(2), SAME(3), SAME(4), SAME(5), SAME(6), SAME(7), SAME(8), SAME(9),      \
        SAME(10), SAME(11), SAME(12), SAME(13), SAME(14), SAME(15)
static const char differs[] = "another value came back";

static void echo_sixteen(void)
{
    T(sixteen) want = {SIXTEEN}, back;
    F(echo_sixteen)(SIXTEEN, &back);
    SAME_SIXTEEN;
}

static void echo_seventeen(void)
{
    T(seventeen) want = {SIXTEEN, -2}, back;
    F(echo_seventeen)(SIXTEEN, -2, &back);
    SAME_SIXTEEN, SAME(16);
}

static caller_string_t strings[] = {TEXT("one"), TEXT(""),      TEXT("drei é"),
                                    TEXT("世"),  TEXT("🌍"),    TEXT("six"),
                                    TEXT("\0"),  TEXT("eight"), TEXT("nine")};

static void echo_strings8(void)
{
    caller_string_t *s = strings;
    T(strings8) back;
    F(echo_strings8)(s, s + 1, s + 2, s + 3, s + 4, s + 5, s + 6, s + 7, &back);
    const caller_string_t got[] = {back.f0, back.f1, back.f2, back.f3,
                                   back.f4, back.f5, back.f6, back.f7};
    for (size_t i = 0; i < COUNT(got); i++)
        expect(same_string(&got[i], &s[i]), differs, i);
}

static void echo_strings9(void)
{
    caller_string_t *s = strings;
    T(strings9) back;
    F(echo_strings9)(s, s + 1, s + 2, s + 3, s + 4, s + 5, s + 6, s + 7, s + 8, &back);
    const caller_string_t got[] = {back.f0, back.f1, back.f2, back.f3, back.f4,
                                   back.f5, back.f6, back.f7, back.f8};
    for (size_t i = 0; i < COUNT(got); i++)
        expect(same_string(&got[i], &s[i]), differs, i);
}

static void echo_forty(void)
{
    caller_string_t text = TEXT("grüß dich"), empty = TEXT("");
    caller_list_u8_t bytes = LIST(uint8_t, 0, 1, 255), none = {0};
    caller_option_u32_t some = {true, UINT32_MAX};
    T(forty) want = {SIXTEEN, text, bytes, some, 2, SIXTEEN, empty, none, {0}, 1}, back;
    F(echo_forty)(SIXTEEN, &text, &bytes, &some.val, 2, SIXTEEN, &empty, &none, NULL, 1, &back);
    SAME_SIXTEEN, SAME(19), SAME(20), SAME(21), SAME(22), SAME(23), SAME(24), SAME(25), SAME(26);
    SAME(27), SAME(28), SAME(29), SAME(30), SAME(31), SAME(32), SAME(33), SAME(34), SAME(35);
    SAME(39);
    expect(same_string(&back.f16, &text) && same_string(&back.f36, &empty), differs, 16);
    expect(same_list_u8(&back.f17, &bytes) && back.f37.len == 0, differs, 17);
    expect(back.f18.is_some && back.f18.val == UINT32_MAX && !back.f38.is_some, differs, 18);
}

static void answer(void)
{
    expect(F(answer)() == 42, "another answer", 0);
}

static void greeting(void)
{
    caller_string_t want = TEXT("grüß dich, 世界 🌍"), back;
    F(greeting)(&back);
    expect(same_string(&want, &back), "another greeting", 0);
}

static void swallow(void)
{
    caller_string_t text = TEXT("gone");
    F(swallow)(&text);
}

#define NINE_FROM(n) n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7, n + 8
static void sums(void)
{
    expect(F(sum_sixteen)(NINE_FROM(1), UINT32_MAX, UINT64_MAX, 12, 13, 14, 15, 16) ==
               45ull + UINT32_MAX - 1 + 70,
           "another sum", 16);
    expect(F(sum_seventeen)(NINE_FROM(1), 10, 11, 12, 13, 14, 15, 16, 1ull << 63) ==
               136 + (1ull << 63),
           "another sum", 17);
    expect(F(sum_forty)(NINE_FROM(1), NINE_FROM(10), NINE_FROM(19), NINE_FROM(28), 37, 38, 39,
                        UINT32_MAX) == 780ull + UINT32_MAX,
           "another sum", 40);
}

/* --- long ones --- */

static void long_string(void)
{
    enum { LENGTH = 120000 };
    caller_string_t text = {malloc(LENGTH), LENGTH}, back;
    for (size_t i = 0; i < LENGTH; i += 4)
        memcpy(text.ptr + i, i % 8 == 0 ? "a世" : "🌍", 4);
    F(echo_string)(&text, &back);
    expect(same_string(&text, &back), "another text came back", 0);
}

static void long_lists(void)
{
    enum { LENGTH = 100001 };
    caller_list_u8_t bytes = {malloc(LENGTH), LENGTH}, bytes_back;
    caller_list_u64_t words = {malloc(LENGTH * 8), LENGTH}, words_back;
    for (size_t i = 0; i < LENGTH; i++) {
        bytes.ptr[i] = (uint8_t)(i * 7);
        words.ptr[i] = i * 0x9e3779b97f4a7c15;
    }
    F(echo_list_u8)(&bytes, &bytes_back);
    expect(same_list_u8(&bytes, &bytes_back), "other bytes came back", 0);
    F(echo_list_u64)(&words, &words_back);
    expect(same_list_u64(&words, &words_back), "other numbers came back", 0);
}

static void many_strings(void)
{
    enum { LENGTH = 2000 };
    caller_list_string_t list = {malloc(LENGTH * sizeof *list.ptr), LENGTH}, back;
    for (size_t i = 0; i < LENGTH; i++) {
        list.ptr[i] = values_string[i % COUNT(values_string)];
        list.ptr[i].len = i % COUNT(values_string) == 2 ? i % 12 : list.ptr[i].len;
    }
    F(echo_list_string)(&list, &back);
    expect(same_list_string(&list, &back), "other texts came back", 0);
}

static void exact_nan(void)
{
    float single = F(echo_f32)(NAN32), want_single = NAN32;
    double number = F(echo_f64)(NAN64), want_number = NAN64;
    expect(memcmp(&single, &want_single, sizeof single) == 0, "an f32 lost its bits", 0);
    expect(memcmp(&number, &want_number, sizeof number) == 0, "an f64 lost its bits", 0);
}

#define ROW(name, type, same) {"echo_" #name, echo_##name},
const check value_checks[] = {
    BY_VALUE(ROW) BY_POINTER(ROW) OPTIONS(ROW) RESULTS(ROW){"echo_result", echo_result},
    {"echo_result_ok", echo_result_ok},
    {"echo_result_error", echo_result_error},
    {"echo_none", echo_none},
    {"echo_two", echo_two},
    {"echo_sixteen", echo_sixteen},
    {"echo_seventeen", echo_seventeen},
    {"echo_strings8", echo_strings8},
    {"echo_strings9", echo_strings9},
    {"echo_forty", echo_forty},
    {"answer", answer},
    {"greeting", greeting},
    {"swallow", swallow},
    {"sums", sums},
    {"long_string", long_string},
    {"long_lists", long_lists},
    {"many_strings", many_strings},
    {NULL, NULL},
};
const check on_request[] = {{"exact_nan", exact_nan}, {NULL, NULL}};
