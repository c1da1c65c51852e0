/* providers/trace/histogram.c: implements providers/trace/histogram.h. */
#include "providers/trace/histogram.h"

#include <stddef.h>

/* 0 to 3 for themselves, then four buckets for each power of two. */
static size_t bucket_of(uint64_t ns)
{
    if (ns < 4)
        return (size_t)ns;
    unsigned power = 63u - (unsigned)__builtin_clzll(ns);
    size_t bucket = (size_t)(power - 1) * 4 + (size_t)((ns >> (power - 2)) & 3);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static uint64_t upper_end(size_t bucket)
{
    if (bucket < 4)
        return bucket;
    unsigned power = (unsigned)(bucket / 4) + 1;
    uint64_t width = UINT64_C(1) << (power - 2);
    return (UINT64_C(1) << power) + width * (bucket % 4 + 1) - 1;
}

void histogram_add(histogram *h, uint64_t ns)
{
    atomic_fetch_add_explicit(&h->counts[bucket_of(ns)], 1, memory_order_relaxed);
}

uint64_t histogram_count(const histogram *h)
{
    uint64_t n = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        n += atomic_load_explicit(&h->counts[i], memory_order_relaxed);
    return n;
}

uint64_t histogram_at(const histogram *h, double percent)
{
    double wanted = (double)histogram_count(h) * percent / 100;
    uint64_t n = 0, end = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t here = atomic_load_explicit(&h->counts[i], memory_order_relaxed);
        if (here && (double)n < wanted)
            end = upper_end(i);
        n += here;
    }
    return end;
}
