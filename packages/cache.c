/*
 * packages/cache.c: packages that are on this machine: blobs by registry and digest.
 *
 * A blob is a file that has its name only when it is whole: what comes in is written elsewhere,
 * synced, compared with its digest and then renamed, and the folder is synced
 * (cache_writer.c). So whatever ends a process, or the power, a name in blobs/ is a promise
 * that is kept, or not yet given. It is checked all the same, each time a blob is used, since a
 * disk may lie: a component is read and its digest compared (digest.c says what that takes).
 *
 * Blobs of one registry are apart from those of others, so that what a private one has is not
 * found by asking for its digest elsewhere, and so that one can be removed.
 *
 * The folder is the user's alone (as that of compiled components): where others could write, a
 * blob could be exchanged between check and use. Nothing here decides what is trusted.
 */
#include "packages/cache.h"

#include <stdlib.h>

#define DAY_MS 86400000ull

static loop_error *not_private(const char *path)
{
    return loop_error_hint_set(
        loop_error_new(LOOP_DENIED,
                       "the cache '%s' is not used: others can write to it, or it is not yours",
                       path),
        "chmod 700 it, or name another folder with LOOP_CACHE_DIR");
}

loop_error *lp_cache_open(const char *directory, lp_cache **ret)
{
    lp_auto(lp_free_string) char *root = lp_format("%s/packages", directory);
    if (lp_os_exists(root) && !lp_os_is_private(root))
        return not_private(root);
    *ret = lp_alloc(sizeof **ret);
    (*ret)->root = lp_take(&root);
    return NULL;
}

void lp_cache_close(lp_cache *c)
{
    if (!c)
        return;
    free(c->root);
    free(c);
}

void lp_cache_on_wait(lp_cache *c, bool (*cancelled)(void *data), void *data)
{
    c->cancelled = cancelled;
    c->data = data;
}

char *lp_cache_path(const lp_cache *c, const char *registry, const char *what, const char *name)
{
    char key[LOOP_SHA256_TEXT];
    lp_sha256_of(registry, strlen(registry), key);
    return lp_format("%s/%.32s/%s%s%s", c->root, key + 7, what, name ? "/" : "", name ? name : "");
}

/* What people are told of the folder's name. */
static loop_error *write_registry(const lp_cache *c, const char *registry)
{
    lp_auto(lp_free_string) char *path = lp_cache_path(c, registry, "registry", NULL);
    return lp_os_exists(path) ? NULL : lp_os_write_atomic(path, registry, strlen(registry), 0600);
}

loop_error *lp_cache_make(const lp_cache *c, const char *registry, const char *what)
{
    lp_auto(lp_free_string) char *folder = lp_cache_path(c, registry, what, NULL);
    LP_TRY(lp_os_mkdirs(folder));
    if (!lp_os_is_private(c->root))
        return not_private(c->root);
    if (!lp_os_is_private(folder))
        return not_private(folder);
    return write_registry(c, registry);
}

/* ---- having ---- */

char *lp_cache_set_aside(const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    lp_auto(lp_free_string) char *folder =
        lp_format("%.*s/damaged", (int)(name - path - (ptrdiff_t)sizeof "blobs/"), path);
    uint32_t salt;
    lp_os_random(&salt, sizeof salt);
    char *to = lp_format("%s/%s-%08x", folder, name, (unsigned)salt);
    lp_auto(lp_free_error) loop_error *e = lp_os_mkdirs(folder);
    if (!e)
        e = lp_os_rename(path, to, 0);
    if (!e)
        return to;
    free(to);
    return NULL;
}

static loop_error *damaged(const char *path, const char *digest, const char *found)
{
    lp_auto(lp_free_string) char *aside = lp_cache_set_aside(path);
    loop_error *e = loop_error_new(
        LOOP_INVALID, "the cache's copy of %s is damaged: its bytes have the digest %s", digest,
        found);
    return aside ? loop_error_hint_set(
                       e, "it was set aside as '%s'; `loop install` fetches it again", aside)
                 : loop_error_hint_set(e, "remove '%s'; `loop install` fetches it again", path);
}

uint64_t lp_cache_written_ms(const char *path)
{
    lp_os_reader *r = lp_os_reader_open(path);
    uint64_t ms = r ? lp_os_reader_id(r).written_ns / 1000000 : 0;
    lp_os_reader_close(r);
    return ms;
}

/* So that what is used is not cleaned away; once a day is enough. */
static void note_use(const char *path)
{
    uint64_t written = lp_cache_written_ms(path), now = lp_os_wall_ms();
    if (now > written + DAY_MS || written > now + DAY_MS)
        lp_os_touch(path);
}

static char *blob_path(const lp_cache *c, const char *registry, const char *digest)
{
    return lp_cache_path(c, registry, "blobs", digest + 7);
}

bool lp_cache_has(lp_cache *c, const char *registry, const char *digest)
{
    lp_auto(lp_free_string) char *path = blob_path(c, registry, digest);
    return lp_os_exists(path);
}

loop_error *lp_cache_blob(lp_cache *c, const char *registry, const char *digest, char **ret_path)
{
    lp_auto(lp_free_string) char *path = blob_path(c, registry, digest);
    char found[LOOP_SHA256_TEXT];
    if (!lp_os_exists(path))
        return loop_error_new(LOOP_NOT_FOUND, "%s is not in the cache", digest);
    LP_TRY(lp_file_digest(path, found));
    if (strcmp(found, digest) != 0)
        return damaged(path, digest, found);
    note_use(path);
    *ret_path = lp_take(&path);
    return NULL;
}

/* ---- notes ---- */

static char *note_path(const lp_cache *c, const char *registry, const char *name)
{
    char digest[LOOP_SHA256_TEXT];
    lp_sha256_of(name, strlen(name), digest);
    return lp_cache_path(c, registry, "notes", digest + 7);
}

loop_error *lp_cache_note(lp_cache *c, const char *registry, const char *name, const void *bytes,
                          size_t n)
{
    if (n > LP_MAX_PACKAGE_NOTE)
        return loop_error_new(LOOP_LIMIT, "what '%s' says of '%s' has more than %u bytes", registry,
                              name, LP_MAX_PACKAGE_NOTE);
    LP_TRY(lp_cache_make(c, registry, "notes"));
    lp_auto(lp_free_string) char *path = note_path(c, registry, name);
    return lp_os_write_atomic(path, bytes, n, 0600);
}

void lp_cache_note_used(lp_cache *c, const char *registry, const char *name)
{
    lp_auto(lp_free_string) char *path = note_path(c, registry, name);
    note_use(path);
}

loop_error *lp_cache_noted(lp_cache *c, const char *registry, const char *name, uint8_t **ret_bytes,
                           size_t *ret_n, uint64_t *ret_age_s)
{
    lp_auto(lp_free_string) char *path = note_path(c, registry, name);
    uint64_t written_ms = lp_cache_written_ms(path);
    uint8_t *bytes = NULL;
    size_t n = 0;
    loop_error *e = lp_os_read_file(path, LP_MAX_PACKAGE_NOTE, &bytes, &n);
    if (e && loop_error_code(e) != LOOP_NOT_FOUND)
        return e;
    loop_error_delete(e);
    uint64_t now = lp_os_wall_ms();
    *ret_bytes = bytes;
    *ret_n = n;
    *ret_age_s =
        now >= written_ms ? (now - written_ms) / 1000 : UINT64_MAX; /* the clock went back */
    return NULL;
}
