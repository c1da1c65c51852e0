/*
 * host/export_test.c: calls from C into a component, where a thread, a stop or an
 * order of deleting is unusual. tests/conformance has the values and handles.
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

static loop_host *host;

/* The engine turns these signals into traps; cmocka takes them over for each test. */
static const int trap_signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS};
static struct sigaction engine_actions[LP_COUNT(trap_signals)];

static int note_actions(void **state)
{
    (void)state;
    loop_host *h;
    loop_error *e = loop_host_new(&(loop_host_options){.no_cache = true}, &h);
    for (size_t i = 0; i < LP_COUNT(trap_signals); i++)
        sigaction(trap_signals[i], NULL, &engine_actions[i]);
    if (!e)
        loop_host_delete(h);
    loop_error_delete(e);
    return e ? -1 : 0;
}

static loop_instance *make(const char *guest)
{
    const char *folder = lp_os_getenv("LOOP_TEST_GUESTS");
    lp_auto(lp_free_string) char *path =
        lp_format("%s/%s.wasm", folder ? folder : "build/guests", guest);
    loop_component *component;
    loop_instance *instance;
    for (size_t i = 0; i < LP_COUNT(trap_signals); i++)
        sigaction(trap_signals[i], &engine_actions[i], NULL);
    assert_null(loop_host_new(&(loop_host_options){.no_cache = true}, &host));
    assert_null(loop_component_open(host, path, &component));
    assert_null(loop_instance_new(host, component, &(loop_instance_options){0}, &instance));
    loop_component_delete(component); /* the instance keeps what it needs */
    return instance;
}

static void drop(loop_instance *i)
{
    loop_instance_delete(i);
    loop_host_delete(host);
}

/* Enters it and calls `deep(1)`; the error's code. */
static loop_code call_deep(loop_instance *i)
{
    const loop_export *f;
    uint32_t one = 1, answer = 0;
    loop_error *err = loop_instance_enter(i);
    if (!err)
        err = loop_instance_export(i, "", "", "deep", "(u32)->u32", &f);
    if (!err)
        err = loop_export_call(f, &one, &answer);
    loop_code code = loop_error_code(err);
    loop_error_delete(err);
    return code;
}

struct job {
    loop_instance *instance;
    loop_code code;
};

static void run_job(void *data)
{
    struct job *job = data;
    job->code = call_deep(job->instance);
}

/* A recursion without end traps, however small the stack of the thread is. */
static void any_stack_is_enough(void **state)
{
    (void)state;
    const size_t sizes[] = {256 << 10, 1 << 20, 2 << 20, 8 << 20};
    for (size_t n = 0; n < LP_COUNT(sizes); n++) {
        struct job job = {.instance = make("deep")};
        lp_os_thread *thread;
        assert_null(lp_os_thread_start(run_job, &job, sizes[n], &thread));
        lp_os_thread_join(thread);
        assert_int_equal(job.code, LOOP_LIMIT);
        drop(job.instance);
    }
}

/* Stopped before it was entered: it does not run. */
static void a_kill_is_not_lost(void **state)
{
    (void)state;
    loop_instance *i = make("deep");
    loop_instance_kill(i);
    assert_int_equal(call_deep(i), LOOP_CANCELLED);
    drop(i);
}

/* A name, a type or a time that is wrong is told, and ends nothing. */
static void looking_up(void **state)
{
    (void)state;
    loop_instance *i = make("deep");
    const loop_export *f;
    loop_error *e = loop_instance_export(i, "", "", "deep", "(u32)->u32", &f);
    assert_int_equal(loop_error_code(e), LOOP_USAGE); /* not entered */
    loop_error_delete(e);
    assert_null(loop_instance_enter(i));
    e = loop_instance_enter(i);
    assert_int_equal(loop_error_code(e), LOOP_USAGE);
    loop_error_delete(e);
    e = loop_instance_export(i, "", "", "depth", "(u32)->u32", &f);
    assert_int_equal(loop_error_code(e), LOOP_NOT_FOUND);
    loop_error_delete(e);
    e = loop_instance_export(i, "", "", "deep", "(u64)->u32", &f);
    assert_int_equal(loop_error_code(e), LOOP_INVALID);
    loop_error_delete(e);
    assert_null(loop_instance_export(i, "", "", "deep", "(u32)->u32", &f));
    const loop_export *same;
    assert_null(loop_instance_export(i, "", "", "deep", "(u32)->u32", &same));
    assert_ptr_equal(f, same);
    uint32_t one = 1, answer;
    e = loop_export_call(f, &one, &answer);
    assert_int_equal(loop_error_code(e), LOOP_LIMIT);
    loop_error_delete(e);
    e = loop_export_call(f, &one, &answer); /* a trap is the end of an instance */
    assert_int_equal(loop_error_code(e), LOOP_UNAVAILABLE);
    loop_error_delete(e);
    drop(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_stack_is_enough),
        cmocka_unit_test(a_kill_is_not_lost),
        cmocka_unit_test(looking_up),
    };
    return cmocka_run_group_tests(tests, note_actions, NULL);
}
