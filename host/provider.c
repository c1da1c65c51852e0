/*
 * host/provider.c: objects of providers, and their options.
 *
 * A table (tables.c) is what code there is; an object (struct lp_provider) is what `open` made
 * of it with one set of options. host/bind.c says who serves what.
 */
#include <stdlib.h>

#include "base/option.h"
#include "base/path.h"
#include "host/internal.h"

/* ---- what is handed to a provider ---- */

static void service_log(void *data, const loop_log_entry *entry)
{
    loop_host *h = ((struct lp_provider *)data)->host;
    if (entry->level >= h->options.log_level)
        h->hooks.log(h, entry);
}

static bool service_log_enabled(void *data, loop_log_level level)
{
    return level >= ((struct lp_provider *)data)->host->options.log_level;
}

/* The row of an option; SIZE_MAX where there is none. */
static size_t option_row(const loop_provider *p, const char *name)
{
    for (size_t i = 0; p->options && p->options[i].name; i++)
        if (strcmp(p->options[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}

static const char *service_option(void *data, const char *name)
{
    const struct lp_provider *p = data;
    size_t i = option_row(p->table, name);
    if (i == SIZE_MAX)
        return NULL;
    return p->values[i] ? p->values[i] : p->table->options[i].fallback;
}

/* Looked for when first asked for; `finding` is held, or one provider opens. */
static const char *guard_of(loop_host *h)
{
    if (!h->guard && h->hooks.program)
        h->guard = h->hooks.program("loop-guard");
    return h->guard;
}

static const char *service_place(void *data, const char *which)
{
    const struct lp_provider *p = data;
    return strcmp(which, "workspace") == 0 ? p->host->workspace
           : strcmp(which, "cache") == 0   ? p->host->cache_dir
           : strcmp(which, "guard") == 0   ? guard_of(p->host)
                                           : NULL;
}

static uint64_t service_option_number(void *data, const char *name)
{
    const struct lp_provider *p = data;
    size_t i = option_row(p->table, name);
    const loop_provider_option *row = i == SIZE_MAX ? NULL : &p->table->options[i];
    return row ? lp_option_number(row->type, row->values, service_option(data, name)) : 0;
}

/* ---- objects ---- */

static size_t option_count(const loop_provider *p)
{
    size_t n = 0;
    while (p->options && p->options[n].name)
        n++;
    return n;
}

static void free_values(char **values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(values[i]);
    free(values);
}

static loop_error *no_option(const loop_provider *p, const char *name)
{
    lp_buf names = {0};
    for (size_t i = 0; i < option_count(p); i++)
        lp_buf_printf(&names, "%s%s", i ? ", " : "", p->options[i].name);
    loop_error *err =
        loop_error_new(LOOP_NOT_FOUND, "the provider '%s' has no option '%s'", p->name, name);
    err = names.len ? loop_error_hint_set(err, "it has: %s", names.ptr)
                    : loop_error_hint_set(err, "it has none");
    lp_buf_done(&names);
    return err;
}

/* From the host's directory, and inside of it where that is asked for; malloced. */
static loop_error *resolve_path(const loop_host *h, const loop_provider *p,
                                const loop_provider_option *o, const char *text, char **ret)
{
    lp_auto(lp_free_string) char *start = lp_os_realpath(h->directory ? h->directory : ".");
    lp_auto(lp_free_string) char *whole = start ? lp_path_join(start, text) : NULL;
    lp_auto(lp_free_string) char *normal = whole ? lp_path_normal(whole) : NULL;
    lp_auto(lp_free_string) char *real = normal ? lp_path_real(normal) : NULL;
    if (!real)
        return loop_error_new(LOOP_INVALID, "no path for '%s' of '%s': '%.256s'", o->name, p->name,
                              text);
    if (h->options.confine && !lp_path_inside(real, start))
        return loop_error_hint_set(loop_error_new(LOOP_DENIED,
                                                  "'%s' of '%s' leads out of '%s': '%.256s'",
                                                  o->name, p->name, start, text),
                                   "a workspace has no directory outside itself");
    *ret = lp_take(&real);
    return NULL;
}

/* The text of each row of the table, or NULL; of paths, also what a row falls back to. */
static loop_error *read_options(const loop_host *h, const loop_provider *p,
                                const char *const *options, char **ret)
{
    for (size_t i = 0; options && options[i]; i += 2) {
        size_t row = option_row(p, options[i]);
        if (row == SIZE_MAX)
            return no_option(p, options[i]);
        const loop_provider_option *o = &p->options[row];
        lp_auto(lp_free_string) char *expected =
            lp_option_expected(o->type, o->values, options[i + 1]);
        if (expected)
            return loop_error_new(LOOP_INVALID, "expected %s for '%s' of '%s', found '%.64s'",
                                  expected, o->name, p->name, options[i + 1]);
        free(ret[row]);
        ret[row] = lp_strdup(options[i + 1]);
    }
    for (size_t row = 0; row < option_count(p); row++) {
        const loop_provider_option *o = &p->options[row];
        lp_auto(lp_free_string) char *text = NULL;
        if (strcmp(o->type, "path") != 0 || (!ret[row] && !o->fallback))
            continue;
        text = ret[row] ? lp_take(&ret[row]) : lp_strdup(o->fallback);
        LP_TRY(resolve_path(h, p, o, text, &ret[row]));
    }
    return NULL;
}

static bool same_values(char *const *a, char *const *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!a[i] != !b[i] || (a[i] && strcmp(a[i], b[i]) != 0))
            return false;
    return true;
}

static char **copy_options(const char *const *options)
{
    size_t n = 0;
    while (options && options[n])
        n++;
    char **copy = lp_alloc((n + 1) * sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = lp_strdup(options[i]);
    return copy;
}

/* Takes `values`. */
static struct lp_provider *make(loop_host *h, struct lp_table *t, const char *const *options,
                                char **values)
{
    struct lp_provider *p = lp_alloc(sizeof *p);
    *p = (struct lp_provider){.host = h,
                              .origin = t,
                              .table = t->table,
                              .tier = t->tier,
                              .options = copy_options(options),
                              .values = values,
                              .serial = lp_os_mutex_new(),
                              .later_lock = lp_os_mutex_new()};
    p->services = (loop_services){.abi = LOOP_PROVIDER_ABI,
                                  .host = p,
                                  .table = t->table,
                                  .log = service_log,
                                  .log_enabled = service_log_enabled,
                                  .option = service_option,
                                  .option_number = service_option_number,
                                  .place = service_place};
    t->users++;
    *lp_push(&h->providers) = p;
    return p;
}

static struct lp_provider *find_object(const loop_host *h, const struct lp_table *t, char **values)
{
    for (size_t i = 0; i < h->providers.n; i++) {
        struct lp_provider *p = h->providers.at[i];
        if (p->origin == t && p->standing == LP_SERVES &&
            same_values(p->values, values, option_count(t->table)))
            return p;
    }
    return NULL;
}

static loop_error *object(loop_host *h, struct lp_table *t, const char *const *options, bool anew,
                          struct lp_provider **ret)
{
    size_t n = option_count(t->table);
    char **values = lp_alloc((n + 1) * sizeof *values);
    loop_error *err = read_options(h, t->table, options, values);
    struct lp_provider *there = err || anew ? NULL : find_object(h, t, values);
    if (err || there)
        free_values(values, n);
    if (!err)
        *ret = there ? there : make(h, t, options, values);
    return err;
}

loop_error *lp_object_find(loop_host *h, struct lp_table *t, const char *const *options,
                           struct lp_provider **ret)
{
    size_t n = option_count(t->table);
    char **values = lp_alloc((n + 1) * sizeof *values);
    loop_error *err = read_options(h, t->table, options, values);
    *ret = err ? NULL : find_object(h, t, values);
    free_values(values, n);
    return err;
}

loop_error *lp_object_of(loop_host *h, struct lp_table *t, const char *const *options,
                         struct lp_provider **ret)
{
    return object(h, t, options, false, ret);
}

loop_error *lp_object_new(loop_host *h, struct lp_table *t, const char *const *options,
                          struct lp_provider **ret)
{
    return object(h, t, options, true, ret);
}

static void free_object(struct lp_provider *p)
{
    p->origin->users--;
    lp_os_mutex_delete(p->serial);
    lp_os_mutex_delete(p->later_lock);
    free(p->later.at);
    for (size_t i = 0; p->options[i]; i++)
        free(p->options[i]);
    free(p->options);
    free_values(p->values, option_count(p->table));
    free(p->why_not);
    free(p);
}

void lp_object_delete(struct lp_provider *p)
{
    loop_host *h = p->host;
    size_t kept = 0;
    for (size_t i = 0; i < h->providers.n; i++)
        if (h->providers.at[i] != p)
            h->providers.at[kept++] = h->providers.at[i];
    h->providers.n = kept;
    free_object(p);
}

/* Whether it works here; asked once. */
bool lp_works_here(struct lp_provider *p)
{
    if (!p->looked && p->table->detect) {
        loop_error *err = p->table->detect(&p->services);
        if (err)
            p->why_not = lp_strdup(loop_error_message(err));
        loop_error_delete(err);
    }
    p->looked = true;
    return !p->why_not;
}

loop_error *lp_provider_open(struct lp_provider *p)
{
    if (p->opened)
        return NULL;
    if (p->table->open) {
        loop_error *err = p->table->open(&p->services, &p->self);
        if (err)
            return loop_error_wrap(err, "cannot open the provider '%s'", p->table->name);
    }
    p->opened = true;
    return NULL;
}

loop_error *lp_chain_open(const struct lp_chain *c, bool changing)
{
    loop_error *err = NULL;
    for (size_t n = 0; !err && n < c->n; n++) {
        loop_host *h = c->links[n].provider->host;
        lp_os_mutex_lock(h->finding);
        err = lp_provider_open(c->links[n].provider);
        lp_os_mutex_unlock(h->finding);
        if (!err)
            err = lp_provider_ready(c->links[n].provider, changing);
    }
    return err;
}

void lp_provider_close(struct lp_provider *p)
{
    if (p->opened && p->table->close)
        p->table->close(p->self);
    p->opened = false;
}

void lp_providers_close(loop_host *h)
{
    for (size_t i = h->providers.n; i-- > 0;)
        if (!h->providers.at[i]->stuck)
            lp_provider_close(h->providers.at[i]);
}

void lp_providers_done(loop_host *h)
{
    for (size_t i = 0; i < h->providers.n; i++)
        free_object(h->providers.at[i]);
    free(h->providers.at);
}
