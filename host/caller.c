/*
 * host/caller.c: C that calls what a host serves, as a component would: the same bindings, the same
 * swaps, without a component and without grants.
 *
 * A provider asks its call who calls, how long there is, and for memory. So a caller is an instance
 * with nothing in it: it is in no list of the host, runs nothing, and no component is ever linked
 * to its body. Calls go the way of peers (peer.c).
 */
#include <stdlib.h>

#include "host/internal.h"

struct loop_caller {
    loop_instance instance;
    struct lp_body body;
    char *name;
};

loop_error *loop_caller_new(loop_host *host, const char *name, bool (*cancelled)(void *data),
                            void *data, loop_caller **ret)
{
    loop_caller *c = lp_alloc(sizeof *c);
    c->name = lp_strdup(name);
    c->instance.host = host;
    c->instance.number = ++host->next_instance;
    c->instance.options.name = c->name;
    c->instance.options.identity = c->name;
    c->instance.storage = UINT64_MAX;
    lp_limits_fill(&c->instance.limits);
    c->instance.cancelled = LOOP_CANCEL_NONE;
    c->instance.force_at_ns = UINT64_MAX;
    c->instance.asks = cancelled;
    c->instance.asks_data = data;
    c->instance.lock = lp_os_mutex_new();
    c->instance.body = &c->body;
    c->body.host = host;
    c->body.instance = &c->instance;
    c->body.free_held = UINT32_MAX;
    c->body.lock = lp_os_mutex_new();
    *ret = c;
    return NULL;
}

void loop_caller_delete(loop_caller *c)
{
    if (!c)
        return;
    lp_frame_done(&c->body.out);
    free(c->body.peers.at);
    lp_os_mutex_delete(c->body.lock);
    lp_os_mutex_delete(c->instance.lock);
    free(c->instance.no_storage);
    free(c->name);
    free(c);
}

loop_call *loop_caller_begin(loop_caller *c)
{
    lp_frame_end(&c->body.out);
    lp_frame_begin(&c->body.out);
    return lp_call_new(&c->body);
}
