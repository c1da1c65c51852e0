/*
 * host/backend.c: a component as a provider's table, made from what it exports, and the objects of
 * that table.
 *
 * A table is made when somebody names the component: its types are read, nothing is compiled. An
 * object is made where it is bound, and serves (struct lp_backend.instance) once somebody is
 * linked to it: a component that is bound and not used costs nothing. So a circle of components
 * that import each other is found before the first of them is made.
 *
 * What it may do is what its options grant, and never what those may do that call it.
 */
#include "host/backend.h"

#include <stdlib.h>

#include "base/path.h"
#include "engine/type_parse.h"

static const loop_provider_option own_options[] = {
    {"call-timeout", "duration", NULL, "30s", "how long a call may take; 0s: as long as it takes"},
    {"restarts", "number", NULL, "5", "how often it is started again within a minute"},
    {0},
};

/* ---- objects ---- */

static struct loop_export ***exports_new(const lp_backend_table *t)
{
    struct loop_export ***sides = lp_alloc((t->side_count + 1) * sizeof *sides);
    for (size_t s = 0; s < t->side_count; s++) {
        size_t n = 0;
        while (t->sides[s].interface.functions[n].name)
            n++;
        sides[s] = lp_alloc((n + 1) * sizeof **sides);
    }
    return sides;
}

static loop_error *open_backend(const loop_services *services, void **ret_self)
{
    lp_backend *b = lp_alloc(sizeof *b);
    b->table = (lp_backend_table *)(uintptr_t)services->table;
    uint64_t ms = services->option_number(services->host, "call-timeout");
    b->call_timeout_ms = ms > UINT64_MAX / LP_BACKEND_MS / 2 ? 0 : ms;
    b->restarts = services->option_number(services->host, "restarts");
    b->restarts = b->table->is_child ? 0 : LP_MIN(b->restarts, (uint64_t)LP_MAX_BACKEND_RESTARTS);
    b->lock = lp_os_mutex_new();
    b->wake = lp_os_cond_new();
    b->told = lp_os_cond_new();
    b->last = &b->first;
    b->exports = exports_new(b->table);
    *ret_self = b;
    return NULL;
}

static void close_backend(void *self)
{
    lp_backend *b = self;
    if (!lp_backend_end(b)) {
        b->table->host->haunted = true; /* and what it has is left to it */
        return;
    }
    for (size_t s = 0; s < b->table->side_count; s++)
        free(b->exports[s]);
    free(b->exports);
    lp_backend_calls_done(b);
    loop_error_delete(b->why);
    lp_os_cond_delete(b->told);
    lp_os_cond_delete(b->wake);
    lp_os_mutex_delete(b->lock);
    free(b);
}

bool lp_is_backend(const loop_provider *p)
{
    return p->close == close_backend;
}

/* The object, where it is one of these. */
static lp_backend *backend_of(const struct lp_provider *p)
{
    return p->opened && lp_is_backend(p->table) ? p->self : NULL;
}

/* ---- the table ---- */

/* What the host calls itself, and no provider serves. */
static bool is_the_hosts(const char *interface_name)
{
    char name[LP_MAX_NAME];
    lp_split_version(interface_name, name, sizeof name);
    return !*name || strcmp(name, "loop:core/app") == 0 || strcmp(name, LP_RELOAD_INTERFACE) == 0 ||
           strcmp(name, "wasi:cli/run") == 0 || lp_is_http_interface(interface_name);
}

/* Rows of what it exports; those of an interface follow each other. */
struct rows {
    const lp_row *at;
    size_t n;
};

static bool exports_resource(const struct rows *rows, const lp_resource *r)
{
    char name[LP_MAX_NAME];
    for (size_t i = 0; i < rows->n; i++) {
        const lp_row *row = &rows->at[i];
        if (!row->is_export || row->kind != LP_ROW_RESOURCE || strcmp(row->function, r->name) != 0)
            continue;
        lp_split_version(row->interface_name, name, sizeof name);
        if (strcmp(name, r->interface_name) == 0)
            return true;
    }
    return false;
}

/* Whether all handles in it are of resources that the component implements. */
static bool are_its_own(const struct rows *rows, const lp_node *n)
{
    if (!n || !n->handles)
        return true;
    if (n->kind == LP_OWN || n->kind == LP_BORROW)
        return exports_resource(rows, n->type->resource);
    size_t parts = n->kind == LP_LIST ? 1 : n->count;
    for (size_t p = 0; p < parts; p++)
        if (!are_its_own(rows, n->parts[p]))
            return false;
    return true;
}

/* NULL: a type that loop does not carry, or objects of somebody else's. */
static const lp_plan *plan_of(lp_backend_table *t, lp_resources *known, const struct rows *rows,
                              const char *structure)
{
    const lp_signature *signature;
    const lp_plan *plan = NULL;
    loop_error *err = lp_signature_parse(&t->arena, known, lp_str_of(structure), &signature);
    if (!err)
        err = lp_plan_new(&t->arena, signature, &plan);
    bool good = !err && are_its_own(rows, &plan->params) && are_its_own(rows, plan->result);
    loop_error_delete(err);
    return good ? plan : NULL;
}

static void make_side(lp_backend_table *t, lp_resources *known, const struct rows *rows,
                      const char *interface_name)
{
    struct lp_backend_side *side = &t->sides[t->side_count];
    loop_function *functions = lp_arena_alloc(&t->arena, (rows->n + 1) * sizeof *functions);
    loop_resource *resources = lp_arena_alloc(&t->arena, (rows->n + 1) * sizeof *resources);
    side->plans = lp_arena_alloc(&t->arena, (rows->n + 1) * sizeof(lp_plan *));
    size_t nf = 0, nr = 0;
    for (size_t i = 0; i < rows->n; i++) {
        const lp_row *row = &rows->at[i];
        if (!row->is_export || strcmp(row->interface_name, interface_name) != 0)
            continue;
        if (row->kind == LP_ROW_RESOURCE)
            resources[nr++].name = row->function;
        const lp_plan *plan =
            row->kind == LP_ROW_FUNCTION ? plan_of(t, known, rows, row->structure) : NULL;
        if (!plan)
            continue;
        functions[nf] = (loop_function){.name = row->function, .type = row->structure};
        side->plans[nf++] = plan;
    }
    char name[LP_MAX_NAME];
    const char *version = lp_split_version(interface_name, name, sizeof name);
    side->interface = (loop_interface){.abi = LOOP_ABI,
                                       .name = lp_arena_strndup(&t->arena, name, strlen(name)),
                                       .version = version,
                                       .functions = functions,
                                       .resources = resources};
    t->side_count += nf + nr > 0;
}

static loop_error *serves_nothing(const lp_backend_table *t)
{
    return loop_error_hint_set(
        loop_error_new(LOOP_INVALID, "the component '%s' exports no interface that it could serve",
                       t->path),
        "`loop inspect` shows what it exports");
}

static loop_error *make_sides(lp_backend_table *t)
{
    struct rows rows;
    lp_resources known = {0};
    size_t count = 0;
    bool reloads = false;
    LP_TRY(lp_component_rows(t->component->engine, &rows.at, &rows.n));
    for (size_t i = 0; i < rows.n; i++)
        count += rows.at[i].is_export && rows.at[i].kind == LP_ROW_INTERFACE;
    t->sides = lp_arena_alloc(&t->arena, (count + 1) * sizeof *t->sides);
    for (size_t i = 0; i < rows.n; i++) {
        const lp_row *row = &rows.at[i];
        if (!row->is_export || row->kind != LP_ROW_INTERFACE)
            continue;
        reloads = reloads || lp_starts_with(row->interface_name, LP_RELOAD_INTERFACE "@");
        if (!is_the_hosts(row->interface_name) && t->side_count < LP_MAX_TABLE_INTERFACES)
            make_side(t, &known, &rows, row->interface_name);
    }
    free(known.at);
    t->provider.swap = reloads ? &lp_backend_swap_state : &lp_backend_swap;
    return t->side_count || t->is_child ? NULL : serves_nothing(t);
}

static void make_provider(lp_backend_table *t)
{
    loop_provider_interface *sides = lp_arena_alloc(&t->arena, (t->side_count + 1) * sizeof *sides);
    for (size_t i = 0; i < t->side_count; i++)
        sides[i].interface = &t->sides[i].interface;
    t->provider.abi = LOOP_PROVIDER_ABI;
    t->provider.summary = "a component";
    t->provider.interfaces = sides;
    t->provider.threads = LOOP_THREADS_ANY;
    t->provider.options = own_options;
    t->provider.open = open_backend;
    t->provider.close = close_backend;
    t->provider.call = lp_backend_call_run;
    t->provider.drop = lp_backend_drop;
}

static char *keep(lp_backend_table *t, const char *text)
{
    return text ? lp_arena_strndup(&t->arena, text, strlen(text)) : NULL;
}

static void copy_options(lp_backend_table *t, const loop_instance_options *o)
{
    t->options = *o;
    t->options.name = keep(t, o->name);
    t->options.identity = keep(t, o->identity);
    t->options.owner = keep(t, o->owner);
    t->options.args = lp_arena_list(&t->arena, o->args);
    t->options.optional = lp_arena_list(&t->arena, o->optional);
    t->options.config = lp_arena_list(&t->arena, o->config);
    if (o->limits) {
        loop_limits *limits = lp_arena_alloc(&t->arena, sizeof *limits);
        *limits = lp_limits_copy(&t->arena, o->limits);
        t->options.limits = limits;
    }
    if (o->policy)
        t->host->hooks.policy_ref(o->policy);
}

loop_error *lp_backend_table_prepare(lp_backend_table *t)
{
    lp_os_mutex_lock(t->preparing);
    loop_error *err = lp_component_prepare(t->component);
    lp_os_mutex_unlock(t->preparing);
    return err;
}

void lp_backend_table_delete(lp_backend_table *t)
{
    if (t->left)
        return;
    if (t->options.policy)
        t->host->hooks.policy_unref(t->options.policy);
    loop_component_delete(t->component);
    lp_os_mutex_delete(t->preparing);
    lp_arena_done(&t->arena);
    free(t);
}

void lp_backend_table_end(void *data)
{
    lp_backend_table_delete(data);
}

loop_error *lp_backend_table_new(loop_host *h, const char *path, const loop_instance_options *o,
                                 bool is_child, lp_backend_table **ret)
{
    lp_backend_table *t = lp_alloc(sizeof *t);
    t->host = h;
    t->is_child = is_child;
    t->preparing = lp_os_mutex_new();
    t->path = keep(t, path);
    copy_options(t, o);
    loop_error *err = lp_component_read(h, path, &t->component);
    if (!err)
        err = make_sides(t);
    if (err) {
        lp_backend_table_delete(t);
        return err;
    }
    make_provider(t);
    *ret = t;
    return NULL;
}

/* From the file as it is now: it may have been built again. */
static loop_error *renew(void *data, const loop_provider **ret, void **ret_data)
{
    const lp_backend_table *old = data;
    lp_backend_table *t;
    LP_TRY(lp_backend_table_new(old->host, old->path, &old->options, false, &t));
    t->provider.name = keep(t, old->provider.name);
    loop_error *err = lp_backend_table_prepare(t); /* here nobody waits for it */
    if (err) {
        lp_backend_table_delete(t);
        return err;
    }
    *ret = &t->provider;
    *ret_data = t;
    return NULL;
}

/* ---- adding ---- */

struct known {
    const char *path, *name;
};

static bool is_known(const void *data, const loop_provider *p, const lp_table_life *life)
{
    const struct known *k = data;
    const lp_backend_table *t = life->data;
    return lp_is_backend(p) && strcmp(t->path, k->path) == 0 &&
           strcmp(t->options.name, k->name) == 0;
}

static bool has_name(const void *name, const loop_provider *p, const lp_table_life *life)
{
    (void)life;
    return strcmp(p->name, name) == 0;
}

/* "weather", or "weather-2" where there is one already; in the letters of a provider's name. */
static char *name_apart(loop_host *h, const char *name)
{
    char *plain = lp_strndup(name, LP_MIN(strlen(name), (size_t)LP_MAX_NAME - 16));
    for (char *s = plain; *s; s++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", *s))
            *s = '-';
    char *other = lp_strdup(plain);
    for (unsigned n = 2; lp_host_which(h, has_name, other); n++) {
        free(other);
        other = lp_format("%s-%u", plain, n);
    }
    free(plain);
    return other;
}

static char *name_of_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    return dot && dot != name ? lp_strndup(name, (size_t)(dot - name)) : lp_strdup(name);
}

static loop_error *add_new(loop_host *h, const char *real, const loop_instance_options *o,
                           const char **ret_provider)
{
    lp_backend_table *t;
    LP_TRY(lp_backend_table_new(h, real, o, false, &t));
    lp_auto(lp_free_string) char *name = name_apart(h, o->name);
    t->provider.name = keep(t, name);
    const lp_table_life life = {renew, lp_backend_table_end, t};
    loop_error *err = lp_host_provider_add(h, &t->provider, LOOP_TIER_COMPONENT, &life);
    if (err)
        lp_backend_table_delete(t);
    else
        *ret_provider = lp_host_name(h, name);
    return err;
}

loop_error *loop_host_component_add(loop_host *h, const char *path,
                                    const loop_instance_options *options, const char **ret_provider)
{
    static const loop_instance_options none = {0};
    loop_instance_options o = options ? *options : none;
    lp_auto(lp_free_string) char *real = lp_os_realpath(path);
    lp_auto(lp_free_string) char *name = name_of_file(real ? real : path);
    if (!real)
        return loop_error_new(LOOP_NOT_FOUND, "there is no component '%s'", path);
    o.name = o.name ? o.name : name;
    const char *known = lp_host_which(h, is_known, &(struct known){real, o.name});
    if (known) {
        *ret_provider = known;
        return NULL;
    }
    loop_error *err = add_new(h, real, &o, ret_provider);
    return err ? loop_error_wrap(err, "the component '%s' cannot serve", o.name) : NULL;
}

/* ---- circles ---- */

#define MOST_IN_A_ROW 64

struct way {
    lp_backend *at[MOST_IN_A_ROW];
    size_t n;
    uint64_t number; /* of the search */
};

static loop_error *is_a_circle(const struct way *w, const lp_backend *again, const char *full)
{
    lp_buf text = {0};
    size_t n = 0;
    while (w->at[n] != again)
        n++;
    for (; n < w->n; n++)
        lp_buf_printf(&text, "%s > ", w->at[n]->table->provider.name);
    loop_error *err =
        loop_error_new(LOOP_INVALID, "components that serve each other in a circle: %s%s (by '%s')",
                       text.ptr, again->table->provider.name, full);
    lp_buf_done(&text);
    return loop_error_hint_set(err, "bind that interface to something else for the last of them: "
                                    "`bind:` of a component in loop.yaml");
}

static loop_error *follow(struct way *w, lp_backend *b);

static loop_error *follow_import(struct way *w, const lp_backend *b, const char *full)
{
    struct lp_chain c;
    const char *version;
    lp_auto(lp_free_string) char *why = NULL;
    if (lp_wasi_interface(full) ||
        !lp_host_find(b->table->host, b->table->options.name, full, &c, &version, &why))
        return NULL;
    for (size_t n = 0; n < c.n; n++) {
        struct lp_provider *p = c.links[n].provider;
        if (!lp_is_backend(p->table))
            continue;
        lp_os_mutex_lock(p->host->finding);
        loop_error *err = lp_provider_open(p);
        lp_os_mutex_unlock(p->host->finding);
        LP_TRY(err);
        lp_backend *next = p->self;
        if (next->checking)
            return is_a_circle(w, next, full);
        if (!next->instance && next->searched != w->number) /* else it was looked at */
            LP_TRY(follow(w, next));
    }
    return NULL;
}

static loop_error *follow(struct way *w, lp_backend *b)
{
    const lp_row *rows;
    size_t n;
    if (w->n == MOST_IN_A_ROW)
        return loop_error_new(LOOP_LIMIT, "more than %d components that serve each other in a row",
                              MOST_IN_A_ROW);
    LP_TRY(lp_component_rows(b->table->component->engine, &rows, &n));
    w->at[w->n++] = b;
    b->checking = true;
    loop_error *err = NULL;
    for (size_t i = 0; !err && i < n; i++)
        if (!rows[i].is_export && rows[i].kind == LP_ROW_INTERFACE)
            err = follow_import(w, b, rows[i].interface_name);
    b->checking = false;
    b->searched = w->number; /* once, however many ways lead to it */
    w->n--;
    return err;
}

/* ---- serving ---- */

static loop_error *start(lp_backend *b)
{
    struct way way = {.number = ++b->table->host->searches};
    if (b->instance)
        return NULL;
    if (b->making) /* it was bound anew meanwhile */
        return loop_error_new(LOOP_INVALID, "the component '%s' would serve itself",
                              b->table->provider.name);
    LP_TRY(follow(&way, b));
    b->making = true;
    loop_error *err = lp_backend_start(b);
    b->making = false;
    return err;
}

loop_error *lp_provider_ready(struct lp_provider *p, bool changing)
{
    lp_backend *b = backend_of(p);
    if (!b)
        return NULL;
    loop_error *err = changing ? NULL : lp_backend_table_prepare(b->table);
    if (!changing)
        lp_os_mutex_lock(p->host->changing);
    if (!err)
        err = start(b);
    if (!changing)
        lp_os_mutex_unlock(p->host->changing);
    return err ? loop_error_wrap(err, "the component '%s' cannot serve", p->table->name) : NULL;
}

/* The last one that was made: it may use those before. *ret: its object. */
static bool last_behind(loop_host *h, lp_backend **ret)
{
    *ret = NULL;
    lp_os_mutex_lock(h->changing);
    lp_os_mutex_lock(h->finding);
    bool any = h->behind;
    for (size_t n = 0; any && !*ret && n < h->providers.n; n++) {
        lp_backend *has = backend_of(h->providers.at[n]);
        *ret = has && has->instance == h->behind ? has : NULL;
    }
    lp_os_mutex_unlock(h->finding);
    lp_os_mutex_unlock(h->changing);
    return any;
}

/* One that ends late may still load others, which come first then. */
void lp_backends_stop(loop_host *h)
{
    lp_backend *b;
    while (last_behind(h, &b)) {
        if (!b || !lp_backend_end(b)) {
            h->abandoned = true;
            return;
        }
    }
}
