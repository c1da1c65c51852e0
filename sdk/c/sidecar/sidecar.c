/*
 * sidecar.c: who reads, what each message does, and the end.
 *
 * Threads. One reads frames and runs the call that came itself, so that a short call costs no
 * switch. A watcher looks every 2 ms: where the same call still runs, another thread is made to
 * read, and CANCEL, PING and further calls get through. Who waits for the host (a NEXT, credit, a
 * SERIAL provider that is busy) lets another read at once.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define TICK_NS 2000000
#define LAST_WORDS_NS UINT64_C(1500000000) /* for calls under way when the host goes */

struct sc_process sc = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .serial = PTHREAD_MUTEX_INITIALIZER,
    .writing = PTHREAD_MUTEX_INITIALIZER,
    .news = PTHREAD_COND_INITIALIZER,
    .next_id = 1,
};
int sc_input, sc_output;
static pthread_cond_t over = PTHREAD_COND_INITIALIZER; /* sc.ended, for the main thread */

uint64_t sc_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

_Noreturn void sc_broken(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "error: what the host sent is against the protocol: ");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    _exit(1);
}

/* ---- who reads ---- */

static struct {
    pthread_cond_t free;  /* the others wait for it */
    pthread_cond_t watch; /* the watcher sleeps */
    bool taken;           /* somebody reads, or runs what it read */
    bool busy, watching;  /* it runs a call; the watcher is awake */
    uint64_t epoch;       /* who: counts */
    uint64_t calls;       /* that were begun */
    unsigned waiting;     /* threads that would read */
} role = {.free = PTHREAD_COND_INITIALIZER, .watch = PTHREAD_COND_INITIALIZER};

static _Thread_local uint64_t my_epoch; /* 0: this thread does not read */

static void *serve(void *unused);

static void start_thread(void *run(void *))
{
    pthread_t t;
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&t, &detached, run, NULL) != 0) {
        fprintf(stderr, "error: cannot start a thread\n");
        _exit(1);
    }
    pthread_attr_destroy(&detached);
}

/* The lock is held. */
static void free_role(void)
{
    role.taken = role.busy = false;
    role.epoch++;
    if (role.waiting)
        pthread_cond_signal(&role.free);
    else
        start_thread(serve);
}

static bool i_read(void)
{
    return my_epoch && my_epoch == role.epoch && role.taken;
}

void sc_let_read(void)
{
    pthread_mutex_lock(&sc.lock);
    if (i_read())
        free_role();
    my_epoch = 0;
    pthread_mutex_unlock(&sc.lock);
}

void sc_wait(void)
{
    if (i_read())
        free_role();
    my_epoch = 0;
    pthread_cond_wait(&sc.news, &sc.lock);
}

void sc_be_busy(void)
{
    role.busy = true;
    role.calls++;
    if (!role.watching) {
        role.watching = true;
        pthread_cond_signal(&role.watch);
    }
}

void sc_be_idle(void)
{
    if (i_read())
        role.busy = false;
}

void sc_begin_work(bool may_last)
{
    pthread_mutex_lock(&sc.lock);
    sc.work++;
    if (may_last)
        sc_be_busy();
    pthread_mutex_unlock(&sc.lock);
}

void sc_end_work(void)
{
    pthread_mutex_lock(&sc.lock);
    sc.work--;
    sc_be_idle();
    pthread_mutex_unlock(&sc.lock);
}

/* Ends its sleep when calls come, and sleeps again when none came for a tick. */
static void *watch(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&sc.lock);
    for (uint64_t seen = 0;;) {
        if (role.busy && role.calls == seen) {
            free_role();
        } else if (!role.busy && role.calls == seen) {
            role.watching = false;
            pthread_cond_wait(&role.watch, &sc.lock);
        }
        seen = role.calls;
        pthread_mutex_unlock(&sc.lock);
        nanosleep(&(struct timespec){.tv_nsec = TICK_NS}, NULL);
        pthread_mutex_lock(&sc.lock);
    }
    return unused;
}

/* ---- other messages ---- */

static void on_answer(sc_message *m)
{
    pthread_mutex_lock(&sc.lock);
    sc_asked *a = sc.asked;
    while (a && (a->id != m->id || a->type))
        a = a->next;
    if (!a)
        sc_broken("the answer %u of a NEXT that was not sent", m->id);
    a->data = m->data;
    a->len = m->len;
    a->type = m->type;
    m->data = NULL;
    pthread_cond_broadcast(&sc.news);
    pthread_mutex_unlock(&sc.lock);
}

static void on_cancel(const sc_message *m)
{
    sc_in in = {.at = m->data, .end = m->data + m->len};
    uint64_t reason = sc_number(&in, 32), left = sc_number(&in, 32);
    if (sc_end(&in) || reason > LOOP_CANCEL_STOPPED)
        sc_broken("a CANCEL that is none");
    pthread_mutex_lock(&sc.lock);
    if (sc_state_cancel(m->id))
        pthread_cond_broadcast(&sc.news);
    for (loop_call *c = sc.calls; c; c = c->next)
        if (c->id == m->id && atomic_load(&c->reason) == LOOP_CANCEL_NONE) {
            atomic_store(&c->left_ms, (unsigned)left);
            atomic_store(&c->reason, (int)reason);
        }
    pthread_mutex_unlock(&sc.lock);
}

static void on_drop(const sc_message *m)
{
    sc_in in = {.at = m->data, .end = m->data + m->len};
    uint32_t interface = (uint32_t)sc_number(&in, 32), resource = (uint32_t)sc_number(&in, 32);
    uint64_t number = sc_number(&in, 64);
    if (sc_end(&in))
        sc_broken("a DROP that is none");
    sc_begin_work(false); /* what is asked after it finds it done */
    void *object = sc_object(interface, resource, number, true);
    if (object)
        sc_drop_object(interface, resource, object);
    sc_end_work();
    if (!object)
        fprintf(stderr, "warning: the host dropped the handle %llu, which is not held\n",
                (unsigned long long)number);
}

static void on_credit(const sc_message *m)
{
    sc_in in = {.at = m->data, .end = m->data + m->len};
    uint64_t n = sc_number(&in, 32);
    pthread_mutex_lock(&sc.lock);
    if (sc_end(&in) || n > sc.spent)
        sc_broken("CREDIT for %llu bytes, of %u in flight", (unsigned long long)n, sc.spent);
    sc.spent -= (uint32_t)n;
    sc.to_spend += (uint32_t)n;
    pthread_cond_broadcast(&sc.news);
    pthread_mutex_unlock(&sc.lock);
}

static void nothing_behind(const sc_message *m)
{
    if (m->len)
        sc_broken("a frame 0x%02x with %zu bytes", m->type, m->len);
}

static void handle(sc_message *m)
{
    switch (m->type) {
    case SC_CALLER: sc_on_caller(m); break;
    case SC_CALLER_GONE:
        nothing_behind(m);
        sc_on_caller_gone(m);
        break;
    case SC_CALL: sc_on_call(m); break;
    case SC_RESULT:
    case SC_FAULT: on_answer(m); break;
    case SC_CANCEL: on_cancel(m); break;
    case SC_DROP: on_drop(m); break;
    case SC_RELEASE:
        nothing_behind(m);
        sc_shared_free(m->id);
        break;
    case SC_CREDIT_BACK: on_credit(m); break;
    case SC_PING:
        nothing_behind(m);
        sc_send(SC_PONG, m->id, NULL, 0);
        break;
    case SC_PONG: break;
    case SC_QUIESCE:
    case SC_RESUME:
    case SC_SAVE:
    case SC_RESTORE:
    case SC_SAVE_OBJECT:
    case SC_RESTORE_OBJECT:
    case SC_STATE: sc_on_state(m); break;
    default: sc_broken("a frame of the type 0x%02x", m->type);
    }
    free(m->data);
}

/* Reads while it may, else waits until it may. */
static void *serve(void *unused)
{
    for (;;) {
        pthread_mutex_lock(&sc.lock);
        role.waiting++;
        while (role.taken)
            pthread_cond_wait(&role.free, &sc.lock);
        role.waiting--;
        role.taken = true;
        my_epoch = ++role.epoch;
        pthread_mutex_unlock(&sc.lock);
        for (bool mine = true; mine;) {
            sc_message m;
            if (!sc_receive(&m)) {
                pthread_mutex_lock(&sc.lock);
                sc.ended = true;
                pthread_cond_broadcast(&sc.news);
                pthread_cond_signal(&over);
                pthread_mutex_unlock(&sc.lock);
                return unused; /* and keeps the role */
            }
            handle(&m);
            pthread_mutex_lock(&sc.lock);
            mine = i_read();
            pthread_mutex_unlock(&sc.lock);
        }
        my_epoch = 0;
    }
}

/* ---- start and end ---- */

/* Frames get descriptors of their own; what the program prints goes to stderr. */
static bool take_streams(void)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sc_input = fcntl(0, F_DUPFD_CLOEXEC, 3);
    sc_output = fcntl(1, F_DUPFD_CLOEXEC, 3);
    const char *fd = getenv("LOOP_SIDECAR_FD");
    if (fd)
        fcntl(atoi(fd), F_SETFD, FD_CLOEXEC);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    return sc_input >= 0 && sc_output >= 0 && nothing >= 0 && dup2(nothing, 0) == 0 &&
           dup2(2, 1) == 1;
}

/* The host has gone: calls under way are told, and get a moment. */
static void finish(void)
{
    uint64_t until = sc_now_ns() + LAST_WORDS_NS;
    pthread_mutex_lock(&sc.lock);
    while (!sc.ended)
        pthread_cond_wait(&over, &sc.lock); /* not `news`, of which there are some every call */
    for (loop_call *c = sc.calls; c; c = c->next)
        if (atomic_load(&c->reason) == LOOP_CANCEL_NONE)
            atomic_store(&c->reason, LOOP_CANCEL_STOPPED);
    while ((sc.calls || sc.work) && sc_now_ns() < until) {
        pthread_mutex_unlock(&sc.lock);
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        pthread_mutex_lock(&sc.lock);
    }
    bool idle = !sc.calls && !sc.work;
    pthread_mutex_unlock(&sc.lock);
    if (idle && sc.provider->close)
        sc.provider->close(sc.self);
    fflush(stdout);
    _exit(0); /* threads may still wait */
}

int loop_sidecar_main(const loop_provider *provider, const char *version)
{
    sc_message m;
    if (!getenv("LOOP_SIDECAR")) {
        fprintf(stderr,
                "error: '%s' is a sidecar, which loop starts\n"
                "hint: name this program in loop.yaml: `bind: { INTERFACE: { sidecar: [...] } }`\n",
                provider->name);
        return LOOP_USAGE;
    }
    sc.provider = provider;
    sc.version = version;
    if (provider->abi != LOOP_PROVIDER_ABI || !provider->interfaces || !take_streams() ||
        !sc_read_interfaces(provider)) {
        fprintf(stderr, "error: '%s' cannot be a sidecar\n", provider->name);
        return LOOP_INTERNAL;
    }
    sc_send_welcome();
    if (!sc_receive(&m))
        return 1;
    if (m.type != SC_START)
        sc_broken("a frame 0x%02x before START", m.type);
    sc_read_start(&m);
    free(m.data);
    start_thread(watch);
    start_thread(serve); /* PING and CREDIT, while the provider opens what it needs */
    sc_begin();
    finish();
    return 0;
}
