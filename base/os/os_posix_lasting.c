/*
 * base/os/os_posix_lasting.c: files that outlive a power cut, locks between processes,
 * random bytes.
 *
 * The lock is flock's, on a file of its own: it belongs to the open file, so that two
 * objects of one process exclude each other too, and no close of another descriptor ends
 * it, as it ends the locks of fcntl.
 */
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE
#elif !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif

#include "base/base.h"
#include "base/os/internal.h"
#include "base/os/os.h"

/* Some file systems cannot sync a directory; they need not. */
static void sync_dir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t n = !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
    return slash ? lp_strndup(path, n) : lp_strdup(".");
}

/* Makes what is missing of a directory, from the top, each synced into the one above. */
static loop_error *make_dirs(const char *path)
{
    if (lp_os_is_dir(path))
        return NULL;
    lp_auto(lp_free_string) char *above = parent_of(path);
    if (strcmp(above, path) != 0)
        LP_TRY(make_dirs(above));
    if (mkdir(path, 0700) != 0 && !lp_os_is_dir(path))
        return loop_error_wrap(lp_os_error(errno == EEXIST ? ENOTDIR : errno),
                               "cannot make the directory '%s'", path);
    sync_dir(above);
    return NULL;
}

loop_error *lp_os_create_private(const char *path)
{
    lp_auto(lp_free_string) char *above = parent_of(path);
    LP_TRY(make_dirs(above));
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return NULL;
    if (fd < 0)
        return loop_error_wrap(lp_os_error(errno), "cannot make '%s'", path);
    int failed = fsync(fd) != 0 ? errno : 0;
    close(fd);
    if (failed)
        return loop_error_wrap(lp_os_error(failed), "cannot make '%s'", path);
    sync_dir(above);
    return NULL;
}

char *lp_os_file_id(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return NULL;
    return lp_format("%llx-%llx", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
}

struct lp_os_lock {
    int fd;
};

loop_error *lp_os_lock_open(const char *path, lp_os_lock **ret)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0)
        return loop_error_wrap(lp_os_error(errno), "cannot open the lock '%s'", path);
    *ret = lp_alloc(sizeof **ret);
    (*ret)->fd = fd;
    return NULL;
}

bool lp_os_lock_try(lp_os_lock *l)
{
    while (flock(l->fd, LOCK_EX | LOCK_NB) != 0)
        if (errno != EINTR)
            return false;
    return true;
}

void lp_os_lock_release(lp_os_lock *l)
{
    (void)flock(l->fd, LOCK_UN);
}

void lp_os_lock_close(lp_os_lock *l)
{
    if (!l)
        return;
    close(l->fd);
    free(l);
}

void lp_os_random(void *ret, size_t n)
{
    char *at = ret;
    while (n) { /* getentropy gives at most 256 bytes */
        size_t part = LP_MIN(n, (size_t)256);
        if (getentropy(at, part) != 0)
            abort(); /* a system without: nothing here could be trusted */
        at += part;
        n -= part;
    }
}
