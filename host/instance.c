/*
 * host/instance.c: an instance as an actor.
 *
 *      main thread                          actor's thread
 *      loop_instance_run
 *        starts the actor  ───────────────▶ instantiate, run
 *        turns the loop: deadline, signals
 *        cancel: token set, ask   ────────▶ the guest looks, or its poll wakes
 *        grace over, or deadline: stop ───▶ the driver drops the call
 *        done ◀──────────────────────────── result, wake
 *
 * The main thread never waits for the actor. When a stopped actor does not come
 * back within LP_STUCK_MS (a write to a pipe that nobody reads), it is given up:
 * the run ends on time with its error, and the actor's memory is left behind.
 */
#include <stdlib.h>

#include "host/internal.h"

#define LP_STUCK_MS 50
#define DEFAULT_MEMORY ((uint64_t)512 << 20)

/* ---- making ---- */

static const char *const *copy_list(lp_arena *a, const char *const *list)
{
    if (!list)
        return NULL;
    size_t n = 0;
    while (list[n])
        n++;
    const char **copy = lp_arena_alloc(a, (n + 1) * sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = lp_arena_strndup(a, list[i], strlen(list[i]));
    return copy;
}

static void copy_options(loop_instance *i, const loop_instance_options *o)
{
    const char *slash = strrchr(i->component->path, '/');
    const char *name = o->name ? o->name : slash ? slash + 1 : i->component->path;
    const char *just_name[] = {name, NULL};
    i->options = *o;
    i->options.name = lp_arena_strndup(&i->arena, name, strlen(name));
    i->options.args = copy_list(&i->arena, o->args ? o->args : just_name);
    i->options.optional = copy_list(&i->arena, o->optional);
    i->options.config = copy_list(&i->arena, o->config);
    if (!i->options.memory_limit)
        i->options.memory_limit = DEFAULT_MEMORY;
}

static bool imports_cancellation(const loop_component *c)
{
    const lp_import *import;
    for (size_t n = 0; (import = lp_component_import_at(c->engine, n)); n++)
        if (lp_starts_with(import->interface_name, "loop:core/cancellation@"))
            return true;
    return false;
}

loop_error *loop_instance_new(loop_host *h, loop_component *c, const loop_instance_options *o,
                              loop_instance **ret)
{
    loop_instance *i = lp_alloc(sizeof *i);
    i->host = h;
    i->component = c;
    i->number = ++h->next_instance;
    i->cancelled = LOOP_CANCEL_NONE;
    i->free_held = UINT32_MAX;
    i->next = h->instances;
    h->instances = i;
    copy_options(i, o);
    i->sees_cancellation = c->kind == LOOP_COMPONENT_APP || imports_cancellation(c);
    lp_guest_options guest;
    loop_error *err = lp_wasi_options(i, &guest);
    if (!err)
        err = lp_guest_new(h->engine, c->engine, &guest, &i->guest);
    if (!err)
        err = lp_link(i);
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
    unlist(i);
    if (i->state == LP_STUCK)
        return; /* its thread still runs somewhere in it */
    lp_held_sweep(i);
    lp_guest_delete(i->guest);
    lp_unlink(i);
    lp_wasi_done(i);
    lp_arena_done(&i->arena);
    free(i);
}

/* ---- the actor's thread ---- */

static loop_error *run_job(loop_instance *i)
{
    LP_TRY(lp_guest_instantiate(i->guest, i->options.call_timeout_ms));
    if (i->component->kind == LOOP_COMPONENT_APP)
        return lp_app_run(i, &i->result.status);
    const char *name;
    for (size_t n = 0; (name = lp_component_export_at(i->component->engine, n)); n++)
        if (lp_starts_with(name, "wasi:cli/run@") || strcmp(name, "wasi:cli/run") == 0)
            return lp_guest_run(i->guest, name, i->options.call_timeout_ms, &i->result.status);
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
    for (size_t n = 0; (name = lp_component_export_at(i->component->engine, n)); n++) {
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
    loop_error *unreadable = lp_component_rows(i->component->engine, &rows, &n);
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
    LP_TRY(lp_guest_instantiate(i->guest, i->options.call_timeout_ms));
    bool exited;
    loop_error *err = lp_guest_call_wave(i->guest, full, func, args, i->options.call_timeout_ms,
                                         &i->result.output, &exited, &i->result.status);
    return err && loop_error_code(err) == LOOP_NOT_FOUND ? no_function(i, err, full, func) : err;
}

static void actor(void *arg)
{
    loop_instance *i = arg;
    i->error = i->job == LP_JOB_RUN ? run_job(i) : invoke_job(i);
    loop_host *h = i->host;
    i->done = true; /* from here on the main thread may free `i` after joining */
    uv_async_send(&h->wake);
}

/* ---- the main thread ---- */

static void stop(loop_instance *i)
{
    if (i->stopping)
        return;
    i->stopping = true;
    lp_guest_stop(i->guest);
}

/* When something must happen next, in ns; UINT64_MAX: nothing. */
struct plan {
    uint64_t warn, deadline, stuck;
};

static void ask_to_end(loop_instance *i, loop_cancel_reason reason, uint64_t grace_ms)
{
    int none = LOOP_CANCEL_NONE;
    if (atomic_compare_exchange_strong(&i->cancelled, &none, reason)) {
        i->force_at_ns = lp_os_now_ns() + grace_ms * 1000000;
        lp_guest_ask(i->guest);
    }
}

void loop_instance_cancel(loop_instance *i, loop_cancel_reason reason)
{
    uint64_t grace = i->sees_cancellation ? i->options.grace_ms : 0;
    ask_to_end(i, reason, grace);
    if (!grace)
        i->asked_to_stop = true;
    uv_async_send(&i->host->wake);
}

void loop_instance_kill(loop_instance *i)
{
    ask_to_end(i, LOOP_CANCEL_STOPPED, 0);
    i->asked_to_stop = true;
    uv_async_send(&i->host->wake);
}

/* Looks at what is due and acts; returns the time of the next thing to look at. */
static uint64_t supervise(loop_instance *i, struct plan *p)
{
    uint64_t now = lp_os_now_ns();
    if (now >= p->warn) {
        p->warn = UINT64_MAX;
        ask_to_end(i, LOOP_CANCEL_DEADLINE, (p->deadline - LP_MIN(now, p->deadline)) / 1000000);
    }
    if (now >= p->deadline && !i->stopping) {
        i->timed_out = true;
        stop(i);
    }
    bool forced = i->cancelled != LOOP_CANCEL_NONE && now >= i->force_at_ns;
    if (i->asked_to_stop || forced)
        stop(i);
    if (i->stopping && p->stuck == UINT64_MAX)
        p->stuck = now + LP_STUCK_MS * 1000000ull;
    if (i->stopping)
        return p->stuck;
    uint64_t next = LP_MIN(p->warn, p->deadline);
    return i->cancelled != LOOP_CANCEL_NONE ? LP_MIN(next, i->force_at_ns) : next;
}

static void nothing(uv_timer_t *timer)
{
    (void)timer;
}

/* A component that can be asked is asked a little before its time is up. */
static struct plan plan_of(const loop_instance *i)
{
    struct plan p = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    if (!i->options.timeout_ms)
        return p;
    uint64_t ms = i->options.timeout_ms;
    p.deadline = i->started_ns + ms * 1000000;
    if (i->sees_cancellation)
        p.warn = p.deadline - LP_MIN(i->options.grace_ms, ms / 5) * 1000000;
    return p;
}

/* Turns the loop until the actor is done or given up. */
static void wait_for_actor(loop_instance *i)
{
    loop_host *h = i->host;
    struct plan p = plan_of(i);
    uv_timer_t timer;
    uv_timer_init(&h->loop, &timer);
    uv_ref((uv_handle_t *)&h->wake);
    while (!i->done) {
        uint64_t next = supervise(i, &p), now = lp_os_now_ns();
        if (i->stopping && now >= p.stuck)
            break;
        if (next != UINT64_MAX) {
            uv_update_time(&h->loop);
            uv_timer_start(&timer, nothing, next > now ? (next - now + 999999) / 1000000 : 0, 0);
        }
        uv_run(&h->loop, UV_RUN_ONCE);
    }
    uv_unref((uv_handle_t *)&h->wake);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&h->loop, UV_RUN_NOWAIT);
}

/* Why it was stopped, in the place of "stopped". */
static loop_error *stop_reason(loop_instance *i, loop_error *err)
{
    bool by_deadline = i->timed_out || i->cancelled == LOOP_CANCEL_DEADLINE;
    loop_error_delete(err);
    if (by_deadline)
        return loop_error_hint_set(loop_error_new(LOOP_TIMEOUT, "'%s' did not end within %g s",
                                                  i->options.name,
                                                  (double)i->options.timeout_ms / 1000),
                                   "give it longer with --timeout, or limits.timeout in loop.yaml");
    return loop_error_new(LOOP_CANCELLED, "'%s' was %s", i->options.name,
                          i->cancelled == LOOP_CANCEL_INTERRUPTED ? "interrupted" : "stopped");
}

static loop_error *name_error(loop_instance *i, loop_error *err)
{
    loop_code code = loop_error_code(err);
    if (code == LOOP_CANCELLED && i->stopping)
        return stop_reason(i, err);
    if (code == LOOP_TIMEOUT && !i->timed_out)
        return loop_error_hint_set(loop_error_wrap(err, "a call into '%s' took longer than %g s",
                                                   i->options.name,
                                                   (double)i->options.call_timeout_ms / 1000),
                                   "raise limits.call in loop.yaml");
    return err;
}

static loop_error *run(loop_instance *i, loop_result *ret)
{
    if (i->state != LP_NEW)
        return loop_error_new(LOOP_USAGE, "'%s' has run already; make another instance",
                              i->options.name);
    i->state = LP_RUNNING;
    i->started_ns = lp_os_now_ns();
    LP_TRY(lp_os_thread_start(actor, i, 512 << 10, &i->thread));
    wait_for_actor(i);
    if (!i->done) {
        i->state = LP_STUCK;
        ret->status = i->timed_out ? LOOP_TIMEOUT : LOOP_CANCELLED;
        return stop_reason(i, NULL);
    }
    lp_os_thread_join(lp_take(&i->thread));
    i->state = LP_ENDED;
    loop_error *err = i->error ? name_error(i, lp_take(&i->error)) : NULL;
    if (err) {
        loop_free(i->result.output);
        *ret = (loop_result){.status = (int)loop_error_code(err)};
        return err;
    }
    *ret = i->result;
    if (lp_guest_memory_refused(i->guest) && ret->status != 0) {
        lp_auto(lp_free_string) char *limit = lp_size_text(i->options.memory_limit);
        loop_host_log(
            i->host, LOOP_LOG_WARN,
            "%s: reached its memory limit of %s on the way; raise it with --max-memory, or "
            "limits.memory in loop.yaml",
            i->options.name, limit);
    }
    return NULL;
}

static loop_error *cannot_run(const loop_instance *i)
{
    const char *path = i->component->path;
    if (i->component->kind == LOOP_COMPONENT_HTTP)
        return loop_error_hint_set(loop_error_new(LOOP_INVALID,
                                                  "'%s' is an HTTP server (it exports "
                                                  "wasi:http/incoming-handler), not a command",
                                                  i->options.name),
                                   "loop does not serve HTTP yet; `wasmtime serve '%s'` runs it",
                                   path);
    lp_buf have = {0};
    const char *name;
    for (size_t n = 0; (name = lp_component_export_at(i->component->engine, n)) && n < 8; n++)
        lp_buf_printf(&have, "%s%s", have.len ? ", " : "", name);
    loop_error *err = loop_error_new(
        LOOP_INVALID,
        "'%s' is a library: it exports %s, and neither wasi:cli/run nor loop:core/app",
        i->options.name, have.len ? have.ptr : "nothing");
    if (!have.len)
        return loop_error_hint_set(err, "there is nothing in it to run or to call; build it again");
    bool spin = (strstr(have.ptr, "fermyon:spin") || strstr(have.ptr, "spin:"));
    lp_buf_done(&have);
    return loop_error_hint_set(err,
                               spin ? "this is a Spin app; `spin up` runs it"
                                    : "call one of its functions with --invoke 'iface.func(args)'; "
                                      "`loop inspect` shows them");
}

loop_error *loop_instance_run(loop_instance *i, loop_result *ret)
{
    if (i->component->kind != LOOP_COMPONENT_COMMAND && i->component->kind != LOOP_COMPONENT_APP)
        return cannot_run(i);
    i->job = LP_JOB_RUN;
    return run(i, ret);
}

loop_error *loop_instance_invoke(loop_instance *i, const char *call, loop_result *ret)
{
    if (strlen(call) > LP_MAX_INVOKE_TEXT)
        return loop_error_new(LOOP_LIMIT, "a call of more than %u bytes", LP_MAX_INVOKE_TEXT);
    i->job = LP_JOB_INVOKE;
    i->call_text = lp_arena_strndup(&i->arena, call, strlen(call));
    return run(i, ret);
}
