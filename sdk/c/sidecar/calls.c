/* calls.c: what a function may ask of its call (loop/provider.h), and NEXT. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* ---- memory ---- */

void *loop_call_alloc(loop_call *call, size_t size)
{
    uint8_t *p = NULL;
    if (size >= SC_SHARED_LEAST && size <= SC_MAX_VALUES - call->arena.used) {
        p = sc_shared_take(call->id, size); /* where a result is wanted */
        call->shared_room |= p != NULL;
    }
    if (!p)
        p = sc_arena_take(&call->arena, size);
    call->too_much |= !p;
    return p ? memset(p, 0, size) : NULL;
}

loop_string loop_call_string(loop_call *call, const char *text, size_t len)
{
    char *copy = loop_call_alloc(call, len + 1);
    if (copy && len)
        memcpy(copy, text, len);
    return copy ? (loop_string){copy, len} : (loop_string){0};
}

loop_string loop_call_format(loop_call *call, const char *fmt, ...)
{
    va_list ap;
    char *text = NULL;
    va_start(ap, fmt);
    int len = vasprintf(&text, fmt, ap);
    va_end(ap);
    loop_string s = len < 0 ? (loop_string){0} : loop_call_string(call, text, (size_t)len);
    free(len < 0 ? NULL : text);
    return s;
}

/* ---- the caller ---- */

const char *loop_call_component(const loop_call *call)
{
    return call->caller->component;
}

uint64_t loop_call_instance(const loop_call *call)
{
    return call->caller->instance;
}

const char *loop_call_identity(const loop_call *call)
{
    return call->caller->identity;
}

uint64_t loop_call_storage(loop_call *call, loop_string *ret_why)
{
    *ret_why = loop_string_of(call->caller->why);
    return call->caller->storage;
}

bool loop_call_package(loop_call *call, loop_string name, loop_string *ret_why)
{
    (void)call, (void)name;
    *ret_why = loop_string_of("the protocol of sidecars does not carry grants of packages");
    return false;
}

/* The host counts what a sidecar writes. */
bool loop_call_may_log(loop_call *call)
{
    (void)call;
    return true;
}

/* A deadline that has passed counts, also where the host cannot say so. */
loop_cancel_reason loop_call_cancelled(const loop_call *call, uint32_t *ret_remaining_ms)
{
    int reason = atomic_load(&call->reason);
    uint32_t left = atomic_load(&call->left_ms);
    if (reason == LOOP_CANCEL_NONE && call->until_ns && sc_now_ns() >= call->until_ns) {
        reason = LOOP_CANCEL_DEADLINE;
        left = 0;
    }
    if (ret_remaining_ms)
        *ret_remaining_ms = left;
    return (loop_cancel_reason)reason;
}

bool loop_call_capability(const loop_call *call, size_t i, loop_capability *ret)
{
    (void)call, (void)i, (void)ret;
    return false;
}

uint32_t loop_call_changes(const loop_call *call)
{
    (void)call;
    return 0;
}

bool loop_call_config(const loop_call *call, size_t i, const char **ret_key, const char **ret_value)
{
    (void)call, (void)i, (void)ret_key, (void)ret_value;
    return false;
}

/* ---- peers: the protocol has none yet ---- */

loop_error *loop_call_peer(loop_call *call, const loop_interface *interface, const loop_peer **ret)
{
    (void)call, (void)ret;
    return loop_error_new(LOOP_UNAVAILABLE, "a sidecar cannot ask for '%s' of its caller",
                          interface->name);
}

loop_error *loop_peer_call(const loop_peer *peer, loop_call *call, size_t row, const void *args,
                           void *ret)
{
    (void)peer, (void)call, (void)row, (void)args, (void)ret;
    return loop_error_new(LOOP_UNAVAILABLE, "a sidecar has no peers");
}

void loop_peer_drop(const loop_peer *peer, size_t resource, void *object)
{
    (void)peer, (void)resource, (void)object;
}

/* ---- the next of the chain ---- */

static sc_asked *ask(loop_call *call, sc_out *o, size_t row)
{
    sc_asked *a = sc_alloc(sizeof *a);
    sc_buf head = {0};
    pthread_mutex_lock(&sc.lock);
    do
        sc.next_id += 2;
    while (sc.next_id < 3);
    a->id = o->id = sc.next_id - 2;
    a->next = sc.asked;
    sc.asked = a;
    pthread_mutex_unlock(&sc.lock);
    sc_add_number(&head, call->id);
    sc_add_number(&head, call->interface);
    sc_add_number(&head, row);
    o->to = head;
    return a;
}

/* Off the list of those that wait. */
static void forget(sc_asked *a)
{
    pthread_mutex_lock(&sc.lock);
    for (sc_asked **p = &sc.asked; *p; p = &(*p)->next)
        if (*p == a) {
            *p = a->next;
            break;
        }
    pthread_mutex_unlock(&sc.lock);
}

static void wait_for(sc_asked *a)
{
    pthread_mutex_lock(&sc.lock);
    while (!a->type && !sc.ended)
        sc_wait();
    pthread_mutex_unlock(&sc.lock);
}

/* The value of an answer; what it points to lives as long as the call. */
static loop_error *read_answer(loop_call *call, sc_asked *a, const sc_type *result, void *ret)
{
    if (!a->type)
        return loop_error_new(LOOP_CANCELLED, "the host has gone");
    if (a->type == SC_FAULT)
        return sc_error_read(a->data, a->len);
    sc_in in = {.at = a->data, .end = a->data + a->len, .call = call, .of_next = true};
    if (result)
        sc_read(&in, result, ret);
    if (sc_end(&in))
        sc_broken("the answer of a NEXT: %s", in.wrong);
    if (in.shared) {
        if (call->releases.n == call->releases.cap) {
            call->releases.cap = call->releases.cap * 2 + 4;
            call->releases.at =
                sc_realloc(call->releases.at, call->releases.cap * sizeof *call->releases.at);
        }
        call->releases.at[call->releases.n++] = a->id;
    }
    return NULL;
}

loop_error *loop_call_next(loop_call *call, const loop_interface *interface, size_t row,
                           const void *args, void *ret)
{
    const sc_interface *s = &sc.interfaces[call->interface];
    if (interface != s->provided->interface || row >= s->function_count)
        return loop_error_new(LOOP_INVALID, "the next provider of '%s' has no such function",
                              s->provided->interface->name);
    const sc_function *f = &s->functions[row];
    size_t named = call->named.n;
    sc_out o = {.call = call, .of_next = true};
    sc_asked *a = ask(call, &o, row);
    sc_write(&o, f->params, args);
    loop_error *e = NULL;
    if (o.wrong) {
        e = loop_error_new(LOOP_INVALID, "an argument for the next provider is %s", o.wrong);
    } else {
        sc_send(SC_NEXT, a->id, o.to.ptr, o.to.len);
        for (size_t i = named; i < call->named.n; i++)
            if (call->named.at[i].own)
                sc_remote_free(call->named.at[i].object); /* passed on */
        call->named.n = named;
        wait_for(a);
        e = read_answer(call, a, f->result, ret);
    }
    call->named.n = named;
    sc_shared_free(a->id);
    free(o.to.ptr);
    forget(a);
    a->next = call->answers;
    call->answers = a;
    return e;
}

/* ---- the end of a call ---- */

void sc_call_done(loop_call *call)
{
    for (size_t i = 0; i < call->releases.n; i++)
        sc_send(SC_RELEASE, call->releases.at[i], NULL, 0);
    while (call->answers) {
        sc_asked *next = call->answers->next;
        free(call->answers->data);
        free(call->answers);
        call->answers = next;
    }
    for (size_t i = 0; i < call->named.n; i++)
        if (!call->named.at[i].own)
            sc_remote_free(call->named.at[i].object); /* lent to this call */
    free(call->releases.at);
    free(call->named.at);
    free(call->message);
    sc_arena_done(&call->arena);
}
