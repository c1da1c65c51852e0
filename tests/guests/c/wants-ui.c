/* wants-ui: uses loop:ui and loop:window; without a display every answer is an error case. */
#include "gen/odd.h"
#include "guest.h"

static void print_error(const char *what, const loop_core_0_1_0_types_error_t *e)
{
    static const char *const cases[] = {"unavailable", "denied",    "invalid",
                                        "limit",       "cancelled", "failed"};
    bool has_text = e->tag != LOOP_CORE_0_1_0_TYPES_ERROR_CANCELLED;
    printf("%s: %s%s%.*s\n", what, e->tag < 6 ? cases[e->tag] : "?", has_text ? ": " : "",
           has_text ? (int)e->val.unavailable.len : 0, (char *)e->val.unavailable.ptr);
}

int main(void)
{
    loop_core_0_1_0_types_error_t error;
    loop_ui_layouts_list_update_t nothing = {0};
    if (loop_ui_layouts_show(&nothing, &error))
        puts("show: ok");
    else
        print_error("show", &error);

    loop_window_windows_list_screen_t screens;
    if (loop_window_windows_screens(&screens, &error))
        printf("screens: %zu\n", screens.len);
    else
        print_error("screens", &error);
    return 0;
}
