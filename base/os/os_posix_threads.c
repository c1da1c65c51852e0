/*
 * base/os/os_posix_threads.c: threads, mutexes and conditions of base/os/os.h
 * over pthreads.
 *
 * A condition waits on the monotonic clock where the system allows it; macOS
 * does not, and waits for a span instead.
 */
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE
#elif !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#include <time.h>

#include "base/base.h"
#include "base/os/os.h"

struct lp_os_thread {
    pthread_t id;
};

/* What a thread is to run: its own, since lp_os_thread may be gone before it looks at it. */
struct order {
    void (*run)(void *);
    void *arg;
};

struct lp_os_mutex {
    pthread_mutex_t m;
};

struct lp_os_cond {
    pthread_cond_t c;
};

/* See os_posix_pipe.c: a thread of ours never gets SIGPIPE, which saves two system calls a write.
 */
_Thread_local bool lp_os_sigpipe_held;

static void *thread_main(void *arg)
{
    struct order order = *(struct order *)arg;
    free(arg);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    lp_os_sigpipe_held = pthread_sigmask(SIG_BLOCK, &only, NULL) == 0;
    order.run(order.arg);
    return NULL;
}

loop_error *lp_os_thread_start(void (*run)(void *), void *arg, size_t stack, lp_os_thread **ret)
{
    lp_os_thread *t = lp_alloc(sizeof *t);
    struct order *order = lp_alloc(sizeof *order);
    *order = (struct order){run, arg};
    pthread_attr_t attr;
    int failed = pthread_attr_init(&attr);
    if (!failed) {
        if (stack)
            failed = pthread_attr_setstacksize(&attr, stack);
        if (!failed)
            failed = pthread_create(&t->id, &attr, thread_main, order);
        pthread_attr_destroy(&attr);
    }
    if (failed) {
        free(order);
        free(t);
        return loop_error_new(LOOP_SYSTEM, "cannot start a thread (system error %d)", failed);
    }
    *ret = t;
    return NULL;
}

void lp_os_stack_bounds(uintptr_t *ret_low, uintptr_t *ret_high)
{
    *ret_low = *ret_high = 0;
#if defined(__linux__)
    pthread_attr_t attr;
    void *low;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &attr))
        return;
    if (!pthread_attr_getstack(&attr, &low, &size)) {
        *ret_low = (uintptr_t)low;
        *ret_high = *ret_low + size;
    }
    pthread_attr_destroy(&attr);
#elif defined(__APPLE__)
    *ret_high = (uintptr_t)pthread_get_stackaddr_np(pthread_self());
    *ret_low = *ret_high - pthread_get_stacksize_np(pthread_self());
#endif
}

uintptr_t lp_os_thread_self(void)
{
    static _Thread_local char mark; /* each thread has its own */
    return (uintptr_t)&mark;
}

#if defined(__linux__)
/* linux/membarrier.h, which a libc need not bring. */
#define MEMBARRIER_EXPEDITED 8
#define MEMBARRIER_REGISTER_EXPEDITED 16

loop_error *lp_os_barrier_ready(void)
{
    if (syscall(SYS_membarrier, MEMBARRIER_REGISTER_EXPEDITED, 0, 0) == 0)
        return NULL;
    return loop_error_new(LOOP_UNAVAILABLE, "this system has no membarrier(2): %s",
                          strerror(errno));
}

void lp_os_barrier_all(void)
{
    syscall(SYS_membarrier, MEMBARRIER_EXPEDITED, 0, 0);
}
#else
loop_error *lp_os_barrier_ready(void)
{
    return loop_error_new(LOOP_UNAVAILABLE, "there is no barrier for all threads on this system");
}

void lp_os_barrier_all(void)
{
}
#endif

void lp_os_thread_yield(void)
{
    sched_yield();
}

void lp_os_thread_leave(lp_os_thread *t)
{
    pthread_detach(t->id);
    free(t);
}

void lp_os_thread_join(lp_os_thread *t)
{
    if (!t)
        return;
    pthread_join(t->id, NULL);
    free(t);
}

/* What cannot fail but for a defect of ours. */
static void must(int failed)
{
    if (failed) {
        fprintf(stderr, "loop: a lock failed (system error %d)\n", failed);
        abort();
    }
}

lp_os_mutex *lp_os_mutex_new(void)
{
    lp_os_mutex *m = lp_alloc(sizeof *m);
    must(pthread_mutex_init(&m->m, NULL));
    return m;
}

lp_os_mutex *lp_os_mutex_once(_Atomic(lp_os_mutex *) *made)
{
    lp_os_mutex *m = atomic_load(made), *other = NULL;
    if (m)
        return m;
    m = lp_os_mutex_new();
    if (atomic_compare_exchange_strong(made, &other, m))
        return m;
    lp_os_mutex_delete(m);
    return other;
}

void lp_os_mutex_delete(lp_os_mutex *m)
{
    if (!m)
        return;
    pthread_mutex_destroy(&m->m);
    free(m);
}

void lp_os_mutex_lock(lp_os_mutex *m)
{
    must(pthread_mutex_lock(&m->m));
}

bool lp_os_mutex_try(lp_os_mutex *m)
{
    int failed = pthread_mutex_trylock(&m->m);
    if (failed != EBUSY)
        must(failed);
    return !failed;
}

void lp_os_mutex_unlock(lp_os_mutex *m)
{
    must(pthread_mutex_unlock(&m->m));
}

lp_os_cond *lp_os_cond_new(void)
{
    lp_os_cond *c = lp_alloc(sizeof *c);
    pthread_condattr_t attr;
    must(pthread_condattr_init(&attr));
#if !defined(__APPLE__)
    must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC));
#endif
    must(pthread_cond_init(&c->c, &attr));
    pthread_condattr_destroy(&attr);
    return c;
}

void lp_os_cond_delete(lp_os_cond *c)
{
    if (!c)
        return;
    pthread_cond_destroy(&c->c);
    free(c);
}

static struct timespec span(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000u),
                             .tv_nsec = (long)(ns % 1000000000u)};
}

bool lp_os_cond_wait(lp_os_cond *c, lp_os_mutex *m, uint64_t until_ns)
{
    if (!until_ns) {
        must(pthread_cond_wait(&c->c, &m->m));
        return true;
    }
#if defined(__APPLE__)
    uint64_t now = lp_os_now_ns();
    struct timespec t = span(until_ns > now ? until_ns - now : 0);
    int failed = pthread_cond_timedwait_relative_np(&c->c, &m->m, &t);
#else
    struct timespec t = span(until_ns);
    int failed = pthread_cond_timedwait(&c->c, &m->m, &t);
#endif
    if (failed == ETIMEDOUT)
        return false;
    must(failed);
    return true;
}

void lp_os_cond_signal(lp_os_cond *c)
{
    must(pthread_cond_signal(&c->c));
}

void lp_os_cond_broadcast(lp_os_cond *c)
{
    must(pthread_cond_broadcast(&c->c));
}
