/*
 * base/os/os_posix_net.c: IP addresses as text, and the names of hosts, for
 * base/os/os.h. Nothing here opens a connection.
 */
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE
#elif !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/base.h"
#include "base/os/os.h"

/* ::ffff:a.b.c.d reaches the IPv4 address, so that is what it is to a policy. */
static lp_os_address from_v6(const uint8_t bytes[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    lp_os_address a = {.v6 = memcmp(bytes, mapped, sizeof mapped) != 0};
    memcpy(a.bytes, a.v6 ? bytes : bytes + 12, a.v6 ? 16 : 4);
    return a;
}

bool lp_os_address_parse(const char *text, lp_os_address *ret)
{
    uint8_t bytes[16];
    if (inet_pton(AF_INET, text, bytes) == 1) {
        *ret = (lp_os_address){0};
        memcpy(ret->bytes, bytes, 4);
        return true;
    }
    if (inet_pton(AF_INET6, text, bytes) != 1)
        return false;
    *ret = from_v6(bytes);
    return true;
}

void lp_os_address_format(const lp_os_address *a, char *ret)
{
    if (!inet_ntop(a->v6 ? AF_INET6 : AF_INET, a->bytes, ret, LP_OS_ADDRESS_TEXT))
        *ret = 0;
}

bool lp_os_address_eq(const lp_os_address *a, const lp_os_address *b)
{
    return a->v6 == b->v6 && memcmp(a->bytes, b->bytes, a->v6 ? 16 : 4) == 0;
}

size_t lp_os_resolve(const char *name, lp_os_address *ret, size_t max)
{
    struct addrinfo want = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    if (getaddrinfo(name, NULL, &want, &list) != 0)
        return 0;
    size_t n = 0;
    for (struct addrinfo *i = list; i && n < max; i = i->ai_next) {
        if (i->ai_family == AF_INET) {
            const struct sockaddr_in *in = (const void *)i->ai_addr;
            ret[n] = (lp_os_address){0};
            memcpy(ret[n++].bytes, &in->sin_addr, 4);
        } else if (i->ai_family == AF_INET6) {
            const struct sockaddr_in6 *in6 = (const void *)i->ai_addr;
            ret[n++] = from_v6(in6->sin6_addr.s6_addr);
        }
    }
    freeaddrinfo(list);
    return n;
}
