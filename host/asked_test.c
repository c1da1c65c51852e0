/* host/asked_test.c: implements host/asked_test.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/asked_test.h"
#include "host/internal.h"
#include "api/place.h"
#include "api/providers.h"
#include "trust/policy.h"

#define MOST 256

static lp_os_mutex *lock; /* sockets ask on threads of their own */
static asking questions[MOST];
static size_t question_count;
static unsigned log_entries;
static char folder[] = "/tmp/loop-needs-XXXXXX";

static asking asking_of(const loop_request *want, bool allowed)
{
    asking a = {.kind = want->kind, .port = want->port, .allowed = allowed};
    snprintf(a.name, sizeof a.name, "%s", want->name ? want->name : "");
    snprintf(a.address, sizeof a.address, "%s", want->address ? want->address : "");
    return a;
}

static void ask(const loop_policy *p, const loop_request *want, loop_decision *ret)
{
    loop_policy_decide(p, want, ret);
    lp_os_mutex_lock(lock);
    if (question_count < MOST)
        questions[question_count++] = asking_of(want, ret->allowed);
    lp_os_mutex_unlock(lock);
}

static bool same(const asking *a, const asking *b)
{
    return a->kind == b->kind && a->port == b->port && a->allowed == b->allowed &&
           strcmp(a->name, b->name) == 0 && strcmp(a->address, b->address) == 0;
}

/* What nobody asked the decision function, the engine's own refusals, is told alone. */
static void tell(void *data, const loop_decided *d)
{
    (void)data;
    if (!d->request)
        return;
    const asking heard = asking_of(d->request, d->decision->allowed);
    lp_os_mutex_lock(lock);
    size_t i = question_count;
    while (i && !same(&questions[i - 1], &heard))
        i--;
    if (i)
        questions[i - 1].told = true;
    lp_os_mutex_unlock(lock);
}

static void count_entry(loop_host *h, const loop_log_entry *entry)
{
    (void)h;
    log_entries += entry->component != NULL;
}

void asked_reset(void)
{
    lp_os_mutex_lock(lock);
    question_count = 0;
    log_entries = 0;
    lp_os_mutex_unlock(lock);
}

const asking *asked_for(loop_grant_kind kind, const char *name, uint16_t port, bool address)
{
    const asking *found = NULL;
    lp_os_mutex_lock(lock);
    for (size_t i = 0; i < question_count; i++) {
        const asking *a = &questions[i];
        if (a->kind == kind && a->told && (!name || strcmp(a->name, name) == 0) &&
            (!port || a->port == port) && (!address || *a->address))
            found = a;
    }
    lp_os_mutex_unlock(lock);
    return found;
}

char *asked_text(void)
{
    lp_buf b = {0};
    lp_os_mutex_lock(lock);
    for (size_t i = 0; i < question_count; i++) {
        const asking *a = &questions[i];
        lp_buf_printf(&b, "\n    %s %s:%u %s: %s%s", loop_grant_kind_name(a->kind), a->name,
                      a->port, a->address, a->allowed ? "yes" : "no",
                      a->told ? "" : " (nobody was told)");
    }
    lp_os_mutex_unlock(lock);
    return lp_buf_take(&b);
}

unsigned asked_log_entries(void)
{
    return log_entries;
}

loop_host *asked_host(void)
{
    static const lp_host_hooks hooks = {.decide = ask,
                                        .grant_at = loop_policy_at,
                                        .denied_inside = lp_policy_denied_inside,
                                        .policy_ref = lp_policy_ref,
                                        .policy_unref = lp_policy_unref,
                                        .policy_part = lp_policy_part,
                                        .program = lp_place_program,
                                        .log = count_entry};
    loop_host *h;
    asked_must(lp_host_new(&(loop_host_options){.directory = folder, .decided = tell}, &hooks, &h));
    for (size_t i = 0; lp_builtin_providers[i]; i++)
        asked_must(loop_host_provider_add(h, lp_builtin_providers[i]));
    return h;
}

void asked_must(loop_error *e)
{
    lp_auto(lp_free_string) char *text = e ? loop_error_format(e) : NULL;
    if (e)
        fail_msg("%s", text);
}

void asked_grant(loop_policy *p, loop_grant_kind kind, const char *text, bool deny)
{
    asked_must(loop_policy_add(p, kind, text, deny, NULL, false, (loop_origin){"--test", 0, 0}));
}

void asked_run(const char *guest, const char *const *args, const loop_policy *policy, bool waits,
               loop_result *ret)
{
    const char *guests = getenv("LOOP_TEST_GUESTS");
    lp_auto(lp_free_string) char *path =
        lp_format("%s/%s.wasm", guests ? guests : "build/guests", guest);
    loop_host *h = asked_host();
    loop_component *c;
    loop_instance *i;
    loop_result result = {0};
    asked_must(loop_component_open(h, path, &c));
    asked_must(loop_instance_new(h, c,
                                 &(loop_instance_options){.args = args,
                                                          .policy = policy,
                                                          .timeout_ms = waits ? 2000 : 10000},
                                 &i));
    loop_error_delete(loop_instance_run(i, &result));
    loop_instance_delete(i);
    loop_component_delete(c);
    loop_host_delete(h);
    *ret = result;
}

int asked_begin(void **state)
{
    (void)state;
    lock = lp_os_mutex_new();
    return mkdtemp(folder) ? 0 : -1;
}

int asked_end(void **state)
{
    (void)state;
    lp_os_mutex_delete(lock);
    lp_auto(lp_free_string) char *command = lp_format("rm -r '%s'", folder);
    return system(command);
}
