/*
 * scaffold-name: greets, for others. What it exports is declared in gen/scaffold_name.h, which
 * `loop build` makes of wit/world.wit; this file implements it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "scaffold_name.h"

#define LONGEST 64 /* bytes of a name: what comes from others has a limit */

/* greet: func(name: string) -> result<string, problem>. True: it is in `ret`; false: in `err`. */
bool exports_scaffold_space_scaffold_name_api_greet(
    scaffold_name_string_t *name, scaffold_name_string_t *ret,
    exports_scaffold_space_scaffold_name_api_problem_t *err)
{
    bool fits = name->len > 0 && name->len <= LONGEST;
    if (fits) {
        size_t room = name->len + sizeof "Hello, !";
        ret->ptr = malloc(room); /* freed by the caller's side, as all that is given back */
        ret->len = (size_t)snprintf((char *)ret->ptr, room, "Hello, %.*s!", (int)name->len,
                                    (const char *)name->ptr);
    } else {
        *err = name->len ? EXPORTS_SCAFFOLD_SPACE_SCAFFOLD_NAME_API_PROBLEM_TOO_LONG
                         : EXPORTS_SCAFFOLD_SPACE_SCAFFOLD_NAME_API_PROBLEM_NO_NAME;
    }
    scaffold_name_string_free(name); /* arguments are ours */
    return fits;
}
