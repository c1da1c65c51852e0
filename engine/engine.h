/*
 * engine/engine.h: components and guests, for the rest of the house.
 *
 * The only door to Wasmtime: nothing outside engine/ sees its headers or those
 * of the extension (ext.h). An engine is shared by all threads; a component is
 * compiled once and shared; a guest (store, linker and instance) is made on any
 * thread and then used by one.
 */
#ifndef LP_ENGINE_H
#define LP_ENGINE_H

#include "base/base.h"
#include "base/limit.h"
#include "engine/raw.h"
#include "engine/type.h"

typedef struct lp_engine lp_engine;
typedef struct lp_component lp_component;
typedef struct lp_guest lp_guest;

/* ---- engine ---- */

/*
 * `cache_dir`: where compiled components are kept; NULL: nowhere. `note` is told
 * of what a person may want to know (a cache that cannot be written); `progress`
 * before a compilation. Both may be NULL.
 */
typedef struct lp_engine_options {
    uint64_t stack; /* bytes that a guest may use of one; 0: 1 MiB */
    const char *cache_dir;
    void (*note)(void *data, const char *text);
    void (*progress)(void *data, const char *text);
    void *data;
} lp_engine_options;

loop_error *lp_engine_new(const lp_engine_options *o, lp_engine **ret) LOOP_MUST_USE;
void lp_engine_delete(lp_engine *e);
const char *lp_engine_version(void);
uint64_t lp_engine_stack(const lp_engine *e);

/* ---- components ---- */

typedef enum lp_row_kind { LP_ROW_FUNCTION, LP_ROW_INTERFACE, LP_ROW_RESOURCE } lp_row_kind;

/* What a component imports or exports; texts live as long as the component. */
typedef struct lp_row {
    bool is_export;
    lp_row_kind kind;
    const char *interface_name; /* with its version; "" for the world's own */
    const char *function;
    const char *signature;
    const char *structure; /* the signature in the structural form of loop/abi.h */
} lp_row;

/*
 * Reads the file and describes it. LOOP_NOT_FOUND, LOOP_INVALID, LOOP_LIMIT,
 * LOOP_IO, each with a hint.
 */
loop_error *lp_component_open(lp_engine *e, const char *path, lp_component **ret) LOOP_MUST_USE;
/* Compiles it, or takes it from the cache. Once is enough. */
loop_error *lp_component_compile(lp_component *c) LOOP_MUST_USE;
bool lp_component_is_compiled(const lp_component *c);
void lp_component_delete(lp_component *c);
/* Of its engine. */
uint64_t lp_component_stack(const lp_component *c);
/* The same, not compiled, for another engine: one with more or less of a stack. */
lp_component *lp_component_again(const lp_component *c, lp_engine *e);
/* The rows; made at the first call from the file's own types. NULL past the end. */
loop_error *lp_component_rows(lp_component *c, const lp_row **ret, size_t *ret_count) LOOP_MUST_USE;

/*
 * One import or export of a compiled component, as Wasmtime links it: functions
 * and resources, each in its interface; resources before the functions.
 */
typedef struct lp_import {
    const char *interface_name; /* "" for the world's own */
    const char *name;
    const lp_resource *resource;   /* resources only: what it stands for */
    const lp_signature *signature; /* functions only; NULL: of a type that loop does not carry */
} lp_import;
const lp_import *lp_component_import_at(const lp_component *c, size_t i);
/* The functions and resources of the exports; NULL past the end. */
const lp_import *lp_component_exported_at(const lp_component *c, size_t i);
/* Export i: the interface's or function's name; NULL past the end. */
const char *lp_component_export_at(const lp_component *c, size_t i);

/*
 * What the engine serves of WASI 0.2 (wasi_rows.c, generated): a row with a NULL
 * function for each interface, then one a function; ends with NULL.
 */
typedef struct lp_wasi_row {
    const char *interface_name; /* without a version */
    const char *function;
} lp_wasi_row;
extern const lp_wasi_row lp_wasi_rows[];

/* ---- WIT ---- */

/*
 * {"main": PACKAGE, "resolve": ...}: the WIT at `path` (a file, a package's folder with
 * its deps/, a component) in the JSON form of wit-parser; malloced. `deps`: folders of
 * packages for what it uses, ends with NULL. LOOP_INVALID.
 */
loop_error *lp_wit_json(const char *path, const char *const *deps, char **ret) LOOP_MUST_USE;

/* ---- guests ---- */

/*
 * What WASI asks before it acts; ext.h has the details. `http`, `resolve` and
 * `open_failed` on the guest's thread. `net` on any, until every reference that
 * net_ref took is back.
 */
typedef enum lp_net_use {
    LP_NET_BIND, /* TCP */
    LP_NET_LISTEN,
    LP_NET_ACCEPT, /* of the address of who connects */
    LP_NET_CONNECT,
    LP_NET_BIND_UDP,
    LP_NET_SEND,
    LP_NET_RECEIVE,
} lp_net_use;
typedef struct lp_guest_hooks {
    void *data;
    bool (*http)(void *data, bool https, lp_str host, uint16_t port);
    bool (*resolve)(void *data, lp_str name);
    void (*open_failed)(void *data, lp_str path, lp_str code, bool write);
    void *net_data;
    void (*net_ref)(void *net_data);
    void (*net_unref)(void *net_data);
    bool (*net)(void *net_data, lp_str address, uint16_t port, lp_net_use use);
    /* As `net`: whether a request to `host` may be sent to this address of it. */
    bool (*http_to)(void *net_data, lp_str host, lp_str address, uint16_t port);
} lp_guest_hooks;

typedef struct lp_guest_dir {
    const char *host, *guest;
    bool read_only;
    const char *open; /* a path to what is open already and is to be used; NULL: `host` */
} lp_guest_dir;

typedef struct lp_guest_options {
    const char *name;        /* in errors */
    const char *const *args; /* NULL-terminated */
    const char *const *env;  /* name and value by turns, NULL-terminated */
    const lp_guest_dir *dirs;
    size_t dir_count;
    const loop_limits *limits; /* filled; as long as the guest. NULL: those of nobody */
    bool wasi, http;           /* link these groups */
    lp_guest_hooks hooks;
} lp_guest_options;

/* `c` is compiled and outlives the guest. */
loop_error *lp_guest_new(lp_component *c, const lp_guest_options *o, lp_guest **ret) LOOP_MUST_USE;
/* Ends what is left and frees. NULL is fine. */
void lp_guest_delete(lp_guest *g);

/*
 * How an import is served: `call` reads the parameters and does the work; where
 * the result has handles, or lies in memory, `put` follows, unless the guest failed
 * in between. Both on the guest's thread. An error ends the guest's call, and
 * comes back from the outer call as it was.
 */
typedef enum lp_result_form {
    LP_RESULT_NONE,
    LP_RESULT_FLAT, /* one flat value, left in lp_values.result by `call` */
    LP_RESULT_PUT_FLAT,
    LP_RESULT_MEMORY,
} lp_result_form;

typedef struct lp_function {
    uint32_t flat_params; /* 0 where they lie in memory */
    bool handles;         /* among the parameters */
    bool memory;          /* reading the parameters takes the guest's memory */
    lp_result_form result;
    loop_error *(*call)(void *data, lp_values *in);
    /* May be instead of `call` where `memory` is false: faster. NULL: `call` does it. */
    loop_error *(*flat)(void *data, const lp_flat *in, uint64_t *ret);
    loop_error *(*put)(void *data, lp_target *out);
    void *data;
} lp_function;
loop_error *lp_guest_define(lp_guest *g, const lp_import *import,
                            const lp_function *f) LOOP_MUST_USE;

/* For `put`: memory of the guest's, through its own realloc; guest code runs. */
loop_error *lp_target_alloc(lp_target *t, uint32_t align, size_t size, uint32_t *ret) LOOP_MUST_USE;
/* The guest's number for a handle; `nth` counts the handle types in the function's type. */
loop_error *lp_target_handle(lp_target *t, uint32_t nth, lp_handle h, uint32_t *ret) LOOP_MUST_USE;

/*
 * A resource of the host's; `type` is a number of the guest's own choosing that
 * tells its resources apart. `drop` gets each handle the guest dropped.
 */
loop_error *lp_guest_define_resource(lp_guest *g, const lp_import *import, uint32_t type,
                                     void (*drop)(void *data, uint32_t handle),
                                     void *data) LOOP_MUST_USE;
/* The resources of wasi:io that C can make (LP_ENGINES in raw.h). */
typedef enum lp_io {
    LP_IO_NONE, /* it is none of them */
    LP_IO_POLLABLE,
    LP_IO_INPUT,
    LP_IO_OUTPUT,
} lp_io;
lp_io lp_io_of(const lp_resource *r);
/* One of them, taken over by another interface. */
loop_error *lp_guest_define_io(lp_guest *g, const lp_import *import) LOOP_MUST_USE;
/* A method that gives a pollable, ready after lp_guest_ask. */
loop_error *lp_guest_define_subscribe(lp_guest *g, const lp_import *import) LOOP_MUST_USE;

/*
 * Calls: `timeout_ms` 0 for none. After an error nothing but _delete may be
 * called. LOOP_TRAP, LOOP_TIMEOUT, LOOP_CANCELLED (lp_guest_stop), LOOP_LIMIT,
 * or what a host function returned.
 */
/* *exited: the guest ended itself already, with *ret_status; it must not be called then. */
loop_error *lp_guest_instantiate(lp_guest *g, uint64_t timeout_ms, bool *exited,
                                 int *ret_status) LOOP_MUST_USE;
/* wasi:cli/run: the exit status. */
loop_error *lp_guest_run(lp_guest *g, const char *interface_name, uint64_t timeout_ms,
                         int *ret_status) LOOP_MUST_USE;
/*
 * Calls of an export with raw values (lp_calling in raw.h). After an error that `put`
 * returned the guest did not run; it ends all the same.
 */
typedef struct lp_shape {
    uint32_t flat_params, params_size, params_align; /* flat: UINT32_MAX where in memory */
    uint32_t flat_results, results_size, results_align;
} lp_shape;

typedef struct lp_export lp_export;
/* LOOP_NOT_FOUND. Lives as long as the guest, or until _delete. */
loop_error *lp_export_new(lp_guest *g, const char *interface_name, const char *function,
                          lp_shape *ret_shape, lp_export **ret) LOOP_MUST_USE;
void lp_export_delete(lp_export *e);
/* LOOP_UNAVAILABLE without c->entered: lp_guest_check_free. */
loop_error *lp_export_call(lp_export *e, lp_calling *c) LOOP_MUST_USE;
/*
 * LOOP_UNAVAILABLE while the guest is inside a call: nobody may enter it then; or where
 * it may wait, and the thread drives another one.
 */
loop_error *lp_guest_check_free(const lp_guest *g, const char *what) LOOP_MUST_USE;
/* Drops a resource that the guest implements; its destructor runs. After the same check. */
loop_error *lp_guest_drop(lp_guest *g, uint32_t held, uint64_t timeout_ms) LOOP_MUST_USE;
/* An export with WAVE; *ret is malloced. */
loop_error *lp_guest_call_wave(lp_guest *g, const char *interface_name, const char *function,
                               const char *args, uint64_t timeout_ms, char **ret, bool *exited,
                               int *ret_status) LOOP_MUST_USE;

/* Waits on the guest's thread; ends early when asked (true) or stopped. UINT64_MAX: for ever. */
void lp_guest_sleep(lp_guest *g, uint64_t ms);

/* Any thread: ends the call in flight at once; makes cancellation pollables ready. */
void lp_guest_stop(lp_guest *g);
void lp_guest_ask(lp_guest *g);

/* Whether memory or a table was refused for its limit: LOOP_MAX_COUNT: neither. */
loop_limit_id lp_guest_refused(const lp_guest *g);

#endif
