/*
 * providers/storage/state.h: the stream of wit/storage/state.wit, written and read.
 *
 * By hand and not over a plan (abi/wire.h, which a test compares it with): a state has
 * millions of items, and a provider sees include/loop and base alone.
 *
 * The writer gathers items in memory, which never fails, so that a store can do it under its
 * lock; flush sends them. The reader takes nothing for granted: lengths, text, names, the
 * order of buckets and keys, the count at the end, and that nothing is behind it. Its errors
 * are LOOP_INVALID, or what the stream says (nobody there, time up).
 */
#ifndef LP_STORAGE_STATE_H
#define LP_STORAGE_STATE_H

#include "base/base.h"
#include "loop/provider.h"
#include "loop/wit/storage.h"

#define LP_STATE_FORMAT 1
#define LP_STATE_PIECE (64u << 10) /* bytes that are gathered before they are sent */

typedef loop_storage_state_item lp_state_item;

/* ---- writing ---- */

/* Zero-initialise with `to`; lp_state_out_done frees. */
typedef struct lp_state_out {
    loop_stream *to;
    uint8_t *ptr; /* gathered */
    size_t len, cap;
    uint64_t count; /* of keys */
    bool inside;    /* a bucket was written: this one */
    lp_buf identity, bucket;
} lp_state_out;

/* `home` may be NULL. */
void lp_state_header(lp_state_out *o, const char *writer, loop_storage_state_pass pass,
                     const char *home);
/* Before keys of a bucket; nothing is written where it is the same one as before. */
void lp_state_bucket(lp_state_out *o, lp_str identity, lp_str name);
void lp_state_stored(lp_state_out *o, lp_str key, lp_str value, lp_str version);
void lp_state_removed(lp_state_out *o, lp_str key);
/* Sends what was gathered. */
loop_error *lp_state_flush(lp_state_out *o) LOOP_MUST_USE;
/* The last item, sent. */
loop_error *lp_state_end(lp_state_out *o) LOOP_MUST_USE;
void lp_state_out_done(lp_state_out *o);

/* ---- reading ---- */

/* Zero-initialise with `from`; lp_state_in_done frees. */
typedef struct lp_state_in {
    loop_stream *from;
    uint8_t *ptr;                  /* what came: */
    size_t item, at, end, cap;     /* the item's start, how far it was read, all */
    uint64_t items, count;         /* that were read; of them keys */
    loop_storage_state_pass pass;  /* what the header says */
    bool inside, keyed;            /* in a bucket; it has had a key: */
    lp_buf identity, bucket;       /* copies of the last ones, */
    uint8_t key[LP_MAX_STORE_KEY]; /* which what follows comes after */
    size_t key_len;
} lp_state_in;

/* The next item, whose views hold until the one after it. The first is the header; after `end`
   there is none, and the stream has been read to its end. */
loop_error *lp_state_next(lp_state_in *in, lp_state_item *ret) LOOP_MUST_USE;
void lp_state_in_done(lp_state_in *in);

/* ---- a bucket's handle ---- */

loop_error *lp_state_object_write(loop_stream *to, lp_str name) LOOP_MUST_USE;
/* `ret` has LP_MAX_STORE_NAME bytes. */
loop_error *lp_state_object_read(loop_stream *from, char *ret, size_t *ret_len) LOOP_MUST_USE;

#endif
