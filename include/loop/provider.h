/*
 * loop/provider.h: native code behind an interface that components import.
 *
 * A provider is one constant table: which interfaces it implements, its
 * functions by their WIT names, and how it is opened and closed. The host opens
 * one object a binding and shares it among instances; every call says who
 * calls. The same source can be linked in, or (not there yet) loaded as a
 * shared library or run as a process of its own.
 *
 * Threads: `threads` says what the provider bears. ANY: its functions may run on
 * several threads at once. SERIAL: the host runs one at a time.
 * Values: arguments live until the function returns; a result is filled with
 * memory from loop_call_alloc or with constants. Types are checked by the host
 * when a component is linked: an argument is always of the type that the
 * function's row says; a result that is not ends the calling instance, not the
 * host.
 * Errors: return one only where the component must end (a broken contract). What
 * a component should handle is a value: `result<_, error>`.
 *
 * Draft until 0.2: functions will take generated C structs instead of value
 * trees, and quiesce, save and restore will follow `close`.
 */
#ifndef LOOP_PROVIDER_H
#define LOOP_PROVIDER_H

#include "loop/error.h"
#include "loop/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Checked first, before anything else in the table is read. */
#define LOOP_PROVIDER_ABI 1u

/* One call of one component. */
typedef struct loop_call loop_call;

typedef loop_error *(*loop_provider_fn)(void *self, loop_call *call, const loop_value *args,
                                        loop_value *ret);

/*
 * `type` is the function's type in structural form: parameters, then the result,
 * without names of types or parameters and without spaces. The host compares it
 * with what a component declares before anything runs, so that a function only
 * ever sees arguments of its own type.
 *
 *     log: func(level: level, message: string, fields: list<field>) -> result<u32, error>
 *     "(enum{low,high},string,list<record{name:string,value:s64}>)->result<u32,variant{denied(string),limit}>"
 *
 * Also: bool, u8..u64, s8..s64, f32, f64, char, tuple<A,B>, option<A>,
 * result<_,E>, flags{a,b}, own and borrow (of any resource of the provider: which
 * one is checked at the call, by loop_call_held).
 */
typedef struct loop_provider_function {
    const char *name; /* as in WIT's binary form: "log", "[method]bucket.get" */
    const char *type;
    loop_provider_fn call;
} loop_provider_function;

typedef struct loop_provider_resource {
    const char *name; /* "bucket" */
    /* The component dropped it (its thread), or ended (any). `object` is what loop_call_hold took.
     */
    void (*drop)(void *self, void *object);
} loop_provider_resource;

typedef struct loop_provider_interface {
    const char *name;                        /* "loop:core/logging", without a version */
    const char *const *versions;             /* those it implements; ends with NULL */
    const loop_provider_function *functions; /* ends with a NULL name */
    const loop_provider_resource *resources; /* ends with a NULL name; may be NULL */
} loop_provider_interface;

typedef enum loop_threads { LOOP_THREADS_ANY, LOOP_THREADS_SERIAL } loop_threads;

typedef enum loop_log_level {
    LOOP_LOG_TRACE,
    LOOP_LOG_DEBUG,
    LOOP_LOG_INFO,
    LOOP_LOG_WARN,
    LOOP_LOG_ERROR,
} loop_log_level;

/* One field of a log entry: text is a STRING, number an S64 or F64, truth a BOOL. */
typedef struct loop_log_field {
    const char *name;
    loop_value value;
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
    /* Any thread. */
    void (*log)(void *host, const loop_log_entry *entry);
    bool (*log_enabled)(void *host, loop_log_level level);
} loop_services;

typedef struct loop_provider {
    uint32_t abi;        /* LOOP_PROVIDER_ABI */
    const char *name;    /* "keyvalue-memory": what `bind:` in loop.yaml says */
    const char *summary; /* one line for people */
    const loop_provider_interface *const *interfaces; /* ends with NULL */
    loop_threads threads;
    /* Either may be NULL: then `self` is NULL. */
    loop_error *(*open)(const loop_services *services, void **ret_self);
    void (*close)(void *self);
} loop_provider;

/* ---- what a function may ask of its call; only until it returns ---- */

/*
 * Zeroed memory that lives until the call has returned. NULL over the host's limit (128 MiB a
 * call): return then, with anything; the host ends the component with LOOP_LIMIT.
 */
LOOP_API void *loop_call_alloc(loop_call *call, size_t size);

/* The calling component's name and a number of the instance, unique in the host. */
LOOP_API const char *loop_call_component(const loop_call *call);
LOOP_API uint64_t loop_call_instance(const loop_call *call);

/*
 * Resources: gives `object` a handle of the named resource, owned by the caller,
 * and back. _held is NULL for a handle that is none of that resource.
 * LOOP_LIMIT when the component holds too many.
 */
LOOP_API loop_error *loop_call_hold(loop_call *call, const char *resource, void *object,
                                    uint32_t *ret_handle) LOOP_MUST_USE;
LOOP_API void *loop_call_held(const loop_call *call, const char *resource, uint32_t handle);

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

/* One row of the component's `config:` in loop.yaml. */
LOOP_API bool loop_call_config(const loop_call *call, size_t i, const char **ret_key,
                               const char **ret_value);

/* ---- helpers for results ---- */

/* `text` is copied into the call. */
LOOP_API loop_value loop_value_string(loop_call *call, const char *text, size_t len);
/* result: ok or error with a payload (copied into the call; NULL: none). */
LOOP_API loop_value loop_value_ok(loop_call *call, const loop_value *payload);
LOOP_API loop_value loop_value_error(loop_call *call, const loop_value *payload);
LOOP_API loop_value loop_value_option(loop_call *call, const loop_value *some);
/* A variant's case with a text as payload (NULL: no payload). */
LOOP_API loop_value loop_value_case(loop_call *call, uint32_t index, const char *text);

#ifdef __cplusplus
}
#endif
#endif
