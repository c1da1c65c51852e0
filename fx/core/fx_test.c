/* fx/core/fx_test.c: single promises of the runtime, and answers that are hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fx/core/fx.h"

static const lp_fx_options plain = {.max_fibers = 0};
#define NO ((lp_str){"", 0})
#define CALL(name) ((lp_fx_element){.role = LP_FX_CALL, .component = 1, .function = LP_STR(name)})
#define HOLDS(what, from, n)                                                                       \
    ((lp_fx_element){.role = (what), .function = NO, .key = NO, .children = {(from), (n)}})

/* Answers of functions, by name; tests fill `on`. */
struct machine {
    lp_fx *fx;
    lp_fx_id root, last;
    void (*on)(struct machine *m, const lp_fx_job *job, lp_fx_output *out);
    lp_fx_element elements[64];
    uint32_t children[64], n, n_children;
    lp_fx_value values[8];
    lp_str reads[8];
    uint32_t runs, starts, clean_ups, step;
    char log[4096];
};

static void drive(struct machine *m)
{
    lp_fx_work work;
    for (;;) {
        lp_fx_step step = lp_fx_next(m->fx, 0, &work);
        if (step == LP_FX_IDLE)
            return;
        if (step == LP_FX_EFFECTS)
            for (uint32_t i = 0; i < work.n; i++) {
                *(work.effects[i].start ? &m->starts : &m->clean_ups) += 1;
                snprintf(m->log + strlen(m->log), sizeof m->log - strlen(m->log), "%s%u ",
                         work.effects[i].start ? "+" : "-", (unsigned)work.effects[i].slot);
            }
        if (step != LP_FX_RUN) {
            lp_fx_done(m->fx);
            continue;
        }
        static lp_fx_output outputs[4096];
        static lp_fx_effect effects[4] = {{1, {"", 0}}, {2, {"", 0}}, {3, {"", 0}}, {4, {"", 0}}};
        m->n = m->n_children = 0;
        for (uint32_t i = 0; i < work.n; i++) {
            outputs[i] = (lp_fx_output){0};
            m->runs++;
            snprintf(m->log + strlen(m->log), sizeof m->log - strlen(m->log), "%.*s ",
                     (int)work.jobs[i].function.len, work.jobs[i].function.ptr);
            m->on(m, &work.jobs[i], &outputs[i]);
        }
        lp_fx_answered(m->fx, &(lp_fx_answer){.outputs = outputs,
                                              .n_outputs = work.n,
                                              .table = {m->elements, m->children, NULL, m->n,
                                                        m->n_children, 0, LP_STR("0123456789")},
                                              .new_cells = m->values,
                                              .n_new_cells = 8,
                                              .yields = m->values,
                                              .n_yields = 8,
                                              .reads = m->reads,
                                              .n_reads = 8,
                                              .effects = effects,
                                              .n_effects = 4});
    }
}

static void begin(struct machine *m,
                  void (*on)(struct machine *, const lp_fx_job *, lp_fx_output *))
{
    *m = (struct machine){.fx = lp_fx_new(&plain), .on = on};
    lp_fx_element top = CALL("top");
    assert_null(lp_fx_mount(m->fx, LP_STR("app"), 1, &(lp_fx_table){&top, NULL, NULL, 1, 0, 0, NO},
                            &m->root));
    drive(m);
}

static void end(struct machine *m)
{
    assert_null(lp_fx_unmount(m->fx, m->root));
    drive(m);
    assert_int_equal(m->starts, m->clean_ups);
    assert_int_equal(lp_fx_stats_of(m->fx).fibers, 0);
    lp_fx_delete(m->fx);
}

static bool is(const lp_fx_job *job, const char *name)
{
    return lp_str_is(job->function, name);
}

/* Rows of one answer: a group with children, the first row its root. */
static void returns(struct machine *m, lp_fx_output *out, lp_fx_element root,
                    const lp_fx_element *children, uint32_t n)
{
    out->has_root = true;
    out->root = m->n;
    root.children = (lp_fx_span){m->n_children, n};
    m->elements[m->n++] = root;
    for (uint32_t i = 0; i < n; i++) {
        m->children[m->n_children++] = m->n;
        m->elements[m->n++] = children[i];
    }
}

static void write_cell(struct machine *m, lp_fx_id fiber, const char *text)
{
    assert_null(
        lp_fx_write(m->fx, fiber, 0,
                    &(lp_fx_value){.type = LP_STR("t"), .version = 1, .bytes = lp_str_of(text)}));
}

/* ---- hostile answers ---- */

struct hostile {
    const char *why;
    lp_fx_element elements[3];
    uint32_t children[4], n, n_children;
    lp_fx_output output;
};

#define ROOT(...) .output = {.has_root = true, __VA_ARGS__}
static const struct hostile hostile[] = {
    {"a row is named twice",
     {{.role = LP_FX_GROUP, .children = {0, 2}}, {.role = LP_FX_GROUP}},
     {1, 1},
     2,
     2,
     ROOT()},
    {"a child is no row that comes after its parent",
     {{.role = LP_FX_GROUP, .children = {0, 1}}},
     {0},
     1,
     1,
     ROOT()},
    {"a child is no row that comes after its parent",
     {{.role = LP_FX_GROUP, .children = {0, 1}}},
     {9},
     1,
     1,
     ROOT()},
    {"a span leaves its list", {{.role = LP_FX_GROUP, .children = {0, 2}}}, {0}, 1, 1, ROOT()},
    {"a span leaves its list",
     {{.role = LP_FX_GROUP, .children = {UINT32_MAX, 2}}},
     {0},
     1,
     1,
     ROOT()},
    {"a span leaves its list", {{.role = LP_FX_GROUP, .properties = {8, 3}}}, {0}, 1, 1, ROOT()},
    {"a span leaves its list", {{.role = LP_FX_GROUP, .callbacks = {0, 1}}}, {0}, 1, 1, ROOT()},
    {"a span leaves its list", {{.role = LP_FX_GROUP}}, {0}, 1, 1, ROOT(.yields = {8, 1})},
    {"the root is no row of the table", {{.role = LP_FX_GROUP}}, {0}, 1, 1, ROOT(.root = 1)},
    {"an element has no such role", {{.role = LP_FX_ROLES}}, {0}, 1, 1, ROOT()},
    {"a function or a context has no name",
     {{.role = LP_FX_CALL, .component = 1}},
     {0},
     1,
     1,
     ROOT()},
    {"a call has children",
     {{.role = LP_FX_CALL, .function = {"f", 1}, .children = {0, 1}}, {0}},
     {1},
     2,
     1,
     ROOT()},
    {"a component has an impossible number",
     {{.role = LP_FX_CALL, .component = UINT32_MAX, .function = {"f", 1}}},
     {0},
     1,
     1,
     ROOT()},
    {"a quote names no root that is mounted",
     {{.role = LP_FX_QUOTE, .function = {"x", 1}}},
     {0},
     1,
     1,
     ROOT()},
    {"a boundary's fallback is no call among its children",
     {{.role = LP_FX_BOUNDARY, .argument = 1, .children = {0, 1}}, {.role = LP_FX_GROUP}},
     {1},
     2,
     1,
     ROOT()},
    {"two children have one key",
     {{.role = LP_FX_GROUP, .children = {0, 2}},
      {.role = LP_FX_GROUP, .key = {"k", 1}},
      {.role = LP_FX_GROUP, .key = {"k", 1}}},
     {1, 2},
     3,
     2,
     ROOT()},
    {"two effects have one slot", {{.role = LP_FX_GROUP}}, {0}, 1, 1, ROOT(.effects = {0, 2})},
};

static void a_bad_answer_fails_its_job_alone(void **state)
{
    for (size_t i = 0; i < LP_COUNT(hostile); i++) {
        const struct hostile *h = &hostile[i];
        lp_fx *fx = lp_fx_new(&plain);
        lp_fx_element tree[] = {HOLDS(LP_FX_GROUP, 0, 2), CALL("bad"), HOLDS(LP_FX_BOUNDARY, 2, 2),
                                CALL("bad"), CALL("back")};
        tree[2].argument = 2; /* of the table from there on */
        lp_fx_id root;
        lp_fx_work work;
        assert_null(lp_fx_mount(
            fx, NO, 1, /* the boundary alone */
            &(lp_fx_table){tree + 2, (uint32_t[]){9, 9, 1, 2}, NULL, 3, 4, 0, NO}, &root));
        assert_int_equal(lp_fx_next(fx, 0, &work), LP_FX_RUN);
        static const lp_fx_effect effects[] = {{1, {"", 0}}, {1, {"", 0}}};
        lp_fx_answered(fx, &(lp_fx_answer){.outputs = &h->output,
                                           .n_outputs = 1,
                                           .table = {h->elements, h->children, NULL, h->n,
                                                     h->n_children, 0, LP_STR("0123456789")},
                                           .effects = effects,
                                           .n_effects = 2});
        assert_int_equal(lp_fx_next(fx, 0, &work), LP_FX_RUN);
        assert_int_equal(work.n, 1);
        assert_true(lp_str_is(work.jobs[0].function, "back"));
        lp_fx_answered(fx, &(lp_fx_answer){.outputs = &(lp_fx_output){.reads = {0, 1}},
                                           .n_outputs = 1,
                                           .reads = &LP_STR("loop:fx/failure"),
                                           .n_reads = 1});
        assert_int_equal(lp_fx_next(fx, 0, &work), LP_FX_RUN);
        assert_int_equal(work.jobs[0].n_contexts, 1);
        if (!lp_str_is(work.jobs[0].contexts[0].value, h->why))
            fail_msg("%.*s, not %s", (int)work.jobs[0].contexts[0].value.len,
                     work.jobs[0].contexts[0].value.ptr, h->why);
        lp_fx_delete(fx);
    }
}

static void a_deep_tree_is_refused_and_a_missing_output_fails(void **state)
{
    static lp_fx_element chain[LP_MAX_FX_DEPTH];
    static uint32_t children[LP_MAX_FX_DEPTH];
    lp_fx_id root;
    lp_fx *fx = lp_fx_new(&plain);
    for (uint32_t i = 0; i < LP_MAX_FX_DEPTH; i++) {
        chain[i] = HOLDS(LP_FX_GROUP, i, i + 1 < LP_MAX_FX_DEPTH);
        children[i] = i + 1;
    }
    loop_error *e = lp_fx_mount(
        fx, NO, 1, &(lp_fx_table){chain, children, NULL, LP_MAX_FX_DEPTH, LP_MAX_FX_DEPTH, 0, NO},
        &root);
    assert_string_equal(loop_error_message(e), "the tree is too deep");
    loop_error_delete(e);
    lp_fx_element top = CALL("top");
    lp_fx_work work;
    assert_null(lp_fx_mount(fx, NO, 1, &(lp_fx_table){&top, NULL, NULL, 1, 0, 0, NO}, &root));
    assert_int_equal(lp_fx_next(fx, 0, &work), LP_FX_RUN);
    lp_fx_answered(fx, &(lp_fx_answer){0});
    assert_string_equal(lp_fx_failure(fx, root), "the answer has not one output for each job");
    lp_fx_delete(fx);
}

/* ---- state ---- */

static void on_swap(struct machine *m, const lp_fx_job *job, lp_fx_output *out)
{
    m->last = job->fiber;
    if (job->reason & LP_FX_SWAPPED) {
        assert_int_equal(job->n_cells, 1);
        assert_true(lp_str_is(job->cells[0].bytes, "kept"));
        assert_true(lp_str_is(job->cells[0].type, "t"));
        out->result = m->step ? LP_FX_REFUSED : LP_FX_OK;
        out->effects = (lp_fx_span){0, 1};
        return;
    }
    m->values[0] = (lp_fx_value){.type = LP_STR("t"), .version = 1, .bytes = LP_STR("new")};
    if (job->reason & LP_FX_MOUNTED) {
        assert_int_equal(job->n_cells, 0);
        out->new_cells = (lp_fx_span){0, 1};
    }
    out->effects = (lp_fx_span){0, 1};
}

static void a_swap_keeps_cells_unless_refused(void **state)
{
    struct machine m;
    begin(&m, on_swap);
    write_cell(&m, m.last, "kept");
    drive(&m);
    assert_int_equal(m.runs, 2);
    assert_null(lp_fx_replaced(m.fx, 1, false));
    assert_null(lp_fx_replaced(m.fx, 2, false)); /* nobody of it */
    drive(&m);
    assert_int_equal(m.runs, 3);
    assert_int_equal(m.clean_ups, 1); /* of the same effect: the new component starts it */
    assert_int_equal(m.starts, 2);
    m.step = 1;
    assert_null(lp_fx_replaced(m.fx, 1, false));
    drive(&m);
    assert_int_equal(m.runs, 5); /* refused, then mounted */
    assert_int_equal(m.clean_ups, 2);
    assert_int_equal(m.starts, 3);
    end(&m);
}

static void on_write(struct machine *m, const lp_fx_job *job, lp_fx_output *out)
{
    m->last = job->fiber;
    m->values[0] = (lp_fx_value){.type = LP_STR("t"), .version = 1, .bytes = LP_STR("a")};
    out->new_cells = (lp_fx_span){0, !job->n_cells};
    if (m->step && m->step < 5) { /* sets its own state each time */
        char text[8];
        snprintf(text, sizeof text, "%u", (unsigned)m->step++);
        write_cell(m, job->fiber, text);
    }
}

static void equal_state_runs_nobody_and_own_state_takes_a_turn_each(void **state)
{
    struct machine m;
    begin(&m, on_write);
    write_cell(&m, m.last, "a");
    drive(&m);
    assert_int_equal(m.runs, 1);
    m.step = 1;
    uint64_t turns = lp_fx_stats_of(m.fx).turns;
    write_cell(&m, m.last, "b");
    drive(&m);
    assert_int_equal(m.runs, 6);
    assert_int_equal(lp_fx_stats_of(m.fx).turns, turns + 5);
    loop_error *e = lp_fx_write(m.fx, m.last, 1, &m.values[0]);
    assert_int_equal(loop_error_code(e), LOOP_NOT_FOUND);
    loop_error_delete(e);
    static char large[LP_MAX_FX_STATE + 1];
    e = lp_fx_write(m.fx, m.last, 0, &(lp_fx_value){.bytes = {large, sizeof large}});
    assert_int_equal(loop_error_code(e), LOOP_LIMIT);
    loop_error_delete(e);
    end(&m);
}

/* ---- keys ---- */

static uint32_t order[8];

static void on_rows(struct machine *m, const lp_fx_job *job, lp_fx_output *out)
{
    static const char *const keys[] = {"0", "1", "2", "3", "4", "5"};
    lp_fx_element rows[8];
    if (!is(job, "top"))
        return;
    m->last = job->fiber;
    for (uint32_t i = 0; i < 6; i++) {
        rows[i] = CALL("row");
        rows[i].key = lp_str_of(keys[order[i]]);
    }
    returns(m, out, HOLDS(LP_FX_GROUP, 0, 0), rows, 6);
    m->values[0] = (lp_fx_value){.type = LP_STR("t")};
    out->new_cells = (lp_fx_span){0, !job->n_cells};
}

static void rows_that_move_keep_their_fibers_and_do_not_run(void **state)
{
    struct machine m;
    lp_fx_info before[16], after[16];
    for (uint32_t i = 0; i < 6; i++)
        order[i] = i;
    begin(&m, on_rows);
    lp_fx_trace(m.fx, true);
    size_t n = lp_fx_inspect(m.fx, m.root, before, 16), moves = 0, events;
    assert_int_equal(n, 9);
    memcpy(order, (uint32_t[]){5, 0, 1, 2, 3, 4}, 6 * sizeof order[0]);
    write_cell(&m, m.last, "moved");
    drive(&m);
    assert_int_equal(m.runs, 8);
    lp_fx_inspect(m.fx, m.root, after, 16);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(after[3 + i].fiber, before[3 + order[i]].fiber);
    uint64_t lost;
    const lp_fx_event *e = lp_fx_trace_take(m.fx, &events, &lost);
    for (size_t i = 0; i < events; i++)
        moves += e[i].what == LP_FX_DID_MOVE;
    assert_int_equal(moves, 1);
    end(&m);
}

/* ---- effects ---- */

static void on_nested(struct machine *m, const lp_fx_job *job, lp_fx_output *out)
{
    lp_fx_element inner = CALL("inner");
    m->last = is(job, "top") ? job->fiber : m->last;
    m->values[0] = (lp_fx_value){.type = LP_STR("t")};
    out->new_cells = (lp_fx_span){0, is(job, "top") && !job->n_cells};
    out->effects = (lp_fx_span){is(job, "top") ? 0 : 1, 1};
    if (is(job, "top") && !m->step)
        returns(m, out, HOLDS(LP_FX_GROUP, 0, 0), &inner, 1);
}

static void clean_up_is_children_first_and_before_the_fiber_is_free(void **state)
{
    struct machine m;
    lp_fx_work work;
    begin(&m, on_nested);
    assert_string_equal(m.log, "top inner +2 +1 ");
    assert_null(lp_fx_unmount(m.fx, m.root));
    assert_true(lp_fx_stats_of(m.fx).fibers > 0);
    assert_int_equal(lp_fx_next(m.fx, 0, &work), LP_FX_EFFECTS);
    assert_int_equal(work.n, 2);
    assert_int_equal(work.effects[0].slot, 2);
    assert_int_equal(work.effects[1].slot, 1);
    assert_int_equal(lp_fx_stats_of(m.fx).fibers, 2); /* not before they are acknowledged */
    lp_fx_done(m.fx);
    assert_int_equal(lp_fx_stats_of(m.fx).fibers, 0);
    lp_fx_delete(m.fx);
}

/* ---- quotes ---- */

/* A gather around the outlet of `screen`; what it gathered goes back as an application's quote. */
static void on_screen(struct machine *m, const lp_fx_job *job, lp_fx_output *out)
{
    lp_fx_element outlet = HOLDS(LP_FX_OUTLET, 0, 0), shape = CALL("shape"),
                  quote = {.role = LP_FX_QUOTE, .function = LP_STR("screen"), .key = NO};
    m->values[0] = (lp_fx_value){.type = LP_STR("t"), .bytes = LP_STR("!")};
    if (job->gathered)
        m->step = job->n_values;
    else if (is(job, "screen"))
        returns(m, out, HOLDS(LP_FX_GATHER, 0, 0), &outlet, 1);
    else if (is(job, "top"))
        returns(m, out, quote, &shape, 1);
    else
        out->yields = (lp_fx_span){0, 1}, out->effects = (lp_fx_span){0, 1};
}

static void a_quote_counts_where_it_is_placed_and_goes_with_its_origin(void **state)
{
    struct machine m = {.fx = lp_fx_new(&plain), .on = on_screen};
    lp_fx_element screen = CALL("screen"), top = CALL("top");
    lp_fx_id app;
    assert_null(lp_fx_mount(m.fx, LP_STR("screen"), 1,
                            &(lp_fx_table){&screen, NULL, NULL, 1, 0, 0, NO}, &m.root));
    drive(&m);
    assert_null(lp_fx_mount(m.fx, NO, 2, &(lp_fx_table){&top, NULL, NULL, 1, 0, 0, NO}, &app));
    drive(&m);
    assert_int_equal(m.step, 1);
    assert_int_equal(m.starts, 1);
    assert_null(lp_fx_unmount(m.fx, app));
    drive(&m);
    assert_int_equal(m.step, 0);
    assert_int_equal(m.clean_ups, 1);
    assert_null(lp_fx_mount(m.fx, NO, 2, &(lp_fx_table){&top, NULL, NULL, 1, 0, 0, NO}, &app));
    drive(&m);
    assert_null(lp_fx_unmount(m.fx, m.root)); /* the renderer goes first: the quote fails */
    drive(&m);
    assert_string_equal(lp_fx_failure(m.fx, app), "a quote names no root that is mounted");
    m.root = app;
    end(&m);
}

/* What a gather of `screen` gathers makes more of it, once a turn. */
static void on_echo(struct machine *m, const lp_fx_job *job, lp_fx_output *out)
{
    lp_fx_element outlet = HOLDS(LP_FX_OUTLET, 0, 0), quoted[4];
    m->values[0] = (lp_fx_value){.type = LP_STR("t"), .bytes = LP_STR("!")};
    if (is(job, "shape")) {
        out->yields = (lp_fx_span){0, 1};
    } else if (!job->gathered) {
        returns(m, out, HOLDS(LP_FX_GATHER, 0, 0), &outlet, 1);
    } else if (job->n_values < 4) {
        for (uint32_t i = 0; i <= job->n_values; i++)
            quoted[i] = CALL("shape");
        returns(m, out, (lp_fx_element){.role = LP_FX_QUOTE, .function = LP_STR("app"), .key = NO},
                quoted, job->n_values + 1);
    } else {
        for (uint32_t i = 0; i < 4; i++)
            quoted[i] = CALL("shape");
        returns(m, out, (lp_fx_element){.role = LP_FX_QUOTE, .function = LP_STR("app"), .key = NO},
                quoted, 4);
    }
}

static void a_ring_of_quotes_takes_a_turn_for_each_round(void **state)
{
    struct machine m;
    begin(&m, on_echo);
    lp_fx_stats stats = lp_fx_stats_of(m.fx);
    assert_int_equal(stats.turns, 5); /* 0, 1, 2, 3, 4 values */
    end(&m);
}

static void an_outlet_that_goes_with_nothing_in_it_is_forgotten(void **state)
{
    struct machine m = {.fx = lp_fx_new(&plain), .on = on_screen};
    lp_fx_element outlet = HOLDS(LP_FX_OUTLET, 0, 0), group = HOLDS(LP_FX_GROUP, 0, 0),
                  top = CALL("top");
    lp_fx_id app;
    assert_null(lp_fx_mount(m.fx, LP_STR("screen"), 2,
                            &(lp_fx_table){&outlet, NULL, NULL, 1, 0, 0, NO}, &m.root));
    assert_null(lp_fx_update(m.fx, m.root, &(lp_fx_table){&group, NULL, NULL, 1, 0, 0, NO}));
    assert_null(lp_fx_mount(m.fx, NO, 2, &(lp_fx_table){&top, NULL, NULL, 1, 0, 0, NO}, &app));
    drive(&m);
    assert_string_equal(m.log, "top shape +1 ");
    assert_null(lp_fx_unmount(m.fx, m.root)); /* where the quote is now */
    drive(&m);
    assert_string_equal(m.log, "top shape +1 top -1 ");
    m.root = app;
    end(&m);
}

/* ---- memory ---- */

static void on_many(struct machine *m, const lp_fx_job *job, lp_fx_output *out)
{
    (void)m, (void)job, (void)out;
}

static void a_fiber_takes_at_most_200_bytes(void **state)
{
    enum { MANY = 150000 };
    static lp_fx_element rows[MANY + 4];
    static uint32_t children[MANY + 4];
    static char keys[MANY][8];
    struct machine m = {.fx = lp_fx_new(&plain), .on = on_many};
    uint32_t n = 4;
    rows[0] = HOLDS(LP_FX_GROUP, 0, 3);
    for (uint32_t g = 0; g < 3; g++) {
        rows[1 + g] = HOLDS(LP_FX_GROUP, n - 1, MANY / 3);
        children[g] = 1 + g;
        for (uint32_t i = 0; i < MANY / 3; i++, n++) {
            snprintf(keys[n - 4], 8, "%06u", (unsigned)n);
            rows[n] = CALL("leaf");
            rows[n].key = (lp_str){keys[n - 4], 6}; /* each another one */
            children[n - 1] = n;
        }
    }
    assert_null(
        lp_fx_mount(m.fx, NO, 1, &(lp_fx_table){rows, children, NULL, n, n - 1, 0, NO}, &m.root));
    drive(&m);
    lp_fx_stats stats = lp_fx_stats_of(m.fx);
    assert_int_equal(stats.fibers, MANY + 5);
    print_message("%.1f bytes a fiber with a key of its own\n", (double)stats.bytes / stats.fibers);
    assert_true(stats.bytes / stats.fibers <= 200);
    end(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_answer_fails_its_job_alone),
        cmocka_unit_test(a_deep_tree_is_refused_and_a_missing_output_fails),
        cmocka_unit_test(a_swap_keeps_cells_unless_refused),
        cmocka_unit_test(equal_state_runs_nobody_and_own_state_takes_a_turn_each),
        cmocka_unit_test(rows_that_move_keep_their_fibers_and_do_not_run),
        cmocka_unit_test(clean_up_is_children_first_and_before_the_fiber_is_free),
        cmocka_unit_test(a_quote_counts_where_it_is_placed_and_goes_with_its_origin),
        cmocka_unit_test(a_ring_of_quotes_takes_a_turn_for_each_round),
        cmocka_unit_test(an_outlet_that_goes_with_nothing_in_it_is_forgotten),
        cmocka_unit_test(a_fiber_takes_at_most_200_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
