/* cli/imports.c: implements cli/imports.h. */
#include "cli/imports.h"

#include <string.h>

static bool is_named(const char *wanted, const char *full)
{
    size_t n = strcspn(full, "@");
    return strcmp(wanted, full) == 0 || (strlen(wanted) == n && strncmp(wanted, full, n) == 0);
}

bool cli_import_optional(const char *interface_name, const char *const *optional)
{
    for (size_t i = 0; optional && optional[i]; i++)
        if (is_named(optional[i], interface_name))
            return true;
    return false;
}

/* Whether an import has types alone: then nobody needs to serve it. */
static bool is_types_only(loop_component *c, const char *full)
{
    const loop_item *item;
    for (size_t i = 0; (item = loop_component_item_at(c, i)); i++)
        if (!item->is_export && item->kind != LOOP_ITEM_INTERFACE &&
            strcmp(item->interface_name, full) == 0)
            return false;
    return true;
}

/* Whether the interface is served as a whole; its own row says so. */
static bool interface_served(loop_component *c, const char *full)
{
    const loop_item *item;
    for (size_t i = 0; (item = loop_component_item_at(c, i)); i++)
        if (!item->is_export && item->kind == LOOP_ITEM_INTERFACE &&
            strcmp(item->interface_name, full) == 0)
            return item->served;
    return false;
}

/*
 * An interface that nobody serves counts once, at its own row, not once a
 * function. One that somebody serves without a function of it is missing even if
 * it is optional: there is no stub for a part.
 */
cli_need cli_import_need(loop_component *c, const loop_item *item, const char *const *optional)
{
    if (item->is_export)
        return CLI_NEED_NOBODY;
    if (item->kind == LOOP_ITEM_INTERFACE) {
        if (item->served)
            return CLI_NEED_SERVED;
        if (is_types_only(c, item->interface_name))
            return CLI_NEED_NOBODY;
        return item->stubbed || cli_import_optional(item->interface_name, optional)
                   ? CLI_NEED_STUB
                   : CLI_NEED_MISSING;
    }
    bool part = *item->interface_name && !interface_served(c, item->interface_name);
    if (item->served || part || item->kind == LOOP_ITEM_RESOURCE)
        return CLI_NEED_NOBODY;
    return CLI_NEED_MISSING;
}
