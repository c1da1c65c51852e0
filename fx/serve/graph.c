/*
 * fx/serve/graph.c: `loop:fx/graph`: graphs of applications, and the clock of their sinks.
 *
 * The runtime reads no clock. A thread of its own, made for the first sink on frame or on timer,
 * tells it the time when one is due, and sees to it that somebody drives the turn; it calls no
 * component.
 */
#include <stdlib.h>

#include "fx/serve/internal.h"

#define MS 1000000ull
#define FRAME_NS (1000000000ull / 60)
#define STACK (64u << 10)

/* ---- the clock ---- */

static uint64_t wakes_at(const struct fx_serve *s)
{
    uint64_t ms, at = UINT64_MAX;
    if (lp_fx_next_timer(s->fx, &ms))
        at = ms * MS;
    if (lp_fx_frame_waits(s->fx))
        at = LP_MIN(at, s->frame_ns + FRAME_NS);
    return at;
}

static void strike(struct fx_serve *s, uint64_t now)
{
    lp_fx_tick(s->fx, now / MS);
    if (now >= s->frame_ns + FRAME_NS) {
        s->frame_ns = now;
        lp_fx_frame(s->fx, LP_FX_ALL);
    }
    lp_fx_kick(s, NULL);
}

static void run_clock(void *data)
{
    struct fx_serve *s = data;
    lp_os_mutex_lock(s->lock);
    while (!s->ends) {
        uint64_t now = lp_os_now_ns(), at = wakes_at(s);
        if (now >= at)
            strike(s, now);
        else
            lp_os_cond_wait(s->clock_wakes, s->lock, at == UINT64_MAX ? 0 : at);
    }
    lp_os_mutex_unlock(s->lock);
}

void lp_fx_clock_look(struct fx_serve *s)
{
    if (s->clock)
        lp_os_cond_signal(s->clock_wakes);
}

static loop_error *need_clock(struct fx_serve *s)
{
    if (s->clock)
        return NULL;
    s->clock_wakes = s->clock_wakes ? s->clock_wakes : lp_os_cond_new();
    return lp_os_thread_start(run_clock, s, STACK, &s->clock);
}

void lp_fx_clock_end(struct fx_serve *s)
{
    lp_os_mutex_lock(s->lock);
    s->ends = true;
    lp_fx_clock_look(s);
    lp_os_mutex_unlock(s->lock);
    if (s->clock)
        lp_os_thread_join(s->clock);
    if (s->clock_wakes)
        lp_os_cond_delete(s->clock_wakes);
}

/* ---- what is asked for ---- */

/* False: of a kind that there is not. */
static bool read_kind(const loop_fx_graph_kind *from, lp_fx_node *to)
{
    static const uint8_t sinks[] = {
        [LOOP_FX_GRAPH_SCHEDULE_CHANGE] = LP_FX_ON_CHANGE,
        [LOOP_FX_GRAPH_SCHEDULE_FRAME] = LP_FX_ON_FRAME,
        [LOOP_FX_GRAPH_SCHEDULE_TIMER] = LP_FX_ON_TIMER,
    };
    switch (from->tag) {
    case LOOP_FX_GRAPH_KIND_SOURCE: to->kind = LP_FX_SOURCE; return true;
    case LOOP_FX_GRAPH_KIND_DERIVED: to->kind = LP_FX_DERIVED; return true;
    case LOOP_FX_GRAPH_KIND_SINK: break;
    default: return false;
    }
    if (from->of.sink.tag >= LP_COUNT(sinks))
        return false;
    to->kind = sinks[from->of.sink.tag];
    to->period_ms = to->kind == LP_FX_ON_TIMER ? from->of.sink.of.timer : 0;
    return true;
}

static loop_error *declare(struct party *p, loop_fx_graph_list_node nodes)
{
    struct fx_serve *s = p->serve;
    if (nodes.len > LP_MAX_FX_NODES)
        return loop_error_new(LOOP_LIMIT, "there are more than %u nodes", LP_MAX_FX_NODES);
    lp_fx_node *to = lp_alloc((nodes.len + 1) * sizeof *to);
    loop_error *err = NULL;
    bool timed = false;
    for (size_t i = 0; i < nodes.len && !err; i++) {
        const loop_fx_graph_node *from = &nodes.ptr[i];
        to[i] = (lp_fx_node){.id = from->id,
                             .function = from->function,
                             .inputs = from->inputs.ptr,
                             .n_inputs = (uint32_t)from->inputs.len};
        if (from->inputs.len > UINT32_MAX || !read_kind(&from->kind, &to[i]))
            err = loop_error_new(LOOP_INVALID, "the node %u is of no kind", from->id);
        timed = timed || to[i].kind == LP_FX_ON_FRAME || to[i].kind == LP_FX_ON_TIMER;
    }
    if (!err && timed)
        err = need_clock(s);
    if (!err) {
        lp_fx_tick(s->fx, lp_os_now_ns() / MS);
        err = lp_fx_declare(s->fx, p->number, to, nodes.len);
    }
    free(to);
    return err;
}

static loop_error *assign(struct party *p, loop_fx_graph_list_assignment values)
{
    if (values.len > LP_MAX_FX_NODES)
        return loop_error_new(LOOP_LIMIT, "there are more than %u values", LP_MAX_FX_NODES);
    lp_fx_assignment *to = lp_alloc((values.len + 1) * sizeof *to);
    for (size_t i = 0; i < values.len; i++) {
        loop_list_u8 v = values.ptr[i].value;
        to[i] = (lp_fx_assignment){values.ptr[i].node, {v.len ? (const char *)v.ptr : "", v.len}};
    }
    loop_error *err = lp_fx_assign(p->serve->fx, p->number, to, values.len);
    free(to);
    return err;
}

static struct party *begin(void *self, loop_call *call, loop_error **err)
{
    struct fx_serve *s = lp_fx_enter(self, call);
    struct party *p = lp_fx_caller(s, call, true);
    bool acts = p && p->actor;
    *err = acts ? NULL
                : loop_error_new(LOOP_UNAVAILABLE, "a component that serves others has no graph");
    return acts ? p : NULL;
}

static loop_error *end(void *self, loop_call *call, struct party *p, loop_error *err,
                       loop_fx_graph_result_void_error *ret)
{
    struct fx_serve *s = self;
    if (!err)
        lp_fx_kick(s, p);
    lp_fx_clock_look(s);
    lp_os_mutex_unlock(s->lock);
    ret->is_err = err != NULL;
    if (err)
        ret->of.error = lp_fx_error_of(call, err);
    return NULL;
}

static loop_error *on_declare(void *self, loop_call *call, loop_fx_graph_list_node nodes,
                              loop_fx_graph_result_void_error *ret)
{
    loop_error *err;
    struct party *p = begin(self, call, &err);
    return end(self, call, p, p ? declare(p, nodes) : err, ret);
}

static loop_error *on_remove(void *self, loop_call *call, loop_fx_graph_list_node_id nodes,
                             loop_fx_graph_result_void_error *ret)
{
    loop_error *err;
    struct party *p = begin(self, call, &err);
    err = p ? lp_fx_forget(p->serve->fx, p->number, nodes.ptr, nodes.len) : err;
    return end(self, call, p, err, ret);
}

static loop_error *on_set(void *self, loop_call *call, loop_fx_graph_list_assignment values,
                          loop_fx_graph_result_void_error *ret)
{
    loop_error *err;
    struct party *p = begin(self, call, &err);
    return end(self, call, p, p ? assign(p, values) : err, ret);
}

const loop_fx_graph_functions lp_fx_graph_functions = {on_declare, on_remove, on_set};

/* ---- computing ---- */

bool lp_fx_graph_work(lp_arena *arena, const lp_fx_work *work, loop_fx_graph_functions_work *ret)
{
    size_t n_inputs = 0, bytes = 0;
    for (uint32_t i = 0; i < work->n; i++) {
        n_inputs += work->due[i].n_inputs;
        for (uint32_t k = 0; k < work->due[i].n_inputs; k++)
            bytes += work->due[i].inputs[k].bytes.len;
    }
    if (n_inputs > LP_MAX_FX_BATCH_ROWS || bytes > LP_MAX_FX_BATCH_BYTES)
        return false;
    loop_fx_graph_functions_due *due = lp_arena_take(arena, work->n * sizeof *due);
    loop_fx_graph_functions_option_stretch *inputs =
        lp_arena_alloc(arena, (n_inputs + 1) * sizeof *inputs);
    uint8_t *text = lp_arena_take(arena, bytes + 1);
    uint32_t row = 0, at = 0;
    for (uint32_t i = 0; i < work->n; i++) {
        const lp_fx_due_node *from = &work->due[i];
        due[i] = (loop_fx_graph_functions_due){from->node, from->function, {row, from->n_inputs}};
        for (uint32_t k = 0; k < from->n_inputs; k++, row++) {
            lp_str b = from->inputs[k].bytes;
            inputs[row].is_some = from->inputs[k].present;
            inputs[row].value = (loop_fx_graph_functions_stretch){at, (uint32_t)b.len};
            if (b.len)
                memcpy(text + at, b.ptr, b.len);
            at += (uint32_t)b.len;
        }
    }
    *ret = (loop_fx_graph_functions_work){{due, work->n}, {inputs, n_inputs}, {text, bytes}};
    return true;
}

void lp_fx_graph_answered(lp_fx *fx, lp_arena *arena,
                          loop_fx_graph_functions_list_result_list_u8_string answer)
{
    if (answer.len > LP_MAX_FX_BATCH) {
        lp_fx_computed(fx, NULL, 0);
        return;
    }
    lp_fx_computed_value *values = lp_arena_take(arena, answer.len * sizeof *values + 1);
    for (size_t i = 0; i < answer.len; i++) {
        const loop_fx_graph_functions_result_list_u8_string *r = &answer.ptr[i];
        loop_string bytes =
            r->is_err ? r->of.error : (loop_string){(const char *)r->of.ok.ptr, r->of.ok.len};
        values[i] = (lp_fx_computed_value){!r->is_err, {bytes.len ? bytes.ptr : "", bytes.len}};
    }
    lp_fx_computed(fx, values, answer.len);
}
