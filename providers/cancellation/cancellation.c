/*
 * cancellation: tokens that say that the host wants the component to end.
 *
 * Implements loop:core/cancellation. A token is a view of the instance's one
 * cancellation; it holds nothing. `subscribe` is the engine's: its pollable
 * wakes a guest that waits.
 */
#include "providers/cancellation/cancellation.h"

#include "base/base.h"

static char view; /* what every token stands for */

static loop_error *do_current(void *self, loop_call *call, const loop_value *args, loop_value *ret)
{
    (void)self;
    (void)args;
    uint32_t handle;
    LP_TRY(loop_call_hold(call, "token", &view, &handle));
    *ret = (loop_value){.kind = LOOP_OWN, .of.handle = handle};
    return NULL;
}

static loop_error *do_is_cancelled(void *self, loop_call *call, const loop_value *args,
                                   loop_value *ret)
{
    (void)self;
    (void)args;
    *ret = (loop_value){.kind = LOOP_BOOL,
                        .of.boolean = loop_call_cancelled(call, NULL) != LOOP_CANCEL_NONE};
    return NULL;
}

static loop_error *do_reason(void *self, loop_call *call, const loop_value *args, loop_value *ret)
{
    (void)self;
    (void)args;
    loop_cancel_reason reason = loop_call_cancelled(call, NULL);
    loop_value some = {.kind = LOOP_ENUM, .index = (uint32_t)reason};
    *ret = loop_value_option(call, reason == LOOP_CANCEL_NONE ? NULL : &some);
    return NULL;
}

static loop_error *do_remaining(void *self, loop_call *call, const loop_value *args,
                                loop_value *ret)
{
    (void)self;
    (void)args;
    uint32_t ms;
    loop_cancel_reason reason = loop_call_cancelled(call, &ms);
    loop_value some = {.kind = LOOP_U32, .of.u = ms};
    *ret = loop_value_option(call, reason == LOOP_CANCEL_NONE ? NULL : &some);
    return NULL;
}

static const loop_provider_interface cancellation = {
    .name = "loop:core/cancellation",
    .versions = (const char *const[]){"0.1.0", NULL},
    .functions =
        (const loop_provider_function[]){
            {"current", "()->own", do_current},
            {"[method]token.is-cancelled", "(borrow)->bool", do_is_cancelled},
            {"[method]token.reason", "(borrow)->option<enum{interrupted,deadline,stopped}>",
             do_reason},
            {"[method]token.remaining", "(borrow)->option<u32>", do_remaining},
            {0},
        },
    .resources = (const loop_provider_resource[]){{"token", NULL}, {NULL, NULL}},
};

const loop_provider lp_provider_cancellation = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "cancellation",
    .summary = "tokens that say when the host wants a component to end",
    .interfaces = (const loop_provider_interface *const[]){&cancellation, NULL},
    .threads = LOOP_THREADS_ANY,
};
