/*
 * packages/folder.h: a folder as a registry: what registry_folder.c, which looks things up and
 * fetches, has in common with registry_folder_push.c, which publishes.
 */
#ifndef LP_PACKAGES_FOLDER_H
#define LP_PACKAGES_FOLDER_H

#include "packages/registry.h"

/*
 * Looks at the files of a package as they are now; *ret is the release of a version, in `arena`, or
 * NULL (also where `version` is).
 */
loop_error *lp_registry_folder_find(void *self, const char *name, const char *version,
                                    lp_arena *arena, const lp_release **ret) LOOP_MUST_USE;
/* The file that has a digest of a package, of those that were looked at; NULL. */
const char *lp_registry_folder_file(void *self, const char *name, const char *digest);
/* The folder. */
const char *lp_registry_folder_place(const void *self);
/* ---- registry_folder_push.c: rows of the kind ---- */
loop_error *lp_registry_folder_push(void *self, const char *name, const char *version,
                                    lp_packed *package, lp_push_progress *progress) LOOP_MUST_USE;
loop_error *lp_registry_folder_yank(void *self, const char *name, const char *version,
                                    const char *reason) LOOP_MUST_USE;

#endif
