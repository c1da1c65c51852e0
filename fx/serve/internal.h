/*
 * fx/serve/internal.h: what the files of fx/serve share.
 *
 *   serve.c   the provider: what components ask for, roots, wishes that wait for a turn's end
 *   drive.c   the baton: who does the next step, on which thread
 *   party.c   components that take part: their numbers, their functions, whom they may mount
 *   batch.c   work as the records of WIT
 *   answer.c  tables and answers of WIT as those of the runtime, checked
 *   graph.c   graphs, and the clock of their sinks
 *   look.c    trees for people
 *   known.c   callbacks that a component was handed, and may call
 *
 * `lock` is held whenever the runtime or anything here is touched, and never while a component is
 * called. It is taken after any lock of host/ that a watcher is called with, before a mailbox's
 * and before host->finding.
 */
#ifndef LP_FX_SERVE_INTERNAL_H
#define LP_FX_SERVE_INTERNAL_H

#include "base/base.h"
#include "base/os/os.h"
#include "fx/core/fx.h"
#include "fx/serve/serve.h"
#include "host/watch.h"
#include "loop/host.h"
#include "loop/policy.h"
#include "loop/swap.h"
#include "loop/wit/fx.h"

#define LIST(type)                                                                                 \
    struct {                                                                                       \
        type *at;                                                                                  \
        size_t n, cap;                                                                             \
    }

/* Callbacks, as a set; open addressing. */
struct known {
    uint64_t *at; /* fiber << 32 | slot; 0: free */
    size_t n, cap;
};

/* A name that elements of a party use, and what became of it. */
struct mountable {
    char *name;
    struct party *party; /* NULL: denied */
    char *why;
};

/* A component that takes part. */
struct party {
    struct fx_serve *serve;
    uint32_t number; /* in the runtime; from 1 */
    char *name;
    loop_instance *actor; /* NULL: it serves in a slot */
    bool gone;            /* its actor stopped */
    LIST(struct mountable) mountables;
    struct known known;
    size_t known_limit; /* when to look for those that are of no use any more */
    /* Of an actor; on its thread. */
    bool bound;
    loop_fx_fibers_exports fibers;
    bool graph_bound;
    loop_fx_graph_functions_exports graph;
    /* Of a slot; whoever has the baton. */
    loop_caller *caller;
    const loop_peer *peer;
    uint32_t generation;
};

/* `own<root>`, and what a component that takes its place takes over. */
struct loop_fx_runtime_root {
    struct fx_serve *serve;
    struct party *party;
    char *name;
    lp_fx_id fiber; /* 0: not mounted, or not any more */
    uint32_t handles, wishes;
    uint64_t body; /* of the component that mounted or took it over */
    char *why;     /* it could not be mounted */
};

/* What cannot be done within a turn. */
struct wish {
    enum { WISH_SHOW, WISH_DROP } what; /* mount or update; unmount where nobody holds it */
    struct loop_fx_runtime_root *root;
    lp_arena arena; /* of `table` */
    lp_fx_table table;
};

struct fx_serve {
    loop_services services;
    loop_host *host; /* NULL: nobody has called yet */
    lp_watcher watcher;
    lp_os_mutex *lock;
    lp_fx *fx;
    LIST(struct party *) parties;
    LIST(struct loop_fx_runtime_root *) roots;
    LIST(struct wish) wishes;
    /* The baton. */
    bool driven;            /* somebody has it */
    struct party *baton_at; /* it is in this one's mailbox; NULL: a thread has it */
    uint64_t baton;         /* its number: one that was taken back is void */
    struct party *calling;  /* who is called by the thread that has it */
    lp_fx_step step;        /* handed out and not done; LP_FX_IDLE: none */
    lp_fx_work work;
    uint32_t most;    /* jobs to hand out at a time; 0: as many as there are */
    uint32_t careful; /* so many more jobs; then `most` is 0 again */
    lp_arena arena;   /* of the step */
    /* The clock; graph.c. */
    lp_os_thread *clock; /* NULL: nobody needs one */
    lp_os_cond *clock_wakes;
    uint64_t frame_ns; /* of the last frame */
    bool ends;
};

/* party.c */
/* Who calls: NULL where it has no part in anything, and `make` does not say that it is to. */
struct party *lp_fx_caller(struct fx_serve *s, loop_call *call, bool make);
struct party *lp_fx_actor(struct fx_serve *s, const loop_instance *i);
/* Whose elements `name` stands for among those of `p`; NULL: *ret_why says why not. */
struct party *lp_fx_mountable(struct party *p, lp_str name, const char **ret_why);
/* Makes a step's call. `lock` is not held. */
loop_error *lp_fx_call_run(struct party *p, const loop_fx_fibers_batch *batch,
                           loop_fx_fibers_answer *ret) LOOP_MUST_USE;
loop_error *lp_fx_call_effects(struct party *p, loop_list_string names,
                               loop_fx_fibers_list_effect_call calls) LOOP_MUST_USE;
loop_error *lp_fx_call_callbacks(struct party *p,
                                 const loop_fx_fibers_callback_batch *batch) LOOP_MUST_USE;
loop_error *
lp_fx_call_compute(struct party *p, const loop_fx_graph_functions_work *work,
                   loop_fx_graph_functions_list_result_list_u8_string *ret) LOOP_MUST_USE;
void lp_fx_parties_swapped(struct fx_serve *s);
void lp_fx_party_delete(struct party *p);

/* known.c */
bool lp_fx_knows(const struct party *p, lp_fx_callback c);
void lp_fx_learns(struct party *p, const lp_fx_callback *callbacks, uint32_t n);

/* batch.c: in `arena`, with copies of everything. False: it is too much for one call. */
bool lp_fx_batch(lp_arena *arena, const lp_fx_work *work, loop_fx_fibers_batch *ret);
bool lp_fx_effect_calls(lp_arena *arena, const lp_fx_work *work, loop_list_string *ret_names,
                        loop_fx_fibers_list_effect_call *ret);
bool lp_fx_callback_calls(lp_arena *arena, const lp_fx_work *work,
                          loop_fx_fibers_callback_batch *ret);

/* answer.c */
/* A table of `p`: NULL, or what is wrong. `keep`: with copies, in `arena`. */
const char *lp_fx_table_of(struct party *p, const loop_fx_types_table *from, bool keep,
                           lp_arena *arena, lp_fx_table *ret);
const char *lp_fx_answer_of(struct party *p, const loop_fx_fibers_answer *from,
                            uint32_t microseconds, lp_arena *arena, lp_fx_answer *ret);

/* drive.c */
/* There is something to do: a turn begins when the call is over that is under way. */
void lp_fx_kick(struct fx_serve *s, struct party *p);
/* The lock is held, and let go of. */
void lp_fx_actor_stopped(struct fx_serve *s, struct party *p);

/* graph.c */
extern const loop_fx_graph_functions lp_fx_graph_functions;
bool lp_fx_graph_work(lp_arena *arena, const lp_fx_work *work, loop_fx_graph_functions_work *ret);
void lp_fx_graph_answered(lp_fx *fx, lp_arena *arena,
                          loop_fx_graph_functions_list_result_list_u8_string answer);
/* When it is to wake may have changed. */
void lp_fx_clock_look(struct fx_serve *s);
void lp_fx_clock_end(struct fx_serve *s);

/* look.c */
loop_error *lp_fx_root_inspect(void *self, loop_call *call, loop_fx_runtime_root *root,
                               uint32_t limit, loop_fx_runtime_result_list_fiber_info_error *ret);

/* serve.c: takes the lock. */
struct fx_serve *lp_fx_enter(void *self, loop_call *call);
/* Takes the error. */
loop_core_types_error lp_fx_error_of(loop_call *call, loop_error *err);
/* serve.c: acts on wishes, between turns; false: the next is `*ret`'s to act on. */
bool lp_fx_wishes(struct fx_serve *s, const struct party *here, struct party **ret);

#endif
