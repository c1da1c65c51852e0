/*
 * Tests of process.h as components' programs are started (providers/process), with the real guard
 * and real programs, and of directories that are opened below others.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/os/process.h"
#include "base/os/programs_test.h"

static char *guard_path;

static loop_error *start_as(const char *const *argv, const char *const *env, int directory,
                            const lp_os_stream *streams, uint32_t deadline_ms, lp_os_guarded *ret)
{
    lp_os_program p = {.guard = guard_path,
                       .path = argv[0],
                       .argv = argv,
                       .env = env,
                       .directory = "-",
                       .inherit = directory,
                       .of_component = true,
                       .deadline_ms = deadline_ms};
    for (int i = 0; streams && i < 3; i++)
        p.streams[i] = streams[i];
    return lp_os_guarded_start(&p, ret);
}

static int root(void)
{
    int fd;
    assert_null(lp_os_directory_open("/", &fd));
    return fd;
}

/* A script of the shell, all pipes. */
static lp_os_guarded start_in(const char *script, int directory, uint32_t deadline_ms)
{
    lp_os_guarded g;
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    const char *env[] = {"PATH=/usr/bin:/bin", NULL};
    assert_null(start_as(argv, env, directory, NULL, deadline_ms, &g));
    return g;
}

static lp_os_guarded start(const char *script, uint32_t deadline_ms)
{
    int fd = root();
    lp_os_guarded g = start_in(script, fd, deadline_ms);
    lp_os_descriptor_close(fd);
    return g;
}

static int end_of(lp_os_guarded *g, bool *ret_late)
{
    int status = 4711, again = 4712;
    bool late = false;
    lp_os_waited w = {.fd = g->control};
    while (!lp_os_guarded_look(g, &status, &late))
        assert_true(lp_os_wait(&w, 1, in_s(10)));
    for (int i = 0; i < 3; i++) { /* for ever the same */
        assert_true(lp_os_wait(&w, 1, in_s(10)));
        assert_true(lp_os_guarded_look(g, &again, ret_late));
        assert_int_equal(again, status);
        assert_int_equal(*ret_late, late);
    }
    return status;
}

static void nothing_is_left(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
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

/* ---- what it gets ---- */

static void it_gets_three_streams_and_nothing_else(void **state)
{
    (void)state;
    /* Descriptors that somebody forgot to mark, at the numbers that the guard itself uses, too. */
    int leaked[40];
    for (int i = 0; i < 40; i++)
        leaked[i] = open("/dev/null", O_RDWR);
    int fd = root();
    lp_os_guarded g;
    const char *argv[] = {"/bin/ls", "-1", "/proc/self/fd", NULL}, *none[] = {NULL};
    assert_null(start_as(argv, none, fd, NULL, 0, &g));
    char text[4096];
    read_all(g.out, text, sizeof text);
    assert_string_equal(text, "0\n1\n2\n3\n"); /* 3: the folder that it lists */
    lp_os_guarded_close(&g);
    argv[0] = "/usr/bin/env";
    argv[1] = NULL;
    assert_null(start_as(argv, none, fd, NULL, 0, &g));
    read_all(g.out, text, sizeof text);
    assert_string_equal(text, "");
    lp_os_guarded_close(&g);
    lp_os_descriptor_close(fd);
    for (int i = 0; i < 40; i++)
        close(leaked[i]);
    nothing_is_left();
}

static void it_gets_no_signals_nor_rights_of_ours(void **state)
{
    (void)state;
    sigset_t some, before;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    sigprocmask(SIG_BLOCK, &some, &before);
    signal(SIGINT, SIG_IGN);
    lp_os_guarded g = start("grep -E '^(SigBlk|SigIgn|NoNewPrivs)' /proc/$$/status; "
                            "read pid name state parent group session tty rest </proc/$$/stat; "
                            "echo $((pid == group)) $((pid == session)) $tty",
                            0);
    signal(SIGINT, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    char text[4096];
    read_all(g.out, text, sizeof text);
    assert_string_equal(text, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
                              "NoNewPrivs:\t1\n1 1 0\n");
    lp_os_guarded_close(&g);
    nothing_is_left();
}

static void a_stream_is_nothing_ours_or_a_pipe(void **state)
{
    (void)state;
    int fd = root(), file = open("/tmp", O_TMPFILE | O_RDWR, 0600), ours = dup(1);
    assert_true(file >= 0 && ours >= 0);
    const char *argv[] = {"/bin/sh", "-c", "cat; echo out; echo err >&2", NULL}, *none[] = {NULL};
    lp_os_guarded g;
    bool late;
    fflush(stdout);
    dup2(file, 1);
    loop_error *err =
        start_as(argv, none, fd, (lp_os_stream[]){LP_OS_NULL, LP_OS_SHARED, LP_OS_PIPE}, 0, &g);
    dup2(ours, 1);
    assert_null(err);
    assert_int_equal(g.in, -1);
    assert_int_equal(g.out, -1);
    char text[64];
    read_all(g.err, text, sizeof text);
    assert_string_equal(text, "err\n");
    assert_int_equal(end_of(&g, &late), 0);
    ssize_t n = pread(file, text, sizeof text, 0);
    assert_int_equal(n, 4);
    assert_memory_equal(text, "out\n", 4);
    lp_os_guarded_close(&g);
    close(file);
    close(ours);
    lp_os_descriptor_close(fd);
    nothing_is_left();
}

static void arguments_are_passed_as_they_are(void **state)
{
    (void)state;
    char *longest = lp_alloc(LP_MAX_PROCESS_TEXT + 2);
    memset(longest, 'x', LP_MAX_PROCESS_TEXT);
    int fd = root();
    const char *none[] = {NULL};
    const char *words[] = {
        "/usr/bin/printf", "%s|", "$HOME", "*", "", "a b", "`id`", "\n", ";", "--", "\xff", NULL};
    lp_os_guarded g;
    char text[256];
    assert_null(start_as(words, none, fd, NULL, 0, &g));
    read_all(g.out, text, sizeof text);
    assert_string_equal(text, "$HOME|*||a b|`id`|\n|;|--|\xff|");
    lp_os_guarded_close(&g);
    const char *large[] = {"/bin/true", longest, NULL};
    assert_null(start_as(large, none, fd, NULL, 0, &g));
    lp_os_guarded_close(&g);
    longest[LP_MAX_PROCESS_TEXT] = 'x';
    loop_error *err = start_as(large, none, fd, NULL, 0, &g);
    assert_int_equal(loop_error_code(err), LOOP_LIMIT);
    loop_error_delete(err);
    free(longest);
    lp_os_descriptor_close(fd);
    nothing_is_left();
}

/* ---- its end ---- */

static void a_deadline_ends_it_and_all_that_it_started(void **state)
{
    (void)state;
    bool late;
    char text[64];
    uint64_t at = lp_os_now_ns();
    lp_os_guarded g =
        start("trap '' TERM; (setsid sh -c 'trap \"\" TERM; sleep 1000' &); sleep 1000", 200);
    assert_int_equal(end_of(&g, &late), -SIGKILL);
    assert_true(late);
    read_all(g.out, text, sizeof text); /* until nobody has it any more */
    uint64_t took = lp_os_now_ns() - at;
    assert_true(took >= UINT64_C(200000000) && took < UINT64_C(2000000000));
    lp_os_guarded_close(&g);
    g = start("exit 3", 60000); /* one that is not reached is none */
    assert_int_equal(end_of(&g, &late), 3);
    assert_false(late);
    lp_os_guarded_close(&g);
    nothing_is_left();
}

static void signals_reach_the_group(void **state)
{
    (void)state;
    static const struct {
        lp_os_signal what;
        int status;
    } rows[] = {{LP_OS_HANGUP, -SIGHUP},     {LP_OS_INTERRUPT, -SIGINT}, {LP_OS_QUIT, -SIGQUIT},
                {LP_OS_TERMINATE, -SIGTERM}, {LP_OS_KILL, -SIGKILL},     {LP_OS_USER1, -SIGUSR1},
                {LP_OS_USER2, -SIGUSR2}};
    bool late;
    int status;
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_os_guarded g = start("ulimit -c 0; echo; exec sleep 1000", 0);
        assert_true(lp_os_pipe_wait(g.out, false, in_s(10)));
        assert_false(lp_os_guarded_look(&g, &status, &late));
        lp_os_guarded_signal(&g, rows[i].what);
        assert_int_equal(end_of(&g, &late), rows[i].status);
        assert_false(late);
        lp_os_guarded_signal(&g, rows[i].what); /* nothing happens */
        lp_os_guarded_close(&g);
    }
    char text[64];
    lp_os_guarded g = start("trap 'echo parent' USR1; (trap 'echo child; exit' USR1; echo; "
                            "while :; do sleep 0.01; done) & wait; wait; exit 0",
                            0);
    assert_true(lp_os_pipe_wait(g.out, false, in_s(10)));
    usleep(50000);
    lp_os_guarded_signal(&g, LP_OS_USER1);
    read_all(g.out, text, sizeof text);
    assert_non_null(strstr(text, "child\n"));
    assert_non_null(strstr(text, "parent\n"));
    lp_os_guarded_close(&g);
    nothing_is_left();
}

static void a_killed_guard_takes_the_group_along(void **state)
{
    (void)state;
    char text[64];
    lp_os_guarded g = start("sleep 1000 & sleep 1000 & echo; wait", 0);
    int out = dup(g.out);
    assert_true(lp_os_pipe_wait(g.out, false, in_s(10)));
    kill((pid_t)g.guard, SIGKILL);
    lp_os_waited w = {.fd = g.control};
    assert_true(lp_os_wait(&w, 1, in_s(10)));
    lp_os_guarded_close(&g);
    read_all(out, text, sizeof text); /* until nobody has it any more */
    close(out);
    nothing_is_left();
}

static void a_thousand_leave_nothing(void **state)
{
    (void)state;
    bool late;
    int before = open_descriptors(), fd = root();
    const char *argv[] = {"/bin/true", NULL}, *none[] = {NULL};
    for (int i = 0; i < 1000; i++) {
        lp_os_guarded g;
        assert_null(start_as(argv, none, fd, NULL, 0, &g));
        if (i % 2)
            assert_int_equal(end_of(&g, &late), 0);
        lp_os_guarded_close(&g);
    }
    lp_os_descriptor_close(fd);
    assert_int_equal(open_descriptors(), before);
    nothing_is_left();
}

/* ---- directories ---- */

static char *place; /* a folder of our own */

static char *below(const char *name)
{
    return lp_format("%s/%s", place, name);
}

static void make(const char *name)
{
    lp_auto(lp_free_string) char *path = below(name);
    assert_null(lp_os_make_dirs(path));
}

static void link_to(const char *target, const char *name)
{
    lp_auto(lp_free_string) char *path = below(name);
    unlink(path);
    assert_int_equal(symlink(target, path), 0);
}

static void a_directory_is_opened_where_no_link_leads(void **state)
{
    (void)state;
    make("real/below");
    link_to("real", "alias");
    static const struct {
        const char *path;
        loop_code code;
    } rows[] = {
        {"real", LOOP_OK},           {"real/below", LOOP_OK},
        {"alias", LOOP_DENIED},      {"alias/below", LOOP_DENIED},
        {"real/no", LOOP_NOT_FOUND},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_auto(lp_free_string) char *path = below(rows[i].path);
        int fd = -1;
        loop_error *err = lp_os_directory_open(path, &fd);
        if ((err ? loop_error_code(err) : LOOP_OK) != rows[i].code)
            fail_msg("'%s': %s", rows[i].path, err ? loop_error_message(err) : "opened");
        lp_os_descriptor_close(fd);
        loop_error_delete(err);
    }
}

static void nothing_leads_out_of_a_directory(void **state)
{
    (void)state;
    make("in/a/b");
    make("out/secret");
    link_to("a", "in/inside");
    link_to("../out", "in/outside");
    link_to("/etc", "in/root");
    link_to("../../out", "in/a/up");
    link_to("loop", "in/loop");
    link_to("/proc/self/root", "in/magic");
    lp_auto(lp_free_string) char *path = below("in");
    int dir, fd;
    assert_null(lp_os_directory_open(path, &dir));
    static const struct {
        const char *path;
        loop_code code;
    } rows[] = {
        {"", LOOP_OK},          {".", LOOP_OK},           {"a", LOOP_OK},
        {"a/b", LOOP_OK},       {"a/b/", LOOP_OK},        {"inside", LOOP_OK},
        {"inside/b", LOOP_OK},  {"..", LOOP_DENIED},      {"../in", LOOP_DENIED},
        {"/etc", LOOP_DENIED},  {"/", LOOP_DENIED},       {"outside", LOOP_DENIED},
        {"root", LOOP_DENIED},  {"a/up", LOOP_DENIED},    {"a/up/secret", LOOP_DENIED},
        {"loop", LOOP_DENIED},  {"magic", LOOP_DENIED},   {"magic/etc", LOOP_DENIED},
        {"no", LOOP_NOT_FOUND}, {"a/no", LOOP_NOT_FOUND},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        loop_error *err = lp_os_directory_beneath(dir, rows[i].path, &fd);
        if ((err ? loop_error_code(err) : LOOP_OK) != rows[i].code)
            fail_msg("'%s': %s", rows[i].path, err ? loop_error_message(err) : "opened");
        if (!err)
            lp_os_descriptor_close(fd);
        loop_error_delete(err);
    }
    lp_os_descriptor_close(dir);
}

static _Atomic bool swapping;

/* in/x is by turns a folder and a link that leads out. */
static void swap(void *data)
{
    (void)data;
    lp_auto(lp_free_string) char *x = below("in/x");
    lp_auto(lp_free_string) char *kept = below("in/kept");
    lp_auto(lp_free_string) char *lnk = below("in/lnk");
    while (swapping) {
        (void)!rename(x, kept);
        (void)!rename(lnk, x);
        (void)!rename(x, lnk);
        (void)!rename(kept, x);
    }
}

static void a_directory_that_is_swapped_for_a_link_is_not_left(void **state)
{
    (void)state;
    make("in/x/mine");
    make("out2/mine");
    link_to("../out2", "in/lnk");
    lp_auto(lp_free_string) char *path = below("in");
    lp_auto(lp_free_string) char *other = below("out2/mine");
    struct stat st, bad;
    assert_int_equal(stat(other, &bad), 0);
    int dir, fd;
    assert_null(lp_os_directory_open(path, &dir));
    lp_os_thread *t;
    swapping = true;
    assert_null(lp_os_thread_start(swap, NULL, 0, &t));
    unsigned opened = 0, refused = 0;
    for (uint64_t until = in_s(20); (opened < 2000 || refused < 200) && lp_os_now_ns() < until;) {
        loop_error *err = lp_os_directory_beneath(dir, "x/mine", &fd);
        if (err) {
            refused++;
            loop_error_delete(err);
            continue;
        }
        opened++;
        assert_int_equal(fstat(fd, &st), 0);
        assert_false(st.st_ino == bad.st_ino && st.st_dev == bad.st_dev);
        lp_os_descriptor_close(fd);
    }
    swapping = false;
    lp_os_thread_join(t);
    assert_true(opened && refused);
    lp_os_descriptor_close(dir);
}

static void it_starts_in_the_directory_that_was_opened(void **state)
{
    (void)state;
    make("there/deep");
    lp_auto(lp_free_string) char *path = below("there");
    lp_auto(lp_free_string) char *moved = below("moved");
    int dir;
    char text[4096];
    assert_null(lp_os_directory_open(path, &dir));
    assert_int_equal(rename(path, moved), 0);
    link_to("/etc", "there");
    lp_os_guarded g = start_in("ls", dir, 0);
    read_all(g.out, text, sizeof text);
    assert_string_equal(text, "deep\n");
    lp_os_guarded_close(&g);
    lp_os_descriptor_close(dir);
    nothing_is_left();
}

int main(void)
{
    lp_auto(lp_free_string) char *own = lp_os_own_path();
    guard_path = lp_format("%.*s/../loop-guard", (int)(strrchr(own, '/') - own), own);
    char folder[] = "/tmp/loop-program-XXXXXX";
    place = mkdtemp(folder);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_gets_three_streams_and_nothing_else),
        cmocka_unit_test(it_gets_no_signals_nor_rights_of_ours),
        cmocka_unit_test(a_stream_is_nothing_ours_or_a_pipe),
        cmocka_unit_test(arguments_are_passed_as_they_are),
        cmocka_unit_test(a_deadline_ends_it_and_all_that_it_started),
        cmocka_unit_test(signals_reach_the_group),
        cmocka_unit_test(a_killed_guard_takes_the_group_along),
        cmocka_unit_test(a_thousand_leave_nothing),
        cmocka_unit_test(a_directory_is_opened_where_no_link_leads),
        cmocka_unit_test(nothing_leads_out_of_a_directory),
        cmocka_unit_test(a_directory_that_is_swapped_for_a_link_is_not_left),
        cmocka_unit_test(it_starts_in_the_directory_that_was_opened),
    };
    int failed = cmocka_run_group_tests_name("base-program", tests, NULL, NULL);
    lp_os_remove_tree(place);
    free(guard_path);
    return failed;
}
