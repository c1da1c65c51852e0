/*
 * host/watch.c: implements host/watch.h. The hooks are called by reload.c, instance.c and keeper.c.
 */
#include "host/watch.h"

#include "host/backend.h"

void lp_host_watch(loop_host *h, const lp_watcher *w)
{
    atomic_store(&h->watcher, w);
}

void lp_watch_replaced(loop_instance *i)
{
    const lp_watcher *w = atomic_load(&i->host->watcher);
    if (w)
        w->replaced(w->data, i);
}

void lp_watch_stopped(loop_instance *i)
{
    const lp_watcher *w = atomic_load(&i->host->watcher);
    if (w)
        w->stopped(w->data, i);
}

void lp_watch_swapped(loop_host *h)
{
    const lp_watcher *w = atomic_load(&h->watcher);
    if (w)
        w->swapped(w->data);
}

loop_host *lp_call_host(const loop_call *call)
{
    return lp_call_body(call)->host;
}

loop_instance *lp_call_actor(const loop_call *call, bool *ret_serves)
{
    loop_instance *i = lp_call_body(call)->instance;
    *ret_serves = i->is_behind;
    return i;
}

uint64_t lp_call_body_number(const loop_call *call)
{
    return lp_call_body(call)->number;
}

void lp_instance_decide(loop_instance *i, const loop_request *want, loop_decision *ret)
{
    lp_body_decide(i->body, want, ret);
}

void lp_peer_decide(const loop_peer *p, const loop_request *want, loop_decision *ret)
{
    loop_host *h = p->host;
    lp_asker who = {0};
    lp_os_mutex_lock(h->finding);
    const struct lp_chain *c = &p->use.gen->chain;
    const struct lp_provider *last = c->links[c->n - 1].provider;
    if (lp_is_backend(last->table)) {
        const lp_backend_table *t = (const lp_backend_table *)last->table;
        who = (lp_asker){.policy = t->options.policy, .component = t->provider.name};
        if (who.policy)
            h->hooks.policy_ref(who.policy);
    }
    lp_os_mutex_unlock(h->finding);
    lp_decide(h, &who, want, ret);
    if (who.policy)
        h->hooks.policy_unref(who.policy);
}

uint32_t lp_peer_generation(const loop_peer *p)
{
    lp_os_mutex_lock(p->host->finding);
    uint32_t n = p->use.gen->number;
    lp_os_mutex_unlock(p->host->finding);
    return n;
}
