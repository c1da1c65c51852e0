/*
 * fx-leaf: functions that others mount. `row` prints its number, how often this instance was asked
 * before and whether it was swapped, and keeps an effect; "trap", "spin", "fail", "wrong" and
 * "flood", which mounts 60,000 of itself, are what fx-tree.c asks of one of them.
 */
#define WORLD fx_leaf
#include "gen/fx_leaf.h"

#include "fx.h"

static void refuse(outcome_t *o, const char *why)
{
    o->tag = EXPORTS_LOOP_FX_FIBERS_OUTCOME_FAILED;
    o->val.failed = (text_t){(uint8_t *)strdup(why), strlen(why)};
}

static void row(const batch_t *b, const job_t *j, outcome_t *o)
{
    printf("row %u%s\n", number_of(b, j->properties),
           j->reason & EXPORTS_LOOP_FX_FIBERS_REASON_SWAPPED ? " swapped" : "");
    o->val.done.effects = (span_t){(uint32_t)n_effects, 1};
    effects_out[n_effects++] = (exports_loop_fx_fibers_effect_t){0, {0, 0}};
}

void exports_loop_fx_fibers_run(batch_t *b, answer_t *ret)
{
    answer_begin(b, ret);
    for (size_t i = 0; i < b->jobs.len; i++) {
        const job_t *j = &b->jobs.ptr[i];
        outcome_t *o = &ret->outcomes.ptr[i];
        if (is_function(b, j, "trap"))
            __builtin_trap();
        else if (is_function(b, j, "spin"))
            for (volatile int n = 0;; n = n + 1)
                ;
        else if (is_function(b, j, "flood")) {
            static uint32_t rows[60000];
            uint32_t group = element(&out, LOOP_FX_TYPES_ROLE_GROUP, "");
            for (uint32_t n = 0; n < 60000; n++)
                rows[n] = call(&out, NULL, "flood", NULL, n);
            children(&out, group, rows, 60000);
            o->val.done.root = (exports_loop_fx_fibers_option_index_t){true, group};
        } else if (is_function(b, j, "wrong"))
            o->val.done.root = (exports_loop_fx_fibers_option_index_t){true, 12345};
        else if (is_function(b, j, "fail"))
            refuse(o, "asked to");
        else
            row(b, j, o);
    }
    answer_end(ret);
    fflush(stdout);
    exports_loop_fx_fibers_batch_free(b);
}

void exports_loop_fx_fibers_effects(fx_leaf_list_string_t *names,
                                    exports_loop_fx_fibers_list_effect_call_t *calls)
{
    size_t starts = 0;
    for (size_t i = 0; i < calls->len; i++)
        starts += calls->ptr[i].start;
    printf("effects: %zu start, %zu end\n", starts, calls->len - starts);
    fflush(stdout);
    fx_leaf_list_string_free(names);
    exports_loop_fx_fibers_list_effect_call_free(calls);
}

void exports_loop_fx_fibers_call(exports_loop_fx_fibers_callback_batch_t *batch)
{
    exports_loop_fx_fibers_callback_batch_free(batch);
}
