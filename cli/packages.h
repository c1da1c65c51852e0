/*
 * cli/packages.h: what the commands about packages share: opening them with progress and Ctrl-C,
 * and lines about packages.
 */
#ifndef CLI_PACKAGES_H
#define CLI_PACKAGES_H

#include "cli/target.h"
#include "loop/package.h"

extern const cli_group cli_group_packages; /* --offline, --quiet */

/* What a command does with the packages of a workspace; *ret stays NULL where there is nothing. */
typedef loop_error *cli_packages_act(const cli_args *args, const loop_config *config,
                                     loop_packages *packages, loop_package_list **ret);
/*
 * Loads loop.yaml, lets `act` have its packages, and puts all of it away but *ret, which may be
 * NULL. Progress goes to stderr: one line that changes on a terminal, else one line a transfer. The
 * first Ctrl-C cancels, the second ends loop.
 */
loop_error *cli_packages_run(const cli_args *args, cli_packages_act *act,
                             loop_package_list **ret) LOOP_MUST_USE;
/*
 * The same, and prints what there is: a line for each package (name, version, where it is from), or
 * with --json an array; `none` where there is no package.
 */
loop_error *cli_packages_show(const cli_args *args, cli_packages_act *act,
                              const char *none) LOOP_MUST_USE;

/*
 * The file of a package for a run, and who signed it: no registry is asked. *ret is for loop_free.
 */
loop_error *cli_package_path(const loop_config *config, const char *wish, char **ret,
                             loop_signer *ret_signer) LOOP_MUST_USE;

#endif
