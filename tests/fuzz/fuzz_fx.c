/*
 * tests/fuzz/fuzz_fx.c: any bytes as the answers of a component to the runtime of fibers, and as
 * what it asks for of its graph.
 *
 * The input is read as numbers, mostly small ones, so that good and bad tables both come up. What
 * must hold: nothing is read outside of an answer, whatever it says; each start of an effect is
 * followed by one clean-up; no node is computed twice in a turn, and when nothing is due, each that
 * is necessary has a value or failed; after the roots and graphs went, nothing is left.
 */
#include <stdint.h>
#include <stdlib.h>

#include "fx/core/fx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *const fuzz_seeds[] = {
    "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f",
    "Hello, world! This is an answer, and this is another one, and so on and on.",
    "\x03\x01\x01\x02\x01\x01\x03\x01\x02\x01\x01\x01\x02\x02\x01\x03\x01\x01\x01\x02\x06\x01\x01",
    "\x01\x02\x03\x04\x05\x07\x06\x07\x06\x05\x04\x06\x01\x06\x02\x06\x03\x06\x04\x06\x05\x06\x01"
    "\x06",
    NULL,
};

struct input {
    const uint8_t *at;
    size_t n;
};

static uint32_t number(struct input *in, uint32_t below)
{
    if (!in->n)
        return 0;
    in->n--;
    uint8_t byte = *in->at++;
    return byte >= 0xf8 ? UINT32_MAX - (byte & 7) : byte % below;
}

static lp_fx_span span(struct input *in)
{
    uint32_t first = number(in, 6);
    return (lp_fx_span){first, number(in, 4)};
}

static lp_str text(struct input *in)
{
    static const char *const texts[] = {"", "a", "b", "root", "loop:fx/failure"};
    return lp_str_of(texts[number(in, 5) % LP_COUNT(texts)]);
}

static void answer(lp_fx *fx, struct input *in, uint32_t jobs)
{
    lp_fx_element elements[8];
    uint32_t children[8];
    lp_fx_output outputs[8];
    lp_fx_value values[4];
    lp_fx_effect effects[4];
    lp_str reads[4];
    lp_fx_callback callbacks[2] = {{number(in, 9), 1}, {1, 2}};
    for (int i = 0; i < 8; i++) {
        elements[i] = (lp_fx_element){number(in, 9), number(in, 8), number(in, 3), text(in),
                                      text(in),      span(in),      {0, 0},        span(in)};
        children[i] = number(in, 2) ? (uint32_t)i + 1 : number(in, 9);
        outputs[i] = (lp_fx_output){.result = number(in, 9) / 7,
                                    .why = text(in),
                                    .has_root = true,
                                    .root = number(in, 4),
                                    .new_cells = span(in),
                                    .reads = span(in),
                                    .effects = span(in),
                                    .yields = span(in)};
    }
    for (int i = 0; i < 4; i++) {
        values[i] = (lp_fx_value){.type = text(in), .bytes = text(in)};
        effects[i] = (lp_fx_effect){number(in, 5), text(in)};
        reads[i] = text(in);
    }
    lp_fx_answer a = {.outputs = outputs,
                      .n_outputs = LP_MIN(jobs, 8u),
                      .table = {elements, children, callbacks, 8, 8, 2, {"0123456", 7}},
                      .new_cells = values,
                      .reads = reads,
                      .effects = effects,
                      .yields = values,
                      .n_new_cells = 4,
                      .n_reads = 4,
                      .n_effects = 4,
                      .n_yields = 4};
    lp_fx_answered(fx, &a);
}

/* ---- graphs ---- */

#define IDS 16
static uint64_t handed[3][IDS]; /* the turn */

static void declare(lp_fx *fx, struct input *in, uint32_t component)
{
    lp_fx_node nodes[4];
    uint32_t inputs[4], n = number(in, 4) % 4 + 1;
    for (uint32_t i = 0; i < 4; i++)
        inputs[i] = number(in, IDS);
    for (uint32_t i = 0; i < n; i++) {
        nodes[i] = (lp_fx_node){.id = number(in, IDS),
                                .kind = number(in, LP_FX_KINDS),
                                .function = number(in, 3),
                                .period_ms = number(in, 4),
                                .inputs = inputs + i};
        nodes[i].id %= IDS; /* `handed` has no others */
        nodes[i].n_inputs = nodes[i].kind == LP_FX_SOURCE ? 0 : number(in, 2) % (5 - i);
    }
    loop_error_delete(lp_fx_declare(fx, component, nodes, n));
}

static void ask_graph(lp_fx *fx, struct input *in)
{
    uint32_t component = 1 + number(in, 2) % 2, ids[2] = {number(in, IDS), number(in, IDS)};
    lp_fx_assignment assignments[2] = {{ids[0], text(in)}, {ids[1], text(in)}};
    switch (number(in, 8)) {
    case 0: loop_error_delete(lp_fx_forget(fx, component, ids, 1 + number(in, 2) % 2)); break;
    case 1: lp_fx_frame(fx, number(in, 3)); break;
    case 2: lp_fx_tick(fx, number(in, 64)); break;
    case 3:
        if (number(in, 8) == 1)
            lp_fx_graph_drop(fx, component);
        break;
    case 4:
    case 5:
        loop_error_delete(lp_fx_assign(fx, component, assignments, 1 + number(in, 2) % 2));
        break;
    default: declare(fx, in, component);
    }
}

static void values(lp_fx *fx, struct input *in, const lp_fx_work *work)
{
    static const char *const texts[] = {"", "a", "b"};
    lp_fx_computed_value answers[8];
    uint64_t turn = lp_fx_stats_of(fx).turns;
    for (uint32_t i = 0; i < work->n; i++) {
        uint32_t id = work->due[i].node % IDS, component = work->component % 3;
        if (handed[component][id] == turn)
            abort();
        handed[component][id] = turn;
        size_t bytes = 0; /* all of them can be read */
        for (uint32_t k = 0; k < work->due[i].n_inputs; k++)
            for (size_t b = 0; b < work->due[i].inputs[k].bytes.len; b++)
                bytes += (unsigned char)work->due[i].inputs[k].bytes.ptr[b];
        const char *value = texts[(bytes + number(in, 3)) % 3];
        answers[i] = (lp_fx_computed_value){number(in, 5) != 1, lp_str_of(value)};
    }
    uint32_t n = work->n;
    if (number(in, 8) == 1) /* in the middle of it */
        ask_graph(fx, in);
    if (number(in, 20) == 1)
        lp_fx_fail(fx, LP_STR("trapped"));
    else
        lp_fx_computed(fx, answers, number(in, 20) == 1 ? number(in, 9) : n);
}

static void check_graphs(const lp_fx *fx)
{
    lp_fx_node_info rows[IDS + 1];
    for (uint32_t component = 1; component < 3; component++) {
        size_t n = lp_fx_inspect_graph(fx, component, 0, rows, LP_COUNT(rows));
        for (size_t i = 0; i < n; i++)
            if (rows[i].kind == LP_FX_DERIVED && rows[i].necessary &&
                rows[i].present == rows[i].failed)
                abort();
    }
}

static int live; /* effects */

static void drive(lp_fx *fx, struct input *in, unsigned steps)
{
    lp_fx_work work;
    for (lp_fx_step step; steps-- && (step = lp_fx_next(fx, 8, &work)) != LP_FX_IDLE;) {
        if (step == LP_FX_EFFECTS)
            for (uint32_t i = 0; i < work.n; i++)
                live += work.effects[i].start ? 1 : -1;
        if (step == LP_FX_COMPUTE) {
            values(fx, in, &work);
            continue;
        }
        if (step != LP_FX_RUN)
            lp_fx_done(fx);
        else if (in->n)
            answer(fx, in, work.n);
        else
            lp_fx_fail(fx, LP_STR("the input is over"));
    }
}

static void ask(lp_fx *fx, struct input *in)
{
    lp_fx_info rows[64];
    size_t n = lp_fx_inspect(fx, 1u, rows, LP_COUNT(rows));
    lp_fx_id fiber = n ? rows[number(in, 64) % n].fiber : number(in, 9);
    lp_fx_value value = {.type = text(in), .bytes = text(in)};
    loop_error_delete(lp_fx_write(fx, fiber, number(in, 3), &value));
    if (number(in, 4) == 1)
        loop_error_delete(lp_fx_cancel(fx, fiber));
    if (number(in, 4) == 1)
        loop_error_delete(lp_fx_send(fx, (lp_fx_callback){fiber, 1}, text(in)));
    if (number(in, 4) == 1)
        loop_error_delete(lp_fx_replaced(fx, number(in, 3), number(in, 2) == 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size}, over = {0};
    lp_fx *fx = lp_fx_new(&(lp_fx_options){.max_fibers = 300});
    lp_fx_element top = {.role = LP_FX_CALL, .component = 1, .function = LP_STR("a")};
    lp_fx_table table = {.elements = &top, .n_elements = 1, .bytes = LP_STR("")};
    lp_fx_id roots[2];
    live = 0;
    memset(handed, 0, sizeof handed);
    if (lp_fx_mount(fx, LP_STR("root"), 1, &table, &roots[0]) ||
        lp_fx_mount(fx, LP_STR("a"), 2, &table, &roots[1]))
        abort();
    for (int i = 0; i < 20 && in.n; i++) {
        drive(fx, &in, 12);
        ask(fx, &in);
        for (uint32_t n = number(&in, 8); n > 0 && in.n; n--)
            ask_graph(fx, &in);
        if (!lp_fx_in_turn(fx))
            loop_error_delete(lp_fx_update(fx, roots[i % 2], &table));
    }
    drive(fx, &over, UINT32_MAX);
    check_graphs(fx);
    for (int i = 0; i < 2; i++)
        if (lp_fx_unmount(fx, roots[i]))
            abort();
    drive(fx, &over, UINT32_MAX);
    lp_fx_graph_drop(fx, 1);
    lp_fx_graph_drop(fx, 2);
    if (live || lp_fx_stats_of(fx).fibers || lp_fx_stats_of(fx).nodes)
        abort();
    lp_fx_delete(fx);
    return 0;
}
