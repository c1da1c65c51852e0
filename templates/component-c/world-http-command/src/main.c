/*
 * scaffold-name URL: fetches a page; prints its status, then what it says.
 *
 * A request goes to servers that were granted alone (`grants.http` of loop.yaml); any other ends
 * with "HTTP-request-denied". gen/scaffold_name.h has the functions of wasi:http
 * (wit/deps/wasi-http-0.2.0).
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scaffold_name.h"

enum { MAX_URL = 4096 };

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

static scaffold_name_string_t text(const char *s)
{
    return (scaffold_name_string_t){.ptr = (uint8_t *)s, .len = strlen(s)};
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
    scaffold_name_string_t authority = {(uint8_t *)url->authority, (size_t)url->authority_len};
    char target[MAX_URL + 2];
    snprintf(target, sizeof target, "%s%.*s", *url->path == '/' ? "" : "/",
             (int)strcspn(url->path, "#"), url->path);
    scaffold_name_string_t path = text(target);
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

static int print_body(wasi_http_types_borrow_incoming_response_t response)
{
    wasi_http_types_own_incoming_body_t body;
    wasi_http_types_own_input_stream_t stream;
    if (!wasi_http_types_method_incoming_response_consume(response, &body) ||
        !wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(body),
                                                     &stream))
        return 1;
    wasi_io_streams_stream_error_t err;
    scaffold_name_list_u8_t bytes;
    while (wasi_io_streams_method_input_stream_blocking_read(
        wasi_io_streams_borrow_input_stream(stream), 65536, &bytes, &err)) {
        fwrite(bytes.ptr, 1, bytes.len, stdout);
        scaffold_name_list_u8_free(&bytes);
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
    struct url url;
    wasi_http_types_error_code_t err;
    wasi_http_types_own_incoming_response_t answer;
    if (argc != 2 || strlen(argv[1]) >= MAX_URL) {
        fputs("usage: scaffold-name URL\n", stderr);
        return 1;
    }
    if (!parse(argv[1], &url)) {
        fprintf(stderr, "error: '%s' is not an http or https URL\n", argv[1]);
        return 1;
    }
    if (!get(&url, &answer, &err))
        return failed(argv[1], &err);
    wasi_http_types_borrow_incoming_response_t response =
        wasi_http_types_borrow_incoming_response(answer);
    printf("%u %s\n", wasi_http_types_method_incoming_response_status(response), argv[1]);
    int status = print_body(response);
    wasi_http_types_incoming_response_drop_own(answer);
    return status;
}
