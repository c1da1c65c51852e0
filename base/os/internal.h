/* base/os/internal.h: what the files of base/os share. */
#ifndef LP_OS_INTERNAL_H
#define LP_OS_INTERNAL_H

#include "loop/error.h"

/* An error in our own words for a number of errno. */
loop_error *lp_os_error(int number) LOOP_MUST_USE;

/* Makes what happened to a name in a folder last. */
void lp_os_sync_parent(const char *path);

#endif
