/*
 * callee: implements loop:conformance/values; c/callee-things.c the rest of the
 * world guest-side. The bindings give every argument to the function and take
 * what it answers, so an echo only moves.
 */
#include "gen/callee.h"

#include <stdlib.h>
#include <string.h>

#define F(name) exports_loop_conformance_values_##name
#define T(name) exports_loop_conformance_values_##name##_t

#define ECHO_PLAIN(X)                                                                              \
    X(bool, bool)                                                                                  \
    X(u8, uint8_t)                                                                                 \
    X(s8, int8_t)                                                                                  \
    X(u16, uint16_t)                                                                               \
    X(s16, int16_t)                                                                                \
    X(u32, uint32_t)                                                                               \
    X(s32, int32_t)                                                                                \
    X(u64, uint64_t)                                                                               \
    X(s64, int64_t)                                                                                \
    X(f32, float)                                                                                  \
    X(f64, double)                                                                                 \
    X(char, uint32_t)                                                                              \
    X(lone, T(lone))                                                                               \
    X(level, T(level))                                                                             \
    X(enum256, T(enum256))                                                                         \
    X(enum257, T(enum257))                                                                         \
    X(flags1, T(flags1))                                                                           \
    X(flags8, T(flags8))                                                                           \
    X(flags9, T(flags9))                                                                           \
    X(flags16, T(flags16))                                                                         \
    X(flags17, T(flags17))                                                                         \
    X(flags32, T(flags32))

#define ECHO_BY_POINTER(X)                                                                         \
    X(string, callee_string_t)                                                                     \
    X(list_bool, callee_list_bool_t)                                                               \
    X(list_u8, callee_list_u8_t)                                                                   \
    X(list_s8, callee_list_s8_t)                                                                   \
    X(list_u16, callee_list_u16_t)                                                                 \
    X(list_s16, callee_list_s16_t)                                                                 \
    X(list_u32, callee_list_u32_t)                                                                 \
    X(list_s32, callee_list_s32_t)                                                                 \
    X(list_u64, callee_list_u64_t)                                                                 \
    X(list_s64, callee_list_s64_t)                                                                 \
    X(list_f32, callee_list_f32_t)                                                                 \
    X(list_f64, callee_list_f64_t)                                                                 \
    X(list_char, callee_list_char32_t)                                                             \
    X(list_string, callee_list_string_t)                                                           \
    X(list_list_u8, callee_list_list_u8_t)                                                         \
    X(list_list_string, callee_list_list_string_t)                                                 \
    X(list_option_u8, callee_list_option_u8_t)                                                     \
    X(list_tuple, T(triples))                                                                      \
    X(list_level, T(list_level))                                                                   \
    X(list_record, T(list_numbers))                                                                \
    X(list_variant, T(list_joined))                                                                \
    X(list_flags, T(list_flags9))                                                                  \
    X(tuple_one, T(monad))                                                                         \
    X(tuple, T(mixed))                                                                             \
    X(tuple_tuple, T(nested))                                                                      \
    X(one, T(one))                                                                                 \
    X(numbers, T(numbers))                                                                         \
    X(padded, T(padded))                                                                           \
    X(wide, T(wide))                                                                               \
    X(outer, T(outer))                                                                             \
    X(single, T(single))                                                                           \
    X(bare, T(bare))                                                                               \
    X(joined, T(joined))                                                                           \
    X(halves, T(halves))                                                                           \
    X(cases257, T(cases257))                                                                       \
    X(tree, T(tree))                                                                               \
    X(trees, T(list_tree))

#define ECHO_OPTION(X)                                                                             \
    X(option_u8, uint8_t)                                                                          \
    X(option_u64, uint64_t)                                                                        \
    X(option_string, callee_string_t)                                                              \
    X(option_list, callee_list_string_t)                                                           \
    X(option_record, T(padded))                                                                    \
    X(option_option, callee_option_u8_t)                                                           \
    X(option_deep, callee_option_option_option_option_string_t)                                    \
    X(mixture, T(result_list_option_tuple2_string_joined_outer))

#define PLAIN(name, type)                                                                          \
    type F(echo_##name)(type value)                                                                \
    {                                                                                              \
        return value;                                                                              \
    }
#define BY_POINTER(name, type)                                                                     \
    void F(echo_##name)(type * value, type * ret)                                                  \
    {                                                                                              \
        *ret = *value;                                                                             \
    }
#define OPTION(name, type)                                                                         \
    bool F(echo_##name)(type * value, type * ret)                                                  \
    {                                                                                              \
        if (value)                                                                                 \
            *ret = *value;                                                                         \
        return value;                                                                              \
    }
ECHO_PLAIN(PLAIN)
ECHO_BY_POINTER(BY_POINTER)
ECHO_OPTION(OPTION)

bool F(echo_result)(T(outcome) * value)
{
    return !value->is_err;
}

bool F(echo_result_ok)(T(ok_only) * value, uint8_t *ret)
{
    if (!value->is_err)
        *ret = value->val.ok;
    return !value->is_err;
}

bool F(echo_result_error)(T(error_only) * value, callee_string_t *err)
{
    if (value->is_err)
        *err = value->val.err;
    return !value->is_err;
}

#define RESULT(name, type, ok_type, error_type)                                                    \
    bool F(name)(type * value, ok_type * ret, error_type * err)                                    \
    {                                                                                              \
        if (value->is_err)                                                                         \
            *err = value->val.err;                                                                 \
        else                                                                                       \
            *ret = value->val.ok;                                                                  \
        return !value->is_err;                                                                     \
    }
RESULT(echo_result_both, T(either), uint64_t, float)
RESULT(echo_result_strings, T(texts), callee_string_t, callee_string_t)
RESULT(echo_result_result, T(inner_result), T(result_u8_string), callee_option_u64_t)
RESULT(echo_result_list, T(list_result), callee_list_string_t, T(joined))

void F(echo_none)(void)
{
}

void F(echo_two)(uint8_t p0, callee_string_t *p1, T(two) * ret)
{
    *ret = (T(two)){p0, *p1};
}

void F(echo_sixteen)(uint8_t p0, int64_t p1, float p2, double p3, bool p4, uint32_t p5, int8_t p6,
                     uint16_t p7, uint32_t p8, uint64_t p9, int16_t p10, int32_t p11, double p12,
                     float p13, uint8_t p14, uint64_t p15, T(sixteen) * ret)
{
    *ret = (T(sixteen)){p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15};
}

void F(echo_seventeen)(uint8_t p0, int64_t p1, float p2, double p3, bool p4, uint32_t p5, int8_t p6,
                       uint16_t p7, uint32_t p8, uint64_t p9, int16_t p10, int32_t p11, double p12,
                       float p13, uint8_t p14, uint64_t p15, int16_t p16, T(seventeen) * ret)
{
    *ret =
        (T(seventeen)){p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15, p16};
}

void F(echo_strings8)(callee_string_t *p0, callee_string_t *p1, callee_string_t *p2,
                      callee_string_t *p3, callee_string_t *p4, callee_string_t *p5,
                      callee_string_t *p6, callee_string_t *p7, T(strings8) * ret)
{
    *ret = (T(strings8)){*p0, *p1, *p2, *p3, *p4, *p5, *p6, *p7};
}

void F(echo_strings9)(callee_string_t *p0, callee_string_t *p1, callee_string_t *p2,
                      callee_string_t *p3, callee_string_t *p4, callee_string_t *p5,
                      callee_string_t *p6, callee_string_t *p7, callee_string_t *p8,
                      T(strings9) * ret)
{
    *ret = (T(strings9)){*p0, *p1, *p2, *p3, *p4, *p5, *p6, *p7, *p8};
}

static callee_option_u32_t option_of(const uint32_t *value)
{
    return value ? (callee_option_u32_t){true, *value} : (callee_option_u32_t){0};
}

void F(echo_forty)(uint8_t p0, int64_t p1, float p2, double p3, bool p4, uint32_t p5, int8_t p6,
                   uint16_t p7, uint32_t p8, uint64_t p9, int16_t p10, int32_t p11, double p12,
                   float p13, uint8_t p14, uint64_t p15, callee_string_t *p16,
                   callee_list_u8_t *p17, uint32_t *p18, T(level) p19, uint8_t p20, int64_t p21,
                   float p22, double p23, bool p24, uint32_t p25, int8_t p26, uint16_t p27,
                   uint32_t p28, uint64_t p29, int16_t p30, int32_t p31, double p32, float p33,
                   uint8_t p34, uint64_t p35, callee_string_t *p36, callee_list_u8_t *p37,
                   uint32_t *p38, T(level) p39, T(forty) * ret)
{
    *ret = (T(forty)){p0,
                      p1,
                      p2,
                      p3,
                      p4,
                      p5,
                      p6,
                      p7,
                      p8,
                      p9,
                      p10,
                      p11,
                      p12,
                      p13,
                      p14,
                      p15,
                      *p16,
                      *p17,
                      option_of(p18),
                      p19,
                      p20,
                      p21,
                      p22,
                      p23,
                      p24,
                      p25,
                      p26,
                      p27,
                      p28,
                      p29,
                      p30,
                      p31,
                      p32,
                      p33,
                      p34,
                      p35,
                      *p36,
                      *p37,
                      option_of(p38),
                      p39};
}

uint32_t F(answer)(void)
{
    return 42;
}

void F(greeting)(callee_string_t *ret)
{
    callee_string_dup(ret, "grüß dich, 世界 🌍");
}

void F(swallow)(callee_string_t *value)
{
    callee_string_free(value);
}

uint64_t F(sum_sixteen)(uint32_t p0, uint64_t p1, uint64_t p2, uint32_t p3, uint64_t p4,
                        uint64_t p5, uint32_t p6, uint64_t p7, uint64_t p8, uint32_t p9,
                        uint64_t p10, uint64_t p11, uint32_t p12, uint64_t p13, uint64_t p14,
                        uint32_t p15)
{
    return p0 + p1 + p2 + p3 + p4 + p5 + p6 + p7 + p8 + p9 + p10 + p11 + p12 + p13 + p14 + p15;
}

uint64_t F(sum_seventeen)(uint32_t p0, uint64_t p1, uint64_t p2, uint32_t p3, uint64_t p4,
                          uint64_t p5, uint32_t p6, uint64_t p7, uint64_t p8, uint32_t p9,
                          uint64_t p10, uint64_t p11, uint32_t p12, uint64_t p13, uint64_t p14,
                          uint32_t p15, uint64_t p16)
{
    return p0 + p1 + p2 + p3 + p4 + p5 + p6 + p7 + p8 + p9 + p10 + p11 + p12 + p13 + p14 + p15 +
           p16;
}

uint64_t F(sum_forty)(uint32_t p0, uint64_t p1, uint64_t p2, uint32_t p3, uint64_t p4, uint64_t p5,
                      uint32_t p6, uint64_t p7, uint64_t p8, uint32_t p9, uint64_t p10,
                      uint64_t p11, uint32_t p12, uint64_t p13, uint64_t p14, uint32_t p15,
                      uint64_t p16, uint64_t p17, uint32_t p18, uint64_t p19, uint64_t p20,
                      uint32_t p21, uint64_t p22, uint64_t p23, uint32_t p24, uint64_t p25,
                      uint64_t p26, uint32_t p27, uint64_t p28, uint64_t p29, uint32_t p30,
                      uint64_t p31, uint64_t p32, uint32_t p33, uint64_t p34, uint64_t p35,
                      uint32_t p36, uint64_t p37, uint64_t p38, uint32_t p39)
{
    return p0 + p1 + p2 + p3 + p4 + p5 + p6 + p7 + p8 + p9 + p10 + p11 + p12 + p13 + p14 + p15 +
           p16 + p17 + p18 + p19 + p20 + p21 + p22 + p23 + p24 + p25 + p26 + p27 + p28 + p29 + p30 +
           p31 + p32 + p33 + p34 + p35 + p36 + p37 + p38 + p39;
}
