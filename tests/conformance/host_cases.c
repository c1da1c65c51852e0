/*
 * tests/conformance/host_cases.c: what no line of a table can say: instances that end
 * while they hold handles, handles of C that are not good any more, and components
 * that are entered again.
 */
#include <stdlib.h>

#include "host.h"
#include "tests/conformance/classes.h"
#include "tests/conformance/suite.h"

static const loop_provider *const providers[] = {&conformance_provider, NULL};

struct place {
    loop_host *host;
    loop_component *handles, *results, *callee;
};

/* More than may be held at a time: nothing is kept of what is over. */
#define MANY (LP_MAX_HANDLES + 100)

/* What $h and $g are in the arguments of a call. */
struct given {
    uint64_t h, g;
};

static bool give(void *data, const lp_node *n, lp_str name, uint64_t *ret)
{
    const struct given *x = data;
    *ret = *name.ptr == 'h' ? x->h : x->g;
    return true;
}

/* One call by native values; *ret, where wanted, is 8 bytes: the handle or number it answers. */
static loop_error *try_call(guest *g, const char *text, struct given x, uint64_t *ret)
{
    wave_call c;
    LP_TRY(call_read(g, text, give, &x, &c));
    LP_TRY(call_native(&c));
    if (ret) {
        *ret = 0;
        memcpy(ret, c.ret, c.plan->result->size);
    }
    return NULL;
}

/* The same, which must work and answer that. */
static bool answers(guest *g, const char *what, const char *text, struct given x, uint64_t wanted)
{
    uint64_t got;
    return suite_ready(what, try_call(g, text, x, &got)) &&
           suite_check(got == wanted, what, "%s: expected %llu, got %llu", text,
                       (unsigned long long)wanted, (unsigned long long)got);
}

/* ---- instances ---- */

static void ends_with_handles(struct place *p)
{
    const char *what = "an instance that holds twenty objects is deleted";
    guest g;
    if (!suite_ready(what, guest_open(p->host, p->handles, &g)))
        return;
    if (answers(&g, what, "keeps-all()", (struct given){0}, 10))
        suite_check(live_counters == 10 && live_labels == 10, what,
                    "%u counters and %u labels live, not 10 and 10", live_counters, live_labels);
    guest_close(&g);
    suite_check(live_counters == 0 && live_labels == 0, what, "%u counters and %u labels are left",
                live_counters, live_labels);
}

static void lends(struct place *p)
{
    const char *what = "a counter that was lent is still ours";
    guest g;
    int64_t number = 0;
    if (!suite_ready(what, guest_open(p->host, p->handles, &g)))
        return;
    loop_conformance_things_counter *c = counter_new(5);
    struct given x = {(uintptr_t)c, 0};
    wave_call again;
    loop_error *err = call_read(&g, "reads-borrowed($h)", give, &x, &again);
    for (size_t i = 0; !err && i < MANY; i++)
        err = call_native(&again);
    suite_worked(what, err);
    answers(&g, what, "reads-borrowed($h)", x, 5);
    guest_close(&g);
    suite_check(live_counters == 1 && counter_number(c, &number) && number == 5, what,
                "%u counters live; its number is %lld", live_counters, (long long)number);
    counter_delete(c);
}

static void refuses_nothing(struct place *p)
{
    const char *what = "no object for a handle";
    guest g;
    if (!suite_ready(what, guest_open(p->host, p->handles, &g)))
        return;
    class_check(what, "handle", try_call(&g, "reads-borrowed($h)", (struct given){0}, NULL));
    guest_close(&g);
}

/* ---- handles of the component's own ---- */

/* A handle of one instance is none of another; `alike`: when that has given out as many. */
static void other_instance(struct place *p, bool alike)
{
    const char *what = alike ? "a handle of another instance, which has one like it"
                             : "a handle of another instance";
    guest a, b;
    uint64_t h = 0;
    if (!suite_ready(what, guest_open(p->host, p->handles, &a)))
        return;
    if (suite_ready(what, guest_open(p->host, p->handles, &b))) {
        bool ready =
            suite_ready(what, try_call(&a, "wild.good()", (struct given){0}, &h)) &&
            (!alike || suite_ready(what, try_call(&b, "wild.good()", (struct given){0}, NULL)));
        if (ready) {
            class_check(what, "handle", loop_handle_drop(b.instance, h));
            class_check(what, "handle", try_call(&b, "wild.read($h)", (struct given){h, 0}, NULL));
            answers(&a, what, "wild.read($h)", (struct given){h, 0}, 1);
        }
        guest_close(&b);
    }
    guest_close(&a);
}

/* In callee, where $h and $g are counters of its own: the last call must be refused. */
static const struct stale {
    const char *what, *first, *then;
    bool drop; /* $h, before */
} stales[] = {
    {"a handle that was dropped", NULL, "things.[method]counter.get($h)", true},
    {"a handle that was given away", "things.take($h)", "things.read($h)", false},
    {"a handle that was given away, given again", "things.take($h)", "things.take($h)", false},
    {"one handle given twice", NULL, "things.[static]counter.merge($h, $h)", false},
    {"one handle given twice in a list", NULL, "things.take-list([$g, $h, $h])", false},
    {"a handle that is lent and given", NULL, "things.read-and-take($h, $h)", false},
    {"a counter for a label", NULL, "things.[method]label.text($h)", false},
    {"a handle that was dropped, in a record", NULL, "things.take-pair({left: $g, right: $h})",
     true},
};

static void run_stale(struct place *p, const struct stale *s)
{
    guest g;
    struct given x = {0};
    if (!suite_ready(s->what, guest_open(p->host, p->callee, &g)))
        return;
    bool ready = suite_ready(s->what, try_call(&g, "things.[constructor]counter(1)", x, &x.h)) &&
                 suite_ready(s->what, try_call(&g, "things.[constructor]counter(2)", x, &x.g)) &&
                 (!s->drop || suite_ready(s->what, loop_handle_drop(g.instance, x.h))) &&
                 (!s->first || suite_ready(s->what, try_call(&g, s->first, x, NULL)));
    if (ready) {
        loop_error *err = try_call(&g, s->then, x, NULL);
        const char *got = class_of(err);
        class_check(s->what, strcmp(got, "borrow") == 0 ? got : "handle", err);
    }
    guest_close(&g);
}

static void made_up(struct place *p)
{
    static const uint64_t handles[] = {0, 2, UINT64_MAX, (uint64_t)1 << 32 | 1, UINT32_MAX};
    const char *what = "a handle that was never given";
    guest g;
    uint64_t h = 0;
    for (size_t i = 0; i < LP_COUNT(handles); i++) {
        if (!suite_ready(what, guest_open(p->host, p->callee, &g)))
            return;
        struct given x = {handles[i], 0};
        if (suite_ready(what, try_call(&g, "things.[constructor]counter(1)", x, &h)) &&
            suite_check(h != handles[i], what, "%llx was given", (unsigned long long)h))
            class_check(what, "handle", try_call(&g, "things.read($h)", x, NULL));
        guest_close(&g);
    }
}

/* A successor in the same place is another handle. */
static void reused(struct place *p)
{
    const char *what = "a handle whose place has a new one";
    guest g;
    struct given x = {0};
    if (!suite_ready(what, guest_open(p->host, p->callee, &g)))
        return;
    if (suite_ready(what, try_call(&g, "things.[constructor]counter(1)", x, &x.h)) &&
        suite_ready(what, loop_handle_drop(g.instance, x.h)) &&
        suite_ready(what, try_call(&g, "things.[constructor]counter(2)", x, &x.g))) {
        class_check(what, "handle", loop_handle_drop(g.instance, x.h));
        answers(&g, what, "things.read($g)", x, 2);
        class_check(what, "handle", try_call(&g, "things.read($h)", x, NULL));
    }
    guest_close(&g);
}

static void many(struct place *p)
{
    const char *what = "many handles, one after the other";
    guest g;
    wave_call create;
    if (!suite_ready(what, guest_open(p->host, p->callee, &g)))
        return;
    loop_error *err = call_read(&g, "things.[constructor]counter(1)", NULL, NULL, &create);
    for (size_t i = 0; !err && i < MANY; i++) {
        err = call_native(&create);
        if (!err)
            err = loop_handle_drop(g.instance, *(const loop_handle *)create.ret);
    }
    suite_worked(what, err);
    answers(&g, what, "things.live-counters()", (struct given){0}, 0);
    guest_close(&g);
}

/* ---- entered again ---- */

static struct {
    guest *guest;
    const char *text; /* what is called from inside */
    struct given given;
    size_t calls;
    bool lent;       /* the loans of the outer call are as before */
    loop_error *err; /* what the last one said */
} inside;

/* `inside.text`, or where it is NULL dropping inside.given.h. */
static loop_error *call_again(void)
{
    const loop_instance *i = inside.guest->instance;
    size_t lent = i->body->lent.n;
    inside.calls++;
    loop_error_delete(inside.err);
    inside.err = inside.text ? try_call(inside.guest, inside.text, inside.given, NULL)
                             : loop_handle_drop(inside.guest->instance, inside.given.h);
    inside.lent = i->body->lent.n == lent;
    return NULL;
}

static void check_again(const char *what, size_t calls)
{
    suite_check(inside.calls == calls, what, "it was called %zu times, not %zu", inside.calls,
                calls);
    suite_check(loop_error_code(inside.err) == LOOP_UNAVAILABLE, what,
                "expected 'unavailable', got '%s'", loop_code_name(loop_error_code(inside.err)));
    suite_check(inside.lent, what, "what the outer call lent was taken back");
    class_check(what, "reenter", inside.err);
    inside.err = NULL;
    inside.calls = 0;
}

static void enters_again(struct place *p)
{
    const char *what = "a provider calls the component that called it";
    guest g;
    if (!suite_ready(what, guest_open(p->host, p->results, &g)))
        return;
    inside.guest = &g;
    inside.text = "good()";
    on_call = call_again;
    answers(&g, what, "calls-out()", (struct given){0}, 1);
    check_again(what, 1);
    answers(&g, what, "calls-out()", (struct given){0}, 1);
    check_again(what, 1);
    on_call = NULL;
    suite_worked(what, try_call(&g, "good()", (struct given){0}, NULL));
    guest_close(&g);
}

/* What the outer call lent, and what it gave, is not touched. */
static void enters_again_with(struct place *p, const char *what, const char *outer,
                              const char *inner, bool given)
{
    guest g;
    if (!suite_ready(what, guest_open(p->host, p->handles, &g)))
        return;
    loop_conformance_things_counter *lent = counter_new(5), *other = counter_new(9);
    inside.guest = &g;
    inside.text = inner;
    inside.given = (struct given){(uintptr_t)other, 0};
    on_call = call_again;
    answers(&g, what, outer, (struct given){(uintptr_t)lent, 0}, 5);
    on_call = NULL;
    check_again(what, 1);
    int64_t number;
    guest_close(&g);
    suite_check(live_counters == (given ? 1 : 2), what, "%u counters live", live_counters);
    if (!given && suite_check(counter_number(lent, &number), what, "what was lent is gone"))
        counter_delete(lent);
    if (suite_check(counter_number(other, &number), what, "what was refused is gone"))
        counter_delete(other);
    live_counters = 0;
}

static void with_a_thing_inside(struct place *p, const char *what, const char *inner)
{
    guest g;
    uint64_t h;
    if (!suite_ready(what, guest_open(p->host, p->handles, &g)))
        return;
    if (suite_ready(what, try_call(&g, "wild.good()", (struct given){0}, &h))) {
        loop_conformance_things_counter *c = counter_new(5);
        inside.guest = &g;
        inside.text = inner;
        inside.given.h = h;
        on_call = call_again;
        answers(&g, what, "reads-borrowed($h)", (struct given){(uintptr_t)c, 0}, 5);
        on_call = NULL;
        check_again(what, 1);
        answers(&g, what, "wild.read($h)", (struct given){h, 0}, 1);
        suite_worked(what, loop_handle_drop(g.instance, h));
        counter_delete(c);
    }
    guest_close(&g);
}

static loop_error *unavailable(void)
{
    return loop_error_new(LOOP_UNAVAILABLE, "the provider is not there today");
}

/* That code of a provider's ends the instance like any other. */
static void says_unavailable(struct place *p)
{
    const char *what = "a provider's error is 'unavailable'";
    guest g;
    if (!suite_ready(what, guest_open(p->host, p->results, &g)))
        return;
    on_call = unavailable;
    loop_error *err = try_call(&g, "calls-out()", (struct given){0}, NULL);
    on_call = NULL;
    /* By its code, 'unavailable' says that nothing was called: this is another. */
    suite_check(loop_error_code(err) == LOOP_TRAP && loop_error_cause(err), what,
                "expected a trap that says why, got '%s'", loop_code_name(loop_error_code(err)));
    loop_error_delete(err);
    err = try_call(&g, "good()", (struct given){0}, NULL);
    suite_check(err && strstr(loop_error_message(err), "has ended"), what,
                "the next call: expected that it has ended, got '%s'",
                err ? loop_error_message(err) : "a result");
    loop_error_delete(err);
    guest_close(&g);
}

/* ---- arguments that the component does not get ---- */

static bool says(const loop_error *err, const char *text)
{
    for (; err; err = loop_error_cause(err))
        if (strstr(loop_error_message(err), text))
            return true;
    return false;
}

/* Takes the error of a call of `function`, which says that, and has ended the instance. */
static void ended_in(guest *g, const char *what, const char *function, loop_error *err,
                     loop_code code, const char *why)
{
    lp_auto(lp_free_string) char *in = lp_format("in %s of", function);
    suite_check(loop_error_code(err) == code && says(err, why) && says(err, in), what,
                "expected '%s' that says '%s' and where, got '%s'", loop_code_name(code), why,
                loop_code_name(loop_error_code(err)));
    loop_error_delete(err);
    err = try_call(g, "good()", (struct given){0}, NULL);
    suite_check(says(err, "has ended"), what, "the next call does not say that it has ended");
    loop_error_delete(err);
}

/* In hostile-results. A string and a list look alike in C. */
static const struct argument {
    const char *what, *function;
    loop_string value;
    loop_code code;
    const char *why;
} arguments[] = {
    {"text that is not UTF-8", "take-string", {"\xed\xa0\x80", 3}, LOOP_INVALID, "not UTF-8"},
    {"long text that is not UTF-8",
     "take-string",
     {"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\xff", 65},
     LOOP_INVALID,
     "not UTF-8"},
    {"text without a place", "take-string", {NULL, 5}, LOOP_INVALID, "without a place"},
    {"text of more than a call may have",
     "take-string",
     {"x", LP_MAX_CALL_FUEL + 1},
     LOOP_LIMIT,
     "take more than"},
    {"text without an end", "take-string", {"x", SIZE_MAX}, LOOP_LIMIT, "take more than"},
    {"numbers without a place", "take-numbers", {NULL, 2}, LOOP_INVALID, "without a place"},
    {"more numbers than a call may have",
     "take-numbers",
     {"x", LP_MAX_CALL_FUEL / 8 + 1},
     LOOP_LIMIT,
     "take more than"},
    {"numbers without an end",
     "take-numbers",
     {"x", SIZE_MAX / 8 + 2},
     LOOP_LIMIT,
     "take more than"},
};

static void refuses_argument(struct place *p, const struct argument *a)
{
    guest g;
    wave_call c;
    lp_auto(lp_free_string) char *text =
        lp_format("%s(%s)", a->function, strcmp(a->function, "take-string") ? "[]" : "\"\"");
    if (!suite_ready(a->what, guest_open(p->host, p->results, &g)))
        return;
    if (suite_ready(a->what, call_read(&g, text, NULL, NULL, &c))) {
        *(loop_string *)c.args = a->value;
        ended_in(&g, a->what, a->function, call_native(&c), a->code, a->why);
    }
    guest_close(&g);
}

/* The allocator goes wrong; for what is empty it is not asked. */
static void is_not_taken(struct place *p, const char *what, unsigned how, const char *why)
{
    guest g;
    lp_auto(lp_free_string) char *go_wrong = lp_format("go-wrong(%u)", how);
    if (!suite_ready(what, guest_open(p->host, p->results, &g)))
        return;
    if (suite_ready(what, try_call(&g, go_wrong, (struct given){0}, NULL)) &&
        answers(&g, what, "take-string(\"\")", (struct given){0}, 0) &&
        answers(&g, what, "take-numbers([])", (struct given){0}, 0)) {
        loop_error *err = try_call(&g, "take-string(\"hello\")", (struct given){0}, NULL);
        suite_check(says(err, "did not allocate 5 bytes"), what, "it does not say what for");
        ended_in(&g, what, "take-string", err, LOOP_TRAP, why);
    }
    guest_close(&g);
}

static void run_all(struct place *p)
{
    ends_with_handles(p);
    lends(p);
    refuses_nothing(p);
    other_instance(p, false);
    other_instance(p, true);
    for (size_t i = 0; i < LP_COUNT(stales); i++)
        run_stale(p, &stales[i]);
    made_up(p);
    reused(p);
    many(p);
    enters_again(p);
    enters_again_with(p, "entered again while a counter is lent", "reads-borrowed($h)",
                      "reads-borrowed($h)", false);
    enters_again_with(p, "entered again with a gift while a counter is lent", "reads-borrowed($h)",
                      "keeps-owned($h)", false);
    enters_again_with(p, "entered again while a counter was given", "keeps-owned($h)",
                      "reads-borrowed($h)", true);
    with_a_thing_inside(p, "a provider reads a thing of the component that called it",
                        "wild.read($h)");
    with_a_thing_inside(p, "a provider drops a thing of the component that called it", NULL);
    says_unavailable(p);
    for (size_t i = 0; i < LP_COUNT(arguments); i++)
        refuses_argument(p, &arguments[i]);
    is_not_taken(p, "an allocator that traps", 7, "unreachable");
    is_not_taken(p, "an allocator that answers what is out of bounds", 2, "realloc return");
    is_not_taken(p, "an allocator that calls out", 8, "cannot leave");
}

void run_host_cases(const char *folder)
{
    struct place p = {0};
    if (!suite_ready("host cases", suite_host(providers, &p.host)))
        return;
    if (suite_ready("host cases", suite_component(p.host, folder, "hostile-handles", &p.handles)) &&
        suite_ready("host cases", suite_component(p.host, folder, "hostile-results", &p.results)) &&
        suite_ready("host cases", suite_component(p.host, folder, "callee", &p.callee)))
        run_all(&p);
    loop_component_delete(p.handles);
    loop_component_delete(p.results);
    loop_component_delete(p.callee);
    loop_host_delete(p.host);
}
