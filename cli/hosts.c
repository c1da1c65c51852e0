/*
 * cli/hosts.c: implements cli/hosts.h: asking hosts.
 *
 * Each is asked in turn, and not for long: a host that was stopped (Ctrl-Z) must not stop `loop
 * ps`. cli/wishes.c has what is done with one of them.
 */
#include "cli/hosts.h"

#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 2000

const cli_group cli_group_host = {
    "Which host",
    (const cli_option[]){
        {"--host", "PID", "the host with this process id, as `loop ps` shows it", NULL, NULL},
        {0},
    },
};

/* ---- asking all ---- */

static void add(void *data, const char *name)
{
    cli_hosts *h = data;
    cli_host *more = cli_alloc((h->count + 1) * sizeof *more);
    if (h->count)
        memcpy(more, h->at, h->count * sizeof *more);
    free(h->at);
    h->at = more;
    h->at[h->count++] = (cli_host){.name = cli_format("%s", name)};
}

static int by_name(const void *a, const void *b)
{
    const char *x = ((const cli_host *)a)->name, *y = ((const cli_host *)b)->name;
    unsigned long long m = strtoull(x, NULL, 10), n = strtoull(y, NULL, 10);
    return m == n ? strcmp(x, y) : m < n ? -1 : 1;
}

static void ask(cli_host *host)
{
    host->error = loop_remote_open(host->name, PATIENCE_MS, &host->remote);
    if (!host->error)
        host->error = loop_remote_status(host->remote, &host->status);
}

/* One that ended between two looks is none. */
static void drop_gone(cli_hosts *h)
{
    size_t n = 0;
    for (size_t i = 0; i < h->count; i++) {
        loop_code code = loop_error_code(h->at[i].error);
        if (code == LOOP_NOT_FOUND || code == LOOP_IO) {
            loop_error_delete(h->at[i].error);
            loop_remote_close(h->at[i].remote);
            free(h->at[i].name);
        } else {
            h->at[n++] = h->at[i];
        }
    }
    h->count = n;
}

loop_error *cli_hosts_open(const cli_args *args, cli_hosts *ret)
{
    cli_hosts h = {0};
    const char *only = cli_value(args, "--host");
    loop_error *e = NULL;
    if (only)
        add(&h, only);
    else
        e = loop_remote_each(add, &h);
    if (h.count)
        qsort(h.at, h.count, sizeof *h.at, by_name);
    for (size_t i = 0; i < h.count; i++)
        ask(&h.at[i]);
    if (only && h.at->error) {
        e = h.at->error;
        h.at->error = NULL;
        if (loop_error_code(e) == LOOP_NOT_FOUND)
            e = loop_error_hint_set(e, "`loop ps` shows those that there are");
    }
    if (e)
        cli_hosts_close(&h);
    else
        drop_gone(&h);
    *ret = h;
    return e;
}

void cli_hosts_close(cli_hosts *h)
{
    for (size_t i = 0; i < h->count; i++) {
        loop_remote_close(h->at[i].remote);
        loop_error_delete(h->at[i].error);
        free(h->at[i].name);
    }
    free(h->at);
    *h = (cli_hosts){0};
}

/* ---- finding one ---- */

bool cli_is_instance(const loop_instance_status *s, const char *name)
{
    if (!name)
        return true;
    if (name[0] == '#')
        return strtoull(name + 1, NULL, 10) == s->number;
    size_t n = strlen(name);
    return strncmp(name, s->name, n) == 0 && (!s->name[n] || strcmp(s->name + n, ".wasm") == 0);
}

static bool has_instance(const cli_host *host, const char *name)
{
    for (size_t i = 0; host->status && i < host->status->instance_count; i++)
        if (cli_is_instance(&host->status->instances[i], name))
            return true;
    return false;
}

static loop_error *not_found(const cli_hosts *h, const char *instance)
{
    if (!h->count)
        return loop_error_hint_set(loop_error_new(LOOP_NOT_FOUND, "no host of yours is running"),
                                   "`loop run` is one, a moment after its start");
    loop_error *e = instance
                        ? loop_error_new(LOOP_NOT_FOUND, "no host has an instance '%s'", instance)
                        : loop_error_new(LOOP_NOT_FOUND, "no host has an instance");
    return loop_error_hint_set(e, "`loop ps` lists what there is");
}

loop_error *cli_hosts_find(const cli_hosts *h, const char *instance, const cli_host **ret)
{
    char *names = NULL;
    size_t n = 0;
    for (size_t i = 0; i < h->count; i++) {
        if (!has_instance(&h->at[i], instance))
            continue;
        char *more = n++ ? cli_format("%s, or --host %s", names, h->at[i].name)
                         : cli_format("--host %s", h->at[i].name);
        free(names);
        names = more;
        *ret = &h->at[i];
    }
    loop_error *e = n ? NULL : not_found(h, instance);
    if (n > 1)
        e = loop_error_hint_set(
            instance ? loop_error_new(LOOP_USAGE, "%zu hosts have an instance '%s'", n, instance)
                     : loop_error_new(LOOP_USAGE, "%zu hosts are running", n),
            "say which one: %s", names);
    free(names);
    return e;
}

/* ---- words ---- */

char *cli_uptime(uint64_t ms)
{
    uint64_t s = ms / 1000;
    if (s < 60)
        return cli_format("%llus", (unsigned long long)s);
    if (s < 3600)
        return cli_format("%llum %llus", (unsigned long long)(s / 60),
                          (unsigned long long)(s % 60));
    if (s < 86400)
        return cli_format("%lluh %llum", (unsigned long long)(s / 3600),
                          (unsigned long long)(s / 60 % 60));
    return cli_format("%llud %lluh", (unsigned long long)(s / 86400),
                      (unsigned long long)(s / 3600 % 24));
}

const char *cli_condition(loop_condition c)
{
    switch (c) {
    case LOOP_CONDITION_NEW: return "new";
    case LOOP_CONDITION_RUNNING: return "running";
    case LOOP_CONDITION_SWAPPING: return "swapping";
    case LOOP_CONDITION_STOPPING: return "stopping";
    case LOOP_CONDITION_ENDED: return "ended";
    case LOOP_CONDITION_RESTING: return "resting";
    case LOOP_CONDITION_QUARANTINED: return "quarantined";
    }
    return "unknown";
}
