/*
 * host/swap.h: shared by the files that swap a provider: gate.c, swap.c, swap_plan.c,
 * swap_state.c, drain.c, keeper.c.
 *
 * One thread of a host, the keeper, makes swaps one after the other. What a provider does for a
 * swap (open, save, restore ...) runs on two threads of the swap's own, the runners, so that one
 * that hangs is left behind there, and the swap goes on.
 *
 * Locks, in this order: changing (from the closing of the gates to their opening, and while a
 * plan is made), finding, gate, a body's or a peer's lock.
 */
#ifndef LP_SWAP_H
#define LP_SWAP_H

#include "base/stream.h"
#include "host/internal.h"
#include "loop/swap.h"

#define LP_SWAP_MS 1000000ull
#define LP_SWAP_DEADLINE_MS 5000 /* how long calls may wait, where nobody says it */
#define LP_SWAP_DRAIN_MS 60000   /* how long handles are served on */
#define LP_SWAP_START_MS 30000   /* to open, to close, to say whether it lives */
#define LP_SWAP_COPY_MS 600000   /* to copy a state while calls go on */
#define LP_SWAP_BACK_MS 500      /* to come back after the time is up */
#define LP_SWAP_TRIAL_MS 100     /* for a first call to come; who has none waits for nothing */
#define LP_SWAP_TRIED_MS 1000    /* for its answer: that a process died is known after 200 */

/* ---- keeper.c ---- */

/* A thread for what may hang. */
typedef struct lp_runner lp_runner;
lp_runner *lp_runner_new(void);
/* Begins `f`; one at a time. */
void lp_runner_begin(lp_runner *r, void (*f)(void *data), void *data);
/* Whether it is done by then. */
bool lp_runner_wait(lp_runner *r, uint64_t until_ns);
/* One that does not come back is left behind: false. */
bool lp_runner_delete(lp_runner *r);

/* ---- what a swap is made of ---- */

/* What becomes of one use of an interface. `body` or `peer` is set. */
struct lp_change {
    struct lp_use *use;
    struct lp_body *body;
    loop_peer *peer;
    struct lp_generation *other; /* the one that is not in place */
    /* The functions' hops, of slots or rows: those that are not in place. */
    struct lp_hops {
        const struct lp_hop **at, *other;
    } *hops;
    size_t hop_count;
};

/* A handle that is to move: what is not in place. */
struct lp_moved {
    const struct lp_change *change;
    uint32_t number;                 /* of the body's, or */
    struct lp_peer_object *of_peer;  /* an object of the peer's */
    const char *resource;            /* its name */
    struct lp_generation *gen;       /* the new one; until it is in place */
    const struct lp_provider *giver; /* likewise */
    void *object;                    /* likewise; NULL: it cannot be moved */
    bool moves;                      /* it is another object then; else its provider stays */
    struct lp_moved_owner {          /* who drops the old one, and the new one */
        struct lp_link link;
        const loop_resource *row;
    } owners[2];
    size_t from, length; /* of what it is, in lp_swap.objects_state */
};

/* A provider of the old chain that gets another one in its place. */
struct lp_pair {
    struct lp_provider *from, *to;
    struct lp_table *table;   /* of which `to` is, before it was made anew */
    struct lp_table *renewed; /* to be found in its place; NULL: the same */
    bool fresh;               /* `to` was made for this swap */
};

/* An interface whose state is carried. */
struct lp_carried {
    const loop_interface *from, *to;
    bool began; /* COPY wrote something */
};

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

struct lp_swap {
    void (*job)(
        struct lp_swap *s); /* something else that the keeper does; then only the next four */
    void *job_data;
    lp_os_cond *told; /* who waits for the end */
    bool over;
    /* Only for that instance: nobody else gets the new one, now or later. 0: for all. */
    uint64_t alone;
    struct lp_provider *end; /* what shall be the last link, in the place of `want.links`; NULL */
    loop_host *host;
    lp_arena arena; /* texts of what was asked for, and of the report */
    loop_swap want;
    loop_swap_done *done;
    void *data;
    struct lp_swap *next;
    loop_error *error;
    loop_swap_report report;

    struct lp_generation *reference;         /* the chain that the component uses now */
    const char *component;                   /* whose it is */
    struct lp_provider *links[LP_MAX_CHAIN]; /* the chain to be */
    size_t n;
    struct lp_pair pairs[LP_MAX_CHAIN];
    size_t pair_count;
    struct lp_provider *old, *new; /* the last ones: whose state is carried; may be one */
    struct {
        struct lp_change *at;
        size_t n, cap;
    } changes;
    struct {
        struct lp_moved *at;
        size_t n, cap;
    } moved;
    struct {
        struct lp_generation **at;
        size_t n, cap;
    } unused; /* that were not put in place; objects of the new provider may be of them */
    lp_buf objects_state;
    struct {
        struct lp_carried *at;
        size_t n, cap;
    } carried;
    lp_runner *old_side, *new_side;
    bool planned, copied, quiet, in_place;
    bool old_hangs, new_hangs;
    uint64_t closed_ns, until_ns; /* of the gates */
};

/* ---- gate.c ---- */
/* Waits for the calls under way. LOOP_TIMEOUT: they are held back all the same, until _open. */
loop_error *lp_gate_close(loop_host *h, const struct lp_change *c, size_t n,
                          uint64_t until_ns) LOOP_MUST_USE;
void lp_gate_open(loop_host *h, const struct lp_change *c, size_t n);
/* Lets one call through, behind a closed gate: waits for one to come, and for its answer. */
void lp_trial_begin(loop_host *h, struct lp_trial *t, uint64_t come_ns, uint64_t last_ns);
/* Whether no call is under way in what is tried, or it ends by then. */
bool lp_trial_left(loop_host *h, struct lp_trial *t, uint64_t until_ns);
/* Before the gates are opened. */
void lp_trial_end(loop_host *h, struct lp_trial *t, bool undone);

/* ---- swap_plan.c; `changing` is held, but for _resolve, and `finding` is not ---- */
/* The chain that it is about. */
loop_error *lp_swap_find(struct lp_swap *s) LOOP_MUST_USE;
/* Who is to serve: makes what is not there yet, not opened. May wait. */
loop_error *lp_swap_resolve(struct lp_swap *s) LOOP_MUST_USE;
/* Every use that changes, checked: types, handles. */
loop_error *lp_swap_plan(struct lp_swap *s) LOOP_MUST_USE;
void lp_swap_unplan(struct lp_swap *s);
/* Frees the generations that were not put in place, once nothing of them is left. */
void lp_swap_forget(struct lp_swap *s);
/* Puts in place what is not, and takes out what is: there and back. The gates are closed. */
void lp_swap_exchange(struct lp_swap *s);
/* Whether anybody has it for new calls; `changing` and `finding` are held. */
bool lp_generation_is_used(loop_host *h, const struct lp_generation *g);
/* After that: bindings, tables, generations. */
void lp_swap_settle(struct lp_swap *s);

/* ---- swap_state.c ---- */
/* Runs `f(data)` on that side: LOOP_TIMEOUT where it is not done in time. */
loop_error *lp_swap_on(struct lp_swap *s, bool new_side, void (*f)(void *data), void *data,
                       const char *step, uint64_t until_ns) LOOP_MUST_USE;
loop_error *lp_swap_start(struct lp_swap *s) LOOP_MUST_USE;
loop_error *lp_swap_health(struct lp_swap *s) LOOP_MUST_USE;
bool lp_swap_copies(const struct lp_swap *s);
loop_error *lp_swap_quiesce(struct lp_swap *s) LOOP_MUST_USE;
void lp_swap_resume(struct lp_swap *s);
loop_error *lp_swap_carry(struct lp_swap *s, loop_pass pass, uint64_t until_ns) LOOP_MUST_USE;
/* Makes the objects of the new provider. */
loop_error *lp_swap_move(struct lp_swap *s) LOOP_MUST_USE;
/* Drops those of the old one (or of the new one, when it failed). */
void lp_swap_drop_moved(struct lp_swap *s);
/* Closes what was made for nothing. */
void lp_swap_discard(struct lp_swap *s);
/* Ends the tables that were replaced and of which there is no object. */
void lp_swap_drop_tables(struct lp_swap *s);

/* ---- swap.c ---- */
/* All of it; s->error, s->report. */
void lp_swap_run(struct lp_swap *s);
void lp_swap_delete(struct lp_swap *s);

/* ---- drain.c ---- */
/*
 * It was swapped out: closed once nothing has it, unless it serves something else or is a child's.
 * `finding` is held.
 */
void lp_provider_retire(struct lp_provider *p);
/* Lets go of generations that nobody uses, and closes their providers. Whether some are left. */
bool lp_drain(loop_host *h);

/* ---- keeper.c ---- */
/* On the main thread, which hears of its end. */
loop_error *lp_keeper_add(struct lp_swap *s) LOOP_MUST_USE;
/* On any other: waits for its end, or for that of `waits`; s->error is answered. */
loop_error *lp_keeper_do(struct lp_swap *s, const loop_instance *waits) LOOP_MUST_USE;
/* For a job, which frees `s`; false: the host ends, and nobody does it. Any thread. */
bool lp_keeper_later(struct lp_swap *s);
/* Whether the host ends: what waits looks at it. */
bool lp_keeper_ends(loop_host *h);

#endif
