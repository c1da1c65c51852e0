/*
 * capabilities: which of a component's own imports are there, and why not.
 *
 * Implements loop:core/capabilities from what the host decided when it linked
 * the calling instance.
 */
#include "providers/capabilities/capabilities.h"

#include "base/base.h"
#include "loop/wit/core.h"

_Static_assert(LOOP_CORE_CAPABILITIES_TIER_ENGINE == (int)LOOP_TIER_ENGINE &&
                   LOOP_CORE_CAPABILITIES_TIER_STUB == (int)LOOP_TIER_STUB,
               "tiers");

/* The texts are the instance's own. */
static loop_core_capabilities_capability record(const loop_capability *c)
{
    return (loop_core_capabilities_capability){
        .name = loop_string_of(c->name),
        .version = loop_string_of(c->version),
        .available = c->available,
        .tier = (loop_core_capabilities_tier)c->tier,
        .provider = loop_string_of(c->provider),
        .reason = {c->reason != NULL, loop_string_of(c->reason ? c->reason : "")},
    };
}

static loop_error *list(void *self, loop_call *call, loop_core_capabilities_list_capability *ret)
{
    (void)self;
    loop_capability c;
    size_t n = 0;
    while (loop_call_capability(call, n, &c))
        n++;
    loop_core_capabilities_capability *items = loop_call_alloc(call, (n + 1) * sizeof *items);
    if (!items)
        return NULL;
    for (size_t i = 0; i < n && loop_call_capability(call, i, &c); i++)
        items[i] = record(&c);
    *ret = (loop_core_capabilities_list_capability){items, n};
    return NULL;
}

/* Whether `asked` names `full` ("loop:ui/surface@0.1.0"), with or without its version. */
static bool names(const char *full, loop_string asked)
{
    return strlen(full) >= asked.len && strncmp(full, asked.ptr, asked.len) == 0 &&
           (full[asked.len] == 0 || full[asked.len] == '@');
}

static loop_error *query(void *self, loop_call *call, loop_string name,
                         loop_core_capabilities_option_capability *ret)
{
    (void)self;
    loop_capability c;
    for (size_t i = 0; !ret->is_some && loop_call_capability(call, i, &c); i++) {
        ret->is_some = names(c.name, name);
        if (ret->is_some)
            ret->value = record(&c);
    }
    return NULL;
}

static loop_error *changes(void *self, loop_call *call, uint32_t *ret)
{
    (void)self;
    *ret = loop_call_changes(call);
    return NULL;
}

static const loop_core_capabilities_functions functions = {
    .list = list, .query = query, .changes = changes};

const loop_provider lp_provider_capabilities = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "capabilities",
    .summary = "which of a component's own imports are there, and why not",
    .interfaces = (const loop_provider_interface[]){{&loop_core_capabilities_interface, &functions},
                                                    {NULL, NULL}},
    .threads = LOOP_THREADS_ANY,
    .needs =
        (const loop_provider_need[]){
            {"loop:core/capabilities", "*", LOOP_NEED_NOTHING, NULL,
             "a component may know who serves its own imports"},
            {0},
        },
};
