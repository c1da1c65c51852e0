/*
 * sidecar/guard/guard.c: `loop-guard`, the process between a host and a sidecar.
 *
 *     loop-guard HOST 3|-|pMS DIRECTORY PROGRAM NAME [ARGUMENT...]
 *
 * Why a process and not a few lines in the host: a host that is killed runs nothing any
 * more, and the system's own means (PR_SET_PDEATHSIG) reach a child, not what the child
 * started. The guard outlives the host by some milliseconds and uses them to end
 * everything below it. Daemons that left their session and their parent come to it, as it
 * is a "child subreaper"; it kills its children until it has none.
 *
 * What it gets: the sidecar's stdin, stdout and stderr as 0, 1 and 2; with `3`, the
 * descriptor 3 for the sidecar to inherit; as 4 the control socket, on which it says what
 * happens (lp_guard_news) and is told what to do (lp_guard_order). The environment is the
 * sidecar's. Nothing else is passed on.
 *
 *     control ends, or the host is not our parent any more   kill all, exit
 *     LP_GUARD_TERM    SIGTERM to the sidecar's group
 *     LP_GUARD_SIGNAL  the signal that follows, to the sidecar's group
 *     LP_GUARD_KILL    kill all, exit
 *     the sidecar ends                                       say so, kill the rest, exit
 *     MS milliseconds are over                               say so, kill all, exit
 *
 * With `p`, it is a program that a component started (providers/process), not a sidecar: 3 is
 * the directory to start in, which is not passed on; it gets no rights that its starter
 * does not have (setuid programs run without theirs), so that all that it starts can be killed;
 * and MS, where it is not 0, is its deadline.
 *
 * Only children are ever killed, and their groups while they are not waited for: no number
 * of a process can have gone to somebody else by then. The sidecar gets SIGKILL when the
 * guard dies. What it is not: a sandbox. A sidecar is native code with the user's rights; one
 * that wants to get away kills its guard.
 *
 * Linux only. It links the C library alone, statically where there is one.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/os/guard.h"

#define RESERVED 3
#define CONTROL 4
#define HOST_DIED SIGUSR1 /* by PR_SET_PDEATHSIG: the host, or only its thread that started us */

static pid_t host, sidecar;
static bool inherit;      /* the sidecar gets RESERVED */
static bool of_component; /* RESERVED is the directory to start in */
static int64_t until_ms;  /* its deadline, on the clock of now_ms; 0: none */

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void tell(uint32_t kind, int32_t value)
{
    lp_guard_news n = {kind, value};
    (void)send(CONTROL, &n, sizeof n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ---- before the sidecar ---- */

/* Closes what the host let through by mistake. */
static void close_from(int first)
{
    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0)
        return;
    for (int fd = first; fd < 65536; fd++) /* before Linux 5.9 */
        close(fd);
}

/* All signals come by the descriptor, but for those that cannot wait. */
static int take_signals(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    return signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The standard streams are the sidecar's: whoever holds them keeps them from ending. */
static void leave_streams(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2; fd++)
        if (null < 0 || dup2(null, fd) < 0)
            close(fd);
    if (inherit || of_component)
        close(RESERVED);
}

/* ---- the sidecar ---- */

static void fail_child(int report, int32_t stage)
{
    int32_t why[2] = {stage, errno};
    (void)!write(report, why, sizeof why);
    _exit(127);
}

/* As the kernel has them: the C library keeps two from us that it uses itself. */
static void plain_signals(void)
{
    const uint64_t plain[8] = {0}; /* its struct sigaction, whatever the order of its fields */
    for (int s = 1; s < NSIG; s++)
        (void)syscall(SYS_rt_sigaction, s, plain, NULL, sizeof(uint64_t));
}

static void run_sidecar(int report, const char *directory, const char *program, char **argv)
{
    pid_t guard = getppid();
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != guard || guard == 1)
        _exit(127);
    plain_signals();
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if ((of_component ? fchdir(RESERVED) : chdir(directory)) != 0)
        fail_child(report, LP_GUARD_NO_DIRECTORY);
    if (of_component && (close(RESERVED) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0))
        fail_child(report, LP_GUARD_NO_PROCESS);
    execv(program, argv);
    fail_child(report, LP_GUARD_NO_PROGRAM);
}

/* False: it did not start, and the host knows why. */
static bool start(const char *directory, const char *program, char **argv)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) {
        tell(LP_GUARD_NO_PROCESS, errno);
        return false;
    }
    sidecar = fork();
    if (sidecar < 0) {
        tell(LP_GUARD_NO_PROCESS, errno);
        return false;
    }
    if (sidecar == 0)
        run_sidecar(report[1], directory, program, argv);
    close(report[1]);
    int32_t why[2];
    ssize_t n;
    do
        n = read(report[0], why, sizeof why);
    while (n < 0 && errno == EINTR);
    close(report[0]);
    if (n == sizeof why)
        tell((uint32_t)why[0], why[1]);
    else
        tell(LP_GUARD_STARTED, sidecar);
    return n != sizeof why;
}

/* ---- the end ---- */

/* The parent and the group of a process, from its /proc/N/stat. */
static bool parent_of(const char *name, pid_t *ret_parent, pid_t *ret_group)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%.20s/stat", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = 0;
    const char *end = strrchr(text, ')'); /* a name may have anything in it */
    return end && sscanf(end + 1, " %*c %d %d", ret_parent, ret_group) == 2;
}

/* Kills every child; one that leads a group, with its group. False: some may not be killed. */
static bool kill_children(void)
{
    DIR *dir = opendir("/proc");
    if (!dir)
        return false; /* a system without it: the sidecar's group alone */
    pid_t self = getpid(), parent, group;
    bool all = true;
    const struct dirent *e;
    while ((e = readdir(dir))) {
        if (e->d_name[0] < '1' || e->d_name[0] > '9' || !parent_of(e->d_name, &parent, &group) ||
            parent != self)
            continue;
        pid_t child = (pid_t)atoi(e->d_name);
        if (group == child)
            kill(-group, SIGKILL);
        if (kill(child, SIGKILL) != 0 && errno == EPERM)
            all = false;
    }
    closedir(dir);
    return all;
}

static void nap(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/*
 * Ends everything that is left. What a killed process had started comes to us in turn, so
 * this ends when there is no child, or only such as are not ours to kill (another user's).
 */
static void kill_all(void)
{
    kill(-sidecar, SIGKILL); /* it was not waited for yet: the number is its own */
    kill(sidecar, SIGKILL);
    long ms = 1;
    for (int refused = 0; refused < 20; ms = ms < 20 ? ms + 1 : ms) {
        pid_t dead;
        while ((dead = waitpid(-1, NULL, WNOHANG)) > 0)
            ;
        if (dead < 0)
            return; /* ECHILD */
        refused = kill_children() ? 0 : refused + 1;
        nap(ms);
    }
}

/* Daemons that came to us and ended. The sidecar itself is left for kill_all. */
static void reap(void)
{
    for (siginfo_t s;;) {
        s.si_pid = 0;
        if (waitid(P_ALL, 0, &s, WEXITED | WNOHANG | WNOWAIT) != 0 || s.si_pid == 0 ||
            s.si_pid == sidecar)
            return;
        waitpid(s.si_pid, NULL, 0);
    }
}

/* The sidecar's end, if it came: exit status, or minus the signal. */
static bool sidecar_ended(int *ret_status)
{
    siginfo_t s = {0};
    if (waitid(P_PID, (id_t)sidecar, &s, WEXITED | WNOHANG | WNOWAIT) != 0 || s.si_pid == 0)
        return false;
    *ret_status = s.si_code == CLD_EXITED ? s.si_status : -s.si_status;
    return true;
}

/* ---- the loop ---- */

static bool host_is_gone(void)
{
    return getppid() != host;
}

/* Orders; false: end. */
static bool obey(void)
{
    uint8_t order[2];
    ssize_t n = recv(CONTROL, order, sizeof order, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        return false;
    if (n == 1 && order[0] == LP_GUARD_TERM)
        kill(-sidecar, SIGTERM);
    if (n == 2 && order[0] == LP_GUARD_SIGNAL && order[1] > 0 && order[1] < NSIG)
        kill(-sidecar, order[1]);
    return n != 1 || order[0] != LP_GUARD_KILL;
}

/* False: somebody wants the end. */
static bool look_at_signals(int signals)
{
    struct signalfd_siginfo s;
    while (read(signals, &s, sizeof s) == (ssize_t)sizeof s) {
        int n = (int)s.ssi_signo;
        if (n == SIGTERM || n == SIGINT || n == SIGHUP || n == SIGQUIT)
            return false;
        if (n == HOST_DIED && host_is_gone())
            return false;
    }
    return true;
}

/* Milliseconds that are left to it, for poll(). */
static int time_left(void)
{
    if (!until_ms)
        return -1;
    int64_t left = until_ms - now_ms();
    return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static int guard(int signals)
{
    struct pollfd p[] = {{.fd = CONTROL, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    int status = 128 + SIGKILL;
    for (;;) {
        if (sidecar_ended(&status)) {
            tell(LP_GUARD_ENDED, status);
            break;
        }
        reap();
        if (host_is_gone())
            break;
        if (time_left() == 0) {
            tell(LP_GUARD_LATE, 0);
            break;
        }
        p[0].revents = p[1].revents = 0;
        (void)poll(p, 2, time_left());
        if ((p[1].revents && !look_at_signals(signals)) || (p[0].revents && !obey()))
            break;
    }
    kill_all();
    return status < 0 ? 128 - status : status;
}

int main(int argc, char **argv)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    int type;
    socklen_t size = sizeof type;
    if (argc < 6 || getsockopt(CONTROL, SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
        fputs("loop-guard: loop starts this, to end sidecars with it; there is nothing to type\n",
              stderr);
        return 64;
    }
    host = (pid_t)atoi(argv[1]);
    inherit = strcmp(argv[2], "3") == 0;
    of_component = argv[2][0] == 'p';
    int64_t deadline = of_component ? atoll(argv[2] + 1) : 0;
    until_ms = deadline > 0 ? now_ms() + deadline : 0;
    sigaction(SIGCHLD, &plain, NULL); /* one that is ignored reaps by itself */
    close_from(CONTROL + 1);
    if (!inherit && !of_component)
        close(RESERVED); /* before another descriptor gets its number */
    int signals = take_signals();
    fcntl(CONTROL, F_SETFD, FD_CLOEXEC);
    if (signals < 0 || prctl(PR_SET_PDEATHSIG, HOST_DIED) != 0 ||
        prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        tell(LP_GUARD_NO_PROCESS, errno);
        return 71;
    }
    if (host_is_gone()) /* it died before we could ask to be told */
        return 0;
    setsid();
    if (!start(argv[3], argv[4], argv + 5)) {
        waitpid(sidecar, NULL, 0);
        return 127;
    }
    leave_streams();
    return guard(signals);
}
