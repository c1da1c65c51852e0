/*
 * providers/rate_limit/rate_limit_test.c: what holds among components of one host, which the
 * golden cases, with a component each, cannot see.
 *
 * Needs the test guests; LOOP_TEST_GUESTS says where they are (build/guests).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/os/os.h"
#include "loop/host.h"

struct heard {
    unsigned a, b;
};

static void hear(void *data, const loop_log_entry *entry)
{
    struct heard *h = data;
    if (!entry->component || strcmp(entry->message, "one of many") != 0)
        return;
    h->a += strcmp(entry->component, "a") == 0;
    h->b += strcmp(entry->component, "b") == 0;
}

static void must(loop_error *e)
{
    if (e)
        fail_msg("%s", loop_error_message(e));
}

static void flood(loop_host *host, loop_component *c, const char *name)
{
    loop_instance *i;
    loop_result r = {0};
    const char *const args[] = {"log-all", "flood", NULL};
    must(loop_instance_new(host, c, &(loop_instance_options){.name = name, .args = args}, &i));
    must(loop_instance_run(i, &r));
    loop_instance_delete(i);
    loop_free(r.output);
}

/* What one component says too much, another is not charged for; nor one that comes again let off.
 */
static void each_component_has_a_rate_of_its_own(void **state)
{
    (void)state;
    struct heard heard = {0};
    loop_host *host;
    loop_component *c;
    const char *folder = lp_os_getenv("LOOP_TEST_GUESTS");
    lp_auto(lp_free_string) char *path =
        lp_format("%s/log-all.wasm", folder ? folder : "build/guests");
    /* One entry a second at the most, and three at once: a slow machine adds a few. */
    const char *const options[] = {"per-second", "1", "burst", "3", NULL};
    const loop_link links[] = {{"rate-limit", options}, {"logging", NULL}};
    must(loop_host_new(
        &(loop_host_options){.log = hear, .data = &heard, .log_level = LOOP_LOG_INFO}, &host));
    must(loop_host_bind_chain(host, NULL, "loop:core/logging", links, 2));
    must(loop_component_open(host, path, &c));
    uint64_t start = lp_os_now_ns();
    flood(host, c, "a");
    flood(host, c, "b");
    flood(host, c, "a");
    unsigned more = 1 + (unsigned)((lp_os_now_ns() - start) / 1000000000);
    loop_component_delete(c);
    loop_host_delete(host);
    if (heard.a < 3 || heard.a > 3 + more || heard.b < 3 || heard.b > 3 + more)
        fail_msg("a %u entries, b %u, where 3 to %u were due", heard.a, heard.b, 3 + more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_component_has_a_rate_of_its_own)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
