/* fx/core/graph_test.c: single promises of graphs, and answers and declarations that are hostile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "fx/core/fx.h"

static const lp_fx_options plain = {.max_fibers = 0};

/* Functions: a sum of numbers, how many inputs are there, a failure. */
enum { SUM = 1, COUNT = 2, FAILS = 3, HALF = 4 };

struct machine {
    lp_fx *fx;
    uint32_t runs, steps;
    void (*meanwhile)(struct machine *m, const lp_fx_work *work);
    char log[4096];
};

#define INPUT(i) {.id = (i), .kind = LP_FX_SOURCE}
#define NODE(i, what, f, ...)                                                                      \
    {.id = (i),                                                                                    \
     .kind = (what),                                                                               \
     .function = (f),                                                                              \
     .inputs = (const uint32_t[]){__VA_ARGS__},                                                    \
     .n_inputs = sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)}
#define TIMER(i, ms) {.id = (i), .kind = LP_FX_ON_TIMER, .period_ms = (ms)}
#define DECLARE(m, ...)                                                                            \
    assert_null(lp_fx_declare((m)->fx, 1, (const lp_fx_node[]){__VA_ARGS__},                       \
                              sizeof((lp_fx_node[]){__VA_ARGS__}) / sizeof(lp_fx_node)))
#define REFUSED(m, code, ...)                                                                      \
    refused(lp_fx_declare((m)->fx, 1, (const lp_fx_node[]){__VA_ARGS__},                           \
                          sizeof((lp_fx_node[]){__VA_ARGS__}) / sizeof(lp_fx_node)),               \
            code, NULL)

static void refused(loop_error *e, loop_code code, const char *message)
{
    assert_non_null(e);
    assert_int_equal(loop_error_code(e), code);
    if (message)
        assert_string_equal(loop_error_message(e), message);
    loop_error_delete(e);
}

static lp_fx_computed_value value_of(const lp_fx_due_node *due, char text[16])
{
    unsigned sum = 0, present = 0;
    for (uint32_t i = 0; i < due->n_inputs; i++) {
        present += due->inputs[i].present;
        sum += due->inputs[i].bytes.len ? (unsigned)strtoul(due->inputs[i].bytes.ptr, NULL, 10) : 0;
    }
    if (due->function == FAILS)
        return (lp_fx_computed_value){false, LP_STR("as told")};
    snprintf(text, 16, "%u ",
             due->function == COUNT  ? present
             : due->function == HALF ? sum / 2
                                     : sum);
    return (lp_fx_computed_value){true, lp_str_of(text)};
}

static void drive(struct machine *m)
{
    static lp_fx_computed_value values[4096];
    static char texts[4096][16];
    lp_fx_work work;
    m->log[0] = 0;
    for (lp_fx_step step; (step = lp_fx_next(m->fx, 0, &work)) != LP_FX_IDLE;) {
        if (step != LP_FX_COMPUTE) {
            if (step == LP_FX_RUN)
                lp_fx_fail(m->fx, LP_STR("no fibers here"));
            lp_fx_done(m->fx);
            continue;
        }
        m->steps++;
        for (uint32_t i = 0; i < work.n; i++, m->runs++) {
            values[i] = value_of(&work.due[i], texts[i]);
            if (strlen(m->log) < sizeof m->log - 16)
                snprintf(m->log + strlen(m->log), 16, "%u ", (unsigned)work.due[i].node);
        }
        if (m->meanwhile)
            m->meanwhile(m, &work);
        lp_fx_computed(m->fx, values, work.n);
    }
}

static void set(struct machine *m, uint32_t node, const char *text)
{
    assert_null(lp_fx_assign(m->fx, 1, &(lp_fx_assignment){node, lp_str_of(text)}, 1));
}

static lp_fx_node_info info(struct machine *m, uint32_t node)
{
    lp_fx_node_info ret;
    assert_true(lp_fx_inspect_node(m->fx, 1, node, &ret));
    return ret;
}

static struct machine begin(void)
{
    return (struct machine){.fx = lp_fx_new(&plain)};
}

/* 1, 2 -> 3; 2 -> 4; 3, 4 -> 5 -> 6, which is told */
#define DIAMOND(m)                                                                                 \
    DECLARE(m, INPUT(1), INPUT(2), NODE(3, LP_FX_DERIVED, SUM, 1, 2),                              \
            NODE(4, LP_FX_DERIVED, SUM, 2), NODE(5, LP_FX_DERIVED, SUM, 3, 4),                     \
            NODE(6, LP_FX_ON_CHANGE, 0, 5))

/* ---- what runs, and when ---- */

static void each_node_is_computed_once_after_its_inputs(void **state)
{
    struct machine m = begin();
    DIAMOND(&m);
    set(&m, 1, "1");
    set(&m, 2, "10");
    drive(&m);
    assert_string_equal(m.log, "3 4 5 6 ");
    assert_int_equal(m.steps, 3); /* a height, a call */
    assert_true(lp_str_is(info(&m, 5).value, "21 "));
    set(&m, 2, "20");
    drive(&m);
    assert_string_equal(m.log, "4 3 5 6 ");
    assert_true(lp_str_is(info(&m, 5).value, "41 "));
    assert_int_equal(info(&m, 6).height, 3);
    lp_fx_delete(m.fx);
}

static void equal_values_change_nothing(void **state)
{
    struct machine m = begin();
    DECLARE(&m, INPUT(1), NODE(2, LP_FX_DERIVED, HALF, 1), NODE(3, LP_FX_DERIVED, SUM, 2),
            NODE(4, LP_FX_ON_CHANGE, 0, 3));
    set(&m, 1, "4");
    drive(&m);
    assert_string_equal(m.log, "2 3 4 ");
    set(&m, 1, "5"); /* half of it is the same */
    drive(&m);
    assert_string_equal(m.log, "2 ");
    uint64_t turns = lp_fx_stats_of(m.fx).turns;
    set(&m, 1, "6");
    set(&m, 1, "5"); /* the last one counts */
    drive(&m);
    set(&m, 1, "5");
    drive(&m);
    assert_string_equal(m.log, "");
    assert_true(lp_fx_stats_of(m.fx).turns <= turns + 1);
    lp_fx_delete(m.fx);
}

static void what_nobody_needs_is_not_computed(void **state)
{
    struct machine m = begin();
    DECLARE(&m, INPUT(1), INPUT(2), NODE(3, LP_FX_DERIVED, SUM, 1), NODE(4, LP_FX_DERIVED, SUM, 3));
    set(&m, 1, "1");
    drive(&m);
    assert_string_equal(m.log, "");
    assert_false(info(&m, 4).necessary);
    DECLARE(&m, NODE(5, LP_FX_ON_CHANGE, 0, 4));
    drive(&m);
    assert_string_equal(m.log, "3 4 5 ");
    assert_true(info(&m, 3).necessary && info(&m, 1).necessary && !info(&m, 2).necessary);
    assert_null(lp_fx_forget(m.fx, 1, (uint32_t[]){5}, 1));
    set(&m, 1, "2");
    drive(&m);
    assert_string_equal(m.log, "");
    DECLARE(&m, NODE(5, LP_FX_ON_CHANGE, 0, 4));
    drive(&m);
    assert_string_equal(m.log, "3 4 5 "); /* its input changed meanwhile */
    assert_null(lp_fx_forget(m.fx, 1, (uint32_t[]){5, 5}, 2));
    drive(&m);
    DECLARE(&m, NODE(5, LP_FX_ON_CHANGE, 0, 4));
    drive(&m);
    assert_string_equal(m.log, "5 "); /* and now it did not */
    lp_fx_delete(m.fx);
}

static void a_failure_is_an_input_that_is_absent(void **state)
{
    struct machine m = begin();
    DECLARE(&m, INPUT(1), NODE(2, LP_FX_DERIVED, FAILS, 1), NODE(3, LP_FX_DERIVED, SUM, 1),
            NODE(4, LP_FX_DERIVED, COUNT, 1, 2, 3), NODE(5, LP_FX_ON_CHANGE, 0, 4));
    drive(&m);
    assert_true(lp_str_is(info(&m, 4).value, "1 ")); /* the source has no value yet */
    set(&m, 1, "1");
    drive(&m);
    assert_true(lp_str_is(info(&m, 4).value, "2 "));
    assert_true(info(&m, 2).failed && lp_str_is(info(&m, 2).why, "as told"));
    DECLARE(&m, NODE(2, LP_FX_DERIVED, SUM, 1));
    drive(&m);
    assert_true(lp_str_is(info(&m, 4).value, "3 "));
    assert_false(info(&m, 2).failed);
    lp_fx_delete(m.fx);
}

static void a_node_that_is_replaced_is_computed_and_compared(void **state)
{
    struct machine m = begin();
    DIAMOND(&m);
    set(&m, 1, "0");
    set(&m, 2, "1");
    drive(&m);
    DECLARE(&m, NODE(3, LP_FX_DERIVED, COUNT, 2), INPUT(2)); /* comes to the same, 1 */
    drive(&m);
    assert_string_equal(m.log, "3 ");
    DECLARE(&m, NODE(3, LP_FX_DERIVED, COUNT, 1, 2));
    drive(&m);
    assert_string_equal(m.log, "3 5 6 ");
    DECLARE(&m, INPUT(3)); /* was derived: no value yet */
    drive(&m);
    assert_string_equal(m.log, "5 6 ");
    assert_false(info(&m, 3).present);
    lp_fx_delete(m.fx);
}

static void heights_follow_the_inputs(void **state)
{
    struct machine m = begin();
    DIAMOND(&m);
    DECLARE(&m, NODE(7, LP_FX_DERIVED, SUM, 1), NODE(8, LP_FX_DERIVED, SUM, 7));
    drive(&m);
    DECLARE(&m, NODE(3, LP_FX_DERIVED, SUM, 8));
    assert_int_equal(info(&m, 3).height, 3);
    assert_int_equal(info(&m, 6).height, 5);
    set(&m, 1, "1");
    drive(&m);
    assert_string_equal(m.log, "7 8 3 5 6 ");
    DECLARE(&m, NODE(3, LP_FX_DERIVED, SUM, 2));
    assert_int_equal(info(&m, 6).height, 3);
    lp_fx_delete(m.fx);
}

static void sinks_on_frame_wait_for_one_and_are_told_once(void **state)
{
    struct machine m = begin();
    DECLARE(&m, INPUT(1), NODE(2, LP_FX_ON_FRAME, 0, 1), NODE(3, LP_FX_DERIVED, SUM, 1),
            NODE(4, LP_FX_ON_FRAME, 0, 3));
    set(&m, 1, "1");
    drive(&m);
    assert_string_equal(m.log, "3 "); /* what a frame needs is there before */
    lp_fx_frame(m.fx, 1);
    drive(&m);
    assert_string_equal(m.log, "2 4 ");
    lp_fx_frame(m.fx, LP_FX_ALL); /* nothing changed; and it is not kept */
    drive(&m);
    assert_string_equal(m.log, "");
    set(&m, 1, "2");
    drive(&m);
    assert_string_equal(m.log, "3 ");
    set(&m, 1, "3");
    lp_fx_frame(m.fx, 1);
    drive(&m);
    assert_string_equal(m.log, "3 2 4 ");
    lp_fx_delete(m.fx);
}

static void a_late_timer_is_told_once_and_keeps_its_beat(void **state)
{
    struct machine m = begin();
    uint64_t at;
    assert_false(lp_fx_next_timer(m.fx, &at));
    lp_fx_tick(m.fx, 1000);
    DECLARE(&m, TIMER(1, 10), TIMER(2, 25));
    drive(&m);
    assert_string_equal(m.log, "");
    assert_true(lp_fx_next_timer(m.fx, &at) && at == 1010);
    lp_fx_tick(m.fx, 1009);
    drive(&m);
    assert_string_equal(m.log, "");
    lp_fx_tick(m.fx, 1057);
    lp_fx_tick(m.fx, 1058);
    drive(&m);
    assert_string_equal(m.log, "1 2 ");
    assert_true(lp_fx_next_timer(m.fx, &at) && at == 1060);
    DECLARE(&m, TIMER(1, 10)); /* as before: the beat, too */
    lp_fx_tick(m.fx, 0);       /* a clock that goes back stands still */
    drive(&m);
    assert_string_equal(m.log, "");
    lp_fx_tick(m.fx, 1060);
    drive(&m);
    assert_string_equal(m.log, "1 ");
    assert_int_equal(info(&m, 1).reason, LP_FX_TIMED);
    assert_null(lp_fx_forget(m.fx, 1, (uint32_t[]){1}, 1));
    assert_true(lp_fx_next_timer(m.fx, &at) && at == 1075);
    lp_fx_tick(m.fx, UINT64_MAX); /* the end of the clock */
    drive(&m);
    assert_string_equal(m.log, "2 ");
    assert_false(lp_fx_next_timer(m.fx, &at));
    lp_fx_delete(m.fx);
}

static void edit_node_9(struct machine *m, const lp_fx_work *work)
{
    if (work->due[0].node == 3 || work->due[0].node == 4)
        DECLARE(m, INPUT(9), NODE(5, LP_FX_DERIVED, COUNT, 3, 9));
    m->meanwhile = NULL;
}

static void a_declaration_puts_off_what_is_being_computed(void **state)
{
    struct machine m = begin();
    DIAMOND(&m);
    drive(&m);
    uint64_t turns = lp_fx_stats_of(m.fx).turns;
    m.meanwhile = edit_node_9;
    set(&m, 2, "1");
    drive(&m);
    assert_string_equal(m.log, "4 3 5 6 ");
    assert_true(lp_str_is(info(&m, 5).value, "1 "));
    assert_int_equal(lp_fx_stats_of(m.fx).turns, turns + 2);
    assert_int_equal(info(&m, 4).runs, 2); /* not necessary any more, but asked for before */
    lp_fx_delete(m.fx);
}

static void assign_in_a_frame(struct machine *m, const lp_fx_work *work)
{
    if (work->due[0].node != 3)
        return;
    set(m, 1, "3");
    m->meanwhile = NULL;
}

static void a_frame_is_over_with_its_turn(void **state)
{
    struct machine m = begin();
    DECLARE(&m, INPUT(1), NODE(2, LP_FX_DERIVED, SUM, 1), NODE(3, LP_FX_ON_FRAME, 0, 2));
    m.meanwhile = assign_in_a_frame;
    set(&m, 1, "1");
    lp_fx_frame(m.fx, 1);
    drive(&m);
    assert_string_equal(m.log, "2 3 2 ");
    lp_fx_frame(m.fx, 1);
    drive(&m);
    assert_string_equal(m.log, "3 ");
    lp_fx_delete(m.fx);
}

static void tick_20(struct machine *m, const lp_fx_work *work)
{
    lp_fx_tick(m->fx, 20);
    m->meanwhile = NULL;
}

static void a_tick_in_the_middle_of_a_turn_is_for_the_next(void **state)
{
    struct machine m = begin();
    DECLARE(&m, TIMER(1, 10), TIMER(2, 20));
    lp_fx_tick(m.fx, 10);
    m.meanwhile = tick_20;
    drive(&m);
    assert_string_equal(m.log, "1 2 1 ");
    assert_int_equal(lp_fx_stats_of(m.fx).turns, 2);
    lp_fx_delete(m.fx);
}

static void drop(struct machine *m, const lp_fx_work *work)
{
    lp_fx_graph_drop(m->fx, 1);
    DECLARE(m, INPUT(3), INPUT(4)); /* in the same rows */
    m->meanwhile = NULL;
}

static void answers_to_nodes_that_went_count_for_nobody(void **state)
{
    struct machine m = begin();
    DIAMOND(&m);
    m.meanwhile = drop;
    set(&m, 2, "1");
    drive(&m);
    assert_string_equal(m.log, "3 4 ");
    assert_false(info(&m, 3).present || info(&m, 4).present);
    assert_int_equal(lp_fx_stats_of(m.fx).nodes, 2);
    lp_fx_delete(m.fx);
}

static void a_component_that_is_replaced_computes_again(void **state)
{
    struct machine m = begin();
    DIAMOND(&m);
    DECLARE(&m, NODE(7, LP_FX_DERIVED, SUM, 1));
    set(&m, 2, "1");
    drive(&m);
    assert_null(lp_fx_replaced(m.fx, 1, false));
    drive(&m);
    assert_string_equal(m.log, "3 4 5 "); /* equal: no sink is told */
    assert_int_equal(info(&m, 3).reason, LP_FX_SWAPPED);
    DECLARE(&m, NODE(8, LP_FX_ON_CHANGE, 0, 7));
    drive(&m);
    assert_string_equal(m.log, "7 8 ");
    assert_true(lp_str_is(info(&m, 2).value, "1"));
    assert_null(lp_fx_replaced(m.fx, 1, true));
    assert_int_equal(lp_fx_stats_of(m.fx).nodes, 0);
    drive(&m);
    lp_fx_delete(m.fx);
}

static void nodes_come_before_fibers(void **state)
{
    struct machine m = begin();
    lp_fx_work work;
    lp_fx_id root;
    lp_fx_element top = {.role = LP_FX_CALL, .component = 1, .function = LP_STR("top")};
    DIAMOND(&m);
    assert_null(lp_fx_mount(m.fx, LP_STR(""), 1,
                            &(lp_fx_table){&top, NULL, NULL, 1, 0, 0, LP_STR("")}, &root));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(lp_fx_next(m.fx, 1, &work), LP_FX_COMPUTE);
        assert_int_equal(work.n, 1);
        assert_int_equal(work.depth, i < 2 ? 1 : i == 2 ? 2 : LP_FX_SINKS);
        lp_fx_computed(m.fx, &(lp_fx_computed_value){true, LP_STR("x")}, 1);
    }
    assert_int_equal(lp_fx_next(m.fx, 1, &work), LP_FX_RUN);
    set(&m, 1, "1"); /* for the next turn */
    lp_fx_fail(m.fx, LP_STR("no fibers here"));
    assert_int_equal(lp_fx_next(m.fx, 1, &work), LP_FX_COMPUTE);
    assert_int_equal(lp_fx_stats_of(m.fx).turns, 2);
    lp_fx_delete(m.fx);
}

/* ---- hostile ---- */

static void bad_declarations_change_nothing(void **state)
{
    struct machine m = begin();
    DIAMOND(&m);
    drive(&m);
    const struct {
        lp_fx_node nodes[3];
        uint32_t n;
        const char *why;
    } bad[] = {
        {{NODE(3, LP_FX_DERIVED, SUM, 5)}, 1, "nodes make a cycle: 3 needs 5 needs 3"},
        {{NODE(9, LP_FX_DERIVED, SUM, 9)}, 1, "nodes make a cycle: 9 needs 9"},
        {{INPUT(10), NODE(8, LP_FX_DERIVED, SUM, 9), NODE(9, LP_FX_DERIVED, SUM, 10, 8)},
         3,
         "nodes make a cycle: 8 needs 9 needs 8"},
        {{NODE(8, LP_FX_DERIVED, SUM, 7)}, 1, "node 8 has the input 7, which is not declared"},
        {{NODE(8, LP_FX_DERIVED, SUM, 6)}, 1, "node 8 has the input 6, which is a sink"},
        {{INPUT(8),
          {.id = 7, .kind = LP_FX_ON_CHANGE, .inputs = (const uint32_t[]){9}, .n_inputs = 1}},
         2,
         "node 7 has the input 9, which is not declared"},
        {{NODE(8, LP_FX_SOURCE, SUM, 1)}, 1, "node 8 is a source and has inputs"},
        {{{.id = 8, .kind = LP_FX_KINDS}}, 1, "node 8 is of no kind that there is"},
        {{TIMER(8, 0)}, 1, "node 8 is on timer and has no period"},
        {{INPUT(8), INPUT(8)}, 2, "node 8 is declared twice"},
        {{{.id = 4, .kind = LP_FX_ON_FRAME}}, 1, "node 4 becomes a sink, and node 5 needs it"},
    };
    uint32_t nodes = lp_fx_stats_of(m.fx).nodes;
    for (size_t i = 0; i < LP_COUNT(bad); i++) {
        refused(lp_fx_declare(m.fx, 1, bad[i].nodes, bad[i].n), LOOP_INVALID, bad[i].why);
        if (i < LP_COUNT(bad) - 1) /* there nobody needs node 4 */
            refused(lp_fx_declare(m.fx, 2, bad[i].nodes, bad[i].n), LOOP_INVALID, NULL);
        assert_int_equal(lp_fx_stats_of(m.fx).nodes, nodes);
    }
    drive(&m);
    assert_string_equal(m.log, "");
    assert_int_equal(info(&m, 6).height, 3);
    refused(lp_fx_forget(m.fx, 1, (uint32_t[]){6, 4}, 2), LOOP_INVALID,
            "node 4 goes, and node 5 needs it");
    refused(lp_fx_forget(m.fx, 1, (uint32_t[]){6, 7}, 2), LOOP_NOT_FOUND, "there is no node 7");
    refused(lp_fx_forget(m.fx, 2, (uint32_t[]){6}, 1), LOOP_NOT_FOUND, NULL);
    const lp_fx_assignment to_derived[] = {{1, LP_STR("7")}, {3, LP_STR("7")}};
    refused(lp_fx_assign(m.fx, 1, to_derived, 2), LOOP_INVALID, "node 3 is no source");
    refused(lp_fx_assign(m.fx, 2, to_derived, 1), LOOP_NOT_FOUND, NULL);
    refused(lp_fx_declare(m.fx, LP_FX_ALL, bad[5].nodes, 1), LOOP_USAGE, NULL);
    drive(&m);
    assert_string_equal(m.log, ""); /* of the assignments none was made */
    lp_fx_delete(m.fx);
}

static void a_cycle_of_many_nodes_is_found_and_told_in_short(void **state)
{
    enum { MANY = 100000 };
    static lp_fx_node nodes[MANY];
    static uint32_t inputs[MANY];
    struct machine m = begin();
    for (uint32_t i = 0; i < MANY; i++) {
        inputs[i] = i + 1;
        nodes[i] = (lp_fx_node){
            .id = i, .kind = LP_FX_DERIVED, .function = SUM, .inputs = &inputs[i], .n_inputs = 1};
    }
    inputs[MANY - 1] = 0;
    refused(lp_fx_declare(m.fx, 1, nodes, MANY), LOOP_INVALID,
            "nodes make a cycle: 0 needs 1 needs 2 needs 3 needs 4 needs 5 needs 6 needs 7 needs "
            "... needs 0");
    assert_int_equal(lp_fx_stats_of(m.fx).nodes, 0);
    nodes[MANY - 1].n_inputs = 0;
    assert_null(lp_fx_declare(m.fx, 1, nodes, MANY));
    DECLARE(&m, NODE(MANY, LP_FX_ON_CHANGE, 0, 0));
    assert_int_equal(info(&m, 0).height, MANY);
    drive(&m);
    assert_int_equal(m.runs, MANY + 1);
    lp_fx_delete(m.fx);
}

static void wrong_answers_fail_their_nodes(void **state)
{
    struct machine m = begin();
    lp_fx_work work;
    static char large[LP_MAX_FX_NODE_VALUE + 1];
    DIAMOND(&m);
    assert_int_equal(lp_fx_next(m.fx, 0, &work), LP_FX_COMPUTE);
    lp_fx_computed(m.fx, NULL, 0);
    assert_true(lp_str_is(info(&m, 3).why, "the answer has not one value for each node"));
    assert_true(info(&m, 4).failed);
    set(&m, 2, "1");
    drive(&m);
    set(&m, 2, "2");
    assert_int_equal(lp_fx_next(m.fx, 0, &work), LP_FX_COMPUTE);
    const lp_fx_computed_value values[] = {{true, {large, sizeof large}}, {false, {large, 5000}}};
    lp_fx_computed(m.fx, values, 2);
    assert_true(lp_str_is(info(&m, 4).why, "its value is too large"));
    assert_int_equal(info(&m, 3).why.len, LP_MAX_FX_WHY);
    lp_fx_computed(m.fx, values, 2); /* nobody asked */
    assert_int_equal(lp_fx_next(m.fx, 0, &work), LP_FX_COMPUTE);
    assert_false(work.due[0].inputs[0].present || work.due[0].inputs[1].present);
    lp_fx_fail(m.fx, LP_STR("it trapped"));
    assert_true(lp_str_is(info(&m, 5).why, "it trapped"));
    drive(&m);
    lp_fx_delete(m.fx);
}

/* Fills the values' quota of component 1 with nodes 1 to 64, but for 1 MiB. */
static void fill(struct machine *m, char *large)
{
    for (uint32_t i = 1; i <= 64; i++) {
        lp_fx_node source = INPUT(i);
        assert_null(lp_fx_declare(m->fx, 1, &source, 1));
        lp_fx_assignment a = {i, {large, LP_MAX_FX_NODE_VALUE}};
        if (i < 64)
            assert_null(lp_fx_assign(m->fx, 1, &a, 1));
        drive(m);
    }
}

static void quotas_hold(void **state)
{
    struct machine m = {.fx = lp_fx_new(&(lp_fx_options){.max_nodes = 100})};
    char *large = calloc(1, LP_MAX_FX_NODE_VALUE + 1);
    uint32_t *inputs = calloc(LP_MAX_FX_INPUTS + 1, sizeof *inputs);
    fill(&m, large);
    const lp_fx_assignment both[] = {{64, {large, LP_MAX_FX_NODE_VALUE}}, {1, {"x", 1}}};
    refused(lp_fx_assign(m.fx, 1, both, 2), LOOP_LIMIT, NULL);
    const lp_fx_assignment over = {64, {large, LP_MAX_FX_NODE_VALUE + 1}};
    refused(lp_fx_assign(m.fx, 1, &over, 1), LOOP_LIMIT, NULL);
    assert_false(info(&m, 64).due);
    assert_null(lp_fx_assign(m.fx, 1, both, 1));
    DECLARE(&m, NODE(70, LP_FX_DERIVED, COUNT, 64), NODE(71, LP_FX_ON_CHANGE, 0, 70));
    drive(&m);
    assert_true(info(&m, 70).failed); /* for want of room; not even its reason has some */
    assert_int_equal(info(&m, 70).why.len, 0);
    assert_null(lp_fx_forget(m.fx, 1, (uint32_t[]){1}, 1));

    for (uint32_t i = 0; i <= LP_MAX_FX_INPUTS; i++)
        inputs[i] = 2;
    lp_fx_node wide = {.id = 80, .kind = LP_FX_ON_CHANGE, .inputs = inputs};
    wide.n_inputs = LP_MAX_FX_INPUTS + 1;
    refused(lp_fx_declare(m.fx, 1, &wide, 1), LOOP_LIMIT, NULL);
    wide.n_inputs = 65; /* each is 1 MiB */
    assert_null(lp_fx_declare(m.fx, 1, &wide, 1));
    drive(&m);
    assert_string_equal(m.log, "");
    assert_true(lp_str_is(info(&m, 80).why, "its inputs have too many bytes together"));

    lp_fx_node more[60];
    for (uint32_t i = 0; i < 60; i++)
        more[i] = (lp_fx_node)INPUT(100 + i);
    refused(lp_fx_declare(m.fx, 2, more, 60), LOOP_LIMIT, NULL);
    assert_int_equal(lp_fx_stats_of(m.fx).nodes, 66);
    assert_null(lp_fx_declare(m.fx, 2, more, 34));
    free(large);
    free(inputs);
    lp_fx_delete(m.fx);
}

static void many_inputs_are_handed_out_in_several_steps(void **state)
{
    struct machine m = begin();
    uint32_t *inputs = calloc(LP_MAX_FX_INPUTS, sizeof *inputs);
    DECLARE(&m, INPUT(0));
    for (uint32_t i = 1; i <= 40; i++) {
        lp_fx_node sink = {
            .id = i, .kind = LP_FX_ON_CHANGE, .inputs = inputs, .n_inputs = LP_MAX_FX_INPUTS};
        assert_null(lp_fx_declare(m.fx, 1, &sink, 1));
    }
    drive(&m);
    assert_int_equal(m.runs, 40);
    assert_int_equal(m.steps, 3); /* 16 of them are LP_MAX_FX_DUE_INPUTS */
    for (uint32_t i = 41; i <= 128; i++) {
        lp_fx_node sink = {
            .id = i, .kind = LP_FX_ON_TIMER, .period_ms = 1, .inputs = inputs, .n_inputs = 65536};
        assert_null(lp_fx_declare(m.fx, 1, &sink, 1));
    }
    REFUSED(&m, LOOP_LIMIT, NODE(200, LP_FX_DERIVED, SUM, 0)); /* LP_MAX_FX_EDGES */
    free(inputs);
    lp_fx_delete(m.fx);
}

static void declaring_without_end_takes_no_memory(void **state)
{
    struct machine m = begin();
    uint64_t bytes = 0;
    DIAMOND(&m);
    for (int i = 0; i < 20000; i++) {
        DECLARE(&m, INPUT(7), NODE(8, LP_FX_ON_FRAME, 0, 7), TIMER(9, 5));
        set(&m, 7, "1");
        lp_fx_frame(m.fx, 1);
        lp_fx_tick(m.fx, (uint64_t)i);
        assert_null(lp_fx_forget(m.fx, 1, (uint32_t[]){9, 7, 8}, 3));
        bytes = i == 10 ? lp_fx_stats_of(m.fx).bytes : bytes;
    }
    assert_int_equal(lp_fx_stats_of(m.fx).bytes, bytes);
    drive(&m);
    assert_string_equal(m.log, "3 4 5 6 ");
    lp_fx_delete(m.fx);
}

/* ---- inspection ---- */

static void every_node_can_be_looked_at(void **state)
{
    struct machine m = begin();
    lp_fx_node_info rows[4], more[4];
    DIAMOND(&m);
    set(&m, 1, "1");
    drive(&m);
    assert_int_equal(lp_fx_inspect_graph(m.fx, 1, 0, rows, 4), 4);
    assert_int_equal(lp_fx_inspect_graph(m.fx, 1, 4, more, 4), 2);
    assert_int_equal(lp_fx_inspect_graph(m.fx, 2, 0, more + 2, 4), 0);
    assert_int_equal(rows[2].node, 3);
    assert_int_equal(rows[2].function, SUM);
    assert_int_equal(rows[2].n_inputs, 2);
    assert_int_equal(rows[2].runs, 1);
    assert_int_equal(rows[2].reason, LP_FX_MOUNTED | LP_FX_INPUT);
    assert_int_equal(more[1].node, 6);
    assert_int_equal(more[1].kind, LP_FX_ON_CHANGE);
    assert_int_equal(lp_fx_stats_of(m.fx).computed, 4);
    lp_fx_delete(m.fx);
}

/* ---- figures, told and not compared ---- */

static double us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* 1,000 rows of 10 cells, each of the one before; a source is before each row, a sink behind. */
static void declare_sheet(struct machine *m)
{
    static lp_fx_node nodes[12000];
    static uint32_t inputs[12000];
    for (uint32_t i = 0; i < 12000; i++) {
        inputs[i] = i - 1;
        uint32_t column = i % 12;
        nodes[i] =
            (lp_fx_node){.id = i, .function = SUM, .inputs = &inputs[i], .n_inputs = !!column};
        nodes[i].kind = !column ? LP_FX_SOURCE : column < 11 ? LP_FX_DERIVED : LP_FX_ON_CHANGE;
    }
    assert_null(lp_fx_declare(m->fx, 1, nodes, 12000));
}

static void of_10000_cells_a_change_reaches_10(void **state)
{
    struct machine m = begin();
    double start = us();
    declare_sheet(&m);
    double declared = us();
    for (uint32_t i = 0; i < 1000; i++)
        set(&m, i * 12, "1");
    drive(&m);
    double computed = us();
    assert_int_equal(m.runs, 11000);
    m.runs = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        set(&m, i * 12, "2");
        drive(&m);
        assert_int_equal(m.runs, 11 * (i + 1)); /* ten cells and the sink */
    }
    double end = us();
    print_message(
        "declared in %.0f us, computed in %.0f us, a change of 10 in %.2f us, %.0f bytes a node\n",
        declared - start, computed - declared, (end - computed) / 1000,
        (double)lp_fx_stats_of(m.fx).bytes / 12000);
    lp_fx_delete(m.fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_node_is_computed_once_after_its_inputs),
        cmocka_unit_test(equal_values_change_nothing),
        cmocka_unit_test(what_nobody_needs_is_not_computed),
        cmocka_unit_test(a_failure_is_an_input_that_is_absent),
        cmocka_unit_test(a_node_that_is_replaced_is_computed_and_compared),
        cmocka_unit_test(heights_follow_the_inputs),
        cmocka_unit_test(sinks_on_frame_wait_for_one_and_are_told_once),
        cmocka_unit_test(a_late_timer_is_told_once_and_keeps_its_beat),
        cmocka_unit_test(a_declaration_puts_off_what_is_being_computed),
        cmocka_unit_test(a_frame_is_over_with_its_turn),
        cmocka_unit_test(a_tick_in_the_middle_of_a_turn_is_for_the_next),
        cmocka_unit_test(answers_to_nodes_that_went_count_for_nobody),
        cmocka_unit_test(a_component_that_is_replaced_computes_again),
        cmocka_unit_test(nodes_come_before_fibers),
        cmocka_unit_test(bad_declarations_change_nothing),
        cmocka_unit_test(a_cycle_of_many_nodes_is_found_and_told_in_short),
        cmocka_unit_test(wrong_answers_fail_their_nodes),
        cmocka_unit_test(quotas_hold),
        cmocka_unit_test(many_inputs_are_handed_out_in_several_steps),
        cmocka_unit_test(declaring_without_end_takes_no_memory),
        cmocka_unit_test(every_node_can_be_looked_at),
        cmocka_unit_test(of_10000_cells_a_change_reaches_10),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
