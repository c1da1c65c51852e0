/*
 * host/instance.c: an instance as an actor.
 *
 *      main thread                          actor's thread
 *      loop_instance_start
 *        starts the actor  ───────────────▶ instantiate, run
 *      turns of the loop: deadline, signals
 *        cancel: token set, ask   ────────▶ the guest looks, or its poll wakes
 *        grace over, or deadline: stop ───▶ the driver drops the call
 *        done ◀──────────────────────────── result, wake
 *
 * This file is the making, the taking down and the right side; supervise.c is the
 * left one.
 */
#include <stdlib.h>

#include "host/internal.h"

/* ---- making ---- */

/* One limit, where an option of its own says it. */
static void set_limit(loop_limits *l, loop_limit_id id, uint64_t value)
{
    if (value && value != l->of[id].value)
        l->of[id] = (loop_limit){.value = value, .own = true};
}

static void copy_limits(loop_instance *i)
{
    bool deep = i->options.limits && i->options.limits->of[LOOP_MAX_STACK].value;
    i->limits = lp_limits_copy(&i->arena, i->options.limits);
    if (!deep)
        i->limits.of[LOOP_MAX_STACK].value = lp_engine_stack(i->host->engine);
    lp_limits_fill(&i->limits);
    set_limit(&i->limits, LOOP_MAX_MEMORY, i->options.memory_limit);
    set_limit(&i->limits, LOOP_MAX_CALL, i->options.call_timeout_ms);
    uint64_t call = i->limits.of[LOOP_MAX_CALL].value;
    i->options.limits = &i->limits;
    i->options.memory_limit = i->limits.of[LOOP_MAX_MEMORY].value;
    i->options.call_timeout_ms = call == LOOP_UNLIMITED ? 0 : call;
}

/* Its own, or that of the store which its policy says it shares with others of its owner. */
static const char *identity_of(loop_instance *i, const loop_instance_options *o, const char *own)
{
    loop_decision d = {0};
    if (o->policy && o->owner)
        i->host->hooks.decide(o->policy, &(loop_request){.kind = LOOP_GRANT_STORAGE}, &d);
    lp_auto(lp_free_string) char *text =
        d.by && d.by->share ? lp_format("share:%s/%s", o->owner, d.by->share) : lp_strdup(own);
    return lp_arena_strndup(&i->arena, text, strlen(text));
}

static void copy_options(loop_instance *i, const loop_instance_options *o, const loop_component *c)
{
    const char *slash = strrchr(c->path, '/');
    const char *name = o->name ? o->name : slash ? slash + 1 : c->path;
    const char *just_name[] = {name, NULL};
    i->options = *o;
    i->options.name = lp_arena_strndup(&i->arena, name, strlen(name));
    i->options.identity = identity_of(i, o, o->identity ? o->identity : name);
    if (o->owner)
        i->options.owner = lp_arena_strndup(&i->arena, o->owner, strlen(o->owner));
    i->options.args = lp_arena_list(&i->arena, o->args ? o->args : just_name);
    i->options.optional = lp_arena_list(&i->arena, o->optional);
    i->options.config = lp_arena_list(&i->arena, o->config);
    copy_limits(i);
    i->storage = UINT64_MAX;
}

/* An interface whose name begins so. */
static bool imports_any(const loop_component *c, const char *prefix)
{
    const lp_import *import;
    for (size_t n = 0; (import = lp_component_import_at(c->engine, n)); n++)
        if (lp_starts_with(import->interface_name, prefix))
            return true;
    return false;
}

loop_error *lp_body_new(loop_instance *i, loop_component *c, struct lp_body **ret)
{
    LP_TRY(lp_component_with_stack(c, i->limits.of[LOOP_MAX_STACK].value, &c));
    struct lp_body *b = lp_alloc(sizeof *b);
    b->instance = i;
    b->host = i->host;
    b->number = ++i->host->next_body;
    b->component = c;
    c->users++;
    b->free_held = UINT32_MAX;
    b->lock = lp_os_mutex_new();
    b->in.most = b->out.most = (size_t)i->limits.of[LOOP_MAX_HOST_BYTES].value;
    b->sees_cancellation =
        c->kind == LOOP_COMPONENT_APP || imports_any(c, "loop:core/cancellation@");
    b->in_background = imports_any(c, "wasi:http/") || imports_any(c, "wasi:sockets/");
    lp_guest_options guest;
    loop_error *err = lp_wasi_options(b, &guest);
    if (!err)
        err = lp_guest_new(c->engine, &guest, &b->guest);
    lp_wasi_given(b);
    if (!err)
        err = lp_link(b);
    if (err)
        lp_body_delete(b);
    else
        *ret = b;
    return err;
}

struct lp_body *lp_body_at(loop_instance *i, int n)
{
    struct lp_body *both[] = {i->body ? i->body : i->incoming, i->body ? i->incoming : NULL, NULL};
    return both[n];
}

void lp_body_delete(struct lp_body *b)
{
    if (!b)
        return;
    lp_held_sweep(b);
    lp_given_close(b);
    free(b->given.at);
    free(b->foreign.at);
    free(b->handles.at);
    free(b->taken.at);
    free(b->lent.at);
    lp_frame_done(&b->in);
    lp_frame_done(&b->out);
    free(b->peers.at);
    lp_guest_delete(b->guest);
    lp_unlink(b);
    lp_wasi_done(b);
    lp_os_mutex_delete(b->lock);
    loop_component_delete(b->component);
    loop_error_delete(b->why_broken);
    lp_arena_done(&b->arena);
    free(b);
}

bool lp_body_ended(const struct lp_body *b, loop_error **ret, int *ret_status)
{
    *ret = NULL;
    if (b->exited)
        *ret_status = b->result_status;
    else if (b->broken)
        *ret = lp_error_copy(b->why_broken);
    return b->broken;
}

static loop_error *check_options(const loop_component *c, const loop_instance_options *o)
{
    if ((o->identity && strlen(o->identity) > LP_MAX_IDENTITY) ||
        (o->owner && strlen(o->owner) > LP_MAX_PATH))
        return loop_error_new(LOOP_LIMIT, "an identity of more than %d bytes", LP_MAX_IDENTITY);
    if (!lp_component_is_compiled(c->engine))
        return loop_error_new(LOOP_USAGE, "'%s' was only described; open it to run it", c->path);
    return NULL;
}

/* `changing` is held. */
static loop_instance *instance_new(loop_host *h, const loop_component *c,
                                   const loop_instance_options *o)
{
    loop_instance *i = lp_alloc(sizeof *i);
    i->host = h;
    i->number = ++h->next_instance;
    i->cancelled = LOOP_CANCEL_NONE;
    i->force_at_ns = UINT64_MAX;
    i->lock = lp_os_mutex_new();
    i->wake = lp_os_cond_new();
    copy_options(i, o, c);
    return i;
}

static void instance_free(loop_instance *i)
{
    if (i->host->options.decided)
        i->host->options.decided(
            i->host->options.data,
            &(loop_decided){.component = i->options.name, .instance = i->number});
    lp_os_cond_delete(i->wake);
    lp_os_mutex_delete(i->lock);
    lp_strikes_done(&i->strikes);
    loop_error_delete(i->failure);
    free(i->no_storage);
    lp_arena_done(&i->arena);
    free(i);
}

loop_error *lp_instance_new_behind(loop_host *h, loop_component *c, const loop_instance_options *o,
                                   const char *serves_as, unsigned depth, loop_instance **ret)
{
    LP_TRY(check_options(c, o));
    loop_instance *i = instance_new(h, c, o);
    i->is_behind = true;
    i->depth = depth;
    i->serves_as = lp_arena_strndup(&i->arena, serves_as, strlen(serves_as));
    i->entered = true; /* nobody supervises it */
    i->started_ns = lp_os_now_ns();
    loop_error *err = lp_body_new(i, c, &i->body);
    if (err) {
        instance_free(i);
        return err;
    }
    lp_os_mutex_lock(h->finding);
    i->next = h->behind;
    h->behind = i;
    lp_os_mutex_unlock(h->finding);
    *ret = i;
    return NULL;
}

void lp_instance_delete_behind(loop_instance *i)
{
    loop_host *h = i->host;
    lp_os_mutex_lock(h->finding);
    loop_instance **at = &h->behind;
    while (*at && *at != i)
        at = &(*at)->next;
    if (*at)
        *at = i->next;
    lp_os_mutex_unlock(h->finding);
    lp_exports_done(i);
    lp_body_delete(i->body);
    instance_free(i);
}

loop_error *loop_instance_new(loop_host *h, loop_component *c, const loop_instance_options *o,
                              loop_instance **ret)
{
    LP_TRY(check_options(c, o));
    lp_os_mutex_lock(h->changing);
    loop_instance *i = instance_new(h, c, o);
    loop_error *err = lp_body_new(i, c, &i->body);
    i->next = h->instances;
    h->instances = i;
    lp_os_mutex_unlock(h->changing);
    if (err) {
        loop_instance_delete(i);
        return err;
    }
    *ret = i;
    return NULL;
}

static void unlist(loop_instance *i)
{
    for (loop_instance **at = &i->host->instances; *at; at = &(*at)->next) {
        if (*at == i) {
            *at = i->next;
            return;
        }
    }
}

void loop_instance_delete(loop_instance *i)
{
    if (!i)
        return;
    lp_end_running(i);
    loop_host *h = i->host;
    lp_os_mutex_lock(h->changing);
    unlist(i);
    if (i->state != LP_STUCK) { /* else its thread still runs somewhere in it */
        lp_exports_done(i);
        lp_body_delete(i->body);
    }
    lp_os_mutex_unlock(h->changing);
    if (i->state == LP_STUCK)
        return;
    instance_free(i);
}

/* ---- the actor's thread ---- */

/* What C has looked up, after a failure. */
static loop_error *find_again(loop_instance *i)
{
    if (!i->exports.n)
        return NULL;
    loop_error *err = lp_exports_prepare(i, i->body);
    lp_os_mutex_lock(i->lock);
    if (err)
        lp_exports_forget(i);
    else
        lp_exports_move(i);
    lp_os_mutex_unlock(i->lock);
    return err;
}

static loop_error *run_job(loop_instance *i)
{
    bool exited;
    loop_error *err = lp_guest_instantiate(i->body->guest, i->options.call_timeout_ms, &exited,
                                           &i->result.status);
    if (err || exited)
        return err;
    i->body->instantiated = true;
    LP_TRY(find_again(i));
    lp_body_begins(i->body, i->options.call_timeout_ms);
    if (i->serves)
        return lp_serve(i, &i->result.status);
    if (i->body->component->kind == LOOP_COMPONENT_APP)
        return lp_app_run(i, &i->result.status);
    const char *name;
    for (size_t n = 0; (name = lp_component_export_at(i->body->component->engine, n)); n++)
        if (lp_starts_with(name, "wasi:cli/run@") || strcmp(name, "wasi:cli/run") == 0)
            return lp_guest_run(i->body->guest, name, i->options.call_timeout_ms,
                                &i->result.status);
    return loop_error_new(LOOP_INTERNAL, "'%s' has nothing to run", i->options.name);
}

/* The export's interface that ends in `wanted` ("ops", "demo:calc/ops", with or without version).
 */
static bool names_interface(const char *exported, const char *wanted)
{
    char name[LP_MAX_NAME];
    lp_split_version(exported, name, sizeof name);
    const char *slash = strchr(name, '/');
    return strcmp(exported, wanted) == 0 || strcmp(name, wanted) == 0 ||
           (slash && strcmp(slash + 1, wanted) == 0);
}

static loop_error *find_export(loop_instance *i, const char *wanted, const char **ret)
{
    *ret = "";
    if (!*wanted)
        return NULL;
    lp_buf have = {0};
    const char *name;
    for (size_t n = 0; (name = lp_component_export_at(i->body->component->engine, n)); n++) {
        if (names_interface(name, wanted)) {
            lp_buf_done(&have);
            *ret = name;
            return NULL;
        }
        lp_buf_printf(&have, "%s%s", have.len ? ", " : "", name);
    }
    loop_error *err =
        loop_error_new(LOOP_NOT_FOUND, "'%s' exports no interface '%s'", i->options.name, wanted);
    err = loop_error_hint_set(err, "it exports: %s", have.len ? have.ptr : "nothing");
    lp_buf_done(&have);
    return err;
}

/* "iface.func(args)": the parts; `call` is cut into them. */
static loop_error *split_call(char *call, char **iface, char **func, char **args)
{
    size_t n = strlen(call);
    char *open = strchr(call, '(');
    if (!open || open == call || call[n - 1] != ')')
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "'%s' is not a call", call),
                                   "write it as 'func(1, \"two\")' or 'iface.func()'");
    call[n - 1] = 0;
    *open = 0;
    *args = open + 1;
    char *slash = strrchr(call, '/'), *from = slash ? slash : call;
    char *dot = strrchr(from, '.');
    *iface = call + strlen(call);
    *func = call;
    if (dot) {
        *dot = 0;
        *iface = call;
        *func = dot + 1;
    }
    return NULL;
}

/* The hint for a function that is not there: its interface, or the nearest one of it. */
static loop_error *no_function(loop_instance *i, loop_error *err, const char *full,
                               const char *func)
{
    if (!*full)
        return loop_error_hint_set(
            err, "name its interface too: 'iface.%s(...)'; `loop inspect` shows what there is",
            func);
    const lp_row *rows;
    size_t n;
    loop_error *unreadable = lp_component_rows(i->body->component->engine, &rows, &n);
    loop_error_delete(unreadable);
    const char *best = NULL;
    unsigned distance = (unsigned)strlen(func) / 2 + 2;
    for (size_t r = 0; !unreadable && r < n; r++) {
        unsigned d = lp_edit_distance(func, rows[r].function);
        if (rows[r].is_export && *rows[r].function && strcmp(rows[r].interface_name, full) == 0 &&
            d < distance) {
            distance = d;
            best = rows[r].function;
        }
    }
    return best ? loop_error_hint_set(err, "did you mean '%s'?", best)
                : loop_error_hint_set(err, "`loop inspect` shows what there is");
}

static loop_error *invoke_job(loop_instance *i)
{
    char *iface = NULL, *func = NULL, *args = NULL;
    const char *text = i->call_text + strspn(i->call_text, " \t\n");
    size_t length = strlen(text);
    while (length && strchr(" \t\n", text[length - 1]))
        length--;
    lp_auto(lp_free_string) char *call = lp_strndup(text, length);
    LP_TRY(split_call(call, &iface, &func, &args));
    const char *full;
    LP_TRY(find_export(i, iface, &full));
    bool exited;
    loop_error *err = lp_guest_instantiate(i->body->guest, i->options.call_timeout_ms, &exited,
                                           &i->result.status);
    if (err || exited)
        return err;
    lp_body_begins(i->body, i->options.call_timeout_ms);
    err = lp_guest_call_wave(i->body->guest, full, func, args, i->options.call_timeout_ms,
                             &i->result.output, &exited, &i->result.status);
    return err && loop_error_code(err) == LOOP_NOT_FOUND ? no_function(i, err, full, func) : err;
}

void lp_actor(void *arg)
{
    loop_instance *i = arg;
    i->error = i->call_text ? invoke_job(i) : run_job(i);
    lp_gate_leave(i->body); /* where it was ended in a call */
    loop_host *h = i->host;
    lp_watch_stopped(i);
    if (!lp_restarts(i)) /* else what waits there may wait for its next start */
        lp_mail_close(i);
    i->done = true; /* from here on the main thread may free `i` after joining */
    uv_async_send(&h->wake);
}
