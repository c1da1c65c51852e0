/*
 * tests/conformance/hostile.c: hostile.txt: each line natively and, where no handle is
 * in it, by trees of values, in an instance of its own. After each nothing of the
 * host's objects is left, and the host serves another guest.
 */
#include <ctype.h>
#include <stdlib.h>

#include "host.h"
#include "tests/conformance/classes.h"
#include "tests/conformance/suite.h"

static const loop_provider *const providers[] = {&conformance_provider, NULL};

struct run {
    const char *folder;
    loop_host *host;
    loop_component *well, *hostile; /* `arguments`, of which `works` does; of this section */
    char section[LP_MAX_NAME];
};

/* ---- one line ---- */

/* $counter is a counter of the host; any other name the thing that a step answered. */
struct line {
    guest guest;
    const char *label;
    bool native;
    loop_conformance_things_counter *counter; /* ours; NULL where it was handed over */
    char name[LP_MAX_NAME];
    loop_handle thing;
};

static bool given(void *data, const lp_node *n, lp_str name, uint64_t *ret)
{
    struct line *x = data;
    *ret = x->thing;
    if (!lp_str_is(name, "counter"))
        return lp_str_is(name, x->name);
    x->counter = x->counter ? x->counter : counter_new(5);
    *ret = (uint64_t)(uintptr_t)x->counter;
    if (n->kind == LP_OWN)
        x->counter = NULL;
    return true;
}

/* Objects of the host's that came back are ours. */
static loop_error *take_back(void *data, const lp_node *n, uint64_t at)
{
    if (!n->type->resource->is_export)
        counter_delete((loop_conformance_things_counter *)(uintptr_t)at);
    return NULL;
}

static loop_error *call_step(struct line *x, const char **text, wave_call *c, char **ret_text)
{
    LP_TRY(call_read(&x->guest, *text, given, x, c));
    *text = c->rest;
    if (!x->native)
        return call_oracle(&x->guest, c, ret_text);
    LP_TRY(call_native(c));
    return c->plan->result ? lp_each_handle(c->plan->result, c->ret, LOOP_INTERNAL, take_back, NULL)
                           : NULL;
}

static size_t name_length(const char *text)
{
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '-')
        n++;
    return n;
}

/* One step at *text, which is moved behind it. */
static loop_error *step(struct line *x, const char **text, wave_call *c, char **ret_text)
{
    free(*ret_text);
    *ret_text = NULL;
    *c = (wave_call){0};
    if (lp_starts_with(*text, "drop $")) {
        *text += 6 + name_length(*text + 6);
        loop_handle thing = x->thing;
        x->thing = 0;
        return loop_handle_drop(x->guest.instance, thing);
    }
    LP_TRY(call_step(x, text, c, ret_text));
    if (!lp_starts_with(*text, " -> $"))
        return NULL;
    const char *name = *text + 5;
    snprintf(x->name, sizeof x->name, "%.*s", (int)name_length(name), name);
    *text = name + name_length(name);
    x->thing = *(const loop_handle *)c->ret;
    return NULL;
}

static void check_value(struct line *x, const wave_call *c, const char *wanted_text,
                        const char *got)
{
    void *wanted;
    lp_buf where = {0};
    if (!*wanted_text) {
        suite_check(true, x->label, "fine");
    } else if (got) {
        suite_check(strcmp(got, wanted_text) == 0, x->label, "expected %s, got %s", wanted_text,
                    got);
    } else if (suite_ready(x->label,
                           call_expected(&x->guest, c, wanted_text, NULL, NULL, &wanted))) {
        suite_check(wave_same(c->plan->result, wanted, c->ret, NULL, NULL, &where), x->label, "%s",
                    where.ptr ? where.ptr : "");
    }
    lp_buf_done(&where);
}

static void check_outcome(struct line *x, const char *outcome, loop_error *err, const wave_call *c,
                          const char *got)
{
    if (lp_starts_with(outcome, "error ")) {
        class_check(x->label, outcome + strlen("error "), err);
    } else if (lp_starts_with(outcome, "ok")) {
        if (suite_ready(x->label, err))
            check_value(x, c, outcome + 2 + strspn(outcome + 2, " "), got);
    } else {
        suite_check(!err || loop_error_code(err) == LOOP_TRAP, x->label, "ended with '%s'",
                    loop_code_name(loop_error_code(err)));
        loop_error_delete(err);
    }
}

static void run_steps(struct line *x, const char *text)
{
    wave_call c;
    char *got = NULL;
    loop_error *err = step(x, &text, &c, &got);
    while (!err && lp_starts_with(text, "; ")) {
        text += 2;
        err = step(x, &text, &c, &got);
    }
    /* A step before the last must end well: its error has more steps behind it. */
    const char *outcome = strstr(text, " => ");
    if (outcome == text)
        check_outcome(x, outcome + 4, err, &c, got);
    else if (suite_ready(x->label, err))
        suite_check(false, x->label, "it is no line of steps at: %s", text);
    free(got);
}

/* ---- all of it ---- */

static void check_whole(struct run *r, const char *label)
{
    guest g;
    wave_call c;
    if (live_counters || live_labels)
        suite_check(false, label, "%u counters and %u labels are left", live_counters, live_labels);
    live_counters = live_labels = 0; /* of that line alone */
    if (!suite_ready(label, guest_open(r->host, r->well, &g)))
        return;
    if (suite_ready(label, call_read(&g, "works()", NULL, NULL, &c)) &&
        suite_ready(label, call_native(&c)) && *(uint32_t *)c.ret != 1)
        suite_check(false, label, "the host answers %u, not 1", *(uint32_t *)c.ret);
    guest_close(&g);
}

static void run_line(struct run *r, const char *place, const char *line, bool native)
{
    lp_auto(lp_free_string) char *label =
        lp_format("%s [%s] (%s)", place, r->section, native ? "native" : "value tree");
    struct line x = {.label = label, .native = native};
    if (!suite_ready(label, guest_open(r->host, r->hostile, &x.guest)))
        return;
    run_steps(&x, line);
    guest_close(&x.guest);
    if (x.counter)
        counter_delete(x.counter);
    check_whole(r, label);
}

static void hostile_line(void *data, const char *place, const char *line)
{
    struct run *r = data;
    if (*line == '[') {
        snprintf(r->section, sizeof r->section, "hostile-%.*s", (int)strcspn(line + 1, "]"),
                 line + 1);
        loop_component_delete(r->hostile);
        r->hostile = NULL;
        suite_ready(r->section, suite_component(r->host, r->folder, r->section, &r->hostile));
        return;
    }
    if (!r->hostile)
        return;
    run_line(r, place, line, true);
    if (!strchr(line, '$') && !lp_starts_with(line, "wild."))
        run_line(r, place, line, false);
}

void run_hostile(const char *folder)
{
    struct run r = {.folder = folder};
    if (!suite_ready("hostile", suite_host(providers, &r.host)))
        return;
    if (suite_ready("hostile", suite_component(r.host, folder, "hostile-arguments", &r.well)))
        suite_table("hostile.txt", hostile_line, &r);
    loop_component_delete(r.hostile);
    loop_component_delete(r.well);
    loop_host_delete(r.host);
}
