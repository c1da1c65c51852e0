/*
 * Tests of policy.h: listening, the log, shared storage, processes, what providers need; classes,
 * observing, and names that lead inward.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "trust/policy.h"

static char *root; /* real; ROOT/bin/{tool,other,alias}, alias a link to tool; ROOT/link to bin */
static const loop_origin flag = {"--test", 0, 0};

static void add(loop_policy *p, loop_grant_kind kind, const char *text, bool deny)
{
    loop_error *e = loop_policy_add(p, kind, text, deny, root, false, flag);
    if (e)
        fail_msg("%s", loop_error_message(e));
}

static loop_decision decide(const loop_policy *p, loop_request want)
{
    loop_decision d;
    memset(&d, 0xaa, sizeof d);
    loop_policy_decide(p, &want, &d);
    assert_true(*d.reason && lp_utf8_valid(d.reason, strlen(d.reason)));
    assert_true(lp_utf8_valid(d.hint, strlen(d.hint)));
    assert_true(!d.allowed || d.by || d.observed);
    return d;
}

static bool allows(const loop_policy *p, loop_grant_kind kind, const char *name, uint16_t port)
{
    return decide(p, (loop_request){.kind = kind, .name = name, .port = port}).allowed;
}

/* ---- text ---- */

static void text_that_is_no_grant_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        loop_grant_kind kind;
        bool deny;
        const char *text, *message;
    } rows[] = {
        {LOOP_GRANT_LISTEN, false, "8080", "listen '8080': it is neither an address nor a name"},
        {LOOP_GRANT_LISTEN, false, "127.0.0.1",
         "listen '127.0.0.1': the port is missing; a grant is ADDRESS:PORT, and [ADDRESS]:PORT for "
         "IPv6"},
        {LOOP_GRANT_LISTEN, false, "localhost:80",
         "listen 'localhost:80': it is an address of this machine, not a name: 127.0.0.1:8080, "
         "[::1]:8080"},
        {LOOP_GRANT_LISTEN, false, "127.0.0.1:*",
         "listen '127.0.0.1:*': wildcards are not granted"},
        {LOOP_GRANT_LISTEN, false, "*:80", "listen '*:80': wildcards are not granted"},
        {LOOP_GRANT_LOG, false, "0", "log '0': it is no number of entries a second, such as 100"},
        {LOOP_GRANT_LOG, false, "1.5",
         "log '1.5': it is no number of entries a second, such as 100"},
        {LOOP_GRANT_LOG, false, "10000000",
         "log '10000000': it is no number of entries a second, such as 100"},
        {LOOP_GRANT_LOG, true, "1", "log '1': the log is not denied; its rate is limited"},
        {LOOP_GRANT_STORAGE, false, "1MiB,shared",
         "storage '1MiB,shared': it is SIZE, or SIZE,share=NAME"},
        {LOOP_GRANT_STORAGE, false, "1MiB,share=",
         "storage '1MiB,share=': the name of a share is lower-case letters, digits and '-'"},
        {LOOP_GRANT_STORAGE, false, "1MiB,share=../x",
         "storage '1MiB,share=../x': the name of a share is lower-case letters, digits and '-'"},
        {LOOP_GRANT_NEED, false, "camera",
         "need 'camera': the name is missing; a grant is "
         "PROVIDER.NAME"},
        {LOOP_GRANT_NEED, false, "camera.*", "need 'camera.*': wildcards are not granted"},
        {LOOP_GRANT_NEED, false, "camera.",
         "need 'camera.': it is no PROVIDER.NAME such as camera.record"},
        {LOOP_GRANT_NEED, true, "a b", "need 'a b': it is no PROVIDER.NAME such as camera.record"},
        {LOOP_GRANT_PROCESS, false, " ", "process ' ': the program is missing"},
        {LOOP_GRANT_PROCESS, false, "''", "process '''': the program is missing"},
        {LOOP_GRANT_PROCESS, false, "* x", "process '* x': the program is missing"},
        {LOOP_GRANT_PROCESS, false, "... ", "process '... ': the program is missing"},
        {LOOP_GRANT_PROCESS, false, "./tool",
         "process './tool': a program is a name, or its whole path"},
        {LOOP_GRANT_PROCESS, false, "sh 'x", "process 'sh 'x': a quote is not closed"},
        {LOOP_GRANT_PROCESS, false, "sh ... x", "process 'sh ... x': nothing may follow '...'"},
        {LOOP_GRANT_PROCESS, false, "sh *.txt",
         "process 'sh *.txt': '*' stands for a whole word, not for a part of one"},
        {LOOP_GRANT_PROCESS, false, "sh $HOME",
         "process 'sh $HOME': it is words between spaces and no shell; keep what is special in "
         "'...'"},
        {LOOP_GRANT_PROCESS, false, "sh \"x\"",
         "process 'sh \"x\"': it is words between spaces and no shell; keep what is special in "
         "'...'"},
        {LOOP_GRANT_PROCESS, false, "sh;ls",
         "process 'sh;ls': it is words between spaces and no shell; keep what is special in "
         "'...'"},
        {LOOP_GRANT_PROCESS, false, "no-such-program-of-loop",
         "process 'no-such-program-of-loop': no such program in PATH"},
        {LOOP_GRANT_PROCESS, false, "/no/such x", "process '/no/such': no such program"},
    };
    loop_policy *p = loop_policy_new();
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        loop_error *e =
            loop_policy_add(p, rows[i].kind, rows[i].text, rows[i].deny, root, false, flag);
        assert_non_null(e);
        assert_string_equal(loop_error_message(e), rows[i].message);
        loop_error_delete(e);
    }
    assert_null(loop_policy_at(p, 0));
    loop_policy_delete(p);
}

static void a_line_says_what_it_means(void **state)
{
    (void)state;
    static const struct {
        loop_grant_kind kind;
        bool deny;
        const char *text, *line;
    } rows[] = {
        {LOOP_GRANT_LISTEN, false, "[0:0::1]:80", "listen at [::1]:80"},
        {LOOP_GRANT_LISTEN, true, "0.0.0.0", "deny listen at 0.0.0.0"},
        {LOOP_GRANT_LOG, false, "100", "log up to 100 entries a second"},
        {LOOP_GRANT_STORAGE, false, "16MiB,share=notes", "storage up to 16MiB, shared as notes"},
        {LOOP_GRANT_NEED, false, "camera.record", "use of camera.record"},
        {LOOP_GRANT_NEED, true, "camera", "deny use of camera"},
        {LOOP_GRANT_PROCESS, false, "sh  -c 'a b'", "run sh  -c 'a b'"},
        {LOOP_GRANT_PROCESS, true, "no-such-program-of-loop", "deny run no-such-program-of-loop"},
    };
    loop_policy *p = loop_policy_new();
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        add(p, rows[i].kind, rows[i].text, rows[i].deny);
        assert_string_equal(loop_policy_at(p, i)->text, rows[i].line);
    }
    assert_string_equal(loop_policy_at(p, 3)->share, "notes");
    assert_int_equal(loop_policy_at(p, 2)->rate, 100);
    assert_string_equal(loop_policy_at(p, 6)->words, "-c 'a b'");
    loop_policy_delete(p);
}

/* ---- listening, the log, storage, needs ---- */

static void listening_is_for_one_address_and_port(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint16_t port;
        bool allowed;
    } rows[] = {
        {"127.0.0.1", 8080, true},  {"::ffff:127.0.0.1", 8080, true},
        {"127.0.0.1", 8081, false}, {"127.0.0.1", 0, false},
        {"127.0.0.2", 8080, false}, {"0.0.0.0", 8080, false},
        {"::1", 8080, true},        {"::", 8080, false},
        {"localhost", 8080, false}, {"127.0.0.1", 9000, false},
        {"127.0.0.1", 9001, false}, {"10.0.0.1", 80, false},
    };
    loop_policy *p = loop_policy_new();
    add(p, LOOP_GRANT_LISTEN, "127.0.0.1:8080", false);
    add(p, LOOP_GRANT_LISTEN, "[::1]:8080", false);
    add(p, LOOP_GRANT_LISTEN, "127.0.0.1:9000", false);
    add(p, LOOP_GRANT_LISTEN, "127.0.0.1:9000", true);
    add(p, LOOP_GRANT_LISTEN, "10.0.0.1:80", false);
    add(p, LOOP_GRANT_LISTEN, "10.0.0.1", true);     /* every port */
    add(p, LOOP_GRANT_NET, "127.0.0.1:9001", false); /* reaching is not listening */
    for (size_t i = 0; i < LP_COUNT(rows); i++)
        assert_int_equal(allows(p, LOOP_GRANT_LISTEN, rows[i].name, rows[i].port), rows[i].allowed);
    assert_false(allows(p, LOOP_GRANT_NET, "127.0.0.1", 8080)); /* nor the other way round */
    loop_policy_delete(p);
}

static void a_denial_holds_where_all_addresses_are_listened_at(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new(), *none = loop_policy_new();
    add(p, LOOP_GRANT_LISTEN, "0.0.0.0:80", false);
    add(p, LOOP_GRANT_LISTEN, "0.0.0.0:81", false);
    add(p, LOOP_GRANT_LISTEN, "[::]:80", false);
    add(p, LOOP_GRANT_LISTEN, "10.0.0.1:80", true);
    assert_false(allows(p, LOOP_GRANT_LISTEN, "0.0.0.0", 80)); /* 10.0.0.1 is among them */
    assert_true(allows(p, LOOP_GRANT_LISTEN, "0.0.0.0", 81));
    assert_true(allows(p, LOOP_GRANT_LISTEN, "::", 80));
    add(none, LOOP_GRANT_LISTEN, "127.0.0.1:80", false);
    add(none, LOOP_GRANT_LISTEN, "0.0.0.0:80", true);
    assert_false(allows(none, LOOP_GRANT_LISTEN, "127.0.0.1", 80));
    loop_policy_delete(p);
    loop_policy_delete(none);
}

static void of_several_amounts_the_last_holds(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    assert_false(decide(p, (loop_request){.kind = LOOP_GRANT_LOG}).allowed);
    add(p, LOOP_GRANT_LOG, "10", false);
    add(p, LOOP_GRANT_LOG, "20", false);
    add(p, LOOP_GRANT_STORAGE, "1MiB", false);
    add(p, LOOP_GRANT_STORAGE, "2MiB,share=a", false);
    assert_int_equal(decide(p, (loop_request){.kind = LOOP_GRANT_LOG}).by->rate, 20);
    loop_decision d = decide(p, (loop_request){.kind = LOOP_GRANT_STORAGE});
    assert_int_equal(d.by->bytes, 2 << 20);
    assert_string_equal(d.by->share, "a");
    loop_policy_delete(p);
}

static void a_need_is_granted_by_its_whole_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool allowed;
    } rows[] = {{"camera.record", true},
                {"camera.look", false},
                {"camera", false},
                {"camera.recorder", false},
                {"microphone.listen", false},
                {"mic.a", true},
                {"mic.b", false}};
    loop_policy *p = loop_policy_new();
    add(p, LOOP_GRANT_NEED, "camera.record", false);
    add(p, LOOP_GRANT_NEED, "microphone.listen", false);
    add(p, LOOP_GRANT_NEED, "microphone", true);
    add(p, LOOP_GRANT_NEED, "mic.a", false);
    add(p, LOOP_GRANT_NEED, "mic.b", false);
    add(p, LOOP_GRANT_NEED, "mic.b", true);
    for (size_t i = 0; i < LP_COUNT(rows); i++)
        assert_int_equal(allows(p, LOOP_GRANT_NEED, rows[i].name, 0), rows[i].allowed);
    loop_policy_delete(p);
}

/* ---- processes ---- */

static loop_policy *trusted(void)
{
    loop_policy *p = loop_policy_new();
    loop_policy_class_set(p, LOOP_CLASS_TRUSTED, flag);
    return p;
}

static loop_decision run(const loop_policy *p, const char *program, const char *args)
{
    const char *words[16] = {program};
    size_t n = 1;
    char text[256];
    snprintf(text, sizeof text, "%s", args);
    for (char *w = strtok(text, " "); w; w = strtok(NULL, " "))
        words[n++] = strcmp(w, "_") == 0 ? "" : w;
    return decide(p, (loop_request){.kind = LOOP_GRANT_PROCESS, .words = words, .word_count = n});
}

static void arguments_are_matched_word_by_word(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *args; /* "_" is an empty word */
        bool allowed;
    } rows[] = {
        {"", "", true},
        {"", "x", false},
        {"status", "status", true},
        {"status", "status x", false},
        {"status", "Status", false},
        {"status", "", false},
        {"status *", "status x", true},
        {"status *", "status _", true},
        {"status *", "status", false},
        {"status *", "status x y", false},
        {"status *", "status -x", false},
        {"status *", "status --output=/etc/passwd", false},
        {"log ...", "log", true},
        {"log ...", "log a b c", true},
        {"log ...", "log a -o b", false},
        {"log --oneline ...", "log --oneline a", true},
        {"log --oneline ...", "log a --oneline", false},
        {"'*'", "*", true},
        {"'*'", "x", false},
        {"'...'", "a b", false},
        {"-c 'x y'", "-c x y", false},
        {"a'b'c", "abc", true},
        {"a'*'c", "a*c", true},
        {"''", "_", true},
        {"''", "", false},
    };
    lp_auto(lp_free_string) char *tool = lp_format("%s/bin/tool", root);
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        loop_policy *p = trusted();
        lp_auto(lp_free_string) char *line = lp_format("%s %s", tool, rows[i].pattern);
        add(p, LOOP_GRANT_PROCESS, line, false);
        if (run(p, tool, rows[i].args).allowed != rows[i].allowed)
            fail_msg("'%s' for '%s'", rows[i].args, rows[i].pattern);
        loop_policy_delete(p);
    }
}

static void a_program_is_a_name_and_the_file_behind_it(void **state)
{
    (void)state;
    static const struct {
        const char *program;
        bool allowed;
    } rows[] = {{"bin/tool", true},   {"link/tool", true}, {"bin/../bin/tool", true},
                {"bin/alias", false}, /* the same file, which may look at its name */
                {"bin/other", false}, {"bin/", false},     {"bin/none", false}};
    loop_policy *p = trusted();
    lp_auto(lp_free_string) char *line = lp_format("%s/link/tool", root);
    add(p, LOOP_GRANT_PROCESS, line, false);
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_auto(lp_free_string) char *program = lp_format("%s/%s", root, rows[i].program);
        if (run(p, program, "").allowed != rows[i].allowed)
            fail_msg("%s", program);
    }
    assert_false(run(p, "tool", "").allowed); /* whoever runs it has found it before */
    loop_policy_delete(p);
}

static void a_link_that_leads_elsewhere_later_is_another_program(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *alias = lp_format("%s/bin/alias", root);
    lp_auto(lp_free_string) char *tool = lp_format("%s/bin/tool", root);
    lp_auto(lp_free_string) char *other = lp_format("%s/bin/other", root);
    loop_policy *p = trusted();
    add(p, LOOP_GRANT_PROCESS, alias, false);
    assert_true(run(p, alias, "").allowed);
    assert_int_equal(unlink(alias), 0);
    assert_int_equal(symlink(other, alias), 0);
    assert_false(run(p, alias, "").allowed);
    assert_int_equal(unlink(alias), 0);
    assert_int_equal(symlink(tool, alias), 0);
    loop_policy_delete(p);
}

static void a_denied_program_is_denied_by_every_name(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *tool = lp_format("%s/bin/tool", root);
    lp_auto(lp_free_string) char *alias = lp_format("%s/bin/alias", root);
    lp_auto(lp_free_string) char *any = lp_format("%s ...", alias);
    static const struct {
        const char *line; /* '@': the tool */
        const char *args;
        bool allowed;
    } rows[] = {{"@", "x y", false},
                {"tool", "x y", false},
                {"alias", "x y", false},
                {"too", "x y", true},
                {"@ x *", "x y", false},
                {"@ x *", "x", true},
                {"@ push ...", "push a", false},
                {"@ push ...", "pull", true}};
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        loop_policy *p = trusted();
        add(p, LOOP_GRANT_PROCESS, any, false);
        assert_true(run(p, alias, rows[i].args).allowed);
        lp_auto(lp_free_string) char *line = *rows[i].line == '@'
                                                 ? lp_format("%s%s", tool, rows[i].line + 1)
                                                 : lp_strdup(rows[i].line);
        add(p, LOOP_GRANT_PROCESS, line, true);
        if (run(p, alias, rows[i].args).allowed != rows[i].allowed)
            fail_msg("'%s' after deny '%s'", rows[i].args, line);
        loop_policy_delete(p);
    }
}

static void processes_take_the_class_trusted(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *tool = lp_format("%s/bin/tool", root);
    loop_policy *p = loop_policy_new();
    add(p, LOOP_GRANT_PROCESS, tool, false);
    loop_decision d = run(p, tool, "");
    assert_false(d.allowed);
    assert_non_null(d.by);
    assert_string_equal(d.hint, "--class trusted");
    loop_policy_class_set(p, LOOP_CLASS_TRUSTED, flag);
    assert_true(run(p, tool, "").allowed);
    loop_policy *part = lp_policy_part(p, UINT32_MAX); /* what it loads is not what it is */
    assert_int_equal(loop_policy_class_of(part, NULL), LOOP_CLASS_UNTRUSTED);
    assert_false(run(part, tool, "").allowed);
    loop_policy_delete(part);
    loop_policy_delete(p);
}

static void nobody_runs_what_he_may_write(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *tool = lp_format("%s/bin/tool", root);
    loop_policy *p = trusted();
    add(p, LOOP_GRANT_PROCESS, tool, false);
    add(p, LOOP_GRANT_DIR, "bin::/bin:ro", false);
    assert_true(run(p, tool, "").allowed);
    add(p, LOOP_GRANT_DIR, "link::/b", false);
    assert_false(run(p, tool, "").allowed);
    loop_policy_delete(p);
}

static void a_hint_for_a_process_is_a_grant_of_it(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *tool = lp_format("%s/bin/tool", root);
    static const char *const args[] = {"", "a b", "*", "... x", "-x", "$HOME", "_", "a*b"};
    for (size_t i = 0; i < LP_COUNT(args); i++) {
        const char *words[] = {tool, strcmp(args[i], "_") ? args[i] : ""};
        loop_policy *p = trusted();
        lp_auto(lp_free_string) char *line = lp_process_text(words, 2);
        add(p, LOOP_GRANT_PROCESS, line, false);
        loop_request want = {.kind = LOOP_GRANT_PROCESS, .words = words, .word_count = 2};
        assert_true(decide(p, want).allowed);
        const char *others[] = {tool, "another"};
        want.words = others;
        assert_false(decide(p, want).allowed);
        loop_policy_delete(p);
    }
    const char *quoted[] = {tool, "it's"};
    assert_null(lp_process_text(quoted, 2));
}

/* ---- observing ---- */

static size_t one_address(void *ctx, const char *name, lp_os_address *ret, size_t max)
{
    (void)ctx, (void)max;
    return lp_os_address_parse(strcmp(name, "db.com") == 0 ? "10.0.0.1" : "6.6.6.6", ret);
}

/* Denials were found by the very spelling alone, where nothing grants. */
static void what_is_denied_is_not_observed_by_another_name(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    lp_policy_resolver_set(p, one_address, NULL);
    add(p, LOOP_GRANT_HTTP, "10.0.0.1", true);
    add(p, LOOP_GRANT_HTTP, "evil.com", true);
    add(p, LOOP_GRANT_NET, "db.com", true);
    loop_policy_observe(p, true);
    assert_false(allows(p, LOOP_GRANT_NET, "10.0.0.1", 5432)); /* an address of a denied name */
    assert_false(allows(p, LOOP_GRANT_HTTP, "db.com", 80));    /* a name of a denied address */
    assert_false(allows(p, LOOP_GRANT_HTTP, "6.6.6.6", 80));
    loop_request want = {.kind = LOOP_GRANT_HTTP, .name = "x.com", .port = 80};
    want.address = "10.0.0.1"; /* what it stands for now, whatever it did */
    assert_false(decide(p, want).allowed);
    want.address = "none";
    assert_false(decide(p, want).allowed);
    want.address = "7.7.7.7";
    assert_true(decide(p, want).observed);
    loop_policy_delete(p);
}

static void observing_lets_through_what_no_line_denies(void **state)
{
    (void)state;
    loop_policy *p = trusted();
    lp_auto(lp_free_string) char *tool = lp_format("%s/bin/tool", root);
    add(p, LOOP_GRANT_HTTP, "granted.com", false);
    add(p, LOOP_GRANT_HTTP, "denied.com", true);
    add(p, LOOP_GRANT_NEED, "camera", true);
    loop_policy_observe(p, true);
    loop_decision d =
        decide(p, (loop_request){.kind = LOOP_GRANT_HTTP, .name = "x.com", .port = 80});
    assert_true(d.allowed && d.observed && !d.by);
    assert_string_equal(d.hint, "--allow-http x.com:80");
    d = decide(p, (loop_request){.kind = LOOP_GRANT_HTTP, .name = "granted.com", .port = 80});
    assert_true(d.allowed && !d.observed && d.by);
    assert_true(decide(p, (loop_request){.kind = LOOP_GRANT_STORAGE}).observed);
    assert_true(allows(p, LOOP_GRANT_NEED, "mic.a", 0));
    assert_false(allows(p, LOOP_GRANT_NEED, "camera.record", 0));
    assert_false(allows(p, LOOP_GRANT_HTTP, "denied.com", 80));
    assert_false(allows(p, LOOP_GRANT_HTTP, "bad name", 80));
    assert_false(allows(p, LOOP_GRANT_DIR, "/etc", 0));
    assert_false(run(p, tool, "").allowed);
    assert_false(allows(p, LOOP_GRANT_ENV, "LD_PRELOAD", 0)); /* a program's */
    loop_policy *part = lp_policy_part(p, UINT32_MAX);
    assert_false(allows(part, LOOP_GRANT_HTTP, "x.com", 80)); /* nobody said so of what it loads */
    loop_policy_delete(part);
    loop_policy_delete(p);
}

/* ---- names that lead inward ---- */

static void addresses_inside_are_known_in_every_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool inward;
    } rows[] = {
        {"127.0.0.1", true},
        {"127.255.255.255", true},
        {"128.0.0.0", false},
        {"0.0.0.0", true},
        {"0.1.2.3", true},
        {"1.1.1.1", false},
        {"9.255.255.255", false},
        {"10.0.0.0", true},
        {"10.255.255.255", true},
        {"11.0.0.0", false},
        {"100.63.255.255", false},
        {"100.64.0.0", true},
        {"100.127.255.255", true},
        {"100.128.0.0", false},
        {"169.253.255.255", false},
        {"169.254.169.254", true},
        {"172.15.255.255", false},
        {"172.16.0.0", true},
        {"172.31.255.255", true},
        {"172.32.0.0", false},
        {"192.0.0.8", true},
        {"192.0.1.0", false},
        {"192.168.1.1", true},
        {"192.169.0.0", false},
        {"198.17.255.255", false},
        {"198.18.0.0", true},
        {"198.19.255.255", true},
        {"198.20.0.0", false},
        {"223.255.255.255", false},
        {"224.0.0.1", true},
        {"239.1.1.1", true},
        {"240.0.0.1", true},
        {"255.255.255.255", true},
        {"::", true},
        {"::1", true},
        {"::7f00:1", true},
        {"::ffff:127.0.0.1", true},
        {"::ffff:1.1.1.1", false},
        {"::ffff:a00:1", true},
        {"::ffff:0:7f00:1", true},
        {"::ffff:0:808:808", false},
        {"64:ff9b::a9fe:a9fe", true},
        {"64:ff9b::808:808", false},
        {"64:ff9b:1::808:808", true},
        {"2002:7f00:1::", true},
        {"2002:808:808::", false},
        {"2002:c0a8:101::1", true},
        {"2001:0:1:2::", true},
        {"2001:1ff::1", true},
        {"2001:200::1", false},
        {"fc00::1", true},
        {"fd12::1", true},
        {"fe00::1", false},
        {"fe80::1", true},
        {"febf::1", true},
        {"fec0::1", true},
        {"ff02::1", true},
        {"2606:4700::1111", false},
        {"100::1", true},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_os_address a;
        assert_true(lp_os_address_parse(rows[i].address, &a));
        if (!!lp_host_inward(&a) != rows[i].inward)
            fail_msg("%s", rows[i].address);
    }
}

static size_t inward_dns(void *ctx, const char *name, lp_os_address *ret, size_t max)
{
    (void)ctx;
    static const struct {
        const char *name, *address;
    } rows[] = {{"evil.com", "169.254.169.254"}, {"evil.com", "127.0.0.1"},
                {"evil.com", "93.1.1.1"},        {"localhost", "127.0.0.1"},
                {"localhost", "10.0.0.1"},       {"a.localhost", "::1"},
                {"notlocalhost", "127.0.0.1"},   {"localhost", "93.1.1.2"}};
    size_t n = 0;
    for (size_t i = 0; i < LP_COUNT(rows) && n < max; i++)
        if (strcmp(rows[i].name, name) == 0)
            assert_true(lp_os_address_parse(rows[i].address, &ret[n++]));
    return n;
}

static void a_name_reaches_no_address_inside(void **state)
{
    (void)state;
    static const struct {
        const char *name, *address;
        bool allowed;
    } rows[] = {
        {"evil.com", "93.1.1.1", true},          {"evil.com", "169.254.169.254", false},
        {"evil.com", "::ffff:127.0.0.1", false}, {"evil.com", "fd00::1", false},
        {"evil.com", "10.0.0.7", true}, /* which is granted itself */
        {"evil.com", "6.6.6.6", false}, /* which is denied */
        {"evil.com", "nonsense", false},         {"evil.com", "evil.com", false},
        {"localhost", "127.0.0.1", true},        {"localhost", "::1", true},
        {"localhost", "10.0.0.1", false},        {"a.localhost", "127.0.0.1", true},
        {"localhost", "93.1.1.2", false},        {"a.localhost", "2606:4700::1111", false},
        {"localhost", "93.1.1.3", true}, /* which is granted itself */
        {"notlocalhost", "127.0.0.1", false},    {"other.com", "93.1.1.1", false},
        {"10.0.0.7", "10.0.0.7", true},
    };
    loop_policy *p = loop_policy_new();
    lp_policy_resolver_set(p, inward_dns, NULL);
    add(p, LOOP_GRANT_HTTP, "evil.com:80", false);
    add(p, LOOP_GRANT_HTTP, "localhost:80", false);
    add(p, LOOP_GRANT_HTTP, "a.localhost:80", false);
    add(p, LOOP_GRANT_HTTP, "notlocalhost:80", false);
    add(p, LOOP_GRANT_HTTP, "10.0.0.7:80", false);
    add(p, LOOP_GRANT_HTTP, "93.1.1.3:80", false);
    add(p, LOOP_GRANT_HTTP, "6.6.6.6", true);
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        loop_request want = {
            .kind = LOOP_GRANT_HTTP, .name = rows[i].name, .port = 80, .address = rows[i].address};
        if (decide(p, want).allowed != rows[i].allowed)
            fail_msg("%s at %s", rows[i].name, rows[i].address);
    }
    loop_decision d = decide(p, (loop_request){.kind = LOOP_GRANT_HTTP,
                                               .name = "evil.com",
                                               .port = 80,
                                               .address = "169.254.169.254"});
    assert_null(d.by);
    assert_string_equal(d.reason, "'evil.com' is granted, and stands for 169.254.169.254, a "
                                  "link-local address, which is not");
    assert_string_equal(d.hint, "--allow-http 169.254.169.254:80");
    loop_policy_delete(p);
}

static void a_socket_to_an_address_inside_takes_a_grant_of_that(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    lp_policy_resolver_set(p, inward_dns, NULL);
    add(p, LOOP_GRANT_NET, "evil.com:80", false);
    assert_true(allows(p, LOOP_GRANT_NET, "93.1.1.1", 80));
    loop_decision d =
        decide(p, (loop_request){.kind = LOOP_GRANT_NET, .name = "169.254.169.254", .port = 80});
    assert_false(d.allowed);
    assert_string_equal(d.reason, "'evil.com' is granted, and stands for 169.254.169.254, a "
                                  "link-local address, which is not");
    assert_string_equal(d.hint, "--allow-net 169.254.169.254:80");
    add(p, LOOP_GRANT_NET, "localhost:5432", false);
    assert_true(allows(p, LOOP_GRANT_NET, "127.0.0.1", 5432));
    assert_false(allows(p, LOOP_GRANT_NET, "10.0.0.1", 5432));
    d = decide(p, (loop_request){.kind = LOOP_GRANT_NET, .name = "93.1.1.2", .port = 5432});
    assert_false(d.allowed);
    assert_string_equal(d.reason, "'localhost' is granted, and stands for 93.1.1.2, an address of "
                                  "another machine, which is not");
    add(p, LOOP_GRANT_NET, "169.254.169.254:80", false);
    assert_true(allows(p, LOOP_GRANT_NET, "169.254.169.254", 80));
    loop_policy_delete(p);
}

static void classes_have_names(void **state)
{
    (void)state;
    loop_class c = LOOP_CLASS_TRUSTED;
    loop_origin origin;
    assert_true(loop_class_find("untrusted", &c) && c == LOOP_CLASS_UNTRUSTED);
    assert_true(loop_class_find("trusted", &c) && c == LOOP_CLASS_TRUSTED);
    assert_false(loop_class_find("Trusted", &c));
    assert_int_equal(loop_policy_class_of(NULL, &origin), LOOP_CLASS_UNTRUSTED);
    assert_string_equal(origin.source, "default");
    loop_policy *p = trusted();
    assert_int_equal(loop_policy_class_of(p, &origin), LOOP_CLASS_TRUSTED);
    assert_string_equal(origin.source, "--test");
    loop_policy_delete(p);
}

static void make_file(const char *name)
{
    lp_auto(lp_free_string) char *path = lp_format("%s/%s", root, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(chmod(path, 0755), 0);
}

static void make_link(const char *to, const char *name)
{
    lp_auto(lp_free_string) char *path = lp_format("%s/%s", root, name);
    lp_auto(lp_free_string) char *target = lp_format("%s/%s", root, to);
    assert_int_equal(symlink(target, path), 0);
}

static int make_root(void **state)
{
    (void)state;
    char template[] = "/tmp/loop-kinds-XXXXXX";
    char *made = mkdtemp(template);
    root = made ? lp_os_realpath(made) : NULL;
    if (!root)
        return -1;
    lp_auto(lp_free_string) char *bin = lp_format("%s/bin", root);
    assert_int_equal(mkdir(bin, 0755), 0);
    make_file("bin/tool");
    make_file("bin/other");
    make_link("bin/tool", "bin/alias");
    make_link("bin", "link");
    return 0;
}

static int remove_root(void **state)
{
    (void)state;
    static const char *const names[] = {"bin/tool", "bin/other", "bin/alias", "link", "bin", ""};
    for (size_t i = 0; i < LP_COUNT(names); i++) {
        lp_auto(lp_free_string) char *path = lp_format("%s/%s", root, names[i]);
        remove(path);
    }
    free(root);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_that_is_no_grant_is_refused_with_a_reason),
        cmocka_unit_test(a_line_says_what_it_means),
        cmocka_unit_test(listening_is_for_one_address_and_port),
        cmocka_unit_test(of_several_amounts_the_last_holds),
        cmocka_unit_test(a_need_is_granted_by_its_whole_name),
        cmocka_unit_test(arguments_are_matched_word_by_word),
        cmocka_unit_test(a_program_is_a_name_and_the_file_behind_it),
        cmocka_unit_test(a_link_that_leads_elsewhere_later_is_another_program),
        cmocka_unit_test(a_denied_program_is_denied_by_every_name),
        cmocka_unit_test(processes_take_the_class_trusted),
        cmocka_unit_test(nobody_runs_what_he_may_write),
        cmocka_unit_test(a_hint_for_a_process_is_a_grant_of_it),
        cmocka_unit_test(a_denial_holds_where_all_addresses_are_listened_at),
        cmocka_unit_test(what_is_denied_is_not_observed_by_another_name),
        cmocka_unit_test(observing_lets_through_what_no_line_denies),
        cmocka_unit_test(addresses_inside_are_known_in_every_spelling),
        cmocka_unit_test(a_name_reaches_no_address_inside),
        cmocka_unit_test(a_socket_to_an_address_inside_takes_a_grant_of_that),
        cmocka_unit_test(classes_have_names),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
