/*
 * providers/memory/internal.h: the trees of a store in memory, for the files of this folder;
 * store.c draws them.
 */
#ifndef LP_MEMORY_INTERNAL_H
#define LP_MEMORY_INTERNAL_H

#include <uv/tree.h>

#include "base/os/os.h"
#include "providers/memory/store.h"

struct entry {
    RB_ENTRY(entry) node;
    const uint8_t *key; /* behind this struct */
    size_t key_len;
    uint8_t *value;
    size_t value_len;
    char version[LP_MAX_STORE_VERSION + 1];
};
RB_HEAD(entries, entry);

struct bucket {
    RB_ENTRY(bucket) node;
    struct entries entries;
    lp_str name; /* behind this struct */
};
RB_HEAD(buckets, bucket);

struct space {
    RB_ENTRY(space) node;
    struct buckets buckets;
    lp_store_size size;
    lp_str identity; /* behind this struct */
};
RB_HEAD(spaces, space);

/* What is taken over from another store, by one thread. */
typedef struct taking {
    struct spaces spaces;
    struct space *space; /* what comes next goes there, */
    struct bucket *bucket;
    struct entry *last; /* and is fresh: behind this one */
    uint64_t bytes;
} taking;

struct memory {
    lp_store base;
    lp_os_mutex *lock; /* around everything but `taking` */
    struct spaces spaces;
    uint64_t writes, draw; /* of versions */
    taking taking;
};

static inline int lp_compare_entries(const struct entry *a, const struct entry *b)
{
    return lp_store_compare(a->key, a->key_len, b->key, b->key_len);
}

static inline int lp_compare_buckets(const struct bucket *a, const struct bucket *b)
{
    return lp_store_compare(a->name.ptr, a->name.len, b->name.ptr, b->name.len);
}

static inline int lp_compare_spaces(const struct space *a, const struct space *b)
{
    return lp_store_compare(a->identity.ptr, a->identity.len, b->identity.ptr, b->identity.len);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
RB_GENERATE_STATIC(entries, entry, node, lp_compare_entries)
RB_GENERATE_STATIC(buckets, bucket, node, lp_compare_buckets)
RB_GENERATE_STATIC(spaces, space, node, lp_compare_spaces)
#pragma GCC diagnostic pop

/* NULL: not there. */
struct space *lp_memory_space(struct spaces *in, lp_str identity);
struct bucket *lp_memory_bucket(struct space *in, lp_str name);
struct entry *lp_memory_entry(struct bucket *in, loop_storage_store_key key);
/* Made where they are not. */
struct space *lp_memory_make_space(struct spaces *in, lp_str identity);
struct bucket *lp_memory_make_bucket(struct space *in, lp_str name);
/* An entry that is in no tree yet, with a value to come. */
struct entry *lp_memory_make_entry(loop_storage_store_key key);
void lp_memory_set_value(struct entry *e, loop_storage_store_value value);
void lp_memory_remove(struct bucket *from, struct entry *e);
/* Removes a bucket without entries, and an identity without buckets. */
void lp_memory_tidy(struct spaces *in, struct space *s, struct bucket *b);
void lp_memory_clear(struct spaces *s);

extern const lp_store_handover lp_memory_handover;

#endif
