/*
 * tests/fuzz/fuzz_sign.c: what says who signed what: signature files, key files, trusted comments
 * and keys.yaml. The first byte says which.
 *
 * Beyond not crashing: a signature that was read is not good of bytes that nobody has signed, a
 * public key and a claim that were read are read again from what is written of them, and what a
 * keys.yaml was taken for has names and ids that are some.
 */
#include <stdlib.h>

#include "trust/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PUBLIC "RWQek3O0H1zpajyqvsLeKLjgos56eZnnuWH3jR53n5RiLt4zE+YjRUMv"

const char *const fuzz_seeds[] = {
    "suntrusted comment: signature from minisign secret key\n"
    "RUQek3O0H1zpaiWBv+2343pxzJ8I4nrrOUpMymiwdDS62Zk1uIJ4GtRHuL/sBIisoC/vEh/"
    "zoKDv8Z29RLH27p87gYcpi8h4nQs=\n"
    "trusted comment: loop 1 name=acme:notes version=1.2.0 class=untrusted time=1795454400 "
    "key=0000000000000000\n"
    "mbvBOrDv8wsI6ddIu9VH3IqSUtkK21Rn+Cdmk9B6Y3ft7JUhA2tYWYC1RHxv5CypC0+"
    "Q19ZsokEZ3FXHFRT5BA==\n",
    "puntrusted comment: minisign public key 6AE95C1FB473931E\n" PUBLIC "\n",
    "p" PUBLIC,
    "kuntrusted comment: minisign encrypted secret key\n"
    "RWRTY0IytVroy2Er7r3Xv14O420oOvyHM27/ad8cXEu0em2MYWIAgAAAAAAAAAAAEAAAAAAA3yNtkKaHg1pyliOv0NdW/"
    "UKp/oxjNO+8q4"
    "PP+c/WrIp2AmhG0/"
    "gq71QAZdI2ReFgWgMxuTdpeWpopMORYSPI52SI9KBggHIjyaHQrC+q7os6uPXBhWnP809v2pH1kr3XFA2EgTnG3Oc=\n",
    "cloop 1 name=acme:notes version=1.2.0 class=trusted time=1795454400 key=6AE95C1FB473931E",
    "cloop 1 next=6AE95C1FB473931E time=7 key=0000000000000000",
    "yloop: 1\nsignatures: { default: known, namespaces: { acme: required }, registries: { team: "
    "optional } }\nkeys:\n  - name: ada\n    key: " PUBLIC "\n    namespaces: [acme, \"o:x\"]\n"
    "    class: trusted\n    since: 2026-11-23\n    after: 0000000000000000\n    revoked: "
    "2026-11-24\n    reason: \"x # y\"\n",
    NULL,
};

static void must(bool what)
{
    if (!what)
        abort();
}

static bool ok(loop_error *e)
{
    bool none = !e;
    must(!e || *loop_error_message(e));
    loop_error_delete(e);
    return none;
}

static void signature(lp_arena *a, const char *text, size_t n)
{
    lp_minisig s;
    lp_public_key k;
    must(ok(lp_public_key_parse(PUBLIC, strlen(PUBLIC), &k)));
    if (!ok(lp_minisig_parse(a, text, n, &s)))
        return;
    must(!strpbrk(s.comment, "\n\r\x1b"));
    must(!ok(lp_minisig_check(&s, &k, "what nobody has signed", 22)));
}

static void public(const char *text, size_t n)
{
    lp_public_key k, again;
    if (!ok(lp_public_key_parse(text, n, &k)))
        return;
    lp_auto(lp_free_string) char *file = lp_public_key_file(&k);
    must(ok(lp_public_key_parse(file, strlen(file), &again)));
    must(memcmp(&k, &again, sizeof k) == 0);
}

/* Only what is derived quickly is derived. */
static void secret(const char *text, size_t n)
{
    lp_key_cost cost;
    lp_secret_key k;
    if (!ok(lp_secret_key_look(text, n, &cost)))
        return;
    must(cost.memory <= LP_MAX_KEY_MEMORY && cost.operations <= LP_MAX_KEY_OPERATIONS);
    if (cost.memory <= 1u << 20 && cost.operations <= 32768)
        must(!ok(lp_secret_key_parse(text, n, "not the password", &k)));
}

static void claim(lp_arena *a, const char *text)
{
    lp_claim c, again;
    if (!ok(lp_claim_parse(a, text, &c)))
        return;
    lp_auto(lp_free_string) char *written = lp_claim_text(&c);
    must(ok(lp_claim_parse(a, written, &again)));
    must(strcmp(c.name, again.name) == 0 && strcmp(c.version, again.version) == 0 &&
         strcmp(c.next, again.next) == 0 && strcmp(c.key, again.key) == 0 &&
         c.trusted == again.trusted && c.time_s == again.time_s);
    must(!*c.name != !*c.next);
}

static void list(const char *text, size_t n)
{
    loop_keys *k = lp_alloc(sizeof *k);
    if (ok(lp_keys_parse(k, "keys.yaml", text, n))) {
        for (size_t i = 0; i < k->rows.n; i++) {
            const loop_key *row = &k->rows.at[i];
            must(!lp_key_name_wrong(row->name) && strlen(row->id) == LP_KEY_ID_TEXT - 1);
            must(strlen(row->publisher) == LP_KEY_ID_TEXT - 1);
            must(lp_keys_known(k, row->id) == row);
        }
        const loop_key_question q = {.name = "acme:notes", .version = "1", .registry = "team"};
        loop_signer s;
        bool missing = false;
        bool taken = ok(loop_keys_check(k, &q, &s, &missing));
        must(missing && (!taken || !*s.key)); /* there is no signature at all */
    }
    loop_keys_delete(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lp_arena arena = {0};
    if (!size)
        return 0;
    lp_auto(lp_free_string) char *text = lp_strndup((const char *)data + 1, size - 1);
    switch (*data) {
    case 's': signature(&arena, text, size - 1); break;
    case 'p':
        public
        (text, size - 1);
        break;
    case 'k': secret(text, size - 1); break;
    case 'c': claim(&arena, text); break;
    default: list(text, size - 1); break;
    }
    lp_arena_done(&arena);
    return 0;
}
