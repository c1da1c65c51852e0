/*
 * trust/keys_test.c: whom the user knows, and the decision about packages: rows of questions, each
 * with the broken program that it catches.
 *
 * Keys are made as loop_keys_new makes them but for what a password takes (base/sign_test.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/os/os.h"
#include "trust/keys.h"

#define MANIFEST "{\"schemaVersion\":2}"
#define PASSWORD "only for tests"

static char *root; /* ROOT/config/loop/keys.yaml, ROOT/config/loop/keys/ */

static char *in_root(const char *name)
{
    return lp_format("%s/config/loop/%s", root, name);
}

static int set_up(void **state)
{
    (void)state;
    char pattern[] = "/tmp/loop-keys-XXXXXX";
    root = lp_os_realpath(mkdtemp(pattern));
    lp_auto(lp_free_string) char *config = lp_format("%s/config", root);
    setenv("XDG_CONFIG_HOME", config, 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lp_auto(lp_free_string) char *command = lp_format("rm -rf '%s'", root);
    free(root);
    return system(command);
}

static void assert_fails(loop_error *e, loop_code code, const char *piece)
{
    lp_auto(lp_free_string) char *text = e ? loop_error_format(e) : lp_strdup("no error");
    if (!e || loop_error_code(e) != code || !strstr(text, piece))
        fail_msg("expected %d and '%s', got %d:\n%s", code, piece, loop_error_code(e), text);
    loop_error_delete(e);
}

/* ---- keys that the tests sign with ---- */

typedef struct pair {
    lp_secret_key secret;
    char id[LP_KEY_ID_TEXT];
    char *text, *file; /* the line, the .pub file */
} pair;

static pair new_pair(void)
{
    pair p;
    assert_null(lp_secret_key_new(&p.secret));
    lp_public_key public = lp_public_key_of(&p.secret);
    lp_key_id_text(public.id, p.id);
    p.text = lp_public_key_text(&public);
    p.file = lp_public_key_file(&public);
    return p;
}

static void pair_done(pair *p)
{
    lp_secret_key_done(&p->secret);
    free(p->text);
    free(p->file);
}

/* As one's own: what `loop keys new` would have left. */
static void put_own(const pair *p, const char *name)
{
    static const lp_key_cost cheap = {32768, 1u << 20};
    lp_auto(lp_free_string) char *folder = in_root("keys");
    lp_auto(lp_free_string) char *key = lp_format("%s/%s.key", folder, name);
    lp_auto(lp_free_string) char *pub = lp_format("%s/%s.pub", folder, name);
    char *file;
    assert_null(lp_os_secret_dir(folder));
    assert_null(lp_secret_key_file(&p->secret, PASSWORD, &cheap, &file));
    assert_null(lp_os_write_atomic(key, file, strlen(file), 0600));
    assert_null(lp_os_write_atomic(pub, p->file, strlen(p->file), 0644));
    lp_secret_free(file);
}

static char *sign(const pair *p, const char *name, const char *version, bool trusted)
{
    const lp_claim c = {.name = name,
                        .version = version,
                        .next = "",
                        .key = p->id,
                        .trusted = trusted,
                        .time_s = 1795454400};
    lp_auto(lp_free_string) char *comment = lp_claim_text(&c);
    char *text;
    assert_null(lp_sign(&p->secret, MANIFEST, strlen(MANIFEST), comment, &text));
    return text;
}

static void trust(const pair *p, const char *name, const char *namespace, bool trusted)
{
    assert_null(
        loop_keys_trust(&(loop_key_wish){.text = p->text,
                                         .name = name,
                                         .namespaces = (const char *const[]){namespace, NULL},
                                         .class_name = trusted ? "trusted" : NULL}));
}

/* ---- asking ---- */

static loop_error *ask_of(const char *name, const char *registry, bool own,
                          const char *const *signatures, loop_signer *ret)
{
    loop_keys *k;
    loop_signer unused;
    LP_TRY(loop_keys_open(&k));
    loop_error *e = loop_keys_check(k,
                                    &(loop_key_question){.name = name,
                                                         .version = "1.2.0",
                                                         .bytes = MANIFEST,
                                                         .len = strlen(MANIFEST),
                                                         .signatures = signatures,
                                                         .registry = registry,
                                                         .own_registry = own},
                                    ret ? ret : &unused, NULL);
    loop_keys_delete(k);
    return e;
}

/* With at most two signatures. */
static loop_error *ask(const char *name, const char *one, const char *two, loop_signer *ret)
{
    const char *const signatures[] = {one, two, NULL};
    return ask_of(name, "team", true, signatures, ret);
}

static void assert_signed_by(loop_error *e, const loop_signer *s, const char *name)
{
    if (e)
        fail_msg("%s", loop_error_message(loop_error_cause(e) ? loop_error_cause(e) : e));
    assert_string_equal(s->name, name);
}

static void put_rules(const char *rules)
{
    lp_auto(lp_free_string) char *file = in_root("keys.yaml");
    uint8_t *bytes;
    size_t n;
    assert_null(lp_os_read_file(file, 1 << 20, &bytes, &n));
    lp_auto(lp_free_string) char *rest = lp_strndup((char *)bytes, n);
    free(bytes);
    lp_auto(lp_free_string) char *text =
        lp_format("loop: 1\nsignatures: %s\n%s", rules, strstr(rest, "keys:"));
    assert_null(lp_os_write_atomic(file, text, strlen(text), 0600));
}

/* ---- the decision ---- */

static void nobody_is_known_and_nothing_is_refused(void **state)
{
    (void)state;
    loop_signer s = {.trusted = true};
    pair ada = new_pair();
    lp_auto(lp_free_string) char *signed_by = sign(&ada, "acme:notes", "1.2.0", true);
    assert_null(ask("acme:notes", NULL, NULL, &s));
    assert_string_equal(s.key, "");
    assert_false(s.trusted);
    assert_null(ask("acme:notes", signed_by, NULL, &s));
    assert_string_equal(s.key, ""); /* a key that nobody knows says nothing */
    pair_done(&ada);
}

static void what_a_known_key_signed_is_its(void **state)
{
    (void)state;
    loop_signer s;
    pair ada = new_pair();
    lp_auto(lp_free_string) char *good = sign(&ada, "acme:notes", "1.2.0", false);
    lp_auto(lp_free_string) char *high = sign(&ada, "acme:notes", "1.2.0", true);
    trust(&ada, "ada", "acme", false);
    assert_signed_by(ask("acme:notes", good, NULL, &s), &s, "ada");
    assert_string_equal(s.key, ada.id);
    assert_string_equal(s.publisher, ada.id);
    assert_int_equal(s.time_s, 1795454400);
    assert_null(ask("acme:notes", high, NULL, &s));
    assert_false(s.trusted); /* the key was not trusted for that */
    trust(&ada, "ada", "acme", true);
    assert_null(ask("acme:notes", high, NULL, &s));
    assert_true(s.trusted);
    assert_null(ask("acme:notes", good, NULL, &s));
    assert_false(s.trusted); /* its publisher did not ask for that */
    assert_null(ask("acme:notes", good, high, &s));
    assert_true(s.trusted);
    pair_done(&ada);
}

/* Catches: whoever compares the bytes alone: any signed package under any name. */
static void what_was_signed_as_something_else_is_refused(void **state)
{
    (void)state;
    pair ada = new_pair(), eve = new_pair();
    trust(&ada, "ada", "acme", false);
    lp_auto(lp_free_string) char *name = sign(&ada, "acme:other", "1.2.0", false);
    lp_auto(lp_free_string) char *version = sign(&ada, "acme:notes", "1.3.0", false);
    pair forged = eve; /* eve's signature with ada's id */
    memcpy(forged.secret.id, ada.secret.id, sizeof forged.secret.id);
    memcpy(forged.id, ada.id, sizeof forged.id);
    lp_auto(lp_free_string) char *swapped = sign(&forged, "acme:notes", "1.2.0", false);
    lp_auto(lp_free_string) char *good = sign(&ada, "acme:notes", "1.2.0", false);
    lp_auto(lp_free_string) char *cut = lp_strndup(good, strlen(good) - 40);
    assert_fails(ask("acme:notes", name, NULL, NULL), LOOP_DENIED, "signed as 'acme:other'");
    assert_fails(ask("acme:notes", version, NULL, NULL), LOOP_DENIED, "signed as version 1.3.0");
    assert_fails(ask("acme:notes", swapped, NULL, NULL), LOOP_DENIED, "has not signed these bytes");
    assert_fails(ask("acme:notes", cut, NULL, NULL), LOOP_DENIED, "its signature is none");
    /* A good one beside it does not help. */
    assert_fails(ask("acme:notes", good, swapped, NULL), LOOP_DENIED, "has not signed");
    assert_fails(ask("acme:notes", version, good, NULL), LOOP_DENIED, "signed as version");
    pair_done(&ada);
    pair_done(&eve);
}

/* Catches: a registry that takes the signatures away. */
static void what_must_be_signed_is_not_taken_without(void **state)
{
    (void)state;
    pair ada = new_pair(), eve = new_pair();
    trust(&ada, "ada", "acme", false);
    trust(&eve, "eve", "evil", false);
    lp_auto(lp_free_string) char *stranger = sign(&eve, "acme:notes", "1.2.0", false);
    assert_fails(ask("acme:notes", NULL, NULL, NULL), LOOP_DENIED, "'ada'");
    assert_fails(ask("acme:notes", stranger, NULL, NULL), LOOP_DENIED, "who may not sign packages");
    assert_fails(ask("acme:notes", stranger, NULL, NULL), LOOP_DENIED, /* and keeps what it has */
                 "loop keys trust eve --namespace evil --namespace acme");
    assert_null(ask("other:notes", NULL, NULL, NULL)); /* nobody signs these */
    assert_null(ask("acme2:notes", NULL, NULL, NULL));
    assert_null(loop_keys_revoke("ada", NULL)); /* which does not open what it kept closed */
    assert_fails(ask("acme:notes", NULL, NULL, NULL), LOOP_DENIED,
                 "who signed packages of this name, was revoked");
    trust(&eve, "eve", "acme", false);
    assert_fails(ask("acme:notes", NULL, NULL, NULL), LOOP_DENIED, "'eve'"); /* who can sign */
    pair_done(&ada);
    pair_done(&eve);
}

static void what_a_revoked_key_signed_is_refused(void **state)
{
    (void)state;
    loop_signer s;
    pair ada = new_pair(), bob = new_pair();
    lp_auto(lp_free_string) char *old = sign(&ada, "acme:notes", "1.2.0", false);
    lp_auto(lp_free_string) char *new = sign(&bob, "acme:notes", "1.2.0", false);
    trust(&ada, "ada", "acme", false);
    assert_null(loop_keys_revoke(ada.id, "the laptop was stolen"));
    assert_fails(ask("acme:notes", old, NULL, NULL), LOOP_DENIED, "the laptop was stolen");
    assert_fails(loop_keys_trust(&(loop_key_wish){.text = ada.text}), LOOP_DENIED, "was revoked");
    trust(&bob, "bob", "acme", false); /* who signs it again */
    assert_signed_by(ask("acme:notes", old, new, &s), &s, "bob");
    assert_fails(ask("acme:notes", old, NULL, NULL), LOOP_DENIED, "was revoked");
    pair_done(&ada);
    pair_done(&bob);
}

/* Catches: a registry that chooses whose storage a package opens, by the order of signatures. */
static void of_several_signers_the_same_one_counts(void **state)
{
    (void)state;
    loop_signer s;
    pair ada = new_pair(), bob = new_pair();
    lp_auto(lp_free_string) char *of_ada = sign(&ada, "acme:notes", "1.2.0", true);
    lp_auto(lp_free_string) char *of_bob = sign(&bob, "acme:notes", "1.2.0", true);
    trust(&ada, "ada", "acme", false);
    trust(&bob, "bob", "acme", false);
    assert_signed_by(ask("acme:notes", of_ada, of_bob, &s), &s, "ada");
    assert_signed_by(ask("acme:notes", of_bob, of_ada, &s), &s, "ada");
    trust(&bob, "bob", "acme", true); /* who says more than she does */
    assert_signed_by(ask("acme:notes", of_ada, of_bob, &s), &s, "bob");
    assert_signed_by(ask("acme:notes", of_bob, of_ada, &s), &s, "bob");
    assert_true(s.trusted);
    pair_done(&ada);
    pair_done(&bob);
}

static void rules_say_what_must_be_signed(void **state)
{
    (void)state;
    static const struct {
        const char *rules, *name, *registry;
        bool own, taken;
    } rows[] = {
        {"{ default: optional }", "acme:notes", "team", true, true},
        {"{ default: known }", "acme:notes", "team", true, false},
        {"{ default: known }", "other:x", "team", true, true},
        {"{ default: required }", "other:x", "team", true, false},
        {"{ default: required, namespaces: { other: optional } }", "other:x", "team", true, true},
        {"{ namespaces: { other: required, \"other:x\": optional } }", "other:x", "", true, true},
        {"{ namespaces: { other: required } }", "other:y", "", true, false},
        {"{ registries: { team: required } }", "other:x", "team", true, false},
        {"{ registries: { team: required } }", "other:x", "team", false, false},
        {"{ registries: { team: required } }", "other:x", "else", true, true},
        {"{ default: required, registries: { near: optional } }", "other:x", "near", true, true},
        /* A workspace that calls its own registry so gets nothing of it. */
        {"{ default: required, registries: { near: optional } }", "other:x", "near", false, false},
        {"{ namespaces: { other: required }, registries: { near: optional } }", "other:x", "near",
         true, false},
    };
    pair ada = new_pair();
    trust(&ada, "ada", "acme", false);
    for (size_t i = 0; i < LP_COUNT(rows); i++) {
        put_rules(rows[i].rules);
        loop_error *e = ask_of(rows[i].name, rows[i].registry, rows[i].own, NULL, NULL);
        if (rows[i].taken != !e)
            fail_msg("row %zu: %s", i, e ? loop_error_message(e) : "it is taken");
        loop_error_delete(e);
    }
    pair_done(&ada);
}

/* ---- keys.yaml ---- */

static void rows_are_kept_as_they_were_written(void **state)
{
    (void)state;
    pair ada = new_pair(), bob = new_pair();
    const char *const two[] = {"acme", "other:notes", NULL};
    trust(&ada, "ada", "acme", true);
    put_rules("{ default: known, namespaces: { acme: required }, registries: { team: optional } }");
    assert_null(
        loop_keys_trust(&(loop_key_wish){.text = bob.file, .name = "bob", .namespaces = two}));
    assert_null(loop_keys_revoke("bob", "a \"reason\" # with: all"));
    loop_keys *k;
    assert_null(loop_keys_open(&k));
    assert_int_equal(k->rules.n, 3);
    const loop_key *a = loop_keys_at(k, 0), *b = loop_keys_at(k, 1);
    assert_string_equal(a->name, "ada");
    assert_true(a->trusted && a->known && !a->own && !*a->revoked);
    assert_string_equal(b->text, bob.text);
    assert_string_equal(b->namespaces[1], "other:notes");
    assert_string_equal(b->reason, "a \"reason\" # with: all");
    assert_null(loop_keys_at(k, 2));
    loop_keys_delete(k);
    assert_fails(loop_keys_revoke("bob", "two\nlines"), LOOP_USAGE, "no reason");
    assert_fails(loop_keys_revoke("eve", NULL), LOOP_NOT_FOUND, "no key 'eve'");
    assert_fails(loop_keys_trust(&(loop_key_wish){.text = ada.text, .name = "bob"}), LOOP_USAGE,
                 "another key is called");
    assert_fails(loop_keys_trust(&(loop_key_wish){.text = "RWx", .name = "x"}), LOOP_INVALID,
                 "no public key");
    pair_done(&ada);
    pair_done(&bob);
}

/* Catches: an id is eight bytes that anybody can choose. */
static void an_id_belongs_to_one_key(void **state)
{
    (void)state;
    pair ada = new_pair(), eve = new_pair();
    trust(&ada, "ada", "acme", false);
    lp_public_key forged = lp_public_key_of(&eve.secret);
    memcpy(forged.id, ada.secret.id, sizeof forged.id);
    lp_auto(lp_free_string) char *text = lp_public_key_text(&forged);
    const char *const evil[] = {"evil", NULL};
    assert_fails(loop_keys_trust(&(loop_key_wish){.text = text, .name = "eve", .namespaces = evil}),
                 LOOP_DENIED, "has the same id");
    pair_done(&ada);
    pair_done(&eve);
}

static void a_list_that_others_can_change_counts_for_nothing(void **state)
{
    (void)state;
    pair ada = new_pair();
    trust(&ada, "ada", "acme", false);
    lp_auto(lp_free_string) char *file = in_root("keys.yaml");
    loop_keys *k;
    assert_int_equal(chmod(file, 0666), 0);
    assert_fails(loop_keys_open(&k), LOOP_DENIED, "others can write");
    lp_auto(lp_free_string) char *away = in_root("away.yaml");
    assert_int_equal(rename(file, away), 0);
    assert_int_equal(symlink("/nowhere", file), 0); /* catches: nothing there, so nobody revoked */
    assert_fails(loop_keys_open(&k), LOOP_DENIED, "is a symbolic link");
    assert_int_equal(rename(away, file), 0);
    assert_int_equal(chmod(file, 0600), 0);
    assert_null(lp_os_write_atomic(file, "loop: 1\nkeys: [{ name: x }]\n", 27, 0600));
    assert_fails(loop_keys_open(&k), LOOP_CONFIG, "there is no 'key'");
    assert_fails(ask("acme:notes", NULL, NULL, NULL), LOOP_CONFIG, "there is no 'key'");
    pair_done(&ada);
}

/* ---- handing over ---- */

static void a_key_is_handed_over(void **state)
{
    (void)state;
    loop_signer s;
    pair ada = new_pair(), next = new_pair(), third = new_pair(), eve = new_pair();
    put_own(&ada, "ada");
    put_own(&next, "next");
    put_own(&third, "third");
    trust(&ada, "ada", "acme", true);
    assert_fails(loop_keys_hand_over("ada", "wrong", "next"), LOOP_DENIED, "not the password");
    assert_null(loop_keys_hand_over("ada", PASSWORD, "next"));
    assert_null(loop_keys_hand_over("next", PASSWORD, "third"));
    lp_auto(lp_free_string) char *path = in_root("keys/next.pub.minisig");
    lp_auto(lp_free_string) char *path3 = in_root("keys/third.pub.minisig");
    uint8_t *bytes;
    size_t n;
    assert_null(lp_os_read_file(path, 1 << 16, &bytes, &n));
    lp_auto(lp_free_string) char *handover = lp_strndup((char *)bytes, n);
    free(bytes);
    assert_null(lp_os_read_file(path3, 1 << 16, &bytes, &n));
    lp_auto(lp_free_string) char *handover3 = lp_strndup((char *)bytes, n);
    free(bytes);
    /* It is of that key and no other. */
    assert_fails(loop_keys_trust(&(loop_key_wish){.text = eve.file, .handover = handover}),
                 LOOP_DENIED, "has not signed these bytes");
    assert_fails(loop_keys_trust(&(loop_key_wish){.text = third.file, .handover = handover3}),
                 LOOP_INVALID, "which you do not trust");
    /* A class that the user names is that class, whatever the one before it had. */
    assert_fails(loop_keys_trust(&(loop_key_wish){
                     .text = next.file, .handover = handover, .class_name = "Trusted"}),
                 LOOP_USAGE, "a class is trusted or untrusted");
    assert_null(loop_keys_trust(
        &(loop_key_wish){.text = next.file, .handover = handover, .class_name = "untrusted"}));
    lp_auto(lp_free_string) char *lower = sign(&next, "acme:notes", "1.2.0", true);
    assert_signed_by(ask("acme:notes", lower, NULL, &s), &s, "next");
    assert_false(s.trusted);
    assert_null(loop_keys_trust(
        &(loop_key_wish){.text = next.file, .handover = handover, .class_name = "trusted"}));
    assert_null(loop_keys_trust(&(loop_key_wish){.text = next.file})); /* which changes nothing */
    assert_signed_by(ask("acme:notes", lower, NULL, &s), &s, "next");
    assert_true(s.trusted);
    assert_null(loop_keys_trust(&(loop_key_wish){.text = third.file, .handover = handover3}));
    /* Its packages are of the same publisher, as what they were. */
    lp_auto(lp_free_string) char *signed_by = sign(&third, "acme:notes", "1.2.0", true);
    assert_signed_by(ask("acme:notes", signed_by, NULL, &s), &s, "third");
    assert_string_equal(s.publisher, ada.id);
    assert_string_equal(s.key, third.id);
    assert_true(s.trusted);
    /* A revoked key hands over nothing. */
    assert_null(loop_keys_revoke("ada", NULL));
    assert_fails(loop_keys_hand_over("ada", PASSWORD, "next"), LOOP_DENIED, "was revoked");
    pair late = new_pair();
    assert_fails(loop_keys_trust(&(loop_key_wish){.text = late.file, .handover = handover}),
                 LOOP_DENIED, "was revoked");
    pair_done(&late);
    pair_done(&ada);
    pair_done(&next);
    pair_done(&third);
    pair_done(&eve);
}

/* ---- one's own ---- */

static void a_key_of_ones_own_signs(void **state)
{
    (void)state;
    loop_signer s;
    char *text;
    pair ada = new_pair(), eve = new_pair();
    const loop_signing what = {"acme:notes", "1.2.0", MANIFEST, strlen(MANIFEST), false};
    put_own(&ada, "ada");
    assert_fails(loop_keys_sign("bob", PASSWORD, &what, &text), LOOP_NOT_FOUND, "no key 'bob'");
    assert_fails(loop_keys_sign("ada", "other", &what, &text), LOOP_DENIED, "not the password");
    assert_null(loop_keys_sign("ada", PASSWORD, &what, &text));
    const char *const signatures[] = {text, NULL};
    const loop_key_question q = {.name = "acme:notes",
                                 .version = "1.2.0",
                                 .bytes = MANIFEST,
                                 .len = strlen(MANIFEST),
                                 .signatures = signatures};
    assert_null(loop_keys_check_with(ada.file, &q, &s));
    assert_string_equal(s.key, ada.id);
    assert_fails(loop_keys_check_with(eve.file, &q, &s), LOOP_DENIED, "has not signed it");
    free(text);
    /* To have made a key says nothing about what it may sign here. */
    assert_null(ask("acme:notes", NULL, NULL, &s));
    trust(&eve, "eve", "acme", false);
    assert_fails(loop_keys_sign("eve", PASSWORD, &what, &text), LOOP_NOT_FOUND, "is not here");
    lp_auto(lp_free_string) char *key = in_root("keys/ada.key");
    assert_int_equal(chmod(key, 0644), 0);
    assert_fails(loop_keys_sign("ada", PASSWORD, &what, &text), LOOP_DENIED, "not yours alone");
    pair_done(&ada);
    pair_done(&eve);
}

/* A secret key that somebody put there, with the id of the one that was there. */
static void a_secret_belongs_to_the_public_key_beside_it(void **state)
{
    (void)state;
    char *text;
    pair ada = new_pair(), eve = new_pair();
    const loop_signing what = {"acme:notes", "1.2.0", MANIFEST, strlen(MANIFEST), false};
    lp_auto(lp_free_string) char *pub = in_root("keys/ada.pub");
    memcpy(eve.secret.id, ada.secret.id, sizeof ada.secret.id);
    put_own(&eve, "ada");
    assert_null(lp_os_write_atomic(pub, ada.file, strlen(ada.file), 0644));
    assert_fails(loop_keys_sign("ada", PASSWORD, &what, &text), LOOP_INVALID, "beside it is");
    pair_done(&ada);
    pair_done(&eve);
}

static void names_of_keys_are_names_of_files(void **state)
{
    (void)state;
    static const char *const names[] = {"", "..", "../x", "a/b", "A", "a b", "-x", ".x", "a\n"};
    for (size_t i = 0; i < LP_COUNT(names); i++)
        assert_fails(loop_keys_new(names[i], "x"), LOOP_USAGE, "no name of a key");
    assert_fails(loop_keys_new("ada", ""), LOOP_USAGE, "a password has");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nobody_is_known_and_nothing_is_refused),
        TEST(what_a_known_key_signed_is_its),
        TEST(what_was_signed_as_something_else_is_refused),
        TEST(what_must_be_signed_is_not_taken_without),
        TEST(what_a_revoked_key_signed_is_refused),
        TEST(of_several_signers_the_same_one_counts),
        TEST(rules_say_what_must_be_signed),
        TEST(rows_are_kept_as_they_were_written),
        TEST(an_id_belongs_to_one_key),
        TEST(a_list_that_others_can_change_counts_for_nothing),
        TEST(a_key_is_handed_over),
        TEST(a_key_of_ones_own_signs),
        TEST(a_secret_belongs_to_the_public_key_beside_it),
        TEST(names_of_keys_are_names_of_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
