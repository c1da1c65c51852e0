/* providers/trace/trace.h: the table that api/providers.c lists; trace.c says what it does. */
#ifndef LP_PROVIDER_TRACE_H
#define LP_PROVIDER_TRACE_H

#include "loop/provider.h"

extern const loop_provider lp_provider_trace;

#endif
