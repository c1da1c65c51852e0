/*
 * packages/tools/http_test.c: tests of tools/http.c against a server of a few lines, one connection
 * a thread. What takes a whole registry is in tests/lib/registries.py.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/os/os.h"
#include "packages/tools/tools.h"

static int listener;
static unsigned port;
static _Atomic int connections;
static const lp_packages_tools *tools;

/* ---- the server ---- */

static void say(int fd, const char *text)
{
    (void)!write(fd, text, strlen(text));
}

static void drip(int fd)
{
    say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    for (int i = 0; i < 1000 && send(fd, "x", 1, MSG_NOSIGNAL) == 1; i++)
        usleep(20000);
}

static void many_headers(int fd)
{
    say(fd, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 500; i++)
        send(fd, "X-Header: yes\r\n", 15, MSG_NOSIGNAL);
    send(fd, "\r\n", 2, MSG_NOSIGNAL);
}

/* The answer is still to come, again and again. */
static void early_for_ever(int fd)
{
    while (send(fd, "HTTP/1.1 103 Early\r\nX: y\r\n\r\n", 28, MSG_NOSIGNAL) == 28)
        ;
}

static void answer(int fd, const char *request)
{
    if (strstr(request, " /drip "))
        drip(fd);
    else if (strstr(request, " /silent "))
        sleep(5);
    else if (strstr(request, " /headers "))
        many_headers(fd);
    else if (strstr(request, " /forever "))
        early_for_ever(fd);
    else if (strstr(request, " /nonsense "))
        say(fd, "what do you want?\r\n\r\n");
    else if (strstr(request, " /early "))
        say(fd, "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\nX-Late: 1\r\n"
                "Content-Length: 2\r\n\r\nok");
    else if (strncmp(request, "PUT ", 4) == 0)
        say(fd, strstr(request, "\r\n\r\nbody")
                    ? "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
                    : "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n");
    else
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
}

/* One request after the other, until the other side closes. */
static void *serve(void *data)
{
    int fd = (int)(intptr_t)data;
    char request[4096];
    for (ssize_t n; (n = read(fd, request, sizeof request - 1)) > 0;) {
        request[n] = 0;
        answer(fd, request);
        if (strstr(request, " /drip ") || strstr(request, " /nonsense "))
            break;
    }
    close(fd);
    return NULL;
}

static void *accept_all(void *unused)
{
    (void)unused;
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;) {
        pthread_t thread;
        connections++;
        pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd);
        pthread_detach(thread);
    }
    return NULL;
}

static int start(void **state)
{
    (void)state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    pthread_t thread;
    setenv("no_proxy", "*", 1);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 64) ||
        getsockname(listener, (struct sockaddr *)&at, &size))
        return 1;
    port = ntohs(at.sin_port);
    pthread_create(&thread, NULL, accept_all, NULL);
    pthread_detach(thread);
    loop_error *e = lp_packages_tools_get(&tools);
    loop_error_delete(e);
    return e != NULL;
}

/* ---- asking ---- */

struct heard {
    int status, heads;
    lp_buf body;
    bool late, early;
};

static loop_error *on_head(void *data, int status, const char *const *headers)
{
    struct heard *h = data;
    h->status = status;
    h->heads++;
    for (; *headers; headers++) {
        h->late = h->late || strcmp(*headers, "X-Late: 1") == 0;
        h->early = h->early || strcmp(*headers, "X-Early: 1") == 0;
    }
    return NULL;
}

static loop_error *on_bytes(void *data, const void *bytes, size_t n)
{
    struct heard *h = data;
    lp_buf_add(&h->body, bytes, n);
    return NULL;
}

static lp_http_request request(const char *path, struct heard *h)
{
    static char urls[64][64];
    static unsigned next;
    char *url = urls[next++ % 64];
    snprintf(url, sizeof urls[0], "http://127.0.0.1:%u%s", port, path);
    return (lp_http_request){.method = "GET",
                             .url = url,
                             .follow = true,
                             .head = on_head,
                             .bytes = on_bytes,
                             .data = h,
                             .max_bytes = 100,
                             .stall_ms = 400};
}

static loop_code ask(lp_http_request r)
{
    loop_error *e;
    tools->http(&r, 1, NULL, NULL, &e);
    loop_code code = loop_error_code(e);
    loop_error_delete(e);
    return code;
}

static void an_answer_comes_whole(void **state)
{
    (void)state;
    struct heard h = {0};
    assert_int_equal(ask(request("/", &h)), LOOP_OK);
    assert_int_equal(h.status, 200);
    assert_string_equal(h.body.ptr, "hello");
    lp_buf_done(&h.body);
}

static void early_hints_are_no_answer(void **state)
{
    (void)state;
    struct heard h = {0};
    assert_int_equal(ask(request("/early", &h)), LOOP_OK);
    assert_int_equal(h.heads, 1);
    assert_true(h.late && !h.early);
    lp_buf_done(&h.body);
}

static void what_is_sent_arrives(void **state)
{
    (void)state;
    struct heard h = {0};
    lp_http_request r = request("/x", &h);
    r.method = "PUT";
    r.send = "body";
    r.send_size = 4;
    assert_int_equal(ask(r), LOOP_OK);
    assert_int_equal(h.status, 201);
}

/* Catches: a client that takes any byte for life, and one that waits for ever. */
static void who_hardly_speaks_is_given_up(void **state)
{
    (void)state;
    static const char *const paths[] = {"/drip", "/silent"};
    for (size_t i = 0; i < LP_COUNT(paths); i++) {
        struct heard h = {0};
        uint64_t start = lp_os_now_ns();
        lp_http_request r = request(paths[i], &h);
        r.max_bytes = 10000;
        assert_int_equal(ask(r), LOOP_TIMEOUT);
        uint64_t ms = (lp_os_now_ns() - start) / 1000000;
        assert_in_range(ms, 390, 30000);
        lp_buf_done(&h.body);
    }
}

static void limits_are_limits(void **state)
{
    (void)state;
    struct heard h = {0};
    lp_http_request r = request("/", &h);
    r.max_bytes = 4;
    assert_int_equal(ask(r), LOOP_LIMIT);
    assert_int_equal(ask(request("/headers", &h)), LOOP_LIMIT);
    assert_int_equal(ask(request("/forever", &h)), LOOP_LIMIT);
    lp_buf_done(&h.body);
}

static void what_is_not_the_web_is_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "file:///etc/passwd", "ftp://127.0.0.1/", "127.0.0.1", "gopher://127.0.0.1/", "", "http://",
        "dict://127.0.0.1:1/"};
    for (size_t i = 0; i < LP_COUNT(urls); i++) {
        struct heard h = {0};
        lp_http_request r = request("/", &h);
        r.url = urls[i];
        assert_int_equal(ask(r), LOOP_USAGE);
    }
    struct heard h = {0};
    lp_http_request r = request("/", &h);
    lp_auto(lp_free_string) char *user = lp_format("http://a:b@127.0.0.1:%u/", port);
    r.url = user;
    assert_int_equal(ask(r), LOOP_INVALID); /* a password in a URL ends in logs */
    assert_int_equal(ask(request("/nonsense", &h)), LOOP_INVALID);
}

static void nobody_there_is_unavailable(void **state)
{
    (void)state;
    struct heard h = {0};
    lp_http_request r = request("/", &h);
    r.url = "http://127.0.0.1:1/";
    assert_int_equal(ask(r), LOOP_UNAVAILABLE);
    r.url = "http://nowhere.invalid/";
    assert_int_equal(ask(r), LOOP_UNAVAILABLE);
}

/* ---- many at a time ---- */

static bool after_a_while(void *data)
{
    return lp_os_now_ns() > *(uint64_t *)data;
}

/* Catches: a client that looks for a cancellation between requests only. */
static void a_cancellation_is_heard_at_once(void **state)
{
    (void)state;
    struct heard h[20] = {0};
    lp_http_request r[20];
    loop_error *errors[20];
    for (size_t i = 0; i < 20; i++) {
        r[i] = request("/silent", &h[i]);
        r[i].stall_ms = 60000;
    }
    uint64_t at = lp_os_now_ns() + 200000000u;
    tools->http(r, 20, after_a_while, &at, errors);
    assert_true(lp_os_now_ns() < at + 20000000000u); /* before any of them stalls */
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(loop_error_code(errors[i]), LOOP_CANCELLED);
        loop_error_delete(errors[i]);
    }
}

/* Catches: a connection for each request, and answers that are mixed up. */
static void connections_are_kept(void **state)
{
    (void)state;
    struct heard h[64] = {0};
    lp_http_request r[64];
    loop_error *errors[64];
    int before = connections;
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < 64; i++)
            r[i] = request("/", &h[i]);
        tools->http(r, 64, NULL, NULL, errors);
        for (size_t i = 0; i < 64; i++) {
            assert_null(errors[i]);
            assert_string_equal(h[i].body.ptr, "hello");
            h[i].body.len = 0;
        }
    }
    assert_in_range(connections - before, 0, LP_MAX_HTTP_AT_ONCE); /* for 192 requests */
    for (size_t i = 0; i < 64; i++)
        lp_buf_done(&h[i].body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_whole),
        cmocka_unit_test(early_hints_are_no_answer),
        cmocka_unit_test(what_is_sent_arrives),
        cmocka_unit_test(who_hardly_speaks_is_given_up),
        cmocka_unit_test(limits_are_limits),
        cmocka_unit_test(what_is_not_the_web_is_refused),
        cmocka_unit_test(nobody_there_is_unavailable),
        cmocka_unit_test(connections_are_kept),
        cmocka_unit_test(a_cancellation_is_heard_at_once),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
