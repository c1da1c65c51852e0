/*
 * host/swap_test.c: swaps of a provider under components that serve, with providers that are a part
 * of this program: whose objects are whose, what is dropped and closed, and how often.
 */
#include <stdio.h>

#include "host/internal.h"
#include "host/serving_test.h"
#include "host/swap.h"

/* ---- providers ---- */

/* A store of tokens: each table has an object of its own, and knows its tokens. */
struct shelf {
    const char *name;
    _Atomic int opened, closed, held, made, resumed;
    _Atomic int calls, healths;
    _Atomic bool in_step;
    bool unwell_after;     /* the first time */
    bool keeps;            /* answers that tokens cannot move */
    bool refuses;          /* to make them */
    int value_ms, step_ms; /* how long a call, or `quiesce` and `open`, takes */
    _Atomic bool wrong;    /* was given a token of another */
    uint64_t state;
};

static struct shelf oak = {.name = "oak"}, elm = {.name = "elm"};

struct demo_counter_tokens_token {
    struct shelf *of;
    uint32_t value;
};

static loop_error *open_shelf(struct shelf *s, void **ret)
{
    s->in_step = true;
    lp_os_sleep_ms((unsigned)s->step_ms);
    s->in_step = false;
    s->opened++;
    *ret = s;
    return NULL;
}
static loop_error *open_oak(const loop_services *services, void **ret)
{
    (void)services;
    return open_shelf(&oak, ret);
}
static loop_error *open_elm(const loop_services *services, void **ret)
{
    (void)services;
    return open_shelf(&elm, ret);
}
static void close_shelf(void *self)
{
    ((struct shelf *)self)->closed++;
}

static struct demo_counter_tokens_token *token_new(struct shelf *s, uint32_t value)
{
    struct demo_counter_tokens_token *t = lp_alloc(sizeof *t);
    *t = (struct demo_counter_tokens_token){s, value};
    s->held++;
    s->made++;
    return t;
}

static loop_error *get(void *self, loop_call *call, demo_counter_tokens_token **ret)
{
    (void)call;
    *ret = token_new(self, 1);
    return NULL;
}

static loop_error *value(void *self, loop_call *call, demo_counter_tokens_token *t, uint32_t *ret)
{
    (void)call;
    struct shelf *s = self;
    s->calls++;
    s->wrong = s->wrong || t->of != s;
    lp_os_sleep_ms((unsigned)s->value_ms);
    *ret = t->value;
    return NULL;
}

static void drop(void *self, demo_counter_tokens_token *t)
{
    struct shelf *s = self;
    s->wrong = s->wrong || t->of != s;
    t->of->held--;
    free(t);
}

static loop_error *quiesce(void *self)
{
    struct shelf *s = self;
    s->in_step = true;
    lp_os_sleep_ms((unsigned)s->step_ms);
    s->in_step = false;
    return NULL;
}

static void resume(void *self)
{
    ((struct shelf *)self)->resumed++;
}

static loop_error *save(void *self, const loop_interface *interface, loop_pass pass,
                        loop_stream *to)
{
    (void)interface, (void)pass;
    struct shelf *s = self;
    return loop_stream_write(to, &s->state, sizeof s->state);
}

static loop_error *restore(void *self, const loop_interface *interface, loop_pass pass,
                           loop_stream *from)
{
    (void)interface, (void)pass;
    struct shelf *s = self;
    size_t n;
    return loop_stream_read(from, &s->state, sizeof s->state, &n);
}

static loop_error *save_object(void *self, const loop_interface *interface, size_t resource,
                               void *object, loop_stream *to)
{
    (void)interface, (void)resource;
    struct shelf *s = self;
    const struct demo_counter_tokens_token *t = object;
    s->wrong = s->wrong || t->of != s;
    if (s->keeps)
        return loop_error_new(LOOP_UNAVAILABLE, "tokens stay");
    return loop_stream_write(to, &t->value, sizeof t->value);
}

static loop_error *restore_object(void *self, const loop_interface *interface, size_t resource,
                                  loop_stream *from, void **ret)
{
    (void)interface, (void)resource;
    struct shelf *s = self;
    uint32_t number;
    size_t n;
    LP_TRY(loop_stream_read(from, &number, sizeof number, &n));
    if (s->refuses && s->held == 2)
        return loop_error_new(LOOP_INVALID, "no room for another token");
    *ret = token_new(s, number);
    return NULL;
}

static loop_error *health(void *self)
{
    struct shelf *s = self;
    bool bad = s->unwell_after && ++s->healths > 2; /* at the start, before the trial, after it */
    return bad ? loop_error_new(LOOP_UNAVAILABLE, "it feels faint") : NULL;
}

static const loop_provider_swap steps = {.quiesce = quiesce,
                                         .resume = resume,
                                         .save = save,
                                         .restore = restore,
                                         .save_object = save_object,
                                         .restore_object = restore_object,
                                         .health = health};
static const demo_counter_tokens_functions functions = {
    .get = get, .token_value = value, .token_drop = drop};
static const loop_provider_interface interfaces[] = {{&demo_counter_tokens_interface, &functions},
                                                     {NULL, NULL}};
static const loop_provider oak_table = {.abi = LOOP_PROVIDER_ABI,
                                        .name = "oak",
                                        .summary = "for the test",
                                        .interfaces = interfaces,
                                        .open = open_oak,
                                        .close = close_shelf,
                                        .threads = LOOP_THREADS_ANY,
                                        .swap = &steps};
static const loop_provider elm_table = {.abi = LOOP_PROVIDER_ABI,
                                        .name = "elm",
                                        .summary = "for the test",
                                        .interfaces = interfaces,
                                        .open = open_elm,
                                        .close = close_shelf,
                                        .threads = LOOP_THREADS_ANY,
                                        .swap = &steps};

static loop_error *pass_on(void *self, loop_call *call, const loop_interface *interface, size_t row,
                           const void *args, void *ret)
{
    (void)self;
    return loop_call_next(call, interface, row, args, ret);
}
static const loop_provider passes = {.abi = LOOP_PROVIDER_ABI,
                                     .name = "passes",
                                     .summary = "",
                                     .threads = LOOP_THREADS_ANY,
                                     .call = pass_on};

/* ---- a test ---- */

#define TOKENS "demo:counter/tokens"
static struct end ends[2];

static int begin(void **state)
{
    oak = (struct shelf){.name = "oak", .state = 7};
    elm = (struct shelf){.name = "elm"};
    if (make_host(state))
        return -1;
    must(loop_host_provider_add(host, &oak_table));
    must(loop_host_provider_add(host, &elm_table));
    must(loop_host_provider_add(host, &passes));
    must(loop_host_bind(host, TOKENS, "oak"));
    return 0;
}

static int finish(void **state)
{
    (void)state;
    loop_host_delete(host);
    bool clean = !oak.wrong && !elm.wrong && !oak.held && !elm.held && oak.opened == oak.closed &&
                 elm.opened == elm.closed;
    if (!clean)
        print_error("oak: %d held, %d opened, %d closed%s; elm: %d, %d, %d%s\n", oak.held,
                    oak.opened, oak.closed, oak.wrong ? ", wrong" : "", elm.held, elm.opened,
                    elm.closed, elm.wrong ? ", wrong" : "");
    return clean ? 0 : -1;
}

static struct swapped swap_now(loop_swap want)
{
    struct swapped s = {0};
    want.interface_name = TOKENS;
    must(loop_host_swap(host, &want, on_swapped, &s));
    while (!s.told)
        loop_host_turn(host, 5);
    return s;
}

static const loop_link to_elm = {"elm", NULL}, to_oak = {"oak", NULL};
#define TO(link) .links = &(link), .count = 1

static void turn_until(_Atomic int *number, int reaches)
{
    for (int n = 0; *number < reaches; n++) {
        if (n == 1000)
            fail_msg("%d, and not %d", *number, reaches);
        loop_host_turn(host, 10);
    }
}

/* ---- handles ---- */

static void handles_move(void **state)
{
    (void)state;
    loop_instance *i = serve("counter-v1", &(loop_instance_options){.name = "a"}, &ends[0]);
    assert_int_equal(add(i, 1, 2), 2);
    struct swapped s = swap_now((loop_swap){TO(to_elm)});
    assert_string_equal(s.text, "");
    assert_int_equal(s.report.handles_moved, 3);
    assert_int_equal(s.report.handles_left, 0);
    assert_int_equal(s.report.generation, 2);
    assert_int_equal(elm.state, 7);
    assert_int_equal(add(i, 1, 2), 4);
    assert_int_equal(elm.calls, 1);
    assert_int_equal(oak.held, 0);
    assert_int_equal(oak.closed, 1);
}

struct failing {
    loop_code code;
    char text[400];
};

static void add_fails(const demo_counter_counts_exports *counts, void *data)
{
    struct failing *f = data;
    uint64_t ret;
    loop_error *e = demo_counter_counts_call_add(counts, 1, 1, &ret);
    f->code = loop_error_code(e);
    for (const loop_error *c = e; c; c = loop_error_cause(c))
        snprintf(f->text + strlen(f->text), sizeof f->text - strlen(f->text), "%s; ",
                 loop_error_message(c));
    loop_error_delete(e);
}

/* Those that stay are served on, until their time is up: then it is said what happened. */
static void handles_that_stay(void **state)
{
    (void)state;
    oak.keeps = true;
    loop_instance *i = serve("counter-v1", &(loop_instance_options){.name = "a"}, &ends[0]);
    assert_int_equal(add(i, 1, 2), 2);
    struct swapped s = swap_now((loop_swap){TO(to_elm), .drain_ms = 300});
    assert_string_equal(s.text, "");
    assert_int_equal(s.report.handles_left, 3);
    assert_int_equal(oak.resumed, 1);
    assert_int_equal(add(i, 1, 2), 4); /* served by the old one */
    assert_int_equal(oak.calls, 2);
    assert_int_equal(oak.closed, 0);
    turn_until(&oak.closed, 1);
    struct failing f = {0};
    assert_true(do_there(i, add_fails, &f));
    assert_int_not_equal(f.code, LOOP_OK);
    assert_non_null(strstr(f.text, "the provider of this handle was swapped out"));
    assert_int_equal(elm.calls, 0);
}

/* One handle cannot be made: those that were made are dropped, once, and the old ones serve on. */
static void a_handle_fails(void **state)
{
    (void)state;
    elm.refuses = true;
    loop_instance *i = serve("counter-v1", &(loop_instance_options){.name = "a"}, &ends[0]);
    assert_int_equal(add(i, 1, 2), 2);
    struct swapped s = swap_now((loop_swap){TO(to_elm)});
    assert_int_equal(s.code, LOOP_INVALID);
    assert_non_null(strstr(s.text, "a handle could not move from 'oak' to 'elm': no room"));
    assert_int_equal(elm.made, 2);
    assert_int_equal(elm.held, 0);
    assert_int_equal(elm.closed, 1);
    assert_int_equal(oak.resumed, 1);
    assert_int_equal(oak.held, 3);
    assert_int_equal(add(i, 1, 2), 4);
    size_t generations = host->generations.n;
    assert_int_equal(generations, 1);
}

/* ---- undone after the exchange ---- */

static void faints_behind_the_trial(void **state)
{
    (void)state;
    elm.unwell_after = true;
    loop_instance *i = serve("counter-v1", &(loop_instance_options){.name = "a"}, &ends[0]);
    assert_int_equal(add(i, 1, 2), 2);
    struct swapped s = swap_now((loop_swap){TO(to_elm)});
    assert_int_equal(s.code, LOOP_UNAVAILABLE);
    assert_non_null(strstr(s.text, "it feels faint"));
    assert_int_equal(elm.made, 3);
    assert_int_equal(elm.held, 0);
    assert_int_equal(oak.held, 3);
    assert_int_equal(add(i, 1, 2), 4);
    assert_int_equal(elm.calls, 0);
    assert_int_equal(host->generations.n, 1);
    assert_int_equal(host->swapped, 0);
}

static void add_slowly(void *data, loop_instance *i, bool gone)
{
    demo_counter_counts_exports counts;
    uint64_t ret = 0;
    if (!gone) {
        must(demo_counter_counts_bind(i, &counts));
        must(demo_counter_counts_call_add(&counts, 1, 1, &ret));
    }
    *(_Atomic int *)data += 1;
}

/* The call that is tried lasts, and the new one is found unwell meanwhile: made again, once out. */
static void a_tried_call_lasts(void **state)
{
    (void)state;
    _Atomic int done = 0;
    elm.unwell_after = true;
    elm.value_ms = 1500; /* longer than LP_SWAP_TRIED_MS */
    oak.step_ms = 200;   /* the call comes meanwhile */
    loop_instance *i = serve("counter-v1", &(loop_instance_options){.name = "a"}, &ends[0]);
    assert_int_equal(add(i, 1, 2), 2);
    struct swapped s = {0};
    must(loop_host_swap(host, &(loop_swap){.interface_name = TOKENS, TO(to_elm)}, on_swapped, &s));
    while (!oak.in_step)
        loop_host_turn(host, 1);
    must(loop_instance_post(i, add_slowly, (void *)&done));
    while (!s.told || !done)
        loop_host_turn(host, 5);
    assert_int_equal(s.code, LOOP_UNAVAILABLE);
    assert_int_equal(elm.calls, 1);
    assert_int_equal(oak.calls, 2); /* it was made again */
    assert_int_equal(total(i), 3);
    assert_int_equal(elm.held, 0);
}

/* ---- chains, several instances ---- */

/* One of two with the same chain gets another: the other one's is left alone. */
static void others_keep_their_chain(void **state)
{
    (void)state;
    must(loop_host_bind_chain(host, NULL, TOKENS, (loop_link[]){{"passes", NULL}, to_oak}, 2));
    loop_instance *a = serve("counter-v1", &(loop_instance_options){.name = "a"}, &ends[0]);
    loop_instance *b = serve("counter-v1", &(loop_instance_options){.name = "b"}, &ends[1]);
    assert_int_equal(add(a, 1, 2), 2);
    struct swapped s = swap_now((loop_swap){TO(to_oak), .component = "a"});
    assert_string_equal(s.text, "");
    assert_int_equal(s.report.instances, 1);
    assert_string_equal(a->body->uses.at[0]->gen->text, "oak");
    assert_string_equal(b->body->uses.at[0]->gen->text, "passes > oak");
    assert_false(b->body->uses.at[0]->gen->drains);
    assert_int_equal(host->generations.n, 2);
    assert_int_equal(add(b, 1, 2), 2);
    assert_int_equal(add(a, 1, 2), 4);
    s = swap_now((loop_swap){TO(to_elm), .component = "a"}); /* the last one: for both */
    assert_string_equal(s.text, "");
    assert_int_equal(s.report.instances, 2);
    assert_string_equal(b->body->uses.at[0]->gen->text, "passes > elm");
    assert_int_equal(s.report.handles_moved, 6);
    assert_int_equal(add(b, 1, 2), 4);
    assert_int_equal(add(a, 1, 2), 6);
    assert_int_equal(oak.closed, 1);
}

/* One that is bound for somebody who never came was never opened. */
static void joins_what_was_not_opened(void **state)
{
    (void)state;
    must(loop_host_bind_chain(host, "later", TOKENS, &to_elm, 1));
    loop_instance *i = serve("counter-v1", &(loop_instance_options){.name = "a"}, &ends[0]);
    struct swapped s = swap_now((loop_swap){TO(to_elm), .carry = LOOP_CARRY_NONE});
    assert_string_equal(s.text, "");
    assert_int_equal(elm.opened, 1);
    assert_int_equal(add(i, 1, 2), 2);
    assert_int_equal(elm.state, 0);
}

/* Who comes while it is swapped, and who comes later, gets the new one. */
static void comes_meanwhile(void **state)
{
    (void)state;
    oak.step_ms = 200;
    loop_instance *a = serve("counter-v1", &(loop_instance_options){.name = "a"}, &ends[0]);
    struct swapped s = {0};
    must(loop_host_swap(host, &(loop_swap){.interface_name = TOKENS, TO(to_elm)}, on_swapped, &s));
    while (!oak.in_step)
        loop_host_turn(host, 1);
    loop_status_delete(loop_host_status(host));
    assert_true(oak.in_step); /* who looks does not wait for it */
    loop_instance *b = serve("counter-v1", &(loop_instance_options){.name = "b"}, &ends[1]);
    while (!s.told)
        loop_host_turn(host, 5);
    assert_string_equal(s.text, "");
    assert_int_equal(add(a, 1, 2), 2);
    assert_int_equal(add(b, 1, 2), 2);
    assert_int_equal(oak.calls, 0);
    assert_int_equal(elm.opened, 1);
}

/* The only one that uses it goes before the state has been looked at: nothing is swapped. */
static void goes_meanwhile(void **state)
{
    (void)state;
    elm.step_ms = 200; /* to open */
    loop_instance *a = serve("counter-v1", &(loop_instance_options){.name = "a"}, &ends[0]);
    struct swapped s = {0};
    must(loop_host_swap(host, &(loop_swap){.interface_name = TOKENS, TO(to_elm)}, on_swapped, &s));
    while (!elm.in_step)
        loop_host_turn(host, 1);
    loop_instance_delete(a);
    while (!s.told)
        loop_host_turn(host, 5);
    assert_int_equal(s.code, LOOP_NOT_FOUND); /* else who comes later finds nothing of the state */
    assert_non_null(strstr(s.text, "nobody uses 'demo:counter/tokens' any more"));
    assert_string_equal(host->bindings.at[0].links[0]->table->name, "oak");
}

static void add_if_it_can(void *data, loop_instance *i, bool gone)
{
    demo_counter_counts_exports counts;
    uint64_t ret;
    (void)data;
    if (gone)
        return;
    must(demo_counter_counts_bind(i, &counts));
    loop_error_delete(demo_counter_counts_call_add(&counts, 1, 1, &ret));
}

/* Catches: a call that waits for a swap although its instance is stopped, which is given up then.
 */
static void is_stopped_meanwhile(void **state)
{
    (void)state;
    oak.step_ms = 1500;
    loop_instance *i =
        serve("counter-v1", &(loop_instance_options){.name = "a", .timeout_ms = 700}, &ends[0]);
    struct swapped s = {0};
    must(loop_host_swap(host, &(loop_swap){.interface_name = TOKENS, TO(to_elm)}, on_swapped, &s));
    while (!oak.in_step)
        loop_host_turn(host, 1);
    must(loop_instance_post(i, add_if_it_can, NULL));
    wait_for_end(&ends[0]);
    assert_int_equal(ends[0].code, LOOP_TIMEOUT);
    assert_true(oak.in_step);
    assert_false(host->abandoned);
    while (!s.told)
        loop_host_turn(host, 5);
}

/* ---- asking ---- */

static void a_dry_run_leaves_nothing(void **state)
{
    (void)state;
    loop_instance *i = serve("counter-v1", &(loop_instance_options){.name = "a"}, &ends[0]);
    assert_int_equal(add(i, 1, 2), 2);
    size_t providers = host->providers.n, bindings = host->bindings.n;
    struct swapped s = swap_now((loop_swap){TO(to_elm), .dry_run = true});
    assert_string_equal(s.text, "");
    assert_int_equal(s.report.instances, 1);
    assert_int_equal(s.report.generation, 2);
    assert_int_equal(elm.opened, 1);
    assert_int_equal(elm.closed, 1);
    assert_int_equal(host->providers.n, providers);
    assert_int_equal(host->bindings.n, bindings);
    assert_int_equal(host->generations.n, 1);
    assert_int_equal(host->swaps, 0);
    assert_int_equal(oak.resumed, 0);
    assert_int_equal(add(i, 1, 2), 4);
    assert_int_equal(oak.calls, 2);
}

static void refused(void **state)
{
    (void)state;
    struct swapped s = {0};
    serve("counter-v1", &(loop_instance_options){.name = "a"}, &ends[0]);
    must_fail(loop_host_swap(host, &(loop_swap){0}, on_swapped, &s), LOOP_USAGE, "no interface");
    must_fail(loop_host_swap(host, &(loop_swap){.interface_name = TOKENS, .links = &to_elm},
                             on_swapped, &s),
              LOOP_USAGE, "no provider for 'demo:counter/tokens'");
    s = swap_now((loop_swap){TO(to_elm), .component = "nobody"});
    assert_int_equal(s.code, LOOP_NOT_FOUND);
    assert_non_null(strstr(s.text, "there is no instance 'nobody'"));
    s = swap_now((loop_swap){TO(to_oak)});
    assert_int_equal(s.code, LOOP_USAGE);
    assert_non_null(strstr(s.text, "'oak' serves 'demo:counter/tokens' already"));
    s = swap_now((loop_swap){.links = &(loop_link){"ash", NULL}, .count = 1});
    assert_int_equal(s.code, LOOP_NOT_FOUND);
    assert_non_null(strstr(s.text, "there is no provider 'ash'"));
    s = swap_now((loop_swap){.links = &(loop_link){"passes", NULL}, .count = 1});
    assert_int_equal(s.code, LOOP_USAGE);
    assert_non_null(strstr(s.text, "'passes' serves nothing by itself"));
    assert_int_equal(host->generations.n, 1);
}

/* ---- over time ---- */

static void many_leave_nothing(void **state)
{
    (void)state;
    loop_instance *i = serve("counter-v1", &(loop_instance_options){.name = "a"}, &ends[0]);
    assert_int_equal(add(i, 1, 1), 1);
    swap_now((loop_swap){TO(to_elm)});
    swap_now((loop_swap){TO(to_oak)});
    size_t providers = host->providers.n, bindings = host->bindings.n;
    for (int n = 0; n < 50; n++) {
        struct swapped s = swap_now((loop_swap){TO(*(n % 2 ? &to_oak : &to_elm))});
        assert_string_equal(s.text, "");
        assert_int_equal(add(i, 1, 1), (uint64_t)n + 2);
    }
    assert_int_equal(host->providers.n, providers);
    assert_int_equal(host->bindings.n, bindings);
    assert_int_equal(host->generations.n, 1);
    assert_int_equal(host->generations.at[0]->number, 53);
    assert_int_equal(elm.closed, elm.opened);
    assert_int_equal(oak.held, 3);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(handles_move),
        TEST(handles_that_stay),
        TEST(a_handle_fails),
        TEST(faints_behind_the_trial),
        TEST(a_tried_call_lasts),
        TEST(others_keep_their_chain),
        TEST(joins_what_was_not_opened),
        TEST(comes_meanwhile),
        TEST(goes_meanwhile),
        TEST(is_stopped_meanwhile),
        TEST(a_dry_run_leaves_nothing),
        TEST(refused),
        TEST(many_leave_nothing),
    };
    return cmocka_run_group_tests(tests, note_signals, NULL);
}
