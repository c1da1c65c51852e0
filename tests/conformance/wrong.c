/*
 * tests/conformance/wrong.c: providers that answer what they must not, chains of
 * providers. The error names the provider, and the host serves the next component.
 */
#include <stdlib.h>

#include "host.h"
#include "tests/conformance/classes.h"
#include "tests/conformance/suite.h"
#include "values.h"

#define H(name) loop_conformance_things_##name
#define SELF void *self, loop_call *call

/* ---- answers that are wrong ---- */

/* The provider: as good as the right one, but for what a row below takes over. */
static V(functions) values;
static H(functions) things;
static const loop_provider wrong = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "wrong",
    .summary = "answers what it must not",
    .interfaces = (const loop_provider_interface[]){{&V(interface), &values},
                                                    {&H(interface), &things},
                                                    {NULL, NULL}},
    .threads = LOOP_THREADS_SERIAL,
};

/* WRONG(function, parameters, type of the result, what it is): fn_N and set_N. */
#define WRONG(id, table, function, params, type, ...)                                              \
    static loop_error *wrong_##id params                                                           \
    {                                                                                              \
        *ret = (type)__VA_ARGS__;                                                                  \
        return NULL;                                                                               \
    }                                                                                              \
    static void set_##id(void)                                                                     \
    {                                                                                              \
        table.function = wrong_##id;                                                               \
    }
#define BY_VALUE(type) (SELF, type value, type * ret)
#define BY_POINTER(type) (SELF, const type *value, type *ret)

static const uint32_t no_char[] = {'a', 0xd800};
static const V(level) no_level[] = {0, 3};
static const V(flags9) no_flags9[] = {1, 0x200};
static const loop_string no_text[] = {{"good", 4}, {"\xc3\x28", 2}}, no_place[] = {{NULL, 3}};
static const loop_list_u8 no_bytes[] = {{(const uint8_t *)"x", 1}, {NULL, 1}};
static const V(joined) no_joined[] = {{.tag = 0}, {.tag = 10}};

WRONG(enum_flat, values, echo_level, BY_VALUE(V(level)), V(level), 3)
WRONG(enum_wide, values, echo_enum257, BY_VALUE(V(enum257)), V(enum257), 257)
WRONG(enums, values, echo_list_level, BY_VALUE(V(list_level)), V(list_level), {no_level, 2})
WRONG(surrogate, values, echo_char, BY_VALUE(uint32_t), uint32_t, 0xd800)
WRONG(large_char, values, echo_char, BY_VALUE(uint32_t), uint32_t, 0x110000)
WRONG(chars, values, echo_list_char, BY_VALUE(loop_list_char), loop_list_char, {no_char, 2})
WRONG(text, values, echo_string, BY_VALUE(loop_string), loop_string, {"\xff", 1})
WRONG(text_cut, values, echo_string, BY_VALUE(loop_string), loop_string, {"\xe4\xb8", 2})
WRONG(text_nowhere, values, echo_string, BY_VALUE(loop_string), loop_string, {NULL, 5})
WRONG(text_endless, values, echo_string, BY_VALUE(loop_string), loop_string, {"x", SIZE_MAX})
WRONG(texts, values, echo_list_string, BY_VALUE(loop_list_string), loop_list_string, {no_text, 2})
WRONG(texts_nowhere, values, echo_list_string, BY_VALUE(loop_list_string), loop_list_string,
      {no_place, 1})
WRONG(bytes_nowhere, values, echo_list_u8, BY_VALUE(loop_list_u8), loop_list_u8, {NULL, 1})
WRONG(bytes_endless, values, echo_list_u8, BY_VALUE(loop_list_u8), loop_list_u8,
      {(const uint8_t *)"x", SIZE_MAX})
WRONG(words_endless, values, echo_list_u64, BY_VALUE(loop_list_u64), loop_list_u64,
      {(const uint64_t *)no_text, SIZE_MAX / 8 + 2})
WRONG(texts_endless, values, echo_list_string, BY_VALUE(loop_list_string), loop_list_string,
      {no_text, SIZE_MAX / 16 + 2})
WRONG(lists, values, echo_list_list_u8, BY_VALUE(V(list_list_u8)), V(list_list_u8), {no_bytes, 2})
WRONG(flags, values, echo_flags1, BY_VALUE(V(flags1)), V(flags1), 2)
WRONG(flags_wide, values, echo_flags17, BY_VALUE(V(flags17)), V(flags17), 1u << 17)
WRONG(flags_list, values, echo_list_flags, BY_VALUE(V(list_flags9)), V(list_flags9), {no_flags9, 2})
WRONG(variant, values, echo_joined, BY_POINTER(V(joined)), V(joined), {.tag = 10})
WRONG(variant_wide, values, echo_cases257, BY_POINTER(V(cases257)), V(cases257), {.tag = 257})
WRONG(bare, values, echo_bare, BY_POINTER(V(bare)), V(bare), {.tag = 3})
WRONG(variants, values, echo_list_variant, BY_VALUE(V(list_joined)), V(list_joined), {no_joined, 2})
WRONG(payload, values, echo_single, BY_POINTER(V(single)), V(single), {.of.only = {"\xff", 1}})
WRONG(no_object, things, counter_new, (SELF, int64_t start, H(counter) * *ret), H(counter) *, NULL)
WRONG(no_label, things, label_text, (SELF, H(label) * label, loop_string *ret), loop_string,
      {NULL, 2})
WRONG(objects_nowhere, things, make_list, (SELF, loop_list_s64 starts, H(list_own_counter) * ret),
      H(list_own_counter), {NULL, 2})
WRONG(object_endless, things, make_holder, (SELF, uint8_t kind, H(holder) * ret), H(holder),
      {.tag = 9})

/* A bool of C's can be nothing but 0 or 1, unless somebody insists. */
static loop_error *wrong_option(SELF, const loop_option_u8 *value, loop_option_u8 *ret)
{
    *(uint8_t *)ret = 2;
    return NULL;
}

static void set_option(void)
{
    values.echo_option_u8 = wrong_option;
}

static loop_error *wrong_result(SELF, const V(either) * value, V(either) * ret)
{
    *(uint8_t *)ret = 2;
    return NULL;
}

static void set_result(void)
{
    values.echo_result_both = wrong_result;
}

/* One of two is none: the good one must not be lost. */
static loop_error *wrong_pair(SELF, int64_t left, int64_t right, H(pair) * ret)
{
    *ret = (H(pair)){counter_new(left), NULL};
    return NULL;
}

static void set_pair(void)
{
    things.make_pair = wrong_pair;
}

static loop_error *wrong_other_pair(SELF, int64_t left, int64_t right, H(pair) * ret)
{
    *ret = (H(pair)){NULL, counter_new(right)};
    return NULL;
}

static void set_other_pair(void)
{
    things.make_pair = wrong_other_pair;
}

/* Made before it was known that there is no room: not lost either. */
static loop_error *wrong_room(SELF, int64_t start, H(counter) * *ret)
{
    *ret = counter_new(start);
    return loop_call_alloc(call, (size_t)1 << 40) ? loop_error_new(LOOP_INTERNAL, "there is room")
                                                  : NULL;
}

static void set_room(void)
{
    things.counter_new = wrong_room;
}

static loop_error *wrong_alloc(SELF, uint32_t *ret)
{
    *ret = loop_call_alloc(call, (size_t)1 << 40) ? 1 : 42;
    return NULL;
}

static void set_alloc(void)
{
    values.answer = wrong_alloc;
}

static loop_error *wrong_denied(SELF, uint32_t *ret)
{
    return loop_error_new(LOOP_DENIED, "not today");
}

static void set_denied(void)
{
    values.answer = wrong_denied;
}

/* What was given with a call that fails stays the provider's. */
static loop_error *wrong_take(SELF, H(counter) * counter, int64_t *ret)
{
    counter_delete(counter);
    return loop_error_new(LOOP_DENIED, "not this one");
}

static void set_take(void)
{
    things.take = wrong_take;
}

static const struct row {
    const char *name;
    void (*set)(void);
    const char *check; /* of caller's */
    loop_code code;    /* 0: any */
} rows[] = {
    {"an enum beyond its cases", set_enum_flat, "echo-level", 0},
    {"a wide enum beyond its cases", set_enum_wide, "echo-enum257", 0},
    {"an enum in a list beyond its cases", set_enums, "echo-list-level", 0},
    {"half a surrogate", set_surrogate, "echo-char", 0},
    {"a char that is too large", set_large_char, "echo-char", 0},
    {"half a surrogate in a list", set_chars, "echo-list-char", 0},
    {"text that is not UTF-8", set_text, "echo-string", 0},
    {"text that is cut", set_text_cut, "echo-string", 0},
    {"text without a place", set_text_nowhere, "echo-string", 0},
    {"text without an end", set_text_endless, "echo-string", LOOP_LIMIT},
    {"a list of text that is not UTF-8", set_texts, "echo-list-string", 0},
    {"a list of text without a place", set_texts_nowhere, "echo-list-string", 0},
    {"bytes without a place", set_bytes_nowhere, "echo-list-u8", 0},
    {"bytes without an end", set_bytes_endless, "echo-list-u8", LOOP_LIMIT},
    {"numbers without an end", set_words_endless, "echo-list-u64", LOOP_LIMIT},
    {"texts without an end", set_texts_endless, "echo-list-string", LOOP_LIMIT},
    {"a list in a list without a place", set_lists, "echo-list-list-u8", 0},
    {"a flag beyond", set_flags, "echo-flags1", 0},
    {"a flag beyond, of 17", set_flags_wide, "echo-flags17", 0},
    {"a flag beyond, in a list", set_flags_list, "echo-list-flags", 0},
    {"a variant beyond its cases", set_variant, "echo-joined", 0},
    {"a wide variant beyond its cases", set_variant_wide, "echo-cases257", 0},
    {"a variant without payloads beyond its cases", set_bare, "echo-bare", 0},
    {"a variant in a list beyond its cases", set_variants, "echo-list-variant", 0},
    {"a payload that is not UTF-8", set_payload, "echo-single", 0},
    {"an option that is neither", set_option, "echo-option-u8", 0},
    {"a result that is neither", set_result, "echo-result-both", 0},
    {"no object", set_no_object, "things-counters", 0},
    {"a method's text without a place", set_no_label, "things-labels", 0},
    {"objects without a place", set_objects_nowhere, "things-lists", 0},
    {"objects of a case beyond", set_object_endless, "things-variants", 0},
    {"one object and none", set_pair, "things-records", 0},
    {"no object and one", set_other_pair, "things-records", 0},
    {"an object, with memory beyond the limit", set_room, "things-counters", LOOP_LIMIT},
    {"memory beyond the limit", set_alloc, "answer", LOOP_LIMIT},
    {"an error of its own", set_denied, "answer", LOOP_DENIED},
    {"an error with a gift", set_take, "things-owns-and-borrows", LOOP_DENIED},
};

/* ---- one component that checks ---- */

struct asking {
    loop_host *host;
    loop_component *caller;
    const char *what;
};

/* Whether the check says that all is well; an error of the call is *ret_err. */
static bool ask(const struct asking *a, const char *check, loop_error **ret_err)
{
    guest g;
    loop_conformance_check_exports exports;
    loop_conformance_check_result_void_string said = {.is_err = true};
    *ret_err = NULL;
    if (!suite_ready(a->what, guest_open(a->host, a->caller, &g)))
        return false;
    if (suite_ready(a->what, loop_conformance_check_bind(g.instance, &exports)))
        *ret_err = loop_conformance_check_call_run(&exports, loop_string_of(check), &said);
    bool good = !*ret_err && !said.is_err;
    if (!*ret_err && said.is_err)
        *ret_err = loop_error_new(LOOP_INVALID, "the component says: %.*s", (int)said.of.error.len,
                                  said.of.error.ptr);
    guest_close(&g);
    if (live_counters || live_labels)
        good = suite_check(false, a->what, "%u counters and %u labels are left", live_counters,
                           live_labels);
    live_counters = live_labels = 0;
    return good;
}

static void works(const struct asking *a, const char *check)
{
    loop_error *err;
    ask(a, check, &err);
    suite_worked(a->what, err);
}

static void run_wrong(struct asking *a, const struct row *row)
{
    lp_auto(lp_free_string) char *what = lp_format("a provider answers %s", row->name);
    a->what = what;
    values = values_functions;
    things = things_functions;
    row->set();
    loop_error *err;
    ask(a, row->check, &err);
    loop_code code = loop_error_code(err);
    lp_auto(lp_free_string) char *text = err ? suite_text(err) : lp_strdup("nothing");
    suite_check(strstr(text, "provider 'wrong'") && (!row->code || row->code == code), what,
                "expected an error that names the provider, got '%s': %s", loop_code_name(code),
                text);
    values = values_functions;
    things = things_functions;
    works(a, row->check);
}

/* ---- chains ---- */

static uint32_t passed_on, seen_by;

static loop_error *ask_next(SELF, uint32_t *ret)
{
    uint32_t got = 0xa5a5a5a5; /* whatever is in it: the one behind finds 0 */
    passed_on++;
    loop_error *e = V(next_answer)(call, &got);
    *ret = got;
    return e;
}

static loop_error *adds_42(SELF, uint32_t *ret)
{
    *ret += 42;
    return NULL;
}

static loop_error *ask_next_text(SELF, loop_string value, loop_string *ret)
{
    passed_on++;
    return V(next_echo_string)(call, value, ret);
}

static loop_error *ask_next_variant(SELF, const V(joined) * value, V(joined) * ret)
{
    passed_on++;
    return V(next_echo_joined)(call, value, ret);
}

static loop_error *ask_next_read(SELF, H(counter) * counter, int64_t *ret)
{
    passed_on++;
    return H(next_read)(call, counter, ret);
}

static loop_error *ask_next_counter(SELF, int64_t start, H(counter) * *ret)
{
    passed_on++;
    return H(next_counter_new)(call, start, ret);
}

/* Everything else is NULL: it passes on as it is. */
static const V(functions) first_values = {
    .answer = ask_next, .echo_string = ask_next_text, .echo_joined = ask_next_variant};
static const H(functions) first_things = {.read = ask_next_read, .counter_new = ask_next_counter};
static const loop_provider first = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "first",
    .summary = "asks the next",
    .interfaces = (const loop_provider_interface[]){{&V(interface), &first_values},
                                                    {&H(interface), &first_things},
                                                    {NULL, NULL}},
    .threads = LOOP_THREADS_SERIAL,
};

static loop_error *bind_chain(const struct asking *a, const char *interface_name,
                              const loop_link *chain, size_t n)
{
    return loop_host_bind_chain(a->host, NULL, interface_name, chain, n);
}

/* An interceptor: every call of any interface comes by, objects unread. */
static loop_error *come_by(void *self, loop_call *call, const loop_interface *interface, size_t row,
                           const void *args, void *ret)
{
    (void)self;
    seen_by++;
    return loop_call_next(call, interface, row, args, ret);
}

static const loop_provider watcher = {.abi = LOOP_PROVIDER_ABI,
                                      .name = "watcher",
                                      .summary = "sees every call",
                                      .threads = LOOP_THREADS_ANY,
                                      .call = come_by};

/* On one or both of two interfaces that share objects, before a link that has few functions. */
static void run_interceptor(struct asking *a)
{
    static const loop_link watched[] = {{"watcher", NULL}, {"first", NULL}, {"conformance", NULL}};
    static const char *const checks[] = {"answer",          "echo-string",
                                         "echo-joined",     "greeting",
                                         "things-counters", "things-owns-and-borrows",
                                         "things-lists"};
    a->what = "an interceptor before a chain";
    for (size_t both = 0; both < 2; both++) {
        const loop_link *values_chain = both ? watched : watched + 1;
        if (!suite_ready(a->what,
                         bind_chain(a, "loop:conformance/values", values_chain, 2 + both)) ||
            !suite_ready(a->what, bind_chain(a, "loop:conformance/things", watched, 3)))
            return;
        seen_by = passed_on = 0;
        for (size_t i = 0; i < LP_COUNT(checks); i++)
            works(a, checks[i]);
        suite_check(seen_by > 10 && passed_on > 10, a->what, "it saw %u calls, the next %u of them",
                    seen_by, passed_on);
    }
}

static void run_chain(struct asking *a)
{
    static const loop_link chain[] = {{"first", NULL}, {"conformance", NULL}};
    static const char *const checks[] = {"answer",          "echo-string",
                                         "echo-joined",     "greeting",
                                         "things-counters", "things-owns-and-borrows",
                                         "things-lists"};
    a->what = "a chain of two providers";
    if (!suite_ready(a->what, bind_chain(a, "loop:conformance/values", chain, LP_COUNT(chain))) ||
        !suite_ready(a->what, bind_chain(a, "loop:conformance/things", chain, LP_COUNT(chain))))
        return;
    passed_on = 0;
    for (size_t i = 0; i < LP_COUNT(checks); i++)
        works(a, checks[i]);
    suite_check(passed_on > 10, a->what, "the first was asked %u times", passed_on);
}

/* The one behind counts on the zero that loop/provider.h promises. */
static void run_zeroed(struct asking *a)
{
    static const loop_link chain[] = {{"first", NULL}, {"wrong", NULL}};
    a->what = "a result in a chain";
    values = values_functions;
    values.answer = adds_42;
    if (suite_ready(a->what, bind_chain(a, "loop:conformance/values", chain, LP_COUNT(chain))))
        works(a, "answer");
}

/* Nobody is behind. */
static void run_end_of_chain(struct asking *a)
{
    static const loop_link chain[] = {{"wrong", NULL}};
    a->what = "the end of a chain";
    values = values_functions;
    things = things_functions;
    values.answer = ask_next;
    loop_error *err = NULL;
    if (suite_ready(a->what, bind_chain(a, "loop:conformance/values", chain, LP_COUNT(chain))) &&
        suite_ready(a->what, bind_chain(a, "loop:conformance/things", chain, LP_COUNT(chain))))
        ask(a, "answer", &err);
    bool told = false;
    for (const loop_error *e = err; e && !told; e = loop_error_cause(e))
        told = strstr(loop_error_message(e), "is the last provider of") != NULL;
    suite_check(told, a->what, "expected that it is the last provider, got %s",
                loop_code_name(loop_error_code(err)));
    loop_error_delete(err);
}

static const loop_provider *const providers[] = {&conformance_provider, &first, &wrong, &watcher,
                                                 NULL};

void run_wrong_answers(const char *folder)
{
    struct asking a = {.what = "wrong answers"};
    if (!suite_ready(a.what, suite_host(providers, &a.host)))
        return;
    if (suite_ready(a.what, suite_component(a.host, folder, "caller", &a.caller))) {
        for (size_t i = 0; i < LP_COUNT(rows); i++)
            run_wrong(&a, &rows[i]);
        run_interceptor(&a);
        run_chain(&a);
        run_zeroed(&a);
        run_end_of_chain(&a);
    }
    loop_component_delete(a.caller);
    loop_host_delete(a.host);
}
