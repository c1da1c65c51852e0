/* app-says TEXT: a loop:core/app that fails in its start with this text; `long`: with a mebibyte.
 */
#include "gen/app.h"

#include <stdlib.h>
#include <string.h>

typedef exports_loop_core_app_next_t next_t;

bool exports_loop_core_app_start(app_list_string_t *args, next_t *ret, app_string_t *err)
{
    (void)ret;
    *err = args->ptr[args->len - 1];
    if (err->len == 4 && memcmp(err->ptr, "long", 4) == 0) {
        err->len = 1 << 20;
        err->ptr = malloc(err->len);
        memset(err->ptr, 'x', err->len);
    }
    return false;
}

bool exports_loop_core_app_event(exports_loop_core_app_list_app_event_t *list, next_t *ret,
                                 app_string_t *err)
{
    (void)list, (void)ret, (void)err;
    __builtin_trap();
}

bool exports_loop_core_app_frame(double time, next_t *ret, app_string_t *err)
{
    (void)time, (void)ret, (void)err;
    __builtin_trap();
}

void exports_loop_core_app_stop(void)
{
}
