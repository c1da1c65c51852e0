/* Tests of process.h with the real guard and real programs. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/os/process.h"
#include "base/os/programs_test.h"

static char *guard_path, mark[64]; /* `mark` is in the environment of all that is started */

static loop_error *start_in(const char *directory, const char *program, const char *script,
                            int inherit, lp_os_guarded *ret)
{
    const char *argv[] = {program, "-c", script, NULL};
    const char *env[] = {mark, "PATH=/usr/bin:/bin", NULL};
    return lp_os_guarded_start(&(lp_os_program){.guard = guard_path,
                                                .path = program,
                                                .argv = argv,
                                                .env = env,
                                                .directory = directory,
                                                .inherit = inherit},
                               ret);
}

static lp_os_guarded start(const char *script)
{
    lp_os_guarded g;
    assert_null(start_in("/", "/bin/sh", script, -1, &g));
    return g;
}

static int end_of(lp_os_guarded *g)
{
    int status = 4711;
    lp_os_waited w = {.fd = g->control};
    while (!lp_os_guarded_ended(g, &status))
        assert_true(lp_os_wait(&w, 1, in_s(10)));
    return status;
}

/* Processes with our mark in their environment, the guard's own among them; zombies are not. */
static int marked(void)
{
    int count = 0;
    DIR *dir = opendir("/proc");
    const struct dirent *e;
    while ((e = readdir(dir))) {
        if (e->d_name[0] < '1' || e->d_name[0] > '9')
            continue;
        lp_auto(lp_free_string) char *path = lp_format("/proc/%s/environ", e->d_name);
        uint8_t *text;
        size_t len;
        loop_error *err = lp_os_read_file(path, 1 << 20, &text, &len);
        if (!err) {
            count += memmem(text, len, mark, strlen(mark)) != NULL;
            free(text);
        }
        loop_error_delete(err);
    }
    closedir(dir);
    return count;
}

static int open_descriptors(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void nothing_is_left(void)
{
    for (int i = 0; i < 1000 && marked(); i++)
        usleep(1000);
    assert_int_equal(marked(), 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* ---- starting ---- */

static void a_program_gets_its_streams_and_nothing_else(void **state)
{
    (void)state;
    char text[4096];
    int leaked[3] = {open("/", O_RDONLY), open("/", O_RDONLY), open("/dev/null", O_RDWR)};
    lp_os_guarded g;
    assert_null(start_in("/usr", "/bin/sh", "pwd; env; cd /proc/self/fd && echo *; read a; echo $a",
                         leaked[2], &g));
    size_t n;
    assert_null(lp_os_pipe_write(g.in, &(lp_os_bytes){"hello\n", 6}, 1, &n));
    assert_int_equal(n, 6);
    read_all(g.out, text, sizeof text);
    lp_auto(lp_free_string) char *path = lp_format("%s\n", mark);
    assert_non_null(strstr(text, path));
    assert_non_null(strstr(text, "/usr\n"));
    assert_null(strstr(text, "HOME="));
    assert_non_null(strstr(text, "\n0 1 2 3 4\nhello\n")); /* 4: the shell's own, of `*` */
    assert_int_equal(end_of(&g), 0);
    lp_os_guarded_close(&g);
    lp_os_guarded_close(&g);
    for (int i = 0; i < 3; i++)
        close(leaked[i]);
    nothing_is_left();
}

static void what_cannot_start_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *directory, *program;
        loop_code code;
    } rows[] = {
        {"/", "/no/such", LOOP_NOT_FOUND},
        {"/", "/etc/passwd", LOOP_IO},
        {"/no/such", "/bin/sh", LOOP_NOT_FOUND},
        {"/etc/passwd", "/bin/sh", LOOP_NOT_FOUND},
    };
    int before = open_descriptors();
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_os_guarded g;
        loop_error *e = start_in(rows[i].directory, rows[i].program, "true", -1, &g);
        if (loop_error_code(e) != rows[i].code)
            fail_msg("row %zu: %s", i, loop_error_message(e));
        loop_error_delete(e);
    }
    assert_int_equal(open_descriptors(), before);
    nothing_is_left();
}

static void a_host_without_standard_streams_starts_one_too(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        char text[64];
        for (int fd = 0; fd < 3; fd++)
            close(fd);
        lp_os_guarded g = start("read a; echo got $a");
        size_t n;
        loop_error_delete(lp_os_pipe_write(g.in, &(lp_os_bytes){"x\n", 2}, 1, &n));
        read_all(g.out, text, sizeof text);
        lp_os_guarded_close(&g);
        _exit(strcmp(text, "got x\n") == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    nothing_is_left();
}

/* ---- the end ---- */

static void an_end_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        int status;
    } rows[] = {{"exit 0", 0}, {"exit 7", 7}, {"kill -9 $$", -SIGKILL}, {"kill -15 $$", -SIGTERM}};
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_os_guarded g = start(rows[i].script);
        assert_int_equal(end_of(&g), rows[i].status);
        lp_os_guarded_close(&g);
    }
    lp_os_guarded g = start("trap 'exit 3' TERM; echo; while :; do sleep 0.01; done");
    assert_true(lp_os_pipe_wait(g.out, false, in_s(10)));
    int status;
    assert_false(lp_os_guarded_ended(&g, &status));
    lp_os_guarded_term(&g);
    assert_int_equal(end_of(&g), 3);
    lp_os_guarded_close(&g);
    nothing_is_left();
}

#define DAEMON "(setsid sh -c '(setsid sleep 1000 &) ; sleep 1000' &)"

static void all_that_it_started_ends_with_it(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        DAEMON "; " DAEMON "; trap '' TERM HUP INT; echo; while :; do sleep 1000; done",
        DAEMON "; echo; cat", /* told by stdin */
        "trap '' TERM; (trap '' TERM; while :; do sleep 0.001; done) & echo; sleep 1000",
        "(i=0; while [ $i -lt 40 ]; do (setsid sleep 1000 &); "
        "i=$((i+1)); done); echo; sleep 1000",
    };
    int before = open_descriptors();
    for (size_t i = 0; i < LP_COUNT(scripts); i++) {
        lp_os_guarded g = start(scripts[i]);
        assert_true(lp_os_pipe_wait(g.out, false, in_s(10)));
        usleep(20000);
        assert_true(marked() > 2);
        uint64_t at = lp_os_now_ns();
        lp_os_guarded_close(&g);
        assert_true(lp_os_now_ns() - at < 1000000000);
        assert_int_equal(marked(), 0); /* at once, not soon */
    }
    assert_int_equal(open_descriptors(), before);
    nothing_is_left();
}

static void daemons_do_not_outlive_the_sidecar(void **state)
{
    (void)state;
    lp_os_guarded g = start(DAEMON "; sleep 0.05; exit 4");
    assert_int_equal(end_of(&g), 4);
    for (int i = 0; i < 1000 && marked(); i++)
        usleep(1000);
    assert_int_equal(marked(), 0); /* before it is closed */
    lp_os_guarded_close(&g);
    nothing_is_left();
}

/* A process that starts a sidecar with daemons and is killed. */
static void host_that_dies(int say)
{
    lp_os_guarded g =
        start(DAEMON "; " DAEMON "; trap '' TERM HUP; echo; while :; do sleep 1000; done");
    lp_os_pipe_wait(g.out, false, in_s(10));
    usleep(20000);
    (void)!write(say, "", 1);
    for (;;)
        pause();
}

static void a_killed_host_leaves_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        int said[2];
        char c;
        assert_int_equal(pipe(said), 0);
        pid_t host = fork();
        if (host == 0)
            host_that_dies(said[1]);
        assert_int_equal(read(said[0], &c, 1), 1);
        assert_true(marked() >= 6);
        kill(host, SIGKILL);
        uint64_t at = lp_os_now_ns();
        assert_int_equal(waitpid(host, NULL, 0), host);
        while (marked() && lp_os_now_ns() - at < 10000000000)
            usleep(1000);
        assert_int_equal(marked(), 0);
        close(said[0]);
        close(said[1]);
    }
    nothing_is_left();
}

static void a_killed_guard_takes_the_sidecar_along(void **state)
{
    (void)state;
    lp_os_guarded g = start("echo; sleep 1000 & wait");
    assert_true(lp_os_pipe_wait(g.out, false, in_s(10)));
    kill((pid_t)g.guard, SIGKILL);
    assert_int_equal(end_of(&g), -SIGKILL);
    lp_os_guarded_close(&g);
    nothing_is_left();
    g = start(DAEMON "; echo; sleep 1000 & wait");
    assert_true(lp_os_pipe_wait(g.out, false, in_s(10)));
    kill((pid_t)g.guard, SIGSTOP);
    uint64_t at = lp_os_now_ns();
    lp_os_guarded_close(&g); /* it is woken, and ends the daemon, too */
    assert_true(lp_os_now_ns() - at < UINT64_C(2000000000));
    nothing_is_left();
}

static void a_thread_that_ends_ends_no_sidecar(void **state);
static void start_one(void *to)
{
    *(lp_os_guarded *)to = start("read a || exit 5");
}

static void a_thread_that_ends_ends_no_sidecar(void **state)
{
    (void)state;
    lp_os_guarded g;
    lp_os_thread *t;
    int status;
    assert_null(lp_os_thread_start(start_one, &g, 0, &t));
    lp_os_thread_join(t);
    usleep(50000);
    assert_false(lp_os_guarded_ended(&g, &status));
    close(g.in);
    g.in = -1;
    assert_int_equal(end_of(&g), 5);
    lp_os_guarded_close(&g);
    nothing_is_left();
}

/* ---- the rest ---- */

static void programs_are_found(void **state)
{
    (void)state;
    setenv("PATH", "relative:/nonexistent::/bin:/usr/bin", 1);
    static const struct {
        const char *name, *found;
    } rows[] = {{"sh", "/bin/sh"},      {"/bin/sh", "/bin/sh"},
                {"bin/sh", "//bin/sh"}, {"./bin/sh", "//./bin/sh"},
                {"no-such", NULL},      {"/etc", NULL},
                {"etc/passwd", NULL},   {"", NULL}};
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_auto(lp_free_string) char *found = lp_os_find_program(rows[i].name, "/");
        if (rows[i].found)
            assert_string_equal(found, rows[i].found);
        else
            assert_null(found);
    }
}

static void a_waker_wakes(void **state)
{
    (void)state;
    lp_os_waker w;
    assert_null(lp_os_waker_open(&w));
    lp_os_waited on[] = {{.fd = -1}, {.fd = w.fd}};
    assert_false(lp_os_wait(on, 2, in_s(0.01)));
    lp_os_waker_wake(&w);
    lp_os_waker_wake(&w);
    assert_true(lp_os_wait(on, 2, in_s(10)));
    assert_true(on[1].ready);
    lp_os_waker_clear(&w);
    assert_false(lp_os_wait(on, 2, 0));
    lp_os_waker_close(&w);
    lp_os_waker_close(&w);
}

/* It may be stopped, or the program may lie where nothing answers: nobody waits for ever. */
static void a_guard_that_says_nothing_is_given_up(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *real = lp_take(&guard_path);
    char script[] = "/tmp/loop-guard-XXXXXX";
    static const char text[] = "#!/bin/sh\nexec sleep 60\n";
    int fd = mkstemp(script);
    assert_true(fd >= 0 && write(fd, text, sizeof text - 1) == (ssize_t)sizeof text - 1);
    assert_int_equal(fchmod(fd, 0700), 0);
    close(fd);
    lp_os_guarded g;
    guard_path = script;
    uint64_t from = lp_os_now_ns();
    loop_error *e = start_in("/", "/bin/true", "", -1, &g);
    guard_path = lp_take(&real);
    unlink(script);
    assert_int_equal(loop_error_code(e), LOOP_TIMEOUT);
    assert_true(lp_os_now_ns() - from < 20000000000ull);
    loop_error_delete(e);
}

int main(void)
{
    lp_auto(lp_free_string) char *own = lp_os_own_path();
    guard_path = lp_format("%.*s/../loop-guard", (int)(strrchr(own, '/') - own), own);
    snprintf(mark, sizeof mark, "LOOP_TEST_MARK=%ld-%llu", (long)getpid(),
             (unsigned long long)lp_os_now_ns());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_gets_its_streams_and_nothing_else),
        cmocka_unit_test(what_cannot_start_says_why),
        cmocka_unit_test(a_guard_that_says_nothing_is_given_up),
        cmocka_unit_test(a_host_without_standard_streams_starts_one_too),
        cmocka_unit_test(an_end_is_told),
        cmocka_unit_test(all_that_it_started_ends_with_it),
        cmocka_unit_test(daemons_do_not_outlive_the_sidecar),
        cmocka_unit_test(a_killed_host_leaves_nothing),
        cmocka_unit_test(a_killed_guard_takes_the_sidecar_along),
        cmocka_unit_test(a_thread_that_ends_ends_no_sidecar),
        cmocka_unit_test(programs_are_found),
        cmocka_unit_test(a_waker_wakes),
    };
    int failed = cmocka_run_group_tests_name("base-process", tests, NULL, NULL);
    free(guard_path);
    return failed;
}
