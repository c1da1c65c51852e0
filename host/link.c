/*
 * host/link.c: binds each import of a component to a slot.
 *
 * Required and served by nobody: the component does not start, and every missing
 * import is named at once. Optional, or of a package that this host knows but
 * cannot serve yet: a stub made from the type answers `unavailable`.
 */
#include <stdlib.h>

#include "host/internal.h"

/* Packages of loop that components may import anywhere; a host without them answers `unavailable`.
 */
static const char *const stubbed[] = {"loop:ui/", "loop:window/"};

bool lp_is_stubbed(const char *full)
{
    for (size_t n = 0; n < LP_COUNT(stubbed); n++)
        if (lp_starts_with(full, stubbed[n]))
            return true;
    return false;
}

static bool is_optional(const struct lp_body *b, const char *full)
{
    if (lp_is_stubbed(full))
        return true;
    char name[LP_MAX_NAME];
    lp_split_version(full, name, sizeof name);
    for (size_t n = 0; b->instance->options.optional && b->instance->options.optional[n]; n++)
        if (strcmp(b->instance->options.optional[n], full) == 0 ||
            strcmp(b->instance->options.optional[n], name) == 0)
            return true;
    return false;
}

/* What is missing, one line each. */
struct missing {
    struct {
        char **at;
        size_t n, cap;
    } lines;
};

static void add_missing(struct missing *m, char *line)
{
    for (size_t i = 0; i < m->lines.n; i++) {
        if (strcmp(m->lines.at[i], line) == 0) {
            free(line);
            return;
        }
    }
    *lp_push(&m->lines) = line;
}

static struct lp_slot *slot_new(struct lp_body *b, const lp_import *import)
{
    struct lp_slot *s = lp_alloc(sizeof *s);
    s->import = import;
    s->body = b;
    *lp_push(&b->slots) = s;
    return s;
}

/* The part of loop:core/cancellation that the engine serves. */
bool lp_is_subscribe(const char *interface_name, const char *function)
{
    char name[LP_MAX_NAME];
    lp_split_version(interface_name, name, sizeof name);
    return strcmp(name, "loop:core/cancellation") == 0 &&
           strcmp(function, "[method]token.subscribe") == 0;
}

/* ---- resources ---- */

static struct lp_owner *owner_of(struct lp_body *b, const lp_resource *r)
{
    while (b->owners.n <= r->index)
        lp_push(&b->owners);
    return &b->owners.at[r->index];
}

/*
 * A resource of an import. One that an interface takes over from another
 * (`use store.{bucket}`) is the same resource: who implements it was decided there.
 */
static loop_error *define_resource(struct lp_body *b, const lp_import *import, struct lp_use *use)
{
    struct lp_owner *o = owner_of(b, import->resource);
    o->io = lp_io_of(import->resource);
    if (o->io)
        return lp_guest_define_io(b->guest, import);
    if (!o->defined)
        *o = (struct lp_owner){.use = use, .defined = true};
    struct lp_slot *s = slot_new(b, import);
    s->use = o->use;
    return lp_guest_define_resource(b->guest, import, import->resource->index, lp_slot_drop, s);
}

/* Whether a provider serves several versions of an interface: their objects may differ. */
static bool has_versions(const struct lp_provider *p, const char *name)
{
    size_t n = 0;
    for (const loop_provider_interface *t = p->table->interfaces; t->interface; t++)
        n += strcmp(t->interface->name, name) == 0;
    return n > 1;
}

static bool same_package(const char *a, const char *b)
{
    size_t n = strcspn(a, "/");
    return n == strcspn(b, "/") && strncmp(a, b, n) == 0;
}

/*
 * Whether an object of `owner` is what `user` takes it for. Types name a resource
 * without a version: where a provider has several, it must be that of the user.
 */
static bool same_objects(const struct lp_link *owner, const struct lp_link *user)
{
    const loop_interface *o = owner->side->interface, *u = user->side->interface;
    if (owner->provider != user->provider)
        return false;
    return o == u || !has_versions(owner->provider, o->name) ||
           (same_package(o->name, u->name) && strcmp(o->name, u->name) != 0 &&
            strcmp(o->version, u->version) == 0);
}

/* The first link from `n` on that is no interceptor: those pass objects on unread. */
static size_t real_link(const struct lp_chain *c, size_t n)
{
    while (n < c->n && !c->links[n].side)
        n++;
    return n;
}

static bool same_providers(const struct lp_chain *owner, const struct lp_chain *user)
{
    size_t o = real_link(owner, 0), u = real_link(user, 0);
    while (o < owner->n && u < user->n && same_objects(&owner->links[o], &user->links[u])) {
        o = real_link(owner, o + 1);
        u = real_link(user, u + 1);
    }
    return o == owner->n && u == user->n;
}

/* What serves it, or while a swap is prepared what will. */
static const struct lp_chain *coming(const struct lp_use *use)
{
    return use->next ? &use->next->chain : &use->gen->chain;
}

/* `given`: by a provider, in its answer. */
static loop_error *check_handle(const struct lp_body *b, const lp_node *n, const struct lp_use *use,
                                bool given)
{
    const lp_resource *r = n->type->resource;
    if (r->is_export && !use)
        return NULL;
    const struct lp_owner *o = r->index < b->owners.n ? &b->owners.at[r->index] : NULL;
    if (o && o->io && use && given && n->kind == LP_OWN)
        return NULL;
    if (r->is_export || !o || !o->defined)
        return loop_error_new(LOOP_MISSING, "a handle of %s of '%s', which C cannot have", r->name,
                              r->interface_name);
    if (use && (!o->use || !same_providers(coming(o->use), coming(use))))
        return loop_error_new(LOOP_MISSING, "a handle of %s of '%s', which another provider serves",
                              r->name, r->interface_name);
    return NULL;
}

static loop_error *check_handles_in(const struct lp_body *b, const lp_node *n,
                                    const struct lp_use *use, bool given)
{
    if (!n || !n->handles)
        return NULL;
    if (n->kind == LP_OWN || n->kind == LP_BORROW)
        return check_handle(b, n, use, given);
    size_t parts = n->kind == LP_LIST ? 1 : n->count;
    for (size_t p = 0; p < parts; p++)
        LP_TRY(check_handles_in(b, n->parts[p], use, given));
    return NULL;
}

loop_error *lp_check_handles(const struct lp_body *b, const lp_plan *p, const struct lp_use *use)
{
    LP_TRY(check_handles_in(b, &p->params, use, false));
    return check_handles_in(b, p->result, use, true);
}

/* ---- functions ---- */

static bool hands_over(const lp_node *n)
{
    if (!n->handles || n->kind == LP_BORROW)
        return false;
    if (n->kind == LP_OWN)
        return true;
    size_t parts = n->kind == LP_LIST ? 1 : n->count;
    for (size_t p = 0; p < parts; p++)
        if (n->parts[p] && hands_over(n->parts[p]))
            return true;
    return false;
}

static loop_error *define_function(struct lp_body *b, struct lp_slot *s,
                                   loop_error *(*call)(void *, lp_values *))
{
    LP_TRY(lp_plan_new(&b->arena, s->import->signature, &s->plan));
    lp_function f = {.call = call, .put = lp_slot_put, .data = s};
    lp_plan_function(s->plan, &f);
    const lp_plan *p = s->plan;
    s->movable = !hands_over(&p->params) && !(p->result && p->result->handles);
    bool plain = p->number_out && !p->params.handles && !b->host->options.trace;
    if (call == lp_slot_call && plain) {
        f.call = lp_slot_call_plain;
        f.flat = p->numbers_in ? lp_slot_call_numbers : NULL;
    }
    return lp_guest_define(b->guest, s->import, &f);
}

static loop_error *define_stub(struct lp_body *b, const lp_import *import, const char *why)
{
    if (import->resource)
        return define_resource(b, import, NULL);
    struct lp_slot *s = slot_new(b, import);
    s->stub_reason = lp_strdup(why);
    return define_function(b, s, lp_stub_call);
}

static const char *nearest_function(const struct lp_link *l, const char *name)
{
    const char *best = NULL;
    unsigned distance = (unsigned)strlen(name) / 2 + 1;
    for (const loop_function *f = l->side->interface->functions; f->name; f++) {
        unsigned d = lp_edit_distance(name, f->name);
        if (d && d < distance) {
            distance = d;
            best = f->name;
        }
    }
    return best;
}

/* A provider reads its arguments by its own type: a component that declares another is refused. */
char *lp_why_not(const struct lp_chain *c, const char *interface_name, const char *name,
                 const char *structure, size_t *ret_link)
{
    size_t first = SIZE_MAX;
    for (size_t n = 0; n < c->n; n++) {
        const loop_function *f = lp_find_function(c, n, name).function;
        if (f && strcmp(f->type, structure) != 0)
            return lp_format("'%s' has it with another type: %.600s, not %.600s",
                             c->links[n].provider->table->name, f->type, structure);
        first = f && first == SIZE_MAX ? n : first;
    }
    *ret_link = first;
    if (first != SIZE_MAX || lp_is_subscribe(interface_name, name))
        return NULL;
    const struct lp_link *l = &c->links[real_link(c, 0)];
    const char *near = nearest_function(l, name);
    const char *provider = l->provider->table->name;
    if (near)
        return lp_format("'%s' has no such function; the nearest is '%s'", provider, near);
    return lp_format("'%s' has no such function", provider);
}

char *lp_why_not_import(const struct lp_slot *s, size_t *ret_first)
{
    lp_buf declared = {0};
    lp_signature_text(s->import->signature, &declared);
    char *why = lp_why_not(coming(s->use), s->import->interface_name, s->import->name, declared.ptr,
                           ret_first);
    lp_buf_done(&declared);
    return why;
}

/* One import of any kind that a chain serves. */
static loop_error *define_served(struct lp_body *b, const lp_import *import, struct lp_use *use,
                                 struct missing *missing)
{
    if (import->resource)
        return define_resource(b, import, use);
    struct lp_slot *s = slot_new(b, import);
    s->use = use;
    size_t first;
    lp_auto(lp_free_string) char *why = lp_why_not_import(s, &first);
    if (why) {
        add_missing(missing,
                    lp_format("needs %s of %s: %s", import->name, import->interface_name, why));
        return NULL;
    }
    if (lp_is_subscribe(import->interface_name, import->name))
        return lp_guest_define_subscribe(b->guest, import);
    s->hops = lp_hops_new(use->gen, first, import->name);
    lp_slot_guard(s);
    LP_TRY(define_function(b, s, lp_slot_call));
    loop_error *err = lp_check_handles(b, s->plan, use);
    if (!err)
        return NULL;
    add_missing(missing, lp_format("needs %s of %s with %s", import->name, import->interface_name,
                                   loop_error_message(err)));
    loop_error_delete(err);
    return NULL;
}

/* Decided once an interface, used for each of its functions. */
struct decision {
    const char *interface_name;
    struct lp_use *use; /* NULL: nobody */
    char *why;
    bool stub, wasi;
};

static void add_capability(struct lp_body *b, const struct decision *d, const char *version)
{
    *lp_push(&b->capabilities) = (struct lp_capability){
        .row =
            {
                .name = d->interface_name,
                .version = version,
                .available = d->wasi || d->use, /* of a use, loop_call_capability says it */
                .tier = d->wasi ? LOOP_TIER_ENGINE : LOOP_TIER_STUB,
                .provider = d->wasi ? "engine" : "",
                .reason = d->why ? lp_arena_strndup(&b->arena, d->why, strlen(d->why)) : NULL,
            },
        .use = d->use,
    };
}

static struct lp_use *use_new(struct lp_body *b, const char *interface_name,
                              const struct lp_chain *c)
{
    struct lp_use *use = lp_arena_alloc(&b->arena, sizeof *use);
    use->interface_name = interface_name;
    lp_os_mutex_lock(b->host->finding);
    use->gen = lp_generation_of(b->host, c);
    lp_os_mutex_unlock(b->host->finding);
    *lp_push(&b->uses) = use;
    return use;
}

/* Whether it may load somebody who serves it later. */
static bool loads(const struct lp_body *b)
{
    const lp_import *import;
    for (size_t n = 0; (import = lp_component_import_at(b->component->engine, n)); n++)
        if (lp_starts_with(import->interface_name, "loop:pkg/loader@"))
            return true;
    return false;
}

static loop_error *decide(struct lp_body *b, const char *name, struct decision *d)
{
    free(d->why);
    *d = (struct decision){.interface_name = name};
    const char *version = "";
    d->wasi = lp_wasi_interface(name);
    if (d->wasi) {
        version = strchr(name, '@');
        version = version ? version + 1 : "";
    } else {
        struct lp_chain found;
        if (lp_host_find(b->host, b->instance->options.name, name, &found, &version, &d->why)) {
            LP_TRY(lp_chain_open(&found, true));
            d->use = use_new(b, name, &found);
        }
        d->stub = !d->use && is_optional(b, name);
        if (d->stub && loads(b) && !lp_is_stubbed(name) &&
            lp_nobody_find(b->host, b->component, name, d->why, &found)) {
            d->use = use_new(b, name, &found);
            d->stub = false;
        }
    }
    add_capability(b, d, version);
    return NULL;
}

static loop_error *link_one(struct lp_body *b, const lp_import *import, struct decision *d,
                            struct missing *missing)
{
    if (!d->interface_name || strcmp(d->interface_name, import->interface_name) != 0)
        LP_TRY(decide(b, import->interface_name, d));
    if (d->wasi) {
        if (!import->resource && !lp_wasi_function(import->interface_name, import->name))
            add_missing(missing, lp_format("needs %s of %s: the engine does not have it",
                                           import->name, import->interface_name));
        return NULL;
    }
    if (!import->resource && !import->signature) {
        add_missing(missing, lp_format("needs %s of %s with a type that loop does not carry",
                                       import->name, import->interface_name));
        return NULL;
    }
    if (d->use)
        return define_served(b, import, d->use, missing);
    if (d->stub)
        return define_stub(b, import, d->why);
    if (!*import->interface_name && import->resource && owner_of(b, import->resource)->defined)
        return define_resource(b, import, NULL); /* `use things.{counter}` in the world itself */
    if (!*import->interface_name) {
        add_missing(missing, lp_format("needs %s: %s", import->name, d->why));
        return NULL;
    }
    lp_auto(lp_free_string) char *near = lp_nearest_interface(b->host, import->interface_name);
    add_missing(missing, near ? lp_format("needs %s: %s; did the author mean '%s'?",
                                          import->interface_name, d->why, near)
                              : lp_format("needs %s: %s", import->interface_name, d->why));
    return NULL;
}

/* What another runtime's components import. */
static bool is_spin(const struct missing *m)
{
    for (size_t n = 0; n < m->lines.n; n++)
        if (strstr(m->lines.at[n], "fermyon:spin/") || strstr(m->lines.at[n], "spin:"))
            return true;
    return false;
}

static loop_error *missing_error(struct lp_body *b, struct missing *m)
{
    loop_error *err = NULL;
    bool spin = is_spin(m);
    for (size_t n = m->lines.n; n-- > 0;) {
        if (n < 16)
            err = err ? loop_error_wrap(err, "%s", m->lines.at[n])
                      : loop_error_new(LOOP_MISSING, "%s", m->lines.at[n]);
        free(m->lines.at[n]);
    }
    free(m->lines.at);
    if (!err)
        return NULL;
    err = loop_error_wrap(err, "cannot start '%s': it imports what nobody here serves",
                          b->instance->options.name);
    if (spin)
        return loop_error_hint_set(err, "this is a Spin app; `spin up` runs it");
    return loop_error_hint_set(err,
                               "`loop inspect` shows every import; name those it can do without in "
                               "needs.optional of loop.yaml, or with --optional");
}

static bool imports(const struct lp_body *b, const char *wanted)
{
    const lp_import *import;
    for (size_t n = 0; (import = lp_component_import_at(b->component->engine, n)); n++) {
        char name[LP_MAX_NAME];
        lp_split_version(import->interface_name, name, sizeof name);
        if (strcmp(wanted, import->interface_name) == 0 || strcmp(wanted, name) == 0)
            return true;
    }
    return false;
}

/* A name that is optional and not imported is most likely misspelt. */
static void warn_of_strangers(struct lp_body *b)
{
    if (b->instance->depth)
        return; /* the list is its parent's */
    for (size_t n = 0; b->instance->options.optional && b->instance->options.optional[n]; n++)
        if (!imports(b, b->instance->options.optional[n]))
            loop_host_log(b->host, LOOP_LOG_WARN,
                          "%s: '%s' is optional, but no function of it is imported",
                          b->instance->options.name, b->instance->options.optional[n]);
}

loop_error *lp_link(struct lp_body *b)
{
    struct missing missing = {0};
    struct decision d = {0};
    loop_error *err = NULL;
    const lp_import *import;
    for (size_t n = 0; !err && (import = lp_component_import_at(b->component->engine, n)); n++)
        err = link_one(b, import, &d, &missing);
    free(d.why);
    warn_of_strangers(b);
    loop_error *lacking = missing_error(b, &missing);
    if (!err)
        return lacking;
    loop_error_delete(lacking);
    return err;
}

void lp_unlink(struct lp_body *b)
{
    for (size_t n = 0; n < b->slots.n; n++) {
        free(b->slots.at[n]->stub_reason);
        free((void *)b->slots.at[n]->hops);
        free(b->slots.at[n]->latency);
        free(b->slots.at[n]);
    }
    free(b->slots.at);
    free(b->uses.at);
    free(b->capabilities.at);
    free(b->owners.at);
}
