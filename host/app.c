/*
 * host/app.c: the life of a loop:core/app: start, then events and frames as the
 * component asks for them, then stop. The host owns the loop.
 *
 *     start ─▶ next ─┬─ wait        until an event
 *                    ├─ timer(ms)   an event `timer`, unless another comes first
 *                    ├─ frame       `frame` at the next 60th of a second
 *                    └─ exit(n)     `stop`, then status n
 *
 * Meanwhile it does the work that others leave for it, and gives way to another component
 * (reload.c), which goes on with the same `next`, or from `start` where it has no state.
 */
#include <stdlib.h>

#include "host/internal.h"
#include "loop/wit/core.h"

#define FRAME_NS (1000000000ull / 60)

struct app {
    loop_instance *instance;
    loop_core_app_exports exports;
    uint64_t started_ns, frame_ns;
    uint64_t timer_ns; /* when it is due */
    bool told_cancelled;
    uint32_t told_changes;
    /* The last answer. */
    uint8_t next; /* LOOP_CORE_APP_NEXT_... */
    int status;
    bool exited;
};

/* Reads what a function answered; `err` is that of the call. */
static loop_error *answered(struct app *a, const char *function, loop_error *err,
                            const loop_core_app_result_next_string *r)
{
    if (err && a->instance->body->exited) {
        loop_error_delete(err);
        a->exited = true;
        a->status = a->instance->body->result_status;
        return NULL;
    }
    if (err)
        return err;
    if (r->is_err) {
        loop_host_log(a->instance->host, LOOP_LOG_ERROR, "%s: %s failed: %.*s",
                      a->instance->options.name, function,
                      (int)LP_MIN(r->of.error.len, (size_t)LP_MAX_LOG_MESSAGE), r->of.error.ptr);
        a->next = LOOP_CORE_APP_NEXT_EXIT;
        a->status = 1;
        return NULL;
    }
    a->next = r->of.ok.tag;
    if (a->next == LOOP_CORE_APP_NEXT_TIMER)
        a->timer_ns = lp_os_now_ns() + r->of.ok.of.timer * UINT64_C(1000000);
    if (a->next == LOOP_CORE_APP_NEXT_EXIT)
        a->status = r->of.ok.of.exit;
    return NULL;
}

static loop_error *call_start(struct app *a)
{
    const char *const *args = a->instance->options.args;
    size_t n = 0;
    while (args[n])
        n++;
    loop_string *items = lp_alloc((n + 1) * sizeof *items);
    for (size_t i = 0; i < n; i++)
        items[i] = loop_string_of(args[i]);
    loop_core_app_result_next_string r;
    loop_error *err = loop_core_app_call_start(&a->exports, (loop_list_string){items, n}, &r);
    free(items);
    return answered(a, "start", err, &r);
}

static loop_error *call_event(struct app *a, uint8_t tag)
{
    loop_core_app_app_event event = {.tag = tag};
    loop_core_app_result_next_string r;
    loop_error *err =
        loop_core_app_call_event(&a->exports, (loop_core_app_list_app_event){&event, 1}, &r);
    return answered(a, "event", err, &r);
}

static loop_error *call_frame(struct app *a)
{
    uint64_t now = lp_os_now_ns();
    a->frame_ns = LP_MAX(a->frame_ns + FRAME_NS, now);
    loop_core_app_result_next_string r;
    loop_error *err =
        loop_core_app_call_frame(&a->exports, (double)(now - a->started_ns) / 1e6, &r);
    return answered(a, "frame", err, &r);
}

/* ---- rounds ---- */

/* The last call of a component that makes room for one that starts anew. */
static void leave(void *data)
{
    struct app *a = data;
    loop_error *err = loop_core_app_call_stop(&a->exports);
    if (err)
        loop_host_log(a->instance->host, LOOP_LOG_WARN, "%s: stop failed: %s",
                      a->instance->options.name, loop_error_message(err));
    loop_error_delete(err);
}

static loop_error *reload(struct app *a)
{
    if (lp_reload_now(a->instance, leave, a) != LP_RELOADED_FRESH)
        return NULL;
    a->told_cancelled = false;
    a->told_changes = a->instance->changes;
    return call_start(a);
}

static loop_error *on_time(struct app *a)
{
    return a->next == LOOP_CORE_APP_NEXT_FRAME ? call_frame(a)
                                               : call_event(a, LOOP_CORE_APP_APP_EVENT_TIMER);
}

static loop_error *on_wake(struct app *a, enum lp_wake why, const struct lp_letter *l)
{
    switch (why) {
    case LP_WAKE_RELOAD: return reload(a);
    case LP_WAKE_CANCELLED:
        a->told_cancelled = true;
        return call_event(a, LOOP_CORE_APP_APP_EVENT_CANCELLED);
    case LP_WAKE_CHANGED:
        a->told_changes = a->instance->changes;
        return call_event(a, LOOP_CORE_APP_APP_EVENT_CAPABILITIES_CHANGED);
    case LP_WAKE_WORK: l->work(l->data, a->instance, false); return NULL;
    case LP_WAKE_TIME: return on_time(a);
    case LP_WAKE_HALTED: break;
    }
    return loop_error_new(LOOP_CANCELLED, "stopped");
}

/* One round: waits for what was asked, or for what comes before, then tells the component. */
static loop_error *round_of(struct app *a)
{
    struct lp_waiting w = {.until_ns = a->next == LOOP_CORE_APP_NEXT_TIMER   ? a->timer_ns
                                       : a->next == LOOP_CORE_APP_NEXT_FRAME ? a->frame_ns
                                                                             : UINT64_MAX,
                           .cancellation = !a->told_cancelled,
                           .changes = &a->told_changes};
    struct lp_letter l;
    LP_TRY(on_wake(a, lp_mail_wait(a->instance, &w, &l), &l));
    loop_error *err = NULL;
    if (!a->exited)
        a->exited = lp_body_ended(a->instance->body, &err, &a->status);
    return err;
}

loop_error *lp_app_run(loop_instance *i, int *ret_status)
{
    struct app a = {.instance = i, .started_ns = lp_os_now_ns(), .told_changes = i->changes};
    a.frame_ns = a.started_ns;
    LP_TRY(loop_core_app_bind(i, &a.exports));
    LP_TRY(call_start(&a));
    while (a.next != LOOP_CORE_APP_NEXT_EXIT && !a.exited)
        LP_TRY(round_of(&a));
    if (!a.exited) {
        loop_error *err = loop_core_app_call_stop(&a.exports);
        loop_core_app_result_next_string done = {.of.ok = {a.next, {.exit = (uint8_t)a.status}}};
        LP_TRY(answered(&a, "stop", err, &done));
    }
    *ret_status = a.status;
    return NULL;
}
