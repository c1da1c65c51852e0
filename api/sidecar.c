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

static bool is_taken(const loop_host *h, const char *name)
{
    const loop_provider *p;
    for (size_t i = 0; (p = loop_host_provider_at(h, i)); i++)
        if (strcmp(p->name, name) == 0)
            return true;
    return false;
}

/* "weather", or "weather-2" where there is one already. */
static void name_apart(const loop_host *h, lp_sidecar_table *t)
{
    const char *name = lp_sidecar_provider(t)->name;
    lp_auto(lp_free_string) char *other = lp_strdup(name);
    for (unsigned n = 2; is_taken(h, other); n++) {
        free(other);
        other = lp_format("%s-%u", name, n);
    }
    if (strcmp(name, other) != 0)
        lp_sidecar_rename(t, other);
}

/* The provider of that command, where this host has it already. */
static const loop_provider *known(const loop_host *h, const lp_sidecar_options *o)
{
    const loop_provider *p;
    for (size_t i = 0; (p = loop_host_provider_at(h, i)); i++)
        if (lp_sidecar_is(p, o))
            return p;
    return NULL;
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
    const loop_provider *p = known(h, &o);
    lp_sidecar_table *t;
    if (!p) {
        LP_TRY(lp_sidecar_table_new(&o, &t));
        name_apart(h, t);
        p = lp_sidecar_provider(t);
        loop_error *err = lp_host_provider_add(h, p, LOOP_TIER_SIDECAR);
        if (err) {
            err = loop_error_wrap(err, "cannot use the sidecar '%s'", p->name);
            lp_sidecar_table_delete(t);
            return err;
        }
        lp_host_at_end(h, end_table, t);
    }
    *ret_provider = p->name;
    return NULL;
}
