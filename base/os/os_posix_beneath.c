/*
 * base/os/os_posix_beneath.c: directories by descriptors, opened below another one so that
 * nothing leads out of it: neither "..", nor a link, nor one that is put there meanwhile.
 *
 * Linux does that in one call (openat2, since 5.6). Elsewhere the way is walked name by name, and
 * a link on it is an error even where it would stay inside.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_PATH */
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#if defined(__linux__)
#include <linux/openat2.h>
#include <sys/syscall.h>
#endif

#include "base/base.h"
#include "base/os/internal.h"
#include "base/os/process.h"

/* To go to and to open below, not to list. */
#if defined(O_PATH)
#define DIRECTORY (O_PATH | O_DIRECTORY | O_CLOEXEC)
#elif defined(O_SEARCH)
#define DIRECTORY (O_SEARCH | O_DIRECTORY | O_CLOEXEC)
#else
#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#endif

void lp_os_descriptor_close(int fd)
{
    if (fd >= 0)
        close(fd);
}

loop_error *lp_os_descriptor_copy(int fd, int *ret)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
        return lp_os_error(errno);
    *ret = copy;
    return NULL;
}

/* One name after the other, no link among them; -1 with errno. */
static int walk(int dir, const char *path)
{
    int at = openat(dir, ".", DIRECTORY);
    for (const char *p = path; at >= 0 && *p;) {
        size_t n = strcspn(p, "/");
        lp_auto(lp_free_string) char *name = lp_strndup(p, n);
        p += n + (p[n] == '/');
        if (!n || strcmp(name, ".") == 0)
            continue;
        bool up = strcmp(name, "..") == 0;
        int next = up ? -1 : openat(at, name, DIRECTORY | O_NOFOLLOW);
        int number = up ? EXDEV : errno;
        close(at);
        at = next;
        errno = number;
    }
    return at;
}

#if defined(__linux__) && defined(SYS_openat2)
#define BENEATH (RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS)
#define NO_LINKS RESOLVE_NO_SYMLINKS
#else
#define BENEATH 0
#define NO_LINKS 0
#endif

static int open_resolved(int dir, const char *path, uint64_t resolve)
{
#if defined(__linux__) && defined(SYS_openat2)
    struct open_how how = {.flags = DIRECTORY, .resolve = resolve};
    for (int tries = 0; tries < 8; tries++) { /* EAGAIN: something was renamed meanwhile */
        long fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR && errno != ENOSYS))
            return (int)fd;
        if (errno == ENOSYS)
            break;
    }
#endif
    (void)resolve;
    return walk(dir, path);
}

loop_error *lp_os_directory_open(const char *path, int *ret)
{
    int root = open("/", DIRECTORY);
    int fd = root < 0 ? root : open_resolved(root, path[1] ? path + 1 : ".", NO_LINKS);
    int number = errno;
    lp_os_descriptor_close(root);
    if (fd >= 0) {
        *ret = fd;
        return NULL;
    }
    return loop_error_wrap(number == ELOOP
                               ? loop_error_new(LOOP_DENIED, "a link is on the way to it")
                               : lp_os_error(number),
                           "cannot open the directory '%s'", path);
}

char *lp_os_descriptor_path(int fd)
{
    char *path = lp_format("/proc/self/fd/%d", fd);
    if (access(path, F_OK) == 0)
        return path;
    free(path);
    return NULL;
}

loop_error *lp_os_directory_beneath(int dir, const char *path, int *ret)
{
    int fd = open_resolved(dir, *path ? path : ".", BENEATH);
    if (fd >= 0) {
        *ret = fd;
        return NULL;
    }
    if (errno == EXDEV || errno == ELOOP)
        return loop_error_new(LOOP_DENIED, "it leads out of the directory that was granted");
    return lp_os_error(errno);
}
