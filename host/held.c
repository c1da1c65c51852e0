/*
 * host/held.c: resources that a component holds: a number in the component's
 * table of handles (the engine's) stands for a number here, which stands for an
 * object of a provider. A guest never sees an address, and a number is checked
 * against the resource that the function's type names.
 */
#include <stdlib.h>

#include "host/internal.h"

/* ---- one call at a time ---- */

/* A drop that waits until who is inside of the provider lets go of it. */
struct lp_later {
    struct lp_link link;
    const loop_resource *row;
    void *object;
};

static void taken(struct lp_provider *p)
{
    p->owner = lp_os_thread_self();
    lp_waits_take(&p->holder);
}

enum lp_locked lp_provider_lock(struct lp_provider *p)
{
    if (p->table->threads == LOOP_THREADS_ANY)
        return LP_LOCKED_NOT;
    if (p->owner == lp_os_thread_self())
        return LP_LOCKED_INSIDE;
    if (!lp_os_mutex_try(p->serial)) {
        if (!lp_waits_begin(&p->holder))
            return LP_LOCKED_CIRCLE;
        lp_os_mutex_lock(p->serial);
        lp_waits_end();
    }
    taken(p);
    return LP_LOCKED;
}

static void call_drop(const struct lp_link *l, const loop_resource *row, void *object)
{
    const loop_interface *t = l->side->interface;
    if (l->side->functions)
        row->drop(l->side->functions, l->provider->self, object);
    else
        l->provider->table->drop(l->provider->self, t, (size_t)(row - t->resources), object);
}

static bool take_later(struct lp_provider *p, struct lp_later *ret)
{
    lp_os_mutex_lock(p->later_lock);
    bool any = p->later.n > 0;
    if (any)
        *ret = p->later.at[--p->later.n];
    lp_os_mutex_unlock(p->later_lock);
    return any;
}

void lp_provider_unlock(struct lp_provider *p)
{
    struct lp_later l;
    bool again;
    do {
        while (take_later(p, &l))
            call_drop(&l.link, l.row, l.object);
        p->owner = 0;
        lp_waits_give(&p->holder);
        lp_os_mutex_unlock(p->serial);
        /* One that was left since then found the provider taken, and nobody looks after this. */
        lp_os_mutex_lock(p->later_lock);
        again = p->later.n > 0;
        lp_os_mutex_unlock(p->later_lock);
        again = again && lp_os_mutex_try(p->serial);
        if (again)
            taken(p);
    } while (again);
}

/* For whoever is inside; or now, where that one left meanwhile. */
static void drop_later(const struct lp_link *l, const loop_resource *row, void *object)
{
    struct lp_provider *p = l->provider;
    lp_os_mutex_lock(p->later_lock);
    *lp_push(&p->later) = (struct lp_later){*l, row, object};
    lp_os_mutex_unlock(p->later_lock);
    if (lp_os_mutex_try(p->serial)) {
        taken(p);
        lp_provider_unlock(p);
    }
}

/* ---- numbers ---- */

static loop_error *hold(struct lp_body *b, const struct lp_held *h, uint32_t *ret)
{
    uint32_t number = b->free_held;
    if (number != UINT32_MAX) {
        b->free_held = b->held.at[number].next_free;
    } else if (b->held.n < b->instance->limits.of[LOOP_MAX_HANDLES].value) {
        number = (uint32_t)b->held.n;
        lp_push(&b->held);
    } else {
        return lp_limit_error(&b->instance->limits, LOOP_MAX_HANDLES, b->instance->options.name,
                              NULL);
    }
    b->held.at[number] = *h;
    *ret = number;
    return NULL;
}

loop_error *lp_hold(struct lp_body *b, const struct lp_held *h, uint32_t *ret)
{
    lp_os_mutex_lock(b->lock);
    loop_error *err = hold(b, h, ret);
    lp_os_mutex_unlock(b->lock);
    return err;
}

void lp_release(struct lp_body *b, uint32_t number)
{
    lp_os_mutex_lock(b->lock);
    b->held.at[number] = (struct lp_held){.next_free = b->free_held};
    b->free_held = number;
    lp_os_mutex_unlock(b->lock);
}

loop_error *lp_unhold(struct lp_body *b, const lp_resource *r, uint32_t number, bool keep,
                      struct lp_held *ret)
{
    if (number >= b->held.n || !b->held.at[number].object || b->held.at[number].resource != r)
        return loop_error_new(LOOP_INTERNAL, "handle %u is none of %s", number, r->name);
    *ret = b->held.at[number];
    if (!keep)
        lp_release(b, number);
    return NULL;
}

size_t lp_chain_owner(const struct lp_chain *c, const struct lp_provider *giver,
                      const char *resource, const loop_resource **ret)
{
    size_t n = 0;
    while (giver && n < c->n && c->links[n].provider != giver)
        n++;
    for (n = n < c->n ? n : 0; n < c->n; n++) {
        *ret = lp_find_resource(&c->links[n], resource);
        if (*ret)
            break;
    }
    return n;
}

void lp_link_drop(const struct lp_link *l, const loop_resource *row, void *object)
{
    /* Inside: this thread is in the provider, which let the object go. */
    enum lp_locked locked = lp_provider_lock(l->provider);
    if (locked == LP_LOCKED_CIRCLE) {
        drop_later(l, row, object);
        return;
    }
    call_drop(l, row, object);
    if (locked == LP_LOCKED)
        lp_provider_unlock(l->provider);
}

void lp_chain_drop(const struct lp_chain *c, const struct lp_provider *giver, const char *resource,
                   void *object)
{
    const loop_resource *row = NULL;
    size_t n = lp_chain_owner(c, giver, resource, &row);
    if (n < c->n)
        lp_link_drop(&c->links[n], row, object);
}

void lp_drop_object(const struct lp_held *h)
{
    if (h->gen && !h->gone)
        lp_chain_drop(&h->gen->chain, h->giver, h->resource->name, h->object);
}

void lp_slot_drop(void *data, uint32_t number)
{
    struct lp_slot *s = data;
    struct lp_held h = {0};
    loop_error *shut = lp_gate_enter(s) ? NULL : lp_gate_wait(s);
    if (shut) { /* it ends: what it holds is dropped then */
        loop_error_delete(shut);
        return;
    }
    loop_error *err = lp_unhold(s->body, s->import->resource, number, false, &h);
    if (err)
        loop_error_delete(err); /* a stub's */
    else if (!h.lent)
        lp_drop_object(&h);
    lp_gate_leave(s->body);
}

void lp_held_sweep(struct lp_body *b)
{
    for (uint32_t n = 0; n < b->held.n; n++) {
        struct lp_held h = b->held.at[n];
        if (!h.object)
            continue;
        lp_release(b, n);
        if (!h.lent)
            lp_drop_object(&h);
    }
    free(b->held.at);
    b->held.at = NULL;
    b->held.n = b->held.cap = 0;
    b->free_held = UINT32_MAX;
}

loop_error *lp_take_argument(void *data, const lp_node *n, uint32_t number, uint64_t *ret)
{
    struct lp_body *b = data;
    struct lp_held h;
    LP_TRY(lp_unhold(b, n->type->resource, number, n->kind == LP_BORROW, &h));
    *ret = 0;
    if (h.gone) {
        b->gone = true;
        return NULL;
    }
    struct lp_use *use = b->owners.at[n->type->resource->index].use;
    bool older = use && h.gen != use->gen;
    b->mixed = b->mixed || (b->older && older && b->older != h.gen);
    if (older)
        b->older = h.gen;
    if (n->kind == LP_OWN)
        *lp_push(&b->taken) = h;
    *ret = (uint64_t)(uintptr_t)h.object;
    return NULL;
}

void lp_drop_taken(struct lp_body *b)
{
    for (size_t n = 0; n < b->taken.n; n++)
        lp_drop_object(&b->taken.at[n]);
    b->taken.n = 0;
}

/* ---- results ---- */

struct holding {
    struct lp_body *body;
    struct lp_held held;
    loop_error *err; /* the first; the objects behind it are dropped */
};

/*
 * The generation of the interface of `use` that has the providers of an older one, which is of an
 * interface of the same package: what those answer is theirs.
 */
static struct lp_generation *older_of(struct lp_body *b, const struct lp_use *use)
{
    struct lp_generation *g = b->older, *found;
    if (!g || strcmp(g->chain.interface_name, use->gen->chain.interface_name) == 0)
        return g ? g : use->gen;
    struct lp_chain c;
    if (!lp_chain_beside(&g->chain, use->interface_name, &c))
        return use->gen; /* of another package: it was not swapped with it */
    lp_os_mutex_lock(b->host->finding);
    found = lp_generation_drains(b->host, &c);
    if (!found) {
        found = lp_generation_new(b->host, &c, g->number);
        found->drains = true;
        found->drain_until_ns = g->drain_until_ns;
    }
    lp_os_mutex_unlock(b->host->finding);
    return found;
}

static loop_error *hold_one(void *data, const lp_node *n, uint64_t at)
{
    struct holding *x = data;
    struct lp_body *b = x->body;
    lp_handle h = {n->type->resource->index, 0};
    x->held.resource = n->type->resource;
    /* Of the interface that defines it: another one may have a resource of that name. */
    const struct lp_owner *owner = &b->owners.at[h.resource];
    if (owner->io) {
        loop_error *bad = lp_given_take(b, owner->io, (void *)(uintptr_t)at, &h.value);
        h.resource = LP_ENGINES;
        if (x->err)
            loop_error_delete(bad);
        else
            x->err = bad;
        *lp_push(&b->handles) = h;
        return NULL;
    }
    struct lp_use *use = owner->use;
    x->held.gen = older_of(b, use);
    x->held.object = (void *)(uintptr_t)at;
    if (!x->held.object)
        x->err = x->err ? x->err : loop_error_new(LOOP_UNAVAILABLE, "a handle of no object");
    else if (!x->err)
        x->err = lp_hold(b, &x->held, &h.value);
    if (x->err && x->held.object)
        lp_drop_object(&x->held);
    *lp_push(&b->handles) = h;
    return NULL;
}

loop_error *lp_hold_result(struct lp_body *b, const struct lp_provider *giver, const lp_node *n,
                           const void *value)
{
    struct holding x = {.body = b, .held = {.giver = giver}};
    b->handles.n = 0;
    loop_error *err = lp_each_handle(n, value, LOOP_UNAVAILABLE, hold_one, &x);
    if (err) {
        loop_error_delete(x.err);
        return err;
    }
    return x.err;
}
