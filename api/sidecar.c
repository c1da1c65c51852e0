/*
 * api/sidecar.c: implements loop_host_sidecar_add: a command becomes a provider of the tier
 * `sidecar` (sidecar/), which ends with the host, or when a swap has replaced it.
 *
 * A swap runs the command again, beside the old process: the program may be another one by then,
 * and say another WELCOME.
 */
#include <stdlib.h>

#include "api/log.h"
#include "api/place.h"
#include "base/base.h"
#include "base/os/os.h"
#include "host/hooks.h"
#include "sidecar/sidecar.h"

static void log_entry(void *host, const loop_log_entry *entry)
{
    loop_host *h = host;
    if (entry->level >= lp_host_options(h)->log_level)
        lp_log_write(h, entry);
}

/* ---- names ---- */

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

/* ---- the life of its table ---- */

struct sidecar {
    loop_host *host;
    lp_sidecar_table *table;
    char **command, *directory;
    char *said; /* its name, as WELCOME says it */
};

static void free_sidecar(struct sidecar *s)
{
    lp_sidecar_table_delete(s->table);
    for (size_t i = 0; s->command[i]; i++)
        free(s->command[i]);
    free(s->command);
    free(s->directory);
    free(s->said);
    free(s);
}

static void end_sidecar(void *data)
{
    free_sidecar(data);
}

static char **copy_command(const char *const *command)
{
    size_t n = 0;
    while (command[n])
        n++;
    char **copy = lp_alloc((n + 1) * sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = lp_strdup(command[i]);
    return copy;
}

static loop_error *start(loop_host *h, const char *const *command, const char *directory,
                         struct sidecar **ret)
{
    lp_auto(lp_free_string) char *guard = lp_place_program("loop-guard");
    if (!guard)
        return loop_error_hint_set(
            loop_error_new(LOOP_UNAVAILABLE, "loop's own program 'loop-guard' is missing"),
            "install loop as a whole: without it a sidecar could outlive its host");
    const lp_sidecar_options o = {.command = command,
                                  .directory = directory,
                                  .guard = guard,
                                  .host = "loop " LOOP_VERSION,
                                  .log = log_entry,
                                  .data = h};
    lp_sidecar_table *table;
    LP_TRY(lp_sidecar_table_new(&o, &table));
    struct sidecar *s = lp_alloc(sizeof *s);
    *s = (struct sidecar){h, table, copy_command(command), lp_strdup(directory),
                          lp_strdup(lp_sidecar_provider(table)->name)};
    *ret = s;
    return NULL;
}

static loop_error *renew_sidecar(void *data, const loop_provider **ret, void **ret_data)
{
    const struct sidecar *old = data;
    struct sidecar *new;
    LP_TRY(start(old->host, (const char *const *)old->command, old->directory, &new));
    if (strcmp(new->said, old->said) == 0) /* the same, under whatever name it has here */
        lp_sidecar_rename(new->table, lp_sidecar_provider(old->table)->name);
    else
        name_apart(old->host, new->table);
    *ret = lp_sidecar_provider(new->table);
    *ret_data = new;
    return NULL;
}

/* ---- adding ---- */

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
    const lp_sidecar_options like = {.command = options->command, .directory = directory};
    const char *known = lp_host_which(h, has_command, &like);
    if (known) {
        *ret_provider = known;
        return NULL;
    }
    struct sidecar *s;
    LP_TRY(start(h, options->command, directory, &s));
    name_apart(h, s->table);
    const loop_provider *p = lp_sidecar_provider(s->table);
    const lp_table_life life = {renew_sidecar, end_sidecar, s};
    loop_error *err = lp_host_provider_add(h, p, LOOP_TIER_SIDECAR, &life);
    if (err) {
        err = loop_error_wrap(err, "cannot use the sidecar '%s'", p->name);
        free_sidecar(s);
        return err;
    }
    *ret_provider = lp_host_name(h, p->name);
    return NULL;
}
