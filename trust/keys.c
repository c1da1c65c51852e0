/*
 * trust/keys.c: implements include/loop/keys.h but for checking.
 *
 * One's own keys are files, FOLDER/keys/NAME.key and NAME.pub; whom one trusts is keys.yaml. A key
 * of one's own is trusted by nothing but a row there: to have made a key says nothing about what it
 * may sign here.
 *
 * A key takes over from another by a signature of that one over its .pub file. Who trusts the old
 * key then trusts the new one by a word, for the same names, and packages stay those of the same
 * publisher. Handing over ends nothing: the old key counts until it is revoked.
 */
#include "trust/keys.h"

#include <stdlib.h>

#include "base/path.h"
#include "base/text.h"
#include "loop/policy.h"
#include "trust/store.h"

#define SECRET_LIST "your keys"

static loop_error *open_empty(loop_keys **ret)
{
    loop_keys *k = lp_alloc(sizeof *k);
    loop_error *e = lp_keys_read(k);
    if (e)
        loop_keys_delete(k);
    else
        *ret = k;
    return e;
}

void loop_keys_delete(loop_keys *k)
{
    if (!k)
        return;
    free(k->folder);
    free(k->file);
    free(k->rows.at);
    free(k->rules.at);
    lp_arena_done(&k->arena);
    free(k);
}

static void free_keys(loop_keys **k)
{
    loop_keys_delete(*k);
}

const loop_key *loop_keys_at(const loop_keys *k, size_t i)
{
    return i < k->rows.n ? &k->rows.at[i] : NULL;
}

loop_error *loop_keys_find(const loop_keys *k, const char *name, const loop_key **ret)
{
    for (size_t i = 0; i < k->rows.n; i++) {
        if (strcmp(k->rows.at[i].name, name) != 0 && strcmp(k->rows.at[i].id, name) != 0)
            continue;
        *ret = &k->rows.at[i];
        return NULL;
    }
    return loop_error_hint_set(loop_error_new(LOOP_NOT_FOUND, "there is no key '%.80s'", name),
                               "`loop keys list` shows those that there are");
}

/* ---- one's own ---- */

static const char *keep(loop_keys *k, const char *s)
{
    return lp_arena_strndup(&k->arena, s, strlen(s));
}

static char *own_file(const loop_keys *k, const char *name, const char *end)
{
    return lp_format("%s/keys/%s.%s", k->folder, name, end);
}

static loop_error *read_public(const char *path, lp_public_key *ret)
{
    uint8_t *bytes;
    size_t n;
    LP_TRY(lp_os_read_file(path, LP_MAX_KEY_FILE, &bytes, &n));
    loop_error *e = lp_public_key_parse((const char *)bytes, n, ret);
    free(bytes);
    return e ? loop_error_wrap(e, "cannot read the key '%s'", path) : NULL;
}

static void add_own(loop_keys *k, const char *name, const char *path, const lp_public_key *public)
{
    static const char *const none[] = {NULL};
    char id[LP_KEY_ID_TEXT];
    lp_key_id_text(public->id, id);
    loop_key *row = lp_keys_known(k, id);
    lp_auto(lp_free_string) char *text = lp_public_key_text(public);
    if (row && strcmp(row->text, text) == 0) {
        row->own = true;
        row->file = keep(k, path);
        return;
    }
    row = lp_push(&k->rows);
    const char *own_id = keep(k, id);
    *row = (loop_key){.id = own_id,
                      .publisher = own_id,
                      .name = keep(k, name),
                      .text = keep(k, text),
                      .file = keep(k, path),
                      .own = true,
                      .namespaces = none,
                      .since = "",
                      .revoked = "",
                      .reason = "",
                      .after = ""};
}

static loop_error *take_own(void *data, const char *file, char kind, uint64_t size)
{
    loop_keys *k = data;
    size_t n = strlen(file);
    lp_public_key public;
    if (kind != 'f' || size > LP_MAX_KEY_FILE || n < 5 || strcmp(file + n - 4, ".pub") != 0)
        return NULL;
    lp_auto(lp_free_string) char *name = lp_strndup(file, n - 4);
    lp_auto(lp_free_string) char *path = own_file(k, name, "pub");
    lp_auto(lp_free_string) char *secret = own_file(k, name, "key");
    if (lp_key_name_wrong(name) || !lp_os_exists(secret) || k->rows.n >= 2 * LP_MAX_KEYS)
        return NULL;
    LP_TRY(read_public(path, &public));
    add_own(k, name, path, &public);
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const loop_key *)a)->name, ((const loop_key *)b)->name);
}

static loop_error *list_own(loop_keys *k)
{
    size_t known = k->rows.n;
    lp_auto(lp_free_string) char *folder = lp_path_join(k->folder, "keys");
    if (!lp_os_is_dir(folder))
        return NULL;
    LP_TRY(lp_os_each_entry(folder, k, take_own));
    if (k->rows.n > known)
        qsort(k->rows.at + known, k->rows.n - known, sizeof *k->rows.at, by_name);
    return NULL;
}

loop_error *loop_keys_open(loop_keys **ret)
{
    lp_auto(free_keys) loop_keys *k = NULL;
    LP_TRY(open_empty(&k));
    LP_TRY(list_own(k));
    *ret = lp_take(&k);
    return NULL;
}

/* Both files, or none. */
static loop_error *write_pair(const loop_keys *k, const char *name, const char *secret,
                              const char *public)
{
    lp_auto(lp_free_string) char *folder = lp_path_join(k->folder, "keys");
    lp_auto(lp_free_string) char *key = own_file(k, name, "key");
    lp_auto(lp_free_string) char *pub = own_file(k, name, "pub");
    LP_TRY(lp_os_secret_dir(folder));
    if (lp_os_exists(key) || lp_os_exists(pub))
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "there is a key '%s' already", name),
                                   "another name; a key is never replaced");
    LP_TRY(lp_os_write_atomic(key, secret, strlen(secret), 0600));
    loop_error *e = lp_os_write_atomic(pub, public, strlen(public), 0644);
    if (e)
        lp_os_remove(key);
    return e;
}

static loop_error *make(const loop_keys *k, const char *name, const char *password)
{
    lp_secret_key secret;
    char *file = NULL;
    LP_TRY(lp_secret_key_new(&secret));
    lp_public_key public = lp_public_key_of(&secret);
    loop_error *e = lp_secret_key_file(&secret, password, &LP_KEY_COST, &file);
    lp_secret_key_done(&secret);
    if (e)
        return e;
    lp_auto(lp_free_string) char *text = lp_public_key_file(&public);
    e = write_pair(k, name, file, text);
    lp_secret_free(file);
    return e;
}

static loop_error *check_name(const loop_keys *k, const char *name)
{
    const loop_key *there;
    const char *bad = lp_key_name_wrong(name);
    if (bad)
        return loop_error_hint_set(
            loop_error_new(LOOP_USAGE, "'%.80s' is no name of a key: %s", name, bad),
            "such as ada, or ada-2");
    loop_error *none = loop_keys_find(k, name, &there);
    loop_error_delete(none);
    return none ? NULL
                : loop_error_hint_set(
                      loop_error_new(LOOP_USAGE, "there is a key '%s' already", name),
                      "another name; a key is never replaced");
}

loop_error *loop_keys_may_be_called(const char *name)
{
    lp_auto(free_keys) loop_keys *k = NULL;
    LP_TRY(loop_keys_open(&k));
    return check_name(k, name);
}

loop_error *loop_keys_new(const char *name, const char *password)
{
    lp_auto(free_keys) loop_keys *k = NULL;
    lp_auto(lp_store_unlock) lp_os_lock *lock = NULL;
    if (!*password || strlen(password) > LP_MAX_PASSWORD)
        return loop_error_new(LOOP_USAGE, "a password has 1 to %d bytes", LP_MAX_PASSWORD);
    LP_TRY(lp_store_lock(LP_KEYS_LOCK, SECRET_LIST, &lock));
    LP_TRY(loop_keys_open(&k));
    LP_TRY(check_name(k, name));
    loop_error *e = make(k, name, password);
    return e ? loop_error_wrap(e, "cannot make the key '%s'", name) : NULL;
}

/* ---- signing ---- */

static loop_error *open_secret(const loop_keys *k, const char *name, const char *password,
                               const loop_key **ret_row, lp_secret_key *ret)
{
    const loop_key *row;
    uint8_t *bytes;
    size_t n;
    LP_TRY(loop_keys_find(k, name, &row));
    if (!row->own)
        return loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "the secret key of '%s' is not here", row->name),
            "one signs with a key of one's own: loop keys new NAME");
    lp_auto(lp_free_string) char *path =
        lp_format("%.*s.key", (int)strlen(row->file) - 4, row->file);
    lp_auto(lp_free_string) char *why = lp_os_why_unsafe(path);
    if (why || !lp_os_is_secret(path))
        return loop_error_hint_set(
            loop_error_new(LOOP_DENIED, "the secret key '%s' is not yours alone: %s", path,
                           why ? why : "others can read it"),
            "chmod 600 it; if somebody may have read it, make a new key and revoke this one");
    LP_TRY(lp_os_read_file(path, LP_MAX_KEY_FILE, &bytes, &n));
    loop_error *e = lp_secret_key_parse((const char *)bytes, n, password, ret);
    free(bytes); /* it is as secret as the password is good */
    if (e)
        return loop_error_wrap(e, "cannot use the key '%s'", row->name);
    const lp_public_key public = lp_public_key_of(ret);
    lp_auto(lp_free_string) char *text = lp_public_key_text(&public);
    /* Its id alone says nothing: who writes the file chooses it. */
    if (strcmp(text, row->text) != 0) {
        lp_secret_key_done(ret);
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID,
                           "'%s' is the secret of the key %s, and '%s' beside it is %s", path, text,
                           row->file, row->text),
            "put the pair back from where you keep it, or make a new one: loop keys new NAME");
    }
    *ret_row = row;
    return NULL;
}

static loop_error *sign_claim(const char *key, const char *password, lp_claim *claim,
                              const void *bytes, size_t n, char **ret)
{
    lp_auto(free_keys) loop_keys *k = NULL;
    lp_secret_key secret;
    const loop_key *row = NULL;
    LP_TRY(loop_keys_open(&k));
    LP_TRY(open_secret(k, key, password, &row, &secret));
    claim->key = row->id;
    claim->time_s = lp_os_wall_ms() / 1000;
    lp_auto(lp_free_string) char *comment = lp_claim_text(claim);
    loop_error *e = NULL;
    if (*row->revoked)
        e = loop_error_new(LOOP_DENIED, "the key '%s' was revoked on %s", row->name, row->revoked);
    if (!e)
        e = lp_sign(&secret, bytes, n, comment, ret);
    lp_secret_key_done(&secret);
    return e;
}

loop_error *loop_keys_sign(const char *key, const char *password, const loop_signing *what,
                           char **ret)
{
    if (!*what->name || !*what->version)
        return loop_error_new(LOOP_INVALID, "what has no name and no version cannot be signed");
    lp_claim claim = {
        .name = what->name, .version = what->version, .next = "", .trusted = what->trusted};
    return sign_claim(key, password, &claim, what->bytes, what->len, ret);
}

loop_error *loop_keys_hand_over(const char *from, const char *password, const char *to)
{
    lp_auto(free_keys) loop_keys *k = NULL;
    const loop_key *row;
    uint8_t *bytes;
    size_t n;
    char *text = NULL;
    LP_TRY(loop_keys_open(&k));
    LP_TRY(loop_keys_find(k, to, &row));
    if (!row->own)
        return loop_error_new(LOOP_NOT_FOUND, "the key '%s' is not one of yours", row->name);
    LP_TRY(lp_os_read_file(row->file, LP_MAX_KEY_FILE, &bytes, &n));
    lp_claim claim = {.name = "", .version = "", .next = row->id};
    loop_error *e = sign_claim(from, password, &claim, bytes, n, &text);
    free(bytes);
    if (e)
        return e;
    lp_auto(lp_free_string) char *path = lp_format("%s.minisig", row->file);
    e = lp_os_write_atomic(path, text, strlen(text), 0644);
    free(text);
    return e;
}

/* ---- whom one trusts ---- */

/* Which key, of those that are known and not revoked, has handed over to this one. */
static loop_error *check_handover(loop_keys *k, const loop_key_wish *w, const char *id,
                                  const loop_key **ret)
{
    lp_minisig s;
    lp_public_key public;
    lp_claim claim;
    char by[LP_KEY_ID_TEXT];
    LP_TRY(lp_minisig_parse(&k->arena, w->handover, strlen(w->handover), &s));
    lp_key_id_text(s.key_id, by);
    const loop_key *old = lp_keys_known(k, by);
    if (!old)
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "the key %s has signed it over, which you do not trust",
                           by),
            "trust it by itself, with --name and --namespace, without the signature beside it");
    if (*old->revoked)
        return loop_error_new(LOOP_DENIED,
                              "the key '%s', which has signed it over, was revoked on "
                              "%s",
                              old->name, old->revoked);
    LP_TRY(lp_public_key_parse(old->text, strlen(old->text), &public));
    LP_TRY(lp_minisig_check(&s, &public, w->text, strlen(w->text)));
    LP_TRY(lp_claim_parse(&k->arena, s.comment, &claim));
    if (strcmp(claim.next, id) != 0 || strcmp(claim.key, by) != 0)
        return loop_error_new(LOOP_DENIED, "the signature beside it does not hand over to it");
    *ret = old;
    return NULL;
}

static bool is_taken(const loop_keys *k, const char *name, const char *id)
{
    for (size_t i = 0; i < k->rows.n; i++)
        if (strcmp(k->rows.at[i].name, name) == 0 && strcmp(k->rows.at[i].id, id) != 0)
            return true;
    return false;
}

/* "ada-2" for the next of "ada". */
static const char *next_name(loop_keys *k, const char *old, const char *id)
{
    for (unsigned i = 2;; i++) {
        lp_auto(lp_free_string) char *name = lp_format("%.56s-%u", old, i);
        if (!is_taken(k, name, id))
            return keep(k, name);
    }
}

static loop_error *choose_name(loop_keys *k, const loop_key_wish *w, const loop_key *there,
                               const loop_key *old, const char *id, const char **ret)
{
    const char *name = w->name ? w->name : there ? there->name : NULL;
    if (!name && old)
        name = next_name(k, old->name, id);
    if (!name)
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "what should the key be called?"),
                                   "--name ada");
    const char *bad = lp_key_name_wrong(name);
    if (bad)
        return loop_error_new(LOOP_USAGE, "'%.80s' is no name of a key: %s", name, bad);
    if (is_taken(k, name, id))
        return loop_error_new(LOOP_USAGE, "another key is called '%s'", name);
    *ret = keep(k, name);
    return NULL;
}

static loop_error *choose_namespaces(loop_keys *k, const loop_key_wish *w, const loop_key *there,
                                     const loop_key *old, const char *const **ret)
{
    const char *const *from = w->namespaces && *w->namespaces ? w->namespaces
                              : there && there->known         ? there->namespaces
                              : old                           ? old->namespaces
                                                              : NULL;
    size_t n = 0;
    if (!from)
        return loop_error_hint_set(loop_error_new(LOOP_USAGE, "which packages may the key sign?"),
                                   "--namespace acme, or --namespace acme:notes for one package");
    for (; from[n]; n++) {
        if (!lp_key_namespace_is(from[n]))
            return loop_error_hint_set(
                loop_error_new(LOOP_USAGE, "'%.80s' is no namespace", from[n]),
                "such as acme, or acme:notes for one package");
        if (n == LP_MAX_KEY_NAMESPACES)
            return loop_error_new(LOOP_LIMIT, "more than %d namespaces", LP_MAX_KEY_NAMESPACES);
    }
    *ret = lp_arena_list(&k->arena, from);
    return NULL;
}

static loop_error *choose_class(const loop_key_wish *w, const loop_key *there, const loop_key *old,
                                bool *ret)
{
    loop_class class = LOOP_CLASS_UNTRUSTED;
    if (w->class_name && !loop_class_find(w->class_name, &class))
        return loop_error_new(LOOP_USAGE, "a class is trusted or untrusted, and not '%.80s'",
                              w->class_name);
    *ret = w->class_name           ? class == LOOP_CLASS_TRUSTED
           : there && there->known ? there->trusted
                                   : old && old->trusted;
    return NULL;
}

/* The row of the key, in `k`: an old one, changed, or a new one. */
static loop_error *add_key(loop_keys *k, const loop_key_wish *w, loop_key **ret)
{
    lp_public_key public;
    char id[LP_KEY_ID_TEXT], today[16];
    const loop_key *there = NULL, *old = NULL;
    LP_TRY(lp_public_key_parse(w->text, strlen(w->text), &public));
    lp_key_id_text(public.id, id);
    lp_auto(lp_free_string) char *text = lp_public_key_text(&public);
    for (size_t i = 0; i < k->rows.n; i++)
        if (strcmp(k->rows.at[i].id, id) == 0)
            there = &k->rows.at[i];
    if (there && strcmp(there->text, text) != 0)
        return loop_error_new(LOOP_DENIED, "the key '%s' has the same id, %s, and is another one",
                              there->name, id);
    if (there && *there->revoked)
        return loop_error_hint_set(
            loop_error_new(LOOP_DENIED, "the key %s was revoked on %s", id, there->revoked),
            "if that was a mistake, take its row out of '%s'", k->file);
    if (w->handover)
        LP_TRY(check_handover(k, w, id, &old));
    loop_key row = {.known = true, .own = there && there->own, .file = there ? there->file : ""};
    LP_TRY(choose_name(k, w, there, old, id, &row.name));
    LP_TRY(choose_namespaces(k, w, there, old, &row.namespaces));
    LP_TRY(choose_class(w, there, old, &row.trusted));
    if (!there && k->rows.n >= LP_MAX_KEYS)
        return loop_error_new(LOOP_LIMIT, "more than %d keys", LP_MAX_KEYS);
    lp_store_today(today);
    row.id = keep(k, id);
    row.text = keep(k, text);
    row.since = there && *there->since ? there->since : keep(k, today);
    row.after = old ? old->id : there ? there->after : "";
    row.publisher = old ? old->publisher : there ? there->publisher : row.id;
    row.revoked = row.reason = "";
    loop_key *at = there ? (loop_key *)there : lp_push(&k->rows);
    *at = row;
    *ret = at;
    return NULL;
}

loop_error *loop_keys_look(const loop_key_wish *wish, loop_keys **ret_keys)
{
    lp_auto(free_keys) loop_keys *k = NULL;
    loop_key *row;
    LP_TRY(loop_keys_open(&k));
    LP_TRY(add_key(k, wish, &row));
    k->rows.at[0] = *row;
    k->rows.n = 1;
    *ret_keys = lp_take(&k);
    return NULL;
}

loop_error *loop_keys_trust(const loop_key_wish *wish)
{
    lp_auto(free_keys) loop_keys *k = NULL;
    lp_auto(lp_store_unlock) lp_os_lock *lock = NULL;
    loop_key *row;
    LP_TRY(lp_store_lock(LP_KEYS_LOCK, LP_KEYS_LIST, &lock));
    LP_TRY(loop_keys_open(&k));
    LP_TRY(add_key(k, wish, &row));
    return lp_keys_write(k);
}

loop_error *loop_keys_revoke(const char *key, const char *reason)
{
    lp_auto(free_keys) loop_keys *k = NULL;
    lp_auto(lp_store_unlock) lp_os_lock *lock = NULL;
    const loop_key *found;
    char today[16];
    const char *bad = reason ? lp_text_check(reason) : NULL;
    if (bad || (reason && strlen(reason) > LP_MAX_NAME))
        return loop_error_new(LOOP_USAGE, "that is no reason: %s", bad ? bad : "it is too long");
    LP_TRY(lp_store_lock(LP_KEYS_LOCK, LP_KEYS_LIST, &lock));
    LP_TRY(loop_keys_open(&k));
    LP_TRY(loop_keys_find(k, key, &found));
    loop_key *row = lp_keys_known(k, found->id);
    if (!row)
        row = (loop_key *)found; /* one's own, which nobody trusts here: nor will they */
    if (*row->revoked)
        return NULL;
    lp_store_today(today);
    row->known = true;
    row->revoked = keep(k, today);
    row->since = *row->since ? row->since : row->revoked;
    row->reason = reason ? keep(k, reason) : "";
    return lp_keys_write(k);
}
