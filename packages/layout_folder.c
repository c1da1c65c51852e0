/*
 * packages/layout_folder.c: a layout in a folder, as other tools of OCI read and write it.
 *
 * Written so that it is whole at any time: new blobs first, then index.json in one step, and only
 * then what it no longer names is removed.
 */
#include <stdlib.h>

#include "packages/layout.h"

#define BLOBS "blobs/sha256"

struct listing {
    lp_packed *p;
    const char *in; /* "", "blobs/", "blobs/sha256/" */
};

static loop_error *list(lp_packed *p, const char *in);

static loop_error *take(void *data, const char *name, char kind, uint64_t size)
{
    const struct listing *l = data;
    lp_auto(lp_free_string) char *whole = lp_format("%s%s", l->in, name);
    LP_TRY(lp_layout_take(l->p, whole, kind, size, 0));
    if (kind != 'd')
        return NULL;
    lp_auto(lp_free_string) char *inside = lp_format("%s/", whole);
    return list(l->p, inside);
}

static loop_error *list(lp_packed *p, const char *in)
{
    struct listing l = {p, in};
    lp_auto(lp_free_string) char *path = lp_format("%s/%s", p->path, in);
    return lp_os_each_entry(path, &l, take);
}

loop_error *lp_folder_list(lp_packed *p)
{
    return list(p, "");
}

/* ---- writing ---- */

static loop_error *write_part(const char *path, const lp_layout_part *part)
{
    lp_auto(lp_free_string) char *to = lp_format("%s/%s", path, part->name);
    if (!part->path)
        return lp_os_write_atomic(to, part->bytes, part->len, 0644);
    uint8_t *bytes;
    size_t n;
    LP_TRY(lp_os_read_file(part->path, LP_MAX_COMPONENT_BYTES, &bytes, &n));
    loop_error *e = lp_os_write_atomic(to, bytes, n, 0644);
    free(bytes);
    return e;
}

struct sweep {
    const char *path;
    const lp_layout_part *parts;
    size_t n;
};

static loop_error *sweep(void *data, const char *name, char kind, uint64_t size)
{
    (void)size;
    const struct sweep *s = data;
    lp_auto(lp_free_string) char *whole = lp_format(BLOBS "/%s", name);
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->parts[i].name, whole) == 0)
            return NULL;
    lp_auto(lp_free_string) char *path = lp_format("%s/%s", s->path, whole);
    if (kind == 'f')
        lp_os_remove(path);
    return NULL;
}

/* An empty folder or a layout, and nothing that a layout does not have. */
static loop_error *check_place(const char *path)
{
    if (!lp_os_exists(path))
        return NULL;
    lp_packed there = {.path = path};
    loop_error *e =
        lp_os_is_dir(path) ? lp_folder_list(&there) : loop_error_new(LOOP_IO, "it is no folder");
    free(there.files.at);
    lp_arena_done(&there.arena);
    return e ? loop_error_hint_set(
                   lp_error_because(LOOP_IO, e, "'%s' is not replaced: it is something else", path),
                   "remove it, or name another --output")
             : NULL;
}

loop_error *lp_folder_write(const char *path, const lp_layout_part *parts, size_t n)
{
    LP_TRY(check_place(path));
    lp_auto(lp_free_string) char *blobs = lp_format("%s/" BLOBS, path);
    LP_TRY(lp_os_make_dirs(blobs));
    const lp_layout_part *index = NULL;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(parts[i].name, "index.json") == 0)
            index = &parts[i];
        else
            LP_TRY(write_part(path, &parts[i]));
    }
    if (index)
        LP_TRY(write_part(path, index));
    struct sweep s = {path, parts, n};
    return lp_os_each_entry(blobs, &s, sweep);
}
