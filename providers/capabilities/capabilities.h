/* providers/capabilities/capabilities.h: the table that api/providers.c lists; capabilities.c says
 * what it does. */
#ifndef LP_PROVIDER_CAPABILITIES_H
#define LP_PROVIDER_CAPABILITIES_H

#include "loop/provider.h"

extern const loop_provider lp_provider_capabilities;

#endif
