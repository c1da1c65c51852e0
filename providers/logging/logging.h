/* providers/logging/logging.h: the table that api/providers.c lists; logging.c says what it does.
 */
#ifndef LP_PROVIDER_LOGGING_H
#define LP_PROVIDER_LOGGING_H

#include "loop/provider.h"

extern const loop_provider lp_provider_logging;

#endif
