/*
 * packages/web.h: questions to a web server, as registries ask them: in batches, again where that
 * helps, and with errors that say which host, what it answered and what to do.
 */
#ifndef LP_PACKAGES_WEB_H
#define LP_PACKAGES_WEB_H

#include "packages/packages.h"
#include "packages/tools/tools.h"

#define LP_WEB_HEADERS 8

/* Who asks; zero-initialise but for the first three. */
typedef struct lp_web {
    bool (*cancelled)(void *data); /* NULL: never */
    void *data;
    const lp_packages_tools *tools; /* NULL: loaded with the first question */
} lp_web;

typedef struct lp_web_ask {
    const char *method, *url; /* NULL: "GET" */
    const char *headers[LP_WEB_HEADERS + 1];
    const char *authorization; /* "Bearer ..."; NULL: none */
    const void *send;
    size_t send_size;
    uint64_t max; /* bytes of the body */
    /* Where a good answer's body goes (200, 206); NULL: to `body`. An error ends it. */
    loop_error *(*head)(void *data, const struct lp_web_ask *ask);
    loop_error *(*take)(void *data, const void *bytes, size_t n);
    void *data;
    bool once; /* no second try */

    /* What came; lp_web_done frees it. */
    int status;
    struct {
        char **at;
        size_t n, cap;
    } answer; /* headers */
    lp_buf body;
    loop_error *error; /* NULL: there is an answer, of any status */
} lp_web_ask;

/*
 * Asks all of them, several at a time; what fails on the way, and what a server asks to be asked
 * again (429, 502, 503, 504), is asked up to three times if nothing was sent or taken.
 */
void lp_web_run(lp_web *web, lp_web_ask *asks, size_t n);
/* One alone: its error, taken out of it. */
loop_error *lp_web_run_one(lp_web *web, lp_web_ask *ask) LOOP_MUST_USE;
void lp_web_done(lp_web_ask *ask);

/* The value of the first header of that name, whatever its case; NULL. */
const char *lp_web_header(const lp_web_ask *ask, const char *name);
/* Waits, but for a cancellation: LOOP_CANCELLED. */
loop_error *lp_web_wait(const lp_web *web, uint64_t ms) LOOP_MUST_USE;
/*
 * What an answer that is no success means: LOOP_DENIED, LOOP_NOT_FOUND, LOOP_UNAVAILABLE or
 * LOOP_INVALID, with what an OCI registry said.
 */
loop_error *lp_web_refused(const lp_web_ask *ask) LOOP_MUST_USE;

/*
 * The body of `ask` from `offset` on, of at most what a component may have: LOOP_USAGE where the
 * server does not start there, *ret_total before the first `take`. `ask` has URL and headers, and
 * afterwards its status; one header of it is still free.
 */
loop_error *
lp_web_fetch(lp_web *web, lp_web_ask *ask, uint64_t offset, uint64_t *ret_total, void *data,
             loop_error *(*take)(void *data, const void *bytes, size_t n)) LOOP_MUST_USE;

/* "bytes 100-199/200"; *ret_total is 0 for "*". */
bool lp_web_range_parse(const char *text, uint64_t *ret_from, uint64_t *ret_total);

/* A text of an array of headers, as in "Name: value", into `arena`. */
const char *lp_web_line(lp_arena *arena, const char *name, const char *value);
/* The host of a URL with its port, into `arena`. */
const char *lp_web_host(lp_arena *arena, const char *url);
/* `path` seen from `url`, which is absolute; NULL: it is no address of the same scheme. */
const char *lp_web_absolute(lp_arena *arena, const char *url, const char *path);
/* Whether two URLs have the same scheme, host and port. */
bool lp_web_same_host(const char *a, const char *b);
/* Bytes as base64, into `arena`. */
const char *lp_web_base64(lp_arena *arena, const void *bytes, size_t n);

#endif
