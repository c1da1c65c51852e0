/*
 * packages/registry_oci_push.c: publishing at an OCI registry: blobs that it does not have, then
 * the manifest under its version, then what belongs to it.
 *
 * A blob of up to LP_MAX_REGISTRY_CHUNK bytes goes in one request, a larger one in pieces. Nothing
 * can be found under the version before all of it is there. The protocol has no "only if it is not
 * there": the version is asked for first, and two who publish different bytes under one new version
 * in the same moment are told apart by asking once more afterwards.
 *
 * Yanked versions are the annotations of a manifest with a tag of its own; and where a registry
 * does not keep what belongs to a manifest (referrers), an index with a tag made of the digest
 * does, as the specification has it.
 */
#include <stdlib.h>

#include "packages/index.h"
#include "packages/manifest.h"
#include "packages/oci.h"

#define TYPE_YANKED "application/vnd.loop.yanked.v0+json"

struct push {
    lp_oci *o;
    lp_arena *arena;
    const char *name;
    const char *scope;
    lp_push_progress *progress;
};

static void went(const struct push *p, uint64_t n)
{
    if (p->progress)
        p->progress->went(p->progress->data, n);
}

LOOP_PRINTF(2, 3)
static const char *text(lp_arena *arena, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    lp_auto(lp_free_string) char *s = lp_vformat(fmt, ap);
    va_end(ap);
    return lp_arena_strndup(arena, s, strlen(s));
}

/* ---- one blob ---- */

static loop_error *has_blob(const struct push *p, const char *digest, bool *ret)
{
    lp_oci_ask ask = {
        .scope = p->scope,
        .web = {.method = "HEAD", .url = lp_oci_url(p->o, p->arena, p->name, "blobs/%s", digest)}};
    loop_error *e = lp_oci_run_one(p->o, &ask);
    *ret = !e && ask.web.status == 200;
    if (!e && ask.web.status != 200 && ask.web.status != 404)
        e = lp_web_refused(&ask.web);
    lp_web_done(&ask.web);
    return e;
}

/* Where the upload goes on. */
static loop_error *next_place(const struct push *p, const lp_web_ask *ask, const char **ret)
{
    const char *location = lp_web_header(ask, "location");
    const char *url = location ? lp_web_absolute(p->arena, ask->url, location) : NULL;
    if (!url)
        return loop_error_new(LOOP_INVALID, "%s does not say where an upload goes", p->o->host);
    *ret = url;
    return NULL;
}

static loop_error *begin(const struct push *p, const char **ret_url)
{
    lp_oci_ask ask = {.scope = p->scope,
                      .web = {.method = "POST",
                              .url = lp_oci_url(p->o, p->arena, p->name, "blobs/uploads/"),
                              .max = LP_MAX_MANIFEST_BYTES}};
    loop_error *e = lp_oci_run_one(p->o, &ask);
    if (!e)
        e = ask.web.status == 202 ? next_place(p, &ask.web, ret_url) : lp_web_refused(&ask.web);
    lp_web_done(&ask.web);
    return e;
}

static loop_error *finish(const struct push *p, const char *url, const char *digest,
                          const void *bytes, size_t n)
{
    const char *whole = text(p->arena, "%s%cdigest=%s", url, strchr(url, '?') ? '&' : '?', digest);
    lp_oci_ask ask = {.scope = p->scope,
                      .web = {.method = "PUT",
                              .url = whole,
                              .send = bytes,
                              .send_size = n,
                              .max = LP_MAX_MANIFEST_BYTES}};
    loop_error *e = lp_oci_run_one(p->o, &ask);
    if (!e && ask.web.status != 201 && ask.web.status != 204)
        e = lp_web_refused(&ask.web);
    lp_web_done(&ask.web);
    return e;
}

/* A blob on its way, in pieces of at most LP_MAX_REGISTRY_CHUNK. */
struct upload {
    const struct push *p;
    const char *url;
    char *piece;
    size_t n;
    uint64_t sent;
};

static loop_error *send_piece(struct upload *u)
{
    const struct push *p = u->p;
    lp_oci_ask ask = {
        .scope = p->scope,
        .web = {.method = "PATCH",
                .url = u->url,
                .send = u->piece,
                .send_size = u->n,
                .max = LP_MAX_MANIFEST_BYTES,
                .headers = {text(p->arena, "Content-Range: %llu-%llu", (unsigned long long)u->sent,
                                 (unsigned long long)(u->sent + u->n - 1))}}};
    loop_error *e = lp_oci_run_one(p->o, &ask);
    if (!e)
        e = ask.web.status == 202 ? next_place(p, &ask.web, &u->url) : lp_web_refused(&ask.web);
    lp_web_done(&ask.web);
    if (!e) {
        went(p, u->n);
        u->sent += u->n;
        u->n = 0;
    }
    return e;
}

static loop_error *gather(void *data, const void *bytes, size_t n)
{
    struct upload *u = data;
    const char *at = bytes;
    while (n) {
        if (u->n == LP_MAX_REGISTRY_CHUNK) /* more is to come */
            LP_TRY(send_piece(u));
        size_t k = LP_MIN(n, LP_MAX_REGISTRY_CHUNK - u->n);
        memcpy(u->piece + u->n, at, k);
        u->n += k;
        at += k;
        n -= k;
    }
    return NULL;
}

static loop_error *send_blob(const struct push *p, lp_packed *package, const char *digest)
{
    struct upload u = {.p = p};
    LP_TRY(begin(p, &u.url));
    u.piece = lp_alloc(LP_MAX_REGISTRY_CHUNK);
    loop_error *e = lp_packed_blob(package, digest, &u, gather);
    if (!e && u.sent) /* the last piece as one more, then its name */
        e = send_piece(&u);
    if (!e)
        e = finish(p, u.url, digest, u.piece, u.n);
    if (!e)
        went(p, u.n);
    free(u.piece);
    return e;
}

static loop_error *put_blob(const struct push *p, lp_packed *package, const lp_blob *blob)
{
    bool there = false;
    LP_TRY(has_blob(p, blob->digest, &there));
    if (!there)
        return send_blob(p, package, blob->digest);
    went(p, blob->size);
    return NULL;
}

static loop_error *put_bytes(const struct push *p, const void *bytes, size_t n,
                             char ret_digest[LOOP_SHA256_TEXT])
{
    bool there = false;
    const char *url;
    lp_sha256_of(bytes, n, ret_digest);
    LP_TRY(has_blob(p, ret_digest, &there));
    if (there)
        return NULL;
    LP_TRY(begin(p, &url));
    return finish(p, url, ret_digest, bytes, n);
}

/* ---- manifests ---- */

/* *ret_referrers: the registry keeps what belongs to another manifest by itself. */
static loop_error *put_manifest(const struct push *p, const char *reference, const char *type,
                                const void *bytes, size_t n, bool *ret_referrers)
{
    lp_oci_ask ask = {.scope = p->scope,
                      .web = {.method = "PUT",
                              .url = lp_oci_url(p->o, p->arena, p->name, "manifests/%s", reference),
                              .headers = {text(p->arena, "Content-Type: %s", type)},
                              .send = bytes,
                              .send_size = n,
                              .max = LP_MAX_MANIFEST_BYTES}};
    loop_error *e = lp_oci_run_one(p->o, &ask);
    if (!e && ask.web.status != 201)
        e = lp_web_refused(&ask.web);
    if (!e && ret_referrers)
        *ret_referrers = lp_web_header(&ask.web, "oci-subject") != NULL;
    lp_web_done(&ask.web);
    return e;
}

static loop_error *add_to(void *data, const void *bytes, size_t n)
{
    lp_buf_add(data, bytes, n);
    return NULL;
}

const char *lp_oci_referrers_tag(lp_arena *arena, const char *digest)
{
    return text(arena, "sha256-%s", digest + strlen("sha256:"));
}

/* Adds a manifest to the index under the tag of its subject. */
static loop_error *note_referrer(const struct push *p, const lp_packed_item *item)
{
    const char *bytes, *tag = lp_oci_referrers_tag(p->arena, item->subject);
    size_t n = 0, place;
    char digest[LOOP_SHA256_TEXT];
    lp_auto(lp_json_free) json_t *root = NULL;
    LP_TRY(lp_oci_manifest(p->o, p->arena, p->name, tag, true, &bytes, &n, digest));
    if (bytes)
        LP_TRY(lp_json_parse("the list of what belongs to it", bytes, n, &root));
    else
        root = json_pack("{s:i, s:s, s:[]}", "schemaVersion", 2, "mediaType", LP_MEDIA_INDEX,
                         "manifests");
    json_t *list = json_object_get(root, "manifests"), *d;
    if (!json_is_array(list) || json_array_size(list) >= LP_MAX_PACKAGE_REFERRERS)
        return loop_error_new(LOOP_LIMIT, "the list of what belongs to %s is full, or none",
                              item->subject);
    json_array_foreach(list, place, d)
    {
        const char *there = lp_json_text(d, "digest");
        if (there && strcmp(there, item->self.digest) == 0)
            return NULL;
    }
    json_array_append_new(list,
                          json_pack("{s:s, s:s, s:I, s:s}", "mediaType", item->self.media_type,
                                    "digest", item->self.digest, "size",
                                    (json_int_t)item->self.size, "artifactType", item->type));
    char *whole = json_dumps(root, JSON_COMPACT);
    loop_error *e = put_manifest(p, tag, LP_MEDIA_INDEX, whole, strlen(whole), NULL);
    free(whole);
    return e;
}

static loop_error *put_item(const struct push *p, lp_packed *package, const lp_packed_item *item,
                            const char *tag)
{
    for (size_t k = 0; k < item->count; k++)
        LP_TRY(put_blob(p, package, &item->blobs[k]));
    lp_buf bytes = {0};
    bool referrers = false;
    loop_error *e = lp_packed_blob(package, item->self.digest, &bytes, add_to);
    if (!e)
        e = put_manifest(p, tag ? tag : item->self.digest, item->self.media_type, bytes.ptr,
                         bytes.len, &referrers);
    lp_buf_done(&bytes);
    if (!e)
        went(p, item->self.size);
    if (!e && *item->subject && !referrers)
        e = note_referrer(p, item);
    return e;
}

/* Whether the version is there: *ret_same; with other bytes it is refused. */
static loop_error *is_there(const struct push *p, const char *version, const lp_manifest *m,
                            bool *ret_same)
{
    const char *bytes;
    size_t n;
    char digest[LOOP_SHA256_TEXT];
    LP_TRY(lp_oci_manifest(p->o, p->arena, p->name, lp_oci_tag(p->arena, version), true, &bytes, &n,
                           digest));
    *ret_same = bytes && strcmp(digest, m->digest) == 0;
    return bytes && !*ret_same ? lp_registry_other_bytes(p->name, version, digest) : NULL;
}

static loop_error *put_package(const struct push *p, const char *version, lp_packed *package)
{
    const lp_manifest *m = lp_packed_manifest(package);
    const lp_packed_item *item;
    bool same = false;
    LP_TRY(is_there(p, version, m, &same));
    if (same)
        went(p, m->size + m->config_size + m->len);
    for (size_t i = 1; (item = lp_packed_item_at(package, i)); i++)
        LP_TRY(put_item(p, package, item, NULL));
    if (same)
        return NULL;
    /* The package itself comes last: who finds it, finds its signatures. */
    LP_TRY(put_item(p, package, lp_packed_item_at(package, 0), lp_oci_tag(p->arena, version)));
    return is_there(p, version, m, &same);
}

loop_error *lp_oci_push(void *self, const char *name, const char *version, lp_packed *package,
                        lp_push_progress *progress)
{
    lp_arena arena = {0};
    struct push p = {.o = self, .arena = &arena, .name = name, .progress = progress};
    loop_error *e = lp_oci_find(self);
    p.scope = lp_oci_scope(self, &arena, name, true);
    if (!e)
        e = put_package(&p, version, package);
    lp_arena_done(&arena);
    return e;
}

/* ---- yanking ---- */

/* The manifest of yanked versions: the one that is there, or a new one. */
static loop_error *yanked_manifest(const struct push *p, json_t **ret)
{
    const char *bytes;
    size_t n;
    char digest[LOOP_SHA256_TEXT];
    LP_TRY(lp_oci_manifest(p->o, p->arena, p->name, LP_OCI_YANKED_TAG, true, &bytes, &n, digest));
    if (bytes)
        return lp_json_parse("the list of yanked versions", bytes, n, ret);
    LP_TRY(put_bytes(p, LP_EMPTY_BYTES, strlen(LP_EMPTY_BYTES), digest));
    json_t *empty = json_pack("{s:s, s:s, s:i}", "mediaType", LP_MEDIA_EMPTY, "digest", digest,
                              "size", (int)strlen(LP_EMPTY_BYTES));
    *ret = json_pack("{s:i, s:s, s:s, s:O, s:[o], s:{}}", "schemaVersion", 2, "mediaType",
                     LP_MEDIA_MANIFEST, "artifactType", TYPE_YANKED, "config", empty, "layers",
                     empty, "annotations");
    return NULL;
}

static loop_error *mark(const struct push *p, const char *version, const char *reason)
{
    const char *bytes;
    size_t n;
    char digest[LOOP_SHA256_TEXT];
    lp_auto(lp_json_free) json_t *root = NULL;
    LP_TRY(lp_oci_manifest(p->o, p->arena, p->name, lp_oci_tag(p->arena, version), true, &bytes, &n,
                           digest));
    if (!bytes)
        return loop_error_new(LOOP_NOT_FOUND, "there is no %s %s", p->name, version);
    LP_TRY(yanked_manifest(p, &root));
    json_t *notes = json_object_get(root, "annotations");
    if (!json_is_object(notes)) {
        notes = json_object();
        json_object_set_new(root, "annotations", notes);
    }
    if (reason)
        json_object_set_new(notes, version, json_string(reason));
    else
        json_object_del(notes, version);
    char *whole = json_dumps(root, JSON_COMPACT);
    loop_error *e =
        put_manifest(p, LP_OCI_YANKED_TAG, LP_MEDIA_MANIFEST, whole, strlen(whole), NULL);
    free(whole);
    return e;
}

loop_error *lp_oci_yank(void *self, const char *name, const char *version, const char *reason)
{
    lp_arena arena = {0};
    struct push p = {.o = self, .arena = &arena, .name = name};
    loop_error *e = lp_oci_find(self);
    p.scope = lp_oci_scope(self, &arena, name, true);
    if (!e)
        e = mark(&p, version, reason);
    lp_arena_done(&arena);
    return e;
}
