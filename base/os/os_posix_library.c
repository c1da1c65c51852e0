/* base/os/os_posix_library.c: shared libraries, by the system's own loader. */
#if !defined(_GNU_SOURCE) && !defined(__APPLE__)
#define _GNU_SOURCE
#endif
#include <dlfcn.h>

#include "base/base.h"
#include "base/os/os.h"

loop_error *lp_os_library_open(const char *path, lp_os_library **ret)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle) {
        *ret = handle;
        return NULL;
    }
    const char *why = dlerror();
    size_t n = strlen(path);
    if (why && strncmp(why, path, n) == 0 && why[n] == ':')
        why += n + 1; /* the caller has said which file */
    while (why && *why == ' ')
        why++;
    return loop_error_new(LOOP_INVALID, "%s", why && *why ? why : "the loader does not say why");
}

lp_os_library *lp_os_library_find(const char *path)
{
    return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
}

void *lp_os_library_symbol(lp_os_library *l, const char *name)
{
    return dlsym(l, name);
}

void lp_os_library_close(lp_os_library *l)
{
    if (l)
        (void)dlclose(l);
}
