/*
 * tests/conformance/host.c: implements `things`, counting the objects that live. A
 * magic number in each tells an object from one that is gone.
 */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>

#define T(name) loop_conformance_things_##name
#define SELF void *self, loop_call *call

#define COUNTER 0xc0117e5u
#define LABEL 0x1abe1u

typedef T(counter) counter;
typedef T(label) label;

struct T(counter) {
    uint32_t magic;
    int64_t number;
};
struct T(label) {
    uint32_t magic;
    loop_string text;
};

uint32_t live_counters, live_labels;

/* ---- objects ---- */

/* A pointer that is none of these: what follows makes no sense. */
static void check(bool alive, const char *what)
{
    if (alive)
        return;
    fprintf(stderr, "conformance: a provider was called with something that is no %s\n", what);
    abort();
}

counter *counter_new(int64_t number)
{
    counter *c = calloc(1, sizeof *c);
    *c = (counter){COUNTER, number};
    live_counters++;
    return c;
}

void counter_delete(counter *c)
{
    check(c && c->magic == COUNTER, "counter");
    c->magic = 0;
    free(c);
    live_counters--;
}

bool counter_number(const counter *c, int64_t *ret)
{
    bool alive = c && c->magic == COUNTER;
    if (alive)
        *ret = c->number;
    return alive;
}

static label *make_label(loop_string text)
{
    label *l = calloc(1, sizeof *l);
    char *copy = calloc(1, text.len + 1);
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    *l = (label){LABEL, {copy, text.len}};
    live_labels++;
    return l;
}

void label_delete(label *l)
{
    check(l && l->magic == LABEL, "label");
    l->magic = 0;
    free((char *)l->text.ptr);
    free(l);
    live_labels--;
}

static int64_t number_of(const counter *c)
{
    check(c && c->magic == COUNTER, "counter");
    return c->number;
}

static int64_t end(counter *c)
{
    int64_t number = number_of(c);
    counter_delete(c);
    return number;
}

static int64_t size_of(const label *l)
{
    check(l && l->magic == LABEL, "label");
    return (int64_t)l->text.len;
}

static int64_t end_label(label *l)
{
    int64_t size = size_of(l);
    label_delete(l);
    return size;
}

static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* ---- methods ---- */

static loop_error *new_counter(SELF, int64_t start, counter **ret)
{
    *ret = counter_new(start);
    return NULL;
}

static loop_error *counter_get(SELF, counter *c, int64_t *ret)
{
    *ret = number_of(c);
    return on_call ? on_call() : NULL;
}

static loop_error *counter_add(SELF, counter *c, int64_t amount, int64_t *ret)
{
    *ret = c->number = plus(number_of(c), amount);
    return NULL;
}

static loop_error *counter_describe(SELF, counter *c, loop_string *ret)
{
    *ret = loop_call_format(call, "counter %lld", (long long)number_of(c));
    return NULL;
}

static loop_error *counter_merge(SELF, counter *a, counter *b, counter **ret)
{
    *ret = counter_new(plus(end(a), end(b)));
    return NULL;
}

static loop_error *counter_same(SELF, counter *a, counter *b, bool *ret)
{
    *ret = number_of(a) == number_of(b);
    return NULL;
}

static void counter_drop(void *self, counter *c)
{
    counter_delete(c);
}

static loop_error *new_label(SELF, loop_string text, label **ret)
{
    *ret = make_label(text);
    return NULL;
}

static loop_error *label_text(SELF, label *l, loop_string *ret)
{
    size_of(l);
    *ret = l->text;
    return NULL;
}

static loop_error *label_size(SELF, label *l, uint32_t *ret)
{
    *ret = (uint32_t)size_of(l);
    return NULL;
}

static void label_drop(void *self, label *l)
{
    label_delete(l);
}

/* ---- alone ---- */

static loop_error *count_counters(SELF, uint32_t *ret)
{
    *ret = live_counters;
    return NULL;
}

static loop_error *count_labels(SELF, uint32_t *ret)
{
    *ret = live_labels;
    return NULL;
}

static loop_error *read_one(SELF, counter *c, int64_t *ret)
{
    *ret = number_of(c);
    return NULL;
}

static loop_error *take(SELF, counter *c, int64_t *ret)
{
    *ret = end(c);
    return NULL;
}

static loop_error *pass(SELF, counter *c, counter **ret)
{
    number_of(c);
    *ret = c;
    return NULL;
}

static loop_error *read_and_take(SELF, counter *a, counter *b, int64_t *ret)
{
    *ret = number_of(a);
    *ret -= end(b);
    return NULL;
}

static loop_error *read_many(SELF, counter *a, uint32_t p1, uint32_t p2, uint32_t p3, uint32_t p4,
                             uint32_t p5, uint32_t p6, uint32_t p7, uint32_t p8, uint32_t p9,
                             uint32_t p10, uint32_t p11, uint32_t p12, uint32_t p13, uint32_t p14,
                             uint32_t p15, counter *z, int64_t *ret)
{
    *ret = number_of(a) + p1 + p2 + p3 + p4 + p5 + p6 + p7 + p8 + p9 + p10 + p11 + p12 + p13 + p14 +
           p15 + end(z);
    return NULL;
}

/* ---- in lists ---- */

typedef T(list_own_counter) counters;

static loop_error *make_list(SELF, loop_list_s64 starts, counters *ret)
{
    counter **made = loop_call_alloc(call, starts.len * sizeof(counter *));
    for (size_t i = 0; made && i < starts.len; i++)
        made[i] = counter_new(starts.ptr[i]);
    *ret = (counters){made, made ? starts.len : 0};
    return NULL;
}

static loop_error *read_list(SELF, counters list, int64_t *ret)
{
    for (size_t i = 0; i < list.len; i++)
        *ret = plus(*ret, number_of(list.ptr[i]));
    return NULL;
}

static loop_error *take_list(SELF, counters list, int64_t *ret)
{
    for (size_t i = 0; i < list.len; i++)
        *ret = plus(*ret, end(list.ptr[i]));
    return NULL;
}

static loop_error *reverse(SELF, counters list, counters *ret)
{
    counter **made = loop_call_alloc(call, list.len * sizeof(counter *));
    for (size_t i = 0; made && i < list.len; i++)
        made[i] = list.ptr[list.len - 1 - i];
    *ret = (counters){made, made ? list.len : 0};
    return NULL;
}

/* ---- in records and tuples ---- */

static loop_error *make_pair(SELF, int64_t left, int64_t right, T(pair) * ret)
{
    *ret = (T(pair)){counter_new(left), counter_new(right)};
    return NULL;
}

static loop_error *swap(SELF, const T(pair) * pair, T(pair) * ret)
{
    *ret = (T(pair)){pair->right, pair->left};
    return NULL;
}

static loop_error *take_pair(SELF, const T(pair) * pair, int64_t *ret)
{
    *ret = plus(end(pair->left), end(pair->right));
    return NULL;
}

static loop_error *read_view(SELF, const T(view) * view, int64_t *ret)
{
    *ret = number_of(view->counter) * view->times + size_of(view->label);
    return NULL;
}

typedef T(tuple_own_counter_u8_own_label) triple;

static loop_error *make_tuple(SELF, int64_t start, loop_string text, triple *ret)
{
    *ret = (triple){counter_new(start), 7, make_label(text)};
    return NULL;
}

static loop_error *read_tuple(SELF, const triple *values, int64_t *ret)
{
    *ret = number_of(values->f0) + values->f1 + size_of(values->f2);
    return NULL;
}

static loop_error *take_tuple(SELF, const triple *values, int64_t *ret)
{
    *ret = end(values->f0) + values->f1 + end_label(values->f2);
    return NULL;
}

/* ---- in options, results and variants ---- */

typedef T(option_own_counter) maybe;
typedef T(result_own_counter_own_label) either;

static loop_error *make_option(SELF, const loop_option_s64 *start, maybe *ret)
{
    *ret = (maybe){start->is_some, start->is_some ? counter_new(start->value) : NULL};
    return NULL;
}

static loop_error *read_option(SELF, const maybe *c, int64_t *ret)
{
    *ret = c->is_some ? number_of(c->value) : 0;
    return NULL;
}

static loop_error *take_option(SELF, const maybe *c, int64_t *ret)
{
    *ret = c->is_some ? end(c->value) : 0;
    return NULL;
}

static loop_error *make_result(SELF, int64_t start, either *ret)
{
    ret->is_err = start < 0;
    if (ret->is_err)
        ret->of.error = make_label(loop_string_of("negative"));
    else
        ret->of.ok = counter_new(start);
    return NULL;
}

static loop_error *read_result(SELF, const either *e, int64_t *ret)
{
    *ret = e->is_err ? size_of(e->of.error) : number_of(e->of.ok);
    return NULL;
}

static loop_error *take_result(SELF, const either *e, int64_t *ret)
{
    *ret = e->is_err ? end_label(e->of.error) : end(e->of.ok);
    return NULL;
}

static loop_error *make_holder(SELF, uint8_t kind, T(holder) * ret)
{
    counter **many;
    ret->tag = kind;
    switch (kind) {
    case LOOP_CONFORMANCE_THINGS_HOLDER_ONE: ret->of.one = counter_new(1); break;
    case LOOP_CONFORMANCE_THINGS_HOLDER_TWO:
        ret->of.two.f0 = counter_new(2);
        ret->of.two.f1 = counter_new(3);
        break;
    case LOOP_CONFORMANCE_THINGS_HOLDER_NAMED:
        ret->of.named = make_label(loop_string_of("four"));
        break;
    case LOOP_CONFORMANCE_THINGS_HOLDER_MANY:
        many = loop_call_alloc(call, 3 * sizeof(counter *));
        for (int64_t i = 0; i < 3; i++)
            many[i] = counter_new(5 + i);
        ret->of.many = (counters){many, 3};
        break;
    default: ret->tag = LOOP_CONFORMANCE_THINGS_HOLDER_EMPTY;
    }
    return NULL;
}

static loop_error *read_seen(SELF, const T(seen) * seen, int64_t *ret)
{
    switch (seen->tag) {
    case LOOP_CONFORMANCE_THINGS_SEEN_ONE: *ret = number_of(seen->of.one); break;
    case LOOP_CONFORMANCE_THINGS_SEEN_NAMED: *ret = size_of(seen->of.named); break;
    default: *ret = 0;
    }
    return NULL;
}

static loop_error *take_holder(SELF, const T(holder) * h, int64_t *ret)
{
    switch (h->tag) {
    case LOOP_CONFORMANCE_THINGS_HOLDER_ONE: *ret = end(h->of.one); break;
    case LOOP_CONFORMANCE_THINGS_HOLDER_TWO:
        *ret = end(h->of.two.f0);
        *ret = plus(*ret, end(h->of.two.f1));
        break;
    case LOOP_CONFORMANCE_THINGS_HOLDER_NAMED: *ret = end_label(h->of.named); break;
    case LOOP_CONFORMANCE_THINGS_HOLDER_MANY: return take_list(self, call, h->of.many, ret);
    default: *ret = 0;
    }
    return NULL;
}

const loop_conformance_things_functions things_functions = {
    new_counter,   counter_get,    counter_add,   counter_describe,
    counter_merge, counter_same,   new_label,     label_text,
    label_size,    count_counters, count_labels,  read_one,
    take,          pass,           read_and_take, read_many,
    make_list,     read_list,      take_list,     reverse,
    make_pair,     swap,           take_pair,     read_view,
    make_tuple,    read_tuple,     take_tuple,    make_option,
    read_option,   take_option,    make_result,   read_result,
    take_result,   make_holder,    read_seen,     take_holder,
    counter_drop,  label_drop,
};

const loop_provider conformance_provider = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "conformance",
    .summary = "values and things of loop:conformance",
    .interfaces =
        (const loop_provider_interface[]){{&loop_conformance_values_interface, &values_functions},
                                          {&loop_conformance_things_interface, &things_functions},
                                          {NULL, NULL}},
    .threads = LOOP_THREADS_SERIAL,
};
