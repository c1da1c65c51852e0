/* cli/cmd_ps.c: `loop ps`: what runs in the hosts of this user, an instance a line. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/hosts.h"

static void put_row(const cli_host *host, const loop_instance_status *s)
{
    char *number = cli_format("#%" PRIu64, s->number), *up = cli_uptime(s->uptime_ms);
    printf("%-8s %-4s ", host->name, number);
    cli_put(stdout, s->name);
    size_t n = cli_width(s->name);
    printf("%*s %-9s %-8s %5u %8u  ", n < 16 ? (int)(16 - n) : 0, "", cli_condition(s->condition),
           up, s->swaps, s->restarts);
    cli_put(stdout, s->path);
    putchar('\n');
    free(number);
    free(up);
}

static void put_table(const cli_hosts *h)
{
    if (!h->count) {
        puts("no host of yours is running");
        return;
    }
    printf("%-8s %-4s %-16s %-9s %-8s %5s %8s  %s\n", "HOST", "#", "INSTANCE", "STATE", "UP",
           "SWAPS", "RESTARTS", "COMPONENT");
    for (size_t i = 0; i < h->count; i++) {
        const cli_host *host = &h->at[i];
        for (size_t k = 0; host->status && k < host->status->instance_count; k++)
            put_row(host, &host->status->instances[k]);
        if (host->status && !host->status->instance_count)
            printf("%-8s no instance\n", host->name);
        if (host->error) {
            printf("%-8s ", host->name);
            cli_put(stdout, loop_error_message(host->error));
            putchar('\n');
        }
    }
}

static void put_json(const cli_hosts *h)
{
    putchar('[');
    for (size_t i = 0; i < h->count; i++) {
        const cli_host *host = &h->at[i];
        printf("%s\n  {\"host\":\"%s\",\"pid\":%llu,", i ? "," : "", host->name,
               strtoull(host->name, NULL, 10));
        if (host->error) {
            fputs("\"error\":", stdout);
            cli_put_json(stdout, loop_error_message(host->error));
            putchar(',');
        }
        fputs("\"instances\":[", stdout);
        for (size_t k = 0; host->status && k < host->status->instance_count; k++) {
            const loop_instance_status *s = &host->status->instances[k];
            fputs(k ? ",\n    {\"name\":" : "\n    {\"name\":", stdout);
            cli_put_json(stdout, s->name);
            printf(",\"number\":%" PRIu64 ",\"condition\":\"%s\",\"uptime-ms\":%" PRIu64
                   ",\"swaps\":%u,\"restarts\":%u,\"component\":",
                   s->number, cli_condition(s->condition), s->uptime_ms, s->swaps, s->restarts);
            cli_put_json(stdout, s->path);
            putchar('}');
        }
        fputs("]}", stdout);
    }
    puts(h->count ? "\n]" : "]");
}

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    cli_hosts h;
    loop_error *e = cli_hosts_open(args, &h);
    if (e)
        return e;
    if (cli_has(args, "--json"))
        put_json(&h);
    else
        put_table(&h);
    cli_hosts_close(&h);
    return NULL;
}

static const cli_group group_output = {
    "Output",
    (const cli_option[]){
        {"--json", NULL, "for programs", NULL, NULL},
        {0},
    },
};

const cli_command cli_ps = {
    .name = "ps",
    .synopsis = "[--json] [--host PID]",
    .summary = "list what runs",
    .about =
        "Lists the instances in the hosts of this user: the host's process id, the number and the "
        "name of the instance, what it does, for how long, how often its component was replaced "
        "with its state (SWAPS) and without (RESTARTS), and the component's file.\n\n"
        "A host is a `loop run`, once it has run for a moment, or another program that offers "
        "control of what it runs. A host that does not answer within two seconds is listed as "
        "one.",
    .example = "loop ps",
    .shows = "prints a line for each instance",
    .groups = (const cli_group *const[]){&group_output, &cli_group_host, NULL},
    .run = run,
};
