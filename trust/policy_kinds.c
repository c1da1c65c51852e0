/*
 * trust/policy_kinds.c: the lines of a policy whose text is a word or two: storage, packages,
 * listening, the log, and what providers ask for in words of their own.
 */
#include "trust/policy.h"

#include <stdlib.h>

#include "base/text.h"

#define bad_text lp_policy_bad_text

static loop_error *append(loop_policy *p, const loop_grant *grant, const char *text)
{
    return lp_policy_append(p, &(lp_policy_entry){.grant = *grant}, text);
}

/* ---- storage ---- */

/* The name of a share: what a bucket's name may be, so that it can stand in an identity. */
static const char *check_share(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (!*name || name[n] || n > LP_MAX_STORE_NAME || name[0] == '-')
        return "the name of a share is lower-case letters, digits and '-'";
    return NULL;
}

loop_error *lp_policy_add_storage(loop_policy *p, const char *text, bool deny, loop_origin origin)
{
    static const char mark[] = ",share=";
    if (deny)
        return bad_text(LOOP_GRANT_STORAGE, text, "it is not denied by size; leave the grant out");
    loop_grant grant = {.kind = LOOP_GRANT_STORAGE, .origin = origin};
    size_t n = strcspn(text, ",");
    lp_auto(lp_free_string) char *size = lp_strndup(text, n);
    if (!lp_parse_size(size, &grant.bytes) || !grant.bytes)
        return bad_text(LOOP_GRANT_STORAGE, text, "it is no size such as 16MiB");
    if (text[n]) {
        if (!lp_starts_with(text + n, mark))
            return bad_text(LOOP_GRANT_STORAGE, text, "it is SIZE, or SIZE,share=NAME");
        grant.share = text + n + sizeof mark - 1;
        const char *bad = check_share(grant.share);
        if (bad)
            return bad_text(LOOP_GRANT_STORAGE, text, bad);
    }
    lp_auto(lp_free_string) char *line =
        lp_format("storage up to %s%s%s", size, grant.share ? ", shared as " : "",
                  grant.share ? grant.share : "");
    return append(p, &grant, line);
}

/* ---- packages ---- */

loop_error *lp_policy_add_packages(loop_policy *p, const char *text, bool deny, loop_origin origin)
{
    const char *colon = strchr(text, ':');
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-:");
    bool ends = text[0] == '-' || text[0] == ':' || text[n - (n > 0)] == ':';
    if (text[n] || n > LP_MAX_NAME || ends || (colon && strchr(colon + 1, ':')))
        return bad_text(LOOP_GRANT_PACKAGES, text,
                        "it is no namespace such as acme, and no package such as acme:ui");
    loop_grant grant = {.kind = LOOP_GRANT_PACKAGES, .deny = deny, .host = text, .origin = origin};
    lp_auto(lp_free_string) char *line = lp_format("%spackages of %s", deny ? "deny " : "", text);
    return append(p, &grant, line);
}

/* ---- listening ---- */

loop_error *lp_policy_add_listen(loop_policy *p, const char *text, bool deny, loop_origin origin)
{
    lp_policy_entry e = {0};
    uint16_t port = 0;
    const char *bad = lp_text_check(text);
    if (!bad)
        bad = lp_host_port_parse(text, &e.host, &port);
    if (!bad && !e.host.is_address)
        bad = "it is an address of this machine, not a name: 127.0.0.1:8080, [::1]:8080";
    if (!bad && !port && !deny)
        bad = "the port is missing; a grant is ADDRESS:PORT, and [ADDRESS]:PORT for IPv6";
    if (bad)
        return bad_text(LOOP_GRANT_LISTEN, text, bad);
    lp_auto(lp_free_string) char *where = lp_host_text(&e.host, port);
    lp_auto(lp_free_string) char *line = lp_format("%slisten at %s", deny ? "deny " : "", where);
    e.grant = (loop_grant){.kind = LOOP_GRANT_LISTEN,
                           .deny = deny,
                           .host = e.host.name,
                           .port = port,
                           .origin = origin};
    return lp_policy_append(p, &e, line);
}

/* ---- the log ---- */

loop_error *lp_policy_add_log(loop_policy *p, const char *text, bool deny, loop_origin origin)
{
    loop_grant grant = {.kind = LOOP_GRANT_LOG, .origin = origin};
    size_t n = strspn(text, "0123456789");
    if (deny)
        return bad_text(LOOP_GRANT_LOG, text, "the log is not denied; its rate is limited");
    if (text[n] || !n || n > 6 || text[0] == '0')
        return bad_text(LOOP_GRANT_LOG, text, "it is no number of entries a second, such as 100");
    for (size_t i = 0; i < n; i++)
        grant.rate = grant.rate * 10 + (uint64_t)(text[i] - '0');
    lp_auto(lp_free_string) char *line = lp_format("log up to %s entries a second", text);
    return append(p, &grant, line);
}

/* ---- what providers ask for ---- */

loop_error *lp_policy_add_need(loop_policy *p, const char *text, bool deny, loop_origin origin)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t n = strspn(text, letters);
    const char *dot = strrchr(text, '.');
    const char *bad =
        strpbrk(text, "*?") ? "wildcards are not granted"
        : text[n] || n > LP_MAX_NAME || text[0] == '-' || text[0] == '.' || (dot && !dot[1])
            ? "it is no PROVIDER.NAME such as camera.record"
        : !dot && !deny ? "the name is missing; a grant is PROVIDER.NAME"
                        : NULL;
    if (bad)
        return bad_text(LOOP_GRANT_NEED, text, bad);
    loop_grant grant = {.kind = LOOP_GRANT_NEED, .deny = deny, .host = text, .origin = origin};
    lp_auto(lp_free_string) char *line = lp_format("%suse of %s", deny ? "deny " : "", text);
    return append(p, &grant, line);
}
