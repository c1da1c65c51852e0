/*
 * tests/bench/deadline.c: what a deadline costs a guest that computes and does not reach it.
 *
 *     deadline COMPONENT BATCHES
 *
 * Two instances of tests/guests/wat/hostile-recursion.wat on this thread, one with a limit of an
 * hour for each call and for all together, one without. Batches of a call that runs a function of
 * the guest a million times, by turns; a line a batch: nanoseconds with it, and without.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "loop/host.h"

#define CALLS 1000000u
#define HOUR_MS 3600000u

static void must(loop_error *e)
{
    if (!e)
        return;
    char *text = loop_error_format(e);
    fputs(text, stderr);
    exit(1);
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static const loop_export *enter(loop_host *h, loop_component *c, uint64_t ms,
                                loop_instance **ret_instance)
{
    loop_limits limits = {
        .of = {[LOOP_MAX_CALL] = {.value = ms}, [LOOP_MAX_TOTAL] = {.value = ms}}};
    const loop_export *f;
    must(loop_instance_new(h, c, &(loop_instance_options){.limits = &limits}, ret_instance));
    must(loop_instance_enter(*ret_instance));
    must(loop_instance_export(*ret_instance, "", "", "calls", "(u32)->u32", &f));
    return f;
}

static double batch(const loop_export *f)
{
    uint32_t times = CALLS, sum = 0;
    double start = now_ns();
    must(loop_export_call(f, &times, &sum));
    double end = now_ns();
    if (sum != CALLS) {
        fprintf(stderr, "error: the guest counted to %u\n", sum);
        exit(1);
    }
    return (end - start) / CALLS;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: deadline COMPONENT BATCHES\n");
        return 2;
    }
    loop_host *h;
    loop_component *c;
    loop_instance *with, *without;
    must(loop_host_new(&(loop_host_options){.log_level = LOOP_LOG_ERROR}, &h));
    must(loop_component_open(h, argv[1], &c));
    const loop_export *late = enter(h, c, HOUR_MS, &with);
    const loop_export *free_ = enter(h, c, LOOP_UNLIMITED, &without);
    batch(late);
    batch(free_);
    for (int n = 0; n < atoi(argv[2]); n++) {
        double a = n % 2 ? batch(late) : 0, b = batch(free_);
        a = n % 2 ? a : batch(late);
        printf("%.4f\t%.4f\n", a, b);
    }
    loop_instance_delete(with);
    loop_instance_delete(without);
    loop_component_delete(c);
    loop_host_delete(h);
    return 0;
}
