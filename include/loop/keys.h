/*
 * loop/keys.h: keys: who published a package, and whom the user trusts.
 *
 * A package is signed with Ed25519 in minisign's format: the signed bytes are its manifest as it
 * is, and the trusted comment says which name, version and class it was signed as. So one package
 * cannot be shown as another, and `minisign -V` checks it, too. Secret keys and the list of those
 * whom the user trusts (keys.yaml) lie in the folder of the user's configuration, and nowhere else:
 * nothing of a workspace adds to them.
 *
 *     loop_keys *keys;
 *     loop_keys_open(&keys);
 *     for (const loop_key *k; (k = loop_keys_at(keys, i)); i++)
 *         puts(k->name);
 *
 * loop_packages (loop/package.h) asks loop_keys_check by itself, for every package that comes and
 * each time one is run; knowledge/signatures.md says by which rules.
 *
 * Threads: a loop_keys belongs to one thread at a time; what changes the files (new, trust, revoke)
 * may be called from any, and one at a time does it. Ownership: a loop_key lives as long as the
 * loop_keys it came from, which is what the files said when it was opened.
 */
#ifndef LOOP_KEYS_H
#define LOOP_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The id of a key as text, with its end: 16 hexadecimal digits, as minisign prints them. */
#define LOOP_KEY_ID_TEXT 17
/* The longest name that a user gives a key, with its end. */
#define LOOP_KEY_NAME 65

typedef struct loop_keys loop_keys;

/* A key that the user has, or trusts, or both. */
typedef struct loop_key {
    const char *id;                /* "93A1F0C2B4D5E6F7" */
    const char *name;              /* what the user calls it: "ada" */
    const char *text;              /* the public key, 56 characters, as in a .pub file */
    const char *file;              /* of one's own: its .pub file; "" */
    bool own;                      /* its secret key is here: one can sign with it */
    bool known;                    /* it is in keys.yaml: whose packages the user takes */
    bool trusted;                  /* it may sign packages of the class `trusted` */
    const char *const *namespaces; /* what it may sign: "acme", "acme:notes"; NULL-terminated */
    const char *since;             /* the day, in UTC: "2026-11-23"; "" where it is not known */
    const char *revoked;           /* the day since which it counts no more; "" */
    const char *reason;            /* why; "" */
    const char *after;             /* the id of the key that it took over from; "" */
    const char *publisher;         /* the first key of that line: what stays when keys change */
} loop_key;

/*
 * What the user's configuration has. Nothing there is fine: then nobody is known.
 * LOOP_CONFIG (keys.yaml is damaged), LOOP_DENIED (others can change it), LOOP_IO.
 */
LOOP_API loop_error *loop_keys_open(loop_keys **ret) LOOP_MUST_USE;
/* NULL is fine. */
LOOP_API void loop_keys_delete(loop_keys *k);
/* In the order of the file, then those of one's own that are not in it; NULL past the end. */
LOOP_API const loop_key *loop_keys_at(const loop_keys *k, size_t i);
/* By name or id. LOOP_NOT_FOUND. */
LOOP_API loop_error *loop_keys_find(const loop_keys *k, const char *name,
                                    const loop_key **ret) LOOP_MUST_USE;

/* ---- one's own ---- */

/*
 * Makes a key: keys/NAME.key (0600, encrypted with `password`) and keys/NAME.pub beside it, in the
 * folder of the configuration. It takes a gigabyte for some seconds, on purpose. LOOP_USAGE (a name
 * that is none, or taken; an empty password), LOOP_LIMIT, LOOP_DENIED, LOOP_IO.
 */
LOOP_API loop_error *loop_keys_new(const char *name, const char *password) LOOP_MUST_USE;
/* Whether it could have that name: to be asked before anybody thinks of a password. LOOP_USAGE. */
LOOP_API loop_error *loop_keys_may_be_called(const char *name) LOOP_MUST_USE;
/*
 * Says, signed with the key `from`, that `to` goes on where it ends: keys/TO.pub.minisig, to be
 * given away with keys/TO.pub. Both are one's own. `password` is that of `from`.
 */
LOOP_API loop_error *loop_keys_hand_over(const char *from, const char *password,
                                         const char *to) LOOP_MUST_USE;

/* What is signed. */
typedef struct loop_signing {
    const char *name, *version; /* "acme:notes", "1.2.0", as the manifest says */
    const void *bytes;          /* the manifest */
    size_t len;
    bool trusted; /* as of the class `trusted` */
} loop_signing;
/*
 * Signs with the key of one's own `key` (name or id). *ret is the text of a signature file, for
 * loop_free. LOOP_DENIED: another password. LOOP_NOT_FOUND, LOOP_INVALID, LOOP_LIMIT.
 */
LOOP_API loop_error *loop_keys_sign(const char *key, const char *password, const loop_signing *what,
                                    char **ret) LOOP_MUST_USE;

/* ---- others' ---- */

/* What a person is asked about, and what is recorded. */
typedef struct loop_key_wish {
    const char *text;     /* a .pub file's, or the 56 characters */
    const char *handover; /* the .minisig file beside it: another key signed it over; NULL */
    const char *name;     /* NULL: the key's that it took over from, or of one's own */
    const char *const *namespaces; /* NULL-terminated; NULL: those of the key before it */
    const char *class_name; /* "trusted": it may sign packages of that class; "untrusted"; NULL: as
                               it was, or as the key before it, else untrusted */
} loop_key_wish;
/*
 * What trusting it would record; nothing is written. *ret_keys has the one key that would be there,
 * for loop_keys_delete. LOOP_INVALID (no key; a handover that nobody trusted has signed),
 * LOOP_USAGE (no name, no namespaces, no such class), LOOP_DENIED (it was revoked; another key has
 * its id).
 */
LOOP_API loop_error *loop_keys_look(const loop_key_wish *wish, loop_keys **ret_keys) LOOP_MUST_USE;
/* Records it, in place of what there was of the same key. Errors as above, and LOOP_IO. */
LOOP_API loop_error *loop_keys_trust(const loop_key_wish *wish) LOOP_MUST_USE;
/*
 * From now on nothing that this key has signed is taken, whenever it was. It stays in keys.yaml,
 * so that it cannot come back. LOOP_NOT_FOUND: it is not there; LOOP_USAGE: a
 * reason that is no line of text. `reason` may be NULL.
 */
LOOP_API loop_error *loop_keys_revoke(const char *key, const char *reason) LOOP_MUST_USE;

/* ---- checking ---- */

/* Who signed a package, as it was checked. `key` "": nobody whom the user knows. */
typedef struct loop_signer {
    char key[LOOP_KEY_ID_TEXT];
    char publisher[LOOP_KEY_ID_TEXT]; /* of the first key of its line: who the package is of */
    char name[LOOP_KEY_NAME];         /* what the user calls the key */
    bool trusted;                     /* the class: both the signature and the key say so */
    uint64_t time_s;                  /* when it was signed, as the signature says */
} loop_signer;

/* What is asked: a package, and the signatures that came with it. */
typedef struct loop_key_question {
    const char *name, *version; /* as which it is offered */
    const void *bytes;          /* its manifest; NULL: a component alone, which nobody can sign */
    size_t len;
    const char *const *signatures; /* texts of signature files, NULL-terminated; NULL: none */
    const char *registry;          /* its name; "": a file */
    bool own_registry; /* the user's configuration names it, and not the workspace's alone */
} loop_key_question;

/*
 * The one decision. Refused (LOOP_DENIED) is what a known key did not sign though it says so, or as
 * something else (another name, another version); what is signed by a revoked key and no other;
 * and what nobody known has signed where somebody must. Anything else is taken: with *ret of who
 * signed it, or of nobody. *ret_missing: what is missing is a signature by somebody known, so that
 * others may help; NULL.
 */
LOOP_API loop_error *loop_keys_check(const loop_keys *k, const loop_key_question *q,
                                     loop_signer *ret, bool *ret_missing) LOOP_MUST_USE;
/*
 * Whether one key, which need not be known, has signed this as what it says: for who has the key
 * from elsewhere. `text` is a .pub file's, or its 56 characters.
 */
LOOP_API loop_error *loop_keys_check_with(const char *text, const loop_key_question *q,
                                          loop_signer *ret) LOOP_MUST_USE;
/* Whether anybody may have to be asked for signatures of a package of this name. */
LOOP_API bool loop_keys_matter(const loop_keys *k, const loop_key_question *q);

#ifdef __cplusplus
}
#endif
#endif
