/*
 * What the guests swap-* share: test:swap/control (tests/swap/control.wit), by hand, and short
 * ways to ask loop:storage. Whatever does not hold ends a guest, with what it was about.
 */
#ifndef SWAP_H
#define SWAP_H

#include <stdarg.h>

#include "gen/storage.h"
#include "guest.h"

#define CONTROL(name) __attribute__((import_module("test:swap/control@0.1.0"), import_name(name)))
CONTROL("stopped") extern bool control_stopped(void);
CONTROL("report") extern void control_report(const char *what, size_t len, uint64_t value);
CONTROL("wrong") extern void control_wrong(const char *text, size_t len);
CONTROL("now") extern uint64_t control_now(void);

static inline void report(const char *what, uint64_t value)
{
    control_report(what, strlen(what), value);
}

_Noreturn static inline void wrong(const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    control_wrong(text, strlen(text));
    exit(1);
}

/* ---- numbers ---- */

static inline uint64_t mix(uint64_t hash, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ p[i]) * 0x100000001b3u;
    return hash ^ hash >> 29;
}
#define MIX_START 0xcbf29ce484222325u

static inline uint32_t draw(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

/* ---- loop:storage ---- */

#define S(name) loop_storage_store_##name
#define METHOD(name) loop_storage_store_method_bucket_##name

typedef S(borrow_bucket_t) bucket_t;

static S(error_t) store_error;

_Noreturn static inline void store_failed(const char *what)
{
    static const char *const cases[] = {"unavailable", "denied",    "invalid",
                                        "limit",       "cancelled", "failed"};
    bool has_text = store_error.tag != LOOP_CORE_TYPES_ERROR_CANCELLED;
    wrong("%s: %s: %.*s", what, store_error.tag < 6 ? cases[store_error.tag] : "?",
          has_text ? (int)store_error.val.failed.len : 0, (char *)store_error.val.failed.ptr);
}

static inline S(own_bucket_t) open_bucket(const char *name)
{
    storage_string_t text = TEXT(storage_string_t, name);
    S(own_bucket_t) own;
    if (!S(open)(&text, &own, &store_error))
        store_failed("open");
    return own;
}

#endif
