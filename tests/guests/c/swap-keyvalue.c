/*
 * swap-keyvalue: the same as swap-counts through wasi:keyvalue, which an adapter serves by
 * loop:storage: increments, of which each must answer one more than the last; values that are
 * set, read, deleted. Reports the increments; with `check` it reports what the counters have.
 */
#include "gen/drafts.h"
#include "swap.h"

#define KV(name) wasi_keyvalue_0_2_0_draft_store_##name
#define BUCKET(name) wasi_keyvalue_0_2_0_draft_store_method_bucket_##name
enum { COUNTERS = 16 };

static KV(error_t) error;
static KV(borrow_bucket_t) bucket;

_Noreturn static void failed(const char *what)
{
    bool other = error.tag == 2;
    wrong("wasi:keyvalue %s: case %u: %.*s", what, error.tag, other ? (int)error.val.other.len : 0,
          (char *)error.val.other.ptr);
}

static uint64_t add(unsigned counter, uint64_t delta)
{
    char name[16];
    snprintf(name, sizeof name, "counter%02u", counter);
    drafts_string_t key = TEXT(drafts_string_t, name);
    uint64_t now;
    if (!wasi_keyvalue_0_2_0_draft_atomics_increment(bucket, &key, delta, &now, &error))
        failed("increment");
    return now;
}

/* A value is there as it was set, and is not when it was deleted. */
static void set_and_delete(uint64_t n)
{
    char text[32];
    snprintf(text, sizeof text, "value %llu", (unsigned long long)n);
    drafts_string_t key = TEXT(drafts_string_t, "value");
    drafts_list_u8_t value = {(uint8_t *)text, strlen(text)};
    drafts_option_list_u8_t got;
    bool exists = true;
    if (!BUCKET(set)(bucket, &key, &value, &error))
        failed("set");
    if (!BUCKET(get)(bucket, &key, &got, &error))
        failed("get");
    if (!got.is_some || got.val.len != value.len || memcmp(got.val.ptr, text, value.len) != 0)
        wrong("wasi:keyvalue get answers another value than was set");
    drafts_list_u8_free(&got.val);
    if (!BUCKET(delete)(bucket, &key, &error))
        failed("delete");
    if (!BUCKET(exists)(bucket, &key, &exists, &error))
        failed("exists");
    if (exists)
        wrong("wasi:keyvalue has what was deleted");
}

static void list(unsigned counters)
{
    KV(key_response_t) keys;
    if (!BUCKET(list_keys)(bucket, NULL, &keys, &error))
        failed("list-keys");
    if (keys.keys.len != counters)
        wrong("wasi:keyvalue lists %zu keys, not %u", keys.keys.len, counters);
    KV(key_response_free)(&keys);
}

int main(int argc, char **argv)
{
    static uint64_t counters[COUNTERS];
    drafts_string_t name = TEXT(drafts_string_t, "kv");
    KV(own_bucket_t) own;
    uint64_t steps = 0, sum = 0;
    (void)argv;
    if (!KV(open)(&name, &own, &error))
        failed("open");
    bucket = KV(borrow_bucket)(own);
    for (; argc < 2 && !control_stopped(); steps++) {
        unsigned c = (unsigned)(steps % COUNTERS);
        uint64_t now = add(c, 1);
        if (now != ++counters[c])
            wrong("increment of counter %u answers %llu, not %llu", c, (unsigned long long)now,
                  (unsigned long long)counters[c]);
        if (steps % 10 == 0)
            set_and_delete(steps);
        if (steps % 50 == 49)
            list(COUNTERS);
        if (steps % 1024 == 0)
            report("steps", steps);
    }
    for (unsigned c = 0; c < COUNTERS; c++)
        sum += argc < 2 ? counters[c] : add(c, 0);
    KV(bucket_drop_own)(own);
    report("steps", steps);
    report("sum", sum);
    return 0;
}
