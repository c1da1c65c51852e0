/*
 * tests/bench/forms.c: what slots and chains cost (peer.h says what such a program does).
 *
 *     bench_forms COMPONENT direct|slot|chain2|granted
 *
 * direct: the peer. The engine calls the provider's function with the arguments that the plan
 * makes, and nothing else stands between. slot: the same function as a provider, bound by the
 * host. chain2: behind another provider, which passes every call on. granted: a slot whose
 * functions take a grant that the component has; bench_forms_open is this program without what
 * asks. All linked the same way; rows of one call each: scalar and string64.
 */
#include "bench.h"
#include "peer.h"

#include "abi/convert.h"
#include "base/base.h"

static void must(loop_error *err)
{
    if (!err)
        return;
    lp_auto(lp_free_string) char *text = loop_error_format(err);
    bench_fail("bench_forms", text);
}

/* ---- the functions ---- */

static uint32_t text_sum;

static loop_error *add(void *self, loop_call *call, uint32_t a, uint32_t b, uint32_t *ret)
{
    (void)self, (void)call;
    *ret = a + b;
    return NULL;
}

static loop_error *text(void *self, loop_call *call, loop_string s)
{
    (void)self, (void)call;
    text_sum += bench_size_and_last(s.ptr, s.len);
    return NULL;
}

static loop_error *bytes(void *self, loop_call *call, loop_list_u8 b, uint32_t *ret)
{
    (void)self, (void)call, (void)b, (void)ret;
    return loop_error_new(LOOP_UNAVAILABLE, "not measured");
}

static loop_error *rows(void *self, loop_call *call, bench_calls_host_list_row r, uint32_t *ret)
{
    (void)self, (void)call, (void)r, (void)ret;
    return loop_error_new(LOOP_UNAVAILABLE, "not measured");
}

static const bench_calls_host_functions functions = {add, text, bytes, rows};
static const loop_provider provider = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "last",
    .summary = "what the bench measures",
    .interfaces =
        (const loop_provider_interface[]){{&bench_calls_host_interface, &functions}, {NULL, NULL}},
    .threads = LOOP_THREADS_ANY,
};

/* The same, for those who were granted it. */
static const loop_provider gated = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "gated",
    .summary = "what the bench measures",
    .interfaces =
        (const loop_provider_interface[]){{&bench_calls_host_interface, &functions}, {NULL, NULL}},
    .threads = LOOP_THREADS_ANY,
    .needs =
        (const loop_provider_need[]){{"bench:calls/host", "*", LOOP_NEED_OWN, "use", "it"}, {0}},
};

static loop_error *pass_add(void *self, loop_call *call, uint32_t a, uint32_t b, uint32_t *ret)
{
    (void)self;
    return bench_calls_host_next_add(call, a, b, ret);
}

static loop_error *pass_text(void *self, loop_call *call, loop_string s)
{
    (void)self;
    return bench_calls_host_next_text(call, s);
}

static const bench_calls_host_functions passing = {pass_add, pass_text, bytes, rows};
static const loop_provider first = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "first",
    .summary = "passes every call on",
    .interfaces =
        (const loop_provider_interface[]){{&bench_calls_host_interface, &passing}, {NULL, NULL}},
    .threads = LOOP_THREADS_ANY,
};

/* ---- bound by the host ---- */

static uint32_t run_bound(void *data, const bench_row *row, uint32_t n)
{
    const bench_calls_guest_exports *guest = data;
    uint32_t sum = 0;
    text_sum = 0;
    if (row->call == BENCH_SCALAR)
        must(bench_calls_guest_call_run_scalar(guest, n, &sum));
    else
        must(bench_calls_guest_call_run_text(guest, n, row->size, &sum));
    return row->call == BENCH_SCALAR ? sum : text_sum;
}

static int bound(const char *path, const char *form)
{
    bool chain = strcmp(form, "chain2") == 0, granted = strcmp(form, "granted") == 0;
    loop_host *host;
    loop_component *component;
    loop_instance *instance;
    bench_calls_guest_exports guest;
    const loop_link links[] = {{"first", NULL}, {granted ? "gated" : "last", NULL}};
    loop_policy *policy = loop_policy_new();
    must(loop_policy_add(policy, LOOP_GRANT_NEED, "gated.use", false, NULL, false,
                         (loop_origin){"the bench", 0, 0}));
    must(loop_host_new(&(loop_host_options){.no_cache = true}, &host));
    must(loop_host_provider_add(host, &first));
    must(loop_host_provider_add(host, &provider));
    must(loop_host_provider_add(host, &gated));
    must(loop_host_bind_chain(host, NULL, bench_calls_host_interface.name, links + !chain,
                              1 + chain));
    must(loop_component_open(host, path, &component));
    must(loop_instance_new(host, component, &(loop_instance_options){.policy = policy}, &instance));
    must(loop_instance_enter(instance));
    must(bench_calls_guest_bind(instance, &guest));
    int status = bench_serve(run_bound, &guest, ~(1u << BENCH_SCALAR | 1u << BENCH_TEXT));
    loop_instance_delete(instance);
    loop_component_delete(component);
    loop_host_delete(host);
    loop_policy_delete(policy);
    return status;
}

/* ---- direct ---- */

struct direct {
    lp_arena arena;
    lp_frame frame;
    const lp_plan *add, *text;
    lp_export *run_scalar, *run_text;
};

static loop_error *direct_add(void *data, const lp_flat *in, uint64_t *ret)
{
    struct direct *d = data;
    uint64_t args[LP_FLAT_PARAMS];
    const lp_node *params = &d->add->params;
    for (const lp_step *f = params->fields, *end = f + params->count; f < end; f++, in++)
        lp_lift_number_field(f, in, (uint8_t *)args);
    const uint32_t *numbers = (const uint32_t *)args;
    uint32_t sum;
    loop_error *err = add(NULL, NULL, numbers[0], numbers[1], &sum);
    *ret = sum;
    return err;
}

static loop_error *direct_text(void *data, lp_values *in)
{
    struct direct *d = data;
    loop_string s;
    lp_lift l = {.from = in, .frame = &d->frame};
    lp_frame_begin(&d->frame);
    loop_error *err = lp_lift_values(&l, &d->text->params, &s);
    if (!err)
        err = text(NULL, NULL, s);
    lp_frame_end(&d->frame);
    return err;
}

static loop_error *not_measured(void *data, lp_values *in)
{
    (void)data, (void)in;
    return loop_error_new(LOOP_UNAVAILABLE, "not measured");
}

static void define(struct direct *d, lp_guest *g, const lp_import *import)
{
    const lp_plan *p;
    must(lp_plan_new(&d->arena, import->signature, &p));
    lp_function f = {.data = d, .call = not_measured};
    lp_plan_function(p, &f);
    if (strcmp(import->name, "add") == 0) {
        d->add = p;
        f.flat = direct_add;
    } else if (strcmp(import->name, "text") == 0) {
        d->text = p;
        f.call = direct_text;
    }
    must(lp_guest_define(g, import, &f));
}

static uint32_t run_direct(void *data, const bench_row *row, uint32_t n)
{
    struct direct *d = data;
    bool scalar = row->call == BENCH_SCALAR;
    const lp_flat args[] = {{.lo = n}, {.lo = row->size}};
    lp_calling c = {.flat = args, .count = scalar ? 1 : 2};
    text_sum = 0;
    must(lp_export_call(scalar ? d->run_scalar : d->run_text, &c));
    return scalar ? (uint32_t)c.result : text_sum;
}

static int direct(const char *path)
{
    static const char guest_name[] = "bench:calls/guest@0.1.0";
    struct direct d = {0};
    lp_engine *e;
    lp_component *c;
    lp_guest *g;
    lp_shape shape;
    bool exited;
    int status;
    const lp_import *import;
    must(lp_engine_new(&(lp_engine_options){0}, &e));
    must(lp_component_open(e, path, &c));
    must(lp_component_compile(c));
    must(lp_guest_new(c, &(lp_guest_options){.name = "bench", .limits = NULL}, &g));
    for (size_t i = 0; (import = lp_component_import_at(c, i)); i++)
        define(&d, g, import);
    must(lp_guest_instantiate(g, 0, &exited, &status));
    must(lp_export_new(g, guest_name, "run-scalar", &shape, &d.run_scalar));
    must(lp_export_new(g, guest_name, "run-text", &shape, &d.run_text));
    status = bench_serve(run_direct, &d, ~(1u << BENCH_SCALAR | 1u << BENCH_TEXT));
    lp_export_delete(d.run_scalar);
    lp_export_delete(d.run_text);
    lp_guest_delete(g);
    lp_component_delete(c);
    lp_engine_delete(e);
    lp_frame_done(&d.frame);
    lp_arena_done(&d.arena);
    return status;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[2], "direct") == 0)
        return direct(argv[1]);
    if (argc == 3 && (strcmp(argv[2], "slot") == 0 || strcmp(argv[2], "chain2") == 0 ||
                      strcmp(argv[2], "granted") == 0))
        return bound(argv[1], argv[2]);
    bench_fail("usage", "bench_forms COMPONENT direct|slot|chain2|granted");
}
