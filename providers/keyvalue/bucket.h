/*
 * providers/keyvalue/bucket.h: a bucket of wasi:keyvalue as one of loop:storage/store.
 *
 *     component ─▶ keyvalue.c   wasi:keyvalue, two drafts
 *                  bucket.c     what both mean, as calls of loop:storage
 *                  a peer       whoever serves loop:storage/store to that component
 *
 * Every function returns false where the component is to get *why: `access-denied` without
 * the storage grant, else `other` with the text of the store.
 *
 * Who owns what: a kv_bucket is the component's handle and what its swaps in waiting point
 * to; the last of them frees it. Answers live until the component has its answer.
 */
#ifndef LP_KEYVALUE_BUCKET_H
#define LP_KEYVALUE_BUCKET_H

#include "base/base.h"
#include "loop/provider.h"
#include "loop/wit/storage.h"
#include "providers/gen/wasi_drafts.h"

typedef struct kv kv;               /* `self` of the provider */
typedef struct kv_bucket kv_bucket; /* open */
typedef wasi_keyvalue_store_error kv_why;
typedef loop_storage_store_option_entry kv_entry;

kv *kv_new(const loop_services *services);
void kv_delete(kv *k);

bool kv_open(kv *k, loop_call *call, loop_string name, kv_bucket **ret, kv_why *why);
kv_bucket *kv_bucket_ref(kv_bucket *b);
void kv_bucket_unref(kv_bucket *b);

bool kv_get(kv_bucket *b, loop_call *call, loop_string key, kv_entry *ret, kv_why *why);
/* Of any number of keys up to LP_MAX_KV_BATCH; `ret` is memory of the call. */
bool kv_get_many(kv_bucket *b, loop_call *call, loop_list_string keys, const kv_entry **ret,
                 kv_why *why);
bool kv_set(kv_bucket *b, loop_call *call, loop_string key, loop_list_u8 value, kv_why *why);
bool kv_remove(kv_bucket *b, loop_call *call, loop_string key, kv_why *why);
bool kv_exists(kv_bucket *b, loop_call *call, loop_string key, bool *ret, kv_why *why);

/*
 * Sets `value` if the version is still that of `seen`, or if there still is nothing. False in
 * *ret_applied: it is not.
 */
bool kv_swap(kv_bucket *b, loop_call *call, loop_string key, const kv_entry *seen,
             loop_list_u8 value, bool *ret_applied, kv_why *why);

/*
 * Pairs of keys and values, or keys alone, which are removed (`values` is NULL). Of a key that
 * stands there twice the last one holds. Each LP_MAX_STORE_BATCH of them are one step.
 */
bool kv_change_many(kv_bucket *b, loop_call *call, const loop_string *keys, size_t stride,
                    const loop_list_u8 *values, size_t n, kv_why *why);

/* Some keys after `cursor`: those that are text. */
bool kv_page(kv_bucket *b, loop_call *call, const loop_option_string *cursor, loop_list_string *ret,
             loop_option_string *ret_cursor, kv_why *why);
/* The same with a number for a cursor: of the keys that came so far. */
bool kv_page_by_number(kv_bucket *b, loop_call *call, const loop_option_u64 *cursor,
                       loop_list_string *ret, loop_option_u64 *ret_cursor, kv_why *why);

/*
 * The name of a bucket of loop:storage for one of wasi:keyvalue, which may be any text: what
 * is a name there stays as it is, but for dots; every other byte becomes a dot and two
 * hexadecimal digits, and no text at all a dot. False where that is too long. `ret` has
 * LP_MAX_STORE_NAME + 1 bytes.
 */
bool kv_bucket_name(loop_string name, char *ret);

#endif
