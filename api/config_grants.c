/*
 * api/config_grants.c: `grants:` and `deny:` of a component.
 *
 * They are noted when the file is read and handed to a policy by
 * loop_config_grants. Their text is tried at once, on a policy that nobody
 * uses, so that a mistake shows when the file is loaded. Directories are looked
 * at only when they are granted: a file may name one that is not there yet.
 */
#include <stdlib.h>

#include "api/config.h"
#include "base/text.h"
#include "trust/policy.h"

/*
 * A variable whose value is the user's own. Those that say how to speak to a user, and nothing
 * about one, are no secret: asking about them would teach to answer without looking.
 */
static bool is_users_own(const char *text)
{
    static const char *const plain[] = {
        "LANG",        "LANGUAGE",   "LC_ALL", "LC_COLLATE", "LC_CTYPE",  "LC_MESSAGES", "LC_TIME",
        "LC_MONETARY", "LC_NUMERIC", "TZ",     "TERM",       "COLORTERM", "NO_COLOR",
    };
    for (size_t i = 0; i < LP_COUNT(plain); i++)
        if (strcmp(text, plain[i]) == 0)
            return false;
    return !strchr(text, '=');
}

/* What only a trusted workspace gets, and as what it asks for it. */
static bool takes_trust(const lp_config_grant *g, loop_ask_kind *ret)
{
    lp_host host;
    uint16_t port;
    if (g->deny)
        return false;
    if (g->kind == LOOP_GRANT_PROCESS || g->kind == LOOP_GRANT_ENV) {
        *ret = g->kind == LOOP_GRANT_ENV ? LOOP_ASK_ENV : LOOP_ASK_PROCESS;
        return g->kind == LOOP_GRANT_PROCESS || is_users_own(g->text);
    }
    bool listens = g->kind == LOOP_GRANT_LISTEN;
    if (!listens && g->kind != LOOP_GRANT_HTTP && g->kind != LOOP_GRANT_NET)
        return false;
    if (lp_host_port_parse(g->text, &host, &port))
        return false; /* not to be had either: the policy says what is wrong */
    *ret = listens ? LOOP_ASK_LISTEN : LOOP_ASK_INWARD;
    return listens ? !lp_host_is_loopback(&host) : lp_host_leads_inward(&host);
}

static void ask_for_text(loop_config *c, const lp_config_component *component,
                         const lp_config_grant *g)
{
    loop_ask_kind kind;
    if (takes_trust(g, &kind))
        lp_config_ask(c, kind, component->row.name, g->text, g->origin);
}

/* The texts of one kind: env, http, net. */
static loop_error *read_grant_texts(loop_config *c, lp_config_component *component,
                                    const lp_yaml *list, loop_grant_kind kind, bool deny)
{
    if (list->kind == LP_YAML_NULL)
        return NULL;
    if (list->kind != LP_YAML_LIST)
        return lp_config_expected(list, "a list of text", list->key->text);
    loop_policy *scratch = loop_policy_new();
    loop_error *e = NULL;
    for (const lp_yaml *i = list->first; i && !e; i = i->next) {
        lp_config_grant g = {.kind = kind, .deny = deny, .origin = lp_config_origin(c, i)};
        e = lp_config_read_text(c, i, list->key->text, &g.text);
        if (!e)
            e = loop_policy_add(scratch, kind, g.text, deny, NULL, false, g.origin);
        if (e && loop_error_code(e) == LOOP_NOT_FOUND) { /* a program: there when it is granted */
            loop_error_delete(e);
            e = NULL;
        } else if (e && g.text) {
            loop_error *at = lp_yaml_error(i, "%s", loop_error_message(e));
            if (loop_error_hint(e))
                at = loop_error_hint_set(at, "%s", loop_error_hint(e));
            loop_error_delete(e);
            e = at;
        }
        if (!e) {
            *lp_push(&component->grants) = g;
            ask_for_text(c, component, &g);
        }
    }
    loop_policy_delete(scratch);
    return e;
}

static loop_error *read_dir(loop_config *c, const lp_yaml *map, const char *where,
                            lp_config_grant *g)
{
    lp_auto(lp_free_string) char *inside = lp_format(" in a directory%s", where);
    if (map->kind != LP_YAML_MAP) {
        loop_error *e =
            lp_yaml_error(map, "expected a map%s, found %s", inside, lp_yaml_kind_name(map));
        return loop_error_hint_set(e, g->deny ? "write { host: ./data }"
                                              : "write { host: ./data, guest: /data, mode: ro }");
    }
    const char *prefix = g->deny ? "components.*.deny.dirs.[]" : "components.*.grants.dirs.[]";
    LP_TRY(lp_config_check_map(map, prefix, LP_CONFIG_WORKSPACE, inside));
    const lp_yaml *host = lp_yaml_get(map, "host"), *guest = lp_yaml_get(map, "guest");
    const lp_yaml *mode = lp_yaml_get(map, "mode");
    if (!host)
        return lp_yaml_error(map, "'host' is missing%s", inside);
    LP_TRY(lp_config_read_path(c, host, "host", &g->text));
    if (guest)
        LP_TRY(lp_config_read_path(c, guest, "guest", &g->guest));
    if (g->deny)
        return NULL;
    if (!mode)
        return loop_error_hint_set(lp_yaml_error(map, "'mode' is missing%s", inside),
                                   "add 'mode: ro' to read only, or 'mode: rw'");
    if (mode->kind != LP_YAML_TEXT)
        return lp_config_expected(mode, "ro or rw", "mode");
    g->read_only = strcmp(mode->text, "ro") == 0;
    if (!g->read_only && strcmp(mode->text, "rw") != 0)
        return lp_yaml_error(mode, "expected ro or rw for 'mode', found '%s'", mode->text);
    return NULL;
}

static void ask_for_dir(loop_config *c, const lp_config_component *component,
                        const lp_config_grant *g)
{
    lp_auto(lp_free_string) char *text =
        lp_format("%s%s%s, %s", g->text, g->guest ? " as " : "", g->guest ? g->guest : "",
                  g->read_only ? "to read" : "to read and write");
    lp_config_ask(c, LOOP_ASK_DIR, component->row.name, text, g->origin);
}

static loop_error *read_dirs(loop_config *c, lp_config_component *component, const lp_yaml *list,
                             const char *where, bool deny)
{
    if (list->kind != LP_YAML_LIST && list->kind != LP_YAML_NULL)
        return lp_config_expected(list, "a list of maps", "dirs");
    for (const lp_yaml *i = list->first; i; i = i->next) {
        lp_config_grant g = {
            .kind = LOOP_GRANT_DIR, .deny = deny, .origin = lp_config_origin(c, i)};
        LP_TRY(read_dir(c, i, where, &g));
        *lp_push(&component->grants) = g;
        if (!deny && lp_config_leads_out(c, g.text))
            ask_for_dir(c, component, &g);
    }
    return NULL;
}

/* What a policy says of a text that is not a list's. */
static loop_error *try_text(const lp_yaml *at, const lp_config_grant *g)
{
    loop_policy *scratch = loop_policy_new();
    loop_error *e = loop_policy_add(scratch, g->kind, g->text, false, NULL, false, g->origin);
    loop_policy_delete(scratch);
    if (!e)
        return NULL;
    loop_error *placed = lp_yaml_error(at, "%s", loop_error_message(e));
    loop_error_delete(e);
    return placed;
}

static loop_error *read_log(loop_config *c, lp_config_component *component, const lp_yaml *map,
                            const char *where)
{
    lp_auto(lp_free_string) char *inside = lp_format(" in 'log'%s", where);
    LP_TRY(lp_config_check_map(map, "components.*.grants.log", LP_CONFIG_WORKSPACE, inside));
    const lp_yaml *rate = lp_yaml_get(map, "rate");
    if (!rate)
        return loop_error_hint_set(lp_yaml_error(map, "'rate' is missing%s", inside),
                                   "write log: { rate: 100 }");
    lp_config_grant g = {.kind = LOOP_GRANT_LOG, .origin = lp_config_origin(c, map->key)};
    LP_TRY(lp_config_read_text(c, rate, "rate", &g.text));
    LP_TRY(try_text(rate, &g));
    *lp_push(&component->grants) = g;
    return NULL;
}

static loop_error *read_storage(loop_config *c, lp_config_component *component, const lp_yaml *map,
                                const char *where)
{
    lp_auto(lp_free_string) char *inside = lp_format(" in 'storage'%s", where);
    LP_TRY(lp_config_check_map(map, "components.*.grants.storage", LP_CONFIG_WORKSPACE, inside));
    const lp_yaml *quota = lp_yaml_get(map, "quota");
    if (!quota)
        return loop_error_hint_set(lp_yaml_error(map, "'quota' is missing%s", inside),
                                   "write storage: { quota: 16MiB }");
    lp_config_grant g = {.kind = LOOP_GRANT_STORAGE, .origin = lp_config_origin(c, map->key)};
    LP_TRY(lp_config_read_size(quota, "quota", &component->row.storage_quota));
    LP_TRY(lp_config_read_text(c, quota, "quota", &g.text));
    const lp_yaml *share = lp_yaml_get(map, "share");
    if (share) {
        const char *name;
        LP_TRY(lp_config_read_text(c, share, "share", &name));
        lp_auto(lp_free_string) char *both = lp_format("%s,share=%s", g.text, name);
        g.text = lp_config_keep(c, both);
    }
    LP_TRY(try_text(share ? share : quota, &g));
    *lp_push(&component->grants) = g;
    return NULL;
}

/* `grants:` or `deny:` */
loop_error *lp_config_read_grants(loop_config *c, lp_config_component *component,
                                  const lp_yaml *map, bool deny)
{
    static const struct {
        const char *key;
        loop_grant_kind kind;
    } texts[] = {{"env", LOOP_GRANT_ENV},       {"http", LOOP_GRANT_HTTP},
                 {"net", LOOP_GRANT_NET},       {"packages", LOOP_GRANT_PACKAGES},
                 {"listen", LOOP_GRANT_LISTEN}, {"processes", LOOP_GRANT_PROCESS},
                 {"needs", LOOP_GRANT_NEED}};
    const char *of = deny ? "deny" : "grants";
    lp_auto(lp_free_string) char *prefix = lp_format("components.*.%s", of);
    lp_auto(lp_free_string) char *where =
        lp_format(" in '%s' of component '%s'", of, component->row.name);
    LP_TRY(lp_config_check_map(map, prefix, LP_CONFIG_WORKSPACE, where));
    const lp_yaml *dirs = lp_yaml_get(map, "dirs"), *storage = lp_yaml_get(map, "storage");
    if (dirs)
        LP_TRY(read_dirs(c, component, dirs, where, deny));
    for (size_t i = 0; i < LP_COUNT(texts); i++) {
        const lp_yaml *list = lp_yaml_get(map, texts[i].key);
        if (list)
            LP_TRY(read_grant_texts(c, component, list, texts[i].kind, deny));
    }
    if (storage)
        LP_TRY(read_storage(c, component, storage, where));
    const lp_yaml *log = lp_yaml_get(map, "log");
    return log ? read_log(c, component, log, where) : NULL;
}

/* ---- to a policy ---- */

/* A policy's complaint with the position of the line in loop.yaml before it. */
static loop_error *placed(loop_error *e, const loop_origin *at)
{
    loop_code code = loop_error_code(e) == LOOP_USAGE ? LOOP_CONFIG : loop_error_code(e);
    loop_error *r = loop_error_new(code, "%s:%u:%u: %s", at->source, at->line, at->column,
                                   loop_error_message(e));
    if (loop_error_hint(e))
        r = loop_error_hint_set(r, "%s", loop_error_hint(e));
    loop_error_delete(e);
    return r;
}

/*
 * A directory that is written as one outside of the workspace takes trust. One that is written
 * as inside and is not, by a link, is refused also then: the link is no part of what was trusted,
 * and a component that may write to the workspace could have made it.
 */
static loop_error *add_dir(const loop_config *c, const lp_config_grant *g, loop_policy *into)
{
    bool out = !g->deny && lp_config_leads_out(c, g->text);
    loop_error *no = out ? loop_config_trust(c) : NULL;
    if (no) {
        char text[128], root[128];
        return loop_error_wrap(no, "%s:%u:%u: dir '%s': it leads out of '%s'", g->origin.source,
                               g->origin.line, g->origin.column,
                               lp_text_shown(g->text, text, sizeof text),
                               lp_text_shown(c->root, root, sizeof root));
    }
    lp_policy_dir dir = {.host = g->text,
                         .guest = g->guest,
                         .read_only = g->read_only,
                         .deny = g->deny,
                         .base = c->root,
                         .confine = !out};
    loop_error *e = lp_policy_add_dir(into, &dir, g->origin);
    return e ? placed(e, &g->origin) : NULL;
}

/* Of what takes trust, whether there is some. */
static loop_error *check_trust(const loop_config *c, const loop_origin *at, const char *what)
{
    loop_error *no = loop_config_trust(c);
    return no ? loop_error_wrap(no, "%s:%u:%u: %s", at->source, at->line, at->column, what) : NULL;
}

static loop_error *add_text(const loop_config *c, const lp_config_grant *g, loop_policy *into)
{
    loop_ask_kind kind;
    if (takes_trust(g, &kind)) {
        char shown[128];
        lp_auto(lp_free_string) char *what = lp_format("%s '%s'", loop_grant_kind_name(g->kind),
                                                       lp_text_shown(g->text, shown, sizeof shown));
        LP_TRY(check_trust(c, &g->origin, what));
    }
    loop_error *e = loop_policy_add(into, g->kind, g->text, g->deny, NULL, false, g->origin);
    return e ? placed(e, &g->origin) : NULL;
}

/* The class that it asks for. */
static loop_error *set_class(const loop_config *c, const loop_component_config *row,
                             loop_policy *into)
{
    if (!row->class_origin.source)
        return NULL;
    if (row->class_ == LOOP_CLASS_TRUSTED)
        LP_TRY(check_trust(c, &row->class_origin, "class 'trusted'"));
    loop_policy_class_set(into, row->class_, row->class_origin);
    return NULL;
}

loop_error *loop_config_grants(const loop_config *c, const char *component, loop_policy *into)
{
    const lp_config_component *found =
        (const lp_config_component *)loop_config_component(c, component);
    if (!found)
        return lp_config_no_component(c, component, NULL);
    for (size_t i = 0; i < found->grants.n; i++) {
        const lp_config_grant *g = &found->grants.at[i];
        LP_TRY(g->kind == LOOP_GRANT_DIR ? add_dir(c, g, into) : add_text(c, g, into));
    }
    return set_class(c, &found->row, into);
}
