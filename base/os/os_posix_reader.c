/* base/os/os_posix_reader.c: files that are read in pieces, and whom to trust with code. */
#define _XOPEN_SOURCE 700 /* and S_ISVTX */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/os/internal.h"
#include "base/os/os.h"

struct lp_os_reader {
    int fd;
    uint64_t size;
};

bool lp_os_is_private(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
           (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool lp_os_is_trusted_owner(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && (st.st_uid == geteuid() || st.st_uid == 0);
}

bool lp_os_is_secret(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
           (st.st_mode & 077) == 0;
}

/* One part of a path; NULL or why somebody else decides what it is. */
static char *why_unsafe(const char *part)
{
    struct stat st;
    if (lstat(part, &st) != 0)
        return lp_format(errno == ENOENT ? "'%s' is not there" : "'%s' cannot be looked at", part);
    if (S_ISLNK(st.st_mode))
        return lp_format("'%s' is a symbolic link", part);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return lp_format("'%s' belongs to another user", part);
    bool sticky = S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX);
    bool group = (st.st_mode & S_IWGRP) && st.st_gid != st.st_uid;
    if (!sticky && (group || (st.st_mode & S_IWOTH)))
        return lp_format("others can write to '%s'", part);
    return NULL;
}

char *lp_os_why_unsafe(const char *path)
{
    lp_auto(lp_free_string) char *part = lp_strdup(path);
    size_t n = strlen(part);
    for (;;) {
        char *why = why_unsafe(part);
        if (why || n == 1)
            return why;
        while (n > 1 && part[n - 1] != '/')
            n--;
        n -= n > 1; /* the slash itself, but for the first one */
        part[n] = 0;
    }
}

bool lp_os_is_absent(const char *path)
{
    struct stat st;
    return lstat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

char *lp_os_link(const char *path)
{
    char to[LP_MAX_PATH];
    ssize_t n = readlink(path, to, sizeof to);
    return n > 0 && (size_t)n < sizeof to ? lp_strndup(to, (size_t)n) : NULL;
}

lp_os_reader *lp_os_reader_open(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    struct stat st;
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < 0) {
        close(fd);
        return NULL;
    }
    lp_os_reader *r = lp_alloc(sizeof *r);
    r->fd = fd;
    r->size = (uint64_t)st.st_size;
    return r;
}

uint64_t lp_os_reader_size(const lp_os_reader *r)
{
    return r->size;
}

static uint64_t nanoseconds(const struct timespec *t)
{
    return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec;
}

lp_os_identity lp_os_reader_id(const lp_os_reader *r)
{
    struct stat st;
    if (fstat(r->fd, &st) != 0)
        return (lp_os_identity){0};
    return (lp_os_identity){.device = (uint64_t)st.st_dev,
                            .inode = (uint64_t)st.st_ino,
                            .size = (uint64_t)st.st_size,
                            .written_ns = nanoseconds(&st.st_mtim),
                            .changed_ns = nanoseconds(&st.st_ctim)};
}

bool lp_os_reader_at(lp_os_reader *r, uint64_t offset, void *ret, size_t n)
{
    char *to = ret;
    while (n) {
        ssize_t got = pread(r->fd, to, n, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        to += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

void lp_os_each_file(const char *path,
                     void (*f)(void *data, const char *name, uint64_t size, uint64_t mtime_ns),
                     void *data)
{
    DIR *dir = opendir(path);
    if (!dir)
        return;
    const struct dirent *entry;
    while ((entry = readdir(dir))) {
        struct stat st;
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(st.st_mode))
            continue;
        f(data, entry->d_name, (uint64_t)st.st_size, nanoseconds(&st.st_mtim));
    }
    closedir(dir);
}

void lp_os_remove(const char *path)
{
    (void)unlink(path);
}

static char kind_of(mode_t mode)
{
    return S_ISREG(mode) ? 'f' : S_ISDIR(mode) ? 'd' : S_ISLNK(mode) ? 'l' : 'o';
}

loop_error *lp_os_each_entry(const char *path, void *data,
                             loop_error *(*f)(void *data, const char *name, char kind,
                                              uint64_t size))
{
    DIR *dir = opendir(path);
    if (!dir)
        return loop_error_wrap(lp_os_error(errno), "cannot read the directory '%s'", path);
    loop_error *e = NULL;
    const struct dirent *entry;
    while (!e && (entry = readdir(dir))) {
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue; /* it is gone by now */
        e = f(data, entry->d_name, kind_of(st.st_mode), (uint64_t)st.st_size);
    }
    closedir(dir);
    return e;
}

void lp_os_reader_close(lp_os_reader *r)
{
    if (!r)
        return;
    close(r->fd);
    free(r);
}
