/*
 * loop/policy.h: what one component may do, and who said so.
 *
 * A policy is a list of grants and denials, each one readable line with the
 * place it came from. Everything that a component wants beyond its baseline
 * (standard streams, arguments, clocks, random numbers, loop:core) is asked of
 * one function, loop_policy_decide. Denied by default; a denial beats a grant.
 *
 * Threads: fill a policy on one thread; once an instance uses it, it is
 * read-only and any thread may ask.
 * Ownership: strings handed in are copied; strings handed out live as long as
 * the policy.
 */
#ifndef LOOP_POLICY_H
#define LOOP_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "loop/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct loop_policy loop_policy;

/* Where a grant, a limit or an option was set. */
typedef struct loop_origin {
    const char *source; /* a file's path, "--dir", "LOOP_LOG_LEVEL", "default" */
    unsigned line;      /* 1-based; 0 where the source is not a file */
    unsigned column;
} loop_origin;

typedef enum loop_grant_kind {
    LOOP_GRANT_DIR,      /* a directory of the host, under a path of the guest */
    LOOP_GRANT_ENV,      /* an environment variable */
    LOOP_GRANT_HTTP,     /* outgoing HTTP requests to one host */
    LOOP_GRANT_NET,      /* outgoing TCP and UDP to one host and port */
    LOOP_GRANT_STORAGE,  /* private storage, up to a quota */
    LOOP_GRANT_PACKAGES, /* finding, fetching, loading packages of a namespace, or one of them */
} loop_grant_kind;

typedef struct loop_grant {
    loop_grant_kind kind;
    bool deny;
    const char *host;  /* DIR: absolute path on the host; ENV: name; HTTP and NET: host name or
                          address, lower case, an IPv6 address without brackets; PACKAGES: as
                          written */
    const char *guest; /* DIR: path in the guest; ENV: value, NULL = the host's own; else NULL */
    bool read_only;    /* DIR */
    uint16_t port;     /* HTTP and NET; 0 = for HTTP, 80 and 443 */
    uint64_t bytes;    /* STORAGE */
    const char *text;  /* the grant as one line: "dir ./data as /data, read-only" */
    loop_origin origin;
} loop_grant;

/* What a component wants to do now. */
typedef struct loop_request {
    loop_grant_kind kind;
    const char *name; /* ENV: name; HTTP and NET: host name, or an address as text; STORAGE: none;
                         PACKAGES: a package's name */
    uint16_t port;    /* HTTP and NET */
    bool write;       /* DIR: name is the guest's path; write or create */
} loop_request;

typedef struct loop_decision {
    bool allowed;
    const loop_grant *by; /* the line that decided; NULL: nothing grants it */
    char reason[256];     /* one sentence: "no grant for http api.example.com:443" */
    char hint[256];       /* what would change it: "--allow-http api.example.com:443" */
} loop_decision;

/* A policy that grants nothing. */
LOOP_API loop_policy *loop_policy_new(void);
LOOP_API void loop_policy_delete(loop_policy *p);

/*
 * Adds a grant (or, with `deny`, a denial) from text as flags and loop.yaml
 * write it:
 *   DIR   HOST[::GUEST][:ro|:rw]   GUEST defaults to HOST as it was written
 *   ENV   NAME or NAME=VALUE
 *   HTTP  HOST[:PORT]
 *   NET   HOST:PORT
 *   STORAGE  SIZE ("16MiB"); of several grants, the last holds
 *   PACKAGES NAMESPACE or NAMESPACE:NAME ("acme", "acme:ui")
 * `base` is the directory that a relative HOST of DIR starts from (NULL: the
 * current one). With `confine`, a DIR that leads out of `base`, symbolic links
 * followed, is LOOP_DENIED: a workspace that the user has not trusted gets no
 * directory outside itself. Wildcards are refused.
 * One guest path is one directory: the same again is no new line (rw beats ro),
 * another directory there is an error.
 * A denial holds whatever grants it, now or later: a DIR (no mode; it need not
 * exist) for the guest's path and for the directory under every other name;
 * HTTP and NET without a port for every port, an address also for the names that
 * have it, a name also for its addresses.
 * Errors: LOOP_USAGE for text that does not parse, LOOP_NOT_FOUND for a
 * directory that does not exist, LOOP_LIMIT.
 */
LOOP_API loop_error *loop_policy_add(loop_policy *p, loop_grant_kind kind, const char *text,
                                     bool deny, const char *base, bool confine,
                                     loop_origin origin) LOOP_MUST_USE;

/* The lines, in the order they were added. NULL past the end. */
LOOP_API const loop_grant *loop_policy_at(const loop_policy *p, size_t i);

/*
 * The one decision function. Fills all of *ret. NULL is a policy that grants nothing. A host name
 * in a NET grant is resolved when the request names an address, and so are names of HTTP and NET
 * where a denial is to be found out (may wait for DNS: never call it for these
 * on the thread that owns the event loop). Answers are kept for 30 seconds.
 * A NET request with port 0 asks whether the name may be looked up at all. Links
 * of the host are followed only to find denials; a sandbox below must keep a
 * path inside its directory.
 */
LOOP_API void loop_policy_decide(const loop_policy *p, const loop_request *want,
                                 loop_decision *ret);

#ifdef __cplusplus
}
#endif
#endif
