/*
 * base/os/os_posix_process.c: implements base/os/process.h.
 *
 * The guard is started by posix_spawn, which on Linux does not copy this process. Its
 * ends of the pipes are above 9 before they are put in their places, so that a host
 * whose own 0, 1 or 2 is closed starts one as well as any other; all else that is open
 * here is closed by the guard.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pipe2, eventfd */
#endif
#include "base/os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/eventfd.h>
#endif

#include "base/base.h"
#include "base/os/guard.h"

#define CLOSE_MS 2000  /* the guard's time to end everything */
#define START_MS 10000 /* and to start a program, which may lie on a disk that is far away */

/* ---- waiting ---- */

bool lp_os_wait(lp_os_waited *w, size_t count, uint64_t until_ns)
{
    struct pollfd p[LP_OS_MAX_WAITED];
    count = LP_MIN(count, LP_OS_MAX_WAITED);
    for (size_t i = 0; i < count; i++)
        p[i] = (struct pollfd){.fd = w[i].fd, .events = w[i].to_write ? POLLOUT : POLLIN};
    for (;;) {
        uint64_t now = lp_os_now_ns();
        uint64_t left = until_ns > now ? (until_ns - now + 999999) / 1000000 : 0;
        int n = poll(p, (nfds_t)count, (int)LP_MIN(left, 1000000));
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0 && left)
            continue;
        for (size_t i = 0; i < count; i++)
            w[i].ready = n > 0 && p[i].revents;
        return n > 0;
    }
}

loop_error *lp_os_waker_open(lp_os_waker *ret)
{
#if defined(__linux__)
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return loop_error_new(LOOP_SYSTEM, "cannot make an event (system error %d)", errno);
    *ret = (lp_os_waker){fd, fd};
#else
    int ends[2];
    if (pipe(ends) != 0)
        return loop_error_new(LOOP_SYSTEM, "cannot make a pipe (system error %d)", errno);
    for (int i = 0; i < 2; i++) {
        (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    *ret = (lp_os_waker){ends[0], ends[1]};
#endif
    return NULL;
}

void lp_os_waker_wake(const lp_os_waker *w)
{
    uint64_t one = 1;
    (void)!write(w->from, &one, sizeof one);
}

void lp_os_waker_clear(const lp_os_waker *w)
{
    uint64_t counted;
    (void)!read(w->fd, &counted, sizeof counted);
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void lp_os_waker_close(lp_os_waker *w)
{
    if (w->from != w->fd)
        close_one(&w->from);
    close_one(&w->fd);
}

/* ---- finding ---- */

static bool can_run(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static char *runnable(char *path)
{
    if (can_run(path))
        return path;
    free(path);
    return NULL;
}

char *lp_os_find_program(const char *name, const char *directory)
{
    if (!*name || strlen(name) >= LP_MAX_PATH)
        return NULL;
    if (*name == '/')
        return runnable(lp_strdup(name));
    if (strchr(name, '/'))
        return runnable(lp_format("%s/%s", directory, name));
    const char *path = lp_os_getenv("PATH");
    for (const char *p = path ? path : "/usr/bin:/bin"; *p;) {
        size_t n = strcspn(p, ":");
        char *found = *p == '/' ? runnable(lp_format("%.*s/%s", (int)n, p, name)) : NULL;
        if (found)
            return found; /* a relative entry of PATH is nobody's to trust: passed over */
        p += n + (p[n] == ':');
    }
    return NULL;
}

/* ---- starting ---- */

#if !defined(__linux__)

const char *lp_os_guard_why_not(void)
{
    return "sidecars run on Linux only for now: nothing else lets a guard end all that they start";
}

loop_error *lp_os_guarded_start(const lp_os_program *p, lp_os_guarded *ret)
{
    (void)p;
    (void)ret;
    return loop_error_new(LOOP_UNAVAILABLE, "%s", lp_os_guard_why_not());
}

#else

const char *lp_os_guard_why_not(void)
{
    return NULL;
}

enum { IN, OUT, ERR, CONTROL, PLACES };
static const int places[] = {[IN] = 0, [OUT] = 1, [ERR] = 2, [CONTROL] = 4};

struct ends {
    int ours[PLACES], theirs[PLACES];
    int inherit;
};

static void close_ends(struct ends *e)
{
    for (int i = 0; i < PLACES; i++) {
        close_one(&e->ours[i]);
        close_one(&e->theirs[i]);
    }
    close_one(&e->inherit);
}

/* A descriptor above those that are put in place, instead of one that may be there. */
static bool raise_above(int *fd)
{
    int high = fcntl(*fd, F_DUPFD_CLOEXEC, 10);
    close_one(fd);
    *fd = high;
    return high >= 0;
}

/* What is no pipe of ours: nothing, or our own stream where there is one. */
static int given_end(int place, lp_os_stream what)
{
    int fd = what == LP_OS_SHARED ? fcntl(places[place], F_DUPFD_CLOEXEC, 10) : -1;
    if (fd < 0)
        fd = open("/dev/null", (place == IN ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
    return fd < 0 || fd >= 10 || raise_above(&fd) ? fd : -1;
}

static bool open_ends(struct ends *e, const lp_os_program *p)
{
    int inherit = p->inherit;
    *e = (struct ends){{-1, -1, -1, -1}, {-1, -1, -1, -1}, -1};
    for (int i = 0; i < PLACES; i++) {
        int pair[2]; /* pipes: to read, to write */
        if (i != CONTROL && p->streams[i] != LP_OS_PIPE) {
            e->theirs[i] = given_end(i, p->streams[i]);
            if (e->theirs[i] < 0)
                return false;
            continue;
        }
        if (i == CONTROL ? socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0
                         : pipe2(pair, O_CLOEXEC) != 0)
            return false;
        e->ours[i] = pair[i == IN];
        e->theirs[i] = pair[i != IN];
        if (!raise_above(&e->theirs[i]) || !raise_above(&e->ours[i]))
            return false;
        if (i != CONTROL && fcntl(e->ours[i], F_SETFL, O_NONBLOCK) != 0)
            return false;
    }
    if (inherit < 0)
        return true;
    e->inherit = fcntl(inherit, F_DUPFD_CLOEXEC, 10);
    return e->inherit >= 0;
}

static int place_all(posix_spawn_file_actions_t *actions, const struct ends *e)
{
    int failed = 0;
    for (int i = 0; i < PLACES && !failed; i++)
        failed = posix_spawn_file_actions_adddup2(actions, e->theirs[i], places[i]);
    if (!failed && e->inherit >= 0)
        failed = posix_spawn_file_actions_adddup2(actions, e->inherit, LP_OS_INHERITED);
    return failed;
}

/* Signals as a program expects them, whatever this process ignores or holds back. */
static int plain_signals(posix_spawnattr_t *attr)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    int failed = posix_spawnattr_setsigmask(attr, &none);
    if (!failed)
        failed = posix_spawnattr_setsigdefault(attr, &all);
    return failed ? failed
                  : posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int spawn_guard(const lp_os_program *p, const struct ends *e, pid_t *ret)
{
    char host[32];
    snprintf(host, sizeof host, "%ld", (long)getpid());
    size_t n = 0;
    while (p->argv[n])
        n++;
    const char **argv = lp_alloc((n + 6) * sizeof *argv);
    char mode[16] = "-";
    if (p->of_component)
        snprintf(mode, sizeof mode, "p%u", p->deadline_ms);
    else if (e->inherit >= 0)
        snprintf(mode, sizeof mode, "%d", LP_OS_INHERITED);
    const char *first[] = {"loop-guard", host, mode, p->directory, p->path};
    memcpy(argv, first, sizeof first);
    memcpy(argv + 5, p->argv, n * sizeof *argv);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    int failed = place_all(&actions, e);
    if (!failed)
        failed = plain_signals(&attr);
    if (!failed)
        failed =
            posix_spawn(ret, p->guard, &actions, &attr, (char *const *)argv, (char *const *)p->env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    free(argv);
    return failed;
}

static loop_error *not_started(const lp_os_program *p, const lp_guard_news *n)
{
    const char *what = n->kind == LP_GUARD_NO_DIRECTORY ? p->directory : p->path;
    loop_code code = n->value == ENOENT || n->value == ENOTDIR ? LOOP_NOT_FOUND
                     : n->kind == LP_GUARD_NO_PROCESS          ? LOOP_SYSTEM
                                                               : LOOP_IO;
    switch (n->value) {
    case ENOENT: /* of a script, its interpreter */
        return loop_error_new(code, "'%s', or what it is run by, is not there", what);
    case EACCES: return loop_error_new(code, "'%s' may not be run or entered", what);
    case ENOEXEC: return loop_error_new(code, "'%s' is not a program of this system", what);
    case E2BIG:
        return loop_error_new(LOOP_LIMIT, "its arguments and its environment are more than this "
                                          "system passes to a program");
    case EAGAIN: return loop_error_new(LOOP_SYSTEM, "there are too many processes");
    default: return loop_error_new(code, "'%s': system error %d", what, n->value);
    }
}

/* The guard's first words. */
static loop_error *wait_for_start(const lp_os_program *p, lp_os_guarded *g)
{
    lp_guard_news n;
    ssize_t got;
    lp_os_waited w = {.fd = g->control};
    if (!lp_os_wait(&w, 1, lp_os_now_ns() + START_MS * 1000000ull))
        return loop_error_new(LOOP_TIMEOUT, "'%s' was not started within %d s", p->path,
                              START_MS / 1000);
    do
        got = recv(g->control, &n, sizeof n, 0);
    while (got < 0 && errno == EINTR);
    if (got != sizeof n)
        return loop_error_new(LOOP_SYSTEM, "'%s' ended before it had started anything", p->guard);
    if (n.kind != LP_GUARD_STARTED)
        return not_started(p, &n);
    g->process = n.value;
    return NULL;
}

loop_error *lp_os_guarded_start(const lp_os_program *p, lp_os_guarded *ret)
{
    struct ends e;
    pid_t guard = 0;
    int failed = open_ends(&e, p) ? 0 : errno;
    if (!failed)
        failed = spawn_guard(p, &e, &guard);
    if (failed) {
        close_ends(&e);
        if (failed == E2BIG)
            return loop_error_new(LOOP_LIMIT, "its arguments and its environment are more than "
                                              "this system passes to a program");
        return failed == ENOENT
                   ? loop_error_new(LOOP_UNAVAILABLE, "loop's own program '%s' is missing",
                                    p->guard)
                   : loop_error_new(LOOP_SYSTEM, "cannot start a process (system error %d)",
                                    failed);
    }
    lp_os_guarded g = {e.ours[IN], e.ours[OUT], e.ours[ERR], e.ours[CONTROL], guard, 0};
    for (int i = 0; i < PLACES; i++)
        e.ours[i] = -1;
    close_ends(&e);
    loop_error *err = wait_for_start(p, &g);
    if (err) {
        lp_os_guarded_close(&g);
        return err;
    }
    *ret = g;
    return NULL;
}

#endif

/* ---- the end ---- */

bool lp_os_guarded_ended(lp_os_guarded *g, int *ret_status)
{
    lp_guard_news n;
    if (g->control < 0)
        return true;
    ssize_t got;
    do
        got = recv(g->control, &n, sizeof n, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return false;
    if (got == sizeof n) {
        if (n.kind != LP_GUARD_ENDED)
            return false;
        *ret_status = n.value;
        g->process = 0;
        return true;
    }
    /* Somebody killed the guard. The sidecar dies of that; the rest of its group is ended here. */
    if (g->process > 1)
        kill((pid_t)-g->process, SIGKILL);
    g->process = 0;
    *ret_status = -SIGKILL;
    return true;
}

bool lp_os_guarded_look(lp_os_guarded *g, int *ret_status, bool *ret_late)
{
    lp_guard_news n;
    ssize_t got;
    do
        got = recv(g->control, &n, sizeof n, MSG_DONTWAIT | MSG_PEEK);
    while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return false;
    bool told = got == sizeof n;
    if (!told && g->process > 1)
        kill((pid_t)-g->process, SIGKILL); /* the guard was killed, as above */
    g->process = 0;
    *ret_late = told && n.kind == LP_GUARD_LATE;
    *ret_status = told && n.kind == LP_GUARD_ENDED ? n.value : -SIGKILL; /* with its guard */
    return true;
}

static void send_order(const lp_os_guarded *g, const uint8_t *order, size_t n)
{
    if (g->control >= 0)
        (void)send(g->control, order, n,
                   MSG_DONTWAIT
#if defined(MSG_NOSIGNAL)
                       | MSG_NOSIGNAL
#endif
        );
}

static void order(const lp_os_guarded *g, uint8_t what)
{
    send_order(g, &what, 1);
}

void lp_os_guarded_signal(const lp_os_guarded *g, lp_os_signal what)
{
    static const int numbers[] = {
        [LP_OS_HANGUP] = SIGHUP,     [LP_OS_INTERRUPT] = SIGINT, [LP_OS_QUIT] = SIGQUIT,
        [LP_OS_TERMINATE] = SIGTERM, [LP_OS_KILL] = SIGKILL,     [LP_OS_USER1] = SIGUSR1,
        [LP_OS_USER2] = SIGUSR2,
    };
    uint8_t both[2] = {LP_GUARD_SIGNAL, (uint8_t)numbers[what]};
    send_order(g, both, sizeof both);
}

void lp_os_guarded_close_in(lp_os_guarded *g)
{
    close_one(&g->in);
}

void lp_os_guarded_term(const lp_os_guarded *g)
{
    order(g, LP_GUARD_TERM);
}

/* Until the guard has closed its end, which it does by ending; false after CLOSE_MS. */
static bool wait_for_guard(const lp_os_guarded *g)
{
    lp_guard_news n;
    uint64_t until = lp_os_now_ns() + CLOSE_MS * 1000000ull;
    lp_os_waited w = {.fd = g->control};
    while (g->control >= 0 && lp_os_wait(&w, 1, until)) {
        ssize_t got = recv(g->control, &n, sizeof n, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
            return true;
    }
    return g->control < 0;
}

void lp_os_guarded_close(lp_os_guarded *g)
{
    int status;
    bool late;
    if (g->control >= 0)
        (void)lp_os_guarded_look(g, &status, &late); /* a guard that was killed ends nobody */
    order(g, LP_GUARD_KILL);
    if (g->guard > 0)
        kill((pid_t)g->guard, SIGCONT); /* one that was stopped knows best what there is to end */
    if (g->guard > 0 && !wait_for_guard(g)) {
        kill((pid_t)g->guard, SIGKILL); /* stopped again and again, or its child cannot be killed */
        if (g->process > 1)
            kill((pid_t)-g->process, SIGKILL);
    }
    close_one(&g->in);
    close_one(&g->out);
    close_one(&g->err);
    close_one(&g->control);
    /* Somebody else in this process may have waited for it already: fine. */
    while (g->guard > 0 && waitpid((pid_t)g->guard, NULL, 0) < 0 && errno == EINTR)
        ;
    g->guard = g->process = 0;
}
