/* api/log.h: writes log entries to stderr, as text or as JSON lines. */
#ifndef LP_API_LOG_H
#define LP_API_LOG_H

#include "base/base.h"
#include "loop/host.h"

/* Any thread. Hands the entry to the host's own function where it has one. */
void lp_log_write(loop_host *h, const loop_log_entry *entry);

/* One line, with its end; for tests. `color`: as for a terminal. */
void lp_log_format(const loop_log_entry *entry, bool json, bool color, lp_buf *into);

#endif
