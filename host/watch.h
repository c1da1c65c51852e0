/*
 * host/watch.h: what rooms above host/ learn of components beyond one call: who calls, and what
 * becomes of them. fx/serve is the one that asks.
 */
#ifndef LP_HOST_WATCH_H
#define LP_HOST_WATCH_H

#include "loop/host.h"
#include "loop/policy.h"

typedef struct lp_watcher {
    /* Another component is in the place of the instance's: on its thread, between two calls. */
    void (*replaced)(void *data, loop_instance *i);
    /*
     * The instance stops, for good or to begin anew: what was posted and not done is told so, or
     * waits for its next start. On any thread; the instance is there until this returns.
     */
    void (*stopped)(void *data, loop_instance *i);
    /* What serves some interface was swapped. On any thread. */
    void (*swapped)(void *data);
    void *data;
} lp_watcher;

/* The one watcher of a host; NULL: none. Lives until another one is set. Any thread. */
void lp_host_watch(loop_host *h, const lp_watcher *w);

loop_host *lp_call_host(const loop_call *call);
/* Who calls; *ret_serves: it serves others, in a slot or loaded, and takes no loop_instance_post.
 */
loop_instance *lp_call_actor(const loop_call *call, bool *ret_serves);
/* Of which body of its instance: differs once the component was replaced. */
uint64_t lp_call_body_number(const loop_call *call);

/* Decides, and tells whoever listens. On the instance's thread. */
void lp_instance_decide(loop_instance *i, const loop_request *want, loop_decision *ret);
/*
 * The same for the component that answers calls of a peer: LOOP_DENIED, with a hint; nothing else
 * than a component is ever allowed.
 */
void lp_peer_decide(const loop_peer *p, const loop_request *want, loop_decision *ret);
/* Differs once another chain serves. Any thread. */
uint32_t lp_peer_generation(const loop_peer *p);

#endif
