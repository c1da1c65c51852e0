/*
 * base/sign.c: signatures in minisign's format, and what loop's trusted comments say.
 *
 *     untrusted comment: <anything>
 *     base64("ED", key id, signature of BLAKE2b-512(the bytes))
 *     trusted comment: <one line>
 *     base64(signature of the signature above and the trusted comment)
 *
 * Reading is strict: four lines, nothing behind them, base64 in its one spelling. So a signature
 * that was accepted has one text, and nothing can be hidden in it.
 */
#include "base/sign.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/text.h"

#define UNTRUSTED "untrusted comment: "
#define TRUSTED "trusted comment: "

/* The second line of a file, as bytes. */
struct wire {
    uint8_t kind[2];
    uint8_t key_id[8];
    uint8_t signature[64];
};

void lp_key_id_text(const uint8_t id[8], char ret[LP_KEY_ID_TEXT])
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < 8; i++) { /* minisign: a number, its lowest byte first */
        ret[2 * i] = digits[id[7 - i] >> 4];
        ret[2 * i + 1] = digits[id[7 - i] & 15];
    }
    ret[16] = 0;
}

void lp_secret_key_done(lp_secret_key *k)
{
    sodium_memzero(k, sizeof *k);
}

void lp_secret_free(char *text)
{
    if (!text)
        return;
    sodium_memzero(text, strlen(text));
    free(text);
}

void lp_free_secret(char **text)
{
    lp_secret_free(*text);
}

/* ---- reading ---- */

static loop_error *wrong(const char *what)
{
    return loop_error_hint_set(loop_error_new(LOOP_INVALID, "the signature %s", what),
                               "a signature is the four lines that `loop sign` or `minisign -S` "
                               "writes");
}

/* The next line, without its end; false where there is none. */
static bool next_line(lp_str *rest, lp_str *ret)
{
    if (!rest->len)
        return false;
    const char *end = memchr(rest->ptr, '\n', rest->len);
    size_t n = end ? (size_t)(end - rest->ptr) : rest->len;
    *ret = (lp_str){rest->ptr, n && rest->ptr[n - 1] == '\r' ? n - 1 : n};
    rest->ptr += n + (end != NULL);
    rest->len -= n + (end != NULL);
    return true;
}

static bool has_prefix(lp_str line, const char *prefix)
{
    size_t n = strlen(prefix);
    return line.len >= n && memcmp(line.ptr, prefix, n) == 0;
}

/* Exactly `size` bytes, in base64's one spelling. */
static bool decode(lp_str line, void *ret, size_t size)
{
    size_t n;
    const char *end;
    return sodium_base642bin(ret, size, line.ptr, line.len, NULL, &n, &end,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           n == size && end == line.ptr + line.len;
}

/* Tabs are in the comments that minisign writes by itself. */
static bool is_one_line(lp_str s)
{
    bool safe = true;
    for (size_t at = 0; safe && at < s.len;) {
        bool tab = s.ptr[at] == '\t';
        at += lp_text_next(s.ptr + at, s.len - at, &safe);
        safe = safe || tab;
    }
    return safe;
}

loop_error *lp_minisig_parse(lp_arena *arena, const char *text, size_t n, lp_minisig *ret)
{
    lp_str rest = {text, n}, lines[4];
    struct wire wire;
    if (n > LP_MAX_SIGNATURE_BYTES)
        return loop_error_new(LOOP_LIMIT, "the signature has more than %d bytes",
                              LP_MAX_SIGNATURE_BYTES);
    for (size_t i = 0; i < LP_COUNT(lines); i++)
        if (!next_line(&rest, &lines[i]))
            return wrong("is cut: it has fewer than four lines");
    if (rest.len)
        return wrong("has something behind its four lines");
    if (!has_prefix(lines[0], UNTRUSTED))
        return wrong("does not begin with 'untrusted comment: '");
    if (!has_prefix(lines[2], TRUSTED))
        return wrong("has no 'trusted comment: ' in its third line");
    if (!decode(lines[1], &wire, sizeof wire) ||
        !decode(lines[3], ret->of_comment, sizeof ret->of_comment))
        return wrong("is damaged: a line is not the base64 of a signature");
    if (memcmp(wire.kind, "Ed", 2) == 0)
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "the signature is of minisign's older kind"),
            "sign again without `-l`: of what is not hashed first, one may pass for another");
    if (memcmp(wire.kind, "ED", 2) != 0)
        return wrong("is of a kind that is not known");
    size_t skip = sizeof TRUSTED - 1;
    lp_str comment = {lines[2].ptr + skip, lines[2].len - skip};
    if (!is_one_line(comment))
        return wrong("has characters in its trusted comment that nobody should print");
    memcpy(ret->key_id, wire.key_id, sizeof ret->key_id);
    memcpy(ret->of_bytes, wire.signature, sizeof ret->of_bytes);
    ret->comment = lp_arena_strndup(arena, comment.ptr, comment.len);
    return NULL;
}

/* ---- checking, making ---- */

static void digest_of(const void *bytes, size_t n, uint8_t ret[64])
{
    crypto_generichash(ret, 64, bytes, n, NULL, 0);
}

/* What the second signature is of. */
static void bind_comment(const uint8_t signature[64], const char *comment, lp_buf *ret)
{
    lp_buf_add(ret, signature, 64);
    lp_buf_puts(ret, comment);
}

loop_error *lp_minisig_check(const lp_minisig *s, const lp_public_key *k, const void *bytes,
                             size_t n)
{
    char id[LP_KEY_ID_TEXT];
    uint8_t digest[64];
    lp_key_id_text(k->id, id);
    if (memcmp(s->key_id, k->id, sizeof k->id) != 0)
        return loop_error_new(LOOP_DENIED, "it was not signed by the key %s", id);
    digest_of(bytes, n, digest);
    if (crypto_sign_verify_detached(s->of_bytes, digest, sizeof digest, k->key) != 0)
        return loop_error_new(
            LOOP_DENIED, "the signature names the key %s, which has not signed these bytes", id);
    lp_buf both = {0};
    bind_comment(s->of_bytes, s->comment, &both);
    int bad =
        crypto_sign_verify_detached(s->of_comment, (const uint8_t *)both.ptr, both.len, k->key);
    lp_buf_done(&both);
    return bad ? loop_error_new(LOOP_DENIED,
                                "the key %s has not signed the trusted comment of the signature",
                                id)
               : NULL;
}

static void put_base64(lp_buf *b, const void *bytes, size_t n)
{
    char text[sodium_base64_ENCODED_LEN(sizeof(struct wire), sodium_base64_VARIANT_ORIGINAL)];
    lp_buf_puts(b, sodium_bin2base64(text, sizeof text, bytes, n, sodium_base64_VARIANT_ORIGINAL));
    lp_buf_puts(b, "\n");
}

loop_error *lp_sign(const lp_secret_key *k, const void *bytes, size_t n, const char *comment,
                    char **ret)
{
    struct wire wire = {.kind = {'E', 'D'}};
    uint8_t digest[64], of_comment[64];
    lp_str line = lp_str_of(comment);
    if (!is_one_line(line) || line.len > LP_MAX_SIGNATURE_BYTES / 2)
        return loop_error_new(LOOP_INVALID, "a trusted comment is one line of at most %d bytes",
                              LP_MAX_SIGNATURE_BYTES / 2);
    memcpy(wire.key_id, k->id, sizeof wire.key_id);
    digest_of(bytes, n, digest);
    lp_buf both = {0}, text = {0};
    if (crypto_sign_detached(wire.signature, NULL, digest, sizeof digest, k->key) != 0)
        return loop_error_new(LOOP_UNAVAILABLE, "libsodium could not sign");
    bind_comment(wire.signature, comment, &both);
    int bad = crypto_sign_detached(of_comment, NULL, (const uint8_t *)both.ptr, both.len, k->key);
    lp_buf_done(&both);
    if (bad)
        return loop_error_new(LOOP_UNAVAILABLE, "libsodium could not sign");
    lp_buf_puts(&text, UNTRUSTED "signature of loop\n");
    put_base64(&text, &wire, sizeof wire);
    lp_buf_printf(&text, TRUSTED "%s\n", comment);
    put_base64(&text, of_comment, sizeof of_comment);
    *ret = lp_buf_take(&text);
    return NULL;
}

/* ---- what a trusted comment of loop's says ---- */

static loop_error *no_claim(const char *comment, const char *why)
{
    char shown[120];
    return loop_error_hint_set(
        loop_error_new(LOOP_INVALID, "the trusted comment '%s' %s",
                       lp_text_shown(comment, shown, sizeof shown), why),
        "write `loop 1 name=acme:notes version=1.2.0 class=untrusted time=SECONDS key=ID`, or let "
        "`loop sign` write it");
}

static bool is_key_id(const char *s)
{
    return strlen(s) == LP_KEY_ID_TEXT - 1 && strspn(s, "0123456789ABCDEF") == LP_KEY_ID_TEXT - 1;
}

static bool read_time(const char *s, uint64_t *ret)
{
    size_t n = strspn(s, "0123456789");
    if (!n || s[n] || n > 12 || (n > 1 && *s == '0'))
        return false;
    *ret = strtoull(s, NULL, 10);
    return true;
}

enum { NAME, VERSION, CLASS, TIME, KEY, NEXT, WORDS };
static const char *const words[WORDS] = {"name", "version", "class", "time", "key", "next"};

/* The value of each word; NULL where it is not there. What is wrong, or NULL. */
static const char *read_words(lp_arena *arena, const char *s, const char *values[WORDS])
{
    while (*s) {
        if (*s++ != ' ')
            return "has something behind a word";
        size_t n = strcspn(s, " "), key = strcspn(s, "="), i = 0;
        if (!key || key + 1 >= n)
            return "has a word that is no KEY=VALUE, or more than one space between two";
        while (i < WORDS && (strlen(words[i]) != key || memcmp(words[i], s, key) != 0))
            i++;
        if (i == WORDS)
            return "has a word that this version of loop does not know";
        if (values[i])
            return "has a word twice";
        values[i] = lp_arena_strndup(arena, s + key + 1, n - key - 1);
        s += n;
    }
    return NULL;
}

static const char *check_words(const char *const values[WORDS], lp_claim *c)
{
    bool package = values[NAME] && values[VERSION] && values[CLASS] && !values[NEXT];
    bool next = values[NEXT] && !values[NAME] && !values[VERSION] && !values[CLASS];
    if (!values[TIME] || !values[KEY] || (!package && !next))
        return "does not say all that it must";
    if (!is_key_id(values[KEY]) || (next && !is_key_id(values[NEXT])))
        return "has an id of a key that is not 16 hexadecimal digits in capitals";
    if (!read_time(values[TIME], &c->time_s))
        return "has a time that is no number of seconds since 1970";
    bool trusted = package && strcmp(values[CLASS], "trusted") == 0;
    if (package && !trusted && strcmp(values[CLASS], "untrusted") != 0)
        return "has a class that is neither trusted nor untrusted";
    c->trusted = trusted;
    c->name = package ? values[NAME] : "";
    c->version = package ? values[VERSION] : "";
    c->next = next ? values[NEXT] : "";
    c->key = values[KEY];
    return NULL;
}

loop_error *lp_claim_parse(lp_arena *arena, const char *comment, lp_claim *ret)
{
    static const char start[] = "loop ";
    const char *values[WORDS] = {NULL};
    lp_claim c = {0};
    if (!lp_starts_with(comment, start))
        return no_claim(comment, "is not one of loop's");
    if (!lp_starts_with(comment, "loop 1 "))
        return no_claim(comment, "is of a later version of loop's format");
    const char *why = read_words(arena, comment + sizeof "loop 1" - 1, values);
    if (!why)
        why = check_words(values, &c);
    if (why)
        return no_claim(comment, why);
    *ret = c;
    return NULL;
}

char *lp_claim_text(const lp_claim *c)
{
    if (*c->next)
        return lp_format("loop 1 next=%s time=%" PRIu64 " key=%s", c->next, c->time_s, c->key);
    return lp_format("loop 1 name=%s version=%s class=%s time=%" PRIu64 " key=%s", c->name,
                     c->version, c->trusted ? "trusted" : "untrusted", c->time_s, c->key);
}
