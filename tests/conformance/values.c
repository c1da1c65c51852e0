/*
 * tests/conformance/values.c: implements `values`: a function echo_... answers its
 * argument as it came, views included; with several the tuple of them.
 */
#include "host.h"
#include "values.h"

#define SELF void *self, loop_call *call

/* ---- one parameter ---- */

#define ECHO_VALUE(name, type)                                                                     \
    static loop_error *echo_##name(SELF, type value, type *ret)                                    \
    {                                                                                              \
        *ret = value;                                                                              \
        return NULL;                                                                               \
    }
#define ECHO_POINTER(name, type)                                                                   \
    static loop_error *echo_##name(SELF, const type *value, type *ret)                             \
    {                                                                                              \
        *ret = *value;                                                                             \
        return NULL;                                                                               \
    }
VALUES_BY_VALUE(ECHO_VALUE)
VALUES_BY_POINTER(ECHO_POINTER)

/* A bool is 0 or 1 here, whatever byte the component passed. */
static loop_error *check_bools(const void *bools, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (((const uint8_t *)bools)[i] > 1)
            return loop_error_new(LOOP_INTERNAL, "a bool came as another byte");
    return NULL;
}

static loop_error *echo_bool(SELF, bool value, bool *ret)
{
    *ret = value;
    return check_bools(&value, 1);
}

static loop_error *echo_list_bool(SELF, loop_list_bool value, loop_list_bool *ret)
{
    *ret = value;
    return check_bools(value.ptr, value.len);
}

/* ---- several ---- */

static loop_error *echo_none(SELF)
{
    return NULL;
}

static loop_error *echo_two(SELF, uint8_t p0, loop_string p1, V(two) * ret)
{
    *ret = (V(two)){p0, p1};
    return NULL;
}

/* The sixteen that come again in each. */
#define SIXTEEN                                                                                    \
    uint8_t p0, int64_t p1, float p2, double p3, bool p4, uint32_t p5, int8_t p6, uint16_t p7,     \
        uint32_t p8, uint64_t p9, int16_t p10, int32_t p11, double p12, float p13, uint8_t p14,    \
        uint64_t p15
#define THEY p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15

static loop_error *echo_sixteen(SELF, SIXTEEN, V(sixteen) * ret)
{
    *ret = (V(sixteen)){THEY};
    return NULL;
}

static loop_error *echo_seventeen(SELF, SIXTEEN, int16_t p16, V(seventeen) * ret)
{
    *ret = (V(seventeen)){THEY, p16};
    return NULL;
}

static loop_error *echo_strings8(SELF, loop_string p0, loop_string p1, loop_string p2,
                                 loop_string p3, loop_string p4, loop_string p5, loop_string p6,
                                 loop_string p7, V(strings8) * ret)
{
    *ret = (V(strings8)){p0, p1, p2, p3, p4, p5, p6, p7};
    return NULL;
}

static loop_error *echo_strings9(SELF, loop_string p0, loop_string p1, loop_string p2,
                                 loop_string p3, loop_string p4, loop_string p5, loop_string p6,
                                 loop_string p7, loop_string p8, V(strings9) * ret)
{
    *ret = (V(strings9)){p0, p1, p2, p3, p4, p5, p6, p7, p8};
    return NULL;
}

static loop_error *echo_forty(SELF, SIXTEEN, loop_string p16, loop_list_u8 p17,
                              const loop_option_u32 *p18, V(level) p19, uint8_t p20, int64_t p21,
                              float p22, double p23, bool p24, uint32_t p25, int8_t p26,
                              uint16_t p27, uint32_t p28, uint64_t p29, int16_t p30, int32_t p31,
                              double p32, float p33, uint8_t p34, uint64_t p35, loop_string p36,
                              loop_list_u8 p37, const loop_option_u32 *p38, V(level) p39,
                              V(forty) * ret)
{
    *ret = (V(forty)){THEY, p16, p17, *p18, p19, p20, p21, p22, p23, p24, p25,  p26, p27,
                      p28,  p29, p30, p31,  p32, p33, p34, p35, p36, p37, *p38, p39};
    return NULL;
}

/* ---- the others ---- */

static loop_error *answer(SELF, uint32_t *ret)
{
    *ret = 42;
    return NULL;
}

static loop_error *greeting(SELF, loop_string *ret)
{
    *ret = loop_string_of("grüß dich, 世界 🌍");
    return NULL;
}

loop_error *(*on_call)(void);

static loop_error *swallow(SELF, loop_string value)
{
    return on_call ? on_call() : NULL;
}

#define SUMMANDS                                                                                   \
    uint32_t p0, uint64_t p1, uint64_t p2, uint32_t p3, uint64_t p4, uint64_t p5, uint32_t p6,     \
        uint64_t p7, uint64_t p8, uint32_t p9, uint64_t p10, uint64_t p11, uint32_t p12,           \
        uint64_t p13, uint64_t p14, uint32_t p15
#define SUM (p0 + p1 + p2 + p3 + p4 + p5 + p6 + p7 + p8 + p9 + p10 + p11 + p12 + p13 + p14 + p15)

static loop_error *sum_sixteen(SELF, SUMMANDS, uint64_t *ret)
{
    *ret = SUM;
    return NULL;
}

static loop_error *sum_seventeen(SELF, SUMMANDS, uint64_t p16, uint64_t *ret)
{
    *ret = SUM + p16;
    return NULL;
}

static loop_error *sum_forty(SELF, SUMMANDS, uint64_t p16, uint64_t p17, uint32_t p18, uint64_t p19,
                             uint64_t p20, uint32_t p21, uint64_t p22, uint64_t p23, uint32_t p24,
                             uint64_t p25, uint64_t p26, uint32_t p27, uint64_t p28, uint64_t p29,
                             uint32_t p30, uint64_t p31, uint64_t p32, uint32_t p33, uint64_t p34,
                             uint64_t p35, uint32_t p36, uint64_t p37, uint64_t p38, uint32_t p39,
                             uint64_t *ret)
{
    *ret = SUM + p16 + p17 + p18 + p19 + p20 + p21 + p22 + p23 + p24 + p25 + p26 + p27 + p28 + p29 +
           p30 + p31 + p32 + p33 + p34 + p35 + p36 + p37 + p38 + p39;
    return NULL;
}

#define ROW(name, type) .echo_##name = echo_##name,
const loop_conformance_values_functions values_functions = {
    VALUES_BY_VALUE(ROW) VALUES_BY_POINTER(ROW).echo_bool = echo_bool,
    .echo_list_bool = echo_list_bool,
    .echo_none = echo_none,
    .echo_two = echo_two,
    .echo_sixteen = echo_sixteen,
    .echo_seventeen = echo_seventeen,
    .echo_strings8 = echo_strings8,
    .echo_strings9 = echo_strings9,
    .echo_forty = echo_forty,
    .answer = answer,
    .greeting = greeting,
    .swallow = swallow,
    .sum_sixteen = sum_sixteen,
    .sum_seventeen = sum_seventeen,
    .sum_forty = sum_forty,
};
