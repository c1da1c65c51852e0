/* providers/keyvalue/store.c: implements store.h. */
#include "providers/keyvalue/store.h"

#include <stdlib.h>

#define MAX_BUCKETS 256

struct kv_space *kv_space_of(struct kv_spaces *s, const char *component)
{
    for (size_t i = 0; i < s->list.n; i++)
        if (strcmp(s->list.at[i]->component, component) == 0)
            return s->list.at[i];
    struct kv_space *space = lp_alloc(sizeof *space);
    space->component = lp_strdup(component);
    *lp_push(&s->list) = space;
    return space;
}

static void bucket_delete(struct kv_bucket *b)
{
    for (size_t i = 0; i < b->entries.n; i++) {
        free(b->entries.at[i].key);
        free(b->entries.at[i].value);
    }
    free(b->entries.at);
    free(b->name);
    free(b);
}

void kv_spaces_done(struct kv_spaces *s)
{
    for (size_t i = 0; i < s->list.n; i++) {
        struct kv_space *space = s->list.at[i];
        for (size_t j = 0; j < space->buckets.n; j++)
            bucket_delete(space->buckets.at[j]);
        free(space->buckets.at);
        free(space->component);
        free(space);
    }
    free(s->list.at);
}

struct kv_bucket *kv_bucket_open(struct kv_space *s, lp_str name)
{
    for (size_t i = 0; i < s->buckets.n; i++)
        if (lp_str_is(name, s->buckets.at[i]->name))
            return s->buckets.at[i];
    if (s->buckets.n >= MAX_BUCKETS || name.len > LP_MAX_NAME || memchr(name.ptr, 0, name.len))
        return NULL;
    struct kv_bucket *b = lp_alloc(sizeof *b);
    b->name = lp_strndup(name.ptr, name.len);
    b->space = s;
    *lp_push(&s->buckets) = b;
    return b;
}

static int compare(lp_str a, const struct kv_entry *e)
{
    size_t n = LP_MIN(a.len, e->key_len);
    int c = n ? memcmp(a.ptr, e->key, n) : 0;
    return c ? c : (a.len > e->key_len) - (a.len < e->key_len);
}

/* The first entry not before `key`; *found: it is `key`. */
static size_t seek(const struct kv_bucket *b, lp_str key, bool *found)
{
    size_t low = 0, high = b->entries.n;
    *found = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = compare(key, &b->entries.at[mid]);
        if (c == 0) {
            *found = true;
            return mid;
        }
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

struct kv_entry *kv_get(struct kv_bucket *b, lp_str key)
{
    bool found;
    size_t i = seek(b, key, &found);
    return found ? &b->entries.at[i] : NULL;
}

size_t kv_after(const struct kv_bucket *b, lp_str key)
{
    bool found;
    size_t i = seek(b, key, &found);
    return i + found;
}

const char *kv_set(struct kv_bucket *b, lp_str key, lp_str value)
{
    struct kv_space *s = b->space;
    if (key.len > LP_MAX_KV_KEY)
        return "the key is longer than 1 KiB";
    if (value.len > LP_MAX_KV_VALUE)
        return "the value is longer than 16 MiB";
    bool found;
    size_t i = seek(b, key, &found);
    size_t before = found ? b->entries.at[i].value_len : 0;
    size_t after = s->bytes - before + value.len + (found ? 0 : key.len);
    if (after > LP_MAX_KV_BYTES)
        return "the component's keys and values exceed 64 MiB";
    if (!found && s->keys >= LP_MAX_KV_KEYS)
        return "the component has 65536 keys, the most there may be";
    if (!found) {
        s->keys++;
        lp_push(&b->entries);
        struct kv_entry *at = b->entries.at;
        memmove(at + i + 1, at + i, (b->entries.n - 1 - i) * sizeof *at);
        at[i] = (struct kv_entry){.key = lp_strndup(key.ptr, key.len), .key_len = key.len};
    }
    struct kv_entry *e = &b->entries.at[i];
    free(e->value);
    e->value = lp_strndup(value.ptr, value.len);
    e->value_len = value.len;
    e->version = ++s->versions;
    s->bytes = after;
    return NULL;
}

void kv_delete(struct kv_bucket *b, lp_str key)
{
    bool found;
    size_t i = seek(b, key, &found);
    if (!found)
        return;
    struct kv_entry *e = &b->entries.at[i];
    b->space->bytes -= e->key_len + e->value_len;
    b->space->keys--;
    free(e->key);
    free(e->value);
    memmove(e, e + 1, (b->entries.n - i - 1) * sizeof *e);
    b->entries.n--;
}
