/*
 * packages/digest.c: sha256, by nettle.
 *
 * A component is read and compared with its digest at every start, so that a damaged cache is
 * found before anything of it runs. What that takes, on a processor with instructions for it (and
 * without: libsodium's, which has C alone):
 *
 *     174 KB, of C       0.11 ms   (0.50 ms)
 *     1.6 MB, of JS      1.0 ms    (5.0 ms)
 *     18 MB, of Python   12 ms     (59 ms)
 *
 * OpenSSL is as fast, and takes 0.6 ms to load, which every start would pay.
 */
#include <nettle/sha2.h>

#include "packages/packages.h"

_Static_assert(sizeof(lp_sha256) >= sizeof(struct sha256_ctx), "the state has room");
_Static_assert(LOOP_SHA256_TEXT == 7 + 2 * SHA256_DIGEST_SIZE + 1, "a digest as text has room");

void lp_sha256_start(lp_sha256 *s)
{
    sha256_init((struct sha256_ctx *)s);
}

void lp_sha256_add(lp_sha256 *s, const void *bytes, size_t n)
{
    if (n)
        sha256_update((struct sha256_ctx *)s, n, bytes);
}

void lp_sha256_end(lp_sha256 *s, char ret[LOOP_SHA256_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest((struct sha256_ctx *)s, sizeof digest, digest);
    memcpy(ret, "sha256:", 7);
    for (size_t i = 0; i < sizeof digest; i++) {
        ret[7 + 2 * i] = digits[digest[i] >> 4];
        ret[8 + 2 * i] = digits[digest[i] & 15];
    }
    ret[LOOP_SHA256_TEXT - 1] = 0;
}

void lp_sha256_of(const void *bytes, size_t n, char ret[LOOP_SHA256_TEXT])
{
    lp_sha256 s;
    lp_sha256_start(&s);
    lp_sha256_add(&s, bytes, n);
    lp_sha256_end(&s, ret);
}

bool lp_digest_is(const char *text)
{
    return strncmp(text, "sha256:", 7) == 0 && strlen(text) == LOOP_SHA256_TEXT - 1 &&
           strspn(text + 7, "0123456789abcdef") == LOOP_SHA256_TEXT - 8;
}
