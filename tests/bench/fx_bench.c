/*
 * tests/bench/fx_bench.c: fibers with functions in C that return at once: what the runtime itself
 * takes. Reads lines, answers each with nanoseconds of one operation:
 *
 *     leaf N K      K changes of one cell each, of leaves at random, a turn each, in a tree of N
 *                   leaves below sections of 1,000; the tree is made once
 *     mount N       N fibers with a key each are mounted below one
 *     reverse N     they are put into the opposite order
 *     moves N K     K of them at random go to other places, in one turn
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/os/os.h"
#include "fx/core/fx.h"

#define SECTION 1000
#define MOST 1000000

static lp_fx *fx;
static lp_fx_id root, *leaves;
static uint32_t n_leaves, wanted; /* leaves */
static uint32_t *order;
static uint64_t counter, state = 88172645463325252u;
static bool flat;

static uint32_t pick(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 20) % n);
}

/* ---- functions ---- */

static struct {
    lp_fx_element elements[MOST / 10 + 2];
    uint32_t children[MOST / 10 + 2];
    lp_fx_output outputs[LP_MAX_FX_BATCH];
    lp_fx_value cells[LP_MAX_FX_BATCH];
    char keys[MOST / 10][8];
    uint32_t n, n_children;
} out;

static uint32_t rows_of(uint32_t n, const char *function, bool keyed)
{
    uint32_t group = out.n++;
    out.elements[group] = (lp_fx_element){.role = LP_FX_GROUP, .children = {out.n_children, n}};
    for (uint32_t i = 0; i < n; i++) {
        out.children[out.n_children++] = out.n;
        lp_fx_element *e = &out.elements[out.n++];
        *e = (lp_fx_element){.role = LP_FX_CALL, .function = lp_str_of(function)};
        if (keyed) {
            memcpy(out.keys[i], &order[i], sizeof order[i]);
            e->key = (lp_str){out.keys[i], sizeof order[i]};
        }
    }
    return group;
}

static void run(const lp_fx_work *work)
{
    out.n = out.n_children = 0;
    for (uint32_t i = 0; i < work->n; i++) {
        const lp_fx_job *j = &work->jobs[i];
        lp_fx_output *o = &out.outputs[i];
        *o = (lp_fx_output){0};
        switch (j->function.ptr[0]) {
        case 't':
            o->has_root = true;
            o->root = flat ? rows_of(wanted, "plain", true)
                           : rows_of((wanted + SECTION - 1) / SECTION, "section", false);
            break;
        case 's':
            o->has_root = true;
            o->root = rows_of(LP_MIN(wanted, (uint32_t)SECTION), "leaf", false);
            break;
        case 'l':
            if (!j->n_cells) {
                o->new_cells = (lp_fx_span){i, 1};
                out.cells[i] = (lp_fx_value){.type = LP_STR("n"),
                                             .version = 1,
                                             .bytes = {(const char *)&counter, sizeof counter}};
                if (n_leaves < wanted)
                    leaves[n_leaves++] = j->fiber;
            }
            break;
        }
    }
    lp_fx_answered(fx, &(lp_fx_answer){.outputs = out.outputs,
                                       .n_outputs = work->n,
                                       .table = {.elements = out.elements,
                                                 .children = out.children,
                                                 .n_elements = out.n,
                                                 .n_children = out.n_children},
                                       .new_cells = out.cells,
                                       .n_new_cells = work->n});
}

static void drive(uint32_t most)
{
    lp_fx_work work;
    for (;;) {
        switch (lp_fx_next(fx, most, &work)) {
        case LP_FX_RUN: run(&work); break;
        case LP_FX_IDLE: return;
        default: lp_fx_done(fx); break;
        }
    }
}

/* ---- trees ---- */

static void must(loop_error *e)
{
    if (!e)
        return;
    fprintf(stderr, "error: %s\n", loop_error_message(e));
    exit(1);
}

static lp_fx_table top(uint64_t *properties)
{
    static lp_fx_element e;
    e = (lp_fx_element){
        .role = LP_FX_CALL, .component = 1, .function = LP_STR("top"), .properties = {0, 8}};
    return (lp_fx_table){
        .elements = &e, .n_elements = 1, .bytes = {(const char *)properties, sizeof *properties}};
}

static void begin(uint32_t n, bool is_flat)
{
    if (fx)
        lp_fx_delete(fx);
    fx = lp_fx_new(&(lp_fx_options){.seed = {1, 2}});
    flat = is_flat;
    wanted = n;
    n_leaves = 0;
    free(leaves);
    free(order);
    leaves = lp_alloc(n * sizeof *leaves);
    order = lp_alloc(n * sizeof *order);
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
}

static void mount(void)
{
    lp_fx_table t = top(&counter);
    must(lp_fx_mount(fx, LP_STR(""), 1, &t, &root));
    drive(flat ? 0 : 64); /* sections of 64 at a time fit `out` */
}

/* Another order of the rows, in one turn. */
static double show(void)
{
    counter++;
    lp_fx_table t = top(&counter);
    uint64_t from = lp_os_now_ns();
    must(lp_fx_update(fx, root, &t));
    drive(0);
    return (double)(lp_os_now_ns() - from);
}

static double leaf(uint32_t n, uint32_t times)
{
    if (!fx || flat || wanted != n) {
        begin(n, false);
        mount();
        leaf(n, LP_MIN(n * 2, 1000000u)); /* no leaf is new to the cache that fits */
    }
    lp_fx_id *chosen = lp_alloc(times * sizeof *chosen);
    for (uint32_t i = 0; i < times; i++)
        chosen[i] = leaves[pick(n)];
    uint64_t from = lp_os_now_ns();
    for (uint32_t i = 0; i < times; i++) {
        counter++;
        const lp_fx_value v = {LP_STR("n"), 1, 0, {(const char *)&counter, sizeof counter}};
        must(lp_fx_write(fx, chosen[i], 0, &v));
        drive(0);
    }
    uint64_t took = lp_os_now_ns() - from;
    free(chosen);
    return (double)took / times;
}

static double rows(const char *what, uint32_t n, uint32_t k)
{
    if (what[0] == 'm' && what[2] == 'u') { /* mount */
        if (fx && flat && wanted == n) {    /* in the same runtime, as React in the same heap */
            must(lp_fx_unmount(fx, root));
            drive(0);
        } else {
            begin(n, true);
        }
        uint64_t from = lp_os_now_ns();
        mount();
        return (double)(lp_os_now_ns() - from);
    }
    if (!fx || !flat || wanted != n) {
        begin(n, true);
        mount();
    }
    for (uint32_t i = 0; what[0] == 'r' && i < n / 2; i++) {
        uint32_t x = order[i];
        order[i] = order[n - 1 - i];
        order[n - 1 - i] = x;
    }
    for (uint32_t i = 0; what[0] == 'm' && i < k; i++) {
        uint32_t a = pick(n), b = pick(n), x = order[a];
        memmove(order + a, order + a + 1, (n - 1 - a) * sizeof *order);
        memmove(order + b + 1, order + b, (n - 1 - b) * sizeof *order);
        order[b] = x;
    }
    return show();
}

int main(void)
{
    char line[128], what[16];
    unsigned n, k;
    while (fgets(line, sizeof line, stdin)) {
        int got = sscanf(line, "%15s %u %u", what, &n, &k);
        bool is_leaf = got == 3 && strcmp(what, "leaf") == 0;
        if (got < 2 || n < 2 || n > MOST || (!is_leaf && n > MOST / 10)) {
            fprintf(stderr, "error: not an operation: %s", line);
            return 2;
        }
        printf("%.1f\n", is_leaf ? leaf(n, k) : rows(what, n, got == 3 ? k : 0));
        fflush(stdout);
    }
    lp_fx_delete(fx);
}
