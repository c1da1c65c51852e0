/* builder/pool.c: implements builder/pool.h. */
#include "builder/pool.h"

#include <stdlib.h>

#include "base/os/os.h"

#define TICK_MS 80 /* how often `stop` is asked */

struct lp_pool_state {
    lp_os_mutex *lock;
    lp_os_cond *news;
    struct {
        void **at;
        size_t n, cap;
    } list;
    size_t next, workers;
};

void lp_pool_say(lp_pool *p, void *news)
{
    struct lp_pool_state *s = p->state;
    lp_os_mutex_lock(s->lock);
    *lp_push(&s->list) = news;
    lp_os_cond_signal(s->news);
    lp_os_mutex_unlock(s->lock);
}

static void work(void *data)
{
    lp_pool *p = data;
    struct lp_pool_state *s = p->state;
    lp_os_mutex_lock(s->lock);
    while (s->next < p->count && !atomic_load(&p->stopped)) {
        size_t i = s->next++;
        lp_os_mutex_unlock(s->lock);
        p->work(p, i);
        lp_os_mutex_lock(s->lock);
    }
    s->workers--;
    lp_os_cond_signal(s->news);
    lp_os_mutex_unlock(s->lock);
}

/* Until every worker has ended and all is heard. */
static void listen(lp_pool *p)
{
    struct lp_pool_state *s = p->state;
    lp_os_mutex_lock(s->lock);
    while (s->workers || s->list.n) {
        __typeof__(s->list) list = s->list;
        memset(&s->list, 0, sizeof s->list);
        lp_os_mutex_unlock(s->lock);
        for (size_t i = 0; i < list.n; i++)
            p->heard(p, list.at[i]);
        free(list.at);
        if (p->stop && p->stop(p->data))
            atomic_store(&p->stopped, true);
        lp_os_mutex_lock(s->lock);
        if (s->workers && !s->list.n)
            lp_os_cond_wait(s->news, s->lock, lp_os_now_ns() + TICK_MS * 1000000ull);
    }
    lp_os_mutex_unlock(s->lock);
}

static loop_error *start(lp_pool *p, lp_os_thread **threads, size_t count)
{
    struct lp_pool_state *s = p->state;
    s->workers = count; /* no thread is there yet */
    for (size_t i = 0; i < count; i++) {
        loop_error *e = lp_os_thread_start(work, p, 0, &threads[i]);
        if (!e)
            continue;
        lp_os_mutex_lock(s->lock);
        s->workers -= count - i;
        lp_os_mutex_unlock(s->lock);
        if (!i)
            return e;
        loop_error_delete(e); /* fewer at a time */
        break;
    }
    return NULL;
}

loop_error *lp_pool_run(lp_pool *p)
{
    struct lp_pool_state state = {.lock = lp_os_mutex_new(), .news = lp_os_cond_new()};
    size_t jobs = LP_MIN(p->jobs ? p->jobs : lp_os_processors(), LP_MAX_BUILD_JOBS);
    size_t threads = LP_MIN(jobs, p->count);
    lp_os_thread **list = lp_alloc((threads + 1) * sizeof(lp_os_thread *));
    p->state = &state;
    loop_error *e = start(p, list, threads);
    listen(p);
    for (size_t i = 0; i < threads; i++)
        lp_os_thread_join(list[i]);
    p->state = NULL;
    lp_os_cond_delete(state.news);
    lp_os_mutex_delete(state.lock);
    free(list);
    return e;
}
