/*
 * base/os/os_posix_local.c: sockets between processes of one user, and the folder that they lie in.
 *
 * A socket is made under another name, listens, and is then renamed: who finds it and is refused
 * knows that its maker is gone. A path that is too long for the system's address (108 bytes) is
 * reached through the folder's descriptor, where the system has such paths (Linux).
 */
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE
#elif !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/base.h"
#include "base/os/internal.h"
#include "base/os/os.h"

#define BACKLOG 64

/* ---- the folder ---- */

char *lp_os_runtime_dir(void)
{
    const char *dir = lp_os_getenv("XDG_RUNTIME_DIR");
    char *real = dir && dir[0] == '/' ? lp_os_realpath(dir) : NULL;
    if (real && lp_os_is_private(real))
        return real;
    free(real);
    return NULL;
}

loop_error *lp_os_secret_dir(const char *path)
{
    struct stat st;
    LP_TRY(lp_os_mkdirs(path));
    if (lstat(path, &st) != 0)
        return loop_error_wrap(lp_os_error(errno), "cannot look at '%s'", path);
    if (!S_ISDIR(st.st_mode))
        return loop_error_new(LOOP_DENIED, "'%s' is no folder", path);
    if (st.st_uid != geteuid())
        return loop_error_new(LOOP_DENIED, "'%s' belongs to another user", path);
    if (st.st_mode & 077)
        return loop_error_hint_set(loop_error_new(LOOP_DENIED, "others can open '%s'", path),
                                   "chmod 700 '%s'", path);
    lp_auto(lp_free_string) char *real = lp_os_realpath(path);
    lp_auto(lp_free_string) char *why = real ? lp_os_why_unsafe(real) : NULL;
    return why ? loop_error_new(LOOP_DENIED, "%s", why) : NULL;
}

int64_t lp_os_process_id(void)
{
    return getpid();
}

bool lp_os_process_runs(int64_t id)
{
    return id > 0 && (kill((pid_t)id, 0) == 0 || errno == EPERM);
}

/* ---- addresses ---- */

/* `folder` is a descriptor of `dir`. */
static bool address_of(int folder, const char *dir, const char *name, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(ret->sun_path, sizeof ret->sun_path, "%s/%s", dir, name);
#if defined(__linux__)
    if (n < 0 || (size_t)n >= sizeof ret->sun_path)
        n = snprintf(ret->sun_path, sizeof ret->sun_path, "/proc/self/fd/%d/%s", folder, name);
#endif
    return n > 0 && (size_t)n < sizeof ret->sun_path;
}

/* `fd` as all of them are, or -1 and closed. */
static int set_up(int fd)
{
    if (fd < 0)
        return -1;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0)
        return fd;
    close(fd);
    return -1;
}

static int open_socket(void)
{
    return set_up(socket(AF_UNIX, SOCK_STREAM, 0));
}

static loop_error *open_folder(const char *dir, int *ret)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return lp_os_error(errno);
    *ret = fd;
    return NULL;
}

static loop_error *too_long(const char *dir)
{
    return loop_error_hint_set(loop_error_new(LOOP_LIMIT, "the path '%s' is too long", dir),
                               "set XDG_RUNTIME_DIR to a folder with a shorter path");
}

/* ---- listening ---- */

static loop_error *listen_as(int fd, int folder, const char *temporary, const char *name,
                             const struct sockaddr_un *address)
{
    (void)unlinkat(folder, temporary, 0);
    if (bind(fd, (const struct sockaddr *)address, sizeof *address) != 0)
        return lp_os_error(errno);
    if (fchmodat(folder, temporary, 0600, 0) != 0 || listen(fd, BACKLOG) != 0 ||
        renameat(folder, temporary, folder, name) != 0) {
        loop_error *e = lp_os_error(errno);
        (void)unlinkat(folder, temporary, 0);
        return e;
    }
    return NULL;
}

loop_error *lp_os_local_listen(const char *dir, const char *name, int *ret_fd)
{
    struct sockaddr_un address;
    int folder = -1, fd;
    lp_auto(lp_free_string) char *temporary = lp_format("%s.new", name);
    loop_error *e = open_folder(dir, &folder);
    if (e)
        return loop_error_wrap(e, "cannot make the socket '%s/%s'", dir, name);
    if (!address_of(folder, dir, temporary, &address)) {
        close(folder);
        return too_long(dir);
    }
    fd = open_socket();
    e = fd < 0 ? lp_os_error(errno) : listen_as(fd, folder, temporary, name, &address);
    close(folder);
    if (!e) {
        *ret_fd = fd;
        return NULL;
    }
    if (fd >= 0)
        close(fd);
    return loop_error_wrap(e, "cannot make the socket '%s/%s'", dir, name);
}

int lp_os_local_accept(int fd)
{
    return set_up(accept(fd, NULL, NULL));
}

/* ---- connecting ---- */

static loop_error *connect_error(int number)
{
    if (number == ECONNREFUSED)
        return loop_error_new(LOOP_UNAVAILABLE, "nobody listens there any more");
    return number == EAGAIN ? loop_error_new(LOOP_LIMIT, "too many wait for it")
                            : lp_os_error(number);
}

loop_error *lp_os_local_connect(const char *dir, const char *name, int *ret_fd)
{
    struct sockaddr_un address;
    int folder = -1;
    loop_error *e = open_folder(dir, &folder);
    if (e)
        return loop_error_wrap(e, "cannot connect to '%s/%s'", dir, name);
    if (!address_of(folder, dir, name, &address)) {
        close(folder);
        return too_long(dir);
    }
    int fd = open_socket();
    /* A local connection is made at once, or not at all. */
    int failed =
        fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ? errno : 0;
    close(folder);
    if (!failed) {
        *ret_fd = fd;
        return NULL;
    }
    if (fd >= 0)
        close(fd);
    return loop_error_wrap(connect_error(failed), "cannot connect to '%s/%s'", dir, name);
}

bool lp_os_local_is_own(int fd)
{
#if defined(SO_PEERCRED) && !defined(__OpenBSD__)
    struct ucred peer;
    socklen_t n = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && n == sizeof peer &&
           peer.uid == geteuid();
#else
    uid_t user;
    gid_t group;
    return getpeereid(fd, &user, &group) == 0 && user == geteuid();
#endif
}

void lp_os_local_close(int fd)
{
    close(fd);
}

void lp_os_each_socket(const char *path, void (*f)(void *data, const char *name), void *data)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        struct stat st;
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISSOCK(st.st_mode))
            f(data, entry->d_name);
    }
    if (dir)
        closedir(dir);
}
