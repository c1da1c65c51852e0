/* providers/process/internal.h: shared by the files of providers/process. */
#ifndef LP_PROCESS_INTERNAL_H
#define LP_PROCESS_INTERNAL_H

#include "base/base.h"
#include "base/os/process.h"
#include "loop/policy.h"
#include "loop/provider.h"
#include "loop/wit/process.h"

/* A command, checked and granted. */
typedef struct lp_process_order {
    lp_arena arena; /* of all texts */
    lp_os_program program;
    int directory; /* open; program.inherit */
} lp_process_order;

/*
 * What `command` asks for, as far as it is granted to the caller. LOOP_INVALID, LOOP_LIMIT,
 * LOOP_DENIED, LOOP_NOT_FOUND, LOOP_IO. _done also after an error.
 */
loop_error *lp_process_order_init(lp_process_order *o, loop_call *call, const char *guard,
                                  const loop_process_processes_command *command) LOOP_MUST_USE;
void lp_process_order_done(lp_process_order *o);

/* The error as a component sees it; deletes `e`. */
loop_process_processes_error lp_process_error(loop_call *call, loop_error *e);

#endif
