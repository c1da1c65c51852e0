/*
 * tests/lib/stop.c: stops a running component from another thread, as an
 * embedder would.
 *
 *     stop cancel|kill GRACE_MS [--dir|--http|--net GRANT]... FILE.wasm [ARGUMENT...]
 *
 * Runs the component. A thread waits for SIGUSR1; then it asks the component to
 * end (cancel) or stops it (kill). Exits with the component's status, or with
 * the error's code.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loop/host.h"

struct stopper {
    loop_instance *instance;
    bool kill;
};

static void *stop_at_a_signal(void *data)
{
    struct stopper *s = data;
    sigset_t set;
    int signum;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigwait(&set, &signum);
    if (s->kill)
        loop_instance_kill(s->instance);
    else
        loop_instance_cancel(s->instance, LOOP_CANCEL_STOPPED);
    return NULL;
}

static int fail(loop_error *e)
{
    int status = (int)loop_error_code(e);
    char *text = loop_error_format(e);
    fputs(text, stderr);
    loop_free(text);
    loop_error_delete(e);
    return status;
}

/* Reads the grants at `*argv`, which is left at the component's file. */
static loop_error *read_grants(char ***argv, loop_policy *policy)
{
    static const struct {
        const char *flag;
        loop_grant_kind kind;
    } kinds[] = {{"--dir", LOOP_GRANT_DIR}, {"--http", LOOP_GRANT_HTTP}, {"--net", LOOP_GRANT_NET}};
    for (; (*argv)[0] && (*argv)[1] && strncmp((*argv)[0], "--", 2) == 0; *argv += 2)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            if (strcmp(kinds[k].flag, (*argv)[0]) != 0)
                continue;
            loop_error *e = loop_policy_add(policy, kinds[k].kind, (*argv)[1], false, NULL, false,
                                            (loop_origin){"the command line", 0, 0});
            if (e)
                return e;
        }
    return (*argv)[0] ? NULL : loop_error_new(LOOP_USAGE, "no component is named");
}

static loop_error *start(char **argv, loop_policy *policy, uint64_t grace_ms, loop_instance **ret)
{
    static const loop_host_options host_options;
    const loop_instance_options options = {
        .args = (const char *const *)argv,
        .policy = policy,
        .grace_ms = grace_ms,
    };
    loop_host *host;
    loop_component *component;
    loop_error *e = loop_host_new(&host_options, &host);
    if (!e)
        e = loop_component_open(host, argv[0], &component);
    return e ? e : loop_instance_new(host, component, &options, ret);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return fail(loop_error_new(LOOP_USAGE, "stop cancel|kill GRACE_MS [GRANTS] FILE.wasm"));
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* in every thread there will be */
    struct stopper stopper = {.kill = strcmp(argv[1], "kill") == 0};
    loop_policy *policy = loop_policy_new();
    char **rest = argv + 3;
    loop_error *e = read_grants(&rest, policy);
    if (!e)
        e = start(rest, policy, strtoull(argv[2], NULL, 10), &stopper.instance);
    if (e)
        return fail(e);
    pthread_t thread;
    if (pthread_create(&thread, NULL, stop_at_a_signal, &stopper) != 0)
        return fail(loop_error_new(LOOP_SYSTEM, "cannot start a thread"));
    loop_result result = {0};
    e = loop_instance_run(stopper.instance, &result);
    /* Threads may still be at work, so nothing is torn down. */
    _exit(e ? fail(e) : result.status);
}
