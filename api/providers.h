/* api/providers.h: the providers that are linked in. */
#ifndef LP_API_PROVIDERS_H
#define LP_API_PROVIDERS_H

#include "loop/provider.h"

extern const loop_provider *const lp_builtin_providers[]; /* ends with NULL */

#endif
