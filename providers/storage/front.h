/*
 * providers/storage/front.h: loop:storage/store as functions, for every provider whose `self`
 * is an lp_store. front.c asks who calls and what was granted, then store.h.
 */
#ifndef LP_STORAGE_FRONT_H
#define LP_STORAGE_FRONT_H

#include "providers/storage/store.h"

extern const loop_storage_store_functions lp_storage_functions;

/* The same as the list of a provider's interfaces. */
extern const loop_provider_interface lp_storage_interfaces[];

/* What they need. */
extern const loop_provider_need lp_storage_needs[];

/* The same as what a swap asks of it: swap.c. */
extern const loop_provider_swap lp_storage_swap;

/* `close` of such a provider. */
void lp_storage_close(void *self);

#endif
