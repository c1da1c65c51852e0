/*
 * cli/imports.h: what a component's imports lack, for `loop inspect` and `loop
 * explain`: the same rules by which host/link.c starts a component or does not.
 */
#ifndef CLI_IMPORTS_H
#define CLI_IMPORTS_H

#include "loop/host.h"

typedef enum cli_need {
    CLI_NEED_NOBODY, /* types alone, or a row that its interface's row speaks for */
    CLI_NEED_SERVED,
    CLI_NEED_STUB,    /* nobody serves it, and that is fine */
    CLI_NEED_MISSING, /* nobody serves it, so the component does not start */
} cli_need;

/* What the row of an import needs. `optional` ends with NULL; NULL: none. */
cli_need cli_import_need(loop_component *c, const loop_item *item, const char *const *optional);

/* Whether an interface may be missing: named in `optional`, or answered by stubs everywhere. */
bool cli_import_optional(const char *interface_name, const char *const *optional);

#endif
