/*
 * keyvalue: keys and values in memory, for as long as the host runs.
 *
 * Implements wasi:keyvalue (store, atomics, batch) under the two drafts in use.
 * They differ in cursors (a number, a text), in the order of a batch's pairs and
 * in compare-and-swap, which only the second has. A component has its own space;
 * nobody else sees it. `increment` keeps numbers as decimal text, as Wasmtime
 * does.
 */
#include "providers/keyvalue/keyvalue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "providers/keyvalue/store.h"

#define PAGE 256 /* keys of one list-keys */

enum error_case { ERROR_NO_SUCH_STORE, ERROR_ACCESS_DENIED, ERROR_OTHER };

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

static lp_str text_of(const loop_value *v)
{
    return (lp_str){v->of.text.ptr, v->of.text.len};
}

static loop_value bytes(loop_call *call, const char *p, size_t n)
{
    loop_value v = loop_value_string(call, p, n);
    v.kind = LOOP_BYTES;
    return v;
}

static loop_value failed(loop_call *call, const char *why)
{
    loop_value e = loop_value_case(call, ERROR_OTHER, why);
    return loop_value_error(call, &e);
}

static loop_error *answer(loop_call *call, const char *why, loop_value *ret)
{
    *ret = why ? failed(call, why) : loop_value_ok(call, NULL);
    return NULL;
}

static struct kv_bucket *bucket_of(loop_call *call, const loop_value *handle)
{
    return loop_call_held(call, "bucket", handle->of.handle);
}

static loop_error *no_bucket(void)
{
    return loop_error_new(LOOP_INVALID, "a handle that is no bucket");
}

/* The bucket of the first argument, or an error that ends the component. */
#define BUCKET(name)                                                                               \
    struct kv_bucket *name = bucket_of(call, &args[0]);                                            \
    if (!name)                                                                                     \
        return no_bucket();                                                                        \
    (void)self

/* ---- store ---- */

static loop_error *do_open(void *self, loop_call *call, const loop_value *args, loop_value *ret)
{
    struct kv_space *space = kv_space_of(self, loop_call_component(call));
    struct kv_bucket *b = kv_bucket_open(space, text_of(&args[0]));
    if (!b) {
        loop_value e = loop_value_case(call, ERROR_NO_SUCH_STORE, NULL);
        *ret = loop_value_error(call, &e);
        return NULL;
    }
    loop_value handle = {.kind = LOOP_OWN};
    LP_TRY(loop_call_hold(call, "bucket", b, &handle.of.handle));
    *ret = loop_value_ok(call, &handle);
    return NULL;
}

static loop_error *do_get(void *self, loop_call *call, const loop_value *args, loop_value *ret)
{
    BUCKET(b);
    const struct kv_entry *e = kv_get(b, text_of(&args[1]));
    loop_value value = e ? bytes(call, e->value, e->value_len) : (loop_value){0};
    loop_value found = loop_value_option(call, e ? &value : NULL);
    *ret = loop_value_ok(call, &found);
    return NULL;
}

static loop_error *do_set(void *self, loop_call *call, const loop_value *args, loop_value *ret)
{
    BUCKET(b);
    return answer(call, kv_set(b, text_of(&args[1]), text_of(&args[2])), ret);
}

static loop_error *do_delete(void *self, loop_call *call, const loop_value *args, loop_value *ret)
{
    BUCKET(b);
    kv_delete(b, text_of(&args[1]));
    return answer(call, NULL, ret);
}

static loop_error *do_exists(void *self, loop_call *call, const loop_value *args, loop_value *ret)
{
    BUCKET(b);
    loop_value there = {.kind = LOOP_BOOL, .of.boolean = kv_get(b, text_of(&args[1])) != NULL};
    *ret = loop_value_ok(call, &there);
    return NULL;
}

/* A page of keys from entry `from`; the record `key-response`. */
static void page(loop_call *call, const struct kv_bucket *b, size_t from, const loop_value *cursor,
                 loop_value *ret)
{
    size_t n = from < b->entries.n ? LP_MIN(b->entries.n - from, (size_t)PAGE) : 0;
    loop_value *keys = loop_call_alloc(call, (n + 1) * sizeof *keys);
    loop_value *fields = loop_call_alloc(call, 2 * sizeof *fields);
    if (!keys || !fields)
        return;
    for (size_t i = 0; i < n; i++)
        keys[i] =
            loop_value_string(call, b->entries.at[from + i].key, b->entries.at[from + i].key_len);
    fields[0] = (loop_value){.kind = LOOP_LIST, .of.items = {keys, n}};
    fields[1] = loop_value_option(call, from + n < b->entries.n ? cursor : NULL);
    loop_value record = {.kind = LOOP_RECORD, .of.items = {fields, 2}};
    *ret = loop_value_ok(call, &record);
}

/* The first draft: the cursor is the number of keys that were given. */
static loop_error *do_list_by_number(void *self, loop_call *call, const loop_value *args,
                                     loop_value *ret)
{
    BUCKET(b);
    uint64_t from = args[1].index ? args[1].of.items.at->of.u : 0;
    loop_value next = {.kind = LOOP_U64, .of.u = LP_MIN(from, (uint64_t)SIZE_MAX - PAGE) + PAGE};
    page(call, b, (size_t)LP_MIN(from, (uint64_t)b->entries.n), &next, ret);
    return NULL;
}

/* The second draft: the cursor is the last key that was given. */
static loop_error *do_list_by_key(void *self, loop_call *call, const loop_value *args,
                                  loop_value *ret)
{
    BUCKET(b);
    size_t from = args[1].index ? kv_after(b, text_of(args[1].of.items.at)) : 0;
    size_t last = LP_MIN(from + PAGE, b->entries.n);
    loop_value next = {.kind = LOOP_STRING};
    if (last > from)
        next =
            loop_value_string(call, b->entries.at[last - 1].key, b->entries.at[last - 1].key_len);
    page(call, b, from, &next, ret);
    return NULL;
}

/* ---- batch ---- */

/* With `pairs_outside`, list<option<tuple<key, value>>>; else list<tuple<key, option<value>>>. */
static void get_many(loop_call *call, struct kv_bucket *b, const loop_value *keys,
                     bool pairs_outside, loop_value *ret)
{
    size_t n = keys->of.items.count;
    loop_value *items = loop_call_alloc(call, (n + 1) * sizeof *items);
    for (size_t i = 0; items && i < n; i++) {
        const struct kv_entry *e = kv_get(b, text_of(&keys->of.items.at[i]));
        loop_value *pair = loop_call_alloc(call, 2 * sizeof *pair);
        if (!pair)
            return;
        loop_value value = e ? bytes(call, e->value, e->value_len) : (loop_value){0};
        loop_value tuple = {.kind = LOOP_TUPLE, .of.items = {pair, 2}};
        pair[0] = keys->of.items.at[i];
        pair[1] = pairs_outside ? value : loop_value_option(call, e ? &value : NULL);
        items[i] = pairs_outside ? loop_value_option(call, e ? &tuple : NULL) : tuple;
    }
    loop_value list = {.kind = LOOP_LIST, .of.items = {items, n}};
    *ret = loop_value_ok(call, &list);
}

static loop_error *do_get_many(void *self, loop_call *call, const loop_value *args, loop_value *ret)
{
    BUCKET(b);
    get_many(call, b, &args[1], true, ret);
    return NULL;
}

static loop_error *do_get_many2(void *self, loop_call *call, const loop_value *args,
                                loop_value *ret)
{
    BUCKET(b);
    get_many(call, b, &args[1], false, ret);
    return NULL;
}

static loop_error *do_set_many(void *self, loop_call *call, const loop_value *args, loop_value *ret)
{
    BUCKET(b);
    const char *why = NULL;
    for (size_t i = 0; !why && i < args[1].of.items.count; i++) {
        const loop_value *pair = args[1].of.items.at[i].of.items.at;
        why = kv_set(b, text_of(&pair[0]), text_of(&pair[1]));
    }
    return answer(call, why, ret);
}

static loop_error *do_delete_many(void *self, loop_call *call, const loop_value *args,
                                  loop_value *ret)
{
    BUCKET(b);
    for (size_t i = 0; i < args[1].of.items.count; i++)
        kv_delete(b, text_of(&args[1].of.items.at[i]));
    return answer(call, NULL, ret);
}

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

static loop_error *store_number(loop_call *call, struct kv_bucket *b, lp_str key, const char *text,
                                const loop_value *number, loop_value *ret)
{
    const char *why = kv_set(b, key, lp_str_of(text));
    *ret = why ? failed(call, why) : loop_value_ok(call, number);
    return NULL;
}

static loop_error *do_increment(void *self, loop_call *call, const loop_value *args,
                                loop_value *ret)
{
    BUCKET(b);
    int64_t s;
    uint64_t u;
    if (!parse_number(kv_get(b, text_of(&args[1])), false, &s, &u))
        return answer(call, "the value is not a number", ret);
    if (__builtin_add_overflow(u, args[2].of.u, &u))
        return answer(call, "the sum does not fit 64 bits", ret);
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)u);
    loop_value number = {.kind = LOOP_U64, .of.u = u};
    return store_number(call, b, text_of(&args[1]), text, &number, ret);
}

static loop_error *do_increment2(void *self, loop_call *call, const loop_value *args,
                                 loop_value *ret)
{
    BUCKET(b);
    int64_t s;
    uint64_t u;
    if (!parse_number(kv_get(b, text_of(&args[1])), true, &s, &u))
        return answer(call, "the value is not a number", ret);
    if (__builtin_add_overflow(s, args[2].of.s, &s))
        return answer(call, "the sum does not fit 64 bits", ret);
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)s);
    loop_value number = {.kind = LOOP_S64, .of.s = s};
    return store_number(call, b, text_of(&args[1]), text, &number, ret);
}

/* A compare-and-swap in waiting: which version of the key was seen. */
struct cas {
    struct kv_bucket *bucket;
    char *key;
    size_t key_len;
    uint64_t version; /* 0: the key was not there */
};

static void drop_cas(void *self, void *object)
{
    (void)self;
    struct cas *c = object;
    free(c->key);
    free(c);
}

static loop_error *cas_new(loop_call *call, struct kv_bucket *b, lp_str key, loop_value *ret_handle)
{
    struct cas *c = lp_alloc(sizeof *c);
    const struct kv_entry *e = kv_get(b, key);
    *c = (struct cas){b, lp_strndup(key.ptr, key.len), key.len, e ? e->version : 0};
    *ret_handle = (loop_value){.kind = LOOP_OWN};
    loop_error *err = loop_call_hold(call, "cas", c, &ret_handle->of.handle);
    if (err)
        drop_cas(NULL, c);
    return err;
}

static loop_error *do_cas_new(void *self, loop_call *call, const loop_value *args, loop_value *ret)
{
    BUCKET(b);
    loop_value handle;
    if (args[1].of.text.len > LP_MAX_KV_KEY)
        return answer(call, "the key is longer than 1 KiB", ret);
    LP_TRY(cas_new(call, b, text_of(&args[1]), &handle));
    *ret = loop_value_ok(call, &handle);
    return NULL;
}

static loop_error *do_cas_current(void *self, loop_call *call, const loop_value *args,
                                  loop_value *ret)
{
    (void)self;
    struct cas *c = loop_call_held(call, "cas", args[0].of.handle);
    if (!c)
        return no_bucket();
    const struct kv_entry *e = kv_get(c->bucket, (lp_str){c->key, c->key_len});
    c->version = e ? e->version : 0;
    loop_value value = e ? bytes(call, e->value, e->value_len) : (loop_value){0};
    loop_value found = loop_value_option(call, e ? &value : NULL);
    *ret = loop_value_ok(call, &found);
    return NULL;
}

/* swap(own<cas>, value) -> result<_, cas-error> */
static loop_error *do_swap(void *self, loop_call *call, const loop_value *args, loop_value *ret)
{
    (void)self;
    enum { STORE_ERROR, CAS_FAILED };
    struct cas *c = loop_call_held(call, "cas", args[0].of.handle);
    if (!c)
        return no_bucket();
    lp_str key = {c->key, c->key_len};
    const struct kv_entry *e = kv_get(c->bucket, key);
    loop_value error;
    if ((e ? e->version : 0) == c->version) {
        const char *why = kv_set(c->bucket, key, text_of(&args[1]));
        if (!why)
            return answer(call, NULL, ret);
        loop_value inner = loop_value_case(call, ERROR_OTHER, why);
        error = loop_value_option(call, &inner);
        error.index = STORE_ERROR;
    } else {
        loop_value handle;
        LP_TRY(cas_new(call, c->bucket, key, &handle));
        error = loop_value_option(call, &handle);
        error.index = CAS_FAILED;
    }
    error.kind = LOOP_VARIANT;
    *ret = loop_value_error(call, &error);
    return NULL;
}

/* ---- tables ---- */

#define DRAFT1                                                                                     \
    (const char *const[])                                                                          \
    {                                                                                              \
        "0.2.0-draft", NULL                                                                        \
    }
#define DRAFT2                                                                                     \
    (const char *const[])                                                                          \
    {                                                                                              \
        "0.2.0-draft2", NULL                                                                       \
    }

/* Types in structural form (loop/provider.h). */
#define ERROR "variant{no-such-store,access-denied,other(string)}"
#define OR_ERROR(ok) "->result<" ok "," ERROR ">"
#define PAIRS "list<tuple<string,list<u8>>>"
#define KEYS(cursor) "record{keys:list<string>,cursor:option<" cursor ">}"

static const loop_provider_resource bucket_resource[] = {{"bucket", NULL}, {0}};

#define STORE_FUNCTIONS                                                                            \
    {"open", "(string)" OR_ERROR("own"), do_open},                                                 \
        {"[method]bucket.get", "(borrow,string)" OR_ERROR("option<list<u8>>"), do_get},            \
        {"[method]bucket.set", "(borrow,string,list<u8>)" OR_ERROR("_"), do_set},                  \
        {"[method]bucket.delete", "(borrow,string)" OR_ERROR("_"), do_delete},                     \
    {                                                                                              \
        "[method]bucket.exists", "(borrow,string)" OR_ERROR("bool"), do_exists                     \
    }

static const loop_provider_function store_functions[] = {
    STORE_FUNCTIONS,
    {"[method]bucket.list-keys", "(borrow,option<u64>)" OR_ERROR(KEYS("u64")), do_list_by_number},
    {0},
};
static const loop_provider_function store2_functions[] = {
    STORE_FUNCTIONS,
    {"[method]bucket.list-keys", "(borrow,option<string>)" OR_ERROR(KEYS("string")),
     do_list_by_key},
    {0},
};

#define BATCH_FUNCTIONS                                                                            \
    {"set-many", "(borrow," PAIRS ")" OR_ERROR("_"), do_set_many},                                 \
    {                                                                                              \
        "delete-many", "(borrow,list<string>)" OR_ERROR("_"), do_delete_many                       \
    }

static const loop_provider_function batch_functions[] = {
    BATCH_FUNCTIONS,
    {"get-many", "(borrow,list<string>)" OR_ERROR("list<option<tuple<string,list<u8>>>>"),
     do_get_many},
    {0},
};
static const loop_provider_function batch2_functions[] = {
    BATCH_FUNCTIONS,
    {"get-many", "(borrow,list<string>)" OR_ERROR("list<tuple<string,option<list<u8>>>>"),
     do_get_many2},
    {0},
};

static const loop_provider_function atomics_functions[] = {
    {"increment", "(borrow,string,u64)" OR_ERROR("u64"), do_increment},
    {0},
};
static const loop_provider_function atomics2_functions[] = {
    {"increment", "(borrow,string,s64)" OR_ERROR("s64"), do_increment2},
    {"[static]cas.new", "(borrow,string)" OR_ERROR("own"), do_cas_new},
    {"[method]cas.current", "(borrow)" OR_ERROR("option<list<u8>>"), do_cas_current},
    {"swap", "(own,list<u8>)->result<_,variant{store-error(" ERROR "),cas-failed(own)}>", do_swap},
    {0},
};
static const loop_provider_resource cas_resource[] = {{"cas", drop_cas}, {0}};

static const loop_provider_interface store = {"wasi:keyvalue/store", DRAFT1, store_functions,
                                              bucket_resource};
static const loop_provider_interface store2 = {"wasi:keyvalue/store", DRAFT2, store2_functions,
                                               bucket_resource};
static const loop_provider_interface batch = {"wasi:keyvalue/batch", DRAFT1, batch_functions, NULL};
static const loop_provider_interface batch2 = {"wasi:keyvalue/batch", DRAFT2, batch2_functions,
                                               NULL};
static const loop_provider_interface atomics = {"wasi:keyvalue/atomics", DRAFT1, atomics_functions,
                                                NULL};
static const loop_provider_interface atomics2 = {"wasi:keyvalue/atomics", DRAFT2,
                                                 atomics2_functions, cas_resource};

const loop_provider lp_provider_keyvalue = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "keyvalue",
    .summary = "keys and values in memory, private to a component, as wasi:keyvalue",
    .interfaces = (const loop_provider_interface *const[]){&store, &store2, &batch, &batch2,
                                                           &atomics, &atomics2, NULL},
    .threads = LOOP_THREADS_SERIAL,
    .open = open_keyvalue,
    .close = close_keyvalue,
};
