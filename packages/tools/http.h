/*
 * packages/tools/http.h: one request of http.c, with the redirects that it takes
 * (http_transfer.c).
 */
#ifndef LP_PACKAGES_TOOLS_HTTP_H
#define LP_PACKAGES_TOOLS_HTTP_H

#include <curl/curl.h>

#include "base/base.h"
#include "packages/tools/tools.h"

typedef struct lp_transfer {
    const lp_http_request *request;
    CURL *easy;
    struct curl_slist *headers; /* that are sent */
    char *url;                  /* where it is by now */
    unsigned redirects;
    bool away; /* a redirect led to another host, perhaps back: it gets no secrets, and asks none */
    int status;  /* 0: no answer yet */
    bool led_on; /* the answer is a redirect that is followed */
    bool told;   /* `head` was called */
    struct {
        char **at;
        size_t n, cap, bytes;
    } answer;       /* headers that came */
    uint64_t got;   /* bytes of the body */
    uint64_t heard; /* bytes of any kind that came or went, as of `since_ns` */
    uint64_t since_ns;
    uint64_t headed; /* bytes of headers */
    loop_error *error;
    char why[CURL_ERROR_SIZE];
} lp_transfer;

/* LOOP_USAGE for a URL that is none. `request` lives longer. */
loop_error *lp_transfer_new(const lp_http_request *request, lp_transfer **ret) LOOP_MUST_USE;
/* It is in no multi handle any more. */
void lp_transfer_delete(lp_transfer *t);
/* libcurl is done with it: NULL for success; `*ret_again`: it is led on, and to be added again. */
loop_error *lp_transfer_ended(lp_transfer *t, CURLcode code, bool *ret_again) LOOP_MUST_USE;
/* LOOP_TIMEOUT when nothing has come or gone for too long. */
loop_error *lp_transfer_look(lp_transfer *t, uint64_t now_ns) LOOP_MUST_USE;

#endif
