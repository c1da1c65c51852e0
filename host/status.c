/*
 * host/status.c: what runs, for people: loop_host_status.
 *
 * How long calls take is known of a sample, one in 64: reading the clock twice would cost a
 * short call as much as the call. A count for each quarter of a power of two; the percentiles
 * are the upper ends of such classes.
 */
#include <stdlib.h>

#include "host/internal.h"
#include "host/swap.h"

#define CLASSES (4 * 40)

struct lp_latency {
    _Atomic uint32_t of[CLASSES];
    _Atomic uint64_t max_ns;
};

static size_t class_of(uint64_t ns)
{
    if (ns < 4)
        return (size_t)ns;
    unsigned top = 63u - (unsigned)__builtin_clzll(ns);
    size_t c = (top - 1) * 4 + ((ns >> (top - 2)) & 3);
    return LP_MIN(c, (size_t)CLASSES - 1);
}

/* The longest time of a class. */
static uint64_t end_of(size_t c)
{
    return c < 4 ? c : ((((uint64_t)(c & 3) + 4) + 1) << (c / 4 - 1)) - 1;
}

void lp_latency_add(struct lp_slot *s, uint64_t ns)
{
    struct lp_latency *l = s->latency;
    if (!l) {
        l = lp_alloc(sizeof *l);
        atomic_store_explicit(&s->latency, l, memory_order_release);
    }
    /* One thread adds: others only read. */
    _Atomic uint32_t *n = &l->of[class_of(ns)];
    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    if (ns > atomic_load_explicit(&l->max_ns, memory_order_relaxed))
        atomic_store_explicit(&l->max_ns, ns, memory_order_relaxed);
}

uint64_t lp_latency_end_of(size_t c);
uint64_t lp_latency_end_of(size_t c)
{
    return end_of(c);
}
__attribute__((weak)) void lp_instance_changed(loop_instance *i)
{
    (void)i;
}
