/* providers/cancellation/cancellation.h: the table that api/providers.c lists; cancellation.c says
 * what it does. */
#ifndef LP_PROVIDER_CANCELLATION_H
#define LP_PROVIDER_CANCELLATION_H

#include "loop/provider.h"

extern const loop_provider lp_provider_cancellation;

#endif
