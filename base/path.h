/*
 * base/path.h: paths as text. Nothing here asks the file system; '/' separates.
 *
 * A *normal* path has no empty parts, no "." and no "..": "/", "/a/b", "a/b",
 * and "." for the place a relative path starts from.
 */
#ifndef LP_PATH_H
#define LP_PATH_H

#include <stdbool.h>

/* The normal form; malloced. NULL where ".." leads above the start of `path`. */
char *lp_path_normal(const char *path);
/* `path` seen from `base`: itself when absolute, else "base/path"; malloced. */
char *lp_path_join(const char *base, const char *path);
/* What is above: "/a" of "/a/b", "/" of "/a", "." of "a"; malloced. */
char *lp_path_parent(const char *path);
/* Whether normal `path` is normal `dir` or below it. */
bool lp_path_inside(const char *path, const char *dir);
/* `path` from `dir` on, without a slash first: "b" for "/a/b" in "/a"; "" for itself. */
const char *lp_path_below(const char *path, const char *dir);

/*
 * Where `path` (absolute) would really be, links followed, also when its last parts do not
 * exist; malloced.
 */
char *lp_path_real(const char *path);

#endif
