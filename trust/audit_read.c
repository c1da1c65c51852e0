/*
 * trust/audit_read.c: an audit log back into what was noted.
 *
 * A file that others could have written to: what is no line of ours is an error with its number,
 * and unknown keys are passed over, since later releases may have more. A later line of the same
 * kind has the count of the earlier ones in it.
 */
#include <jansson.h>
#include <stdlib.h>

#include "trust/audit.h"

static const char *text(const json_t *from, const char *key)
{
    const char *s = json_string_value(json_object_get(from, key));
    return s ? s : "";
}

static uint64_t number(const json_t *from, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(from, key));
    return n > 0 ? (uint64_t)n : 0;
}

static bool find_kind(const char *name, loop_grant_kind *ret)
{
    for (int i = 0; i < LOOP_GRANT_KINDS; i++) {
        if (strcmp(loop_grant_kind_name((loop_grant_kind)i), name) == 0) {
            *ret = (loop_grant_kind)i;
            return true;
        }
    }
    return false;
}

/* Adds the row of an object, which lives on; NULL: what is wrong with it otherwise. */
static const char *add_row(loop_audit *a, const json_t *o)
{
    const json_t *by = json_object_get(o, "by");
    loop_audit_entry e = {
        .component = text(o, "component"),
        .instance = number(o, "instance"),
        .name = text(o, "name"),
        .write = json_is_true(json_object_get(o, "write")),
        .address = text(o, "address"),
        .allowed = json_is_true(json_object_get(o, "allowed")),
        .observed = json_is_true(json_object_get(o, "observed")),
        .by = text(by, "text"),
        .host = text(by, "host"),
        .bytes = number(by, "bytes"),
        .reason = text(o, "reason"),
        .hint = text(o, "hint"),
        .count = number(o, "count"),
    };
    uint64_t port = number(o, "port");
    if (!*e.component || !find_kind(text(o, "kind"), &e.kind))
        return "it has no component, or no known kind";
    if (port > UINT16_MAX || !e.count || !json_is_boolean(json_object_get(o, "allowed")))
        return "its port, its count or whether it was allowed is none";
    e.port = (uint16_t)port;
    if (*e.by)
        e.origin = (loop_origin){text(by, "source"), (unsigned)number(by, "line"),
                                 (unsigned)number(by, "column")};
    uint64_t count = e.count;
    e.count = 0;
    struct lp_audited *r = lp_audit_add(a, &e);
    if (r && count > r->row.count)
        r->row.count = count;
    return r ? NULL : "there are too many kinds of decisions before it";
}

loop_error *lp_audit_parse(loop_audit *a, const char *line, size_t len)
{
    json_error_t where;
    json_t *o = json_loadb(line, len, JSON_REJECT_DUPLICATES, &where);
    const char *bad = json_is_object(o) ? add_row(a, o) : "it is no JSON object";
    json_decref(o);
    return bad ? loop_error_new(LOOP_INVALID, "%s", bad) : NULL;
}

loop_error *loop_audit_read(const char *path, loop_audit **ret)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    LP_TRY(lp_os_read_file(path, LP_MAX_AUDIT_BYTES, &bytes, &n));
    loop_audit *a = lp_audit_new();
    loop_error *e = NULL;
    unsigned number = 0;
    for (size_t at = 0; !e && at < n;) {
        const uint8_t *end = memchr(bytes + at, '\n', n - at);
        size_t len = end ? (size_t)(end - bytes) - at : n - at;
        number++;
        e = len ? lp_audit_parse(a, (const char *)bytes + at, len) : NULL;
        if (e)
            e = loop_error_wrap(e, "line %u of '%s' is none of an audit log", number, path);
        at += len + 1;
    }
    free(bytes);
    if (!e) {
        *ret = a;
        return NULL;
    }
    loop_error_delete(loop_audit_close(a));
    return e;
}
