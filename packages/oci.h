/*
 * packages/oci.h: an OCI registry: what registry_oci.c (looking up, fetching), registry_oci_auth.c
 * (who asks) and registry_oci_push.c (publishing) share.
 */
#ifndef LP_PACKAGES_OCI_H
#define LP_PACKAGES_OCI_H

#include "packages/registry.h"
#include "packages/web.h"

#define LP_OCI_YANKED_TAG "loop-yanked" /* its manifest's annotations: version to reason */

/* "Bearer realm=..., service=..., scope=..."; "" where a part is missing. */
typedef struct lp_oci_challenge {
    enum { LP_OCI_NONE, LP_OCI_BASIC, LP_OCI_BEARER } kind;
    const char *realm, *service, *scope;
} lp_oci_challenge;
/*
 * What a WWW-Authenticate header asks for; the first kind that is known. LOOP_INVALID where none
 * is.
 */
loop_error *lp_oci_challenge_parse(lp_arena *arena, const char *header,
                                   lp_oci_challenge *ret) LOOP_MUST_USE;

typedef struct lp_oci {
    const lp_registry_options *options;
    lp_web web;
    lp_arena arena;   /* as long as it is open */
    const char *base; /* "https://localhost:5000" */
    const char *host, *prefix;
    bool found; /* `base` and `prefix` are known */
    const char *user, *password;
    bool looked_for_login;
    struct {
        struct lp_oci_token {
            const char *scope;
            char *authorization;
            uint64_t until_ns;
        } *at;
        size_t n, cap;
    } tokens;
} lp_oci;

/* A question to the registry; `scope` is what the token is for. */
typedef struct lp_oci_ask {
    lp_web_ask web;
    const char *scope;
} lp_oci_ask;

/*
 * Asks all of them, with tokens where the registry wants some. Errors and statuses stay in them,
 * but those of getting a token.
 */
void lp_oci_run(lp_oci *o, lp_oci_ask *asks, size_t n);
/* One alone; its error taken out of it. */
loop_error *lp_oci_run_one(lp_oci *o, lp_oci_ask *ask) LOOP_MUST_USE;
/* The registry wanted to know who asks, as `ask` shows: LOOP_DENIED where nobody can say. */
loop_error *lp_oci_authorize(lp_oci *o, lp_oci_ask *ask) LOOP_MUST_USE;
void lp_oci_tokens_done(lp_oci *o);
/* The token that there is for its scope, if there is one. */
void lp_oci_use_token(lp_oci *o, lp_oci_ask *ask);

/* Tags that are versions. */
typedef struct lp_oci_tags {
    const char **at;
    size_t n, cap;
    bool yanked; /* there is a list of yanked versions, too */
} lp_oci_tags;
/* Adds those of a page; `t->at` is for free(). */
loop_error *lp_oci_tags_parse(lp_arena *arena, const char *url, const void *bytes, size_t len,
                              lp_oci_tags *t) LOOP_MUST_USE;
/* Where the next page is, as the header Link says; NULL: there is none. Never another host. */
loop_error *lp_oci_next_page(lp_arena *arena, const char *url, const char *link,
                             const char **ret) LOOP_MUST_USE;

/* Asks the well-known file once, where the name is a host. */
loop_error *lp_oci_find(lp_oci *o) LOOP_MUST_USE;

/* "acme/ui" with the prefix; "repository:acme/ui:pull"; "https://.../v2/acme/ui/" + the rest. */
const char *lp_oci_repository(lp_oci *o, lp_arena *arena, const char *name);
const char *lp_oci_scope(lp_oci *o, lp_arena *arena, const char *name, bool push);
const char *lp_oci_url(lp_oci *o, lp_arena *arena, const char *name, const char *fmt, ...)
    LOOP_PRINTF(4, 5);
/* A version as a tag: '+' is not allowed there. */
const char *lp_oci_tag(lp_arena *arena, const char *version);

/* The tag under which a registry without the referrers API has them: "sha256-...". */
const char *lp_oci_referrers_tag(lp_arena *arena, const char *digest);

/* The user and password of docker's login for a host; false: none. Texts in `arena`. */
bool lp_docker_login(lp_arena *arena, const char *host, const char **ret_user,
                     const char **ret_password);

/* registry_oci_push.c */
loop_error *lp_oci_push(void *self, const char *name, const char *version, lp_packed *package,
                        lp_push_progress *progress) LOOP_MUST_USE;
loop_error *lp_oci_yank(void *self, const char *name, const char *version,
                        const char *reason) LOOP_MUST_USE;
/* A manifest by tag or digest; *ret_bytes NULL: there is none. Its bytes have the digest. */
loop_error *lp_oci_manifest(lp_oci *o, lp_arena *arena, const char *name, const char *reference,
                            bool push, const char **ret_bytes, size_t *ret_n,
                            char ret_digest[LOOP_SHA256_TEXT]) LOOP_MUST_USE;
/* Whether the bytes that came are those of the digest that the registry names, if it names one. */
loop_error *lp_oci_check_digest(const lp_web_ask *ask, const char *reference,
                                char ret_digest[LOOP_SHA256_TEXT]) LOOP_MUST_USE;

#endif
