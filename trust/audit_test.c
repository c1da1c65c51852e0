/* Tests of audit.h: what is noted, written, read back, and what grants come out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/yaml.h"
#include "trust/audit.h"
#include "trust/policy.h"

static char folder[] = "/tmp/loop-audit-XXXXXX";
static char path[64];
static const loop_origin line = {"loop.yaml", 7, 5};

static void must(loop_error *e)
{
    if (e)
        fail_msg("%s", loop_error_message(e));
}

static loop_audit *make(const char *to)
{
    loop_audit *a;
    must(loop_audit_open(to, &a));
    return a;
}

/* Decides, and notes it as a host would. */
static void ask(loop_audit *a, const loop_policy *p, uint64_t instance, loop_request want)
{
    loop_decision d;
    loop_policy_decide(p, &want, &d);
    loop_audit_note(a, &(loop_decided){"notes", instance, &want, &d});
}

static void http(loop_audit *a, const loop_policy *p, uint64_t instance, const char *name)
{
    ask(a, p, instance, (loop_request){.kind = LOOP_GRANT_HTTP, .name = name, .port = 443});
}

static char *file_text(void)
{
    uint8_t *bytes;
    size_t n;
    must(lp_os_read_file(path, 1 << 20, &bytes, &n));
    char *text = lp_strndup((const char *)bytes, n);
    free(bytes);
    return text;
}

static size_t count_of(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        n++;
    return n;
}

static void equal_decisions_are_one_line_and_a_count(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    loop_audit *a = make(path);
    for (int i = 0; i < 1000; i++)
        http(a, p, 1, "a.com");
    http(a, p, 2, "a.com"); /* another instance */
    http(a, p, 1, "b.com");
    lp_auto(lp_free_string) char *before = file_text();
    assert_int_equal(count_of(before, "\n"), 3);
    assert_int_equal(loop_audit_at(a, 0)->count, 1000);
    loop_audit_note(a, &(loop_decided){.component = "notes", .instance = 1}); /* it ended */
    lp_auto(lp_free_string) char *after = file_text();
    assert_int_equal(count_of(after, "\n"), 4);
    assert_int_equal(count_of(after, "\"count\":1000}"), 1);
    must(loop_audit_close(a));
    lp_auto(lp_free_string) char *closed = file_text();
    assert_string_equal(closed, after); /* nothing was left */
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    loop_policy_delete(p);
}

static void a_line_says_who_what_and_why(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    must(loop_policy_add(p, LOOP_GRANT_HTTP, "a.com", false, NULL, false, line));
    must(loop_policy_add(p, LOOP_GRANT_HTTP, "b.com", true, NULL, false, line));
    loop_audit *a = make(path);
    http(a, p, 3, "a.com");
    http(a, p, 3, "b.com");
    http(a, p, 3, "c\x1b[2J\"\n");
    must(loop_audit_close(a));
    lp_auto(lp_free_string) char *text = file_text();
    static const char *const parts[] = {
        "\"component\":\"notes\",\"instance\":3,\"kind\":\"http\",\"name\":\"a.com\",\"port\":443,"
        "\"allowed\":true,\"by\":{\"text\":\"http a.com\",\"source\":\"loop.yaml\",\"line\":7,"
        "\"column\":5},\"reason\":\"granted by 'http a.com' (loop.yaml:7:5)\",\"count\":1}\n",
        "\"allowed\":false,\"by\":{\"text\":\"deny http b.com\",",
        "\"name\":\"c\\u001b[2J\\\"\\n\",",
        "\"by\":null,",
    };
    for (size_t i = 0; i < LP_COUNT(parts); i++)
        if (!strstr(text, parts[i]))
            fail_msg("no %s in\n%s", parts[i], text);
    assert_int_equal(count_of(text, "\n"), 3);
    assert_null(strchr(text, 0x1b));
    loop_policy_delete(p);
}

static void what_was_written_is_read_back(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    loop_policy_observe(p, true);
    loop_audit *a = make(path), *b;
    for (int i = 0; i < 5; i++)
        http(a, p, 1, "a.com");
    ask(a, p, 1, (loop_request){.kind = LOOP_GRANT_STORAGE});
    const char *words[] = {"/bin/sh", "-c", "a b"};
    ask(a, p, 1, (loop_request){.kind = LOOP_GRANT_PROCESS, .words = words, .word_count = 3});
    lp_auto(lp_free_string) char *before = loop_audit_suggest(a, "notes");
    must(loop_audit_close(a));
    must(loop_audit_read(path, &b));
    assert_int_equal(loop_audit_at(b, 0)->count, 5);
    assert_true(loop_audit_at(b, 0)->observed);
    assert_string_equal(loop_audit_at(b, 2)->name, "/bin/sh -c 'a b'");
    assert_null(loop_audit_at(b, 3));
    lp_auto(lp_free_string) char *after = loop_audit_suggest(b, "notes");
    assert_string_equal(before, after);
    must(loop_audit_close(b));
    loop_policy_delete(p);
}

static void a_file_of_others_is_refused_with_the_line(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "x",
        "[]",
        "{}",
        "{\"component\":\"a\",\"kind\":\"https\",\"allowed\":true,\"count\":1}",
        "{\"component\":\"a\",\"kind\":\"http\",\"allowed\":true}",
        "{\"component\":\"a\",\"kind\":\"http\",\"allowed\":1,\"count\":1}",
        "{\"component\":\"a\",\"kind\":\"http\",\"allowed\":true,\"count\":1,\"port\":65536}",
        "{\"component\":1,\"kind\":\"http\",\"allowed\":true,\"count\":1}",
        "{\"component\":\"a\",\"kind\":\"http\",\"allowed\":true,\"count\":1} {}",
    };
    static const char good[] =
        "{\"component\":\"a\",\"kind\":\"http\",\"allowed\":true,\"count\":1,\"later\":[]}\n\n";
    for (size_t i = 0; i < LP_COUNT(lines); i++) {
        lp_auto(lp_free_string) char *text = lp_format("%s%s\n", good, lines[i]);
        must(lp_os_write_atomic(path, text, strlen(text), 0600));
        loop_audit *a;
        loop_error *e = loop_audit_read(path, &a);
        assert_int_equal(loop_error_code(e), LOOP_INVALID);
        assert_non_null(strstr(loop_error_message(e), "line 3 of "));
        loop_error_delete(e);
    }
}

/* Each was a new row, since it was compared with what was left of it. */
static void what_is_too_long_is_one_row_too(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    loop_audit *a = make(NULL);
    char *name = lp_alloc(LP_MAX_AUDIT_TEXT + 10);
    memset(name, 'a', LP_MAX_AUDIT_TEXT + 9);
    memcpy(name + LP_MAX_AUDIT_TEXT - 2, "\xe2\x82\xac", 3); /* a character on the edge */
    const char *words[] = {"/bin/echo", name};
    for (int i = 0; i < 3; i++)
        ask(a, p, 1, (loop_request){.kind = LOOP_GRANT_PROCESS, .words = words, .word_count = 2});
    assert_int_equal(loop_audit_at(a, 0)->count, 3);
    assert_null(loop_audit_at(a, 1));
    lp_auto(lp_free_string) char *text = loop_audit_suggest(a, NULL);
    assert_null(strstr(text, "processes:")); /* it would be another program's */
    must(loop_audit_close(a));
    free(name);
    loop_policy_delete(p);
}

/* A quote in an argument made the rest of the words disappear. */
static void all_words_of_a_program_are_told(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    loop_audit *a = make(NULL);
    const char *words[] = {"/bin/sh", "-c", "echo 'x'\n"};
    ask(a, p, 1, (loop_request){.kind = LOOP_GRANT_PROCESS, .words = words, .word_count = 3});
    assert_string_equal(loop_audit_at(a, 0)->name, "'/bin/sh' '-c' 'echo '\\''x'\\''\n'");
    lp_auto(lp_free_string) char *text = loop_audit_suggest(a, NULL);
    assert_string_equal(
        text, "# no line can say how it ran '/bin/sh' '-c' 'echo '\\''x'\\''?'\ngrants: {}\n");
    must(loop_audit_close(a));
    loop_policy_delete(p);
}

/* Those that have ended leave room for others, where a file has what they did. */
static void what_ended_makes_room(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    loop_audit *a = make(path);
    for (unsigned i = 0; i < 2 * LP_MAX_AUDIT_ROWS; i++) {
        char name[32];
        snprintf(name, sizeof name, "a%u.com", i % 64);
        http(a, p, i / 64, name);
        if (i % 64 == 63)
            loop_audit_note(a, &(loop_decided){.component = "notes", .instance = i / 64});
    }
    assert_int_equal(loop_audit_lost(a), 0);
    must(loop_audit_close(a));
    uint8_t *bytes;
    size_t n, lines = 0;
    must(lp_os_read_file(path, LP_MAX_AUDIT_BYTES, &bytes, &n));
    for (size_t i = 0; i < n; i++)
        lines += bytes[i] == '\n';
    assert_int_equal(lines, 2 * LP_MAX_AUDIT_ROWS);
    free(bytes);
    loop_policy_delete(p);
}

static void there_is_an_end_to_what_is_kept(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    loop_audit *a = make(path);
    for (unsigned i = 0; i < LP_MAX_AUDIT_OF_ONE + 10; i++) {
        char name[32];
        snprintf(name, sizeof name, "a%u.com", i);
        http(a, p, 1, name);
    }
    assert_int_equal(loop_audit_lost(a), 10);
    http(a, p, 2, "a.com"); /* another one is heard all the same */
    assert_int_equal(loop_audit_lost(a), 10);
    loop_error *e = loop_audit_close(a);
    assert_int_equal(loop_error_code(e), LOOP_LIMIT);
    loop_error_delete(e);
    loop_policy_delete(p);
}

static void a_file_that_cannot_be_written_is_told(void **state)
{
    (void)state;
    loop_audit *a;
    loop_error *e = loop_audit_open("/dev/null/audit", &a);
    assert_int_equal(loop_error_code(e), LOOP_NOT_FOUND);
    loop_error_delete(e);
    assert_int_equal(symlink("/tmp/elsewhere", path), 0); /* a link that somebody else put there */
    e = loop_audit_open(path, &a);
    assert_int_equal(loop_error_code(e), LOOP_IO);
    loop_error_delete(e);
}

/* ---- suggesting ---- */

static void suggests(const loop_policy *p, const loop_request *wants, size_t n,
                     const char *expected)
{
    loop_audit *a = make(NULL);
    for (size_t i = 0; i < n; i++)
        ask(a, p, 1, wants[i]);
    lp_auto(lp_free_string) char *text = loop_audit_suggest(a, NULL);
    assert_string_equal(text, expected);
    lp_yaml_doc *doc;
    must(lp_yaml_parse("suggested", text, strlen(text), &doc));
    lp_yaml_delete(doc);
    must(loop_audit_close(a));
}

static void the_smallest_grants_are_exact(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    must(loop_policy_add(p, LOOP_GRANT_HTTP, "granted.com", false, NULL, false, line));
    must(loop_policy_add(p, LOOP_GRANT_HTTP, "denied.com", true, NULL, false, line));
    must(loop_policy_add(p, LOOP_GRANT_DIR, "/tmp::/data:ro", false, NULL, false, line));
    must(loop_policy_add(p, LOOP_GRANT_STORAGE, "3MiB", false, NULL, false, line));
    loop_policy_observe(p, true);
    static const char *const words[] = {"/bin/sh", "-c", "ls *"};
    const loop_request wants[] = {
        {.kind = LOOP_GRANT_HTTP, .name = "granted.com", .port = 443}, /* not 80 */
        {.kind = LOOP_GRANT_HTTP, .name = "A.com.", .port = 8080},
        {.kind = LOOP_GRANT_HTTP, .name = "a.com", .port = 8080},
        {.kind = LOOP_GRANT_HTTP, .name = "a.com", .port = 8080, .address = "10.0.0.1"},
        {.kind = LOOP_GRANT_HTTP, .name = "denied.com", .port = 443},
        {.kind = LOOP_GRANT_HTTP, .name = "no host", .port = 443},
        {.kind = LOOP_GRANT_NET, .name = "localhost"},
        {.kind = LOOP_GRANT_NET, .name = "127.0.0.1", .port = 5432},
        {.kind = LOOP_GRANT_NET, .name = "::ffff:6.6.6.6", .port = 53},
        {.kind = LOOP_GRANT_LISTEN, .name = "::1", .port = 8080},
        {.kind = LOOP_GRANT_DIR, .name = "/data"},
        {.kind = LOOP_GRANT_DIR, .name = "/etc"},
        {.kind = LOOP_GRANT_STORAGE},
        {.kind = LOOP_GRANT_LOG},
        {.kind = LOOP_GRANT_PACKAGES, .name = "acme:ui"},
        {.kind = LOOP_GRANT_NEED, .name = "camera.record"},
        {.kind = LOOP_GRANT_PROCESS, .words = words, .word_count = 3},
    };
    suggests(p, wants, LP_COUNT(wants),
             "# no grant for the directory of '/etc': grant its directory by hand\n"
             "# it wrote more to the log than its class has: log: { rate: NUMBER }\n"
             "# processes take 'class: trusted' beside 'grants:', and were not let through\n"
             "grants:\n"
             "  dirs: [{ host: \"/tmp\", guest: \"/data\", mode: ro }]\n"
             "  http: [\"granted.com:443\", \"a.com:8080\", \"10.0.0.1:8080\"]\n"
             "  net: [\"localhost:5432\", \"6.6.6.6:53\"]\n"
             "  listen: [\"[::1]:8080\"]\n"
             "  packages: [\"acme:ui\"]\n"
             "  processes: [\"/bin/sh -c 'ls *'\"]\n"
             "  needs: [\"camera.record\"]\n"
             "  storage: { quota: 3MiB }\n");
    suggests(p, NULL, 0, "grants: {}\n");
    loop_policy_delete(p);
}

static void what_is_suggested_grants_what_was_asked(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new(), *then = loop_policy_new();
    loop_policy_observe(p, true);
    must(loop_policy_add(then, LOOP_GRANT_HTTP, "a.com:8080", false, NULL, false, line));
    must(loop_policy_add(then, LOOP_GRANT_HTTP, "10.0.0.1:8080", false, NULL, false, line));
    loop_request want = {
        .kind = LOOP_GRANT_HTTP, .name = "a.com", .port = 8080, .address = "10.0.0.1"};
    loop_decision d;
    loop_policy_decide(p, &want, &d);
    assert_true(d.observed);
    loop_policy_decide(then, &want, &d);
    assert_true(d.allowed && !d.observed);
    loop_policy_delete(p);
    loop_policy_delete(then);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/audit.jsonl", folder);
    return 0;
}

static int no_file(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

#define TEST(name) cmocka_unit_test_setup(name, no_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(equal_decisions_are_one_line_and_a_count),
        TEST(a_line_says_who_what_and_why),
        TEST(what_was_written_is_read_back),
        TEST(a_file_of_others_is_refused_with_the_line),
        TEST(what_is_too_long_is_one_row_too),
        TEST(all_words_of_a_program_are_told),
        TEST(what_ended_makes_room),
        TEST(there_is_an_end_to_what_is_kept),
        TEST(a_file_that_cannot_be_written_is_told),
        TEST(the_smallest_grants_are_exact),
        TEST(what_is_suggested_grants_what_was_asked),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
