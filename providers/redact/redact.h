/* providers/redact/redact.h: the table that api/providers.c lists; redact.c says what it does. */
#ifndef LP_PROVIDER_REDACT_H
#define LP_PROVIDER_REDACT_H

#include "loop/provider.h"

extern const loop_provider lp_provider_redact;

#endif
