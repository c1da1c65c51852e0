/*
 * host/provider.c: providers, their options and objects, and who serves what.
 *
 * A table that was added is what code there is; an object (struct lp_provider) is what
 * `open` made of it with one set of options. A binding names the objects of a chain;
 * without one, the last table that serves the interface and works here is a chain of one.
 * What is found here is fixed when an instance is linked.
 */
#include <stdlib.h>

#include "base/option.h"
#include "base/path.h"
#include "host/internal.h"

/* ---- what is handed to a provider ---- */

static void service_log(void *data, const loop_log_entry *entry)
{
    loop_host *h = ((struct lp_provider *)data)->host;
    if (entry->level >= h->options.log_level)
        h->hooks.log(h, entry);
}

static bool service_log_enabled(void *data, loop_log_level level)
{
    return level >= ((struct lp_provider *)data)->host->options.log_level;
}

/* The row of an option; SIZE_MAX where there is none. */
static size_t option_row(const loop_provider *p, const char *name)
{
    for (size_t i = 0; p->options && p->options[i].name; i++)
        if (strcmp(p->options[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}

static const char *service_option(void *data, const char *name)
{
    const struct lp_provider *p = data;
    size_t i = option_row(p->table, name);
    if (i == SIZE_MAX)
        return NULL;
    return p->values[i] ? p->values[i] : p->table->options[i].fallback;
}

static uint64_t service_option_number(void *data, const char *name)
{
    const struct lp_provider *p = data;
    size_t i = option_row(p->table, name);
    const loop_provider_option *row = i == SIZE_MAX ? NULL : &p->table->options[i];
    return row ? lp_option_number(row->type, row->values, service_option(data, name)) : 0;
}

/* ---- adding ---- */

/* What generated code never gets wrong, and tables written by hand may. */
static loop_error *check_side(const loop_provider *p, const loop_provider_interface *side)
{
    const loop_interface *t = side->interface;
    if (t->abi != LOOP_ABI)
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "the provider '%s' has '%s' for ABI %u; this host has %u",
                           p->name, t->name, t->abi, LOOP_ABI),
            "generate it again with this host's `loop bindgen c-host`");
    if (!side->functions && !p->call)
        return loop_error_new(LOOP_INVALID, "the provider '%s' has no functions for '%s'", p->name,
                              t->name);
    for (const loop_function *f = t->functions; f->name; f++)
        if (!f->type || (side->functions && !f->call))
            return loop_error_new(LOOP_INVALID,
                                  "the provider '%s' has no type or no function for '%s' of '%s'",
                                  p->name, f->name, t->name);
    return NULL;
}

static loop_error *check_options(const loop_provider *p)
{
    for (const loop_provider_option *o = p->options; o && o->name; o++) {
        lp_auto(lp_free_string) char *expected =
            o->fallback ? lp_option_expected(o->type, o->values, o->fallback) : NULL;
        if (expected)
            return loop_error_new(LOOP_INVALID, "the provider '%s' falls back to %s for '%s': %s",
                                  p->name, o->fallback, o->name, expected);
    }
    return NULL;
}

static bool is_interceptor(const loop_provider *p)
{
    return !p->interfaces || !p->interfaces[0].interface;
}

loop_error *lp_host_provider_add(loop_host *h, const loop_provider *table, loop_tier tier)
{
    if (table->abi != LOOP_PROVIDER_ABI)
        return loop_error_new(LOOP_INVALID, "a provider for ABI %u; this host has ABI %u",
                              table->abi, LOOP_PROVIDER_ABI);
    if (is_interceptor(table) && !table->call)
        return loop_error_new(LOOP_INVALID, "the provider '%s' has neither interfaces nor 'call'",
                              table->name);
    for (size_t i = 0; table->interfaces && table->interfaces[i].interface; i++)
        LP_TRY(check_side(table, &table->interfaces[i]));
    LP_TRY(check_options(table));
    for (size_t i = 0; i < h->tables.n; i++)
        if (strcmp(h->tables.at[i].table->name, table->name) == 0)
            return loop_error_new(LOOP_INVALID, "there is a provider '%s' already", table->name);
    *lp_push(&h->tables) = (struct lp_table){table, tier};
    return NULL;
}

loop_error *loop_host_provider_add(loop_host *h, const loop_provider *table)
{
    return lp_host_provider_add(h, table, LOOP_TIER_BUILTIN);
}

const loop_provider *loop_host_provider_at(const loop_host *h, size_t i)
{
    return i < h->tables.n ? h->tables.at[i].table : NULL;
}

static const struct lp_table *find_table(const loop_host *h, const char *name)
{
    for (size_t i = 0; i < h->tables.n; i++)
        if (strcmp(h->tables.at[i].table->name, name) == 0)
            return &h->tables.at[i];
    return NULL;
}

/* ---- objects ---- */

static size_t option_count(const loop_provider *p)
{
    size_t n = 0;
    while (p->options && p->options[n].name)
        n++;
    return n;
}

static void free_values(char **values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(values[i]);
    free(values);
}

static loop_error *no_option(const loop_provider *p, const char *name)
{
    lp_buf names = {0};
    for (size_t i = 0; i < option_count(p); i++)
        lp_buf_printf(&names, "%s%s", i ? ", " : "", p->options[i].name);
    loop_error *err =
        loop_error_new(LOOP_NOT_FOUND, "the provider '%s' has no option '%s'", p->name, name);
    err = names.len ? loop_error_hint_set(err, "it has: %s", names.ptr)
                    : loop_error_hint_set(err, "it has none");
    lp_buf_done(&names);
    return err;
}

/* From the host's directory, and inside of it where that is asked for; malloced. */
static loop_error *resolve_path(const loop_host *h, const loop_provider *p,
                                const loop_provider_option *o, const char *text, char **ret)
{
    lp_auto(lp_free_string) char *start = lp_os_realpath(h->directory ? h->directory : ".");
    lp_auto(lp_free_string) char *whole = start ? lp_path_join(start, text) : NULL;
    lp_auto(lp_free_string) char *normal = whole ? lp_path_normal(whole) : NULL;
    lp_auto(lp_free_string) char *real = normal ? lp_path_real(normal) : NULL;
    if (!real)
        return loop_error_new(LOOP_INVALID, "no path for '%s' of '%s': '%.256s'", o->name, p->name,
                              text);
    if (h->options.confine && !lp_path_inside(real, start))
        return loop_error_hint_set(loop_error_new(LOOP_DENIED,
                                                  "'%s' of '%s' leads out of '%s': '%.256s'",
                                                  o->name, p->name, start, text),
                                   "a workspace has no directory outside itself");
    *ret = lp_take(&real);
    return NULL;
}

/* The text of each row of the table, or NULL; of paths, also what a row falls back to. */
static loop_error *read_options(const loop_host *h, const loop_provider *p,
                                const char *const *options, char **ret)
{
    for (size_t i = 0; options && options[i]; i += 2) {
        size_t row = option_row(p, options[i]);
        if (row == SIZE_MAX)
            return no_option(p, options[i]);
        const loop_provider_option *o = &p->options[row];
        lp_auto(lp_free_string) char *expected =
            lp_option_expected(o->type, o->values, options[i + 1]);
        if (expected)
            return loop_error_new(LOOP_INVALID, "expected %s for '%s' of '%s', found '%.64s'",
                                  expected, o->name, p->name, options[i + 1]);
        free(ret[row]);
        ret[row] = lp_strdup(options[i + 1]);
    }
    for (size_t row = 0; row < option_count(p); row++) {
        const loop_provider_option *o = &p->options[row];
        lp_auto(lp_free_string) char *text = NULL;
        if (strcmp(o->type, "path") != 0 || (!ret[row] && !o->fallback))
            continue;
        text = ret[row] ? lp_take(&ret[row]) : lp_strdup(o->fallback);
        LP_TRY(resolve_path(h, p, o, text, &ret[row]));
    }
    return NULL;
}

static bool same_values(char *const *a, char *const *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!a[i] != !b[i] || (a[i] && strcmp(a[i], b[i]) != 0))
            return false;
    return true;
}

/* The object of these options: one that is there already, or a new one, not opened yet. */
static loop_error *object_of(loop_host *h, const struct lp_table *t, const char *const *options,
                             struct lp_provider **ret)
{
    size_t n = option_count(t->table);
    char **values = lp_alloc((n + 1) * sizeof *values);
    loop_error *err = read_options(h, t->table, options, values);
    for (size_t i = 0; !err && i < h->providers.n; i++) {
        struct lp_provider *p = h->providers.at[i];
        if (p->table == t->table && same_values(p->values, values, n)) {
            free_values(values, n);
            *ret = p;
            return NULL;
        }
    }
    if (err) {
        free_values(values, n);
        return err;
    }
    struct lp_provider *p = lp_alloc(sizeof *p);
    *p = (struct lp_provider){.host = h,
                              .table = t->table,
                              .tier = t->tier,
                              .values = values,
                              .serial = lp_os_mutex_new()};
    p->services = (loop_services){.abi = LOOP_PROVIDER_ABI,
                                  .host = p,
                                  .log = service_log,
                                  .log_enabled = service_log_enabled,
                                  .option = service_option,
                                  .option_number = service_option_number};
    *lp_push(&h->providers) = p;
    *ret = p;
    return NULL;
}

/* Whether it works here; asked once. */
static bool works(struct lp_provider *p)
{
    if (!p->looked && p->table->detect) {
        loop_error *err = p->table->detect(&p->services);
        if (err)
            p->why_not = lp_strdup(loop_error_message(err));
        loop_error_delete(err);
    }
    p->looked = true;
    return !p->why_not;
}

static loop_error *open_provider(struct lp_provider *p)
{
    if (p->opened)
        return NULL;
    if (p->table->open) {
        loop_error *err = p->table->open(&p->services, &p->self);
        if (err)
            return loop_error_wrap(err, "cannot open the provider '%s'", p->table->name);
    }
    p->opened = true;
    return NULL;
}

loop_error *lp_chain_open(const struct lp_chain *c)
{
    loop_error *err = NULL;
    for (size_t n = 0; !err && n < c->n; n++) {
        loop_host *h = c->links[n].provider->host;
        lp_os_mutex_lock(h->finding);
        err = open_provider(c->links[n].provider);
        lp_os_mutex_unlock(h->finding);
    }
    return err;
}

static void free_binding(struct lp_binding *b)
{
    free(b->component);
    free(b->interface_name);
}

void lp_providers_done(loop_host *h)
{
    for (size_t i = h->providers.n; i-- > 0;) { /* an adapter before what it stands on */
        struct lp_provider *p = h->providers.at[i];
        if (p->opened && p->table->close)
            p->table->close(p->self);
        lp_os_mutex_delete(p->serial);
        free_values(p->values, option_count(p->table));
        free(p->why_not);
        free(p);
    }
    free(h->providers.at);
    for (size_t i = 0; i < h->bindings.n; i++)
        free_binding(&h->bindings.at[i]);
    free(h->bindings.at);
    free(h->tables.at);
    lp_os_mutex_delete(h->finding);
}

/* ---- bindings ---- */

static bool implements(const loop_provider *p, const char *name)
{
    for (size_t i = 0; p->interfaces && p->interfaces[i].interface; i++)
        if (strcmp(p->interfaces[i].interface->name, name) == 0)
            return true;
    return is_interceptor(p);
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

/* Each provider once; two that are locked during a call always in one order. */
static loop_error *check_order(const loop_host *h, const struct lp_binding *b)
{
    for (size_t i = 0; i < b->n; i++) {
        for (size_t j = i + 1; j < b->n; j++) {
            const loop_provider *first = b->links[i]->table, *second = b->links[j]->table;
            if (first == second)
                return loop_error_new(LOOP_USAGE, "the provider '%s' is twice in a chain",
                                      first->name);
            for (size_t k = 0; k < h->bindings.n; k++)
                if (before(&h->bindings.at[k], second, first))
                    return loop_error_hint_set(
                        loop_error_new(LOOP_USAGE, "'%s' comes before '%s' in the chain of '%s'",
                                       second->name, first->name, h->bindings.at[k].interface_name),
                        "name them in that order here, too: each may wait for the other otherwise");
        }
    }
    return NULL;
}

static loop_error *add_bound(loop_host *h, const char *interface_name, const loop_link *link,
                             struct lp_binding *b)
{
    const struct lp_table *t = find_table(h, link->provider);
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
    return object_of(h, t, link->options, &b->links[b->n++]);
}

/* What is bound again is bound anew. */
static void unbind(loop_host *h, const char *component, const char *interface_name)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->bindings.n; i++) {
        struct lp_binding *b = &h->bindings.at[i];
        bool same = strcmp(b->interface_name, interface_name) == 0 && !b->component == !component &&
                    (!component || strcmp(b->component, component) == 0);
        if (same)
            free_binding(b);
        else
            h->bindings.at[kept++] = *b;
    }
    h->bindings.n = kept;
}

loop_error *loop_host_bind_chain(loop_host *h, const char *component, const char *interface_name,
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
    if (is_interceptor(b.links[count - 1]->table))
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "'%s' serves nothing by itself",
                                                  b.links[count - 1]->table->name),
                                   "name a provider of '%s' behind it", interface_name);
    unbind(h, component, interface_name);
    LP_TRY(check_order(h, &b));
    b.component = component ? lp_strdup(component) : NULL;
    b.interface_name = lp_strdup(interface_name);
    *lp_push(&h->bindings) = b;
    return NULL;
}

loop_error *loop_host_bind(loop_host *h, const char *interface_name, const char *provider)
{
    return loop_host_bind_chain(h, NULL, interface_name, &(loop_link){provider, NULL}, 1);
}

/* The component's own comes first; of several, the last. */
static const struct lp_binding *binding_of(const loop_host *h, const char *component,
                                           const char *name)
{
    const struct lp_binding *general = NULL;
    for (size_t i = h->bindings.n; i-- > 0;) {
        const struct lp_binding *b = &h->bindings.at[i];
        if (strcmp(b->interface_name, name) != 0)
            continue;
        if (b->component && component && strcmp(b->component, component) == 0)
            return b;
        if (!b->component && !general)
            general = b;
    }
    return general;
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

static const loop_provider_interface *side_of(const loop_provider *p, struct search *s)
{
    for (const loop_provider_interface *t = p->interfaces; t && t->interface; t++) {
        if (strcmp(t->interface->name, s->name) != 0)
            continue;
        if (lp_version_serves(t->interface->version, s->wanted))
            return t;
        lp_buf_printf(&s->others, "%s%s", s->others.len ? ", " : "", t->interface->version);
    }
    return NULL;
}

static bool works_or_say(struct lp_provider *p, struct search *s)
{
    if (works(p))
        return true;
    lp_buf_printf(&s->why_not, "%s'%s' does not work here: %s", s->why_not.len ? "; " : "",
                  p->table->name, p->why_not);
    return false;
}

static void find_bound(const struct lp_binding *b, struct search *s, struct lp_chain *ret)
{
    for (size_t i = 0; i < b->n; i++) {
        const loop_provider_interface *side = side_of(b->links[i]->table, s);
        if (!side && !is_interceptor(b->links[i]->table))
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
        const struct lp_table *t = &h->tables.at[i];
        const loop_provider_interface *side = side_of(t->table, s);
        struct lp_provider *p;
        if (!side)
            continue;
        if (t->table->dev_only && h->options.production) {
            lp_buf_printf(&s->why_not, "%s'%s' is for development only", s->why_not.len ? "; " : "",
                          t->table->name);
            continue;
        }
        loop_error *err = object_of(h, t, NULL, &p);
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

const char *lp_nearest_interface(loop_host *h, const char *full)
{
    char name[LP_MAX_NAME];
    lp_split_version(full, name, sizeof name);
    const char *best = NULL;
    unsigned distance = (unsigned)strlen(name) / 3 + 1;
    for (size_t i = 0; i < h->tables.n; i++) {
        const loop_provider_interface *t = h->tables.at[i].table->interfaces;
        for (; t && t->interface; t++) {
            unsigned d = lp_edit_distance(name, t->interface->name);
            if (d && d < distance) {
                distance = d;
                best = t->interface->name;
            }
        }
    }
    return best;
}
