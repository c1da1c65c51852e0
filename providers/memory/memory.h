/* providers/memory/memory.h: the table that api/providers.c lists; memory.c says what it does. */
#ifndef LP_PROVIDER_MEMORY_H
#define LP_PROVIDER_MEMORY_H

#include "loop/provider.h"

extern const loop_provider lp_provider_memory;

#endif
