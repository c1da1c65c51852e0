/*
 * trace: counts calls and how long they take, before a provider of any interface.
 *
 *     bind:
 *       loop:storage/store: [trace, sqlite]
 *
 * An interceptor: it knows nothing of the interface. For each function it counts calls,
 * errors that the component got (`result<_, error>`) and calls that ended the component,
 * and keeps a histogram of their time, which includes all that stands behind. What it
 * found goes to the host's log, an entry a function: at the end, and with `every` also while
 * it runs, with the first call after so much time. It costs two looks at the clock a call.
 * More than MAX_ROWS functions are not told apart.
 */
#include "providers/trace/trace.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/os/os.h"
#include "providers/trace/histogram.h"

#define MAX_ROWS 1024 /* a power of two */

struct row {
    const loop_interface *interface;
    const loop_function *function;
    bool has_error; /* the result is a result<_, _> */
    _Atomic uint64_t errors, failed, max_ns;
    histogram times;
};

struct tracer {
    const loop_services *services;
    _Atomic(struct row *) rows[MAX_ROWS]; /* by the function's address, open addressing */
    struct row others;
    uint64_t every_ns; /* 0: at the end alone */
    _Atomic uint64_t next_ns;
};

static loop_error *open_tracer(const loop_services *services, void **ret_self)
{
    struct tracer *t = lp_alloc(sizeof *t);
    t->services = services;
    uint64_t every_ms = services->option_number(services->host, "every");
    t->every_ns = LP_MIN(every_ms, (uint64_t)INT64_MAX / 1000000) * 1000000;
    t->next_ns = lp_os_now_ns() + t->every_ns;
    *ret_self = t;
    return NULL;
}

/* ---- telling ---- */

/* A bucket's end may be beyond the largest value there was. */
static int64_t at_most_max(const struct row *r, double percent)
{
    return (int64_t)LP_MIN(histogram_at(&r->times, percent), (uint64_t)r->max_ns);
}

static void tell(const struct tracer *t, const struct row *r)
{
    uint64_t n = histogram_count(&r->times);
    if (!n)
        return;
    lp_auto(lp_free_string) char *name =
        r->function ? lp_format("%s %s", r->interface->name, r->function->name)
                    : lp_strdup("functions beyond those that are told apart");
    loop_log_field fields[] = {
        {"calls", LOOP_LOG_INTEGER, {.integer = (int64_t)n}},
        {"errors", LOOP_LOG_INTEGER, {.integer = (int64_t)r->errors}},
        {"failed", LOOP_LOG_INTEGER, {.integer = (int64_t)r->failed}},
        {"p50-ns", LOOP_LOG_INTEGER, {.integer = at_most_max(r, 50)}},
        {"p99-ns", LOOP_LOG_INTEGER, {.integer = at_most_max(r, 99)}},
        {"max-ns", LOOP_LOG_INTEGER, {.integer = (int64_t)r->max_ns}},
    };
    t->services->log(t->services->host, &(loop_log_entry){.level = LOOP_LOG_INFO,
                                                          .target = "trace",
                                                          .message = name,
                                                          .fields = fields,
                                                          .field_count = LP_COUNT(fields)});
}

/* By the interface, then as its WIT has them. */
static int by_place(const void *a, const void *b)
{
    const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;
    int order = strcmp(x->interface->name, y->interface->name);
    return order ? order : (x->function > y->function) - (x->function < y->function);
}

static void tell_all(const struct tracer *t)
{
    const struct row *sorted[MAX_ROWS];
    size_t n = 0;
    for (size_t i = 0; i < MAX_ROWS; i++)
        if (t->rows[i])
            sorted[n++] = t->rows[i];
    qsort(sorted, n, sizeof(struct row *), by_place);
    for (size_t i = 0; i < n; i++)
        tell(t, sorted[i]);
    tell(t, &t->others);
}

static void close_tracer(void *self)
{
    struct tracer *t = self;
    tell_all(t);
    for (size_t i = 0; i < MAX_ROWS; i++)
        free(t->rows[i]);
    free(t);
}

/* ---- counting ---- */

/* Whether "(...)->result<" is the function's type: the parameters may have an arrow inside. */
static bool answers_result(const char *type)
{
    int depth = 0;
    do {
        depth += (*type == '(') - (*type == ')');
    } while (*type++ && depth);
    return strncmp(type, "->result<", strlen("->result<")) == 0;
}

static struct row *row_new(const loop_interface *interface, const loop_function *f)
{
    struct row *r = lp_alloc(sizeof *r);
    r->interface = interface;
    r->function = f;
    r->has_error = answers_result(f->type);
    return r;
}

static struct row *row_of(struct tracer *t, const loop_interface *interface, const loop_function *f)
{
    size_t start = (size_t)((uintptr_t)f / sizeof *f * 0x9e3779b1u) % MAX_ROWS;
    struct row *mine = NULL;
    for (size_t n = 0; n < MAX_ROWS / 2; n++) {
        size_t i = (start + n) % MAX_ROWS;
        struct row *r = t->rows[i];
        if (!r) {
            mine = mine ? mine : row_new(interface, f);
            if (atomic_compare_exchange_strong(&t->rows[i], &r, mine))
                return mine;
        }
        if (r->function == f) {
            free(mine); /* another thread was faster */
            return r;
        }
    }
    free(mine);
    return &t->others;
}

static void note_max(struct row *r, uint64_t ns)
{
    uint64_t seen = r->max_ns;
    while (ns > seen && !atomic_compare_exchange_weak(&r->max_ns, &seen, ns))
        ;
}

static loop_error *call_traced(void *self, loop_call *call, const loop_interface *interface,
                               size_t row, const void *args, void *ret)
{
    struct tracer *t = self;
    struct row *r = row_of(t, interface, &interface->functions[row]);
    uint64_t start = lp_os_now_ns();
    loop_error *err = loop_call_next(call, interface, row, args, ret);
    uint64_t now = lp_os_now_ns();
    histogram_add(&r->times, now - start);
    note_max(r, now - start);
    if (err)
        atomic_fetch_add(&r->failed, 1);
    else if (r->has_error && *(const uint8_t *)ret)
        atomic_fetch_add(&r->errors, 1);
    uint64_t due = t->next_ns;
    if (t->every_ns && now >= due &&
        atomic_compare_exchange_strong(&t->next_ns, &due, now + t->every_ns))
        tell_all(t);
    return err;
}

const loop_provider lp_provider_trace = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "trace",
    .summary = "counts calls and their time, before a provider of any interface",
    .threads = LOOP_THREADS_ANY,
    .options =
        (const loop_provider_option[]){
            {"every", "duration", NULL, NULL, "also while it runs, after so much time"},
            {0},
        },
    .open = open_tracer,
    .close = close_tracer,
    .call = call_traced,
};
