/*
 * host/drain.c: what was swapped out, until it can go.
 *
 * A generation drains while a handle of it is held. When the last is dropped, or its time is up,
 * it goes, and with it the providers that are in no other. A handle whose time is up answers that
 * it is gone: its component asks for a new one.
 */
#include <stdlib.h>

#include "host/swap.h"

/* ---- who still uses it; `changing` is held ---- */

static bool is_held_by(struct lp_body *b, const struct lp_generation *g)
{
    bool held = false;
    lp_os_mutex_lock(b->lock);
    for (size_t n = 0; !held && n < b->held.n; n++)
        held = b->held.at[n].object && b->held.at[n].gen == g && !b->held.at[n].gone;
    lp_os_mutex_unlock(b->lock);
    return held;
}

/*
 * Whether a call is under way that takes handles out of the table, a drop included: the last one
 * of a generation is in none any more, and its provider at work with it. Looked at after the
 * table: whoever took one out said before that it calls.
 */
static bool may_have_taken(const struct lp_body *b)
{
    const struct lp_slot *s = atomic_load_explicit(&b->calling, memory_order_acquire);
    return s && !s->movable;
}

static bool is_kept_by(loop_peer *p, const struct lp_generation *g)
{
    bool kept = false;
    lp_os_mutex_lock(p->lock);
    for (struct lp_peer_object *o = p->objects; o && !kept; o = o->next)
        kept = o->gen == g;
    lp_os_mutex_unlock(p->lock);
    return kept;
}

/* One of the peers; NULL past the end. */
static loop_peer *peer_at(loop_host *h, size_t n)
{
    lp_os_mutex_lock(h->finding);
    loop_peer *p = n < h->peers.n ? h->peers.at[n] : NULL;
    lp_os_mutex_unlock(h->finding);
    return p;
}

static bool is_used(loop_host *h, const struct lp_generation *g)
{
    struct lp_body *b;
    for (loop_instance *i = lp_instance_first(h); i; i = lp_instance_next(i))
        for (int k = 0; (b = lp_body_at(i, k)); k++)
            if (is_held_by(b, g) || may_have_taken(b))
                return true;
    loop_peer *p;
    for (size_t n = 0; (p = peer_at(h, n)); n++)
        if (is_kept_by(p, g))
            return true;
    return false;
}

/* ---- its time is up ---- */

#define AGAIN_NS 5000000000ull /* after a call that lasted */

static bool same_package(const char *a, const char *b)
{
    size_t n = strcspn(a, "/");
    return n == strcspn(b, "/") && strncmp(a, b, n) == 0;
}

/*
 * The uses through which its handles may be passed, those of the interfaces of its package, by
 * whom has some: their gates are closed meanwhile.
 */
static struct lp_change *uses_like(loop_host *h, const struct lp_generation *g, size_t *ret_n)
{
    struct {
        struct lp_change *at;
        size_t n, cap;
    } found = {0};
    const char *name = g->chain.interface_name;
    struct lp_body *b;
    for (loop_instance *i = lp_instance_first(h); i; i = lp_instance_next(i))
        for (int k = 0; (b = lp_body_at(i, k)); k++)
            for (size_t n = 0; (is_held_by(b, g) || may_have_taken(b)) && n < b->uses.n; n++)
                if (same_package(b->uses.at[n]->gen->chain.interface_name, name))
                    *lp_push(&found) = (struct lp_change){.use = b->uses.at[n], .body = b};
    loop_peer *p;
    for (size_t n = 0; (p = peer_at(h, n)); n++)
        if (is_kept_by(p, g))
            *lp_push(&found) = (struct lp_change){.use = &p->use, .peer = p};
    *ret_n = found.n;
    return found.at;
}

static bool end_of_body(struct lp_body *b, const struct lp_generation *g)
{
    bool any = false;
    for (size_t n = 0; n < b->held.n; n++) {
        lp_os_mutex_lock(b->lock);
        struct lp_held was = b->held.at[n];
        bool its = was.object && was.gen == g && !was.gone;
        if (its) {
            b->held.at[n].gone = true;
            b->held.at[n].gen = NULL;
        }
        lp_os_mutex_unlock(b->lock);
        any = any || its;
        if (its && !was.lent)
            lp_drop_object(&was);
    }
    return any;
}

static bool end_of_peer(loop_peer *p, const struct lp_generation *g)
{
    bool any = false;
    lp_os_mutex_lock(p->lock);
    for (struct lp_peer_object *o = p->objects; o; o = o->next) {
        if (o->gen != g)
            continue;
        lp_chain_drop(&g->chain, NULL, p->interface->resources[o->resource].name, o->object);
        o->gen = NULL;
        any = true;
    }
    lp_os_mutex_unlock(p->lock);
    return any;
}

/* False: a call lasts; later. */
static bool end_handles(loop_host *h, struct lp_generation *g)
{
    bool any = false;
    size_t n;
    struct lp_change *c = uses_like(h, g, &n);
    loop_error *err = lp_gate_close(h, c, n, lp_os_now_ns() + LP_SWAP_BACK_MS * LP_SWAP_MS);
    for (size_t i = 0; i < n && !err; i++) {
        bool its = c[i].body ? end_of_body(c[i].body, g) : end_of_peer(c[i].peer, g);
        any = any || its;
    }
    lp_gate_open(h, c, n);
    free(c);
    bool ended = !err;
    if (!ended)
        g->drain_until_ns = lp_os_now_ns() + AGAIN_NS;
    if (any)
        loop_host_log(h, LOOP_LOG_WARN, "handles of '%s' were not dropped in time: they are gone",
                      g->text);
    loop_error_delete(err);
    return ended;
}

/* ---- letting go ---- */

/* Whether some generation has it; `finding` is held. */
static bool is_in_use(const loop_host *h, const struct lp_provider *p, bool also_draining)
{
    for (size_t n = 0; n < h->generations.n; n++)
        for (size_t i = 0; i < h->generations.at[n]->chain.n; i++)
            if (h->generations.at[n]->chain.links[i].provider == p &&
                (also_draining || !h->generations.at[n]->drains))
                return true;
    for (size_t n = 0; n < h->bindings.n; n++)
        for (size_t i = 0; i < h->bindings.at[n].n; i++)
            if (h->bindings.at[n].links[i] == p)
                return true;
    return false;
}

void lp_provider_retire(struct lp_provider *p)
{
    if (!p->kept && !is_in_use(p->host, p, false))
        p->standing = LP_RETIRED;
}

static struct lp_provider *next_to_go(loop_host *h)
{
    struct lp_provider *found = NULL;
    lp_os_mutex_lock(h->finding);
    for (size_t n = 0; !found && n < h->providers.n; n++)
        if (h->providers.at[n]->standing == LP_RETIRED && !h->providers.at[n]->stuck &&
            !is_in_use(h, h->providers.at[n], true))
            found = h->providers.at[n];
    lp_os_mutex_unlock(h->finding);
    return found;
}

static void close_it(void *provider)
{
    lp_provider_close(provider);
}

static void let_go(loop_host *h, struct lp_provider *p)
{
    lp_runner *r = lp_runner_new();
    lp_runner_begin(r, close_it, p);
    lp_runner_wait(r, lp_os_now_ns() + h->step_ms * LP_SWAP_MS);
    if (!lp_runner_delete(r)) {
        p->stuck = true;
        h->haunted = true;
        loop_host_log(h, LOOP_LOG_ERROR, "the provider '%s' hangs and is left behind",
                      p->table->name);
        return;
    }
    struct lp_table *t = p->origin;
    lp_os_mutex_lock(h->finding);
    lp_object_delete(p);
    lp_os_mutex_unlock(h->finding);
    lp_table_drop(h, t);
}

static struct lp_generation *draining_at(loop_host *h, size_t *at)
{
    struct lp_generation *g = NULL;
    lp_os_mutex_lock(h->finding);
    for (; !g && *at < h->generations.n; (*at)++)
        if (h->generations.at[*at]->drains)
            g = h->generations.at[*at];
    lp_os_mutex_unlock(h->finding);
    return g;
}

/* Whether it is gone. */
static bool drain_one(loop_host *h, struct lp_generation *g)
{
    lp_os_mutex_lock(h->changing);
    bool over = !is_used(h, g);
    if (!over && lp_os_now_ns() >= g->drain_until_ns)
        over = end_handles(h, g);
    if (over) {
        lp_os_mutex_lock(h->finding);
        lp_generation_delete(h, g);
        lp_os_mutex_unlock(h->finding);
    }
    lp_os_mutex_unlock(h->changing);
    return over;
}

bool lp_drain(loop_host *h)
{
    if (h->abandoned)
        return false; /* an instance that was given up may use any of it */
    bool left = false;
    struct lp_generation *g;
    for (size_t at = 0; (g = draining_at(h, &at));) {
        if (drain_one(h, g))
            at = 0;
        else
            left = true;
    }
    struct lp_provider *p;
    while ((p = next_to_go(h)))
        let_go(h, p);
    return left;
}
