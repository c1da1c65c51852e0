/*
 * packages/file.h: files that pass through in pieces: handed on, compared, written beside and
 * renamed.
 */
#ifndef LP_PACKAGES_FILE_H
#define LP_PACKAGES_FILE_H

#include "base/os/os.h"
#include "packages/packages.h"

/* Who takes bytes, piece by piece; an error ends it. */
typedef loop_error *lp_file_take(void *data, const void *bytes, size_t n);

/* Hands on `n` bytes from `offset` on. LOOP_IO: they are not all there; `name` is for messages. */
loop_error *lp_file_hand_on(lp_os_reader *r, const char *name, uint64_t offset, uint64_t n,
                            void *data, lp_file_take *take) LOOP_MUST_USE;
/*
 * A file from `offset` to its end; `*ret_size`, all of it, before the first `take` (NULL: not
 * wanted). LOOP_NOT_FOUND; LOOP_USAGE: it ends before `offset`; LOOP_IO.
 */
loop_error *lp_file_read(const char *path, uint64_t offset, uint64_t *ret_size, void *data,
                         lp_file_take *take) LOOP_MUST_USE;
/* The digest of a file as it is now. LOOP_NOT_FOUND, LOOP_IO. */
loop_error *lp_file_digest(const char *path, char ret[LOOP_SHA256_TEXT]) LOOP_MUST_USE;

/*
 * Writes the file `part` by `fill`, which hands bytes to lp_file_add with the writer as its data;
 * then it gets the name `to`, in one step that lasts, 0644. Where that fails there is no `part`.
 */
loop_error *lp_file_make(const char *to, const char *part, void *data,
                         loop_error *(*fill)(void *data, lp_os_writer *w)) LOOP_MUST_USE;
loop_error *lp_file_add(void *writer, const void *bytes, size_t n) LOOP_MUST_USE;

#endif
