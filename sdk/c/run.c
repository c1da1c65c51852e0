/*
 * A C program's main() as the component's `wasi:cli/run`.
 *
 * Link this file and the bindings of a world that exports wasi:cli/run (gen/loop.c and
 * gen/loop_component_type.o have loop:command/http-command; `loop build` writes those of a
 * component's own world) into a *reactor* (-mexec-model=reactor). Not as a command: there
 * wasi-libc's own _start would run main, and an exported cabi_realloc makes it lose the first line
 * written.
 *
 * Exit status: what main returns; anything but 0 becomes the error case of
 * `run`, which a host shows as 1. wasi:cli/exit says more where it is there.
 */
#include <stdbool.h>
#include <stdio.h>

bool exports_wasi_cli_run_run(void); /* which the bindings call, whatever the world is called */

/* wasi-libc: fetches the arguments, then calls main. */
int __main_void(void);

bool exports_wasi_cli_run_run(void)
{
    int status = __main_void();
    fflush(NULL);
    return status == 0;
}
