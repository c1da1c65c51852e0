/*
 * trust/policy.c: implements the list of include/loop/policy.h: grants and
 * denials from text. trust/policy_decide.c reads it.
 *
 * What a line means is settled when it is added: directories are resolved
 * (links followed), hosts brought to one spelling. Later changes of the file
 * system or of the text's meaning cannot widen it. Entries never move, so
 * pointers to them live as long as the policy.
 */
#include "trust/policy.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/path.h"
#include "base/text.h"

#define SHOWN 128 /* bytes of foreign text in a message */

static const char *const kind_names[] = {
    [LOOP_GRANT_DIR] = "dir",         [LOOP_GRANT_ENV] = "env",
    [LOOP_GRANT_HTTP] = "http",       [LOOP_GRANT_NET] = "net",
    [LOOP_GRANT_STORAGE] = "storage", [LOOP_GRANT_PACKAGES] = "packages",
    [LOOP_GRANT_LISTEN] = "listen",   [LOOP_GRANT_LOG] = "log",
    [LOOP_GRANT_PROCESS] = "process", [LOOP_GRANT_NEED] = "need",
};
_Static_assert(LP_COUNT(kind_names) == LOOP_GRANT_KINDS, "a name for each kind");

const char *loop_grant_kind_name(loop_grant_kind kind)
{
    return (unsigned)kind < LP_COUNT(kind_names) ? kind_names[kind] : "none";
}

/* ---- classes ---- */

static const char *const class_names[] = {"untrusted", "trusted"};

const char *loop_class_name(loop_class c)
{
    return class_names[c == LOOP_CLASS_TRUSTED];
}

bool loop_class_find(const char *name, loop_class *ret)
{
    for (size_t i = 0; i < LP_COUNT(class_names); i++) {
        if (strcmp(class_names[i], name) == 0) {
            *ret = (loop_class)i;
            return true;
        }
    }
    return false;
}

loop_class loop_policy_class_of(const loop_policy *p, loop_origin *ret_origin)
{
    bool said = p && p->class_origin.source;
    if (ret_origin)
        *ret_origin = said ? p->class_origin : (loop_origin){"default", 0, 0};
    return p ? p->class : LOOP_CLASS_UNTRUSTED;
}

/* ---- the list ---- */

loop_policy *loop_policy_new(void)
{
    loop_policy *p = lp_alloc(sizeof *p);
    p->refs = 1;
    p->names = lp_names_new();
    return p;
}

void lp_policy_ref(const loop_policy *p)
{
    ((loop_policy *)p)->refs++;
}

void lp_policy_unref(const loop_policy *p)
{
    loop_policy_delete((loop_policy *)p);
}

void loop_policy_delete(loop_policy *p)
{
    if (!p || --p->refs)
        return;
    lp_names_delete(p->names);
    free(p->entries.at);
    lp_arena_done(&p->arena);
    free(p);
}

void lp_policy_resolver_set(loop_policy *p, lp_policy_resolver *resolve, void *ctx)
{
    lp_names_resolver_set(p->names, resolve, ctx);
}

const loop_grant *loop_policy_at(const loop_policy *p, size_t i)
{
    return i < p->entries.n ? &p->entries.at[i]->grant : NULL;
}

static char *keep(loop_policy *p, const char *s)
{
    return s ? lp_arena_strndup(&p->arena, s, strlen(s)) : NULL;
}

void loop_policy_class_set(loop_policy *p, loop_class c, loop_origin origin)
{
    p->class = c == LOOP_CLASS_TRUSTED ? LOOP_CLASS_TRUSTED : LOOP_CLASS_UNTRUSTED;
    p->class_origin = origin;
    p->class_origin.source = keep(p, origin.source);
}

void loop_policy_observe(loop_policy *p, bool on)
{
    p->observe = on;
}

static lp_process keep_process(loop_policy *p, const lp_process *from)
{
    lp_word *words = lp_arena_alloc(&p->arena, (from->count + 1) * sizeof *words);
    for (size_t i = 0; i < from->count; i++)
        words[i] = (lp_word){from->words[i].kind, keep(p, from->words[i].text)};
    return (lp_process){.found = keep(p, from->found),
                        .real = keep(p, from->real),
                        .by_name = from->by_name,
                        .words = words,
                        .count = from->count};
}

loop_error *lp_policy_append(loop_policy *p, const lp_policy_entry *entry, const char *text)
{
    const loop_grant *grant = &entry->grant;
    size_t same = 0;
    for (size_t i = 0; i < p->entries.n; i++)
        same += p->entries.at[i]->grant.kind == grant->kind;
    if (same >= LP_MAX_GRANTS)
        return loop_error_new(LOOP_LIMIT, "more than %d grants of kind '%s'", LP_MAX_GRANTS,
                              kind_names[grant->kind]);
    lp_policy_entry *e = lp_arena_alloc(&p->arena, sizeof *e);
    e->grant = *grant;
    e->grant.host = keep(p, grant->host);
    e->grant.guest = keep(p, grant->guest);
    e->grant.share = keep(p, grant->share);
    e->grant.words = keep(p, grant->words);
    e->grant.origin.source = keep(p, grant->origin.source);
    e->grant.text = keep(p, text);
    e->host = entry->host;
    e->process = keep_process(p, &entry->process);
    *lp_push(&p->entries) = e;
    return NULL;
}

static loop_error *append(loop_policy *p, const loop_grant *grant, const lp_host *host,
                          const char *text)
{
    lp_policy_entry e = {.grant = *grant};
    if (host)
        e.host = *host;
    return lp_policy_append(p, &e, text);
}

loop_policy *lp_policy_part(const loop_policy *from, unsigned kinds)
{
    loop_policy *p = loop_policy_new();
    for (size_t i = 0; i < from->entries.n; i++) {
        const lp_policy_entry *e = from->entries.at[i];
        if (e->grant.deny || (kinds & 1u << e->grant.kind)) /* no more than there were */
            loop_error_delete(lp_policy_append(p, e, e->grant.text));
    }
    return p;
}

loop_error *lp_policy_bad_text(loop_grant_kind kind, const char *text, const char *what)
{
    char shown[SHOWN];
    return loop_error_new(LOOP_USAGE, "%s '%s': %s", kind_names[kind],
                          lp_text_shown(text, shown, sizeof shown), what);
}

/* ---- directories ---- */

/* The directory on the host that a grant means; it must be there. */
static loop_error *resolve_grant(const lp_policy_dir *dir, const char *start, char **ret)
{
    char shown[SHOWN], root[SHOWN];
    lp_text_shown(dir->host, shown, sizeof shown);
    lp_auto(lp_free_string) char *path = lp_path_join(start, dir->host);
    lp_auto(lp_free_string) char *real = lp_os_realpath(path);
    if (!real) {
        loop_error *e = loop_error_new(LOOP_NOT_FOUND, "dir '%s': no such directory", shown);
        if (dir->host[0] == '~')
            return loop_error_hint_set(e, "'~' is not expanded here; write the whole path");
        if (strchr(dir->host, ':'))
            return loop_error_hint_set(e, "host and guest path are parted by '::', the mode is "
                                          "':ro': './data::/data:ro'");
        return loop_error_hint_set(e, "create it first");
    }
    if (!lp_os_is_dir(real))
        return loop_error_new(LOOP_NOT_FOUND, "dir '%s': it is not a directory", shown);
    if (dir->confine && !lp_path_inside(real, start)) {
        loop_error *e = loop_error_new(LOOP_DENIED, "dir '%s': it leads out of '%s'", shown,
                                       lp_text_shown(start, root, sizeof root));
        return loop_error_hint_set(e, "a workspace has no directory outside itself; give it one "
                                      "with --dir");
    }
    *ret = lp_take(&real);
    return NULL;
}

/* The guest's path in normal form; NULL for a denial that names none it could have. */
static loop_error *resolve_guest(const lp_policy_dir *dir, char **ret)
{
    char shown[SHOWN];
    const char *guest = dir->guest ? dir->guest : dir->host;
    if (!*guest)
        return lp_policy_bad_text(LOOP_GRANT_DIR, dir->host, "the guest path is empty");
    bool up = strcmp(guest, "..") == 0 || lp_starts_with(guest, "../") || strstr(guest, "/../") ||
              (strlen(guest) > 3 && strcmp(guest + strlen(guest) - 3, "/..") == 0);
    if (!up) {
        *ret = lp_path_normal(guest);
        return NULL;
    }
    if (dir->deny && !dir->guest) {
        *ret = NULL;
        return NULL;
    }
    loop_error *e = lp_policy_bad_text(LOOP_GRANT_DIR, guest, "a guest path has no '..'");
    return loop_error_hint_set(e, "say where the component sees it: '%s::/data'",
                               lp_text_shown(dir->host, shown, sizeof shown));
}

/* A line for the same guest path: once is enough, two directories are one too many. */
static loop_error *join_known(loop_policy *p, const loop_grant *grant, const char *text,
                              bool *ret_known)
{
    char shown[SHOWN];
    for (size_t i = 0; i < p->entries.n; i++) {
        loop_grant *old = &p->entries.at[i]->grant;
        if (old->kind != LOOP_GRANT_DIR || old->deny || grant->deny ||
            strcmp(old->guest, grant->guest) != 0)
            continue;
        if (strcmp(old->host, grant->host) != 0) {
            lp_text_shown(grant->guest, shown, sizeof shown);
            return loop_error_new(LOOP_USAGE, "the guest path '%s' is granted twice: '%s', '%s'",
                                  shown, old->text, text);
        }
        if (old->read_only && !grant->read_only) { /* the wider one is what holds */
            old->read_only = false;
            old->text = keep(p, text);
            old->origin = grant->origin;
            old->origin.source = keep(p, grant->origin.source);
        }
        *ret_known = true;
        return NULL;
    }
    *ret_known = false;
    return NULL;
}

static loop_error *check_dir_text(const lp_policy_dir *dir)
{
    const char *bad = lp_text_check(dir->host);
    if (!bad && strpbrk(dir->host, "*?"))
        bad = "wildcards are not granted";
    if (bad)
        return lp_policy_bad_text(LOOP_GRANT_DIR, dir->host, bad);
    bad = dir->guest ? lp_text_check(dir->guest) : NULL;
    if (!bad && dir->guest && strpbrk(dir->guest, "*?"))
        bad = "wildcards are not granted";
    if (bad)
        return lp_policy_bad_text(LOOP_GRANT_DIR, dir->guest, bad);
    if (dir->deny && dir->read_only)
        return lp_policy_bad_text(LOOP_GRANT_DIR, dir->host,
                                  "a denial has no mode, it denies everything");
    return NULL;
}

loop_error *lp_policy_add_dir(loop_policy *p, const lp_policy_dir *dir, loop_origin origin)
{
    LP_TRY(check_dir_text(dir));
    lp_auto(lp_free_string) char *guest = NULL;
    LP_TRY(resolve_guest(dir, &guest));
    lp_auto(lp_free_string) char *start = lp_os_realpath(dir->base ? dir->base : ".");
    if (!start)
        return loop_error_new(LOOP_NOT_FOUND, "dir '%s': no directory to start from", dir->host);
    lp_auto(lp_free_string) char *host = NULL;
    if (dir->deny) {
        lp_auto(lp_free_string) char *path = lp_path_join(start, dir->host);
        host = lp_path_real(path);
    } else {
        LP_TRY(resolve_grant(dir, start, &host));
    }
    lp_auto(lp_free_string) char *text =
        lp_format("%sdir %s as %s%s", dir->deny ? "deny " : "", dir->host,
                  guest ? guest : "anything", dir->read_only ? ", read-only" : "");
    loop_grant grant = {.kind = LOOP_GRANT_DIR,
                        .deny = dir->deny,
                        .host = host,
                        .guest = guest,
                        .read_only = dir->read_only,
                        .origin = origin};
    bool known;
    LP_TRY(join_known(p, &grant, text, &known));
    return known ? NULL : append(p, &grant, NULL, text);
}

/* Takes ":ro" or ":rw" from the end of `s`; false where there is neither. */
static bool take_mode(char *s, bool *ret_read_only)
{
    size_t n = strlen(s);
    if (n < 3 || (strcmp(s + n - 3, ":ro") != 0 && strcmp(s + n - 3, ":rw") != 0))
        return false;
    *ret_read_only = s[n - 1] == 'o';
    s[n - 3] = 0;
    return true;
}

/*
 * HOST[::GUEST][:ro|:rw]. "::" is looked for first, so "a::ro" is the guest path
 * "ro" and "a:ro" is read-only. What is left of a guest path has no ':': a
 * mistyped mode ("a::/b:Ro") must not become a writable directory of that name.
 */
static loop_error *add_dir(loop_policy *p, const char *text, lp_policy_dir dir, loop_origin origin)
{
    lp_auto(lp_free_string) char *copy = lp_strdup(text);
    char *parting = strstr(copy, "::");
    char *guest = parting ? parting + 2 : NULL;
    if (guest && (strstr(guest, "::") || guest[0] == ':'))
        return lp_policy_bad_text(LOOP_GRANT_DIR, text, "it has more than one '::'");
    if (parting)
        *parting = 0;
    bool mode = take_mode(guest ? guest : copy, &dir.read_only);
    if (mode && dir.deny)
        return lp_policy_bad_text(LOOP_GRANT_DIR, text,
                                  "a denial has no mode, it denies everything");
    if (guest && strchr(guest, ':'))
        return lp_policy_bad_text(LOOP_GRANT_DIR, text,
                                  "a guest path has no ':', and a mode is 'ro' or 'rw'");
    if (!*copy)
        return lp_policy_bad_text(LOOP_GRANT_DIR, text, "the directory is missing");
    if (guest && !*guest)
        return lp_policy_bad_text(LOOP_GRANT_DIR, text, "the guest path is empty");
    dir.host = copy;
    dir.guest = guest;
    return lp_policy_add_dir(p, &dir, origin);
}

/* ---- variables and hosts ---- */

/* A value may be a secret: the line says only that there is one. */
static loop_error *add_env(loop_policy *p, const char *text, bool deny, loop_origin origin)
{
    size_t n = strcspn(text, "=");
    const char *bad = lp_env_name_check(text, n);
    if (!bad && deny && text[n])
        bad = "a denial is for the name; leave the value out";
    if (!bad && !lp_utf8_valid(text + n, strlen(text + n)))
        bad = "the value is not UTF-8";
    lp_auto(lp_free_string) char *name = lp_strndup(text, n);
    if (bad)
        return lp_policy_bad_text(LOOP_GRANT_ENV, name, bad);
    lp_auto(lp_free_string) char *line =
        lp_format("%senv %s%s", deny ? "deny " : "", name, text[n] ? " with a value given" : "");
    loop_grant grant = {.kind = LOOP_GRANT_ENV,
                        .deny = deny,
                        .host = name,
                        .guest = text[n] ? text + n + 1 : NULL,
                        .origin = origin};
    return append(p, &grant, NULL, line);
}

char *lp_host_text(const lp_host *host, uint16_t port)
{
    bool v6 = host->is_address && host->address.v6;
    char number[8] = "";
    if (port)
        snprintf(number, sizeof number, ":%u", port);
    return lp_format("%s%s%s%s", v6 ? "[" : "", host->name, v6 ? "]" : "", number);
}

static loop_error *add_host(loop_policy *p, loop_grant_kind kind, const char *text, bool deny,
                            loop_origin origin)
{
    lp_host host;
    uint16_t port = 0;
    const char *bad = lp_text_check(text);
    if (!bad)
        bad = lp_host_port_parse(text, &host, &port);
    if (!bad && kind == LOOP_GRANT_NET && !port && !deny)
        bad = "the port is missing; a grant is HOST:PORT, and [ADDRESS]:PORT for IPv6";
    if (!bad && !deny && lp_host_is_any(&host))
        bad = "it means any address; name the one to reach";
    if (bad)
        return lp_policy_bad_text(kind, text, bad);
    lp_auto(lp_free_string) char *where = lp_host_text(&host, port);
    lp_auto(lp_free_string) char *line =
        lp_format("%s%s %s", deny ? "deny " : "", kind_names[kind], where);
    loop_grant grant = {
        .kind = kind, .deny = deny, .host = host.name, .port = port, .origin = origin};
    return append(p, &grant, &host, line);
}

loop_error *loop_policy_add(loop_policy *p, loop_grant_kind kind, const char *text, bool deny,
                            const char *base, bool confine, loop_origin origin)
{
    if (!*text)
        return lp_policy_bad_text(kind, text, "it is empty");
    switch (kind) {
    case LOOP_GRANT_DIR: {
        lp_policy_dir dir = {.deny = deny, .base = base, .confine = confine};
        return add_dir(p, text, dir, origin);
    }
    case LOOP_GRANT_ENV: return add_env(p, text, deny, origin);
    case LOOP_GRANT_HTTP:
    case LOOP_GRANT_NET: return add_host(p, kind, text, deny, origin);
    case LOOP_GRANT_STORAGE: return lp_policy_add_storage(p, text, deny, origin);
    case LOOP_GRANT_PACKAGES: return lp_policy_add_packages(p, text, deny, origin);
    case LOOP_GRANT_LISTEN: return lp_policy_add_listen(p, text, deny, origin);
    case LOOP_GRANT_LOG: return lp_policy_add_log(p, text, deny, origin);
    case LOOP_GRANT_PROCESS: return lp_policy_add_process(p, text, deny, origin);
    case LOOP_GRANT_NEED: return lp_policy_add_need(p, text, deny, origin);
    }
    return loop_error_new(LOOP_INTERNAL, "no such kind of grant: %d", (int)kind);
}
