/*
 * trust/store.h: the files in which the user says whom to trust: where they are, who may change
 * them, one change at a time.
 */
#ifndef LP_STORE_H
#define LP_STORE_H

#include "base/base.h"
#include "base/os/os.h"

/* The folder of the user's configuration, without links where it is there. LOOP_UNAVAILABLE. */
loop_error *lp_store_folder(char **ret) LOOP_MUST_USE;
/*
 * Waits for one's turn to change what `what` names ("the list of trusted workspaces"), by the lock
 * file `name`. *ret NULL where the folder is one in which others can write: lp_store_write refuses.
 */
loop_error *lp_store_lock(const char *name, const char *what, lp_os_lock **ret) LOOP_MUST_USE;
void lp_store_unlock(lp_os_lock **l); /* for lp_auto */
/* Replaces FOLDER/NAME in one step, 0600, in a folder that nobody else can change. */
loop_error *lp_store_write(const char *name, const char *what, const lp_buf *bytes) LOOP_MUST_USE;
/* "2026-11-23", in UTC. */
void lp_store_today(char ret[16]);

#endif
