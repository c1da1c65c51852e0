/*
 * packages/attach.c: a package with something more that belongs to it: the same blobs, one manifest
 * more, another index.json. The package's own manifest, and so its digest, stays as it is.
 */
#include "packages/attach.h"

#include <stdlib.h>

#include "base/sign.h"

static loop_error *gather(void *data, const void *bytes, size_t n)
{
    lp_buf_add(data, bytes, n);
    return NULL;
}

/* ---- one thing that belongs to a package ---- */

static const char *keep_digest(lp_arena *arena, const void *bytes, size_t n)
{
    char digest[LOOP_SHA256_TEXT];
    lp_sha256_of(bytes, n, digest);
    return lp_arena_strndup(arena, digest, sizeof digest - 1);
}

static const char *keep_name(lp_arena *arena, const char *digest)
{
    lp_auto(lp_free_string) char *name = lp_layout_blob_name(digest);
    return lp_arena_strndup(arena, name, strlen(name));
}

static lp_layout_part part_of(lp_arena *arena, const lp_blob *blob, const char *bytes)
{
    return (lp_layout_part){keep_name(arena, blob->digest), bytes, (size_t)blob->size, NULL};
}

void lp_attachment_signature(lp_arena *arena, const lp_manifest *m, const char *text,
                             lp_attachment *ret)
{
    lp_buf manifest = {0};
    lp_blob *blobs = lp_arena_alloc(arena, 2 * sizeof *blobs);
    const char *bytes = lp_arena_strndup(arena, text, strlen(text));
    const lp_blob subject = {m->digest, LP_MEDIA_MANIFEST, m->len};
    lp_auto(lp_free_string) char *title =
        lp_format("%s-%s.minisig", *m->name ? strchr(m->name, ':') + 1 : "package", m->version);
    blobs[0] = (lp_blob){LP_EMPTY_DIGEST, LP_MEDIA_EMPTY, sizeof LP_EMPTY_BYTES - 1};
    blobs[1] = (lp_blob){keep_digest(arena, bytes, strlen(bytes)), "text/plain", strlen(bytes)};
    lp_attached_write(LP_TYPE_SIGNATURE, &blobs[1], title, &subject, &manifest);
    const char *own = lp_arena_strndup(arena, manifest.ptr, manifest.len);
    *ret = (lp_attachment){
        .item = {.self = {keep_digest(arena, own, manifest.len), LP_MEDIA_MANIFEST, manifest.len},
                 .type = LP_TYPE_SIGNATURE,
                 .subject = lp_arena_strndup(arena, m->digest, strlen(m->digest)),
                 .blobs = blobs,
                 .count = 2}};
    ret->parts = lp_arena_alloc(arena, 3 * sizeof *ret->parts);
    ret->parts[ret->n++] = part_of(arena, &ret->item.self, own);
    ret->parts[ret->n++] = part_of(arena, &blobs[0], LP_EMPTY_BYTES);
    ret->parts[ret->n++] = part_of(arena, &blobs[1], bytes);
    lp_buf_done(&manifest);
}

/* ---- the package with it ---- */

struct writing {
    lp_packed *p;
    lp_arena arena;
    struct {
        lp_layout_part *at;
        size_t n, cap;
    } parts;
    struct {
        lp_packed_item *at;
        size_t n, cap;
    } items; /* but the package's own */
};

static bool has_part(const struct writing *w, const char *name)
{
    for (size_t i = 0; i < w->parts.n; i++)
        if (strcmp(w->parts.at[i].name, name) == 0)
            return true;
    return false;
}

/* A blob of the package that is there. */
static loop_error *add_blob(struct writing *w, const lp_blob *blob)
{
    const char *name = keep_name(&w->arena, blob->digest);
    lp_buf bytes = {0};
    if (has_part(w, name))
        return NULL;
    loop_error *e = lp_packed_blob(w->p, blob->digest, &bytes, gather);
    if (e) {
        lp_buf_done(&bytes);
        return e;
    }
    *lp_push(&w->parts) = (lp_layout_part){name, bytes.ptr, bytes.len, NULL};
    return NULL;
}

static loop_error *add_item(struct writing *w, const lp_packed_item *item)
{
    for (size_t k = 0; k < item->count; k++)
        LP_TRY(add_blob(w, &item->blobs[k]));
    return add_blob(w, &item->self);
}

static bool is_dropped(const char *const *drop, const char *digest)
{
    while (*drop && strcmp(*drop, digest) != 0)
        drop++;
    return *drop != NULL;
}

static loop_error *collect(struct writing *w, const lp_attachment *add, size_t n,
                           const char *const *drop)
{
    const lp_packed_item *item;
    for (size_t i = 0; (item = lp_packed_item_at(w->p, i)); i++) {
        if (is_dropped(drop, item->self.digest))
            continue;
        LP_TRY(add_item(w, item));
        if (i)
            *lp_push(&w->items) = *item;
    }
    for (size_t i = 0; i < n; i++) {
        *lp_push(&w->items) = add[i].item;
        for (size_t k = 0; k < add[i].n; k++) {
            lp_layout_part part = add[i].parts[k];
            if (has_part(w, part.name))
                continue;
            char *bytes = lp_strndup(part.bytes, part.len); /* all are freed alike */
            *lp_push(&w->parts) = (lp_layout_part){part.name, bytes, part.len, NULL};
        }
    }
    return NULL;
}

static loop_error *write_out(struct writing *w, const char *to, bool layout)
{
    char *index = lp_layout_index(lp_packed_manifest(w->p), w->items.at, w->items.n);
    char *mark = lp_strdup(LP_LAYOUT_BYTES);
    *lp_push(&w->parts) = (lp_layout_part){"oci-layout", mark, strlen(mark), NULL};
    *lp_push(&w->parts) = (lp_layout_part){"index.json", index, strlen(index), NULL};
    return layout ? lp_folder_write(to, w->parts.at, w->parts.n)
                  : lp_archive_write(to, w->parts.at, w->parts.n);
}

loop_error *lp_attach(lp_packed *p, const lp_attachment *add, size_t n, const char *const *drop,
                      const char *to, bool layout)
{
    static const char *const none[] = {NULL};
    struct writing w = {.p = p};
    const lp_manifest *m = lp_packed_manifest(p);
    if (!*m->name || !*m->version)
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "the package does not say its name and version"),
            "another tool made it; `loop pack` writes both");
    loop_error *e = collect(&w, add, n, drop ? drop : none);
    if (!e)
        e = write_out(&w, to, layout);
    for (size_t i = 0; i < w.parts.n; i++)
        free((void *)w.parts.at[i].bytes);
    free(w.parts.at);
    free(w.items.at);
    lp_arena_done(&w.arena);
    return e;
}

/* ---- what another package has ---- */

static loop_error *copy_part(lp_packed *p, lp_arena *arena, const lp_blob *blob, lp_attachment *ret)
{
    lp_buf bytes = {0};
    loop_error *e = lp_packed_blob(p, blob->digest, &bytes, gather);
    if (!e)
        ret->parts[ret->n++] =
            part_of(arena, blob, lp_arena_strndup(arena, bytes.ptr ? bytes.ptr : "", bytes.len));
    lp_buf_done(&bytes);
    return e;
}

loop_error *lp_attachment_copy(lp_packed *p, const lp_packed_item *item, lp_arena *arena,
                               lp_attachment *ret)
{
    *ret = (lp_attachment){.item = *item};
    ret->parts = lp_arena_alloc(arena, (item->count + 1) * sizeof *ret->parts);
    LP_TRY(copy_part(p, arena, &item->self, ret));
    for (size_t i = 0; i < item->count; i++)
        LP_TRY(copy_part(p, arena, &item->blobs[i], ret));
    return NULL;
}

bool lp_packed_has(const lp_packed *p, const char *digest)
{
    const lp_packed_item *item;
    for (size_t i = 0; (item = lp_packed_item_at(p, i)); i++)
        if (strcmp(item->self.digest, digest) == 0)
            return true;
    return false;
}

/* ---- signing ---- */

/* Manifests of signatures by the key that `text` names: the new one is in their place. */
static loop_error *older_ones(lp_packed *p, const char *text, lp_arena *arena,
                              const char *const **ret)
{
    const lp_packed_item *item;
    lp_minisig own, other;
    size_t n = 0;
    while (lp_packed_item_at(p, n))
        n++;
    const char **drop = lp_arena_alloc(arena, (n + 1) * sizeof *drop);
    LP_TRY(lp_minisig_parse(arena, text, strlen(text), &own));
    n = 0;
    for (size_t i = 1; (item = lp_packed_item_at(p, i)); i++) {
        lp_buf bytes = {0};
        if (strcmp(item->type, LP_TYPE_SIGNATURE) != 0 || item->count != 2 ||
            item->blobs[1].size > LP_MAX_SIGNATURE_BYTES)
            continue;
        loop_error *e = lp_packed_blob(p, item->blobs[1].digest, &bytes, gather);
        loop_error *none =
            e ? NULL : lp_minisig_parse(arena, bytes.ptr ? bytes.ptr : "", bytes.len, &other);
        lp_buf_done(&bytes);
        if (!e && !none && memcmp(own.key_id, other.key_id, sizeof own.key_id) == 0)
            drop[n++] = item->self.digest;
        loop_error_delete(none);
        LP_TRY(e);
    }
    *ret = drop;
    return NULL;
}

loop_error *lp_attach_signature(lp_packed *p, const char *text, const char *to, bool layout)
{
    lp_arena arena = {0};
    lp_attachment signature;
    const char *const *drop;
    loop_error *e = older_ones(p, text, &arena, &drop);
    if (!e) {
        lp_attachment_signature(&arena, lp_packed_manifest(p), text, &signature);
        e = lp_attach(p, &signature, 1, drop, to, layout);
    }
    lp_arena_done(&arena);
    return e;
}
