/*
 * memory: loop:storage that is gone when the host ends.
 *
 * For the machine you write on, for tests, and where nothing else is bound: it promises
 * what wit/storage promises but that anything lasts. The profile `prod` refuses it.
 */
#include "providers/memory/memory.h"

#include "providers/memory/store.h"
#include "providers/storage/front.h"

static loop_error *open_memory(const loop_services *services, void **ret_self)
{
    (void)services;
    *ret_self = lp_memory_store_new();
    return NULL;
}

const loop_provider lp_provider_memory = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "memory",
    .summary = "loop:storage in memory, until the host ends",
    .interfaces = lp_storage_interfaces,
    .threads = LOOP_THREADS_ANY,
    .dev_only = true,
    .open = open_memory,
    .close = lp_storage_close,
    .swap = &lp_storage_swap,
    .needs = lp_storage_needs,
};
