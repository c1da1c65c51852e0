/* Tests of trust.h: what is trusted, until when, and whose word counts. */
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
#include "loop/trust.h"

static char *root;   /* ROOT/config/loop/trust.yaml, ROOT/work/loop.yaml */
static char *list;   /* the list of trusted workspaces */
static char *work;   /* a workspace's file */
static char *folder; /* and its folder */
static char digest[LOOP_DIGEST_TEXT], other[LOOP_DIGEST_TEXT];

static void put(const char *path, const char *text, unsigned mode)
{
    assert_null(lp_os_write_atomic(path, text, strlen(text), mode));
}

/* Each test has folders of its own, and a workspace that is all right. */
static int set_up(void **state)
{
    (void)state;
    char pattern[] = "/tmp/loop-trust-XXXXXX";
    root = lp_os_realpath(mkdtemp(pattern));
    folder = lp_format("%s/work", root);
    work = lp_format("%s/loop.yaml", folder);
    list = lp_format("%s/config/loop/trust.yaml", root);
    lp_auto(lp_free_string) char *config = lp_format("%s/config", root);
    assert_null(lp_os_mkdirs(folder));
    put(work, "loop: 1\n", 0644);
    setenv("XDG_CONFIG_HOME", config, 1);
    loop_trust_digest("loop: 1\n", 8, digest);
    loop_trust_digest("loop: 2\n", 8, other);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *command = lp_format("rm -rf '%s'", root);
    free(root);
    free(folder);
    free(work);
    free(list);
    return system(command);
}

static void check_denied(loop_error *e, const char *piece)
{
    assert_non_null(e);
    assert_int_equal(loop_error_code(e), LOOP_DENIED);
    assert_non_null(loop_error_hint(e));
    lp_auto(lp_free_string) char *text = loop_error_format(e);
    if (!strstr(text, piece))
        fail_msg("'%s' is not in: %s", piece, text);
    loop_error_delete(e);
}

static void a_digest_is_blake2b_of_256_bits(void **state)
{
    (void)state;
    char empty[LOOP_DIGEST_TEXT];
    loop_trust_digest("", 0, empty); /* as `b2sum -l 256 </dev/null` prints */
    assert_string_equal(empty, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    assert_string_not_equal(digest, other);
}

static void nobody_is_trusted_who_was_not(void **state)
{
    (void)state;
    check_denied(loop_trust_check(work, digest), "is not trusted");
    assert_false(lp_os_exists(list)); /* asking writes nothing */
}

static void trust_is_for_a_path_with_its_bytes(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *beside = lp_format("%s/other.yaml", folder);
    put(beside, "loop: 1\n", 0644);
    assert_null(loop_trust_give(work, digest));
    assert_null(loop_trust_check(work, digest));
    check_denied(loop_trust_check(work, other), "was changed since it was trusted on 2");
    check_denied(loop_trust_check(beside, digest), "is not trusted"); /* the same bytes */
    assert_null(loop_trust_give(work, other));                        /* in place of the first */
    assert_null(loop_trust_check(work, other));
    check_denied(loop_trust_check(work, digest), "was changed since");
}

static void what_was_given_can_be_listed_and_taken_back(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "with \"quotes\", : and \xc3\xa4"};
    char *files[LP_COUNT(names)];
    loop_trust_list *all;
    for (size_t i = 0; i < LP_COUNT(names); i++) {
        files[i] = lp_format("%s/%s", folder, names[i]);
        put(files[i], "", 0600);
        assert_null(loop_trust_give(files[i], i % 2 ? digest : other));
    }
    assert_null(loop_trust_list_open(&all));
    for (size_t i = 0; i < LP_COUNT(names); i++) {
        assert_string_equal(loop_trust_list_at(all, i)->path, files[i]);
        assert_string_equal(loop_trust_list_at(all, i)->digest, i % 2 ? digest : other);
        assert_int_equal(strlen(loop_trust_list_at(all, i)->since), 10);
    }
    assert_null(loop_trust_list_at(all, LP_COUNT(names)));
    loop_trust_list_delete(all);
    lp_os_remove(files[0]); /* also what is gone */
    assert_null(loop_trust_revoke(files[0]));
    loop_error *e = loop_trust_revoke(files[0]);
    assert_int_equal(loop_error_code(e), LOOP_NOT_FOUND);
    loop_error_delete(e);
    assert_null(loop_trust_check(files[1], digest)); /* the others stay */
    assert_null(loop_trust_give(work, digest));
    assert_null(loop_trust_revoke(folder)); /* by its folder */
    check_denied(loop_trust_check(work, digest), "is not trusted");
    for (size_t i = 0; i < LP_COUNT(names); i++)
        free(files[i]);
}

static void the_list_is_for_its_owner_alone(void **state)
{
    (void)state;
    struct stat st;
    assert_null(loop_trust_give(work, digest));
    assert_int_equal(stat(list, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    lp_auto(lp_free_string) char *above = lp_format("%s/config/loop", root);
    assert_int_equal(stat(above, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

/* What somebody else may have written does not count, for anybody. */
static void a_list_that_others_can_reach_is_refused(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *above = lp_format("%s/config/loop", root);
    lp_auto(lp_free_string) char *real = lp_format("%s/real", root);
    assert_null(loop_trust_give(work, digest));
    assert_int_equal(chmod(list, 0644), 0);
    check_denied(loop_trust_check(work, digest), "others can read it");
    check_denied(loop_trust_give(work, digest), "others can read it");
    assert_int_equal(chmod(list, 0602), 0);
    check_denied(loop_trust_check(work, digest), "others can write to");
    assert_int_equal(chmod(list, 0600), 0);
    assert_int_equal(chmod(above, 0777), 0);
    check_denied(loop_trust_check(work, digest), "others can write to");
    assert_int_equal(chmod(above, 0700), 0);
    assert_null(loop_trust_check(work, digest));
    assert_int_equal(rename(list, real), 0);
    assert_int_equal(symlink(real, list), 0);
    check_denied(loop_trust_check(work, digest), "is a symbolic link");
    if (geteuid() == 0) {
        assert_int_equal(unlink(list), 0);
        assert_int_equal(rename(real, list), 0);
        assert_int_equal(chown(list, 12345, 12345), 0);
        check_denied(loop_trust_check(work, digest), "belongs to another user");
    }
}

static void a_list_inside_of_the_workspace_is_refused(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *inside = lp_format("%s/config", folder);
    lp_auto(lp_free_string) char *beside = lp_format("%s/other.yaml", root);
    setenv("XDG_CONFIG_HOME", inside, 1);
    put(beside, "", 0600);
    check_denied(loop_trust_give(work, digest), "lies inside of the workspace");
    lp_auto(lp_free_string) char *above = lp_format("%s/loop", inside);
    lp_auto(lp_free_string) char *forged = lp_format("%s/trust.yaml", above);
    lp_auto(lp_free_string) char *text = lp_format(
        "loop: 1\ntrusted: [{ workspace: \"%s\", digest: \"%s\", since: \"2026-01-01\" }]\n", work,
        digest);
    assert_null(lp_os_mkdirs(above));
    put(forged, text, 0600);
    check_denied(loop_trust_check(work, digest), "lies inside of the workspace");
    setenv("XDG_CONFIG_HOME", "relative/is/no/place", 1);
    unsetenv("HOME");
    loop_error *e = loop_trust_check(work, digest);
    assert_int_equal(loop_error_code(e), LOOP_UNAVAILABLE);
    loop_error_delete(e);
}

/* Bytes that somebody else can replace are not worth trusting, nor is what lies beside them. */
static void a_workspace_that_others_can_change_is_refused(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *real = lp_format("%s/real", folder);
    assert_null(loop_trust_give(work, digest));
    assert_int_equal(chmod(work, 0666), 0);
    check_denied(loop_trust_check(work, digest), "others can write to");
    check_denied(loop_trust_give(work, digest), "others can write to");
    assert_int_equal(chmod(work, 0644), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    check_denied(loop_trust_check(work, digest), "others can write to");
    assert_int_equal(chmod(folder, 01777), 0); /* as /tmp: one may add, not change */
    assert_null(loop_trust_check(work, digest));
    assert_int_equal(rename(work, real), 0);
    assert_int_equal(symlink(real, work), 0);
    check_denied(loop_trust_check(work, digest), "is a symbolic link");
    check_denied(loop_trust_give(work, digest), "is a symbolic link");
    if (geteuid() == 0) {
        assert_int_equal(unlink(work), 0);
        assert_int_equal(rename(real, work), 0);
        assert_int_equal(chown(work, 12345, 12345), 0);
        check_denied(loop_trust_check(work, digest), "belongs to another user");
    }
}

static void a_group_of_others_may_not_write_and_ones_own_may(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can give a file to another group for sure */
    assert_null(loop_trust_give(work, digest));
    assert_int_equal(chmod(work, 0664), 0);
    assert_int_equal(chown(work, 0, 0), 0);
    assert_null(loop_trust_check(work, digest));
    assert_int_equal(chown(work, 0, 100), 0);
    check_denied(loop_trust_check(work, digest), "others can write to");
}

static void a_damaged_list_trusts_nobody(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "loop: 2\n",
        "- x\n",
        "loop: 1\ntrusted: x\n",
        "loop: 1\ntrusted: [x]\n",
        "loop: 1\ntrusted: [{ workspace: /a }]\n",
        "loop: 1\ntrusted: [{ workspace: /a, digest: 5, since: \"2026-01-01\" }]\n",
        "loop: 1\ntrusted: [{ workspace: a, digest: \"%s\", since: \"2026-01-01\" }]\n",
        "loop: 1\ntrusted: [{ workspace: /a, digest: \"%s\", since: never }]\n",
        "loop: 1\ntrusted: [{ workspace: /a, digest: \"%s\", since: \"2026-01-01\", x: y }]\n",
        "loop: 1\ntrusted: [{ workspace: \"%s\n",
    };
    assert_null(loop_trust_give(work, digest));
    for (size_t i = 0; i < LP_COUNT(texts); i++) {
        lp_buf text = {0};
        for (const char *p = texts[i]; *p; p++) {
            if (strncmp(p, "%s", 2) == 0)
                lp_buf_puts(&text, digest), p++;
            else
                lp_buf_add(&text, p, 1);
        }
        put(list, text.ptr, 0600);
        lp_buf_done(&text);
        loop_error *e = loop_trust_check(work, digest);
        if (loop_error_code(e) != LOOP_CONFIG)
            fail_msg("%s: %s", texts[i], e ? loop_error_message(e) : "trusted");
        loop_error_delete(e);
    }
    put(list, "", 0600); /* empty is not damaged */
    check_denied(loop_trust_check(work, digest), "is not trusted");
}

static void there_is_a_limit(void **state)
{
    (void)state;
    lp_buf text = {0};
    assert_null(loop_trust_give(work, digest));
    lp_buf_puts(&text, "loop: 1\ntrusted:\n");
    for (int i = 0; i < LP_MAX_TRUSTED; i++)
        lp_buf_printf(&text, "  - { workspace: /%d, digest: \"%s\", since: \"2026-01-01\" }\n", i,
                      digest);
    put(list, text.ptr, 0600);
    lp_buf_done(&text);
    loop_error *e = loop_trust_give(work, digest);
    assert_int_equal(loop_error_code(e), LOOP_LIMIT);
    loop_error_delete(e);
    assert_null(loop_trust_revoke("/7"));
    assert_null(loop_trust_give(work, digest));
    assert_null(loop_trust_check(work, digest));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_digest_is_blake2b_of_256_bits),
        TEST(nobody_is_trusted_who_was_not),
        TEST(trust_is_for_a_path_with_its_bytes),
        TEST(what_was_given_can_be_listed_and_taken_back),
        TEST(the_list_is_for_its_owner_alone),
        TEST(a_list_that_others_can_reach_is_refused),
        TEST(a_list_inside_of_the_workspace_is_refused),
        TEST(a_workspace_that_others_can_change_is_refused),
        TEST(a_group_of_others_may_not_write_and_ones_own_may),
        TEST(a_damaged_list_trusts_nobody),
        TEST(there_is_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
