/*
 * control/wish.c: what somebody wants done, as steps one after the other: each is one swap of a
 * provider or of a component (loop/swap.h).
 *
 * A reload is of what comes out of files that change: libraries, sidecars, components; what is
 * linked in comes back the same, and is started anew only where it is named. A swap covers every
 * interface of a package, so a step whose generation has changed since it was planned was done by
 * an earlier one.
 *
 * Between two steps the loop turns. A run owns itself and is gone after its end; whoever began it
 * may forget it before.
 */
#include <stdlib.h>
#include <uv.h>

#include "control/internal.h"
#include "host/hooks.h"

struct step {
    char *what;
    uint64_t number; /* of the instance */
    char *instance;
    char *interface_name;  /* NULL: its component */
    const char *component; /* the file to run instead; NULL: the one that it has */
    uint32_t generation;   /* when it was planned; 0: not looked at */
};

struct lp_wish_run {
    loop_host *host;
    loop_wish wish;
    lp_arena arena; /* texts of the wish */
    lp_wish_events events;
    bool forgotten;
    struct {
        struct step *at;
        size_t n, cap;
    } steps;
    size_t next, failed;
    loop_error *error;         /* the first */
    loop_component *component; /* of the step under way */
    uv_timer_t timer;          /* the next step, from the loop */
};

/* ---- a copy of the wish ---- */

static const char *keep(lp_arena *a, const char *s)
{
    return s ? lp_arena_strndup(a, s, strlen(s)) : NULL;
}

static const char *const *keep_list(lp_arena *a, const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    const char **ret = list ? lp_arena_alloc(a, (n + 1) * sizeof *ret) : NULL;
    for (size_t i = 0; i < n; i++)
        ret[i] = keep(a, list[i]);
    return ret;
}

static loop_wish keep_wish(lp_arena *a, const loop_wish *w)
{
    loop_wish ret = *w;
    ret.instance = keep(a, w->instance);
    ret.interface_name = keep(a, w->interface_name);
    ret.component = keep(a, w->component);
    ret.directory = keep(a, w->directory);
    loop_binding_link *links = w->count ? lp_arena_alloc(a, w->count * sizeof *links) : NULL;
    for (size_t i = 0; i < w->count; i++) {
        links[i] = w->links[i];
        links[i].provider = keep(a, w->links[i].provider);
        links[i].component = keep(a, w->links[i].component);
        links[i].library = keep(a, w->links[i].library);
        links[i].sidecar = keep_list(a, w->links[i].sidecar);
        links[i].options = keep_list(a, w->links[i].options);
    }
    ret.links = links;
    return ret;
}

/* ---- planning ---- */

static struct step *add_step(lp_wish_run *run, const loop_instance_status *s,
                             const char *interface_name)
{
    struct step *t = lp_push(&run->steps);
    t->number = s->number;
    t->instance = lp_strdup(s->name);
    t->interface_name =
        interface_name ? lp_strndup(interface_name, strcspn(interface_name, "@")) : NULL;
    t->what = interface_name ? lp_format("%s: %s", s->name, t->interface_name) : lp_strdup(s->name);
    return t;
}

static bool is_named(const loop_instance_status *s, const char *name)
{
    if (!name)
        return true;
    return name[0] == '#' ? strtoull(name + 1, NULL, 10) == s->number : strcmp(name, s->name) == 0;
}

/* One that serves others is what serves their imports, and replaced as that. */
static bool runs(const loop_instance_status *s)
{
    return !s->provider && s->condition != LOOP_CONDITION_NEW &&
           s->condition != LOOP_CONDITION_ENDED;
}

#define FIBERS "loop:fx/fibers"

static loop_error *plan_reload(lp_wish_run *run, const loop_instance_status *s)
{
    for (size_t i = 0; i < s->import_count; i++) {
        const loop_import_status *m = &s->imports[i];
        if (m->tier == LOOP_TIER_LIBRARY || m->tier == LOOP_TIER_SIDECAR ||
            m->tier == LOOP_TIER_COMPONENT)
            add_step(run, s, m->interface_name)->generation = m->generation;
    }
    if (runs(s))
        add_step(run, s, NULL);
    else if (s->provider && run->wish.instance) /* by name: what the host calls of it */
        add_step(run, s, FIBERS);
    return run->steps.n <= LP_MAX_CONTROL_STEPS
               ? NULL
               : loop_error_new(LOOP_LIMIT, "a reload of more than %d parts", LP_MAX_CONTROL_STEPS);
}

static loop_error *plan_instance(lp_wish_run *run, const loop_instance_status *s)
{
    const loop_wish *w = &run->wish;
    if (w->reload && !w->interface_name)
        return plan_reload(run, s);
    add_step(run, s, w->interface_name)->component = w->component;
    return NULL;
}

static loop_error *nothing_there(const lp_wish_run *run, const loop_status *status)
{
    if (!run->wish.instance)
        return loop_error_new(LOOP_NOT_FOUND, "there is nothing to start anew");
    lp_buf names = {0};
    for (size_t i = 0; i < status->instance_count && i < 8; i++)
        lp_buf_printf(&names, "%s'%s'", i ? ", " : "", status->instances[i].name);
    loop_error *e = loop_error_new(LOOP_NOT_FOUND, "there is no instance '%s' in this host",
                                   run->wish.instance);
    e = names.len ? loop_error_hint_set(e, "it has %s", names.ptr) : e;
    lp_buf_done(&names);
    return e;
}

static loop_error *plan(lp_wish_run *run)
{
    LP_TRY(lp_wish_check(&run->wish));
    loop_status *status = loop_host_status(run->host);
    loop_error *e = NULL;
    for (size_t i = 0; !e && i < status->instance_count; i++) {
        if (!is_named(&status->instances[i], run->wish.instance))
            continue;
        e = plan_instance(run, &status->instances[i]);
        if (run->wish.instance)
            break; /* of several the first */
    }
    if (!e && !run->steps.n)
        e = nothing_there(run, status);
    loop_status_delete(status);
    return e;
}

/* ---- one step ---- */

static loop_error *resolve(lp_wish_run *run, const loop_binding_link *from, loop_link *ret)
{
    *ret = (loop_link){from->provider, from->options};
    if (from->component)
        return loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "this host has no loop.yaml with a component '%s'",
                           from->component),
            "`loop run` in a workspace knows the components of its loop.yaml");
    if (from->library)
        return loop_host_library_add(run->host, from->library, &ret->provider);
    if (from->sidecar)
        return loop_host_sidecar_add(
            run->host, &(loop_sidecar_options){from->sidecar, run->wish.directory}, &ret->provider);
    return NULL;
}

static void step_done(void *data, loop_error *error, const loop_swap_report *report);

static loop_error *swap_provider(lp_wish_run *run, const struct step *t)
{
    const loop_wish *w = &run->wish;
    loop_link links[LP_MAX_CHAIN];
    for (size_t i = 0; i < w->count; i++)
        LP_TRY(resolve(run, &w->links[i], &links[i]));
    const loop_swap swap = {.component = t->instance,
                            .interface_name = t->interface_name,
                            .links = w->count ? links : NULL,
                            .count = w->count,
                            .carry = w->carry,
                            .dry_run = w->dry_run,
                            .deadline_ms = w->deadline_ms,
                            .drain_ms = w->drain_ms};
    return loop_host_swap(run->host, &swap, step_done, run);
}

static loop_instance *instance_of(lp_wish_run *run, const struct step *t)
{
    lp_auto(lp_free_string) char *number = lp_format("#%llu", (unsigned long long)t->number);
    return loop_host_instance(run->host, number);
}

/* The file that an instance runs; malloced. */
static char *path_of(lp_wish_run *run, uint64_t number)
{
    loop_status *status = loop_host_status(run->host);
    char *path = NULL;
    for (size_t i = 0; !path && i < status->instance_count; i++)
        if (status->instances[i].number == number)
            path = lp_strdup(status->instances[i].path);
    loop_status_delete(status);
    return path;
}

static loop_error *swap_component(lp_wish_run *run, const struct step *t)
{
    const loop_wish *w = &run->wish;
    loop_instance *i = instance_of(run, t);
    lp_auto(lp_free_string) char *path =
        t->component ? lp_strdup(t->component) : path_of(run, t->number);
    if (!i || !path)
        return loop_error_new(LOOP_NOT_FOUND, "'%s' has ended meanwhile", t->instance);
    const loop_instance_swap options = {
        .restart = w->restart, .dry_run = w->dry_run, .deadline_ms = w->deadline_ms};
    LP_TRY(loop_component_open(run->host, path, &run->component));
    return loop_instance_swap_component(i, run->component, &options, step_done, run);
}

uint32_t lp_serving_generation(loop_host *host, uint64_t number, const char *interface_name)
{
    uint32_t found = 0;
    size_t n = strlen(interface_name);
    loop_status *status = loop_host_status(host);
    for (size_t i = 0; i < status->instance_count; i++) {
        const loop_instance_status *s = &status->instances[i];
        for (size_t k = 0; s->number == number && k < s->import_count; k++) {
            const loop_import_status *m = &s->imports[k];
            if (strcspn(m->interface_name, "@") == n &&
                strncmp(m->interface_name, interface_name, n) == 0)
                found = m->generation;
        }
    }
    loop_status_delete(status);
    return found;
}

/* An earlier step has renewed what serves it, too. */
static bool is_done_already(lp_wish_run *run, const struct step *t)
{
    return t->generation && !run->wish.dry_run &&
           lp_serving_generation(run->host, t->number, t->interface_name) != t->generation;
}

static void tell(lp_wish_run *run, const char *what, const loop_error *error,
                 const loop_swap_report *report)
{
    if (!run->forgotten && run->events.step)
        run->events.step(run->events.data, what, error, report);
}

/* ---- one after the other ---- */

static void free_run(uv_handle_t *timer)
{
    lp_wish_run *run = timer->data;
    for (size_t i = 0; i < run->steps.n; i++) {
        free(run->steps.at[i].what);
        free(run->steps.at[i].instance);
        free(run->steps.at[i].interface_name);
    }
    free(run->steps.at);
    loop_error_delete(run->error);
    lp_arena_done(&run->arena);
    free(run);
}

static void end(lp_wish_run *run)
{
    loop_error *e = lp_take(&run->error);
    if (e && run->failed && run->steps.n > 1)
        e = lp_error_because(loop_error_code(e), e, "%zu of %zu parts stay as they were",
                             run->failed, run->steps.n);
    if (run->forgotten)
        loop_error_delete(e);
    else
        run->events.end(run->events.data, e);
    uv_close((uv_handle_t *)&run->timer, free_run);
}

static void next(uv_timer_t *timer)
{
    lp_wish_run *run = timer->data;
    while (run->next < run->steps.n && is_done_already(run, &run->steps.at[run->next]))
        run->next++;
    if (run->next >= run->steps.n) {
        end(run);
        return;
    }
    const struct step *t = &run->steps.at[run->next];
    tell(run, t->what, NULL, NULL);
    loop_error *e = t->interface_name ? swap_provider(run, t) : swap_component(run, t);
    if (e)
        step_done(run, e, NULL);
}

static void step_done(void *data, loop_error *error, const loop_swap_report *report)
{
    lp_wish_run *run = data;
    const char *what = run->steps.at[run->next++].what;
    loop_component_delete(lp_take(&run->component)); /* an instance that runs it keeps it */
    if (!error)
        tell(run, what, NULL, report);
    else if (run->steps.n > 1)
        tell(run, what, error, NULL); /* a lone one's is that of the end */
    run->failed += error != NULL;
    if (error && !run->error)
        run->error = error;
    else
        loop_error_delete(error);
    uv_timer_start(&run->timer, next, 0, 0);
}

loop_error *lp_wish_resolve(loop_host *host, const loop_config *config, lp_arena *a,
                            loop_wish *wish)
{
    bool any = false;
    for (size_t i = 0; config && i < wish->count; i++)
        any = any || wish->links[i].component;
    if (!any)
        return NULL;
    loop_binding_link *links = lp_arena_alloc(a, wish->count * sizeof *links);
    for (size_t i = 0; i < wish->count; i++) {
        links[i] = wish->links[i];
        const char *name = lp_take(&links[i].component);
        if (name)
            LP_TRY(loop_config_component_add(config, host, name, &links[i].provider));
    }
    wish->links = links;
    return NULL;
}

static void first(uv_timer_t *timer)
{
    lp_wish_run *run = timer->data;
    run->error = plan(run);
    if (run->error)
        end(run);
    else
        next(timer);
}

lp_wish_run *lp_wish_start(loop_host *host, const loop_wish *wish, const lp_wish_events *events)
{
    lp_wish_run *run = lp_alloc(sizeof *run);
    run->host = host;
    run->wish = keep_wish(&run->arena, wish);
    run->events = *events;
    uv_timer_init(lp_host_loop(host), &run->timer);
    run->timer.data = run;
    uv_timer_start(&run->timer, first, 0, 0);
    return run;
}

void lp_wish_forget(lp_wish_run *run)
{
    if (run)
        run->forgotten = true;
}
