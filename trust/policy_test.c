/* Tests of policy.h: what text grants, and what is decided. */
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

static char *root; /* ROOT/work/{data/deep,other,a:ro}, ROOT/outside/secret, links between */
static char *work;
static const loop_origin flag = {"--test", 0, 0};

static loop_error *add(loop_policy *p, loop_grant_kind kind, const char *text, bool deny)
{
    return loop_policy_add(p, kind, text, deny, work, false, flag);
}

static void grant(loop_policy *p, loop_grant_kind kind, const char *text)
{
    loop_error *e = add(p, kind, text, false);
    if (e)
        fail_msg("%s", loop_error_message(e));
}

static void deny(loop_policy *p, loop_grant_kind kind, const char *text)
{
    assert_null(add(p, kind, text, true));
}

static loop_decision ask(const loop_policy *p, loop_grant_kind kind, const char *name,
                         uint16_t port, bool write)
{
    loop_request want = {.kind = kind, .name = name, .port = port, .write = write};
    loop_decision d;
    memset(&d, 0xaa, sizeof d);
    loop_policy_decide(p, &want, &d);
    assert_true(strlen(d.reason) > 0 && strlen(d.reason) < sizeof d.reason);
    assert_true(lp_utf8_valid(d.reason, strlen(d.reason)));
    assert_true(lp_utf8_valid(d.hint, strlen(d.hint)));
    assert_true(!d.allowed || d.by);
    return d;
}

static bool allows(const loop_policy *p, loop_grant_kind kind, const char *name, uint16_t port)
{
    return ask(p, kind, name, port, false).allowed;
}

/* ---- text ---- */

static void text_that_is_no_grant_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        loop_grant_kind kind;
        bool deny;
        const char *text;
        loop_code code;
        const char *message;
    } rows[] = {
        {LOOP_GRANT_DIR, false, "", LOOP_USAGE, "dir '': it is empty"},
        {LOOP_GRANT_DIR, false, "::", LOOP_USAGE, "dir '::': the directory is missing"},
        {LOOP_GRANT_DIR, false, "::/x", LOOP_USAGE, "dir '::/x': the directory is missing"},
        {LOOP_GRANT_DIR, false, "data::", LOOP_USAGE, "dir 'data::': the guest path is empty"},
        {LOOP_GRANT_DIR, false, "data:::ro", LOOP_USAGE,
         "dir 'data:::ro': it has more than one '::'"},
        {LOOP_GRANT_DIR, false, "data::/a::/b", LOOP_USAGE,
         "dir 'data::/a::/b': it has more than one '::'"},
        {LOOP_GRANT_DIR, false, "data::/a:RO", LOOP_USAGE,
         "dir 'data::/a:RO': a guest path has no ':', and a mode is 'ro' or 'rw'"},
        {LOOP_GRANT_DIR, false, "data::/a:ro:rw", LOOP_USAGE,
         "dir 'data::/a:ro:rw': a guest path has no ':', and a mode is 'ro' or 'rw'"},
        {LOOP_GRANT_DIR, false, "data::/a/../b", LOOP_USAGE,
         "dir '/a/../b': a guest path has no '..'"},
        {LOOP_GRANT_DIR, false, "../outside", LOOP_USAGE,
         "dir '../outside': a guest path has no '..'"},
        {LOOP_GRANT_DIR, false, "dat*::/a", LOOP_USAGE, "dir 'dat*': wildcards are not granted"},
        {LOOP_GRANT_DIR, false, "data::/*", LOOP_USAGE, "dir '/*': wildcards are not granted"},
        {LOOP_GRANT_DIR, false, "data\x1b[2J", LOOP_USAGE,
         "dir 'data?[2J': it has a control character or an invisible one"},
        {LOOP_GRANT_DIR, false, "data\xe2\x80\xae", LOOP_USAGE,
         "dir 'data?': it has a control character or an invisible one"},
        {LOOP_GRANT_DIR, false, "data\xff", LOOP_USAGE, "dir 'data?': it is not UTF-8"},
        {LOOP_GRANT_DIR, false, "none", LOOP_NOT_FOUND, "dir 'none': no such directory"},
        {LOOP_GRANT_DIR, false, "data:/data", LOOP_NOT_FOUND,
         "dir 'data:/data': no such directory"},
        {LOOP_GRANT_DIR, false, "~/x::/x", LOOP_NOT_FOUND, "dir '~/x': no such directory"},
        {LOOP_GRANT_DIR, false, "file", LOOP_NOT_FOUND, "dir 'file': it is not a directory"},
        {LOOP_GRANT_DIR, true, "data:ro", LOOP_USAGE,
         "dir 'data:ro': a denial has no mode, it denies everything"},
        {LOOP_GRANT_ENV, false, "", LOOP_USAGE, "env '': it is empty"},
        {LOOP_GRANT_ENV, false, "=x", LOOP_USAGE, "env '': the name is empty"},
        {LOOP_GRANT_ENV, false, "*", LOOP_USAGE, "env '*': wildcards are not granted"},
        {LOOP_GRANT_ENV, false, "AWS_*", LOOP_USAGE, "env 'AWS_*': wildcards are not granted"},
        {LOOP_GRANT_ENV, false, "1A", LOOP_USAGE,
         "env '1A': a name has letters, digits and '_', and no digit first"},
        {LOOP_GRANT_ENV, false, "A B=c", LOOP_USAGE,
         "env 'A B': a name has letters, digits and '_', and no digit first"},
        {LOOP_GRANT_ENV, true, "A=b", LOOP_USAGE,
         "env 'A': a denial is for the name; leave the value out"},
        {LOOP_GRANT_ENV, false, "A=\xff", LOOP_USAGE, "env 'A': the value is not UTF-8"},
        {LOOP_GRANT_HTTP, false, "", LOOP_USAGE, "http '': it is empty"},
        {LOOP_GRANT_HTTP, false, "*", LOOP_USAGE, "http '*': wildcards are not granted"},
        {LOOP_GRANT_HTTP, false, "*.example.com", LOOP_USAGE,
         "http '*.example.com': wildcards are not granted"},
        {LOOP_GRANT_HTTP, false, "a.com:*", LOOP_USAGE,
         "http 'a.com:*': wildcards are not granted"},
        {LOOP_GRANT_HTTP, false, "https://a.com", LOOP_USAGE,
         "http 'https://a.com': write only the host, without 'http://'"},
        {LOOP_GRANT_HTTP, false, "a.com/x", LOOP_USAGE,
         "http 'a.com/x': a grant is for a whole host; leave the path out"},
        {LOOP_GRANT_HTTP, false, "u@a.com", LOOP_USAGE,
         "http 'u@a.com': it has a character that no host name has"},
        {LOOP_GRANT_HTTP, false,
         "b\xc3\xbc"
         "cher.de",
         LOOP_USAGE,
         "http 'b\xc3\xbc"
         "cher.de': write a name outside ASCII in its 'xn--' form"},
        {LOOP_GRANT_HTTP, false, "a..com", LOOP_USAGE, "http 'a..com': it has an empty part"},
        {LOOP_GRANT_HTTP, false, ".", LOOP_USAGE, "http '.': it has an empty part"},
        {LOOP_GRANT_HTTP, false, "-a.com", LOOP_USAGE,
         "http '-a.com': a part of it starts or ends with '-'"},
        {LOOP_GRANT_HTTP, false, "127.1", LOOP_USAGE,
         "http '127.1': it is neither an address nor a name"},
        {LOOP_GRANT_HTTP, false, "2130706433", LOOP_USAGE,
         "http '2130706433': it is neither an address nor a name"},
        {LOOP_GRANT_HTTP, false, "0x7f000001", LOOP_USAGE,
         "http '0x7f000001': it is neither an address nor a name"},
        {LOOP_GRANT_HTTP, false, "010.0.0.1", LOOP_USAGE,
         "http '010.0.0.1': it is neither an address nor a name"},
        {LOOP_GRANT_HTTP, false, "[::1", LOOP_USAGE, "http '[::1': ']' is missing"},
        {LOOP_GRANT_HTTP, false, "[127.0.0.1]", LOOP_USAGE,
         "http '[127.0.0.1]': only an IPv6 address stands in brackets"},
        {LOOP_GRANT_HTTP, false, "[fe80::1%eth0]:80", LOOP_USAGE,
         "http '[fe80::1%eth0]:80': an address with a scope ('%') is not granted"},
        {LOOP_GRANT_HTTP, false, "a:b:c", LOOP_USAGE, "http 'a:b:c': it is not an IPv6 address"},
        {LOOP_GRANT_HTTP, false, "0.0.0.0", LOOP_USAGE,
         "http '0.0.0.0': it means any address; name the one to reach"},
        {LOOP_GRANT_NET, false, "[::]:80", LOOP_USAGE,
         "net '[::]:80': it means any address; name the one to reach"},
        {LOOP_GRANT_NET, false, "a.com", LOOP_USAGE,
         "net 'a.com': the port is missing; a grant is HOST:PORT, and [ADDRESS]:PORT for IPv6"},
        {LOOP_GRANT_NET, false, "::1:80", LOOP_USAGE,
         "net '::1:80': the port is missing; a grant is HOST:PORT, and [ADDRESS]:PORT for IPv6"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        loop_policy *p = loop_policy_new();
        loop_error *e = add(p, rows[i].kind, rows[i].text, rows[i].deny);
        if (!e)
            fail_msg("'%s' was taken", rows[i].text);
        assert_string_equal(loop_error_message(e), rows[i].message);
        assert_int_equal(loop_error_code(e), rows[i].code);
        assert_null(loop_policy_at(p, 0));
        loop_error_delete(e);
        loop_policy_delete(p);
    }
}

static void ports_are_one_number(void **state)
{
    (void)state;
    static const char *const rows[] = {"a:0",         "a:65536", "a:99999999999999999999",
                                       "a:-1",        "a:+80",   "a: 80",
                                       "a:080",       "a:",      "a:0x50",
                                       "a:8000-9000", "a:80,81", "a:80:"};
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        loop_policy *p = loop_policy_new();
        loop_error *e = add(p, LOOP_GRANT_NET, rows[i], false);
        assert_int_equal(loop_error_code(e), LOOP_USAGE);
        loop_error_delete(e);
        loop_policy_delete(p);
    }
}

static void a_line_reads_as_what_it_means(void **state)
{
    (void)state;
    static const struct {
        loop_grant_kind kind;
        bool deny;
        const char *text, *line, *guest;
        bool read_only;
        uint16_t port;
    } rows[] = {
        {LOOP_GRANT_DIR, false, "data", "dir data as data", "data", false, 0},
        {LOOP_GRANT_DIR, false, "./data:ro", "dir ./data as data, read-only", "data", true, 0},
        {LOOP_GRANT_DIR, false, "data:rw", "dir data as data", "data", false, 0},
        {LOOP_GRANT_DIR, false, "data::/d//./x/", "dir data as /d/x", "/d/x", false, 0},
        {LOOP_GRANT_DIR, false, "data::/d:ro", "dir data as /d, read-only", "/d", true, 0},
        {LOOP_GRANT_DIR, false, "data::ro", "dir data as ro", "ro", false, 0},
        {LOOP_GRANT_DIR, false, "a:ro::/d", "dir a:ro as /d", "/d", false, 0},
        {LOOP_GRANT_DIR, false, ".", "dir . as .", ".", false, 0},
        {LOOP_GRANT_DIR, true, "none/x", "deny dir none/x as none/x", "none/x", false, 0},
        {LOOP_GRANT_DIR, true, "../x", "deny dir ../x as anything", NULL, false, 0},
        {LOOP_GRANT_ENV, false, "LANG", "env LANG", NULL, false, 0},
        {LOOP_GRANT_ENV, false, "TOKEN=s3cret", "env TOKEN with a value given", "s3cret", false, 0},
        {LOOP_GRANT_ENV, false, "A=", "env A with a value given", "", false, 0},
        {LOOP_GRANT_ENV, true, "HOME", "deny env HOME", NULL, false, 0},
        {LOOP_GRANT_HTTP, false, "API.Example.com.", "http api.example.com", NULL, false, 0},
        {LOOP_GRANT_HTTP, false, "a.com:8080", "http a.com:8080", NULL, false, 8080},
        {LOOP_GRANT_HTTP, false, "[::1]:65535", "http [::1]:65535", NULL, false, 65535},
        {LOOP_GRANT_HTTP, false, "0:0::1", "http [::1]", NULL, false, 0},
        {LOOP_GRANT_HTTP, false, "xn--bcher-kva.de", "http xn--bcher-kva.de", NULL, false, 0},
        {LOOP_GRANT_NET, false, "::ffff:10.0.0.1:80", "", NULL, false, 0},
        {LOOP_GRANT_NET, false, "[::ffff:10.0.0.1]:80", "net 10.0.0.1:80", NULL, false, 80},
        {LOOP_GRANT_NET, true, "10.0.0.1", "deny net 10.0.0.1", NULL, false, 0},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        loop_policy *p = loop_policy_new();
        loop_error *e = add(p, rows[i].kind, rows[i].text, rows[i].deny);
        const loop_grant *g = loop_policy_at(p, 0);
        if (!*rows[i].line) {
            assert_non_null(e);
            loop_error_delete(e);
        } else {
            assert_null(e);
            assert_string_equal(g->text, rows[i].line);
            assert_int_equal(g->read_only, rows[i].read_only);
            assert_int_equal(g->port, rows[i].port);
            assert_int_equal(g->deny, rows[i].deny);
            assert_string_equal(g->origin.source, "--test");
            if (rows[i].guest)
                assert_string_equal(g->guest, rows[i].guest);
            else
                assert_null(g->guest);
            assert_null(loop_policy_at(p, 1));
        }
        loop_policy_delete(p);
    }
}

static void grants_are_bounded(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    for (int i = 0; i < LP_MAX_GRANTS; i++) {
        lp_auto(lp_free_string) char *text = lp_format("V%d", i);
        grant(p, LOOP_GRANT_ENV, text);
    }
    const loop_grant *first = loop_policy_at(p, 0);
    loop_error *e = add(p, LOOP_GRANT_ENV, "ONE_MORE", false);
    assert_int_equal(loop_error_code(e), LOOP_LIMIT);
    loop_error_delete(e);
    grant(p, LOOP_GRANT_HTTP, "a.com"); /* another kind has its own bound */
    assert_ptr_equal(first, loop_policy_at(p, 0));
    loop_policy_delete(p);
}

/* ---- directories ---- */

static void a_confined_directory_stays_inside(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        loop_code code;
    } rows[] = {
        {"data", LOOP_OK},
        {".", LOOP_OK},
        {"data/../other::/o", LOOP_OK},
        {"inner-link::/l", LOOP_OK},
        {"../outside::/o", LOOP_DENIED},
        {"/::/r", LOOP_DENIED},
        {"/etc", LOOP_DENIED},
        {"link::/l", LOOP_DENIED},        /* a link to outside */
        {"link/secret::/l", LOOP_DENIED}, /* and through it */
        {"data/../../outside::/o", LOOP_DENIED},
        {"../work-too::/o", LOOP_DENIED}, /* a name that only starts like the workspace */
        {"data/deep/../../../outside::/o", LOOP_DENIED},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        loop_policy *p = loop_policy_new();
        loop_error *e = loop_policy_add(p, LOOP_GRANT_DIR, rows[i].text, false, work, true, flag);
        assert_int_equal(loop_error_code(e), rows[i].code);
        assert_true(!e == (loop_policy_at(p, 0) != NULL));
        loop_error_delete(e);
        loop_policy_delete(p);
    }
}

static void a_granted_link_is_followed_once_and_for_all(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    grant(p, LOOP_GRANT_DIR, "inner-link::/l");
    lp_auto(lp_free_string) char *data = lp_format("%s/data", work);
    assert_string_equal(loop_policy_at(p, 0)->host, data);
    loop_policy_delete(p);
}

static void directories_are_decided_by_the_longest_guest_path(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        bool read, write;
    } rows[] = {
        {"/data", true, true},
        {"/data/x/y", true, true},
        {"/data//x/./y", true, true},
        {"/data/ro", true, false},
        {"/data/ro/x", true, false},
        {"/data/ro/../x", true, true},
        {"/data/rope", true, true},
        {"/database", false, false},
        {"/", false, false},
        {"/data/..", false, false},
        {"/data/../etc", false, false},
        {"/..", false, false},
        {"/data/../../etc", false, false},
        {"x", true, false}, /* relative: the grant of "." */
        {".", true, false},
        {"a/../x", true, false},
        {"..", false, false},
        {"a/../../x", false, false},
        {"deep/x", true, true}, /* longer than "." */
        {"", false, false},
    };
    loop_policy *p = loop_policy_new();
    grant(p, LOOP_GRANT_DIR, "data::/data");
    grant(p, LOOP_GRANT_DIR, "other::/data/ro:ro");
    grant(p, LOOP_GRANT_DIR, ".:ro");
    grant(p, LOOP_GRANT_DIR, "data/deep::deep");
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        assert_int_equal(ask(p, LOOP_GRANT_DIR, rows[i].path, 0, false).allowed, rows[i].read);
        assert_int_equal(ask(p, LOOP_GRANT_DIR, rows[i].path, 0, true).allowed, rows[i].write);
    }
    lp_auto(lp_free_string) char *long_path = lp_alloc(LP_MAX_PATH + 2);
    memset(long_path, 'a', LP_MAX_PATH + 1);
    assert_false(allows(p, LOOP_GRANT_DIR, long_path, 0));
    loop_policy_delete(p);
}

static void one_guest_path_is_one_directory(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    grant(p, LOOP_GRANT_DIR, "data::/d:ro");
    grant(p, LOOP_GRANT_DIR, "./data::/d/:ro"); /* again: nothing new */
    assert_null(loop_policy_at(p, 1));
    assert_false(ask(p, LOOP_GRANT_DIR, "/d/x", 0, true).allowed);
    grant(p, LOOP_GRANT_DIR, "data::/d"); /* wider: that holds */
    assert_null(loop_policy_at(p, 1));
    assert_true(ask(p, LOOP_GRANT_DIR, "/d/x", 0, true).allowed);
    grant(p, LOOP_GRANT_DIR, "data::/d:ro"); /* narrower takes nothing back */
    assert_true(ask(p, LOOP_GRANT_DIR, "/d/x", 0, true).allowed);
    loop_error *e = add(p, LOOP_GRANT_DIR, "other::/d", false);
    assert_int_equal(loop_error_code(e), LOOP_USAGE);
    assert_string_equal(loop_error_message(e), "the guest path '/d' is granted twice: "
                                               "'dir data as /d', 'dir other as /d'");
    loop_error_delete(e);
    loop_policy_delete(p);
}

static void a_denied_directory_is_denied_under_every_name(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    deny(p, LOOP_GRANT_DIR, "data/deep");
    deny(p, LOOP_GRANT_DIR, "data/later"); /* not there yet */
    grant(p, LOOP_GRANT_DIR, "data::/d");
    grant(p, LOOP_GRANT_DIR, "data/deep::/direct");
    grant(p, LOOP_GRANT_DIR, ".::/w");
    static const struct {
        const char *path;
        bool allowed;
    } rows[] = {
        {"/d/x", true},
        {"/d/deep", false},
        {"/d/deep/x", false},
        {"/d/deeper", true},
        {"/d/later/new/file", false},
        {"/direct", false},
        {"/direct/x", false},
        {"/w/inner-link/deep", false}, /* through a link */
        {"/w/data/x", true},
        {"data/deep/x", false},
        {"/d/deep/../x", true},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++)
        assert_int_equal(allows(p, LOOP_GRANT_DIR, rows[i].path, 0), rows[i].allowed);
    const loop_grant *hole = lp_policy_denied_inside(p, ask(p, LOOP_GRANT_DIR, "/d", 0, false).by);
    assert_string_equal(hole->text, "deny dir data/deep as data/deep");
    loop_policy_delete(p);
}

/* ---- variables ---- */

static void variables_are_granted_by_their_exact_name(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    grant(p, LOOP_GRANT_ENV, "LANG");
    grant(p, LOOP_GRANT_ENV, "A=1");
    grant(p, LOOP_GRANT_ENV, "A=2");
    grant(p, LOOP_GRANT_ENV, "B");
    deny(p, LOOP_GRANT_ENV, "B");
    grant(p, LOOP_GRANT_ENV, "B=lifted?");
    assert_true(allows(p, LOOP_GRANT_ENV, "LANG", 0));
    assert_false(allows(p, LOOP_GRANT_ENV, "lang", 0));
    assert_false(allows(p, LOOP_GRANT_ENV, "LANGUAGE", 0));
    assert_false(allows(p, LOOP_GRANT_ENV, "LAN", 0));
    assert_false(allows(p, LOOP_GRANT_ENV, "", 0));
    assert_string_equal(ask(p, LOOP_GRANT_ENV, "A", 0, false).by->guest, "2");
    assert_false(allows(p, LOOP_GRANT_ENV, "B", 0));
    loop_policy_delete(p);
}

/* ---- hosts ---- */

static void http_is_granted_by_host_and_port(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint16_t port;
        bool allowed;
    } rows[] = {
        {"api.example.com", 443, true},
        {"api.example.com", 80, true},
        {"api.example.com", 8080, false},
        {"API.EXAMPLE.COM.", 443, true},
        {"example.com", 443, false},
        {"x.api.example.com", 443, false},
        {"api.example.com.evil", 443, false},
        {"evilapi.example.com", 443, false},
        {"p.com", 8080, true},
        {"p.com", 80, false},
        {"::1", 80, true},
        {"[::1]", 443, true},
        {"0:0:0:0:0:0:0:1", 80, true},
        {"::2", 80, false},
        {"10.0.0.1", 80, true},
        {"::ffff:10.0.0.1", 80, true},
        {"10.1", 80, false},
        {"167772161", 80, false},
        {"denied.com", 443, false},
        {"denied.com.", 8080, false},
        {"half.com", 443, false},
        {"half.com", 80, true},
        {"a b", 80, false},
        {"", 80, false},
        {"api.example.com\n", 443, false},
        {"api.example.com\xe2\x80\x8b", 443, false},
    };
    loop_policy *p = loop_policy_new();
    grant(p, LOOP_GRANT_HTTP, "api.example.com");
    grant(p, LOOP_GRANT_HTTP, "p.com:8080");
    grant(p, LOOP_GRANT_HTTP, "::1");
    grant(p, LOOP_GRANT_HTTP, "10.0.0.1:80");
    grant(p, LOOP_GRANT_HTTP, "denied.com");
    grant(p, LOOP_GRANT_HTTP, "denied.com:8080");
    deny(p, LOOP_GRANT_HTTP, "DENIED.com"); /* without a port: every port */
    grant(p, LOOP_GRANT_HTTP, "half.com");
    deny(p, LOOP_GRANT_HTTP, "half.com:443");
    for (size_t i = 0; i < LP_COUNT(rows); i++)
        assert_int_equal(allows(p, LOOP_GRANT_HTTP, rows[i].name, rows[i].port), rows[i].allowed);
    assert_false(allows(p, LOOP_GRANT_NET, "api.example.com", 443)); /* HTTP is not a socket */
    loop_policy_delete(p);
}

static unsigned lookups;

static size_t fake_dns(void *ctx, const char *name, lp_os_address *ret, size_t max)
{
    (void)ctx;
    static const struct {
        const char *name, *address;
    } rows[] = {{"db.example.com", "93.184.0.5"},
                {"db.example.com", "2001:db8::5"},
                {"rebound.com", "169.254.169.254"},
                {"evil.com", "6.6.6.6"}};
    size_t n = 0;
    lookups++;
    for (size_t i = 0; i < LP_COUNT(rows) && n < max; i++)
        if (strcmp(rows[i].name, name) == 0)
            assert_true(lp_os_address_parse(rows[i].address, &ret[n++]));
    return n;
}

static void sockets_are_granted_by_name_and_asked_by_address(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint16_t port;
        bool allowed;
    } rows[] = {
        {"93.184.0.5", 5432, true},  {"2001:db8::5", 5432, true}, {"::ffff:93.184.0.5", 5432, true},
        {"93.184.0.5", 5433, false}, {"93.184.0.6", 5432, false}, {"db.example.com", 5432, true},
        {"db.example.com", 0, true}, /* may the name be looked up at all */
        {"other.com", 0, false},     {"6.6.6.6", 80, false},      {"169.254.169.254", 80, false},
        {"0.0.0.0", 5432, false},
    };
    loop_policy *p = loop_policy_new();
    lp_policy_resolver_set(p, fake_dns, NULL);
    grant(p, LOOP_GRANT_NET, "DB.example.com:5432");
    grant(p, LOOP_GRANT_NET, "6.6.6.6:80");
    deny(p, LOOP_GRANT_NET, "evil.com"); /* holds for its address, too */
    grant(p, LOOP_GRANT_NET, "rebound.com:80");
    deny(p, LOOP_GRANT_NET, "169.254.169.254");
    for (size_t i = 0; i < LP_COUNT(rows); i++)
        assert_int_equal(allows(p, LOOP_GRANT_NET, rows[i].name, rows[i].port), rows[i].allowed);
    loop_policy_delete(p);
}

static void a_denied_address_is_denied_by_name(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    lp_policy_resolver_set(p, fake_dns, NULL);
    grant(p, LOOP_GRANT_HTTP, "rebound.com");
    grant(p, LOOP_GRANT_HTTP, "db.example.com");
    assert_true(allows(p, LOOP_GRANT_HTTP, "rebound.com", 80));
    deny(p, LOOP_GRANT_HTTP, "169.254.169.254");
    assert_false(allows(p, LOOP_GRANT_HTTP, "rebound.com", 80));
    assert_true(allows(p, LOOP_GRANT_HTTP, "db.example.com", 80));
    loop_policy_delete(p);
}

static void names_are_looked_up_once_and_only_when_it_matters(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    lp_policy_resolver_set(p, fake_dns, NULL);
    grant(p, LOOP_GRANT_NET, "db.example.com:5432");
    deny(p, LOOP_GRANT_NET, "evil.com");
    lookups = 0;
    assert_false(allows(p, LOOP_GRANT_NET, "93.184.0.5", 1)); /* the port decides already */
    assert_int_equal(lookups, 0);
    for (int i = 0; i < 100; i++)
        assert_true(allows(p, LOOP_GRANT_NET, "93.184.0.5", 5432));
    assert_int_equal(lookups, 2); /* the grant's name and the denial's */
    loop_policy_delete(p);
}

static void decide_in_a_thread(void *arg)
{
    for (int i = 0; i < 200; i++) {
        loop_request want = {.kind = LOOP_GRANT_NET, .name = "93.184.0.5", .port = 5432};
        loop_decision d;
        loop_policy_decide(arg, &want, &d);
        if (!d.allowed)
            abort();
    }
}

static void any_thread_may_ask(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    lp_policy_resolver_set(p, fake_dns, NULL);
    grant(p, LOOP_GRANT_NET, "db.example.com:5432");
    lp_os_thread *threads[4];
    for (size_t i = 0; i < LP_COUNT(threads); i++)
        assert_null(lp_os_thread_start(decide_in_a_thread, p, 0, &threads[i]));
    for (size_t i = 0; i < LP_COUNT(threads); i++)
        lp_os_thread_join(threads[i]);
    loop_policy_delete(p);
}

/* ---- words ---- */

static void every_decision_says_why_and_what_would_change_it(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    loop_origin line = {"loop.yaml", 7, 5};
    assert_null(loop_policy_add(p, LOOP_GRANT_DIR, "data::/ro:ro", false, work, false, line));
    assert_null(loop_policy_add(p, LOOP_GRANT_ENV, "HOME", true, NULL, false, line));
    lp_auto(lp_free_string) char *wider = lp_format("--dir %s/data::/ro", work);
    const struct {
        loop_grant_kind kind;
        const char *name;
        uint16_t port;
        bool write;
        const char *reason, *hint;
    } rows[] = {
        {LOOP_GRANT_DIR, "/ro/x", 0, false,
         "granted by 'dir data as /ro, read-only' (loop.yaml:7:5)", ""},
        {LOOP_GRANT_DIR, "/ro/x", 0, true, "'/ro' is granted read-only", wider},
        {LOOP_GRANT_DIR, "/x", 0, false, "no grant for the directory of '/x'", "--dir HOST::/x"},
        {LOOP_GRANT_DIR, "/../x", 0, false, "the path '/../x' leads out of what the component sees",
         ""},
        {LOOP_GRANT_ENV, "HOME", 0, false, "denied by 'deny env HOME' (loop.yaml:7:5)",
         "remove that line; no grant lifts a denial"},
        {LOOP_GRANT_ENV, "LANG", 0, false, "no grant for the variable LANG", "--env LANG"},
        {LOOP_GRANT_ENV, "A\x1b[2J", 0, false, "no grant for the variable A?[2J", ""},
        {LOOP_GRANT_HTTP, "Api.example.com", 443, false, "no grant for http api.example.com:443",
         "--allow-http api.example.com:443"},
        {LOOP_GRANT_NET, "::1", 80, false, "no grant for net [::1]:80", "--allow-net [::1]:80"},
        {LOOP_GRANT_HTTP, "a\x1b", 80, false,
         "'a?' is no host: it has a character that no host name has", ""},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        loop_decision d = ask(p, rows[i].kind, rows[i].name, rows[i].port, rows[i].write);
        assert_string_equal(d.reason, rows[i].reason);
        assert_string_equal(d.hint, rows[i].hint);
    }
    loop_policy_delete(p);
}

static void an_empty_policy_grants_nothing(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    assert_null(loop_policy_at(p, 0));
    assert_false(allows(p, LOOP_GRANT_DIR, "/", 0));
    assert_false(allows(p, LOOP_GRANT_ENV, "PATH", 0));
    assert_false(allows(p, LOOP_GRANT_HTTP, "localhost", 80));
    assert_false(allows(p, LOOP_GRANT_NET, "127.0.0.1", 80));
    assert_false(allows(p, LOOP_GRANT_HTTP, NULL, 80));
    assert_false(allows(p, (loop_grant_kind)99, "x", 80));
    loop_policy_delete(p);
    loop_policy_delete(NULL);
}

static int make_root(void **state)
{
    (void)state;
    char template[] = "/tmp/loop-policy-test-XXXXXX";
    if (!mkdtemp(template))
        return -1;
    root = lp_os_realpath(template);
    work = lp_format("%s/work", root);
    lp_auto(lp_free_string) char *command = lp_format(
        "cd '%s' && mkdir -p work/data/deep work/data/x work/other work/a:ro outside/secret "
        "work-too && touch work/file && ln -s ../outside work/link && "
        "ln -s data work/inner-link",
        root);
    return system(command);
}

static int remove_root(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *command = lp_format("rm -rf '%s'", root);
    int rc = system(command);
    free(root);
    free(work);
    return rc;
}

/* The last grant of storage holds: a flag comes after the file; nothing is granted by itself. */
static void storage_is_granted_by_size(void **state)
{
    (void)state;
    loop_policy *p = loop_policy_new();
    loop_request want = {.kind = LOOP_GRANT_STORAGE};
    loop_decision d;
    loop_policy_decide(p, &want, &d);
    assert_false(d.allowed);
    assert_string_equal(d.reason, "no grant for storage");
    assert_string_equal(d.hint, "--storage 16MiB");
    static const char *const wrong[] = {"0", "much", "-1", "1MiBB", "1e9"};
    for (size_t i = 0; i < LP_COUNT(wrong); i++) {
        loop_error *e = loop_policy_add(p, LOOP_GRANT_STORAGE, wrong[i], false, NULL, false,
                                        (loop_origin){"--storage", 0, 0});
        assert_int_equal(loop_error_code(e), LOOP_USAGE);
        loop_error_delete(e);
    }
    assert_null(loop_policy_add(p, LOOP_GRANT_STORAGE, "1MiB", false, NULL, false,
                                (loop_origin){"loop.yaml", 7, 9}));
    loop_policy_decide(p, &want, &d);
    assert_true(d.allowed);
    assert_int_equal(d.by->bytes, 1 << 20);
    assert_string_equal(d.reason, "granted by 'storage up to 1MiB' (loop.yaml:7:9)");
    assert_null(loop_policy_add(p, LOOP_GRANT_STORAGE, "2MiB", false, NULL, false,
                                (loop_origin){"--storage", 0, 0}));
    loop_policy_decide(p, &want, &d);
    assert_int_equal(d.by->bytes, 2 << 20);
    loop_policy_delete(p);
}

/* Catches: a grant of `acme` that lets `acme-evil` in, and a denial that a grant lifts. */
static void packages_are_granted_by_namespace_or_name(void **state)
{
    (void)state;
    static const char *const wrong[] = {"*",  "Acme", "acme:", ":ui",    "acme:ui:x", "a b",
                                        "-a", "../x", "acme/", "acme@1", ""};
    loop_policy *p = loop_policy_new();
    for (size_t i = 0; i < LP_COUNT(wrong); i++) {
        lp_auto(lp_free_error) loop_error *e = add(p, LOOP_GRANT_PACKAGES, wrong[i], false);
        assert_int_equal(loop_error_code(e), LOOP_USAGE);
    }
    grant(p, LOOP_GRANT_STORAGE, "16MiB"); /* a line without a name comes first */
    assert_false(allows(p, LOOP_GRANT_PACKAGES, "acme:ui", 0));
    grant(p, LOOP_GRANT_PACKAGES, "acme");
    grant(p, LOOP_GRANT_PACKAGES, "other:x");
    deny(p, LOOP_GRANT_PACKAGES, "acme:secret");
    assert_true(allows(p, LOOP_GRANT_PACKAGES, "acme:ui", 0));
    assert_true(allows(p, LOOP_GRANT_PACKAGES, "other:x", 0));
    assert_false(allows(p, LOOP_GRANT_PACKAGES, "other:xy", 0));
    assert_false(allows(p, LOOP_GRANT_PACKAGES, "acme-evil:ui", 0));
    assert_false(allows(p, LOOP_GRANT_PACKAGES, "acmeui", 0));
    assert_false(allows(p, LOOP_GRANT_PACKAGES, "acme:secret", 0));
    grant(p, LOOP_GRANT_PACKAGES, "acme:secret");
    assert_false(allows(p, LOOP_GRANT_PACKAGES, "acme:secret", 0));
    assert_string_equal(ask(p, LOOP_GRANT_PACKAGES, "far:x", 0, false).hint, "--packages far");
    loop_policy_delete(p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_that_is_no_grant_is_refused_with_a_reason),
        cmocka_unit_test(ports_are_one_number),
        cmocka_unit_test(storage_is_granted_by_size),
        cmocka_unit_test(a_line_reads_as_what_it_means),
        cmocka_unit_test(grants_are_bounded),
        cmocka_unit_test(a_confined_directory_stays_inside),
        cmocka_unit_test(a_granted_link_is_followed_once_and_for_all),
        cmocka_unit_test(directories_are_decided_by_the_longest_guest_path),
        cmocka_unit_test(one_guest_path_is_one_directory),
        cmocka_unit_test(a_denied_directory_is_denied_under_every_name),
        cmocka_unit_test(variables_are_granted_by_their_exact_name),
        cmocka_unit_test(http_is_granted_by_host_and_port),
        cmocka_unit_test(sockets_are_granted_by_name_and_asked_by_address),
        cmocka_unit_test(a_denied_address_is_denied_by_name),
        cmocka_unit_test(names_are_looked_up_once_and_only_when_it_matters),
        cmocka_unit_test(any_thread_may_ask),
        cmocka_unit_test(every_decision_says_why_and_what_would_change_it),
        cmocka_unit_test(an_empty_policy_grants_nothing),
        cmocka_unit_test(packages_are_granted_by_namespace_or_name),
    };
    return cmocka_run_group_tests_name("trust", tests, make_root, remove_root);
}
