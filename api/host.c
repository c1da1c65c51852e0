/*
 * api/host.c: makes a host and wires the rooms together: trust/ decides, the log
 * is written here, the built-in providers are those of providers.c.
 */
#include "api/log.h"
#include "api/place.h"
#include "api/providers.h"
#include "engine/engine.h"
#include "host/hooks.h"
#include "loop/host.h"
#include "trust/policy.h"

loop_error *loop_host_new(const loop_host_options *options, loop_host **ret)
{
    static const lp_host_hooks hooks = {
        .decide = loop_policy_decide,
        .grant_at = loop_policy_at,
        .denied_inside = lp_policy_denied_inside,
        .policy_ref = lp_policy_ref,
        .policy_unref = lp_policy_unref,
        .policy_part = lp_policy_part,
        .program = lp_place_program,
        .log = lp_log_write,
    };
    loop_host *h;
    loop_error *err = lp_host_new(options, &hooks, &h);
    for (size_t i = 0; !err && lp_builtin_providers[i]; i++)
        err = loop_host_provider_add(h, lp_builtin_providers[i]);
    if (!err)
        *ret = h;
    return err;
}

const char *loop_version(void)
{
    return LOOP_VERSION;
}

const char *loop_engine_version(void)
{
    return lp_engine_version();
}
