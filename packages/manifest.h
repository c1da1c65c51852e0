/*
 * packages/manifest.h: OCI manifests as bytes: any of them, read as far as its blobs; and those
 * that `loop pack` writes.
 */
#ifndef LP_PACKAGES_MANIFEST_H
#define LP_PACKAGES_MANIFEST_H

#include "packages/packages.h"

#define LP_MEDIA_INDEX "application/vnd.oci.image.index.v1+json"
#define LP_MEDIA_CONFIG "application/vnd.wasm.config.v0+json"
#define LP_MEDIA_WASM "application/wasm"
#define LP_MEDIA_EMPTY "application/vnd.oci.empty.v1+json"
#define LP_TYPE_DOCS "application/vnd.loop.docs.v0"
#define LP_NOTE_TITLE "org.opencontainers.image.title"

/* The config of a manifest that needs none. */
#define LP_EMPTY_BYTES "{}"
#define LP_EMPTY_DIGEST "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

/* A manifest as any tool reads it. */
typedef struct lp_artifact {
    const char *type; /* artifactType, else the config's media type */
    lp_blob config;
    const lp_blob *layers;
    size_t layers_count;
    const char *subject; /* the manifest that it belongs to; "" */
} lp_artifact;
loop_error *lp_artifact_parse(lp_arena *arena, const void *bytes, size_t len,
                              lp_artifact *ret) LOOP_MUST_USE;

/* ---- writing: the same facts give the same bytes ---- */

/* Of `m`: what it says, its config and its content; `title` is the component's file name. */
void lp_manifest_write(const lp_manifest *m, const char *title, lp_buf *ret);

typedef struct lp_config_facts {
    uint64_t created_s;                          /* since 1970 */
    const char *content;                         /* the component's digest */
    const char *const *exports, *const *imports; /* NULL-terminated */
} lp_config_facts;
void lp_config_write(const lp_config_facts *facts, lp_buf *ret);

/* A manifest with one file, which belongs to the manifest `subject`. */
void lp_attached_write(const char *type, const lp_blob *file, const char *title,
                       const lp_blob *subject, lp_buf *ret);

#endif
