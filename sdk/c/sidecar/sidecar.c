/*
 * sidecar.c: the handshake, who reads, and what each message does.
 *
 * Threads. One reads frames and runs the call that came itself, so that a short call costs no
 * switch. A watcher looks every 2 ms: where the same call still runs, another thread is made to
 * read, and CANCEL, PING and further calls get through. Who waits for the host (a NEXT, credit, a
 * SERIAL provider that is busy) lets another read at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define TICK_NS 2000000
#define LAST_WORDS_NS UINT64_C(1500000000) /* for calls under way when the host goes */
#define LOG_LONGEST 16384u
#define NAME_LONGEST 256u

struct sc_process sc = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .serial = PTHREAD_MUTEX_INITIALIZER,
    .writing = PTHREAD_MUTEX_INITIALIZER,
    .news = PTHREAD_COND_INITIALIZER,
    .next_id = 1,
};
int sc_input, sc_output;
static pthread_cond_t over = PTHREAD_COND_INITIALIZER; /* sc.ended, for the main thread */

uint64_t sc_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

_Noreturn void sc_broken(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "error: what the host sent is against the protocol: ");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    _exit(1);
}

/* ---- who reads ---- */

static struct {
    pthread_cond_t free;  /* the others wait for it */
    pthread_cond_t watch; /* the watcher sleeps */
    bool taken;           /* somebody reads, or runs what it read */
    bool busy, watching;  /* it runs a call; the watcher is awake */
    uint64_t epoch;       /* who: counts */
    uint64_t calls;       /* that were begun */
    unsigned waiting;     /* threads that would read */
} role = {.free = PTHREAD_COND_INITIALIZER, .watch = PTHREAD_COND_INITIALIZER};

static _Thread_local uint64_t my_epoch; /* 0: this thread does not read */

static void *serve(void *unused);

static void start_thread(void *run(void *))
{
    pthread_t t;
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&t, &detached, run, NULL) != 0) {
        fprintf(stderr, "error: cannot start a thread\n");
        _exit(1);
    }
    pthread_attr_destroy(&detached);
}

/* The lock is held. */
static void free_role(void)
{
    role.taken = role.busy = false;
    role.epoch++;
    if (role.waiting)
        pthread_cond_signal(&role.free);
    else
        start_thread(serve);
}

static bool i_read(void)
{
    return my_epoch && my_epoch == role.epoch && role.taken;
}

void sc_let_read(void)
{
    pthread_mutex_lock(&sc.lock);
    if (i_read())
        free_role();
    my_epoch = 0;
    pthread_mutex_unlock(&sc.lock);
}

void sc_wait(void)
{
    if (i_read())
        free_role();
    my_epoch = 0;
    pthread_cond_wait(&sc.news, &sc.lock);
}

/* The lock is held. */
static void be_busy(void)
{
    role.busy = true;
    role.calls++;
    if (!role.watching) {
        role.watching = true;
        pthread_cond_signal(&role.watch);
    }
}

void sc_begin_work(bool may_last)
{
    pthread_mutex_lock(&sc.lock);
    sc.work++;
    if (may_last)
        be_busy();
    pthread_mutex_unlock(&sc.lock);
}

void sc_end_work(void)
{
    pthread_mutex_lock(&sc.lock);
    sc.work--;
    if (i_read())
        role.busy = false;
    pthread_mutex_unlock(&sc.lock);
}

/* Ends its sleep when calls come, and sleeps again when none came for a tick. */
static void *watch(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&sc.lock);
    for (uint64_t seen = 0;;) {
        if (role.busy && role.calls == seen) {
            free_role();
        } else if (!role.busy && role.calls == seen) {
            role.watching = false;
            pthread_cond_wait(&role.watch, &sc.lock);
        }
        seen = role.calls;
        pthread_mutex_unlock(&sc.lock);
        nanosleep(&(struct timespec){.tv_nsec = TICK_NS}, NULL);
        pthread_mutex_lock(&sc.lock);
    }
    return unused;
}

/* ---- text of the handshake ---- */

static void add_options(sc_buf *b)
{
    const loop_provider_option *o = sc.provider->options;
    size_t n = 0;
    while (o && o[n].name)
        n++;
    sc_add_number(b, n);
    for (size_t i = 0; i < n; i++) {
        sc_add_text(b, o[i].name);
        sc_add_text(b, o[i].type);
        sc_add_text(b, o[i].values ? o[i].values : "");
        sc_add_byte(b, o[i].fallback != NULL);
        if (o[i].fallback)
            sc_add_text(b, o[i].fallback);
        sc_add_text(b, o[i].help ? o[i].help : "");
    }
}

static void add_interface(sc_buf *b, const sc_interface *s)
{
    const loop_interface *i = s->provided->interface;
    sc_add_text(b, i->name);
    sc_add_text(b, i->version ? i->version : "");
    sc_add_number(b, s->function_count);
    for (size_t k = 0; k < s->function_count; k++) {
        sc_add_text(b, i->functions[k].name);
        sc_add_text(b, i->functions[k].type);
        sc_add_byte(b, s->functions[k].implemented);
    }
    sc_add_number(b, s->resource_count);
    for (size_t k = 0; k < s->resource_count; k++)
        sc_add_text(b, i->resources[k].name);
}

static void send_welcome(void)
{
    const loop_provider *p = sc.provider;
    sc_buf b = {0};
    sc_add_text(&b, "loop-sidecar");
    sc_add_number(&b, 1);
    sc_add_number(&b, 1);
    sc_add_text(&b, p->name);
    sc_add_text(&b, sc.version);
    sc_add_text(&b, p->summary ? p->summary : "");
    sc_add_byte(&b, p->dev_only);
    sc_add_number(&b, SC_CREDIT);
    sc_add_number(&b, SC_CALLS);
    sc_add_number(&b, sc.state ? 3 : 2);
    sc_add_text(&b, "cancel");
    sc_add_text(&b, "shared-memory");
    if (sc.state)
        sc_add_text(&b, "state");
    add_options(&b);
    sc_add_number(&b, sc.interface_count);
    for (size_t i = 0; i < sc.interface_count; i++)
        add_interface(&b, &sc.interfaces[i]);
    sc_send(SC_WELCOME, 0, b.ptr, b.len);
    free(b.ptr);
}

static char *copy_text(loop_string s)
{
    char *copy = sc_alloc(s.len + 1);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    return copy;
}

static void read_options(sc_in *in)
{
    const loop_provider_option *rows = sc.provider->options;
    size_t count = 0;
    while (rows && rows[count].name)
        count++;
    sc.options = sc_alloc((count + 1) * sizeof *sc.options);
    for (uint64_t n = sc_number(in, 32); n && !in->wrong; n--) {
        loop_string name = sc_text(in), value = sc_text(in);
        for (size_t i = 0; i < count; i++)
            if (loop_string_is(name, rows[i].name) && !sc.options[i])
                sc.options[i] = copy_text(value);
    }
}

static void read_start(const sc_message *m)
{
    sc_in in = {.at = m->data, .end = m->data + m->len};
    uint64_t protocol = sc_number(&in, 32);
    if (in.wrong || protocol != 1)
        sc_broken("version %llu of the protocol, where 1 was offered",
                  (unsigned long long)protocol);
    bool shares = false;
    sc_text(&in); /* the host's name */
    for (uint64_t n = sc_number(&in, 32); n && !in.wrong; n--) {
        loop_string name = sc_text(&in);
        sc.may_cancel |= loop_string_is(name, "cancel");
        shares |= loop_string_is(name, "shared-memory");
    }
    sc.to_spend = (uint32_t)sc_number(&in, 32);
    uint32_t shared = (uint32_t)sc_number(&in, 32);
    sc.level = (loop_log_level)sc_number(&in, 32);
    sc_number(&in, 32); /* until READY is due */
    read_options(&in);
    if (in.wrong || sc.level > LOOP_LOG_ERROR)
        sc_broken("a START that is none: %s", in.wrong ? in.wrong : "a level");
    if (shares && shared && !sc_shared_map(shared))
        sc_broken("%u bytes of shared memory, which are not there", shared);
}

/* ---- what a provider is handed ---- */

static bool log_enabled(void *host, loop_log_level level)
{
    (void)host;
    return level >= sc.level;
}

static void add_field(sc_buf *b, const loop_log_field *f)
{
    sc_add_cut(b, f->name, NAME_LONGEST);
    sc_add_number(b, (uint64_t)f->kind);
    switch (f->kind) {
    case LOOP_LOG_TEXT: {
        char *text = copy_text(f->of.text);
        sc_add_cut(b, text, LOG_LONGEST);
        free(text);
        break;
    }
    case LOOP_LOG_INTEGER: sc_add_signed(b, f->of.integer); break;
    case LOOP_LOG_FLOAT: sc_add(b, &f->of.number, sizeof f->of.number); break;
    case LOOP_LOG_BOOLEAN: sc_add_byte(b, f->of.boolean); break;
    }
}

static void send_log(void *host, const loop_log_entry *e)
{
    (void)host;
    sc_buf b = {0};
    if (!log_enabled(NULL, e->level))
        return;
    size_t n = e->field_count < 64 ? e->field_count : 64;
    sc_add_number(&b, (uint64_t)e->level);
    sc_add_number(&b, e->wall_ms);
    sc_add_cut(&b, e->target ? e->target : "", NAME_LONGEST);
    sc_add_cut(&b, e->message, LOG_LONGEST);
    sc_add_number(&b, n);
    for (size_t i = 0; i < n; i++)
        add_field(&b, &e->fields[i]);
    if (b.len <= SC_MAX_FRAME)
        sc_send(SC_LOG, 0, b.ptr, b.len);
    free(b.ptr);
}

static const loop_provider_option *row_of(const char *name, const char **ret_text)
{
    const loop_provider_option *rows = sc.provider->options;
    for (size_t i = 0; rows && rows[i].name; i++)
        if (strcmp(rows[i].name, name) == 0) {
            *ret_text = sc.options[i] ? sc.options[i] : rows[i].fallback;
            return &rows[i];
        }
    *ret_text = NULL;
    return NULL;
}

static const char *option(void *host, const char *name)
{
    const char *text;
    (void)host;
    row_of(name, &text);
    return text;
}

/* Which of "a|b" the text is. */
static uint64_t place_of(const char *values, const char *text)
{
    size_t len = strlen(text);
    for (uint64_t i = 0; *values; i++) {
        size_t n = strcspn(values, "|");
        if (n == len && memcmp(values, text, n) == 0)
            return i;
        values += n + (values[n] == '|');
    }
    return 0;
}

/* The host has checked it: digits, then a unit of the type, if any. */
static uint64_t option_number(void *host, const char *name)
{
    static const struct {
        const char *unit;
        uint64_t factor;
    } units[] = {{"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}, {"ms", 1},
                 {"s", 1000},       {"m", 60000},      {"h", 3600000}};
    const char *text;
    char *rest;
    (void)host;
    const loop_provider_option *row = row_of(name, &text);
    if (!text)
        return 0;
    if (strcmp(row->type, "enum") == 0 || strcmp(row->type, "bool") == 0)
        return place_of(row->values ? row->values : "false|true", text);
    uint64_t n = strtoull(text, &rest, 10);
    for (size_t i = 0; i < SC_COUNT(units); i++)
        if (strcmp(units[i].unit, rest) == 0)
            return n * units[i].factor;
    return n;
}

static const loop_services services = {
    .abi = LOOP_PROVIDER_ABI,
    .log = send_log,
    .log_enabled = log_enabled,
    .option = option,
    .option_number = option_number,
};

/* ---- calls ---- */

/* Off the list, before its answer is sent: its id may be used again at once. */
static void unlist(loop_call *c)
{
    pthread_mutex_lock(&sc.lock);
    for (loop_call **p = &sc.calls; *p; p = &(*p)->next)
        if (*p == c) {
            *p = c->next;
            if (--sc.call_count == 0)
                pthread_cond_broadcast(&sc.news); /* for QUIESCE */
            break;
        }
    pthread_mutex_unlock(&sc.lock);
}

static void send_fault(loop_call *c, loop_error *e)
{
    sc_buf b = {0};
    sc_error_write(&b, e);
    loop_error_delete(e);
    unlist(c);
    sc_send(SC_FAULT, c->id, b.ptr, b.len);
    free(b.ptr);
}

static void drop_object(uint32_t interface, uint32_t resource, void *object)
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
            drop_object(h->interface, h->resource, h->object);
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
        unlist(c);
        sc_send(SC_RESULT, c->id, o.to.ptr, o.to.len);
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
    be_busy();
    pthread_mutex_unlock(&sc.lock);
}

static void end_call(loop_call *c)
{
    pthread_mutex_lock(&sc.lock);
    release_caller(c->caller);
    if (i_read())
        role.busy = false;
    pthread_mutex_unlock(&sc.lock);
}

static void on_call(sc_message *m)
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

/* ---- other messages ---- */

static void on_caller(const sc_message *m)
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
    c->component = copy_text(component);
    c->identity = copy_text(identity);
    c->why = copy_text(why);
    pthread_mutex_lock(&sc.lock);
    remove_caller(m->id);
    c->next = sc.callers;
    sc.callers = c;
    pthread_mutex_unlock(&sc.lock);
}

static void on_caller_gone(const sc_message *m)
{
    pthread_mutex_lock(&sc.lock);
    remove_caller(m->id);
    pthread_mutex_unlock(&sc.lock);
}

static void on_answer(sc_message *m)
{
    pthread_mutex_lock(&sc.lock);
    sc_asked *a = sc.asked;
    while (a && (a->id != m->id || a->type))
        a = a->next;
    if (!a)
        sc_broken("the answer %u of a NEXT that was not sent", m->id);
    a->data = m->data;
    a->len = m->len;
    a->type = m->type;
    m->data = NULL;
    pthread_cond_broadcast(&sc.news);
    pthread_mutex_unlock(&sc.lock);
}

static void on_cancel(const sc_message *m)
{
    sc_in in = {.at = m->data, .end = m->data + m->len};
    uint64_t reason = sc_number(&in, 32), left = sc_number(&in, 32);
    if (sc_end(&in) || reason > LOOP_CANCEL_STOPPED)
        sc_broken("a CANCEL that is none");
    pthread_mutex_lock(&sc.lock);
    for (loop_call *c = sc.calls; c; c = c->next)
        if (c->id == m->id && atomic_load(&c->reason) == LOOP_CANCEL_NONE) {
            atomic_store(&c->left_ms, (unsigned)left);
            atomic_store(&c->reason, (int)reason);
        }
    pthread_mutex_unlock(&sc.lock);
}

static void on_drop(const sc_message *m)
{
    sc_in in = {.at = m->data, .end = m->data + m->len};
    uint32_t interface = (uint32_t)sc_number(&in, 32), resource = (uint32_t)sc_number(&in, 32);
    uint64_t number = sc_number(&in, 64);
    if (sc_end(&in))
        sc_broken("a DROP that is none");
    sc_begin_work(false); /* what is asked after it finds it done */
    void *object = sc_object(interface, resource, number, true);
    if (object)
        drop_object(interface, resource, object);
    sc_end_work();
    if (!object)
        fprintf(stderr, "warning: the host dropped the handle %llu, which is not held\n",
                (unsigned long long)number);
}

static void on_credit(const sc_message *m)
{
    sc_in in = {.at = m->data, .end = m->data + m->len};
    uint64_t n = sc_number(&in, 32);
    pthread_mutex_lock(&sc.lock);
    if (sc_end(&in) || n > sc.spent)
        sc_broken("CREDIT for %llu bytes, of %u in flight", (unsigned long long)n, sc.spent);
    sc.spent -= (uint32_t)n;
    sc.to_spend += (uint32_t)n;
    pthread_cond_broadcast(&sc.news);
    pthread_mutex_unlock(&sc.lock);
}

static void nothing_behind(const sc_message *m)
{
    if (m->len)
        sc_broken("a frame 0x%02x with %zu bytes", m->type, m->len);
}

static void handle(sc_message *m)
{
    switch (m->type) {
    case SC_CALLER: on_caller(m); break;
    case SC_CALLER_GONE:
        nothing_behind(m);
        on_caller_gone(m);
        break;
    case SC_CALL: on_call(m); break;
    case SC_RESULT:
    case SC_FAULT: on_answer(m); break;
    case SC_CANCEL: on_cancel(m); break;
    case SC_DROP: on_drop(m); break;
    case SC_RELEASE:
        nothing_behind(m);
        sc_shared_free(m->id);
        break;
    case SC_CREDIT_BACK: on_credit(m); break;
    case SC_PING:
        nothing_behind(m);
        sc_send(SC_PONG, m->id, NULL, 0);
        break;
    case SC_PONG: break;
    case SC_QUIESCE:
    case SC_RESUME:
    case SC_SAVE:
    case SC_RESTORE:
    case SC_STATE: sc_on_state(m); break;
    default: sc_broken("a frame of the type 0x%02x", m->type);
    }
    free(m->data);
}

/* Reads while it may, else waits until it may. */
static void *serve(void *unused)
{
    for (;;) {
        pthread_mutex_lock(&sc.lock);
        role.waiting++;
        while (role.taken)
            pthread_cond_wait(&role.free, &sc.lock);
        role.waiting--;
        role.taken = true;
        my_epoch = ++role.epoch;
        pthread_mutex_unlock(&sc.lock);
        for (bool mine = true; mine;) {
            sc_message m;
            if (!sc_receive(&m)) {
                pthread_mutex_lock(&sc.lock);
                sc.ended = true;
                pthread_cond_broadcast(&sc.news);
                pthread_cond_signal(&over);
                pthread_mutex_unlock(&sc.lock);
                return unused; /* and keeps the role */
            }
            handle(&m);
            pthread_mutex_lock(&sc.lock);
            mine = i_read();
            pthread_mutex_unlock(&sc.lock);
        }
        my_epoch = 0;
    }
}

/* ---- start and end ---- */

/* Frames get descriptors of their own; what the program prints goes to stderr. */
static bool take_streams(void)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sc_input = fcntl(0, F_DUPFD_CLOEXEC, 3);
    sc_output = fcntl(1, F_DUPFD_CLOEXEC, 3);
    const char *fd = getenv("LOOP_SIDECAR_FD");
    if (fd)
        fcntl(atoi(fd), F_SETFD, FD_CLOEXEC);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    return sc_input >= 0 && sc_output >= 0 && nothing >= 0 && dup2(nothing, 0) == 0 &&
           dup2(2, 1) == 1;
}

/* False: a type of the provider's is none. */
static bool read_interfaces(const loop_provider *p)
{
    while (p->interfaces && p->interfaces[sc.interface_count].interface)
        sc.interface_count++;
    sc.interfaces = sc_alloc((sc.interface_count + 1) * sizeof *sc.interfaces);
    for (size_t i = 0; i < sc.interface_count; i++)
        sc.interfaces[i].provided = &p->interfaces[i];
    for (size_t i = 0; i < sc.interface_count; i++) {
        sc_interface *s = &sc.interfaces[i];
        const loop_interface *rows = s->provided->interface;
        while (rows->functions[s->function_count].name)
            s->function_count++;
        while (rows->resources && rows->resources[s->resource_count].name)
            s->resource_count++;
        s->functions = sc_alloc((s->function_count + 1) * sizeof *s->functions);
        for (size_t k = 0; k < s->function_count; k++) {
            const char *table = s->provided->functions;
            s->functions[k].implemented =
                !table || *(void (*const *)(void))(const void *)(table + rows->functions[k].offset);
            if (!sc_function_parse(rows->functions[k].type, &s->functions[k])) {
                fprintf(stderr, "error: '%s' of '%s' has the type %s, which cannot be carried\n",
                        rows->functions[k].name, rows->name, rows->functions[k].type);
                return false;
            }
        }
    }
    return true;
}

static void begin(void)
{
    const loop_provider *p = sc.provider;
    loop_error *e = p->detect ? p->detect(&services) : NULL;
    if (!e && p->open)
        e = p->open(&services, &sc.self);
    if (e) {
        sc_buf b = {0};
        sc_error_write(&b, e);
        sc_send(SC_FAIL, 0, b.ptr, b.len);
        _exit(1);
    }
    pthread_mutex_lock(&sc.lock);
    sc.ready = true; /* and what `open` wrote is seen by the threads that call */
    pthread_mutex_unlock(&sc.lock);
    sc_send(SC_READY, 0, NULL, 0);
}

/* The host has gone: calls under way are told, and get a moment. */
static void finish(void)
{
    uint64_t until = sc_now_ns() + LAST_WORDS_NS;
    pthread_mutex_lock(&sc.lock);
    while (!sc.ended)
        pthread_cond_wait(&over, &sc.lock); /* not `news`, of which there are some every call */
    for (loop_call *c = sc.calls; c; c = c->next)
        if (atomic_load(&c->reason) == LOOP_CANCEL_NONE)
            atomic_store(&c->reason, LOOP_CANCEL_STOPPED);
    while ((sc.calls || sc.work) && sc_now_ns() < until) {
        pthread_mutex_unlock(&sc.lock);
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        pthread_mutex_lock(&sc.lock);
    }
    bool idle = !sc.calls && !sc.work;
    pthread_mutex_unlock(&sc.lock);
    if (idle && sc.provider->close)
        sc.provider->close(sc.self);
    fflush(stdout);
    _exit(0); /* threads may still wait */
}

int loop_sidecar_main(const loop_provider *provider, const char *version)
{
    return loop_sidecar_main_with(provider, version, NULL);
}

int loop_sidecar_main_with(const loop_provider *provider, const char *version,
                           const loop_sidecar_state *state)
{
    sc_message m;
    if (!getenv("LOOP_SIDECAR")) {
        fprintf(stderr,
                "error: '%s' is a sidecar, which loop starts\n"
                "hint: name this program in loop.yaml: `bind: { INTERFACE: { sidecar: [...] } }`\n",
                provider->name);
        return LOOP_USAGE;
    }
    sc.provider = provider;
    sc.version = version;
    sc.state = state;
    if (provider->abi != LOOP_PROVIDER_ABI || !provider->interfaces || !take_streams() ||
        !read_interfaces(provider)) {
        fprintf(stderr, "error: '%s' cannot be a sidecar\n", provider->name);
        return LOOP_INTERNAL;
    }
    send_welcome();
    if (!sc_receive(&m))
        return 1;
    if (m.type != SC_START)
        sc_broken("a frame 0x%02x before START", m.type);
    read_start(&m);
    free(m.data);
    start_thread(watch);
    start_thread(serve); /* PING and CREDIT, while the provider opens what it needs */
    begin();
    finish();
    return 0;
}
