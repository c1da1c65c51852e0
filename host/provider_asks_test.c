/*
 * host/provider_asks_test.c: every function of a provider that comes with loop asks, or stands here
 * with the reason why it need not.
 *
 * The list of providers is compared with the sources. Each function has a row that says what it
 * takes; what takes nothing is listed below, what takes an object is checked to get it from a
 * function that asks, and all others are called: with a policy that grants nothing the decision
 * function is asked, who listens to decisions (loop_host_options.decided) is told, and the call
 * does not happen. A function that is new and asks nobody fails here, whatever its row says.
 * wasi_asks_test.c is the same for WASI.
 *
 * Needs the test guests; LOOP_TEST_GUESTS says where they are (build/guests).
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "abi/plan.h"
#include "host/asked_test.h"
#include "host/internal.h"
#include "api/providers.h"
#include "base/os/os.h"
#include "engine/type_parse.h"

/* ---- all of them ---- */

static bool is_builtin(const char *name, size_t len)
{
    for (size_t i = 0; lp_builtin_providers[i]; i++) {
        const char *has = lp_builtin_providers[i]->name;
        size_t n = 0;
        while (n < len && has[n] && (has[n] == '-' ? '_' : has[n]) == name[n])
            n++;
        if (n == len && !has[n])
            return true;
    }
    return false;
}

static void providers_in(const char *path, size_t *count)
{
    static const char begin[] = "\nconst loop_provider lp_provider_";
    uint8_t *bytes;
    size_t len;
    asked_must(lp_os_read_file(path, 1 << 20, &bytes, &len));
    lp_auto(lp_free_string) char *source = lp_strndup((char *)bytes, len);
    free(bytes);
    for (const char *at = source; (at = strstr(at, begin)); (*count)++) {
        at += sizeof begin - 1;
        size_t n = strcspn(at, " [;=");
        if (!is_builtin(at, n))
            fail_msg("%s has a provider '%.*s' that is not in api/providers.c under that name: "
                     "nobody asks here what it needs",
                     path, (int)n, at);
    }
}

static void every_provider_is_in_the_list(void **state)
{
    (void)state;
    glob_t found;
    assert_int_equal(glob(SOURCE "/providers/*/*.c", 0, NULL, &found), 0);
    assert_int_equal(glob(SOURCE "/fx/serve/serve.c", GLOB_APPEND, NULL, &found), 0);
    size_t count = 0, listed = 0;
    for (size_t i = 0; i < found.gl_pathc; i++)
        providers_in(found.gl_pathv[i], &count);
    globfree(&found);
    while (lp_builtin_providers[listed])
        listed++;
    assert_int_equal(count, listed);
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
    /* trees and graphs of its own; another component's fibers are asked for by name, as fx.NAME: */
    {"loop:fx/runtime", "*"},
    {"loop:fx/graph", "*"},
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

/* ---- functions that ask: called ---- */

/* Objects that calls have answered, by the names of their resources. */
static struct {
    const char *resource;
    void *object;
    const loop_interface *of;
} objects[64];
static size_t object_count;

static void *object_of(const char *resource)
{
    for (size_t i = 0; i < object_count; i++)
        if (strcmp(objects[i].resource, resource) == 0)
            return objects[i].object;
    return NULL;
}

/* What texts say: a name of a package, or of anything else. */
static const char *text = "ab";

/* A value that is small and not empty. */
static void fill(lp_arena *a, const lp_node *n, uint8_t *at)
{
    switch (n->kind) {
    case LP_STRING: {
        loop_string s = loop_string_of(text);
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
    case LP_OWN:
    case LP_BORROW: {
        void *object = object_of(n->type->resource->name);
        memcpy(at, &object, sizeof object);
        return;
    }
    default: return; /* zero */
    }
}

/*
 * A function that a peer cannot call is called as the host calls it, and so are those that may
 * make its objects.
 */
static const struct lp_provider *direct; /* NULL: peers do */

static const struct lp_provider *serving(loop_host *h, const loop_interface *t)
{
    lp_auto(lp_free_string) char *full = lp_format("%s@%s", t->name, t->version), *why = NULL;
    struct lp_chain found;
    const char *version;
    if (!lp_host_find(h, "test", full, &found, &version, &why))
        fail_msg("%s", why);
    asked_must(lp_chain_open(&found, false));
    return found.links[0].provider;
}

/* Hands an object over, or takes one that another interface has made: no peer can. */
static bool no_peer(const loop_interface *t)
{
    lp_auto(lp_free_string) char *mine = lp_format("borrow<%s.", t->name);
    for (const loop_function *f = t->functions; f->name; f++) {
        const char *own = strstr(f->type, "own<"), *borrow = strstr(f->type, "borrow<");
        const char *end = strchr(f->type, ')');
        if ((own && own < end) ||
            (borrow && borrow < end && strncmp(borrow, mine, strlen(mine)) != 0))
            return true;
    }
    return false;
}

static bool is_direct(const loop_provider *p, const char *version)
{
    for (const loop_provider_interface *s = p->interfaces; s->interface; s++)
        if (strcmp(s->interface->version, version) == 0 && no_peer(s->interface))
            return true;
    return false;
}

static const void *table_of(const loop_provider *p, const loop_interface *t)
{
    const loop_provider_interface *s = p->interfaces;
    while (s->interface != t)
        s++;
    return s->functions;
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
    asked_must(
        lp_signature_parse(&ret->arena, &known, lp_str_of(t->functions[row].type), &signature));
    asked_must(lp_plan_new(&ret->arena, signature, &ret->plan));
    free(known.at);
    const lp_node *result = ret->plan->result;
    uint8_t *args = lp_arena_alloc(&ret->arena, ret->plan->params.size + 16u);
    ret->ret = lp_arena_alloc(&ret->arena, (result ? result->size : 0) + 16u);
    for (size_t i = 0; i < ret->plan->params.count; i++)
        fill(&ret->arena, ret->plan->params.fields[i].node,
             args + ret->plan->params.fields[i].offset);
    const loop_peer *peer;
    if (direct) {
        ret->error =
            t->functions[row].call(table_of(direct->table, t), direct->self, call, args, ret->ret);
        return;
    }
    asked_must(loop_call_peer(call, t, &peer));
    ret->error = loop_peer_call(peer, call, row, args, ret->ret);
}

static bool keep_object(const struct called *c, const loop_interface *t)
{
    const lp_node *r = c->plan->result;
    const uint8_t *at = c->ret;
    if (r->kind == LP_RESULT) {
        if (c->error || *at)
            return false;
        at += r->payload;
        r = r->parts[0];
    }
    if (r->kind != LP_OWN || object_count >= LP_COUNT(objects))
        return false;
    objects[object_count].resource = lp_strdup(r->type->resource->name);
    objects[object_count].of = t;
    memcpy(&objects[object_count++].object, at, sizeof(void *));
    return true;
}

/* The place of "store.bucket" or "bucket" among the resources of its interface. */
static size_t resource_in(const loop_interface *t, const char *name)
{
    const char *last = strrchr(name, '.');
    size_t i = 0;
    while (t->resources[i].name && strcmp(t->resources[i].name, last ? last + 1 : name) != 0)
        i++;
    return i;
}

static void drop_objects(loop_caller *caller)
{
    for (size_t o = 0; o < object_count; o++) {
        const loop_peer *peer;
        size_t resource = resource_in(objects[o].of, objects[o].resource);
        loop_call *call = loop_caller_begin(caller);
        if (direct) {
            objects[o].of->resources[resource].drop(table_of(direct->table, objects[o].of),
                                                    direct->self, objects[o].object);
        } else {
            asked_must(loop_call_peer(call, objects[o].of, &peer));
            loop_peer_drop(peer, resource, objects[o].object);
        }
        free((char *)objects[o].resource);
    }
    object_count = 0;
}

/* The function has the object that it was given. */
static void use_up(const loop_function *f)
{
    const char *begin = strstr(f->type, "own<") + 4;
    size_t n = strcspn(begin, ">"), kept = 0;
    for (size_t o = 0; o < object_count; o++) {
        const char *name = objects[o].resource;
        if (strlen(name) <= n && strncmp(begin + n - strlen(name), name, strlen(name)) == 0)
            free((char *)name);
        else
            objects[kept++] = objects[o];
    }
    object_count = kept;
}

/* Whether a case says so: `denied`, or one that has such an error in it. */
static bool is_denied(const lp_node *e, const uint8_t *at)
{
    if (!e || (e->kind != LP_VARIANT && e->kind != LP_ENUM))
        return false;
    size_t tag = *at;
    return tag == lp_type_index(e->type, "denied") ||
           tag == lp_type_index(e->type, "access-denied") ||
           (e->kind == LP_VARIANT && is_denied(e->parts[tag], at + e->payload));
}

/* Whether the answer is an error that says so. */
static bool says_denied(const struct called *c)
{
    const lp_node *r = c->plan->result;
    return r && r->kind == LP_RESULT && *c->ret && is_denied(r->parts[1], c->ret + r->payload);
}

static const loop_grant_kind kind_of_need[] = {
    [LOOP_NEED_STORAGE] = LOOP_GRANT_STORAGE, [LOOP_NEED_PACKAGE] = LOOP_GRANT_PACKAGES,
    [LOOP_NEED_PROCESS] = LOOP_GRANT_PROCESS, [LOOP_NEED_LOG] = LOOP_GRANT_LOG,
    [LOOP_NEED_OWN] = LOOP_GRANT_NEED,
};
_Static_assert(LP_COUNT(kind_of_need) == LOOP_NEED_OWN + 1, "the last kind of need");

static bool asks(const loop_provider_need *n)
{
    return n->need >= LOOP_NEED_STORAGE;
}

/* An entry of the log is not denied with a value: it is not written. */
static bool was_denied(const loop_provider_need *need, const struct called *c)
{
    if (need->need == LOOP_NEED_LOG)
        return asked_log_entries() == 0;
    return c->error ? loop_error_code(c->error) == LOOP_DENIED : says_denied(c);
}

/* What a function takes of objects. */
typedef enum taking { TAKES_NONE, BORROWS, TAKES_OWN } taking;

static taking takes(const loop_function *f)
{
    size_t n = strcspn(f->type, ")");
    lp_auto(lp_free_string) char *params = lp_strndup(f->type, n);
    return strstr(params, "own<") ? TAKES_OWN : strstr(params, "borrow<") ? BORROWS : TAKES_NONE;
}

/* Asked and told, and without a policy not done. */
static void call_row(loop_caller *caller, const loop_provider *p, const loop_interface *t,
                     size_t row, const loop_policy *policy)
{
    const loop_function *f = &t->functions[row];
    const loop_provider_need *need = lp_need_of(p, t->name, f->name);
    loop_call *call = loop_caller_begin(caller);
    loop_instance *i = lp_call_body(call)->instance;
    i->options.policy = policy;
    i->limits.of[LOOP_MAX_LOG].value = 0; /* each entry takes a grant then */
    struct called c;
    text = need->need == LOOP_NEED_PACKAGE ? "a:b" : "ab";
    asked_reset();
    call_it(call, t, row, &c);
    lp_auto(lp_free_string) char *own = need->name ? lp_format("%s.%s", p->name, need->name) : NULL;
    lp_auto(lp_free_string) char *all = asked_text(),
                                 *error = c.error ? loop_error_format(c.error) : NULL;
    if (!asked_for(kind_of_need[need->need], own, 0, false))
        fail_msg("'%s' of '%s@%s' (%s) asked for no %s, or told nobody; it asked:%s, and %s",
                 f->name, t->name, t->version, p->name,
                 loop_grant_kind_name(kind_of_need[need->need]), all, error ? error : "did it");
    if (!policy && !was_denied(need, &c))
        fail_msg("'%s' of '%s' (%s) was called without a grant", f->name, t->name, p->name);
    loop_error_delete(c.error);
    if (policy && !keep_object(&c, t))
        fail_msg("'%s' of '%s' (%s) made no object", f->name, t->name, p->name);
    if (takes(f) == TAKES_OWN)
        use_up(f);
    lp_arena_done(&c.arena);
}

static size_t rows_that_ask(const loop_provider *p, const loop_interface *t)
{
    size_t n = 0;
    for (const loop_function *f = t->functions; f->name; f++)
        n += asks(lp_need_of(p, t->name, f->name));
    return n;
}

static bool makes_one(const loop_function *f)
{
    const char *answer = strchr(f->type, ')');
    return strstr(answer, "own<") && takes(f) != TAKES_OWN;
}

/* Those rows that ask and take such objects; with `policy` only those that make some. */
static size_t call_rows(loop_caller *caller, const loop_provider *p, const loop_interface *t,
                        taking with, const loop_policy *policy)
{
    size_t called = 0;
    for (size_t row = 0; t->functions[row].name; row++) {
        const loop_function *f = &t->functions[row];
        if (!asks(lp_need_of(p, t->name, f->name)) || takes(f) != with || (policy && !makes_one(f)))
            continue;
        call_row(caller, p, t, row, policy);
        called++;
    }
    return called;
}

static void make_objects(loop_caller *caller, const loop_provider *p, const char *version,
                         const loop_policy *some)
{
    for (taking with = TAKES_NONE; with <= BORROWS; with++)
        for (const loop_provider_interface *s = p->interfaces; s->interface; s++)
            if (strcmp(s->interface->version, version) == 0)
                call_rows(caller, p, s->interface, with, some);
}

/*
 * What takes an object is called with one that was made with a grant, which the caller has no
 * more: an object that outlives its grant is no way around it. Last what uses one up.
 */
static size_t call_interface(loop_caller *caller, const loop_provider *p, const loop_interface *t,
                             const loop_policy *some)
{
    size_t called = call_rows(caller, p, t, TAKES_NONE, NULL);
    if (called == rows_that_ask(p, t))
        return called;
    make_objects(caller, p, t->version, some);
    called += call_rows(caller, p, t, BORROWS, NULL);
    called += call_rows(caller, p, t, TAKES_OWN, NULL);
    drop_objects(caller);
    return called;
}

/* What passes streams cannot be called from here: a component does, and what it says is denied. */
static const struct by_guest {
    const char *interface_name, *function, *guest;
    const char *args[8];
    int status;
} by_guest[] = {
    {"loop:process/processes", "spawn", "programs", {"programs", "run", "--", "/bin/true"}, 1},
};

static void call_by_guest(const loop_provider *p, const loop_function *f, const struct by_guest *b)
{
    const loop_provider_need *need = lp_need_of(p, b->interface_name, f->name);
    loop_result result;
    asked_reset();
    asked_run(b->guest, b->args, NULL, false, &result);
    const asking *a = asked_for(kind_of_need[need->need], NULL, 0, false);
    if (!a || a->allowed || result.status != b->status)
        fail_msg("'%s' of '%s' (%s): status %d, %s", f->name, b->interface_name, p->name,
                 result.status, a ? "asked" : "nobody was asked");
}

static size_t by_guests(const loop_provider *p, const loop_interface *t)
{
    size_t called = 0;
    for (const loop_function *f = t->functions; f->name; f++)
        for (size_t i = 0; i < LP_COUNT(by_guest); i++)
            if (strcmp(by_guest[i].interface_name, t->name) == 0 &&
                strcmp(by_guest[i].function, f->name) == 0) {
                call_by_guest(p, f, &by_guest[i]);
                called++;
            }
    return called;
}

static void check_interface(const loop_provider *p, const loop_interface *t,
                            const loop_policy *some)
{
    size_t wanted = rows_that_ask(p, t), called = by_guests(p, t);
    if (wanted > called) {
        loop_host *h = asked_host();
        asked_must(loop_host_bind(h, t->name, p->name));
        loop_caller *caller;
        asked_must(loop_caller_new(h, "test", NULL, NULL, &caller));
        direct = is_direct(p, t->version) ? serving(h, t) : NULL;
        called += call_interface(caller, p, t, some);
        loop_caller_delete(caller);
        loop_host_delete(h);
    }
    seen += called;
    if (called != wanted)
        fail_msg("of '%s' (%s) %zu functions ask, and %zu were called", t->name, p->name, wanted,
                 called);
}

/* The words of providers' own. */
static void grant_words(loop_policy *p)
{
    for (size_t i = 0; lp_builtin_providers[i]; i++) {
        const loop_provider_need *n = lp_builtin_providers[i]->needs;
        for (; n && n->interface_name; n++) {
            lp_auto(lp_free_string) char *word =
                n->name ? lp_format("%s.%s", lp_builtin_providers[i]->name, n->name) : NULL;
            if (word)
                asked_grant(p, LOOP_GRANT_NEED, word, false);
        }
    }
}

static void functions_ask_when_they_are_called(void **state)
{
    (void)state;
    loop_policy *some = loop_policy_new();
    asked_grant(some, LOOP_GRANT_STORAGE, "1MiB", false);
    grant_words(some);
    seen = 0;
    for (size_t i = 0; lp_builtin_providers[i]; i++) {
        const loop_provider *p = lp_builtin_providers[i];
        for (const loop_provider_interface *s = p->interfaces; s && s->interface; s++)
            check_interface(p, s->interface, some);
    }
    loop_policy_delete(some);
    assert_true(seen > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_provider_is_in_the_list),
        cmocka_unit_test(every_function_has_a_row),
        cmocka_unit_test(every_object_was_asked_about),
        cmocka_unit_test(functions_ask_when_they_are_called),
    };
    return cmocka_run_group_tests(tests, asked_begin, asked_end);
}
