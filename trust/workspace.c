/*
 * trust/workspace.c: implements include/loop/trust.h: the list of workspaces that the user
 * trusts, and the decision.
 *
 * The list is $XDG_CONFIG_HOME/loop/trust.yaml (or in ~/.config), 0600, in the same subset of
 * YAML as loop.yaml, so that a person can read it and take a line out:
 *
 *     loop: 1
 *     trusted:
 *       - { workspace: "/home/ada/dice/loop.yaml", digest: "5f0d...", since: "2026-11-23" }
 *
 * What is trusted is a path with a digest of the bytes that were shown, not a path alone: an
 * edit asks again. It is not bytes alone either: the same file in another folder names other
 * libraries. The files that it names are not digested (knowledge/trust.md says why), so who may
 * change them is looked at where they are loaded.
 *
 * The list speaks for nobody when another user can read or write it, or when it lies inside of
 * the workspace that asks: then it may have come with it.
 */
#include <sodium.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/os/os.h"
#include "base/path.h"
#include "base/text.h"
#include "base/yaml.h"
#include "loop/trust.h"
#include "trust/store.h"

#define NAME "trust.yaml"
#define LIST "the list of trusted workspaces"
#define LOCK "trust.lock" /* held while the list is changed */
#define HEAD                                                                                       \
    "# Workspaces that you trust: what their loop.yaml asks for is loaded and started as "         \
    "yourself.\n"                                                                                  \
    "# Written by `loop trust`. Take a line out, or `loop trust --revoke`, to take it back.\n"     \
    "loop: 1\n"                                                                                    \
    "trusted:\n"

struct loop_trust_list {
    lp_arena arena;
    char *folder, *file; /* of the list; `folder` without links, where it is there */
    struct {
        loop_trusted *at;
        size_t n, cap;
    } rows;
};

void loop_trust_digest(const void *bytes, size_t len, char ret[LOOP_DIGEST_TEXT])
{
    unsigned char digest[(LOOP_DIGEST_TEXT - 1) / 2];
    crypto_generichash(digest, sizeof digest, bytes, len, NULL, 0);
    sodium_bin2hex(ret, LOOP_DIGEST_TEXT, digest, sizeof digest);
}

/* ---- reading the list ---- */

static bool is_digest(const char *s)
{
    return strlen(s) == LOOP_DIGEST_TEXT - 1 && strspn(s, "0123456789abcdef") == strlen(s);
}

static loop_error *read_row(loop_trust_list *l, const lp_yaml *map)
{
    static const char *const names[] = {"workspace", "digest", "since"};
    const char *texts[LP_COUNT(names)];
    if (map->kind != LP_YAML_MAP || map->count != LP_COUNT(names))
        return lp_yaml_error(map, "expected { workspace: ..., digest: ..., since: ... }");
    for (size_t i = 0; i < LP_COUNT(names); i++) {
        const lp_yaml *at = lp_yaml_get(map, names[i]);
        if (!at || at->kind != LP_YAML_TEXT)
            return lp_yaml_error(map, "there is no '%s'", names[i]);
        texts[i] = lp_arena_strndup(&l->arena, at->text, strlen(at->text));
    }
    if (texts[0][0] != '/' || lp_text_check(texts[0]))
        return lp_yaml_error(map, "'workspace' is no absolute path");
    if (!is_digest(texts[1]))
        return lp_yaml_error(map, "'digest' is not 64 hexadecimal digits");
    if (strlen(texts[2]) != strlen("2026-11-23") || strspn(texts[2], "0123456789-") != 10)
        return lp_yaml_error(map, "'since' is no day such as 2026-11-23");
    if (l->rows.n == LP_MAX_TRUSTED)
        return lp_yaml_error(map, "more than %d workspaces", LP_MAX_TRUSTED);
    *lp_push(&l->rows) = (loop_trusted){texts[0], texts[1], texts[2]};
    return NULL;
}

static loop_error *read_rows(loop_trust_list *l, const lp_yaml *root)
{
    const lp_yaml *version = lp_yaml_get(root, "loop"), *rows = lp_yaml_get(root, "trusted");
    if (root->kind == LP_YAML_NULL)
        return NULL;
    if (!version || version->kind != LP_YAML_TEXT || strcmp(version->text, "1") != 0)
        return lp_yaml_error(root, "expected 'loop: 1', the version of the format");
    if (!rows || rows->kind == LP_YAML_NULL)
        return NULL;
    if (rows->kind != LP_YAML_LIST)
        return lp_yaml_error(rows, "expected a list for 'trusted'");
    for (const lp_yaml *i = rows->first; i; i = i->next)
        LP_TRY(read_row(l, i));
    return NULL;
}

/* Whether the list is the user's own, and nobody else's. */
static loop_error *check_list(const loop_trust_list *l)
{
    loop_error *e = NULL;
    lp_auto(lp_free_string) char *why = lp_os_why_unsafe(l->file);
    if (why)
        e = loop_error_hint_set(loop_error_new(LOOP_DENIED, "%s", why),
                                "make it yours alone, or remove '%s' and trust anew", l->file);
    else if (!lp_os_is_secret(l->file))
        e = loop_error_hint_set(
            loop_error_new(LOOP_DENIED, "it is not yours, or others can read it"),
            "if you wrote it: chmod 600 '%s'", l->file);
    return e ? loop_error_wrap(e, "cannot rely on the list of trusted workspaces '%s'", l->file)
             : NULL;
}

static loop_error *read_list(loop_trust_list *l)
{
    LP_TRY(lp_store_folder(&l->folder));
    l->file = lp_path_join(l->folder, NAME);
    if (!lp_os_exists(l->file))
        return NULL;
    LP_TRY(check_list(l));
    lp_auto(lp_yaml_free) lp_yaml_doc *doc = NULL;
    LP_TRY(lp_yaml_read(l->file, l->file, &doc));
    return read_rows(l, lp_yaml_root(doc));
}

loop_error *loop_trust_list_open(loop_trust_list **ret)
{
    loop_trust_list *l = lp_alloc(sizeof *l);
    loop_error *e = read_list(l);
    if (!e)
        *ret = l;
    else
        loop_trust_list_delete(l);
    return e;
}

const loop_trusted *loop_trust_list_at(const loop_trust_list *l, size_t i)
{
    return i < l->rows.n ? &l->rows.at[i] : NULL;
}

void loop_trust_list_delete(loop_trust_list *l)
{
    if (!l)
        return;
    free(l->folder);
    free(l->file);
    free(l->rows.at);
    lp_arena_done(&l->arena);
    free(l);
}

static void free_list(loop_trust_list **l)
{
    loop_trust_list_delete(*l);
}

/* ---- the decision ---- */

static loop_trusted *find(const loop_trust_list *l, const char *path)
{
    for (size_t i = 0; i < l->rows.n; i++)
        if (strcmp(l->rows.at[i].path, path) == 0)
            return &l->rows.at[i];
    return NULL;
}

/*
 * "loop trust", with the path where a plain one would not find this workspace; one that a shell
 * would read otherwise is left to the reader.
 */
static char *command(const char *path)
{
    lp_auto(lp_free_string) char *cwd = lp_os_cwd();
    lp_auto(lp_free_string) char *here = cwd ? lp_path_join(cwd, "loop.yaml") : NULL;
    if (here && strcmp(here, path) == 0)
        return lp_strdup("loop trust");
    bool plain = !strpbrk(path, " '\"`$&|;<>(){}[]*?!#~\\");
    return lp_format("loop trust %s", plain ? path : "FILE");
}

/* What came with the workspace cannot speak for it. */
static loop_error *check_outside(const loop_trust_list *l, const char *path)
{
    lp_auto(lp_free_string) char *root = lp_path_parent(path);
    if (!lp_path_inside(l->file, root))
        return NULL;
    return loop_error_hint_set(
        loop_error_new(LOOP_DENIED,
                       "the list of trusted workspaces '%s' lies inside of the workspace '%s'",
                       l->file, path),
        "move the workspace to a folder of its own, or XDG_CONFIG_HOME out of it");
}

/* Nobody can vouch for bytes that somebody else may replace. */
static loop_error *check_place(const char *path)
{
    lp_auto(lp_free_string) char *why = lp_os_why_unsafe(path);
    const char *bad = lp_text_check(path);
    if (!why && !bad)
        return NULL;
    loop_error *e = loop_error_new(LOOP_DENIED, "%s", why ? why : bad);
    e = loop_error_hint_set(e, "a workspace that is trusted is yours alone: its file and every "
                               "folder above it belong to you or to root, and nobody else can "
                               "write there");
    return loop_error_wrap(e, "the workspace '%s' cannot be trusted", path);
}

static loop_error *decide(const loop_trust_list *l, const char *path, const char *digest)
{
    lp_auto(lp_free_string) char *how = command(path);
    const loop_trusted *row = find(l, path);
    LP_TRY(check_outside(l, path));
    if (!row)
        return loop_error_hint_set(
            loop_error_new(LOOP_DENIED, "the workspace '%s' is not trusted", path),
            "look at what it asks for, and decide: %s", how);
    if (strcmp(row->digest, digest) != 0)
        return loop_error_hint_set(loop_error_new(LOOP_DENIED,
                                                  "'%s' was changed since it was trusted on %s",
                                                  path, row->since),
                                   "look at it, then: %s", how);
    return NULL;
}

loop_error *loop_trust_check(const char *path, const char *digest)
{
    lp_auto(free_list) loop_trust_list *l = NULL;
    LP_TRY(check_place(path));
    LP_TRY(loop_trust_list_open(&l));
    return decide(l, path, digest);
}

/* ---- writing the list ---- */

static void put_row(lp_buf *b, const loop_trusted *row)
{
    lp_buf_puts(b, "  - { workspace: ");
    lp_buf_json(b, row->path, strlen(row->path));
    lp_buf_printf(b, ", digest: \"%s\", since: \"%s\" }\n", row->digest, row->since);
}

static loop_error *write_list(const loop_trust_list *l)
{
    lp_buf b = {0};
    lp_buf_puts(&b, HEAD);
    for (size_t i = 0; i < l->rows.n; i++)
        put_row(&b, &l->rows.at[i]);
    loop_error *e = lp_store_write(NAME, LIST, &b);
    lp_buf_done(&b);
    return e;
}

loop_error *loop_trust_give(const char *path, const char *digest)
{
    lp_auto(free_list) loop_trust_list *l = NULL;
    char since[16];
    if (path[0] != '/' || !is_digest(digest))
        return loop_error_new(LOOP_USAGE, "trust is for an absolute path and a digest");
    lp_auto(lp_store_unlock) lp_os_lock *lock = NULL;
    LP_TRY(check_place(path));
    LP_TRY(lp_store_lock(LOCK, LIST, &lock)); /* of two, the second would undo what the first did */
    LP_TRY(loop_trust_list_open(&l));
    LP_TRY(check_outside(l, path));
    loop_trusted *row = find(l, path);
    if (!row && l->rows.n == LP_MAX_TRUSTED)
        return loop_error_hint_set(
            loop_error_new(LOOP_LIMIT, "more than %d trusted workspaces", LP_MAX_TRUSTED),
            "take some back: loop trust --list, loop trust --revoke PATH");
    if (!row)
        row = lp_push(&l->rows);
    lp_store_today(since);
    *row = (loop_trusted){path, digest, since};
    return write_list(l);
}

loop_error *loop_trust_revoke(const char *path)
{
    lp_auto(free_list) loop_trust_list *l = NULL;
    lp_auto(lp_store_unlock) lp_os_lock *lock = NULL;
    LP_TRY(lp_store_lock(LOCK, LIST, &lock)); /* of two, the second would undo what the first did */
    LP_TRY(loop_trust_list_open(&l));
    lp_auto(lp_free_string) char *inside = lp_path_join(path, "loop.yaml");
    size_t kept = 0;
    for (size_t i = 0; i < l->rows.n; i++)
        if (strcmp(l->rows.at[i].path, path) != 0 && strcmp(l->rows.at[i].path, inside) != 0)
            l->rows.at[kept++] = l->rows.at[i];
    if (kept == l->rows.n)
        return loop_error_hint_set(
            loop_error_new(LOOP_NOT_FOUND, "the workspace '%s' is not trusted", path),
            "`loop trust --list` shows those that are");
    l->rows.n = kept;
    return write_list(l);
}
