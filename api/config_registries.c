/*
 * api/config_registries.c: `registries:` of loop.yaml and the user's registries.yaml: which
 * registries there are, and which of them has a package.
 *
 *     registries:
 *       default: team
 *       namespaces: { acme: team }
 *       packages: { "acme:ui": near }
 *       known:
 *         team: { oci: "localhost:5000", prefix: "acme/", plain-http: true }
 *         near: { folder: ../packages }
 *
 * The workspace says where its packages are; what a name means, the user says first, who so has a
 * mirror, and gives a password to nobody else: a `team` of a workspace is never given the password
 * of the user's `team`. The user's file is read only when somebody needs a registry.
 *
 * Whether a name that is nowhere is a registry (a host, which is asked) is packages' to say.
 */
#include <stdlib.h>

#include "api/config.h"
#include "base/os/os.h"
#include "base/path.h"

#define REGISTRY_INTERFACE "loop:pkg/registry"

static const char *const forms[] = {"oci", "folder", "layout", "http"};
static const char *const provider_forms[] = {"use", "library", "sidecar", "component"};
#define FORMS "oci, folder, layout, http, use, component, library, sidecar"

static bool is_one_of(const char *s, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(s, names[i]) == 0)
            return true;
    return false;
}

/* ---- where a registry is ---- */

/* This machine, under the names that are always its own. */
static bool is_this_machine(const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < LP_COUNT(names); i++) {
        size_t n = strlen(names[i]);
        if (strncmp(host, names[i], n) == 0 && (!host[n] || host[n] == ':' || host[n] == '/'))
            return true;
    }
    return false;
}

static loop_error *check_plain(const lp_yaml *at, const char *host, bool own)
{
    if (own || is_this_machine(host))
        return NULL;
    return loop_error_hint_set(
        lp_yaml_error(at, "'%s' without TLS: anybody on the way could change what comes", host),
        "use https; or name it in registries.yaml of your own configuration, if you know the way");
}

static loop_error *read_oci(loop_config *c, const lp_yaml *at, const lp_yaml *map, bool own,
                            loop_registry_config *r)
{
    LP_TRY(lp_config_read_text(c, at, "oci", &r->location));
    const char *s = r->location;
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]");
    if (s[n] || !n || n > LP_MAX_NAME)
        return loop_error_hint_set(lp_yaml_error(at, "'%s' is no host", s),
                                   "write HOST or HOST:PORT; what follows it is `prefix`");
    const lp_yaml *prefix = lp_yaml_get(map, "prefix"), *plain = lp_yaml_get(map, "plain-http");
    if (prefix) {
        LP_TRY(lp_config_read_text(c, prefix, "prefix", &r->prefix));
        n = strspn(r->prefix, "abcdefghijklmnopqrstuvwxyz0123456789._-/");
        if (r->prefix[n] || r->prefix[0] == '/' || n > LP_MAX_NAME || strstr(r->prefix, "//") ||
            strstr(r->prefix, ".."))
            return loop_error_hint_set(
                lp_yaml_error(prefix, "'%s' is no prefix of a repository", r->prefix),
                "lower case, digits, '.', '-', '_', parts with '/' behind them: 'acme/'");
    }
    if (!plain)
        return NULL;
    if (plain->kind != LP_YAML_TEXT ||
        !is_one_of(plain->text, (const char *[]){"true", "false"}, 2))
        return lp_config_expected(plain, "true or false", "plain-http");
    r->plain_http = plain->text[0] == 't';
    return r->plain_http ? check_plain(plain, r->location, own) : NULL;
}

static loop_error *read_http(loop_config *c, const lp_yaml *at, bool own, loop_registry_config *r)
{
    LP_TRY(lp_config_read_text(c, at, "http", &r->location));
    char *url = lp_config_keep(c, r->location);
    bool tls = lp_starts_with(url, "https://"), plain = lp_starts_with(url, "http://");
    const char *host = url + (tls ? 8 : 7);
    if ((!tls && !plain) || !*host || *host == '/' || strlen(url) > LP_MAX_PATH ||
        strpbrk(url, "@?# \"'<>\\^`{|}"))
        return loop_error_hint_set(lp_yaml_error(at, "'%s' is no address of a registry", url),
                                   "write https://HOST/FOLDER, without a user, '?' or '#'");
    for (size_t n = strlen(url); n && url[n - 1] == '/'; n--)
        url[n - 1] = 0;
    r->location = url;
    return plain ? check_plain(at, host, own) : NULL;
}

static loop_error *read_folder(loop_config *c, const lp_yaml *at, loop_registry_config *r)
{
    const char *path;
    LP_TRY(lp_config_read_path(c, at, at->key->text, &path));
    lp_auto(lp_free_string) char *whole = lp_path_join(c->root, path);
    lp_auto(lp_free_string) char *normal = lp_path_normal(whole);
    if (!normal)
        return lp_yaml_error(at, "the path '%s' leads above the root", path);
    r->location = lp_config_keep(c, normal);
    return NULL;
}

static loop_error *read_secrets(loop_config *c, const lp_yaml *map, bool own,
                                loop_registry_config *r)
{
    const lp_yaml *user = lp_yaml_get(map, "user"), *password = lp_yaml_get(map, "password");
    if (!user && !password)
        return NULL;
    const lp_yaml *at = user ? user : password;
    if (!own)
        return loop_error_hint_set(
            lp_yaml_error(at->key, "a workspace's file has no users and passwords"),
            "write them in registries.yaml of your own configuration, or use docker's login");
    if (!user || !password)
        return lp_yaml_error(at->key, "'user' and 'password' belong together");
    LP_TRY(lp_config_read_text(c, user, "user", &r->user));
    LP_TRY(lp_config_read_text(c, password, "password", &r->password));
    if (strlen(r->user) > LP_MAX_NAME || strlen(r->password) > LP_MAX_OPTION_TEXT ||
        strchr(r->user, ':'))
        return lp_yaml_error(user, "'user' has a ':', or is too long, or 'password' is");
    return NULL;
}

/* ---- one registry ---- */

/* Which of some keys a registry has: one of them at most. */
static loop_error *find_one(const lp_yaml *map, const char *const *names, size_t n,
                            const lp_yaml **ret)
{
    for (const lp_yaml *i = map->first; i; i = i->next) {
        if (!is_one_of(i->key->text, names, n))
            continue;
        if (*ret)
            return lp_yaml_error(i->key, "a registry has '%s' or '%s', not both", (*ret)->key->text,
                                 i->key->text);
        *ret = i;
    }
    return NULL;
}

/* A provider may have options that are called as a place is. */
static loop_error *find_form(const lp_yaml *map, const lp_yaml **ret)
{
    LP_TRY(find_one(map, provider_forms, LP_COUNT(provider_forms), ret));
    if (!*ret)
        LP_TRY(find_one(map, forms, LP_COUNT(forms), ret));
    if (!*ret)
        return loop_error_hint_set(lp_yaml_error(map, "a registry that is nowhere"),
                                   "say where it is; one of " FORMS);
    return NULL;
}

static loop_error *check_keys(const lp_yaml *map, const lp_yaml *form)
{
    static const char *const oci[] = {"oci", "prefix", "plain-http", "user", "password"};
    static const char *const http[] = {"http", "user", "password"};
    bool is_oci = strcmp(form->key->text, "oci") == 0, is_http = form->key->text[0] == 'h';
    const char *const *allowed = is_oci    ? oci
                                 : is_http ? http
                                           : (const char *const *)&form->key->text;
    size_t n = is_oci ? LP_COUNT(oci) : is_http ? LP_COUNT(http) : 1;
    for (const lp_yaml *i = map->first; i; i = i->next)
        if (!is_one_of(i->key->text, allowed, n))
            return lp_config_suggest(
                lp_yaml_error(i->key, "unknown key '%s' of a registry", i->key->text), i->key->text,
                allowed, n);
    return NULL;
}

static loop_error *read_registry(loop_config *c, const lp_yaml *map, bool own)
{
    const lp_yaml *form = NULL;
    LP_TRY(lp_config_check_name(map->key, "a registry"));
    if (map->kind != LP_YAML_MAP)
        return loop_error_hint_set(lp_config_expected(map, "a map", map->key->text),
                                   "say where it is; one of " FORMS);
    LP_TRY(find_form(map, &form));
    loop_registry_config *r = lp_arena_alloc(&c->arena, sizeof *r);
    *r = (loop_registry_config){.name = lp_config_keep(c, map->key->text),
                                .kind = "provider",
                                .location = "",
                                .prefix = "",
                                .own = own,
                                .origin = lp_config_origin(c, map->key)};
    *lp_push(&c->registries) = r;
    if (is_one_of(form->key->text, provider_forms, LP_COUNT(provider_forms))) {
        loop_binding_link *link = lp_arena_alloc(&c->arena, sizeof *link);
        r->provider = link;
        return lp_config_read_link(c, map, REGISTRY_INTERFACE, LP_CONFIG_WORKSPACE, link);
    }
    for (size_t i = 0; i < LP_COUNT(forms); i++)
        if (strcmp(form->key->text, forms[i]) == 0)
            r->kind = forms[i];
    LP_TRY(check_keys(map, form));
    LP_TRY(read_secrets(c, map, own, r));
    if (strcmp(r->kind, "oci") == 0)
        return read_oci(c, form, map, own, r);
    return strcmp(r->kind, "http") == 0 ? read_http(c, form, own, r) : read_folder(c, form, r);
}

/* ---- which has a package ---- */

static loop_error *add_route(loop_config *c, char kind, const char *what, const lp_yaml *at)
{
    const char *name;
    LP_TRY(lp_config_read_text(c, at, what, &name));
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:");
    if (name[n] || !n || n > LP_MAX_NAME)
        return lp_yaml_error(at, "'%s' is no registry's name", name);
    *lp_push(&c->routes) =
        (struct lp_config_route){kind, lp_config_keep(c, what), name, lp_config_origin(c, at)};
    return NULL;
}

static loop_error *read_routes(loop_config *c, const lp_yaml *map, char kind)
{
    const char *key = kind == 'p' ? "packages" : "namespaces";
    if (map->kind != LP_YAML_MAP && map->kind != LP_YAML_NULL)
        return lp_config_expected(map, "a map", key);
    for (const lp_yaml *i = map->first; i; i = i->next) {
        const char *s = i->key->text, *colon = strchr(s, ':');
        size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-:");
        bool whole = colon && colon != s && colon[1] && !strchr(colon + 1, ':');
        if (s[n] || !n || n > LP_MAX_NAME || (kind == 'p' ? !whole : colon != NULL))
            return loop_error_hint_set(
                lp_yaml_error(i->key, "'%s' is no %s", s, kind == 'p' ? "package" : "namespace"),
                "write %s", kind == 'p' ? "\"acme:ui\": REGISTRY" : "acme: REGISTRY");
        LP_TRY(add_route(c, kind, s, i));
    }
    return NULL;
}

static loop_error *read_known(loop_config *c, const lp_yaml *map, bool own)
{
    if (map->kind != LP_YAML_MAP && map->kind != LP_YAML_NULL)
        return lp_config_expected(map, "a map", "known");
    if (map->count > LP_MAX_REGISTRIES)
        return lp_yaml_error(map, "more than %d registries", LP_MAX_REGISTRIES);
    for (const lp_yaml *i = map->first; i; i = i->next)
        LP_TRY(read_registry(c, i, own));
    return NULL;
}

loop_error *lp_config_read_registries(loop_config *c, const lp_yaml *map, bool own)
{
    LP_TRY(lp_config_check_map(map, "registries", LP_CONFIG_WORKSPACE,
                               own ? " in registries.yaml" : " in 'registries'"));
    const lp_yaml *at;
    if ((at = lp_yaml_get(map, "known")))
        LP_TRY(read_known(c, at, own));
    if ((at = lp_yaml_get(map, "packages")))
        LP_TRY(read_routes(c, at, 'p'));
    if ((at = lp_yaml_get(map, "namespaces")))
        LP_TRY(read_routes(c, at, 'n'));
    at = lp_yaml_get(map, "default");
    return at ? add_route(c, 'd', "default", at) : NULL;
}

/* ---- both files ---- */

struct loop_registries {
    const loop_config *workspace; /* NULL: none */
    loop_config *user;            /* nothing but registries */
};

static bool has_password(const loop_config *c)
{
    for (size_t i = 0; i < c->registries.n; i++)
        if (c->registries.at[i]->password)
            return true;
    return false;
}

static loop_error *read_user(loop_config *c, const char *dir)
{
    lp_auto(lp_free_string) char *file = lp_path_join(dir, "registries.yaml");
    if (!lp_os_exists(file))
        return NULL;
    lp_auto(lp_yaml_free) lp_yaml_doc *doc = NULL;
    LP_TRY(lp_yaml_read(file, file, &doc));
    c->root = lp_config_keep(c, dir); /* and no `file`: what the user wrote needs no trust */
    LP_TRY(lp_config_read_registries(c, lp_yaml_root(doc), true));
    if (!has_password(c) || lp_os_is_secret(file))
        return NULL;
    return loop_error_hint_set(
        loop_error_new(LOOP_DENIED, "'%s' has a password and others may read it", file),
        "chmod 600 %s", file);
}

loop_error *loop_registries_load(const loop_config *c, loop_registries **ret)
{
    loop_registries *r = lp_alloc(sizeof *r);
    r->workspace = c;
    r->user = lp_config_new();
    lp_auto(lp_free_string) char *dir = lp_os_config_dir();
    loop_error *e = dir ? read_user(r->user, dir) : NULL;
    if (e) {
        loop_registries_delete(r);
        return e;
    }
    *ret = r;
    return NULL;
}

void loop_registries_delete(loop_registries *r)
{
    if (!r)
        return;
    loop_config_delete(r->user);
    free(r);
}

static bool user_has(const loop_registries *r, const char *name)
{
    for (size_t i = 0; i < r->user->registries.n; i++)
        if (strcmp(r->user->registries.at[i]->name, name) == 0)
            return true;
    return false;
}

const loop_registry_config *loop_registries_at(const loop_registries *r, size_t i)
{
    if (i < r->user->registries.n)
        return r->user->registries.at[i];
    i -= r->user->registries.n;
    for (size_t k = 0; r->workspace && k < r->workspace->registries.n; k++)
        if (!user_has(r, r->workspace->registries.at[k]->name) && i-- == 0)
            return r->workspace->registries.at[k];
    return NULL;
}

loop_error *loop_registries_bind(const loop_registries *r, const char *name, loop_host *host)
{
    const loop_registry_config *row = NULL;
    for (size_t i = 0; (row = loop_registries_at(r, i)); i++)
        if (strcmp(row->name, name) == 0)
            break;
    if (!row || !row->provider)
        return loop_error_new(LOOP_NOT_FOUND, "no provider serves a registry '%s'", name);
    return lp_config_bind_one(row->own ? r->user : r->workspace, host,
                              &(loop_binding){.interface_name = REGISTRY_INTERFACE,
                                              .links = row->provider,
                                              .count = 1,
                                              .origin = row->origin});
}

static const struct lp_config_route *find_route(const loop_config *c, char kind, lp_str what)
{
    for (size_t i = 0; c && i < c->routes.n; i++)
        if (c->routes.at[i].kind == kind && (kind == 'd' || lp_str_is(what, c->routes.at[i].what)))
            return &c->routes.at[i];
    return NULL;
}

const char *loop_registries_for(const loop_registries *r, const char *package,
                                loop_origin *ret_origin)
{
    const loop_config *const files[] = {r->workspace, r->user};
    lp_str whole = lp_str_of(package), namespace = {package, strcspn(package, ":")};
    for (const char *kind = "pnd"; *kind; kind++) {
        for (size_t i = 0; i < LP_COUNT(files); i++) {
            const struct lp_config_route *route =
                find_route(files[i], *kind, *kind == 'n' ? namespace : whole);
            if (!route)
                continue;
            if (ret_origin)
                *ret_origin = route->origin;
            return route->registry;
        }
    }
    return NULL;
}
