/*
 * packages/registry_folder.c: a folder as a registry: what `loop pack` makes, put somewhere.
 *
 *     FOLDER/acme/ui/1.2.0.tar      an archive; what `loop push` writes
 *     FOLDER/acme/ui/1.2.0.yanked   why it should not be chosen any more
 *     FOLDER/acme/ui/1.2.0.wasm     a component alone, as wkg's local registries have them
 *     FOLDER/anything.tar           an archive that somebody put there; its manifest says what it
 * is
 *
 * There is no index that could be wrong: files are looked at when they are asked for, and again
 * only when they have changed. An archive whose name promises a package and that is damaged is an
 * error with its name; a file at the top that is no package of loop's is none of our business.
 *
 * registry_folder_push.c publishes.
 */
#include <stdlib.h>

#include "base/os/os.h"
#include "base/path.h"
#include "packages/file.h"
#include "packages/index.h"
#include "packages/layout.h"
#include "packages/folder.h"

#define FRESH_S 0 /* asking costs nothing */

/* A file that was looked at. */
struct file {
    char *path;
    uint64_t size, mtime_ns;
    const char *name;      /* "acme:ui"; NULL: no package */
    const char *config;    /* digest; NULL: none */
    const lp_blob *others; /* what belongs to it: each manifest, with what it is as its type, and */
    size_t others_n;       /* behind it its blobs, with none */
    lp_release release;
};

struct folder {
    const char *path;
    lp_arena arena; /* what files say */
    struct {
        struct file *at;
        size_t n, cap;
    } files;
};

char *lp_registry_folder_of(const char *name)
{
    char *path = lp_strdup(name);
    *strchr(path, ':') = '/';
    return path;
}

static loop_error *open_folder(const lp_registry_options *o, void **ret_self)
{
    struct folder *f = lp_alloc(sizeof *f);
    f->path = o->location;
    *ret_self = f;
    return NULL;
}

static void close_folder(void *self)
{
    struct folder *f = self;
    for (size_t i = 0; i < f->files.n; i++)
        free(f->files.at[i].path);
    free(f->files.at);
    lp_arena_done(&f->arena);
    free(f);
}

/* ---- one file ---- */

static const char *keep(lp_arena *arena, const char *s)
{
    return lp_arena_strndup(arena, s, strlen(s));
}

static void keep_others(struct folder *f, struct file *file, const lp_packed *p)
{
    const lp_packed_item *item;
    size_t most = 0, n = 0;
    for (size_t i = 1; (item = lp_packed_item_at(p, i)); i++)
        most += 1 + item->count;
    lp_blob *list = lp_arena_alloc(&f->arena, (most + 1) * sizeof *list);
    for (size_t i = 1; (item = lp_packed_item_at(p, i)); i++) {
        list[n++] = (lp_blob){keep(&f->arena, item->self.digest), keep(&f->arena, item->type),
                              item->self.size};
        for (size_t k = 0; k < item->count; k++)
            list[n++] = (lp_blob){keep(&f->arena, item->blobs[k].digest), NULL, 0};
    }
    file->others = list;
    file->others_n = n;
}

static loop_error *look_at_archive(struct folder *f, struct file *file)
{
    lp_packed *p;
    LP_TRY(lp_packed_open(file->path, &p));
    const lp_manifest *m = lp_packed_manifest(p);
    lp_requirement *needs = lp_arena_alloc(&f->arena, (m->requires_count + 1) * sizeof *needs);
    for (size_t i = 0; i < m->requires_count; i++)
        needs[i] = (lp_requirement){keep(&f->arena, m->requires[i].name),
                                    keep(&f->arena, m->requires[i].range)};
    keep_others(f, file, p);
    file->name = keep(&f->arena, m->name);
    file->config = keep(&f->arena, m->config_digest);
    file->release = (lp_release){.version = keep(&f->arena, m->version),
                                 .digest = keep(&f->arena, m->digest),
                                 .content = keep(&f->arena, m->content),
                                 .size = m->size,
                                 .requires = needs,
                                 .requires_count = m->requires_count};
    lp_packed_close(p);
    return NULL;
}

static loop_error *look_at_component(struct folder *f, struct file *file, const char *name,
                                     const char *version)
{
    char digest[LOOP_SHA256_TEXT];
    if (file->size > LP_MAX_COMPONENT_BYTES)
        return loop_error_new(LOOP_LIMIT, "'%s' is larger than a component may be", file->path);
    LP_TRY(lp_file_digest(file->path, digest));
    file->name = keep(&f->arena, name);
    file->release = (lp_release){.version = keep(&f->arena, version),
                                 .digest = "",
                                 .content = keep(&f->arena, digest),
                                 .size = file->size};
    return NULL;
}

/* The file as it was looked at; a new one, or one that has changed, has no `name` yet. */
static struct file *file_of(struct folder *f, const char *path, uint64_t size, uint64_t mtime_ns)
{
    struct file *file = NULL;
    for (size_t i = 0; i < f->files.n && !file; i++)
        if (strcmp(f->files.at[i].path, path) == 0)
            file = &f->files.at[i];
    if (file && (file->size != size || file->mtime_ns != mtime_ns)) {
        file->name = NULL;
        file->size = size;
        file->mtime_ns = mtime_ns;
    } else if (!file) {
        file = lp_push(&f->files);
        *file = (struct file){.path = lp_strdup(path), .size = size, .mtime_ns = mtime_ns};
    }
    return file;
}

/* ---- a folder of files ---- */

struct listed {
    char *name;
    uint64_t size, mtime_ns;
};
struct listing {
    struct listed *at;
    size_t n, cap;
};

static void list_one(void *data, const char *name, uint64_t size, uint64_t mtime_ns)
{
    struct listing *l = data;
    if (l->n < LP_MAX_INDEX_ENTRIES)
        *lp_push(l) = (struct listed){lp_strdup(name), size, mtime_ns};
}

static int by_name(const void *a, const void *b)
{
    const struct listed *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static struct listing list(const char *path)
{
    struct listing l = {0};
    lp_os_each_file(path, list_one, &l);
    if (l.n)
        qsort(l.at, l.n, sizeof *l.at, by_name);
    return l;
}

static void list_done(struct listing *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->at[i].name);
    free(l->at);
}

static bool ends_in(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);
    return n > k && strcmp(s + n - k, end) == 0;
}

/* ---- looking up ---- */

struct found {
    lp_release *at;
    size_t n, cap;
};

/* Archives at the top, whatever they are called. */
static void add_flat(struct folder *f, const char *name, lp_arena *arena, struct found *found)
{
    struct listing l = list(f->path);
    for (size_t i = 0; i < l.n; i++) {
        if (!ends_in(l.at[i].name, ".tar"))
            continue;
        lp_auto(lp_free_string) char *path = lp_path_join(f->path, l.at[i].name);
        struct file *file = file_of(f, path, l.at[i].size, l.at[i].mtime_ns);
        loop_error *e = file->name ? NULL : look_at_archive(f, file);
        if (e)
            file->name = ""; /* somebody else's */
        loop_error_delete(e);
        if (strcmp(file->name, name) == 0)
            *lp_push(found) = lp_release_copy(arena, &file->release);
    }
    list_done(&l);
}

/* Why it should not be chosen, as the file beside it says. */
static const char *yanked_by(const char *path, lp_arena *arena)
{
    uint8_t *bytes;
    size_t n;
    loop_error *e = lp_os_read_file(path, LP_MAX_PACKAGE_TEXT, &bytes, &n);
    loop_code code = loop_error_code(e);
    loop_error_delete(e);
    if (e)
        return code == LOOP_NOT_FOUND ? NULL : "its reason cannot be read";
    while (n && (bytes[n - 1] == '\n' || bytes[n - 1] == ' '))
        n--;
    const char *text = lp_utf8_valid((char *)bytes, n) ? lp_arena_strndup(arena, (char *)bytes, n)
                                                       : "its reason cannot be read";
    free(bytes);
    return text;
}

static loop_error *look_at(struct folder *f, struct file *file, const char *name,
                           const char *version, bool archive)
{
    if (file->name)
        return NULL;
    if (!archive)
        return look_at_component(f, file, name, version);
    LP_TRY(look_at_archive(f, file));
    if (strcmp(file->name, name) == 0 && strcmp(file->release.version, version) == 0)
        return NULL;
    loop_error *e = loop_error_new(LOOP_INVALID, "'%s' is %s %s", file->path, file->name,
                                   file->release.version);
    file->name = NULL;
    return loop_error_hint_set(e, "a version never changes, and is where its name says: give the "
                                  "file its own name");
}

static bool has_version(const struct found *found, const char *version)
{
    for (size_t i = 0; i < found->n; i++)
        if (strcmp(found->at[i].version, version) == 0)
            return true;
    return false;
}

/* FOLDER/acme/ui. An archive comes before a component alone of the same version. */
static loop_error *add_own(struct folder *f, const char *name, const char *end, lp_arena *arena,
                           struct found *found)
{
    lp_auto(lp_free_string) char *below = lp_registry_folder_of(name);
    lp_auto(lp_free_string) char *dir = lp_path_join(f->path, below);
    struct listing l = list(dir);
    loop_error *e = NULL;
    for (size_t i = 0; !e && i < l.n; i++) {
        if (!ends_in(l.at[i].name, end))
            continue;
        lp_auto(lp_free_string) char *version =
            lp_strndup(l.at[i].name, strlen(l.at[i].name) - strlen(end));
        lp_auto(lp_free_string) char *path = lp_path_join(dir, l.at[i].name);
        lp_version v;
        loop_error *none = lp_version_parse(arena, version, &v);
        loop_error_delete(none);
        if (none || has_version(found, version))
            continue;
        struct file *file = file_of(f, path, l.at[i].size, l.at[i].mtime_ns);
        e = look_at(f, file, name, version, strcmp(end, ".tar") == 0);
        if (!e)
            *lp_push(found) = lp_release_copy(arena, &file->release);
    }
    list_done(&l);
    return e;
}

static loop_error *find(struct folder *f, const char *name, lp_arena *arena, struct found *found)
{
    LP_TRY(add_own(f, name, ".tar", arena, found));
    LP_TRY(add_own(f, name, ".wasm", arena, found));
    size_t own = found->n;
    add_flat(f, name, arena, found);
    for (size_t i = own; i < found->n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(found->at[i].version, found->at[k].version) != 0)
                continue;
            if (strcmp(found->at[i].digest, found->at[k].digest) != 0)
                return loop_error_new(LOOP_INVALID, "'%s' has %s %s twice, and they differ",
                                      f->path, name, found->at[i].version);
            found->at[i--] = found->at[--found->n];
            break;
        }
    }
    lp_auto(lp_free_string) char *below = lp_registry_folder_of(name);
    for (size_t i = 0; i < found->n; i++) {
        lp_auto(lp_free_string) char *path =
            lp_format("%s/%s/%s.yanked", f->path, below, found->at[i].version);
        found->at[i].yanked = yanked_by(path, arena);
    }
    return NULL;
}

static loop_error *lookup(void *self, const lp_question *questions, size_t n, lp_arena *arena,
                          lp_package_info *ret)
{
    struct folder *f = self;
    if (!lp_os_is_dir(f->path))
        return loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "there is no folder '%s'", f->path),
            "it is made by the first `loop push`");
    for (size_t i = 0; i < n; i++) {
        struct found found = {0};
        loop_error *e = find(f, questions[i].name, arena, &found);
        if (!e && found.n > LP_MAX_PACKAGE_VERSIONS)
            e = loop_error_new(LOOP_LIMIT, "'%s' has more than %d versions of '%s'", f->path,
                               LP_MAX_PACKAGE_VERSIONS, questions[i].name);
        if (!e) {
            lp_release *list = lp_arena_alloc(arena, (found.n + 1) * sizeof *list);
            if (found.n)
                memcpy(list, found.at, found.n * sizeof *list);
            lp_release_sort(list, found.n);
            ret[i] = (lp_package_info){.releases = list, .count = found.n, .fresh_for_s = FRESH_S};
        }
        free(found.at);
        LP_TRY(e);
    }
    return NULL;
}

/* ---- fetching ---- */

struct passing {
    uint64_t skip;
    void *data;
    loop_error *(*take)(void *data, const void *bytes, size_t n);
};

static loop_error *pass(void *data, const void *bytes, size_t n)
{
    struct passing *p = data;
    uint64_t skipped = LP_MIN(p->skip, (uint64_t)n);
    p->skip -= skipped;
    return n > skipped ? p->take(p->data, (const char *)bytes + skipped, n - (size_t)skipped)
                       : NULL;
}

static bool has(const struct file *file, const char *digest)
{
    if (!file->name || !*file->name)
        return false;
    for (size_t i = 0; i < file->others_n; i++)
        if (strcmp(file->others[i].digest, digest) == 0)
            return true;
    return strcmp(file->release.digest, digest) == 0 ||
           strcmp(file->release.content, digest) == 0 ||
           (file->config && strcmp(file->config, digest) == 0);
}

static const struct file *file_with(const struct folder *f, const char *name, const char *digest)
{
    for (size_t i = 0; i < f->files.n; i++)
        if (has(&f->files.at[i], digest) && strcmp(f->files.at[i].name, name) == 0)
            return &f->files.at[i];
    return NULL;
}

loop_error *lp_registry_folder_find(void *self, const char *name, const char *version,
                                    lp_arena *arena, const lp_release **ret)
{
    struct found found = {0};
    loop_error *e = find(self, name, arena, &found);
    *ret = NULL;
    for (size_t i = 0; !e && i < found.n && !*ret; i++) {
        if (!version || strcmp(found.at[i].version, version) != 0)
            continue;
        lp_release *copy = lp_arena_alloc(arena, sizeof *copy);
        *copy = found.at[i];
        *ret = copy;
    }
    free(found.at);
    return e;
}

const char *lp_registry_folder_file(void *self, const char *name, const char *digest)
{
    const struct file *file = file_with(self, name, digest);
    return file ? file->path : NULL;
}

const char *lp_registry_folder_place(const void *self)
{
    return ((const struct folder *)self)->path;
}

/* Looks at the files of a package: they are as they are now. */
static loop_error *look_again(struct folder *f, const char *name)
{
    lp_arena arena = {0};
    const lp_release *unused;
    loop_error *e = lp_registry_folder_find(f, name, NULL, &arena, &unused);
    lp_arena_done(&arena);
    return e;
}

static loop_error *referrers(void *self, const char *name, const char *digest, lp_arena *arena,
                             const lp_blob **ret, size_t *ret_n)
{
    struct folder *f = self;
    size_t n = 0;
    LP_TRY(look_again(f, name));
    lp_blob *list = lp_arena_alloc(arena, LP_MAX_PACKAGE_REFERRERS * sizeof *list);
    for (size_t i = 0; i < f->files.n; i++) { /* one may be there twice, and signed once */
        const struct file *file = &f->files.at[i];
        if (!file->name || strcmp(file->name, name) != 0 ||
            strcmp(file->release.digest, digest) != 0)
            continue;
        for (size_t k = 0; k < file->others_n && n < LP_MAX_PACKAGE_REFERRERS; k++)
            if (file->others[k].media_type)
                list[n++] =
                    (lp_blob){keep(arena, file->others[k].digest),
                              keep(arena, file->others[k].media_type), file->others[k].size};
    }
    *ret = list;
    *ret_n = n;
    return NULL;
}

static loop_error *fetch(void *self, const char *name, const char *digest, lp_blob_kind kind,
                         uint64_t offset, uint64_t *ret_total, void *data,
                         loop_error *(*take)(void *data, const void *bytes, size_t n))
{
    struct folder *f = self;
    const struct file *file = file_with(f, name, digest);
    if (!file) {
        LP_TRY(look_again(f, name));
        file = file_with(f, name, digest);
    }
    if (!file)
        return loop_error_new(LOOP_NOT_FOUND, "nothing of '%s' in '%s' has the digest %s", name,
                              f->path, digest);
    if (strcmp(file->release.content, digest) == 0)
        *ret_total = file->release.size;
    if (!*file->release.digest)
        return lp_file_read(file->path, offset, NULL, data, take);
    lp_packed *p;
    LP_TRY(lp_packed_open(file->path, &p));
    loop_error *e = lp_packed_blob(p, digest, &(struct passing){offset, data, take}, pass);
    lp_packed_close(p);
    return e;
}

const lp_registry_kind lp_registry_folder = {
    .name = "folder",
    .local = true,
    .open = open_folder,
    .close = close_folder,
    .lookup = lookup,
    .referrers = referrers,
    .fetch = fetch,
    .push = lp_registry_folder_push,
    .yank = lp_registry_folder_yank,
};
