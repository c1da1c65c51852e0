/* providers/keyvalue/keyvalue.h: the table that api/providers.c lists; keyvalue.c says what it
 * does. */
#ifndef LP_PROVIDER_KEYVALUE_H
#define LP_PROVIDER_KEYVALUE_H

#include "loop/provider.h"

extern const loop_provider lp_provider_keyvalue;

#endif
