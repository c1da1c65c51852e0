/* engine/type_parse_test.c: types from text and back; what is none; the limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/type_parse.h"

static lp_arena arena;
static lp_resources known;

static int done(void **state)
{
    (void)state;
    lp_arena_done(&arena);
    free(known.at);
    known = (lp_resources){0};
    return 0;
}

static loop_code parse(const char *text, const lp_signature **ret)
{
    loop_error *e = lp_signature_parse(&arena, &known, lp_str_of(text), ret);
    loop_code code = e ? loop_error_code(e) : LOOP_OK;
    loop_error_delete(e);
    return code;
}

/* What was parsed, written again, is the same text. */
static void there_and_back(void **state)
{
    static const char *const texts[] = {
        "()",
        "()->u8",
        "(bool,u8,u16,u32,u64,s8,s16,s32,s64,f32,f64,char,string)->string",
        "(list<list<u8>>,option<option<char>>)->tuple<u8,string>",
        "()->result<_,_>",
        "(result<u8,_>)->result<_,enum{a}>",
        "(record{a:u8,b-c:list<string>})->variant{none,some(u8),D2(record{x:f32})}",
        "(enum{low,high},flags{f0,f1})",
        "(borrow<acme:kv/store.bucket>,string)->own<acme:kv/store.bucket>",
        "(own<bucket>)",
        "(string)->result<list<record{name:string,value:s64}>,variant{denied(string),limit}>",
    };
    for (size_t i = 0; i < LP_COUNT(texts); i++) {
        const lp_signature *s;
        lp_buf b = {0};
        assert_int_equal(parse(texts[i], &s), LOOP_OK);
        lp_signature_text(s, &b);
        assert_string_equal(b.ptr, texts[i]);
        lp_buf_done(&b);
    }
}

static void no_types(void **state)
{
    static const char *const texts[] = {
        "",
        "(",
        ")",
        "u8",
        "()u8",
        "()-",
        "()->",
        "()->u8 ",
        " ()",
        "(u8",
        "(u8,)",
        "(,u8)",
        "(u8 ,u8)",
        "(u8))",
        "(int)",
        "(U8)",
        "(list)",
        "(list<>)",
        "(list<u8)",
        "(list<u8>>)",
        "(list<u8,u8>)",
        "(list<_>)",
        "(option<_>)",
        "(option<u8,u8>)",
        "(tuple<>)",
        "(tuple<_>)",
        "(result<>)",
        "(result<u8>)",
        "(result<u8,u8,u8>)",
        "(record{})",
        "(record{a})",
        "(record{a:})",
        "(record{:u8})",
        "(record{a:u8,})",
        "(record{a:u8",
        "(enum{})",
        "(enum{a,})",
        "(enum{a(u8)})",
        "(enum{a:u8})",
        "(flags{})",
        "(flags{a(u8)})",
        "(variant{})",
        "(variant{a()})",
        "(variant{a(_)})",
        "(variant{a(u8})",
        "(variant{a:u8})",
        "(own)",
        "(own<>)",
        "(own<a.>)",
        "(own<.a>)",
        "(own<u8)",
        "(record{a_b:u8})",
        "(\xc3\xa9)",
        "(_)",
        "(future<u8>)",
        "()->(u8)",
    };
    for (size_t i = 0; i < LP_COUNT(texts); i++) {
        const lp_signature *s;
        if (parse(texts[i], &s) != LOOP_INVALID)
            fail_msg("it is taken: %s", texts[i]);
    }
    const lp_signature *s;
    loop_error *e = lp_signature_parse(&arena, &known, (lp_str){"(u8)\0", 5}, &s);
    assert_int_equal(loop_error_code(e), LOOP_INVALID);
    loop_error_delete(e);
}

/* The same name, the same object; another interface, another one. */
static void resources_are_known(void **state)
{
    const lp_signature *a, *b;
    assert_int_equal(parse("(borrow<a:b/c.r>,own<a:b/d.r>,own<r>)", &a), LOOP_OK);
    assert_int_equal(parse("(own<a:b/c.r>)->own<r>", &b), LOOP_OK);
    assert_int_equal(known.n, 3);
    assert_ptr_equal(a->params[0]->resource, b->params[0]->resource);
    assert_ptr_equal(a->params[2]->resource, b->result->resource);
    assert_ptr_not_equal(a->params[0]->resource, a->params[1]->resource);
    assert_string_equal(a->params[0]->resource->interface_name, "a:b/c");
    assert_string_equal(a->params[0]->resource->name, "r");
    assert_string_equal(a->params[2]->resource->interface_name, "");
}

/* `part` n times, between `front` and `back`. */
static loop_code many(const char *front, const char *part, size_t n, const char *back)
{
    lp_buf b = {0};
    const lp_signature *s;
    lp_buf_puts(&b, front);
    for (size_t i = 0; i < n; i++)
        lp_buf_printf(&b, part, (unsigned)i);
    lp_buf_puts(&b, back);
    loop_code code = parse(b.ptr, &s);
    lp_buf_done(&b);
    return code;
}

static void limits(void **state)
{
    lp_buf close = {0};
    for (int i = 0; i < LP_MAX_VALUE_DEPTH + 1; i++)
        lp_buf_puts(&close, ">");
    assert_int_equal(many("(", "list<", LP_MAX_VALUE_DEPTH + 1, "u8"), LOOP_LIMIT);
    lp_buf exact = {0};
    lp_buf_printf(&exact, "u8%.*s)", LP_MAX_VALUE_DEPTH, close.ptr);
    assert_int_equal(many("(", "list<", LP_MAX_VALUE_DEPTH, exact.ptr), LOOP_OK);
    lp_buf_done(&exact);
    lp_buf_done(&close);
    assert_int_equal(many("(flags{a", ",f%u", 31, "})"), LOOP_OK);
    assert_int_equal(many("(flags{a", ",f%u", 32, "})"), LOOP_INVALID);
    assert_int_equal(many("(u8", ",u8", 21800, ")"), LOOP_OK);
    assert_int_equal(many("(u8", ",u8", 21900, ")"), LOOP_LIMIT); /* bytes of the text */
    assert_int_equal(many("(enum{", "a", LP_MAX_NAME, "})"), LOOP_OK);
    assert_int_equal(many("(enum{", "a", LP_MAX_NAME + 1, "})"), LOOP_LIMIT);
    assert_int_equal(many("(u8", ",own<r%u>", LP_MAX_TYPE_RESOURCES, ")"), LOOP_OK);
    assert_int_equal(many("(u8", ",own<q%u>", 1, ")"), LOOP_LIMIT);
    assert_int_equal(many("(u8", ",own<r%u>", LP_MAX_TYPE_RESOURCES, ")"), LOOP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(there_and_back, done),
        cmocka_unit_test_teardown(no_types, done),
        cmocka_unit_test_teardown(resources_are_known, done),
        cmocka_unit_test_teardown(limits, done),
    };
    return cmocka_run_group_tests_name("type_parse", tests, NULL, NULL);
}
