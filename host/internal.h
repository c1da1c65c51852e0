/*
 * host/internal.h: shared by the files of host/.
 *
 * host/ implements the part of include/loop/host.h and provider.h that needs no
 * other room; api/ adds what wires the rooms together (the log writer, the list
 * of providers, the decision function).
 *
 *   host.c      the host: providers, bindings, the event loop
 *   component.c what a component is, and who would serve its imports
 *   link.c      imports to slots; stubs
 *   call.c      the one path that every call into a provider takes
 *   instance.c  an instance as an actor: its making and its thread
 *   supervise.c the main thread's side: start, deadline, cancellation, end
 *   app.c       the life of a loop:core/app
 *   wasi.c      what WASI asks before it acts
 */
#ifndef LP_HOST_INTERNAL_H
#define LP_HOST_INTERNAL_H

#include <stdatomic.h>
#include <uv.h>

#include "base/base.h"
#include "base/os/os.h"
#include "engine/engine.h"
#include "host/hooks.h"
#include "loop/host.h"

#define LP_CORE_VERSION "0.1.0"
#define LP_APP_INTERFACE "loop:core/app@" LP_CORE_VERSION

/* An opened provider. Shared by the instances of a host. */
struct lp_provider {
    const loop_provider *table;
    loop_services services;
    void *self;
    bool opened;
    lp_os_mutex *serial; /* LOOP_THREADS_SERIAL: held during a call */
};

struct lp_binding {
    char *interface_name;
    const char *provider;
};

struct loop_host {
    loop_host_options options;
    lp_host_hooks hooks;
    lp_engine *engine;
    struct {
        struct lp_provider **at;
        size_t n, cap;
    } providers;
    struct {
        struct lp_binding *at;
        size_t n, cap;
    } bindings;
    uv_loop_t loop;
    uv_async_t wake; /* an actor has something to say */
    struct {
        struct lp_signal **at;
        size_t n, cap;
    } signals;
    loop_instance *instances; /* list */
    size_t running;
    bool abandoned; /* an instance was given up: its thread still uses the host */
    bool turning;   /* inside a callback of the loop */
    uint64_t next_instance;
};

struct loop_component {
    loop_host *host;
    lp_component *engine;
    char *path;
    loop_component_kind kind;
    struct {
        loop_item *at;
        size_t n, cap;
    } items;
    lp_arena arena;
    bool items_made;
};

/* Where an import's calls go. */
struct lp_slot {
    const lp_import *import;
    struct lp_provider *provider;           /* NULL: a stub */
    const loop_provider_interface *table;   /* of the provider */
    const loop_provider_function *function; /* NULL for resources and stubs */
    const loop_provider_resource *resource;
    loop_instance *instance;
    char *stub_reason; /* stubs: what `unavailable` says */
    uint32_t type;     /* resources: the engine's number */
};

/* A resource that a component holds. */
struct lp_held {
    const loop_provider_resource *resource;
    struct lp_provider *provider;
    void *object; /* NULL: free; `next_free` links */
    uint32_t next_free;
    uint32_t type;
};

struct loop_instance {
    loop_host *host;
    loop_component *component;
    loop_instance *next;
    uint64_t number;
    lp_arena arena; /* copies of the options */
    loop_instance_options options;
    lp_guest *guest;
    struct {
        struct lp_slot **at;
        size_t n, cap;
    } slots;
    struct {
        loop_capability *at;
        size_t n, cap;
    } capabilities;
    struct {
        struct lp_held *at;
        size_t n, cap;
    } held;
    uint32_t free_held; /* UINT32_MAX: none */
    bool sees_cancellation;
    struct lp_net_policy *net;
    struct {
        lp_guest_dir *at;
        size_t n, cap;
    } dirs;

    /* The job; written by the main thread before the actor starts, by the actor until `done`. */
    const char *call_text; /* NULL: run it */
    loop_error *error;
    loop_result result;
    lp_os_thread *thread;

    /* Shared. */
    _Atomic int cancelled; /* loop_cancel_reason */
    _Atomic uint64_t force_at_ns;
    _Atomic bool asked_to_stop; /* loop_instance_kill, or the grace period is 0 */
    _Atomic bool done;          /* the actor has nothing more to do */
    /* The main thread's. */
    enum { LP_NEW, LP_RUNNING, LP_ENDED, LP_STUCK } state;
    bool timed_out, stopping;
    uint64_t warn_at_ns, deadline_ns, stuck_at_ns; /* UINT64_MAX: never */
    uv_timer_t *timer;
    loop_instance_done *on_done;
    void *on_done_data;
};

/* ---- host.c ---- */
void lp_host_trace(loop_host *h, const loop_trace *t);
/* The provider for an interface as imported ("loop:core/logging@0.1.0"), or NULL; *why is malloced.
 */
struct lp_provider *lp_host_find(loop_host *h, const char *interface_name,
                                 const loop_provider_interface **ret_table,
                                 const char **ret_version, char **ret_why);
const loop_provider_function *lp_find_function(const loop_provider_interface *t, const char *name);
const loop_provider_resource *lp_find_resource(const loop_provider_interface *t, const char *name);
loop_error *lp_provider_open(struct lp_provider *p) LOOP_MUST_USE;
/* Whether the engine serves an interface (the WASI group), and that function. */
bool lp_wasi_interface(const char *interface_name);
bool lp_wasi_function(const char *interface_name, const char *function);
bool lp_is_http_interface(const char *interface_name);
/* "name@version" without its version, in `buf`; the version or "". */
const char *lp_split_version(const char *full, char *buf, size_t size);
/* Whether what is offered serves what is asked for (semver tracks; pre-releases exactly). */
bool lp_version_serves(const char *offered, const char *wanted);
/* The nearest name to `name` among what hosts and providers know; NULL when nothing is near. */
const char *lp_nearest_interface(loop_host *h, const char *interface_name);

/* ---- link.c ---- */
loop_error *lp_link(loop_instance *i) LOOP_MUST_USE;
void lp_unlink(loop_instance *i);
/* An interface of loop that this host does not serve, but lets components start with. */
bool lp_is_stubbed(const char *interface_name);
/*
 * Why a provider does not serve a function that a component declares with this
 * type (its structural form), or NULL where it does; malloced.
 */
char *lp_why_not(const struct lp_provider *p, const loop_provider_interface *t,
                 const char *interface_name, const char *name, const char *structure);
/* A function of a provider's interface that the engine serves in its place. */
bool lp_is_subscribe(const char *interface_name, const char *function);

/* ---- call.c ---- */
loop_error *lp_slot_call(void *slot, lp_arena *arena, const loop_value *args, size_t nargs,
                         loop_value *ret);
loop_error *lp_stub_call(void *slot, lp_arena *arena, const loop_value *args, size_t nargs,
                         loop_value *ret);
void lp_slot_drop(void *slot, uint32_t handle);
uint32_t lp_held_type(void *instance, uint32_t handle);
/* Drops what the guest still held: deleting a store runs no destructors. */
void lp_held_sweep(loop_instance *i);

/* ---- instance.c ---- */
void lp_actor(void *instance);

/* ---- supervise.c ---- */
/* Looks at a running instance; true when it ended, and its callback was called. */
bool lp_supervise(loop_instance *i);
/* Stops a running instance and waits for its end. */
void lp_end_running(loop_instance *i);

/* ---- app.c ---- */
loop_error *lp_app_run(loop_instance *i, int *ret_status) LOOP_MUST_USE;

/* ---- wasi.c ---- */
void lp_wasi_options(loop_instance *i, lp_guest_options *o);
void lp_wasi_done(loop_instance *i);

#endif
