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

static bool is_optional(const loop_instance *i, const char *full)
{
    if (lp_is_stubbed(full))
        return true;
    char name[LP_MAX_NAME];
    lp_split_version(full, name, sizeof name);
    for (size_t n = 0; i->options.optional && i->options.optional[n]; n++)
        if (strcmp(i->options.optional[n], full) == 0 || strcmp(i->options.optional[n], name) == 0)
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

static struct lp_slot *slot_new(loop_instance *i, const lp_import *import)
{
    struct lp_slot *s = lp_alloc(sizeof *s);
    s->import = import;
    s->instance = i;
    s->type = (uint32_t)i->slots.n;
    *lp_push(&i->slots) = s;
    return s;
}

/* The parts of loop:core/cancellation that the engine serves: a pollable is its own. */
static bool is_cancellation(const char *interface_name, const char *member, const char *wanted)
{
    char name[LP_MAX_NAME];
    lp_split_version(interface_name, name, sizeof name);
    return strcmp(name, "loop:core/cancellation") == 0 && strcmp(member, wanted) == 0;
}

bool lp_is_subscribe(const char *interface_name, const char *function)
{
    return is_cancellation(interface_name, function, "[method]token.subscribe");
}

/* Whether two interfaces are of the same package and version: "a:b/x@1", "a:b/y@1". */
static bool same_package(const char *a, const char *b)
{
    size_t n = strcspn(a, "/");
    return n == strcspn(b, "/") && strncmp(a, b, n) == 0 &&
           strcmp(a + strcspn(a, "@"), b + strcspn(b, "@")) == 0;
}

/*
 * A resource that an interface takes over from another one (`use store.{bucket}`):
 * the one of its own package and version first, since a component may import two.
 * Without a provider, among the stubs.
 */
static const struct lp_slot *find_used(const loop_instance *i, const struct lp_provider *p,
                                       const lp_import *import)
{
    const struct lp_slot *found = NULL;
    for (size_t n = 0; n < i->slots.n; n++) {
        const struct lp_slot *s = i->slots.at[n];
        if (s->provider != p || !s->import->is_resource || (p && !s->resource) ||
            strcmp(s->import->name, import->name) != 0)
            continue;
        if (same_package(s->import->interface_name, import->interface_name))
            return s;
        found = found ? found : s;
    }
    return found;
}

static loop_error *define_stub(loop_instance *i, const lp_import *import, const char *why)
{
    const struct lp_slot *used = import->is_resource ? find_used(i, NULL, import) : NULL;
    struct lp_slot *s = slot_new(i, import);
    s->stub_reason = lp_strdup(why);
    if (used)
        s->type = used->type;
    if (import->is_resource)
        return lp_guest_define_resource(i->guest, import, s->type, NULL, s);
    return lp_guest_define(i->guest, import, lp_stub_call, s);
}

static const char *nearest_function(const loop_provider_interface *t, const char *name)
{
    const char *best = NULL;
    unsigned distance = (unsigned)strlen(name) / 2 + 1;
    for (size_t i = 0; t->functions[i].name; i++) {
        unsigned d = lp_edit_distance(name, t->functions[i].name);
        if (d < distance) {
            distance = d;
            best = t->functions[i].name;
        }
    }
    return best;
}

/* A provider reads its arguments by its own type: a component that declares another is refused. */
char *lp_why_not(const struct lp_provider *p, const loop_provider_interface *t,
                 const char *interface_name, const char *name, const char *structure)
{
    if (lp_is_subscribe(interface_name, name))
        return NULL;
    const loop_provider_function *f = lp_find_function(t, name);
    const char *near = f ? NULL : nearest_function(t, name);
    if (near)
        return lp_format("'%s' has no such function; the nearest is '%s'", p->table->name, near);
    if (!f)
        return lp_format("'%s' has no such function", p->table->name);
    if (strcmp(f->type, structure) != 0)
        return lp_format("'%s' has it with another type: %.600s, not %.600s", p->table->name,
                         f->type, structure);
    return NULL;
}

static char *why_not_import(const struct lp_provider *p, const loop_provider_interface *t,
                            const lp_import *import)
{
    lp_buf declared = {0};
    lp_signature_text(import->signature, &declared);
    char *why = lp_why_not(p, t, import->interface_name, import->name, declared.ptr);
    lp_buf_done(&declared);
    return why;
}

/* One resource, then one import of any kind, that `p` serves. */
static loop_error *define_resource(loop_instance *i, struct lp_slot *s, struct missing *missing)
{
    const lp_import *import = s->import;
    if (is_cancellation(import->interface_name, import->name, "pollable"))
        return lp_guest_define_pollable(i->guest, import);
    s->resource = lp_find_resource(s->table, import->name);
    const struct lp_slot *used = s->resource ? NULL : find_used(i, s->provider, import);
    if (used) {
        s->resource = used->resource;
        s->type = used->type;
    }
    if (s->resource)
        return lp_guest_define_resource(i->guest, import, s->type, lp_slot_drop, s);
    add_missing(missing, lp_format("needs %s of %s: '%s' has no such resource", import->name,
                                   import->interface_name, s->provider->table->name));
    return NULL;
}

static loop_error *define_served(loop_instance *i, const lp_import *import, struct lp_provider *p,
                                 const loop_provider_interface *t, struct missing *missing)
{
    struct lp_slot *s = slot_new(i, import);
    s->provider = p;
    s->table = t;
    if (import->is_resource)
        return define_resource(i, s, missing);
    lp_auto(lp_free_string) char *why = why_not_import(p, t, import);
    if (why) {
        add_missing(missing,
                    lp_format("needs %s of %s: %s", import->name, import->interface_name, why));
        return NULL;
    }
    if (lp_is_subscribe(import->interface_name, import->name))
        return lp_guest_define_subscribe(i->guest, import);
    s->function = lp_find_function(t, import->name);
    return lp_guest_define(i->guest, import, lp_slot_call, s);
}

/* Decided once an interface, used for each of its functions. */
struct decision {
    const char *interface_name;
    struct lp_provider *provider;
    const loop_provider_interface *table;
    char *why;
    bool stub, wasi;
};

static void add_capability(loop_instance *i, const struct decision *d, const char *version)
{
    *lp_push(&i->capabilities) = (loop_capability){
        .name = d->interface_name,
        .version = version,
        .available = d->wasi || d->provider,
        .tier = d->wasi       ? LOOP_TIER_ENGINE
                : d->provider ? LOOP_TIER_BUILTIN
                              : LOOP_TIER_STUB,
        .provider = d->wasi       ? "engine"
                    : d->provider ? d->provider->table->name
                                  : "",
        .reason = d->why ? lp_arena_strndup(&i->arena, d->why, strlen(d->why)) : NULL,
    };
}

static loop_error *decide(loop_instance *i, const char *name, struct decision *d)
{
    free(d->why);
    *d = (struct decision){.interface_name = name};
    const char *version = "";
    d->wasi = lp_wasi_interface(name);
    if (d->wasi) {
        version = strchr(name, '@');
        version = version ? version + 1 : "";
    } else {
        d->provider = lp_host_find(i->host, name, &d->table, &version, &d->why);
        if (d->provider)
            LP_TRY(lp_provider_open(d->provider));
        d->stub = !d->provider && is_optional(i, name);
    }
    add_capability(i, d, version);
    return NULL;
}

static loop_error *link_one(loop_instance *i, const lp_import *import, struct decision *d,
                            struct missing *missing)
{
    if (!*import->interface_name) {
        add_missing(missing,
                    lp_format("needs %s: a function of the world itself, which no provider serves",
                              import->name));
        return NULL;
    }
    if (!d->interface_name || strcmp(d->interface_name, import->interface_name) != 0)
        LP_TRY(decide(i, import->interface_name, d));
    if (d->wasi) {
        if (!import->is_resource && !lp_wasi_function(import->interface_name, import->name))
            add_missing(missing, lp_format("needs %s of %s: the engine does not have it",
                                           import->name, import->interface_name));
        return NULL;
    }
    if (!import->is_resource && !import->signature) {
        add_missing(missing, lp_format("needs %s of %s with a type that loop does not carry",
                                       import->name, import->interface_name));
        return NULL;
    }
    if (d->provider)
        return define_served(i, import, d->provider, d->table, missing);
    if (d->stub)
        return define_stub(i, import, d->why);
    const char *near = lp_nearest_interface(i->host, import->interface_name);
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

static loop_error *missing_error(loop_instance *i, struct missing *m)
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
                          i->options.name);
    if (spin)
        return loop_error_hint_set(err, "this is a Spin app; `spin up` runs it");
    return loop_error_hint_set(err,
                               "`loop inspect` shows every import; name those it can do without in "
                               "needs.optional of loop.yaml, or with --optional");
}

static bool imports(const loop_instance *i, const char *wanted)
{
    const lp_import *import;
    for (size_t n = 0; (import = lp_component_import_at(i->component->engine, n)); n++) {
        char name[LP_MAX_NAME];
        lp_split_version(import->interface_name, name, sizeof name);
        if (strcmp(wanted, import->interface_name) == 0 || strcmp(wanted, name) == 0)
            return true;
    }
    return false;
}

/* A name that is optional and not imported is most likely misspelt. */
static void warn_of_strangers(loop_instance *i)
{
    for (size_t n = 0; i->options.optional && i->options.optional[n]; n++)
        if (!imports(i, i->options.optional[n]))
            loop_host_log(i->host, LOOP_LOG_WARN,
                          "%s: '%s' is optional, but no function of it is imported",
                          i->options.name, i->options.optional[n]);
}

loop_error *lp_link(loop_instance *i)
{
    struct missing missing = {0};
    struct decision d = {0};
    loop_error *err = NULL;
    const lp_import *import;
    for (size_t n = 0; !err && (import = lp_component_import_at(i->component->engine, n)); n++)
        err = link_one(i, import, &d, &missing);
    free(d.why);
    warn_of_strangers(i);
    loop_error *lacking = missing_error(i, &missing);
    if (!err)
        return lacking;
    loop_error_delete(lacking);
    return err;
}

void lp_unlink(loop_instance *i)
{
    for (size_t n = 0; n < i->slots.n; n++) {
        free(i->slots.at[n]->stub_reason);
        free(i->slots.at[n]);
    }
    free(i->slots.at);
    free(i->capabilities.at);
}
