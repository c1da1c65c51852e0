/*
 * engine/ticker.c: moves the engine's epoch while guests run.
 *
 * One thread an engine, asleep when no guest has run for a while: waking it costs a system call,
 * which short calls would pay each time. A guest that computes yields at each tick, and its driver
 * looks at its deadline.
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
    _Atomic size_t running;
    _Atomic bool asleep; /* waits without end: somebody must wake it */
    bool end;
};

/* Sleeps until a guest runs. `asleep` is set before `running` is read, and the other way around in
   lp_ticker_enter, so that no wake is lost. */
static void sleep_until_woken(struct lp_ticker *t)
{
    t->asleep = true;
    while (t->running == 0 && !t->end)
        lp_os_cond_wait(t->wake, t->lock, 0);
    t->asleep = false;
}

static void tick(void *arg)
{
    struct lp_ticker *t = arg;
    unsigned idle = 0;
    lp_os_mutex_lock(t->lock);
    while (!t->end) {
        idle = t->running ? 0 : idle + 1;
        if (idle > LINGER_TICKS)
            sleep_until_woken(t);
        else if (!lp_os_cond_wait(t->wake, t->lock, lp_os_now_ns() + LP_TICK_NS))
            wasmtime_engine_increment_epoch(t->wasm);
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

void lp_ticker_enter(struct lp_ticker *t)
{
    t->running++;
    if (!t->asleep)
        return;
    lp_os_mutex_lock(t->lock);
    lp_os_cond_signal(t->wake);
    lp_os_mutex_unlock(t->lock);
}

void lp_ticker_leave(struct lp_ticker *t)
{
    t->running--;
}
