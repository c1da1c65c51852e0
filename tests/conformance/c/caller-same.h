/*
 * caller: whether two values of loop:conformance/values are the same, field by
 * field: same_u8, same_list_u8, same_tree and so on. Two NaNs are.
 */
#ifndef CALLER_SAME_H
#define CALLER_SAME_H

#include "caller.h"

#include <math.h>
#include <string.h>

#define T(name) loop_conformance_values_##name##_t

#define SAME_BITS(name, type)                                                                      \
    static bool same_##name(const type *a, const type *b)                                          \
    {                                                                                              \
        return memcmp(a, b, sizeof *a) == 0;                                                       \
    }
#define SAME_LIST(name, type, same)                                                                \
    static bool same_##name(const type *a, const type *b)                                          \
    {                                                                                              \
        bool good = a->len == b->len;                                                              \
        for (size_t i = 0; good && i < a->len; i++)                                                \
            good = same(&a->ptr[i], &b->ptr[i]);                                                   \
        return good;                                                                               \
    }
#define SAME_OPTION(name, type, same)                                                              \
    static bool same_##name(const type *a, const type *b)                                          \
    {                                                                                              \
        return a->is_some == b->is_some && (!a->is_some || same(&a->val, &b->val));                \
    }
#define SAME_RESULT(name, type, same_ok, same_error)                                               \
    static bool same_##name(const type *a, const type *b)                                          \
    {                                                                                              \
        return a->is_err == b->is_err && (a->is_err ? same_error(&a->val.err, &b->val.err)         \
                                                    : same_ok(&a->val.ok, &b->val.ok));            \
    }
/* A struct: `good` says it of a and b. */
#define SAME_STRUCT(name, type, good)                                                              \
    static bool same_##name(const type *a, const type *b)                                          \
    {                                                                                              \
        return good;                                                                               \
    }

SAME_BITS(bool, bool)
SAME_BITS(u8, uint8_t)
SAME_BITS(s8, int8_t)
SAME_BITS(u16, uint16_t)
SAME_BITS(s16, int16_t)
SAME_BITS(u32, uint32_t)
SAME_BITS(s32, int32_t)
SAME_BITS(u64, uint64_t)
SAME_BITS(s64, int64_t)
SAME_STRUCT(f32, float, (isnan(*a) && isnan(*b)) || memcmp(a, b, sizeof *a) == 0)
SAME_STRUCT(f64, double, (isnan(*a) && isnan(*b)) || memcmp(a, b, sizeof *a) == 0)

SAME_LIST(list_bool, caller_list_bool_t, same_bool)
SAME_LIST(list_u8, caller_list_u8_t, same_u8)
SAME_LIST(list_s8, caller_list_s8_t, same_s8)
SAME_LIST(list_u16, caller_list_u16_t, same_u16)
SAME_LIST(list_s16, caller_list_s16_t, same_s16)
SAME_LIST(list_u32, caller_list_u32_t, same_u32)
SAME_LIST(list_s32, caller_list_s32_t, same_s32)
SAME_LIST(list_u64, caller_list_u64_t, same_u64)
SAME_LIST(list_s64, caller_list_s64_t, same_s64)
SAME_LIST(list_f32, caller_list_f32_t, same_f32)
SAME_LIST(list_f64, caller_list_f64_t, same_f64)
SAME_LIST(list_char, caller_list_char32_t, same_u32)
SAME_LIST(list_string, caller_list_string_t, same_string)
SAME_LIST(list_list_u8, caller_list_list_u8_t, same_list_u8)
SAME_LIST(list_list_string, caller_list_list_string_t, same_list_string)
SAME_OPTION(option_u8, caller_option_u8_t, same_u8)
SAME_LIST(list_option_u8, caller_list_option_u8_t, same_option_u8)
SAME_STRUCT(triple, caller_tuple3_string_u64_u8_t,
            same_string(&a->f0, &b->f0) && a->f1 == b->f1 && a->f2 == b->f2)
SAME_LIST(list_tuple, T(triples), same_triple)
SAME_BITS(level, T(level))
SAME_LIST(list_level, T(list_level), same_level)
SAME_BITS(flags9, T(flags9))
SAME_LIST(list_flags, T(list_flags9), same_flags9)

SAME_BITS(tuple_one, T(monad))
SAME_STRUCT(tuple, T(mixed),
            a->f0 == b->f0 && a->f1 == b->f1 && a->f2 == b->f2 && same_string(&a->f3, &b->f3) &&
                same_f32(&a->f4, &b->f4))
SAME_STRUCT(tuple_tuple, T(nested),
            a->f0.f0 == b->f0.f0 && a->f0.f1 == b->f0.f1 && a->f1.f0 == b->f1.f0 &&
                a->f1.f1.f0 == b->f1.f1.f0 && a->f1.f1.f1 == b->f1.f1.f1)

SAME_BITS(one, T(one))
SAME_STRUCT(numbers, T(numbers),
            a->truth == b->truth && a->unsigned8 == b->unsigned8 && a->signed8 == b->signed8 &&
                a->unsigned16 == b->unsigned16 && a->unsigned64 == b->unsigned64 &&
                a->signed16 == b->signed16 && a->unsigned32 == b->unsigned32 &&
                a->signed32 == b->signed32 && a->letter == b->letter &&
                a->signed64 == b->signed64 && same_f32(&a->single, &b->single) &&
                same_f64(&a->double_, &b->double_) && same_string(&a->text, &b->text))
SAME_LIST(list_record, T(list_numbers), same_numbers)
SAME_STRUCT(padded, T(padded), a->first == b->first && a->middle == b->middle && a->last == b->last)
SAME_BITS(wide, T(wide))
SAME_LIST(list_padded, T(list_padded), same_padded)
SAME_OPTION(option_one, T(option_one), same_one)
SAME_STRUCT(outer, T(outer),
            same_string(&a->name, &b->name) && same_padded(&a->inner, &b->inner) &&
                same_list_padded(&a->parts, &b->parts) && same_option_one(&a->first, &b->first))

SAME_STRUCT(single, T(single), a->tag == b->tag && same_string(&a->val.only, &b->val.only))
SAME_BITS(bare, T(bare))
static bool same_joined(const T(joined) * a, const T(joined) * b)
{
    if (a->tag != b->tag)
        return false;
    switch (a->tag) {
    case LOOP_CONFORMANCE_VALUES_JOINED_SMALL: return a->val.small == b->val.small;
    case LOOP_CONFORMANCE_VALUES_JOINED_WORD: return a->val.word == b->val.word;
    case LOOP_CONFORMANCE_VALUES_JOINED_LONG: return a->val.long_ == b->val.long_;
    case LOOP_CONFORMANCE_VALUES_JOINED_SINGLE: return same_f32(&a->val.single, &b->val.single);
    case LOOP_CONFORMANCE_VALUES_JOINED_DOUBLE: return same_f64(&a->val.double_, &b->val.double_);
    case LOOP_CONFORMANCE_VALUES_JOINED_LETTER: return a->val.letter == b->val.letter;
    case LOOP_CONFORMANCE_VALUES_JOINED_TEXT: return same_string(&a->val.text, &b->val.text);
    case LOOP_CONFORMANCE_VALUES_JOINED_PAIR:
        return same_f32(&a->val.pair.f0, &b->val.pair.f0) && a->val.pair.f1 == b->val.pair.f1;
    case LOOP_CONFORMANCE_VALUES_JOINED_EVERYTHING:
        return same_numbers(&a->val.everything, &b->val.everything);
    default: return true;
    }
}
SAME_LIST(list_variant, T(list_joined), same_joined)
SAME_STRUCT(halves, T(halves),
            a->tag == b->tag && (a->tag == 1 ? same_f32(&a->val.broken, &b->val.broken)
                                             : a->val.whole == b->val.whole))
static bool same_cases257(const T(cases257) * a, const T(cases257) * b)
{
    return a->tag == b->tag && (a->tag != 0 || a->val.c0 == b->val.c0) &&
           (a->tag != 255 || same_string(&a->val.c255, &b->val.c255)) &&
           (a->tag != 256 || a->val.c256 == b->val.c256);
}
SAME_BITS(lone, T(lone))
SAME_BITS(enum256, T(enum256))
SAME_BITS(enum257, T(enum257))

SAME_OPTION(option_string, caller_option_string_t, same_string)
SAME_OPTION(option2, caller_option_option_string_t, same_option_string)
SAME_OPTION(option3, caller_option_option_option_string_t, same_option2)
SAME_OPTION(option4, caller_option_option_option_option_string_t, same_option3)
SAME_OPTION(option_u64, caller_option_u64_t, same_u64)
SAME_RESULT(u8_string, T(result_u8_string), same_u8, same_string)
SAME_RESULT(result_both, T(either), same_u64, same_f32)
SAME_RESULT(result_strings, T(texts), same_string, same_string)
SAME_RESULT(result_result, T(inner_result), same_u8_string, same_option_u64)
SAME_RESULT(result_list, T(list_result), same_list_string, same_joined)

SAME_BITS(flags1, T(flags1))
SAME_BITS(flags8, T(flags8))
SAME_BITS(flags16, T(flags16))
SAME_BITS(flags17, T(flags17))
SAME_BITS(flags32, T(flags32))

SAME_STRUCT(point, caller_tuple2_f64_f32_t, same_f64(&a->f0, &b->f0) && same_f32(&a->f1, &b->f1))
SAME_LIST(points, caller_list_tuple2_f64_f32_t, same_point)
SAME_LIST(tags, caller_list_option_string_t, same_option_string)
SAME_OPTION(option_level, T(option_level), same_level)
SAME_RESULT(limit, T(result_option_level_flags17), same_option_level, same_flags17)
SAME_LIST(levels, T(list_list_level), same_list_level)
SAME_STRUCT(tree, T(tree),
            same_string(&a->name, &b->name) && same_points(&a->points, &b->points) &&
                same_joined(&a->kind, &b->kind) && same_tags(&a->tags, &b->tags) &&
                same_limit(&a->limit, &b->limit) && same_levels(&a->levels, &b->levels))
SAME_LIST(trees, T(list_tree), same_tree)
SAME_STRUCT(pair, T(tuple2_string_joined),
            same_string(&a->f0, &b->f0) && same_joined(&a->f1, &b->f1))
typedef T(option_tuple2_string_joined) maybe_pair;
SAME_OPTION(maybe_pair, maybe_pair, same_pair)
SAME_LIST(pairs, T(list_option_tuple2_string_joined), same_maybe_pair)
SAME_RESULT(mixture, T(result_list_option_tuple2_string_joined_outer), same_pairs, same_outer)

#endif
