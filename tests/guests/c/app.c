/*
 * app [N]: a loop:core/app that counts what reaches it.
 *
 * Asks for N timers (3), then N frames, then leaves with status 3. `app fail`
 * fails in start, `app wait` waits for events only, `app trap` traps in the
 * first timer, `app spin` never returns from it.
 */
#include "gen/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef exports_loop_core_app_next_t next_t;

static char mode[16] = "3";
static unsigned wanted = 3, timers, frames, events;

static next_t next(void)
{
    if (strcmp(mode, "wait") == 0)
        return (next_t){.tag = EXPORTS_LOOP_CORE_APP_NEXT_WAIT};
    if (timers < wanted)
        return (next_t){.tag = EXPORTS_LOOP_CORE_APP_NEXT_TIMER, .val = {.timer = 5}};
    if (frames < wanted)
        return (next_t){.tag = EXPORTS_LOOP_CORE_APP_NEXT_FRAME};
    return (next_t){.tag = EXPORTS_LOOP_CORE_APP_NEXT_EXIT, .val = {.exit = 3}};
}

bool exports_loop_core_app_start(app_list_string_t *args, next_t *ret, app_string_t *err)
{
    printf("start:");
    for (size_t i = 0; i < args->len; i++)
        printf(" %.*s", (int)args->ptr[i].len, (char *)args->ptr[i].ptr);
    puts("");
    if (args->len > 0)
        snprintf(mode, sizeof mode, "%.*s", (int)args->ptr[args->len - 1].len,
                 (char *)args->ptr[args->len - 1].ptr);
    if (atoi(mode) > 0)
        wanted = (unsigned)atoi(mode);
    app_list_string_free(args);
    fflush(stdout);
    if (strcmp(mode, "fail") == 0) {
        app_string_dup(err, "asked to fail");
        return false;
    }
    *ret = next();
    return true;
}

bool exports_loop_core_app_event(exports_loop_core_app_list_app_event_t *list, next_t *ret,
                                 app_string_t *err)
{
    (void)err;
    *ret = next();
    for (size_t i = 0; i < list->len; i++) {
        events++;
        if (list->ptr[i].tag == EXPORTS_LOOP_CORE_APP_APP_EVENT_TIMER) {
            timers++;
            if (strcmp(mode, "trap") == 0)
                __builtin_trap();
            while (strcmp(mode, "spin") == 0) {
            }
            *ret = next();
        } else if (list->ptr[i].tag == EXPORTS_LOOP_CORE_APP_APP_EVENT_CANCELLED) {
            puts("cancelled");
            *ret = (next_t){.tag = EXPORTS_LOOP_CORE_APP_NEXT_EXIT, .val = {.exit = 4}};
        }
    }
    exports_loop_core_app_list_app_event_free(list);
    fflush(stdout);
    return true;
}

bool exports_loop_core_app_frame(double time, next_t *ret, app_string_t *err)
{
    static double last;
    (void)err;
    frames++;
    if (time < last)
        puts("time went backwards");
    last = time;
    *ret = next();
    return true;
}

void exports_loop_core_app_stop(void)
{
    printf("stop: %u events, %u timers, %u frames\n", events, timers, frames);
    fflush(stdout);
}
