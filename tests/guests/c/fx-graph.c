/*
 * fx-graph [cycle]: an application with a graph. A timer of its own sets the source 1 to 0, 1, 2,
 * ... 5; node 2 is its half, rounded; 3 is the sum of both; 9 is not needed by any sink. Prints
 * what is computed, and what the sinks are told; those on frame and on timer once each. Then it
 * leaves. `cycle` declares one.
 */
#include "gen/fx_graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef exports_loop_core_app_next_t next_t;
typedef exports_loop_fx_graph_functions_work_t work_t;

enum { HALF = 1, SUM, NEVER, CHANGED, FRAME, TIMER };

static uint32_t value;
static bool framed, timed;

static void tell(loop_fx_graph_error_t *err)
{
    static const char *texts[] = {"unavailable", "denied",    "invalid",
                                  "limit",       "cancelled", "failed"};
    printf("%s: %.*s\n", texts[err->tag], (int)err->val.failed.len, (char *)err->val.failed.ptr);
}

static loop_fx_graph_node_t node(uint32_t id, uint32_t function, uint32_t *inputs, size_t n)
{
    return (loop_fx_graph_node_t){.id = id,
                                  .kind.tag = LOOP_FX_GRAPH_KIND_DERIVED,
                                  .function = function,
                                  .inputs = {inputs, n}};
}

static loop_fx_graph_node_t sink(uint32_t id, uint8_t schedule, uint32_t function, uint32_t *inputs)
{
    loop_fx_graph_node_t n = node(id, function, inputs, 1);
    n.kind.tag = LOOP_FX_GRAPH_KIND_SINK;
    n.kind.val.sink.tag = schedule;
    n.kind.val.sink.val.timer = 10;
    return n;
}

static void declare(bool cycle)
{
    uint32_t one[] = {1, 2}, three[] = {3}, self[] = {3};
    loop_fx_graph_node_t nodes[] = {
        {.id = 1, .kind.tag = LOOP_FX_GRAPH_KIND_SOURCE},
        node(2, HALF, cycle ? self : one, 1),
        node(3, SUM, one, 2),
        node(9, NEVER, one, 1),
        sink(11, LOOP_FX_GRAPH_SCHEDULE_CHANGE, CHANGED, three),
        sink(12, LOOP_FX_GRAPH_SCHEDULE_FRAME, FRAME, three),
        sink(13, LOOP_FX_GRAPH_SCHEDULE_TIMER, TIMER, three),
    };
    loop_fx_graph_list_node_t list = {nodes, sizeof nodes / sizeof *nodes};
    loop_fx_graph_error_t err;
    if (!loop_fx_graph_declare(&list, &err))
        tell(&err);
}

static void set(uint32_t to)
{
    loop_fx_graph_assignment_t a = {1, {(uint8_t *)&to, sizeof to}};
    loop_fx_graph_list_assignment_t list = {&a, 1};
    loop_fx_graph_error_t err;
    if (!loop_fx_graph_set(&list, &err))
        tell(&err);
}

static uint32_t input(const work_t *w, size_t row)
{
    uint32_t n = 0;
    if (w->inputs.ptr[row].is_some)
        memcpy(&n, w->bytes.ptr + w->inputs.ptr[row].val.first, sizeof n);
    return n;
}

static uint32_t compute(uint32_t function, uint32_t a, uint32_t b)
{
    switch (function) {
    case HALF: printf("half of %u\n", a); return a / 2;
    case SUM: printf("%u and %u\n", a, b); return a + b;
    case NEVER: printf("nobody needs this\n"); return 0;
    case CHANGED: printf("changed: %u\n", a); return 0;
    case FRAME: framed = true; return 0;
    default: timed = true; return 0;
    }
}

void exports_loop_fx_graph_functions_compute(
    work_t *w, exports_loop_fx_graph_functions_list_result_list_u8_string_t *ret)
{
    ret->ptr = calloc(w->due.len, sizeof *ret->ptr);
    ret->len = w->due.len;
    for (size_t i = 0; i < w->due.len; i++) {
        uint32_t at = w->due.ptr[i].inputs.first, n = w->due.ptr[i].inputs.count;
        uint32_t *v = malloc(sizeof *v);
        *v = compute(w->due.ptr[i].function, input(w, at), n > 1 ? input(w, at + 1) : 0);
        ret->ptr[i].val.ok.ptr = (uint8_t *)v;
        ret->ptr[i].val.ok.len = sizeof *v;
    }
    fflush(stdout);
    exports_loop_fx_graph_functions_work_free(w);
}

/* ---- the application ---- */

static void wait_for(next_t *ret)
{
    ret->tag = EXPORTS_LOOP_CORE_APP_NEXT_TIMER;
    ret->val.timer = 30;
}

bool exports_loop_core_app_start(fx_graph_list_string_t *args, next_t *ret, fx_graph_string_t *err)
{
    (void)err;
    declare(args->len > 1);
    if (args->len == 1)
        set(0);
    fflush(stdout);
    wait_for(ret);
    if (args->len > 1) {
        ret->tag = EXPORTS_LOOP_CORE_APP_NEXT_EXIT;
        ret->val.exit = 0;
    }
    return true;
}

bool exports_loop_core_app_event(exports_loop_core_app_list_app_event_t *list, next_t *ret,
                                 fx_graph_string_t *err)
{
    (void)list, (void)err;
    wait_for(ret);
    if (value < 5)
        set(++value);
    else if (framed && timed) {
        printf("framed, timed\n");
        ret->tag = EXPORTS_LOOP_CORE_APP_NEXT_EXIT;
        ret->val.exit = 0;
    }
    fflush(stdout);
    return true;
}

bool exports_loop_core_app_frame(double now, next_t *ret, fx_graph_string_t *err)
{
    (void)now, (void)err;
    wait_for(ret);
    return true;
}

void exports_loop_core_app_stop(void)
{
}
