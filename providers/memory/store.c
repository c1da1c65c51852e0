/*
 * providers/memory/store.c: keys and values in memory, in trees.
 *
 *     identity "notes"  bytes, keys
 *       └ bucket "drafts"
 *           └ key ▸ value, version
 *
 * Each level is a red-black tree (libuv's <uv/tree.h>, macros over the node's own struct),
 * so that every step is O(log n), a page starts anywhere, and keys come in order. How
 * much there is, the quota alone bounds: LP_STORE_KEY_ROOM keeps keys without values from
 * being free. An identity or bucket without keys has no node.
 *
 * One lock, held while bytes are copied and never while anybody waits.
 */
#include <stdlib.h>

#include "providers/memory/internal.h"

/* ---- finding, making and removing ---- */

struct space *lp_memory_space(struct spaces *in, lp_str identity)
{
    return RB_FIND(spaces, in, &(struct space){.identity = identity});
}

struct bucket *lp_memory_bucket(struct space *in, lp_str name)
{
    return in ? RB_FIND(buckets, &in->buckets, &(struct bucket){.name = name}) : NULL;
}

struct entry *lp_memory_entry(struct bucket *in, loop_storage_store_key key)
{
    struct entry like = {.key = key.ptr, .key_len = key.len};
    return in ? RB_FIND(entries, &in->entries, &like) : NULL;
}

static struct space *find_space(struct memory *m, const lp_store_caller *who)
{
    return lp_memory_space(&m->spaces, lp_str_of(who->identity));
}

static struct bucket *find_bucket(struct memory *m, const lp_store_caller *who, lp_str name)
{
    return lp_memory_bucket(find_space(m, who), name);
}

/* A struct with a copy of `n` bytes behind it. */
static void *make(size_t size, const void *bytes, size_t n, const void **ret_copy)
{
    char *p = lp_alloc(size + n);
    if (n)
        memcpy(p + size, bytes, n);
    *ret_copy = p + size;
    return p;
}

struct space *lp_memory_make_space(struct spaces *in, lp_str identity)
{
    const void *copy;
    struct space *s = lp_memory_space(in, identity);
    if (s)
        return s;
    s = make(sizeof *s, identity.ptr, identity.len, &copy);
    s->identity = (lp_str){copy, identity.len};
    RB_INSERT(spaces, in, s);
    return s;
}

struct bucket *lp_memory_make_bucket(struct space *in, lp_str name)
{
    const void *copy;
    struct bucket *b = lp_memory_bucket(in, name);
    if (b)
        return b;
    b = make(sizeof *b, name.ptr, name.len, &copy);
    b->name = (lp_str){copy, name.len};
    RB_INSERT(buckets, &in->buckets, b);
    return b;
}

struct entry *lp_memory_make_entry(loop_storage_store_key key)
{
    const void *copy;
    struct entry *e = make(sizeof *e, key.ptr, key.len, &copy);
    e->key = copy;
    e->key_len = key.len;
    return e;
}

void lp_memory_set_value(struct entry *e, loop_storage_store_value value)
{
    free(e->value);
    e->value_len = value.len;
    e->value = lp_alloc(value.len ? value.len : 1);
    if (value.len)
        memcpy(e->value, value.ptr, value.len);
}

static void set_entry(struct memory *m, struct bucket *b, struct entry *e,
                      const loop_storage_store_operation *o)
{
    if (!e) {
        e = lp_memory_make_entry(o->key);
        RB_INSERT(entries, &b->entries, e);
    }
    lp_memory_set_value(e, o->change.of.set);
    lp_store_version(++m->writes, m->draw, e->version);
}

void lp_memory_remove(struct bucket *from, struct entry *e)
{
    RB_REMOVE(entries, &from->entries, e);
    free(e->value);
    free(e);
}

void lp_memory_tidy(struct spaces *in, struct space *s, struct bucket *b)
{
    if (RB_EMPTY(&b->entries)) {
        RB_REMOVE(buckets, &s->buckets, b);
        free(b);
    }
    if (RB_EMPTY(&s->buckets)) {
        RB_REMOVE(spaces, in, s);
        free(s);
    }
}

void lp_memory_clear(struct spaces *in)
{
    struct space *s;
    while ((s = RB_MIN(spaces, in))) {
        struct bucket *b = RB_MIN(buckets, &s->buckets);
        struct entry *e;
        while ((e = RB_MIN(entries, &b->entries)))
            lp_memory_remove(b, e);
        lp_memory_tidy(in, s, b);
    }
}

/* ---- reading ---- */

static loop_error *copy_entry(const lp_store_caller *who, const struct entry *e,
                              loop_storage_store_option_entry *ret)
{
    loop_list_u8 version;
    LP_TRY(lp_store_copy(who, e->value, e->value_len, &ret->value.value));
    LP_TRY(lp_store_copy(who, e->version, strlen(e->version), &version));
    ret->value.version = (loop_string){(const char *)version.ptr, version.len};
    ret->is_some = true;
    return NULL;
}

static loop_error *read_locked(struct memory *m, const lp_store_caller *who, lp_str bucket,
                               const loop_storage_store_key *keys, size_t n,
                               loop_storage_store_option_entry *ret)
{
    struct bucket *b = find_bucket(m, who, bucket);
    uint64_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        const struct entry *e = lp_memory_entry(b, keys[i]);
        bytes += e ? e->value_len : 0;
        if (bytes > LP_MAX_STORE_BYTES)
            return loop_error_new(LOOP_LIMIT, "the values hold more than 32 MiB together");
        if (e)
            LP_TRY(copy_entry(who, e, &ret[i]));
    }
    return NULL;
}
_Static_assert(LP_MAX_STORE_BYTES == 32 << 20, "what the message says");

static loop_error *memory_read(lp_store *store, const lp_store_caller *who, lp_str bucket,
                               const loop_storage_store_key *keys, size_t n,
                               loop_storage_store_option_entry *ret)
{
    struct memory *m = (struct memory *)store;
    lp_os_mutex_lock(m->lock);
    loop_error *e = read_locked(m, who, bucket, keys, n, ret);
    lp_os_mutex_unlock(m->lock);
    return e;
}

static loop_error *memory_list(lp_store *store, const lp_store_caller *who, lp_str bucket,
                               lp_str from, lp_str end, size_t max, loop_storage_store_key *ret,
                               size_t *ret_n)
{
    struct memory *m = (struct memory *)store;
    loop_error *err = NULL;
    size_t n = 0;
    lp_os_mutex_lock(m->lock);
    struct bucket *b = find_bucket(m, who, bucket);
    const struct entry first = {.key = (const uint8_t *)from.ptr, .key_len = from.len};
    struct entry *e = b ? RB_NFIND(entries, &b->entries, (struct entry *)&first) : NULL;
    for (; e && n < max && !err; e = RB_NEXT(entries, &b->entries, e)) {
        if (end.len && lp_store_compare(e->key, e->key_len, end.ptr, end.len) >= 0)
            break;
        err = lp_store_copy(who, e->key, e->key_len, &ret[n++]);
    }
    lp_os_mutex_unlock(m->lock);
    if (!err)
        *ret_n = n;
    return err;
}

static loop_error *list_buckets(struct space *s, const lp_store_caller *who, loop_list_string *ret)
{
    size_t n = 0;
    struct bucket *b;
    RB_FOREACH(b, buckets, &s->buckets)
    n++;
    loop_string *names = NULL;
    LP_TRY(lp_store_alloc(who, n * sizeof *names, &names));
    *ret = (loop_list_string){names, n};
    RB_FOREACH(b, buckets, &s->buckets)
    {
        loop_list_u8 copy;
        LP_TRY(lp_store_copy(who, b->name.ptr, b->name.len, &copy));
        *names++ = (loop_string){(const char *)copy.ptr, copy.len};
    }
    return NULL;
}

static loop_error *memory_buckets(lp_store *store, const lp_store_caller *who,
                                  loop_list_string *ret)
{
    struct memory *m = (struct memory *)store;
    lp_os_mutex_lock(m->lock);
    struct space *s = find_space(m, who);
    loop_error *e = s ? list_buckets(s, who, ret) : NULL;
    lp_os_mutex_unlock(m->lock);
    return e;
}

static loop_error *memory_usage(lp_store *store, const lp_store_caller *who, uint64_t *ret_bytes)
{
    struct memory *m = (struct memory *)store;
    lp_os_mutex_lock(m->lock);
    const struct space *s = find_space(m, who);
    *ret_bytes = s ? s->size.bytes : 0;
    lp_os_mutex_unlock(m->lock);
    return NULL;
}

/* ---- writing ---- */

/* Whether every condition holds; what there will be then. */
static bool look(struct bucket *b, const loop_storage_store_operation *operations, size_t n,
                 lp_store_result *ret, lp_store_size *size)
{
    bool all = true;
    for (size_t i = 0; i < n; i++) {
        const loop_storage_store_operation *o = &operations[i];
        const struct entry *e = lp_memory_entry(b, o->key);
        loop_string version = loop_string_of(e ? e->version : "");
        ret[i].was = e != NULL;
        ret[i].held = lp_store_holds(&o->condition, e ? &version : NULL);
        all = all && ret[i].held;
        if (e && o->change.tag != LOOP_STORAGE_STORE_CHANGE_KEEP) {
            size->bytes -= e->key_len + e->value_len;
            size->keys--;
        }
        if (o->change.tag == LOOP_STORAGE_STORE_CHANGE_SET) {
            size->bytes += o->key.len + o->change.of.set.len;
            size->keys++;
        }
    }
    return all;
}

static void change(struct memory *m, struct bucket *b,
                   const loop_storage_store_operation *operations, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct entry *e = lp_memory_entry(b, operations[i].key);
        if (operations[i].change.tag == LOOP_STORAGE_STORE_CHANGE_SET)
            set_entry(m, b, e, &operations[i]);
        else if (e && operations[i].change.tag == LOOP_STORAGE_STORE_CHANGE_DELETE)
            lp_memory_remove(b, e);
    }
}

/* The versions that the keys have now. All memory of the answer, asked for before a change. */
static void answer(struct bucket *b, const loop_storage_store_operation *operations, size_t n,
                   lp_store_result *ret, char *text)
{
    for (size_t i = 0; i < n; i++, text += LP_MAX_STORE_VERSION + 1) {
        const struct entry *e = lp_memory_entry(b, operations[i].key);
        if (!e)
            continue;
        strcpy(text, e->version);
        ret[i].now.is_some = true;
        ret[i].now.value = loop_string_of(text);
    }
}

static loop_error *write_locked(struct memory *m, const lp_store_caller *who, lp_str name,
                                const loop_storage_store_operation *operations, size_t n,
                                lp_store_result *ret, bool *ret_applied)
{
    char *text = NULL;
    LP_TRY(lp_store_alloc(who, n * (LP_MAX_STORE_VERSION + 1), &text));
    struct space *s = find_space(m, who);
    struct bucket *b = find_bucket(m, who, name);
    lp_store_size before = s ? s->size : (lp_store_size){0, 0}, after = before;
    *ret_applied = look(b, operations, n, ret, &after);
    if (*ret_applied) {
        LP_TRY(lp_store_quota(who, before, after));
        s = lp_memory_make_space(&m->spaces, lp_str_of(who->identity));
        b = lp_memory_make_bucket(s, name);
        if (m->base.notes)
            lp_store_note_all(&m->base, who, name, operations, n);
        change(m, b, operations, n);
        s->size = after;
    }
    answer(b, operations, n, ret, text);
    if (*ret_applied)
        lp_memory_tidy(&m->spaces, s, b);
    return NULL;
}

static loop_error *memory_write(lp_store *store, const lp_store_caller *who, lp_str bucket,
                                const loop_storage_store_operation *operations, size_t n,
                                lp_store_result *ret, bool *ret_applied)
{
    struct memory *m = (struct memory *)store;
    lp_os_mutex_lock(m->lock);
    loop_error *e = write_locked(m, who, bucket, operations, n, ret, ret_applied);
    lp_os_mutex_unlock(m->lock);
    return e;
}

/* ---- the store ---- */

static void memory_close(lp_store *store)
{
    struct memory *m = (struct memory *)store;
    lp_memory_handover.take_abort(store);
    lp_store_notes_delete(m->base.notes);
    lp_memory_clear(&m->spaces);
    lp_os_mutex_delete(m->lock);
    free(m);
}

static const lp_store_engine engine = {
    .handover = &lp_memory_handover,
    .read = memory_read,
    .write = memory_write,
    .list = memory_list,
    .buckets = memory_buckets,
    .usage = memory_usage,
    .close = memory_close,
};

lp_store *lp_memory_store_new(void)
{
    struct memory *m = lp_alloc(sizeof *m);
    m->base.engine = &engine;
    m->lock = lp_os_mutex_new();
    lp_os_random(&m->draw, sizeof m->draw);
    return &m->base;
}
