/*
 * api/config_packages.c: where a component of loop.yaml is from, and local files in the place of
 * packages.
 *
 *     components:
 *       notes: { path: build/notes.wasm }
 *       ui: { package: "acme:ui@^1.2" }
 *       theme: { package: "acme:theme@^1", path: ../theme/build/theme.wasm }
 *     overrides: { "acme:base": ../base/build/base.wasm }
 *
 * Which version `package` is, and where its file lies, loop.lock and the cache know
 * (loop/package.h): nothing is looked up when the file is read.
 */
#include <stdlib.h>

#include "api/config.h"
#include "base/path.h"
#include "packages/packages.h"

/* A path of the file, absolute and normal. */
static loop_error *read_file(loop_config *c, const lp_yaml *at, const char *name, const char **ret)
{
    const char *path;
    LP_TRY(lp_config_read_path(c, at, name, &path));
    lp_auto(lp_free_string) char *whole = lp_path_join(c->root, path);
    lp_auto(lp_free_string) char *normal = lp_path_normal(whole);
    if (!normal)
        return lp_yaml_error(at, "the path '%s' leads above the root", path);
    *ret = lp_config_keep(c, normal);
    return NULL;
}

/* The error of a name, a range or a wish, at its place in the file; takes it. */
static loop_error *at_place(loop_error *e, const lp_yaml *at)
{
    if (!e)
        return NULL;
    const char *hint = loop_error_hint(e);
    const loop_error *why = loop_error_cause(e);
    loop_error *placed = lp_yaml_error(at, "%s%s%s", loop_error_message(e), why ? ": " : "",
                                       why ? loop_error_message(why) : "");
    if (hint)
        placed = loop_error_hint_set(placed, "%s", hint);
    loop_error_delete(e);
    return placed;
}

static loop_error *read_wish(loop_config *c, const lp_yaml *at, const char **ret)
{
    const char *name, *range;
    LP_TRY(lp_config_read_text(c, at, "package", ret));
    return at_place(lp_package_wish_parse(&c->arena, *ret, &name, &range), at);
}

loop_error *lp_config_read_source(loop_config *c, lp_config_component *component,
                                  const lp_yaml *map)
{
    const lp_yaml *path = lp_yaml_get(map, "path"), *package = lp_yaml_get(map, "package");
    const char *name = component->row.name;
    if (!path && !package)
        return loop_error_hint_set(
            lp_yaml_error(map->key, "component '%s' has no 'path' and no 'package'", name),
            "add 'path: build/%s.wasm', or let `loop add` write it", name);
    if (path)
        LP_TRY(read_file(c, path, "path", &component->row.path));
    return package ? read_wish(c, package, &component->row.package) : NULL;
}

loop_error *lp_config_read_overrides(loop_config *c, const lp_yaml *map)
{
    if (map->kind != LP_YAML_MAP && map->kind != LP_YAML_NULL)
        return lp_config_expected(map, "a map of packages to files", "overrides");
    for (const lp_yaml *i = map->first; i; i = i->next) {
        loop_override row = {.package = lp_config_keep(c, i->key->text),
                             .origin = lp_config_origin(c, i->key)};
        LP_TRY(at_place(lp_package_name_check(row.package), i->key));
        LP_TRY(read_file(c, i, row.package, &row.path));
        *lp_push(&c->overrides) = row;
    }
    return NULL;
}

/*
 * Of who is signed by somebody known, "key:PUBLISHER/acme:notes", and shares are the publisher's;
 * else the workspace's own name for it, and the workspace's shares.
 */
static void identify(const loop_config *c, const loop_component_config *component,
                     const loop_package *package, lp_config_found *into)
{
    if (package && *package->signer.key) {
        into->owner = lp_format("key:%s", package->signer.publisher);
        into->identity = lp_format("%s/%s", into->owner, package->name);
    } else {
        into->owner = lp_strdup(c->root);
        into->identity = lp_format("%s#%s", c->root, component->name);
    }
}

void lp_config_found_done(lp_config_found *found)
{
    free(found->file);
    free(found->identity);
    free(found->owner);
}

loop_error *lp_config_component_find(const loop_config *c, const loop_component_config *component,
                                     lp_config_found *ret)
{
    const loop_packages_options options = {.config = c, .offline = true};
    loop_packages *packages;
    loop_package_list *list;
    if (component->path) {
        ret->file = lp_strdup(component->path);
        identify(c, component, NULL, ret);
        return NULL;
    }
    LP_TRY(loop_packages_open(&options, &packages));
    loop_error *e = loop_packages_find(packages, component->package, &list);
    if (!e) {
        const loop_package *row = loop_package_list_at(list, 0);
        ret->file = lp_strdup(row->path);
        identify(c, component, row, ret);
        loop_package_list_delete(list);
    }
    loop_packages_delete(packages);
    return e;
}

loop_error *loop_config_component_file(const loop_config *c, const loop_component_config *component,
                                       char **ret)
{
    lp_auto(lp_config_found_done) lp_config_found found = {0};
    LP_TRY(lp_config_component_find(c, component, &found));
    *ret = found.file;
    found.file = NULL;
    return NULL;
}

const loop_override *loop_config_override_at(const loop_config *c, size_t i)
{
    return i < c->overrides.n ? &c->overrides.at[i] : NULL;
}
