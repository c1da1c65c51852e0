/*
 * loop/abi.h: values of the component model as C, and the tables that
 * `loop bindgen c-host` writes.
 *
 * Layout. A WIT type has one layout, on 64-bit little-endian machines: that of
 * the plain C struct, with natural alignment. It is part of loop's ABI and does
 * not change within LOOP_ABI.
 *
 *     bool                    bool, 1 byte, 0 or 1
 *     u8..u64, s8..s64        uint8_t..uint64_t, int8_t..int64_t
 *     f32, f64                float, double; a NaN comes as it was
 *     char                    uint32_t, a Unicode scalar value
 *     string                  loop_string: {ptr, len}, UTF-8, len in bytes, not terminated
 *     list<T>                 {const T *ptr, size_t len}, len in elements
 *     record, tuple           a struct, the fields in WIT's order (of a tuple: f0, f1, ...)
 *     variant                 struct {tag; union of;}: tag is uint8_t up to 256 cases, uint16_t
 *                             up to 65,536, else uint32_t
 *     enum                    the same number as a tag
 *     option<T>               struct {bool is_some; T value;}
 *     result<T, E>            struct {bool is_err; union {T ok; E error;} of;}
 *     flags                   uint8_t up to 8 flags, uint16_t up to 16, uint32_t up to 32
 *     own<R>, borrow<R>       8 bytes: where C implements R, a pointer to its object;
 *                             where the component does, a loop_handle
 *
 * Where neither the tag's case nor is_some names a payload, its bytes are not read.
 *
 * Ownership. What a value points to belongs to whoever made it. Strings and lists
 * of numbers that a component passes are views into its memory: read-only, valid
 * until the function returns. What a call into a component answers is a copy, valid
 * until the next call into its instance has returned.
 */
#ifndef LOOP_ABI_H
#define LOOP_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "loop/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of everything in this header; first in every table. */
#define LOOP_ABI 1u

typedef struct loop_string {
    const char *ptr; /* UTF-8, not terminated; NULL only where len is 0 */
    size_t len;      /* bytes */
} loop_string;

/* The text of a literal or any terminated string; it is not copied. */
static inline loop_string loop_string_of(const char *text)
{
    loop_string s = {text, strlen(text)};
    return s;
}

static inline bool loop_string_is(loop_string s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

/* Lists and options of plain types; those of named types stand beside the type. */
#define LOOP_ABI_PLAIN(X)                                                                          \
    X(bool, bool)                                                                                  \
    X(u8, uint8_t)                                                                                 \
    X(s8, int8_t)                                                                                  \
    X(u16, uint16_t)                                                                               \
    X(s16, int16_t)                                                                                \
    X(u32, uint32_t)                                                                               \
    X(s32, int32_t)                                                                                \
    X(u64, uint64_t)                                                                               \
    X(s64, int64_t)                                                                                \
    X(f32, float)                                                                                  \
    X(f64, double)                                                                                 \
    X(char, uint32_t)                                                                              \
    X(string, loop_string)

#define LOOP_ABI_LIST(name, type)                                                                  \
    typedef struct loop_list_##name {                                                              \
        const type *ptr;                                                                           \
        size_t len;                                                                                \
    } loop_list_##name;
#define LOOP_ABI_OPTION(name, type)                                                                \
    typedef struct loop_option_##name {                                                            \
        bool is_some;                                                                              \
        type value;                                                                                \
    } loop_option_##name;
LOOP_ABI_PLAIN(LOOP_ABI_LIST)
LOOP_ABI_PLAIN(LOOP_ABI_OPTION)
#undef LOOP_ABI_LIST
#undef LOOP_ABI_OPTION

/* A resource that a component implements, held from C; 0 is none. Its instance checks it. */
typedef uint64_t loop_handle;

/* One call of one component into C; loop/provider.h says what may be asked of it. */
typedef struct loop_call loop_call;

/*
 * The rows of a generated interface. `functions` is the table that a provider
 * filled; args and ret have the layout of a tuple of the parameters and of the
 * result. The host calls through `call` alone.
 */
typedef struct loop_function {
    const char *name; /* as in WIT's binary form: "roll", "[method]bucket.get" */
    /*
     * The type in structural form: parameters, then the result, without names of
     * types or parameters and without spaces. The host compares it with what a
     * component declares before anything runs.
     *
     *     log: func(level: level, message: string, fields: list<field>) -> result<u32, error>
     *     "(enum{low,high},string,list<record{name:string,value:s64}>)->result<u32,variant{denied(string),limit}>"
     *
     * Also: bool, u8..u64, s8..s64, f32, f64, char, tuple<A,B>, option<A>,
     * result<_,E>, flags{a,b}, own<acme:kv/store.bucket> and borrow<...> with the
     * interface that defines the resource, without its version.
     */
    const char *type;
    size_t offset; /* of the function's pointer in `functions`; NULL there: not implemented */
    loop_error *(*call)(const void *functions, void *self, loop_call *call, const void *args,
                        void *ret);
} loop_function;

typedef struct loop_resource {
    const char *name; /* "bucket" */
    size_t offset;    /* of its drop function in `functions`; NULL there: nothing to do */
    void (*drop)(const void *functions, void *self, void *object);
} loop_resource;

typedef struct loop_interface {
    uint32_t abi;                   /* LOOP_ABI */
    const char *name;               /* "acme:dice/roller"; "" for the functions of a world itself */
    const char *version;            /* "0.1.0"; "" where the package has none */
    const loop_function *functions; /* ends with a NULL name */
    const loop_resource *resources; /* those it defines; ends with a NULL name */
} loop_interface;

#ifdef __cplusplus
}
#endif
#endif
