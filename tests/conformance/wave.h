/*
 * tests/conformance/wave.h: WAVE, the text form of component values, as native values:
 * reading by a plan's node into the layout of loop/abi.h, comparing, printing.
 *
 * A handle is `$name`; what stands behind it is the caller's to say.
 */
#ifndef CONFORMANCE_WAVE_H
#define CONFORMANCE_WAVE_H

#include "abi/plan.h"

/* What a handle that is written as $name is in C. False: no such one. */
typedef bool wave_handle(void *data, const lp_node *n, lp_str name, uint64_t *ret);

typedef struct wave {
    const char *start, *at;
    lp_arena *arena; /* strings and lists */
    wave_handle *handle;
    void *data;
    lp_buf *error; /* the first problem and where it is */
} wave;

/*
 * Reads one value of `n` to `to` (n->size bytes); the spaces around it are skipped.
 * False: *w->error says why.
 */
bool wave_read(wave *w, const lp_node *n, void *to);
/* `(A, B, ...)`: the tuple of parameters, brackets included. */
bool wave_read_params(wave *w, const lp_node *params, void *to);
/* Whether nothing but spaces is left; else *w->error says what. */
bool wave_end(wave *w);

/* Whether two handles are the same: wanted and got as they lie in the values. */
typedef bool wave_same_handle(void *data, const lp_node *n, uint64_t wanted, uint64_t got);

/*
 * Deep comparison; any NaN equals any NaN. False: *where says at which part, what
 * was wanted and what came. `same` NULL: handles are compared as numbers.
 */
bool wave_same(const lp_node *n, const void *wanted, const void *got, wave_same_handle *same,
               void *data, lp_buf *where);

/* As WAVE, for messages; long values are cut. */
void wave_print(const lp_node *n, const void *value, lp_buf *into);

#endif
