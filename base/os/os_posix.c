/*
 * base/os/os_posix.c: implements base/os/os.h for Linux, macOS and other
 * systems with POSIX 2008: files, the process, clocks. Threads and names of the
 * network are in os_posix_threads.c and os_posix_net.c.
 *
 * Files are opened before they are looked at (open, then fstat), so that what
 * was checked is what is read; without blocking, so that a FIFO in the place of
 * a file cannot hang us.
 */
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE
#elif !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "base/os/os.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <mach-o/dyld.h>
#endif

#include "base/base.h"
#include "base/os/internal.h"

/* Our own words: strerror is not safe between threads and starts with a capital. */
static loop_error *from_errno(int number)
{
    switch (number) {
    case ENOENT: return loop_error_new(LOOP_NOT_FOUND, "no such file or directory");
    case ENOTDIR: return loop_error_new(LOOP_NOT_FOUND, "a part of the path is not a directory");
    case EACCES:
    case EPERM: return loop_error_new(LOOP_IO, "permission denied");
    case EISDIR: return loop_error_new(LOOP_IO, "it is a directory");
    case EEXIST: return loop_error_new(LOOP_IO, "it exists already");
    case ELOOP: return loop_error_new(LOOP_IO, "too many symbolic links");
    case ENAMETOOLONG: return loop_error_new(LOOP_IO, "the path is too long");
    case ENOSPC: return loop_error_new(LOOP_IO, "no space left on the device");
    case EROFS: return loop_error_new(LOOP_IO, "the file system is read-only");
    case EMFILE:
    case ENFILE: return loop_error_new(LOOP_SYSTEM, "too many open files");
    case ENOMEM: return loop_error_new(LOOP_SYSTEM, "out of memory");
    default: return loop_error_new(LOOP_IO, "system error %d", number);
    }
}

loop_error *lp_os_error(int number)
{
    return from_errno(number);
}

/* ---- files ---- */

/* A regular file of at most `max` bytes; why not, otherwise. */
static loop_error *check_regular(int fd, size_t max, size_t *ret_size)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return from_errno(errno);
    if (S_ISDIR(st.st_mode))
        return from_errno(EISDIR);
    if (!S_ISREG(st.st_mode))
        return loop_error_new(LOOP_IO, "it is not a regular file");
    if (st.st_size < 0 || (uint64_t)st.st_size > max)
        return loop_error_new(LOOP_LIMIT, "it has more than %zu bytes", max);
    *ret_size = (size_t)st.st_size;
    return NULL;
}

/*
 * Reads to the end. The size is only where to start: files of /proc say 0, and
 * a file may grow while we read it; the limit holds all the same.
 */
static loop_error *read_all(int fd, size_t size, size_t max, uint8_t **ret, size_t *ret_len)
{
    size_t cap = size + 2, len = 0; /* one byte more than the file, and the zero */
    uint8_t *bytes = lp_alloc(cap);
    for (;;) {
        ssize_t n = read(fd, bytes + len, cap - 1 - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int number = errno;
            free(bytes);
            return from_errno(number);
        }
        len += (size_t)n;
        if (n == 0)
            break;
        if (len > max) {
            free(bytes);
            return loop_error_new(LOOP_LIMIT, "it has more than %zu bytes", max);
        }
        if (len == cap - 1)
            bytes = lp_realloc(bytes, cap = cap * 2 + 4096);
    }
    bytes[len] = 0;
    *ret = bytes;
    *ret_len = len;
    return NULL;
}

loop_error *lp_os_read_file(const char *path, size_t max, uint8_t **ret_bytes, size_t *ret_len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return loop_error_wrap(from_errno(errno), "cannot read '%s'", path);
    size_t size = 0;
    loop_error *e = check_regular(fd, max, &size);
    if (!e)
        e = read_all(fd, size, max, ret_bytes, ret_len);
    close(fd);
    return e ? loop_error_wrap(e, "cannot read '%s'", path) : NULL;
}

static int write_all(int fd, const uint8_t *p, size_t n)
{
    while (n) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

/* Makes a rename last. Some file systems cannot sync a directory; they need not. */
void lp_os_sync_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t n = !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
    lp_auto(lp_free_string) char *parent = slash ? lp_strndup(path, n) : lp_strdup(".");
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

unsigned lp_os_mode(const char *path, unsigned otherwise)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_mode & 0777 : otherwise;
}

loop_error *lp_os_write_atomic(const char *path, const void *bytes, size_t len, unsigned mode)
{
    lp_auto(lp_free_string) char *temporary = lp_format("%s.XXXXXX", path);
    int fd = mkstemp(temporary); /* 0600: nobody else sees the bytes early */
    if (fd < 0)
        return loop_error_wrap(from_errno(errno), "cannot write '%s'", path);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    int failed =
        write_all(fd, bytes, len) != 0 || fchmod(fd, (mode_t)(mode & 0777)) != 0 || fsync(fd) != 0
            ? errno
            : 0;
    if (close(fd) != 0 && !failed)
        failed = errno;
    if (!failed && rename(temporary, path) != 0)
        failed = errno;
    if (failed) {
        unlink(temporary);
        return loop_error_wrap(from_errno(failed), "cannot write '%s'", path);
    }
    lp_os_sync_parent(path);
    return NULL;
}

loop_error *lp_os_mkdirs(const char *path)
{
    if (!*path)
        return loop_error_wrap(from_errno(ENOENT), "cannot make the directory ''");
    lp_auto(lp_free_string) char *part = lp_strdup(path);
    for (char *p = part + 1;; p++) {
        char c = *p;
        if (c && c != '/')
            continue;
        *p = 0;
        if (mkdir(part, 0700) != 0 && !lp_os_is_dir(part)) {
            int number = errno == EEXIST ? ENOTDIR : errno;
            return loop_error_wrap(from_errno(number), "cannot make the directory '%s'", part);
        }
        if (!c)
            return NULL;
        *p = c;
    }
}

bool lp_os_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool lp_os_is_dir(const char *path)
{
    int kept = errno; /* so that a caller can still name the error before this question */
    struct stat st;
    bool is = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    errno = kept;
    return is;
}

char *lp_os_realpath(const char *path)
{
    return realpath(path, NULL);
}

char *lp_os_cwd(void)
{
    return realpath(".", NULL);
}

/* ---- the process and its user ---- */

extern char **environ;

const char *const *lp_os_environment(void)
{
    return (const char *const *)environ;
}

const char *lp_os_getenv(const char *name)
{
    return getenv(name);
}

/* A directory from a variable; relative ones are ignored, as the XDG rules say. */
static char *user_dir(const char *variable, const char *below)
{
    const char *v = lp_os_getenv(variable);
    return v && v[0] == '/' ? lp_format("%s%s", v, below) : NULL;
}

char *lp_os_cache_dir(void)
{
    char *dir = user_dir("LOOP_CACHE_DIR", "");
    if (!dir)
        dir = user_dir("XDG_CACHE_HOME", "/loop");
    return dir ? dir : user_dir("HOME", "/.cache/loop");
}

char *lp_os_config_dir(void)
{
    char *dir = user_dir("XDG_CONFIG_HOME", "/loop");
    return dir ? dir : user_dir("HOME", "/.config/loop");
}

char *lp_os_executable_path(void)
{
#if defined(__APPLE__)
    char path[LP_MAX_PATH];
    uint32_t size = sizeof path;
    return _NSGetExecutablePath(path, &size) == 0 ? realpath(path, NULL) : NULL;
#else
    return realpath("/proc/self/exe", NULL);
#endif
}

char *lp_os_own_path(void)
{
    Dl_info where;
    return dladdr(__extension__(void *) lp_os_own_path, &where) && where.dli_fname
               ? realpath(where.dli_fname, NULL)
               : NULL;
}

bool lp_os_isatty(int fd)
{
    return isatty(fd) == 1;
}

/* ---- clocks ---- */

uint64_t lp_os_now_ns(void)
{
    struct timespec t = {0};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t lp_os_wall_ms(void)
{
    struct timespec t = {0};
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

void lp_os_sleep_ms(unsigned ms)
{
    struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}
