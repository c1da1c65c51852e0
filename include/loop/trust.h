/*
 * loop/trust.h: which workspaces the user trusts.
 *
 * A workspace's file asks for more than a component's sandbox holds: native code (a shared
 * library, a sidecar), a directory outside of the workspace. It gets that only when the user
 * has said so, for the bytes that the file has now; `loop trust` asks. What was said is kept
 * in the user's own configuration, a line a workspace, and nowhere else: no flag, no variable
 * and no file of a workspace adds to it.
 *
 * loop/config.h answers for a configuration that was loaded (loop_config_trust). These
 * functions are for programs that read a file of their own: they digest the bytes that they
 * parse, and ask before they do what the file says.
 *
 *     char digest[LOOP_DIGEST_TEXT];
 *     loop_trust_digest(bytes, len, digest);
 *     loop_error *no = loop_trust_check("/home/ada/dice/loop.yaml", digest);
 *
 * Threads: any; two programs that record something at the same time may lose one of the two,
 * which is then asked for again.
 */
#ifndef LOOP_TRUST_H
#define LOOP_TRUST_H

#include "loop/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A digest as text, with its end: BLAKE2b of 256 bits, what `b2sum -l 256` prints. */
#define LOOP_DIGEST_TEXT 65

/* The digest of these bytes, as they were read from a file. */
LOOP_API void loop_trust_digest(const void *bytes, size_t len, char ret[LOOP_DIGEST_TEXT]);

/*
 * The one decision. NULL where the user has trusted the file at `path` (absolute, the folder
 * without links) with this digest. Else LOOP_DENIED, why, and what to do: nobody trusted it, it
 * was changed since, or others can change it (its owner, its permissions, a symbolic link), or
 * the list itself.
 */
LOOP_API loop_error *loop_trust_check(const char *path, const char *digest) LOOP_MUST_USE;

/*
 * Records it, in place of what there was for `path`: the caller has shown what the file asks for,
 * and somebody said yes. LOOP_DENIED where others can change the file; LOOP_IO, LOOP_LIMIT,
 * LOOP_UNAVAILABLE (no folder for the user's configuration), LOOP_CONFIG (the list is damaged).
 */
LOOP_API loop_error *loop_trust_give(const char *path, const char *digest) LOOP_MUST_USE;

/*
 * Takes it back. `path` is the file or its folder, absolute; it need not be there any more.
 * LOOP_NOT_FOUND.
 */
LOOP_API loop_error *loop_trust_revoke(const char *path) LOOP_MUST_USE;

/* What is recorded, in the order in which it was. */
typedef struct loop_trusted {
    const char *path;
    const char *digest;
    const char *since; /* the day, in UTC: "2026-11-23" */
} loop_trusted;
typedef struct loop_trust_list loop_trust_list;
LOOP_API loop_error *loop_trust_list_open(loop_trust_list **ret) LOOP_MUST_USE;
/* NULL past the end; lives as long as the list. */
LOOP_API const loop_trusted *loop_trust_list_at(const loop_trust_list *list, size_t i);
/* NULL is fine. */
LOOP_API void loop_trust_list_delete(loop_trust_list *list);

#ifdef __cplusplus
}
#endif
#endif
