/*
 * ticker-* [MODE]: an application that keeps what it counted when it is replaced.
 *
 * Asks for a timer of 5 ms again and again, and counts. With VERSION 2 the 20th ends it with
 * status 20 and one more for each `start` that there was. `wait` waits for events only,
 * `changes` too, and ends with status 100 and what loop:core/capabilities counts.
 */
#include "gen/application.h"

#include <stdlib.h>
#include <string.h>

typedef exports_loop_core_app_next_t next_t;

static struct {
    uint32_t timers, starts;
    char mode[16];
} kept;

static next_t next(void)
{
    if (strcmp(kept.mode, "wait") == 0 || strcmp(kept.mode, "changes") == 0)
        return (next_t){.tag = EXPORTS_LOOP_CORE_APP_NEXT_WAIT};
    return (next_t){.tag = EXPORTS_LOOP_CORE_APP_NEXT_TIMER, .val = {.timer = 5}};
}

static next_t leave(uint32_t status)
{
    return (next_t){.tag = EXPORTS_LOOP_CORE_APP_NEXT_EXIT, .val = {.exit = (uint8_t)status}};
}

bool exports_loop_core_app_start(application_list_string_t *args, next_t *ret,
                                 application_string_t *err)
{
    (void)err;
    kept.starts++;
    if (args->len > 1 && args->ptr[1].len < sizeof kept.mode)
        memcpy(kept.mode, args->ptr[1].ptr, args->ptr[1].len);
    application_list_string_free(args);
    *ret = next();
    return true;
}

static next_t on_event(uint8_t tag)
{
    if (tag == EXPORTS_LOOP_CORE_APP_APP_EVENT_CANCELLED)
        return leave(99);
    if (tag == EXPORTS_LOOP_CORE_APP_APP_EVENT_CAPABILITIES_CHANGED)
        return strcmp(kept.mode, "changes") ? next()
                                            : leave(100 + loop_core_capabilities_changes());
    return ++kept.timers >= 20 && VERSION == 2 ? leave(20 + kept.starts) : next();
}

bool exports_loop_core_app_event(exports_loop_core_app_list_app_event_t *events, next_t *ret,
                                 application_string_t *err)
{
    (void)err;
    for (size_t i = 0; i < events->len; i++)
        *ret = on_event(events->ptr[i].tag);
    exports_loop_core_app_list_app_event_free(events);
    return true;
}

bool exports_loop_core_app_frame(double time, next_t *ret, application_string_t *err)
{
    (void)time, (void)err;
    *ret = next();
    return true;
}

void exports_loop_core_app_stop(void)
{
}

bool exports_loop_core_reload_save(exports_loop_core_reload_state_t *ret, application_string_t *err)
{
    (void)err;
    application_string_dup((application_string_t *)&ret->format, "demo:ticker/state");
    ret->version = 1;
    ret->bytes.len = sizeof kept;
    ret->bytes.ptr = malloc(sizeof kept);
    memcpy(ret->bytes.ptr, &kept, sizeof kept);
    return true;
}

bool exports_loop_core_reload_restore(exports_loop_core_reload_state_t *state,
                                      application_string_t *err)
{
    if (state->version != 1 || state->bytes.len != sizeof kept) {
        application_string_dup(err, "no state of mine");
        return false;
    }
    memcpy(&kept, state->bytes.ptr, sizeof kept);
    exports_loop_core_reload_state_free(state);
    return true;
}
