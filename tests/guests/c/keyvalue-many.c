/*
 * keyvalue-many [flood | pages]: batches and compare-and-swap of wasi:keyvalue.
 *
 * set-many, get-many and delete-many of both drafts; then a swap that works, one
 * that comes too late, and the retry with the handle that it gave back. `flood`
 * asks for more in one answer than a host should hold. `pages` goes through 600 keys with
 * the cursors of both drafts, also while they are deleted, and with one that another bucket gave.
 */
#include "gen/drafts.h"
#include "guest.h"

#include <stdlib.h>

typedef wasi_keyvalue_0_2_0_draft_store_borrow_bucket_t bucket1;
typedef wasi_keyvalue_0_2_0_draft2_store_borrow_bucket_t bucket2;

static int failed(const char *what)
{
    printf("%s failed\n", what);
    return 1;
}

static drafts_list_u8_t bytes(const char *text)
{
    return (drafts_list_u8_t){(uint8_t *)text, strlen(text)};
}

static int flood(bucket1 bucket)
{
    enum { COPIES = 4000, SIZE = 100000 };
    wasi_keyvalue_0_2_0_draft_store_error_t error;
    drafts_string_t key = TEXT(drafts_string_t, "large");
    drafts_list_u8_t value = {calloc(SIZE, 1), SIZE};
    if (!wasi_keyvalue_0_2_0_draft_store_method_bucket_set(bucket, &key, &value, &error))
        return failed("set");
    drafts_string_t *keys = calloc(COPIES, sizeof *keys);
    for (size_t i = 0; i < COPIES; i++)
        keys[i] = key;
    drafts_list_string_t list = {keys, COPIES};
    drafts_list_option_tuple2_string_list_u8_t many;
    if (!wasi_keyvalue_0_2_0_draft_batch_get_many(bucket, &list, &many, &error)) {
        printf("get-many: %.*s\n", (int)error.val.other.len, (char *)error.val.other.ptr);
        return 1;
    }
    printf("got %zu\n", many.len);
    return 0;
}

static int batches(bucket1 bucket)
{
    wasi_keyvalue_0_2_0_draft_store_error_t error;
    drafts_tuple2_string_list_u8_t pairs[] = {{TEXT(drafts_string_t, "a"), bytes("1")},
                                              {TEXT(drafts_string_t, "b"), bytes("2")}};
    drafts_list_tuple2_string_list_u8_t set = {pairs, 2};
    drafts_string_t names[] = {TEXT(drafts_string_t, "b"), TEXT(drafts_string_t, "none"),
                               TEXT(drafts_string_t, "a")};
    drafts_list_string_t keys = {names, 3}, first = {names, 1};
    drafts_list_option_tuple2_string_list_u8_t many;
    if (!wasi_keyvalue_0_2_0_draft_batch_set_many(bucket, &set, &error))
        return failed("set-many");
    for (int round = 0; round < 2; round++) {
        if (!wasi_keyvalue_0_2_0_draft_batch_get_many(bucket, &keys, &many, &error))
            return failed("get-many");
        printf("get-many:");
        for (size_t i = 0; i < many.len; i++)
            if (many.ptr[i].is_some)
                printf(" %.*s=%.*s", (int)many.ptr[i].val.f0.len, (char *)many.ptr[i].val.f0.ptr,
                       (int)many.ptr[i].val.f1.len, (char *)many.ptr[i].val.f1.ptr);
            else
                printf(" nothing");
        puts("");
        if (!wasi_keyvalue_0_2_0_draft_batch_delete_many(bucket, &first, &error))
            return failed("delete-many");
    }
    return 0;
}

static int batches2(bucket2 bucket)
{
    wasi_keyvalue_0_2_0_draft2_store_error_t error;
    drafts_string_t names[] = {TEXT(drafts_string_t, "a"), TEXT(drafts_string_t, "none")};
    drafts_list_string_t keys = {names, 2};
    drafts_list_tuple2_string_option_list_u8_t many;
    if (!wasi_keyvalue_0_2_0_draft2_batch_get_many(bucket, &keys, &many, &error))
        return failed("get-many");
    printf("second draft:");
    for (size_t i = 0; i < many.len; i++)
        printf(" %.*s=%.*s", (int)many.ptr[i].f0.len, (char *)many.ptr[i].f0.ptr,
               many.ptr[i].f1.is_some ? (int)many.ptr[i].f1.val.len : 4,
               many.ptr[i].f1.is_some ? (char *)many.ptr[i].f1.val.ptr : "none");
    puts("");
    return 0;
}

static int swaps(bucket2 bucket)
{
    wasi_keyvalue_0_2_0_draft2_store_error_t error;
    wasi_keyvalue_0_2_0_draft2_atomics_cas_error_t lost;
    wasi_keyvalue_0_2_0_draft2_atomics_own_cas_t early, late;
    drafts_string_t key = TEXT(drafts_string_t, "a");
    drafts_list_u8_t one = bytes("one"), two = bytes("two"), three = bytes("three");
    if (!wasi_keyvalue_0_2_0_draft2_atomics_static_cas_new(bucket, &key, &early, &error) ||
        !wasi_keyvalue_0_2_0_draft2_atomics_static_cas_new(bucket, &key, &late, &error))
        return failed("cas.new");
    if (!wasi_keyvalue_0_2_0_draft2_atomics_swap(early, &one, &lost))
        return failed("the first swap");
    if (wasi_keyvalue_0_2_0_draft2_atomics_swap(late, &two, &lost) || lost.tag != 1)
        return failed("losing");
    drafts_option_list_u8_t now;
    if (!wasi_keyvalue_0_2_0_draft2_atomics_method_cas_current(
            wasi_keyvalue_0_2_0_draft2_atomics_borrow_cas(lost.val.cas_failed), &now, &error))
        return failed("current");
    printf("too late, it is '%.*s' now\n", (int)now.val.len, (char *)now.val.ptr);
    if (!wasi_keyvalue_0_2_0_draft2_atomics_swap(lost.val.cas_failed, &three, &lost))
        return failed("the retry");
    puts("swapped");
    return 0;
}

enum { MANY = 600 };

static bool fill(bucket1 bucket)
{
    static char names[MANY][8];
    static drafts_tuple2_string_list_u8_t pairs[MANY + 1];
    wasi_keyvalue_0_2_0_draft_store_error_t error;
    for (int i = 0; i <= MANY; i++) {
        snprintf(names[i % MANY], sizeof names[0], "%03d", i % MANY);
        pairs[i].f0 = TEXT(drafts_string_t, names[i % MANY]);
        pairs[i].f1 = bytes(i < MANY ? "first" : "last");
    }
    drafts_list_tuple2_string_list_u8_t all = {pairs, MANY + 1}; /* "000" is there twice */
    return wasi_keyvalue_0_2_0_draft_batch_set_many(bucket, &all, &error);
}

/* How many keys come, a number being the cursor; `own` is opened anew for each page if asked. */
static size_t count1(bucket1 bucket, bool deleting, bool anew)
{
    wasi_keyvalue_0_2_0_draft_store_error_t error;
    wasi_keyvalue_0_2_0_draft_store_key_response_t page = {0};
    drafts_string_t name = TEXT(drafts_string_t, "many");
    size_t n = 0;
    do {
        wasi_keyvalue_0_2_0_draft_store_own_bucket_t own;
        uint64_t cursor = page.cursor.val;
        if (anew && !wasi_keyvalue_0_2_0_draft_store_open(&name, &own, &error))
            return 0;
        if (anew)
            bucket = wasi_keyvalue_0_2_0_draft_store_borrow_bucket(own);
        if (!wasi_keyvalue_0_2_0_draft_store_method_bucket_list_keys(
                bucket, page.cursor.is_some ? &cursor : NULL, &page, &error))
            return 0;
        n += page.keys.len;
        if (deleting && !wasi_keyvalue_0_2_0_draft_batch_delete_many(bucket, &page.keys, &error))
            return 0;
    } while (page.cursor.is_some);
    return n;
}

static size_t count2(bucket2 bucket, bool deleting)
{
    wasi_keyvalue_0_2_0_draft2_store_error_t error;
    wasi_keyvalue_0_2_0_draft2_store_key_response_t page = {0};
    size_t n = 0;
    do {
        drafts_string_t cursor = page.cursor.val;
        if (!wasi_keyvalue_0_2_0_draft2_store_method_bucket_list_keys(
                bucket, page.cursor.is_some ? &cursor : NULL, &page, &error))
            return 0;
        n += page.keys.len;
        if (deleting && !wasi_keyvalue_0_2_0_draft2_batch_delete_many(bucket, &page.keys, &error))
            return 0;
    } while (page.cursor.is_some);
    return n;
}

static int pages(bucket1 first, bucket2 second)
{
    wasi_keyvalue_0_2_0_draft_store_error_t error;
    drafts_string_t twice = TEXT(drafts_string_t, "000");
    drafts_option_list_u8_t value;
    if (!fill(first) ||
        !wasi_keyvalue_0_2_0_draft_store_method_bucket_get(first, &twice, &value, &error))
        return failed("set-many");
    printf("twice: %.*s\n", (int)value.val.len, (char *)value.val.ptr);
    printf("by number: %zu\n", count1(first, false, false));
    printf("by the number of another bucket: %zu\n", count1(first, false, true));
    printf("by key: %zu\n", count2(second, false));
    printf("by number, deleting: %zu\n", count1(first, true, false));
    if (!fill(first))
        return failed("set-many");
    printf("by key, deleting: %zu\n", count2(second, true));
    printf("left: %zu\n", count2(second, false));
    return 0;
}

int main(int argc, char **argv)
{
    wasi_keyvalue_0_2_0_draft_store_own_bucket_t own1;
    wasi_keyvalue_0_2_0_draft2_store_own_bucket_t own2;
    wasi_keyvalue_0_2_0_draft_store_error_t error1;
    wasi_keyvalue_0_2_0_draft2_store_error_t error2;
    drafts_string_t name = TEXT(drafts_string_t, "many");
    if (!wasi_keyvalue_0_2_0_draft_store_open(&name, &own1, &error1) ||
        !wasi_keyvalue_0_2_0_draft2_store_open(&name, &own2, &error2))
        return failed("open");
    bucket1 first = wasi_keyvalue_0_2_0_draft_store_borrow_bucket(own1);
    bucket2 second = wasi_keyvalue_0_2_0_draft2_store_borrow_bucket(own2);
    switch (argument(argc, argv, 1, "")[0]) {
    case 'f': return flood(first);
    case 'p': return pages(first, second);
    }
    return batches(first) || batches2(second) || swaps(second);
}
