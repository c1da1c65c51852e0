/*
 * packages/tools/http.c: HTTP for registries: many requests at a time over kept connections, on
 * the calling thread.
 *
 * libcurl does the protocol. What is done here instead of by its options is what must be said
 * clearly or be the same for every caller:
 *
 *   redirects  one request each, so that a scheme, a host and a count are looked at before
 *              anything is sent, and credentials stay with the host that they were meant for
 *   stalls     fewer than LP_MIN_HTTP_BYTES in `stall_ms`, either way: a server that drips, and
 *              one that takes a request and says nothing
 *   the end    `cancelled` is asked every 50 ms; a request that is given up is taken off in the
 *              middle, its connection closed, and nobody waits for a name server
 *
 * Only http and https, whatever libcurl was built with. No cookies, no .netrc, no compression
 * (bytes are what digests were made of), proxies as the environment says to curl. SSL_CERT_FILE,
 * or CURL_CA_BUNDLE, names other certificates than the system's.
 *
 * A multi handle keeps connections; it is one caller's at a time, and kept for the next in
 * `kept`, the only state here. http_transfer.c is one request.
 */
#include <curl/curl.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/os/os.h"
#include "packages/tools/http.h"
#include "packages/tools/internal.h"

#define TURN_MS 50 /* so often is looked at time and cancellation */

static _Atomic(CURLM *) kept[4];

static CURLM *take_multi(void)
{
    for (size_t i = 0; i < LP_COUNT(kept); i++) {
        CURLM *multi = atomic_exchange(&kept[i], NULL);
        if (multi)
            return multi;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return NULL;
    CURLM *multi = curl_multi_init();
    if (multi)
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)(2 * LP_MAX_HTTP_AT_ONCE));
    return multi;
}

static void give_multi(CURLM *multi)
{
    for (size_t i = 0; i < LP_COUNT(kept); i++) {
        CURLM *none = NULL;
        if (atomic_compare_exchange_strong(&kept[i], &none, multi))
            return;
    }
    curl_multi_cleanup(multi);
}

/* What one call of lp_http has. */
struct batch {
    CURLM *multi;
    const lp_http_request *requests;
    size_t n, next; /* those from `next` on have not begun */
    loop_error **errors;
    lp_transfer *active[LP_MAX_HTTP_AT_ONCE];
    size_t active_n;
};

/* Takes `e`; NULL: it went well. */
static void end(struct batch *b, size_t place, loop_error *e)
{
    lp_transfer *t = b->active[place];
    curl_multi_remove_handle(b->multi, t->easy);
    b->errors[t->request - b->requests] = e;
    lp_transfer_delete(t);
    b->active[place] = b->active[--b->active_n];
}

static void begin_some(struct batch *b)
{
    while (b->next < b->n && b->active_n < LP_MAX_HTTP_AT_ONCE) {
        const lp_http_request *r = &b->requests[b->next++];
        lp_transfer *t;
        loop_error *e = lp_transfer_new(r, &t);
        if (e) {
            b->errors[r - b->requests] = e;
            continue;
        }
        b->active[b->active_n++] = t;
        if (curl_multi_add_handle(b->multi, t->easy) != CURLM_OK)
            end(b, b->active_n - 1, loop_error_new(LOOP_SYSTEM, "cannot begin a request"));
    }
}

/* One of libcurl's is over: it ends, or goes on where it was led to. */
static void ended(struct batch *b, CURL *easy, CURLcode code)
{
    for (size_t i = 0; i < b->active_n; i++) {
        lp_transfer *t = b->active[i];
        if (t->easy != easy)
            continue;
        bool again = false;
        loop_error *e = lp_transfer_ended(t, code, &again);
        if (!e && again) {
            curl_multi_remove_handle(b->multi, easy);
            if (curl_multi_add_handle(b->multi, easy) == CURLM_OK)
                return;
            e = loop_error_new(LOOP_SYSTEM, "cannot follow a redirect");
        }
        end(b, i, e);
        return;
    }
}

static void look_at_time(struct batch *b)
{
    uint64_t now = lp_os_now_ns();
    for (size_t i = b->active_n; i-- > 0;) {
        loop_error *e = lp_transfer_look(b->active[i], now);
        if (e)
            end(b, i, e);
    }
}

/* NULL, or why nothing goes on. */
static loop_error *turn(struct batch *b)
{
    int running;
    CURLMcode code = curl_multi_perform(b->multi, &running);
    if (code == CURLM_OK) {
        CURLMsg *m;
        int more;
        while ((m = curl_multi_info_read(b->multi, &more)))
            if (m->msg == CURLMSG_DONE)
                ended(b, m->easy_handle, m->data.result);
        begin_some(b);
        look_at_time(b);
        if (b->active_n)
            code = curl_multi_poll(b->multi, NULL, 0, TURN_MS, NULL);
    }
    if (code != CURLM_OK)
        return loop_error_new(LOOP_SYSTEM, "HTTP does not work here: %s",
                              curl_multi_strerror(code));
    return NULL;
}

static void give_up(struct batch *b, loop_error *e)
{
    while (b->active_n)
        end(b, b->active_n - 1, lp_error_copy(e));
    for (; b->next < b->n; b->next++)
        b->errors[b->next] = lp_error_copy(e);
    loop_error_delete(e);
}

void lp_http(const lp_http_request *requests, size_t n, bool (*cancelled)(void *data), void *data,
             loop_error **ret_errors)
{
    struct batch b = {.requests = requests, .n = n, .errors = ret_errors};
    for (size_t i = 0; i < n; i++)
        ret_errors[i] = NULL;
    b.multi = take_multi();
    if (!b.multi) {
        give_up(&b, loop_error_new(LOOP_SYSTEM, "HTTP does not work here"));
        return;
    }
    begin_some(&b);
    loop_error *e = NULL;
    while (!e && (b.active_n || b.next < b.n)) {
        if (cancelled && cancelled(data))
            e = loop_error_new(LOOP_CANCELLED, "cancelled");
        else
            e = turn(&b);
    }
    if (e)
        give_up(&b, e);
    give_multi(b.multi);
}
