/*
 * cli/new_tree.c: the files of a project, read from the layers of its template.
 *
 * Everything is read before anything is written: what is missing, too large or not to be read is
 * known while there is nothing to clean up. A folder of a template that is a link, or beside one
 * that is, holds copies of loop's own (WIT, an SDK); those are shown as one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/new.h"
#include "loop/config.h"

#define MORE ".more"

/* ---- where they are ---- */

loop_error *cli_templates(char **ret_folder)
{
    char *data = loop_data_dir();
    char *folder = data ? cli_format("%s/templates", data) : NULL;
    loop_free(data);
    struct stat st;
    if (folder && stat(folder, &st) == 0 && S_ISDIR(st.st_mode)) {
        *ret_folder = folder;
        return NULL;
    }
    loop_error *e = loop_error_new(LOOP_NOT_FOUND, "there are no templates in '%s'",
                                   folder ? folder : "share/loop");
    free(folder);
    return loop_error_hint_set(e, "they are part of an installation (`make install`); "
                                  "LOOP_DATA_DIR names the folder that has them");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **cli_list_folders(const char *folder, const char *prefix)
{
    size_t count = 0, length = strlen(prefix);
    char **list = cli_alloc((CLI_TREE_FILES + 1) * sizeof *list);
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && count < CLI_TREE_FILES && (entry = readdir(dir))) {
        struct stat st;
        if (entry->d_name[0] != '.' && strncmp(entry->d_name, prefix, length) == 0 &&
            fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode))
            list[count++] = cli_format("%s", entry->d_name + length);
    }
    if (dir)
        closedir(dir);
    qsort(list, count, sizeof *list, by_name);
    return list;
}

void cli_list_delete(char **list)
{
    for (char **at = list; list && *at; at++)
        free(*at);
    free(list);
}

char *cli_list_shown(char *const *list)
{
    char *shown = cli_format("%s", "");
    for (char *const *at = list; *at; at++) {
        char *longer = cli_format("%s%s%s", shown, at == list ? "" : ", ", *at);
        free(shown);
        shown = longer;
    }
    return shown;
}

bool cli_list_has(char *const *list, const char *name)
{
    for (; *list; list++)
        if (strcmp(*list, name) == 0)
            return true;
    return false;
}

/* ---- files ---- */

/* `why`: of errno; 0: it is neither a file nor a folder. */
static loop_error *unreadable(const char *path, int why)
{
    return loop_error_wrap(
        loop_error_new(LOOP_IO, "%s", why ? strerror(why) : "it is neither a file nor a folder"),
        "cannot read the template '%s'", path);
}

static loop_error *too_large(const char *path, const char *limit)
{
    loop_error *e = loop_error_new(LOOP_LIMIT, "the template '%s' has more than %s", path, limit);
    return loop_error_hint_set(e, "is it loop's own? LOOP_DATA_DIR may name another folder");
}

/* A whole file, for free(). */
static loop_error *read_file(const char *path, char **ret, size_t *ret_size, bool *ret_executable)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* no pipe holds it up */
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        int why = fd < 0 ? errno : 0;
        if (fd >= 0)
            close(fd);
        return unreadable(path, why);
    }
    if (st.st_size > (off_t)CLI_TREE_BYTES) {
        close(fd);
        return too_large(path, "16 MiB");
    }
    size_t size = 0, room = (size_t)st.st_size;
    char *bytes = cli_alloc(room + 1);
    ssize_t n = 1;
    while (size < room && n > 0) {
        n = read(fd, bytes + size, room - size);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            size += (size_t)n;
    }
    int why = errno;
    close(fd);
    if (n < 0) {
        free(bytes);
        return unreadable(path, why);
    }
    *ret = bytes;
    *ret_size = size;
    *ret_executable = st.st_mode & S_IXUSR;
    return NULL;
}

static cli_file *find(const cli_tree *tree, const char *path)
{
    for (size_t i = 0; i < tree->count; i++)
        if (strcmp(tree->files[i].path, path) == 0)
            return &tree->files[i];
    return NULL;
}

static void append(cli_file *file, const char *bytes, size_t size)
{
    char *both = cli_alloc(file->size + size + 1);
    memcpy(both, file->bytes, file->size);
    memcpy(both + file->size, bytes, size);
    free(file->bytes);
    file->bytes = both;
    file->size += size;
}

/* Puts it in; path and bytes are taken. */
static loop_error *put(cli_tree *tree, const char *source, cli_file file)
{
    size_t length = strlen(file.path), tail = strlen(MORE);
    bool more = length > tail && strcmp(file.path + length - tail, MORE) == 0;
    if (more)
        file.path[length - tail] = '\0';
    cli_file *there = find(tree, file.path);
    loop_error *e = NULL;
    tree->bytes += file.size;
    if (tree->bytes > CLI_TREE_BYTES)
        e = too_large(source, "16 MiB");
    else if (more && !there)
        e = loop_error_new(LOOP_INVALID, "the template '%s' goes on with a file that is not there",
                           source);
    else if (!there && tree->count >= CLI_TREE_FILES)
        e = too_large(source, "2048 files");
    if (!e && there && more) {
        append(there, file.bytes, file.size);
    } else if (!e && there) {
        free(there->bytes);
        there->bytes = file.bytes;
        there->size = file.size;
        there->executable = file.executable;
        file.bytes = NULL;
    } else if (!e) {
        if (tree->count == tree->room) {
            size_t room = tree->room ? tree->room * 2 : 64;
            cli_file *files = cli_alloc(room * sizeof *files);
            if (tree->count)
                memcpy(files, tree->files, tree->count * sizeof *files);
            free(tree->files);
            tree->files = files;
            tree->room = room;
        }
        tree->files[tree->count++] = file;
        return NULL;
    }
    free(file.path);
    free(file.bytes);
    return e;
}

/* ---- folders ---- */

/* What a build leaves in a template that somebody tried in its place, or in an SDK. */
static bool is_left_over(const char *name, size_t depth)
{
    static const char *const names[] = {"build", "gen", "target", "node_modules", "__pycache__"};
    for (size_t i = depth == 0 ? 0 : 2; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Whose files are loop's own, below the top of a project. */
static bool is_brought(const char *path)
{
    static const char *const folders[] = {"loop-sdk/", "loop-sidecar/", "loop_sidecar/",
                                          "wit/deps/"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (strncmp(path, folders[i], strlen(folders[i])) == 0)
            return true;
    return false;
}

static loop_error *add_file(cli_tree *tree, const char *source, const char *path,
                            const cli_name *name)
{
    cli_file file = {0};
    char *raw = NULL;
    size_t size = 0;
    loop_error *e = read_file(source, &raw, &size, &file.executable);
    if (e)
        return e;
    size_t length;
    file.bytes = cli_name_fill(name, raw, size, &file.size);
    file.path = cli_name_fill(name, path, strlen(path), &length);
    file.brought = is_brought(file.path);
    free(raw);
    return put(tree, source, file);
}

static loop_error *add_folder(cli_tree *tree, const char *folder, const char *path, size_t depth,
                              const cli_name *name)
{
    DIR *dir = opendir(folder);
    if (!dir && errno == ENOENT && depth == 0)
        return NULL;
    if (!dir)
        return unreadable(folder, errno);
    loop_error *e = depth < CLI_TREE_DEPTH ? NULL : too_large(folder, "16 folders in each other");
    struct dirent *entry;
    while (!e && (entry = readdir(dir))) {
        const char *own = entry->d_name;
        if (strcmp(own, ".") == 0 || strcmp(own, "..") == 0 || is_left_over(own, depth))
            continue;
        char *source = cli_format("%s/%s", folder, own);
        char *to = cli_format("%s%s%s", path, *path ? "/" : "", own);
        struct stat st;
        if (strlen(to) > CLI_TREE_PATH)
            e = too_large(source, "1024 letters in a path");
        else if (stat(source, &st) != 0)
            e = unreadable(source, errno);
        else if (S_ISDIR(st.st_mode))
            e = add_folder(tree, source, to, depth + 1, name);
        else
            e = add_file(tree, source, to, name);
        free(source);
        free(to);
    }
    closedir(dir);
    return e;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const cli_file *)a)->path, ((const cli_file *)b)->path);
}

loop_error *cli_tree_add(cli_tree *tree, const char *folder, const cli_name *name)
{
    loop_error *e = add_folder(tree, folder, "", 0, name);
    if (!e && tree->count)
        qsort(tree->files, tree->count, sizeof *tree->files, by_path);
    return e;
}

/* ---- showing ---- */

/* How many letters of a brought file's path stand for it: "wit/deps/", "loop-sdk/". */
static size_t stem(const cli_file *file)
{
    const char *slash = strchr(file->path, '/');
    if (strncmp(file->path, "wit/deps/", 9) == 0)
        return 9;
    return (size_t)(slash - file->path) + 1;
}

void cli_tree_put(FILE *to, const cli_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        const cli_file *file = &tree->files[i];
        fputs("  ", to);
        if (!file->brought) {
            cli_put(to, file->path);
            putc('\n', to);
            continue;
        }
        size_t length = stem(file), first = i;
        while (i + 1 < tree->count && tree->files[i + 1].brought &&
               strncmp(file->path, tree->files[i + 1].path, length) == 0)
            i++;
        size_t files = i - first + 1;
        fprintf(to, "%.*s  %zu file%s, copies of loop's own\n", (int)length, file->path, files,
                files == 1 ? "" : "s");
    }
}

void cli_tree_done(cli_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        free(tree->files[i].path);
        free(tree->files[i].bytes);
    }
    free(tree->files);
    *tree = (cli_tree){0};
}
