/*
 * base/os/os_posix_tree.c: folders: making and removing them; and how many processors there are.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#if defined(__linux__)
#include <sched.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/os/internal.h"
#include "base/os/os.h"

#define MAX_DEPTH 256 /* of folders; deeper ones stay: each takes a descriptor */

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

loop_error *lp_os_make_dirs(const char *path)
{
    lp_auto(lp_free_string) char *part = lp_strdup(path);
    for (char *p = *part ? part + 1 : part;; p++) {
        char c = *p;
        if (c && c != '/')
            continue;
        *p = 0;
        if (mkdir(part, 0777) != 0 && !lp_os_is_dir(part)) {
            int number = errno == EEXIST ? ENOTDIR : errno;
            return loop_error_wrap(lp_os_error(number), "cannot make the folder '%s'", part);
        }
        if (!c)
            return NULL;
        *p = c;
    }
}

/* By descriptors, so that a folder that becomes a link meanwhile is not followed. */
static void remove_below(int folder, const char *name, int depth)
{
    if (!depth || unlinkat(folder, name, 0) == 0 || (errno != EISDIR && errno != EPERM))
        return;
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *e; (e = readdir(d));)
        if (!is_dots(e->d_name))
            remove_below(dirfd(d), e->d_name, depth - 1);
    closedir(d);
    (void)unlinkat(folder, name, AT_REMOVEDIR);
}

void lp_os_remove_tree(const char *path)
{
    remove_below(AT_FDCWD, path, MAX_DEPTH);
}

unsigned lp_os_processors(void)
{
#if defined(__linux__)
    cpu_set_t mine;
    if (sched_getaffinity(0, sizeof mine, &mine) == 0 && CPU_COUNT(&mine) > 0)
        return (unsigned)CPU_COUNT(&mine);
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}
