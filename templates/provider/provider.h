/* providers/scaffold/scaffold.h: the table that api/providers.c lists. */
#ifndef LP_PROVIDER_SCAFFOLD_H
#define LP_PROVIDER_SCAFFOLD_H

#include "loop/provider.h"

extern const loop_provider lp_provider_scaffold;

#endif
