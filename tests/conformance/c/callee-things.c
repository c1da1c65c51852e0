/*
 * callee: implements loop:conformance/things. A borrow is a pointer to the
 * object, an own a handle that is dropped here, unless it goes out again.
 */
#include "gen/callee.h"

#include <stdlib.h>
#include <string.h>

#define F(name) exports_loop_conformance_things_##name
#define T(name) exports_loop_conformance_things_##name##_t

typedef T(own_counter) own_counter;
typedef T(own_label) own_label;
typedef T(counter) counter;
typedef T(label) label;

struct T(counter) {
    int64_t number;
};
struct T(label) {
    callee_string_t text;
};

static uint32_t counters, labels;

static own_counter counter_of(int64_t number)
{
    counter *c = malloc(sizeof *c);
    c->number = number;
    counters++;
    return F(counter_new)(c);
}

static own_label label_of(callee_string_t text)
{
    label *l = malloc(sizeof *l);
    l->text = text;
    labels++;
    return F(label_new)(l);
}

static own_label label_of_text(const char *text)
{
    callee_string_t copy;
    callee_string_dup(&copy, text);
    return label_of(copy);
}

void F(counter_destructor)(counter *c)
{
    counters--;
    free(c);
}

void F(label_destructor)(label *l)
{
    labels--;
    callee_string_free(&l->text);
    free(l);
}

uint32_t F(live_counters)(void)
{
    return counters;
}

uint32_t F(live_labels)(void)
{
    return labels;
}

/* --- the methods --- */

own_counter F(constructor_counter)(int64_t start)
{
    return counter_of(start);
}

int64_t F(method_counter_get)(counter *self)
{
    return self->number;
}

int64_t F(method_counter_add)(counter *self, int64_t amount)
{
    self->number = (int64_t)((uint64_t)self->number + (uint64_t)amount);
    return self->number;
}

void F(method_counter_describe)(counter *self, callee_string_t *ret)
{
    char text[40]; /* without printf: that would import WASI */
    char *at = text + sizeof text - 1;
    uint64_t left = self->number < 0 ? -(uint64_t)self->number : (uint64_t)self->number;
    *at = 0;
    do
        *--at = (char)('0' + left % 10);
    while (left /= 10);
    if (self->number < 0)
        *--at = '-';
    at -= strlen("counter ");
    memcpy(at, "counter ", strlen("counter "));
    callee_string_dup(ret, at);
}

own_counter F(static_counter_merge)(own_counter a, own_counter b)
{
    return counter_of(F(take)(a) + F(take)(b));
}

bool F(static_counter_same)(counter *a, counter *b)
{
    return a->number == b->number;
}

own_label F(constructor_label)(callee_string_t *text)
{
    return label_of(*text);
}

void F(method_label_text)(label *self, callee_string_t *ret)
{
    ret->len = self->text.len;
    ret->ptr = malloc(ret->len);
    memcpy(ret->ptr, self->text.ptr, ret->len);
}

uint32_t F(static_label_size)(label *l)
{
    return l->text.len;
}

/* --- alone --- */

int64_t F(read)(counter *c)
{
    return c->number;
}

int64_t F(take)(own_counter c)
{
    int64_t number = F(counter_rep)(c)->number;
    F(counter_drop_own)(c);
    return number;
}

static int64_t take_label(own_label l)
{
    int64_t size = (int64_t)F(label_rep)(l)->text.len;
    F(label_drop_own)(l);
    return size;
}

own_counter F(pass)(own_counter c)
{
    return c;
}

int64_t F(read_and_take)(counter *a, own_counter b)
{
    return a->number - F(take)(b);
}

int64_t F(read_many)(counter *a, uint32_t p1, uint32_t p2, uint32_t p3, uint32_t p4, uint32_t p5,
                     uint32_t p6, uint32_t p7, uint32_t p8, uint32_t p9, uint32_t p10, uint32_t p11,
                     uint32_t p12, uint32_t p13, uint32_t p14, uint32_t p15, own_counter z)
{
    int64_t sum = a->number + F(take)(z);
    return sum + p1 + p2 + p3 + p4 + p5 + p6 + p7 + p8 + p9 + p10 + p11 + p12 + p13 + p14 + p15;
}

/* --- in lists --- */

void F(make_list)(callee_list_s64_t *starts, T(list_own_counter) * ret)
{
    ret->len = starts->len;
    ret->ptr = malloc(ret->len * sizeof *ret->ptr);
    for (size_t i = 0; i < ret->len; i++)
        ret->ptr[i] = counter_of(starts->ptr[i]);
    callee_list_s64_free(starts);
}

int64_t F(read_list)(T(list_borrow_counter) * list)
{
    int64_t sum = 0;
    for (size_t i = 0; i < list->len; i++)
        sum += list->ptr[i]->number;
    if (list->len > 0)
        free(list->ptr);
    return sum;
}

int64_t F(take_list)(T(list_own_counter) * list)
{
    int64_t sum = 0;
    for (size_t i = 0; i < list->len; i++)
        sum += F(take)(list->ptr[i]);
    if (list->len > 0)
        free(list->ptr);
    return sum;
}

void F(reverse)(T(list_own_counter) * list, T(list_own_counter) * ret)
{
    *ret = *list;
    for (size_t i = 0; i < ret->len / 2; i++) {
        own_counter other = ret->ptr[i];
        ret->ptr[i] = ret->ptr[ret->len - 1 - i];
        ret->ptr[ret->len - 1 - i] = other;
    }
}

/* --- in records and tuples --- */

void F(make_pair)(int64_t left, int64_t right, T(pair) * ret)
{
    ret->left = counter_of(left);
    ret->right = counter_of(right);
}

void F(swap)(T(pair) * pair, T(pair) * ret)
{
    *ret = (T(pair)){pair->right, pair->left};
}

int64_t F(take_pair)(T(pair) * pair)
{
    return F(take)(pair->left) + F(take)(pair->right);
}

int64_t F(read_view)(T(view) * view)
{
    return view->counter->number * view->times + (int64_t)view->label->text.len;
}

void F(make_tuple)(int64_t start, callee_string_t *text, T(tuple3_own_counter_u8_own_label) * ret)
{
    ret->f0 = counter_of(start);
    ret->f1 = 7;
    ret->f2 = label_of(*text);
}

int64_t F(read_tuple)(T(tuple3_borrow_counter_u8_borrow_label) * values)
{
    return values->f0->number + values->f1 + (int64_t)values->f2->text.len;
}

int64_t F(take_tuple)(T(tuple3_own_counter_u8_own_label) * values)
{
    return F(take)(values->f0) + values->f1 + take_label(values->f2);
}

/* --- in options, results and variants --- */

bool F(make_option)(int64_t *start, own_counter *ret)
{
    if (start)
        *ret = counter_of(*start);
    return start;
}

int64_t F(read_option)(T(borrow_counter) * c)
{
    return c ? (*c)->number : 0;
}

int64_t F(take_option)(own_counter *c)
{
    return c ? F(take)(*c) : 0;
}

bool F(make_result)(int64_t start, own_counter *ret, own_label *err)
{
    if (start < 0)
        *err = label_of_text("negative");
    else
        *ret = counter_of(start);
    return start >= 0;
}

int64_t F(read_result)(T(result_borrow_counter_borrow_label) * either)
{
    return either->is_err ? (int64_t)either->val.err->text.len : either->val.ok->number;
}

int64_t F(take_result)(T(result_own_counter_own_label) * either)
{
    return either->is_err ? take_label(either->val.err) : F(take)(either->val.ok);
}

void F(make_holder)(uint8_t kind, T(holder) * ret)
{
    ret->tag = kind;
    switch (kind) {
    case EXPORTS_LOOP_CONFORMANCE_THINGS_HOLDER_ONE: ret->val.one = counter_of(1); break;
    case EXPORTS_LOOP_CONFORMANCE_THINGS_HOLDER_TWO:
        ret->val.two.f0 = counter_of(2);
        ret->val.two.f1 = counter_of(3);
        break;
    case EXPORTS_LOOP_CONFORMANCE_THINGS_HOLDER_NAMED:
        ret->val.named = label_of_text("four");
        break;
    case EXPORTS_LOOP_CONFORMANCE_THINGS_HOLDER_MANY:
        ret->val.many.len = 3;
        ret->val.many.ptr = malloc(3 * sizeof(own_counter));
        for (int64_t i = 0; i < 3; i++)
            ret->val.many.ptr[i] = counter_of(5 + i);
        break;
    default: ret->tag = EXPORTS_LOOP_CONFORMANCE_THINGS_HOLDER_EMPTY;
    }
}

int64_t F(read_seen)(T(seen) * seen)
{
    switch (seen->tag) {
    case EXPORTS_LOOP_CONFORMANCE_THINGS_SEEN_ONE: return seen->val.one->number;
    case EXPORTS_LOOP_CONFORMANCE_THINGS_SEEN_NAMED: return (int64_t)seen->val.named->text.len;
    default: return 0;
    }
}

int64_t F(take_holder)(T(holder) * holder)
{
    switch (holder->tag) {
    case EXPORTS_LOOP_CONFORMANCE_THINGS_HOLDER_ONE: return F(take)(holder->val.one);
    case EXPORTS_LOOP_CONFORMANCE_THINGS_HOLDER_TWO:
        return F(take)(holder->val.two.f0) + F(take)(holder->val.two.f1);
    case EXPORTS_LOOP_CONFORMANCE_THINGS_HOLDER_NAMED: return take_label(holder->val.named);
    case EXPORTS_LOOP_CONFORMANCE_THINGS_HOLDER_MANY: return F(take_list)(&holder->val.many);
    default: return 0;
    }
}
