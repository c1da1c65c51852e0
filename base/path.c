/* base/path.c: implements base/path.h. */
#include "base/path.h"

#include <stdlib.h>

#include "base/base.h"
#include "base/os/os.h"

/* Removes the last part of what is in `out`; false where there is none left. */
static bool drop_part(lp_buf *out, size_t root)
{
    if (out->len == root)
        return false;
    while (out->len > root && out->ptr[out->len - 1] != '/')
        out->len--;
    if (out->len > root)
        out->len--; /* the slash before it */
    out->ptr[out->len] = 0;
    return true;
}

char *lp_path_normal(const char *path)
{
    lp_buf out = {0};
    size_t root = path[0] == '/';
    lp_buf_add(&out, "/", root);
    for (const char *p = path; *p;) {
        size_t n = strcspn(p, "/");
        bool up = n == 2 && p[0] == '.' && p[1] == '.';
        bool same = n == 0 || (n == 1 && p[0] == '.');
        if (up && !drop_part(&out, root)) {
            lp_buf_done(&out);
            return NULL;
        }
        if (!up && !same) {
            if (out.len > root)
                lp_buf_puts(&out, "/");
            lp_buf_add(&out, p, n);
        }
        p += n;
        p += *p == '/';
    }
    if (!out.len)
        lp_buf_puts(&out, ".");
    return lp_buf_take(&out);
}

char *lp_path_join(const char *base, const char *path)
{
    if (path[0] == '/')
        return lp_strdup(path);
    size_t n = strlen(base);
    return lp_format("%s%s%s", base, n && base[n - 1] == '/' ? "" : "/", path);
}

char *lp_path_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return lp_strdup(".");
    return slash == path ? lp_strdup("/") : lp_strndup(path, (size_t)(slash - path));
}

bool lp_path_inside(const char *path, const char *dir)
{
    if (strcmp(dir, ".") == 0)
        return path[0] != '/';
    if (strcmp(dir, "/") == 0)
        return path[0] == '/';
    return lp_starts_with(path, dir) && (!path[strlen(dir)] || path[strlen(dir)] == '/');
}

const char *lp_path_below(const char *path, const char *dir)
{
    if (strcmp(dir, ".") == 0)
        return strcmp(path, ".") == 0 ? "" : path;
    const char *rest = path + strlen(dir);
    return *rest == '/' ? rest + 1 : rest;
}

char *lp_path_real(const char *path)
{
    lp_auto(lp_free_string) char *front = lp_path_normal(path);
    lp_auto(lp_free_string) char *whole = front ? lp_strdup(front) : NULL;
    char *real = lp_os_realpath(path);
    while (!real && front && strcmp(front, "/") != 0) {
        char *up = lp_path_parent(front);
        free(front);
        front = up;
        lp_auto(lp_free_string) char *there = lp_os_realpath(front);
        if (there)
            real = lp_path_join(there, lp_path_below(whole, front));
    }
    return real ? real : lp_strdup("/");
}
