/*
 * guest: counts with the provider that `make new-provider NAME=night-light` makes.
 *
 * It is built with the plain toolchain, so the imports are written by hand, as the
 * component model lays them out in memory.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNTERS(name)                                                                             \
    __attribute__((import_module("example:night-light/counters@0.1.0"), import_name(name)))

struct opened { /* result<counter, error> */
    uint8_t is_error;
    union {
        int32_t counter;
        struct {
            uint8_t tag;
            const char *name;
            size_t len;
        } error;
    };
};

struct standing {
    const char *name;
    size_t len;
    uint32_t count;
};

struct standings {
    const struct standing *at;
    size_t n;
};

COUNTERS("open") void open_counter(const char *name, size_t len, struct opened *ret);
COUNTERS("standings") void standings(struct standings *ret);
COUNTERS("[method]counter.next") uint32_t next(int32_t counter);
COUNTERS("[resource-drop]counter") void drop(int32_t counter);

__attribute__((export_name("cabi_realloc"))) void *room(void *p, size_t had, size_t align, size_t n)
{
    return realloc(p, n);
}

void __wasm_call_ctors(void);

int main(void)
{
    __wasm_call_ctors();
    struct opened a, b, bad;
    struct standings all;
    open_counter("sheep", 5, &a);
    open_counter("sheep", 5, &b);
    printf("%u", (unsigned)next(a.counter));
    printf(" %u\n", (unsigned)next(b.counter));
    standings(&all);
    for (size_t i = 0; i < all.n; i++)
        printf("%.*s %u\n", (int)all.at[i].len, all.at[i].name, (unsigned)all.at[i].count);
    drop(a.counter);
    drop(b.counter);
    standings(&all);
    open_counter("", 0, &bad);
    printf("%u left, error %u\n", (unsigned)all.n, bad.is_error ? bad.error.tag : 99);
    return fflush(stdout);
}
