/* cli/build.h: what `loop build` and `loop test` share: how building is shown, and Ctrl-C. */
#ifndef CLI_BUILD_H
#define CLI_BUILD_H

#include "cli/cli.h"
#include "loop/build.h"

/* ---- a line that says what is being done, on a terminal (live.c) ---- */

#define CLI_LIVE_MAX 16 /* things that are shown at a time */

typedef struct cli_live {
    bool on, shown;
    struct {
        char *name, *step;
    } at[CLI_LIVE_MAX];
    size_t count;
    long started; /* seconds */
} cli_live;
/* Shows nothing where stderr is no terminal. */
void cli_live_open(cli_live *l);
/* What is done for `name` now; NULL: no more. */
void cli_live_set(cli_live *l, const char *name, const char *step);
/* Before anything else is written to the terminal; draw afterwards. */
void cli_live_clear(cli_live *l);
void cli_live_draw(cli_live *l);
void cli_live_close(cli_live *l);

/* From now on Ctrl-C is noted; a second one ends the process. */
void cli_catch_interrupt(void);
bool cli_interrupted(void);

/* ---- building ---- */

extern const cli_group cli_group_build;

typedef struct cli_build_view {
    cli_live live;
    bool verbose;
    bool quiet; /* nothing is said of what did not change */
    size_t fresh, built, failed;
} cli_build_view;

/* `view` is what the functions below are called with. */
loop_error *cli_build_options(const cli_args *args, cli_build_view *view,
                              loop_build_options *ret) LOOP_MUST_USE;
void cli_build_event(void *view, const loop_build_event *e);
bool cli_build_stop(void *view);

#endif
