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
LOOP_PRINTF(3, 4)
static void say(char *field, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(field, size, fmt, ap);
    va_end(ap);
    size_t n = strlen(field);
    while (n && !lp_utf8_valid(field, n))
        field[--n] = 0;
}

#define SAY_REASON(d, ...) say((d)->reason, sizeof(d)->reason, __VA_ARGS__)
#define SAY_HINT(d, ...) say((d)->hint, sizeof(d)->hint, __VA_ARGS__)

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

static void settle(loop_decision *d, const loop_grant *by)
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
        settle(d, denial);
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
        settle(d, grant);
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
        settle(d, found);
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

static void decide_host(const loop_policy *p, const loop_request *want, loop_decision *d)
{
    const char *kind = want->kind == LOOP_GRANT_HTTP ? "http" : "net";
    char shown[SHOWN];
    lp_host host;
    const char *bad = lp_host_parse(want->name, strnlen(want->name, LP_MAX_PATH), &host);
    if (bad) {
        SAY_REASON(d, "'%s' is no host: %s", lp_text_shown(want->name, shown, sizeof shown), bad);
        return;
    }
    const loop_grant *grant = match_host(p, want, &host, false, true);
    /* what nothing grants is denied anyhow: no need to ask DNS why */
    const loop_grant *denial = match_host(p, want, &host, true, grant != NULL);
    if (grant || denial) {
        settle(d, denial ? denial : grant);
        return;
    }
    bool v6 = host.is_address && host.address.v6;
    char port[8] = "", where[LP_MAX_HOST + 16];
    if (want->port)
        snprintf(port, sizeof port, ":%u", want->port);
    snprintf(where, sizeof where, "%s%s%s%s", v6 ? "[" : "", host.name, v6 ? "]" : "", port);
    SAY_REASON(d, "no grant for %s %s", kind, where);
    SAY_HINT(d, "--allow-%s %s", kind, where);
}

/* ---- storage ---- */

static void decide_storage(const loop_policy *p, loop_decision *d)
{
    for (size_t i = p->entries.n; i-- > 0;) { /* a flag comes after the file */
        if (p->entries.at[i]->grant.kind == LOOP_GRANT_STORAGE) {
            settle(d, &p->entries.at[i]->grant);
            return;
        }
    }
    SAY_REASON(d, "no grant for storage");
    SAY_HINT(d, "--storage 16MiB");
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
        settle(d, found);
        return;
    }
    lp_text_shown(want->name, shown, sizeof shown);
    SAY_REASON(d, "no grant for the package '%s'", shown);
    SAY_HINT(d, "--packages %.*s", (int)strcspn(shown, ":"), shown);
}

void loop_policy_decide(const loop_policy *p, const loop_request *want, loop_decision *ret)
{
    static const loop_policy nothing; /* grants nothing */
    p = p ? p : &nothing;
    *ret = (loop_decision){0};
    if (want->kind == LOOP_GRANT_STORAGE) {
        decide_storage(p, ret);
        return;
    }
    if (!want->name) {
        SAY_REASON(ret, "a request without a name");
        return;
    }
    switch (want->kind) {
    case LOOP_GRANT_DIR: decide_dir(p, want, ret); return;
    case LOOP_GRANT_ENV: decide_env(p, want, ret); return;
    case LOOP_GRANT_HTTP:
    case LOOP_GRANT_NET: decide_host(p, want, ret); return;
    case LOOP_GRANT_PACKAGES: decide_packages(p, want, ret); return;
    case LOOP_GRANT_STORAGE: break; /* above */
    }
    SAY_REASON(ret, "a request of no known kind");
}
