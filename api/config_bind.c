/*
 * api/config_bind.c: `bind:` of loop.yaml, of a component and of a profile, and what a
 * host is told of it.
 *
 *     bind:
 *       loop:core/logging: [redact, { use: rate-limit, per-second: 10 }, logging]
 *       loop:storage/store: { use: sqlite, file: data/store.db }
 *       acme:dice/roller: { library: build/dice.so }
 *       acme:weather/api: { component: weather }
 *
 * Which options a provider has is the host's to know: they are kept as text here and
 * checked when they are bound.
 */
#include <stdlib.h>

#include "api/config.h"
#include "base/path.h"
#include "host/hooks.h"

/* "namespace:package/interface" in the letters that WIT has, without a version. */
static loop_error *check_interface(const lp_yaml *key)
{
    const char *s = key->text;
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-:/");
    const char *colon = strchr(s, ':'), *slash = strchr(s, '/');
    if (s[n] == '@')
        return loop_error_hint_set(lp_yaml_error(key, "an interface has no version here: '%s'", s),
                                   "write '%.*s'", (int)n, s);
    if (s[n] || n > LP_MAX_NAME || !colon || !slash || colon == s || slash <= colon + 1 ||
        !slash[1] || strchr(colon + 1, ':') || strchr(slash + 1, '/'))
        return loop_error_hint_set(lp_yaml_error(key, "'%s' is no interface", s),
                                   "write it as 'loop:core/logging'");
    return NULL;
}

/* ---- one link ---- */

static const char *const forms[] = {"use", "component", "library", "sidecar"};

static bool is_form(const char *key)
{
    for (size_t i = 0; i < LP_COUNT(forms); i++)
        if (strcmp(key, forms[i]) == 0)
            return true;
    return false;
}

/* The one key of a map that says which provider it is. */
static loop_error *find_form(const lp_yaml *map, const lp_yaml **ret)
{
    const lp_yaml *found = NULL;
    for (const lp_yaml *i = map->first; i; i = i->next) {
        if (found && is_form(i->key->text))
            return lp_yaml_error(i->key, "a binding has '%s' or '%s', not both", found->key->text,
                                 i->key->text);
        found = is_form(i->key->text) ? i : found;
    }
    *ret = found;
    if (found)
        return NULL;
    return loop_error_hint_set(lp_yaml_error(map, "a binding without a provider"),
                               "write { use: NAME }, { component: NAME }, { library: PATH } or "
                               "{ sidecar: [PROGRAM] }");
}

/* The program and its arguments as one line. */
static void ask_for_sidecar(loop_config *c, const loop_binding_link *link,
                            const char *interface_name)
{
    lp_buf line = {0};
    for (size_t i = 0; link->sidecar[i]; i++)
        lp_buf_printf(&line, "%s%s", i ? " " : "", link->sidecar[i]);
    lp_config_ask(c, LOOP_ASK_SIDECAR, interface_name, line.ptr, link->origin);
    lp_buf_done(&line);
}

/* What runs as native code is named by loop.yaml, which can be trusted, and by nothing else. */
static loop_error *check_native(const lp_yaml *at, lp_config_file_kind kind)
{
    if (kind != LP_CONFIG_PROFILE)
        return NULL;
    return loop_error_hint_set(lp_yaml_error(at->key, "a profile has no '%s'", at->key->text),
                               "say it in loop.yaml, where `loop trust` shows it");
}

static loop_error *read_form(loop_config *c, const lp_yaml *at, const char *interface_name,
                             lp_config_file_kind kind, loop_binding_link *link)
{
    const char *path;
    if (strcmp(at->key->text, "use") == 0) {
        if (at->kind != LP_YAML_TEXT)
            return lp_config_expected(at, "a provider's name", "use");
        LP_TRY(lp_config_check_name(at, "a provider"));
        return lp_config_read_text(c, at, "use", &link->provider);
    }
    if (strcmp(at->key->text, "component") == 0) {
        if (at->kind != LP_YAML_TEXT)
            return lp_config_expected(at, "the name of a component", "component");
        LP_TRY(lp_config_check_name(at, "a component"));
        return lp_config_read_text(c, at, "component", &link->component);
    }
    LP_TRY(check_native(at, kind));
    if (strcmp(at->key->text, "sidecar") == 0) {
        if (at->kind != LP_YAML_LIST || !at->count)
            return loop_error_hint_set(
                lp_config_expected(at, "a program and its arguments, as a list", "sidecar"),
                "write sidecar: [node, weather.js]");
        LP_TRY(lp_config_read_texts(c, at, "sidecar", false, &link->sidecar));
        ask_for_sidecar(c, link, interface_name);
        return NULL;
    }
    LP_TRY(lp_config_read_path(c, at, "library", &path));
    lp_auto(lp_free_string) char *whole = lp_path_join(c->root ? c->root : "/", path);
    lp_auto(lp_free_string) char *normal = lp_path_normal(whole);
    if (!normal)
        return lp_yaml_error(at, "the path '%s' leads above the root", path);
    link->library = lp_config_keep(c, normal);
    lp_config_ask(c, LOOP_ASK_LIBRARY, interface_name, path, link->origin);
    return NULL;
}

static loop_error *read_map(loop_config *c, const lp_yaml *map, const char *interface_name,
                            lp_config_file_kind kind, loop_binding_link *link)
{
    const lp_yaml *form = NULL;
    LP_TRY(find_form(map, &form));
    LP_TRY(read_form(c, form, interface_name, kind, link));
    const char **options = lp_arena_alloc(&c->arena, (2 * map->count + 1) * sizeof *options);
    size_t n = 0;
    for (const lp_yaml *i = map->first; i; i = i->next) {
        if (i == form)
            continue;
        options[n++] = lp_config_keep(c, i->key->text);
        LP_TRY(lp_config_read_text(c, i, i->key->text, &options[n++]));
    }
    link->options = options;
    return NULL;
}

loop_error *lp_config_read_link(loop_config *c, const lp_yaml *at, const char *interface_name,
                                lp_config_file_kind kind, loop_binding_link *link)
{
    static const char *const no_options[] = {NULL};
    *link = (loop_binding_link){.options = no_options, .origin = lp_config_origin(c, at)};
    if (at->kind == LP_YAML_MAP)
        return read_map(c, at, interface_name, kind, link);
    if (at->kind != LP_YAML_TEXT)
        return lp_yaml_error(at, "expected a provider's name or a map, found %s",
                             lp_yaml_kind_name(at));
    LP_TRY(lp_config_check_name(at, "a provider"));
    link->provider = lp_config_keep(c, at->text);
    return NULL;
}

/* ---- one interface ---- */

static bool same_component(const loop_binding *b, const char *component)
{
    return component ? b->component && strcmp(b->component, component) == 0 : !b->component;
}

/* What a profile says holds only where the workspace does not say it. */
static bool is_bound(const loop_config *c, const char *component, const char *interface_name)
{
    for (size_t i = 0; i < c->bindings.n; i++)
        if (same_component(c->bindings.at[i], component) &&
            strcmp(c->bindings.at[i]->interface_name, interface_name) == 0)
            return true;
    return false;
}

static loop_error *read_binding(loop_config *c, const lp_yaml *at, const char *component,
                                lp_config_file_kind kind)
{
    LP_TRY(check_interface(at->key));
    bool list = at->kind == LP_YAML_LIST;
    if ((list && !at->count) || (!list && at->kind != LP_YAML_TEXT && at->kind != LP_YAML_MAP))
        return lp_config_expected(at, "a provider's name, a map or a list of them", at->key->text);
    size_t n = list ? at->count : 1;
    loop_binding_link *links = lp_arena_alloc(&c->arena, n * sizeof *links);
    size_t k = 0;
    for (const lp_yaml *i = list ? at->first : at; k < n; i = i->next)
        LP_TRY(lp_config_read_link(c, i, at->key->text, kind, &links[k++]));
    if (kind == LP_CONFIG_PROFILE && is_bound(c, component, at->key->text))
        return NULL;
    loop_binding *b = lp_arena_alloc(&c->arena, sizeof *b);
    *b = (loop_binding){.component = component,
                        .interface_name = lp_config_keep(c, at->key->text),
                        .links = links,
                        .count = n,
                        .origin = lp_config_origin(c, at->key)};
    *lp_push(&c->bindings) = b;
    return NULL;
}

loop_error *lp_config_read_bindings(loop_config *c, const lp_yaml *map, const char *component,
                                    lp_config_file_kind kind)
{
    if (map->kind != LP_YAML_MAP && map->kind != LP_YAML_NULL)
        return lp_config_expected(map, "a map", "bind");
    for (const lp_yaml *i = map->first; i; i = i->next)
        LP_TRY(read_binding(c, i, component, kind));
    return NULL;
}

const loop_binding *loop_config_binding_at(const loop_config *c, size_t i)
{
    return i < c->bindings.n ? c->bindings.at[i] : NULL;
}

/* ---- telling a host ---- */

/* Both forms of native code take trust, asked about before anything of them is opened. */
static loop_error *check_trust(const loop_config *c, const loop_binding_link *l)
{
    if (l->provider || l->component)
        return NULL;
    LP_TRY(loop_config_trust(c));
    return l->sidecar ? lp_config_sidecar_check(c, l->sidecar)
                      : lp_config_library_check(c, l->library);
}

loop_error *loop_config_check_binding(const loop_config *c, const loop_binding *b)
{
    for (size_t i = 0; i < b->count; i++) {
        loop_error *e = check_trust(c, &b->links[i]);
        const loop_origin *at = &b->links[i].origin;
        if (e)
            return loop_error_wrap(e, "%s:%u:%u: cannot bind '%s'", at->source, at->line,
                                   at->column, b->interface_name);
    }
    return NULL;
}

/* A link to anything else becomes one to the provider that it is. */
static loop_error *resolve(const loop_config *c, loop_host *h, const loop_binding_link *from,
                           loop_link *ret)
{
    *ret = (loop_link){from->provider, from->options};
    if (from->provider)
        return NULL;
    if (from->component)
        return loop_config_component_add(c, h, from->component, &ret->provider);
    LP_TRY(check_trust(c, from));
    if (from->sidecar)
        return loop_host_sidecar_add(h, &(loop_sidecar_options){from->sidecar, c->root},
                                     &ret->provider);
    return loop_host_library_add(h, from->library, &ret->provider);
}

/* A link, and what is to be said of the files that it names. */
struct files {
    const loop_config *config;
    const loop_link *link;
    const loop_origin *at;
    lp_buf *warnings; /* one a line */
};

/* For lp_host_which. */
static bool look_at_files(const void *data, const loop_provider *p, const lp_table_life *life)
{
    const struct files *f = data;
    (void)life;
    if (strcmp(p->name, f->link->provider) != 0)
        return false;
    for (const loop_provider_option *o = p->options; o && o->name; o++) {
        const char *const *options = f->link->options;
        const char *text = o->fallback;
        for (size_t i = 0; options && options[i]; i += 2)
            text = strcmp(options[i], o->name) == 0 ? options[i + 1] : text;
        const char *who = f->config->root && text && strcmp(o->type, "path") == 0
                              ? lp_config_granted_to(f->config, text)
                              : NULL;
        if (who)
            lp_buf_printf(f->warnings,
                          "%s:%u:%u: the component '%s' was granted the folder of '%s', the %s of "
                          "'%s': what others keep there is not private to them\n",
                          f->at->source, f->at->line, f->at->column, who, text, o->name, p->name);
    }
    return true;
}

/* What a provider keeps in a file is its own: a component that has the folder could read it. */
static void warn_of_files(const loop_config *c, loop_host *h, const loop_link *link,
                          const loop_origin *at)
{
    lp_buf warnings = {0};
    (void)lp_host_which(h, look_at_files, &(struct files){c, link, at, &warnings});
    for (char *line = warnings.ptr, *end; line && (end = strchr(line, '\n')); line = end + 1)
        loop_host_log(h, LOOP_LOG_WARN, "%.*s", (int)(end - line), line);
    lp_buf_done(&warnings);
}

loop_error *lp_config_bind_one(const loop_config *c, loop_host *h, const loop_binding *b)
{
    loop_link *links = lp_alloc(b->count * sizeof *links);
    loop_error *err = NULL;
    const loop_origin *at = &b->origin;
    for (size_t i = 0; !err && i < b->count; i++) {
        err = resolve(c, h, &b->links[i], &links[i]);
        at = err ? &b->links[i].origin : at;
    }
    if (!err)
        err = loop_host_bind_chain(h, b->component, b->interface_name, links, b->count);
    for (size_t i = 0; !err && i < b->count; i++)
        warn_of_files(c, h, &links[i], &b->links[i].origin);
    free(links);
    return err ? loop_error_wrap(err, "%s:%u:%u: cannot bind '%s'", at->source, at->line,
                                 at->column, b->interface_name)
               : NULL;
}

/*
 * Components whose fibers others were granted to mount (`needs: [fx.leaf]`): whoever calls them has
 * their grant's name.
 */
static loop_error *bind_mounted(const loop_config *c, loop_host *h, const lp_config_grant *g)
{
    const char *name = g->text + strlen("fx.");
    if (g->kind != LOOP_GRANT_NEED || g->deny || !lp_starts_with(g->text, "fx.") ||
        !loop_config_component(c, name))
        return NULL;
    loop_link link = {0};
    loop_error *err = loop_config_component_add(c, h, name, &link.provider);
    if (!err)
        err = loop_host_bind_chain(h, g->text, "loop:fx/fibers", &link, 1);
    return err ? loop_error_wrap(err, "%s:%u:%u: no fibers of '%s' can be mounted",
                                 g->origin.source, g->origin.line, g->origin.column, name)
               : NULL;
}

loop_error *loop_config_bind(const loop_config *c, loop_host *host)
{
    loop_limits lowest;
    loop_config_limits(c, NULL, "untrusted", &lowest);
    lp_host_lowest_limits(host, &lowest);
    for (size_t i = 0; i < c->bindings.n; i++)
        LP_TRY(lp_config_bind_one(c, host, c->bindings.at[i]));
    for (size_t i = 0; i < c->components.n; i++)
        for (size_t n = 0; n < c->components.at[i]->grants.n; n++)
            LP_TRY(bind_mounted(c, host, &c->components.at[i]->grants.at[n]));
    return NULL;
}
