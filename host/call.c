/*
 * host/call.c: the one path that every call of a guest into a provider takes:
 * serialise where the provider asks for it, call, trace.
 *
 * Resources: a handle is a number of a slot in the instance's table, which knows
 * the provider and the object. A guest never sees an address.
 */
#include <stdlib.h>

#include "host/internal.h"

struct loop_call {
    struct lp_slot *slot;
    lp_arena *arena;
    bool over; /* more memory was asked for than a call may have */
};

/* ---- handles ---- */

uint32_t lp_held_type(void *data, uint32_t handle)
{
    loop_instance *i = data;
    return handle < i->held.n && i->held.at[handle].object ? i->held.at[handle].type : UINT32_MAX;
}

/* One call at a time, where the provider asks for that. */
static void lock(struct lp_provider *p)
{
    if (p->table->threads == LOOP_THREADS_SERIAL)
        lp_os_mutex_lock(p->serial);
}

static void unlock(struct lp_provider *p)
{
    if (p->table->threads == LOOP_THREADS_SERIAL)
        lp_os_mutex_unlock(p->serial);
}

static void release(loop_instance *i, uint32_t handle)
{
    struct lp_held *h = &i->held.at[handle];
    void *object = lp_take(&h->object);
    if (h->resource->drop) {
        lock(h->provider);
        h->resource->drop(h->provider->self, object);
        unlock(h->provider);
    }
    h->next_free = i->free_held;
    i->free_held = handle;
}

/* ---- calling ---- */

static const char *outcome_of(const loop_error *err, const loop_value *ret)
{
    if (err)
        return "failed";
    return ret->kind == LOOP_RESULT && ret->index == 1 ? "error" : "ok";
}

static void trace(const struct lp_slot *s, const char *provider, uint64_t start,
                  const char *outcome)
{
    loop_host *h = s->instance->host;
    if (!h->options.trace)
        return;
    lp_host_trace(h, &(loop_trace){
                         .component = s->instance->options.name,
                         .interface_name = s->import->interface_name,
                         .function = s->import->name,
                         .provider = provider,
                         .duration_ns = lp_os_now_ns() - start,
                         .outcome = outcome,
                     });
}

loop_error *lp_slot_call(void *data, lp_arena *arena, const loop_value *args, size_t nargs,
                         loop_value *ret)
{
    struct lp_slot *s = data;
    loop_call call = {.slot = s, .arena = arena};
    uint64_t start = s->instance->host->options.trace ? lp_os_now_ns() : 0;
    lock(s->provider);
    loop_error *err = s->function->call(s->provider->self, &call, args, ret);
    unlock(s->provider);
    if (call.over && !err)
        err = loop_error_new(LOOP_LIMIT, "the answer takes more than the %u MiB of a call",
                             LP_MAX_CALL_BYTES >> 20);
    for (size_t n = 0; n < nargs; n++)
        if (args[n].kind == LOOP_OWN && lp_held_type(s->instance, args[n].of.handle) != UINT32_MAX)
            release(s->instance, args[n].of.handle); /* handed over: used up by the call */
    trace(s, s->provider->table->name, start, outcome_of(err, ret));
    if (err)
        return loop_error_wrap(err, "in %s of '%s' (provider '%s')", s->import->name,
                               s->import->interface_name, s->provider->table->name);
    return NULL;
}

/* ---- stubs ---- */

/* Fills `unavailable` of an error type: an enum or variant case of that name. */
static bool unavailable(const lp_type *t, lp_arena *arena, const char *why, loop_value *ret)
{
    if (!t || (t->kind != LOOP_VARIANT && t->kind != LOOP_ENUM))
        return false;
    size_t i = lp_type_index(t, "unavailable", strlen("unavailable"));
    if (i == SIZE_MAX)
        return false;
    *ret = (loop_value){.kind = t->kind, .index = (uint32_t)i};
    const lp_type *payload = t->kind == LOOP_VARIANT ? t->elements[i] : NULL;
    if (!payload)
        return true;
    if (payload->kind != LOOP_STRING)
        return false;
    loop_value *text = lp_arena_alloc(arena, sizeof *text);
    *text = (loop_value){.kind = LOOP_STRING, .of.text = {why, strlen(why)}};
    ret->of.items.at = text;
    ret->of.items.count = 1;
    return true;
}

loop_error *lp_stub_call(void *data, lp_arena *arena, const loop_value *args, size_t nargs,
                         loop_value *ret)
{
    (void)args;
    (void)nargs;
    struct lp_slot *s = data;
    uint64_t start = lp_os_now_ns();
    const lp_type *t = s->import->signature->result;
    loop_value *error = lp_arena_alloc(arena, sizeof *error);
    if (t && t->kind == LOOP_RESULT && unavailable(t->elements[1], arena, s->stub_reason, error)) {
        *ret = (loop_value){.kind = LOOP_RESULT, .index = 1, .of.items = {error, 1}};
        trace(s, "stub", start, "error");
        return NULL;
    }
    trace(s, "stub", start, "failed");
    loop_error *err = loop_error_new(LOOP_UNAVAILABLE, "%s", s->stub_reason);
    err = loop_error_wrap(err, "'%s' of '%s' cannot answer that it is unavailable", s->import->name,
                          s->import->interface_name);
    return loop_error_hint_set(err, "ask loop:core/capabilities before calling an optional import");
}

/* ---- resources ---- */

void lp_slot_drop(void *data, uint32_t handle)
{
    struct lp_slot *s = data;
    loop_instance *i = s->instance;
    if (handle < i->held.n && i->held.at[handle].object && i->held.at[handle].type == s->type)
        release(i, handle);
}

void lp_held_sweep(loop_instance *i)
{
    for (uint32_t h = 0; h < i->held.n; h++)
        if (i->held.at[h].object)
            release(i, h);
    free(i->held.at);
    i->held.at = NULL;
    i->held.n = i->held.cap = 0;
}

loop_error *loop_call_hold(loop_call *call, const char *resource, void *object,
                           uint32_t *ret_handle)
{
    loop_instance *i = call->slot->instance;
    const struct lp_slot *owner = NULL;
    for (size_t n = 0; n < i->slots.n && !owner; n++) {
        const struct lp_slot *s = i->slots.at[n];
        if (s->resource && s->table == call->slot->table &&
            strcmp(s->resource->name, resource) == 0)
            owner = s;
    }
    if (!owner)
        return loop_error_new(LOOP_INTERNAL, "the component does not import the resource '%s'",
                              resource);
    uint32_t handle = i->free_held;
    if (handle != UINT32_MAX) {
        i->free_held = i->held.at[handle].next_free;
    } else if (i->held.n < LP_MAX_HANDLES) {
        handle = (uint32_t)i->held.n;
        lp_push(&i->held);
    } else {
        return loop_error_new(LOOP_LIMIT, "the component holds %d handles, the most there may be",
                              LP_MAX_HANDLES);
    }
    i->held.at[handle] = (struct lp_held){.resource = owner->resource,
                                          .provider = owner->provider,
                                          .object = object,
                                          .type = owner->type};
    *ret_handle = handle;
    return NULL;
}

void *loop_call_held(const loop_call *call, const char *resource, uint32_t handle)
{
    const loop_instance *i = call->slot->instance;
    if (handle >= i->held.n || !i->held.at[handle].object ||
        i->held.at[handle].provider != call->slot->provider ||
        strcmp(i->held.at[handle].resource->name, resource) != 0)
        return NULL;
    return i->held.at[handle].object;
}

/* ---- what a provider may ask ---- */

void *loop_call_alloc(loop_call *call, size_t size)
{
    bool fits = size <= LP_MAX_CALL_BYTES && call->arena->used <= LP_MAX_CALL_BYTES - size;
    call->over = call->over || !fits;
    return fits ? lp_arena_alloc(call->arena, size) : NULL;
}

const char *loop_call_component(const loop_call *call)
{
    return call->slot->instance->options.name;
}

uint64_t loop_call_instance(const loop_call *call)
{
    return call->slot->instance->number;
}

loop_cancel_reason loop_call_cancelled(const loop_call *call, uint32_t *ret_remaining_ms)
{
    loop_instance *i = call->slot->instance;
    int reason = i->cancelled;
    uint64_t at = i->force_at_ns, now = lp_os_now_ns(); /* at: UINT64_MAX until it is known */
    if (ret_remaining_ms)
        *ret_remaining_ms = at > now ? (uint32_t)LP_MIN((at - now) / 1000000, UINT32_MAX) : 0;
    return (loop_cancel_reason)reason;
}

bool loop_call_capability(const loop_call *call, size_t n, loop_capability *ret)
{
    const loop_instance *i = call->slot->instance;
    if (n >= i->capabilities.n)
        return false;
    *ret = i->capabilities.at[n];
    return true;
}

bool loop_call_config(const loop_call *call, size_t n, const char **ret_key, const char **ret_value)
{
    const char *const *rows = call->slot->instance->options.config;
    for (size_t i = 0; rows && rows[2 * i]; i++) {
        if (i == n) {
            *ret_key = rows[2 * i];
            *ret_value = rows[2 * i + 1];
            return true;
        }
    }
    return false;
}

/* ---- helpers for results ---- */

loop_value loop_value_string(loop_call *call, const char *text, size_t len)
{
    char *copy = loop_call_alloc(call, len + 1);
    if (copy && len)
        memcpy(copy, text, len);
    return (loop_value){.kind = LOOP_STRING, .of.text = {copy, copy ? len : 0}};
}

static loop_value with_payload(loop_call *call, loop_kind kind, uint32_t index,
                               const loop_value *payload)
{
    loop_value v = {.kind = kind, .index = index};
    if (payload) {
        v.of.items.at = lp_arena_alloc(call->arena, sizeof *payload);
        *v.of.items.at = *payload;
        v.of.items.count = 1;
    }
    return v;
}

loop_value loop_value_ok(loop_call *call, const loop_value *payload)
{
    return with_payload(call, LOOP_RESULT, 0, payload);
}

loop_value loop_value_error(loop_call *call, const loop_value *payload)
{
    return with_payload(call, LOOP_RESULT, 1, payload);
}

loop_value loop_value_option(loop_call *call, const loop_value *some)
{
    return with_payload(call, LOOP_OPTION, some != NULL, some);
}

loop_value loop_value_case(loop_call *call, uint32_t index, const char *text)
{
    if (!text)
        return with_payload(call, LOOP_VARIANT, index, NULL);
    loop_value v = loop_value_string(call, text, strlen(text));
    return with_payload(call, LOOP_VARIANT, index, &v);
}
