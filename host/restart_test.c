/*
 * host/restart_test.c: instances that fail and begin anew, through the public API: a command, an
 * application, and one that serves.
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
#include <stdio.h>
#include <unistd.h>

#include "base/base.h"
#include "base/os/os.h"
#include "loop/host.h"
#include "loop/policy.h"
#include "loop/swap.h"

static loop_host *host;
static loop_policy *may_count;
static char folder[32];
static lp_buf told; /* the log */

static const int trap_signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS};
static struct sigaction engine_actions[LP_COUNT(trap_signals)];

static void note_log(void *data, const loop_log_entry *entry)
{
    (void)data;
    lp_buf_printf(&told, "%s\n", entry->message);
}

static int note_signals(void **state)
{
    (void)state;
    loop_host *h;
    if (loop_host_new(&(loop_host_options){.no_cache = true}, &h))
        return -1;
    for (size_t i = 0; i < LP_COUNT(trap_signals); i++)
        sigaction(trap_signals[i], NULL, &engine_actions[i]);
    loop_host_delete(h);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    loop_error *e =
        loop_host_new(&(loop_host_options){.log = note_log, .log_level = LOOP_LOG_INFO}, &host);
    strcpy(folder, "/tmp/restart-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    may_count = loop_policy_new();
    lp_auto(lp_free_string) char *dir = lp_format("%s::/data", folder);
    if (!e)
        e = loop_policy_add(may_count, LOOP_GRANT_DIR, dir, false, NULL, false,
                            (loop_origin){.source = "test"});
    return e ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    loop_host_delete(host);
    loop_policy_delete(may_count);
    lp_auto(lp_free_string) char *file = lp_format("%s/falls", folder);
    unlink(file);
    rmdir(folder);
    lp_buf_done(&told);
    return 0;
}

static loop_component *open_guest(const char *name)
{
    for (size_t i = 0; i < LP_COUNT(trap_signals); i++)
        sigaction(trap_signals[i], &engine_actions[i], NULL);
    const char *where = lp_os_getenv("LOOP_TEST_GUESTS");
    lp_auto(lp_free_string) char *path =
        lp_format("%s/%s.wasm", where ? where : "build/guests", name);
    loop_component *c;
    loop_error *e = loop_component_open(host, path, &c);
    if (e)
        fail_msg("%s", loop_error_message(e));
    return c;
}

static loop_instance *instance_of(loop_component *c, loop_on_trap mode, const char *arg)
{
    const char *const args[] = {"x", arg, NULL};
    const loop_instance_options o = {
        .args = args, .policy = may_count, .on_trap = mode, .grace_ms = 10};
    loop_instance *i;
    assert_null(loop_instance_new(host, c, &o, &i));
    return i;
}

/* How it ended; -1: not yet. */
struct end {
    int status;
    loop_error *error;
};

static void note_end(void *data, loop_instance *i, loop_error *error, const loop_result *result)
{
    (void)i;
    *(struct end *)data = (struct end){error ? (int)loop_error_code(error) : result->status, error};
}

static bool turn_until(bool (*is)(void *data), void *data)
{
    uint64_t until = lp_os_now_ns() + 20000000000ull;
    while (!is(data) && lp_os_now_ns() < until)
        loop_host_turn(host, 20);
    return is(data);
}

static bool has_ended(void *end)
{
    return ((struct end *)end)->status >= 0;
}

static loop_condition condition(void)
{
    loop_status *s = loop_host_status(host);
    loop_condition c = s->instance_count ? s->instances[0].condition : LOOP_CONDITION_ENDED;
    loop_status_delete(s);
    return c;
}

static bool is_quarantined(void *unused)
{
    (void)unused;
    return condition() == LOOP_CONDITION_QUARANTINED;
}

static bool says(const char *text)
{
    return told.ptr && strstr(told.ptr, text);
}

/* ---- commands ---- */

static void a_command_begins_anew_until_it_ends_well(void **state)
{
    (void)state;
    loop_component *c = open_guest("falls");
    loop_instance *i = instance_of(c, LOOP_ON_TRAP_RESTART, "3");
    struct end end = {-1, NULL};
    uint64_t start = lp_os_now_ns();
    assert_null(loop_instance_start(i, NULL, note_end, &end));
    assert_true(turn_until(has_ended, &end));
    assert_null(end.error);
    assert_int_equal(end.status, 0);
    assert_true(lp_os_now_ns() - start >= 700000000); /* 100, 200 and 400 ms */
    assert_true(says("begins anew in 0.1 s"));
    assert_true(says("begins anew in 0.4 s"));
    assert_false(says("begins anew in 0.8 s"));
    loop_instance_delete(i);
    loop_component_delete(c);
}

static void what_is_to_stop_stops_at_the_first_failure(void **state)
{
    (void)state;
    static const loop_on_trap modes[] = {LOOP_ON_TRAP_DEFAULT, LOOP_ON_TRAP_STOP};
    for (size_t n = 0; n < LP_COUNT(modes); n++) {
        loop_component *c = open_guest("falls");
        loop_instance *i = instance_of(c, modes[n], "3");
        struct end end = {-1, NULL};
        assert_null(loop_instance_start(i, NULL, note_end, &end));
        assert_true(turn_until(has_ended, &end));
        assert_int_equal(end.status, LOOP_TRAP);
        loop_error_delete(end.error);
        loop_instance_delete(i);
        loop_component_delete(c);
    }
}

struct reloaded {
    bool done;
    loop_error *error;
};

static void note_reload(void *data, loop_error *error, const loop_swap_report *report)
{
    (void)report;
    *(struct reloaded *)data = (struct reloaded){true, error};
}

static void the_third_failure_is_quarantined_and_a_reload_lifts_it(void **state)
{
    (void)state;
    loop_component *c = open_guest("falls");
    loop_instance *i = instance_of(c, LOOP_ON_TRAP_QUARANTINE, "3");
    struct end end = {-1, NULL};
    assert_null(loop_instance_start(i, NULL, note_end, &end));
    assert_true(turn_until(is_quarantined, NULL));
    assert_true(says("is in quarantine"));
    loop_status *s = loop_host_status(host);
    assert_int_equal(s->instances[0].failures, 3);
    assert_int_equal(s->instances[0].restarts, 2);
    assert_non_null(strstr(s->instances[0].failure, "trapped"));
    loop_status_delete(s);
    for (int n = 0; n < 20; n++)
        loop_host_turn(host, 20);
    assert_int_equal(end.status, -1); /* it waits for somebody */
    struct reloaded reloaded = {0};
    assert_null(
        loop_instance_swap_component(i, c, &(loop_instance_swap){0}, note_reload, &reloaded));
    assert_true(turn_until(has_ended, &end));
    assert_true(reloaded.done);
    assert_null(reloaded.error);
    assert_null(end.error);
    assert_int_equal(end.status, 0);
    loop_instance_delete(i);
    loop_component_delete(c);
}

static void what_rests_ends_at_once_when_it_is_asked_to(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        loop_component *c = open_guest("hostile-trap");
        loop_instance *i = instance_of(c, LOOP_ON_TRAP_QUARANTINE, NULL);
        struct end end = {-1, NULL};
        assert_null(loop_instance_start(i, NULL, note_end, &end));
        assert_true(turn_until(is_quarantined, NULL));
        uint64_t start = lp_os_now_ns();
        if (way == 0)
            loop_instance_cancel(i, LOOP_CANCEL_INTERRUPTED);
        else if (way == 1)
            loop_instance_kill(i);
        else
            loop_instance_delete(i);
        assert_true(turn_until(has_ended, &end));
        assert_true(lp_os_now_ns() - start < 1000000000);
        assert_int_equal(end.status, LOOP_TRAP);
        assert_non_null(strstr(loop_error_message(end.error), "quarantine"));
        loop_error_delete(end.error);
        if (way < 2)
            loop_instance_delete(i);
        loop_component_delete(c);
    }
}

static void a_deadline_holds_for_all_of_its_beginnings(void **state)
{
    (void)state;
    loop_component *c = open_guest("hostile-trap");
    loop_instance *i;
    assert_null(loop_instance_new(
        host, c, &(loop_instance_options){.on_trap = LOOP_ON_TRAP_RESTART, .timeout_ms = 500}, &i));
    loop_result r;
    uint64_t start = lp_os_now_ns();
    loop_error *e = loop_instance_run(i, &r);
    assert_non_null(e);
    assert_in_range((lp_os_now_ns() - start) / 1000000, 490, 1500);
    assert_int_equal(loop_error_code(e), LOOP_TRAP);
    loop_error_delete(e);
    loop_instance_delete(i);
    loop_component_delete(c);
}

static bool has_failed(void *unused)
{
    (void)unused;
    return says("failed, and begins anew");
}

/* What it was granted is another directory by then: to begin anew fails, over and over. */
static void a_deadline_holds_where_it_cannot_begin_anew(void **state)
{
    (void)state;
    loop_component *c = open_guest("hostile-trap");
    lp_auto(lp_free_string) char *aside = lp_format("%s-aside", folder);
    loop_instance *i;
    assert_null(loop_instance_new(host, c,
                                  &(loop_instance_options){.policy = may_count,
                                                           .on_trap = LOOP_ON_TRAP_RESTART,
                                                           .timeout_ms = 500},
                                  &i));
    struct end end = {-1, NULL};
    uint64_t start = lp_os_now_ns();
    assert_null(loop_instance_start(i, NULL, note_end, &end));
    assert_true(turn_until(has_failed, NULL));
    assert_int_equal(rename(folder, aside), 0);
    assert_int_equal(symlink("/", folder), 0);
    assert_true(turn_until(has_ended, &end));
    assert_in_range((lp_os_now_ns() - start) / 1000000, 490, 1500);
    assert_int_equal(end.status, LOOP_DENIED);
    assert_true(says("begins anew in 0.2 s")); /* it did not give up at once */
    loop_error_delete(end.error);
    loop_instance_delete(i);
    loop_component_delete(c);
    assert_int_equal(unlink(folder), 0);
    assert_int_equal(rename(aside, folder), 0);
}

/* ---- applications ---- */

static void an_application_is_quarantined_too(void **state)
{
    (void)state;
    loop_component *c = open_guest("app");
    loop_instance *i = instance_of(c, LOOP_ON_TRAP_QUARANTINE, "trap");
    struct end end = {-1, NULL};
    assert_null(loop_instance_start(i, NULL, note_end, &end));
    assert_true(turn_until(is_quarantined, NULL));
    loop_instance_delete(i);
    assert_int_equal(end.status, LOOP_TRAP);
    loop_error_delete(end.error);
    loop_component_delete(c);
}

/* ---- what serves ---- */

static const loop_export *deep;

struct work {
    uint32_t times, answer;
    loop_error *error;
    bool done, gone;
};

static void call_deep(void *data, loop_instance *i, bool gone)
{
    struct work *w = data;
    w->gone = gone;
    if (!gone && !deep)
        w->error = loop_instance_export(i, "", "", "deep", "(u32)->u32", &deep);
    if (!gone && !w->error)
        w->error = loop_export_call(deep, &w->times, &w->answer);
    w->done = true;
}

static bool is_done(void *work)
{
    return ((struct work *)work)->done;
}

/* Work that waits survives, and so do functions that were looked up. */
static void what_serves_goes_on_with_what_waits(void **state)
{
    (void)state;
    deep = NULL;
    loop_component *c = open_guest("hostile-recursion");
    loop_instance *i = instance_of(c, LOOP_ON_TRAP_RESTART, NULL);
    struct end end = {-1, NULL};
    struct work before = {.times = 10}, bad = {.times = 10000000}, after = {.times = 20};
    assert_null(loop_instance_serve(i, note_end, &end));
    assert_null(loop_instance_post(i, call_deep, &before));
    assert_null(loop_instance_post(i, call_deep, &bad));
    assert_null(loop_instance_post(i, call_deep, &after));
    assert_true(turn_until(is_done, &after));
    assert_null(before.error);
    assert_int_equal(before.answer, 10);
    assert_int_equal(loop_error_code(bad.error), LOOP_LIMIT);
    loop_error_delete(bad.error);
    assert_false(after.gone);
    assert_null(after.error);
    assert_int_equal(after.answer, 20);
    loop_status *s = loop_host_status(host);
    assert_int_equal(s->instances[0].restarts, 1);
    assert_int_equal(s->instances[0].condition, LOOP_CONDITION_RUNNING);
    loop_status_delete(s);
    loop_instance_delete(i);
    assert_int_equal(end.status, LOOP_CANCELLED);
    loop_error_delete(end.error);
    loop_component_delete(c);
}

/* What waits for one that does not begin anew is told so. */
static void what_waits_is_told_of_the_end(void **state)
{
    (void)state;
    deep = NULL;
    loop_component *c = open_guest("hostile-recursion");
    loop_instance *i = instance_of(c, LOOP_ON_TRAP_RESTART, NULL);
    struct end end = {-1, NULL};
    struct work bad = {.times = 10000000}, after = {.times = 20};
    assert_null(loop_instance_serve(i, note_end, &end));
    assert_null(loop_instance_post(i, call_deep, &bad));
    assert_true(turn_until(is_done, &bad));
    assert_null(loop_instance_post(i, call_deep, &after));
    loop_instance_delete(i);
    assert_true(after.done);
    assert_true(end.status == LOOP_LIMIT || end.status == LOOP_CANCELLED);
    loop_error_delete(after.error);
    loop_error_delete(bad.error);
    loop_error_delete(end.error);
    loop_component_delete(c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* A component that may write to the folder above puts a link there, and begins anew. */
static void a_directory_is_the_one_that_was_granted(void **state)
{
    (void)state;
    loop_component *c = open_guest("listdir");
    lp_auto(lp_free_string) char *aside = lp_format("%s-aside", folder);
    const loop_instance_options o = {.policy = may_count};
    loop_instance *i;
    assert_int_equal(rename(folder, aside), 0);
    assert_int_equal(symlink("/", folder), 0);
    loop_error *e = loop_instance_new(host, c, &o, &i);
    assert_int_equal(loop_error_code(e), LOOP_DENIED);
    loop_error_delete(e);
    assert_int_equal(unlink(folder), 0);
    e = loop_instance_new(host, c, &o, &i);
    assert_int_equal(loop_error_code(e), LOOP_NOT_FOUND);
    loop_error_delete(e);
    assert_int_equal(rename(aside, folder), 0);
    assert_null(loop_instance_new(host, c, &o, &i));
    loop_instance_delete(i);
    loop_component_delete(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_directory_is_the_one_that_was_granted),
        TEST(a_command_begins_anew_until_it_ends_well),
        TEST(what_is_to_stop_stops_at_the_first_failure),
        TEST(the_third_failure_is_quarantined_and_a_reload_lifts_it),
        TEST(what_rests_ends_at_once_when_it_is_asked_to),
        TEST(a_deadline_holds_for_all_of_its_beginnings),
        TEST(a_deadline_holds_where_it_cannot_begin_anew),
        TEST(an_application_is_quarantined_too),
        TEST(what_serves_goes_on_with_what_waits),
        TEST(what_waits_is_told_of_the_end),
    };
    return cmocka_run_group_tests(tests, note_signals, NULL);
}
