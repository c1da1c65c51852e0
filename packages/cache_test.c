/*
 * packages/cache_test.c: the cache's promises, one after the other.
 *
 * A blob has its name only when it is whole and lasts: the order in which the system was asked to
 * write, sync and rename is written down (--wrap of the linker) and compared, since no test can
 * cut the power. What a power cut may leave, a partial file with anything in it, is put there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "packages/cache.h"

#define REGISTRY "oci:localhost:5000/"

/* ---- what the system was asked ---- */

static char asked[256];

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    struct stat st;
    if (fstat(fd, &st) == 0)
        strncat(asked, S_ISDIR(st.st_mode) ? " sync-folder" : " sync", 200 - strlen(asked));
    return __real_fsync(fd);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    strncat(asked, " rename", 200 - strlen(asked));
    return __real_rename(from, to);
}

/* ---- a cache in a folder of its own ---- */

struct world {
    char folder[64];
    lp_cache *cache;
};

static int set_up(void **state)
{
    struct world *w = lp_alloc(sizeof *w);
    strcpy(w->folder, "/tmp/loop-cache-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    lp_auto(lp_free_error) loop_error *e = lp_cache_open(w->folder, &w->cache);
    assert_null(e);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    lp_cache_close(w->cache);
    lp_auto(lp_free_string) char *command =
        lp_format("chmod -R u+w %s; rm -rf %s", w->folder, w->folder);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

static const char text[] = "what a registry has";

static void digest_of(const char *s, char ret[LOOP_SHA256_TEXT])
{
    lp_sha256_of(s, strlen(s), ret);
}

static void assert_code(loop_error *e, loop_code code)
{
    if (loop_error_code(e) != code)
        fail_msg("expected %d, got %d: %s", code, loop_error_code(e),
                 e ? loop_error_message(e) : "");
    loop_error_delete(e);
}

/* Begins, expecting `have` bytes from before. */
static lp_cache_writer *begin(struct world *w, const char *digest, uint64_t have)
{
    lp_cache_writer *writer;
    uint64_t there;
    assert_code(lp_cache_begin(w->cache, REGISTRY, digest, &writer, &there), LOOP_OK);
    assert_int_equal(there, have);
    return writer;
}

static void put(struct world *w, const char *s)
{
    char digest[LOOP_SHA256_TEXT];
    digest_of(s, digest);
    lp_cache_writer *writer = begin(w, digest, 0);
    assert_code(lp_cache_write(writer, s, strlen(s)), LOOP_OK);
    assert_code(lp_cache_commit(writer, strlen(s)), LOOP_OK);
}

static char *path_of(struct world *w, const char *what, const char *digest)
{
    return lp_cache_path(w->cache, REGISTRY, what, digest + 7);
}

static void overwrite(const char *path, const char *s)
{
    assert_int_equal(chmod(path, 0600), 0);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(s, 1, strlen(s), f), strlen(s));
    assert_int_equal(fclose(f), 0);
}

/* ---- in and out ---- */

static void what_came_is_there(void **state)
{
    struct world *w = *state;
    char digest[LOOP_SHA256_TEXT];
    char *path;
    digest_of(text, digest);
    assert_false(lp_cache_has(w->cache, REGISTRY, digest));
    assert_code(lp_cache_blob(w->cache, REGISTRY, digest, &path), LOOP_NOT_FOUND);
    put(w, text);
    assert_true(lp_cache_has(w->cache, REGISTRY, digest));
    assert_code(lp_cache_blob(w->cache, REGISTRY, digest, &path), LOOP_OK);
    uint8_t *bytes;
    size_t n;
    assert_code(lp_os_read_file(path, 100, &bytes, &n), LOOP_OK);
    assert_string_equal((char *)bytes, text);
    free(bytes);
    free(path);
    /* another registry has nothing by that */
    assert_code(lp_cache_blob(w->cache, "folder:/srv", digest, &path), LOOP_NOT_FOUND);
    assert_null(begin(w, digest, 0)); /* nothing to do */
}

static void an_empty_blob_is_a_blob(void **state)
{
    struct world *w = *state;
    char *path;
    put(w, "");
    assert_code(
        lp_cache_blob(w->cache, REGISTRY,
                      "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                      &path),
        LOOP_OK);
    free(path);
}

static void it_lasts_before_it_has_its_name(void **state)
{
    struct world *w = *state;
    char digest[LOOP_SHA256_TEXT];
    digest_of(text, digest);
    lp_cache_writer *writer = begin(w, digest, 0);
    assert_code(lp_cache_write(writer, text, strlen(text)), LOOP_OK);
    *asked = 0;
    assert_code(lp_cache_commit(writer, 0), LOOP_OK);
    assert_string_equal(asked, " sync rename sync-folder");
}

static void other_bytes_are_not_kept(void **state)
{
    struct world *w = *state;
    char digest[LOOP_SHA256_TEXT];
    digest_of(text, digest);
    lp_cache_writer *writer = begin(w, digest, 0);
    assert_code(lp_cache_write(writer, "what somebody else has", 22), LOOP_OK);
    assert_code(lp_cache_commit(writer, 22), LOOP_INVALID);
    writer = begin(w, digest, 0);
    assert_code(lp_cache_write(writer, text, strlen(text)), LOOP_OK);
    assert_code(lp_cache_commit(writer, strlen(text) + 1), LOOP_INVALID); /* a lying size */
    assert_false(lp_cache_has(w->cache, REGISTRY, digest));
    put(w, text);
}

static void a_transfer_goes_on(void **state)
{
    struct world *w = *state;
    char digest[LOOP_SHA256_TEXT];
    digest_of(text, digest);
    lp_cache_writer *writer = begin(w, digest, 0);
    assert_code(lp_cache_write(writer, text, 5), LOOP_OK);
    lp_cache_abandon(writer);
    loop_cache_info info;
    lp_cache_info(w->cache, &info);
    assert_int_equal(info.partial, 1);
    writer = begin(w, digest, 5);
    assert_code(lp_cache_write(writer, text + 5, strlen(text) - 5), LOOP_OK);
    assert_code(lp_cache_commit(writer, strlen(text)), LOOP_OK);
    assert_true(lp_cache_has(w->cache, REGISTRY, digest));
    lp_cache_info(w->cache, &info);
    assert_int_equal(info.partial, 0);
}

/* A file of the size that was written, whose bytes never reached the disk. */
static void what_a_power_cut_leaves_is_no_blob(void **state)
{
    struct world *w = *state;
    char digest[LOOP_SHA256_TEXT];
    digest_of(text, digest);
    lp_cache_writer *writer = begin(w, digest, 0);
    assert_code(lp_cache_write(writer, "what\0\0\0\0\0", 9), LOOP_OK);
    lp_cache_abandon(writer);
    writer = begin(w, digest, 9);
    assert_code(lp_cache_write(writer, text + 9, strlen(text) - 9), LOOP_OK);
    assert_code(lp_cache_commit(writer, strlen(text)), LOOP_INVALID);
    put(w, text); /* from its beginning */
    /* and one that was cut off by a registry which cannot start there */
    digest_of("other", digest);
    writer = begin(w, digest, 0);
    assert_code(lp_cache_write(writer, "oth", 3), LOOP_OK);
    lp_cache_abandon(writer);
    writer = begin(w, digest, 3);
    assert_code(lp_cache_restart(writer), LOOP_OK);
    assert_code(lp_cache_write(writer, "other", 5), LOOP_OK);
    assert_code(lp_cache_commit(writer, 5), LOOP_OK);
}

/* ---- damage ---- */

static void a_damaged_blob_is_set_aside(void **state)
{
    struct world *w = *state;
    char digest[LOOP_SHA256_TEXT];
    char *found;
    digest_of(text, digest);
    put(w, text);
    lp_auto(lp_free_string) char *path = path_of(w, "blobs", digest);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0400);
    overwrite(path, "what a registry haz");
    loop_error *e = lp_cache_blob(w->cache, REGISTRY, digest, &found);
    assert_non_null(strstr(loop_error_hint(e), "/damaged/"));
    assert_code(e, LOOP_INVALID);
    assert_code(lp_cache_blob(w->cache, REGISTRY, digest, &found), LOOP_NOT_FOUND);
    put(w, text); /* as it was */
    assert_code(lp_cache_blob(w->cache, REGISTRY, digest, &found), LOOP_OK);
    free(found);
    overwrite(path, ""); /* whoever begins finds it out, too */
    lp_cache_writer *writer = begin(w, digest, 0);
    assert_non_null(writer);
    lp_cache_abandon(writer);
}

static void verify_names_and_repairs(void **state)
{
    struct world *w = *state;
    char digest[LOOP_SHA256_TEXT];
    put(w, "one");
    put(w, "two");
    digest_of("two", digest);
    lp_auto(lp_free_string) char *path = path_of(w, "blobs", digest);
    loop_package_list *list = lp_package_list_new();
    assert_code(lp_cache_verify(w->cache, false, list), LOOP_OK);
    assert_null(loop_package_list_at(list, 0));
    overwrite(path, "TWO");
    assert_code(lp_cache_verify(w->cache, false, list), LOOP_OK);
    assert_string_equal(loop_package_list_at(list, 0)->content, digest);
    assert_string_equal(loop_package_list_at(list, 0)->path, path);
    assert_null(loop_package_list_at(list, 1));
    assert_true(lp_cache_has(w->cache, REGISTRY, digest));
    lp_auto(lp_free_string) char *damaged = lp_cache_path(w->cache, REGISTRY, "damaged", NULL);
    assert_null(lp_os_create_private(damaged)); /* in the way of the folder */
    assert_code(lp_cache_verify(w->cache, true, list), LOOP_IO);
    assert_true(lp_cache_has(w->cache, REGISTRY, digest));
    assert_int_equal(unlink(damaged), 0);
    assert_code(lp_cache_verify(w->cache, true, list), LOOP_OK);
    assert_non_null(loop_package_list_at(list, 1));
    assert_false(lp_cache_has(w->cache, REGISTRY, digest));
    loop_package_list_delete(list);
}

static void clean_leaves_what_is_used(void **state)
{
    struct world *w = *state;
    char old[LOOP_SHA256_TEXT], new[LOOP_SHA256_TEXT];
    uint64_t bytes;
    char *path;
    put(w, "old");
    put(w, "newer");
    digest_of("old", old);
    digest_of("newer", new);
    const struct timeval long_ago[2] = {{1000000000, 0}, {1000000000, 0}};
    lp_auto(lp_free_string) char *old_path = path_of(w, "blobs", old);
    lp_auto(lp_free_string) char *new_path = path_of(w, "blobs", new);
    assert_int_equal(utimes(old_path, long_ago), 0);
    assert_int_equal(utimes(new_path, long_ago), 0);
    assert_code(lp_cache_blob(w->cache, REGISTRY, new, &path), LOOP_OK); /* which is noted */
    free(path);
    assert_code(lp_cache_clean(w->cache, 7, &bytes), LOOP_OK);
    assert_int_equal(bytes, 3);
    assert_false(lp_cache_has(w->cache, REGISTRY, old));
    assert_true(lp_cache_has(w->cache, REGISTRY, new));
    /* everything, but for what somebody writes just now */
    digest_of("third", old);
    lp_cache_writer *writer = begin(w, old, 0);
    assert_code(lp_cache_write(writer, "thi", 3), LOOP_OK);
    assert_code(lp_cache_clean(w->cache, 0, &bytes), LOOP_OK);
    assert_int_equal(bytes, 5);
    assert_code(lp_cache_write(writer, "rd", 2), LOOP_OK);
    assert_code(lp_cache_commit(writer, 5), LOOP_OK);
    assert_true(lp_cache_has(w->cache, REGISTRY, old));
}

/* ---- who else is there ---- */

static bool give_up(void *data)
{
    return ++*(int *)data > 2;
}

struct late {
    struct world *w;
    lp_cache_writer *writer;
};

static void finish_late(void *data)
{
    struct late *l = data;
    lp_os_sleep_ms(100);
    assert_code(lp_cache_write(l->writer, text, strlen(text)), LOOP_OK);
    assert_code(lp_cache_commit(l->writer, strlen(text)), LOOP_OK);
}

static void one_writes_and_others_wait(void **state)
{
    struct world *w = *state;
    char digest[LOOP_SHA256_TEXT];
    digest_of(text, digest);
    struct late late = {w, begin(w, digest, 0)};
    lp_cache *other;
    lp_cache_writer *writer = late.writer;
    uint64_t have;
    int times = 0;
    assert_code(lp_cache_open(w->folder, &other), LOOP_OK);
    lp_cache_on_wait(other, give_up, &times);
    assert_code(lp_cache_begin(other, REGISTRY, digest, &writer, &have), LOOP_CANCELLED);
    assert_int_equal(times, 3);
    lp_cache_on_wait(other, NULL, NULL);
    lp_os_thread *thread;
    assert_code(lp_os_thread_start(finish_late, &late, 0, &thread), LOOP_OK);
    assert_code(lp_cache_begin(other, REGISTRY, digest, &writer, &have), LOOP_OK);
    assert_null(writer); /* it came while this one waited */
    lp_os_thread_join(thread);
    lp_cache_close(other);
    loop_cache_info info;
    lp_cache_info(w->cache, &info);
    assert_int_equal(info.partial, 0);
    assert_int_equal(info.blobs, 1);
}

/* Who waited for a file that has another name by now must not write into it. */
static void a_lock_is_of_the_name(void **state)
{
    struct world *w = *state;
    lp_os_writer *first, *second;
    lp_auto(lp_free_string) char *path = lp_format("%s/x", w->folder);
    lp_auto(lp_free_string) char *other = lp_format("%s/y", w->folder);
    assert_code(lp_os_writer_open(path, true, &first), LOOP_OK);
    assert_true(lp_os_writer_lock(first));
    assert_code(lp_os_writer_open(path, true, &second), LOOP_OK);
    assert_false(lp_os_writer_lock(second)); /* it is the first one's */
    assert_code(lp_os_writer_add(first, "abc", 3), LOOP_OK);
    assert_code(lp_os_rename(path, other, 0), LOOP_OK);
    lp_os_writer_close(first);
    assert_false(lp_os_writer_lock(second)); /* free, but it is 'y' now */
    lp_os_writer_close(second);
    assert_code(lp_os_writer_open(other, true, &second), LOOP_OK);
    assert_true(lp_os_writer_lock(second));
    assert_int_equal(lp_os_writer_size(second), 3);
    lp_os_writer_close(second);
}

static void what_others_can_write_is_not_used(void **state)
{
    struct world *w = *state;
    lp_cache *other;
    put(w, text);
    lp_auto(lp_free_string) char *root = lp_format("%s/packages", w->folder);
    assert_int_equal(chmod(root, 0777), 0);
    assert_code(lp_cache_open(w->folder, &other), LOOP_DENIED);
    lp_cache_writer *writer;
    uint64_t have;
    assert_code(
        lp_cache_begin(w->cache, REGISTRY,
                       "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                       &writer, &have),
        LOOP_DENIED);
}

static void only_digests_are_names(void **state)
{
    struct world *w = *state;
    lp_cache_writer *writer;
    uint64_t have;
    static const char *const wrong[] = {
        "", "sha256:", "sha256:../../../../x", "sha512:aa",
        "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"};
    for (size_t i = 0; i < LP_COUNT(wrong); i++)
        assert_code(lp_cache_begin(w->cache, REGISTRY, wrong[i], &writer, &have), LOOP_INVALID);
}

static void too_much_is_refused(void **state)
{
    struct world *w = *state;
    char digest[LOOP_SHA256_TEXT];
    digest_of(text, digest);
    lp_cache_writer *writer = begin(w, digest, 0);
    assert_code(lp_cache_write(writer, text, LP_MAX_PACKAGE_BYTES + 1ull), LOOP_LIMIT);
    lp_cache_abandon(writer);
}

/* ---- notes ---- */

static void notes_have_an_age(void **state)
{
    struct world *w = *state;
    uint8_t *bytes;
    size_t n;
    uint64_t age;
    assert_code(lp_cache_noted(w->cache, REGISTRY, "acme:ui", &bytes, &n, &age), LOOP_OK);
    assert_null(bytes);
    assert_code(lp_cache_note(w->cache, REGISTRY, "acme:ui", "{}", 2), LOOP_OK);
    assert_code(lp_cache_noted(w->cache, REGISTRY, "acme:ui", &bytes, &n, &age), LOOP_OK);
    assert_string_equal((char *)bytes, "{}");
    assert_true(age < 60);
    free(bytes);
    assert_code(lp_cache_noted(w->cache, REGISTRY, "acme:u", &bytes, &n, &age), LOOP_OK);
    assert_null(bytes);
    assert_code(lp_cache_noted(w->cache, "folder:/srv", "acme:ui", &bytes, &n, &age), LOOP_OK);
    assert_null(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        TEST(what_came_is_there),
        TEST(an_empty_blob_is_a_blob),
        TEST(it_lasts_before_it_has_its_name),
        TEST(other_bytes_are_not_kept),
        TEST(a_transfer_goes_on),
        TEST(what_a_power_cut_leaves_is_no_blob),
        TEST(a_damaged_blob_is_set_aside),
        TEST(verify_names_and_repairs),
        TEST(clean_leaves_what_is_used),
        TEST(one_writes_and_others_wait),
        TEST(a_lock_is_of_the_name),
        TEST(what_others_can_write_is_not_used),
        TEST(only_digests_are_names),
        TEST(too_much_is_refused),
        TEST(notes_have_an_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
