/*
 * providers/memory/swap.c: a store in memory that is handed over, or takes over from another.
 *
 * What is taken over is a tree of its own until all of it has come; then the two change places.
 * Keys come in order, so that each goes to the right of the one before and nothing is compared.
 */
#include <stdlib.h>

#include "providers/memory/internal.h"

/* What an entry costs beside its bytes: the limit counts what is taken of the host's memory. */
#define ENTRY_ROOM (sizeof(struct entry) + 48)

/* ---- save ---- */

static loop_error *memory_watch(lp_store *store, lp_store_notes *notes, lp_store_notes **ret_old)
{
    struct memory *m = (struct memory *)store;
    lp_os_mutex_lock(m->lock);
    *ret_old = store->notes;
    store->notes = notes;
    lp_os_mutex_unlock(m->lock);
    return NULL;
}

static lp_str buffered(const lp_buf *b)
{
    return (lp_str){b->ptr, b->len};
}

static void write_entry(lp_state_out *to, const struct entry *e)
{
    lp_state_stored(to, (lp_str){(const char *)e->key, e->key_len},
                    (lp_str){(const char *)e->value, e->value_len}, lp_str_of(e->version));
}

/* Whether all keys after the place have been written. */
static bool copy_keys(struct space *s, struct bucket *b, lp_store_place *at, lp_state_out *to)
{
    lp_str after = lp_store_place_at(at);
    struct entry like = {.key = (const uint8_t *)after.ptr, .key_len = after.len};
    struct entry *e = RB_NFIND(entries, &b->entries, &like);
    if (e && lp_compare_entries(e, &like) == 0)
        e = RB_NEXT(entries, &b->entries, e);
    for (; e; e = RB_NEXT(entries, &b->entries, e)) {
        lp_state_bucket(to, s->identity, b->name);
        write_entry(to, e);
        if (to->len >= LP_STATE_PIECE) {
            lp_store_place_key(at, (lp_str){(const char *)e->key, e->key_len});
            return false;
        }
    }
    return true;
}

/* The bucket after the place. */
static bool next_bucket(struct memory *m, lp_store_place *at)
{
    struct space like_space = {.identity = buffered(&at->identity)};
    struct bucket like = {.name = buffered(&at->bucket)}, *b = NULL;
    struct space *s = RB_NFIND(spaces, &m->spaces, &like_space);
    if (s && lp_compare_spaces(s, &like_space) == 0) {
        b = RB_NFIND(buckets, &s->buckets, &like);
        if (b && lp_compare_buckets(b, &like) == 0)
            b = RB_NEXT(buckets, &s->buckets, b);
        if (!b)
            s = RB_NEXT(spaces, &m->spaces, s);
    }
    if (!s)
        return false;
    lp_store_place_bucket(at, s->identity, b ? b->name : RB_MIN(buckets, &s->buckets)->name);
    return true;
}

static bool copy_locked(struct memory *m, lp_store_place *at, lp_state_out *to)
{
    for (;;) {
        struct space *s = at->inside ? lp_memory_space(&m->spaces, buffered(&at->identity)) : NULL;
        struct bucket *b = lp_memory_bucket(s, buffered(&at->bucket));
        if (b && !copy_keys(s, b, at, to))
            return false;
        at->inside = false;
        if (!next_bucket(m, at))
            return true;
    }
}

static loop_error *memory_copy(lp_store *store, lp_store_place *place, lp_state_out *to,
                               bool *ret_done)
{
    struct memory *m = (struct memory *)store;
    lp_os_mutex_lock(m->lock);
    *ret_done = copy_locked(m, place, to);
    lp_os_mutex_unlock(m->lock);
    return NULL;
}

static loop_error *memory_copy_key(lp_store *store, lp_str identity, lp_str bucket, lp_str key,
                                   lp_state_out *to)
{
    struct memory *m = (struct memory *)store;
    lp_os_mutex_lock(m->lock);
    const struct entry *e =
        lp_memory_entry(lp_memory_bucket(lp_memory_space(&m->spaces, identity), bucket),
                        (loop_storage_store_key){(const uint8_t *)key.ptr, key.len});
    lp_state_bucket(to, identity, bucket);
    if (e)
        write_entry(to, e);
    else
        lp_state_removed(to, key);
    lp_os_mutex_unlock(m->lock);
    return NULL;
}

/* ---- restore ---- */

static void memory_abort(lp_store *store)
{
    struct memory *m = (struct memory *)store;
    lp_memory_clear(&m->taking.spaces);
    m->taking = (taking){0};
}

static loop_error *check_empty(struct memory *m)
{
    return RB_EMPTY(&m->spaces) ? NULL : lp_store_not_empty();
}

static loop_error *memory_begin(lp_store *store)
{
    struct memory *m = (struct memory *)store;
    lp_os_mutex_lock(m->lock);
    loop_error *e = check_empty(m);
    lp_os_mutex_unlock(m->lock);
    return e;
}

static void leave_bucket(taking *t)
{
    if (t->bucket)
        lp_memory_tidy(&t->spaces, t->space, t->bucket);
    t->space = NULL;
    t->bucket = NULL;
    t->last = NULL;
}

static loop_error *memory_take_bucket(lp_store *store, lp_str identity, lp_str name)
{
    taking *t = &((struct memory *)store)->taking;
    leave_bucket(t);
    t->space = lp_memory_make_space(&t->spaces, identity);
    t->bucket = lp_memory_make_bucket(t->space, name);
    return NULL;
}

/* Behind the greatest of the tree; where that is, RB_INSERT would look for. */
static void append(taking *t, struct entry *e)
{
    struct entries *all = &t->bucket->entries;
    if (!t->last) {
        RB_INSERT(entries, all, e);
    } else {
        RB_SET(e, t->last, node);
        RB_RIGHT(t->last, node) = e;
        entries_RB_INSERT_COLOR(all, e);
    }
    t->last = e;
}

static loop_error *memory_take_set(lp_store *store, const loop_storage_state_stored *stored,
                                   bool fresh)
{
    taking *t = &((struct memory *)store)->taking;
    t->bytes += ENTRY_ROOM + stored->key.len + stored->value.len;
    if (t->bytes > LP_MAX_STORE_TAKEN)
        return loop_error_hint_set(
            loop_error_new(LOOP_LIMIT, "a state of more than 1 GiB, for a store in memory"),
            "swap to one on a disk: sqlite");
    struct entry *e = fresh ? NULL : lp_memory_entry(t->bucket, stored->key);
    lp_store_size *size = &t->space->size;
    if (e) {
        size->bytes -= e->value_len;
    } else {
        e = lp_memory_make_entry(stored->key);
        if (fresh)
            append(t, e);
        else
            RB_INSERT(entries, &t->bucket->entries, e);
        size->bytes += e->key_len;
        size->keys++;
    }
    lp_memory_set_value(e, stored->value);
    size->bytes += e->value_len;
    memcpy(e->version, stored->version.ptr, stored->version.len);
    e->version[stored->version.len] = 0;
    return NULL;
}
_Static_assert(LP_MAX_STORE_TAKEN == 1ull << 30, "what the message says");

static loop_error *memory_take_remove(lp_store *store, lp_str key)
{
    taking *t = &((struct memory *)store)->taking;
    struct entry *e =
        lp_memory_entry(t->bucket, (loop_storage_store_key){(const uint8_t *)key.ptr, key.len});
    if (!e)
        return NULL;
    t->space->size.bytes -= e->key_len + e->value_len;
    t->space->size.keys--;
    lp_memory_remove(t->bucket, e);
    return NULL;
}

static loop_error *memory_commit(lp_store *store)
{
    struct memory *m = (struct memory *)store;
    leave_bucket(&m->taking);
    lp_os_mutex_lock(m->lock);
    loop_error *e = check_empty(m);
    if (!e) {
        m->spaces = m->taking.spaces;
        m->taking = (taking){0};
    }
    lp_os_mutex_unlock(m->lock);
    return e;
}

/* `leave_bucket` between the passes: what REST finds is tidy. */
static loop_error *memory_settle(lp_store *store)
{
    leave_bucket(&((struct memory *)store)->taking);
    return NULL;
}

const lp_store_handover lp_memory_handover = {
    .writer = "memory",
    .watch = memory_watch,
    .copy = memory_copy,
    .copy_key = memory_copy_key,
    .take_begin = memory_begin,
    .take_bucket = memory_take_bucket,
    .take_set = memory_take_set,
    .take_remove = memory_take_remove,
    .take_settle = memory_settle,
    .take_commit = memory_commit,
    .take_abort = memory_abort,
};
