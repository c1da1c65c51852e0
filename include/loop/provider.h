/*
 * loop/provider.h: native code behind an interface that components import.
 *
 * A provider is one constant table: which interfaces it implements, and how it is
 * opened and closed. An interface is two things: its description, which
 * `loop bindgen c-host` writes from WIT, and a table of C functions, which you
 * fill. The host opens one object for each set of options it is bound with and shares
 * it among instances; every call says who calls. The same source can be linked in, loaded as a
 * shared library (LOOP_PROVIDER_EXPORT, below) or run as a process of its own (sdk/c/sidecar).
 *
 *     static loop_error *roll(void *self, loop_call *call, uint32_t sides, uint32_t *ret)
 *     {
 *         *ret = 1 + (uint32_t)rand() % sides;
 *         return NULL;
 *     }
 *
 *     static const acme_dice_roller_functions functions = {.roll = roll};
 *
 *     const loop_provider dice = {
 *         .abi = LOOP_PROVIDER_ABI,
 *         .name = "dice",
 *         .summary = "dice from the C library",
 *         .interfaces = (const loop_provider_interface[]){
 *             {&acme_dice_roller_interface, &functions}, {NULL, NULL}},
 *         .threads = LOOP_THREADS_SERIAL,
 *     };
 *
 * Lifetime. `detect` may be called at any time. `open` is called once an object, before the
 * first call; `close` once, after the last call and the last drop. Tables are not copied:
 * they are constants.
 *
 * Options. A row of `options` is a name that loop.yaml may set where it binds the provider:
 * `bind: { acme:dice/roller: { use: dice, seed: 42 } }`. The host checks the text against the
 * row; the provider asks for it by services->option or option_number. A provider that is
 * bound with other options is another object. A "string" has 1 to 4,096 bytes.
 *
 * Threads. `threads` says what the provider bears. ANY: its functions may run on
 * several threads at once. SERIAL: the host runs one at a time, drops included; what
 * it calls may not come back to it (LOOP_UNAVAILABLE). A
 * function may take its time, but nobody can end it: what waits looks at
 * loop_call_cancelled.
 *
 * Arguments live until the function returns (loop/abi.h has the layout). Strings and
 * lists of plain values are views of the component's memory: valid, checked, not
 * yours to keep. They are always of the type that the interface declares: the host
 * refuses a component that declares another before it runs.
 *
 * Results. *ret is zeroed before. What it points to is a constant, memory from
 * loop_call_alloc, an argument, or memory of yours that nobody changes until the
 * component has its answer, which is after the function returned (SERIAL does not help:
 * another instance's call may come first). The host copies it and checks it against the type: a tag
 * out of range or text that is not UTF-8 ends the component, not the host.
 *
 * Resources. A handle is a pointer to an object of yours. Returned as `own`, it
 * belongs to the component until `drop` is called with it: when the component drops
 * it (on its thread), or ends (on any). Passed as `own`, it is yours again and drop
 * is not called. Passed as `borrow`, it lives at least until the function returns.
 * The same object may be returned more than once; each gets its own drop.
 *
 * Errors. Return one only where the component must end (a broken contract). What a
 * component should handle is a value: `result<_, error>`. *ret is ignored then;
 * objects that were passed as `own` stay yours.
 *
 * Chains. Several providers may serve one interface, one before the other. The
 * generated acme_dice_roller_next_roll(call, ...) asks the one behind, with *ret zeroed;
 * a function that is NULL in the table passes on as it is. Objects go to whoever has the
 * function: one that makes objects of its own implements every function that takes
 * them, and drop; one that leaves their making to the next passes them on unread, and
 * leaves drop NULL.
 *
 * Interceptors. A provider without interfaces and with `call` can stand before any other,
 * whatever the interface: every call comes to `call`, which asks the next with
 * loop_call_next(call, interface, row, args, ret). What it points to has the layout of
 * loop/abi.h; the row's `type` says how to read it. Objects pass through it unread.
 *
 * Peers. A provider may be an adapter: it serves one interface by calls of another, which
 * the host's providers serve (loop_call_peer). Objects that a peer answers as `own` are its
 * to keep and to drop with loop_peer_drop, before its own `close`: providers are closed in
 * any order, after the last drop. An adapter bears calls on several threads (ANY).
 *
 * Needs. What a component must have been granted before it may call a function: one row each in
 * `needs`. Where the grant has an argument that only the provider knows (a package's name, a
 * program), the row says of which kind it is, and the provider asks by loop_call_allows. For
 * anything else it has words of its own (LOOP_NEED_OWN): `camera.record` is granted by
 * `needs: [camera.record]` or `--need camera.record`, and the host asks, when the component is
 * linked; a call that is denied never comes, and answers `denied` where its result's error has such
 * a case. A provider with `needs` has a row for every function that it implements.
 *
 * Swap. A provider may be taken out, and another put in its place, while components use it
 * (loop/swap.h, knowledge/swap.md). One that holds something for its components has a table
 * `swap`: how it becomes quiet, how what it holds is written down in the interface's own
 * format, and how it takes over what another one wrote. Without one it is swapped all the
 * same, and its objects stay with it until components let go of them.
 */
#ifndef LOOP_PROVIDER_H
#define LOOP_PROVIDER_H

#include "loop/abi.h"
#include "loop/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Checked first, before anything else in the table is read; LOOP_ABI of each interface next. */
#define LOOP_PROVIDER_ABI 5u

typedef struct loop_provider_interface {
    const loop_interface *interface; /* generated */
    const void *functions; /* the table that belongs to it, filled; NULL: calls go to `call` */
} loop_provider_interface;

/* One thing that a provider may be told where it is bound. */
typedef struct loop_provider_option {
    const char *name;     /* "file" */
    const char *type;     /* "string", "enum", "size", "duration", "number", "bool", "path" */
    const char *values;   /* enum: "full|relaxed"; else NULL */
    const char *fallback; /* as text; NULL: none */
    const char *help;     /* one line */
} loop_provider_option;

/* What a component must have been granted to call a function. */
typedef enum loop_need {
    LOOP_NEED_NOTHING, /* anybody may; `help` says why that is so */
    LOOP_NEED_OBJECT,  /* an object, which was asked about when it was made */
    /* The provider asks, each time and before anything else (loop_call_allows, _storage): */
    LOOP_NEED_STORAGE,
    LOOP_NEED_PACKAGE,
    LOOP_NEED_PROCESS,
    LOOP_NEED_LOG, /* entries of the log, as many as its limit allows */
    LOOP_NEED_OWN, /* the host asks for "PROVIDER.NAME" */
} loop_need;

typedef struct loop_provider_need {
    const char *interface_name; /* without a version, "acme:camera/control" */
    const char *function;       /* as in the interface; "*": every one that has no row of its own */
    loop_need need;
    const char *name; /* OWN: letters, digits, '-' and '_'; else NULL */
    const char
        *help; /* one line for people: what it lets a component do, or why nothing is needed */
} loop_provider_need;

typedef enum loop_threads { LOOP_THREADS_ANY, LOOP_THREADS_SERIAL } loop_threads;

typedef enum loop_log_level {
    LOOP_LOG_TRACE,
    LOOP_LOG_DEBUG,
    LOOP_LOG_INFO,
    LOOP_LOG_WARN,
    LOOP_LOG_ERROR,
} loop_log_level;

typedef enum loop_log_kind {
    LOOP_LOG_TEXT,
    LOOP_LOG_INTEGER,
    LOOP_LOG_FLOAT,
    LOOP_LOG_BOOLEAN,
} loop_log_kind;

typedef struct loop_log_field {
    const char *name;
    loop_log_kind kind;
    union {
        loop_string text;
        int64_t integer;
        double number;
        bool boolean;
    } of;
} loop_log_field;

typedef struct loop_log_entry {
    loop_log_level level;
    uint64_t wall_ms;      /* since 1970; 0: now */
    const char *component; /* who speaks; NULL: the host */
    const char *target;    /* which part of it; NULL or "" for none */
    const char *message;
    const loop_log_field *fields;
    size_t field_count;
} loop_log_entry;

/* What the host hands to a provider; lives as long as the provider is open. */
typedef struct loop_services {
    uint32_t abi;
    void *host;
    const struct loop_provider *table; /* of which this is an object: for tables made at run time */
    /* Any thread. */
    void (*log)(void *host, const loop_log_entry *entry);
    bool (*log_enabled)(void *host, loop_log_level level);
    /*
     * The value of an option of the table, or its fallback; NULL where there is neither. Lives
     * as long as the provider is open. A path is absolute.
     */
    const char *(*option)(void *host, const char *name);
    /*
     * The same as a number: bytes of a size, milliseconds of a duration, 0 or 1 of a bool, the
     * place of an enum's value. 0 where there is neither value nor fallback.
     */
    uint64_t (*option_number)(void *host, const char *name);
    /*
     * "workspace": the loop.yaml that the host runs; "cache": the folder of its cache; "guard", in
     * `open` only: the file of loop-guard. NULL: none, or it is not for this provider to know (a
     * sidecar). Lives as long as the provider is open.
     */
    const char *(*place)(void *host, const char *which);
} loop_services;

/* ---- swap ---- */

/*
 * Bytes from one provider to the other, during one call of `save` or `restore` and on its
 * thread. Writing waits for whoever reads, and the other way round; an error says that there
 * is nobody any more, or that the time is up (LOOP_TIMEOUT): return it.
 */
typedef struct loop_stream loop_stream;
LOOP_API loop_error *loop_stream_write(loop_stream *to, const void *bytes, size_t n) LOOP_MUST_USE;
/* At most `max` bytes; *ret_n is 0 at the end only. */
LOOP_API loop_error *loop_stream_read(loop_stream *from, void *ret, size_t max,
                                      size_t *ret_n) LOOP_MUST_USE;

/* What a save or a restore is about. */
typedef enum loop_pass {
    LOOP_PASS_WHOLE, /* everything; quiet */
    LOOP_PASS_COPY,  /* everything, while calls go on; what they change is noted for REST */
    LOOP_PASS_REST,  /* what has changed since COPY began; quiet */
} loop_pass;

/*
 * How a provider is taken out and put in. Each may be NULL. None runs beside another one of the
 * same object, but `save` with LOOP_PASS_COPY and `health` run beside calls. Any thread, and each
 * has a deadline, after which the swap goes on without it: a provider that hangs here is left
 * behind, never closed.
 *
 *     the old one                          the new one
 *                                          open, health
 *     save COPY ───── bytes ─────────────▶ restore COPY        where both have `copies`
 *     quiesce                                                  no call is under way
 *     save REST (or WHOLE) ── bytes ─────▶ restore REST (WHOLE)
 *     save_object ─── bytes ─────────────▶ restore_object      each handle
 *                                          health              then calls come
 *     drop, close
 *
 * After a failure: the new one is closed, the old one resumes.
 */
typedef struct loop_provider_swap {
    bool copies; /* save and restore bear COPY and REST */
    /* No call is under way and none will come: makes durable what it holds. */
    loop_error *(*quiesce)(void *self);
    /* Calls come again after all. What was noted since COPY is no longer needed. */
    void (*resume)(void *self);
    /*
     * What it holds for `interface`, in the format that the interface's package documents;
     * nothing at all where it holds nothing.
     */
    loop_error *(*save)(void *self, const loop_interface *interface, loop_pass pass,
                        loop_stream *to);
    /*
     * Takes it over, all or nothing: WHOLE and REST make it last, and `close` before that
     * throws away what COPY brought. LOOP_INVALID: it cannot read it. LOOP_DENIED: it holds
     * something already. Not called where nothing was written.
     */
    loop_error *(*restore)(void *self, const loop_interface *interface, loop_pass pass,
                           loop_stream *from);
    /*
     * What an object of resource `resource` is: a few bytes, documented as above (at most
     * 64 KiB). It stays what it is: `drop` follows. LOOP_UNAVAILABLE: it cannot be moved.
     */
    loop_error *(*save_object)(void *self, const loop_interface *interface, size_t resource,
                               void *object, loop_stream *to);
    loop_error *(*restore_object)(void *self, const loop_interface *interface, size_t resource,
                                  loop_stream *from, void **ret_object);
    /* Whether it can take calls. A provider that may fail by itself (a process) has one. */
    loop_error *(*health)(void *self);
} loop_provider_swap;

typedef struct loop_provider {
    uint32_t abi;        /* LOOP_PROVIDER_ABI */
    const char *name;    /* "keyvalue-memory": what `bind:` in loop.yaml says */
    const char *summary; /* one line for people */
    const loop_provider_interface *interfaces; /* ends with a NULL interface */
    loop_threads threads;
    const loop_provider_option *options; /* ends with a NULL name; NULL: none */
    bool dev_only;                       /* for a machine to write on: `prod` refuses it */
    /*
     * NULL: it works everywhere. Else whether it can work here, without side effects: NULL, or
     * why not. The host then does without it; where nothing else serves the interface, that
     * is what a component is told.
     */
    loop_error *(*detect)(const loop_services *services);
    /* Either may be NULL: then `self` is NULL. */
    loop_error *(*open)(const loop_services *services, void **ret_self);
    void (*close)(void *self);
    /* For an interceptor, and for interfaces without a table of functions; else NULL. */
    loop_error *(*call)(void *self, loop_call *call, const loop_interface *interface, size_t row,
                        const void *args, void *ret);
    void (*drop)(void *self, const loop_interface *interface, size_t resource, void *object);
    const loop_provider_swap *swap; /* NULL: nothing to hand over */
    /* Ends with a NULL interface; NULL: nothing is needed. Whatever comes with loop has one. */
    const loop_provider_need *needs;
} loop_provider;

/*
 * A shared library with a provider exports one symbol, `loop_provider_exported`: one line at the
 * end of one of its files does that.
 *
 *     LOOP_PROVIDER_EXPORT(dice);
 *
 * The same file may be linked in as well: the symbol is weak, and nobody looks for it there. A
 * host reads `abi` in the file, before the library is loaded and its constructors run; one for
 * another ABI is not loaded.
 */
typedef struct loop_provider_export {
    uint32_t abi; /* LOOP_PROVIDER_ABI */
    const loop_provider *provider;
} loop_provider_export;
#define LOOP_PROVIDER_SYMBOL "loop_provider_exported"
#if defined(__GNUC__) || defined(__clang__)
#define LOOP_PROVIDER_WEAK __attribute__((weak))
#else
#define LOOP_PROVIDER_WEAK
#endif
#ifdef __cplusplus
#define LOOP_PROVIDER_C extern "C"
#else
#define LOOP_PROVIDER_C extern
#endif
#define LOOP_PROVIDER_EXPORT(table)                                                                \
    LOOP_PROVIDER_C LOOP_API LOOP_PROVIDER_WEAK const loop_provider_export loop_provider_exported; \
    const loop_provider_export loop_provider_exported = {LOOP_PROVIDER_ABI, &(table)}

/* ---- what a function may ask of its call; only until it returns, on its thread ---- */

/*
 * Zeroed memory that lives until the component has its answer. NULL over the host's limit
 * (128 MiB a call): return then, with anything; the host ends the component with LOOP_LIMIT.
 */
LOOP_API void *loop_call_alloc(loop_call *call, size_t size);
/* A copy of `len` bytes of text, and text as printf makes it; empty over the limit. */
LOOP_API loop_string loop_call_string(loop_call *call, const char *text, size_t len);
LOOP_API loop_string loop_call_format(loop_call *call, const char *fmt, ...) LOOP_PRINTF(2, 3);

/*
 * Calls row `row` of `interface` at the next provider of the chain. LOOP_UNAVAILABLE
 * at its end. Generated code calls this: X_next_f(call, ...).
 */
LOOP_API loop_error *loop_call_next(loop_call *call, const loop_interface *interface, size_t row,
                                    const void *args, void *ret) LOOP_MUST_USE;

/* The calling component's name and a number of the instance, unique in the host. */
LOOP_API const char *loop_call_component(const loop_call *call);
LOOP_API uint64_t loop_call_instance(const loop_call *call);

/*
 * Who the caller is to what outlasts it, such as storage: the same from run to run, and no
 * name for people. At most 8,192 bytes.
 */
LOOP_API const char *loop_call_identity(const loop_call *call);

/*
 * Whether the component was granted what it wants now. *ret_why, which lives until the component
 * has its answer, is empty then, else it says what would change it. May be called on any thread
 * while the function runs (*ret_why is then of the thread's own making: NULL leaves it out). HTTP
 * and NET may wait for DNS.
 */
struct loop_request; /* loop/policy.h */
LOOP_API bool loop_call_allows(loop_call *call, const struct loop_request *want,
                               loop_string *ret_why);

/*
 * Bytes of private storage that the component was granted, or may have where its limit is less. 0:
 * none. *ret_why, which lives until the component has its answer, says what would change it; empty
 * where that is a larger grant.
 */
LOOP_API uint64_t loop_call_storage(loop_call *call, loop_string *ret_why);

/*
 * Whether an entry of the component may go to the log now: it has a limit of entries a second
 * (loop/limits.h), and the host tells in the log what was left out. Counts it.
 */
LOOP_API bool loop_call_may_log(loop_call *call);

/*
 * Whether the component was granted a package, by its name ("acme:ui"). *ret_why, which lives until
 * the component has its answer, says what would change it.
 */
LOOP_API bool loop_call_package(loop_call *call, loop_string name, loop_string *ret_why);

/*
 * wasi:io's streams and pollables, which the engine serves: what a function answers as `own` where
 * its WIT says `input-stream`, `output-stream` or `pollable`. Of a pipe; a pollable of anything
 * that can be waited for, ready once there is something to read or an end. The descriptor is
 * taken, also where the answer is NULL (it is below 0, or over the memory of a call). What is not
 * answered is closed. A component reads and writes while it is inside a call: a function that
 * waits for what the component itself is to write waits for ever. The thread that is given an
 * output stream, which is the component's, gets no SIGPIPE from then on.
 */
LOOP_API void *loop_call_input_stream(loop_call *call, int descriptor);
LOOP_API void *loop_call_output_stream(loop_call *call, int descriptor);
LOOP_API void *loop_call_pollable(loop_call *call, int descriptor);

/*
 * A directory as the component sees it ("/data/photos"), inside one that it was granted when it was
 * linked: a descriptor, yours to close. No link leads out, nor one that is put there meanwhile.
 * For providers of loop:process alone. LOOP_DENIED, LOOP_NOT_FOUND, LOOP_INVALID, LOOP_IO.
 */
LOOP_API loop_error *loop_call_directory(loop_call *call, loop_string path, int *ret) LOOP_MUST_USE;

/*
 * Another interface, as it is served to the calling component. Lives as long as the host.
 * LOOP_UNAVAILABLE: nobody serves it, or not with these types.
 */
typedef struct loop_peer loop_peer;
LOOP_API loop_error *loop_call_peer(loop_call *call, const loop_interface *interface,
                                    const loop_peer **ret) LOOP_MUST_USE;
/* Calls row `row` of that interface, for the component of `call`; *ret is zeroed. */
LOOP_API loop_error *loop_peer_call(const loop_peer *peer, loop_call *call, size_t row,
                                    const void *args, void *ret) LOOP_MUST_USE;
/* Drops an object that such a call answered as `own`: of resource `resource` of the interface. */
LOOP_API void loop_peer_drop(const loop_peer *peer, size_t resource, void *object);

/*
 * Components that the calling component loads (loop:pkg/loader). A child has a part of its
 * parent's grants, an instance and a thread of its own, and ends with its parent: a provider that
 * makes one makes it an object of its own, and drops it with that.
 */
typedef struct loop_child loop_child;
typedef struct loop_child_wish {
    /* For who finds it (loop_host_packages); `content`: the digest of the component's bytes. */
    const char *package, *version, *digest, *content, *registry;
    const char *name;          /* the parent's for it, in use once */
    const char *const *grants; /* "http", "storage", as in loop.yaml; NULL-terminated */
} loop_child_wish;
/*
 * Finds, compiles and starts it. With "storage" it has its parent's store, not one of its own.
 * LOOP_DENIED (a grant that the parent does not have), LOOP_LIMIT, LOOP_NOT_FOUND, LOOP_USAGE (the
 * name), LOOP_UNAVAILABLE (this host has no packages), LOOP_MISSING (it imports what nobody
 * serves).
 */
LOOP_API loop_error *loop_call_load(loop_call *call, const loop_child_wish *wish,
                                    loop_child **ret) LOOP_MUST_USE;
/* The interfaces that it exports, with their versions; NULL past the end. */
LOOP_API const char *loop_child_export_at(const loop_child *child, size_t i);
/*
 * Lets it serve an import of its parent's, which `call` is of, from now on: "acme:theme/colors",
 * with or without a version. LOOP_NOT_FOUND (no such import, or it does not export it),
 * LOOP_INVALID (another version or type), LOOP_UNAVAILABLE (it runs by itself, or has ended),
 * LOOP_USAGE (the interface that `call` is of itself).
 */
LOOP_API loop_error *loop_child_serve(loop_child *child, loop_call *call,
                                      const char *imported) LOOP_MUST_USE;
typedef enum loop_child_condition {
    LOOP_CHILD_RUNNING,
    LOOP_CHILD_EXITED, /* *ret_status */
    LOOP_CHILD_FAILED, /* *ret_why, in memory of the call */
} loop_child_condition;
LOOP_API loop_child_condition loop_child_look(loop_child *child, loop_call *call, int *ret_status,
                                              loop_string *ret_why);
/* Ends it; does not wait for that. What it served answers `unavailable`. NULL is fine. */
LOOP_API void loop_child_drop(loop_child *child);

/* Cancellation of the calling instance. */
typedef enum loop_cancel_reason {
    LOOP_CANCEL_NONE = -1,
    LOOP_CANCEL_INTERRUPTED = 0,
    LOOP_CANCEL_DEADLINE = 1,
    LOOP_CANCEL_STOPPED = 2,
} loop_cancel_reason;
LOOP_API loop_cancel_reason loop_call_cancelled(const loop_call *call, uint32_t *ret_remaining_ms);

/* One import of the calling component, as loop:core/capabilities shows it. */
typedef enum loop_tier {
    LOOP_TIER_ENGINE,
    LOOP_TIER_BUILTIN,
    LOOP_TIER_LIBRARY,
    LOOP_TIER_SIDECAR,
    LOOP_TIER_COMPONENT,
    LOOP_TIER_STUB,
} loop_tier;
typedef struct loop_capability {
    const char *name;    /* "loop:ui/surface@0.1.0" */
    const char *version; /* what serves it; "" for a stub */
    bool available;
    loop_tier tier;
    const char *provider; /* "" for a stub */
    const char *reason;   /* why not; NULL when available */
} loop_capability;
LOOP_API bool loop_call_capability(const loop_call *call, size_t i, loop_capability *ret);
/* How often what serves its imports was swapped. */
LOOP_API uint32_t loop_call_changes(const loop_call *call);

/* One row of the component's `config:` in loop.yaml. */
LOOP_API bool loop_call_config(const loop_call *call, size_t i, const char **ret_key,
                               const char **ret_value);

#ifdef __cplusplus
}
#endif
#endif
