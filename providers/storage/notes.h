/*
 * providers/storage/notes.h: which keys were changed since a copy began (state.wit, `rest`).
 *
 * Only names: what a key is worth is asked when the rest is sent. Beyond LP_MAX_STORE_NOTES
 * bytes it notes only that there were too many; everything is sent then.
 *
 * Whoever writes to the store notes, under the store's own lock; nobody notes any more when
 * it is read.
 */
#ifndef LP_STORAGE_NOTES_H
#define LP_STORAGE_NOTES_H

#include "base/base.h"

typedef struct lp_store_notes lp_store_notes;

lp_store_notes *lp_store_notes_new(void);
void lp_store_notes_delete(lp_store_notes *n);

void lp_store_note(lp_store_notes *n, lp_str identity, lp_str bucket, lp_str key);
/* That notes are of no use: something was changed by others. */
void lp_store_notes_spoil(lp_store_notes *n);
bool lp_store_notes_spoilt(const lp_store_notes *n);

/* Each key once, ordered as a state is. */
loop_error *lp_store_notes_each(const lp_store_notes *n,
                                loop_error *(*f)(void *data, lp_str identity, lp_str bucket,
                                                 lp_str key),
                                void *data) LOOP_MUST_USE;

#endif
