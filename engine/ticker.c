/*
 * engine/ticker.c: moves the engine's epoch while guests run.
 *
 * One thread an engine, asleep when no guest has run for a while: waking it costs a system call,
 * which short calls would pay each time. A guest that computes yields at each tick, and its driver
 * looks at its deadline.
 *
 * A guest that enters a call says so, and asks the ticker to look at it only where it is not
 * counted already: without a fence, which short calls would pay each time. So it may see itself
 * counted although the ticker, which has not seen it enter yet, has just given it up. The next
 * tick puts that right: who was given up stays in the list for one more, and no processor keeps
 * a store to itself for so long.
 */
#include "base/os/os.h"
#include "engine/internal.h"

#include <stdlib.h>

#define LINGER_TICKS 20 /* without a guest, before it goes to sleep */

struct lp_ticker {
    wasm_engine_t *wasm;
    lp_os_mutex *lock;
    lp_os_cond *wake;
    lp_os_thread *thread;
    struct lp_ticking *first; /* guests that run, or ran lately */
    bool end;
};

/* Forgets guests that have not run for a while. */
static void look(struct lp_ticker *t)
{
    for (struct lp_ticking **at = &t->first, *g; (g = *at);) {
        g->idle = g->inside ? 0 : g->idle + 1;
        g->counted = g->idle <= LINGER_TICKS;
        g->listed = g->idle <= LINGER_TICKS + 1;
        if (g->listed)
            at = &g->next;
        else
            *at = g->next;
    }
}

static void tick(void *arg)
{
    struct lp_ticker *t = arg;
    lp_os_mutex_lock(t->lock);
    while (!t->end) {
        if (!t->first) {
            lp_os_cond_wait(t->wake, t->lock, 0);
        } else if (!lp_os_cond_wait(t->wake, t->lock, lp_os_now_ns() + LP_TICK_NS)) {
            wasmtime_engine_increment_epoch(t->wasm);
            look(t);
        }
    }
    lp_os_mutex_unlock(t->lock);
}

loop_error *lp_ticker_new(wasm_engine_t *wasm, struct lp_ticker **ret)
{
    struct lp_ticker *t = lp_alloc(sizeof *t);
    t->wasm = wasm;
    t->lock = lp_os_mutex_new();
    t->wake = lp_os_cond_new();
    loop_error *err = lp_os_thread_start(tick, t, 0, &t->thread);
    if (err)
        lp_ticker_delete(t);
    else
        *ret = t;
    return err;
}

void lp_ticker_delete(struct lp_ticker *t)
{
    if (!t)
        return;
    lp_os_mutex_lock(t->lock);
    t->end = true;
    lp_os_cond_signal(t->wake);
    lp_os_mutex_unlock(t->lock);
    lp_os_thread_join(t->thread);
    lp_os_cond_delete(t->wake);
    lp_os_mutex_delete(t->lock);
    free(t);
}

void lp_ticker_add(struct lp_ticker *t, struct lp_ticking *g)
{
    lp_os_mutex_lock(t->lock);
    if (!t->first)
        lp_os_cond_signal(t->wake);
    if (!g->listed) {
        g->next = t->first;
        t->first = g;
    }
    g->listed = true;
    g->counted = true;
    g->idle = 0;
    lp_os_mutex_unlock(t->lock);
}

void lp_ticker_remove(struct lp_ticker *t, struct lp_ticking *g)
{
    lp_os_mutex_lock(t->lock);
    struct lp_ticking **at = &t->first;
    while (*at && *at != g)
        at = &(*at)->next;
    if (*at)
        *at = g->next;
    lp_os_mutex_unlock(t->lock);
}
