/*
 * base/sign_key.c: key files as minisign writes them.
 *
 *     untrusted comment: minisign public key 93A1F0C2B4D5E6F7
 *     base64("Ed", key id, public key)
 *
 *     untrusted comment: minisign encrypted secret key
 *     base64("Ed", "Sc", "B2", salt, operations, memory, (key id, secret key, checksum) ^ stream)
 *
 * The stream is scrypt of the password; the checksum is BLAKE2b-256 of "Ed", id and key, which
 * tells a wrong password. A file says itself what deriving takes, so that this grows with machines;
 * what it may ask for has a limit. Keys without a password ("minisign -W") are refused: a copy of
 * such a file is all that it takes to be its owner.
 */
#include "base/sign.h"

#include <sodium.h>
#include <stdlib.h>

#define UNTRUSTED "untrusted comment: "

const lp_key_cost LP_KEY_COST = {33554432, 1u << 30}; /* libsodium's "sensitive", minisign's own */

struct public_wire {
    uint8_t kind[2];
    uint8_t id[8];
    uint8_t key[32];
};

/* What is encrypted. */
struct sealed {
    uint8_t id[8];
    uint8_t key[64];
    uint8_t checksum[32];
};

struct secret_wire {
    uint8_t kind[2], derivation[2], sum[2];
    uint8_t salt[32];
    uint8_t operations[8], memory[8]; /* the lowest byte first */
    struct sealed sealed;
};

/* ---- base64 between lines ---- */

/* The line with the key: the second where the first is a comment, else the first and only one. */
static bool key_line(const char *text, size_t n, lp_str *ret)
{
    size_t comment = sizeof UNTRUSTED - 1;
    lp_str rest = {text, n};
    if (n >= comment && memcmp(text, UNTRUSTED, comment) == 0) {
        const char *end = memchr(text, '\n', n);
        if (!end)
            return false;
        rest = (lp_str){end + 1, n - (size_t)(end + 1 - text)};
    }
    const char *end = memchr(rest.ptr, '\n', rest.len);
    if (end && end + 1 != rest.ptr + rest.len)
        return false; /* something behind it */
    size_t len = end ? (size_t)(end - rest.ptr) : rest.len;
    *ret = (lp_str){rest.ptr, len && rest.ptr[len - 1] == '\r' ? len - 1 : len};
    return true;
}

static bool decode(const char *text, size_t n, void *ret, size_t size)
{
    lp_str line;
    size_t got;
    const char *end;
    return n <= LP_MAX_KEY_FILE && key_line(text, n, &line) &&
           sodium_base642bin(ret, size, line.ptr, line.len, NULL, &got, &end,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           got == size && end == line.ptr + line.len;
}

static char *encode(const void *bytes, size_t n)
{
    size_t size = sodium_base64_encoded_len(n, sodium_base64_VARIANT_ORIGINAL);
    return sodium_bin2base64(lp_alloc(size), size, bytes, n, sodium_base64_VARIANT_ORIGINAL);
}

static uint64_t read_le(const uint8_t at[8])
{
    uint64_t n = 0;
    for (size_t i = 8; i-- > 0;)
        n = n << 8 | at[i];
    return n;
}

static void write_le(uint8_t at[8], uint64_t n)
{
    for (size_t i = 0; i < 8; i++)
        at[i] = (uint8_t)(n >> 8 * i);
}

/* ---- public keys ---- */

/* Base64 of a secret key file begins with these: "EdSc" or "Ed" and two zeros. */
static bool is_secret(const char *text, size_t n)
{
    lp_str line;
    return key_line(text, LP_MIN(n, (size_t)LP_MAX_KEY_FILE), &line) && line.len > 200 &&
           (memcmp(line.ptr, "RWRT", 4) == 0 || memcmp(line.ptr, "RWQA", 4) == 0);
}

loop_error *lp_public_key_parse(const char *text, size_t n, lp_public_key *ret)
{
    struct public_wire wire;
    if (is_secret(text, n))
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "that is a secret key, not a public one"),
            "keep it to yourself; the public key is in the file that ends in '.pub'");
    if (!decode(text, n, &wire, sizeof wire) || memcmp(wire.kind, "Ed", 2) != 0)
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "that is no public key"),
            "a public key is 56 characters that begin with 'RW', or the file of `loop keys new` or "
            "`minisign -G` that has them");
    memcpy(ret->id, wire.id, sizeof ret->id);
    memcpy(ret->key, wire.key, sizeof ret->key);
    return NULL;
}

char *lp_public_key_text(const lp_public_key *k)
{
    struct public_wire wire = {.kind = {'E', 'd'}};
    memcpy(wire.id, k->id, sizeof wire.id);
    memcpy(wire.key, k->key, sizeof wire.key);
    return encode(&wire, sizeof wire);
}

char *lp_public_key_file(const lp_public_key *k)
{
    char id[LP_KEY_ID_TEXT];
    lp_key_id_text(k->id, id);
    lp_auto(lp_free_string) char *text = lp_public_key_text(k);
    return lp_format(UNTRUSTED "minisign public key %s\n%s\n", id, text);
}

lp_public_key lp_public_key_of(const lp_secret_key *k)
{
    lp_public_key p;
    memcpy(p.id, k->id, sizeof p.id);
    memcpy(p.key, k->key + 32, sizeof p.key);
    return p;
}

/* ---- secret keys ---- */

loop_error *lp_secret_key_new(lp_secret_key *ret)
{
    uint8_t public[32];
    if (sodium_init() < 0)
        return loop_error_new(LOOP_UNAVAILABLE, "libsodium has no source of randomness");
    randombytes_buf(ret->id, sizeof ret->id);
    crypto_sign_keypair(public, ret->key);
    return NULL;
}

static void checksum(const struct sealed *s, uint8_t ret[32])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, 32);
    crypto_generichash_update(&state, (const uint8_t *)"Ed", 2);
    crypto_generichash_update(&state, s->id, sizeof s->id);
    crypto_generichash_update(&state, s->key, sizeof s->key);
    crypto_generichash_final(&state, ret, 32);
}

/* Encrypts, or decrypts: the stream over what is there. False: not enough memory. */
static bool pass_over(struct secret_wire *w, const char *password)
{
    struct sealed stream;
    if (crypto_pwhash_scryptsalsa208sha256((uint8_t *)&stream, sizeof stream, password,
                                           strlen(password), w->salt, read_le(w->operations),
                                           (size_t)read_le(w->memory)) != 0)
        return false;
    for (size_t i = 0; i < sizeof stream; i++)
        ((uint8_t *)&w->sealed)[i] ^= ((const uint8_t *)&stream)[i];
    sodium_memzero(&stream, sizeof stream);
    return true;
}

static loop_error *no_memory(uint64_t bytes)
{
    lp_auto(lp_free_string) char *size = lp_size_text(bytes);
    return loop_error_hint_set(
        loop_error_new(LOOP_LIMIT, "there is no memory for the key's password"),
        "it takes %s for some seconds, so that it cannot be guessed quickly", size);
}

loop_error *lp_secret_key_file(const lp_secret_key *k, const char *password,
                               const lp_key_cost *cost, char **ret)
{
    struct secret_wire w = {.kind = {'E', 'd'}, .derivation = {'S', 'c'}, .sum = {'B', '2'}};
    bool done = false;
    randombytes_buf(w.salt, sizeof w.salt);
    memcpy(w.sealed.id, k->id, sizeof k->id);
    memcpy(w.sealed.key, k->key, sizeof k->key);
    checksum(&w.sealed, w.sealed.checksum);
    for (unsigned part = 1; !done && part <= 8; part *= 2) {
        write_le(w.operations, cost->operations / part);
        write_le(w.memory, cost->memory / part);
        done = pass_over(&w, password);
    }
    if (!done) {
        sodium_memzero(&w, sizeof w);
        return no_memory(cost->memory);
    }
    char *text = encode(&w, sizeof w);
    *ret = lp_format(UNTRUSTED "minisign encrypted secret key\n%s\n", text);
    lp_secret_free(text);
    return NULL;
}

static loop_error *no_key(const char *why)
{
    return loop_error_hint_set(loop_error_new(LOOP_INVALID, "that is no secret key: %s", why),
                               "a secret key is a file of `loop keys new` or `minisign -G`");
}

static loop_error *check_wire(const struct secret_wire *w)
{
    static const uint8_t none[2] = {0};
    if (memcmp(w->kind, "Ed", 2) != 0 || memcmp(w->sum, "B2", 2) != 0)
        return no_key("its kind is not known");
    if (memcmp(w->derivation, none, 2) == 0)
        return loop_error_hint_set(loop_error_new(LOOP_INVALID, "the secret key has no password"),
                                   "give it one: minisign -C -s FILE");
    if (memcmp(w->derivation, "Sc", 2) != 0)
        return no_key("how its password is used is not known");
    if (read_le(w->operations) > LP_MAX_KEY_OPERATIONS || read_le(w->memory) > LP_MAX_KEY_MEMORY)
        return loop_error_new(LOOP_LIMIT,
                              "the secret key asks for more work or memory than a password takes");
    return NULL;
}

static loop_error *read_wire(const char *text, size_t n, struct secret_wire *ret)
{
    if (!decode(text, n, ret, sizeof *ret))
        return no_key("it is not two lines of which the second is base64, or is cut");
    return check_wire(ret);
}

loop_error *lp_secret_key_look(const char *text, size_t n, lp_key_cost *ret)
{
    struct secret_wire w;
    LP_TRY(read_wire(text, n, &w));
    *ret = (lp_key_cost){read_le(w.operations), read_le(w.memory)};
    return NULL;
}

loop_error *lp_secret_key_parse(const char *text, size_t n, const char *password,
                                lp_secret_key *ret)
{
    struct secret_wire w;
    uint8_t sum[32];
    LP_TRY(read_wire(text, n, &w));
    loop_error *e = NULL;
    if (!pass_over(&w, password)) {
        e = no_memory(read_le(w.memory));
    } else {
        checksum(&w.sealed, sum);
        if (sodium_memcmp(sum, w.sealed.checksum, sizeof sum) != 0)
            e = loop_error_new(LOOP_DENIED,
                               "that is not the password of the key, or its file is damaged");
        else
            memcpy(ret, &w.sealed, sizeof *ret);
    }
    sodium_memzero(&w, sizeof w);
    return e;
}
