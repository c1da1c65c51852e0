/*
 * cli/cmd_run.c: `loop run`: runs a component to its end.
 *
 * The way to the component's first instruction is short on purpose: nothing is
 * read, made or formatted that this run does not need, and after the run the
 * providers are closed and the process ends without tearing anything else down (a
 * component that would not stop may still be running on its thread).
 *
 * Once it has run for CONTROL_MS the user can see and steer it from another process (`loop ps`);
 * a short command pays nothing for that.
 *
 * Signals: until the component runs, one ends the process. Then the first asks
 * the component to end (loop gives it the grace period), the second stops it.
 * A signal that was ignored from the start (nohup, a shell's background job)
 * stays ignored.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/decided.h"
#include "cli/packages.h"
#include "cli/target.h"
#include "loop/control.h"

#define CONTROL_MS 100

struct run {
    const cli_args *args;
    loop_host *host;
    loop_instance *instance;
    loop_control *control;
    loop_watch *watch; /* NULL: without --watch */
    char **bound;      /* interfaces that --bind names, NULL-terminated */
    cli_decided decided;
    bool asked;    /* a first signal came */
    bool json;     /* traces, like the log */
    bool progress; /* a progress line is on the terminal */
};

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
#define SIGNAL_COUNT (sizeof signals / sizeof *signals)

/* ---- signals ---- */

static void interrupted_early(int signum)
{
    static const char text[] = "error: interrupted before the component started\n";
    (void)signum;
    ssize_t unused = write(STDERR_FILENO, text, sizeof text - 1);
    (void)unused;
    _exit(LOOP_CANCELLED);
}

static void interrupted(void *data, int signum)
{
    (void)signum;
    struct run *r = data;
    if (r->asked)
        loop_instance_kill(r->instance);
    else
        loop_instance_cancel(r->instance, LOOP_CANCEL_INTERRUPTED);
    r->asked = true;
}

/* Which signals somebody wants: those that are not ignored already. */
static unsigned watch_early(void)
{
    unsigned wanted = 0;
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        struct sigaction now, early = {.sa_handler = interrupted_early};
        if (sigaction(signals[i], NULL, &now) != 0 || now.sa_handler == SIG_IGN)
            continue;
        sigaction(signals[i], &early, NULL);
        wanted |= 1u << i;
    }
    return wanted;
}

static loop_error *watch_signals(struct run *r, unsigned wanted)
{
    loop_error *e = NULL;
    for (size_t i = 0; !e && i < SIGNAL_COUNT; i++)
        if (wanted & 1u << i)
            e = loop_host_on_signal(r->host, signals[i], interrupted, r);
    return e;
}

/* ---- what is shown on the way ---- */

static void show_progress(void *data, const char *what)
{
    struct run *r = data;
    fputs("loop: ", stderr);
    cli_put(stderr, what);
    fputs(" ...", stderr);
    fflush(stderr);
    r->progress = true;
}

static void erase_progress(struct run *r)
{
    if (r->progress)
        fputs("\r\033[K", stderr);
    r->progress = false;
}

/* One line a call, written at once: other threads write there too. */
static void show_trace(void *data, const loop_trace *t)
{
    const struct run *r = data;
    char *line = NULL;
    size_t size;
    FILE *f = open_memstream(&line, &size);
    if (!f)
        return;
    double us = (double)t->duration_ns / 1000;
    if (r->json) {
        fputs("{\"trace\":", f);
        cli_put_json(f, t->component);
        fprintf(f,
                ",\"interface\":\"%s\",\"function\":\"%s\",\"provider\":\"%s\",\"ns\":%" PRIu64
                ",\"outcome\":\"%s\"}\n",
                t->interface_name, t->function, t->provider, t->duration_ns, t->outcome);
    } else {
        fputs("trace: ", f);
        cli_put(f, t->component);
        fprintf(f, " %s.%s %s %.1f us %s\n", t->interface_name, t->function, t->provider, us,
                t->outcome);
    }
    fclose(f);
    fwrite(line, 1, size, stderr);
    free(line);
}

static void note_decision(void *data, const loop_decided *d)
{
    loop_audit_note(((struct run *)data)->decided.audit, d);
}

/* ---- steering it while it runs ---- */

static loop_error *load_again(void *data, loop_config **ret)
{
    const struct run *r = data;
    return cli_config_load(r->args, ret);
}

/* What --bind says holds, whatever becomes of loop.yaml. */
static char **bound_by_flags(const cli_args *args)
{
    size_t n = 0;
    const char *text;
    while (cli_value_at(args, "--bind", n))
        n++;
    char **list = cli_alloc((n + 1) * sizeof *list);
    for (size_t i = 0; (text = cli_value_at(args, "--bind", i)); i++)
        list[i] = cli_format("%.*s", (int)strcspn(text, "="), text);
    return list;
}

static loop_error *open_control(struct run *r, const cli_target *t)
{
    loop_error *e = loop_control_open(
        r->host, &(loop_control_options){.after_ms = CONTROL_MS, .config = t->config}, &r->control);
    if (e || !cli_has(r->args, "--watch"))
        return e;
    r->bound = bound_by_flags(r->args);
    const loop_watch_options options = {
        .load = load_again, .data = r, .bound = (const char *const *)r->bound};
    return loop_watch_open(r->host, t->config, &options, &r->watch);
}

static void close_control(struct run *r)
{
    loop_watch_close(r->watch);
    loop_control_close(r->control);
    for (size_t i = 0; r->bound && r->bound[i]; i++)
        free(r->bound[i]);
    free(r->bound);
}

/* ---- running ---- */

static loop_host_options host_options(const cli_args *args, const cli_target *t, struct run *r)
{
    loop_host_options o = cli_host_options(t->config);
    o.stack = t->limits.of[LOOP_MAX_STACK].value;
    o.no_cache = cli_has(args, "--no-cache");
    o.progress = !cli_has(args, "--quiet") && isatty(STDERR_FILENO) ? show_progress : NULL;
    o.trace = cli_has(args, "--trace") ? show_trace : NULL;
    o.decided = r->decided.audit ? note_decision : NULL;
    o.data = r;
    r->json = o.log_json;
    return o;
}

/*
 * What lies in the cache has the digest that its bytes were just compared with as its name. Another
 * one is a file that loop.yaml has in the package's place.
 */
static bool is_content(const char *path, const char *content)
{
    static const char prefix[] = "sha256:";
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    if (!*content || strlen(name) != 64 || strspn(name, "0123456789abcdef") != 64)
        return true;
    return strncmp(content, prefix, sizeof prefix - 1) == 0 &&
           strcmp(content + sizeof prefix - 1, name) == 0;
}

/* For components that load components; any thread. */
static loop_error *find_package(void *data, const loop_child_wish *wish, char **ret_path)
{
    char *text = cli_format("%s@=%s", wish->package, wish->version), *path = NULL;
    loop_signer signer; /* a component that is loaded has the lowest class, whoever signed it */
    loop_error *e = cli_package_path(data, text, &path, &signer);
    free(text);
    if (!e && !is_content(path, wish->content)) {
        e = loop_error_new(LOOP_NOT_FOUND, "%s %s in the cache is %s, and not what was selected",
                           wish->package, wish->version, strrchr(path, '/') + 1);
        free(path);
        return e;
    }
    if (!e)
        *ret_path = path;
    return e;
}

static loop_error *open_instance(const cli_args *args, const cli_target *t, struct run *r,
                                 loop_component **ret_component)
{
    loop_host_options host = host_options(args, t, r);
    loop_error *e = loop_host_new(&host, &r->host);
    if (!e)
        loop_host_packages(r->host, find_package, t->config);
    if (!e)
        e = cli_target_bind(args, t->config, r->host);
    if (!e)
        e = loop_component_open(r->host, t->path, ret_component);
    erase_progress(r);
    if (e)
        return e;
    const loop_instance_options options = {
        .name = t->name,
        .identity = t->identity,
        .owner = t->owner,
        .args = t->args,
        .policy = t->policy,
        .optional = t->optional,
        .limits = &t->limits,
        .timeout_ms = t->timeout_ms,
        .grace_ms = t->grace_ms,
        .on_trap = t->on_trap,
        .config = t->pairs,
    };
    return loop_instance_new(r->host, *ret_component, &options, &r->instance);
}

_Noreturn static void run_to_the_end(const cli_args *args, struct run *r)
{
    const char *call = cli_value(args, "--invoke");
    loop_result result = {0};
    loop_error *e = call ? loop_instance_invoke(r->instance, call, &result)
                         : loop_instance_run(r->instance, &result);
    if (!e && result.output && *result.output) {
        cli_put(stdout, result.output);
        putchar('\n');
    }
    close_control(r);
    loop_host_close(r->host);
    loop_error *not_noted = cli_decided_finish(&r->decided);
    if (e && not_noted)
        cli_print_error(not_noted);
    cli_exit_now(e ? e : not_noted, result.status);
}

loop_error *cli_run_component(const cli_args *args, bool suggest)
{
    unsigned wanted = watch_early();
    cli_target target;
    loop_error *e = cli_target_open(args, &target);
    if (e)
        return e;
    struct run r = {.args = args};
    loop_component *component = NULL;
    e = cli_decided_open(args, &target, suggest, &r.decided);
    if (!e)
        e = open_instance(args, &target, &r, &component);
    if (!e)
        e = watch_signals(&r, wanted);
    if (!e)
        e = open_control(&r, &target);
    if (!e)
        run_to_the_end(args, &r);
    close_control(&r);
    loop_instance_delete(r.instance);
    loop_component_delete(component);
    loop_host_delete(r.host);
    loop_error_delete(loop_audit_close(r.decided.audit));
    cli_target_done(&target);
    return e;
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    return cli_run_component(args, false);
}

static const cli_group group_run = {
    "Running",
    (const cli_option[]){
        {"--invoke", "'IFACE.FUNC(ARGS)'",
         "call one export, with arguments in WAVE, and print the result", NULL, NULL},
        {"--trace", NULL, "show every call into a provider on stderr (WASI's own are not shown)",
         NULL, NULL},
        {"--watch", NULL, "swap what changes in loop.yaml and in the files that it names", NULL,
         NULL},
        {"--quiet", NULL, "no progress line on the terminal", NULL, NULL},
        {"--no-cache", NULL, "compile again, and keep nothing", NULL, NULL},
        {0},
    },
};

const cli_command cli_run = {
    .name = "run",
    .synopsis = "[options] [COMPONENT] [-- args]",
    .summary = "run a component",
    .about =
        "Runs a WebAssembly component: a command (it exports wasi:cli/run), an application (it "
        "exports loop:core/app), or with --invoke one function of any component.\n\n"
        "COMPONENT is a file if it has a '/', ends in .wasm or is one; else a name in loop.yaml, "
        "or a package that was installed (acme:notes, acme:notes@^1). "
        "Without one, the workspace's default runs. Options stand before COMPONENT; what follows "
        "it "
        "goes to the component.\n\n"
        "A component may use its standard streams, its arguments, clocks, random numbers and "
        "loop:core. Everything else is granted by an option or by loop.yaml, or it does not exist. "
        "`loop explain` shows what is granted and what is asked for.\n\n"
        "While it runs, `loop ps` shows it, and `loop swap` and `loop reload` replace what serves "
        "it, or the component. With --watch that happens by itself, and the log tells of it: when "
        "a binding in loop.yaml changes, or the file of a library, a sidecar or the component. A "
        "loop.yaml that names libraries or sidecars must be trusted as it is then. Grants and "
        "limits stay those of the start.\n\n"
        "The first Ctrl-C asks the component to end, and stops it after the grace period; the "
        "second "
        "stops it at once. The exit status is the component's own; loop's failures are 64 to 79.",
    .example = "loop run --dir ./data::/data notes.wasm add 'buy milk'",
    .shows = "runs notes.wasm with two arguments; it sees ./data as /data and no other file",
    .not_yet = "serving HTTP (wasi:http/incoming-handler)",
    .operands = "<component>",
    .groups =
        (const cli_group *const[]){&group_run, &cli_group_decisions, &cli_group_grants,
                                   &cli_group_limits, &cli_group_imports, &cli_group_config, NULL},
    .max_operands = SIZE_MAX,
    .first_operand_ends = true,
    .run = run,
};
