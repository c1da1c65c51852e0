/* providers/keyvalue/bucket.c: implements bucket.h. */
#include "providers/keyvalue/bucket.h"

#include <stdatomic.h>
#include <stdlib.h>

#define PAGE 256   /* keys of one list-keys */
#define CURSORS 16 /* numbers whose key a bucket remembers */

/* Rows of loop:storage/store. */
enum row { GET, GET_MANY, SET, DELETE, SWAP, APPLY, LIST, OPEN, ROWS };
static const char *const row_names[ROWS] = {
    [GET] = "[method]bucket.get",
    [GET_MANY] = "[method]bucket.get-many",
    [SET] = "[method]bucket.set",
    [DELETE] = "[method]bucket.delete",
    [SWAP] = "[method]bucket.compare-and-swap",
    [APPLY] = "[method]bucket.apply",
    [LIST] = "[method]bucket.list-keys",
    [OPEN] = "open",
};

struct kv {
    const loop_services *services;
    size_t rows[ROWS];
    _Atomic uint64_t told; /* the last instance that was denied, which the log says once */
};

struct kv_bucket {
    kv *k;
    const loop_peer *peer;
    loop_storage_store_bucket *bucket;
    size_t users;
    struct {
        uint64_t number;
        char *key;
        size_t len;
    } cursors[CURSORS];
    size_t next_cursor;
};

kv *kv_new(const loop_services *services)
{
    kv *k = lp_alloc(sizeof *k);
    k->services = services;
    const loop_function *all = loop_storage_store_interface.functions;
    for (size_t row = 0; row < ROWS; row++)
        while (strcmp(all[k->rows[row]].name, row_names[row]) != 0)
            k->rows[row]++;
    return k;
}

void kv_delete(kv *k)
{
    free(k);
}

/* ---- asking ---- */

static bool other(kv_why *why, loop_string text)
{
    *why = (kv_why){.tag = WASI_KEYVALUE_STORE_ERROR_OTHER, .of.other = text};
    return false;
}

/* The case has no text: the log has. */
static void say_denied(kv *k, loop_call *call, loop_string text)
{
    uint64_t instance = loop_call_instance(call);
    if (atomic_exchange(&k->told, instance) == instance)
        return;
    lp_auto(lp_free_string) char *message =
        lp_format("wasi:keyvalue is denied: %.*s", (int)text.len, text.ptr);
    k->services->log(k->services->host, &(loop_log_entry){.level = LOOP_LOG_WARN,
                                                          .component = loop_call_component(call),
                                                          .message = message});
}

static bool refused(kv *k, loop_call *call, const loop_core_types_error *e, kv_why *why)
{
    if (e->tag == LOOP_CORE_TYPES_ERROR_CANCELLED)
        return other(why, loop_string_of("cancelled"));
    if (e->tag != LOOP_CORE_TYPES_ERROR_DENIED)
        return other(why, e->of.failed);
    say_denied(k, call, e->of.denied);
    *why = (kv_why){.tag = WASI_KEYVALUE_STORE_ERROR_ACCESS_DENIED};
    return false;
}

/* What a store cannot do at all: no reason for the component to end. */
static bool broken(loop_call *call, loop_error *e, kv_why *why)
{
    lp_buf b = {0};
    for (const loop_error *c = e; c; c = loop_error_cause(c))
        lp_buf_printf(&b, "%s%s", c == e ? "" : ": ", loop_error_message(c));
    if (loop_error_hint(e))
        lp_buf_printf(&b, "; to do: %s", loop_error_hint(e));
    other(why, loop_call_string(call, b.ptr, b.len));
    lp_buf_done(&b);
    loop_error_delete(e);
    return false;
}

/* A result<_, error> whose error lies where that of every other does. */
typedef loop_storage_store_result_option_entry_error any_result;
#define SAME(type)                                                                                 \
    _Static_assert(offsetof(type, of) == offsetof(any_result, of) && offsetof(type, is_err) == 0,  \
                   #type)
SAME(loop_storage_store_result_list_option_entry_error);
SAME(loop_storage_store_result_version_error);
SAME(loop_storage_store_result_bool_error);
SAME(loop_storage_store_result_outcome_error);
SAME(loop_storage_store_result_batch_outcome_error);
SAME(loop_storage_store_result_key_page_error);
SAME(loop_storage_store_result_own_bucket_error);

/* `ret` is zeroed and any of these; arguments are a tuple in the order of the WIT. */
static bool ask(kv *k, const loop_peer *peer, loop_call *call, enum row row, const void *args,
                void *ret, kv_why *why)
{
    loop_error *e = loop_peer_call(peer, call, k->rows[row], args, ret);
    if (e)
        return broken(call, e, why);
    bool is_err;
    loop_core_types_error error;
    memcpy(&is_err, ret, sizeof is_err);
    if (!is_err)
        return true;
    memcpy(&error, (const char *)ret + offsetof(any_result, of), sizeof error);
    return refused(k, call, &error, why);
}

#define ASK(b, row, args, ret) ask((b)->k, (b)->peer, call, row, args, ret, why)

static loop_storage_store_key key_of(loop_string key)
{
    return (loop_storage_store_key){(const uint8_t *)key.ptr, key.len};
}

/* ---- buckets ---- */

bool kv_bucket_name(loop_string name, char *ret)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;
    if (!name.len)
        ret[n++] = '.';
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        bool as_it_is = c && strchr(plain, c);
        if (n + (as_it_is ? 1 : 3) > LP_MAX_STORE_NAME)
            return false;
        if (as_it_is) {
            ret[n++] = (char)c;
        } else {
            ret[n++] = '.';
            ret[n++] = hex[c >> 4];
            ret[n++] = hex[c & 15];
        }
    }
    ret[n] = 0;
    return true;
}

bool kv_open(kv *k, loop_call *call, loop_string name, kv_bucket **ret, kv_why *why)
{
    char text[LP_MAX_STORE_NAME + 1];
    if (!kv_bucket_name(name, text)) {
        *why = (kv_why){.tag = WASI_KEYVALUE_STORE_ERROR_NO_SUCH_STORE};
        return false;
    }
    const loop_peer *peer;
    loop_error *e = loop_call_peer(call, &loop_storage_store_interface, &peer);
    if (e)
        return broken(call, e, why);
    loop_string arg = loop_string_of(text);
    loop_storage_store_result_own_bucket_error r = {0};
    if (!ask(k, peer, call, OPEN, &arg, &r, why))
        return false;
    kv_bucket *b = lp_alloc(sizeof *b);
    *b = (kv_bucket){.k = k, .peer = peer, .bucket = r.of.ok, .users = 1};
    *ret = b;
    return true;
}

kv_bucket *kv_bucket_ref(kv_bucket *b)
{
    b->users++;
    return b;
}

void kv_bucket_unref(kv_bucket *b)
{
    if (--b->users)
        return;
    loop_peer_drop(b->peer, 0, b->bucket);
    for (size_t i = 0; i < CURSORS; i++)
        free(b->cursors[i].key);
    free(b);
}

/* ---- one key ---- */

struct key_args {
    loop_storage_store_bucket *bucket;
    loop_storage_store_key key;
};

bool kv_get(kv_bucket *b, loop_call *call, loop_string key, kv_entry *ret, kv_why *why)
{
    struct key_args args = {b->bucket, key_of(key)};
    loop_storage_store_result_option_entry_error r = {0};
    if (!ASK(b, GET, &args, &r))
        return false;
    *ret = r.of.ok;
    return true;
}

bool kv_set(kv_bucket *b, loop_call *call, loop_string key, loop_list_u8 value, kv_why *why)
{
    struct {
        loop_storage_store_bucket *bucket;
        loop_storage_store_key key;
        loop_storage_store_value value;
    } args = {b->bucket, key_of(key), value};
    loop_storage_store_result_version_error r = {0};
    return ASK(b, SET, &args, &r);
}

bool kv_remove(kv_bucket *b, loop_call *call, loop_string key, kv_why *why)
{
    struct key_args args = {b->bucket, key_of(key)};
    loop_storage_store_result_bool_error r = {0};
    return ASK(b, DELETE, &args, &r);
}

bool kv_swap(kv_bucket *b, loop_call *call, loop_string key, const kv_entry *seen,
             loop_list_u8 value, bool *ret_applied, kv_why *why)
{
    struct {
        loop_storage_store_bucket *bucket;
        loop_storage_store_key key;
        loop_storage_store_condition condition;
        loop_storage_store_change change;
    } args = {.bucket = b->bucket, .key = key_of(key)};
    args.condition.tag = LOOP_STORAGE_STORE_CONDITION_ABSENT;
    if (seen->is_some) {
        args.condition.tag = LOOP_STORAGE_STORE_CONDITION_UNCHANGED;
        args.condition.of.unchanged = seen->value.version;
    }
    args.change.tag = LOOP_STORAGE_STORE_CHANGE_SET;
    args.change.of.set = value;
    loop_storage_store_result_outcome_error r = {0};
    if (!ASK(b, SWAP, &args, &r))
        return false;
    *ret_applied = r.of.ok.tag == LOOP_STORAGE_STORE_OUTCOME_APPLIED;
    return true;
}

/* ---- keys in order ---- */

static bool list(kv_bucket *b, loop_call *call, loop_string prefix,
                 const loop_storage_store_option_key *cursor, uint32_t limit,
                 loop_storage_store_key_page *ret, kv_why *why)
{
    struct {
        loop_storage_store_bucket *bucket;
        loop_list_u8 prefix;
        loop_storage_store_option_key cursor;
        uint32_t limit;
    } args = {b->bucket, key_of(prefix), *cursor, limit};
    loop_storage_store_result_key_page_error r = {0};
    if (!ASK(b, LIST, &args, &r))
        return false;
    *ret = r.of.ok;
    return true;
}

/* A key is the first of those that begin with it; no value is read. */
bool kv_exists(kv_bucket *b, loop_call *call, loop_string key, bool *ret, kv_why *why)
{
    loop_storage_store_key_page p;
    if (!key.len)
        return other(why, loop_string_of("a key has 1 to 1024 bytes"));
    if (!list(b, call, key, &(loop_storage_store_option_key){0}, 1, &p, why))
        return false;
    *ret = p.keys.len && p.keys.ptr[0].len == key.len;
    return true;
}
_Static_assert(LP_MAX_STORE_KEY == 1024, "what the message says");

/* The keys of a page that are text; loop:storage has keys of any bytes. */
static loop_list_string texts(loop_call *call, const loop_storage_store_key_page *p)
{
    loop_string *keys = loop_call_alloc(call, (p->keys.len + 1) * sizeof *keys);
    size_t n = 0;
    for (size_t i = 0; keys && i < p->keys.len; i++) {
        loop_string key = {(const char *)p->keys.ptr[i].ptr, p->keys.ptr[i].len};
        if (lp_utf8_valid(key.ptr, key.len))
            keys[n++] = key;
    }
    return (loop_list_string){keys, n};
}

bool kv_page(kv_bucket *b, loop_call *call, const loop_option_string *cursor, loop_list_string *ret,
             loop_option_string *ret_cursor, kv_why *why)
{
    loop_storage_store_option_key from = {cursor->is_some, key_of(cursor->value)};
    loop_storage_store_key_page p;
    for (loop_list_string keys = {0}; !keys.len; from = p.cursor) {
        if (!list(b, call, (loop_string){0}, &from, PAGE, &p, why))
            return false;
        *ret = keys = texts(call, &p);
        if (!p.cursor.is_some)
            break;
    }
    /* The last key that is text goes as far as need be. */
    ret_cursor->is_some = p.cursor.is_some;
    if (p.cursor.is_some)
        ret_cursor->value = ret->ptr[ret->len - 1];
    return true;
}

static const void *remembered(const kv_bucket *b, uint64_t number, size_t *ret_len)
{
    for (size_t i = 0; i < CURSORS; i++) {
        if (!b->cursors[i].key || b->cursors[i].number != number)
            continue;
        *ret_len = b->cursors[i].len;
        return b->cursors[i].key;
    }
    return NULL;
}

static void remember(kv_bucket *b, uint64_t number, loop_storage_store_key key)
{
    size_t at = 0;
    while (at < CURSORS && !(b->cursors[at].key && b->cursors[at].number == number))
        at++;
    if (at == CURSORS)
        at = b->next_cursor++ % CURSORS;
    free(b->cursors[at].key);
    b->cursors[at].number = number;
    b->cursors[at].key = lp_strndup((const char *)key.ptr, key.len);
    b->cursors[at].len = key.len;
}

/* The key that number `number` ended with, found by counting: another bucket gave it. */
static bool count_to(kv_bucket *b, loop_call *call, uint64_t number,
                     loop_storage_store_option_key *ret, bool *ret_end, kv_why *why)
{
    loop_storage_store_key_page p;
    while (number) {
        uint32_t limit = (uint32_t)LP_MIN(number, (uint64_t)LP_MAX_STORE_PAGE);
        if (!list(b, call, (loop_string){0}, ret, limit, &p, why))
            return false;
        number -= LP_MIN(number, (uint64_t)p.keys.len);
        *ret = p.cursor;
        *ret_end = !p.cursor.is_some || !p.keys.len;
        if (*ret_end)
            return true;
    }
    return true;
}

bool kv_page_by_number(kv_bucket *b, loop_call *call, const loop_option_u64 *cursor,
                       loop_list_string *ret, loop_option_u64 *ret_cursor, kv_why *why)
{
    uint64_t number = cursor->is_some ? cursor->value : 0;
    loop_storage_store_option_key from = {0};
    loop_storage_store_key_page p;
    bool end = false;
    size_t len;
    const void *key = remembered(b, number, &len);
    if (key)
        from = (loop_storage_store_option_key){true, {key, len}};
    else if (!count_to(b, call, number, &from, &end, why))
        return false;
    if (end)
        return true;
    if (!list(b, call, (loop_string){0}, &from, PAGE, &p, why))
        return false;
    *ret = texts(call, &p);
    *ret_cursor = (loop_option_u64){p.cursor.is_some, number + p.keys.len};
    if (p.cursor.is_some)
        remember(b, ret_cursor->value, p.cursor.value);
    return true;
}

/* ---- many keys ---- */

bool kv_get_many(kv_bucket *b, loop_call *call, loop_list_string keys, const kv_entry **ret,
                 kv_why *why)
{
    loop_storage_store_key *list = loop_call_alloc(call, (keys.len + 1) * sizeof *list);
    kv_entry *entries = loop_call_alloc(call, (keys.len + 1) * sizeof *entries);
    if (!list || !entries)
        return other(why, loop_string_of("out of memory"));
    for (size_t i = 0; i < keys.len; i++)
        list[i] = key_of(keys.ptr[i]);
    for (size_t i = 0; i < keys.len; i += LP_MAX_STORE_BATCH) {
        struct {
            loop_storage_store_bucket *bucket;
            loop_storage_store_list_key keys;
        } args = {b->bucket, {list + i, LP_MIN(keys.len - i, (size_t)LP_MAX_STORE_BATCH)}};
        loop_storage_store_result_list_option_entry_error r = {0};
        if (!ASK(b, GET_MANY, &args, &r))
            return false;
        if (r.of.ok.len != args.keys.len)
            return other(why, loop_string_of("the store left out keys"));
        memcpy(entries + i, r.of.ok.ptr, r.of.ok.len * sizeof *entries);
    }
    *ret = entries;
    return true;
}

static int by_key(const void *a, const void *b)
{
    const loop_storage_store_operation *const *x = a, *const *y = b;
    size_t n = LP_MIN((*x)->key.len, (*y)->key.len);
    int c = n ? memcmp((*x)->key.ptr, (*y)->key.ptr, n) : 0;
    if (!c)
        c = ((*x)->key.len > (*y)->key.len) - ((*x)->key.len < (*y)->key.len);
    return c ? c : (*x > *y) - (*x < *y);
}

static bool same_key(const loop_storage_store_operation *a, const loop_storage_store_operation *b)
{
    return a->key.len == b->key.len && memcmp(a->key.ptr, b->key.ptr, a->key.len) == 0;
}

/* The last of each key, in order; how many. */
static size_t last_of_each(const loop_storage_store_operation *all, size_t n,
                           const loop_storage_store_operation **sorted,
                           loop_storage_store_operation *ret)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        sorted[i] = &all[i];
    qsort(sorted, n, sizeof *sorted, by_key);
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || !same_key(sorted[i], sorted[i + 1]))
            ret[kept++] = *sorted[i];
    return kept;
}

/* How many of the first operations one call of `apply` takes; at least one. */
static size_t one_step(const loop_storage_store_operation *o, size_t n)
{
    uint64_t bytes = 0;
    size_t i = 0;
    for (; i < n && i < LP_MAX_STORE_BATCH; i++) {
        bytes += o[i].change.tag == LOOP_STORAGE_STORE_CHANGE_SET ? o[i].change.of.set.len : 0;
        if (i && bytes > LP_MAX_STORE_BYTES)
            break;
    }
    return i;
}

static const loop_string *at_stride(const loop_string *first, size_t stride, size_t i)
{
    return (const loop_string *)((const char *)first + i * stride);
}

bool kv_change_many(kv_bucket *b, loop_call *call, const loop_string *keys, size_t stride,
                    const loop_list_u8 *values, size_t n, kv_why *why)
{
    loop_storage_store_operation *all = loop_call_alloc(call, (n + 1) * sizeof *all);
    loop_storage_store_operation *o = loop_call_alloc(call, (n + 1) * sizeof *o);
    const loop_storage_store_operation **sorted = loop_call_alloc(call, (n + 1) * sizeof *sorted);
    if (!all || !o || !sorted)
        return other(why, loop_string_of("out of memory"));
    for (size_t i = 0; i < n; i++) {
        all[i].key = key_of(*at_stride(keys, stride, i));
        all[i].change.tag = LOOP_STORAGE_STORE_CHANGE_DELETE;
        if (!values)
            continue;
        all[i].change.tag = LOOP_STORAGE_STORE_CHANGE_SET;
        memcpy(&all[i].change.of.set, (const char *)values + i * stride, sizeof *values);
    }
    n = last_of_each(all, n, sorted, o);
    for (size_t i = 0, part; i < n; i += part) {
        part = one_step(o + i, n - i);
        struct {
            loop_storage_store_bucket *bucket;
            loop_storage_store_list_operation operations;
        } args = {b->bucket, {o + i, part}};
        loop_storage_store_result_batch_outcome_error r = {0};
        if (!ASK(b, APPLY, &args, &r))
            return false;
    }
    return true;
}
