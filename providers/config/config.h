/* providers/config/config.h: the table that api/providers.c lists; config.c says what it does. */
#ifndef LP_PROVIDER_CONFIG_H
#define LP_PROVIDER_CONFIG_H

#include "loop/provider.h"

extern const loop_provider lp_provider_config;

#endif
