/*
 * host/gate.c: holds calls back while what serves them is swapped.
 *
 * A call costs a store before it and one after it, and a load:
 *
 *     the instance's thread                  whoever swaps
 *     b->calling = s                         use->closed = true, b->gated = true
 *     (nothing: the compiler keeps order)    lp_os_barrier_all: every thread has passed a barrier
 *     if (b->gated) wait                     wait until no b->calling is of a closed use
 *     ... the call ...                       ... the swap ...
 *     b->calling = NULL                      closed = gated = false, wake who waits
 *
 * The barrier of the other side is what makes the first column cheap (membarrier(2); the same
 * idea is in user-space RCU). Either the swap sees that a call is under way, or the call sees
 * that it has to wait.
 *
 * A trial: a new provider that may fail by itself (a sidecar) gets one call before the old one is
 * let go. When it does not survive that, the call is made again by the old one: nobody has
 * seen an answer of the new one yet.
 */
#include "host/internal.h"
#include "host/swap.h"

#define LOOK_NS 10000000ull /* how often who waits looks whether it should end */

/* ---- the side that calls ---- */

/* `gate` is held. */
static loop_error *wait_a_little(loop_host *h, const loop_instance *i)
{
    if (i && lp_instance_must_end(i))
        return loop_error_new(LOOP_CANCELLED, "ended while its provider was swapped");
    if (i && h->held_back >= LP_MAX_HELD_BACK)
        return loop_error_new(LOOP_LIMIT, "more than %d calls wait for a provider that is swapped",
                              LP_MAX_HELD_BACK);
    h->held_back++;
    lp_os_cond_wait(h->opened, h->gate, lp_os_now_ns() + LOOK_NS);
    h->held_back--;
    return NULL;
}

static bool is_tried(const loop_host *h, const struct lp_slot *s)
{
    if (!h->trial || h->trial->state != LP_TRIAL_OPEN || !s->movable)
        return false;
    h->trial->state = LP_TRIAL_TAKEN;
    h->trial->slot = s;
    return true;
}

loop_error *lp_gate_wait(struct lp_slot *s)
{
    struct lp_body *b = s->body;
    loop_host *h = b->host;
    loop_error *err = NULL;
    lp_os_mutex_lock(h->gate);
    while (!err && s->use && s->use->closed && !is_tried(h, s)) {
        b->calling = NULL;
        err = wait_a_little(h, b->instance);
        if (!err)
            b->calling = s; /* before `closed` is looked at; both under the lock */
    }
    lp_os_mutex_unlock(h->gate);
    return err;
}

loop_error *lp_gate_wait_peer(loop_peer *p, const loop_instance *i)
{
    loop_host *h = p->host;
    loop_error *err = NULL;
    lp_os_mutex_lock(h->gate);
    while (!err && p->closed)
        err = wait_a_little(h, i);
    lp_os_mutex_unlock(h->gate);
    return err;
}

bool lp_gate_again(struct lp_slot *s)
{
    loop_host *h = s->body->host;
    lp_os_mutex_lock(h->gate);
    struct lp_trial *t = h->trial;
    bool mine = t && t->state == LP_TRIAL_TAKEN && t->slot == s;
    if (mine) {
        s->body->calling = NULL; /* what serves it may change again */
        t->state = LP_TRIAL_CALLED;
        lp_os_cond_broadcast(h->opened);
        while (t->state == LP_TRIAL_CALLED)
            lp_os_cond_wait(h->opened, h->gate, 0);
        mine = t->state == LP_TRIAL_UNDONE;
        t->slot = NULL;
        lp_os_cond_broadcast(h->opened);
        s->body->calling = s;
    }
    lp_os_mutex_unlock(h->gate);
    return mine;
}

/* ---- the side that swaps; `changing` is held ---- */

static void set_closed(loop_host *h, const struct lp_change *c, size_t n, bool closed)
{
    lp_os_mutex_lock(h->gate);
    for (size_t i = 0; i < n; i++) {
        c[i].use->closed = closed;
        if (c[i].peer)
            c[i].peer->closed = closed;
        else
            c[i].body->gated = closed;
    }
    lp_os_cond_broadcast(h->opened);
    lp_os_mutex_unlock(h->gate);
}

static bool is_busy(const struct lp_change *c)
{
    if (c->peer)
        return c->peer->calls > 0;
    const struct lp_slot *s = atomic_load_explicit(&c->body->calling, memory_order_acquire);
    return s && s->use && s->use->closed;
}

#define SPINS 2000

/* Spins for as long as a short call takes, then sleeps. */
static void wait_between(unsigned round)
{
    if (round < SPINS)
        lp_os_thread_yield();
    else
        lp_os_sleep_ms(1);
}

loop_error *lp_gate_close(loop_host *h, const struct lp_change *c, size_t n, uint64_t until_ns)
{
    set_closed(h, c, n, true);
    lp_os_barrier_all();
    for (unsigned round = 0; n; round++) {
        if (!is_busy(&c[n - 1])) {
            n--;
            continue;
        }
        if (lp_os_now_ns() >= until_ns || (round >= SPINS && lp_keeper_ends(h)))
            return loop_error_hint_set(
                loop_error_new(LOOP_TIMEOUT, "a call of '%s' into '%s' did not end in time",
                               c[n - 1].peer ? c[n - 1].peer->component
                                             : c[n - 1].body->instance->options.name,
                               c[n - 1].use->interface_name),
                "try again, or give it longer");
        wait_between(round);
    }
    return NULL;
}

void lp_gate_open(loop_host *h, const struct lp_change *c, size_t n)
{
    set_closed(h, c, n, false);
}

/* ---- the trial ---- */

void lp_trial_begin(loop_host *h, struct lp_trial *t, uint64_t come_ns, uint64_t last_ns)
{
    lp_os_mutex_lock(h->gate);
    *t = (struct lp_trial){.state = LP_TRIAL_OPEN};
    h->trial = t;
    lp_os_cond_broadcast(h->opened);
    while (t->state != LP_TRIAL_CALLED &&
           lp_os_cond_wait(h->opened, h->gate, t->state == LP_TRIAL_OPEN ? come_ns : last_ns))
        ;
    if (t->state == LP_TRIAL_OPEN)
        t->state = LP_TRIAL_OVER; /* nobody came */
    lp_os_mutex_unlock(h->gate);
}

bool lp_trial_left(loop_host *h, struct lp_trial *t, uint64_t until_ns)
{
    lp_os_mutex_lock(h->gate);
    while (t->state == LP_TRIAL_TAKEN && lp_os_cond_wait(h->opened, h->gate, until_ns))
        ;
    bool left = t->state != LP_TRIAL_TAKEN;
    lp_os_mutex_unlock(h->gate);
    return left;
}

void lp_trial_end(loop_host *h, struct lp_trial *t, bool undone)
{
    lp_os_mutex_lock(h->gate);
    if (t->state == LP_TRIAL_TAKEN)
        t->slot = NULL; /* the call lasts: it is like any other now */
    t->state = undone && t->state == LP_TRIAL_CALLED ? LP_TRIAL_UNDONE : LP_TRIAL_OVER;
    lp_os_cond_broadcast(h->opened);
    while (t->slot)
        lp_os_cond_wait(h->opened, h->gate, 0);
    h->trial = NULL;
    lp_os_mutex_unlock(h->gate);
}
