/*
 * packages/tools/archive.c: tar archives, by libarchive.
 *
 * Written: ustar, in the order that is given; of nobody, of 1970, 0644; no folders.
 * Read: tar alone, and no compression, so that an archive is as large as its file and a file in it
 * lies there as it is. What stands in one is only listed: whoever reads it takes the bytes from
 * the file, and compares their digest. What libarchive warns of is an error here, and so is what
 * it passes over: anything but zeros that fill up a block, or behind the end; a checksum that is
 * written otherwise than everybody writes it.
 *
 * It does not look at names and kinds: packages/archive.c decides what may be in an archive.
 */
#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/os/os.h"
#include "packages/tools/internal.h"

#define PIECE (64u << 10)

static loop_error *tell(struct archive *a, loop_code code)
{
    const char *why = archive_error_string(a);
    return loop_error_new(code, "%s", why ? why : "libarchive does not say why");
}

/* ---- writing ---- */

struct out {
    struct archive *tar;
    lp_os_writer *file;
    loop_error *failed; /* of the file */
};

static la_ssize_t to_file(struct archive *a, void *data, const void *bytes, size_t n)
{
    (void)a;
    struct out *o = data;
    if (!o->failed)
        o->failed = lp_os_writer_add(o->file, bytes, n);
    return o->failed ? -1 : (la_ssize_t)n;
}

static loop_error *put_bytes(struct out *o, const void *bytes, size_t n)
{
    if (n && archive_write_data(o->tar, bytes, n) != (la_ssize_t)n)
        return o->failed ? lp_take(&o->failed) : tell(o->tar, LOOP_IO);
    return NULL;
}

static loop_error *put_file(struct out *o, lp_os_reader *from, uint64_t size)
{
    char *piece = lp_alloc(PIECE);
    loop_error *e = NULL;
    for (uint64_t at = 0; !e && at < size;) {
        size_t n = (size_t)LP_MIN(size - at, (uint64_t)PIECE);
        e = lp_os_reader_at(from, at, piece, n) ? put_bytes(o, piece, n)
                                                : loop_error_new(LOOP_IO, "it became shorter");
        at += n;
    }
    free(piece);
    return e;
}

static loop_error *put_entry(struct out *o, const char *name, uint64_t size)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)size);
    archive_entry_set_mtime(entry, 0, 0);
    int status = archive_write_header(o->tar, entry);
    archive_entry_free(entry);
    if (status == ARCHIVE_OK)
        return NULL;
    return o->failed ? lp_take(&o->failed) : tell(o->tar, LOOP_IO);
}

static loop_error *put(struct out *o, const lp_tar_file *f)
{
    lp_os_reader *from = f->path ? lp_os_reader_open(f->path) : NULL;
    if (f->path && !from)
        return loop_error_new(LOOP_IO, "cannot read '%s'", f->path);
    uint64_t size = from ? lp_os_reader_size(from) : f->len;
    loop_error *e = put_entry(o, f->name, size);
    if (!e && from)
        e = put_file(o, from, size);
    else if (!e)
        e = put_bytes(o, f->bytes, f->len);
    lp_os_reader_close(from);
    return e ? loop_error_wrap(e, "while writing '%s'", f->name) : NULL;
}

loop_error *lp_tar_write(const char *path, const lp_tar_file *files, size_t n)
{
    struct out o = {.tar = archive_write_new()};
    if (!o.tar)
        return loop_error_new(LOOP_SYSTEM, "libarchive has no memory");
    loop_error *e = lp_os_writer_open(path, false, &o.file);
    if (!e && (archive_write_set_format_ustar(o.tar) != ARCHIVE_OK ||
               archive_write_add_filter_none(o.tar) != ARCHIVE_OK ||
               archive_write_set_bytes_per_block(o.tar, 10240) != ARCHIVE_OK ||
               archive_write_set_bytes_in_last_block(o.tar, 10240) != ARCHIVE_OK ||
               archive_write_open(o.tar, &o, NULL, to_file, NULL) != ARCHIVE_OK))
        e = tell(o.tar, LOOP_INTERNAL);
    for (size_t i = 0; !e && i < n; i++)
        e = put(&o, &files[i]);
    if (!e && archive_write_close(o.tar) != ARCHIVE_OK)
        e = o.failed ? lp_take(&o.failed) : tell(o.tar, LOOP_IO);
    if (e)
        (void)archive_write_fail(o.tar); /* or freeing would write an end */
    (void)archive_write_free(o.tar);
    if (!e)
        e = lp_os_writer_sync(o.file);
    lp_os_writer_close(o.file);
    loop_error_delete(o.failed);
    return e;
}

/* ---- reading ---- */

struct in {
    lp_os_reader *file;
    uint64_t at;
    char piece[PIECE];
};

static la_ssize_t from_file(struct archive *a, void *data, const void **ret)
{
    struct in *in = data;
    size_t n = (size_t)LP_MIN(lp_os_reader_size(in->file) - in->at, (uint64_t)PIECE);
    if (n && !lp_os_reader_at(in->file, in->at, in->piece, n)) {
        archive_set_error(a, -1, "it became shorter while it was read");
        return -1;
    }
    in->at += n;
    *ret = in->piece;
    return (la_ssize_t)n;
}

static la_int64_t skip(struct archive *a, void *data, la_int64_t wanted)
{
    (void)a;
    struct in *in = data;
    uint64_t left = lp_os_reader_size(in->file) - in->at;
    uint64_t n = wanted > 0 ? LP_MIN((uint64_t)wanted, left) : 0;
    in->at += n;
    return (la_int64_t)n;
}

static char kind_of(struct archive_entry *entry)
{
    if (archive_entry_hardlink(entry) || archive_entry_filetype(entry) == AE_IFLNK)
        return 'l';
    if (archive_entry_sparse_count(entry) > 0)
        return 'o';
    switch (archive_entry_filetype(entry)) {
    case AE_IFREG: return 'f';
    case AE_IFDIR: return 'd';
    default: return 'o';
    }
}

/* Whether there are only zeros from `at` on; the first that is not: *ret. */
static bool zeros(struct in *in, uint64_t at, uint64_t *ret)
{
    uint64_t size = lp_os_reader_size(in->file);
    while (at < size) {
        size_t n = (size_t)LP_MIN(size - at, (uint64_t)PIECE);
        *ret = at;
        if (!lp_os_reader_at(in->file, at, in->piece, n))
            return false;
        for (size_t i = 0; i < n; i++) {
            *ret = at + i;
            if (in->piece[i])
                return false;
        }
        at += n;
    }
    return true;
}

/* What stands around a file's bytes: how its header's checksum is written, and what fills the
 * block. */
static loop_error *check_around(const struct in *in, const lp_tar_entry *e)
{
    char sum[8], fill[512];
    size_t rest = (size_t)((512 - e->size % 512) % 512);
    bool ok = e->offset >= 512 && lp_os_reader_at(in->file, e->offset - 512 + 148, sum, 8) &&
              strspn(sum, "01234567") == 6 && sum[6] == 0 && sum[7] == ' ' &&
              lp_os_reader_at(in->file, e->offset + e->size, fill, rest);
    for (size_t i = 0; ok && i < rest; i++)
        ok = fill[i] == 0;
    return ok ? NULL
              : loop_error_new(LOOP_INVALID,
                               "the entry '%.*s' was changed: its checksum or what "
                               "fills its last block is not as it is written",
                               LP_MAX_NAME, e->name);
}

/* The next entry, or the end. */
static loop_error *next(struct archive *tar, const struct in *in, lp_tar_entry *ret, bool *ret_end)
{
    struct archive_entry *entry;
    int status = archive_read_next_header(tar, &entry);
    *ret_end = status == ARCHIVE_EOF;
    if (status == ARCHIVE_EOF)
        return NULL;
    const char *name = status >= ARCHIVE_WARN ? archive_entry_pathname_utf8(entry) : NULL;
    if (status != ARCHIVE_OK || !name)
        return loop_error_wrap(tell(tar, LOOP_INVALID), "%s%.*s%s",
                               name ? "at the entry '" : "at an entry", LP_MAX_NAME,
                               name ? name : "", name ? "'" : "");
    la_int64_t size = archive_entry_size(entry);
    uint64_t offset = (uint64_t)archive_filter_bytes(tar, 0);
    char kind = kind_of(entry);
    uint64_t there = lp_os_reader_size(in->file);
    if (kind == 'f' && (size < 0 || offset > there || (uint64_t)size > there - offset))
        return loop_error_new(LOOP_INVALID, "the entry '%.*s' ends behind the end of the archive",
                              LP_MAX_NAME, name);
    *ret = (lp_tar_entry){name, kind, size > 0 ? (uint64_t)size : 0, offset};
    return kind == 'f' ? check_around(in, ret) : NULL;
}

static loop_error *read_all(struct archive *tar, struct in *in, void *data,
                            loop_error *(*take)(void *data, const lp_tar_entry *e))
{
    if (archive_read_support_filter_none(tar) != ARCHIVE_OK ||
        archive_read_support_format_tar(tar) != ARCHIVE_OK)
        return tell(tar, LOOP_INTERNAL);
    if (archive_read_open2(tar, in, NULL, from_file, skip, NULL) != ARCHIVE_OK)
        return tell(tar, LOOP_INVALID);
    for (bool end = false;;) {
        lp_tar_entry e;
        LP_TRY(next(tar, in, &e, &end));
        if (end)
            break;
        LP_TRY(take(data, &e));
    }
    uint64_t at;
    if (!zeros(in, (uint64_t)archive_filter_bytes(tar, 0), &at))
        return loop_error_new(LOOP_INVALID, "something stands behind its end, at byte %llu",
                              (unsigned long long)at);
    return NULL;
}

loop_error *lp_tar_read(const char *path, void *data,
                        loop_error *(*entry)(void *data, const lp_tar_entry *e))
{
    struct in *in = lp_alloc(sizeof *in);
    in->file = lp_os_reader_open(path);
    struct archive *tar = in->file ? archive_read_new() : NULL;
    loop_error *e;
    if (!in->file)
        e = loop_error_new(LOOP_IO, "cannot read '%s'", path);
    else if (!tar)
        e = loop_error_new(LOOP_SYSTEM, "libarchive has no memory");
    else
        e = read_all(tar, in, data, entry);
    (void)archive_read_free(tar);
    lp_os_reader_close(in->file);
    free(in);
    return e;
}
