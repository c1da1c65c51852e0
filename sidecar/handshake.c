/* sidecar/handshake.c: WELCOME and START; see handshake.h. */
#include "sidecar/handshake.h"

#include <stdlib.h>

#include "sidecar/types.h"

#define MAGIC "loop-sidecar"

static const struct {
    const char *name;
    uint32_t bit;
} capabilities[] = {
    {"cancel", LP_SIDE_CAN_CANCEL},
    {"shared-memory", LP_SIDE_CAN_SHARE},
    {"state", LP_SIDE_CAN_STATE},
    {"state-copy", LP_SIDE_CAN_COPY},
};

struct reading {
    lp_arena *arena;
    lp_side_welcome *to;
};

/* ---- checks ---- */

static loop_error *too_many(size_t n, size_t max, const char *what)
{
    if (n <= max)
        return NULL;
    return loop_error_new(LOOP_LIMIT, "it has %zu %s, over %zu", n, what, max);
}

/* A name of at least one byte, of letters, digits and `more`. */
static loop_error *name_text(const struct reading *r, loop_string s, const char *more,
                             const char *what, const char **ret)
{
    bool good = s.len > 0 && s.len <= LP_MAX_NAME;
    for (size_t i = 0; good && i < s.len; i++) {
        char c = s.ptr[i];
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c && strchr(more, c));
    }
    if (good) {
        *ret = lp_arena_strndup(r->arena, s.ptr, s.len);
        return NULL;
    }
    const char *shown;
    s.len = LP_MIN(s.len, (size_t)LP_MAX_NAME);
    while (s.len && !lp_utf8_valid(s.ptr, s.len))
        s.len--;
    LP_TRY(lp_side_text(r->arena, s, LP_MAX_NAME, what, &shown));
    return loop_error_new(LOOP_UNAVAILABLE, "%s '%s', which is no name", what, shown);
}

/* Whether `name` is of the form "acme:weather/api". */
static bool is_interface(const char *name)
{
    const char *colon = strchr(name, ':'), *slash = strrchr(name, '/');
    return colon && slash && colon > name && slash > colon + 1 && slash[1];
}

/* ---- interfaces ---- */

static loop_error *read_function(const struct reading *r, const struct lp_side_wire_function *w,
                                 lp_side_function *f)
{
    f->implemented = w->implemented;
    LP_TRY(name_text(r, w->name, "-.[]", "a function", &f->name));
    loop_error *e = lp_signature_parse(r->arena, &r->to->resources,
                                       (lp_str){w->type.ptr, w->type.len}, &f->signature);
    if (!e)
        e = lp_plan_new(r->arena, f->signature, &f->plan);
    if (e)
        return loop_error_wrap(e, "the type of its function '%s' is none", f->name);
    f->type = lp_arena_strndup(r->arena, w->type.ptr, w->type.len);
    return NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* That no two of `n` names are the same. */
static loop_error *unique(const char *const *names, size_t n, const char *what)
{
    loop_error *e = NULL;
    const char **sorted = lp_alloc((n + 1) * sizeof *sorted);
    for (size_t i = 0; i < n; i++)
        sorted[i] = names[i];
    qsort(sorted, n, sizeof *sorted, by_text);
    for (size_t i = 1; i < n && !e; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            e = loop_error_new(LOOP_UNAVAILABLE, "it has the %s '%s' twice", what, sorted[i]);
    free(sorted);
    return e;
}

/* The rows as `loop bindgen` would write them, for whoever compares and counts. */
static const loop_interface *make_rows(lp_arena *a, const lp_side_interface *s)
{
    loop_function *functions = lp_arena_alloc(a, (s->function_count + 1) * sizeof *functions);
    loop_resource *resources = lp_arena_alloc(a, (s->resource_count + 1) * sizeof *resources);
    for (size_t i = 0; i < s->function_count; i++)
        functions[i] = (loop_function){.name = s->functions[i].name, .type = s->functions[i].type};
    for (size_t i = 0; i < s->resource_count; i++)
        resources[i] = (loop_resource){.name = s->resources[i]};
    loop_interface *rows = lp_arena_alloc(a, sizeof *rows);
    *rows = (loop_interface){.abi = LOOP_ABI,
                             .name = s->name,
                             .version = s->version,
                             .functions = functions,
                             .resources = resources};
    return rows;
}

static loop_error *read_interface(const struct reading *r, const struct lp_side_wire_interface *w,
                                  lp_side_interface *s)
{
    LP_TRY(name_text(r, w->name, "-:/.", "an interface", &s->name));
    if (!is_interface(s->name))
        return loop_error_hint_set(
            loop_error_new(LOOP_UNAVAILABLE, "an interface '%s', which is no name", s->name),
            "it is written as 'acme:weather/api', with its version apart");
    s->version = "";
    if (w->version.len)
        LP_TRY(name_text(r, w->version, "-.+", "a version", &s->version));
    LP_TRY(too_many(w->functions.len, LP_MAX_SIDE_FUNCTIONS, "functions in one interface"));
    LP_TRY(too_many(w->resources.len, LP_MAX_SIDE_RESOURCES, "resources in one interface"));
    s->function_count = w->functions.len;
    s->resource_count = w->resources.len;
    s->functions = lp_arena_alloc(r->arena, (s->function_count + 1) * sizeof *s->functions);
    s->resources = lp_arena_alloc(r->arena, (s->resource_count + 1) * sizeof *s->resources);
    const char **names = lp_arena_alloc(r->arena, (s->function_count + 1) * sizeof *names);
    for (size_t i = 0; i < s->function_count; i++) {
        const struct lp_side_wire_function *from = w->functions.ptr;
        LP_TRY(read_function(r, &from[i], &s->functions[i]));
        names[i] = s->functions[i].name;
    }
    for (size_t i = 0; i < s->resource_count; i++)
        LP_TRY(name_text(r, w->resources.ptr[i], "-", "a resource", &s->resources[i]));
    LP_TRY(unique(names, s->function_count, "function"));
    LP_TRY(unique(s->resources, s->resource_count, "resource"));
    s->rows = make_rows(r->arena, s);
    return NULL;
}

/* Two of one name differ in their version, and do not both define resources: types name those
   without a version. */
static loop_error *check_interfaces(const lp_side_welcome *w)
{
    for (size_t i = 0; i < w->interface_count; i++) {
        const lp_side_interface *a = &w->interfaces[i];
        for (size_t k = i + 1; k < w->interface_count; k++) {
            const lp_side_interface *b = &w->interfaces[k];
            if (strcmp(a->name, b->name) != 0)
                continue;
            if (strcmp(a->version, b->version) == 0 || (a->resource_count && b->resource_count))
                return loop_error_new(LOOP_UNAVAILABLE, "it has the interface '%s' twice", a->name);
        }
    }
    size_t interface;
    for (size_t i = 0; i < w->resources.n; i++) {
        const lp_resource *r = w->resources.at[i];
        if (lp_side_welcome_resource(w, r, &interface) == SIZE_MAX)
            return loop_error_new(LOOP_UNAVAILABLE,
                                  "its types name the resource '%s%s%s', which none of its "
                                  "interfaces defines",
                                  r->interface_name, *r->interface_name ? "." : "", r->name);
    }
    return NULL;
}

size_t lp_side_welcome_resource(const lp_side_welcome *w, const lp_resource *r,
                                size_t *ret_interface)
{
    for (size_t i = 0; i < w->interface_count; i++) {
        const lp_side_interface *s = &w->interfaces[i];
        for (size_t k = 0; strcmp(s->name, r->interface_name) == 0 && k < s->resource_count; k++)
            if (strcmp(s->resources[k], r->name) == 0) {
                *ret_interface = i;
                return k;
            }
    }
    return SIZE_MAX;
}

/* ---- options ---- */

static loop_error *read_option(const struct reading *r, const struct lp_side_wire_option *w,
                               lp_side_option *o)
{
    static const char *const types[] = {"string", "enum", "size", "duration",
                                        "number", "bool", "path"};
    const char *values;
    LP_TRY(name_text(r, w->name, "-", "an option", &o->name));
    LP_TRY(name_text(r, w->type, "", "the type of an option", &o->type));
    LP_TRY(lp_side_text(r->arena, w->values, LP_MAX_SIDE_TEXT, "the values of an option", &values));
    LP_TRY(lp_side_text(r->arena, w->help, LP_MAX_SIDE_TEXT, "the help of an option", &o->help));
    if (w->fallback.is_some)
        LP_TRY(lp_side_text(r->arena, w->fallback.value, LP_MAX_SIDE_TEXT,
                            "the fallback of an option", &o->fallback));
    o->values = *values ? values : NULL;
    for (size_t i = 0; i < LP_COUNT(types); i++)
        if (strcmp(types[i], o->type) == 0 && (strcmp(o->type, "enum") == 0) == (*values != 0))
            return NULL;
    return loop_error_new(LOOP_UNAVAILABLE, "its option '%s' is of the type '%s'%s, which is none",
                          o->name, o->type, *values ? " with values" : "");
}

static loop_error *read_options(const struct reading *r, const struct lp_side_list *from)
{
    lp_side_welcome *to = r->to;
    LP_TRY(too_many(from->len, LP_MAX_SIDE_OPTIONS, "options"));
    to->option_count = from->len;
    to->options = lp_arena_alloc(r->arena, (from->len + 1) * sizeof *to->options);
    const char *names[LP_MAX_SIDE_OPTIONS];
    for (size_t i = 0; i < from->len; i++) {
        LP_TRY(read_option(r, (const struct lp_side_wire_option *)from->ptr + i, &to->options[i]));
        names[i] = to->options[i].name;
    }
    return unique(names, from->len, "option");
}

/* ---- WELCOME ---- */

static loop_error *pick_version(const loop_list_u32 *known, uint32_t *ret)
{
    LP_TRY(too_many(known->len, LP_MAX_SIDE_VERSIONS, "versions of the protocol"));
    lp_buf text = {0};
    for (size_t i = 0; i < known->len; i++) {
        if (known->ptr[i] == LP_SIDE_VERSION)
            *ret = LP_SIDE_VERSION;
        lp_buf_printf(&text, "%s%u", i ? ", " : "", known->ptr[i]);
    }
    loop_error *e = NULL;
    if (*ret != LP_SIDE_VERSION)
        e = loop_error_new(LOOP_UNAVAILABLE,
                           "it speaks version %s of the protocol; this loop speaks %u",
                           text.len ? text.ptr : "(none)", LP_SIDE_VERSION);
    lp_buf_done(&text);
    return e;
}

static loop_error *read_basics(const struct reading *r, const struct lp_side_wire_welcome *w)
{
    lp_side_welcome *to = r->to;
    LP_TRY(pick_version(&w->protocols, &to->protocol));
    LP_TRY(name_text(r, w->name, "-._", "the name of a sidecar", &to->name));
    LP_TRY(lp_side_text(r->arena, w->version, LP_MAX_NAME, "its version", &to->version));
    LP_TRY(lp_side_text(r->arena, w->summary, LP_MAX_SIDE_TEXT, "its summary", &to->summary));
    to->dev_only = w->dev_only;
    to->calls = w->calls;
    to->credit = w->credit;
    if (w->credit < LP_MIN_SIDE_CREDIT || w->credit > LP_MAX_SIDE_CREDIT)
        return loop_error_new(LOOP_UNAVAILABLE, "it gives credit for %u bytes; %u to %u", w->credit,
                              LP_MIN_SIDE_CREDIT, LP_MAX_SIDE_CREDIT);
    LP_TRY(too_many(w->capabilities.len, LP_MAX_SIDE_CAPABILITIES, "capabilities"));
    for (size_t i = 0; i < w->capabilities.len; i++)
        for (size_t k = 0; k < LP_COUNT(capabilities); k++)
            if (loop_string_is(w->capabilities.ptr[i], capabilities[k].name))
                to->capabilities |= capabilities[k].bit;
    if (!(to->capabilities & LP_SIDE_CAN_STATE))
        to->capabilities &= ~LP_SIDE_CAN_COPY;
    return NULL;
}

static loop_error *read_welcome(lp_frame *f, const struct reading *r, const uint8_t *data,
                                size_t len)
{
    struct lp_side_wire_welcome w = {0};
    loop_error *e = lp_side_read(f, LP_SIDE_TYPE_WELCOME, data, len, true, &w, sizeof w);
    if (e)
        return loop_error_wrap(e, "its WELCOME is none");
    if (!loop_string_is(w.magic, MAGIC))
        return loop_error_new(LOOP_UNAVAILABLE, "its WELCOME does not start with '" MAGIC "'");
    LP_TRY(read_basics(r, &w));
    LP_TRY(read_options(r, &w.options));
    LP_TRY(too_many(w.interfaces.len, LP_MAX_SIDE_INTERFACES, "interfaces"));
    r->to->interface_count = w.interfaces.len;
    r->to->interfaces =
        lp_arena_alloc(r->arena, (w.interfaces.len + 1) * sizeof *r->to->interfaces);
    for (size_t i = 0; i < w.interfaces.len; i++)
        LP_TRY(read_interface(r, (const struct lp_side_wire_interface *)w.interfaces.ptr + i,
                              &r->to->interfaces[i]));
    return check_interfaces(r->to);
}

loop_error *lp_side_welcome_read(lp_arena *a, const uint8_t *data, size_t len, lp_side_welcome *ret)
{
    lp_frame f = {0};
    lp_side_welcome w = {0};
    lp_frame_begin(&f);
    loop_error *e = read_welcome(&f, &(struct reading){a, &w}, data, len);
    lp_frame_done(&f);
    if (e)
        lp_side_welcome_done(&w);
    else
        *ret = w;
    return e;
}

void lp_side_welcome_done(lp_side_welcome *w)
{
    free(w->resources.at);
    w->resources = (lp_resources){0};
}

/* ---- START ---- */

loop_error *lp_side_start_write(const lp_side_start *s, lp_wire_out *to)
{
    struct {
        struct lp_side_wire_pair *at;
        size_t n, cap;
    } pairs = {0};
    for (const char *const *o = s->options; o && o[0]; o += 2)
        *lp_push(&pairs) = (struct lp_side_wire_pair){loop_string_of(o[0]), loop_string_of(o[1])};
    loop_string names[LP_COUNT(capabilities)];
    size_t n = 0;
    for (size_t i = 0; i < LP_COUNT(capabilities); i++)
        if (s->capabilities & capabilities[i].bit)
            names[n++] = loop_string_of(capabilities[i].name);
    const struct lp_side_wire_start w = {
        .protocol = s->protocol,
        .host = loop_string_of(s->host),
        .capabilities = {names, n},
        .credit = s->credit,
        .shared = s->shared,
        .log = (uint8_t)s->log,
        .deadline = s->deadline_ms,
        .options = {pairs.at, pairs.n},
    };
    loop_error *e = lp_side_write(LP_SIDE_TYPE_START, &w, sizeof w, to);
    free(pairs.at);
    return e;
}
