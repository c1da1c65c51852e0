/*
 * cli/packages.h: what the commands about packages share: opening them with progress and Ctrl-C,
 * and lines about packages.
 */
#ifndef CLI_PACKAGES_H
#define CLI_PACKAGES_H

#include "cli/target.h"
#include "loop/package.h"

extern const cli_group cli_group_packages; /* --offline, --quiet */

typedef struct cli_packages {
    loop_packages *packages;
    bool terminal, quiet;
    bool shown; /* a line of progress is on the terminal */
    char *last; /* what was told of last, where there is none */
} cli_packages;

/*
 * Opens the packages of a workspace, which lives longer. Progress goes to stderr: one line that
 * changes on a terminal, else one line a transfer. The first Ctrl-C cancels, the second ends loop.
 * `x` stays where it is until cli_packages_close.
 */
loop_error *cli_packages_open(const cli_args *args, const loop_config *config,
                              cli_packages *x) LOOP_MUST_USE;
/* Takes what is on the terminal away, before something else is written. */
void cli_packages_clear(cli_packages *x);
void cli_packages_close(cli_packages *x);

/* The file of a package for a run: no registry is asked. *ret is for loop_free. */
loop_error *cli_package_path(const loop_config *config, const char *wish, char **ret) LOOP_MUST_USE;

/* A line for each package: name, version and where it is from. */
void cli_put_packages(const loop_package_list *list);
/* The same as a JSON array. */
void cli_put_packages_json(const loop_package_list *list);

#endif
