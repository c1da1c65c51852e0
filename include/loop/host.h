/*
 * loop/host.h: running components.
 *
 * A host owns an engine, providers and instances. A component is loaded and
 * compiled once and may be instantiated many times. An instance is an actor: one
 * store, one thread, one call at a time; a trap, a deadline or a limit ends that
 * instance and nothing else.
 *
 * Threads: a host and what it made belong to the thread that made it (the main
 * thread), which turns its loop with loop_host_turn; callbacks marked "main"
 * come from there. loop_instance_cancel, loop_instance_kill and (loop/swap.h)
 * loop_instance_post may be called from any thread while the instance lives.
 *
 *     loop_host *host;              loop_host_new(&(loop_host_options){0}, &host)
 *     loop_component *component;    loop_component_open(host, "hello.wasm", &component)
 *     loop_instance *instance;      loop_instance_new(host, component, &options, &instance)
 *     loop_result result;           loop_instance_run(instance, &result)
 */
#ifndef LOOP_HOST_H
#define LOOP_HOST_H

#include "loop/limits.h"
#include "loop/policy.h"
#include "loop/provider.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct loop_host loop_host;
typedef struct loop_component loop_component;
typedef struct loop_instance loop_instance;

/* One finished call of a component into a provider. */
typedef struct loop_trace {
    const char *component;
    const char *interface_name; /* with its version */
    const char *function;
    const char *provider;
    uint64_t duration_ns;
    const char *outcome; /* "ok", "error" (a result's error), "failed" (ended the instance) */
} loop_trace;

/* One decision of the decision function, for whoever writes them down. */
typedef struct loop_decided {
    const char *component;
    uint64_t instance;           /* its number in the host */
    const loop_request *request; /* NULL: the instance has ended */
    const loop_decision *decision;
} loop_decided;

typedef struct loop_host_options {
    /* Where log entries go (any thread); NULL: stderr, in the format below. */
    void (*log)(void *data, const loop_log_entry *entry);
    loop_log_level log_level; /* entries below it are dropped */
    bool log_json;            /* one JSON object a line instead of text */
    const char *cache_dir;    /* NULL: LOOP_CACHE_DIR, XDG_CACHE_HOME/loop or ~/.cache/loop */
    bool no_cache;
    bool production; /* providers that are for development only are refused */
    /* Where relative paths in options of providers start; NULL: the current directory. */
    const char *directory;
    bool confine;   /* such paths may not lead out of it, links followed */
    uint64_t stack; /* of components whose limits say nothing else; 0: 1 MiB */
    /* The workspace's loop.yaml, for providers that read it; NULL: none. */
    const char *workspace;
    /* Before work that takes long: "compiling 'x.wasm' (12.5 MB)" (main). */
    void (*progress)(void *data, const char *what);
    /* After each call into a provider (the instance's thread); NULL: no tracing. */
    void (*trace)(void *data, const loop_trace *t);
    /* After each decision, any thread; a call is not made before. NULL: nobody is told. */
    void (*decided)(void *data, const loop_decided *d);
    void *data; /* for the four above */
} loop_host_options;

/*
 * A host with its engine, WASI and the providers that come with loop; nothing runs yet. The calling
 * thread becomes its main thread. LOOP_SYSTEM, LOOP_USAGE, LOOP_IO (its cache).
 */
LOOP_API loop_error *loop_host_new(const loop_host_options *options, loop_host **ret) LOOP_MUST_USE;
/*
 * Stops every instance that is left; their `done` is called. Components are deleted before. An
 * instance that did not stop in time keeps its thread, and the host's memory with it.
 */
LOOP_API void loop_host_delete(loop_host *host);
/*
 * The part of it that others see, for a program that exits now: instances are deleted and
 * providers closed, memory is left to the system. Nothing but _delete may follow.
 */
LOOP_API void loop_host_close(loop_host *host);

/*
 * Adds a provider. Tables are not copied. The last one added for an interface
 * serves it, unless loop_host_bind says otherwise.
 */
LOOP_API loop_error *loop_host_provider_add(loop_host *host,
                                            const loop_provider *provider) LOOP_MUST_USE;
/*
 * Loads a shared library and adds the provider that it exports (LOOP_PROVIDER_EXPORT in
 * loop/provider.h): *ret_provider is its name, which lives as long as the host. It serves nothing
 * until it is bound. The same library again is the same provider, also where another file lies
 * there by now: a swap (loop/swap.h) loads that, beside the old one.
 *
 * Native code runs as you, with all that you may do: name none that you do not trust. The file is
 * looked at before it is loaded, so that nothing runs of what is no library for this machine, was
 * cut short, exports no provider, or has one for another ABI. What its constructors do, nobody
 * can undo. The host closes it after the provider. A new version is put there by `mv`, and never
 * written into the old file, which running code comes from.
 *
 * LOOP_NOT_FOUND; LOOP_DENIED (others can change the file or a folder above it); LOOP_INVALID
 * (why, and what a person can do).
 */
LOOP_API loop_error *loop_host_library_add(loop_host *host, const char *path,
                                           const char **ret_provider) LOOP_MUST_USE;
/* What loop_host_library_add would say of the file before it loads it; nothing is loaded. */
LOOP_API loop_error *loop_library_look(const char *path) LOOP_MUST_USE;

/* A provider in a process of its own; sidecar/PROTOCOL.md is what it speaks. */
typedef struct loop_sidecar_options {
    const char *const
        *command;          /* a program (in PATH, or with a '/') and its arguments; NULL ends */
    const char *directory; /* to start in; NULL: the current one */
} loop_sidecar_options;
/*
 * Runs a command and adds the provider that it says it is: *ret_provider is its name, which lives
 * as long as the host. It serves nothing until it is bound, and ends with the host, whatever ends
 * that, and all that it started with it. The same command in the same directory is the same
 * provider. Waits until the program has said what it is: 10 seconds at most.
 *
 * Native code runs as you, with all that you may do: name none that you do not trust. Linux only
 * for now (LOOP_UNAVAILABLE).
 *
 * LOOP_NOT_FOUND (no such program or directory); LOOP_UNAVAILABLE, LOOP_TIMEOUT (it ended, does not
 * speak the protocol, or waits).
 */
LOOP_API loop_error *loop_host_sidecar_add(loop_host *host, const loop_sidecar_options *options,
                                           const char **ret_provider) LOOP_MUST_USE;
struct loop_instance_options; /* below */
/*
 * Adds a component as a provider (tier `component`) of the interfaces that it exports:
 * *ret_provider is its name, which lives as long as the host. It serves nothing until it is bound,
 * and is compiled and started once somebody that imports it is made, on a thread of its own. The
 * same file with the same options->name is the same provider. knowledge/components.md says what
 * is particular about it; its options where it is bound: call-timeout, restarts.
 *
 * `options`: as for any instance, copied (NULL: none); the policy may be deleted after. It gets
 * what these grant, whoever calls it. What may not be served: functions that take or give
 * resources of others. LOOP_NOT_FOUND, LOOP_INVALID (no component, or it exports nothing to serve).
 */
LOOP_API loop_error *loop_host_component_add(loop_host *host, const char *path,
                                             const struct loop_instance_options *options,
                                             const char **ret_provider) LOOP_MUST_USE;
/*
 * Where the component of a package is, for components that load components (any thread): a file
 * whose bytes were just compared with the digest; *ret_path is malloced. Until it is set there are
 * no packages.
 */
typedef loop_error *loop_package_finder(void *data, const loop_child_wish *wish, char **ret_path);
LOOP_API void loop_host_packages(loop_host *host, loop_package_finder *find, void *data);
/* Which provider serves an interface ("loop:core/logging"). LOOP_NOT_FOUND. */
LOOP_API loop_error *loop_host_bind(loop_host *host, const char *interface_name,
                                    const char *provider) LOOP_MUST_USE;

/* One provider of a chain, and what it is told. */
typedef struct loop_link {
    const char *provider;
    const char *const *options; /* name and value by turns, NULL-terminated; NULL: none */
} loop_link;
/*
 * The same for a chain: the first is asked, each may ask the next (loop/provider.h). At
 * most 8 links, each once, and any two providers in the same order in every chain
 * (LOOP_USAGE). `component`: for instances of that name alone, whatever else is bound,
 * and for what they load (NAME/CHILD, loop:pkg/loader); NULL: for all. Before the first
 * instance. LOOP_NOT_FOUND (a provider, an option), LOOP_INVALID (an option's value),
 * LOOP_DENIED (for development only).
 */
LOOP_API loop_error *loop_host_bind_chain(loop_host *host, const char *component,
                                          const char *interface_name, const loop_link *links,
                                          size_t count) LOOP_MUST_USE;
/*
 * The providers there are; NULL past the end. The table of a library or a sidecar lives until a
 * swap has replaced it (loop/swap.h), that of any other as long as the host.
 */
LOOP_API const loop_provider *loop_host_provider_at(const loop_host *host, size_t i);

/* Writes one entry of the host's own to its log. */
LOOP_API void loop_host_log(loop_host *host, loop_log_level level, const char *fmt, ...)
    LOOP_PRINTF(3, 4);

/*
 * Turns the loop: waits up to `timeout_ms` (-1: until something happens) and
 * runs what is due. False when nothing is left that could happen. Not from a callback.
 */
LOOP_API bool loop_host_turn(loop_host *host, int timeout_ms);

/* Calls `f` (main) at each signal `signum`; NULL stops watching (the system's default then holds).
 */
LOOP_API loop_error *loop_host_on_signal(loop_host *host, int signum,
                                         void (*f)(void *data, int signum),
                                         void *data) LOOP_MUST_USE;

/* ---- components ---- */

/* What a component is for, from what it exports. */
typedef enum loop_component_kind {
    LOOP_COMPONENT_COMMAND, /* wasi:cli/run */
    LOOP_COMPONENT_APP,     /* loop:core/app */
    LOOP_COMPONENT_HTTP,    /* wasi:http/incoming-handler: an HTTP server */
    LOOP_COMPONENT_LIBRARY, /* anything else: its exports can be called with --invoke */
} loop_component_kind;

typedef enum loop_item_kind {
    LOOP_ITEM_FUNCTION,
    LOOP_ITEM_INTERFACE,
    LOOP_ITEM_RESOURCE
} loop_item_kind;

/* What a function of an import takes, of each provider that a call of it reaches. */
typedef struct loop_item_need {
    loop_need need;
    const char *name; /* OWN: "camera.record", what grants it; else "" */
    const char *help;
} loop_item_need;

/* A row of what a component imports or exports. */
typedef struct loop_item {
    bool is_export;
    loop_item_kind kind;
    const char *interface_name; /* with its version; "" for a function of the world */
    const char *function;       /* "" for an interface */
    const char *signature;      /* "func(level: level, ...)"; "" for an interface */
    /* Imports only: who would serve it. */
    bool served;
    bool stubbed; /* nobody serves it, and a component starts all the same: calls answer
                     `unavailable` */
    loop_tier tier;
    const char *provider;        /* "" when nobody */
    const char *reason;          /* why nobody, and the nearest there is; "" when served */
    const loop_item_need *needs; /* of a function that is served by a provider */
    size_t need_count;
} loop_item;

/*
 * Reads, checks and compiles a component (or takes it from the cache).
 * LOOP_NOT_FOUND, LOOP_INVALID (not a component: the hint says what it is and
 * how to make it one), LOOP_LIMIT, LOOP_IO.
 */
LOOP_API loop_error *loop_component_open(loop_host *host, const char *path,
                                         loop_component **ret) LOOP_MUST_USE;
/*
 * Reads and describes without compiling: for inspection. It cannot be instantiated. `name`:
 * whose bindings hold for its imports; NULL: those for every component.
 */
LOOP_API loop_error *loop_component_describe(loop_host *host, const char *path, const char *name,
                                             loop_component **ret) LOOP_MUST_USE;
/* Its instances may live on. NULL is fine. */
LOOP_API void loop_component_delete(loop_component *c);
LOOP_API const char *loop_component_path(const loop_component *c);
LOOP_API loop_component_kind loop_component_kind_of(const loop_component *c);
/* The rows, imports first; NULL past the end. They live as long as the component. */
LOOP_API const loop_item *loop_component_item_at(loop_component *c, size_t i);

/* ---- instances ---- */

/* What becomes of an instance that failed by itself: it trapped, or reached a limit. */
typedef enum loop_on_trap {
    LOOP_ON_TRAP_DEFAULT, /* stop; a component that serves others (in a slot): restart */
    LOOP_ON_TRAP_STOP,    /* that was its end */
    /*
     * It begins anew: after 100 ms (in a slot twice at once), then twice as long each time, up to
     * 30 s; as at first once it ran well for a minute.
     */
    LOOP_ON_TRAP_RESTART,
    /* The same; after three failures within a minute it is kept as it is until `loop reload`. */
    LOOP_ON_TRAP_QUARANTINE,
} loop_on_trap;

typedef struct loop_instance_options {
    const char *name;     /* in logs and traces; NULL: the file's name */
    const char *identity; /* loop_call_identity; NULL: the name */
    /* Whose storage a share of its policy is a part of: a workspace, a publisher; NULL: it has
     * none. */
    const char *owner;
    const char *const *args;     /* NULL-terminated, the program's name first; NULL: the name */
    const loop_policy *policy;   /* lives as long as the instance; NULL: the baseline alone */
    const char *const *optional; /* NULL-terminated: imports that may be missing */
    const loop_limits *limits;   /* copied; NULL: those of the class `untrusted` */
    uint64_t memory_limit;       /* limits' memory once more; 0: as there */
    uint64_t timeout_ms;         /* from start to end; 0: none */
    uint64_t call_timeout_ms;    /* limits' call once more; 0: as there */
    uint64_t grace_ms;           /* between asking to end and forcing it; 0: at once */
    loop_on_trap on_trap;
    /* `config:` rows, key and value by turns; NULL-terminated. */
    const char *const *config;
} loop_instance_options;

/* How a run ended. */
typedef struct loop_result {
    int status;   /* the component's exit status; the error's code where there is an error */
    char *output; /* loop_instance_invoke: the results in WAVE; for loop_free */
} loop_result;

/*
 * Links and checks imports; nothing of the guest runs yet. LOOP_MISSING (the causes name every
 * import), LOOP_USAGE (a component that was only described), LOOP_IO (a granted directory is gone).
 */
LOOP_API loop_error *loop_instance_new(loop_host *host, loop_component *component,
                                       const loop_instance_options *options,
                                       loop_instance **ret) LOOP_MUST_USE;

/*
 * An instance has ended (main): `error` is the receiver's, NULL when the
 * component ended by itself; so is result->output. Deleting the instance here is
 * fine.
 */
typedef void loop_instance_done(void *data, loop_instance *instance, loop_error *error,
                                const loop_result *result);

/*
 * Starts an instance on a thread of its own and returns; `done` is called from a
 * turn of the host's loop. With `call` it calls one export: "iface.func(args)" or
 * "func(args)", arguments in WAVE; without (NULL) it runs a command or an
 * application. An instance runs once; many instances may run at a time.
 * LOOP_USAGE, LOOP_INVALID (nothing to run in it), LOOP_SYSTEM. `done` gets
 * LOOP_TRAP, LOOP_TIMEOUT, LOOP_CANCELLED, LOOP_LIMIT, or what a provider said.
 */
LOOP_API loop_error *loop_instance_start(loop_instance *instance, const char *call,
                                         loop_instance_done *done, void *data) LOOP_MUST_USE;

/* Starts it and turns the host's loop until it has ended. Not from a callback: LOOP_USAGE. */
LOOP_API loop_error *loop_instance_run(loop_instance *instance, loop_result *ret) LOOP_MUST_USE;
/* The same for one call. */
LOOP_API loop_error *loop_instance_invoke(loop_instance *instance, const char *call,
                                          loop_result *ret) LOOP_MUST_USE;

/* ---- calling exports from C ---- */

/*
 * Makes the calling thread the instance's: it is instantiated here, and from then on
 * its exports are called on this thread, by the functions that `loop bindgen c-host`
 * writes (X_bind, X_call_f). It may be another than the main thread, to which _new and
 * _delete stay (not during a call). An instance is either entered or run.
 *
 * A call ends by itself, after options.call_timeout_ms (timeout_ms and grace_ms are
 * for instances that run), or by loop_instance_kill from another thread. An error
 * other than LOOP_USAGE and LOOP_UNAVAILABLE ends the instance: nothing but _delete is
 * left. From inside a provider's function another instance may be called where it or
 * the one that called the provider imports nothing that waits (no WASI).
 *
 *     loop_instance_enter(instance);
 *     demo_calc_ops_exports ops;    demo_calc_ops_bind(instance, &ops);
 *     uint32_t sum;                 demo_calc_ops_call_add(&ops, 40, 2, &sum);
 */
LOOP_API loop_error *loop_instance_enter(loop_instance *instance) LOOP_MUST_USE;

/* One function that the component exports; lives as long as the instance. */
typedef struct loop_export loop_export;
/*
 * `version` "" takes any; `type` is the structural form that it must have.
 * LOOP_NOT_FOUND, LOOP_INVALID (another type), LOOP_USAGE (not entered).
 */
LOOP_API loop_error *loop_instance_export(loop_instance *instance, const char *interface_name,
                                          const char *version, const char *function,
                                          const char *type, const loop_export **ret) LOOP_MUST_USE;
/*
 * `args` and `ret` as loop/abi.h lays out the tuple of parameters and the result; either
 * may be NULL where there is none. What *ret points to lives until the next call into the
 * instance has returned. Objects passed as `own` belong to the component, when the call
 * fails, too.
 *
 * LOOP_USAGE (a handle that is none here) and LOOP_UNAVAILABLE (the instance has ended, or
 * is inside a call) come before the call: nothing was passed, and the instance is as it
 * was. LOOP_INVALID: an argument is none of its type (not UTF-8, no such case), which ends
 * the instance; so do LOOP_TRAP, LOOP_TIMEOUT, LOOP_CANCELLED, LOOP_LIMIT, and what a
 * provider said that was called meanwhile.
 */
LOOP_API loop_error *loop_export_call(const loop_export *f, const void *args,
                                      void *ret) LOOP_MUST_USE;
/*
 * Drops a resource that the component implements; its destructor runs. 0 is fine, and
 * any where the instance has ended. LOOP_USAGE: no such handle; LOOP_UNAVAILABLE: inside a
 * call; others end the instance.
 */
LOOP_API loop_error *loop_handle_drop(loop_instance *instance, loop_handle handle) LOOP_MUST_USE;

/* ---- calling providers from C ---- */

/*
 * C that calls what the host serves, as a component of that name would, without grants: the same
 * bindings and swaps hold. It belongs to one thread at a time, and ends before the host.
 * `cancelled` (NULL: never) is asked on that thread while a provider that can wait is called; it
 * may ask the host nothing.
 *
 *     const loop_peer *api;
 *     loop_call *call = loop_caller_begin(caller);
 *     loop_call_peer(call, &acme_weather_api_interface, &api)
 *     loop_peer_call(api, call, 0, &args, &ret)
 */
typedef struct loop_caller loop_caller;
LOOP_API loop_error *loop_caller_new(loop_host *host, const char *name,
                                     bool (*cancelled)(void *data), void *data,
                                     loop_caller **ret) LOOP_MUST_USE;
/* Objects that it was answered were dropped (loop_peer_drop). NULL is fine. */
LOOP_API void loop_caller_delete(loop_caller *c);
/* Begins the next call; what the one before was answered is gone. */
LOOP_API loop_call *loop_caller_begin(loop_caller *c);

/*
 * Asks the component to end: its cancellation token is set, and after the grace
 * period it is stopped by force. A component that cannot ask for its token is
 * stopped at once. Any thread.
 */
LOOP_API void loop_instance_cancel(loop_instance *instance, loop_cancel_reason reason);
/* Stops it now. Any thread. */
LOOP_API void loop_instance_kill(loop_instance *instance);
/* One that runs is stopped first, and its `done` called. NULL is fine. */
LOOP_API void loop_instance_delete(loop_instance *instance);

/* loop's version, "0.1.0", and the engine's, "wasmtime 48.0.8". */
LOOP_API const char *loop_version(void);
LOOP_API const char *loop_engine_version(void);

#ifdef __cplusplus
}
#endif
#endif
