/*
 * providers/sqlite/crash_vfs_test.h: a disk that fails, as a file layer (VFS) of SQLite.
 *
 * It sits over SQLite's own layer for the system: what is written goes through, so that
 * reads, locks and the shared memory of the log are the real ones. Beside, it keeps what a
 * real disk would have: for each file the bytes that were synced, and in order every write
 * and truncation since; for the folder the names that were synced, and every creation and
 * removal since. When the power fails, everything after is an error, and what is left is
 * made of the synced bytes and any choice of the rest, as SQLite's own crash tests do it
 * (src/test6.c): a write survives, or is lost, or of its sectors some are, or come out as
 * something else. Order counts for nothing. Names survive or not likewise.
 *
 * What it takes for granted, as SQLite does for this system: bytes beside a write stay as
 * they were (powersafe overwrite), and a first sync of a new journal or log syncs its
 * folder (the system's layer does that).
 *
 * One disk at a time, one thread.
 */
#ifndef LP_SQLITE_CRASH_VFS_TEST_H
#define LP_SQLITE_CRASH_VFS_TEST_H

#include <stdbool.h>
#include <stdint.h>

#define CRASH_VFS "crash"

typedef enum crash_kind {
    CRASH_NONE,
    CRASH_POWER, /* the disk is gone until crash_disk_restart */
    CRASH_IO,    /* one operation fails; a sync that fails has lost some of it for good */
    CRASH_FULL,  /* files do not grow until crash_disk_plan(CRASH_NONE) */
} crash_kind;

void crash_disk_new(uint64_t seed);
void crash_disk_delete(void);

/* What happens at the `after`th operation from now: a write, sync, truncation or removal. */
void crash_disk_plan(crash_kind kind, unsigned after);
/* Whether it has happened. */
bool crash_disk_hit(void);
/* Operations since the disk was made. */
unsigned crash_disk_operations(void);

/* After all is closed: the files become what a power cut now would leave. */
void crash_disk_restart(void);

#endif
