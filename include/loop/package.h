/*
 * loop/package.h: packages: packing a component, choosing versions, keeping them in a cache.
 *
 * A package is a component with a name ("acme:notes"), a version (semantic versioning 2.0.0), and
 * what it says about itself. It is an OCI artifact, as registries and other tools of the
 * component world hold them: a manifest with one `application/wasm` layer, and loop's metadata
 * as annotations (knowledge/packages.md). Content is known by its digest ("sha256:" and 64
 * lower-case hexadecimal digits); who has the digest needs no trust in where bytes come from.
 *
 *     loop_packages *packages;
 *     loop_packages_open(&(loop_packages_options){.config = c}, &packages);
 *     loop_packages_install(packages, LOOP_INSTALL_LOCKED, NULL, &list);
 *     loop_packages_path(packages, "acme:ui@^1.2", &path);
 *
 * Threads: a loop_packages belongs to one thread at a time. Several, also of other processes, may
 * use one cache: it is safe under that, and under a process that is killed.
 * Ownership: rows handed out live as long as the list they came in; texts as said.
 */
#ifndef LOOP_PACKAGE_H
#define LOOP_PACKAGE_H

#include "loop/config.h"
#include "loop/keys.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct loop_packages loop_packages;

/* A digest as text, with its end. */
#define LOOP_SHA256_TEXT 72

/* How far a transfer is; `total` 0: not known yet. */
typedef struct loop_package_progress {
    const char *what; /* "acme:ui 1.2.0" */
    const char *from; /* the registry's name */
    uint64_t done, total;
    bool publishing; /* it goes to the registry */
} loop_package_progress;

/*
 * What a package is before it is called complete, and each time its file is handed out: for the
 * hook that looks at signatures.
 */
typedef struct loop_package_check {
    const char *name, *version; /* as which it was asked for */
    const char *registry;       /* its name; "": a file */
    bool own_registry;          /* the user's configuration names it, not the workspace's alone */
    const char *digest;         /* of the manifest; "": a component alone, which has none */
    const void *manifest;       /* its bytes, which hash to `digest`; NULL: there is none */
    size_t manifest_len;
    loop_signer *signer;                    /* who signed it, for the hook to fill in */
    const struct loop_package_source *from; /* for loop_package_signatures */
} loop_package_check;
/*
 * The texts of the signatures that a package carries, NULL-terminated, for as long as the hook
 * runs: what is known on this machine or, with `ask`, what its registry has now (offline: what is
 * known). LOOP_UNAVAILABLE, LOOP_INVALID, LOOP_LIMIT.
 */
LOOP_API loop_error *loop_package_signatures(const loop_package_check *check, bool ask,
                                             const char *const **ret) LOOP_MUST_USE;

typedef struct loop_packages_options {
    const loop_config *config; /* of the workspace; lives longer. NULL: the user's settings alone */
    const char *cache_dir;     /* NULL: as loop_host_options.cache_dir says */
    bool offline;              /* only what the cache and this machine's folders have */
    /* Any may be NULL; called on the thread that called. */
    void (*progress)(void *data, const loop_package_progress *p);
    bool (*cancelled)(void *data);
    /* In place of what loop/keys.h decides by the user's keys, which is what NULL means. */
    loop_error *(*verify)(void *data, const loop_package_check *check);
    /* What a person should know and is no failure: "the registry 'team' does not answer: ...". */
    void (*warn)(void *data, const char *message);
    void *data;
} loop_packages_options;

/*
 * The packages of a workspace, with the cache that they lie in, which is made where there is none.
 * LOOP_CONFIG (no folder for it), LOOP_DENIED, LOOP_IO. `options` may be NULL.
 */
LOOP_API loop_error *loop_packages_open(const loop_packages_options *options,
                                        loop_packages **ret) LOOP_MUST_USE;
/* NULL is fine. */
LOOP_API void loop_packages_delete(loop_packages *p);

/* One version of a package. */
typedef struct loop_package {
    const char *name;     /* "acme:notes" */
    const char *version;  /* "1.2.0" */
    const char *digest;   /* of the manifest; "" for a plain component without one */
    const char *content;  /* of the component's bytes */
    const char *registry; /* where it is from; "" : a file */
    const char *path;     /* the component, where it is on this machine; "" : it is not */
    const char *description, *license, *source; /* "" : not said */
    const char *yanked;          /* why it should not be chosen any more; NULL: it is not yanked */
    const char *const *required; /* name and range by turns, NULL-terminated */
    const char *wanted;          /* installed for a wish: the range; "" */
    const char *newest;          /* the newest there is, as far as is known; "" */
    uint64_t size;               /* bytes of the component */
    bool overridden;             /* loop.yaml has a local file in its place: `path` */
    loop_signer signer;          /* who signed it, where that was checked; its `key` "": nobody */
} loop_package;

typedef struct loop_package_list loop_package_list;
/* NULL past the end. */
LOOP_API const loop_package *loop_package_list_at(const loop_package_list *list, size_t i);
/* NULL is fine. */
LOOP_API void loop_package_list_delete(loop_package_list *list);

/* ---- making one ---- */

typedef struct loop_pack_options {
    const char *output; /* NULL: build/NAMESPACE-NAME-VERSION.tar of the workspace */
    bool layout;        /* an OCI layout, a folder, in place of an archive */
} loop_pack_options;
/*
 * Packs what `package:` of loop.yaml says. The same source gives the same bytes: nothing of the
 * machine, the user or the time gets in. The list has one row; its path is the archive's.
 * LOOP_CONFIG (no `package:`), LOOP_NOT_FOUND (the component is not built), LOOP_INVALID, LOOP_IO.
 */
LOOP_API loop_error *loop_packages_pack(loop_packages *p, const loop_pack_options *options,
                                        loop_package_list **ret) LOOP_MUST_USE;
/* Reads an archive or a layout whole and checks all of it. LOOP_INVALID names what is wrong. */
LOOP_API loop_error *loop_packages_look(loop_packages *p, const char *path,
                                        loop_package_list **ret) LOOP_MUST_USE;

/* ---- signing ---- */

typedef struct loop_sign_options {
    const char *key, *password; /* a key of one's own: name or id; its password */
    bool trusted;               /* as of the class `trusted` */
    const char *signature;      /* the text of one that was made elsewhere, instead of these */
    const char *output; /* the signature alone goes into this file; NULL: into the package */
} loop_sign_options;
/*
 * Signs an archive or a layout: its manifest, whose digest stays. The signature is one more
 * manifest in the package that belongs to it, in place of one of the same key. The list has one
 * row. LOOP_DENIED (another password; a signature of something else), LOOP_INVALID (no name).
 */
LOOP_API loop_error *loop_packages_sign(loop_packages *p, const char *path,
                                        const loop_sign_options *options,
                                        loop_package_list **ret) LOOP_MUST_USE;

typedef struct loop_verify_options {
    const char *key; /* a .pub file's text: this one must have signed it, known or not; NULL: one
                        that is known. One that the user has revoked vouches for nothing. */
    const char *signature; /* a signature file's text, in place of those that it carries */
} loop_verify_options;
/*
 * Who signed an archive, a layout, or a package of this machine by its wish; all of its bytes are
 * looked at. LOOP_DENIED: nobody known, or not this. The list has one row.
 */
LOOP_API loop_error *loop_packages_verify(loop_packages *p, const char *what,
                                          const loop_verify_options *options,
                                          loop_package_list **ret) LOOP_MUST_USE;

/* ---- having them ---- */

typedef enum loop_install_mode {
    LOOP_INSTALL_LOCKED, /* loop.lock where it satisfies; the rest is chosen and written there */
    LOOP_INSTALL_FROZEN, /* loop.lock as it is; LOOP_CONFIG where it does not satisfy */
    LOOP_INSTALL_UPDATE, /* the newest that satisfy: of `wishes`, or of all without any */
} loop_install_mode;
/*
 * Chooses versions for what loop.yaml asks and for `wishes` ("acme:ui", "acme:ui@^1.2", or an
 * archive's path; NULL-terminated or NULL), brings them into the cache, and writes loop.lock.
 * Without a workspace only wishes count and nothing is written. All or nothing for loop.lock;
 * what has come stays in the cache. Rows: dependencies before what needs them.
 * LOOP_NOT_FOUND (no such package or version), LOOP_INVALID (a conflict, explained; a digest that
 * is not what was promised), LOOP_UNAVAILABLE (a registry, or `offline`), LOOP_CANCELLED.
 */
LOOP_API loop_error *loop_packages_install(loop_packages *p, loop_install_mode mode,
                                           const char *const *wishes,
                                           loop_package_list **ret) LOOP_MUST_USE;
/*
 * Adds a component to loop.yaml, whose other bytes stay as they are, and installs it: `wish` as
 * above; `component` is its name there, NULL: the package's. *ret as of _install.
 */
LOOP_API loop_error *loop_packages_add(loop_packages *p, const char *wish, const char *component,
                                       loop_package_list **ret) LOOP_MUST_USE;
/* Takes a component that is from a package out of loop.yaml, and out of loop.lock. */
LOOP_API loop_error *loop_packages_remove(loop_packages *p, const char *component) LOOP_MUST_USE;
/* What loop.lock has. Nothing is fetched. `newest`: also asks the registries for it. */
LOOP_API loop_error *loop_packages_list(loop_packages *p, bool newest,
                                        loop_package_list **ret) LOOP_MUST_USE;
/*
 * The component's file of a wish, by loop.lock, else the newest in the cache that satisfies it;
 * its bytes were checked against the digest just now. *ret is for loop_free.
 * LOOP_NOT_FOUND: it is not in the cache; the hint says how to get it.
 */
LOOP_API loop_error *loop_packages_path(loop_packages *p, const char *wish,
                                        char **ret) LOOP_MUST_USE;
/* The same as a row: which version it is, its file, and who signed it. */
LOOP_API loop_error *loop_packages_find(loop_packages *p, const char *wish,
                                        loop_package_list **ret) LOOP_MUST_USE;
/* Whether a text is a wish ("acme:ui", "acme:ui@1.2") and no path. */
LOOP_API bool loop_package_is_wish(const char *text);

/* ---- registries ---- */

/*
 * Publishes an archive (or layout) at the registry that has its name, or at `registry`: a name of
 * `registries:`, or a location ("./folder", "layout:./folder", "oci://HOST:PORT/PREFIX"; to fetch
 * from, "https://…", too). The same bytes again are fine; LOOP_DENIED where the version is there
 * with others, or where the registry lets you in no further. The list has one row.
 */
LOOP_API loop_error *loop_packages_push(loop_packages *p, const char *path, const char *registry,
                                        loop_package_list **ret) LOOP_MUST_USE;
/*
 * Marks a version ("acme:ui@1.2.0") as one that is not to be chosen any more; `reason` NULL: it may
 * be again. Its bytes stay: a lock file that has it goes on using it.
 */
LOOP_API loop_error *loop_packages_yank(loop_packages *p, const char *package, const char *registry,
                                        const char *reason) LOOP_MUST_USE;
/*
 * Fetches one version into a file of its own: "acme:ui@1.2.0" that one, "acme:ui@^1.2" the newest
 * of these. To `to->output`, which is not there yet: an archive, a layout, or, where it ends in
 * ".wasm", the component alone; NULL: NAME-VERSION.tar in the current folder. What has come is
 * checked as an installation checks it, and stays in the cache.
 */
LOOP_API loop_error *loop_packages_pull(loop_packages *p, const char *wish, const char *registry,
                                        const loop_pack_options *to,
                                        loop_package_list **ret) LOOP_MUST_USE;

/* ---- looking for oneself: what loop:pkg is made of ---- */

/*
 * What the registries of some packages know: a row a version, newest first, the packages in their
 * order; NULL-terminated. No row: no such package. `*ret_fresh_for_s`: asking again sooner is
 * pointless. LOOP_NOT_FOUND: no registry has the name; LOOP_UNAVAILABLE, LOOP_INVALID.
 */
LOOP_API loop_error *loop_packages_versions(loop_packages *p, const char *const *names,
                                            loop_package_list **ret,
                                            unsigned *ret_fresh_for_s) LOOP_MUST_USE;

typedef struct loop_choose_options {
    bool upgrade, lowest;       /* newer than what is locked; the lowest that would do */
    const loop_package *locked; /* name, version, digest, content; kept where they satisfy */
    size_t locked_count;
    bool *ret_conflict; /* set to true where there is no choice; NULL */
} loop_choose_options;
/*
 * Chooses versions for wishes: name and range by turns, NULL-terminated; loop.yaml's own and
 * loop.lock do not count. Rows: dependencies before what needs them; nothing is fetched.
 * LOOP_INVALID: a conflict, which its causes explain.
 */
LOOP_API loop_error *loop_packages_choose(loop_packages *p, const char *const *wishes,
                                          const loop_choose_options *options,
                                          loop_package_list **ret) LOOP_MUST_USE;
/*
 * Brings a package into the cache by name, version and digest (or content, where the digest is ""):
 * checked as an installation checks it. The list has one row; its path is the component's.
 */
LOOP_API loop_error *loop_packages_fetch(loop_packages *p, const loop_package *package,
                                         loop_package_list **ret) LOOP_MUST_USE;
/*
 * The file of a blob of a package, of a manifest or of what one names, through the cache; the
 * caller's, for loop_free.
 */
LOOP_API loop_error *loop_packages_blob(loop_packages *p, const char *name, const char *digest,
                                        bool manifest, char **ret_path) LOOP_MUST_USE;
/* What belongs to a manifest: a row each, with digest and size, and its type as `description`. */
LOOP_API loop_error *loop_packages_attached(loop_packages *p, const char *name, const char *digest,
                                            loop_package_list **ret) LOOP_MUST_USE;

/* ---- the cache ---- */

typedef struct loop_cache_info {
    const char *directory;
    uint64_t bytes, blobs, packages, partial; /* `partial`: transfers that wait to go on */
} loop_cache_info;
/* `directory` lives as long as `p`. */
LOOP_API loop_error *loop_packages_cache_info(loop_packages *p, loop_cache_info *ret) LOOP_MUST_USE;
/*
 * Reads all of it and compares digests: a row for what is damaged (its path, content and size).
 * With `repair` that is taken out of the cache.
 */
LOOP_API loop_error *loop_packages_cache_verify(loop_packages *p, bool repair,
                                                loop_package_list **ret) LOOP_MUST_USE;
/* Removes what was not used for so many days, 0: everything; *ret_bytes: how much that was. */
LOOP_API loop_error *loop_packages_cache_clean(loop_packages *p, unsigned days,
                                               uint64_t *ret_bytes) LOOP_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
