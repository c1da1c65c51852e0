/*
 * The same guest for both drafts of wasi:keyvalue that are in use; keyvalue.c
 * and keyvalue2.c say which (KV is the start of the bindings' names).
 *
 * keyvalue [BUCKET]: set, get, exists, increment, list, delete.
 */
#include "gen/drafts.h"
#include "guest.h"

#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
#define STORE(name) JOIN(KV, JOIN(store_, name))
#define BUCKET(name) STORE(JOIN(method_bucket_, name))

static int failed(const char *what, const STORE(error_t) * e)
{
    static const char *const cases[] = {"no-such-store", "access-denied", "other"};
    bool other = e->tag == 2;
    printf("%s: %s%s%.*s\n", what, e->tag < 3 ? cases[e->tag] : "?", other ? ": " : "",
           other ? (int)e->val.other.len : 0, (char *)e->val.other.ptr);
    return 1;
}

int main(int argc, char **argv)
{
    drafts_string_t name = TEXT(drafts_string_t, argument(argc, argv, 1, "default"));
    drafts_string_t key = TEXT(drafts_string_t, "greeting"),
                    counter = TEXT(drafts_string_t, "counter");
    drafts_list_u8_t hello = {(uint8_t *)"hello", 5};
    STORE(error_t) error;
    STORE(own_bucket_t) own;
    if (!STORE(open)(&name, &own, &error))
        return failed("open", &error);
    STORE(borrow_bucket_t) bucket = STORE(borrow_bucket)(own);

    drafts_option_list_u8_t value;
    bool exists;
    if (!BUCKET(set)(bucket, &key, &hello, &error))
        return failed("set", &error);
    if (!BUCKET(get)(bucket, &key, &value, &error))
        return failed("get", &error);
    printf("get: %.*s\n", value.is_some ? (int)value.val.len : 4,
           value.is_some ? (char *)value.val.ptr : "none");
    if (!BUCKET(exists)(bucket, &key, &exists, &error))
        return failed("exists", &error);
    printf("exists: %s\n", exists ? "yes" : "no");

    KV_NUMBER number;
    for (int i = 0; i < 2; i++)
        if (!JOIN(KV, atomics_increment)(bucket, &counter, 5, &number, &error))
            return failed("increment", &error);
    printf("increment: %lld\n", (long long)number);

    STORE(key_response_t) keys;
    if (!BUCKET(list_keys)(bucket, NULL, &keys, &error))
        return failed("list-keys", &error);
    printf("keys: %zu\n", keys.keys.len);
    if (!BUCKET(delete)(bucket, &key, &error))
        return failed("delete", &error);
    if (!BUCKET(get)(bucket, &key, &value, &error))
        return failed("get", &error);
    printf("after delete: %s\n", value.is_some ? "still there" : "none");
    STORE(bucket_drop_own)(own);
    return 0;
}
