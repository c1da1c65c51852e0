/*
 * loop_sidecar.h: a provider of include/loop/provider.h as a program of its own, which loop
 * starts and speaks with as sidecar/PROTOCOL.md says.
 *
 *     #include <loop_sidecar.h>
 *     extern const loop_provider dice; // as it would be linked in
 *
 *     int main(void)
 *     {
 *         return loop_sidecar_main(&dice, "0.1.0");
 *     }
 *
 * Compile it with the .c files of this folder, which need nothing but the C library, threads and
 * include/loop: `cc -Iinclude -Isdk/c/sidecar main.c dice.c gen/dice.c sdk/c/sidecar/x.c...
 * -lpthread`. They may be copied into a project of your own.
 *
 * What differs from a provider that is linked in: the configuration of the caller and its list of
 * capabilities are empty, and there are no peers. An interceptor (no interfaces) is refused.
 *
 * LOOP_THREADS_ANY: up to 16 functions run at once. SERIAL: one, but CANCEL reaches it. stdout is
 * for frames: what the program prints goes to stderr. `swap` of the table is what the host asks for
 * when it takes the sidecar out or puts it in; but for `health`: a process that answers is well. A
 * large result that is made in memory of loop_call_alloc is not copied on its way to the host.
 */
#ifndef LOOP_SIDECAR_H
#define LOOP_SIDECAR_H

#include "loop/provider.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Serves until the host goes; the exit status. First thing in `main`, before anything prints. */
LOOP_API int loop_sidecar_main(const loop_provider *provider, const char *version);

/* Drops an object that the next provider of the chain answered as `own`, instead of passing it on.
 */
LOOP_API void loop_sidecar_drop(void *object);

#ifdef __cplusplus
}
#endif
#endif
