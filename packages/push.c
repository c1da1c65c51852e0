/*
 * packages/push.c: publishing, and taking back: loop_packages_push and _yank. What a kind of
 * registry does for it is in registry_<kind>.c.
 */
#include "base/base.h"
#include "packages/registry.h"

static loop_error *registry_of(loop_packages *p, const char *name, const char *registry,
                               lp_registry **ret)
{
    return registry ? lp_registry_named(p, registry, ret) : lp_registry_for(p, name, ret);
}

static loop_error *push(loop_packages *p, lp_packed *package, const char *registry,
                        loop_package_list *list)
{
    const lp_manifest *m = lp_packed_manifest(package);
    lp_registry *r;
    if (!*m->name || !*m->version)
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "the package does not say its name and version"),
            "another tool made it; `loop pack` writes both");
    LP_TRY(registry_of(p, m->name, registry, &r));
    LP_TRY(lp_registry_push(r, package));
    loop_package *row = lp_package_list_manifest(list, m);
    row->registry = lp_package_list_keep(list, lp_registry_name(r));
    return NULL;
}

loop_error *loop_packages_push(loop_packages *p, const char *path, const char *registry,
                               loop_package_list **ret)
{
    lp_packed *package;
    LP_TRY(lp_packed_open(path, &package));
    loop_package_list *list = lp_package_list_new();
    loop_error *e = push(p, package, registry, list);
    lp_packed_close(package);
    if (e) {
        loop_package_list_delete(list);
        return e;
    }
    *ret = list;
    return NULL;
}

/* "acme:ui@1.2.0" to its parts. */
static loop_error *exact(lp_arena *arena, const char *text, const char **ret_name,
                         const char **ret_version)
{
    lp_version v;
    LP_TRY(lp_package_wish_parse(arena, text, ret_name, ret_version));
    loop_error *none = lp_version_parse(arena, *ret_version, &v);
    if (none)
        return loop_error_hint_set(
            lp_error_because(LOOP_USAGE, none, "'%.200s' is not one version", text),
            "write NAME@VERSION: acme:ui@1.2.0");
    return NULL;
}

static loop_error *yank(lp_registry *r, const char *name, const char *version, const char *reason)
{
    if (!r->kind->yank)
        return loop_error_new(LOOP_UNAVAILABLE, "nothing can be yanked at the registry '%s'",
                              r->options.name);
    LP_TRY(lp_registry_open(r));
    loop_error *e = r->kind->yank(r->self, name, version, reason);
    return e ? loop_error_wrap(e, "cannot yank %s %s at the registry '%s'", name, version,
                               r->options.name)
             : NULL;
}

loop_error *loop_packages_yank(loop_packages *p, const char *package, const char *registry,
                               const char *reason)
{
    lp_arena arena = {0};
    const char *name, *version;
    lp_registry *r = NULL;
    loop_error *e = exact(&arena, package, &name, &version);
    if (!e && reason && (strlen(reason) > LP_MAX_PACKAGE_TEXT || !*reason))
        e = loop_error_new(LOOP_USAGE, "a reason has 1 to %d bytes", LP_MAX_PACKAGE_TEXT);
    if (!e && reason && !lp_utf8_valid(reason, strlen(reason)))
        e = loop_error_new(LOOP_USAGE, "a reason is text in UTF-8");
    if (!e)
        e = registry_of(p, name, registry, &r);
    if (!e)
        e = yank(r, name, version, reason);
    lp_arena_done(&arena);
    return e;
}
