/*
 * keyvalue: wasi:keyvalue, kept by whoever serves loop:storage/store.
 *
 * Implements store, atomics and batch under the two drafts in use as an adapter: every call
 * becomes one of loop:storage, asked as the calling component would ask it (bucket.h). So the
 * same grant, quota and identity hold, what is durable there is durable here, and a component
 * that uses both sees one bucket "notes". Without the grant for storage, `open` answers
 * `access-denied`; the log says what would change it.
 *
 * The drafts differ in cursors (a number, a text), in the order of a batch's pairs and in
 * compare-and-swap, which only the second has. `increment` keeps numbers as decimal text, as
 * Wasmtime does. What differs in names alone is written once, in a macro over the prefix of
 * the generated types (SERVE_STORE, SERVE_BATCH).
 */
#include "providers/keyvalue/keyvalue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "providers/keyvalue/bucket.h"

static loop_error *open_keyvalue(const loop_services *services, void **ret_self)
{
    *ret_self = kv_new(services);
    return NULL;
}

static void close_keyvalue(void *self)
{
    kv_delete(self);
}

/* result<_, error> of either draft, whose errors are numbered alike. */
#define REFUSE(ret, why)                                                                           \
    do {                                                                                           \
        (ret)->is_err = true;                                                                      \
        (ret)->of.error.tag = (why).tag;                                                           \
        (ret)->of.error.of.other = (why).of.other;                                                 \
    } while (0)

_Static_assert((int)WASI_KEYVALUE_STORE_ERROR_OTHER ==
                       (int)WASI_KEYVALUE_STORE_0_2_0_DRAFT_ERROR_OTHER &&
                   (int)WASI_KEYVALUE_STORE_ERROR_ACCESS_DENIED ==
                       (int)WASI_KEYVALUE_STORE_0_2_0_DRAFT_ERROR_ACCESS_DENIED &&
                   (int)WASI_KEYVALUE_STORE_ERROR_NO_SUCH_STORE ==
                       (int)WASI_KEYVALUE_STORE_0_2_0_DRAFT_ERROR_NO_SUCH_STORE,
               "the drafts number their errors alike");

static kv_why because(const char *text)
{
    return (kv_why){.tag = WASI_KEYVALUE_STORE_ERROR_OTHER, .of.other = loop_string_of(text)};
}

/* ---- store ---- */

/* The interfaces have a type of bucket each; all are this one. */
#define BUCKET(b) ((void)self, (kv_bucket *)(b))

#define SERVE_STORE(X)                                                                             \
    static loop_error *X##_open(void *self, loop_call *call, loop_string identifier,               \
                                X##_result_own_bucket_error *ret)                                  \
    {                                                                                              \
        kv_why why;                                                                                \
        kv_bucket *b;                                                                              \
        if (kv_open(self, call, identifier, &b, &why))                                             \
            ret->of.ok = (X##_bucket *)b;                                                          \
        else                                                                                       \
            REFUSE(ret, why);                                                                      \
        return NULL;                                                                               \
    }                                                                                              \
    static loop_error *X##_get(void *self, loop_call *call, X##_bucket *bucket, loop_string key,   \
                               X##_result_option_list_u8_error *ret)                               \
    {                                                                                              \
        kv_why why;                                                                                \
        kv_entry e = {0};                                                                          \
        if (!kv_get(BUCKET(bucket), call, key, &e, &why)) {                                        \
            REFUSE(ret, why);                                                                      \
            return NULL;                                                                           \
        }                                                                                          \
        ret->of.ok.is_some = e.is_some;                                                            \
        ret->of.ok.value = e.value.value;                                                          \
        return NULL;                                                                               \
    }                                                                                              \
    static loop_error *X##_set(void *self, loop_call *call, X##_bucket *bucket, loop_string key,   \
                               loop_list_u8 value, X##_result_void_error *ret)                     \
    {                                                                                              \
        kv_why why;                                                                                \
        if (!kv_set(BUCKET(bucket), call, key, value, &why))                                       \
            REFUSE(ret, why);                                                                      \
        return NULL;                                                                               \
    }                                                                                              \
    static loop_error *X##_delete(void *self, loop_call *call, X##_bucket *bucket,                 \
                                  loop_string key, X##_result_void_error *ret)                     \
    {                                                                                              \
        kv_why why;                                                                                \
        if (!kv_remove(BUCKET(bucket), call, key, &why))                                           \
            REFUSE(ret, why);                                                                      \
        return NULL;                                                                               \
    }                                                                                              \
    static loop_error *X##_exists(void *self, loop_call *call, X##_bucket *bucket,                 \
                                  loop_string key, X##_result_bool_error *ret)                     \
    {                                                                                              \
        kv_why why;                                                                                \
        bool is = false;                                                                           \
        if (kv_exists(BUCKET(bucket), call, key, &is, &why))                                       \
            ret->of.ok = is;                                                                       \
        else                                                                                       \
            REFUSE(ret, why);                                                                      \
        return NULL;                                                                               \
    }                                                                                              \
    static void X##_drop(void *self, X##_bucket *bucket)                                           \
    {                                                                                              \
        kv_bucket_unref(BUCKET(bucket));                                                           \
    }

SERVE_STORE(wasi_keyvalue_store_0_2_0_draft)
SERVE_STORE(wasi_keyvalue_store)

static loop_error *list_by_number(void *self, loop_call *call,
                                  wasi_keyvalue_store_0_2_0_draft_bucket *bucket,
                                  const loop_option_u64 *cursor,
                                  wasi_keyvalue_store_0_2_0_draft_result_key_response_error *ret)
{
    kv_why why;
    wasi_keyvalue_store_0_2_0_draft_key_response r = {0};
    if (kv_page_by_number(BUCKET(bucket), call, cursor, &r.keys, &r.cursor, &why))
        ret->of.ok = r;
    else
        REFUSE(ret, why);
    return NULL;
}

static loop_error *list_by_key(void *self, loop_call *call, wasi_keyvalue_store_bucket *bucket,
                               const loop_option_string *cursor,
                               wasi_keyvalue_store_result_key_response_error *ret)
{
    kv_why why;
    wasi_keyvalue_store_key_response r = {0};
    if (kv_page(BUCKET(bucket), call, cursor, &r.keys, &r.cursor, &why))
        ret->of.ok = r;
    else
        REFUSE(ret, why);
    return NULL;
}

static const wasi_keyvalue_store_0_2_0_draft_functions store = {
    .open = wasi_keyvalue_store_0_2_0_draft_open,
    .bucket_get = wasi_keyvalue_store_0_2_0_draft_get,
    .bucket_set = wasi_keyvalue_store_0_2_0_draft_set,
    .bucket_delete = wasi_keyvalue_store_0_2_0_draft_delete,
    .bucket_exists = wasi_keyvalue_store_0_2_0_draft_exists,
    .bucket_list_keys = list_by_number,
    .bucket_drop = wasi_keyvalue_store_0_2_0_draft_drop,
};
static const wasi_keyvalue_store_functions store2 = {
    .open = wasi_keyvalue_store_open,
    .bucket_get = wasi_keyvalue_store_get,
    .bucket_set = wasi_keyvalue_store_set,
    .bucket_delete = wasi_keyvalue_store_delete,
    .bucket_exists = wasi_keyvalue_store_exists,
    .bucket_list_keys = list_by_key,
    .bucket_drop = wasi_keyvalue_store_drop,
};

/* ---- batch ---- */

/* Whether there are not too many keys; else why. */
static bool few(size_t n, kv_why *why)
{
    *why = because("more than 4096 keys at once");
    return n <= LP_MAX_KV_BATCH;
}
_Static_assert(LP_MAX_KV_BATCH == 4096, "what the message says");

#define SERVE_BATCH(X)                                                                             \
    static loop_error *X##_set_many(void *self, loop_call *call, X##_bucket *bucket,               \
                                    X##_list_tuple_string_list_u8 pairs,                           \
                                    X##_result_void_error *ret)                                    \
    {                                                                                              \
        kv_why why;                                                                                \
        if (pairs.len && (!few(pairs.len, &why) ||                                                 \
                          !kv_change_many(BUCKET(bucket), call, &pairs.ptr->f0, sizeof *pairs.ptr, \
                                          &pairs.ptr->f1, pairs.len, &why)))                       \
            REFUSE(ret, why);                                                                      \
        return NULL;                                                                               \
    }                                                                                              \
    static loop_error *X##_delete_many(void *self, loop_call *call, X##_bucket *bucket,            \
                                       loop_list_string keys, X##_result_void_error *ret)          \
    {                                                                                              \
        kv_why why;                                                                                \
        if (!few(keys.len, &why) || !kv_change_many(BUCKET(bucket), call, keys.ptr,                \
                                                    sizeof *keys.ptr, NULL, keys.len, &why))       \
            REFUSE(ret, why);                                                                      \
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
    kv_why why;
    const kv_entry *e = NULL;
    if (!few(keys.len, &why) || !kv_get_many(BUCKET(bucket), call, keys, &e, &why)) {
        REFUSE(ret, why);
        return NULL;
    }
    wasi_keyvalue_batch_0_2_0_draft_option_tuple_string_list_u8 *items =
        loop_call_alloc(call, (keys.len + 1) * sizeof *items);
    for (size_t i = 0; items && i < keys.len; i++) {
        items[i].is_some = e[i].is_some;
        items[i].value.f0 = keys.ptr[i];
        items[i].value.f1 = e[i].value.value;
    }
    ret->of.ok.ptr = items;
    ret->of.ok.len = items ? keys.len : 0;
    return NULL;
}

/* The second: list<tuple<key, option<value>>>. */
static loop_error *get_many2(void *self, loop_call *call, wasi_keyvalue_batch_bucket *bucket,
                             loop_list_string keys,
                             wasi_keyvalue_batch_result_list_tuple_string_option_list_u8_error *ret)
{
    kv_why why;
    const kv_entry *e = NULL;
    if (!few(keys.len, &why) || !kv_get_many(BUCKET(bucket), call, keys, &e, &why)) {
        REFUSE(ret, why);
        return NULL;
    }
    wasi_keyvalue_batch_tuple_string_option_list_u8 *items =
        loop_call_alloc(call, (keys.len + 1) * sizeof *items);
    for (size_t i = 0; items && i < keys.len; i++) {
        items[i].f0 = keys.ptr[i];
        items[i].f1.is_some = e[i].is_some;
        items[i].f1.value = e[i].value.value;
    }
    ret->of.ok.ptr = items;
    ret->of.ok.len = items ? keys.len : 0;
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

/* Decimal text, as `increment` keeps it; what is not there is 0. False where it is no number. */
static bool parse_number(const kv_entry *e, bool is_signed, int64_t *ret_s, uint64_t *ret_u)
{
    char text[24], *end; /* 20 digits and a sign */
    loop_list_u8 v = e->value.value;
    *ret_s = 0;
    *ret_u = 0;
    if (!e->is_some)
        return true;
    if (!v.len || v.len >= sizeof text)
        return false;
    memcpy(text, v.ptr, v.len);
    text[v.len] = 0;
    errno = 0;
    if (is_signed)
        *ret_s = strtoll(text, &end, 10);
    else
        *ret_u = strtoull(text, &end, 10);
    return !errno && end == text + v.len && (is_signed || text[0] != '-');
}

/* Adds to a number until nobody came between: each time round, somebody else got on. */
static bool add(kv_bucket *b, loop_call *call, loop_string key, bool is_signed, uint64_t delta,
                int64_t *ret_s, uint64_t *ret_u, kv_why *why)
{
    for (bool applied = false; !applied;) {
        kv_entry e = {0};
        char text[24];
        if (!kv_get(b, call, key, &e, why))
            return false;
        *why = because("the value is not a number");
        if (!parse_number(&e, is_signed, ret_s, ret_u))
            return false;
        *why = because("the sum does not fit 64 bits");
        if (is_signed ? __builtin_add_overflow(*ret_s, (int64_t)delta, ret_s)
                      : __builtin_add_overflow(*ret_u, delta, ret_u))
            return false;
        int n = is_signed ? snprintf(text, sizeof text, "%lld", (long long)*ret_s)
                          : snprintf(text, sizeof text, "%llu", (unsigned long long)*ret_u);
        loop_list_u8 value = {(const uint8_t *)text, (size_t)n};
        if (!kv_swap(b, call, key, &e, value, &applied, why))
            return false;
        *why = because("cancelled");
        if (!applied && loop_call_cancelled(call, NULL) != LOOP_CANCEL_NONE)
            return false;
    }
    return true;
}

static loop_error *increment(void *self, loop_call *call,
                             wasi_keyvalue_atomics_0_2_0_draft_bucket *bucket, loop_string key,
                             uint64_t delta,
                             wasi_keyvalue_atomics_0_2_0_draft_result_u64_error *ret)
{
    kv_why why;
    int64_t s;
    uint64_t u;
    if (add(BUCKET(bucket), call, key, false, delta, &s, &u, &why))
        ret->of.ok = u;
    else
        REFUSE(ret, why);
    return NULL;
}

static loop_error *increment2(void *self, loop_call *call, wasi_keyvalue_atomics_bucket *bucket,
                              loop_string key, int64_t delta,
                              wasi_keyvalue_atomics_result_s64_error *ret)
{
    kv_why why;
    int64_t s;
    uint64_t u;
    if (add(BUCKET(bucket), call, key, true, (uint64_t)delta, &s, &u, &why))
        ret->of.ok = s;
    else
        REFUSE(ret, why);
    return NULL;
}

/* A compare-and-swap in waiting: which version of the key was seen. */
struct wasi_keyvalue_atomics_cas {
    kv_bucket *bucket;
    char *key;
    size_t key_len;
    bool was; /* the key was there */
    size_t version_len;
    char version[LP_MAX_STORE_VERSION];
};

static void cas_drop(void *self, wasi_keyvalue_atomics_cas *c)
{
    (void)self;
    kv_bucket_unref(c->bucket);
    free(c->key);
    free(c);
}

static loop_string cas_key(const wasi_keyvalue_atomics_cas *c)
{
    return (loop_string){c->key, c->key_len};
}

/* Looks at the key and remembers its version. */
static bool cas_look(wasi_keyvalue_atomics_cas *c, loop_call *call, kv_entry *ret, kv_why *why)
{
    if (!kv_get(c->bucket, call, cas_key(c), ret, why))
        return false;
    *why = because("the version is too long");
    if (ret->value.version.len > sizeof c->version)
        return false;
    c->was = ret->is_some;
    c->version_len = ret->is_some ? ret->value.version.len : 0;
    if (c->version_len)
        memcpy(c->version, ret->value.version.ptr, c->version_len);
    return true;
}

static loop_error *cas_new(void *self, loop_call *call, wasi_keyvalue_atomics_bucket *bucket,
                           loop_string key, wasi_keyvalue_atomics_result_own_cas_error *ret)
{
    kv_why why;
    kv_entry e = {0};
    wasi_keyvalue_atomics_cas *c = lp_alloc(sizeof *c);
    c->bucket = kv_bucket_ref(BUCKET(bucket));
    c->key = lp_strndup(key.ptr, key.len);
    c->key_len = key.len;
    if (cas_look(c, call, &e, &why)) {
        ret->of.ok = c;
        return NULL;
    }
    cas_drop(self, c);
    REFUSE(ret, why);
    return NULL;
}

static loop_error *cas_current(void *self, loop_call *call, wasi_keyvalue_atomics_cas *cas,
                               wasi_keyvalue_atomics_result_option_list_u8_error *ret)
{
    (void)self;
    kv_why why;
    kv_entry e = {0};
    if (!cas_look(cas, call, &e, &why)) {
        REFUSE(ret, why);
        return NULL;
    }
    ret->of.ok.is_some = e.is_some;
    ret->of.ok.value = e.value.value;
    return NULL;
}

/* Uses the cas up, or gives it back as it is now. */
static loop_error *swap(void *self, loop_call *call, wasi_keyvalue_atomics_cas *cas,
                        loop_list_u8 value, wasi_keyvalue_atomics_result_void_cas_error *ret)
{
    kv_why why;
    bool applied = false;
    wasi_keyvalue_atomics_cas_error *error = &ret->of.error;
    kv_entry e = {.is_some = cas->was, .value.version = {cas->version, cas->version_len}};
    bool asked = kv_swap(cas->bucket, call, cas_key(cas), &e, value, &applied, &why);
    if (asked && !applied) {
        e = (kv_entry){0};
        asked = cas_look(cas, call, &e, &why);
    }
    if (asked && !applied) {
        ret->is_err = true;
        error->tag = WASI_KEYVALUE_ATOMICS_CAS_ERROR_CAS_FAILED;
        error->of.cas_failed = cas;
        return NULL;
    }
    if (!asked) {
        ret->is_err = true;
        error->tag = WASI_KEYVALUE_ATOMICS_CAS_ERROR_STORE_ERROR;
        error->of.store_error = why;
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
    .summary = "wasi:keyvalue, kept by the provider of loop:storage",
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
    .threads = LOOP_THREADS_ANY,
    .needs =
        (const loop_provider_need[]){
            {"wasi:keyvalue/store", "*", LOOP_NEED_STORAGE, NULL,
             "a component may store, up to its quota"},
            {"wasi:keyvalue/batch", "*", LOOP_NEED_STORAGE, NULL,
             "a component may store, up to its quota"},
            {"wasi:keyvalue/atomics", "*", LOOP_NEED_STORAGE, NULL,
             "a component may store, up to its quota"},
            {0},
        },
    .open = open_keyvalue,
    .close = close_keyvalue,
};
