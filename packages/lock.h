/*
 * packages/lock.h: loop.lock as a list (lock.c), and loop.yaml changed in place (edit.c).
 */
#ifndef LP_PACKAGES_LOCK_H
#define LP_PACKAGES_LOCK_H

#include "packages/packages.h"

/* What a lock has, sorted by name; texts live in the arena it was read into. */
typedef struct lp_lock {
    bool there;
    lp_locked *at;
    size_t n;
} lp_lock;

/* `shown` names the file in errors: LOOP_CONFIG, with line and column. */
loop_error *lp_lock_parse(lp_arena *arena, const char *shown, const char *bytes, size_t len,
                          lp_lock *ret) LOOP_MUST_USE;
/* That there is none is fine. */
loop_error *lp_lock_read(lp_arena *arena, const char *path, const char *shown,
                         lp_lock *ret) LOOP_MUST_USE;
/* NULL: it is not there. */
const lp_locked *lp_lock_find(const lp_lock *lock, const char *name);
/* The file's text: the same rows in any order give the same bytes. malloced. */
char *lp_lock_format(const lp_locked *rows, size_t n);
/* Replaces the file in one step, where it is not the same already. */
loop_error *lp_lock_write(const char *path, const lp_locked *rows, size_t n) LOOP_MUST_USE;

/*
 * The text of a loop.yaml with a component from a package more, or with another wish for one that
 * is from the same package. Nothing else changes, which is checked: LOOP_CONFIG where that cannot
 * be done, and its hint has the lines to write by hand. LOOP_USAGE: the name is taken.
 */
loop_error *lp_edit_add(const char *shown, const char *bytes, size_t len, const char *component,
                        const char *wish, char **ret) LOOP_MUST_USE;
/* The same without a component; its own lines go, comments around it stay. LOOP_NOT_FOUND. */
loop_error *lp_edit_remove(const char *shown, const char *bytes, size_t len, const char *component,
                           char **ret) LOOP_MUST_USE;

#endif
