/*
 * packages/registry.h: the kinds of registries, and what registry.c shares with its neighbours.
 */
#ifndef LP_PACKAGES_REGISTRY_H
#define LP_PACKAGES_REGISTRY_H

#include "base/os/os.h"
#include "packages/packages.h"

extern const lp_registry_kind lp_registry_folder, lp_registry_layout, lp_registry_http,
    lp_registry_oci, lp_registry_provider;

struct lp_registry {
    loop_packages *p;
    const lp_registry_kind *kind;
    lp_registry_options options; /* texts in p's arena, or the configuration's */
    void *self;                  /* opened when it is first needed */
    uint64_t silent_ns;          /* when it last did not answer: not asked again for a while */
};

/* LOOP_DENIED: a version that is published is published again with other bytes. */
loop_error *lp_registry_other_bytes(const char *name, const char *version,
                                    const char *digest) LOOP_MUST_USE;

/* Opens it: offline only what is local. */
loop_error *lp_registry_open(lp_registry *r) LOOP_MUST_USE;

/* ---- which registry (registry_choose.c): the name, or the location, to options ---- */
loop_error *lp_registry_find(loop_packages *p, const char *name, lp_registry *ret) LOOP_MUST_USE;

/* ---- notes (registry_notes.c): what a registry said, for the cache ---- */
void lp_notes_write(lp_buf *b, const lp_package_info *info);
/* What was written, checked as if anybody could have; `what` for messages. */
loop_error *lp_notes_read(lp_arena *arena, const void *bytes, size_t n,
                          lp_package_info *ret) LOOP_MUST_USE;

/* ---- for kinds in folders ---- */

/* "acme/ui" of "acme:ui"; malloced. The name has been checked. */
char *lp_registry_folder_of(const char *name);
/* FOLDER/.lock, for who publishes there; the folder is made. LOOP_UNAVAILABLE: somebody has it. */
loop_error *lp_registry_lock(const char *folder, lp_os_lock **ret) LOOP_MUST_USE;
void lp_registry_unlock(lp_os_lock *lock);

#endif
