/*
 * packages/cache_care.c: looking after the cache: what it has, whether that is whole, and removing
 * what was not used for long.
 *
 * Others may use the cache meanwhile. What is removed under them is fetched again: a file that is
 * open stays readable, and a transfer under way is left alone, as its lock says.
 */
#include <stdlib.h>

#include "packages/cache.h"

#define DAY_MS 86400000ull

struct walk {
    lp_cache *c;
    char *registry; /* ROOT/KEY */
    const char *what;
    void *data;
    loop_error *(*file)(struct walk *w, const char *path, const char *name, uint64_t size);
};

static loop_error *on_file(void *data, const char *name, char kind, uint64_t size)
{
    struct walk *w = data;
    lp_auto(lp_free_string) char *path = lp_format("%s/%s/%s", w->registry, w->what, name);
    return kind == 'f' ? w->file(w, path, name, size) : NULL;
}

static loop_error *each_registry(void *data, const char *name, char kind, uint64_t size)
{
    static const char *const whats[] = {"blobs", "partial", "damaged", "notes"};
    struct walk *w = data;
    (void)size;
    if (kind != 'd')
        return NULL;
    loop_error *e = NULL;
    w->registry = lp_format("%s/%s", w->c->root, name);
    for (size_t i = 0; !e && i < LP_COUNT(whats); i++) {
        lp_auto(lp_free_string) char *folder = lp_format("%s/%s", w->registry, whats[i]);
        w->what = whats[i];
        if (lp_os_is_dir(folder))
            e = lp_os_each_entry(folder, w, on_file);
    }
    free(w->registry);
    return e;
}

static loop_error *walk(struct walk *w)
{
    return lp_os_is_dir(w->c->root) ? lp_os_each_entry(w->c->root, w, each_registry) : NULL;
}

static bool is(const struct walk *w, const char *what)
{
    return strcmp(w->what, what) == 0;
}

/* ---- what it has ---- */

/* Whether a blob is the manifest of a component. */
static bool is_manifest(const char *path, uint64_t size)
{
    uint8_t *bytes;
    size_t n;
    if (size > LP_MAX_MANIFEST_BYTES)
        return false;
    lp_auto(lp_free_error) loop_error *e = lp_os_read_file(path, LP_MAX_MANIFEST_BYTES, &bytes, &n);
    if (e)
        return false;
    lp_arena arena = {0};
    lp_manifest m;
    if (n && bytes[0] == '{')
        e = lp_manifest_parse(&arena, bytes, n, &m);
    else
        n = 0;
    lp_arena_done(&arena);
    free(bytes);
    return n && !e;
}

static loop_error *count(struct walk *w, const char *path, const char *name, uint64_t size)
{
    (void)name;
    loop_cache_info *info = w->data;
    info->bytes += size;
    info->partial += is(w, "partial");
    if (is(w, "blobs")) {
        info->blobs++;
        info->packages += is_manifest(path, size);
    }
    return NULL;
}

void lp_cache_info(lp_cache *c, loop_cache_info *ret)
{
    loop_cache_info info = {.directory = c->root};
    lp_auto(lp_free_error) loop_error *e =
        walk(&(struct walk){.c = c, .data = &info, .file = count});
    *ret = info; /* what cannot be read counts for nothing */
}

/* ---- whether it is whole ---- */

struct verify {
    loop_package_list *into;
    bool repair;
};

static loop_error *verify(struct walk *w, const char *path, const char *name, uint64_t size)
{
    struct verify *v = w->data;
    char found[LOOP_SHA256_TEXT] = "";
    if (!is(w, "blobs"))
        return NULL;
    lp_auto(lp_free_error) loop_error *e = lp_file_digest(path, found);
    if (!e && strcmp(found + 7, name) == 0)
        return NULL;
    if (loop_error_code(e) == LOOP_NOT_FOUND)
        return NULL; /* removed meanwhile */
    lp_auto(lp_free_string) char *aside = v->repair ? lp_cache_set_aside(path) : NULL;
    if (v->repair && !aside && lp_os_exists(path))
        return loop_error_hint_set(
            loop_error_new(LOOP_IO, "'%s' is damaged, and cannot be set aside", path), "remove it");
    lp_auto(lp_free_string) char *content = lp_format("sha256:%s", name);
    loop_package *row = lp_package_list_row(v->into);
    row->content = lp_package_list_keep(v->into, content);
    row->path = lp_package_list_keep(v->into, aside ? aside : path);
    row->size = size;
    return NULL;
}

loop_error *lp_cache_verify(lp_cache *c, bool repair, loop_package_list *into)
{
    struct verify v = {into, repair};
    return walk(&(struct walk){.c = c, .data = &v, .file = verify});
}

/* ---- removing ---- */

struct clean {
    uint64_t before_ms; /* written before; UINT64_MAX: all */
    uint64_t bytes;
};

/* Unless somebody writes it just now. */
static bool remove_partial(const char *path)
{
    lp_os_writer *f;
    lp_auto(lp_free_error) loop_error *e = lp_os_writer_open(path, true, &f);
    if (e)
        return false;
    bool ours = lp_os_writer_lock(f);
    if (ours)
        lp_os_remove(path);
    lp_os_writer_close(f);
    return ours;
}

/* What was accepted keeps off an older one however long ago that was. */
static bool lasts(const struct walk *w)
{
    lp_auto(lp_free_string) char *seen = lp_cache_path(w->c, LP_KEY_SEEN, "notes", NULL);
    size_t n = strlen(w->registry);
    return strncmp(seen, w->registry, n) == 0 && seen[n] == '/' && is(w, "notes");
}

static loop_error *clean(struct walk *w, const char *path, const char *name, uint64_t size)
{
    (void)name;
    struct clean *c = w->data;
    bool all = c->before_ms == UINT64_MAX;
    if (!all && (lasts(w) || lp_cache_written_ms(path) >= c->before_ms))
        return NULL;
    if (is(w, "partial") && !remove_partial(path))
        return NULL;
    if (!is(w, "partial"))
        lp_os_remove(path);
    c->bytes += size;
    return NULL;
}

loop_error *lp_cache_clean(lp_cache *c, unsigned days, uint64_t *ret_bytes)
{
    uint64_t now = lp_os_wall_ms(), age = days * DAY_MS;
    struct clean data = {.before_ms = !days ? UINT64_MAX : now > age ? now - age : 0};
    LP_TRY(walk(&(struct walk){.c = c, .data = &data, .file = clean}));
    *ret_bytes = data.bytes;
    return NULL;
}
