/*
 * tests/sidecar/driver.c: a host with one sidecar, told what to do by its stdin; on the public
 * API alone. tests/lib/sidecar.py runs it.
 *
 *     driver COMPONENT [NAME=VALUE]... -- PROGRAM [ARGUMENT]...
 *
 * Each line is one call of the component `side`: `append TEXT`, `echo SIZE`, `plain TEXT`, `open
 * TEXT`, `get N`, `take N`, `close N`; `chain` puts a provider in C behind the sidecar first, `new`
 * makes another instance. Each is answered by one line: `ok N`, `unavailable TEXT`, `refused TEXT`
 * (the component's errors), or `failed CODE MESSAGE: CAUSE (HINT)`, which ends the instance.
 */
#include <stdlib.h>
#include <unistd.h>

#include "loop/host.h"
#include "side.h"

static loop_host *host;
static loop_component *component;
static loop_instance *instance;
static test_side_driver_exports driver;

static void tell_error(const char *word, loop_error *e)
{
    printf("%s %s ", word, loop_code_name(loop_error_code(e)));
    for (const loop_error *c = e; c; c = loop_error_cause(c))
        printf("%s%s", c == e ? "" : ": ", loop_error_message(c));
    if (loop_error_hint(e))
        printf(" (%s)", loop_error_hint(e));
    puts("");
    fflush(stdout);
    loop_error_delete(e);
}

static void must(loop_error *e)
{
    if (!e)
        return;
    tell_error("cannot", e);
    loop_instance_delete(instance);
    loop_component_delete(component);
    loop_host_delete(host);
    exit(1);
}

static void new_instance(void)
{
    loop_instance_delete(instance);
    instance = NULL;
    must(loop_instance_new(host, component, &(loop_instance_options){.name = "side"}, &instance));
    must(loop_instance_enter(instance));
    must(test_side_driver_bind(instance, &driver));
}

/* ---- a provider behind the sidecar ---- */

static loop_error *c_append(void *self, loop_call *call, loop_string line,
                            test_side_journal_result_u32_error *ret)
{
    (void)self, (void)call;
    if (line.len >= 3 && memcmp(line.ptr, "nap", 3) == 0)
        usleep(line.len > 1000 ? 300000 : 20000);
    ret->of.ok = 1000 + (uint32_t)line.len;
    return NULL;
}

struct test_side_journal_thing {
    uint32_t size;
};
static test_side_journal_thing *given; /* by `open`, and not dropped */

static loop_error *c_open(void *self, loop_call *call, loop_string name,
                          test_side_journal_result_own_thing_error *ret)
{
    (void)self, (void)call;
    given = malloc(sizeof *given);
    given->size = (uint32_t)name.len;
    ret->of.ok = given;
    return NULL;
}

static loop_error *c_get(void *self, loop_call *call, test_side_journal_thing *it,
                         test_side_journal_result_u32_error *ret)
{
    (void)self, (void)call;
    ret->of.ok = it == given ? 2000 + it->size : 666;
    return NULL;
}

static void c_drop(void *self, test_side_journal_thing *it)
{
    (void)self;
    if (it == given)
        given = NULL;
    free(it);
}

static loop_error *c_take(void *self, loop_call *call, test_side_journal_thing *it,
                          test_side_journal_result_u32_error *ret)
{
    loop_error *e = c_get(self, call, it, ret);
    c_drop(self, it);
    return e;
}

/* Whoever gets here was not kept from taking one thing for another. */
static loop_error *c_other_get(void *self, loop_call *call, test_side_journal_other *it,
                               test_side_journal_result_u32_error *ret)
{
    (void)self, (void)call, (void)it;
    ret->of.ok = 666;
    return NULL;
}

static void c_other_drop(void *self, test_side_journal_other *it)
{
    (void)self, (void)it;
}

static loop_error *c_echo(void *self, loop_call *call, loop_list_u8 bytes,
                          test_side_journal_result_list_u8_error *ret)
{
    (void)self, (void)call;
    ret->of.ok = bytes;
    return NULL;
}

static loop_error *c_plain(void *self, loop_call *call, loop_string text, loop_string *ret)
{
    (void)self;
    *ret = loop_call_format(call, "C has %.*s", (int)text.len, text.ptr);
    return NULL;
}

static const test_side_journal_functions functions = {.append = c_append,
                                                      .echo = c_echo,
                                                      .plain = c_plain,
                                                      .open = c_open,
                                                      .take = c_take,
                                                      .thing_get = c_get,
                                                      .thing_drop = c_drop,
                                                      .other_get = c_other_get,
                                                      .other_drop = c_other_drop};
static const loop_provider behind = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "behind",
    .summary = "answers what a sidecar passes on",
    .interfaces =
        (const loop_provider_interface[]){{&test_side_journal_interface, &functions}, {NULL, NULL}},
};

static void bind(const char *sidecar, const char *const *options, bool chain)
{
    const loop_link links[] = {{sidecar, options}, {"behind", NULL}};
    must(loop_host_bind_chain(host, NULL, "test:side/journal", links, chain ? 2 : 1));
}

/* ---- calls ---- */

static void tell(const test_side_driver_result_u32_error *r)
{
    const test_side_journal_error *e = &r->of.error;
    if (!r->is_err)
        printf("ok %u\n", r->of.ok);
    else if (e->tag == TEST_SIDE_JOURNAL_ERROR_UNAVAILABLE)
        printf("unavailable %.*s\n", (int)e->of.unavailable.len, e->of.unavailable.ptr);
    else
        printf("refused %.*s\n", (int)e->of.refused.len, e->of.refused.ptr);
}

static loop_error *call(const char *what, const char *argument)
{
    test_side_driver_result_u32_error r = {0};
    uint32_t n = (uint32_t)strtoul(argument, NULL, 10);
    loop_error *e = NULL;
    if (strcmp(what, "append") == 0)
        e = test_side_driver_call_append(&driver, loop_string_of(argument), &r);
    else if (strcmp(what, "echo") == 0)
        e = test_side_driver_call_echo(&driver, n, &r);
    else if (strcmp(what, "open") == 0)
        e = test_side_driver_call_open(&driver, loop_string_of(argument), &r);
    else if (strcmp(what, "get") == 0)
        e = test_side_driver_call_get(&driver, n, &r);
    else if (strcmp(what, "take") == 0)
        e = test_side_driver_call_take(&driver, n, &r);
    else if (strcmp(what, "close") == 0)
        e = test_side_driver_call_close(&driver, n);
    else if (strcmp(what, "new") == 0)
        new_instance();
    else if (strcmp(what, "plain") == 0) {
        loop_string text;
        e = test_side_driver_call_plain(&driver, loop_string_of(argument), &text);
        if (!e)
            printf("ok %.*s\n", (int)text.len, text.ptr);
        return e;
    } else {
        exit(2);
    }
    if (!e)
        tell(&r);
    return e;
}

int main(int argc, char **argv)
{
    const char *options[64] = {NULL};
    const char *sidecar;
    int at = 2, n = 0;
    bool chain = false;
    for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
        char *value = strchr(argv[at], '=');
        if (!value) {
            chain = strcmp(argv[at], "chain") == 0;
            continue;
        }
        *value = 0;
        options[n++] = argv[at];
        options[n++] = value + 1;
    }
    if (at + 1 >= argc)
        return 2;
    must(loop_host_new(&(loop_host_options){.log_level = LOOP_LOG_INFO}, &host));
    must(loop_host_provider_add(host, &behind));
    must(loop_host_sidecar_add(
        host, &(loop_sidecar_options){.command = (const char *const *)argv + at + 1}, &sidecar));
    bind(sidecar, options, chain);
    must(loop_component_open(host, argv[1], &component));
    new_instance();
    puts("ready");
    fflush(stdout);
    char line[4096];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        char *argument = strchr(line, ' ');
        if (argument)
            *argument++ = 0;
        loop_error *e = call(line, argument ? argument : "");
        if (e) {
            tell_error("failed", e);
            new_instance();
        }
        fflush(stdout);
    }
    loop_instance_delete(instance);
    loop_component_delete(component);
    loop_host_delete(host);
    return 0;
}
