/* Tests of os.h, in a directory of their own under the system's temporary one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/os/os.h"

static char *root; /* a fresh directory, removed at the end */

static char *in(const char *name)
{
    return lp_format("%s/%s", root, name);
}

static void put(const char *path, const char *text)
{
    assert_null(lp_os_write_atomic(path, text, strlen(text), 0644));
}

/* The code and the innermost cause. */
static void check_error(loop_error *e, loop_code code, const char *cause)
{
    assert_non_null(e);
    assert_int_equal(loop_error_code(e), code);
    assert_string_equal(loop_error_message(loop_error_cause(e)), cause);
    loop_error_delete(e);
}

static void a_file_is_read_whole_or_not_at_all(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *file = in("file");
    uint8_t *bytes = NULL;
    size_t len = 99;
    put(file, "hello");
    assert_null(lp_os_read_file(file, 5, &bytes, &len));
    assert_int_equal(len, 5);
    assert_string_equal((char *)bytes, "hello");
    free(bytes);
    bytes = NULL;
    check_error(lp_os_read_file(file, 4, &bytes, &len), LOOP_LIMIT, "it has more than 4 bytes");
    assert_null(bytes); /* outputs are untouched on failure */
    assert_int_equal(len, 5);
    put(file, "");
    assert_null(lp_os_read_file(file, 0, &bytes, &len));
    assert_int_equal(len, 0);
    assert_string_equal((char *)bytes, "");
    free(bytes);
}

static void what_is_no_file_says_what_it_is(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *fifo = in("fifo"), *none = in("none"), *below = in("plain/x");
    lp_auto(lp_free_string) char *plain = in("plain"), *locked = in("locked");
    lp_auto(lp_free_string) char *circle = in("circle");
    uint8_t *bytes;
    size_t len;
    put(plain, "x");
    put(locked, "x");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(symlink("circle", circle), 0);
    check_error(lp_os_read_file(none, 9, &bytes, &len), LOOP_NOT_FOUND,
                "no such file or directory");
    check_error(lp_os_read_file(below, 9, &bytes, &len), LOOP_NOT_FOUND,
                "a part of the path is not a directory");
    check_error(lp_os_read_file(root, 9, &bytes, &len), LOOP_IO, "it is a directory");
    check_error(lp_os_read_file(fifo, 9, &bytes, &len), LOOP_IO, "it is not a regular file");
    check_error(lp_os_read_file("/dev/zero", 9, &bytes, &len), LOOP_IO, "it is not a regular file");
    check_error(lp_os_read_file(circle, 9, &bytes, &len), LOOP_IO, "too many symbolic links");
    if (geteuid() != 0) { /* root reads everything */
        assert_int_equal(chmod(locked, 0), 0);
        check_error(lp_os_read_file(locked, 9, &bytes, &len), LOOP_IO, "permission denied");
    }
}

static void a_file_without_a_size_keeps_the_limit(void **state)
{
    (void)state;
    uint8_t *bytes = NULL;
    size_t len;
    if (!lp_os_exists("/proc/self/status"))
        skip();
    assert_null(lp_os_read_file("/proc/self/status", 1 << 20, &bytes, &len));
    assert_true(len > 0);
    free(bytes);
    check_error(lp_os_read_file("/proc/self/status", 10, &bytes, &len), LOOP_LIMIT,
                "it has more than 10 bytes");
}

static void writing_replaces_and_leaves_nothing_behind(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *dir = in("write"), *file = in("write/file");
    lp_auto(lp_free_string) char *deep = in("write/none/file"), *link = in("write/link");
    struct stat st;
    assert_null(lp_os_mkdirs(dir));
    put(file, "one");
    put(file, "two");
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_null(lp_os_write_atomic(file, "3", 1, 0600));
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    check_error(lp_os_write_atomic(deep, "x", 1, 0600), LOOP_NOT_FOUND,
                "no such file or directory");
    check_error(lp_os_write_atomic(dir, "x", 1, 0600), LOOP_IO, "it is a directory");
    assert_int_equal(symlink("file", link), 0);
    put(link, "own"); /* the link is replaced, its target is not written */
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    lp_auto(lp_free_string) char *count = lp_format("test $(ls -A '%s' | wc -l) = 2", dir);
    assert_int_equal(system(count), 0);
}

static void directories_are_made_private(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *deep = in("a/b//c/"), *b = in("a/b"), *file = in("is-file");
    lp_auto(lp_free_string) char *below = in("is-file/x");
    struct stat st;
    assert_null(lp_os_mkdirs(deep));
    assert_null(lp_os_mkdirs(deep));
    assert_int_equal(stat(b, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    put(file, "x");
    check_error(lp_os_mkdirs(below), LOOP_NOT_FOUND, "a part of the path is not a directory");
    check_error(lp_os_mkdirs(file), LOOP_NOT_FOUND, "a part of the path is not a directory");
    check_error(lp_os_mkdirs(""), LOOP_NOT_FOUND, "no such file or directory");
    assert_true(lp_os_is_dir(b));
    assert_false(lp_os_is_dir(file));
    assert_true(lp_os_exists(file));
    assert_null(lp_os_realpath("/nonexistent/x"));
}

static void the_users_directories_come_from_the_environment(void **state)
{
    (void)state;
    static const struct {
        const char *loop, *xdg, *home, *cache, *config;
    } rows[] = {
        {"/l", "/x", "/h", "/l", "/x/loop"},
        {"", "/x", "/h", "/x/loop", "/x/loop"},
        {"relative", "relative", "/h", "/h/.cache/loop", "/h/.config/loop"},
        {"", "", "", NULL, NULL},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        setenv("LOOP_CACHE_DIR", rows[i].loop, 1);
        setenv("XDG_CACHE_HOME", rows[i].xdg, 1);
        setenv("XDG_CONFIG_HOME", rows[i].xdg, 1);
        setenv("HOME", rows[i].home, 1);
        lp_auto(lp_free_string) char *cache = lp_os_cache_dir(), *config = lp_os_config_dir();
        if (rows[i].cache) {
            assert_string_equal(cache, rows[i].cache);
            assert_string_equal(config, rows[i].config);
        } else {
            assert_null(cache);
            assert_null(config);
        }
    }
}

static void the_process_knows_where_it_is(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *cwd = lp_os_cwd(), *self = lp_os_executable_path();
    lp_auto(lp_free_string) char *own = lp_os_own_path(); /* there is no library in this test */
    assert_int_equal(cwd[0], '/');
    assert_string_equal(own, self);
    assert_non_null(strstr(self, "os_test"));
    assert_true(lp_os_wall_ms() > UINT64_C(1600000000000));
    uint64_t before = lp_os_now_ns();
    assert_true(lp_os_now_ns() >= before);
    assert_false(lp_os_isatty(-1));
}

static void addresses_have_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *text, *form; /* NULL: no address */
    } rows[] = {
        {"10.0.0.1", "10.0.0.1"},
        {"::1", "::1"},
        {"0:0:0:0:0:0:0:1", "::1"},
        {"2001:DB8::A", "2001:db8::a"},
        {"::ffff:10.0.0.1", "10.0.0.1"}, /* reaches the same machine */
        {"::ffff:a00:1", "10.0.0.1"},
        {"127.1", NULL},
        {"010.0.0.1", NULL},
        {"0x7f.0.0.1", NULL},
        {"1.2.3.4.5", NULL},
        {"1.2.3.256", NULL},
        {"[::1]", NULL},
        {"fe80::1%lo", NULL},
        {"localhost", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_os_address a;
        char form[LP_OS_ADDRESS_TEXT];
        assert_int_equal(lp_os_address_parse(rows[i].text, &a), rows[i].form != NULL);
        if (!rows[i].form)
            continue;
        lp_os_address_format(&a, form);
        assert_string_equal(form, rows[i].form);
    }
}

static void names_resolve(void **state)
{
    (void)state;
    lp_os_address a[8];
    assert_int_equal(lp_os_resolve("127.0.0.1", a, 8), 1);
    assert_int_equal(a[0].bytes[0], 127);
    assert_int_equal(lp_os_resolve("127.0.0.1", a, 0), 0);
}

typedef struct meeting {
    lp_os_mutex *m;
    lp_os_cond *c;
    bool here;
} meeting;

static void arrive(void *arg)
{
    meeting *t = arg;
    lp_os_mutex_lock(t->m);
    t->here = true;
    lp_os_cond_broadcast(t->c);
    lp_os_mutex_unlock(t->m);
}

static void threads_meet_and_waits_end(void **state)
{
    (void)state;
    meeting t = {lp_os_mutex_new(), lp_os_cond_new(), false};
    lp_os_thread *thread;
    lp_os_mutex_lock(t.m);
    assert_false(lp_os_cond_wait(t.c, t.m, lp_os_now_ns() + 1000000));
    assert_null(lp_os_thread_start(arrive, &t, 256 << 10, &thread));
    while (!t.here)
        assert_true(lp_os_cond_wait(t.c, t.m, lp_os_now_ns() + UINT64_C(10000000000)));
    lp_os_mutex_unlock(t.m);
    lp_os_thread_join(thread);
    lp_os_thread_join(NULL);
    lp_os_cond_delete(t.c);
    lp_os_mutex_delete(t.m);
    loop_error *e = lp_os_thread_start(arrive, &t, 1, &thread); /* no stack is that small */
    assert_int_equal(loop_error_code(e), LOOP_SYSTEM);
    loop_error_delete(e);
}

static int make_root(void **state)
{
    (void)state;
    char template[] = "/tmp/loop-os-test-XXXXXX";
    char *made = mkdtemp(template);
    root = made ? lp_os_realpath(made) : NULL;
    return root ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *command = lp_format("rm -rf '%s'", root);
    int rc = system(command);
    free(root);
    return rc;
}

/* ---- threads that nobody waits for ---- */

struct crowd {
    lp_os_mutex *lock;
    lp_os_cond *more;
    unsigned there;
};

static void come(void *data)
{
    struct crowd *c = data;
    lp_os_mutex_lock(c->lock);
    c->there++;
    lp_os_cond_broadcast(c->more);
    lp_os_mutex_unlock(c->lock);
}

/* Catches: a thread that looks for its orders where its creator has gone already. */
static void a_thread_outlives_who_started_it(void **state)
{
    (void)state;
    struct crowd c = {lp_os_mutex_new(), lp_os_cond_new(), 0};
    for (unsigned i = 0; i < 200; i++) {
        lp_os_thread *t;
        assert_null(lp_os_thread_start(come, &c, 0, &t));
        lp_os_thread_leave(t);
        free(calloc(1, sizeof(void *) * 3)); /* what it was, written over */
    }
    lp_os_mutex_lock(c.lock);
    while (c.there < 200)
        lp_os_cond_wait(c.more, c.lock, 0);
    lp_os_mutex_unlock(c.lock);
    lp_os_cond_delete(c.more);
    lp_os_mutex_delete(c.lock);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_outlives_who_started_it),
        cmocka_unit_test(a_file_is_read_whole_or_not_at_all),
        cmocka_unit_test(what_is_no_file_says_what_it_is),
        cmocka_unit_test(a_file_without_a_size_keeps_the_limit),
        cmocka_unit_test(writing_replaces_and_leaves_nothing_behind),
        cmocka_unit_test(directories_are_made_private),
        cmocka_unit_test(the_process_knows_where_it_is),
        cmocka_unit_test(addresses_have_one_form),
        cmocka_unit_test(names_resolve),
        cmocka_unit_test(threads_meet_and_waits_end),
        cmocka_unit_test(the_users_directories_come_from_the_environment),
    };
    return cmocka_run_group_tests_name("base-os", tests, make_root, remove_root);
}
