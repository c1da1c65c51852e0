/*
 * trust/keys_file.c: keys.yaml of the user's configuration.
 *
 *     loop: 1
 *     signatures:                  # by hand; not there: known
 *       default: known
 *       namespaces: { acme: required }
 *       registries: { team: required }
 *     keys:
 *       - name: "ada"
 *         key: "RWQ..."
 *         namespaces: ["acme"]
 *         class: "untrusted"
 *         since: "2026-11-23"
 *         after: "93A1F0C2B4D5E6F7"     # it took over from this one
 *         revoked: "2026-12-01"         # it counts no more
 *         reason: "the laptop was stolen"
 *
 * A row never goes by itself: a revoked key that was forgotten could be trusted again.
 */
#include "trust/keys.h"

#include <stdlib.h>

#include "base/path.h"
#include "base/text.h"
#include "base/yaml.h"
#include "trust/store.h"

#define NAME "keys.yaml"
#define HEAD                                                                                       \
    "# Keys of publishers whose packages you take, and what they may sign. Written by `loop "      \
    "keys`.\n"                                                                                     \
    "loop: 1\n"

static const char *const rule_names[] = {"optional", "known", "required"};

const char *lp_key_name_wrong(const char *name)
{
    size_t n = strlen(name);
    if (!n || n >= LOOP_KEY_NAME)
        return "it has 1 to 64 characters";
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") != n || *name == '-' || *name == '.')
        return "it is lower-case letters, digits, '-' and '.', and begins with a letter or digit";
    return NULL;
}

bool lp_key_namespace_is(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    size_t n = strspn(text, letters);
    if (!n || strlen(text) > LP_MAX_NAME)
        return false;
    return !text[n] ||
           (text[n] == ':' && text[n + 1] && !text[n + 1 + strspn(text + n + 1, letters)]);
}

loop_key *lp_keys_known(const loop_keys *k, const char *id)
{
    for (size_t i = 0; i < k->rows.n; i++)
        if (k->rows.at[i].known && strcmp(k->rows.at[i].id, id) == 0)
            return &k->rows.at[i];
    return NULL;
}

bool lp_key_may_sign(const loop_key *key, const char *package)
{
    size_t n = strcspn(package, ":");
    for (const char *const *i = key->namespaces; *i; i++)
        if (strcmp(*i, package) == 0 || (strlen(*i) == n && memcmp(*i, package, n) == 0))
            return true;
    return false;
}

/* ---- reading ---- */

static loop_error *read_text(loop_keys *k, const lp_yaml *map, const char *key, bool must,
                             const char **ret)
{
    const lp_yaml *at = lp_yaml_get(map, key);
    *ret = "";
    if (!at && !must)
        return NULL;
    if (!at)
        return lp_yaml_error(map, "there is no '%s'", key);
    if (at->kind != LP_YAML_TEXT || lp_text_check(at->text))
        return lp_yaml_error(at, "expected text for '%s'", key);
    *ret = lp_arena_strndup(&k->arena, at->text, strlen(at->text));
    return NULL;
}

static loop_error *check_keys(const lp_yaml *map, const char *const *keys)
{
    if (map->kind != LP_YAML_MAP)
        return lp_yaml_error(map, "expected a map, found %s", lp_yaml_kind_name(map));
    for (const lp_yaml *i = map->first; i; i = i->next) {
        size_t n = 0;
        while (keys[n] && strcmp(keys[n], i->key->text) != 0)
            n++;
        if (!keys[n])
            return lp_yaml_error(i->key, "unknown key '%s'", i->key->text);
    }
    return NULL;
}

static loop_error *read_namespaces(loop_keys *k, const lp_yaml *map, loop_key *row)
{
    const lp_yaml *list = lp_yaml_get(map, "namespaces");
    if (!list || list->kind != LP_YAML_LIST || list->count > LP_MAX_KEY_NAMESPACES)
        return lp_yaml_error(list ? list : map, "expected a list of at most %d for 'namespaces'",
                             LP_MAX_KEY_NAMESPACES);
    const char **names = lp_arena_alloc(&k->arena, (list->count + 1) * sizeof *names);
    size_t n = 0;
    for (const lp_yaml *i = list->first; i; i = i->next) {
        if (i->kind != LP_YAML_TEXT || !lp_key_namespace_is(i->text))
            return lp_yaml_error(i, "expected a namespace (acme) or a package (acme:notes)");
        names[n++] = lp_arena_strndup(&k->arena, i->text, strlen(i->text));
    }
    row->namespaces = names;
    return NULL;
}

static bool is_day(const char *s)
{
    return strlen(s) == strlen("2026-11-23") && strspn(s, "0123456789-") == 10;
}

static loop_error *check_row(const loop_keys *k, const lp_yaml *map, const loop_key *row,
                             const char *class)
{
    const char *bad = lp_key_name_wrong(row->name);
    if (bad)
        return lp_yaml_error(map, "'%s' is no name of a key: %s", row->name, bad);
    if (strcmp(class, "trusted") != 0 && strcmp(class, "untrusted") != 0)
        return lp_yaml_error(lp_yaml_get(map, "class"), "'class' is trusted or untrusted");
    if (!is_day(row->since) || (*row->revoked && !is_day(row->revoked)))
        return lp_yaml_error(map, "'since' and 'revoked' are days such as 2026-11-23");
    if (*row->after && (strlen(row->after) != LOOP_KEY_ID_TEXT - 1 ||
                        strspn(row->after, "0123456789ABCDEF") != LOOP_KEY_ID_TEXT - 1))
        return lp_yaml_error(lp_yaml_get(map, "after"), "'after' is no id of a key");
    for (size_t i = 0; i < k->rows.n; i++) {
        if (strcmp(k->rows.at[i].id, row->id) == 0)
            return lp_yaml_error(map, "the key %s is there twice", row->id);
        if (strcmp(k->rows.at[i].name, row->name) == 0)
            return lp_yaml_error(map, "the name '%s' is there twice", row->name);
    }
    return k->rows.n < LP_MAX_KEYS ? NULL : lp_yaml_error(map, "more than %d keys", LP_MAX_KEYS);
}

static loop_error *read_row(loop_keys *k, const lp_yaml *map)
{
    static const char *const keys[] = {"name",  "key",     "namespaces", "class", "since",
                                       "after", "revoked", "reason",     NULL};
    const char *class;
    lp_public_key public;
    loop_key row = {.known = true, .file = ""};
    LP_TRY(check_keys(map, keys));
    LP_TRY(read_text(k, map, "name", true, &row.name));
    LP_TRY(read_text(k, map, "key", true, &row.text));
    LP_TRY(read_text(k, map, "class", true, &class));
    LP_TRY(read_text(k, map, "since", true, &row.since));
    LP_TRY(read_text(k, map, "after", false, &row.after));
    LP_TRY(read_text(k, map, "revoked", false, &row.revoked));
    LP_TRY(read_text(k, map, "reason", false, &row.reason));
    LP_TRY(read_namespaces(k, map, &row));
    loop_error *e = lp_public_key_parse(row.text, strlen(row.text), &public);
    if (e) {
        loop_error_delete(e);
        return lp_yaml_error(lp_yaml_get(map, "key"), "'key' is no public key");
    }
    char *id = lp_arena_alloc(&k->arena, LP_KEY_ID_TEXT);
    lp_key_id_text(public.id, id);
    row.id = row.publisher = id;
    LP_TRY(check_row(k, map, &row, class));
    row.trusted = *class == 't';
    *lp_push(&k->rows) = row;
    return NULL;
}

static loop_error *read_rule(loop_keys *k, const lp_yaml *at, char kind)
{
    size_t i = 0;
    while (i < LP_COUNT(rule_names) &&
           (at->kind != LP_YAML_TEXT || strcmp(rule_names[i], at->text) != 0))
        i++;
    if (i == LP_COUNT(rule_names))
        return lp_yaml_error(at, "expected optional, known or required");
    if (kind == 'n' && !lp_key_namespace_is(at->key->text))
        return lp_yaml_error(at->key, "expected a namespace (acme) or a package (acme:notes)");
    if (lp_text_check(at->key->text))
        return lp_yaml_error(at->key, "that is no registry's name");
    if (k->rules.n == LP_MAX_KEY_NAMESPACES)
        return lp_yaml_error(at, "more than %d rules", LP_MAX_KEY_NAMESPACES);
    *lp_push(&k->rules) = (lp_key_rule_row){
        kind, lp_arena_strndup(&k->arena, at->key->text, strlen(at->key->text)), (lp_key_rule)i};
    return NULL;
}

static loop_error *read_rules(loop_keys *k, const lp_yaml *map)
{
    static const char *const keys[] = {"default", "namespaces", "registries", NULL};
    if (!map || map->kind == LP_YAML_NULL)
        return NULL;
    LP_TRY(check_keys(map, keys));
    const lp_yaml *at = lp_yaml_get(map, "default");
    if (at)
        LP_TRY(read_rule(k, at, 'd'));
    for (size_t i = 1; keys[i]; i++) {
        at = lp_yaml_get(map, keys[i]);
        if (!at || at->kind == LP_YAML_NULL)
            continue;
        if (at->kind != LP_YAML_MAP)
            return lp_yaml_error(at, "expected a map for '%s'", keys[i]);
        for (const lp_yaml *row = at->first; row; row = row->next)
            LP_TRY(read_rule(k, row, keys[i][0]));
    }
    return NULL;
}

/* Who a key's packages are of: the first of its line, as far as it is known. */
static void find_publishers(loop_keys *k)
{
    for (size_t i = 0; i < k->rows.n; i++) {
        const loop_key *at = &k->rows.at[i];
        const char *first = at->id;
        for (size_t steps = 0; at && *at->after && steps < k->rows.n; steps++) {
            first = at->after;
            at = lp_keys_known(k, first);
        }
        k->rows.at[i].publisher = first;
    }
}

static loop_error *read_root(loop_keys *k, const lp_yaml *root)
{
    static const char *const keys[] = {"loop", "signatures", "keys", NULL};
    const char *version;
    if (root->kind == LP_YAML_NULL)
        return NULL;
    LP_TRY(check_keys(root, keys));
    LP_TRY(read_text(k, root, "loop", true, &version));
    if (strcmp(version, "1") != 0)
        return lp_yaml_error(root, "expected 'loop: 1', the version of the format");
    LP_TRY(read_rules(k, lp_yaml_get(root, "signatures")));
    const lp_yaml *list = lp_yaml_get(root, "keys");
    if (list && list->kind != LP_YAML_NULL && list->kind != LP_YAML_LIST)
        return lp_yaml_error(list, "expected a list for 'keys'");
    for (const lp_yaml *i = list ? list->first : NULL; i; i = i->next)
        LP_TRY(read_row(k, i));
    find_publishers(k);
    return NULL;
}

loop_error *lp_keys_parse(loop_keys *k, const char *shown, const char *bytes, size_t n)
{
    lp_auto(lp_yaml_free) lp_yaml_doc *doc = NULL;
    LP_TRY(lp_yaml_parse(shown, bytes, n, &doc));
    return read_root(k, lp_yaml_root(doc));
}

loop_error *lp_keys_read(loop_keys *k)
{
    LP_TRY(lp_store_folder(&k->folder));
    k->file = lp_path_join(k->folder, NAME);
    if (lp_os_is_absent(k->file)) /* one that cannot be read is not one that revokes nobody */
        return NULL;
    lp_auto(lp_free_string) char *why = lp_os_why_unsafe(k->file);
    if (why) {
        loop_error *e = loop_error_hint_set(
            loop_error_new(LOOP_DENIED, "%s", why),
            "nobody but you may write to '%s' and the folders above it", k->file);
        return loop_error_wrap(e, "cannot rely on " LP_KEYS_LIST " '%s'", k->file);
    }
    uint8_t *bytes;
    size_t n;
    LP_TRY(lp_yaml_bytes(k->file, k->file, &bytes, &n));
    loop_error *e = lp_keys_parse(k, k->file, (const char *)bytes, n);
    free(bytes);
    return e;
}

/* ---- writing ---- */

static void put_text(lp_buf *b, const char *before, const char *text)
{
    lp_buf_puts(b, before);
    lp_buf_json(b, text, strlen(text));
}

static void put_field(lp_buf *b, const char *before, const char *text)
{
    if (!*text)
        return;
    put_text(b, before, text);
    lp_buf_puts(b, "\n");
}

static void put_rules(lp_buf *b, const loop_keys *k)
{
    static const char *const heads[] = {"default", "namespaces", "registries"};
    if (k->rules.n)
        lp_buf_puts(b, "signatures:\n");
    for (size_t h = 0; h < LP_COUNT(heads); h++) {
        bool any = false;
        for (size_t i = 0; i < k->rules.n; i++) {
            const lp_key_rule_row *r = &k->rules.at[i];
            if (r->kind != heads[h][0])
                continue;
            if (h && !any)
                lp_buf_printf(b, "  %s:\n", heads[h]);
            any = true;
            if (h)
                put_text(b, "    ", r->what);
            lp_buf_printf(b, "%s: %s\n", h ? "" : "  default", rule_names[r->rule]);
        }
    }
}

static void put_row(lp_buf *b, const loop_key *row)
{
    put_field(b, "  - name: ", row->name);
    put_field(b, "    key: ", row->text);
    lp_buf_puts(b, "    namespaces: [");
    for (const char *const *i = row->namespaces; *i; i++)
        put_text(b, i == row->namespaces ? "" : ", ", *i);
    lp_buf_puts(b, "]\n");
    put_field(b, "    class: ", row->trusted ? "trusted" : "untrusted");
    put_field(b, "    since: ", row->since);
    put_field(b, "    after: ", row->after);
    put_field(b, "    revoked: ", row->revoked);
    put_field(b, "    reason: ", row->reason);
}

loop_error *lp_keys_write(const loop_keys *k)
{
    lp_buf b = {0};
    lp_buf_puts(&b, HEAD);
    put_rules(&b, k);
    lp_buf_puts(&b, "keys:\n");
    for (size_t i = 0; i < k->rows.n; i++)
        if (k->rows.at[i].known)
            put_row(&b, &k->rows.at[i]);
    loop_error *e = lp_store_write(NAME, LP_KEYS_LIST, &b);
    lp_buf_done(&b);
    return e;
}
