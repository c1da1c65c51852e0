/*
 * engine/ext.h: loop's extension to Wasmtime's C API, implemented in src/.
 *
 * Only engine/ includes this. Handles of Wasmtime's C API keep the rules of
 * their own headers. Errors (`wasmtime_error_t **`) are set on failure and
 * owned by the caller; a wasm_byte_vec_t to be filled is zeroed before. Callbacks
 * get texts that are valid during the call.
 */
#ifndef LP_ENGINE_EXT_H
#define LP_ENGINE_EXT_H

#include <wasmtime.h>
#include <wasmtime/component.h>

#include "engine/raw.h"

/* Backtraces with files and lines. */
void lpx_config_details(wasm_config_t *config);

typedef struct lpx_text {
    const char *ptr; /* UTF-8, not terminated */
    size_t len;
} lpx_text;

/* How a call into a guest ended. */
typedef enum lpx_outcome {
    LPX_DONE = 0,
    LPX_FAILED = 1,   /* *err says why: a trap, an exit, a mismatch */
    LPX_STOPPED = 2,  /* lpx_driver_stop; the store must not be entered again */
    LPX_DEADLINE = 3, /* the timeout passed; likewise */
} lpx_outcome;

/*
 * What WASI asks before it acts. Called on the instance's thread, but for `net` and `http_to`,
 * which any thread may call, which may wait for DNS, and whose data is
 * counted (net_ref, net_unref are atomic), since a look-up may outlive the guest.
 */
typedef struct lpx_hooks {
    void *data;
    bool (*http)(void *data, bool https, lpx_text host, uint16_t port);
    bool (*resolve)(void *data, lpx_text name);
    /* An open that Wasmtime refused: code is "not-permitted", "read-only" or "access"; "files": too
       many are open. */
    void (*open_failed)(void *data, lpx_text path, lpx_text code, bool write);
    void *net_data;
    void (*net_ref)(void *net_data);
    void (*net_unref)(void *net_data);
    /* used_for: SocketAddrUse of wasmtime-wasi, in its order (LPX_NET_*). */
    bool (*net)(void *net_data, lpx_text address, uint16_t port, uint32_t used_for);
    /* As `net`: whether an HTTP request to `host` may be sent to this address of it. */
    bool (*http_to)(void *net_data, lpx_text host, lpx_text address, uint16_t port);
} lpx_hooks;

enum {
    LPX_NET_TCP_BIND = 0,
    LPX_NET_TCP_LISTEN = 1,
    LPX_NET_TCP_ACCEPT = 2,
    LPX_NET_TCP_CONNECT = 3,
    LPX_NET_UDP_BIND = 4,
    LPX_NET_UDP_SEND = 5,
    LPX_NET_UDP_RECEIVE = 6,
};

/*
 * A driver runs the calls into one instance. Made on any thread; used by the
 * instance's thread, except lpx_driver_stop and lpx_driver_ask, which any
 * thread may call while it lives. `hooks` outlive it. NULL: no memory or
 * descriptors.
 */
typedef struct lpx_driver lpx_driver;
lpx_driver *lpx_driver_new(const lpx_hooks *hooks);
void lpx_driver_delete(lpx_driver *d);
/* Ends the call in flight, and every later one, at once. */
void lpx_driver_stop(lpx_driver *d);
/* Makes the guest's cancellation pollables ready. */
void lpx_driver_ask(lpx_driver *d);
/* Waits; UINT64_MAX: for ever. LPX_DONE early when cancellation is asked for meanwhile. */
lpx_outcome lpx_driver_sleep(lpx_driver *d, uint64_t ms);

/* timeout_ms: 0 for none. The store is one that lpx_store_drive was called for. */
lpx_outcome lpx_instantiate(lpx_driver *d, const wasmtime_component_linker_t *l,
                            wasmtime_context_t *cx, const wasmtime_component_t *c,
                            uint64_t timeout_ms, wasmtime_component_instance_t *out,
                            wasmtime_error_t **err);
/* A function of type `func() -> result`. */
lpx_outcome lpx_call_run(lpx_driver *d, wasmtime_context_t *cx, const wasmtime_component_func_t *f,
                         uint64_t timeout_ms, bool *ok, wasmtime_error_t **err);
/* `text`: the arguments in WAVE, without the parentheses. *bad_text: they did not parse or fit. */
lpx_outcome lpx_call_wave(lpx_driver *d, wasmtime_context_t *cx, const wasmtime_component_func_t *f,
                          const char *text, size_t len, uint64_t timeout_ms, wasm_byte_vec_t *out,
                          bool *bad_text, wasmtime_error_t **err);

/* How many resource types were defined in the linker: host types 0 to count - 1 are C's. */
void lpx_driver_resources(lpx_driver *d, uint32_t count);

/* ---- calls with raw values ---- */

typedef enum lpx_result {
    LPX_RESULT_NONE = 0,
    LPX_RESULT_FLAT = 1,     /* `call` leaves it in lp_values.result */
    LPX_RESULT_PUT_FLAT = 2, /* one flat value, but `put` makes it: a handle */
    LPX_RESULT_MEMORY = 3,   /* `put` */
} lpx_result;

/*
 * How C serves an import: `call` reads the parameters and does the work; where
 * there is a result to put, `put` follows, unless the guest failed between. Both on
 * the guest's thread. An error ends the guest.
 */
typedef struct lpx_function {
    uint32_t nflat; /* flat parameters; 0 where they lie in memory */
    bool handles;   /* whether there are any among the parameters */
    bool memory;    /* whether reading them takes the guest's memory */
    uint32_t result;
    /* An error of its own goes to `fail`, which makes Wasmtime's of it. */
    struct loop_error *(*call)(void *call_data, lp_values *in);
    void *call_data;
    /* Instead of `call` where `memory` is false: the flat values, and a flat result. */
    struct loop_error *(*flat)(void *flat_data, const lp_flat *in, uint64_t *ret);
    void *flat_data;
    wasmtime_error_t *(*fail)(void *data, struct loop_error *err);
    wasmtime_error_t *(*put)(void *data, lp_target *out);
    void *data;
    void (*delete)(void *data);
} lpx_function;
/* Takes f.data, also when it fails. A type that does not fit `f` is an error at instantiation. */
wasmtime_error_t *lpx_linker_add_function(wasmtime_component_linker_instance_t *l, const char *name,
                                          size_t len, lpx_function f);

/* What Wasmtime has of a function's type. UINT32_MAX flat values: in memory. */
typedef struct lpx_shape {
    uint32_t flat_params, params_size, params_align;
    uint32_t flat_results, results_size, results_align;
    uint32_t result_handles;
} lpx_shape;

typedef struct lpx_export lpx_export;
wasmtime_error_t *lpx_export_new(wasmtime_context_t *cx, const wasmtime_component_func_t *f,
                                 lpx_shape *shape, lpx_export **ret);
void lpx_export_delete(lpx_export *e);

/*
 * `alone`: without a fiber, which is twice as fast; only where nothing that the
 * guest imports may wait. A stop or the deadline then end it at the next tick.
 */
lpx_outcome lpx_export_call(lpx_driver *d, wasmtime_context_t *cx, lpx_export *e, lp_calling *c,
                            bool alone);
/* Drops a resource of the guest's that is held; its destructor runs. */
lpx_outcome lpx_held_drop(lpx_driver *d, wasmtime_context_t *cx, uint32_t handle, bool alone,
                          uint64_t timeout_ms, wasmtime_error_t **err);

/* The guest of `store` looks up at each tick of the epoch. The driver outlives the store. */
void lpx_store_drive(lpx_driver *d, wasmtime_store_t *store);

/*
 * Over all memories (bytes) and tables (elements) of a store together, and how many there may be
 * of what. Outlives the store.
 */
typedef struct lpx_limits {
    uint64_t memory_max, memory_used;
    uint64_t table_max, table_used;
    uint64_t instances, memories; /* of core modules */
    uint64_t handles;             /* in the guest's tables, and of WASI's resources */
    uint64_t files;               /* files, sockets, and lists of a directory's entries */
    uint64_t host_bytes;          /* that a call copies out of the guest, where loop does not */
    bool memory_refused, table_refused;
} lpx_limits;
/* Once, after wasmtime_context_set_wasi. */
void lpx_store_limit(lpx_driver *d, wasmtime_store_t *store, lpx_limits *limits);
/* Instead of wasmtime_store_delete: streams end their tasks in the driver's runtime. */
void lpx_store_delete(lpx_driver *d, wasmtime_store_t *store);

/* Puts the hooks (which outlive the driver) into an instance's configuration. */
void lpx_wasi_hooks(wasi_config_t *config, const lpx_hooks *hooks);
wasmtime_error_t *lpx_linker_add_wasi(wasmtime_component_linker_t *l);
wasmtime_error_t *lpx_linker_add_http(wasmtime_component_linker_t *l);
/* A resource type of wasi:io, for an interface that uses it. */
enum { LPX_IO_POLLABLE = 1, LPX_IO_INPUT = 2, LPX_IO_OUTPUT = 3 };
wasmtime_error_t *lpx_linker_add_io(wasmtime_component_linker_instance_t *l, const char *name,
                                    size_t len, uint32_t kind);
/* A method of a resource of ours that gives a wasi:io pollable, ready after lpx_driver_ask. */
wasmtime_error_t *lpx_linker_add_subscribe(wasmtime_component_linker_instance_t *l,
                                           const char *name, size_t len);

/* A row of what a component imports or exports. */
typedef struct lpx_row {
    bool is_export;
    uint32_t kind; /* 0: function, 1: interface, before its functions, 2: resource type */
    lpx_text interface_name, function, signature;
    lpx_text structure; /* the signature as include/loop/abi.h writes types */
} lpx_row;
wasmtime_error_t *lpx_describe(const uint8_t *wasm, size_t len,
                               void (*f)(void *data, const lpx_row *row), void *data);

/*
 * {"main": PACKAGE, "resolve": ...}: WIT at `path` (a file, a folder, a component) in
 * the JSON form of wit-parser. `deps`: folders of packages for what it uses.
 */
wasmtime_error_t *lpx_wit_json(lpx_text path, const lpx_text *deps, size_t count,
                               wasm_byte_vec_t *out);

typedef struct lpx_frame {
    lpx_text function, file;
    uint32_t line, column; /* 0: not known */
    uint64_t offset;       /* in the core module */
} lpx_frame;
void lpx_error_frames(const wasmtime_error_t *e, void (*f)(void *data, const lpx_frame *frame),
                      void *data);
/* enum wasmtime_trap_code_enum, or -1. */
int lpx_error_trap(const wasmtime_error_t *e);
enum {
    LPX_LIMIT_NONE,
    LPX_LIMIT_INSTANCES,
    LPX_LIMIT_MEMORIES,
    LPX_LIMIT_TABLES, /* their number, which is the engine's */
    LPX_LIMIT_HANDLES,
    LPX_LIMIT_HOST_BYTES,
};
/* Which limit of a store an error tells of; of bytes and elements lpx_limits says so. */
uint32_t lpx_error_limit(const wasmtime_error_t *e);
/* The innermost message; all messages, one a line. Neither with a backtrace. */
void lpx_error_root(const wasmtime_error_t *e, wasm_byte_vec_t *out);
void lpx_error_chain(const wasmtime_error_t *e, wasm_byte_vec_t *out);

#endif
