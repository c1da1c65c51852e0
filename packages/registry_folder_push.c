/*
 * packages/registry_folder_push.c: publishing in a folder, and taking back.
 *
 * Publishing holds a lock (FOLDER/.lock): two who publish one version at a time are one after the
 * other. A version that is there with the same manifest gets what belongs to it and is new:
 * signatures that were made later.
 */
#include <stdlib.h>

#include "base/path.h"
#include "packages/attach.h"
#include "packages/file.h"
#include "packages/folder.h"

/* An archive byte for byte, as it was when it was checked. */
static loop_error *copy(void *data, lp_os_writer *w)
{
    const lp_packed *p = data;
    return lp_file_hand_on(p->archive, p->path, 0, lp_os_reader_size(p->archive), w, lp_file_add);
}

static loop_error *copy_archive(lp_packed *p, const char *to)
{
    lp_auto(lp_free_string) char *part = lp_format("%s.part", to);
    return lp_file_make(to, part, p, copy);
}

/* A layout becomes an archive. */
static loop_error *write_archive(const lp_packed *p, const char *to)
{
    lp_layout_part *parts = lp_alloc((p->files.n + 1) * sizeof *parts);
    char **paths = lp_alloc((p->files.n + 1) * sizeof *paths);
    for (size_t i = 0; i < p->files.n; i++) {
        paths[i] = lp_path_join(p->path, p->files.at[i].name);
        parts[i] = (lp_layout_part){.name = p->files.at[i].name, .path = paths[i]};
    }
    loop_error *e = lp_archive_write(to, parts, p->files.n);
    for (size_t i = 0; i < p->files.n; i++)
        free(paths[i]);
    free(paths);
    free(parts);
    return e;
}

/* Whether the version is there: *ret_same; with other bytes it is refused. */
static loop_error *is_there(void *self, const char *name, const char *version, const lp_manifest *m,
                            bool *ret_same)
{
    lp_arena arena = {0};
    const lp_release *r = NULL;
    loop_error *e = lp_registry_folder_find(self, name, version, &arena, &r);
    *ret_same = r && strcmp(r->digest, m->digest) == 0;
    if (!e && r && !*ret_same)
        e = lp_registry_other_bytes(name, version, *r->digest ? r->digest : r->content);
    lp_arena_done(&arena);
    return e;
}

/* Adds what belongs to a version and is not there yet: signatures that came later. */
static loop_error *add_others(void *self, const char *name, const char *digest, lp_packed *package)
{
    const char *path = lp_registry_folder_file(self, name, digest);
    lp_arena arena = {0};
    lp_packed *there;
    lp_attachment new[LP_MAX_PACKAGE_ENTRIES];
    const lp_packed_item *item;
    size_t n = 0;
    if (!path)
        return NULL;
    LP_TRY(lp_packed_open(path, &there));
    loop_error *e = NULL;
    for (size_t i = 1; !e && (item = lp_packed_item_at(package, i)); i++)
        if (!lp_packed_has(there, item->self.digest) && n < LP_COUNT(new))
            e = lp_attachment_copy(package, item, &arena, &new[n++]);
    if (!e && n)
        e = lp_attach(there, new, n, NULL, path, false);
    lp_packed_close(there);
    lp_arena_done(&arena);
    return e;
}

static loop_error *put(void *self, const char *name, const char *version, lp_packed *package)
{
    bool same = false;
    const lp_manifest *m = lp_packed_manifest(package);
    LP_TRY(is_there(self, name, version, m, &same));
    if (same)
        return add_others(self, name, m->digest, package);
    lp_auto(lp_free_string) char *below = lp_registry_folder_of(name);
    lp_auto(lp_free_string) char *dir = lp_path_join(lp_registry_folder_place(self), below);
    lp_auto(lp_free_string) char *path = lp_format("%s/%s.tar", dir, version);
    LP_TRY(lp_os_make_dirs(dir));
    LP_TRY(lp_packed_check(package));
    return package->archive ? copy_archive(package, path) : write_archive(package, path);
}

loop_error *lp_registry_lock(const char *folder, lp_os_lock **ret)
{
    lp_auto(lp_free_string) char *path = lp_path_join(folder, ".lock");
    lp_os_lock *lock;
    LP_TRY(lp_os_make_dirs(folder));
    LP_TRY(lp_os_lock_open(path, &lock));
    for (uint64_t end = lp_os_now_ns() + LP_MAX_REGISTRY_WAIT_MS * 1000000ull;
         !lp_os_lock_try(lock);) {
        if (lp_os_now_ns() > end) {
            lp_os_lock_close(lock);
            return loop_error_new(LOOP_UNAVAILABLE, "somebody else publishes in '%s'", folder);
        }
        lp_os_sleep_ms(20);
    }
    *ret = lock;
    return NULL;
}

void lp_registry_unlock(lp_os_lock *lock)
{
    lp_os_lock_release(lock);
    lp_os_lock_close(lock);
}

loop_error *lp_registry_folder_push(void *self, const char *name, const char *version,
                                    lp_packed *package, lp_push_progress *progress)
{
    const lp_manifest *m = lp_packed_manifest(package);
    lp_os_lock *lock;
    LP_TRY(lp_registry_lock(lp_registry_folder_place(self), &lock));
    loop_error *e = put(self, name, version, package);
    lp_registry_unlock(lock);
    if (!e && progress)
        progress->went(progress->data, m->size + m->config_size + m->len);
    return e;
}

loop_error *lp_registry_folder_yank(void *self, const char *name, const char *version,
                                    const char *reason)
{
    const char *folder = lp_registry_folder_place(self);
    lp_arena arena = {0};
    const lp_release *r = NULL;
    loop_error *e = lp_registry_folder_find(self, name, version, &arena, &r);
    lp_arena_done(&arena);
    LP_TRY(e);
    if (!r)
        return loop_error_new(LOOP_NOT_FOUND, "there is no %s %s in '%s'", name, version, folder);
    lp_auto(lp_free_string) char *below = lp_registry_folder_of(name);
    lp_auto(lp_free_string) char *dir = lp_path_join(folder, below);
    lp_auto(lp_free_string) char *path = lp_format("%s/%s.yanked", dir, version);
    LP_TRY(lp_os_make_dirs(dir));
    if (reason)
        return lp_os_write_atomic(path, reason, strlen(reason), 0644);
    lp_os_remove(path);
    return NULL;
}
