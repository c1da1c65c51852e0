/* packages/index_test.c: tests of index.json, notes, and what OCI registries say in headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "packages/index.h"
#include "packages/oci.h"
#include "packages/registry.h"

#define DIGEST "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
#define ENTRY(version, more)                                                                       \
    "{\"digest\":\"" DIGEST "\",\"size\":2,\"annotations\":{\"loop.name\":\"acme:ui\","            \
    "\"org.opencontainers.image.ref.name\":\"" version "\",\"loop.content\":\"" DIGEST             \
    "\",\"loop.size\":\"8\"" more "}}"
#define INDEX(entries) "{\"schemaVersion\":2,\"manifests\":[" entries "]}"

static lp_arena arena;

static int done(void **state)
{
    (void)state;
    lp_arena_done(&arena);
    return 0;
}

static void ok(loop_error *e)
{
    if (!e)
        return;
    lp_auto(lp_free_string) char *text = loop_error_format(e);
    loop_error_delete(e);
    fail_msg("%s", text);
}

static void releases_come_newest_first(void **state)
{
    (void)state;
    static const char text[] = INDEX(ENTRY("1.2.0", "") "," ENTRY(
        "1.10.0",
        ",\"loop.requires\":\"{\\\"acme:x\\\":\\\"^"
        "1\\\"}\"") "," ENTRY("1.10.0-rc.1",
                              ",\"loop.yanked\":\"no\"") ",{\"digest\":\"x\",\"size\":1}");
    lp_index index;
    const lp_release *r;
    size_t n;
    ok(lp_index_parse(&arena, "x", text, sizeof text - 1, &index));
    ok(lp_index_find(&arena, &index, "acme:ui", &r, &n));
    assert_int_equal(n, 3);
    assert_string_equal(r[0].version, "1.10.0");
    assert_string_equal(r[0].requires[0].name, "acme:x");
    assert_string_equal(r[1].version, "1.10.0-rc.1");
    assert_string_equal(r[1].yanked, "no");
    assert_string_equal(r[2].version, "1.2.0");
    assert_int_equal(r[2].size, 8);
    ok(lp_index_find(&arena, &index, "acme:other", &r, &n));
    assert_int_equal(n, 0);
}

/* Catches: a reader that takes what it understands and passes over the rest. */
/* Catches: what belongs to one package taken for another's; a size or digest that is none. */
static void what_belongs_to_a_package_is_found(void **state)
{
    (void)state;
#define OTHER(digest, size, subject)                                                               \
    "{\"digest\":\"" digest "\",\"size\":" size                                                    \
    ",\"artifactType\":\"a/b\",\"annotations\":{\"loop.subject\":\"" subject "\"}}"
#define ELSE "sha256:0000000000000000000000000000000000000000000000000000000000000000"
    static const char text[] = INDEX(
        ENTRY("1.0.0", "") "," OTHER(DIGEST, "3", ELSE) "," OTHER(ELSE, "4", DIGEST) "," OTHER(
            "x", "4", DIGEST) "," OTHER(ELSE, "-1", DIGEST) "," OTHER(ELSE, "99999999", DIGEST));
    lp_index index;
    const lp_blob *blobs;
    size_t n;
    ok(lp_index_parse(&arena, "x", text, sizeof text - 1, &index));
    assert_int_equal(index.n, 1);
    ok(lp_index_referrers(&arena, &index, DIGEST, &blobs, &n));
    assert_int_equal(n, 1);
    assert_string_equal(blobs[0].digest, ELSE);
    assert_string_equal(blobs[0].media_type, "a/b");
    assert_int_equal(blobs[0].size, 4);
    ok(lp_index_referrers(&arena, &index, ELSE, &blobs, &n));
    assert_int_equal(n, 1);
    assert_int_equal(blobs[0].size, 3);
}

static void a_wrong_entry_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {INDEX(ENTRY("1.0.0", "") "," ENTRY("one", "")), "entry 2 of x is wrong"},
        {INDEX(ENTRY("1.0.0", ",\"loop.requires\":\"{\\\"acme:x\\\":5}\"")),
         "entry 1 of x is wrong"},
        {INDEX(ENTRY("1.0.0", ",\"loop.requires\":\"[]\"")), "entry 1 of x is wrong"},
        {"{\"schemaVersion\":1,\"manifests\":[]}", "x is no index of an OCI layout"},
        {"{\"schemaVersion\":2,\"schemaVersion\":2,\"manifests\":[]}", "x is no JSON"},
        {"", "x is no JSON"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_index index;
        lp_auto(lp_free_error) loop_error *e =
            lp_index_parse(&arena, "x", rows[i].text, strlen(rows[i].text), &index);
        assert_non_null(e);
        assert_true(lp_starts_with(loop_error_message(e), rows[i].says));
    }
    static const char twice[] = INDEX(ENTRY("1.0.0", "") "," ENTRY("1.0.0", ""));
    lp_index index;
    const lp_release *r;
    size_t n;
    ok(lp_index_parse(&arena, "x", twice, sizeof twice - 1, &index));
    lp_auto(lp_free_error) loop_error *e = lp_index_find(&arena, &index, "acme:ui", &r, &n);
    assert_int_equal(loop_error_code(e), LOOP_INVALID);
}

static void a_yank_changes_one_entry(void **state)
{
    (void)state;
    static const char text[] = INDEX(ENTRY("1.0.0", "") "," ENTRY("1.1.0", ""));
    lp_buf yanked = {0}, back = {0};
    lp_index index;
    const lp_release *r;
    size_t n;
    ok(lp_index_yank("x", text, sizeof text - 1, "acme:ui", "1.1.0", "why", &yanked));
    ok(lp_index_parse(&arena, "x", yanked.ptr, yanked.len, &index));
    ok(lp_index_find(&arena, &index, "acme:ui", &r, &n));
    assert_string_equal(r[0].yanked, "why");
    assert_null(r[1].yanked);
    ok(lp_index_yank("x", yanked.ptr, yanked.len, "acme:ui", "1.1.0", NULL, &back));
    ok(lp_index_parse(&arena, "x", back.ptr, back.len, &index));
    ok(lp_index_find(&arena, &index, "acme:ui", &r, &n));
    assert_null(r[0].yanked);
    lp_buf_done(&yanked);
    lp_buf_done(&back);
}

/* Catches: one version too many, after which nobody can read any of them. */
static void an_index_stays_readable(void **state)
{
    (void)state;
    lp_buf text = {0}, yanked = {0};
    lp_auto(lp_free_string) char *filler = lp_format("%*s", (int)LP_MAX_JSON_BYTES - 1000, "");
    lp_buf_printf(&text, "{\"schemaVersion\":2,\"x\":\"%s\",\"manifests\":[%s]}", filler,
                  ENTRY("1.0.0", ""));
    ok(lp_index_yank("x", text.ptr, text.len, "acme:ui", "1.0.0", "why", &yanked));
    lp_buf_done(&yanked);
    lp_auto(lp_free_string) char *why = lp_format("%*s", 1000, "");
    lp_auto(lp_free_error) loop_error *e =
        lp_index_yank("x", text.ptr, text.len, "acme:ui", "1.0.0", why, &yanked);
    assert_int_equal(loop_error_code(e), LOOP_LIMIT);
    assert_int_equal(yanked.len, 0);
    lp_buf_done(&text);
}

static void what_is_noted_is_read_again(void **state)
{
    (void)state;
    const lp_requirement needs[] = {{"acme:x", ">=1.0, <2"}};
    const lp_release list[] = {
        {.version = "1.0.0",
         .digest = DIGEST,
         .content = "",
         .size = 8,
         .requires = needs,
         .requires_count = 1,
         .yanked = "a \"reason\""},
    };
    const lp_package_info info = {.releases = list, .count = 1, .tag = "\"t\"", .fresh_for_s = 7};
    lp_package_info read;
    lp_buf b = {0};
    lp_notes_write(&b, &info);
    ok(lp_notes_read(&arena, b.ptr, b.len, &read));
    assert_int_equal(read.fresh_for_s, 7);
    assert_string_equal(read.tag, "\"t\"");
    assert_string_equal(read.releases[0].requires[0].range, ">=1.0, <2");
    assert_string_equal(read.releases[0].yanked, "a \"reason\"");
    lp_buf_done(&b);
}

/* Catches: a note that is lost with its reason, so that what was taken back is chosen again. */
static void a_yank_is_noted_whatever_its_reason(void **state)
{
    (void)state;
    const lp_release list[] = {
        {.version = "1.0.0", .digest = DIGEST, .content = "", .yanked = "cut off \xc3"},
    };
    const lp_package_info info = {.releases = list, .count = 1};
    lp_package_info read;
    lp_buf b = {0};
    lp_notes_write(&b, &info);
    ok(lp_notes_read(&arena, b.ptr, b.len, &read));
    assert_non_null(read.releases[0].yanked);
    lp_buf_done(&b);
}

/* Catches: an upload that goes on without TLS, or at what is no web server. */
static void addresses_stay_on_the_web(void **state)
{
    (void)state;
    static const struct {
        const char *from, *path, *to; /* NULL: nowhere */
    } rows[] = {
        {"https://a:1/v2/x", "/v2/y?z", "https://a:1/v2/y?z"},
        {"https://a/v2/x", "/v2/y?of=https://b/", "https://a/v2/y?of=https://b/"},
        {"https://a/v2/x", "https://b/y", "https://b/y"},
        {"http://a/v2/x", "https://b/y", "https://b/y"},
        {"http://a/v2/x", "http://b/y", "http://b/y"},
        {"https://a/v2/x", "http://a/y", NULL},
        {"https://a/v2/x", "//b/y", NULL},
        {"https://a/v2/x", "y", NULL},
        {"https://a/v2/x", "file:///etc/passwd", NULL},
        {"https://a/v2/x", "", NULL},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        const char *to = lp_web_absolute(&arena, rows[i].from, rows[i].path);
        if (rows[i].to)
            assert_string_equal(to, rows[i].to);
        else
            assert_null(to);
    }
}

/* ---- a registry that is down ---- */

static unsigned times_asked;
static bool is_down;

static loop_error *open_fake(const lp_registry_options *options, void **ret_self)
{
    (void)options;
    *ret_self = &times_asked;
    return NULL;
}

static loop_error *lookup_fake(void *self, const lp_question *questions, size_t n, lp_arena *into,
                               lp_package_info *ret)
{
    static const lp_release list[] = {{.version = "1.0.0", .digest = DIGEST, .content = ""}};
    (void)self, (void)questions, (void)n, (void)into;
    times_asked++;
    if (is_down)
        return loop_error_new(LOOP_UNAVAILABLE, "down");
    *ret = (lp_package_info){.releases = list, .count = 1};
    return NULL;
}

static void look_up_fake(lp_registry *r, unsigned expected)
{
    const char *name = "acme:ui";
    lp_package_info info;
    ok(lp_registry_lookup(r, &name, 1, true, &arena, &info));
    assert_int_equal(info.count, 1);
    assert_int_equal(times_asked, expected);
}

/* Catches: a host that runs for days and never asks again what was down for a minute; one that
 * waits for it with each question. */
static void what_was_down_is_asked_again(void **state)
{
    (void)state;
    static const lp_registry_kind fake = {.name = "fake", .open = open_fake, .lookup = lookup_fake};
    char folder[] = "/tmp/loop-index-XXXXXX";
    loop_packages *p;
    assert_non_null(mkdtemp(folder));
    ok(loop_packages_open(&(loop_packages_options){.cache_dir = folder}, &p));
    lp_registry r = {.p = p, .kind = &fake, .options = {.name = "fake", .key = "fake"}};
    look_up_fake(&r, 1);
    is_down = true;
    look_up_fake(&r, 2); /* what is noted */
    look_up_fake(&r, 2);
    r.silent_ns -= (LP_REGISTRY_SILENT_S + 1) * 1000000000ull;
    look_up_fake(&r, 3);
    loop_packages_delete(p);
    lp_auto(lp_free_string) char *command = lp_format("rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

/* Catches: a parser that splits at commas, or takes the first word for the answer. */
static void challenges_are_understood(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        int kind;
        const char *realm, *service, *scope;
    } rows[] = {
        {"Bearer realm=\"https://a.b/t\",service=\"r\",scope=\"repository:a/b:pull,push\"",
         LP_OCI_BEARER, "https://a.b/t", "r", "repository:a/b:pull,push"},
        {"bearer scope=\"x\" , realm = \"https://a.b/\\\"q\\\"\"", LP_OCI_BEARER,
         "https://a.b/\"q\"", "", "x"},
        {"Basic realm=\"a, b\"", LP_OCI_BASIC, "a, b", "", ""},
        {"Basic", LP_OCI_BASIC, "", "", ""},
        {"Negotiate, Digest realm=\"x\", nonce=\"y\", Bearer realm=https", LP_OCI_BEARER, "https",
         "", ""},
        {"Negotiate abc==", LP_OCI_NONE, "", "", ""},
        {"Bearer service=\"r\"", LP_OCI_NONE, "", "", ""},
        {"Bearer realm=\"https://never", LP_OCI_NONE, "", "", ""},
        {"", LP_OCI_NONE, "", "", ""},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        lp_oci_challenge c = {LP_OCI_NONE, "", "", ""};
        lp_auto(lp_free_error) loop_error *e = lp_oci_challenge_parse(&arena, rows[i].header, &c);
        assert_int_equal(e != NULL, rows[i].kind == LP_OCI_NONE);
        assert_int_equal(c.kind, rows[i].kind);
        assert_string_equal(c.realm, rows[i].realm);
        assert_string_equal(c.service, rows[i].service);
        assert_string_equal(c.scope, rows[i].scope);
    }
}

static void the_next_page_is_on_the_same_host(void **state)
{
    (void)state;
    static const char here[] = "https://r.example:5000/v2/a/tags/list?n=9";
    static const struct {
        const char *link, *next; /* "!": an error */
    } rows[] = {
        {NULL, NULL},
        {"</v2/a/tags/list?last=1>; rel=\"next\"", "https://r.example:5000/v2/a/tags/list?last=1"},
        {"<https://r.example:5000/v2/x>; rel=next", "https://r.example:5000/v2/x"},
        {"</v2/x>; rel=\"prev\"", NULL},
        {"<https://other.example/v2/x>; rel=next", "!"},
        {"<http://r.example:5000/v2/x>; rel=next", "!"},
        {"<//other.example/v2/x>; rel=next", "!"},
        {"<file:///etc/passwd>; rel=next", "!"},
        {"<https://r.example:5000@evil/>; rel=next", "!"},
        {"nonsense", NULL},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        const char *next = NULL;
        lp_auto(lp_free_error) loop_error *e = lp_oci_next_page(&arena, here, rows[i].link, &next);
        bool wrong = rows[i].next && strcmp(rows[i].next, "!") == 0;
        assert_int_equal(e != NULL, wrong);
        if (!wrong && rows[i].next)
            assert_string_equal(next, rows[i].next);
        else
            assert_null(next);
    }
}

static void ranges_are_read_to_the_letter(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "bytes",
                                        "bytes 5-4/9",
                                        "bytes 1-2",
                                        "bytes a-b/c",
                                        "bytes 1-2/3x",
                                        "lines 1-2/3",
                                        "bytes 99999999999999999999-2/3"};
    uint64_t from, total;
    assert_true(lp_web_range_parse("bytes 100-199/200", &from, &total));
    assert_int_equal(from, 100);
    assert_int_equal(total, 200);
    assert_true(lp_web_range_parse("bytes 0-0/*", &from, &total));
    assert_int_equal(total, 0);
    assert_false(lp_web_range_parse(NULL, &from, &total));
    for (size_t i = 0; i < LP_COUNT(wrong); i++)
        assert_false(lp_web_range_parse(wrong[i], &from, &total));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(releases_come_newest_first),
        cmocka_unit_test(what_belongs_to_a_package_is_found),
        cmocka_unit_test(a_wrong_entry_is_named),
        cmocka_unit_test(a_yank_changes_one_entry),
        cmocka_unit_test(an_index_stays_readable),
        cmocka_unit_test(what_is_noted_is_read_again),
        cmocka_unit_test(a_yank_is_noted_whatever_its_reason),
        cmocka_unit_test(addresses_stay_on_the_web),
        cmocka_unit_test(what_was_down_is_asked_again),
        cmocka_unit_test(challenges_are_understood),
        cmocka_unit_test(the_next_page_is_on_the_same_host),
        cmocka_unit_test(ranges_are_read_to_the_letter),
    };
    return cmocka_run_group_tests(tests, NULL, done);
}
