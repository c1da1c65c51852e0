/*
 * trust/policy_decide.c: the one decision function, loop_policy_decide.
 *
 * Every kind goes the same way: bring the request to the one spelling that the
 * lines have, look for a denial, then for a grant; nothing found is a denial.
 * The reason and the hint are for a person who reads a log, and carry nothing
 * of the request that a terminal could act on.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/path.h"
#include "base/text.h"
#include "trust/policy.h"

#define SHOWN 96 /* bytes of foreign text in a reason */

/* Fills a field of a decision; a character cut in two at its end is dropped. */
static void say(char *field, size_t size, const char *fmt, va_list ap)
{
    vsnprintf(field, size, fmt ? fmt : "", ap); /* never NULL, which gcc is not sure of in UBSan */
    size_t n = strlen(field);
    while (n && !lp_utf8_valid(field, n))
        field[--n] = 0;
}

void lp_decision_reason(loop_decision *d, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(d->reason, sizeof d->reason, fmt, ap);
    va_end(ap);
}

void lp_decision_hint(loop_decision *d, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(d->hint, sizeof d->hint, fmt, ap);
    va_end(ap);
}

#define SAY_REASON lp_decision_reason
#define SAY_HINT lp_decision_hint

/* "loop.yaml:7:5", "--dir", "the host" */
static const char *origin_text(const loop_origin *o, char *ret, size_t size)
{
    char source[SHOWN];
    lp_text_shown(o->source ? o->source : "the host", source, sizeof source);
    if (o->line)
        snprintf(ret, size, "%s:%u:%u", source, o->line, o->column);
    else
        snprintf(ret, size, "%s", source);
    return ret;
}

void lp_decision_settle(loop_decision *d, const loop_grant *by)
{
    char where[SHOWN + 32], text[SHOWN];
    origin_text(&by->origin, where, sizeof where);
    lp_text_shown(by->text, text, sizeof text);
    d->allowed = !by->deny;
    d->by = by;
    SAY_REASON(d, "%s by '%s' (%s)", by->deny ? "denied" : "granted", text, where);
    if (by->deny)
        SAY_HINT(d, "remove that line; no grant lifts a denial");
}

/* ---- directories ---- */

/* The longest guest directory that holds `path`. "." is shorter than any name. */
static const loop_grant *deepest(const loop_policy *p, const char *path)
{
    const loop_grant *best = NULL;
    size_t best_len = 0;
    for (size_t i = 0; i < p->entries.n; i++) {
        const loop_grant *g = &p->entries.at[i]->grant;
        if (g->kind != LOOP_GRANT_DIR || g->deny || !lp_path_inside(path, g->guest))
            continue;
        size_t len = strcmp(g->guest, ".") == 0 ? 0 : strlen(g->guest);
        if (!best || len > best_len) {
            best = g;
            best_len = len;
        }
    }
    return best;
}

/*
 * A denial of the guest's path, or of the directory of the host that it really
 * leads to: a denied directory stays denied under every other name.
 */
static const loop_grant *denied_dir(const loop_policy *p, const char *path, const loop_grant *grant)
{
    lp_auto(lp_free_string) char *real = NULL;
    for (size_t i = 0; i < p->entries.n; i++) {
        const loop_grant *d = &p->entries.at[i]->grant;
        if (d->kind != LOOP_GRANT_DIR || !d->deny)
            continue;
        if (d->guest && lp_path_inside(path, d->guest))
            return d;
        if (grant && !real) {
            const char *below = lp_path_below(path, grant->guest);
            lp_auto(lp_free_string) char *host =
                *below ? lp_path_join(grant->host, below) : lp_strdup(grant->host);
            real = lp_path_real(host);
        }
        if (real && lp_path_inside(real, d->host))
            return d;
    }
    return NULL;
}

const loop_grant *lp_policy_denied_inside(const loop_policy *p, const loop_grant *dir)
{
    for (size_t i = 0; i < p->entries.n; i++) {
        const loop_grant *d = &p->entries.at[i]->grant;
        if (d->kind != LOOP_GRANT_DIR || !d->deny)
            continue;
        if (lp_path_inside(d->host, dir->host) ||
            (d->guest && lp_path_inside(d->guest, dir->guest)))
            return d;
    }
    return NULL;
}

static void decide_dir(const loop_policy *p, const loop_request *want, loop_decision *d)
{
    char shown[SHOWN], host[SHOWN], guest[SHOWN];
    size_t n = strnlen(want->name, LP_MAX_PATH + 1);
    lp_text_shown(want->name, shown, sizeof shown);
    lp_auto(lp_free_string) char *path = n && n <= LP_MAX_PATH ? lp_path_normal(want->name) : NULL;
    if (!path) {
        SAY_REASON(d, "the path '%s' %s", shown,
                   n == 0            ? "is empty"
                   : n > LP_MAX_PATH ? "is too long"
                                     : "leads out of what the component sees");
        return;
    }
    const loop_grant *grant = deepest(p, path);
    const loop_grant *denial = denied_dir(p, path, grant);
    if (denial) {
        lp_decision_settle(d, denial);
    } else if (!grant) {
        SAY_REASON(d, "no grant for the directory of '%s'", shown);
        SAY_HINT(d, "--dir HOST::%s", shown);
    } else if (want->write && grant->read_only) {
        lp_text_shown(grant->guest, guest, sizeof guest);
        lp_text_shown(grant->host, host, sizeof host);
        d->by = grant;
        SAY_REASON(d, "'%s' is granted read-only", guest);
        SAY_HINT(d, "--dir %s::%s", host, guest);
    } else {
        lp_decision_settle(d, grant);
    }
}

/* ---- variables ---- */

static void decide_env(const loop_policy *p, const loop_request *want, loop_decision *d)
{
    const loop_grant *found = NULL;
    for (size_t i = 0; i < p->entries.n; i++) {
        const loop_grant *g = &p->entries.at[i]->grant;
        if (g->kind != LOOP_GRANT_ENV || strcmp(g->host, want->name) != 0)
            continue;
        found = g; /* the last one: a flag's value comes after the file's */
        if (g->deny)
            break;
    }
    if (found) {
        lp_decision_settle(d, found);
        return;
    }
    char shown[SHOWN];
    lp_text_shown(want->name, shown, sizeof shown);
    SAY_REASON(d, "no grant for the variable %s", shown);
    if (!lp_env_name_check(want->name, strlen(want->name)))
        SAY_HINT(d, "--env %s", shown);
}

/* ---- hosts ---- */

static bool port_matches(const loop_grant *g, uint16_t port)
{
    if (g->port)
        return g->port == port || (port == 0 && !g->deny);
    return g->deny || g->kind == LOOP_GRANT_NET || port == 0 || port == 80 || port == 443;
}

/*
 * Name and name, or address and address, must be equal. Across, DNS is asked:
 * for a grant only where a socket's address stands for the name granted, for a
 * denial always, because it must hold by any other name.
 */
static bool host_matches(const loop_policy *p, const lp_policy_entry *e, const lp_host *host,
                         bool ask_names)
{
    if (e->host.is_address && host->is_address)
        return lp_os_address_eq(&e->host.address, &host->address);
    if (!e->host.is_address && !host->is_address)
        return strcmp(e->host.name, host->name) == 0;
    if (!e->grant.deny && (e->grant.kind != LOOP_GRANT_NET || e->host.is_address))
        return false;
    if (!e->grant.deny && lp_host_not_meant(&e->host, host))
        return false; /* no name leads inward, nor `localhost` away */
    if (!ask_names)
        return false;
    return e->host.is_address ? lp_names_have(p->names, host->name, &e->host.address)
                              : lp_names_have(p->names, e->host.name, &host->address);
}

static const loop_grant *match_host(const loop_policy *p, const loop_request *want,
                                    const lp_host *host, bool deny, bool ask_names)
{
    for (size_t i = 0; i < p->entries.n; i++) {
        const lp_policy_entry *e = p->entries.at[i];
        if (e->grant.kind == want->kind && e->grant.deny == deny &&
            port_matches(&e->grant, want->port) && host_matches(p, e, host, ask_names))
            return &e->grant;
    }
    return NULL;
}

/* "no grant for http a.example:443", and what would be one. */
static void no_host(const loop_request *want, const lp_host *host, loop_decision *d)
{
    static const char *const flags[LOOP_GRANT_KINDS] = {[LOOP_GRANT_HTTP] = "--allow-http",
                                                        [LOOP_GRANT_NET] = "--allow-net",
                                                        [LOOP_GRANT_LISTEN] = "--allow-listen"};
    lp_auto(lp_free_string) char *where = lp_host_text(host, want->port);
    if (want->kind == LOOP_GRANT_LISTEN)
        SAY_REASON(d, "no grant for listening at %s", where);
    else
        SAY_REASON(d, "no grant for %s %s", loop_grant_kind_name(want->kind), where);
    SAY_HINT(d, "%s %s", flags[want->kind], where);
}

/* The line that grants its name, where it has this address and is not meant for it. */
static const lp_policy_entry *named_elsewhere(const loop_policy *p, const loop_request *want,
                                              const lp_host *host)
{
    for (size_t i = 0; i < p->entries.n; i++) {
        const lp_policy_entry *e = p->entries.at[i];
        if (e->grant.kind == want->kind && !e->grant.deny && !e->host.is_address &&
            port_matches(&e->grant, want->port) && lp_host_not_meant(&e->host, host) &&
            lp_names_have(p->names, e->host.name, &host->address))
            return e;
    }
    return NULL;
}

static void say_elsewhere(const loop_request *want, const lp_host *name, const lp_host *address,
                          loop_decision *d)
{
    no_host(want, address, d);
    char shown[SHOWN];
    SAY_REASON(d, "'%s' is granted, and stands for %s, %s, which is not",
               lp_text_shown(name->name, shown, sizeof shown), address->name,
               lp_host_not_meant(name, address));
}

/* Where a name leads to now: whether that settles it, since a line denies it or it is nowhere. */
static bool is_address_denied(const loop_policy *p, const loop_request *want, lp_host *ret_address,
                              loop_decision *d)
{
    if (lp_host_parse(want->address, strlen(want->address), ret_address) ||
        !ret_address->is_address) {
        *d = (loop_decision){0};
        SAY_REASON(d, "a request with an address that is none");
        return true;
    }
    const loop_grant *denial = match_host(p, want, ret_address, true, true);
    if (denial)
        lp_decision_settle(d, denial);
    return denial != NULL;
}

/* The same for a name that is granted: denied by its address, or not meant for it. */
static void decide_address(const loop_policy *p, const loop_request *want, const lp_host *name,
                           loop_decision *d)
{
    lp_host address;
    if (is_address_denied(p, want, &address, d))
        return;
    if (!lp_host_not_meant(name, &address) || match_host(p, want, &address, false, false))
        return;
    *d = (loop_decision){0};
    say_elsewhere(want, name, &address, d);
}

static void decide_host(const loop_policy *p, const loop_request *want, loop_decision *d)
{
    char shown[SHOWN];
    lp_host host;
    const char *bad = lp_host_parse(want->name, strnlen(want->name, LP_MAX_PATH), &host);
    if (bad) {
        SAY_REASON(d, "'%s' is no host: %s", lp_text_shown(want->name, shown, sizeof shown), bad);
        return;
    }
    const loop_grant *grant = match_host(p, want, &host, false, true);
    /* what nothing grants is denied anyhow, unless observed: no need to ask DNS why */
    const loop_grant *denial = match_host(p, want, &host, true, grant || p->observe);
    if (denial || grant) {
        lp_decision_settle(d, denial ? denial : grant);
        if (!denial && want->address && !host.is_address)
            decide_address(p, want, &host, d);
        return;
    }
    lp_host address;
    if (p->observe && want->address && is_address_denied(p, want, &address, d))
        return;
    bool socket = want->kind == LOOP_GRANT_NET && host.is_address;
    const lp_policy_entry *named = socket ? named_elsewhere(p, want, &host) : NULL;
    if (named)
        say_elsewhere(want, &named->host, &host, d);
    else
        no_host(want, &host, d);
}

/* ---- listening ---- */

/* A socket at "any address" has each of them: a denial of one is for both, either way. */
static bool is_listening_at(const lp_policy_entry *e, const lp_host *host)
{
    bool any = e->grant.deny && (lp_host_is_any(&e->host) || lp_host_is_any(host)) &&
               e->host.address.v6 == host->address.v6;
    return any || lp_os_address_eq(&e->host.address, &host->address);
}

static void decide_listen(const loop_policy *p, const loop_request *want, loop_decision *d)
{
    char shown[SHOWN];
    lp_host host;
    const char *bad = lp_host_parse(want->name, strnlen(want->name, LP_MAX_PATH), &host);
    if (bad || !host.is_address) {
        SAY_REASON(d, "'%s' is no address", lp_text_shown(want->name, shown, sizeof shown));
        return;
    }
    const loop_grant *grant = NULL;
    for (size_t i = 0; i < p->entries.n && !(grant && grant->deny); i++) {
        const lp_policy_entry *e = p->entries.at[i];
        bool about = e->grant.kind == LOOP_GRANT_LISTEN &&
                     (!e->grant.port || e->grant.port == want->port) && is_listening_at(e, &host);
        if (about && (!grant || e->grant.deny))
            grant = &e->grant;
    }
    if (grant)
        lp_decision_settle(d, grant);
    else
        no_host(want, &host, d);
}

/* ---- storage, the log ---- */

/* The last line of a kind that holds one number: a flag comes after the file. */
static const loop_grant *last_of(const loop_policy *p, loop_grant_kind kind)
{
    for (size_t i = p->entries.n; i-- > 0;)
        if (p->entries.at[i]->grant.kind == kind)
            return &p->entries.at[i]->grant;
    return NULL;
}

static void decide_amount(const loop_policy *p, const loop_request *want, loop_decision *d)
{
    const loop_grant *last = last_of(p, want->kind);
    bool log = want->kind == LOOP_GRANT_LOG;
    if (last) {
        lp_decision_settle(d, last);
        return;
    }
    SAY_REASON(d, log ? "no grant for more of the log than its class has" : "no grant for storage");
    SAY_HINT(d, log ? "--log-rate 100" : "--storage 16MiB");
}

/* ---- packages ---- */

/* Whether a line is about a package: of its namespace, or of it alone. */
static bool is_about(const loop_grant *g, const char *package)
{
    if (g->kind != LOOP_GRANT_PACKAGES) /* one for storage names nothing */
        return false;
    size_t n = strlen(g->host);
    return strncmp(g->host, package, n) == 0 &&
           (!package[n] || (package[n] == ':' && !strchr(g->host, ':')));
}

static void decide_packages(const loop_policy *p, const loop_request *want, loop_decision *d)
{
    char shown[SHOWN];
    const loop_grant *found = NULL;
    for (size_t i = 0; i < p->entries.n && !(found && found->deny); i++) {
        const loop_grant *g = &p->entries.at[i]->grant;
        if (is_about(g, want->name) && (!found || g->deny))
            found = g;
    }
    if (found) {
        lp_decision_settle(d, found);
        return;
    }
    lp_text_shown(want->name, shown, sizeof shown);
    SAY_REASON(d, "no grant for the package '%s'", shown);
    SAY_HINT(d, "--packages %.*s", (int)strcspn(shown, ":"), shown);
}

/* ---- processes ---- */

/* A directory that the component may write to, with the program or the name of it inside. */
static const loop_grant *may_write(const loop_policy *p, const lp_process *program)
{
    for (size_t i = 0; i < p->entries.n; i++) {
        const loop_grant *g = &p->entries.at[i]->grant;
        if (g->kind == LOOP_GRANT_DIR && !g->deny && !g->read_only &&
            (lp_path_inside(program->real, g->host) || lp_path_inside(program->found, g->host)))
            return g;
    }
    return NULL;
}

static void no_process(const loop_request *want, loop_decision *d)
{
    char shown[SHOWN];
    lp_auto(lp_free_string) char *text = lp_process_text(want->words, want->word_count);
    lp_text_shown(text ? text : want->words[0], shown, sizeof shown);
    SAY_REASON(d, "no grant for running %s%s", shown, text ? "" : " with these arguments");
    if (text && strlen(text) < sizeof d->hint - 32)
        SAY_HINT(d, strchr(text, '\'') ? "--allow-process \"%s\"" : "--allow-process '%s'", text);
}

static void decide_process(const loop_policy *p, const loop_request *want, loop_decision *d)
{
    char shown[SHOWN];
    if (!want->word_count || !want->words[0] || want->words[0][0] != '/') {
        SAY_REASON(d, "a request for a process without a program's path");
        return;
    }
    const lp_policy_entry *e = lp_process_find(p, want->words, want->word_count);
    const loop_grant *writes = e && !e->grant.deny ? may_write(p, &e->process) : NULL;
    if (!e) {
        no_process(want, d);
    } else if (!e->grant.deny && p->class != LOOP_CLASS_TRUSTED) {
        d->by = &e->grant;
        SAY_REASON(d, "'%s' takes the class 'trusted'",
                   lp_text_shown(e->grant.text, shown, sizeof shown));
        SAY_HINT(d, "--class trusted");
    } else if (writes) {
        d->by = &e->grant;
        SAY_REASON(d, "the component may write to the program: '%s' is in '%s'", e->process.real,
                   lp_text_shown(writes->host, shown, sizeof shown));
    } else {
        lp_decision_settle(d, &e->grant);
    }
}

/* ---- what providers ask for ---- */

static void decide_need(const loop_policy *p, const loop_request *want, loop_decision *d)
{
    char shown[SHOWN];
    const loop_grant *found = NULL;
    for (size_t i = 0; i < p->entries.n && !(found && found->deny); i++) {
        const loop_grant *g = &p->entries.at[i]->grant;
        if (g->kind != LOOP_GRANT_NEED)
            continue;
        size_t n = strlen(g->host);
        bool whole = strcmp(g->host, want->name) == 0;
        bool all = g->deny && strncmp(g->host, want->name, n) == 0 && want->name[n] == '.';
        if ((whole || all) && (!found || g->deny))
            found = g;
    }
    if (found) {
        lp_decision_settle(d, found);
        return;
    }
    lp_text_shown(want->name, shown, sizeof shown);
    SAY_REASON(d, "no grant for the use of %s", shown);
    SAY_HINT(d, "--need %s", shown);
}

/* ---- all of them ---- */

static void decide(const loop_policy *p, const loop_request *want, loop_decision *ret)
{
    bool nameless = want->kind == LOOP_GRANT_STORAGE || want->kind == LOOP_GRANT_LOG ||
                    want->kind == LOOP_GRANT_PROCESS;
    if (!want->name && !nameless) {
        SAY_REASON(ret, "a request without a name");
        return;
    }
    switch (want->kind) {
    case LOOP_GRANT_DIR: decide_dir(p, want, ret); return;
    case LOOP_GRANT_ENV: decide_env(p, want, ret); return;
    case LOOP_GRANT_HTTP:
    case LOOP_GRANT_NET: decide_host(p, want, ret); return;
    case LOOP_GRANT_LISTEN: decide_listen(p, want, ret); return;
    case LOOP_GRANT_STORAGE:
    case LOOP_GRANT_LOG: decide_amount(p, want, ret); return;
    case LOOP_GRANT_PACKAGES: decide_packages(p, want, ret); return;
    case LOOP_GRANT_PROCESS: decide_process(p, want, ret); return;
    case LOOP_GRANT_NEED: decide_need(p, want, ret); return;
    }
    SAY_REASON(ret, "a request of no known kind");
}

/*
 * Whether observing lets it through: nothing grants it, and no line denies it. A request that is
 * none (no hint would make it one) stays denied, and so do files and programs, which cannot be
 * taken back; variables, which nobody asks for but on the way to a program, and LD_PRELOAD makes
 * another one of it; and the log, which has an end.
 */
static bool lets_through(const loop_policy *p, const loop_request *want, const loop_decision *d)
{
    return p->observe && !d->allowed && !d->by && *d->hint && want->kind != LOOP_GRANT_DIR &&
           want->kind != LOOP_GRANT_ENV && want->kind != LOOP_GRANT_PROCESS &&
           want->kind != LOOP_GRANT_LOG;
}

void loop_policy_decide(const loop_policy *p, const loop_request *want, loop_decision *ret)
{
    static const loop_policy nothing; /* grants nothing */
    p = p ? p : &nothing;
    *ret = (loop_decision){0};
    decide(p, want, ret);
    ret->observed = lets_through(p, want, ret);
    ret->allowed = ret->allowed || ret->observed;
}
