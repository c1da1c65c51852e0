/*
 * api/loaded.c: implements api/loaded.h.
 *
 * A file is told by device and inode, which nothing else can have while it is mapped, and by a
 * digest of its bytes: pages of a running library that nobody has touched yet come from the file
 * when they are, so one that was changed in place is damaged and must not get more to do.
 *
 * What stays in memory when it is closed (nodelete, unique symbols of C++, a thread's destructors)
 * keeps its row: its path is taken, and the same file is the same library again.
 */
#include "api/loaded.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/base.h"

struct lp_loaded {
    lp_os_library *library;
    lp_library_file file;
    char *spelling; /* that it was loaded under */
    size_t users;   /* 0: it stays in memory */
};

static struct {
    lp_loaded **at;
    size_t n, cap;
} all;
static _Thread_local bool inside; /* a constructor or a destructor runs, on this thread */

static lp_os_mutex *lock(void)
{
    static _Atomic(lp_os_mutex *) made;
    lp_os_mutex *m = lp_os_mutex_once(&made);
    lp_os_mutex_lock(m);
    inside = true;
    return m;
}

static void unlock(lp_os_mutex *m)
{
    inside = false;
    lp_os_mutex_unlock(m);
}

/* ---- files ---- */

static bool same_inode(const lp_os_identity *a, const lp_os_identity *b)
{
    return a->device == b->device && a->inode == b->inode;
}

static bool same_id(const lp_os_identity *a, const lp_os_identity *b)
{
    return same_inode(a, b) && a->size == b->size && a->written_ns == b->written_ns &&
           a->changed_ns == b->changed_ns;
}

/* FNV-1a: tells builds apart; who can write the file is asked elsewhere. */
static uint64_t digest_more(uint64_t digest, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        digest = (digest ^ bytes[i]) * 0x100000001b3;
    return digest;
}

bool lp_library_file_read(lp_library_file *f)
{
    static const size_t most = 64 * 1024;
    uint8_t *piece = lp_alloc(most);
    f->id = lp_os_reader_id(f->open);
    f->digest = 0xcbf29ce484222325;
    bool read = f->id.size == lp_os_reader_size(f->open);
    for (uint64_t at = 0; read && at < f->id.size; at += most) {
        size_t n = (size_t)LP_MIN((uint64_t)most, f->id.size - at);
        read = lp_os_reader_at(f->open, at, piece, n);
        f->digest = digest_more(f->digest, piece, read ? n : 0);
    }
    free(piece);
    return read;
}

/* Whether `path` is still what was looked at. */
static bool is_still(const char *path, const lp_library_file *seen)
{
    lp_os_reader *r = lp_os_reader_open(path);
    if (!r)
        return false;
    lp_os_identity now = lp_os_reader_id(r);
    lp_os_reader_close(r);
    return same_id(&now, &seen->id);
}

/* ---- paths ---- */

/* "/a/x.so", "/a/./x.so", "/a/././x.so"; malloced. */
static char *spell(const char *real, size_t n)
{
    const char *name = strrchr(real, '/') + 1;
    lp_buf b = {0};
    lp_buf_printf(&b, "%.*s", (int)(name - real), real);
    while (n-- > 0)
        lp_buf_puts(&b, "./");
    lp_buf_puts(&b, name);
    return lp_buf_take(&b);
}

static lp_loaded *row_of(const lp_os_library *library)
{
    for (size_t i = 0; i < all.n; i++)
        if (all.at[i]->library == library)
            return all.at[i];
    return NULL;
}

static loop_error *replaced(void)
{
    return loop_error_hint_set(loop_error_new(LOOP_INVALID, "it was replaced while it was loaded"),
                               "try again");
}

/*
 * A spelling that the loader does not know. What somebody else in this process has loaded may have
 * a few of them by its name; under one more, it is found for being the same file, which is then
 * that file's only place in memory. (So is one of our own, where it lies there by now.)
 */
static loop_error *find_spelling(const char *real, const lp_library_file *seen, char **ret)
{
    const lp_os_library *before = NULL;
    for (size_t n = 0; n < LP_MAX_LIBRARY_VERSIONS; n++) {
        lp_auto(lp_free_string) char *path = spell(real, n);
        lp_os_library *there = lp_os_library_find(path);
        lp_os_library_close(there);
        if (!is_still(real, seen))
            return replaced();
        if (!there || (!row_of(there) && there == before)) {
            *ret = lp_take(&path);
            return NULL;
        }
        before = there;
    }
    return loop_error_hint_set(
        loop_error_new(LOOP_LIMIT, "%d versions of it stay in memory", LP_MAX_LIBRARY_VERSIONS),
        "start the host again; one that can be unloaded has no unique symbols (C++: "
        "-fno-gnu-unique) and is not marked nodelete");
}

/* ---- rows ---- */

static void forget(lp_loaded *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < all.n; i++)
        if (all.at[i] != l)
            all.at[kept++] = all.at[i];
    all.n = kept;
    free(l->spelling);
    free(l);
}

/* Whether it is in memory under its name, after it was closed. */
static bool stays(const lp_loaded *l)
{
    lp_os_library *there = lp_os_library_find(l->spelling);
    lp_os_library_close(there);
    return there == l->library;
}

/* What stayed may be gone by now: whoever else used it has closed it. */
static lp_loaded *find_row(const lp_library_file *seen)
{
    for (size_t i = all.n; i-- > 0;)
        if (!all.at[i]->users && !stays(all.at[i]))
            forget(all.at[i]);
    for (size_t i = 0; i < all.n; i++)
        if (same_inode(&all.at[i]->file.id, &seen->id))
            return all.at[i];
    return NULL;
}

/* ---- loading ---- */

static loop_error *load(const char *real, const lp_library_file *seen, lp_loaded **ret)
{
    lp_auto(lp_free_string) char *spelling = NULL;
    lp_os_library *library = NULL;
    LP_TRY(find_spelling(real, seen, &spelling));
    LP_TRY(lp_os_library_open(spelling, &library));
    if (row_of(library) || !is_still(real, seen)) {
        lp_os_library_close(library);
        return replaced();
    }
    lp_loaded *l = lp_alloc(sizeof *l);
    *l = (lp_loaded){library, *seen, lp_take(&spelling), 1};
    l->file.open = NULL;
    *lp_push(&all) = l;
    *ret = l;
    return NULL;
}

/* One that is here already. */
static loop_error *take(lp_loaded *l, const lp_library_file *seen, lp_loaded **ret)
{
    if (l->file.digest != seen->digest || l->file.id.size != seen->id.size)
        return loop_error_hint_set(
            loop_error_new(
                LOOP_INVALID,
                "the file was changed in place while it is loaded: its code runs from it"),
            "put a new file there instead: build it under another name, and `mv` it over the old "
            "one");
    if (!l->users)
        LP_TRY(lp_os_library_open(l->spelling, &l->library));
    l->users++;
    *ret = l;
    return NULL;
}

loop_error *lp_loaded_open(const char *real, const lp_library_file *seen, lp_loaded **ret)
{
    if (inside)
        return loop_error_new(LOOP_USAGE, "a constructor or destructor of a library asks for it");
    lp_os_mutex *m = lock();
    lp_loaded *there = find_row(seen);
    loop_error *e = there ? take(there, seen, ret) : load(real, seen, ret);
    unlock(m);
    return e;
}

void *lp_loaded_symbol(const lp_loaded *l, const char *name)
{
    return lp_os_library_symbol(l->library, name);
}

bool lp_loaded_close(lp_loaded *l)
{
    bool nested = inside; /* a destructor ends a host: this thread has the lock */
    lp_os_mutex *m = nested ? NULL : lock();
    bool closed = --l->users == 0;
    if (closed)
        lp_os_library_close(l->library);
    bool left = closed && stays(l);
    if (closed && !left)
        forget(l);
    if (!nested)
        unlock(m);
    return left;
}
