/*
 * trust/keys_check.c: the decision about a package and its signatures.
 *
 * A signature speaks by the key that it names. Of a key that is known, it must be good: the bytes,
 * the comment, the name and the version in it; else the package is refused, whoever else may have
 * signed it. Of a key that nobody knows it says nothing. So adding signatures to a package can
 * make it be refused, and never be taken.
 *
 * Taking signatures away is what is left to whoever stands between: the rule `known` (the default)
 * refuses a package without a good one, where a known key may sign packages of its name. A revoked
 * key still counts as one that is known here: else revoking it would open what it has kept closed.
 */
#include "trust/keys.h"

#include <stdlib.h>

/* ---- rules ---- */

/* How exactly a line is about a package: 2 it, 1 its namespace, 0 all of them, -1 not at all. */
static int exactness(const lp_key_rule_row *r, const char *package)
{
    size_t n = strcspn(package, ":");
    if (r->kind == 'd')
        return 0;
    if (r->kind != 'n')
        return -1;
    if (strcmp(r->what, package) == 0)
        return 2;
    return strlen(r->what) == n && memcmp(r->what, package, n) == 0 ? 1 : -1;
}

/*
 * The most exact line counts; one of a registry is in between: more than the default, less than a
 * name. That holds where the user has named the registry; a workspace that has one of the same name
 * can only make it stricter.
 */
static lp_key_rule rule_of(const loop_keys *k, const loop_key_question *q)
{
    lp_key_rule rule = LP_KEYS_KNOWN;
    int best = -1;
    for (size_t i = 0; i < k->rules.n; i++) {
        int exact = exactness(&k->rules.at[i], q->name);
        if (exact > best)
            rule = k->rules.at[i].rule;
        best = LP_MAX(best, exact);
    }
    for (size_t i = 0; i < k->rules.n && q->registry; i++) {
        const lp_key_rule_row *r = &k->rules.at[i];
        bool is = r->kind == 'r' && strcmp(r->what, q->registry) == 0;
        if (is && (r->rule > rule || (q->own_registry && best < 1)))
            rule = r->rule;
    }
    return rule;
}

/* A known key that may sign a package of this name; a revoked one where there is no other. */
static const loop_key *keeper_of(const loop_keys *k, const char *package)
{
    const loop_key *revoked = NULL;
    for (size_t i = 0; i < k->rows.n; i++) {
        const loop_key *row = &k->rows.at[i];
        if (!row->known || !lp_key_may_sign(row, package))
            continue;
        if (!*row->revoked)
            return row;
        revoked = row;
    }
    return revoked;
}

bool loop_keys_matter(const loop_keys *k, const loop_key_question *q)
{
    return keeper_of(k, q->name) || rule_of(k, q) == LP_KEYS_REQUIRED;
}

/* ---- one signature ---- */

/* Whether what it was signed as is what it is offered as. */
static loop_error *check_claim(const lp_claim *c, const char *id, const loop_key_question *q)
{
    if (strcmp(c->key, id) != 0)
        return loop_error_new(LOOP_DENIED,
                              "its signature says that it is of the key %s, and it is of %s",
                              c->key, id);
    if (*c->next)
        return loop_error_new(LOOP_DENIED, "its signature hands a key over, and is of no package");
    if (strcmp(c->name, q->name) != 0)
        return loop_error_new(LOOP_DENIED, "it was signed as '%s', and is offered as '%s'", c->name,
                              q->name);
    if (strcmp(c->version, q->version) != 0)
        return loop_error_new(LOOP_DENIED, "it was signed as version %s, and is offered as %s",
                              c->version, q->version);
    return NULL;
}

static loop_error *check_one(lp_arena *arena, const lp_minisig *s, const lp_public_key *public,
                             const loop_key_question *q, lp_claim *ret)
{
    char id[LP_KEY_ID_TEXT];
    lp_key_id_text(public->id, id);
    LP_TRY(lp_minisig_check(s, public, q->bytes, q->len));
    loop_error *e = lp_claim_parse(arena, s->comment, ret);
    if (e)
        return lp_error_because(LOOP_DENIED, e, "its signature does not say what it is of");
    return check_claim(ret, id, q);
}

static void set_signer(loop_signer *ret, const loop_key *key, const lp_claim *c)
{
    *ret = (loop_signer){.trusted = c->trusted && key->trusted, .time_s = c->time_s};
    memcpy(ret->key, key->id, LOOP_KEY_ID_TEXT);
    memcpy(ret->publisher, key->publisher, LOOP_KEY_ID_TEXT);
    memcpy(ret->name, key->name, LP_MIN(strlen(key->name) + 1, sizeof ret->name));
}

/* ---- all of them ---- */

struct looking {
    const loop_keys *k;
    const loop_key_question *q;
    lp_arena arena;
    loop_signer signer;
    const loop_key *by;                  /* whose that is; NULL: nobody's yet */
    const loop_key *revoked, *elsewhere; /* a key that is; one that may not sign this name */
};

/*
 * Of several that may sign it, one counts: who says `trusted`, then who comes first in keys.yaml.
 * The order in which they are shown is somebody else's choice, and must not be that of the
 * publisher: storage is the publisher's.
 */
static void count_signer(struct looking *l, const loop_key *key, const lp_claim *c)
{
    bool trusted = c->trusted && key->trusted;
    if (l->by && (trusted != l->signer.trusted ? !trusted : key >= l->by))
        return;
    l->by = key;
    set_signer(&l->signer, key, c);
}

static loop_error *look_at(struct looking *l, const char *text)
{
    lp_minisig s;
    lp_public_key public;
    lp_claim claim;
    char id[LP_KEY_ID_TEXT];
    loop_error *e = lp_minisig_parse(&l->arena, text, strlen(text), &s);
    if (e)
        return lp_error_because(LOOP_DENIED, e, "its signature is none");
    lp_key_id_text(s.key_id, id);
    const loop_key *key = lp_keys_known(l->k, id);
    if (!key)
        return NULL;
    if (*key->revoked) {
        l->revoked = key;
        return NULL;
    }
    LP_TRY(lp_public_key_parse(key->text, strlen(key->text), &public));
    LP_TRY(check_one(&l->arena, &s, &public, l->q, &claim));
    if (!lp_key_may_sign(key, l->q->name))
        l->elsewhere = key;
    else
        count_signer(l, key, &claim);
    return NULL;
}

static loop_error *is_revoked(const loop_key *key)
{
    return loop_error_hint_set(
        loop_error_new(LOOP_DENIED,
                       "it is signed by the key '%s' (%s), which was revoked on %s%s%s", key->name,
                       key->id, key->revoked, *key->reason ? ": " : "", key->reason),
        "nothing that it signed counts any more; its publisher signs again, with another key");
}

/* What would let it, too: trusting replaces the names that it has. */
static loop_error *is_of_another(const loop_key *key, const char *package)
{
    lp_buf names = {0};
    for (const char *const *i = key->namespaces; *i; i++)
        lp_buf_printf(&names, " --namespace %s", *i);
    loop_error *e = loop_error_hint_set(
        loop_error_new(LOOP_DENIED,
                       "it is signed by '%s' (%s), who may not sign packages of this name",
                       key->name, key->id),
        "if the key may: loop keys trust %s%s --namespace %.*s", key->name,
        names.ptr ? names.ptr : "", (int)strcspn(package, ":"), package);
    lp_buf_done(&names);
    return e;
}

static loop_error *is_unsigned(const struct looking *l, const loop_key *keeper)
{
    const char *what = l->q->bytes ? "nobody whom you trust has signed it"
                                   : "it is a component alone, without a manifest to sign";
    loop_error *e;
    if (l->elsewhere)
        e = is_of_another(l->elsewhere, l->q->name);
    else if (keeper && *keeper->revoked)
        e = loop_error_hint_set(
            loop_error_new(LOOP_DENIED,
                           "%s, and '%s' (%s), who signed packages of this name, was revoked on %s",
                           what, keeper->name, keeper->id, keeper->revoked),
            "its publisher goes on with another key: `loop keys trust` adds it");
    else if (keeper)
        e = loop_error_hint_set(loop_error_new(LOOP_DENIED,
                                               "%s, and '%s' (%s) signs packages of this name",
                                               what, keeper->name, keeper->id),
                                "ask who publishes it; where it need not be signed, `signatures:` "
                                "in keys.yaml says so");
    else
        e = loop_error_hint_set(loop_error_new(LOOP_DENIED, "%s", what),
                                "`loop keys trust` adds a key; `signatures:` in keys.yaml says "
                                "what must be signed");
    return e;
}

static loop_error *decide(struct looking *l, bool *missing)
{
    for (const char *const *s = l->q->signatures; s && *s; s++)
        LP_TRY(look_at(l, *s));
    if (*l->signer.key)
        return NULL;
    lp_key_rule rule = rule_of(l->k, l->q);
    const loop_key *keeper = keeper_of(l->k, l->q->name);
    *missing = true;
    if (l->revoked)
        return is_revoked(l->revoked);
    if (rule == LP_KEYS_REQUIRED || (rule == LP_KEYS_KNOWN && keeper))
        return is_unsigned(l, keeper);
    return NULL;
}

loop_error *loop_keys_check(const loop_keys *k, const loop_key_question *q, loop_signer *ret,
                            bool *ret_missing)
{
    struct looking l = {.k = k, .q = q};
    bool missing = false;
    loop_error *e = decide(&l, &missing);
    lp_arena_done(&l.arena);
    if (!e)
        *ret = l.signer;
    if (ret_missing)
        *ret_missing = missing;
    return e;
}

/* ---- with a key from elsewhere ---- */

static loop_error *check_with(lp_arena *arena, const lp_public_key *public,
                              const loop_key_question *q, loop_signer *ret)
{
    char id[LP_KEY_ID_TEXT];
    lp_claim claim;
    lp_key_id_text(public->id, id);
    for (const char *const *text = q->signatures; text && *text; text++) {
        lp_minisig s;
        loop_error *e = lp_minisig_parse(arena, *text, strlen(*text), &s);
        if (e)
            return lp_error_because(LOOP_DENIED, e, "its signature is none");
        if (memcmp(s.key_id, public->id, sizeof s.key_id) != 0)
            continue;
        LP_TRY(check_one(arena, &s, public, q, &claim));
        set_signer(ret, &(loop_key){.id = id, .publisher = id, .name = "", .trusted = true},
                   &claim);
        return NULL;
    }
    return loop_error_new(LOOP_DENIED, "the key %s has not signed it", id);
}

loop_error *loop_keys_check_with(const char *text, const loop_key_question *q, loop_signer *ret)
{
    lp_public_key public;
    lp_arena arena = {0};
    loop_signer signer = {0};
    LP_TRY(lp_public_key_parse(text, strlen(text), &public));
    loop_error *e = check_with(&arena, &public, q, &signer);
    lp_arena_done(&arena);
    if (!e)
        *ret = signer;
    return e;
}
