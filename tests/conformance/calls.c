/*
 * tests/conformance/calls.c: guests that check themselves, and the tables of calls
 * into callee: calls.txt by trees of values and natively, handles.txt natively.
 */
#include <stdlib.h>

#include "guest_side.h"
#include "host.h"
#include "tests/conformance/suite.h"

static const loop_provider *const providers[] = {&conformance_provider, NULL};

/* ---- guests that check themselves ---- */

static void run_check(const loop_conformance_check_exports *check, const char *what,
                      const char *name)
{
    lp_auto(lp_free_string) char *label = lp_format("%s/%s", what, name);
    loop_conformance_check_result_void_string said;
    if (suite_ready(label, loop_conformance_check_call_run(check, loop_string_of(name), &said)))
        suite_check(!said.is_err, label, "%.*s", (int)said.of.error.len, said.of.error.ptr);
}

static void run_checks(guest *g, const char *what)
{
    loop_conformance_check_exports check;
    loop_list_string names;
    if (!suite_worked(what, loop_conformance_check_bind(g->instance, &check)) ||
        !suite_worked(what, loop_conformance_check_call_names(&check, &names)))
        return;
    /* They live until the next call. */
    size_t n = names.len;
    char **copies = lp_alloc((n + 1) * sizeof *copies);
    for (size_t i = 0; i < n; i++)
        copies[i] = lp_strndup(names.ptr[i].ptr, names.ptr[i].len);
    suite_check(n > 0, what, "it has no checks");
    for (size_t i = 0; i < n; i++) {
        run_check(&check, what, copies[i]);
        free(copies[i]);
    }
    free(copies);
    if (lp_starts_with(what, "caller") && !strchr(what, '-'))
        run_check(&check, what, "exact-nan");
}

static const char *const callers[] = {"caller", "caller-utf16", "caller-compact-utf16"};

static void run_caller(loop_host *host, const char *folder, const char *name, const char *what)
{
    loop_component *c = NULL;
    guest g;
    if (suite_ready(what, suite_component(host, folder, name, &c)) &&
        suite_ready(what, guest_open(host, c, &g))) {
        run_checks(&g, what);
        guest_close(&g);
    }
    loop_component_delete(c);
}

void run_callers(const char *folder)
{
    loop_host *host;
    if (!suite_ready("callers", suite_host(providers, &host)))
        return;
    for (size_t i = 0; i < LP_COUNT(callers); i++) {
        run_caller(host, folder, callers[i], callers[i]);
        suite_check(live_counters == 0 && live_labels == 0, callers[i],
                    "%u counters and %u labels are left", live_counters, live_labels);
    }
    loop_host_delete(host);
}

static loop_error *bind_callee(loop_host *host, const char *folder)
{
    static const char *const interfaces[] = {"loop:conformance/values", "loop:conformance/things"};
    lp_auto(lp_free_string) char *path = lp_format("%s/callee.wasm", folder);
    const char *provider;
    loop_error *err = loop_host_component_add(host, path, NULL, &provider);
    for (size_t i = 0; !err && i < LP_COUNT(interfaces); i++)
        err = loop_host_bind(host, interfaces[i], provider);
    return err;
}

/* The same, where the other guest serves them: what lives there, callers ask themselves. */
void run_served_callers(const char *folder)
{
    static const loop_provider *const none[] = {NULL};
    for (size_t i = 0; i < LP_COUNT(callers); i++) {
        loop_host *host;
        lp_auto(lp_free_string) char *what = lp_format("%s by callee", callers[i]);
        if (!suite_ready(what, suite_host(none, &host)))
            return;
        if (suite_ready(what, bind_callee(host, folder)))
            run_caller(host, folder, callers[i], what);
        loop_host_delete(host);
    }
}

/* ---- calls.txt ---- */

struct callee {
    loop_host *host;
    loop_component *component;
    guest native, oracle;
};

/* " -> RESULT" without its arrow; "" where there is none. */
static const char *result_text(const char *rest)
{
    return lp_starts_with(rest, " -> ") ? rest + 4 : "";
}

static void check_native(guest *g, const char *place, wave_call *c, const char *wanted_text)
{
    lp_auto(lp_free_string) char *label = lp_format("%s (native)", place);
    void *wanted = NULL;
    lp_buf where = {0};
    bool ready =
        !*wanted_text || suite_ready(label, call_expected(g, c, wanted_text, NULL, NULL, &wanted));
    if (ready && suite_ready(label, call_native(c))) {
        bool good = wanted ? wave_same(c->plan->result, wanted, c->ret, NULL, NULL, &where)
                           : !c->plan->result;
        suite_check(good, label, "%s", where.ptr ? where.ptr : "another kind of result");
    }
    lp_buf_done(&where);
}

static void check_oracle(guest *g, const char *place, const wave_call *c, const char *wanted)
{
    lp_auto(lp_free_string) char *label = lp_format("%s (value tree)", place);
    lp_auto(lp_free_string) char *got = NULL;
    if (suite_ready(label, call_oracle(g, c, &got)))
        suite_check(strcmp(got, wanted) == 0, label, "expected %.200s, got %.200s", wanted, got);
}

/* After an error an instance is over. */
static bool renew(struct callee *x, guest *g)
{
    guest_close(g);
    return suite_ready("callee", guest_open(x->host, x->component, g));
}

static void call_line(void *data, const char *place, const char *line)
{
    struct callee *x = data;
    size_t failed = suite_failed;
    wave_call c;
    if (!x->native.instance)
        return;
    if (suite_ready(place, call_read(&x->native, line, NULL, NULL, &c))) {
        const char *wanted = result_text(c.rest);
        check_native(&x->native, place, &c, wanted);
        if (x->oracle.instance)
            check_oracle(&x->oracle, place, &c, wanted);
    }
    if (suite_failed > failed) {
        renew(x, &x->native);
        renew(x, &x->oracle);
    }
}

/* ---- handles.txt ---- */

struct named {
    char *name;
    uint64_t handle; /* 0: gone */
};

struct names {
    guest *guest;
    struct {
        struct named *at;
        size_t n, cap;
    } all;
};

static struct named *find_name(struct names *x, lp_str name)
{
    for (size_t i = 0; i < x->all.n; i++)
        if (lp_str_is(name, x->all.at[i].name))
            return &x->all.at[i];
    return NULL;
}

/* An argument: an own handle is gone with it. */
static bool given(void *data, const lp_node *n, lp_str name, uint64_t *ret)
{
    struct named *found = find_name(data, name);
    if (!found || !found->handle)
        return false;
    *ret = found->handle;
    if (n->kind == LP_OWN)
        found->handle = 0;
    return true;
}

/* A result that is wanted: the place of its name stands for the handle that will come. */
static bool to_come(void *data, const lp_node *n, lp_str name, uint64_t *ret)
{
    struct names *x = data;
    struct named *found = find_name(x, name);
    if (!found) {
        found = lp_push(&x->all);
        found->name = lp_strndup(name.ptr, name.len);
    }
    *ret = (uint64_t)(found - x->all.at);
    return true;
}

static bool came(void *data, const lp_node *n, uint64_t wanted, uint64_t got)
{
    struct names *x = data;
    x->all.at[wanted].handle = got;
    return got != 0;
}

static void drop_line(struct names *x, const char *place, const char *name)
{
    struct named *found = find_name(x, lp_str_of(name));
    if (!suite_check(found && found->handle, place, "nothing has that name"))
        return;
    suite_worked(place, loop_handle_drop(x->guest->instance, found->handle));
    found->handle = 0;
}

static void handle_line(void *data, const char *place, const char *line)
{
    struct names *x = data;
    if (lp_starts_with(line, "drop $")) {
        drop_line(x, place, line + strlen("drop $"));
        return;
    }
    wave_call c;
    void *wanted;
    lp_buf where = {0};
    if (suite_ready(place, call_read(x->guest, line, given, x, &c)) &&
        suite_ready(place, call_native(&c)) &&
        suite_ready(place, call_expected(x->guest, &c, result_text(c.rest), to_come, x, &wanted)))
        suite_check(wave_same(c.plan->result, wanted, c.ret, came, x, &where), place, "%s",
                    where.ptr ? where.ptr : "");
    lp_buf_done(&where);
}

/* ---- callee ---- */

/* Every function's type, as the generated code has it. */
static void bind_all(guest *g)
{
    loop_conformance_values_exports values;
    loop_conformance_things_exports things;
    uint32_t answer = 0;
    if (!suite_worked("callee: values", loop_conformance_values_bind(g->instance, &values)) ||
        !suite_worked("callee: things", loop_conformance_things_bind(g->instance, &things)))
        return;
    if (suite_ready("callee: answer", loop_conformance_values_call_answer(&values, &answer)))
        suite_check(answer == 42, "callee: answer", "expected 42, got %u", answer);
}

static void run_handles(struct callee *x)
{
    guest g;
    if (!suite_ready("handles.txt", guest_open(x->host, x->component, &g)))
        return;
    struct names names = {.guest = &g};
    suite_table("handles.txt", handle_line, &names);
    for (size_t i = 0; i < names.all.n; i++)
        free(names.all.at[i].name);
    free(names.all.at);
    guest_close(&g);
}

void run_calls(const char *folder)
{
    struct callee x = {0};
    if (!suite_ready("callee", suite_host(providers, &x.host)))
        return;
    if (suite_ready("callee", suite_component(x.host, folder, "callee", &x.component)) &&
        renew(&x, &x.native) && renew(&x, &x.oracle)) {
        bind_all(&x.native);
        run_layouts(&x.native);
        suite_table("calls.txt", call_line, &x);
        run_handles(&x);
    }
    guest_close(&x.native);
    guest_close(&x.oracle);
    loop_component_delete(x.component);
    loop_host_delete(x.host);
}
