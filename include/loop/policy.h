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

/* How far a component is trusted: what it may be granted at all, and which limits it begins with.
 */
typedef enum loop_class {
    LOOP_CLASS_UNTRUSTED,
    LOOP_CLASS_TRUSTED, /* may be granted processes */
} loop_class;

typedef enum loop_grant_kind {
    LOOP_GRANT_DIR,      /* a directory of the host, under a path of the guest */
    LOOP_GRANT_ENV,      /* an environment variable */
    LOOP_GRANT_HTTP,     /* outgoing HTTP requests to one host */
    LOOP_GRANT_NET,      /* outgoing TCP and UDP to one host and port */
    LOOP_GRANT_STORAGE,  /* private storage, up to a quota; or shared by a name */
    LOOP_GRANT_PACKAGES, /* finding, fetching, loading packages of a namespace, or one of them */
    LOOP_GRANT_LISTEN,   /* incoming TCP and UDP at one address and port of this machine */
    LOOP_GRANT_LOG,      /* entries of the log, up to so many a second */
    LOOP_GRANT_PROCESS,  /* running one program, with arguments of one form */
    LOOP_GRANT_NEED,     /* what a provider asks for in its own words: "camera.record" */
} loop_grant_kind;
/* How many there are; "dir" to "need": what texts call a kind. */
#define LOOP_GRANT_KINDS 10
LOOP_API const char *loop_grant_kind_name(loop_grant_kind kind);

typedef struct loop_grant {
    loop_grant_kind kind;
    bool deny;
    const char *host;  /* DIR: absolute path on the host; ENV: name; HTTP and NET: host name or
                          address, lower case, an IPv6 address without brackets; LISTEN: address;
                          PACKAGES and NEED: as written; PROCESS: the program, absolute */
    const char *guest; /* DIR: path in the guest; ENV: value, NULL = the host's own; else NULL */
    bool read_only;    /* DIR */
    uint16_t port;     /* HTTP, NET and LISTEN; 0 = for HTTP, 80 and 443 */
    uint64_t bytes;    /* STORAGE */
    const char *share; /* STORAGE: what its sharers call it; NULL: private */
    uint64_t rate;     /* LOG: entries a second */
    const char *words; /* PROCESS: as written, without the program: "status --short *" */
    const char *text;  /* the grant as one line: "dir ./data as /data, read-only" */
    loop_origin origin;
} loop_grant;

/* What a component wants to do now. */
typedef struct loop_request {
    loop_grant_kind kind;
    const char
        *name;     /* ENV: name; HTTP and NET: host name, or an address as text; LISTEN: address;
                      STORAGE, LOG, PROCESS: none; PACKAGES: a package's name; NEED: "camera.record" */
    uint16_t port; /* HTTP, NET and LISTEN */
    bool write;    /* DIR: name is the guest's path; write or create */
    /* HTTP: the address that `name` stands for now and that is to be connected to; NULL: not known.
     */
    const char *address;
    /*
     * PROCESS: the program, absolute, which the caller then runs as it is named here, and its
     * arguments, without the program's own name.
     */
    const char *const *words;
    size_t word_count;
} loop_request;

typedef struct loop_decision {
    bool allowed;
    bool observed;        /* nothing grants it, and the policy lets such through: see _observe */
    const loop_grant *by; /* the line that decided; NULL: nothing grants it */
    char reason[256];     /* one sentence: "no grant for http api.example.com:443" */
    char hint[256];       /* what would change it: "--allow-http api.example.com:443" */
} loop_decision;

/* A policy that grants nothing, of the class `untrusted`. */
LOOP_API loop_policy *loop_policy_new(void);
LOOP_API void loop_policy_delete(loop_policy *p);

/* Its class, and who said so; `origin` is copied. */
LOOP_API void loop_policy_class_set(loop_policy *p, loop_class c, loop_origin origin);
/* *ret_origin (may be NULL): "default" where nobody said so. `p` may be NULL. */
LOOP_API loop_class loop_policy_class_of(const loop_policy *p, loop_origin *ret_origin);
/* "untrusted", "trusted"; and the other way round, false for any other name. */
LOOP_API const char *loop_class_name(loop_class c);
LOOP_API bool loop_class_find(const char *name, loop_class *ret);

/*
 * To find out what a component needs: from now on, what no line grants is allowed, and the decision
 * says that it was only observed. Denials hold; directories, variables, processes and more of the
 * log are never let through. For components that one would trust with all of it.
 */
LOOP_API void loop_policy_observe(loop_policy *p, bool on);

/*
 * Adds a grant (or, with `deny`, a denial) from text as flags and loop.yaml
 * write it:
 *   DIR   HOST[::GUEST][:ro|:rw]   GUEST defaults to HOST as it was written
 *   ENV   NAME or NAME=VALUE
 *   HTTP  HOST[:PORT]
 *   NET   HOST:PORT
 *   STORAGE  SIZE or SIZE,share=NAME ("16MiB"); of several grants, the last holds
 *   PACKAGES NAMESPACE or NAMESPACE:NAME ("acme", "acme:ui")
 *   LISTEN   ADDRESS:PORT ("127.0.0.1:8080"), no names
 *   LOG      entries a second ("100"); of several grants, the last holds
 *   PROCESS  a program and its arguments ("git status --short *"), see below
 *   NEED     PROVIDER.NAME ("camera.record")
 * `base` is the directory that a relative HOST of DIR starts from (NULL: the
 * current one). With `confine`, a DIR that leads out of `base`, symbolic links
 * followed, is LOOP_DENIED: a workspace that the user has not trusted gets no
 * directory outside itself. Wildcards are refused.
 * One guest path is one directory: the same again is no new line (rw beats ro),
 * another directory there is an error.
 * A denial holds whatever grants it, now or later: a DIR (no mode; it need not
 * exist) for the guest's path and for the directory under every other name;
 * HTTP and NET without a port for every port, an address also for the names that
 * have it, a name also for its addresses; LISTEN without a port for every port, an address
 * also for 0.0.0.0 or [::], which have it, and these for every address; NEED without a name
 * for all that a provider asks for; a PROCESS without arguments for the program with any.
 *
 * A host that is granted by its name is granted for addresses of the world: where DNS answers an
 * address of this machine or its networks (loopback, private, link-local, ...), that address must
 * be granted itself, so that no name leads inward by what its owner answers. `localhost` is what it
 * says: granted, it is this machine's loopback addresses and no other.
 *
 * PROCESS is words between spaces; '...' keeps a word with spaces together and takes it as it is.
 * The first is the program: a name, looked for in PATH now, or an absolute path. Then its
 * arguments: a word stands for itself, `*` for exactly one that does not start with '-', `...` at
 * the end for any further ones that do not. Nothing else means anything but itself, and nothing is
 * expanded. In a denial, `*` and `...` stand for words with '-', too. It takes effect in the class
 * `trusted` alone, and only while the component may not write to the program.
 *
 * Errors: LOOP_USAGE for text that does not parse, LOOP_NOT_FOUND for a
 * directory or a program that does not exist, LOOP_LIMIT.
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
/*
 * The same for a request as a person writes it: the name of a kind, and what it is about
 * ("http api.example.com:443", "dir /data/x:rw", "process git status"). An HTTP name is asked about
 * with the addresses that it has now, too. May wait for DNS. LOOP_USAGE: it is none.
 */
LOOP_API loop_error *loop_policy_ask(const loop_policy *p, const char *text,
                                     loop_decision *ret) LOOP_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
