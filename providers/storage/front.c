/*
 * providers/storage/front.c: a call of loop:storage/store: who asks, what was granted, errors
 * as values.
 *
 * Every call asks for the grant, not only `open`: a handle is no permission. The identity is
 * the call's too, so that a bucket's object is its name and nothing that could be mixed up.
 * What a store cannot do is a value for the component (`failed`, with what to do about it),
 * never its end: only the host ends a component.
 */
#include "providers/storage/front.h"

#include <stdlib.h>

struct loop_storage_store_bucket {
    lp_str name; /* behind this struct */
};

/* ---- who asks ---- */

static void *call_alloc(void *call, size_t size)
{
    return loop_call_alloc(call, size);
}

static bool call_cancelled(void *call)
{
    return loop_call_cancelled(call, NULL) != LOOP_CANCEL_NONE;
}

static loop_error *who_calls(loop_call *call, lp_store_caller *ret)
{
    loop_string why;
    uint64_t granted = loop_call_storage(call, &why);
    if (!granted)
        return loop_error_new(LOOP_DENIED, "%.*s", (int)why.len, why.ptr);
    *ret = (lp_store_caller){loop_call_identity(call), granted, call_alloc,
                             call_cancelled,           call,    why.len ? why.ptr : NULL};
    return NULL;
}

/* ---- errors ---- */

static uint8_t case_of(loop_code code)
{
    switch (code) {
    case LOOP_UNAVAILABLE: return LOOP_CORE_TYPES_ERROR_UNAVAILABLE;
    case LOOP_DENIED: return LOOP_CORE_TYPES_ERROR_DENIED;
    case LOOP_INVALID: return LOOP_CORE_TYPES_ERROR_INVALID;
    case LOOP_LIMIT: return LOOP_CORE_TYPES_ERROR_LIMIT;
    case LOOP_CANCELLED: return LOOP_CORE_TYPES_ERROR_CANCELLED;
    default: return LOOP_CORE_TYPES_ERROR_FAILED;
    }
}

/* "cannot open the store 'x': it is damaged; to do: put it back from a copy" */
static loop_string text_of(loop_call *call, const loop_error *e)
{
    lp_buf b = {0};
    for (const loop_error *c = e; c; c = loop_error_cause(c))
        lp_buf_printf(&b, "%s%s", c == e ? "" : ": ", loop_error_message(c));
    if (loop_error_hint(e))
        lp_buf_printf(&b, "; to do: %s", loop_error_hint(e));
    loop_string text = loop_call_string(call, b.ptr, b.len);
    lp_buf_done(&b);
    return text;
}

/* Uses `e` up; what was filled of an answer is overwritten. */
static loop_error *answer(loop_call *call, loop_error *e, bool *is_err, loop_core_types_error *ret)
{
    if (!e)
        return NULL;
    *is_err = true;
    *ret = (loop_core_types_error){.tag = case_of(loop_error_code(e))};
    if (ret->tag != LOOP_CORE_TYPES_ERROR_CANCELLED)
        ret->of.failed = text_of(call, e);
    loop_error_delete(e);
    return NULL;
}

/* The five texts of the variant lie in one place. */
_Static_assert(sizeof(((loop_core_types_error *)0)->of) == sizeof(loop_string), "one text");

/* ANSWER(x, e): `e` is evaluated with `who` at hand. */
#define ANSWER(ret, e)                                                                             \
    do {                                                                                           \
        lp_store_caller who;                                                                       \
        loop_error *answer_e = who_calls(call, &who);                                              \
        if (!answer_e)                                                                             \
            answer_e = (e);                                                                        \
        return answer(call, answer_e, &(ret)->is_err, &(ret)->of.error);                           \
    } while (0)

/* ---- the interface ---- */

static loop_error *get(void *self, loop_call *call, loop_storage_store_bucket *bucket,
                       loop_storage_store_key key,
                       loop_storage_store_result_option_entry_error *ret)
{
    ANSWER(ret, lp_store_get(self, &who, bucket->name, key, &ret->of.ok));
}

static loop_error *get_many(void *self, loop_call *call, loop_storage_store_bucket *bucket,
                            loop_storage_store_list_key keys,
                            loop_storage_store_result_list_option_entry_error *ret)
{
    ANSWER(ret, lp_store_get_many(self, &who, bucket->name, keys, &ret->of.ok));
}

static loop_error *set(void *self, loop_call *call, loop_storage_store_bucket *bucket,
                       loop_storage_store_key key, loop_storage_store_value value,
                       loop_storage_store_result_version_error *ret)
{
    ANSWER(ret, lp_store_set(self, &who, bucket->name, key, value, &ret->of.ok));
}

static loop_error *delete_key(void *self, loop_call *call, loop_storage_store_bucket *bucket,
                              loop_storage_store_key key, loop_storage_store_result_bool_error *ret)
{
    ANSWER(ret, lp_store_delete(self, &who, bucket->name, key, &ret->of.ok));
}

static loop_error *compare_and_swap(void *self, loop_call *call, loop_storage_store_bucket *bucket,
                                    loop_storage_store_key key,
                                    const loop_storage_store_condition *condition,
                                    const loop_storage_store_change *change,
                                    loop_storage_store_result_outcome_error *ret)
{
    loop_storage_store_operation o = {key, *condition, *change};
    ANSWER(ret, lp_store_swap(self, &who, bucket->name, &o, &ret->of.ok));
}

static loop_error *apply(void *self, loop_call *call, loop_storage_store_bucket *bucket,
                         loop_storage_store_list_operation operations,
                         loop_storage_store_result_batch_outcome_error *ret)
{
    ANSWER(ret, lp_store_apply(self, &who, bucket->name, operations, &ret->of.ok));
}

static loop_error *list_keys(void *self, loop_call *call, loop_storage_store_bucket *bucket,
                             loop_list_u8 prefix, const loop_storage_store_option_key *cursor,
                             uint32_t limit, loop_storage_store_result_key_page_error *ret)
{
    ANSWER(ret, lp_store_list(self, &who, bucket->name, prefix, cursor, limit, &ret->of.ok));
}

static loop_error *make_bucket(loop_string name, loop_storage_store_bucket **ret)
{
    LP_TRY(lp_store_name_check(name));
    loop_storage_store_bucket *b = lp_alloc(sizeof *b + name.len);
    memcpy(b + 1, name.ptr, name.len);
    b->name = (lp_str){(const char *)(b + 1), name.len};
    *ret = b;
    return NULL;
}

static loop_error *open_bucket(void *self, loop_call *call, loop_string name,
                               loop_storage_store_result_own_bucket_error *ret)
{
    (void)self;
    ANSWER(ret, make_bucket(name, &ret->of.ok));
}

static loop_error *buckets(void *self, loop_call *call,
                           loop_storage_store_result_list_string_error *ret)
{
    lp_store *store = self;
    ANSWER(ret, store->engine->buckets(store, &who, &ret->of.ok));
}

static loop_error *get_usage(void *self, loop_call *call,
                             loop_storage_store_result_usage_error *ret)
{
    ANSWER(ret, lp_store_usage(self, &who, &ret->of.ok));
}

static void drop_bucket(void *self, loop_storage_store_bucket *bucket)
{
    (void)self;
    free(bucket);
}

const loop_storage_store_functions lp_storage_functions = {
    .bucket_get = get,
    .bucket_get_many = get_many,
    .bucket_set = set,
    .bucket_delete = delete_key,
    .bucket_compare_and_swap = compare_and_swap,
    .bucket_apply = apply,
    .bucket_list_keys = list_keys,
    .open = open_bucket,
    .buckets = buckets,
    .get_usage = get_usage,
    .bucket_drop = drop_bucket,
};

const loop_provider_interface lp_storage_interfaces[] = {
    {&loop_storage_store_interface, &lp_storage_functions},
    {NULL, NULL},
};

const loop_provider_need lp_storage_needs[] = {
    {"loop:storage/store", "*", LOOP_NEED_STORAGE, NULL, "a component may store, up to its quota"},
    {0},
};

/* ---- a swap ---- */

static loop_error *quiesce(void *self)
{
    return lp_store_quiesce(self);
}

static void resume(void *self)
{
    lp_store_resume(self);
}

static loop_error *save(void *self, const loop_interface *interface, loop_pass pass,
                        loop_stream *to)
{
    (void)interface; /* there is one */
    return lp_store_save(self, pass, to);
}

static loop_error *restore(void *self, const loop_interface *interface, loop_pass pass,
                           loop_stream *from)
{
    (void)interface;
    return lp_store_restore(self, pass, from);
}

static loop_error *save_object(void *self, const loop_interface *interface, size_t resource,
                               void *object, loop_stream *to)
{
    const loop_storage_store_bucket *b = object;
    return lp_state_object_write(to, b->name);
}

static loop_error *restore_object(void *self, const loop_interface *interface, size_t resource,
                                  loop_stream *from, void **ret_object)
{
    char name[LP_MAX_STORE_NAME];
    size_t len = 0;
    loop_storage_store_bucket *b = NULL;
    LP_TRY(lp_state_object_read(from, name, &len));
    LP_TRY(make_bucket((loop_string){name, len}, &b));
    *ret_object = b;
    return NULL;
}

const loop_provider_swap lp_storage_swap = {
    .copies = true,
    .quiesce = quiesce,
    .resume = resume,
    .save = save,
    .restore = restore,
    .save_object = save_object,
    .restore_object = restore_object,
};

void lp_storage_close(void *self)
{
    lp_store *store = self;
    store->engine->close(store);
}
