/*
 * api/config_build.c: how a component is built and tested: `build:`, `tests:` and `test:`.
 *
 * A language takes a world; its sources and its WIT have defaults. A command may say the same,
 * which makes loop check what it built and run it only when something changed.
 */
#include "api/config.h"
#include "base/path.h"

static const char *const languages[] = {"c", "rust", "js", "python"};

/* A path of loop.yaml, from its folder; `fallback` where there is none (NULL: stays NULL). */
static loop_error *read_place(loop_config *c, const lp_yaml *map, const char *name,
                              const char *fallback, const char **ret)
{
    const lp_yaml *at = lp_yaml_get(map, name);
    const char *path = fallback;
    if (at)
        LP_TRY(lp_config_read_path(c, at, name, &path));
    if (!path)
        return NULL;
    lp_auto(lp_free_string) char *whole = lp_path_join(c->root, path);
    lp_auto(lp_free_string) char *normal = lp_path_normal(whole);
    if (!normal)
        return lp_yaml_error(at, "the path '%s' leads above the root", path);
    *ret = lp_config_keep(c, normal);
    return NULL;
}

static loop_error *read_language(loop_config *c, const lp_yaml *at, const char **ret)
{
    LP_TRY(lp_config_read_text(c, at, "lang", ret));
    for (size_t i = 0; i < LP_COUNT(languages); i++)
        if (strcmp(languages[i], *ret) == 0)
            return NULL;
    return lp_config_suggest(lp_yaml_error(at, "loop cannot build '%s'", at->text), at->text,
                             languages, LP_COUNT(languages));
}

static loop_error *read_command(loop_config *c, const lp_yaml *at, const char *const **ret)
{
    LP_TRY(lp_config_read_texts(c, at, "command", false, ret));
    if (!(*ret)[0] || !(*ret)[0][0])
        return loop_error_hint_set(
            lp_yaml_error(at, "'command' is a program and its arguments; this has none"),
            "such as 'command: [make, notes]'; no shell reads it");
    return NULL;
}

/* What is built is put where its folder says, which is the workspace's own. */
static loop_error *check_output(const loop_config *c, const lp_config_component *component,
                                const lp_yaml *map)
{
    if (!component->row.path)
        return loop_error_hint_set(
            lp_yaml_error(map->key, "'build' of component '%s' has no 'path' to write to",
                          component->row.name),
            "add 'path: build/%s.wasm'", component->row.name);
    if (lp_path_inside(component->row.path, c->root) && strcmp(component->row.path, c->root) != 0)
        return NULL;
    return lp_yaml_error(map->key, "'build' of component '%s' would write outside of the workspace",
                         component->row.name);
}

static loop_error *read_build(loop_config *c, lp_config_component *component, const lp_yaml *map)
{
    lp_auto(lp_free_string) char *where =
        lp_format(" in 'build' of component '%s'", component->row.name);
    LP_TRY(lp_config_check_map(map, "components.*.build", LP_CONFIG_WORKSPACE, where));
    LP_TRY(check_output(c, component, map));
    loop_build_config *b = lp_arena_alloc(&c->arena, sizeof *b);
    b->origin = lp_config_origin(c, map->key);
    const lp_yaml *lang = lp_yaml_get(map, "lang"), *command = lp_yaml_get(map, "command");
    if (!lang == !command)
        return loop_error_hint_set(lp_yaml_error(map->key, "%s%s",
                                                 lang ? "either 'lang' or 'command', not both"
                                                      : "expected 'lang' or 'command'",
                                                 where),
                                   "such as { lang: c, source: src, wit: wit, world: %s }",
                                   component->row.name);
    if (lang)
        LP_TRY(read_language(c, lang, &b->lang));
    if (command)
        LP_TRY(read_command(c, command, &b->command));
    LP_TRY(read_place(c, map, "source", lang ? "." : NULL, &b->source));
    const lp_yaml *world = lp_yaml_get(map, "world");
    LP_TRY(read_place(c, map, "wit", lang || world ? "wit" : NULL, &b->wit));
    if (world)
        LP_TRY(lp_config_read_text(c, world, "world", &b->world));
    if (world ? !*b->world || strlen(b->world) > LP_MAX_NAME || strchr(b->world, '=')
              : lang || b->wit)
        return loop_error_hint_set(
            lp_yaml_error(world ? world : map->key, "'world' names a world of the WIT%s", where),
            "such as 'world: %s'", component->row.name);
    component->row.build = b;
    return NULL;
}

loop_error *lp_config_read_build(loop_config *c, lp_config_component *component, const lp_yaml *map)
{
    const lp_yaml *at = lp_yaml_get(map, "build");
    if (at)
        LP_TRY(read_build(c, component, at));
    LP_TRY(read_place(c, map, "tests", NULL, &component->row.tests));
    at = lp_yaml_get(map, "test");
    if (!at)
        return NULL;
    lp_auto(lp_free_string) char *where =
        lp_format(" in 'test' of component '%s'", component->row.name);
    LP_TRY(lp_config_check_map(at, "components.*.test", LP_CONFIG_WORKSPACE, where));
    const lp_yaml *command = lp_yaml_get(at, "command");
    if (!command)
        return lp_yaml_error(at->key, "there is no 'command'%s", where);
    return read_command(c, command, &component->row.test_command);
}
