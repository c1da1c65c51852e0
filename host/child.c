/*
 * host/child.c: components that a component loads while it runs (loop:pkg/loader).
 *
 * A child is what serves in a slot (backend.h), made by a call of its parent instead of loop.yaml:
 * a table that is not found by name, an object of it, an instance and a thread. It gets the grants
 * of its parent that were named, and every denial; of each limit the lower of its parent's and the
 * lowest class's; never starts again by itself; and goes when its parent lets go of it or ends.
 *
 * `serve` is a swap of one import of the parent's, and of nobody else's, that the keeper makes
 * while the parent waits in the call. To end a child takes longer than a drop may: it is told to
 * end at once, and the keeper does the rest.
 */
#include <stdlib.h>

#include "host/backend.h"
#include "host/swap.h"

struct loop_child {
    loop_host *host;
    uint64_t parent; /* the instance's number */
    char *name;
    lp_backend_table *table;
    struct lp_table *origin;
    struct lp_provider *provider;
    loop_child *next;
};

void loop_host_packages(loop_host *h, loop_package_finder *find, void *data)
{
    h->find_package = find;
    h->find_package_data = data;
}

/* ---- names and numbers ---- */

static loop_error *check_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    if (n && !name[n] && n <= 64)
        return NULL;
    return loop_error_new(
        LOOP_USAGE, "'%.64s' is no name: it has letters, digits, '-' and '_', 64 at most", name);
}

/* `finding` is held. */
static loop_error *count(const loop_host *h, const loop_instance *parent, const char *name)
{
    size_t all = 0, own = 0;
    for (const loop_child *c = h->children; c; c = c->next) {
        all++;
        own += c->parent == parent->number;
        if (c->parent == parent->number && strcmp(c->name, name) == 0)
            return loop_error_new(LOOP_USAGE, "there is a component '%s' already", name);
    }
    if (own >= LP_MAX_CHILDREN)
        return loop_error_new(LOOP_LIMIT, "'%s' has loaded %d components, the most there may be",
                              parent->options.name, LP_MAX_CHILDREN);
    if (all >= LP_MAX_CHILDREN_OF_HOST)
        return loop_error_new(LOOP_LIMIT, "%d components are loaded, the most there may be",
                              LP_MAX_CHILDREN_OF_HOST);
    return NULL;
}

/* Takes its name. */
static loop_error *child_new(loop_instance *parent, const char *name, loop_child **ret)
{
    loop_host *h = parent->host;
    LP_TRY(check_name(name));
    if (lp_keeper_ends(h))
        return loop_error_new(LOOP_CANCELLED, "the host ends");
    if (parent->depth >= LP_MAX_CHILD_DEPTH)
        return loop_error_new(LOOP_LIMIT, "components loaded each other %u deep", parent->depth);
    lp_os_mutex_lock(h->finding);
    loop_error *err = count(h, parent, name);
    if (!err) {
        loop_child *c = lp_alloc(sizeof *c);
        *c = (loop_child){h, parent->number, lp_strdup(name), .next = h->children};
        *ret = h->children = c;
    }
    lp_os_mutex_unlock(h->finding);
    return err;
}

/* `finding` is held. */
static void unlist(loop_child *c)
{
    loop_child **at = &c->host->children;
    while (*at && *at != c)
        at = &(*at)->next;
    if (*at)
        *at = c->next;
}

static void child_free(loop_child *c)
{
    free(c->name);
    free(c);
}

void lp_children_done(loop_host *h)
{
    while (h->children) {
        loop_child *c = h->children;
        h->children = c->next;
        child_free(c);
    }
}

/* ---- what it may do ---- */

static const struct {
    const char *name;
    loop_grant_kind kind;
} kinds[] = {{"dirs", LOOP_GRANT_DIR},          {"env", LOOP_GRANT_ENV},
             {"http", LOOP_GRANT_HTTP},         {"net", LOOP_GRANT_NET},
             {"packages", LOOP_GRANT_PACKAGES}, {"storage", LOOP_GRANT_STORAGE},
             {"listen", LOOP_GRANT_LISTEN},     {"log", LOOP_GRANT_LOG},
             {"needs", LOOP_GRANT_NEED}};

static bool has_grant(const loop_instance *parent, loop_grant_kind kind)
{
    const loop_grant *g;
    const loop_policy *p = parent->options.policy;
    for (size_t i = 0; p && (g = parent->host->hooks.grant_at(p, i)); i++)
        if (g->kind == kind && !g->deny)
            return true;
    return false;
}

static loop_error *read_grants(const loop_instance *parent, const char *const *grants,
                               unsigned *ret)
{
    for (size_t i = 0; grants && grants[i]; i++) {
        size_t k = 0;
        while (k < LP_COUNT(kinds) && strcmp(kinds[k].name, grants[i]) != 0)
            k++;
        if (k == LP_COUNT(kinds))
            return loop_error_new(LOOP_USAGE,
                                  "'%.64s' is no kind of grant that is passed on; there are dirs, "
                                  "env, http, net, packages, storage, listen, log and needs",
                                  grants[i]);
        if (!has_grant(parent, kinds[k].kind))
            return loop_error_new(LOOP_DENIED, "'%s' has no grant '%s' to pass on",
                                  parent->options.name, grants[i]);
        *ret |= 1u << kinds[k].kind;
    }
    return NULL;
}

void lp_host_lowest_limits(loop_host *h, const loop_limits *l)
{
    h->lowest = *l;
    for (size_t i = 0; i < LOOP_MAX_COUNT; i++) {
        const char *source = l->of[i].origin.source;
        h->lowest.of[i].origin.source = source ? lp_host_name(h, source) : NULL;
    }
}

/* What is said of one is where that one can be raised: no row of its own could raise a class's. */
static loop_limits lower_limits(const loop_instance *parent)
{
    loop_limits lowest = parent->host->lowest, l = parent->limits;
    lp_limits_fill(&lowest);
    for (size_t i = 0; i < LOOP_MAX_COUNT; i++) {
        if (lowest.of[i].value >= l.of[i].value)
            continue;
        l.of[i] = lowest.of[i];
        l.of[i].own = true;
        if (!l.of[i].origin.source)
            l.of[i].origin.source = "the class 'untrusted'";
    }
    return l;
}

/* Who has its parent's store is its parent there: quota and keys are not multiplied. */
static loop_error *make_table(loop_child *c, const loop_instance *parent, const char *path,
                              unsigned granted)
{
    const loop_instance_options *o = &parent->options;
    bool shares = granted & 1u << LOOP_GRANT_STORAGE;
    lp_auto(lp_free_string) char *name = lp_format("%s/%s", o->name, c->name);
    lp_auto(lp_free_string) char *own = lp_format("%s/%s", o->identity, c->name);
    loop_policy *policy = o->policy ? c->host->hooks.policy_part(o->policy, granted) : NULL;
    const loop_limits limits = lower_limits(parent);
    const loop_instance_options options = {
        .name = name,
        .identity = shares ? o->identity : own,
        .owner = shares ? o->owner : NULL,
        .policy = policy,
        .optional = o->optional, /* nobody else says what it can do without */
        .limits = &limits,
        .grace_ms = o->grace_ms,
    };
    loop_error *err = lp_backend_table_new(c->host, path, &options, true, &c->table);
    if (policy)
        c->host->hooks.policy_unref(policy);
    if (err)
        return err;
    c->table->depth = parent->depth + 1;
    c->table->provider.name = lp_arena_strndup(&c->table->arena, name, strlen(name));
    return NULL;
}

/* ---- starting ---- */

static loop_error *make_object(loop_child *c)
{
    loop_host *h = c->host;
    const lp_table_life life = {.end = lp_backend_table_end, .data = c->table};
    lp_os_mutex_lock(h->finding);
    c->origin = lp_table_add_hidden(h, &c->table->provider, LOOP_TIER_COMPONENT, &life);
    loop_error *err = lp_object_new(h, c->origin, NULL, &c->provider);
    if (!err) {
        c->provider->kept = true; /* until it is dropped, whoever takes its place */
        err = lp_provider_open(c->provider);
    }
    lp_os_mutex_unlock(h->finding);
    return err;
}

static loop_error *lock_changing(const loop_instance *parent)
{
    while (!lp_os_mutex_try(parent->host->changing)) {
        if (lp_instance_must_end(parent))
            return loop_error_new(LOOP_CANCELLED, "stopped while it waited for a swap");
        lp_os_sleep_ms(1);
    }
    return NULL;
}

static loop_error *start(loop_child *c, const loop_instance *parent)
{
    LP_TRY(lp_backend_table_prepare(c->table));
    LP_TRY(make_object(c));
    LP_TRY(lock_changing(parent));
    loop_error *err = lp_provider_ready(c->provider, true);
    lp_os_mutex_unlock(c->host->changing);
    return err;
}

/* One that was not started, or has ended. Nobody has it. */
static void discard(loop_child *c)
{
    loop_host *h = c->host;
    if (c->provider)
        lp_provider_close(c->provider);
    lp_os_mutex_lock(h->finding);
    unlist(c);
    if (c->provider)
        lp_object_delete(c->provider);
    lp_os_mutex_unlock(h->finding);
    if (c->origin)
        lp_table_drop(h, c->origin);
    else if (c->table)
        lp_backend_table_delete(c->table);
    child_free(c);
}

static loop_error *find(const loop_instance *parent, const loop_child_wish *wish, char **ret)
{
    const loop_host *h = parent->host;
    if (!h->find_package)
        return loop_error_hint_set(loop_error_new(LOOP_UNAVAILABLE, "this host has no packages"),
                                   "a host says where they are with loop_host_packages");
    return h->find_package(h->find_package_data, wish, ret);
}

loop_error *loop_call_load(loop_call *call, const loop_child_wish *wish, loop_child **ret)
{
    loop_instance *parent = lp_call_body(call)->instance;
    lp_auto(lp_free_string) char *path = NULL;
    unsigned granted = 0;
    loop_child *c = NULL;
    LP_TRY(read_grants(parent, wish->grants, &granted));
    LP_TRY(child_new(parent, wish->name, &c));
    loop_error *err = find(parent, wish, &path);
    if (!err)
        err = make_table(c, parent, path, granted);
    if (!err)
        err = start(c, parent);
    if (err) {
        discard(c);
        return err;
    }
    *ret = c;
    return NULL;
}

/* ---- looking at it ---- */

const char *loop_child_export_at(const loop_child *c, size_t i)
{
    return lp_component_export_at(c->table->component->engine, i);
}

static lp_backend *backend_of(const loop_child *c)
{
    return c->provider->self;
}

loop_child_condition loop_child_look(loop_child *c, loop_call *call, int *ret_status,
                                     loop_string *ret_why)
{
    lp_backend *b = backend_of(c);
    loop_child_condition is = LOOP_CHILD_RUNNING;
    lp_buf why = {0};
    lp_os_mutex_lock(b->lock);
    if (b->phase == LP_BACKEND_DOWN)
        is = b->exited ? LOOP_CHILD_EXITED : LOOP_CHILD_FAILED;
    *ret_status = b->status;
    for (const loop_error *e = is == LOOP_CHILD_FAILED ? b->why : NULL; e; e = loop_error_cause(e))
        lp_buf_printf(&why, "%s%s", why.len ? ": " : "", loop_error_message(e));
    lp_os_mutex_unlock(b->lock);
    *ret_why = loop_call_string(call, why.ptr ? why.ptr : "", why.len);
    lp_buf_done(&why);
    return is;
}

/* ---- serving ---- */

static bool names(const char *full, const char *asked)
{
    char name[LP_MAX_NAME], wanted[LP_MAX_NAME];
    const char *version = lp_split_version(full, name, sizeof name);
    const char *which = lp_split_version(asked, wanted, sizeof wanted);
    return strcmp(name, wanted) == 0 && (!*which || lp_version_serves(version, which));
}

static struct lp_use *find_use(const struct lp_body *b, const char *imported)
{
    for (size_t n = 0; n < b->uses.n; n++)
        if (names(b->uses.at[n]->interface_name, imported))
            return b->uses.at[n];
    return NULL;
}

static struct lp_swap *swap_new(loop_host *h, uint64_t alone, const char *full,
                                struct lp_provider *end)
{
    struct lp_swap *s = lp_alloc(sizeof *s);
    char name[LP_MAX_NAME];
    lp_split_version(full, name, sizeof name);
    s->host = h;
    s->alone = alone;
    s->end = end;
    s->want.interface_name = lp_arena_strndup(&s->arena, name, strlen(name));
    s->want.carry = LOOP_CARRY_NONE;
    s->report.from = s->report.to = "";
    return s;
}

static loop_error *check_serves(const loop_child *c, const struct lp_use *use,
                                const loop_instance *parent)
{
    lp_backend *b = backend_of(c);
    const char *full = use->interface_name;
    char name[LP_MAX_NAME], other[LP_MAX_NAME];
    if (c->table->runs)
        return loop_error_new(LOOP_UNAVAILABLE, "'%s' runs by itself, and serves nobody", c->name);
    LP_TRY(lp_backend_health(b, parent));
    if (lp_side_of(&c->table->provider, full))
        return lp_os_barrier_ready();
    lp_split_version(full, name, sizeof name);
    for (size_t i = 0; loop_child_export_at(c, i); i++) {
        lp_split_version(loop_child_export_at(c, i), other, sizeof other);
        if (strcmp(name, other) == 0)
            return loop_error_new(LOOP_INVALID, "'%s' exports '%s', which is not what '%s' takes",
                                  c->name, loop_child_export_at(c, i), full);
    }
    return loop_error_new(LOOP_NOT_FOUND, "'%s' does not export '%s'", c->name, full);
}

loop_error *loop_child_serve(loop_child *c, loop_call *call, const char *imported)
{
    const struct lp_body *b = lp_call_body(call);
    const struct lp_use *use = find_use(b, imported);
    if (b->instance->number != c->parent)
        return loop_error_new(LOOP_USAGE, "'%s' was loaded by another one", c->name);
    if (!use)
        return loop_error_new(LOOP_NOT_FOUND,
                              "'%s' has no import '%.256s' that somebody else could serve",
                              b->instance->options.name, imported);
    if (b->calling && b->calling->use == use) /* the swap would wait for this call */
        return loop_error_new(LOOP_USAGE, "'%s' is called just now, and cannot be replaced",
                              use->interface_name);
    LP_TRY(check_serves(c, use, b->instance));
    LP_TRY(lock_changing(b->instance)); /* a swap of that import may be under way */
    const struct lp_chain *now = &use->gen->chain;
    bool already = now->links[now->n - 1].provider == c->provider;
    lp_os_mutex_unlock(c->host->changing);
    if (already)
        return NULL;
    struct lp_swap *s = swap_new(c->host, c->parent, use->interface_name, c->provider);
    loop_error *err = lp_keeper_do(s, b->instance);
    if (!s->old_hangs && !s->new_hangs)
        lp_swap_delete(s);
    return err;
}

/* ---- the end; the keeper's thread ---- */

/* An import that it serves: its name, for free(), and who is to serve it; NULL: none. */
static char *next_served(const loop_child *c, struct lp_provider **ret_nobody)
{
    loop_host *h = c->host;
    char *full = NULL;
    lp_os_mutex_lock(h->changing);
    for (loop_instance *i = lp_instance_first(h); i && !full; i = lp_instance_next(i)) {
        for (size_t n = 0; i->number == c->parent && i->body && !full && n < i->body->uses.n; n++) {
            const struct lp_use *use = i->body->uses.at[n];
            struct lp_chain nobody;
            if (use->gen->chain.links[use->gen->chain.n - 1].provider != c->provider ||
                !lp_nobody_find(h, i->body->component, use->interface_name,
                                "the component that served it was dropped", &nobody))
                continue;
            full = lp_strdup(use->interface_name);
            *ret_nobody = nobody.links[0].provider;
        }
    }
    lp_os_mutex_unlock(h->changing);
    return full;
}

static void let_nobody_serve(const loop_child *c)
{
    struct lp_provider *nobody = NULL;
    char *full;
    bool good = true;
    while (good && (full = next_served(c, &nobody))) {
        struct lp_swap *s = swap_new(c->host, c->parent, full, nobody);
        lp_swap_run(s);
        good = !s->error;
        if (!s->old_hangs && !s->new_hangs)
            lp_swap_delete(s);
        free(full);
    }
}

/* What has it in no use any more drains at once; then drain.c closes it. */
static void retire(const loop_child *c)
{
    loop_host *h = c->host;
    lp_os_mutex_lock(h->changing);
    lp_os_mutex_lock(h->finding);
    for (size_t n = 0; n < h->generations.n; n++) {
        struct lp_generation *g = h->generations.at[n];
        bool has = false;
        for (size_t i = 0; i < g->chain.n; i++)
            has = has || g->chain.links[i].provider == c->provider;
        if (has && !g->planned && !lp_generation_is_used(h, g)) {
            g->drains = true;
            g->drain_until_ns = lp_os_now_ns();
        }
    }
    c->provider->kept = false;
    lp_provider_retire(c->provider);
    lp_os_mutex_unlock(h->finding);
    lp_os_mutex_unlock(h->changing);
}

static void end_child(struct lp_swap *job)
{
    loop_child *c = job->job_data;
    loop_host *h = c->host;
    if (!lp_backend_end(backend_of(c))) {
        h->haunted = true; /* what it has is left to it */
        return;
    }
    let_nobody_serve(c);
    retire(c);
    lp_os_mutex_lock(h->finding);
    unlist(c);
    lp_os_mutex_unlock(h->finding);
    child_free(c);
}

void loop_child_drop(loop_child *c)
{
    if (!c)
        return;
    lp_backend *b = backend_of(c);
    lp_os_mutex_lock(b->lock);
    b->ends = true; /* calls are refused from here on */
    lp_os_cond_broadcast(b->wake);
    lp_os_mutex_unlock(b->lock);
    struct lp_swap *job = lp_alloc(sizeof *job);
    job->host = c->host;
    job->job = end_child;
    job->job_data = c;
    if (!lp_keeper_later(job))
        lp_swap_delete(job); /* the host ends, and ends it with the others */
}
