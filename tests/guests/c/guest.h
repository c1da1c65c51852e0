/* What several test guests need; each guest is one C file beside this one. */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every binding has a string type of its own; all of them look like this. */
#define TEXT(type, s) ((type){.ptr = (uint8_t *)(s), .len = strlen(s)})

/* wasi:cli/exit.exit-with-code (world `odd` describes it): any status, at once. */
__attribute__((__import_module__("wasi:cli/exit@0.2.12"),
               __import_name__("exit-with-code"))) extern void
exit_with_code(int32_t status);

static inline _Noreturn void leave(int status)
{
    fflush(NULL);
    exit_with_code(status);
    __builtin_trap();
}

static inline const char *argument(int argc, char **argv, int i, const char *otherwise)
{
    return i < argc ? argv[i] : otherwise;
}

#endif
