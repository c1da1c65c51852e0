/*
 * host/wasi_net_test.c: which datagrams may come in, and who may be answered.
 *
 * Needs the test guests; LOOP_TEST_GUESTS says where they are (build/guests).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base.h"
#include "host/internal.h"

static loop_host *host;
static loop_component *component;
static loop_instance *instance;
static loop_policy *policy;

static void must(loop_error *e)
{
    lp_auto(lp_free_string) char *text = e ? loop_error_format(e) : NULL;
    if (e)
        fail_msg("%s", text);
}

static void quiet(void *data, const loop_log_entry *entry)
{
    (void)data, (void)entry;
}

/* It may listen at 127.0.0.1:9000, and talk to 10.0.0.1:53. */
static int set_up(void **state)
{
    (void)state;
    const char *guests = getenv("LOOP_TEST_GUESTS");
    lp_auto(lp_free_string) char *path =
        lp_format("%s/listdir.wasm", guests ? guests : "build/guests");
    loop_origin here = {"--test", 0, 0};
    policy = loop_policy_new();
    must(loop_policy_add(policy, LOOP_GRANT_LISTEN, "127.0.0.1:9000", false, NULL, false, here));
    must(loop_policy_add(policy, LOOP_GRANT_NET, "10.0.0.1:53", false, NULL, false, here));
    must(loop_policy_add(policy, LOOP_GRANT_NET, "10.0.0.9", true, NULL, false, here));
    must(loop_host_new(&(loop_host_options){.log = quiet}, &host));
    must(loop_component_open(host, path, &component));
    must(loop_instance_new(host, component, &(loop_instance_options){.policy = policy}, &instance));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    loop_instance_delete(instance);
    loop_component_delete(component);
    loop_host_delete(host);
    loop_policy_delete(policy);
    return 0;
}

static bool asks(const char *address, uint16_t port, lp_net_use use)
{
    return lp_net_asks(instance->body->net, (lp_str){address, strlen(address)}, port, use);
}

static void who_listens_hears_strangers_and_answers_them(void **state)
{
    (void)state;
    assert_false(asks("10.0.0.2", 7, LP_NET_RECEIVE)); /* nothing listens yet */
    assert_false(asks("0.0.0.0", 9000, LP_NET_BIND_UDP));
    assert_true(asks("127.0.0.1", 9000, LP_NET_BIND_UDP));
    assert_false(asks("10.0.0.2", 7, LP_NET_SEND)); /* was not heard */
    assert_true(asks("10.0.0.2", 7, LP_NET_RECEIVE));
    assert_true(asks("10.0.0.2", 7, LP_NET_SEND));
    assert_false(asks("10.0.0.2", 8, LP_NET_SEND));
    assert_false(asks("10.0.0.9", 7, LP_NET_RECEIVE)); /* denied */
}

/* Strangers reached it at any address: the other socket needs no grant to be bound. */
static void a_socket_that_nobody_asked_about_hears_no_strangers(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        if (first)
            assert_true(asks("0.0.0.0", 0, LP_NET_BIND_UDP));
        assert_true(asks("127.0.0.1", 9000, LP_NET_BIND_UDP));
        assert_true(asks("::", 0, LP_NET_BIND_UDP));
        assert_false(asks("10.0.0.2", 7, LP_NET_RECEIVE));
        assert_false(asks("10.0.0.2", 7, LP_NET_SEND));
        assert_true(asks("10.0.0.1", 53, LP_NET_SEND)); /* what is granted is */
        assert_true(asks("10.0.0.1", 53, LP_NET_RECEIVE));
        tear_down(state);
        set_up(state);
    }
}

/* What a TCP connection is bound to says nothing about datagrams. */
static void a_connection_changes_nothing(void **state)
{
    (void)state;
    assert_true(asks("127.0.0.1", 9000, LP_NET_BIND_UDP));
    assert_true(asks("0.0.0.0", 0, LP_NET_BIND));
    assert_true(asks("10.0.0.2", 7, LP_NET_RECEIVE));
    assert_false(asks("0.0.0.0", 41234, LP_NET_LISTEN));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_listens_hears_strangers_and_answers_them),
        TEST(a_socket_that_nobody_asked_about_hears_no_strangers),
        TEST(a_connection_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
