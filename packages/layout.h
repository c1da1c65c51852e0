/*
 * packages/layout.h: what layout.c, which knows what may be in a package, has in common with
 * archive.c and layout_folder.c, which list what is in one.
 */
#ifndef LP_PACKAGES_LAYOUT_H
#define LP_PACKAGES_LAYOUT_H

#include "base/os/os.h"
#include "packages/json.h"
#include "packages/manifest.h"

#define LP_LAYOUT_BYTES "{\"imageLayoutVersion\":\"1.0.0\"}"

/* A file of a layout; `name` is one of those that may be there. */
typedef struct lp_layout_file {
    const char *name;
    uint64_t size;
    uint64_t offset; /* in the archive's file */
    bool used;       /* something refers to it */
} lp_layout_file;

struct lp_packed {
    lp_arena arena;
    const char *path;
    lp_os_reader *archive; /* NULL: a folder */
    uint64_t total;
    size_t folders;
    struct {
        lp_layout_file *at;
        size_t n, cap;
    } files;
    lp_manifest manifest;
    struct {
        lp_packed_item *at;
        size_t n, cap;
    } items;
};

/*
 * Takes one entry in, or says why it does not belong there; `kind` as lp_tar_entry has it.
 */
loop_error *lp_layout_take(lp_packed *p, const char *name, char kind, uint64_t size,
                           uint64_t offset) LOOP_MUST_USE;
/* List what is in p->path (archive.c, layout_folder.c). */
loop_error *lp_archive_list(lp_packed *p) LOOP_MUST_USE;
loop_error *lp_folder_list(lp_packed *p) LOOP_MUST_USE;

/* index.json of a package and of what belongs to it; malloced. */
char *lp_layout_index(const lp_manifest *m, const lp_packed_item *others, size_t n);
/* Whether one that loop wrote is still what the manifests say. */
loop_error *lp_layout_index_check(const lp_packed *p, const json_t *root,
                                  const lp_buf *bytes) LOOP_MUST_USE;

/* ---- writing ---- */

/* A file of a layout that is written: from `bytes`, or from the file `path`. */
typedef struct lp_layout_part {
    const char *name; /* "blobs/sha256/..." */
    const void *bytes;
    size_t len;
    const char *path;
} lp_layout_part;
/*
 * Writes an archive, in one step, or a folder, in which index.json changes in one step; the folder
 * above is there. What is there is replaced: any file, but a folder only where it is a layout.
 */
loop_error *lp_archive_write(const char *path, const lp_layout_part *parts, size_t n) LOOP_MUST_USE;
loop_error *lp_folder_write(const char *path, const lp_layout_part *parts, size_t n) LOOP_MUST_USE;
/* "blobs/sha256/..." of a digest. */
char *lp_layout_blob_name(const char *digest);

#endif
