/*
 * api/config_package.c: `package:` of loop.yaml: what `loop pack` makes a package of.
 *
 *     package:
 *       name: acme:notes
 *       version: 0.1.0
 *       component: notes            # not said: `default:`
 *       description: Notes that stay.
 *       license: MIT
 *       source: https://example.com/acme/notes
 *       docs: README.md
 *       requires: { "acme:ui": "^1.2" }
 *
 * Names, versions and ranges are checked here, where the file's line can be told. Whether the
 * component is built and what the documentation holds is looked at by who packs.
 */
#include "api/config.h"
#include "base/path.h"
#include "packages/packages.h"

const loop_config_package *loop_config_package_of(const loop_config *c)
{
    return c->package;
}

/* An error of another room, at its place in the file. */
static loop_error *at_line(const lp_yaml *at, loop_error *cause)
{
    if (!cause)
        return NULL;
    loop_error *e = lp_yaml_error(at, "%s", loop_error_message(cause));
    if (loop_error_hint(cause))
        e = loop_error_hint_set(e, "%s", loop_error_hint(cause));
    loop_error_delete(cause);
    return e;
}

static loop_error *need(const lp_yaml *map, const char *key, const char *like, const lp_yaml **ret)
{
    const lp_yaml *at = lp_yaml_get(map, key);
    if (!at)
        return loop_error_hint_set(lp_yaml_error(map->key, "'package' has no '%s'", key),
                                   "add '%s: %s'", key, like);
    *ret = at;
    return NULL;
}

static loop_error *read_name(loop_config *c, const lp_yaml *map, loop_config_package *p)
{
    const lp_yaml *name = NULL, *version = NULL;
    lp_version parsed;
    LP_TRY(need(map, "name", "acme:notes", &name));
    LP_TRY(lp_config_read_text(c, name, "name", &p->name));
    LP_TRY(at_line(name, lp_package_name_check(p->name)));
    LP_TRY(need(map, "version", "0.1.0", &version));
    LP_TRY(lp_config_read_text(c, version, "version", &p->version));
    return at_line(version, lp_version_parse(&c->arena, p->version, &parsed));
}

static loop_error *read_component(loop_config *c, const lp_yaml *map, loop_config_package *p)
{
    const lp_yaml *at = lp_yaml_get(map, "component");
    if (!at)
        return NULL;
    LP_TRY(lp_config_read_text(c, at, "component", &p->component));
    return loop_config_component(c, p->component) ? NULL
                                                  : lp_config_no_component(c, p->component, at);
}

static loop_error *read_texts(loop_config *c, const lp_yaml *map, loop_config_package *p)
{
    const struct {
        const char *key, **to;
    } texts[] = {
        {"description", &p->description}, {"license", &p->license}, {"source", &p->source}};
    for (size_t i = 0; i < LP_COUNT(texts); i++) {
        const lp_yaml *at = lp_yaml_get(map, texts[i].key);
        *texts[i].to = "";
        if (at)
            LP_TRY(lp_config_read_text(c, at, texts[i].key, texts[i].to));
        if (strlen(*texts[i].to) > LP_MAX_PACKAGE_TEXT)
            return lp_yaml_error(at, "'%s' has more than %d bytes", texts[i].key,
                                 LP_MAX_PACKAGE_TEXT);
    }
    return NULL;
}

/* A file of the workspace, so that a package never gets what lies elsewhere on the machine. */
static loop_error *read_docs(loop_config *c, const lp_yaml *map, loop_config_package *p)
{
    const lp_yaml *at = lp_yaml_get(map, "docs");
    const char *path;
    if (!at)
        return NULL;
    LP_TRY(lp_config_read_path(c, at, "docs", &path));
    if (lp_config_leads_out(c, path))
        return loop_error_hint_set(
            lp_yaml_error(at, "'docs' leads out of the workspace: '%s'", path),
            "name a file beside loop.yaml or below");
    lp_auto(lp_free_string) char *whole = lp_path_join(c->root, path);
    lp_auto(lp_free_string) char *normal = lp_path_normal(whole);
    if (!normal)
        return lp_yaml_error(at, "the path '%s' leads above the root", path);
    p->docs = lp_config_keep(c, normal);
    return NULL;
}

static loop_error *read_requires(loop_config *c, const lp_yaml *map, loop_config_package *p)
{
    const lp_yaml *at = lp_yaml_get(map, "requires");
    size_t count = 0, k = 0;
    if (at && at->kind != LP_YAML_MAP && at->kind != LP_YAML_NULL)
        return lp_config_expected(at, "a map of packages and versions", "requires");
    for (const lp_yaml *i = at ? at->first : NULL; i; i = i->next)
        count++;
    if (count > LP_MAX_PACKAGE_REQUIRES)
        return lp_yaml_error(at, "'requires' has more than %d packages", LP_MAX_PACKAGE_REQUIRES);
    const char **required = lp_arena_alloc(&c->arena, (2 * count + 1) * sizeof *required);
    for (const lp_yaml *i = at ? at->first : NULL; i; i = i->next) {
        const lp_range *range;
        LP_TRY(at_line(i->key, lp_package_name_check(i->key->text)));
        required[k++] = lp_config_keep(c, i->key->text);
        LP_TRY(lp_config_read_text(c, i, i->key->text, &required[k]));
        LP_TRY(at_line(i, lp_range_parse(&c->arena, required[k++], &range)));
    }
    p->required = required;
    return NULL;
}

loop_error *lp_config_read_package(loop_config *c, const lp_yaml *map)
{
    LP_TRY(lp_config_check_map(map, "package", LP_CONFIG_WORKSPACE, " in 'package'"));
    loop_config_package *p = lp_arena_alloc(&c->arena, sizeof *p);
    p->origin = lp_config_origin(c, map->key);
    LP_TRY(read_name(c, map, p));
    LP_TRY(read_component(c, map, p));
    LP_TRY(read_texts(c, map, p));
    LP_TRY(read_docs(c, map, p));
    LP_TRY(read_requires(c, map, p));
    c->package = p;
    return NULL;
}
