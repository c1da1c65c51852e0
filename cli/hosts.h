/*
 * cli/hosts.h: the hosts of this user that can be asked, and what is in them: shared by `loop ps`,
 * `loop status`, `loop swap` and `loop reload`.
 */
#ifndef CLI_HOSTS_H
#define CLI_HOSTS_H

#include "cli/cli.h"
#include "loop/control.h"

typedef struct cli_host {
    char *name;
    loop_remote *remote;
    const loop_status *status;
    loop_error *error; /* it did not answer; then there is no status */
} cli_host;

typedef struct cli_hosts {
    cli_host *at; /* in the order of their names */
    size_t count;
} cli_hosts;

/* Asks all of them, or the one of --host. LOOP_NOT_FOUND: there is none of that name. */
loop_error *cli_hosts_open(const cli_args *args, cli_hosts *ret) LOOP_MUST_USE;
void cli_hosts_close(cli_hosts *h);

/*
 * The host that has an instance of that name, or number ("#3"); NULL: any. LOOP_NOT_FOUND,
 * LOOP_USAGE (several hosts have it: the hint lists them).
 */
loop_error *cli_hosts_find(const cli_hosts *h, const char *instance,
                           const cli_host **ret) LOOP_MUST_USE;
/* "store" is "store.wasm", too; NULL is all of them. */
bool cli_is_instance(const loop_instance_status *s, const char *name);

/* "2m 3s", for free(). */
char *cli_uptime(uint64_t ms);
const char *cli_condition(loop_condition c);

/* A wish with what --dry-run, --carry, --deadline, --drain and --restart say. LOOP_USAGE. */
loop_error *cli_wish(const cli_args *args, loop_wish *ret) LOOP_MUST_USE;
/*
 * Asks a host for it (wish->instance as cli_is_instance takes it), and prints a report of each
 * step. Where a component would lose its state, a person at a terminal is asked; without one it is
 * an error that says so.
 */
loop_error *cli_carry_out(const cli_host *host, const loop_wish *wish) LOOP_MUST_USE;
/* Compiles a component here, so that the host finds it in the cache and does not stand still. */
loop_error *cli_compile(const char *path) LOOP_MUST_USE;

extern const cli_group cli_group_host, cli_group_swap, cli_group_carry;

#endif
