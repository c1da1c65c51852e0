/*
 * tests/bench/swap.c: what a guest at full speed sees of swaps, for `make bench ONLY=swap`.
 *
 *     bench_swap GUESTS SCRATCH pause-empty|pause-1m|pause-sqlite BATCHES SWAPS
 *     bench_swap GUESTS SCRATCH steady BATCHES
 *
 * pause-...: a line a batch, nanoseconds: a call of the guest without swaps (the mean), then for
 * each of SWAPS swaps the longest of the calls from its beginning until a while after its end. From
 * memory to memory with 16 small keys; with 1 MiB more; from memory with 1 MiB to SQLite
 * with a new file (and back, which is not measured). The guest reads and writes by turns; at SQLite
 * it reads alone, since a write there takes as long as the disk. steady: a line a batch,
 * nanoseconds a call, from memory to memory with 1 MiB once a second and without, by turns.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/swap/stage.h"

#define WINDOW_MS 1000 /* with one swap, or none */

/* ---- what the clock of the guest sees ---- */

static _Atomic uint64_t longest, marks;
static uint64_t last_mark;

static void mark(uint64_t now)
{
    uint64_t took = now - last_mark;
    if (last_mark && took > atomic_load_explicit(&longest, memory_order_relaxed))
        longest = took;
    last_mark = now;
    atomic_store_explicit(&marks, marks + 1, memory_order_relaxed);
}

/* Nanoseconds a call, for some time. */
static double one_call(void)
{
    uint64_t from = stage_now_ns(), before = marks;
    stage_turn(30);
    uint64_t calls = marks - before;
    return (double)(stage_now_ns() - from) / (double)(calls ? calls : 1);
}

/* ---- swaps ---- */

static const char *scratch;

static void swap_to(const loop_link *link)
{
    stage_swapped s;
    stage_must_swap(
        &(loop_swap){.interface_name = STAGE_STORE, .links = link, .count = link ? 1 : 0}, &s);
}

/* To SQLite and back. */
static uint64_t pause_of_sqlite(void)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-lock"};
    static unsigned number;
    char *file = stage_path(scratch, "bench%u.db", number++);
    longest = 0;
    swap_to(&(loop_link){"sqlite", (const char *const[]){"file", file, NULL}});
    stage_turn(1);
    uint64_t took = longest;
    swap_to(&(loop_link){"memory", NULL});
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *path = stage_path(scratch, "bench%u.db%s", number - 1, endings[i]);
        unlink(path);
        free(path);
    }
    free(file);
    return took;
}

static uint64_t pause_of_memory(void)
{
    longest = 0;
    swap_to(NULL);
    stage_turn(1);
    return longest;
}

static void pauses(const char *row, unsigned batches, unsigned swaps)
{
    bool sqlite = strcmp(row, "pause-sqlite") == 0;
    stage_guest guest = {
        .name = "bench",
        .file = "swap-bench.wasm",
        .words = {sqlite ? "reads" : "both", strcmp(row, "pause-empty") == 0 ? "0" : "1048576"}};
    stage_on_now = mark;
    stage_start(&guest);
    stage_wait("bench", "calls", 1);
    for (unsigned b = 0; b < batches; b++) {
        printf("%.1f", one_call());
        for (unsigned i = 0; i < swaps; i++)
            printf("\t%llu", (unsigned long long)(sqlite ? pause_of_sqlite() : pause_of_memory()));
        puts("");
        fflush(stdout);
    }
    stage_stop(&guest);
}

/* ---- steady ---- */

static double call_of_window(bool with_a_swap)
{
    uint64_t from = stage_now_ns(), before = stage_need("bench", "calls");
    stage_turn(WINDOW_MS / 2);
    if (with_a_swap)
        swap_to(NULL);
    while (stage_now_ns() < from + WINDOW_MS * 1000000ull)
        stage_turn(1);
    uint64_t calls = stage_need("bench", "calls") - before;
    return (double)(stage_now_ns() - from) / (double)(calls ? calls : 1);
}

/* With, without, without, with; the next batch the other way round. */
static void steady(unsigned batches)
{
    stage_guest guest = {
        .name = "bench", .file = "swap-bench.wasm", .words = {"steady", "1048576"}};
    stage_start(&guest);
    stage_wait("bench", "calls", 1);
    for (unsigned b = 0; b < batches; b++) {
        double took[2] = {0, 0};
        for (unsigned i = 0; i < 4; i++) {
            bool with = (i == 0 || i == 3) != (b % 2);
            took[with] += call_of_window(with) / 2;
        }
        printf("%.2f\t%.2f\n", took[1], took[0]);
        fflush(stdout);
    }
    stage_stop(&guest);
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    scratch = argv[2];
    stage_open(argv[1], "memory");
    if (strcmp(argv[3], "steady") == 0)
        steady((unsigned)strtoul(argv[4], NULL, 10));
    else if (argc > 5)
        pauses(argv[3], (unsigned)strtoul(argv[4], NULL, 10), (unsigned)strtoul(argv[5], NULL, 10));
    stage_close();
    return 0;
}
