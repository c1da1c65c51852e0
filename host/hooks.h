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
    /* A part of one: grants of those kinds (bit 1 << kind), and every denial; one reference. */
    loop_policy *(*policy_part)(const loop_policy *p, unsigned kinds);
    /* api/: the file of a program that comes with loop ("loop-guard"), malloced; NULL. */
    char *(*program)(const char *name);
    /* api/: writes an entry; any thread. */
    void (*log)(loop_host *h, const loop_log_entry *entry);
} lp_host_hooks;

/* Makes a host without providers. api/ calls it from loop_host_new. */
loop_error *lp_host_new(const loop_host_options *o, const lp_host_hooks *hooks,
                        loop_host **ret) LOOP_MUST_USE;
const loop_host_options *lp_host_options(const loop_host *h);

/*
 * Where a table comes from, and where it goes: one that is swapped is made anew while the old one
 * is still in use. `renew` and `end` may be called on any thread, one at a time.
 */
typedef struct lp_table_life {
    /*
     * A new table from the same source, as it is now: a library's file, a sidecar's command; its
     * life has the same functions and *ret_data. The same table as before (*ret_data is not looked
     * at then) where the file has not changed and it can serve another object. May wait.
     */
    loop_error *(*renew)(void *data, const loop_provider **ret, void **ret_data)LOOP_MUST_USE;
    /* Nothing uses it any more: closes the library, ends the sidecar. */
    void (*end)(void *data);
    void *data;
} lp_table_life;

/*
 * loop_host_provider_add for one of another tier. A library or a sidecar serves what it is bound
 * to, and nothing else: what came with a workspace takes no interface by being there. `life` is
 * copied and begins when this succeeds; NULL: the table stays. `end` is called when the host ends,
 * after every provider was closed, if not before.
 */
loop_error *lp_host_provider_add(loop_host *h, const loop_provider *table, loop_tier tier,
                                 const lp_table_life *life) LOOP_MUST_USE;
/* A copy of the name that lives as long as the host: a table may go before. */
const char *lp_host_name(loop_host *h, const char *name);
/*
 * The limits of the lowest class, which components have that others load: copied. Without it, what
 * loop has for the class `untrusted`. The main thread, before anything runs.
 */
void lp_host_lowest_limits(loop_host *h, const loop_limits *l);
/*
 * The name (lp_host_name) of the first provider of which `is` says so; NULL. No table comes or
 * goes while `is` runs, which may not ask the host anything.
 */
const char *lp_host_which(loop_host *h,
                          bool (*is)(const void *data, const loop_provider *p,
                                     const lp_table_life *life),
                          const void *data);
/* Its event loop (libuv's): for rooms that wait for more than instances. The main thread's. */
struct uv_loop_s *lp_host_loop(loop_host *h);

#endif
