/*
 * base/error.c: implements include/loop/error.h.
 *
 * An error is one heap node a message; causes are a list.
 */
#include "loop/error.h"

#include <stdlib.h>

#include "base/base.h"
#include "base/text.h"

struct loop_error {
    loop_code code;
    char *message;
    char *hint;
    loop_error *cause;
};

static loop_error *make(loop_code code, loop_error *cause, const char *fmt, va_list ap)
{
    loop_error *e = lp_alloc(sizeof *e);
    *e = (loop_error){code, lp_vformat(fmt, ap), NULL, cause};
    lp_text_clean(e->message, ""); /* names of guests come in, and must not look like loop's own */
    return e;
}

loop_error *loop_error_new(loop_code code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    loop_error *e = make(code, NULL, fmt, ap);
    va_end(ap);
    return e;
}

loop_error *loop_error_wrap(loop_error *cause, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    loop_error *e = make(loop_error_code(cause), cause, fmt, ap);
    va_end(ap);
    if (cause)
        e->hint = lp_take(&cause->hint);
    return e;
}

loop_error *lp_error_because(loop_code code, loop_error *cause, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    loop_error *e = make(code, cause, fmt, ap);
    va_end(ap);
    return e;
}

loop_error *lp_error_copy(const loop_error *e)
{
    loop_error *first = NULL;
    for (loop_error **at = &first; e; e = e->cause, at = &(*at)->cause) {
        *at = lp_alloc(sizeof **at);
        **at =
            (loop_error){e->code, lp_strdup(e->message), e->hint ? lp_strdup(e->hint) : NULL, NULL};
    }
    return first;
}

loop_error *loop_error_hint_set(loop_error *e, const char *fmt, ...)
{
    if (!e)
        return e;
    va_list ap;
    va_start(ap, fmt);
    free(e->hint);
    e->hint = lp_vformat(fmt, ap);
    lp_text_clean(e->hint, "");
    va_end(ap);
    return e;
}

loop_code loop_error_code(const loop_error *e)
{
    return e ? e->code : LOOP_OK;
}

const char *loop_error_message(const loop_error *e)
{
    return e ? e->message : "";
}

const char *loop_error_hint(const loop_error *e)
{
    return e ? e->hint : NULL;
}

const loop_error *loop_error_cause(const loop_error *e)
{
    return e ? e->cause : NULL;
}

/* A cause that opens with its own word: a step, a frame of a backtrace, a missing import. */
static bool says_where(const char *message)
{
    return lp_starts_with(message, "while ") || lp_starts_with(message, "at ") ||
           lp_starts_with(message, "in ") || lp_starts_with(message, "needs ");
}

char *loop_error_format(const loop_error *e)
{
    lp_buf b = {0};
    if (!e)
        return lp_strdup("");
    lp_buf_printf(&b, "error: %s\n", e->message);
    for (const loop_error *c = e->cause; c; c = c->cause)
        lp_buf_printf(&b, "  %s%s\n", says_where(c->message) ? "" : "because ", c->message);
    if (e->hint)
        lp_buf_printf(&b, "hint: %s\n", e->hint);
    return lp_buf_take(&b);
}

void loop_error_delete(loop_error *e)
{
    while (e) {
        loop_error *cause = e->cause;
        free(e->message);
        free(e->hint);
        free(e);
        e = cause;
    }
}

const char *loop_code_name(loop_code code)
{
    switch (code) {
    case LOOP_OK: return "ok";
    case LOOP_USAGE: return "usage";
    case LOOP_INVALID: return "invalid";
    case LOOP_NOT_FOUND: return "not-found";
    case LOOP_MISSING: return "missing";
    case LOOP_UNAVAILABLE: return "unavailable";
    case LOOP_INTERNAL: return "internal";
    case LOOP_SYSTEM: return "system";
    case LOOP_TRAP: return "trap";
    case LOOP_TIMEOUT: return "timeout";
    case LOOP_IO: return "io";
    case LOOP_CANCELLED: return "cancelled";
    case LOOP_LIMIT: return "limit";
    case LOOP_DENIED: return "denied";
    case LOOP_CONFIG: return "config";
    }
    return "unknown";
}

void loop_free(void *p)
{
    free(p);
}
