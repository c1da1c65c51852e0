/* providers/memory/store.h: an engine of providers/storage/store.h that only remembers. */
#ifndef LP_MEMORY_STORE_H
#define LP_MEMORY_STORE_H

#include "providers/storage/store.h"

/* engine->close deletes it. */
lp_store *lp_memory_store_new(void);

#endif
