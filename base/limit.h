/*
 * base/limit.h: limits of components (loop/limits.h), inside of loop: what holds where nobody says
 * it, and the error of reaching one, which is worded here alone.
 */
#ifndef LP_LIMIT_H
#define LP_LIMIT_H

#include "base/base.h"
#include "loop/limits.h"

/* Those that are 0 become the rows' fallbacks. */
void lp_limits_fill(loop_limits *l);
/* A copy with the texts of its origins in the arena. */
loop_limits lp_limits_copy(lp_arena *a, const loop_limits *from);

/*
 * LOOP_LIMIT, or LOOP_TIMEOUT of a time: "'x' reached its files limit of 256", with what to raise
 * and where. `cause` (may be NULL) is taken.
 */
loop_error *lp_limit_error(const loop_limits *l, loop_limit_id id, const char *who,
                           loop_error *cause) LOOP_MUST_USE;
/* Where to raise it: "raise limits.files in loop.yaml:12:7"; malloced. */
char *lp_limit_hint(const loop_limits *l, loop_limit_id id);

#endif
