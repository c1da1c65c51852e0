/* bindgen/bindgen_test.c: what `loop bindgen c-host` promises about names, layout and types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "bindgen/gen.h"

/* Makes bindings of `wit` by way of a file here. */
static loop_error *generate(const char *wit, const loop_bindgen_options *more, char **ret_header,
                            char **ret_source)
{
    loop_bindgen_options o = more ? *more : (loop_bindgen_options){0};
    lp_auto(lp_free_string) char *path = lp_format("bindgen-test-%ld.wit", (long)getpid());
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(wit, 1, strlen(wit), f), strlen(wit));
    assert_int_equal(fclose(f), 0);
    o.wit = path;
    loop_error *e = loop_bindgen_c_host(&o, ret_header, ret_source);
    unlink(path);
    return e;
}

/* The same, where it must work; both texts in one, for free(). */
static char *generated(const char *wit, const loop_bindgen_options *more)
{
    char *header, *source;
    loop_error *e = generate(wit, more, &header, &source);
    if (e) {
        char *text = loop_error_format(e);
        print_error("%s%s", text, wit);
        fail();
    }
    char *both = lp_format("%s\n%s", header, source);
    free(header);
    free(source);
    return both;
}

static bool has(const char *wit, const loop_bindgen_options *more, const char *piece)
{
    lp_auto(lp_free_string) char *text = generated(wit, more);
    return strstr(text, piece) != NULL;
}

static void check(const char *wit, const loop_bindgen_options *more, const char *piece)
{
    if (has(wit, more, piece))
        return;
    lp_auto(lp_free_string) char *text = generated(wit, more);
    print_error("missing: %s\nof: %s\nin:\n%s", piece, wit, text);
    fail();
}

/* ---- types ---- */

/* What stands in an interface `i` of a package `a:b`, and a piece of what comes of it. */
struct row {
    const char *wit, *piece;
};

static void check_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        lp_auto(lp_free_string) char *wit =
            lp_format("package a:b@1.0.0;\ninterface i {\n%s\n}\n", rows[i].wit);
        check(wit, NULL, rows[i].piece);
    }
}

static void types_are_named_after_wit(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"enum e { one-two, THREE }", "typedef uint8_t a_b_i_e;\nenum {\n    A_B_I_E_ONE_TWO = 0,\n"
                                      "    A_B_I_E_THREE = 1,\n};"},
        {"flags f { x, y }", "typedef uint8_t a_b_i_f;\nenum {\n    A_B_I_F_X = 1u << 0,\n"},
        {"record r { a-b: u8, c: string }",
         "typedef struct a_b_i_r {\n    uint8_t a_b;\n    loop_string c;\n} a_b_i_r;"},
        {"record r { a: list<u8>, b: option<char> }",
         "    loop_list_u8 a;\n    loop_option_char b;\n"},
        {"variant v { x, y(u8) }",
         "{\n    uint8_t tag;\n    union {\n        uint8_t y;\n    } of;\n} a_b_i_v;"},
        {"variant v { x, y }", "{\n    uint8_t tag;\n} a_b_i_v;"},
        {"type t = list<u8>; type u = t;",
         "typedef loop_list_u8 a_b_i_t;\ntypedef a_b_i_t a_b_i_u;"},
        {"type t = tuple<u8, string>;", "} a_b_i_tuple_u8_string;\n\n"
                                        "typedef a_b_i_tuple_u8_string a_b_i_t;"},
        {"enum e { x } f: func() -> list<e>;",
         "{\n    const a_b_i_e *ptr;\n    size_t len;\n} a_b_i_list_e;"},
        {"enum e { x } f: func() -> result<_, e>;",
         "    bool is_err;\n    union {\n        a_b_i_e error;\n    } of;\n"
         "} a_b_i_result_void_e;"},
        {"f: func() -> result;", "{\n    bool is_err;\n} a_b_i_result_void_void;"},
        {"f: func() -> option<option<u8>>;",
         "    bool is_some;\n    loop_option_u8 value;\n} a_b_i_option_option_u8;"},
        {"resource r; f: func() -> list<r>;",
         "{\n    a_b_i_r *const *ptr;\n    size_t len;\n} a_b_i_list_own_r;"},
        {"resource r; f: func() -> option<borrow<r>>;", NULL},
        /* Used before it is declared. */
        {"record a { x: b } record b { y: u8 }", "} a_b_i_b;\n\ntypedef struct a_b_i_a {"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++)
        if (rows[i].piece)
            check_rows(&rows[i], 1);
}

static void names_that_mean_something_else_get_an_underscore(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"record r { %default: u8, class: u8, linux: u8 }",
         "uint8_t default_;\n    uint8_t class_;\n    uint8_t linux_;"},
        {"f: func(self: u8, ret: u8, %int: u8);", "uint8_t self_, uint8_t ret_, uint8_t int_);"},
        {"%switch: func();", "loop_error *(*switch_)(void *self, loop_call *call);"},
        {"type functions = u8;", "typedef uint8_t a_b_i_functions_;"},
        {"type list-e = u8; enum e { x } f: func() -> list<e>;", "} a_b_i_list_e_;"},
        {"f: func() -> tuple<tuple<u8>, u8>; g: func() -> tuple<tuple<u8, u8>>;",
         "} a_b_i_tuple_tuple_u8_u8_;"},
        {"resource r { f: func(r: u8); }", "a_b_i_r *r, uint8_t r_);"},
        {"resource r { f: func(); } r-f: func();", "(*r_f_)("},
        {"next-f: func(); f: func();", "*a_b_i_next_f("},
    };
    check_rows(rows, LP_COUNT(rows));
}

static void layout_is_that_of_abi_h(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"record r { a: u8, b: u32, c: u8 }", "sizeof(a_b_i_r) == 12"},
        {"record r { a: u8, b: string, c: bool }", "sizeof(a_b_i_r) == 32"},
        {"type t = tuple<u8, u16, u8>;", "sizeof(a_b_i_tuple_u8_u16_u8) == 6"},
        {"variant v { a(u8), b(u64) }", "sizeof(a_b_i_v) == 16"},
        {"variant v { a(u8), b(u64) }", "offsetof(a_b_i_v, of) == 8"},
        {"variant v { a(tuple<u32, u8>), b }", "sizeof(a_b_i_v) == 12"},
        {"f: func() -> option<tuple<u8, u8>>;", "sizeof(a_b_i_option_tuple_u8_u8) == 3"},
        {"f: func() -> result<u16, u8>;", "sizeof(a_b_i_result_u16_u8) == 4"},
        {"resource r; record x { a: u8, b: own<r> }", "sizeof(a_b_i_x) == 16"},
        {"flags f { a, b, c, d, e, f, g, h, i } record r { x: f }", "sizeof(a_b_i_r) == 2"},
        {"f: func(a: u8, b: u64, c: u8);", "sizeof(struct a_b_i_f_args) == 24"},
    };
    check_rows(rows, LP_COUNT(rows));
}

static char *many(const char *start, const char *each, size_t n, const char *end)
{
    lp_buf b = {0};
    lp_buf_puts(&b, start);
    for (size_t i = 0; i < n; i++)
        lp_buf_printf(&b, "%s%s%zu", i ? ", " : "", each, i);
    lp_buf_puts(&b, end);
    return lp_buf_take(&b);
}

static void tags_and_flags_are_as_wide_as_they_must_be(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        size_t count;
        const char *piece;
    } rows[] = {
        {"enum", 256, "typedef uint8_t a_b_i_t;"},
        {"enum", 257, "typedef uint16_t a_b_i_t;"},
        {"variant", 256, "{\n    uint8_t tag;"},
        {"variant", 257, "{\n    uint16_t tag;"},
        {"flags", 1, "typedef uint8_t a_b_i_t;"},
        {"flags", 8, "typedef uint8_t a_b_i_t;"},
        {"flags", 9, "typedef uint16_t a_b_i_t;"},
        {"flags", 16, "typedef uint16_t a_b_i_t;"},
        {"flags", 17, "typedef uint32_t a_b_i_t;"},
        {"flags", 31, "    A_B_I_T_C30 = 1u << 30,"},
        {"flags", 32, "#define A_B_I_T_C31 (1u << 31)"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_auto(lp_free_string) char *start =
            lp_format("package a:b; interface i { %s t { ", rows[i].kind);
        lp_auto(lp_free_string) char *wit = many(start, "c", rows[i].count, " } }");
        check(wit, NULL, rows[i].piece);
    }
}

/* ---- functions ---- */

static void functions_take_values_or_pointers(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"f: func();", "loop_error *(*f)(void *self, loop_call *call);"},
        {"f: func(a: u8, b: string) -> f64;", "uint8_t a, loop_string b, double *ret);"},
        {"record r { x: u8 } f: func(a: r, b: list<r>);", "const a_b_i_r *a, a_b_i_list_r b);"},
        {"f: func(o: option<u8>);", "const loop_option_u8 *o);"},
        {"resource r; f: func(a: r, b: borrow<r>) -> r;",
         "a_b_i_r *a, a_b_i_r *b, a_b_i_r **ret);"},
        {"resource r { constructor(a: u8); }",
         "(*r_new)(void *self, loop_call *call, uint8_t a, a_b_i_r **ret);"},
        {"resource r { of: static func(); }", "(*r_of)(void *self, loop_call *call);"},
        {"resource r { get: func(); }", "(*r_get)(void *self, loop_call *call, a_b_i_r *r);"},
        {"resource r;", "    void (*r_drop)(void *self, a_b_i_r *r);"},
        {"f: func(a: u8) -> u8;", "loop_error *a_b_i_next_f(loop_call *call, uint8_t a, "
                                  "uint8_t *ret) LOOP_MUST_USE;"},
    };
    check_rows(rows, LP_COUNT(rows));
}

static void what_is_handed_over_is_said(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"resource r; /// Takes.\nf: func(a: r, %int: borrow<r>);",
         "    /*\n     * Takes.\n     *\n     * `a` is handed over to you.\n     */\n"},
        {"resource r { constructor(); }", "    /* `*ret` is handed over to the component. */\n"},
        {"resource r; type s = own<r>; f: func(%int: s);",
         "    /* `int_` is handed over to you. */\n"},
        {"resource r; record x { a: u8, b: r } f: func(a: list<x>) -> result<r, u8>;",
         "    /*\n     * Each own in `a` is handed over to you.\n"
         "     * Each own in `*ret` is handed over to the component.\n     */\n"},
        {"resource r; /// Looks.\nf: func(a: borrow<r>, b: list<borrow<r>>);",
         "    /* Looks. */\n    loop_error *(*f)("},
    };
    check_rows(rows, LP_COUNT(rows));
}

static void the_next_provider_finds_ret_zeroed(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"f: func() -> string;", "    memset(ret, 0, sizeof *ret);\n    return loop_call_next("},
        {"resource r; f: func() -> r;",
         "    memset((void *)ret, 0, sizeof *ret);\n    return loop_call_next("},
        {"f: func();", "{\n    return loop_call_next("},
    };
    check_rows(rows, LP_COUNT(rows));
}

static void rows_have_the_structural_type(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"f: func();", "\"()\""},
        {"f: func(a: bool, b: s8, c: char) -> string;", "\"(bool,s8,char)->string\""},
        {"enum e { a, b-c } record r { x: e, y: list<u8> } f: func(a: r);",
         "\"(record{x:enum{a,b-c},y:list<u8>})\""},
        {"variant v { a(u8), b } flags f { x, y } g: func(a: v) -> f;",
         "\"(variant{a(u8),b})->flags{x,y}\""},
        {"f: func() -> result<_, string>; ", "\"()->result<_,string>\""},
        {"f: func() -> result; ", "\"()->result<_,_>\""},
        {"f: func() -> tuple<option<u8>, result<u8>>;", "\"()->tuple<option<u8>,result<u8,_>>\""},
        {"type t = list<u32>; type u = t; f: func(a: u);", "\"(list<u32>)\""},
        {"resource r; f: func(a: borrow<r>) -> list<r>;",
         "\"(borrow<a:b/i.r>)->list<own<a:b/i.r>>\""},
    };
    check_rows(rows, LP_COUNT(rows));
}

static void a_resource_is_of_the_interface_that_defines_it(void **state)
{
    (void)state;
    static const char wit[] = "package a:b@1.0.0;\n"
                              "interface i { resource r; }\n"
                              "interface j { use i.{r as s}; }\n"
                              "interface k { use j.{s as t}; f: func(a: t); }\n"
                              "world w { resource own-one; import f: func(a: borrow<own-one>); "
                              "import x: interface { resource z; g: func() -> z; } }";
    check(wit, NULL, "\"(own<a:b/i.r>)\"");
    check(wit, NULL, "typedef a_b_j_s a_b_k_t;");
    check(wit, NULL, "\"(borrow<own-one>)\"");
    check(wit, NULL, "\"()->own<x.z>\"");
}

static void a_structure_longer_than_a_literal_is_written_as_characters(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *wit =
        many("package a:b; interface i { enum e { ", "a-case-with-a-long-name-", 300,
             " } f: func(a: e); }");
    check(wit, NULL, "static const char a_b_i_f_type[] = {\n    '(', 'e', 'n', 'u', 'm',");
}

/* ---- which ---- */

static const char worlds[] =
    "package a:b@1.0.0;\n"
    "interface types { enum e { x } }\n"
    "interface one { use types.{e}; resource r { get: func() -> e; } open: func() -> r; }\n"
    "interface two { use one.{r}; give: func(a: r) -> list<r>; }\n"
    "interface three { three: func(); }\n"
    "world w { import one; export two; export run: func() -> u8; }\n"
    "world g { export one; export two; }\n";

static void a_world_gives_tables_and_calls(void **state)
{
    (void)state;
    loop_bindgen_options w = {.world = "w"}, full = {.world = "a:b/w@1.0.0"};
    check(worlds, &w, "} a_b_one_functions;");
    check(worlds, &w, "} a_b_two_exports;");
    check(worlds, &w, "loop_error *a_b_w_call_run(const a_b_w_exports *exports, uint8_t *ret)");
    check(worlds, &full, "} a_b_two_exports;");
    assert_false(has(worlds, &w, "a_b_three"));
    assert_false(has(worlds, &w, "a_b_types_functions"));
    assert_false(has(worlds, &w, "_guest_"));
}

static void resources_of_the_component_are_handles(void **state)
{
    (void)state;
    loop_bindgen_options g = {.world = "g"};
    check(worlds, &g,
          "typedef struct a_b_one_guest_r {\n    loop_handle handle;\n} a_b_one_guest_r;");
    check(worlds, &g, "typedef a_b_one_guest_r a_b_two_guest_r;");
    check(worlds, &g, "a_b_two_guest_r a,\n");
    check(worlds, &g,
          "loop_error *a_b_one_drop_r(const a_b_one_exports *exports, "
          "a_b_one_guest_r r) LOOP_MUST_USE;");
    check(worlds, &g,
          "\n\n/*\n * `a` is handed over to the component.\n"
          " * Each own in `*ret` is handed over to you.\n */\n"
          "loop_error *a_b_two_call_give(");
    check(worlds, &g, "typedef a_b_types_e a_b_one_guest_e;");
}

static void without_a_world_it_is_the_package(void **state)
{
    (void)state;
    check(worlds, NULL, "} a_b_three_functions;"); /* in no world */
    check(worlds, NULL, "} a_b_one_exports;");
    assert_false(has(worlds, NULL, "a_b_two_functions")); /* only exported */
    static const char two[] = "package a:b;\nworld w { import c:d/i; }\n"
                              "interface mine { use c:d/i.{e}; f: func(a: e); }\n"
                              "package c:d { interface i { enum e { x } g: func(); } }\n";
    check(two, NULL, "typedef c_d_i_e a_b_mine_e;");
    assert_false(has(two, NULL, "c_d_i_functions"));
}

static void the_newest_of_two_versions_has_the_short_name(void **state)
{
    (void)state;
    static const char wit[] = "package a:b;\n"
                              "world w { import c:d/i@0.9.0; import c:d/i@0.10.0; "
                              "import c:d/i@0.10.0-rc.1; }\n"
                              "package c:d@0.9.0 { interface i { f: func(); } }\n"
                              "package c:d@0.10.0 { interface i { f: func(); } }\n"
                              "package c:d@0.10.0-rc.1 { interface i { f: func(); } }\n";
    check(wit, NULL,
          "c_d_i_interface = {\n    .abi = LOOP_ABI,\n    .name = \"c:d/i\",\n"
          "    .version = \"0.10.0\",");
    check(wit, NULL, "c_d_i_0_9_0_interface;");
    check(wit, NULL, "c_d_i_0_10_0_rc_1_interface;");
}

static void options_go_where_they_should(void **state)
{
    (void)state;
    loop_bindgen_options o = {.declare = "MY_API", .include = "my/own.h", .name = "x"};
    static const char wit[] = "package a:b; interface i { f: func(); }";
    check(wit, &o, "MY_API extern const loop_interface a_b_i_interface;");
    check(wit, &o, "MY_API loop_error *a_b_i_next_f(");
    check(wit, &o, "#include \"my/own.h\"\n");
    check(wit, &o, "#ifndef MY_OWN_H\n");
    check(wit, &o, " --name x --declare MY_API --include my/own.h`; do not edit. */\n");
}

/* ---- docs, failures ---- */

static void docs_stay_in_their_comment(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/// Ends */ here.\nf: func();", "    /* Ends * / here. */\n"},
        {"/// Starts /* here.\nf: func();", "    /* Starts / * here. */\n"},
        {"/// One.\n///\n/// Two.\nf: func();",
         "    /*\n     * One.\n     *\n     * Two.\n     */\n"},
        {"/// Tab\there.\nf: func();", "    /* Tab    here. */\n"},
    };
    check_rows(rows, LP_COUNT(rows));
}

static void what_cannot_be_bound_says_what_and_where(void **state)
{
    (void)state;
    static const struct {
        const char *wit, *world;
        loop_code code;
        const char *piece;
    } rows[] = {
        {"interface i { f: func(x: future<u8>); }", NULL, LOOP_INVALID, "a:b/i.f: future"},
        {"interface i { f: func(x: future<u8>); } world w { import i; }", NULL, LOOP_INVALID,
         "hint: leave it out of the WIT"},
        {"interface i { f: func(x: future<u8>); } world w { import i; } world v {}", "w",
         LOOP_INVALID, "hint: --world names a world without it"},
        {"interface i { f: func() -> list<stream<u8>>; }", NULL, LOOP_INVALID, "a:b/i.f: stream"},
        {"interface i { f: async func(); }", NULL, LOOP_INVALID, "a:b/i.f: async func"},
        {"interface i { f: func(x: error-context); }", NULL, LOOP_INVALID,
         "a:b/i.f: error-context"},
        {"interface i { record r { x: list<u8, 4> } f: func(x: r); }", NULL, LOOP_INVALID,
         "a:b/i.f: fixed-length-list"},
        {"interface i { f: func(); } world w { import i; } world v {}", "x", LOOP_NOT_FOUND,
         "its worlds: w, v"},
        {"interface i { f: func(); }", "x", LOOP_NOT_FOUND, "it has no worlds"},
        {"world w {}", NULL, LOOP_INVALID, "nothing to bind"},
        {"world w {", NULL, LOOP_INVALID, "cannot read WIT"},
        {"interface i { use c:d/e.{f}; }", NULL, LOOP_INVALID,
         "hint: --deps names a folder that holds the packages it uses"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        char *header = NULL, *source = NULL;
        loop_bindgen_options o = {.world = rows[i].world};
        lp_auto(lp_free_string) char *wit = lp_format("package a:b;\n%s", rows[i].wit);
        loop_error *e = generate(wit, &o, &header, &source);
        assert_non_null(e);
        assert_null(header);
        lp_auto(lp_free_string) char *text = loop_error_format(e);
        if (!strstr(text, rows[i].piece))
            print_error("%s: %s", rows[i].piece, text);
        assert_non_null(strstr(text, rows[i].piece));
        assert_int_equal(loop_error_code(e), rows[i].code);
        loop_error_delete(e);
    }
}

/* A package whose types nest `n` deep, or double in size `n` times. */
static char *nested(size_t n, const char *fields)
{
    lp_buf b = {0};
    lp_buf_puts(&b, "package a:b;\ninterface i {\n    record t0 { a: u64, b: u64 }\n");
    for (size_t i = 1; i < n; i++) {
        lp_buf_printf(&b, "    record t%zu {", i);
        for (const char *f = fields; *f; f++)
            lp_buf_printf(&b, " %c: t%zu,", *f, i - 1);
        lp_buf_puts(&b, " }\n");
    }
    lp_buf_printf(&b, "    f: func(x: list<t%zu>);\n}\n", n - 1);
    return lp_buf_take(&b);
}

static void sizes_have_limits(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        const char *fields, *piece;
    } rows[] = {
        {40, "a", NULL},
        {90, "a", "deeper than 64"},
        {14, "ab", "more than 64 KiB"}, /* LP_MAX_VALUE_SIZE, as instances have it */
        {13, "ab", "bytes to write down"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        char *header = NULL, *source = NULL;
        lp_auto(lp_free_string) char *wit = nested(rows[i].n, rows[i].fields);
        loop_error *e = generate(wit, NULL, &header, &source);
        lp_auto(lp_free_string) char *text = e ? loop_error_format(e) : NULL;
        assert_int_equal(!e, !rows[i].piece);
        if (e && !strstr(text, rows[i].piece))
            print_error("%s: %s", rows[i].piece, text);
        assert_true(!e || strstr(text, rows[i].piece));
        assert_int_equal(loop_error_code(e), e ? LOOP_LIMIT : LOOP_OK);
        loop_error_delete(e);
        free(header);
        free(source);
    }
}

static void odd_json_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "{}",
        "[]",
        "{\"main\":0}",
        "{\"main\":0,\"resolve\":{\"packages\":[]}}",
        "{\"main\":1,\"resolve\":{\"packages\":[{\"name\":\"a:b\"}]}}",
        "{\"main\":0,\"resolve\":{\"packages\":[{\"name\":\"a\"}]}}",
        "{\"main\":0,\"resolve\":{\"packages\":[{\"name\":\"a:b\"}],\"types\":[{\"name\":null,"
        "\"kind\":{\"list\":0},\"owner\":null}]}}",
        "{\"main\":0,\"resolve\":{\"packages\":[{\"name\":\"a:b\"}],\"types\":[{\"name\":\"x\","
        "\"kind\":{\"type\":0},\"owner\":null}]}}",
        "{\"main\":0,\"resolve\":{\"packages\":[{\"name\":\"a:b\"}],\"types\":[{\"name\":\"x\","
        "\"kind\":{\"handle\":{\"own\":1}},\"owner\":null},{\"name\":\"y\",\"kind\":{\"list\":"
        "\"u8\"},\"owner\":null}]}}",
        "{\"main\":0,\"resolve\":{\"packages\":[{\"name\":\"a:\\\"b\"}],\"interfaces\":[{\"name\":"
        "\"i\",\"types\":{},\"functions\":{},\"package\":0}]}}",
    };
    loop_bindgen_options o = {.wit = "x.wit"};
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        char *header = NULL, *source = NULL;
        loop_error *e = lp_gen_from_json(&o, rows[i], strlen(rows[i]), &header, &source);
        if (!e)
            print_error("accepted: %s\n", rows[i]);
        assert_non_null(e);
        loop_error_delete(e);
    }
}

static void the_same_wit_gives_the_same_text(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *a = generated(worlds, NULL);
    lp_auto(lp_free_string) char *b = generated(worlds, NULL);
    assert_string_equal(a, b);
}

static void the_name_is_that_of_the_file(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"core.wit", "core"}, {"wit/core", "core"},       {"wit/core/", "core"},  {"a/b.wasm", "b"},
        {"core", "core"},     {"a.b/c-0.2.0", "c-0.2.0"}, {"x.wit.wit", "x.wit"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_auto(lp_free_string) char *name = loop_bindgen_name(rows[i][0]);
        assert_string_equal(name, rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_named_after_wit),
        cmocka_unit_test(names_that_mean_something_else_get_an_underscore),
        cmocka_unit_test(layout_is_that_of_abi_h),
        cmocka_unit_test(tags_and_flags_are_as_wide_as_they_must_be),
        cmocka_unit_test(functions_take_values_or_pointers),
        cmocka_unit_test(what_is_handed_over_is_said),
        cmocka_unit_test(the_next_provider_finds_ret_zeroed),
        cmocka_unit_test(rows_have_the_structural_type),
        cmocka_unit_test(a_resource_is_of_the_interface_that_defines_it),
        cmocka_unit_test(a_structure_longer_than_a_literal_is_written_as_characters),
        cmocka_unit_test(a_world_gives_tables_and_calls),
        cmocka_unit_test(resources_of_the_component_are_handles),
        cmocka_unit_test(without_a_world_it_is_the_package),
        cmocka_unit_test(the_newest_of_two_versions_has_the_short_name),
        cmocka_unit_test(options_go_where_they_should),
        cmocka_unit_test(docs_stay_in_their_comment),
        cmocka_unit_test(what_cannot_be_bound_says_what_and_where),
        cmocka_unit_test(sizes_have_limits),
        cmocka_unit_test(odd_json_is_refused),
        cmocka_unit_test(the_same_wit_gives_the_same_text),
        cmocka_unit_test(the_name_is_that_of_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
