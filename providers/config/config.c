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

#include "providers/gen/wasi_drafts.h"

static loop_option_string find(loop_call *call, loop_string wanted)
{
    loop_option_string found = {0};
    const char *key, *value;
    for (size_t i = 0; loop_call_config(call, i, &key, &value); i++)
        if (loop_string_is(wanted, key))
            found = (loop_option_string){true, loop_string_of(value)};
    return found;
}

struct pair {
    loop_string key, value;
};

static struct pair *all(loop_call *call, size_t *ret_count)
{
    const char *key, *value;
    size_t n = 0;
    while (loop_call_config(call, n, &key, &value))
        n++;
    struct pair *pairs = loop_call_alloc(call, (n + 1) * sizeof *pairs);
    for (size_t i = 0; pairs && i < n && loop_call_config(call, i, &key, &value); i++)
        pairs[i] = (struct pair){loop_string_of(key), loop_string_of(value)};
    *ret_count = pairs ? n : 0;
    return pairs;
}

/*
 * The same two functions under the names of a version: X is its prefix. A pair has
 * the layout of any tuple of two texts.
 */
#define SERVE(X)                                                                                   \
    _Static_assert(sizeof(struct pair) == sizeof(X##_tuple_string_string), "pair");                \
    static loop_error *X##_get(void *self, loop_call *call, loop_string key,                       \
                               X##_result_option_string_error *ret)                                \
    {                                                                                              \
        (void)self;                                                                                \
        ret->of.ok = find(call, key);                                                              \
        return NULL;                                                                               \
    }                                                                                              \
    static loop_error *X##_get_all(void *self, loop_call *call,                                    \
                                   X##_result_list_tuple_string_string_error *ret)                 \
    {                                                                                              \
        (void)self;                                                                                \
        ret->of.ok.ptr = (const void *)all(call, &ret->of.ok.len);                                 \
        return NULL;                                                                               \
    }                                                                                              \
    static const X##_functions X##_table = {.get = X##_get, .get_all = X##_get_all};

SERVE(wasi_config_store)
SERVE(wasi_config_store_0_2_0_draft)
/* The name of the same interface in older drafts. */
SERVE(wasi_config_runtime_0_2_0_draft)

const loop_provider lp_provider_config = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "config",
    .summary = "a component's config rows in loop.yaml, as wasi:config",
    .interfaces =
        (const loop_provider_interface[]){
            {&wasi_config_store_interface, &wasi_config_store_table},
            {&wasi_config_store_0_2_0_draft_interface, &wasi_config_store_0_2_0_draft_table},
            {&wasi_config_runtime_0_2_0_draft_interface, &wasi_config_runtime_0_2_0_draft_table},
            {NULL, NULL},
        },
    .threads = LOOP_THREADS_ANY,
    .needs =
        (const loop_provider_need[]){
            {"wasi:config/store", "*", LOOP_NEED_NOTHING, NULL,
             "a component may read what loop.yaml has for it"},
            {"wasi:config/runtime", "*", LOOP_NEED_NOTHING, NULL,
             "a component may read what loop.yaml has for it"},
            {0},
        },
};
