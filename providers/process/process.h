/*
 * process: loop:process for components of the class `trusted`: programs of this machine, each
 * below a loop-guard of its own (sidecar/guard), which ends it, and all that it started, with its
 * handle, its component and its host.
 *
 *     components:
 *       notes:
 *         class: trusted
 *         grants:
 *           processes: ["git status --short *"]
 *           env: [LANG]                       # may be given to a program
 *           dirs: [{ host: ., guest: /work }] # may be a program's directory
 *
 *   process.c   the table, and programs that run
 *   command.c   what a component asks for, as what is started
 *
 * Linux only, as sidecars are: elsewhere nothing ends what a program has started.
 */
#ifndef LP_PROVIDER_PROCESS_H
#define LP_PROVIDER_PROCESS_H

#include "loop/provider.h"

extern const loop_provider lp_provider_process;

#endif
