/*
 * tests/bench/echo_sidecar.c: the sidecar of `make bench ONLY=forms`, on sdk/c: what somebody would
 * write.
 */
#include <loop_sidecar.h>

#include "forms.h"

static loop_error *text(void *self, loop_call *call, loop_string s, loop_string *ret)
{
    (void)self, (void)call;
    *ret = s;
    return NULL;
}

static loop_error *bytes(void *self, loop_call *call, loop_list_u8 b, uint32_t *ret)
{
    (void)self, (void)call;
    *ret = (uint32_t)b.len + (b.len ? b.ptr[b.len - 1] : 0);
    return NULL;
}

static const bench_forms_echo_functions functions = {text, bytes};
static const loop_provider provider = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "echo",
    .summary = "what the bench measures",
    .interfaces =
        (const loop_provider_interface[]){{&bench_forms_echo_interface, &functions}, {NULL, NULL}},
    .threads = LOOP_THREADS_ANY,
};

int main(void)
{
    return loop_sidecar_main(&provider, "1");
}
