/*
 * packages/registry_layout.c: an OCI image layout in a folder as a registry, with any number of
 * packages in it. Put on a web server as it is, it is one of kind "http".
 *
 *     LAYOUT/oci-layout            {"imageLayoutVersion":"1.0.0"}
 *     LAYOUT/index.json            one entry a version (packages/index.h)
 *     LAYOUT/blobs/sha256/<hex>    manifests, configs, components
 *
 * Publishing writes blobs first, each under its name in one step, and index.json last: who reads
 * meanwhile, or after a power cut, finds no name without its bytes. One publishes at a time
 * (LAYOUT/.lock).
 */
#include <stdlib.h>

#include "base/os/os.h"
#include "base/path.h"
#include "packages/file.h"
#include "packages/index.h"
#include "packages/layout.h"
#include "packages/registry.h"

struct layout {
    const char *path;
    /* What index.json said last, as long as it is that file: who resolves asks level by level. */
    lp_os_identity id;
    lp_arena arena;
    lp_index index;
};

static loop_error *open_layout(const lp_registry_options *o, void **ret_self)
{
    struct layout *l = lp_alloc(sizeof *l);
    l->path = o->location;
    *ret_self = l;
    return NULL;
}

static void close_layout(void *self)
{
    struct layout *l = self;
    lp_arena_done(&l->arena);
    free(l);
}

/* *ret_bytes NULL: there is none yet. */
static loop_error *read_index(const struct layout *l, uint8_t **ret_bytes, size_t *ret_n)
{
    lp_auto(lp_free_string) char *path = lp_path_join(l->path, "index.json");
    loop_error *e = lp_os_read_file(path, LP_MAX_JSON_BYTES, ret_bytes, ret_n);
    if (!e || loop_error_code(e) != LOOP_NOT_FOUND)
        return e;
    loop_error_delete(e);
    *ret_bytes = NULL;
    *ret_n = 0;
    return NULL;
}

static lp_os_identity identity(const char *path)
{
    lp_os_reader *r = lp_os_reader_open(path);
    lp_os_identity id = r ? lp_os_reader_id(r) : (lp_os_identity){0};
    lp_os_reader_close(r);
    return id;
}

/* Reads index.json, where it is not the one that was read last. */
static loop_error *refresh(struct layout *l)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    lp_auto(lp_free_string) char *what = lp_path_join(l->path, "index.json");
    lp_os_identity id = identity(what);
    if (l->id.inode && memcmp(&id, &l->id, sizeof id) == 0)
        return NULL;
    LP_TRY(read_index(l, &bytes, &len));
    if (!bytes)
        return loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "there is no index.json in '%s'", l->path),
            "it is made by the first `loop push`");
    lp_arena arena = {0};
    lp_index index;
    loop_error *e = lp_index_parse(&arena, what, bytes, len, &index);
    free(bytes);
    if (e) {
        lp_arena_done(&arena);
        return e;
    }
    lp_arena_done(&l->arena);
    l->arena = arena;
    l->index = index;
    l->id = id;
    return NULL;
}

static loop_error *lookup(void *self, const lp_question *questions, size_t n, lp_arena *arena,
                          lp_package_info *ret)
{
    struct layout *l = self;
    LP_TRY(refresh(l));
    for (size_t i = 0; i < n; i++) {
        const lp_release *found;
        ret[i] = (lp_package_info){0};
        LP_TRY(lp_index_find(arena, &l->index, questions[i].name, &found, &ret[i].count));
        lp_release *list = lp_arena_alloc(arena, (ret[i].count + 1) * sizeof *list);
        for (size_t k = 0; k < ret[i].count; k++)
            list[k] = lp_release_copy(arena, &found[k]);
        ret[i].releases = list;
    }
    return NULL;
}

static loop_error *referrers(void *self, const char *name, const char *digest, lp_arena *arena,
                             const lp_blob **ret, size_t *ret_n)
{
    (void)name;
    struct layout *l = self;
    LP_TRY(refresh(l));
    return lp_index_referrers(arena, &l->index, digest, ret, ret_n);
}

static char *blob_path(const struct layout *l, const char *digest)
{
    return lp_format("%s/blobs/sha256/%s", l->path, digest + strlen("sha256:"));
}

static loop_error *fetch(void *self, const char *name, const char *digest, lp_blob_kind kind,
                         uint64_t offset, uint64_t *ret_total, void *data,
                         loop_error *(*take)(void *data, const void *bytes, size_t n))
{
    lp_auto(lp_free_string) char *path = blob_path(self, digest);
    return lp_file_read(path, offset, ret_total, data, take);
}

/* ---- publishing ---- */

struct blob {
    lp_packed *package;
    const char *digest;
};

static loop_error *copy(void *data, lp_os_writer *w)
{
    const struct blob *b = data;
    return lp_packed_blob(b->package, b->digest, w, lp_file_add);
}

/* Writes a blob where it is not yet, or where what is there is damaged. */
static loop_error *put_blob(struct layout *l, lp_packed *package, const char *digest)
{
    lp_auto(lp_free_string) char *path = blob_path(l, digest);
    lp_auto(lp_free_string) char *part = lp_format("%s.part", path);
    char there[LOOP_SHA256_TEXT] = "";
    loop_error_delete(lp_file_digest(path, there));
    return strcmp(there, digest) == 0
               ? NULL
               : lp_file_make(path, part, &(struct blob){package, digest}, copy);
}

static loop_error *put_blobs(struct layout *l, lp_packed *package)
{
    const lp_packed_item *item;
    lp_auto(lp_free_string) char *dir = lp_format("%s/blobs/sha256", l->path);
    LP_TRY(lp_os_make_dirs(dir));
    for (size_t i = 0; (item = lp_packed_item_at(package, i)); i++) {
        for (size_t k = 0; k < item->count; k++)
            LP_TRY(put_blob(l, package, item->blobs[k].digest));
        LP_TRY(put_blob(l, package, item->self.digest));
    }
    return NULL;
}

static loop_error *write_index(const struct layout *l, const lp_buf *text)
{
    lp_auto(lp_free_string) char *mark = lp_path_join(l->path, "oci-layout");
    lp_auto(lp_free_string) char *path = lp_path_join(l->path, "index.json");
    if (!lp_os_exists(mark))
        LP_TRY(lp_os_write_atomic(mark, LP_LAYOUT_BYTES, strlen(LP_LAYOUT_BYTES), 0644));
    return lp_os_write_atomic(path, text->ptr, text->len, 0644);
}

static loop_error *put(struct layout *l, const char *name, const char *version, lp_packed *package)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    lp_buf text = {0};
    bool same = false;
    LP_TRY(read_index(l, &bytes, &n));
    lp_auto(lp_free_string) char *what = lp_path_join(l->path, "index.json");
    loop_error *e = lp_index_add(what, bytes, n, name, version, package, &text, &same);
    free(bytes);
    if (!e)
        e = put_blobs(l, package); /* also of one that is there: what was lost comes back */
    if (!e && !same)
        e = write_index(l, &text);
    lp_buf_done(&text);
    return e;
}

static loop_error *push(void *self, const char *name, const char *version, lp_packed *package,
                        lp_push_progress *progress)
{
    struct layout *l = self;
    const lp_manifest *m = lp_packed_manifest(package);
    lp_os_lock *lock;
    LP_TRY(lp_registry_lock(l->path, &lock));
    loop_error *e = put(l, name, version, package);
    lp_registry_unlock(lock);
    if (!e && progress)
        progress->went(progress->data, m->size + m->config_size + m->len);
    return e;
}

static loop_error *mark(struct layout *l, const char *name, const char *version, const char *reason)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    lp_buf text = {0};
    LP_TRY(read_index(l, &bytes, &n));
    lp_auto(lp_free_string) char *what = lp_path_join(l->path, "index.json");
    loop_error *e = lp_index_yank(what, bytes, n, name, version, reason, &text);
    free(bytes);
    if (!e)
        e = write_index(l, &text);
    lp_buf_done(&text);
    return e;
}

static loop_error *yank(void *self, const char *name, const char *version, const char *reason)
{
    struct layout *l = self;
    lp_os_lock *lock;
    LP_TRY(lp_registry_lock(l->path, &lock));
    loop_error *e = mark(l, name, version, reason);
    lp_registry_unlock(lock);
    return e;
}

const lp_registry_kind lp_registry_layout = {
    .name = "layout",
    .local = true,
    .open = open_layout,
    .close = close_layout,
    .lookup = lookup,
    .referrers = referrers,
    .fetch = fetch,
    .push = push,
    .yank = yank,
};
