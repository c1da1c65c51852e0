/*
 * fx/serve/party.c: components that take part.
 *
 * An actor is an instance with a mailbox: its functions run on its thread. A component in a slot
 * has a thread that the host calls and waits for, by the name "fx.NAME": its bindings say who NAME
 * is, and its chain may have interceptors and be swapped like any other.
 */
#include <stdlib.h>

#include "fx/serve/internal.h"

static struct party *party_new(struct fx_serve *s, const char *name, loop_instance *actor)
{
    struct party *p = lp_alloc(sizeof *p);
    *lp_push(&s->parties) = p;
    p->serve = s;
    p->number = (uint32_t)s->parties.n;
    p->name = lp_strdup(name);
    p->actor = actor;
    return p;
}

void lp_fx_party_delete(struct party *p)
{
    for (size_t i = 0; i < p->mountables.n; i++) {
        free(p->mountables.at[i].name);
        free(p->mountables.at[i].why);
    }
    free(p->mountables.at);
    free(p->known.at);
    loop_caller_delete(p->caller);
    free(p->name);
    free(p);
}

struct party *lp_fx_actor(struct fx_serve *s, const loop_instance *i)
{
    for (size_t n = 0; n < s->parties.n; n++)
        if (s->parties.at[n]->actor == i && !s->parties.at[n]->gone)
            return s->parties.at[n];
    return NULL;
}

static struct party *slot_named(struct fx_serve *s, lp_str name)
{
    for (size_t n = 0; n < s->parties.n; n++)
        if (!s->parties.at[n]->actor && !s->parties.at[n]->gone &&
            lp_str_eq(lp_str_of(s->parties.at[n]->name), name))
            return s->parties.at[n];
    return NULL;
}

struct party *lp_fx_caller(struct fx_serve *s, loop_call *call, bool make)
{
    bool serves;
    loop_instance *i = lp_call_actor(call, &serves);
    const char *name = loop_call_component(call);
    struct party *p = serves ? slot_named(s, lp_str_of(name)) : lp_fx_actor(s, i);
    return p || !make || serves ? p : party_new(s, name, i);
}

/* ---- whom it may mount ---- */

static bool granted(struct party *p, const char *name, char **ret_why)
{
    lp_auto(lp_free_string) char *need = lp_format("fx.%s", name);
    const loop_request want = {.kind = LOOP_GRANT_NEED, .name = need};
    loop_decision d = {0};
    if (p->actor)
        lp_instance_decide(p->actor, &want, &d);
    else if (p->peer)
        lp_peer_decide(p->peer, &want, &d);
    if (!d.allowed)
        *ret_why = lp_format("'%s' may not mount fibers of '%s': %s%s%s", p->name, name, d.reason,
                             *d.hint ? "; to allow it: " : "", d.hint);
    return d.allowed;
}

static bool is_name(lp_str s)
{
    const char *letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/";
    for (size_t i = 0; i < s.len; i++)
        if (!s.ptr[i] || !strchr(letters, s.ptr[i]))
            return false;
    return s.len && s.len <= LP_MAX_FX_NAME;
}

struct party *lp_fx_mountable(struct party *p, lp_str name, const char **ret_why)
{
    for (size_t i = 0; i < p->mountables.n; i++) {
        const struct mountable *m = &p->mountables.at[i];
        if (lp_str_eq(lp_str_of(m->name), name)) {
            *ret_why = m->why;
            return m->party;
        }
    }
    *ret_why = "a component's name has letters, digits and -_.:/, 256 at most";
    if (!is_name(name))
        return NULL;
    *ret_why = "its elements name too many components";
    if (p->mountables.n >= LP_MAX_FX_MOUNTABLES)
        return NULL;
    struct mountable m = {.name = lp_strndup(name.ptr, name.len)};
    if (granted(p, m.name, &m.why)) {
        m.party = slot_named(p->serve, name);
        m.party = m.party ? m.party : party_new(p->serve, m.name, NULL);
    }
    *ret_why = m.why;
    *lp_push(&p->mountables) = m;
    return m.party;
}

/* ---- calling ---- */

static loop_error *bind_actor(struct party *p)
{
    if (!p->bound)
        LP_TRY(loop_fx_fibers_bind(p->actor, &p->fibers));
    p->bound = true;
    return NULL;
}

static loop_error *peer_call(struct party *p, size_t row, const void *args, void *ret)
{
    if (!p->caller) {
        lp_auto(lp_free_string) char *name = lp_format("fx.%s", p->name);
        LP_TRY(loop_caller_new(p->serve->host, name, NULL, NULL, &p->caller));
    }
    loop_call *call = loop_caller_begin(p->caller);
    if (!p->peer) {
        const loop_peer *peer;
        loop_error *err = loop_call_peer(call, &loop_fx_fibers_interface, &peer);
        if (err)
            return loop_error_hint_set(
                loop_error_wrap(err, "there is no component '%s' with fibers", p->name),
                "it is a row of `components:`, and exports loop:fx/fibers");
        lp_os_mutex_lock(p->serve->lock);
        p->peer = peer;
        p->generation = lp_peer_generation(peer);
        lp_os_mutex_unlock(p->serve->lock);
    }
    return loop_peer_call(p->peer, call, row, args, ret);
}

loop_error *lp_fx_call_run(struct party *p, const loop_fx_fibers_batch *batch,
                           loop_fx_fibers_answer *ret)
{
    if (!p->actor)
        return peer_call(p, 0, batch, ret);
    LP_TRY(bind_actor(p));
    return loop_fx_fibers_call_run(&p->fibers, batch, ret);
}

loop_error *lp_fx_call_effects(struct party *p, loop_list_string names,
                               loop_fx_fibers_list_effect_call calls)
{
    const struct {
        loop_list_string names;
        loop_fx_fibers_list_effect_call calls;
    } args = {names, calls}; /* as the layout of parameters is (loop/abi.h) */
    if (!p->actor)
        return peer_call(p, 1, &args, NULL);
    LP_TRY(bind_actor(p));
    return loop_fx_fibers_call_effects(&p->fibers, names, calls);
}

loop_error *lp_fx_call_callbacks(struct party *p, const loop_fx_fibers_callback_batch *batch)
{
    if (!p->actor)
        return peer_call(p, 2, batch, NULL);
    LP_TRY(bind_actor(p));
    return loop_fx_fibers_call_call(&p->fibers, batch);
}

loop_error *lp_fx_call_compute(struct party *p, const loop_fx_graph_functions_work *work,
                               loop_fx_graph_functions_list_result_list_u8_string *ret)
{
    if (!p->graph_bound)
        LP_TRY(loop_fx_graph_functions_bind(p->actor, &p->graph));
    p->graph_bound = true;
    return loop_fx_graph_functions_call_compute(&p->graph, work, ret);
}

/* ---- swaps ---- */

void lp_fx_parties_swapped(struct fx_serve *s)
{
    for (size_t n = 0; n < s->parties.n; n++) {
        struct party *p = s->parties.at[n];
        uint32_t now = p->peer ? lp_peer_generation(p->peer) : 0;
        if (now == p->generation)
            continue;
        p->generation = now;
        loop_error *err = lp_fx_replaced(s->fx, p->number, false);
        loop_error_delete(err); /* LOOP_LIMIT: so much waits that its fibers run anyhow */
    }
}
