/*
 * host/app.c: the life of a loop:core/app: start, then events and frames as the
 * component asks for them, then stop. The host owns the loop.
 *
 *     start ─▶ next ─┬─ wait        until an event
 *                    ├─ timer(ms)   an event `timer`, unless another comes first
 *                    ├─ frame       `frame` at the next 60th of a second
 *                    └─ exit(n)     `stop`, then status n
 */
#include <stdlib.h>

#include "host/internal.h"
#include "loop/wit/core.h"

#define FRAME_NS (1000000000ull / 60)

struct app {
    loop_instance *instance;
    loop_core_app_exports exports;
    uint64_t started_ns, frame_ns;
    bool told_cancelled;
    /* The last answer. */
    uint8_t next; /* LOOP_CORE_APP_NEXT_... */
    uint32_t timer_ms;
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
                      a->instance->options.name, function, (int)r->of.error.len, r->of.error.ptr);
        a->next = LOOP_CORE_APP_NEXT_EXIT;
        a->status = 1;
        return NULL;
    }
    a->next = r->of.ok.tag;
    if (a->next == LOOP_CORE_APP_NEXT_TIMER)
        a->timer_ms = r->of.ok.of.timer;
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
    if (now < a->frame_ns) {
        lp_guest_sleep(a->instance->body->guest, (a->frame_ns - now + 999999) / 1000000);
        now = lp_os_now_ns();
    }
    a->frame_ns = LP_MAX(a->frame_ns + FRAME_NS, now);
    loop_core_app_result_next_string r;
    loop_error *err =
        loop_core_app_call_frame(&a->exports, (double)(now - a->started_ns) / 1e6, &r);
    return answered(a, "frame", err, &r);
}

static bool cancelled(const struct app *a)
{
    return a->instance->cancelled != LOOP_CANCEL_NONE && !a->told_cancelled;
}

/* One round: waits for what was asked, then tells the component. */
static loop_error *round_of(struct app *a)
{
    if (a->next == LOOP_CORE_APP_NEXT_FRAME && !cancelled(a))
        return call_frame(a);
    if (!cancelled(a))
        lp_guest_sleep(a->instance->body->guest,
                       a->next == LOOP_CORE_APP_NEXT_TIMER ? a->timer_ms : UINT64_MAX);
    if (a->instance->asked_to_stop)
        return loop_error_new(LOOP_CANCELLED, "stopped");
    if (cancelled(a)) {
        a->told_cancelled = true;
        return call_event(a, LOOP_CORE_APP_APP_EVENT_CANCELLED);
    }
    return call_event(a, LOOP_CORE_APP_APP_EVENT_TIMER);
}

loop_error *lp_app_run(loop_instance *i, int *ret_status)
{
    struct app a = {.instance = i, .started_ns = lp_os_now_ns()};
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
