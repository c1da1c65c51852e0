/*
 * swap_both GUESTS SCRATCH TIMES (by three): a component that counts in loop:storage is replaced
 * TIMES times, while what serves the store is swapped TIMES times between memory and SQLite,
 * neither waiting for the other. Two instances of it share the store, and both are replaced.
 *
 * The guests (swap-tally.c) know after each step what their store must have. Here: that every swap
 * of either kind succeeds, that each instance was replaced as often as it says, and that nothing is
 * left of what went.
 */
#include <stdlib.h>

#include "stage.h"

static int times, provider_swaps;
static const char *scratch;
static bool provider_busy;
static loop_component *component;

static struct tally {
    stage_guest guest;
    int replaced;
    bool busy;
} tallies[] = {{.guest = {.name = "one", .file = "swap-tally.wasm"}},
               {.guest = {.name = "two", .file = "swap-tally.wasm"}}};
enum { TALLIES = sizeof tallies / sizeof *tallies };

static void must_have(const char *what, loop_error *error)
{
    if (error)
        stage_fail("%s failed: %s", what, loop_error_format(error));
}

/* ---- the provider ---- */

static void provider_swapped(void *data, loop_error *error, const loop_swap_report *report)
{
    (void)data, (void)report;
    must_have("a swap of the provider", error);
    provider_busy = false;
    provider_swaps++;
}

/* memory, SQLite in a new file, the same started anew; and again. */
static void swap_provider(void)
{
    char *file = stage_path(scratch, "both-%d.db", provider_swaps);
    const char *const options[] = {"file", file, NULL};
    const loop_link sqlite = {"sqlite", options}, memory = {"memory", NULL};
    loop_swap s = {.interface_name = STAGE_STORE, .count = 1, .deadline_ms = 60000};
    if (provider_swaps % 3 == 0)
        s.links = &sqlite;
    else if (provider_swaps % 3 == 1)
        s.links = &memory;
    else
        s.count = 0;
    provider_busy = true;
    must_have("a swap of the provider", loop_host_swap(stage_host, &s, provider_swapped, NULL));
    free(file);
}

/* ---- the components ---- */

static void component_swapped(void *data, loop_error *error, const loop_swap_report *report)
{
    struct tally *t = data;
    must_have("a swap of the component", error);
    if (report->generation != (uint32_t)t->replaced + 2)
        stage_fail("generation %u after %d swaps", report->generation, t->replaced);
    t->busy = false;
    t->replaced++;
}

static void replace(struct tally *t)
{
    t->busy = true;
    must_have("a swap of the component",
              loop_instance_swap_component(t->guest.instance, component,
                                           &(loop_instance_swap){.deadline_ms = 60000},
                                           component_swapped, t));
}

/* ---- all at once ---- */

/* Until each was swapped so often, and meanwhile all of them. */
static bool is_over(void)
{
    bool over = provider_swaps >= times;
    for (int i = 0; i < TALLIES; i++)
        over = over && tallies[i].replaced >= times;
    return over;
}

static bool is_busy(void)
{
    bool busy = provider_busy;
    for (int i = 0; i < TALLIES; i++)
        busy = busy || tallies[i].busy;
    return busy;
}

static void swap_all(void)
{
    while (!is_over()) {
        if (!provider_busy && provider_swaps < times)
            swap_provider();
        for (int i = 0; i < TALLIES; i++)
            if (!tallies[i].busy)
                replace(&tallies[i]);
        stage_turn(1);
    }
    while (is_busy())
        stage_turn(1);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    scratch = argv[2];
    times = atoi(argv[3]);
    stage_open(argv[1], "memory");
    char *path = stage_path(argv[1], "swap-tally.wasm");
    stage_must(loop_component_open(stage_host, path, &component));
    for (int i = 0; i < TALLIES; i++) {
        stage_start(&tallies[i].guest);
        stage_wait(tallies[i].guest.name, "steps", 100);
    }
    int all = times;
    times = 3; /* whatever is made once is there then */
    swap_all();
    stage_held before = stage_look();
    times = all;
    swap_all();
    stage_expect_held(&before, "after all swaps");
    for (int i = 0; i < TALLIES; i++) {
        const struct tally *t = &tallies[i];
        stage_stop(&tallies[i].guest);
        if (stage_need(t->guest.name, "replaced") != (uint64_t)t->replaced)
            stage_fail("'%s' was replaced %llu times, and not %d", t->guest.name,
                       (unsigned long long)stage_need(t->guest.name, "replaced"), t->replaced);
        printf("%s: %llu steps, replaced %d times, %d swaps of its store\n", t->guest.name,
               (unsigned long long)stage_need(t->guest.name, "steps"), t->replaced, provider_swaps);
    }
    loop_component_delete(component);
    stage_close();
    free(path);
    return 0;
}
