/*
 * host/wasi.c: what an instance gets of WASI, and what WASI asks before it acts.
 *
 * Directories and variables are decided once, when the instance is made, and directories opened as
 * they were granted, so that no link in the place of one leads elsewhere when it begins anew; HTTP
 * requests, connections and names each time. What is denied is said once, with
 * what would allow it.
 */
#include <stdlib.h>

#include "host/internal.h"

void lp_wasi_tell(struct lp_body *b, const loop_decision *d)
{
    if (b->net)
        lp_net_tell(b->net, d->reason, d->hint);
}

static bool decide(struct lp_body *b, const loop_request *want)
{
    loop_decision d;
    lp_body_decide(b, want, &d);
    if (!d.allowed)
        lp_wasi_tell(b, &d);
    return d.allowed;
}

/* ---- hooks, on the instance's thread ---- */

static bool on_http(void *data, bool https, lp_str host, uint16_t port)
{
    (void)https;
    lp_auto(lp_free_string) char *name = lp_strndup(host.ptr, host.len);
    if (strlen(name) != host.len)
        return false;
    return decide(data, &(loop_request){.kind = LOOP_GRANT_HTTP, .name = name, .port = port});
}

/* A name may be looked up when some connection to it is granted: port 0 asks for that. */
static bool on_resolve(void *data, lp_str name)
{
    lp_auto(lp_free_string) char *copy = lp_strndup(name.ptr, name.len);
    if (strlen(copy) != name.len)
        return false; /* a NUL in the middle */
    return decide(data, &(loop_request){.kind = LOOP_GRANT_NET, .name = copy});
}

/* Whether the text of a path leads upwards or starts at the root; links are not looked at. */
static bool leads_out(const char *path)
{
    if (*path == '/')
        return true;
    int depth = 0;
    for (const char *p = path; *p && depth >= 0; p += strcspn(p, "/"), p += *p == '/') {
        size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.')
            depth--;
        else if (n && !(n == 1 && p[0] == '.'))
            depth++;
    }
    return depth < 0;
}

static bool any_read_only(const struct lp_body *b)
{
    for (size_t n = 0; n < b->dirs.n; n++)
        if (b->dirs.at[n].read_only)
            return true;
    return false;
}

/* The guest got an error for it; who runs it is told of it once. */
static void tell_limit(struct lp_body *b, loop_limit_id id)
{
    const loop_limits *l = &b->instance->limits;
    lp_auto(lp_free_string) char *value = loop_limit_text(id, l->of[id].value);
    lp_auto(lp_free_string) char *hint = lp_limit_hint(l, id);
    lp_auto(lp_free_string) char *reason =
        lp_format("reached its %s limit of %s", loop_limit_row_of(id)->name, value);
    lp_net_tell_limit(b->net, reason, hint);
}

static void on_open_failed(void *data, lp_str path, lp_str code, bool write)
{
    struct lp_body *b = data;
    if (lp_str_is(code, "files")) {
        tell_limit(b, LOOP_MAX_FILES);
        return;
    }
    lp_auto(lp_free_string) char *shown = lp_strndup(path.ptr, LP_MIN(path.len, (size_t)200));
    bool read_only =
        lp_str_is(code, "read-only") || (write && !leads_out(shown) && any_read_only(b));
    const char *why = lp_str_is(code, "access") ? "the file's own permissions"
                      : read_only               ? "its directory is granted read-only"
                                                : "it leads out of the granted directories";
    const char *hint = lp_str_is(code, "access") ? ""
                       : read_only ? "leave ':ro' away in --dir, or say mode: rw in loop.yaml"
                                   : "--dir HOST[::GUEST]";
    lp_auto(lp_free_string) char *reason =
        lp_format("%s '%s': %s", write ? "writing" : "opening", shown, why);
    lp_net_tell(b->net, reason, hint);
    if (!b->host->options.decided)
        return;
    /* Decided by the engine, which keeps paths inside: for whoever listens, the same as a decision.
     */
    const loop_request want = {.kind = LOOP_GRANT_DIR, .name = shown, .write = write};
    loop_decision d = {0};
    snprintf(d.reason, sizeof d.reason, "%s", reason);
    snprintf(d.hint, sizeof d.hint, "%s", hint);
    b->host->options.decided(
        b->host->options.data,
        &(loop_decided){b->instance->options.name, b->instance->number, &want, &d});
}

/* ---- what is decided once ---- */

/* A read-only grant inside the writable directory `dir`: paths could reach it through both. */
static const loop_grant *read_only_inside(const struct lp_body *b, const loop_grant *dir)
{
    size_t n = strlen(dir->host);
    const loop_grant *g;
    for (size_t k = 0; (g = b->host->hooks.grant_at(b->instance->options.policy, k)); k++)
        if (g->kind == LOOP_GRANT_DIR && !g->deny && g->read_only && g != dir &&
            strncmp(g->host, dir->host, n) == 0 && (g->host[n] == '/' || n == 1))
            return g;
    return NULL;
}

static void add_dir(struct lp_body *b, const loop_grant *g)
{
    loop_decision d = {0};
    loop_request want = {.kind = LOOP_GRANT_DIR, .name = g->guest, .write = !g->read_only};
    lp_body_decide(b, &want, &d);
    bool read_only = g->read_only;
    if (!d.allowed && want.write) {
        want.write = false;
        read_only = true;
        lp_body_decide(b, &want, &d);
    }
    if (!d.allowed) {
        lp_wasi_tell(b, &d);
        return;
    }
    const loop_grant *inside = b->host->hooks.denied_inside(b->instance->options.policy, g);
    if (inside) {
        loop_host_log(
            b->host, LOOP_LOG_WARN,
            "%s: '%s' is not granted: '%s' inside it is denied, and a directory is handed "
            "out as a whole; grant the parts instead",
            b->instance->options.name, g->host, inside->host);
        return;
    }
    const loop_grant *kept = read_only ? NULL : read_only_inside(b, g);
    if (kept) {
        read_only = true;
        loop_host_log(
            b->host, LOOP_LOG_WARN,
            "%s: '%s' is read-only: '%s' inside it is granted read-only, and a directory is "
            "handed out as a whole; grant the parts instead",
            b->instance->options.name, g->host, kept->host);
    }
    *lp_push(&b->dirs) = (lp_guest_dir){g->host, g->guest, read_only, NULL};
}

struct env_list {
    const char **at;
    size_t n, cap;
};

static void add_env(struct lp_body *b, const loop_grant *g, struct env_list *list)
{
    loop_decision d = {0};
    lp_body_decide(b, &(loop_request){.kind = LOOP_GRANT_ENV, .name = g->host}, &d);
    const char *value = g->guest ? g->guest : lp_os_getenv(g->host);
    if (!value)
        return;
    if (!d.allowed) {
        lp_wasi_tell(b, &d);
        return;
    }
    for (size_t n = 0; n < list->n; n += 2) {
        if (strcmp(list->at[n], g->host) == 0) {
            list->at[n + 1] = value;
            return;
        }
    }
    *lp_push(list) = g->host;
    *lp_push(list) = value;
}

/* Which groups the component imports; the engine links no other. */
static void groups(const struct lp_body *b, lp_guest_options *o)
{
    const lp_import *import;
    for (size_t n = 0; (import = lp_component_import_at(b->component->engine, n)); n++) {
        o->http = o->http || lp_is_http_interface(import->interface_name);
        o->wasi = o->wasi || lp_wasi_interface(import->interface_name) ||
                  lp_starts_with(import->interface_name, "loop:core/cancellation");
    }
}

/* What it is granted now is what its programs may start in, whatever is in its place later. */
static bool starts_programs(const struct lp_body *b)
{
    const lp_import *import;
    for (size_t n = 0; (import = lp_component_import_at(b->component->engine, n)); n++)
        if (lp_starts_with(import->interface_name, "loop:process/"))
            return true;
    return false;
}

loop_error *lp_wasi_options(struct lp_body *b, lp_guest_options *o)
{
    b->net = lp_net_new(b);
    struct env_list env = {0};
    const loop_grant *g;
    for (size_t n = 0; b->instance->options.policy &&
                       (g = b->host->hooks.grant_at(b->instance->options.policy, n));
         n++) {
        if (g->kind == LOOP_GRANT_DIR && !g->deny)
            add_dir(b, g);
        else if (g->kind == LOOP_GRANT_ENV && !g->deny)
            add_env(b, g, &env);
    }
    loop_error *err = lp_directories_open(b);
    const char **copy = lp_arena_alloc(&b->arena, (env.n + 1) * sizeof *copy);
    if (env.n)
        memcpy(copy, env.at, env.n * sizeof *copy);
    free(env.at);
    *o = (lp_guest_options){
        .name = b->instance->options.name,
        .args = b->instance->options.args,
        .env = copy,
        .dirs = b->dirs.at,
        .dir_count = b->dirs.n,
        .limits = &b->instance->limits,
        .hooks = {b, on_http, on_resolve, on_open_failed, b->net, lp_net_ref, lp_net_unref,
                  lp_net_asks, lp_net_asks_http},
    };
    groups(b, o);
    return err;
}

void lp_wasi_given(struct lp_body *b)
{
    if (!starts_programs(b))
        lp_directories_close(b);
}

void lp_wasi_done(struct lp_body *b)
{
    lp_net_end(b->net);
    lp_directories_close(b);
    free(b->dirs.at);
}
