/* host/slots_test.c: see slots_test.h. */
#include <signal.h>
#include <stdio.h>

#include "host/slots_test.h"

loop_host *host;
_Atomic int ended_logged;

/* ---- errors ---- */

void must(loop_error *e)
{
    if (!e)
        return;
    char *text = loop_error_format(e);
    fail_msg("%s", text);
}

void must_fail(loop_error *e, loop_code code, const char *part)
{
    lp_buf all = {0};
    for (const loop_error *x = e; x; x = loop_error_cause(x))
        lp_buf_printf(&all, "%s; ", loop_error_message(x));
    if (loop_error_code(e) != code || !strstr(all.ptr ? all.ptr : "", part))
        fail_msg("%s: '%s', not %s: '%s'", loop_code_name(loop_error_code(e)), all.ptr,
                 loop_code_name(code), part);
    lp_buf_done(&all);
    loop_error_delete(e);
}

/* ---- a host ---- */

static void count_log(void *data, const loop_log_entry *entry)
{
    (void)data;
    ended_logged += strstr(entry->message, "ended while it served") != NULL;
}

/* The engine turns these signals into traps; cmocka takes them over for each test. */
static const int trap_signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS};
static struct sigaction engine_actions[LP_COUNT(trap_signals)];

int note_signals(void **state)
{
    (void)state;
    loop_host *h;
    must(loop_host_new(&(loop_host_options){.no_cache = true}, &h));
    for (size_t i = 0; i < LP_COUNT(trap_signals); i++)
        sigaction(trap_signals[i], NULL, &engine_actions[i]);
    loop_host_delete(h);
    return 0;
}

int make_host(void **state)
{
    (void)state;
    ended_logged = 0;
    must(loop_host_new(&(loop_host_options){.log = count_log, .log_level = LOOP_LOG_INFO}, &host));
    return 0;
}

int drop_host(void **state)
{
    (void)state;
    loop_host_delete(host);
    return 0;
}

/* ---- components ---- */

char *path_of(const char *guest)
{
    const char *folder = lp_os_getenv("LOOP_TEST_GUESTS");
    return lp_format("%s/%s.wasm", folder ? folder : "build/guests", guest);
}

loop_component *open_guest(const char *guest)
{
    for (size_t i = 0; i < LP_COUNT(trap_signals); i++)
        sigaction(trap_signals[i], &engine_actions[i], NULL);
    lp_auto(lp_free_string) char *path = path_of(guest);
    loop_component *c;
    must(loop_component_open(host, path, &c));
    return c;
}

const char *const may_lack[] = {LINKS, OTHER, NULL};

loop_error *try_add(const char *name, const char *guest, uint64_t call_ms)
{
    lp_auto(lp_free_string) char *path = path_of(guest);
    const loop_instance_options o = {
        .name = name, .optional = may_lack, .call_timeout_ms = call_ms};
    const char *provider = NULL;
    LP_TRY(loop_host_component_add(host, path, &o, &provider));
    assert_string_equal(provider, name);
    return NULL;
}

void add(const char *name, const char *guest)
{
    must(try_add(name, guest, 0));
}

/* `providers`: "b", or a chain "serial b". */
void bind_to(const char *component, const char *interface_name, const char *providers)
{
    loop_link links[LP_MAX_CHAIN];
    size_t n = 0;
    lp_auto(lp_free_string) char *text = lp_strdup(providers);
    for (char *rest = NULL, *w = strtok_r(text, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
        links[n++] = (loop_link){w, NULL};
    must(loop_host_bind_chain(host, component, interface_name, links, n));
}

loop_error *try_asker(const char *name, uint64_t call_ms, struct asker *ret)
{
    loop_component *c = open_guest("slots-node1");
    const loop_instance_options o = {
        .name = name, .optional = may_lack, .call_timeout_ms = call_ms};
    loop_error *err = loop_instance_new(host, c, &o, &ret->instance);
    loop_component_delete(c);
    return err;
}

void enter(struct asker *a)
{
    must(loop_instance_enter(a->instance));
    must(demo_slots_links_bind(a->instance, &a->links));
}

struct asker asker(const char *name)
{
    struct asker a;
    must(try_asker(name, 0, &a));
    enter(&a);
    return a;
}

/* ---- answers ---- */

uint64_t good(const answer *r)
{
    if (r->is_err)
        fail_msg("%.*s", (int)r->of.error.of.unavailable.len, r->of.error.of.unavailable.ptr);
    return r->of.ok;
}

void bad(const answer *r, const char *part)
{
    assert_true(r->is_err);
    assert_int_equal(r->of.error.tag, 0);
    lp_auto(lp_free_string) char *text =
        lp_strndup(r->of.error.of.unavailable.ptr, r->of.error.of.unavailable.len);
    if (!strstr(text, part))
        fail_msg("'%s', not '%s'", text, part);
}

answer ask(const struct asker *a, uint32_t depth)
{
    answer r;
    must(demo_slots_links_call_ask(&a->links, depth, &r));
    return r;
}

answer relay(const struct asker *a, demo_slots_links_guest_wish what)
{
    answer r;
    must(demo_slots_links_call_relay(&a->links, what, &r));
    return r;
}

uint64_t count(const struct asker *a)
{
    answer r = relay(a, COUNT);
    return good(&r);
}

const loop_instance_status *status_of(const loop_status *s, const char *name)
{
    for (size_t i = 0; i < s->instance_count; i++)
        if (strcmp(s->instances[i].name, name) == 0)
            return &s->instances[i];
    return NULL;
}

/* ---- swaps ---- */

static void swapped(void *data, loop_error *error, const loop_swap_report *report)
{
    (void)report;
    must(error);
    *(bool *)data = true;
}

void swap_to(const char *component, const char *provider, loop_carry carry)
{
    bool done = false;
    const loop_swap s = {.component = component,
                         .interface_name = LINKS,
                         .links = provider ? &(loop_link){provider, NULL} : NULL,
                         .count = provider != NULL,
                         .carry = carry};
    must(loop_host_swap(host, &s, swapped, &done));
    while (!done)
        loop_host_turn(host, 10);
}

/* ---- native code ---- */

_Atomic uint64_t native_count;
_Atomic bool native_hangs, native_inside;
char asked_by[200];

static loop_error *native_counts(void *self, loop_call *call,
                                 demo_slots_links_result_u64_error *ret)
{
    (void)self, (void)call;
    *ret = (demo_slots_links_result_u64_error){.of.ok = ++native_count};
    return NULL;
}

static loop_error *native_ask(void *self, loop_call *call, uint32_t n,
                              demo_slots_links_result_u64_error *ret)
{
    const char *key = "", *value = "";
    loop_string why;
    (void)self, (void)n;
    (void)loop_call_config(call, 0, &key, &value);
    native_inside = true;
    while (native_hangs)
        lp_os_sleep_ms(1);
    native_inside = false;
    snprintf(asked_by, sizeof asked_by, "%s, %s, %llu bytes, %s=%s", loop_call_component(call),
             loop_call_identity(call), (unsigned long long)loop_call_storage(call, &why), key,
             value);
    *ret = (demo_slots_links_result_u64_error){.of.ok = 1};
    return NULL;
}

static loop_error *native_item(void *self, loop_call *call, uint32_t number,
                               demo_slots_links_item **ret)
{
    (void)self, (void)call, (void)number, (void)ret;
    return loop_error_new(LOOP_INTERNAL, "nobody asks for that");
}

#define REFUSES(name, params)                                                                      \
    static loop_error *name params                                                                 \
    {                                                                                              \
        (void)self, (void)call;                                                                    \
        return loop_error_new(LOOP_INTERNAL, "nobody asks for that");                              \
    }
REFUSES(native_number, (void *self, loop_call *call, demo_slots_links_item *item,
                        demo_slots_links_result_u32_error *ret))
REFUSES(native_join, (void *self, loop_call *call, demo_slots_links_item *item,
                      demo_slots_links_item *other, demo_slots_links_result_u32_error *ret))
REFUSES(native_u32, (void *self, loop_call *call, uint32_t *ret))
REFUSES(native_count_on,
        (void *self, loop_call *call, uint32_t n, demo_slots_links_result_u64_error *ret))
REFUSES(native_must, (void *self, loop_call *call, uint32_t n, uint64_t *ret))
REFUSES(native_relay, (void *self, loop_call *call, demo_slots_links_wish what,
                       demo_slots_links_result_u64_error *ret))
REFUSES(native_hammer, (void *self, loop_call *call, uint32_t n, uint32_t *ret))
REFUSES(native_void, (void *self, loop_call *call, demo_slots_links_result_void_error *ret))
REFUSES(native_slow,
        (void *self, loop_call *call, uint32_t n, demo_slots_links_result_void_error *ret))
REFUSES(native_flood,
        (void *self, loop_call *call, uint32_t n, demo_slots_links_result_list_u8_error *ret))
REFUSES(native_add,
        (void *self, loop_call *call, loop_list_u8 b, demo_slots_links_result_u64_error *ret))
REFUSES(native_give, (void *self, loop_call *call, loop_list_u32 n,
                      demo_slots_links_result_list_option_own_item_error *ret))

static void native_drop(void *self, demo_slots_links_item *item)
{
    (void)self, (void)item;
}

static const demo_slots_links_functions native_functions = {
    .item_new = native_item,
    .item_number = native_number,
    .item_join = native_join,
    .item_drop = native_drop,
    .version = native_u32,
    .count = native_counts,
    .ask = native_ask,
    .must = native_must,
    .relay = native_relay,
    .hammer = native_hammer,
    .count_on = native_count_on,
    .crash = native_void,
    .spin = native_void,
    .slow = native_slow,
    .flood = native_flood,
    .add = native_add,
    .give = native_give,
    .live = native_u32,
};
const loop_provider native = {
    .abi = LOOP_PROVIDER_ABI,
    .name = "native",
    .summary = "counts",
    .interfaces =
        (const loop_provider_interface[]){{&demo_slots_links_interface, &native_functions},
                                          {NULL, NULL}},
    .threads = LOOP_THREADS_ANY};
