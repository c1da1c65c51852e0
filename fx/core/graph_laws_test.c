/*
 * fx/core/graph_laws_test.c: the laws of graphs (knowledge/effect-system.md) on random graphs and
 * random edits.
 *
 * The model is a table of nodes a component. The oracle computes a node by plain recursion over the
 * model, from scratch and without the runtime. Each node that is handed out must see its inputs as
 * the oracle does, and be one that the oracle would run. FX_SEED and FX_ROUNDS choose other runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fx/core/fx.h"

#define NODES 40
#define COMPONENTS 2
#define MAX_INPUTS 4
#define TEXT 48

struct model_node {
    bool used, present;
    uint32_t kind, function, period, inputs[MAX_INPUTS], n;
    char value[8]; /* of a source: in this turn, */
    char wanted[8];
    bool assigned; /* and from the next one on */
};

struct seen {    /* of a node, from what was handed out */
    bool fresh;  /* declared or swapped, and not run since */
    bool forced; /* an input lost its value by a declaration */
    bool slept;  /* was not necessary since it ran */
    uint32_t runs, turn;
    uint64_t changes; /* of its inputs, when it ran */
    uint64_t due;     /* of a timer */
    char told[TEXT];
};

struct graph_model {
    struct model_node nodes[NODES];
    struct seen seen[NODES];
    uint64_t changes[NODES]; /* that the trace told of */
    bool ran[NODES];         /* since the last edits */
};

struct world {
    uint64_t random, now, digest;
    lp_fx *fx;
    struct graph_model graphs[COMPONENTS];
    uint32_t max_jobs, turn;
    bool meddles; /* edits come while graphs are computed */
    bool edited, frame, ticked;
    unsigned depth;
};

static uint32_t pick(struct world *w, uint32_t n)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (uint32_t)((w->random >> 11) % n);
}

static uint32_t id_of(uint32_t i)
{
    return i * 0x9e3779b1u + 5;
}

static uint32_t of_id(uint32_t id)
{
    for (uint32_t i = 0; i < NODES; i++)
        if (id_of(i) == id)
            return i;
    fail_msg("a node %u of nobody", (unsigned)id);
    return 0;
}

static bool is_sink(const struct model_node *n)
{
    return n->kind >= LP_FX_ON_CHANGE;
}

/* ---- functions ---- */

static bool compute(uint32_t function, const char *inputs, char *ret, const char **ret_why)
{
    unsigned sum = 0, present = 0;
    for (const char *c = inputs; *c; c++) {
        present += *c == ',' && (c == inputs || c[-1] != '-');
        sum += *c >= '0' && *c <= '9' ? (unsigned)(*c - '0') : *c == '-';
    }
    *ret_why = "as told";
    switch (function) {
    case 0: snprintf(ret, 8, "%u", sum % 5); return true;
    case 1: snprintf(ret, 8, "%u", present); return true;
    case 2: snprintf(ret, 8, "%u", sum % 2); return true;
    case 3: snprintf(ret, 8, "%s", sum % 2 ? "" : "7"); return true;
    case 4: snprintf(ret, 8, "%u", sum % 4); return sum % 3 != 0;
    default: snprintf(ret, 8, "c"); return true;
    }
}

/* ---- the oracle ---- */

struct oracle {
    const struct graph_model *g;
    bool done[NODES], present[NODES];
    char value[NODES][8];
};

static void inputs_of(struct oracle *o, uint32_t i, char *ret);

static void evaluate(struct oracle *o, uint32_t i)
{
    const struct model_node *n = &o->g->nodes[i];
    if (o->done[i])
        return;
    o->done[i] = true;
    if (n->kind == LP_FX_SOURCE) {
        o->present[i] = n->present;
        memcpy(o->value[i], n->value, sizeof n->value);
        return;
    }
    char inputs[TEXT];
    const char *why;
    inputs_of(o, i, inputs);
    o->present[i] = compute(n->function, inputs, o->value[i], &why);
}

static void inputs_of(struct oracle *o, uint32_t i, char *ret)
{
    const struct model_node *n = &o->g->nodes[i];
    *ret = 0;
    for (uint32_t k = 0; k < n->n; k++) {
        evaluate(o, n->inputs[k]);
        snprintf(ret + strlen(ret), TEXT - strlen(ret), "%s,",
                 o->present[n->inputs[k]] ? o->value[n->inputs[k]] : "-");
    }
}

static bool needed(const struct graph_model *g, uint32_t i, unsigned depth)
{
    if (is_sink(&g->nodes[i]))
        return true;
    for (uint32_t d = 0; d < NODES; d++)
        for (uint32_t k = 0; g->nodes[d].used && k < g->nodes[d].n; k++)
            if (g->nodes[d].inputs[k] == i && needed(g, d, depth + 1))
                return true;
    return false;
}

static uint32_t height(const struct graph_model *g, uint32_t i)
{
    uint32_t most = 0;
    for (uint32_t k = 0; k < g->nodes[i].n; k++)
        most = LP_MAX(most, height(g, g->nodes[i].inputs[k]));
    return g->nodes[i].kind == LP_FX_SOURCE ? 0 : most + 1;
}

static uint64_t changes_of_inputs(const struct graph_model *g, uint32_t i)
{
    uint64_t sum = 0;
    for (uint32_t k = 0; k < g->nodes[i].n; k++)
        sum += g->changes[g->nodes[i].inputs[k]];
    return sum;
}

/* Whether `i` is reached from itself, or from one that is. */
static bool cyclic(const struct graph_model *g, uint32_t i, uint32_t depth)
{
    if (depth > NODES)
        return true;
    for (uint32_t k = 0; k < g->nodes[i].n; k++)
        if (cyclic(g, g->nodes[i].inputs[k], depth + 1))
            return true;
    return false;
}

/* Few enough ways through the graph for plain recursion. */
static bool good(const struct graph_model *g)
{
    for (uint32_t i = 0; i < NODES; i++) {
        const struct model_node *n = &g->nodes[i];
        for (uint32_t k = 0; n->used && k < n->n; k++)
            if (!g->nodes[n->inputs[k]].used || is_sink(&g->nodes[n->inputs[k]]))
                return false;
    }
    for (uint32_t i = 0; i < NODES; i++)
        if (g->nodes[i].used && cyclic(g, i, 0))
            return false;
    return true;
}

/* ---- edits ---- */

static uint32_t any(struct world *w, const struct graph_model *g)
{
    uint32_t i = pick(w, NODES);
    for (uint32_t n = 0; n < NODES && !g->nodes[i].used; n++)
        i = (i + 1) % NODES;
    return i;
}

static void check_result(loop_error *e, bool ok, loop_code code)
{
    if (ok && e)
        fail_msg("refused: %s", loop_error_message(e));
    if (!ok && !e)
        fail_msg("a bad edit was taken");
    if (!ok)
        assert_int_equal(loop_error_code(e), code);
    loop_error_delete(e);
}

static void declare(struct world *w, uint32_t component)
{
    struct graph_model *g = &w->graphs[component], was = *g;
    static const uint32_t kinds[] = {
        LP_FX_SOURCE, LP_FX_DERIVED,   LP_FX_DERIVED,   LP_FX_DERIVED,  LP_FX_DERIVED,
        LP_FX_SOURCE, LP_FX_ON_CHANGE, LP_FX_ON_CHANGE, LP_FX_ON_FRAME, LP_FX_ON_TIMER};
    lp_fx_node rows[5];
    uint32_t inputs[5][MAX_INPUTS], chosen[5], n = 1 + pick(w, 5);
    bool taken[NODES] = {0};
    for (uint32_t r = 0; r < n; r++) {
        do
            chosen[r] = pick(w, NODES);
        while (taken[chosen[r]]);
        taken[chosen[r]] = true;
        struct model_node *m = &g->nodes[chosen[r]];
        uint32_t kind = m->used && pick(w, 4) ? m->kind : kinds[pick(w, LP_COUNT(kinds))];
        bool keeps = m->used && m->kind == LP_FX_SOURCE && kind == LP_FX_SOURCE;
        if (!keeps)
            *m = (struct model_node){0};
        m->used = true;
        m->kind = kind;
        m->function = pick(w, 6);
        m->period = kind == LP_FX_ON_TIMER ? 1 + pick(w, 4) * 5 : 0;
        m->n = kind == LP_FX_SOURCE ? 0 : pick(w, MAX_INPUTS + 1);
    }
    for (uint32_t r = 0; r < n; r++) {
        struct model_node *m = &g->nodes[chosen[r]];
        for (uint32_t k = 0; k < m->n; k++) { /* mostly of those before: fewer cycles */
            uint32_t i = pick(w, 5) && chosen[r] ? pick(w, chosen[r]) : pick(w, NODES);
            for (uint32_t t = 0; t < NODES && (!g->nodes[i].used || is_sink(&g->nodes[i])); t++)
                i = (i + NODES - 1) % NODES;
            m->inputs[k] = pick(w, 40) ? i : pick(w, NODES);
            inputs[r][k] = id_of(m->inputs[k]);
        }
        rows[r] = (lp_fx_node){.id = id_of(chosen[r]),
                               .kind = m->kind,
                               .function = m->function,
                               .period_ms = m->period,
                               .inputs = inputs[r],
                               .n_inputs = m->n};
    }
    bool ok = good(g);
    check_result(lp_fx_declare(w->fx, component, rows, n), ok, LOOP_INVALID);
    if (!ok) {
        *g = was;
        return;
    }
    for (uint32_t r = 0; r < n; r++) {
        uint32_t i = chosen[r];
        struct seen *s = &g->seen[i];
        const struct model_node *m = &g->nodes[i];
        bool beats = was.nodes[i].used && was.nodes[i].kind == LP_FX_ON_TIMER &&
                     m->kind == LP_FX_ON_TIMER && was.nodes[i].period == m->period;
        uint64_t due = beats ? s->due : w->now + m->period;
        *s = (struct seen){.fresh = true, .turn = s->turn, .due = due};
        if (m->kind == LP_FX_SOURCE && was.nodes[i].used && was.nodes[i].kind != LP_FX_SOURCE)
            for (uint32_t d = 0; d < NODES; d++)
                for (uint32_t k = 0; k < g->nodes[d].n; k++)
                    g->seen[d].forced |= g->nodes[d].inputs[k] == i;
    }
}

static void forget(struct world *w, uint32_t component)
{
    struct graph_model *g = &w->graphs[component], was = *g;
    uint32_t ids[4], n = 1 + pick(w, 4);
    for (uint32_t r = 0; r < n; r++) {
        uint32_t i = any(w, &was);
        if (!was.nodes[i].used)
            return;
        ids[r] = id_of(i);
        g->nodes[i] = (struct model_node){0};
    }
    bool ok = good(g);
    check_result(lp_fx_forget(w->fx, component, ids, n), ok, LOOP_INVALID);
    if (!ok)
        *g = was;
}

static void assign(struct world *w, uint32_t component)
{
    static char values[4][8];
    struct graph_model *g = &w->graphs[component], was = *g;
    lp_fx_assignment a[4];
    uint32_t n = 1 + pick(w, 4);
    bool ok = true;
    for (uint32_t r = 0; r < n; r++) {
        uint32_t i = any(w, g);
        for (uint32_t t = 0; t < NODES && g->nodes[i].kind != LP_FX_SOURCE && pick(w, 60); t++)
            i = any(w, g);
        if (!g->nodes[i].used)
            return;
        ok &= g->nodes[i].kind == LP_FX_SOURCE;
        if (pick(w, 12))
            snprintf(values[r], 8, "%u", (unsigned)pick(w, 4));
        else
            values[r][0] = 0;
        a[r] = (lp_fx_assignment){id_of(i), lp_str_of(values[r])};
        memcpy(g->nodes[i].wanted, values[r], 8);
        g->nodes[i].assigned = true;
    }
    check_result(lp_fx_assign(w->fx, component, a, n), ok, LOOP_INVALID);
    if (!ok)
        *g = was;
}

static void replace(struct world *w, uint32_t component)
{
    struct graph_model *g = &w->graphs[component];
    bool remount = !pick(w, 4);
    assert_null(lp_fx_replaced(w->fx, component, remount));
    for (uint32_t i = 0; i < NODES; i++) {
        if (remount)
            g->nodes[i] = (struct model_node){0};
        g->seen[i].fresh |= g->nodes[i].kind == LP_FX_DERIVED;
    }
}

static void edit(struct world *w)
{
    uint32_t component = pick(w, COMPONENTS), what = pick(w, 30);
    if (what < 10)
        declare(w, component);
    else if (what < 13)
        forget(w, component);
    else if (what < 29)
        assign(w, component);
    else
        replace(w, component);
}

/* ---- driving it ---- */

static void turn_began(struct world *w) /* what was assigned counts */
{
    uint32_t turn = (uint32_t)lp_fx_stats_of(w->fx).turns;
    if (turn == w->turn)
        return;
    w->turn = turn;
    for (uint32_t c = 0; c < COMPONENTS; c++)
        for (uint32_t i = 0; i < NODES; i++) {
            struct model_node *n = &w->graphs[c].nodes[i];
            if (!n->assigned)
                continue;
            n->assigned = false;
            n->present = true;
            memcpy(n->value, n->wanted, sizeof n->value);
        }
}

static void read_trace(struct world *w)
{
    size_t n;
    uint64_t lost;
    const lp_fx_event *e = lp_fx_trace_take(w->fx, &n, &lost);
    assert_int_equal(lost, 0);
    for (size_t i = 0; i < n; i++) {
        w->digest =
            (w->digest ^ e[i].what ^ (uint64_t)e[i].fiber << 8 ^ e[i].detail) * 0x100000001b3ull;
        if (e[i].what == LP_FX_DID_CHANGE)
            w->graphs[e[i].detail].changes[of_id(e[i].fiber)]++;
    }
}

static void check_due(struct world *w, uint32_t component, const lp_fx_due_node *due,
                      uint32_t work_height, const char *inputs)
{
    struct graph_model *g = &w->graphs[component];
    struct oracle o = {.g = g};
    uint32_t i = of_id(due->node);
    struct model_node *n = &g->nodes[i];
    struct seen *s = &g->seen[i];
    char want[TEXT];
    assert_true(n->used);
    assert_int_equal(due->function, n->function);
    assert_int_equal(work_height, is_sink(n) ? LP_FX_SINKS : height(g, i));
    assert_true(needed(g, i, 0));    /* nobody runs for nothing */
    assert_true(s->turn != w->turn); /* nor twice in a turn */
    inputs_of(&o, i, want);
    assert_string_equal(inputs, want); /* as from scratch: the inputs ran before */
    bool again = strcmp(s->told, inputs) == 0 && !s->fresh && !s->forced;
    if (n->kind == LP_FX_DERIVED && again) /* equal inputs: they changed to and fro meanwhile */
        assert_true((s->slept || w->meddles) && s->changes != changes_of_inputs(g, i));
    if (n->kind == LP_FX_ON_CHANGE) /* to and fro in two turns, where the first one was put off */
        assert_true(!again || (w->meddles && s->changes != changes_of_inputs(g, i)));
    if (n->kind == LP_FX_ON_FRAME) {
        assert_true(w->frame);
        assert_true(!again || s->changes != changes_of_inputs(g, i));
    }
    if (n->kind == LP_FX_ON_TIMER) {
        assert_true(w->ticked && s->due <= w->now);
        while (s->due <= w->now)
            s->due += n->period;
    }
    s->fresh = s->forced = s->slept = false;
    s->turn = w->turn;
    s->runs++;
    s->changes = changes_of_inputs(g, i);
    g->ran[i] = true;
    memcpy(s->told, inputs, TEXT);
}

static void text_of(const lp_fx_due_node *due, char *ret)
{
    *ret = 0;
    for (uint32_t k = 0; k < due->n_inputs; k++)
        snprintf(ret + strlen(ret), TEXT - strlen(ret), "%.*s,",
                 due->inputs[k].present ? (int)due->inputs[k].bytes.len : 1,
                 due->inputs[k].present ? due->inputs[k].bytes.ptr : "-");
}

static void run(struct world *w, const lp_fx_work *work)
{
    static lp_fx_computed_value values[COMPONENTS * NODES];
    static char texts[COMPONENTS * NODES][8];
    read_trace(w); /* values that changed before count in what is handed out */
    turn_began(w);
    for (uint32_t i = 0; i < work->n; i++) {
        char inputs[TEXT];
        const char *why;
        text_of(&work->due[i], inputs);
        check_due(w, work->component, &work->due[i], work->depth, inputs);
        bool ok = compute(work->due[i].function, inputs, texts[i], &why);
        values[i] = (lp_fx_computed_value){ok, lp_str_of(ok ? texts[i] : why)};
    }
    if (w->meddles && !pick(w, 4)) {
        edit(w);
        w->edited = true;
    }
    lp_fx_computed(w->fx, values, work->n);
}

static void drive(struct world *w)
{
    lp_fx_work work;
    for (lp_fx_step step; (step = lp_fx_next(w->fx, w->max_jobs, &work)) != LP_FX_IDLE;) {
        assert_int_equal(step, LP_FX_COMPUTE);
        run(w, &work);
    }
    read_trace(w);
    turn_began(w);
}

/* ---- laws ---- */

static void check_node(struct world *w, uint32_t component, uint32_t i, struct oracle *o)
{
    struct graph_model *g = &w->graphs[component];
    const struct model_node *n = &g->nodes[i];
    struct seen *s = &g->seen[i];
    lp_fx_node_info info;
    assert_int_equal(lp_fx_inspect_node(w->fx, component, id_of(i), &info), n->used);
    if (!n->used)
        return;
    bool is_needed = needed(g, i, 0);
    assert_int_equal(info.kind, n->kind);
    assert_int_equal(info.height, height(g, i));
    assert_int_equal(info.necessary, is_needed);
    char inputs[TEXT];
    inputs_of(o, i, inputs);
    evaluate(o, i);
    if (n->kind == LP_FX_SOURCE || (n->kind == LP_FX_DERIVED && is_needed)) {
        assert_int_equal(info.present, o->present[i]);
        if (info.present)
            assert_true(lp_str_is(info.value, o->value[i]));
        assert_int_equal(info.failed, n->kind == LP_FX_DERIVED && !info.present);
    }
    if (n->kind == LP_FX_ON_CHANGE || (n->kind == LP_FX_ON_FRAME && w->frame && !w->edited) ||
        (n->kind == LP_FX_DERIVED && is_needed)) {
        assert_false(s->fresh); /* each change is told */
        assert_string_equal(s->told, inputs);
    }
    if (n->kind == LP_FX_ON_TIMER && !w->edited)
        assert_true(s->due > w->now);
    s->slept |= !is_needed;
}

static void check(struct world *w)
{
    uint64_t least = UINT64_MAX, timer;
    for (uint32_t c = 0; c < COMPONENTS; c++) {
        struct graph_model *g = &w->graphs[c];
        struct oracle o = {.g = g};
        for (uint32_t i = 0; i < NODES; i++) {
            check_node(w, c, i, &o);
            if (g->nodes[i].used && g->nodes[i].kind == LP_FX_ON_TIMER)
                least = LP_MIN(least, g->seen[i].due);
        }
    }
    assert_int_equal(lp_fx_next_timer(w->fx, &timer), least != UINT64_MAX);
    if (least != UINT64_MAX)
        assert_int_equal(timer, least);
}

static unsigned from_environment(const char *name, unsigned otherwise)
{
    const char *text = getenv(name);
    return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static uint64_t play(uint64_t seed, uint64_t hash_seed, uint32_t max_jobs, bool meddles)
{
    static struct world w;
    w = (struct world){
        .random = seed * 0x9e3779b97f4a7c15ull | 1, .max_jobs = max_jobs, .meddles = meddles};
    w.fx = lp_fx_new(&(lp_fx_options){.seed = {hash_seed, ~hash_seed}});
    uint64_t empty = lp_fx_stats_of(w.fx).bytes;
    lp_fx_trace(w.fx, true);
    for (int round = 0; round < 80; round++) {
        for (uint32_t n = 1 + pick(&w, 5); n > 0; n--)
            edit(&w);
        w.edited = false;
        w.frame = !pick(&w, 3);
        w.ticked = !pick(&w, 3);
        if (w.frame)
            lp_fx_frame(w.fx, pick(&w, 2) ? LP_FX_ALL : 0);
        if (w.frame)
            lp_fx_frame(w.fx, 1);
        if (w.frame)
            lp_fx_frame(w.fx, 0);
        if (w.ticked)
            lp_fx_tick(w.fx, w.now += pick(&w, 20));
        uint64_t before = lp_fx_stats_of(w.fx).turns;
        drive(&w);
        assert_true(meddles || lp_fx_stats_of(w.fx).turns <= before + 1);
        check(&w);
    }
    for (uint32_t c = 0; c < COMPONENTS; c++)
        lp_fx_graph_drop(w.fx, c);
    lp_fx_stats stats = lp_fx_stats_of(w.fx);
    assert_int_equal(stats.nodes, 0);
    assert_int_equal(stats.bytes, empty); /* all of it is given back */
    assert_false(lp_fx_next_timer(w.fx, &w.now));
    lp_fx_delete(w.fx);
    return w.digest;
}

static void incremental_is_from_scratch(void **state)
{
    unsigned first = from_environment("FX_SEED", 1), n = from_environment("FX_ROUNDS", 400);
    for (unsigned seed = first; seed < first + n; seed++)
        play(seed, seed, 0, false);
}

static void edits_in_the_middle_of_a_turn_wait_for_the_next(void **state)
{
    unsigned first = from_environment("FX_SEED", 1), n = from_environment("FX_ROUNDS", 400);
    for (unsigned seed = first; seed < first + n; seed++) {
        play(seed, seed, 0, true);
        play(seed, seed, 1, true);
    }
}

static void pieces_and_other_seeds_of_the_hash_come_to_the_same_trace(void **state)
{
    for (unsigned seed = 1; seed < 60; seed++) {
        uint64_t whole = play(seed, 1, 0, false);
        assert_int_equal(play(seed, 77 + seed, 0, false), whole);
        assert_int_equal(play(seed, 1, 1, false), whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(incremental_is_from_scratch),
        cmocka_unit_test(edits_in_the_middle_of_a_turn_wait_for_the_next),
        cmocka_unit_test(pieces_and_other_seeds_of_the_hash_come_to_the_same_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
