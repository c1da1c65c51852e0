/* providers/storage/store.c: implements store.h: what every store checks and counts alike. */
#include "providers/storage/store.h"

#include <stdio.h>
#include <stdlib.h>

#define GRANT_MORE                                                                                 \
    "grant more: --storage SIZE, or grants: { storage: { quota: SIZE } } in loop.yaml"

/* ---- for engines ---- */

loop_error *lp_store_alloc(const lp_store_caller *who, size_t size, void *ret)
{
    void *p = who->alloc(who->ctx, size ? size : 1);
    if (!p)
        return loop_error_new(LOOP_LIMIT, "the answer takes more memory than one call may have");
    memcpy(ret, &p, sizeof p);
    return NULL;
}

loop_error *lp_store_copy(const lp_store_caller *who, const void *p, size_t n, loop_list_u8 *ret)
{
    uint8_t *copy = NULL;
    LP_TRY(lp_store_alloc(who, n, &copy));
    if (n)
        memcpy(copy, p, n);
    *ret = (loop_list_u8){copy, n};
    return NULL;
}

loop_error *lp_store_quota(const lp_store_caller *who, lp_store_size before, lp_store_size after)
{
    if (after.bytes > who->granted && after.bytes > before.bytes) {
        lp_auto(lp_free_string) char *quota = lp_size_text(who->granted);
        return loop_error_hint_set(
            loop_error_new(LOOP_LIMIT, "keys and values would take %llu bytes, and the quota is %s",
                           (unsigned long long)after.bytes, quota),
            "%s", who->more ? who->more : GRANT_MORE);
    }
    uint64_t keys = LP_STORE_FREE_KEYS + who->granted / LP_STORE_KEY_ROOM;
    if (after.keys > keys && after.keys > before.keys)
        return loop_error_hint_set(
            loop_error_new(LOOP_LIMIT, "a quota of %llu bytes allows %llu keys",
                           (unsigned long long)who->granted, (unsigned long long)keys),
            "%s", who->more ? who->more : GRANT_MORE);
    return NULL;
}

bool lp_store_holds(const loop_storage_store_condition *c, const loop_string *version)
{
    switch (c->tag) {
    case LOOP_STORAGE_STORE_CONDITION_ALWAYS: return true;
    case LOOP_STORAGE_STORE_CONDITION_ABSENT: return !version;
    default:
        return version && version->len == c->of.unchanged.len &&
               memcmp(version->ptr, c->of.unchanged.ptr, version->len) == 0;
    }
}

loop_string lp_store_version(uint64_t count, uint64_t draw, char *ret)
{
    int n = snprintf(ret, LP_MAX_STORE_VERSION + 1, "%llx-%llx", (unsigned long long)count,
                     (unsigned long long)draw);
    return (loop_string){ret, (size_t)n};
}

int lp_store_compare(const void *a, size_t a_len, const void *b, size_t b_len)
{
    size_t n = LP_MIN(a_len, b_len);
    int c = n ? memcmp(a, b, n) : 0;
    return c ? c : (a_len > b_len) - (a_len < b_len);
}

/* ---- the limits of the WIT page ---- */

loop_error *lp_store_name_check(loop_string name)
{
    if (!name.len || name.len > LP_MAX_STORE_NAME)
        return loop_error_new(LOOP_INVALID, "a bucket's name has 1 to %d bytes", LP_MAX_STORE_NAME);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'))
            return loop_error_new(LOOP_INVALID, "a bucket's name has only a-z 0-9 - _ .");
    }
    return NULL;
}

static loop_error *check_key(loop_storage_store_key key)
{
    if (key.len && key.len <= LP_MAX_STORE_KEY)
        return NULL;
    return loop_error_new(LOOP_INVALID, "a key has 1 to %d bytes", LP_MAX_STORE_KEY);
}

static loop_error *check_operation(const loop_storage_store_operation *o)
{
    LP_TRY(check_key(o->key));
    if (o->condition.tag == LOOP_STORAGE_STORE_CONDITION_UNCHANGED &&
        o->condition.of.unchanged.len > LP_MAX_STORE_VERSION)
        return loop_error_new(LOOP_INVALID, "a version has at most %d bytes", LP_MAX_STORE_VERSION);
    if (o->change.tag == LOOP_STORAGE_STORE_CHANGE_SET && o->change.of.set.len > LP_MAX_STORE_VALUE)
        return loop_error_new(LOOP_INVALID, "a value has at most 16 MiB");
    return NULL;
}
_Static_assert(LP_MAX_STORE_VALUE == 16 << 20, "what the message says");

static loop_error *check_count(size_t n)
{
    if (n <= LP_MAX_STORE_BATCH)
        return NULL;
    return loop_error_new(LOOP_INVALID, "at most %d keys at once", LP_MAX_STORE_BATCH);
}

static int by_key(const void *a, const void *b)
{
    const loop_storage_store_operation *const *x = a, *const *y = b;
    return lp_store_compare((*x)->key.ptr, (*x)->key.len, (*y)->key.ptr, (*y)->key.len);
}

/* Only values count for the size: two of the largest fit, whatever their keys. */
static loop_error *check_batch(loop_storage_store_list_operation l)
{
    const loop_storage_store_operation *sorted[LP_MAX_STORE_BATCH];
    uint64_t bytes = 0;
    LP_TRY(check_count(l.len));
    for (size_t i = 0; i < l.len; i++) {
        sorted[i] = &l.ptr[i];
        LP_TRY(check_operation(sorted[i]));
        if (sorted[i]->change.tag == LOOP_STORAGE_STORE_CHANGE_SET)
            bytes += sorted[i]->change.of.set.len;
    }
    if (bytes > LP_MAX_STORE_BYTES)
        return loop_error_new(LOOP_INVALID, "the values of a batch have at most 32 MiB together");
    qsort(sorted, l.len, sizeof sorted[0], by_key);
    for (size_t i = 1; i < l.len; i++)
        if (by_key(&sorted[i - 1], &sorted[i]) == 0)
            return loop_error_new(LOOP_INVALID, "a key is named twice in one batch");
    return NULL;
}
_Static_assert(LP_MAX_STORE_BYTES == 32 << 20, "what the message says");

/* ---- for those who ask ---- */

loop_error *lp_store_get(lp_store *s, const lp_store_caller *who, lp_str bucket,
                         loop_storage_store_key key, loop_storage_store_option_entry *ret)
{
    LP_TRY(check_key(key));
    return s->engine->read(s, who, bucket, &key, 1, ret);
}

loop_error *lp_store_get_many(lp_store *s, const lp_store_caller *who, lp_str bucket,
                              loop_storage_store_list_key keys,
                              loop_storage_store_list_option_entry *ret)
{
    LP_TRY(check_count(keys.len));
    for (size_t i = 0; i < keys.len; i++)
        LP_TRY(check_key(keys.ptr[i]));
    loop_storage_store_option_entry *entries = NULL;
    LP_TRY(lp_store_alloc(who, keys.len * sizeof *entries, &entries));
    LP_TRY(s->engine->read(s, who, bucket, keys.ptr, keys.len, entries));
    *ret = (loop_storage_store_list_option_entry){entries, keys.len};
    return NULL;
}

static loop_error *write_one(lp_store *s, const lp_store_caller *who, lp_str bucket,
                             const loop_storage_store_operation *o, lp_store_result *ret,
                             bool *ret_applied)
{
    LP_TRY(check_operation(o));
    return s->engine->write(s, who, bucket, o, 1, ret, ret_applied);
}

loop_error *lp_store_set(lp_store *s, const lp_store_caller *who, lp_str bucket,
                         loop_storage_store_key key, loop_storage_store_value value,
                         loop_storage_store_version *ret)
{
    lp_store_result r = {0};
    bool applied;
    loop_storage_store_operation o = {
        .key = key, .change = {.tag = LOOP_STORAGE_STORE_CHANGE_SET, .of.set = value}};
    LP_TRY(write_one(s, who, bucket, &o, &r, &applied));
    *ret = r.now.value;
    return NULL;
}

loop_error *lp_store_delete(lp_store *s, const lp_store_caller *who, lp_str bucket,
                            loop_storage_store_key key, bool *ret_was)
{
    lp_store_result r = {0};
    bool applied;
    loop_storage_store_operation o = {.key = key, .change.tag = LOOP_STORAGE_STORE_CHANGE_DELETE};
    LP_TRY(write_one(s, who, bucket, &o, &r, &applied));
    *ret_was = r.was;
    return NULL;
}

loop_error *lp_store_swap(lp_store *s, const lp_store_caller *who, lp_str bucket,
                          const loop_storage_store_operation *operation,
                          loop_storage_store_outcome *ret)
{
    lp_store_result r = {0};
    bool applied = false;
    LP_TRY(write_one(s, who, bucket, operation, &r, &applied));
    ret->tag = applied ? LOOP_STORAGE_STORE_OUTCOME_APPLIED : LOOP_STORAGE_STORE_OUTCOME_CONFLICT;
    ret->of.applied = r.now; /* both cases hold the same */
    return NULL;
}

loop_error *lp_store_apply(lp_store *s, const lp_store_caller *who, lp_str bucket,
                           loop_storage_store_list_operation operations,
                           loop_storage_store_batch_outcome *ret)
{
    LP_TRY(check_batch(operations));
    size_t n = operations.len, conflicts = 0;
    lp_store_result *results = NULL;
    loop_storage_store_option_version *now = NULL;
    uint32_t *which = NULL;
    LP_TRY(lp_store_alloc(who, n * sizeof *results, &results));
    LP_TRY(lp_store_alloc(who, n * sizeof *now, &now));
    LP_TRY(lp_store_alloc(who, n * sizeof *which, &which));
    bool applied = true;
    if (n)
        LP_TRY(s->engine->write(s, who, bucket, operations.ptr, n, results, &applied));
    for (size_t i = 0; i < n; i++) {
        now[i] = results[i].now;
        if (!results[i].held)
            which[conflicts++] = (uint32_t)i;
    }
    if (applied) {
        ret->tag = LOOP_STORAGE_STORE_BATCH_OUTCOME_APPLIED;
        ret->of.applied = (loop_storage_store_list_option_version){now, n};
    } else {
        ret->tag = LOOP_STORAGE_STORE_BATCH_OUTCOME_CONFLICT;
        ret->of.conflict = (loop_list_u32){which, conflicts};
    }
    return NULL;
}

/* ---- pages ---- */

/*
 * The keys of a prefix are those from the prefix itself to the first string after all that
 * begin with it: its last byte counted up, where that is 255 the one before. A prefix of
 * 255s has no such end. Returns the end's length.
 */
static size_t end_of(loop_list_u8 prefix, uint8_t *ret)
{
    size_t n = prefix.len;
    while (n && prefix.ptr[n - 1] == 255)
        n--;
    if (n) {
        memcpy(ret, prefix.ptr, n);
        ret[n - 1]++;
    }
    return n;
}

loop_error *lp_store_list(lp_store *s, const lp_store_caller *who, lp_str bucket,
                          loop_list_u8 prefix, const loop_storage_store_option_key *cursor,
                          uint32_t limit, loop_storage_store_key_page *ret)
{
    uint8_t from[LP_MAX_STORE_KEY + 1], end[LP_MAX_STORE_KEY];
    size_t from_len = 0;
    if (cursor->is_some)
        LP_TRY(check_key(cursor->value));
    if (prefix.len > LP_MAX_STORE_KEY)
        return NULL; /* no key is as long: an empty page */
    if (cursor->is_some &&
        lp_store_compare(cursor->value.ptr, cursor->value.len, prefix.ptr, prefix.len) >= 0) {
        /* Right after a key comes that key and a zero byte. */
        from_len = cursor->value.len + 1;
        memcpy(from, cursor->value.ptr, from_len - 1);
        from[from_len - 1] = 0;
    } else if (prefix.len) {
        memcpy(from, prefix.ptr, from_len = prefix.len);
    }
    lp_str before = {(const char *)end, end_of(prefix, end)};
    size_t max = limit && limit < LP_MAX_STORE_PAGE ? limit : LP_MAX_STORE_PAGE, n = 0;
    loop_storage_store_key *keys = NULL; /* one more than asked for says whether there are more */
    LP_TRY(lp_store_alloc(who, (max + 1) * sizeof *keys, &keys));
    LP_TRY(s->engine->list(s, who, bucket, (lp_str){(const char *)from, from_len}, before, max + 1,
                           keys, &n));
    ret->cursor.is_some = n > max;
    ret->keys = (loop_storage_store_list_key){keys, LP_MIN(n, max)};
    if (ret->cursor.is_some)
        ret->cursor.value = keys[max - 1];
    return NULL;
}

loop_error *lp_store_usage(lp_store *s, const lp_store_caller *who, loop_storage_store_usage *ret)
{
    LP_TRY(s->engine->usage(s, who, &ret->bytes_used));
    ret->bytes_granted = (loop_option_u64){true, who->granted};
    return NULL;
}
