/*
 * host/call.c: the one path that every call of a component into a provider
 * takes: lift the arguments, serialise where the provider asks for it, call, trace,
 * lower the result.
 *
 *     component ─▶ engine ─▶ lp_slot_call: lift, link 0 ─▶ loop_call_next ─▶ link 1 ...
 *     component ◀─ engine ◀─ lp_slot_put: lower what was left in the instance
 *
 * A component is entered by one call at a time and calls out of one place at a
 * time, so that the values of a call live in the instance. What an aborted call
 * left there, the next one removes.
 */
#include <stdlib.h>

#include "host/internal.h"

struct loop_call {
    struct lp_body *body;
    const struct lp_chain *chain;
    const struct lp_hop *hop; /* where it is; the next one follows */
    bool *over;               /* more memory was asked for than a call may have */
};

/* ---- calling ---- */

/* Who is asked first. */
static struct lp_provider *first_of(const struct lp_slot *s)
{
    return s->chain->links[s->hops->link].provider;
}

static void trace(const struct lp_slot *s, const char *provider, uint64_t start,
                  const char *outcome)
{
    lp_host_trace(s->body->host, &(loop_trace){
                                     .component = s->body->instance->options.name,
                                     .interface_name = s->import->interface_name,
                                     .function = s->import->name,
                                     .provider = provider,
                                     .duration_ns = lp_os_now_ns() - start,
                                     .outcome = outcome,
                                 });
}

/* A result<_, _> says by its first byte whether it is an error. */
static const char *outcome_of(const struct lp_slot *s, const loop_error *err)
{
    const lp_node *r = s->plan->result;
    if (err)
        return "failed";
    return r && r->kind == LP_RESULT && *(const uint8_t *)s->body->answer ? "error" : "ok";
}

static loop_error *call_row(const struct lp_link *l, loop_call *call, const void *args, void *ret)
{
    const struct lp_served *row = &call->hop->served;
    const loop_provider *p = l->provider->table;
    if (l->side && l->side->functions)
        return row->function->call(l->side->functions, l->provider->self, call, args, ret);
    size_t n = (size_t)(row->function - row->interface->functions);
    return p->call(l->provider->self, call, row->interface, n, args, ret);
}

static loop_error *call_locked(const struct lp_link *l, loop_call *call, const void *args,
                               void *ret)
{
    if (!lp_provider_lock(l->provider))
        return loop_error_new(LOOP_UNAVAILABLE,
                              "the provider '%s' bears one call at a time, and waits for this one",
                              l->provider->table->name);
    loop_error *err = call_row(l, call, args, ret);
    lp_provider_unlock(l->provider);
    return err;
}

__attribute__((noinline)) static loop_error *call_found(loop_call *call, const void *args,
                                                        void *ret)
{
    const struct lp_link *l = &call->chain->links[call->hop->link];
    if (l->provider->table->threads != LOOP_THREADS_ANY)
        return call_locked(l, call, args, ret);
    return call_row(l, call, args, ret);
}

static inline loop_error *call_link(loop_call *call, const void *args, void *ret)
{
    const struct lp_hop *h = call->hop;
    return h->call ? h->call(h->functions, h->self, call, args, ret) : call_found(call, args, ret);
}

/* A zeroed place for the result. */
static void make_room(struct lp_body *b, const lp_node *result)
{
    if (!result)
        return;
    if (result->size > sizeof b->small) {
        b->answer = lp_arena_alloc(&b->out.arena, result->size);
        return;
    }
    b->answer = b->small;
    if (result->size <= 16)
        memset(b->small, 0, 16);
    else
        memset(b->small, 0, result->size);
}

/* Takes `err`, which may say the same. */
static loop_error *too_much(loop_error *err)
{
    if (err && loop_error_code(err) == LOOP_LIMIT)
        return err;
    loop_error_delete(err);
    return loop_error_new(LOOP_LIMIT, "the answer takes more than the %u MiB of a call",
                          LP_MAX_CALL_BYTES >> 20);
}

static loop_error *lift_and_call(struct lp_slot *s, lp_values *in)
{
    struct lp_body *b = s->body;
    const lp_plan *p = s->plan;
    _Alignas(16) uint8_t small[256];
    void *args =
        p->params.size <= sizeof small ? small : lp_arena_take(&b->out.arena, p->params.size);
    lp_lift l = {.from = in, .frame = &b->out, .take = lp_take_argument, .data = b};
    loop_error *err = lp_lift_values(&l, &p->params, args);
    if (err) {
        lp_drop_taken(b);
        return err;
    }
    b->taken.n = 0;
    make_room(b, p->result);
    bool over = false;
    loop_call call = {b, s->chain, s->hops, &over};
    err = call_link(&call, args, b->answer);
    /* Also where memory was refused: objects that were given are dropped with the rest. */
    if (!err && p->result && p->result->handles)
        err = lp_hold_result(b, first_of(s), p->result, b->answer);
    return over ? too_much(err) : err;
}

static loop_error *in_function(const struct lp_slot *s, loop_error *err)
{
    return loop_error_wrap(err, "in %s of '%s' (provider '%s')", s->import->name,
                           s->import->interface_name, s->chain ? first_of(s)->table->name : "stub");
}

/* The values of a call are over where no `put` follows. */
static loop_error *finish(struct lp_slot *s, lp_values *in, loop_error *err)
{
    const lp_node *r = s->plan->result;
    bool flat = r && r->flat <= LP_FLAT_RESULTS && !r->handles;
    if (!err && flat)
        err = lp_lower_scalar(r, s->body->answer, LOOP_UNAVAILABLE, &in->result);
    if (err || flat || !r)
        lp_frame_end(&s->body->out);
    return err ? in_function(s, err) : NULL;
}

loop_error *lp_slot_call(void *data, lp_values *in)
{
    struct lp_slot *s = data;
    bool traced = s->body->host->options.trace != NULL;
    uint64_t start = traced ? lp_os_now_ns() : 0;
    lp_frame_begin(&s->body->out);
    loop_error *err = lift_and_call(s, in);
    if (traced)
        trace(s, first_of(s)->table->name, start, outcome_of(s, err));
    return finish(s, in, err);
}

/* Calls it, and ends the frame. There is no result, or a number. */
static inline loop_error *call_plain(const struct lp_slot *s, const void *args, uint64_t *ret)
{
    bool over = false;
    uint64_t answer = 0;
    loop_call call = {s->body, s->chain, s->hops, &over};
    loop_error *err = call_link(&call, args, &answer);
    lp_frame_end(&s->body->out);
    if (err || over)
        return in_function(s, over ? too_much(err) : err);
    if (s->plan->result)
        lp_lower_number(s->plan->result, &answer, ret);
    return NULL;
}

loop_error *lp_slot_call_plain(void *data, lp_values *in)
{
    struct lp_slot *s = data;
    lp_frame *frame = &s->body->out;
    const lp_node *params = &s->plan->params;
    _Alignas(16) uint8_t small[256];
    lp_frame_begin(frame);
    void *args = params->size <= sizeof small ? small : lp_arena_take(&frame->arena, params->size);
    lp_lift l = {.from = in, .frame = frame};
    loop_error *err = lp_lift_values(&l, params, args);
    if (!err)
        return call_plain(s, args, &in->result);
    lp_frame_end(frame);
    return in_function(s, err);
}

/* Nothing lies in memory, nothing can be wrong. */
loop_error *lp_slot_call_numbers(void *data, const lp_flat *in, uint64_t *ret)
{
    struct lp_slot *s = data;
    const lp_node *params = &s->plan->params;
    uint64_t args[LP_FLAT_PARAMS];
    for (const lp_step *f = params->fields, *end = f + params->count; f < end; f++, in++)
        lp_lift_number_field(f, in, (uint8_t *)args);
    return call_plain(s, args, ret);
}

loop_error *lp_slot_put(void *data, lp_target *out)
{
    struct lp_slot *s = data;
    struct lp_body *b = s->body;
    lp_lower l = {.to = out,
                  .blame = LOOP_UNAVAILABLE,
                  .handles = b->handles.at,
                  .handle_count = b->handles.n};
    loop_error *err = lp_lower_values(&l, s->plan->result, b->answer);
    lp_frame_end(&b->out);
    return err ? in_function(s, err) : NULL;
}

/* ---- the next of the chain ---- */

/* The row that link `n` has for the caller's row `wanted`. */
static loop_error *matching_row(const struct lp_chain *c, size_t n, const loop_function *wanted,
                                struct lp_served *ret)
{
    *ret = lp_find_function(c, n, wanted->name);
    if (!ret->function || strcmp(ret->function->type, wanted->type) == 0)
        return NULL;
    return loop_error_new(LOOP_INVALID, "the provider '%s' has '%s' with another type",
                          c->links[n].provider->table->name, wanted->name);
}

/* Another function than the one that was called. */
static loop_error *call_next_other(loop_call *call, const loop_interface *interface, size_t row,
                                   const void *args, void *ret)
{
    const struct lp_chain *c = call->chain;
    const loop_function *wanted = &interface->functions[row];
    struct lp_served found;
    for (size_t n = call->hop->link + 1; n < c->n; n++) {
        LP_TRY(matching_row(c, n, wanted, &found));
        struct lp_hop hops[2] = {{.link = n, .served = found}, {0}};
        loop_call next = {call->body, c, hops, call->over};
        if (found.function)
            return call_link(&next, args, ret);
    }
    return loop_error_new(LOOP_UNAVAILABLE, "'%s' is the last provider of '%s' that has '%s'",
                          c->links[call->hop->link].provider->table->name, c->interface_name,
                          wanted->name);
}

loop_error *loop_call_next(loop_call *call, const loop_interface *interface, size_t row,
                           const void *args, void *ret)
{
    const struct lp_hop *hop = call->hop;
    if (&interface->functions[row] != hop->served.function || !hop[1].served.function)
        return call_next_other(call, interface, row, args, ret);
    loop_call next = {call->body, call->chain, hop + 1, call->over};
    return call_link(&next, args, ret);
}

/* ---- peers ---- */

loop_error *loop_peer_call(const loop_peer *peer, loop_call *call, size_t row, const void *args,
                           void *ret)
{
    loop_call other = {call->body, &peer->chain, peer->hops[row], call->over};
    return call_link(&other, args, ret);
}

loop_error *loop_call_peer(loop_call *call, const loop_interface *interface, const loop_peer **ret)
{
    return lp_peer_of(call->body, interface, ret);
}

/* ---- stubs ---- */

/* Fills `unavailable` of an error type: an enum or variant case of that name. */
static bool unavailable(const lp_node *n, const char *why, uint8_t *to)
{
    if (!n || (n->kind != LP_VARIANT && n->kind != LP_ENUM))
        return false;
    size_t tag = lp_type_index(n->type, "unavailable");
    const lp_node *payload = tag != SIZE_MAX && n->parts ? n->parts[tag] : NULL;
    if (tag > UINT8_MAX || (payload && payload->kind != LP_STRING))
        return false;
    memset(to, 0, n->tag);
    *to = (uint8_t)tag; /* little-endian, whatever the tag's size */
    if (payload) {
        loop_string text = loop_string_of(why);
        memcpy(to + n->payload, &text, sizeof text);
    }
    return true;
}

/* An argument that was handed over is used up. */
static loop_error *take_for_nobody(void *data, const lp_node *n, uint32_t number, uint64_t *ret)
{
    const lp_resource *r = n->type->resource;
    struct lp_body *b = data;
    *ret = 0;
    return r->index < b->owners.n && b->owners.at[r->index].chain
               ? lp_take_argument(data, n, number, ret)
               : NULL;
}

static loop_error *answer_stub(struct lp_slot *s, lp_values *in)
{
    struct lp_body *b = s->body;
    const lp_node *r = s->plan->result;
    lp_lift l = {.from = in, .frame = &b->out, .take = take_for_nobody, .data = b};
    void *args = lp_arena_take(&b->out.arena, s->plan->params.size + 1u);
    loop_error *bad = lp_lift_values(&l, &s->plan->params, args);
    lp_drop_taken(b);
    if (bad)
        return bad;
    make_room(b, r);
    uint8_t *to = b->answer;
    if (r && r->kind == LP_RESULT && unavailable(r->parts[1], s->stub_reason, to + r->payload)) {
        *to = 1;
        return NULL;
    }
    loop_error *err = loop_error_new(LOOP_UNAVAILABLE, "%s", s->stub_reason);
    err = loop_error_wrap(err, "'%s' of '%s' cannot answer that it is unavailable", s->import->name,
                          s->import->interface_name);
    return loop_error_hint_set(err, "ask loop:core/capabilities before calling an optional import");
}

loop_error *lp_stub_call(void *data, lp_values *in)
{
    struct lp_slot *s = data;
    uint64_t start = lp_os_now_ns();
    lp_frame_begin(&s->body->out);
    loop_error *err = answer_stub(s, in);
    trace(s, "stub", start, outcome_of(s, err));
    s->body->handles.n = 0;
    if (!err)
        return finish(s, in, NULL);
    lp_frame_reset(&s->body->out);
    return err;
}

/* ---- what a provider may ask ---- */

void *loop_call_alloc(loop_call *call, size_t size)
{
    lp_arena *arena = &call->body->out.arena;
    bool fits = size <= LP_MAX_CALL_BYTES && arena->used <= LP_MAX_CALL_BYTES - size;
    *call->over = *call->over || !fits;
    return fits ? lp_arena_alloc(arena, size) : NULL;
}

loop_string loop_call_string(loop_call *call, const char *text, size_t len)
{
    char *copy = loop_call_alloc(call, len + 1);
    if (copy && len)
        memcpy(copy, text, len);
    return (loop_string){copy, copy ? len : 0};
}

loop_string loop_call_format(loop_call *call, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    lp_auto(lp_free_string) char *text = lp_vformat(fmt, ap);
    va_end(ap);
    return loop_call_string(call, text, strlen(text));
}

const char *loop_call_component(const loop_call *call)
{
    return call->body->instance->options.name;
}

uint64_t loop_call_instance(const loop_call *call)
{
    return call->body->instance->number;
}

const char *loop_call_identity(const loop_call *call)
{
    return call->body->instance->options.identity;
}

uint64_t loop_call_storage(loop_call *call, loop_string *ret_why)
{
    loop_instance *i = call->body->instance;
    if (i->storage == UINT64_MAX) { /* a policy does not change while it is in use */
        loop_decision d;
        i->host->hooks.decide(i->options.policy, &(loop_request){.kind = LOOP_GRANT_STORAGE}, &d);
        i->storage = d.allowed ? d.by->bytes : 0;
        if (!d.allowed)
            i->no_storage = lp_format("%s; to allow it: %s", d.reason, d.hint);
    }
    *ret_why = loop_string_of(i->no_storage ? i->no_storage : "");
    return i->storage;
}

loop_cancel_reason loop_call_cancelled(const loop_call *call, uint32_t *ret_remaining_ms)
{
    const loop_instance *i = call->body->instance;
    int reason = i->cancelled;
    uint64_t at = i->force_at_ns, now = lp_os_now_ns(); /* at: UINT64_MAX until it is known */
    if (ret_remaining_ms)
        *ret_remaining_ms = at > now ? (uint32_t)LP_MIN((at - now) / 1000000, UINT32_MAX) : 0;
    return (loop_cancel_reason)reason;
}

bool loop_call_capability(const loop_call *call, size_t n, loop_capability *ret)
{
    const struct lp_body *b = call->body;
    if (n >= b->capabilities.n)
        return false;
    *ret = b->capabilities.at[n];
    return true;
}

bool loop_call_config(const loop_call *call, size_t n, const char **ret_key, const char **ret_value)
{
    const char *const *rows = call->body->instance->options.config;
    for (size_t i = 0; rows && rows[2 * i]; i++) {
        if (i == n) {
            *ret_key = rows[2 * i];
            *ret_value = rows[2 * i + 1];
            return true;
        }
    }
    return false;
}
