/*
 * api/config_values.c: keys and single values of the YAML files, options and
 * classes.
 *
 * Which keys are allowed where comes from the rows of config_rows.c: a map is
 * checked as a whole before anything in it is read, so that a mistyped key is
 * reported as such and not as something missing.
 */
#include <stdlib.h>

#include "api/config.h"

#define MAX_ALLOWED 32 /* keys of one map */
#define SHOWN 64       /* bytes of a name in a message */

char *lp_config_keep(loop_config *c, const char *s)
{
    return lp_arena_strndup(&c->arena, s, strlen(s));
}

static loop_origin origin_of(const lp_yaml *at)
{
    return (loop_origin){at->file, at->line, at->column};
}

loop_origin lp_config_origin(loop_config *c, const lp_yaml *at)
{
    return (loop_origin){lp_config_keep(c, at->file), at->line, at->column};
}

/* ---- keys ---- */

const char *lp_config_nearest(const char *name, const char *const *names, size_t n)
{
    const char *best = NULL;
    size_t limit = LP_MAX((size_t)1, LP_MIN((size_t)3, strlen(name) / 2));
    for (size_t i = 0; i < n; i++) {
        unsigned distance = lp_edit_distance(name, names[i]);
        if (distance <= limit) {
            limit = distance ? distance - 1 : 0;
            best = names[i];
        }
        if (!limit && best)
            break;
    }
    return best;
}

loop_error *lp_config_suggest(loop_error *e, const char *name, const char *const *names, size_t n)
{
    const char *near = lp_config_nearest(name, names, n);
    size_t listed = LP_MIN(n, (size_t)MAX_ALLOWED);
    lp_buf b = {0};
    if (!n)
        return e;
    if (near)
        lp_buf_printf(&b, "did you mean '%s'? ", near);
    lp_buf_puts(&b, "allowed: ");
    for (size_t i = 0; i < listed; i++)
        lp_buf_printf(&b, "%s%s", i ? ", " : "", names[i]);
    lp_buf_puts(&b, listed < n ? ", ..." : "");
    e = loop_error_hint_set(e, "%s", b.ptr);
    lp_buf_done(&b);
    return e;
}

/* Whether a profile may say it too: nothing about components. */
static bool in_profile(const char *path)
{
    return strcmp(path, "loop") == 0 || strcmp(path, "production") == 0 ||
           strcmp(path, "bind") == 0 || lp_starts_with(path, "log") ||
           lp_starts_with(path, "limits");
}

/* The names that a map at `prefix` may have ("" is the whole file). */
static size_t allowed_at(const char *prefix, lp_config_file_kind kind, const char **ret)
{
    size_t n = 0, skip = strlen(prefix);
    for (size_t i = 0; lp_config_key_at(i); i++) {
        const char *path = lp_config_key_at(i)->path;
        if (!lp_starts_with(path, prefix) || (skip && path[skip] != '.'))
            continue;
        const char *name = path + skip + (skip ? 1 : 0);
        if (strchr(name, '.') || (kind == LP_CONFIG_PROFILE && !in_profile(path)))
            continue;
        if (n < MAX_ALLOWED)
            ret[n++] = name;
    }
    return n;
}

loop_error *lp_config_expected(const lp_yaml *at, const char *what, const char *name)
{
    return lp_yaml_error(at, "expected %s for '%s', found %s", what, name, lp_yaml_kind_name(at));
}

/* A map with allowed keys only; nothing at all is an empty one. */
loop_error *lp_config_check_map(const lp_yaml *map, const char *prefix, lp_config_file_kind kind,
                                const char *where)
{
    if (map->kind == LP_YAML_NULL)
        return NULL;
    if (map->kind != LP_YAML_MAP)
        return lp_yaml_error(map, "expected a map%s, found %s", where, lp_yaml_kind_name(map));
    const char *names[MAX_ALLOWED];
    size_t n = allowed_at(prefix, kind, names);
    for (const lp_yaml *i = map->first; i; i = i->next) {
        size_t k = 0;
        while (k < n && strcmp(names[k], i->key->text) != 0)
            k++;
        if (k < n)
            continue;
        loop_error *e = lp_yaml_error(i->key, "unknown key '%s'%s", i->key->text, where);
        return lp_config_suggest(e, i->key->text, names, n);
    }
    return NULL;
}

/* ---- single values ---- */

loop_error *lp_config_read_text(loop_config *c, const lp_yaml *at, const char *name,
                                const char **ret)
{
    if (at->kind != LP_YAML_TEXT)
        return lp_config_expected(at, "text", name);
    *ret = lp_config_keep(c, at->text);
    return NULL;
}

loop_error *lp_config_read_path(loop_config *c, const lp_yaml *at, const char *name,
                                const char **ret)
{
    LP_TRY(lp_config_read_text(c, at, name, ret));
    if (!**ret || strlen(*ret) > LP_MAX_PATH)
        return lp_yaml_error(at, "expected a path for '%s', found %s", name,
                             **ret ? "one that is too long" : "empty text");
    return NULL;
}

loop_error *lp_config_read_size(const lp_yaml *at, const char *name, uint64_t *ret)
{
    uint64_t v = 0;
    if (at->kind != LP_YAML_TEXT)
        return lp_config_expected(at, "a size such as 64MiB", name);
    if (!lp_parse_size(at->text, &v) || !v)
        return lp_yaml_error(at, "expected a size such as 64MiB for '%s', found '%s'", name,
                             at->text);
    *ret = v;
    return NULL;
}

loop_error *lp_config_read_duration(const lp_yaml *at, const char *name, uint64_t *ret)
{
    uint64_t v = 0;
    if (at->kind != LP_YAML_TEXT)
        return lp_config_expected(at, "a duration such as 5s", name);
    if (!lp_parse_duration(at->text, &v) || !v)
        return lp_yaml_error(at, "expected a duration such as 5s for '%s', found '%s'", name,
                             at->text);
    *ret = v;
    return NULL;
}

/* A list of text, NULL-terminated; one text alone is a list of one where `lone`. */
loop_error *lp_config_read_texts(loop_config *c, const lp_yaml *at, const char *name, bool lone,
                                 const char *const **ret)
{
    bool one = lone && at->kind == LP_YAML_TEXT;
    if (!one && at->kind != LP_YAML_LIST && at->kind != LP_YAML_NULL)
        return lp_config_expected(at, lone ? "text or a list of text" : "a list of text", name);
    size_t n = one ? 1 : at->count, k = 0;
    const char **texts = lp_arena_alloc(&c->arena, (n + 1) * sizeof *texts);
    if (one)
        LP_TRY(lp_config_read_text(c, at, name, &texts[k++]));
    for (const lp_yaml *i = at->first; i; i = i->next)
        LP_TRY(lp_config_read_text(c, i, name, &texts[k++]));
    *ret = texts;
    return NULL;
}

/* ---- options ---- */

void lp_config_set(loop_config *c, size_t option, const char *text, loop_origin origin)
{
    origin.source = lp_config_keep(c, origin.source);
    c->values[option] = (lp_config_value){lp_config_keep(c, text), origin};
}

static loop_error *read_option(loop_config *c, const lp_yaml *at, size_t option)
{
    const loop_option *row = loop_option_at(option);
    lp_auto(lp_free_string) char *what = lp_option_check(row, at->text);
    if (at->kind != LP_YAML_TEXT)
        return lp_config_expected(at, what ? what : "text", row->key);
    if (what)
        return lp_yaml_error(at, "expected %s for '%s', found '%s'", what, row->key, at->text);
    lp_config_set(c, option, at->text, origin_of(at));
    return NULL;
}

loop_error *lp_config_read_options(loop_config *c, const lp_yaml *root, lp_config_file_kind kind)
{
    LP_TRY(lp_config_check_map(root, "", kind, kind == LP_CONFIG_PROFILE ? " in a profile" : ""));
    static const char *const groups[] = {"log", "limits"};
    for (size_t i = 0; i < LP_COUNT(groups); i++) {
        const lp_yaml *group = lp_yaml_get(root, groups[i]);
        lp_auto(lp_free_string) char *where = lp_format(" in '%s'", groups[i]);
        if (group)
            LP_TRY(lp_config_check_map(group, groups[i], kind, where));
    }
    for (size_t i = 0; i < lp_option_count(); i++) {
        const char *key = loop_option_at(i)->key;
        const char *dot = strchr(key, '.');
        lp_auto(lp_free_string) char *group = dot ? lp_strndup(key, (size_t)(dot - key)) : NULL;
        const lp_yaml *map = group ? lp_yaml_get(root, group) : root;
        const lp_yaml *at = lp_yaml_get(map, dot ? dot + 1 : key);
        if (at)
            LP_TRY(read_option(c, at, i));
    }
    return NULL;
}
