/*
 * cli/cmd_status.c: `loop status`: an instance in full: who serves each import, in which
 * generation, who holds handles of the ones before, and how fast calls are.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/hosts.h"

/* ---- for people ---- */

static void put_latency(const loop_import_status *m)
{
    printf("    calls       %" PRIu64 "%s", m->calls, m->in_flight ? ", one under way" : "");
    if (m->p50_ns)
        printf("; half took %.1f us at most, 99 of 100 %.1f us, the longest %.1f us",
               (double)m->p50_ns / 1000, (double)m->p99_ns / 1000, (double)m->max_ns / 1000);
    putchar('\n');
}

static void put_generation(const loop_generation_status *g)
{
    printf("    handles     %" PRIu64 " of generation %u, ", g->handles, g->generation);
    cli_put(stdout, g->chain);
    puts(g->drains ? ", which was swapped out" : "");
}

static void put_import(const loop_import_status *m)
{
    fputs("  ", stdout);
    cli_put(stdout, m->interface_name);
    fputs(": ", stdout);
    cli_put(stdout, *m->chain ? m->chain : "nobody");
    if (m->generation)
        printf(", generation %u", m->generation);
    putchar('\n');
    if (!*m->chain)
        return;
    put_latency(m);
    for (size_t i = 0; i < m->generation_count; i++)
        if (m->generations[i].handles || m->generations[i].drains)
            put_generation(&m->generations[i]);
}

static void put_instance(const cli_host *host, const loop_instance_status *s)
{
    char *up = cli_uptime(s->uptime_ms);
    size_t engine = 0;
    cli_put(stdout, s->name);
    printf(": #%" PRIu64 " of host %s, %s for %s\n  component: ", s->number, host->name,
           cli_condition(s->condition), up);
    cli_put(stdout, s->path);
    printf(
        "\n    replaced %u times with its state, %u times from nothing; %u wait in its mailbox\n",
        s->swaps, s->restarts, s->waiting);
    if (s->failure) {
        printf("    failed %u times, the last time: ", s->failures);
        cli_put(stdout, s->failure);
        puts(s->condition == LOOP_CONDITION_QUARANTINED ? "; `loop reload` starts it again" : "");
    }
    for (size_t i = 0; i < s->import_count; i++) {
        engine += s->imports[i].tier == LOOP_TIER_ENGINE;
        if (s->imports[i].tier != LOOP_TIER_ENGINE)
            put_import(&s->imports[i]);
    }
    if (engine)
        printf("  WASI: the engine, %zu interfaces\n", engine);
    free(up);
}

static void put_host(const cli_host *host, const char *instance)
{
    for (size_t i = 0; host->status && i < host->status->instance_count; i++)
        if (cli_is_instance(&host->status->instances[i], instance))
            put_instance(host, &host->status->instances[i]);
    if (host->status && !instance)
        printf("host %s: %u swaps, %u rolled back\n", host->name, host->status->swaps,
               host->status->rolled_back);
    if (host->error && !instance) {
        printf("host %s: ", host->name);
        cli_put(stdout, loop_error_message(host->error));
        putchar('\n');
    }
}

/* ---- for programs ---- */

static void put_key(const char *key, const char *text)
{
    printf(",\"%s\":", key);
    cli_put_json(stdout, text);
}

static void json_import(const loop_import_status *m)
{
    static const char *const tiers[] = {"engine",  "built-in",  "library",
                                        "sidecar", "component", "stub"};
    fputs("{\"interface\":", stdout);
    cli_put_json(stdout, m->interface_name);
    put_key("chain", m->chain);
    put_key("tier", m->tier < sizeof tiers / sizeof *tiers ? tiers[m->tier] : "");
    printf(",\"generation\":%u,\"calls\":%" PRIu64 ",\"in-flight\":%s,\"p50-ns\":%" PRIu64
           ",\"p99-ns\":%" PRIu64 ",\"max-ns\":%" PRIu64 ",\"generations\":[",
           m->generation, m->calls, m->in_flight ? "true" : "false", m->p50_ns, m->p99_ns,
           m->max_ns);
    for (size_t i = 0; i < m->generation_count; i++) {
        const loop_generation_status *g = &m->generations[i];
        printf("%s{\"generation\":%u,\"handles\":%" PRIu64 ",\"drains\":%s", i ? "," : "",
               g->generation, g->handles, g->drains ? "true" : "false");
        put_key("chain", g->chain);
        putchar('}');
    }
    fputs("]}", stdout);
}

static void json_instance(const cli_host *host, const loop_instance_status *s)
{
    fputs("{\"name\":", stdout);
    cli_put_json(stdout, s->name);
    printf(",\"number\":%" PRIu64 ",\"host\":\"%s\",\"condition\":\"%s\",\"uptime-ms\":%" PRIu64
           ",\"swaps\":%u,\"restarts\":%u,\"waiting\":%u",
           s->number, host->name, cli_condition(s->condition), s->uptime_ms, s->swaps, s->restarts,
           s->waiting);
    printf(",\"failures\":%u", s->failures);
    if (s->failure)
        put_key("failure", s->failure);
    put_key("component", s->path);
    fputs(",\"imports\":[", stdout);
    for (size_t i = 0; i < s->import_count; i++) {
        fputs(i ? ",\n    " : "\n    ", stdout);
        json_import(&s->imports[i]);
    }
    fputs("]}", stdout);
}

static void put_json(const cli_hosts *h, const cli_host *only, const char *instance)
{
    bool any = false;
    putchar('[');
    for (size_t i = 0; i < h->count; i++) {
        const cli_host *host = &h->at[i];
        if (only && host != only)
            continue;
        for (size_t k = 0; host->status && k < host->status->instance_count; k++) {
            if (!cli_is_instance(&host->status->instances[k], instance))
                continue;
            fputs(any ? ",\n  " : "\n  ", stdout);
            json_instance(host, &host->status->instances[k]);
            any = true;
        }
    }
    puts(any ? "\n]" : "]");
}

/* ---- the command ---- */

static loop_error *run(const cli_args *args, int *ret_status)
{
    (void)ret_status;
    const char *instance = args->operands[0];
    const cli_host *host = NULL;
    cli_hosts h;
    loop_error *e = cli_hosts_open(args, &h);
    if (e)
        return e;
    if (instance)
        e = cli_hosts_find(&h, instance, &host);
    if (!e && cli_has(args, "--json"))
        put_json(&h, host, instance);
    else if (!e && host)
        put_host(host, instance);
    else if (!e && !h.count)
        puts("no host of yours is running");
    for (size_t i = 0; !e && !host && !cli_has(args, "--json") && i < h.count; i++)
        put_host(&h.at[i], NULL);
    cli_hosts_close(&h);
    return e;
}

static const cli_group group_output = {
    "Output",
    (const cli_option[]){
        {"--json", NULL, "for programs: numbers as they are, and what WASI serves", NULL, NULL},
        {0},
    },
};

const cli_command cli_status = {
    .name = "status",
    .synopsis = "[--json] [--host PID] [INSTANCE]",
    .summary = "show who serves what in something that runs",
    .about =
        "Shows an instance: its component, and for each import who serves it, in which generation "
        "(a swap makes the next), how many calls there were, whether one is under way, how long "
        "they took (of a sample), and which handles the component holds of which generation.\n\n"
        "INSTANCE is a name or a number of `loop ps` (notes, #3); without one, all are shown.",
    .example = "loop status notes",
    .shows = "shows what serves the imports of notes",
    .groups = (const cli_group *const[]){&group_output, &cli_group_host, NULL},
    .max_operands = 1,
    .run = run,
};
