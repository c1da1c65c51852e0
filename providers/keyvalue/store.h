/*
 * providers/keyvalue/store.h: keys and values in memory, private to a component.
 *
 * A space is what one component has: buckets by name, each a sorted array of
 * entries. Sizes are bounded by LP_MAX_KV_KEY, LP_MAX_KV_VALUE and, over the
 * whole space, LP_MAX_KV_BYTES and LP_MAX_KV_KEYS (an array of more would be slow). Not
 * thread-safe: the host serialises.
 */
#ifndef LP_KEYVALUE_STORE_H
#define LP_KEYVALUE_STORE_H

#include "base/base.h"

struct kv_entry {
    char *key;
    size_t key_len;
    char *value;
    size_t value_len;
    uint64_t version; /* of the value; never used twice in a space */
};

struct kv_bucket {
    char *name;
    struct kv_space *space;
    struct {
        struct kv_entry *at;
        size_t n, cap;
    } entries;
};

struct kv_space {
    char *component;
    size_t bytes, keys;
    uint64_t versions;
    struct {
        struct kv_bucket **at;
        size_t n, cap;
    } buckets;
};

struct kv_spaces {
    struct {
        struct kv_space **at;
        size_t n, cap;
    } list;
};

struct kv_space *kv_space_of(struct kv_spaces *s, const char *component);
void kv_spaces_done(struct kv_spaces *s);
/* The bucket of that name, made when it is new; NULL when there are too many. */
struct kv_bucket *kv_bucket_open(struct kv_space *s, lp_str name);
/* The entry, or NULL. Valid until the bucket changes. */
struct kv_entry *kv_get(struct kv_bucket *b, lp_str key);
/* The first entry after `key` (in byte order); the bucket's count past the end. */
size_t kv_after(const struct kv_bucket *b, lp_str key);
/* NULL, or which limit stands in the way. */
const char *kv_set(struct kv_bucket *b, lp_str key, lp_str value);
void kv_delete(struct kv_bucket *b, lp_str key);

#endif
