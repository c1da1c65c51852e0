/*
 * tests/conformance/echo.c: batches of generate.py. Each line of a batch is one call
 * `f3(ARGS)` of a guest that passes its arguments on to an import and answers what
 * that answered:
 *
 *     value tree ─▶ f3 of the guest ─▶ f3 of this provider: compares, answers them
 *     native     ─▶ f3 of the guest ─▶ the same, answers a copy of its own
 *
 * The provider's rows are made at run time from what the component imports.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/conformance/suite.h"

#define MOST_FUNCTIONS 64 /* of a batch */

/* ---- the provider ---- */

/* What the call in flight is to bring, and how it is answered. */
static struct {
    const wave_call *expected;
    bool copy;     /* answer expected's values, not those that came */
    size_t called; /* how often; and the first that was wrong: */
    lp_buf wrong;
} now;

static const char *functions[MOST_FUNCTIONS]; /* by row */

/* The answer is the argument, or all of them: a tuple lies as the parameters do. */
static loop_error *echo(size_t row, const void *args, void *ret)
{
    now.called++;
    const lp_plan *p = now.expected->plan;
    if (strcmp(functions[row], now.expected->import->name) != 0) {
        lp_buf_printf(&now.wrong, "%s was called", functions[row]);
        return loop_error_new(LOOP_INTERNAL, "another function was called");
    }
    wave_same(&p->params, now.expected->args, args, NULL, NULL, &now.wrong);
    if (p->result)
        memcpy(ret, now.copy ? now.expected->args : args, p->result->size);
    return NULL;
}

/* Each row has a function of its own: it is told by nothing else which one it is. By two octal
 * digits. */
#define ROW(a, b)                                                                                  \
    static loop_error *echo_##a##b(const void *f, void *self, loop_call *c, const void *args,      \
                                   void *ret)                                                      \
    {                                                                                              \
        return echo(0##a##b, args, ret);                                                           \
    }
#define EIGHT(X, a) X(a, 0) X(a, 1) X(a, 2) X(a, 3) X(a, 4) X(a, 5) X(a, 6) X(a, 7)
#define NAME(a, b) echo_##a##b,
EIGHT(ROW, 0)
EIGHT(ROW, 1)
EIGHT(ROW, 2)
EIGHT(ROW, 3)
EIGHT(ROW, 4)
EIGHT(ROW, 5)
EIGHT(ROW, 6)
EIGHT(ROW, 7)
static loop_error *(*const thunks[MOST_FUNCTIONS])(const void *, void *, loop_call *, const void *,
                                                   void *) = {
    EIGHT(NAME, 0) EIGHT(NAME, 1) EIGHT(NAME, 2) EIGHT(NAME, 3) EIGHT(NAME, 4) EIGHT(NAME, 5)
        EIGHT(NAME, 6) EIGHT(NAME, 7)};

/* The table that rows look into: only whether a pointer is there matters. */
static void nothing(void)
{
}

struct batch {
    const char *path; /* without ".wasm" */
    loop_host *host;
    loop_component *component;
    guest native, oracle;
    void (*filled[1])(void);
    loop_function rows[MOST_FUNCTIONS + 1];
    loop_resource resources[1];
    loop_interface interface;
    loop_provider_interface interfaces[2];
    loop_provider provider;
    size_t signatures;
};

static size_t all_signatures, all_calls, all_differences;

static bool make_rows(struct batch *b)
{
    const lp_import *import;
    for (size_t n = 0; (import = lp_component_import_at(b->component->engine, n)); n++) {
        if (!import->signature || b->signatures == MOST_FUNCTIONS)
            return suite_check(false, b->path, "it imports too much");
        lp_buf type = {0};
        lp_signature_text(import->signature, &type);
        functions[b->signatures] = import->name;
        b->rows[b->signatures] =
            (loop_function){import->name, lp_buf_take(&type), 0, thunks[b->signatures]};
        b->signatures++;
    }
    return b->signatures > 0 || suite_check(false, b->path, "it imports nothing");
}

static loop_error *add_provider(struct batch *b)
{
    b->filled[0] = nothing;
    b->interface = (loop_interface){LOOP_ABI, "loop:fuzz/echo", "", b->rows, b->resources};
    b->interfaces[0] = (loop_provider_interface){&b->interface, b->filled};
    b->provider = (loop_provider){.abi = LOOP_PROVIDER_ABI,
                                  .name = "echo",
                                  .summary = "answers its arguments",
                                  .interfaces = b->interfaces,
                                  .threads = LOOP_THREADS_SERIAL};
    return loop_host_provider_add(b->host, &b->provider);
}

/* ---- one call, both ways ---- */

static void begin(const wave_call *c, bool copy)
{
    lp_buf_done(&now.wrong);
    now.expected = c;
    now.copy = copy;
    now.called = 0;
    all_calls++;
}

/* The import was called, once, with the right values. */
static bool passed_on(const char *what)
{
    return (now.called == 1 && !now.wrong.len) ||
           suite_check(false, what, "on its way out (%zu calls): %s", now.called,
                       now.wrong.len ? now.wrong.ptr : "");
}

static bool came_back(const wave_call *c, const void *got, const char *what)
{
    lp_buf where = {0};
    bool good = !c->plan->result || wave_same(c->plan->result, c->args, got, NULL, NULL, &where);
    suite_check(good, what, "on its way back: %s", where.ptr ? where.ptr : "");
    lp_buf_done(&where);
    return good;
}

static bool by_value_tree(struct batch *b, const wave_call *c, const char *place)
{
    lp_auto(lp_free_string) char *label = lp_format("%s (value tree)", place);
    lp_auto(lp_free_string) char *text = NULL;
    void *got = NULL;
    begin(c, false);
    return suite_ready(label, call_oracle(&b->oracle, c, &text)) && passed_on(label) &&
           (!c->plan->result ||
            suite_ready(label, call_expected(&b->native, c, text, NULL, NULL, &got))) &&
           came_back(c, got, label);
}

static bool by_native_values(wave_call *c, const char *place)
{
    lp_auto(lp_free_string) char *label = lp_format("%s (native)", place);
    begin(c, true);
    return suite_ready(label, call_native(c)) && passed_on(label) && came_back(c, c->ret, label);
}

static bool open_guests(struct batch *b)
{
    guest_close(&b->native);
    guest_close(&b->oracle);
    return suite_ready(b->path, guest_open(b->host, b->component, &b->native)) &&
           suite_ready(b->path, guest_open(b->host, b->component, &b->oracle));
}

static void batch_line(void *data, const char *place, const char *line)
{
    struct batch *b = data;
    wave_call c;
    if (!b->oracle.instance)
        return;
    bool good = suite_ready(place, call_read(&b->native, line, NULL, NULL, &c)) &&
                by_value_tree(b, &c, place) && by_native_values(&c, place);
    all_differences += !good;
    if (!good)
        open_guests(b);
}

/* ---- batches ---- */

static void run_batch(const char *path)
{
    struct batch b = {.path = path};
    lp_auto(lp_free_string) char *wasm = lp_format("%s.wasm", path);
    lp_auto(lp_free_string) char *table = lp_format("%s.txt", path);
    if (!suite_ready(path, loop_host_new(&(loop_host_options){.no_cache = true}, &b.host)))
        return;
    if (suite_ready(path, loop_component_open(b.host, wasm, &b.component)) && make_rows(&b) &&
        suite_ready(path, add_provider(&b)) && open_guests(&b))
        suite_table(table, batch_line, &b);
    all_signatures += b.signatures;
    guest_close(&b.native);
    guest_close(&b.oracle);
    loop_component_delete(b.component);
    loop_host_delete(b.host);
    for (size_t i = 0; i < b.signatures; i++)
        free((char *)b.rows[i].type);
    lp_buf_done(&now.wrong);
}

static int by_name(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return n > 5 && strcmp(entry->d_name + n - 5, ".wasm") == 0;
}

void run_generated(const char *folder)
{
    struct dirent **found;
    int n = scandir(folder, &found, by_name, alphasort);
    suite_check(n > 0, folder, "there are no batches");
    for (int i = 0; i < n; i++) {
        lp_auto(lp_free_string) char *path =
            lp_format("%s/%.*s", folder, (int)strlen(found[i]->d_name) - 5, found[i]->d_name);
        run_batch(path);
        free(found[i]);
    }
    if (n >= 0)
        free(found);
    printf("%zu signatures, %zu calls, %zu differences\n", all_signatures, all_calls,
           all_differences);
}
