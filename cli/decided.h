/*
 * cli/decided.h: what becomes of the decisions of a run: --audit, --observe, and what
 * `loop grants suggest` makes of them.
 */
#ifndef CLI_DECIDED_H
#define CLI_DECIDED_H

#include "cli/target.h"
#include "loop/audit.h"

extern const cli_group cli_group_decisions;

typedef struct cli_decided {
    loop_audit *audit; /* NULL: nobody wants to know */
    bool observe, suggest;
    const char *component; /* for whom is suggested */
    int out;               /* with `suggest`: the stdout that the suggestion goes to */
} cli_decided;

/*
 * Before the component is made: opens what the options say, and lets its policy through.
 * LOOP_DENIED (a workspace that is not trusted is not observed), LOOP_IO.
 */
loop_error *cli_decided_open(const cli_args *args, cli_target *t, bool suggest,
                             cli_decided *ret) LOOP_MUST_USE;
/*
 * Before the process exits: says what was observed, or what is suggested. A component that would
 * not stop may still decide something on its thread. LOOP_IO.
 */
loop_error *cli_decided_finish(cli_decided *d) LOOP_MUST_USE;

#endif
