/*
 * rate-limit: at most so many log entries a second of each component.
 *
 * Stands before a provider of loop:core/logging or wasi:logging/logging:
 *
 *     bind:
 *       loop:core/logging: [{ use: rate-limit, per-second: 10, burst: 50 }, logging]
 *
 * A component may write `burst` entries at once and `per-second` on the average (a token
 * bucket). What is over is dropped and counted; before the next entry that passes comes one
 * of the host's own that says how many are missing. The last ones are told at the end.
 * Of more than MAX_COMPONENTS components, those that come last share a bucket.
 */
#include "providers/rate_limit/rate_limit.h"

#include <stdlib.h>

#include "base/base.h"
#include "base/os/os.h"
#include "loop/wit/core.h"
#include "providers/gen/wasi_drafts.h"

#define MAX_COMPONENTS 1024

struct bucket {
    char *component;
    uint64_t at_ns; /* when it was filled last */
    double tokens;
    uint64_t left_out;
};

struct limiter {
    const loop_services *services;
    lp_os_mutex *mutex; /* guards what follows */
    double per_second, burst;
    struct {
        struct bucket *at;
        size_t n, cap;
    } buckets;
};

static loop_error *open_limiter(const loop_services *services, void **ret_self)
{
    struct limiter *l = lp_alloc(sizeof *l);
    l->services = services;
    l->mutex = lp_os_mutex_new();
    l->per_second = (double)services->option_number(services->host, "per-second");
    l->burst = (double)services->option_number(services->host, "burst");
    if (l->burst < 1)
        l->burst = LP_MAX(l->per_second, 1.0);
    *ret_self = l;
    return NULL;
}

static void say(const struct limiter *l, const char *component, uint64_t left_out)
{
    loop_log_field field = {"entries", LOOP_LOG_INTEGER, {.integer = (int64_t)left_out}};
    l->services->log(l->services->host, &(loop_log_entry){
                                            .level = LOOP_LOG_WARN,
                                            .target = component,
                                            .message = "log entries over the rate were left out",
                                            .fields = &field,
                                            .field_count = 1,
                                        });
}

static void close_limiter(void *self)
{
    struct limiter *l = self;
    for (size_t i = 0; i < l->buckets.n; i++) {
        if (l->buckets.at[i].left_out)
            say(l, l->buckets.at[i].component, l->buckets.at[i].left_out);
        free(l->buckets.at[i].component);
    }
    free(l->buckets.at);
    lp_os_mutex_delete(l->mutex);
    free(l);
}

static struct bucket *bucket_of(struct limiter *l, const char *component)
{
    for (size_t i = 0; i < l->buckets.n; i++)
        if (strcmp(l->buckets.at[i].component, component) == 0)
            return &l->buckets.at[i];
    if (l->buckets.n == MAX_COMPONENTS)
        return &l->buckets.at[MAX_COMPONENTS - 1];
    bool last = l->buckets.n == MAX_COMPONENTS - 1;
    struct bucket *b = lp_push(&l->buckets);
    *b = (struct bucket){.component = lp_strdup(last ? "the others" : component),
                         .at_ns = lp_os_now_ns(),
                         .tokens = l->burst};
    return b;
}

/* Takes a token; false: none is left. *ret_left_out: how many to tell of now. */
static bool take(struct limiter *l, const char *component, uint64_t *ret_left_out)
{
    lp_os_mutex_lock(l->mutex);
    struct bucket *b = bucket_of(l, component);
    uint64_t now = lp_os_now_ns();
    b->tokens = LP_MIN(l->burst, b->tokens + (double)(now - b->at_ns) / 1e9 * l->per_second);
    b->at_ns = now;
    bool passes = b->tokens >= 1;
    *ret_left_out = passes ? b->left_out : 0;
    b->left_out = passes ? 0 : b->left_out + 1;
    b->tokens -= passes ? 1 : 0;
    lp_os_mutex_unlock(l->mutex);
    return passes;
}

/* Whether this entry passes; tells of those before it that did not. */
static bool passes(struct limiter *l, const loop_call *call)
{
    uint64_t left_out;
    if (!take(l, loop_call_component(call), &left_out))
        return false;
    if (left_out)
        say(l, loop_call_component(call), left_out);
    return true;
}

static loop_error *core_log(void *self, loop_call *call, loop_core_logging_level level,
                            loop_string target, loop_string message,
                            loop_core_logging_list_field fields)
{
    return passes(self, call) ? loop_core_logging_next_log(call, level, target, message, fields)
                              : NULL;
}

static loop_error *wasi_log(void *self, loop_call *call, wasi_logging_logging_level level,
                            loop_string context, loop_string message)
{
    return passes(self, call) ? wasi_logging_logging_next_log(call, level, context, message) : NULL;
}

static const loop_core_logging_functions core = {.log = core_log};
static const wasi_logging_logging_functions wasi = {.log = wasi_log};

const loop_provider lp_provider_rate_limit = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "rate-limit",
    .summary = "drops log entries over a rate, before another provider",
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
            {"per-second", "number", NULL, "100",
             "entries a second of each component, on the average"},
            {"burst", "number", NULL, NULL, "how many at once; as many as a second's without it"},
            {0},
        },
    .open = open_limiter,
    .close = close_limiter,
};
