/* cli/decided.c: implements cli/decided.h. */
#include "cli/decided.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const cli_group cli_group_decisions = {
    "What was decided",
    (const cli_option[]){
        {"--audit", "FILE", "write every decision to this file, one JSON object a line", "audit",
         "<file>"},
        {"--observe", NULL,
         "let through what nothing grants, and say at the end what that was; denials hold", NULL,
         NULL},
        {0},
    },
};

/* What the component prints goes to stderr, so that stdout has the suggestion and nothing else. */
static loop_error *move_stdout(cli_decided *d)
{
    fflush(stdout);
    d->out = dup(STDOUT_FILENO);
    if (d->out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return loop_error_new(LOOP_SYSTEM, "cannot move the output: %s", strerror(errno));
    return NULL;
}

loop_error *cli_decided_open(const cli_args *args, cli_target *t, bool suggest, cli_decided *ret)
{
    const char *path = loop_config_get(t->config, "audit", NULL);
    cli_decided d = {
        .observe = suggest || cli_has(args, "--observe"), .suggest = suggest, .out = -1};
    d.component = t->name;
    loop_error *e = d.observe && t->row ? loop_config_trust(t->config) : NULL;
    if (e) {
        e = loop_error_wrap(e, "cannot observe '%s', which would let through what it asks for",
                            t->row->name);
        return loop_config_ask_at(t->config, 0)
                   ? e
                   : loop_error_hint_set(e, "when you have looked at it: loop trust --yes");
    }
    if (d.observe && !t->policy)
        t->policy = loop_policy_new();
    if (d.observe)
        loop_policy_observe(t->policy, true);
    if (d.observe || *path)
        e = loop_audit_open(*path ? path : NULL, &d.audit);
    if (!e && suggest)
        e = move_stdout(&d);
    *ret = d;
    return e;
}

/* ---- afterwards ---- */

/* Whether two rows are one line to a reader, who is told neither an instance nor an address. */
static bool says_same(const loop_audit_entry *a, const loop_audit_entry *b)
{
    return a->allowed == b->allowed && a->observed == b->observed &&
           strcmp(a->reason, b->reason) == 0 && strcmp(a->hint, b->hint) == 0 && !*a->by == !*b->by;
}

static bool was_said(const loop_audit *a, size_t row)
{
    for (size_t i = 0; i < row; i++)
        if (says_same(loop_audit_at(a, i), loop_audit_at(a, row)))
            return true;
    return false;
}

/* How often: of an HTTP request its name is asked about and then each address, which is once. */
static uint64_t times(const loop_audit *a, const loop_audit_entry *first)
{
    const loop_audit_entry *e;
    uint64_t n = 0;
    for (size_t i = 0; (e = loop_audit_at(a, i)); i++)
        if (says_same(e, first) && !*e->address == !*first->address)
            n += e->count;
    return n;
}

/* One line a kind of decision: what, how often, what would grant it. */
static void put_row(const loop_audit_entry *e, uint64_t count)
{
    fputs("  ", stderr);
    cli_put(stderr, e->reason);
    if (count > 1)
        fprintf(stderr, ", %" PRIu64 " times", count);
    if (*e->hint && !*e->by) {
        fputs("; to grant it: ", stderr);
        cli_put(stderr, e->hint);
    }
    fputc('\n', stderr);
}

static void put_rows(const loop_audit *a, const char *title, bool observed)
{
    const loop_audit_entry *e;
    bool any = false;
    for (size_t i = 0; (e = loop_audit_at(a, i)); i++) {
        if ((observed ? !e->observed : e->allowed) || was_said(a, i))
            continue;
        if (!any)
            fprintf(stderr, "%s\n", title);
        any = true;
        put_row(e, times(a, e));
    }
    if (!any && observed)
        fputs("observed: everything that it did is granted\n", stderr);
}

static void put_suggestion(const cli_decided *d)
{
    char *text = loop_audit_suggest(d->audit, NULL);
    fflush(stdout);
    dup2(d->out, STDOUT_FILENO);
    fputs(text, stdout);
    loop_free(text);
}

loop_error *cli_decided_finish(cli_decided *d)
{
    if (!d->audit)
        return NULL;
    loop_error *e = loop_audit_finish(d->audit);
    if (d->suggest) {
        put_suggestion(d);
    } else if (d->observe) {
        put_rows(d->audit, "observed: nothing grants this, and it was let through", true);
        put_rows(d->audit, "denied, also while it was observed", false);
    }
    return e;
}
