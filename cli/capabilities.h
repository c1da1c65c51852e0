/*
 * cli/capabilities.h: what a component asks for, whether it has it, by which line, and what would
 * change that: the last part of `loop explain`.
 */
#ifndef CLI_CAPABILITIES_H
#define CLI_CAPABILITIES_H

#include "cli/target.h"

/* Everything that its imports take, one by one. */
void cli_put_capabilities(const cli_target *t, loop_component *c);
/* Answers each `--may`; *ret_denied: one of them is denied. LOOP_USAGE. */
loop_error *cli_put_answers(const cli_args *args, const loop_policy *p,
                            bool *ret_denied) LOOP_MUST_USE;

/* "  TEXT          ORIGIN"; either may be somebody else's text; origin may be NULL. */
void cli_put_origin_line(const char *text, const loop_origin *origin);

#endif
