/*
 * cli/target.h: which component a command is about, and what it may do: shared
 * by `loop run`, which does it, and `loop explain`, which tells.
 */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include "cli/cli.h"
#include "loop/config.h"
#include "loop/host.h"
#include "loop/keys.h"

extern const cli_group cli_group_grants, cli_group_limits, cli_group_imports, cli_group_config;

typedef struct cli_target {
    loop_config *config;
    const loop_component_config *row; /* in loop.yaml; NULL for a file that was named */
    char *path;
    char *package;          /* its name, where the operand was a package; else NULL */
    loop_signer signer;     /* of a package; its `key` "": nobody known */
    char *identity, *owner; /* what its storage belongs to, and what it shares */
    const char *name;       /* as logs call it; NULL: the file's name */
    loop_policy *policy;    /* NULL: nothing beyond the baseline */
    const char **args;      /* the component's, its name first; ends with NULL */
    const char **optional;  /* ends with NULL; NULL: none */
    const char **pairs;     /* `config:` by turns; ends with NULL; NULL: none */
    loop_limits limits;
    loop_on_trap on_trap;
    uint64_t timeout_ms, grace_ms;
} cli_target;

/*
 * Loads the configuration with the flags of the groups above that were given.
 * LOOP_CONFIG, LOOP_USAGE.
 */
loop_error *cli_config_load(const cli_args *args, loop_config **ret) LOOP_MUST_USE;
/* The same with a profile other than --profile's; NULL: what the environment or loop.yaml says. */
loop_error *cli_config_load_profile(const cli_args *args, const char *profile,
                                    loop_config **ret) LOOP_MUST_USE;

/*
 * `loop run`: runs what the arguments name and ends the process; comes back only where it could not
 * start. `suggest`: observes it and prints the grants that it needs.
 */
loop_error *cli_run_component(const cli_args *args, bool suggest) LOOP_MUST_USE;

/* Finds the component (operand 0, or the workspace's default) and settles what it may do. */
loop_error *cli_target_open(const cli_args *args, cli_target *ret) LOOP_MUST_USE;
void cli_target_done(cli_target *t);

/*
 * The file of a component given as an operand: a path if it has a '/', ends in
 * .wasm or is a file; else a name in loop.yaml, or a package ("acme:notes@^1.2"). `*ret_row` is
 * NULL but for a name. `*ret_path` is for loop_free.
 */
loop_error *cli_component_find(const loop_config *config, const char *operand, char **ret_path,
                               const loop_component_config **ret_row) LOOP_MUST_USE;
/* And who signed it; its `key` "": nobody known, or no package. */
loop_error *cli_component_signed(const loop_config *config, const char *operand, char **ret_path,
                                 const loop_component_config **ret_row,
                                 loop_signer *ret_signer) LOOP_MUST_USE;
/* A line of what was found: who signed it; none where nobody known has. */
void cli_put_signer(const loop_signer *s);

/*
 * The imports that may be missing: of the row (NULL: none), then --optional. Ends
 * with NULL; for free(). NULL where there is none.
 */
const char **cli_optional(const cli_args *args, const loop_component_config *row);

/* Binds interfaces to providers as loop.yaml, then --bind say. */
loop_error *cli_target_bind(const cli_args *args, const loop_config *config,
                            loop_host *host) LOOP_MUST_USE;

/* What the host is made with: level and format of the log. */
loop_host_options cli_host_options(const loop_config *config);

#endif
