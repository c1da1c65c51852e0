/*
 * trust/policy_text.c: the words of grants and requests: hosts, ports, names of
 * variables.
 *
 * A grant and a request must never differ in spelling only, so each host has
 * exactly one form here: ASCII, lower case, no final dot; addresses as the
 * system writes them. Whatever could be read in two ways ("127.1", "0x7f.1",
 * names that look like numbers, Unicode that looks like ASCII) is refused
 * rather than guessed.
 */
#include "trust/policy.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* ---- hosts ---- */

/* One label of a name: letters, digits, '-' and '_'; not '-' at either end. */
static const char *check_label(const char *s, size_t n)
{
    if (n == 0)
        return "it has an empty part";
    if (n > 63)
        return "a part of it is longer than 63";
    if (s[0] == '-' || s[n - 1] == '-')
        return "a part of it starts or ends with '-'";
    for (size_t i = 0; i < n; i++) {
        char c = lower(s[i]);
        if ((unsigned char)c >= 0x80)
            return "write a name outside ASCII in its 'xn--' form";
        if (c == '*')
            return "wildcards are not granted";
        if (!(c >= 'a' && c <= 'z') && !is_digit(c) && c != '-' && c != '_')
            return "it has a character that no host name has";
    }
    return NULL;
}

/* A last label that systems read as a number makes the whole an address of sorts. */
static bool looks_numeric(const char *label, size_t n)
{
    size_t digits = 0;
    while (digits < n && is_digit(label[digits]))
        digits++;
    return digits == n || (n >= 2 && label[0] == '0' && lower(label[1]) == 'x');
}

static const char *parse_name(const char *text, size_t n, lp_host *ret)
{
    if (text[n - 1] == '.')
        n--; /* the root, which every full name has */
    if (n > LP_MAX_HOST)
        return "it is too long";
    for (size_t start = 0, i = 0; i <= n; i++) {
        if (i < n && text[i] != '.')
            continue;
        const char *bad = check_label(text + start, i - start);
        if (bad)
            return bad;
        if (i == n && looks_numeric(text + start, i - start))
            return "it is neither an address nor a name";
        start = i + 1;
    }
    *ret = (lp_host){0};
    for (size_t i = 0; i < n; i++)
        ret->name[i] = lower(text[i]);
    return NULL;
}

static bool parse_address(const char *text, size_t n, lp_host *ret)
{
    char copy[LP_OS_ADDRESS_TEXT];
    if (n >= sizeof copy)
        return false;
    memcpy(copy, text, n);
    copy[n] = 0;
    lp_os_address address;
    if (!lp_os_address_parse(copy, &address))
        return false;
    *ret = (lp_host){.is_address = true, .address = address};
    lp_os_address_format(&address, ret->name);
    return true;
}

const char *lp_host_parse(const char *text, size_t n, lp_host *ret)
{
    if (n == 0)
        return "it is empty";
    if (memchr(text, '%', n))
        return "an address with a scope ('%') is not granted";
    bool bracketed = text[0] == '[';
    if (bracketed && (n < 3 || text[n - 1] != ']'))
        return "']' is missing";
    if (bracketed && !memchr(text, ':', n))
        return "only an IPv6 address stands in brackets";
    if (bracketed)
        text++, n -= 2;
    if (parse_address(text, n, ret))
        return NULL;
    if (memchr(text, ':', n))
        return "it is not an IPv6 address";
    return parse_name(text, n, ret);
}

/* 1 to 65535, digits only, one way of writing each. */
static const char *parse_port(const char *s, uint16_t *ret)
{
    static const char *const what = "a port is one number from 1 to 65535";
    unsigned port = 0;
    size_t n = strlen(s);
    if (strcmp(s, "*") == 0)
        return "wildcards are not granted";
    if (n == 0 || n > 5 || s[0] == '0')
        return what;
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(s[i]))
            return what;
        port = port * 10 + (unsigned)(s[i] - '0');
    }
    if (port > 65535)
        return what;
    *ret = (uint16_t)port;
    return NULL;
}

const char *lp_host_port_parse(const char *text, lp_host *ret, uint16_t *ret_port)
{
    if (strstr(text, "://"))
        return "write only the host, without 'http://'";
    if (strchr(text, '/'))
        return "a grant is for a whole host; leave the path out";
    const char *colon = strrchr(text, ':');
    const char *bracket = strrchr(text, ']');
    if (colon && bracket && colon < bracket)
        colon = NULL; /* inside the brackets */
    if (colon && !bracket && memchr(text, ':', (size_t)(colon - text)))
        colon = NULL; /* a bare IPv6 address, which leaves no place for a port */
    lp_host host;
    uint16_t port = 0;
    const char *bad = lp_host_parse(text, colon ? (size_t)(colon - text) : strlen(text), &host);
    if (!bad && colon)
        bad = parse_port(colon + 1, &port);
    if (bad)
        return bad;
    *ret = host;
    *ret_port = port;
    return NULL;
}

/* ---- variables ---- */

const char *lp_env_name_check(const char *name, size_t n)
{
    if (n == 0)
        return "the name is empty";
    if (n > LP_MAX_NAME)
        return "the name is too long";
    for (size_t i = 0; i < n; i++) {
        char c = lower(name[i]);
        if (c == '*' || c == '?')
            return "wildcards are not granted";
        bool letter = (c >= 'a' && c <= 'z') || c == '_';
        if (!letter && (i == 0 || !(is_digit(c) || c == '.' || c == '-')))
            return "a name has letters, digits and '_', and no digit first";
    }
    return NULL;
}
