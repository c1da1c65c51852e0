/*
 * tests/swap/live.c: the provider of loop:storage is swapped under guests at full speed, and they
 * notice nothing. On the public API alone; tests/lib/swap.py runs it.
 *
 *     live GUESTS SCRATCH SHELF.so mixed KEYS SWAPS BIG [NODE-COMMAND...]
 *     live GUESTS SCRATCH SHELF.so flat SWAPS
 *
 * mixed: swap-counts with KEYS keys, and beside it one on wasi:keyvalue, one that writes values of
 * up to BIG bytes, and one that reads and lists what the first writes. The store goes from memory
 * to SQLite (a new file each time) to a process (a new file, too) to a shared library (a new build
 * at the same path each time) and from each to each, itself included, SWAPS times. The guests check
 * every answer themselves; then what they remember is compared with what each kind of store has,
 * read by other components. What the process has is as before.
 *
 * flat: memory to memory, again and again; descriptors, threads and memory stay.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stage.h"

/* A slow machine is not what is tested here. */
#define DEADLINE_MS 60000
#define GAP_MS 12 /* between two swaps, at most */

static const char *scratch, *shelf_source;
static char *shelf_path;
static const char *shelf_name, *node_name;

/* ---- kinds of stores ---- */

enum kind { MEMORY, SQLITE, NODE, SHELF, KINDS };
static const char *const kind_names[KINDS] = {"memory", "sqlite", "node", "shelf"};

/* Each pair of kinds once, one after the other. */
static const enum kind tour[KINDS * KINDS] = {SQLITE, NODE,   SHELF,  MEMORY, MEMORY, NODE,
                                              NODE,   SQLITE, SQLITE, SHELF,  SHELF,  NODE,
                                              MEMORY, SHELF,  SQLITE, MEMORY};

/* Without Node, there is one kind less. */
static enum kind there(enum kind k)
{
    return k == NODE && !node_name ? MEMORY : k;
}

static unsigned builds;

/* The library with another number in it, in the place of the last one. */
static void build_shelf(void)
{
    char *text, number[8];
    size_t size;
    FILE *in = fopen(shelf_source, "rb");
    if (!in || fseek(in, 0, SEEK_END))
        stage_fail("%s cannot be read", shelf_source);
    size = (size_t)ftell(in);
    rewind(in);
    text = malloc(size);
    if (fread(text, 1, size, in) != size)
        stage_fail("%s cannot be read", shelf_source);
    fclose(in);
    static const char mark[] = "shelf build ";
    char *at = memmem(text, size, mark, sizeof mark - 1);
    if (!at)
        stage_fail("%s has no number", shelf_source);
    snprintf(number, sizeof number, "%07u", ++builds % 10000000);
    memcpy(at + sizeof mark - 1, number, 7);
    char *next = stage_path(scratch, "shelf.so.next");
    FILE *out = fopen(next, "wb");
    if (!out || fwrite(text, 1, size, out) != size || fclose(out) || chmod(next, 0755) ||
        rename(next, shelf_path))
        stage_fail("%s cannot be written", next);
    free(next);
    free(text);
}

/* Those of the last but one are of no use any more. */
static void remove_files(unsigned number)
{
    static const char *const endings[] = {".db", ".db-wal", ".db-shm", ".db-lock", ".log"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *path = stage_path(scratch, "store%u%s", number, endings[i]);
        unlink(path);
        free(path);
    }
}

/* From the kind that is there now. What it tells of a build is looked up in the log. */
static void swap_to(enum kind from, enum kind to, stage_swapped *ret)
{
    static unsigned number;
    char *file = stage_path(scratch, "store%u.%s", ++number, to == NODE ? "log" : "db");
    const char *const options[] = {"file", file, NULL};
    loop_link link = {to == NODE    ? node_name
                      : to == SHELF ? shelf_name
                                    : kind_names[to],
                      to == NODE || to == SQLITE ? options : NULL};
    bool anew = from == to && !link.options; /* else it would be the same link */
    if (to == SHELF)
        build_shelf();
    stage_log_mark();
    stage_must_swap(&(loop_swap){.interface_name = STAGE_STORE,
                                 .links = anew ? NULL : &link,
                                 .count = anew ? 0 : 1,
                                 .deadline_ms = DEADLINE_MS},
                    ret);
    char build[32];
    snprintf(build, sizeof build, "build %u opens", builds);
    if (to == SHELF && !stage_log_has((const char *const[]){build, NULL}))
        stage_fail("the library is not the build %u that was put at its path", builds);
    if (ret->report.handles_left)
        stage_fail("from %s to %s left %llu handles behind, and moved %llu", kind_names[from],
                   kind_names[to], (unsigned long long)ret->report.handles_left,
                   (unsigned long long)ret->report.handles_moved);
    remove_files(number - 2);
    free(file);
}

/* ---- what it took ---- */

static struct {
    unsigned n;
    uint64_t most_pause, sum_pause, most_whole, state, moved;
} taken[KINDS][KINDS];

static void note(enum kind from, enum kind to, const loop_swap_report *r)
{
    typeof(&taken[0][0]) t = &taken[from][to];
    t->n++;
    t->sum_pause += r->pause_ns;
    t->most_pause = r->pause_ns > t->most_pause ? r->pause_ns : t->most_pause;
    t->most_whole = r->whole_ns > t->most_whole ? r->whole_ns : t->most_whole;
    t->state = r->state_bytes;
    t->moved = r->handles_moved;
}

static void print_taken(void)
{
    for (int a = 0; a < KINDS; a++)
        for (int b = 0; b < KINDS; b++)
            if (taken[a][b].n)
                printf(
                    "%s to %s, %u times: pause %.1f ms, at most %.1f; whole at most %.0f ms; %.1f "
                    "MiB, %llu handles\n",
                    kind_names[a], kind_names[b], taken[a][b].n,
                    (double)taken[a][b].sum_pause / taken[a][b].n / 1e6,
                    (double)taken[a][b].most_pause / 1e6, (double)taken[a][b].most_whole / 1e6,
                    (double)taken[a][b].state / (1 << 20), (unsigned long long)taken[a][b].moved);
}

/* ---- comparing ---- */

/* Another component reads what the guest wrote, which is what the guest knows. */
static void compare(stage_guest *reader, const char *writer, const char *const *figures,
                    const char *where)
{
    stage_forget(reader->name);
    stage_start(reader);
    stage_join(reader);
    for (; *figures; figures++) {
        uint64_t is = stage_need(reader->name, *figures), due = stage_need(writer, *figures);
        if (is != due)
            stage_fail("in %s the %s of '%s' is %llu, not %llu", where, *figures, writer,
                       (unsigned long long)is, (unsigned long long)due);
    }
}

static void compare_all(const char *keys, const char *big, const char *where)
{
    stage_guest counts = {.name = "counts-check",
                          .file = "swap-counts.wasm",
                          .identity = "counts",
                          .words = {keys, "check"}};
    stage_guest keyvalue = {.name = "keyvalue-check",
                            .file = "swap-keyvalue.wasm",
                            .identity = "keyvalue",
                            .words = {"check"}};
    stage_guest values = {
        .name = "big-check", .file = "swap-big.wasm", .identity = "big", .words = {big, "check"}};
    compare(&counts, "counts", (const char *const[]){"keys", "sum", "digest", "bytes", NULL},
            where);
    compare(&keyvalue, "keyvalue", (const char *const[]){"sum", NULL}, where);
    compare(&values, "big", (const char *const[]){"digest", NULL}, where);
}

/* ---- the runs ---- */

static unsigned random_below(unsigned n)
{
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % n;
}

static int mixed(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    const char *keys = argv[0], *big = argv[2];
    unsigned swaps = (unsigned)strtoul(argv[1], NULL, 10);
    build_shelf();
    stage_must(loop_host_library_add(stage_host, shelf_path, &shelf_name));
    if (argc > 3)
        stage_must(loop_host_sidecar_add(
            stage_host, &(loop_sidecar_options){.command = (const char *const *)argv + 3},
            &node_name));
    stage_guest counts = {.name = "counts", .file = "swap-counts.wasm", .words = {keys}},
                keyvalue = {.name = "keyvalue", .file = "swap-keyvalue.wasm"},
                values = {.name = "big", .file = "swap-big.wasm", .words = {big}},
                reads = {.name = "reads",
                         .file = "swap-reads.wasm",
                         .identity = "counts",
                         .words = {keys}};
    stage_start(&counts);
    stage_wait("counts", "filled", 1);
    stage_start(&keyvalue);
    stage_start(&values);
    stage_start(&reads);
    stage_wait("counts", "steps", 1024);
    enum kind at = MEMORY;
    stage_swapped s;
    swap_to(at, at, &s); /* the thread that swaps starts with the first, and stays */
    stage_held before = stage_look();
    uint64_t started = stage_now_ns();
    for (unsigned i = 0; i < swaps; i++) {
        enum kind to = there(tour[i % (KINDS * KINDS)]);
        stage_turn(random_below(GAP_MS + 1));
        swap_to(at, to, &s);
        note(at, to, &s.report);
        at = to;
    }
    double seconds = (double)(stage_now_ns() - started) / 1e9;
    stage_stop(&counts);
    stage_stop(&keyvalue);
    stage_stop(&values);
    for (unsigned i = 0; i < KINDS; i++) { /* one user is left, who holds a handle */
        compare_all(keys, big, kind_names[at]);
        enum kind to = there(i + 1 < KINDS ? (at + 1) % KINDS : MEMORY);
        swap_to(at, to, &s);
        at = to;
    }
    compare_all(keys, big, kind_names[at]);
    stage_stop(&reads);
    before.threads -= 4; /* the guests' */
    stage_expect_held(&before, "after the last swap");
    printf("%u swaps in %.1f s under %llu steps of four guests: %llu increments, %llu walks, %llu "
           "handles opened, %llu conflicts; nothing lost, nothing twice\n",
           swaps, seconds,
           (unsigned long long)(stage_need("counts", "steps") + stage_need("keyvalue", "steps") +
                                stage_need("big", "steps") + stage_need("reads", "steps")),
           (unsigned long long)(stage_need("counts", "sum") + stage_need("keyvalue", "sum")),
           (unsigned long long)(stage_need("counts", "walks") + stage_need("reads", "walks")),
           (unsigned long long)stage_need("counts", "opened"),
           (unsigned long long)stage_need("counts", "conflicts"));
    print_taken();
    return 0;
}

/* What a thousand swaps may leave: less than one swap would lose. */
#define SLACK_KIB 6144

static int flat(int argc, char **argv)
{
    if (argc < 1)
        return 2;
    unsigned swaps = (unsigned)strtoul(argv[0], NULL, 10), warm = swaps / 5;
    stage_guest keyvalue = {.name = "keyvalue", .file = "swap-keyvalue.wasm"},
                check = {.name = "check",
                         .file = "swap-keyvalue.wasm",
                         .identity = "keyvalue",
                         .words = {"check"}};
    stage_held held = {0}, after;
    stage_swapped s;
    stage_start(&keyvalue);
    stage_wait("keyvalue", "steps", 1);
    for (unsigned i = 0; i < swaps; i++) {
        stage_must_swap(&(loop_swap){.interface_name = STAGE_STORE, .deadline_ms = DEADLINE_MS},
                        &s);
        if (i == warm)
            held = stage_look();
    }
    stage_expect_held(&held, "after the last swap");
    after = stage_look();
    if (after.kib > held.kib + SLACK_KIB)
        stage_fail("%ld KiB in use after %u swaps, %ld after %u", after.kib, swaps, held.kib, warm);
    stage_stop(&keyvalue);
    /* Nobody uses the store now, and it is there all the same. */
    compare(&check, "keyvalue", (const char *const[]){"sum", NULL}, "memory");
    printf("%u swaps, %llu increments: %ld KiB after %u, %ld KiB after the last\n", swaps,
           (unsigned long long)stage_need("keyvalue", "sum"), held.kib, warm, after.kib);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 6)
        return 2;
    scratch = argv[2];
    shelf_source = argv[3];
    shelf_path = stage_path(scratch, "shelf.so");
    stage_open(argv[1], "memory");
    int status =
        strcmp(argv[4], "flat") == 0 ? flat(argc - 5, argv + 5) : mixed(argc - 5, argv + 5);
    stage_close();
    free(shelf_path);
    return status;
}
