/*
 * providers/storage/storage_test.c: what wit/storage/store.wit promises, for every engine.
 *
 * One table of promises, run over each kind of store: a promise that one engine keeps in
 * another way than the next fails here. What an engine promises beyond (files, crashes) is
 * tested beside it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/os/os.h"
#include "providers/storage/fixture_test.h"

enum { ALWAYS, ABSENT, UNCHANGED };
enum { SET, DELETE, KEEP };

/* ---- one key ---- */

static void a_write_is_there_for_the_next_read(void **state)
{
    fixture *f = *state;
    assert_null(value_of(f, "k"));
    set(f, "k", "one");
    assert_string_equal(value_of(f, "k"), "one");
    set(f, "k", "two");
    assert_string_equal(value_of(f, "k"), "two");
    fixture_reopen(f); /* which memory does not outlive, and fixture_reopen leaves alone */
    assert_string_equal(value_of(f, "k"), "two");
}

static void a_set_answers_with_the_version_that_a_get_shows(void **state)
{
    fixture *f = *state;
    const char *version = set(f, "k", "v");
    assert_string_equal(version_of(f, "k"), version);
    assert_in_range(strlen(version), 1, 64);
    for (const char *p = version; *p; p++)
        assert_in_range(*p, 33, 126);
}

/* The same bytes, a delete between, a new start of the store: never the same version. */
static void no_version_comes_twice(void **state)
{
    fixture *f = *state;
    enum { ROUNDS = 60 };
    const char *seen[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        bool was;
        seen[i] = set(f, "k", "v");
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(seen[i], seen[j]);
        if (i % 3 == 1)
            assert_null(lp_store_delete(f->store, &f->who, BUCKET, bytes_of("k"), &was));
        if (i % 7 == 2)
            fixture_reopen(f);
    }
}

static void a_read_does_not_change_a_version(void **state)
{
    fixture *f = *state;
    const char *version = set(f, "k", "v");
    set(f, "other", "v");
    fixture_reopen(f);
    assert_string_equal(version_of(f, "k"), version);
    assert_string_not_equal(version_of(f, "other"), version);
}

static void a_delete_says_whether_the_key_was_there(void **state)
{
    fixture *f = *state;
    bool was = true;
    assert_null(lp_store_delete(f->store, &f->who, BUCKET, bytes_of("k"), &was));
    assert_false(was);
    set(f, "k", "");
    assert_string_equal(value_of(f, "k"), "");
    assert_null(lp_store_delete(f->store, &f->who, BUCKET, bytes_of("k"), &was));
    assert_true(was);
    assert_null(value_of(f, "k"));
}

static void a_key_is_any_bytes(void **state)
{
    fixture *f = *state;
    static const uint8_t keys[][3] = {{0, 0, 0}, {0, 255, 1}, {255, 255, 255}, {'a', 0, 'b'}};
    loop_string version;
    for (uint8_t i = 0; i < 4; i++)
        assert_null(lp_store_set(f->store, &f->who, BUCKET, (loop_list_u8){keys[i], 3},
                                 (loop_list_u8){&i, 1}, &version));
    for (uint8_t i = 0; i < 4; i++) {
        option_entry e = {0};
        assert_null(lp_store_get(f->store, &f->who, BUCKET, (loop_list_u8){keys[i], 3}, &e));
        assert_true(e.is_some && e.value.value.len == 1 && e.value.value.ptr[0] == i);
    }
}

/* ---- limits ---- */

static void a_key_has_1_to_1024_bytes(void **state)
{
    fixture *f = *state;
    loop_string version;
    bool was;
    option_entry e = {0};
    loop_list_u8 good = fill(f, 1024, 'k'), bad[] = {{NULL, 0}, fill(f, 1025, 'k')};
    assert_null(lp_store_set(f->store, &f->who, BUCKET, good, bytes_of("v"), &version));
    assert_null(lp_store_get(f->store, &f->who, BUCKET, good, &e));
    assert_true(e.is_some);
    for (size_t i = 0; i < 2; i++) {
        loop_list_u8 k = bad[i];
        operation o = {.key = k, .change.tag = KEEP};
        loop_storage_store_outcome outcome;
        loop_storage_store_batch_outcome batch;
        loop_storage_store_list_option_entry many;
        loop_storage_store_key_page keys;
        loop_storage_store_option_key cursor = {true, k};
        assert_code(lp_store_get(f->store, &f->who, BUCKET, k, &e), LOOP_INVALID);
        assert_code(lp_store_get_many(f->store, &f->who, BUCKET,
                                      (loop_storage_store_list_key){&k, 1}, &many),
                    LOOP_INVALID);
        assert_code(lp_store_set(f->store, &f->who, BUCKET, k, bytes_of("v"), &version),
                    LOOP_INVALID);
        assert_code(lp_store_delete(f->store, &f->who, BUCKET, k, &was), LOOP_INVALID);
        assert_code(lp_store_swap(f->store, &f->who, BUCKET, &o, &outcome), LOOP_INVALID);
        assert_code(lp_store_apply(f->store, &f->who, BUCKET,
                                   (loop_storage_store_list_operation){&o, 1}, &batch),
                    LOOP_INVALID);
        assert_code(lp_store_list(f->store, &f->who, BUCKET, bytes_of(""), &cursor, 0, &keys),
                    LOOP_INVALID);
    }
    assert_int_equal(used(f), 1025);
}

static void a_value_has_at_most_16_MiB(void **state)
{
    fixture *f = *state;
    loop_list_u8 big = fill(f, (16 << 20) + 1, 'v'), most = {big.ptr, 16 << 20};
    loop_string version;
    option_entry e = {0};
    assert_null(lp_store_set(f->store, &f->who, BUCKET, bytes_of("k"), most, &version));
    assert_code(lp_store_set(f->store, &f->who, BUCKET, bytes_of("k"), big, &version),
                LOOP_INVALID);
    assert_null(lp_store_get(f->store, &f->who, BUCKET, bytes_of("k"), &e));
    assert_int_equal(e.value.value.len, most.len);
    assert_memory_equal(e.value.value.ptr, most.ptr, most.len);
}

static void a_bucket_name_has_1_to_64_of_its_bytes(void **state)
{
    (void)state;
    char name[66];
    memset(name, 'n', sizeof name);
    static const char *const good[] = {"a", "0", ".", "..", "-_.", "a-z.0_9"};
    static const char *const bad[] = {"", "A", "a b", "a/b", "\xc3\xa4", "a:b"};
    for (size_t i = 0; i < LP_COUNT(good); i++)
        assert_null(lp_store_name_check(loop_string_of(good[i])));
    for (size_t i = 0; i < LP_COUNT(bad); i++)
        assert_code(lp_store_name_check(loop_string_of(bad[i])), LOOP_INVALID);
    assert_null(lp_store_name_check((loop_string){name, 64}));
    assert_code(lp_store_name_check((loop_string){name, 65}), LOOP_INVALID);
    assert_code(lp_store_name_check((loop_string){"a\0b", 3}), LOOP_INVALID);
}

/* ---- many keys ---- */

static void get_many_answers_in_the_order_asked_for(void **state)
{
    fixture *f = *state;
    set(f, "a", "1");
    set(f, "b", "2");
    loop_list_u8 keys[] = {bytes_of("b"), bytes_of("none"), bytes_of("a"), bytes_of("b")};
    loop_storage_store_list_option_entry many = {0};
    assert_null(lp_store_get_many(f->store, &f->who, BUCKET, (loop_storage_store_list_key){keys, 4},
                                  &many));
    assert_int_equal(many.len, 4);
    assert_true(many.ptr[0].is_some && many.ptr[0].value.value.ptr[0] == '2');
    assert_false(many.ptr[1].is_some);
    assert_true(many.ptr[2].is_some && many.ptr[2].value.value.ptr[0] == '1');
    assert_true(many.ptr[3].is_some && many.ptr[3].value.version.len);
    assert_null(lp_store_get_many(f->store, &f->who, BUCKET, (loop_storage_store_list_key){NULL, 0},
                                  &many));
    assert_int_equal(many.len, 0);
}

static void get_many_takes_1024_keys_and_32_MiB(void **state)
{
    fixture *f = *state;
    loop_list_u8 keys[1025];
    loop_string version;
    loop_storage_store_list_option_entry many = {0};
    for (size_t i = 0; i < 1025; i++)
        keys[i] = bytes_of("k");
    loop_storage_store_list_key all = {keys, 1025}, most = {keys, 1024};
    assert_code(lp_store_get_many(f->store, &f->who, BUCKET, all, &many), LOOP_INVALID);
    assert_null(
        lp_store_set(f->store, &f->who, BUCKET, bytes_of("k"), fill(f, 32 << 10, 'v'), &version));
    assert_null(lp_store_get_many(f->store, &f->who, BUCKET, most, &many));
    assert_int_equal(many.len, 1024);
    assert_null(lp_store_set(f->store, &f->who, BUCKET, bytes_of("k"), fill(f, (32 << 10) + 1, 'v'),
                             &version));
    assert_code(lp_store_get_many(f->store, &f->who, BUCKET, most, &many), LOOP_LIMIT);
}

/* ---- conditions ---- */

static void a_change_happens_where_its_condition_holds(void **state)
{
    fixture *f = *state;
    static const struct {
        bool there;
        uint8_t condition;
        bool right; /* the version asked for */
        uint8_t change;
        bool applied;
        bool there_after;
    } rows[] = {
        {false, ALWAYS, 0, SET, true, true},
        {false, ALWAYS, 0, DELETE, true, false},
        {false, ALWAYS, 0, KEEP, true, false},
        {false, ABSENT, 0, SET, true, true},
        {false, ABSENT, 0, DELETE, true, false},
        {false, ABSENT, 0, KEEP, true, false},
        {false, UNCHANGED, 0, SET, false, false},
        {false, UNCHANGED, 0, KEEP, false, false},
        {true, ALWAYS, 0, SET, true, true},
        {true, ALWAYS, 0, DELETE, true, false},
        {true, ALWAYS, 0, KEEP, true, true},
        {true, ABSENT, 0, SET, false, true},
        {true, ABSENT, 0, DELETE, false, true},
        {true, ABSENT, 0, KEEP, false, true},
        {true, UNCHANGED, false, SET, false, true},
        {true, UNCHANGED, true, SET, true, true},
        {true, UNCHANGED, true, DELETE, true, false},
        {true, UNCHANGED, true, KEEP, true, true},
        {true, UNCHANGED, false, DELETE, false, true},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        char key[16];
        snprintf(key, sizeof key, "k%zu", i);
        const char *old = rows[i].there ? set(f, key, "old") : NULL;
        operation o =
            op(key, rows[i].condition, rows[i].right ? old : "not-this", rows[i].change, "new");
        loop_storage_store_outcome r = {0};
        assert_null(lp_store_swap(f->store, &f->who, BUCKET, &o, &r));
        assert_int_equal(r.tag == LOOP_STORAGE_STORE_OUTCOME_APPLIED, rows[i].applied);
        const char *now = version_of(f, key);
        assert_int_equal(now != NULL, rows[i].there_after);
        assert_int_equal(r.of.applied.is_some, now != NULL);
        if (now)
            assert_true(loop_string_is(r.of.applied.value, now));
        if (!rows[i].applied && old)
            assert_string_equal(now, old);
        if (rows[i].applied && rows[i].change == SET)
            assert_string_equal(value_of(f, key), "new");
        if (now && rows[i].change == KEEP)
            assert_string_equal(now, old);
    }
}

static void a_version_over_64_bytes_is_invalid(void **state)
{
    fixture *f = *state;
    char version[66];
    memset(version, 'x', 65);
    version[65] = 0;
    set(f, "k", "v");
    operation o = op("k", UNCHANGED, version, DELETE, NULL);
    loop_storage_store_outcome r;
    assert_code(lp_store_swap(f->store, &f->who, BUCKET, &o, &r), LOOP_INVALID);
    o.condition.of.unchanged.len = 64;
    assert_null(lp_store_swap(f->store, &f->who, BUCKET, &o, &r));
    assert_int_equal(r.tag, LOOP_STORAGE_STORE_OUTCOME_CONFLICT);
    o.condition.of.unchanged = loop_string_of("");
    assert_null(lp_store_swap(f->store, &f->who, BUCKET, &o, &r));
    assert_int_equal(r.tag, LOOP_STORAGE_STORE_OUTCOME_CONFLICT);
}

/* ---- batches ---- */

static void a_batch_changes_all_or_nothing(void **state)
{
    fixture *f = *state;
    set(f, "there", "old");
    set(f, "gone", "old");
    uint64_t before = used(f);
    operation good[] = {op("new", ABSENT, NULL, SET, "1"), op("gone", ALWAYS, NULL, DELETE, NULL),
                        op("none", ALWAYS, NULL, DELETE, NULL),
                        op("there", UNCHANGED, version_of(f, "there"), KEEP, NULL)};
    operation bad[] = {op("new", ABSENT, NULL, SET, "1"), op("there", ABSENT, NULL, SET, "2"),
                       op("gone", ALWAYS, NULL, DELETE, NULL),
                       op("none", UNCHANGED, "1", KEEP, NULL)};
    loop_storage_store_batch_outcome r = {0};
    assert_null(
        lp_store_apply(f->store, &f->who, BUCKET, (loop_storage_store_list_operation){bad, 4}, &r));
    assert_int_equal(r.tag, LOOP_STORAGE_STORE_BATCH_OUTCOME_CONFLICT);
    assert_int_equal(r.of.conflict.len, 2);
    assert_int_equal(r.of.conflict.ptr[0], 1);
    assert_int_equal(r.of.conflict.ptr[1], 3);
    assert_string_equal(page(f, "", NULL, 0), "gone there");
    assert_int_equal(used(f), before);
    assert_null(lp_store_apply(f->store, &f->who, BUCKET,
                               (loop_storage_store_list_operation){good, 4}, &r));
    assert_int_equal(r.tag, LOOP_STORAGE_STORE_BATCH_OUTCOME_APPLIED);
    assert_int_equal(r.of.applied.len, 4);
    assert_true(r.of.applied.ptr[0].is_some && !r.of.applied.ptr[1].is_some &&
                !r.of.applied.ptr[2].is_some && r.of.applied.ptr[3].is_some);
    assert_true(loop_string_is(r.of.applied.ptr[0].value, version_of(f, "new")));
    assert_true(loop_string_is(r.of.applied.ptr[3].value, version_of(f, "there")));
    assert_string_equal(page(f, "", NULL, 0), "new there");
}

static loop_error *apply(fixture *f, operation *o, size_t n)
{
    loop_storage_store_batch_outcome r = {0};
    return lp_store_apply(f->store, &f->who, BUCKET, (loop_storage_store_list_operation){o, n}, &r);
}

static void a_batch_names_a_key_once(void **state)
{
    fixture *f = *state;
    operation twice[] = {op("a", ALWAYS, NULL, SET, "1"), op("b", ALWAYS, NULL, SET, "2"),
                         op("a", ALWAYS, NULL, KEEP, NULL)};
    assert_code(apply(f, twice, 3), LOOP_INVALID);
    assert_string_equal(page(f, "", NULL, 0), "");
    assert_null(apply(f, twice, 2));
    assert_null(apply(f, twice, 0));
}

static void a_batch_has_1024_keys_and_32_MiB(void **state)
{
    fixture *f = *state;
    operation *all = lp_arena_alloc(&f->arena, 1025 * sizeof *all);
    for (size_t i = 0; i < 1025; i++) {
        char *key = lp_arena_alloc(&f->arena, 8);
        snprintf(key, 8, "%04zu", i);
        all[i] = op(key, ALWAYS, NULL, SET, "v");
    }
    assert_code(apply(f, all, 1025), LOOP_INVALID);
    assert_int_equal(used(f), 0);
    assert_null(apply(f, all, 1024));
    assert_int_equal(used(f), 1024 * 5);
    loop_list_u8 most = fill(f, 16 << 20, 'v');
    all[0].change.of.set = all[1].change.of.set = most;
    all[2].change.of.set.len = 0;
    assert_null(apply(f, all, 3));
    assert_code(apply(f, all, 4), LOOP_INVALID);
    assert_int_equal(used(f), 1024 * 5 + 2 * ((16 << 20) - 1) - 1);
}

/* ---- pages ---- */

static void keys_come_in_the_order_of_unsigned_bytes(void **state)
{
    fixture *f = *state;
    static const char *const keys[] = {"b", "a", "ab", "\xff", "B", "\x80", "a\x01", "\x7f"};
    for (size_t i = 0; i < LP_COUNT(keys); i++)
        set(f, keys[i], "v");
    assert_string_equal(page(f, "", NULL, 0), "B a a\x01 ab b \x7f \x80 \xff");
}

static void a_page_begins_after_its_cursor(void **state)
{
    fixture *f = *state;
    static const char *const keys[] = {"a", "aa", "ab", "b", "ba", "c", "\xff", "\xff\xff"};
    for (size_t i = 0; i < LP_COUNT(keys); i++)
        set(f, keys[i], "v");
    static const struct {
        const char *prefix, *cursor;
        uint32_t limit;
        const char *page;
    } rows[] = {
        {"", NULL, 3, "a aa ab+"},
        {"", "ab", 3, "b ba c+"},
        {"", "c", 3, "\xff \xff\xff"},
        {"", "\xff\xff", 3, ""},
        {"", NULL, 8, "a aa ab b ba c \xff \xff\xff"},
        {"", NULL, 7, "a aa ab b ba c \xff+"},
        {"a", NULL, 0, "a aa ab"},
        {"a", NULL, 3, "a aa ab"},
        {"a", NULL, 2, "a aa+"},
        {"a", "aa", 2, "ab"},
        {"a", "A", 0, "a aa ab"},
        {"a", "b", 0, ""},
        {"b", "a", 0, "b ba"},
        {"a", "a", 1, "aa+"},
        {"", "aaa", 2, "ab b+"},
        {"\xff", NULL, 0, "\xff \xff\xff"},
        {"\xff", "\xff", 0, "\xff\xff"},
        {"zz", NULL, 0, ""},
        {"a", NULL, 4000000000u, "a aa ab"},
    };
    for (size_t i = 0; i < LP_COUNT(rows); i++)
        assert_string_equal(page(f, rows[i].prefix, rows[i].cursor, rows[i].limit), rows[i].page);
}

static void a_page_has_at_most_1024_keys(void **state)
{
    fixture *f = *state;
    for (size_t from = 0; from < 1500; from += 500) {
        operation o[500];
        for (size_t i = 0; i < 500; i++) {
            char *key = lp_arena_alloc(&f->arena, 8);
            snprintf(key, 8, "%04zu", from + i);
            o[i] = op(key, ALWAYS, NULL, SET, "");
        }
        assert_null(apply(f, o, 500));
    }
    static const uint32_t limits[] = {0, 1024, 1025, UINT32_MAX};
    for (size_t i = 0; i < 4; i++) {
        const char *text = page(f, "", NULL, limits[i]);
        assert_int_equal(strlen(text), 1024 * 5);
        assert_string_equal(text + 1023 * 5, "1023+");
    }
    assert_int_equal(strlen(page(f, "", "1023", 0)), (1500 - 1024) * 5 - 1);
}

static void a_prefix_that_no_key_can_have_has_an_empty_page(void **state)
{
    fixture *f = *state;
    set(f, "k", "v");
    loop_storage_store_option_key none = {0};
    loop_storage_store_key_page p = {0};
    assert_null(lp_store_list(f->store, &f->who, BUCKET, fill(f, 1025, 'k'), &none, 0, &p));
    assert_int_equal(p.keys.len, 0);
    assert_false(p.cursor.is_some);
    assert_null(lp_store_list(f->store, &f->who, BUCKET, fill(f, 1024, 255), &none, 0, &p));
    assert_int_equal(p.keys.len, 0);
}

/* Keys come and go between pages, the cursor's among them. */
static void a_key_that_lives_throughout_comes_exactly_once(void **state)
{
    fixture *f = *state;
    enum { KEYS = 200 };
    char key[KEYS][8];
    unsigned came[KEYS] = {0};
    for (size_t i = 0; i < KEYS; i++) {
        snprintf(key[i], sizeof key[i], "%03zu", i);
        set(f, key[i], "v");
    }
    loop_storage_store_option_key cursor = {0};
    bool was;
    for (unsigned round = 0;; round++) {
        loop_storage_store_key_page p = {0};
        assert_null(lp_store_list(f->store, &f->who, BUCKET, bytes_of(""), &cursor, 7, &p));
        for (size_t i = 0; i < p.keys.len; i++) {
            char name[8];
            snprintf(name, sizeof name, "%.*s", (int)p.keys.ptr[i].len,
                     (const char *)p.keys.ptr[i].ptr);
            came[strtoul(name, NULL, 10)]++;
        }
        if (!p.cursor.is_some)
            break;
        cursor = p.cursor; /* odd ones come and go; the last of a page goes */
        unsigned last = (unsigned)strtoul((const char *)p.cursor.value.ptr, NULL, 10);
        if (last % 2)
            assert_null(lp_store_delete(f->store, &f->who, BUCKET, p.cursor.value, &was));
        unsigned other = (round * 37) % KEYS | 1;
        assert_null(lp_store_delete(f->store, &f->who, BUCKET, bytes_of(key[other]), &was));
        set(f, key[(round * 53) % KEYS | 1], "again");
    }
    for (size_t i = 0; i < KEYS; i++)
        assert_in_range(came[i], i % 2 ? 0 : 1, 1);
}

/* ---- buckets ---- */

static const char *buckets(fixture *f)
{
    loop_list_string names = {0};
    assert_null(f->store->engine->buckets(f->store, &f->who, &names));
    lp_buf b = {0};
    for (size_t i = 0; i < names.len; i++)
        lp_buf_printf(&b, "%s%.*s", i ? " " : "", (int)names.ptr[i].len, names.ptr[i].ptr);
    const char *text = lp_arena_strndup(&f->arena, b.ptr ? b.ptr : "", b.len);
    lp_buf_done(&b);
    return text;
}

static void buckets_are_those_that_hold_a_key(void **state)
{
    fixture *f = *state;
    static const char *const names[] = {"b", "a.b", "-", "z", "a"};
    loop_string version;
    bool was;
    assert_string_equal(buckets(f), "");
    for (size_t i = 0; i < LP_COUNT(names); i++)
        assert_null(lp_store_set(f->store, &f->who, lp_str_of(names[i]), bytes_of("k"),
                                 bytes_of(names[i]), &version));
    assert_string_equal(buckets(f), "- a a.b b z");
    assert_string_equal(value_of(f, "k"), "b");
    assert_null(lp_store_delete(f->store, &f->who, LP_STR("a"), bytes_of("k"), &was));
    assert_null(lp_store_delete(f->store, &f->who, LP_STR("q"), bytes_of("k"), &was));
    assert_string_equal(buckets(f), "- a.b b z");
    operation keep = op("k", ALWAYS, NULL, KEEP, NULL);
    loop_storage_store_outcome r;
    assert_null(lp_store_swap(f->store, &f->who, LP_STR("y"), &keep, &r));
    assert_string_equal(buckets(f), "- a.b b z");
}

static void a_bucket_is_private_to_its_identity(void **state)
{
    fixture *f = *state;
    set(f, "k", "of a");
    f->who.identity = "ab";
    assert_null(value_of(f, "k"));
    assert_string_equal(page(f, "", NULL, 0), "");
    assert_string_equal(buckets(f), "");
    assert_int_equal(used(f), 0);
    set(f, "k", "of ab");
    bool was;
    assert_null(lp_store_delete(f->store, &f->who, BUCKET, bytes_of("k"), &was));
    f->who.identity = "a";
    assert_string_equal(value_of(f, "k"), "of a");
    assert_int_equal(used(f), 5);
}

/* ---- quota ---- */

static void usage_counts_keys_and_values(void **state)
{
    fixture *f = *state;
    bool was;
    loop_string version;
    assert_int_equal(used(f), 0);
    set(f, "key", "value");
    assert_int_equal(used(f), 8);
    set(f, "key", "v");
    assert_int_equal(used(f), 4);
    assert_null(
        lp_store_set(f->store, &f->who, LP_STR("other"), bytes_of("k"), bytes_of(""), &version));
    assert_int_equal(used(f), 5);
    fixture_reopen(f);
    assert_int_equal(used(f), 5);
    assert_null(lp_store_delete(f->store, &f->who, BUCKET, bytes_of("key"), &was));
    assert_int_equal(used(f), 1);
}

static loop_error *try_set(fixture *f, const char *key, const char *value)
{
    loop_string version;
    return lp_store_set(f->store, &f->who, BUCKET, bytes_of(key), bytes_of(value), &version);
}

static void over_the_quota_nothing_changes(void **state)
{
    fixture *f = *state;
    f->who.granted = 10;
    set(f, "aaa", "1234567"); /* exactly */
    const char *version = version_of(f, "aaa");
    assert_code(try_set(f, "aaa", "12345678"), LOOP_LIMIT);
    assert_code(try_set(f, "b", ""), LOOP_LIMIT);
    operation batch[] = {op("aaa", ALWAYS, NULL, DELETE, NULL),
                         op("b", ALWAYS, NULL, SET, "1234567890")};
    assert_code(apply(f, batch, 2), LOOP_LIMIT);
    assert_string_equal(version_of(f, "aaa"), version);
    assert_string_equal(page(f, "", NULL, 0), "aaa");
    assert_int_equal(used(f), 10);
    batch[1].change.of.set.len = 9; /* what one operation frees another may use */
    assert_null(apply(f, batch, 2));
    assert_int_equal(used(f), 10);
    f->who.identity = "c"; /* whose quota is its own */
    set(f, "ccc", "1234567");
}

static void who_is_over_a_smaller_quota_may_tidy_up(void **state)
{
    fixture *f = *state;
    bool was;
    set(f, "a", "123456789");
    set(f, "b", "123456789");
    f->who.granted = 5;
    assert_code(try_set(f, "c", ""), LOOP_LIMIT);
    assert_code(try_set(f, "a", "1234567890"), LOOP_LIMIT);
    assert_null(try_set(f, "a", "1234"));
    assert_string_equal(value_of(f, "b"), "123456789");
    assert_null(lp_store_delete(f->store, &f->who, BUCKET, bytes_of("b"), &was));
    assert_int_equal(used(f), 5);
}

static void keys_without_values_are_not_free(void **state)
{
    fixture *f = *state;
    f->who.granted = 64 * 100; /* 1,024 keys and 100 more */
    operation o[562];
    for (size_t half = 0; half < 2; half++) {
        for (size_t i = 0; i < 562; i++) {
            char *key = lp_arena_alloc(&f->arena, 4);
            memcpy(key, (char[]){(char)('a' + half), (char)(1 + i % 100), (char)(1 + i / 100), 0},
                   4);
            o[i] = op(key, ALWAYS, NULL, SET, "");
        }
        assert_null(apply(f, o, 562));
    }
    assert_code(try_set(f, "z", ""), LOOP_LIMIT);
    assert_null(try_set(f, "a\x01\x01", "v"));
    bool was;
    assert_null(lp_store_delete(f->store, &f->who, BUCKET, bytes_of("a\x02\x01"), &was));
    assert_true(was);
    assert_null(try_set(f, "z", ""));
}

/* ---- threads ---- */

typedef struct worker {
    fixture *f;
    lp_arena arena;
    lp_store_caller who;
    unsigned rounds;
    _Atomic bool done;
} worker;

static uint64_t counter(worker *w, loop_list_u8 key, char *ret_version)
{
    option_entry e = {0};
    assert_null(lp_store_get(w->f->store, &w->who, BUCKET, key, &e));
    snprintf(ret_version, 65, "%.*s", (int)e.value.version.len, e.value.version.ptr);
    char text[24] = "0";
    if (e.is_some)
        snprintf(text, sizeof text, "%.*s", (int)e.value.value.len,
                 (const char *)e.value.value.ptr);
    return e.is_some ? strtoull(text, NULL, 10) : 0;
}

static void count_up(void *arg)
{
    worker *w = arg;
    for (unsigned done = 0; done < w->rounds;) {
        char version[65], text[24];
        uint64_t n = counter(w, bytes_of("n"), version);
        snprintf(text, sizeof text, "%llu", (unsigned long long)n + 1);
        operation o = op("n", *version ? UNCHANGED : ABSENT, version, SET, text);
        loop_storage_store_outcome r = {0};
        assert_null(lp_store_swap(w->f->store, &w->who, BUCKET, &o, &r));
        done += r.tag == LOOP_STORAGE_STORE_OUTCOME_APPLIED;
        lp_arena_reset(&w->arena, 1 << 16);
    }
}

static void no_swap_is_lost_between_threads(void **state)
{
    fixture *f = *state;
    enum { THREADS = 4 };
    unsigned rounds = strcmp(f->kind, "sqlite") == 0 ? 20 : 200;
    worker w[THREADS] = {0};
    lp_os_thread *t[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        w[i] = (worker){.f = f, .rounds = rounds};
        w[i].who = caller("a", 1 << 20, &w[i].arena);
        assert_null(lp_os_thread_start(count_up, &w[i], 0, &t[i]));
    }
    for (size_t i = 0; i < THREADS; i++) {
        lp_os_thread_join(t[i]);
        lp_arena_done(&w[i].arena);
    }
    assert_int_equal(strtoul(value_of(f, "n"), NULL, 10), THREADS * rounds);
}

static void write_pairs(void *arg)
{
    worker *w = arg;
    for (unsigned i = 0; i < w->rounds; i++) {
        char text[24];
        snprintf(text, sizeof text, "%u", i);
        operation o[] = {op("x", ALWAYS, NULL, SET, text), op("y", ALWAYS, NULL, SET, text)};
        loop_storage_store_batch_outcome r = {0};
        assert_null(lp_store_apply(w->f->store, &w->who, BUCKET,
                                   (loop_storage_store_list_operation){o, 2}, &r));
        lp_arena_reset(&w->arena, 1 << 16);
    }
    w->done = true;
}

static void nobody_sees_the_middle_of_a_batch(void **state)
{
    fixture *f = *state;
    worker w = {.f = f, .rounds = strcmp(f->kind, "sqlite") == 0 ? 60 : 2000};
    w.who = caller("a", 1 << 20, &w.arena);
    lp_os_thread *t;
    set(f, "x", "");
    set(f, "y", "");
    assert_null(lp_os_thread_start(write_pairs, &w, 0, &t));
    loop_list_u8 keys[] = {bytes_of("x"), bytes_of("y")};
    unsigned torn = 0;
    while (!w.done) { /* as long as somebody writes */
        loop_storage_store_list_option_entry many = {0};
        assert_null(lp_store_get_many(f->store, &f->who, BUCKET,
                                      (loop_storage_store_list_key){keys, 2}, &many));
        loop_list_u8 x = many.ptr[0].value.value, y = many.ptr[1].value.value;
        torn += lp_store_compare(x.ptr, x.len, y.ptr, y.len) != 0;
        lp_arena_reset(&f->arena, 1 << 16);
    }
    lp_os_thread_join(t);
    lp_arena_done(&w.arena);
    assert_int_equal(torn, 0);
}

/* ---- the table ---- */

void a_store_does_what_a_plain_array_does(void **state); /* model_test.c */

#define PROMISE(p) {#p, p}
static const struct {
    const char *name;
    CMUnitTestFunction run;
} promises[] = {
    PROMISE(a_write_is_there_for_the_next_read),
    PROMISE(a_set_answers_with_the_version_that_a_get_shows),
    PROMISE(no_version_comes_twice),
    PROMISE(a_read_does_not_change_a_version),
    PROMISE(a_delete_says_whether_the_key_was_there),
    PROMISE(a_key_is_any_bytes),
    PROMISE(a_key_has_1_to_1024_bytes),
    PROMISE(a_value_has_at_most_16_MiB),
    PROMISE(a_bucket_name_has_1_to_64_of_its_bytes),
    PROMISE(get_many_answers_in_the_order_asked_for),
    PROMISE(get_many_takes_1024_keys_and_32_MiB),
    PROMISE(a_change_happens_where_its_condition_holds),
    PROMISE(a_version_over_64_bytes_is_invalid),
    PROMISE(a_batch_changes_all_or_nothing),
    PROMISE(a_batch_names_a_key_once),
    PROMISE(a_batch_has_1024_keys_and_32_MiB),
    PROMISE(keys_come_in_the_order_of_unsigned_bytes),
    PROMISE(a_page_begins_after_its_cursor),
    PROMISE(a_page_has_at_most_1024_keys),
    PROMISE(a_prefix_that_no_key_can_have_has_an_empty_page),
    PROMISE(a_key_that_lives_throughout_comes_exactly_once),
    PROMISE(buckets_are_those_that_hold_a_key),
    PROMISE(a_bucket_is_private_to_its_identity),
    PROMISE(usage_counts_keys_and_values),
    PROMISE(over_the_quota_nothing_changes),
    PROMISE(who_is_over_a_smaller_quota_may_tidy_up),
    PROMISE(keys_without_values_are_not_free),
    PROMISE(no_swap_is_lost_between_threads),
    PROMISE(nobody_sees_the_middle_of_a_batch),
    PROMISE(a_store_does_what_a_plain_array_does),
};

/* Each kind as it begins, and after it has taken over what another store held. */
static const struct kind {
    const char *name, *kind;
    bool taken;
} kinds[] = {
    {"memory", "memory", false},           {"sqlite", "sqlite", false},
    {"relaxed", "relaxed", false},         {"swapped to memory", "memory", true},
    {"swapped to sqlite", "sqlite", true}, {"swapped to relaxed", "relaxed", true},
};

static int setup(void **state)
{
    const struct kind *k = *state;
    *state = k->taken ? fixture_open_taken(k->kind) : fixture_open(k->kind);
    return 0;
}

static int teardown(void **state)
{
    fixture_close(*state);
    return 0;
}

int main(void)
{
    enum { ALL = LP_COUNT(kinds) * LP_COUNT(promises) };
    static struct CMUnitTest tests[ALL];
    for (size_t i = 0; i < ALL; i++) {
        const struct kind *kind = &kinds[i / LP_COUNT(promises)];
        tests[i] = (struct CMUnitTest){
            lp_format("%s: %s", kind->name, promises[i % LP_COUNT(promises)].name),
            promises[i % LP_COUNT(promises)].run, setup, teardown, (void *)(uintptr_t)kind};
    }
    int failed = _cmocka_run_group_tests("storage", tests, ALL, NULL, NULL);
    for (size_t i = 0; i < ALL; i++)
        free((void *)(uintptr_t)tests[i].name);
    return failed;
}
