/*
 * scaffold-name [N]: counts to N (3), ten times a second.
 *
 * loop calls these functions and never waits in them: each answers when it wants to be called
 * again. gen/scaffold_name.h declares them; `loop build` makes it of wit/world.wit, and
 * wit/deps/loop-core/app.wit says what each is for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scaffold_name.h"

typedef exports_loop_core_app_next_t next_t;

#define EVERY_MS 100

static unsigned long count, last = 3;

static void say(const char *text)
{
    scaffold_name_string_t target, message;
    loop_core_logging_list_field_t none = {0};
    scaffold_name_string_set(&target, "scaffold-name");
    scaffold_name_string_set(&message, text);
    loop_core_logging_log(LOOP_CORE_LOGGING_LEVEL_INFO, &target, &message, &none);
}

static next_t in_a_while(void)
{
    return (next_t){.tag = EXPORTS_LOOP_CORE_APP_NEXT_TIMER, .val = {.timer = EVERY_MS}};
}

static next_t leave(uint8_t status)
{
    return (next_t){.tag = EXPORTS_LOOP_CORE_APP_NEXT_EXIT, .val = {.exit = status}};
}

/* args[0] is the program's name. */
bool exports_loop_core_app_start(scaffold_name_list_string_t *args, next_t *ret,
                                 scaffold_name_string_t *err)
{
    char text[16] = "3", *end;
    if (args->len > 1)
        snprintf(text, sizeof text, "%.*s", (int)args->ptr[1].len, (char *)args->ptr[1].ptr);
    scaffold_name_list_string_free(args);
    last = strtoul(text, &end, 10);
    if (*end || last == 0) {
        scaffold_name_string_dup(err, "give it a number to count to");
        return false;
    }
    *ret = in_a_while();
    return true;
}

bool exports_loop_core_app_event(exports_loop_core_app_list_app_event_t *events, next_t *ret,
                                 scaffold_name_string_t *err)
{
    (void)err;
    *ret = in_a_while();
    for (size_t i = 0; i < events->len; i++) {
        char text[32];
        if (events->ptr[i].tag == EXPORTS_LOOP_CORE_APP_APP_EVENT_TIMER) {
            snprintf(text, sizeof text, "tick %lu", ++count);
            say(text);
        } else if (events->ptr[i].tag == EXPORTS_LOOP_CORE_APP_APP_EVENT_CANCELLED) {
            *ret = leave(1); /* somebody pressed Ctrl-C */
        }
    }
    if (count >= last)
        *ret = leave(0);
    exports_loop_core_app_list_app_event_free(events);
    return true;
}

/* Nothing is drawn. */
bool exports_loop_core_app_frame(double time, next_t *ret, scaffold_name_string_t *err)
{
    (void)time, (void)err;
    *ret = in_a_while();
    return true;
}

/* The last call: what must be kept is written here. */
void exports_loop_core_app_stop(void)
{
    say("that was all");
}
