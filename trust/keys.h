/*
 * trust/keys.h: what the files about keys share.
 *
 *   keys_file.c   keys.yaml: reading and writing it
 *   keys.c        include/loop/keys.h but for checking: one's own keys, trusting, revoking
 *   keys_check.c  the decision
 */
#ifndef LP_TRUST_KEYS_H
#define LP_TRUST_KEYS_H

#include "base/base.h"
#include "base/sign.h"
#include "loop/keys.h"

typedef enum lp_key_rule {
    LP_KEYS_OPTIONAL, /* unsigned is fine */
    LP_KEYS_KNOWN,    /* what a known key may sign, it must have signed; the default */
    LP_KEYS_REQUIRED, /* somebody known must have signed it */
} lp_key_rule;

/* A line of `signatures:` in keys.yaml. */
typedef struct lp_key_rule_row {
    char kind; /* 'd' the default, 'n' a namespace or a package, 'r' a registry */
    const char *what;
    lp_key_rule rule;
} lp_key_rule_row;

struct loop_keys {
    lp_arena arena; /* all texts */
    char *folder;   /* of the configuration */
    char *file;     /* keys.yaml in it */
    struct {
        loop_key *at;
        size_t n, cap;
    } rows;
    struct {
        lp_key_rule_row *at;
        size_t n, cap;
    } rules;
};

/* ---- keys_file.c ---- */

/* The bytes of keys.yaml; `shown` names them. LOOP_CONFIG. */
loop_error *lp_keys_parse(loop_keys *k, const char *shown, const char *bytes,
                          size_t n) LOOP_MUST_USE;
/* Reads keys.yaml, where there is one. */
loop_error *lp_keys_read(loop_keys *k) LOOP_MUST_USE;
/* Writes it: rows that are known, and rules. */
loop_error *lp_keys_write(const loop_keys *k) LOOP_MUST_USE;
/* "ada", "acme-2025": NULL, or what is wrong as half a sentence. */
const char *lp_key_name_wrong(const char *name);
/* "acme" or "acme:notes". */
bool lp_key_namespace_is(const char *text);
/* The row of an id, of those that are known; NULL. */
loop_key *lp_keys_known(const loop_keys *k, const char *id);
/* Whether one of its namespaces has the package. */
bool lp_key_may_sign(const loop_key *key, const char *package);

/* Held while keys.yaml or a key is written. */
#define LP_KEYS_LOCK "keys.lock"
#define LP_KEYS_LIST "the keys that you trust"

#endif
