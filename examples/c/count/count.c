/*
 * count: counts once a second, and goes on counting when it is replaced.
 *
 * An application of loop:core/app: the host calls it, and it says when it wants to be called
 * again. Its state is one number and the time between two counts. `save` writes them down as
 * text with a format and a version; the component that takes its place, this file built again
 * with whatever you changed, reads them in `restore` and never sees `start`.
 *
 *     loop run build/examples/c-count.wasm 250        every 250 ms
 */
#include "gen/application.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "example:count/state"
#define VERSION 1

static unsigned count, every_ms = 1000;

static void say(const char *text)
{
    application_string_t target, message;
    loop_core_logging_list_field_t none = {0};
    application_string_set(&target, "");
    application_string_set(&message, text);
    loop_core_logging_log(LOOP_CORE_LOGGING_LEVEL_INFO, &target, &message, &none);
}

static exports_loop_core_app_next_t in_a_while(void)
{
    return (exports_loop_core_app_next_t){.tag = EXPORTS_LOOP_CORE_APP_NEXT_TIMER,
                                          .val = {.timer = every_ms}};
}

/* ---- loop:core/app ---- */

/* args[0] is the program's name. */
bool exports_loop_core_app_start(application_list_string_t *args, exports_loop_core_app_next_t *ret,
                                 application_string_t *err)
{
    char text[16] = "";
    if (args->len > 1)
        snprintf(text, sizeof text, "%.*s", (int)args->ptr[1].len, (char *)args->ptr[1].ptr);
    application_list_string_free(args);
    if (*text)
        every_ms = (unsigned)strtoul(text, NULL, 10);
    if (!every_ms) {
        application_string_dup(err, "give it a number of milliseconds");
        return false;
    }
    *ret = in_a_while();
    return true;
}

bool exports_loop_core_app_event(exports_loop_core_app_list_app_event_t *events,
                                 exports_loop_core_app_next_t *ret, application_string_t *err)
{
    (void)err;
    *ret = in_a_while();
    for (size_t i = 0; i < events->len; i++) {
        char text[32];
        switch (events->ptr[i].tag) {
        case EXPORTS_LOOP_CORE_APP_APP_EVENT_TIMER:
            snprintf(text, sizeof text, "%u", ++count);
            say(text);
            break;
        case EXPORTS_LOOP_CORE_APP_APP_EVENT_CANCELLED:
            *ret = (exports_loop_core_app_next_t){.tag = EXPORTS_LOOP_CORE_APP_NEXT_EXIT};
            break;
        default: break; /* what serves its imports was swapped: it keeps nothing of that */
        }
    }
    exports_loop_core_app_list_app_event_free(events);
    return true;
}

bool exports_loop_core_app_frame(double time, exports_loop_core_app_next_t *ret,
                                 application_string_t *err)
{
    (void)time, (void)err;
    *ret = in_a_while();
    return true;
}

void exports_loop_core_app_stop(void)
{
    say("that was all");
}

/* ---- loop:core/reload ---- */

bool exports_loop_core_reload_save(exports_loop_core_reload_state_t *ret, application_string_t *err)
{
    (void)err;
    char text[32];
    int n = snprintf(text, sizeof text, "%u %u", count, every_ms);
    application_string_dup((application_string_t *)&ret->format, FORMAT);
    ret->version = VERSION;
    ret->bytes.ptr = malloc((size_t)n);
    ret->bytes.len = (size_t)n;
    memcpy(ret->bytes.ptr, text, (size_t)n);
    return true;
}

static bool read_state(const exports_loop_core_reload_state_t *state)
{
    char text[32];
    if (state->version != VERSION || state->format.len != strlen(FORMAT) ||
        memcmp(state->format.ptr, FORMAT, state->format.len) != 0 ||
        state->bytes.len >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", (int)state->bytes.len, (char *)state->bytes.ptr);
    return sscanf(text, "%u %u", &count, &every_ms) == 2 && every_ms > 0;
}

/* What an older version wrote is read here as well, once there is one. */
bool exports_loop_core_reload_restore(exports_loop_core_reload_state_t *state,
                                      application_string_t *err)
{
    bool known = read_state(state);
    exports_loop_core_reload_state_free(state);
    if (!known)
        application_string_dup(err, "a state that this version does not know");
    return known;
}
