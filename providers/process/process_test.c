/*
 * Tests of loop:process, with a component (tests/guests/c/programs.c), the real provider and real
 * programs. Each run is a process of its own, this one again with --run: so a host can be killed,
 * and what it leaves be counted.
 *
 *     process_test --run GRANT... -- ARGUMENT...    "process:echo *", "env:LANG", "dir:/a::/b:ro",
 *                                                   "untrusted", "timeout:300", "rust",
 *                                                   "entered"
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/os/os.h"
#include "loop/host.h"
#include "loop/policy.h"

#define MARK "LOOP_TEST_MARK"

/* ---- what is left ---- */

/* Processes with our mark in their environment; zombies are not. */
static int marked(const char *mark)
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

/* A sanitizer's own count, where there is one (sanitizer/allocator_interface.h). */
__attribute__((weak)) size_t __sanitizer_get_current_allocated_bytes(void);

/* Below a sanitizer what is allocated: its quarantine stays resident. Else what is resident. */
static long used_kb(void)
{
    long pages = 0, all;
    if (__sanitizer_get_current_allocated_bytes)
        return (long)(__sanitizer_get_current_allocated_bytes() / 1024);
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &all, &pages) != 2)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* ---- a host, in a process of its own ---- */

static bool rust;    /* the example in Rust instead */
static bool entered; /* not on a thread of loop's */

static loop_error *grant(loop_policy *p, const char *text)
{
    static const struct {
        const char *prefix;
        loop_grant_kind kind;
    } rows[] = {
        {"process:", LOOP_GRANT_PROCESS}, {"env:", LOOP_GRANT_ENV}, {"dir:", LOOP_GRANT_DIR}};
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        size_t n = strlen(rows[i].prefix);
        if (strncmp(text, rows[i].prefix, n) == 0)
            return loop_policy_add(p, rows[i].kind, text + n, false, NULL, false,
                                   (loop_origin){.source = "test"});
    }
    return loop_error_new(LOOP_USAGE, "what is '%s'?", text);
}

/* On this thread, which is not one of loop's own. */
static loop_error *run_here(loop_instance *i)
{
    const loop_export *f;
    bool failed = false;
    LP_TRY(loop_instance_enter(i));
    LP_TRY(loop_instance_export(i, "wasi:cli/run", "", "run", "()->result<_,_>", &f));
    return loop_export_call(f, NULL, &failed);
}

static loop_error *run_guest(loop_host *host, const loop_policy *policy, const char *const *args,
                             uint64_t timeout_ms, loop_result *ret)
{
    const char *folder = lp_os_getenv("LOOP_TEST_GUESTS");
    folder = folder ? folder : "build/guests";
    lp_auto(lp_free_string) char *path =
        rust ? lp_format("%s/../examples/rust-programs.wasm", folder)
             : lp_format("%s/programs.wasm", folder);
    loop_component *c;
    loop_instance *i;
    LP_TRY(loop_component_open(host, path, &c));
    loop_error *err = loop_instance_new(
        host, c,
        &(loop_instance_options){
            .args = args, .policy = policy, .timeout_ms = timeout_ms, .grace_ms = 100},
        &i);
    if (!err) {
        err = entered ? run_here(i) : loop_instance_run(i, ret);
        loop_instance_delete(i);
    }
    loop_component_delete(c);
    return err;
}

/* One run; then, with the host still there, what is left of it. */
static int run(char **grants, const char *const *args)
{
    loop_host *host;
    loop_policy *policy = loop_policy_new();
    loop_class class = LOOP_CLASS_TRUSTED;
    uint64_t timeout_ms = 0;
    loop_result r = {0};
    loop_error *err = loop_host_new(&(loop_host_options){.log_level = LOOP_LOG_ERROR}, &host);
    for (; !err && *grants; grants++) {
        if (strcmp(*grants, "untrusted") == 0)
            class = LOOP_CLASS_UNTRUSTED;
        else if (strcmp(*grants, "rust") == 0)
            rust = true;
        else if (strcmp(*grants, "entered") == 0)
            entered = true;
        else if (sscanf(*grants, "timeout:%lu", &timeout_ms) != 1)
            err = grant(policy, *grants);
    }
    loop_policy_class_set(policy, class, (loop_origin){.source = "test"});
    if (!err) { /* once for what is made once; the mark is of no run */
        const char *first[] = {"programs", "run", "--", "/bin/true", NULL};
        const char *of_rust[] = {"programs", "/bin/true", NULL};
        err = run_guest(host, policy, rust ? of_rust : first, 0, &r);
    }
    int descriptors = open_descriptors();
    long kb = used_kb();
    puts("---");
    fflush(stdout);
    if (!err)
        err = run_guest(host, policy, args, timeout_ms, &r);
    if (err)
        printf("error %d: %s\n", (int)loop_error_code(err), loop_error_message(err));
    const char *value = getenv("RUNNER_MARK");
    lp_auto(lp_free_string) char *sought = lp_format(MARK "=%s", value ? value : "");
    printf("left: %d processes, %d descriptors, %s\n", marked(sought),
           open_descriptors() - descriptors, used_kb() - kb < 8192 ? "flat" : "more memory");
    loop_error_delete(err);
    loop_host_delete(host);
    loop_policy_delete(policy);
    return 0;
}

/* ---- running one ---- */

static char *own, *place, mark[64];

typedef struct hosting {
    pid_t pid;
    int out;
} hosting;

/* `words`: grants, "--", arguments; NULL-terminated. */
static hosting begin(const char *const *words)
{
    int ends[2];
    const char *argv[64] = {own, "--run"};
    for (size_t n = 0; words[n]; n++)
        argv[n + 2] = words[n];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        /* Under another name: it is the programs that are counted. */
        char *value = strchr(mark, '=');
        setenv("RUNNER_MARK", value + 1, 1);
        execv(own, (char *const *)argv);
        _exit(127);
    }
    close(ends[1]);
    return (hosting){pid, ends[0]};
}

/* Until `text` has come or the end; what came after the line "---". */
static const char *read_to(hosting h, const char *text, char *to, size_t size)
{
    size_t len = 0;
    ssize_t n;
    to[0] = 0;
    while (len < size - 1 && !(text && strstr(to, text)) &&
           (n = read(h.out, to + len, size - 1 - len)) > 0) {
        len += (size_t)n;
        to[len] = 0;
    }
    const char *from = strstr(to, "---\n");
    return from ? from + 4 : to;
}

static void finish(hosting h)
{
    int status;
    close(h.out);
    assert_int_equal(waitpid(h.pid, &status, 0), h.pid);
}

#define CLEAN "left: 0 processes, 0 descriptors, flat\n"

static void expect(const char *const *words, const char *expected)
{
    static char said[1 << 18];
    hosting h = begin(words);
    const char *from = read_to(h, NULL, said, sizeof said);
    finish(h);
    lp_auto(lp_free_string) char *whole = lp_format("%s" CLEAN, expected);
    if (strcmp(from, whole) != 0) {
        lp_buf b = {0};
        for (size_t i = 0; words[i]; i++)
            lp_buf_printf(&b, " %.100s", words[i]);
        fail_msg("%s\nexpected: %s\ncame: %s", b.ptr, whole, said);
    }
}

#define EXPECT(expected, ...) expect((const char *const[]){__VA_ARGS__, NULL}, expected)
#define TRUE "process:/bin/true ..."
#define SH TRUE, "process:/bin/sh -c *"

/* ---- what is run ---- */

static void a_program_gets_its_words_as_they_are(void **state)
{
    (void)state;
    EXPECT("out: hello world\nended: 0\n", TRUE, "process:/bin/echo hello *", "--", "run", "--",
           "/bin/echo", "hello", "world");
    EXPECT("out: a b\nended: 0\n", TRUE, "process:echo ...", "--", "run", "--", "echo", "a", "b");
    EXPECT("out: $HOME; id `id` * ~ '\"\nended: 0\n", TRUE, "process:echo *", "--", "run", "--",
           "echo", "$HOME; id `id` * ~ '\"");
    EXPECT("out:  || a\nended: 0\n", TRUE, "process:echo ...", "--", "run", "--", "echo", "", "||",
           "a");
    EXPECT("ended: 0\n", TRUE, "--", "run", "-l", "131071", "--", "/bin/true");
}

static void what_is_not_granted_is_denied(void **state)
{
    (void)state;
    static char said[1 << 16];
    const char *const rows[][8] = {
        {TRUE, "--", "run", "--", "/bin/false"},
        {TRUE, "--", "run", "--", "no-such-program"},
        {TRUE, "--", "run", "--", "/no/such/program"},
        {TRUE, "--", "run", "--", ""},
        {TRUE, "--", "run", "--", "/bin/true", "-x"},
        {TRUE, "process:echo a *", "--", "run", "--", "echo", "b", "c"},
        {TRUE, "process:echo a *", "--", "run", "--", "echo", "a"},
        {TRUE, "--", "run", "-e", "LD_PRELOAD=/tmp/x.so", "--", "/bin/true"},
        {TRUE, "--", "run", "-c", "/work", "--", "/bin/true"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        hosting h = begin(rows[i]);
        const char *from = read_to(h, NULL, said, sizeof said);
        finish(h);
        if (strncmp(from, "denied: ", 8) != 0 || !strstr(from, CLEAN))
            fail_msg("row %zu: %s", i, said);
    }
    /* In the class untrusted, no grant counts. */
    hosting h =
        begin((const char *const[]){TRUE, "untrusted", "--", "run", "--", "/bin/true", NULL});
    read_to(h, NULL, said, sizeof said);
    finish(h);
    assert_non_null(strstr(said, "---\ndenied: "));
}

static void what_is_no_command_is_invalid(void **state)
{
    (void)state;
    EXPECT("invalid: an argument with a zero byte in it\n", TRUE, "--", "run", "-z", "--",
           "/bin/true");
    EXPECT("invalid: the variable 'A' is given twice\n", TRUE, "env:A=", "--", "run", "-e", "A=1",
           "-E", "--", "/bin/true");
    EXPECT("invalid: a variable's name has no '=', and is not empty\n", TRUE, "--", "run", "-e",
           "=1", "--", "/bin/true");
    EXPECT("invalid: a program is a name or an absolute path\n", TRUE, "--", "run", "--",
           "bin/true");
    EXPECT("invalid: a deadline of no time at all\n", TRUE, "--", "run", "-d", "0", "--",
           "/bin/true");
    EXPECT("limit: an argument of more than 131071 bytes\n", TRUE, "--", "run", "-l", "131072",
           "--", "/bin/true");
    EXPECT("invalid: it is no pipe, or was taken\ninvalid: its input is no pipe, or was taken\n",
           TRUE, "--", "twice", "-i", "null", "--", "/bin/true");
}

static void its_environment_is_what_was_given(void **state)
{
    (void)state;
    setenv("SECRET", "of the host", 1);
    EXPECT("ended: 0\n", TRUE, "process:env", "--", "run", "--", "env");
    EXPECT("out: A=1\nB=\nended: 0\n", TRUE, "process:env", "env:A=2", "env:B=3", "--", "run", "-e",
           "A=1", "-e", "B=", "--", "env");
    unsetenv("SECRET");
}

static void it_inherits_no_descriptors(void **state)
{
    (void)state;
    int leaked[20];
    for (int i = 0; i < 20; i++)
        leaked[i] = open("/dev/null", O_RDWR);
    EXPECT("out: 0\n1\n2\n3\nended: 0\n", TRUE, "process:/bin/ls -1 /proc/self/fd", "--", "run",
           "--", "/bin/ls", "-1", "/proc/self/fd");
    for (int i = 0; i < 20; i++)
        close(leaked[i]);
}

/* ---- where it runs ---- */

static void its_directory_is_inside_of_what_was_granted(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *deep = lp_format("%s/in/deep", place);
    lp_auto(lp_free_string) char *out = lp_format("%s/in/out", place);
    lp_auto(lp_free_string) char *gone = lp_format("%s/in/up", place);
    lp_auto(lp_free_string) char *dir = lp_format("dir:%s/in::/work:ro", place);
    lp_auto(lp_free_string) char *here = lp_format("out: %s\nended: 0\n", deep);
    assert_null(lp_os_make_dirs(deep));
    assert_int_equal(symlink("/etc", out), 0);
    assert_int_equal(symlink("..", gone), 0);
    EXPECT("out: /\nended: 0\n", TRUE, "process:pwd", "--", "run", "--", "pwd");
    EXPECT(here, TRUE, "process:pwd", dir, "--", "run", "-c", "/work/deep", "--", "pwd");
    EXPECT("denied: cannot enter the directory '/work/out': it leads out of the directory that was "
           "granted\n",
           TRUE, dir, "--", "run", "-c", "/work/out", "--", "/bin/true");
    EXPECT("denied: cannot enter the directory '/work/up': it leads out of the directory that was "
           "granted\n",
           TRUE, dir, "--", "run", "-c", "/work/up", "--", "/bin/true");
    EXPECT("failed: cannot enter the directory '/work/no': no such file or directory\n", TRUE, dir,
           "--", "run", "-c", "/work/no", "--", "/bin/true");
}

/* ---- streams ---- */

static void streams_are_what_was_asked_for(void **state)
{
    (void)state;
    EXPECT("out: hello\nended: 0\n", TRUE, "process:cat", "--", "run", "-w", "hello", "--", "cat");
    EXPECT("err: oh\nended: 2\n", SH, "--", "run", "--", "/bin/sh", "-c", "echo oh >&2; exit 2");
    EXPECT("ended: 0\n", SH, "--", "run", "-i", "null", "-o", "null", "-r", "null", "--", "/bin/sh",
           "-c", "cat; echo out; echo err >&2");
    EXPECT("straight\nended: 0\n", SH, "--", "run", "-o", "inherit", "--", "/bin/sh", "-c",
           "echo straight");
    /* Who does not read its input any more is found out by the one who writes. */
    EXPECT("out: closed\ninput: failed\nended: 0\n", SH, "--", "run", "-W", "late", "--", "/bin/sh",
           "-c", "exec 0<&-; echo closed; exec sleep 0.3");
    /* No signal of that, on a thread that is not loop's either. */
    EXPECT("out: closed\ninput: failed\nended: 0\n", SH, "entered", "--", "run", "-W", "late", "--",
           "/bin/sh", "-c", "exec 0<&-; echo closed; exec sleep 0.3");
}

static void a_full_pipe_waits_for_its_reader(void **state)
{
    (void)state;
    static char said[1 << 16];
    hosting h = begin((const char *const[]){
        SH, "--", "stuck", "-s", "user1", "--", "/bin/sh", "-c",
        "trap 'cat | wc -c; exit 0' USR1; while :; do sleep 0.02 & wait; done", NULL});
    const char *from = read_to(h, NULL, said, sizeof said);
    finish(h);
    unsigned long taken = 0, came = 1;
    if (sscanf(from, "taken: %lu\nout: %lu\nended: 0\n" CLEAN, &taken, &came) != 2)
        fail_msg("%s", said);
    assert_int_equal(taken, came);
    assert_true(taken >= 65536 && taken <= 65536 * 4);
}

/* The example in Rust (examples/rust/programs), with bindings of its own. */
static void a_component_in_rust_does_the_same(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *path = lp_format(
        "%s/../examples/rust-programs.wasm",
        lp_os_getenv("LOOP_TEST_GUESTS") ? lp_os_getenv("LOOP_TEST_GUESTS") : "build/guests");
    if (!lp_os_exists(path))
        skip(); /* its toolchain is not set up */
    EXPECT("  1  a\n  2  b c\n", SH, "rust", "--", "/bin/sh", "-c", "echo a; echo b c");
    EXPECT("", SH, "rust", "--", "/bin/sh", "-c", "cat >&2; exit 3");
    EXPECT("  1  one\n", SH, "rust", "--", "/bin/sh", "-c",
           "head -c 1000000 /dev/zero | tr '\\0' '\\r' >&2; echo one");
}

/* ---- its end ---- */

#define TREE "(setsid sh -c 'trap \"\" TERM HUP; sleep 1000' &); (sleep 1000 &); "
#define MARKED SH, "env:" MARK "=", "--"

static void an_end_is_told(void **state)
{
    (void)state;
    EXPECT("ended: 7\n", SH, "--", "run", "--", "/bin/sh", "-c", "exit 7");
    EXPECT("ended: signal 9\n", SH, "--", "run", "--", "/bin/sh", "-c", "kill -9 $$");
    EXPECT("ended: signal 15\n", SH, "--", "run", "--", "/bin/sh", "-c", "kill -15 $$");
    EXPECT("ended: deadline\n", MARKED, "run", "-e", mark, "-d", "200", "--", "/bin/sh", "-c",
           TREE "trap '' TERM; sleep 1000");
    EXPECT("out: ready\nended: signal 10\n", SH, "--", "run", "-s", "user1", "--", "/bin/sh", "-c",
           "echo ready; exec sleep 1000");
    EXPECT("out: ready\nout: told\nended: 3\n", SH, "--", "run", "-s", "terminate", "--", "/bin/sh",
           "-c", "trap 'echo told; exit 3' TERM; echo ready; while :; do sleep 0.01 & wait; done");
    /* What it leaves behind ends with it. */
    EXPECT("ended: 0\n", MARKED, "run", "-e", mark, "--", "/bin/sh", "-c", TREE "exit 0");
}

static void all_ends_when_it_is_dropped(void **state)
{
    (void)state;
    EXPECT("out: ready\ndropped\n", MARKED, "drop", "-e", mark, "--", "/bin/sh", "-c",
           TREE "echo ready; sleep 1000");
}

static void all_ends_with_the_component(void **state)
{
    (void)state;
    static char said[1 << 16];
    static const struct {
        const char *verb, *timeout;
        loop_code code;
    } rows[] = {{"trap", "timeout:0", LOOP_TRAP},
                {"hold", "timeout:500", LOOP_TIMEOUT},
                {"spin", "timeout:500", LOOP_TIMEOUT}};
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        hosting h = begin((const char *const[]){SH, "env:" MARK "=", rows[i].timeout, "--",
                                                rows[i].verb, "-e", mark, "--", "/bin/sh", "-c",
                                                TREE "echo ready; sleep 1000", NULL});
        const char *from = read_to(h, NULL, said, sizeof said);
        finish(h);
        lp_auto(lp_free_string) char *error = lp_format("\nerror %d: ", (int)rows[i].code);
        if (strncmp(from, "out: ready\nstarted\n", 19) != 0 || !strstr(from, error) ||
            !strstr(from, CLEAN))
            fail_msg("%s: %s", rows[i].verb, said);
    }
}

static void all_ends_with_the_host_however_it_ends(void **state)
{
    (void)state;
    static char said[1 << 16];
    static const int signals[] = {SIGKILL, SIGTERM, SIGABRT};
    for (size_t i = 0; i < LP_COUNT(signals); i++) {
        hosting h = begin((const char *const[]){MARKED, "hold", "-e", mark, "--", "/bin/sh", "-c",
                                                TREE "trap '' TERM; echo ready; sleep 1000", NULL});
        assert_non_null(strstr(read_to(h, "started\n", said, sizeof said), "started\n"));
        assert_true(marked(mark) >= 4);
        kill(h.pid, signals[i]);
        finish(h);
        for (int n = 0; n < 2000 && marked(mark); n++)
            usleep(1000);
        assert_int_equal(marked(mark), 0);
    }
}

/* ---- many ---- */

static void there_is_a_limit_of_programs(void **state)
{
    (void)state;
    EXPECT("64, then limit: more than 64 programs of one component\nand one more, since one was "
           "dropped\n",
           MARKED, "fill", "-e", mark, "--", "/bin/sh", "-c", "sleep 1000");
}

/* Ten thousand: with pipes, and without. */
static void many_leave_nothing(void **state)
{
    (void)state;
    EXPECT("the last: 0\n", TRUE, "--", "many", "2000", "--", "/bin/true", "a");
    EXPECT("the last: 0\n", TRUE, "--", "many", "8000", "-i", "null", "-o", "null", "-r", "null",
           "--", "/bin/true");
}

int main(int argc, char **argv)
{
    own = lp_os_own_path();
    if (argc > 2 && strcmp(argv[1], "--run") == 0) {
        int n = 2;
        while (n < argc && strcmp(argv[n], "--") != 0)
            n++;
        argv[n] = NULL;
        const char *args[64] = {"programs"};
        for (int i = n + 1; i < argc && i - n < 62; i++)
            args[i - n] = argv[i];
        return run(argv + 2, args);
    }
    char folder[] = "/tmp/loop-process-XXXXXX";
    place = mkdtemp(folder);
    snprintf(mark, sizeof mark, MARK "=%ld-%llu", (long)getpid(),
             (unsigned long long)lp_os_now_ns());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_gets_its_words_as_they_are),
        cmocka_unit_test(what_is_not_granted_is_denied),
        cmocka_unit_test(what_is_no_command_is_invalid),
        cmocka_unit_test(its_environment_is_what_was_given),
        cmocka_unit_test(it_inherits_no_descriptors),
        cmocka_unit_test(its_directory_is_inside_of_what_was_granted),
        cmocka_unit_test(streams_are_what_was_asked_for),
        cmocka_unit_test(a_full_pipe_waits_for_its_reader),
        cmocka_unit_test(a_component_in_rust_does_the_same),
        cmocka_unit_test(an_end_is_told),
        cmocka_unit_test(all_ends_when_it_is_dropped),
        cmocka_unit_test(all_ends_with_the_component),
        cmocka_unit_test(all_ends_with_the_host_however_it_ends),
        cmocka_unit_test(there_is_a_limit_of_programs),
        cmocka_unit_test(many_leave_nothing),
    };
    int failed = cmocka_run_group_tests_name("provider-process", tests, NULL, NULL);
    lp_os_remove_tree(place);
    free(own);
    return failed;
}
