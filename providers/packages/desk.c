/*
 * providers/packages/desk.c: a loop_packages is one thread's at a time, and calls come from many:
 * each takes one of its own, and some stay open for the next.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "providers/packages/packages.h"

static bool on_cancelled(void *data)
{
    const lp_desk *d = data;
    return (d->call && loop_call_cancelled(d->call, NULL) != LOOP_CANCEL_NONE) ||
           (d->stop && atomic_load(d->stop));
}

static void on_progress(void *data, const loop_package_progress *p)
{
    const lp_desk *d = data;
    if (d->progress)
        d->progress(d->data, p);
}

static void on_warning(void *data, const char *message)
{
    const lp_desk *d = data;
    const loop_services *s = d->of->services;
    s->log(s->host,
           &(loop_log_entry){.level = LOOP_LOG_WARN, .target = "packages", .message = message});
}

static lp_desk *idle(lp_packages_provider *p, bool offline)
{
    lp_desk *found = NULL;
    lp_os_mutex_lock(p->lock);
    for (size_t i = 0; i < LP_COUNT(p->idle) && !found; i++)
        if (p->idle[i] && p->idle[i]->offline == offline)
            found = lp_take(&p->idle[i]);
    lp_os_mutex_unlock(p->lock);
    return found;
}

loop_error *lp_desk_take(lp_packages_provider *p, const loop_call *call, bool offline,
                         lp_desk **ret)
{
    lp_desk *d = idle(p, offline);
    if (!d) {
        d = lp_alloc(sizeof *d);
        d->of = p;
        d->offline = offline;
        const loop_packages_options options = {.config = p->config,
                                               .cache_dir =
                                                   p->services->place(p->services->host, "cache"),
                                               .offline = offline,
                                               .progress = on_progress,
                                               .cancelled = on_cancelled,
                                               .warn = on_warning,
                                               .data = d};
        loop_error *e = loop_packages_open(&options, &d->packages);
        if (e) {
            free(d);
            return e;
        }
    }
    d->call = call;
    *ret = d;
    return NULL;
}

void lp_desk_give(lp_desk *d)
{
    lp_packages_provider *p = d->of;
    d->call = NULL;
    d->stop = NULL;
    d->progress = NULL;
    lp_os_mutex_lock(p->lock);
    for (size_t i = 0; i < LP_COUNT(p->idle) && d; i++)
        if (!p->idle[i])
            p->idle[i] = lp_take(&d);
    lp_os_mutex_unlock(p->lock);
    lp_desk_delete(d);
}

void lp_desk_delete(lp_desk *d)
{
    if (!d)
        return;
    loop_packages_delete(d->packages);
    free(d);
}
