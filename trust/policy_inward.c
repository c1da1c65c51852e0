/*
 * trust/policy_inward.c: which addresses lie inside: this machine, its networks, and other ways to
 * write them.
 *
 * A name is granted for what it is to the world. What it stands for is decided by whoever owns it,
 * anew at every look-up, and could be this machine's own database or the metadata service of a
 * cloud. So addresses of the kinds below are never granted by a name, but for `localhost`, which is
 * this machine and nothing else (RFC 6761, section 6.3). The list is IANA's registry
 * of special-purpose addresses (RFC 6890), but for those kinds that reach nobody (documentation),
 * and with the IPv6 forms that carry an IPv4 address: an address inside one of these is looked at,
 * too.
 */
#include "trust/policy.h"

struct range {
    uint8_t prefix[16];
    unsigned bits;
    const char *what;
};

static const struct range ranges4[] = {
    {{0}, 8, "an address of no host"},
    {{10}, 8, "a private address"},
    {{100, 64}, 10, "a provider's private address"},
    {{127}, 8, "this machine"},
    {{169, 254}, 16, "a link-local address"},
    {{172, 16}, 12, "a private address"},
    {{192, 0, 0}, 24, "a protocol's own address"},
    {{192, 168}, 16, "a private address"},
    {{198, 18}, 15, "a private address"},
    {{224}, 4, "a multicast address"},
    {{240}, 4, "a reserved address"},
};

static const struct range ranges6[] = {
    {{[15] = 1}, 128, "this machine"},
    {{0}, 128, "an address of no host"},
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 48, "a private address"},
    {{1}, 8, "a reserved address"},
    {{0x20, 1}, 23, "a protocol's own address"}, /* Teredo (2001::/32) among them */
    {{0xfc}, 7, "a private address"},
    {{0xfe, 0x80}, 10, "a link-local address"},
    {{0xfe, 0xc0}, 10, "a private address"},
    {{0xff}, 8, "a multicast address"},
};

/* IPv6 addresses with an IPv4 address in them, `at` bytes from the start. */
static const struct {
    uint8_t prefix[12];
    unsigned bits, at;
} carriers[] = {
    {{[10] = 0xff, [11] = 0xff}, 96, 12}, /* mapped */
    {{[8] = 0xff, [9] = 0xff}, 96, 12},   /* translated (SIIT) */
    {{0}, 96, 12},                        /* compatible */
    {{0, 0x64, 0xff, 0x9b}, 96, 12},      /* NAT64 */
    {{0x20, 2}, 16, 2},                   /* 6to4 */
};

static bool starts_with(const uint8_t *bytes, const uint8_t *prefix, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    uint8_t mask = (uint8_t)(0xff00 >> rest);
    return memcmp(bytes, prefix, whole) == 0 &&
           (!rest || (bytes[whole] & mask) == (prefix[whole] & mask));
}

static const char *find(const uint8_t *bytes, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (starts_with(bytes, ranges[i].prefix, ranges[i].bits))
            return ranges[i].what;
    return NULL;
}

const char *lp_host_inward(const lp_os_address *a)
{
    if (!a->v6)
        return find(a->bytes, ranges4, LP_COUNT(ranges4));
    const char *what = find(a->bytes, ranges6, LP_COUNT(ranges6));
    for (size_t i = 0; !what && i < LP_COUNT(carriers); i++)
        if (starts_with(a->bytes, carriers[i].prefix, carriers[i].bits))
            what = find(a->bytes + carriers[i].at, ranges4, LP_COUNT(ranges4));
    return what;
}

bool lp_host_is_loopback(const lp_host *host)
{
    static const uint8_t one[16] = {[15] = 1};
    const lp_os_address *a = &host->address;
    return host->is_address && (a->v6 ? memcmp(a->bytes, one, 16) == 0 : a->bytes[0] == 127);
}

bool lp_host_is_any(const lp_host *host)
{
    static const lp_os_address none4, none6 = {.v6 = true};
    return host->is_address &&
           (lp_os_address_eq(&host->address, &none4) || lp_os_address_eq(&host->address, &none6));
}

/* "localhost", and what ends so: RFC 6761, section 6.3. */
static bool is_localhost(const lp_host *name)
{
    static const char local[] = "localhost";
    size_t n = strlen(name->name), end = sizeof local - 1;
    return !name->is_address && n >= end && strcmp(name->name + n - end, local) == 0 &&
           (n == end || name->name[n - end - 1] == '.');
}

const char *lp_host_not_meant(const lp_host *name, const lp_host *address)
{
    const char *inward = lp_host_inward(&address->address);
    if (is_localhost(name) && !inward)
        return "an address of another machine";
    return is_localhost(name) && lp_host_is_loopback(address) ? NULL : inward;
}

bool lp_host_leads_inward(const lp_host *host)
{
    return host->is_address ? lp_host_inward(&host->address) != NULL : is_localhost(host);
}
