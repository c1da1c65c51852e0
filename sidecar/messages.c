/* sidecar/messages.c: FAIL, FAULT, CALLER, CALL, NEXT, CANCEL, DROP, CREDIT and LOG, and those of
 * save and restore; see handshake.h. */
#include <stdlib.h>

#include "sidecar/handshake.h"
#include "sidecar/types.h"

/* ---- any type ---- */

static void done_resources(lp_resources *r)
{
    free(r->at);
}

loop_error *lp_side_plan(lp_arena *a, const char *type, size_t size, const lp_node **ret)
{
    lp_auto(done_resources) lp_resources none = {0};
    lp_signature s = {0};
    const lp_plan *p;
    LP_TRY(lp_type_parse(a, &none, lp_str_of(type), &s.result));
    LP_TRY(lp_plan_new(a, &s, &p));
    if (p->result->size != size)
        return loop_error_new(LOOP_INTERNAL, "a message of %u bytes, in C of %zu", p->result->size,
                              size);
    *ret = p->result;
    return NULL;
}

loop_error *lp_side_read(lp_frame *f, const char *type, const uint8_t *data, size_t len,
                         bool more_is_fine, void *to, size_t size)
{
    const lp_node *n;
    LP_TRY(lp_side_plan(&f->arena, type, size, &n));
    lp_wire_in in = {.at = data, .end = data + len, .frame = f};
    LP_TRY(lp_wire_read(&in, n, to));
    return more_is_fine ? NULL : lp_wire_end(&in);
}

static void done_arena(lp_arena *a)
{
    lp_arena_done(a);
}

loop_error *lp_side_write(const char *type, const void *from, size_t size, lp_wire_out *to)
{
    lp_auto(done_arena) lp_arena a = {0};
    const lp_node *n;
    LP_TRY(lp_side_plan(&a, type, size, &n));
    return lp_wire_write(to, n, from);
}

loop_error *lp_side_text(lp_arena *a, loop_string s, size_t max, const char *what, const char **ret)
{
    if (s.len > max)
        return loop_error_new(LOOP_UNAVAILABLE, "%s of %zu bytes, over %zu", what, s.len, max);
    char *copy = lp_arena_strndup(a, s.ptr, s.len);
    for (size_t i = 0; i < s.len; i++)
        if ((uint8_t)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            copy[i] = ' ';
    *ret = copy;
    return NULL;
}

/* ---- errors ---- */

static loop_code code_of(const char *name)
{
    for (int c = LOOP_USAGE; c <= LOOP_CONFIG; c++)
        if (strcmp(loop_code_name((loop_code)c), name) == 0)
            return (loop_code)c;
    return LOOP_UNAVAILABLE;
}

/* The innermost message first, as causes are made. */
static loop_error *make_error(loop_code code, const char *const *messages, size_t n,
                              const char *hint)
{
    loop_error *e = loop_error_new(code, "%s", messages[n - 1]);
    if (hint)
        e = loop_error_hint_set(e, "%s", hint);
    for (size_t i = n - 1; i-- > 0;)
        e = loop_error_wrap(e, "%s", messages[i]);
    return e;
}

static loop_error *read_error(lp_frame *f, const uint8_t *data, size_t len, loop_error **ret)
{
    struct lp_side_wire_error w = {0};
    const char *code, *hint = NULL, *messages[LP_MAX_SIDE_MESSAGES];
    LP_TRY(lp_side_read(f, LP_SIDE_TYPE_ERROR, data, len, false, &w, sizeof w));
    if (w.messages.len == 0 || w.messages.len > LP_MAX_SIDE_MESSAGES)
        return loop_error_new(LOOP_UNAVAILABLE, "an error of %zu messages; 1 to %d", w.messages.len,
                              LP_MAX_SIDE_MESSAGES);
    LP_TRY(lp_side_text(&f->arena, w.code, LP_MAX_NAME, "the code of an error", &code));
    for (size_t i = 0; i < w.messages.len; i++)
        LP_TRY(lp_side_text(&f->arena, w.messages.ptr[i], LP_MAX_SIDE_TEXT,
                            "the message of an error", &messages[i]));
    if (w.hint.is_some)
        LP_TRY(
            lp_side_text(&f->arena, w.hint.value, LP_MAX_SIDE_TEXT, "the hint of an error", &hint));
    *ret = make_error(code_of(code), messages, w.messages.len, hint);
    return NULL;
}

static void done_frame(lp_frame *f)
{
    lp_frame_done(f);
}

loop_error *lp_side_error_read(const uint8_t *data, size_t len, loop_error **ret_error)
{
    lp_auto(done_frame) lp_frame f = {0};
    lp_frame_begin(&f);
    return read_error(&f, data, len, ret_error);
}

/* At most `max` bytes, cut between characters. */
static loop_string cut(const char *text, size_t max)
{
    loop_string s = loop_string_of(text);
    if (s.len > max) {
        s.len = max;
        while (s.len && ((uint8_t)s.ptr[s.len] & 0xc0) == 0x80)
            s.len--;
    }
    return s;
}

loop_error *lp_side_error_write(const loop_error *e, lp_wire_out *to)
{
    loop_string messages[LP_MAX_SIDE_MESSAGES];
    const char *hint = loop_error_hint(e);
    size_t n = 0;
    struct lp_side_wire_error w = {.code = loop_string_of(loop_code_name(loop_error_code(e))),
                                   .hint.is_some = hint != NULL};
    if (hint)
        w.hint.value = cut(hint, LP_MAX_SIDE_TEXT);
    for (const loop_error *c = e; c && n < LP_COUNT(messages); c = loop_error_cause(c))
        messages[n++] = cut(loop_error_message(c), LP_MAX_SIDE_TEXT);
    w.messages = (loop_list_string){messages, n};
    return lp_side_write(LP_SIDE_TYPE_ERROR, &w, sizeof w, to);
}

/* ---- calls ---- */

loop_error *lp_side_caller_write(const lp_side_caller *c, lp_wire_out *to)
{
    /* Never cut: two callers could become one. */
    if (strlen(c->identity) > LP_MAX_IDENTITY)
        return loop_error_new(LOOP_LIMIT, "an identity of %zu bytes, over %d", strlen(c->identity),
                              LP_MAX_IDENTITY);
    const struct lp_side_wire_caller w = {
        .component = cut(c->component, LP_MAX_NAME),
        .identity = loop_string_of(c->identity),
        .instance = c->instance,
        .storage = c->storage,
        .storage_why = c->storage_why,
    };
    return lp_side_write(LP_SIDE_TYPE_CALLER, &w, sizeof w, to);
}

loop_error *lp_side_call_write(lp_wire_out *to, uint32_t caller, size_t interface, size_t function,
                               uint32_t deadline_ms, uint32_t parent)
{
    LP_TRY(lp_wire_number(to, caller));
    LP_TRY(lp_wire_number(to, interface));
    LP_TRY(lp_wire_number(to, function));
    LP_TRY(lp_wire_number(to, deadline_ms));
    return lp_wire_number(to, parent);
}

loop_error *lp_side_next_read(lp_wire_in *in, lp_side_next *ret)
{
    uint64_t call, interface, function;
    LP_TRY(lp_wire_read_number(in, 32, &call));
    LP_TRY(lp_wire_read_number(in, 32, &interface));
    LP_TRY(lp_wire_read_number(in, 32, &function));
    *ret = (lp_side_next){(uint32_t)call, (uint32_t)interface, (uint32_t)function};
    return NULL;
}

loop_error *lp_side_cancel_write(lp_wire_out *to, loop_cancel_reason reason, uint32_t remaining_ms)
{
    LP_TRY(lp_wire_number(to, reason < 0 ? LOOP_CANCEL_STOPPED : (unsigned)reason));
    return lp_wire_number(to, remaining_ms);
}

loop_error *lp_side_drop_write(lp_wire_out *to, const lp_side_drop *d)
{
    LP_TRY(lp_wire_number(to, d->interface));
    LP_TRY(lp_wire_number(to, d->resource));
    return lp_wire_number(to, d->handle);
}

loop_error *lp_side_drop_read(const uint8_t *data, size_t len, lp_side_drop *ret)
{
    uint64_t interface, resource, handle;
    lp_wire_in in = {.at = data, .end = data + len};
    LP_TRY(lp_wire_read_number(&in, 32, &interface));
    LP_TRY(lp_wire_read_number(&in, 32, &resource));
    LP_TRY(lp_wire_read_number(&in, 64, &handle));
    LP_TRY(lp_wire_end(&in));
    *ret = (lp_side_drop){(uint32_t)interface, (uint32_t)resource, handle};
    return NULL;
}

loop_error *lp_side_save_write(lp_wire_out *to, size_t interface, loop_pass pass)
{
    LP_TRY(lp_wire_number(to, interface));
    return lp_wire_number(to, (unsigned)pass);
}

loop_error *lp_side_save_object_write(lp_wire_out *to, const lp_side_drop *d)
{
    return lp_side_drop_write(to, d);
}

loop_error *lp_side_restore_object_write(lp_wire_out *to, size_t interface, size_t resource)
{
    LP_TRY(lp_wire_number(to, interface));
    return lp_wire_number(to, resource);
}

loop_error *lp_side_handle_read(const uint8_t *data, size_t len, uint64_t *ret)
{
    lp_wire_in in = {.at = data, .end = data + len};
    LP_TRY(lp_wire_read_number(&in, 64, ret));
    LP_TRY(lp_wire_end(&in));
    if (*ret % 2 == 0 || *ret >> 53)
        return loop_error_new(LOOP_UNAVAILABLE, "it made the handle %llu, which is none of its own",
                              (unsigned long long)*ret);
    return NULL;
}

loop_error *lp_side_credit_read_frame(const lp_side_frame *f, uint64_t *ret)
{
    lp_wire_in in = {.at = f->payload, .end = f->payload + f->len};
    LP_TRY(lp_wire_read_number(&in, 32, ret));
    return lp_wire_end(&in);
}

/* ---- the log ---- */

/* Cut to `max`, not refused: an entry that is too long is still worth reading. */
static const char *log_text(lp_arena *a, loop_string s, size_t max)
{
    const char *text = "";
    if (s.len > max) {
        s.len = max;
        while (s.len && ((uint8_t)s.ptr[s.len] & 0xc0) == 0x80)
            s.len--;
    }
    loop_error_delete(lp_side_text(a, s, max, "", &text));
    return text;
}

static void log_field(lp_arena *a, const struct lp_side_wire_field *w, loop_log_field *f)
{
    f->name = log_text(a, w->name, LP_MAX_LOG_FIELD);
    f->kind = (loop_log_kind)w->value.tag;
    switch (f->kind) {
    case LOOP_LOG_TEXT:
        f->of.text = loop_string_of(log_text(a, w->value.of.text, LP_MAX_LOG_FIELD));
        break;
    case LOOP_LOG_INTEGER: f->of.integer = w->value.of.integer; break;
    case LOOP_LOG_FLOAT: f->of.number = w->value.of.number; break;
    case LOOP_LOG_BOOLEAN: f->of.boolean = w->value.of.boolean; break;
    }
}

static loop_error *read_log(lp_frame *frame, lp_arena *a, const uint8_t *data, size_t len,
                            loop_log_entry *ret)
{
    struct lp_side_wire_log w = {0};
    LP_TRY(lp_side_read(frame, LP_SIDE_TYPE_LOG, data, len, false, &w, sizeof w));
    size_t n = LP_MIN(w.fields.len, (size_t)LP_MAX_LOG_FIELDS);
    loop_log_field *fields = lp_arena_alloc(a, n * sizeof *fields);
    for (size_t i = 0; i < n; i++)
        log_field(a, (const struct lp_side_wire_field *)w.fields.ptr + i, &fields[i]);
    *ret = (loop_log_entry){.level = (loop_log_level)w.level,
                            .wall_ms = w.wall_ms,
                            .target = log_text(a, w.target, LP_MAX_NAME),
                            .message = log_text(a, w.message, LP_MAX_LOG_MESSAGE),
                            .fields = fields,
                            .field_count = n};
    return NULL;
}

loop_error *lp_side_log_read(lp_arena *a, const uint8_t *data, size_t len, loop_log_entry *ret)
{
    lp_auto(done_frame) lp_frame f = {0};
    lp_frame_begin(&f);
    return read_log(&f, a, data, len, ret);
}
