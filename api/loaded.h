/*
 * api/loaded.h: the shared libraries that this process has loaded as providers: each file once,
 * several versions of one path beside each other.
 *
 * A library that was built again lies at the path of the old one, which is in use. The system's
 * loader takes a path that it knows for the library that it has, whatever lies there by now. So
 * the new one is loaded under another spelling of the path (/a/./x.so), which leads to the same
 * folder: what the library looks for beside itself is found, and debuggers find the file.
 *
 * Any thread; one at a time, constructors and destructors included. All hosts of a process share
 * what is loaded.
 */
#ifndef LP_API_LOADED_H
#define LP_API_LOADED_H

#include "base/os/os.h"

/* A library's file, as somebody has looked at it; open, so that its inode is no other file's. */
typedef struct lp_library_file {
    lp_os_reader *open;
    lp_os_identity id;
    uint64_t digest; /* of all its bytes */
} lp_library_file;

typedef struct lp_loaded lp_loaded;

/* Reads `f->open`. False where it cannot be read to its end. */
bool lp_library_file_read(lp_library_file *f);
/*
 * Loads the file at `real` (absolute, no links), or finds it where it is loaded: then *ret is what
 * it was before, one more to close. `seen` is what was looked at. LOOP_INVALID: the loader's reason
 * ("undefined symbol: x"); it is another file by now; it is loaded, and was changed in place.
 * LOOP_LIMIT: LP_MAX_LIBRARY_VERSIONS.
 */
loop_error *lp_loaded_open(const char *real, const lp_library_file *seen,
                           lp_loaded **ret) LOOP_MUST_USE;
void *lp_loaded_symbol(const lp_loaded *l, const char *name);
/* True: nobody here uses it any more, and still it stays in memory. */
bool lp_loaded_close(lp_loaded *l);

#endif
