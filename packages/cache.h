/*
 * packages/cache.h: what the files of the cache share: where what lies.
 *
 *     DIRECTORY/packages/                0700, this user's alone
 *         KEY/                           a registry: 32 digits of the sha256 of its text
 *             registry                   that text
 *             blobs/<64 digits>          a blob, whole: 0400; written: when it was last used
 *             partial/<64 digits>        one on its way, locked by who writes it
 *             damaged/<64 digits>-N      one whose bytes had changed
 *             notes/<64 digits>          what the registry said of a package, by its name's sha256
 */
#ifndef LP_PACKAGES_CACHE_H
#define LP_PACKAGES_CACHE_H

#include "packages/file.h"

struct lp_cache {
    char *root; /* DIRECTORY/packages */
    bool (*cancelled)(void *data);
    void *data;
};

/* ROOT/KEY/WHAT/NAME; malloced. `name` NULL: the folder. */
char *lp_cache_path(const lp_cache *c, const char *registry, const char *what, const char *name);
/* Makes the folders of a registry. LOOP_DENIED: not private. */
loop_error *lp_cache_make(const lp_cache *c, const char *registry, const char *what) LOOP_MUST_USE;

/* When a file was written, since 1970; 0 where that cannot be told. */
uint64_t lp_cache_written_ms(const char *path);
/* Takes a blob out of use: into damaged/. Where it is then, malloced; NULL: it could not. */
char *lp_cache_set_aside(const char *path);

#endif
