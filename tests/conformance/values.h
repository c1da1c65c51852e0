/*
 * tests/conformance/values.h: the functions of `values` that answer their one argument,
 * and its type: X(name, type in C), those that take it by value and by pointer. Not the
 * two of bools.
 */
#ifndef CONFORMANCE_VALUES_H
#define CONFORMANCE_VALUES_H

#define V(name) loop_conformance_values_##name

#define VALUES_BY_VALUE(X)                                                                         \
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
    X(string, loop_string)                                                                         \
    X(list_u8, loop_list_u8)                                                                       \
    X(list_s8, loop_list_s8)                                                                       \
    X(list_u16, loop_list_u16)                                                                     \
    X(list_s16, loop_list_s16)                                                                     \
    X(list_u32, loop_list_u32)                                                                     \
    X(list_s32, loop_list_s32)                                                                     \
    X(list_u64, loop_list_u64)                                                                     \
    X(list_s64, loop_list_s64)                                                                     \
    X(list_f32, loop_list_f32)                                                                     \
    X(list_f64, loop_list_f64)                                                                     \
    X(list_char, loop_list_char)                                                                   \
    X(list_string, loop_list_string)                                                               \
    X(list_list_u8, V(list_list_u8))                                                               \
    X(list_list_string, V(list_list_string))                                                       \
    X(list_option_u8, V(list_option_u8))                                                           \
    X(list_tuple, V(triples))                                                                      \
    X(list_level, V(list_level))                                                                   \
    X(list_record, V(list_numbers))                                                                \
    X(list_variant, V(list_joined))                                                                \
    X(list_flags, V(list_flags9))                                                                  \
    X(lone, V(lone))                                                                               \
    X(level, V(level))                                                                             \
    X(enum256, V(enum256))                                                                         \
    X(enum257, V(enum257))                                                                         \
    X(flags1, V(flags1))                                                                           \
    X(flags8, V(flags8))                                                                           \
    X(flags9, V(flags9))                                                                           \
    X(flags16, V(flags16))                                                                         \
    X(flags17, V(flags17))                                                                         \
    X(flags32, V(flags32))                                                                         \
    X(trees, V(list_tree))

#define VALUES_BY_POINTER(X)                                                                       \
    X(tuple_one, V(monad))                                                                         \
    X(tuple, V(mixed))                                                                             \
    X(tuple_tuple, V(nested))                                                                      \
    X(one, V(one))                                                                                 \
    X(numbers, V(numbers))                                                                         \
    X(padded, V(padded))                                                                           \
    X(wide, V(wide))                                                                               \
    X(outer, V(outer))                                                                             \
    X(single, V(single))                                                                           \
    X(bare, V(bare))                                                                               \
    X(joined, V(joined))                                                                           \
    X(halves, V(halves))                                                                           \
    X(cases257, V(cases257))                                                                       \
    X(option_u8, loop_option_u8)                                                                   \
    X(option_u64, loop_option_u64)                                                                 \
    X(option_string, loop_option_string)                                                           \
    X(option_list, V(option_list_string))                                                          \
    X(option_record, V(option_padded))                                                             \
    X(option_option, V(option_option_u8))                                                          \
    X(option_deep, V(deep))                                                                        \
    X(result, V(outcome))                                                                          \
    X(result_ok, V(ok_only))                                                                       \
    X(result_error, V(error_only))                                                                 \
    X(result_both, V(either))                                                                      \
    X(result_strings, V(texts))                                                                    \
    X(result_result, V(inner_result))                                                              \
    X(result_list, V(list_result))                                                                 \
    X(tree, V(tree))                                                                               \
    X(mixture, V(mixture))

#endif
