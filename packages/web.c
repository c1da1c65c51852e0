/*
 * packages/web.c: see web.h. HTTP itself is tools/http.c's.
 *
 * A second try is for what a network does, not for what a server says: a question that changes
 * nothing, of which nothing was handed on yet.
 */
#include "packages/web.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include <sodium.h>

#include "base/os/os.h"
#include "base/text.h"
#include "packages/json.h"

#define TRIES 3
#define FIRST_WAIT_MS 200
#define AT_ONCE 256 /* questions of one batch */

/* ---- texts ---- */

const char *lp_web_line(lp_arena *arena, const char *name, const char *value)
{
    lp_auto(lp_free_string) char *line = lp_format("%s: %s", name, value);
    return lp_arena_strndup(arena, line, strlen(line));
}

/* "https://" and what follows up to the path. */
static lp_str origin_of(const char *url)
{
    const char *slashes = strstr(url, "://");
    if (!slashes)
        return (lp_str){url, 0};
    return (lp_str){url, (size_t)(slashes - url) + 3 + strcspn(slashes + 3, "/?#")};
}

const char *lp_web_host(lp_arena *arena, const char *url)
{
    lp_str origin = origin_of(url);
    const char *slashes = origin.len ? strstr(url, "://") + 3 : url;
    return lp_arena_strndup(arena, slashes, (size_t)(origin.ptr + origin.len - slashes));
}

bool lp_web_same_host(const char *a, const char *b)
{
    lp_str x = origin_of(a), y = origin_of(b);
    return x.len && x.len == y.len && strncasecmp(x.ptr, y.ptr, x.len) == 0;
}

const char *lp_web_absolute(lp_arena *arena, const char *url, const char *path)
{
    lp_str origin = origin_of(url), own = origin_of(path);
    if (strlen(path) > LP_MAX_HTTP_URL || !origin.len)
        return NULL;
    if (path[0] != '/') {
        bool tls = strncasecmp(url, "https:", 6) == 0, to_tls = strncasecmp(path, "https:", 6) == 0;
        bool web = to_tls || strncasecmp(path, "http:", 5) == 0;
        return own.len && web && (to_tls || !tls) ? lp_arena_strndup(arena, path, strlen(path))
                                                  : NULL;
    }
    if (path[1] == '/')
        return NULL;
    lp_auto(lp_free_string) char *whole = lp_format("%.*s%s", (int)origin.len, origin.ptr, path);
    return lp_arena_strndup(arena, whole, strlen(whole));
}

const char *lp_web_base64(lp_arena *arena, const void *bytes, size_t n)
{
    size_t size = sodium_base64_encoded_len(n, sodium_base64_VARIANT_ORIGINAL);
    char *text = lp_arena_alloc(arena, size);
    return sodium_bin2base64(text, size, bytes, n, sodium_base64_VARIANT_ORIGINAL);
}

const char *lp_web_header(const lp_web_ask *ask, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < ask->answer.n; i++) {
        const char *h = ask->answer.at[i];
        if (strncasecmp(h, name, n) != 0 || h[n] != ':')
            continue;
        h += n + 1;
        return h + strspn(h, " \t");
    }
    return NULL;
}

/* ---- one question ---- */

static void forget(lp_web_ask *ask)
{
    for (size_t i = 0; i < ask->answer.n; i++)
        free(ask->answer.at[i]);
    ask->answer.n = 0;
    ask->body.len = 0;
    ask->status = 0;
    loop_error_delete(lp_take(&ask->error));
}

void lp_web_done(lp_web_ask *ask)
{
    forget(ask);
    free(ask->answer.at);
    ask->answer.at = NULL;
    ask->answer.cap = 0;
    lp_buf_done(&ask->body);
}

static bool is_good(const lp_web_ask *ask)
{
    return ask->status == 200 || ask->status == 206;
}

static loop_error *on_head(void *data, int status, const char *const *headers)
{
    lp_web_ask *ask = data;
    ask->status = status;
    for (; *headers; headers++)
        *lp_push(&ask->answer) = lp_strdup(*headers);
    return is_good(ask) && ask->head ? ask->head(ask->data, ask) : NULL;
}

static loop_error *on_bytes(void *data, const void *bytes, size_t n)
{
    lp_web_ask *ask = data;
    if (is_good(ask) && ask->take)
        return ask->take(ask->data, bytes, n);
    size_t max = is_good(ask) ? SIZE_MAX : LP_MAX_REGISTRY_TOKEN; /* the rest of an apology */
    lp_buf_add(&ask->body, bytes, ask->body.len >= max ? 0 : LP_MIN(n, max - ask->body.len));
    return NULL;
}

/* The headers with `Authorization`; the list is for free(). */
static const char **headers_of(lp_arena *arena, const lp_web_ask *ask)
{
    const char **list = lp_arena_alloc(arena, (LP_WEB_HEADERS + 2) * sizeof *list);
    size_t n = 0;
    for (; n < LP_WEB_HEADERS && ask->headers[n]; n++)
        list[n] = ask->headers[n];
    if (ask->authorization)
        list[n++] = lp_web_line(arena, "Authorization", ask->authorization);
    return list;
}

/* ---- batches ---- */

static bool asks_for_time(const lp_web_ask *ask)
{
    return ask->status == 429 || (ask->status >= 502 && ask->status <= 504);
}

static bool again(const lp_web_ask *ask)
{
    bool reads =
        !ask->method || strcmp(ask->method, "GET") == 0 || strcmp(ask->method, "HEAD") == 0;
    if (!reads || ask->once)
        return false;
    if (!ask->error)
        return asks_for_time(ask);
    loop_code code = loop_error_code(ask->error);
    return (code == LOOP_UNAVAILABLE && !(ask->take && is_good(ask)));
}

/* What a server wants between two tries. */
static uint64_t wait_for(const lp_web_ask *ask, uint64_t least)
{
    const char *text = ask->error ? NULL : lp_web_header(ask, "retry-after");
    uint64_t ms = 0;
    for (; text && isdigit((unsigned char)*text) && ms < LP_MAX_REGISTRY_WAIT_MS; text++)
        ms = ms * 10 + (uint64_t)(*text - '0') * 1000;
    return LP_MIN(LP_MAX(ms, least), LP_MAX_REGISTRY_WAIT_MS);
}

loop_error *lp_web_wait(const lp_web *web, uint64_t ms)
{
    uint64_t end = lp_os_now_ns() + ms * 1000000;
    while (lp_os_now_ns() < end) {
        if (web->cancelled && web->cancelled(web->data))
            return loop_error_new(LOOP_CANCELLED, "cancelled");
        lp_os_sleep_ms(20);
    }
    return NULL;
}

static void run_once(lp_web *web, lp_web_ask **asks, size_t n)
{
    lp_arena arena = {0};
    lp_http_request *requests = lp_alloc(n * sizeof *requests);
    loop_error **errors = lp_alloc(n * sizeof *errors);
    for (size_t i = 0; i < n; i++) {
        lp_web_ask *ask = asks[i];
        forget(ask);
        requests[i] = (lp_http_request){.method = ask->method ? ask->method : "GET",
                                        .url = ask->url,
                                        .headers = headers_of(&arena, ask),
                                        .follow = true,
                                        .send = ask->send,
                                        .send_size = ask->send_size,
                                        .head = on_head,
                                        .bytes = on_bytes,
                                        .data = ask,
                                        .max_bytes = ask->max};
    }
    web->tools->http(requests, n, web->cancelled, web->data, errors);
    for (size_t i = 0; i < n; i++)
        asks[i]->error = errors[i];
    free(requests);
    free(errors);
    lp_arena_done(&arena);
}

static void run_batch(lp_web *web, lp_web_ask *asks, size_t n)
{
    lp_web_ask *open[AT_ONCE];
    size_t left = n;
    for (size_t i = 0; i < n; i++)
        open[i] = &asks[i];
    for (unsigned try = 1;; try++) {
        run_once(web, open, left);
        uint64_t wait = 0;
        size_t k = 0;
        for (size_t i = 0; i < left; i++) {
            if (try == TRIES || !again(open[i]))
                continue;
            wait = LP_MAX(wait, wait_for(open[i], (uint64_t)FIRST_WAIT_MS << (try - 1)));
            open[k++] = open[i];
        }
        left = k;
        if (!left)
            return;
        loop_error *e = lp_web_wait(web, wait);
        for (size_t i = 0; e && i < left; i++) {
            forget(open[i]);
            open[i]->error = lp_error_copy(e);
        }
        if (e) {
            loop_error_delete(e);
            return;
        }
    }
}

void lp_web_run(lp_web *web, lp_web_ask *asks, size_t n)
{
    loop_error *e = web->tools ? NULL : lp_packages_tools_get(&web->tools);
    for (size_t i = 0; e && i < n; i++) {
        forget(&asks[i]);
        asks[i].error = lp_error_copy(e);
    }
    for (size_t i = 0; !e && i < n; i += AT_ONCE)
        run_batch(web, asks + i, LP_MIN(n - i, (size_t)AT_ONCE));
    loop_error_delete(e);
}

loop_error *lp_web_run_one(lp_web *web, lp_web_ask *ask)
{
    lp_web_run(web, ask, 1);
    return lp_take(&ask->error);
}

/* ---- what an answer means ---- */

/* "NAME_UNKNOWN: repository name not known to registry", or "". */
static void reason_of(const lp_web_ask *ask, char *ret, size_t size)
{
    lp_auto(lp_json_free) json_t *root = NULL;
    ret[0] = 0;
    loop_error *e = lp_json_parse("the answer", ask->body.ptr, ask->body.len, &root);
    loop_error_delete(e);
    if (e)
        return;
    const json_t *first = json_array_get(json_object_get(root, "errors"), 0);
    const char *code = lp_json_text(first, "code"), *message = lp_json_text(first, "message");
    if (!code && !message)
        return;
    lp_auto(lp_free_string) char *text = lp_format(
        ": %s%s%s", code ? code : "", code && message ? ": " : "", message ? message : "");
    lp_text_shown(text, ret, size);
}

loop_error *lp_web_refused(const lp_web_ask *ask)
{
    char why[256];
    lp_arena arena = {0};
    reason_of(ask, why, sizeof why);
    const char *host = lp_web_host(&arena, ask->url);
    loop_error *e;
    if (ask->status == 401 || ask->status == 403)
        e = loop_error_hint_set(
            loop_error_new(LOOP_DENIED, "%s answers %d%s", host, ask->status, why),
            "give `user` and `password` for it in registries.yaml of your configuration, or use "
            "docker's login");
    else if (ask->status == 404 || ask->status == 410)
        e = loop_error_new(LOOP_NOT_FOUND, "%s answers %d%s", host, ask->status, why);
    else if (ask->status == 429 || ask->status >= 500)
        e = loop_error_hint_set(
            loop_error_new(LOOP_UNAVAILABLE, "%s answers %d%s", host, ask->status, why),
            "try again later");
    else
        e = loop_error_new(LOOP_INVALID, "%s answers %d%s", host, ask->status, why);
    lp_arena_done(&arena);
    return e;
}
