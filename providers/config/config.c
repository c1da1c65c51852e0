/*
 * config: the `config:` rows of a component in loop.yaml.
 *
 * Implements wasi:config/store under the versions in use. A component sees its
 * own rows alone.
 *
 *     components:
 *       notes:
 *         config: { title: "My notes" }
 */
#include "providers/config/config.h"

#include "base/base.h"

static loop_value text(loop_call *call, const char *s)
{
    return loop_value_string(call, s, strlen(s));
}

/* get(key) -> result<option<string>, error> */
static loop_error *do_get(void *self, loop_call *call, const loop_value *args, loop_value *ret)
{
    (void)self;
    const char *key, *value;
    loop_value found = loop_value_option(call, NULL);
    for (size_t i = 0; loop_call_config(call, i, &key, &value); i++) {
        if (strlen(key) == args[0].of.text.len &&
            memcmp(key, args[0].of.text.ptr, args[0].of.text.len) == 0) {
            loop_value v = text(call, value);
            found = loop_value_option(call, &v);
        }
    }
    *ret = loop_value_ok(call, &found);
    return NULL;
}

/* get-all() -> result<list<tuple<string, string>>, error> */
static loop_error *do_get_all(void *self, loop_call *call, const loop_value *args, loop_value *ret)
{
    (void)self;
    (void)args;
    const char *key, *value;
    size_t n = 0;
    while (loop_call_config(call, n, &key, &value))
        n++;
    loop_value *items = loop_call_alloc(call, (n + 1) * sizeof *items);
    for (size_t i = 0; items && i < n && loop_call_config(call, i, &key, &value); i++) {
        loop_value *pair = loop_call_alloc(call, 2 * sizeof *pair);
        if (!pair)
            return NULL;
        pair[0] = text(call, key);
        pair[1] = text(call, value);
        items[i] = (loop_value){.kind = LOOP_TUPLE, .of.items = {pair, 2}};
    }
    loop_value list = {.kind = LOOP_LIST, .of.items = {items, n}};
    *ret = loop_value_ok(call, &list);
    return NULL;
}

#define ERROR "variant{upstream(string),io(string)}"

static const loop_provider_function functions[] = {
    {"get", "(string)->result<option<string>," ERROR ">", do_get},
    {"get-all", "()->result<list<tuple<string,string>>," ERROR ">", do_get_all},
    {0},
};

static const loop_provider_interface store = {
    .name = "wasi:config/store",
    .versions = (const char *const[]){"0.2.0-rc.1", "0.2.0-draft", NULL},
    .functions = functions,
};

/* The name of the same interface in older drafts. */
static const loop_provider_interface runtime = {
    .name = "wasi:config/runtime",
    .versions = (const char *const[]){"0.2.0-draft", NULL},
    .functions = functions,
};

const loop_provider lp_provider_config = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "config",
    .summary = "a component's config rows in loop.yaml, as wasi:config",
    .interfaces = (const loop_provider_interface *const[]){&store, &runtime, NULL},
    .threads = LOOP_THREADS_ANY,
};
