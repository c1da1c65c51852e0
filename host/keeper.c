/*
 * host/keeper.c: the thread that swaps providers, and the threads on which they do their part.
 *
 * The keeper starts with the first swap and ends with the host. Between swaps it looks after
 * what drains. A runner is a thread that does one thing at a time for somebody who does not wait
 * for ever; when it does not come back it is left behind, and frees itself if it ever does.
 */
#include <stdlib.h>

#include "host/swap.h"

#define DRAIN_LOOK_MS 20    /* how often what drains is looked at */
#define LOOK_NS 10000000ull /* how often who waits for a swap looks whether it still may */

/* ---- runners ---- */

struct lp_runner {
    lp_os_thread *thread;
    lp_os_mutex *lock;
    lp_os_cond *changed;
    void (*f)(void *data); /* NULL: nothing to do */
    void *data;
    bool ends, left;
};

static void runner_free(lp_runner *r)
{
    lp_os_mutex_delete(r->lock);
    lp_os_cond_delete(r->changed);
    free(r);
}

static void runner_main(void *runner)
{
    lp_runner *r = runner;
    lp_os_mutex_lock(r->lock);
    while (!r->ends) {
        if (!r->f) {
            lp_os_cond_wait(r->changed, r->lock, 0);
            continue;
        }
        lp_os_mutex_unlock(r->lock);
        r->f(r->data);
        lp_os_mutex_lock(r->lock);
        r->f = NULL;
        lp_os_cond_broadcast(r->changed);
    }
    bool left = r->left;
    lp_os_mutex_unlock(r->lock);
    if (left)
        runner_free(r);
}

lp_runner *lp_runner_new(void)
{
    lp_runner *r = lp_alloc(sizeof *r);
    r->lock = lp_os_mutex_new();
    r->changed = lp_os_cond_new();
    loop_error *err = lp_os_thread_start(runner_main, r, 0, &r->thread);
    loop_error_delete(err); /* without a thread nothing is ever done in time */
    return r;
}

void lp_runner_begin(lp_runner *r, void (*f)(void *data), void *data)
{
    lp_os_mutex_lock(r->lock);
    r->f = f;
    r->data = data;
    lp_os_cond_broadcast(r->changed);
    lp_os_mutex_unlock(r->lock);
}

bool lp_runner_wait(lp_runner *r, uint64_t until_ns)
{
    lp_os_mutex_lock(r->lock);
    while (r->f && lp_os_cond_wait(r->changed, r->lock, until_ns))
        ;
    bool done = !r->f;
    lp_os_mutex_unlock(r->lock);
    return done;
}

bool lp_runner_delete(lp_runner *r)
{
    lp_os_mutex_lock(r->lock);
    bool back = !r->f;
    r->ends = true;
    bool left = r->left = !back && r->thread;
    if (left)
        lp_os_thread_leave(lp_take(&r->thread));
    lp_os_cond_broadcast(r->changed);
    lp_os_mutex_unlock(r->lock);
    if (left) /* it may have freed itself already */
        return false;
    if (r->thread)
        lp_os_thread_join(r->thread);
    runner_free(r);
    return true;
}

/* ---- the keeper ---- */

struct lp_keeper {
    loop_host *host;
    lp_os_thread *thread;
    lp_os_mutex *lock;
    lp_os_cond *changed;
    struct lp_swap *first, **last; /* to be made */
    struct lp_swap *ended, **ended_last;
    size_t waiting;
    bool ends;
};

static struct lp_swap *take_next(struct lp_keeper *k)
{
    struct lp_swap *s = k->first;
    if (s) {
        k->first = s->next;
        if (!k->first)
            k->last = &k->first;
        s->next = NULL;
    }
    return s;
}

/* Waits for the next swap; `drains`: not for long. Locked. */
static struct lp_swap *next_swap(struct lp_keeper *k, bool drains)
{
    uint64_t until = drains ? lp_os_now_ns() + DRAIN_LOOK_MS * LP_SWAP_MS : 0;
    while (!k->first && !k->ends)
        if (!lp_os_cond_wait(k->changed, k->lock, until))
            break;
    return k->ends ? NULL : take_next(k);
}

static void has_ended(struct lp_keeper *k, struct lp_swap *s)
{
    if (s->job || s->told) {
        k->waiting--;
        s->over = true;
        if (s->told)
            lp_os_cond_signal(s->told); /* whoever waits has it from here on */
        else
            lp_swap_delete(s);
        return;
    }
    *k->ended_last = s;
    k->ended_last = &s->next;
    k->host->swaps += !s->error && !s->want.dry_run;
    k->host->rolled_back += s->error && !s->want.dry_run;
    uv_async_send(&k->host->wake);
}

static void keeper_main(void *keeper)
{
    struct lp_keeper *k = keeper;
    bool drains = false;
    lp_os_mutex_lock(k->lock);
    while (!k->ends) {
        struct lp_swap *s = next_swap(k, drains);
        lp_os_mutex_unlock(k->lock);
        if (s && s->job)
            s->job(s);
        else if (s)
            lp_swap_run(s);
        if (s || drains)
            drains = lp_drain(k->host);
        lp_os_mutex_lock(k->lock);
        if (s)
            has_ended(k, s);
    }
    lp_os_mutex_unlock(k->lock);
}

void lp_keeper_new(loop_host *h)
{
    struct lp_keeper *k = h->keeper = lp_alloc(sizeof *k);
    k->host = h;
    k->lock = lp_os_mutex_new();
    k->changed = lp_os_cond_new();
    k->last = &k->first;
    k->ended_last = &k->ended;
}

/* `lock` is held. */
static loop_error *add(struct lp_keeper *k, struct lp_swap *s, bool room)
{
    if (k->ends)
        return loop_error_new(LOOP_CANCELLED, "the host ends");
    if (!room && k->waiting >= LP_MAX_SWAPS)
        return loop_error_new(LOOP_LIMIT, "%d swaps wait already", LP_MAX_SWAPS);
    if (!k->thread)
        LP_TRY(lp_os_thread_start(keeper_main, k, 0, &k->thread));
    *k->last = s;
    k->last = &s->next;
    k->waiting++;
    lp_os_cond_broadcast(k->changed);
    return NULL;
}

loop_error *lp_keeper_add(struct lp_swap *s)
{
    loop_host *h = s->host;
    lp_os_mutex_lock(h->keeper->lock);
    loop_error *err = add(h->keeper, s, false);
    lp_os_mutex_unlock(h->keeper->lock);
    if (err)
        return err;
    if (h->running++ == 0)
        uv_ref((uv_handle_t *)&h->wake);
    return NULL;
}

/* False: it is being made. `lock` is held. */
static bool take_back(struct lp_keeper *k, struct lp_swap *s)
{
    struct lp_swap **at = &k->first;
    while (*at && *at != s)
        at = &(*at)->next;
    if (!*at)
        return false;
    *at = s->next;
    if (!*at)
        k->last = at;
    k->waiting--;
    return true;
}

/* Who waits may have to end because of what the keeper does just now: its end. */
loop_error *lp_keeper_do(struct lp_swap *s, const loop_instance *waits)
{
    struct lp_keeper *k = s->host->keeper;
    lp_os_mutex_lock(k->lock);
    s->told = lp_os_cond_new();
    loop_error *err = add(k, s, false);
    while (!err && !s->over) {
        lp_os_cond_wait(s->told, k->lock, lp_os_now_ns() + LOOK_NS);
        if (!s->over && lp_instance_must_end(waits) && take_back(k, s))
            err = loop_error_new(LOOP_CANCELLED, "stopped before it was swapped");
    }
    lp_os_mutex_unlock(k->lock);
    lp_os_cond_delete(s->told);
    return err ? err : lp_take(&s->error);
}

bool lp_keeper_later(struct lp_swap *s)
{
    struct lp_keeper *k = s->host->keeper;
    if (!k)
        return false;
    lp_os_mutex_lock(k->lock);
    loop_error *err = add(k, s, true);
    lp_os_mutex_unlock(k->lock);
    loop_error_delete(err);
    return !err;
}

static struct lp_swap *take_ended(struct lp_keeper *k)
{
    lp_os_mutex_lock(k->lock);
    struct lp_swap *s = k->ended;
    if (s) {
        k->ended = s->next;
        if (!k->ended)
            k->ended_last = &k->ended;
        k->waiting--;
    }
    lp_os_mutex_unlock(k->lock);
    return s;
}

void lp_keeper_report(loop_host *h)
{
    struct lp_swap *s;
    while (h->keeper && (s = take_ended(h->keeper))) {
        if (--h->running == 0)
            uv_unref((uv_handle_t *)&h->wake);
        bool before = h->turning;
        h->turning = true;
        if (s->done)
            s->done(s->data, lp_take(&s->error), &s->report);
        h->turning = before;
        if (!s->old_hangs && !s->new_hangs)
            lp_swap_delete(s); /* else a thread that hangs has it */
    }
}

bool lp_keeper_ends(loop_host *h)
{
    struct lp_keeper *k = h->keeper;
    lp_os_mutex_lock(k->lock);
    bool ends = k->ends;
    lp_os_mutex_unlock(k->lock);
    return ends;
}

void lp_keeper_hurry(loop_host *h)
{
    struct lp_keeper *k = h->keeper;
    if (!k)
        return;
    lp_os_mutex_lock(k->lock);
    k->ends = true;
    lp_os_cond_broadcast(k->changed);
    lp_os_mutex_unlock(k->lock);
}

/* What nobody will do any more. */
static void cancel(struct lp_keeper *k, struct lp_swap *s)
{
    if (s->job) {
        s->job(s);
        lp_swap_delete(s);
        return;
    }
    s->error = loop_error_new(LOOP_CANCELLED, "the host ends");
    lp_os_mutex_lock(k->lock);
    if (s->told) {
        s->over = true;
        lp_os_cond_signal(s->told);
    } else {
        *k->ended_last = s;
        k->ended_last = &s->next;
    }
    lp_os_mutex_unlock(k->lock);
}

void lp_keeper_stop(loop_host *h)
{
    struct lp_keeper *k = h->keeper;
    if (!k)
        return;
    lp_keeper_hurry(h);
    if (k->thread)
        lp_os_thread_join(lp_take(&k->thread));
    lp_os_mutex_lock(k->lock); /* who waits may take one back just now */
    struct lp_swap *first = lp_take(&k->first);
    lp_os_mutex_unlock(k->lock);
    for (struct lp_swap *s = first, *next; s; s = next) {
        next = s->next;
        s->next = NULL;
        cancel(k, s);
    }
    lp_keeper_report(h);
}

void lp_keeper_delete(loop_host *h)
{
    struct lp_keeper *k = lp_take(&h->keeper);
    if (!k)
        return;
    lp_os_mutex_delete(k->lock);
    lp_os_cond_delete(k->changed);
    free(k);
}
