/*
 * providers/trace/histogram.h: how long calls took, in fixed memory.
 *
 * Buckets double every fourth step, so that a value is known to a fifth, from 1 ns to
 * 2^40 ns (18 minutes; longer counts there). Any thread may add; who reads meanwhile sees
 * some of what is being added.
 */
#ifndef LP_TRACE_HISTOGRAM_H
#define LP_TRACE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 160

typedef struct histogram {
    _Atomic uint64_t counts[HISTOGRAM_BUCKETS];
} histogram;

void histogram_add(histogram *h, uint64_t ns);
uint64_t histogram_count(const histogram *h);
/* The value that `percent` of all are at or below: its bucket's upper end; 0 without any. */
uint64_t histogram_at(const histogram *h, double percent);

#endif
