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
    const struct lp_hop *hop; /* where it is; the next one follows */
    bool *over;               /* more memory was asked for than a call may have */
};

/* One call in so many is timed, for `loop status`. */
#define TIMED_EVERY 64

/* ---- calling ---- */

static struct lp_provider *provider_of(const struct lp_hop *h)
{
    return h->gen->chain.links[h->link].provider;
}

/* Who is asked first. */
static struct lp_provider *first_of(const struct lp_slot *s)
{
    return provider_of(s->hops);
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
    if (lp_provider_lock(l->provider) != LP_LOCKED) {
        call->body->refused = true;
        return loop_error_new(LOOP_UNAVAILABLE,
                              "the provider '%s' bears one call at a time, and waits for this one",
                              l->provider->table->name);
    }
    loop_error *err = call_row(l, call, args, ret);
    lp_provider_unlock(l->provider);
    return err;
}

__attribute__((noinline)) static loop_error *call_found(loop_call *call, const void *args,
                                                        void *ret)
{
    const struct lp_link *l = &call->hop->gen->chain.links[call->hop->link];
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

/* Calls it, and gives the objects of its answer numbers. */
static loop_error *call_and_hold(struct lp_slot *s, loop_call *call, const void *args)
{
    struct lp_body *b = s->body;
    const struct lp_provider *giver = provider_of(call->hop);
    loop_error *err = call_link(call, args, b->answer);
    /* Also where memory was refused: objects that were given are dropped with the rest. */
    if (!err && s->plan->result && s->plan->result->handles)
        err = lp_hold_result(b, giver, s->plan->result, b->answer);
    return err;
}

loop_error *lp_lift_error(const struct lp_body *b, loop_error *err)
{
    const loop_instance *i = b->instance;
    return loop_error_code(err) == LOOP_LIMIT && !loop_error_cause(err)
               ? lp_limit_error(&i->limits, LOOP_MAX_HOST_BYTES, i->options.name, err)
               : err;
}

/* A call with a handle of a provider that was swapped out, and serves it on. */
static loop_error *call_older(struct lp_slot *s, loop_call *call, const void *args)
{
    struct lp_generation *older = s->body->older, here = *older;
    const struct lp_generation *g = older;
    if (lp_chain_beside(&older->chain, s->import->interface_name, &here.chain))
        g = &here; /* a handle of one interface in a call of another */
    for (size_t n = 0; n < g->chain.n; n++) {
        const loop_function *f = lp_find_function(&g->chain, n, s->import->name).function;
        if (!f)
            continue;
        struct lp_hop *hops = lp_hops_new(g, n, s->import->name);
        call->hop = hops;
        loop_error *err = lp_hops_check(s->body, hops);
        if (!err)
            err = call_and_hold(s, call, args);
        free(hops);
        return err;
    }
    return loop_error_new(LOOP_UNAVAILABLE, "'%s' was swapped out, and has no '%s'", g->text,
                          s->import->name);
}

static bool error_case(const lp_node *n, const char *name, const char *why, uint8_t *to);

static bool error_answer(const lp_node *r, const char *name, const char *why, void *ret)
{
    if (!r || r->kind != LP_RESULT ||
        !error_case(r->parts[1], name, why, (uint8_t *)ret + r->payload))
        return false;
    *(uint8_t *)ret = 1;
    return true;
}

bool lp_unavailable(const lp_node *r, const char *why, void *ret)
{
    return error_answer(r, "unavailable", why, ret);
}

bool lp_denied(const lp_node *r, const char *why, void *ret)
{
    return error_answer(r, "denied", why, ret);
}

/* A call that cannot be made: a value that says so, where the type has a place for one. */
static loop_error *answer_unavailable(struct lp_slot *s, const char *why)
{
    const lp_node *r = s->plan->result;
    make_room(s->body, r);
    if (lp_unavailable(r, why, s->body->answer)) {
        s->body->handles.n = 0;
        return NULL;
    }
    return loop_error_new(LOOP_UNAVAILABLE, "%s", why);
}

/* The same for one that may not be made. */
static loop_error *denied_error(const loop_decision *d)
{
    loop_error *err = loop_error_new(LOOP_DENIED, "%s", d->reason);
    return *d->hint ? loop_error_hint_set(err, "to allow it: %s", d->hint) : err;
}

static loop_error *answer_denied(struct lp_slot *s, const loop_decision *d)
{
    struct lp_body *b = s->body;
    const lp_node *r = s->plan->result;
    lp_auto(lp_free_string) char *text =
        lp_format("%s%s%s", d->reason, *d->hint ? "; to allow it: " : "", d->hint);
    make_room(b, r);
    if (!lp_denied(r, lp_arena_strndup(&b->out.arena, text, strlen(text)), b->answer))
        return denied_error(d);
    b->handles.n = 0;
    return NULL;
}

/* What would have waited for itself says so, where its type has a place for that. */
static loop_error *refused(struct lp_slot *s, loop_error *err)
{
    const char *why = loop_error_message(err);
    why = lp_arena_strndup(&s->body->out.arena, why, strlen(why));
    loop_error *no_place = answer_unavailable(s, why);
    if (!no_place) {
        loop_error_delete(err);
        return NULL;
    }
    loop_error_delete(no_place);
    return err;
}

static loop_error *lift_and_call(struct lp_slot *s, lp_values *in, const loop_decision *denied)
{
    struct lp_body *b = s->body;
    const lp_plan *p = s->plan;
    _Alignas(16) uint8_t small[256];
    void *args =
        p->params.size <= sizeof small ? small : lp_arena_take(&b->out.arena, p->params.size);
    lp_lift l = {.from = in, .frame = &b->out, .take = lp_take_argument, .data = b};
    b->older = NULL;
    b->gone = b->mixed = false;
    loop_error *err = lp_lift_values(&l, &p->params, args);
    if (err || b->gone || b->mixed || denied) {
        lp_drop_taken(b);
        if (err)
            return lp_lift_error(b, err);
        if (denied)
            return answer_denied(s, denied);
        return answer_unavailable(s, b->gone ? "the provider of this handle was swapped out; "
                                               "ask for a new one"
                                             : "these handles are of several providers, since one "
                                               "was swapped out; ask for new ones");
    }
    b->taken.n = 0;
    make_room(b, p->result);
    bool over = false;
    loop_call call = {b, s->hops, &over};
    b->refused = false;
    err = b->older ? call_older(s, &call, args) : call_and_hold(s, &call, args);
    if (over)
        return too_much(err);
    return err && b->refused ? refused(s, err) : err;
}

static loop_error *in_function(const struct lp_slot *s, loop_error *err)
{
    return loop_error_wrap(err, "in %s of '%s' (provider '%s')", s->import->name,
                           s->import->interface_name, s->use ? first_of(s)->table->name : "stub");
}

/* Where no `put` follows: the values of a call are over. */
static bool ends_here(const struct lp_slot *s, const loop_error *err)
{
    const lp_node *r = s->plan->result;
    return err || !r || (r->flat <= LP_FLAT_RESULTS && !r->handles);
}

/* The values of a call are not looked at any more. */
static void call_over(struct lp_body *b)
{
    if (b->given.n)
        lp_given_close(b);
    lp_frame_end(&b->out);
}

static loop_error *finish(struct lp_slot *s, lp_values *in, loop_error *err)
{
    const lp_node *r = s->plan->result;
    bool over = ends_here(s, err);
    if (!err && over && r)
        err = lp_lower_scalar(r, s->body->answer, LOOP_UNAVAILABLE, &in->result);
    if (err || over)
        call_over(s->body);
    return err ? in_function(s, err) : NULL;
}

/* ---- around a call ---- */

static uint32_t count(struct lp_slot *s)
{
    uint32_t n = atomic_load_explicit(&s->calls, memory_order_relaxed) + 1;
    atomic_store_explicit(&s->calls, n, memory_order_relaxed);
    return n;
}

#ifdef LP_WITHOUT_GATE /* what `make bench` compares with */
#define IS_UNGUARDED(s) true
#else
#define IS_UNGUARDED(s) ((s)->guard == LP_GUARD_NONE)
#endif

/* Whether nothing has to be done but the call. */
static inline bool at_once(struct lp_slot *s)
{
    bool open = lp_gate_enter(s);
    return open & IS_UNGUARDED(s) & (count(s) % TIMED_EVERY != 0);
}

/* A call that may have to wait, may have to be made again or may not be made; or one that is timed.
 */
struct careful {
    struct lp_slot *s;
    const loop_decision *denied; /* NULL: it is not */
    loop_error *(*call)(struct careful *c);
    lp_values *in;       /* call_whole, call_plain */
    const lp_flat *flat; /* call_numbers */
    uint64_t *ret;
};

/* Behind the gate: what serves the slot, and with it what is asked, changes before it. */
static const loop_decision *denial(const struct lp_slot *s, loop_decision *d)
{
    if (IS_UNGUARDED(s) || lp_hops_ask(s->body, s->hops, d))
        return NULL;
    lp_wasi_tell(s->body, d);
    return d;
}

static loop_error *carefully(struct careful *c)
{
    struct lp_body *b = c->s->body;
    loop_error *err = NULL;
    loop_decision decision;
    bool gated, again;
    do {
        gated = atomic_load_explicit(&b->gated, memory_order_acquire);
        if (gated)
            err = lp_gate_wait(c->s);
        if (err) /* what serves it may change now: it is not named */
            return loop_error_wrap(err, "in %s of '%s'", c->s->import->name,
                                   c->s->import->interface_name);
        c->denied = denial(c->s, &decision);
        uint64_t start = lp_os_now_ns();
        err = c->call(c);
        lp_latency_add(c->s, lp_os_now_ns() - start);
        again = gated && lp_gate_again(c->s);
        if (again) {
            loop_error_delete(err);
            err = NULL;
            lp_frame_end(&b->out);
        }
    } while (again);
    return err;
}

static loop_error *whole(struct lp_slot *s, lp_values *in, const loop_decision *denied)
{
    bool traced = s->body->host->options.trace != NULL;
    uint64_t start = traced ? lp_os_now_ns() : 0;
    lp_frame_begin(&s->body->out);
    loop_error *err = lift_and_call(s, in, denied);
    if (traced)
        trace(s, first_of(s)->table->name, start, outcome_of(s, err));
    return finish(s, in, err);
}

static loop_error *carefully_whole(struct careful *c)
{
    return whole(c->s, c->in, c->denied);
}

loop_error *lp_slot_call(void *data, lp_values *in)
{
    struct lp_slot *s = data;
    loop_error *err = at_once(s)
                          ? whole(s, in, NULL)
                          : carefully(&(struct careful){.s = s, .call = carefully_whole, .in = in});
    if (ends_here(s, err))
        lp_gate_leave(s->body); /* else once its answer is put */
    return err;
}

/* Calls it, and ends the frame. There is no result, or a number. */
static inline loop_error *call_plain(const struct lp_slot *s, const void *args, uint64_t *ret)
{
    bool over = false;
    uint64_t answer = 0;
    loop_call call = {s->body, s->hops, &over};
    loop_error *err = call_link(&call, args, &answer);
    lp_frame_end(&s->body->out);
    if (err || over)
        return in_function(s, over ? too_much(err) : err);
    if (s->plan->result)
        lp_lower_number(s->plan->result, &answer, ret);
    return NULL;
}

static inline loop_error *plain(const struct lp_slot *s, lp_values *in)
{
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
    return in_function(s, lp_lift_error(s->body, err));
}

static loop_error *carefully_plain(struct careful *c)
{
    return c->denied ? in_function(c->s, denied_error(c->denied)) : plain(c->s, c->in);
}

loop_error *lp_slot_call_plain(void *data, lp_values *in)
{
    struct lp_slot *s = data;
    loop_error *err = at_once(s)
                          ? plain(s, in)
                          : carefully(&(struct careful){.s = s, .call = carefully_plain, .in = in});
    lp_gate_leave(s->body);
    return err;
}

/* Nothing lies in memory, nothing can be wrong. */
static inline loop_error *numbers(const struct lp_slot *s, const lp_flat *in, uint64_t *ret)
{
    const lp_node *params = &s->plan->params;
    uint64_t args[LP_FLAT_PARAMS];
    for (const lp_step *f = params->fields, *end = f + params->count; f < end; f++, in++)
        lp_lift_number_field(f, in, (uint8_t *)args);
    return call_plain(s, args, ret);
}

static loop_error *carefully_numbers(struct careful *c)
{
    return c->denied ? in_function(c->s, denied_error(c->denied)) : numbers(c->s, c->flat, c->ret);
}

loop_error *lp_slot_call_numbers(void *data, const lp_flat *in, uint64_t *ret)
{
    struct lp_slot *s = data;
    loop_error *err = at_once(s) ? numbers(s, in, ret)
                                 : carefully(&(struct careful){
                                       .s = s, .call = carefully_numbers, .flat = in, .ret = ret});
    lp_gate_leave(s->body);
    return err;
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
    call_over(b);
    err = err ? in_function(s, err) : NULL;
    lp_gate_leave(b);
    return err;
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
    const struct lp_chain *c = &call->hop->gen->chain;
    const loop_function *wanted = &interface->functions[row];
    struct lp_served found;
    for (size_t n = call->hop->link + 1; n < c->n; n++) {
        LP_TRY(matching_row(c, n, wanted, &found));
        if (!found.function)
            continue;
        struct lp_hop hops[2] = {{.link = n,
                                  .served = found,
                                  .gen = call->hop->gen,
                                  .need = lp_need_own(&c->links[n], &found)},
                                 {0}};
        LP_TRY(lp_hops_check(call->body, hops)); /* nobody asked about this one */
        loop_call next = {call->body, hops, call->over};
        return call_link(&next, args, ret);
    }
    return loop_error_new(LOOP_UNAVAILABLE, "'%s' is the last provider of '%s' that has '%s'",
                          provider_of(call->hop)->table->name, c->interface_name, wanted->name);
}

loop_error *loop_call_next(loop_call *call, const loop_interface *interface, size_t row,
                           const void *args, void *ret)
{
    const struct lp_hop *hop = call->hop;
    if (&interface->functions[row] != hop->served.function || !hop[1].served.function)
        return call_next_other(call, interface, row, args, ret);
    loop_call next = {call->body, hop + 1, call->over};
    return call_link(&next, args, ret);
}

/* ---- peers ---- */

loop_error *loop_peer_call(const loop_peer *peer, loop_call *call, size_t row, const void *args,
                           void *ret)
{
    loop_peer *p = (loop_peer *)peer; /* what is `const` is the caller's view of it */
    LP_TRY(lp_peer_enter(p, call->body->instance));
    _Alignas(16) uint8_t copy[LP_PEER_ARGUMENTS];
    struct lp_hop *own = NULL; /* of a generation that was swapped out */
    loop_call other = {call->body, p->rows[row].hops, call->over};
    loop_error *err = lp_peer_arguments(p, row, &args, copy, &own);
    other.hop = own ? own : other.hop;
    if (!err)
        err = lp_hops_check(call->body, other.hop);
    if (!err)
        err = call_link(&other, args, ret);
    if (!err && p->rows[row].plan)
        lp_peer_answer(p, row, other.hop->gen, ret);
    free(own);
    lp_peer_leave(p);
    return err;
}

loop_error *loop_call_peer(loop_call *call, const loop_interface *interface, const loop_peer **ret)
{
    return lp_peer_of(call->body, interface, ret);
}

loop_call *lp_call_new(struct lp_body *b)
{
    bool *over = lp_arena_alloc(&b->out.arena, sizeof *over);
    loop_call *call = lp_arena_alloc(&b->out.arena, sizeof *call);
    *call = (loop_call){b, NULL, over};
    return call;
}

/* ---- stubs ---- */

/* Fills a case of an error type, an enum or a variant, by its name. */
static bool error_case(const lp_node *n, const char *name, const char *why, uint8_t *to)
{
    if (!n || (n->kind != LP_VARIANT && n->kind != LP_ENUM))
        return false;
    size_t tag = lp_type_index(n->type, name);
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
    return r->index < b->owners.n && b->owners.at[r->index].use
               ? lp_take_argument(data, n, number, ret)
               : NULL;
}

static loop_error *answer_stub(struct lp_slot *s, lp_values *in)
{
    struct lp_body *b = s->body;
    lp_lift l = {.from = in, .frame = &b->out, .take = take_for_nobody, .data = b};
    void *args = lp_arena_take(&b->out.arena, s->plan->params.size + 1u);
    loop_error *bad = lp_lift_values(&l, &s->plan->params, args);
    lp_drop_taken(b);
    if (bad)
        return lp_lift_error(b, bad);
    loop_error *err = answer_unavailable(s, s->stub_reason);
    if (!err)
        return NULL;
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

struct lp_body *lp_call_body(const loop_call *call)
{
    return call->body;
}

bool lp_instance_must_end(const loop_instance *i)
{
    return i->halted || i->asked_to_stop || (i->asks && i->asks(i->asks_data)) ||
           (i->cancelled != LOOP_CANCEL_NONE && lp_os_now_ns() >= i->force_at_ns);
}

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
    if (i->storage == UINT64_MAX || i->host->options.decided) { /* a policy stays as it is */
        loop_decision d;
        lp_body_decide(call->body, &(loop_request){.kind = LOOP_GRANT_STORAGE}, &d);
        uint64_t most = i->limits.of[LOOP_MAX_STORAGE].value;
        uint64_t granted = !d.allowed ? 0 : d.by ? d.by->bytes : LP_OBSERVED_STORAGE;
        i->storage = LP_MIN(granted, most);
        free(i->no_storage);
        i->no_storage = !d.allowed       ? lp_format("%s; to allow it: %s", d.reason, d.hint)
                        : granted > most ? lp_limit_hint(&i->limits, LOOP_MAX_STORAGE)
                                         : NULL;
    }
    *ret_why = i->no_storage ? loop_call_string(call, i->no_storage, strlen(i->no_storage))
                             : loop_string_of("");
    return i->storage;
}

bool loop_call_allows(loop_call *call, const loop_request *want, loop_string *ret_why)
{
    loop_decision d;
    lp_body_decide(call->body, want, &d);
    if (ret_why && d.allowed)
        *ret_why = loop_string_of("");
    else if (ret_why)
        *ret_why =
            loop_call_format(call, "%s%s%s", d.reason, *d.hint ? "; to allow it: " : "", d.hint);
    return d.allowed;
}

bool loop_call_package(loop_call *call, loop_string name, loop_string *ret_why)
{
    lp_auto(lp_free_string) char *text = lp_strndup(name.ptr ? name.ptr : "", name.len);
    return loop_call_allows(call, &(loop_request){.kind = LOOP_GRANT_PACKAGES, .name = text},
                            ret_why);
}

/* What the second that is over left out. */
void lp_log_left_out(loop_instance *i)
{
    if (i->log.left_out)
        loop_host_log(i->host, LOOP_LOG_WARN, "%s: %llu log entries were left out within a second",
                      i->options.name, (unsigned long long)i->log.left_out);
    i->log.left_out = 0;
}

/* Entries a second: what a grant says, else its limit. */
static uint64_t log_rate(loop_instance *i)
{
    loop_decision d;
    if (!i->log.asked) { /* a policy stays as it is */
        i->host->hooks.decide(i->options.policy, &(loop_request){.kind = LOOP_GRANT_LOG}, &d);
        i->log.granted = d.by ? d.by->rate : 0;
        i->log.asked = true;
    }
    return i->log.granted ? i->log.granted : i->limits.of[LOOP_MAX_LOG].value;
}

bool loop_call_may_log(loop_call *call)
{
    loop_instance *i = call->body->instance;
    uint64_t now = lp_os_now_ns() / 1000000000, most = log_rate(i);
    if (now != i->log.second) {
        lp_log_left_out(i);
        i->log.second = now;
        i->log.written = 0;
    }
    if (i->log.written++ < most)
        return true;
    if (i->log.left_out++ == 0) {
        loop_decision d; /* for whoever wants to know what it takes */
        lp_body_decide(call->body, &(loop_request){.kind = LOOP_GRANT_LOG}, &d);
        lp_auto(lp_free_string) char *hint = i->log.granted
                                                 ? lp_format("it is %s", d.reason)
                                                 : lp_limit_hint(&i->limits, LOOP_MAX_LOG);
        loop_host_log(i->host, LOOP_LOG_WARN,
                      "%s: reached its log limit of %llu entries a second; those over it are left "
                      "out; %s",
                      i->options.name, (unsigned long long)most, hint);
    }
    return false;
}

loop_cancel_reason loop_call_cancelled(const loop_call *call, uint32_t *ret_remaining_ms)
{
    const loop_instance *i = call->body->instance;
    int reason = i->cancelled;
    if (i->halted && reason == LOOP_CANCEL_NONE) { /* its deadline; it was not asked before */
        if (ret_remaining_ms)
            *ret_remaining_ms = 0;
        return LOOP_CANCEL_DEADLINE;
    }
    if (i->asks && i->asks(i->asks_data)) {
        if (ret_remaining_ms)
            *ret_remaining_ms = 0;
        return LOOP_CANCEL_STOPPED;
    }
    uint64_t at = i->force_at_ns, now = lp_os_now_ns(); /* at: UINT64_MAX until it is known */
    if (ret_remaining_ms)
        *ret_remaining_ms = at > now ? (uint32_t)LP_MIN((at - now) / 1000000, UINT32_MAX) : 0;
    return (loop_cancel_reason)reason;
}

bool loop_call_capability(const loop_call *call, size_t n, loop_capability *ret)
{
    struct lp_body *b = call->body;
    if (n >= b->capabilities.n)
        return false;
    const struct lp_use *use = b->capabilities.at[n].use;
    *ret = b->capabilities.at[n].row;
    if (!use)
        return true;
    lp_os_mutex_lock(b->lock); /* a swap may be under way */
    const struct lp_chain *c = &use->gen->chain;
    ret->version = c->links[c->n - 1].side->interface->version;
    ret->tier = lp_chain_tier(c);
    ret->provider = use->gen->text;
    ret->available = ret->tier != LOOP_TIER_STUB;
    if (ret->available)
        ret->reason = NULL;
    else
        ret->provider = ret->version = "";
    /* The texts may be gone before the component has its answer. */
    ret->version = lp_arena_strndup(&b->out.arena, ret->version, strlen(ret->version));
    ret->provider = lp_arena_strndup(&b->out.arena, ret->provider, strlen(ret->provider));
    lp_os_mutex_unlock(b->lock);
    return true;
}

uint32_t loop_call_changes(const loop_call *call)
{
    return call->body->instance->changes;
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
