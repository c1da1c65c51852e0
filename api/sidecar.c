/*
 * api/sidecar.c: implements loop_host_sidecar_add: a command becomes a provider of the tier
 * `sidecar` (sidecar/), which ends with the host.
 */
#include <stdlib.h>

#include "api/log.h"
#include "base/base.h"
#include "base/os/os.h"
#include "host/hooks.h"
#include "sidecar/sidecar.h"

/* Installed: lib/loop/loop-guard, from the library's folder. In a build: beside the library. */
static char *find_guard(void)
{
    static const char *const places[] = {"loop/loop-guard", "loop-guard", "../loop-guard"};
    lp_auto(lp_free_string) char *own = lp_os_own_path();
    char *last = own ? strrchr(own, '/') : NULL;
    for (size_t i = 0; last && i < LP_COUNT(places); i++) {
        char *path = lp_format("%.*s/%s", (int)(last - own), own, places[i]);
        if (lp_os_exists(path) && !lp_os_is_dir(path))
            return path;
        free(path);
    }
    return NULL;
}

static void log_entry(void *host, const loop_log_entry *entry)
{
    loop_host *h = host;
    if (entry->level >= lp_host_options(h)->log_level)
        lp_log_write(h, entry);
}

static void end_table(void *t)
{
    lp_sidecar_table_delete(t);
}

static bool has_name(const void *name, const loop_provider *p, const lp_table_life *life)
{
    (void)life;
    return strcmp(p->name, name) == 0;
}

/* "weather", or "weather-2" where there is one already. */
static void name_apart(loop_host *h, lp_sidecar_table *t)
{
    const char *name = lp_sidecar_provider(t)->name;
    lp_auto(lp_free_string) char *other = lp_strdup(name);
    for (unsigned n = 2; lp_host_which(h, has_name, other); n++) {
        free(other);
        other = lp_format("%s-%u", name, n);
    }
    if (strcmp(name, other) != 0)
        lp_sidecar_rename(t, other);
}

static bool has_command(const void *options, const loop_provider *p, const lp_table_life *life)
{
    (void)life;
    return lp_sidecar_is(p, options);
}

loop_error *loop_host_sidecar_add(loop_host *h, const loop_sidecar_options *options,
                                  const char **ret_provider)
{
    if (!options->command || !options->command[0])
        return loop_error_new(LOOP_USAGE, "a sidecar without a command");
    lp_auto(lp_free_string) char *directory =
        lp_os_realpath(options->directory ? options->directory : ".");
    if (!directory || !lp_os_is_dir(directory))
        return loop_error_new(LOOP_NOT_FOUND, "there is no directory '%s' to start a sidecar in",
                              options->directory ? options->directory : ".");
    lp_auto(lp_free_string) char *guard = find_guard();
    if (!guard)
        return loop_error_hint_set(
            loop_error_new(LOOP_UNAVAILABLE, "loop's own program 'loop-guard' is missing"),
            "install loop as a whole: without it a sidecar could outlive its host");
    const lp_sidecar_options o = {.command = options->command,
                                  .directory = directory,
                                  .guard = guard,
                                  .host = "loop " LOOP_VERSION,
                                  .log = log_entry,
                                  .data = h};
    const char *known = lp_host_which(h, has_command, &o);
    if (known) {
        *ret_provider = known;
        return NULL;
    }
    lp_sidecar_table *t;
    LP_TRY(lp_sidecar_table_new(&o, &t));
    name_apart(h, t);
    const loop_provider *p = lp_sidecar_provider(t);
    const lp_table_life life = {.end = end_table, .data = t};
    loop_error *err = lp_host_provider_add(h, p, LOOP_TIER_SIDECAR, &life);
    if (err) {
        err = loop_error_wrap(err, "cannot use the sidecar '%s'", p->name);
        lp_sidecar_table_delete(t);
        return err;
    }
    *ret_provider = lp_host_name(h, p->name);
    return NULL;
}
