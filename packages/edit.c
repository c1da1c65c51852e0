/*
 * packages/edit.c: a component more or less in loop.yaml, as text.
 *
 * The file is a person's: its comments, its order and its blank lines are theirs. So lines are put
 * in and taken out, and nothing is written anew. Where they go is found by the positions of the
 * parsed tree; then the new text is parsed, and its tree must be the old one but for the one
 * component. What this does not see through (a map in braces, a block of text that ends the
 * components) fails there, and the person is told which lines to write.
 */
#include <stdlib.h>

#include "base/yaml.h"
#include "packages/lock.h"

/* A file's text and where its lines begin; lines count from 1. */
typedef struct text {
    const char *shown, *bytes;
    size_t len;
    struct {
        size_t *at;
        size_t n, cap;
    } lines; /* and the end, last */
    lp_yaml_doc *doc;
    const lp_yaml *root, *components; /* NULL: there are none */
} text;

static loop_error *text_open(text *t, const char *shown, const char *bytes, size_t len)
{
    *t = (text){.shown = shown, .bytes = bytes, .len = len};
    LP_TRY(lp_yaml_parse(shown, bytes, len, &t->doc));
    t->root = lp_yaml_root(t->doc);
    t->components = lp_yaml_get(t->root, "components");
    *lp_push(&t->lines) = 0;
    for (size_t i = 0; i + 1 < len; i++) /* as YAML counts them: a lone CR ends one, too */
        if (bytes[i] == '\n' || (bytes[i] == '\r' && bytes[i + 1] != '\n'))
            *lp_push(&t->lines) = i + 1;
    *lp_push(&t->lines) = len;
    return NULL;
}

static void text_done(text *t)
{
    lp_yaml_delete(t->doc);
    free(t->lines.at);
}

static size_t line_count(const text *t)
{
    return t->lines.n - 1;
}

static size_t line_start(const text *t, size_t line)
{
    return t->lines.at[LP_MIN(line, t->lines.n) - 1]; /* past the end: what is made is not right */
}

/* Whether a line is part of a component whose name stands at `indent`: it is not blank, and a
 * comment only where it stands farther in (or is one that only looks so, in a text). */
static bool is_part(const text *t, size_t line, size_t indent)
{
    size_t start = line_start(t, line), i = start, end = line_start(t, line + 1);
    while (i < end && strchr(" \t\r\n", t->bytes[i]))
        i++;
    return i < end && (t->bytes[i] != '#' || i - start > indent);
}

/* The last line of a component that begins at `from`, with something else at `before`. */
static size_t last_line(const text *t, size_t from, size_t before, size_t indent)
{
    while (before > from + 1 && !is_part(t, before - 1, indent))
        before--;
    return before - 1;
}

/* The line after a child of a map: where the next one of it begins, or of what is around it. */
static size_t line_after(const lp_yaml *child, size_t around)
{
    return child->next ? child->next->key->line : around;
}

static const char *line_end(const text *t)
{
    const char *newline = memchr(t->bytes, '\n', t->len);
    return newline && newline > t->bytes && newline[-1] == '\r' ? "\r\n" : "\n";
}

/* ---- the same but for one component ---- */

static bool same(const lp_yaml *a, const lp_yaml *b)
{
    if (a->kind != b->kind || a->quoted != b->quoted || a->count != b->count ||
        strcmp(a->text, b->text) != 0 || !a->key != !b->key ||
        (a->key && strcmp(a->key->text, b->key->text) != 0))
        return false;
    const lp_yaml *x = a->first, *y = b->first;
    for (; x && y; x = x->next, y = y->next)
        if (!same(x, y))
            return false;
    return !x && !y;
}

static const lp_yaml *skip(const lp_yaml *child, const char *name)
{
    return child && strcmp(child->key->text, name) == 0 ? child->next : child;
}

/* Whether two maps have the same children in the same order, but for the one of a name. */
static bool same_but(const lp_yaml *a, const lp_yaml *b, const char *name)
{
    const lp_yaml *x = a ? skip(a->first, name) : NULL, *y = b ? skip(b->first, name) : NULL;
    while (x && y && same(x, y)) {
        x = skip(x->next, name);
        y = skip(y->next, name);
    }
    return !x && !y;
}

/* Whether `made` says what `t` says, but for the component, which is from `wish` (NULL: gone). */
static bool is_right(const text *t, const char *made, const char *component, const char *wish)
{
    lp_auto(lp_yaml_free) lp_yaml_doc *doc = NULL;
    loop_error *e = lp_yaml_parse(t->shown, made, strlen(made), &doc);
    if (e) {
        loop_error_delete(e);
        return false;
    }
    const lp_yaml *root = lp_yaml_root(doc), *components = lp_yaml_get(root, "components");
    const lp_yaml *was = lp_yaml_get(t->components, component);
    const lp_yaml *is = lp_yaml_get(components, component);
    const lp_yaml *package = lp_yaml_get(is, "package");
    if (root->kind != LP_YAML_MAP || !same_but(t->root, root, "components") ||
        !same_but(t->components, components, component))
        return false;
    if (!wish)
        return !is;
    return package && package->kind == LP_YAML_TEXT && strcmp(package->text, wish) == 0 &&
           same_but(was, is, "package");
}

/* ---- making the new text ---- */

/* A wish as a value: plain where YAML takes it for what it is. */
static char *value_of(const char *wish)
{
    if (!wish[strspn(wish, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                           ":@^~.*=+-")])
        return lp_strdup(wish);
    lp_buf b = {0};
    lp_buf_json(&b, wish, strlen(wish));
    return lp_buf_take(&b);
}

static void put_entry(lp_buf *b, const char *component, const char *value, unsigned indent,
                      unsigned step, const char *end)
{
    lp_buf_printf(b, "%*s%s:%s", (int)indent, "", component, end);
    lp_buf_printf(b, "%*spackage: %s%s", (int)(indent + step), "", value, end);
}

/* Everything up to `at`, then what `b` has, then the rest from `on`. */
static char *splice(const text *t, size_t at, const char *middle, size_t on)
{
    lp_buf b = {0};
    lp_buf_add(&b, t->bytes, at);
    lp_buf_puts(&b, middle);
    lp_buf_add(&b, t->bytes + on, t->len - on);
    return lp_buf_take(&b);
}

/* The lines of `middle` after a line; one that has no end gets it. */
static char *put_after(const text *t, size_t line, const char *middle)
{
    size_t at = line_start(t, line + 1);
    bool ended = at > 0 && t->bytes[at - 1] == '\n';
    lp_auto(lp_free_string) char *lines =
        lp_format("%s%s", ended || !at ? "" : line_end(t), middle);
    return splice(t, at, lines, at);
}

/* In the place of an empty map in braces. */
static char *put_for_braces(const text *t, const char *middle)
{
    size_t line = t->components->line, at, on;
    if (line != t->components->key->line)
        return NULL;
    at = line_start(t, line);
    const char *end = t->bytes + line_start(t, line + 1);
    const char *braces = t->bytes + at + t->components->column - 1;
    if (end - braces < 2 || memcmp(braces, "{}", 2) != 0)
        return NULL;
    at = on = (size_t)(braces - t->bytes);
    while (at > 0 && t->bytes[at - 1] == ' ')
        at--;
    lp_auto(lp_free_string) char *rest = lp_strndup(braces + 2, (size_t)(end - braces) - 2);
    bool ended = end > t->bytes && end[-1] == '\n';
    lp_auto(lp_free_string) char *lines =
        lp_format("%s%s%s", rest, ended ? "" : line_end(t), middle);
    return splice(t, at, lines, on + 2 + strlen(rest));
}

/* The component at the end of `components:`, which is made where it is not there. */
static char *make_entry(const text *t, const char *component, const char *value)
{
    const lp_yaml *at = t->components;
    const char *end = line_end(t);
    const lp_yaml *first = at && at->kind == LP_YAML_MAP ? at->first : NULL;
    unsigned indent = first ? first->key->column - 1 : 2, step = 2;
    if (first && first->kind == LP_YAML_MAP && first->first &&
        first->first->key->line > first->key->line)
        step = first->first->key->column - first->key->column;
    lp_buf b = {0};
    if (!at)
        lp_buf_printf(&b, "components:%s", end);
    put_entry(&b, component, value, indent, step, end);
    char *made = NULL;
    size_t line = at ? at->key->line : 0, after = at ? line_after(at, line_count(t) + 1) : 0;
    if (!at)
        made = put_after(t, line_count(t), b.ptr);
    else if (first || at->kind == LP_YAML_NULL)
        made = put_after(t, first ? last_line(t, line, after, indent) : line, b.ptr);
    else if (at->kind == LP_YAML_MAP)
        made = put_for_braces(t, b.ptr);
    lp_buf_done(&b);
    return made;
}

/* The place of a value on its line; false where its text is written in another way there. */
static bool find_value(const text *t, const lp_yaml *value, size_t *ret_at, size_t *ret_len)
{
    const char *line = t->bytes + line_start(t, value->line);
    const char *end = t->bytes + line_start(t, value->line + 1);
    const char *at = line;
    for (unsigned column = 1; column < value->column && at < end; column++)
        do
            at++;
        while (at < end && ((unsigned char)*at & 0xc0) == 0x80);
    size_t n = strlen(value->text), quote = at < end && (*at == '"' || *at == '\'');
    if ((size_t)(end - at) < n + 2 * quote || memcmp(at + quote, value->text, n) != 0 ||
        (quote && at[n + 1] != *at))
        return false;
    *ret_at = (size_t)(at - t->bytes);
    *ret_len = n + 2 * quote;
    return true;
}

static loop_error *by_hand(const text *t, const char *component, const char *value)
{
    return loop_error_hint_set(
        loop_error_new(LOOP_CONFIG, "'%s' cannot be changed without changing more of it than that",
                       t->shown),
        "write it yourself, among the components, and then run `loop install`: "
        "%s: { package: %s }",
        component, value);
}

static loop_error *taken(const text *t, const lp_yaml *was, const char *component)
{
    const lp_yaml *package = lp_yaml_get(was, "package");
    return loop_error_hint_set(
        loop_error_new(LOOP_USAGE, "%s:%u: there is a component '%s' already%s%s", t->shown,
                       was->key->line, component, package ? ", from " : "",
                       package ? package->text : ""),
        "choose another name for this one: --as NAME");
}

/* Whether two wishes are of one package. */
static bool same_package(const char *a, const char *b)
{
    size_t n = strcspn(a, "@");
    return strcspn(b, "@") == n && strncmp(a, b, n) == 0;
}

static loop_error *add(const text *t, const char *component, const char *wish, char **ret)
{
    const lp_yaml *was = lp_yaml_get(t->components, component);
    const lp_yaml *package = lp_yaml_get(was, "package");
    size_t at, len;
    if (was && (!package || package->kind != LP_YAML_TEXT || !same_package(package->text, wish)))
        return taken(t, was, component);
    lp_auto(lp_free_string) char *value = value_of(wish);
    lp_auto(lp_free_string) char *made = NULL;
    if (!was)
        made = make_entry(t, component, value);
    else if (find_value(t, package, &at, &len))
        made = splice(t, at, value, at + len);
    if (!made || !is_right(t, made, component, wish))
        return by_hand(t, component, value);
    *ret = lp_take(&made);
    return NULL;
}

static loop_error *take_out(const text *t, const char *component, char **ret)
{
    const lp_yaml *was = lp_yaml_get(t->components, component);
    if (!was)
        return loop_error_new(LOOP_NOT_FOUND, "there is no component '%s' in '%s'", component,
                              t->shown);
    size_t around = line_after(t->components, line_count(t) + 1);
    size_t from = line_start(t, was->key->line);
    size_t last = last_line(t, was->key->line, line_after(was, around), was->key->column - 1);
    lp_auto(lp_free_string) char *made = splice(t, from, "", line_start(t, last + 1));
    if (strspn(t->bytes + from, " ") != was->key->column - 1 || !is_right(t, made, component, NULL))
        return loop_error_hint_set(
            loop_error_new(LOOP_CONFIG,
                           "'%s' cannot be changed without changing more of it than that",
                           t->shown),
            "take the component '%s' (line %u) out yourself, and then run `loop install`",
            component, was->key->line);
    *ret = lp_take(&made);
    return NULL;
}

loop_error *lp_edit_add(const char *shown, const char *bytes, size_t len, const char *component,
                        const char *wish, char **ret)
{
    text t;
    loop_error *e = text_open(&t, shown, bytes, len);
    if (!e)
        e = add(&t, component, wish, ret);
    text_done(&t);
    return e;
}

loop_error *lp_edit_remove(const char *shown, const char *bytes, size_t len, const char *component,
                           char **ret)
{
    text t;
    loop_error *e = text_open(&t, shown, bytes, len);
    if (!e)
        e = take_out(&t, component, ret);
    text_done(&t);
    return e;
}
