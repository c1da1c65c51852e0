/*
 * base/sign.h: Ed25519 signatures and keys in the formats of minisign, with libsodium.
 *
 *   sign.c       signatures: reading, checking, making; what a trusted comment of loop's says
 *   sign_key.c   key files: public ones, and secret ones behind a password
 *
 * The formats are minisign's own, byte for byte, so that either tool checks what the other signed.
 * Of its two kinds of signatures only the prehashed one ("ED": of the BLAKE2b-512 of the bytes) is
 * known here: the older one is of the bytes themselves, and one over 64 bytes could be shown as
 * one of the other kind.
 *
 * Nothing here knows whom to trust (trust/keys.c), and a key's id is no proof of anything: it is
 * eight bytes that whoever made the key has chosen.
 */
#ifndef LP_SIGN_H
#define LP_SIGN_H

#include "base/base.h"

#define LP_KEY_ID_TEXT 17 /* 16 hexadecimal digits, as minisign prints them, with the end */

typedef struct lp_public_key {
    uint8_t id[8];
    uint8_t key[32];
} lp_public_key;

/* Held as short as can be; wiped by lp_secret_key_done. */
typedef struct lp_secret_key {
    uint8_t id[8];
    uint8_t key[64]; /* as libsodium has it: the seed, then the public key */
} lp_secret_key;

void lp_secret_key_done(lp_secret_key *k);
void lp_key_id_text(const uint8_t id[8], char ret[LP_KEY_ID_TEXT]);
/* Overwrites what must not stay in memory, and frees it; NULL is fine. */
void lp_secret_free(char *text);
/* The same for lp_auto. */
void lp_free_secret(char **text);

/* ---- key files (sign_key.c) ---- */

/* The text of a public key file, or the line with the key alone. LOOP_INVALID. */
loop_error *lp_public_key_parse(const char *text, size_t n, lp_public_key *ret) LOOP_MUST_USE;
/* The line with the key; malloced. */
char *lp_public_key_text(const lp_public_key *k);
/* The whole file; malloced. */
char *lp_public_key_file(const lp_public_key *k);
lp_public_key lp_public_key_of(const lp_secret_key *k);

/* What deriving a key from a password takes; minisign's own is LP_KEY_COST. */
typedef struct lp_key_cost {
    uint64_t operations, memory;
} lp_key_cost;
extern const lp_key_cost LP_KEY_COST;

/* A new key, of bytes that nobody can guess. LOOP_UNAVAILABLE. */
loop_error *lp_secret_key_new(lp_secret_key *ret) LOOP_MUST_USE;
/*
 * The text of a secret key file, encrypted with a password; for lp_secret_free. Where there is not
 * as much memory, half of the cost will do, down to an eighth, as minisign does; LOOP_LIMIT.
 */
loop_error *lp_secret_key_file(const lp_secret_key *k, const char *password,
                               const lp_key_cost *cost, char **ret) LOOP_MUST_USE;
/* What such a file asks for, without its password. LOOP_INVALID, LOOP_LIMIT as below. */
loop_error *lp_secret_key_look(const char *text, size_t n, lp_key_cost *ret) LOOP_MUST_USE;
/*
 * The key of such a file. LOOP_DENIED: another password, or the file is damaged, which cannot be
 * told apart; LOOP_INVALID: it is no such file, or has no password; LOOP_LIMIT.
 */
loop_error *lp_secret_key_parse(const char *text, size_t n, const char *password,
                                lp_secret_key *ret) LOOP_MUST_USE;

/* ---- signatures (sign.c) ---- */

typedef struct lp_minisig {
    uint8_t key_id[8];
    uint8_t of_bytes[64];   /* of the digest of what is signed */
    uint8_t of_comment[64]; /* of these and the trusted comment */
    const char *comment;    /* the trusted one; means nothing before lp_minisig_check */
} lp_minisig;

/* The text of a signature file; LOOP_INVALID names what is wrong with it. */
loop_error *lp_minisig_parse(lp_arena *arena, const char *text, size_t n,
                             lp_minisig *ret) LOOP_MUST_USE;
/* Whether a key has signed these bytes, and the comment with them. LOOP_DENIED. */
loop_error *lp_minisig_check(const lp_minisig *s, const lp_public_key *k, const void *bytes,
                             size_t n) LOOP_MUST_USE;
/* A signature file; malloced. The comment is one line. LOOP_INVALID. */
loop_error *lp_sign(const lp_secret_key *k, const void *bytes, size_t n, const char *comment,
                    char **ret) LOOP_MUST_USE;

/* ---- what a trusted comment of loop's says (sign.c) ---- */

/*
 *     loop 1 name=acme:notes version=1.2.0 class=untrusted time=1795454400 key=93A1F0C2B4D5E6F7
 *     loop 1 next=93A1F0C2B4D5E6F7 time=1795454400 key=0011223344556677
 *
 * Words in any order, each once, none that is not known: what a later version adds may be what
 * makes it mean less. The first is of a package's manifest; the second, over the public key file of
 * `next`, says that this key goes on where `key` ends.
 */
typedef struct lp_claim {
    const char *name, *version; /* "" in the second form */
    const char *next;           /* "" in the first */
    const char *key;
    bool trusted; /* class=trusted */
    uint64_t time_s;
} lp_claim;
loop_error *lp_claim_parse(lp_arena *arena, const char *comment, lp_claim *ret) LOOP_MUST_USE;
char *lp_claim_text(const lp_claim *c);

#endif
