/*
 * packages/signatures.c: the signatures that packages carry, and the hook that looks at them.
 *
 * A signature is a manifest of its own (LP_TYPE_SIGNATURE) whose `subject` is the package's and
 * whose one layer is the text that `loop sign` wrote. It lies beside the package in an archive, and
 * at a registry among what refers to the package. Nothing of it is believed here: who is trusted to
 * have signed what is the hook's to say (trust/keys_check.c), which asks for the texts.
 *
 * What a registry said is noted in the cache, so that a run needs no network. A note may be old, or
 * gone; then the hook refuses for want of a signature, and an install asks again.
 */
#include <stdlib.h>

#include "base/os/os.h"
#include "packages/json.h"
#include "packages/layout.h"
#include "packages/registry.h"

/* What loop_package_signatures works with. */
struct loop_package_source {
    loop_packages *p;
    const lp_origin *from;
    const char *name, *digest;
    lp_arena *arena;
};

static const char *const nothing[] = {NULL};

/* A growing list of texts in an arena, each of them once. */
struct texts {
    const char *at[LP_MAX_SIGNATURES + 1];
    size_t n, seen; /* `seen`: those that were listed twice, too, since each is fetched */
};

static bool has_text(const struct texts *t, const char *bytes, size_t n)
{
    for (size_t i = 0; i < t->n; i++)
        if (strlen(t->at[i]) == n && memcmp(t->at[i], bytes, n) == 0)
            return true;
    return false;
}

static loop_error *add_text(struct texts *t, lp_arena *arena, const char *bytes, size_t n)
{
    if (t->seen++ == LP_MAX_SIGNATURES)
        return loop_error_new(LOOP_LIMIT, "it has more than %d signatures", LP_MAX_SIGNATURES);
    if (n > LP_MAX_SIGNATURE_BYTES)
        return loop_error_new(LOOP_LIMIT, "a signature of it has more than %d bytes",
                              LP_MAX_SIGNATURE_BYTES);
    if (memchr(bytes, 0, n))
        return loop_error_new(LOOP_INVALID, "a signature of it is no text");
    if (!has_text(t, bytes, n)) /* a registry may list one twice; an archive has it once */
        t->at[t->n++] = lp_arena_strndup(arena, bytes, n);
    return NULL;
}

static const char *const *take_texts(const struct texts *t, lp_arena *arena)
{
    return lp_arena_list(arena, t->at);
}

/* ---- of an archive ---- */

static loop_error *gather(void *data, const void *bytes, size_t n)
{
    lp_buf_add(data, bytes, n);
    return NULL;
}

/* Its config is the empty one, its layer the signature. */
static loop_error *read_item(lp_packed *p, const lp_packed_item *item, lp_arena *arena,
                             struct texts *t)
{
    lp_buf bytes = {0};
    if (item->count != 2)
        return loop_error_new(LOOP_INVALID, "a signature of it has %zu layers, not one",
                              item->count - 1);
    if (item->blobs[1].size > LP_MAX_SIGNATURE_BYTES)
        return add_text(t, arena, "", (size_t)item->blobs[1].size);
    loop_error *e = lp_packed_blob(p, item->blobs[1].digest, &bytes, gather);
    if (!e)
        e = add_text(t, arena, bytes.ptr ? bytes.ptr : "", bytes.len);
    lp_buf_done(&bytes);
    return e;
}

loop_error *lp_signatures_packed(lp_packed *p, lp_arena *arena, const char *const **ret)
{
    struct texts t = {0};
    const lp_packed_item *item;
    for (size_t i = 1; (item = lp_packed_item_at(p, i)); i++)
        if (strcmp(item->type, LP_TYPE_SIGNATURE) == 0)
            LP_TRY(read_item(p, item, arena, &t));
    *ret = take_texts(&t, arena);
    return NULL;
}

/* ---- of a registry ---- */

static loop_error *read_file(lp_arena *arena, const char *path, size_t max, const char **ret,
                             size_t *ret_n)
{
    uint8_t *bytes;
    LP_TRY(lp_os_read_file(path, max, &bytes, ret_n));
    *ret = lp_arena_strndup(arena, (const char *)bytes, *ret_n);
    free(bytes);
    return NULL;
}

/* One manifest that is said to be a signature, and its text. */
static loop_error *fetch_one(lp_registry *r, const char *name, const char *digest,
                             const lp_blob *manifest, lp_arena *arena, struct texts *t)
{
    lp_auto(lp_free_string) char *path = NULL, *layer = NULL;
    lp_auto(lp_free_string) char *what = lp_format("the signature of %s", name);
    lp_artifact a;
    const char *bytes;
    size_t n;
    LP_TRY(lp_registry_fetch(r, name, manifest->digest, LP_BLOB_MANIFEST, manifest->size, what,
                             &path));
    LP_TRY(read_file(arena, path, LP_MAX_MANIFEST_BYTES, &bytes, &n));
    LP_TRY(lp_artifact_parse(arena, bytes, n, &a));
    if (strcmp(a.subject, digest) != 0 || strcmp(a.type, LP_TYPE_SIGNATURE) != 0)
        return NULL; /* of something else, whatever the list says */
    if (a.layers_count != 1)
        return loop_error_new(LOOP_INVALID, "a signature of it has %zu layers, not one",
                              a.layers_count);
    if (a.layers[0].size > LP_MAX_SIGNATURE_BYTES)
        return add_text(t, arena, "", (size_t)a.layers[0].size);
    LP_TRY(lp_registry_fetch(r, name, a.layers[0].digest, LP_BLOB_DATA, a.layers[0].size, what,
                             &layer));
    LP_TRY(read_file(arena, layer, LP_MAX_SIGNATURE_BYTES, &bytes, &n));
    return add_text(t, arena, bytes, n);
}

static loop_error *ask(lp_registry *r, const char *name, const char *digest, lp_arena *arena,
                       struct texts *t)
{
    const lp_blob *list = NULL;
    size_t n = 0;
    LP_TRY(lp_registry_open(r));
    if (r->kind->referrers)
        LP_TRY(r->kind->referrers(r->self, name, digest, arena, &list, &n));
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].media_type, LP_TYPE_SIGNATURE) == 0)
            LP_TRY(fetch_one(r, name, digest, &list[i], arena, t));
    return NULL;
}

loop_error *lp_signatures_asked(lp_registry *r, const char *name, const char *digest,
                                lp_arena *arena, const char *const **ret)
{
    struct texts t = {0};
    loop_error *e = ask(r, name, digest, arena, &t);
    if (e)
        return loop_error_wrap(e, "cannot ask the registry '%s' who signed it",
                               lp_registry_name(r));
    *ret = take_texts(&t, arena);
    return lp_signatures_note(r->p, lp_registry_key(r), digest, *ret);
}

/* ---- of the cache ---- */

static char *note_name(const char *digest)
{
    return lp_format("signatures of %s", digest);
}

loop_error *lp_signatures_note(loop_packages *p, const char *key, const char *digest,
                               const char *const *texts)
{
    lp_auto(lp_free_string) char *name = note_name(digest);
    lp_auto(lp_json_free) json_t *root = json_pack("{s:[]}", "signatures");
    for (size_t i = 0; texts[i]; i++)
        json_array_append_new(json_object_get(root, "signatures"), json_string(texts[i]));
    char *text = json_dumps(root, JSON_COMPACT);
    if (!text)
        return loop_error_new(LOOP_INVALID, "a signature of it is no text in UTF-8");
    loop_error *e = lp_cache_note(p->cache, key, name, text, strlen(text));
    free(text);
    return e;
}

static loop_error *read_note(lp_arena *arena, const void *bytes, size_t n, struct texts *t)
{
    lp_auto(lp_json_free) json_t *root = NULL;
    LP_TRY(lp_json_parse("a note of the cache", bytes, n, &root));
    const json_t *list = json_object_get(root, "signatures"), *row;
    size_t place;
    json_array_foreach(list, place, row)
    {
        const char *text = json_string_value(row);
        if (text)
            LP_TRY(add_text(t, arena, text, json_string_length(row)));
    }
    return NULL;
}

loop_error *lp_signatures_noted(loop_packages *p, const char *key, const char *digest,
                                lp_arena *arena, const char *const **ret)
{
    lp_auto(lp_free_string) char *name = note_name(digest);
    uint8_t *bytes = NULL;
    size_t n = 0;
    uint64_t age;
    struct texts t = {0};
    LP_TRY(lp_cache_noted(p->cache, key, name, &bytes, &n, &age));
    loop_error *e = bytes ? read_note(arena, bytes, n, &t) : NULL;
    free(bytes);
    if (e) /* damaged: as if it were not there */
        t.n = 0;
    loop_error_delete(e);
    if (t.n) /* else a package that runs each day would lose them */
        lp_cache_note_used(p->cache, key, name);
    *ret = t.n ? take_texts(&t, arena) : nothing;
    return NULL;
}

/* ---- the hook ---- */

loop_error *loop_package_signatures(const loop_package_check *check, bool ask_now,
                                    const char *const **ret)
{
    const struct loop_package_source *s = check->from;
    const lp_origin *from = s->from;
    *ret = nothing;
    if (!*s->digest)
        return NULL;
    if (from->packed)
        return lp_signatures_packed(from->packed, s->arena, ret);
    bool may = from->registry && (from->registry->kind->local || !s->p->options.offline);
    if (ask_now && may)
        return lp_signatures_asked(from->registry, s->name, s->digest, s->arena, ret);
    return from->key ? lp_signatures_noted(s->p, from->key, s->digest, s->arena, ret) : NULL;
}

bool lp_packages_matter(loop_packages *p, const lp_origin *from, const char *name)
{
    const loop_package_check check = {.name = name,
                                      .version = "",
                                      .registry =
                                          from->registry ? lp_registry_name(from->registry) : "",
                                      .own_registry = from->registry && from->registry->options.own,
                                      .digest = ""};
    return p->checker.verify &&
           (!p->checker.matters || p->checker.matters(p->checker.data, &check));
}

loop_error *lp_packages_verify(loop_packages *p, const lp_origin *from, const char *name,
                               const char *version, const lp_manifest *m, loop_signer *ret)
{
    loop_signer signer = {0};
    lp_arena arena = {0};
    const char *digest = m->bytes ? m->digest : "";
    const struct loop_package_source source = {p, from, name, digest, &arena};
    if (!p->checker.verify)
        return NULL;
    loop_error *e = p->checker.verify(
        p->checker.data,
        &(loop_package_check){.name = name,
                              .version = version,
                              .registry = from->registry ? lp_registry_name(from->registry) : "",
                              .own_registry = from->registry && from->registry->options.own,
                              .digest = digest,
                              .manifest = m->bytes,
                              .manifest_len = m->bytes ? m->len : 0,
                              .signer = &signer,
                              .from = &source});
    lp_arena_done(&arena);
    if (e)
        return loop_error_wrap(e, "'%s' %s is not taken", name, version);
    if (ret)
        *ret = signer;
    return NULL;
}
