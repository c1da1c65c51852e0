/*
 * packages/tools.c: finds and loads loop-packages.so, the part of this room that takes large
 * libraries (packages/tools/tools.h), when it is first needed.
 *
 * It lies where loop-guard does: in lib/loop of an installation, beside the library in a build.
 * It stays loaded: what it needs (OpenSSL, above all) leaves things behind that must not be
 * unmapped. The table is remembered in one atomic pointer, the only state; two threads that come
 * first at once both load, which the system's loader counts, and find the same.
 *
 * A build with linked-in dependencies (-Dstatic_deps=true) has the table in the library itself.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/os/os.h"
#include "packages/tools/tools.h"

#if defined(LP_TOOLS_LINKED_IN)

extern const lp_packages_tools loop_packages_tools;

loop_error *lp_packages_tools_get(const lp_packages_tools **ret)
{
    *ret = &loop_packages_tools;
    return NULL;
}

#else

#define FILE_NAME "loop-packages.so"

static char *find(void)
{
    static const char *const places[] = {"loop/" FILE_NAME, FILE_NAME, "../" FILE_NAME};
    lp_auto(lp_free_string) char *own = lp_os_own_path();
    char *last = own ? strrchr(own, '/') : NULL;
    for (size_t i = 0; last && i < LP_COUNT(places); i++) {
        char *path = lp_format("%.*s/%s", (int)(last - own), own, places[i]);
        if (lp_os_exists(path) && !lp_os_is_dir(path))
            return path;
        free(path);
    }
    return NULL;
}

static loop_error *load(const char *path, const lp_packages_tools **ret)
{
    lp_os_library *library;
    LP_TRY(lp_os_library_open(path, &library));
    const lp_packages_tools *tools = lp_os_library_symbol(library, LP_TOOLS_SYMBOL);
    if (tools && tools->abi == LP_TOOLS_ABI && strcmp(tools->version, LOOP_VERSION) == 0) {
        *ret = tools;
        return NULL;
    }
    loop_error *e =
        loop_error_new(LOOP_UNAVAILABLE, "it is of another version of loop, not " LOOP_VERSION);
    lp_os_library_close(library);
    return e;
}

loop_error *lp_packages_tools_get(const lp_packages_tools **ret)
{
    static _Atomic(const lp_packages_tools *) loaded;
    const lp_packages_tools *tools = atomic_load(&loaded);
    if (!tools) {
        lp_auto(lp_free_string) char *path = find();
        if (!path)
            return loop_error_hint_set(
                loop_error_new(LOOP_UNAVAILABLE, "loop's own file '" FILE_NAME "' is missing"),
                "it belongs into the folder 'loop' beside libloop.so; `make` or `make install`");
        loop_error *e = load(path, &tools);
        if (e)
            return loop_error_hint_set(
                lp_error_because(LOOP_UNAVAILABLE, e, "cannot load '%s'", path),
                "it needs libarchive, libcurl and libsolv (Debian: libarchive13, libcurl4, "
                "libsolv1); install them, or loop again");
        atomic_store(&loaded, tools);
    }
    *ret = tools;
    return NULL;
}

#endif
