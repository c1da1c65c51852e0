/*
 * host/bind.c: which providers serve an interface.
 *
 * A binding names the objects of a chain; without one, the last table that serves the
 * interface and works here is a chain of one (of those that are linked in). What is found
 * here is fixed when an instance is linked.
 */
#include <stdlib.h>

#include "host/internal.h"

/* ---- bindings ---- */

static bool implements(const loop_provider *p, const char *name)
{
    for (size_t i = 0; p->interfaces && p->interfaces[i].interface; i++)
        if (strcmp(p->interfaces[i].interface->name, name) == 0)
            return true;
    return lp_is_interceptor(p);
}

static bool before(const struct lp_binding *b, const loop_provider *first,
                   const loop_provider *second)
{
    bool seen = false;
    for (size_t i = 0; i < b->n; i++) {
        if (seen && b->links[i]->table == second)
            return true;
        seen = seen || b->links[i]->table == first;
    }
    return false;
}

/* Whether it is what is bound for that component (NULL: for all). */
static bool is_for(const struct lp_binding *b, const char *component, const char *interface_name)
{
    return strcmp(b->interface_name, interface_name) == 0 && !b->component == !component &&
           (!component || strcmp(b->component, component) == 0);
}

/*
 * Each provider once; two that are locked during a call always in one order. What `b` takes the
 * place of does not count.
 */
static loop_error *check_order(const loop_host *h, const struct lp_binding *b,
                               const char *component, const char *interface_name)
{
    for (size_t i = 0; i < b->n; i++) {
        for (size_t j = i + 1; j < b->n; j++) {
            const loop_provider *first = b->links[i]->table, *second = b->links[j]->table;
            if (first == second)
                return loop_error_new(LOOP_USAGE, "the provider '%s' is twice in a chain",
                                      first->name);
            for (size_t k = 0; k < h->bindings.n; k++)
                if (!is_for(&h->bindings.at[k], component, interface_name) &&
                    before(&h->bindings.at[k], second, first))
                    return loop_error_hint_set(
                        loop_error_new(LOOP_USAGE, "'%s' comes before '%s' in the chain of '%s'",
                                       second->name, first->name, h->bindings.at[k].interface_name),
                        "name them in that order here, too: each may wait for the other otherwise");
        }
    }
    return NULL;
}

loop_error *lp_link_check(loop_host *h, const char *interface_name, const loop_link *link,
                          struct lp_table **ret)
{
    struct lp_table *t = *ret = lp_find_table(h, link->provider);
    if (!t)
        return loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "there is no provider '%s'", link->provider),
            "`loop doctor` lists the providers that this host has");
    if (!implements(t->table, interface_name))
        return loop_error_new(LOOP_NOT_FOUND, "the provider '%s' does not implement '%s'",
                              link->provider, interface_name);
    if (t->table->dev_only && h->options.production)
        return loop_error_hint_set(
            loop_error_new(LOOP_DENIED, "the provider '%s' is for development only",
                           link->provider),
            "bind another one to '%s', or use the profile 'dev'", interface_name);
    return NULL;
}

static loop_error *add_bound(loop_host *h, const char *interface_name, const loop_link *link,
                             struct lp_binding *b)
{
    struct lp_table *t;
    LP_TRY(lp_link_check(h, interface_name, link, &t));
    return lp_object_of(h, t, link->options, &b->links[b->n++]);
}

static loop_error *check_links(loop_host *h, const struct lp_binding *b, const char *component,
                               const char *interface_name)
{
    const loop_provider *last = b->links[b->n - 1]->table;
    if (lp_is_interceptor(last))
        return loop_error_hint_set(
            loop_error_new(LOOP_USAGE, "'%s' serves nothing by itself", last->name),
            "name a provider of '%s' behind it", interface_name);
    return check_order(h, b, component, interface_name);
}

loop_error *lp_links_check(loop_host *h, const char *component, const char *interface_name,
                           struct lp_provider *const *links, size_t n)
{
    struct lp_binding b = {.n = n};
    memcpy(b.links, links, n * sizeof *links);
    lp_os_mutex_lock(h->finding);
    loop_error *err = check_links(h, &b, component, interface_name);
    lp_os_mutex_unlock(h->finding);
    return err;
}

static void free_binding(struct lp_binding *b)
{
    free(b->component);
    free(b->interface_name);
}

/* What is bound again is bound anew. */
static void unbind(loop_host *h, const char *component, const char *interface_name)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->bindings.n; i++) {
        struct lp_binding *b = &h->bindings.at[i];
        if (is_for(b, component, interface_name))
            free_binding(b);
        else
            h->bindings.at[kept++] = *b;
    }
    h->bindings.n = kept;
}

static loop_error *bind_chain(loop_host *h, const char *component, const char *interface_name,
                              const loop_link *links, size_t count)
{
    struct lp_binding b = {0};
    if (!count)
        return loop_error_new(LOOP_USAGE, "no provider for '%s'", interface_name);
    if (count > LP_MAX_CHAIN)
        return loop_error_new(LOOP_LIMIT, "more than %d providers for '%s'", LP_MAX_CHAIN,
                              interface_name);
    for (size_t i = 0; i < count; i++)
        LP_TRY(add_bound(h, interface_name, &links[i], &b));
    LP_TRY(check_links(h, &b, component, interface_name));
    unbind(h, component, interface_name);
    b.component = component ? lp_strdup(component) : NULL;
    b.interface_name = lp_strdup(interface_name);
    *lp_push(&h->bindings) = b;
    return NULL;
}

loop_error *loop_host_bind_chain(loop_host *h, const char *component, const char *interface_name,
                                 const loop_link *links, size_t count)
{
    lp_os_mutex_lock(h->finding);
    loop_error *err = bind_chain(h, component, interface_name, links, count);
    lp_os_mutex_unlock(h->finding);
    return err;
}

loop_error *loop_host_bind(loop_host *h, const char *interface_name, const char *provider)
{
    return loop_host_bind_chain(h, NULL, interface_name, &(loop_link){provider, NULL}, 1);
}

/* Whether it is that component, or has loaded it: "notes" has loaded "notes/colors" (child.c). */
static bool is_or_loaded(const char *name, const char *component)
{
    size_t n = strlen(name);
    return strncmp(name, component, n) == 0 && (!component[n] || component[n] == '/');
}

/*
 * The component's own comes first, then what is bound for who loaded it: what stands between that
 * one and a provider stands before all that it loads. Of several, the last.
 */
static struct lp_binding *binding_of(const loop_host *h, const char *component, const char *name)
{
    struct lp_binding *found = NULL;
    for (size_t i = h->bindings.n; i-- > 0;) {
        struct lp_binding *b = &h->bindings.at[i];
        if (strcmp(b->interface_name, name) != 0)
            continue;
        if (b->component && (!component || !is_or_loaded(b->component, component)))
            continue;
        size_t before = found && found->component ? strlen(found->component) : 0;
        if (!found || (b->component && strlen(b->component) > before))
            found = b;
    }
    return found;
}

static void push_binding(loop_host *h, const char *component, const char *name,
                         const struct lp_chain *c)
{
    struct lp_binding *b = lp_push(&h->bindings);
    b->component = component ? lp_strdup(component) : NULL;
    b->interface_name = lp_strdup(name);
    b->n = c->n;
    for (size_t n = 0; n < c->n; n++)
        b->links[n] = c->links[n].provider;
}

void lp_bind_as(loop_host *h, const char *component, const struct lp_use *use, bool own)
{
    const struct lp_chain *c = &use->gen->chain;
    char name[LP_MAX_NAME];
    lp_split_version(use->interface_name, name, sizeof name);
    struct lp_binding *b = binding_of(h, component, name);
    if (!b) {
        push_binding(h, c->n > 1 && own ? component : NULL, name, c);
        return;
    }
    bool same = b->n == c->n;
    for (size_t n = 0; same && n < c->n; n++)
        same = b->links[n] == c->links[n].provider;
    if (same)
        return;
    if (own && (!b->component || strcmp(b->component, component) != 0)) {
        push_binding(h, component, name, c);
        return;
    }
    b->n = c->n;
    for (size_t n = 0; n < c->n; n++)
        b->links[n] = c->links[n].provider;
}

/* ---- who serves what ---- */

const char *lp_split_version(const char *full, char *buf, size_t size)
{
    const char *at = strchr(full, '@');
    size_t n = at ? (size_t)(at - full) : strlen(full);
    n = LP_MIN(n, size - 1);
    memcpy(buf, full, n);
    buf[n] = 0;
    return at ? at + 1 : "";
}

/* "1.2.3" → 3 numbers; false for anything else, such as a pre-release. */
static bool numbers(const char *v, unsigned long n[3])
{
    for (int i = 0; i < 3; i++) {
        char *end;
        if (*v < '0' || *v > '9')
            return false;
        n[i] = strtoul(v, &end, 10);
        if (*end != (i < 2 ? '.' : '\0'))
            return false;
        v = end + (i < 2);
    }
    return true;
}

bool lp_version_serves(const char *offered, const char *wanted)
{
    unsigned long o[3], w[3];
    if (strcmp(offered, wanted) == 0 || !*wanted)
        return true; /* without a version: types are compared all the same */
    if (!numbers(offered, o) || !numbers(wanted, w) || o[0] != w[0])
        return false;
    if (w[0] > 0)
        return true;
    return o[1] == w[1] && (w[1] > 0 || o[2] == w[2]);
}

/* What is looked for, and why nobody was found so far. */
struct search {
    char name[LP_MAX_NAME];
    const char *wanted; /* version */
    lp_buf others;      /* versions that there are */
    lp_buf why_not;     /* what does not work here */
};

/* Whether `version` is one of the versions, with ", " between them. */
static bool is_said(const lp_buf *versions, const char *version)
{
    size_t len = strlen(version);
    for (const char *v = versions->len ? versions->ptr : NULL; v; v = strchr(v, ' ')) {
        v += *v == ' ';
        if (strncmp(v, version, len) == 0 && (v[len] == ',' || !v[len]))
            return true;
    }
    return false;
}

static const loop_provider_interface *side_of(const loop_provider *p, struct search *s)
{
    for (const loop_provider_interface *t = p->interfaces; t && t->interface; t++) {
        if (strcmp(t->interface->name, s->name) != 0)
            continue;
        if (lp_version_serves(t->interface->version, s->wanted))
            return t;
        if (!is_said(&s->others, t->interface->version))
            lp_buf_printf(&s->others, "%s%s", s->others.len ? ", " : "", t->interface->version);
    }
    return NULL;
}

const loop_provider_interface *lp_side_of(const loop_provider *p, const char *full)
{
    struct search s = {0};
    s.wanted = lp_split_version(full, s.name, sizeof s.name);
    const loop_provider_interface *side = side_of(p, &s);
    lp_buf_done(&s.others);
    return side;
}

static bool works_or_say(struct lp_provider *p, struct search *s)
{
    if (lp_works_here(p))
        return true;
    lp_buf_printf(&s->why_not, "%s'%s' does not work here: %s", s->why_not.len ? "; " : "",
                  p->table->name, p->why_not);
    return false;
}

static void find_bound(const struct lp_binding *b, struct search *s, struct lp_chain *ret)
{
    for (size_t i = 0; i < b->n; i++) {
        const loop_provider_interface *side = side_of(b->links[i]->table, s);
        if (!side && !lp_is_interceptor(b->links[i]->table))
            continue; /* another version of the interface */
        if (!works_or_say(b->links[i], s)) {
            ret->n = 0; /* a link that somebody put there is not left out */
            return;
        }
        ret->links[ret->n++] = (struct lp_link){b->links[i], side};
    }
    if (ret->n && !ret->links[ret->n - 1].side)
        ret->n = 0; /* what is behind the interceptor serves another version */
}

static void find_unbound(loop_host *h, struct search *s, struct lp_chain *ret)
{
    for (size_t i = h->tables.n; i-- > 0 && !ret->n;) {
        struct lp_table *t = h->tables.at[i];
        const loop_provider_interface *side = side_of(t->table, s);
        struct lp_provider *p;
        if (!side || t->tier == LOOP_TIER_LIBRARY || t->tier == LOOP_TIER_SIDECAR ||
            t->tier == LOOP_TIER_COMPONENT)
            continue; /* those serve what they are bound to */
        if (t->table->dev_only && h->options.production) {
            lp_buf_printf(&s->why_not, "%s'%s' is for development only", s->why_not.len ? "; " : "",
                          t->table->name);
            continue;
        }
        loop_error *err = lp_object_of(h, t, NULL, &p);
        if (err)
            lp_buf_printf(&s->why_not, "%s%s", s->why_not.len ? "; " : "", loop_error_message(err));
        else if (works_or_say(p, s))
            ret->links[ret->n++] = (struct lp_link){p, side};
        loop_error_delete(err);
    }
}

static char *why_nobody(const struct search *s, const char *full)
{
    if (s->why_not.len)
        return lp_strdup(s->why_not.ptr);
    if (s->others.len)
        return lp_format("no provider has version %s of '%s'; there is %s",
                         *s->wanted ? s->wanted : "(none)", s->name, s->others.ptr);
    if (!*full)
        return lp_strdup("a function of the world itself, which no provider has");
    return lp_format("no provider implements '%s'", full);
}

bool lp_host_find(loop_host *h, const char *component, const char *full, struct lp_chain *ret,
                  const char **ret_version, char **ret_why)
{
    struct search s = {0};
    s.wanted = lp_split_version(full, s.name, sizeof s.name);
    *ret = (struct lp_chain){0};
    lp_os_mutex_lock(h->finding);
    const struct lp_binding *b = binding_of(h, component, s.name);
    if (b)
        find_bound(b, &s, ret);
    else
        find_unbound(h, &s, ret);
    lp_os_mutex_unlock(h->finding);
    if (ret->n) {
        const loop_interface *last = ret->links[ret->n - 1].side->interface;
        ret->interface_name = last->name;
        *ret_version = last->version;
    } else {
        *ret_why = why_nobody(&s, full);
    }
    lp_buf_done(&s.others);
    lp_buf_done(&s.why_not);
    return ret->n > 0;
}

char *lp_chain_text(const struct lp_chain *c)
{
    lp_buf text = {0};
    for (size_t n = 0; n < c->n; n++)
        lp_buf_printf(&text, "%s%s", n ? " > " : "", c->links[n].provider->table->name);
    return lp_buf_take(&text);
}

loop_tier lp_chain_tier(const struct lp_chain *c)
{
    for (size_t n = 0; n < c->n; n++)
        if (c->links[n].side)
            return c->links[n].provider->tier;
    return LOOP_TIER_STUB;
}

/* Whether the table has something there: function pointers have one size. */
static bool is_filled(const void *functions, size_t offset)
{
    void (*f)(void);
    memcpy(&f, (const char *)functions + offset, sizeof f);
    return f != NULL;
}

static const loop_function *own_function(const loop_provider_interface *side, const char *name)
{
    for (const loop_function *f = side->interface->functions; f->name; f++)
        if (strcmp(f->name, name) == 0)
            return !side->functions || is_filled(side->functions, f->offset) ? f : NULL;
    return NULL;
}

struct lp_served lp_find_function(const struct lp_chain *c, size_t link, const char *name)
{
    bool passes = !c->links[link].side; /* an interceptor has what is behind it */
    for (; link < c->n; link++) {
        const loop_provider_interface *side = c->links[link].side;
        const loop_function *f = side ? own_function(side, name) : NULL;
        if (f || !passes)
            return (struct lp_served){side->interface, f};
    }
    return (struct lp_served){0};
}

struct lp_hop *lp_hops_new(const struct lp_generation *g, size_t link, const char *name)
{
    const struct lp_chain *c = &g->chain;
    struct lp_hop *hops = lp_alloc((c->n - link + 1) * sizeof *hops);
    for (size_t n = 0; link < c->n; link++) {
        struct lp_served served = lp_find_function(c, link, name);
        const struct lp_link *l = &c->links[link];
        if (!served.function)
            continue;
        hops[n] = (struct lp_hop){
            .link = link, .served = served, .gen = g, .need = lp_need_own(l, &served)};
        if (l->side && l->side->functions && l->provider->table->threads == LOOP_THREADS_ANY) {
            hops[n].call = served.function->call;
            hops[n].functions = l->side->functions;
            hops[n].self = l->provider->self;
        }
        n++;
    }
    return hops;
}

const loop_resource *lp_find_resource(const struct lp_link *l, const char *name)
{
    const loop_resource *r = l->side ? l->side->interface->resources : NULL;
    for (; r && r->name; r++) {
        if (strcmp(r->name, name) != 0)
            continue;
        bool drops = l->side->functions ? is_filled(l->side->functions, r->offset)
                                        : l->provider->table->drop != NULL;
        return drops ? r : NULL;
    }
    return NULL;
}

char *lp_nearest_interface(loop_host *h, const char *full)
{
    char name[LP_MAX_NAME];
    lp_split_version(full, name, sizeof name);
    const char *best = NULL;
    unsigned distance = (unsigned)strlen(name) / 3 + 1;
    lp_os_mutex_lock(h->finding); /* others add tables, and take them away */
    for (size_t i = 0; i < h->tables.n; i++) {
        const loop_provider_interface *t = h->tables.at[i]->table->interfaces;
        for (; t && t->interface; t++) {
            unsigned d = lp_edit_distance(name, t->interface->name);
            if (d && d < distance) {
                distance = d;
                best = t->interface->name;
            }
        }
    }
    char *copy = best ? lp_strdup(best) : NULL;
    lp_os_mutex_unlock(h->finding);
    return copy;
}

/* ---- generations ---- */

static bool same_chain(const struct lp_chain *a, const struct lp_chain *b)
{
    bool same = a->n == b->n && a->interface_name == b->interface_name;
    for (size_t n = 0; same && n < a->n; n++)
        same = a->links[n].provider == b->links[n].provider && a->links[n].side == b->links[n].side;
    return same;
}

struct lp_generation *lp_generation_new(loop_host *h, const struct lp_chain *c, uint32_t number)
{
    struct lp_generation *g = lp_alloc(sizeof *g);
    *g = (struct lp_generation){.chain = *c, .text = lp_chain_text(c), .number = number};
    *lp_push(&h->generations) = g;
    return g;
}

struct lp_generation *lp_generation_of(loop_host *h, const struct lp_chain *c)
{
    for (size_t n = 0; n < h->generations.n; n++)
        if (!h->generations.at[n]->drains && !h->generations.at[n]->planned &&
            same_chain(&h->generations.at[n]->chain, c))
            return h->generations.at[n];
    return lp_generation_new(h, c, 1);
}

struct lp_generation *lp_generation_drains(loop_host *h, const struct lp_chain *c)
{
    for (size_t n = 0; n < h->generations.n; n++)
        if (h->generations.at[n]->drains && same_chain(&h->generations.at[n]->chain, c))
            return h->generations.at[n];
    return NULL;
}

bool lp_chain_beside(const struct lp_chain *c, const char *full, struct lp_chain *ret)
{
    size_t package = strcspn(full, "/");
    if (strncmp(c->interface_name, full, package + 1) != 0)
        return false;
    *ret = (struct lp_chain){.n = c->n};
    for (size_t n = 0; n < c->n; n++)
        ret->links[n] =
            (struct lp_link){c->links[n].provider, lp_side_of(c->links[n].provider->table, full)};
    const loop_provider_interface *last = ret->links[c->n - 1].side;
    ret->interface_name = last ? last->interface->name : NULL;
    return last != NULL;
}

void lp_generation_delete(loop_host *h, struct lp_generation *g)
{
    for (size_t n = 0; n < h->generations.n; n++) {
        if (h->generations.at[n] != g)
            continue;
        h->generations.at[n] = h->generations.at[--h->generations.n];
        free(g->text);
        free(g);
        return;
    }
}

void lp_bindings_done(loop_host *h)
{
    while (h->generations.n)
        lp_generation_delete(h, h->generations.at[0]);
    free(h->generations.at);
    for (size_t i = 0; i < h->bindings.n; i++)
        free_binding(&h->bindings.at[i]);
    free(h->bindings.at);
}
