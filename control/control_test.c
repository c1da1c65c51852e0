/* Tests of control/: lines both ways, the place of sockets, asking a host, watching files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/os/os.h"
#include "control/internal.h"

static char *root; /* XDG_RUNTIME_DIR of these tests */

static char *in(const char *name)
{
    return lp_format("%s/%s", root, name);
}

static void check_error(loop_error *e, loop_code code, const char *part)
{
    assert_non_null(e);
    assert_int_equal(loop_error_code(e), code);
    lp_auto(lp_free_string) char *text = loop_error_format(e);
    if (!strstr(text, part))
        fail_msg("'%s' does not have '%s'", text, part);
    loop_error_delete(e);
}

/* ---- lines ---- */

static void a_request_is_taken_whole_or_not_at_all(void **state)
{
    (void)state;
#define Q "{\"loop\":1,\"do\":"
    static const struct {
        const char *line, *why;
    } rows[] = {
        {"", "no JSON"},
        {"{", "no JSON"},
        {"[]", "no request to loop"},
        {"{}", "no request to loop"},
        {"{\"loop\":1}", "status, swap, replace or reload"},
        {"{\"loop\":2,\"do\":\"status\"}", "version 2"},
        {"{\"loop\":1,\"do\":\"status\",\"do\":\"status\"}", "duplicate"},
        {Q "\"stop\"}", "status, swap, replace or reload"},
        {Q "7}", "expected text for 'do'"},
        {Q "\"status\",\"instance\":\"x\"}", "takes nothing else"},
        {Q "\"reload\",\"colour\":1}", "'colour' is not known"},
        {Q "\"reload\",\"instance\":7}", "expected text for 'instance'"},
        {Q "\"reload\",\"instance\":\"\"}", "expected text for 'instance'"},
        {Q "\"reload\",\"interface\":\"a:b/c\"}", "of which instance"},
        {Q "\"reload\",\"dry-run\":1}", "true or false"},
        {Q "\"reload\",\"deadline-ms\":-1}", "a day at most"},
        {Q "\"reload\",\"deadline-ms\":1e3}", "a day at most"},
        {Q "\"reload\",\"deadline-ms\":86400001}", "a day at most"},
        {Q "\"reload\",\"carry\":\"all\"}", "\"state\" or \"none\""},
        {Q "\"swap\",\"instance\":\"x\",\"interface\":\"a:b/c\"}", "a swap has 'links'"},
        {Q "\"swap\",\"instance\":\"x\",\"interface\":\"a:b/c\",\"links\":[]}", "1 to 8"},
        {Q "\"swap\",\"instance\":\"x\",\"interface\":\"a:b/c\",\"links\":[{}]}",
         "a provider, a component, a library or a sidecar"},
        {Q "\"swap\",\"instance\":\"x\",\"interface\":\"a:b/c\",\"links\":[\"sqlite\"]}",
         "objects"},
        {Q "\"swap\",\"instance\":\"x\",\"links\":[{\"provider\":\"p\"}]}", "of one interface"},
        {Q "\"swap\",\"interface\":\"a:b/c\",\"links\":[{\"provider\":\"p\"}]}", "which instance"},
        {Q
         "\"swap\",\"instance\":\"x\",\"interface\":\"a:b/c\",\"links\":[{\"library\":\"p.so\"}]}",
         "absolute"},
        {Q "\"swap\",\"instance\":\"x\",\"interface\":\"a:b/c\",\"links\":[{\"sidecar\":[\"p\"]}]}",
         "'directory'"},
        {Q "\"swap\",\"instance\":\"x\",\"interface\":\"a:b/c\",\"links\":[{\"provider\":\"p\","
           "\"options\":[\"a\"]}]}",
         "by turns"},
        {Q "\"replace\",\"instance\":\"x\"}", "has a 'component'"},
        {Q "\"replace\",\"instance\":\"x\",\"component\":\"x.wasm\"}", "absolute"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_request q;
        check_error(lp_request_read(rows[i].line, strlen(rows[i].line), &q), LOOP_USAGE,
                    rows[i].why);
    }
}

static void a_request_has_a_limit_for_all_that_is_long(void **state)
{
    (void)state;
    lp_request q;
    lp_buf b = {0};
    lp_buf_puts(&b, "{\"loop\":1,\"do\":\"reload\",\"instance\":\"");
    for (int i = 0; i <= LP_MAX_NAME; i++)
        lp_buf_puts(&b, "x");
    lp_buf_puts(&b, "\"}");
    check_error(lp_request_read(b.ptr, b.len, &q), LOOP_LIMIT, "more than 256 bytes");
    while (b.len <= LP_MAX_CONTROL_LINE)
        lp_buf_puts(&b, " ");
    check_error(lp_request_read(b.ptr, b.len, &q), LOOP_LIMIT, "more than 65536 bytes");
    lp_buf_done(&b);
}

static void a_wish_arrives_as_it_was_sent(void **state)
{
    (void)state;
    const loop_binding_link links[] = {
        {.provider = "redact"},
        {.provider = "sqlite", .options = (const char *const[]){"file", "a \"b\"\n.db", NULL}},
        {.library = "/x/dice.so"},
        {.sidecar = (const char *const[]){"node", "x.js", NULL}},
    };
    const loop_wish sent = {.instance = "#3",
                            .interface_name = "loop:storage/store",
                            .links = links,
                            .count = 4,
                            .directory = "/x",
                            .carry = LOOP_CARRY_NONE,
                            .dry_run = true,
                            .deadline_ms = 250,
                            .drain_ms = 1};
    lp_buf b = {0};
    lp_request q;
    lp_request_write(&b, &sent);
    assert_int_equal(b.ptr[b.len - 1], '\n');
    assert_null(lp_request_read(b.ptr, b.len - 1, &q));
    assert_false(q.status);
    assert_string_equal(q.wish.instance, "#3");
    assert_string_equal(q.wish.interface_name, "loop:storage/store");
    assert_int_equal(q.wish.count, 4);
    assert_string_equal(q.wish.links[1].options[1], "a \"b\"\n.db");
    assert_null(q.wish.links[1].options[2]);
    assert_string_equal(q.wish.links[2].library, "/x/dice.so");
    assert_string_equal(q.wish.links[3].sidecar[1], "x.js");
    assert_int_equal(q.wish.carry, LOOP_CARRY_NONE);
    assert_true(q.wish.dry_run && !q.wish.restart && !q.wish.reload);
    assert_int_equal(q.wish.deadline_ms, 250);
    assert_int_equal(q.wish.drain_ms, 1);
    lp_request_done(&q);
    lp_buf_done(&b);
}

static void a_status_arrives_as_it_was_sent(void **state)
{
    (void)state;
    const loop_generation_status generations[] = {{1, "memory", 3, true}, {2, "sqlite", 9, false}};
    const loop_import_status imports[] = {{.interface_name = "loop:storage/store@0.1.0",
                                           .chain = "redact > sqlite",
                                           .tier = LOOP_TIER_SIDECAR,
                                           .generation = 2,
                                           .calls = 1ull << 60, /* more than JSON has digits for */
                                           .in_flight = true,
                                           .p50_ns = 1,
                                           .p99_ns = 2,
                                           .max_ns = 3,
                                           .generations = generations,
                                           .generation_count = 2}};
    const loop_instance_status instances[] = {{.name = "a\xc3\xa4\x1b[31m",
                                               .number = 7,
                                               .path = "/x/\"y\".wasm",
                                               .kind = LOOP_COMPONENT_APP,
                                               .condition = LOOP_CONDITION_SWAPPING,
                                               .uptime_ms = 12,
                                               .swaps = 4,
                                               .restarts = 5,
                                               .waiting = 6,
                                               .imports = imports,
                                               .import_count = 1},
                                              {.name = "b", .path = ""}};
    const loop_status sent = {instances, 2, 8, 9};
    lp_buf b = {0};
    lp_answer a;
    lp_answer_status(&b, &sent);
    assert_null(lp_answer_read(b.ptr, b.len, &a));
    assert_int_equal(a.kind, LP_ANSWER_STATUS);
    assert_int_equal(a.status.instance_count, 2);
    assert_int_equal(a.status.swaps, 8);
    assert_int_equal(a.status.rolled_back, 9);
    const loop_instance_status *s = a.status.instances;
    assert_string_equal(s->name, instances[0].name);
    assert_string_equal(s->path, instances[0].path);
    assert_int_equal(s->kind, LOOP_COMPONENT_APP);
    assert_int_equal(s->condition, LOOP_CONDITION_SWAPPING);
    assert_int_equal(s->waiting, 6);
    const loop_import_status *m = s->imports;
    assert_string_equal(m->chain, "redact > sqlite");
    assert_int_equal(m->tier, LOOP_TIER_SIDECAR);
    assert_int_equal(m->calls, 1ull << 53);
    assert_true(m->in_flight);
    assert_int_equal(m->max_ns, 3);
    assert_int_equal(m->generation_count, 2);
    assert_true(m->generations[0].drains && !m->generations[1].drains);
    assert_int_equal(m->generations[1].handles, 9);
    assert_int_equal(a.status.instances[1].import_count, 0);
    lp_answer_done(&a);
    lp_buf_done(&b);
}

static void an_error_arrives_with_its_causes_and_its_hint(void **state)
{
    (void)state;
    loop_error *sent = loop_error_hint_set(
        loop_error_wrap(loop_error_new(LOOP_DENIED, "no"), "cannot swap"), "do that");
    lp_buf b = {0};
    lp_answer a;
    lp_answer_end(&b, sent);
    assert_null(lp_answer_read(b.ptr, b.len, &a));
    assert_int_equal(a.kind, LP_ANSWER_END);
    lp_auto(lp_free_string) char *was = loop_error_format(sent);
    lp_auto(lp_free_string) char *is = loop_error_format(a.error);
    assert_string_equal(was, is);
    assert_int_equal(loop_error_code(a.error), LOOP_DENIED);
    loop_error_delete(sent);
    lp_answer_done(&a);
    lp_buf_done(&b);
}

static void what_is_no_answer_is_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "{}",
        "{\"loop\":1}",
        "{\"loop\":2,\"end\":null}",
        "{\"loop\":1,\"end\":{}}",
        "{\"loop\":1,\"end\":{\"code\":0,\"messages\":[\"x\"]}}",
        "{\"loop\":1,\"end\":{\"code\":70000,\"messages\":[\"x\"]}}",
        "{\"loop\":1,\"status\":{\"instances\":7}}",
        "{\"loop\":1,\"status\":{\"instances\":[{\"number\":-1}]}}",
        "{\"loop\":1,\"step\":\"x\",\"report\":{\"pause-ns\":\"y\"}}",
    };
    lp_answer a;
    for (size_t i = 0; i < LP_COUNT(lines); i++)
        check_error(lp_answer_read(lines[i], strlen(lines[i]), &a), LOOP_INVALID, "not known");
}

/* ---- the place ---- */

static void count_host(void *data, const char *name)
{
    (void)name;
    ++*(int *)data;
}

static int hosts(void)
{
    int n = 0;
    assert_null(loop_remote_each(count_host, &n));
    return n;
}

static void a_socket_is_its_users_alone(void **state)
{
    (void)state;
    struct stat st;
    lp_auto(lp_free_string) char *dir = in("loop"), *name = NULL, *path = NULL;
    int fd;
    assert_null(lp_control_listen(&name, &path, &fd));
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(hosts(), 1);
    lp_os_local_close(fd);
    lp_os_remove(path);
}

static void a_folder_that_others_can_open_is_refused(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *dir = in("loop"), *other = in("other"), *found = NULL;
    rmdir(dir);
    assert_int_equal(mkdir(dir, 0755), 0);
    chmod(dir, 0755);
    check_error(lp_control_dir(&found), LOOP_DENIED, "others can open");
    rmdir(dir);
    assert_int_equal(mkdir(other, 0700), 0);
    assert_int_equal(symlink(other, dir), 0);
    check_error(lp_control_dir(&found), LOOP_DENIED, "is no folder");
    unlink(dir);
    rmdir(other);
    assert_null(lp_control_dir(&found));
    assert_string_equal(found, dir);
}

static void what_a_dead_host_left_is_removed(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *dir = in("loop"), *path = in("loop/4000000000.sock"),
                                 *half = in("loop/4000000000.sock.new");
    int fd;
    assert_null(lp_os_secret_dir(dir));
    assert_null(lp_os_local_listen(dir, "4000000000.sock", &fd));
    assert_int_equal(hosts(), 1);
    lp_os_local_close(fd);
    assert_true(lp_os_exists(path));
    assert_null(lp_os_local_listen(dir, "4000000000.sock.new", &fd)); /* it died on its way */
    lp_os_local_close(fd);
    assert_int_equal(hosts(), 0);
    assert_false(lp_os_exists(path));
    assert_false(lp_os_exists(half));
}

static void names_are_numbers(void **state)
{
    (void)state;
    static const char *const names[] = {"",   "x",     "../1",        "1/2", "1-",
                                        "-1", "1-123", "12345678901", "1 "};
    int fd;
    for (size_t i = 0; i < LP_COUNT(names); i++)
        check_error(lp_control_connect(names[i], &fd), LOOP_NOT_FOUND, "process id");
    check_error(lp_control_connect("4000000001", &fd), LOOP_NOT_FOUND, "no such file");
}

static void a_long_path_is_reached_all_the_same(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *old = lp_strdup(root), *name = NULL, *path = NULL;
    lp_buf deep = {0};
    lp_buf_puts(&deep, root);
    for (int i = 0; i < 8; i++)
        lp_buf_puts(&deep, "/a-rather-long-name-for-one-folder");
    assert_null(lp_os_mkdirs(deep.ptr));
    setenv("XDG_RUNTIME_DIR", deep.ptr, 1);
    int fd;
    assert_null(lp_control_listen(&name, &path, &fd));
    assert_int_equal(hosts(), 1);
    lp_os_local_close(fd);
    lp_os_remove(path);
    setenv("XDG_RUNTIME_DIR", old, 1);
    lp_buf_done(&deep);
}

/* ---- asking a host ---- */

struct asker {
    const char *name;
    bool done;
    size_t instances;
    loop_error *error, *refused;
};

static void ask(void *data)
{
    struct asker *a = data;
    loop_remote *r;
    const loop_status *s;
    a->error = loop_remote_open(a->name, 5000, &r);
    for (int i = 0; !a->error && i < 100; i++)
        a->error = loop_remote_status(r, &s);
    if (!a->error) {
        a->instances = s->instance_count;
        a->refused =
            loop_remote_ask(r, &(loop_wish){.instance = "nobody", .reload = true}, NULL, NULL);
        loop_remote_close(r);
    }
    __atomic_store_n(&a->done, true, __ATOMIC_RELEASE);
}

static void a_host_answers_while_its_loop_turns(void **state)
{
    (void)state;
    loop_host *h;
    loop_control *c, *second;
    assert_null(loop_host_new(&(loop_host_options){.no_cache = true}, &h));
    assert_null(loop_control_open(h, NULL, &c));
    assert_null(loop_control_open(h, NULL, &second)); /* as of another host in this process */
    struct asker a = {.name = loop_control_name(second)};
    assert_non_null(strstr(a.name, "-2"));
    lp_os_thread *t;
    assert_null(lp_os_thread_start(ask, &a, 0, &t));
    while (!__atomic_load_n(&a.done, __ATOMIC_ACQUIRE))
        loop_host_turn(h, 20);
    lp_os_thread_join(t);
    assert_null(a.error);
    assert_int_equal(a.instances, 0);
    check_error(a.refused, LOOP_NOT_FOUND, "no instance 'nobody'");
    assert_int_equal(hosts(), 2);
    loop_control_close(c);
    loop_control_close(second);
    assert_int_equal(hosts(), 0);
    loop_host_delete(h);
}

static void a_short_run_makes_nothing(void **state)
{
    (void)state;
    loop_host *h;
    loop_control *c;
    assert_null(loop_host_new(&(loop_host_options){.no_cache = true}, &h));
    assert_null(loop_control_open(h, &(loop_control_options){.after_ms = 100}, &c));
    loop_host_turn(h, 10);
    assert_string_equal(loop_control_name(c), "");
    assert_int_equal(hosts(), 0);
    for (int i = 0; i < 100 && !*loop_control_name(c); i++)
        loop_host_turn(h, 10);
    assert_string_not_equal(loop_control_name(c), "");
    loop_control_close(c);
    loop_host_delete(h);
}

/* ---- files ---- */

struct told {
    int n;
    char last[LP_MAX_PATH];
};

static void note_change(void *data, const char *path)
{
    struct told *t = data;
    t->n++;
    snprintf(t->last, sizeof t->last, "%s", path);
}

static void nothing_new(void *data)
{
    (void)data;
}

static void turn(loop_host *h, unsigned ms)
{
    for (uint64_t end = lp_os_now_ns() + ms * 1000000ull; lp_os_now_ns() < end;)
        loop_host_turn(h, 10);
}

/* Until something was told, or two seconds are over. */
static void turn_until(loop_host *h, const struct told *t, int n)
{
    for (int i = 0; i < 200 && t->n < n; i++)
        loop_host_turn(h, 10);
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void a_change_is_told_once_when_the_file_is_whole(void **state)
{
    (void)state;
    loop_host *h;
    struct told t = {0};
    lp_auto(lp_free_string) char *dir = in("build"), *file = in("build/x"), *other = in("build/y"),
                                 *moved = in("moved");
    assert_null(loop_host_new(&(loop_host_options){.no_cache = true}, &h));
    assert_null(lp_os_mkdirs(dir));
    put(file, "one");
    lp_files *f = lp_files_new(h, &(lp_files_events){note_change, nothing_new, &t});
    assert_null(lp_files_add(f, file));
    turn(h, 300);
    assert_int_equal(t.n, 0);     /* it is as it was */
    for (int i = 0; i < 8; i++) { /* written in steps, each sooner than it would count as still */
        FILE *x = fopen(file, "a");
        fputs("more", x);
        fclose(x);
        turn(h, LP_WATCH_STILL_MS / 3);
        assert_int_equal(t.n, 0);
    }
    turn_until(h, &t, 1);
    assert_int_equal(t.n, 1);
    assert_string_equal(t.last, file);
    put(other, "two");
    assert_int_equal(rename(other, file), 0); /* as most tools write */
    turn_until(h, &t, 2);
    assert_int_equal(t.n, 2);
    unlink(file);
    turn(h, 400);
    assert_int_equal(t.n, 2);                /* one that is gone is waited for */
    assert_int_equal(rename(dir, moved), 0); /* also with its folder */
    assert_null(lp_os_mkdirs(dir));
    turn(h, 1200);
    put(file, "three");
    turn_until(h, &t, 3);
    assert_int_equal(t.n, 3);
    turn(h, 300);
    assert_int_equal(t.n, 3);
    lp_files_delete(f);
    loop_host_delete(h);
}

static void what_a_link_leads_to_is_watched(void **state)
{
    (void)state;
    loop_host *h;
    struct told t = {0};
    lp_auto(lp_free_string) char *dir = in("target"), *file = in("target/z"), *link = in("link");
    assert_null(loop_host_new(&(loop_host_options){.no_cache = true}, &h));
    assert_null(lp_os_mkdirs(dir));
    put(file, "one");
    assert_int_equal(symlink(file, link), 0);
    lp_files *f = lp_files_new(h, &(lp_files_events){note_change, nothing_new, &t});
    assert_null(lp_files_add(f, link));
    put(file, "another");
    turn_until(h, &t, 1);
    assert_int_equal(t.n, 1);
    assert_string_equal(t.last, link);
    lp_files_sweep(f); /* `link` was added since: it stays */
    lp_files_sweep(f); /* nobody has: it goes */
    put(file, "once more");
    turn(h, 400);
    assert_int_equal(t.n, 1);
    lp_files_delete(f);
    loop_host_delete(h);
}

/* ---- all of them ---- */

static int set_up(void **state)
{
    (void)state;
    char name[] = "/tmp/loop-control-XXXXXX";
    if (!mkdtemp(name))
        return 1;
    root = lp_os_realpath(name);
    setenv("XDG_RUNTIME_DIR", root, 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *command = lp_format("rm -rf '%s'", root);
    free(root);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_taken_whole_or_not_at_all),
        cmocka_unit_test(a_request_has_a_limit_for_all_that_is_long),
        cmocka_unit_test(a_wish_arrives_as_it_was_sent),
        cmocka_unit_test(a_status_arrives_as_it_was_sent),
        cmocka_unit_test(an_error_arrives_with_its_causes_and_its_hint),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(a_socket_is_its_users_alone),
        cmocka_unit_test(a_folder_that_others_can_open_is_refused),
        cmocka_unit_test(what_a_dead_host_left_is_removed),
        cmocka_unit_test(names_are_numbers),
        cmocka_unit_test(a_long_path_is_reached_all_the_same),
        cmocka_unit_test(a_host_answers_while_its_loop_turns),
        cmocka_unit_test(a_short_run_makes_nothing),
        cmocka_unit_test(a_change_is_told_once_when_the_file_is_whole),
        cmocka_unit_test(what_a_link_leads_to_is_watched),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
