/*
 * tests/fuzz/fuzz_fx.c: any bytes as the answers of a component to the runtime of fibers.
 *
 * The input is read as numbers, mostly small ones, so that good and bad tables both come up. What
 * must hold: nothing is read outside of an answer, whatever it says; each start of an effect is
 * followed by one clean-up; after the roots went, nothing is left.
 */
#include <stdint.h>
#include <stdlib.h>

#include "fx/core/fx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *const fuzz_seeds[] = {
    "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f",
    "Hello, world! This is an answer, and this is another one, and so on and on.",
    "\x03\x01\x01\x02\x01\x01\x03\x01\x02\x01\x01\x01\x02\x02\x01\x03\x01\x01\x01\x02\x06\x01\x01",
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

static int live; /* effects */

static void drive(lp_fx *fx, struct input *in, unsigned steps)
{
    lp_fx_work work;
    for (lp_fx_step step; steps-- && (step = lp_fx_next(fx, 8, &work)) != LP_FX_IDLE;) {
        if (step == LP_FX_EFFECTS)
            for (uint32_t i = 0; i < work.n; i++)
                live += work.effects[i].start ? 1 : -1;
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
    if (lp_fx_mount(fx, LP_STR("root"), 1, &table, &roots[0]) ||
        lp_fx_mount(fx, LP_STR("a"), 2, &table, &roots[1]))
        abort();
    for (int i = 0; i < 20 && in.n; i++) {
        drive(fx, &in, 12);
        ask(fx, &in);
        if (!lp_fx_in_turn(fx))
            loop_error_delete(lp_fx_update(fx, roots[i % 2], &table));
    }
    drive(fx, &over, UINT32_MAX);
    for (int i = 0; i < 2; i++)
        if (lp_fx_unmount(fx, roots[i]))
            abort();
    drive(fx, &over, UINT32_MAX);
    if (live || lp_fx_stats_of(fx).fibers)
        abort();
    lp_fx_delete(fx);
    return 0;
}
