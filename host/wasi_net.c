/*
 * host/wasi_net.c: what sockets and HTTP connections ask, on any thread, and saying what was
 * denied.
 *
 *     bind        nothing, for what a connect does by itself; else a grant to listen there
 *     listen      the same, for the address that the socket has by then
 *     accept      listening was granted; nobody whom a line denies
 *     connect     a grant to connect
 *     send, receive (UDP)   a grant to connect; or the socket listens, and it is an answer to who
 *                 was heard, or nobody whom a line denies (hears_all)
 *     HTTP        each address that the name stands for, before it is connected to
 *
 * Names are looked up here, which takes time: never on an instance's thread. What decides is
 * counted, since a look-up may outlive the instance.
 */
#include <stdlib.h>

#include "host/internal.h"

#define MAX_DENIALS_TOLD 64
#define HEARD 64 /* senders of datagrams that may be answered: the latest */

struct lp_net_policy {
    lp_host_hooks hooks;
    const loop_policy *policy;
    char *name;
    uint64_t instance;
    _Atomic unsigned refs;
    _Atomic bool listens_udp; /* a socket is bound where it was granted to listen */
    _Atomic bool unasked_udp; /* another one is bound, which was not asked about: see hears_all */
    lp_os_mutex *lock;        /* of what follows */
    loop_host *host;          /* NULL once the instance is gone */
    struct {
        char **at;
        size_t n, cap;
    } told; /* so that each denial is told once */
    struct heard {
        char address[LP_OS_ADDRESS_TEXT];
        uint16_t port;
    } heard[HEARD];
    size_t next_heard;
};

/* ---- saying what was denied ---- */

static bool is_new(struct lp_net_policy *p, const char *reason)
{
    for (size_t n = 0; n < p->told.n; n++)
        if (strcmp(p->told.at[n], reason) == 0)
            return false;
    if (p->told.n >= MAX_DENIALS_TOLD)
        return false;
    *lp_push(&p->told) = lp_strdup(reason);
    return true;
}

static void tell_once(struct lp_net_policy *p, const char *reason, const char *hint,
                      const char *denied)
{
    lp_os_mutex_lock(p->lock);
    if (p->host && is_new(p, reason))
        loop_host_log(p->host, LOOP_LOG_WARN, "%s: %s%s%s%s", p->name, denied, reason,
                      !*hint    ? ""
                      : *denied ? "; to allow it: "
                                : "; ",
                      hint);
    lp_os_mutex_unlock(p->lock);
}

void lp_net_tell(struct lp_net_policy *p, const char *reason, const char *hint)
{
    tell_once(p, reason, hint, "denied: ");
}

void lp_net_tell_limit(struct lp_net_policy *p, const char *reason, const char *hint)
{
    tell_once(p, reason, hint, "");
}

/* ---- deciding ---- */

/* What waits for DNS does so without the lock; the instance may be gone meanwhile. */
static bool decide(struct lp_net_policy *n, const loop_request *want)
{
    loop_decision d;
    n->hooks.decide(n->policy, want, &d);
    lp_os_mutex_lock(n->lock);
    if (n->host && n->host->options.decided)
        n->host->options.decided(n->host->options.data,
                                 &(loop_decided){n->name, n->instance, want, &d});
    lp_os_mutex_unlock(n->lock);
    if (!d.allowed)
        lp_net_tell(n, d.reason, d.hint);
    return d.allowed;
}

/* Whether a line denies connections with it, whoever begins them; nobody is told that none does. */
static bool is_denied(struct lp_net_policy *n, const loop_request *peer)
{
    loop_decision d;
    n->hooks.decide(n->policy, peer, &d);
    return d.by && d.by->deny && !decide(n, peer);
}

static bool is_granted(struct lp_net_policy *n, const loop_request *peer)
{
    loop_decision d;
    n->hooks.decide(n->policy, peer, &d);
    return d.allowed && !d.observed;
}

/* ---- datagrams ---- */

static bool was_heard(struct lp_net_policy *n, const loop_request *peer, bool add)
{
    bool found = false;
    lp_os_mutex_lock(n->lock);
    for (size_t i = 0; i < HEARD && !found; i++)
        found = n->heard[i].port == peer->port && strcmp(n->heard[i].address, peer->name) == 0;
    if (add && !found) {
        struct heard *h = &n->heard[n->next_heard++ % HEARD];
        h->port = peer->port;
        snprintf(h->address, sizeof h->address, "%s", peer->name);
    }
    lp_os_mutex_unlock(n->lock);
    return found;
}

/*
 * Whether datagrams of strangers may come in. Nobody says which socket one comes to: beside one
 * that nobody asked about, at any address, none may, or what was granted at 127.0.0.1 would be
 * granted for the whole network.
 */
static bool hears_all(const struct lp_net_policy *n)
{
    return n->listens_udp && !n->unasked_udp;
}

static bool receives(struct lp_net_policy *n, const loop_request *peer)
{
    if (is_granted(n, peer))
        return decide(n, peer);
    if (!hears_all(n))
        return decide(n, peer);
    if (is_denied(n, peer))
        return false;
    was_heard(n, peer, true);
    return true;
}

static bool sends(struct lp_net_policy *n, const loop_request *peer)
{
    if (hears_all(n) && !is_granted(n, peer) && was_heard(n, peer, false))
        return !is_denied(n, peer);
    return decide(n, peer);
}

static bool is_any(const char *address)
{
    return strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

static bool binds(struct lp_net_policy *n, const loop_request *peer, bool udp)
{
    if (!peer->port && is_any(peer->name)) {
        n->unasked_udp = n->unasked_udp || udp;
        return true; /* what a connect does by itself */
    }
    loop_request want = *peer;
    want.kind = LOOP_GRANT_LISTEN;
    if (!decide(n, &want))
        return false;
    if (udp)
        n->listens_udp = true;
    return true;
}

bool lp_net_asks(void *data, lp_str address, uint16_t port, lp_net_use use)
{
    struct lp_net_policy *n = data;
    lp_auto(lp_free_string) char *name = lp_strndup(address.ptr, address.len);
    loop_request peer = {.kind = LOOP_GRANT_NET, .name = name, .port = port};
    switch (use) {
    case LP_NET_BIND:
    case LP_NET_BIND_UDP: return binds(n, &peer, use == LP_NET_BIND_UDP);
    case LP_NET_LISTEN: peer.kind = LOOP_GRANT_LISTEN; return decide(n, &peer);
    case LP_NET_ACCEPT: return !is_denied(n, &peer);
    case LP_NET_RECEIVE: return receives(n, &peer);
    case LP_NET_SEND: return sends(n, &peer);
    case LP_NET_CONNECT: return decide(n, &peer);
    }
    return false;
}

bool lp_net_asks_http(void *data, lp_str host, lp_str address, uint16_t port)
{
    lp_auto(lp_free_string) char *name = lp_strndup(host.ptr, host.len);
    lp_auto(lp_free_string) char *to = lp_strndup(address.ptr, address.len);
    return strlen(name) == host.len &&
           decide(data, &(loop_request){
                            .kind = LOOP_GRANT_HTTP, .name = name, .port = port, .address = to});
}

/* ---- its life ---- */

struct lp_net_policy *lp_net_new(const struct lp_body *b)
{
    struct lp_net_policy *n = lp_alloc(sizeof *n);
    n->host = b->host;
    n->name = lp_strdup(b->instance->options.name);
    n->instance = b->instance->number;
    n->lock = lp_os_mutex_new();
    n->hooks = b->host->hooks;
    n->policy = b->instance->options.policy;
    n->refs = 1;
    if (n->policy)
        n->hooks.policy_ref(n->policy);
    return n;
}

void lp_net_ref(void *data)
{
    ((struct lp_net_policy *)data)->refs++;
}

void lp_net_unref(void *data)
{
    struct lp_net_policy *n = data;
    if (--n->refs)
        return;
    if (n->policy)
        n->hooks.policy_unref(n->policy);
    for (size_t i = 0; i < n->told.n; i++)
        free(n->told.at[i]);
    free(n->told.at);
    lp_os_mutex_delete(n->lock);
    free(n->name);
    free(n);
}

void lp_net_end(struct lp_net_policy *n)
{
    if (!n)
        return;
    lp_os_mutex_lock(n->lock);
    n->host = NULL;
    lp_os_mutex_unlock(n->lock);
    lp_net_unref(n);
}
