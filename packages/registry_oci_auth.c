/*
 * packages/registry_oci_auth.c: who asks an OCI registry: the answer 401 says what it wants
 * (WWW-Authenticate), which is a user and a password, or a token that another server gives out for
 * one repository and one purpose.
 *
 * A password goes to the registry that it is for, or to the server that this registry names for
 * tokens; to neither without TLS where the registry has TLS. Nothing is sent before it is asked
 * for.
 */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include <sodium.h>

#include "base/os/os.h"
#include "packages/json.h"
#include "packages/oci.h"

#define TOKEN_S 60 /* that a token lasts where nobody says how long */

/* ---- the challenge ---- */

static bool is_token_char(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t token_length(const char *s)
{
    size_t n = 0;
    while (is_token_char(s[n]))
        n++;
    return n;
}

/* A quoted text at `*at`, which is behind it then; NULL: it has no end. */
static const char *read_quoted(lp_arena *arena, const char **at)
{
    const char *s = *at + 1;
    char *text = lp_arena_alloc(arena, strlen(s) + 1);
    size_t n = 0;
    for (; *s && *s != '"'; s++) {
        if (*s == '\\' && s[1])
            s++;
        text[n++] = *s;
    }
    *at = *s ? s + 1 : s;
    return *s ? text : NULL;
}

static void take(lp_oci_challenge *c, const char *name, size_t n, const char *value)
{
    if (n == 5 && strncasecmp(name, "realm", 5) == 0)
        c->realm = value;
    else if (n == 7 && strncasecmp(name, "service", 7) == 0)
        c->service = value;
    else if (n == 5 && strncasecmp(name, "scope", 5) == 0)
        c->scope = value;
}

/* name=value, name="value", ...; ends before what is another challenge, or is not understood. */
static const char *read_parameters(lp_arena *arena, const char *s, lp_oci_challenge *c)
{
    for (;;) {
        const char *start = s;
        s += strspn(s, " \t,");
        size_t n = token_length(s);
        const char *name = s;
        s += n;
        s += strspn(s, " \t");
        if (!n || *s != '=')
            return start;
        s++;
        s += strspn(s, " \t");
        const char *value;
        if (*s == '"') {
            value = read_quoted(arena, &s);
            if (!value)
                return s;
        } else {
            size_t length = token_length(s);
            value = lp_arena_strndup(arena, s, length);
            s += length;
        }
        take(c, name, n, value);
    }
}

loop_error *lp_oci_challenge_parse(lp_arena *arena, const char *header, lp_oci_challenge *ret)
{
    if (strlen(header) > LP_MAX_REGISTRY_TOKEN)
        return loop_error_new(LOOP_LIMIT, "what it wants to know of you is too long to read");
    for (const char *s = header + strspn(header, " \t,"); *s; s += strspn(s, " \t,")) {
        size_t n = token_length(s);
        lp_oci_challenge c = {LP_OCI_NONE, "", "", ""};
        if (n == 6 && strncasecmp(s, "Bearer", 6) == 0)
            c.kind = LP_OCI_BEARER;
        else if (n == 5 && strncasecmp(s, "Basic", 5) == 0)
            c.kind = LP_OCI_BASIC;
        const char *next = read_parameters(arena, s + n, &c);
        if (c.kind == LP_OCI_BASIC || (c.kind == LP_OCI_BEARER && *c.realm)) {
            *ret = c;
            return NULL;
        }
        s = next > s ? next : s + 1;
    }
    return loop_error_new(LOOP_INVALID, "it wants to know who you are in a way that loop does not "
                                        "know; loop knows Basic and Bearer");
}

/* ---- users ---- */

bool lp_docker_login(lp_arena *arena, const char *host, const char **ret_user,
                     const char **ret_password)
{
    const char *dir = lp_os_getenv("DOCKER_CONFIG"), *home = lp_os_getenv("HOME");
    lp_auto(lp_free_string) char *path =
        dir && *dir ? lp_format("%s/config.json", dir)
                    : lp_format("%s/.docker/config.json", home ? home : "");
    uint8_t *bytes = NULL;
    size_t n = 0;
    lp_auto(lp_json_free) json_t *root = NULL;
    loop_error *e = lp_os_read_file(path, LP_MAX_CONFIG_BYTES, &bytes, &n);
    if (!e)
        e = lp_json_parse(path, bytes, n, &root);
    free(bytes);
    loop_error_delete(e);
    const json_t *auths = e ? NULL : json_object_get(root, "auths");
    lp_auto(lp_free_string) char *url = lp_format("https://%s", host);
    const char *text = lp_json_text(json_object_get(auths, host), "auth");
    if (!text)
        text = lp_json_text(json_object_get(auths, url), "auth");
    if (!text || strlen(text) > LP_MAX_OPTION_TEXT)
        return false;
    char *pair = lp_arena_alloc(arena, strlen(text) + 1);
    size_t length;
    if (sodium_base642bin((unsigned char *)pair, strlen(text), text, strlen(text), NULL, &length,
                          NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    pair[length] = 0;
    char *colon = strchr(pair, ':');
    if (!colon || strlen(pair) != length)
        return false;
    *colon = 0;
    *ret_user = pair;
    *ret_password = colon + 1;
    return true;
}

static bool has_login(lp_oci *o)
{
    if (!o->looked_for_login && o->options->user) {
        o->user = o->options->user;
        o->password = o->options->password;
    } else if (!o->looked_for_login) {
        lp_docker_login(&o->arena, o->host, &o->user, &o->password);
    }
    o->looked_for_login = true;
    return o->user != NULL;
}

/* For free(). */
static char *basic(const lp_oci *o)
{
    lp_arena arena = {0};
    lp_auto(lp_free_string) char *pair = lp_format("%s:%s", o->user, o->password);
    char *text = lp_format("Basic %s", lp_web_base64(&arena, pair, strlen(pair)));
    lp_arena_done(&arena);
    return text;
}

/* ---- tokens ---- */

void lp_oci_tokens_done(lp_oci *o)
{
    for (size_t i = 0; i < o->tokens.n; i++)
        free(o->tokens.at[i].authorization);
    free(o->tokens.at);
}

static struct lp_oci_token *token_for(lp_oci *o, const char *scope)
{
    for (size_t i = 0; i < o->tokens.n; i++)
        if (strcmp(o->tokens.at[i].scope, scope) == 0)
            return &o->tokens.at[i];
    struct lp_oci_token *t = lp_push(&o->tokens);
    t->scope = lp_arena_strndup(&o->arena, scope, strlen(scope));
    return t;
}

/* Takes `authorization`. */
static void keep_token(lp_oci *o, const char *scope, char *authorization, uint64_t seconds)
{
    struct lp_oci_token *t = token_for(o, scope);
    free(t->authorization);
    t->authorization = authorization;
    t->until_ns = lp_os_now_ns() + LP_MIN(seconds, 3600ull) * 1000000000ull;
}

static void add_escaped(lp_buf *b, const char *s)
{
    for (; *s; s++) {
        if (isalnum((unsigned char)*s) || strchr("-._~", *s))
            lp_buf_add(b, s, 1);
        else
            lp_buf_printf(b, "%%%02X", (unsigned char)*s);
    }
}

static loop_error *read_token(lp_oci *o, const lp_web_ask *ask, const char *scope)
{
    lp_auto(lp_json_free) json_t *root = NULL;
    LP_TRY(lp_json_parse("its answer", ask->body.ptr, ask->body.len, &root));
    const char *token = lp_json_text(root, "token");
    token = token ? token : lp_json_text(root, "access_token");
    json_int_t seconds = json_integer_value(json_object_get(root, "expires_in"));
    if (!token || !*token || strlen(token) > LP_MAX_REGISTRY_TOKEN)
        return loop_error_new(LOOP_INVALID, "there is no token in its answer");
    for (const char *c = token; *c; c++)
        if (*c <= ' ' || *c >= 0x7f)
            return loop_error_new(LOOP_INVALID, "its token is none");
    keep_token(o, scope, lp_format("Bearer %s", token), seconds > 0 ? (uint64_t)seconds : TOKEN_S);
    return NULL;
}

static loop_error *ask_token(lp_oci *o, const lp_oci_challenge *c, const char *scope)
{
    lp_arena arena = {0};
    lp_auto(lp_free_string) char *own = lp_format("%s/", o->base);
    lp_buf url = {0};
    loop_error *e = NULL;
    bool tls = strncasecmp(c->realm, "https://", 8) == 0;
    if (!tls && (strncasecmp(c->realm, "http://", 7) != 0 || !o->options->plain_http))
        e = loop_error_new(LOOP_DENIED, "it wants '%.100s' to give out tokens, which is not https",
                           c->realm);
    lp_buf_printf(&url, "%s%cservice=", c->realm, strchr(c->realm, '?') ? '&' : '?');
    add_escaped(&url, c->service);
    lp_buf_puts(&url, "&scope=");
    add_escaped(&url, scope);
    lp_auto(lp_free_string) char *who = has_login(o) ? basic(o) : NULL;
    lp_web_ask ask = {.url = url.ptr, .authorization = who, .max = LP_MAX_MANIFEST_BYTES};
    if (!e)
        e = lp_web_run_one(&o->web, &ask);
    if (!e)
        e = ask.status == 200 ? read_token(o, &ask, scope) : lp_web_refused(&ask);
    lp_web_done(&ask);
    lp_buf_done(&url);
    lp_arena_done(&arena);
    return e;
}

loop_error *lp_oci_authorize(lp_oci *o, lp_oci_ask *ask)
{
    lp_arena arena = {0};
    lp_oci_challenge c;
    const char *header = lp_web_header(&ask->web, "www-authenticate");
    loop_error *e = header ? lp_oci_challenge_parse(&arena, header, &c) : lp_web_refused(&ask->web);
    bool was_token = ask->web.authorization != NULL;
    if (!e && c.kind == LP_OCI_BASIC && (!has_login(o) || was_token))
        e = lp_web_refused(&ask->web);
    else if (!e && c.kind == LP_OCI_BASIC)
        keep_token(o, ask->scope, basic(o), 3600);
    else if (!e)
        e = ask_token(o, &c, ask->scope);
    lp_arena_done(&arena);
    return e ? loop_error_wrap(e, "%s does not let you in", o->host) : NULL;
}

/* ---- asking ---- */

void lp_oci_use_token(lp_oci *o, lp_oci_ask *ask)
{
    struct lp_oci_token *t = token_for(o, ask->scope);
    bool good = t->authorization && lp_os_now_ns() + 1000000000ull < t->until_ns;
    ask->web.authorization =
        good && lp_web_same_host(ask->web.url, o->base) ? t->authorization : NULL;
}

static void run_some(lp_oci *o, lp_oci_ask **asks, size_t n)
{
    lp_web_ask *list = lp_alloc((n + 1) * sizeof *list);
    for (size_t i = 0; i < n; i++) {
        lp_oci_use_token(o, asks[i]);
        list[i] = asks[i]->web;
    }
    lp_web_run(&o->web, list, n);
    for (size_t i = 0; i < n; i++)
        asks[i]->web = list[i];
    free(list);
}

void lp_oci_run(lp_oci *o, lp_oci_ask *asks, size_t n)
{
    lp_oci_ask **open = lp_alloc((n + 1) * sizeof *open);
    for (size_t i = 0; i < n; i++)
        open[i] = &asks[i];
    run_some(o, open, n);
    size_t left = 0;
    const char *had = NULL; /* the scope that was just got */
    for (size_t i = 0; i < n; i++) {
        lp_oci_ask *ask = &asks[i];
        if (ask->web.error || ask->web.status != 401 || !lp_web_same_host(ask->web.url, o->base))
            continue;
        loop_error *e = had && strcmp(had, ask->scope) == 0 ? NULL : lp_oci_authorize(o, ask);
        ask->web.error = e;
        if (!e) {
            had = ask->scope;
            open[left++] = ask;
        }
    }
    if (left)
        run_some(o, open, left);
    free(open);
}

loop_error *lp_oci_run_one(lp_oci *o, lp_oci_ask *ask)
{
    lp_oci_run(o, ask, 1);
    return lp_take(&ask->web.error);
}
