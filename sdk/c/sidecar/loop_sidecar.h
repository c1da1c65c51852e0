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
 * for frames: what the program prints goes to stderr. A large result that is made in memory of
 * loop_call_alloc is not copied on its way to the host.
 */
#ifndef LOOP_SIDECAR_H
#define LOOP_SIDECAR_H

#include "loop/provider.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Serves until the host goes; the exit status. First thing in `main`, before anything prints. */
LOOP_API int loop_sidecar_main(const loop_provider *provider, const char *version);

/*
 * Save and restore, for a provider that can hand over what it holds (the capability `state`). What
 * the stream holds is a matter of the interface, which documents a type for it.
 */
typedef struct loop_sidecar_stream loop_sidecar_stream;
typedef struct loop_sidecar_state {
    /* No call is under way and none will come until `resume`; what is held is made durable. May be
     * NULL. */
    loop_error *(*quiesce)(void *self);
    void (*resume)(void *self); /* may be NULL */
    loop_error *(*save)(void *self, const loop_interface *interface, loop_sidecar_stream *to);
    /* After an error nothing has changed. */
    loop_error *(*restore)(void *self, const loop_interface *interface, loop_sidecar_stream *from);
} loop_sidecar_state;
LOOP_API int loop_sidecar_main_with(const loop_provider *provider, const char *version,
                                    const loop_sidecar_state *state);

/* Bytes out, in pieces of any size; bytes in, at most `max`, 0 at the end. */
LOOP_API void loop_sidecar_write(loop_sidecar_stream *to, const void *bytes, size_t len);
LOOP_API size_t loop_sidecar_read(loop_sidecar_stream *from, void *to, size_t max);
/*
 * A whole state as a value of C (loop/abi.h), without handles. `type` is its structural text, in
 * parentheses: "(record{total:u64,notes:list<string>})". What a value points to lives until
 * `restore` returns.
 */
LOOP_API loop_error *loop_sidecar_write_value(loop_sidecar_stream *to, const char *type,
                                              const void *value) LOOP_MUST_USE;
LOOP_API loop_error *loop_sidecar_read_value(loop_sidecar_stream *from, const char *type,
                                             void *value) LOOP_MUST_USE;

/* Drops an object that the next provider of the chain answered as `own`, instead of passing it on.
 */
LOOP_API void loop_sidecar_drop(void *object);

#ifdef __cplusplus
}
#endif
#endif
