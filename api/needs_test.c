/*
 * api/needs_test.c: every function that a component can call asks, or stands in a table here with
 * the reason why it need not.
 *
 * Functions of providers that come with loop: each has a row that says what it takes; what takes
 * nothing is listed below, what takes an object is checked to get it from a function that asks, and
 * the others are called: with a policy that grants nothing they answer `denied`, and the decision
 * function was asked. Functions of WASI: each that the engine links is in a table of what it is
 * asked by, and guests show that those are asked. A function that is new to either and is in no
 * table fails here.
 *
 * Needs the test guests; LOOP_TEST_GUESTS says where they are (build/guests).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "abi/plan.h"
#include "api/providers.h"
#include "engine/type_parse.h"
#include "host/internal.h"
#include "trust/policy.h"

/* ---- who is asked ---- */

static unsigned asked; /* kinds, 1 << kind */

static void record(const loop_policy *p, const loop_request *want, loop_decision *ret)
{
    asked |= 1u << want->kind;
    loop_policy_decide(p, want, ret);
}

static void heard(void *data, const loop_decided *d)
{
    (void)data, (void)d; /* whoever listens is told of each, so that nothing is remembered */
}

static void quiet(loop_host *h, const loop_log_entry *entry)
{
    (void)h, (void)entry;
}

static void must(loop_error *e)
{
    lp_auto(lp_free_string) char *text = e ? loop_error_format(e) : NULL;
    if (e)
        fail_msg("%s", text);
}

static char folder[] = "/tmp/loop-needs-XXXXXX";

static loop_host *make_host(void)
{
    static const lp_host_hooks hooks = {.decide = record,
                                        .grant_at = loop_policy_at,
                                        .denied_inside = lp_policy_denied_inside,
                                        .policy_ref = lp_policy_ref,
                                        .policy_unref = lp_policy_unref,
                                        .policy_part = lp_policy_part,
                                        .log = quiet};
    loop_host *h;
    must(lp_host_new(&(loop_host_options){.directory = folder, .decided = heard}, &hooks, &h));
    for (size_t i = 0; lp_builtin_providers[i]; i++)
        must(loop_host_provider_add(h, lp_builtin_providers[i]));
    return h;
}

/* ---- functions that need nothing ---- */

/* What any component may do. Whoever adds a row has an answer to: what can a stranger do with it?
 */
static const struct {
    const char *interface_name, *function; /* "*": all */
} baseline[] = {
    /* its own life: */
    {"loop:core/cancellation", "*"},
    {"loop:core/capabilities", "*"},
    {"wasi:config/store", "*"},
    {"wasi:config/runtime", "*"},
    /* whether an entry would be written; the writing of it is asked about: */
    {"loop:core/logging", "enabled"},
    /* of interceptors, which pass entries on to who asks: */
    {"loop:core/logging", "log"},
    {"wasi:logging/logging", "log"},
};

static bool is_baseline(const char *interface_name, const char *function)
{
    for (size_t i = 0; i < LP_COUNT(baseline); i++)
        if (strcmp(baseline[i].interface_name, interface_name) == 0 &&
            (strcmp(baseline[i].function, "*") == 0 || strcmp(baseline[i].function, function) == 0))
            return true;
    return false;
}

static bool passes_on(const loop_provider *p)
{
    return strcmp(p->name, "redact") == 0 || strcmp(p->name, "rate-limit") == 0;
}

typedef void on_function(const loop_provider *p, const loop_interface *t, const loop_function *f,
                         const loop_provider_need *need);

static void each_function(on_function *f)
{
    for (size_t i = 0; lp_builtin_providers[i]; i++) {
        const loop_provider *p = lp_builtin_providers[i];
        for (const loop_provider_interface *s = p->interfaces; s && s->interface; s++)
            for (const loop_function *row = s->interface->functions; row->name; row++)
                f(p, s->interface, row, lp_need_of(p, s->interface->name, row->name));
    }
}

static size_t seen;

static void has_row(const loop_provider *p, const loop_interface *t, const loop_function *f,
                    const loop_provider_need *need)
{
    seen++;
    if (!need)
        fail_msg("'%s' does not say what '%s' of '%s' needs", p->name, f->name, t->name);
    bool nothing = need->need == LOOP_NEED_NOTHING;
    if (nothing && !is_baseline(t->name, f->name))
        fail_msg("'%s' lets anybody call '%s' of '%s': is that so?", p->name, f->name, t->name);
    if (nothing && strcmp(f->name, "log") == 0 && !passes_on(p))
        fail_msg("'%s' writes to the log and asks nobody", p->name);
}

static void every_function_has_a_row(void **state)
{
    (void)state;
    seen = 0;
    each_function(has_row);
    assert_true(seen > 50); /* the list is not empty */
}

/* ---- functions that need an object ---- */

static bool makes(const loop_function *f, const char *resource)
{
    const char *answer = strstr(f->type, ")->");
    lp_auto(lp_free_string) char *own = lp_format("own<%s>", resource);
    return answer && strstr(answer, own);
}

/* An object is asked about when it is made: by each function of the interface that makes one. */
static void comes_from_who_asks(const loop_provider *p, const loop_interface *t,
                                const loop_function *f, const loop_provider_need *need)
{
    static const char begin[] = "(borrow<";
    if (need->need != LOOP_NEED_OBJECT)
        return;
    if (!lp_starts_with(f->type, begin))
        fail_msg("'%s' of '%s' takes no object", f->name, t->name);
    lp_auto(lp_free_string) char *resource = lp_strdup(f->type + sizeof begin - 1);
    resource[strcspn(resource, ">")] = 0;
    size_t makers = 0;
    for (const loop_function *m = t->functions; m->name; m++) {
        if (!makes(m, resource))
            continue;
        makers++;
        const loop_provider_need *asks = lp_need_of(p, t->name, m->name);
        if (asks->need == LOOP_NEED_NOTHING || asks->need == LOOP_NEED_OBJECT)
            fail_msg("'%s' of '%s' makes a %s and asks nobody", m->name, t->name, resource);
    }
    if (!makers)
        fail_msg("nobody of '%s' makes a %s", t->name, resource);
}

static void every_object_was_asked_about(void **state)
{
    (void)state;
    each_function(comes_from_who_asks);
}

/* ---- functions that ask themselves: called ---- */

/* Objects that calls have answered, by the names of their resources. */
static struct {
    const char *resource;
    void *object;
} objects[64];
static size_t object_count;

static void *object_of(const char *resource)
{
    for (size_t i = 0; i < object_count; i++)
        if (strcmp(objects[i].resource, resource) == 0)
            return objects[i].object;
    return NULL;
}

/* A value that is small and not empty. */
static void fill(lp_arena *a, const lp_node *n, uint8_t *at)
{
    switch (n->kind) {
    case LP_STRING: {
        loop_string s = loop_string_of("a:b");
        memcpy(at, &s, sizeof s);
        return;
    }
    case LP_LIST: {
        loop_list_u8 list = {lp_arena_alloc(a, n->parts[0]->size + 1u), 1};
        fill(a, n->parts[0], (uint8_t *)list.ptr);
        memcpy(at, &list, sizeof list);
        return;
    }
    case LP_RECORD:
    case LP_TUPLE:
        for (size_t i = 0; i < n->count; i++)
            fill(a, n->fields[i].node, at + n->fields[i].offset);
        return;
    case LP_VARIANT:
        if (n->parts[0])
            fill(a, n->parts[0], at + n->payload);
        return;
    case LP_BORROW: {
        void *object = object_of(n->type->resource->name);
        memcpy(at, &object, sizeof object);
        return;
    }
    default: return; /* zero */
    }
}

struct called {
    lp_arena arena;
    const lp_plan *plan;
    uint8_t *ret;
    loop_error *error;
};

static void call_it(loop_call *call, const loop_interface *t, size_t row, struct called *ret)
{
    *ret = (struct called){0};
    lp_resources known = {0};
    const lp_signature *signature;
    must(lp_signature_parse(&ret->arena, &known, lp_str_of(t->functions[row].type), &signature));
    must(lp_plan_new(&ret->arena, signature, &ret->plan));
    free(known.at);
    const lp_node *result = ret->plan->result;
    uint8_t *args = lp_arena_alloc(&ret->arena, ret->plan->params.size + 16u);
    ret->ret = lp_arena_alloc(&ret->arena, (result ? result->size : 0) + 16u);
    for (size_t i = 0; i < ret->plan->params.count; i++)
        fill(&ret->arena, ret->plan->params.fields[i].node,
             args + ret->plan->params.fields[i].offset);
    const loop_peer *peer;
    must(loop_call_peer(call, t, &peer));
    ret->error = loop_peer_call(peer, call, row, args, ret->ret);
}

static void keep_objects(const struct called *c, const loop_function *f)
{
    const lp_node *r = c->plan->result;
    const uint8_t *at = c->ret;
    if (r && r->kind == LP_RESULT) {
        if (*at)
            return;
        at += r->payload;
        r = r->parts[0];
    }
    if (!r || r->kind != LP_OWN || object_count >= LP_COUNT(objects))
        return;
    (void)f;
    objects[object_count].resource = lp_strdup(r->type->resource->name);
    memcpy(&objects[object_count++].object, at, sizeof(void *));
}

/* Whether the answer is the case of an error that says so. */
static bool says_denied(const struct called *c)
{
    const lp_node *r = c->plan->result;
    if (!r || r->kind != LP_RESULT || !*c->ret || !r->parts[1])
        return false;
    const lp_node *e = r->parts[1];
    if (e->kind != LP_VARIANT && e->kind != LP_ENUM)
        return false;
    size_t tag = c->ret[r->payload];
    return tag == lp_type_index(e->type, "denied") ||
           tag == lp_type_index(e->type, "access-denied");
}

static bool is_method(const loop_function *f)
{
    return f->name[0] == '[';
}

static const loop_grant_kind kind_of_need[] = {[LOOP_NEED_STORAGE] = LOOP_GRANT_STORAGE,
                                               [LOOP_NEED_PACKAGE] = LOOP_GRANT_PACKAGES,
                                               [LOOP_NEED_PROCESS] = LOOP_GRANT_PROCESS,
                                               [LOOP_NEED_LOG] = LOOP_GRANT_LOG};

static bool asks_itself(const loop_provider_need *n)
{
    return n->need >= LOOP_NEED_STORAGE && n->need <= LOOP_NEED_LOG;
}

/* Each function of one interface; `methods`: those of objects, which need one. */
static void call_all(loop_caller *caller, const loop_provider *p, const loop_interface *t,
                     const loop_policy *policy, bool methods)
{
    for (size_t row = 0; t->functions[row].name; row++) {
        const loop_function *f = &t->functions[row];
        const loop_provider_need *need = lp_need_of(p, t->name, f->name);
        if (!asks_itself(need) || is_method(f) != methods)
            continue;
        loop_call *call = loop_caller_begin(caller);
        lp_call_body(call)->instance->options.policy = policy;
        struct called c;
        asked = 0;
        call_it(call, t, row, &c);
        seen++;
        if (!(asked & 1u << kind_of_need[need->need]))
            fail_msg("'%s' of '%s' (%s) asked for no %s", f->name, t->name, p->name,
                     loop_grant_kind_name(kind_of_need[need->need]));
        bool denied = c.error ? loop_error_code(c.error) == LOOP_DENIED : says_denied(&c);
        if (!policy && need->need != LOOP_NEED_LOG && !denied)
            fail_msg("'%s' of '%s' (%s) did not say that it was denied", f->name, t->name, p->name);
        loop_error_delete(c.error);
        if (policy)
            keep_objects(&c, f);
        lp_arena_done(&c.arena);
    }
}

/*
 * Once with no grants at all, where nothing may be made; and once with some, so that there are
 * objects whose methods can be asked.
 */
static void functions_ask_when_they_are_called(void **state)
{
    (void)state;
    loop_policy *policy = loop_policy_new();
    must(loop_policy_add(policy, LOOP_GRANT_STORAGE, "1MiB", false, NULL, false,
                         (loop_origin){"--test", 0, 0}));
    seen = 0;
    for (size_t i = 0; lp_builtin_providers[i]; i++) {
        const loop_provider *p = lp_builtin_providers[i];
        for (const loop_provider_interface *s = p->interfaces; s && s->interface; s++) {
            loop_host *h = make_host();
            must(loop_host_bind(h, s->interface->name, p->name));
            loop_caller *caller;
            must(loop_caller_new(h, "test", NULL, NULL, &caller));
            object_count = 0;
            call_all(caller, p, s->interface, NULL, false);
            if (lp_need_of(p, s->interface->name, s->interface->functions[0].name)->need ==
                LOOP_NEED_STORAGE) {
                call_all(caller, p, s->interface, policy, false);
                call_all(caller, p, s->interface, policy, true);
            }
            const loop_peer *peer;
            must(loop_call_peer(loop_caller_begin(caller), s->interface, &peer));
            for (size_t o = 0; o < object_count; o++) {
                if (objects[o].object)
                    loop_peer_drop(peer, 0, objects[o].object);
                free((char *)objects[o].resource);
            }
            loop_caller_delete(caller);
            loop_host_delete(h);
        }
    }
    loop_policy_delete(policy);
    assert_true(seen > 40);
}

/* ---- WASI ---- */

typedef enum how {
    BASELINE, /* anybody may; `why` */
    OBJECT,   /* on a stream, descriptor, socket, ...: asked about when that was made */
    ASKED,    /* of the decision function, for `kind` */
} how;

/* Each function that the engine links, by the first row that fits; "*" is any, at the end of a word
 * too. */
static const struct wasi_row {
    const char *interface_name, *function;
    how how;
    loop_grant_kind kind;
    const char *why;
} wasi[] = {
    {"wasi:cli/environment", "get-environment", ASKED, LOOP_GRANT_ENV, "at the start, each name"},
    {"wasi:cli/environment", "get-arguments", BASELINE, 0, "its own"},
    {"wasi:cli/environment", "initial-cwd", BASELINE, 0, "always none"},
    {"wasi:cli/exit", "*", BASELINE, 0, "ends itself"},
    {"wasi:cli/std*", "*", BASELINE, 0, "standard streams are everybody's"},
    {"wasi:cli/terminal-*", "*", BASELINE, 0, "whether those are a terminal"},
    {"wasi:clocks/*", "*", BASELINE, 0, "clocks"},
    {"wasi:random/*", "*", BASELINE, 0, "random numbers"},
    {"wasi:io/*", "*", OBJECT, 0, "streams, pollables and errors that something else made"},
    {"wasi:filesystem/preopens", "get-directories", ASKED, LOOP_GRANT_DIR,
     "at the start, each directory"},
    {"wasi:filesystem/types", "filesystem-error-code", OBJECT, 0, "an error of a stream"},
    {"wasi:filesystem/types", "[method]descriptor.*", OBJECT, 0,
     "below a directory that was asked about; the engine keeps every path inside"},
    {"wasi:filesystem/types", "[method]directory-entry-stream.*", OBJECT, 0, "of such a directory"},
    {"wasi:http/outgoing-handler", "handle", ASKED, LOOP_GRANT_HTTP, "each request"},
    {"wasi:http/types", "*", BASELINE, 0, "values in memory, until `handle` has them"},
    {"wasi:sockets/instance-network", "instance-network", BASELINE, 0,
     "a token that stands for nothing: what uses it asks"},
    {"wasi:sockets/network", "network-error-code", OBJECT, 0, "an error of a stream"},
    {"wasi:sockets/ip-name-lookup", "resolve-addresses", ASKED, LOOP_GRANT_NET, "each name"},
    {"wasi:sockets/ip-name-lookup", "[method]resolve-address-stream.*", OBJECT, 0,
     "of such a look-up"},
    {"wasi:sockets/tcp-create-socket", "*", BASELINE, 0, "one that is bound to nothing"},
    {"wasi:sockets/udp-create-socket", "*", BASELINE, 0, "one that is bound to nothing"},
    {"wasi:sockets/tcp", "[method]tcp-socket.start-connect", ASKED, LOOP_GRANT_NET, "each address"},
    {"wasi:sockets/tcp", "[method]tcp-socket.start-bind", ASKED, LOOP_GRANT_LISTEN,
     "each address, but what connecting does by itself"},
    {"wasi:sockets/tcp", "[method]tcp-socket.start-listen", ASKED, LOOP_GRANT_LISTEN,
     "the address that it is bound to"},
    {"wasi:sockets/tcp", "[method]tcp-socket.*", OBJECT, 0,
     "of a socket; accept: one that listens"},
    {"wasi:sockets/udp", "[method]udp-socket.start-bind", ASKED, LOOP_GRANT_LISTEN, "each address"},
    {"wasi:sockets/udp", "[method]udp-socket.stream", ASKED, LOOP_GRANT_NET,
     "the address that it is for"},
    {"wasi:sockets/udp", "[method]outgoing-datagram-stream.send", ASKED, LOOP_GRANT_NET,
     "each datagram's"},
    {"wasi:sockets/udp", "[method]incoming-datagram-stream.receive", ASKED, LOOP_GRANT_NET,
     "each datagram's"},
    {"wasi:sockets/udp", "[method]*", OBJECT, 0, "of a socket"},
};

static bool fits(const char *pattern, const char *text)
{
    size_t n = strlen(pattern);
    bool open = n && pattern[n - 1] == '*';
    return open ? strncmp(pattern, text, n - 1) == 0 : strcmp(pattern, text) == 0;
}

static const struct wasi_row *row_of(const char *interface_name, const char *function)
{
    for (size_t i = 0; i < LP_COUNT(wasi); i++)
        if (fits(wasi[i].interface_name, interface_name) && fits(wasi[i].function, function))
            return &wasi[i];
    return NULL;
}

static void every_function_of_wasi_is_in_the_table(void **state)
{
    (void)state;
    bool used[LP_COUNT(wasi)] = {false};
    size_t functions = 0;
    for (size_t i = 0; lp_wasi_rows[i].interface_name; i++) {
        const lp_wasi_row *r = &lp_wasi_rows[i];
        if (!r->function)
            continue;
        functions++;
        const struct wasi_row *row = row_of(r->interface_name, r->function);
        if (!row)
            fail_msg("nobody says what '%s' of '%s' asks", r->function, r->interface_name);
        used[row - wasi] = true;
    }
    for (size_t i = 0; i < LP_COUNT(wasi); i++)
        if (!used[i])
            fail_msg("the engine has no '%s' of '%s' any more", wasi[i].function,
                     wasi[i].interface_name);
    assert_true(functions > 150);
}

/* What a guest asks, with a policy that has two lines. */
static unsigned asked_by(const char *guest, const char *const *args)
{
    const char *guests = getenv("LOOP_TEST_GUESTS");
    lp_auto(lp_free_string) char *path =
        lp_format("%s/%s.wasm", guests ? guests : "build/guests", guest);
    loop_policy *policy = loop_policy_new();
    const loop_origin here = {"--test", 0, 0};
    must(loop_policy_add(policy, LOOP_GRANT_ENV, "A=b", false, NULL, false, here));
    must(loop_policy_add(policy, LOOP_GRANT_DIR, "/tmp::/tmp:ro", false, NULL, false, here));
    loop_host *h = make_host();
    loop_component *c;
    loop_instance *i;
    loop_result result;
    must(loop_component_open(h, path, &c));
    asked = 0;
    must(loop_instance_new(
        h, c, &(loop_instance_options){.args = args, .policy = policy, .timeout_ms = 10000}, &i));
    loop_error_delete(loop_instance_run(i, &result));
    unsigned kinds = asked;
    loop_instance_delete(i);
    loop_component_delete(c);
    loop_host_delete(h);
    loop_policy_delete(policy);
    return kinds;
}

static void hooks_of_wasi_are_asked(void **state)
{
    (void)state;
    static const struct {
        const char *guest;
        const char *args[5];
        loop_grant_kind kind;
        const char *function; /* of the table above that it shows */
    } rows[] = {
        {"env", {"env"}, LOOP_GRANT_ENV, "get-environment"},
        {"listdir", {"listdir", "/tmp"}, LOOP_GRANT_DIR, "get-directories"},
        {"connect",
         {"connect", "127.0.0.1", "1"},
         LOOP_GRANT_NET,
         "[method]tcp-socket.start-connect"},
        {"http-wait", {"http-wait", "http://127.0.0.1:1/"}, LOOP_GRANT_HTTP, "handle"},
        {"inbound",
         {"inbound", "bind", "127.0.0.1", "1"},
         LOOP_GRANT_LISTEN,
         "[method]tcp-socket.start-bind"},
        {"inbound",
         {"inbound", "listen", "0.0.0.0", "0"},
         LOOP_GRANT_LISTEN,
         "[method]tcp-socket.start-listen"},
        {"inbound",
         {"inbound", "udp-bind", "127.0.0.1", "1"},
         LOOP_GRANT_LISTEN,
         "[method]udp-socket.start-bind"},
        {"inbound",
         {"inbound", "udp-connect", "127.0.0.1", "1"},
         LOOP_GRANT_NET,
         "[method]udp-socket.stream"},
        {"inbound",
         {"inbound", "udp-send", "127.0.0.1", "1"},
         LOOP_GRANT_NET,
         "[method]outgoing-datagram-stream.send"},
        {"inbound",
         {"inbound", "udp-hear", "127.0.0.1", "1"},
         LOOP_GRANT_NET,
         "[method]incoming-datagram-stream.receive"},
        {"inbound", {"inbound", "resolve", "localhost"}, LOOP_GRANT_NET, "resolve-addresses"},
    };
    for (size_t i = 0; i < LP_COUNT(wasi); i++) {
        bool shown = wasi[i].how != ASKED;
        for (size_t k = 0; k < LP_COUNT(rows) && !shown; k++)
            shown = strcmp(rows[k].function, wasi[i].function) == 0 && rows[k].kind == wasi[i].kind;
        if (!shown)
            fail_msg("nothing shows that '%s' of '%s' asks", wasi[i].function,
                     wasi[i].interface_name);
    }
    for (size_t i = 0; i < LP_COUNT(rows); i++)
        if (!(asked_by(rows[i].guest, rows[i].args) & 1u << rows[i].kind))
            fail_msg("%s %s asked for no %s", rows[i].args[0],
                     rows[i].args[1] ? rows[i].args[1] : "", loop_grant_kind_name(rows[i].kind));
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *command = lp_format("rm -r '%s'", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_has_a_row),
        cmocka_unit_test(every_object_was_asked_about),
        cmocka_unit_test(functions_ask_when_they_are_called),
        cmocka_unit_test(every_function_of_wasi_is_in_the_table),
        cmocka_unit_test(hooks_of_wasi_are_asked),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
