/*
 * caller: checks of loop:conformance/things. After each, as many counters and
 * labels live as before: what was taken is gone, what was only read is not.
 */
#include "caller.h"

#include <string.h>

#define F(name) loop_conformance_things_##name
#define T(name) loop_conformance_things_##name##_t

typedef T(own_counter) own_counter;
typedef T(borrow_counter) borrow_counter;
typedef T(own_label) own_label;
typedef T(borrow_label) borrow_label;

static own_counter counter(int64_t start)
{
    return F(constructor_counter)(start);
}

static borrow_counter ref(own_counter c)
{
    return F(borrow_counter)(c);
}

static int64_t number(own_counter c)
{
    return F(method_counter_get)(ref(c));
}

static void drop(own_counter c)
{
    F(counter_drop_own)(c);
}

static own_label label(const char *text)
{
    caller_string_t s = {(uint8_t *)text, strlen(text)};
    return F(constructor_label)(&s);
}

static bool says(own_label l, const char *text)
{
    caller_string_t want = {(uint8_t *)text, strlen(text)}, got;
    F(method_label_text)(F(borrow_label)(l), &got);
    return same_string(&want, &got);
}

static void counters(void)
{
    own_counter a = counter(5), b = counter(INT64_MIN);
    expect(number(a) == 5 && number(b) == INT64_MIN, "another number", 0);
    expect(F(method_counter_add)(ref(a), 3) == 8 && number(a) == 8, "another sum", 1);
    expect(F(method_counter_add)(ref(b), -1) == INT64_MAX, "another sum", 2);
    expect(number(a) == 8, "the other counter changed", 3);
    caller_string_t want = TEXT("counter 9223372036854775807"), text;
    F(method_counter_describe)(ref(b), &text);
    expect(same_string(&want, &text), "another description", 4);
    drop(a);
    expect(number(b) == INT64_MAX, "the other counter changed", 5);
    drop(b);
}

static void labels(void)
{
    own_label a = label(""), b = label("grüß dich, 世界 🌍");
    expect(says(a, "") && says(b, "grüß dich, 世界 🌍"), "another text", 0);
    expect(F(static_label_size)(F(borrow_label)(b)) == 24, "another size", 1);
    F(label_drop_own)(b);
    F(label_drop_own)(a);
}

static void destructors(void)
{
    uint32_t before = F(live_counters)();
    own_counter all[20];
    for (size_t i = 0; i < COUNT(all); i++) {
        all[i] = counter((int64_t)i);
        expect(F(live_counters)() == before + i + 1, "not one more counter", i);
    }
    for (size_t i = 0; i < COUNT(all); i += 2)
        drop(all[i]);
    expect(F(live_counters)() == before + 10, "not half of the counters", 20);
    for (size_t i = 0; i < COUNT(all); i += 2)
        all[i] = counter(-(int64_t)i);
    for (size_t i = 0; i < COUNT(all); i++)
        expect(number(all[i]) == (i % 2 ? (int64_t)i : -(int64_t)i), "another number", i);
    for (size_t i = COUNT(all); i-- > 0;)
        drop(all[i]);
}

static void statics(void)
{
    own_counter a = counter(5), b = counter(5), c = counter(6);
    expect(F(static_counter_same)(ref(a), ref(b)), "5 is not 5", 0);
    expect(F(static_counter_same)(ref(a), ref(a)), "one is not itself", 1);
    expect(!F(static_counter_same)(ref(a), ref(c)), "5 is 6", 2);
    uint32_t before = F(live_counters)();
    own_counter merged = F(static_counter_merge)(a, c);
    expect(F(live_counters)() == before - 1, "not one from two", 3);
    expect(number(merged) == 11, "another sum", 4);
    drop(merged);
    drop(b);
}

static void owns_and_borrows(void)
{
    own_counter a = counter(40), b = counter(2);
    expect(F(read)(ref(a)) == 40 && F(read)(ref(a)) == 40, "another number", 0);
    own_counter same = F(pass)(a);
    F(method_counter_add)(ref(same), 1);
    expect(number(same) == 41, "another number", 1);
    expect(F(read_and_take)(ref(same), b) == 39, "another difference", 2);
    expect(F(take)(same) == 41, "another number", 3);
}

static void many_parameters(void)
{
    own_counter a = counter(1000);
    expect(F(read_many)(ref(a), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, counter(-20)) ==
               1100,
           "another sum", 0);
    drop(a);
}

static void lists(void)
{
    int64_t starts[] = {1, -2, 30};
    caller_list_s64_t numbers = {starts, COUNT(starts)}, none = {starts, 0};
    T(list_own_counter) made, reversed;
    F(make_list)(&numbers, &made);
    expect(made.len == 3, "another length", 0);
    for (size_t i = 0; i < made.len && i < 3; i++)
        expect(number(made.ptr[i]) == starts[i], "another number", i);
    borrow_counter refs[] = {ref(made.ptr[0]), ref(made.ptr[1]), ref(made.ptr[0])};
    expect(F(read_list)(&(T(list_borrow_counter)){refs, 3}) == 0, "another sum", 3);
    F(reverse)(&made, &reversed);
    for (size_t i = 0; i < reversed.len; i++)
        expect(number(reversed.ptr[i]) == starts[2 - i], "another number", 4 + i);
    expect(F(take_list)(&reversed) == 29, "another sum", 8);
    F(make_list)(&none, &made);
    expect(made.len == 0, "something from nothing", 9);
    expect(F(read_list)(&(T(list_borrow_counter)){refs, 0}) == 0, "another sum", 10);
    expect(F(take_list)(&made) == 0, "another sum", 11);
}

static void long_handles(void)
{
    int64_t starts[1000];
    for (size_t i = 0; i < COUNT(starts); i++)
        starts[i] = (int64_t)i;
    caller_list_s64_t numbers = {starts, COUNT(starts)};
    T(list_own_counter) made, reversed;
    uint32_t before = F(live_counters)();
    F(make_list)(&numbers, &made);
    expect(F(live_counters)() == before + COUNT(starts), "another number of counters", 0);
    F(reverse)(&made, &reversed);
    expect(number(reversed.ptr[0]) == 999 && number(reversed.ptr[999]) == 0, "another number", 1);
    expect(F(take_list)(&reversed) == 499500, "another sum", 2);
}

static void records(void)
{
    T(pair) made, swapped;
    F(make_pair)(7, -8, &made);
    expect(number(made.left) == 7 && number(made.right) == -8, "another number", 0);
    F(swap)(&made, &swapped);
    expect(number(swapped.left) == -8 && number(swapped.right) == 7, "not swapped", 1);
    own_label l = label("é世");
    T(view) view = {ref(swapped.left), 100, F(borrow_label)(l)};
    expect(F(read_view)(&view) == -795, "another number", 2);
    expect(F(take_pair)(&swapped) == -1, "another sum", 3);
    F(label_drop_own)(l);
}

static void tuples(void)
{
    T(tuple3_own_counter_u8_own_label) made;
    caller_string_t text = TEXT("label");
    F(make_tuple)(INT64_MAX - 20, &text, &made);
    expect(number(made.f0) == INT64_MAX - 20 && made.f1 == 7, "another number", 0);
    expect(says(made.f2, "label"), "another text", 1);
    T(tuple3_borrow_counter_u8_borrow_label)
    seen = {ref(made.f0), 2, F(borrow_label)(made.f2)};
    expect(F(read_tuple)(&seen) == INT64_MAX - 13, "another sum", 2);
    made.f1 = 15;
    expect(F(take_tuple)(&made) == INT64_MAX, "another sum", 3);
}

static void options(void)
{
    own_counter made;
    int64_t start = -1;
    expect(!F(make_option)(NULL, &made), "something from nothing", 0);
    expect(F(make_option)(&start, &made) && number(made) == -1, "another number", 1);
    borrow_counter seen = ref(made);
    expect(F(read_option)(&seen) == -1 && F(read_option)(NULL) == 0, "another number", 2);
    expect(F(take_option)(&made) == -1 && F(take_option)(NULL) == 0, "another number", 3);
}

static void results(void)
{
    own_counter made;
    own_label failed;
    expect(F(make_result)(4, &made, &failed) && number(made) == 4, "another number", 0);
    expect(!F(make_result)(-4, NULL, &failed) && says(failed, "negative"), "another text", 1);
    T(result_borrow_counter_borrow_label)
    seen = {false, {.ok = ref(made)}}, seen_error = {true, {.err = F(borrow_label)(failed)}};
    expect(F(read_result)(&seen) == 4, "another number", 2);
    expect(F(read_result)(&seen_error) == 8, "another size", 3);
    T(result_own_counter_own_label)
    taken = {false, {.ok = made}}, taken_error = {true, {.err = failed}};
    expect(F(take_result)(&taken) == 4, "another number", 4);
    expect(F(take_result)(&taken_error) == 8, "another size", 5);
}

static void variants(void)
{
    static const int64_t sums[] = {0, 1, 5, 4, 18, 0};
    for (uint8_t kind = 0; kind < COUNT(sums); kind++) {
        T(holder) made;
        F(make_holder)(kind, &made);
        expect(made.tag == kind % 5, "another case", kind);
        T(seen) seen = {.tag = LOOP_CONFORMANCE_THINGS_SEEN_EMPTY};
        if (made.tag == LOOP_CONFORMANCE_THINGS_HOLDER_ONE)
            seen = (T(seen)){LOOP_CONFORMANCE_THINGS_SEEN_ONE, {.one = ref(made.val.one)}};
        if (made.tag == LOOP_CONFORMANCE_THINGS_HOLDER_NAMED) {
            expect(says(made.val.named, "four"), "another text", kind);
            seen.tag = LOOP_CONFORMANCE_THINGS_SEEN_NAMED;
            seen.val.named = F(borrow_label)(made.val.named);
        }
        int64_t want = seen.tag == LOOP_CONFORMANCE_THINGS_SEEN_EMPTY ? 0 : sums[kind];
        expect(F(read_seen)(&seen) == want, "another number", kind);
        if (made.tag == LOOP_CONFORMANCE_THINGS_HOLDER_TWO)
            expect(number(made.val.two.f0) == 2 && number(made.val.two.f1) == 3, "another number",
                   kind);
        if (made.tag == LOOP_CONFORMANCE_THINGS_HOLDER_MANY)
            expect(made.val.many.len == 3 && number(made.val.many.ptr[2]) == 7, "another number",
                   kind);
        expect(F(take_holder)(&made) == sums[kind], "another sum", kind);
    }
}

#define THINGS(X)                                                                                  \
    X(counters)                                                                                    \
    X(labels)                                                                                      \
    X(destructors)                                                                                 \
    X(statics)                                                                                     \
    X(owns_and_borrows)                                                                            \
    X(many_parameters)                                                                             \
    X(lists)                                                                                       \
    X(long_handles)                                                                                \
    X(records)                                                                                     \
    X(tuples)                                                                                      \
    X(options)                                                                                     \
    X(results)                                                                                     \
    X(variants)

/* A check with the count of what lives around it. */
#define COUNTED(name)                                                                              \
    static void counted_##name(void)                                                               \
    {                                                                                              \
        uint32_t live_counters = F(live_counters)(), live_labels = F(live_labels)();               \
        name();                                                                                    \
        expect(F(live_counters)() == live_counters, "counters were left or lost", 0);              \
        expect(F(live_labels)() == live_labels, "labels were left or lost", 0);                    \
    }
THINGS(COUNTED)

#define ROW(name) {"things_" #name, counted_##name},
const check thing_checks[] = {THINGS(ROW){NULL, NULL}};
