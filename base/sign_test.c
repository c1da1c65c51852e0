/*
 * base/sign_test.c: keys and signatures. What minisign 0.11 wrote stands here as it is, so that a
 * format which only agrees with itself is found; tests/lib/signatures.py asks the tool itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/sign.h"

#define HELLO "hello\n"
#define COMMENT                                                                                    \
    "loop 1 name=acme:notes version=1.2.0 class=untrusted time=1795454400 key=0000000000000000"

static const char minisign_pub[] = "untrusted comment: minisign public key 6AE95C1FB473931E\n"
                                   "RWQek3O0H1zpajyqvsLeKLjgos56eZnnuWH3jR53n5RiLt4zE+YjRUMv\n";
static const char minisign_sig[] =
    "untrusted comment: signature from minisign secret key\n"
    "RUQek3O0H1zpaiWBv+2343pxzJ8I4nrrOUpMymiwdDS62Zk1uIJ4GtRHuL/sBIisoC/vEh/"
    "zoKDv8Z29RLH27p87gYcpi8h4nQs=\n"
    "trusted comment: " COMMENT "\n"
    "mbvBOrDv8wsI6ddIu9VH3IqSUtkK21Rn+Cdmk9B6Y3ft7JUhA2tYWYC1RHxv5CypC0+"
    "Q19ZsokEZ3FXHFRT5BA==\n";
static const char minisign_legacy[] = "untrusted comment: signature from minisign secret key\n"
                                      "RWQek3O0H1zpap3x9FU99jJkdxB8ZuShwFp9P0m0aYwmJZ/"
                                      "uspCSoA1TkXUxNCDaTGiLf7WF9+nfMLlUmkNEl42SJnZPv4pZ7QM=\n"
                                      "trusted comment: timestamp:1795459957\tfile:hello\n"
                                      "5CUrsloOOD9UlTBc9jk0etaDrqT8228/uwqU0+RF/"
                                      "mtlf685ZRljBBW6Kdk8ZHtK4SZ46GkyCuXOqfgDXcIDAw==\n";

/* What deriving takes has a test of its own with minisign's: a gigabyte is too much for each. */
static const lp_key_cost cheap = {32768, 1u << 20};

static void assert_fails(loop_error *e, loop_code code, const char *piece)
{
    lp_auto(lp_free_string) char *text = e ? loop_error_format(e) : lp_strdup("no error");
    if (!e || loop_error_code(e) != code || !strstr(text, piece))
        fail_msg("expected %d and '%s', got %d:\n%s", code, piece, loop_error_code(e), text);
    loop_error_delete(e);
}

static lp_public_key public_of(const char *text)
{
    lp_public_key k;
    assert_null(lp_public_key_parse(text, strlen(text), &k));
    return k;
}

/* Whether a text is a good signature of HELLO by a key. */
static loop_error *check(const char *text, const lp_public_key *k, const char *bytes)
{
    lp_arena arena = {0};
    lp_minisig s;
    loop_error *e = lp_minisig_parse(&arena, text, strlen(text), &s);
    if (!e)
        e = lp_minisig_check(&s, k, bytes, strlen(bytes));
    lp_arena_done(&arena);
    return e;
}

/* ---- what minisign writes ---- */

static void what_minisign_signed_is_good(void **state)
{
    (void)state;
    char id[LP_KEY_ID_TEXT];
    lp_public_key k = public_of(minisign_pub);
    lp_key_id_text(k.id, id);
    assert_string_equal(id, "6AE95C1FB473931E");
    assert_null(check(minisign_sig, &k, HELLO));
    assert_fails(check(minisign_sig, &k, "hello"), LOOP_DENIED, "has not signed these bytes");
    /* Catches: the older kind is of the bytes as they are, and nothing says which kind they are. */
    assert_fails(check(minisign_legacy, &k, HELLO), LOOP_INVALID, "older kind");
}

static void keys_are_written_as_minisign_writes_them(void **state)
{
    (void)state;
    lp_public_key k = public_of(minisign_pub);
    lp_auto(lp_free_string) char *file = lp_public_key_file(&k);
    lp_auto(lp_free_string) char *line = lp_public_key_text(&k);
    assert_string_equal(file, minisign_pub);
    lp_public_key again = public_of(line);
    assert_memory_equal(&k, &again, sizeof k);
    lp_auto(lp_free_string) char *windows = lp_format("untrusted comment: x\r\n%s\r\n", line);
    again = public_of(windows);
    assert_memory_equal(&k, &again, sizeof k);
}

static void what_is_no_key_is_refused(void **state)
{
    (void)state;
    lp_public_key k;
    static const char *const texts[] = {
        "",
        "RW",
        "untrusted comment: minisign public key 6AE95C1FB473931E\n",
        "untrusted comment: x\nRWQek3O0H1zpajyqvsLeKLjgos56eZnnuWH3jR53n5RiLt4zE+YjRUM\n",
        "untrusted comment: x\nRWQek3O0H1zpajyqvsLeKLjgos56eZnnuWH3jR53n5RiLt4zE+YjRUMv\nmore\n",
        "RUQek3O0H1zpajyqvsLeKLjgos56eZnnuWH3jR53n5RiLt4zE+YjRUMv", /* "ED": of no key */
        "RWQek3O0H1zpajyqvsLeKLjgos56eZnnuWH3jR53n5RiLt4zE+YjRUMv=",
        " RWQek3O0H1zpajyqvsLeKLjgos56eZnnuWH3jR53n5RiLt4zE+YjRUMv",
    };
    for (size_t i = 0; i < LP_COUNT(texts); i++)
        assert_fails(lp_public_key_parse(texts[i], strlen(texts[i]), &k), LOOP_INVALID,
                     "no public key");
}

/* ---- signing ---- */

static lp_secret_key new_key(lp_public_key *ret)
{
    lp_secret_key secret;
    assert_null(lp_secret_key_new(&secret));
    *ret = lp_public_key_of(&secret);
    return secret;
}

static void what_was_signed_is_good_and_nothing_else(void **state)
{
    (void)state;
    lp_public_key k, stranger;
    lp_secret_key secret = new_key(&k);
    lp_secret_key other = new_key(&stranger);
    char *text;
    assert_null(lp_sign(&secret, HELLO, strlen(HELLO), COMMENT, &text));
    assert_null(check(text, &k, HELLO));
    assert_fails(check(text, &k, "hellp\n"), LOOP_DENIED, "has not signed these bytes");
    assert_fails(check(text, &stranger, HELLO), LOOP_DENIED, "was not signed by the key");
    memcpy(stranger.id, k.id, sizeof k.id); /* an id is what its owner says that it is */
    assert_fails(check(text, &stranger, HELLO), LOOP_DENIED, "has not signed these bytes");
    free(text);
    assert_fails(lp_sign(&secret, HELLO, 6, "two\nlines", &text), LOOP_INVALID, "one line");
    lp_secret_key_done(&secret);
    lp_secret_key_done(&other);
}

/* Every bit of it counts, but those of the first comment, which means nothing. */
static void every_changed_byte_is_found(void **state)
{
    (void)state;
    lp_public_key k = public_of(minisign_pub);
    size_t n = strlen(minisign_sig), first = strcspn(minisign_sig, "\n") + 1;
    lp_auto(lp_free_string) char *text = lp_strdup(minisign_sig);
    for (size_t i = first; i + 1 < n; i++) {
        text[i] = (char)(text[i] ^ 1);
        loop_error *e = check(text, &k, HELLO);
        if (!e)
            fail_msg("the byte %zu can be changed", i);
        loop_error_delete(e);
        text[i] = minisign_sig[i];
    }
}

/* But for the last line's end, which an editor may take. */
static void every_cut_is_found(void **state)
{
    (void)state;
    lp_public_key k = public_of(minisign_pub);
    for (size_t n = 0; n + 1 < strlen(minisign_sig); n++) {
        lp_auto(lp_free_string) char *text = lp_strndup(minisign_sig, n);
        loop_error *e = check(text, &k, HELLO);
        if (!e)
            fail_msg("cut at %zu it is still good", n);
        loop_error_delete(e);
    }
    lp_auto(lp_free_string) char *more = lp_format("%sx", minisign_sig);
    assert_fails(check(more, &k, HELLO), LOOP_INVALID, "behind its four lines");
}

/* Catches: a comment of one signature under another one of the same key. */
static void a_comment_belongs_to_its_signature(void **state)
{
    (void)state;
    lp_public_key k;
    lp_secret_key secret = new_key(&k);
    char *old, *new;
    assert_null(lp_sign(&secret, "old", 3, "loop 1 version=1", &old));
    assert_null(lp_sign(&secret, "new", 3, "loop 1 version=2", &new));
    size_t old_two = (size_t)(strstr(old, "trusted comment: loop") - old);
    lp_auto(lp_free_string) char *mixed =
        lp_format("%.*s%s", (int)old_two, old, strstr(new, "trusted comment: loop"));
    assert_fails(check(mixed, &k, "old"), LOOP_DENIED, "has not signed the trusted comment");
    free(old);
    free(new);
    lp_secret_key_done(&secret);
}

/* ---- secret keys ---- */

static void a_password_opens_its_key(void **state)
{
    (void)state;
    lp_public_key k;
    lp_secret_key secret = new_key(&k), again;
    char *file, *other;
    assert_null(lp_secret_key_file(&secret, "correct horse", &cheap, &file));
    assert_null(lp_secret_key_file(&secret, "correct horse", &cheap, &other));
    assert_string_not_equal(file, other); /* a salt of its own each time */
    assert_null(lp_secret_key_parse(file, strlen(file), "correct horse", &again));
    assert_memory_equal(&secret, &again, sizeof secret);
    assert_fails(lp_secret_key_parse(file, strlen(file), "correct house", &again), LOOP_DENIED,
                 "not the password");
    assert_fails(lp_secret_key_parse(file, strlen(file), "", &again), LOOP_DENIED,
                 "not the password");
    assert_fails(lp_public_key_parse(file, strlen(file), &k), LOOP_INVALID, "a secret key, not");
    lp_secret_free(file);
    lp_secret_free(other);
    lp_secret_key_done(&secret);
    lp_secret_key_done(&again);
}

static void every_changed_byte_of_a_key_is_found(void **state)
{
    (void)state;
    lp_public_key k;
    lp_secret_key secret = new_key(&k), again;
    char *file;
    assert_null(lp_secret_key_file(&secret, "x", &cheap, &file));
    size_t n = strlen(file), cost = strcspn(file, "\n") + 1 + 38 * 4 / 3, cost_end = cost + 24;
    for (size_t i = strcspn(file, "\n") + 1; i + 1 < n; i++) {
        if (i + 4 > cost && i < cost_end) /* what it takes may be changed to years of work */
            continue;
        file[i] = (char)(file[i] ^ 1);
        loop_error *e = lp_secret_key_parse(file, n, "x", &again);
        if (!e)
            fail_msg("the byte %zu can be changed", i);
        loop_error_delete(e);
        file[i] = (char)(file[i] ^ 1);
    }
    lp_secret_free(file);
    lp_secret_key_done(&secret);
}

/* Catches: a key file that makes loop work for years, or take all memory there is. */
static void a_key_file_cannot_ask_for_everything(void **state)
{
    (void)state;
    lp_secret_key k;
    /* "Ed" "Sc" "B2", a salt of zeros, 2^56 operations, 2^56 bytes */
    char text[400] = "RWRTY0Iy";
    size_t n = strlen(text);
    memset(text + n, 'A', 212 - n);
    text[211] = '='; /* 158 bytes */
    for (size_t i = 60; i < 64; i++)
        text[i] = '/';
    assert_fails(lp_secret_key_parse(text, 212, "x", &k), LOOP_LIMIT, "more work or memory");
    memset(text, 'A', 212);
    memcpy(text, "RWQAAEIy", 8); /* without a password */
    text[211] = '=';
    assert_fails(lp_secret_key_parse(text, 212, "x", &k), LOOP_INVALID, "has no password");
    assert_fails(lp_secret_key_parse(text, 200, "x", &k), LOOP_INVALID, "no secret key");
    assert_fails(lp_secret_key_parse("", 0, "x", &k), LOOP_INVALID, "no secret key");
}

/* ---- what comments say ---- */

static void claims_are_read_as_they_are_written(void **state)
{
    (void)state;
    lp_arena arena = {0};
    lp_claim c;
    assert_null(lp_claim_parse(&arena, COMMENT, &c));
    assert_string_equal(c.name, "acme:notes");
    assert_string_equal(c.version, "1.2.0");
    assert_false(c.trusted);
    assert_int_equal(c.time_s, 1795454400);
    lp_auto(lp_free_string) char *text = lp_claim_text(&c);
    assert_string_equal(text, COMMENT);
    const char *other = "loop 1 key=6AE95C1FB473931E time=0 class=trusted version=1 name=a:b";
    assert_null(lp_claim_parse(&arena, other, &c));
    assert_true(c.trusted);
    const char *next = "loop 1 next=6AE95C1FB473931E time=7 key=0000000000000000";
    assert_null(lp_claim_parse(&arena, next, &c));
    assert_string_equal(c.next, "6AE95C1FB473931E");
    lp_auto(lp_free_string) char *again = lp_claim_text(&c);
    assert_string_equal(again, next);
    lp_arena_done(&arena);
}

static void claims_that_say_something_else_are_refused(void **state)
{
    (void)state;
    static const char *const comments[][2] = {
        {"", "not one of loop's"},
        {"timestamp:1795459957\tfile:hello", "not one of loop's"},
        {"loop 2 name=a:b", "a later version"},
        {"loop 1 ", "no KEY=VALUE"},
        {"loop 1  name=a:b", "no KEY=VALUE"},
        {"loop 1 name=a:b version=1 class=trusted time=0", "does not say all"},
        {"loop 1 name=a:b version=1 class=trusted time=0 key=6AE95C1FB473931E ", "no KEY=VALUE"},
        {"loop 1 name=a:b name=a:c version=1 class=trusted time=0 key=6AE95C1FB473931E", "twice"},
        {"loop 1 name=a:b version=1 class=trusted time=0 key=6AE95C1FB473931E not-after=9",
         "does not know"},
        {"loop 1 name=a:b version=1 class=root time=0 key=6AE95C1FB473931E", "neither trusted"},
        {"loop 1 name=a:b version=1 class=trusted time=-1 key=6AE95C1FB473931E", "no number"},
        {"loop 1 name=a:b version=1 class=trusted time=00 key=6AE95C1FB473931E", "no number"},
        {"loop 1 name=a:b version=1 class=trusted time=0 key=6ae95c1fb473931e", "16 hexadecimal"},
        {"loop 1 name= version=1 class=trusted time=0 key=6AE95C1FB473931E", "no KEY=VALUE"},
        {"loop 1 name=a:b version=1 class=trusted time=0 key=6AE95C1FB473931E "
         "next=6AE95C1FB473931E",
         "does not say all"},
    };
    lp_arena arena = {0};
    lp_claim c;
    for (size_t i = 0; i < LP_COUNT(comments); i++)
        assert_fails(lp_claim_parse(&arena, comments[i][0], &c), LOOP_INVALID, comments[i][1]);
    lp_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_minisign_signed_is_good),
        cmocka_unit_test(keys_are_written_as_minisign_writes_them),
        cmocka_unit_test(what_is_no_key_is_refused),
        cmocka_unit_test(what_was_signed_is_good_and_nothing_else),
        cmocka_unit_test(every_changed_byte_is_found),
        cmocka_unit_test(every_cut_is_found),
        cmocka_unit_test(a_comment_belongs_to_its_signature),
        cmocka_unit_test(a_password_opens_its_key),
        cmocka_unit_test(every_changed_byte_of_a_key_is_found),
        cmocka_unit_test(a_key_file_cannot_ask_for_everything),
        cmocka_unit_test(claims_are_read_as_they_are_written),
        cmocka_unit_test(claims_that_say_something_else_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
