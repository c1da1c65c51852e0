/*
 * tests/fuzz/replay.c: a main for a fuzz target without a fuzzer.
 *
 * Runs LLVMFuzzerTestOneInput on the files given as arguments. Without any, on
 * the target's own seeds and on what a small generator makes of them: enough to
 * keep a target alive in every test run. With libFuzzer, leave this file out.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const char *const fuzz_seeds[]; /* each target has its own; NULL-terminated */

#define MAX_INPUT (1u << 20)
#ifndef ROUNDS
#define ROUNDS 400 /* changed inputs of each seed */
#endif

static uint32_t random_state = 1;

static uint32_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

/* Runs on a copy of the exact size, so that reading past it is seen. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        exit(71);
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static int run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = malloc(MAX_INPUT);
    if (!f || !bytes) {
        fprintf(stderr, "cannot read '%s'\n", path);
        free(bytes);
        if (f)
            fclose(f);
        return 1;
    }
    size_t n = fread(bytes, 1, MAX_INPUT, f);
    fclose(f);
    run(bytes, n);
    free(bytes);
    return 0;
}

/* Changes a few bytes: flips, cuts, repeats, and bytes that matter to parsers. */
static size_t mutate(uint8_t *bytes, size_t n, size_t max)
{
    static const char special[] = "\0\n\t :-[]{}\"'\\*&!#%@`,|>?~/.=<\x7f\x80\xc3\xff\xe2";
    for (uint32_t k = 1 + next_random() % 4; k && n; k--) {
        size_t at = next_random() % n, len = 1 + next_random() % 8;
        switch (next_random() % 4) {
        case 0: bytes[at] = (uint8_t)next_random(); break;
        case 1: bytes[at] = (uint8_t)special[next_random() % (sizeof special - 1)]; break;
        case 2: n = at; break;
        case 3:
            if (at + len <= n && n + len <= max) {
                memmove(bytes + at + len, bytes + at, n - at);
                n += len;
            }
            break;
        }
    }
    return n;
}

static void run_seed(const char *seed)
{
    size_t n = strlen(seed), max = n * 2 + 64;
    uint8_t *bytes = malloc(max);
    if (!bytes)
        exit(71);
    run((const uint8_t *)seed, n);
    for (int i = 0; i < ROUNDS; i++) {
        memcpy(bytes, seed, n);
        run(bytes, mutate(bytes, n, max));
    }
    free(bytes);
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed |= run_file(argv[i]);
    for (size_t i = 0; argc == 1 && fuzz_seeds[i]; i++)
        run_seed(fuzz_seeds[i]);
    return failed;
}
