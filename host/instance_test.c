/*
 * host/instance_test.c: instances through the public API, taken down whole each
 * time (the command does not: it exits), so that leaks and races show.
 *
 * Needs the test guests; LOOP_TEST_GUESTS says where they are (build/guests).
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/os/os.h"
#include "loop/host.h"
#include "loop/policy.h"

static loop_host *host;
static loop_policy *may_store;

/* The engine turns these signals into traps; cmocka takes them over for each test. */
static const int trap_signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS};
static struct sigaction engine_actions[LP_COUNT(trap_signals)];

static int make_host(void **state)
{
    (void)state;
    loop_error *e = loop_host_new(&(loop_host_options){.log_level = LOOP_LOG_ERROR}, &host);
    for (size_t i = 0; i < LP_COUNT(trap_signals); i++)
        sigaction(trap_signals[i], NULL, &engine_actions[i]);
    may_store = loop_policy_new();
    if (!e)
        e = loop_policy_add(may_store, LOOP_GRANT_STORAGE, "1MiB", false, NULL, false,
                            (loop_origin){.source = "test"});
    return e ? -1 : 0;
}

static int drop_host(void **state)
{
    (void)state;
    loop_host_delete(host);
    loop_policy_delete(may_store);
    return 0;
}

static char *guest_path(const char *name)
{
    const char *folder = lp_os_getenv("LOOP_TEST_GUESTS");
    return lp_format("%s/%s.wasm", folder ? folder : "build/guests", name);
}

static loop_component *open_guest(const char *name)
{
    for (size_t i = 0; i < LP_COUNT(trap_signals); i++)
        sigaction(trap_signals[i], &engine_actions[i], NULL);
    lp_auto(lp_free_string) char *path = guest_path(name);
    loop_component *c;
    loop_error *e = loop_component_open(host, path, &c);
    if (e)
        fail_msg("%s", loop_error_message(e));
    return c;
}

/* Runs once; the error's code or the status. */
static int run_guest(loop_component *c, const loop_instance_options *o, const char *call,
                     char **ret)
{
    loop_instance *i;
    loop_error *e = loop_instance_new(host, c, o, &i);
    loop_result r = {0};
    if (!e) {
        e = call ? loop_instance_invoke(i, call, &r) : loop_instance_run(i, &r);
        loop_instance_delete(i);
    }
    if (ret)
        *ret = r.output;
    else
        loop_free(r.output);
    int status = e ? (int)loop_error_code(e) : r.status;
    loop_error_delete(e);
    return status;
}

/* However a guest ends, the host goes on and the next one runs. */
static void every_end_leaves_the_host_whole(void **state)
{
    (void)state;
    const struct {
        const char *name;
        loop_instance_options options;
        int status;
    } rows[] = {
        {"exit-with-code", {.args = (const char *const[]){"x", "42", NULL}}, 42},
        {"trap", {0}, LOOP_TRAP},
        {"stack-overflow", {0}, LOOP_LIMIT},
        {"spin", {.timeout_ms = 50}, LOOP_TIMEOUT},
        {"spin", {.call_timeout_ms = 50}, LOOP_TIMEOUT},
        {"sleep-poll", {.timeout_ms = 50}, LOOP_TIMEOUT},
        {"alloc",
         {.args = (const char *const[]){"x", "64", NULL}, .memory_limit = 8u << 20},
         LOOP_LIMIT},
        {"keyvalue", {0}, 1}, /* denied */
        {"keyvalue", {.policy = may_store}, 0},
        {"wants-unknown", {0}, LOOP_MISSING},
        {"cancel-aware", {.timeout_ms = 400, .grace_ms = 300}, 7},
        {"app", {.args = (const char *const[]){"x", "3", NULL}}, 3},
        {"calc", {0}, LOOP_INVALID},
    };
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < LP_COUNT(rows); i++) {
            loop_component *c = open_guest(rows[i].name);
            int status = run_guest(c, &rows[i].options, NULL, NULL);
            if (status != rows[i].status)
                fail_msg("%s: %d, not %d", rows[i].name, status, rows[i].status);
            loop_component_delete(c);
        }
    }
}

/* One component, many instances; each has its own state. */
static void a_component_is_instantiated_often(void **state)
{
    (void)state;
    loop_component *c = open_guest("calc");
    for (int i = 0; i < 100; i++) {
        char *out;
        assert_int_equal(run_guest(c, &(loop_instance_options){0}, "ops.add(40, 2)", &out), 0);
        assert_string_equal(out, "42");
        loop_free(out);
    }
    loop_component_delete(c);
}

static void kill_soon(void *instance)
{
    uint64_t until = lp_os_now_ns() + 30000000;
    while (lp_os_now_ns() < until)
        ;
    loop_instance_kill(instance);
}

/* Another thread may end a guest that computes and one that waits. */
static void any_thread_may_kill(void **state)
{
    (void)state;
    static const char *const guests[] = {"spin", "sleep-poll", "start-spin"};
    for (size_t n = 0; n < LP_COUNT(guests); n++) {
        loop_component *c = open_guest(guests[n]);
        loop_instance *i;
        assert_null(loop_instance_new(host, c, &(loop_instance_options){.grace_ms = 60000}, &i));
        lp_os_thread *killer;
        assert_null(lp_os_thread_start(kill_soon, i, 0, &killer));
        loop_result r;
        loop_error *e = loop_instance_run(i, &r);
        assert_int_equal(loop_error_code(e), LOOP_CANCELLED);
        loop_error_delete(e);
        lp_os_thread_join(killer);
        loop_instance_delete(i);
        loop_component_delete(c);
    }
}

/* An instance runs once; a second run is an error, not a crash. */
static void an_instance_runs_once(void **state)
{
    (void)state;
    loop_component *c = open_guest("exit-with-code");
    loop_instance *i;
    loop_result r;
    assert_null(loop_instance_new(host, c, &(loop_instance_options){0}, &i));
    loop_error_delete(loop_instance_run(i, &r));
    loop_error *e = loop_instance_run(i, &r);
    assert_int_equal(loop_error_code(e), LOOP_USAGE);
    loop_error_delete(e);
    loop_instance_delete(i);
    loop_component_delete(c);
}

struct crowd {
    int ended, statuses[8];
};

struct member {
    struct crowd *crowd;
    int number;
};

static void count_end(void *data, loop_instance *i, loop_error *e, const loop_result *r)
{
    (void)i;
    const struct member *m = data;
    m->crowd->ended++;
    m->crowd->statuses[m->number] = e ? (int)loop_error_code(e) : r->status;
    loop_error_delete(e);
    loop_free(r->output);
}

static void on_end(void *data, loop_instance *i, loop_error *e, const loop_result *r)
{
    count_end(data, i, e, r);
    loop_instance_delete(i);
}

/* Many run at a time, each on its own thread; one that spins or traps holds nobody up. */
static void instances_run_side_by_side(void **state)
{
    (void)state;
    const struct {
        const char *name, *call;
        loop_instance_options options;
        int status;
    } rows[] = {
        {"spin", NULL, {.timeout_ms = 300}, LOOP_TIMEOUT},
        {"sleep-poll", NULL, {.timeout_ms = 300}, LOOP_TIMEOUT},
        {"calc", "ops.add(1, 2)", {0}, 0},
        {"trap", NULL, {0}, LOOP_TRAP},
        {"app", NULL, {.args = (const char *const[]){"x", "3", NULL}}, 3},
        {"keyvalue", NULL, {.policy = may_store}, 0},
        {"calc", "ops.add(3, 4)", {0}, 0},
        {"spin", NULL, {.call_timeout_ms = 200}, LOOP_TIMEOUT},
    };
    struct crowd crowd = {0};
    struct member members[LP_COUNT(rows)];
    loop_component *components[LP_COUNT(rows)];
    uint64_t start = lp_os_now_ns();
    for (size_t n = 0; n < LP_COUNT(rows); n++) {
        loop_instance *i;
        members[n] = (struct member){&crowd, (int)n};
        components[n] = open_guest(rows[n].name);
        assert_null(loop_instance_new(host, components[n], &rows[n].options, &i));
        assert_null(loop_instance_start(i, rows[n].call, on_end, &members[n]));
    }
    while (crowd.ended < (int)LP_COUNT(rows))
        loop_host_turn(host, -1);
    assert_true(lp_os_now_ns() - start < 5000000000ull);
    for (size_t n = 0; n < LP_COUNT(rows); n++) {
        if (crowd.statuses[n] != rows[n].status)
            fail_msg("%s: %d, not %d", rows[n].name, crowd.statuses[n], rows[n].status);
        loop_component_delete(components[n]);
    }
}

/* Deleting one that runs stops it, and its callback hears of it. */
static void a_running_instance_may_be_deleted(void **state)
{
    (void)state;
    struct crowd crowd = {0};
    struct member m = {&crowd, 0};
    loop_component *c = open_guest("spin");
    loop_instance *i;
    assert_null(loop_instance_new(host, c, &(loop_instance_options){0}, &i));
    assert_null(loop_instance_start(i, NULL, count_end, &m));
    loop_instance_delete(i);
    assert_int_equal(crowd.ended, 1);
    assert_int_equal(crowd.statuses[0], LOOP_CANCELLED);
    loop_component_delete(c);
}

/* What was only described has no code: an error, not a crash. */
static void a_described_component_does_not_run(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *path = guest_path("calc");
    loop_component *c;
    loop_instance *i;
    assert_null(loop_component_describe(host, path, NULL, &c));
    loop_error *e = loop_instance_new(host, c, &(loop_instance_options){0}, &i);
    assert_int_equal(loop_error_code(e), LOOP_USAGE);
    loop_error_delete(e);
    loop_component_delete(c);
}

static void run_inside(void *data, loop_instance *i, loop_error *e, const loop_result *r)
{
    (void)i;
    (void)r;
    loop_error_delete(e);
    loop_instance *other;
    loop_result result;
    assert_null(loop_instance_new(host, data, &(loop_instance_options){0}, &other));
    e = loop_instance_run(other, &result);
    assert_int_equal(loop_error_code(e), LOOP_USAGE);
    loop_error_delete(e);
    assert_true(loop_host_turn(host, 0));
    loop_instance_delete(other);
}

/* The loop does not turn inside its own callback. */
static void a_callback_does_not_turn_the_loop(void **state)
{
    (void)state;
    loop_component *c = open_guest("args");
    loop_instance *i;
    assert_null(loop_instance_new(host, c, &(loop_instance_options){0}, &i));
    assert_null(loop_instance_start(i, NULL, run_inside, c));
    while (loop_host_turn(host, -1))
        ;
    loop_instance_delete(i);
    loop_component_delete(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_end_leaves_the_host_whole),
        cmocka_unit_test(a_component_is_instantiated_often),
        cmocka_unit_test(any_thread_may_kill),
        cmocka_unit_test(an_instance_runs_once),
        cmocka_unit_test(instances_run_side_by_side),
        cmocka_unit_test(a_running_instance_may_be_deleted),
        cmocka_unit_test(a_described_component_does_not_run),
        cmocka_unit_test(a_callback_does_not_turn_the_loop),
    };
    return cmocka_run_group_tests(tests, make_host, drop_host);
}
