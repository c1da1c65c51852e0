/*
 * base/tiny_elf.h: the smallest shared library that base/elf.c finds something in: for its
 * tests and its fuzz target, which change it. It is only looked at, never loaded.
 *
 *     0    header            64    program headers: load, dynamic
 *     176  dynamic section   288   symbols: none, "needle"
 *     336  names             352   the GNU hash table
 *     392  the old one       416   16 bytes, which "needle" names
 *
 * Addresses are offsets plus TINY_BASE.
 */
#ifndef TINY_ELF_H
#define TINY_ELF_H

#include <stdint.h>
#include <string.h>

#include "base/elf.h"

#define TINY_SIZE 432
#define TINY_BASE 0x1000
#define TINY_WORD 0x03020100u /* where the symbol is */

static inline void tiny_put(uint8_t *at, uint64_t value, unsigned bytes)
{
    while (bytes--) {
        *at++ = (uint8_t)value;
        value >>= 8;
    }
}

static inline void tiny_elf(uint8_t e[TINY_SIZE])
{
    static const uint64_t dynamic[][2] = {{5, TINY_BASE + 336},
                                          {10, 16},
                                          {6, TINY_BASE + 288},
                                          {4, TINY_BASE + 392},
                                          {0x6ffffef5, TINY_BASE + 352},
                                          {0x6ffffffb, 1},
                                          {0, 0}};
    memset(e, 0, TINY_SIZE);
    memcpy(e, "\177ELF\2\1\1", 7);
    tiny_put(e + 16, 3, 2);
    tiny_put(e + 18, LP_ELF_HERE, 2);
    tiny_put(e + 32, 64, 8);
    tiny_put(e + 54, 56, 2);
    tiny_put(e + 56, 2, 2);
    tiny_put(e + 64, 1, 4); /* load: all of it */
    tiny_put(e + 64 + 16, TINY_BASE, 8);
    tiny_put(e + 64 + 32, TINY_SIZE, 8);
    tiny_put(e + 64 + 40, TINY_SIZE, 8);
    tiny_put(e + 120, 2, 4); /* dynamic */
    tiny_put(e + 120 + 8, 176, 8);
    tiny_put(e + 120 + 16, TINY_BASE + 176, 8);
    tiny_put(e + 120 + 32, sizeof dynamic, 8);
    tiny_put(e + 120 + 40, sizeof dynamic, 8);
    for (unsigned i = 0; i < sizeof dynamic / sizeof *dynamic; i++) {
        tiny_put(e + 176 + i * 16, dynamic[i][0], 8);
        tiny_put(e + 176 + i * 16 + 8, dynamic[i][1], 8);
    }
    tiny_put(e + 312, 1, 4); /* the name's place */
    e[312 + 4] = 0x11;       /* global, an object */
    tiny_put(e + 312 + 6, 5, 2);
    tiny_put(e + 312 + 8, TINY_BASE + 416, 8);
    tiny_put(e + 312 + 16, 16, 8);
    memcpy(e + 337, "needle", 7);
    uint32_t h = 5381;
    for (const char *p = "needle"; *p; p++)
        h = h * 33 + (uint8_t)*p;
    tiny_put(e + 352, 1, 4); /* one bucket, symbols from 1 on, one word of filter */
    tiny_put(e + 352 + 4, 1, 4);
    tiny_put(e + 352 + 8, 1, 4);
    memset(e + 352 + 16, 0xff, 8);
    tiny_put(e + 352 + 24, 1, 4);
    tiny_put(e + 352 + 28, h | 1, 4);
    tiny_put(e + 392, 1, 4); /* one bucket, two symbols */
    tiny_put(e + 392 + 4, 2, 4);
    tiny_put(e + 392 + 8, 1, 4);
    for (uint8_t i = 0; i < 16; i++)
        e[416 + i] = i;
}

#endif
