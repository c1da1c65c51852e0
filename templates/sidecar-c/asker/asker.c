/*
 * asker PLACE...: asks scaffold-name for the weather of places. gen/asker.h has what the world
 * `asker` of wit/scaffold_name.wit imports; `loop build` writes it.
 */
#include <stdio.h>
#include <string.h>

#include "asker.h"

static int ask(const char *name)
{
    asker_string_t place = {(uint8_t *)name, strlen(name)};
    scaffold_space_scaffold_name_api_reading_t reading;
    scaffold_space_scaffold_name_api_problem_t problem;
    if (!scaffold_space_scaffold_name_api_now(&place, &reading, &problem)) {
        bool unknown = problem == SCAFFOLD_SPACE_SCAFFOLD_NAME_API_PROBLEM_UNKNOWN_PLACE;
        fprintf(stderr, "'%s': %s\n", name, unknown ? "unknown place" : "no answer");
        return 1;
    }
    printf("%s: %.0f degrees\n", name, reading.celsius);
    return 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (ask(argv[i]) != 0)
            return 1;
    return 0;
}
