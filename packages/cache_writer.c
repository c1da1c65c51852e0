/*
 * packages/cache_writer.c: blobs on their way into the cache.
 *
 *     begin     opens partial/DIGEST and takes its lock, or waits for who has it
 *     write     adds to it
 *     commit    syncs it, reads it again and compares the digest, renames it to blobs/DIGEST,
 *               syncs that folder
 *
 * The lock is the file's own, so that it ends with whoever had it, and leaves nothing behind. When
 * the file has been renamed or removed meanwhile, whoever waited for it finds that the name is
 * another file's, and begins again. A partial file may hold anything after a power cut: it is only
 * compared as a whole, and begun anew when it is wrong.
 */
#include <stdlib.h>

#include "packages/cache.h"

#define WAIT_MS 20

struct lp_cache_writer {
    lp_os_writer *file;
    char *partial, *blob; /* paths */
    char digest[LOOP_SHA256_TEXT];
};

static void writer_delete(lp_cache_writer *w)
{
    lp_os_writer_close(w->file);
    free(w->partial);
    free(w->blob);
    free(w);
}

/* Whether it is here, whole; one that is damaged is set aside. */
static loop_error *is_here(lp_cache *c, const char *registry, const char *digest, bool *ret)
{
    lp_auto(lp_free_string) char *path = NULL;
    lp_auto(lp_free_error) loop_error *e = lp_cache_blob(c, registry, digest, &path);
    *ret = !e;
    if (loop_error_code(e) == LOOP_IO)
        return lp_take(&e);
    return NULL;
}

/* Opens the partial file and takes its lock; *ret_got false: somebody else has it. */
static loop_error *try_lock(lp_cache_writer *w, bool *ret_got)
{
    LP_TRY(lp_os_writer_open(w->partial, true, &w->file));
    *ret_got = lp_os_writer_lock(w->file);
    if (!*ret_got) {
        lp_os_writer_close(w->file);
        w->file = NULL;
    }
    return NULL;
}

/* Until the lock is ours, or the blob is here (*ret_here). */
static loop_error *wait_for(lp_cache *c, const char *registry, lp_cache_writer *w, bool *ret_here)
{
    uint64_t end = lp_os_now_ns() + (uint64_t)LP_MAX_CACHE_WAIT_MS * 1000000;
    for (;;) {
        bool got;
        LP_TRY(is_here(c, registry, w->digest, ret_here));
        if (*ret_here)
            return NULL;
        LP_TRY(try_lock(w, &got));
        if (got) { /* it may have come between the two */
            LP_TRY(is_here(c, registry, w->digest, ret_here));
            return NULL;
        }
        if (c->cancelled && c->cancelled(c->data))
            return loop_error_new(LOOP_CANCELLED, "cancelled while another process fetches %s",
                                  w->digest);
        if (lp_os_now_ns() > end)
            return loop_error_new(LOOP_TIMEOUT,
                                  "another process has been fetching %s for %u minutes", w->digest,
                                  LP_MAX_CACHE_WAIT_MS / 60000);
        lp_os_sleep_ms(WAIT_MS);
    }
}

loop_error *lp_cache_begin(lp_cache *c, const char *registry, const char *digest,
                           lp_cache_writer **ret, uint64_t *ret_have)
{
    if (!lp_digest_is(digest))
        return loop_error_new(LOOP_INVALID, "'%.80s' is no digest", digest);
    LP_TRY(lp_cache_make(c, registry, "partial"));
    LP_TRY(lp_cache_make(c, registry, "blobs"));
    lp_cache_writer *w = lp_alloc(sizeof *w);
    memcpy(w->digest, digest, sizeof w->digest);
    w->partial = lp_cache_path(c, registry, "partial", digest + 7);
    w->blob = lp_cache_path(c, registry, "blobs", digest + 7);
    bool here = false;
    loop_error *e = wait_for(c, registry, w, &here);
    if (!e && here && w->file)
        lp_os_remove(w->partial); /* the one that was opened a moment ago */
    if (e || here) {
        writer_delete(w);
        w = NULL;
    }
    if (e)
        return e;
    *ret = w;
    *ret_have = w ? lp_os_writer_size(w->file) : 0;
    return NULL;
}

loop_error *lp_cache_write(lp_cache_writer *w, const void *bytes, size_t n)
{
    if (n > LP_MAX_PACKAGE_BYTES || lp_os_writer_size(w->file) > LP_MAX_PACKAGE_BYTES - n)
        return loop_error_new(LOOP_LIMIT, "%s has more than %u bytes", w->digest,
                              LP_MAX_PACKAGE_BYTES);
    return lp_os_writer_add(w->file, bytes, n);
}

loop_error *lp_cache_restart(lp_cache_writer *w)
{
    return lp_os_writer_empty(w->file);
}

static loop_error *check(const lp_cache_writer *w, uint64_t size)
{
    uint64_t has = lp_os_writer_size(w->file);
    char found[LOOP_SHA256_TEXT];
    if (size && has != size)
        return loop_error_new(LOOP_INVALID, "%s has %llu bytes, and %llu were promised", w->digest,
                              (unsigned long long)has, (unsigned long long)size);
    LP_TRY(lp_os_writer_sync(w->file));
    LP_TRY(lp_file_digest(w->partial, found));
    if (strcmp(found, w->digest) == 0)
        return NULL;
    return loop_error_new(LOOP_INVALID, "what came for %s are other bytes: they have the digest %s",
                          w->digest, found);
}

loop_error *lp_cache_commit(lp_cache_writer *w, uint64_t size)
{
    loop_error *e = check(w, size);
    if (loop_error_code(e) == LOOP_INVALID)
        lp_os_remove(w->partial);
    if (!e)
        e = lp_os_rename(w->partial, w->blob, 0400);
    writer_delete(w);
    return e;
}

void lp_cache_abandon(lp_cache_writer *w)
{
    if (w)
        writer_delete(w);
}
