/*
 * host/mailbox.c: work for an instance, and what its thread waits for between two calls.
 *
 *     any thread: loop_instance_post ─▶ letters ─┐
 *     main: cancel, stop, a replacement ─────────┼─▶ lp_mail_wait ─▶ one thing at a time
 *     a swap: lp_instance_changed ───────────────┘
 *
 * One lock an instance: whoever leaves something there signals while it is held, and the
 * instance's thread looks at all of it before it waits. So nothing that was left is missed,
 * and each is told from the others.
 *
 * What a component does on the network goes on between its calls, on the engine's own loop.
 * An instance that imports the network waits there, and looks here every LOOK_MS; any other
 * waits here and wakes at once, for nothing else could wake it.
 */
#include <stdlib.h>

#include "host/internal.h"

#define LOOK_MS 5

/* ---- leaving work ---- */

static loop_error *no_mail(const loop_instance *i)
{
    if (i->mail.state == LP_MAIL_ENDED)
        return loop_error_new(LOOP_UNAVAILABLE, "'%s' has ended; make another instance",
                              i->options.name);
    return loop_error_hint_set(
        loop_error_new(LOOP_USAGE, "'%s' takes no work: it does not run, or runs as a command",
                       i->options.name),
        "start it with loop_instance_serve");
}

/* The lock is held. */
static loop_error *leave(loop_instance *i, const struct lp_letter *what)
{
    struct lp_mailbox *m = &i->mail;
    if (m->state != LP_MAIL_OPEN)
        return no_mail(i);
    if (m->waiting >= i->limits.of[LOOP_MAX_CALLS].value)
        return lp_limit_error(&i->limits, LOOP_MAX_CALLS, i->options.name, NULL);
    struct lp_letter *l = lp_alloc(sizeof *l);
    *l = *what;
    *m->last = l;
    m->last = &l->next;
    m->waiting++;
    lp_os_cond_signal(i->wake);
    return NULL;
}

loop_error *loop_instance_post(loop_instance *i, loop_work *work, void *data)
{
    lp_os_mutex_lock(i->lock);
    loop_error *err = leave(i, &(struct lp_letter){.work = work, .data = data});
    lp_os_mutex_unlock(i->lock);
    return err;
}

void lp_mail_wake(loop_instance *i)
{
    lp_os_mutex_lock(i->lock);
    lp_os_cond_signal(i->wake);
    lp_os_mutex_unlock(i->lock);
}

void lp_instance_changed(loop_instance *i)
{
    i->changes++;
    lp_mail_wake(i);
}

/* ---- between two calls ---- */

static void take_letter(struct lp_mailbox *m, struct lp_letter *ret)
{
    struct lp_letter *l = m->first;
    *ret = *l;
    m->first = l->next;
    if (!m->first)
        m->last = &m->first;
    m->waiting--;
    free(l);
}

/*
 * What there is; false: nothing yet. Work and what is due take turns, so that neither waits
 * for the other for ever. The lock is held.
 */
static bool look(loop_instance *i, const struct lp_waiting *w, enum lp_wake *ret,
                 struct lp_letter *ret_letter)
{
    struct lp_mailbox *m = &i->mail;
    bool due = w->until_ns != UINT64_MAX && lp_os_now_ns() >= w->until_ns;
    if (i->halted || i->asked_to_stop)
        *ret = LP_WAKE_HALTED;
    else if (i->reload && lp_reload_waits(i))
        *ret = LP_WAKE_RELOAD;
    else if (w->cancellation && i->cancelled != LOOP_CANCEL_NONE)
        *ret = LP_WAKE_CANCELLED;
    else if (w->changes && i->changes != *w->changes && !(m->first && !m->worked))
        *ret = LP_WAKE_CHANGED;
    else if (m->first && !(due && m->worked))
        *ret = LP_WAKE_WORK;
    else if (due)
        *ret = LP_WAKE_TIME;
    else
        return false;
    m->worked = *ret == LP_WAKE_WORK;
    if (m->worked)
        take_letter(m, ret_letter);
    return true;
}

/* Waits until something was left, or it is time to look again. The lock is held. */
static void wait_more(loop_instance *i, const struct lp_waiting *w)
{
    if (!i->body->in_background) {
        lp_os_cond_wait(i->wake, i->lock, w->until_ns == UINT64_MAX ? 0 : w->until_ns);
        return;
    }
    uint64_t now = lp_os_now_ns(), ms = LOOK_MS;
    if (w->until_ns != UINT64_MAX)
        ms = LP_MIN(ms, w->until_ns > now ? (w->until_ns - now + 999999) / 1000000 : 0);
    lp_os_mutex_unlock(i->lock);
    lp_guest_sleep(i->body->guest, ms);
    lp_os_mutex_lock(i->lock);
}

enum lp_wake lp_mail_wait(loop_instance *i, const struct lp_waiting *w, struct lp_letter *ret)
{
    enum lp_wake why = LP_WAKE_TIME;
    lp_os_mutex_lock(i->lock);
    while (!look(i, w, &why, ret))
        wait_more(i, w);
    lp_os_mutex_unlock(i->lock);
    return why;
}

/* ---- serving ---- */

loop_error *lp_serve(loop_instance *i, int *ret_status)
{
    struct lp_waiting w = {.until_ns = UINT64_MAX, .cancellation = true};
    for (;;) {
        struct lp_letter l;
        loop_error *err;
        switch (lp_mail_wait(i, &w, &l)) {
        case LP_WAKE_WORK: l.work(l.data, i, false); break;
        case LP_WAKE_RELOAD: lp_reload_now(i, NULL, NULL); break;
        default: return loop_error_new(LOOP_CANCELLED, "stopped");
        }
        if (lp_body_ended(i->body, &err, ret_status))
            return err;
    }
}

/* ---- the beginning and the end ---- */

void lp_mail_open(loop_instance *i)
{
    lp_os_mutex_lock(i->lock);
    i->mail.last = &i->mail.first;
    i->mail.state = LP_MAIL_OPEN;
    lp_os_mutex_unlock(i->lock);
}

void lp_mail_close(loop_instance *i)
{
    lp_os_mutex_lock(i->lock);
    struct lp_letter *left = i->mail.first;
    i->mail = (struct lp_mailbox){.state = LP_MAIL_ENDED};
    lp_os_mutex_unlock(i->lock);
    while (left) {
        struct lp_letter *l = left;
        left = l->next;
        l->work(l->data, i, true);
        free(l);
    }
}

uint32_t lp_instance_waiting(loop_instance *i)
{
    lp_os_mutex_lock(i->lock);
    uint32_t n = i->mail.waiting;
    lp_os_mutex_unlock(i->lock);
    return n;
}

loop_condition lp_instance_condition(loop_instance *i)
{
    if (i->state == LP_ENDED || i->state == LP_STUCK || i->done)
        return LOOP_CONDITION_ENDED;
    if (i->state == LP_NEW)
        return i->entered ? LOOP_CONDITION_RUNNING : LOOP_CONDITION_NEW;
    lp_os_mutex_lock(i->lock);
    bool swapping = i->reload != NULL, again = i->ends_again, rests = i->rests;
    bool quarantined = i->strikes.quarantined;
    lp_os_mutex_unlock(i->lock);
    if (rests)
        return quarantined ? LOOP_CONDITION_QUARANTINED : LOOP_CONDITION_RESTING;
    if (i->stopping || i->asked_to_stop || i->cancelled != LOOP_CANCEL_NONE)
        return again ? LOOP_CONDITION_SWAPPING : LOOP_CONDITION_STOPPING;
    return swapping ? LOOP_CONDITION_SWAPPING : LOOP_CONDITION_RUNNING;
}
