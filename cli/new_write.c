/*
 * cli/new_write.c: puts a project on disk, as a whole or not at all.
 *
 * Everything goes to a folder beside the one that is wanted, under a name of its own; that folder
 * takes the name in one step, which fails where somebody else was faster. A signal that asks the
 * process to end is looked at between two files: what was written is removed first. What is
 * killed leaves a folder `.loop-new-...`, and nothing under the name that was asked for.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/new.h"

#define NEW_FOLDER "%s/.loop-new-XXXXXX"

/* ---- signals ---- */

static volatile sig_atomic_t ended_by;
static const int watched[] = {SIGINT, SIGTERM, SIGHUP};
#define WATCHED (sizeof watched / sizeof *watched)

static void note_signal(int number)
{
    ended_by = number;
}

static void watch(struct sigaction before[WATCHED])
{
    struct sigaction action = {.sa_handler = note_signal};
    ended_by = 0;
    for (size_t i = 0; i < WATCHED; i++) {
        sigaction(watched[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN)
            sigaction(watched[i], &action, NULL);
    }
}

static void unwatch(const struct sigaction before[WATCHED])
{
    for (size_t i = 0; i < WATCHED; i++)
        sigaction(watched[i], &before[i], NULL);
}

/* ---- before ---- */

/* The folder that something lies in; for free(). */
static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return cli_format(".");
    return slash == path ? cli_format("/") : cli_format("%.*s", (int)(slash - path), path);
}

static loop_error *refuse(const char *folder, const char *why, const char *hint)
{
    return loop_error_hint_set(loop_error_new(LOOP_USAGE, "cannot make '%s': %s", folder, why),
                               "%s", hint);
}

static bool is_empty(const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return false;
    size_t count = 0;
    while (count < 3 && readdir(dir))
        count++;
    closedir(dir);
    return count <= 2; /* . and .. */
}

static loop_error *check_parent(const char *folder)
{
    char *parent = parent_of(folder);
    struct stat st;
    loop_error *e = NULL;
    if (stat(parent, &st) != 0 || !S_ISDIR(st.st_mode)) {
        e = loop_error_new(LOOP_NOT_FOUND, "cannot make '%s': there is no folder '%s'", folder,
                           parent);
        e = loop_error_hint_set(e, "mkdir -p '%s', or another --dir", parent);
    } else if (access(parent, W_OK | X_OK) != 0) {
        e = loop_error_new(LOOP_IO, "%s", strerror(errno));
        e = loop_error_wrap(e, "cannot make '%s'", folder);
        e = loop_error_hint_set(e, "--dir names another folder");
    }
    free(parent);
    return e;
}

loop_error *cli_tree_check(const char *folder)
{
    struct stat st, here;
    if (!*folder || strlen(folder) >= PATH_MAX - CLI_TREE_PATH)
        return refuse(folder, *folder ? "the path is too long" : "it has no name",
                      "--dir names the folder to make");
    if (lstat(folder, &st) != 0)
        return check_parent(folder);
    if (!S_ISDIR(st.st_mode))
        return refuse(folder, "there is something else of that name",
                      "another name, another --dir, or move it away first");
    if (!is_empty(folder))
        return refuse(folder, "the folder is there, and not empty",
                      "another name, another --dir, or move it away first");
    if (stat(".", &here) == 0 && here.st_dev == st.st_dev && here.st_ino == st.st_ino)
        return refuse(folder, "it is the folder you are in",
                      "go one up (cd ..), and name it with --dir");
    return check_parent(folder);
}

/* ---- writing ---- */

static loop_error *failed(const char *path, int why)
{
    loop_error *e =
        loop_error_wrap(loop_error_new(LOOP_IO, "%s", strerror(why)), "cannot write '%s'", path);
    return loop_error_hint_set(e, "nothing was left behind; --dir names another place");
}

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno != EINTR)
            return errno;
        bytes += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Makes the folders on the way to `path` below `root`. */
static int make_folders(int root, const char *path)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        char *folder = cli_format("%.*s", (int)(slash - path), path);
        int why = mkdirat(root, folder, 0777) != 0 && errno != EEXIST ? errno : 0;
        free(folder);
        if (why)
            return why;
    }
    return 0;
}

static int write_file(int root, const cli_file *file)
{
    int why = make_folders(root, file->path);
    if (why)
        return why;
    int fd = openat(root, file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                    file->executable ? 0777 : 0666);
    if (fd < 0)
        return errno;
    why = write_all(fd, file->bytes, file->size);
    if (close(fd) != 0 && !why)
        why = errno;
    return why;
}

static loop_error *write_files(const cli_tree *tree, int root, const char *folder)
{
    for (size_t i = 0; i < tree->count; i++) {
        if (ended_by)
            return loop_error_new(LOOP_CANCELLED, "'%s' was not made: %s; nothing was left behind",
                                  folder, strsignal(ended_by));
        int why = write_file(root, &tree->files[i]);
        if (why) {
            char *path = cli_format("%s/%s", folder, tree->files[i].path);
            loop_error *e = failed(path, why);
            free(path);
            return e;
        }
    }
    return NULL;
}

/* Removes what this file made, and nothing else: files of the tree, then folders that are empty. */
static void undo(const cli_tree *tree, int root)
{
    for (size_t i = tree->count; i-- > 0;) {
        char *path = cli_format("%s", tree->files[i].path), *slash;
        unlinkat(root, path, 0);
        while ((slash = strrchr(path, '/'))) {
            *slash = '\0';
            if (unlinkat(root, path, AT_REMOVEDIR) != 0)
                break;
        }
        free(path);
    }
}

static mode_t usual_mode(void)
{
    mode_t mask = umask(0);
    umask(mask);
    return 0777 & ~mask;
}

static loop_error *write_beside(const cli_tree *tree, char *beside, const char *folder)
{
    if (!mkdtemp(beside))
        return failed(folder, errno);
    int root = open(beside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    loop_error *e = root < 0 ? failed(folder, errno) : write_files(tree, root, folder);
    if (!e && fchmod(root, usual_mode()) != 0)
        e = failed(folder, errno);
    if (!e && rename(beside, folder) != 0)
        e = failed(folder, errno);
    if (e && root >= 0)
        undo(tree, root);
    if (root >= 0)
        close(root);
    if (e)
        rmdir(beside);
    return e;
}

loop_error *cli_tree_write(const cli_tree *tree, const char *folder)
{
    loop_error *e = cli_tree_check(folder);
    if (e)
        return e;
    struct sigaction before[WATCHED];
    char *parent = parent_of(folder);
    char *beside = cli_format(NEW_FOLDER, strcmp(parent, "/") == 0 ? "" : parent);
    watch(before);
    e = write_beside(tree, beside, folder);
    unwatch(before);
    free(beside);
    free(parent);
    return e;
}
