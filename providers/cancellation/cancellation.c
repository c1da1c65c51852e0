/*
 * cancellation: tokens that say that the host wants the component to end.
 *
 * Implements loop:core/cancellation. A token is a view of the instance's one
 * cancellation; it holds nothing. `subscribe` is the engine's: its pollable
 * wakes a guest that waits.
 */
#include "providers/cancellation/cancellation.h"

#include "loop/wit/core.h"

static char view; /* what every token stands for */

static loop_error *current(void *self, loop_call *call, loop_core_cancellation_token **ret)
{
    (void)self;
    (void)call;
    *ret = (loop_core_cancellation_token *)&view;
    return NULL;
}

static loop_error *is_cancelled(void *self, loop_call *call, loop_core_cancellation_token *token,
                                bool *ret)
{
    (void)self;
    (void)token;
    *ret = loop_call_cancelled(call, NULL) != LOOP_CANCEL_NONE;
    return NULL;
}

static loop_error *reason(void *self, loop_call *call, loop_core_cancellation_token *token,
                          loop_core_cancellation_option_reason *ret)
{
    (void)self;
    (void)token;
    loop_cancel_reason why = loop_call_cancelled(call, NULL);
    ret->is_some = why != LOOP_CANCEL_NONE;
    ret->value = ret->is_some ? (loop_core_cancellation_reason)why : 0;
    return NULL;
}

static loop_error *remaining(void *self, loop_call *call, loop_core_cancellation_token *token,
                             loop_option_u32 *ret)
{
    (void)self;
    (void)token;
    ret->is_some = loop_call_cancelled(call, &ret->value) != LOOP_CANCEL_NONE;
    return NULL;
}

static const loop_core_cancellation_functions functions = {
    .current = current,
    .token_is_cancelled = is_cancelled,
    .token_reason = reason,
    .token_remaining = remaining,
};

const loop_provider lp_provider_cancellation = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "cancellation",
    .summary = "tokens that say when the host wants a component to end",
    .interfaces = (const loop_provider_interface[]){{&loop_core_cancellation_interface, &functions},
                                                    {NULL, NULL}},
    .threads = LOOP_THREADS_ANY,
    .needs =
        (const loop_provider_need[]){
            {"loop:core/cancellation", "*", LOOP_NEED_NOTHING, NULL,
             "a component may know that it is asked to end"},
            {0},
        },
};
