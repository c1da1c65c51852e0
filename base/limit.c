/*
 * base/limit.c: implements loop/limits.h and base/limit.h: a row for each limit.
 *
 * A new one is a value of loop_limit_id, its row here, the classes' files, and whoever enforces it;
 * keys of loop.yaml (api/config_rows.c) name it once more, for the schema.
 */
#include "base/limit.h"

#include <stdlib.h>

#include "base/limits.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define DAY_MS ((uint64_t)24 * 3600 * 1000)

static const loop_limit_row rows[] = {
    [LOOP_MAX_MEMORY] = {"memory", "size", "over all its memories", 64 * KIB, 1024 * 1024 * MIB,
                         false, 512 * MIB},
    [LOOP_MAX_TABLES] = {"tables", "number", "elements over all its tables", 1, 1u << 30, false,
                         1000000},
    [LOOP_MAX_INSTANCES] = {"instances", "number", "core modules instantiated in it", 1, 10000,
                            false, 1000},
    [LOOP_MAX_MEMORIES] = {"memories", "number", "memories, whatever their size", 1, 10000, false,
                           64},
    [LOOP_MAX_CALL] = {"call", "duration", "how long one call may take", 1, 365 * DAY_MS, true,
                       LOOP_UNLIMITED},
    [LOOP_MAX_TOTAL] = {"total", "duration", "time inside of it, over all calls", 1, 365 * DAY_MS,
                        true, LOOP_UNLIMITED},
    [LOOP_MAX_HANDLES] = {"handles", "number", "resources that it holds at a time", 16,
                          LP_MAX_HANDLES, false, LP_MAX_HANDLES},
    [LOOP_MAX_FILES] = {"files", "number", "files and sockets open at a time", 1, 1u << 20, false,
                        256},
    [LOOP_MAX_HOST_BYTES] = {"host-bytes", "size", "what one call hands to the host", 4 * KIB,
                             LP_MAX_CALL_FUEL, false, LP_MAX_CALL_FUEL},
    [LOOP_MAX_LOG] = {"log", "number", "log entries a second", 1, LP_MAX_LOG_RATE, false, 500},
    [LOOP_MAX_STORAGE] = {"storage", "size", "storage, whatever is granted", 1, UINT64_MAX >> 1,
                          true, LOOP_UNLIMITED},
    [LOOP_MAX_CALLS] = {"calls", "number", "calls under way and waiting", 1, LP_MAX_MAIL, false,
                        LP_MAX_MAIL},
    [LOOP_MAX_STACK] = {"stack", "size", "its stack", 64 * KIB, 64 * MIB, false, MIB},
};
_Static_assert(LP_COUNT(rows) == LOOP_MAX_COUNT, "a row for each limit");

const loop_limit_row *loop_limit_row_of(loop_limit_id id)
{
    return (size_t)id < LP_COUNT(rows) ? &rows[id] : NULL;
}

loop_limit_id loop_limit_named(const char *name)
{
    for (size_t i = 0; i < LP_COUNT(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return (loop_limit_id)i;
    return LOOP_MAX_COUNT;
}

/* ---- values as text ---- */

static bool parse_number(const char *s, uint64_t *ret)
{
    uint64_t n = 0;
    for (const char *p = s; *p; p++) {
        if (*p < '0' || *p > '9' || n > (UINT64_MAX - 9) / 10)
            return false;
        n = n * 10 + (uint64_t)(*p - '0');
    }
    *ret = n;
    return *s != 0;
}

static bool parse(const loop_limit_row *row, const char *text, uint64_t *ret)
{
    if (strcmp(row->type, "size") == 0)
        return lp_parse_size(text, ret);
    if (strcmp(row->type, "duration") == 0)
        return lp_parse_duration(text, ret);
    return parse_number(text, ret);
}

static const char *example(const loop_limit_row *row)
{
    return strcmp(row->type, "size") == 0       ? "a size such as 64MiB"
           : strcmp(row->type, "duration") == 0 ? "a duration such as 5s"
                                                : "a whole number";
}

loop_error *loop_limit_parse(loop_limit_id id, const char *text, uint64_t *ret)
{
    const loop_limit_row *row = &rows[id];
    uint64_t value = 0;
    if (row->may_be_none && strcmp(text, "none") == 0) {
        *ret = LOOP_UNLIMITED;
        return NULL;
    }
    if (!parse(row, text, &value))
        return loop_error_new(LOOP_USAGE, "expected %s%s for '%s', found '%.*s'", example(row),
                              row->may_be_none ? ", or none," : "", row->name, LP_MAX_NAME, text);
    if (value < row->least || value > row->most) {
        lp_auto(lp_free_string) char *least = loop_limit_text(id, row->least);
        lp_auto(lp_free_string) char *most = loop_limit_text(id, row->most);
        return loop_error_new(LOOP_USAGE, "'%s' is %s at least and %s at most, found '%.*s'",
                              row->name, least, most, LP_MAX_NAME, text);
    }
    *ret = value;
    return NULL;
}

char *loop_limit_text(loop_limit_id id, uint64_t value)
{
    const char *type = rows[id].type;
    if (value == LOOP_UNLIMITED)
        return lp_strdup("none");
    if (strcmp(type, "size") == 0)
        return lp_size_text(value);
    if (strcmp(type, "duration") == 0)
        return lp_format("%g s", (double)value / 1000);
    return lp_format("%llu", (unsigned long long)value);
}

/* ---- what holds ---- */

void lp_limits_fill(loop_limits *l)
{
    for (size_t i = 0; i < LOOP_MAX_COUNT; i++)
        if (!l->of[i].value)
            l->of[i].value = rows[i].fallback;
}

loop_limits lp_limits_copy(lp_arena *a, const loop_limits *from)
{
    loop_limits l = from ? *from : (loop_limits){0};
    for (size_t i = 0; i < LOOP_MAX_COUNT; i++) {
        const char *source = l.of[i].origin.source;
        l.of[i].origin.source = source ? lp_arena_strndup(a, source, strlen(source)) : NULL;
    }
    return l;
}

/* ---- reaching one ---- */

/* "/usr/share/loop/classes/untrusted.yaml" as its last two parts. */
static const char *class_file(const char *source)
{
    const char *at = source;
    for (const char *next; (next = strstr(at, "classes/")); at = next + 1)
        source = next;
    return source;
}

char *lp_limit_hint(const loop_limits *l, loop_limit_id id)
{
    const loop_limit *limit = &l->of[id];
    const loop_origin *o = &limit->origin;
    const char *name = rows[id].name, *source = o->source ? o->source : "";
    if (limit->own && lp_starts_with(source, "--"))
        return lp_starts_with(source, "--limit") ? lp_format("raise it with --limit %s=N", name)
                                                 : lp_format("raise it with %s", source);
    if (limit->own && o->line)
        return lp_format("raise '%s' at %s:%u:%u", name, source, o->line, o->column);
    if (limit->own && *source)
        return lp_format("raise it in %s", source);
    if (o->line)
        return lp_format("raise it with --limit %s=N, or '%s' under 'limits' of the component in "
                         "loop.yaml; its class has it from %s:%u",
                         name, name, class_file(source), o->line);
    return lp_format("raise it with --limit %s=N, or '%s' under 'limits' of the component in "
                     "loop.yaml",
                     name, name);
}

loop_error *lp_limit_error(const loop_limits *l, loop_limit_id id, const char *who,
                           loop_error *cause)
{
    bool time = strcmp(rows[id].type, "duration") == 0;
    lp_auto(lp_free_string) char *value = loop_limit_text(id, l->of[id].value);
    lp_auto(lp_free_string) char *hint = lp_limit_hint(l, id);
    loop_error *e = lp_error_because(time ? LOOP_TIMEOUT : LOOP_LIMIT, cause,
                                     "'%s' reached its %s limit of %s", who, rows[id].name, value);
    return loop_error_hint_set(
        e, "%s%s", id == LOOP_MAX_STACK ? "look for a recursion without end, or " : "", hint);
}
