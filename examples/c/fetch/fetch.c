/*
 * fetch URL: GET over wasi:http; prints the status, then the body.
 *
 * Follows up to five redirects. Each hop is a request of its own, so the host
 * decides about each server anew. A request that does not succeed ends with
 * status 1 and the error code's name: "HTTP-request-denied" where the host did
 * not allow it.
 */
#include "gen/loop.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_REDIRECTS = 5, MAX_URL = 4096 };

/* wasi:http/types.error-code, in the order of the WIT. */
static const char *const error_names[] = {
    "DNS-timeout",
    "DNS-error",
    "destination-not-found",
    "destination-unavailable",
    "destination-IP-prohibited",
    "destination-IP-unroutable",
    "connection-refused",
    "connection-terminated",
    "connection-timeout",
    "connection-read-timeout",
    "connection-write-timeout",
    "connection-limit-reached",
    "TLS-protocol-error",
    "TLS-certificate-error",
    "TLS-alert-received",
    "HTTP-request-denied",
    "HTTP-request-length-required",
    "HTTP-request-body-size",
    "HTTP-request-method-invalid",
    "HTTP-request-URI-invalid",
    "HTTP-request-URI-too-long",
    "HTTP-request-header-section-size",
    "HTTP-request-header-size",
    "HTTP-request-trailer-section-size",
    "HTTP-request-trailer-size",
    "HTTP-response-incomplete",
    "HTTP-response-header-section-size",
    "HTTP-response-header-size",
    "HTTP-response-body-size",
    "HTTP-response-trailer-section-size",
    "HTTP-response-trailer-size",
    "HTTP-response-transfer-coding",
    "HTTP-response-content-coding",
    "HTTP-response-timeout",
    "HTTP-upgrade-failed",
    "HTTP-protocol-error",
    "loop-detected",
    "configuration-error",
    "internal-error",
};

/* A URL, taken apart; the parts point into it. */
struct url {
    bool https;
    const char *authority, *path;
    int authority_len;
};

static loop_string_t text(const char *s)
{
    return (loop_string_t){.ptr = (uint8_t *)s, .len = strlen(s)};
}

static bool parse(const char *s, struct url *ret)
{
    ret->https = strncmp(s, "https://", 8) == 0;
    if (!ret->https && strncmp(s, "http://", 7) != 0)
        return false;
    ret->authority = s + (ret->https ? 8 : 7);
    ret->authority_len = (int)strcspn(ret->authority, "/?#");
    ret->path = ret->authority + ret->authority_len;
    return ret->authority_len > 0;
}

static int failed(const char *url, const wasi_http_types_error_code_t *e)
{
    size_t known = sizeof error_names / sizeof error_names[0];
    fprintf(stderr, "error: cannot fetch %s\n  because %s", url,
            e->tag < known ? error_names[e->tag] : "of an unknown error");
    if (e->tag == WASI_HTTP_TYPES_ERROR_CODE_INTERNAL_ERROR && e->val.internal_error.is_some)
        fprintf(stderr, ": %.*s", (int)e->val.internal_error.val.len,
                (char *)e->val.internal_error.val.ptr);
    fputc('\n', stderr);
    return 1;
}

/* Sends a GET and waits for the start of the answer. */
static bool get(const struct url *url, wasi_http_types_own_incoming_response_t *ret,
                wasi_http_types_error_code_t *err)
{
    wasi_http_types_own_outgoing_request_t own =
        wasi_http_types_constructor_outgoing_request(wasi_http_types_constructor_fields());
    wasi_http_types_borrow_outgoing_request_t request =
        wasi_http_types_borrow_outgoing_request(own);
    wasi_http_types_scheme_t scheme = {.tag = url->https ? WASI_HTTP_TYPES_SCHEME_HTTPS
                                                         : WASI_HTTP_TYPES_SCHEME_HTTP};
    loop_string_t authority = {(uint8_t *)url->authority, (size_t)url->authority_len};
    char target[MAX_URL + 2];
    snprintf(target, sizeof target, "%s%.*s", *url->path == '/' ? "" : "/",
             (int)strcspn(url->path, "#"), url->path);
    loop_string_t path = text(target);
    if (!wasi_http_types_method_outgoing_request_set_scheme(request, &scheme) ||
        !wasi_http_types_method_outgoing_request_set_authority(request, &authority) ||
        !wasi_http_types_method_outgoing_request_set_path_with_query(request, &path)) {
        wasi_http_types_outgoing_request_drop_own(own);
        *err = (wasi_http_types_error_code_t){
            .tag = WASI_HTTP_TYPES_ERROR_CODE_HTTP_REQUEST_URI_INVALID};
        return false;
    }
    wasi_http_types_own_future_incoming_response_t future;
    if (!wasi_http_outgoing_handler_handle(own, NULL, &future, err))
        return false;

    wasi_http_types_own_pollable_t ready =
        wasi_http_types_method_future_incoming_response_subscribe(
            wasi_http_types_borrow_future_incoming_response(future));
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(ready));
    wasi_io_poll_pollable_drop_own(ready);
    wasi_http_types_result_result_own_incoming_response_error_code_void_t answer;
    bool there = wasi_http_types_method_future_incoming_response_get(
        wasi_http_types_borrow_future_incoming_response(future), &answer);
    wasi_http_types_future_incoming_response_drop_own(future);
    if (!there || answer.is_err || answer.val.ok.is_err) {
        *err = there && !answer.is_err
                   ? answer.val.ok.val.err
                   : (wasi_http_types_error_code_t){
                         .tag = WASI_HTTP_TYPES_ERROR_CODE_HTTP_RESPONSE_INCOMPLETE};
        return false;
    }
    *ret = answer.val.ok.val.ok;
    return true;
}

/* The URL a redirect leads to; false where the answer is none. */
static bool redirect(wasi_http_types_borrow_incoming_response_t response, const struct url *from,
                     char ret_url[MAX_URL])
{
    unsigned status = wasi_http_types_method_incoming_response_status(response);
    if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308)
        return false;
    wasi_http_types_own_headers_t headers =
        wasi_http_types_method_incoming_response_headers(response);
    loop_string_t name = text("location");
    wasi_http_types_list_field_value_t values;
    wasi_http_types_method_fields_get(wasi_http_types_borrow_fields(headers), &name, &values);
    bool found = values.len > 0 && values.ptr[0].len > 0;
    if (found) {
        int len = (int)values.ptr[0].len;
        const char *to = (char *)values.ptr[0].ptr;
        if (*to == '/') /* a path on the same server */
            len = snprintf(ret_url, MAX_URL, "%s://%.*s%.*s", from->https ? "https" : "http",
                           from->authority_len, from->authority, len, to);
        else
            len = snprintf(ret_url, MAX_URL, "%.*s", len, to);
        found = len < MAX_URL;
    }
    wasi_http_types_list_field_value_free(&values);
    wasi_http_types_fields_drop_own(headers);
    return found;
}

static int print_body(wasi_http_types_borrow_incoming_response_t response)
{
    wasi_http_types_own_incoming_body_t body;
    wasi_http_types_own_input_stream_t stream;
    if (!wasi_http_types_method_incoming_response_consume(response, &body) ||
        !wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(body),
                                                     &stream))
        return 1;
    wasi_io_streams_stream_error_t err;
    loop_list_u8_t bytes;
    while (wasi_io_streams_method_input_stream_blocking_read(
        wasi_io_streams_borrow_input_stream(stream), 65536, &bytes, &err)) {
        fwrite(bytes.ptr, 1, bytes.len, stdout);
        loop_list_u8_free(&bytes);
    }
    bool complete = err.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED;
    wasi_io_streams_stream_error_free(&err);
    wasi_io_streams_input_stream_drop_own(stream);
    wasi_http_types_incoming_body_drop_own(body);
    if (!complete)
        fputs("error: the answer ended too early\n", stderr);
    return complete ? 0 : 1;
}

int main(int argc, char **argv)
{
    char address[MAX_URL], next[MAX_URL];
    if (argc != 2 || strlen(argv[1]) >= MAX_URL) {
        fputs("usage: fetch URL\n", stderr);
        return 1;
    }
    strcpy(address, argv[1]);
    for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
        struct url url;
        wasi_http_types_error_code_t err;
        wasi_http_types_own_incoming_response_t own;
        if (!parse(address, &url)) {
            fprintf(stderr, "error: '%s' is not an http or https URL\n", address);
            return 1;
        }
        if (!get(&url, &own, &err))
            return failed(address, &err);
        wasi_http_types_borrow_incoming_response_t response =
            wasi_http_types_borrow_incoming_response(own);
        unsigned status = wasi_http_types_method_incoming_response_status(response);
        printf("%u %s\n", status, address);
        if (!redirect(response, &url, next)) {
            int result = print_body(response);
            wasi_http_types_incoming_response_drop_own(own);
            return result;
        }
        wasi_http_types_incoming_response_drop_own(own);
        strcpy(address, next);
    }
    fprintf(stderr, "error: more than %d redirects\n", MAX_REDIRECTS);
    return 1;
}
