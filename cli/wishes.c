/*
 * cli/wishes.c: the rest of cli/hosts.h: what `loop swap` and `loop reload` ask a host to do, and
 * the report of it.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/hosts.h"
#include "cli/target.h"

const cli_group cli_group_swap = {
    "How",
    (const cli_option[]){
        {"--dry-run", NULL, "start the new one, check what can be checked, change nothing", NULL,
         NULL},
        {"--restart", NULL, "let a component without loop:core/reload start again from nothing",
         NULL, NULL},
        {"--deadline", "DURATION", "how long calls may wait (5s); over it, nothing changes", NULL,
         NULL},
        {0},
    },
};

const cli_group cli_group_carry = {
    "What a provider holds",
    (const cli_option[]){
        {"--carry", "state|none", "whether its state goes to the new one (state)", NULL,
         "state|none"},
        {"--drain", "DURATION", "how long the old one serves handles that it keeps (60s)", NULL,
         NULL},
        {0},
    },
};

/* ---- options ---- */

static loop_error *read_duration(const cli_args *args, const char *flag, uint64_t *ret)
{
    const char *text = cli_value(args, flag);
    if (!text)
        return NULL;
    size_t digits = strspn(text, "0123456789");
    static const char *const units[] = {"ms", "s", "m", "h"};
    bool known = false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        known = known || strcmp(text + digits, units[i]) == 0;
    *ret = known && digits && digits < 9 ? cli_duration_ms(text) : 0;
    if (*ret && *ret <= 24u * 3600000u)
        return NULL;
    return loop_error_hint_set(loop_error_new(LOOP_USAGE, "%s '%s' is no duration", flag, text),
                               "write a number with ms, s, m or h, a day at most: 250ms, 5s");
}

loop_error *cli_wish(const cli_args *args, loop_wish *ret)
{
    const char *carry = cli_value(args, "--carry");
    loop_wish w = {.dry_run = cli_has(args, "--dry-run"), .restart = cli_has(args, "--restart")};
    if (carry && strcmp(carry, "none") != 0 && strcmp(carry, "state") != 0)
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "--carry '%s' is not known", carry),
                                   "state: what the old one holds goes to the new one; none: the "
                                   "new one begins with what it has");
    w.carry = carry && strcmp(carry, "none") == 0 ? LOOP_CARRY_NONE : LOOP_CARRY_STATE;
    loop_error *e = read_duration(args, "--deadline", &w.deadline_ms);
    if (!e)
        e = read_duration(args, "--drain", &w.drain_ms);
    *ret = w;
    return e;
}

/* ---- the report ---- */

static char *size_text(uint64_t bytes)
{
    return bytes < 1024       ? cli_format("%llu bytes", (unsigned long long)bytes)
           : bytes < 1u << 20 ? cli_format("%.4g KiB", (double)bytes / 1024)
                              : cli_format("%.4g MiB", (double)bytes / (1 << 20));
}

static void put_carried(const loop_swap_report *r)
{
    char *whole = size_text(r->state_bytes), *rest = size_text(r->rest_bytes);
    if (r->state_bytes)
        printf("  state    %s carried, %s of it while calls waited\n", whole, rest);
    else
        puts("  state    none was carried");
    free(whole);
    free(rest);
}

static void put_report(const char *what, const loop_swap_report *r, bool dry)
{
    cli_put(stdout, what);
    fputs(": ", stdout);
    cli_put(stdout, r->from ? r->from : "");
    fputs(" → ", stdout);
    cli_put(stdout, r->to ? r->to : "");
    if (r->generation)
        printf(", generation %u", r->generation);
    putchar('\n');
    if (r->warning) {
        fputs("  warning  ", stdout);
        cli_put(stdout, r->warning);
        putchar('\n');
    }
    if (dry) {
        puts("  dry run  it would work as far as can be known; nothing was changed");
        return;
    }
    put_carried(r);
    if (r->handles_moved || r->handles_left)
        printf("  handles  %llu moved, %llu stay with the old one until they are dropped\n",
               (unsigned long long)r->handles_moved, (unsigned long long)r->handles_left);
    printf("  calls    waited %.1f us at most; all of it took %.1f us\n",
           (double)r->pause_ns / 1000, (double)r->whole_ns / 1000);
}

struct carrying {
    const loop_wish *wish;
};

static void on_step(void *data, const char *what, const loop_error *error,
                    const loop_swap_report *report)
{
    const struct carrying *c = data;
    if (report)
        put_report(what, report, c->wish->dry_run);
    if (error) {
        char *text = loop_error_format(error);
        cli_put(stdout, what);
        fputs(": stays as it was\n", stdout);
        cli_put_lines(stdout, "  ", text);
        loop_free(text);
    }
    fflush(stdout);
}

/* ---- asking a person ---- */

/* A component that would start again from nothing: only a person may want that. */
static bool wants_restart(const loop_wish *w, const loop_error *e)
{
    if (loop_error_code(e) != LOOP_DENIED || w->reload || w->interface_name || w->restart ||
        w->dry_run)
        return false;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return false;
    cli_put(stdout, loop_error_message(e));
    fputs("\nIt would start again from nothing. Shall it? [y/N] ", stdout);
    fflush(stdout);
    return cli_says_yes();
}

static loop_error *hint_restart(const loop_wish *w, loop_error *e)
{
    if (loop_error_code(e) != LOOP_DENIED || w->interface_name || w->restart)
        return e;
    return loop_error_hint_set(e, "with --restart a component without loop:core/reload starts "
                                  "again from nothing");
}

/* As the host knows it; for free(). NULL: all. */
static char *number_of(const cli_host *host, const char *instance)
{
    for (size_t i = 0; instance && host->status && i < host->status->instance_count; i++) {
        const loop_instance_status *s = &host->status->instances[i];
        if (cli_is_instance(s, instance))
            return cli_format("#%llu", (unsigned long long)s->number);
    }
    return instance ? cli_format("%s", instance) : NULL;
}

loop_error *cli_carry_out(const cli_host *host, const loop_wish *wanted)
{
    loop_wish wish = *wanted;
    struct carrying c = {&wish};
    loop_remote *r;
    loop_error *e = loop_remote_open(host->name, 0, &r);
    if (e)
        return e;
    char *number = number_of(host, wanted->instance);
    wish.instance = number;
    e = loop_remote_ask(r, &wish, on_step, &c);
    if (e && wants_restart(&wish, e)) {
        loop_error_delete(e);
        wish.restart = true;
        e = loop_remote_ask(r, &wish, on_step, &c);
    }
    loop_remote_close(r);
    free(number);
    return hint_restart(&wish, e);
}

/* ---- compiling ---- */

static void show_progress(void *data, const char *what)
{
    *(bool *)data = true;
    fputs("loop: ", stderr);
    cli_put(stderr, what);
    fputs(" ...", stderr);
    fflush(stderr);
}

loop_error *cli_compile(const char *path)
{
    bool shown = false;
    loop_host_options options = {.log_level = LOOP_LOG_ERROR,
                                 .progress = isatty(STDERR_FILENO) ? show_progress : NULL,
                                 .data = &shown};
    loop_host *host = NULL;
    loop_component *component = NULL;
    loop_error *e = loop_host_new(&options, &host);
    if (!e)
        e = loop_component_open(host, path, &component);
    if (shown)
        fputs("\r\033[K", stderr);
    loop_component_delete(component);
    loop_host_delete(host);
    return e;
}
