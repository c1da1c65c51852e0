/*
 * Tests of host/given.c: a provider of loop:process that gives a component streams of all sorts,
 * good ones and none. The component is tests/guests/c/programs.c.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/os/os.h"
#include "loop/host.h"
#include "loop/wit/process.h"

typedef loop_process_processes_result_own_input_stream_error taken;

/* What take_stdout does, and how the run ends. */
static struct row {
    const char *what;
    loop_code code;
    const char *words; /* of the error */
} row;
static const struct row rows[] = {
    {"good", LOOP_OK, ""},
    {"one too many", LOOP_OK, ""},
    {"an error after all", LOOP_OK, ""},
    {"none", LOOP_UNAVAILABLE, "a stream that was not made in this call"},
    {"a stranger", LOOP_UNAVAILABLE, "a stream that was not made in this call"},
    {"of another call", LOOP_UNAVAILABLE, "a stream that was not made in this call"},
    {"the other way round", LOOP_UNAVAILABLE, "a stream that was not made in this call"},
    {"no descriptor", LOOP_UNAVAILABLE, "a stream that was not made in this call"},
    {"a file", LOOP_INTERNAL, ""},
    {"a closed one", LOOP_INTERNAL, ""},
};

static void *kept;
static int object;

/* What is read is "hello", and its end. */
static int a_pipe(bool read)
{
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0 || write(ends[1], "hello\n", 6) != 6)
        abort(); /* on the instance's thread: no place for cmocka */
    close(ends[read]);
    return ends[!read];
}

static loop_error *take_stdout(void *self, loop_call *call, loop_process_processes_process *p,
                               taken *ret)
{
    (void)self;
    (void)p;
    void *given = NULL;
    if (strcmp(row.what, "good") == 0) {
        given = loop_call_input_stream(call, a_pipe(true));
    } else if (strcmp(row.what, "one too many") == 0) {
        given = loop_call_input_stream(call, a_pipe(true));
        loop_call_output_stream(call, a_pipe(false));
    } else if (strcmp(row.what, "an error after all") == 0) {
        loop_call_input_stream(call, a_pipe(true));
        ret->is_err = true;
        ret->of.error.tag = LOOP_CORE_TYPES_ERROR_FAILED;
        return NULL;
    } else if (strcmp(row.what, "a stranger") == 0) {
        given = &object;
    } else if (strcmp(row.what, "of another call") == 0) {
        given = kept;
    } else if (strcmp(row.what, "the other way round") == 0) {
        given = loop_call_output_stream(call, a_pipe(false));
    } else if (strcmp(row.what, "no descriptor") == 0) {
        given = loop_call_input_stream(call, -1);
    } else if (strcmp(row.what, "a file") == 0) {
        given = loop_call_input_stream(call, open("/etc/passwd", O_RDONLY | O_CLOEXEC));
    } else if (strcmp(row.what, "a closed one") == 0) {
        int fd = a_pipe(true);
        given = loop_call_input_stream(call, fd);
        close(fd);
    }
    ret->of.ok = given;
    return NULL;
}

static loop_error *subscribe(void *self, loop_call *call, loop_process_processes_process *p,
                             loop_process_processes_result_own_pollable_error *ret)
{
    (void)self;
    (void)p;
    ret->of.ok = loop_call_pollable(call, a_pipe(true));
    return NULL;
}

static loop_error *status(void *self, loop_call *call, loop_process_processes_process *p,
                          loop_process_processes_result_option_exit_status_error *ret)
{
    (void)self;
    (void)call;
    (void)p;
    ret->of.ok.is_some = true;
    return NULL;
}

static loop_error *spawn(void *self, loop_call *call, const loop_process_processes_command *command,
                         loop_process_processes_result_own_process_error *ret)
{
    (void)self;
    (void)command;
    kept = loop_call_input_stream(call, a_pipe(true)); /* not answered: closed with this call */
    ret->of.ok = (loop_process_processes_process *)&object;
    return NULL;
}

static loop_error *take_stdin(void *self, loop_call *call, loop_process_processes_process *p,
                              loop_process_processes_result_own_output_stream_error *ret)
{
    (void)self;
    (void)p;
    ret->of.ok = loop_call_output_stream(call, a_pipe(false));
    return NULL;
}

static loop_error *no_signal(void *self, loop_call *call, loop_process_processes_process *p,
                             loop_process_processes_signal signal,
                             loop_process_processes_result_void_error *ret)
{
    (void)self;
    (void)call;
    (void)p;
    (void)signal;
    (void)ret;
    return NULL;
}

static void drop(void *self, loop_process_processes_process *p)
{
    (void)self;
    (void)p;
}

static const loop_process_processes_functions functions = {
    .process_take_stdin = take_stdin,
    .process_take_stdout = take_stdout,
    .process_take_stderr = take_stdout,
    .process_signal = no_signal,
    .process_subscribe = subscribe,
    .process_status = status,
    .spawn = spawn,
    .process_drop = drop,
};

static const loop_provider giver = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "giver",
    .summary = "gives streams",
    .interfaces = (const loop_provider_interface[]){{&loop_process_processes_interface, &functions},
                                                    {NULL, NULL}},
};

static int open_descriptors(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static loop_error *run_once(loop_host *host, loop_component *c)
{
    const char *args[] = {"programs", "run", "-i", "null", "-r", "null", "--", "x", NULL};
    loop_instance *i;
    loop_result r = {0};
    LP_TRY(loop_instance_new(host, c, &(loop_instance_options){.args = args}, &i));
    loop_error *err = loop_instance_run(i, &r);
    loop_instance_delete(i);
    return err;
}

static void what_a_provider_gives_is_a_stream_or_an_error(void **state)
{
    (void)state;
    loop_host *host;
    loop_component *c;
    assert_null(loop_host_new(&(loop_host_options){.log_level = LOOP_LOG_ERROR}, &host));
    assert_null(loop_host_provider_add(host, &giver));
    assert_null(loop_host_bind(host, "loop:process/processes", "giver"));
    const char *folder = lp_os_getenv("LOOP_TEST_GUESTS");
    lp_auto(lp_free_string) char *path =
        lp_format("%s/programs.wasm", folder ? folder : "build/guests");
    assert_null(loop_component_open(host, path, &c));
    row = rows[0];
    loop_error *failed = run_once(host, c); /* what is made once is made */
    if (failed)
        fail_msg("%s", loop_error_message(failed));
    int before = open_descriptors();
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        row = rows[i];
        loop_error *err = run_once(host, c);
        const loop_error *root = err;
        while (root && loop_error_cause(root))
            root = loop_error_cause(root);
        if (loop_error_code(err) != row.code ||
            (err && !strstr(loop_error_message(root), row.words)))
            fail_msg("%s: %d: %s", row.what, (int)loop_error_code(err),
                     err ? loop_error_message(root) : "no error");
        loop_error_delete(err);
        if (open_descriptors() != before)
            fail_msg("%s: %d descriptors, %d before", row.what, open_descriptors(), before);
    }
    loop_component_delete(c);
    loop_host_delete(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_provider_gives_is_a_stream_or_an_error),
    };
    return cmocka_run_group_tests_name("host-given", tests, NULL, NULL);
}
