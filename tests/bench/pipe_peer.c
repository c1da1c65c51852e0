/*
 * tests/bench/pipe_peer.c: two processes and two pipes, and nothing else: what a call of a sidecar
 * is compared with. Reads `ROW N` from stdin and answers with nanoseconds, as peer.h says.
 *
 *     sidecar64   64 bytes there, 64 bytes back
 *     sidecar1m   1 MiB there, read as a whole; 4 bytes back
 */
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "peer.h"

#define MIB (1u << 20)

static uint8_t bytes[MIB];

static bool take(int fd, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t got = read(fd, bytes + at, n - at);
        if (got <= 0)
            return false;
        at += (size_t)got;
    }
    return true;
}

static void give(int fd, const void *from, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t put = write(fd, (const char *)from + at, n - at);
        if (put <= 0)
            bench_fail("pipe", "cannot be written to");
        at += (size_t)put;
    }
}

/* The other process: what comes is `size` bytes, `back` of which it answers with. */
static void echo(int in, int out, size_t size, size_t back)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (take(in, size))
        give(out, bytes + size - back, back);
    _exit(0);
}

/* The best span of so many round trips. */
static double measure(size_t size, size_t back, unsigned n, unsigned span)
{
    int there[2], here[2];
    if (pipe(there) != 0 || pipe(here) != 0)
        bench_fail("pipe", "cannot be made");
    pid_t child = fork();
    if (child == 0) {
        close(there[1]);
        close(here[0]);
        echo(there[0], here[1], size, back);
    }
    close(there[0]);
    close(here[1]);
    uint8_t *text = malloc(size);
    memset(text, 'x', size);
    double start = bench_now_ns(), best = 0;
    for (unsigned i = 1; i <= n; i++) {
        give(there[1], text, size);
        if (!take(here[0], back))
            bench_fail("pipe", "has ended");
        if (i % span)
            continue;
        double end = bench_now_ns();
        best = !best || end - start < best ? end - start : best;
        start = end;
    }
    close(there[1]);
    close(here[0]);
    free(text);
    return best / span;
}

int main(void)
{
    char name[32];
    unsigned n;
    signal(SIGCHLD, SIG_IGN);
    while (scanf("%31s %u", name, &n) == 2) {
        if (strcmp(name, "sidecar64") == 0)
            printf("%.1f\n", measure(64, 64, n, 256));
        else if (strcmp(name, "sidecar1m") == 0)
            printf("%.1f\n", measure(MIB, 4, n, 8));
        else
            puts("-");
        fflush(stdout);
    }
    return 0;
}
