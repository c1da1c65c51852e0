/*
 * packages: loop:pkg for components: looking into registries, choosing versions, fetching.
 *
 * It is loop/package.h behind the interfaces `registry` and `resolver`: what the user's
 * registries.yaml and the workspace's `registries:` say holds, and the cache is the user's. A
 * component may ask for what it was granted (`grants: { packages: [acme] }`) and is `denied`
 * the rest, also of what a package that it was granted needs. Nothing is installed: what is
 * fetched is in the cache, where `loop:pkg/loader` finds it.
 *
 *     components:
 *       shop:
 *         grants: { packages: [acme] }
 *
 *   packages.c   the table, `registry`
 *   resolver.c   `resolver`, transfers
 *   desk.c       loop_packages that are open, one for a call at a time
 *   values.c     errors and rows as values
 */
#ifndef LP_PROVIDER_PACKAGES_H
#define LP_PROVIDER_PACKAGES_H

#include "base/base.h"
#include "base/os/os.h"
#include "loop/package.h"
#include "loop/provider.h"
#include "loop/wit/pkg.h"

extern const loop_provider lp_provider_packages;

#define LP_PACKAGES_IDLE 4 /* that are kept open */

typedef struct lp_packages_provider lp_packages_provider;

/* A loop_packages and who uses it now. */
typedef struct lp_desk {
    lp_packages_provider *of;
    loop_packages *packages;
    bool offline;
    const loop_call *call;    /* whose cancellation counts; NULL: */
    const _Atomic bool *stop; /* this; NULL: none */
    void (*progress)(void *data, const loop_package_progress *p);
    void *data;
} lp_desk;

struct lp_packages_provider {
    const loop_services *services;
    loop_config *config; /* NULL: no workspace */
    lp_os_mutex *lock;   /* of what follows */
    lp_os_cond *ended;
    lp_desk *idle[LP_PACKAGES_IDLE];
    unsigned transfers; /* under way */
};

/* ---- desk.c ---- */
/* One that nobody uses, for a call. */
loop_error *lp_desk_take(lp_packages_provider *p, const loop_call *call, bool offline,
                         lp_desk **ret) LOOP_MUST_USE;
void lp_desk_give(lp_desk *d);
void lp_desk_delete(lp_desk *d);

/* ---- values.c ---- */
/* What went wrong, as a value; deletes `e`. */
loop_core_types_error lp_packages_error(loop_call *call, loop_error *e);
/* The case of it; the text is lp_packages_text. */
uint8_t lp_packages_tag(const loop_error *e);
/* "what: why: why"; malloced. */
char *lp_packages_text(const loop_error *e);
/* Whether a component was granted a package, checked to have a name; else *ret says why not. */
bool lp_packages_granted(loop_call *call, loop_string name, loop_core_types_error *ret);
loop_core_types_error lp_packages_limit(loop_call *call, const char *what, unsigned most);
/* A copy with a zero behind it, in the call; NULL over its limit, or with a zero in it. */
const char *lp_packages_copy(loop_call *call, loop_string s);
/* A copy in the call. */
loop_string lp_packages_string(loop_call *call, const char *s);

/* ---- resolver.c ---- */
extern const loop_pkg_resolver_functions lp_packages_resolver;
/* Waits until no transfer is left. */
void lp_transfers_end(lp_packages_provider *p);

#endif
