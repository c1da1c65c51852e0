/*
 * sidecar/handshake.h: WELCOME, START, FAIL, FAULT, CALLER, LOG: the messages of PROTOCOL.md
 * that are no function's values, the host's side.
 *
 * What a sidecar says of itself is checked here once: magic, versions, names, types,
 * the limits of base/limits.h. What is left to the reader is only what it means.
 */
#ifndef LP_SIDE_HANDSHAKE_H
#define LP_SIDE_HANDSHAKE_H

#include "abi/plan.h"
#include "abi/wire.h"
#include "engine/type_parse.h"
#include "loop/provider.h"
#include "sidecar/frame.h"

#define LP_SIDE_VERSION 1u

#define LP_SIDE_CAN_CANCEL 1u
#define LP_SIDE_CAN_SHARE 2u
#define LP_SIDE_CAN_STATE 4u
#define LP_SIDE_CAN_COPY 8u /* only beside STATE */

typedef struct lp_side_function {
    const char *name, *type;
    bool implemented;
    const lp_signature *signature;
    const lp_plan *plan;
} lp_side_function;

typedef struct lp_side_interface {
    const char *name, *version;
    lp_side_function *functions;
    size_t function_count;
    const char **resources;
    size_t resource_count;
    const loop_interface *rows; /* the same as host and components know it; functions have
                                   neither offset nor thunk */
} lp_side_interface;

typedef struct lp_side_option {
    const char *name, *type, *values; /* values NULL: none */
    const char *fallback;             /* NULL: none */
    const char *help;
} lp_side_option;

typedef struct lp_side_welcome {
    uint32_t protocol; /* the highest that both know */
    const char *name, *version, *summary;
    bool dev_only;
    uint32_t credit;
    uint32_t calls;        /* at once; 0: any number */
    uint32_t capabilities; /* LP_SIDE_CAN_..., those that this host knows */
    lp_side_option *options;
    size_t option_count;
    lp_side_interface *interfaces;
    size_t interface_count;
    lp_resources resources; /* those of all types, by name; its `at` is _done's */
} lp_side_welcome;

/* Everything but resources.at lives in the arena. */
loop_error *lp_side_welcome_read(lp_arena *a, const uint8_t *data, size_t len,
                                 lp_side_welcome *ret) LOOP_MUST_USE;
void lp_side_welcome_done(lp_side_welcome *w);
/* Whose resource it is that a function's type names: SIZE_MAX: none of this sidecar's. */
size_t lp_side_welcome_resource(const lp_side_welcome *w, const lp_resource *r,
                                size_t *ret_interface);

typedef struct lp_side_start {
    const char *host; /* "loop 0.1.0" */
    uint32_t protocol, capabilities, credit, shared, deadline_ms;
    loop_log_level log;
    const char *const *options; /* name and value by turns, NULL-terminated; NULL: none */
} lp_side_start;
loop_error *lp_side_start_write(const lp_side_start *s, lp_wire_out *to) LOOP_MUST_USE;

/* FAIL and FAULT: an error of ours with that code, text and hint. *ret_error is never NULL. */
loop_error *lp_side_error_read(const uint8_t *data, size_t len,
                               loop_error **ret_error) LOOP_MUST_USE;
loop_error *lp_side_error_write(const loop_error *e, lp_wire_out *to) LOOP_MUST_USE;

typedef struct lp_side_caller {
    const char *component, *identity;
    uint64_t instance, storage;
    loop_string storage_why;
} lp_side_caller;
loop_error *lp_side_caller_write(const lp_side_caller *c, lp_wire_out *to) LOOP_MUST_USE;

/* What stands before the arguments of CALL and of NEXT; the reader is left behind it. */
loop_error *lp_side_call_write(lp_wire_out *to, uint32_t caller, size_t interface, size_t function,
                               uint32_t deadline_ms, uint32_t parent) LOOP_MUST_USE;
typedef struct lp_side_next {
    uint32_t call, interface, function;
} lp_side_next;
loop_error *lp_side_next_read(lp_wire_in *in, lp_side_next *ret) LOOP_MUST_USE;

loop_error *lp_side_cancel_write(lp_wire_out *to, loop_cancel_reason reason,
                                 uint32_t remaining_ms) LOOP_MUST_USE;
typedef struct lp_side_drop {
    uint32_t interface, resource;
    uint64_t handle;
} lp_side_drop;
loop_error *lp_side_drop_write(lp_wire_out *to, const lp_side_drop *d) LOOP_MUST_USE;
loop_error *lp_side_drop_read(const uint8_t *data, size_t len, lp_side_drop *ret) LOOP_MUST_USE;
/* SAVE and RESTORE, SAVE-OBJECT, RESTORE-OBJECT, and the handle that answers it. */
loop_error *lp_side_save_write(lp_wire_out *to, size_t interface, loop_pass pass) LOOP_MUST_USE;
loop_error *lp_side_save_object_write(lp_wire_out *to, const lp_side_drop *d) LOOP_MUST_USE;
loop_error *lp_side_restore_object_write(lp_wire_out *to, size_t interface,
                                         size_t resource) LOOP_MUST_USE;
/* LOOP_UNAVAILABLE also for a number that is not odd, or too large for a handle. */
loop_error *lp_side_handle_read(const uint8_t *data, size_t len, uint64_t *ret) LOOP_MUST_USE;
/* CREDIT's number. */
loop_error *lp_side_credit_read_frame(const lp_side_frame *f, uint64_t *ret) LOOP_MUST_USE;

/* Into the arena. `component` is left NULL; names and texts are terminated and without zeros. */
loop_error *lp_side_log_read(lp_arena *a, const uint8_t *data, size_t len,
                             loop_log_entry *ret) LOOP_MUST_USE;

#endif
