/* api/place.c: implements api/place.h. */
#include "api/place.h"

#include <stdlib.h>

#include "base/base.h"
#include "base/os/os.h"

/* The first of `places` before `name`, seen from the library's folder, that is a file. */
static char *find(const char *const places[3], const char *name)
{
    lp_auto(lp_free_string) char *own = lp_os_own_path();
    char *last = own ? strrchr(own, '/') : NULL;
    for (size_t i = 0; last && i < 3; i++) {
        char *path = lp_format("%.*s/%s%s", (int)(last - own), own, places[i], name);
        if (lp_os_exists(path) && !lp_os_is_dir(path))
            return path;
        free(path);
    }
    return NULL;
}

/* Installed: lib/loop/NAME. In a build: beside the library, or above a test's program. */
char *lp_place_program(const char *name)
{
    return find((const char *const[]){"loop/", "", "../"}, name);
}

char *lp_place_command(void)
{
    return find((const char *const[]){"../bin/", "", "../"}, "loop");
}
