/*
 * control/request.c: what a client asks, as a line of JSON (knowledge/control.md).
 *
 *     {"loop":1,"do":"status"}
 *     {"loop":1,"do":"swap","instance":"notes","interface":"loop:storage/store",
 *      "links":[{"provider":"sqlite","options":["file","notes.db"]}],"carry":"state"}
 *     {"loop":1,"do":"replace","instance":"notes","component":"/home/ada/notes.wasm"}
 *     {"loop":1,"do":"reload","instance":"notes"}
 *
 * A client may be broken or hostile: what is unknown, missing, of another type or too long is an
 * error that names it, and nothing is done. Keys that are not known are refused, since a wish that
 * is carried out in part is another wish.
 */
#include <jansson.h>

#include "control/internal.h"

/* ---- reading ---- */

struct reading {
    const json_t *from;
    lp_arena *arena;
    loop_error *error; /* the first */
};

static void fail(struct reading *r, const char *key, const char *expected)
{
    if (!r->error)
        r->error = loop_error_new(LOOP_USAGE, "expected %s for '%s'", expected, key);
}

/* Text of at most `max` bytes; NULL where there is none. */
static const char *text(struct reading *r, const json_t *from, const char *key, size_t max)
{
    const json_t *v = json_object_get(from, key);
    if (!v)
        return NULL;
    if (!json_is_string(v) || !json_string_length(v)) {
        fail(r, key, "text");
        return NULL;
    }
    if (json_string_length(v) > max) {
        if (!r->error)
            r->error = loop_error_new(LOOP_LIMIT, "'%s' has more than %zu bytes", key, max);
        return NULL;
    }
    return lp_arena_strndup(r->arena, json_string_value(v), json_string_length(v));
}

static const char *path(struct reading *r, const json_t *from, const char *key)
{
    const char *s = text(r, from, key, LP_MAX_PATH);
    if (s && s[0] != '/')
        fail(r, key, "an absolute path");
    return s;
}

static bool boolean(struct reading *r, const char *key)
{
    const json_t *v = json_object_get(r->from, key);
    if (v && !json_is_boolean(v))
        fail(r, key, "true or false");
    return json_is_true(v);
}

static uint64_t milliseconds(struct reading *r, const char *key)
{
    const json_t *v = json_object_get(r->from, key);
    if (!v)
        return 0;
    if (!json_is_integer(v) || json_integer_value(v) < 0 ||
        json_integer_value(v) > (json_int_t)LP_MAX_CONTROL_MS) {
        fail(r, key, "milliseconds of a day at most");
        return 0;
    }
    return (uint64_t)json_integer_value(v);
}

/* A list of at most `max` texts; NULL-terminated. NULL where there is none. */
static const char *const *texts(struct reading *r, const json_t *from, const char *key, size_t max,
                                size_t bytes)
{
    const json_t *list = json_object_get(from, key);
    if (!list)
        return NULL;
    size_t n = json_array_size(list);
    if (!json_is_array(list) || !n || n > max) {
        fail(r, key, "a list of texts, not too long");
        return NULL;
    }
    const char **ret = lp_arena_alloc(r->arena, (n + 1) * sizeof *ret);
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        if (!json_is_string(v) || json_string_length(v) > bytes) {
            fail(r, key, "a list of texts, not too long");
            return NULL;
        }
        ret[i] = lp_arena_strndup(r->arena, json_string_value(v), json_string_length(v));
    }
    return ret;
}

static void known_keys(struct reading *r, json_t *from, const char *const *keys)
{
    const char *key;
    json_t *unused;
    if (!json_is_object(from)) {
        fail(r, "links", "objects");
        return;
    }
    json_object_foreach(from, key, unused)
    {
        size_t i = 0;
        while (keys[i] && strcmp(keys[i], key) != 0)
            i++;
        if (!keys[i] && !r->error)
            r->error = loop_error_new(LOOP_USAGE, "'%.100s' is not known here", key);
    }
}

static loop_binding_link read_link(struct reading *r, json_t *from)
{
    static const char *const keys[] = {"provider", "component", "library",
                                       "sidecar",  "options",   NULL};
    static const char *const none[] = {NULL};
    known_keys(r, from, keys);
    loop_binding_link l = {
        .provider = text(r, from, "provider", LP_MAX_NAME),
        .component = text(r, from, "component", LP_MAX_NAME),
        .library = path(r, from, "library"),
        .sidecar = texts(r, from, "sidecar", LP_MAX_CONTROL_WORDS, LP_MAX_PATH),
        .options = texts(r, from, "options", 2 * LP_MAX_TABLE_OPTIONS, LP_MAX_OPTION_TEXT),
    };
    l.options = l.options ? l.options : none;
    return l;
}

static void read_links(struct reading *r, loop_wish *w)
{
    const json_t *list = json_object_get(r->from, "links");
    size_t n = json_array_size(list);
    if (!list)
        return;
    if (!json_is_array(list) || !n || n > LP_MAX_CHAIN) {
        fail(r, "links", "a list of 1 to 8 providers");
        return;
    }
    loop_binding_link *links = lp_arena_alloc(r->arena, n * sizeof *links);
    for (size_t i = 0; i < n; i++)
        links[i] = read_link(r, json_array_get(list, i));
    w->links = links;
    w->count = n;
}

static void read_carry(struct reading *r, loop_wish *w)
{
    const char *carry = text(r, r->from, "carry", LP_MAX_NAME);
    w->carry = carry && strcmp(carry, "none") == 0 ? LOOP_CARRY_NONE : LOOP_CARRY_STATE;
    if (carry && w->carry == LOOP_CARRY_STATE && strcmp(carry, "state") != 0)
        fail(r, "carry", "\"state\" or \"none\"");
}

static void read_wish(struct reading *r, const char *what, loop_wish *w)
{
    w->instance = text(r, r->from, "instance", LP_MAX_NAME);
    w->interface_name = text(r, r->from, "interface", LP_MAX_NAME);
    w->component = path(r, r->from, "component");
    w->directory = path(r, r->from, "directory");
    w->reload = strcmp(what, "reload") == 0;
    w->dry_run = boolean(r, "dry-run");
    w->restart = boolean(r, "restart");
    w->deadline_ms = milliseconds(r, "deadline-ms");
    w->drain_ms = milliseconds(r, "drain-ms");
    read_carry(r, w);
    read_links(r, w);
    bool swap = strcmp(what, "swap") == 0, replace = strcmp(what, "replace") == 0;
    if (!r->error && swap && (!w->links || w->component))
        r->error = loop_error_new(LOOP_USAGE, "a swap has 'links' and no 'component'");
    if (!r->error && replace && (!w->component || w->links))
        r->error = loop_error_new(LOOP_USAGE, "a replacement has a 'component' and no 'links'");
    if (!r->error)
        r->error = lp_wish_check(w);
}

static loop_error *check_version(const json_t *root)
{
    const json_t *version = json_object_get(root, "loop");
    if (!json_is_object(root) || !json_is_integer(version))
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "this is no request to loop"),
                                   "a request is {\"loop\":1,\"do\":\"status\"} in one line");
    if (json_integer_value(version) == LP_CONTROL_VERSION)
        return NULL;
    return loop_error_hint_set(loop_error_new(LOOP_USAGE,
                                              "version %lld of the protocol is not known",
                                              (long long)json_integer_value(version)),
                               "this host speaks version %d", LP_CONTROL_VERSION);
}

static loop_error *read_request(json_t *root, lp_request *ret)
{
    static const char *const keys[] = {
        "loop",  "do",      "instance", "interface",   "component", "links", "directory",
        "carry", "dry-run", "restart",  "deadline-ms", "drain-ms",  NULL};
    static const char *const kinds[] = {"status", "swap", "replace", "reload"};
    struct reading r = {.from = root, .arena = &ret->arena};
    LP_TRY(check_version(root));
    known_keys(&r, root, keys);
    const char *what = text(&r, root, "do", LP_MAX_NAME);
    size_t kind = 0;
    while (what && kind < LP_COUNT(kinds) && strcmp(kinds[kind], what) != 0)
        kind++;
    if (!r.error && (!what || kind == LP_COUNT(kinds)))
        fail(&r, "do", "status, swap, replace or reload");
    if (r.error)
        return r.error;
    ret->status = kind == 0;
    if (ret->status && json_object_size(root) > 2)
        return loop_error_new(LOOP_USAGE, "'status' takes nothing else");
    if (!ret->status)
        read_wish(&r, what, &ret->wish);
    return r.error;
}

loop_error *lp_request_read(const char *line, size_t n, lp_request *ret)
{
    json_error_t at;
    lp_request q = {0};
    if (n > LP_MAX_CONTROL_LINE)
        return loop_error_new(LOOP_LIMIT, "a request has more than %u bytes", LP_MAX_CONTROL_LINE);
    json_t *root = json_loadb(line, n, JSON_REJECT_DUPLICATES, &at);
    if (!root)
        return loop_error_new(LOOP_USAGE, "a request is no JSON: byte %d: %s", at.position,
                              at.text);
    loop_error *e = read_request(root, &q);
    json_decref(root);
    if (e) {
        lp_request_done(&q);
        return e;
    }
    *ret = q;
    return NULL;
}

void lp_request_done(lp_request *r)
{
    lp_arena_done(&r->arena);
    *r = (lp_request){0};
}

/* ---- what can be wished ---- */

static loop_error *check_link(const loop_binding_link *l, const char *directory)
{
    size_t options = 0;
    if (!!l->provider + !!l->component + !!l->library + !!l->sidecar != 1)
        return loop_error_new(LOOP_USAGE,
                              "a link is a provider, a component, a library or a sidecar");
    if (l->library && l->library[0] != '/')
        return loop_error_new(LOOP_USAGE, "the path of a library is absolute");
    if (l->sidecar && (!l->sidecar[0] || !directory))
        return loop_error_new(LOOP_USAGE, "a sidecar has a command and a 'directory'");
    while (l->options && l->options[options])
        options++;
    return options % 2 ? loop_error_new(LOOP_USAGE, "'options' are names and values by turns")
                       : NULL;
}

loop_error *lp_wish_check(const loop_wish *w)
{
    int kinds = w->reload + (w->links != NULL) + (w->component != NULL);
    if (kinds != 1)
        return loop_error_new(LOOP_USAGE, "one of links, a component and reload is wished for");
    if (!w->instance && !w->reload)
        return loop_error_new(LOOP_USAGE, "which instance? none is named");
    if (w->component && (w->interface_name || w->component[0] != '/'))
        return loop_error_new(LOOP_USAGE, "a component has an absolute path, and no interface");
    if (w->links && (!w->interface_name || !w->count || w->count > LP_MAX_CHAIN))
        return loop_error_new(LOOP_USAGE, "a swap is of one interface, and has 1 to 8 links");
    if (w->interface_name && !w->instance)
        return loop_error_new(LOOP_USAGE, "an interface of which instance?");
    for (size_t i = 0; i < w->count; i++)
        LP_TRY(check_link(&w->links[i], w->directory));
    return NULL;
}

/* ---- writing ---- */

static void put(lp_buf *b, const char *key, const char *value)
{
    if (!value)
        return;
    lp_buf_printf(b, ",\"%s\":", key);
    lp_buf_json(b, value, strlen(value));
}

static void put_list(lp_buf *b, const char *key, const char *const *list, bool first)
{
    if (!list || !list[0])
        return;
    lp_buf_printf(b, "%s\"%s\":[", first ? "" : ",", key);
    for (size_t i = 0; list[i]; i++) {
        lp_buf_puts(b, i ? "," : "");
        lp_buf_json(b, list[i], strlen(list[i]));
    }
    lp_buf_puts(b, "]");
}

static void put_link(lp_buf *b, const loop_binding_link *l)
{
    const char *text = l->provider ? l->provider : l->component ? l->component : l->library;
    lp_buf_puts(b, "{");
    if (text) {
        lp_buf_puts(b, l->provider    ? "\"provider\":"
                       : l->component ? "\"component\":"
                                      : "\"library\":");
        lp_buf_json(b, text, strlen(text));
    } else {
        put_list(b, "sidecar", l->sidecar, true);
    }
    put_list(b, "options", l->options, false);
    lp_buf_puts(b, "}");
}

void lp_request_write(lp_buf *b, const loop_wish *w)
{
    const char *what = !w ? "status" : w->reload ? "reload" : w->links ? "swap" : "replace";
    lp_buf_printf(b, "{\"loop\":%d,\"do\":\"%s\"", LP_CONTROL_VERSION, what);
    if (w) {
        put(b, "instance", w->instance);
        put(b, "interface", w->interface_name);
        put(b, "component", w->component);
        put(b, "directory", w->directory);
        for (size_t i = 0; i < w->count; i++) {
            lp_buf_puts(b, i ? "," : ",\"links\":[");
            put_link(b, &w->links[i]);
            lp_buf_puts(b, i + 1 == w->count ? "]" : "");
        }
        put(b, "carry", w->carry == LOOP_CARRY_NONE ? "none" : NULL);
        lp_buf_puts(b, w->dry_run ? ",\"dry-run\":true" : "");
        lp_buf_puts(b, w->restart ? ",\"restart\":true" : "");
        if (w->deadline_ms)
            lp_buf_printf(b, ",\"deadline-ms\":%llu", (unsigned long long)w->deadline_ms);
        if (w->drain_ms)
            lp_buf_printf(b, ",\"drain-ms\":%llu", (unsigned long long)w->drain_ms);
    }
    lp_buf_puts(b, "}\n");
}
