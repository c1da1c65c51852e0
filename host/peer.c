/*
 * host/peer.c: an interface that a provider calls for a component, as if the component
 * had imported it: the same bindings hold, and the same swaps. A peer is found once a component
 * and kept as long as the host, since objects that it answered may outlive the instance.
 *
 * An object of a peer may move to another provider (host/swap.c) while whoever asked for it
 * keeps it. So what is handed out is not the object but what stands for it, struct
 * lp_peer_object: arguments and answers are translated here, which takes that objects lie in
 * the parameters and in the answer themselves, not in lists.
 *
 * Several threads call through one peer: it counts its calls, where an import knows its one.
 */
#include <stdlib.h>

#include "engine/type_parse.h"
#include "host/internal.h"

/* ---- making ---- */

static size_t count_functions(const loop_interface *t)
{
    size_t n = 0;
    while (t->functions[n].name)
        n++;
    return n;
}

loop_error *lp_peer_hops(const loop_peer *p, const struct lp_generation *g,
                         const struct lp_hop **ret)
{
    for (size_t n = 0; p->interface->functions[n].name; n++) {
        const loop_function *f = &p->interface->functions[n];
        size_t link = SIZE_MAX;
        lp_auto(lp_free_string) char *why =
            lp_why_not(&g->chain, p->interface->name, f->name, f->type, &link);
        if (why)
            return loop_error_new(LOOP_UNAVAILABLE, "'%s' of '%s': %s", f->name, p->interface->name,
                                  why);
        ret[n] = lp_hops_new(g, link, f->name);
    }
    return NULL;
}

/* Where the objects in a value lie: in the value itself. */
static bool is_flat(const lp_node *n)
{
    if (!n || !n->handles)
        return true;
    if (n->kind == LP_OWN || n->kind == LP_BORROW)
        return lp_io_of(n->type->resource) == LP_IO_NONE; /* those are a component's alone */
    if (n->kind == LP_LIST)
        return false;
    for (size_t i = 0; i < n->count; i++)
        if (!is_flat(n->parts[i]))
            return false;
    return true;
}

/* Parameters lend objects, and no more. */
static bool lends(const lp_node *params)
{
    for (size_t i = 0; i < params->count; i++)
        if (params->parts[i]->handles && params->parts[i]->kind != LP_BORROW)
            return false;
    return !params->handles || params->size <= LP_PEER_ARGUMENTS;
}

static loop_error *fill_plans(loop_peer *p)
{
    lp_resources known = {0};
    loop_error *err = NULL;
    for (size_t n = 0; !err && p->interface->functions[n].name; n++) {
        const loop_function *f = &p->interface->functions[n];
        const lp_signature *signature;
        const lp_plan *plan;
        err = lp_signature_parse(&p->arena, &known, lp_str_of(f->type), &signature);
        if (!err)
            err = lp_plan_new(&p->arena, signature, &plan);
        if (err || (!plan->params.handles && !(plan->result && plan->result->handles)))
            continue;
        p->rows[n].plan = plan;
        if (!lends(&plan->params) || !is_flat(plan->result))
            err = loop_error_new(LOOP_UNAVAILABLE,
                                 "'%s' of '%s' passes objects in a way that a peer cannot", f->name,
                                 p->interface->name);
    }
    free(known.at);
    return err;
}

static void peer_delete(loop_peer *p)
{
    for (size_t n = 0; p->interface->functions[n].name; n++)
        free((void *)p->rows[n].hops);
    while (p->objects) { /* whoever has them forgot to drop them */
        struct lp_peer_object *o = p->objects;
        p->objects = o->next;
        free(o);
    }
    lp_os_mutex_delete(p->lock);
    lp_arena_done(&p->arena);
    free(p->component);
    free(p->full);
    free(p);
}

static loop_error *find(loop_peer *p)
{
    lp_auto(lp_free_string) char *why = NULL;
    const char *version;
    struct lp_chain found;
    if (!lp_host_find(p->host, p->component, p->full, &found, &version, &why))
        return loop_error_new(LOOP_UNAVAILABLE, "%s", why);
    LP_TRY(lp_chain_open(&found, false));
    lp_os_mutex_lock(p->host->finding);
    p->use.gen = lp_generation_of(p->host, &found);
    lp_os_mutex_unlock(p->host->finding);
    size_t rows = count_functions(p->interface);
    const struct lp_hop **hops = lp_alloc((rows + 1) * sizeof *hops);
    loop_error *err = lp_peer_hops(p, p->use.gen, hops);
    for (size_t n = 0; n < rows; n++)
        p->rows[n].hops = hops[n];
    free(hops);
    return err;
}

static loop_error *peer_new(struct lp_body *b, const loop_interface *interface, loop_peer **ret)
{
    loop_peer *p = lp_alloc(sizeof *p + count_functions(interface) * sizeof p->rows[0]);
    p->host = b->host;
    p->interface = interface;
    p->component = lp_strdup(b->instance->options.name);
    p->full = lp_format("%s@%s", interface->name, interface->version);
    p->use.interface_name = p->full;
    p->lock = lp_os_mutex_new();
    loop_error *err = find(p);
    if (!err)
        err = fill_plans(p);
    if (err)
        peer_delete(p);
    else
        *ret = p;
    return err;
}

static loop_peer *find_peer(loop_host *h, const char *component, const loop_interface *interface)
{
    for (size_t n = 0; n < h->peers.n; n++) {
        loop_peer *p = h->peers.at[n];
        if (p->interface == interface && strcmp(p->component, component) == 0)
            return p;
    }
    return NULL;
}

/* Whether a swap is under way that takes out what serves it. */
static bool is_leaving(const struct lp_chain *c)
{
    for (size_t n = 0; n < c->n; n++)
        if (c->links[n].provider->leaves)
            return true;
    return false;
}

/*
 * Lists it, unless a swap was put in place since it was looked up, or is being put: *ret is NULL
 * then, as the swap knows nothing of it.
 */
static void list_peer(loop_host *h, uint64_t swapped, loop_peer **ret)
{
    lp_os_mutex_lock(h->finding);
    bool same = h->swapped == swapped;
    bool good = same && !is_leaving(&(*ret)->use.gen->chain);
    if (good)
        *lp_push(&h->peers) = *ret; /* two instances may both make one: both are kept */
    lp_os_mutex_unlock(h->finding);
    if (good)
        return;
    peer_delete(*ret);
    *ret = NULL;
    if (same)
        lp_os_sleep_ms(1);
}

loop_error *lp_peer_of(struct lp_body *b, const loop_interface *interface, const loop_peer **ret)
{
    for (size_t n = 0; n < b->peers.n; n++) {
        if (b->peers.at[n]->interface == interface) {
            *ret = b->peers.at[n];
            return NULL;
        }
    }
    loop_host *h = b->host;
    loop_peer *p = NULL;
    while (!p) {
        lp_os_mutex_lock(h->finding);
        p = find_peer(h, b->instance->options.name, interface);
        uint64_t swapped = h->swapped;
        lp_os_mutex_unlock(h->finding);
        if (p)
            break;
        LP_TRY(peer_new(b, interface, &p));
        list_peer(h, swapped, &p);
    }
    *lp_push(&b->peers) = p;
    *ret = p;
    return NULL;
}

void lp_peers_done(loop_host *h)
{
    for (size_t n = 0; n < h->peers.n; n++)
        peer_delete(h->peers.at[n]);
    free(h->peers.at);
}

/* ---- around a call ---- */

loop_error *lp_peer_enter(loop_peer *p, loop_instance *i)
{
    for (;;) {
        p->calls++;
        if (!p->closed)
            return NULL;
        p->calls--;
        LP_TRY(lp_gate_wait_peer(p, i));
    }
}

void lp_peer_leave(loop_peer *p)
{
    p->calls--;
}

/* ---- objects ---- */

static struct lp_peer_object *object_new(loop_peer *p, void *object, struct lp_generation *g,
                                         const char *resource)
{
    struct lp_peer_object *o = lp_alloc(sizeof *o);
    *o = (struct lp_peer_object){.object = object, .gen = g};
    const loop_resource *rows = p->interface->resources;
    while (rows[o->resource].name && strcmp(rows[o->resource].name, resource) != 0)
        o->resource++;
    lp_os_mutex_lock(p->lock);
    o->next = p->objects;
    o->back = &p->objects;
    if (o->next)
        o->next->back = &o->next;
    p->objects = o;
    lp_os_mutex_unlock(p->lock);
    return o;
}

static void object_forget(loop_peer *p, struct lp_peer_object *o)
{
    lp_os_mutex_lock(p->lock);
    *o->back = o->next;
    if (o->next)
        o->next->back = o->back;
    lp_os_mutex_unlock(p->lock);
    free(o);
}

/* Hops of a generation that was swapped out. */
static loop_error *older_hops(const struct lp_generation *g, const char *name,
                              struct lp_hop **ret_hops)
{
    size_t n = 0;
    while (n < g->chain.n && !lp_find_function(&g->chain, n, name).function)
        n++;
    if (n == g->chain.n)
        return loop_error_new(LOOP_UNAVAILABLE, "'%s' was swapped out, and has no '%s'", g->text,
                              name);
    *ret_hops = lp_hops_new(g, n, name);
    return NULL;
}

loop_error *lp_peer_arguments(loop_peer *p, size_t row, const void **args, uint8_t *copy,
                              struct lp_hop **ret_hops)
{
    const lp_node *params = p->rows[row].plan ? &p->rows[row].plan->params : NULL;
    if (!params || !params->handles)
        return NULL;
    const struct lp_generation *g = NULL;
    memcpy(copy, *args, params->size);
    for (size_t n = 0; n < params->count; n++) {
        struct lp_peer_object *o;
        if (params->parts[n]->kind != LP_BORROW)
            continue;
        memcpy(&o, copy + params->fields[n].offset, sizeof o);
        if (!o->gen)
            return loop_error_new(LOOP_UNAVAILABLE,
                                  "the provider of this object was swapped out; ask for a new one");
        if (g && g != o->gen)
            return loop_error_new(LOOP_UNAVAILABLE, "objects of several providers, since one was "
                                                    "swapped out; ask for new ones");
        g = o->gen;
        memcpy(copy + params->fields[n].offset, &o->object, sizeof o->object);
    }
    *args = copy;
    return g && g != p->use.gen ? older_hops(g, p->interface->functions[row].name, ret_hops) : NULL;
}

static void stand_in(loop_peer *p, const lp_node *n, struct lp_generation *g, uint8_t *at)
{
    if (!n || !n->handles)
        return;
    if (n->kind == LP_OWN) {
        void *object;
        memcpy(&object, at, sizeof object);
        struct lp_peer_object *o = object_new(p, object, g, n->type->resource->name);
        memcpy(at, &o, sizeof(void *));
    } else if (n->kind == LP_RECORD || n->kind == LP_TUPLE) {
        for (size_t i = 0; i < n->count; i++)
            stand_in(p, n->parts[i], g, at + n->fields[i].offset);
    } else {
        uint32_t tag = lp_read_tag(at, n->tag);
        if (tag < n->count)
            stand_in(p, n->parts[tag], g, at + n->payload);
    }
}

void lp_peer_answer(loop_peer *p, size_t row, const struct lp_generation *g, void *ret)
{
    stand_in(p, p->rows[row].plan->result, (struct lp_generation *)g, ret);
}

void loop_peer_drop(const loop_peer *peer, size_t resource, void *object)
{
    loop_peer *p = (loop_peer *)peer;
    struct lp_peer_object *o = object;
    loop_error *err = lp_peer_enter(p, NULL); /* waits: nobody gives up a drop */
    loop_error_delete(err);
    if (o->gen)
        lp_chain_drop(&o->gen->chain, NULL, p->interface->resources[resource].name, o->object);
    object_forget(p, o); /* until then its generation stays */
    lp_peer_leave(p);
}
