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

#define FRAME_NS (1000000000ull / 60)

/* The types of wit/core/app.wit in structural form (loop/provider.h); the engine compares. */
#define ANSWER "->result<variant{wait,timer(u32),frame,exit(u8)},string>"
#define TYPE_START "(list<string>)" ANSWER
#define TYPE_EVENT "(list<variant{timer,cancelled}>)" ANSWER
#define TYPE_FRAME "(f64)" ANSWER
#define TYPE_STOP "()"

/* The cases of loop:core/app.next and .event, in the order of wit/core/app.wit. */
enum next_case { NEXT_WAIT, NEXT_TIMER, NEXT_FRAME, NEXT_EXIT };
enum event_case { EVENT_TIMER, EVENT_CANCELLED };

struct app {
    loop_instance *instance;
    const char *interface_name;
    uint64_t started_ns, frame_ns;
    bool told_cancelled;
    /* The last answer. */
    enum next_case next;
    uint32_t timer_ms;
    int status;
    bool exited;
};

/* Reads `result<next, string>`; the engine has checked that it is one. */
static void read_next(struct app *a, const char *function, const loop_value *v)
{
    const loop_value *payload = v->of.items.at;
    if (v->index == 1) {
        loop_host_log(a->instance->host, LOOP_LOG_ERROR, "%s: %s failed: %.*s",
                      a->instance->options.name, function, (int)payload->of.text.len,
                      payload->of.text.ptr);
        a->next = NEXT_EXIT;
        a->status = 1;
        return;
    }
    a->next = (enum next_case)payload->index;
    if (a->next == NEXT_TIMER)
        a->timer_ms = (uint32_t)payload->of.items.at->of.u;
    if (a->next == NEXT_EXIT)
        a->status = (int)payload->of.items.at->of.u;
}

static loop_error *call(struct app *a, const char *function, const char *type, loop_value *args,
                        size_t nargs)
{
    lp_arena arena = {0};
    loop_value ret = {0};
    int status = 0;
    loop_error *err =
        lp_guest_call(a->instance->guest, a->interface_name, function, type, args, nargs,
                      a->instance->options.call_timeout_ms, &arena, &ret, &a->exited, &status);
    if (!err && a->exited)
        a->status = status;
    else if (!err && ret.kind == LOOP_RESULT)
        read_next(a, function, &ret);
    lp_arena_done(&arena);
    return err;
}

static loop_error *call_start(struct app *a)
{
    size_t n = 0;
    while (a->instance->options.args[n])
        n++;
    loop_value *items = lp_alloc((n + 1) * sizeof *items);
    for (size_t i = 0; i < n; i++) {
        const char *text = a->instance->options.args[i];
        items[i] = (loop_value){.kind = LOOP_STRING, .of.text = {text, strlen(text)}};
    }
    loop_value args = {.kind = LOOP_LIST, .of.items = {items, n}};
    loop_error *err = call(a, "start", TYPE_START, &args, 1);
    free(items);
    return err;
}

static loop_error *call_event(struct app *a, enum event_case e)
{
    loop_value event = {.kind = LOOP_VARIANT, .index = e};
    loop_value list = {.kind = LOOP_LIST, .of.items = {&event, 1}};
    return call(a, "event", TYPE_EVENT, &list, 1);
}

static loop_error *call_frame(struct app *a)
{
    uint64_t now = lp_os_now_ns();
    if (now < a->frame_ns) {
        lp_guest_sleep(a->instance->guest, (a->frame_ns - now + 999999) / 1000000);
        now = lp_os_now_ns();
    }
    a->frame_ns = LP_MAX(a->frame_ns + FRAME_NS, now);
    loop_value time = {.kind = LOOP_F64, .of.f = (double)(now - a->started_ns) / 1e6};
    return call(a, "frame", TYPE_FRAME, &time, 1);
}

static bool cancelled(const struct app *a)
{
    return a->instance->cancelled != LOOP_CANCEL_NONE && !a->told_cancelled;
}

/* One round: waits for what was asked, then tells the component. */
static loop_error *round_of(struct app *a)
{
    if (a->next == NEXT_FRAME && !cancelled(a))
        return call_frame(a);
    if (!cancelled(a))
        lp_guest_sleep(a->instance->guest, a->next == NEXT_TIMER ? a->timer_ms : UINT64_MAX);
    if (a->instance->asked_to_stop)
        return loop_error_new(LOOP_CANCELLED, "stopped");
    if (cancelled(a)) {
        a->told_cancelled = true;
        return call_event(a, EVENT_CANCELLED);
    }
    return call_event(a, EVENT_TIMER);
}

loop_error *lp_app_run(loop_instance *i, int *ret_status)
{
    struct app a = {
        .instance = i, .interface_name = LP_APP_INTERFACE, .started_ns = lp_os_now_ns()};
    a.frame_ns = a.started_ns;
    const char *name;
    for (size_t n = 0; (name = lp_component_export_at(i->component->engine, n)); n++)
        if (lp_starts_with(name, "loop:core/app@"))
            a.interface_name = name;
    LP_TRY(call_start(&a));
    while (a.next != NEXT_EXIT && !a.exited)
        LP_TRY(round_of(&a));
    if (!a.exited)
        LP_TRY(call(&a, "stop", TYPE_STOP, NULL, 0));
    *ret_status = a.status;
    return NULL;
}
