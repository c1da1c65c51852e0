/*
 * builder/digest.c: digests of files, and which files a folder has.
 *
 * Contents and not times: a checkout, a clone or a copy gives every file a new time, and an
 * editor that saves the same text another one. Reading is cheap: some hundred megabytes a
 * second, of sources.
 */
#include <sodium.h>
#include <stdlib.h>

#include "base/path.h"
#include "base/text.h"
#include "builder/internal.h"

lp_build_sum lp_build_sum_of(const void *bytes, size_t len)
{
    unsigned char digest[(LP_BUILD_DIGEST - 1) / 2];
    lp_build_sum sum;
    crypto_generichash(digest, sizeof digest, bytes, len, NULL, 0);
    sodium_bin2hex(sum.text, sizeof sum.text, digest, sizeof digest);
    return sum;
}

loop_error *lp_build_sum_file(const char *path, lp_build_sum *ret)
{
    uint8_t *bytes;
    size_t len;
    LP_TRY(lp_os_read_file(path, LP_MAX_BUILD_FILE, &bytes, &len));
    *ret = lp_build_sum_of(bytes, len);
    free(bytes);
    return NULL;
}

/* ---- folders ---- */

struct walk {
    lp_build_inputs *inputs;
    const char *root, *folder;
    const char *const *skip, *const *ends;
    unsigned depth;
};

static loop_error *add_file(lp_build_inputs *l, const char *root, const char *path, bool found)
{
    if (l->n >= LP_MAX_BUILD_FILES)
        return loop_error_hint_set(
            loop_error_new(LOOP_LIMIT, "it is built from more than %d files", LP_MAX_BUILD_FILES),
            "'source' names the folder with the sources alone");
    const char *why = lp_text_check(path);
    if (why)
        return loop_error_new(LOOP_INVALID, "a file's name cannot be used: %s", why);
    lp_build_sum sum;
    LP_TRY(lp_build_sum_file(path, &sum));
    const char *below = lp_path_inside(path, root) ? lp_path_below(path, root) : path;
    *lp_push(l) = (lp_build_input){.path = lp_strdup(below), .sum = sum, .found = found};
    return NULL;
}

/* Folders that tools fill and nobody builds from. */
static bool is_left_out(const char *name)
{
    static const char *const names[] = {"node_modules", "target", "__pycache__"};
    for (size_t i = 0; i < LP_COUNT(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

bool lp_build_ends(const char *name, const char *const *ends)
{
    size_t n = strlen(name);
    for (size_t i = 0; ends && ends[i]; i++) {
        size_t m = strlen(ends[i]);
        if (n >= m && strcmp(name + n - m, ends[i]) == 0)
            return true;
    }
    return !ends;
}

static loop_error *walk_folder(struct walk *w);

static loop_error *visit(void *data, const char *name, char kind, uint64_t size)
{
    const struct walk *w = data;
    (void)size;
    if (name[0] == '.')
        return NULL;
    lp_auto(lp_free_string) char *path = lp_path_join(w->folder, name);
    for (size_t i = 0; w->skip[i]; i++)
        if (strcmp(w->skip[i], path) == 0)
            return NULL;
    if (kind == 'l')
        kind = lp_os_is_dir(path) || !lp_os_exists(path) ? 'o' : 'f';
    if (kind == 'f' && lp_build_ends(name, w->ends))
        return add_file(w->inputs, w->root, path, false);
    if (kind != 'd' || is_left_out(name))
        return NULL;
    struct walk below = *w;
    below.folder = path;
    below.depth++;
    return walk_folder(&below);
}

static loop_error *walk_folder(struct walk *w)
{
    if (w->depth > LP_MAX_BUILD_DEPTH)
        return loop_error_new(LOOP_LIMIT, "'%s' is more than %d folders deep", w->folder,
                              LP_MAX_BUILD_DEPTH);
    return lp_os_each_entry(w->folder, w, visit);
}

loop_error *lp_build_inputs_add(lp_build_inputs *l, const char *root, const char *path,
                                const char *const *skip, const char *const *ends)
{
    if (!lp_os_is_dir(path))
        return add_file(l, root, path, false);
    struct walk w = {l, root, path, skip, ends, 0};
    return walk_folder(&w);
}

loop_error *lp_build_inputs_found(lp_build_inputs *l, const char *root, const char *path)
{
    lp_auto(lp_free_string) char *whole = lp_path_join(root, path);
    lp_auto(lp_free_string) char *normal = lp_path_normal(whole);
    if (!normal || !lp_os_exists(normal) || lp_os_is_dir(normal))
        return NULL;
    return add_file(l, root, normal, true);
}

/* Those of folders first, so that one that was found as well stays as theirs. */
static int by_path(const void *a, const void *b)
{
    const lp_build_input *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    return order ? order : (int)x->found - (int)y->found;
}

void lp_build_inputs_sort(lp_build_inputs *l)
{
    if (!l->n)
        return;
    qsort(l->at, l->n, sizeof *l->at, by_path);
    size_t n = 1;
    for (size_t i = 1; i < l->n; i++) {
        if (strcmp(l->at[n - 1].path, l->at[i].path) == 0)
            free(l->at[i].path);
        else
            l->at[n++] = l->at[i];
    }
    l->n = n;
}

void lp_build_inputs_done(lp_build_inputs *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->at[i].path);
    free(l->at);
    *l = (lp_build_inputs){0};
}

/* ---- rules of make ---- */

loop_error *lp_build_rule_read(const char *text, loop_error *(*f)(void *data, const char *path),
                               void *data)
{
    const char *p = strstr(text, ": ");
    if (!p)
        return NULL;
    lp_auto(lp_free_string) char *word = lp_alloc(strlen(p) + 1);
    for (p += 2; *p && *p != '\n';) {
        size_t n = 0;
        for (; *p && *p != ' ' && *p != '\n'; p++) {
            if (*p == '\\' && (p[1] == ' ' || p[1] == '#' || p[1] == '\\'))
                p++;
            else if (*p == '\\' && p[1] == '\n')
                break;
            else if (*p == '$' && p[1] == '$')
                p++;
            word[n++] = *p;
        }
        word[n] = 0;
        if (n)
            LP_TRY(f(data, word));
        p += *p == '\\' ? 2 : *p == ' ';
    }
    return NULL;
}
