/*
 * providers/packages/resolver.c: `resolver`: choosing, and transfers that go on by themselves.
 *
 * A transfer is a thread with packages to fetch, one after the other. The component looks at it,
 * and may wait for it; dropping it, which never waits, tells the thread to stop and leaves what is
 * there to it. What has come stays in the cache.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "providers/packages/packages.h"

#define LOOK_MS 20 /* so often a wait looks whether the call is to end */

/* ---- choosing ---- */

/* Name and range by turns; NULL: the error is in `ret`, or memory is over the call's limit. */
static const char *const *wishes_of(loop_call *call, loop_pkg_resolver_list_requirement list,
                                    loop_core_types_error *ret)
{
    if (list.len > LP_MAX_REGISTRY_QUESTIONS) {
        *ret = lp_packages_limit(call, "wishes", LP_MAX_REGISTRY_QUESTIONS);
        return NULL;
    }
    const char **wishes = loop_call_alloc(call, (2 * list.len + 1) * sizeof *wishes);
    for (size_t i = 0; wishes && i < list.len; i++) {
        if (!lp_packages_granted(call, list.ptr[i].name, ret))
            return NULL;
        wishes[2 * i] = lp_packages_copy(call, list.ptr[i].name);
        wishes[2 * i + 1] = lp_packages_copy(call, list.ptr[i].versions);
        if (!wishes[2 * i] || !wishes[2 * i + 1]) {
            *ret = lp_packages_error(call, loop_error_new(LOOP_INVALID, "a range that is none"));
            return NULL;
        }
    }
    return wishes;
}

static loop_package *selected(loop_call *call, loop_pkg_resolver_list_selection list,
                              loop_core_types_error *ret)
{
    if (list.len > LP_MAX_TRANSFER_PACKAGES) {
        *ret = lp_packages_limit(call, "packages", LP_MAX_TRANSFER_PACKAGES);
        return NULL;
    }
    loop_package *rows = loop_call_alloc(call, (list.len + 1) * sizeof *rows);
    for (size_t i = 0; rows && i < list.len; i++) {
        const loop_pkg_resolver_selection *s = &list.ptr[i];
        if (!lp_packages_granted(call, s->name, ret))
            return NULL;
        rows[i] = (loop_package){.name = lp_packages_copy(call, s->name),
                                 .version = lp_packages_copy(call, s->version),
                                 .digest = lp_packages_copy(call, s->digest),
                                 .content = lp_packages_copy(call, s->content),
                                 .registry = lp_packages_copy(call, s->registry)};
        if (!rows[i].name || !rows[i].version || !rows[i].digest || !rows[i].content ||
            !rows[i].registry) {
            *ret = lp_packages_error(call, loop_error_new(LOOP_INVALID, "a text with a zero"));
            return NULL;
        }
    }
    return rows;
}

/* What was chosen; what a package needs and the component was not granted is denied. */
static bool take_found(loop_call *call, const loop_package_list *list,
                       loop_pkg_resolver_resolution *ret, loop_core_types_error *ret_error)
{
    const loop_package *row;
    size_t n = 0;
    while (loop_package_list_at(list, n))
        n++;
    loop_pkg_resolver_selection *found = loop_call_alloc(call, (n + 1) * sizeof *found);
    for (size_t i = 0; found && (row = loop_package_list_at(list, i)); i++) {
        found[i].name = lp_packages_string(call, row->name);
        found[i].version = lp_packages_string(call, row->version);
        found[i].digest = lp_packages_string(call, row->digest);
        found[i].content = lp_packages_string(call, row->content);
        found[i].registry = lp_packages_string(call, row->registry);
        if (!lp_packages_granted(call, found[i].name, ret_error))
            return false;
    }
    ret->tag = LOOP_PKG_RESOLVER_RESOLUTION_FOUND;
    ret->of.found = (loop_pkg_resolver_list_selection){found, found ? n : 0};
    return true;
}

/* Deletes `e`. */
static void take_conflict(loop_call *call, loop_error *e, loop_pkg_resolver_resolution *ret)
{
    size_t n = 0, k = 0;
    for (const loop_error *at = e; at; at = loop_error_cause(at))
        n++;
    loop_string *texts = loop_call_alloc(call, n * sizeof *texts);
    for (const loop_error *at = e; texts && at; at = loop_error_cause(at))
        texts[k++] = lp_packages_string(call, loop_error_message(at));
    ret->tag = LOOP_PKG_RESOLVER_RESOLUTION_CONFLICT;
    ret->of.conflict = (loop_list_string){texts, k};
    loop_error_delete(e);
}

static loop_error *resolve(void *self, loop_call *call, loop_pkg_resolver_list_requirement wishes,
                           loop_pkg_resolver_list_selection locked,
                           loop_pkg_resolver_options options,
                           loop_pkg_resolver_result_resolution_error *ret)
{
    ret->is_err = true;
    const char *const *list = wishes_of(call, wishes, &ret->of.error);
    loop_package *rows = list ? selected(call, locked, &ret->of.error) : NULL;
    if (!list || !rows)
        return NULL;
    bool conflict = false;
    lp_desk *desk = NULL;
    loop_package_list *found = NULL;
    loop_pkg_resolver_resolution resolution = {0};
    const loop_choose_options how = {.upgrade = options & LOOP_PKG_RESOLVER_OPTIONS_UPGRADE,
                                     .lowest = options & LOOP_PKG_RESOLVER_OPTIONS_LOWEST,
                                     .locked = rows,
                                     .locked_count = locked.len,
                                     .ret_conflict = &conflict};
    loop_error *e = lp_desk_take(self, call, options & LOOP_PKG_RESOLVER_OPTIONS_OFFLINE, &desk);
    if (!e) {
        e = loop_packages_choose(desk->packages, list, &how, &found);
        lp_desk_give(desk);
    }
    bool ok = true;
    if (e && conflict)
        take_conflict(call, e, &resolution);
    else if (e)
        ok = false;
    else
        ok = take_found(call, found, &resolution, &ret->of.error);
    if (e && !conflict)
        ret->of.error = lp_packages_error(call, e);
    loop_package_list_delete(found);
    if (ok) {
        ret->is_err = false;
        ret->of.ok = resolution;
    }
    return NULL;
}

/* ---- transfers ---- */

struct loop_pkg_resolver_transfer {
    lp_packages_provider *of;
    lp_arena arena; /* of `packages` */
    loop_package *packages;
    size_t n;
    _Atomic bool stop;
    _Atomic unsigned users; /* the component, the thread */
    lp_os_mutex *lock;      /* of what follows */
    lp_os_cond *moved;
    lp_os_thread *thread; /* which leaves itself: only one that runs may be left */
    uint64_t done, total; /* of what is complete; of the one that is on its way: */
    uint64_t now, now_total;
    size_t complete;
    bool ended;
    uint8_t tag; /* of why it failed */
    char *why;   /* NULL: it did not */
};

static void leave(loop_pkg_resolver_transfer *t)
{
    if (atomic_fetch_sub(&t->users, 1) != 1)
        return;
    lp_os_mutex_delete(t->lock);
    lp_os_cond_delete(t->moved);
    lp_arena_done(&t->arena);
    free(t->why);
    free(t);
}

static void on_progress(void *data, const loop_package_progress *p)
{
    loop_pkg_resolver_transfer *t = data;
    lp_os_mutex_lock(t->lock);
    t->now = p->done;
    t->now_total = p->total;
    lp_os_mutex_unlock(t->lock);
}

static loop_error *fetch_all(loop_pkg_resolver_transfer *t, lp_desk *desk)
{
    for (size_t i = 0; i < t->n; i++) {
        loop_package_list *list;
        LP_TRY(loop_packages_fetch(desk->packages, &t->packages[i], &list));
        lp_os_mutex_lock(t->lock);
        t->complete++;
        t->done += loop_package_list_at(list, 0)->size;
        t->now = t->now_total = 0;
        lp_os_cond_broadcast(t->moved);
        lp_os_mutex_unlock(t->lock);
        loop_package_list_delete(list);
    }
    return NULL;
}

static void run(void *data)
{
    loop_pkg_resolver_transfer *t = data;
    lp_packages_provider *p = t->of;
    lp_desk *desk = NULL;
    lp_os_mutex_lock(t->lock); /* whoever started it has noted it */
    lp_os_thread_leave(t->thread);
    lp_os_mutex_unlock(t->lock);
    loop_error *e = lp_desk_take(p, NULL, false, &desk);
    if (!e) {
        desk->stop = &t->stop;
        desk->progress = on_progress;
        desk->data = t;
        e = fetch_all(t, desk);
        lp_desk_give(desk);
    }
    lp_os_mutex_lock(t->lock);
    t->tag = e ? lp_packages_tag(e) : 0;
    t->why = e ? lp_packages_text(e) : NULL;
    t->ended = true;
    lp_os_cond_broadcast(t->moved);
    lp_os_mutex_unlock(t->lock);
    loop_error_delete(e);
    leave(t);
    lp_os_mutex_lock(p->lock);
    p->transfers--;
    lp_os_cond_broadcast(p->ended);
    lp_os_mutex_unlock(p->lock);
}

static loop_pkg_resolver_transfer *new_transfer(lp_packages_provider *p, const loop_package *rows,
                                                size_t n)
{
    loop_pkg_resolver_transfer *t = lp_alloc(sizeof *t);
    t->of = p;
    t->n = n;
    t->users = 2;
    t->lock = lp_os_mutex_new();
    t->moved = lp_os_cond_new();
    t->packages = lp_arena_alloc(&t->arena, (n + 1) * sizeof *t->packages);
    for (size_t i = 0; i < n; i++) {
        t->packages[i] = rows[i];
        t->packages[i].name = lp_arena_strndup(&t->arena, rows[i].name, strlen(rows[i].name));
        t->packages[i].version =
            lp_arena_strndup(&t->arena, rows[i].version, strlen(rows[i].version));
        t->packages[i].digest = lp_arena_strndup(&t->arena, rows[i].digest, strlen(rows[i].digest));
        t->packages[i].content =
            lp_arena_strndup(&t->arena, rows[i].content, strlen(rows[i].content));
        t->packages[i].registry =
            lp_arena_strndup(&t->arena, rows[i].registry, strlen(rows[i].registry));
    }
    return t;
}

/* Counts it, if there is room for one more. */
static bool enter(lp_packages_provider *p)
{
    lp_os_mutex_lock(p->lock);
    bool room = p->transfers < LP_MAX_TRANSFERS;
    p->transfers += room;
    lp_os_mutex_unlock(p->lock);
    return room;
}

static loop_error *start(lp_packages_provider *p, const loop_package *rows, size_t n,
                         loop_pkg_resolver_transfer **ret)
{
    if (!enter(p))
        return loop_error_new(LOOP_LIMIT, "more than %d transfers are under way", LP_MAX_TRANSFERS);
    loop_pkg_resolver_transfer *t = new_transfer(p, rows, n);
    lp_os_mutex_lock(t->lock);
    loop_error *e = lp_os_thread_start(run, t, 0, &t->thread);
    lp_os_mutex_unlock(t->lock);
    if (!e) {
        *ret = t;
        return NULL;
    }
    leave(t);
    leave(t);
    lp_os_mutex_lock(p->lock);
    p->transfers--;
    lp_os_mutex_unlock(p->lock);
    return e;
}

static loop_error *fetch(void *self, loop_call *call, loop_pkg_resolver_list_selection packages,
                         loop_pkg_resolver_result_own_transfer_error *ret)
{
    loop_pkg_resolver_transfer *t = NULL;
    ret->is_err = true;
    const loop_package *rows = selected(call, packages, &ret->of.error);
    if (!rows)
        return NULL;
    loop_error *e = start(self, rows, packages.len, &t);
    if (e) {
        ret->of.error = lp_packages_error(call, e);
        return NULL;
    }
    ret->is_err = false;
    ret->of.ok = t;
    return NULL;
}

static void look(loop_call *call, loop_pkg_resolver_transfer *t, loop_pkg_resolver_progress *ret)
{
    ret->bytes_done = t->done + t->now;
    ret->bytes_total.is_some = t->ended && !t->why;
    ret->bytes_total.value = ret->bytes_done;
    if (t->n == 1 && t->now_total)
        ret->bytes_total = (loop_option_u64){true, t->now_total};
    ret->complete = (uint32_t)t->complete;
    ret->ended.is_some = t->ended;
    ret->ended.value.is_err = t->why != NULL;
    if (!t->why)
        return;
    ret->ended.value.of.error.tag = t->tag;
    if (t->tag != LOOP_CORE_TYPES_ERROR_CANCELLED)
        ret->ended.value.of.error.of.failed = lp_packages_string(call, t->why);
}

static loop_error *progress(void *self, loop_call *call, loop_pkg_resolver_transfer *t,
                            loop_pkg_resolver_result_progress_error *ret)
{
    (void)self;
    lp_os_mutex_lock(t->lock);
    look(call, t, &ret->of.ok);
    lp_os_mutex_unlock(t->lock);
    return NULL;
}

static loop_error *wait(void *self, loop_call *call, loop_pkg_resolver_transfer *t,
                        uint32_t milliseconds, loop_pkg_resolver_result_progress_error *ret)
{
    (void)self;
    uint64_t end = lp_os_now_ns() + milliseconds * 1000000ull;
    lp_os_mutex_lock(t->lock);
    while (!t->ended && lp_os_now_ns() < end && loop_call_cancelled(call, NULL) == LOOP_CANCEL_NONE)
        lp_os_cond_wait(t->moved, t->lock, LP_MIN(end, lp_os_now_ns() + LOOK_MS * 1000000ull));
    look(call, t, &ret->of.ok);
    lp_os_mutex_unlock(t->lock);
    return NULL;
}

static void drop(void *self, loop_pkg_resolver_transfer *t)
{
    (void)self;
    atomic_store(&t->stop, true);
    leave(t);
}

void lp_transfers_end(lp_packages_provider *p)
{
    lp_os_mutex_lock(p->lock);
    while (p->transfers) /* all were dropped, so that they stop */
        lp_os_cond_wait(p->ended, p->lock, 0);
    lp_os_mutex_unlock(p->lock);
}

const loop_pkg_resolver_functions lp_packages_resolver = {
    .resolve = resolve,
    .fetch = fetch,
    .transfer_progress = progress,
    .transfer_wait = wait,
    .transfer_drop = drop,
};
