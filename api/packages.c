/*
 * api/packages.c: packages and keys together: what neither of the two rooms can do alone.
 *
 *   loop_packages_open     a hook that asks the user's keys, where the caller brings none
 *   loop_packages_sign     a key's signature into a package
 *   loop_packages_verify   who signed one
 *
 * The hook reads keys.yaml each time it is asked: a key that is revoked counts no more from then
 * on, in a host that has run for weeks, too. Where there is no such file that is one look.
 */
#include <stdlib.h>

#include "base/os/os.h"
#include "base/path.h"
#include "base/sign.h"
#include "packages/attach.h"
#include "trust/keys.h"

static void free_keys(loop_keys **k)
{
    loop_keys_delete(*k);
}

static void free_packed(lp_packed **p)
{
    lp_packed_close(*p);
}

/* ---- the hook ---- */

/* Whom the user trusts; what came with the workspace cannot speak for it. */
static loop_error *open_known(const loop_config *config, loop_keys **ret)
{
    lp_auto(free_keys) loop_keys *k = lp_alloc(sizeof *k);
    const char *root = config ? loop_config_root(config) : NULL;
    LP_TRY(lp_keys_read(k));
    if (root && lp_os_exists(k->file) && lp_path_inside(k->file, root))
        return loop_error_hint_set(
            loop_error_new(LOOP_DENIED, LP_KEYS_LIST " '%s' lie inside of the workspace", k->file),
            "move the workspace to a folder of its own, or XDG_CONFIG_HOME out of it");
    *ret = lp_take(&k);
    return NULL;
}

static loop_key_question question_of(const loop_package_check *c)
{
    return (loop_key_question){.name = c->name,
                               .version = c->version,
                               .bytes = c->manifest,
                               .len = c->manifest_len,
                               .registry = c->registry,
                               .own_registry = c->own_registry};
}

/* Without a folder for configurations there is nobody who could be trusted. */
static loop_error *open_any(const loop_config *config, loop_keys **ret)
{
    lp_auto(lp_free_string) char *folder = lp_os_config_dir();
    *ret = NULL;
    return folder ? open_known(config, ret) : NULL;
}

static bool matters(void *data, const loop_package_check *check)
{
    lp_auto(free_keys) loop_keys *k = NULL;
    const loop_key_question q = question_of(check);
    loop_error *e = open_any(data, &k);
    loop_error_delete(e); /* the check itself says so */
    return e || (k && loop_keys_matter(k, &q));
}

static bool is_revoked(const loop_keys *k, const char *key)
{
    const loop_key *row = k ? lp_keys_known(k, key) : NULL;
    return row && *row->revoked;
}

static bool counts(void *data, const char *key)
{
    lp_auto(free_keys) loop_keys *k = NULL;
    loop_error *e = open_any(data, &k);
    loop_error_delete(e); /* the check itself says so */
    return !is_revoked(k, key);
}

/* What this machine knows first; the registry only where that is not enough. */
static loop_error *check_signatures(void *data, const loop_package_check *check)
{
    lp_auto(free_keys) loop_keys *k = NULL;
    loop_key_question q = question_of(check);
    bool missing = false;
    LP_TRY(open_any(data, &k));
    if (!k || !loop_keys_matter(k, &q))
        return NULL;
    LP_TRY(loop_package_signatures(check, false, &q.signatures));
    loop_error *e = loop_keys_check(k, &q, check->signer, &missing);
    if (!missing)
        return e;
    loop_error *silent = loop_package_signatures(check, true, &q.signatures);
    loop_error_delete(silent && !e ? silent : e); /* what need not be signed needs no answer */
    if (silent)
        return e ? silent : NULL;
    return loop_keys_check(k, &q, check->signer, NULL);
}

loop_error *loop_packages_open(const loop_packages_options *options, loop_packages **ret)
{
    const loop_config *config = options ? options->config : NULL;
    return lp_packages_open(options,
                            &(lp_packages_checker){.verify = check_signatures,
                                                   .matters = matters,
                                                   .counts = counts,
                                                   .data = (void *)config},
                            ret);
}

/* ---- signing ---- */

/* One that was made elsewhere: whether it is of this package, by whoever it says. */
static loop_error *check_made(const char *text, const lp_manifest *m)
{
    lp_auto(free_keys) loop_keys *k = NULL;
    lp_arena arena = {0};
    lp_minisig s;
    lp_claim claim;
    char id[LP_KEY_ID_TEXT];
    const loop_key *key;
    const char *const texts[] = {text, NULL};
    const loop_key_question q = {.name = m->name,
                                 .version = m->version,
                                 .bytes = m->bytes,
                                 .len = m->len,
                                 .signatures = texts};
    loop_signer signer;
    loop_error *e = lp_minisig_parse(&arena, text, strlen(text), &s);
    if (!e)
        e = lp_claim_parse(&arena, s.comment, &claim);
    if (!e)
        lp_key_id_text(s.key_id, id);
    if (!e && (strcmp(claim.name, m->name) != 0 || strcmp(claim.version, m->version) != 0))
        e = loop_error_new(LOOP_DENIED, "it is a signature of '%s' %s", claim.name, claim.version);
    lp_arena_done(&arena);
    if (!e)
        e = loop_keys_open(&k);
    if (e)
        return e;
    e = loop_keys_find(k, id, &key);
    if (!e)
        return loop_keys_check_with(key->text, &q, &signer);
    loop_error_delete(e); /* of somebody else, who cannot be asked here */
    return NULL;
}

static loop_error *make(const loop_sign_options *o, const lp_manifest *m, char **ret)
{
    if (!*m->name || !*m->version)
        return loop_error_hint_set(
            loop_error_new(LOOP_INVALID, "the package does not say its name and version"),
            "another tool made it; `loop pack` writes both");
    if (o->signature) {
        LP_TRY(check_made(o->signature, m));
        *ret = lp_strdup(o->signature);
        return NULL;
    }
    if (!o->key || !o->password)
        return loop_error_new(LOOP_USAGE, "a signature takes a key and its password");
    return loop_keys_sign(o->key, o->password,
                          &(loop_signing){.name = m->name,
                                          .version = m->version,
                                          .bytes = m->bytes,
                                          .len = m->len,
                                          .trusted = o->trusted},
                          ret);
}

loop_error *loop_packages_sign(loop_packages *p, const char *path, const loop_sign_options *options,
                               loop_package_list **ret)
{
    (void)p;
    lp_auto(free_packed) lp_packed *packed = NULL;
    lp_auto(lp_free_string) char *text = NULL;
    LP_TRY(lp_packed_open(path, &packed));
    const lp_manifest *m = lp_packed_manifest(packed);
    loop_error *e = make(options, m, &text);
    if (!e && options->output)
        e = lp_os_write_atomic(options->output, text, strlen(text), 0644);
    else if (!e)
        e = lp_attach_signature(packed, text, path, lp_os_is_dir(path));
    if (e)
        return loop_error_wrap(e, "cannot sign '%s'", path);
    *ret = lp_package_list_new();
    loop_package *row = lp_package_list_manifest(*ret, m);
    row->path = lp_package_list_keep(*ret, options->output ? options->output : path);
    return NULL;
}

/* ---- verifying ---- */

/* Who else has signed it: "93A1F0C2B4D5E6F7, 0011223344556677"; malloced, "" : nobody. */
static char *others(const char *const *texts)
{
    lp_buf b = {0};
    lp_arena arena = {0};
    lp_buf_puts(&b, "");
    for (size_t i = 0; texts && texts[i]; i++) {
        lp_minisig s;
        char id[LP_KEY_ID_TEXT];
        loop_error *e = lp_minisig_parse(&arena, texts[i], strlen(texts[i]), &s);
        if (!e) {
            lp_key_id_text(s.key_id, id);
            lp_buf_printf(&b, "%s%s", b.len ? ", " : "", id);
        }
        loop_error_delete(e);
    }
    lp_arena_done(&arena);
    return lp_buf_take(&b);
}

static loop_error *by_nobody(const char *const *texts)
{
    lp_auto(lp_free_string) char *ids = others(texts);
    if (!texts || !texts[0])
        return loop_error_new(LOOP_DENIED, "nobody has signed it");
    return loop_error_hint_set(
        loop_error_new(LOOP_DENIED, "nobody whom you trust has signed it; it says that it is of %s",
                       ids),
        "`loop keys trust` adds a key that you have from its publisher; --key checks with one");
}

/* A key from elsewhere may be one that the user has revoked. */
static loop_error *check_key(const loop_keys *known, const char *text)
{
    lp_public_key public;
    char id[LP_KEY_ID_TEXT];
    LP_TRY(lp_public_key_parse(text, strlen(text), &public));
    lp_key_id_text(public.id, id);
    if (!is_revoked(known, id))
        return NULL;
    const loop_key *row = lp_keys_known(known, id);
    return loop_error_hint_set(
        loop_error_new(LOOP_DENIED, "the key '%s' (%s) was revoked on %s%s%s", row->name, row->id,
                       row->revoked, *row->reason ? ": " : "", row->reason),
        "nothing that it signed counts any more; its publisher signs again, with another key");
}

/* `known` NULL: nobody is. */
static loop_error *ask(const loop_keys *known, const loop_verify_options *o, loop_key_question *q,
                       loop_signer *ret)
{
    if (o->key)
        LP_TRY(check_key(known, o->key));
    if (o->key)
        return loop_keys_check_with(o->key, q, ret);
    if (known)
        LP_TRY(loop_keys_check(known, q, ret, NULL));
    return *ret->key ? NULL : by_nobody(q->signatures);
}

static loop_error *verify_file(const loop_keys *known, const char *path,
                               const loop_verify_options *o, loop_package_list **ret)
{
    lp_auto(free_packed) lp_packed *packed = NULL;
    lp_arena arena = {0};
    loop_signer signer = {0};
    const char *const given[] = {o->signature, NULL};
    LP_TRY(lp_packed_open(path, &packed));
    const lp_manifest *m = lp_packed_manifest(packed);
    loop_key_question q = {.name = m->name,
                           .version = m->version,
                           .bytes = m->bytes,
                           .len = m->len,
                           .signatures = given,
                           .registry = ""};
    const lp_packed_item *item;
    loop_error *e = NULL;
    for (size_t i = 0; !e && (item = lp_packed_item_at(packed, i)); i++)
        for (size_t k = 0; !e && k < item->count; k++)
            e = lp_packed_blob(packed, item->blobs[k].digest, NULL, NULL);
    if (!e && !o->signature)
        e = lp_signatures_packed(packed, &arena, &q.signatures);
    if (!e)
        e = ask(known, o, &q, &signer);
    lp_arena_done(&arena);
    LP_TRY(e);
    *ret = lp_package_list_new();
    loop_package *row = lp_package_list_manifest(*ret, m);
    row->path = lp_package_list_keep(*ret, path);
    row->signer = signer;
    return NULL;
}

/* What verify_wish asks while the package is looked for. */
struct asking {
    const loop_keys *known;
    const loop_verify_options *options;
};

static loop_error *ask_of(void *data, const loop_package_check *check)
{
    const struct asking *a = data;
    loop_key_question q = question_of(check);
    const char *const given[] = {a->options->signature, NULL};
    if (!a->options->signature)
        LP_TRY(loop_package_signatures(check, false, &q.signatures));
    if (a->options->signature)
        q.signatures = given;
    if (!q.bytes)
        return loop_error_new(LOOP_DENIED, "it is a component alone, without a manifest to sign");
    return ask(a->known, a->options, &q, check->signer);
}

static bool counts_for(void *data, const char *key)
{
    const struct asking *a = data;
    return !is_revoked(a->known, key);
}

static loop_error *verify_wish(loop_packages *p, const loop_keys *known, const char *wish,
                               const loop_verify_options *o, loop_package_list **ret)
{
    struct asking asking = {known, o};
    const lp_packages_checker own = p->checker;
    p->checker = (lp_packages_checker){.verify = ask_of, .counts = counts_for, .data = &asking};
    loop_error *e = loop_packages_find(p, wish, ret);
    p->checker = own;
    if (e || !loop_package_list_at(*ret, 0)->overridden)
        return e;
    loop_package_list_delete(*ret);
    return loop_error_new(LOOP_DENIED,
                          "loop.yaml has a local file in the place of '%s', which "
                          "nobody can have signed",
                          wish);
}

loop_error *loop_packages_verify(loop_packages *p, const char *what,
                                 const loop_verify_options *options, loop_package_list **ret)
{
    lp_auto(free_keys) loop_keys *known = NULL;
    loop_package_list *list = NULL;
    loop_error *e = open_any(p->options.config, &known);
    if (!e)
        e = loop_package_is_wish(what) ? verify_wish(p, known, what, options, &list)
                                       : verify_file(known, what, options, &list);
    if (e)
        return loop_error_wrap(e, "cannot vouch for '%s'", what);
    *ret = list;
    return NULL;
}
