/*
 * host/mailbox_test.c: instances that serve, and work for applications: what is posted is done
 * once and in order, or told that it never will be, however the component ends.
 */
#include "host/internal.h"
#include "host/serving_test.h"

/* Work of four threads is done once each, and of each thread in its order. */
static void work_is_done_once_and_in_order(void **state)
{
    (void)state;
    struct end end;
    struct posters p;
    loop_instance *i = serve("counter-v1", &(loop_instance_options){0}, &end);
    posters_start(&p, i, 5000);
    posters_end(&p);
    for (size_t n = 0; n < POSTERS; n++)
        assert_int_equal(p.at[n].answered, 5000);
    assert_int_equal(total(i), 4 * 5000);
    posters_done(&p);
    loop_instance_delete(i);
    assert_true(end.ended);
}

static _Atomic int begun, told_gone;

static void note(void *data, loop_instance *i, bool gone)
{
    (void)data, (void)i;
    if (gone)
        told_gone++;
    else
        begun++;
}

/* A kill in the midst of a call: what waits is told, and so is who comes later. */
static void what_waits_is_told_when_it_ends(void **state)
{
    (void)state;
    struct end end;
    begun = told_gone = 0;
    loop_instance *i = serve("counter-v1", &(loop_instance_options){0}, &end);
    must(loop_instance_post(i, note, NULL));
    post_spin(i);
    wait_until(&begun, 1);
    for (int n = 0; n < 10; n++)
        must(loop_instance_post(i, note, NULL));
    loop_instance_kill(i);
    wait_for_end(&end);
    assert_int_equal(begun, 1);
    assert_int_equal(told_gone, 10);
    assert_int_equal(end.code, LOOP_CANCELLED);
    must_fail(loop_instance_post(i, note, NULL), LOOP_UNAVAILABLE, "has ended");
    assert_int_equal(told_gone, 10);
    loop_instance_delete(i);
}

/* A trap in one piece of work ends the component; the host hears why. */
static void a_trap_ends_what_serves(void **state)
{
    (void)state;
    struct end end;
    begun = told_gone = 0;
    loop_instance *i = serve("counter-v1", &(loop_instance_options){0}, &end);
    assert_int_equal(add(i, 0, 1), 1);
    post_crash(i);
    for (int n = 0; n < 3; n++) { /* it may have ended by now */
        loop_error *e = loop_instance_post(i, note, NULL);
        told_gone += loop_error_code(e) == LOOP_UNAVAILABLE;
        loop_error_delete(e);
    }
    wait_for_end(&end);
    assert_int_equal(begun, 0);
    assert_int_equal(told_gone, 3);
    assert_int_equal(end.code, LOOP_TRAP);
    assert_non_null(strstr(end.text, "counter-v1"));
    loop_instance_delete(i);
}

/* So does a call that takes too long; the instance's own time and its cancellation, too. */
static void every_end_of_what_serves(void **state)
{
    (void)state;
    struct end end;
    loop_instance *i = serve("counter-v1", &(loop_instance_options){.call_timeout_ms = 50}, &end);
    post_spin(i);
    wait_for_end(&end);
    assert_int_equal(end.code, LOOP_TIMEOUT);
    loop_instance_delete(i);
    i = serve("counter-v1", &(loop_instance_options){.timeout_ms = 50}, &end);
    wait_for_end(&end);
    assert_int_equal(end.code, LOOP_TIMEOUT);
    loop_instance_delete(i);
    i = serve("counter-v1", &(loop_instance_options){.grace_ms = 60000}, &end);
    assert_int_equal(add(i, 1, 2), 2);
    loop_instance_cancel(i, LOOP_CANCEL_INTERRUPTED);
    wait_for_end(&end);
    assert_int_equal(end.code, LOOP_CANCELLED);
    assert_non_null(strstr(end.text, "was interrupted"));
    loop_instance_delete(i);
    begun = told_gone = 0;
    i = new_instance("start-trap", &(loop_instance_options){0});
    end = (struct end){0};
    must(loop_instance_serve(i, on_end, &end));
    loop_error *e = loop_instance_post(i, note, NULL);
    told_gone += e != NULL; /* it has ended already */
    loop_error_delete(e);
    wait_for_end(&end);
    assert_int_equal(begun, 0);
    assert_int_equal(end.code, LOOP_TRAP);
    assert_int_equal(told_gone, 1);
    loop_instance_delete(i);
}

static void a_mailbox_is_bounded(void **state)
{
    (void)state;
    struct end end;
    begun = told_gone = 0;
    loop_instance *i = serve("counter-v1", &(loop_instance_options){0}, &end);
    must(loop_instance_post(i, note, NULL));
    post_spin(i);
    wait_until(&begun, 1);
    while (lp_instance_waiting(i)) /* until it spins */
        loop_host_turn(host, 1);
    for (int n = 0; n < LP_MAX_MAIL; n++)
        must(loop_instance_post(i, note, NULL));
    must_fail(loop_instance_post(i, note, NULL), LOOP_LIMIT, "4096");
    loop_instance_delete(i); /* tells them */
    assert_int_equal(told_gone, LP_MAX_MAIL);
    assert_true(end.ended);
}

/* Neither what does not run yet nor a command takes work. */
static void not_everything_takes_work(void **state)
{
    (void)state;
    struct end end = {0};
    loop_instance *i = new_instance("counter-v1", &(loop_instance_options){0});
    must_fail(loop_instance_post(i, note, NULL), LOOP_USAGE, "takes no work");
    loop_instance_delete(i);
    i = new_instance("spin", &(loop_instance_options){0});
    must(loop_instance_start(i, NULL, on_end, &end));
    must_fail(loop_instance_post(i, note, NULL), LOOP_USAGE, "takes no work");
    loop_instance_delete(i);
}

static void post_more(void *data, loop_instance *i, bool gone)
{
    if (gone || ++begun >= 1000)
        return;
    must(loop_instance_post(i, post_more, data));
}

/* Work may leave more work. An instance on the network's loop takes it as well. */
static void work_leaves_work(void **state)
{
    (void)state;
    static const char *const guests[] = {"counter-v1", "http-wait"};
    for (size_t n = 0; n < LP_COUNT(guests); n++) {
        struct end end;
        begun = 0;
        loop_instance *i = serve(guests[n], &(loop_instance_options){0}, &end);
        assert_int_equal(i->body->in_background, n);
        must(loop_instance_post(i, post_more, NULL));
        wait_until(&begun, 1000);
        lp_os_sleep_ms(20); /* it waits by now */
        begun = 999;
        must(loop_instance_post(i, post_more, NULL));
        wait_until(&begun, 1000);
        loop_instance_delete(i);
        assert_true(end.ended);
    }
}

/* ---- applications ---- */

/* An application that only waits does the work, and takes it for nothing else. */
static void an_application_does_work_between_its_rounds(void **state)
{
    (void)state;
    struct end end = {0};
    begun = 0;
    loop_instance *i = new_instance(
        "app", &(loop_instance_options){.args = (const char *const[]){"x", "wait", NULL},
                                        .grace_ms = 60000});
    must(loop_instance_start(i, NULL, on_end, &end));
    for (int n = 1; n <= 100; n++) {
        must(loop_instance_post(i, note, NULL));
        wait_until(&begun, n);
    }
    assert_false(end.ended);
    loop_instance_cancel(i, LOOP_CANCEL_INTERRUPTED);
    wait_for_end(&end);
    assert_int_equal(end.code, LOOP_OK);
    assert_int_equal(end.status, 4); /* its event `cancelled` */
    loop_instance_delete(i);
}

/* Neither timers and frames nor work wait for the other for ever. */
static void work_and_timers_take_turns(void **state)
{
    (void)state;
    struct end end = {0};
    begun = 0;
    loop_instance *i = new_instance(
        "app", &(loop_instance_options){.args = (const char *const[]){"x", "20", NULL}});
    must(loop_instance_start(i, NULL, on_end, &end));
    while (!end.ended) {
        loop_error_delete(loop_instance_post(i, note, NULL));
        loop_host_turn(host, 0);
    }
    assert_int_equal(end.code, LOOP_OK);
    assert_int_equal(end.status, 3); /* 20 timers and 20 frames have come */
    assert_true(begun > 100);
    loop_instance_delete(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(work_is_done_once_and_in_order, make_host, drop_host),
        cmocka_unit_test_setup_teardown(what_waits_is_told_when_it_ends, make_host, drop_host),
        cmocka_unit_test_setup_teardown(a_trap_ends_what_serves, make_host, drop_host),
        cmocka_unit_test_setup_teardown(every_end_of_what_serves, make_host, drop_host),
        cmocka_unit_test_setup_teardown(a_mailbox_is_bounded, make_host, drop_host),
        cmocka_unit_test_setup_teardown(not_everything_takes_work, make_host, drop_host),
        cmocka_unit_test_setup_teardown(work_leaves_work, make_host, drop_host),
        cmocka_unit_test_setup_teardown(an_application_does_work_between_its_rounds, make_host,
                                        drop_host),
        cmocka_unit_test_setup_teardown(work_and_timers_take_turns, make_host, drop_host),
    };
    return cmocka_run_group_tests(tests, note_signals, NULL);
}
