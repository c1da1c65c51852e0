/*
 * api/config_serve.c: implements loop_config_component_add: a component of loop.yaml as a provider.
 *
 * It gets what loop.yaml grants it by its name, the limits of its row or of the class `untrusted`,
 * and the storage that it has when it runs by itself. Flags of the command line are for what that
 * runs, and not for what serves it.
 */
#include <stdlib.h>

#include "api/config.h"
#include "loop/config.h"

#define CLASS "untrusted"

/* The name of the program first; NULL-terminated. */
static const char **arguments(const loop_component_config *row)
{
    size_t n = 0;
    while (row->args && row->args[n])
        n++;
    const char **args = lp_alloc((n + 2) * sizeof *args);
    args[0] = row->name;
    for (size_t i = 0; i < n; i++)
        args[i + 1] = row->args[i];
    return args;
}

static const char **pairs(const loop_config *c, const char *name)
{
    const char *key, *value;
    size_t n = 0;
    while (loop_config_component_value(c, name, n, &key, &value))
        n++;
    const char **list = lp_alloc((2 * n + 1) * sizeof *list);
    for (size_t i = 0; i < n; i++)
        loop_config_component_value(c, name, i, &list[2 * i], &list[2 * i + 1]);
    return list;
}

static loop_error *add(const loop_config *c, loop_host *h, const loop_component_config *row,
                       const loop_policy *policy, const char **ret_provider)
{
    lp_auto(lp_config_found_done) lp_config_found found = {0};
    uint64_t grace = 0;
    LP_TRY(lp_config_component_find(c, row, &found));
    lp_parse_duration(loop_config_get(c, "limits.grace", NULL), &grace);
    const char **args = arguments(row), **config = pairs(c, row->name);
    loop_limits limits;
    loop_config_limits(c, row->name, CLASS, &limits);
    const loop_instance_options o = {
        .name = row->name,
        .identity = found.identity,
        .owner = found.owner,
        .args = args,
        .policy = policy,
        .optional = row->optional,
        .limits = &limits,
        .on_trap = row->on_trap,
        .grace_ms = grace,
        .config = config,
    };
    loop_error *err = loop_host_component_add(h, found.file, &o, ret_provider);
    free(args);
    free(config);
    return err;
}

loop_error *loop_config_component_add(const loop_config *c, loop_host *host, const char *component,
                                      const char **ret_provider)
{
    const loop_component_config *row = loop_config_component(c, component);
    if (!row)
        return lp_config_no_component(c, component, NULL);
    loop_policy *policy = loop_policy_new();
    loop_error *err = loop_config_grants(c, component, policy);
    /* What answers others is never more than they are: it is called with what they make up. */
    loop_policy_class_set(policy, LOOP_CLASS_UNTRUSTED, (loop_origin){"a provider", 0, 0});
    if (!err)
        err = add(c, host, row, policy, ret_provider);
    loop_policy_delete(policy);
    return err;
}
