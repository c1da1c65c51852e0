/*
 * base/os/os_posix_pipe.c: pipes to other processes, and memory shared with them.
 *
 * A write to a pipe that nobody reads raises SIGPIPE, which would end a program that
 * embeds loop: it is held back from the writing thread for the call, and taken away.
 * MSG_NOSIGNAL would do for sockets alone. Threads of our own hold it back always.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "base/os/os.h"
#include "base/os/process.h"

#define MAX_PARTS 8

static loop_error *failed(const char *what)
{
    int e = errno;
    return loop_error_new(LOOP_IO, "%s: %s", what, strerror(e));
}

loop_error *lp_os_pipe_unblock(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return failed("cannot set up a pipe");
    return NULL;
}

loop_error *lp_os_pipe_read(int fd, void *to, size_t max, size_t *ret_n, bool *ret_end)
{
    ssize_t n;
    do
        n = read(fd, to, max);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
        return failed("cannot read from a pipe");
    *ret_n = n > 0 ? (size_t)n : 0;
    *ret_end = n == 0;
    return NULL;
}

extern _Thread_local bool lp_os_sigpipe_held; /* os_posix_threads.c */

void lp_os_hold_sigpipe(void)
{
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    if (!lp_os_sigpipe_held)
        lp_os_sigpipe_held = pthread_sigmask(SIG_BLOCK, &only, NULL) == 0;
}

/* Whether SIGPIPE was not held back before; it is now. */
static bool hold_signal(sigset_t *only)
{
    sigset_t before;
    sigemptyset(only);
    sigaddset(only, SIGPIPE);
    return pthread_sigmask(SIG_BLOCK, only, &before) == 0 && !sigismember(&before, SIGPIPE);
}

/* One that came meanwhile goes. */
static void let_signal(const sigset_t *only, bool came)
{
#if !defined(__APPLE__)
    const struct timespec at_once = {0};
    while (came && sigtimedwait(only, NULL, &at_once) < 0 && errno == EINTR)
        ;
#else
    int taken;
    sigset_t pending;
    if (came && sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE))
        sigwait(only, &taken);
#endif
    pthread_sigmask(SIG_UNBLOCK, only, NULL);
}

loop_error *lp_os_pipe_write(int fd, const lp_os_bytes *parts, size_t count, size_t *ret_n)
{
    struct iovec v[MAX_PARTS];
    sigset_t only;
    if (count > MAX_PARTS)
        return loop_error_new(LOOP_INTERNAL, "%zu parts for one write", count);
    for (size_t i = 0; i < count; i++)
        v[i] = (struct iovec){(void *)(uintptr_t)parts[i].at, parts[i].len};
    bool held = !lp_os_sigpipe_held && hold_signal(&only);
    ssize_t n;
    do
        n = count == 1 ? write(fd, v->iov_base, v->iov_len) : writev(fd, v, (int)count);
    while (n < 0 && errno == EINTR);
    int e = errno;
    if (held)
        let_signal(&only, n < 0 && e == EPIPE);
    errno = e;
    if (n < 0 && e != EAGAIN && e != EWOULDBLOCK)
        return failed("cannot write to a pipe");
    *ret_n = n > 0 ? (size_t)n : 0;
    return NULL;
}

bool lp_os_pipe_wait(int fd, bool to_write, uint64_t until_ns)
{
    struct pollfd p = {.fd = fd, .events = to_write ? POLLOUT : POLLIN};
    for (;;) {
        int ms = -1;
        if (until_ns) {
            uint64_t now = lp_os_now_ns();
            if (now >= until_ns)
                return poll(&p, 1, 0) > 0;
            uint64_t left = (until_ns - now + 999999) / 1000000;
            ms = left > 1000000 ? 1000000 : (int)left;
        }
        int n = poll(&p, 1, ms);
        if (n > 0 || (n < 0 && errno != EINTR))
            return true; /* the read or write will say what is wrong */
    }
}

loop_error *lp_os_shared_new(size_t size, lp_os_shared *ret)
{
#if defined(__linux__)
    int fd = memfd_create("loop-sidecar", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return failed("cannot make memory to share");
    void *at = MAP_FAILED;
    if (ftruncate(fd, (off_t)size) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
        loop_error *e = failed("cannot make memory to share");
        close(fd);
        return e;
    }
    *ret = (lp_os_shared){.fd = fd, .at = at, .size = size};
    return NULL;
#else
    (void)size;
    (void)ret;
    return loop_error_new(LOOP_UNAVAILABLE, "memory is shared with other processes on Linux only");
#endif
}

void lp_os_shared_done(lp_os_shared *s)
{
    if (s->at)
        munmap(s->at, s->size);
    if (s->at && s->fd >= 0)
        close(s->fd);
    *s = (lp_os_shared){.fd = -1};
}
