/*
 * alloc [MIB]: grows its memory by a MiB at a time, writes to every page.
 *
 * Stops with status 0 at MIB (4095 if nothing is said); aborts when the host
 * gives no more.
 */
#include "guest.h"

#define PAGE 65536u

int main(int argc, char **argv)
{
    unsigned long wanted = strtoul(argument(argc, argv, 1, "4095"), NULL, 10);
    for (unsigned long have = 0; have < wanted; have++) {
        size_t at = __builtin_wasm_memory_grow(0, 16);
        if (at == (size_t)-1) {
            printf("out of memory after %lu MiB\n", have);
            fflush(stdout);
            abort();
        }
        for (size_t page = 0; page < 16; page++)
            ((volatile char *)((at + page) * PAGE))[7] = 1;
    }
    printf("allocated %lu MiB\n", wanted);
    return 0;
}
