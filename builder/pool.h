/*
 * builder/pool.h: things done on several threads, and heard of on the one that called.
 *
 * What a worker says goes through a list to the calling thread, which hears it in order, one
 * at a time: whoever listens needs no lock.
 */
#ifndef LP_BUILDER_POOL_H
#define LP_BUILDER_POOL_H

#include <stdatomic.h>

#include "base/base.h"

typedef struct lp_pool lp_pool;
struct lp_pool {
    /* On a worker's thread, for each i below `count`. */
    void (*work)(lp_pool *p, size_t i);
    /* On the calling thread; `news` is what was said, and the receiver's. */
    void (*heard)(lp_pool *p, void *news);
    /* On the calling thread, some ten times a second: true ends it. NULL: never. */
    bool (*stop)(void *data);
    void *data; /* for `stop` */
    size_t count;
    unsigned jobs;       /* at a time; 0: as many as there are processors */
    atomic_bool stopped; /* workers look at it; what is not begun is not done then */
    struct lp_pool_state *state;
};

/* Does it all; LOOP_SYSTEM where not one thread can be started. */
loop_error *lp_pool_run(lp_pool *p) LOOP_MUST_USE;
/* From any thread, while it runs. */
void lp_pool_say(lp_pool *p, void *news);

#endif
