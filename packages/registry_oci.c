/*
 * packages/registry_oci.c: an OCI registry (the distribution specification 1.1), as docker's and
 * others are, and where wkg keeps packages: repository PREFIX/acme/ui, a tag a version.
 *
 * Looking up takes the list of tags, and the manifest of each version that is new since the last
 * time: it has the digest and what the version needs. A tag that is no version, a manifest that is
 * no component (an image of the same repository), and a tag whose manifest says another name or
 * version (an alias) are passed over. What a registry says that bytes are (Docker-Content-Digest)
 * is compared with the bytes, and never used without.
 *
 * A name that is a host is asked once for /.well-known/wasm-pkg/registry.json, as wkg does, which
 * may name another registry and a prefix.
 */
#include <ctype.h>
#include <stdlib.h>

#include "base/os/os.h"
#include "packages/index.h"
#include "packages/manifest.h"
#include "packages/oci.h"

#define FRESH_S 60
#define TAGS_A_PAGE 1000
#define AT_ONCE 32 /* answers that are held at a time: each may be as large as it may be */

static const char accept_manifest[] = "Accept: " LP_MEDIA_MANIFEST;

/* ---- where it is ---- */

static const char *keep(lp_arena *arena, const char *s)
{
    return lp_arena_strndup(arena, s, strlen(s));
}

LOOP_PRINTF(2, 3)
static const char *keep_format(lp_arena *arena, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    lp_auto(lp_free_string) char *text = lp_vformat(fmt, ap);
    va_end(ap);
    return keep(arena, text);
}

static void set_place(lp_oci *o, const char *host, const char *prefix)
{
    o->host = keep(&o->arena, host);
    o->prefix = keep(&o->arena, prefix);
    o->base = keep_format(&o->arena, "http%s://%s", o->options->plain_http ? "" : "s", host);
}

static loop_error *open_oci(const lp_registry_options *options, void **ret_self)
{
    lp_oci *o = lp_alloc(sizeof *o);
    o->options = options;
    o->web = (lp_web){.cancelled = options->cancelled, .data = options->data};
    set_place(o, options->location, options->prefix);
    o->found = !options->well_known;
    *ret_self = o;
    return NULL;
}

static void close_oci(void *self)
{
    lp_oci *o = self;
    lp_oci_tokens_done(o);
    lp_arena_done(&o->arena);
    free(o);
}

static bool is_text_of(const char *s, const char *letters)
{
    return s && strlen(s) <= LP_MAX_NAME && !s[strspn(s, letters)];
}

static loop_error *take_metadata(lp_oci *o, const lp_web_ask *ask)
{
    lp_auto(lp_json_free) json_t *root = NULL;
    LP_TRY(lp_json_parse(ask->url, ask->body.ptr, ask->body.len, &root));
    const char *wants = lp_json_text(root, "preferredProtocol");
    const json_t *own = json_object_get(root, "oci");
    if (wants && strcmp(wants, "oci") != 0)
        return loop_error_new(LOOP_UNAVAILABLE,
                              "it speaks '%.32s', and loop speaks 'oci' with such a registry",
                              wants);
    const char *host = lp_json_text(own, "registry");
    const char *prefix = lp_json_text(own, "namespacePrefix");
    host = host ? host : lp_json_text(root, "ociRegistry");
    prefix = prefix ? prefix : lp_json_text(root, "ociNamespacePrefix");
    host = host ? host : o->host;
    prefix = prefix ? prefix : "";
    if (!is_text_of(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") ||
        !*host || !is_text_of(prefix, "abcdefghijklmnopqrstuvwxyz0123456789._-/") ||
        strstr(prefix, "..") || prefix[0] == '/')
        return loop_error_new(LOOP_INVALID, "%s names a registry that is none", ask->url);
    set_place(o, host, prefix);
    return NULL;
}

loop_error *lp_oci_find(lp_oci *o)
{
    if (o->found)
        return NULL;
    lp_auto(lp_free_string) char *url = lp_format("%s/.well-known/wasm-pkg/registry.json", o->base);
    lp_web_ask ask = {.url = url, .max = LP_MAX_MANIFEST_BYTES};
    loop_error *e = lp_web_run_one(&o->web, &ask);
    if (!e && ask.status == 200)
        e = take_metadata(o, &ask);
    else if (!e && ask.status != 404) /* none: the host is the registry */
        e = lp_web_refused(&ask);
    lp_web_done(&ask);
    o->found = !e;
    return e;
}

const char *lp_oci_repository(lp_oci *o, lp_arena *arena, const char *name)
{
    lp_auto(lp_free_string) char *path = lp_registry_folder_of(name);
    return keep_format(arena, "%s%s", o->prefix, path);
}

const char *lp_oci_scope(lp_oci *o, lp_arena *arena, const char *name, bool push)
{
    return keep_format(arena, "repository:%s:pull%s", lp_oci_repository(o, arena, name),
                       push ? ",push" : "");
}

const char *lp_oci_url(lp_oci *o, lp_arena *arena, const char *name, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    lp_auto(lp_free_string) char *rest = lp_vformat(fmt, ap);
    va_end(ap);
    return keep_format(arena, "%s/v2/%s/%s", o->base, lp_oci_repository(o, arena, name), rest);
}

const char *lp_oci_tag(lp_arena *arena, const char *version)
{
    char *tag = lp_arena_strndup(arena, version, strlen(version));
    for (char *c = tag; *c; c++)
        *c = *c == '+' ? '_' : *c;
    return tag;
}

/* ---- manifests ---- */

loop_error *lp_oci_check_digest(const lp_web_ask *ask, const char *reference,
                                char ret_digest[LOOP_SHA256_TEXT])
{
    lp_sha256_of(ask->body.ptr ? ask->body.ptr : "", ask->body.len, ret_digest);
    const char *said = lp_web_header(ask, "docker-content-digest");
    const char *wanted = lp_digest_is(reference) ? reference : NULL;
    if (wanted && strcmp(wanted, ret_digest) != 0)
        return loop_error_new(LOOP_INVALID, "the bytes of the manifest %s have the digest %s",
                              wanted, ret_digest);
    if (said && strncmp(said, "sha256:", 7) == 0 && strcmp(said, ret_digest) != 0)
        return loop_error_new(
            LOOP_INVALID,
            "the manifest '%s' is damaged: the registry says that it is %.80s, and "
            "its bytes are %s",
            reference, said, ret_digest);
    return NULL;
}

loop_error *lp_oci_manifest(lp_oci *o, lp_arena *arena, const char *name, const char *reference,
                            bool push, const char **ret_bytes, size_t *ret_n,
                            char ret_digest[LOOP_SHA256_TEXT])
{
    lp_oci_ask ask = {.scope = lp_oci_scope(o, arena, name, push),
                      .web = {.url = lp_oci_url(o, arena, name, "manifests/%s", reference),
                              .headers = {accept_manifest, "Accept: " LP_MEDIA_INDEX},
                              .max = LP_MAX_MANIFEST_BYTES}};
    loop_error *e = lp_oci_run_one(o, &ask);
    if (!e && ask.web.status == 200) {
        e = lp_oci_check_digest(&ask.web, reference, ret_digest);
        if (!e) {
            *ret_n = ask.web.body.len;
            *ret_bytes = lp_arena_strndup(arena, ask.web.body.len ? ask.web.body.ptr : "", *ret_n);
        }
    } else if (!e && ask.web.status == 404) {
        *ret_bytes = NULL;
    } else if (!e) {
        e = lp_web_refused(&ask.web);
    }
    lp_web_done(&ask.web);
    return e;
}

/* ---- tags ---- */

loop_error *lp_oci_tags_parse(lp_arena *arena, const char *url, const void *bytes, size_t len,
                              lp_oci_tags *t)
{
    lp_auto(lp_json_free) json_t *root = NULL;
    LP_TRY(lp_json_parse("the list of tags", bytes, len, &root));
    const json_t *list = json_object_get(root, "tags");
    size_t place;
    json_t *tag;
    if (!json_is_object(root) || (list && !json_is_array(list) && !json_is_null(list)))
        return loop_error_new(LOOP_INVALID, "%s is no list of tags", url);
    json_array_foreach(list, place, tag)
    {
        const char *text = json_string_value(tag);
        if (!text || strlen(text) > LP_MAX_VERSION_TEXT)
            continue;
        t->yanked = t->yanked || strcmp(text, LP_OCI_YANKED_TAG) == 0;
        char *version = lp_arena_strndup(arena, text, strlen(text));
        for (char *c = version; *c; c++)
            *c = *c == '_' ? '+' : *c;
        lp_version v;
        loop_error *none = lp_version_parse(arena, version, &v);
        loop_error_delete(none);
        if (none)
            continue;
        if (t->n >= LP_MAX_PACKAGE_VERSIONS)
            return loop_error_new(LOOP_LIMIT, "%s has more than %d versions", url,
                                  LP_MAX_PACKAGE_VERSIONS);
        *lp_push(t) = version;
    }
    return NULL;
}

/* `link` is </v2/...?last=x>; rel="next", or NULL. */
loop_error *lp_oci_next_page(lp_arena *arena, const char *url, const char *link, const char **ret)
{
    const char *open = link ? strchr(link, '<') : NULL, *close = open ? strchr(open, '>') : NULL;
    *ret = NULL;
    if (!close || !strstr(close, "next"))
        return NULL;
    const char *path = lp_arena_strndup(arena, open + 1, (size_t)(close - open - 1));
    const char *next = lp_web_absolute(arena, url, path);
    if (!next || !lp_web_same_host(next, url))
        return loop_error_new(LOOP_INVALID, "the list of tags goes on at another place: '%.100s'",
                              path);
    *ret = next;
    return NULL;
}

static loop_error *take_page(lp_arena *arena, const lp_web_ask *ask, lp_oci_tags *t,
                             const char **ret_next)
{
    LP_TRY(lp_oci_tags_parse(arena, ask->url, ask->body.ptr, ask->body.len, t));
    return lp_oci_next_page(arena, ask->url, lp_web_header(ask, "link"), ret_next);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each once: pages overlap where somebody publishes meanwhile. */
static void keep_each_once(lp_oci_tags *t)
{
    size_t n = 0;
    if (t->n)
        qsort(t->at, t->n, sizeof *t->at, by_text);
    for (size_t i = 0; i < t->n; i++)
        if (!n || strcmp(t->at[n - 1], t->at[i]) != 0)
            t->at[n++] = t->at[i];
    t->n = n;
}

/* A list, from its first page on. */
static loop_error *all_pages(lp_oci *o, lp_arena *arena, const lp_oci_ask *first, lp_oci_tags *t)
{
    const char *url;
    LP_TRY(take_page(arena, &first->web, t, &url));
    for (unsigned page = 1; url; page++) {
        if (page >= LP_MAX_REGISTRY_PAGES)
            return loop_error_new(LOOP_LIMIT, "the list of tags has no end: more than %d pages",
                                  LP_MAX_REGISTRY_PAGES);
        lp_oci_ask ask = {.scope = first->scope, .web = {.url = url, .max = LP_MAX_JSON_BYTES}};
        loop_error *e = lp_oci_run_one(o, &ask);
        if (!e)
            e = ask.web.status == 200 ? take_page(arena, &ask.web, t, &url)
                                      : lp_web_refused(&ask.web);
        lp_web_done(&ask.web);
        LP_TRY(e);
    }
    keep_each_once(t);
    return NULL;
}

/* ---- versions ---- */

static const lp_release *known(const lp_question *q, const char *version)
{
    for (size_t i = 0; i < q->known_count; i++)
        if (strcmp(q->known[i].version, version) == 0)
            return &q->known[i];
    return NULL;
}

/* Whether a manifest is of a component at all: an image is none of our business. */
static bool is_component(const lp_web_ask *ask)
{
    lp_arena arena = {0};
    lp_artifact a;
    loop_error *e = lp_artifact_parse(&arena, ask->body.ptr, ask->body.len, &a);
    bool other = !e && strcmp(a.config.media_type, LP_MEDIA_CONFIG) != 0 &&
                 strcmp(a.config.media_type, LP_MEDIA_WASM) != 0;
    loop_error_delete(e);
    lp_arena_done(&arena);
    return !other;
}

/* *ret_is: it is this version of this package. */
static loop_error *take_manifest(lp_arena *arena, const lp_web_ask *ask, const char *name,
                                 const char *version, lp_release *ret, bool *ret_is)
{
    char digest[LOOP_SHA256_TEXT];
    lp_arena own = {0}; /* of which little is kept */
    lp_manifest m;
    LP_TRY(lp_oci_check_digest(ask, version, digest));
    *ret_is = is_component(ask);
    if (!*ret_is)
        return NULL;
    loop_error *e = lp_manifest_parse(&own, ask->body.ptr, ask->body.len, &m);
    *ret_is = !e && (!*m.name || strcmp(m.name, name) == 0) &&
              (!*m.version || strcmp(m.version, version) == 0);
    if (*ret_is)
        *ret = lp_release_copy(arena, &(lp_release){.version = version,
                                                    .digest = digest,
                                                    .content = m.content,
                                                    .size = m.size,
                                                    .requires = m.requires,
                                                    .requires_count = m.requires_count});
    lp_arena_done(&own);
    return e;
}

/* Some versions of one package, at most AT_ONCE, all at a time. */
static loop_error *ask_some(lp_oci *o, lp_arena *arena, const lp_question *q,
                            const char *const *versions, size_t count, lp_release *list, size_t *n)
{
    lp_oci_ask asks[AT_ONCE];
    const char *scope = lp_oci_scope(o, arena, q->name, false);
    for (size_t i = 0; i < count; i++)
        asks[i] = (lp_oci_ask){.scope = scope,
                               .web = {.url = lp_oci_url(o, arena, q->name, "manifests/%s",
                                                         lp_oci_tag(arena, versions[i])),
                                       .headers = {accept_manifest},
                                       .max = LP_MAX_MANIFEST_BYTES}};
    lp_oci_run(o, asks, count);
    loop_error *e = NULL;
    for (size_t i = 0; i < count; i++) {
        lp_web_ask *ask = &asks[i].web;
        bool is = false;
        if (!e)
            e = lp_take(&ask->error);
        if (!e && ask->status == 200)
            e = take_manifest(arena, ask, q->name, versions[i], &list[*n], &is);
        else if (!e && ask->status != 404) /* a tag that went meanwhile */
            e = lp_web_refused(ask);
        if (e && loop_error_code(e) == LOOP_INVALID)
            e = loop_error_wrap(e, "%s %s is wrong", q->name, versions[i]);
        *n += is;
        lp_web_done(ask);
    }
    return e;
}

/* What is known of the versions of one package; those that are new are asked for. */
static loop_error *ask_versions(lp_oci *o, lp_arena *arena, const lp_question *q,
                                const lp_oci_tags *t, lp_release *list, size_t *n)
{
    const char **versions = lp_alloc((t->n + 1) * sizeof *versions);
    size_t new = 0;
    for (size_t i = 0; i < t->n; i++) {
        const lp_release *old = known(q, t->at[i]);
        if (old) {
            list[*n] = lp_release_copy(arena, old);
            list[(*n)++].yanked = NULL;
        } else {
            versions[new ++] = t->at[i];
        }
    }
    loop_error *e = NULL;
    for (size_t i = 0; !e && i < new; i += AT_ONCE)
        e = ask_some(o, arena, q, versions + i, LP_MIN(new - i, (size_t)AT_ONCE), list, n);
    free(versions);
    return e;
}

static loop_error *mark_yanked(lp_oci *o, lp_arena *arena, const char *name, lp_release *list,
                               size_t n)
{
    const char *bytes;
    size_t len;
    char digest[LOOP_SHA256_TEXT];
    lp_auto(lp_json_free) json_t *root = NULL;
    LP_TRY(lp_oci_manifest(o, arena, name, LP_OCI_YANKED_TAG, false, &bytes, &len, digest));
    if (!bytes)
        return NULL;
    LP_TRY(lp_json_parse("the list of yanked versions", bytes, len, &root));
    const json_t *notes = json_object_get(root, "annotations");
    for (size_t i = 0; i < n; i++) {
        const char *reason = lp_json_text(notes, list[i].version);
        list[i].yanked =
            reason ? lp_arena_strndup(arena, reason, strnlen(reason, LP_MAX_PACKAGE_TEXT)) : NULL;
    }
    return NULL;
}

static loop_error *answer(lp_oci *o, lp_arena *arena, const lp_question *q, const lp_oci_ask *first,
                          lp_package_info *ret)
{
    lp_oci_tags t = {0};
    *ret = (lp_package_info){.fresh_for_s = FRESH_S};
    if (first->web.status == 404)
        return NULL;
    if (first->web.status != 200)
        return lp_web_refused(&first->web);
    loop_error *e = all_pages(o, arena, first, &t);
    lp_release *list = lp_arena_alloc(arena, (t.n + 1) * sizeof *list);
    size_t n = 0;
    if (!e)
        e = ask_versions(o, arena, q, &t, list, &n);
    if (!e && t.yanked)
        e = mark_yanked(o, arena, q->name, list, n);
    free(t.at);
    LP_TRY(e);
    lp_release_sort(list, n);
    ret->releases = list;
    ret->count = n;
    return NULL;
}

/* At most AT_ONCE questions. */
static loop_error *look_up(lp_oci *o, const lp_question *questions, size_t n, lp_arena *arena,
                           lp_package_info *ret)
{
    lp_oci_ask asks[AT_ONCE];
    for (size_t i = 0; i < n; i++)
        asks[i] = (lp_oci_ask){
            .scope = lp_oci_scope(o, arena, questions[i].name, false),
            .web = {.url = lp_oci_url(o, arena, questions[i].name, "tags/list?n=%d", TAGS_A_PAGE),
                    .max = LP_MAX_JSON_BYTES}};
    lp_oci_run(o, asks, n);
    loop_error *e = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!e)
            e = lp_take(&asks[i].web.error);
        if (!e)
            e = answer(o, arena, &questions[i], &asks[i], &ret[i]);
        lp_web_done(&asks[i].web);
    }
    return e;
}

static loop_error *lookup(void *self, const lp_question *questions, size_t n, lp_arena *arena,
                          lp_package_info *ret)
{
    LP_TRY(lp_oci_find(self));
    for (size_t i = 0; i < n; i += AT_ONCE)
        LP_TRY(look_up(self, questions + i, LP_MIN(n - i, (size_t)AT_ONCE), arena, ret + i));
    return NULL;
}

/* ---- bytes ---- */

static loop_error *fetch_manifest(lp_oci *o, lp_arena *arena, const char *name, const char *digest,
                                  void *data,
                                  loop_error *(*take)(void *data, const void *bytes, size_t n))
{
    const char *bytes;
    size_t n;
    char found[LOOP_SHA256_TEXT];
    LP_TRY(lp_oci_manifest(o, arena, name, digest, false, &bytes, &n, found));
    if (!bytes)
        return loop_error_new(LOOP_NOT_FOUND, "%s has no manifest %s of '%s'", o->host, digest,
                              name);
    return take(data, bytes, n);
}

static loop_error *fetch_blob(lp_oci *o, lp_arena *arena, const char *name, const char *digest,
                              uint64_t offset, uint64_t *ret_total, void *data,
                              loop_error *(*take)(void *data, const void *bytes, size_t n))
{
    lp_oci_ask ask = {.scope = lp_oci_scope(o, arena, name, false),
                      .web = {.url = lp_oci_url(o, arena, name, "blobs/%s", digest)}};
    loop_error *e = NULL;
    for (unsigned try = 0; try < 2; try++) {
        lp_oci_use_token(o, &ask);
        e = lp_web_fetch(&o->web, &ask.web, offset, ret_total, data, take);
        if (!e || ask.web.status != 401 || try)
            break;
        loop_error_delete(e);
        e = lp_oci_authorize(o, &ask);
        if (e)
            break;
    }
    lp_web_done(&ask.web);
    return e;
}

static loop_error *fetch(void *self, const char *name, const char *digest, lp_blob_kind kind,
                         uint64_t offset, uint64_t *ret_total, void *data,
                         loop_error *(*take)(void *data, const void *bytes, size_t n))
{
    lp_oci *o = self;
    lp_arena arena = {0};
    loop_error *e = lp_oci_find(o);
    if (!e && kind == LP_BLOB_MANIFEST)
        e = offset ? loop_error_new(LOOP_USAGE, "a manifest comes whole")
                   : fetch_manifest(o, &arena, name, digest, data, take);
    else if (!e)
        e = fetch_blob(o, &arena, name, digest, offset, ret_total, data, take);
    lp_arena_done(&arena);
    return e;
}

/* ---- what belongs to a manifest ---- */

static loop_error *read_referrers(lp_arena *arena, const char *bytes, size_t n, const lp_blob **ret,
                                  size_t *ret_n)
{
    lp_auto(lp_json_free) json_t *root = NULL;
    LP_TRY(lp_json_parse("the list of what belongs to it", bytes, n, &root));
    const json_t *list = json_object_get(root, "manifests");
    size_t count = LP_MIN(json_array_size(list), (size_t)LP_MAX_PACKAGE_REFERRERS), k = 0;
    lp_blob *blobs = lp_arena_alloc(arena, (count + 1) * sizeof *blobs);
    for (size_t i = 0; i < count; i++) {
        const json_t *d = json_array_get(list, i);
        const char *digest = lp_json_text(d, "digest"), *type = lp_json_text(d, "artifactType");
        json_int_t size = json_integer_value(json_object_get(d, "size"));
        type = type ? type : lp_json_text(d, "mediaType");
        if (!digest || !lp_digest_is(digest) || size < 1 || size > LP_MAX_MANIFEST_BYTES)
            continue;
        blobs[k++] = (lp_blob){keep(arena, digest), keep(arena, type ? type : ""), (uint64_t)size};
    }
    *ret = blobs;
    *ret_n = k;
    return NULL;
}

static loop_error *referrers(void *self, const char *name, const char *digest, lp_arena *arena,
                             const lp_blob **ret, size_t *ret_n)
{
    lp_oci *o = self;
    LP_TRY(lp_oci_find(o));
    lp_oci_ask ask = {.scope = lp_oci_scope(o, arena, name, false),
                      .web = {.url = lp_oci_url(o, arena, name, "referrers/%s", digest),
                              .max = LP_MAX_JSON_BYTES}};
    loop_error *e = lp_oci_run_one(o, &ask);
    bool has = !e && ask.web.status == 200;
    if (has)
        e = read_referrers(arena, ask.web.body.ptr, ask.web.body.len, ret, ret_n);
    lp_web_done(&ask.web);
    if (e || has)
        return e;
    /* A registry without that: a tag made of the digest has the list. */
    const char *bytes, *tag = lp_oci_referrers_tag(arena, digest);
    size_t n;
    char found[LOOP_SHA256_TEXT];
    LP_TRY(lp_oci_manifest(o, arena, name, tag, false, &bytes, &n, found));
    *ret_n = 0;
    return bytes ? read_referrers(arena, bytes, n, ret, ret_n) : NULL;
}

const lp_registry_kind lp_registry_oci = {
    .name = "oci",
    .open = open_oci,
    .close = close_oci,
    .lookup = lookup,
    .referrers = referrers,
    .fetch = fetch,
    .push = lp_oci_push,
    .yank = lp_oci_yank,
};
