/* host/wasi_served.c: which imports the engine's WASI group serves, function by function. */
#include "host/internal.h"

/* "wasi:x/y@0.2.z": the group serves 0.2 alone, whatever the patch. */
static bool in_group(const char *full, char *name, size_t size)
{
    const char *version = lp_split_version(full, name, size);
    return lp_starts_with(version, "0.2.") && !strchr(version, '-');
}

bool lp_wasi_function(const char *full, const char *function)
{
    char name[LP_MAX_NAME];
    if (!in_group(full, name, sizeof name))
        return false;
    for (const lp_wasi_row *r = lp_wasi_rows; r->interface_name; r++)
        if (strcmp(r->interface_name, name) == 0 &&
            (function ? r->function && strcmp(r->function, function) == 0 : !r->function))
            return true;
    return false;
}

bool lp_wasi_interface(const char *full)
{
    return lp_wasi_function(full, NULL);
}

bool lp_is_http_interface(const char *full)
{
    return lp_starts_with(full, "wasi:http/");
}
