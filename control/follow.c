/*
 * control/follow.c: implements loop_watch_open: what is done when loop.yaml, or a file that it
 * names, changes.
 *
 * A change becomes actions, which are carried out one after the other: a binding that is another
 * one now is swapped; a library or a sidecar whose file changed is started anew wherever it is
 * bound; a component is replaced. What is native code is asked about each time (trust), for
 * loop.yaml as it is then. Nothing else of loop.yaml reaches what runs: grants and limits are
 * those of its start.
 *
 * The watch owns each loop.yaml that it read, and not the first one.
 */
#include <stdlib.h>
#include <uv.h>

#include "base/os/os.h"
#include "base/path.h"
#include "control/internal.h"
#include "host/hooks.h"

struct action {
    uint64_t number; /* of the instance */
    char *instance;
    char *interface_name; /* NULL: its component */
    char *path;           /* of the component */
    bool reload;          /* of what serves the interface; else it is bound as loop.yaml says now */
    uint32_t generation;  /* with `reload`, when it was planned */
    bool restart;         /* the component starts again from nothing */
};

struct owed {
    uint64_t number; /* of the instance */
    char *interface_name;
};

struct loop_watch {
    loop_host *host;
    loop_watch_options options;
    const loop_config *config;
    loop_config *own; /* the same, where it was read here */
    char *file;       /* loop.yaml; NULL: none */
    lp_files *files;
    struct {
        struct action *at;
        size_t n, cap;
    } actions;
    struct {
        struct owed *at;
        size_t n, cap;
    } owed;           /* bindings of loop.yaml that could not be put in place */
    lp_wish_run *run; /* of the first action; NULL: none is under way */
};

static void go_on(loop_watch *w);

/* ---- which files ---- */

static char *absolute(const char *path)
{
    lp_auto(lp_free_string) char *cwd = path[0] == '/' ? NULL : lp_os_cwd();
    lp_auto(lp_free_string) char *whole = lp_path_join(cwd ? cwd : "/", path);
    return lp_path_normal(whole);
}

static void add_file(loop_watch *w, const char *path)
{
    lp_auto(lp_free_string) char *whole = absolute(path);
    if (whole) /* over the limit: the rest is not followed, as the docs say */
        loop_error_delete(lp_files_add(w->files, whole));
}

/*
 * The file of a library or a component; of a sidecar its program, where it is no name for PATH, and
 * the words that are files of the workspace. Calls `f` until that is true.
 */
static bool each_file(const loop_watch *w, const loop_binding_link *l,
                      bool (*f)(void *data, const char *path), void *data)
{
    const char *root = w->config ? loop_config_root(w->config) : NULL;
    const loop_component_config *row =
        l->component ? loop_config_component(w->config, l->component) : NULL;
    if (row && !row->path) /* a package: its file never changes */
        return false;
    if (l->library || row)
        return f(data, row ? row->path : l->library);
    for (size_t i = 0; root && l->sidecar && l->sidecar[i]; i++) {
        lp_auto(lp_free_string) char *whole = lp_path_join(root, l->sidecar[i]);
        lp_auto(lp_free_string) char *path = lp_path_normal(whole);
        bool program = i == 0 && strchr(l->sidecar[i], '/');
        bool inside = path && (i > 0 || program) && lp_path_inside(path, root);
        if ((program || (inside && lp_os_exists(path) && !lp_os_is_dir(path))) && path &&
            f(data, path))
            return true;
    }
    return false;
}

static bool add_each(void *data, const char *path)
{
    add_file(data, path);
    return false;
}

static void refresh(void *data)
{
    loop_watch *w = data;
    const loop_binding *b;
    if (w->file)
        add_file(w, w->file);
    for (size_t i = 0; w->config && (b = loop_config_binding_at(w->config, i)); i++)
        for (size_t k = 0; k < b->count; k++)
            (void)each_file(w, &b->links[k], add_each, w);
    loop_status *status = loop_host_status(w->host);
    for (size_t i = 0; i < status->instance_count; i++)
        if (status->instances[i].condition != LOOP_CONDITION_ENDED)
            add_file(w, status->instances[i].path);
    loop_status_delete(status);
    lp_files_sweep(w->files);
}

/* ---- bindings ---- */

/* What an interface (with or without a version) is bound to for an instance; NULL. */
static const loop_binding *binding_of(const loop_config *c, const char *instance,
                                      const char *interface_name)
{
    const loop_binding *b, *found = NULL;
    size_t n = strcspn(interface_name, "@");
    for (size_t i = 0; c && (b = loop_config_binding_at(c, i)); i++) {
        bool own = b->component && strcmp(b->component, instance) == 0;
        if (strlen(b->interface_name) == n && strncmp(b->interface_name, interface_name, n) == 0 &&
            (own || (!b->component && !found)))
            found = b;
        if (found && found->component)
            return found;
    }
    return found;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_list(const char *const *a, const char *const *b)
{
    static const char *const none[] = {NULL};
    a = a ? a : none;
    b = b ? b : none;
    for (; *a && *b && strcmp(*a, *b) == 0; a++, b++)
        ;
    return !*a && !*b;
}

static bool same_binding(const loop_binding *a, const loop_binding *b)
{
    if (!a || !b || a->count != b->count)
        return a == b;
    for (size_t i = 0; i < a->count; i++) {
        const loop_binding_link *x = &a->links[i], *y = &b->links[i];
        if (!same_text(x->provider, y->provider) || !same_text(x->library, y->library) ||
            !same_text(x->component, y->component) || !same_list(x->sidecar, y->sidecar) ||
            !same_list(x->options, y->options))
            return false;
    }
    return true;
}

/* Whether somebody else than loop.yaml says who serves it. */
static bool is_bound(const loop_watch *w, const char *interface_name)
{
    size_t n = strcspn(interface_name, "@");
    for (size_t i = 0; w->options.bound && w->options.bound[i]; i++)
        if (strlen(w->options.bound[i]) == n &&
            strncmp(w->options.bound[i], interface_name, n) == 0)
            return true;
    return false;
}

/* ---- actions ---- */

static struct action *add_action(loop_watch *w, const loop_instance_status *s,
                                 const char *interface_name, const char *path, bool reload)
{
    for (size_t i = w->run != NULL; i < w->actions.n; i++) {
        struct action *a = &w->actions.at[i];
        size_t n = interface_name ? strcspn(interface_name, "@") : 0;
        if (a->number == s->number && a->reload == reload &&
            !a->interface_name == !interface_name &&
            (!interface_name || (strlen(a->interface_name) == n &&
                                 strncmp(a->interface_name, interface_name, n) == 0))) {
            free(a->path);
            a->path = path ? lp_strdup(path) : NULL;
            return a; /* waits already */
        }
    }
    struct action *a = lp_push(&w->actions);
    a->number = s->number;
    a->instance = lp_strdup(s->name);
    a->interface_name =
        interface_name ? lp_strndup(interface_name, strcspn(interface_name, "@")) : NULL;
    a->path = path ? lp_strdup(path) : NULL;
    a->reload = reload;
    return a;
}

/* What failed is tried again when loop.yaml or a file of the binding is touched. */
static void owe(loop_watch *w, const struct action *a)
{
    if (a->interface_name && !a->reload)
        *lp_push(&w->owed) = (struct owed){a->number, lp_strdup(a->interface_name)};
}

/* Whether it was owed; now it is not any more. */
static bool take_owed(loop_watch *w, uint64_t number, const char *interface_name)
{
    size_t n = strcspn(interface_name, "@"), kept = 0, all = w->owed.n;
    for (size_t i = 0; i < all; i++) {
        struct owed *o = &w->owed.at[i];
        if (o->number == number && strlen(o->interface_name) == n &&
            strncmp(o->interface_name, interface_name, n) == 0)
            free(o->interface_name);
        else
            w->owed.at[kept++] = *o;
    }
    w->owed.n = kept;
    return kept < all;
}

static void drop_first(loop_watch *w)
{
    struct action *a = w->actions.at;
    free(a->instance);
    free(a->interface_name);
    free(a->path);
    memmove(a, a + 1, --w->actions.n * sizeof *a);
}

static void log_error(loop_watch *w, const char *what, loop_error *e)
{
    lp_buf b = {0};
    for (const loop_error *c = e; c; c = loop_error_cause(c))
        lp_buf_printf(&b, ": %s", loop_error_message(c));
    if (loop_error_hint(e))
        lp_buf_printf(&b, " (%s)", loop_error_hint(e));
    loop_host_log(w->host, LOOP_LOG_ERROR, "%s stays as it was%s", what, b.ptr);
    lp_buf_done(&b);
    loop_error_delete(e);
}

static void on_step(void *data, const char *what, const loop_error *error,
                    const loop_swap_report *r)
{
    const loop_watch *w = data; /* that it was done, the host's log says already */
    if (!error && r && r->warning)
        loop_host_log(w->host, LOOP_LOG_WARN, "%s: %s", what, r->warning);
}

static void on_end(void *data, loop_error *error)
{
    loop_watch *w = data;
    struct action *a = w->actions.at;
    w->run = NULL;
    if (error && !a->interface_name && !a->restart && loop_error_code(error) == LOOP_DENIED) {
        loop_host_log(w->host, LOOP_LOG_WARN, "%s starts again from nothing: %s", a->instance,
                      loop_error_message(error));
        loop_error_delete(error);
        a->restart = true;
    } else {
        lp_auto(lp_free_string) char *what =
            a->interface_name ? lp_format("%s: %s", a->instance, a->interface_name)
                              : lp_strdup(a->instance);
        if (error) {
            owe(w, a);
            log_error(w, what, error);
        }
        drop_first(w);
    }
    go_on(w);
}

/* False: there is nothing to do. */
static bool wish_of(loop_watch *w, const struct action *a, loop_wish *ret, loop_error **ret_error)
{
    *ret = (loop_wish){.instance = a->instance, .interface_name = a->interface_name};
    if (!a->interface_name) {
        ret->component = a->path;
        ret->restart = a->restart;
        return true;
    }
    const loop_binding *b = binding_of(w->config, a->instance, a->interface_name);
    if (!b || (a->reload &&
               lp_serving_generation(w->host, a->number, a->interface_name) != a->generation))
        return false; /* another action did it */
    *ret_error = loop_config_check_binding(w->config, b);
    ret->reload = a->reload;
    ret->links = a->reload ? NULL : b->links;
    ret->count = a->reload ? 0 : b->count;
    ret->directory = a->reload ? NULL : loop_config_root(w->config);
    return true;
}

static void go_on(loop_watch *w)
{
    while (!w->run && w->actions.n) {
        struct action *a = w->actions.at;
        loop_wish wish;
        loop_error *e = NULL;
        bool any = wish_of(w, a, &wish, &e);
        if (any && !e) {
            lp_arena arena = {0};
            e = lp_wish_resolve(w->host, w->config, &arena, &wish);
            if (!e)
                w->run = lp_wish_start(w->host, &wish, &(lp_wish_events){on_step, on_end, w});
            lp_arena_done(&arena);
            if (!e)
                return;
        }
        if (e) {
            owe(w, a);
            log_error(w, a->interface_name ? a->interface_name : a->instance, e);
        }
        drop_first(w);
    }
}

/* ---- what changed ---- */

static bool is_path(void *data, const char *path)
{
    return strcmp(data, path) == 0;
}

/* Where a library or a sidecar with that file serves. */
static void plan_file(loop_watch *w, const loop_instance_status *s, char *path)
{
    for (size_t i = 0; i < s->import_count; i++) {
        const loop_import_status *m = &s->imports[i];
        const loop_binding *b = is_bound(w, m->interface_name)
                                    ? NULL
                                    : binding_of(w->config, s->name, m->interface_name);
        bool uses = false;
        for (size_t k = 0; b && k < b->count; k++)
            uses = uses || each_file(w, &b->links[k], is_path, path);
        if (!uses)
            continue;
        bool reload = !take_owed(w, s->number, m->interface_name);
        add_action(w, s, m->interface_name, NULL, reload)->generation = m->generation;
    }
}

static void on_file(loop_watch *w, const char *path)
{
    lp_auto(lp_free_string) char *changed = lp_strdup(path);
    loop_status *status = loop_host_status(w->host);
    loop_host_log(w->host, LOOP_LOG_DEBUG, "'%s' changed", path);
    for (size_t i = 0; i < status->instance_count; i++) {
        const loop_instance_status *s = &status->instances[i];
        lp_auto(lp_free_string) char *own = absolute(s->path);
        if (s->condition == LOOP_CONDITION_ENDED)
            continue;
        plan_file(w, s, changed);
        if (own && strcmp(own, path) == 0 && !s->provider) /* else it is a binding's */
            add_action(w, s, NULL, path, false);
    }
    loop_status_delete(status);
}

static void plan_binding(loop_watch *w, const loop_config *old, const loop_instance_status *s,
                         const char *interface_name)
{
    const loop_binding *from = binding_of(old, s->name, interface_name);
    const loop_binding *to = binding_of(w->config, s->name, interface_name);
    bool owed = take_owed(w, s->number, interface_name);
    if (is_bound(w, interface_name) || (same_binding(from, to) && !owed))
        return;
    if (to)
        add_action(w, s, interface_name, NULL, false);
    else
        loop_host_log(w->host, LOOP_LOG_WARN,
                      "'%s' binds %s no more: what serves it stays until '%s' is started again",
                      w->file, interface_name, s->name);
}

/* A component that is another file now; which version a package is, only a start looks up. */
static void plan_component(loop_watch *w, const loop_config *old, const loop_instance_status *s)
{
    const loop_component_config *from = loop_config_component(old, s->name);
    const loop_component_config *to = loop_config_component(w->config, s->name);
    lp_auto(lp_free_string) char *own = absolute(s->path);
    if (!s->provider && from && to && from->path && to->path && own &&
        strcmp(from->path, to->path) != 0 && strcmp(from->path, own) == 0)
        add_action(w, s, NULL, to->path, false);
}

static void on_config(loop_watch *w)
{
    loop_config *config = NULL;
    loop_error *e = w->options.load(w->options.data, &config);
    if (e) {
        log_error(w, w->file, e);
        return;
    }
    loop_config *gone = w->own;
    const loop_config *old = w->config;
    w->config = w->own = config;
    loop_host_log(w->host, LOOP_LOG_INFO,
                  "'%s' was read again: bindings and files follow, grants and limits stay",
                  w->file);
    loop_status *status = loop_host_status(w->host);
    for (size_t i = 0; i < status->instance_count; i++) {
        const loop_instance_status *s = &status->instances[i];
        if (s->condition == LOOP_CONDITION_ENDED)
            continue;
        for (size_t k = 0; k < s->import_count; k++)
            plan_binding(w, old, s, s->imports[k].interface_name);
        plan_component(w, old, s);
    }
    loop_status_delete(status);
    loop_config_delete(gone);
}

static void on_changed(void *data, const char *path)
{
    loop_watch *w = data;
    if (w->file && strcmp(path, w->file) == 0)
        on_config(w);
    else
        on_file(w, path);
    go_on(w);
}

/* ---- opening ---- */

loop_error *loop_watch_open(loop_host *host, const loop_config *config,
                            const loop_watch_options *options, loop_watch **ret)
{
    loop_watch *w = lp_alloc(sizeof *w);
    w->host = host;
    w->config = config;
    if (options)
        w->options = *options;
    if (config && loop_config_file(config) && w->options.load)
        w->file = absolute(loop_config_file(config));
    w->files = lp_files_new(host, &(lp_files_events){on_changed, refresh, w});
    refresh(w);
    *ret = w;
    return NULL;
}

void loop_watch_close(loop_watch *w)
{
    if (!w)
        return;
    lp_wish_forget(w->run);
    lp_files_delete(w->files);
    while (w->actions.n)
        drop_first(w);
    free(w->actions.at);
    for (size_t i = 0; i < w->owed.n; i++)
        free(w->owed.at[i].interface_name);
    free(w->owed.at);
    loop_config_delete(w->own);
    free(w->file);
    free(w);
}
