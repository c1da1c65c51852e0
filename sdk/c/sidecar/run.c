/*
 * run.c: one call: its caller, its arguments, the provider's function, its answer.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/*
 * Sends its answer. It is off the list before that, since its id may be used again at once, and
 * under way until after: nothing overtakes it.
 */
static void answer(loop_call *c, uint8_t type, const uint8_t *data, size_t len)
{
    pthread_mutex_lock(&sc.lock);
    loop_call **p = &sc.calls;
    while (*p != c)
        p = &(*p)->next;
    *p = c->next;
    sc.call_count--;
    sc.answering++;
    pthread_mutex_unlock(&sc.lock);
    sc_send(type, c->id, data, len);
    pthread_mutex_lock(&sc.lock);
    if (--sc.answering == 0 && sc.call_count == 0)
        pthread_cond_broadcast(&sc.news); /* for QUIESCE */
    pthread_mutex_unlock(&sc.lock);
}

static void send_fault(loop_call *c, loop_error *e)
{
    sc_buf b = {0};
    sc_error_write(&b, e);
    loop_error_delete(e);
    answer(c, SC_FAULT, b.ptr, b.len);
    free(b.ptr);
}

void sc_drop_object(uint32_t interface, uint32_t resource, void *object)
{
    const loop_provider *p = sc.provider;
    const loop_provider_interface *s = sc.interfaces[interface].provided;
    const loop_resource *r = &s->interface->resources[resource];
    bool serial = p->threads == LOOP_THREADS_SERIAL;
    if (serial && pthread_mutex_trylock(&sc.serial) != 0) {
        sc_let_read();
        pthread_mutex_lock(&sc.serial);
    }
    if (!s->functions) {
        if (p->drop)
            p->drop(sc.self, s->interface, resource, object);
    } else if (sc_makes(interface, resource)) {
        r->drop(s->functions, sc.self, object);
    }
    if (serial)
        pthread_mutex_unlock(&sc.serial);
}

/* What a value named as `own` from `first` on: taken from the table, and dropped if so. */
static void take_named(loop_call *c, size_t first, bool drop)
{
    for (size_t i = first; i < c->named.n; i++) {
        sc_named *h = &c->named.at[i];
        if (h->own && !(h->number & 1) && drop)
            loop_sidecar_drop(h->object);
        if (!h->own || !(h->number & 1))
            continue;
        sc_object(h->interface, h->resource, h->number, true);
        if (drop)
            sc_drop_object(h->interface, h->resource, h->object);
    }
}

static loop_error *invoke(loop_call *c, const void *args, void *ret)
{
    const loop_provider *p = sc.provider;
    const loop_provider_interface *s = sc.interfaces[c->interface].provided;
    bool serial = p->threads == LOOP_THREADS_SERIAL;
    if (serial && pthread_mutex_trylock(&sc.serial) != 0) {
        sc_let_read();
        pthread_mutex_lock(&sc.serial);
    }
    loop_error *e = s->functions ? s->interface->functions[c->function].call(s->functions, sc.self,
                                                                             c, args, ret)
                                 : p->call(sc.self, c, s->interface, c->function, args, ret);
    if (serial)
        pthread_mutex_unlock(&sc.serial);
    return e;
}

static void send_result(loop_call *c, const sc_type *result, const void *ret)
{
    sc_out o = {.call = c, .id = c->id};
    size_t named = c->named.n;
    if (result)
        sc_write(&o, result, ret);
    if (o.wrong) {
        take_named(c, named, true);
        sc_shared_free(c->id);
        send_fault(c, loop_error_new(LOOP_TRAP, "the provider's result is %s", o.wrong));
    } else {
        if (!o.shared && c->shared_room)
            sc_shared_free(c->id); /* made there and not returned: nobody releases it */
        answer(c, SC_RESULT, o.to.ptr, o.to.len);
        for (size_t i = named; i < c->named.n; i++)
            if (c->named.at[i].own)
                sc_remote_free(c->named.at[i].object); /* passed on */
    }
    c->named.n = named;
    free(o.to.ptr);
}

/* Takes the arguments, calls, answers. */
static void run(loop_call *c, sc_in *in)
{
    const sc_function *f = &sc.interfaces[c->interface].functions[c->function];
    uint8_t *args = sc_arena_take(&c->arena, f->params->size + 1);
    uint8_t *ret = sc_arena_take(&c->arena, f->result ? f->result->size : 1);
    memset(args, 0, f->params->size + 1);
    memset(ret, 0, f->result ? f->result->size : 1);
    sc_read(in, f->params, args);
    bool good = !sc_end(in);
    take_named(c, 0, !good);
    if (!good) {
        send_fault(c,
                   loop_error_new(
                       LOOP_INVALID, "the arguments of '%s': %s",
                       sc.interfaces[c->interface].provided->interface->functions[c->function].name,
                       in->wrong));
        return;
    }
    loop_error *e = invoke(c, args, ret);
    if (!e && c->too_much)
        e = loop_error_new(LOOP_LIMIT, "more than 128 MiB for the values of one call");
    if (e && c->shared_room)
        sc_shared_free(c->id);
    if (e)
        send_fault(c, e);
    else
        send_result(c, f->result, ret);
}

/* The lock is held. */
static sc_caller *find_caller(uint32_t number)
{
    sc_caller *c = sc.callers;
    while (c && c->number != number)
        c = c->next;
    return c;
}

static void release_caller(sc_caller *c)
{
    if (--c->users)
        return;
    free(c->component);
    free(c->identity);
    free(c->why);
    free(c);
}

static void remove_caller(uint32_t number)
{
    for (sc_caller **p = &sc.callers; *p; p = &(*p)->next)
        if ((*p)->number == number) {
            sc_caller *gone = *p;
            *p = gone->next;
            release_caller(gone);
            return;
        }
}

/* The call is on the list before anything else is read, and this thread may lose the role from now
 * on. */
static void begin_call(loop_call *c, uint32_t caller)
{
    pthread_mutex_lock(&sc.lock);
    c->caller = find_caller(caller);
    if (!sc.ready)
        sc_broken("a call before READY");
    if (!c->caller)
        sc_broken("a call of caller %u, which is not there", caller);
    for (const loop_call *other = sc.calls; other; other = other->next)
        if (other->id == c->id)
            sc_broken("a second call with the id %u", c->id);
    if (++sc.call_count > SC_CALLS)
        sc_broken("more than %u calls at once", SC_CALLS);
    c->caller->users++;
    c->next = sc.calls;
    sc.calls = c;
    sc_be_busy();
    while (sc.resume_due && !sc.ended)
        sc_wait();
    pthread_mutex_unlock(&sc.lock);
}

static void end_call(loop_call *c)
{
    pthread_mutex_lock(&sc.lock);
    release_caller(c->caller);
    sc_be_idle();
    pthread_mutex_unlock(&sc.lock);
}

void sc_on_call(sc_message *m)
{
    loop_call c = {.id = m->id, .reason = LOOP_CANCEL_NONE, .message = m->data};
    sc_in in = {.at = m->data, .end = m->data + m->len, .call = &c};
    uint32_t caller = (uint32_t)sc_number(&in, 32);
    c.interface = (size_t)sc_number(&in, 32);
    c.function = (size_t)sc_number(&in, 32);
    uint64_t deadline = sc_number(&in, 32);
    sc_number(&in, 32); /* parent */
    if (in.wrong || c.id == 0 || c.id & 1)
        sc_broken("a CALL that is none");
    m->data = NULL;
    if (deadline)
        c.until_ns = sc_now_ns() + deadline * 1000000u;
    begin_call(&c, caller);
    if (c.interface >= sc.interface_count ||
        c.function >= sc.interfaces[c.interface].function_count ||
        !sc.interfaces[c.interface].functions[c.function].implemented)
        send_fault(&c, loop_error_new(LOOP_INVALID, "a function that is not there"));
    else
        run(&c, &in);
    sc_call_done(&c);
    end_call(&c);
}

/* ---- callers ---- */

void sc_on_caller(const sc_message *m)
{
    sc_in in = {.at = m->data, .end = m->data + m->len};
    loop_string component = sc_text(&in), identity = sc_text(&in);
    sc_caller *c = sc_alloc(sizeof *c);
    *c = (sc_caller){.number = m->id, .users = 1};
    c->instance = sc_number(&in, 64);
    c->storage = sc_number(&in, 64);
    loop_string why = sc_text(&in);
    if (sc_end(&in))
        sc_broken("a CALLER that is none: %s", in.wrong);
    c->component = sc_copy_text(component);
    c->identity = sc_copy_text(identity);
    c->why = sc_copy_text(why);
    pthread_mutex_lock(&sc.lock);
    remove_caller(m->id);
    c->next = sc.callers;
    sc.callers = c;
    pthread_mutex_unlock(&sc.lock);
}

void sc_on_caller_gone(const sc_message *m)
{
    pthread_mutex_lock(&sc.lock);
    remove_caller(m->id);
    pthread_mutex_unlock(&sc.lock);
}
