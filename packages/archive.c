/*
 * packages/archive.c: a layout in a tar archive. Not compressed: a component is compressed well by
 * whoever stores or sends it, and bytes that lie as they are can be compared with their digests
 * without unpacking anything, so that no archive is larger inside than outside.
 */
#include <stdlib.h>

#include "packages/layout.h"
#include "packages/tools/tools.h"

/* Compressed archives by their first bytes, to say what to do. */
static loop_error *check_start(lp_packed *p)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *what;
    } kinds[] = {{"\x1f\x8b", 2, "gzip"},
                 {"\x28\xb5\x2f\xfd", 4, "zstd"},
                 {"\xfd"
                  "7zXZ",
                  5, "xz"},
                 {"BZh", 3, "bzip2"},
                 {"PK\3\4", 4, "zip"},
                 {"\0asm", 4, NULL}};
    char start[8] = {0};
    uint64_t size = lp_os_reader_size(p->archive);
    if (size > LP_MAX_PACKAGE_BYTES)
        return loop_error_new(LOOP_LIMIT, "it has more than %u bytes", LP_MAX_PACKAGE_BYTES);
    if (!lp_os_reader_at(p->archive, 0, start, (size_t)LP_MIN(size, (uint64_t)8)))
        return loop_error_new(LOOP_IO, "it cannot be read");
    for (size_t i = 0; i < LP_COUNT(kinds); i++) {
        if (memcmp(start, kinds[i].bytes, kinds[i].n) != 0)
            continue;
        if (!kinds[i].what)
            return loop_error_hint_set(
                loop_error_new(LOOP_INVALID, "it is a WebAssembly file, not an archive of one"),
                "`loop pack` makes a package of a component");
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "it is compressed (%s)", kinds[i].what),
            "a package is a tar archive as it is; unpack it first");
    }
    return NULL;
}

static loop_error *take(void *data, const lp_tar_entry *e)
{
    return lp_layout_take(data, e->name, e->kind, e->size, e->offset);
}

loop_error *lp_archive_list(lp_packed *p)
{
    const lp_packages_tools *tools;
    LP_TRY(check_start(p));
    LP_TRY(lp_packages_tools_get(&tools));
    return tools->tar_read(p->path, p, take);
}

/* ---- writing ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const lp_tar_file *)a)->name, ((const lp_tar_file *)b)->name);
}

loop_error *lp_archive_write(const char *path, const lp_layout_part *parts, size_t n)
{
    const lp_packages_tools *tools;
    LP_TRY(lp_packages_tools_get(&tools));
    lp_tar_file *files = lp_alloc(n * sizeof *files);
    for (size_t i = 0; i < n; i++)
        files[i] = (lp_tar_file){parts[i].name, parts[i].bytes, parts[i].len, parts[i].path};
    qsort(files, n, sizeof *files, by_name);
    uint64_t salt;
    lp_os_random(&salt, sizeof salt);
    lp_auto(lp_free_string) char *beside = lp_format("%s.%016llx", path, (unsigned long long)salt);
    loop_error *e = tools->tar_write(beside, files, n);
    if (!e)
        e = lp_os_rename(beside, path, 0644);
    if (e)
        lp_os_remove(beside);
    free(files);
    return e;
}
