/*
 * host/peer.c: an interface that a provider calls for a component, as if the component
 * had imported it: the same bindings hold. A peer is found once a component and kept as
 * long as the host, since objects that it answered may outlive the instance.
 */
#include <stdlib.h>

#include "host/internal.h"

static size_t count_functions(const loop_interface *t)
{
    size_t n = 0;
    while (t->functions[n].name)
        n++;
    return n;
}

/* Which link has each function, with the type that the caller knows. */
static loop_error *fill_rows(loop_peer *p)
{
    for (size_t n = 0; p->interface->functions[n].name; n++) {
        const loop_function *f = &p->interface->functions[n];
        size_t link = SIZE_MAX;
        lp_auto(lp_free_string) char *why =
            lp_why_not(&p->chain, p->interface->name, f->name, f->type, &link);
        if (why)
            return loop_error_new(LOOP_UNAVAILABLE, "'%s' of '%s': %s", f->name, p->interface->name,
                                  why);
        p->hops[n] = lp_hops_new(&p->chain, link, f->name);
    }
    return NULL;
}

static void peer_delete(loop_peer *p)
{
    for (size_t n = 0; p->interface->functions[n].name; n++)
        free((void *)p->hops[n]);
    free(p->component);
    free(p);
}

static loop_error *peer_new(struct lp_body *b, const loop_interface *interface, loop_peer **ret)
{
    size_t n = count_functions(interface);
    loop_peer *p = lp_alloc(sizeof *p + n * sizeof p->hops[0]);
    p->interface = interface;
    p->component = lp_strdup(b->instance->options.name);
    lp_auto(lp_free_string) char *full = lp_format("%s@%s", interface->name, interface->version);
    lp_auto(lp_free_string) char *why = NULL;
    const char *version;
    loop_error *err = NULL;
    if (!lp_host_find(b->host, b->instance->options.name, full, &p->chain, &version, &why))
        err = loop_error_new(LOOP_UNAVAILABLE, "%s", why);
    if (!err)
        err = lp_chain_open(&p->chain);
    if (!err)
        err = fill_rows(p);
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

loop_error *lp_peer_of(struct lp_body *b, const loop_interface *interface, const loop_peer **ret)
{
    for (size_t n = 0; n < b->peers.n; n++) {
        if (b->peers.at[n]->interface == interface) {
            *ret = b->peers.at[n];
            return NULL;
        }
    }
    loop_host *h = b->host;
    lp_os_mutex_lock(h->finding);
    loop_peer *p = find_peer(h, b->instance->options.name, interface);
    lp_os_mutex_unlock(h->finding);
    if (!p) {
        LP_TRY(peer_new(b, interface, &p));
        lp_os_mutex_lock(h->finding);
        *lp_push(&h->peers) = p; /* two instances may both make one: both are kept */
        lp_os_mutex_unlock(h->finding);
    }
    *lp_push(&b->peers) = p;
    *ret = p;
    return NULL;
}

void loop_peer_drop(const loop_peer *peer, size_t resource, void *object)
{
    lp_chain_drop(&peer->chain, NULL, peer->interface->resources[resource].name, object);
}

void lp_peers_done(loop_host *h)
{
    for (size_t n = 0; n < h->peers.n; n++)
        peer_delete(h->peers.at[n]);
    free(h->peers.at);
}
