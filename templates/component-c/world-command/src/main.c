/*
 * scaffold-name [NAME]: greets, and writes a log entry.
 *
 * Arguments, files and standard streams are those of C. What else the world (wit/world.wit) gives
 * is declared in gen/scaffold_name.h, which `loop build` writes: here, loop's log.
 */
#include <stdio.h>
#include <string.h>

#include "scaffold_name.h"

/* A view, not a copy: the functions of the world take strings that they do not own. */
static scaffold_name_string_t view(const char *text)
{
    return (scaffold_name_string_t){.ptr = (uint8_t *)text, .len = strlen(text)};
}

static void log_greeting(const char *name)
{
    loop_core_logging_field_t fields[] = {
        {view("name"), {LOOP_CORE_LOGGING_FIELD_VALUE_TEXT, {.text = view(name)}}},
    };
    loop_core_logging_list_field_t list = {fields, sizeof fields / sizeof *fields};
    scaffold_name_string_t target = view("scaffold-name"), message = view("greeted");
    loop_core_logging_log(LOOP_CORE_LOGGING_LEVEL_INFO, &target, &message, &list);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "world";
    printf("Hello, %s!\n", name);
    log_greeting(name);
    return 0;
}
