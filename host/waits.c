/*
 * host/waits.c: which thread waits for which, so that none waits for itself.
 *
 * A call through a component in a slot waits for that component's thread, and a call of a provider
 * that bears one call at a time waits for the thread that is in it. A thread waits for one thing
 * at a time, so who waits for whom is a list from each thread on: whoever is about to wait follows
 * it, and finds itself at the end or does not. All that begin to wait do so one after the other,
 * which is why the last of a circle always sees it, however long the circle is and whatever else
 * (interceptors, adapters, other hosts of this process) is between its links.
 */
#include "host/internal.h"

static _Thread_local struct lp_waiter me;

static lp_os_mutex *lock(void)
{
    static _Atomic(lp_os_mutex *) made;
    lp_os_mutex *m = lp_os_mutex_once(&made);
    lp_os_mutex_lock(m);
    return m;
}

bool lp_waits_begin(lp_waited *for_it)
{
    lp_os_mutex *m = lock();
    const struct lp_waiter *w = *for_it;
    while (w && w != &me)
        w = w->for_it ? *w->for_it : NULL;
    if (!w)
        me.for_it = for_it;
    lp_os_mutex_unlock(m);
    return !w;
}

void lp_waits_end(void)
{
    lp_os_mutex *m = lock();
    me.for_it = NULL;
    lp_os_mutex_unlock(m);
}

void lp_waits_take(lp_waited *it)
{
    *it = &me;
}

void lp_waits_give(lp_waited *it)
{
    lp_os_mutex *m = lock(); /* nobody follows the list: this thread may end */
    *it = NULL;
    lp_os_mutex_unlock(m);
}
