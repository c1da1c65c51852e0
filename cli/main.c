/*
 * cli/main.c: the `loop` command: finds the command in a table and runs it.
 *
 * To add a command:
 *   1. cli/cmd_<name>.c with `const cli_command cli_<name>` last in the file:
 *      its texts, its groups of options and its function (cli_version is short)
 *   2. declare it in cli/cli.h, list it below and in meson.build
 *   3. golden cases in tests/golden/ for what it prints and for its failures
 *   4. `loop help --man <name> >man/loop-<name>.1`, and the other pages again,
 *      since they point at each other; --help and completions need nothing
 *
 * A word that is no command runs `loop-<word>` from PATH with what follows.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* clang-format off */
static const cli_command *const commands[] = {
    &cli_run,
    &cli_component,
    &cli_host_command,
    &cli_provider,
    &cli_workspace,
    &cli_build,
    &cli_test,
    &cli_compose,
    &cli_pack,
    &cli_install,
    &cli_add,
    &cli_remove,
    &cli_update,
    &cli_list,
    &cli_cache,
    &cli_push,
    &cli_pull,
    &cli_ps,
    &cli_status,
    &cli_swap,
    &cli_reload,
    &cli_inspect,
    &cli_explain,
    &cli_grants,
    &cli_trust,
    &cli_keys,
    &cli_sign,
    &cli_verify,
    &cli_bindgen,
    &cli_config,
    &cli_doctor,
    &cli_version,
    &cli_help,
    &cli_completions,
};
/* clang-format on */

const cli_command *cli_command_at(size_t i)
{
    return i < sizeof commands / sizeof *commands ? commands[i] : NULL;
}

const cli_command *cli_command_find(const char *name)
{
    const cli_command *c;
    for (size_t i = 0; (c = cli_command_at(i)); i++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

/* ---- words that are no command ---- */

loop_error *cli_command_unknown(const char *name)
{
    loop_error *e = loop_error_new(LOOP_USAGE, "there is no command '%s'", name);
    size_t n = strlen(name);
    if (strchr(name, '/') || (n > 5 && strcmp(name + n - 5, ".wasm") == 0))
        return loop_error_hint_set(e, "to run a component: loop run %s", name);
    const cli_command *c, *best = NULL;
    unsigned distance = (unsigned)n / 3 + 2;
    for (size_t i = 0; (c = cli_command_at(i)); i++) {
        unsigned d = cli_distance(name, c->name);
        if (d < distance) {
            distance = d;
            best = c;
        }
    }
    if (best)
        return loop_error_hint_set(e, "did you mean 'loop %s'? `loop help` lists the commands",
                                   best->name);
    return loop_error_hint_set(e,
                               "`loop help` lists the commands; a program loop-%s on PATH would "
                               "be one too",
                               name);
}

/* Becomes `loop-<name>`; comes back only where that fails. */
static loop_error *run_external(char **argv)
{
    if (argv[0][0] == '-' || strchr(argv[0], '/') || !argv[0][0])
        return cli_command_unknown(argv[0]);
    char *program = cli_format("loop-%s", argv[0]);
    char *name = argv[0];
    argv[0] = program;
    signal(SIGPIPE, SIG_DFL); /* an ignored signal would stay ignored in it */
    execvp(program, argv);
    int failed = errno;
    signal(SIGPIPE, SIG_IGN);
    argv[0] = name;
    loop_error *e = NULL;
    if (failed == ENOENT || failed == ENOTDIR)
        e = cli_command_unknown(name);
    else
        e = loop_error_wrap(loop_error_new(LOOP_SYSTEM, "%s", strerror(failed)), "cannot run '%s'",
                            program);
    free(program);
    return e;
}

/* ---- starting and ending ---- */

/*
 * A file that loop opened must not become a standard stream by accident: closed
 * ones are opened on /dev/null, lowest first. Without stdout there is nowhere to
 * put results, so that is said before anything runs.
 */
static loop_error *open_streams(void)
{
    bool no_stdout = false;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        no_stdout = no_stdout || fd == STDOUT_FILENO;
        if (open("/dev/null", O_RDWR) < 0)
            return loop_error_new(LOOP_SYSTEM, "cannot open /dev/null: %s", strerror(errno));
    }
    if (!no_stdout)
        return NULL;
    return loop_error_hint_set(loop_error_new(LOOP_IO, "stdout is closed"),
                               "redirect it to /dev/null if the output does not matter");
}

static loop_error *run_command(const cli_command *command, char **argv, int *ret_status)
{
    cli_args args;
    loop_error *e = cli_parse(command, argv, &args);
    if (e)
        return e;
    if (args.help)
        cli_put_help(stdout, command);
    else
        e = command->run(&args, ret_status);
    cli_args_done(&args);
    return e;
}

static loop_error *dispatch(char **argv, int *ret_status)
{
    const char *word = argv[0];
    if (!word) {
        cli_put_overview(stderr);
        *ret_status = LOOP_USAGE;
        return NULL;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return run_command(&cli_help, argv + 1, ret_status);
    if (strcmp(word, "--version") == 0)
        return run_command(&cli_version, argv + 1, ret_status);
    const cli_command *command = cli_command_find(word);
    return command ? run_command(command, argv + 1, ret_status) : run_external(argv);
}

int main(int argc, char **argv)
{
    int status = 0;
    signal(SIGPIPE, SIG_IGN); /* a failed write says so; it ends nobody */
    signal(SIGXFSZ, SIG_IGN); /* likewise a file that may not grow */
    loop_error *e = open_streams();
    if (!e)
        e = dispatch(argv + (argc > 0), &status);
    loop_error *flush = cli_flush();
    if (flush && !e && status == 0)
        e = flush;
    else
        loop_error_delete(flush);
    if (!e)
        return status;
    status = (int)loop_error_code(e);
    cli_print_error(e);
    return status;
}
