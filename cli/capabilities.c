/*
 * cli/capabilities.c: implements cli/capabilities.h.
 *
 * What there is to ask for comes from the component: interfaces of WASI that the engine serves, and
 * what the functions of providers say that they take (needs). Each of these is a row: the lines
 * that grant or deny something of it, and what would add to them.
 */
#include "cli/capabilities.h"

#include <stdlib.h>
#include <string.h>

/* What is asked by an argument that only a call has: lines of one kind. */
static const struct row {
    const char *name;
    loop_grant_kind kind;
    const char *interface_name; /* of WASI, its beginning; NULL: a need of a provider */
    loop_need need;
    const char *flag, *key; /* what would grant it: an option, and the key under `grants:` */
} rows[] = {
    {"files", LOOP_GRANT_DIR, "wasi:filesystem/", LOOP_NEED_NOTHING, "--dir HOST[::GUEST][:ro]",
     "dirs"},
    {"variables", LOOP_GRANT_ENV, "wasi:cli/environment", LOOP_NEED_NOTHING, "--env NAME[=VALUE]",
     "env"},
    {"HTTP requests", LOOP_GRANT_HTTP, "wasi:http/outgoing-handler", LOOP_NEED_NOTHING,
     "--allow-http HOST[:PORT]", "http"},
    {"connections", LOOP_GRANT_NET, "wasi:sockets/", LOOP_NEED_NOTHING, "--allow-net HOST:PORT",
     "net"},
    {"listening", LOOP_GRANT_LISTEN, "wasi:sockets/", LOOP_NEED_NOTHING,
     "--allow-listen ADDRESS:PORT", "listen"},
    {"storage", LOOP_GRANT_STORAGE, NULL, LOOP_NEED_STORAGE, "--storage SIZE", "storage"},
    {"packages", LOOP_GRANT_PACKAGES, NULL, LOOP_NEED_PACKAGE, "--packages NAMESPACE[:NAME]",
     "packages"},
    {"processes", LOOP_GRANT_PROCESS, NULL, LOOP_NEED_PROCESS, "--allow-process 'PROGRAM ARG...'",
     "processes"},
    {"more log entries", LOOP_GRANT_LOG, NULL, LOOP_NEED_LOG, "--log-rate NUMBER", "log"},
};

/* Whether an import takes it. */
static bool asks_for(const struct row *r, loop_component *c)
{
    const loop_item *item;
    for (size_t i = 0; (item = loop_component_item_at(c, i)); i++) {
        if (item->is_export)
            continue;
        if (r->interface_name && item->tier == LOOP_TIER_ENGINE &&
            strncmp(item->interface_name, r->interface_name, strlen(r->interface_name)) == 0)
            return true;
        for (size_t n = 0; !r->interface_name && n < item->need_count; n++)
            if (item->needs[n].need == r->need)
                return true;
    }
    return false;
}

/* The lines of its kind, denials last. */
static void put_lines(const loop_policy *p, loop_grant_kind kind)
{
    const loop_grant *g;
    for (int deny = 0; deny < 2; deny++) {
        for (size_t i = 0; p && (g = loop_policy_at(p, i)); i++) {
            if (g->kind != kind || g->deny != deny)
                continue;
            char *text = cli_format("  %s", g->text);
            cli_put_origin_line(text, &g->origin);
            free(text);
        }
    }
}

static size_t count_grants(const loop_policy *p, loop_grant_kind kind)
{
    const loop_grant *g;
    size_t n = 0;
    for (size_t i = 0; p && (g = loop_policy_at(p, i)); i++)
        n += g->kind == kind && !g->deny;
    return n;
}

/* Processes are granted, and have no effect in this class. */
static bool is_idle(const loop_policy *p, loop_grant_kind kind)
{
    return kind == LOOP_GRANT_PROCESS && loop_policy_class_of(p, NULL) != LOOP_CLASS_TRUSTED;
}

static void put_row(const struct row *r, const loop_policy *p)
{
    size_t n = count_grants(p, r->kind);
    bool idle = is_idle(p, r->kind);
    const char *answer = !n ? "no" : idle ? "no, its class is not trusted" : "yes";
    printf("  %s: %s\n", r->name, answer);
    put_lines(p, r->kind);
    printf("    %s: %s%s; grants: { %s: ... } in loop.yaml\n", n ? "more by" : "by", r->flag,
           idle ? " and --class trusted" : "", r->key);
}

/* ---- what providers ask for in words of their own ---- */

static bool is_first(loop_component *c, size_t at, size_t n, const char *name)
{
    const loop_item *item;
    for (size_t i = 0; i <= at && (item = loop_component_item_at(c, i)); i++)
        for (size_t k = 0; k < (i == at ? n : item->need_count); k++)
            if (item->needs[k].need == LOOP_NEED_OWN && strcmp(item->needs[k].name, name) == 0)
                return false;
    return true;
}

/* The functions that take it: "start, stop". */
static void put_takers(loop_component *c, const char *name)
{
    const loop_item *item;
    bool any = false;
    fputs("    for ", stdout);
    for (size_t i = 0; (item = loop_component_item_at(c, i)); i++) {
        for (size_t k = 0; k < item->need_count; k++) {
            if (item->needs[k].need != LOOP_NEED_OWN || strcmp(item->needs[k].name, name) != 0)
                continue;
            fputs(any ? ", " : "", stdout);
            cli_put(stdout, item->function);
            any = true;
        }
    }
    putchar('\n');
}

static void put_own(const loop_policy *p, loop_component *c, const loop_item_need *need)
{
    loop_decision d;
    loop_policy_decide(p, &(loop_request){.kind = LOOP_GRANT_NEED, .name = need->name}, &d);
    char *text = cli_format("%s: %s", need->name, d.allowed ? "yes" : "no");
    cli_put_origin_line(text, d.by ? &d.by->origin : NULL);
    free(text);
    fputs("    ", stdout);
    cli_put(stdout, need->help);
    putchar('\n');
    put_takers(c, need->name);
    if (!d.allowed) {
        fputs("    by: ", stdout);
        cli_put(stdout, d.hint);
        if (!d.by) {
            fputs("; grants: { needs: [", stdout);
            cli_put(stdout, need->name);
            fputs("] } in loop.yaml", stdout);
        }
        putchar('\n');
    }
}

static bool put_owns(const loop_policy *p, loop_component *c)
{
    const loop_item *item;
    bool any = false;
    for (size_t i = 0; (item = loop_component_item_at(c, i)); i++) {
        for (size_t n = 0; n < item->need_count; n++) {
            const loop_item_need *need = &item->needs[n];
            if (need->need != LOOP_NEED_OWN || !is_first(c, i, n, need->name))
                continue;
            put_own(p, c, need);
            any = true;
        }
    }
    return any;
}

void cli_put_capabilities(const cli_target *t, loop_component *c)
{
    bool any = false;
    puts("\nasks for");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!asks_for(&rows[i], c))
            continue;
        put_row(&rows[i], t->policy);
        any = true;
    }
    any = put_owns(t->policy, c) || any;
    puts(any ? "  (toolchains import WASI whether a program uses it or not; a line is taken back "
               "where it\n  stands, or by the same under `deny:` in loop.yaml)"
             : "  nothing beyond what it has always");
}

/* ---- one request ---- */

static void put_answer(const char *text, const loop_decision *d)
{
    fputs(d->allowed ? "yes  " : "no   ", stdout);
    cli_put(stdout, text);
    fputs(": ", stdout);
    cli_put(stdout, d->reason);
    putchar('\n');
    if (d->allowed || !*d->hint)
        return;
    fputs(d->by && d->by->deny ? "     " : "     to allow it: ", stdout);
    cli_put(stdout, d->hint);
    putchar('\n');
}

loop_error *cli_put_answers(const cli_args *args, const loop_policy *p, bool *ret_denied)
{
    const char *text;
    *ret_denied = false;
    for (size_t i = 0; (text = cli_value_at(args, "--may", i)); i++) {
        loop_decision d;
        loop_error *e = loop_policy_ask(p, text, &d);
        if (e)
            return e;
        put_answer(text, &d);
        *ret_denied = *ret_denied || !d.allowed;
    }
    return NULL;
}
