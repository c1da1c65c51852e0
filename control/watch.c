/*
 * control/watch.c: which files changed.
 *
 * The system tells of events in folders (libuv, inotify): a folder, not the file, since most tools
 * write another file and rename it over the old one. An event says no more than that it is time to
 * look; what a file is now is asked of the file: its number, size and time. So nothing depends on
 * which events a system has, and where it has none (network drives, no more watches), the files are
 * looked at every second all the same.
 *
 * A build writes in steps: a file counts as changed when it has been the same for
 * LP_WATCH_STILL_MS.
 */
#include <stdlib.h>
#include <uv.h>

#include "base/os/os.h"
#include "base/path.h"
#include "control/internal.h"
#include "host/hooks.h"

#define SOON_MS 30 /* after an event */

struct look {
    bool there;
    uint64_t device, number, size, time_ns;
};

struct file {
    char *path;
    struct look told, last; /* when it was last told of, and at the last look */
    uint64_t since_ms;      /* that it is as in `last` */
    bool wanted;            /* since the last sweep */
};

struct folder {
    uv_fs_event_t event;
    char *path;
    lp_files *files;
    uint64_t number; /* of what is watched; 0: nothing */
    bool wanted;
};

struct lp_files {
    loop_host *host;
    lp_files_events events;
    uv_timer_t timer;
    struct {
        struct file *at;
        size_t n, cap;
    } files;
    struct {
        struct folder **at;
        size_t n, cap;
    } folders;
};

/* ---- looking ---- */

static struct look look_at(const char *path)
{
    uv_fs_t request;
    struct look l = {0};
    if (uv_fs_stat(NULL, &request, path, NULL) == 0)
        l = (struct look){true, request.statbuf.st_dev, request.statbuf.st_ino,
                          request.statbuf.st_size,
                          (uint64_t)request.statbuf.st_mtim.tv_sec * 1000000000u +
                              (uint64_t)request.statbuf.st_mtim.tv_nsec};
    uv_fs_req_cleanup(&request);
    return l;
}

static bool same(const struct look *a, const struct look *b)
{
    return a->there == b->there && a->device == b->device && a->number == b->number &&
           a->size == b->size && a->time_ns == b->time_ns;
}

static void on_due(uv_timer_t *timer);

static void look_again(lp_files *f, uint64_t ms)
{
    uv_update_time(f->timer.loop);
    uv_timer_start(&f->timer, on_due, ms, 0);
}

static void on_event(uv_fs_event_t *event, const char *name, int events, int failed)
{
    (void)name, (void)events, (void)failed;
    const struct folder *d = event->data;
    if (!uv_is_closing((uv_handle_t *)&d->files->timer) &&
        uv_timer_get_due_in(&d->files->timer) > SOON_MS)
        look_again(d->files, SOON_MS);
}

/* A folder that was made anew is another folder. */
static void follow_folder(struct folder *d)
{
    struct look now = look_at(d->path);
    if (now.there && now.number == d->number)
        return;
    uv_fs_event_stop(&d->event);
    d->number =
        now.there && uv_fs_event_start(&d->event, on_event, d->path, 0) == 0 ? now.number : 0;
}

/* True when the file changed and is whole; *ret_moving: it is not yet. */
static bool has_changed(struct file *x, uint64_t now_ms, bool *ret_moving)
{
    struct look now = look_at(x->path);
    if (!same(&now, &x->last)) {
        x->last = now;
        x->since_ms = now_ms;
    }
    if (!now.there || same(&x->last, &x->told))
        return false;
    if (now_ms - x->since_ms < LP_WATCH_STILL_MS) {
        *ret_moving = true;
        return false;
    }
    x->told = x->last;
    return true;
}

static void on_due(uv_timer_t *timer)
{
    lp_files *f = timer->data;
    bool moving = false;
    struct {
        char **at;
        size_t n, cap;
    } changed = {0};
    f->events.refresh(f->events.data);
    for (size_t i = 0; i < f->folders.n; i++)
        follow_folder(f->folders.at[i]);
    uv_update_time(timer->loop);
    for (size_t i = 0; i < f->files.n; i++)
        if (has_changed(&f->files.at[i], uv_now(timer->loop), &moving))
            *lp_push(&changed) = lp_strdup(f->files.at[i].path);
    look_again(f, moving ? LP_WATCH_STILL_MS / 3 : LP_WATCH_POLL_MS);
    for (size_t i = 0; i < changed.n; i++) {
        f->events.changed(f->events.data, changed.at[i]);
        free(changed.at[i]);
    }
    free(changed.at);
}

/* ---- what is watched ---- */

lp_files *lp_files_new(loop_host *host, const lp_files_events *events)
{
    lp_files *f = lp_alloc(sizeof *f);
    f->host = host;
    f->events = *events;
    uv_timer_init(lp_host_loop(host), &f->timer);
    f->timer.data = f;
    uv_unref((uv_handle_t *)&f->timer);
    look_again(f, LP_WATCH_POLL_MS);
    return f;
}

static void add_folder(lp_files *f, const char *of)
{
    lp_auto(lp_free_string) char *path = lp_path_parent(of);
    for (size_t i = 0; i < f->folders.n; i++)
        if (strcmp(f->folders.at[i]->path, path) == 0) {
            f->folders.at[i]->wanted = true;
            return;
        }
    struct folder *d = lp_alloc(sizeof *d);
    if (uv_fs_event_init(lp_host_loop(f->host), &d->event) != 0) {
        free(d);
        return; /* the file is looked at all the same */
    }
    d->path = lp_take(&path);
    d->files = f;
    d->event.data = d;
    d->wanted = true;
    uv_unref((uv_handle_t *)&d->event);
    follow_folder(d);
    *lp_push(&f->folders) = d;
}

loop_error *lp_files_add(lp_files *f, const char *path)
{
    struct file *found = NULL;
    for (size_t i = 0; i < f->files.n; i++)
        if (strcmp(f->files.at[i].path, path) == 0)
            found = &f->files.at[i];
    if (!found && f->files.n >= LP_MAX_WATCHED)
        return loop_error_new(LOOP_LIMIT, "more than %d files are watched", LP_MAX_WATCHED);
    if (!found) {
        found = lp_push(&f->files);
        found->path = lp_strdup(path);
        found->told = found->last = look_at(path);
    }
    found->wanted = true;
    add_folder(f, path);
    lp_auto(lp_free_string) char *real = lp_os_realpath(path);
    if (real && strcmp(real, path) != 0)
        add_folder(f, real);
    return NULL;
}

static void free_folder(uv_handle_t *event)
{
    struct folder *d = event->data;
    free(d->path);
    free(d);
}

void lp_files_sweep(lp_files *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->files.n; i++) {
        struct file *x = &f->files.at[i];
        if (x->wanted)
            f->files.at[n++] = *x;
        else
            free(x->path);
    }
    f->files.n = n;
    for (size_t i = 0; i < n; i++)
        f->files.at[i].wanted = false;
    n = 0;
    for (size_t i = 0; i < f->folders.n; i++) {
        struct folder *d = f->folders.at[i];
        if (d->wanted)
            f->folders.at[n++] = d;
        else
            uv_close((uv_handle_t *)&d->event, free_folder);
        d->wanted = false;
    }
    f->folders.n = n;
}

static void free_files(uv_handle_t *timer)
{
    free(timer->data);
}

void lp_files_delete(lp_files *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->files.n; i++)
        f->files.at[i].wanted = false;
    for (size_t i = 0; i < f->folders.n; i++)
        f->folders.at[i]->wanted = false;
    lp_files_sweep(f);
    free(f->files.at);
    free(f->folders.at);
    uv_close((uv_handle_t *)&f->timer, free_files);
}
