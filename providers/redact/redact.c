/*
 * redact: hides secrets in log entries on their way to the next provider.
 *
 * Stands before a provider of loop:core/logging or wasi:logging/logging:
 *
 *     bind:
 *       loop:core/logging: [redact, logging]
 *
 * The value of a field whose name has one of `names` in it becomes "***", whatever its
 * type; in the message, the target and texts of fields, so does what follows such a name
 * and '=' or ':' (mask.h). Messages are cut to what a log entry may have before they are
 * looked at. What a component writes to its standard streams does not come by here.
 */
#include "providers/redact/redact.h"

#include <stdlib.h>

#include "base/base.h"
#include "loop/wit/core.h"
#include "providers/gen/wasi_drafts.h"
#include "providers/redact/mask.h"

/* "Password, token" as mask.h has them: lower case, no spaces around a name, none of no letters. */
static char *tidy(const char *names)
{
    lp_buf b = {0};
    for (const char *p = names; *p;) {
        size_t n = strcspn(p, ","), start = strspn(p, " "), end = n;
        while (end > start && p[end - 1] == ' ')
            end--;
        if (end > start)
            lp_buf_puts(&b, b.len ? "," : "");
        for (size_t i = start; i < end; i++)
            lp_buf_add(&b, &(char){p[i] >= 'A' && p[i] <= 'Z' ? (char)(p[i] - 'A' + 'a') : p[i]},
                       1);
        p += n;
        p += *p == ',';
    }
    return b.len ? lp_buf_take(&b) : NULL;
}

static loop_error *open_redact(const loop_services *services, void **ret_self)
{
    char *names = tidy(services->option(services->host, "names"));
    if (!names)
        return loop_error_hint_set(loop_error_new(LOOP_INVALID, "'names' has no name in it"),
                                   "write what secrets are called: names: \"password,token\"");
    *ret_self = names;
    return NULL;
}

static void close_redact(void *self)
{
    free(self);
}

/* At most `max` bytes of it, cut at a character's start, masked. */
static loop_string masked(mask_names names, loop_call *call, loop_string s, size_t max)
{
    if (s.len > max) {
        s.len = max;
        while (s.len && ((unsigned char)s.ptr[s.len] & 0xc0) == 0x80)
            s.len--;
    }
    if (!mask_has_name(names, s.ptr, s.len))
        return s;
    char *out = loop_call_alloc(call, 3 * s.len);
    return out ? (loop_string){out, mask_text(names, s.ptr, s.len, out)} : (loop_string){0};
}

static loop_core_logging_field field_of(mask_names names, loop_call *call,
                                        const loop_core_logging_field *from)
{
    loop_core_logging_field f = *from;
    if (mask_has_name(names, f.name.ptr, LP_MIN(f.name.len, (size_t)LP_MAX_LOG_FIELD))) {
        f.value.tag = LOOP_CORE_LOGGING_FIELD_VALUE_TEXT;
        f.value.of.text = loop_string_of("***");
    } else if (f.value.tag == LOOP_CORE_LOGGING_FIELD_VALUE_TEXT) {
        f.value.of.text = masked(names, call, f.value.of.text, LP_MAX_LOG_FIELD);
    }
    return f;
}

static loop_error *core_log(void *self, loop_call *call, loop_core_logging_level level,
                            loop_string target, loop_string message,
                            loop_core_logging_list_field fields)
{
    mask_names names = {self};
    size_t n = LP_MIN(fields.len, (size_t)LP_MAX_LOG_FIELDS);
    loop_core_logging_field *copy = loop_call_alloc(call, (n + 1) * sizeof *copy);
    for (size_t i = 0; copy && i < n; i++)
        copy[i] = field_of(names, call, &fields.ptr[i]);
    return loop_core_logging_next_log(call, level, masked(names, call, target, LP_MAX_LOG_FIELD),
                                      masked(names, call, message, LP_MAX_LOG_MESSAGE),
                                      (loop_core_logging_list_field){copy, copy ? n : 0});
}

static loop_error *wasi_log(void *self, loop_call *call, wasi_logging_logging_level level,
                            loop_string context, loop_string message)
{
    mask_names names = {self};
    return wasi_logging_logging_next_log(call, level,
                                         masked(names, call, context, LP_MAX_LOG_FIELD),
                                         masked(names, call, message, LP_MAX_LOG_MESSAGE));
}

static const loop_core_logging_functions core = {.log = core_log};
static const wasi_logging_logging_functions wasi = {.log = wasi_log};

const loop_provider lp_provider_redact = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "redact",
    .summary = "hides secrets in log entries, before another provider",
    .interfaces =
        (const loop_provider_interface[]){
            {&loop_core_logging_interface, &core},
            {&wasi_logging_logging_interface, &wasi},
            {NULL, NULL},
        },
    .threads = LOOP_THREADS_ANY,
    .needs =
        (const loop_provider_need[]){
            {"loop:core/logging", "*", LOOP_NEED_NOTHING, NULL,
             "passes entries on; who writes them asks"},
            {"wasi:logging/logging", "*", LOOP_NEED_NOTHING, NULL,
             "passes entries on; who writes them asks"},
            {0},
        },
    .options =
        (const loop_provider_option[]){
            {"names", "string", NULL,
             "password,passwd,secret,token,authorization,api-key,api_key,apikey,cookie",
             "what secrets are called, with commas between"},
            {0},
        },
    .open = open_redact,
    .close = close_redact,
};
