/*
 * engine/ticker.c: moves the engine's epoch while guests run.
 *
 * One thread an engine, started with the first guest, asleep while none runs. A
 * guest that computes yields at each tick, and its driver looks at its deadline.
 */
#include "base/os/os.h"
#include "engine/internal.h"

#include <stdlib.h>

struct lp_ticker {
    wasm_engine_t *wasm;
    lp_os_mutex *lock;
    lp_os_cond *wake;
    lp_os_thread *thread;
    size_t running;
    bool end;
};

static void tick(void *arg)
{
    struct lp_ticker *t = arg;
    lp_os_mutex_lock(t->lock);
    while (!t->end) {
        if (t->running == 0) {
            lp_os_cond_wait(t->wake, t->lock, 0);
            continue;
        }
        if (!lp_os_cond_wait(t->wake, t->lock, lp_os_now_ns() + LP_TICK_NS))
            wasmtime_engine_increment_epoch(t->wasm);
    }
    lp_os_mutex_unlock(t->lock);
}

struct lp_ticker *lp_ticker_new(wasm_engine_t *wasm)
{
    struct lp_ticker *t = lp_alloc(sizeof *t);
    t->wasm = wasm;
    t->lock = lp_os_mutex_new();
    t->wake = lp_os_cond_new();
    return t;
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

void lp_ticker_enter(struct lp_ticker *t)
{
    lp_os_mutex_lock(t->lock);
    t->running++;
    if (!t->thread)
        loop_error_delete(lp_os_thread_start(tick, t, 64 << 10, &t->thread));
    else if (t->running == 1)
        lp_os_cond_signal(t->wake);
    lp_os_mutex_unlock(t->lock);
}

void lp_ticker_leave(struct lp_ticker *t)
{
    lp_os_mutex_lock(t->lock);
    t->running--;
    lp_os_mutex_unlock(t->lock);
}
