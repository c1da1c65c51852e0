/*
 * host/swap_plan.c: what a swap of a provider changes, and the change itself.
 *
 * Asked for is a chain for one component and one interface. It is put in place whole there. Every
 * other use of an interface of the same package that the old provider serves gets the new one in
 * the old one's place, so that what it holds has one owner, and so that handles which interfaces
 * of a package share (`use store.{bucket}`) stay of one provider.
 *
 * All that can be refused is refused here, before anybody waits: a new provider that lacks an
 * interface, a version, a function, or has one with another type.
 */
#include <stdlib.h>

#include "host/backend.h"
#include "host/swap.h"

/* ---- who is asked for ---- */

bool lp_is_named(const loop_instance *i, const char *name)
{
    if (!name || strcmp(i->options.name, name) == 0)
        return true;
    return name[0] == '#' && strtoull(name + 1, NULL, 10) == i->number;
}

static bool is_of(const struct lp_use *use, const char *interface_name)
{
    char name[LP_MAX_NAME];
    lp_split_version(use->interface_name, name, sizeof name);
    return strcmp(name, interface_name) == 0;
}

static struct lp_use *use_of_body(const struct lp_body *b, const char *interface_name)
{
    for (size_t n = 0; n < b->uses.n; n++)
        if (is_of(b->uses.at[n], interface_name))
            return b->uses.at[n];
    return NULL;
}

static struct lp_use *use_of_peer(loop_host *h, const char *component, const char *interface_name)
{
    struct lp_use *found = NULL;
    lp_os_mutex_lock(h->finding);
    for (size_t n = 0; !found && n < h->peers.n; n++)
        if (strcmp(h->peers.at[n]->component, component) == 0 &&
            is_of(&h->peers.at[n]->use, interface_name))
            found = &h->peers.at[n]->use;
    lp_os_mutex_unlock(h->finding);
    return found;
}

/* The use of C that calls this very component; *ret_name: of whom. */
static struct lp_use *use_of_server(loop_host *h, const loop_instance *i,
                                    const char *interface_name, const char **ret_name)
{
    struct lp_use *found = NULL;
    lp_os_mutex_lock(h->finding);
    for (size_t n = 0; !found && n < h->peers.n; n++) {
        struct lp_use *use = &h->peers.at[n]->use;
        const struct lp_chain *c = &use->gen->chain;
        const struct lp_provider *last = c->links[c->n - 1].provider;
        if (is_of(use, interface_name) && lp_is_backend(last->table) &&
            ((const lp_backend *)last->self)->instance == i) {
            found = use;
            *ret_name = h->peers.at[n]->component;
        }
    }
    lp_os_mutex_unlock(h->finding);
    return found;
}

static loop_error *nobody_uses(const struct lp_swap *s, bool any)
{
    if (!any)
        return loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "there is no instance '%.256s'", s->want.component),
            "`loop ps` lists those that run");
    return loop_error_hint_set(
        loop_error_new(LOOP_NOT_FOUND, "no provider serves '%.256s' to %s%.256s",
                       s->want.interface_name, s->want.component ? "" : "any instance",
                       s->want.component ? s->want.component : ""),
        "`loop status` shows what each instance uses, and who serves it");
}

/* Whether it is the instance that a swap is about, or may be. */
static bool is_meant(const struct lp_swap *s, const loop_instance *i)
{
    return s->alone ? i->number == s->alone : lp_is_named(i, s->want.component);
}

loop_error *lp_swap_find(struct lp_swap *s)
{
    bool any = !s->want.component;
    for (loop_instance *i = lp_instance_first(s->host); i; i = lp_instance_next(i)) {
        if (!i->body || !is_meant(s, i))
            continue;
        any = true;
        struct lp_use *use = use_of_body(i->body, s->want.interface_name);
        if (!use && !s->alone)
            use = use_of_peer(s->host, i->options.name, s->want.interface_name);
        const char *name = i->options.name;
        if (!use && i->is_behind && s->want.component) /* it is named as who serves */
            use = use_of_server(s->host, i, s->want.interface_name, &name);
        if (!use)
            continue;
        s->component = lp_arena_strndup(&s->arena, name, strlen(name));
        s->reference = use->gen;
        return NULL;
    }
    return nobody_uses(s, any);
}

/* ---- the new chain ---- */

static struct lp_provider *in_chain(const struct lp_chain *c, const struct lp_provider *p)
{
    for (size_t n = 0; n < c->n; n++)
        if (c->links[n].provider == p)
            return c->links[n].provider;
    return NULL;
}

/* A new object, from its table as that is now. */
static loop_error *make_fresh(struct lp_swap *s, struct lp_table *t, const char *const *options,
                              struct lp_pair *pair)
{
    struct lp_table *now = t;
    LP_TRY(lp_table_renew(s->host, t, &now));
    lp_os_mutex_lock(s->host->finding);
    loop_error *err = lp_object_new(s->host, now, options, &pair->to);
    if (!err)
        pair->to->standing = LP_STAGED;
    lp_os_mutex_unlock(s->host->finding);
    pair->fresh = !err;
    pair->table = t;
    pair->renewed = now == t ? NULL : now;
    if (err && now != t)
        lp_table_drop(s->host, now);
    return err;
}

/* The same chain, each link anew. */
static loop_error *all_anew(struct lp_swap *s)
{
    const struct lp_chain *c = &s->reference->chain;
    for (size_t n = 0; n < c->n; n++) {
        struct lp_provider *from = c->links[n].provider;
        struct lp_pair *pair = &s->pairs[s->pair_count];
        pair->from = from;
        LP_TRY(make_fresh(s, from->origin, (const char *const *)from->options, pair));
        s->links[s->n++] = s->pairs[s->pair_count++].to;
    }
    return NULL;
}

/* The table, and an object of these options that there is already (or NULL). */
static loop_error *find_link(struct lp_swap *s, const loop_link *link, struct lp_table **ret_table,
                             struct lp_provider **ret)
{
    loop_host *h = s->host;
    lp_os_mutex_lock(h->finding);
    loop_error *err = lp_link_check(h, s->want.interface_name, link, ret_table);
    if (!err)
        err = lp_object_find(h, *ret_table, link->options, ret);
    lp_os_mutex_unlock(h->finding);
    return err;
}

static loop_error *add_link(struct lp_swap *s, const loop_link *link, bool last)
{
    struct lp_table *t = NULL;
    struct lp_provider *there = NULL;
    LP_TRY(find_link(s, link, &t, &there));
    bool kept = there && in_chain(&s->reference->chain, there);
    bool joins = there && (!last || s->want.carry == LOOP_CARRY_NONE);
    struct lp_pair *pair = &s->pairs[s->pair_count];
    if (last && !kept)
        pair->from = s->reference->chain.links[s->reference->chain.n - 1].provider;
    if (kept || joins) {
        s->links[s->n++] = pair->to = there;
        s->pair_count += last && !kept;
        return NULL;
    }
    LP_TRY(make_fresh(s, t, link->options, pair));
    s->links[s->n++] = s->pairs[s->pair_count++].to;
    return NULL;
}

static loop_error *as_asked(struct lp_swap *s)
{
    const loop_swap *w = &s->want;
    if (w->count > LP_MAX_CHAIN)
        return loop_error_new(LOOP_LIMIT, "more than %d providers for '%s'", LP_MAX_CHAIN,
                              w->interface_name);
    for (size_t n = 0; n < w->count; n++)
        LP_TRY(add_link(s, &w->links[n], n + 1 == w->count));
    return lp_links_check(s->host, s->component, w->interface_name, s->links, s->n);
}

/* The same chain, with another one at its end. */
static loop_error *with_another_end(struct lp_swap *s)
{
    const struct lp_chain *c = &s->reference->chain;
    while (s->n + 1 < c->n) {
        s->links[s->n] = c->links[s->n].provider;
        s->n++;
    }
    s->pairs[s->pair_count++] = (struct lp_pair){.from = s->old, .to = s->end};
    s->links[s->n++] = s->end;
    return NULL;
}

static bool is_the_same(const struct lp_swap *s)
{
    const struct lp_chain *c = &s->reference->chain;
    bool same = s->n == c->n;
    for (size_t n = 0; same && n < c->n; n++)
        same = c->links[n].provider == s->links[n];
    return same;
}

static char *links_text(struct lp_swap *s)
{
    struct lp_chain c = {.n = s->n};
    for (size_t n = 0; n < s->n; n++)
        c.links[n].provider = s->links[n];
    lp_auto(lp_free_string) char *text = lp_chain_text(&c);
    return lp_arena_strndup(&s->arena, text, strlen(text));
}

loop_error *lp_swap_resolve(struct lp_swap *s)
{
    const struct lp_chain *c = &s->reference->chain;
    s->report.from = lp_arena_strndup(&s->arena, s->reference->text, strlen(s->reference->text));
    s->old = c->links[c->n - 1].provider;
    LP_TRY(s->end ? with_another_end(s) : s->want.links ? as_asked(s) : all_anew(s));
    s->report.to = links_text(s);
    s->new = s->links[s->n - 1];
    if (is_the_same(s))
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "'%s' serves '%s' already",
                                                  s->report.to, s->want.interface_name),
                                   "`loop reload` starts it anew");
    return NULL;
}

/* ---- what changes ---- */

static struct lp_provider *other_of(const struct lp_swap *s, struct lp_provider *p)
{
    for (size_t n = 0; n < s->pair_count; n++)
        if (s->pairs[n].from == p)
            return s->pairs[n].to;
    return p;
}

static bool same_package(const char *full, const char *name)
{
    size_t n = strcspn(name, "/");
    return strncmp(full, name, n) == 0 && full[n] == '/';
}

/* The providers that are to serve a use; false: it stays as it is. */
static bool links_to_be(const struct lp_swap *s, const struct lp_use *use, const char *component,
                        struct lp_provider **ret, size_t *ret_n)
{
    const struct lp_chain *c = &use->gen->chain;
    bool asked = is_of(use, s->want.interface_name);
    bool whole = asked && (s->want.component ? strcmp(component, s->component) == 0
                                             : use->gen == s->reference);
    bool changes = false;
    if (whole && in_chain(c, s->old)) {
        memcpy(ret, s->links, s->n * sizeof *ret);
        *ret_n = s->n;
        return true;
    }
    for (size_t n = 0; n < c->n; n++) {
        ret[n] = other_of(s, c->links[n].provider);
        changes = changes || ret[n] != c->links[n].provider;
    }
    *ret_n = c->n;
    return changes && same_package(use->interface_name, s->want.interface_name);
}

static loop_error *chain_to_be(const struct lp_use *use, struct lp_provider *const *links, size_t n,
                               struct lp_chain *ret)
{
    *ret = (struct lp_chain){.n = n};
    for (size_t i = 0; i < n; i++) {
        const loop_provider_interface *side = lp_side_of(links[i]->table, use->interface_name);
        if (!side && !lp_is_interceptor(links[i]->table))
            return loop_error_new(LOOP_MISSING, "the provider '%s' does not implement '%s'",
                                  links[i]->table->name, use->interface_name);
        ret->links[i] = (struct lp_link){links[i], side};
    }
    ret->interface_name = ret->links[n - 1].side->interface->name;
    return NULL;
}

/* The new generation in the place of one, made once; `finding` is held. */
static struct lp_generation *generation_to_be(struct lp_swap *s, const struct lp_generation *old,
                                              const struct lp_chain *c)
{
    for (size_t n = 0; n < s->changes.n; n++) {
        struct lp_change *x = &s->changes.at[n];
        struct lp_generation *g = x->other;
        if (x->use->gen == old && g && g->chain.n == c->n &&
            memcmp(g->chain.links, c->links, c->n * sizeof c->links[0]) == 0)
            return g;
    }
    struct lp_generation *g = lp_generation_new(s->host, c, old->number + 1);
    g->planned = true;
    return g;
}

static loop_error *add_change(struct lp_swap *s, struct lp_use *use, struct lp_body *b,
                              loop_peer *p, const char *component)
{
    struct lp_provider *links[LP_MAX_CHAIN];
    struct lp_chain c;
    size_t n;
    if (use->gen->drains || !links_to_be(s, use, component, links, &n))
        return NULL;
    LP_TRY(chain_to_be(use, links, n, &c));
    struct lp_generation *g = generation_to_be(s, use->gen, &c);
    *lp_push(&s->changes) = (struct lp_change){.use = use, .body = b, .peer = p, .other = g};
    use->next = g;
    if (use->gen == s->reference)
        s->report.generation = g->number;
    return NULL;
}

static loop_error *add_changes(struct lp_swap *s, struct lp_body *b)
{
    for (size_t n = 0; n < b->uses.n; n++)
        LP_TRY(add_change(s, b->uses.at[n], b, NULL, b->instance->options.name));
    return NULL;
}

/* `finding` is held. */
static void leave(struct lp_swap *s, bool leaves)
{
    for (size_t n = 0; n < s->pair_count; n++)
        if (s->pairs[n].from)
            s->pairs[n].from->leaves = leaves;
}

static loop_error *find_changes(struct lp_swap *s)
{
    loop_host *h = s->host;
    loop_error *err = NULL;
    lp_os_mutex_lock(h->finding);
    leave(s, true); /* until _unplan */
    for (loop_instance *i = lp_instance_first(h); i && !err; i = lp_instance_next(i)) {
        size_t before = s->changes.n;
        struct lp_body *b;
        if (s->alone && i->number != s->alone)
            continue;
        for (int k = 0; !err && (b = lp_body_at(i, k)); k++)
            err = add_changes(s, b);
        s->report.instances += s->changes.n > before;
    }
    for (size_t n = 0; !err && !s->alone && n < h->peers.n; n++)
        err = add_change(s, &h->peers.at[n]->use, NULL, h->peers.at[n], h->peers.at[n]->component);
    lp_os_mutex_unlock(h->finding);
    return err;
}

static loop_error *hops_of_body(struct lp_change *c)
{
    const struct lp_body *b = c->body;
    c->hops = lp_alloc((b->slots.n + 1) * sizeof *c->hops);
    for (size_t n = 0; n < b->slots.n; n++) {
        struct lp_slot *slot = b->slots.at[n];
        size_t first;
        if (slot->use != c->use || !slot->hops)
            continue;
        lp_auto(lp_free_string) char *why = lp_why_not_import(slot, &first);
        if (why)
            return loop_error_new(LOOP_INVALID, "%s of '%s': %s", slot->import->name,
                                  c->use->interface_name, why);
        const struct lp_hop *hops = lp_hops_new(c->other, first, slot->import->name);
        c->hops[c->hop_count++] = (struct lp_hops){&slot->hops, hops};
    }
    return NULL;
}

static loop_error *hops_of_peer(struct lp_change *c)
{
    loop_peer *p = c->peer;
    size_t n = 0;
    while (p->interface->functions[n].name)
        n++;
    c->hops = lp_alloc((n + 1) * sizeof *c->hops);
    const struct lp_hop **hops = lp_alloc((n + 1) * sizeof *hops);
    loop_error *err = lp_peer_hops(p, c->other, hops);
    for (size_t i = 0; i < n && hops[i]; i++)
        c->hops[c->hop_count++] = (struct lp_hops){&p->rows[i].hops, hops[i]};
    free(hops);
    return err;
}

/* Handles that interfaces share must stay of one provider. */
static loop_error *check_shared(const struct lp_swap *s)
{
    for (size_t n = 0; n < s->changes.n; n++) {
        const struct lp_body *b = s->changes.at[n].body;
        for (size_t i = 0; b && i < b->slots.n; i++) {
            const struct lp_slot *slot = b->slots.at[i];
            if (!slot->hops)
                continue;
            loop_error *err = lp_check_handles(b, slot->plan, slot->use);
            if (err)
                return loop_error_wrap(err, "%s of '%s' would take", slot->import->name,
                                       slot->import->interface_name);
        }
    }
    return NULL;
}

static void add_carried(struct lp_swap *s, const loop_interface *from, const loop_interface *to)
{
    for (size_t i = 0; i < s->carried.n; i++)
        if (strcmp(s->carried.at[i].from->name, from->name) == 0)
            return;
    *lp_push(&s->carried) = (struct lp_carried){from, to, false};
}

/*
 * Whose state is carried: each interface of the old one that changes, once; and those of the same
 * package that nobody uses now, where the new one has them: somebody did, or comes while the state
 * is on its way.
 */
static void find_carried(struct lp_swap *s)
{
    for (size_t n = 0; s->old != s->new && n < s->changes.n; n++) {
        const struct lp_chain *from = &s->changes.at[n].use->gen->chain;
        const struct lp_chain *to = &s->changes.at[n].other->chain;
        const loop_provider_interface *a = from->links[from->n - 1].side;
        const loop_provider_interface *b = to->links[to->n - 1].side;
        if (from->links[from->n - 1].provider == s->old)
            add_carried(s, a->interface, b->interface);
    }
    const loop_provider_interface *a = s->old->table->interfaces;
    for (; s->old != s->new && a->interface; a++) {
        lp_auto(lp_free_string) char *full =
            lp_format("%s@%s", a->interface->name, a->interface->version);
        const loop_provider_interface *b = lp_side_of(s->new->table, full);
        if (b && same_package(full, s->want.interface_name))
            add_carried(s, a->interface, b->interface);
    }
}

loop_error *lp_swap_plan(struct lp_swap *s)
{
    s->report.instances = 0;
    LP_TRY(find_changes(s));
    for (size_t n = 0; n < s->changes.n; n++) {
        struct lp_change *c = &s->changes.at[n];
        LP_TRY(c->body ? hops_of_body(c) : hops_of_peer(c));
    }
    LP_TRY(check_shared(s));
    if (s->planned)
        return NULL;
    s->planned = true;
    find_carried(s);
    return s->changes.n ? NULL
                        : loop_error_new(LOOP_NOT_FOUND, "nobody uses '%s' any more",
                                         s->want.interface_name);
}

/* Frees the hops; the generations that are not in place wait for lp_swap_forget. */
static void forget(struct lp_swap *s, bool generations)
{
    for (size_t n = 0; n < s->changes.n; n++) {
        struct lp_change *c = &s->changes.at[n];
        struct lp_generation *g = c->other;
        c->use->next = NULL;
        for (size_t i = 0; i < c->hop_count; i++)
            free((void *)c->hops[i].other);
        free(c->hops);
        for (size_t i = n; generations && i < s->changes.n; i++)
            if (s->changes.at[i].other == g)
                s->changes.at[i].other = NULL;
        if (generations && g)
            *lp_push(&s->unused) = g;
    }
    free(s->changes.at);
    s->changes.at = NULL;
    s->changes.n = s->changes.cap = 0;
}

void lp_swap_unplan(struct lp_swap *s)
{
    lp_os_mutex_lock(s->host->finding);
    leave(s, false);
    forget(s, !s->in_place);
    lp_os_mutex_unlock(s->host->finding);
}

void lp_swap_forget(struct lp_swap *s)
{
    if (s->new_hangs)
        return; /* in one of them, maybe */
    lp_os_mutex_lock(s->host->finding);
    for (size_t n = 0; n < s->unused.n; n++)
        lp_generation_delete(s->host, s->unused.at[n]);
    s->unused.n = 0;
    lp_os_mutex_unlock(s->host->finding);
}

/* ---- there and back ---- */

#define EXCHANGE(type, a, b)                                                                       \
    do {                                                                                           \
        type exchanged = (a);                                                                      \
        (a) = (b);                                                                                 \
        (b) = exchanged;                                                                           \
    } while (0)

static void exchange_use(struct lp_change *c)
{
    lp_os_mutex *lock = c->body ? c->body->lock : c->peer->lock;
    lp_os_mutex_lock(lock);
    EXCHANGE(struct lp_generation *, c->use->gen, c->other);
    c->use->next = NULL;
    for (size_t n = 0; n < c->hop_count; n++)
        EXCHANGE(const struct lp_hop *, *c->hops[n].at, c->hops[n].other);
    for (size_t n = 0; c->body && n < c->body->slots.n; n++)
        if (c->body->slots.at[n]->use == c->use && c->body->slots.at[n]->hops)
            lp_slot_guard(c->body->slots.at[n]); /* another provider may need something else */
    lp_os_mutex_unlock(lock);
}

static void exchange_object(struct lp_moved *m)
{
    const struct lp_change *c = m->change;
    lp_os_mutex *lock = c->body ? c->body->lock : c->peer->lock;
    if (!m->object)
        return;
    lp_os_mutex_lock(lock);
    if (m->of_peer) {
        EXCHANGE(void *, m->of_peer->object, m->object);
        EXCHANGE(struct lp_generation *, m->of_peer->gen, m->gen);
    } else {
        struct lp_held *h = &c->body->held.at[m->number];
        EXCHANGE(void *, h->object, m->object);
        EXCHANGE(struct lp_generation *, h->gen, m->gen);
        EXCHANGE(const struct lp_provider *, h->giver, m->giver);
    }
    lp_os_mutex_unlock(lock);
}

void lp_swap_exchange(struct lp_swap *s)
{
    for (size_t n = 0; n < s->changes.n; n++)
        exchange_use(&s->changes.at[n]);
    for (size_t n = 0; n < s->moved.n; n++)
        exchange_object(&s->moved.at[n]);
    s->in_place = !s->in_place;
}

/* ---- for good ---- */

static void settle_bindings(struct lp_swap *s)
{
    loop_host *h = s->host;
    for (size_t n = 0; n < h->bindings.n; n++) {
        struct lp_binding *b = &h->bindings.at[n];
        for (size_t i = 0; i < b->n && same_package(b->interface_name, s->want.interface_name); i++)
            b->links[i] = other_of(s, b->links[i]);
    }
    for (size_t n = 0; n < s->changes.n; n++) {
        const struct lp_change *c = &s->changes.at[n];
        const char *component = c->body ? c->body->instance->options.name : c->peer->component;
        lp_bind_as(h, component, c->use, s->want.component != NULL);
    }
}

/* Whether a use has it; `changing` and `finding` are held. */
bool lp_generation_is_used(loop_host *h, const struct lp_generation *g)
{
    struct lp_body *b;
    for (loop_instance *i = lp_instance_first(h); i; i = lp_instance_next(i))
        for (int k = 0; (b = lp_body_at(i, k)); k++)
            for (size_t n = 0; n < b->uses.n; n++)
                if (b->uses.at[n]->gen == g)
                    return true;
    for (size_t n = 0; n < h->peers.n; n++)
        if (h->peers.at[n]->use.gen == g)
            return true;
    return false;
}

void lp_swap_settle(struct lp_swap *s)
{
    loop_host *h = s->host;
    uint64_t drain = s->want.drain_ms ? s->want.drain_ms : LP_SWAP_DRAIN_MS;
    lp_os_mutex_lock(h->finding);
    for (size_t n = 0; n < s->pair_count; n++) {
        struct lp_pair *p = &s->pairs[n];
        p->to->standing = LP_SERVES;
        if (p->renewed)
            lp_table_publish(h, p->table, p->renewed);
    }
    if (!s->alone)
        settle_bindings(s);
    for (size_t n = 0; n < s->changes.n; n++) {
        struct lp_generation *old = s->changes.at[n].other;
        s->changes.at[n].use->gen->planned = false;
        if (lp_generation_is_used(h, old))
            continue; /* that have the same chain, and keep it */
        old->drains = true;
        old->drain_until_ns = lp_os_now_ns() + drain * LP_SWAP_MS;
    }
    for (size_t n = 0; n < s->pair_count; n++)
        if (s->pairs[n].from && s->pairs[n].from != s->pairs[n].to)
            lp_provider_retire(s->pairs[n].from);
    h->swapped++;
    lp_os_mutex_unlock(h->finding);
}
