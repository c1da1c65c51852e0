/*
 * store WORD...: loop:storage, a line for each of
 *
 *   in BUCKET      set KEY VALUE     get KEY       delete KEY     list PREFIX LIMIT
 *   swap KEY VALUE (by the version that it has)    late KEY VALUE (by one that it had)
 *   both KEY KEY VALUE (a batch)     fill KEY BYTES               wrong (what is invalid)
 *   many KEY...  . (their values)    buckets       usage
 *   hammer         (counts on in "n" and "s0" to "s7" by turns, and prints what was acknowledged)
 *
 * The first error ends it, with status 1 and the case and text of the error.
 */
#include "gen/storage.h"
#include "guest.h"

#define S(name) loop_storage_store_##name
#define METHOD(name) loop_storage_store_method_bucket_##name

static const char *const cases[] = {"unavailable", "denied",    "invalid",
                                    "limit",       "cancelled", "failed"};
static S(error_t) error;
static S(borrow_bucket_t) bucket;
static char **words;

static const char *next(void)
{
    return *words ? *words++ : "";
}

/* The next word as a text, as bytes. */
#define NEXT(type) next_as_##type()
#define NEXT_AS(type)                                                                              \
    static type next_as_##type(void)                                                               \
    {                                                                                              \
        const char *text = next();                                                                 \
        return TEXT(type, text);                                                                   \
    }
NEXT_AS(storage_string_t)
NEXT_AS(storage_list_u8_t)
NEXT_AS(loop_storage_store_value_t)

static S(key_t) key_of(const char *text)
{
    return TEXT(S(key_t), text);
}

static void put(const void *p, size_t n)
{
    printf("%.*s", (int)n, (const char *)p);
}

static void put_error(void)
{
    printf("%s", cases[error.tag]);
    if (error.tag != LOOP_CORE_TYPES_ERROR_CANCELLED) {
        printf(": ");
        put(error.val.failed.ptr, error.val.failed.len);
    }
    puts("");
}

static bool open_bucket(void)
{
    storage_string_t name = NEXT(storage_string_t);
    S(own_bucket_t) own;
    if (!S(open)(&name, &own, &error))
        return false;
    bucket = S(borrow_bucket)(own);
    return true;
}

static bool set(void)
{
    S(key_t) key = key_of(next());
    S(value_t) value = NEXT(loop_storage_store_value_t);
    S(version_t) version;
    return METHOD(set)(bucket, &key, &value, &version, &error);
}

static bool fill(void)
{
    S(key_t) key = key_of(next());
    size_t n = strtoul(next(), NULL, 10);
    S(value_t) value = {calloc(n + 1, 1), n};
    S(version_t) version;
    return METHOD(set)(bucket, &key, &value, &version, &error);
}

static bool get(void)
{
    const char *name = next();
    S(key_t) key = key_of(name);
    S(option_entry_t) e;
    if (!METHOD(get)(bucket, &key, &e, &error))
        return false;
    printf("%s: ", name);
    if (e.is_some)
        put(e.val.value.ptr, e.val.value.len);
    puts(e.is_some ? "" : "nothing");
    return true;
}

static bool many(void)
{
    S(key_t) keys[16];
    S(list_key_t) list = {keys, 0};
    for (const char *w; list.len < 16 && strcmp(w = next(), ".") != 0;)
        keys[list.len++] = key_of(w);
    S(list_option_entry_t) all;
    if (!METHOD(get_many)(bucket, &list, &all, &error))
        return false;
    printf("many:");
    for (size_t i = 0; i < all.len; i++)
        printf(" %.*s", all.ptr[i].is_some ? (int)all.ptr[i].val.value.len : 1,
               all.ptr[i].is_some ? (char *)all.ptr[i].val.value.ptr : "-");
    puts("");
    return true;
}

static bool delete_key(void)
{
    S(key_t) key = key_of(next());
    bool was;
    if (!METHOD(delete)(bucket, &key, &was, &error))
        return false;
    puts(was ? "deleted" : "was not there");
    return true;
}

static bool list(void)
{
    storage_list_u8_t prefix = NEXT(storage_list_u8_t);
    uint32_t limit = (uint32_t)strtoul(next(), NULL, 10);
    S(key_page_t) page = {0};
    do {
        S(key_t) *cursor = page.cursor.is_some ? &page.cursor.val : NULL;
        if (!METHOD(list_keys)(bucket, &prefix, cursor, limit, &page, &error))
            return false;
        printf("keys:");
        for (size_t i = 0; i < page.keys.len; i++) {
            putchar(' ');
            put(page.keys.ptr[i].ptr, page.keys.ptr[i].len);
        }
        puts(page.cursor.is_some ? " ..." : "");
    } while (page.cursor.is_some);
    return true;
}

/* By the version of a read; with `late`, somebody writes between the two. */
static bool swap(bool late)
{
    S(key_t) key = key_of(next());
    S(value_t) value = NEXT(loop_storage_store_value_t), other = TEXT(S(value_t), "other");
    S(option_entry_t) e;
    S(version_t) version;
    if (!METHOD(get)(bucket, &key, &e, &error))
        return false;
    if (late && !METHOD(set)(bucket, &key, &other, &version, &error))
        return false;
    S(condition_t)
    condition = {.tag = e.is_some ? LOOP_STORAGE_STORE_CONDITION_UNCHANGED
                                  : LOOP_STORAGE_STORE_CONDITION_ABSENT};
    if (e.is_some)
        condition.val.unchanged = e.val.version;
    S(change_t) change = {.tag = LOOP_STORAGE_STORE_CHANGE_SET, .val.set = value};
    S(outcome_t) outcome;
    if (!METHOD(compare_and_swap)(bucket, &key, &condition, &change, &outcome, &error))
        return false;
    puts(outcome.tag == LOOP_STORAGE_STORE_OUTCOME_APPLIED ? "swapped" : "conflict");
    return true;
}

/* The first is to be new, the second gets the value, too. */
static bool both(void)
{
    S(operation_t) o[2] = {{.key = key_of(next())}, {.key = key_of(next())}};
    S(value_t) value = NEXT(loop_storage_store_value_t);
    o[0].condition.tag = LOOP_STORAGE_STORE_CONDITION_ABSENT;
    o[0].change.val.set = o[1].change.val.set = value;
    S(list_operation_t) operations = {o, 2};
    S(batch_outcome_t) outcome;
    if (!METHOD(apply)(bucket, &operations, &outcome, &error))
        return false;
    if (outcome.tag == LOOP_STORAGE_STORE_BATCH_OUTCOME_APPLIED)
        puts("applied");
    else
        printf("conflict of operation %u\n", (unsigned)outcome.val.conflict.ptr[0]);
    return true;
}

/* Each is refused; what was not says so. */
static bool wrong(void)
{
    static uint8_t long_key[1025];
    S(key_t) keys[2] = {{long_key, 0}, {long_key, sizeof long_key}};
    S(operation_t) twice[2] = {{.key = key_of("a")}, {.key = key_of("a")}};
    S(list_operation_t) operations = {twice, 2};
    S(batch_outcome_t) outcome;
    S(option_entry_t) e;
    S(own_bucket_t) own;
    storage_string_t name = TEXT(storage_string_t, "Not a name");
    for (int i = 0; i < 2; i++) {
        if (METHOD(get)(bucket, &keys[i], &e, &error))
            return puts("not refused"), true;
        put_error();
    }
    if (METHOD(apply)(bucket, &operations, &outcome, &error))
        return puts("not refused"), true;
    put_error();
    if (S(open)(&name, &own, &error))
        return puts("not refused"), true;
    put_error();
    return true;
}

static bool buckets(void)
{
    storage_list_string_t all;
    if (!S(buckets)(&all, &error))
        return false;
    printf("buckets:");
    for (size_t i = 0; i < all.len; i++) {
        putchar(' ');
        put(all.ptr[i].ptr, all.ptr[i].len);
    }
    puts("");
    return true;
}

static bool usage(void)
{
    S(usage_t) u;
    if (!S(get_usage)(&u, &error))
        return false;
    printf("used %llu of %llu\n", (unsigned long long)u.bytes_used,
           (unsigned long long)(u.bytes_granted.is_some ? u.bytes_granted.val : 0));
    return true;
}

/* The number at "n", or 0. */
static bool count(unsigned long *ret)
{
    char text[24] = "0";
    S(key_t) key = key_of("n");
    S(option_entry_t) e;
    if (!METHOD(get)(bucket, &key, &e, &error))
        return false;
    if (e.is_some)
        snprintf(text, sizeof text, "%.*s", (int)e.val.value.len, (char *)e.val.value.ptr);
    *ret = strtoul(text, NULL, 10);
    return true;
}

static bool hammer(void)
{
    unsigned long n;
    if (!count(&n))
        return false;
    for (;;) {
        char text[24], slot[8];
        snprintf(text, sizeof text, "%lu", ++n);
        snprintf(slot, sizeof slot, "s%lu", n % 8);
        S(operation_t) o[2] = {{.key = key_of("n")}, {.key = key_of(slot)}};
        o[0].change.val.set = o[1].change.val.set = TEXT(S(value_t), text);
        S(list_operation_t) operations = {o, 2};
        S(batch_outcome_t) outcome;
        if (!METHOD(apply)(bucket, &operations, &outcome, &error))
            return false;
        puts(text);
        fflush(stdout);
        S(batch_outcome_free)(&outcome);
    }
}

static bool run(const char *word)
{
    if (strcmp(word, "in") == 0)
        return open_bucket();
    if (strcmp(word, "set") == 0)
        return set();
    if (strcmp(word, "get") == 0)
        return get();
    if (strcmp(word, "many") == 0)
        return many();
    if (strcmp(word, "delete") == 0)
        return delete_key();
    if (strcmp(word, "list") == 0)
        return list();
    if (strcmp(word, "swap") == 0 || strcmp(word, "late") == 0)
        return swap(word[0] == 'l');
    if (strcmp(word, "both") == 0)
        return both();
    if (strcmp(word, "fill") == 0)
        return fill();
    if (strcmp(word, "wrong") == 0)
        return wrong();
    if (strcmp(word, "buckets") == 0)
        return buckets();
    if (strcmp(word, "usage") == 0)
        return usage();
    if (strcmp(word, "hammer") == 0)
        return hammer();
    printf("no such word: %s\n", word);
    exit(1);
}

int main(int argc, char **argv)
{
    (void)argc;
    words = argv + 1;
    while (*words) {
        if (run(*words++))
            continue;
        put_error();
        return 1;
    }
    return 0;
}
