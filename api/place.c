/* api/place.c: implements api/place.h. */
#include "api/place.h"

#include <stdlib.h>

#include "base/base.h"
#include "base/os/os.h"

/* Installed: lib/loop/NAME, from the library's folder. In a build: beside the library. */
char *lp_place_program(const char *name)
{
    static const char *const places[] = {"loop/", "", "../"};
    lp_auto(lp_free_string) char *own = lp_os_own_path();
    char *last = own ? strrchr(own, '/') : NULL;
    for (size_t i = 0; last && i < LP_COUNT(places); i++) {
        char *path = lp_format("%.*s/%s%s", (int)(last - own), own, places[i], name);
        if (lp_os_exists(path) && !lp_os_is_dir(path))
            return path;
        free(path);
    }
    return NULL;
}
