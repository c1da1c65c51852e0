/*
 * tests/conformance/layout.c: a plan lays values out as the C compiler does: the sizes of
 * every type of `values`, and values that are read by the plan and looked at as structs of
 * the generated header. An echo alone would not see a plan that is wrong both ways.
 */
#include "host.h"
#include "tests/conformance/suite.h"
#include "values.h"

#include <math.h>

/* ---- sizes ---- */

#define ROW(name, type) {"echo_" #name, sizeof(type), _Alignof(type)},
static const struct size {
    const char *name; /* _ is the - of WIT */
    size_t size, align;
} sizes[] = {VALUES_BY_VALUE(ROW) VALUES_BY_POINTER(ROW){"echo_bool", 1, 1},
             {"echo_list_bool", sizeof(loop_list_bool), _Alignof(loop_list_bool)},
             {"echo_two", sizeof(V(two)), _Alignof(V(two))},
             {"echo_sixteen", sizeof(V(sixteen)), _Alignof(V(sixteen))},
             {"echo_seventeen", sizeof(V(seventeen)), _Alignof(V(seventeen))},
             {"echo_strings8", sizeof(V(strings8)), _Alignof(V(strings8))},
             {"echo_strings9", sizeof(V(strings9)), _Alignof(V(strings9))},
             {"echo_forty", sizeof(V(forty)), _Alignof(V(forty))}};

static void check_size(guest *g, const lp_import *import)
{
    const lp_plan *p;
    for (size_t i = 0; i < LP_COUNT(sizes); i++) {
        lp_auto(lp_free_string) char *name = lp_strdup(sizes[i].name);
        for (char *c = name; *c; c++)
            *c = *c == '_' ? '-' : *c;
        if (strcmp(name, import->name) != 0 ||
            !suite_ready(name, lp_plan_new(&g->arena, import->signature, &p)))
            continue;
        suite_check(p->result->size == sizes[i].size && p->result->align == sizes[i].align, name,
                    "%u bytes by the plan, aligned to %u; in C %zu and %zu", p->result->size,
                    p->result->align, sizes[i].size, sizes[i].align);
    }
}

/* ---- values ---- */

static bool is_numbers(const V(numbers) * n)
{
    return n->truth && n->unsigned8 == 1 && n->signed8 == -2 && n->unsigned16 == 3 &&
           n->unsigned64 == 4 && n->signed16 == -5 && n->unsigned32 == 6 && n->signed32 == -7 &&
           n->letter == 0x4e16 && n->signed64 == -8 && n->single == 0.5f && n->double_ == 0.25 &&
           loop_string_is(n->text, "text");
}
#define NUMBERS                                                                                    \
    "{truth: true, unsigned8: 1, signed8: -2, unsigned16: 3, unsigned64: 4, signed16: -5, "        \
    "unsigned32: 6, signed32: -7, letter: '世', signed64: -8, single: 0.5, double: 0.25, "         \
    "text: \"text\"}"

static bool numbers(const void *args)
{
    return is_numbers(args);
}

static bool two_numbers(const void *args)
{
    const V(list_numbers) *list = args;
    return list->len == 2 && is_numbers(&list->ptr[0]) && is_numbers(&list->ptr[1]);
}

static bool nested(const void *args)
{
    const V(nested) *n = args;
    return n->f0.f0 == 1 && n->f0.f1 == 2 && n->f1.f0 == 3 && n->f1.f1.f0 == 4 && n->f1.f1.f1;
}

static bool outer(const void *args)
{
    const V(outer) *o = args;
    return loop_string_is(o->name, "outer") && o->inner.first == 1 && o->inner.middle == 2 &&
           o->inner.last == 3 && o->parts.len == 2 && o->parts.ptr[0].last == 6 &&
           o->parts.ptr[1].first == 7 && o->parts.ptr[1].middle == 8 && o->first.is_some &&
           o->first.value.value == 10;
}

static bool joined(const void *args)
{
    const V(list_joined) *l = args;
    const V(joined) *j = l->ptr;
    return l->len == 8 && j[0].tag == 0 && j[1].tag == 1 && j[1].of.small == 1 && j[2].tag == 3 &&
           j[2].of.long_ == 2 && j[3].tag == 4 && j[3].of.single == 3 && j[4].tag == 6 &&
           j[4].of.letter == 'x' && j[5].tag == 7 && loop_string_is(j[5].of.text, "y") &&
           j[6].tag == 8 && j[6].of.pair.f0 == 4 && j[6].of.pair.f1 == -5 && j[7].tag == 9 &&
           is_numbers(&j[7].of.everything);
}

static bool wide_case(const void *args)
{
    const V(cases257) *c = args;
    return c->tag == 256 && c->of.c256 == 77;
}

static bool wide_enum(const void *args)
{
    return *(const V(enum257) *)args == 256;
}

static bool deep(const void *args)
{
    const V(deep) *d = args;
    return d->is_some && d->value.is_some && d->value.value.is_some &&
           d->value.value.value.is_some && d->value.value.value.value.is_some &&
           loop_string_is(d->value.value.value.value.value, "deep");
}

static bool inner_result(const void *args)
{
    const V(inner_result) *r = args;
    return r->is_err && r->of.error.is_some && r->of.error.value == 5;
}

static bool triples(const void *args)
{
    const V(triples) *t = args;
    return t->len == 2 && loop_string_is(t->ptr[1].f0, "b") && t->ptr[0].f1 == 1 &&
           t->ptr[1].f1 == 3 && t->ptr[1].f2 == 4;
}

static bool flags(const void *args)
{
    return *(const V(flags17) *)args == (1u << 16 | 1);
}

static bool tree(const void *args)
{
    const V(tree) *t = args;
    return loop_string_is(t->name, "tree") && t->points.len == 2 && t->points.ptr[1].f0 == 3 &&
           t->points.ptr[1].f1 == 4 && t->kind.tag == 2 && t->kind.of.word == 5 &&
           t->tags.len == 2 && !t->tags.ptr[0].is_some && t->tags.ptr[1].is_some &&
           loop_string_is(t->tags.ptr[1].value, "tag") && !t->limit.is_err &&
           t->limit.of.ok.is_some && t->limit.of.ok.value == 2 && t->levels.len == 2 &&
           t->levels.ptr[0].len == 0 && t->levels.ptr[1].len == 2 && t->levels.ptr[1].ptr[1] == 1;
}

static bool mixture(const void *args)
{
    const V(mixture) *m = args;
    return m->is_some && !m->value.is_err && m->value.of.ok.len == 2 &&
           !m->value.of.ok.ptr[0].is_some && m->value.of.ok.ptr[1].is_some &&
           loop_string_is(m->value.of.ok.ptr[1].value.f0, "é") &&
           m->value.of.ok.ptr[1].value.f1.tag == 5 &&
           isnan(m->value.of.ok.ptr[1].value.f1.of.double_);
}

static bool forty(const void *args)
{
    const V(forty) *f = args;
    return f->f0 == 1 && f->f1 == -2 && f->f2 == 0.5f && f->f3 == 1.5 && f->f4 && f->f5 == 'c' &&
           f->f6 == -3 && f->f7 == 4 && f->f15 == 5 && loop_string_is(f->f16, "f16") &&
           f->f17.len == 2 && f->f17.ptr[1] == 7 && f->f18.is_some && f->f18.value == 8 &&
           f->f19 == 2 && f->f20 == 9 && f->f35 == 10 && loop_string_is(f->f36, "f36") &&
           f->f37.len == 0 && !f->f38.is_some && f->f39 == 1;
}

#define MIDDLE "0, 0, 0, 0, 0, 0, 0"
static const struct row {
    const char *text;
    bool (*check)(const void *args);
} rows[] = {
    {"values.echo-numbers(" NUMBERS ")", numbers},
    {"values.echo-list-record([" NUMBERS ", " NUMBERS "])", two_numbers},
    {"values.echo-tuple-tuple(((1, 2), (3, (4, true))))", nested},
    {"values.echo-outer({name: \"outer\", inner: {first: 1, middle: 2, last: 3}, parts: "
     "[{first: 4, middle: 5, last: 6}, {first: 7, middle: 8, last: 9}], first: some({value: 10})})",
     outer},
    {"values.echo-list-variant([nothing, small(1), long(2), single(3), letter('x'), text(\"y\"), "
     "pair((4, -5)), everything(" NUMBERS ")])",
     joined},
    {"values.echo-cases257(c256(77))", wide_case},
    {"values.echo-enum257(e256)", wide_enum},
    {"values.echo-option-deep(some(some(some(some(some(\"deep\"))))))", deep},
    {"values.echo-result-result(err(some(5)))", inner_result},
    {"values.echo-list-tuple([(\"a\", 1, 2), (\"b\", 3, 4)])", triples},
    {"values.echo-flags17({b0, b16})", flags},
    {"values.echo-tree({name: \"tree\", points: [(1, 2), (3, 4)], kind: word(5), tags: [none, "
     "some(\"tag\")], limit: ok(some(high)), levels: [[], [low, middle]]})",
     tree},
    {"values.echo-mixture(some(ok([none, some((\"é\", double(nan)))])))", mixture},
    {"values.echo-forty(1, -2, 0.5, 1.5, true, 'c', -3, 4, " MIDDLE
     ", 5, \"f16\", [6, 7], some(8), "
     "high, 9, 0, 0, 0, false, 'd', 0, 0, " MIDDLE ", 10, \"f36\", [], none, middle)",
     forty},
};

void run_layouts(guest *callee)
{
    const lp_import *import;
    const lp_component *c = callee->instance->body->component->engine;
    for (size_t n = 0; (import = lp_component_exported_at(c, n)); n++)
        if (import->signature && lp_starts_with(import->name, "echo-") && import->signature->result)
            check_size(callee, import);
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        wave_call call;
        lp_auto(lp_free_string) char *what = lp_format("layout of %.40s", rows[i].text);
        if (suite_ready(what, call_read(callee, rows[i].text, NULL, NULL, &call)))
            suite_check(rows[i].check(call.args), what, "C sees another value");
    }
}
