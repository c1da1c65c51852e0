/*
 * host/wasi_asks_test.c: every function of WASI that the engine links, and every hook by which the
 * engine asks (lpx_hooks of engine/ext.h), is asked about, or stands here with the reason why not.
 *
 * Functions come from the engine's own list (lp_wasi_rows), hooks and the uses of a socket from
 * the header's text: what is new in either and in no table fails. Each hook is then reached by a
 * real guest in a way that no other hook is, which shows that it asks the decision function, that
 * who listens to decisions is told, and that the guest did not get what was denied.
 *
 * Needs the test guests; LOOP_TEST_GUESTS says where they are (build/guests).
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/asked_test.h"
#include "host/internal.h"
#include "base/os/os.h"

/* ---- functions ---- */

typedef enum how {
    BASELINE, /* anybody may; `why` */
    OBJECT,   /* on a stream, descriptor, socket, ...: asked about when that was made */
    ASKED,    /* of the decision function, for `kind` */
} how;

/* Each function that the engine links, by the first row that fits; "*" is any, at the end of a word
 * too. */
static const struct wasi_row {
    const char *interface_name, *function;
    how how;
    loop_grant_kind kind;
    const char *why;
} wasi[] = {
    {"wasi:cli/environment", "get-environment", ASKED, LOOP_GRANT_ENV, "at the start, each name"},
    {"wasi:cli/environment", "get-arguments", BASELINE, 0, "its own"},
    {"wasi:cli/environment", "initial-cwd", BASELINE, 0, "always none"},
    {"wasi:cli/exit", "*", BASELINE, 0, "ends itself"},
    {"wasi:cli/std*", "*", BASELINE, 0, "standard streams are everybody's"},
    {"wasi:cli/terminal-*", "*", BASELINE, 0, "whether those are a terminal"},
    {"wasi:clocks/*", "*", BASELINE, 0, "clocks"},
    {"wasi:random/*", "*", BASELINE, 0, "random numbers"},
    {"wasi:io/*", "*", OBJECT, 0, "streams, pollables and errors that something else made"},
    {"wasi:filesystem/preopens", "get-directories", ASKED, LOOP_GRANT_DIR,
     "at the start, each directory"},
    {"wasi:filesystem/types", "filesystem-error-code", OBJECT, 0, "an error of a stream"},
    {"wasi:filesystem/types", "[method]descriptor.*", OBJECT, 0,
     "below a directory that was asked about; the engine keeps every path inside"},
    {"wasi:filesystem/types", "[method]directory-entry-stream.*", OBJECT, 0, "of such a directory"},
    {"wasi:http/outgoing-handler", "handle", ASKED, LOOP_GRANT_HTTP, "each request"},
    {"wasi:http/types", "*", BASELINE, 0, "values in memory, until `handle` has them"},
    {"wasi:sockets/instance-network", "instance-network", BASELINE, 0,
     "a token that stands for nothing: what uses it asks"},
    {"wasi:sockets/network", "network-error-code", OBJECT, 0, "an error of a stream"},
    {"wasi:sockets/ip-name-lookup", "resolve-addresses", ASKED, LOOP_GRANT_NET, "each name"},
    {"wasi:sockets/ip-name-lookup", "[method]resolve-address-stream.*", OBJECT, 0,
     "of such a look-up"},
    {"wasi:sockets/tcp-create-socket", "*", BASELINE, 0, "one that is bound to nothing"},
    {"wasi:sockets/udp-create-socket", "*", BASELINE, 0, "one that is bound to nothing"},
    {"wasi:sockets/tcp", "[method]tcp-socket.start-connect", ASKED, LOOP_GRANT_NET, "each address"},
    {"wasi:sockets/tcp", "[method]tcp-socket.start-bind", ASKED, LOOP_GRANT_LISTEN,
     "each address, but what connecting does by itself"},
    {"wasi:sockets/tcp", "[method]tcp-socket.start-listen", ASKED, LOOP_GRANT_LISTEN,
     "the address that it is bound to"},
    {"wasi:sockets/tcp", "[method]tcp-socket.accept", ASKED, LOOP_GRANT_NET,
     "whether a line denies who comes; that it listens was granted"},
    {"wasi:sockets/tcp", "[method]tcp-socket.*", OBJECT, 0, "of a socket"},
    {"wasi:sockets/udp", "[method]udp-socket.start-bind", ASKED, LOOP_GRANT_LISTEN, "each address"},
    {"wasi:sockets/udp", "[method]udp-socket.stream", ASKED, LOOP_GRANT_NET,
     "the address that it is for"},
    {"wasi:sockets/udp", "[method]outgoing-datagram-stream.send", ASKED, LOOP_GRANT_NET,
     "each datagram's"},
    {"wasi:sockets/udp", "[method]incoming-datagram-stream.receive", ASKED, LOOP_GRANT_NET,
     "each datagram's"},
    {"wasi:sockets/udp", "[method]*", OBJECT, 0, "of a socket"},
};

static bool fits(const char *pattern, const char *text)
{
    size_t n = strlen(pattern);
    bool open = n && pattern[n - 1] == '*';
    return open ? strncmp(pattern, text, n - 1) == 0 : strcmp(pattern, text) == 0;
}

static const struct wasi_row *row_of(const char *interface_name, const char *function)
{
    for (size_t i = 0; i < LP_COUNT(wasi); i++)
        if (fits(wasi[i].interface_name, interface_name) && fits(wasi[i].function, function))
            return &wasi[i];
    return NULL;
}

static void every_function_of_wasi_is_in_the_table(void **state)
{
    (void)state;
    bool used[LP_COUNT(wasi)] = {false};
    size_t functions = 0;
    for (size_t i = 0; lp_wasi_rows[i].interface_name; i++) {
        const lp_wasi_row *r = &lp_wasi_rows[i];
        if (!r->function)
            continue;
        functions++;
        const struct wasi_row *row = row_of(r->interface_name, r->function);
        if (!row)
            fail_msg("nobody says what '%s' of '%s' asks", r->function, r->interface_name);
        used[row - wasi] = true;
    }
    for (size_t i = 0; i < LP_COUNT(wasi); i++)
        if (!used[i])
            fail_msg("the engine has no '%s' of '%s' any more", wasi[i].function,
                     wasi[i].interface_name);
    assert_true(functions > 150);
}

/* ---- hooks ---- */

/* A hook that this table leaves out has another size. */
_Static_assert(sizeof(lp_guest_hooks) == 9 * sizeof(void *), "a hook is new: a row in `hooks`");

/* Our own socket at the other end. */
typedef enum peer { NOBODY, CONNECTS, SENDS } peer;

static uint16_t guest_port, peer_port;

/* PORT in a text is the guest's port, PEER that of our socket. */
static const struct hook_row {
    const char *hook; /* in lpx_hooks; for `net`, LPX_NET_* */
    const char *guest;
    const char *args[6];
    const char *grants[3]; /* "listen 127.0.0.1:PORT"; "!net 127.0.0.1": a denial */
    peer peer;
    loop_grant_kind kind;
    const char *name, *port; /* of the request */
    bool address;            /* which has one */
    bool allowed;            /* what that was answered */
    int status;              /* of the guest */
} hooks[] = {
    {"http",
     "http-wait",
     {"http-wait", "http://127.0.0.1:PORT/"},
     {NULL},
     NOBODY,
     LOOP_GRANT_HTTP,
     "127.0.0.1",
     "PORT",
     false,
     false,
     1},
    {"http_to",
     "http-wait",
     {"http-wait", "http://localhost:PORT/"},
     {"http localhost:PORT"},
     NOBODY,
     LOOP_GRANT_HTTP,
     "localhost",
     "PORT",
     true,
     true,
     1},
    {"resolve",
     "inbound",
     {"inbound", "resolve", "localhost"},
     {NULL},
     NOBODY,
     LOOP_GRANT_NET,
     "localhost",
     NULL,
     false,
     false,
     1},
    {"LPX_NET_TCP_BIND",
     "inbound",
     {"inbound", "bind", "127.0.0.1", "PORT"},
     {NULL},
     NOBODY,
     LOOP_GRANT_LISTEN,
     "127.0.0.1",
     "PORT",
     false,
     false,
     1},
    /* What is bound to no address was not asked about before. */
    {"LPX_NET_TCP_LISTEN",
     "inbound",
     {"inbound", "listen", "0.0.0.0", "0"},
     {NULL},
     NOBODY,
     LOOP_GRANT_LISTEN,
     "0.0.0.0",
     NULL,
     false,
     false,
     1},
    {"LPX_NET_TCP_ACCEPT",
     "inbound",
     {"inbound", "listen", "127.0.0.1", "PORT"},
     {"listen 127.0.0.1:PORT", "!net 127.0.0.1"},
     CONNECTS,
     LOOP_GRANT_NET,
     "127.0.0.1",
     "PEER",
     false,
     false,
     LOOP_TIMEOUT /* it goes on waiting for somebody else */},
    {"LPX_NET_TCP_CONNECT",
     "connect",
     {"connect", "127.0.0.1", "PORT"},
     {NULL},
     NOBODY,
     LOOP_GRANT_NET,
     "127.0.0.1",
     "PORT",
     false,
     false,
     1},
    {"LPX_NET_UDP_BIND",
     "inbound",
     {"inbound", "udp-bind", "127.0.0.1", "PORT"},
     {NULL},
     NOBODY,
     LOOP_GRANT_LISTEN,
     "127.0.0.1",
     "PORT",
     false,
     false,
     1},
    {"LPX_NET_UDP_SEND",
     "inbound",
     {"inbound", "udp-send", "127.0.0.1", "PORT"},
     {NULL},
     NOBODY,
     LOOP_GRANT_NET,
     "127.0.0.1",
     "PORT",
     false,
     false,
     1 /* the datagram after the one that was denied says so */},
    /* It sends nothing: only a hook of hearing can ask about us. */
    {"LPX_NET_UDP_RECEIVE",
     "inbound",
     {"inbound", "udp-echo", "127.0.0.1", "PORT"},
     {"listen 127.0.0.1:PORT", "!net 127.0.0.1"},
     SENDS,
     LOOP_GRANT_NET,
     "127.0.0.1",
     "PEER",
     false,
     false,
     1},
};

/* Hooks that ask nothing: why. */
static const struct {
    const char *hook, *why;
} other_hooks[] = {
    {"net", "asks for each use of a socket: LPX_NET_*"},
    {"net_ref", "counts who may still ask"},
    {"net_unref", "counts who may still ask"},
    {"open_failed", "tells what the engine has refused; directories are asked about before"},
};

static bool is_known(const char *hook)
{
    for (size_t i = 0; i < LP_COUNT(hooks); i++)
        if (strcmp(hooks[i].hook, hook) == 0)
            return true;
    for (size_t i = 0; i < LP_COUNT(other_hooks); i++)
        if (strcmp(other_hooks[i].hook, hook) == 0)
            return true;
    return false;
}

/* Each word of `text` that comes after `before`. */
static size_t each_known(const char *text, const char *before)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, before)); count++) {
        at += *before == '(' ? 2 : 0;
        size_t n = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz0123456789");
        lp_auto(lp_free_string) char *name = lp_strndup(at, n);
        if (!is_known(name))
            fail_msg("engine/ext.h has '%s', and nobody shows here that it asks", name);
        at += n;
    }
    return count;
}

static char *part_of(const char *text, const char *from, const char *to)
{
    const char *begin = strstr(text, from), *end = begin ? strstr(begin, to) : NULL;
    if (!end)
        fail_msg("engine/ext.h has no '%s' any more", from);
    return lp_strndup(begin, (size_t)(end - begin));
}

static void every_hook_of_the_header_is_in_the_table(void **state)
{
    (void)state;
    uint8_t *bytes;
    size_t len;
    asked_must(lp_os_read_file(SOURCE "/engine/ext.h", 1 << 20, &bytes, &len));
    lp_auto(lp_free_string) char *text = lp_strndup((char *)bytes, len);
    free(bytes);
    lp_auto(lp_free_string) char *members =
        part_of(text, "typedef struct lpx_hooks {", "} lpx_hooks;");
    lp_auto(lp_free_string) char *uses = part_of(text, "    LPX_NET_TCP_BIND", "};");
    size_t there = each_known(members, "(*") + each_known(uses, "LPX_NET_");
    assert_int_equal(there, LP_COUNT(hooks) + LP_COUNT(other_hooks));
}

/* A port that nobody has now. */
static uint16_t free_port(int type)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof a;
    int s = socket(AF_INET, type, 0);
    assert_int_equal(bind(s, (struct sockaddr *)&a, len), 0);
    assert_int_equal(getsockname(s, (struct sockaddr *)&a, &len), 0);
    close(s);
    return ntohs(a.sin_port);
}

static char *with_ports(const char *text)
{
    const char *at = strstr(text, "PORT");
    return at ? lp_format("%.*s%u%s", (int)(at - text), text, guest_port, at + 4) : lp_strdup(text);
}

/* Comes from peer_port until the guest is there: it binds or listens in its own time. */
static void *meet(void *data)
{
    const struct hook_row *row = data;
    struct sockaddr_in us = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)},
                             .sin_port = htons(peer_port)},
                       guest = us;
    guest.sin_port = htons(guest_port);
    bool tcp = row->peer == CONNECTS, met = false;
    for (int i = 0; i < 300 && !met; i++) {
        int s = socket(AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
        int yes = 1;
        setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (bind(s, (struct sockaddr *)&us, sizeof us) == 0 &&
            connect(s, (struct sockaddr *)&guest, sizeof guest) == 0)
            met = send(s, "hello\n", 6, MSG_NOSIGNAL) == 6 && tcp;
        usleep(10000);
        close(s);
    }
    return NULL;
}

static void fill_policy(loop_policy *p, const struct hook_row *row)
{
    for (size_t i = 0; row->grants[i]; i++) {
        bool deny = row->grants[i][0] == '!';
        const char *kind = row->grants[i] + deny;
        size_t n = strcspn(kind, " ");
        lp_auto(lp_free_string) char *text = with_ports(kind + n + 1);
        loop_grant_kind k = 0;
        while (strlen(loop_grant_kind_name(k)) != n ||
               strncmp(loop_grant_kind_name(k), kind, n) != 0)
            k++;
        asked_grant(p, k, text, deny);
    }
}

static void check_hook(const struct hook_row *row)
{
    int type = strstr(row->hook, "UDP") ? SOCK_DGRAM : SOCK_STREAM;
    guest_port = free_port(type);
    do
        peer_port = free_port(type);
    while (peer_port == guest_port);
    loop_policy *policy = loop_policy_new();
    fill_policy(policy, row);
    char *args[6] = {NULL};
    for (size_t i = 0; row->args[i]; i++)
        args[i] = with_ports(row->args[i]);
    pthread_t thread;
    if (row->peer != NOBODY)
        assert_int_equal(pthread_create(&thread, NULL, meet, (void *)row), 0);
    loop_result result;
    asked_reset();
    asked_run(row->guest, (const char *const *)args, policy, row->status == LOOP_TIMEOUT, &result);
    if (row->peer != NOBODY)
        pthread_join(thread, NULL);
    uint16_t port = !row->port ? 0 : strcmp(row->port, "PEER") == 0 ? peer_port : guest_port;
    const asking *a = asked_for(row->kind, row->name, port, row->address);
    lp_auto(lp_free_string) char *all = asked_text();
    if (!a || a->allowed != row->allowed)
        fail_msg("%s did not ask for %s %s:%u, was told otherwise, or told nobody; it was asked:%s",
                 row->hook, loop_grant_kind_name(row->kind), row->name, port, all);
    if (result.status != row->status)
        fail_msg("%s: the guest ended with %d", row->hook, result.status);
    for (size_t i = 0; args[i]; i++)
        free(args[i]);
    loop_policy_delete(policy);
}

static void every_hook_asks(void **state)
{
    (void)state;
    for (size_t i = 0; i < LP_COUNT(hooks); i++)
        check_hook(&hooks[i]);
}

/* ---- what is asked when a component is linked ---- */

/* Variables and directories: what a guest is not granted is not there, and each grant is asked. */
static void variables_and_directories_are_asked_about(void **state)
{
    (void)state;
    static const char *const env[] = {"env", NULL}, *const list[] = {"listdir", "/d", NULL};
    loop_result result;
    loop_policy *policy = loop_policy_new();
    asked_grant(policy, LOOP_GRANT_ENV, "A=b", false);
    asked_grant(policy, LOOP_GRANT_ENV, "C=d", false);
    asked_grant(policy, LOOP_GRANT_ENV, "C", true);
    asked_grant(policy, LOOP_GRANT_DIR, SOURCE "/base/os::/d:ro", false);
    asked_reset();
    asked_run("env", env, policy, false, &result);
    assert_true(asked_for(LOOP_GRANT_ENV, "A", 0, false)->allowed);
    assert_false(asked_for(LOOP_GRANT_ENV, "C", 0, false)->allowed);
    asked_reset();
    asked_run("listdir", list, policy, false, &result);
    assert_true(asked_for(LOOP_GRANT_DIR, "/d", 0, false)->allowed);
    assert_int_equal(result.status, 0);
    asked_grant(policy, LOOP_GRANT_DIR, SOURCE "/base/os", true);
    asked_reset();
    asked_run("listdir", list, policy, false, &result);
    assert_false(asked_for(LOOP_GRANT_DIR, "/d", 0, false)->allowed);
    assert_int_not_equal(result.status, 0);
    loop_policy_delete(policy);
}

/* Each function of the table that asks is one that a hook above, or linking, is shown to ask for.
 */
static void every_function_that_asks_is_shown(void **state)
{
    (void)state;
    static const struct {
        const char *function, *hook; /* "": when it is linked */
    } shown[] = {
        {"get-environment", ""},
        {"get-directories", ""},
        {"handle", "http"},
        {"resolve-addresses", "resolve"},
        {"[method]tcp-socket.start-connect", "LPX_NET_TCP_CONNECT"},
        {"[method]tcp-socket.start-bind", "LPX_NET_TCP_BIND"},
        {"[method]tcp-socket.start-listen", "LPX_NET_TCP_LISTEN"},
        {"[method]tcp-socket.accept", "LPX_NET_TCP_ACCEPT"},
        {"[method]udp-socket.start-bind", "LPX_NET_UDP_BIND"},
        {"[method]udp-socket.stream", "LPX_NET_UDP_SEND"},
        {"[method]outgoing-datagram-stream.send", "LPX_NET_UDP_SEND"},
        {"[method]incoming-datagram-stream.receive", "LPX_NET_UDP_RECEIVE"},
    };
    for (size_t i = 0; i < LP_COUNT(wasi); i++) {
        bool found = wasi[i].how != ASKED;
        for (size_t k = 0; k < LP_COUNT(shown) && !found; k++)
            found = strcmp(shown[k].function, wasi[i].function) == 0 &&
                    (!*shown[k].hook || is_known(shown[k].hook));
        if (!found)
            fail_msg("nothing shows that '%s' of '%s' asks", wasi[i].function,
                     wasi[i].interface_name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_of_wasi_is_in_the_table),
        cmocka_unit_test(every_hook_of_the_header_is_in_the_table),
        cmocka_unit_test(every_function_that_asks_is_shown),
        cmocka_unit_test(variables_and_directories_are_asked_about),
        cmocka_unit_test(every_hook_asks),
    };
    return cmocka_run_group_tests(tests, asked_begin, asked_end);
}
