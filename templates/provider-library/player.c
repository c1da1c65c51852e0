/*
 * player: rolls dice for two seconds, and knows what the next one shows: a die that is lost, or
 * rolled twice, or comes from another cup, ends it. scaffold_test.c runs it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SEED 42u
#define SIDES 1000000u

struct rolled { /* result<list<u32>, error>, as the imports of a component have it */
    uint8_t is_error;
    uint32_t *eyes;
    size_t count;
};

__attribute__((import_module("example:scaffold/dice@0.1.0"), import_name("roll"))) void
roll(uint32_t count, uint32_t sides, struct rolled *ret);

__attribute__((export_name("cabi_realloc"))) void *room(void *p, size_t had, size_t align, size_t n)
{
    (void)had, (void)align;
    return realloc(p, n);
}

void __wasm_call_ctors(void);

int main(void)
{
    __wasm_call_ctors();
    uint64_t state = SEED, dice = 0;
    for (time_t end = time(NULL) + 2; dice % 1000 || time(NULL) <= end; dice++) {
        struct rolled r;
        roll(1, SIDES, &r);
        state = state * 6364136223846793005u + 1442695040888963407u;
        if (r.is_error || r.count != 1 || *r.eyes != (uint32_t)(state >> 33) % SIDES + 1) {
            printf("die %llu is another one\n", (unsigned long long)dice);
            fflush(stdout);
            return 1;
        }
        free(r.eyes);
    }
    printf("%llu dice, each the next one\n", (unsigned long long)dice);
    return fflush(stdout);
}
