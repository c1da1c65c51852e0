/*
 * packages/install.h: what installing is made of.
 *
 *   plan.c      what is asked for, what loop.lock has, and whether that is enough
 *   bring.c     a chosen package into the cache, checked
 *   install.c   loop_packages_install, _list
 *   add.c       loop_packages_add, _remove: loop.yaml, loop.lock and what was trusted
 *   path.c      loop_packages_path: what a run needs, and nothing more
 */
#ifndef LP_PACKAGES_INSTALL_H
#define LP_PACKAGES_INSTALL_H

#include "base/os/os.h"
#include "packages/lock.h"

/* One order: what is asked for and what there is. All texts live in `arena`, or longer. */
typedef struct lp_plan {
    loop_packages *p;
    const loop_config *config; /* NULL: no workspace */
    lp_arena arena;
    char *lock_file; /* NULL: no workspace */
    char *lock_shown;
    lp_lock lock;
    lp_os_lock *held; /* this workspace's: one at a time changes loop.lock and loop.yaml */
    struct {
        lp_requirement *at;
        size_t n, cap;
    } wishes;             /* loop.yaml's first, then others */
    size_t own;           /* how many are loop.yaml's */
    const char **fresh;   /* for an update: names, NULL-terminated; NULL: all */
    const char **without; /* packages that have a local file, NULL-terminated */
    const lp_chosen *chosen;
    size_t chosen_n;
} lp_plan;

/*
 * Reads loop.yaml's wishes and loop.lock. `write`: waits until nobody else changes them, and keeps
 * others from it until _close. LOOP_CONFIG, LOOP_TIMEOUT, LOOP_CANCELLED.
 */
loop_error *lp_plan_open(lp_plan *plan, loop_packages *p, const loop_config *config,
                         bool write) LOOP_MUST_USE;
void lp_plan_close(lp_plan *plan);
/* The file of a package that has a local one (`overrides:`); NULL. */
const char *lp_plan_override(const loop_config *config, const char *package);
/* The lock beside a loop.yaml; malloced. */
char *lp_plan_lock_file(const loop_config *config);
/* A path as messages show it: from the current folder on, where it is below that; malloced. */
char *lp_plan_shown(const char *path);

/* Chooses by `mode`; plan->chosen. LOOP_CONFIG: `frozen`, and loop.lock is not enough. */
loop_error *lp_plan_choose(lp_plan *plan, loop_install_mode mode) LOOP_MUST_USE;
/* The cache's key for what came from files of this machine, of no registry. */
#define LP_KEY_FILES "file"

/*
 * Notes that a version is in the cache, for who runs a package by name: registries of this machine
 * leave no notes of their own.
 */
loop_error *lp_bring_note(loop_packages *p, const char *key, const char *name,
                          const lp_release *release) LOOP_MUST_USE;
/* An archive (or layout) into the cache; a row. */
loop_error *lp_bring_file(loop_packages *p, const char *path,
                          loop_package_list *into) LOOP_MUST_USE;

/* What is chosen comes into the cache; a row each. */
loop_error *lp_plan_bring(lp_plan *plan, loop_package_list *into) LOOP_MUST_USE;
/* loop.lock for what loop.yaml's own wishes lead to. */
loop_error *lp_plan_write(lp_plan *plan) LOOP_MUST_USE;
/* Rows of packages that have a local file. */
void lp_plan_add_overridden(const lp_plan *plan, loop_package_list *into);

/*
 * The manifest of a release from the cache or from its registry, checked to be of this package;
 * `fetch` false: from the cache alone, LOOP_NOT_FOUND.
 */
loop_error *lp_bring_manifest(loop_packages *p, lp_arena *arena, const char *name,
                              const char *version, const char *digest, bool fetch,
                              lp_manifest *ret) LOOP_MUST_USE;
/* The same from the cache alone, by the registry's key there. */
loop_error *lp_bring_cached(loop_packages *p, lp_arena *arena, const char *key, const char *name,
                            const char *version, const char *digest,
                            lp_manifest *ret) LOOP_MUST_USE;
/*
 * The component of a release: *ret_path is malloced. Fills what `release` does not say, and who
 * signed it.
 */
loop_error *lp_bring(loop_packages *p, lp_arena *arena, const lp_chosen *chosen,
                     lp_manifest *ret_manifest, char **ret_path,
                     loop_signer *ret_signer) LOOP_MUST_USE;

#endif
