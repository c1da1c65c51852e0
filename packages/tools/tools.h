/*
 * packages/tools/tools.h: archives, the solver and HTTP: what takes large libraries.
 *
 * libarchive, libsolv and libcurl bring some thirty libraries with them, which a host that runs a
 * component does not need. So they are one shared object, lib/loop/loop-packages.so, which
 * packages/tools.c loads when the first of them is needed; it exports this table. Inside it: the
 * base/, once more, nothing else of loop.
 *
 * Callbacks run on the calling thread, before the function returns.
 */
#ifndef LP_PACKAGES_TOOLS_H
#define LP_PACKAGES_TOOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/error.h"

#define LP_TOOLS_ABI 1u

/* ---- archives (tools/archive.c, libarchive) ---- */

/* A file to write: from `bytes`, or from the file `path`. Always 0644, of nobody, of 1970. */
typedef struct lp_tar_file {
    const char *name;
    const void *bytes;
    size_t len;
    const char *path;
} lp_tar_file;

/* What an archive holds, in its order; `kind` 'f' a file, 'd' a folder, 'l' a link, 'o' anything
 * else. */
typedef struct lp_tar_entry {
    const char *name; /* as it is written there */
    char kind;
    uint64_t size;
    uint64_t offset; /* of its bytes in the archive's file, where a file's lie as they are */
} lp_tar_entry;

/* ---- the solver (tools/solve.c, libsolv) ---- */

typedef struct lp_solve_release {
    size_t package;      /* place in `names` */
    const char *version; /* in an order that the caller gives: the first of a package is best */
    const size_t *needs; /* places in `sets`, all of which must hold */
    size_t needs_count;
    bool only_if_kept; /* yanked: only where `kept` has it */
} lp_solve_release;
/* Of one package, the releases that would do. */
typedef struct lp_solve_set {
    size_t package;
    const size_t *releases; /* places in `releases` */
    size_t count;
} lp_solve_set;
typedef struct lp_solve_problem {
    const char *const *names;
    size_t names_count;
    const lp_solve_release *releases;
    size_t releases_count;
    const lp_solve_set *sets;
    size_t sets_count;
    const size_t *wishes; /* places in `sets` */
    size_t wishes_count;
    const size_t *kept; /* places in `releases`, preferred to better ones */
    size_t kept_count;
} lp_solve_problem;
/* A step of why there is no solution: release `by` (SIZE_MAX: a wish) needs `set`. */
typedef struct lp_solve_blame {
    size_t by, set;
} lp_solve_blame;
typedef struct lp_solve_answer {
    size_t *chosen; /* places in `releases` */
    size_t chosen_count;
    lp_solve_blame *blames; /* where there is none: the chain that shows it */
    size_t blames_count;
} lp_solve_answer; /* both for free() */

/* ---- HTTP (tools/http.c, libcurl) ---- */

typedef struct lp_http_request {
    const char *method; /* "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" */
    /* http or https, without a user in it. */
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
    /*
     * Follow redirects, of GET and HEAD: at most LP_MAX_HTTP_REDIRECTS, to http and https only,
     * never from https to http; `Authorization` stays with the host that it was meant for, and a
     * host that it was led to cannot ask for it: of its answer, `WWW-Authenticate` is not handed
     * on. Without it the answer is what the server said, 307 and all.
     */
    bool follow;
    const void *send; /* the body; NULL: none */
    size_t send_size;
    /* What comes: first `head` (status, and each header as "Name: value"), then bytes. An error of
     * theirs ends the request with that error. */
    loop_error *(*head)(void *data, int status, const char *const *headers);
    loop_error *(*bytes)(void *data, const void *bytes, size_t n);
    void *data;
    uint64_t max_bytes;            /* of the answer's body; more: LOOP_LIMIT */
    uint32_t connect_ms, stall_ms; /* 0: LP_MAX_HTTP_CONNECT_MS, LP_MAX_HTTP_STALL_MS */
} lp_http_request;

typedef struct lp_packages_tools {
    uint32_t abi;        /* LP_TOOLS_ABI */
    const char *version; /* LOOP_VERSION: the library's own, to the letter */
    /* Makes the file anew. The same files give the same bytes. */
    loop_error *(*tar_write)(const char *path, const lp_tar_file *files, size_t n);
    /*
     * Hands every entry on, until `entry` fails. The archive is not compressed, and whole: nothing
     * but zeros behind its end. LOOP_INVALID.
     */
    loop_error *(*tar_read)(const char *path, void *data,
                            loop_error *(*entry)(void *data, const lp_tar_entry *e));
    loop_error *(*solve)(const lp_solve_problem *problem, lp_solve_answer *ret);
    /*
     * Performs all of them, several at a time over kept connections, and waits for the last;
     * `ret_errors[i]` is NULL or why the i-th failed. `cancelled` (NULL: never) is asked some
     * twenty times a second. An answer of any status is no error. LOOP_UNAVAILABLE: nobody
     * answered, or the connection was cut: once more may help. LOOP_TIMEOUT: the same, slowly.
     * LOOP_INVALID, LOOP_LIMIT: what came is no answer. LOOP_DENIED: no trust in the server.
     */
    void (*http)(const lp_http_request *requests, size_t n, bool (*cancelled)(void *data),
                 void *data, loop_error **ret_errors);
} lp_packages_tools;
#define LP_TOOLS_SYMBOL "loop_packages_tools"

/* packages/tools.c: loads it once. LOOP_UNAVAILABLE: the file is not there, or does not load. */
loop_error *lp_packages_tools_get(const lp_packages_tools **ret) LOOP_MUST_USE;

#endif
