/*
 * player: rolls dice of the library that `make new-provider NAME=night-light FORM=library` makes.
 *
 * The imports are written by hand, as in guest.c.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct rolled { /* result<list<u32>, error> */
    uint8_t is_error;
    union {
        struct {
            const uint32_t *at;
            size_t n;
        } eyes;
        struct {
            uint8_t tag;
            uint32_t number;
        } error;
    };
};

__attribute__((import_module("example:night-light/dice@0.1.0"), import_name("roll"))) void
roll(uint32_t count, uint32_t sides, struct rolled *ret);

__attribute__((export_name("cabi_realloc"))) void *room(void *p, size_t had, size_t align, size_t n)
{
    return realloc(p, n);
}

void __wasm_call_ctors(void);

int main(void)
{
    __wasm_call_ctors();
    struct rolled many, none, bad;
    roll(1000, 6, &many);
    roll(3, 1, &none);
    roll(1001, 6, &bad);
    unsigned seen[7] = {0};
    for (size_t i = 0; i < many.eyes.n; i++)
        seen[many.eyes.at[i] <= 6 ? many.eyes.at[i] : 0]++;
    int fair = !seen[0];
    for (int i = 1; i <= 6; i++)
        fair = fair && seen[i] > 100;
    printf("%zu dice, %s\n", many.eyes.n, fair ? "fair" : "loaded");
    printf("error %u of %u, error %u of %u\n", none.error.tag, (unsigned)none.error.number,
           bad.error.tag, (unsigned)bad.error.number);
    return fflush(stdout);
}
