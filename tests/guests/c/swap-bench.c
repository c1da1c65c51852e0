/*
 * swap-bench MODE BYTES: small calls of loop:storage without end, for `make bench ONLY=swap`: a
 * store with BYTES in values of 1 KiB, and then
 *
 *     both    reads and writes by turns, and looks at the clock after each
 *     reads   reads, the same way
 *     steady  reads and writes, and says now and then how many there were
 */
#include "swap.h"

static char text[1024];

static S(key_t) key_of(uint64_t i)
{
    static char name[16];
    snprintf(name, sizeof name, "key%08u", (unsigned)i);
    return TEXT(S(key_t), name);
}

static void set(bucket_t h, uint64_t i, size_t size)
{
    S(key_t) key = key_of(i);
    S(value_t) value = {(uint8_t *)text, size};
    S(version_t) version;
    if (!METHOD(set)(h, &key, &value, &version, &store_error))
        store_failed("set");
    S(version_free)(&version);
}

static void get(bucket_t h, uint64_t i)
{
    S(key_t) key = key_of(i);
    S(option_entry_t) e;
    if (!METHOD(get)(h, &key, &e, &store_error))
        store_failed("get");
    if (!e.is_some)
        wrong("a key is not there");
    S(entry_free)(&e.val);
}

int main(int argc, char **argv)
{
    const char *mode = argument(argc, argv, 1, "both");
    uint64_t bytes = strtoull(argument(argc, argv, 2, "0"), NULL, 10), calls = 0;
    S(own_bucket_t) own = open_bucket("bench");
    bucket_t h = S(borrow_bucket)(own);
    for (uint64_t i = 0; i < bytes / sizeof text; i++)
        set(h, 16 + i, sizeof text);
    for (uint64_t i = 0; i < 16; i++)
        set(h, i, 16);
    report("filled", 1);
    while (!control_stopped()) {
        for (int i = 0; i < 1024; i++, calls++) {
            if (*mode != 'r' && calls % 2)
                set(h, calls / 2 % 16, 16);
            else
                get(h, calls / 2 % 16);
            if (*mode != 's')
                control_now();
        }
        report("calls", calls);
    }
    S(bucket_drop_own)(own);
    return 0;
}
