/*
 * host/internal.h: shared by the files of host/.
 *
 * host/ implements the part of include/loop/host.h and provider.h that needs no
 * other room; api/ adds what wires the rooms together (the log writer, the list
 * of providers, the decision function).
 *
 *   host.c      the host: its engine, its log, its event loop
 *   tables.c    the tables of providers: added, found, made anew, gone
 *   provider.c  objects of providers, and their options
 *   bind.c      which of them serve an interface
 *   peer.c      interfaces that a provider calls for a component
 *   component.c what a component is, and who would serve its imports
 *   link.c      imports to slots; stubs
 *   call.c      the one path that every call into a provider takes
 *   need.c      what a call takes, and the way to the decision function
 *   gate.c      holds calls back while what serves them is swapped
 *   swap.c      a swap of a provider, step by step; swap_plan.c: what it changes;
 *               swap_state.c: what it carries; keeper.c: the thread that does it
 *   backend.c   a component that serves others, in a slot: its table; backend_life.c: its thread,
 *               backend_call.c: calls; backend_state.c: what a swap carries of it
 *   waits.c     which thread waits for which
 *   status.c    what runs, for people
 *   held.c      resources that components hold
 *   given.c     streams of wasi:io that providers give; directories for them
 *   export.c    calls into components
 *   instance.c  an instance as an actor: its making and its thread
 *   supervise.c the main thread's side: start, deadline, cancellation, end
 *   strikes.c   failures, and when what failed begins anew; restart.c: what runs, and did
 *   app.c       the life of a loop:core/app
 *   mailbox.c   work for an instance, and what its thread waits for between two calls
 *   reload.c    replacing the component of an instance
 *   watch.c     what rooms above learn of instances
 *   wasi.c      what WASI asks before it acts; wasi_net.c: sockets and connections
 */
#ifndef LP_HOST_INTERNAL_H
#define LP_HOST_INTERNAL_H

#include <stdatomic.h>
#include <uv.h>

#include "abi/convert.h"
#include "base/base.h"
#include "base/limit.h"
#include "base/os/os.h"
#include "engine/engine.h"
#include "host/hooks.h"
#include "loop/host.h"
#include "loop/swap.h"

#define LP_CORE_VERSION "0.1.0"
#define LP_APP_INTERFACE "loop:core/app@" LP_CORE_VERSION

/* A thread, and what it waits for: whoever that is at the time. waits.c. */
struct lp_waiter;
typedef _Atomic(struct lp_waiter *) lp_waited;
struct lp_waiter {
    lp_waited *for_it; /* NULL: nothing */
};

/* A provider as it was added, or made anew from the same source (tables.c). */
struct lp_table {
    const loop_provider *table;
    loop_tier tier;
    lp_table_life life; /* all NULL: it is linked in and stays */
    bool retired;       /* not found by name: not any more, or not yet */
    size_t users;       /* objects of it */
};

/* An object of a provider: one for each set of options. Shared by the instances of a host. */
struct lp_provider {
    loop_host *host;
    struct lp_table *origin;
    const loop_provider *table; /* of `origin` */
    loop_tier tier;
    char **options; /* as they were given: name and value by turns, NULL-terminated */
    char **values;  /* of its options, by row; NULL: the fallback */
    loop_services services;
    void *self;
    bool looked, opened;
    enum {
        LP_SERVES,  /* bound, or may be */
        LP_STAGED,  /* made by a swap, and not yet in place */
        LP_RETIRED, /* swapped out */
    } standing;
    bool leaves;             /* a swap is under way: no peer is bound to it; `finding` */
    bool kept;               /* a child's (child.c): swapped out, it may serve again; `finding` */
    bool stuck;              /* it hangs in a step of a swap: whatever it is, it is never closed */
    char *why_not;           /* it does not work here; settled with `looked` */
    lp_os_mutex *serial;     /* LOOP_THREADS_SERIAL: held during a call */
    _Atomic uintptr_t owner; /* the thread that holds it (lp_os_thread_self) */
    lp_waited holder;        /* the same thread, for those that wait */
    /* Drops that would have waited for ever: whoever lets go of it does them. */
    lp_os_mutex *later_lock;
    struct {
        struct lp_later *at;
        size_t n, cap;
    } later;
};

struct lp_binding {
    char *component; /* NULL: every one */
    char *interface_name;
    struct lp_provider *links[LP_MAX_CHAIN];
    size_t n;
};

/* One provider of a chain, with its side of the interface; an interceptor has none. */
struct lp_link {
    struct lp_provider *provider;
    const loop_provider_interface *side;
};

/* Who serves an interface, the first to be asked first. */
struct lp_chain {
    const char *interface_name; /* without its version */
    struct lp_link links[LP_MAX_CHAIN];
    size_t n;
};

/*
 * A chain as it serves: what a swap replaces as a whole. Shared by all that use the same
 * chain. `number` counts from 1 with each swap of what it serves.
 */
struct lp_generation {
    struct lp_chain chain;
    char *text; /* "redact > sqlite" */
    uint32_t number;
    bool planned;            /* by a swap, and not in place yet: nobody finds it */
    bool drains;             /* swapped out, and serves the handles that are left */
    uint64_t drain_until_ns; /* and so long */
};

/* That a component, or a provider for one, uses an interface. */
struct lp_use {
    const char *interface_name; /* as imported, with its version */
    struct lp_generation *gen;
    struct lp_generation *next; /* while a swap is prepared: what is to take its place */
    bool closed;                /* calls wait; h->gate */
};

/* A function as a link of a chain has it: its own row or, of an interceptor, the next one's. */
struct lp_served {
    const loop_interface *interface;
    const loop_function *function; /* NULL: it has none */
};

/*
 * Where a call goes: each link that has the function, from the first to be asked; ends with a
 * hop without one. Found once, when a component is linked.
 */
struct lp_hop {
    size_t link;
    struct lp_served served;
    /* The same at hand, where the link has a table and bears any thread; else NULL. */
    loop_error *(*call)(const void *functions, void *self, loop_call *call, const void *args,
                        void *ret);
    const void *functions;
    void *self;
    const struct lp_generation *gen; /* of which it is a part */
    const loop_provider_need *need;  /* what the host asks about before it; NULL: nothing */
};

/* An object that a peer answered: what its caller has in the object's place. */
struct lp_peer_object {
    void *object;
    struct lp_generation *gen;
    size_t resource; /* of the peer's interface */
    struct lp_peer_object *next, **back;
};

/* A function of a peer. */
struct lp_peer_row {
    const struct lp_hop *hops;
    const lp_plan *plan; /* NULL: no handles in it */
};

/* An interface that a provider calls for a component. */
struct loop_peer {
    struct lp_use use;
    loop_host *host;
    char *component, *full;
    const loop_interface *interface;
    _Atomic uint32_t calls; /* under way */
    _Atomic bool closed;    /* use.closed, for callers */
    lp_os_mutex *lock;      /* of `objects` */
    struct lp_peer_object *objects;
    lp_arena arena;            /* of plans */
    struct lp_peer_row rows[]; /* one for each of the interface's functions */
};

struct lp_watcher;
struct loop_host {
    loop_host_options options;
    char *directory;             /* a copy; NULL: the current one */
    char *workspace, *cache_dir; /* copies; NULL: none */
    char *guard;                 /* the file of loop-guard; NULL: not asked for, or not there */
    lp_host_hooks hooks;
    uintptr_t main; /* the thread that made it */
    lp_engine *engine;
    lp_engine_options engine_options; /* what it was made with, but for its cache_dir */
    struct {
        lp_engine **at;
        size_t n, cap;
    } engines; /* others, for stacks of another size; `changing` */
    struct {
        struct lp_table **at;
        size_t n, cap;
    } tables, retired; /* those that are found by name, in order; the others */
    struct {
        char **at;
        size_t n, cap;
    } names;                           /* lp_host_name */
    loop_package_finder *find_package; /* set before anything runs */
    void *find_package_data;
    loop_child *children; /* those that are not dropped; `finding` */
    loop_limits lowest;   /* theirs at most; value 0: the rows' own */
    struct {
        struct lp_provider **at;
        size_t n, cap;
    } providers;
    struct {
        struct loop_peer **at;
        size_t n, cap;
    } peers;
    /*
     * Held while what instances are linked to changes: a swap of a provider, an instance that is
     * made, replaced or deleted. Taken before `finding`, that before `gate`.
     */
    lp_os_mutex *changing;
    lp_os_mutex
        *finding; /* held while tables, providers, bindings, generations and peers are looked at */
    struct {
        struct lp_generation **at;
        size_t n, cap;
    } generations;
    uint64_t swapped;         /* counts swaps that were put in place; `finding` */
    lp_os_mutex *gate;        /* of lp_use.closed and the trial */
    lp_os_cond *opened;       /* with `gate` */
    size_t held_back;         /* calls that wait there */
    struct lp_trial *trial;   /* a swap that lets one call through to see how it goes; `gate` */
    struct lp_keeper *keeper; /* NULL: at the very end; its thread starts with the first swap */
    struct {
        struct lp_binding *at;
        size_t n, cap;
    } bindings;
    uv_loop_t loop;
    uv_async_t wake; /* an actor has something to say */
    uv_timer_t turn; /* ends a turn that waits */
    struct {
        struct lp_signal **at;
        size_t n, cap;
    } signals;
    loop_instance *instances; /* list; the main thread's */
    /*
     * Those that serve others, of backends: any thread's, with `changing` and `finding` held;
     * lp_instance_first has both lists.
     */
    loop_instance *behind;
    size_t running;
    _Atomic bool
        abandoned;        /* an instance was given up: its thread uses the host and its providers */
    _Atomic bool haunted; /* a step of a swap hangs: a thread uses the host's memory on */
    uint64_t step_ms;     /* for a step of a swap that keeps nobody waiting: LP_SWAP_START_MS */
    bool turning;         /* inside a callback of the loop */
    _Atomic(const struct lp_watcher *) watcher;
    _Atomic uint64_t next_instance;      /* callers are made on any thread */
    uint64_t next_body, searches;        /* `changing` */
    _Atomic uint32_t swaps, rolled_back; /* of providers and components */
};

struct loop_component {
    loop_host *host;
    lp_component *engine;
    _Atomic size_t users;  /* bodies, beside whoever opened it */
    loop_component *other; /* the same for another engine, and so on; `changing` */
    char *path;
    const char *name; /* whose bindings hold for what is described; NULL: no component's */
    loop_component_kind kind;
    struct {
        loop_item *at;
        size_t n, cap;
    } items;
    lp_arena arena;
    bool items_made;
};

/* What the needs of providers (need.c) have to say about the calls of a slot. */
enum lp_guard {
    LP_GUARD_NONE,
    LP_GUARD_TELLS, /* allowed, and somebody wants to hear of each call */
    LP_GUARD_DENIES,
};

/* Where an import's calls go. */
struct lp_slot {
    const lp_import *import;
    struct lp_body *body;
    const lp_plan *plan;                /* functions */
    const struct lp_hop *hops;          /* not of a stub */
    _Atomic uint32_t calls;             /* that began; one thread counts */
    enum lp_guard guard : 8;            /* what is asked before a call */
    bool movable;                       /* a call may be made again: it hands no object over */
    struct lp_use *use;                 /* NULL: a stub */
    char *stub_reason;                  /* stubs: what `unavailable` says */
    struct lp_latency *_Atomic latency; /* of a sample of the calls; NULL: none yet */
};

/* Who implements a resource that the component imports; by lp_resource.index. */
struct lp_owner {
    struct lp_use *use; /* NULL: a stub */
    bool defined;       /* here; not by the engine, nor by the guest */
    lp_io io;           /* the engine's, and providers can give one */
};

/* A resource that a component holds. */
struct lp_held {
    void *object; /* NULL: free; `next_free` links */
    const lp_resource *resource;
    struct lp_generation *gen;       /* NULL: a stub's */
    const struct lp_provider *giver; /* the first link that had a hand in it; NULL: the first */
    uint32_t next_free;
    bool lent; /* for one call into the component */
    bool gone; /* its provider was swapped out, and did not wait for it any longer */
};

/* A resource of the component's that C holds. */
struct lp_foreign {
    const lp_resource *resource; /* NULL: free */
    uint32_t number;             /* the engine's */
    uint32_t generation, next_free;
    bool owned, lent; /* seen among the arguments that are looked at */
};

/* A row of loop:core/capabilities. */
struct lp_capability {
    loop_capability row;
    struct lp_use *use; /* who serves it changes; NULL: it does not */
};

/*
 * What an instance is made of while it runs one component: a store, what its imports are linked
 * to and what it holds. The component of an instance is replaced by putting another body in.
 */
struct lp_body {
    /* What each call out touches, first. */
    loop_instance *instance;
    _Atomic(const struct lp_slot *) calling; /* the import whose call is under way */
    _Atomic bool gated;                      /* look at the gate first */
    lp_frame out; /* the values of the call out of the component that is in flight */
    void *answer; /* of that call, until it is put */
    _Alignas(16) uint8_t small[128]; /* its place, where it fits */
    lp_frame in;                     /* the values of the call into it */
    loop_host *host;
    uint64_t number; /* of the body, in handles of its resources */
    loop_component *component;
    lp_guest *guest;
    lp_arena arena;
    struct {
        struct lp_slot **at;
        size_t n, cap;
    } slots;
    struct {
        struct lp_use **at;
        size_t n, cap;
    } uses;
    struct {
        struct lp_capability *at;
        size_t n, cap;
    } capabilities;
    struct {
        struct lp_owner *at;
        size_t n, cap;
    } owners;
    struct {
        struct lp_held *at;
        size_t n, cap;
    } held;
    uint32_t free_held; /* UINT32_MAX: none */
    /* Held by the instance's thread while it changes `held`, and by a swap while it looks. */
    lp_os_mutex *lock;
    struct {
        struct lp_given **at;
        size_t n, cap;
    } given;                     /* descriptors of the call, for streams in its answer */
    struct lp_generation *older; /* of the handles of this call, where they are not of now */
    bool gone, mixed;            /* a handle of this call is; they are of several generations */
    struct {
        struct lp_foreign *at;
        size_t n, cap;
    } foreign;
    uint32_t free_foreign; /* a place in it, or its end */
    struct {
        const loop_peer **at;
        size_t n, cap;
    } peers; /* those that were asked for */
    struct {
        lp_handle *at;
        size_t n, cap;
    } handles; /* on their way to the component, in order */
    struct {
        struct lp_held *at;
        size_t n, cap;
    } taken; /* objects that were passed as `own`, until C has them */
    struct {
        uint32_t *at;
        size_t n, cap;
    } lent; /* numbers of objects that were passed as `borrow`, for the call into it */
    bool instantiated, broken, exited; /* `broken`: an error ended it */
    int result_status;                 /* with `exited` */
    loop_error *why_broken;            /* a copy of that error */
    uint64_t until_ns; /* calls into it end by then, while it is swapped; 0: no such time */
    _Atomic uint64_t call_until_ns; /* the call into it ends by then; 0: no such time */
    bool refused;                   /* of the call out of it: it would have waited for itself */
    bool sees_cancellation;
    bool in_background; /* imports what goes on between calls: the network */
    struct lp_net_policy *net;
    struct {
        lp_guest_dir *at;
        size_t n, cap;
    } dirs;
    int *directories; /* the same, open; NULL: it is made, and imports nothing that asks for them */
};

/* How often something failed; strikes.c. Zero-initialise. */
struct lp_strikes {
    struct {
        uint64_t *at;
        size_t n, cap;
    } times;           /* of those within the last minute */
    uint64_t since_ns; /* it runs since then; 0: not started again yet */
    unsigned row;      /* one after the other, without a minute of good running between */
    uint32_t count;    /* of all */
    bool quarantined;
    char *why; /* the last */
};

/* Work that waits for an instance; mailbox.c. */
struct lp_letter {
    loop_work *work;
    void *data;
    struct lp_letter *next;
};

struct lp_mailbox {
    struct lp_letter *first, **last;
    uint32_t waiting;
    enum { LP_MAIL_NONE, LP_MAIL_OPEN, LP_MAIL_ENDED } state;
    bool worked; /* lately: what is due as well comes first */
};

/* An actor: what stays when its component is replaced. */
struct loop_instance {
    loop_host *host;
    loop_instance *next;
    uint64_t number;
    bool is_behind;        /* in h->behind */
    unsigned depth;        /* how many loaded each other before this one; child.c */
    const char *serves_as; /* the provider that it is; NULL: it runs for itself */
    lp_arena arena;        /* copies of the options */
    loop_instance_options options;
    loop_limits limits; /* what holds; options.limits points here */
    /*
     * The instance's thread puts another one in its place, with `lock` held (while there is no
     * such thread, the main thread): whoever is on another one holds `lock`, too, or
     * host->changing, and not for longer has what it finds there.
     */
    struct lp_body *body;
    struct lp_body *incoming; /* beside it, while the component is replaced; linked */
    struct {
        struct loop_export **at;
        size_t n, cap;
    } exports; /* that somebody looked up; as `body` */
    _Atomic bool entered;
    uint64_t storage; /* bytes that it may store; UINT64_MAX: nobody has asked yet */
    char *no_storage; /* why none is */
    struct {
        uint64_t second;
        uint64_t written, left_out; /* in it */
        uint64_t granted;           /* entries a second; 0: what its limit is; once `asked` */
        bool asked;
    } log;                    /* its own thread's */
    bool (*asks)(void *data); /* of a loop_caller: whether to give up; NULL */
    void *asks_data;

    /* The job; written by the main thread before the actor starts, by the actor until `done`. */
    const char *call_text; /* NULL: run it, or */
    bool serves;           /* wait for work */
    loop_error *error;
    loop_result result;
    lp_os_thread *thread;

    /* Shared. */
    _Atomic int cancelled; /* loop_cancel_reason */
    _Atomic uint64_t force_at_ns;
    _Atomic bool asked_to_stop;       /* loop_instance_kill, or the grace period is 0 */
    _Atomic bool halted;              /* it was stopped by force */
    _Atomic bool done;                /* the actor has nothing more to do */
    _Atomic uint32_t changes;         /* swaps of what serves its imports */
    _Atomic uint32_t swaps, restarts; /* of its component: with its state, and from nothing */
    uint64_t started_ns;              /* 0: never */
    lp_os_mutex
        *lock; /* of those down to `ends_again`, `body` and `exports`; taken after host->changing */
    lp_os_cond *wake; /* with it: there is something between two calls */
    struct lp_mailbox mail;
    struct lp_reload *reload; /* a replacement that is under way; NULL */
    struct lp_strikes strikes;
    uint64_t again_ns; /* with `rests`: when it begins anew; UINT64_MAX: it does not */
    bool rests;        /* it failed, and no thread of it runs */
    bool ends_again;   /* cancelled so that its component starts again, not for good */
    /* The main thread's. */
    enum { LP_NEW, LP_RUNNING, LP_ENDED, LP_STUCK } state;
    bool timed_out, stopping;
    loop_error *failure;                           /* with `rests` */
    uint64_t warn_at_ns, deadline_ns, stuck_at_ns; /* UINT64_MAX: never */
    uv_timer_t *timer;
    loop_instance_done *on_done;
    void *on_done_data;
};

/* ---- component.c ---- */
/* Read, not compiled; nothing is said of who serves it. */
loop_error *lp_component_read(loop_host *h, const char *path, loop_component **ret) LOOP_MUST_USE;
/* The same with a stack of that size: itself, or one that goes with it. `changing` is held. */
loop_error *lp_component_with_stack(loop_component *c, uint64_t stack,
                                    loop_component **ret) LOOP_MUST_USE;
/* Compiles one that was read, once. */
loop_error *lp_component_prepare(loop_component *c) LOOP_MUST_USE;

/* ---- host.c ---- */
/* The engine for guests with a stack of that size. `changing` is held. */
loop_error *lp_host_engine(loop_host *h, uint64_t stack, lp_engine **ret) LOOP_MUST_USE;
void lp_host_trace(loop_host *h, const loop_trace *t);
/* Whether the engine serves an interface (the WASI group), and that function. */
bool lp_wasi_interface(const char *interface_name);
bool lp_wasi_function(const char *interface_name, const char *function);
bool lp_is_http_interface(const char *interface_name);
/* "name@version" without its version, in `buf`; the version or "". */
const char *lp_split_version(const char *full, char *buf, size_t size);
/* Whether what is offered serves what is asked for (semver tracks; pre-releases exactly). */
bool lp_version_serves(const char *offered, const char *wanted);

/* ---- table.c ---- */
/* Whether a table can be used; of one for another ABI nothing else is read. LOOP_INVALID. */
loop_error *lp_table_check(const loop_provider *table) LOOP_MUST_USE;

/* ---- tables.c ---- */
/* One that is never found by name; it goes with the host, or by lp_table_drop. `finding` is held.
 */
struct lp_table *lp_table_add_hidden(loop_host *h, const loop_provider *table, loop_tier tier,
                                     const lp_table_life *life);
/* Not found by its name any more. `finding` is held. */
void lp_table_hide(loop_host *h, struct lp_table *t);
/* `finding` is held, or no instance runs yet. NULL. */
struct lp_table *lp_find_table(const loop_host *h, const char *name);
/* It has no interface of its own. */
bool lp_is_interceptor(const loop_provider *p);
/*
 * A table from the source of `t` as it is now, checked; retired until it is published. `t` itself
 * where that stays, or where the file is the same and it can serve another object. `finding` is
 * not held: may take long. Nobody drops `t` meanwhile.
 */
loop_error *lp_table_renew(loop_host *h, struct lp_table *t, struct lp_table **ret) LOOP_MUST_USE;
/*
 * `new` is found by its name from now on, in the place of `old`, which is retired. Works the other
 * way round as well. `finding` is held.
 */
void lp_table_publish(loop_host *h, struct lp_table *old, struct lp_table *new);
/*
 * Ends and frees a table that is retired and has no users: true. Else nothing happens. `finding`
 * is not held; a library's destructors run.
 */
bool lp_table_drop(loop_host *h, struct lp_table *t);
/* Ends what is left. After every provider was closed and lp_providers_done. */
void lp_tables_done(loop_host *h);

/* ---- waits.c ---- */
/* Before this thread waits for who is `it`. False: that one waits for this thread. */
bool lp_waits_begin(lp_waited *it) LOOP_MUST_USE;
void lp_waits_end(void);
/* This thread is `it`, for others to wait for; and is it no longer. */
void lp_waits_take(lp_waited *it);
void lp_waits_give(lp_waited *it);

/* ---- backend.c ---- */
bool lp_is_backend(const loop_provider *p);
/* Its instance and thread, where there are none; `changing`: that is held. `finding` is not. */
loop_error *lp_provider_ready(struct lp_provider *p, bool changing) LOOP_MUST_USE;
/* Ends what serves others: threads and bodies; their providers are closed after. Main. */
void lp_backends_stop(loop_host *h);

/* ---- nobody.c ---- */
/*
 * Who serves an optional import that nobody serves, for a component that may load somebody: a
 * provider of the tier `stub` whose functions answer `unavailable`, and `why`. False: not one of
 * such types.
 */
bool lp_nobody_find(loop_host *h, const loop_component *c, const char *interface_name,
                    const char *why, struct lp_chain *ret);
bool lp_is_nobody(const loop_provider *p);

/* ---- child.c ---- */
void lp_children_done(loop_host *h);

/* ---- provider.c ---- */
/*
 * The object of these options (name and value by turns, NULL-terminated; NULL: none): one
 * that is there, or a new one, not opened. `finding` is held, or no instance runs yet.
 */
loop_error *lp_object_of(loop_host *h, struct lp_table *t, const char *const *options,
                         struct lp_provider **ret) LOOP_MUST_USE;
/* One that is there; else NULL. `finding` is held. */
loop_error *lp_object_find(loop_host *h, struct lp_table *t, const char *const *options,
                           struct lp_provider **ret) LOOP_MUST_USE;
/* A new one, whatever there is. `finding` is held. */
loop_error *lp_object_new(loop_host *h, struct lp_table *t, const char *const *options,
                          struct lp_provider **ret) LOOP_MUST_USE;
/* Takes one out of the host that is not open, and frees it. `finding` is held. */
void lp_object_delete(struct lp_provider *p);
/* Whether it can work here; else p->why_not says why. Asked once; `finding` is held. */
bool lp_works_here(struct lp_provider *p);
/* Where it is not open, or is. `finding` is held, but for one that nobody else knows. */
loop_error *lp_provider_open(struct lp_provider *p) LOOP_MUST_USE;
void lp_provider_close(struct lp_provider *p);
/* Each of them, and what it takes to serve (lp_provider_ready). `finding` is not held. */
loop_error *lp_chain_open(const struct lp_chain *c, bool changing) LOOP_MUST_USE;
/* Calls `close` of those that are open. */
void lp_providers_close(loop_host *h);
void lp_providers_done(loop_host *h);

/* ---- bind.c ---- */
/*
 * Who serves an interface as imported ("loop:core/logging@0.1.0") to a component (NULL: to
 * any); nobody: false, *why is malloced.
 */
bool lp_host_find(loop_host *h, const char *component, const char *interface_name,
                  struct lp_chain *ret, const char **ret_version, char **ret_why);
/* Whether a provider of that name can be bound to an interface; `finding` is held. */
loop_error *lp_link_check(loop_host *h, const char *interface_name, const loop_link *link,
                          struct lp_table **ret) LOOP_MUST_USE;
/* Whether these can be the chain of an interface for a component, beside what is bound. */
loop_error *lp_links_check(loop_host *h, const char *component, const char *interface_name,
                           struct lp_provider *const *links, size_t n) LOOP_MUST_USE;
/* The side of that interface, with a version that serves; NULL. */
const loop_provider_interface *lp_side_of(const loop_provider *p, const char *interface_name);
/*
 * What was swapped stays bound for those who come later: for all, or (`own`) for that component
 * where others have another chain. `finding` is held.
 */
void lp_bind_as(loop_host *h, const char *component, const struct lp_use *use, bool own);
/* The names of a chain's providers, "redact > logging"; malloced. */
char *lp_chain_text(const struct lp_chain *c);
/* Where it comes from: the first that is no interceptor. */
loop_tier lp_chain_tier(const struct lp_chain *c);
/* The function of that name, where the link implements it, or passes it on. */
struct lp_served lp_find_function(const struct lp_chain *c, size_t link, const char *name);
/* The hops from `link` on, which has the function; for free(). */
struct lp_hop *lp_hops_new(const struct lp_generation *g, size_t link, const char *name);
/* The generation of that chain: one that serves, or its first. `finding` is held. */
struct lp_generation *lp_generation_of(loop_host *h, const struct lp_chain *c);
/* One of that chain that was swapped out, and drains; NULL. `finding` is held. */
struct lp_generation *lp_generation_drains(loop_host *h, const struct lp_chain *c);
/* The same providers for another interface of the package; false: it is of another one. */
bool lp_chain_beside(const struct lp_chain *c, const char *interface_name, struct lp_chain *ret);
/* A new one. `finding` is held. */
struct lp_generation *lp_generation_new(loop_host *h, const struct lp_chain *c, uint32_t number);
/* Nothing uses it. `finding` is held. */
void lp_generation_delete(loop_host *h, struct lp_generation *g);
/* NULL, too, where there is nothing to do about a drop. */
const loop_resource *lp_find_resource(const struct lp_link *l, const char *name);
/* The nearest name among what providers have, malloced; NULL when none is. `finding` is not held.
 */
char *lp_nearest_interface(loop_host *h, const char *interface_name);
void lp_bindings_done(loop_host *h);

/* ---- peer.c ---- */
loop_error *lp_peer_of(struct lp_body *b, const loop_interface *interface,
                       const loop_peer **ret) LOOP_MUST_USE;
void lp_peers_done(loop_host *h);
/* Before and after a call: as lp_gate_wait, for whoever calls through a peer. */
loop_error *lp_peer_enter(loop_peer *p, loop_instance *i) LOOP_MUST_USE;
void lp_peer_leave(loop_peer *p);
#define LP_PEER_ARGUMENTS 256 /* bytes of a function's parameters that hold objects */
/*
 * Objects for what stands for them: *args becomes `copy` where there are some. *ret_hops, for
 * free(): where they are of a generation that was swapped out.
 */
loop_error *lp_peer_arguments(loop_peer *p, size_t row, const void **args, uint8_t *copy,
                              struct lp_hop **ret_hops) LOOP_MUST_USE;
/* What stands for objects in their place. */
void lp_peer_answer(loop_peer *p, size_t row, const struct lp_generation *g, void *ret);
/* lp_why_not of each function, and their hops, in the order of the rows. */
loop_error *lp_peer_hops(const loop_peer *p, const struct lp_generation *g,
                         const struct lp_hop **ret) LOOP_MUST_USE;

/* ---- link.c ---- */
loop_error *lp_link(struct lp_body *b) LOOP_MUST_USE;
void lp_unlink(struct lp_body *b);
/* An interface of loop that this host does not serve, but lets components start with. */
bool lp_is_stubbed(const char *interface_name);
/*
 * Why a chain does not serve a function that a component declares with this type
 * (its structural form), or NULL where it does; malloced. *ret_link: who answers first.
 */
char *lp_why_not(const struct lp_chain *c, const char *interface_name, const char *name,
                 const char *structure, size_t *ret_link);
/* The same for a slot, with what serves it or is to serve it. */
char *lp_why_not_import(const struct lp_slot *s, size_t *ret_first);
/* Whether every handle in a function's type can be passed between C and the component. */
loop_error *lp_check_handles(const struct lp_body *b, const lp_plan *p,
                             const struct lp_use *use) LOOP_MUST_USE;
/* A function of a provider's interface that the engine serves in its place. */
bool lp_is_subscribe(const char *interface_name, const char *function);

/* ---- call.c ---- */
loop_error *lp_slot_call(void *slot, lp_values *in);
/* What C that calls peers itself is called with; as long as the body's frame. */
loop_call *lp_call_new(struct lp_body *b);
/* For no handles, and no result or a number; where nobody traces. */
loop_error *lp_slot_call_plain(void *slot, lp_values *in);
/* For numbers alone. */
loop_error *lp_slot_call_numbers(void *slot, const lp_flat *in, uint64_t *ret);
loop_error *lp_slot_put(void *slot, lp_target *out);
loop_error *lp_stub_call(void *slot, lp_values *in);

/* Tells in the log how many entries were left out of it, if any; none of its calls runs. */
void lp_log_left_out(loop_instance *i);
/* Whose call it is. */
struct lp_body *lp_call_body(const loop_call *call);
/*
 * Fills the case `unavailable` of a result's error type, an enum or a variant. False: it has none.
 * `why` lives as long as the answer.
 */
bool lp_unavailable(const lp_node *result, const char *why, void *ret);
/* Values of a component that took more than they may: LOOP_LIMIT becomes that of its limit. */
loop_error *lp_lift_error(const struct lp_body *b, loop_error *err) LOOP_MUST_USE;
/* Stopped, or asked to end, and the time to do so is over; of a loop_caller: it gives up. */
bool lp_instance_must_end(const loop_instance *i);

/* Fills the case `denied` in the same way. */
bool lp_denied(const lp_node *result, const char *why, void *ret);

/* ---- need.c ---- */
/* Who is asked about: what outlives the instance keeps one. */
typedef struct lp_asker {
    const loop_policy *policy;
    const char *component;
    uint64_t instance;
} lp_asker;
lp_asker lp_asker_of(const loop_instance *i);
/* Decides, and tells whoever listens (loop_host_options.decided). Any thread. */
void lp_decide(loop_host *h, const lp_asker *who, const loop_request *want, loop_decision *ret);
void lp_body_decide(const struct lp_body *b, const loop_request *want, loop_decision *ret);
/* The row of a function; NULL: there is none. */
const loop_provider_need *lp_need_of(const loop_provider *p, const char *interface_name,
                                     const char *function);
/* The row that the host asks about itself; NULL: none. */
const loop_provider_need *lp_need_own(const struct lp_link *l, const struct lp_served *served);
/* Asks about each hop, and tells of it; false: *ret says why not. _check: the same as an error. */
bool lp_hops_ask(const struct lp_body *b, const struct lp_hop *hops, loop_decision *ret);
loop_error *lp_hops_check(const struct lp_body *b, const struct lp_hop *hops) LOOP_MUST_USE;
/* Sets s->guard for s->hops; b->lock is held, or nothing runs yet. */
void lp_slot_guard(struct lp_slot *s);

/* ---- gate.c ---- */
/*
 * Before a call of `s`, whose body is `gated`: waits until calls may go. b->calling is `s`
 * then. LOOP_CANCELLED, LOOP_LIMIT: it may not be made.
 */
loop_error *lp_gate_wait(struct lp_slot *s) LOOP_MUST_USE;
/* The same for a peer; `i`: whose end is waited for no longer, NULL: nobody's. */
loop_error *lp_gate_wait_peer(loop_peer *p, const loop_instance *i) LOOP_MUST_USE;
/* After a call that went through a gate: whether it is to be made again. */
bool lp_gate_again(struct lp_slot *s);

/* What the instance's thread does around each call of an import. */
static inline bool lp_gate_enter(struct lp_slot *s)
{
    struct lp_body *b = s->body;
    atomic_store_explicit(&b->calling, s, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst); /* lp_os_barrier_all is the other half */
    return !atomic_load_explicit(&b->gated, memory_order_acquire);
}

static inline void lp_gate_leave(struct lp_body *b)
{
    atomic_store_explicit(&b->calling, NULL, memory_order_release);
}

/* ---- status.c ---- */
void lp_latency_add(struct lp_slot *s, uint64_t ns);

/* ---- keeper.c ---- */
void lp_keeper_new(loop_host *h);
/* Calls `done` of the swaps that have ended (main). */
void lp_keeper_report(loop_host *h);
/* What is under way ends soon, and nothing is begun: who takes instances away waits for it. */
void lp_keeper_hurry(loop_host *h);
/* Ends the thread; the swap that is under way fails. Nothing is taken any more. */
void lp_keeper_stop(loop_host *h);
/* After every provider was closed. */
void lp_keeper_delete(loop_host *h);
/* Whether it is the instance of that name or number ("#3"); NULL: any is. */
bool lp_is_named(const loop_instance *i, const char *name);

/* ---- held.c ---- */
/* One call at a time, where the provider asks for that. */
enum lp_locked {
    LP_LOCKED,
    LP_LOCKED_NOT,    /* it needs none */
    LP_LOCKED_INSIDE, /* this thread is inside of it already */
    LP_LOCKED_CIRCLE, /* who is inside of it waits for this thread */
};
enum lp_locked lp_provider_lock(struct lp_provider *p) LOOP_MUST_USE;
void lp_provider_unlock(struct lp_provider *p);
/* Gives an object a number. LOOP_LIMIT. */
loop_error *lp_hold(struct lp_body *b, const struct lp_held *h, uint32_t *ret) LOOP_MUST_USE;
/* Takes it out again; the object is the caller's. LOOP_INTERNAL: no such handle. */
loop_error *lp_unhold(struct lp_body *b, const lp_resource *r, uint32_t number, bool keep,
                      struct lp_held *ret) LOOP_MUST_USE;
void lp_release(struct lp_body *b, uint32_t number);
/* Calls the provider's drop. */
void lp_drop_object(const struct lp_held *h);
void lp_slot_drop(void *slot, uint32_t number);
/* Drops what the guest still held: deleting a store runs no destructors. */
void lp_held_sweep(struct lp_body *b);
/* lp_take_handle of a call out of the component; `data` is the body. */
loop_error *lp_take_argument(void *data, const lp_node *n, uint32_t number, uint64_t *ret);
/* Drops the objects that were taken for a call which was not made, or failed. */
void lp_drop_taken(struct lp_body *b);
/*
 * The link that drops an object: `giver`'s (NULL, or none of the chain: the first), or one behind
 * it; c->n: none. *ret: its row.
 */
size_t lp_chain_owner(const struct lp_chain *c, const struct lp_provider *giver,
                      const char *resource, const loop_resource **ret);
/* Calls the drop of the object's provider: `giver`, or one behind it. */
void lp_link_drop(const struct lp_link *l, const loop_resource *row, void *object);
void lp_chain_drop(const struct lp_chain *c, const struct lp_provider *giver, const char *resource,
                   void *object);
/*
 * Numbers for the objects in a result, into i->handles. `giver`: who answered; an
 * interface that uses a resource has the providers of the one that defines it, in
 * the same order (lp_check_handles).
 */
loop_error *lp_hold_result(struct lp_body *b, const struct lp_provider *giver, const lp_node *n,
                           const void *value) LOOP_MUST_USE;

/* ---- given.c ---- */
/* The descriptor behind an object of an answer, once each. LOOP_UNAVAILABLE: it is none. */
loop_error *lp_given_take(struct lp_body *b, lp_io io, const void *object,
                          uint32_t *ret_descriptor) LOOP_MUST_USE;
/* Closes what a call was given; the component has its copies. */
void lp_given_close(struct lp_body *b);
/* Its directories as they were when they were granted; a link in the place of one: LOOP_DENIED. */
loop_error *lp_directories_open(struct lp_body *b) LOOP_MUST_USE;
void lp_directories_close(struct lp_body *b);

/* ---- export.c ---- */
void lp_exports_done(loop_instance *i);
/* A function of that body, for the one who asks alone. */
loop_error *lp_export_open(struct lp_body *b, const char *interface_name, const char *version,
                           const char *function, const char *type,
                           struct loop_export **ret) LOOP_MUST_USE;
void lp_export_close(struct loop_export *f);
/* loop_export_call, with the result in memory of `frame`, in at most `timeout_ms` (0: for ever). */
loop_error *lp_export_call_for(const loop_export *f, const void *args, void *ret, lp_frame *frame,
                               uint64_t timeout_ms) LOOP_MUST_USE;
/* loop_handle_drop, whose destructor has so long (0: for ever). */
loop_error *lp_handle_drop(loop_instance *i, loop_handle handle, uint64_t timeout_ms) LOOP_MUST_USE;
/* Whether a component exports what was looked up, with the same types; i->lock is held. */
loop_error *lp_exports_check(loop_instance *i, const loop_component *c) LOOP_MUST_USE;
/* Looks all of it up in that body, on the instance's thread; _move or _forget follows. */
loop_error *lp_exports_prepare(loop_instance *i, struct lp_body *b) LOOP_MUST_USE;
void lp_exports_forget(loop_instance *i);
/* i->lock is held. */
void lp_exports_move(loop_instance *i);

/* ---- instance.c ---- */
/* A body of that component, linked; nothing of the guest runs yet. */
loop_error *lp_body_new(loop_instance *i, loop_component *c, struct lp_body **ret) LOOP_MUST_USE;
/* On the main thread, or that of the instance. */
void lp_body_delete(struct lp_body *b);
/* One that serves others, listed; nothing runs yet. `changing` is held, `finding` is not. */
loop_error *lp_instance_new_behind(loop_host *h, loop_component *c, const loop_instance_options *o,
                                   const char *serves_as, unsigned depth,
                                   loop_instance **ret) LOOP_MUST_USE;
/* Out of the list, and gone. `changing` is held. */
void lp_instance_delete_behind(loop_instance *i);
/* All of a host. `changing` or `finding` is held. */
static inline loop_instance *lp_instance_first(const loop_host *h)
{
    return h->instances ? h->instances : h->behind;
}
static inline loop_instance *lp_instance_next(const loop_instance *i)
{
    return i->next || i->is_behind ? i->next : i->host->behind;
}
/* The bodies that an instance has, one or two; NULL past the end. `changing` is held. */
struct lp_body *lp_body_at(loop_instance *i, int n);
/* A call into it begins, which may take so long (0: for ever): what it calls waits no longer. */
static inline void lp_body_begins(struct lp_body *b, uint64_t timeout_ms)
{
    b->call_until_ns = timeout_ms ? lp_os_now_ns() + timeout_ms * 1000000 : 0;
}
void lp_actor(void *instance);
/* Of a component that an error ended: that error, or its own status; NULL: it lives. */
bool lp_body_ended(const struct lp_body *b, loop_error **ret, int *ret_status);

/* ---- supervise.c ---- */
/* Looks at a running instance; true when it ended, and its callback was called. */
bool lp_supervise(loop_instance *i);
/* Stops a running instance and waits for its end. */
void lp_end_running(loop_instance *i);
/* Asks what runs to end; a reason that was given before holds. i->lock is not held. */
void lp_ask_to_end(loop_instance *i, loop_cancel_reason reason, uint64_t grace_ms);
/* To every guest of the instance, and to its thread between two calls. */
void lp_signal(loop_instance *i, void (*f)(lp_guest *guest));
/* Starts the actor's thread. */
loop_error *lp_actor_start(loop_instance *i) LOOP_MUST_USE;

/* As it is told to whoever runs the instance. */
loop_error *lp_named_error(loop_instance *i, loop_error *err) LOOP_MUST_USE;

/* ---- strikes.c ---- */
struct lp_strike_rule {
    loop_on_trap mode;
    unsigned at_once;  /* the first so many begin anew at once */
    uint32_t a_minute; /* not more than so many within a minute; 0: never */
};
/* It failed: when it may begin anew, UINT64_MAX: not by itself. */
uint64_t lp_strike(struct lp_strikes *s, const struct lp_strike_rule *rule, uint64_t now);
void lp_strikes_started(struct lp_strikes *s, uint64_t now);
void lp_strikes_note(struct lp_strikes *s, const loop_error *err);
void lp_strikes_done(struct lp_strikes *s);
/* Whether an error is a failure of the component's own, in what it did. */
bool lp_is_strike(const loop_error *err);

/* ---- restart.c ---- */
bool lp_restarts(const loop_instance *i);
/* It has ended: true where it rests from now on. */
bool lp_restart_begin(loop_instance *i);
/* Of one that rests: when to look again; 0: it runs, or has ended. */
uint64_t lp_restart_look(loop_instance *i);
/* Starts the thread of one that rests, with the body that it has. */
void lp_restart_run(loop_instance *i);

/* ---- mailbox.c ---- */
/* What an actor wakes for, between two calls. */
enum lp_wake {
    LP_WAKE_HALTED, /* stopped by force */
    LP_WAKE_RELOAD, /* its component is to be replaced */
    LP_WAKE_CANCELLED,
    LP_WAKE_WORK,    /* *ret */
    LP_WAKE_CHANGED, /* what serves its imports */
    LP_WAKE_TIME,
};
struct lp_waiting {
    uint64_t until_ns;       /* UINT64_MAX: never */
    bool cancellation;       /* wake for it */
    const uint32_t *changes; /* wake where there are more; NULL: never */
};
enum lp_wake lp_mail_wait(loop_instance *i, const struct lp_waiting *w, struct lp_letter *ret);
void lp_mail_open(loop_instance *i);
/* Nothing is taken any more; what waits is told so. */
void lp_mail_close(loop_instance *i);
/* The actor looks up, where it waits between two calls. Any thread. */
void lp_mail_wake(loop_instance *i);
/* What serves its imports was swapped. Any thread, while the instance lives. */
void lp_instance_changed(loop_instance *i);
/* Works until the end, which is always an error or a status of its own. */
loop_error *lp_serve(loop_instance *i, int *ret_status) LOOP_MUST_USE;
/* Pieces of work that wait. Any thread. */
uint32_t lp_instance_waiting(loop_instance *i);
loop_condition lp_instance_condition(loop_instance *i);

/* ---- reload.c ---- */
enum lp_reloaded { LP_RELOADED_NOT, LP_RELOADED_STATE, LP_RELOADED_FRESH };
/* On the instance's thread, between two calls. `leave` (may be NULL): before a fresh one. */
enum lp_reloaded lp_reload_now(loop_instance *i, void (*leave)(void *data), void *data);
/* Whether one waits for the instance's thread; i->lock is held. */
bool lp_reload_waits(const loop_instance *i);
/* The main thread's look: when to look again; the replacement is over where it is too late. */
uint64_t lp_reload_due(loop_instance *i, uint64_t now_ns);
/* Until when a command that was stopped may take to end, since it is to run again; else 0. */
uint64_t lp_reload_until(loop_instance *i);
/* Calls back where one is over: true, and `i` may be gone. */
bool lp_reload_tell(loop_instance *i);
/* The instance ends: so does what waits. */
void lp_reload_end(loop_instance *i);
/* One that rests gets the other component, and begins anew with it; else false. */
bool lp_reload_rested(loop_instance *i);
/* A command has ended so that it starts again: puts the other component in. Else false. */
bool lp_reload_again(loop_instance *i);

/* ---- watch.c ---- */
void lp_watch_replaced(loop_instance *i);
void lp_watch_stopped(loop_instance *i);
void lp_watch_swapped(loop_host *h);

/* ---- app.c ---- */
loop_error *lp_app_run(loop_instance *i, int *ret_status) LOOP_MUST_USE;

/* ---- wasi.c ---- */
loop_error *lp_wasi_options(struct lp_body *b, lp_guest_options *o) LOOP_MUST_USE;
/* The guest has what it was given. */
void lp_wasi_given(struct lp_body *b);
/* Logs that something was denied, each reason once. Any thread; `b` may have no WASI. */
void lp_wasi_tell(struct lp_body *b, const loop_decision *d);
void lp_wasi_done(struct lp_body *b);

/* ---- wasi_net.c ---- */
/* What sockets of an instance ask. Counted; any thread, but _new and _end. */
struct lp_net_policy *lp_net_new(const struct lp_body *b);
void lp_net_ref(void *net);
void lp_net_unref(void *net);
/* The instance is gone; gives its reference back. NULL is fine. */
void lp_net_end(struct lp_net_policy *n);
/* Logs that something was denied, each reason once. */
void lp_net_tell(struct lp_net_policy *n, const char *reason, const char *hint);
/* The same for a limit that was reached. */
void lp_net_tell_limit(struct lp_net_policy *n, const char *reason, const char *hint);
bool lp_net_asks(void *net, lp_str address, uint16_t port, lp_net_use use);
bool lp_net_asks_http(void *net, lp_str host, lp_str address, uint16_t port);

#endif
