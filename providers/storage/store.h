/*
 * providers/storage/store.h: what every provider of loop:storage does alike.
 *
 *     component ─▶ front.c   a call: who asks, what was granted, errors as values
 *                  store.c   names, keys, limits, pages: what wit/storage/store.wit says
 *                  engine    keeps bytes: providers/memory, providers/sqlite
 *     a swap ─▶    swap.c    save and restore (wit/storage/state.wit): state.c the stream,
 *                            notes.c what was changed meanwhile
 *
 * An engine is six functions over identities, buckets and keys, and some for a swap. What it
 * is given has been checked; what it must see to itself is that a read is of one moment,
 * that a write is one step, that no version comes twice for a key, and the quota
 * (lp_store_quota), since only it knows what is there while nobody else writes.
 *
 * Who owns what: arguments are the caller's and are not kept. Answers lie in memory from
 * lp_store_caller.alloc, which lives until the caller has read them.
 *
 * Errors. LOOP_INVALID, LOOP_LIMIT and LOOP_CANCELLED are what they say; anything else is
 * a store that failed. Nothing has changed then, but for LOOP_IO of a write: a disk that
 * fails while it is told to keep something may have kept it, which shows after a crash.
 *
 * Threads: any, at once; an engine locks for itself.
 *
 * Not there: shared buckets.
 */
#ifndef LP_STORAGE_STORE_H
#define LP_STORAGE_STORE_H

#include "base/base.h"
#include "loop/wit/storage.h"
#include "providers/storage/notes.h"
#include "providers/storage/state.h"

/* Whoever asks, for one call. */
typedef struct lp_store_caller {
    const char *identity; /* UTF-8 */
    uint64_t granted;     /* bytes, not 0 */
    /* Zeroed memory for the answer; NULL: over what one call may have. */
    void *(*alloc)(void *ctx, size_t size);
    bool (*cancelled)(void *ctx); /* whether to stop waiting */
    void *ctx;
    const char *more; /* what would allow more; NULL: a larger grant */
} lp_store_caller;

/* What a write found and left at one key. */
typedef struct lp_store_result {
    bool held; /* the condition */
    bool was;  /* the key was there */
    loop_storage_store_option_version now;
} lp_store_result;

typedef struct lp_store lp_store;

/* How far a copy of everything has come. Zeroed: nowhere. */
typedef struct lp_store_place {
    lp_buf identity, bucket;
    bool inside;                   /* what comes next are the bucket's keys after this one; */
    uint8_t key[LP_MAX_STORE_KEY]; /* else it is the bucket after this one */
    size_t key_len;
} lp_store_place;

/*
 * What an engine does for a swap. One thread at a time; save may run beside calls, and what it
 * reads must be of one moment only within a call of `copy`. What is taken over stays apart, and
 * nobody sees it before `take_commit`.
 */
typedef struct lp_store_handover {
    const char *writer; /* the provider's name */
    /* Where the store lies (state.wit, `home`); may be NULL, and NULL where it does not last. */
    const char *(*home)(const lp_store *store);
    /* What was acknowledged outlasts a power cut, also in a relaxed mode. May be NULL. */
    loop_error *(*quiesce)(lp_store *store);

    /* From now on whoever writes notes it, in lp_store.notes; not for NULL. *ret_old: where it
       was done until now, spoilt where something was missed. Only the first may fail. */
    loop_error *(*watch)(lp_store *store, lp_store_notes *notes, lp_store_notes **ret_old);
    /* What is read until `still_end` is of one moment, with what was noted before. May be NULL. */
    loop_error *(*still)(lp_store *store);
    void (*still_end)(lp_store *store);
    /* Writes what comes after a place, and moves it: until LP_STATE_PIECE bytes are gathered or
       nothing is left, *ret_done. */
    loop_error *(*copy)(lp_store *store, lp_store_place *place, lp_state_out *to, bool *ret_done);
    /* Writes a key as it is, or as removed. */
    loop_error *(*copy_key)(lp_store *store, lp_str identity, lp_str bucket, lp_str key,
                            lp_state_out *to);

    /* LOOP_DENIED, lp_store_not_empty: it holds a key. */
    loop_error *(*take_begin)(lp_store *store);
    /* What follows is in this bucket. */
    loop_error *(*take_bucket)(lp_store *store, lp_str identity, lp_str name);
    /* `fresh`: the key comes after all that were taken, and its bucket after all others. */
    loop_error *(*take_set)(lp_store *store, const loop_storage_state_stored *stored, bool fresh);
    loop_error *(*take_remove)(lp_store *store, lp_str key);
    /* The copy has come, the rest follows when no calls come: what takes time now takes none
       then. May be NULL. */
    loop_error *(*take_settle)(lp_store *store);
    /* It is there, and lasts. */
    loop_error *(*take_commit)(lp_store *store);
    /* It never came; also where nothing was begun. `close` does it too. */
    void (*take_abort)(lp_store *store);
} lp_store_handover;

typedef struct lp_store_engine {
    const lp_store_handover *handover;
    /* Entries of `n` keys, in their order, into zeroed `ret`; LOOP_LIMIT where the values hold
       more than LP_MAX_STORE_BYTES together. */
    loop_error *(*read)(lp_store *store, const lp_store_caller *who, lp_str bucket,
                        const loop_storage_store_key *keys, size_t n,
                        loop_storage_store_option_entry *ret);
    /* All operations, of different keys, or none: *ret_applied. `ret` has `n` zeroed results,
       of which `held` and `now` are filled in either case. */
    loop_error *(*write)(lp_store *store, const lp_store_caller *who, lp_str bucket,
                         const loop_storage_store_operation *operations, size_t n,
                         lp_store_result *ret, bool *ret_applied);
    /* At most `max` keys that are not before `from` and are before `end` (none: of length 0),
       ascending. */
    loop_error *(*list)(lp_store *store, const lp_store_caller *who, lp_str bucket, lp_str from,
                        lp_str end, size_t max, loop_storage_store_key *ret, size_t *ret_n);
    /* The buckets that hold a key, ascending by bytes. */
    loop_error *(*buckets)(lp_store *store, const lp_store_caller *who, loop_list_string *ret);
    /* Bytes of all keys and values. */
    loop_error *(*usage)(lp_store *store, const lp_store_caller *who, uint64_t *ret_bytes);
    void (*close)(lp_store *store);
} lp_store_engine;

/* What an engine's own struct begins with, zeroed but for the engine. */
struct lp_store {
    const lp_store_engine *engine;
    /* Where changes are noted, by whoever makes them, under the engine's lock; NULL: nobody asks.
     */
    lp_store_notes *notes;
    uint8_t taking; /* swap.c */
};

/* ---- for those who ask ---- */

loop_error *lp_store_name_check(loop_string bucket) LOOP_MUST_USE;
loop_error *lp_store_get(lp_store *s, const lp_store_caller *who, lp_str bucket,
                         loop_storage_store_key key,
                         loop_storage_store_option_entry *ret) LOOP_MUST_USE;
loop_error *lp_store_get_many(lp_store *s, const lp_store_caller *who, lp_str bucket,
                              loop_storage_store_list_key keys,
                              loop_storage_store_list_option_entry *ret) LOOP_MUST_USE;
loop_error *lp_store_set(lp_store *s, const lp_store_caller *who, lp_str bucket,
                         loop_storage_store_key key, loop_storage_store_value value,
                         loop_storage_store_version *ret) LOOP_MUST_USE;
loop_error *lp_store_delete(lp_store *s, const lp_store_caller *who, lp_str bucket,
                            loop_storage_store_key key, bool *ret_was) LOOP_MUST_USE;
loop_error *lp_store_swap(lp_store *s, const lp_store_caller *who, lp_str bucket,
                          const loop_storage_store_operation *operation,
                          loop_storage_store_outcome *ret) LOOP_MUST_USE;
loop_error *lp_store_apply(lp_store *s, const lp_store_caller *who, lp_str bucket,
                           loop_storage_store_list_operation operations,
                           loop_storage_store_batch_outcome *ret) LOOP_MUST_USE;
loop_error *lp_store_list(lp_store *s, const lp_store_caller *who, lp_str bucket,
                          loop_list_u8 prefix, const loop_storage_store_option_key *cursor,
                          uint32_t limit, loop_storage_store_key_page *ret) LOOP_MUST_USE;
loop_error *lp_store_usage(lp_store *s, const lp_store_caller *who,
                           loop_storage_store_usage *ret) LOOP_MUST_USE;

/* ---- for a swap: loop_provider_swap says when ---- */

loop_error *lp_store_quiesce(lp_store *s) LOOP_MUST_USE;
void lp_store_resume(lp_store *s);
loop_error *lp_store_save(lp_store *s, loop_pass pass, loop_stream *to) LOOP_MUST_USE;
loop_error *lp_store_restore(lp_store *s, loop_pass pass, loop_stream *from) LOOP_MUST_USE;

/* ---- for engines ---- */

/* The operations that change something, as notes. */
void lp_store_note_all(lp_store *s, const lp_store_caller *who, lp_str bucket,
                       const loop_storage_store_operation *operations, size_t n);
/* LOOP_DENIED, and what to do. */
loop_error *lp_store_not_empty(void) LOOP_MUST_USE;

/* A place at a bucket, before its keys; at a key of it. */
void lp_store_place_bucket(lp_store_place *p, lp_str identity, lp_str bucket);
void lp_store_place_key(lp_store_place *p, lp_str key);
lp_str lp_store_place_at(const lp_store_place *p);

/* Memory of the answer, or LOOP_LIMIT. */
loop_error *lp_store_alloc(const lp_store_caller *who, size_t size, void *ret) LOOP_MUST_USE;
/* A copy of `n` bytes there. */
loop_error *lp_store_copy(const lp_store_caller *who, const void *p, size_t n,
                          loop_list_u8 *ret) LOOP_MUST_USE;

/* What an identity has. */
typedef struct lp_store_size {
    uint64_t bytes, keys;
} lp_store_size;

/*
 * Whether what there is after a write may be. Less than before always may, so that a
 * component whose quota was cut can tidy up.
 */
loop_error *lp_store_quota(const lp_store_caller *who, lp_store_size before,
                           lp_store_size after) LOOP_MUST_USE;

/* Whether the state of a key is what an operation asks for. `version` is NULL: not there. */
bool lp_store_holds(const loop_storage_store_condition *c, const loop_string *version);

/*
 * The text of a version: a count, which an engine keeps with what it counts, and a number that
 * it draws when it opens. The second keeps versions apart when a file is put back from a copy
 * and counts again what it counted before, and between stores that take over from each other:
 * state.wit asks for its 64 random bits. `ret` has LP_MAX_STORE_VERSION + 1 bytes.
 */
loop_string lp_store_version(uint64_t count, uint64_t draw, char *ret);

/* memcmp, and the shorter one first. */
int lp_store_compare(const void *a, size_t a_len, const void *b, size_t b_len);

#endif
