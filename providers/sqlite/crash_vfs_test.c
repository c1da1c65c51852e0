/* providers/sqlite/crash_vfs_test.c: implements crash_vfs_test.h. */
#include "providers/sqlite/crash_vfs_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/base.h"

#define SECTOR 512

/* A write, or with `bytes` NULL the truncation to `at`. */
typedef struct change {
    int64_t at;
    size_t n;
    uint8_t *bytes;
} change;

/* A file's content, whatever its name is or was. */
typedef struct node {
    lp_buf synced;
    struct {
        change *at;
        size_t n, cap;
    } since;
    bool folder_synced; /* by a first sync of this file */
} node;

/* A name of the folder: what it is now, what of it was synced. */
typedef struct name {
    char *path;
    node *now, *synced;
} name;

typedef struct renaming {
    size_t name;
    node *to; /* NULL: removed */
} renaming;

static struct {
    sqlite3_vfs vfs, *real;
    uint64_t seed;
    crash_kind kind;
    unsigned after, operations;
    bool hit, down;
    struct {
        name *at;
        size_t n, cap;
    } names;
    struct {
        renaming *at;
        size_t n, cap;
    } since; /* of names */
    struct {
        node **at;
        size_t n, cap;
    } nodes; /* all, to free */
} disk;

typedef struct file {
    sqlite3_file base;
    node *node;
    bool log;           /* a journal or log: its first sync syncs the folder */
    sqlite3_file *real; /* behind this struct */
} file;

static uint32_t draw(uint32_t below)
{
    disk.seed = disk.seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(disk.seed >> 33) % below;
}

/* ---- names and contents ---- */

static node *node_new(void)
{
    node *n = lp_alloc(sizeof *n);
    *lp_push(&disk.nodes) = n;
    return n;
}

static size_t name_of(const char *path)
{
    for (size_t i = 0; i < disk.names.n; i++)
        if (strcmp(disk.names.at[i].path, path) == 0)
            return i;
    lp_push(&disk.names)->path = lp_strdup(path);
    return disk.names.n - 1;
}

static void load(const char *path, lp_buf *to)
{
    char part[65536];
    int fd = open(path, O_RDONLY);
    for (ssize_t n; fd >= 0 && (n = read(fd, part, sizeof part)) > 0;)
        lp_buf_add(to, part, (size_t)n);
    if (fd >= 0)
        close(fd);
}

static void save(const char *path, const lp_buf *from)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, from->ptr ? from->ptr : "", from->len) != (ssize_t)from->len)
        abort();
    close(fd);
}

static void resize(lp_buf *b, size_t n)
{
    static const char zeros[4096];
    while (b->len < n)
        lp_buf_add(b, zeros, LP_MIN(n - b->len, sizeof zeros));
    b->len = n;
}

/* What part of a write survives: all, none, or some sectors of it. */
enum { WHOLE, LOST, TORN };

static void apply(lp_buf *to, const change *c, int how)
{
    if (how == LOST)
        return;
    if (!c->bytes) {
        resize(to, (size_t)c->at);
        return;
    }
    if (to->len < (size_t)c->at + c->n)
        resize(to, (size_t)c->at + c->n);
    for (size_t from = 0; from < c->n;) {
        size_t n = LP_MIN(SECTOR - ((size_t)c->at + from) % SECTOR, c->n - from);
        uint32_t fate = how == WHOLE ? 0 : draw(10);
        if (fate < 5)
            memcpy(to->ptr + c->at + from, c->bytes + from, n);
        else if (fate == 9)
            for (size_t i = 0; i < n; i++)
                to->ptr[(size_t)c->at + from + i] = (char)draw(256);
        from += n;
    }
}

static void forget(node *n)
{
    for (size_t i = 0; i < n->since.n; i++)
        free(n->since.at[i].bytes);
    n->since.n = 0;
}

static void sync_all(node *n)
{
    for (size_t i = 0; i < n->since.n; i++)
        apply(&n->synced, &n->since.at[i], WHOLE);
    forget(n);
}

/* With `keep` of a hundred writes whole, the rest lost or torn. */
static void sync_some(node *n, uint32_t keep)
{
    for (size_t i = 0; i < n->since.n; i++)
        apply(&n->synced, &n->since.at[i], draw(100) < keep ? WHOLE : draw(2) ? LOST : TORN);
    forget(n);
}

static void sync_folder(void)
{
    for (size_t i = 0; i < disk.names.n; i++)
        disk.names.at[i].synced = disk.names.at[i].now;
    disk.since.n = 0;
}

/* ---- faults ---- */

/* What this operation comes to: SQLITE_OK, or that it fails. */
static int fault(int failure, bool grows)
{
    disk.operations++;
    if (disk.down)
        return failure;
    if (disk.kind == CRASH_NONE || (disk.after && --disk.after))
        return SQLITE_OK;
    if (disk.kind == CRASH_FULL) {
        disk.hit = disk.hit || grows;
        return grows ? SQLITE_FULL : SQLITE_OK;
    }
    disk.hit = true;
    disk.down = disk.kind == CRASH_POWER;
    disk.kind = CRASH_NONE;
    return failure;
}

/* ---- files ---- */

#define FILE_OF(f) ((file *)(f))
#define REAL(f) (FILE_OF(f)->real)

static int file_close(sqlite3_file *f)
{
    return REAL(f)->pMethods->xClose(REAL(f));
}

static int file_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    return REAL(f)->pMethods->xRead(REAL(f), to, n, at);
}

static int file_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
    sqlite3_int64 size = 0;
    (void)REAL(f)->pMethods->xFileSize(REAL(f), &size);
    bool was_down = disk.down;
    int failed = fault(SQLITE_IOERR_WRITE, at + n > size);
    if (was_down)
        return failed;
    if (failed && !disk.down && draw(2))
        n /= 2; /* as far as it came */
    else if (failed && !disk.down)
        return failed;
    change *c = lp_push(&FILE_OF(f)->node->since);
    *c = (change){at, (size_t)n, lp_alloc((size_t)n + 1)};
    memcpy(c->bytes, from, (size_t)n);
    if (disk.down)
        return failed;
    int code = n ? REAL(f)->pMethods->xWrite(REAL(f), from, n, at) : SQLITE_OK;
    return failed ? failed : code;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    int failed = fault(SQLITE_IOERR_TRUNCATE, false);
    if (failed)
        return failed;
    *lp_push(&FILE_OF(f)->node->since) = (change){size, 0, NULL};
    return REAL(f)->pMethods->xTruncate(REAL(f), size);
}

/* Without the real one: what would last is kept here. */
static int file_sync(sqlite3_file *f, int flags)
{
    (void)flags;
    bool was_down = disk.down;
    int failed = fault(SQLITE_IOERR_FSYNC, false);
    if (failed) {
        if (!was_down &&
            !disk.down) /* Linux: reads go on to show it, but no later sync writes it */
            sync_some(FILE_OF(f)->node, draw(101));
        return failed;
    }
    sync_all(FILE_OF(f)->node);
    if (FILE_OF(f)->log && !FILE_OF(f)->node->folder_synced) {
        FILE_OF(f)->node->folder_synced = true;
        sync_folder();
    }
    return SQLITE_OK;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *ret)
{
    return REAL(f)->pMethods->xFileSize(REAL(f), ret);
}

static int file_lock(sqlite3_file *f, int level)
{
    return REAL(f)->pMethods->xLock(REAL(f), level);
}

static int file_unlock(sqlite3_file *f, int level)
{
    return REAL(f)->pMethods->xUnlock(REAL(f), level);
}

static int file_reserved(sqlite3_file *f, int *ret)
{
    return REAL(f)->pMethods->xCheckReservedLock(REAL(f), ret);
}

static int file_control(sqlite3_file *f, int what, void *arg)
{
    return REAL(f)->pMethods->xFileControl(REAL(f), what, arg);
}

static int file_sector(sqlite3_file *f)
{
    return REAL(f)->pMethods->xSectorSize(REAL(f));
}

static int file_device(sqlite3_file *f)
{
    return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}

static int file_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
    return REAL(f)->pMethods->xShmMap(REAL(f), page, size, extend, ret);
}

static int file_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return REAL(f)->pMethods->xShmLock(REAL(f), at, n, flags);
}

static void file_barrier(sqlite3_file *f)
{
    REAL(f)->pMethods->xShmBarrier(REAL(f));
}

static int file_unmap(sqlite3_file *f, int remove)
{
    return REAL(f)->pMethods->xShmUnmap(REAL(f), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_device,
    .xShmMap = file_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_barrier,
    .xShmUnmap = file_unmap,
};

/* ---- the layer ---- */

static int disk_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *ret)
{
    (void)vfs;
    file *own = FILE_OF(f);
    memset(own, 0, sizeof *own);
    own->real = (sqlite3_file *)(own + 1);
    bool there = path && access(path, F_OK) == 0;
    if (path && disk.down && !there)
        return SQLITE_CANTOPEN;
    int code = disk.real->xOpen(disk.real, path, own->real, flags, ret);
    if (code != SQLITE_OK)
        return code;
    size_t i = name_of(path ? path : "");
    own->node = disk.names.at[i].now;
    if (!own->node) {
        own->node = disk.names.at[i].now = node_new();
        if (there) {
            load(path, &own->node->synced);
            disk.names.at[i].synced = own->node;
        } else {
            *lp_push(&disk.since) = (renaming){i, own->node};
        }
    }
    own->log = (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)) != 0;
    own->base.pMethods = &methods;
    return SQLITE_OK;
}

static int disk_remove(sqlite3_vfs *vfs, const char *path, int sync)
{
    (void)vfs;
    int failed = fault(SQLITE_IOERR_DELETE, false);
    if (failed)
        return failed;
    size_t i = name_of(path);
    disk.names.at[i].now = NULL;
    *lp_push(&disk.since) = (renaming){i, NULL};
    int code = disk.real->xDelete(disk.real, path, 0);
    if (sync)
        sync_folder();
    return code;
}

void crash_disk_new(uint64_t seed)
{
    memset(&disk, 0, sizeof disk);
    disk.seed = seed;
    disk.real = sqlite3_vfs_find(NULL);
    disk.vfs = *disk.real;
    disk.vfs.iVersion = 2;
    disk.vfs.zName = CRASH_VFS;
    disk.vfs.szOsFile = (int)sizeof(file) + disk.real->szOsFile;
    disk.vfs.xOpen = disk_open;
    disk.vfs.xDelete = disk_remove;
    if (sqlite3_vfs_register(&disk.vfs, 0) != SQLITE_OK)
        abort();
}

void crash_disk_delete(void)
{
    sqlite3_vfs_unregister(&disk.vfs);
    for (size_t i = 0; i < disk.nodes.n; i++) {
        forget(disk.nodes.at[i]);
        free(disk.nodes.at[i]->since.at);
        lp_buf_done(&disk.nodes.at[i]->synced);
        free(disk.nodes.at[i]);
    }
    for (size_t i = 0; i < disk.names.n; i++)
        free(disk.names.at[i].path);
    free(disk.nodes.at);
    free(disk.names.at);
    free(disk.since.at);
    memset(&disk, 0, sizeof disk);
}

void crash_disk_plan(crash_kind kind, unsigned after)
{
    disk.kind = kind;
    disk.after = after;
    disk.hit = false;
}

bool crash_disk_hit(void)
{
    return disk.hit;
}

unsigned crash_disk_operations(void)
{
    return disk.operations;
}

/* Of the names that were not synced any may have come to be, or gone, in their order. */
static void settle_names(void)
{
    for (size_t i = 0; i < disk.since.n; i++)
        if (draw(2))
            disk.names.at[disk.since.at[i].name].synced = disk.since.at[i].to;
    disk.since.n = 0;
}

void crash_disk_restart(void)
{
    static const uint32_t keep[] = {0, 50, 90, 100};
    uint32_t whole = keep[draw(4)];
    for (size_t i = 0; i < disk.nodes.n; i++)
        sync_some(disk.nodes.at[i], whole);
    settle_names();
    for (size_t i = 0; i < disk.names.n; i++) {
        name *n = &disk.names.at[i];
        n->now = n->synced;
        if (n->now)
            save(n->path, &n->now->synced);
        else
            unlink(n->path);
        lp_auto(lp_free_string) char *shared = lp_format("%s-shm", n->path);
        unlink(shared);
    }
    disk.down = false;
    disk.kind = CRASH_NONE;
}
