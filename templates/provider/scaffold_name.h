/* providers/scaffold_name/scaffold_name.h: the table that api/providers.c lists. */
#ifndef LP_PROVIDER_SCAFFOLD_NAME_H
#define LP_PROVIDER_SCAFFOLD_NAME_H

#include "loop/provider.h"

extern const loop_provider lp_provider_scaffold_name;

#endif
