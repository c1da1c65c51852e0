/* error.c: loop/error.h for a program without libloop; one heap node a message, causes are a list.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct loop_error {
    loop_code code;
    char *message, *hint;
    loop_error *cause;
};

static char *format(const char *fmt, va_list ap)
{
    char *text = NULL;
    if (vasprintf(&text, fmt, ap) < 0)
        abort();
    return text;
}

loop_error *loop_error_new(loop_code code, const char *fmt, ...)
{
    va_list ap;
    loop_error *e = sc_alloc(sizeof *e);
    va_start(ap, fmt);
    *e = (loop_error){.code = code, .message = format(fmt, ap)};
    va_end(ap);
    return e;
}

loop_error *loop_error_wrap(loop_error *cause, const char *fmt, ...)
{
    va_list ap;
    loop_error *e = sc_alloc(sizeof *e);
    va_start(ap, fmt);
    *e = (loop_error){.code = loop_error_code(cause), .message = format(fmt, ap), .cause = cause};
    va_end(ap);
    if (cause) {
        e->hint = cause->hint;
        cause->hint = NULL;
    }
    return e;
}

loop_error *loop_error_hint_set(loop_error *e, const char *fmt, ...)
{
    va_list ap;
    if (!e)
        return e;
    va_start(ap, fmt);
    free(e->hint);
    e->hint = format(fmt, ap);
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

char *loop_error_format(const loop_error *e)
{
    sc_buf b = {0};
    for (const loop_error *c = e; c; c = c->cause) {
        const char *front = c == e ? "error: " : "  because ";
        sc_add(&b, front, strlen(front));
        sc_add(&b, c->message, strlen(c->message));
        sc_add(&b, "\n", 1);
    }
    if (e && e->hint) {
        sc_add(&b, "hint: ", 6);
        sc_add(&b, e->hint, strlen(e->hint));
        sc_add(&b, "\n", 1);
    }
    sc_add(&b, "", 1);
    return (char *)b.ptr;
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

static const struct {
    loop_code code;
    const char *name;
} codes[] = {
    {LOOP_OK, "ok"},
    {LOOP_USAGE, "usage"},
    {LOOP_INVALID, "invalid"},
    {LOOP_NOT_FOUND, "not-found"},
    {LOOP_MISSING, "missing"},
    {LOOP_UNAVAILABLE, "unavailable"},
    {LOOP_INTERNAL, "internal"},
    {LOOP_SYSTEM, "system"},
    {LOOP_TRAP, "trap"},
    {LOOP_TIMEOUT, "timeout"},
    {LOOP_IO, "io"},
    {LOOP_CANCELLED, "cancelled"},
    {LOOP_LIMIT, "limit"},
    {LOOP_DENIED, "denied"},
    {LOOP_CONFIG, "config"},
};

const char *loop_code_name(loop_code code)
{
    for (size_t i = 0; i < SC_COUNT(codes); i++)
        if (codes[i].code == code)
            return codes[i].name;
    return "unknown";
}

void loop_free(void *p)
{
    free(p);
}

/* ---- on the wire ---- */

#define MOST_MESSAGES 16u
#define LONGEST 4096u

void sc_error_write(sc_buf *to, const loop_error *e)
{
    size_t n = 0;
    sc_add_text(to, loop_code_name(e->code));
    for (const loop_error *c = e; c && n < MOST_MESSAGES; c = c->cause)
        n++;
    sc_add_number(to, n);
    for (const loop_error *c = e; n; c = c->cause, n--)
        sc_add_cut(to, c->message, LONGEST);
    sc_add_byte(to, e->hint != NULL);
    if (e->hint)
        sc_add_cut(to, e->hint, LONGEST);
}

loop_error *sc_error_read(const uint8_t *data, size_t len)
{
    sc_in in = {.at = data, .end = data + len};
    loop_string code = sc_text(&in), messages[MOST_MESSAGES], hint = {0};
    size_t n = sc_number(&in, 32);
    if (n == 0 || n > MOST_MESSAGES)
        in.wrong = "an error without a message, or of too many";
    for (size_t i = 0; i < n && !in.wrong; i++)
        messages[i] = sc_text(&in);
    bool has_hint = sc_number(&in, 1);
    if (has_hint)
        hint = sc_text(&in);
    if (sc_end(&in))
        sc_broken("a FAULT that is none: %s", in.wrong);
    loop_error *e = NULL;
    loop_code c = LOOP_UNAVAILABLE;
    for (size_t i = 0; i < SC_COUNT(codes); i++)
        if (loop_string_is(code, codes[i].name) && codes[i].code != LOOP_OK)
            c = codes[i].code;
    while (n--) {
        int text = (int)messages[n].len;
        e = e ? loop_error_wrap(e, "%.*s", text, messages[n].ptr)
              : loop_error_new(c, "%.*s", text, messages[n].ptr);
    }
    if (has_hint)
        e = loop_error_hint_set(e, "%.*s", (int)hint.len, hint.ptr);
    return e;
}
