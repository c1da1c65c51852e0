/*
 * hello [NAME]: greets, says what the host gives it, writes one log entry.
 *
 * The smallest component that uses both C's own library (printf, argv) and
 * interfaces of loop, through the bindings in sdk/c/gen.
 */
#include "gen/loop.h"

#include <stdio.h>
#include <string.h>

/* A view, not a copy: the bindings take strings they do not own. */
static loop_string_t text(const char *s)
{
    return (loop_string_t){.ptr = (uint8_t *)s, .len = strlen(s)};
}

/* "loop gives: logging (stderr), cancellation (host)" */
static size_t print_capabilities(void)
{
    loop_core_capabilities_list_capability_t all;
    size_t available = 0;
    loop_core_capabilities_list(&all);
    printf("loop gives:");
    for (size_t i = 0; i < all.len; i++) {
        const loop_core_capabilities_capability_t *c = &all.ptr[i];
        if (!c->available || c->name.len < 5 || memcmp(c->name.ptr, "loop:", 5) != 0)
            continue;
        printf("%s %.*s (%.*s)", available ? "," : "", (int)c->name.len, (char *)c->name.ptr,
               (int)c->provider.len, (char *)c->provider.ptr);
        available++;
    }
    puts(available ? "" : " nothing of its own");
    loop_core_capabilities_list_capability_free(&all);
    return available;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "world";
    printf("Hello, %s!\n", name);
    size_t available = print_capabilities();

    loop_core_logging_field_t fields[] = {
        {text("name"), {LOOP_CORE_LOGGING_FIELD_VALUE_TEXT, {.text = text(name)}}},
        {text("capabilities"),
         {LOOP_CORE_LOGGING_FIELD_VALUE_INTEGER, {.integer = (int64_t)available}}},
    };
    loop_core_logging_list_field_t list = {fields, sizeof fields / sizeof fields[0]};
    loop_string_t target = text("hello"), message = text("greeted");
    loop_core_logging_log(LOOP_CORE_LOGGING_LEVEL_INFO, &target, &message, &list);
    return 0;
}
