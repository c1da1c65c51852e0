/*
 * inbound WHAT [IPV4-ADDRESS PORT | NAME]: sockets that others reach, datagrams and names.
 *
 *   bind A P          binds a TCP socket
 *   listen A P        binds it (not for 0.0.0.0 0), listens, takes one connection and reads a line
 *   udp-bind A P      binds a UDP socket
 *   udp-connect A P   connects one
 *   udp-send A P      sends two datagrams from one that is bound to nothing
 *   udp-hear A P      binds one there, sends itself a datagram and answers what it hears
 *   udp-echo A P      binds one there, waits for a datagram and answers it
 *   resolve NAME      looks a name up and prints its first address
 *
 * Each step is printed, or the name of its error.
 */
#include "gen/inbound.h"
#include "guest.h"

#include <string.h>
#include <time.h>

static const char *const error_names[] = {
    "unknown",
    "access-denied",
    "not-supported",
    "invalid-argument",
    "out-of-memory",
    "timeout",
    "concurrency-conflict",
    "not-in-progress",
    "would-block",
    "invalid-state",
    "new-socket-limit",
    "address-not-bindable",
    "address-in-use",
    "remote-unreachable",
    "connection-refused",
    "connection-reset",
    "connection-aborted",
    "datagram-too-large",
    "name-unresolvable",
    "temporary-resolver-failure",
    "permanent-resolver-failure",
};

typedef wasi_sockets_network_error_code_t error_code;
typedef wasi_sockets_network_ip_socket_address_t socket_address;

static int failed(const char *what, error_code code)
{
    printf("%s: %s\n", what,
           code < sizeof error_names / sizeof *error_names ? error_names[code] : "?");
    return 1;
}

static void wait_for(wasi_io_poll_own_pollable_t ready)
{
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(ready));
    wasi_io_poll_pollable_drop_own(ready);
}

static wasi_sockets_network_borrow_network_t network(void)
{
    return wasi_sockets_network_borrow_network(wasi_sockets_instance_network_instance_network());
}

/* ---- TCP ---- */

static int take_one(wasi_sockets_tcp_borrow_tcp_socket_t socket)
{
    error_code code;
    wasi_sockets_tcp_tuple3_own_tcp_socket_own_input_stream_own_output_stream_t client;
    puts("listening");
    fflush(stdout);
    while (!wasi_sockets_tcp_method_tcp_socket_accept(socket, &client, &code)) {
        if (code != WASI_SOCKETS_NETWORK_ERROR_CODE_WOULD_BLOCK)
            return failed("accept", code);
        wait_for(wasi_sockets_tcp_method_tcp_socket_subscribe(socket));
    }
    inbound_list_u8_t bytes;
    wasi_io_streams_stream_error_t closed;
    if (wasi_io_streams_method_input_stream_blocking_read(
            wasi_io_streams_borrow_input_stream(client.f1), 64, &bytes, &closed))
        printf("heard %.*s\n", (int)strcspn((char *)bytes.ptr, "\n"), (char *)bytes.ptr);
    else
        puts("heard nothing");
    return 0;
}

static int tcp(const char *what, socket_address *address)
{
    error_code code;
    wasi_sockets_tcp_own_tcp_socket_t own;
    if (!wasi_sockets_tcp_create_socket_create_tcp_socket(
            WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV4, &own, &code))
        return failed("create", code);
    wasi_sockets_tcp_borrow_tcp_socket_t socket = wasi_sockets_tcp_borrow_tcp_socket(own);
    if (!wasi_sockets_tcp_method_tcp_socket_start_bind(socket, network(), address, &code))
        return failed("bind", code);
    if (!wasi_sockets_tcp_method_tcp_socket_finish_bind(socket, &code))
        return failed("bind", code);
    puts("bound");
    if (strcmp(what, "bind") == 0)
        return 0;
    if (!wasi_sockets_tcp_method_tcp_socket_start_listen(socket, &code))
        return failed("listen", code);
    if (!wasi_sockets_tcp_method_tcp_socket_finish_listen(socket, &code))
        return failed("listen", code);
    return take_one(socket);
}

/* ---- UDP ---- */

typedef wasi_sockets_udp_tuple2_own_incoming_datagram_stream_own_outgoing_datagram_stream_t streams;

static bool send_to(streams *s, socket_address *to, const char *text, error_code *code)
{
    wasi_sockets_udp_borrow_outgoing_datagram_stream_t out =
        wasi_sockets_udp_borrow_outgoing_datagram_stream(s->f1);
    wasi_sockets_udp_outgoing_datagram_t datagram = {.data = {(uint8_t *)text, strlen(text)},
                                                     .remote_address = {to != NULL, {0}}};
    if (to)
        datagram.remote_address.val = *to;
    wasi_sockets_udp_list_outgoing_datagram_t list = {&datagram, 1};
    uint64_t room = 0, sent = 0;
    while (!room)
        if (!wasi_sockets_udp_method_outgoing_datagram_stream_check_send(out, &room, code))
            return false;
    return wasi_sockets_udp_method_outgoing_datagram_stream_send(out, &list, &sent, code);
}

/* The first that comes within a second; false: none. */
static bool hear(streams *s, wasi_sockets_udp_list_incoming_datagram_t *ret)
{
    error_code code;
    wasi_sockets_udp_borrow_incoming_datagram_stream_t in =
        wasi_sockets_udp_borrow_incoming_datagram_stream(s->f0);
    for (int i = 0; i < 1000; i++) {
        if (!wasi_sockets_udp_method_incoming_datagram_stream_receive(in, 1, ret, &code))
            return false;
        if (ret->len)
            return true;
        struct timespec ms = {0, 1000000};
        nanosleep(&ms, NULL);
    }
    return false;
}

static int hear_itself(streams *s, socket_address *address)
{
    error_code code;
    wasi_sockets_udp_list_incoming_datagram_t heard;
    if (!send_to(s, address, "to itself", &code))
        return failed("send", code);
    if (!hear(s, &heard)) {
        puts("heard nothing");
        return 1;
    }
    printf("heard %.*s\n", (int)heard.ptr[0].data.len, (char *)heard.ptr[0].data.ptr);
    if (!send_to(s, &heard.ptr[0].remote_address, "an answer", &code))
        return failed("answer", code);
    puts("answered");
    return 0;
}

/* Waits for somebody else's datagram and answers it. */
static int echo(streams *s)
{
    error_code code;
    wasi_sockets_udp_list_incoming_datagram_t heard;
    puts("waiting");
    fflush(stdout);
    if (!hear(s, &heard)) {
        puts("heard nothing");
        return 1;
    }
    printf("heard %.*s\n", (int)heard.ptr[0].data.len, (char *)heard.ptr[0].data.ptr);
    if (!send_to(s, &heard.ptr[0].remote_address, "an answer", &code))
        return failed("answer", code);
    puts("answered");
    return 0;
}

static int udp(const char *what, socket_address *address)
{
    error_code code;
    streams s;
    socket_address any = {.tag = WASI_SOCKETS_NETWORK_IP_SOCKET_ADDRESS_IPV4};
    wasi_sockets_udp_own_udp_socket_t own;
    if (!wasi_sockets_udp_create_socket_create_udp_socket(
            WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV4, &own, &code))
        return failed("create", code);
    wasi_sockets_udp_borrow_udp_socket_t socket = wasi_sockets_udp_borrow_udp_socket(own);
    bool there = strcmp(what, "udp-send") != 0 && strcmp(what, "udp-connect") != 0;
    if (!wasi_sockets_udp_method_udp_socket_start_bind(socket, network(), there ? address : &any,
                                                       &code))
        return failed("bind", code);
    if (!wasi_sockets_udp_method_udp_socket_finish_bind(socket, &code))
        return failed("bind", code);
    puts("bound");
    if (strcmp(what, "udp-bind") == 0)
        return 0;
    bool connects = strcmp(what, "udp-connect") == 0;
    if (!wasi_sockets_udp_method_udp_socket_stream(socket, connects ? address : NULL, &s, &code))
        return failed("connect", code);
    if (connects) {
        puts("connected");
        return 0;
    }
    if (strcmp(what, "udp-hear") == 0)
        return hear_itself(&s, address);
    if (strcmp(what, "udp-echo") == 0)
        return echo(&s);
    /* the second says what became of the first */
    if (!send_to(&s, address, "hello", &code) || !send_to(&s, address, "hello", &code))
        return failed("send", code);
    wasi_sockets_udp_outgoing_datagram_stream_drop_own(s.f1);
    puts("sent");
    return 0;
}

/* ---- names ---- */

static int resolve(const char *name)
{
    error_code code;
    inbound_string_t text = {(uint8_t *)name, strlen(name)};
    wasi_sockets_ip_name_lookup_own_resolve_address_stream_t own;
    if (!wasi_sockets_ip_name_lookup_resolve_addresses(network(), &text, &own, &code))
        return failed("resolve", code);
    wasi_sockets_ip_name_lookup_borrow_resolve_address_stream_t stream =
        wasi_sockets_ip_name_lookup_borrow_resolve_address_stream(own);
    wasi_sockets_ip_name_lookup_option_ip_address_t found;
    while (!wasi_sockets_ip_name_lookup_method_resolve_address_stream_resolve_next_address(
        stream, &found, &code)) {
        if (code != WASI_SOCKETS_NETWORK_ERROR_CODE_WOULD_BLOCK)
            return failed("resolve", code);
        wait_for(wasi_sockets_ip_name_lookup_method_resolve_address_stream_subscribe(stream));
    }
    puts(found.is_some ? "found" : "no address");
    return 0;
}

int main(int argc, char **argv)
{
    unsigned a, b, c, d, port;
    if (argc == 3 && strcmp(argv[1], "resolve") == 0)
        return resolve(argv[2]);
    if (argc < 4 || sscanf(argv[2], "%u.%u.%u.%u", &a, &b, &c, &d) != 4 ||
        sscanf(argv[3], "%u", &port) != 1) {
        fprintf(stderr, "usage: inbound WHAT IPV4-ADDRESS PORT\n");
        return 1;
    }
    socket_address address = {.tag = WASI_SOCKETS_NETWORK_IP_SOCKET_ADDRESS_IPV4};
    address.val.ipv4.port = (uint16_t)port;
    address.val.ipv4.address.f0 = (uint8_t)a;
    address.val.ipv4.address.f1 = (uint8_t)b;
    address.val.ipv4.address.f2 = (uint8_t)c;
    address.val.ipv4.address.f3 = (uint8_t)d;
    return argv[1][0] == 'u' ? udp(argv[1], &address) : tcp(argv[1], &address);
}
