/*
 * packages/tools/http_transfer.c: one request: what libcurl is told, what it tells, redirects, and
 * errors that a person can read. URLs in messages are a host: paths and queries may have secrets.
 */
#include <stdlib.h>
#include <strings.h>

#include "base/os/os.h"
#include "packages/tools/http.h"

/* ---- URLs ---- */

struct url {
    char *scheme, *host, *port;
};

static void url_done(struct url *u)
{
    curl_free(u->scheme);
    curl_free(u->host);
    curl_free(u->port);
}

/* False: no URL that libcurl can read. */
static bool url_read(const char *text, struct url *ret)
{
    *ret = (struct url){0};
    CURLU *u = strlen(text) <= LP_MAX_HTTP_URL ? curl_url() : NULL;
    bool ok = u && curl_url_set(u, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_SCHEME, &ret->scheme, 0) == CURLUE_OK;
    if (ok && curl_url_get(u, CURLUPART_HOST, &ret->host, 0) != CURLUE_OK)
        ret->host = NULL; /* "file:///x" */
    if (ok && curl_url_get(u, CURLUPART_PORT, &ret->port, CURLU_DEFAULT_PORT) != CURLUE_OK)
        ret->port = NULL;
    curl_url_cleanup(u);
    return ok;
}

static bool url_is_web(const struct url *u)
{
    return u->host && *u->host &&
           (strcasecmp(u->scheme, "https") == 0 || strcasecmp(u->scheme, "http") == 0);
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcasecmp(a, b) == 0 : a == b;
}

/* "example.com:5000", the port where it is not the usual one; for free(). */
static char *host_of(const char *url)
{
    struct url u;
    char *text = NULL;
    if (url_read(url, &u) && u.host) {
        bool usual = !u.port || same(u.port, strcasecmp(u.scheme, "https") == 0 ? "443" : "80");
        text = lp_format("%s%s%s", u.host, usual ? "" : ":", usual ? "" : u.port);
    }
    url_done(&u);
    return text ? text : lp_strdup("the server");
}

/* ---- errors ---- */

/* What is done is left to the caller to say: "host: why". */
static loop_error *failed(const lp_transfer *t, loop_code code, const char *why)
{
    lp_auto(lp_free_string) char *host = host_of(t->url);
    return loop_error_new(code, "%s: %s", host, why);
}

static loop_error *hinted(loop_error *e, const char *hint)
{
    return loop_error_hint_set(e, "%s", hint);
}

static loop_error *curl_failed(const lp_transfer *t, CURLcode code)
{
    const char *why = *t->why ? t->why : curl_easy_strerror(code);
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return hinted(failed(t, LOOP_UNAVAILABLE, "there is no such host, or no network"),
                      "check the name and the network, or use --offline");
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
        return hinted(failed(t, LOOP_UNAVAILABLE, why),
                      "http_proxy, https_proxy and no_proxy say which proxy is used");
    case CURLE_COULDNT_CONNECT:
        return hinted(failed(t, LOOP_UNAVAILABLE, "nobody answers there"),
                      "check that it runs and the network, or use --offline");
    case CURLE_OPERATION_TIMEDOUT:
        return hinted(failed(t, LOOP_TIMEOUT, "no connection in time"),
                      "try again, or use --offline");
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return hinted(failed(t, LOOP_UNAVAILABLE, "the connection was cut"),
                      "try again: what has come is kept");
    case CURLE_PEER_FAILED_VERIFICATION:
        return hinted(failed(t, LOOP_DENIED, why),
                      "its certificate must be one that this machine trusts; SSL_CERT_FILE names "
                      "a file of others");
    case CURLE_SSL_CONNECT_ERROR:
        return hinted(failed(t, LOOP_UNAVAILABLE, why),
                      "does it speak TLS? a registry on this machine may be named with "
                      "`plain-http: true`");
    default: return failed(t, LOOP_INVALID, why);
    }
}

/* ---- what comes ---- */

static void forget_answer(lp_transfer *t)
{
    for (size_t i = 0; i < t->answer.n; i++)
        free(t->answer.at[i]);
    t->answer.n = t->answer.bytes = 0;
    t->status = 0;
    t->led_on = false;
}

static bool is_redirect(const lp_transfer *t)
{
    bool reads = strcmp(t->request->method, "GET") == 0 || strcmp(t->request->method, "HEAD") == 0;
    bool says = t->status == 301 || t->status == 302 || t->status == 303 || t->status == 307 ||
                t->status == 308;
    for (size_t i = 0; reads && says && t->request->follow && i < t->answer.n; i++)
        if (strncasecmp(t->answer.at[i], "Location:", 9) == 0)
            return true;
    return false;
}

/* All headers are there. A host that this was led to does not ask who one is: it would be told. */
static loop_error *headers_end(lp_transfer *t)
{
    if (t->status < 200) { /* 100, 103: the answer is still to come */
        forget_answer(t);
        return NULL;
    }
    t->led_on = is_redirect(t);
    if (t->led_on)
        return NULL;
    t->told = true;
    const char **list = lp_alloc((t->answer.n + 1) * sizeof *list);
    for (size_t i = 0, n = 0; i < t->answer.n; i++)
        if (!t->away || strncasecmp(t->answer.at[i], "WWW-Authenticate:", 17) != 0)
            list[n++] = t->answer.at[i];
    loop_error *e = t->request->head ? t->request->head(t->request->data, t->status, list) : NULL;
    free(list);
    return e;
}

static loop_error *add_header(lp_transfer *t, const char *line, size_t n)
{
    if (t->answer.n >= LP_MAX_HTTP_HEADERS || t->answer.bytes + n > LP_MAX_HTTP_HEADER_BYTES)
        return failed(t, LOOP_LIMIT, "its answer has too many headers");
    t->answer.bytes += n;
    *lp_push(&t->answer) = lp_strndup(line, n);
    return NULL;
}

static size_t on_header(char *at, size_t one, size_t n, void *data)
{
    lp_transfer *t = data;
    size_t all = n;
    t->headed += n;
    while (n && (at[n - 1] == '\r' || at[n - 1] == '\n'))
        n--;
    loop_error *e = NULL;
    if (t->headed > LP_MAX_HTTP_HEADED) { /* "HTTP/1.1 103", again and again: it never ends */
        e = failed(t, LOOP_LIMIT, "its answer has too many headers");
    } else if (t->told) {
        return all; /* a trailer: nobody asked for one */
    } else if (n > 5 && memcmp(at, "HTTP/", 5) == 0) {
        forget_answer(t);
        const char *space = memchr(at, ' ', n);
        t->status = space ? atoi(space + 1) : 0;
        if (t->status < 100 || t->status > 599)
            e = failed(t, LOOP_INVALID, "its answer is not HTTP");
    } else if (n == 0) {
        e = headers_end(t);
    } else {
        e = add_header(t, at, n);
    }
    t->error = e;
    return e ? 0 : all;
}

static size_t on_bytes(char *at, size_t one, size_t n, void *data)
{
    lp_transfer *t = data;
    uint64_t max = t->led_on ? LP_MAX_HTTP_SKIPPED : t->request->max_bytes;
    t->got += n;
    if (t->got > max) {
        lp_auto(lp_free_string) char *size = lp_size_text(max);
        lp_auto(lp_free_string) char *why = lp_format("its answer is larger than %s", size);
        t->error = failed(t, LOOP_LIMIT, why);
    } else if (!t->led_on && t->request->bytes) {
        t->error = t->request->bytes(t->request->data, at, n);
    }
    return t->error ? CURL_WRITEFUNC_ERROR : n;
}

/* ---- what is asked ---- */

/* Headers to send; without `Authorization` where it has come to another host. */
static void set_headers(lp_transfer *t)
{
    curl_slist_free_all(t->headers);
    t->headers = NULL;
    const char *const *h = t->request->headers;
    for (; h && *h; h++)
        if (!t->away || strncasecmp(*h, "Authorization:", 14) != 0)
            t->headers = curl_slist_append(t->headers, *h);
    bool typed = false;
    for (h = t->request->headers; h && *h; h++)
        typed = typed || strncasecmp(*h, "Content-Type:", 13) == 0;
    if (t->request->send && !typed)
        t->headers = curl_slist_append(t->headers, "Content-Type: application/octet-stream");
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
}

static void set_method(lp_transfer *t)
{
    const lp_http_request *r = t->request;
    bool sends = r->send || strcmp(r->method, "POST") == 0 || strcmp(r->method, "PUT") == 0 ||
                 strcmp(r->method, "PATCH") == 0;
    if (strcmp(r->method, "HEAD") == 0) {
        curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
    } else if (sends) {
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, r->send ? r->send : "");
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)(r->send ? r->send_size : 0));
        curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, r->method);
    } else if (strcmp(r->method, "GET") != 0) {
        curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, r->method);
    }
}

static void set_trust(CURL *easy)
{
    const char *file = lp_os_getenv("CURL_CA_BUNDLE");
    if (!file || !*file)
        file = lp_os_getenv("SSL_CERT_FILE");
    if (file && *file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, file);
}

static void set_up(lp_transfer *t)
{
    const lp_http_request *r = t->request;
    CURL *easy = t->easy;
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a name that is looked up is not waited for */
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(r->connect_ms ? r->connect_ms : LP_MAX_HTTP_CONNECT_MS));
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "loop/" LOOP_VERSION);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->why);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    set_trust(easy);
    set_method(t);
    set_headers(t);
}

loop_error *lp_transfer_new(const lp_http_request *request, lp_transfer **ret)
{
    struct url u;
    bool web = url_read(request->url, &u) && url_is_web(&u);
    url_done(&u);
    if (!web)
        return loop_error_new(LOOP_USAGE, "'%.200s' is no address of the web", request->url);
    lp_transfer *t = lp_alloc(sizeof *t);
    t->request = request;
    t->url = lp_strdup(request->url);
    t->since_ns = lp_os_now_ns();
    t->easy = curl_easy_init();
    if (!t->easy || curl_easy_setopt(t->easy, CURLOPT_URL, t->url) != CURLE_OK) {
        lp_transfer_delete(t);
        return loop_error_new(LOOP_SYSTEM, "HTTP does not work here");
    }
    set_up(t);
    *ret = t;
    return NULL;
}

void lp_transfer_delete(lp_transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    forget_answer(t);
    free(t->answer.at);
    free(t->url);
    loop_error_delete(t->error);
    free(t);
}

/* ---- redirects ---- */

/* Whether one may go where the answer leads; notes that it is another host. */
static loop_error *check_redirect(lp_transfer *t, const char *to)
{
    if (++t->redirects > LP_MAX_HTTP_REDIRECTS)
        return failed(t, LOOP_INVALID, "it leads in circles: too many redirects");
    struct url from, next = {0};
    bool ok = url_read(t->url, &from) & url_read(to, &next);
    loop_error *e = NULL;
    if (!ok || !url_is_web(&next)) {
        lp_auto(lp_free_string) char *why =
            lp_format("it leads to '%.80s:', which is not the web", ok ? next.scheme : "?");
        e = failed(t, LOOP_INVALID, why);
    } else if (strcasecmp(from.scheme, "https") == 0 && strcasecmp(next.scheme, "https") != 0) {
        e = failed(t, LOOP_DENIED,
                   "it leads from https to http, where anybody can change what comes");
    } else if (!same(from.scheme, next.scheme) || !same(from.host, next.host) ||
               !same(from.port, next.port)) {
        t->away = true;
    }
    url_done(&from);
    url_done(&next);
    return e;
}

static loop_error *lead_on(lp_transfer *t)
{
    char *to = NULL;
    if (curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &to) != CURLE_OK || !to)
        return failed(t, LOOP_INVALID, "it leads to an address that is none");
    LP_TRY(check_redirect(t, to));
    free(t->url);
    t->url = lp_strdup(to);
    forget_answer(t);
    t->got = t->heard = t->headed = 0;
    t->since_ns = lp_os_now_ns();
    curl_easy_setopt(t->easy, CURLOPT_URL, t->url);
    set_headers(t);
    return NULL;
}

loop_error *lp_transfer_ended(lp_transfer *t, CURLcode code, bool *ret_again)
{
    if (t->error)
        return lp_take(&t->error);
    if (code != CURLE_OK)
        return curl_failed(t, code);
    if (t->led_on) {
        *ret_again = true;
        return lead_on(t);
    }
    if (!t->told)
        return failed(t, LOOP_INVALID, "its answer is not HTTP");
    return NULL;
}

loop_error *lp_transfer_look(lp_transfer *t, uint64_t now_ns)
{
    curl_off_t sent = 0;
    curl_easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    uint64_t heard = t->got + t->headed + (uint64_t)sent;
    uint32_t limit = t->request->stall_ms ? t->request->stall_ms : LP_MAX_HTTP_STALL_MS;
    if (heard < t->heard || heard - t->heard >= LP_MIN_HTTP_BYTES) {
        t->heard = heard;
        t->since_ns = now_ns;
    } else if (now_ns - t->since_ns > limit * 1000000ull) {
        lp_auto(lp_free_string) char *why =
            lp_format("%s for %u seconds", heard ? "hardly anything has come" : "no answer",
                      (limit + 999) / 1000);
        return hinted(failed(t, LOOP_TIMEOUT, why), "try again: what has come is kept");
    }
    return NULL;
}
