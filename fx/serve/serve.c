/*
 * fx/serve/serve.c: the provider `fx`: what components ask of `loop:fx/runtime`.
 *
 * Writes, calls and cancellations wait in the runtime. A tree that is mounted, changed or dropped
 * is acted on at once where no turn is driven, and waits here where one is. A component that is
 * put in the place of another one (loop/swap.h) finds the trees of that one by their names: who
 * drops the last handle of a root asks the root's own thread to unmount it, and before that is
 * there the new component has mounted it again.
 */
#include <stdlib.h>

#include "fx/serve/internal.h"

typedef struct loop_fx_runtime_root root_t;

/* ---- errors ---- */

static loop_string text_of(loop_call *call, const loop_error *err)
{
    lp_buf text = {0};
    for (const loop_error *e = err; e; e = loop_error_cause(e))
        lp_buf_printf(&text, "%s%s", text.len ? ": " : "", loop_error_message(e));
    loop_string kept = loop_call_string(call, text.ptr ? text.ptr : "", text.len);
    lp_buf_done(&text);
    return kept;
}

loop_core_types_error lp_fx_error_of(loop_call *call, loop_error *err)
{
    loop_core_types_error e = {.tag = LOOP_CORE_TYPES_ERROR_FAILED};
    switch (loop_error_code(err)) {
    case LOOP_UNAVAILABLE: e.tag = LOOP_CORE_TYPES_ERROR_UNAVAILABLE; break;
    case LOOP_LIMIT: e.tag = LOOP_CORE_TYPES_ERROR_LIMIT; break;
    case LOOP_INVALID:
    case LOOP_USAGE:
    case LOOP_NOT_FOUND: e.tag = LOOP_CORE_TYPES_ERROR_INVALID; break;
    default: break;
    }
    e.of.failed = text_of(call, err); /* all have the text in the same place */
    loop_error_delete(err);
    return e;
}

static void put(loop_call *call, loop_error *err, loop_fx_runtime_result_void_error *ret)
{
    ret->is_err = err != NULL;
    if (err)
        ret->of.error = lp_fx_error_of(call, err);
}

/* ---- roots ---- */

static void root_settle(root_t *root)
{
    struct fx_serve *s = root->serve;
    if (root->handles || root->fiber || root->wishes)
        return;
    for (size_t i = 0; i < s->roots.n; i++)
        if (s->roots.at[i] == root)
            s->roots.at[i] = s->roots.at[--s->roots.n];
    free(root->name);
    free(root->why);
    free(root);
}

static loop_error *show(root_t *root, const lp_fx_table *table)
{
    struct fx_serve *s = root->serve;
    free(lp_take(&root->why));
    if (root->fiber)
        return lp_fx_update(s->fx, root->fiber, table);
    return lp_fx_mount(s->fx, lp_str_of(root->name), root->party->number, table, &root->fiber);
}

static void act(struct wish *w)
{
    root_t *root = w->root;
    loop_error *err = NULL;
    root->wishes--;
    if (w->what == WISH_SHOW && !root->party->gone)
        err = show(root, &w->table);
    if (w->what == WISH_DROP && root->fiber && (!root->handles || root->party->gone)) {
        err = lp_fx_unmount(root->serve->fx, root->fiber); /* between turns it is never refused */
        root->fiber = 0;
    }
    if (err)
        root->why = lp_strdup(loop_error_message(err));
    loop_error_delete(err);
    lp_arena_done(&w->arena);
    root_settle(root);
}

bool lp_fx_wishes(struct fx_serve *s, const struct party *here, struct party **ret)
{
    size_t n = 0;
    for (; n < s->wishes.n; n++) {
        struct party *p = s->wishes.at[n].root->party;
        *ret = p;
        if (s->wishes.at[n].what == WISH_DROP && p != here && !p->gone)
            break;
        act(&s->wishes.at[n]);
    }
    bool all = n == s->wishes.n;
    s->wishes.n -= n;
    if (n && s->wishes.n)
        memmove(s->wishes.at, s->wishes.at + n, s->wishes.n * sizeof *s->wishes.at);
    return all;
}

static struct wish *wish_add(root_t *root, int what)
{
    struct wish *w = lp_push(&root->serve->wishes);
    w->what = what;
    w->root = root;
    root->wishes++;
    return w;
}

/* Now, or after the turn. */
static loop_error *ask_to_show(root_t *root, const loop_fx_types_table *tree)
{
    struct fx_serve *s = root->serve;
    lp_arena arena = {0};
    lp_fx_table table;
    const char *why = lp_fx_table_of(root->party, tree, true, &arena, &table);
    loop_error *err = why ? loop_error_new(LOOP_INVALID, "%s", why) : NULL;
    if (!err && s->driven && s->wishes.n >= LP_MAX_FX_ROOTS)
        err = loop_error_new(LOOP_LIMIT, "too much waits for the next turn");
    if (!err && s->driven) {
        struct wish *w = wish_add(root, WISH_SHOW);
        w->arena = arena;
        w->table = table;
        return NULL;
    }
    if (!err)
        err = show(root, &table);
    lp_arena_done(&arena);
    if (!err)
        lp_fx_kick(s, root->party);
    return err;
}

/* One that the component before this one mounted, or that it has just dropped itself. */
static root_t *left_behind(const struct party *p, lp_str name, uint64_t body)
{
    for (size_t i = 0; i < p->serve->roots.n; i++) {
        root_t *r = p->serve->roots.at[i];
        if (r->party == p && lp_str_eq(lp_str_of(r->name), name) &&
            (!r->handles || r->body != body))
            return r;
    }
    return NULL;
}

static loop_error *root_new(struct party *p, lp_str name, root_t **ret)
{
    struct fx_serve *s = p->serve;
    if (name.len > LP_MAX_FX_NAME || (name.len && memchr(name.ptr, 0, name.len)))
        return loop_error_new(LOOP_INVALID,
                              "the name of a root is longer than %d bytes, or has a "
                              "NUL in it",
                              LP_MAX_FX_NAME);
    if (s->roots.n >= LP_MAX_FX_ROOTS)
        return loop_error_new(LOOP_LIMIT, "there are %d trees, the most there may be",
                              LP_MAX_FX_ROOTS);
    root_t *r = lp_alloc(sizeof *r);
    *r = (root_t){.serve = s, .party = p, .name = lp_strndup(name.ptr ? name.ptr : "", name.len)};
    *lp_push(&s->roots) = *ret = r;
    return NULL;
}

static loop_error *do_mount(struct fx_serve *s, loop_call *call, lp_str name,
                            const loop_fx_types_table *tree, root_t **ret)
{
    struct party *p = lp_fx_caller(s, call, true);
    if (!p)
        return loop_error_new(LOOP_UNAVAILABLE,
                              "a component that serves others mounts no trees of its own: it may "
                              "return elements that quote");
    uint64_t body = lp_call_body_number(call);
    root_t *r = left_behind(p, name, body);
    if (!r)
        LP_TRY(root_new(p, name, &r));
    r->handles++;
    loop_error *err = ask_to_show(r, tree);
    if (err) {
        r->handles--;
        root_settle(r);
        return err;
    }
    r->body = body;
    *ret = r;
    return NULL;
}

/* ---- the interface ---- */

/* The host is known from the first call on. */
struct fx_serve *lp_fx_enter(void *self, loop_call *call)
{
    struct fx_serve *s = self;
    lp_os_mutex_lock(s->lock);
    if (!s->host) {
        s->host = lp_call_host(call);
        lp_host_watch(s->host, &s->watcher);
    }
    return s;
}

static lp_str str(loop_string s)
{
    return (lp_str){s.len ? s.ptr : "", s.len};
}

static lp_str block(loop_list_u8 b)
{
    return (lp_str){b.len ? (const char *)b.ptr : "", b.len};
}

static loop_error *mount(void *self, loop_call *call, loop_string name,
                         const loop_fx_runtime_table *tree,
                         loop_fx_runtime_result_own_root_error *ret)
{
    struct fx_serve *s = lp_fx_enter(self, call);
    root_t *root = NULL;
    loop_error *err = do_mount(s, call, str(name), tree, &root);
    lp_os_mutex_unlock(s->lock);
    ret->is_err = err != NULL;
    if (err)
        ret->of.error = lp_fx_error_of(call, err);
    else
        ret->of.ok = root;
    return NULL;
}

static loop_error *root_update(void *self, loop_call *call, root_t *root,
                               const loop_fx_runtime_table *tree,
                               loop_fx_runtime_result_void_error *ret)
{
    struct fx_serve *s = lp_fx_enter(self, call);
    loop_error *err = ask_to_show(root, tree);
    lp_os_mutex_unlock(s->lock);
    put(call, err, ret);
    return NULL;
}

static loop_error *root_phase(void *self, loop_call *call, root_t *root,
                              loop_fx_runtime_result_phase_error *ret)
{
    struct fx_serve *s = lp_fx_enter(self, call);
    const char *why = root->why     ? root->why
                      : root->fiber ? lp_fx_failure(s->fx, root->fiber)
                                    : NULL;
    lp_fx_stats stats = lp_fx_stats_of(s->fx);
    if (why) {
        ret->of.ok.tag = LOOP_FX_RUNTIME_PHASE_FAILED;
        ret->of.ok.of.failed = loop_call_string(call, why, strlen(why));
    } else if (s->driven || stats.due || root->wishes) {
        ret->of.ok.tag = LOOP_FX_RUNTIME_PHASE_BUSY;
        ret->of.ok.of.busy = stats.due;
    }
    lp_os_mutex_unlock(s->lock);
    return NULL;
}

static loop_error *all_may_write(const struct party *p, loop_fx_runtime_list_cell_write cells)
{
    size_t bytes = 0;
    const struct fx_serve *s = p->serve;
    for (size_t i = 0; i < cells.len; i++) {
        const loop_fx_runtime_cell_write *w = &cells.ptr[i];
        const lp_fx_value value = {str(w->type_name), w->type_version, 0, block(w->bytes)};
        uint32_t component = 0;
        if (!lp_fx_component_of(s->fx, w->fiber, &component) || component != p->number)
            return loop_error_new(LOOP_INVALID, "there is no fiber %u of this component", w->fiber);
        LP_TRY(lp_fx_write_check(s->fx, w->fiber, w->cell, &value));
        bytes += w->bytes.len;
    }
    return lp_fx_room(s->fx, cells.len, bytes);
}

static loop_error *do_write(struct party *p, loop_fx_runtime_list_cell_write cells)
{
    LP_TRY(all_may_write(p, cells));
    for (size_t i = 0; i < cells.len; i++) {
        const loop_fx_runtime_cell_write *w = &cells.ptr[i];
        const lp_fx_value value = {str(w->type_name), w->type_version, 0, block(w->bytes)};
        LP_TRY(lp_fx_write(p->serve->fx, w->fiber, w->cell, &value));
    }
    return NULL;
}

static loop_error *do_send(struct party *p, loop_fx_runtime_list_message messages)
{
    size_t bytes = 0;
    lp_fx *fx = p->serve->fx;
    uint32_t component;
    for (size_t i = 0; i < messages.len; i++) {
        const loop_fx_runtime_message *m = &messages.ptr[i];
        if (!lp_fx_knows(p, (lp_fx_callback){m->to.fiber, m->to.slot}))
            return loop_error_new(LOOP_INVALID,
                                  "the callback (%u, %u) is one that this component was not handed",
                                  m->to.fiber, m->to.slot);
        if (m->bytes.len > LP_MAX_FX_PROPERTIES)
            return loop_error_new(LOOP_LIMIT, "a call has more than %u bytes",
                                  LP_MAX_FX_PROPERTIES);
        bytes += m->bytes.len;
    }
    LP_TRY(lp_fx_room(fx, messages.len, bytes));
    for (size_t i = 0; i < messages.len; i++) {
        const loop_fx_runtime_message *m = &messages.ptr[i];
        if (lp_fx_component_of(fx, m->to.fiber, &component))
            LP_TRY(lp_fx_send(fx, (lp_fx_callback){m->to.fiber, m->to.slot}, block(m->bytes)));
    }
    return NULL;
}

static loop_error *do_cancel(struct party *p, loop_fx_runtime_list_fiber_id fibers)
{
    lp_fx *fx = p->serve->fx;
    uint32_t component = 0;
    for (size_t i = 0; i < fibers.len; i++)
        if (lp_fx_component_of(fx, fibers.ptr[i], &component) && component != p->number)
            return loop_error_new(LOOP_INVALID, "the fiber %u is not of this component",
                                  fibers.ptr[i]);
    LP_TRY(lp_fx_room(fx, fibers.len, 0));
    for (size_t i = 0; i < fibers.len; i++)
        if (lp_fx_component_of(fx, fibers.ptr[i], &component))
            LP_TRY(lp_fx_cancel(fx, fibers.ptr[i]));
    return NULL;
}

static struct party *begin(void *self, loop_call *call, struct fx_serve **ret, loop_error **err)
{
    *ret = lp_fx_enter(self, call);
    struct party *p = lp_fx_caller(*ret, call, false);
    *err = p ? NULL : loop_error_new(LOOP_INVALID, "this component has no fibers");
    return p;
}

static loop_error *end(struct fx_serve *s, loop_call *call, struct party *p, loop_error *err,
                       loop_fx_runtime_result_void_error *ret)
{
    if (!err)
        lp_fx_kick(s, p);
    lp_os_mutex_unlock(s->lock);
    put(call, err, ret);
    return NULL;
}

static loop_error *write_cells(void *self, loop_call *call, loop_fx_runtime_list_cell_write cells,
                               loop_fx_runtime_result_void_error *ret)
{
    struct fx_serve *s;
    loop_error *err;
    struct party *p = begin(self, call, &s, &err);
    return end(s, call, p, p ? do_write(p, cells) : err, ret);
}

static loop_error *send(void *self, loop_call *call, loop_fx_runtime_list_message messages,
                        loop_fx_runtime_result_void_error *ret)
{
    struct fx_serve *s;
    loop_error *err;
    struct party *p = begin(self, call, &s, &err);
    return end(s, call, p, p ? do_send(p, messages) : err, ret);
}

static loop_error *cancel(void *self, loop_call *call, loop_fx_runtime_list_fiber_id fibers,
                          loop_fx_runtime_result_void_error *ret)
{
    struct fx_serve *s;
    loop_error *err;
    struct party *p = begin(self, call, &s, &err);
    return end(s, call, p, p ? do_cancel(p, fibers) : err, ret);
}

static void root_drop(void *self, root_t *root)
{
    struct fx_serve *s = self;
    lp_os_mutex_lock(s->lock);
    if (--root->handles == 0 && root->fiber) {
        wish_add(root, WISH_DROP);
        lp_fx_kick(s, root->party);
    }
    root_settle(root);
    lp_os_mutex_unlock(s->lock);
}

/* ---- watching ---- */

/* Nothing more of it runs; within the effects of a turn it is too late for that. */
static void unmount_soon(root_t *root)
{
    loop_error *err = root->fiber ? lp_fx_unmount(root->serve->fx, root->fiber) : NULL;
    if (err)
        wish_add(root, WISH_DROP);
    else
        root->fiber = 0;
    loop_error_delete(err);
}

static void on_replaced(void *data, loop_instance *i)
{
    struct fx_serve *s = data;
    lp_os_mutex_lock(s->lock);
    struct party *p = lp_fx_actor(s, i);
    if (p) {
        loop_error *err = lp_fx_replaced(s->fx, p->number, false);
        loop_error_delete(err); /* LOOP_LIMIT: so much waits that its fibers run anyhow */
        lp_fx_kick(s, p);
    }
    lp_os_mutex_unlock(s->lock);
}

static void on_stopped(void *data, loop_instance *i)
{
    struct fx_serve *s = data;
    lp_os_mutex_lock(s->lock);
    struct party *p = lp_fx_actor(s, i);
    if (!p) {
        lp_os_mutex_unlock(s->lock);
        return;
    }
    for (size_t n = 0; n < s->roots.n; n++)
        if (s->roots.at[n]->party == p)
            unmount_soon(s->roots.at[n]);
    lp_fx_graph_drop(s->fx, p->number);
    lp_fx_actor_stopped(s, p);
}

static void on_swapped(void *data)
{
    struct fx_serve *s = data;
    lp_os_mutex_lock(s->lock);
    lp_fx_parties_swapped(s);
    lp_fx_kick(s, NULL);
    lp_os_mutex_unlock(s->lock);
}

/* ---- the provider ---- */

static loop_error *open(const loop_services *services, void **ret_self)
{
    struct fx_serve *s = lp_alloc(sizeof *s);
    lp_fx_options o = {.tells_end = true, .max_mounted = LP_MAX_FX_MOUNTED};
    lp_os_random(o.seed, sizeof o.seed);
    s->services = *services;
    s->watcher = (lp_watcher){on_replaced, on_stopped, on_swapped, s};
    s->lock = lp_os_mutex_new();
    s->fx = lp_fx_new(&o);
    *ret_self = s;
    return NULL;
}

/* Every instance has ended. */
static void close(void *self)
{
    struct fx_serve *s = self;
    lp_fx_clock_end(s);
    if (s->host)
        lp_host_watch(s->host, NULL);
    for (size_t i = 0; i < s->wishes.n; i++)
        lp_arena_done(&s->wishes.at[i].arena);
    for (size_t i = 0; i < s->roots.n; i++) {
        free(s->roots.at[i]->name);
        free(s->roots.at[i]->why);
        free(s->roots.at[i]);
    }
    for (size_t i = 0; i < s->parties.n; i++)
        lp_fx_party_delete(s->parties.at[i]);
    free(s->wishes.at);
    free(s->roots.at);
    free(s->parties.at);
    lp_fx_delete(s->fx);
    lp_arena_done(&s->arena);
    lp_os_mutex_delete(s->lock);
    free(s);
}

static const loop_fx_runtime_functions runtime = {
    .root_update = root_update,
    .root_phase = root_phase,
    .root_inspect = lp_fx_root_inspect,
    .mount = mount,
    .write = write_cells,
    .send = send,
    .cancel = cancel,
    .root_drop = root_drop,
};
static const loop_provider_interface interfaces[] = {
    {&loop_fx_runtime_interface, &runtime},
    {&loop_fx_graph_interface, &lp_fx_graph_functions},
    {NULL, NULL}};

const loop_provider lp_provider_fx = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "fx",
    .summary = "trees of fibers: functions of components that run again where something changed",
    .interfaces = interfaces,
    .threads = LOOP_THREADS_ANY,
    .open = open,
    .close = close,
    .needs =
        (const loop_provider_need[]){
            {"loop:fx/runtime", "*", LOOP_NEED_NOTHING, NULL,
             "a tree is the component's own; whose fibers it may mount in it is granted as "
             "fx.NAME"},
            {"loop:fx/graph", "*", LOOP_NEED_NOTHING, NULL, "a graph is the component's own"},
            {0},
        },
};
