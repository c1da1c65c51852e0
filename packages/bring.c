/*
 * packages/bring.c: a chosen package into the cache, checked before it is called there.
 *
 * What was chosen is a digest: of the manifest, or of the component alone where there is no
 * manifest. The manifest says what the component's digest is; both are compared with what the
 * registry or loop.lock has promised, and the name and version in it with those that were asked
 * for, so that one package is not delivered as another.
 */
#include <stdlib.h>

#include "packages/index.h"
#include "packages/install.h"
#include "packages/registry.h"

static bool differs(const char *a, const char *b)
{
    return *a && *b && strcmp(a, b) != 0;
}

/* What others wrote may not say its name: then there is nothing to compare. */
static loop_error *check_names(const lp_manifest *m, const char *name, const char *version)
{
    if (differs(m->name, name))
        return loop_error_new(LOOP_INVALID, "its manifest says that it is '%s'", m->name);
    if (differs(m->version, version))
        return loop_error_new(LOOP_INVALID, "its manifest says that it is version %s", m->version);
    return NULL;
}

static loop_error *read_manifest(lp_arena *arena, const char *path, lp_manifest *ret)
{
    uint8_t *bytes;
    size_t n;
    LP_TRY(lp_os_read_file(path, LP_MAX_MANIFEST_BYTES, &bytes, &n));
    const char *kept = lp_arena_strndup(arena, (const char *)bytes, n);
    free(bytes);
    return lp_manifest_parse(arena, kept, n, ret);
}

loop_error *lp_bring_manifest(loop_packages *p, lp_arena *arena, const char *name,
                              const char *version, const char *digest, bool fetch, lp_manifest *ret)
{
    lp_registry *registry;
    lp_auto(lp_free_string) char *what = lp_format("%s %s", name, version);
    lp_auto(lp_free_string) char *path = NULL;
    LP_TRY(lp_registry_for(p, name, &registry));
    if (fetch)
        LP_TRY(lp_registry_fetch(registry, name, digest, LP_BLOB_MANIFEST, 0, what, &path));
    else
        LP_TRY(lp_cache_blob(p->cache, lp_registry_key(registry), digest, &path));
    loop_error *e = read_manifest(arena, path, ret);
    if (!e)
        e = check_names(ret, name, version);
    return e ? loop_error_wrap(e, "the registry '%s' delivers no %s", lp_registry_name(registry),
                               what)
             : NULL;
}

loop_error *lp_bring_cached(loop_packages *p, lp_arena *arena, const char *key, const char *name,
                            const char *version, const char *digest, lp_manifest *ret)
{
    lp_auto(lp_free_string) char *path = NULL;
    LP_TRY(lp_cache_blob(p->cache, key, digest, &path));
    LP_TRY(read_manifest(arena, path, ret));
    return check_names(ret, name, version);
}

/* Its first bytes say what it is; whoever runs it reads all of it. */
static loop_error *check_component(const char *path, const char *what)
{
    lp_os_reader *r = lp_os_reader_open(path);
    uint8_t head[8];
    bool read = r && lp_os_reader_at(r, 0, head, sizeof head);
    lp_os_reader_close(r);
    loop_error *e = lp_wasm_check(read ? head : (const uint8_t *)"", read ? sizeof head : 0);
    return e ? loop_error_wrap(e, "what the package %s has is no component", what) : NULL;
}

loop_error *lp_bring(loop_packages *p, lp_arena *arena, const lp_chosen *c,
                     lp_manifest *ret_manifest, char **ret_path, loop_signer *ret_signer)
{
    const lp_release *release = c->release;
    lp_registry *registry;
    const char *content = release->content;
    uint64_t size = release->size;
    lp_auto(lp_free_string) char *what = lp_format("%s %s", c->name, release->version);
    lp_auto(lp_free_string) char *path = NULL;
    LP_TRY(lp_registry_for(p, c->name, &registry));
    *ret_manifest = (lp_manifest){.name = "",
                                  .version = "",
                                  .description = "",
                                  .license = "",
                                  .source = "",
                                  .content = content,
                                  .size = size};
    if (*release->digest) {
        LP_TRY(lp_bring_manifest(p, arena, c->name, release->version, release->digest, true,
                                 ret_manifest));
        if (differs(content, ret_manifest->content))
            return loop_error_hint_set(
                loop_error_new(LOOP_INVALID,
                               "the manifest of %s has another component than was promised: %s, "
                               "not %s",
                               what, ret_manifest->content, content),
                "ask who publishes it; `loop update %s` takes what the registry says now", c->name);
        content = ret_manifest->content;
        size = ret_manifest->size;
    }
    const lp_origin from = {.registry = registry, .key = lp_registry_key(registry)};
    LP_TRY(lp_packages_verify(p, &from, c->name, release->version, ret_manifest, ret_signer));
    LP_TRY(lp_registry_fetch(registry, c->name, content, LP_BLOB_DATA, size, what, &path));
    LP_TRY(check_component(path, what));
    *ret_path = lp_take(&path);
    return NULL;
}

/* ---- what is known without a registry ---- */

loop_error *lp_bring_note(loop_packages *p, const char *key, const char *name,
                          const lp_release *release)
{
    lp_arena arena = {0};
    uint8_t *bytes = NULL;
    size_t n = 0, count = 0;
    uint64_t age;
    lp_package_info old = {0};
    loop_error *e = lp_cache_noted(p->cache, key, name, &bytes, &n, &age);
    if (!e && bytes) /* what cannot be read is written anew */
        loop_error_delete(lp_notes_read(&arena, bytes, n, &old));
    free(bytes);
    lp_release *all = lp_arena_alloc(&arena, (old.count + 1) * sizeof *all);
    for (size_t i = 0; i < old.count && count + 1 < LP_MAX_PACKAGE_VERSIONS; i++)
        if (strcmp(old.releases[i].version, release->version) != 0)
            all[count++] = old.releases[i];
    all[count++] = *release;
    lp_buf b = {0};
    lp_notes_write(&b, &(lp_package_info){.releases = all, .count = count});
    if (!e)
        e = lp_cache_note(p->cache, key, name, b.ptr, b.len);
    lp_buf_done(&b);
    lp_arena_done(&arena);
    return e;
}

static loop_error *write_piece(void *data, const void *bytes, size_t n)
{
    return lp_cache_write(data, bytes, n);
}

/* A blob of an archive; the cache checks its digest once more. */
static loop_error *bring_blob(loop_packages *p, lp_packed *packed, const char *digest,
                              uint64_t size)
{
    lp_cache_writer *w = NULL;
    uint64_t have = 0;
    LP_TRY(lp_cache_begin(p->cache, LP_KEY_FILES, digest, &w, &have));
    if (!w)
        return NULL;
    loop_error *e = have ? lp_cache_restart(w) : NULL;
    if (!e)
        e = lp_packed_blob(packed, digest, w, write_piece);
    if (!e)
        return lp_cache_commit(w, size);
    lp_cache_abandon(w);
    return e;
}

/* What it carries is noted, for who runs it when the file is gone. */
static loop_error *note_signatures(loop_packages *p, lp_packed *packed, const lp_manifest *m)
{
    lp_arena arena = {0};
    const char *const *texts;
    loop_error *e = lp_signatures_packed(packed, &arena, &texts);
    if (!e)
        e = lp_signatures_note(p, LP_KEY_FILES, m->digest, texts);
    lp_arena_done(&arena);
    return e;
}

static loop_error *bring_packed(loop_packages *p, lp_packed *packed, loop_package_list *into)
{
    const lp_manifest *m = lp_packed_manifest(packed);
    const lp_origin from = {.packed = packed};
    loop_signer signer = {0};
    lp_auto(lp_free_string) char *path = NULL;
    if (!*m->name || !*m->version)
        return loop_error_new(LOOP_INVALID, "the package does not say its name and version");
    LP_TRY(lp_packages_verify(p, &from, m->name, m->version, m, &signer));
    LP_TRY(note_signatures(p, packed, m));
    LP_TRY(bring_blob(p, packed, m->digest, m->len));
    LP_TRY(bring_blob(p, packed, m->content, m->size));
    LP_TRY(lp_cache_blob(p->cache, LP_KEY_FILES, m->content, &path));
    const lp_release release = {.version = m->version,
                                .digest = m->digest,
                                .content = m->content,
                                .size = m->size,
                                .requires = m->requires,
                                .requires_count = m->requires_count};
    LP_TRY(lp_bring_note(p, LP_KEY_FILES, m->name, &release));
    if (*signer.key)
        LP_TRY(lp_seen_note(p, m->name, m->version, &signer));
    loop_package *row = lp_package_list_manifest(into, m);
    row->path = lp_package_list_keep(into, path);
    row->signer = signer;
    return NULL;
}

loop_error *lp_bring_file(loop_packages *p, const char *path, loop_package_list *into)
{
    lp_packed *packed;
    LP_TRY(lp_packed_open(path, &packed));
    loop_error *e = bring_packed(p, packed, into);
    lp_packed_close(packed);
    return e ? loop_error_wrap(e, "cannot install '%s'", path) : NULL;
}
