/*
 * keyvalue: keys and values in memory, for as long as the host runs.
 *
 * Implements wasi:keyvalue (store, atomics, batch) under the two drafts in use.
 * They differ in cursors (a number, a text), in the order of a batch's pairs and
 * in compare-and-swap, which only the second has. A component has its own space;
 * nobody else sees it. `increment` keeps numbers as decimal text, as Wasmtime
 * does.
 *
 * What differs between the drafts alone in names is written once, in a macro over
 * the prefix of the generated types (SERVE_STORE, SERVE_BATCH).
 */
#include "providers/keyvalue/keyvalue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "providers/gen/wasi_drafts.h"
#include "providers/keyvalue/store.h"

#define PAGE 256 /* keys of one list-keys */

static loop_error *open_keyvalue(const loop_services *services, void **ret_self)
{
    (void)services;
    *ret_self = lp_alloc(sizeof(struct kv_spaces));
    return NULL;
}

static void close_keyvalue(void *self)
{
    kv_spaces_done(self);
    free(self);
}

static lp_str str(loop_string s)
{
    return (lp_str){s.ptr, s.len};
}

static lp_str bytes(loop_list_u8 l)
{
    return (lp_str){(const char *)l.ptr, l.len};
}

/* A copy: another instance may change the entry before this one has its answer. */
static loop_list_u8 value_of(loop_call *call, const struct kv_entry *e)
{
    loop_string copy = loop_call_string(call, e->value, e->value_len);
    return (loop_list_u8){(const uint8_t *)copy.ptr, copy.len};
}

static loop_string key_of(loop_call *call, const struct kv_entry *e)
{
    return loop_call_string(call, e->key, e->key_len);
}

/* result<_, error>: the case `other` with a text, where there is one. */
#define ANSWER(ret, why)                                                                           \
    do {                                                                                           \
        const char *answer_why = (why);                                                            \
        if (answer_why) {                                                                          \
            (ret)->is_err = true;                                                                  \
            (ret)->of.error.tag = WASI_KEYVALUE_STORE_ERROR_OTHER;                                 \
            (ret)->of.error.of.other = loop_string_of(answer_why);                                 \
        }                                                                                          \
    } while (0)

_Static_assert((int)WASI_KEYVALUE_STORE_ERROR_OTHER ==
                       (int)WASI_KEYVALUE_STORE_0_2_0_DRAFT_ERROR_OTHER &&
                   (int)WASI_KEYVALUE_STORE_ERROR_NO_SUCH_STORE ==
                       (int)WASI_KEYVALUE_STORE_0_2_0_DRAFT_ERROR_NO_SUCH_STORE,
               "the drafts number their errors alike");

/* ---- store ---- */

/* A page of keys from entry `from`. */
static loop_list_string page(loop_call *call, const struct kv_bucket *b, size_t from)
{
    size_t n = from < b->entries.n ? LP_MIN(b->entries.n - from, (size_t)PAGE) : 0;
    loop_string *keys = loop_call_alloc(call, (n + 1) * sizeof *keys);
    for (size_t i = 0; keys && i < n; i++)
        keys[i] = key_of(call, &b->entries.at[from + i]);
    return (loop_list_string){keys, keys ? n : 0};
}

#define BUCKET(b) ((void)self, (void)call, (struct kv_bucket *)(b))

#define SERVE_STORE(X)                                                                             \
    static loop_error *X##_open(void *self, loop_call *call, loop_string identifier,               \
                                X##_result_own_bucket_error *ret)                                  \
    {                                                                                              \
        struct kv_space *space = kv_space_of(self, loop_call_component(call));                     \
        ret->of.ok = (X##_bucket *)kv_bucket_open(space, str(identifier));                         \
        if (!ret->of.ok) {                                                                         \
            ret->is_err = true;                                                                    \
            ret->of.error.tag = WASI_KEYVALUE_STORE_ERROR_NO_SUCH_STORE;                           \
        }                                                                                          \
        return NULL;                                                                               \
    }                                                                                              \
    static loop_error *X##_get(void *self, loop_call *call, X##_bucket *bucket, loop_string key,   \
                               X##_result_option_list_u8_error *ret)                               \
    {                                                                                              \
        const struct kv_entry *e = kv_get(BUCKET(bucket), str(key));                               \
        if (e) {                                                                                   \
            ret->of.ok.is_some = true;                                                             \
            ret->of.ok.value = value_of(call, e);                                                  \
        }                                                                                          \
        return NULL;                                                                               \
    }                                                                                              \
    static loop_error *X##_set(void *self, loop_call *call, X##_bucket *bucket, loop_string key,   \
                               loop_list_u8 value, X##_result_void_error *ret)                     \
    {                                                                                              \
        ANSWER(ret, kv_set(BUCKET(bucket), str(key), bytes(value)));                               \
        return NULL;                                                                               \
    }                                                                                              \
    static loop_error *X##_delete(void *self, loop_call *call, X##_bucket *bucket,                 \
                                  loop_string key, X##_result_void_error *ret)                     \
    {                                                                                              \
        (void)ret;                                                                                 \
        kv_delete(BUCKET(bucket), str(key));                                                       \
        return NULL;                                                                               \
    }                                                                                              \
    static loop_error *X##_exists(void *self, loop_call *call, X##_bucket *bucket,                 \
                                  loop_string key, X##_result_bool_error *ret)                     \
    {                                                                                              \
        ret->of.ok = kv_get(BUCKET(bucket), str(key)) != NULL;                                     \
        return NULL;                                                                               \
    }

SERVE_STORE(wasi_keyvalue_store_0_2_0_draft)
SERVE_STORE(wasi_keyvalue_store)

/* The first draft: the cursor is the number of keys that were given. */
static loop_error *list_by_number(void *self, loop_call *call,
                                  wasi_keyvalue_store_0_2_0_draft_bucket *bucket,
                                  const loop_option_u64 *cursor,
                                  wasi_keyvalue_store_0_2_0_draft_result_key_response_error *ret)
{
    const struct kv_bucket *b = BUCKET(bucket);
    size_t from = cursor->is_some ? (size_t)LP_MIN(cursor->value, (uint64_t)b->entries.n) : 0;
    ret->of.ok.keys = page(call, b, from);
    ret->of.ok.cursor = (loop_option_u64){from + PAGE < b->entries.n, from + PAGE};
    return NULL;
}

/* The second draft: the cursor is the last key that was given. */
static loop_error *list_by_key(void *self, loop_call *call, wasi_keyvalue_store_bucket *bucket,
                               const loop_option_string *cursor,
                               wasi_keyvalue_store_result_key_response_error *ret)
{
    const struct kv_bucket *b = BUCKET(bucket);
    size_t from = cursor->is_some ? kv_after(b, str(cursor->value)) : 0;
    ret->of.ok.keys = page(call, b, from);
    if (from + PAGE < b->entries.n && ret->of.ok.keys.len)
        ret->of.ok.cursor =
            (loop_option_string){true, ret->of.ok.keys.ptr[ret->of.ok.keys.len - 1]};
    return NULL;
}

static const wasi_keyvalue_store_0_2_0_draft_functions store = {
    .open = wasi_keyvalue_store_0_2_0_draft_open,
    .bucket_get = wasi_keyvalue_store_0_2_0_draft_get,
    .bucket_set = wasi_keyvalue_store_0_2_0_draft_set,
    .bucket_delete = wasi_keyvalue_store_0_2_0_draft_delete,
    .bucket_exists = wasi_keyvalue_store_0_2_0_draft_exists,
    .bucket_list_keys = list_by_number,
};
static const wasi_keyvalue_store_functions store2 = {
    .open = wasi_keyvalue_store_open,
    .bucket_get = wasi_keyvalue_store_get,
    .bucket_set = wasi_keyvalue_store_set,
    .bucket_delete = wasi_keyvalue_store_delete,
    .bucket_exists = wasi_keyvalue_store_exists,
    .bucket_list_keys = list_by_key,
};

/* ---- batch ---- */

static const char too_many[] = "more than 4096 keys at once";
_Static_assert(LP_MAX_KV_BATCH == 4096, "too_many");

#define SERVE_BATCH(X)                                                                             \
    static loop_error *X##_set_many(void *self, loop_call *call, X##_bucket *bucket,               \
                                    X##_list_tuple_string_list_u8 pairs,                           \
                                    X##_result_void_error *ret)                                    \
    {                                                                                              \
        struct kv_bucket *b = BUCKET(bucket);                                                      \
        ANSWER(ret, pairs.len > LP_MAX_KV_BATCH ? too_many : NULL);                                \
        for (size_t i = 0; !ret->is_err && i < pairs.len; i++)                                     \
            ANSWER(ret, kv_set(b, str(pairs.ptr[i].f0), bytes(pairs.ptr[i].f1)));                  \
        return NULL;                                                                               \
    }                                                                                              \
    static loop_error *X##_delete_many(void *self, loop_call *call, X##_bucket *bucket,            \
                                       loop_list_string keys, X##_result_void_error *ret)          \
    {                                                                                              \
        ANSWER(ret, keys.len > LP_MAX_KV_BATCH ? too_many : NULL);                                 \
        for (size_t i = 0; !ret->is_err && i < keys.len; i++)                                      \
            kv_delete(BUCKET(bucket), str(keys.ptr[i]));                                           \
        return NULL;                                                                               \
    }

SERVE_BATCH(wasi_keyvalue_batch_0_2_0_draft)
SERVE_BATCH(wasi_keyvalue_batch)

/* The first draft: list<option<tuple<key, value>>>. */
static loop_error *
get_many(void *self, loop_call *call, wasi_keyvalue_batch_0_2_0_draft_bucket *bucket,
         loop_list_string keys,
         wasi_keyvalue_batch_0_2_0_draft_result_list_option_tuple_string_list_u8_error *ret)
{
    ANSWER(ret, keys.len > LP_MAX_KV_BATCH ? too_many : NULL);
    if (ret->is_err)
        return NULL;
    wasi_keyvalue_batch_0_2_0_draft_option_tuple_string_list_u8 *items =
        loop_call_alloc(call, (keys.len + 1) * sizeof *items);
    if (!items)
        return NULL;
    for (size_t i = 0; i < keys.len; i++) {
        const struct kv_entry *e = kv_get(BUCKET(bucket), str(keys.ptr[i]));
        items[i].is_some = e != NULL;
        items[i].value.f0 = keys.ptr[i];
        if (e)
            items[i].value.f1 = value_of(call, e);
    }
    ret->of.ok.ptr = items;
    ret->of.ok.len = keys.len;
    return NULL;
}

/* The second: list<tuple<key, option<value>>>. */
static loop_error *get_many2(void *self, loop_call *call, wasi_keyvalue_batch_bucket *bucket,
                             loop_list_string keys,
                             wasi_keyvalue_batch_result_list_tuple_string_option_list_u8_error *ret)
{
    ANSWER(ret, keys.len > LP_MAX_KV_BATCH ? too_many : NULL);
    if (ret->is_err)
        return NULL;
    wasi_keyvalue_batch_tuple_string_option_list_u8 *items =
        loop_call_alloc(call, (keys.len + 1) * sizeof *items);
    if (!items)
        return NULL;
    for (size_t i = 0; i < keys.len; i++) {
        const struct kv_entry *e = kv_get(BUCKET(bucket), str(keys.ptr[i]));
        items[i].f0 = keys.ptr[i];
        items[i].f1.is_some = e != NULL;
        if (e)
            items[i].f1.value = value_of(call, e);
    }
    ret->of.ok.ptr = items;
    ret->of.ok.len = keys.len;
    return NULL;
}

static const wasi_keyvalue_batch_0_2_0_draft_functions batch = {
    .get_many = get_many,
    .set_many = wasi_keyvalue_batch_0_2_0_draft_set_many,
    .delete_many = wasi_keyvalue_batch_0_2_0_draft_delete_many,
};
static const wasi_keyvalue_batch_functions batch2 = {
    .get_many = get_many2,
    .set_many = wasi_keyvalue_batch_set_many,
    .delete_many = wasi_keyvalue_batch_delete_many,
};

/* ---- atomics ---- */

/* Decimal text, as `increment` keeps it; NULL is 0. False where it is no number. */
static bool parse_number(const struct kv_entry *e, bool negative_too, int64_t *ret_s,
                         uint64_t *ret_u)
{
    *ret_s = 0;
    *ret_u = 0;
    if (!e)
        return true;
    char *end;
    errno = 0;
    if (negative_too)
        *ret_s = strtoll(e->value, &end, 10);
    else
        *ret_u = strtoull(e->value, &end, 10);
    return !errno && e->value_len && end == e->value + e->value_len &&
           (negative_too || e->value[0] != '-');
}

static const char no_number[] = "the value is not a number";
static const char no_sum[] = "the sum does not fit 64 bits";

static loop_error *increment(void *self, loop_call *call,
                             wasi_keyvalue_atomics_0_2_0_draft_bucket *bucket, loop_string key,
                             uint64_t delta,
                             wasi_keyvalue_atomics_0_2_0_draft_result_u64_error *ret)
{
    struct kv_bucket *b = BUCKET(bucket);
    int64_t s;
    uint64_t u;
    if (!parse_number(kv_get(b, str(key)), false, &s, &u)) {
        ANSWER(ret, no_number);
        return NULL;
    }
    if (__builtin_add_overflow(u, delta, &u)) {
        ANSWER(ret, no_sum);
        return NULL;
    }
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)u);
    ret->of.ok = u;
    ANSWER(ret, kv_set(b, str(key), lp_str_of(text)));
    return NULL;
}

static loop_error *increment2(void *self, loop_call *call, wasi_keyvalue_atomics_bucket *bucket,
                              loop_string key, int64_t delta,
                              wasi_keyvalue_atomics_result_s64_error *ret)
{
    struct kv_bucket *b = BUCKET(bucket);
    int64_t s;
    uint64_t u;
    if (!parse_number(kv_get(b, str(key)), true, &s, &u)) {
        ANSWER(ret, no_number);
        return NULL;
    }
    if (__builtin_add_overflow(s, delta, &s)) {
        ANSWER(ret, no_sum);
        return NULL;
    }
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)s);
    ret->of.ok = s;
    ANSWER(ret, kv_set(b, str(key), lp_str_of(text)));
    return NULL;
}

/* A compare-and-swap in waiting: which version of the key was seen. */
struct wasi_keyvalue_atomics_cas {
    struct kv_bucket *bucket;
    char *key;
    size_t key_len;
    uint64_t version; /* 0: the key was not there */
};

static void cas_drop(void *self, wasi_keyvalue_atomics_cas *c)
{
    (void)self;
    free(c->key);
    free(c);
}

static lp_str cas_key(const wasi_keyvalue_atomics_cas *c)
{
    return (lp_str){c->key, c->key_len};
}

static loop_error *cas_new(void *self, loop_call *call, wasi_keyvalue_atomics_bucket *bucket,
                           loop_string key, wasi_keyvalue_atomics_result_own_cas_error *ret)
{
    struct kv_bucket *b = BUCKET(bucket);
    if (key.len > LP_MAX_KV_KEY) {
        ANSWER(ret, "the key is longer than 1 KiB");
        return NULL;
    }
    const struct kv_entry *e = kv_get(b, str(key));
    ret->of.ok = lp_alloc(sizeof *ret->of.ok);
    *ret->of.ok =
        (wasi_keyvalue_atomics_cas){b, lp_strndup(key.ptr, key.len), key.len, e ? e->version : 0};
    return NULL;
}

static loop_error *cas_current(void *self, loop_call *call, wasi_keyvalue_atomics_cas *cas,
                               wasi_keyvalue_atomics_result_option_list_u8_error *ret)
{
    (void)self;
    const struct kv_entry *e = kv_get(cas->bucket, cas_key(cas));
    cas->version = e ? e->version : 0;
    if (e) {
        ret->of.ok.is_some = true;
        ret->of.ok.value = value_of(call, e);
    }
    return NULL;
}

/* Uses the cas up, or gives it back as it is now. */
static loop_error *swap(void *self, loop_call *call, wasi_keyvalue_atomics_cas *cas,
                        loop_list_u8 value, wasi_keyvalue_atomics_result_void_cas_error *ret)
{
    (void)call;
    wasi_keyvalue_atomics_cas_error *error = &ret->of.error;
    const struct kv_entry *e = kv_get(cas->bucket, cas_key(cas));
    uint64_t version = e ? e->version : 0;
    if (version != cas->version) {
        cas->version = version;
        ret->is_err = true;
        error->tag = WASI_KEYVALUE_ATOMICS_CAS_ERROR_CAS_FAILED;
        error->of.cas_failed = cas;
        return NULL;
    }
    const char *why = kv_set(cas->bucket, cas_key(cas), bytes(value));
    if (why) {
        ret->is_err = true;
        error->tag = WASI_KEYVALUE_ATOMICS_CAS_ERROR_STORE_ERROR;
        error->of.store_error.tag = WASI_KEYVALUE_STORE_ERROR_OTHER;
        error->of.store_error.of.other = loop_string_of(why);
    }
    cas_drop(self, cas);
    return NULL;
}

static const wasi_keyvalue_atomics_0_2_0_draft_functions atomics = {.increment = increment};
static const wasi_keyvalue_atomics_functions atomics2 = {
    .increment = increment2,
    .cas_new = cas_new,
    .cas_current = cas_current,
    .swap = swap,
    .cas_drop = cas_drop,
};

const loop_provider lp_provider_keyvalue = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "keyvalue",
    .summary = "keys and values in memory, private to a component, as wasi:keyvalue",
    .interfaces =
        (const loop_provider_interface[]){
            {&wasi_keyvalue_store_0_2_0_draft_interface, &store},
            {&wasi_keyvalue_store_interface, &store2},
            {&wasi_keyvalue_batch_0_2_0_draft_interface, &batch},
            {&wasi_keyvalue_batch_interface, &batch2},
            {&wasi_keyvalue_atomics_0_2_0_draft_interface, &atomics},
            {&wasi_keyvalue_atomics_interface, &atomics2},
            {NULL, NULL},
        },
    .threads = LOOP_THREADS_SERIAL,
    .open = open_keyvalue,
    .close = close_keyvalue,
};
