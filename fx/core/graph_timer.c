/*
 * fx/core/graph_timer.c: sinks on timer, a heap of all graphs together. The clock is the driver's.
 *
 * A sink keeps its beat: its next time is a whole number of periods after the last one. One that
 * would come after the end of the clock never comes.
 */
#include "fx/core/graph.h"

#define NEVER UINT64_MAX

static bool before(const struct timer *a, const struct timer *b)
{
    return a->due != b->due ? a->due < b->due : a->seq < b->seq;
}

static void place(struct graphs *gs, size_t at, struct timer t)
{
    gs->timers.at[at] = t;
    t.graph->nodes[t.row].aside = (uint32_t)at + 1;
}

/* `t` is at `at`, where nobody is, or as much above or below as it must. */
static void sift(struct graphs *gs, size_t at, struct timer t)
{
    struct timer *all = gs->timers.at;
    for (size_t up; at && before(&t, &all[up = (at - 1) / 2]); at = up)
        place(gs, at, all[up]);
    for (size_t down; (down = 2 * at + 1) < gs->timers.n; at = down) {
        if (down + 1 < gs->timers.n && before(&all[down + 1], &all[down]))
            down++;
        if (!before(&all[down], &t))
            break;
        place(gs, at, all[down]);
    }
    place(gs, at, t);
}

static uint64_t later(uint64_t at, uint64_t periods, uint32_t period)
{
    uint64_t more, sum;
    bool over = __builtin_mul_overflow(periods, period, &more);
    return over || __builtin_add_overflow(at, more, &sum) ? NEVER : sum;
}

void lp_fx_timer_start(lp_fx *fx, struct graph *g, uint32_t row)
{
    struct graphs *gs = fx->graphs;
    struct timer t = {
        .due = later(gs->now, 1, g->nodes[row].period), .seq = ++gs->seq, .graph = g, .row = row};
    lp_push(&gs->timers);
    sift(gs, gs->timers.n - 1, t);
}

void lp_fx_timer_stop(lp_fx *fx, struct graph *g, uint32_t row)
{
    struct graphs *gs = fx->graphs;
    size_t at = g->nodes[row].aside - 1;
    g->nodes[row].aside = 0;
    struct timer last = gs->timers.at[--gs->timers.n];
    if (at < gs->timers.n)
        sift(gs, at, last);
}

void lp_fx_tick(lp_fx *fx, uint64_t now_ms)
{
    struct graphs *gs = fx->graphs;
    gs->now = LP_MAX(gs->now, now_ms);
    while (gs->timers.n) {
        struct timer t = gs->timers.at[0];
        if (t.due > gs->now || t.due == NEVER)
            return;
        uint32_t period = t.graph->nodes[t.row].period;
        t.due = later(t.due, (gs->now - t.due) / period + 1, period);
        t.seq = ++gs->seq;
        sift(gs, 0, t);
        lp_fx_node_due(fx, t.graph, t.row, LP_FX_TIMED);
        lp_fx_settle(fx, t.graph);
    }
}

bool lp_fx_next_timer(const lp_fx *fx, uint64_t *ret_ms)
{
    const struct graphs *gs = fx->graphs;
    if (!gs->timers.n || gs->timers.at[0].due == NEVER)
        return false;
    *ret_ms = gs->timers.at[0].due;
    return true;
}
