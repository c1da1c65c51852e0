/*
 * control/answer.c: what a host answers, as lines of JSON (knowledge/control.md).
 *
 *     {"loop":1,"step":"notes: loop:storage/store"}                 begins
 *     {"loop":1,"step":"notes: loop:storage/store","report":{...}}  has ended, or with "error"
 *     {"loop":1,"status":{...}}                                     the last line,
 *     {"loop":1,"end":null}, {"loop":1,"end":{"code":77,...}}       or one of these
 *
 * Numbers are written up to 2^53, which every reader of JSON keeps. The reader is for hosts of
 * the same version and of later ones: keys that it does not know are passed over, what is missing
 * is empty, and what is there has to have its type.
 */
#include <jansson.h>

#include "control/internal.h"

#define MOST (1ull << 53)
#define MAX_MESSAGES 32 /* an error and its causes */

static const char *const tiers[] = {
    [LOOP_TIER_ENGINE] = "engine",       [LOOP_TIER_BUILTIN] = "built-in",
    [LOOP_TIER_LIBRARY] = "library",     [LOOP_TIER_SIDECAR] = "sidecar",
    [LOOP_TIER_COMPONENT] = "component", [LOOP_TIER_STUB] = "stub",
};
static const char *const conditions[] = {
    [LOOP_CONDITION_NEW] = "new",
    [LOOP_CONDITION_RUNNING] = "running",
    [LOOP_CONDITION_SWAPPING] = "swapping",
    [LOOP_CONDITION_STOPPING] = "stopping",
    [LOOP_CONDITION_ENDED] = "ended",
    [LOOP_CONDITION_RESTING] = "resting",
    [LOOP_CONDITION_QUARANTINED] = "quarantined",
};
static const char *const kinds[] = {
    [LOOP_COMPONENT_COMMAND] = "command",
    [LOOP_COMPONENT_APP] = "app",
    [LOOP_COMPONENT_HTTP] = "http",
    [LOOP_COMPONENT_LIBRARY] = "library",
};

/* ---- writing ---- */

static void put_text(lp_buf *b, const char *key, const char *text)
{
    lp_buf_printf(b, "\"%s\":", key);
    lp_buf_json(b, text ? text : "", text ? strlen(text) : 0);
}

static void put_number(lp_buf *b, const char *key, uint64_t n)
{
    lp_buf_printf(b, ",\"%s\":%llu", key, (unsigned long long)LP_MIN(n, MOST));
}

static const char *name_in(const char *const *names, size_t n, size_t i)
{
    return i < n ? names[i] : "";
}

static void put_import(lp_buf *b, const loop_import_status *m)
{
    lp_buf_puts(b, "{");
    put_text(b, "interface", m->interface_name);
    lp_buf_puts(b, ",");
    put_text(b, "chain", m->chain);
    lp_buf_printf(b, ",\"tier\":\"%s\"", name_in(tiers, LP_COUNT(tiers), m->tier));
    put_number(b, "generation", m->generation);
    put_number(b, "calls", m->calls);
    lp_buf_printf(b, ",\"in-flight\":%s", m->in_flight ? "true" : "false");
    put_number(b, "p50-ns", m->p50_ns);
    put_number(b, "p99-ns", m->p99_ns);
    put_number(b, "max-ns", m->max_ns);
    lp_buf_puts(b, ",\"generations\":[");
    for (size_t i = 0; i < m->generation_count; i++) {
        const loop_generation_status *g = &m->generations[i];
        lp_buf_puts(b, i ? ",{" : "{");
        put_text(b, "chain", g->chain);
        put_number(b, "generation", g->generation);
        put_number(b, "handles", g->handles);
        lp_buf_printf(b, ",\"drains\":%s}", g->drains ? "true" : "false");
    }
    lp_buf_puts(b, "]}");
}

static void put_instance(lp_buf *b, const loop_instance_status *s)
{
    lp_buf_puts(b, "{");
    put_text(b, "name", s->name);
    put_number(b, "number", s->number);
    lp_buf_puts(b, ",");
    put_text(b, "path", s->path);
    lp_buf_printf(b, ",\"kind\":\"%s\",\"condition\":\"%s\"",
                  name_in(kinds, LP_COUNT(kinds), s->kind),
                  name_in(conditions, LP_COUNT(conditions), s->condition));
    if (s->provider) {
        lp_buf_puts(b, ",");
        put_text(b, "provider", s->provider);
    }
    put_number(b, "uptime-ms", s->uptime_ms);
    put_number(b, "swaps", s->swaps);
    put_number(b, "restarts", s->restarts);
    put_number(b, "waiting", s->waiting);
    put_number(b, "failures", s->failures);
    if (s->failure) {
        lp_buf_puts(b, ",");
        put_text(b, "failure", s->failure);
    }
    lp_buf_puts(b, ",\"imports\":[");
    for (size_t i = 0; i < s->import_count; i++) {
        lp_buf_puts(b, i ? "," : "");
        put_import(b, &s->imports[i]);
    }
    lp_buf_puts(b, "]}");
}

void lp_answer_status(lp_buf *b, const loop_status *s)
{
    lp_buf_printf(b, "{\"loop\":%d,\"status\":{\"instances\":[", LP_CONTROL_VERSION);
    for (size_t i = 0; i < s->instance_count; i++) {
        lp_buf_puts(b, i ? "," : "");
        put_instance(b, &s->instances[i]);
    }
    lp_buf_puts(b, "]");
    put_number(b, "swaps", s->swaps);
    put_number(b, "rolled-back", s->rolled_back);
    lp_buf_puts(b, "}}\n");
}

static void put_error(lp_buf *b, const loop_error *e)
{
    size_t n = 0;
    lp_buf_printf(b, "{\"code\":%d,\"messages\":[", (int)loop_error_code(e));
    for (const loop_error *c = e; c && n < MAX_MESSAGES; c = loop_error_cause(c), n++) {
        lp_buf_puts(b, n ? "," : "");
        lp_buf_json(b, loop_error_message(c), strlen(loop_error_message(c)));
    }
    lp_buf_puts(b, "]");
    if (loop_error_hint(e)) {
        lp_buf_puts(b, ",");
        put_text(b, "hint", loop_error_hint(e));
    }
    lp_buf_puts(b, "}");
}

static void put_report(lp_buf *b, const loop_swap_report *r)
{
    lp_buf_puts(b, "{");
    put_text(b, "from", r->from);
    lp_buf_puts(b, ",");
    put_text(b, "to", r->to);
    put_number(b, "generation", r->generation);
    put_number(b, "instances", r->instances);
    put_number(b, "handles-moved", r->handles_moved);
    put_number(b, "handles-left", r->handles_left);
    put_number(b, "state-bytes", r->state_bytes);
    put_number(b, "rest-bytes", r->rest_bytes);
    put_number(b, "pause-ns", r->pause_ns);
    put_number(b, "whole-ns", r->whole_ns);
    if (r->warning) {
        lp_buf_puts(b, ",");
        put_text(b, "warning", r->warning);
    }
    lp_buf_puts(b, "}");
}

void lp_answer_step(lp_buf *b, const char *what, const loop_error *error,
                    const loop_swap_report *report)
{
    lp_buf_printf(b, "{\"loop\":%d,", LP_CONTROL_VERSION);
    put_text(b, "step", what);
    lp_buf_puts(b, error ? ",\"error\":" : report ? ",\"report\":" : "");
    if (error)
        put_error(b, error);
    else if (report)
        put_report(b, report);
    lp_buf_puts(b, "}\n");
}

void lp_answer_end(lp_buf *b, const loop_error *error)
{
    lp_buf_printf(b, "{\"loop\":%d,\"end\":", LP_CONTROL_VERSION);
    if (error)
        put_error(b, error);
    else
        lp_buf_puts(b, "null");
    lp_buf_puts(b, "}\n");
}

/* ---- reading ---- */

struct reading {
    lp_arena *arena;
    bool wrong;
};

static const char *text(struct reading *r, const json_t *from, const char *key)
{
    const json_t *v = json_object_get(from, key);
    r->wrong = r->wrong || (v && !json_is_string(v));
    return json_is_string(v)
               ? lp_arena_strndup(r->arena, json_string_value(v), json_string_length(v))
               : "";
}

static uint64_t number(struct reading *r, const json_t *from, const char *key)
{
    const json_t *v = json_object_get(from, key);
    json_int_t n = json_integer_value(v);
    r->wrong = r->wrong || (v && (!json_is_integer(v) || n < 0 || (uint64_t)n > MOST));
    return n > 0 ? (uint64_t)n : 0;
}

static bool boolean(struct reading *r, const json_t *from, const char *key)
{
    const json_t *v = json_object_get(from, key);
    r->wrong = r->wrong || (v && !json_is_boolean(v));
    return json_is_true(v);
}

/* The place of the text in the list; 0 for one that this loop does not know. */
static unsigned row(struct reading *r, const json_t *from, const char *key,
                    const char *const *names, size_t n)
{
    const char *s = text(r, from, key);
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], s) == 0)
            return (unsigned)i;
    return 0;
}

/* Room for the items of a list, which is NULL where there is none. */
static void *list(struct reading *r, const json_t *from, const char *key, size_t size,
                  const json_t **ret, size_t *ret_n)
{
    const json_t *v = json_object_get(from, key);
    r->wrong = r->wrong || (v && !json_is_array(v));
    *ret = v;
    *ret_n = json_array_size(v);
    void *items = *ret_n ? lp_arena_alloc(r->arena, *ret_n * size) : NULL;
    if (!items)
        *ret_n = 0;
    return items;
}

static void read_import(struct reading *r, const json_t *from, loop_import_status *ret)
{
    const json_t *items;
    *ret = (loop_import_status){
        .interface_name = text(r, from, "interface"),
        .chain = text(r, from, "chain"),
        .tier = (loop_tier)row(r, from, "tier", tiers, LP_COUNT(tiers)),
        .generation = (uint32_t)number(r, from, "generation"),
        .calls = number(r, from, "calls"),
        .in_flight = boolean(r, from, "in-flight"),
        .p50_ns = number(r, from, "p50-ns"),
        .p99_ns = number(r, from, "p99-ns"),
        .max_ns = number(r, from, "max-ns"),
    };
    loop_generation_status *g =
        list(r, from, "generations", sizeof *g, &items, &ret->generation_count);
    for (size_t i = 0; i < ret->generation_count; i++) {
        const json_t *v = json_array_get(items, i);
        g[i] = (loop_generation_status){
            .generation = (uint32_t)number(r, v, "generation"),
            .chain = text(r, v, "chain"),
            .handles = number(r, v, "handles"),
            .drains = boolean(r, v, "drains"),
        };
    }
    ret->generations = g;
}

static void read_instance(struct reading *r, const json_t *from, loop_instance_status *ret)
{
    const json_t *items;
    *ret = (loop_instance_status){
        .name = text(r, from, "name"),
        .number = number(r, from, "number"),
        .path = text(r, from, "path"),
        .kind = (loop_component_kind)row(r, from, "kind", kinds, LP_COUNT(kinds)),
        .condition = (loop_condition)row(r, from, "condition", conditions, LP_COUNT(conditions)),
        .uptime_ms = number(r, from, "uptime-ms"),
        .swaps = (uint32_t)number(r, from, "swaps"),
        .restarts = (uint32_t)number(r, from, "restarts"),
        .waiting = (uint32_t)number(r, from, "waiting"),
        .failures = (uint32_t)number(r, from, "failures"),
    };
    if (json_object_get(from, "failure"))
        ret->failure = text(r, from, "failure");
    if (json_object_get(from, "provider"))
        ret->provider = text(r, from, "provider");
    loop_import_status *m = list(r, from, "imports", sizeof *m, &items, &ret->import_count);
    for (size_t i = 0; i < ret->import_count; i++)
        read_import(r, json_array_get(items, i), &m[i]);
    ret->imports = m;
}

static void read_status(struct reading *r, const json_t *from, loop_status *ret)
{
    const json_t *items;
    *ret = (loop_status){.swaps = (uint32_t)number(r, from, "swaps"),
                         .rolled_back = (uint32_t)number(r, from, "rolled-back")};
    loop_instance_status *s = list(r, from, "instances", sizeof *s, &items, &ret->instance_count);
    for (size_t i = 0; i < ret->instance_count; i++)
        read_instance(r, json_array_get(items, i), &s[i]);
    ret->instances = s;
}

static loop_error *read_error(struct reading *r, const json_t *from)
{
    const json_t *messages = json_object_get(from, "messages");
    size_t n = LP_MIN(json_array_size(messages), (size_t)MAX_MESSAGES);
    uint64_t code = number(r, from, "code");
    if (!n || code < LOOP_USAGE || code > LOOP_CONFIG) {
        r->wrong = true;
        return NULL;
    }
    loop_error *e = NULL;
    for (size_t i = n; i-- > 0;) {
        const char *s = json_string_value(json_array_get(messages, i));
        e = e ? loop_error_wrap(e, "%s", s ? s : "")
              : loop_error_new((loop_code)code, "%s", s ? s : "");
    }
    const char *hint = text(r, from, "hint");
    return *hint ? loop_error_hint_set(e, "%s", hint) : e;
}

static void read_report(struct reading *r, const json_t *from, loop_swap_report *ret)
{
    const char *warning = text(r, from, "warning");
    *ret = (loop_swap_report){
        .from = text(r, from, "from"),
        .to = text(r, from, "to"),
        .generation = (uint32_t)number(r, from, "generation"),
        .instances = (uint32_t)number(r, from, "instances"),
        .handles_moved = number(r, from, "handles-moved"),
        .handles_left = number(r, from, "handles-left"),
        .state_bytes = number(r, from, "state-bytes"),
        .rest_bytes = number(r, from, "rest-bytes"),
        .pause_ns = number(r, from, "pause-ns"),
        .whole_ns = number(r, from, "whole-ns"),
        .warning = *warning ? warning : NULL,
    };
}

static void read_answer(struct reading *r, const json_t *root, lp_answer *a)
{
    const json_t *end = json_object_get(root, "end"), *v;
    r->wrong = json_integer_value(json_object_get(root, "loop")) != LP_CONTROL_VERSION;
    if (end) {
        a->kind = LP_ANSWER_END;
        a->error = json_is_null(end) ? NULL : read_error(r, end);
    } else if ((v = json_object_get(root, "status"))) {
        a->kind = LP_ANSWER_STATUS;
        read_status(r, v, &a->status);
    } else if (json_object_get(root, "step")) {
        a->kind = LP_ANSWER_STEP;
        a->what = text(r, root, "step");
        v = json_object_get(root, "error");
        a->error = v ? read_error(r, v) : NULL;
        v = json_object_get(root, "report");
        a->has_report = v != NULL;
        if (v)
            read_report(r, v, &a->report);
    } else {
        r->wrong = true;
    }
}

loop_error *lp_answer_read(const char *line, size_t n, lp_answer *ret)
{
    json_error_t at;
    lp_answer a = {0};
    json_t *root = json_loadb(line, n, JSON_REJECT_DUPLICATES, &at);
    struct reading r = {.arena = &a.arena, .wrong = !root};
    if (root)
        read_answer(&r, root, &a);
    json_decref(root);
    if (r.wrong) {
        lp_answer_done(&a);
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "the host answers what is not known"),
            "it may be another version of loop");
    }
    *ret = a;
    return NULL;
}

void lp_answer_done(lp_answer *a)
{
    loop_error_delete(lp_take(&a->error));
    lp_arena_done(&a->arena);
    *a = (lp_answer){0};
}
