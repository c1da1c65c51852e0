/*
 * sidecar/provider.c: a command as a loop_provider table, which is made when it has said
 * WELCOME for the first time.
 *
 * A row of the table is a function that the sidecar implements; those that it only lists are
 * reached by NEXT. Behind its own options the table has the supervisor's: call-timeout and
 * restarts. `detect` opens it, too: what says FAIL with `unavailable` is not there.
 */
#include <stdlib.h>

#include "base/path.h"
#include "sidecar/internal.h"

static const loop_provider_option own_options[] = {
    {"call-timeout", "duration", NULL, "30s", "how long a call may take; 0s: as long as it takes"},
    {"restarts", "number", NULL, "5", "how often it is started again within a minute"},
};

/* ---- objects ---- */

static struct lp_sidecar *object_of(lp_sidecar_table *t, const loop_services *services)
{
    for (size_t i = 0; i < t->objects.n; i++)
        if (t->objects.at[i]->services == services)
            return t->objects.at[i];
    return NULL;
}

/* Name and value of what has a value. */
static char **option_values(const lp_sidecar_table *t, const loop_services *services)
{
    char **pairs = lp_alloc((2 * t->welcome.option_count + 1) * sizeof *pairs);
    size_t n = 0;
    for (size_t i = 0; i < t->welcome.option_count; i++) {
        const char *name = t->welcome.options[i].name;
        const char *value = services->option(services->host, name);
        if (!value)
            continue;
        pairs[n++] = lp_strdup(name);
        pairs[n++] = lp_strdup(value);
    }
    return pairs;
}

/* The spare process, or a new one, for whoever opens it. */
static loop_error *object_new(lp_sidecar_table *t, const loop_services *services,
                              struct lp_sidecar **ret)
{
    struct lp_sidecar *s = lp_take(&t->spare);
    if (!s)
        LP_TRY(lp_side_new(t, NULL, &s));
    uint64_t ms = services->option_number(services->host, "call-timeout");
    uint64_t restarts = services->option_number(services->host, "restarts");
    char **options = option_values(t, services);
    lp_os_mutex_lock(s->lock);
    s->services = services;
    s->call_timeout_ns = ms > UINT64_MAX / LP_SIDE_MS / 2 ? 0 : ms * LP_SIDE_MS;
    s->restarts = (size_t)LP_MIN(restarts, (uint64_t)LP_MAX_SIDE_RESTARTS);
    s->options = options;
    lp_os_mutex_unlock(s->lock);
    *lp_push(&t->objects) = s;
    *ret = s;
    return NULL;
}

/* Open, or why not. */
static loop_error *bring_up(lp_sidecar_table *t, const loop_services *services,
                            struct lp_sidecar **ret)
{
    lp_os_mutex_lock(t->lock);
    *ret = object_of(t, services);
    loop_error *err = *ret ? NULL : object_new(t, services, ret);
    lp_os_mutex_unlock(t->lock);
    if (err)
        return err;
    lp_os_mutex_lock((*ret)->lock);
    err = lp_side_reach(*ret, LP_SIDE_OPEN, NULL);
    lp_os_mutex_unlock((*ret)->lock);
    return err;
}

/* `why` of an error and its causes in one line. */
static loop_error *flat(loop_error *err)
{
    lp_buf text = {0};
    for (const loop_error *e = err; e; e = loop_error_cause(e))
        lp_buf_printf(&text, "%s%s", text.len ? ": " : "", loop_error_message(e));
    loop_error *one = loop_error_new(LOOP_UNAVAILABLE, "%s", text.ptr);
    lp_buf_done(&text);
    loop_error_delete(err);
    return one;
}

static loop_error *detect(const loop_services *services)
{
    lp_sidecar_table *t = (lp_sidecar_table *)(uintptr_t)services->table;
    struct lp_sidecar *s = NULL;
    loop_error *err = bring_up(t, services, &s);
    if (!err)
        return NULL;
    lp_os_mutex_lock(t->lock);
    bool absent = s && s->absent;
    if (s && !absent && !s->failure)
        s->failure = lp_take(&err); /* `open` says it as it is */
    lp_os_mutex_unlock(t->lock);
    return err ? flat(err) : NULL;
}

static loop_error *open_sidecar(const loop_services *services, void **ret_self)
{
    lp_sidecar_table *t = (lp_sidecar_table *)(uintptr_t)services->table;
    lp_os_mutex_lock(t->lock);
    struct lp_sidecar *s = object_of(t, services);
    loop_error *err = s ? lp_take(&s->failure) : NULL;
    lp_os_mutex_unlock(t->lock);
    if (err)
        return err;
    LP_TRY(bring_up(t, services, &s));
    *ret_self = s;
    return NULL;
}

static void close_sidecar(void *self)
{
    struct lp_sidecar *s = self;
    lp_sidecar_table *t = s->table;
    lp_os_mutex_lock(t->lock);
    for (size_t i = 0; i < t->objects.n; i++)
        if (t->objects.at[i] == s)
            t->objects.at[i] = t->objects.at[--t->objects.n];
    lp_os_mutex_unlock(t->lock);
    lp_side_delete(s);
}

static void drop(void *self, const loop_interface *interface, size_t resource, void *object)
{
    struct lp_sidecar *s = self;
    (void)interface;
    (void)resource;
    lp_os_mutex_lock(s->lock);
    lp_side_object_drop(s, (uint64_t)(uintptr_t)object, true);
    lp_os_mutex_unlock(s->lock);
}

/* ---- the table ---- */

static void make_rows(lp_sidecar_table *t, const lp_side_interface *from, struct lp_side_rows *to)
{
    size_t n = 0;
    loop_function *functions =
        lp_arena_alloc(&t->arena, (from->function_count + 1) * sizeof *functions);
    to->functions = lp_arena_alloc(&t->arena, (from->function_count + 1) * sizeof *to->functions);
    for (size_t i = 0; i < from->function_count; i++) {
        if (!from->functions[i].implemented)
            continue;
        to->functions[n] = i;
        functions[n++] = from->rows->functions[i];
    }
    to->interface = *from->rows;
    to->interface.functions = functions;
}

static loop_error *make_options(lp_sidecar_table *t)
{
    const lp_side_welcome *w = &t->welcome;
    size_t own = LP_COUNT(own_options);
    loop_provider_option *rows =
        lp_arena_alloc(&t->arena, (w->option_count + own + 1) * sizeof *rows);
    for (size_t i = 0; i < w->option_count; i++) {
        const lp_side_option *o = &w->options[i];
        for (size_t k = 0; k < own; k++)
            if (strcmp(o->name, own_options[k].name) == 0)
                return loop_error_new(LOOP_UNAVAILABLE,
                                      "its option '%s' has the name of one of loop's own", o->name);
        rows[i] = (loop_provider_option){o->name, o->type, o->values, o->fallback, o->help};
    }
    memcpy(rows + w->option_count, own_options, sizeof own_options);
    t->provider.options = rows;
    return NULL;
}

static loop_error *make_table(lp_sidecar_table *t)
{
    const lp_side_welcome *w = &t->welcome;
    loop_provider_interface *sides =
        lp_arena_alloc(&t->arena, (w->interface_count + 1) * sizeof *sides);
    if (!w->interface_count)
        return loop_error_new(LOOP_UNAVAILABLE, "its WELCOME names no interface that it serves");
    t->rows = lp_arena_alloc(&t->arena, w->interface_count * sizeof *t->rows);
    for (size_t i = 0; i < w->interface_count; i++) {
        make_rows(t, &w->interfaces[i], &t->rows[i]);
        sides[i].interface = &t->rows[i].interface;
    }
    t->provider.abi = LOOP_PROVIDER_ABI;
    t->provider.name = w->name;
    t->provider.summary = w->summary;
    t->provider.interfaces = sides;
    t->provider.threads = LOOP_THREADS_ANY;
    t->provider.dev_only = w->dev_only;
    t->provider.detect = detect;
    t->provider.open = open_sidecar;
    t->provider.close = close_sidecar;
    t->provider.call = lp_side_call_run;
    t->provider.drop = drop;
    t->provider.swap = w->capabilities & LP_SIDE_CAN_COPY    ? &lp_side_swap_copies
                       : w->capabilities & LP_SIDE_CAN_STATE ? &lp_side_swap
                                                             : &lp_side_swap_none;
    return make_options(t);
}

/* ---- the command ---- */

static const char *const *copy_texts(lp_arena *a, const char *const *from, const char *skip,
                                     const char *more1, const char *more2)
{
    size_t n = 0, kept = 0;
    while (from[n])
        n++;
    const char **to = lp_arena_alloc(a, (n + 3) * sizeof *to);
    for (size_t i = 0; i < n; i++)
        if (!skip || !lp_starts_with(from[i], skip))
            to[kept++] = lp_arena_strndup(a, from[i], strlen(from[i]));
    if (more1)
        to[kept++] = more1;
    if (more2)
        to[kept++] = more2;
    return to;
}

static char *keep(lp_arena *a, const char *text)
{
    return lp_arena_strndup(a, text, strlen(text));
}

/* As a shell would have it, for people to copy. */
static void add_word(lp_buf *line, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "@%+=:,./_-";
    lp_buf_puts(line, line->len ? " " : "");
    if (*word && strspn(word, plain) == strlen(word)) {
        lp_buf_puts(line, word);
        return;
    }
    lp_buf_puts(line, "'");
    for (; *word; word++)
        lp_buf_printf(line, *word == '\'' ? "'\\''" : "%c", *word);
    lp_buf_puts(line, "'");
}

static loop_error *find_command(lp_sidecar_table *t, const lp_sidecar_options *o)
{
    const char *name = o->command[0];
    lp_buf line = {0};
    for (size_t i = 0; o->command[i]; i++)
        add_word(&line, o->command[i]);
    t->line = keep(&t->arena, line.ptr);
    lp_buf_done(&line);
    lp_auto(lp_free_string) char *program = lp_os_find_program(name, o->directory);
    if (!program && strchr(name, '/'))
        return loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "there is no program '%s' in '%s'", name, o->directory),
            "is it built, and may it be run (chmod +x)?");
    if (!program)
        return loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "there is no program '%s' in PATH", name),
            "install it; or name a file of the workspace with its folder: ./%s", name);
    t->program = keep(&t->arena, program);
    return NULL;
}

static lp_sidecar_table *table_new(const lp_sidecar_options *o)
{
    lp_sidecar_table *t = lp_alloc(sizeof *t);
    t->lock = lp_os_mutex_new();
    t->argv = copy_texts(&t->arena, o->command, NULL, NULL, NULL);
    const char *const *env = lp_os_environment();
    lp_auto(lp_free_string) char *fd = lp_format("LOOP_SIDECAR_FD=%d", LP_OS_INHERITED);
    t->env = copy_texts(&t->arena, env, "LOOP_SIDECAR", "LOOP_SIDECAR=1", keep(&t->arena, fd));
    t->env_alone = copy_texts(&t->arena, env, "LOOP_SIDECAR", "LOOP_SIDECAR=1", NULL);
    t->directory = keep(&t->arena, o->directory);
    t->guard = keep(&t->arena, o->guard);
    t->host = keep(&t->arena, o->host);
    t->provider.name = t->argv[0]; /* until it says its own */
    return t;
}

static loop_error *greet(lp_sidecar_table *t, const lp_sidecar_options *o)
{
    LP_TRY(lp_side_new(t, o, &t->spare));
    lp_os_mutex_lock(t->spare->lock);
    loop_error *err = lp_side_reach(t->spare, LP_SIDE_GREETED, NULL);
    lp_os_mutex_unlock(t->spare->lock);
    return err ? err : make_table(t);
}

loop_error *lp_sidecar_table_new(const lp_sidecar_options *o, lp_sidecar_table **ret)
{
    const char *why = lp_os_guard_why_not();
    if (why)
        return loop_error_new(LOOP_UNAVAILABLE, "%s", why);
    lp_sidecar_table *t = table_new(o);
    loop_error *err = find_command(t, o);
    if (!err)
        err = greet(t, o);
    if (err) {
        err = loop_error_wrap(err, "cannot use the sidecar '%s'", t->line);
        lp_sidecar_table_delete(t);
        return err;
    }
    *ret = t;
    return NULL;
}

const loop_provider *lp_sidecar_provider(const lp_sidecar_table *t)
{
    return &t->provider;
}

void lp_sidecar_rename(lp_sidecar_table *t, const char *name)
{
    t->provider.name = keep(&t->arena, name);
}

bool lp_sidecar_is(const loop_provider *p, const lp_sidecar_options *o)
{
    const lp_sidecar_table *t = (const lp_sidecar_table *)p; /* its first member */
    size_t i = 0;
    if (p->close != close_sidecar)
        return false;
    while (t->argv[i] && o->command[i] && strcmp(t->argv[i], o->command[i]) == 0)
        i++;
    return !t->argv[i] && !o->command[i] && strcmp(t->directory, o->directory) == 0;
}

void lp_sidecar_table_delete(lp_sidecar_table *t)
{
    if (!t)
        return;
    lp_side_delete(t->spare);
    while (t->objects.n) /* those that were found to work and never opened */
        lp_side_delete(t->objects.at[--t->objects.n]);
    free(t->objects.at);
    lp_side_welcome_done(&t->welcome);
    free(t->welcome_bytes);
    lp_os_mutex_delete(t->lock);
    lp_arena_done(&t->arena);
    free(t);
}
