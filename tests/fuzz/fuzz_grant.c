/*
 * tests/fuzz/fuzz_grant.c: any text as a grant and any text as a request.
 *
 * The input is lines: the first character of each says what it is (a letter a kind: grants; in
 * capitals: denials; anything else: a request of every kind). What must hold: an allowed request
 * names the grant that allows it, a denial holds whatever was granted before, and reasons are
 * UTF-8.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>

#include "trust/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *const fuzz_seeds[] = {
    "d/tmp::/d:ro\nDtmp\neLANG\nEHOME\neA=b\nhAPI.example.com.:443\nh[::1]\nH10.0.0.1\n"
    "n[::ffff:10.0.0.1]:80\nN6.6.6.6\n?/d/../x\n?api.example.com\n?::1\n?10.0.0.1\n",
    "d.::/a/b//./c\nd/:rw\n?/a/b/c/../../..\n?\n?/a/b/c/d\n?.\n",
    "s1MiB,share=n\npacme:ui\nl127.0.0.1:443\ng100\nrsh -c *\nrsh ...\nucamera.record\nUcamera\n"
    "L[::1]\nRsh 'a b'\n?127.0.0.1\n?camera.record\n?acme:ui\n?-x\n?a b\n",
    "hxn--bcher-kva.de\nh127.1\nh0x7f\nha..b\nh*.c\nn::1:80\nna:8000-9000\nn[fe80::1%e]:1\n?a",
    NULL,
};

/* No fuzzer may ask the network. */
static size_t no_dns(void *ctx, const char *name, lp_os_address *ret, size_t max)
{
    (void)ctx;
    if (!max || strcmp(name, "api.example.com") != 0)
        return 0;
    return lp_os_address_parse("10.0.0.1", ret);
}

static void request(loop_policy *p, const char *text)
{
    const char *words[] = {"/bin/sh", text};
    for (int kind = LOOP_GRANT_DIR; kind < LOOP_GRANT_KINDS; kind++) {
        loop_request want = {.kind = (loop_grant_kind)kind,
                             .name = text,
                             .port = 443,
                             .write = true,
                             .address = kind == LOOP_GRANT_HTTP ? "127.0.0.1" : NULL,
                             .words = words,
                             .word_count = 2};
        loop_decision d;
        loop_policy_decide(p, &want, &d);
        if (d.allowed && (!d.by || d.by->deny || (int)d.by->kind != kind))
            abort();
        if (d.allowed && kind == LOOP_GRANT_DIR && d.by->read_only)
            abort();
        /* no wildcard stands for an option */
        if (d.allowed && kind == LOOP_GRANT_PROCESS && *text == '-' && !strchr(d.by->words, '\'') &&
            !strstr(d.by->words, text))
            abort();
        if (!*d.reason || !lp_utf8_valid(d.reason, strlen(d.reason)) ||
            !lp_utf8_valid(d.hint, strlen(d.hint)))
            abort();
    }
}

static void line(loop_policy *p, const char *text)
{
    static const char kinds[] = "dehnsplgru"; /* in the order of the kinds */
    const char *kind = *text ? strchr(kinds, tolower((unsigned char)*text)) : NULL;
    if (!kind || !*kind) {
        request(p, *text ? text + 1 : text);
        return;
    }
    loop_error *e = loop_policy_add(p, (loop_grant_kind)(kind - kinds), text + 1,
                                    isupper((unsigned char)*text) != 0, "/tmp", true,
                                    (loop_origin){"fuzz", 1, 1});
    if (e && !lp_utf8_valid(loop_error_message(e), strlen(loop_error_message(e))))
        abort();
    loop_error_delete(e);
}

/* Whatever was granted before: after these denials nothing of it is left. */
static void deny_all(loop_policy *p)
{
    static const char *const kinds[] = {"d/", "hapi.example.com", "n10.0.0.1", "eLANG"};
    for (size_t i = 0; i < LP_COUNT(kinds); i++) {
        lp_auto(lp_free_string) char *text = lp_strdup(kinds[i]);
        text[0] = (char)toupper((unsigned char)text[0]);
        line(p, text);
    }
    static const loop_request wants[] = {
        {.kind = LOOP_GRANT_DIR, .name = "/d/x"},
        {.kind = LOOP_GRANT_HTTP, .name = "API.example.com.", .port = 443},
        {.kind = LOOP_GRANT_NET, .name = "::ffff:a00:1", .port = 80},
        {.kind = LOOP_GRANT_ENV, .name = "LANG"}};
    for (size_t i = 0; i < LP_COUNT(wants); i++) {
        loop_decision d;
        loop_policy_decide(p, &wants[i], &d);
        if (d.allowed)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    loop_policy *p = loop_policy_new();
    lp_policy_resolver_set(p, no_dns, NULL);
    loop_policy_class_set(p, LOOP_CLASS_TRUSTED, (loop_origin){"fuzz", 0, 0});
    lp_auto(lp_free_string) char *text = lp_strndup((const char *)data, size);
    unsigned lines = 0;
    for (char *at = text; at < text + size && lines < 256; lines++) {
        char *end = at + strcspn(at, "\n");
        *end = 0;
        line(p, at);
        at = end + 1;
    }
    if (lines < 256)
        deny_all(p);
    loop_policy_delete(p);
    return 0;
}
