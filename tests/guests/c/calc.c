/* calc: demo:calc/ops, a function for every kind of type; nothing is imported. */
#include "gen/calc.h"

#include <stdlib.h>
#include <string.h>

/* Results are freed by the bindings, so they are always heap copies. */
static void append(calc_string_t *to, const void *bytes, size_t len)
{
    to->ptr = realloc(to->ptr, to->len + len);
    memcpy(to->ptr + to->len, bytes, len);
    to->len += len;
}

static void append_text(calc_string_t *to, const char *text)
{
    append(to, text, strlen(text));
}

static void append_number(calc_string_t *to, unsigned n)
{
    char digits[12];
    size_t i = sizeof digits;
    do
        digits[--i] = (char)('0' + n % 10);
    while (n /= 10);
    append(to, digits + i, sizeof digits - i);
}

uint32_t exports_demo_calc_ops_add(uint32_t a, uint32_t b)
{
    return a + b;
}

void exports_demo_calc_ops_greet(calc_string_t *name, calc_string_t *ret)
{
    *ret = (calc_string_t){0};
    append_text(ret, "Hello, ");
    append(ret, name->ptr, name->len);
    append_text(ret, "!");
    calc_string_free(name);
}

double exports_demo_calc_ops_area(exports_demo_calc_ops_size_t *size)
{
    return size->width * size->height;
}

bool exports_demo_calc_ops_parse(calc_string_t *text, int32_t *ret,
                                 exports_demo_calc_ops_parse_error_t *err)
{
    size_t i = text->len > 0 && text->ptr[0] == '-';
    int64_t value = 0;
    if (text->len == i) {
        err->tag = EXPORTS_DEMO_CALC_OPS_PARSE_ERROR_EMPTY;
        return false;
    }
    bool negative = i == 1;
    for (; i < text->len && i < 18; i++) {
        if (text->ptr[i] < '0' || text->ptr[i] > '9') {
            err->tag = EXPORTS_DEMO_CALC_OPS_PARSE_ERROR_NOT_A_NUMBER;
            err->val.not_a_number = *text;
            return false;
        }
        value = value * 10 + (text->ptr[i] - '0');
    }
    value = negative ? -value : value;
    calc_string_free(text);
    if (value < INT32_MIN || value > INT32_MAX) {
        err->tag = EXPORTS_DEMO_CALC_OPS_PARSE_ERROR_OUT_OF_RANGE;
        err->val.out_of_range = value;
        return false;
    }
    *ret = (int32_t)value;
    return true;
}

int64_t exports_demo_calc_ops_sum(calc_list_s64_t *numbers)
{
    int64_t sum = 0;
    for (size_t i = 0; i < numbers->len; i++)
        sum += numbers->ptr[i];
    calc_list_s64_free(numbers);
    return sum;
}

exports_demo_calc_ops_permissions_t
exports_demo_calc_ops_invert(exports_demo_calc_ops_permissions_t set)
{
    return ~set & 7;
}

exports_demo_calc_ops_color_t exports_demo_calc_ops_next(exports_demo_calc_ops_color_t color)
{
    return (color + 1) % 3;
}

bool exports_demo_calc_ops_half(uint32_t number, uint32_t *ret)
{
    *ret = number / 2;
    return number % 2 == 0;
}

void exports_demo_calc_ops_swap(calc_tuple2_string_u32_t *pair, calc_tuple2_u32_string_t *ret)
{
    ret->f0 = pair->f1;
    ret->f1 = pair->f0;
}

/* "Ada (36): maths, engines" */
void exports_demo_calc_ops_describe(exports_demo_calc_ops_person_t *person, calc_string_t *ret)
{
    *ret = (calc_string_t){0};
    append(ret, person->name.ptr, person->name.len);
    if (person->age.is_some) {
        append_text(ret, " (");
        append_number(ret, person->age.val);
        append_text(ret, ")");
    }
    for (size_t i = 0; i < person->tags.len; i++) {
        append_text(ret, i == 0 ? ": " : ", ");
        append(ret, person->tags.ptr[i].ptr, person->tags.ptr[i].len);
    }
    exports_demo_calc_ops_person_free(person);
}

uint32_t exports_demo_calc_ops_upper(uint32_t letter)
{
    return letter >= 'a' && letter <= 'z' ? letter - 'a' + 'A' : letter;
}

bool exports_demo_calc_ops_not(bool value)
{
    return !value;
}

void exports_demo_calc_ops_reverse(calc_list_u8_t *bytes, calc_list_u8_t *ret)
{
    for (size_t i = 0; i < bytes->len / 2; i++) {
        uint8_t byte = bytes->ptr[i];
        bytes->ptr[i] = bytes->ptr[bytes->len - 1 - i];
        bytes->ptr[bytes->len - 1 - i] = byte;
    }
    *ret = *bytes;
}

void exports_demo_calc_ops_nothing(void)
{
}

void exports_demo_calc_ops_crash(void)
{
    __builtin_trap();
}
