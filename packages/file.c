/* packages/file.c: see file.h. */
#include "packages/file.h"

#include <stdlib.h>

#define PIECE (256u << 10)

loop_error *lp_file_hand_on(lp_os_reader *r, const char *name, uint64_t offset, uint64_t n,
                            void *data, lp_file_take *take)
{
    char *piece = lp_alloc(PIECE);
    loop_error *e = NULL;
    for (uint64_t at = 0; !e && at < n;) {
        size_t k = (size_t)LP_MIN(n - at, (uint64_t)PIECE);
        e = lp_os_reader_at(r, offset + at, piece, k)
                ? take(data, piece, k)
                : loop_error_new(LOOP_IO, "'%s' cannot be read, or became shorter", name);
        at += k;
    }
    free(piece);
    return e;
}

loop_error *lp_file_read(const char *path, uint64_t offset, uint64_t *ret_size, void *data,
                         lp_file_take *take)
{
    lp_os_reader *r = lp_os_reader_open(path);
    if (!r)
        return loop_error_new(LOOP_NOT_FOUND, "there is no '%s', or it is no file for you", path);
    uint64_t size = lp_os_reader_size(r);
    if (ret_size)
        *ret_size = size;
    loop_error *e = offset > size ? loop_error_new(LOOP_USAGE, "'%s' has no such part", path)
                                  : lp_file_hand_on(r, path, offset, size - offset, data, take);
    lp_os_reader_close(r);
    return e;
}

static loop_error *hash(void *data, const void *bytes, size_t n)
{
    lp_sha256_add(data, bytes, n);
    return NULL;
}

loop_error *lp_file_digest(const char *path, char ret[LOOP_SHA256_TEXT])
{
    lp_sha256 sum;
    lp_sha256_start(&sum);
    LP_TRY(lp_file_read(path, 0, NULL, &sum, hash));
    lp_sha256_end(&sum, ret);
    return NULL;
}

loop_error *lp_file_add(void *writer, const void *bytes, size_t n)
{
    return lp_os_writer_add(writer, bytes, n);
}

loop_error *lp_file_make(const char *to, const char *part, void *data,
                         loop_error *(*fill)(void *data, lp_os_writer *w))
{
    lp_os_writer *w;
    LP_TRY(lp_os_writer_open(part, false, &w));
    loop_error *e = fill(data, w);
    if (!e)
        e = lp_os_writer_sync(w);
    lp_os_writer_close(w);
    if (!e)
        e = lp_os_rename(part, to, 0644);
    if (e)
        lp_os_remove(part);
    return e;
}
