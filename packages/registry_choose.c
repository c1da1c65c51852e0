/*
 * packages/registry_choose.c: which registry a package has, and what a registry's name stands for.
 *
 * A name is, in this order: one of `known:` (the user's before the workspace's), a location, a host
 * that says by a well-known file where its registry is, as wkg has it. Passwords are the user's: of
 * `known:` in the user's own file, else of docker's login, by host (registry_oci_auth.c).
 */
#include <ctype.h>
#include <stdlib.h>

#include "base/os/os.h"
#include "base/path.h"
#include "packages/registry.h"

static loop_error *known(loop_packages *p, const loop_registries **ret)
{
    if (!p->known)
        LP_TRY(loop_registries_load(p->options.config, &p->known));
    *ret = p->known;
    return NULL;
}

static const char *keep(loop_packages *p, const char *text)
{
    return lp_arena_strndup(&p->arena, text, strlen(text));
}

LOOP_PRINTF(2, 3)
static const char *keep_format(loop_packages *p, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    lp_auto(lp_free_string) char *text = lp_vformat(fmt, ap);
    va_end(ap);
    return keep(p, text);
}

/* ---- kinds ---- */

static void be_folder(loop_packages *p, lp_registry *r, const char *kind, const char *path)
{
    bool layout = strcmp(kind, "layout") == 0;
    r->kind = layout ? &lp_registry_layout : &lp_registry_folder;
    r->options.location = keep(p, path);
    r->options.key = keep_format(p, "%s:%s", kind, path);
}

static void be_http(loop_packages *p, lp_registry *r, const char *url)
{
    r->kind = &lp_registry_http;
    r->options.location = keep(p, url);
    r->options.key = keep_format(p, "http:%s", url);
}

static void be_oci(loop_packages *p, lp_registry *r, const char *host, const char *prefix)
{
    r->kind = &lp_registry_oci;
    r->options.location = keep(p, host);
    r->options.prefix = keep(p, prefix);
    r->options.key = keep_format(p, "oci:%s/%s", host, prefix);
}

static loop_error *be_row(loop_packages *p, lp_registry *r, const loop_registry_config *row)
{
    if (strcmp(row->kind, "provider") == 0) {
        r->kind = &lp_registry_provider;
        r->options.location = "";
        r->options.known = p->known;
        r->options.key = keep_format(p, "provider:%s:%s",
                                     row->own            ? "user"
                                     : p->options.config ? loop_config_root(p->options.config)
                                                         : "",
                                     row->name);
        return NULL;
    }
    if (strcmp(row->kind, "oci") == 0)
        be_oci(p, r, row->location, row->prefix);
    else if (strcmp(row->kind, "http") == 0)
        be_http(p, r, row->location);
    else
        be_folder(p, r, row->kind, row->location);
    r->options.plain_http = row->plain_http;
    r->options.user = row->user;
    r->options.password = row->password;
    return NULL;
}

/* ---- locations ---- */

static bool is_path(const char *text)
{
    return text[0] == '/' || lp_starts_with(text, "./") || lp_starts_with(text, "../") ||
           strcmp(text, ".") == 0 || strcmp(text, "..") == 0;
}

static loop_error *find_folder(loop_packages *p, const char *kind, const char *path, lp_registry *r)
{
    lp_auto(lp_free_string) char *cwd = lp_os_cwd();
    lp_auto(lp_free_string) char *whole = lp_path_join(cwd ? cwd : "/", path);
    lp_auto(lp_free_string) char *normal = lp_path_normal(whole);
    if (!normal || strlen(path) > LP_MAX_PATH)
        return loop_error_new(LOOP_USAGE, "the path '%.200s' leads nowhere", path);
    lp_auto(lp_free_string) char *mark = lp_path_join(normal, "oci-layout");
    be_folder(p, r, kind ? kind : lp_os_exists(mark) ? "layout" : "folder", normal);
    return NULL;
}

/* "localhost:5000/acme/"; without TLS where it is this machine: nobody is on that way. */
static loop_error *find_oci(loop_packages *p, const char *text, lp_registry *r)
{
    size_t n = strcspn(text, "/");
    lp_auto(lp_free_string) char *host = lp_strndup(text, n);
    const char *prefix = text[n] ? text + n + 1 : "";
    size_t good = strspn(prefix, "abcdefghijklmnopqrstuvwxyz0123456789._-/");
    size_t host_good =
        strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]");
    if (!n || host[host_good] || prefix[good] || strstr(prefix, "//") || strstr(prefix, "..") ||
        strlen(text) > LP_MAX_NAME)
        return loop_error_hint_set(
            loop_error_new(LOOP_USAGE, "'oci://%.200s' is no registry", text),
            "write oci://HOST:PORT or oci://HOST:PORT/PREFIX");
    bool slash = !*prefix || prefix[strlen(prefix) - 1] == '/';
    lp_auto(lp_free_string) char *whole = lp_format("%s%s", prefix, slash ? "" : "/");
    be_oci(p, r, host, whole);
    size_t port = strcspn(host, ":");
    r->options.plain_http = (port == 9 && strncmp(host, "localhost", 9) == 0) ||
                            (port == 9 && strncmp(host, "127.0.0.1", 9) == 0) ||
                            lp_starts_with(host, "[::1]");
    return NULL;
}

static loop_error *find_web(loop_packages *p, const char *url, lp_registry *r)
{
    if (strlen(url) > LP_MAX_PATH || strpbrk(url, "@?# \"'<>\\^`{|}"))
        return loop_error_hint_set(
            loop_error_new(LOOP_USAGE, "'%.200s' is no address of a registry", url),
            "write https://HOST/FOLDER, without a user, '?' or '#'");
    lp_auto(lp_free_string) char *text = lp_strdup(url);
    for (size_t n = strlen(text); n && text[n - 1] == '/'; n--)
        text[n - 1] = 0;
    be_http(p, r, text);
    return NULL;
}

/* "example.com", "example.com:8443": with a dot or a port, so that no mistyped name is asked. */
static bool is_host(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-:");
    return !text[n] && n <= LP_MAX_NAME && isalnum((unsigned char)text[0]) &&
           strpbrk(text, ".:") != NULL;
}

static loop_error *unknown(const loop_registries *all, const char *name)
{
    lp_buf b = {0};
    const loop_registry_config *row;
    for (size_t i = 0; (row = loop_registries_at(all, i)); i++)
        lp_buf_printf(&b, "%s%s", i ? ", " : "", row->name);
    loop_error *e = loop_error_new(LOOP_NOT_FOUND, "there is no registry '%.200s'", name);
    e = b.len ? loop_error_hint_set(e, "there are: %s; or write a location, as in --help", b.ptr)
              : loop_error_hint_set(
                    e, "name it in `registries: { known: {...} }` of loop.yaml, or write a "
                       "location: ./FOLDER, https://..., oci://HOST:PORT");
    lp_buf_done(&b);
    return e;
}

loop_error *lp_registry_find(loop_packages *p, const char *name, lp_registry *ret)
{
    const loop_registries *all;
    const loop_registry_config *row;
    LP_TRY(known(p, &all));
    ret->options.name = keep(p, name);
    ret->options.prefix = "";
    for (size_t i = 0; (row = loop_registries_at(all, i)); i++)
        if (strcmp(row->name, name) == 0) {
            ret->options.own = row->own;
            return be_row(p, ret, row);
        }
    if (is_path(name))
        return find_folder(p, NULL, name, ret);
    if (lp_starts_with(name, "layout:") || lp_starts_with(name, "folder:"))
        return find_folder(p, name[0] == 'l' ? "layout" : "folder", name + 7, ret);
    if (lp_starts_with(name, "oci://"))
        return find_oci(p, name + 6, ret);
    if (lp_starts_with(name, "https://") || lp_starts_with(name, "http://"))
        return find_web(p, name, ret);
    if (!is_host(name))
        return unknown(all, name);
    be_oci(p, ret, name, "");
    ret->options.well_known = true;
    ret->options.key = keep_format(p, "host:%s", name);
    return NULL;
}

loop_error *lp_registry_for(loop_packages *p, const char *package, lp_registry **ret)
{
    const loop_registries *all;
    loop_origin at;
    LP_TRY(known(p, &all));
    const char *name = loop_registries_for(all, package, &at);
    if (!name)
        return loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "no registry has '%.200s'", package),
            "say where it is: `registries:` in loop.yaml, or in registries.yaml of your "
            "configuration (loop help install)");
    loop_error *e = lp_registry_named(p, name, ret);
    return e ? loop_error_wrap(e, "%s:%u:%u: the registry of '%s'", at.source, at.line, at.column,
                               package)
             : NULL;
}
