/*
 * base/os/os_posix_writer.c: files that are written in pieces, and given their name at last.
 *
 * What must be whole or not there is written under another name, synced, and renamed; the folder
 * is synced then, or the name could be gone after a power cut.
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

#include "base/base.h"
#include "base/os/internal.h"
#include "base/os/os.h"

struct lp_os_writer {
    int fd;
    uint64_t size;
    char *path;
};

static loop_error *failed(const lp_os_writer *w)
{
    return loop_error_wrap(lp_os_error(errno), "cannot write '%s'", w->path);
}

loop_error *lp_os_writer_open(const char *path, bool go_on, lp_os_writer **ret)
{
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int fd = open(path, flags | (go_on ? O_APPEND : 0), 0600);
    if (fd < 0)
        return loop_error_wrap(lp_os_error(errno), "cannot write '%s'", path);
    struct stat st;
    loop_error *e = NULL;
    if (fstat(fd, &st) != 0)
        e = lp_os_error(errno);
    else if (!S_ISREG(st.st_mode))
        e = loop_error_new(LOOP_IO, "it is not a regular file");
    else if (!go_on && st.st_size > 0 && ftruncate(fd, 0) != 0)
        e = lp_os_error(errno);
    else if (go_on && lseek(fd, 0, SEEK_END) < 0)
        e = lp_os_error(errno);
    if (e) {
        close(fd);
        return loop_error_wrap(e, "cannot write '%s'", path);
    }
    *ret = lp_alloc(sizeof **ret);
    **ret = (lp_os_writer){fd, go_on ? (uint64_t)st.st_size : 0, lp_strdup(path)};
    return NULL;
}

uint64_t lp_os_writer_size(const lp_os_writer *w)
{
    return w->size;
}

loop_error *lp_os_writer_add(lp_os_writer *w, const void *bytes, size_t n)
{
    const char *at = bytes;
    while (n) {
        ssize_t done = write(w->fd, at, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return failed(w);
        at += done;
        n -= (size_t)done;
        w->size += (uint64_t)done;
    }
    return NULL;
}

bool lp_os_writer_lock(lp_os_writer *w)
{
    struct stat mine, named;
    while (flock(w->fd, LOCK_EX | LOCK_NB) != 0)
        if (errno != EINTR)
            return false;
    if (fstat(w->fd, &mine) != 0 || stat(w->path, &named) != 0 || mine.st_dev != named.st_dev ||
        mine.st_ino != named.st_ino || lseek(w->fd, 0, SEEK_END) < 0)
        return false;
    w->size = (uint64_t)mine.st_size;
    return true;
}

loop_error *lp_os_writer_empty(lp_os_writer *w)
{
    if (ftruncate(w->fd, 0) != 0 || lseek(w->fd, 0, SEEK_SET) != 0)
        return failed(w);
    w->size = 0;
    return NULL;
}

loop_error *lp_os_writer_sync(lp_os_writer *w)
{
    return fsync(w->fd) == 0 ? NULL : failed(w);
}

void lp_os_writer_close(lp_os_writer *w)
{
    if (!w)
        return;
    close(w->fd);
    free(w->path);
    free(w);
}

void lp_os_touch(const char *path)
{
    (void)utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
}

loop_error *lp_os_rename(const char *from, const char *to, unsigned mode)
{
    if (rename(from, to) != 0)
        return loop_error_wrap(lp_os_error(errno), "cannot write '%s'", to);
    if (mode)
        (void)chmod(to, mode); /* not before: who goes on with `from` must be able to write it */
    lp_os_sync_parent(to);
    return NULL;
}
