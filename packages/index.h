/*
 * packages/index.h: index.json of an OCI image layout with packages in it: what a folder or a web
 * server needs to be a registry. A descriptor carries what resolving needs, so that one file tells
 * of all packages (LP_NOTE_... in packages.h).
 */
#ifndef LP_PACKAGES_INDEX_H
#define LP_PACKAGES_INDEX_H

#include "packages/json.h"
#include "packages/packages.h"

typedef struct lp_index_entry {
    const char *name;
    lp_release release;
    uint64_t manifest_size;
} lp_index_entry;

/* A manifest that belongs to a package: documentation, a signature. */
typedef struct lp_index_other {
    lp_blob self; /* its media type is what it is of: the artifact's */
    const char *subject;
} lp_index_other;

typedef struct lp_index {
    const lp_index_entry *at; /* by name; of a name, the newest first */
    size_t n;
    const lp_index_other *others;
    size_t others_n;
} lp_index;

/*
 * Reads an index.json; what is no package of loop's is passed over. LOOP_INVALID names the entry
 * that is wrong; `what` is the file, for messages.
 */
loop_error *lp_index_parse(lp_arena *arena, const char *what, const void *bytes, size_t len,
                           lp_index *ret) LOOP_MUST_USE;
/* Of one package, newest first; none: *ret_n is 0. */
loop_error *lp_index_find(lp_arena *arena, const lp_index *index, const char *name,
                          const lp_release **ret, size_t *ret_n) LOOP_MUST_USE;

/* What belongs to a manifest. LOOP_LIMIT. */
loop_error *lp_index_referrers(lp_arena *arena, const lp_index *index, const char *digest,
                               const lp_blob **ret, size_t *ret_n) LOOP_MUST_USE;

/* What index.json says of a package, as a new object. */
json_t *lp_index_descriptor(const char *name, const char *version, const lp_manifest *m);

/*
 * index.json with one package more, or with a version of one yanked (`yanked` NULL: not any more),
 * into `ret`; everything else in it stays. `bytes` NULL: there is none yet. _add: a version that
 * is there with the same digest gets what belongs to it and is not there yet, *ret_same: nothing;
 * with another digest LOOP_DENIED. _yank: LOOP_NOT_FOUND.
 */
loop_error *lp_index_add(const char *what, const void *bytes, size_t len, const char *name,
                         const char *version, const lp_packed *package, lp_buf *ret,
                         bool *ret_same) LOOP_MUST_USE;
loop_error *lp_index_yank(const char *what, const void *bytes, size_t len, const char *name,
                          const char *version, const char *yanked, lp_buf *ret) LOOP_MUST_USE;

/* `requires` as the JSON text of an annotation, and the other way; "" and none: nothing. */
char *lp_requires_text(const lp_requirement *list, size_t n);
loop_error *lp_requires_parse(lp_arena *arena, const char *text, const lp_requirement **ret,
                              size_t *ret_n) LOOP_MUST_USE;
/* NULL, or what is wrong with a release as half a sentence; malloced. */
char *lp_release_wrong(const lp_release *r);
/* The same one, with all its texts in `arena`. */
lp_release lp_release_copy(lp_arena *arena, const lp_release *r);
/* Newest first. Their versions have been checked. */
void lp_release_sort(lp_release *list, size_t n);

#endif
