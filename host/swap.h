/*
 * host/swap.h: shared by the files that swap a provider: gate.c, swap.c, swap_plan.c,
 * swap_state.c, keeper.c.
 */
#ifndef LP_SWAP_H
#define LP_SWAP_H

#include "base/stream.h"
#include "host/internal.h"
#include "loop/swap.h"

/* What becomes of one use of an interface. `body` or `peer` is set. */
struct lp_change {
    struct lp_use *use;
    struct lp_body *body;
    loop_peer *peer;
    struct lp_generation *other; /* the one that is not in place */
    /* The functions' hops, of slots or rows, in their order: those that are not in place. */
    struct lp_change_hops {
        const struct lp_hop **at;
        const struct lp_hop *other;
    } *hops;
    size_t hop_count;
};

/* A handle that moves: what is not in place. */
struct lp_moved {
    struct lp_body *body; /* and its number; or an object of a peer */
    uint32_t number;
    loop_peer *peer;
    struct lp_peer_object *of_peer;
    void *object;
    struct lp_generation *gen;
    const struct lp_provider *giver;
};

/* One call to see whether a new provider lives. */
struct lp_trial {
    enum {
        LP_TRIAL_OPEN,   /* whoever comes first */
        LP_TRIAL_TAKEN,  /* is under way */
        LP_TRIAL_CALLED, /* has its answer, and waits for what is made of it */
        LP_TRIAL_OVER,
        LP_TRIAL_UNDONE, /* to be made again, by the old provider */
    } state;
    const struct lp_slot *slot; /* NULL: nobody */
};

/* ---- gate.c ---- */
/* Waits for the calls under way. LOOP_TIMEOUT: they are held back all the same, until _open. */
loop_error *lp_gate_close(loop_host *h, const struct lp_change *c, size_t n,
                          uint64_t until_ns) LOOP_MUST_USE;
void lp_gate_open(loop_host *h, const struct lp_change *c, size_t n);
/* Lets one call through, behind a closed gate: whether one came, and has its answer. */
bool lp_trial_begin(loop_host *h, struct lp_trial *t, uint64_t until_ns);
/* After the gates were opened, or what was swapped is undone. */
void lp_trial_end(loop_host *h, struct lp_trial *t, bool undone);

#endif
