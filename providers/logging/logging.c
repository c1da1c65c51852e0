/*
 * logging: structured log entries of components, into the host's log.
 *
 * Implements loop:core/logging and, for components of other hosts,
 * wasi:logging. Entries are shortened to the limits of base/limits.h. Each component has a rate of
 * its own, which the host keeps (loop_call_may_log); all together have LP_MAX_LOG_RATE entries a
 * second, and the rest is dropped, which is said at once, and counted, which is said in the next
 * second. Nothing here can fail or block.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/os/os.h"
#include "loop/wit/core.h"
#include "providers/gen/wasi_drafts.h"
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
    loop_log_field field = {"entries", LOOP_LOG_INTEGER, {.integer = entries}};
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

/* Cut to `max` bytes, at a character's start. */
static loop_string cut(loop_string s, size_t max)
{
    if (s.len > max) {
        s.len = max;
        while (s.len && ((unsigned char)s.ptr[s.len] & 0xc0) == 0x80)
            s.len--;
    }
    return s;
}

/* The same, terminated. */
static const char *cut_copy(loop_call *call, loop_string s, size_t max)
{
    s = cut(s, max);
    s = loop_call_string(call, s.ptr, s.len);
    return s.ptr ? s.ptr : "";
}

static loop_log_field field_of(loop_call *call, const loop_core_logging_field *f)
{
    loop_log_field to = {.name = cut_copy(call, f->name, LP_MAX_LOG_FIELD)};
    switch (f->value.tag) {
    case LOOP_CORE_LOGGING_FIELD_VALUE_INTEGER:
        to.kind = LOOP_LOG_INTEGER;
        to.of.integer = f->value.of.integer;
        break;
    case LOOP_CORE_LOGGING_FIELD_VALUE_FLOAT:
        to.kind = LOOP_LOG_FLOAT;
        to.of.number = f->value.of.float_;
        break;
    case LOOP_CORE_LOGGING_FIELD_VALUE_BOOLEAN:
        to.kind = LOOP_LOG_BOOLEAN;
        to.of.boolean = f->value.of.boolean;
        break;
    default: to.of.text = cut(f->value.of.text, LP_MAX_LOG_FIELD);
    }
    return to;
}

/* An entry of the component; `fields` are its own. */
static void write_entry(struct logging *l, loop_call *call, loop_log_level level,
                        loop_string target, loop_string message,
                        loop_core_logging_list_field fields)
{
    if (!l->services->log_enabled(l->services->host, level) || !loop_call_may_log(call) ||
        !within_rate(l))
        return;
    size_t n = LP_MIN(fields.len, (size_t)LP_MAX_LOG_FIELDS);
    loop_log_field *copy = loop_call_alloc(call, (n + 1) * sizeof *copy);
    for (size_t i = 0; copy && i < n; i++)
        copy[i] = field_of(call, &fields.ptr[i]);
    l->services->log(l->services->host, &(loop_log_entry){
                                            .level = level,
                                            .component = loop_call_component(call),
                                            .target = cut_copy(call, target, LP_MAX_LOG_FIELD),
                                            .message = cut_copy(call, message, LP_MAX_LOG_MESSAGE),
                                            .fields = copy,
                                            .field_count = copy ? n : 0,
                                        });
}

_Static_assert(LOOP_CORE_LOGGING_LEVEL_TRACE == (int)LOOP_LOG_TRACE &&
                   LOOP_CORE_LOGGING_LEVEL_ERROR == (int)LOOP_LOG_ERROR,
               "levels");

static loop_error *core_log(void *self, loop_call *call, loop_core_logging_level level,
                            loop_string target, loop_string message,
                            loop_core_logging_list_field fields)
{
    write_entry(self, call, (loop_log_level)level, target, message, fields);
    return NULL;
}

static loop_error *core_enabled(void *self, loop_call *call, loop_core_logging_level level,
                                bool *ret)
{
    (void)call;
    const struct logging *l = self;
    *ret = l->services->log_enabled(l->services->host, (loop_log_level)level);
    return NULL;
}

/* Its sixth level, critical, is an error. */
static loop_error *wasi_log(void *self, loop_call *call, wasi_logging_logging_level level,
                            loop_string context, loop_string message)
{
    write_entry(self, call, (loop_log_level)LP_MIN(level, LOOP_LOG_ERROR), context, message,
                (loop_core_logging_list_field){0});
    return NULL;
}

static const loop_core_logging_functions core = {.log = core_log, .enabled = core_enabled};
static const wasi_logging_logging_functions wasi = {.log = wasi_log};

const loop_provider lp_provider_logging = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "logging",
    .summary = "structured log entries into the host's log",
    .interfaces =
        (const loop_provider_interface[]){
            {&loop_core_logging_interface, &core},
            {&wasi_logging_logging_interface, &wasi},
            {NULL, NULL},
        },
    .threads = LOOP_THREADS_ANY,
    .needs =
        (const loop_provider_need[]){
            {"loop:core/logging", "log", LOOP_NEED_LOG, NULL,
             "a component may write to the log, so many entries a second"},
            {"loop:core/logging", "enabled", LOOP_NEED_NOTHING, NULL,
             "a component may know how much is logged"},
            {"wasi:logging/logging", "log", LOOP_NEED_LOG, NULL,
             "a component may write to the log, so many entries a second"},
            {0},
        },
    .open = open_logging,
    .close = close_logging,
};
