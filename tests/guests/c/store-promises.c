/*
 * store-promises: what wit/storage/store.wit promises, asked of whoever serves it here.
 *
 * The same for every provider: memory, SQLite, a process of one's own. Needs a grant of
 * 64 MiB and an identity that stored nothing yet; each promise has a bucket of its own and
 * leaves it empty. Prints the promises that were broken, with the line, and how many were
 * kept. providers/storage/storage_test.c asks the engines more, below a component.
 */
#include "gen/storage.h"
#include "guest.h"

#define S(name) loop_storage_store_##name
#define METHOD(name) loop_storage_store_method_bucket_##name
#define MIB (1u << 20)

enum { ALWAYS, ABSENT, UNCHANGED };
enum { SET, DELETE, KEEP };

static S(error_t) error;
static S(borrow_bucket_t) bucket;
static int broken_at; /* line; 0: not broken */

/* Ends a promise at the first thing that does not hold. */
#define HOLDS(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            broken_at = __LINE__;                                                                  \
            return;                                                                                \
        }                                                                                          \
    } while (0)

static S(key_t) key_of(const char *text)
{
    return TEXT(S(key_t), text);
}

static bool is(const void *p, size_t n, const char *text)
{
    return n == strlen(text) && memcmp(p, text, n) == 0;
}

static bool set_bytes(S(key_t) key, S(value_t) value, char *ret_version)
{
    S(version_t) version;
    if (!METHOD(set)(bucket, &key, &value, &version, &error) || version.len > 64)
        return false;
    snprintf(ret_version, 65, "%.*s", (int)version.len, (char *)version.ptr);
    S(version_free)(&version);
    return true;
}

static bool set(const char *key, const char *value)
{
    char version[65];
    return set_bytes(key_of(key), TEXT(S(value_t), value), version);
}

static bool delete_key(const char *name, bool *ret_was)
{
    S(key_t) key = key_of(name);
    return METHOD(delete)(bucket, &key, ret_was, &error);
}

static bool get(const char *name, S(option_entry_t) * ret)
{
    S(key_t) key = key_of(name);
    return METHOD(get)(bucket, &key, ret, &error);
}

static bool has(const char *name, const char *value)
{
    S(option_entry_t) e;
    if (!get(name, &e))
        return false;
    bool same = e.is_some && value && is(e.val.value.ptr, e.val.value.len, value);
    return value ? same : !e.is_some;
}

static bool version_of(const char *name, char *ret)
{
    S(option_entry_t) e;
    if (!get(name, &e) || !e.is_some || e.val.version.len > 64)
        return false;
    snprintf(ret, 65, "%.*s", (int)e.val.version.len, (char *)e.val.version.ptr);
    return true;
}

static S(operation_t)
    op(const char *key, uint8_t condition, const char *version, uint8_t change, const char *value)
{
    S(operation_t) o = {.key = key_of(key), .condition.tag = condition, .change.tag = change};
    if (version)
        o.condition.val.unchanged = TEXT(S(version_t), version);
    if (value)
        o.change.val.set = TEXT(S(value_t), value);
    return o;
}

static bool apply(S(operation_t) * o, size_t n, S(batch_outcome_t) * ret)
{
    S(list_operation_t) list = {o, n};
    return METHOD(apply)(bucket, &list, ret, &error);
}

/* A page as text: "a b+" with a plus where there is a cursor. */
static const char *page(const char *prefix, const char *cursor, uint32_t limit)
{
    static char text[256];
    storage_list_u8_t begin = TEXT(storage_list_u8_t, prefix);
    S(key_t) after = key_of(cursor ? cursor : "");
    S(key_page_t) p;
    if (!METHOD(list_keys)(bucket, &begin, cursor ? &after : NULL, limit, &p, &error))
        return "error";
    size_t n = 0;
    for (size_t i = 0; i < p.keys.len && n < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s", i ? " " : "",
                              (int)p.keys.ptr[i].len, (char *)p.keys.ptr[i].ptr);
    snprintf(text + n, sizeof text - n, "%s", p.cursor.is_some ? "+" : "");
    return text;
}

static uint64_t used(void)
{
    S(usage_t) u;
    return S(get_usage)(&u, &error) && u.bytes_granted.is_some ? u.bytes_used : UINT64_MAX;
}

/* ---- the promises ---- */

static void a_write_is_there_for_the_next_read(void)
{
    HOLDS(has("k", NULL) && set("k", "one") && has("k", "one"));
    HOLDS(set("k", "two") && has("k", "two") && set("k", "") && has("k", ""));
}

static void no_version_comes_twice(void)
{
    char seen[20][65], now[65];
    bool was;
    for (int i = 0; i < 20; i++) {
        HOLDS(set_bytes(key_of("k"), TEXT(S(value_t), "v"), seen[i]) && seen[i][0]);
        HOLDS(version_of("k", now) && strcmp(now, seen[i]) == 0);
        for (int j = 0; j < i; j++)
            HOLDS(strcmp(seen[i], seen[j]) != 0);
        HOLDS(i % 3 || (delete_key("k", &was) && was));
    }
}

static void a_delete_says_whether_the_key_was_there(void)
{
    bool was = true;
    HOLDS(delete_key("k", &was) && !was);
    HOLDS(set("k", "") && delete_key("k", &was) && was && has("k", NULL));
}

static void a_key_is_any_bytes(void)
{
    uint8_t all[256];
    char version[65];
    for (int i = 0; i < 256; i++) {
        all[i] = (uint8_t)i;
        HOLDS(set_bytes((S(key_t)){&all[i], 1}, (S(value_t)){&all[i], 1}, version));
    }
    HOLDS(set_bytes((S(key_t)){all, 256}, (S(value_t)){all, 256}, version));
    for (int i = 0; i < 256; i++) {
        S(option_entry_t) e;
        S(key_t) key = {&all[i], 1};
        HOLDS(METHOD(get)(bucket, &key, &e, &error) && e.is_some);
        HOLDS(e.val.value.len == 1 && e.val.value.ptr[0] == i);
    }
    HOLDS(used() == 256 * 2 + 512);
}

static void what_is_over_a_limit_is_invalid_and_changes_nothing(void)
{
    static uint8_t long_key[1025];
    char version[65];
    uint8_t *big = calloc(16 * MIB + 1, 1);
    uint64_t before = used();
    HOLDS(!set_bytes((S(key_t)){long_key, 0}, (S(value_t)){big, 1}, version));
    HOLDS(error.tag == LOOP_CORE_TYPES_ERROR_INVALID);
    HOLDS(!set_bytes((S(key_t)){long_key, 1025}, (S(value_t)){big, 1}, version));
    HOLDS(error.tag == LOOP_CORE_TYPES_ERROR_INVALID);
    HOLDS(!set_bytes(key_of("k"), (S(value_t)){big, 16 * MIB + 1}, version));
    HOLDS(error.tag == LOOP_CORE_TYPES_ERROR_INVALID && used() == before);
    HOLDS(set_bytes((S(key_t)){long_key, 1024}, (S(value_t)){big, 16 * MIB}, version));
    S(option_entry_t) e;
    S(key_t) key = {long_key, 1024};
    HOLDS(METHOD(get)(bucket, &key, &e, &error) && e.val.value.len == 16 * MIB);
    HOLDS(memcmp(e.val.value.ptr, big, 16 * MIB) == 0 && used() == before + 1024 + 16 * MIB);
    free(big);
    S(option_entry_free)(&e);
}

static void a_bucket_name_has_1_to_64_of_its_bytes(void)
{
    static const char *const bad[] = {"", "A", "a b", "a/b", "\xc3\xa4"};
    char name[66] = {0};
    S(own_bucket_t) own;
    storage_string_t text;
    memset(name, 'n', 65);
    for (int i = 0; i < 6; i++) {
        text = TEXT(storage_string_t, i < 5 ? bad[i] : name);
        HOLDS(!S(open)(&text, &own, &error) && error.tag == LOOP_CORE_TYPES_ERROR_INVALID);
    }
    text = (storage_string_t){(uint8_t *)name, 64};
    HOLDS(S(open)(&text, &own, &error));
    S(bucket_drop_own)(own);
}

static void get_many_answers_in_the_order_asked_for(void)
{
    S(key_t) keys[1025], some[4] = {key_of("b"), key_of("none"), key_of("a"), key_of("b")};
    S(list_key_t) list = {some, 4}, most = {keys, 1024}, over = {keys, 1025};
    S(list_option_entry_t) all;
    HOLDS(set("a", "1") && set("b", "2"));
    HOLDS(METHOD(get_many)(bucket, &list, &all, &error) && all.len == 4);
    HOLDS(all.ptr[0].val.value.ptr[0] == '2' && !all.ptr[1].is_some);
    HOLDS(all.ptr[2].val.value.ptr[0] == '1' && all.ptr[3].is_some);
    for (int i = 0; i < 1025; i++)
        keys[i] = some[2];
    HOLDS(METHOD(get_many)(bucket, &most, &all, &error) && all.len == 1024);
    HOLDS(!METHOD(get_many)(bucket, &over, &all, &error));
    HOLDS(error.tag == LOOP_CORE_TYPES_ERROR_INVALID);
}

static void a_change_happens_where_its_condition_holds(void)
{
    static const struct {
        bool there;
        uint8_t condition;
        bool right;
        uint8_t change;
        bool applied, there_after;
    } rows[] = {
        {false, ALWAYS, 0, SET, true, true},       {false, ALWAYS, 0, DELETE, true, false},
        {false, ABSENT, 0, SET, true, true},       {false, ABSENT, 0, KEEP, true, false},
        {false, UNCHANGED, 0, SET, false, false},  {true, ALWAYS, 0, SET, true, true},
        {true, ALWAYS, 0, KEEP, true, true},       {true, ABSENT, 0, SET, false, true},
        {true, ABSENT, 0, DELETE, false, true},    {true, UNCHANGED, false, SET, false, true},
        {true, UNCHANGED, true, SET, true, true},  {true, UNCHANGED, true, DELETE, true, false},
        {true, UNCHANGED, true, KEEP, true, true}, {true, UNCHANGED, false, KEEP, false, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[16], old[65] = "none", now[65] = "";
        snprintf(name, sizeof name, "k%zu", i);
        HOLDS(!rows[i].there || (set(name, "old") && version_of(name, old)));
        S(operation_t)
        o = op(name, rows[i].condition, rows[i].right ? old : "not-this", rows[i].change,
               rows[i].change == SET ? "new" : NULL);
        S(outcome_t) r;
        HOLDS(METHOD(compare_and_swap)(bucket, &o.key, &o.condition, &o.change, &r, &error));
        HOLDS((r.tag == LOOP_STORAGE_STORE_OUTCOME_APPLIED) == rows[i].applied);
        HOLDS(version_of(name, now) == rows[i].there_after);
        HOLDS(r.val.applied.is_some == rows[i].there_after);
        HOLDS(!*now || is(r.val.applied.val.ptr, r.val.applied.val.len, now));
        HOLDS(rows[i].applied || !rows[i].there || strcmp(old, now) == 0);
        HOLDS(!rows[i].applied || rows[i].change != SET || has(name, "new"));
    }
}

static void a_batch_changes_all_or_nothing(void)
{
    char version[65];
    HOLDS(set("there", "old") && set("gone", "old") && version_of("there", version));
    S(operation_t)
    bad[] = {op("new", ABSENT, NULL, SET, "1"), op("there", ABSENT, NULL, SET, "2"),
             op("gone", ALWAYS, NULL, DELETE, NULL)};
    S(operation_t)
    good[] = {op("new", ABSENT, NULL, SET, "1"), op("gone", ALWAYS, NULL, DELETE, NULL),
              op("there", UNCHANGED, version, KEEP, NULL)};
    S(operation_t) twice[] = {op("a", ALWAYS, NULL, SET, "1"), op("a", ALWAYS, NULL, KEEP, NULL)};
    S(batch_outcome_t) r;
    HOLDS(apply(bad, 3, &r) && r.tag == LOOP_STORAGE_STORE_BATCH_OUTCOME_CONFLICT);
    HOLDS(r.val.conflict.len == 1 && r.val.conflict.ptr[0] == 1);
    HOLDS(strcmp(page("", NULL, 0), "gone there") == 0);
    HOLDS(apply(good, 3, &r) && r.tag == LOOP_STORAGE_STORE_BATCH_OUTCOME_APPLIED);
    HOLDS(r.val.applied.len == 3 && r.val.applied.ptr[0].is_some && !r.val.applied.ptr[1].is_some);
    HOLDS(is(r.val.applied.ptr[2].val.ptr, r.val.applied.ptr[2].val.len, version));
    HOLDS(strcmp(page("", NULL, 0), "new there") == 0);
    HOLDS(!apply(twice, 2, &r) && error.tag == LOOP_CORE_TYPES_ERROR_INVALID);
    HOLDS(apply(twice, 0, &r) && r.tag == LOOP_STORAGE_STORE_BATCH_OUTCOME_APPLIED);
}

static void a_batch_has_1024_keys_and_32_MiB(void)
{
    static S(operation_t) o[1025];
    static char names[1025][8];
    S(batch_outcome_t) r;
    for (int i = 0; i < 1025; i++) {
        snprintf(names[i], sizeof names[i], "%04d", i);
        o[i] = op(names[i], ALWAYS, NULL, SET, "v");
    }
    HOLDS(!apply(o, 1025, &r) && error.tag == LOOP_CORE_TYPES_ERROR_INVALID && used() == 0);
    HOLDS(apply(o, 1024, &r) && used() == 1024 * 5);
    uint8_t *big = calloc(16 * MIB, 1);
    o[0].change.val.set = o[1].change.val.set = (S(value_t)){big, 16 * MIB};
    HOLDS(!apply(o, 3, &r) && error.tag == LOOP_CORE_TYPES_ERROR_INVALID);
    HOLDS(apply(o, 2, &r) && used() == 1024 * 5 + 2 * (16 * MIB - 1));
    free(big);
}

static void a_page_begins_after_its_cursor(void)
{
    static const char *const keys[] = {"b", "a", "aa", "ab", "ba", "c", "\xff", "\xff\xff"};
    static const struct {
        const char *prefix, *cursor;
        uint32_t limit;
        const char *page;
    } rows[] = {
        {"", NULL, 3, "a aa ab+"},
        {"", "ab", 3, "b ba c+"},
        {"", "c", 3, "\xff \xff\xff"},
        {"", "\xff\xff", 3, ""},
        {"a", NULL, 0, "a aa ab"},
        {"a", NULL, 2, "a aa+"},
        {"a", "aa", 2, "ab"},
        {"a", "A", 0, "a aa ab"},
        {"a", "b", 0, ""},
        {"", "aaa", 2, "ab b+"},
        {"\xff", NULL, 0, "\xff \xff\xff"},
        {"\xff", "\xff", 0, "\xff\xff"},
        {"zz", NULL, 0, ""},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        HOLDS(set(keys[i], "v"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        HOLDS(strcmp(page(rows[i].prefix, rows[i].cursor, rows[i].limit), rows[i].page) == 0);
}

/* Even keys live throughout; odd ones come and go between the pages. */
static void a_key_that_lives_throughout_comes_exactly_once(void)
{
    enum { N = 60 };
    int seen[N] = {0};
    char name[8];
    bool was;
    S(key_page_t) p = {0};
    storage_list_u8_t all = {NULL, 0};
    for (int i = 0; i < N; i++)
        HOLDS(snprintf(name, sizeof name, "%02d", i) && set(name, "v"));
    for (int round = 0; round == 0 || p.cursor.is_some; round++) {
        S(key_t) after = p.cursor.val;
        HOLDS(METHOD(list_keys)(bucket, &all, p.cursor.is_some ? &after : NULL, 7, &p, &error));
        for (size_t i = 0; i < p.keys.len; i++)
            seen[(p.keys.ptr[i].ptr[0] - '0') * 10 + p.keys.ptr[i].ptr[1] - '0']++;
        for (int i = 1; i < N; i += 2) {
            snprintf(name, sizeof name, "%02d", i);
            HOLDS((i + round) % 3 ? delete_key(name, &was) : set(name, "again"));
        }
        HOLDS(round < N);
    }
    for (int i = 0; i < N; i++)
        HOLDS(i % 2 ? seen[i] <= 1 : seen[i] == 1);
}

static void buckets_are_those_that_hold_a_key(void)
{
    storage_list_string_t all;
    bool was;
    HOLDS(S(buckets)(&all, &error) && all.len == 0);
    HOLDS(set("k", "v") && S(buckets)(&all, &error) && all.len == 1);
    HOLDS(delete_key("k", &was) && S(buckets)(&all, &error) && all.len == 0);
}

static void over_the_quota_nothing_changes(void)
{
    char version[65], before[65];
    uint8_t *big = calloc(16 * MIB, 1);
    static const char *const keys[] = {"1", "2", "3", "4"};
    for (int i = 0; i < 3; i++)
        HOLDS(set_bytes(key_of(keys[i]), (S(value_t)){big, 16 * MIB}, version));
    HOLDS(set_bytes(key_of("4"), (S(value_t)){big, 16 * MIB - 4}, before));
    HOLDS(used() == 64 * MIB);
    HOLDS(!set_bytes(key_of("4"), (S(value_t)){big, 16 * MIB - 3}, version));
    HOLDS(error.tag == LOOP_CORE_TYPES_ERROR_LIMIT && version_of("4", version));
    HOLDS(strcmp(version, before) == 0 && used() == 64 * MIB);
    HOLDS(!set("5", "") && error.tag == LOOP_CORE_TYPES_ERROR_LIMIT);
    S(operation_t) o[] = {op("1", ALWAYS, NULL, DELETE, NULL), op("5", ALWAYS, NULL, SET, "v")};
    S(batch_outcome_t) r;
    HOLDS(apply(o, 2, &r) && used() == 48 * MIB + 1);
    free(big);
}

/* ---- the table ---- */

#define PROMISE(p) {#p, p}
static const struct {
    const char *name;
    void (*run)(void);
} promises[] = {
    PROMISE(a_write_is_there_for_the_next_read),
    PROMISE(no_version_comes_twice),
    PROMISE(a_delete_says_whether_the_key_was_there),
    PROMISE(a_key_is_any_bytes),
    PROMISE(what_is_over_a_limit_is_invalid_and_changes_nothing),
    PROMISE(a_bucket_name_has_1_to_64_of_its_bytes),
    PROMISE(get_many_answers_in_the_order_asked_for),
    PROMISE(a_change_happens_where_its_condition_holds),
    PROMISE(a_batch_changes_all_or_nothing),
    PROMISE(a_batch_has_1024_keys_and_32_MiB),
    PROMISE(a_page_begins_after_its_cursor),
    PROMISE(a_key_that_lives_throughout_comes_exactly_once),
    PROMISE(buckets_are_those_that_hold_a_key),
    PROMISE(over_the_quota_nothing_changes),
};
enum { PROMISES = sizeof promises / sizeof *promises };

/* Removes what is left, a page a step: true where the store is empty then. */
static bool clear(void)
{
    static S(operation_t) o[1024];
    storage_list_u8_t all = {NULL, 0};
    S(key_page_t) p;
    S(batch_outcome_t) r;
    do {
        if (!METHOD(list_keys)(bucket, &all, NULL, 0, &p, &error) || p.keys.len > 1024)
            return false;
        for (size_t i = 0; i < p.keys.len; i++)
            o[i] = (S(operation_t)){.key = p.keys.ptr[i], .change.tag = DELETE};
        if (!apply(o, p.keys.len, &r))
            return false;
    } while (p.cursor.is_some);
    return used() == 0;
}

int main(void)
{
    int kept = 0;
    for (int i = 0; i < PROMISES; i++) {
        char name[16];
        snprintf(name, sizeof name, "promise-%d", i);
        storage_string_t text = TEXT(storage_string_t, name);
        S(own_bucket_t) own;
        broken_at = 0;
        if (!S(open)(&text, &own, &error)) {
            printf("cannot open a bucket: error %d\n", error.tag);
            return 1;
        }
        bucket = S(borrow_bucket)(own);
        promises[i].run();
        if (!clear() && !broken_at)
            broken_at = -1;
        S(bucket_drop_own)(own);
        kept += !broken_at;
        if (broken_at)
            printf("broken: %s, line %d\n", promises[i].name, broken_at);
    }
    printf("%d of %d promises kept\n", kept, PROMISES);
    return kept != PROMISES;
}
