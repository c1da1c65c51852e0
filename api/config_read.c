/*
 * api/config_read.c: the tree of a loop.yaml into components.
 */
#include <stdlib.h>

#include "api/config.h"

/* ---- components ---- */

loop_error *lp_config_check_name(const lp_yaml *key, const char *what)
{
    const char *s = key->text;
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    if (s[n] || !*s || s[0] == '-' || n > LP_MAX_NAME)
        return lp_yaml_error(key, "the name of %s has letters, digits, '-' and '_' (at most %d)",
                             what, LP_MAX_NAME);
    return NULL;
}

static loop_error *read_needs(loop_config *c, lp_config_component *component, const lp_yaml *map)
{
    lp_auto(lp_free_string) char *where =
        lp_format(" in 'needs' of component '%s'", component->row.name);
    LP_TRY(lp_config_check_map(map, "components.*.needs", LP_CONFIG_WORKSPACE, where));
    const lp_yaml *optional = lp_yaml_get(map, "optional");
    if (!optional)
        return NULL;
    return lp_config_read_texts(c, optional, "optional", false, &component->row.optional);
}

static loop_error *read_limits(loop_config *c, lp_config_component *component, const lp_yaml *map)
{
    lp_auto(lp_free_string) char *where =
        lp_format(" in 'limits' of component '%s'", component->row.name);
    return lp_config_read_limits(c, map, where, &component->row.limits);
}

static loop_error *read_on_trap(lp_config_component *component, const lp_yaml *at)
{
    static const char *const names[] = {"stop", "restart", "quarantine"};
    for (int i = 0; i < (int)LP_COUNT(names); i++) {
        if (at->kind == LP_YAML_TEXT && strcmp(at->text, names[i]) == 0) {
            component->row.on_trap = (loop_on_trap)(LOOP_ON_TRAP_STOP + i);
            return NULL;
        }
    }
    return lp_yaml_error(at, "expected one of stop, restart, quarantine for 'on-trap', found '%s'",
                         at->kind == LP_YAML_TEXT ? at->text : lp_yaml_kind_name(at));
}

static loop_error *read_class(loop_config *c, lp_config_component *component, const lp_yaml *at)
{
    loop_component_config *row = &component->row;
    if (at->kind != LP_YAML_TEXT || !loop_class_find(at->text, &row->class_))
        return lp_yaml_error(at, "expected one of untrusted, trusted for 'class', found '%s'",
                             at->kind == LP_YAML_TEXT ? at->text : lp_yaml_kind_name(at));
    row->class_origin = lp_config_origin(c, at->key);
    if (row->class_ == LOOP_CLASS_TRUSTED)
        lp_config_ask(c, LOOP_ASK_CLASS, row->name, at->text, row->class_origin);
    return NULL;
}

static loop_error *read_pairs(loop_config *c, lp_config_component *component, const lp_yaml *map)
{
    if (map->kind != LP_YAML_MAP && map->kind != LP_YAML_NULL)
        return lp_config_expected(map, "a map of text", "config");
    for (const lp_yaml *i = map->first; i; i = i->next) {
        lp_config_pair pair = {.key = lp_config_keep(c, i->key->text)};
        LP_TRY(lp_config_read_text(c, i, i->key->text, &pair.value));
        *lp_push(&component->pairs) = pair;
    }
    return NULL;
}

static loop_error *read_component(loop_config *c, const lp_yaml *map)
{
    static const char *const no_texts[] = {NULL};
    LP_TRY(lp_config_check_name(map->key, "a component"));
    lp_config_component *component = lp_arena_alloc(&c->arena, sizeof *component);
    *lp_push(&c->components) = component;
    component->row = (loop_component_config){.name = lp_config_keep(c, map->key->text),
                                             .args = no_texts,
                                             .optional = no_texts,
                                             .origin = lp_config_origin(c, map->key)};
    lp_auto(lp_free_string) char *where = lp_format(" in component '%s'", map->key->text);
    LP_TRY(lp_config_check_map(map, "components.*", LP_CONFIG_WORKSPACE, where));
    LP_TRY(lp_config_read_source(c, component, map));
    const lp_yaml *at;
    if ((at = lp_yaml_get(map, "args")))
        LP_TRY(lp_config_read_texts(c, at, "args", false, &component->row.args));
    if ((at = lp_yaml_get(map, "class")))
        LP_TRY(read_class(c, component, at));
    if ((at = lp_yaml_get(map, "needs")))
        LP_TRY(read_needs(c, component, at));
    if ((at = lp_yaml_get(map, "grants")))
        LP_TRY(lp_config_read_grants(c, component, at, false));
    if ((at = lp_yaml_get(map, "deny")))
        LP_TRY(lp_config_read_grants(c, component, at, true));
    if ((at = lp_yaml_get(map, "limits")))
        LP_TRY(read_limits(c, component, at));
    if ((at = lp_yaml_get(map, "on-trap")))
        LP_TRY(read_on_trap(component, at));
    if ((at = lp_yaml_get(map, "bind")))
        LP_TRY(lp_config_read_bindings(c, at, component->row.name, LP_CONFIG_WORKSPACE));
    LP_TRY(lp_config_read_build(c, component, map));
    at = lp_yaml_get(map, "config");
    return at ? read_pairs(c, component, at) : NULL;
}

loop_error *lp_config_no_component(const loop_config *c, const char *name, const lp_yaml *at)
{
    struct {
        const char **at;
        size_t n, cap;
    } names = {0};
    for (size_t i = 0; i < c->components.n; i++)
        *lp_push(&names) = c->components.at[i]->row.name;
    loop_error *e = at ? lp_yaml_error(at, "there is no component '%s'", name)
                       : loop_error_new(LOOP_NOT_FOUND, "there is no component '%s'", name);
    e = lp_config_suggest(e, name, names.at, names.n);
    free(names.at);
    return e;
}

/* `default:` names one of the components. */
static loop_error *check_default(loop_config *c, const lp_yaml *root)
{
    const lp_yaml *at = lp_yaml_get(root, "default");
    if (!at || loop_config_component(c, at->text))
        return NULL;
    return lp_config_no_component(c, at->text, at);
}

/* ---- the file ---- */

static loop_error *check_version(const lp_yaml *root)
{
    const lp_yaml *at = lp_yaml_get(root, "loop");
    if (!at)
        return loop_error_hint_set(lp_yaml_error(root, "the key 'loop' is missing"),
                                   "start the file with 'loop: 1'");
    if (at->kind != LP_YAML_TEXT || strcmp(at->text, "1") != 0)
        return lp_yaml_error(at, "expected 1 for 'loop', the version of the format, found %s%s%s",
                             at->kind == LP_YAML_TEXT ? "'" : "",
                             at->kind == LP_YAML_TEXT ? at->text : lp_yaml_kind_name(at),
                             at->kind == LP_YAML_TEXT ? "'" : "");
    return NULL;
}

loop_error *lp_config_read_workspace(loop_config *c, const lp_yaml *root)
{
    LP_TRY(lp_config_check_map(root, "", LP_CONFIG_WORKSPACE, ""));
    LP_TRY(check_version(root));
    const lp_yaml *components = lp_yaml_get(root, "components");
    if (components && components->kind != LP_YAML_MAP && components->kind != LP_YAML_NULL)
        return lp_config_expected(components, "a map", "components");
    for (const lp_yaml *i = components ? components->first : NULL; i; i = i->next)
        LP_TRY(read_component(c, i));
    const lp_yaml *overrides = lp_yaml_get(root, "overrides");
    if (overrides)
        LP_TRY(lp_config_read_overrides(c, overrides));
    const lp_yaml *bind = lp_yaml_get(root, "bind");
    if (bind)
        LP_TRY(lp_config_read_bindings(c, bind, NULL, LP_CONFIG_WORKSPACE));
    const lp_yaml *registries = lp_yaml_get(root, "registries");
    if (registries)
        LP_TRY(lp_config_read_registries(c, registries, false));
    const lp_yaml *package = lp_yaml_get(root, "package");
    if (package)
        LP_TRY(lp_config_read_package(c, package));
    return check_default(c, root);
}
