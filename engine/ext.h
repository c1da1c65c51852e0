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
 * What WASI asks before it acts. Called on the instance's thread, but for
 * `net`, which any thread may call, which may wait for DNS, and whose data is
 * counted (net_ref, net_unref are atomic), since a look-up may outlive the guest.
 */
typedef struct lpx_hooks {
    void *data;
    bool (*http)(void *data, bool https, lpx_text host, uint16_t port);
    bool (*resolve)(void *data, lpx_text name);
    /* An open that Wasmtime refused: code is "not-permitted", "read-only" or "access". */
    void (*open_failed)(void *data, lpx_text path, lpx_text code, bool write);
    void *net_data;
    void (*net_ref)(void *net_data);
    void (*net_unref)(void *net_data);
    /* used_for: SocketAddrUse of wasmtime-wasi, in its order (LPX_NET_*). */
    bool (*net)(void *net_data, lpx_text address, uint16_t port, uint32_t used_for);
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

/* timeout_ms: 0 for none. The store's epoch deadline must be set to yield. */
lpx_outcome lpx_instantiate(lpx_driver *d, const wasmtime_component_linker_t *l,
                            wasmtime_context_t *cx, const wasmtime_component_t *c,
                            uint64_t timeout_ms, wasmtime_component_instance_t *out,
                            wasmtime_error_t **err);
/* A function of type `func() -> result`. */
lpx_outcome lpx_call_run(lpx_driver *d, wasmtime_context_t *cx, const wasmtime_component_func_t *f,
                         uint64_t timeout_ms, bool *ok, wasmtime_error_t **err);
/* `results` is written only on LPX_DONE, over whatever was there. */
lpx_outcome lpx_call(lpx_driver *d, wasmtime_context_t *cx, const wasmtime_component_func_t *f,
                     const wasmtime_component_val_t *args, size_t nargs,
                     wasmtime_component_val_t *results, size_t nresults, uint64_t timeout_ms,
                     wasmtime_error_t **err);
/* `text`: the arguments in WAVE, without the parentheses. *bad_text: they did not parse or fit. */
lpx_outcome lpx_call_wave(lpx_driver *d, wasmtime_context_t *cx, const wasmtime_component_func_t *f,
                          const char *text, size_t len, uint64_t timeout_ms, wasm_byte_vec_t *out,
                          bool *bad_text, wasmtime_error_t **err);

/* Over all memories (bytes) and tables (elements) of a store together. Outlives the store. */
typedef struct lpx_limits {
    uint64_t memory_max, memory_used;
    uint64_t table_max, table_used;
    bool memory_refused, table_refused;
} lpx_limits;
void lpx_store_limit(wasmtime_store_t *store, lpx_limits *limits);
/* Instead of wasmtime_store_delete: streams end their tasks in the driver's runtime. */
void lpx_store_delete(lpx_driver *d, wasmtime_store_t *store);

/* Puts the hooks (which outlive the driver) into an instance's configuration. */
void lpx_wasi_hooks(wasi_config_t *config, const lpx_hooks *hooks);
wasmtime_error_t *lpx_linker_add_wasi(wasmtime_component_linker_t *l);
wasmtime_error_t *lpx_linker_add_http(wasmtime_component_linker_t *l);
/* wasi:io's resource type `pollable`, for an interface that uses it. */
wasmtime_error_t *lpx_linker_add_pollable(wasmtime_component_linker_instance_t *l, const char *name,
                                          size_t len);
/* A method of a resource of ours that gives a wasi:io pollable, ready after lpx_driver_ask. */
wasmtime_error_t *lpx_linker_add_subscribe(wasmtime_component_linker_instance_t *l,
                                           const char *name, size_t len);

/* A row of what a component imports or exports. */
typedef struct lpx_row {
    bool is_export;
    uint32_t kind; /* 0: function, 1: interface, before its functions, 2: resource type */
    lpx_text interface_name, function, signature;
    lpx_text structure; /* the signature as include/loop/provider.h writes types */
} lpx_row;
wasmtime_error_t *lpx_describe(const uint8_t *wasm, size_t len,
                               void (*f)(void *data, const lpx_row *row), void *data);

typedef struct lpx_frame {
    lpx_text function, file;
    uint32_t line, column; /* 0: not known */
    uint64_t offset;       /* in the core module */
} lpx_frame;
void lpx_error_frames(const wasmtime_error_t *e, void (*f)(void *data, const lpx_frame *frame),
                      void *data);
/* enum wasmtime_trap_code_enum, or -1. */
int lpx_error_trap(const wasmtime_error_t *e);
/* The innermost message; all messages, one a line. Neither with a backtrace. */
void lpx_error_root(const wasmtime_error_t *e, wasm_byte_vec_t *out);
void lpx_error_chain(const wasmtime_error_t *e, wasm_byte_vec_t *out);

#endif
