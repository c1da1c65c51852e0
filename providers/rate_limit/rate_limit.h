/* providers/rate_limit/rate_limit.h: the table that api/providers.c lists; rate_limit.c says what
 * it does. */
#ifndef LP_PROVIDER_RATE_LIMIT_H
#define LP_PROVIDER_RATE_LIMIT_H

#include "loop/provider.h"

extern const loop_provider lp_provider_rate_limit;

#endif
