/*
 * host/held.c: resources that a component holds: a number in the component's
 * table of handles (the engine's) stands for a number here, which stands for an
 * object of a provider. A guest never sees an address, and a number is checked
 * against the resource that the function's type names.
 */
#include <stdlib.h>

#include "host/internal.h"

bool lp_provider_lock(struct lp_provider *p)
{
    if (p->table->threads == LOOP_THREADS_ANY || p->owner == lp_os_thread_self())
        return false;
    lp_os_mutex_lock(p->serial);
    p->owner = lp_os_thread_self();
    return true;
}

void lp_provider_unlock(struct lp_provider *p)
{
    p->owner = 0;
    lp_os_mutex_unlock(p->serial);
}

loop_error *lp_hold(loop_instance *i, const struct lp_held *h, uint32_t *ret)
{
    uint32_t number = i->free_held;
    if (number != UINT32_MAX) {
        i->free_held = i->held.at[number].next_free;
    } else if (i->held.n < LP_MAX_HANDLES) {
        number = (uint32_t)i->held.n;
        lp_push(&i->held);
    } else {
        return loop_error_new(LOOP_LIMIT, "the component holds %d handles, the most there may be",
                              LP_MAX_HANDLES);
    }
    i->held.at[number] = *h;
    *ret = number;
    return NULL;
}

void lp_release(loop_instance *i, uint32_t number)
{
    i->held.at[number] = (struct lp_held){.next_free = i->free_held};
    i->free_held = number;
}

loop_error *lp_unhold(loop_instance *i, const lp_resource *r, uint32_t number, bool keep,
                      struct lp_held *ret)
{
    if (number >= i->held.n || !i->held.at[number].object || i->held.at[number].resource != r)
        return loop_error_new(LOOP_INTERNAL, "handle %u is none of %s", number, r->name);
    *ret = i->held.at[number];
    if (!keep)
        lp_release(i, number);
    return NULL;
}

/* The first link from `from` on (NULL, or none of the chain: from its beginning) that drops. */
void lp_chain_drop(const struct lp_chain *c, const struct lp_provider *from, const char *resource,
                   void *object)
{
    size_t n = 0;
    while (from && n < c->n && c->links[n].provider != from)
        n++;
    for (n = n < c->n ? n : 0; n < c->n; n++) {
        const struct lp_link *l = &c->links[n];
        const loop_resource *row = lp_find_resource(l, resource);
        if (!row)
            continue;
        const loop_interface *t = l->side->interface;
        /* Not locked: this thread is inside of the provider, which let the object go. */
        bool locked = lp_provider_lock(l->provider);
        if (l->side->functions)
            row->drop(l->side->functions, l->provider->self, object);
        else
            l->provider->table->drop(l->provider->self, t, (size_t)(row - t->resources), object);
        if (locked)
            lp_provider_unlock(l->provider);
        return;
    }
}

void lp_drop_object(const struct lp_held *h)
{
    if (h->chain)
        lp_chain_drop(h->chain, h->giver, h->resource->name, h->object);
}

void lp_slot_drop(void *data, uint32_t number)
{
    struct lp_slot *s = data;
    struct lp_held h = {0};
    loop_error *err = lp_unhold(s->instance, s->import->resource, number, false, &h);
    if (err)
        loop_error_delete(err); /* a stub's */
    else if (!h.lent)
        lp_drop_object(&h);
}

void lp_held_sweep(loop_instance *i)
{
    for (uint32_t n = 0; n < i->held.n; n++) {
        struct lp_held h = i->held.at[n];
        if (!h.object)
            continue;
        lp_release(i, n);
        if (!h.lent)
            lp_drop_object(&h);
    }
    free(i->held.at);
    i->held.at = NULL;
    i->held.n = i->held.cap = 0;
    i->free_held = UINT32_MAX;
}

loop_error *lp_take_argument(void *data, const lp_node *n, uint32_t number, uint64_t *ret)
{
    loop_instance *i = data;
    struct lp_held h;
    LP_TRY(lp_unhold(i, n->type->resource, number, n->kind == LP_BORROW, &h));
    if (n->kind == LP_OWN)
        *lp_push(&i->taken) = h;
    *ret = (uint64_t)(uintptr_t)h.object;
    return NULL;
}

void lp_drop_taken(loop_instance *i)
{
    for (size_t n = 0; n < i->taken.n; n++)
        lp_drop_object(&i->taken.at[n]);
    i->taken.n = 0;
}

/* ---- results ---- */

struct holding {
    loop_instance *instance;
    struct lp_held held;
    loop_error *err; /* the first; the objects behind it are dropped */
};

static loop_error *hold_one(void *data, const lp_node *n, uint64_t at)
{
    struct holding *x = data;
    loop_instance *i = x->instance;
    lp_handle h = {n->type->resource->index, 0};
    x->held.resource = n->type->resource;
    /* Of the interface that defines it: another one may have a resource of that name. */
    x->held.chain = i->owners.at[h.resource].chain;
    x->held.object = (void *)(uintptr_t)at;
    if (!x->held.object)
        x->err = x->err ? x->err : loop_error_new(LOOP_UNAVAILABLE, "a handle of no object");
    else if (!x->err)
        x->err = lp_hold(i, &x->held, &h.value);
    if (x->err && x->held.object)
        lp_drop_object(&x->held);
    *lp_push(&i->handles) = h;
    return NULL;
}

loop_error *lp_hold_result(loop_instance *i, const struct lp_provider *giver, const lp_node *n,
                           const void *value)
{
    struct holding x = {.instance = i, .held = {.giver = giver}};
    i->handles.n = 0;
    loop_error *err = lp_each_handle(n, value, LOOP_UNAVAILABLE, hold_one, &x);
    if (err) {
        loop_error_delete(x.err);
        return err;
    }
    return x.err;
}
