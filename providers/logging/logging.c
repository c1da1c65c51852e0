/*
 * logging: structured log entries of components, into the host's log.
 *
 * Implements loop:core/logging and, for components of other hosts,
 * wasi:logging. Entries are shortened to the limits of base/limits.h; a
 * component that writes more than LP_MAX_LOG_RATE entries a second has the rest
 * dropped, which is said at once, and counted, which is said in the next second. Nothing here can
 * fail or block.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/os/os.h"
#include "loop/provider.h"
#include "providers/logging/logging.h"

struct logging {
    const loop_services *services;
    /* The second that is counted, over all components: a bound for the host. */
    _Atomic uint64_t second;
    _Atomic unsigned written, left_out;
};

static loop_error *open_logging(const loop_services *services, void **ret_self)
{
    struct logging *l = lp_alloc(sizeof *l);
    l->services = services;
    *ret_self = l;
    return NULL;
}

static void say(struct logging *l, const char *message, int64_t entries)
{
    loop_log_field field = {"entries", {.kind = LOOP_S64, .of.s = entries}};
    l->services->log(l->services->host, &(loop_log_entry){
                                            .level = LOOP_LOG_WARN,
                                            .message = message,
                                            .fields = &field,
                                            .field_count = 1,
                                        });
}

/* What the second that is over left out. */
static void report_left_out(struct logging *l)
{
    unsigned n = atomic_exchange(&l->left_out, 0);
    if (n)
        say(l, "log entries left out in the last second", n);
}

static void close_logging(void *self)
{
    report_left_out(self);
    free(self);
}

/* Whether this entry may be written in its second. */
static bool within_rate(struct logging *l)
{
    uint64_t now = lp_os_now_ns() / 1000000000, seen = l->second;
    if (now != seen && atomic_compare_exchange_strong(&l->second, &seen, now)) {
        l->written = 0;
        report_left_out(l);
    }
    if (atomic_fetch_add(&l->written, 1) < LP_MAX_LOG_RATE)
        return true;
    if (atomic_fetch_add(&l->left_out, 1) == 0)
        say(l, "too many log entries: those over the rate of a second are dropped",
            LP_MAX_LOG_RATE);
    return false;
}

/* A terminated copy, cut to `max` bytes at a character's start. */
static const char *cut(loop_call *call, const loop_value *v, size_t max)
{
    size_t n = v->of.text.len;
    if (n > max) {
        n = max;
        while (n && ((unsigned char)v->of.text.ptr[n] & 0xc0) == 0x80)
            n--;
    }
    char *s = loop_call_alloc(call, n + 1);
    if (!s)
        return "";
    memcpy(s, v->of.text.ptr, n);
    return s;
}

/* The case of `field-value`: text, integer, float or boolean. */
static loop_value field_value(loop_call *call, const loop_value *v)
{
    loop_value inner = *v->of.items.at;
    if (inner.kind == LOOP_STRING) {
        inner.of.text.ptr = cut(call, &inner, LP_MAX_LOG_FIELD);
        inner.of.text.len = strlen(inner.of.text.ptr);
    }
    return inner;
}

/* log(level, target, message, fields) */
static loop_error *do_log(void *self, loop_call *call, const loop_value *args, loop_value *ret)
{
    (void)ret;
    struct logging *l = self;
    loop_log_level level = (loop_log_level)args[0].index;
    if (!l->services->log_enabled(l->services->host, level) || !within_rate(l))
        return NULL;
    size_t n = LP_MIN(args[3].of.items.count, (size_t)LP_MAX_LOG_FIELDS);
    loop_log_field *fields = loop_call_alloc(call, (n + 1) * sizeof *fields);
    for (size_t i = 0; fields && i < n; i++) {
        const loop_value *record = args[3].of.items.at[i].of.items.at;
        fields[i].name = cut(call, &record[0], LP_MAX_LOG_FIELD);
        fields[i].value = field_value(call, &record[1]);
    }
    l->services->log(l->services->host, &(loop_log_entry){
                                            .level = level,
                                            .component = loop_call_component(call),
                                            .target = cut(call, &args[1], LP_MAX_LOG_FIELD),
                                            .message = cut(call, &args[2], LP_MAX_LOG_MESSAGE),
                                            .fields = fields,
                                            .field_count = fields ? n : 0,
                                        });
    return NULL;
}

/* enabled(level) -> bool */
static loop_error *do_enabled(void *self, loop_call *call, const loop_value *args, loop_value *ret)
{
    (void)call;
    struct logging *l = self;
    *ret = (loop_value){
        .kind = LOOP_BOOL,
        .of.boolean = l->services->log_enabled(l->services->host, (loop_log_level)args[0].index)};
    return NULL;
}

/* wasi:logging log(level, context, message); its sixth level, critical, is an error. */
static loop_error *do_wasi_log(void *self, loop_call *call, const loop_value *args, loop_value *ret)
{
    loop_value mapped[4] = {args[0], args[1], args[2], {.kind = LOOP_LIST}};
    mapped[0].index = LP_MIN(args[0].index, (uint32_t)LOOP_LOG_ERROR);
    return do_log(self, call, mapped, ret);
}

#define LEVEL "enum{trace,debug,info,warn,error}"
#define FIELD                                                                                      \
    "record{name:string,value:variant{text(string),integer(s64),float(f64),boolean(bool)}}"

static const loop_provider_interface core_logging = {
    .name = "loop:core/logging",
    .versions = (const char *const[]){"0.1.0", NULL},
    .functions =
        (const loop_provider_function[]){
            {"log", "(" LEVEL ",string,string,list<" FIELD ">)", do_log},
            {"enabled", "(" LEVEL ")->bool", do_enabled},
            {0},
        },
};

static const loop_provider_interface wasi_logging = {
    .name = "wasi:logging/logging",
    .versions = (const char *const[]){"0.1.0-draft", "", NULL},
    .functions =
        (const loop_provider_function[]){
            {"log", "(enum{trace,debug,info,warn,error,critical},string,string)", do_wasi_log},
            {0},
        },
};

const loop_provider lp_provider_logging = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "logging",
    .summary = "structured log entries into the host's log",
    .interfaces = (const loop_provider_interface *const[]){&core_logging, &wasi_logging, NULL},
    .threads = LOOP_THREADS_ANY,
    .open = open_logging,
    .close = close_logging,
};
