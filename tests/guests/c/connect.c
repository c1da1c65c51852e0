/*
 * connect HOST PORT: a TCP connection over wasi:sockets; HOST is an IPv4 address.
 *
 * Prints "connected" or the error code's name. An address that never answers
 * (10.255.255.1) keeps it waiting.
 */
#include "gen/sockets.h"
#include "guest.h"

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

static int failed(const char *what, unsigned code)
{
    printf("%s: %s\n", what,
           code < sizeof error_names / sizeof *error_names ? error_names[code] : "?");
    return 1;
}

int main(int argc, char **argv)
{
    unsigned a, b, c, d, port;
    if (argc < 3 || sscanf(argv[1], "%u.%u.%u.%u", &a, &b, &c, &d) != 4 ||
        sscanf(argv[2], "%u", &port) != 1) {
        fprintf(stderr, "usage: connect IPV4-ADDRESS PORT\n");
        return 1;
    }
    wasi_sockets_tcp_error_code_t code;
    wasi_sockets_tcp_own_tcp_socket_t own;
    if (!wasi_sockets_tcp_create_socket_create_tcp_socket(
            WASI_SOCKETS_NETWORK_IP_ADDRESS_FAMILY_IPV4, &own, &code))
        return failed("create", code);
    wasi_sockets_tcp_borrow_tcp_socket_t socket = wasi_sockets_tcp_borrow_tcp_socket(own);
    wasi_sockets_network_borrow_network_t network =
        wasi_sockets_network_borrow_network(wasi_sockets_instance_network_instance_network());
    wasi_sockets_tcp_ip_socket_address_t address = {
        .tag = WASI_SOCKETS_NETWORK_IP_SOCKET_ADDRESS_IPV4};
    address.val.ipv4.port = (uint16_t)port;
    address.val.ipv4.address.f0 = (uint8_t)a;
    address.val.ipv4.address.f1 = (uint8_t)b;
    address.val.ipv4.address.f2 = (uint8_t)c;
    address.val.ipv4.address.f3 = (uint8_t)d;
    printf("connecting to %u.%u.%u.%u:%u\n", a, b, c, d, port);
    fflush(stdout);
    if (!wasi_sockets_tcp_method_tcp_socket_start_connect(socket, network, &address, &code))
        return failed("connect", code);
    wasi_sockets_tcp_own_pollable_t ready = wasi_sockets_tcp_method_tcp_socket_subscribe(socket);
    wasi_sockets_tcp_tuple2_own_input_stream_own_output_stream_t streams;
    while (!wasi_sockets_tcp_method_tcp_socket_finish_connect(socket, &streams, &code)) {
        if (code != WASI_SOCKETS_NETWORK_ERROR_CODE_WOULD_BLOCK)
            return failed("connect", code);
        wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(ready));
    }
    puts("connected");
    return 0;
}
