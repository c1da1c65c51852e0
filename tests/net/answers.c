/*
 * tests/net/answers.c: DNS as somebody else's server answers it, for golden cases: a library that
 * stands before the system's getaddrinfo.
 *
 *     cc -shared -fPIC tests/net/answers.c -o answers.so
 *     LD_PRELOAD=$PWD/answers.so loop run ...
 *
 *   inward.test   127.0.0.1
 *   mapped.test   ::ffff:127.0.0.1
 *   zero.test     0.0.0.0, which Linux takes for this machine
 *   away.localhost  192.0.2.1, of no host: what is not denied there finds nobody
 *   both.test     127.0.0.2, then 127.0.0.1
 *   turns.test    127.0.0.2 the first time, 127.0.0.1 ever after
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* One block, as freeaddrinfo expects it. */
static struct addrinfo *answer(const char *address, const char *port, struct addrinfo *next)
{
    struct block {
        struct addrinfo info;
        struct sockaddr_storage address;
    } *b = calloc(1, sizeof *b);
    struct sockaddr_in *v4 = (struct sockaddr_in *)&b->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&b->address;
    b->info = (struct addrinfo){.ai_socktype = SOCK_STREAM,
                                .ai_protocol = IPPROTO_TCP,
                                .ai_addr = (struct sockaddr *)&b->address,
                                .ai_next = next};
    unsigned short number = htons((unsigned short)atoi(port ? port : "0"));
    if (strchr(address, ':')) {
        v6->sin6_family = b->info.ai_family = AF_INET6;
        v6->sin6_port = number;
        b->info.ai_addrlen = sizeof *v6;
        inet_pton(AF_INET6, address, &v6->sin6_addr);
    } else {
        v4->sin_family = b->info.ai_family = AF_INET;
        v4->sin_port = number;
        b->info.ai_addrlen = sizeof *v4;
        inet_pton(AF_INET, address, &v4->sin_addr);
    }
    return &b->info;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret)
{
    static int turns;
    if (node && strcmp(node, "inward.test") == 0)
        *ret = answer("127.0.0.1", service, NULL);
    else if (node && strcmp(node, "mapped.test") == 0)
        *ret = answer("::ffff:127.0.0.1", service, NULL);
    else if (node && strcmp(node, "zero.test") == 0)
        *ret = answer("0.0.0.0", service, NULL);
    else if (node && strcmp(node, "away.localhost") == 0)
        *ret = answer("192.0.2.1", service, NULL);
    else if (node && strcmp(node, "both.test") == 0)
        *ret = answer("127.0.0.2", service, answer("127.0.0.1", service, NULL));
    else if (node && strcmp(node, "turns.test") == 0)
        *ret = answer(turns++ ? "127.0.0.1" : "127.0.0.2", service, NULL);
    else
        return ((lookup *)dlsym(RTLD_NEXT, "getaddrinfo"))(node, service, hints, ret);
    return 0;
}
