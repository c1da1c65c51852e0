/* providers/sqlite/sqlite.h: the table that api/providers.c lists; sqlite.c says what it does. */
#ifndef LP_PROVIDER_SQLITE_H
#define LP_PROVIDER_SQLITE_H

#include "loop/provider.h"

extern const loop_provider lp_provider_sqlite;

#endif
