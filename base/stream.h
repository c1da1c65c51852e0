/*
 * base/stream.h: loop_stream (loop/provider.h): bytes from who saves to who restores.
 *
 * Two forms of one ring of bytes. A pipe has a writer and a reader on two threads, which wait
 * for each other; a box is filled by one thread and read by it afterwards, and never waits.
 */
#ifndef LP_STREAM_H
#define LP_STREAM_H

#include "loop/provider.h"

/* Errors end at `until_ns` (lp_os_now_ns): LOOP_TIMEOUT. */
loop_stream *lp_stream_pipe(uint64_t until_ns);
/* At most `max` bytes: LOOP_LIMIT beyond. */
loop_stream *lp_stream_box(size_t max);
/* Nobody uses it any more. */
void lp_stream_delete(loop_stream *s);
/* The writer has written all. */
void lp_stream_end(loop_stream *s);
/* One side gives up: the other gets LOOP_CANCELLED. Any thread. */
void lp_stream_break(loop_stream *s);
bool lp_stream_broken(loop_stream *s);
/* Waits until a byte can be read: false at the end, also when the writer gave up. */
bool lp_stream_begins(loop_stream *s);
/* Empties a box, to be filled again. */
void lp_stream_clear(loop_stream *s);
/* Bytes that were written. */
uint64_t lp_stream_total(loop_stream *s);

#endif
