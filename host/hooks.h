/*
 * host/hooks.h: what host/ needs from rooms that it may not see.
 *
 * api/ fills it when it makes a host: trust/ decides, api/ writes the log.
 */
#ifndef LP_HOST_HOOKS_H
#define LP_HOST_HOOKS_H

#include "loop/host.h"

typedef struct lp_host_hooks {
    /* trust/: the one decision function. */
    void (*decide)(const loop_policy *p, const loop_request *want, loop_decision *ret);
    const loop_grant *(*grant_at)(const loop_policy *p, size_t i);
    /* A denial inside a granted directory, which must then not be handed out as a whole. */
    const loop_grant *(*denied_inside)(const loop_policy *p, const loop_grant *dir);
    /* Policies are counted: a look-up of a name may outlive the instance that asked. */
    void (*policy_ref)(const loop_policy *p);
    void (*policy_unref)(const loop_policy *p);
    /* api/: writes an entry; any thread. */
    void (*log)(loop_host *h, const loop_log_entry *entry);
} lp_host_hooks;

/* Makes a host without providers. api/ calls it from loop_host_new. */
loop_error *lp_host_new(const loop_host_options *o, const lp_host_hooks *hooks,
                        loop_host **ret) LOOP_MUST_USE;
const loop_host_options *lp_host_options(const loop_host *h);

/*
 * loop_host_provider_add for one of another tier. A library or a sidecar serves what it is bound
 * to, and nothing else: what came with a workspace takes no interface by being there.
 */
loop_error *lp_host_provider_add(loop_host *h, const loop_provider *table,
                                 loop_tier tier) LOOP_MUST_USE;
/* Calls `f` when the host ends, after every provider was closed; the last one added first. */
void lp_host_at_end(loop_host *h, void (*f)(void *data), void *data);

#endif
