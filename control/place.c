/*
 * control/place.c: where hosts listen: a folder of this user's with a socket a host.
 *
 * A host's name is its process id, with "-2" and so on for more hosts in one process. A socket
 * always has somebody who listens (base/os makes it so), so that one at which nobody does was left
 * behind by a process that was killed; whoever finds it removes it.
 */
#include <stdlib.h>

#include "base/os/os.h"
#include "control/internal.h"

#define ENDING ".sock"
#define TRIES 50
#define TRY_MS 10

static loop_error *about(loop_error *e)
{
    return e ? loop_error_wrap(e, "there is no place for the sockets of hosts") : NULL;
}

loop_error *lp_control_dir(char **ret)
{
    lp_auto(lp_free_string) char *runtime = lp_os_runtime_dir();
    lp_auto(lp_free_string) char *cache = runtime ? NULL : lp_os_cache_dir();
    if (!runtime && !cache)
        return about(loop_error_hint_set(
            loop_error_new(LOOP_UNAVAILABLE, "neither XDG_RUNTIME_DIR nor HOME is a folder"),
            "set one of them"));
    lp_auto(lp_free_string) char *dir =
        runtime ? lp_format("%s/loop", runtime) : lp_format("%s/control", cache);
    LP_TRY(about(lp_os_secret_dir(dir)));
    *ret = lp_take(&dir);
    return NULL;
}

/* Digits, and perhaps "-" and digits: nothing else may become a part of a path. */
static bool is_name(const char *name, size_t n)
{
    size_t id = strspn(name, "0123456789");
    if (!id || id > 10 || id > n)
        return false;
    if (id == n)
        return true;
    size_t more = strspn(name + id + 1, "0123456789");
    return name[id] == '-' && more && more <= 2 && id + 1 + more == n;
}

/* Whether somebody listens; what was left behind is removed. */
static bool is_alive(const char *dir, const char *file)
{
    int fd;
    loop_error *e = lp_os_local_connect(dir, file, &fd);
    if (!e)
        lp_os_local_close(fd);
    loop_code code = loop_error_code(e);
    loop_error_delete(e);
    if (code == LOOP_UNAVAILABLE) {
        lp_auto(lp_free_string) char *path = lp_format("%s/%s", dir, file);
        lp_os_remove(path);
    }
    return code != LOOP_UNAVAILABLE && code != LOOP_NOT_FOUND;
}

loop_error *lp_control_listen(char **ret_name, char **ret_path, int *ret_fd)
{
    lp_auto(lp_free_string) char *dir = NULL;
    LP_TRY(lp_control_dir(&dir));
    for (unsigned n = 1; n <= LP_MAX_CONTROL_NAMES; n++) {
        lp_auto(lp_free_string) char *name =
            n == 1 ? lp_format("%lld", (long long)lp_os_process_id())
                   : lp_format("%lld-%u", (long long)lp_os_process_id(), n);
        lp_auto(lp_free_string) char *file = lp_format("%s" ENDING, name);
        if (is_alive(dir, file))
            continue;
        LP_TRY(lp_os_local_listen(dir, file, ret_fd));
        *ret_path = lp_format("%s/%s", dir, file);
        *ret_name = lp_take(&name);
        return NULL;
    }
    return loop_error_new(LOOP_LIMIT, "more than %d hosts of one process offer control",
                          LP_MAX_CONTROL_NAMES);
}

/* Where many ask at once, the host takes them in turn: a moment later there is room. */
static loop_error *connect_to(const char *dir, const char *file, int *ret_fd)
{
    loop_error *e = lp_os_local_connect(dir, file, ret_fd);
    for (int i = 0; i < TRIES && loop_error_code(e) == LOOP_LIMIT; i++) {
        loop_error_delete(e);
        lp_os_sleep_ms(TRY_MS);
        e = lp_os_local_connect(dir, file, ret_fd);
    }
    return e;
}

loop_error *lp_control_connect(const char *name, int *ret_fd)
{
    lp_auto(lp_free_string) char *dir = NULL;
    loop_error *e = is_name(name, strlen(name))
                        ? NULL
                        : loop_error_new(LOOP_NOT_FOUND, "a name is a process id");
    if (!e)
        e = lp_control_dir(&dir);
    lp_auto(lp_free_string) char *file = lp_format("%s" ENDING, name);
    int fd = -1;
    if (!e)
        e = connect_to(dir, file, &fd);
    if (!e && !lp_os_local_is_own(fd)) {
        lp_os_local_close(fd);
        e = loop_error_new(LOOP_DENIED, "it is another user's");
    }
    if (!e) {
        *ret_fd = fd;
        return NULL;
    }
    loop_code code = loop_error_code(e);
    code = code == LOOP_UNAVAILABLE ? LOOP_NOT_FOUND : code; /* it was there */
    return lp_error_because(code, e, "there is no host '%s' to ask", name);
}

/* ---- all of them ---- */

struct found {
    struct {
        char **at;
        size_t n, cap;
    } files;
    const char *dir;
};

static void note(void *data, const char *file)
{
    struct found *f = data;
    *lp_push(&f->files) = lp_strdup(file);
}

static bool ends_with(const char *s, const char *ending)
{
    size_t n = strlen(s), m = strlen(ending);
    return n > m && strcmp(s + n - m, ending) == 0;
}

/* A socket that has not got its name yet: it is left behind when its process is gone. */
static void sweep_new(const char *dir, const char *file)
{
    if (ends_with(file, ENDING ".new") && !lp_os_process_runs(strtoll(file, NULL, 10))) {
        lp_auto(lp_free_string) char *path = lp_format("%s/%s", dir, file);
        lp_os_remove(path);
    }
}

loop_error *loop_remote_each(void (*f)(void *data, const char *name), void *data)
{
    lp_auto(lp_free_string) char *dir = NULL;
    struct found found = {0};
    LP_TRY(lp_control_dir(&dir));
    lp_os_each_socket(dir, note, &found);
    for (size_t i = 0; i < found.files.n; i++) {
        char *file = found.files.at[i];
        size_t n = strlen(file) - LP_MIN(strlen(file), sizeof ENDING - 1);
        if (!ends_with(file, ENDING) || !is_name(file, n)) {
            sweep_new(dir, file);
        } else if (is_alive(dir, file)) {
            file[n] = 0;
            f(data, file);
        }
        free(file);
    }
    free(found.files.at);
    return NULL;
}
