/*
 * packages/manifest.c: reading the manifest and the config of a component, as OCI registries hold
 * them (tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact).
 *
 *     manifest    config: application/vnd.wasm.config.v0+json
 *                 layers: exactly one, application/wasm
 *                 annotations: what it says about itself
 *     config      architecture "wasm", os "wasip2", layerDigests: the layer's
 *
 * Whatever else stands there is passed over, as other tools may have put it there; what is meant
 * for loop (loop.name, loop.requires) must be right or is refused. Nothing of a descriptor is
 * followed but its digest: no `urls`, no `data`.
 */
#include "packages/manifest.h"

#include "packages/index.h"
#include "packages/json.h"

LOOP_PRINTF(1, 2) LOOP_MUST_USE static loop_error *wrong(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    lp_auto(lp_free_string) char *why = lp_vformat(fmt, ap);
    va_end(ap);
    return loop_error_new(LOOP_INVALID, "the manifest %s", why);
}

static const char *keep(lp_arena *arena, const char *s)
{
    return lp_arena_strndup(arena, s, strlen(s));
}

/* ---- descriptors ---- */

static loop_error *read_descriptor(lp_arena *arena, const json_t *d, const char *what, lp_blob *ret)
{
    const char *type = lp_json_text(d, "mediaType"), *digest = lp_json_text(d, "digest");
    const json_t *size = json_object_get(d, "size");
    if (!type || strlen(type) > LP_MAX_NAME)
        return wrong("has %s without a media type", what);
    if (!digest || !lp_digest_is(digest))
        return wrong("has %s with the digest '%.100s', which is no sha256 digest", what,
                     digest ? digest : "");
    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return wrong("has %s without a size", what);
    *ret = (lp_blob){keep(arena, digest), keep(arena, type), (uint64_t)json_integer_value(size)};
    return NULL;
}

static loop_error *read_layers(lp_arena *arena, const json_t *root, lp_artifact *a)
{
    const json_t *layers = json_object_get(root, "layers");
    if (!json_is_array(layers))
        return wrong("has no list of layers");
    a->layers_count = json_array_size(layers);
    if (a->layers_count > LP_MAX_PACKAGE_ENTRIES)
        return loop_error_new(LOOP_LIMIT, "the manifest has more than %d layers",
                              LP_MAX_PACKAGE_ENTRIES);
    lp_blob *list = lp_arena_alloc(arena, (a->layers_count + 1) * sizeof *list);
    for (size_t i = 0; i < a->layers_count; i++)
        LP_TRY(read_descriptor(arena, json_array_get(layers, i), "a layer", &list[i]));
    a->layers = list;
    return NULL;
}

static loop_error *read_artifact(lp_arena *arena, const json_t *root, lp_artifact *ret)
{
    const char *media = lp_json_text(root, "mediaType"), *type = lp_json_text(root, "artifactType");
    const json_t *version = json_object_get(root, "schemaVersion");
    const json_t *subject = json_object_get(root, "subject");
    if (!json_is_object(root))
        return wrong("is no JSON object");
    if (json_object_get(root, "manifests"))
        return wrong("is an index of several");
    if (!json_is_integer(version) || json_integer_value(version) != 2)
        return wrong("is of another schemaVersion than 2");
    if (media && strcmp(media, LP_MEDIA_MANIFEST) != 0)
        return wrong("is of the media type '%.100s', not " LP_MEDIA_MANIFEST, media);
    LP_TRY(read_descriptor(arena, json_object_get(root, "config"), "a config", &ret->config));
    LP_TRY(read_layers(arena, root, ret));
    if (type && strlen(type) > LP_MAX_NAME)
        return wrong("has an artifactType that is too long");
    ret->type = type ? keep(arena, type) : ret->config.media_type;
    ret->subject = "";
    if (subject && !json_is_null(subject)) {
        lp_blob of;
        LP_TRY(read_descriptor(arena, subject, "a subject", &of));
        ret->subject = of.digest;
    }
    return NULL;
}

static loop_error *read_json(const void *bytes, size_t len, json_t **ret)
{
    if (len > LP_MAX_MANIFEST_BYTES)
        return loop_error_new(LOOP_LIMIT, "the manifest has more than %u bytes",
                              LP_MAX_MANIFEST_BYTES);
    return lp_json_parse("the manifest", bytes, len, ret);
}

loop_error *lp_artifact_parse(lp_arena *arena, const void *bytes, size_t len, lp_artifact *ret)
{
    lp_auto(lp_json_free) json_t *root = NULL;
    LP_TRY(read_json(bytes, len, &root));
    lp_artifact a;
    LP_TRY(read_artifact(arena, root, &a));
    *ret = a;
    return NULL;
}

/* ---- a component's manifest ---- */

/* The text of an annotation, "" where there is none. */
static loop_error *read_note(lp_arena *arena, const json_t *notes, const char *key,
                             const char **ret)
{
    const json_t *v = json_object_get(notes, key);
    *ret = "";
    if (!v)
        return NULL;
    if (!json_is_string(v))
        return wrong("has the annotation '%s', which is no text", key);
    if (json_string_length(v) > LP_MAX_PACKAGE_TEXT)
        return loop_error_new(LOOP_LIMIT, "the manifest's annotation '%s' has more than %d bytes",
                              key, LP_MAX_PACKAGE_TEXT);
    *ret = keep(arena, json_string_value(v));
    return NULL;
}

/* `loop.requires` is as long as it takes for LP_MAX_PACKAGE_REQUIRES. */
static loop_error *read_requires(lp_arena *arena, const json_t *notes, lp_manifest *m)
{
    const json_t *v = json_object_get(notes, LP_NOTE_REQUIRES);
    if (v && !json_is_string(v))
        return wrong("has the annotation '" LP_NOTE_REQUIRES "', which is no text");
    loop_error *e =
        v ? lp_requires_parse(arena, json_string_value(v), &m->requires, &m->requires_count) : NULL;
    return e ? loop_error_wrap(e, "the manifest's annotation '" LP_NOTE_REQUIRES "' is wrong")
             : NULL;
}

static loop_error *read_notes(lp_arena *arena, const json_t *root, lp_manifest *m)
{
    const json_t *notes = json_object_get(root, "annotations");
    if (notes && !json_is_object(notes) && !json_is_null(notes))
        return wrong("has annotations that are no object");
    if (json_object_size(notes) > LP_MAX_PACKAGE_ANNOTATIONS)
        return loop_error_new(LOOP_LIMIT, "the manifest has more than %d annotations",
                              LP_MAX_PACKAGE_ANNOTATIONS);
    LP_TRY(read_note(arena, notes, LP_NOTE_NAME, &m->name));
    LP_TRY(read_note(arena, notes, LP_NOTE_VERSION, &m->version));
    LP_TRY(read_note(arena, notes, "org.opencontainers.image.description", &m->description));
    LP_TRY(read_note(arena, notes, "org.opencontainers.image.licenses", &m->license));
    LP_TRY(read_note(arena, notes, "org.opencontainers.image.source", &m->source));
    lp_version parsed;
    if (*m->name)
        LP_TRY(lp_package_name_check(m->name));
    lp_auto(lp_free_error) loop_error *e = lp_version_parse(arena, m->version, &parsed);
    if (e && *m->name)
        return loop_error_wrap(lp_take(&e),
                               "the manifest's annotation '" LP_NOTE_VERSION "' is wrong");
    if (e)
        m->version = ""; /* of another tool, which may count otherwise */
    return read_requires(arena, notes, m);
}

static loop_error *check_component(const lp_artifact *a)
{
    if (*a->subject)
        return wrong("belongs to another one (%.40s...): it is no package", a->subject);
    if (strcmp(a->config.media_type, LP_MEDIA_CONFIG) != 0)
        return loop_error_hint_set(
            wrong("is of no WebAssembly component: its config is of the type '%.100s'",
                  a->config.media_type),
            "components have a config of the type " LP_MEDIA_CONFIG);
    if (a->config.size > LP_MAX_MANIFEST_BYTES)
        return loop_error_new(LOOP_LIMIT, "the config has more than %u bytes",
                              LP_MAX_MANIFEST_BYTES);
    if (a->layers_count != 1)
        return wrong("has %zu layers; a component is exactly one", a->layers_count);
    if (strcmp(a->layers[0].media_type, LP_MEDIA_WASM) != 0)
        return wrong("has a layer of the type '%.100s', not " LP_MEDIA_WASM,
                     a->layers[0].media_type);
    if (a->layers[0].size > LP_MAX_COMPONENT_BYTES)
        return loop_error_new(LOOP_LIMIT, "the component has more than %u bytes",
                              LP_MAX_COMPONENT_BYTES);
    return NULL;
}

loop_error *lp_manifest_parse(lp_arena *arena, const void *bytes, size_t len, lp_manifest *ret)
{
    lp_auto(lp_json_free) json_t *root = NULL;
    LP_TRY(read_json(bytes, len, &root));
    lp_artifact a;
    LP_TRY(read_artifact(arena, root, &a));
    LP_TRY(check_component(&a));
    lp_manifest m = {.config_digest = a.config.digest,
                     .config_size = a.config.size,
                     .content = a.layers[0].digest,
                     .size = a.layers[0].size,
                     .len = len};
    LP_TRY(read_notes(arena, root, &m));
    m.bytes = lp_arena_strndup(arena, bytes, len);
    lp_sha256_of(bytes, len, m.digest);
    *ret = m;
    return NULL;
}

/* ---- its config, and the component's first bytes ---- */

static loop_error *config_wrong(const char *why)
{
    return loop_error_new(LOOP_INVALID, "the config %s", why);
}

loop_error *lp_config_check(const lp_manifest *m, const void *bytes, size_t len)
{
    lp_auto(lp_json_free) json_t *root = NULL;
    if (len > LP_MAX_MANIFEST_BYTES)
        return config_wrong("is too large");
    LP_TRY(lp_json_parse("the config", bytes, len, &root));
    const char *architecture = lp_json_text(root, "architecture"), *os = lp_json_text(root, "os");
    const json_t *layers = json_object_get(root, "layerDigests");
    const char *layer = json_string_value(json_array_get(layers, 0));
    if (!architecture || strcmp(architecture, "wasm") != 0)
        return config_wrong("is not of the architecture 'wasm'");
    if (!os || strcmp(os, "wasip2") != 0)
        return loop_error_hint_set(
            config_wrong("does not have the os 'wasip2': it is no component"),
            "'wasip1' is a core module; wasm-tools component new");
    if (json_array_size(layers) != 1 || !layer || strcmp(layer, m->content) != 0)
        return config_wrong("is of another component: its layerDigests are not those of the "
                            "manifest");
    return NULL;
}

loop_error *lp_wasm_check(const void *bytes, size_t n)
{
    const uint8_t *b = bytes;
    if (n < 8 || memcmp(b, "\0asm", 4) != 0)
        return loop_error_new(LOOP_INVALID, "the component is no WebAssembly");
    if (b[4] == 1 && b[6] == 0)
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "the component is a core module, not a component"),
            "wasm-tools component new makes one of it");
    if (b[4] != 0x0d || b[5] != 0 || b[6] != 1 || b[7] != 0)
        return loop_error_new(LOOP_INVALID,
                              "the component is of another version of the binary format");
    return NULL;
}
