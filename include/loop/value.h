/*
 * loop/value.h: a component value as a tree, for calls whose type is known only
 * at run time (reflection, --invoke, stubs, generic interceptors).
 *
 * Terms are those of the component model's WIT. A value borrows everything it
 * points to; whoever fills one says how long that lives (loop_call_alloc: until
 * the call returns).
 */
#ifndef LOOP_VALUE_H
#define LOOP_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum loop_kind {
    LOOP_BOOL,
    LOOP_U8,
    LOOP_U16,
    LOOP_U32,
    LOOP_U64,
    LOOP_S8,
    LOOP_S16,
    LOOP_S32,
    LOOP_S64,
    LOOP_F32,
    LOOP_F64,
    LOOP_CHAR,
    LOOP_STRING,  /* of.text: UTF-8, not terminated */
    LOOP_BYTES,   /* of.text: list<u8> */
    LOOP_LIST,    /* of.items */
    LOOP_RECORD,  /* of.items: one a field, in the type's order */
    LOOP_TUPLE,   /* of.items */
    LOOP_VARIANT, /* index: the case; of.items: its payload, 0 or 1 */
    LOOP_ENUM,    /* index: the case */
    LOOP_OPTION,  /* index: 0 none, 1 some; of.items: 0 or 1 */
    LOOP_RESULT,  /* index: 0 ok, 1 error; of.items: its payload, 0 or 1 */
    LOOP_FLAGS,   /* of.u: bit i is the i-th flag; at most 64 */
    LOOP_OWN,     /* of.handle: a resource that is handed over */
    LOOP_BORROW,  /* of.handle: a resource that is lent for the call */
} loop_kind;

typedef struct loop_value loop_value;
struct loop_value {
    loop_kind kind;
    uint32_t index;
    union {
        bool boolean;
        uint64_t u; /* U8..U64, FLAGS */
        int64_t s;  /* S8..S64 */
        double f;   /* F32, F64 */
        uint32_t character;
        uint32_t handle; /* a slot number of the provider's, never an address */
        struct {
            const char *ptr;
            size_t len; /* bytes */
        } text;
        struct {
            loop_value *at;
            size_t count;
        } items;
    } of;
};

#ifdef __cplusplus
}
#endif
#endif
