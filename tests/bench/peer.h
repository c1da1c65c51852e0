/*
 * tests/bench/peer.h: what a program under `make bench ONLY=calls` does: ours,
 * and the peers that it is compared with.
 *
 *     PROGRAM COMPONENT
 *
 * reads commands from stdin, `ROW N` a line: it makes N calls of that row and
 * answers with a line, the nanoseconds a call. tools/bench.py asks the programs
 * by turns. All serve the functions of tests/bench/wit/bench.wit; a wrong sum of
 * their answers ends a program with status 1. A row that a program does not have
 * answers `-`.
 *
 * A program has a function that makes the calls and hands it to bench_serve.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum bench_call {
    BENCH_SCALAR,
    BENCH_TEXT,
    BENCH_BYTES,
    BENCH_ROWS,
    BENCH_GUEST_SCALAR, /* the host calls add(0, 1), add(1, 1)... */
    BENCH_GUEST_TEXT,   /* the host calls length(BENCH_TEXT_64) */
};

typedef struct bench_row {
    const char *name;
    enum bench_call call;
    uint32_t size; /* the second argument of run-text, run-bytes, run-rows */
    uint32_t sum;  /* of the answers: a call's part; the scalars have more, bench_sum */
} bench_row;

/* The text of 64 bytes that the guest has, too. */
#define BENCH_TEXT_64 "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/"

/* `text` has no answer: its host adds up what `bytes` would answer. */
static const bench_row bench_rows[] = {
    {"scalar", BENCH_SCALAR, 0, 1},
    {"string64", BENCH_TEXT, 64, 64 + '/'},
    {"bytes64k", BENCH_BYTES, 1 << 16, (1 << 16) + ((1 << 16) - 1) % 251},
    {"bytes1m", BENCH_BYTES, 1 << 20, (1 << 20) + ((1 << 20) - 1) % 251},
    {"records1k", BENCH_ROWS, 1000, 3051638510u},
    {"guest-scalar", BENCH_GUEST_SCALAR, 0, 1},
    {"guest-string64", BENCH_GUEST_TEXT, 64, 64},
};
#define BENCH_ROW_COUNT (sizeof bench_rows / sizeof *bench_rows)

/* What a host makes of bytes: how many, plus the last one. */
static inline uint32_t bench_size_and_last(const void *ptr, size_t len)
{
    return (uint32_t)len + (len > 0 ? ((const uint8_t *)ptr)[len - 1] : 0);
}

_Noreturn static inline void bench_fail(const char *what, const char *why)
{
    fprintf(stderr, "error: %s: %s\n", what, why);
    exit(1);
}

/* What n calls add up to, modulo 2^32. */
static inline uint32_t bench_sum(const bench_row *row, uint32_t n)
{
    uint64_t sum = (uint64_t)row->sum * n;
    if (row->call == BENCH_SCALAR || row->call == BENCH_GUEST_SCALAR)
        sum += (uint64_t)n * (n - 1) / 2;
    return (uint32_t)sum;
}

static inline double bench_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/*
 * `run` makes n calls and answers with the sum of their answers, of BENCH_TEXT
 * with the host's. `skipped`: a bit (1 << call) for each call it does not make.
 */
typedef uint32_t bench_run(void *data, const bench_row *row, uint32_t n);

static inline int bench_serve(bench_run *run, void *data, unsigned skipped)
{
    char name[32];
    unsigned n;
    int read;
    while ((read = scanf("%31s %u", name, &n)) == 2) {
        const bench_row *row = bench_rows, *end = bench_rows + BENCH_ROW_COUNT;
        while (row < end && strcmp(row->name, name) != 0)
            row++;
        if (row == end || n == 0)
            bench_fail(name, "there is no such row, or nothing to do");
        if (skipped & 1u << row->call) {
            puts("-");
        } else {
            double start = bench_now_ns();
            uint32_t sum = run(data, row, n);
            double end_ns = bench_now_ns();
            if (sum != bench_sum(row, n))
                bench_fail(name, "the answers are wrong");
            printf("%.1f\n", (end_ns - start) / n);
        }
        fflush(stdout);
    }
    if (read != EOF)
        bench_fail(name, "a command is: ROW N");
    return 0;
}

/* The whole file; the caller frees it. */
static inline uint8_t *bench_read_file(const char *path, size_t *ret_len)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END))
        bench_fail(path, "cannot be read");
    long len = ftell(f);
    rewind(f);
    uint8_t *bytes = malloc(len > 0 ? (size_t)len : 1);
    if (len < 0 || !bytes || fread(bytes, 1, (size_t)len, f) != (size_t)len)
        bench_fail(path, "cannot be read");
    fclose(f);
    *ret_len = (size_t)len;
    return bytes;
}

#endif
