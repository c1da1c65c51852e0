/*
 * packages/lock.c: loop.lock: which version of each package was chosen, by its digests.
 *
 *     loop: 1
 *     packages:
 *       - name: "acme:ui"
 *         registry: "team"
 *         versions:
 *           - requirement: "^1.2"
 *             version: "1.2.0"
 *             digest: "sha256:..."
 *             manifest: "sha256:..."
 *
 * The fields are those of wkg.lock: `digest` is the component's. `manifest` is loop's own: what
 * else a package says (what it needs, above all) is held, too. wkg can have several versions of a
 * package, loop has one. YAML, since there is a reader with positions and limits for it already,
 * and none for TOML (ARCHITECTURE.md).
 *
 * It is a file that people check in and merge: rows are sorted, one fact a line, nothing of the
 * machine or the time is in it. It may have come with a stranger's workspace: nothing in it is
 * believed but digests, which bytes must have; a registry is chosen by the name of the package.
 */
#include "packages/lock.h"

#include <stdlib.h>

#include "base/os/os.h"
#include "base/text.h"
#include "base/yaml.h"

#define HEAD                                                                                       \
    "# What loop.yaml asked for, and what was chosen. Written by `loop install`; keep it with "    \
    "the "                                                                                         \
    "sources.\n"                                                                                   \
    "loop: 1\n"

/* ---- reading ---- */

/* Takes an error of a value, and says where the value stands. */
static loop_error *at_place(loop_error *e, const lp_yaml *at)
{
    if (!e)
        return NULL;
    loop_error *placed = lp_yaml_error(at, "%s", loop_error_message(e));
    loop_error_delete(e);
    return placed;
}

/* The text of a key; a map has no others than `keys`, which end with NULL. */
static loop_error *read_keys(lp_arena *arena, const lp_yaml *map, const char *const *keys,
                             const char **ret)
{
    if (map->kind != LP_YAML_MAP)
        return lp_yaml_error(map, "expected a map, found %s", lp_yaml_kind_name(map));
    for (const lp_yaml *i = map->first; i; i = i->next) {
        size_t k = 0;
        while (keys[k] && strcmp(keys[k], i->key->text) != 0)
            k++;
        if (!keys[k])
            return lp_yaml_error(i->key, "unknown key '%s'", i->key->text);
    }
    for (size_t k = 0; keys[k]; k++) {
        const lp_yaml *at = lp_yaml_get(map, keys[k]);
        ret[k] = NULL;
        if (!at || at->kind == LP_YAML_LIST || at->kind == LP_YAML_NULL)
            continue;
        if (at->kind != LP_YAML_TEXT || (*at->text && lp_text_check(at->text)))
            return lp_yaml_error(at, "expected text for '%s'", keys[k]);
        ret[k] = lp_arena_strndup(arena, at->text, strlen(at->text));
    }
    return NULL;
}

static loop_error *missing(const lp_yaml *map, const char *key)
{
    return lp_yaml_error(map, "there is no '%s'", key);
}

static loop_error *read_version(lp_arena *arena, const lp_yaml *map, lp_locked *row)
{
    static const char *const keys[] = {"requirement", "version", "digest", "manifest", NULL};
    const char *texts[4];
    LP_TRY(read_keys(arena, map, keys, texts));
    for (size_t i = 0; i < 3; i++)
        if (!texts[i])
            return missing(map, keys[i]);
    const lp_range *range;
    lp_version version;
    LP_TRY(at_place(lp_range_parse(arena, texts[0], &range), lp_yaml_get(map, keys[0])));
    LP_TRY(at_place(lp_version_parse(arena, texts[1], &version), lp_yaml_get(map, keys[1])));
    for (size_t i = 2; i < 4; i++)
        if (texts[i] && !lp_digest_is(texts[i]))
            return lp_yaml_error(lp_yaml_get(map, keys[i]),
                                 "'%s' is not 'sha256:' and 64 hexadecimal digits", keys[i]);
    row->wanted = texts[0];
    row->version = texts[1];
    row->content = texts[2];
    row->digest = texts[3] ? texts[3] : "";
    return NULL;
}

static loop_error *read_package(lp_arena *arena, const lp_yaml *map, lp_locked *row)
{
    static const char *const keys[] = {"name", "registry", "versions", NULL};
    const char *texts[3];
    LP_TRY(read_keys(arena, map, keys, texts));
    for (size_t i = 0; i < 2; i++)
        if (!texts[i])
            return missing(map, keys[i]);
    LP_TRY(at_place(lp_package_name_check(texts[0]), lp_yaml_get(map, "name")));
    const lp_yaml *versions = lp_yaml_get(map, "versions");
    if (!versions || versions->kind != LP_YAML_LIST)
        return lp_yaml_error(versions ? versions : map, "expected a list for 'versions'");
    if (versions->count != 1)
        return loop_error_hint_set(
            lp_yaml_error(versions, "'%s' has %zu versions; loop has one of each package", texts[0],
                          versions->count),
            "take out all but one, or let `loop install` choose: take out the package");
    row->name = texts[0];
    row->registry = texts[1];
    return read_version(arena, versions->first, row);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const lp_locked *)a)->name, ((const lp_locked *)b)->name);
}

static loop_error *read_packages(lp_arena *arena, const lp_yaml *list, lp_lock *lock)
{
    if (!list || list->kind == LP_YAML_NULL)
        return NULL;
    if (list->kind != LP_YAML_LIST)
        return lp_yaml_error(list, "expected a list for 'packages', found %s",
                             lp_yaml_kind_name(list));
    if (list->count > LP_MAX_RESOLVE_PACKAGES)
        return lp_yaml_error(list, "more than %d packages", LP_MAX_RESOLVE_PACKAGES);
    lock->at = lp_arena_alloc(arena, (list->count + 1) * sizeof *lock->at);
    for (const lp_yaml *i = list->first; i; i = i->next)
        LP_TRY(read_package(arena, i, &lock->at[lock->n++]));
    qsort(lock->at, lock->n, sizeof *lock->at, by_name);
    for (size_t i = 1; i < lock->n; i++)
        if (strcmp(lock->at[i].name, lock->at[i - 1].name) == 0)
            return lp_yaml_error(list, "the package '%s' is there twice", lock->at[i].name);
    return NULL;
}

static loop_error *read_root(lp_arena *arena, const lp_yaml *root, lp_lock *lock)
{
    static const char *const keys[] = {"loop", "packages", NULL};
    const char *texts[2];
    LP_TRY(read_keys(arena, root, keys, texts));
    if (!texts[0] || strcmp(texts[0], "1") != 0)
        return lp_yaml_error(root, "expected 'loop: 1', the version of the format");
    return read_packages(arena, lp_yaml_get(root, "packages"), lock);
}

loop_error *lp_lock_parse(lp_arena *arena, const char *shown, const char *bytes, size_t len,
                          lp_lock *ret)
{
    lp_auto(lp_yaml_free) lp_yaml_doc *doc = NULL;
    lp_lock lock = {.there = true};
    loop_error *e = lp_yaml_parse(shown, bytes, len, &doc);
    if (!e)
        e = read_root(arena, lp_yaml_root(doc), &lock);
    if (e)
        return loop_error_hint(e)
                   ? e
                   : loop_error_hint_set(e,
                                         "it is written by `loop install`; after a merge by hand, "
                                         "take the file of one side and run `loop install`");
    *ret = lock;
    return NULL;
}

loop_error *lp_lock_read(lp_arena *arena, const char *path, const char *shown, lp_lock *ret)
{
    uint8_t *bytes;
    size_t len;
    if (!lp_os_exists(path)) {
        *ret = (lp_lock){0};
        return NULL;
    }
    LP_TRY(lp_yaml_bytes(path, shown, &bytes, &len));
    loop_error *e = lp_lock_parse(arena, shown, (const char *)bytes, len, ret);
    free(bytes);
    return e;
}

const lp_locked *lp_lock_find(const lp_lock *lock, const char *name)
{
    const lp_locked key = {.name = name};
    return lock->n ? bsearch(&key, lock->at, lock->n, sizeof *lock->at, by_name) : NULL;
}

/* ---- writing ---- */

static void field(lp_buf *b, const char *before, const char *text)
{
    lp_buf_puts(b, before);
    lp_buf_json(b, text, strlen(text)); /* a JSON string is one of YAML */
    lp_buf_puts(b, "\n");
}

char *lp_lock_format(const lp_locked *rows, size_t n)
{
    lp_locked *sorted = lp_alloc((n + 1) * sizeof *sorted);
    lp_buf b = {0};
    if (n)
        memcpy(sorted, rows, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_name);
    lp_buf_puts(&b, HEAD);
    lp_buf_puts(&b, n ? "packages:\n" : "packages: []\n");
    for (size_t i = 0; i < n; i++) {
        field(&b, "  - name: ", sorted[i].name);
        field(&b, "    registry: ", sorted[i].registry);
        lp_buf_puts(&b, "    versions:\n");
        field(&b, "      - requirement: ", sorted[i].wanted);
        field(&b, "        version: ", sorted[i].version);
        field(&b, "        digest: ", sorted[i].content);
        if (*sorted[i].digest)
            field(&b, "        manifest: ", sorted[i].digest);
    }
    free(sorted);
    return lp_buf_take(&b);
}

loop_error *lp_lock_write(const char *path, const lp_locked *rows, size_t n)
{
    lp_auto(lp_free_string) char *text = lp_lock_format(rows, n);
    uint8_t *old = NULL;
    size_t len = 0;
    loop_error *e = lp_os_read_file(path, LP_MAX_CONFIG_BYTES, &old, &len);
    bool same = !e && len == strlen(text) && memcmp(old, text, len) == 0;
    loop_error_delete(e);
    free(old);
    if (same)
        return NULL;
    if (strlen(text) > LP_MAX_CONFIG_BYTES)
        return loop_error_new(LOOP_LIMIT, "loop.lock would have more than %u bytes",
                              LP_MAX_CONFIG_BYTES);
    return lp_os_write_atomic(path, text, strlen(text), 0644);
}
