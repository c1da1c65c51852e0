/*
 * api/config_limits.c: `limits:` of components and of classes, and which hold for a component.
 *
 * A row of the component beats its class, either way. `limits.memory` for all components is an
 * upper bound.
 */
#include <stdlib.h>

#include "api/config.h"

/* ---- reading ---- */

static loop_error *read_limit(loop_config *c, const lp_yaml *at, loop_limit_id id,
                              loop_limits *into)
{
    const loop_limit_row *row = loop_limit_row_of(id);
    if (at->kind != LP_YAML_TEXT) {
        bool size = strcmp(row->type, "size") == 0, time = strcmp(row->type, "duration") == 0;
        return lp_config_expected(at,
                                  size   ? "a size such as 64MiB"
                                  : time ? "a duration such as 5s"
                                         : "a whole number",
                                  row->name);
    }
    loop_limit *limit = &into->of[id];
    loop_error *err = loop_limit_parse(id, at->text, &limit->value);
    if (err) {
        loop_error *e = lp_yaml_error(at, "%s", loop_error_message(err));
        loop_error_delete(err);
        return e;
    }
    limit->origin = lp_config_origin(c, at->key);
    return NULL;
}

loop_error *lp_config_read_limits(loop_config *c, const lp_yaml *map, const char *where,
                                  loop_limits *into)
{
    LP_TRY(lp_config_check_map(map, "components.*.limits", LP_CONFIG_WORKSPACE, where));
    for (size_t i = 0; i < LOOP_MAX_COUNT; i++) {
        const lp_yaml *at = lp_yaml_get(map, loop_limit_row_of((loop_limit_id)i)->name);
        if (at)
            LP_TRY(read_limit(c, at, (loop_limit_id)i, into));
    }
    return NULL;
}

loop_error *lp_config_read_class(loop_config *c, const lp_yaml *root, loop_class_config *into)
{
    static const char *const names[] = {"limits"};
    loop_class_config class = *into;
    class.origin = lp_config_origin(c, root);
    if (root->kind != LP_YAML_NULL && root->kind != LP_YAML_MAP)
        return lp_yaml_error(root, "expected a map, found %s", lp_yaml_kind_name(root));
    for (const lp_yaml *i = root->first; i; i = i->next)
        if (strcmp(i->key->text, "limits") != 0)
            return lp_config_suggest(
                lp_yaml_error(i->key, "unknown key '%s' in a class", i->key->text), i->key->text,
                names, LP_COUNT(names));
    const lp_yaml *limits = lp_yaml_get(root, "limits");
    if (limits)
        LP_TRY(lp_config_read_limits(c, limits, " in 'limits'", &class.limits));
    *into = class;
    return NULL;
}

/* ---- which hold ---- */

/* `limits.memory` of all components. */
static void bound_memory(const loop_config *c, loop_limits *l)
{
    loop_origin origin;
    uint64_t most = 0;
    const char *all = loop_config_get(c, "limits.memory", &origin);
    if (*all && lp_parse_size(all, &most) && most && most < l->of[LOOP_MAX_MEMORY].value)
        l->of[LOOP_MAX_MEMORY] = (loop_limit){most, true, origin};
}

void loop_config_limits(const loop_config *c, const char *component, const char *class_name,
                        loop_limits *ret)
{
    const loop_class_config *class = loop_config_class(c, class_name);
    const loop_component_config *row = component ? loop_config_component(c, component) : NULL;
    loop_limits l = class ? class->limits : (loop_limits){0};
    for (size_t i = 0; i < LOOP_MAX_COUNT; i++) {
        if (!row || !row->limits.of[i].value)
            continue;
        l.of[i] = row->limits.of[i];
        l.of[i].own = true;
    }
    lp_limits_fill(&l);
    bound_memory(c, &l);
    *ret = l;
}
