/*
 * providers/process/process.c: loop:process, and the programs that run.
 *
 * Nothing waits here but for the guard to start a program, and to end one: what a component waits
 * for is wasi:io's (loop_call_input_stream and its like), where a deadline and Ctrl-C reach it. So
 * there is no thread, and nothing is read ahead: who does not read its program's output stops it.
 * The news of a program stay where they are, in its guard's socket (lp_os_guarded_look), so that
 * every pollable sees them.
 *
 * An object belongs to one component, which calls from one thread at a time; `lock` is for the
 * list.
 */
#include "providers/process/process.h"

#include <stdlib.h>

#include "base/os/os.h"
#include "providers/process/internal.h"

typedef struct loop_process_processes_process program;

typedef struct provider {
    char *guard;
    lp_os_mutex *lock;
    program *first;
    size_t count;
} provider;

struct loop_process_processes_process {
    provider *of;
    uint64_t instance;
    lp_os_guarded g;
    program *next, **back;
};

/* ---- which there are ---- */

static unsigned count_of(const provider *p, uint64_t instance)
{
    unsigned n = 0;
    for (const program *at = p->first; at; at = at->next)
        n += at->instance == instance;
    return n;
}

/* A place for one more. */
static loop_error *program_new(provider *p, uint64_t instance, program **ret)
{
    loop_error *err = NULL;
    lp_os_mutex_lock(p->lock);
    if (count_of(p, instance) >= LP_MAX_PROCESSES)
        err =
            loop_error_new(LOOP_LIMIT, "more than %u programs of one component", LP_MAX_PROCESSES);
    else if (p->count >= LP_MAX_PROCESSES_OF_HOST)
        err = loop_error_new(LOOP_LIMIT, "more than %u programs of all components together",
                             LP_MAX_PROCESSES_OF_HOST);
    if (!err) {
        program *new = lp_alloc(sizeof *new);
        *new = (program){p, instance, {-1, -1, -1, -1, 0, 0}, p->first, &p->first};
        if (p->first)
            p->first->back = &new->next;
        p->first = new;
        p->count++;
        *ret = new;
    }
    lp_os_mutex_unlock(p->lock);
    return err;
}

/* Ends it and all that it started. */
static void program_delete(program *x)
{
    provider *p = x->of;
    lp_os_guarded_close(&x->g);
    lp_os_mutex_lock(p->lock);
    *x->back = x->next;
    if (x->next)
        x->next->back = x->back;
    p->count--;
    lp_os_mutex_unlock(p->lock);
    free(x);
}

/* ---- functions ---- */

static loop_error *start(provider *p, loop_call *call,
                         const loop_process_processes_command *command, program **ret)
{
    lp_process_order o;
    program *x = NULL;
    loop_error *err = lp_process_order_init(&o, call, p->guard, command);
    if (!err)
        err = program_new(p, loop_call_instance(call), &x);
    if (!err)
        err = lp_os_guarded_start(&o.program, &x->g);
    lp_process_order_done(&o);
    if (err && x)
        program_delete(x);
    if (!err)
        *ret = x;
    return err;
}

static loop_error *spawn(void *self, loop_call *call, const loop_process_processes_command *command,
                         loop_process_processes_result_own_process_error *ret)
{
    loop_error *err = start(self, call, command, &ret->of.ok);
    ret->is_err = err != NULL;
    if (err)
        ret->of.error = lp_process_error(call, err);
    return NULL;
}

static loop_process_processes_error not_there(const char *what)
{
    return (loop_process_processes_error){.tag = LOOP_CORE_TYPES_ERROR_INVALID,
                                          .of.invalid = loop_string_of(what)};
}

/* The descriptor, once. */
static int take(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

static loop_error *take_stdin(void *self, loop_call *call, program *x,
                              loop_process_processes_result_own_output_stream_error *ret)
{
    (void)self;
    ret->of.ok = loop_call_output_stream(call, take(&x->g.in));
    ret->is_err = !ret->of.ok;
    if (ret->is_err)
        ret->of.error = not_there("its input is no pipe, or was taken");
    return NULL;
}

static void take_output(loop_call *call, int *fd,
                        loop_process_processes_result_own_input_stream_error *ret)
{
    ret->of.ok = loop_call_input_stream(call, take(fd));
    ret->is_err = !ret->of.ok;
    if (ret->is_err)
        ret->of.error = not_there("it is no pipe, or was taken");
}

static loop_error *take_stdout(void *self, loop_call *call, program *x,
                               loop_process_processes_result_own_input_stream_error *ret)
{
    (void)self;
    take_output(call, &x->g.out, ret);
    return NULL;
}

static loop_error *take_stderr(void *self, loop_call *call, program *x,
                               loop_process_processes_result_own_input_stream_error *ret)
{
    (void)self;
    take_output(call, &x->g.err, ret);
    return NULL;
}

static loop_error *subscribe(void *self, loop_call *call, program *x,
                             loop_process_processes_result_own_pollable_error *ret)
{
    (void)self;
    int news = -1;
    loop_error *err = lp_os_descriptor_copy(x->g.control, &news);
    if (!err)
        ret->of.ok = loop_call_pollable(call, news);
    ret->is_err = err != NULL;
    if (err)
        ret->of.error = lp_process_error(call, err);
    return NULL;
}

static loop_error *status(void *self, loop_call *call, program *x,
                          loop_process_processes_result_option_exit_status_error *ret)
{
    (void)self;
    (void)call;
    int number;
    bool late;
    loop_process_processes_option_exit_status *ok = &ret->of.ok;
    ok->is_some = lp_os_guarded_look(&x->g, &number, &late);
    if (!ok->is_some)
        return NULL;
    if (late) {
        ok->value.tag = LOOP_PROCESS_PROCESSES_EXIT_STATUS_DEADLINE;
    } else if (number < 0) {
        ok->value.tag = LOOP_PROCESS_PROCESSES_EXIT_STATUS_SIGNALLED;
        ok->value.of.signalled = (uint32_t)-number;
    } else {
        ok->value.tag = LOOP_PROCESS_PROCESSES_EXIT_STATUS_CODE;
        ok->value.of.code = number;
    }
    return NULL;
}

static loop_error *send_signal(void *self, loop_call *call, program *x,
                               loop_process_processes_signal signal,
                               loop_process_processes_result_void_error *ret)
{
    (void)self;
    (void)call;
    (void)ret;
    static const lp_os_signal signals[] = {
        [LOOP_PROCESS_PROCESSES_SIGNAL_HANGUP] = LP_OS_HANGUP,
        [LOOP_PROCESS_PROCESSES_SIGNAL_INTERRUPT] = LP_OS_INTERRUPT,
        [LOOP_PROCESS_PROCESSES_SIGNAL_QUIT] = LP_OS_QUIT,
        [LOOP_PROCESS_PROCESSES_SIGNAL_TERMINATE] = LP_OS_TERMINATE,
        [LOOP_PROCESS_PROCESSES_SIGNAL_KILL] = LP_OS_KILL,
        [LOOP_PROCESS_PROCESSES_SIGNAL_USER1] = LP_OS_USER1,
        [LOOP_PROCESS_PROCESSES_SIGNAL_USER2] = LP_OS_USER2,
    };
    lp_os_guarded_signal(&x->g, signals[signal]);
    return NULL;
}

static void drop(void *self, program *x)
{
    (void)self;
    program_delete(x);
}

/* ---- the object ---- */

static loop_error *detect(const loop_services *services)
{
    (void)services;
    const char *why = lp_os_guard_why_not();
    return why ? loop_error_new(LOOP_UNAVAILABLE, "%s", why) : NULL;
}

static loop_error *open_provider(const loop_services *services, void **ret_self)
{
    const char *guard = services->place(services->host, "guard");
    if (!guard)
        return loop_error_hint_set(
            loop_error_new(LOOP_UNAVAILABLE, "loop's own program 'loop-guard' is missing"),
            "it lies beside the library, in loop/; install loop anew");
    provider *p = lp_alloc(sizeof *p);
    p->guard = lp_strdup(guard);
    p->lock = lp_os_mutex_new();
    *ret_self = p;
    return NULL;
}

static void close_provider(void *self)
{
    provider *p = self;
    while (p->first)
        program_delete(p->first);
    lp_os_mutex_delete(p->lock);
    free(p->guard);
    free(p);
}

static const loop_process_processes_functions functions = {
    .process_take_stdin = take_stdin,
    .process_take_stdout = take_stdout,
    .process_take_stderr = take_stderr,
    .process_subscribe = subscribe,
    .process_status = status,
    .process_signal = send_signal,
    .spawn = spawn,
    .process_drop = drop,
};

static const loop_provider_need needs[] = {
    {"loop:process/processes", "spawn", LOOP_NEED_PROCESS, NULL,
     "starts a program of this machine, with the arguments that were granted"},
    {"loop:process/processes", "*", LOOP_NEED_OBJECT, NULL,
     "talks to a program that it has started, and ends it"},
    {NULL, NULL, LOOP_NEED_NOTHING, NULL, NULL},
};

const loop_provider lp_provider_process = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "process",
    .summary = "programs of this machine, for components of the class trusted",
    .interfaces = (const loop_provider_interface[]){{&loop_process_processes_interface, &functions},
                                                    {NULL, NULL}},
    .needs = needs,
    .threads = LOOP_THREADS_ANY,
    .detect = detect,
    .open = open_provider,
    .close = close_provider,
};
