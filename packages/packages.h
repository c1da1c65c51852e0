/*
 * packages/packages.h: what the files of this room share.
 *
 *   name.c version.c      names; semantic versions and ranges
 *   digest.c              sha256, as text and while bytes pass
 *   file.c                files: handed on in pieces, written beside and renamed
 *   manifest.c            an OCI manifest, config and annotations, as JSON and as a struct
 *   manifest_write.c      the bytes of what `loop pack` writes
 *   layout.c              what may be in a package; archive.c, layout_folder.c: in tar, in a folder
 *   pack.c                a workspace's component to a layout
 *   cache.c               blobs by registry and digest; what registries said
 *   cache_writer.c        blobs on their way in; cache_care.c: looking after it
 *   list.c open.c         what public functions hand out; what is open
 *   registry.c            which registry has a package; registry_<kind>.c: one kind each
 *   push.c                publishing
 *   signatures.c          signatures that packages carry; asking the hook
 *   attach.c              a package with something more that belongs to it
 *   seen.c                versions that were accepted: no way back without being asked
 *   resolve.c             wishes and releases to a choice
 *   lock.c edit.c         loop.lock; changing loop.yaml in place
 *   install.c             all of it together
 *   tools.c tools.h       archives, the solver and HTTP, loaded when they are first needed
 *
 * Everything that comes from a registry, an archive or the cache is somebody else's: names,
 * sizes, digests and counts are checked here, against limits.h, before they are used.
 */
#ifndef LP_PACKAGES_H
#define LP_PACKAGES_H

#include "base/base.h"
#include "loop/package.h"

/* ---- names and versions (name.c, version.c) ---- */

/* "acme:notes": words of the WIT grammar (lower case, digits, dashes), one ':'. LOOP_INVALID. */
loop_error *lp_package_name_check(const char *name) LOOP_MUST_USE;
/* "acme:ui" or "acme:ui@RANGE" to its parts, in `arena`; no '@': "*". */
loop_error *lp_package_wish_parse(lp_arena *arena, const char *text, const char **ret_name,
                                  const char **ret_range) LOOP_MUST_USE;

/* Semantic Versioning 2.0.0. `pre` and `build` are "" where there are none. */
typedef struct lp_version {
    uint64_t major, minor, patch;
    const char *pre, *build;
} lp_version;
loop_error *lp_version_parse(lp_arena *arena, const char *text, lp_version *ret) LOOP_MUST_USE;
/* By precedence (section 11); build metadata does not count. */
int lp_version_compare(const lp_version *a, const lp_version *b);

/* Ranges as Cargo writes them: "^1.2", "~1.2", "1.*", ">=1.0, <1.5", "=2.0.0", "*"; "1.2" is ^1.2.
 */
typedef struct lp_range lp_range;
loop_error *lp_range_parse(lp_arena *arena, const char *text, const lp_range **ret) LOOP_MUST_USE;
/* A pre-release satisfies only a range that names one of the same major, minor and patch. */
bool lp_range_has(const lp_range *range, const lp_version *version);

/* ---- digests (digest.c) ---- */

typedef struct lp_sha256 {
    uint64_t opaque[16]; /* nettle's state */
} lp_sha256;
void lp_sha256_start(lp_sha256 *s);
void lp_sha256_add(lp_sha256 *s, const void *bytes, size_t n);
void lp_sha256_end(lp_sha256 *s, char ret[LOOP_SHA256_TEXT]);
void lp_sha256_of(const void *bytes, size_t n, char ret[LOOP_SHA256_TEXT]);
/* "sha256:" and 64 lower-case hexadecimal digits, nothing else. */
bool lp_digest_is(const char *text);

/* ---- what a package is (manifest.c) ---- */

/* Annotations of a manifest, and of what points to one in an index.json. */
#define LP_NOTE_VERSION "org.opencontainers.image.version"
#define LP_NOTE_REF "org.opencontainers.image.ref.name" /* in an index: the version */
#define LP_NOTE_NAME "loop.name"                        /* "acme:notes" */
#define LP_NOTE_REQUIRES "loop.requires"                /* JSON: {"acme:ui":"^1.2"} */
#define LP_NOTE_CONTENT "loop.content"                  /* in an index: the component's digest */
#define LP_NOTE_SIZE "loop.size"                        /* in an index: its bytes, decimal */
#define LP_NOTE_YANKED "loop.yanked"                    /* in an index: why */
#define LP_NOTE_SUBJECT "loop.subject"                  /* in an index: whom it belongs to */
#define LP_TYPE_SIGNATURE "application/vnd.loop.signature.v1"
#define LP_MEDIA_MANIFEST "application/vnd.oci.image.manifest.v1+json"

typedef struct lp_requirement {
    const char *name;
    const char *range; /* as it was written */
} lp_requirement;

/* One published version, as a registry tells it; texts live in the arena it was read into. */
typedef struct lp_release {
    const char *version;
    const char *digest;  /* of the manifest */
    const char *content; /* of the component; "" where the registry does not say */
    uint64_t size;       /* bytes of the component; 0: not said */
    const lp_requirement *
        requires;
    size_t requires_count;
    const char *yanked; /* NULL: it is not */
} lp_release;

/* What a manifest says; `bytes` are its own, of which `digest` is. */
typedef struct lp_manifest {
    const char *name, *version; /* "" where it does not say (made by other tools) */
    const char *description, *license, *source;
    const lp_requirement *
        requires;
    size_t requires_count;
    char digest[LOOP_SHA256_TEXT];
    const char *config_digest;
    uint64_t config_size;
    const char *content; /* digest of the one application/wasm layer */
    uint64_t size;
    const char *bytes;
    size_t len;
} lp_manifest;
/*
 * Reads a manifest of loop's, of wkg's, or of who follows the same page
 * (tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact). LOOP_INVALID names what is wrong.
 */
loop_error *lp_manifest_parse(lp_arena *arena, const void *bytes, size_t len,
                              lp_manifest *ret) LOOP_MUST_USE;
/* Whether a config is of this manifest's component. */
loop_error *lp_config_check(const lp_manifest *m, const void *bytes, size_t len) LOOP_MUST_USE;
/* Whether a file that begins with these bytes, 8 at least, may be a component. */
loop_error *lp_wasm_check(const void *bytes, size_t n) LOOP_MUST_USE;

/* ---- archives and layouts (layout.c, archive.c) ---- */

/* What there is under a digest. */
typedef struct lp_blob {
    const char *digest, *media_type;
    uint64_t size;
} lp_blob;

/* A manifest in an archive, and the blobs that it needs: to publish these first, then itself. */
typedef struct lp_packed_item {
    lp_blob self;
    const char *type;     /* artifactType, or the config's */
    const char *subject;  /* the manifest that it belongs to; "" */
    const lp_blob *blobs; /* its config, then its layers */
    size_t count;
} lp_packed_item;

/*
 * A package that lies in an archive or in a layout on this machine. What stands in it was compared
 * with what may, its manifests and config were read and checked; its blobs are as they pass.
 */
typedef struct lp_packed lp_packed;
loop_error *lp_packed_open(const char *path, lp_packed **ret) LOOP_MUST_USE;
const lp_manifest *lp_packed_manifest(const lp_packed *p);
/* The component's own first, then what belongs to it (documentation); NULL past the end. */
const lp_packed_item *lp_packed_item_at(const lp_packed *p, size_t i);
/* Hands the bytes of a blob of it (component, config, manifest) on, `take` NULL: to nobody;
 * LOOP_INVALID: not its digest. */
loop_error *lp_packed_blob(lp_packed *p, const char *digest, void *data,
                           loop_error *(*take)(void *data, const void *bytes,
                                               size_t n)) LOOP_MUST_USE;
/* Reads every blob that its manifests name. LOOP_INVALID: one of them has other bytes. */
loop_error *lp_packed_check(lp_packed *p) LOOP_MUST_USE;
/* NULL is fine. */
void lp_packed_close(lp_packed *p);

/* ---- the cache (cache.c, cache_writer.c, cache_care.c) ---- */

/* `registry` is any text that says where a blob came from (lp_registry_key). */
typedef struct lp_cache lp_cache;
/*
 * `directory`/packages, which the first writer makes. LOOP_DENIED: others can write there. Threads:
 * one at a time; other threads and processes open their own.
 */
loop_error *lp_cache_open(const char *directory, lp_cache **ret) LOOP_MUST_USE;
/* NULL is fine. */
void lp_cache_close(lp_cache *c);
/* Asked while this waits for another process that fetches the same. */
void lp_cache_on_wait(lp_cache *c, bool (*cancelled)(void *data), void *data);

/*
 * The file of a blob that came from `registry`; malloced. Its bytes were read and have the digest:
 * LOOP_NOT_FOUND (not here), LOOP_INVALID (damaged; it is set aside, so that the next one fetches
 * it).
 */
loop_error *lp_cache_blob(lp_cache *c, const char *registry, const char *digest,
                          char **ret_path) LOOP_MUST_USE;
bool lp_cache_has(lp_cache *c, const char *registry, const char *digest); /* without reading it */

/* Bytes on their way in: one writer at a time for a blob, in all processes; others wait. */
typedef struct lp_cache_writer lp_cache_writer;
/*
 * *ret_have: bytes that an earlier transfer left, from which this one goes on. NULL in *ret: it is
 * here by now, whole. LOOP_TIMEOUT, LOOP_CANCELLED: another process still fetches it.
 */
loop_error *lp_cache_begin(lp_cache *c, const char *registry, const char *digest,
                           lp_cache_writer **ret, uint64_t *ret_have) LOOP_MUST_USE;
loop_error *lp_cache_write(lp_cache_writer *w, const void *bytes, size_t n) LOOP_MUST_USE;
/* Throws away what is there and begins at 0. */
loop_error *lp_cache_restart(lp_cache_writer *w) LOOP_MUST_USE;
/*
 * Checks size (0: any) and digest, makes it last, and gives it its name in one step; LOOP_INVALID
 * and nothing is kept. Takes the writer in any case.
 */
loop_error *lp_cache_commit(lp_cache_writer *w, uint64_t size) LOOP_MUST_USE;
/* Lets go; what has come is kept for the next one. NULL is fine. */
void lp_cache_abandon(lp_cache_writer *w);

/* What a registry said of a package, as bytes that only this room reads (JSON), with its age. */
loop_error *lp_cache_note(lp_cache *c, const char *registry, const char *name, const void *bytes,
                          size_t n) LOOP_MUST_USE;
/* It is of use still, and not to be cleaned away; its age is then from now on. */
void lp_cache_note_used(lp_cache *c, const char *registry, const char *name);
/* *ret_bytes NULL: nothing is noted. `*ret_age_s`: seconds since it was. */
loop_error *lp_cache_noted(lp_cache *c, const char *registry, const char *name, uint8_t **ret_bytes,
                           size_t *ret_n, uint64_t *ret_age_s) LOOP_MUST_USE;

/* What loop_packages_cache_... say. */
void lp_cache_info(lp_cache *c, loop_cache_info *ret);
loop_error *lp_cache_verify(lp_cache *c, bool repair, loop_package_list *into) LOOP_MUST_USE;
loop_error *lp_cache_clean(lp_cache *c, unsigned days, uint64_t *ret_bytes) LOOP_MUST_USE;

/* ---- lists (list.c) ---- */

struct loop_package_list {
    lp_arena arena; /* what the rows point to */
    struct {
        loop_package *at;
        size_t n, cap;
    } rows;
};
loop_package_list *lp_package_list_new(void);
/* A new row, all of its texts "". Valid until the next one. */
loop_package *lp_package_list_row(loop_package_list *list);
/* A row of what a manifest says; texts are copied. */
loop_package *lp_package_list_manifest(loop_package_list *list, const lp_manifest *m);
/* A row of a version as a registry tells of it. */
loop_package *lp_package_list_release(loop_package_list *list, const char *name,
                                      const char *registry, const lp_release *r);
const char *lp_package_list_keep(loop_package_list *list, const char *s);
/* Names and ranges by turns, as loop_package.required has them. */
const char *const *lp_package_list_requires(loop_package_list *list, const lp_requirement *all,
                                            size_t n);

/* ---- registries (registry.c, registry_<kind>.c) ---- */

typedef struct lp_question {
    const char *name;
    const char *tag; /* what the last answer came with; NULL */
    /* The last answer: of a version that is in it nothing more needs to be asked. */
    const lp_release *known;
    size_t known_count;
} lp_question;

typedef struct lp_package_info {
    bool same; /* the tag that was sent is still good: releases are those of then */
    const lp_release *releases; /* newest first; none: no such package */
    size_t count;
    const char *tag;      /* NULL: none */
    uint32_t fresh_for_s; /* asking again sooner is pointless */
} lp_package_info;

typedef enum lp_blob_kind { LP_BLOB_MANIFEST, LP_BLOB_DATA } lp_blob_kind;

typedef struct lp_registry lp_registry;
typedef struct lp_registry_options lp_registry_options;

/* How far publishing is. */
typedef struct lp_push_progress {
    void (*went)(void *data, uint64_t n); /* so many bytes more have gone, or need not go */
    void *data;
} lp_push_progress;

/*
 * A kind of registry: loop:pkg/registry in C. It looks things up and delivers bytes; it decides
 * nothing and checks nothing that the room checks anyway. One thread at a time.
 */
typedef struct lp_registry_kind {
    const char *name; /* "folder", "layout", "http", "oci", "provider" */
    bool local;       /* needs no network: asked when offline */
    loop_error *(*open)(const lp_registry_options *o, void **ret_self);
    void (*close)(void *self);
    /* Answers n questions; what they point to goes into `arena`. */
    loop_error *(*lookup)(void *self, const lp_question *questions, size_t n, lp_arena *arena,
                          lp_package_info *ret);
    /* May be NULL: none. */
    loop_error *(*referrers)(void *self, const char *name, const char *digest, lp_arena *arena,
                             const lp_blob **ret, size_t *ret_n);
    /*
     * Hands on the bytes of a blob from `offset` on; LOOP_USAGE: it cannot start there, and nothing
     * was handed on. `*ret_total`, as soon as it is known and before the first `take`.
     */
    loop_error *(*fetch)(void *self, const char *name, const char *digest, lp_blob_kind kind,
                         uint64_t offset, uint64_t *ret_total, void *data,
                         loop_error *(*take)(void *data, const void *bytes, size_t n));
    /*
     * NULL: nothing can be published there. A version that is there with the same bytes is fine,
     * with other bytes LOOP_DENIED. `progress` may be NULL.
     */
    loop_error *(*push)(void *self, const char *name, const char *version, lp_packed *package,
                        lp_push_progress *progress);
    /* Marks a version as not to be chosen any more; `reason` NULL: it may be. NULL: cannot. */
    loop_error *(*yank)(void *self, const char *name, const char *version, const char *reason);
} lp_registry_kind;

struct lp_registry_options {
    const char *name;            /* as the configuration names it, for people */
    const char *key;             /* the cache's: what it is, wherever that was written */
    const char *location;        /* a folder, absolute; a URL; a host with its port */
    const char *prefix;          /* OCI: what stands before "acme/notes"; "" */
    const char *user, *password; /* NULL: none */
    bool plain_http;             /* OCI: no TLS; only for this machine, or where the user says so */
    bool own;                    /* the user's configuration names it */
    bool well_known;             /* OCI: `location` may say that the registry is elsewhere */
    const loop_config *config;   /* of the workspace; NULL */
    const loop_registries *known; /* where the provider that serves it is named; NULL: none does */
    bool (*cancelled)(void *data);
    void *data;
};

/*
 * Which registry has a package, by the user's configuration and loop.yaml; kept until p is closed.
 * Neither of the two opens anything. LOOP_NOT_FOUND: nobody says; the hint says where to.
 */
loop_error *lp_registry_for(loop_packages *p, const char *package, lp_registry **ret) LOOP_MUST_USE;
/*
 * By its name, or by a location: "./folder", "layout:./folder", "https://…",
 * "oci://localhost:5000/prefix/".
 */
loop_error *lp_registry_named(loop_packages *p, const char *name, lp_registry **ret) LOOP_MUST_USE;
const char *lp_registry_name(const lp_registry *r);
/* What the cache knows it by: two workspaces may have one name for two registries. */
const char *lp_registry_key(const lp_registry *r);
/* For loop_packages_delete. */
void lp_registries_close(loop_packages *p);
/*
 * What it knows of packages: from the notes in the cache while those are fresh (not with
 * `refresh`), when offline, and when it does not answer. No such package: no releases, and no
 * error. LOOP_UNAVAILABLE, LOOP_INVALID (what it says is wrong), LOOP_DENIED, LOOP_CANCELLED.
 */
loop_error *lp_registry_lookup(lp_registry *r, const char *const *names, size_t n, bool refresh,
                               lp_arena *arena, lp_package_info *ret) LOOP_MUST_USE;
/*
 * Brings a blob into the cache: goes on where an earlier transfer ended, tries again, checks;
 * malloced path. `size` 0: not known. `what` is "acme:ui 1.2.0", for progress and messages.
 * LOOP_NOT_FOUND, LOOP_INVALID (not the bytes that were promised), LOOP_UNAVAILABLE, ...
 */
loop_error *lp_registry_fetch(lp_registry *r, const char *name, const char *digest,
                              lp_blob_kind kind, uint64_t size, const char *what,
                              char **ret_path) LOOP_MUST_USE;
loop_error *lp_registry_push(lp_registry *r, lp_packed *package) LOOP_MUST_USE;

/* ---- choosing (resolve.c) ---- */

typedef struct lp_chosen {
    const char *name;
    const char *registry;
    const lp_release *release;
    const char *wanted; /* the range of the first wish that led to it */
} lp_chosen;
/* A version that a lock has. */
typedef struct lp_locked {
    const char *name, *version, *digest, *content, *registry, *wanted;
    const lp_requirement *
        requires; /* as its manifest says, where `known` */
    size_t requires_count;
    uint64_t size; /* bytes of the component; 0: not known */
    bool known;
} lp_locked;
typedef struct lp_resolve_options {
    bool upgrade; /* newer ones even where `locked` has a good one */
    bool lowest;
    bool refresh;               /* ask registries again, however new what they said is */
    const char *const *fresh;   /* NULL-terminated: with upgrade, only these; NULL: all */
    const char *const *without; /* NULL-terminated: packages that have a local file; NULL: none */
    bool *ret_conflict;         /* set where there is a conflict; NULL */
} lp_resolve_options;
/*
 * Asks registries, as deep as it takes, and chooses one version of each package (libsolv).
 * Dependencies come before what needs them. LOOP_INVALID: a conflict; its causes are the chain of
 * wishes that shows it. LOOP_NOT_FOUND: a package or version that there is not.
 */
loop_error *lp_resolve(loop_packages *p, const lp_requirement *wishes, size_t n,
                       const lp_locked *locked, size_t locked_n, const lp_resolve_options *options,
                       lp_arena *arena, const lp_chosen **ret, size_t *ret_n) LOOP_MUST_USE;

/* ---- signatures (signatures.c) ---- */

/* Where a package is from, for who looks for its signatures. */
typedef struct lp_origin {
    lp_registry *registry; /* NULL: a file */
    const char *key;       /* the cache's, of the registry; NULL: it is not in the cache */
    lp_packed *packed;     /* the file; NULL */
} lp_origin;
/*
 * Asks the hook whether a package may be called complete, and who signed it (`ret` may be NULL).
 * Before anything that came is handed out or written into loop.lock. `name` and `version` are what
 * was asked for; `m->bytes` NULL: a component alone.
 */
loop_error *lp_packages_verify(loop_packages *p, const lp_origin *from, const char *name,
                               const char *version, const lp_manifest *m,
                               loop_signer *ret) LOOP_MUST_USE;
/* Whether the hook will look at a package of this name at all. */
bool lp_packages_matter(loop_packages *p, const lp_origin *from, const char *name);
/* The signatures that an archive carries, NULL-terminated, in `arena`. LOOP_LIMIT. */
loop_error *lp_signatures_packed(lp_packed *p, lp_arena *arena,
                                 const char *const **ret) LOOP_MUST_USE;
/* What is noted of a package in the cache; none: an empty list. */
loop_error *lp_signatures_noted(loop_packages *p, const char *key, const char *digest,
                                lp_arena *arena, const char *const **ret) LOOP_MUST_USE;
/* Asks the registry, and notes what it says. */
loop_error *lp_signatures_asked(lp_registry *r, const char *name, const char *digest,
                                lp_arena *arena, const char *const **ret) LOOP_MUST_USE;
/* Notes in the cache what a package that came as a file carries. */
loop_error *lp_signatures_note(loop_packages *p, const char *key, const char *digest,
                               const char *const *texts) LOOP_MUST_USE;

/* ---- versions that were accepted (seen.c) ---- */

/* The notes' own place in the cache, no registry's, which only cleaning all of it empties. */
#define LP_KEY_SEEN "signed"

/*
 * Whether a signed version may be chosen: LOOP_DENIED where an older one is offered than was
 * accepted, which would do as well, and whose key was not revoked since. `ranges` is what it must
 * satisfy, NULL-terminated; `locked` the version that loop.lock has, or NULL.
 */
loop_error *lp_seen_check(loop_packages *p, const char *name, const char *version,
                          const char *const *ranges, const char *locked) LOOP_MUST_USE;
/* Notes that it was accepted, where it is the newest so far that this key has signed. */
loop_error *lp_seen_note(loop_packages *p, const char *name, const char *version,
                         const loop_signer *by) LOOP_MUST_USE;

/* ---- what is open (open.c) ---- */

/* What decides about signatures where the options have no hook; `done` frees `data`. */
typedef struct lp_packages_checker {
    loop_error *(*verify)(void *data, const loop_package_check *check);
    /* Whether it will look at a package of this name (of `check`, no more than that and where it is
     * from): else its manifest need not be read for a run. NULL: at each. */
    bool (*matters)(void *data, const loop_package_check *check);
    /* Whether what a key has signed still counts. NULL: always. */
    bool (*counts)(void *data, const char *key);
    void *data;
    void (*done)(void *data);
} lp_packages_checker;
/* loop_packages_open; `checker` (NULL: nobody) is taken in any case. */
loop_error *lp_packages_open(const loop_packages_options *options,
                             const lp_packages_checker *checker, loop_packages **ret) LOOP_MUST_USE;

struct loop_packages {
    loop_packages_options options;
    lp_packages_checker checker; /* the options' hook, or whoever opened this */
    lp_arena arena;              /* as long as it is open */
    lp_cache *cache;
    struct {
        lp_registry **at;
        size_t n, cap;
    } registries;
    loop_registries *known; /* registry.c; NULL: not asked for yet */
};

#endif
